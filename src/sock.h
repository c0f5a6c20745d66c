/* SPDX-License-Identifier: MIT */
/* A call on a plain socket from inside; how it works is in sock.c. */
#ifndef OURO_SOCK_IMPL_H
#define OURO_SOCK_IMPL_H

#include "descriptors.h"
#include "task.h"

#include <ouro/sock.h>

#include <sys/uio.h>

/* Zero, but for what the attempt needs. */
struct ouro__sock_call {
    struct ouro_loop *loop;
    struct ouro__engine *engine;
    struct ouro__use *use;
    int fd;
    struct iovec vector;
    struct ouro_address address;
    int file;
    off_t offset;
};

/* Try, without waiting.  -EAGAIN: the descriptor is not ready. */
typedef ssize_t ouro__sock_attempt_fn(struct ouro__sock_call *call);

/* Have one direction of `fd`, until end, which returns `result`. */
OURO_SUSPENDS int ouro__sock_begin(struct ouro__sock_call *call, int fd,
                                   enum ouro__side side);
OURO_MUST_USE ssize_t ouro__sock_end(struct ouro__sock_call *call,
                                     ssize_t result);

/* Try until it is done. */
OURO_SUSPENDS ssize_t ouro__sock_try(struct ouro__sock_call *call,
                                     ouro__sock_attempt_fn *attempt);

/* Wait until the descriptor is ready. */
OURO_SUSPENDS int ouro__sock_wait(struct ouro__sock_call *call);

/* Between two tries of a call that goes on: a checkpoint. */
OURO_SUSPENDS int ouro__sock_go_on(struct ouro__sock_call *call);

#endif
