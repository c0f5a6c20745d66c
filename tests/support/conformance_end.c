/* SPDX-License-Identifier: MIT */
/* What transports promise of their ends. */
#include "conformance.h"

#include <string.h>

enum { STUCK = 16 * 1024 * 1024 };

/* A8 of the list of behaviours. */
static int
abort_with_much_queued(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_pause(&ends[1]);
    end_write(&ends[0], STUCK / 2);
    end_write_take(&ends[0], 100000);
    rc = let_arrive();
    end_abort(&ends[0]);
    scene->flag = ends[0].losses == 0;
    if (rc == 0)
        rc = until_called(&ends[0], 'L');
    end_resume(&ends[1]);
    return rc;
}

static void
check_aborted(const struct scene *scene)
{
    assert_true(scene->flag);
    assert_err(scene->ends[0].reason, ECONNABORTED);
    assert_true(scene->ends[1].received < scene->ends[0].sent);
    if (scene->kind->has_resets)
        assert_err(scene->ends[1].reason, ECONNRESET);
}

static int
abort_after_close(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_pause(&ends[1]);
    end_write(&ends[0], STUCK);
    end_close(&ends[0]);
    rc = let_arrive();
    end_abort(&ends[0]);
    end_abort(&ends[0]);
    end_close(&ends[0]);
    if (rc == 0)
        rc = until_called(&ends[0], 'L');
    end_resume(&ends[1]);
    return rc;
}

static void
check_aborted_late(const struct scene *scene)
{
    assert_err(scene->ends[0].reason, ECONNABORTED);
}

static int
fail_with_a_reason(struct scene *scene)
{
    int rc = meet(scene);

    if (rc == 0)
        ouro_transport_fail(scene->ends[0].transport, -EBADMSG);
    return rc;
}

static void
check_reason(const struct scene *scene)
{
    assert_err(scene->ends[0].reason, EBADMSG);
}

static int
refuse(struct scene *scene)
{
    int rc = connect_ends(scene);

    if (rc < 0)
        return rc;
    begin_end(scene, 1);
    end_write(&scene->ends[1], 100);
    rc = let_arrive();
    scene->ends[0].made_result = -EACCES;
    begin_end(scene, 0);
    return rc;
}

static void
check_refused(const struct scene *scene)
{
    assert_string_equal(scene->ends[0].calls, "ML");
    assert_err(scene->ends[0].reason, EACCES);
}

/* A12 of the list of behaviours. */
static int
reset_behind_bytes(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_pause(&ends[1]);
    end_write(&ends[0], 5);
    rc = until_sent(&ends[0]);
    if (rc == 0)
        rc = let_arrive();
    end_abort(&ends[0]);
    if (rc == 0)
        rc = until_called(&ends[0], 'L');
    if (rc == 0)
        rc = let_arrive();
    scene->flag = strcmp(ends[1].calls, "M") == 0;
    end_resume(&ends[1]);
    return rc;
}

static void
check_reset_behind(const struct scene *scene)
{
    assert_true(scene->flag);
    assert_int_equal(scene->ends[1].received, 5);
    if (scene->kind->has_resets) {
        assert_string_equal(scene->ends[1].calls, "MDL");
        assert_err(scene->ends[1].reason, ECONNRESET);
    }
}

/* A26 and M6 of the list of behaviours. */
static int
close_to_a_stuck_peer(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_pause(&ends[1]);
    ouro_transport_set_close_timeout(ends[0].transport, OURO_MILLISECONDS(60));
    end_write(&ends[0], STUCK);
    rc = let_arrive();
    scene->from_ns = ouro_loop_time_ns(ouro_get_running_loop());
    end_close(&ends[0]);
    if (rc == 0)
        rc = until_called(&ends[0], 'L');
    end_resume(&ends[1]);
    return rc;
}

static void
check_out_of_time(const struct scene *scene)
{
    int64_t took_ns = scene->ends[0].lost_ns - scene->from_ns;

    assert_err(scene->ends[0].reason, ETIMEDOUT);
    assert_true(took_ns >= OURO_MILLISECONDS(60));
}

/* A34 of the list of behaviours: what nobody read does not take along what was
 * written last. */
static int
close_with_unread_input(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_pause(&ends[0]);
    end_write(&ends[1], 60000);
    rc = let_arrive();
    end_write(&ends[0], 60000);
    end_close(&ends[0]);
    return rc;
}

static void
check_last_words(const struct scene *scene)
{
    assert_ok(scene->ends[0].reason);
    check_all_came(&scene->ends[1]);
    assert_ok(scene->ends[1].reason);
}

/* Both close at once, with bytes on the way. */
static int
close_both(struct scene *scene)
{
    int rc = meet(scene);

    for (int i = 0; rc == 0 && i < 2; i++) {
        end_write(&scene->ends[i], 1000);
        end_close(&scene->ends[i]);
    }
    return rc;
}

static void
check_both_closed(const struct scene *scene)
{
    assert_ok(scene->ends[0].reason);
    assert_ok(scene->ends[1].reason);
}

/* A24 and A25 of the list of behaviours: every way to die, in every call. */

static void
abort_peer(struct end *end)
{
    if (end->peer->transport != NULL)
        end_abort(end->peer);
}

static void
close_peer(struct end *end)
{
    if (end->peer->transport != NULL)
        end_close(end->peer);
}

static void
fail_end(struct end *end)
{
    ouro_transport_fail(end->transport, -EBADMSG);
}

static void
write_much_and_close(struct end *end)
{
    if (!ouro_transport_is_closing(end->transport))
        end_write(end, 300000);
    end_close(end);
}

static void
finish_and_abort(struct end *end)
{
    end_write_eof(end);
    end_abort(end);
}

static void
close_and_abort(struct end *end)
{
    end_close(end);
    end_abort(end);
}

static void
pause_and_close(struct end *end)
{
    end_pause(end);
    end_close(end);
    end_resume(end);
}

static void
change_and_close(struct end *end)
{
    end_set_protocol(end);
    end_close(end);
}

static end_fn *const deaths[] = {
    end_close,       end_abort,        fail_end,        close_peer,
    abort_peer,      finish_and_abort, close_and_abort, write_much_and_close,
    pause_and_close, change_and_close,
};

/* Whatever call the hook is on comes, unless the connection dies before. */
static int
live_and_die(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    if (rc < 0)
        return rc;
    if (!ouro_transport_is_closing(ends[0].transport))
        end_write(&ends[0], 3000000);
    if (!ouro_transport_is_closing(ends[1].transport)) {
        end_write(&ends[1], 40000);
        end_write_eof(&ends[1]);
    }
    rc = ouro_sleep(OURO_MILLISECONDS(2));
    end_close(&ends[0]);
    end_close(&ends[1]);
    return rc < 0 ? rc : until_both_lost(ends);
}

static bool
is_well(const struct end *end)
{
    return end->losses == 1 && !end->wrong && !end->reentered
           && calls_are_in_order(end->calls);
}

static int
die_in_one_call(struct scene *scene, enum event event, end_fn *death)
{
    ends_init(scene->ends);
    scene->ends[0].keeps_open = true;
    scene->ends[1].keeps_open = true;
    scene->ends[0].hooks[event] = death;
    int rc = live_and_die(scene);
    if (rc < 0)
        return rc;
    scene->count++;
    if (!is_well(&scene->ends[0]) || !is_well(&scene->ends[1]))
        return -EPROTO;
    ends_leave(scene->ends);
    return 0;
}

static int
die_in_every_way(struct scene *scene)
{
    int rc = 0;

    for (int event = 0; rc == 0 && event < EVENTS; event++) {
        for (size_t i = 0; rc == 0 && i < sizeof(deaths) / sizeof(deaths[0]);
             i++)
            rc = die_in_one_call(scene, (enum event)event, deaths[i]);
    }
    ends_leave(scene->ends);
    ends_init(scene->ends);
    return rc < 0 ? rc : close_both(scene);
}

static void
check_all_died(const struct scene *scene)
{
    assert_int_equal(scene->count,
                     EVENTS * (sizeof(deaths) / sizeof(deaths[0])));
}

/* A93 of the list of behaviours: the world checks that nothing is left. */
static int
live_five_hundred_times(struct scene *scene)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < 499; i++) {
        ends_init(scene->ends);
        rc = i % 2 == 0 ? close_both(scene) : fail_with_a_reason(scene);
        if (rc == 0)
            rc = until_both_lost(scene->ends);
        ends_leave(scene->ends);
    }
    ends_init(scene->ends);
    return rc < 0 ? rc : close_both(scene);
}

const struct promise ending_promises[] = {
    {"abort drops what is queued", abort_with_much_queued, check_aborted,
     false},
    {"abort may follow close", abort_after_close, check_aborted_late, false},
    {"a failure has the reason it was given", fail_with_a_reason, check_reason,
     false},
    {"a refusal is followed by lost and nothing else", refuse, check_refused,
     false},
    {"bytes before a reset come before its error", reset_behind_bytes,
     check_reset_behind, false},
    {"close to a peer that does not read ends at its deadline",
     close_to_a_stuck_peer, check_out_of_time, false},
    {"close with unread input loses nothing that was written",
     close_with_unread_input, check_last_words, false},
    {"both may close at once", close_both, check_both_closed, false},
    {"every way to die in every call is one loss", die_in_every_way,
     check_all_died, true},
    {"five hundred lives leave nothing", live_five_hundred_times, NULL, false},
    {NULL, NULL, NULL, false},
};
