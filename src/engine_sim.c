/* SPDX-License-Identifier: MIT */
/* An engine without a kernel: whose turn it is, and what time.
 *
 * An operation in flight rests, or it is due: it may have something to do.  The
 * due ones come first in `flying`, in the order in which they are tried.
 *
 * - It is due when it was submitted, when something happened to its socket, and
 *   when it was cancelled.
 * - wait() tries each due one once, which may bring completions, and puts it to
 *   rest unless it could go on at once.  So what one operation causes another
 *   to do may come in the same turn, but nobody goes round twice.
 *
 * What chance may change, never so that an operation does not end, or that the
 * completions of one change their order:
 *
 * - late: it is due, and tried only some turns later;
 * - reorder: it is due before others that were due first;
 * - late cancel: it goes on for some turns as if nobody had asked.
 *
 * Time stands, unless wait() is told that it may pass and there is nothing due.
 * Then it jumps to what happens next.
 */
#include "engine_sim.h"

#include "alloc.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

enum {
    MOST_LATE = 3,     /* turns */
    MOST_OVERTAKEN = 8 /* operations */
};

/* A day and some: nobody takes it for 0, or for a round number. */
static const int64_t start_ns = INT64_C(86461234567891);

static struct ouro__sim_engine *
sim_of(struct ouro__engine *engine)
{
    return OURO_CONTAINER_OF(engine, struct ouro__sim_engine, base);
}

static struct ouro__op *
op_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro__op, link);
}

/* Chance. */

/* splitmix64, by Sebastiano Vigna: small, and good from any seed. */
uint64_t
ouro__sim_draw(struct ouro__sim_engine *sim, uint64_t below)
{
    sim->chance += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = sim->chance;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

bool
ouro__sim_happens(struct ouro__sim_engine *sim, unsigned percent)
{
    return percent > 0 && ouro__sim_draw(sim, 100) < percent;
}

size_t
ouro__sim_shorten(struct ouro__sim_engine *sim, size_t size)
{
    if (size < 2 || !ouro__sim_happens(sim, sim->options.short_io_percent))
        return size;
    return 1 + (size_t)ouro__sim_draw(sim, size - 1);
}

static uint32_t
some_turns(struct ouro__sim_engine *sim)
{
    return 1 + (uint32_t)ouro__sim_draw(sim, MOST_LATE);
}

/* Who is due. */

static bool
is_due(const struct ouro__op *op)
{
    return (op->marks & OURO__SIM_DUE) != 0;
}

static void
take_out(struct ouro__sim_engine *sim, struct ouro__op *op)
{
    if (sim->last_due == &op->link)
        sim->last_due = op->link.prev;
    ouro__list_remove(&op->link);
    op->marks &= ~(uint32_t)OURO__SIM_DUE;
}

static void
put_to_rest(struct ouro__sim_engine *sim, struct ouro__op *op)
{
    take_out(sim, op);
    ouro__list_append(&sim->base.flying, &op->link);
}

/* Put it behind `before`, which is due, or the head. */
static void
put_behind(struct ouro__sim_engine *sim, struct ouro__list *before,
           struct ouro__op *op)
{
    ouro__list_prepend(before, &op->link);
    op->marks |= OURO__SIM_DUE;
    if (before == sim->last_due)
        sim->last_due = &op->link;
}

static void
make_due_last(struct ouro__sim_engine *sim, struct ouro__op *op)
{
    take_out(sim, op);
    put_behind(sim, sim->last_due, op);
}

static void
make_due(struct ouro__sim_engine *sim, struct ouro__op *op)
{
    struct ouro__list *before = sim->last_due;

    if (is_due(op))
        return;
    if (ouro__sim_happens(sim, sim->options.reorder_percent)) {
        uint64_t steps = 1 + ouro__sim_draw(sim, MOST_OVERTAKEN);

        for (; steps > 0 && before != &sim->base.flying; steps--)
            before = before->prev;
    }
    if (ouro__sim_happens(sim, sim->options.late_percent))
        op->held_flags = sim->turn + some_turns(sim);
    take_out(sim, op);
    put_behind(sim, before, op);
}

static void
socket_changed(struct ouro__sim_net *net, struct ouro__sim_socket *socket,
               uint32_t events)
{
    struct ouro__sim_engine *sim =
        OURO_CONTAINER_OF(net, struct ouro__sim_engine, net);

    for (size_t i = 0; i < OURO__SIM_OPS; i++) {
        struct ouro__op *op = socket->ops[i];

        if (op != NULL && (ouro__sim_wants(op) & events) != 0)
            make_due(sim, op);
    }
}

bool
ouro__sim_has_work(const struct ouro__sim_engine *sim)
{
    return sim->last_due != &sim->base.flying;
}

/* Where `socket` keeps `op`, or nothing if that is NULL; NULL: nowhere. */
static struct ouro__op **
find_place(struct ouro__sim_socket *socket, const struct ouro__op *op)
{
    for (size_t i = 0; i < OURO__SIM_OPS; i++) {
        if (socket->ops[i] == op)
            return &socket->ops[i];
    }
    return NULL;
}

static void
enter_socket(struct ouro__sim_engine *sim, struct ouro__op *op)
{
    struct ouro__sim_socket *socket = ouro__sim_find(&sim->net, op->fd);

    if (socket == NULL)
        return;
    struct ouro__op **place = find_place(socket, NULL);
    OURO_CHECK(place != NULL,
               "a simulated socket has at most OURO__SIM_OPS operations");
    *place = op;
}

static void
leave_socket(struct ouro__sim_engine *sim, const struct ouro__op *op)
{
    struct ouro__sim_socket *socket = ouro__sim_find(&sim->net, op->fd);
    struct ouro__op **place = NULL;

    if (socket != NULL)
        place = find_place(socket, op);
    if (place != NULL)
        *place = NULL;
}

void
ouro__sim_complete(struct ouro__sim_engine *sim,
                   const struct ouro__completion *completion)
{
    struct ouro__op *op = completion->op;

    if (!completion->more) {
        leave_socket(sim, op);
        take_out(sim, op);
    }
    sim->completions++;
    ouro__op_completed(&sim->base, completion);
}

/* Time. */

int64_t
ouro__sim_later_ns(const struct ouro__sim_engine *sim, int64_t delay_ns)
{
    if (delay_ns > OURO_FOREVER - sim->now_ns)
        return OURO_FOREVER;
    return sim->now_ns + delay_ns;
}

static struct ouro__sim_socket *
timed_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro__sim_socket, link);
}

int64_t
ouro__sim_next_event_ns(const struct ouro__sim_engine *sim)
{
    int64_t next_ns = OURO_FOREVER;

    ouro__list_for_each (link, &sim->net.timed) {
        if (timed_of(link)->when_ns < next_ns)
            next_ns = timed_of(link)->when_ns;
    }
    return next_ns;
}

static void
wake_arrived(struct ouro__sim_engine *sim)
{
    ouro__list_for_each (link, &sim->net.timed) {
        if (timed_of(link)->when_ns <= sim->now_ns)
            socket_changed(&sim->net, timed_of(link), POLLOUT);
    }
}

static void
let_time_pass(struct ouro__sim_engine *sim, int64_t until_ns)
{
    int64_t next_ns = ouro__sim_next_event_ns(sim);

    if (next_ns > until_ns)
        next_ns = until_ns;
    if (next_ns > sim->now_ns && next_ns != OURO_FOREVER)
        sim->now_ns = next_ns;
    wake_arrived(sim);
}

/* The engine. */

static void
sim_submit(struct ouro__engine *engine, struct ouro__op *op)
{
    struct ouro__sim_engine *sim = sim_of(engine);

    enter_socket(sim, op);
    op->held_result = 0;
    op->held_flags = sim->turn;
    ouro__list_append(&engine->flying, &op->link);
    make_due(sim, op);
}

/* What is held has won the race, as what is completed and not yet told. */
static void
sim_cancel(struct ouro__engine *engine, struct ouro__op *op)
{
    struct ouro__sim_engine *sim = sim_of(engine);

    if (!ouro__list_is_linked(&op->link) || (op->marks & OURO__SIM_HELD) != 0)
        return;

    op->marks |= OURO__SIM_CANCELLED;
    if (ouro__sim_happens(sim, sim->options.late_cancel_percent))
        op->marks |= some_turns(sim) * OURO__SIM_TURN;
    op->held_flags = sim->turn;
    if (!is_due(op))
        make_due_last(sim, op);
}

static bool
go_on_or_end(struct ouro__sim_engine *sim, struct ouro__op *op)
{
    if (op->marks < OURO__SIM_TURN) {
        ouro__sim_end(sim, op);
        return false;
    }
    op->marks -= OURO__SIM_TURN;
    ouro__sim_go(sim, op);
    return true;
}

static void
try_once(struct ouro__sim_engine *sim, struct ouro__op *op)
{
    bool again;

    op->held_flags = sim->turn + 1;
    if ((op->marks & OURO__SIM_HELD) != 0) {
        struct ouro__completion held = {.op = op, .result = op->held_result};

        ouro__sim_complete(sim, &held);
        return;
    }
    if ((op->marks & OURO__SIM_CANCELLED) != 0)
        again = go_on_or_end(sim, op);
    else
        again = ouro__sim_go(sim, op);

    if (!ouro__list_is_linked(&op->link))
        return;
    if (again)
        make_due_last(sim, op);
    else
        put_to_rest(sim, op);
}

/* Turns are counted in a circle. */
static bool
is_early(const struct ouro__sim_engine *sim, const struct ouro__op *op)
{
    return (int32_t)(op->held_flags - sim->turn) > 0;
}

static void
sim_wait(struct ouro__engine *engine, int64_t until_ns)
{
    struct ouro__sim_engine *sim = sim_of(engine);

    sim->turn++;
    wake_arrived(sim);
    if (!ouro__sim_has_work(sim) && until_ns > sim->now_ns)
        let_time_pass(sim, until_ns);

    struct ouro__list *link = engine->flying.next;
    while (link != &engine->flying && is_due(op_of(link))
           && ouro__engine_has_room(engine)) {
        struct ouro__list *before = link->prev;

        if (is_early(sim, op_of(link))) {
            link = link->next;
            continue;
        }
        try_once(sim, op_of(link));
        link = before->next;
    }
}

static void
sim_give_back(struct ouro__engine *engine,
              const struct ouro__completion *completion)
{
    ouro__sim_buffers_give_back(&sim_of(engine)->buffers, completion->buffer);
}

static int64_t
sim_now_ns(const struct ouro__engine *engine)
{
    /* Its place is the first, and OURO_CONTAINER_OF takes no const. */
    const struct ouro__sim_engine *sim = (const void *)engine;

    return sim->now_ns;
}

static ssize_t
sim_look_up(struct ouro__engine *engine, const char *host, int family,
            struct ouro_address *out_addresses, size_t capacity,
            int64_t *out_delay_ns)
{
    return ouro__sim_look_up(&sim_of(engine)->names, host, family,
                             out_addresses, capacity, out_delay_ns);
}

/* Late ones take so much longer that they may be overtaken. */
static int64_t
sim_job_ns(struct ouro__engine *engine)
{
    struct ouro__sim_engine *sim = sim_of(engine);
    int64_t late_ns = 0;

    if (ouro__sim_happens(sim, sim->options.late_percent))
        late_ns = (int64_t)ouro__sim_draw(sim, (uint64_t)sim->job_ns + 2);
    return sim->job_ns + late_ns;
}

static void
sim_free(struct ouro__engine *engine)
{
    struct ouro__sim_engine *sim = sim_of(engine);

    ouro__sim_names_fini(&sim->names);
    ouro__sim_net_fini(&sim->net);
    ouro__sim_buffers_fini(&sim->buffers);
    ouro__free(sim);
}

static const struct ouro__engine_ops sim_ops = {
    .name = "sim",
    .free = sim_free,
    .submit = sim_submit,
    .cancel = sim_cancel,
    .wait = sim_wait,
    .give_back = sim_give_back,
    .now_ns = sim_now_ns,
    .look_up = sim_look_up,
    .job_ns = sim_job_ns,
};

static void
sim_init(struct ouro__sim_engine *sim, const struct ouro__sim_options *options)
{
    ouro__engine_init(&sim->base, &sim_ops, &ouro__sim_sockets);
    sim->last_due = &sim->base.flying;
    sim->options = *options;
    sim->chance = options->seed;
    sim->now_ns = start_ns;
    ouro__sim_names_init(&sim->names);

    snprintf(sim->features, sizeof(sim->features), "seed %" PRIu64,
             options->seed);
    sim->base.info.features = sim->features;
    sim->base.info.missing = "";
    sim->base.info.receive_memory = sim->buffers.count * sim->buffers.size;
}

int
ouro__engine_sim_new(struct ouro__sim_engine **out_sim,
                     const struct ouro__sim_options *options)
{
    struct ouro__sim_engine *sim = ouro__alloc_zeroed(sizeof(*sim));
    int rc = -ENOMEM;

    if (sim == NULL)
        return rc;
    rc = ouro__sim_buffers_init(&sim->buffers, options->receive_memory);
    if (rc < 0)
        goto fail_buffers;
    rc = ouro__sim_net_init(&sim->net, socket_changed, options->socket_buffer,
                            options->descriptor_limit);
    if (rc < 0)
        goto fail_net;

    sim_init(sim, options);
    *out_sim = sim;
    return 0;

fail_net:
    ouro__sim_buffers_fini(&sim->buffers);
fail_buffers:
    ouro__free(sim);
    return rc;
}
