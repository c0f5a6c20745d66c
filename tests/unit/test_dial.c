/* SPDX-License-Identifier: MIT */
/* What the options of a client mean, and what it is told when it fails.  Row
 * A79 of the list of behaviours, where nothing else is said.  The race itself
 * is in test_race.c, what comes after it in test_connect.c. */
#include "ouro_test.h"

#include "loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOTH "2001:db8::1,192.0.2.1"

/* A client, in a world in which somebody listens at port 80 of every address.
 */
struct fixture {
    struct ouro_sim *sim;
    int listener;
    struct ouro_connect_options options;
    struct ouro_report report;
    int seen;
    int64_t took_ns;
    char peer[OURO_ADDRESS_TEXT];
    char local[OURO_ADDRESS_TEXT];
};

static void
ignore_data(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)self;
    (void)data;
}

static const struct ouro_protocol_ops client_ops = {
    .size = sizeof(struct ouro_protocol),
    .data_received = ignore_data,
};

static void
look_at(struct fixture *f, const struct ouro_transport *transport)
{
    struct ouro_address peer = ouro_transport_peer_address(transport);
    struct ouro_address local = ouro_transport_local_address(transport);

    ouro_address_format(&peer, f->peer);
    ouro_address_format(&local, f->local);
}

static int
connect_once(void *arg)
{
    struct fixture *f = arg;
    struct ouro_protocol *protocol = NULL;
    int64_t before_ns = ouro_loop_time_ns(ouro_sim_loop(f->sim));

    f->seen = ouro_create_connection(&protocol, &client_ops, NULL, &f->options);
    f->took_ns = ouro_loop_time_ns(ouro_sim_loop(f->sim)) - before_ns;
    if (f->seen < 0)
        return protocol == NULL ? 0 : -EINVAL;
    look_at(f, protocol->transport);
    ouro_transport_abort(protocol->transport);
    ouro_protocol_unref(protocol);
    return 0;
}

static void
run_connect(struct fixture *f)
{
    assert_ok(ouro_sim_run(f->sim, connect_once, f));
    ouro_sim_advance(f->sim, 0);
    assert_int_equal(ouro_sim_open_sockets(f->sim), 1);
}

static void
connects(struct fixture *f)
{
    run_connect(f);
    assert_ok(f->seen);
}

static void
connect_fails(struct fixture *f, int error)
{
    run_connect(f);
    assert_err(f->seen, error);
}

static void
routes(struct fixture *f, const char *address, int64_t delay_ns, int error)
{
    assert_ok(ouro_sim_set_route(f->sim, address, delay_ns, error));
}

static void
it_connects_to_a_name(void **state)
{
    struct fixture *f = *state;

    strcpy(f->report.text, "as before");
    connects(f);

    assert_string_equal(f->peer, "[2001:db8::1]:80");
    assert_string_equal(f->report.text, "as before");
}

/* A92. */
static void
a_literal_is_not_looked_up(void **state)
{
    struct fixture *f = *state;

    f->options.host = "192.0.2.1";
    connects(f);

    assert_int_equal(ouro_sim_lookups(f->sim), 0);
}

static void
a_family_may_be_asked_for(void **state)
{
    struct fixture *f = *state;

    f->options.family = AF_INET;
    connects(f);

    assert_string_equal(f->peer, "192.0.2.1:80");
}

static void
the_second_family_wins_after_a_quarter_of_a_second(void **state)
{
    struct fixture *f = *state;

    routes(f, "2001:db8::1", OURO_SECONDS(20), 0);
    connects(f);

    assert_string_equal(f->peer, "192.0.2.1:80");
    assert_int_equal(f->took_ns, OURO_MILLISECONDS(250));
}

static void
the_delay_is_an_option(void **state)
{
    struct fixture *f = *state;

    routes(f, "2001:db8::1", OURO_SECONDS(20), 0);
    f->options.happy_eyeballs_delay_ns = 17;
    connects(f);

    assert_int_equal(f->took_ns, 17);
}

/* Failure. */

static void
all_that_was_tried_is_reported(void **state)
{
    struct fixture *f = *state;

    routes(f, "2001:db8::1", 0, ENETUNREACH);
    routes(f, "192.0.2.1", OURO_MILLISECONDS(20), ECONNREFUSED);
    connect_fails(f, ENETUNREACH);

    assert_int_equal(f->took_ns, OURO_MILLISECONDS(20));
    assert_string_equal(
        f->report.text,
        "cannot connect to example:80: [2001:db8::1]:80: ENETUNREACH (Network "
        "is unreachable); 192.0.2.1:80: ECONNREFUSED (Connection refused)");
}

static void
an_address_as_host_is_reported_in_brackets(void **state)
{
    struct fixture *f = *state;

    f->options.host = "::1";
    f->options.service = "81";
    connect_fails(f, ECONNREFUSED);

    assert_string_equal(f->report.text,
                        "cannot connect to [::1]:81: [::1]:81: ECONNREFUSED "
                        "(Connection refused)");
}

static void
a_host_that_is_not_known_is_reported(void **state)
{
    struct fixture *f = *state;

    f->options.host = "nosuchhost";
    connect_fails(f, OURO_ENAME);

    assert_string_equal(f->report.text, "cannot connect to nosuchhost:80: "
                                        "OURO_ENAME (No such host)");
}

static void
a_service_that_is_not_known_is_reported(void **state)
{
    struct fixture *f = *state;

    f->options.service = "65536";
    connect_fails(f, OURO_ESERVICE);

    assert_string_equal(f->report.text,
                        "cannot connect to example:65536: OURO_ESERVICE (No "
                        "such service or port)");
}

static void
too_few_descriptors_are_reported(void **state)
{
    struct fixture *f = *state;

    f->options.family = AF_INET;
    ouro_sim_set_descriptor_limit(f->sim, 1);
    connect_fails(f, EMFILE);

    assert_string_equal(f->report.text,
                        "cannot connect to example:80: 192.0.2.1:80: EMFILE "
                        "(Too many open files)");
}

static void
a_long_report_is_cut(void **state)
{
    struct fixture *f = *state;
    char names[1024] = "";

    for (int i = 1; i <= 40; i++)
        snprintf(names + strlen(names), sizeof(names) - strlen(names),
                 "%s10.0.0.%d", i > 1 ? "," : "", i);
    assert_ok(ouro_sim_add_name(f->sim, "example", names, 0, 0));
    f->options.service = "81";
    connect_fails(f, ECONNREFUSED);

    assert_int_equal(strlen(f->report.text), sizeof(f->report.text) - 1);
}

static void
nobody_need_want_a_report(void **state)
{
    struct fixture *f = *state;

    f->options.report = NULL;
    f->options.service = "81";
    connect_fails(f, ECONNREFUSED);
    f->options.service = NULL;
    connect_fails(f, EINVAL);
}

/* Time. */

static void
a_minute_is_enough_by_default(void **state)
{
    struct fixture *f = *state;

    routes(f, "2001:db8::1", OURO_SECONDS(100), 0);
    routes(f, "192.0.2.1", OURO_SECONDS(100), 0);
    connect_fails(f, ETIMEDOUT);

    assert_int_equal(f->took_ns, OURO_SECONDS(60));
    assert_string_equal(f->report.text,
                        "cannot connect to example:80 within 60 s: "
                        "[2001:db8::1]:80: no answer; 192.0.2.1:80: no answer");
}

static void
a_timeout_tells_what_had_failed_before(void **state)
{
    struct fixture *f = *state;

    routes(f, "2001:db8::1", OURO_SECONDS(100), 0);
    routes(f, "192.0.2.1", 0, EHOSTUNREACH);
    f->options.timeout_ns = OURO_MILLISECONDS(1500);
    connect_fails(f, ETIMEDOUT);

    assert_int_equal(f->took_ns, OURO_MILLISECONDS(1500));
    assert_string_equal(f->report.text,
                        "cannot connect to example:80 within 1.5 s: "
                        "[2001:db8::1]:80: no answer; 192.0.2.1:80: "
                        "EHOSTUNREACH (No route to host)");
}

static void
the_kernels_own_timeout_is_not_ours(void **state)
{
    struct fixture *f = *state;

    f->options.family = AF_INET;
    routes(f, "192.0.2.1", 0, ETIMEDOUT);
    connect_fails(f, ETIMEDOUT);

    assert_string_equal(f->report.text,
                        "cannot connect to example:80: 192.0.2.1:80: ETIMEDOUT "
                        "(Connection timed out)");
}

static void
the_time_counts_from_the_lookup_on(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_add_name(f->sim, "example", BOTH, OURO_SECONDS(9), 0));
    f->options.timeout_ns = OURO_SECONDS(5);
    connect_fails(f, ETIMEDOUT);

    assert_int_equal(f->took_ns, OURO_SECONDS(5));
    assert_string_equal(f->report.text,
                        "cannot connect to example:80 within 5 s: the name was "
                        "still being looked up");
}

static void
for_ever_is_no_timeout(void **state)
{
    struct fixture *f = *state;

    routes(f, "2001:db8::1", OURO_SECONDS(9000), 0);
    routes(f, "192.0.2.1", OURO_SECONDS(8000), 0);
    f->options.timeout_ns = OURO_FOREVER;
    f->options.happy_eyeballs_delay_ns = OURO_SECONDS(500);
    connects(f);

    assert_int_equal(f->took_ns, OURO_SECONDS(8500));
}

/* Local addresses. */

static void
it_connects_from_where_it_was_told(void **state)
{
    struct fixture *f = *state;

    f->options.local_host = "10.0.0.7";
    f->options.local_service = "4000";
    connects(f);

    assert_string_equal(f->local, "10.0.0.7:4000");
}

static void
a_local_port_serves_both_families(void **state)
{
    struct fixture *f = *state;

    f->options.local_service = "4000";
    connects(f);

    assert_string_equal(f->peer, "[2001:db8::1]:80");
    assert_string_equal(f->local, "[2001:db8::1]:4000");
}

static void
it_is_told_why_an_address_was_not_tried(void **state)
{
    struct fixture *f = *state;

    f->options.local_host = "10.0.0.7";
    f->options.service = "81";
    connect_fails(f, ECONNREFUSED);

    assert_string_equal(
        f->report.text,
        "cannot connect to example:81: [2001:db8::1]:81: not tried, for no "
        "local address is of its family; 192.0.2.1:81: ECONNREFUSED "
        "(Connection refused)");
}

static void
a_local_address_that_is_taken_is_reported(void **state)
{
    struct fixture *f = *state;

    f->options.local_host = "10.0.0.7";
    f->options.local_service = "80";
    f->options.family = AF_INET;
    connect_fails(f, EADDRINUSE);

    assert_string_equal(f->report.text,
                        "cannot connect to example:80: 192.0.2.1:80: from "
                        "10.0.0.7:80: EADDRINUSE (Address already in use)");
}

static void
a_local_host_that_is_not_known_is_reported(void **state)
{
    struct fixture *f = *state;

    f->options.local_host = "nosuchhost";
    connect_fails(f, OURO_ENAME);

    assert_string_equal(f->report.text,
                        "cannot connect to example:80: from nosuchhost:0: "
                        "OURO_ENAME (No such host)");
}

/* Options. */

static void
refused_options(struct fixture *f, const char *why)
{
    char text[128];

    snprintf(text, sizeof(text), "connect options: %s", why);
    connect_fails(f, EINVAL);
    assert_string_equal(f->report.text, text);
    f->options = (struct ouro_connect_options){
        .host = "example",
        .service = "80",
        .report = &f->report,
    };
}

static void
times_are_not_negative(void **state)
{
    struct fixture *f = *state;

    f->options.timeout_ns = -1;
    refused_options(f, "timeout_ns is negative");
    f->options.happy_eyeballs_delay_ns = -1;
    refused_options(f, "happy_eyeballs_delay_ns is negative");
    f->options.close_timeout_ns = -1;
    refused_options(f, "close_timeout_ns is negative");
}

static void
a_host_and_a_service_are_needed(void **state)
{
    struct fixture *f = *state;

    f->options.host = NULL;
    refused_options(f, "host is missing, and ready too");
    f->options.host = "";
    refused_options(f, "host is missing, and ready too");
    f->options.service = NULL;
    refused_options(f, "service is missing");
}

static void
a_family_is_one_of_two(void **state)
{
    struct fixture *f = *state;

    f->options.family = AF_UNIX;
    refused_options(f, "family is neither AF_INET nor AF_INET6");
}

static void
a_descriptor_excludes_a_host(void **state)
{
    struct fixture *f = *state;

    f->options.ready.given = true;
    refused_options(
        f, "ready excludes host, service, local_host and local_service");
    f->options.host = f->options.service = NULL;
    f->options.ready = (struct ouro_descriptor){.number = -1, .given = true};
    refused_options(f, "ready is no descriptor");
}

static int
connect_without_options(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_create_connection(NULL, &client_ops, NULL, NULL);
    return 0;
}

static void
no_options_are_too_few(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, connect_without_options, f));
    assert_err(f->seen, EINVAL);
}

static int
connect_without_ops(void *arg)
{
    (void)arg;
    return ouro_create_connection(NULL, NULL, NULL, NULL);
}

static int
open_without_place(void *arg)
{
    (void)arg;
    return ouro_open_connection(NULL, NULL);
}

static void
what_must_be_given_is_checked(void **state)
{
    (void)state;
    assert_stops(connect_without_ops, NULL, "made for a protocol");
    assert_stops(open_without_place, NULL, "given to its caller");
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ouro_address any;

    assert_ok(ouro_sim_new(&f->sim, NULL));
    assert_ok(ouro_sim_add_name(f->sim, "example", BOTH, 0, 0));
    f->options.host = "example";
    f->options.service = "80";
    f->options.report = &f->report;

    struct ouro__engine *engine = ouro_sim_loop(f->sim)->engine;
    f->listener = engine->sockets->open(engine, AF_INET6);
    assert_ok(ouro_address_parse(&any, "::", 80));
    assert_ok(engine->sockets->bind(engine, f->listener, &any));
    assert_ok(engine->sockets->listen(engine, f->listener, 100));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    struct ouro__engine *engine = ouro_sim_loop(f->sim)->engine;

    engine->sockets->close(engine, f->listener);
    ouro_sim_free(f->sim);
    free(f);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_connects_to_a_name),
        TEST(a_literal_is_not_looked_up),
        TEST(a_family_may_be_asked_for),
        TEST(the_second_family_wins_after_a_quarter_of_a_second),
        TEST(the_delay_is_an_option),
        TEST(all_that_was_tried_is_reported),
        TEST(an_address_as_host_is_reported_in_brackets),
        TEST(a_host_that_is_not_known_is_reported),
        TEST(a_service_that_is_not_known_is_reported),
        TEST(too_few_descriptors_are_reported),
        TEST(a_long_report_is_cut),
        TEST(nobody_need_want_a_report),
        TEST(a_minute_is_enough_by_default),
        TEST(a_timeout_tells_what_had_failed_before),
        TEST(the_kernels_own_timeout_is_not_ours),
        TEST(the_time_counts_from_the_lookup_on),
        TEST(for_ever_is_no_timeout),
        TEST(it_connects_from_where_it_was_told),
        TEST(a_local_port_serves_both_families),
        TEST(it_is_told_why_an_address_was_not_tried),
        TEST(a_local_address_that_is_taken_is_reported),
        TEST(a_local_host_that_is_not_known_is_reported),
        TEST(times_are_not_negative),
        TEST(a_host_and_a_service_are_needed),
        TEST(a_family_is_one_of_two),
        TEST(a_descriptor_excludes_a_host),
        TEST(no_options_are_too_few),
        TEST(what_must_be_given_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
