/* SPDX-License-Identifier: MIT */
/* Random programs under random schedules: whatever chance does, every byte that
 * was promised comes, in order, and every connection is lost once.
 *
 * A run is a seed: of the program, what each end does and when, and of the
 * simulation, what happens to it.  When one fails its seed is printed, and
 * OURO_SIM_SEED=seed runs it alone.  The first argument is how many are run.
 */
#include "witness.h"

#include "sim_pair.h"
#include "tcp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PAIRS = 12, MOST_STEPS = 150, FEW_RUNS = 50 };

static uint64_t first_seed = 1;
static unsigned runs = FEW_RUNS;

/* What one end does. */
enum step {
    STEP_WRITE,
    STEP_WRITE_MUCH,
    STEP_WRITE_SLICES,
    STEP_WRITE_TAKE,
    STEP_PAUSE,
    STEP_RESUME,
    STEP_CHANGE_PROTOCOL,
    STEP_LIMIT,
    STEP_FINISH,
    STEP_CLOSE,
    STEP_ABORT,
    STEP_RESET, /* the network's */
    STEPS
};

/* How often, out of 100. */
static const unsigned weights[STEPS] = {28, 8, 12, 14, 10, 12,
                                        4,  4, 3,  3,  1,  1};

struct world {
    uint64_t seed;
    uint64_t chance;
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    unsigned pairs;
    struct end ends[MOST_PAIRS][2];
    bool polite[MOST_PAIRS];      /* nobody broke it */
    bool finished[MOST_PAIRS][2]; /* an end said its last */
};

static struct world world;

/* Chance, which is not the simulation's. */
static uint64_t
draw(uint64_t below)
{
    world.chance += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = world.chance;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static unsigned
percent(unsigned most)
{
    return draw(3) == 0 ? 0 : (unsigned)draw(most);
}

/* What happens at an end. */

static enum step
draw_step(void)
{
    uint64_t at = draw(100);
    int step = 0;

    for (; step < STEPS - 1 && at >= weights[step]; step++)
        at -= weights[step];
    return (enum step)step;
}

static void
say_last(unsigned pair, unsigned side, enum step step)
{
    struct end *end = &world.ends[pair][side];

    world.finished[pair][side] = true;
    if (step == STEP_FINISH)
        end_write_eof(end);
    else
        end_close(end);
}

static void
break_it(unsigned pair, unsigned side, enum step step)
{
    struct end *end = &world.ends[pair][side];
    int fd = ouro_transport_descriptor(end->transport);

    world.polite[pair] = false;
    world.finished[pair][side] = true;
    if (step == STEP_RESET && fd >= 0)
        ouro_sim_reset_peer(world.sim, fd);
    else
        end_abort(end);
}

static void
write_something(struct end *end, enum step step)
{
    if (step == STEP_WRITE)
        end_write(end, 1 + draw(3000));
    else if (step == STEP_WRITE_MUCH)
        end_write(end, 1 + draw(200000));
    else if (step == STEP_WRITE_SLICES)
        end_write_slices(end, draw(2000), 1 + draw(100));
    else
        end_write_take(end, 1 + draw(40000));
}

static bool
may_write(unsigned pair, unsigned side)
{
    return !world.finished[pair][side]
           && !ouro_transport_is_closing(world.ends[pair][side].transport)
           && end_queued(&world.ends[pair][side]) < OURO_MIB(1);
}

static void
change_protocol(struct end *end)
{
    if (!ouro_transport_is_closing(end->transport))
        end_set_protocol_of(end, draw(2) == 0 ? &witness_ops
                                              : &buffered_witness_ops);
}

static void
take_step(unsigned pair, unsigned side)
{
    struct end *end = &world.ends[pair][side];
    enum step step = draw_step();

    if (step <= STEP_WRITE_TAKE && may_write(pair, side))
        write_something(end, step);
    else if (step == STEP_PAUSE)
        end_pause(end);
    else if (step == STEP_RESUME)
        end_resume(end);
    else if (step == STEP_CHANGE_PROTOCOL)
        change_protocol(end);
    else if (step == STEP_LIMIT)
        ouro_transport_set_write_buffer_limits(end->transport, draw(100000),
                                               draw(100000));
    else if (step == STEP_FINISH || step == STEP_CLOSE)
        say_last(pair, side, step);
    else if (step == STEP_ABORT || step == STEP_RESET)
        break_it(pair, side, step);
}

/* Now and then an end acts inside a call of its protocol. */
static void
act_inside(struct end *end)
{
    size_t place = (size_t)(end - &world.ends[0][0]);

    if (end->losses == 0 && draw(8) == 0)
        take_step((unsigned)(place / 2), place % 2);
}

/* A run. */

static void
begin_pair(unsigned pair)
{
    struct end *ends = world.ends[pair];
    int fds[2];

    ends_init(ends);
    make_sim_pair(world.loop, fds);
    world.polite[pair] = true;
    for (int side = 0; side < 2; side++) {
        struct ouro_transport *transport;
        const struct ouro_protocol_ops *ops =
            draw(3) == 0 ? &buffered_witness_ops : &witness_ops;

        for (int event = EVENT_DATA; event < EVENT_LOST; event++)
            ends[side].hooks[event] = act_inside;
        ends[side].keeps_open = draw(2) == 0;
        assert_ok(
            ouro__tcp_new(&transport, world.loop, fds[side], ops, OURO_HERE));
        ouro_transport_set_close_timeout(transport, OURO_SECONDS(5));
        ouro_transport_begin(transport, &ends[side]);
    }
}

static void
begin_world(uint64_t seed)
{
    world = (struct world){.seed = seed, .chance = seed * 77};
    const struct ouro_sim_options options = {
        .seed = seed,
        .late_percent = percent(60),
        .reorder_percent = percent(60),
        .short_io_percent = percent(80),
        .late_cancel_percent = percent(100),
        .no_buffer_percent = percent(60),
        .socket_buffer = draw(2) == 0 ? 0 : 1 + draw(20000),
        .loop =
            {
                .receive = (enum ouro_receive)draw(3),
                .send_by_ring = draw(2) == 0,
                .receive_memory = draw(2) == 0 ? 0 : OURO_KIB(64),
            },
    };

    assert_ok(ouro_sim_new(&world.sim, &options));
    world.loop = ouro_sim_loop(world.sim);
    ouro_loop_set_exception_handler(world.loop, see_exception, &world.seen);
    world.pairs = 1 + (unsigned)draw(MOST_PAIRS);
    for (unsigned pair = 0; pair < world.pairs; pair++)
        begin_pair(pair);
}

static bool
are_lost(unsigned pair)
{
    return world.ends[pair][0].losses > 0 && world.ends[pair][1].losses > 0;
}

/* Everybody resumes, and says goodbye: now what is on the way has to come. */
static void
end_all(void)
{
    for (unsigned pair = 0; pair < world.pairs; pair++) {
        for (unsigned side = 0; side < 2; side++) {
            struct end *end = &world.ends[pair][side];

            memset(end->hooks, 0, sizeof(end->hooks));
            end->keeps_open = false;
            end_resume(end);
            if (!world.finished[pair][side])
                say_last(pair, side, STEP_FINISH);
        }
    }
    ouro_sim_advance(world.sim, OURO_SECONDS(1));
    for (unsigned pair = 0; pair < world.pairs; pair++) {
        end_close(&world.ends[pair][0]);
        end_close(&world.ends[pair][1]);
    }
    /* Two that have closed, and do not read, end by their deadlines. */
    ouro_sim_advance(world.sim, OURO_SECONDS(10));
}

static void
live(void)
{
    for (unsigned i = 0; i < MOST_STEPS; i++) {
        unsigned pair = (unsigned)draw(world.pairs);

        if (!are_lost(pair))
            take_step(pair, (unsigned)draw(2));
        if (draw(3) == 0)
            ouro_sim_turn(world.sim);
        else if (draw(10) == 0)
            ouro_sim_advance(world.sim, OURO_MILLISECONDS(1));
    }
    end_all();
}

/* What must hold. */

static const char *
fault_of(const struct end *end)
{
    if (end->wrong)
        return "a byte was wrong";
    if (end->reentered)
        return "a call came inside a call";
    if (end->losses != 1)
        return "it was not lost once";
    if (!calls_are_in_order(end->calls))
        return "calls were not in order";
    return NULL;
}

/* Where nobody broke the connection, or closed with bytes coming in, all of
 * them came. */
static const char *
loss_of(unsigned pair, unsigned side)
{
    const struct end *end = &world.ends[pair][side];
    bool heard_the_end = strchr(end->calls, 'E') != NULL;

    if (end->received > end->peer->sent)
        return "more came than was sent";
    if (heard_the_end && world.polite[pair] && end->received != end->peer->sent)
        return "the end came before the last byte";
    return NULL;
}

static const char *
what_is_left(void)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(world.loop, &stats);
    if (stats.transports > 0)
        return "a transport is left";
    if (stats.operations > 0 || stats.timers > 0)
        return "an operation or a timer is left";
    if (stats.buffers > 0)
        return "a block is left";
    if (ouro_sim_open_sockets(world.sim) > 0)
        return "a socket is left";
    return NULL;
}

static const char *
look_for_faults(void)
{
    const char *fault = NULL;

    for (unsigned pair = 0; fault == NULL && pair < world.pairs; pair++) {
        for (unsigned side = 0; fault == NULL && side < 2; side++) {
            fault = fault_of(&world.ends[pair][side]);
            if (fault == NULL)
                fault = loss_of(pair, side);
        }
        ends_leave(world.ends[pair]);
    }
    return fault != NULL ? fault : what_is_left();
}

static void
run_seed(uint64_t seed)
{
    size_t before = live_allocations();

    begin_world(seed);
    live();
    const char *fault = look_for_faults();
    ouro_sim_free(world.sim);

    if (fault == NULL && live_allocations() != before)
        fault = "memory is left";
    if (fault != NULL)
        fail_msg("%s: OURO_SIM_SEED=%" PRIu64, fault, seed);
}

static void
random_programs_keep_what_is_promised(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + runs; seed++) {
        printf("seed %" PRIu64 "\r", seed); /* for a crash */
        fflush(stdout);
        run_seed(seed);
    }
    printf("\n");
}

int
main(int argc, char **argv)
{
    const char *seed = getenv("OURO_SIM_SEED");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs_keep_what_is_promised),
    };

    if (argc > 1)
        runs = (unsigned)strtoul(argv[1], NULL, 10);
    if (seed != NULL) {
        first_seed = strtoull(seed, NULL, 10);
        runs = 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
