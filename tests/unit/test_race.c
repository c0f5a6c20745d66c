/* SPDX-License-Identifier: MIT */
/* Who wins a race, when, and what becomes of the others.  Row A79 of the list
 * of behaviours; the cancellations are A30, as far as the race goes. */
#include "ouro_test.h"

#include "race.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A race in a world in which somebody listens at port 80 of every address. */
struct fixture {
    struct ouro_sim *sim;
    struct ouro_task *task;
    struct ouro__race race;
    int listener;
    uint16_t port; /* to which the race goes */
    int seen;
    int64_t took_ns;
    size_t open; /* sockets, the listener and the winner included */
    char peer[OURO_ADDRESS_TEXT];
    char local[OURO_ADDRESS_TEXT];
    char order[256];
};

static struct ouro__engine *
engine_of(const struct fixture *f)
{
    return ouro_sim_loop(f->sim)->engine;
}

static void
parse(struct ouro_address *address, const char *text, uint16_t port)
{
    assert_ok(ouro_address_parse(address, text, port));
}

static void
will_race_to(struct fixture *f, const char *a, const char *b)
{
    const char *texts[] = {a, b};

    for (size_t i = 0; i < 2; i++) {
        if (texts[i] != NULL)
            parse(&f->race.addresses[f->race.count++], texts[i], f->port);
    }
}

static void
will_come_from(struct fixture *f, const char *text, uint16_t port)
{
    parse(&f->race.locals[f->race.local_count++], text, port);
}

static void
is_far(struct fixture *f, const char *text, int64_t delay_ns)
{
    assert_ok(ouro_sim_set_route(f->sim, text, delay_ns, 0));
}

static void
fails(struct fixture *f, const char *text, int64_t delay_ns, int error)
{
    assert_ok(ouro_sim_set_route(f->sim, text, delay_ns, error));
}

static void
look_at_winner(struct fixture *f)
{
    struct ouro__engine *engine = engine_of(f);
    struct ouro_address address = {.size = 0};

    engine->sockets->peer_address(engine, f->seen, &address);
    ouro_address_format(&address, f->peer);
    engine->sockets->local_address(engine, f->seen, &address);
    ouro_address_format(&address, f->local);
    engine->sockets->close(engine, f->seen);
}

static int
run(void *arg)
{
    struct fixture *f = arg;
    int64_t before_ns = ouro_loop_time_ns(f->race.loop);

    f->seen = ouro__race_run(&f->race);
    f->took_ns = ouro_loop_time_ns(f->race.loop) - before_ns;
    f->open = ouro_sim_open_sockets(f->sim);
    if (f->seen >= 0)
        look_at_winner(f);
    return 0;
}

static void
race(struct fixture *f)
{
    assert_ok(ouro_sim_run(f->sim, run, f));
    assert_int_equal(ouro_sim_open_sockets(f->sim), 1);
}

/* The addresses in the order in which they were tried, without their ports. */
static const char *
order(struct fixture *f)
{
    char text[OURO_ADDRESS_TEXT];

    f->order[0] = '\0';
    for (size_t i = 0; i < f->race.begun; i++) {
        ouro_address_format(f->race.attempts[i].address, text);
        *strrchr(text, ':') = ' ';
        *strrchr(text, ' ') = '\0';
        strcat(strcat(f->order, i > 0 ? " " : ""), text);
    }
    return f->order;
}

/* Time. */

static void
the_first_address_wins_if_it_answers(void **state)
{
    struct fixture *f = *state;

    will_race_to(f, "2001:db8::1", "192.0.2.1");
    is_far(f, "2001:db8::1", OURO_MILLISECONDS(30));
    race(f);

    assert_string_equal(f->peer, "[2001:db8::1]:80");
    assert_int_equal(f->took_ns, OURO_MILLISECONDS(30));
    assert_int_equal(f->race.begun, 1);
}

static void
the_second_begins_after_a_quarter_of_a_second(void **state)
{
    struct fixture *f = *state;

    will_race_to(f, "2001:db8::1", "192.0.2.1");
    is_far(f, "2001:db8::1", OURO_SECONDS(10));
    race(f);

    assert_string_equal(f->peer, "192.0.2.1:80");
    assert_int_equal(f->took_ns, OURO_MILLISECONDS(250));
    assert_int_equal(f->open, 2);
}

static void
the_first_may_still_win_when_the_second_has_begun(void **state)
{
    struct fixture *f = *state;

    will_race_to(f, "2001:db8::1", "192.0.2.1");
    is_far(f, "2001:db8::1", OURO_MILLISECONDS(300));
    is_far(f, "192.0.2.1", OURO_MILLISECONDS(51));
    race(f);

    assert_string_equal(f->peer, "[2001:db8::1]:80");
    assert_int_equal(f->took_ns, OURO_MILLISECONDS(300));
    assert_int_equal(f->open, 2);
}

static void
an_answer_a_nanosecond_early_begins_no_second(void **state)
{
    struct fixture *f = *state;

    will_race_to(f, "2001:db8::1", "192.0.2.1");
    is_far(f, "2001:db8::1", OURO_MILLISECONDS(250) - 1);
    race(f);

    assert_int_equal(f->race.begun, 1);
}

static void
a_failure_begins_the_next_at_once(void **state)
{
    struct fixture *f = *state;

    will_race_to(f, "2001:db8::1", "192.0.2.1");
    fails(f, "2001:db8::1", OURO_MILLISECONDS(7), ECONNREFUSED);
    race(f);

    assert_string_equal(f->peer, "192.0.2.1:80");
    assert_int_equal(f->took_ns, OURO_MILLISECONDS(7));
}

/* The third is due at 500 ms, whatever becomes of the first meanwhile. */
static void
a_failure_of_an_older_attempt_hastens_nothing(void **state)
{
    struct fixture *f = *state;

    will_race_to(f, "2001:db8::1", "2001:db8::2");
    will_race_to(f, "2001:db8::3", NULL);
    fails(f, "2001:db8::1", OURO_MILLISECONDS(260), EHOSTUNREACH);
    is_far(f, "2001:db8::2", OURO_SECONDS(10));
    race(f);

    assert_string_equal(f->peer, "[2001:db8::3]:80");
    assert_int_equal(f->took_ns, OURO_MILLISECONDS(500));
}

static void
without_a_delay_they_go_one_by_one(void **state)
{
    struct fixture *f = *state;

    f->race.delay_ns = OURO_FOREVER;
    will_race_to(f, "2001:db8::1", "192.0.2.1");
    fails(f, "2001:db8::1", OURO_SECONDS(100), ETIMEDOUT);
    race(f);

    assert_string_equal(f->peer, "192.0.2.1:80");
    assert_int_equal(f->took_ns, OURO_SECONDS(100));
}

/* Order. */

static void
families_take_turns(void **state)
{
    struct fixture *f = *state;

    f->port = 81;
    will_race_to(f, "2001:db8::1", "2001:db8::2");
    will_race_to(f, "2001:db8::3", "192.0.2.1");
    will_race_to(f, "192.0.2.2", NULL);
    race(f);

    assert_string_equal(order(f), "[2001:db8::1] 192.0.2.1 [2001:db8::2] "
                                  "192.0.2.2 [2001:db8::3]");
}

static void
the_family_of_the_first_begins(void **state)
{
    struct fixture *f = *state;

    f->port = 81;
    will_race_to(f, "192.0.2.1", "192.0.2.2");
    will_race_to(f, "2001:db8::1", NULL);
    race(f);

    assert_string_equal(order(f), "192.0.2.1 [2001:db8::1] 192.0.2.2");
}

/* Failure. */

static void
when_all_fail_the_first_error_is_returned(void **state)
{
    struct fixture *f = *state;

    will_race_to(f, "2001:db8::1", "192.0.2.1");
    fails(f, "2001:db8::1", OURO_MILLISECONDS(400), ENETUNREACH);
    fails(f, "192.0.2.1", OURO_MILLISECONDS(10), EHOSTUNREACH);
    race(f);

    assert_err(f->seen, EHOSTUNREACH);
    assert_err(f->race.attempts[0].error, ENETUNREACH);
    assert_int_equal(f->took_ns, OURO_MILLISECONDS(400));
    assert_int_equal(f->open, 1);
}

static void
too_few_descriptors_are_an_error_of_each_address(void **state)
{
    struct fixture *f = *state;

    will_race_to(f, "2001:db8::1", "192.0.2.1");
    ouro_sim_set_descriptor_limit(f->sim, 1);
    race(f);

    assert_err(f->seen, EMFILE);
    assert_int_equal(f->race.begun, 2);
}

static void
the_last_descriptor_is_enough_to_win(void **state)
{
    struct fixture *f = *state;

    will_race_to(f, "2001:db8::1", "192.0.2.1");
    is_far(f, "2001:db8::1", OURO_SECONDS(1));
    ouro_sim_set_descriptor_limit(f->sim, 2);
    race(f);

    assert_string_equal(f->peer, "[2001:db8::1]:80");
    assert_err(f->race.attempts[1].error, EMFILE);
}

/* What the kernel does to a client of a port that is free. */
static int
say_the_peer(struct ouro__engine *engine, int fd, struct ouro_address *out)
{
    return engine->sockets->peer_address(engine, fd, out);
}

static void
a_socket_that_is_connected_to_itself_is_refused(void **state)
{
    struct fixture *f = *state;
    struct ouro__engine *engine = engine_of(f);
    const struct ouro__socket_ops *usual = engine->sockets;
    struct ouro__socket_ops odd = *usual;

    odd.local_address = say_the_peer;
    engine->sockets = &odd;
    will_race_to(f, "192.0.2.1", NULL);
    race(f);
    engine->sockets = usual;

    assert_err(f->seen, ECONNREFUSED);
}

/* Local addresses. */

static void
it_connects_from_the_local_address(void **state)
{
    struct fixture *f = *state;

    will_come_from(f, "10.0.0.7", 4000);
    will_race_to(f, "192.0.2.1", NULL);
    race(f);

    assert_string_equal(f->local, "10.0.0.7:4000");
    assert_string_equal(f->peer, "192.0.2.1:80");
}

static void
each_family_has_a_local_address_of_its_own(void **state)
{
    struct fixture *f = *state;

    will_come_from(f, "10.0.0.7", 4000);
    will_come_from(f, "2001:db8::7", 4000);
    will_race_to(f, "2001:db8::1", "192.0.2.1");
    race(f);

    assert_string_equal(f->local, "[2001:db8::7]:4000");
}

static void
addresses_of_another_family_are_left_out(void **state)
{
    struct fixture *f = *state;

    will_come_from(f, "10.0.0.7", 0);
    will_race_to(f, "2001:db8::1", "192.0.2.1");
    fails(f, "192.0.2.1", 0, ECONNREFUSED);
    race(f);

    assert_err(f->seen, ECONNREFUSED);
    assert_err(f->race.attempts[0].error, OURO_ENOADDRESS);
}

static void
no_address_of_the_local_family_is_an_error(void **state)
{
    struct fixture *f = *state;

    will_come_from(f, "10.0.0.7", 0);
    will_race_to(f, "2001:db8::1", NULL);
    race(f);

    assert_err(f->seen, OURO_ENOADDRESS);
}

static void
a_local_address_that_is_taken_is_an_error(void **state)
{
    struct fixture *f = *state;

    will_come_from(f, "10.0.0.7", 80);
    will_race_to(f, "192.0.2.1", NULL);
    race(f);

    assert_err(f->seen, EADDRINUSE);
    assert_ptr_equal(f->race.attempts[0].local, &f->race.locals[0]);
}

static void
the_next_local_address_is_tried_if_one_is_taken(void **state)
{
    struct fixture *f = *state;

    will_come_from(f, "10.0.0.7", 80);
    will_come_from(f, "10.0.0.8", 0);
    will_race_to(f, "192.0.2.1", NULL);
    race(f);

    assert_memory_equal(f->local, "10.0.0.8:", 9);
}

static void
attempts_share_a_local_port(void **state)
{
    struct fixture *f = *state;

    will_come_from(f, "10.0.0.7", 4000);
    will_race_to(f, "192.0.2.1", "192.0.2.2");
    is_far(f, "192.0.2.1", OURO_SECONDS(10));
    race(f);

    assert_string_equal(f->local, "10.0.0.7:4000");
    assert_string_equal(f->peer, "192.0.2.2:80");
}

/* Cancellation. */

static void
begin(struct fixture *f)
{
    assert_ok(ouro_loop_create_task(ouro_sim_loop(f->sim), &f->task, run, f));
    ouro_sim_turn(f->sim);
}

static void
cancel(struct fixture *f)
{
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 0);
    assert_true(ouro_task_is_done(f->task));
    f->task = ouro_task_unref(f->task);
    assert_int_equal(ouro_sim_open_sockets(f->sim), 1);
}

static void
a_cancellation_closes_every_socket(void **state)
{
    struct fixture *f = *state;

    will_race_to(f, "2001:db8::1", "192.0.2.1");
    is_far(f, "2001:db8::1", OURO_SECONDS(10));
    is_far(f, "192.0.2.1", OURO_SECONDS(10));
    begin(f);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));
    assert_int_equal(ouro_sim_open_sockets(f->sim), 3);
    cancel(f);

    assert_err(f->seen, ECANCELED);
    assert_int_equal(f->open, 1);
}

static void
a_cancelled_task_begins_no_attempt(void **state)
{
    struct fixture *f = *state;

    will_race_to(f, "2001:db8::1", NULL);
    assert_ok(ouro_loop_create_task(ouro_sim_loop(f->sim), &f->task, run, f));
    cancel(f);

    assert_err(f->seen, ECANCELED);
    assert_int_equal(f->race.begun, 0);
}

static int
make_world(struct fixture *f, const struct ouro_sim_options *options)
{
    struct ouro_address any;

    memset(f, 0, sizeof(*f));
    int rc = ouro_sim_new(&f->sim, options);
    if (rc < 0)
        return rc;
    f->race.loop = ouro_sim_loop(f->sim);
    f->race.delay_ns = OURO_MILLISECONDS(250);
    f->port = 80;
    f->seen = UNSEEN;

    struct ouro__engine *engine = engine_of(f);
    f->listener = engine->sockets->open(engine, AF_INET6);
    parse(&any, "::", 80);
    assert_ok(engine->sockets->bind(engine, f->listener, &any));
    return engine->sockets->listen(engine, f->listener, 100);
}

static void
end_world(struct fixture *f)
{
    struct ouro__engine *engine = engine_of(f);

    engine->sockets->close(engine, f->listener);
    assert_int_equal(ouro_sim_open_sockets(f->sim), 0);
    ouro_sim_free(f->sim);
}

/* Three attempts, of which two answer in the same instant; the cancellation
 * comes somewhere on the way, or after the end. */
static void
cancel_somewhere(struct fixture *f, unsigned round)
{
    will_race_to(f, "2001:db8::1", "2001:db8::2");
    will_race_to(f, "2001:db8::3", NULL);
    is_far(f, "2001:db8::1", OURO_MILLISECONDS(500));
    is_far(f, "2001:db8::2", OURO_MILLISECONDS(250));
    fails(f, "2001:db8::3", 0, round % 2 == 0 ? ECONNREFUSED : 0);
    begin(f);
    ouro_sim_advance(f->sim, OURO_MILLISECONDS(125) * (round % 5));
    for (unsigned i = 0; i < round / 5 % 10; i++)
        ouro_sim_turn(f->sim);
    cancel(f);
}

static void
a_cancellation_at_any_moment_leaks_nothing(void **state)
{
    struct fixture *f = *state;
    unsigned cancelled = 0;

    end_world(f);
    for (unsigned round = 0; round < 1000; round++) {
        struct ouro_sim_options options = {
            .seed = round,
            .late_percent = 30,
            .reorder_percent = 30,
            .late_cancel_percent = 60,
        };

        assert_ok(make_world(f, &options));
        cancel_somewhere(f, round);
        assert_true(f->seen >= 0 || f->seen == -ECANCELED);
        cancelled += f->seen == -ECANCELED;
        end_world(f);
    }
    assert_in_range(cancelled, 600, 999);
    assert_ok(make_world(f, NULL));
}

static int
setup(void **state)
{
    *state = malloc(sizeof(struct fixture));
    return make_world(*state, NULL);
}

static int
teardown(void **state)
{
    end_world(*state);
    free(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_address_wins_if_it_answers),
        TEST(the_second_begins_after_a_quarter_of_a_second),
        TEST(the_first_may_still_win_when_the_second_has_begun),
        TEST(an_answer_a_nanosecond_early_begins_no_second),
        TEST(a_failure_begins_the_next_at_once),
        TEST(a_failure_of_an_older_attempt_hastens_nothing),
        TEST(without_a_delay_they_go_one_by_one),
        TEST(families_take_turns),
        TEST(the_family_of_the_first_begins),
        TEST(when_all_fail_the_first_error_is_returned),
        TEST(too_few_descriptors_are_an_error_of_each_address),
        TEST(the_last_descriptor_is_enough_to_win),
        TEST(a_socket_that_is_connected_to_itself_is_refused),
        TEST(it_connects_from_the_local_address),
        TEST(each_family_has_a_local_address_of_its_own),
        TEST(addresses_of_another_family_are_left_out),
        TEST(no_address_of_the_local_family_is_an_error),
        TEST(a_local_address_that_is_taken_is_an_error),
        TEST(the_next_local_address_is_tried_if_one_is_taken),
        TEST(attempts_share_a_local_port),
        TEST(a_cancellation_closes_every_socket),
        TEST(a_cancelled_task_begins_no_attempt),
        TEST(a_cancellation_at_any_moment_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
