/* SPDX-License-Identifier: MIT */
/* A world without a kernel, as a test sees it: turns, and time that passes.
 *
 * The simulated engine knows what happens next, the loop which timer is next;
 * here the clock is moved from one to the other.  At each instant turns are
 * made until nothing is left to do.  Callbacks that call each other for ever
 * would keep an instant from ending, so after many turns without a completion
 * the time goes on, as it does in the world outside.
 */
#include <ouro/sim.h>

#include "alloc.h"
#include "engine_sim.h"
#include "loop.h"
#include "mailbox.h"

#include <errno.h>
#include <stdlib.h>

enum {
    SOCKET_BUFFER = 64 * 1024,
    RECEIVE_MEMORY = 1024 * 1024,
    CIRCLE_TURNS = 10000, /* without a completion: they go round */
    CIRCLE_NS = 1000000,  /* what that takes */
    MOST_CANCELS = 100    /* of a task that is stuck */
};

struct ouro_sim {
    struct ouro_loop *loop;
    struct ouro__sim_engine *engine; /* the loop's */
};

/* Making one. */

/* The seed of a run that failed may come from outside. */
static int
choose_seed(uint64_t *seed)
{
    const char *text = getenv("OURO_SIM_SEED");
    char *end;

    if (text == NULL)
        return 0;

    uint64_t chosen = strtoull(text, &end, 0);
    if (end == text || *end != '\0')
        return -EINVAL;
    *seed = chosen;
    return 0;
}

static int
check_options(const struct ouro_sim_options *options)
{
    const unsigned percents[] = {
        options->late_percent,      options->reorder_percent,
        options->short_io_percent,  options->late_cancel_percent,
        options->no_buffer_percent, options->abort_accept_percent,
    };

    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        if (percents[i] > 100)
            return -EINVAL;
    }
    return ouro__loop_check_options(&options->loop);
}

/* What the engine wants to know, with the defaults filled in. */
static struct ouro__sim_options
engine_options(const struct ouro_sim_options *options)
{
    struct ouro__sim_options filled = {
        .seed = options->seed,
        .late_percent = options->late_percent,
        .reorder_percent = options->reorder_percent,
        .short_io_percent = options->short_io_percent,
        .late_cancel_percent = options->late_cancel_percent,
        .no_buffer_percent = options->no_buffer_percent,
        .abort_accept_percent = options->abort_accept_percent,
        .socket_buffer = options->socket_buffer,
        .descriptor_limit = options->descriptor_limit,
        .receive_memory = options->loop.receive_memory,
    };

    if (filled.socket_buffer == 0)
        filled.socket_buffer = SOCKET_BUFFER;
    if (filled.descriptor_limit == 0)
        filled.descriptor_limit = SIZE_MAX;
    if (filled.receive_memory == 0)
        filled.receive_memory = RECEIVE_MEMORY;
    return filled;
}

static int
make_loop(struct ouro_sim *sim, const struct ouro_sim_options *options)
{
    struct ouro__sim_options how = engine_options(options);
    struct ouro_mailbox *mailbox;

    int rc = choose_seed(&how.seed);
    if (rc < 0)
        return rc;
    rc = ouro__mailbox_new(&mailbox);
    if (rc < 0)
        return rc;

    rc = ouro__engine_sim_new(&sim->engine, &how);
    if (rc < 0) {
        ouro_mailbox_unref(mailbox);
        return rc;
    }
    return ouro__loop_new_on(&sim->loop, &sim->engine->base, mailbox,
                             &options->loop);
}

int
ouro_sim_new(struct ouro_sim **out_sim, const struct ouro_sim_options *options)
{
    static const struct ouro_sim_options defaults;
    struct ouro_sim_options wanted = options != NULL ? *options : defaults;

    wanted.loop.engine = OURO_ENGINE_AUTO;
    int rc = check_options(&wanted);
    if (rc < 0)
        return rc;

    struct ouro_sim *sim = ouro__alloc_zeroed(sizeof(*sim));
    if (sim == NULL)
        return -ENOMEM;
    rc = make_loop(sim, &wanted);
    if (rc < 0) {
        ouro__free(sim);
        return rc;
    }
    *out_sim = sim;
    return 0;
}

void
ouro_sim_free(struct ouro_sim *sim)
{
    if (sim == NULL)
        return;

    ouro_loop_free(sim->loop);
    ouro__free(sim);
}

struct ouro_loop *
ouro_sim_loop(struct ouro_sim *sim)
{
    return sim->loop;
}

/* Time. */

static int64_t
next_ns(const struct ouro_sim *sim)
{
    int64_t timer_ns = ouro__loop_next_timer_ns(sim->loop);
    int64_t event_ns = ouro__sim_next_event_ns(sim->engine);

    return timer_ns < event_ns ? timer_ns : event_ns;
}

/* Whether a turn would do something without time passing. */
static bool
is_busy(const struct ouro_sim *sim)
{
    return ouro__loop_has_ready(sim->loop) || ouro__sim_has_work(sim->engine)
           || next_ns(sim) <= sim->engine->now_ns;
}

static bool
is_over(const struct ouro_task *task)
{
    return task != NULL && ouro_task_is_done(task);
}

/* Make turns until nothing is left to do at this instant, or `task`, if there
 * is one, is done.  One at least: there may be mail. */
static void
settle(struct ouro_sim *sim, const struct ouro_task *task)
{
    unsigned idle = 0;

    do {
        uint64_t before = sim->engine->completions;

        ouro__loop_turn(sim->loop, false);
        idle = sim->engine->completions == before ? idle + 1 : 0;
    } while (is_busy(sim) && !is_over(task) && idle < CIRCLE_TURNS);
}

/* Move the clock to what happens next, but not beyond `until_ns`. */
static void
jump(struct ouro_sim *sim, int64_t until_ns)
{
    int64_t to_ns = next_ns(sim);

    if (to_ns <= sim->engine->now_ns || to_ns == OURO_FOREVER)
        to_ns = is_busy(sim) ? sim->engine->now_ns + CIRCLE_NS : until_ns;
    sim->engine->now_ns = to_ns < until_ns ? to_ns : until_ns;
}

void
ouro_sim_turn(struct ouro_sim *sim)
{
    ouro__loop_begin_run(sim->loop);
    ouro__loop_turn(sim->loop, false);
    ouro__loop_end_run(sim->loop);
}

void
ouro_sim_advance(struct ouro_sim *sim, int64_t delay_ns)
{
    int64_t until_ns = ouro__sim_later_ns(sim->engine, delay_ns);

    OURO_CHECK(delay_ns >= 0, "time passes forward only");
    OURO_CHECK(until_ns != OURO_FOREVER, "the end of time is not reached");

    ouro__loop_begin_run(sim->loop);
    settle(sim, NULL);
    while (sim->engine->now_ns < until_ns) {
        jump(sim, until_ns);
        settle(sim, NULL);
    }
    ouro__loop_end_run(sim->loop);
}

/* Whether nothing can ever happen. */
static bool
is_stuck(const struct ouro_sim *sim)
{
    return !is_busy(sim) && next_ns(sim) == OURO_FOREVER;
}

static int
run_to_end(struct ouro_sim *sim, struct ouro_task *task)
{
    unsigned cancels = 0;

    settle(sim, task);
    while (!ouro_task_is_done(task)) {
        if (is_stuck(sim)) {
            OURO_CHECK(cancels < MOST_CANCELS,
                       "a task that is cancelled comes to an end");
            ouro_task_cancel(task);
            cancels++;
        } else {
            jump(sim, OURO_FOREVER);
        }
        settle(sim, task);
    }
    return cancels > 0 ? -EDEADLK : 0;
}

int
ouro_sim_run(struct ouro_sim *sim, ouro_task_fn *fn, void *arg)
{
    struct ouro_task *task;

    int rc = ouro_loop_create_task(sim->loop, &task, fn, arg);
    if (rc < 0)
        return rc;

    ouro__loop_begin_run(sim->loop);
    rc = run_to_end(sim, task);
    ouro__loop_end_run(sim->loop);

    int result = ouro_task_result(task);
    ouro_task_unref(task);
    return rc < 0 ? rc : result;
}

/* The network. */

size_t
ouro_sim_open_sockets(const struct ouro_sim *sim)
{
    return sim->engine->net.count;
}

void
ouro_sim_set_descriptor_limit(struct ouro_sim *sim, size_t limit)
{
    sim->engine->net.limit = limit != 0 ? limit : SIZE_MAX;
}

int
ouro_sim_add_name(struct ouro_sim *sim, const char *name, const char *addresses,
                  int64_t delay_ns, int error)
{
    return ouro__sim_add_name(&sim->engine->names, name, addresses, delay_ns,
                              error);
}

int
ouro_sim_set_route(struct ouro_sim *sim, const char *address, int64_t delay_ns,
                   int error)
{
    return ouro__sim_set_route(&sim->engine->names, address, delay_ns, error);
}

void
ouro_sim_set_job_time(struct ouro_sim *sim, int64_t delay_ns)
{
    OURO_CHECK(delay_ns >= 0 && delay_ns < OURO_FOREVER / 2,
               "a call on a thread comes to an end");

    sim->engine->job_ns = delay_ns;
}

unsigned
ouro_sim_lookups(const struct ouro_sim *sim)
{
    return sim->engine->names.lookups;
}

/* Both ends hear of it: the other one may be in this loop, and has to end. */
void
ouro_sim_reset_peer(struct ouro_sim *sim, int transport_descriptor)
{
    struct ouro__sim_net *net = &sim->engine->net;
    struct ouro__sim_socket *socket = ouro__sim_find(net, transport_descriptor);

    OURO_CHECK(socket != NULL, "the descriptor is that of a simulated socket");
    struct ouro__sim_socket *peer = socket->peer;
    ouro__sim_reset(net, socket);
    if (peer != NULL)
        ouro__sim_reset(net, peer);
}
