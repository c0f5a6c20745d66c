/* SPDX-License-Identifier: MIT */
/* When a wait for another thread is over.  What needs threads is in
 * integration.executor. */
#include "ouro_test.h"

#include "threads.h"

static int64_t
in_ns(const struct timespec *time)
{
    return OURO_SECONDS(time->tv_sec) + time->tv_nsec;
}

static int64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return in_ns(&now);
}

static void
a_deadline_is_so_much_later_than_now(void **state)
{
    const int64_t delays_ns[] = {0, 1, 999999999, 1000000000, 5500000001};

    (void)state;
    for (size_t i = 0; i < sizeof(delays_ns) / sizeof(delays_ns[0]); i++) {
        int64_t before_ns = now_ns();
        struct timespec deadline = ouro__deadline(delays_ns[i]);
        int64_t after_ns = now_ns();

        assert_in_range(in_ns(&deadline), before_ns + delays_ns[i],
                        after_ns + delays_ns[i]);
        assert_in_range(deadline.tv_nsec, 0, 999999999);
    }
}

static void
a_deadline_that_has_passed_is_now(void **state)
{
    (void)state;
    int64_t before_ns = now_ns();
    struct timespec deadline = ouro__deadline(-OURO_SECONDS(5));

    assert_in_range(in_ns(&deadline), before_ns, now_ns());
}

static void
the_longest_delay_does_not_overflow(void **state)
{
    (void)state;
    struct timespec deadline = ouro__deadline(OURO_FOREVER);

    assert_true(deadline.tv_sec >= OURO_FOREVER / OURO_SECONDS(1));
    assert_in_range(deadline.tv_nsec, 0, 999999999);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_is_so_much_later_than_now),
        cmocka_unit_test(a_deadline_that_has_passed_is_now),
        cmocka_unit_test(the_longest_delay_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
