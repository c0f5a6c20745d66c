/* SPDX-License-Identifier: MIT */
/* A protocol that writes down what its transport does; see witness.h. */
#include "witness.h"

#include <string.h>

enum { PERIOD = 65521, MOST = 1024 * 1024, ROOM = 1000 };

struct witness {
    struct ouro_protocol base;
    struct end *end;
    uint8_t room[ROOM]; /* of the buffered one */
};

/* A call of a test's is running; all runs are on one thread. */
static bool inside;

struct ouro_slice
pattern(size_t offset, size_t size)
{
    static uint8_t bytes[PERIOD + MOST];

    if (bytes[1] == 0) {
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)(i % PERIOD * 7 + i % PERIOD / 251);
    }
    return ouro_slice_of(bytes + offset % PERIOD, size);
}

static struct witness *
witness_of(struct ouro_protocol *protocol)
{
    return OURO_CONTAINER_OF(protocol, struct witness, base);
}

/* Noting. */

static void
note(struct end *end, char letter)
{
    size_t used = strlen(end->calls);

    if (inside)
        end->reentered = true;
    if (letter == 'D' && used > 0 && end->calls[used - 1] == 'D')
        return;
    if (used < sizeof(end->calls) - 1)
        end->calls[used] = letter;
}

static void
tell(struct end *end, enum event event)
{
    struct ouro_future *waiter = end->waiter;

    if (end->hooks[event] != NULL)
        end->hooks[event](end);
    end->waiter = NULL;
    if (waiter != NULL)
        ouro_future_set_result(waiter, NULL);
}

static int
witness_made(struct ouro_protocol *self, void *context)
{
    struct end *end = context;

    witness_of(self)->end = end;
    end->protocol = ouro_protocol_ref(self);
    end->transport = self->transport;
    note(end, 'M');
    tell(end, EVENT_MADE);
    return end->made_result;
}

static void
take(struct end *end, struct ouro_slice data)
{
    note(end, 'D');
    if (data.size == 0 || data.size > MOST
        || memcmp(data.data, pattern(end->received, data.size).data, data.size)
               != 0)
        end->wrong = true;
    end->received += data.size;
    tell(end, EVENT_DATA);
}

static void
witness_data(struct ouro_protocol *self, struct ouro_slice data)
{
    take(witness_of(self)->end, data);
}

static struct ouro_span
witness_get_buffer(struct ouro_protocol *self, size_t hint)
{
    struct witness *witness = witness_of(self);

    (void)hint;
    if (inside)
        witness->end->reentered = true;
    return (struct ouro_span){witness->room, ROOM};
}

static void
witness_updated(struct ouro_protocol *self, size_t size)
{
    struct witness *witness = witness_of(self);

    take(witness->end, ouro_slice_of(witness->room, size));
}

static bool
witness_eof(struct ouro_protocol *self)
{
    struct end *end = witness_of(self)->end;

    note(end, 'E');
    tell(end, EVENT_EOF);
    return end->keeps_open;
}

static void
witness_pause(struct ouro_protocol *self)
{
    struct end *end = witness_of(self)->end;

    note(end, 'P');
    tell(end, EVENT_PAUSE);
}

static void
witness_resume(struct ouro_protocol *self)
{
    struct end *end = witness_of(self)->end;

    note(end, 'R');
    tell(end, EVENT_RESUME);
}

static void
witness_lost(struct ouro_protocol *self, int reason)
{
    struct end *end = witness_of(self)->end;

    note(end, 'L');
    end->losses++;
    end->reason = reason;
    end->lost_ns = ouro_loop_time_ns(ouro_transport_loop(self->transport));
    tell(end, EVENT_LOST);
}

const struct ouro_protocol_ops witness_ops = {
    .size = sizeof(struct witness),
    .connection_made = witness_made,
    .data_received = witness_data,
    .eof_received = witness_eof,
    .pause_writing = witness_pause,
    .resume_writing = witness_resume,
    .connection_lost = witness_lost,
};

const struct ouro_protocol_ops buffered_witness_ops = {
    .size = sizeof(struct witness),
    .connection_made = witness_made,
    .get_buffer = witness_get_buffer,
    .buffer_updated = witness_updated,
    .eof_received = witness_eof,
    .pause_writing = witness_pause,
    .resume_writing = witness_resume,
    .connection_lost = witness_lost,
};

/* Ends. */

void
ends_init(struct end ends[2])
{
    for (int i = 0; i < 2; i++)
        ends[i] = (struct end){.peer = &ends[1 - i], .reason = UNSEEN};
}

void
ends_leave(struct end ends[2])
{
    for (int i = 0; i < 2; i++)
        ends[i].protocol = ouro_protocol_unref(ends[i].protocol);
}

bool
calls_are_in_order(const char *calls)
{
    bool ended = false;
    bool paused = false;

    if (*calls++ != 'M')
        return false;
    for (; *calls != '\0' && *calls != 'L'; calls++) {
        bool fits = *calls == 'D'   ? !ended
                    : *calls == 'E' ? !ended
                    : *calls == 'P' ? !paused
                    : *calls == 'R' ? paused
                                    : false;
        if (!fits)
            return false;
        ended = ended || *calls == 'E';
        paused = *calls == 'P' || (paused && *calls != 'R');
    }
    return strcmp(calls, "L") == 0;
}

/* What a test does. */

static void
enter(void)
{
    inside = true;
}

static void
leave(struct end *end)
{
    inside = false;
    if (end_queued(end) > end->most_queued)
        end->most_queued = end_queued(end);
}

size_t
end_queued(const struct end *end)
{
    return ouro_transport_write_buffer_size(end->transport);
}

void
end_write(struct end *end, size_t size)
{
    enter();
    while (size > 0) {
        size_t part = size < MOST ? size : MOST;

        ouro_transport_write(end->transport, pattern(end->sent, part));
        end->sent += part;
        size -= part;
    }
    leave(end);
}

void
end_write_slices(struct end *end, size_t size, size_t count)
{
    struct ouro_slice slices[2048];

    for (size_t i = 0; i < count; i++) {
        slices[i] = pattern(end->sent, size);
        end->sent += size;
    }
    enter();
    ouro_transport_writev(end->transport, slices, count);
    leave(end);
}

void
end_write_take(struct end *end, size_t size)
{
    struct ouro_buf *buf = ouro_buf_new(size);

    if (buf == NULL)
        return;
    memcpy(ouro_buf_data(buf), pattern(end->sent, size).data, size);
    end->sent += size;
    enter();
    ouro_transport_write_take(end->transport, buf);
    leave(end);
}

void
end_write_eof(struct end *end)
{
    enter();
    ouro_transport_write_eof(end->transport);
    leave(end);
}

void
end_close(struct end *end)
{
    enter();
    ouro_transport_close(end->transport);
    leave(end);
}

void
end_abort(struct end *end)
{
    enter();
    ouro_transport_abort(end->transport);
    leave(end);
}

void
end_pause(struct end *end)
{
    enter();
    ouro_transport_pause_reading(end->transport);
    leave(end);
}

void
end_resume(struct end *end)
{
    enter();
    ouro_transport_resume_reading(end->transport);
    leave(end);
}

void
end_set_protocol_of(struct end *end, const struct ouro_protocol_ops *ops)
{
    struct ouro_protocol *next;

    enter();
    int rc = ouro_transport_set_protocol(end->transport, ops, &next);
    leave(end);
    if (rc < 0)
        return;
    witness_of(next)->end = end;
    ouro_protocol_ref(next);
    ouro_protocol_unref(end->protocol);
    end->protocol = next;
}

void
end_set_protocol(struct end *end)
{
    end_set_protocol_of(end, end->protocol->ops);
}

/* Waiting. */

int
until_news(struct end *end)
{
    struct ouro_future news;

    ouro_future_init(&news, ouro_get_running_loop());
    end->waiter = &news;
    int rc = ouro_await(&news);
    end->waiter = NULL;
    ouro_future_fini(&news);
    return rc;
}

int
until_received(struct end *end, size_t size)
{
    int rc = 0;

    while (rc == 0 && end->received < size)
        rc = end->losses > 0 ? -ENOTCONN : until_news(end);
    return rc;
}

int
until_called(struct end *end, char letter)
{
    int rc = 0;

    while (rc == 0 && strchr(end->calls, letter) == NULL)
        rc = end->losses > 0 ? -ENOTCONN : until_news(end);
    return rc;
}

int
until_both_lost(struct end ends[2])
{
    int rc = until_called(&ends[0], 'L');

    return rc < 0 ? rc : until_called(&ends[1], 'L');
}
