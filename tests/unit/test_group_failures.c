/* SPDX-License-Identifier: MIT */
/* That a group keeps every failure.  See ouro_group_keep_failures(). */
#include "group_fixture.h"

#include <stdlib.h>

enum { ROOM = 3 };

static struct ouro_failure room[ROOM];
static size_t room_count;
static size_t failure_count;

static int
own_with_room(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    f->group = &group;
    ouro_group_keep_failures(&group, room, room_count);
    start_children(f, &group);
    f->results[0] = ouro_group_end(&group, f->result);
    failure_count = ouro_group_failure_count(&group);
    f->results[1] = ouro_sleep(0);
    return f->results[0];
}

static void
set_stubborn(struct fixture *f, size_t i, int64_t sleep_ns, int returns)
{
    set_child(f, i, sleep_ns, returns);
    f->children[i].stubborn = true;
}

/* A49: 3 failing of 5. */
static void
every_failure_is_kept_in_its_order(void **state)
{
    struct fixture *f = *state;

    set_stubborn(f, 0, 50, -EPIPE);
    set_child(f, 1, 50, 0);
    set_child(f, 2, 10, -EPROTO);
    set_stubborn(f, 3, 50, -ENOTCONN);
    set_child(f, 4, 50, 0);
    assert_err(ouro_sim_run(f->sim, own_with_room, f), EPROTO);

    assert_int_equal(failure_count, 3);
    assert_err(room[0].error, EPROTO);
    assert_err(room[1].error, EPIPE);
    assert_err(room[2].error, ENOTCONN);
    assert_string_equal(room[0].name, "run_child");
    assert_non_null(strstr(room[2].site, "group_fixture.h:"));
    assert_ok(f->results[1]);
}

/* A49 */
static void
one_without_room_is_counted_and_reported(void **state)
{
    struct fixture *f = *state;

    room_count = 1;
    set_stubborn(f, 0, 50, -EPIPE);
    set_child(f, 1, 10, -EPROTO);
    assert_err(ouro_sim_run(f->sim, own_with_room, f), EPROTO);

    assert_int_equal(failure_count, 2);
    assert_err(room[0].error, EPROTO);
    assert_ok(room[1].error);
    assert_int_equal(f->seen.count, 1);
    assert_err(f->seen.error, EPIPE);
    f->seen.count = 0;
}

static void
a_group_that_went_well_has_none(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 10, 0);
    set_child(f, 1, 20, -ECANCELED);
    assert_ok(ouro_sim_run(f->sim, own_with_room, f));

    assert_int_equal(failure_count, 0);
    assert_ok(room[0].error);
}

/* A49: test_error_and_cancel, with the owner as the second to fail. */
static void
the_failure_of_the_owner_is_one_of_them(void **state)
{
    struct fixture *f = *state;

    set_stubborn(f, 0, 50, -EPROTO);
    f->result = -EPIPE;
    assert_err(ouro_sim_run(f->sim, own_with_room, f), EPIPE);

    assert_int_equal(failure_count, 2);
    assert_err(room[0].error, EPIPE);
    assert_non_null(strstr(room[0].site, "test_group_failures.c:"));
    assert_err(room[1].error, EPROTO);
}

static int
fail_with_a_long_name(void *arg)
{
    static const char name[] =
        "a name that is longer than the room that there is for it";

    (void)arg;
    ouro_task_set_name(ouro_current_task(), name);
    return -EPROTO;
}

static int
own_one_with_a_long_name(void *arg)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_keep_failures(&group, room, 1);
    ouro_group_create_task(&group, fail_with_a_long_name, arg);
    return ouro_group_end(&group, 0);
}

/* The task is gone when the failure is read, and so may be its name. */
static void
a_long_name_is_cut(void **state)
{
    struct fixture *f = *state;

    assert_err(ouro_sim_run(f->sim, own_one_with_a_long_name, f), EPROTO);

    assert_string_equal(room[0].name,
                        "a name that is longer than the room tha");
}

static int
add_after_the_end(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    if (ouro_group_end(&group, 0) < 0)
        return -1;
    return ouro_group_create_task(&group, run_child, &f->children[0]);
}

/* A51 */
static void
a_group_that_has_ended_takes_no_task(void **state)
{
    assert_stops(add_after_the_end, *state,
                 "a group takes tasks between its begin and its end");
}

static int
setup_room(void **state)
{
    memset(room, 0, sizeof(room));
    room_count = ROOM;
    failure_count = UNSEEN;
    return setup(state);
}

#define ROOM_TEST(name) \
    cmocka_unit_test_setup_teardown(name, setup_room, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ROOM_TEST(every_failure_is_kept_in_its_order),
        ROOM_TEST(one_without_room_is_counted_and_reported),
        ROOM_TEST(a_group_that_went_well_has_none),
        ROOM_TEST(the_failure_of_the_owner_is_one_of_them),
        ROOM_TEST(a_long_name_is_cut),
        ROOM_TEST(a_group_that_has_ended_takes_no_task),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
