/* SPDX-License-Identifier: MIT */
#ifndef OURO_ADDRESS_H
#define OURO_ADDRESS_H

#include <ouro/base.h>

#include <netinet/in.h>
#include <sys/socket.h>

OURO_BEGIN_DECLS

/** Where a socket is, or whom it talks to. */
struct ouro_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } of;
    socklen_t size; /* bytes of `of` that are used; 0: no address */
};

/** Bytes that any address needs as text, its zero included. */
enum { OURO_ADDRESS_TEXT = 128 };

/** `address` as text: "127.0.0.1:80", "[fe80::1%eth0]:80", the path of a local
 * socket; "-" if there is none.  Returns `text`. */
const char *ouro_address_format(const struct ouro_address *address,
                                char text[OURO_ADDRESS_TEXT]);

/**
 * Read a literal address: "127.0.0.1", "::1", "fe80::1%eth0".  No name.
 *
 * `port` is in the machine's byte order.
 *   -EINVAL  it is not a literal
 */
OURO_MUST_USE int ouro_address_parse(struct ouro_address *out_address,
                                     const char *text, uint16_t port);

/** The port, in the machine's byte order; 0 for none. */
uint16_t ouro_address_port(const struct ouro_address *address);

/** Whether both name the same address and port. */
bool ouro_address_equals(const struct ouro_address *a,
                         const struct ouro_address *b);

OURO_END_DECLS

#endif
