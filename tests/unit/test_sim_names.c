/* SPDX-License-Identifier: MIT */
/* What the names and routes of the simulation promise.  See src/engine_sim.h.
 */
#include "ouro_test.h"

#include "engine_sim.h"

enum { MOST = 4 };

struct fixture {
    struct ouro__sim_names names;
    struct ouro_address found[MOST];
    int64_t delay_ns;
};

static int
add_name(struct fixture *f, const char *name, const char *addresses)
{
    return ouro__sim_add_name(&f->names, name, addresses, 0, 0);
}

static ssize_t
look_up(struct fixture *f, const char *name, int family)
{
    return ouro__sim_look_up(&f->names, name, family, f->found, MOST,
                             &f->delay_ns);
}

static void
a_name_has_the_addresses_it_was_given_in_order(void **state)
{
    struct fixture *f = *state;
    char text[OURO_ADDRESS_TEXT];

    assert_ok(add_name(f, "Host.example", "10.0.0.1, ::1,10.0.0.2"));

    assert_int_equal(look_up(f, "host.Example", AF_UNSPEC), 3);
    assert_string_equal(ouro_address_format(&f->found[0], text), "10.0.0.1:0");
    assert_string_equal(ouro_address_format(&f->found[1], text), "[::1]:0");
    assert_string_equal(ouro_address_format(&f->found[2], text), "10.0.0.2:0");
}

static void
no_more_are_found_than_there_is_room_for(void **state)
{
    struct fixture *f = *state;

    assert_ok(add_name(f, "host", "10.0.0.1,10.0.0.2,10.0.0.3"));

    assert_int_equal(ouro__sim_look_up(&f->names, "host", AF_UNSPEC, f->found,
                                       2, &f->delay_ns),
                     2);
}

static void
a_name_may_lack_a_family(void **state)
{
    struct fixture *f = *state;

    assert_ok(add_name(f, "host", "10.0.0.1"));

    assert_int_equal(look_up(f, "host", AF_INET), 1);
    assert_err(look_up(f, "host", AF_INET6), OURO_ENOADDRESS);
}

static void
an_unknown_name_is_none_at_once(void **state)
{
    struct fixture *f = *state;

    assert_err(look_up(f, "host", AF_UNSPEC), OURO_ENAME);

    assert_int_equal(f->delay_ns, 0);
}

static void
a_name_may_take_time_and_fail(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro__sim_add_name(&f->names, "host", NULL, 7, -OURO_ENAMEAGAIN));

    assert_err(look_up(f, "host", AF_UNSPEC), OURO_ENAMEAGAIN);
    assert_int_equal(f->delay_ns, 7);
}

static void
a_name_that_is_added_again_is_replaced(void **state)
{
    struct fixture *f = *state;

    assert_ok(add_name(f, "host", "10.0.0.1,10.0.0.2"));
    assert_ok(add_name(f, "HOST", "::1"));

    assert_int_equal(look_up(f, "host", AF_UNSPEC), 1);
}

static void
what_is_no_literal_is_refused_and_changes_nothing(void **state)
{
    struct fixture *f = *state;

    assert_ok(add_name(f, "host", "10.0.0.1"));
    assert_err(add_name(f, "host", "other"), EINVAL);
    assert_err(add_name(f, "host", ""), EINVAL);
    assert_err(add_name(f, "host", "::1,"), EINVAL);
    assert_err(add_name(f, "host", "::1 ::2"), EINVAL);
    assert_err(add_name(f, "host", NULL), EINVAL);

    assert_int_equal(look_up(f, "host", AF_UNSPEC), 1);
}

static void
lookups_are_counted(void **state)
{
    struct fixture *f = *state;

    look_up(f, "one", AF_UNSPEC);
    look_up(f, "two", AF_UNSPEC);

    assert_int_equal(f->names.lookups, 2);
}

static int
route(struct fixture *f, const char *address, uint16_t port)
{
    struct ouro_address to;

    assert_ok(ouro_address_parse(&to, address, port));
    return ouro__sim_route(&f->names, &to, &f->delay_ns);
}

static void
a_route_is_for_an_address_whatever_the_port(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro__sim_set_route(&f->names, "10.0.0.1", 7, -EHOSTUNREACH));

    assert_err(route(f, "10.0.0.1", 80), EHOSTUNREACH);
    assert_int_equal(f->delay_ns, 7);
    assert_ok(route(f, "10.0.0.2", 80));
    assert_int_equal(f->delay_ns, 0);
}

static void
a_route_that_is_set_again_is_replaced(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro__sim_set_route(&f->names, "::1", 7, -EHOSTUNREACH));
    assert_ok(ouro__sim_set_route(&f->names, "::1", 8, 0));

    assert_ok(route(f, "::1", 80));
    assert_int_equal(f->delay_ns, 8);
}

static void
a_route_to_a_name_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_err(ouro__sim_set_route(&f->names, "host", 0, 0), EINVAL);
}

static int
setup(void **state)
{
    static struct fixture f;

    ouro__sim_names_init(&f.names);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro__sim_names_fini(&f->names);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_has_the_addresses_it_was_given_in_order),
        TEST(no_more_are_found_than_there_is_room_for),
        TEST(a_name_may_lack_a_family),
        TEST(an_unknown_name_is_none_at_once),
        TEST(a_name_may_take_time_and_fail),
        TEST(a_name_that_is_added_again_is_replaced),
        TEST(what_is_no_literal_is_refused_and_changes_nothing),
        TEST(lookups_are_counted),
        TEST(a_route_is_for_an_address_whatever_the_port),
        TEST(a_route_that_is_set_again_is_replaced),
        TEST(a_route_to_a_name_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
