/* SPDX-License-Identifier: MIT */
/* How bytes go out of a descriptor; the story is in outlet.h. */
#include "outlet.h"

#include <ouro/error.h>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* From here on a copy costs more than a system call that cannot wait for
     * the end of the turn; bench/run_echo shows it. */
    DIRECT_SIZE = 4096,
    VECTORS = 64,

    /* Of a file at once: more would keep other connections waiting. */
    FILE_SIZE = 256 * 1024
};

/* Lives while the kernel sends: what the operation names must not move. */
struct ouro__flight {
    struct ouro__op op;
    struct ouro__outlet *outlet;
    struct ouro__block *memory; /* that it lies in */
    struct msghdr message;
    struct iovec vectors[VECTORS];
};

_Static_assert(sizeof(struct ouro__flight) <= OURO__FLIGHT_ROOM,
               "a flight fits into its block");

static struct ouro_loop *
loop_of(const struct ouro__outlet *outlet)
{
    return outlet->pool->loop;
}

static void
count_sent(struct ouro__outlet *outlet, size_t size)
{
    loop_of(outlet)->stats.bytes_sent += size;
}

/* Nothing leaves any more; memory in flight stays where it is. */
static void
give_up(struct ouro__outlet *outlet)
{
    outlet->aborted = true;
    if (outlet->flight == NULL)
        ouro__outbox_clear(&outlet->outbox, outlet->pool);
}

/* Sending at once. */

/* `more`: what stands behind it leaves at once, too. */
static ssize_t
try_send(struct ouro__outlet *outlet, const struct iovec *vectors, size_t count,
         bool more)
{
    struct ouro__engine *engine = loop_of(outlet)->engine;

    if (loop_of(outlet)->options.send_by_ring)
        return 0;

    ssize_t sent =
        more ? engine->sockets->send_more(engine, outlet->fd, vectors, count)
             : engine->sockets->send(engine, outlet->fd, vectors, count);
    if (sent == -EAGAIN)
        return 0;
    if (sent > 0)
        count_sent(outlet, (size_t)sent);
    return sent;
}

/* The operation. */

/* It has ended: what is left is sent at the end of the turn. */
static void
land(struct ouro__flight *flight, int error)
{
    struct ouro__outlet *outlet = flight->outlet;

    outlet->flight = NULL;
    ouro__block_free(outlet->pool, flight->memory);
    if (error < 0 || outlet->aborted)
        give_up(outlet);
    else if (outlet->outbox.size > 0)
        ouro__loop_flush_later(loop_of(outlet), &outlet->flush);
    outlet->moved(outlet, error);
}

static int
error_of(int result)
{
    return result < 0 && result != -ECANCELED ? result : 0;
}

static void
send_done(struct ouro__op *op, const struct ouro__completion *completion)
{
    struct ouro__flight *flight =
        OURO_CONTAINER_OF(op, struct ouro__flight, op);
    struct ouro__outlet *outlet = flight->outlet;
    int result = completion->result;

    if (result > 0) {
        count_sent(outlet, (size_t)result);
        ouro__outbox_consume(&outlet->outbox, outlet->pool, (size_t)result);
    }
    land(flight, error_of(result));
}

/* There is room for more of a file, or an error that the next try tells. */
static void
poll_done(struct ouro__op *op, const struct ouro__completion *completion)
{
    land(OURO_CONTAINER_OF(op, struct ouro__flight, op),
         error_of(completion->result));
}

static struct ouro__flight *
flight_new(struct ouro__outlet *outlet, enum ouro__op_kind kind,
           ouro__op_done_fn *done)
{
    struct ouro__block *memory = ouro__block_new_flight(outlet->pool);

    if (memory == NULL)
        return NULL;
    struct ouro__flight *flight = (void *)memory->data;
    ouro__op_init(&flight->op, kind, outlet->fd, done);
    flight->outlet = outlet;
    flight->memory = memory;
    return flight;
}

static void
take_off(struct ouro__outlet *outlet, struct ouro__flight *flight)
{
    outlet->flight = flight;
    ouro__op_submit(loop_of(outlet)->engine, &flight->op);
}

static int
send_by_operation(struct ouro__outlet *outlet)
{
    struct ouro__flight *flight = flight_new(outlet, OURO__OP_SEND, send_done);

    if (flight == NULL)
        return -ENOMEM;
    flight->message = (struct msghdr){
        .msg_iov = flight->vectors,
        .msg_iovlen =
            ouro__outbox_vectors(&outlet->outbox, flight->vectors, VECTORS),
    };
    flight->op.with.message = &flight->message;
    take_off(outlet, flight);
    return 0;
}

static int
wait_for_room(struct ouro__outlet *outlet)
{
    struct ouro__flight *flight = flight_new(outlet, OURO__OP_POLL, poll_done);

    if (flight == NULL)
        return -ENOMEM;
    flight->op.with.poll_events = POLLOUT;
    take_off(outlet, flight);
    return 0;
}

/* Files. */

/* Returns how much left; 0: no room. */
static ssize_t
try_send_file(struct ouro__outlet *outlet, const struct ouro__block *block)
{
    struct ouro__engine *engine = loop_of(outlet)->engine;
    size_t size = block->end - block->begin;

    if (size > FILE_SIZE)
        size = FILE_SIZE;
    ssize_t sent = engine->sockets->send_file(engine, outlet->fd, block->file,
                                              (off_t)block->begin, size);
    if (sent == -EAGAIN)
        return 0;
    if (sent == 0)
        return -OURO_EINCOMPLETE;
    if (sent > 0)
        count_sent(outlet, (size_t)sent);
    return sent;
}

/* The end of a turn. */

/* Returns how much left; 0: the rest waits for an operation. */
static ssize_t
send_some(struct ouro__outlet *outlet)
{
    struct ouro__block *file = ouro__outbox_first_file(&outlet->outbox);
    struct iovec vectors[VECTORS];

    if (file != NULL)
        return try_send_file(outlet, file);
    size_t count = ouro__outbox_vectors(&outlet->outbox, vectors, VECTORS);

    /* What stands before a file would be a packet by itself. */
    return try_send(outlet, vectors, count, outlet->outbox.file_size > 0);
}

static int
send_outbox(struct ouro__outlet *outlet)
{
    while (outlet->outbox.size > 0) {
        bool is_file = ouro__outbox_first_file(&outlet->outbox) != NULL;
        ssize_t sent = send_some(outlet);

        if (sent < 0)
            return (int)sent;
        ouro__outbox_consume(&outlet->outbox, outlet->pool, (size_t)sent);
        if (is_file && ouro__outbox_first_file(&outlet->outbox) != NULL)
            return wait_for_room(outlet);
        if (sent == 0)
            return send_by_operation(outlet);
    }
    return 0;
}

static void
outlet_flush(struct ouro__flush *flush)
{
    struct ouro__outlet *outlet =
        OURO_CONTAINER_OF(flush, struct ouro__outlet, flush);
    int error = outlet->error;

    if (outlet->aborted && error == 0)
        return;
    if (error == 0 && outlet->flight == NULL)
        error = send_outbox(outlet);
    outlet->error = 0;
    if (error < 0)
        give_up(outlet);
    outlet->moved(outlet, error);
}

/* Writing. */

void
ouro__outlet_init(struct ouro__outlet *outlet, struct ouro__pool *pool, int fd,
                  ouro__outlet_moved_fn *moved)
{
    *outlet = (struct ouro__outlet){
        .pool = pool,
        .flush.fn = outlet_flush,
        .moved = moved,
        .fd = fd,
    };
    ouro__outbox_init(&outlet->outbox);
}

static bool
is_large(const struct ouro_slice *slices, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count && size < DIRECT_SIZE; i++)
        size += slices[i].size;
    return size >= DIRECT_SIZE;
}

/* Returns how many bytes left; an error is kept, to be told from the loop. */
static size_t
send_directly(struct ouro__outlet *outlet, const struct ouro_slice *slices,
              size_t count)
{
    size_t most = count < VECTORS ? count : VECTORS;

    if (outlet->outbox.size > 0 || !is_large(slices, count))
        return 0;

    /* A slice is laid out as a struct iovec. */
    ssize_t sent = try_send(outlet, (const struct iovec *)(const void *)slices,
                            most, false);
    if (sent >= 0)
        return (size_t)sent;
    outlet->error = (int)sent;
    outlet->aborted = true;
    return 0;
}

int
ouro__outlet_writev(struct ouro__outlet *outlet,
                    const struct ouro_slice *slices, size_t count)
{
    if (outlet->aborted)
        return 0;

    size_t sent = send_directly(outlet, slices, count);
    int rc = outlet->aborted ? 0
                             : ouro__outbox_copy(&outlet->outbox, outlet->pool,
                                                 slices, count, sent);
    if (outlet->outbox.size > 0 || outlet->aborted)
        ouro__loop_flush_later(loop_of(outlet), &outlet->flush);
    return rc;
}

int
ouro__outlet_take(struct ouro__outlet *outlet, struct ouro_buf *buf)
{
    struct ouro_slice data =
        ouro_slice_of(ouro_buf_data(buf), ouro_buf_size(buf));

    if (outlet->aborted) {
        ouro_buf_unref(buf);
        return 0;
    }
    size_t sent = send_directly(outlet, &data, 1);
    if (outlet->aborted)
        sent = data.size;
    int rc = ouro__outbox_take(&outlet->outbox, outlet->pool, buf, sent);
    if (outlet->outbox.size > 0 || outlet->aborted)
        ouro__loop_flush_later(loop_of(outlet), &outlet->flush);
    return rc;
}

/* Read all of the block's room that counts. */
static int
read_file(struct ouro__block *block, int file, size_t offset)
{
    size_t got = 0;

    while (got < block->end) {
        ssize_t more = pread(file, block->data + got, block->end - got,
                             (off_t)(offset + got));
        if (more == 0)
            return -OURO_EINCOMPLETE;
        if (more > 0)
            got += (size_t)more;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

static int
copy_file(struct ouro__outlet *outlet, int file, size_t offset, size_t size)
{
    struct ouro__block *block = ouro__block_new(outlet->pool);

    if (block == NULL)
        return -ENOMEM;
    block->end = size;
    int rc = read_file(block, file, offset);
    if (rc < 0)
        ouro__block_free(outlet->pool, block);
    else
        ouro__outbox_append(&outlet->outbox, block);
    return rc;
}

int
ouro__outlet_file(struct ouro__outlet *outlet, int file, size_t offset,
                  size_t size)
{
    int rc = 0;

    if (!outlet->aborted && size > OURO__BLOCK_ROOM) {
        rc = ouro__outbox_file(&outlet->outbox, outlet->pool, file, offset,
                               size);
    } else {
        if (!outlet->aborted)
            rc = copy_file(outlet, file, offset, size);
        close(file);
    }
    if (outlet->outbox.size > 0)
        ouro__loop_flush_later(loop_of(outlet), &outlet->flush);
    return rc;
}

void
ouro__outlet_abort(struct ouro__outlet *outlet)
{
    give_up(outlet);
    outlet->error = 0;
    if (ouro__list_is_linked(&outlet->flush.link))
        ouro__list_remove(&outlet->flush.link);
    if (outlet->flight != NULL)
        ouro__op_cancel(loop_of(outlet)->engine, &outlet->flight->op);
}

bool
ouro__outlet_is_idle(const struct ouro__outlet *outlet)
{
    return outlet->flight == NULL && outlet->outbox.size == 0
           && outlet->error == 0;
}
