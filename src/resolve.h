/* SPDX-License-Identifier: MIT */
/* Names to addresses, for servers and clients. */
#ifndef OURO_RESOLVE_H
#define OURO_RESOLVE_H

#include <ouro/address.h>
#include <ouro/loop.h>

/*
 * The addresses of `host` and `service`, as ouro_getaddrinfo() finds them.
 *
 * `passive`, for those who listen: a host of NULL or "" is every address of
 * this machine.  A service of NULL is port 0.  Returns how many, each once, and
 * at most `capacity`.
 *   -EINVAL         no host, and not passive; or no such family
 *   -OURO_ESERVICE  the service is neither a port nor a name that is known
 */
OURO_SUSPENDS ssize_t ouro__resolve(struct ouro_loop *loop, const char *host,
                                    const char *service, int family,
                                    bool passive, struct ouro_address *out,
                                    size_t capacity);

#endif
