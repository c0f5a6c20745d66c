/* SPDX-License-Identifier: MIT */
/* Posts from other threads and from signal handlers to a real loop (A41): it
 * wakes, nothing is lost, and who comes too late is told. */
#include "ouro_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    THREADS = 8,
    POSTS = 100000,
    ROUND_TRIPS = 1000,
    LIVES = 300,       /* of loops that are freed under fire */
    FIRE_POSTS = 2000, /* each thread has in one of them */
    SIGNALS = 2000
};

struct fixture {
    struct ouro_loop *loop;
    struct ouro_mailbox *mailbox;
    struct seen_exceptions seen;
};

/* A thread that posts, and what came of it.  Posts are numbered. */
struct poster {
    pthread_t thread;
    struct ouro_mailbox *mailbox;
    struct fixture *f;
    struct post *posts;
    size_t wanted;
    size_t accepted; /* the thread's, as all above */
    size_t refused;
    size_t arrived; /* the loop's, as below */
    size_t disorder;
};

struct post {
    struct ouro_handle handle;
    struct poster *poster;
    size_t number;
};

static size_t arrived_in_all; /* the loop's */

static void
arrive(void *arg)
{
    struct post *post = arg;
    struct poster *poster = post->poster;

    poster->disorder += post->number != poster->arrived;
    poster->arrived++;
    if (++arrived_in_all == (size_t)THREADS * POSTS)
        ouro_loop_stop(poster->f->loop);
}

/* A post that is refused leaves its handle idle, and all after it are refused
 * too; both are counted as disorder if not. */
static void *
post_all(void *arg)
{
    struct poster *poster = arg;

    for (size_t i = 0; i < poster->wanted; i++) {
        struct post *post = &poster->posts[i];

        post->poster = poster;
        post->number = i;
        int rc =
            ouro_mailbox_post(poster->mailbox, &post->handle, arrive, post);
        if (rc == 0 && poster->refused == 0)
            poster->accepted++;
        else if (rc == -ESHUTDOWN && !ouro_handle_is_pending(&post->handle))
            poster->refused++;
    }
    poster->mailbox = ouro_mailbox_unref(poster->mailbox);
    return NULL;
}

static void
start_posters(struct fixture *f, struct poster *posters, size_t wanted)
{
    arrived_in_all = 0;
    for (size_t i = 0; i < THREADS; i++) {
        posters[i] = (struct poster){.f = f, .wanted = wanted};
        posters[i].posts = calloc(wanted, sizeof(*posters[i].posts));
        assert_non_null(posters[i].posts);
        posters[i].mailbox = ouro_mailbox_ref(f->mailbox);
        assert_ok(
            pthread_create(&posters[i].thread, NULL, post_all, &posters[i]));
    }
}

static void
end_posters(struct poster *posters)
{
    for (size_t i = 0; i < THREADS; i++) {
        assert_ok(pthread_join(posters[i].thread, NULL));
        free(posters[i].posts);
    }
}

/* A41 */
static void
posts_of_eight_threads_all_arrive_and_in_order(void **state)
{
    struct fixture *f = *state;
    struct poster posters[THREADS];

    start_posters(f, posters, POSTS);
    ouro_loop_run_forever(f->loop);
    end_posters(posters);

    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(posters[i].accepted, POSTS);
        assert_int_equal(posters[i].arrived, POSTS);
        assert_int_equal(posters[i].disorder, 0);
    }
}

/* Waking. */

/* Two that wait for each other: a loop that sleeps, and a thread. */
struct ping_pong {
    struct fixture *f;
    struct ouro_handle handle;
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    unsigned answers;
    int result;
};

static void
answer(void *arg)
{
    struct ping_pong *game = arg;

    pthread_mutex_lock(&game->mutex);
    game->answers++;
    if (game->answers == ROUND_TRIPS)
        ouro_loop_stop(game->f->loop);
    pthread_cond_signal(&game->answered);
    pthread_mutex_unlock(&game->mutex);
}

static void *
ask_again_and_again(void *arg)
{
    struct ping_pong *game = arg;

    pthread_mutex_lock(&game->mutex);
    for (unsigned i = 0; i < ROUND_TRIPS; i++) {
        game->result = ouro_call_soon_threadsafe(game->f->loop, &game->handle,
                                                 answer, game);
        while (game->answers == i)
            pthread_cond_wait(&game->answered, &game->mutex);
    }
    pthread_mutex_unlock(&game->mutex);
    return NULL;
}

/* A41: a wake that got lost would be waited for until the test's limit. */
static void
each_post_wakes_a_loop_that_sleeps(void **state)
{
    struct fixture *f = *state;
    struct ping_pong game = {.f = f,
                             .mutex = PTHREAD_MUTEX_INITIALIZER,
                             .answered = PTHREAD_COND_INITIALIZER};
    struct ouro_loop_stats stats;
    pthread_t thread;

    assert_ok(pthread_create(&thread, NULL, ask_again_and_again, &game));
    ouro_loop_run_forever(f->loop);
    assert_ok(pthread_join(thread, NULL));

    assert_ok(game.result);
    assert_int_equal(game.answers, ROUND_TRIPS);
    ouro_loop_get_stats(f->loop, &stats);
    assert_in_range(stats.waits, 1, 3 * ROUND_TRIPS);
}

static void
too_late(void *arg)
{
    bool *late = arg;

    *late = true;
    ouro_loop_stop(ouro_get_running_loop());
}

static void
stop(void *arg)
{
    ouro_loop_stop(arg);
}

static void *
post_one(void *arg)
{
    struct post *post = arg;

    if (ouro_call_soon_threadsafe(post->poster->f->loop, &post->handle, stop,
                                  post->poster->f->loop)
        < 0)
        abort();
    return NULL;
}

/* A41: it sleeps until a timer that is far away. */
static void
a_post_does_not_wait_for_the_next_timer(void **state)
{
    struct fixture *f = *state;
    struct poster poster = {.f = f};
    struct post post = {.poster = &poster};
    struct ouro_handle timer = {0};
    bool late = false;
    pthread_t thread;

    ouro_call_later(f->loop, &timer, OURO_SECONDS(20), too_late, &late);
    assert_ok(pthread_create(&thread, NULL, post_one, &post));
    ouro_loop_run_forever(f->loop);
    assert_ok(pthread_join(thread, NULL));
    ouro_handle_cancel(&timer);

    assert_false(late);
}

static void
what_is_posted_between_two_runs_is_run(void **state)
{
    struct fixture *f = *state;
    struct ouro_handle handle = {0};

    for (int i = 0; i < 3; i++) {
        assert_ok(ouro_mailbox_post(f->mailbox, &handle, stop, f->loop));
        ouro_loop_run_forever(f->loop);
    }
}

/* The end, under fire. */

static void
make_loop(struct fixture *f)
{
    const struct ouro_loop_options options = {
        .exception_handler = see_exception,
        .exception_arg = &f->seen,
    };

    assert_ok(ouro_loop_new(&f->loop, &options));
    f->mailbox = ouro_loop_mailbox(f->loop);
}

static void
end_loop(struct fixture *f)
{
    f->mailbox = ouro_mailbox_unref(f->mailbox);
    ouro_loop_free(f->loop);
    f->loop = NULL;
}

/* A41: each thread finds the end at another place of its work. */
static void
no_post_that_was_taken_is_lost_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct ouro_handle handle = {0};
    size_t refused = 0;

    end_loop(f);
    for (size_t life = 0; life < LIVES; life++) {
        struct poster posters[THREADS];

        make_loop(f);
        start_posters(f, posters, FIRE_POSTS);
        ouro_call_later(f->loop, &handle,
                        OURO_MICROSECONDS((int64_t)(life % 20) * 20), stop,
                        f->loop);
        ouro_loop_run_forever(f->loop);
        end_loop(f);
        end_posters(posters);
        for (size_t i = 0; i < THREADS; i++) {
            assert_int_equal(posters[i].arrived, posters[i].accepted);
            assert_int_equal(posters[i].accepted + posters[i].refused,
                             FIRE_POSTS);
            assert_int_equal(posters[i].disorder, 0);
            refused += posters[i].refused;
        }
    }
    assert_true(refused > 0);
    make_loop(f);
}

/* Signal handlers. */

static struct signalled {
    struct fixture *f;
    struct post posts[SIGNALS];
    struct poster poster;
    atomic_uint came; /* signals */
    atomic_bool over;
} signalled;

/* Handlers of one signal do not nest. */
static void
post_in_a_handler(int number)
{
    unsigned i = atomic_load(&signalled.came);

    (void)number;
    if (i == SIGNALS)
        return;
    atomic_store(&signalled.came, i + 1);
    struct post *post = &signalled.posts[i];
    post->poster = &signalled.poster;
    post->number = i;
    if (ouro_mailbox_post(signalled.f->mailbox, &post->handle, arrive, post)
        == 0)
        signalled.poster.accepted++;
}

static void *
send_signals(void *arg)
{
    const pthread_t *loop_thread = arg;

    while (atomic_load(&signalled.came) < SIGNALS)
        (void)pthread_kill(*loop_thread, SIGUSR1);
    atomic_store(&signalled.over, true);
    return NULL;
}

/* Busy with its own work, so that a handler comes in the middle of it. */
static void
stop_when_all_came(void *arg)
{
    struct ouro_handle *handle = arg;

    if (signalled.poster.arrived == SIGNALS && atomic_load(&signalled.over))
        ouro_loop_stop(signalled.f->loop);
    else
        ouro_call_later(signalled.f->loop, handle, OURO_MICROSECONDS(10),
                        stop_when_all_came, handle);
}

/* A41 */
static void
a_signal_handler_on_the_loops_thread_may_post(void **state)
{
    struct fixture *f = *state;
    struct sigaction action = {.sa_handler = post_in_a_handler};
    struct sigaction before;
    struct ouro_handle handle = {0};
    pthread_t self = pthread_self();
    pthread_t thread;

    memset(&signalled, 0, sizeof(signalled));
    signalled.f = f;
    signalled.poster.f = f;
    assert_ok(sigaction(SIGUSR1, &action, &before));
    assert_ok(pthread_create(&thread, NULL, send_signals, &self));
    ouro_call_soon(f->loop, &handle, stop_when_all_came, &handle);
    ouro_loop_run_forever(f->loop);
    assert_ok(pthread_join(thread, NULL));
    assert_ok(sigaction(SIGUSR1, &before, NULL));

    assert_int_equal(signalled.poster.accepted, SIGNALS);
    assert_int_equal(signalled.poster.arrived, SIGNALS);
    assert_int_equal(signalled.poster.disorder, 0);
}

static int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    make_loop(&f);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    end_loop(f);
    assert_int_equal(f->seen.count, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(posts_of_eight_threads_all_arrive_and_in_order),
        TEST(each_post_wakes_a_loop_that_sleeps),
        TEST(a_post_does_not_wait_for_the_next_timer),
        TEST(what_is_posted_between_two_runs_is_run),
        TEST(no_post_that_was_taken_is_lost_at_the_end),
        TEST(a_signal_handler_on_the_loops_thread_may_post),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
