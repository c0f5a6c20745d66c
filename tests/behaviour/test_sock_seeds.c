/* SPDX-License-Identifier: MIT */
/* Cancellations of calls on plain sockets at moments of chance, which seeds
 * decide.  Rows A1, A2 and M30 of the list of behaviours; the races of which
 * every moment is known are in test_sock_cancel.c. */
#include "sock_scene.h"

#include <stdlib.h>

static const char *engine;

enum { SEEDS = 100, STEPS = 60, ROUNDS = 20, MOST = 100000 };

/* One race.  The bytes of a connection tell their place by their value. */
struct race {
    uint64_t chance;
    struct ends ends;
    struct ouro_address address;
    size_t sent;
    size_t received;
    size_t wrong;
    size_t cancelled;
    size_t completed;
    uint8_t *bulk; /* MOST bytes, from `sent` on */
};

static uint8_t
byte_at(size_t place)
{
    return (uint8_t)(place * 31 + place / 4093);
}

/* A number below `limit`: xorshift, of a seed that is never 0. */
static size_t
roll(struct race *race, size_t limit)
{
    race->chance ^= race->chance << 13;
    race->chance ^= race->chance >> 7;
    race->chance ^= race->chance << 17;
    return race->chance % limit;
}

static int
pause_some_turns(struct race *race, size_t limit)
{
    int rc = 0;

    for (size_t turns = roll(race, limit); rc == 0 && turns > 0; turns--)
        rc = ouro_sleep(0);
    return rc;
}

static void
take(struct race *race, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        race->wrong += bytes[i] != byte_at(race->received++);
}

/* Count how a call came out.  Returns what is a failure of the test. */
static int
count_outcome(struct race *race, ssize_t result)
{
    race->cancelled += result == -ECANCELED;
    race->completed += result >= 0;
    return result < 0 && result != -ECANCELED ? (int)result : 0;
}

static void
for_each_seed(ouro_task_fn *fn, struct race *all)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct race race = {
            .chance = seed * UINT64_C(0x9e3779b97f4a7c15),
            .bulk = all->bulk,
        };

        set_world_seed(seed);
        assert_ok(run_in_world(engine, fn, &race));
        assert_int_equal(race.received, race.sent);
        assert_int_equal(race.wrong, 0);
        all->cancelled += race.cancelled;
        all->completed += race.completed;
    }
    assert_true(all->cancelled > SEEDS);
    assert_true(all->completed > SEEDS);
}

/* A1: receives. */

static int
receive(void *arg)
{
    struct race *race = arg;
    uint8_t bytes[8];
    size_t size = 1 + roll(race, sizeof(bytes));
    size_t count = 0;
    bool exactly = roll(race, 2) == 0;

    ssize_t got =
        exactly ? ouro_sock_recv_exactly(race->ends.b, bytes, size, &count)
                : ouro_sock_recv(race->ends.b, bytes, size);
    if (!exactly && got > 0)
        count = (size_t)got;
    take(race, bytes, count);
    return count_outcome(race, got);
}

static int
send_few(struct race *race)
{
    uint8_t bytes[8];
    size_t size = 1 + roll(race, sizeof(bytes));
    size_t left = 0;

    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(race->sent + i);
    int rc = ouro_sock_sendall(race->ends.a, ouro_slice_of(bytes, size), &left);
    race->sent += left;
    return rc;
}

/* A receiver that is cancelled at some moment, or was not in time. */
static int
race_one_receive(struct race *race)
{
    struct ouro_task *receiver = begin(receive, race);

    int rc = pause_some_turns(race, 4);
    if (rc == 0 && roll(race, 3) > 0)
        rc = send_few(race);
    if (rc == 0)
        rc = pause_some_turns(race, 4);
    ouro_task_cancel(receiver);
    int result = finish(receiver);
    return rc < 0 ? rc : result;
}

static int
race_receives(void *arg)
{
    struct race *race = arg;
    uint8_t byte;

    int rc = open_ends(&race->ends);
    if (rc < 0)
        return rc;
    for (int i = 0; rc == 0 && i < STEPS; i++)
        rc = race_one_receive(race);
    while (rc == 0 && race->received < race->sent) {
        rc = (int)ouro_sock_recv(race->ends.b, &byte, 1) - 1;
        take(race, &byte, 1);
    }
    close_ends(&race->ends);
    return rc;
}

static void
no_seed_makes_a_cancelled_receive_lose_a_byte(void **state)
{
    struct race all = {0};

    (void)state;
    for_each_seed(race_receives, &all);
}

/* A2: sends. */

static int
send_much(void *arg)
{
    struct race *race = arg;
    size_t size = 1 + roll(race, MOST);
    size_t left = 0;

    for (size_t i = 0; i < size; i++)
        race->bulk[i] = byte_at(race->sent + i);
    int rc =
        ouro_sock_sendall(race->ends.a, ouro_slice_of(race->bulk, size), &left);
    race->sent += left;
    return count_outcome(race, rc);
}

static int
send_and_cancel(void *arg)
{
    struct race *race = arg;
    int rc = 0;

    for (int i = 0; rc == 0 && i < ROUNDS; i++) {
        struct ouro_task *sender = begin(send_much, race);

        rc = pause_some_turns(race, 20);
        ouro_task_cancel(sender);
        int result = finish(sender);
        rc = rc < 0 ? rc : result;
    }
    ouro_sock_close(race->ends.a);
    return rc;
}

static int
race_sends(void *arg)
{
    struct race *race = arg;
    static uint8_t bytes[MOST / 4];
    ssize_t got = 1;

    int rc = open_ends(&race->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *sender = begin(send_and_cancel, race);
    while (got > 0) {
        got = ouro_sock_recv(race->ends.b, bytes, 1 + roll(race, MOST / 4));
        take(race, bytes, got > 0 ? (size_t)got : 0);
    }
    rc = finish(sender);
    ouro_sock_close(race->ends.b);
    return got < 0 ? (int)got : rc;
}

static void
no_seed_makes_a_cancelled_send_repeat_or_leave_out_a_byte(void **state)
{
    struct race all = {.bulk = malloc(MOST)};

    (void)state;
    assert_non_null(all.bulk);
    for_each_seed(race_sends, &all);
    free(all.bulk);
}

/* Accepts. */

static int
accept_one(void *arg)
{
    struct race *race = arg;

    return ouro_sock_accept(race->ends.b, NULL);
}

static int
connect_one(void *arg)
{
    struct race *race = arg;

    return ouro_sock_connect(race->ends.a, &race->address);
}

/* Whether `taken` is the other end of the only connection that there is. */
static int
check_connection(struct race *race, int taken)
{
    uint8_t sent = (uint8_t)roll(race, 256);
    uint8_t got = 0;

    int rc = ouro_sock_sendall(race->ends.a, ouro_slice_of(&sent, 1), NULL);
    if (rc == 0)
        rc = (int)ouro_sock_recv(taken, &got, 1) - 1;
    race->wrong += got != sent;
    return rc;
}

static int
race_one_accept(struct race *race)
{
    struct ouro_task *acceptor = begin(accept_one, race);

    race->ends.a = open_socket();
    int rc = pause_some_turns(race, 3);
    struct ouro_task *connector = begin(connect_one, race);
    if (rc == 0)
        rc = pause_some_turns(race, 6);
    ouro_task_cancel(acceptor);
    int taken = finish(acceptor);
    int failed = count_outcome(race, taken);
    int connected = finish(connector);
    if (taken == -ECANCELED)
        taken = ouro_sock_accept(race->ends.b, NULL);
    if (rc == 0 && taken >= 0 && connected == 0)
        rc = check_connection(race, taken);
    ouro_sock_close(race->ends.a);
    ouro_sock_close(taken);
    return rc < 0 ? rc : failed < 0 ? failed : connected;
}

/* What is leaked is found by the end of the world. */
static int
race_accepts(void *arg)
{
    struct race *race = arg;
    int rc = 0;

    race->ends.b = listen_somewhere(5, &race->address);
    for (int i = 0; rc == 0 && i < ROUNDS; i++)
        rc = race_one_accept(race);
    ouro_sock_close(race->ends.b);
    return rc;
}

static void
no_seed_makes_a_cancelled_accept_leak_a_descriptor(void **state)
{
    struct race all = {0};

    (void)state;
    for_each_seed(race_accepts, &all);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_seed_makes_a_cancelled_receive_lose_a_byte),
        cmocka_unit_test(
            no_seed_makes_a_cancelled_send_repeat_or_leave_out_a_byte),
        cmocka_unit_test(no_seed_makes_a_cancelled_accept_leak_a_descriptor),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests_name("sock_seeds", tests, NULL, NULL);
}
