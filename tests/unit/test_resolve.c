/* SPDX-License-Identifier: MIT */
/* What hosts and services mean, where names are the simulation's.  Threads are
 * tested in tests/integration/test_resolve.c. */
#include "ouro_test.h"

#include "lookup.h"
#include "resolve.h"

#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 8 };

/* A question, and what came of it. */
struct fixture {
    struct ouro_sim *sim;
    const char *host;
    const char *service;
    int family;
    bool passive;
    size_t capacity;
    struct ouro_address found[ROOM];
    ssize_t seen;
    char text[512];
};

static int
ask(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro__resolve(ouro_get_running_loop(), f->host, f->service,
                            f->family, f->passive, f->found, f->capacity);
    return 0;
}

/* Ask, and return what was found as text, or the name of the error. */
static const char *
answer(struct fixture *f, const char *host, const char *service)
{
    char one[OURO_ADDRESS_TEXT];
    size_t used = 0;

    f->host = host;
    f->service = service;
    assert_ok(ouro_sim_run(f->sim, ask, f));
    if (f->seen < 0)
        return ouro_error_name((int)f->seen);

    f->text[0] = '\0';
    for (ssize_t i = 0; i < f->seen; i++)
        used += (size_t)snprintf(f->text + used, sizeof(f->text) - used, "%s%s",
                                 i > 0 ? " " : "",
                                 ouro_address_format(&f->found[i], one));
    return f->text;
}

static void
know(struct fixture *f, const char *name, const char *addresses)
{
    assert_ok(ouro_sim_add_name(f->sim, name, addresses, 0, 0));
}

static void
a_literal_and_a_number_are_their_address(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(answer(f, "127.0.0.1", "80"), "127.0.0.1:80");
    assert_string_equal(answer(f, "::1", "65535"), "[::1]:65535");
}

/* A92 of the list of behaviours, as are the next two. */
static void
a_literal_keeps_its_zone(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(answer(f, "fe80::1%lo", "80"), "[fe80::1%lo]:80");
    assert_int_equal(f->found[0].of.v6.sin6_scope_id, if_nametoindex("lo"));
    assert_string_equal(answer(f, "fe80::1%77777", "80"), "[fe80::1%77777]:80");
}

static void
a_literal_is_not_looked_up(void **state)
{
    struct fixture *f = *state;

    f->host = "fe80::1%lo";
    f->service = "80";
    start(f->sim, ask, f);

    assert_int_equal(f->seen, 1);
    assert_int_equal(ouro_sim_lookups(f->sim), 0);
}

static void
a_service_may_have_a_name(void **state)
{
    struct fixture *f = *state;

    if (getservbyname("http", "tcp") == NULL)
        skip();
    know(f, "example", "10.0.0.1");
    assert_string_equal(answer(f, "::1", "http"), "[::1]:80");
    assert_string_equal(answer(f, "example", "http"), "10.0.0.1:80");
}

static void
ports_end_at_65535(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(answer(f, "1.2.3.4", "0"), "1.2.3.4:0");
    assert_string_equal(answer(f, "1.2.3.4", "0080"), "1.2.3.4:80");
    assert_string_equal(answer(f, "1.2.3.4", "65535"), "1.2.3.4:65535");
    assert_string_equal(answer(f, "1.2.3.4", "65536"), "OURO_ESERVICE");
}

static void
no_service_is_port_zero(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(answer(f, "1.2.3.4", NULL), "1.2.3.4:0");
}

static void
what_is_no_service_is_refused(void **state)
{
    const char *const wrong[] = {"",    "80x", "-1",  "+80", " 80",
                                 "80 ", "8 0", "0.5", "-",   "99999999999999"};
    struct fixture *f = *state;

    know(f, "example", "10.0.0.1");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_string_equal(answer(f, "::1", wrong[i]), "OURO_ESERVICE");
        assert_string_equal(answer(f, "example", wrong[i]), "OURO_ESERVICE");
    }
    assert_int_equal(ouro_sim_lookups(f->sim), 0);
}

static void
without_a_host_a_listener_has_every_address(void **state)
{
    struct fixture *f = *state;

    f->passive = true;
    assert_string_equal(answer(f, NULL, "80"), "0.0.0.0:80 [::]:80");
    assert_string_equal(answer(f, "", "80"), "0.0.0.0:80 [::]:80");
    f->family = AF_INET;
    assert_string_equal(answer(f, NULL, "80"), "0.0.0.0:80");
    f->family = AF_INET6;
    assert_string_equal(answer(f, NULL, "80"), "[::]:80");
}

static void
without_a_host_there_is_nobody_to_connect_to(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(answer(f, NULL, "80"), "EINVAL");
    assert_string_equal(answer(f, "", "80"), "EINVAL");
}

static void
a_literal_of_another_family_is_no_address(void **state)
{
    struct fixture *f = *state;

    f->family = AF_INET6;
    assert_string_equal(answer(f, "127.0.0.1", "80"), "OURO_ENOADDRESS");
    f->family = AF_INET;
    assert_string_equal(answer(f, "::1", "80"), "OURO_ENOADDRESS");
    f->family = AF_UNIX;
    assert_string_equal(answer(f, "::1", "80"), "EINVAL");
}

static void
a_name_has_its_addresses_in_their_order(void **state)
{
    struct fixture *f = *state;

    know(f, "example", "10.0.0.2,::1,10.0.0.1");

    assert_string_equal(answer(f, "example", "80"),
                        "10.0.0.2:80 [::1]:80 10.0.0.1:80");
    assert_int_equal(ouro_sim_lookups(f->sim), 1);
}

static void
a_family_chooses_among_them(void **state)
{
    struct fixture *f = *state;

    know(f, "example", "10.0.0.2,::1");
    know(f, "old", "10.0.0.2");

    f->family = AF_INET6;
    assert_string_equal(answer(f, "example", "80"), "[::1]:80");
    assert_string_equal(answer(f, "old", "80"), "OURO_ENOADDRESS");
}

static void
an_address_is_told_once(void **state)
{
    struct fixture *f = *state;

    know(f, "twice", "10.0.0.1,::1,10.0.0.1,10.0.0.2,::1");

    assert_string_equal(answer(f, "twice", "80"),
                        "10.0.0.1:80 [::1]:80 10.0.0.2:80");
}

static void
no_more_are_told_than_there_is_room_for(void **state)
{
    struct fixture *f = *state;

    know(f, "example", "10.0.0.1,10.0.0.2,10.0.0.3");
    f->capacity = 2;
    f->passive = true;

    assert_string_equal(answer(f, "example", "80"), "10.0.0.1:80 10.0.0.2:80");
    f->capacity = 1;
    assert_string_equal(answer(f, NULL, "80"), "0.0.0.0:80");
}

static void
a_name_takes_its_time(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_add_name(f->sim, "slow", "::1", OURO_SECONDS(3), 0));
    f->host = "slow";
    start(f->sim, ask, f);

    ouro_sim_advance(f->sim, OURO_SECONDS(3) - 1);
    assert_int_equal(f->seen, UNSEEN);
    ouro_sim_advance(f->sim, 1);
    assert_int_equal(f->seen, 1);
}

static void
a_name_that_is_not_known_says_so(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_add_name(f->sim, "down", NULL, 0, -OURO_ENAMEAGAIN));

    assert_string_equal(answer(f, "nowhere", "80"), "OURO_ENAME");
    assert_string_equal(answer(f, "down", "80"), "OURO_ENAMEAGAIN");
}

static void
what_only_libc_takes_for_an_address_is_no_name(void **state)
{
    const char *const wrong[] = {"127.1",     "0x7f.0.0.1", "2130706433",
                                 "010.0.0.1", "[::1]",      "fe80::1%no",
                                 "::1::",     "1.2.3.4%lo"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_string_equal(answer(f, wrong[i], "80"), "OURO_ENAME");
    assert_int_equal(ouro_sim_lookups(f->sim), 0);
}

static int
ask_for_a_second(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_SECONDS(1));
    ask(f);
    f->seen = ouro_timeout_end(&limit, f->seen);
    return 0;
}

static void
a_timeout_ends_a_lookup(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_add_name(f->sim, "slow", "::1", OURO_SECONDS(3), 0));
    f->host = "slow";
    start(f->sim, ask_for_a_second, f);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));

    assert_err(f->seen, ETIMEDOUT);
}

static void
a_cancelled_task_gets_no_literal_either(void **state)
{
    struct fixture *f = *state;
    struct ouro_task *task;

    f->host = "::1";
    assert_ok(ouro_loop_create_task(ouro_sim_loop(f->sim), &task, ask, f));
    ouro_task_cancel(task);
    ouro_sim_turn(f->sim);

    assert_err(f->seen, ECANCELED);
    ouro_task_unref(task);
}

static int
ask_as_a_user_does(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_getaddrinfo(f->found, f->capacity, "example", "80", 0);
    return 0;
}

static void
getaddrinfo_asks_for_the_running_loop(void **state)
{
    struct fixture *f = *state;

    know(f, "example", "10.0.0.1,::1");
    assert_ok(ouro_sim_run(f->sim, ask_as_a_user_does, f));

    assert_int_equal(f->seen, 2);
    assert_int_equal(ouro_address_port(&f->found[1]), 80);
}

static void
ask_outside_a_task(void *arg)
{
    struct ouro_address address;
    ssize_t *seen = arg;

    *seen = ouro_getaddrinfo(&address, 1, "::1", "80", 0);
}

static void
asking_outside_a_task_stops_the_program(void **state)
{
    ssize_t seen;

    (void)state;
    assert_callback_stops(ask_outside_a_task, &seen, "is made in a task");
}

static void
the_simulation_needs_no_thread(void **state)
{
    struct fixture *f = *state;

    know(f, "example", "10.0.0.1");
    assert_string_equal(answer(f, "example", "80"), "10.0.0.1:80");

    assert_int_equal(ouro__resolve_threads(ouro_sim_loop(f->sim)), 0);
}

static int
setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.capacity = ROOM, .seen = UNSEEN};
    assert_ok(ouro_sim_new(&f.sim, NULL));
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_literal_and_a_number_are_their_address),
        TEST(a_literal_keeps_its_zone),
        TEST(a_literal_is_not_looked_up),
        TEST(a_service_may_have_a_name),
        TEST(ports_end_at_65535),
        TEST(no_service_is_port_zero),
        TEST(what_is_no_service_is_refused),
        TEST(without_a_host_a_listener_has_every_address),
        TEST(without_a_host_there_is_nobody_to_connect_to),
        TEST(a_literal_of_another_family_is_no_address),
        TEST(a_name_has_its_addresses_in_their_order),
        TEST(a_family_chooses_among_them),
        TEST(an_address_is_told_once),
        TEST(no_more_are_told_than_there_is_room_for),
        TEST(a_name_takes_its_time),
        TEST(a_name_that_is_not_known_says_so),
        TEST(what_only_libc_takes_for_an_address_is_no_name),
        TEST(a_timeout_ends_a_lookup),
        TEST(a_cancelled_task_gets_no_literal_either),
        TEST(getaddrinfo_asks_for_the_running_loop),
        TEST(asking_outside_a_task_stops_the_program),
        TEST(the_simulation_needs_no_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
