/* SPDX-License-Identifier: MIT */
/* A race of attempts to connect, one for each address of a host (RFC 8305).
 *
 * The happy path:
 *
 * - The families take turns, beginning with that of the first address.
 * - An attempt begins when the last one has failed, or is delayed: it goes on
 *   then, beside the new one.
 * - The first to connect wins; the others are cancelled and waited for.
 *
 * What may happen instead:
 *
 * - A loser connects before its cancel gets there: its socket is closed.
 * - Nobody connects: the error is that of the first attempt that failed.
 * - The task is cancelled: so are all attempts, and they are waited for.
 *
 * Invariant: a socket is closed when no operation names it any more, and the
 * memory of a race is freed when none of its attempts is in flight.
 */
#ifndef OURO_RACE_H
#define OURO_RACE_H

#include "loop.h"

#include <ouro/address.h>
#include <ouro/future.h>

/* Addresses of one host that are tried, and that one may connect from; if it
 * has more, the rest is left out. */
enum { OURO__RACE_ADDRESSES = 64, OURO__RACE_LOCALS = 8 };

struct ouro__attempt {
    struct ouro__op op;
    struct ouro__race *race;
    const struct ouro_address *address;
    const struct ouro_address *local; /* it could not be bound; or NULL */
    int fd;
    int error; /* -EINPROGRESS: it goes on, or was told to end */
};

/* Zero, then fill in the first part. */
struct ouro__race {
    struct ouro_loop *loop;
    int64_t delay_ns; /* OURO_FOREVER: only when the last one has failed */
    size_t count;     /* at least 1 */
    size_t local_count;
    struct ouro_address addresses[OURO__RACE_ADDRESSES];
    struct ouro_address locals[OURO__RACE_LOCALS]; /* to connect from */

    struct ouro__attempt attempts[OURO__RACE_ADDRESSES]; /* in their order */
    size_t begun;             /* so many of them, failed ones included */
    size_t flying;            /* and these have a connect in flight */
    int winner;               /* its descriptor; -1: none */
    int first_error;          /* of an attempt; 0: none has failed */
    bool due;                 /* it is time for the next attempt */
    struct ouro_handle delay; /* makes it time */
    struct ouro_future news;  /* the task should look again */
};

/*
 * Run the race.  Returns the descriptor of a connected socket, or the error of
 * the attempt that failed first.
 *   -OURO_ENOADDRESS  no address is of the family of a local one
 */
OURO_SUSPENDS int ouro__race_run(struct ouro__race *race);

#endif
