/* SPDX-License-Identifier: MIT */
/* What slices and blocks promise.  See include/ouro/bytes.h. */
#include "ouro_test.h"

#include <stdalign.h>
#include <string.h>
#include <sys/uio.h>

static void
a_literal_is_a_slice_without_its_zero(void **state)
{
    struct ouro_slice slice = OURO_BYTES("ab\0c");

    (void)state;
    assert_int_equal(slice.size, 4);
    assert_memory_equal(slice.data, "ab\0c", 4);
}

static void
a_slice_is_laid_out_as_an_iovec(void **state)
{
    (void)state;

    assert_int_equal(sizeof(struct ouro_slice), sizeof(struct iovec));
    assert_int_equal(offsetof(struct ouro_slice, data),
                     offsetof(struct iovec, iov_base));
    assert_int_equal(offsetof(struct ouro_slice, size),
                     offsetof(struct iovec, iov_len));
}

static void
a_block_has_the_bytes_it_was_asked_for(void **state)
{
    struct ouro_buf *buf = ouro_buf_new(1000);

    (void)state;
    assert_non_null(buf);
    assert_int_equal(ouro_buf_size(buf), 1000);
    memset(ouro_buf_data(buf), 7, 1000);

    assert_null(ouro_buf_unref(buf));
}

static void
its_bytes_are_aligned_for_any_type(void **state)
{
    struct ouro_buf *buf = ouro_buf_new(1);

    (void)state;
    assert_non_null(buf);
    assert_int_equal((uintptr_t)ouro_buf_data(buf) % alignof(max_align_t), 0);

    ouro_buf_unref(buf);
}

static void
a_block_lives_until_its_last_reference_goes(void **state)
{
    size_t before = live_allocations();
    struct ouro_buf *buf = ouro_buf_new(10);

    (void)state;
    assert_non_null(buf);
    assert_ptr_equal(ouro_buf_ref(buf), buf);
    ouro_buf_unref(buf);
    assert_int_equal(live_allocations(), before + 1);

    ouro_buf_unref(buf);
    assert_int_equal(live_allocations(), before);
}

static void
a_block_may_be_empty(void **state)
{
    struct ouro_buf *buf = ouro_buf_new(0);

    (void)state;
    assert_non_null(buf);
    assert_int_equal(ouro_buf_size(buf), 0);

    ouro_buf_unref(buf);
}

static void
no_reference_is_nothing_to_drop(void **state)
{
    (void)state;

    assert_null(ouro_buf_unref(NULL));
}

static void
a_size_beyond_memory_is_refused(void **state)
{
    size_t before = live_allocations();

    (void)state;
    assert_null(ouro_buf_new(SIZE_MAX));
    assert_null(ouro_buf_new(SIZE_MAX - 8));

    assert_int_equal(live_allocations(), before);
}

static void
without_memory_there_is_no_block(void **state)
{
    (void)state;

    fail_allocation(1);
    assert_null(ouro_buf_new(10));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_is_a_slice_without_its_zero),
        cmocka_unit_test(a_slice_is_laid_out_as_an_iovec),
        cmocka_unit_test(a_block_has_the_bytes_it_was_asked_for),
        cmocka_unit_test(its_bytes_are_aligned_for_any_type),
        cmocka_unit_test(a_block_lives_until_its_last_reference_goes),
        cmocka_unit_test(a_block_may_be_empty),
        cmocka_unit_test(no_reference_is_nothing_to_drop),
        cmocka_unit_test(a_size_beyond_memory_is_refused),
        cmocka_unit_test(without_memory_there_is_no_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
