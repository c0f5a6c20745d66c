/* SPDX-License-Identifier: MIT */
/* The list of all loops of the process. */
#include "ouro_test.h"

#include "loops.h"

static size_t
count_loops(void)
{
    size_t count = 0;

    ouro__list_for_each (link, &ouro__loops) {
        count++;
    }
    return count;
}

static struct ouro_loop *
last_loop(void)
{
    return OURO_CONTAINER_OF(ouro__loops.prev, struct ouro_loop, link);
}

static void
a_loop_is_in_it_from_when_it_is_made_until_it_is_freed(void **state)
{
    struct ouro_sim *first;
    struct ouro_sim *second;

    (void)state;
    assert_ok(ouro_sim_new(&first, NULL));
    assert_ok(ouro_sim_new(&second, NULL));
    assert_int_equal(count_loops(), 2);
    assert_ptr_equal(last_loop(), ouro_sim_loop(second));

    ouro_sim_free(second);
    assert_int_equal(count_loops(), 1);
    assert_ptr_equal(last_loop(), ouro_sim_loop(first));

    ouro_sim_free(first);
    assert_int_equal(count_loops(), 0);
}

static int
make_a_loop(void *arg)
{
    struct ouro_sim *sim;
    int rc = ouro_sim_new(&sim, NULL);

    (void)arg;
    if (rc == 0)
        ouro_sim_free(sim);
    return rc;
}

static void
a_loop_that_could_not_be_made_is_not_in_it(void **state)
{
    (void)state;
    for_each_allocation_failure(make_a_loop, NULL);

    assert_int_equal(count_loops(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_loop_is_in_it_from_when_it_is_made_until_it_is_freed),
        cmocka_unit_test(a_loop_that_could_not_be_made_is_not_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
