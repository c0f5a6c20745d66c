/* SPDX-License-Identifier: MIT */
/* Queues: in which order they give out what they keep, and how much that is.
 * See ouro_queue_init() and its siblings. */
#include "queue_fixture.h"

#include <stdlib.h>

/* By its letter, capitals and small ones alike. */
static int
compare_letters(const void *a, const void *b)
{
    const char *first = a;
    const char *second = b;

    return (*first | 32) - (*second | 32);
}

static void
end_queue(struct fixture *f)
{
    ouro_queue_fini(&f->queue);
}

static void
a_ring_goes_round(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_queue_init(&f->queue, f->loop, 3));
    put_now(f, "z");
    for (char letter = 'a'; letter <= 'p'; letter++) {
        void *got;

        assert_ok(ouro_queue_put_nowait(&f->queue, item(letter)));
        assert_ok(ouro_queue_get_nowait(&f->queue, &got));
        strncat(f->trace, got, 1);
    }

    assert_string_equal(f->trace, "zabcdefghijklmno");
    end_queue(f);
}

static void
last_in_is_first_out(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_lifo_queue_init(&f->queue, f->loop, 4));
    put_now(f, "abcd");
    assert_err(ouro_queue_put_nowait(&f->queue, item('e')), EAGAIN);
    drain(f);
    put_now(f, "ef");
    drain(f);

    assert_string_equal(f->trace, "dcbafe");
    end_queue(f);
}

static void
the_least_is_first_out(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_priority_queue_init(&f->queue, f->loop, 9, compare_letters));
    put_now(f, "heaficbgd");
    assert_err(ouro_queue_put_nowait(&f->queue, item('a')), EAGAIN);
    drain(f);

    assert_string_equal(f->trace, "abcdefghi");
    end_queue(f);
}

/* Equals are told apart by being capital or not. */
static void
of_equals_the_first_in_is_the_first_out(void **state)
{
    static char words[] = "bBaAbBaAcbB";
    struct fixture *f = *state;

    assert_ok(ouro_priority_queue_init(&f->queue, f->loop, 0, compare_letters));
    for (char *at = words; *at != '\0'; at++)
        assert_ok(ouro_queue_put_nowait(&f->queue, at));
    drain(f);

    assert_string_equal(f->trace, "aAaAbBbBbBc");
    end_queue(f);
}

/* Random puts and gets, against the least that can be found by looking. */
static void
a_heap_gives_out_the_least_whatever_comes_between(void **state)
{
    struct fixture *f = *state;
    unsigned counts[26] = {0};
    unsigned held = 0;

    srand(7);
    assert_ok(
        ouro_priority_queue_init(&f->queue, f->loop, 40, compare_letters));
    for (int i = 0; i < 5000; i++) {
        char letter = letters[rand() % 26];
        void *got = NULL;

        if (held < 40 && rand() % 2 == 0) {
            assert_ok(ouro_queue_put_nowait(&f->queue, item(letter)));
            counts[letter - 'a']++;
            held++;
        } else if (ouro_queue_get_nowait(&f->queue, &got) == 0) {
            for (char less = 'a'; less < letter_of(got); less++)
                assert_int_equal(counts[less - 'a'], 0);
            assert_true(counts[letter_of(got) - 'a'] > 0);
            counts[letter_of(got) - 'a']--;
            held--;
        }
        assert_int_equal(ouro_queue_size(&f->queue), held);
    }
    end_queue(f);
}

/* The item was handed over in the call that put it: there was no other. */
static void
who_waits_gets_what_was_put_first_in_any_order(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_lifo_queue_init(&f->queue, f->loop, 4));
    start_actors(f, 1, get_one);
    put_now(f, "xy");
    settle(f);
    assert_got(f, 0, 'x');
    end_queue(f);

    assert_ok(ouro_priority_queue_init(&f->queue, f->loop, 4, compare_letters));
    spawn(f, 1, get_one);
    turn(f);
    put_now(f, "yx");
    settle(f);
    assert_got(f, 1, 'y');
    end_queue(f);
}

/* How much. */

static void
a_queue_is_bounded_unless_asked_otherwise(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_queue_init(&f->queue, f->loop, 0));
    assert_int_equal(ouro_queue_max_size(&f->queue), OURO_QUEUE_MAX_SIZE);
    for (size_t i = 0; i < OURO_QUEUE_MAX_SIZE; i++)
        assert_ok(ouro_queue_put_nowait(&f->queue, item('a')));

    assert_true(ouro_queue_is_full(&f->queue));
    assert_err(ouro_queue_put_nowait(&f->queue, item('a')), EAGAIN);
    end_queue(f);
}

/* The ring begins in its middle when it grows. */
static void
an_unlimited_queue_grows_and_keeps_the_order(void **state)
{
    enum { MANY = 5000 };
    static char items[MANY];
    struct fixture *f = *state;
    size_t taken = 0;
    void *got;

    assert_ok(ouro_queue_init(&f->queue, f->loop, OURO_UNLIMITED));
    assert_true(ouro_queue_max_size(&f->queue) == OURO_UNLIMITED);
    for (size_t i = 0; i < MANY; i++) {
        assert_ok(ouro_queue_put_nowait(&f->queue, &items[i]));
        if (i % 5 != 0)
            continue;
        assert_ok(ouro_queue_get_nowait(&f->queue, &got));
        assert_ptr_equal(got, &items[taken++]);
    }
    while (ouro_queue_get_nowait(&f->queue, &got) == 0)
        assert_ptr_equal(got, &items[taken++]);

    assert_int_equal(taken, MANY);
    end_queue(f);
}

static void
an_unlimited_heap_grows_too(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_priority_queue_init(&f->queue, f->loop, OURO_UNLIMITED,
                                       compare_letters));
    put_now(f, "zyxwvutsrqponmlkjihgfedcba");
    drain(f);

    assert_string_equal(f->trace, letters);
    end_queue(f);
}

static void
a_bound_that_no_memory_can_hold_is_enomem(void **state)
{
    struct fixture *f = *state;

    assert_err(ouro_queue_init(&f->queue, f->loop, SIZE_MAX / 2), ENOMEM);
}

static int
put_fifty(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_queue_init(&f->queue, f->loop, OURO_UNLIMITED);

    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < 50; i++)
        rc = ouro_queue_put_nowait(&f->queue, item((char)('a' + i % 26)));
    if (rc < 0 && ouro_queue_size(&f->queue) % 16 != 0)
        rc = -EPROTO; /* it was not full, or it holds what failed */
    end_queue(f);
    return rc;
}

static void
without_memory_a_put_fails_and_what_is_there_stays(void **state)
{
    for_each_allocation_failure(put_fifty, *state);
}

/* What a queue with a bound needs it has from the start. */
static void
a_bounded_queue_needs_memory_only_at_its_start(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_queue_init(&f->queue, f->loop, 26));
    size_t before = live_allocations();
    fail_allocation(1);
    put_now(f, letters);
    fail_allocation(0);
    drain(f);

    assert_string_equal(f->trace, letters);
    assert_int_equal(live_allocations(), before);
    end_queue(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_ring_goes_round),
        TEST(last_in_is_first_out),
        TEST(the_least_is_first_out),
        TEST(of_equals_the_first_in_is_the_first_out),
        TEST(a_heap_gives_out_the_least_whatever_comes_between),
        TEST(who_waits_gets_what_was_put_first_in_any_order),
        TEST(a_queue_is_bounded_unless_asked_otherwise),
        TEST(an_unlimited_queue_grows_and_keeps_the_order),
        TEST(an_unlimited_heap_grows_too),
        TEST(a_bound_that_no_memory_can_hold_is_enomem),
        TEST(without_memory_a_put_fails_and_what_is_there_stays),
        TEST(a_bounded_queue_needs_memory_only_at_its_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
