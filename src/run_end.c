/* SPDX-License-Identifier: MIT */
/* The end of a run: what is left is told to end, and waited for.
 *
 * In order: tasks are cancelled; connections are closed, so that what was
 * written leaves; executors take no more calls, and those that threads make are
 * waited for; so are lookups, but not for long, since nobody wants them.  The
 * first two waits share one limit, the others have one each.
 *
 * Tasks are cancelled in rounds.  One that ends may start another and wait for
 * it, to clean up, so that is left alone at first.  When all have ended that
 * were told to, or half of the time that was left has passed, the next round is
 * for those that have come meanwhile.  What else ends may leave some, too.  See
 * docs/adr/0021.
 */
#include "executor.h"
#include "lookup.h"
#include "overdue.h"
#include "runner.h"
#include "task.h"

#include <ouro/transport_impl.h>

#include <errno.h>

#define JOIN_LIMIT    OURO_SECONDS(300)
#define RESOLVE_LIMIT OURO_SECONDS(1)

static int64_t
deadline_of(const struct ouro_loop *loop, int64_t limit_ns,
            int64_t default_limit_ns)
{
    int64_t now_ns = ouro_loop_time_ns(loop);

    if (limit_ns == 0)
        limit_ns = default_limit_ns;
    return limit_ns > OURO_FOREVER - now_ns ? OURO_FOREVER : now_ns + limit_ns;
}

static void
wake(void *arg)
{
    (void)arg;
}

typedef bool is_over_fn(const void *thing);

/* Turn the loop until it is over, or `deadline_ns` has passed.  Returns whether
 * it is over. */
static bool
wait_until(struct ouro_loop *loop, is_over_fn *is_over, const void *thing,
           int64_t deadline_ns)
{
    struct ouro_handle deadline = {0};

    ouro_call_at(loop, &deadline, deadline_ns, wake, NULL);
    ouro__loop_begin_run(loop);
    while (!is_over(thing) && ouro_handle_is_pending(&deadline)) {
        loop->stopping = false; /* it is over when nothing is left */
        ouro__loop_turn(loop, true);
    }
    ouro__loop_end_run(loop);
    ouro_handle_cancel(&deadline);
    return is_over(thing);
}

static bool
is_zero(const void *count)
{
    return *(const size_t *)count == 0;
}

static bool
wait_for_none(struct ouro_loop *loop, const size_t *left, int64_t deadline_ns)
{
    return wait_until(loop, is_zero, left, deadline_ns);
}

/* Tasks. */

static struct ouro_task *
task_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro_task, link);
}

/* Those that have come since the last round. */
static void
cancel_tasks(struct ouro__tasks *tasks)
{
    ouro__list_for_each (link, &tasks->all) {
        struct ouro_task *task = task_of(link);

        if (!task->left)
            ouro_task_cancel(task);
        task->left = true;
    }
}

static bool
cancelled_ones_have_ended(const void *thing)
{
    const struct ouro__tasks *tasks = thing;

    ouro__list_for_each (link, &tasks->all) {
        const struct ouro_task *task = task_of(link);

        if (task->left && !ouro_future_is_done(&task->done))
            return false;
    }
    return true;
}

/* Returns whether there was one. */
static bool
end_those_there_are(struct ouro_loop *loop, struct ouro__tasks *tasks,
                    int64_t deadline_ns)
{
    int64_t now_ns = ouro_loop_time_ns(loop);

    if (loop->stats.tasks == 0)
        return false;
    cancel_tasks(tasks);
    (void)wait_until(loop, cancelled_ones_have_ended, tasks,
                     now_ns + (deadline_ns - now_ns + 1) / 2);
    return true;
}

static void
report_failure(struct ouro_task *task)
{
    const struct ouro_exception exception = {
        .message = "a task failed, and nobody took its result",
        .error = task->result,
        .task = task,
        .name = task->name,
        .site = task->site,
    };

    ouro_loop_call_exception_handler(task->tasks->loop, &exception);
}

/* One that does not end, or whose failure nobody will look at any more. */
static void
report_left(struct ouro_task *task)
{
    if (!ouro_task_is_done(task)) {
        ouro__overdue_tell(task);
    } else if (!task->seen && task->result < 0 && task->result != -ECANCELED) {
        report_failure(task);
        task->seen = true;
    }
}

static int
end_tasks(struct ouro_loop *loop, int64_t deadline_ns)
{
    struct ouro__tasks *tasks = loop->floors[OURO__FLOOR_TASK];

    if (tasks == NULL)
        return 0;
    while (end_those_there_are(loop, tasks, deadline_ns)
           && ouro_loop_time_ns(loop) < deadline_ns)
        continue;
    ouro__list_for_each (link, &tasks->all) {
        report_left(task_of(link));
    }
    return loop->stats.tasks == 0 ? 0 : -ETIMEDOUT;
}

/* Connections. */

static void
end_transports(struct ouro_loop *loop, int64_t deadline_ns)
{
    ouro__list_for_each (link, &loop->transports) {
        ouro_transport_close(
            OURO_CONTAINER_OF(link, struct ouro_transport, link));
    }
    (void)wait_for_none(loop, &loop->stats.transports, deadline_ns);
}

/* Threads. */

static int
end_executors(struct ouro_loop *loop, int64_t deadline_ns)
{
    ouro__executors_close(loop);
    if (wait_for_none(loop, &loop->stats.jobs, deadline_ns))
        return 0;
    ouro__executors_report(loop);
    return -ETIMEDOUT;
}

/* A lookup that does not end changes nothing, so it is no error. */
static void
end_resolver(struct ouro_loop *loop, int64_t deadline_ns)
{
    const size_t *left = ouro__resolve_close(loop);

    if (left != NULL && !wait_for_none(loop, left, deadline_ns))
        ouro__resolve_report(loop);
}

int
ouro__end_everything(struct ouro_loop *loop,
                     const struct ouro_run_options *options)
{
    int64_t deadline_ns = deadline_of(loop, options->cancel_limit_ns,
                                      loop->options.cancel_limit_ns);
    int rc = end_tasks(loop, deadline_ns);

    end_transports(loop, deadline_ns);
    int joined = end_executors(
        loop, deadline_of(loop, options->join_limit_ns, JOIN_LIMIT));
    end_resolver(loop,
                 deadline_of(loop, options->resolve_limit_ns, RESOLVE_LIMIT));
    int late = end_tasks(loop, deadline_ns);
    if (rc == 0)
        rc = late;
    return rc < 0 ? rc : joined;
}
