/* SPDX-License-Identifier: MIT */
/* What writing a stream promises, where the test is the transport.  See
 * src/stream_write.c. */
#include "fake_transport.h"

enum { PIECE = 64 * 1024, HIGH = 64 * 1024, LOW = 16 * 1024 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_stream *stream;
    struct fake *fake;
    struct seen_exceptions reports;
    struct ouro_task *task;
    size_t size; /* how much to write */
    int seen;
    unsigned done; /* tasks that have ended */
};

static uint8_t bytes[sizeof(((struct fake *)0)->sent)];

static int
setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.seen = UNSEEN};
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    assert_ok(ouro_sim_new(&f.sim, NULL));
    ouro_loop_set_exception_handler(ouro_sim_loop(f.sim), see_exception,
                                    &f.reports);
    f.stream = fake_new(ouro_sim_loop(f.sim), 0);
    f.fake = fake_of(ouro_stream_transport(f.stream));
    *state = &f;
    return 0;
}

static void
turns(struct fixture *f)
{
    for (int i = 0; i < 3; i++)
        ouro_sim_turn(f->sim);
}

/* What is still queued is dropped; nothing may have been reported. */
static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_stream_abort(f->stream);
    turns(f);
    ouro_stream_free(f->stream);
    ouro_task_unref(f->task);
    ouro_sim_free(f->sim);
    assert_int_equal(f->reports.count, 0);
    return 0;
}

static int
write_some(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_stream_write(f->stream, ouro_slice_of(bytes, f->size));
    f->done++;
    return 0;
}

static int
drain(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_stream_drain(f->stream);
    f->done++;
    return 0;
}

/* Begin to write, and let it come as far as it does. */
static void
begin(struct fixture *f, ouro_task_fn *fn, size_t size)
{
    f->size = size;
    f->task = ouro_task_unref(f->task);
    assert_ok(ouro_loop_create_task(ouro_sim_loop(f->sim), &f->task, fn, f));
    turns(f);
}

static void
let_leave(struct fixture *f, size_t size)
{
    fake_send(f->fake, size);
    turns(f);
}

static size_t
queued(const struct fixture *f)
{
    return ouro_transport_write_buffer_size(&f->fake->base);
}

/* Pieces. */

static void
a_write_does_not_wait_below_the_high_mark(void **state)
{
    struct fixture *f = *state;

    begin(f, write_some, 1000);
    assert_ok(f->seen);
    begin(f, write_some, HIGH);
    assert_ok(f->seen);

    assert_int_equal(queued(f), HIGH + 1000);
    assert_int_equal(ouro_stream_bytes_written(f->stream), HIGH + 1000);
}

static void
a_large_write_waits_in_the_callers_memory(void **state)
{
    struct fixture *f = *state;

    begin(f, write_some, 5 * PIECE);
    assert_int_equal(f->seen, UNSEEN);
    assert_int_equal(queued(f), HIGH + PIECE);
    assert_int_equal(ouro_stream_bytes_written(f->stream), HIGH + PIECE);

    let_leave(f, HIGH + PIECE - LOW - 1);
    assert_int_equal(queued(f), LOW + 1);
    let_leave(f, 1);
    assert_int_equal(queued(f), LOW + PIECE);
    let_leave(f, PIECE);
    let_leave(f, PIECE);

    assert_ok(f->seen);
    assert_int_equal(f->fake->written, 5 * PIECE);
    assert_memory_equal(f->fake->sent, bytes, 5 * PIECE);
}

/* The transport tells nothing then. */
static void
a_queue_that_drains_in_the_same_turn_stops_nobody(void **state)
{
    struct fixture *f = *state;

    f->size = 5 * PIECE;
    start(f->sim, write_some, f);
    while (f->seen == UNSEEN && queued(f) > 0) {
        fake_send(f->fake, queued(f));
        ouro_sim_turn(f->sim);
    }

    assert_ok(f->seen);
}

static void
a_small_high_mark_is_kept_to_by_a_piece(void **state)
{
    struct fixture *f = *state;

    ouro_transport_set_write_buffer_limits(&f->fake->base, 1, 0);
    begin(f, write_some, 2 * PIECE);
    assert_int_equal(queued(f), PIECE);
    let_leave(f, PIECE);

    assert_ok(f->seen);
}

static int
write_slices(void *arg)
{
    struct fixture *f = arg;
    struct ouro_slice slices[40];
    size_t size = 0;

    for (size_t i = 0; i < 40; i++) {
        slices[i] = ouro_slice_of(bytes + size, i * 250);
        size += i * 250;
    }
    f->size = size;
    f->seen = ouro_stream_writev(f->stream, slices, 40);
    return 0;
}

static void
slices_are_written_as_one(void **state)
{
    struct fixture *f = *state;

    begin(f, write_slices, 0);
    assert_int_equal(f->seen, UNSEEN);
    assert_in_range(queued(f), HIGH, HIGH + PIECE);
    let_leave(f, queued(f));

    assert_ok(f->seen);
    assert_int_equal(f->fake->written, f->size);
    assert_memory_equal(f->fake->sent, bytes, f->size);
}

/* A2 */
static void
of_a_cancelled_write_the_rest_never_leaves(void **state)
{
    struct fixture *f = *state;

    begin(f, write_some, 5 * PIECE);
    ouro_task_cancel(f->task);
    turns(f);
    assert_err(f->seen, ECANCELED);
    assert_int_equal(ouro_stream_bytes_written(f->stream), HIGH + PIECE);

    let_leave(f, queued(f));
    assert_int_equal(f->fake->written, HIGH + PIECE);
    begin(f, write_some, 10);
    assert_ok(f->seen);
}

/* Ends. */

static void
a_write_that_waits_ends_with_the_connection(void **state)
{
    struct fixture *f = *state;

    begin(f, write_some, 5 * PIECE);
    ouro_transport_fail(&f->fake->base, -ECONNRESET);
    turns(f);
    assert_err(f->seen, ECONNRESET);

    for (int i = 0; i < 4; i++) {
        begin(f, write_some, 10);
        assert_err(f->seen, ECONNRESET);
        begin(f, drain, 0);
        assert_err(f->seen, ECONNRESET);
    }
}

static void
a_write_that_waits_ends_when_its_end_is_written(void **state)
{
    struct fixture *f = *state;

    begin(f, write_some, 5 * PIECE);
    ouro_stream_write_eof(f->stream);
    let_leave(f, queued(f));

    assert_err(f->seen, EPIPE);
    begin(f, drain, 0);
    assert_ok(f->seen);
}

static void
a_transport_that_was_closed_directly_is_not_written_to(void **state)
{
    struct fixture *f = *state;

    ouro_transport_close(&f->fake->base);
    begin(f, write_some, 10);

    assert_err(f->seen, EPIPE);
    assert_int_equal(ouro_transport_bytes_dropped(&f->fake->base), 0);
}

static void
one_that_cannot_send_any_more_is_not_written_to(void **state)
{
    struct fixture *f = *state;

    ouro_transport_set_broken(&f->fake->base, -EPIPE);
    begin(f, write_some, 10);

    assert_err(f->seen, EPIPE);
    assert_int_equal(ouro_transport_bytes_dropped(&f->fake->base), 0);
}

static void
a_piece_past_the_hard_limit_is_not_counted(void **state)
{
    struct fixture *f = *state;

    ouro_transport_set_write_buffer_max(&f->fake->base, 1000);
    begin(f, write_some, 1001);

    assert_err(f->seen, ENOBUFS);
    assert_int_equal(ouro_stream_bytes_written(f->stream), 0);
}

static int
wait_closed(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_stream_wait_closed(f->stream);
    f->done++;
    return 0;
}

static void
who_waits_for_the_close_hears_why_it_came(void **state)
{
    struct fixture *f = *state;

    start(f->sim, wait_closed, f);
    start(f->sim, wait_closed, f);
    ouro_transport_fail(&f->fake->base, -EIO);
    turns(f);
    assert_int_equal(f->done, 2);
    assert_err(f->seen, EIO);

    start(f->sim, wait_closed, f);
    assert_int_equal(f->done, 3);
    assert_err(f->seen, EIO);
}

static void
a_stream_that_is_freed_still_sends_what_is_queued(void **state)
{
    struct fixture *f = *state;
    struct ouro_protocol *protocol = ouro_protocol_ref(f->fake->base.protocol);

    begin(f, write_some, 1000);
    ouro_stream_free(f->stream);
    turns(f);
    assert_int_equal(queued(f), 1000);
    assert_true(f->fake->closing);
    let_leave(f, 1000);

    f->stream = ouro__stream_of(protocol);
}

/* Draining. */

/* A32 */
static void
who_drains_waits_for_the_low_mark(void **state)
{
    struct fixture *f = *state;

    begin(f, write_some, 2 * PIECE);
    f->done = 0;
    for (int i = 0; i < 4; i++)
        start(f->sim, drain, f);
    let_leave(f, queued(f) - LOW - 1);
    assert_int_equal(f->done, 0);
    let_leave(f, 1);

    assert_int_equal(f->done, 4);
    assert_ok(f->seen);
}

static void
also_if_the_high_mark_was_never_passed(void **state)
{
    struct fixture *f = *state;

    begin(f, write_some, 2 * LOW);
    f->seen = UNSEEN;
    begin(f, drain, 0);
    let_leave(f, LOW - 1);
    assert_int_equal(f->seen, UNSEEN);
    let_leave(f, 1);
    assert_ok(f->seen);

    begin(f, write_some, HIGH - LOW);
    assert_false(ouro_transport_is_writing_paused(&f->fake->base));
}

static void
also_if_it_drains_in_the_same_turn(void **state)
{
    struct fixture *f = *state;

    begin(f, write_some, 2 * LOW);
    f->seen = UNSEEN;
    start(f->sim, drain, f);
    fake_send(f->fake, 2 * LOW);
    turns(f);

    assert_ok(f->seen);
}

static void
one_that_is_cancelled_does_not_wake_the_others(void **state)
{
    struct fixture *f = *state;

    begin(f, write_some, 2 * LOW);
    f->done = 0;
    start(f->sim, drain, f);
    begin(f, drain, 0);
    start(f->sim, drain, f);
    ouro_task_cancel(f->task);
    turns(f);
    assert_int_equal(f->done, 1);
    assert_err(f->seen, ECANCELED);
    let_leave(f, 2 * LOW);

    assert_int_equal(f->done, 3);
    assert_ok(f->seen);
}

static void
marks_that_are_set_meanwhile_stay(void **state)
{
    struct fixture *f = *state;

    begin(f, write_some, 2 * LOW);
    begin(f, drain, 0);
    ouro_transport_set_write_buffer_limits(&f->fake->base, 1000, 10);
    let_leave(f, 2 * LOW - 10);
    begin(f, write_some, 991);

    assert_true(ouro_transport_is_writing_paused(&f->fake->base));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_write_does_not_wait_below_the_high_mark),
        TEST(a_large_write_waits_in_the_callers_memory),
        TEST(a_queue_that_drains_in_the_same_turn_stops_nobody),
        TEST(a_small_high_mark_is_kept_to_by_a_piece),
        TEST(slices_are_written_as_one),
        TEST(of_a_cancelled_write_the_rest_never_leaves),
        TEST(a_write_that_waits_ends_with_the_connection),
        TEST(a_write_that_waits_ends_when_its_end_is_written),
        TEST(a_transport_that_was_closed_directly_is_not_written_to),
        TEST(one_that_cannot_send_any_more_is_not_written_to),
        TEST(a_piece_past_the_hard_limit_is_not_counted),
        TEST(who_waits_for_the_close_hears_why_it_came),
        TEST(a_stream_that_is_freed_still_sends_what_is_queued),
        TEST(who_drains_waits_for_the_low_mark),
        TEST(also_if_the_high_mark_was_never_passed),
        TEST(also_if_it_drains_in_the_same_turn),
        TEST(one_that_is_cancelled_does_not_wake_the_others),
        TEST(marks_that_are_set_meanwhile_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
