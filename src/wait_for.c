/* SPDX-License-Identifier: MIT */
/* Waiting for one thing that ends with who waits, or when the time is up.
 *
 * However the wait comes to an end, the thing has ended before: each request to
 * end the wait, a limit's or a cancellation, is passed on to it, and what it
 * comes to then is the result.
 */
#include "task.h"

#include <ouro/wait.h>

#include <errno.h>

static void
cancel(struct ouro_task *task, struct ouro_future *future)
{
    if (task != NULL)
        ouro_task_cancel(task);
    else
        ouro_future_cancel(future);
}

static int
result_of(struct ouro_task *task, struct ouro_future *future)
{
    return task != NULL ? ouro_task_result(task) : ouro_future_error(future);
}

static int
wait_to_the_end(struct ouro_task *task, struct ouro_future *future)
{
    for (;;) {
        (void)ouro__await_plainly(future);
        if (ouro_future_is_done(future))
            return result_of(task, future);
        cancel(task, future);
    }
}

static int
end_now(struct ouro_task *task, struct ouro_future *future)
{
    cancel(task, future);
    int rc = wait_to_the_end(task, future);
    if (rc == -ECANCELED && !ouro__task_is_cancelled(ouro__task_here()))
        return -ETIMEDOUT;
    return rc;
}

static int
end_in_time(struct ouro_task *task, struct ouro_future *future,
            int64_t timeout_ns)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, timeout_ns);
    int rc = wait_to_the_end(task, future);
    return (int)ouro_timeout_end(&limit, rc);
}

static int
wait_for(struct ouro_task *task, struct ouro_future *future, int64_t timeout_ns)
{
    int rc = ouro__checkpoint();

    if (ouro_future_is_done(future))
        return rc < 0 ? rc : result_of(task, future);
    if (rc < 0 || timeout_ns <= 0)
        return end_now(task, future);
    return end_in_time(task, future, timeout_ns);
}

int
ouro_wait_for(struct ouro_task *task, int64_t timeout_ns)
{
    if (task == ouro__task_here())
        return -EDEADLK;
    return wait_for(task, &task->done, timeout_ns);
}

int
ouro_wait_for_future(struct ouro_future *future, int64_t timeout_ns)
{
    return wait_for(NULL, future, timeout_ns);
}

int
ouro__wait_for_call(ouro_task_fn *fn, void *arg, int64_t timeout_ns,
                    const char *name, const char *site)
{
    struct ouro_task *task;

    int rc = ouro__checkpoint();
    if (rc < 0)
        return rc;
    if (timeout_ns <= 0)
        return -ETIMEDOUT;
    rc = ouro__create_task(NULL, &task, fn, arg, name, site);
    if (rc < 0)
        return rc;

    rc = end_in_time(task, &task->done, timeout_ns);
    ouro_task_unref(task);
    return rc;
}
