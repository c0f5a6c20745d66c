/* SPDX-License-Identifier: MIT */
/* Posts that another thread takes back (A42): prevented, or waited for, and in
 * either case the memory is that thread's at once. */
#include "ouro_test.h"

#include "gate.h"
#include "peer.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, POSTS = 20000, LIVES = 200 };

struct fixture {
    struct ouro_loop *loop;
    struct ouro_mailbox *mailbox;
    struct ouro_handle handle;
    struct ouro_handle stop;
    struct ouro_handle others[2];
    atomic_bool returned; /* the thread's cancel has */
    bool early;           /* and that before the call had */
    bool prevented;
    unsigned calls;
    char trace[8];
};

static struct gate gate = GATE_SHUT;

static void
count_call(void *arg)
{
    struct fixture *f = arg;

    f->calls++;
}

static void
stop_loop(void *arg)
{
    struct fixture *f = arg;

    ouro_loop_stop(f->loop);
}

static int
take_back(void *arg)
{
    struct fixture *f = arg;

    f->prevented = ouro_mailbox_cancel(f->mailbox, &f->handle);
    atomic_store(&f->returned, true);
    return 0;
}

/* The loop does not run, and is not waited for. */
static void
what_the_loop_has_not_taken_is_prevented_at_once(void **state)
{
    struct fixture *f = *state;
    struct peer thread;

    assert_ok(ouro_mailbox_post(f->mailbox, &f->handle, count_call, f));
    peer_start(&thread, take_back, f);
    assert_ok(peer_join(&thread));
    assert_true(f->prevented);

    ouro_loop_stop(f->loop);
    ouro_loop_run_forever(f->loop);
    assert_int_equal(f->calls, 0);
}

/* The thread is about to wait for this call, or does already. */
static void
wait_for_the_thread(void *arg)
{
    struct fixture *f = arg;

    gate_open(&gate);
    for (int i = 0; i < 100; i++)
        sched_yield();
    f->early = atomic_load(&f->returned);
    f->calls++;
}

static int
take_back_when_it_runs(void *arg)
{
    struct fixture *f = arg;

    gate_pass(&gate);
    int rc = take_back(f);
    int posted = ouro_mailbox_post(f->mailbox, &f->stop, stop_loop, f);
    return posted < 0 ? posted : rc;
}

static void
a_call_that_runs_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct peer thread;

    peer_start(&thread, take_back_when_it_runs, f);
    assert_ok(
        ouro_mailbox_post(f->mailbox, &f->handle, wait_for_the_thread, f));
    ouro_loop_run_forever(f->loop);
    assert_ok(peer_join(&thread));

    assert_false(f->prevented);
    assert_false(f->early);
    assert_int_equal(f->calls, 1);
}

static void
note_first(void *arg)
{
    strcat(((struct fixture *)arg)->trace, "a");
}

static void
note_second(void *arg)
{
    strcat(((struct fixture *)arg)->trace, "b");
}

/* What is put aside must wake a loop that sleeps, and in its order. */
static int
post_three_and_take_one_back(void *arg)
{
    struct fixture *f = arg;

    int rc = ouro_mailbox_post(f->mailbox, &f->others[0], note_first, f);
    if (rc == 0)
        rc = ouro_mailbox_post(f->mailbox, &f->handle, count_call, f);
    if (rc == 0)
        rc = ouro_mailbox_post(f->mailbox, &f->others[1], note_second, f);
    if (rc == 0)
        rc = ouro_mailbox_post(f->mailbox, &f->stop, stop_loop, f);
    take_back(f);
    return rc;
}

/* Turn the loop until the thread's cancel has returned: it may wait for it. */
static void
turn_until_returned(struct fixture *f)
{
    while (!atomic_load(&f->returned)) {
        ouro_loop_stop(f->loop);
        ouro_loop_run_forever(f->loop);
    }
}

static void
the_others_arrive_in_their_order(void **state)
{
    struct fixture *f = *state;
    unsigned prevented = 0;

    for (int round = 0; round < 1000; round++) {
        struct peer thread;

        f->trace[0] = '\0';
        f->returned = false;
        peer_start(&thread, post_three_and_take_one_back, f);
        ouro_loop_run_forever(f->loop);
        turn_until_returned(f);
        assert_ok(peer_join(&thread));
        assert_string_equal(f->trace, "ab");
        prevented += f->prevented;
    }
    assert_int_equal(f->calls + prevented, 1000);
}

/* Under fire. */

struct poster {
    struct peer thread;
    struct ouro_mailbox *mailbox;
    atomic_uint *left; /* posters that are at it */
    unsigned run;      /* the loop's, until cancel has returned */
    unsigned prevented;
    unsigned refused;
};

/* It is freed as soon as it was taken back. */
struct shot {
    struct ouro_handle handle;
    struct poster *poster;
};

static void
hit(void *arg)
{
    struct shot *shot = arg;

    shot->poster->run++;
}

static int
shoot_and_take_back(void *arg)
{
    struct poster *poster = arg;

    for (unsigned i = 0; i < POSTS; i++) {
        struct shot *shot = calloc(1, sizeof(*shot));

        if (shot == NULL)
            return -ENOMEM;
        shot->poster = poster;
        if (ouro_mailbox_post(poster->mailbox, &shot->handle, hit, shot) < 0)
            poster->refused++;
        for (unsigned spin = 0; spin < i % 4; spin++)
            sched_yield();
        poster->prevented +=
            ouro_mailbox_cancel(poster->mailbox, &shot->handle);
        free(shot);
    }
    atomic_fetch_sub(poster->left, 1);
    return 0;
}

static int
wait_for_posters(void *arg)
{
    const atomic_uint *left = arg;
    int rc = 0;

    while (rc == 0 && atomic_load(left) > 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    return rc;
}

static void
memory_is_free_as_soon_as_cancel_returns(void **state)
{
    struct fixture *f = *state;
    struct poster posters[THREADS];
    atomic_uint left = THREADS;
    struct ouro_task *task;

    for (int i = 0; i < THREADS; i++) {
        posters[i] = (struct poster){.mailbox = f->mailbox, .left = &left};
        peer_start(&posters[i].thread, shoot_and_take_back, &posters[i]);
    }
    assert_ok(ouro_loop_create_task(f->loop, &task, wait_for_posters, &left));
    assert_ok(ouro_loop_run_until_complete(f->loop, ouro_task_future(task)));
    ouro_task_unref(task);

    for (int i = 0; i < THREADS; i++) {
        assert_ok(peer_join(&posters[i].thread));
        assert_int_equal(posters[i].refused, 0);
        assert_int_equal(posters[i].run + posters[i].prevented, POSTS);
    }
}

/* Loops end while threads post and take back; nobody waits for ever. */
static int
shoot_at_the_end(void *arg)
{
    struct fixture *f = arg;
    struct ouro_mailbox *mailbox = ouro_mailbox_ref(f->mailbox);
    int rc = 0;

    gate_pass(&gate);
    while (rc == 0) {
        struct ouro_handle *handle = calloc(1, sizeof(*handle));

        if (handle == NULL)
            break;
        rc = ouro_mailbox_post(mailbox, handle, count_call, f);
        (void)ouro_mailbox_cancel(mailbox, handle);
        free(handle);
    }
    ouro_mailbox_unref(mailbox);
    return rc == -ESHUTDOWN ? 0 : -EPROTO;
}

static void
the_end_of_a_loop_lets_all_go(void **state)
{
    struct fixture *f = *state;

    for (int life = 0; life < LIVES; life++) {
        struct peer threads[THREADS];

        gate_shut(&gate);
        for (int i = 0; i < THREADS; i++)
            peer_start(&threads[i], shoot_at_the_end, f);
        gate_wait_inside(&gate, THREADS);
        gate_open(&gate);
        ouro_loop_stop(f->loop);
        ouro_loop_run_forever(f->loop);
        ouro_loop_free(f->loop);

        for (int i = 0; i < THREADS; i++)
            assert_ok(peer_join(&threads[i]));
        ouro_mailbox_unref(f->mailbox);
        assert_ok(ouro_loop_new(&f->loop, NULL));
        f->mailbox = ouro_loop_mailbox(f->loop);
    }
}

static void *
take_back_when_cancelled(void *arg)
{
    (void)pthread_cancel(pthread_self());
    (void)take_back(arg);
    pthread_testcancel();
    return NULL;
}

/* Else the loop would visit a frame that is no more. */
static void
a_thread_that_was_cancelled_waits_to_the_end(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    void *end;

    assert_ok(pthread_create(&thread, NULL, take_back_when_cancelled, f));
    while (!atomic_load(&f->returned)) {
        ouro_loop_stop(f->loop);
        ouro_loop_run_forever(f->loop);
    }
    assert_ok(pthread_join(thread, &end));

    assert_ptr_equal(end, PTHREAD_CANCELED);
    assert_false(f->prevented);
}

static int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    gate_shut(&gate);
    assert_ok(ouro_loop_new(&f.loop, NULL));
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
        TEST(what_the_loop_has_not_taken_is_prevented_at_once),
        TEST(a_call_that_runs_is_waited_for),
        TEST(the_others_arrive_in_their_order),
        TEST(memory_is_free_as_soon_as_cancel_returns),
        TEST(the_end_of_a_loop_lets_all_go),
        TEST(a_thread_that_was_cancelled_waits_to_the_end),
    };
    struct ouro_loop *loop;

    if (ouro_loop_new(&loop, NULL) < 0)
        return 77;
    ouro_loop_free(loop);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
