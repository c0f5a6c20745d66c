/* SPDX-License-Identifier: MIT */
/* What is said of waiting for several things, or for one within a time. */
#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The things that a statement names, from a word on. */
struct cast {
    struct ouro_awaited nodes[MOST_WORDS];
    const char *names[MOST_WORDS];
    size_t count;
};

/* Returns whether `node` is now what a word names: a task that was started
 * and has a higher number, or a future. */
static bool
find(const struct actor *actor, const struct statement *statement, size_t word,
     struct ouro_awaited *node)
{
    struct stage *stage = actor->stage;
    size_t name = name_of(statement, word);

    *node = (struct ouro_awaited){.future = NULL};
    if (statement->words[word][0] == 'f')
        node->future = &stage->futures[name];
    else if (name > actor->number)
        node->task = stage->actors[name].task;
    return node->future != NULL || node->task != NULL;
}

static bool
has(const struct cast *cast, const char *name)
{
    for (size_t i = 0; i < cast->count; i++) {
        if (strcmp(cast->names[i], name) == 0)
            return true;
    }
    return false;
}

static void
find_all(struct cast *cast, const struct actor *actor,
         const struct statement *statement, size_t from, bool twice)
{
    cast->count = 0;
    for (size_t word = from; word < statement->word_count; word++) {
        const char *name = statement->words[word];

        if (!find(actor, statement, word, &cast->nodes[cast->count])
            || (!twice && has(cast, name)))
            continue;
        cast->names[cast->count++] = name;
    }
}

/* What a node came to: a future has a value. */
static int
result_of(const struct ouro_awaited *node)
{
    if (node->future != NULL && node->result == 0)
        return (int)(intptr_t)ouro_future_result(node->future);
    return node->result;
}

static void
say_results(struct actor *actor, const struct statement *statement,
            const struct cast *cast, bool with_names)
{
    char text[MOST_WORDS * 16 + 8] = "[";
    int size = 1;

    for (size_t i = 0; i < cast->count; i++) {
        if (cast->nodes[i].result == -EINPROGRESS)
            continue;
        size += snprintf(text + size, sizeof(text) - (size_t)size, "%s%s%s%s",
                         size > 1 ? " " : "", with_names ? cast->names[i] : "",
                         with_names ? "=" : "",
                         outcome_name(result_of(&cast->nodes[i])));
    }
    snprintf(text + size, sizeof(text) - (size_t)size, "]");
    say_words(actor, statement, text);
}

static int
do_gather(struct actor *actor, const struct statement *statement)
{
    struct cast cast;

    find_all(&cast, actor, statement, 1, true);
    int rc = ouro_gather(cast.nodes, cast.count);
    if (rc < 0)
        return say(actor, statement, rc);
    say_results(actor, statement, &cast, false);
    return 0;
}

static int
do_gather_all(struct actor *actor, const struct statement *statement)
{
    struct cast cast;

    find_all(&cast, actor, statement, 1, true);
    int rc = ouro_gather_all(cast.nodes, cast.count);
    if (rc < 0)
        return say(actor, statement, rc);
    say_results(actor, statement, &cast, false);
    return 0;
}

static enum ouro_wait_until
until_of(const struct statement *statement)
{
    if (strcmp(statement->words[1], "first") == 0)
        return OURO_FIRST_COMPLETED;
    if (strcmp(statement->words[1], "error") == 0)
        return OURO_FIRST_ERROR;
    return OURO_ALL_COMPLETED;
}

static int
do_wait(struct actor *actor, const struct statement *statement)
{
    struct cast cast;

    find_all(&cast, actor, statement, 3, false);
    if (cast.count == 0)
        return say_words(actor, statement, "nobody");
    ssize_t rc = ouro_wait(cast.nodes, cast.count, time_of(statement, 2),
                           until_of(statement));
    if (rc < 0)
        return say(actor, statement, (int)rc);
    say_results(actor, statement, &cast, true);
    return 0;
}

static int
do_wait_for(struct actor *actor, const struct statement *statement)
{
    struct ouro_awaited node;
    int rc;

    if (!find(actor, statement, 2, &node))
        return say_words(actor, statement, "nobody");
    if (node.task != NULL)
        rc = ouro_wait_for(node.task, time_of(statement, 1));
    else
        rc = ouro_wait_for_future(node.future, time_of(statement, 1));
    if (rc == 0 && node.future != NULL)
        rc = (int)(intptr_t)ouro_future_result(node.future);
    return say_value(actor, statement, rc);
}

/* Nobody has a reference to it. */
static int
do_wait_call(struct actor *actor, const struct statement *statement)
{
    struct actor *other = &actor->stage->actors[name_of(statement, 2)];

    if (other->used || other->number <= actor->number
        || actor->stage->program->tasks[other->number] == 0)
        return say_words(actor, statement, "used");
    other->used = true;
    int rc = ouro__wait_for_call(play_task, other, time_of(statement, 1),
                                 task_names[other->number], OURO_HERE);
    return say_value(actor, statement, rc);
}

static int
say_next(struct actor *actor, const struct statement *statement,
         const struct ouro_awaited *node)
{
    char text[32];

    snprintf(text, sizeof(text), "next %s", outcome_name(result_of(node)));
    say_words(actor, statement, text);
    return node->result == -ECANCELED ? -ECANCELED : 0;
}

static int
go_through(struct actor *actor, const struct statement *statement,
           struct ouro_as_completed *each)
{
    struct ouro_awaited *node;

    for (;;) {
        int rc = ouro_as_completed_next(each, &node);

        if (rc <= 0)
            return say(actor, statement, rc);
        rc = say_next(actor, statement, node);
        if (rc < 0)
            return rc;
    }
}

static int
do_each(struct actor *actor, const struct statement *statement)
{
    struct ouro_as_completed each;
    struct cast cast;

    find_all(&cast, actor, statement, 2, false);
    if (cast.count == 0)
        return say_words(actor, statement, "nobody");
    ouro_as_completed_begin(&each, cast.nodes, cast.count,
                            time_of(statement, 1));
    int rc = go_through(actor, statement, &each);
    ouro_as_completed_end(&each);
    return rc;
}

const struct verb wait_verbs[] = {
    {"gather", VERB_TASK, 0, do_gather},
    {"gather_all", VERB_TASK, 0, do_gather_all},
    {"wait", VERB_TASK, 3, do_wait},
    {"wait_for", VERB_TASK, 2, do_wait_for},
    {"wait_call", VERB_TASK, 2, do_wait_call},
    {"each", VERB_TASK, 2, do_each},
    {NULL, VERB_TASK, 0, NULL},
};
