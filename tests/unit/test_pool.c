/* SPDX-License-Identifier: MIT */
/* The memory of the data path: what is kept, and what is given back. */
#include "ouro_test.h"

#include "pool.h"

#include <string.h>

/* More than a pool keeps. */
enum { MANY = 300 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro__pool *pool;
    struct ouro__block *blocks[MANY];
};

static size_t
blocks_in_use(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(ouro_sim_loop(f->sim), &stats);
    return stats.buffers;
}

static void
take_blocks(struct fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        f->blocks[i] = ouro__block_new(f->pool);
        assert_non_null(f->blocks[i]);
    }
}

static void
give_back(struct fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ouro__block_free(f->pool, f->blocks[i]);
}

static void
a_loop_has_one_pool(void **state)
{
    struct fixture *f = *state;

    assert_ptr_equal(ouro__pool_of(ouro_sim_loop(f->sim)), f->pool);
}

static void
a_new_block_is_empty_and_has_all_its_room(void **state)
{
    struct fixture *f = *state;
    struct ouro__block *block = ouro__block_new(f->pool);

    assert_non_null(block);
    memset(block->data, 1, OURO__BLOCK_ROOM);

    assert_int_equal(ouro__block_slice(block).size, 0);
    assert_null(block->buf);
    ouro__block_free(f->pool, block);
}

static void
the_bytes_that_count_are_those_from_begin_to_end(void **state)
{
    struct fixture *f = *state;
    struct ouro__block *block = ouro__block_new(f->pool);

    assert_non_null(block);
    block->begin = 3;
    block->end = 10;

    assert_int_equal(ouro__block_slice(block).size, 7);
    assert_ptr_equal(ouro__block_slice(block).data, block->data + 3);
    ouro__block_free(f->pool, block);
}

static void
the_block_given_back_last_is_taken_first(void **state)
{
    struct fixture *f = *state;

    take_blocks(f, 2);
    give_back(f, 2);
    struct ouro__block *block = ouro__block_new(f->pool);

    assert_ptr_equal(block, f->blocks[1]);
    assert_int_equal(ouro__block_slice(block).size, 0);
    ouro__block_free(f->pool, block);
}

static void
a_block_that_is_kept_needs_no_allocation(void **state)
{
    struct fixture *f = *state;

    take_blocks(f, 1);
    give_back(f, 1);
    fail_allocation(1);
    struct ouro__block *block = ouro__block_new(f->pool);
    struct ouro__block *second = ouro__block_new(f->pool);
    fail_allocation(0);

    assert_non_null(block);
    assert_null(second);
    ouro__block_free(f->pool, block);
}

static void
blocks_in_use_are_counted(void **state)
{
    struct fixture *f = *state;

    take_blocks(f, 3);
    assert_int_equal(blocks_in_use(f), 3);
    give_back(f, 3);
    assert_int_equal(blocks_in_use(f), 0);
}

static void
no_more_than_a_mebibyte_is_kept(void **state)
{
    struct fixture *f = *state;
    size_t before = live_allocations();

    take_blocks(f, MANY);
    give_back(f, MANY);

    assert_int_equal(live_allocations() - before,
                     OURO_MIB(1) / OURO__BLOCK_ROOM);
}

static void
the_hot_block_goes_to_who_takes_what_is_in_it(void **state)
{
    struct fixture *f = *state;
    struct ouro__block *hot = f->pool->hot;
    struct ouro_slice part = ouro_slice_of(hot->data + 100, 20000);

    assert_ptr_equal(ouro__pool_take_hot(f->pool, part), hot);
    assert_ptr_equal(ouro__block_slice(hot).data, part.data);
    assert_int_equal(ouro__block_slice(hot).size, part.size);
    assert_ptr_not_equal(f->pool->hot, hot);
    ouro__block_free(f->pool, hot);
}

static void
bytes_from_elsewhere_do_not_take_the_hot_block(void **state)
{
    struct fixture *f = *state;
    struct ouro__block *hot = f->pool->hot;
    uint8_t other[16];
    struct ouro_slice beyond =
        ouro_slice_of(hot->data + OURO__WIDE_ROOM - 1, 2);

    assert_null(
        ouro__pool_take_hot(f->pool, ouro_slice_of(other, sizeof(other))));
    assert_null(ouro__pool_take_hot(f->pool, beyond));
    assert_ptr_equal(f->pool->hot, hot);
}

static void
a_hot_block_that_cannot_be_replaced_stays(void **state)
{
    struct fixture *f = *state;
    struct ouro__block *hot = f->pool->hot;

    fail_allocation(1);
    assert_null(ouro__pool_take_hot(f->pool, ouro_slice_of(hot->data, 1)));
    assert_ptr_equal(f->pool->hot, hot);
}

static void
a_block_of_a_buf_is_its_bytes_and_takes_its_reference(void **state)
{
    struct fixture *f = *state;
    struct ouro_buf *buf = ouro_buf_new(100);

    assert_non_null(buf);
    size_t before = live_allocations();
    struct ouro__block *block = ouro__block_of(f->pool, buf);
    assert_non_null(block);

    assert_int_equal(ouro__block_slice(block).size, 100);
    assert_ptr_equal(ouro__block_slice(block).data, ouro_buf_data(buf));
    ouro__block_free(f->pool, block);
    assert_int_equal(live_allocations(), before); /* a note more, no buf */
}

static void
a_block_of_a_buf_may_fail_and_then_takes_nothing(void **state)
{
    struct fixture *f = *state;
    struct ouro_buf *buf = ouro_buf_new(100);

    assert_non_null(buf);
    fail_allocation(1);
    struct ouro__block *block = ouro__block_of(f->pool, buf);
    fail_allocation(0);

    assert_null(block);
    assert_int_equal(blocks_in_use(f), 0);
    ouro_buf_unref(buf);
}

static void
notes_are_kept_too_but_not_all(void **state)
{
    struct fixture *f = *state;
    size_t before = live_allocations();

    for (size_t i = 0; i < MANY; i++) {
        f->blocks[i] = ouro__block_of(f->pool, ouro_buf_new(1));
        assert_non_null(f->blocks[i]);
    }
    give_back(f, MANY);

    assert_int_equal(live_allocations() - before, 256);
}

/* The pool takes two pieces of memory: itself, and the hot buffer. */
static int
make_pool(void *arg)
{
    struct ouro_sim *sim;

    (void)arg;
    int rc = ouro_sim_new(&sim, NULL);
    if (rc < 0)
        return rc;
    rc = ouro__pool_of(ouro_sim_loop(sim)) != NULL ? 0 : -ENOMEM;
    ouro_sim_free(sim);
    return rc;
}

static void
a_pool_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    for_each_allocation_failure(make_pool, NULL);
}

static int
setup(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.sim = NULL};
    *state = &fixture;
    if (ouro_sim_new(&fixture.sim, NULL) < 0)
        return -1;
    fixture.pool = ouro__pool_of(ouro_sim_loop(fixture.sim));
    return fixture.pool != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    return live_allocations() == 0 ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_loop_has_one_pool),
        TEST(a_new_block_is_empty_and_has_all_its_room),
        TEST(the_bytes_that_count_are_those_from_begin_to_end),
        TEST(the_block_given_back_last_is_taken_first),
        TEST(a_block_that_is_kept_needs_no_allocation),
        TEST(blocks_in_use_are_counted),
        TEST(no_more_than_a_mebibyte_is_kept),
        TEST(the_hot_block_goes_to_who_takes_what_is_in_it),
        TEST(bytes_from_elsewhere_do_not_take_the_hot_block),
        TEST(a_hot_block_that_cannot_be_replaced_stays),
        TEST(a_block_of_a_buf_is_its_bytes_and_takes_its_reference),
        TEST(a_block_of_a_buf_may_fail_and_then_takes_nothing),
        TEST(notes_are_kept_too_but_not_all),
        cmocka_unit_test(a_pool_that_cannot_be_made_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
