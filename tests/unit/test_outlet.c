/* SPDX-License-Identifier: MIT */
/* How bytes go out: at once, at the end of the turn, or by an operation. */
#include "sim_pair.h"

#include "outlet.h"

#include <stdlib.h>
#include <string.h>

enum {
    SOCKET_SIZE = 64 * 1024, /* what the simulated kernel takes */
    DIRECT_SIZE = 4096,
    MOST = 1024 * 1024
};

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro__outlet outlet;
    int fd;
    int peer;
    unsigned moves;
    unsigned errors;
    int error; /* the last */
    uint8_t sent[MOST];
    size_t sent_size;
    uint8_t got[MOST];
    size_t got_size;
    ssize_t got_end; /* what the peer's last receive said */
};

static void
note_moved(struct ouro__outlet *outlet, int error)
{
    struct fixture *f = OURO_CONTAINER_OF(outlet, struct fixture, outlet);

    f->moves++;
    if (error < 0) {
        f->errors++;
        f->error = error;
    }
}

/* Words. */

static void
begin(struct fixture *f, const struct ouro_sim_options *options)
{
    int fds[2];

    assert_ok(ouro_sim_new(&f->sim, options));
    f->loop = ouro_sim_loop(f->sim);
    make_sim_pair(f->loop, fds);
    f->fd = fds[0];
    f->peer = fds[1];
    ouro__outlet_init(&f->outlet, ouro__pool_of(f->loop), f->fd, note_moved);
}

static void
begin_directly(struct fixture *f)
{
    const struct ouro_sim_options options = {.seed = 0};

    begin(f, &options);
}

static void
begin_by_ring(struct fixture *f)
{
    const struct ouro_sim_options options = {.loop.send_by_ring = true};

    begin(f, &options);
}

static struct ouro_slice
next_bytes(struct fixture *f, size_t size)
{
    struct ouro_slice data = ouro_slice_of(f->sent + f->sent_size, size);

    f->sent_size += size;
    return data;
}

static void
write_size(struct fixture *f, size_t size)
{
    struct ouro_slice data = next_bytes(f, size);

    assert_ok(ouro__outlet_writev(&f->outlet, &data, 1));
}

static struct ouro_buf *
buf_of(struct ouro_slice data)
{
    struct ouro_buf *buf = ouro_buf_new(data.size);

    assert_non_null(buf);
    memcpy(ouro_buf_data(buf), data.data, data.size);
    return buf;
}

static void
take_size(struct fixture *f, size_t size)
{
    assert_ok(ouro__outlet_take(&f->outlet, buf_of(next_bytes(f, size))));
}

/* What the peer has, up to `size` bytes of it. */
static void
peer_reads(struct fixture *f, size_t size)
{
    while (size > 0) {
        f->got_end = sim_receive(f->loop, f->peer, f->got + f->got_size, size);
        if (f->got_end <= 0)
            return;
        f->got_size += (size_t)f->got_end;
        size -= (size_t)f->got_end;
    }
}

static void
settle(struct fixture *f)
{
    ouro_sim_advance(f->sim, 0);
}

/* The peer reads until no more comes. */
static void
drain(struct fixture *f)
{
    size_t before;

    do {
        before = f->got_size;
        settle(f);
        peer_reads(f, SOCKET_SIZE);
    } while (f->got_size > before);
}

static void
assert_all_left(struct fixture *f)
{
    assert_int_equal(f->got_size, f->sent_size);
    assert_memory_equal(f->got, f->sent, f->sent_size);
    assert_true(ouro__outlet_is_idle(&f->outlet));
    assert_int_equal(f->errors, 0);
}

static size_t
blocks_in_use(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    return stats.buffers;
}

/* Either way. */

static void
small_writes_leave_together_at_the_end_of_the_turn(struct fixture *f)
{
    for (int i = 0; i < 10; i++)
        write_size(f, 100);
    peer_reads(f, 1000);
    assert_int_equal(f->got_size, 0);
    assert_false(ouro__outlet_is_idle(&f->outlet));
    settle(f);
    ssize_t size = sim_receive(f->loop, f->peer, f->got, MOST);

    assert_int_equal(size, 1000);
    f->got_size = 1000;
    assert_all_left(f);
}

/* A4 of the list of behaviours. */
static void
what_the_kernel_does_not_take_follows_in_order(struct fixture *f)
{
    write_size(f, 300000);
    write_size(f, 10);
    take_size(f, 200000);
    write_size(f, 20000);
    drain(f);

    assert_all_left(f);
    assert_int_equal(blocks_in_use(f), 0);
}

static void
what_is_written_while_bytes_leave_goes_behind_them(struct fixture *f)
{
    write_size(f, 200000);
    settle(f);
    for (int i = 0; i < 30; i++) {
        write_size(f, 3000);
        take_size(f, 5000);
        settle(f);
        peer_reads(f, 4000);
    }
    drain(f);

    assert_all_left(f);
}

/* A4 of the list of behaviours: more slices than one call may have. */
static void
many_slices_leave_in_order(struct fixture *f)
{
    struct ouro_slice slices[1025];

    for (size_t i = 0; i < 1025; i++)
        slices[i] = next_bytes(f, i % 50);
    assert_ok(ouro__outlet_writev(&f->outlet, slices, 1025));
    drain(f);

    assert_all_left(f);
}

/* A5 and M22 of the list of behaviours. */
static void
the_caller_may_change_his_bytes_at_once(struct fixture *f)
{
    uint8_t *mine = malloc(200000);
    struct ouro_slice data = next_bytes(f, 200000);

    assert_non_null(mine);
    memcpy(mine, data.data, data.size);
    data.data = mine;
    assert_ok(ouro__outlet_writev(&f->outlet, &data, 1));
    memset(mine, 0, data.size);
    free(mine);
    drain(f);

    assert_all_left(f);
}

/* A5 of the list of behaviours. */
static void
a_taken_block_is_held_until_the_kernel_is_done(struct fixture *f)
{
    struct ouro_buf *buf = buf_of(next_bytes(f, 100000));

    ouro_buf_ref(buf);
    assert_ok(ouro__outlet_take(&f->outlet, buf));
    settle(f);
    peer_reads(f, 1000);
    settle(f);
    memset(ouro_buf_data(buf), 0, 30000); /* these have left */
    assert_false(ouro__outlet_is_idle(&f->outlet));
    drain(f);
    size_t before = live_allocations();
    ouro_buf_unref(buf);

    assert_all_left(f);
    assert_int_equal(live_allocations(), before - 1);
}

/* A8 of the list of behaviours. */
static void
an_abort_frees_when_the_kernel_is_done(struct fixture *f)
{
    write_size(f, 100000);
    take_size(f, 100000);
    settle(f);
    unsigned moves = f->moves;
    ouro__outlet_abort(&f->outlet);
    assert_false(ouro__outlet_is_idle(&f->outlet));
    assert_true(blocks_in_use(f) > 0);
    assert_int_equal(f->moves, moves);
    settle(f);

    assert_int_equal(f->moves, moves + 1);
    assert_int_equal(f->errors, 0);
    assert_true(ouro__outlet_is_idle(&f->outlet));
    assert_int_equal(blocks_in_use(f), 0);
}

static void
an_abort_before_the_end_of_the_turn_sends_nothing(struct fixture *f)
{
    write_size(f, 100);
    ouro__outlet_abort(&f->outlet);
    settle(f);
    peer_reads(f, 100);

    assert_int_equal(f->got_size, 0);
    assert_int_equal(f->moves, 0);
    assert_true(ouro__outlet_is_idle(&f->outlet));
}

static void
what_is_written_after_an_abort_is_dropped(struct fixture *f)
{
    ouro__outlet_abort(&f->outlet);
    size_t before = live_allocations();
    write_size(f, 100);
    write_size(f, 10000);
    take_size(f, 10000);

    assert_true(ouro__outlet_is_idle(&f->outlet));
    assert_int_equal(live_allocations(), before);
}

static void
an_error_is_told_once_and_from_the_loop(struct fixture *f)
{
    sim_reset_end(f->loop, &f->peer);
    write_size(f, 100);
    write_size(f, 10000);
    take_size(f, 10000);
    assert_int_equal(f->moves, 0);
    settle(f);
    write_size(f, 10000);
    settle(f);

    assert_int_equal(f->errors, 1);
    assert_err(f->error, ECONNRESET);
    assert_true(ouro__outlet_is_idle(&f->outlet));
    assert_int_equal(blocks_in_use(f), 0);
}

/* Spec of io_uring, 3.7: the operation tells how far it came, and the error's
 * name is lost. */
static void
a_reset_amid_an_operation_is_told(struct fixture *f)
{
    write_size(f, 200000);
    settle(f);
    peer_reads(f, 40000);
    settle(f);
    sim_reset_end(f->loop, &f->peer);
    settle(f);

    assert_int_equal(f->errors, 1);
    assert_true(f->error == -EPIPE || f->error == -ECONNRESET);
    assert_int_equal(blocks_in_use(f), 0);
}

static void
bytes_that_left_are_counted(struct fixture *f)
{
    struct ouro_loop_stats stats;

    write_size(f, 10);
    write_size(f, 100000);
    drain(f);
    ouro_loop_get_stats(f->loop, &stats);

    assert_int_equal(stats.bytes_sent, 100010);
}

/* Without an operation, where the kernel takes it. */

static void
a_large_write_into_an_empty_queue_leaves_at_once(void **state)
{
    struct fixture *f = *state;

    begin_directly(f);
    size_t before = live_allocations();
    write_size(f, DIRECT_SIZE);
    take_size(f, DIRECT_SIZE);
    assert_int_equal(live_allocations(), before);
    peer_reads(f, MOST);

    assert_all_left(f);
    assert_int_equal(f->moves, 0);
    assert_int_equal(blocks_in_use(f), 0);
}

static void
a_byte_less_waits_for_the_end_of_the_turn(void **state)
{
    struct fixture *f = *state;

    begin_directly(f);
    write_size(f, DIRECT_SIZE - 1);
    peer_reads(f, DIRECT_SIZE);
    assert_int_equal(f->got_size, 0);
    drain(f);

    assert_all_left(f);
}

static void
a_large_write_does_not_overtake_a_small_one(void **state)
{
    struct fixture *f = *state;

    begin_directly(f);
    write_size(f, 1);
    write_size(f, DIRECT_SIZE);
    take_size(f, DIRECT_SIZE);
    peer_reads(f, DIRECT_SIZE);
    assert_int_equal(f->got_size, 0);
    drain(f);

    assert_all_left(f);
}

static void
an_error_of_a_direct_send_is_told_from_the_loop(void **state)
{
    struct fixture *f = *state;

    begin_directly(f);
    sim_reset_end(f->loop, &f->peer);
    take_size(f, DIRECT_SIZE);
    assert_int_equal(f->moves, 0);
    assert_false(ouro__outlet_is_idle(&f->outlet)); /* it is to be told */
    settle(f);

    assert_int_equal(f->moves, 1);
    assert_err(f->error, ECONNRESET);
    assert_true(ouro__outlet_is_idle(&f->outlet));
}

static void
an_abort_forgets_an_error_that_was_not_told(void **state)
{
    struct fixture *f = *state;

    begin_directly(f);
    sim_reset_end(f->loop, &f->peer);
    write_size(f, DIRECT_SIZE);
    ouro__outlet_abort(&f->outlet);
    settle(f);

    assert_int_equal(f->moves, 0);
    assert_true(ouro__outlet_is_idle(&f->outlet));
}

/* Spec of io_uring, 3.8. */
static void
one_operation_is_in_flight_at_most(void **state)
{
    struct fixture *f = *state;
    struct ouro_loop_stats stats;

    begin_by_ring(f);
    for (int i = 0; i < 20; i++) {
        write_size(f, 10000);
        settle(f);
        ouro_loop_get_stats(f->loop, &stats);
        assert_true(stats.operations <= 1);
    }
    drain(f);

    assert_all_left(f);
}

/* Memory. */

static void
without_memory_to_queue_the_write_says_so(void **state)
{
    struct fixture *f = *state;
    struct ouro_slice data = {f->sent, 100};

    begin_directly(f);
    fail_allocation(1);
    int rc = ouro__outlet_writev(&f->outlet, &data, 1);
    fail_allocation(0);
    assert_err(rc, ENOMEM);

    struct ouro_buf *buf = buf_of(data);
    fail_allocation(1);
    rc = ouro__outlet_take(&f->outlet, buf);
    fail_allocation(0);
    assert_err(rc, ENOMEM);
}

static void
without_memory_for_an_operation_it_is_an_error(void **state)
{
    struct fixture *f = *state;

    begin_by_ring(f);
    write_size(f, 100);
    fail_allocation(1);
    settle(f);
    fail_allocation(0);

    assert_int_equal(f->errors, 1);
    assert_err(f->error, ENOMEM);
    assert_true(ouro__outlet_is_idle(&f->outlet));
    assert_int_equal(blocks_in_use(f), 0);
}

/* Whatever chance does, the bytes are the same. */
static void
chance_changes_nothing_of_what_arrives(void **state)
{
    const struct ouro_sim_options options = {
        .seed = 4,
        .late_percent = 30,
        .reorder_percent = 30,
        .short_io_percent = 50,
    };
    struct fixture *f = *state;

    begin(f, &options);
    for (int i = 0; i < 40; i++) {
        write_size(f, 1 + (size_t)i * 300);
        take_size(f, 1 + (size_t)i * 100);
        settle(f);
        peer_reads(f, 7000);
    }
    drain(f);

    assert_all_left(f);
}

static int
setup(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    for (size_t i = 0; i < MOST; i++)
        fixture.sent[i] = (uint8_t)(i * 7 + i / 251);
    *state = &fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro__outlet_abort(&f->outlet);
    settle(f);
    bool idle = ouro__outlet_is_idle(&f->outlet);
    if (f->peer >= 0)
        sim_close_end(f->loop, &f->peer);
    sim_close_end(f->loop, &f->fd);
    ouro_sim_free(f->sim);
    return idle && live_allocations() == 0 ? 0 : -1;
}

#define BOTH_WAYS(name)                       \
    static void directly_##name(void **state) \
    {                                         \
        begin_directly(*state);               \
        name(*state);                         \
    }                                         \
    static void by_ring_##name(void **state)  \
    {                                         \
        begin_by_ring(*state);                \
        name(*state);                         \
    }

BOTH_WAYS(small_writes_leave_together_at_the_end_of_the_turn)
BOTH_WAYS(what_the_kernel_does_not_take_follows_in_order)
BOTH_WAYS(what_is_written_while_bytes_leave_goes_behind_them)
BOTH_WAYS(many_slices_leave_in_order)
BOTH_WAYS(the_caller_may_change_his_bytes_at_once)
BOTH_WAYS(a_taken_block_is_held_until_the_kernel_is_done)
BOTH_WAYS(an_abort_frees_when_the_kernel_is_done)
BOTH_WAYS(an_abort_before_the_end_of_the_turn_sends_nothing)
BOTH_WAYS(what_is_written_after_an_abort_is_dropped)
BOTH_WAYS(an_error_is_told_once_and_from_the_loop)
BOTH_WAYS(a_reset_amid_an_operation_is_told)
BOTH_WAYS(bytes_that_left_are_counted)

#define TEST_BOTH(name) TEST(directly_##name), TEST(by_ring_##name)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BOTH(small_writes_leave_together_at_the_end_of_the_turn),
        TEST_BOTH(what_the_kernel_does_not_take_follows_in_order),
        TEST_BOTH(what_is_written_while_bytes_leave_goes_behind_them),
        TEST_BOTH(many_slices_leave_in_order),
        TEST_BOTH(the_caller_may_change_his_bytes_at_once),
        TEST_BOTH(a_taken_block_is_held_until_the_kernel_is_done),
        TEST_BOTH(an_abort_frees_when_the_kernel_is_done),
        TEST_BOTH(an_abort_before_the_end_of_the_turn_sends_nothing),
        TEST_BOTH(what_is_written_after_an_abort_is_dropped),
        TEST_BOTH(an_error_is_told_once_and_from_the_loop),
        TEST_BOTH(a_reset_amid_an_operation_is_told),
        TEST_BOTH(bytes_that_left_are_counted),
        TEST(a_large_write_into_an_empty_queue_leaves_at_once),
        TEST(a_byte_less_waits_for_the_end_of_the_turn),
        TEST(a_large_write_does_not_overtake_a_small_one),
        TEST(an_error_of_a_direct_send_is_told_from_the_loop),
        TEST(an_abort_forgets_an_error_that_was_not_told),
        TEST(one_operation_is_in_flight_at_most),
        TEST(without_memory_to_queue_the_write_says_so),
        TEST(without_memory_for_an_operation_it_is_an_error),
        TEST(chance_changes_nothing_of_what_arrives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
