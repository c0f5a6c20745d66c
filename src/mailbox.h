/* SPDX-License-Identifier: MIT */
/* Where other threads leave calls for a loop; see struct ouro_mailbox. */
#ifndef OURO_MAILBOX_H
#define OURO_MAILBOX_H

#include <ouro/loop.h>

/* A mailbox with one reference, and an eventfd in it. */
OURO_MUST_USE int ouro__mailbox_new(struct ouro_mailbox **out_mailbox);

/* Whether this is the thread of its loop. */
bool ouro__mailbox_is_here(const struct ouro_mailbox *mailbox);

/* Stop a process that does not have its loop.  A system call. */
void ouro__mailbox_check_process(const struct ouro_mailbox *mailbox);

/* Readable while there is something that the loop was not told of. */
int ouro__mailbox_descriptor(const struct ouro_mailbox *mailbox);

/* The loop is about to sleep.  False: there is mail, do not. */
bool ouro__mailbox_may_sleep(struct ouro_mailbox *mailbox);

/* The loop is awake: queue what came into `ready`, in order. */
void ouro__mailbox_collect(struct ouro_mailbox *mailbox,
                           struct ouro_loop *loop);

/* No more mail; what is there is queued into `ready` of `loop`. */
void ouro__mailbox_close(struct ouro_mailbox *mailbox, struct ouro_loop *loop);

/* The loop has made its last call: who waits for one need not any more. */
void ouro__mailbox_end(struct ouro_mailbox *mailbox);

#endif
