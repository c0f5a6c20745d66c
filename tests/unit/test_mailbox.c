/* SPDX-License-Identifier: MIT */
/* What a mailbox promises: order, whose the handle is, and a life of its own.
 * See struct ouro_mailbox; that a post wakes a loop is in integration.mailbox.
 */
#include "ouro_test.h"

#include "mailbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LETTERS = 6, THREADS = 4, POSTS = 5000 };

struct fixture;

struct letter {
    struct ouro_handle handle;
    struct fixture *f;
    char text[2];
};

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro_mailbox *mailbox;
    struct seen_exceptions seen;
    struct letter letters[LETTERS];
    char trace[32];
    int result;
};

static void
note(void *arg)
{
    struct letter *letter = arg;
    char *trace = letter->f->trace;

    strncat(trace, letter->text, sizeof(letter->f->trace) - strlen(trace) - 1);
}

static int
post(struct fixture *f, size_t i)
{
    return ouro_mailbox_post(f->mailbox, &f->letters[i].handle, note,
                             &f->letters[i]);
}

/* Order. */

static void
posts_run_in_the_next_turn_and_in_their_order(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < LETTERS; i++)
        assert_ok(post(f, i));
    assert_string_equal(f->trace, "");
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "abcdef");
}

static void
post_two_more(void *arg)
{
    struct letter *letter = arg;

    note(letter);
    letter->f->result = post(letter->f, 1);
    if (letter->f->result == 0)
        letter->f->result = post(letter->f, 2);
}

static void
what_a_post_posts_is_for_the_next_turn(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_mailbox_post(f->mailbox, &f->letters[0].handle,
                                post_two_more, &f->letters[0]));
    ouro_sim_turn(f->sim);
    assert_string_equal(f->trace, "a");
    assert_ok(f->result);
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "abc");
}

static void
a_call_that_was_asked_for_before_comes_before(void **state)
{
    struct fixture *f = *state;

    ouro_call_soon(f->loop, &f->letters[0].handle, note, &f->letters[0]);
    assert_ok(post(f, 1));
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "ab");
}

static void
post_itself_again(void *arg)
{
    struct letter *letter = arg;

    note(letter);
    if (strlen(letter->f->trace) < 3)
        letter->f->result = ouro_call_soon_threadsafe(
            letter->f->loop, &letter->handle, post_itself_again, letter);
}

static void
a_handle_is_the_callers_again_when_it_runs(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_call_soon_threadsafe(f->loop, &f->letters[3].handle,
                                        post_itself_again, &f->letters[3]));
    for (int i = 0; i < 4; i++)
        ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "ddd");
    assert_ok(f->result);
    assert_false(ouro_handle_is_pending(&f->letters[3].handle));
}

/* Whose the handle is. */

static void
a_posted_handle_is_pending(void **state)
{
    struct fixture *f = *state;

    assert_ok(post(f, 0));
    assert_true(ouro_handle_is_pending(&f->letters[0].handle));
    ouro_sim_turn(f->sim);

    assert_false(ouro_handle_is_pending(&f->letters[0].handle));
}

static void
post_and_cancel(void *arg)
{
    struct fixture *f = arg;

    if (post(f, 0) == 0)
        ouro_handle_cancel(&f->letters[0].handle);
}

static void
post_twice(void *arg)
{
    struct fixture *f = arg;

    if (post(f, 0) == 0)
        f->result = post(f, 0);
}

static void
post_and_call(void *arg)
{
    struct fixture *f = arg;

    if (post(f, 0) == 0)
        ouro_call_soon(f->loop, &f->letters[0].handle, note, &f->letters[0]);
}

static void
post_what_is_a_timer(void *arg)
{
    struct fixture *f = arg;

    ouro_call_later(f->loop, &f->letters[0].handle, 1, note, &f->letters[0]);
    f->result = post(f, 0);
}

static void
to_use_a_posted_handle_stops_the_program(void **state)
{
    assert_callback_stops(post_and_cancel, *state,
                          "a posted handle is the mailbox's until it has run");
    assert_callback_stops(post_twice, *state,
                          "a handle is scheduled once at a time");
    assert_callback_stops(post_and_call, *state,
                          "a handle is scheduled once at a time");
    assert_callback_stops(post_what_is_a_timer, *state,
                          "a handle is scheduled once at a time");
}

static void
cancel_it(void *arg)
{
    struct letter *letter = arg;

    ouro_handle_cancel(&letter->f->letters[1].handle);
}

/* What was delivered is the loop's, and can be taken back there. */
static void
a_post_can_be_cancelled_once_it_is_delivered(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_mailbox_post(f->mailbox, &f->letters[0].handle, cancel_it,
                                &f->letters[0]));
    assert_ok(post(f, 1));
    assert_ok(post(f, 2));
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "c");
}

/* Its life. */

static void
it_outlives_its_loop_and_says_that_it_is_gone(void **state)
{
    struct fixture *f = *state;
    struct ouro_mailbox *second = ouro_mailbox_ref(f->mailbox);

    assert_ptr_equal(second, f->mailbox);
    ouro_sim_free(f->sim);
    f->sim = NULL;
    for (int i = 0; i < 3; i++) {
        assert_err(post(f, 0), ESHUTDOWN);
        assert_false(ouro_handle_is_pending(&f->letters[0].handle));
    }
    assert_null(ouro_mailbox_unref(second));
    assert_err(post(f, 1), ESHUTDOWN);

    assert_string_equal(f->trace, "");
}

static void
a_handle_it_refused_can_be_used_elsewhere(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    assert_err(post(f, 0), ESHUTDOWN);
    ouro_handle_cancel(&f->letters[0].handle);
    assert_ok(ouro_sim_new(&f->sim, NULL));
    ouro_call_soon(ouro_sim_loop(f->sim), &f->letters[0].handle, note,
                   &f->letters[0]);
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "a");
}

static void
no_reference_to_drop_is_nothing(void **state)
{
    (void)state;

    assert_null(ouro_mailbox_unref(NULL));
}

static void
the_last_reference_gives_all_of_it_back(void **state)
{
    struct ouro_mailbox *mailbox;
    size_t blocks = live_allocations();
    size_t descriptors = count_descriptors();

    (void)state;
    assert_ok(ouro__mailbox_new(&mailbox));
    assert_int_equal(count_descriptors(), descriptors + 1);
    ouro_mailbox_ref(mailbox);
    ouro_mailbox_unref(mailbox);
    assert_int_equal(count_descriptors(), descriptors + 1);
    ouro_mailbox_unref(mailbox);

    assert_int_equal(count_descriptors(), descriptors);
    assert_int_equal(live_allocations(), blocks);
}

static void
without_a_descriptor_there_is_none(void **state)
{
    struct rlimit before;
    struct ouro_mailbox *mailbox = NULL;
    size_t blocks = live_allocations();

    (void)state;
    assert_ok(getrlimit(RLIMIT_NOFILE, &before));
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_ok(setrlimit(RLIMIT_NOFILE, &none));
    int rc = ouro__mailbox_new(&mailbox);
    assert_ok(setrlimit(RLIMIT_NOFILE, &before));

    assert_err(rc, EMFILE);
    assert_null(mailbox);
    assert_int_equal(live_allocations(), blocks);
}

/* Threads. */

/* A thread, and what came of its posts; they are numbered, and come in order.
 */
struct poster {
    pthread_t thread;
    struct ouro_mailbox *mailbox;
    struct post {
        struct ouro_handle handle;
        struct poster *poster;
        size_t number;
    } * posts;
    size_t accepted; /* the thread's */
    size_t arrived;  /* the loop's, as below */
    size_t disorder;
};

static void
arrive(void *arg)
{
    struct post *one = arg;

    if (one->number != one->poster->arrived)
        one->poster->disorder++;
    one->poster->arrived++;
}

static void *
post_all(void *arg)
{
    struct poster *poster = arg;

    for (size_t i = 0; i < POSTS; i++) {
        struct post *one = &poster->posts[i];

        one->poster = poster;
        one->number = i;
        if (ouro_mailbox_post(poster->mailbox, &one->handle, arrive, one) == 0)
            poster->accepted++;
    }
    poster->mailbox = ouro_mailbox_unref(poster->mailbox);
    return NULL;
}

/* A41 */
static void
posts_of_many_threads_all_come_and_in_order(void **state)
{
    struct fixture *f = *state;
    struct poster posters[THREADS] = {0};
    size_t arrived = 0;

    for (size_t i = 0; i < THREADS; i++) {
        posters[i].posts = calloc(POSTS, sizeof(*posters[i].posts));
        assert_non_null(posters[i].posts);
        posters[i].mailbox = ouro_mailbox_ref(f->mailbox);
        assert_ok(
            pthread_create(&posters[i].thread, NULL, post_all, &posters[i]));
    }
    while (arrived < (size_t)THREADS * POSTS) {
        ouro_sim_turn(f->sim);
        arrived = 0;
        for (size_t i = 0; i < THREADS; i++)
            arrived += posters[i].arrived;
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_ok(pthread_join(posters[i].thread, NULL));
        assert_int_equal(posters[i].accepted, POSTS);
        assert_int_equal(posters[i].disorder, 0);
        free(posters[i].posts);
    }
}

static void *
post_when_cancelled(void *arg)
{
    struct fixture *f = arg;

    (void)pthread_cancel(pthread_self());
    f->result = post(f, 0);
    pthread_testcancel();
    return NULL;
}

static void
a_thread_that_was_cancelled_wakes_the_loop_before_it_ends(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    void *end;
    uint64_t count = 0;

    assert_true(ouro__mailbox_may_sleep(f->mailbox));
    assert_ok(pthread_create(&thread, NULL, post_when_cancelled, f));
    assert_ok(pthread_join(thread, &end));

    assert_ptr_equal(end, PTHREAD_CANCELED);
    assert_ok(f->result);
    assert_int_equal(read(ouro__mailbox_descriptor(f->mailbox), &count, 8), 8);
    ouro_sim_turn(f->sim);
    assert_string_equal(f->trace, "a");
}

static int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &f.seen},
    };

    memset(&f, 0, sizeof(f));
    f.result = UNSEEN;
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.loop = ouro_sim_loop(f.sim);
    f.mailbox = ouro_loop_mailbox(f.loop);
    for (size_t i = 0; i < LETTERS; i++) {
        f.letters[i].f = &f;
        f.letters[i].text[0] = (char)('a' + i);
    }
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_mailbox_unref(f->mailbox);
    ouro_sim_free(f->sim);
    assert_int_equal(f->seen.count, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(posts_run_in_the_next_turn_and_in_their_order),
        TEST(what_a_post_posts_is_for_the_next_turn),
        TEST(a_call_that_was_asked_for_before_comes_before),
        TEST(a_handle_is_the_callers_again_when_it_runs),
        TEST(a_posted_handle_is_pending),
        TEST(to_use_a_posted_handle_stops_the_program),
        TEST(a_post_can_be_cancelled_once_it_is_delivered),
        TEST(it_outlives_its_loop_and_says_that_it_is_gone),
        TEST(a_handle_it_refused_can_be_used_elsewhere),
        TEST(no_reference_to_drop_is_nothing),
        TEST(the_last_reference_gives_all_of_it_back),
        TEST(without_a_descriptor_there_is_none),
        TEST(posts_of_many_threads_all_come_and_in_order),
        TEST(a_thread_that_was_cancelled_wakes_the_loop_before_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
