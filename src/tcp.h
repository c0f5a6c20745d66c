/* SPDX-License-Identifier: MIT */
/* What the net floor may ask of transports/tcp.c. */
#ifndef OURO_TCP_H
#define OURO_TCP_H

#include <ouro/transport_impl.h>

/**
 * A transport for the connected stream socket `fd`, which it takes; on failure
 * `fd` is still the caller's.  It begins with ouro_transport_begin().
 *   -ENOMEM, -EINVAL
 */
OURO_MUST_USE int ouro__tcp_new(struct ouro_transport **out_transport,
                                struct ouro_loop *loop, int fd,
                                const struct ouro_protocol_ops *ops,
                                const char *site);

#endif
