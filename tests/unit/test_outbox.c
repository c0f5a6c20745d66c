/* SPDX-License-Identifier: MIT */
/* The queue of bytes that have to leave, as pure data. */
#include "ouro_test.h"

#include "outbox.h"

#include <string.h>

enum { VECTORS = 64, ROOM = OURO__BLOCK_ROOM };

struct fixture {
    struct ouro_sim *sim;
    struct ouro__pool *pool;
    struct ouro__outbox outbox;
    struct iovec vectors[VECTORS];
    uint8_t bytes[3 * ROOM];
    uint8_t taken[4 * ROOM];
};

static void
copy(struct fixture *f, size_t from, size_t size)
{
    struct ouro_slice slice = ouro_slice_of(f->bytes + from, size);

    assert_ok(ouro__outbox_copy(&f->outbox, f->pool, &slice, 1, 0));
}

static void
take_text(struct fixture *f, const char *text, size_t skip)
{
    struct ouro_buf *buf = ouro_buf_new(strlen(text));

    assert_non_null(buf);
    memcpy(ouro_buf_data(buf), text, strlen(text));
    assert_ok(ouro__outbox_take(&f->outbox, f->pool, buf, skip));
}

static size_t
describe(struct fixture *f)
{
    return ouro__outbox_vectors(&f->outbox, f->vectors, VECTORS);
}

/* All that is queued, as the kernel would see it, as text. */
static const char *
all(struct fixture *f)
{
    size_t count = describe(f);
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        memcpy(f->taken + used, f->vectors[i].iov_base, f->vectors[i].iov_len);
        used += f->vectors[i].iov_len;
    }
    f->taken[used] = '\0';
    return (const char *)f->taken;
}

static void
consume(struct fixture *f, size_t size)
{
    ouro__outbox_consume(&f->outbox, f->pool, size);
}

static size_t
blocks_in_use(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(ouro_sim_loop(f->sim), &stats);
    return stats.buffers;
}

static void
a_new_one_is_empty(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(f->outbox.size, 0);
    assert_int_equal(describe(f), 0);
}

static void
small_pieces_share_a_block(void **state)
{
    struct fixture *f = *state;

    copy(f, 0, 10);
    copy(f, 10, 20);
    copy(f, 30, 1);

    assert_int_equal(describe(f), 1);
    assert_int_equal(f->outbox.size, 31);
    assert_int_equal(f->vectors[0].iov_len, 31);
    assert_memory_equal(f->vectors[0].iov_base, f->bytes, 31);
}

static void
a_block_is_filled_to_its_last_byte(void **state)
{
    struct fixture *f = *state;

    copy(f, 0, ROOM - 1);
    copy(f, ROOM - 1, 1);
    assert_int_equal(describe(f), 1);
    copy(f, ROOM, 1);

    assert_int_equal(describe(f), 2);
    assert_int_equal(f->vectors[0].iov_len, ROOM);
    assert_int_equal(f->vectors[1].iov_len, 1);
}

static void
a_large_piece_is_cut_into_blocks(void **state)
{
    struct fixture *f = *state;

    copy(f, 0, 2 * ROOM + 5);

    assert_int_equal(describe(f), 3);
    all(f);
    assert_memory_equal(f->taken, f->bytes, 2 * ROOM + 5);
}

static void
several_slices_are_copied_behind_what_is_skipped(void **state)
{
    struct fixture *f = *state;
    const struct ouro_slice slices[] = {OURO_BYTES("abc"), OURO_BYTES(""),
                                        OURO_BYTES("defg"), OURO_BYTES("h")};
    const char *text[] = {"abcdefgh", "bcdefgh", "defgh", "efgh", "h", ""};
    const size_t skips[] = {0, 1, 3, 4, 7, 8};

    for (size_t i = 0; i < 6; i++) {
        assert_ok(ouro__outbox_copy(&f->outbox, f->pool, slices, 4, skips[i]));
        assert_string_equal(all(f), text[i]);
        consume(f, f->outbox.size);
    }
}

static void
a_taken_block_is_not_copied(void **state)
{
    struct fixture *f = *state;
    struct ouro_buf *buf = ouro_buf_new(100);

    assert_non_null(buf);
    assert_ok(ouro__outbox_take(&f->outbox, f->pool, buf, 10));

    assert_int_equal(describe(f), 1);
    assert_ptr_equal(f->vectors[0].iov_base, ouro_buf_data(buf) + 10);
    assert_int_equal(f->vectors[0].iov_len, 90);
}

static void
copies_and_taken_blocks_keep_their_order(void **state)
{
    struct fixture *f = *state;

    memcpy(f->bytes, "12", 2);
    copy(f, 0, 1);
    take_text(f, "-taken-", 0);
    copy(f, 1, 1);
    take_text(f, "!!<end>", 2);

    assert_int_equal(describe(f), 4);
    assert_string_equal(all(f), "1-taken-2<end>");
}

static void
a_taken_block_that_has_left_already_is_dropped(void **state)
{
    struct fixture *f = *state;
    size_t before = live_allocations();

    take_text(f, "gone", 4);

    assert_int_equal(f->outbox.size, 0);
    assert_int_equal(describe(f), 0);
    assert_int_equal(live_allocations(), before);
}

static void
no_more_vectors_are_described_than_asked_for(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 5; i++)
        take_text(f, "x", 0);

    assert_int_equal(ouro__outbox_vectors(&f->outbox, f->vectors, 3), 3);
    assert_int_equal(ouro__outbox_vectors(&f->outbox, f->vectors, 0), 0);
}

/* A4 of the list of behaviours, as is the next. */
static void
what_has_left_is_forgotten_and_the_rest_begins_there(void **state)
{
    struct fixture *f = *state;

    take_text(f, "abc", 0);
    take_text(f, "defg", 0);
    take_text(f, "h", 0);

    consume(f, 2);
    assert_string_equal(all(f), "cdefgh");
    consume(f, 1);
    assert_string_equal(all(f), "defgh");
    consume(f, 5);
    assert_int_equal(f->outbox.size, 0);
    assert_int_equal(blocks_in_use(f), 0);
}

static void
what_is_written_while_a_part_leaves_goes_behind_it(void **state)
{
    struct fixture *f = *state;

    memcpy(f->bytes, "abcdef", 6);
    copy(f, 0, 3);
    assert_int_equal(describe(f), 1);
    copy(f, 3, 3); /* into the block that is described */
    consume(f, 2);

    assert_string_equal(all(f), "cdef");
    assert_int_equal(f->outbox.size, 4);
}

static void
a_reference_goes_when_the_last_byte_has_left(void **state)
{
    struct fixture *f = *state;
    struct ouro_buf *buf = ouro_buf_new(4);

    assert_non_null(buf);
    assert_ok(ouro__outbox_take(&f->outbox, f->pool, buf, 0));
    size_t before = live_allocations();

    consume(f, 3);
    assert_int_equal(live_allocations(), before);
    consume(f, 1);
    assert_int_equal(live_allocations(), before - 1);
}

static void
to_clear_gives_everything_back(void **state)
{
    struct fixture *f = *state;

    copy(f, 0, 2 * ROOM);
    take_text(f, "taken", 0);
    ouro__outbox_clear(&f->outbox, f->pool);

    assert_int_equal(f->outbox.size, 0);
    assert_int_equal(blocks_in_use(f), 0);
    copy(f, 0, 1);
    assert_int_equal(describe(f), 1);
}

static void
without_memory_a_part_is_queued_and_counted(void **state)
{
    struct fixture *f = *state;
    struct ouro_slice slice = ouro_slice_of(f->bytes, 2 * ROOM);

    fail_allocation(2);
    int rc = ouro__outbox_copy(&f->outbox, f->pool, &slice, 1, 0);
    fail_allocation(0);

    assert_err(rc, ENOMEM);
    assert_int_equal(f->outbox.size, ROOM);
    all(f);
    assert_memory_equal(f->taken, f->bytes, ROOM);
}

static void
without_memory_a_block_is_taken_all_the_same(void **state)
{
    struct fixture *f = *state;
    struct ouro_buf *buf = ouro_buf_new(4);
    size_t before = live_allocations();

    assert_non_null(buf);
    fail_allocation(1);
    int rc = ouro__outbox_take(&f->outbox, f->pool, buf, 0);
    fail_allocation(0);

    assert_err(rc, ENOMEM);
    assert_int_equal(f->outbox.size, 0);
    assert_int_equal(live_allocations(), before - 1);
}

static void
consume_too_much(void *arg)
{
    struct fixture *f = arg;

    consume(f, f->outbox.size + 1);
}

static void
more_than_is_queued_cannot_leave(void **state)
{
    struct fixture *f = *state;

    copy(f, 0, 1);
    assert_callback_stops(consume_too_much, f,
                          "no more leaves than was queued");
}

static int
setup(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.sim = NULL};
    *state = &fixture;
    for (size_t i = 0; i < sizeof(fixture.bytes); i++)
        fixture.bytes[i] = (uint8_t)(i * 7 + i / 251);
    if (ouro_sim_new(&fixture.sim, NULL) < 0)
        return -1;
    fixture.pool = ouro__pool_of(ouro_sim_loop(fixture.sim));
    ouro__outbox_init(&fixture.outbox);
    return fixture.pool != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro__outbox_clear(&f->outbox, f->pool);
    ouro_sim_free(f->sim);
    return live_allocations() == 0 ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_one_is_empty),
        TEST(small_pieces_share_a_block),
        TEST(a_block_is_filled_to_its_last_byte),
        TEST(a_large_piece_is_cut_into_blocks),
        TEST(several_slices_are_copied_behind_what_is_skipped),
        TEST(a_taken_block_is_not_copied),
        TEST(copies_and_taken_blocks_keep_their_order),
        TEST(a_taken_block_that_has_left_already_is_dropped),
        TEST(no_more_vectors_are_described_than_asked_for),
        TEST(what_has_left_is_forgotten_and_the_rest_begins_there),
        TEST(what_is_written_while_a_part_leaves_goes_behind_it),
        TEST(a_reference_goes_when_the_last_byte_has_left),
        TEST(to_clear_gives_everything_back),
        TEST(without_memory_a_part_is_queued_and_counted),
        TEST(without_memory_a_block_is_taken_all_the_same),
        TEST(more_than_is_queued_cannot_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
