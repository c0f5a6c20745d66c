/* SPDX-License-Identifier: MIT */
/* Many TCP connections at once, and what they share. */
#include "tcp_pair.h"
#include "witness.h"
#include "world.h"

static const char *engine;

enum { MANY = 24, ROUNDS = 150, EACH = 60000, RACES = 100000 };

struct crowd {
    struct end ends[MANY][2];
    unsigned wrong; /* ends that were not well */
    unsigned lives;
    size_t short_of; /* bytes that did not come */
};

static void
note_life(struct crowd *crowd, const struct end *end)
{
    crowd->lives++;
    if (end->wrong || end->reentered || end->losses != 1
        || !calls_are_in_order(end->calls))
        crowd->wrong++;
}

/* The connection of a place ends, in one of three ways; once closed its number
 * is the next one's. */
static void
end_life(struct end ends[2], unsigned way)
{
    if (way == 0)
        end_abort(&ends[0]);
    else
        end_close(&ends[way - 1]);
}

static int
replace(struct crowd *crowd, int place, unsigned way)
{
    struct end *ends = crowd->ends[place];

    end_life(ends, way);
    int rc = until_both_lost(ends);
    note_life(crowd, &ends[0]);
    note_life(crowd, &ends[1]);
    if (way != 0)
        crowd->short_of += ends[2 - way].received != ends[way - 1].sent;
    ends_leave(ends);
    return rc < 0 ? rc : meet_over_tcp(ends);
}

/* A9 of the list of behaviours; spec of io_uring, 3.3. */
static int
reuse_numbers(void *arg)
{
    struct crowd *crowd = arg;
    int rc = 0;

    for (int i = 0; rc == 0 && i < MANY; i++)
        rc = meet_over_tcp(crowd->ends[i]);
    for (int round = 0; rc == 0 && round < ROUNDS; round++) {
        for (int i = 0; i < MANY; i++) {
            end_write(&crowd->ends[i][0], 100 + (size_t)i);
            end_write(&crowd->ends[i][1], 5000);
        }
        rc = replace(crowd, round % MANY, (unsigned)round % 3);
    }
    for (int i = 0; i < MANY; i++)
        end_abort(&crowd->ends[i][0]);
    for (int i = 0; i < MANY; i++) {
        int lost = until_both_lost(crowd->ends[i]);

        rc = rc < 0 ? rc : lost;
        ends_leave(crowd->ends[i]);
    }
    return rc;
}

static void
no_byte_reaches_the_next_owner_of_a_number(void **state)
{
    static struct crowd crowd;

    (void)state;
    crowd = (struct crowd){.wrong = 0};
    assert_ok(run_in_world(engine, reuse_numbers, &crowd));

    assert_int_equal(crowd.lives, 2 * ROUNDS);
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(crowd.short_of, 0);
}

static int
all_send_at_once(void *arg)
{
    struct crowd *crowd = arg;
    int rc = 0;

    for (int i = 0; rc == 0 && i < MANY; i++)
        rc = meet_over_tcp(crowd->ends[i]);
    for (int turn = 0; rc == 0 && turn < 10; turn++) {
        for (int i = 0; i < MANY; i++)
            end_write(&crowd->ends[i][0], EACH / 10);
        rc = ouro_sleep(0);
    }
    for (int i = 0; i < MANY; i++)
        end_close(&crowd->ends[i][0]);
    for (int i = 0; i < MANY; i++) {
        int lost = until_both_lost(crowd->ends[i]);

        rc = rc < 0 ? rc : lost;
        note_life(crowd, &crowd->ends[i][1]);
        crowd->short_of += EACH - crowd->ends[i][1].received;
        ends_leave(crowd->ends[i]);
    }
    return rc;
}

/* Spec of io_uring, 3.4. */
static void
four_buffers_are_enough_for_many_senders(void **state)
{
    const struct ouro_loop_options few = {
        .receive = OURO_RECEIVE_RING,
        .receive_memory = OURO_KIB(64),
    };
    static struct crowd crowd;

    (void)state;
    crowd = (struct crowd){.wrong = 0};
    set_world_loop(&few);
    int rc = run_in_world(engine, all_send_at_once, &crowd);
    set_world_loop(NULL);

    assert_ok(rc);
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(crowd.short_of, 0);
}

/* Spec of io_uring, 3.6: queues of the ring that are too small. */
static void
small_queues_lose_nothing(void **state)
{
    const struct ouro_loop_options small = {
        .ring_entries = 4,
        .completion_entries = 8,
        .send_by_ring = true,
    };
    static struct crowd crowd;

    (void)state;
    crowd = (struct crowd){.wrong = 0};
    set_world_loop(&small);
    int rc = run_in_world(engine, all_send_at_once, &crowd);
    set_world_loop(NULL);

    assert_ok(rc);
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(crowd.short_of, 0);
}

/* A flood beside a quiet one. */

static void
write_again(struct end *end)
{
    if (!ouro_transport_is_closing(end->transport))
        end_write(end, 500000);
}

static int
talk_beside_a_flood(void *arg)
{
    struct crowd *crowd = arg;
    struct end *flood = crowd->ends[0];
    struct end *quiet = crowd->ends[1];

    int rc = meet_over_tcp(flood);
    if (rc == 0)
        rc = meet_over_tcp(quiet);
    flood[0].hooks[EVENT_RESUME] = write_again;
    end_write(&flood[0], 500000);
    for (size_t i = 1; rc == 0 && i <= 50; i++) {
        end_write(&quiet[0], 10);
        rc = until_received(&quiet[1], 10 * i);
        end_write(&quiet[1], 10);
        if (rc == 0)
            rc = until_received(&quiet[0], 10 * i);
        crowd->lives++;
    }
    end_close(&flood[0]);
    end_close(&quiet[0]);
    for (int i = 0; i < 2; i++) {
        int lost = until_both_lost(crowd->ends[i]);

        rc = rc < 0 ? rc : lost;
        ends_leave(crowd->ends[i]);
    }
    return rc;
}

static void
a_flood_does_not_silence_a_quiet_one(void **state)
{
    static struct crowd crowd;

    (void)state;
    crowd = (struct crowd){.wrong = 0};
    assert_ok(run_in_world(engine, talk_beside_a_flood, &crowd));

    assert_int_equal(crowd.lives, 50);
    assert_int_equal(crowd.ends[0][1].received, crowd.ends[0][0].sent);
    assert_false(crowd.ends[0][1].wrong);
}

/* Each round bytes come into a pause, which asks the receive to end, and the
 * resume wants it back at once: spec of io_uring, 3.5. */
static int
race_pauses_with_bytes(void *arg)
{
    struct crowd *crowd = arg;
    struct end *ends = crowd->ends[0];

    int rc = meet_over_tcp(ends);
    for (unsigned i = 0; rc == 0 && i < RACES; i++) {
        if (i % 2 == 0)
            end_pause(&ends[1]);
        end_write(&ends[0], 1 + i % 100);
        if (i % 3 != 0)
            rc = ouro_sleep(0);
        end_resume(&ends[1]);
        if (rc == 0 && i % 5 == 0)
            rc = ouro_sleep(0);
    }
    end_close(&ends[0]);
    int lost = until_both_lost(ends);
    ends_leave(ends);
    return rc < 0 ? rc : lost;
}

static void
a_hundred_thousand_pauses_lose_nothing(void **state)
{
    const struct ouro_loop_options by_ring = {.receive = OURO_RECEIVE_RING};
    static struct crowd crowd;

    (void)state;
    crowd = (struct crowd){.wrong = 0};
    set_world_loop(&by_ring);
    int rc = run_in_world(engine, race_pauses_with_bytes, &crowd);
    set_world_loop(NULL);

    assert_ok(rc);
    note_life(&crowd, &crowd.ends[0][1]);
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(crowd.ends[0][1].received, crowd.ends[0][0].sent);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_byte_reaches_the_next_owner_of_a_number),
        cmocka_unit_test(four_buffers_are_enough_for_many_senders),
        cmocka_unit_test(small_queues_lose_nothing),
        cmocka_unit_test(a_hundred_thousand_pauses_lose_nothing),
        cmocka_unit_test(a_flood_does_not_silence_a_quiet_one),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
