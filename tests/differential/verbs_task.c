/* SPDX-License-Identifier: MIT */
/* What is said of tasks, futures and callbacks, and the blocks of a task. */
#include "stage.h"

#include "task.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static struct actor *
actor_of(const struct actor *actor, const struct statement *statement)
{
    return &actor->stage->actors[name_of(statement, 1)];
}

/* Whether that task may be started now. */
static bool
is_free(const struct actor *other)
{
    return !other->used && other->stage->program->tasks[other->number] != 0;
}

/* Actions. */

static int
do_mark(struct actor *actor, const struct statement *statement)
{
    return say(actor, statement, 0);
}

static int
do_spawn(struct actor *actor, const struct statement *statement)
{
    struct actor *other = actor_of(actor, statement);

    if (!is_free(other))
        return say_words(actor, statement, "used");
    other->used = true;
    int rc = ouro_loop_create_task(actor->stage->loop, &other->task, play_task,
                                   other);
    if (rc == 0)
        ouro_task_set_name(other->task, task_names[other->number]);
    return say(actor, statement, rc);
}

static int
do_cancel(struct actor *actor, const struct statement *statement)
{
    struct ouro_task *task = actor_of(actor, statement)->task;

    if (task == NULL)
        return say_words(actor, statement, "nobody");
    if (ouro_task_is_done(task))
        return say_words(actor, statement, "done");
    ouro_task_cancel(task);
    return say(actor, statement, 0);
}

static int
do_asked(struct actor *actor, const struct statement *statement)
{
    struct ouro_task *task = actor_of(actor, statement)->task;

    if (task == NULL)
        return say_words(actor, statement, "nobody");
    say_value(actor, statement, (int)ouro_task_cancelling(task));
    return 0;
}

static struct ouro_future *
future_of(const struct actor *actor, const struct statement *statement)
{
    return &actor->stage->futures[name_of(statement, 1)];
}

static int
do_set(struct actor *actor, const struct statement *statement)
{
    void *value = (void *)(intptr_t)number_of(statement, 2);

    say(actor, statement,
        ouro_future_set_result(future_of(actor, statement), value));
    return 0;
}

static int
do_setfail(struct actor *actor, const struct statement *statement)
{
    say(actor, statement,
        ouro_future_set_error(future_of(actor, statement),
                              error_of(statement, 2)));
    return 0;
}

static int
do_drop(struct actor *actor, const struct statement *statement)
{
    say(actor, statement, ouro_future_cancel(future_of(actor, statement)));
    return 0;
}

static struct errand *
new_errand(struct actor *actor, const struct statement *statement)
{
    struct stage *stage = actor->stage;
    struct errand *errand = &stage->errands[stage->errand_count++];

    errand->stage = stage;
    errand->what = statement->inner;
    return errand;
}

static int
do_soon(struct actor *actor, const struct statement *statement)
{
    struct errand *errand = new_errand(actor, statement);

    ouro_call_soon(actor->stage->loop, &errand->handle, play_errand, errand);
    return say(actor, statement, 0);
}

static int
do_later(struct actor *actor, const struct statement *statement)
{
    struct errand *errand = new_errand(actor, statement);

    ouro_call_later(actor->stage->loop, &errand->handle, time_of(statement, 1),
                    play_errand, errand);
    return say(actor, statement, 0);
}

static int
do_alarm(struct actor *actor, const struct statement *statement)
{
    struct errand *errand = &actor->stage->alarms[name_of(statement, 1)];

    ouro_handle_cancel(&errand->handle);
    errand->stage = actor->stage;
    errand->what = statement->inner;
    ouro_call_later(actor->stage->loop, &errand->handle, time_of(statement, 2),
                    play_errand, errand);
    return say(actor, statement, 0);
}

static int
do_silence(struct actor *actor, const struct statement *statement)
{
    ouro_handle_cancel(&actor->stage->alarms[name_of(statement, 1)].handle);
    return say(actor, statement, 0);
}

/* Of a task itself. */

static int
do_return(struct actor *actor, const struct statement *statement)
{
    int value = number_of(statement, 1);

    (void)actor;
    return value > 0 ? value : 1;
}

static int
do_fail(struct actor *actor, const struct statement *statement)
{
    (void)actor;
    return error_of(statement, 1);
}

static int
do_sleep(struct actor *actor, const struct statement *statement)
{
    return say(actor, statement, ouro_sleep(time_of(statement, 1)));
}

static int
do_join(struct actor *actor, const struct statement *statement)
{
    struct actor *other = actor_of(actor, statement);

    if (other->task == NULL || other->number <= actor->number)
        return say_words(actor, statement, "nobody");
    return say_value(actor, statement, ouro_task_join(other->task));
}

static int
do_await(struct actor *actor, const struct statement *statement)
{
    struct ouro_future *future = future_of(actor, statement);

    int rc = ouro_await(future);
    if (rc < 0)
        return say(actor, statement, rc);
    return say_value(actor, statement,
                     (int)(intptr_t)ouro_future_result(future));
}

static int
do_uncancel(struct actor *actor, const struct statement *statement)
{
    return say_value(actor, statement, (int)ouro_uncancel());
}

static int
do_reschedule(struct actor *actor, const struct statement *statement)
{
    if (actor->limit == NULL)
        return say_words(actor, statement, "nowhere");
    say(actor, statement,
        ouro_timeout_reschedule(actor->limit, time_of(statement, 1)));
    return 0;
}

static int
do_start(struct actor *actor, const struct statement *statement)
{
    struct actor *other = actor_of(actor, statement);
    struct ouro_group *group =
        actor->group != NULL ? actor->group : actor->home;
    struct ouro_task *task;

    if (group == NULL || other->number <= actor->number)
        return say_words(actor, statement, "nowhere");
    if (!is_free(other))
        return say_words(actor, statement, "used");

    int rc = ouro__group_add(group, &task, play_task, other,
                             task_names[other->number], OURO_HERE);
    if (rc < 0)
        return say_words(actor, statement, "refused");
    other->used = true;
    other->home = group;
    other->task = ouro_task_ref(task);
    return say(actor, statement, 0);
}

/* Blocks. */

static int
end_limit(struct actor *actor, const struct statement *statement,
          struct ouro_timeout *outer)
{
    int rc = play_inside(actor, statement);

    rc = (int)ouro_timeout_end(actor->limit, rc);
    actor->limit = outer;
    say(actor, statement, rc);
    return rc;
}

static int
do_timeout(struct actor *actor, const struct statement *statement)
{
    struct ouro_timeout *outer = actor->limit;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, time_of(statement, 1));
    actor->limit = &limit;
    return end_limit(actor, statement, outer);
}

static int
do_deadline(struct actor *actor, const struct statement *statement)
{
    struct ouro_timeout *outer = actor->limit;
    struct ouro_timeout limit;

    ouro_timeout_begin_at(&limit,
                          actor->stage->start_ns + time_of(statement, 1));
    actor->limit = &limit;
    return end_limit(actor, statement, outer);
}

static int
do_shield(struct actor *actor, const struct statement *statement)
{
    struct ouro_shield shield;

    ouro_shield_begin(&shield, time_of(statement, 1));
    int rc = play_inside(actor, statement);
    rc = (int)ouro_shield_end(&shield, rc);
    say(actor, statement, rc);
    return rc;
}

static void
say_failures(struct actor *actor, const struct statement *statement, int rc,
             const struct ouro_failure *failures, size_t count)
{
    char text[MOST_FAILURES * 16 + 32];
    int size =
        snprintf(text, sizeof(text), "%s [", rc < 0 ? outcome_name(rc) : "ok");

    for (size_t i = 0; i < count && i < MOST_FAILURES; i++)
        size += snprintf(text + size, sizeof(text) - (size_t)size, "%s%s:%s",
                         i > 0 ? " " : "", failures[i].name,
                         outcome_name(failures[i].error));
    snprintf(text + size, sizeof(text) - (size_t)size, "]");
    say_words(actor, statement, text);
}

static int
do_group(struct actor *actor, const struct statement *statement)
{
    struct ouro_failure failures[MOST_FAILURES];
    struct ouro_group *outer = actor->group;
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_keep_failures(&group, failures, MOST_FAILURES);
    actor->group = &group;
    int rc = play_inside(actor, statement);
    rc = ouro_group_end(&group, rc);
    actor->group = outer;
    say_failures(actor, statement, rc, failures,
                 ouro_group_failure_count(&group));
    return rc;
}

static int
caught(struct actor *actor, const struct statement *statement, int rc)
{
    char text[32];

    snprintf(text, sizeof(text), "caught %s", outcome_name(rc));
    return say_words(actor, statement, text);
}

static int
do_try(struct actor *actor, const struct statement *statement)
{
    int rc = play_inside(actor, statement);

    if (rc >= 0 || rc == -ECANCELED)
        return rc;
    return caught(actor, statement, rc);
}

static int
do_catch(struct actor *actor, const struct statement *statement)
{
    int rc = play_inside(actor, statement);

    return rc >= 0 ? rc : caught(actor, statement, rc);
}

const struct verb task_verbs[] = {
    {"mark", VERB_ACTION, 1, do_mark},
    {"spawn", VERB_ACTION, 1, do_spawn},
    {"cancel", VERB_ACTION, 1, do_cancel},
    {"asked", VERB_ACTION, 1, do_asked},
    {"set", VERB_ACTION, 2, do_set},
    {"setfail", VERB_ACTION, 2, do_setfail},
    {"drop", VERB_ACTION, 1, do_drop},
    {"soon", VERB_ACTION, 1, do_soon},
    {"later", VERB_ACTION, 2, do_later},
    {"alarm", VERB_ACTION, 3, do_alarm},
    {"silence", VERB_ACTION, 1, do_silence},
    {"return", VERB_TASK, 1, do_return},
    {"fail", VERB_TASK, 1, do_fail},
    {"sleep", VERB_TASK, 1, do_sleep},
    {"join", VERB_TASK, 1, do_join},
    {"await", VERB_TASK, 1, do_await},
    {"uncancel", VERB_TASK, 0, do_uncancel},
    {"reschedule", VERB_TASK, 1, do_reschedule},
    {"start", VERB_TASK, 1, do_start},
    {"timeout", VERB_BLOCK, 1, do_timeout},
    {"deadline", VERB_BLOCK, 1, do_deadline},
    {"shield", VERB_BLOCK, 1, do_shield},
    {"group", VERB_BLOCK, 0, do_group},
    {"try", VERB_BLOCK, 0, do_try},
    {"catch", VERB_BLOCK, 0, do_catch},
    {NULL, VERB_ACTION, 0, NULL},
};
