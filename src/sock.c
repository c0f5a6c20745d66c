/* SPDX-License-Identifier: MIT */
/* Awaitable calls on plain sockets.
 *
 * Each is a loop: try the call that never waits, and where it would have to,
 * poll the descriptor and try again.  So bytes leave the socket only when the
 * task that asked for them runs and is about to return them: a cancellation
 * finds them where they were, and what a send has sent is known exactly.
 *
 * To be polled is all a cancelled call leaves behind, and it waits until that
 * has ended: afterwards nothing in flight names the descriptor.
 */
#include "sock.h"

#include <errno.h>
#include <stdio.h>

/* So many bytes count as one more wait that need not suspend. */
enum { BUDGET_BYTES = 16 * 1024 };

/* The call, from begin to end. */

int
ouro__sock_begin(struct ouro__sock_call *call, int fd, enum ouro__side side)
{
    int rc = ouro__checkpoint();
    if (rc < 0)
        return rc;

    call->fd = fd;
    call->loop = ouro_get_running_loop();
    call->engine = call->loop->engine;
    rc = ouro__use_begin(call->loop, fd, side, &call->use);
    return rc == -EEXIST ? -EBUSY : rc;
}

ssize_t
ouro__sock_end(struct ouro__sock_call *call, ssize_t result)
{
    ouro__use_end(call->use);
    return result;
}

/* The budget of a task is of waits; much data at once count as many of them. */
static void
spend(ssize_t size)
{
    struct ouro_task *task = ouro__task_here();
    size_t waits = size > 0 ? (size_t)size / BUDGET_BYTES : 0;

    task->budget -= waits < task->budget ? (unsigned)waits : task->budget - 1;
}

static void
wake(struct ouro__use *use, void *arg, int result)
{
    (void)use;
    if (result < 0)
        ouro_future_set_error(arg, result);
    else
        ouro_future_set_result(arg, NULL);
}

static void
tell_descriptor(const void *thing, char *text, size_t size)
{
    const struct ouro__sock_call *call = thing;

    snprintf(text, size, " %d", call->fd);
}

static const struct ouro__wait_kind wait_descriptor = {
    .text = "descriptor",
    .tell = tell_descriptor,
};

/* Returns what the operation came to.  It has ended, also if that was because
 * the task is cancelled, unless the descriptor was closed. */
static int
wait_for_operation(struct ouro__sock_call *call, struct ouro_future *news)
{
    int rc = ouro__await_plainly_for(news, &wait_descriptor, call);

    /* It may have ended since the task was told that it is cancelled. */
    if (rc == -ECANCELED) {
        ouro__use_cancel(call->use);
        rc = ouro__await_to_the_end_for(news, &wait_descriptor, call);
    }
    ouro_future_fini(news);
    return call->use->closed ? -EBADF : rc;
}

int
ouro__sock_wait(struct ouro__sock_call *call)
{
    const struct ouro_task *task = ouro__task_here();
    struct ouro_future news;

    /* Since the last wait perhaps, which was woken before that. */
    if (ouro__task_is_cancelled(task))
        return -ECANCELED;
    ouro_future_init(&news, call->loop);
    int rc = ouro__use_poll(call->use, wake, &news);
    if (rc == 0)
        rc = wait_for_operation(call, &news);
    return rc < 0 ? rc : ouro__use_check(call->use);
}

int
ouro__sock_go_on(struct ouro__sock_call *call)
{
    int rc = ouro__checkpoint();

    return rc < 0 ? rc : ouro__use_check(call->use);
}

ssize_t
ouro__sock_try(struct ouro__sock_call *call, ouro__sock_attempt_fn *attempt)
{
    for (;;) {
        ssize_t result = attempt(call);
        if (result != -EAGAIN) {
            if (call->vector.iov_len > 0)
                spend(result);
            return result;
        }
        int rc = ouro__sock_wait(call);
        if (rc < 0)
            return rc;
    }
}

static ssize_t
run(struct ouro__sock_call *call, int fd, enum ouro__side side,
    ouro__sock_attempt_fn *attempt)
{
    int rc = ouro__sock_begin(call, fd, side);
    if (rc < 0)
        return rc;
    return ouro__sock_end(call, ouro__sock_try(call, attempt));
}

/* Receiving. */

static ssize_t
try_recv(struct ouro__sock_call *call)
{
    return call->engine->sockets->recv(
        call->engine, call->fd, call->vector.iov_base, call->vector.iov_len);
}

ssize_t
ouro_sock_recv(int fd, void *into, size_t size)
{
    struct ouro__sock_call call = {.vector = {into, size}};

    return run(&call, fd, OURO__SIDE_READ, try_recv);
}

static ssize_t
recv_all(struct ouro__sock_call *call, size_t *received)
{
    while (call->vector.iov_len > 0) {
        ssize_t got = ouro__sock_try(call, try_recv);
        if (got <= 0)
            return got < 0 ? got : -OURO_EINCOMPLETE;

        *received += (size_t)got;
        call->vector.iov_base = (char *)call->vector.iov_base + got;
        call->vector.iov_len -= (size_t)got;
        int rc = call->vector.iov_len > 0 ? ouro__sock_go_on(call) : 0;
        if (rc < 0)
            return rc;
    }
    return (ssize_t)*received;
}

ssize_t
ouro_sock_recv_exactly(int fd, void *into, size_t size, size_t *out_received)
{
    struct ouro__sock_call call = {.vector = {into, size}};
    size_t received = 0;
    ssize_t result = ouro__sock_begin(&call, fd, OURO__SIDE_READ);

    if (result == 0)
        result = ouro__sock_end(&call, recv_all(&call, &received));
    if (out_received != NULL)
        *out_received = received;
    return result;
}

static ssize_t
try_recvfrom(struct ouro__sock_call *call)
{
    return call->engine->sockets->recv_from(
        call->engine, call->fd, call->vector.iov_base, call->vector.iov_len,
        &call->address);
}

ssize_t
ouro_sock_recvfrom(int fd, void *into, size_t size,
                   struct ouro_address *out_from)
{
    struct ouro__sock_call call = {.vector = {into, size}};
    ssize_t got = run(&call, fd, OURO__SIDE_READ, try_recvfrom);

    if ((got >= 0 || got == -EMSGSIZE) && out_from != NULL)
        *out_from = call.address;
    return got;
}

/* Sending. */

static struct iovec
vector_of(struct ouro_slice data)
{
    struct iovec vector = {
        .iov_base = (void *)(uintptr_t)data.data,
        .iov_len = data.size,
    };

    return vector;
}

static ssize_t
try_send(struct ouro__sock_call *call)
{
    return call->engine->sockets->send(call->engine, call->fd, &call->vector,
                                       1);
}

ssize_t
ouro_sock_send(int fd, struct ouro_slice data)
{
    struct ouro__sock_call call = {.vector = vector_of(data)};

    return run(&call, fd, OURO__SIDE_WRITE, try_send);
}

static int
send_all(struct ouro__sock_call *call, size_t *sent)
{
    while (call->vector.iov_len > 0) {
        ssize_t size = ouro__sock_try(call, try_send);
        if (size < 0)
            return (int)size;

        *sent += (size_t)size;
        call->vector.iov_base = (char *)call->vector.iov_base + size;
        call->vector.iov_len -= (size_t)size;
        int rc = call->vector.iov_len > 0 ? ouro__sock_go_on(call) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

int
ouro_sock_sendall(int fd, struct ouro_slice data, size_t *out_sent)
{
    struct ouro__sock_call call = {.vector = vector_of(data)};
    size_t sent = 0;
    int rc = ouro__sock_begin(&call, fd, OURO__SIDE_WRITE);

    if (rc == 0)
        rc = (int)ouro__sock_end(&call, send_all(&call, &sent));
    if (out_sent != NULL)
        *out_sent = sent;
    return rc;
}

static ssize_t
try_sendto(struct ouro__sock_call *call)
{
    return call->engine->sockets->send_to(call->engine, call->fd, &call->vector,
                                          &call->address);
}

ssize_t
ouro_sock_sendto(int fd, struct ouro_slice data, const struct ouro_address *to)
{
    struct ouro__sock_call call = {
        .vector = vector_of(data),
        .address = *to,
    };

    return run(&call, fd, OURO__SIDE_WRITE, try_sendto);
}

/* Connections. */

/* A connect that was cancelled goes on, and one more finds it under way: then
 * wait for its end, and ask once more what that was. */
static ssize_t
try_connect(struct ouro__sock_call *call)
{
    struct ouro_future news;

    ouro_future_init(&news, call->loop);
    ouro__use_connect(call->use, &call->address, wake, &news);
    int rc = wait_for_operation(call, &news);
    return rc == -EALREADY ? -EAGAIN : rc;
}

int
ouro_sock_connect(int fd, const struct ouro_address *address)
{
    struct ouro__sock_call call = {.address = *address};

    return (int)run(&call, fd, OURO__SIDE_WRITE, try_connect);
}

/* A connection that has gone before it was taken is nobody's error. */
static ssize_t
try_accept(struct ouro__sock_call *call)
{
    int fd;

    do
        fd = call->engine->sockets->accept(call->engine, call->fd);
    while (fd == -ECONNABORTED || fd == -EPROTO);
    return fd;
}

int
ouro_sock_accept(int fd, struct ouro_address *out_peer)
{
    struct ouro__sock_call call = {0};
    int taken = (int)run(&call, fd, OURO__SIDE_READ, try_accept);

    if (taken < 0 || out_peer == NULL)
        return taken;
    if (call.engine->sockets->peer_address(call.engine, taken, out_peer) < 0)
        out_peer->size = 0;
    return taken;
}

void
ouro_sock_close(int fd)
{
    struct ouro_loop *loop = ouro_get_running_loop();

    OURO_CHECK(loop != NULL, "a descriptor is closed where a loop runs");
    if (fd >= 0)
        ouro__descriptor_close(loop, fd);
}
