/* SPDX-License-Identifier: MIT */
/* Threads that start tasks in a real loop, wait for them, and cancel them. */
#include "ouro_test.h"

#include "peer.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { THREADS = 4, TASKS = 500, SEEN = 4 };

struct fixture {
    struct ouro_loop *loop;
    struct ouro_mailbox *mailbox;
    struct seen_exceptions exceptions;
    struct ouro_handle stop;
    pthread_t loops_thread;
    bool elsewhere; /* the task ran on another thread */
    int seen[SEEN]; /* what the thread was told, in order */
    struct ouro_remote *remote;
};

static void
stop_loop(void *arg)
{
    struct fixture *f = arg;

    ouro_loop_stop(f->loop);
}

/* Run the loop for as long as `fn(f)` on a thread wants it. */
static void
run_beside(struct fixture *f, int (*fn)(void *arg))
{
    struct peer thread;

    f->loops_thread = pthread_self();
    peer_start(&thread, fn, f);
    ouro_loop_run_forever(f->loop);
    assert_ok(peer_join(&thread));
}

static int
let_loop_stop(struct fixture *f)
{
    return ouro_mailbox_post(f->mailbox, &f->stop, stop_loop, f);
}

/* Waiting. */

static int
return_seven(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_sleep(OURO_MILLISECONDS(2));

    f->elsewhere = !pthread_equal(pthread_self(), f->loops_thread);
    return rc < 0 ? rc : 7;
}

static int
wait_for_seven(void *arg)
{
    struct fixture *f = arg;
    struct ouro_remote *remote;

    int rc =
        ouro_run_coroutine_threadsafe(f->mailbox, &remote, return_seven, f);
    if (rc < 0)
        return rc;
    f->seen[0] = ouro_remote_wait(remote, OURO_FOREVER);
    f->seen[1] = ouro_remote_wait(remote, 0);
    ouro_remote_free(remote);
    return let_loop_stop(f);
}

static void
a_thread_waits_for_a_task_of_the_loop(void **state)
{
    struct fixture *f = *state;

    run_beside(f, wait_for_seven);

    assert_int_equal(f->seen[0], 7);
    assert_int_equal(f->seen[1], 7);
    assert_false(f->elsewhere);
}

static void *
wait_when_cancelled(void *arg)
{
    struct fixture *f = arg;

    (void)pthread_cancel(pthread_self());
    f->seen[2] = wait_for_seven(f);
    pthread_testcancel();
    return NULL;
}

/* Else it would keep the lock that the task needs to end. */
static void
a_thread_that_was_cancelled_waits_to_the_end(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    void *end;

    f->loops_thread = pthread_self();
    assert_ok(pthread_create(&thread, NULL, wait_when_cancelled, f));
    ouro_loop_run_forever(f->loop);
    assert_ok(pthread_join(thread, &end));

    assert_ptr_equal(end, PTHREAD_CANCELED);
    assert_int_equal(f->seen[0], 7);
    assert_ok(f->seen[2]);
}

static int
sleep_for_ever(void *arg)
{
    (void)arg;
    return ouro_sleep(OURO_FOREVER);
}

static int
wait_in_vain_and_cancel(void *arg)
{
    struct fixture *f = arg;
    struct ouro_remote *remote;

    int rc =
        ouro_run_coroutine_threadsafe(f->mailbox, &remote, sleep_for_ever, f);
    if (rc < 0)
        return rc;
    f->seen[0] = ouro_remote_wait(remote, 0);
    f->seen[1] = ouro_remote_wait(remote, OURO_MILLISECONDS(2));
    ouro_remote_cancel(remote);
    f->seen[2] = ouro_remote_wait(remote, OURO_FOREVER);
    ouro_remote_free(remote);
    return let_loop_stop(f);
}

static void
a_wait_has_a_limit_and_a_task_can_be_cancelled(void **state)
{
    struct fixture *f = *state;

    run_beside(f, wait_in_vain_and_cancel);

    assert_err(f->seen[0], ETIMEDOUT);
    assert_err(f->seen[1], ETIMEDOUT);
    assert_err(f->seen[2], ECANCELED);
}

static int
fail_at_once(void *arg)
{
    (void)arg;
    return -EPROTO;
}

static int
take_a_failure(void *arg)
{
    struct fixture *f = arg;
    struct ouro_remote *remote;

    int rc =
        ouro_run_coroutine_threadsafe(f->mailbox, &remote, fail_at_once, f);
    if (rc < 0)
        return rc;
    f->seen[0] = ouro_remote_wait(remote, OURO_FOREVER);
    ouro_remote_free(remote);
    return let_loop_stop(f);
}

static void
a_failure_that_a_thread_took_is_not_reported(void **state)
{
    struct fixture *f = *state;

    run_beside(f, take_a_failure);

    assert_err(f->seen[0], EPROTO);
    assert_int_equal(f->exceptions.count, 0);
}

static atomic_bool posted;

static int
see_that_it_runs(void *arg)
{
    struct fixture *f = arg;

    f->seen[1] = 0;
    return 0;
}

static int
wait_for_a_task_without_memory(void *arg)
{
    struct fixture *f = arg;
    struct ouro_remote *remote;

    f->seen[1] = UNSEEN;
    int rc =
        ouro_run_coroutine_threadsafe(f->mailbox, &remote, see_that_it_runs, f);
    atomic_store(&posted, true);
    if (rc < 0)
        return rc;
    f->seen[0] = ouro_remote_wait(remote, OURO_FOREVER);
    ouro_remote_free(remote);
    return let_loop_stop(f);
}

/* The loop does not run before the task is on its way. */
static void
a_thread_is_told_that_there_was_no_memory(void **state)
{
    struct fixture *f = *state;
    struct peer thread;

    atomic_store(&posted, false);
    peer_start(&thread, wait_for_a_task_without_memory, f);
    while (!atomic_load(&posted))
        sched_yield();
    fail_allocation(1);
    ouro_loop_run_forever(f->loop);
    fail_allocation(0);
    assert_ok(peer_join(&thread));

    assert_err(f->seen[0], ENOMEM);
    assert_int_equal(f->seen[1], UNSEEN);
    assert_int_equal(f->exceptions.count, 0);
}

/* The end of the loop. */

static int
wait_until_the_end(void *arg)
{
    struct fixture *f = arg;
    struct ouro_mailbox *mailbox = ouro_mailbox_ref(f->mailbox);
    struct ouro_remote *remote;

    int rc = ouro_run_coroutine_threadsafe(mailbox, &remote, sleep_for_ever, f);
    if (rc == 0) {
        f->seen[0] = ouro_remote_wait(remote, OURO_MILLISECONDS(2));
        rc = let_loop_stop(f);
        f->seen[1] = ouro_remote_wait(remote, OURO_FOREVER);
        ouro_remote_cancel(remote);
        ouro_remote_free(remote);
        f->seen[2] =
            ouro_run_coroutine_threadsafe(mailbox, &remote, sleep_for_ever, f);
    }
    ouro_mailbox_unref(mailbox);
    return rc;
}

static void
the_end_of_the_loop_ends_a_wait(void **state)
{
    struct fixture *f = *state;
    struct peer thread;

    peer_start(&thread, wait_until_the_end, f);
    ouro_loop_run_forever(f->loop);
    ouro_loop_free(f->loop);
    f->loop = NULL;
    assert_ok(peer_join(&thread));

    assert_err(f->seen[0], ETIMEDOUT);
    assert_err(f->seen[1], OURO_ESTOPPED);
    assert_err(f->seen[2], ESHUTDOWN);
    assert_string_equal(f->exceptions.message, "a task was still alive");
}

/* Forks. */

static void
start_where_the_loop_is_not(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_run_coroutine_threadsafe(f->mailbox, NULL, sleep_for_ever, f);

    (void)rc;
}

static void
wait_where_the_loop_is_not(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_remote_wait(f->remote, OURO_FOREVER);

    (void)rc;
}

/* A62: it would wait for ever, for the loop runs in the parent. */
static void
a_forked_child_starts_no_task_in_its_parent_and_waits_for_none(void **state)
{
    struct fixture *f = *state;

    assert_ok(
        ouro_run_coroutine_threadsafe(f->mailbox, &f->remote, return_seven, f));
    assert_callback_stops(start_where_the_loop_is_not, f,
                          "a forked child makes a loop of its own");
    assert_callback_stops(wait_where_the_loop_is_not, f,
                          "a forked child makes a loop of its own");

    run_beside(f, wait_for_seven);
    assert_int_equal(f->seen[0], 7);
    ouro_remote_free(f->remote);
}

/* Many. */

struct many {
    struct peer thread;
    struct ouro_mailbox *mailbox;
    atomic_uint *left;
    int seed;
};

static int
return_what_it_got(void *arg)
{
    int number = *(int *)arg;
    int rc = ouro_sleep(number % 3 == 0 ? 0 : OURO_MICROSECONDS(number % 50));

    return rc < 0 ? rc : number;
}

static int
start_wait_and_cancel(struct many *many, int number)
{
    struct ouro_remote *remote;

    int rc = ouro_run_coroutine_threadsafe(many->mailbox, &remote,
                                           return_what_it_got, &number);
    if (rc < 0)
        return rc;
    if (number % 4 == 1)
        ouro_remote_cancel(remote);
    rc = ouro_remote_wait(remote, OURO_FOREVER);
    ouro_remote_free(remote);
    return rc == number || (number % 4 == 1 && rc == -ECANCELED) ? 0 : -EPROTO;
}

static int
start_many(void *arg)
{
    struct many *many = arg;
    int rc = 0;

    for (int i = 0; rc == 0 && i < TASKS; i++)
        rc = start_wait_and_cancel(many, many->seed + i);
    atomic_fetch_sub(many->left, 1);
    return rc;
}

static int
wait_for_threads(void *arg)
{
    const atomic_uint *left = arg;
    int rc = 0;

    while (rc == 0 && atomic_load(left) > 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    return rc;
}

static void
many_threads_each_get_the_results_of_their_tasks(void **state)
{
    struct fixture *f = *state;
    struct many threads[THREADS];
    atomic_uint left = THREADS;
    struct ouro_task *task;

    for (int i = 0; i < THREADS; i++) {
        threads[i] = (struct many){
            .mailbox = f->mailbox, .left = &left, .seed = 10000 * i};
        peer_start(&threads[i].thread, start_many, &threads[i]);
    }
    assert_ok(ouro_loop_create_task(f->loop, &task, wait_for_threads, &left));
    assert_ok(ouro_loop_run_until_complete(f->loop, ouro_task_future(task)));
    ouro_task_unref(task);

    for (int i = 0; i < THREADS; i++)
        assert_ok(peer_join(&threads[i].thread));
}

static int
let_go(void *arg)
{
    struct fixture *f = arg;
    int rc = 0;

    for (int i = 0; rc == 0 && i < TASKS; i++) {
        struct ouro_remote *remote;

        rc =
            ouro_run_coroutine_threadsafe(f->mailbox, &remote, fail_at_once, f);
        if (rc < 0)
            break;
        if (i % 2 == 0)
            sched_yield();
        ouro_remote_free(remote);
    }
    return rc < 0 ? rc : let_loop_stop(f);
}

static void
each_failure_of_those_let_go_is_reported_once(void **state)
{
    struct fixture *f = *state;

    run_beside(f, let_go);
    for (int i = 0; i < 3; i++) {
        ouro_loop_stop(f->loop);
        ouro_loop_run_forever(f->loop);
    }

    assert_int_equal(f->exceptions.count, TASKS);
    assert_err(f->exceptions.error, EPROTO);
}

static int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_loop_options options = {
        .exception_handler = see_exception,
        .exception_arg = &f.exceptions,
    };

    memset(&f, 0, sizeof(f));
    assert_ok(ouro_loop_new(&f.loop, &options));
    f.mailbox = ouro_loop_mailbox(f.loop);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_loop_free(f->loop);
    ouro_mailbox_unref(f->mailbox);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thread_waits_for_a_task_of_the_loop),
        TEST(a_thread_that_was_cancelled_waits_to_the_end),
        TEST(a_wait_has_a_limit_and_a_task_can_be_cancelled),
        TEST(a_failure_that_a_thread_took_is_not_reported),
        TEST(a_thread_is_told_that_there_was_no_memory),
        TEST(the_end_of_the_loop_ends_a_wait),
        TEST(a_forked_child_starts_no_task_in_its_parent_and_waits_for_none),
        TEST(many_threads_each_get_the_results_of_their_tasks),
        TEST(each_failure_of_those_let_go_is_reported_once),
    };
    struct ouro_loop *loop;

    if (ouro_loop_new(&loop, NULL) < 0)
        return 77;
    ouro_loop_free(loop);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
