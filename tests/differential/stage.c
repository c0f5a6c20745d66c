/* SPDX-License-Identifier: MIT */
/* A program from curtain to curtain.
 *
 * - The things it names are made, and what comes before the loop is done.
 * - t0 is started, and all that happens happens, until nothing can.
 * - Tasks that are left are noted and cancelled, until none is.
 * - What each came to is noted, and which failures nobody took.
 */
#include "stage.h"

#include "loop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 20, NS_PER_MS = 1000000 };

const char *const task_names[] = {"t0", "t1", "t2", "t3", "t4",
                                  "t5", "t6", "t7", "t8", "t9"};

/* The trace. */

const char *
outcome_name(int rc)
{
    static char texts[2][16];
    static unsigned turn;
    char *text = texts[turn++ % 2];

    switch (rc) {
    case -ECANCELED:
        return "cancelled";
    case -ETIMEDOUT:
        return "timeout";
    case -EDEADLK:
        return "deadlock";
    case -EALREADY:
        return "already";
    case -EAGAIN:
        return "again";
    case -EINVAL:
        return "invalid";
    case -EINPROGRESS:
        return "pending";
    case -ESHUTDOWN:
        return "shut";
    case -OURO_EBROKEN:
        return "broken";
    default:
        break;
    }
    if (rc < -FIRST_ERROR && rc > -FIRST_ERROR - 100)
        snprintf(text, sizeof(texts[0]), "e%d", -rc - FIRST_ERROR);
    else
        snprintf(text, sizeof(texts[0]), "%d", rc);
    return text;
}

static int64_t
time_passed(const struct stage *stage)
{
    return ouro_loop_time_ns(stage->loop) - stage->start_ns;
}

int
say_words(struct actor *actor, const struct statement *statement,
          const char *words)
{
    printf("%" PRId64 " ", time_passed(actor->stage) / NS_PER_MS);
    if (actor->number != NO_TASK)
        printf("t%zu: ", actor->number);
    else
        printf("loop: ");
    printf("%s -> %s\n", statement->text, words);
    return 0;
}

int
say(struct actor *actor, const struct statement *statement, int rc)
{
    say_words(actor, statement, rc < 0 ? outcome_name(rc) : "ok");
    return rc < 0 ? rc : 0;
}

int
say_value(struct actor *actor, const struct statement *statement, int rc)
{
    say_words(actor, statement, outcome_name(rc));
    return rc < 0 ? rc : 0;
}

/* Words. */

int
number_of(const struct statement *statement, size_t word)
{
    return (int)strtol(statement->words[word], NULL, 10);
}

int64_t
time_of(const struct statement *statement, size_t word)
{
    if (strcmp(statement->words[word], "-") == 0)
        return OURO_FOREVER;
    return OURO_MILLISECONDS(number_of(statement, word));
}

size_t
name_of(const struct statement *statement, size_t word)
{
    const char *name = statement->words[word];

    return name[0] != '\0' ? (size_t)(name[1] - '0') % MOST_NAMES : 0;
}

int
error_of(const struct statement *statement, size_t word)
{
    return -FIRST_ERROR - (int)name_of(statement, word);
}

/* Statements. */

static int
play_from(struct actor *actor, size_t first, size_t last)
{
    const struct statement *statements = actor->stage->program->statements;

    for (size_t i = first; i < last; i++) {
        const struct statement *statement = &statements[i];
        int rc = statement->verb->run(actor, statement);

        if (rc != 0)
            return rc;
        if (statement->verb->kind == VERB_BLOCK)
            i = statement->end;
        /* What a callback is to do stands behind, and may have that too. */
        while (statements[i].inner != NULL)
            i++;
    }
    return 0;
}

int
play_inside(struct actor *actor, const struct statement *statement)
{
    size_t index = (size_t)(statement - actor->stage->program->statements);

    return play_from(actor, index + 1, statement->end);
}

void
play_errand(void *arg)
{
    struct errand *errand = arg;

    (void)errand->what->verb->run(&errand->stage->callbacks, errand->what);
}

int
play_task(void *arg)
{
    static const struct statement begin = {.text = "begin"};
    static const struct statement end = {.text = "end"};
    struct actor *actor = arg;
    const struct program *program = actor->stage->program;

    say_words(actor, &begin, "ok");
    int rc =
        play_inside(actor, &program->statements[program->tasks[actor->number]]);
    actor->result = rc;
    actor->over = true;
    say_value(actor, &end, rc);
    return rc;
}

/* Reports. */

static void
note_report(const struct ouro_exception *exception, void *arg)
{
    struct stage *stage = arg;
    char text[80];

    snprintf(text, sizeof(text), "report %s %s",
             exception->name != NULL ? exception->name : "-",
             exception->error != 0 ? outcome_name(exception->error)
                                   : exception->message);
    stage->reports[stage->report_count++] = strdup(text);
}

static int
compare_reports(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
print_reports(struct stage *stage)
{
    qsort(stage->reports, stage->report_count, sizeof(stage->reports[0]),
          compare_reports);
    for (size_t i = 0; i < stage->report_count; i++) {
        puts(stage->reports[i]);
        free(stage->reports[i]);
    }
}

/* Things. */

static int
compare_items(const void *a, const void *b)
{
    return ((intptr_t)a > (intptr_t)b) - ((intptr_t)a < (intptr_t)b);
}

static int
make_queue(struct stage *stage, size_t i)
{
    struct ouro_queue *queue = &stage->queues[i];
    size_t size = stage->program->queue_sizes[i];

    if (size == 0)
        size = OURO_UNLIMITED;
    switch (stage->program->queue_orders[i]) {
    case QUEUE_LIFO:
        return ouro_lifo_queue_init(queue, stage->loop, size);
    case QUEUE_PRIORITY:
        return ouro_priority_queue_init(queue, stage->loop, size,
                                        compare_items);
    default:
        return ouro_queue_init(queue, stage->loop, size);
    }
}

static void
make_things(struct stage *stage)
{
    for (size_t i = 0; i < MOST_NAMES; i++) {
        stage->actors[i].stage = stage;
        stage->actors[i].number = i;
        ouro_future_init(&stage->futures[i], stage->loop);
        ouro_lock_init(&stage->locks[i], stage->loop);
        ouro_event_init(&stage->events[i], stage->loop);
        ouro_condition_init(&stage->conditions[i], &stage->locks[i]);
        ouro_semaphore_init(&stage->semaphores[i], stage->loop,
                            stage->program->permits[i]);
        ouro_barrier_init(&stage->barriers[i], stage->loop,
                          stage->program->parties[i]);
        if (make_queue(stage, i) < 0)
            abort();
    }
    stage->callbacks.stage = stage;
    stage->callbacks.number = NO_TASK;
}

static void
end_things(struct stage *stage)
{
    for (size_t i = 0; i < MOST_NAMES; i++) {
        ouro_task_unref(stage->actors[i].task);
        ouro_handle_cancel(&stage->alarms[i].handle);
        ouro_future_fini(&stage->futures[i]);
        ouro_condition_fini(&stage->conditions[i]);
        ouro_lock_fini(&stage->locks[i]);
        ouro_event_fini(&stage->events[i]);
        ouro_semaphore_fini(&stage->semaphores[i]);
        ouro_barrier_fini(&stage->barriers[i]);
        ouro_queue_fini(&stage->queues[i]);
    }
}

/* The play. */

/* Until nothing more happens by itself. */
static void
run_until_quiet(struct stage *stage)
{
    for (;;) {
        int64_t next_ns = ouro__loop_next_timer_ns(stage->loop);
        int64_t now_ns = ouro_loop_time_ns(stage->loop);

        if (next_ns == OURO_FOREVER && !ouro__loop_has_ready(stage->loop))
            return;
        if (ouro__loop_has_ready(stage->loop) || next_ns <= now_ns)
            ouro_sim_advance(stage->sim, 0);
        else
            ouro_sim_advance(stage->sim, next_ns - now_ns);
    }
}

static void
play_before(struct stage *stage)
{
    const struct program *program = stage->program;

    if (program->before == 0)
        return;
    play_inside(&stage->callbacks, &program->statements[program->before]);
    ouro_loop_stop(stage->loop);
    ouro_loop_run_forever(stage->loop);
    puts("stopped");
}

static size_t
note_stuck(struct stage *stage)
{
    size_t count = 0;

    for (size_t i = 0; i < MOST_NAMES; i++) {
        struct ouro_task *task = stage->actors[i].task;

        if (task == NULL || ouro_task_is_done(task))
            continue;
        printf("%s t%zu", count == 0 ? "stuck" : "", i);
        count++;
    }
    if (count > 0)
        puts("");
    return count;
}

static void
cancel_stuck(struct stage *stage)
{
    for (size_t i = 0; i < MOST_NAMES; i++) {
        struct ouro_task *task = stage->actors[i].task;

        if (task != NULL && !ouro_task_is_done(task))
            ouro_task_cancel(task);
    }
}

static void
print_results(const struct stage *stage)
{
    for (size_t i = 0; i < MOST_NAMES; i++) {
        const struct actor *actor = &stage->actors[i];

        if (actor->task != NULL)
            printf("result t%zu %s\n", i,
                   actor->over ? outcome_name(actor->result) : "none");
    }
}

/* Returns whether all tasks have ended. */
static bool
play(struct stage *stage)
{
    struct actor *first = &stage->actors[0];

    play_before(stage);
    if (!first->used
        && ouro_loop_create_task(stage->loop, &first->task, play_task, first)
               < 0)
        abort();
    first->used = true;
    ouro_task_set_name(first->task, task_names[0]);
    run_until_quiet(stage);
    for (int round = 0; round < MOST_ROUNDS; round++) {
        if (note_stuck(stage) == 0)
            return true;
        cancel_stuck(stage);
        run_until_quiet(stage);
    }
    return note_stuck(stage) == 0;
}

/* Who has its lock taken again, and is waited for by who has it, never ends. */
static void
leave_as_it_is(struct stage *stage)
{
    static struct stage *left;

    puts("no end");
    stage->left = left;
    left = stage;
}

static struct stage *
new_stage(const struct program *program)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    struct ouro_sim_options options = {
        .loop =
            {
                .exception_handler = note_report,
                .exception_arg = stage,
                /* asyncio has no such report, and no timer for it. */
                .cancel_limit_ns = OURO_FOREVER,
            },
    };

    if (stage == NULL || ouro_sim_new(&stage->sim, &options) < 0)
        abort();
    stage->program = program;
    stage->loop = ouro_sim_loop(stage->sim);
    stage->start_ns = ouro_loop_time_ns(stage->loop);
    make_things(stage);
    return stage;
}

void
stage_play(const struct program *program)
{
    struct stage *stage = new_stage(program);

    if (!play(stage)) {
        leave_as_it_is(stage);
        return;
    }
    print_results(stage);
    end_things(stage);
    ouro_sim_free(stage->sim);
    print_reports(stage);
    free(stage);
}
