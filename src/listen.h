/* SPDX-License-Identifier: MIT */
/* From the options of a server to bound sockets: all of them, or none. */
#ifndef OURO_LISTEN_H
#define OURO_LISTEN_H

#include "loop.h"

#include <ouro/net.h>

/* Descriptors of bound sockets. */
struct ouro__bound {
    int *descriptors;
    size_t count;
};

/* Refuse options that are out of their range; the report says which. */
OURO_MUST_USE int ouro__listen_check(const struct ouro_server_options *options);

/* Resolve and bind; errors are those of ouro_create_server(). */
OURO_SUSPENDS int ouro__listen_bind(struct ouro__bound *out_bound,
                                    struct ouro_loop *loop,
                                    const struct ouro_server_options *options);

#endif
