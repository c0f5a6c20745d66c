/* SPDX-License-Identifier: MIT */
/* The only way to the kernel for anything that waits.
 *
 * Two engines stand behind it: engine_uring.c, and engine_sim.c, which has no
 * kernel.  A loop is given one when it is made and keeps it.  Nothing above
 * this file asks which.
 */
#ifndef OURO_ENGINE_H
#define OURO_ENGINE_H

#include "op.h"

#include <ouro/loop.h>

#include <stdatomic.h>
#include <sys/uio.h>

struct ouro__engine;

enum ouro__socket_option {
    OURO__SOCKET_REUSE_ADDRESS,
    OURO__SOCKET_REUSE_PORT,
    OURO__SOCKET_V6_ONLY,
    OURO__SOCKET_NO_DELAY
};

/**
 * Calls on sockets that never wait.  All return 0 or more, or a negative error.
 *
 * They are here because the simulation has sockets of its own.
 */
struct ouro__socket_ops {
    /** A non-blocking, close-on-exec stream socket. */
    int (*open)(struct ouro__engine *engine, int family);
    int (*set_option)(struct ouro__engine *engine, int fd,
                      enum ouro__socket_option option, int value);
    int (*bind)(struct ouro__engine *engine, int fd,
                const struct ouro_address *address);
    int (*listen)(struct ouro__engine *engine, int fd, int backlog);

    /** -EAGAIN where it would have to wait; never SIGPIPE. */
    ssize_t (*send)(struct ouro__engine *engine, int fd,
                    const struct iovec *vectors, size_t count);

    /** As send, where more is sent at once, with which it may leave. */
    ssize_t (*send_more)(struct ouro__engine *engine, int fd,
                         const struct iovec *vectors, size_t count);

    /** 0 at the end; -EAGAIN where it would have to wait. */
    ssize_t (*recv)(struct ouro__engine *engine, int fd, void *into,
                    size_t size);

    /** A non-blocking, close-on-exec socket; -EAGAIN where nobody is there. */
    int (*accept)(struct ouro__engine *engine, int fd);

    /**
     * As recv and send, for datagrams.  `out_from` has no size where the socket
     * does not say; -EMSGSIZE: the datagram was longer, and its rest is gone.
     */
    ssize_t (*recv_from)(struct ouro__engine *engine, int fd, void *into,
                         size_t size, struct ouro_address *out_from);
    ssize_t (*send_to)(struct ouro__engine *engine, int fd,
                       const struct iovec *data, const struct ouro_address *to);

    /** As send, from a regular file.  0: it has ended. */
    ssize_t (*send_file)(struct ouro__engine *engine, int fd, int file,
                         off_t offset, size_t size);

    /**
     * What tells the file behind `fd` from the next that has its number.
     * -EBADF; -EPERM where it is always ready.
     */
    int (*identify)(struct ouro__engine *engine, int fd,
                    uint64_t *out_identity);

    /** No more from us. */
    int (*shutdown_write)(struct ouro__engine *engine, int fd);

    /** From now on close() resets the connection. */
    void (*set_reset)(struct ouro__engine *engine, int fd);

    /** You may assume that no operation names it.  Cannot fail. */
    void (*close)(struct ouro__engine *engine, int fd);

    int (*local_address)(struct ouro__engine *engine, int fd,
                         struct ouro_address *out_address);
    int (*peer_address)(struct ouro__engine *engine, int fd,
                        struct ouro_address *out_address);
};

struct ouro__engine_ops {
    const char *name; /* in reports, and in ouro_engine_info */

    /** You may assume that no operation is in flight. */
    void (*free)(struct ouro__engine *engine);

    /**
     * Start `op`.  Cannot fail: what does not fit waits inside, in order.
     *
     * `op` and the memory it names are yours until its last completion.  You
     * may assume that it was idle.
     */
    void (*submit)(struct ouro__engine *engine, struct ouro__op *op);

    /**
     * Ask `op` to end early.  Its last completion must still come, with
     * -ECANCELED or with the result that won the race.
     *
     * You may assume that it is in flight, and that it comes once.
     */
    void (*cancel)(struct ouro__engine *engine, struct ouro__op *op);

    /**
     * Submit what is queued, wait until `until_ns` for completions, and give
     * each to ouro__op_completed(), which queues and calls nobody, while
     * ouro__engine_has_room().
     *
     * A time that has passed, 0 say, is a look without waiting; OURO_FOREVER
     * waits for ever.  It may return early, with nothing.
     */
    void (*wait)(struct ouro__engine *engine, int64_t until_ns);

    /** The buffer of `completion` is free again: `done` has returned. */
    void (*give_back)(struct ouro__engine *engine,
                      const struct ouro__completion *completion);

    /** The time; in the simulation, what the test says. */
    int64_t (*now_ns)(const struct ouro__engine *engine);

    /**
     * Look a host up without a thread.  NULL: the resolver has to use one.
     *
     * Returns how many addresses, with port 0, or a negative error; in either
     * case it is to be known only after `*out_delay_ns`.
     */
    ssize_t (*look_up)(struct ouro__engine *engine, const char *host,
                       int family, struct ouro_address *out_addresses,
                       size_t capacity, int64_t *out_delay_ns);

    /** How long the next call on a thread takes.  NULL: there are threads. */
    int64_t (*job_ns)(struct ouro__engine *engine);
};

/** Completions that one wait may bring; the rest come with the next. */
enum { OURO__BATCH = 256 };

/** The head of every engine. */
struct ouro__engine {
    const struct ouro__engine_ops *ops;
    const struct ouro__socket_ops *sockets;
    struct ouro_engine_info info;
    struct ouro__list flying;   /* ops in flight that the kernel has */
    size_t in_flight;           /* all that are not idle */
    atomic_uint_fast64_t calls; /* of `done`, begun; for the watchdog */
    unsigned count;             /* of completions that are queued */
    struct ouro__completion batch[OURO__BATCH];
};

static inline bool
ouro__engine_has_room(const struct ouro__engine *engine)
{
    return engine->count < OURO__BATCH;
}

/** Prepare the head: no ops, no completions, info all zero but the name. */
void ouro__engine_init(struct ouro__engine *engine,
                       const struct ouro__engine_ops *ops,
                       const struct ouro__socket_ops *sockets);

/** What an engine must know to be made. */
struct ouro__engine_options {
    const struct ouro_loop_options *loop;
    int wake_fd; /* an eventfd: when it is readable, wait() returns */
};

/**
 * Make the io_uring engine for the calling thread.
 *
 * Errors are those of ouro_loop_new(), with their story in the report.
 */
OURO_MUST_USE int
ouro__engine_uring_new(struct ouro__engine **out_engine,
                       const struct ouro__engine_options *options);

/** The socket calls of the kernel, for every engine that has one. */
extern const struct ouro__socket_ops ouro__kernel_sockets;

/* The two ways to send a file: sendfile(2), and read and send. */
ssize_t ouro__kernel_send_file(struct ouro__engine *engine, int fd, int file,
                               off_t offset, size_t size);
ssize_t ouro__copy_file(struct ouro__engine *engine, int fd, int file,
                        off_t offset, size_t size);

#endif
