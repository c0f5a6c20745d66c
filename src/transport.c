/* SPDX-License-Identifier: MIT */
/* The base of every transport: the life of a connection and its protocol.
 *
 * The happy path:
 *
 * - ouro_transport_begin() calls connection_made, then lets the transport
 *   receive.
 * - Bytes, marks and the end of input are told as they come.
 * - Somebody closes: the transport flushes, says ouro_transport_ended(), and
 *   from the loop connection_lost(0) is the last call.
 *
 * What may happen instead:
 *
 * - Somebody aborts, a limit is passed, the peer resets: the same without the
 *   flush, and the first reason is kept.
 * - A close takes too long: its deadline turns it into an abort.
 *
 * Every call of a protocol goes through call(), which holds the order that
 * <ouro/protocol.h> promises against a table of moves.
 */
#include "transport.h"

#include "alloc.h"
#include "loop.h"
#include "protocol.h"

#include <errno.h>
#include <string.h>

/* The allowed moves: what must have been told, what must not, what is then. */
static const struct move {
    uint8_t needs;
    uint8_t forbids;
    uint8_t sets;
    uint8_t clears;
} moves[] = {
    [EVENT_MADE] = {0, TOLD_MADE, TOLD_MADE, 0},
    [EVENT_DATA] = {TOLD_MADE, TOLD_EOF | TOLD_LOST, 0, 0},
    [EVENT_EOF] = {TOLD_MADE, TOLD_EOF | TOLD_LOST, TOLD_EOF, 0},
    [EVENT_PAUSE] = {TOLD_MADE, TOLD_PAUSE | TOLD_LOST, TOLD_PAUSE, 0},
    [EVENT_RESUME] = {TOLD_MADE | TOLD_PAUSE, TOLD_LOST, 0, TOLD_PAUSE},
    [EVENT_LOST] = {TOLD_MADE, TOLD_LOST, TOLD_LOST, 0},
};

struct ouro_protocol *
ouro__transport_enter(struct ouro_transport *transport, enum event event)
{
    const struct move *move = &moves[event];

    OURO_CHECK_AT((transport->told & move->needs) == move->needs
                      && (transport->told & move->forbids) == 0,
                  "a transport calls its protocol in the promised order",
                  transport->site);
    transport->told = (uint8_t)((transport->told | move->sets) & ~move->clears);
    return ouro_protocol_ref(transport->protocol);
}

/* Memory. */

static int
check_ops(const struct ouro_protocol_ops *ops)
{
    bool whole = ops->size >= sizeof(struct ouro_protocol)
                 && (ops->data_received != NULL || ops->get_buffer != NULL)
                 && (ops->get_buffer == NULL) == (ops->buffer_updated == NULL);

    return whole ? 0 : -EINVAL;
}

static struct ouro_protocol *
protocol_new(struct ouro_transport *transport,
             const struct ouro_protocol_ops *ops)
{
    struct ouro_protocol *protocol = ouro__alloc_zeroed(ops->size);

    if (protocol == NULL)
        return NULL;
    protocol->ops = ops;
    protocol->transport = transport;
    protocol->refs = 1;
    transport->refs++;
    return protocol;
}

static void
transport_unref(struct ouro_transport *transport)
{
    if (--transport->refs > 0)
        return;
    if (transport->ops->fini != NULL)
        transport->ops->fini(transport);
    ouro__list_remove(&transport->link);
    transport->loop->stats.transports--;
    ouro__free(transport);
}

void
ouro__protocol_free(struct ouro_protocol *protocol)
{
    struct ouro_transport *transport = protocol->transport;

    ouro__free(protocol);
    transport_unref(transport);
}

static void
report_left(struct ouro_transport *transport)
{
    bool ended = transport->stage == STAGE_ENDED;

    ouro__loop_report(transport->loop,
                      ended ? "a reference to a lost connection was still held"
                            : "a connection was still open",
                      0, transport->ops->name, transport->site);
}

static void
wake(void *arg)
{
    (void)arg;
}

/* The loop is freed, and connections are left: they are reported and aborted,
 * and their protocols hear of it while the loop makes its last turns. */
static void
end_transports(struct ouro_loop *loop, void *kept)
{
    struct ouro_handle deadline = {0};

    (void)kept;
    ouro__list_for_each (link, &loop->transports) {
        struct ouro_transport *transport =
            OURO_CONTAINER_OF(link, struct ouro_transport, link);

        report_left(transport);
        ouro_transport_abort(transport);
    }
    ouro_call_later(loop, &deadline, OURO_SECONDS(2), wake, NULL);
    ouro__loop_begin_run(loop);
    for (int i = 0; i < 1000 && !ouro__list_is_empty(&loop->transports)
                    && ouro_handle_is_pending(&deadline);
         i++)
        ouro__loop_turn(loop, loop->engine->in_flight > 0);
    ouro__loop_end_run(loop);
    ouro_handle_cancel(&deadline);
}

static void
transport_init(struct ouro_transport *transport, struct ouro_loop *loop,
               const struct ouro_transport_ops *ops, const char *site)
{
    transport->ops = ops;
    transport->loop = loop;
    transport->site = site;
    transport->refs = 1;
    transport->close_timeout_ns = OURO_SECONDS(30);
    transport->high_size = OURO_KIB(64);
    transport->low_size = OURO_KIB(16);
    transport->max_size = OURO_MIB(64);
    ouro__list_init(&transport->tasks);
    ouro__list_append(&loop->transports, &transport->link);
    loop->floors[OURO__FLOOR_TRANSPORTS] = loop;
    loop->end_floor[OURO__FLOOR_TRANSPORTS] = end_transports;
    loop->stats.transports++;
}

int
ouro_transport_new(struct ouro_transport **out_transport,
                   struct ouro_loop *loop, const struct ouro_transport_ops *ops,
                   const struct ouro_protocol_ops *protocol_ops,
                   const char *site)
{
    ouro__loop_check_owner(loop);
    int rc = check_ops(protocol_ops);
    if (rc < 0)
        return rc;

    struct ouro_transport *transport = ouro__alloc_zeroed(ops->size);
    if (transport == NULL)
        return -ENOMEM;

    transport_init(transport, loop, ops, site);
    transport->protocol = protocol_new(transport, protocol_ops);
    if (transport->protocol == NULL) {
        ouro__list_remove(&transport->link);
        loop->stats.transports--;
        ouro__free(transport);
        return -ENOMEM;
    }
    *out_transport = transport;
    return 0;
}

void
ouro_transport_discard(struct ouro_transport *transport)
{
    OURO_CHECK(transport->stage == STAGE_NEW,
               "only a transport that has not begun is thrown away");
    ouro_protocol_unref(transport->protocol);
    transport_unref(transport);
}

void
ouro_transport_set_owner(struct ouro_transport *transport,
                         struct ouro_transport_owner *owner)
{
    transport->owner = owner;
}

/* The end. */

static void
tell_lost(struct ouro_transport *transport)
{
    int reason = transport->reason;
    struct ouro_protocol *protocol =
        ouro__transport_enter(transport, EVENT_LOST);

    if (protocol->ops->connection_lost != NULL)
        protocol->ops->connection_lost(protocol, reason);
    ouro__protocol_cancel_tasks(transport);
    ouro_protocol_unref(protocol);

    /* The owner may have gone in that call. */
    struct ouro_transport_owner *owner = transport->owner;
    transport->owner = NULL;
    if (owner != NULL)
        owner->lost(owner, transport, reason);
    ouro_protocol_unref(transport->protocol);
    transport_unref(transport);
}

/* Whatever was put off because a call of the user's was running. */
static void
tell_soon(void *arg)
{
    struct ouro_transport *transport = arg;
    bool paused = (transport->told & TOLD_PAUSE) != 0;

    if (transport->stage == STAGE_ENDED) {
        tell_lost(transport);
        return;
    }
    if (transport->writing_paused == paused
        || transport->stage == STAGE_ABORTED)
        return;

    struct ouro_protocol *protocol =
        ouro__transport_enter(transport, paused ? EVENT_RESUME : EVENT_PAUSE);
    if (paused && protocol->ops->resume_writing != NULL)
        protocol->ops->resume_writing(protocol);
    if (!paused && protocol->ops->pause_writing != NULL)
        protocol->ops->pause_writing(protocol);
    ouro_protocol_unref(protocol);
}

void
ouro__transport_tell_later(struct ouro_transport *transport)
{
    if (!ouro_handle_is_pending(&transport->soon))
        ouro_call_soon(transport->loop, &transport->soon, tell_soon, transport);
}

void
ouro_transport_ended(struct ouro_transport *transport)
{
    OURO_CHECK(transport->stage != STAGE_ENDED, "a transport ends once");

    transport->stage = STAGE_ENDED;
    ouro_handle_cancel(&transport->deadline);
    ouro_handle_cancel(&transport->soon);
    ouro__transport_tell_later(transport);
}

void
ouro__transport_keep_reason(struct ouro_transport *transport, int reason)
{
    if (transport->reason == 0)
        transport->reason = reason;
}

void
ouro_transport_fail(struct ouro_transport *transport, int reason)
{
    ouro__loop_check_owner(transport->loop);
    OURO_CHECK(reason < 0, "the reason of a failure is negative");
    if (transport->stage >= STAGE_ABORTED)
        return;

    ouro__transport_keep_reason(transport, reason);
    transport->stage = STAGE_ABORTED;
    ouro_handle_cancel(&transport->deadline);
    transport->ops->abort(transport);
}

void
ouro_transport_abort(struct ouro_transport *transport)
{
    ouro_transport_fail(transport, -ECONNABORTED);
}

static void
close_took_too_long(void *arg)
{
    ouro_transport_fail(arg, -ETIMEDOUT);
}

void
ouro_transport_close(struct ouro_transport *transport)
{
    ouro__loop_check_owner(transport->loop);
    if (transport->stage >= STAGE_CLOSING)
        return;

    transport->stage = STAGE_CLOSING;
    transport->ops->close(transport);
    if (transport->stage == STAGE_CLOSING
        && transport->close_timeout_ns != OURO_FOREVER)
        ouro_call_later(transport->loop, &transport->deadline,
                        transport->close_timeout_ns, close_took_too_long,
                        transport);
}

bool
ouro_transport_is_closing(const struct ouro_transport *transport)
{
    return transport->stage >= STAGE_CLOSING;
}

/* The beginning. */

static void
start(void *arg)
{
    struct ouro_transport *transport = arg;

    if (transport->stage == STAGE_OPEN)
        transport->ops->start(transport);
    if (transport->writing_paused && transport->stage < STAGE_ENDED)
        ouro__transport_tell_later(transport);
}

/* `soon` starts it one turn later; what else it would tell waits for that. */
static void
start_after_owner(struct ouro_transport *transport)
{
    ouro_handle_cancel(&transport->soon);
    ouro_call_soon(transport->loop, &transport->soon, start, transport);
}

void
ouro_transport_begin(struct ouro_transport *transport, void *context)
{
    struct ouro_transport_owner *owner = transport->owner;
    bool owner_waits = owner != NULL && !owner->at_once;
    struct ouro_protocol *protocol =
        ouro__transport_enter(transport, EVENT_MADE);
    int rc = 0;

    transport->stage = STAGE_OPEN;
    if (protocol->ops->connection_made != NULL)
        rc = protocol->ops->connection_made(protocol, context);
    ouro_protocol_unref(protocol);
    if (rc < 0)
        ouro_transport_fail(transport, rc);

    if (owner != NULL && owner == transport->owner)
        owner->made(owner, transport, rc < 0 ? rc : 0);
    if (transport->stage != STAGE_OPEN)
        return;
    if (owner_waits)
        start_after_owner(transport);
    else
        transport->ops->start(transport);
}

/* The rest. */

bool
ouro__protocol_is_lost(const struct ouro_protocol *protocol)
{
    return (protocol->transport->told & TOLD_LOST) != 0;
}

int
ouro_transport_set_protocol(struct ouro_transport *transport,
                            const struct ouro_protocol_ops *ops,
                            struct ouro_protocol **out_protocol)
{
    ouro__loop_check_owner(transport->loop);
    if (transport->stage == STAGE_ENDED)
        return -ENOTCONN;
    int rc = check_ops(ops);
    if (rc < 0)
        return rc;

    struct ouro_protocol *protocol = protocol_new(transport, ops);
    if (protocol == NULL)
        return -ENOMEM;
    ouro_protocol_unref(transport->protocol);
    transport->protocol = protocol;
    *out_protocol = protocol;
    return 0;
}

struct ouro_buf *
ouro_transport_retain(struct ouro_transport *transport, struct ouro_slice data)
{
    ouro__loop_check_owner(transport->loop);
    struct ouro_buf *buf = ouro_buf_new(data.size);

    if (buf != NULL && data.size > 0)
        memcpy(ouro_buf_data(buf), data.data, data.size);
    return buf;
}

struct ouro_address
ouro_transport_peer_address(const struct ouro_transport *transport)
{
    if (transport->ops->peer_address == NULL)
        return (struct ouro_address){.size = 0};
    return transport->ops->peer_address(transport);
}

struct ouro_address
ouro_transport_local_address(const struct ouro_transport *transport)
{
    if (transport->ops->local_address == NULL)
        return (struct ouro_address){.size = 0};
    return transport->ops->local_address(transport);
}

int
ouro_transport_descriptor(const struct ouro_transport *transport)
{
    return transport->ops->descriptor != NULL
               ? transport->ops->descriptor(transport)
               : -1;
}

struct ouro_loop *
ouro_transport_loop(const struct ouro_transport *transport)
{
    return transport->loop;
}
