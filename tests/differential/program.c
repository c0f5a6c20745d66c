/* SPDX-License-Identifier: MIT */
/* Reads programs: lines to statements, and blocks to their ends. */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
program_init(struct program *program)
{
    memset(program, 0, sizeof(*program));
    program->count = 1;
    for (size_t i = 0; i < MOST_NAMES; i++) {
        program->permits[i] = 1;
        program->parties[i] = 2;
    }
}

static bool
refuse(struct program *program, const char *why, const char *what)
{
    program->why = why;
    program->what = what;
    return false;
}

static const struct verb *
find_in(const struct verb *verbs, const char *name)
{
    for (; verbs->name != NULL; verbs++) {
        if (strcmp(verbs->name, name) == 0)
            return verbs;
    }
    return NULL;
}

/* A task, and what is done before all: they are blocks too. */
static const struct verb top_verbs[] = {
    {"task", VERB_BLOCK, 1, NULL},
    {"before", VERB_BLOCK, 0, NULL},
    {NULL, VERB_BLOCK, 0, NULL},
};

static const struct verb *
find_verb(const char *name)
{
    const struct verb *tables[] = {top_verbs, task_verbs, wait_verbs,
                                   sync_verbs};

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const struct verb *verb = find_in(tables[i], name);
        if (verb != NULL)
            return verb;
    }
    return NULL;
}

/* Words. */

static void
cut_words(struct statement *statement, const char *line)
{
    char *rest;

    snprintf(statement->text, sizeof(statement->text), "%.*s",
             (int)strcspn(line, "#\r\n"), line);
    memcpy(statement->cut, statement->text, sizeof(statement->cut));
    statement->word_count = 0;
    for (char *word = strtok_r(statement->cut, " \t", &rest);
         word != NULL && statement->word_count < MOST_WORDS;
         word = strtok_r(NULL, " \t", &rest))
        statement->words[statement->word_count++] = word;
}

/* The text as the trace shows it: the words, and one space between them. */
static void
join_words(struct statement *statement)
{
    size_t size = 0;

    for (size_t i = 0; i < statement->word_count; i++) {
        const char *word = statement->words[i];
        size_t length = strlen(word);

        if (i > 0)
            statement->text[size++] = ' ';
        memcpy(statement->text + size, word, length);
        size += length;
    }
    statement->text[size] = '\0';
}

static struct statement *
next_statement(struct program *program)
{
    return program->count < MOST_STATEMENTS
               ? &program->statements[program->count++]
               : NULL;
}

/* Where the words of what a callback does begin; 0: it is no such verb. */
static size_t
inner_begins(const char *verb)
{
    if (strcmp(verb, "soon") == 0)
        return 1;
    if (strcmp(verb, "later") == 0)
        return 2;
    return strcmp(verb, "alarm") == 0 ? 3 : 0;
}

static bool check_words(struct program *program, struct statement *statement);

static bool
add_inner(struct program *program, struct statement *statement, size_t from)
{
    struct statement *inner = next_statement(program);

    if (inner == NULL)
        return refuse(program, "too long", statement->text);
    for (size_t i = from; i < statement->word_count; i++)
        inner->words[inner->word_count++] = statement->words[i];
    statement->inner = inner;
    if (inner->word_count == 0)
        return refuse(program, "a callback of nothing", statement->text);
    join_words(inner);
    if (!check_words(program, inner))
        return false;
    if (inner->verb->kind != VERB_ACTION)
        return refuse(program, "not for a callback", statement->text);
    return true;
}

static bool
check_words(struct program *program, struct statement *statement)
{
    statement->verb = find_verb(statement->words[0]);
    if (statement->verb == NULL)
        return refuse(program, "unknown", statement->text);
    if (statement->word_count <= statement->verb->at_least)
        return refuse(program, "too short", statement->text);

    size_t from = inner_begins(statement->words[0]);
    return from == 0 || add_inner(program, statement, from);
}

/* Things that are declared. */

static bool
declare(struct program *program, const struct statement *statement)
{
    const char *kind = statement->words[0];
    size_t which = (size_t)(statement->words[1][1] - '0') % MOST_NAMES;
    size_t count = strtoul(statement->words[2], NULL, 10);

    if (strcmp(kind, "semaphore") == 0)
        program->permits[which] = count;
    else if (strcmp(kind, "barrier") == 0)
        program->parties[which] = count > 0 ? count : 1;
    else
        program->queue_sizes[which] = count;
    if (strcmp(kind, "lifo") == 0)
        program->queue_orders[which] = QUEUE_LIFO;
    if (strcmp(kind, "priority") == 0)
        program->queue_orders[which] = QUEUE_PRIORITY;
    return true;
}

static bool
is_declaration(const struct statement *statement)
{
    static const char *const kinds[] = {"semaphore", "barrier", "queue", "lifo",
                                        "priority"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(statement->words[0], kinds[i]) == 0)
            return statement->word_count == 3;
    }
    return false;
}

/* Blocks. */

/* The block that is open, or 0. */
static size_t
find_open(const struct program *program)
{
    for (size_t i = program->count; i-- > 1;) {
        const struct statement *statement = &program->statements[i];

        if (statement->verb != NULL && statement->verb->kind == VERB_BLOCK
            && statement->end == 0)
            return i;
    }
    return 0;
}

static bool
end_block(struct program *program, size_t index)
{
    size_t open = find_open(program);

    if (open == 0)
        return refuse(program, "nothing to end", "end");
    program->statements[open].end = index;
    return true;
}

static bool
begin_body(struct program *program, const struct statement *statement,
           size_t index)
{
    if (find_open(program) != index)
        return refuse(program, "out of place", statement->text);
    if (strcmp(statement->words[0], "before") == 0)
        program->before = index;
    else
        program->tasks[(size_t)(statement->words[1][1] - '0') % MOST_NAMES] =
            index;
    return true;
}

static bool
place(struct program *program, struct statement *statement, size_t index)
{
    if (statement->verb->run == NULL)
        return begin_body(program, statement, index);
    if (find_open(program) == 0 || (find_open(program) == index && index == 1))
        return refuse(program, "outside of a task", statement->text);
    return true;
}

bool
program_add(struct program *program, const char *line)
{
    size_t index = program->count;
    struct statement *statement = next_statement(program);

    if (statement == NULL)
        return refuse(program, "too long", line);
    cut_words(statement, line);
    if (statement->word_count == 0) {
        program->count--;
        return true;
    }
    join_words(statement);
    if (strcmp(statement->words[0], "end") == 0)
        return end_block(program, index);
    if (is_declaration(statement)) {
        program->count--;
        bool declared = declare(program, statement);
        memset(statement, 0, sizeof(*statement));
        return declared;
    }
    return check_words(program, statement) && place(program, statement, index);
}

bool
program_is_whole(struct program *program)
{
    size_t open = find_open(program);

    if (open != 0)
        return refuse(program, "without an end",
                      program->statements[open].text);
    return program->tasks[0] != 0
           || refuse(program, "nothing to do", "there is no task t0");
}
