/* SPDX-License-Identifier: MIT */
/* The network of the simulation: stream sockets in memory.
 *
 * It does what the kernel's TCP does, as seen from a program: backlogs, bounded
 * buffers, half closes, resets that are told once.  It knows neither time nor
 * chance, and nothing of operations but where a socket keeps them; whoever has
 * those is told by `changed` that an operation may have something to do.
 *
 * All results are negative errors, or 0 or more.  -EAGAIN means: it would have
 * to wait, and `changed` will say when to ask again.
 */
#ifndef OURO_SIM_NET_H
#define OURO_SIM_NET_H

#include <ouro/address.h>
#include <ouro/base.h>

#include <sys/uio.h>

struct ouro__op;

enum {
    OURO__SIM_FIRST_FD = 1000000, /* no number that the kernel gives */
    OURO__SIM_FIRST_PORT = 40000, /* of those that nobody chose */
    OURO__SIM_OPS = 16            /* operations at once on one socket */
};

enum ouro__sim_state {
    OURO__SIM_IDLE,
    OURO__SIM_CONNECTING,
    OURO__SIM_LISTENING,
    OURO__SIM_CONNECTED,
    OURO__SIM_BROKEN /* it was reset */
};

struct ouro__sim_socket {
    enum ouro__sim_state state;
    int fd;          /* -1: nobody has accepted it yet */
    uint64_t serial; /* of its number, which others had before it */
    int family;
    bool reuse_address;
    bool reuse_port;
    bool v6_only;
    bool resets;    /* close() is a reset */
    bool abandoned; /* it is connecting, and nobody asks */

    struct ouro_address local; /* its size is 0: it is not bound */
    struct ouro_address remote;

    struct ouro__sim_socket *peer; /* NULL: it is closed */
    uint8_t *bytes; /* a ring: what the peer sent and nobody has received */
    size_t first;
    size_t size;
    bool end_received;
    bool end_sent;
    bool wants_room; /* a send came up short, or a poll for room said no */
    int error;       /* what is told to the first who asks; or 0 */

    size_t backlog;
    size_t queued;
    struct ouro__list queue;    /* of sockets that wait to be accepted */
    struct ouro__list knocking; /* of sockets that find the queue full */

    struct ouro__list link; /* in one of those, or among the timed */
    int64_t when_ns;        /* the connect arrives */
    int route_error;        /* and fails with this; or 0 */

    struct ouro__op *ops[OURO__SIM_OPS]; /* in flight on it */
};

struct ouro__sim_net;

/* Something happened to `socket`: `events` as poll(2) names them. */
typedef void ouro__sim_changed_fn(struct ouro__sim_net *net,
                                  struct ouro__sim_socket *socket,
                                  uint32_t events);

struct ouro__sim_net {
    ouro__sim_changed_fn *changed;
    struct ouro__sim_socket **table; /* by number; NULL: free */
    size_t capacity;
    size_t count;
    size_t limit;            /* of count; SIZE_MAX: none */
    size_t buffer_size;      /* bytes each way */
    struct ouro__list timed; /* sockets whose connect is on the way */
    unsigned next_port;
    uint64_t serial; /* of the number that was given last */
};

/* Whatever happened, in `changed`. */
enum { OURO__SIM_EVERYTHING = 0xffff };

/* Sockets: sim_net.c. */

OURO_MUST_USE int ouro__sim_net_init(struct ouro__sim_net *net,
                                     ouro__sim_changed_fn *changed,
                                     size_t buffer_size, size_t limit);
/* Sockets that are open are freed, and nobody hears of it. */
void ouro__sim_net_fini(struct ouro__sim_net *net);

/* The socket with that number, or NULL. */
struct ouro__sim_socket *ouro__sim_find(const struct ouro__sim_net *net,
                                        int fd);

/* A number, the lowest that is free.  -EMFILE, -ENOMEM, -EAFNOSUPPORT. */
int ouro__sim_open(struct ouro__sim_net *net, int family);
void ouro__sim_close(struct ouro__sim_net *net,
                     struct ouro__sim_socket *socket);

int ouro__sim_listen(struct ouro__sim_net *net, struct ouro__sim_socket *socket,
                     int backlog);

/* A number, or -EMFILE, also when nobody is there; -EAGAIN; -EINVAL. */
int ouro__sim_accept(struct ouro__sim_net *net,
                     struct ouro__sim_socket *listener);

/* Reset the connection that is first in the queue: it is gone. */
void ouro__sim_drop_first(struct ouro__sim_net *net,
                          struct ouro__sim_socket *listener);

/* Send a connect on its way; it arrives at `when_ns`, with `route_error`. */
int ouro__sim_connect_start(struct ouro__sim_net *net,
                            struct ouro__sim_socket *socket,
                            const struct ouro_address *to, int64_t when_ns,
                            int route_error);

/* Where it got to by now.  -EAGAIN: it has not arrived, or the backlog is
 * full.  Other errors end it, and it may be tried anew. */
int ouro__sim_connect_try(struct ouro__sim_net *net,
                          struct ouro__sim_socket *socket, int64_t now_ns);

/* Nobody asks any more.  It may be started again, and then goes on to where it
 * was going; with the kernel it does so meanwhile. */
void ouro__sim_connect_stop(struct ouro__sim_socket *socket);

/* Who is where: sim_place.c. */

int ouro__sim_bind(struct ouro__sim_net *net, struct ouro__sim_socket *socket,
                   const struct ouro_address *address);

/* Choose a place for a socket that talks to `to`; nothing if it has one. */
int ouro__sim_bind_towards(struct ouro__sim_net *net,
                           struct ouro__sim_socket *socket,
                           const struct ouro_address *to);

/* Whether somebody listens already where `socket` is bound. */
bool ouro__sim_is_taken(const struct ouro__sim_net *net,
                        const struct ouro__sim_socket *socket);

/* Who listens at `to`; NULL: nobody. */
struct ouro__sim_socket *
ouro__sim_find_listener(const struct ouro__sim_net *net,
                        const struct ouro_address *to);

/* Whether both are the same host, whatever the ports. */
bool ouro__sim_same_host(const struct ouro_address *a,
                         const struct ouro_address *b);

/* `to`, but the loopback address for the address that means every one. */
struct ouro_address ouro__sim_somewhere(const struct ouro_address *to);

/* `address` as a socket of `family` sees it: ::ffff:1.2.3.4. */
struct ouro_address ouro__sim_seen_by(int family,
                                      const struct ouro_address *address);

/* An address of `family` that means every one, with port 0. */
struct ouro_address ouro__sim_nowhere(int family);

/* Bytes and their ends: sim_stream.c. */

/* What poll(2) would say. */
uint32_t ouro__sim_poll(struct ouro__sim_net *net,
                        struct ouro__sim_socket *socket);

/* Send up to `most` of the bytes that `vectors` hold behind the first `skip`.
 */
ssize_t ouro__sim_send(struct ouro__sim_net *net,
                       struct ouro__sim_socket *socket,
                       const struct iovec *vectors, size_t skip, size_t most);

ssize_t ouro__sim_recv(struct ouro__sim_net *net,
                       struct ouro__sim_socket *socket, void *into,
                       size_t size);

int ouro__sim_shutdown_write(struct ouro__sim_net *net,
                             struct ouro__sim_socket *socket);

/* Whether it is connected, and not at the end of both directions. */
bool ouro__sim_is_alive(const struct ouro__sim_socket *socket);

/* A reset arrives at `socket`. */
void ouro__sim_reset(struct ouro__sim_net *net,
                     struct ouro__sim_socket *socket);

/* `socket` leaves: its peer sees the end, or a reset. */
void ouro__sim_hang_up(struct ouro__sim_net *net,
                       struct ouro__sim_socket *socket);

#endif
