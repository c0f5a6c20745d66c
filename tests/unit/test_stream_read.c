/* SPDX-License-Identifier: MIT */
/* What reading a stream promises, at each split of the bytes.  See
 * src/stream_read.c. */
#include "stream_fixture.h"

/* Separators, at each split. */

/* A line of `size` bytes, then its end and some more, in two parts. */
static void
receive_line(struct fixture *f, size_t size, size_t split, const char *more)
{
    char text[64];
    size_t all = size + 2 + strlen(more);

    memset(text, 'x', size);
    memcpy(text + size, "\r\n", 2);
    memcpy(text + size + 2, more, strlen(more));
    split = split < all ? split : all;
    receive(f, text, split);
    receive(f, text + split, all - split);
}

/* A17 */
static void
a_line_of_the_limit_or_less_is_found_at_each_split(void **state)
{
    struct fixture *f = *state;

    for (size_t size = LIMIT - 1; size <= LIMIT; size++) {
        for (size_t split = 0; split <= size + 6; split++) {
            f->seen = UNSEEN;
            start(f->sim, read_until, f);
            receive_line(f, size, split, "rest");
            assert_int_equal(f->seen, size + 2);
            assert_memory_equal(f->slice.data + size, "\r\n", 2);

            f->size = 4;
            start(f->sim, read_exactly, f);
            assert_memory_equal(f->bytes, "rest", 4);
        }
    }
}

/* A17 */
static void
a_longer_line_is_refused_at_each_split_and_kept(void **state)
{
    struct fixture *f = *state;
    size_t size = LIMIT + 1;

    for (size_t split = 0; split <= size + 6; split++) {
        f->seen = UNSEEN;
        start(f->sim, read_until, f);
        receive_line(f, size, split, "rest");
        assert_err(f->seen, OURO_ELIMIT);
        start(f->sim, read_until, f);
        assert_err(f->seen, OURO_ELIMIT);

        f->size = size + 6;
        start(f->sim, read_exactly, f);
        assert_int_equal(f->seen, size + 6);
        assert_memory_equal(f->bytes, "xxxxxxxxx\r\nrest", size + 6);
    }
}

static void
without_a_separator_it_waits_only_as_long_as_one_may_fit(void **state)
{
    struct fixture *f = *state;

    start(f->sim, read_until, f);
    receive(f, "xxxxxxxx\r", LIMIT + 1);
    assert_int_equal(f->seen, UNSEEN);
    receive(f, "x", 1);

    assert_err(f->seen, OURO_ELIMIT);
}

/* A17 */
static void
an_end_at_each_offset_of_a_line_keeps_what_came(void **state)
{
    static const char line[] = "line\r";

    for (size_t size = 1; size < sizeof(line); size++) {
        struct fixture *f = *state;
        char text[8] = {0};

        start(f->sim, read_until, f);
        receive(f, line, size);
        receive_end(f);
        assert_err(f->seen, OURO_EINCOMPLETE);
        assert_rest(f, memcpy(text, line, size), 0);

        teardown(state);
        setup(state);
    }
}

static void
the_end_before_a_line_is_the_end(void **state)
{
    struct fixture *f = *state;

    start(f->sim, read_until, f);
    receive_end(f);
    assert_int_equal(f->seen, 0);
    assert_true(ouro_stream_at_eof(f->stream));

    start(f->sim, read_line, f);
    assert_int_equal(f->seen, 0);
    assert_int_equal(f->slice.size, 0);
}

static void
of_two_separators_that_end_together_the_longer_decides(void **state)
{
    struct fixture *f = *state;

    /* "a\r\n" begins at the limit, "\n" behind it. */
    start(f->sim, read_until_two, f);
    receive(f, "xxxxxxxxa\r", LIMIT + 2);
    assert_int_equal(f->seen, UNSEEN);
    receive(f, "\n", 1);

    assert_int_equal(f->seen, LIMIT + 3);
}

static int
read_until_nothing(void *arg)
{
    struct fixture *f = arg;
    struct ouro_slice separators[] = {OURO_BYTES("\n"), OURO_BYTES("")};

    f->seen = ouro_stream_read_until(f->stream, OURO_BYTES(""), &f->slice);
    f->size = (size_t)-ouro_stream_read_until_any(f->stream, separators, 2,
                                                  &f->slice);
    return 0;
}

static void
an_empty_separator_is_refused(void **state)
{
    struct fixture *f = *state;

    start(f->sim, read_until_nothing, f);

    assert_err(f->seen, EINVAL);
    assert_int_equal(f->size, EINVAL);
}

static void
a_line_may_lie_across_many_blocks(void **state)
{
    struct fixture *f = *state;
    static uint8_t part[5000];

    set_limit(f, 200000);
    memset(part, 'x', sizeof(part));
    start(f->sim, read_line, f);
    for (int i = 0; i < 30; i++)
        receive(f, part, sizeof(part));
    assert_int_equal(f->seen, UNSEEN);
    receive(f, "\nrest", 5);

    assert_int_equal(f->seen, 150001);
    assert_int_equal(f->slice.data[150000], '\n');
    assert_int_equal(f->slice.data[149999], 'x');
    receive_end(f);
    assert_rest(f, "rest", 0);
}

/* Exactly. */

static void
less_than_exactly_stays_readable(void **state)
{
    struct fixture *f = *state;

    f->size = 6;
    start(f->sim, read_exactly, f);
    receive(f, "abc", 3);
    assert_int_equal(f->seen, UNSEEN);
    receive_end(f);

    assert_err(f->seen, OURO_EINCOMPLETE);
    assert_rest(f, "abc", 0);
}

static void
a_reader_waits_until_all_of_it_is_there(void **state)
{
    struct fixture *f = *state;

    f->size = 6;
    start(f->sim, read_exactly, f);
    receive(f, "abc", 3);
    receive(f, "de", 2);
    assert_int_equal(f->seen, UNSEEN);
    receive(f, "f", 1);

    assert_int_equal(f->seen, 6);
    assert_memory_equal(f->bytes, "abcdef", 6);
}

static void
more_than_the_limit_goes_to_the_callers_memory(void **state)
{
    struct fixture *f = *state;

    f->size = 20;
    receive(f, "0123456789", 10);
    start(f->sim, read_exactly, f);
    assert_int_equal(ouro_stream_bytes_read(f->stream), 0);
    receive(f, "01234567", 8);
    assert_memory_equal(f->bytes, "012345678901234567", 18);
    receive(f, "89rest", 6);
    ouro_sim_turn(f->sim);

    assert_int_equal(f->seen, 20);
    assert_int_equal(ouro_stream_bytes_read(f->stream), 20);
    receive_end(f);
    assert_rest(f, "rest", 0);
}

/* Cancellation. */

static void
a_cancelled_read_leaves_what_came(void **state)
{
    struct fixture *f = *state;

    begin(f, read_until);
    receive(f, "abc", 3);
    ouro_task_cancel(f->task);
    receive(f, "d", 1);
    ouro_sim_turn(f->sim);

    assert_err(f->seen, ECANCELED);
    receive_end(f);
    assert_rest(f, "abcd", 0);
}

static void
bytes_that_come_in_the_turn_of_a_cancel_are_not_lost(void **state)
{
    struct fixture *f = *state;

    begin(f, read_any);
    ouro_task_cancel(f->task);
    receive(f, "abc", 3);

    assert_int_equal(f->seen, 3);
    assert_memory_equal(f->bytes, "abc", 3);
}

/* A2: what woke the task was not enough, and it must not wait again. */
static void
a_cancel_right_behind_too_few_bytes_is_not_forgotten(void **state)
{
    struct fixture *f = *state;

    begin(f, read_until);
    ouro_transport_received(&f->fake->base, OURO_BYTES("abc"));
    ouro_task_cancel(f->task);
    ouro_sim_turn(f->sim);
    ouro_sim_turn(f->sim);

    assert_err(f->seen, ECANCELED);
    receive_end(f);
    assert_rest(f, "abc", 0);
}

static int
read_in_spite_of_a_cancel(void *arg)
{
    struct fixture *f = arg;

    ouro_task_cancel(ouro_current_task());
    return read_any(f);
}

static void
a_read_that_need_not_wait_is_cancelled_too(void **state)
{
    struct fixture *f = *state;

    receive(f, "abc", 3);
    start(f->sim, read_in_spite_of_a_cancel, f);

    assert_err(f->seen, ECANCELED);
    receive_end(f);
    assert_rest(f, "abc", 0);
}

/* Slices. */

/* O12 */
static void
a_slice_is_there_until_the_next_read(void **state)
{
    struct fixture *f = *state;
    static uint8_t flood[40000];

    receive(f, "line\r\nmore", 10);
    start(f->sim, read_until, f);
    for (int i = 0; i < 4; i++)
        receive(f, flood, sizeof(flood));

    assert_memory_equal(f->slice.data, "line\r\n", 6);
}

/* The hot path: one block of the pool, again and again. */
static void
messages_that_are_consumed_need_no_allocation(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 5; i++) {
        receive(f, "message", 7);
        start(f->sim, peek, f);
        ouro_stream_consume(f->stream, 7);
        fail_allocation(i == 0 ? 1 : 0);
    }
    receive(f, "message", 7);
    fail_allocation(0);
    start(f->sim, peek, f);

    assert_int_equal(f->seen, 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_of_the_limit_or_less_is_found_at_each_split),
        TEST(a_longer_line_is_refused_at_each_split_and_kept),
        TEST(without_a_separator_it_waits_only_as_long_as_one_may_fit),
        TEST(an_end_at_each_offset_of_a_line_keeps_what_came),
        TEST(the_end_before_a_line_is_the_end),
        TEST(of_two_separators_that_end_together_the_longer_decides),
        TEST(an_empty_separator_is_refused),
        TEST(a_line_may_lie_across_many_blocks),
        TEST(less_than_exactly_stays_readable),
        TEST(a_reader_waits_until_all_of_it_is_there),
        TEST(more_than_the_limit_goes_to_the_callers_memory),
        TEST(a_cancelled_read_leaves_what_came),
        TEST(bytes_that_come_in_the_turn_of_a_cancel_are_not_lost),
        TEST(a_cancel_right_behind_too_few_bytes_is_not_forgotten),
        TEST(a_read_that_need_not_wait_is_cancelled_too),
        TEST(a_slice_is_there_until_the_next_read),
        TEST(messages_that_are_consumed_need_no_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
