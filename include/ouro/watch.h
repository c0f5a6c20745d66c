/* SPDX-License-Identifier: MIT */
#ifndef OURO_WATCH_H
#define OURO_WATCH_H

#include <ouro/loop.h>

OURO_BEGIN_DECLS

struct ouro__use;

/**
 * A call that the loop makes while a descriptor is ready: for descriptors of
 * other libraries, of devices, of anything that poll(2) knows.
 *
 * It is level-triggered: the call comes in each turn in which the descriptor
 * is ready, so one that leaves something unread is called again.  An error and
 * the end of the peer count as ready, in both directions.
 *
 * The caller owns it; all zero is an idle one.  It must stay where it is until
 * it has been removed, or until the loop is freed.
 */
struct ouro_watch {
    struct ouro_loop *loop; /* private, as all of it is */
    struct ouro__use *use;  /* NULL: it is idle */
    ouro_callback_fn *fn;
    void *arg;
    const char *site;
    struct ouro_handle call;
};

/**
 * Call `fn(arg)` from the loop while `fd` can be read, or written.
 *
 * `watch` must be idle.  One watch for each direction; remove it before the
 * descriptor is closed, or close that with ouro_sock_close().  If it was closed
 * behind our back the watch ends, and the exception handler is told.
 *   -EEXIST  `fd` is watched in this direction already
 *   -EBUSY   it is a transport's; or a task waits for it: see <ouro/sock.h>
 *   -EBADF   it is not open
 *   -EPERM   it is a file or a directory, which are always ready
 *   -ENOMEM
 */
#define ouro_add_reader(loop, watch, fd, fn, arg) \
    ouro__add_watch(loop, watch, fd, false, fn, arg, OURO_HERE)
#define ouro_add_writer(loop, watch, fd, fn, arg) \
    ouro__add_watch(loop, watch, fd, true, fn, arg, OURO_HERE)

OURO_MUST_USE int ouro__add_watch(struct ouro_loop *loop,
                                  struct ouro_watch *watch, int fd,
                                  bool writing, ouro_callback_fn *fn, void *arg,
                                  const char *site);

/**
 * Call it no more.  Its memory is the caller's again, also inside its own call,
 * and the descriptor may be closed.
 *
 * Returns whether it had been added.
 */
bool ouro_watch_remove(struct ouro_watch *watch);

OURO_END_DECLS

#endif
