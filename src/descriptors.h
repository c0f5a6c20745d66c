/* SPDX-License-Identifier: MIT */
/* Who uses which plain descriptor of a loop, and waits until it is ready.
 *
 * The happy path:
 *
 * - ouro__use_begin() enters one direction of a descriptor: nobody else may
 *   have it.
 * - ouro__use_poll() and its like start the one operation of a use; when it has
 *   ended `told` is called, once, from the loop.
 * - ouro__use_end() gives the direction back.
 *
 * What may happen instead:
 *
 * - It ends with its operation in flight: that is cancelled and told to nobody.
 *   The use is an allocation of its own, and lives until the last completion.
 * - The descriptor is closed by ouro__descriptor_close(): who waits for it is
 *   told -ECANCELED, and the number is kept until nothing in flight names it.
 * - It is closed behind our back, and its number is another's: that is noticed
 *   by what it was before, and told as -EBADF.  The other is not touched.
 * - The loop is freed: its operations are cancelled, and told to nobody.
 */
#ifndef OURO_DESCRIPTORS_H
#define OURO_DESCRIPTORS_H

#include "loop.h"

enum ouro__side { OURO__SIDE_READ, OURO__SIDE_WRITE };

struct ouro__descriptors;
struct ouro__use;

/* `result` is that of the operation; see above for -ECANCELED and -EBADF.  It
 * may end its use. */
typedef void ouro__use_fn(struct ouro__use *use, void *arg, int result);

struct ouro__use {
    struct ouro__op op;
    struct ouro__list link;  /* in a bucket, or among the spare ones */
    struct ouro__list armed; /* waits for the end of the turn */
    struct ouro__descriptors *all;
    ouro__use_fn *told; /* NULL: nobody waits */
    void *arg;
    uint64_t identity;           /* of the file, when it was polled first */
    struct ouro_address address; /* to connect to */
    int fd;
    uint8_t side;
    bool identified;
    bool is_watch; /* for who finds the direction taken */
    bool ended;    /* nobody has it: it waits for its last completion */
    bool closed;   /* the descriptor was, or is no more the same */
    bool closes;   /* it will be, when the operation has ended */
};

/*
 * Have a direction of `fd`.
 *   -EEXIST  a watch has it
 *   -EBUSY   a task has it
 *   -EBADF   `fd` is negative, or being closed
 *   -ENOMEM
 */
OURO_MUST_USE int ouro__use_begin(struct ouro_loop *loop, int fd,
                                  enum ouro__side side,
                                  struct ouro__use **out_use);

/* Give it back.  What is in flight is told to nobody. */
void ouro__use_end(struct ouro__use *use);

/* Remember what it is now, if nothing has been polled yet.  Fails as identify
 * of the engine does, and with -EBADF if it is not what it was. */
OURO_MUST_USE int ouro__use_identify(struct ouro__use *use);

/* 0, or -EBADF: the descriptor is not what it was when it was polled first.  To
 * be asked when it is ready, before it is touched. */
OURO_MUST_USE int ouro__use_check(struct ouro__use *use);

/* Wait until it is ready: the result is the events.  Fails as identify of the
 * engine does, and then `told` is not called. */
OURO_MUST_USE int ouro__use_poll(struct ouro__use *use, ouro__use_fn *told,
                                 void *arg);

/* The same from the end of this turn on, so that nothing has begun if it ends
 * before; that it has failed is told as well. */
void ouro__use_poll_later(struct ouro__use *use, ouro__use_fn *told, void *arg);

/* Connect to `address`, which is copied. */
void ouro__use_connect(struct ouro__use *use,
                       const struct ouro_address *address, ouro__use_fn *told,
                       void *arg);

/* Ask its operation to end early; `told` is called all the same. */
void ouro__use_cancel(struct ouro__use *use);

/* See ouro_sock_close(). */
void ouro__descriptor_close(struct ouro_loop *loop, int fd);

#endif
