/* SPDX-License-Identifier: MIT */
/* Tasks that come while a run ends, on the real loop: who tells them to end,
 * and when.  See ouro_run(). */
#include "ouro_test.h"
#include "peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { GENERATIONS = 5 };

struct fixture {
    struct ouro_run_options options;
    struct seen_exceptions seen;
    unsigned left; /* generations that are to come */
    unsigned cancelled;
    int result;
    int listener;
    char port[16];
};

static int
wait_for_ever(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_sleep(OURO_FOREVER);

    f->cancelled += rc == -ECANCELED;
    return rc;
}

static int
start_one_at_the_end(void *arg)
{
    int rc = wait_for_ever(arg);

    return ouro_create_task(NULL, wait_for_ever, arg) < 0 ? -ENOMEM : rc;
}

static int
start_the_next_at_the_end(void *arg)
{
    struct fixture *f = arg;
    int rc = wait_for_ever(f);

    if (f->left-- > 0 && ouro_create_task(NULL, start_the_next_at_the_end, f))
        return -ENOMEM;
    return rc;
}

/* Mains. */

static int
leave_one(void *arg)
{
    return ouro_create_task(NULL, start_one_at_the_end, arg);
}

static int
leave_the_first(void *arg)
{
    return ouro_create_task(NULL, start_the_next_at_the_end, arg);
}

/* A60 is better: asyncio's runner tells those that are there, once. */
static void
one_that_starts_meanwhile_is_cancelled_too(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_run_with(leave_one, f, &f->options));

    assert_int_equal(f->cancelled, 2);
    assert_int_equal(f->seen.count, 0);
}

static void
so_are_those_that_it_starts_in_its_turn(void **state)
{
    struct fixture *f = *state;

    f->left = GENERATIONS;
    assert_ok(ouro_run_with(leave_the_first, f, &f->options));

    assert_int_equal(f->cancelled, GENERATIONS + 1);
    assert_int_equal(f->seen.count, 0);
}

static void
without_an_end_of_them_the_limit_is_the_end(void **state)
{
    struct fixture *f = *state;

    f->left = ~0U;
    f->options.cancel_limit_ns = OURO_MILLISECONDS(20);
    assert_err(ouro_run_with(leave_the_first, f, &f->options), ETIMEDOUT);

    assert_true(f->cancelled > GENERATIONS);
    assert_string_equal(f->seen.message, "a task was still alive");
}

/* Those that clean up. */

static int
take_time(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_sleep(OURO_MILLISECONDS(1));
    return 7;
}

static int
clean_up_with_a_task(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;
    int rc = wait_for_ever(f);

    ouro_shield_begin(&shield, OURO_SECONDS(10));
    f->left = (unsigned)ouro_wait_for_call(take_time, f, OURO_SECONDS(10));
    return (int)ouro_shield_end(&shield, rc);
}

static int
leave_one_that_cleans_up(void *arg)
{
    return ouro_create_task(NULL, clean_up_with_a_task, arg);
}

static void
one_that_another_waits_for_to_clean_up_has_its_time(void **state)
{
    struct fixture *f = *state;

    f->result = UNSEEN;
    assert_ok(ouro_run_with(leave_one_that_cleans_up, f, &f->options));

    assert_ok(f->result);
    assert_int_equal(f->left, 7);
    assert_int_equal(f->cancelled, 1);
}

static int
ignore_every_cancel(void *arg)
{
    struct ouro_shield shield;

    (void)arg;
    ouro_shield_begin(&shield, OURO_FOREVER);
    return (int)ouro_shield_end(&shield, ouro_sleep(OURO_FOREVER));
}

static int
leave_a_stubborn_one_as_well(void *arg)
{
    int rc = ouro_create_task(NULL, ignore_every_cancel, NULL);

    return rc < 0 ? rc : leave_one(arg);
}

static void
one_that_does_not_end_keeps_nobody_from_being_told(void **state)
{
    struct fixture *f = *state;

    f->options.cancel_limit_ns = OURO_MILLISECONDS(40);
    assert_err(ouro_run_with(leave_a_stubborn_one_as_well, f, &f->options),
               ETIMEDOUT);

    assert_int_equal(f->cancelled, 2);
    assert_int_equal(f->seen.count, 2); /* and the task is alive */
}

/* Connections are closed after the tasks have ended. */

struct last_words {
    struct ouro_protocol base;
    struct fixture *f;
};

static int
know_the_fixture(struct ouro_protocol *self, void *context)
{
    OURO_CONTAINER_OF(self, struct last_words, base)->f = context;
    return 0;
}

static void
hear_nothing(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)self;
    (void)data;
}

static void
start_one_when_lost(struct ouro_protocol *self, int reason)
{
    struct fixture *f = OURO_CONTAINER_OF(self, struct last_words, base)->f;

    (void)reason;
    f->result = ouro_create_task(NULL, wait_for_ever, f);
}

static const struct ouro_protocol_ops last_words_ops = {
    .size = sizeof(struct last_words),
    .connection_made = know_the_fixture,
    .data_received = hear_nothing,
    .connection_lost = start_one_when_lost,
};

static int
leave_a_connection(void *arg)
{
    struct fixture *f = arg;
    struct ouro_protocol *protocol;
    const struct ouro_connect_options where = {.host = "127.0.0.1",
                                               .service = f->port};

    int rc = ouro_create_connection(&protocol, &last_words_ops, f, &where);
    if (rc == 0)
        ouro_protocol_unref(protocol);
    return rc;
}

static void
one_that_a_connection_starts_as_it_is_lost_is_cancelled(void **state)
{
    struct fixture *f = *state;
    struct ouro_address there;

    f->listener = peer_listen("127.0.0.1", &there);
    assert_true(f->listener >= 0);
    snprintf(f->port, sizeof(f->port), "%d", ouro_address_port(&there));
    f->result = UNSEEN;
    assert_ok(ouro_run_with(leave_a_connection, f, &f->options));
    close(f->listener);

    assert_ok(f->result);
    assert_int_equal(f->cancelled, 1);
    assert_int_equal(f->seen.count, 0);
}

static int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    f.options.loop.exception_handler = see_exception;
    f.options.loop.exception_arg = &f.seen;
    *state = &f;
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_that_starts_meanwhile_is_cancelled_too,
                               setup),
        cmocka_unit_test_setup(so_are_those_that_it_starts_in_its_turn, setup),
        cmocka_unit_test_setup(without_an_end_of_them_the_limit_is_the_end,
                               setup),
        cmocka_unit_test_setup(
            one_that_another_waits_for_to_clean_up_has_its_time, setup),
        cmocka_unit_test_setup(
            one_that_does_not_end_keeps_nobody_from_being_told, setup),
        cmocka_unit_test_setup(
            one_that_a_connection_starts_as_it_is_lost_is_cancelled, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
