/* SPDX-License-Identifier: MIT */
/* What the heap of timers promises.  See src/heap.h. */
#include "ouro_test.h"

#include "heap.h"

#include <stdlib.h>

enum { MILLION = 1000000, MODEL_SIZE = 64, MODEL_STEPS = 200000 };

struct fixture {
    struct ouro__heap heap;
    struct ouro_handle *handles;
    uint64_t order;
    uint64_t random;
};

/* The same numbers in every run: xorshift64. */
static uint64_t
random_number(struct fixture *f)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return f->random;
}

static void
insert(struct fixture *f, size_t i, int64_t when_ns)
{
    f->handles[i].when_ns = when_ns;
    f->handles[i].order = f->order++;
    ouro__heap_insert(&f->heap, &f->handles[i]);
}

/* Take the earliest out; its number. */
static ptrdiff_t
take(struct fixture *f)
{
    struct ouro_handle *root = f->heap.root;

    assert_non_null(root);
    ouro__heap_remove(&f->heap, root);
    return root - f->handles;
}

/* Take all out; how many came before one that is earlier than they. */
static size_t
count_disorder(struct fixture *f)
{
    size_t disorder = 0;

    while (f->heap.root != NULL) {
        const struct ouro_handle *taken = &f->handles[take(f)];
        const struct ouro_handle *next = f->heap.root;
        if (next == NULL || taken->when_ns < next->when_ns)
            continue;
        if (taken->when_ns > next->when_ns || taken->order > next->order)
            disorder++;
    }
    return disorder;
}

static void
an_empty_heap_has_no_root(void **state)
{
    struct fixture *f = *state;

    assert_null(f->heap.root);
    assert_int_equal(f->heap.count, 0);
}

static void
the_earliest_comes_first(void **state)
{
    struct fixture *f = *state;

    insert(f, 0, 30);
    insert(f, 1, 10);
    insert(f, 2, 20);

    assert_int_equal(take(f), 1);
    assert_int_equal(take(f), 2);
    assert_int_equal(take(f), 0);
    assert_null(f->heap.root);
}

static void
equal_times_come_in_the_order_they_went_in(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 1000; i++)
        insert(f, i, 5);

    for (ptrdiff_t i = 0; i < 1000; i++)
        assert_int_equal(take(f), i);
}

static void
equal_times_keep_their_order_after_a_removal(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 8; i++)
        insert(f, i, 5);
    assert_int_equal(take(f), 0);
    ouro__heap_remove(&f->heap, &f->handles[4]);

    const ptrdiff_t left[] = {1, 2, 3, 5, 6, 7};
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
        assert_int_equal(take(f), left[i]);
}

static void
the_ends_of_time_are_times_like_any(void **state)
{
    struct fixture *f = *state;

    insert(f, 0, INT64_MAX);
    insert(f, 1, INT64_MIN);
    insert(f, 2, INT64_MAX);
    insert(f, 3, -1);
    insert(f, 4, 0);

    const ptrdiff_t wanted[] = {1, 3, 4, 0, 2};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_int_equal(take(f), wanted[i]);
}

static void
a_removed_handle_can_go_in_again(void **state)
{
    struct fixture *f = *state;

    insert(f, 0, 10);
    insert(f, 1, 20);
    insert(f, 2, 30);
    ouro__heap_remove(&f->heap, &f->handles[0]);
    insert(f, 0, 25);

    assert_int_equal(f->heap.count, 3);
    assert_int_equal(take(f), 1);
    assert_int_equal(take(f), 0);
    assert_int_equal(take(f), 2);
}

static void
a_removed_handle_keeps_no_pointers(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 5; i++)
        insert(f, i, (int64_t)i);
    assert_int_equal(take(f), 0);
    ouro__heap_remove(&f->heap, &f->handles[1]);
    ouro__heap_remove(&f->heap, &f->handles[4]);

    const size_t removed[] = {0, 1, 4};
    for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
        const struct ouro_handle *handle = &f->handles[removed[i]];
        assert_null(handle->child);
        assert_null(handle->link.next);
        assert_null(handle->link.prev);
    }
}

/* The earliest of the handles that the model says are in; -1: none are. */
static ptrdiff_t
earliest(const struct fixture *f, const bool in[MODEL_SIZE])
{
    ptrdiff_t best = -1;

    for (ptrdiff_t i = 0; i < MODEL_SIZE; i++) {
        const struct ouro_handle *handle = &f->handles[i];
        if (!in[i])
            continue;
        if (best < 0 || handle->when_ns < f->handles[best].when_ns
            || (handle->when_ns == f->handles[best].when_ns
                && handle->order < f->handles[best].order))
            best = i;
    }
    return best;
}

static void
random_operations_agree_with_a_search(void **state)
{
    struct fixture *f = *state;
    bool in[MODEL_SIZE] = {false};

    for (int step = 0; step < MODEL_STEPS; step++) {
        size_t i = random_number(f) % MODEL_SIZE;
        if (in[i])
            ouro__heap_remove(&f->heap, &f->handles[i]);
        else
            insert(f, i, (int64_t)(random_number(f) % 16));
        in[i] = !in[i];

        if (random_number(f) % 4 == 0 && f->heap.root != NULL) {
            ptrdiff_t first = earliest(f, in);
            assert_int_equal(take(f), first);
            in[first] = false;
        }
    }
    assert_int_equal(count_disorder(f), 0);
}

static void
a_million_are_set_and_cancelled(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < MILLION; i++)
        insert(f, i, (int64_t)(random_number(f) % MILLION));
    assert_int_equal(f->heap.count, MILLION);

    for (size_t i = 0; i < MILLION; i++)
        ouro__heap_remove(&f->heap, &f->handles[i]);
    assert_int_equal(f->heap.count, 0);
    assert_null(f->heap.root);
}

static void
a_million_come_out_in_order(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < MILLION; i++)
        insert(f, i, (int64_t)(random_number(f) % 1000));

    assert_int_equal(count_disorder(f), 0);
    assert_int_equal(f->heap.count, 0);
}

/* One is the parent of the next, a million deep: no recursion survives it. */
static void
a_chain_of_a_million_does_not_need_the_stack(void **state)
{
    struct fixture *f = *state;

    for (size_t i = MILLION; i-- > 0;)
        insert(f, i, (int64_t)i);

    assert_int_equal(count_disorder(f), 0);
}

/* All are children of one. */
static void
a_million_children_are_taken_over(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < MILLION; i++)
        insert(f, i, (int64_t)i);

    assert_int_equal(count_disorder(f), 0);
}

static int
setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.random = 88172645463325252U};
    f.handles = calloc(MILLION, sizeof(f.handles[0]));
    assert_non_null(f.handles);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    free(f->handles);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_heap_has_no_root),
        TEST(the_earliest_comes_first),
        TEST(equal_times_come_in_the_order_they_went_in),
        TEST(equal_times_keep_their_order_after_a_removal),
        TEST(the_ends_of_time_are_times_like_any),
        TEST(a_removed_handle_can_go_in_again),
        TEST(a_removed_handle_keeps_no_pointers),
        TEST(random_operations_agree_with_a_search),
        TEST(a_million_are_set_and_cancelled),
        TEST(a_million_come_out_in_order),
        TEST(a_chain_of_a_million_does_not_need_the_stack),
        TEST(a_million_children_are_taken_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
