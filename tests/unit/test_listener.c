/* SPDX-License-Identifier: MIT */
/* One socket that accepts, on an engine that does only what a test says.
 *
 * The simulation decides by itself how an accept ends; here each completion is
 * written by hand, also those that a kernel gives once in a million.
 */
#include "ouro_test.h"

#include "listener.h"
#include "mailbox.h"

#include <stdlib.h>

enum { LISTENING = 7, MOST = 8 };

/* The engine: one operation at most, and a clock. */
struct hand {
    struct ouro__engine base;
    struct ouro__op *op; /* in flight */
    unsigned submits;
    unsigned cancels;
    int closed[MOST]; /* descriptors */
    unsigned closes;
    int64_t now_ns;
};

static struct hand *
hand_of(struct ouro__engine *engine)
{
    return OURO_CONTAINER_OF(engine, struct hand, base);
}

static void
hand_free(struct ouro__engine *engine)
{
    (void)engine;
}

static void
hand_submit(struct ouro__engine *engine, struct ouro__op *op)
{
    hand_of(engine)->op = op;
    hand_of(engine)->submits++;
}

static void
hand_cancel(struct ouro__engine *engine, struct ouro__op *op)
{
    (void)op;
    hand_of(engine)->cancels++;
}

static void
hand_wait(struct ouro__engine *engine, int64_t until_ns)
{
    (void)engine;
    (void)until_ns;
}

static int64_t
hand_now_ns(const struct ouro__engine *engine)
{
    return ((const struct hand *)(const void *)engine)->now_ns;
}

static void
hand_close(struct ouro__engine *engine, int fd)
{
    struct hand *hand = hand_of(engine);

    if (hand->closes < MOST)
        hand->closed[hand->closes] = fd;
    hand->closes++;
}

static const struct ouro__engine_ops hand_ops = {
    .name = "hand",
    .free = hand_free,
    .submit = hand_submit,
    .cancel = hand_cancel,
    .wait = hand_wait,
    .now_ns = hand_now_ns,
};

static const struct ouro__socket_ops hand_sockets = {.close = hand_close};

struct fixture {
    struct hand hand;
    struct ouro_loop *loop;
    struct ouro__listener listener;
    struct seen_exceptions seen;
    int accepted[MOST];
    unsigned accepts;
    unsigned ends;
    bool close_in_accepted;
};

static void
note_accepted(struct ouro__listener *listener, int fd)
{
    struct fixture *f = listener->owner;

    if (f->accepts < MOST)
        f->accepted[f->accepts] = fd;
    f->accepts++;
    if (f->close_in_accepted)
        ouro__listener_close(listener);
}

/* As a server does: from here on nobody may touch the listener. */
static void
note_closed(struct ouro__listener *listener)
{
    struct fixture *f = listener->owner;

    f->ends++;
    *listener = (struct ouro__listener){.fd = -1};
}

static int
setup(void **state)
{
    const struct ouro_loop_options options = {0};
    struct fixture *f = calloc(1, sizeof(*f));
    struct ouro_mailbox *mailbox;

    assert_non_null(f);
    ouro__engine_init(&f->hand.base, &hand_ops, &hand_sockets);
    f->hand.now_ns = OURO_SECONDS(1000);
    assert_ok(ouro__mailbox_new(&mailbox));
    assert_ok(ouro__loop_new_on(&f->loop, &f->hand.base, mailbox, &options));
    ouro_loop_set_exception_handler(f->loop, see_exception, &f->seen);
    ouro__listener_init(&f->listener, f->loop, LISTENING, OURO_HERE);
    f->listener.accepted = note_accepted;
    f->listener.closed = note_closed;
    f->listener.owner = f;
    ouro__listener_start(&f->listener);
    *state = f;
    return 0;
}

static void
turn(struct fixture *f)
{
    ouro__loop_begin_run(f->loop);
    ouro__loop_turn(f->loop, false);
    ouro__loop_end_run(f->loop);
}

static void
complete(struct fixture *f, int result, bool more)
{
    struct ouro__completion completion = {
        .op = f->hand.op,
        .result = result,
        .more = more,
    };

    assert_non_null(f->hand.op);
    if (!more)
        f->hand.op = NULL;
    ouro__op_completed(&f->hand.base, &completion);
    turn(f);
}

static void
pass(struct fixture *f, int64_t delay_ns)
{
    f->hand.now_ns += delay_ns;
    turn(f);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    if (f->ends == 0)
        ouro__listener_close(&f->listener);
    if (f->hand.op != NULL)
        complete(f, -ECANCELED, false);
    assert_int_equal(f->ends, 1);
    ouro_loop_free(f->loop);
    free(f);
    return 0;
}

static size_t
count_timers(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    return stats.timers;
}

/* Accepting. */

static void
each_descriptor_is_handed_over(void **state)
{
    struct fixture *f = *state;

    complete(f, 20, true);
    complete(f, 21, true);

    assert_int_equal(f->accepts, 2);
    assert_int_equal(f->accepted[0], 20);
    assert_int_equal(f->accepted[1], 21);
    assert_int_equal(f->hand.submits, 1);
}

static void
an_accept_that_ends_with_a_descriptor_begins_anew(void **state)
{
    struct fixture *f = *state;

    complete(f, 20, false);

    assert_int_equal(f->accepts, 1);
    assert_int_equal(f->hand.submits, 2);
    assert_int_equal(f->seen.count, 0);
}

/* A22 */
static void
a_client_that_is_gone_before_it_is_accepted_is_skipped(void **state)
{
    struct fixture *f = *state;

    complete(f, -ECONNABORTED, false);
    complete(f, 20, true);
    complete(f, -EPROTO, false);
    complete(f, -EINTR, false);

    assert_int_equal(f->accepts, 1);
    assert_int_equal(f->hand.submits, 4);
    assert_int_equal(f->seen.count, 0);
    assert_int_equal(count_timers(f), 0);
}

/* A21: no descriptors. */

static void
no_descriptors_is_one_report_and_one_timer(void **state)
{
    struct fixture *f = *state;

    complete(f, -EMFILE, false);

    assert_int_equal(f->seen.count, 1);
    assert_err(f->seen.error, EMFILE);
    assert_int_equal(count_timers(f), 1);
    assert_int_equal(f->hand.submits, 1);
}

static void
it_is_tried_again_after_a_second_and_not_before(void **state)
{
    struct fixture *f = *state;

    complete(f, -EMFILE, false);
    pass(f, OURO_SECONDS(1) - 1);
    assert_int_equal(f->hand.submits, 1);
    pass(f, 1);

    assert_int_equal(f->hand.submits, 2);
    assert_int_equal(count_timers(f), 0);
}

static void
while_it_fails_it_is_one_episode(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 100; i++) {
        complete(f, -ENFILE, false);
        pass(f, OURO_SECONDS(1));
    }

    assert_int_equal(f->seen.count, 1);
    assert_int_equal(f->hand.submits, 101);
}

static void
after_two_seconds_without_a_failure_the_next_is_reported(void **state)
{
    struct fixture *f = *state;

    complete(f, -EMFILE, false);
    pass(f, OURO_SECONDS(1));
    pass(f, OURO_SECONDS(1) + 1);
    complete(f, -EMFILE, false);

    assert_int_equal(f->seen.count, 2);
}

static void
a_descriptor_that_the_loop_closes_ends_the_pause(void **state)
{
    struct fixture *f = *state;

    complete(f, -EMFILE, false);
    ouro__loop_descriptor_freed(f->loop);
    assert_int_equal(f->hand.submits, 1);
    turn(f);

    assert_int_equal(f->hand.submits, 2);
    assert_int_equal(count_timers(f), 0);
    pass(f, OURO_SECONDS(5));
    assert_int_equal(f->hand.submits, 2);
}

static void
a_descriptor_that_is_free_as_the_second_is_over_is_one_try(void **state)
{
    struct fixture *f = *state;

    complete(f, -EMFILE, false);
    ouro__loop_descriptor_freed(f->loop);
    pass(f, OURO_SECONDS(1));

    assert_int_equal(f->hand.submits, 2);
}

/* Closing. */

static void
a_close_waits_for_the_accept(void **state)
{
    struct fixture *f = *state;

    ouro__listener_close(&f->listener);
    ouro__listener_close(&f->listener);
    assert_int_equal(f->hand.cancels, 1);
    assert_int_equal(f->ends, 0);
    complete(f, -ECANCELED, false);

    assert_int_equal(f->ends, 1);
    assert_int_equal(f->hand.closes, 1);
    assert_int_equal(f->hand.closed[0], LISTENING);
}

/* A29 */
static void
what_is_accepted_while_it_closes_is_closed(void **state)
{
    struct fixture *f = *state;

    ouro__listener_close(&f->listener);
    complete(f, 20, true);
    complete(f, 21, false);

    assert_int_equal(f->accepts, 0);
    assert_int_equal(f->hand.closes, 3);
    assert_int_equal(f->hand.closed[0], 20);
    assert_int_equal(f->hand.closed[1], 21);
    assert_int_equal(f->hand.closed[2], LISTENING);
}

static void
a_close_in_a_pause_is_done_at_once(void **state)
{
    struct fixture *f = *state;

    complete(f, -EMFILE, false);
    ouro__listener_close(&f->listener);

    assert_int_equal(f->ends, 1);
    assert_int_equal(f->hand.closed[0], LISTENING);
    assert_int_equal(count_timers(f), 0);
}

static void
a_close_from_inside_accepted_is_one_close(void **state)
{
    struct fixture *f = *state;

    f->close_in_accepted = true;
    complete(f, 20, true);
    complete(f, -ECANCELED, false);

    assert_int_equal(f->ends, 1);
    assert_int_equal(f->hand.closes, 1);
}

static void
a_close_from_inside_the_last_accepted_is_one_close(void **state)
{
    struct fixture *f = *state;

    f->close_in_accepted = true;
    complete(f, 20, false);
    if (f->hand.op != NULL)
        complete(f, -ECANCELED, false);

    assert_int_equal(f->ends, 1);
    assert_int_equal(f->hand.closes, 1);
    assert_int_equal(f->hand.closed[0], LISTENING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_descriptor_is_handed_over),
        TEST(an_accept_that_ends_with_a_descriptor_begins_anew),
        TEST(a_client_that_is_gone_before_it_is_accepted_is_skipped),
        TEST(no_descriptors_is_one_report_and_one_timer),
        TEST(it_is_tried_again_after_a_second_and_not_before),
        TEST(while_it_fails_it_is_one_episode),
        TEST(after_two_seconds_without_a_failure_the_next_is_reported),
        TEST(a_descriptor_that_the_loop_closes_ends_the_pause),
        TEST(a_descriptor_that_is_free_as_the_second_is_over_is_one_try),
        TEST(a_close_waits_for_the_accept),
        TEST(what_is_accepted_while_it_closes_is_closed),
        TEST(a_close_in_a_pause_is_done_at_once),
        TEST(a_close_from_inside_accepted_is_one_close),
        TEST(a_close_from_inside_the_last_accepted_is_one_close),
    };

    return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
