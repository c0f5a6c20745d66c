/* SPDX-License-Identifier: MIT */
/* The base of every transport: what comes in, what goes out, and the marks.
 *
 * Every way to write comes through may_queue(), and every change of the queue
 * through check_marks().
 */
#include "transport.h"

#include "loop.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Input. */

bool
ouro_transport_wants_data(const struct ouro_transport *transport)
{
    return transport->stage == STAGE_OPEN && !transport->reading_paused;
}

bool
ouro_transport_is_buffered(const struct ouro_transport *transport)
{
    return transport->protocol->ops->get_buffer != NULL;
}

struct ouro_span
ouro_transport_get_buffer(struct ouro_transport *transport, size_t hint)
{
    struct ouro_protocol *protocol =
        ouro__transport_enter(transport, EVENT_DATA);
    struct ouro_span room = protocol->ops->get_buffer(protocol, hint);
    bool may_fill =
        protocol == transport->protocol && ouro_transport_wants_data(transport);

    ouro_protocol_unref(protocol);
    if (!may_fill)
        return (struct ouro_span){NULL, 0};
    if (room.size == 0)
        ouro_transport_fail(transport, -ENOBUFS);
    return room;
}

void
ouro_transport_buffer_updated(struct ouro_transport *transport, size_t size)
{
    struct ouro_protocol *protocol =
        ouro__transport_enter(transport, EVENT_DATA);

    protocol->ops->buffer_updated(protocol, size);
    ouro_protocol_unref(protocol);
}

static size_t
copy_into_buffer(struct ouro_transport *transport, struct ouro_slice data)
{
    struct ouro_span room = ouro_transport_get_buffer(transport, data.size);
    size_t size = room.size < data.size ? room.size : data.size;

    if (size == 0)
        return 0;
    memcpy(room.data, data.data, size);
    ouro_transport_buffer_updated(transport, size);
    return size;
}

static size_t
hand_over(struct ouro_transport *transport, struct ouro_slice data)
{
    if (ouro_transport_is_buffered(transport))
        return copy_into_buffer(transport, data);

    struct ouro_protocol *protocol =
        ouro__transport_enter(transport, EVENT_DATA);
    protocol->ops->data_received(protocol, data);
    ouro_protocol_unref(protocol);
    return data.size;
}

size_t
ouro_transport_received(struct ouro_transport *transport,
                        struct ouro_slice data)
{
    size_t taken = 0;

    while (taken < data.size && ouro_transport_wants_data(transport))
        taken += hand_over(transport,
                           ouro_slice_of(data.data + taken, data.size - taken));
    return taken;
}

void
ouro_transport_received_eof(struct ouro_transport *transport)
{
    bool keep_open = false;

    if (transport->stage != STAGE_OPEN)
        return;
    struct ouro_protocol *protocol =
        ouro__transport_enter(transport, EVENT_EOF);
    if (protocol->ops->eof_received != NULL)
        keep_open = protocol->ops->eof_received(protocol);
    ouro_protocol_unref(protocol);
    if (!keep_open)
        ouro_transport_close(transport);
}

void
ouro_transport_pause_reading(struct ouro_transport *transport)
{
    ouro__loop_check_owner(transport->loop);
    if (transport->reading_paused)
        return;

    transport->reading_paused = true;
    if (transport->stage == STAGE_OPEN)
        transport->ops->pause_reading(transport);
}

void
ouro_transport_resume_reading(struct ouro_transport *transport)
{
    ouro__loop_check_owner(transport->loop);
    if (!transport->reading_paused)
        return;

    transport->reading_paused = false;
    if (transport->stage == STAGE_OPEN)
        transport->ops->resume_reading(transport);
}

bool
ouro_transport_is_reading(const struct ouro_transport *transport)
{
    return ouro_transport_wants_data(transport)
           && (transport->told & TOLD_EOF) == 0;
}

/* Output. */

static void
drop(struct ouro_transport *transport, size_t size)
{
    transport->loop->stats.writes_dropped++;
    transport->dropped_bytes += size;
    /* That sending has failed is not told yet: who writes cannot know. */
    bool known = transport->stage != STAGE_OPEN || transport->eof_written;
    if (known && (transport->told & TOLD_DROPPED) == 0) {
        transport->told |= TOLD_DROPPED;
        ouro__loop_report(transport->loop,
                          "bytes were written to a connection that is closed, "
                          "lost, or at its end, and dropped",
                          transport->reason, transport->ops->name,
                          transport->site);
    }
}

/* Whether there is a way out for what is written. */
static bool
may_queue_file(struct ouro_transport *transport, size_t size)
{
    ouro__loop_check_owner(transport->loop);
    if (transport->stage == STAGE_OPEN && !transport->eof_written
        && !transport->broken)
        return true;
    drop(transport, size);
    return false;
}

static bool
may_queue(struct ouro_transport *transport, size_t size)
{
    if (!may_queue_file(transport, size))
        return false;
    if (size > transport->max_size
        || transport->queued - transport->queued_files
               > transport->max_size - size) {
        ouro_transport_fail(transport, -ENOBUFS);
        return false;
    }
    return true;
}

static size_t
total_size(const struct ouro_slice *slices, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size =
            slices[i].size > SIZE_MAX - size ? SIZE_MAX : size + slices[i].size;
    return size;
}

void
ouro_transport_writev(struct ouro_transport *transport,
                      const struct ouro_slice *slices, size_t count)
{
    size_t size = total_size(slices, count);

    if (size > 0 && may_queue(transport, size))
        transport->ops->writev(transport, slices, count);
}

void
ouro_transport_write(struct ouro_transport *transport, struct ouro_slice data)
{
    ouro_transport_writev(transport, &data, 1);
}

void
ouro_transport_write_take(struct ouro_transport *transport,
                          struct ouro_buf *buf)
{
    size_t size = ouro_buf_size(buf);

    if (size > 0 && may_queue(transport, size))
        transport->ops->write_take(transport, buf);
    else
        ouro_buf_unref(buf);
}

/* How many bytes there are to send, or an error. */
static int64_t
part_of_file(int file, off_t offset, size_t count)
{
    struct stat about;

    if (fstat(file, &about) < 0)
        return -errno;
    if (!S_ISREG(about.st_mode) || offset < 0)
        return -EINVAL;
    if (offset >= about.st_size)
        return 0;
    size_t there = (size_t)(about.st_size - offset);
    return (int64_t)(count < there ? count : there);
}

int64_t
ouro_transport_write_file(struct ouro_transport *transport, int file,
                          off_t offset, size_t count)
{
    int64_t size = part_of_file(file, offset, count);

    if (size >= 0 && transport->ops->write_file == NULL)
        size = -EOPNOTSUPP;
    if (size > 0 && may_queue_file(transport, (size_t)size))
        transport->ops->write_file(transport, file, (size_t)offset,
                                   (size_t)size);
    else
        close(file);
    return size;
}

void
ouro_transport_write_eof(struct ouro_transport *transport)
{
    ouro__loop_check_owner(transport->loop);
    if (transport->stage != STAGE_OPEN || transport->eof_written)
        return;

    transport->eof_written = true;
    transport->ops->write_eof(transport);
}

/* The one check of the marks; every way to write comes here. */
static void
check_marks(struct ouro_transport *transport)
{
    bool was_told = (transport->told & TOLD_PAUSE) != 0;

    if (transport->queued > transport->high_size)
        transport->writing_paused = true;
    else if (transport->queued <= transport->low_size)
        transport->writing_paused = false;
    if (transport->writing_paused != was_told && transport->stage < STAGE_ENDED)
        ouro__transport_tell_later(transport);
}

void
ouro_transport_set_queued(struct ouro_transport *transport, size_t size,
                          size_t file_size)
{
    transport->queued = size;
    transport->queued_files = file_size;
    check_marks(transport);
}

void
ouro_transport_set_broken(struct ouro_transport *transport, int error)
{
    ouro__transport_keep_reason(transport, error);
    transport->broken = true;
}

void
ouro_transport_set_write_buffer_limits(struct ouro_transport *transport,
                                       size_t high_size, size_t low_size)
{
    ouro__loop_check_owner(transport->loop);
    if (high_size == 0)
        high_size = OURO_KIB(64);
    if (low_size == 0)
        low_size = high_size / 4;
    transport->high_size = high_size;
    transport->low_size = low_size < high_size ? low_size : high_size;
    if (transport->stage == STAGE_OPEN)
        check_marks(transport);
}

void
ouro_transport_set_write_buffer_max(struct ouro_transport *transport,
                                    size_t max_size)
{
    transport->max_size = max_size != 0 ? max_size : OURO_MIB(64);
}

void
ouro_transport_set_close_timeout(struct ouro_transport *transport,
                                 int64_t timeout_ns)
{
    transport->close_timeout_ns =
        timeout_ns != 0 ? timeout_ns : OURO_SECONDS(30);
}

size_t
ouro_transport_write_buffer_size(const struct ouro_transport *transport)
{
    return transport->queued;
}

bool
ouro_transport_is_writing_paused(const struct ouro_transport *transport)
{
    return transport->writing_paused;
}

uint64_t
ouro_transport_bytes_dropped(const struct ouro_transport *transport)
{
    return transport->dropped_bytes;
}
