/* SPDX-License-Identifier: MIT */
/* What the comparison servers share: their options, and where they listen. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>

enum {
    /* The size of the one buffer that a peer receives into. */
    PEER_BUFFER_SIZE = 64 * 1024,
    PEER_BACKLOG = 4096
};

/*
 * Look for `flag`, and take it out of the arguments if it is there.
 *
 * For options of one peer: ask before peer_listen(), which knows only its own.
 */
bool peer_take_flag(int *argc, char **argv, const char *flag);

/*
 * Listen at --host (127.0.0.1) and --port (0, which is any), for as many
 * connections as descriptors are allowed, and ignore SIGPIPE.
 *
 * Returns a descriptor as net_listen() does.  Ends the program with a message
 * if that cannot be, or the options are wrong.
 */
int peer_listen(int argc, char **argv);

/* Print "listening on HOST:PORT", for whoever waits to connect. */
void peer_announce(int listener);

#endif
