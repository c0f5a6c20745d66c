/* SPDX-License-Identifier: MIT */
#ifndef OURO_NET_H
#define OURO_NET_H

#include <ouro/address.h>
#include <ouro/protocol.h>
#include <ouro/stream.h>
#include <ouro/transport.h>

OURO_BEGIN_DECLS

/** A field of the options below: a descriptor that is ready. */
struct ouro_descriptor {
    int number;
    bool given; /* false: there is none, and number is not looked at */
};

/** Whom to connect to, and how.  Zero is the default of each field. */
struct ouro_connect_options {
    const char *host;                /* name or address */
    const char *service;             /* port, or its name in services(5) */
    const char *local_host;          /* an address to connect from */
    const char *local_service;       /* a port to connect from; NULL: any */
    struct ouro_descriptor ready;    /* a connected socket, instead of these */
    int family;                      /* AF_INET, AF_INET6; 0: both */
    int64_t timeout_ns;              /* 0: 60 s; OURO_FOREVER: none */
    int64_t happy_eyeballs_delay_ns; /* 0: 250 ms; OURO_FOREVER: one by one */
    int64_t close_timeout_ns;        /* 0: 30 s; see ouro_transport_close() */
    size_t read_limit;               /* bytes of a line; 0: 64 KiB */
    struct ouro_report *report;      /* NULL, or told of each address tried */
};

/** Where to listen, and how.  Zero is the default of each field. */
struct ouro_server_options {
    const char *host;         /* name or address; NULL or "": every one */
    const char *const *hosts; /* several, ended by NULL, instead of host */
    const char *service;      /* port or its name; NULL or "0": a free one */
    struct ouro_descriptor ready; /* a bound socket, instead of these */
    int family;                   /* AF_INET, AF_INET6; 0: both */
    int backlog;                  /* 0: 100 */
    bool reuse_port;              /* SO_REUSEPORT: others have the port too */
    bool defer_serving;           /* until ouro_server_start_serving() */
    int64_t grace_ns;             /* of ouro_server_serve_forever(); 0: 10 s */
    int64_t close_timeout_ns;     /* of its connections; 0: 30 s */
    size_t read_limit;            /* bytes of a line; 0: 64 KiB */
    struct ouro_report
        *report; /* NULL, or told which address failed, and why */
};

/**
 * Sockets that accept.
 *
 * Its connections are their own: they outlive ouro_server_close() unless they
 * are told to end.  Belongs to the thread of its loop.
 */
struct ouro_server;

/**
 * Listen, and make a protocol of `ops` for each connection.
 *
 * `ops` lives as long as the server and its connections; `context` is what
 * connection_made gets.  When it returns, the sockets listen.  One address
 * that fails closes all, and is named in options.report.
 *   -EADDRINUSE     somebody else listens there
 *   -EACCES         a port below 1024, and no right to it
 *   -EADDRNOTAVAIL  none of the addresses is this machine's
 *   -EINVAL         an option is out of its range
 *   -OURO_ENAME, -OURO_ENAMEAGAIN, -OURO_ENAMEFAIL, -OURO_ENOADDRESS
 *                   the host is not known, or not in that family
 *   -OURO_ESERVICE  the service is neither a port nor a name
 *   -EMFILE, -ENFILE, -ENOMEM
 */
#define ouro_create_server(out_server, ops, context, options) \
    ouro__create_server(out_server, ops, context, options, OURO_HERE)

OURO_SUSPENDS int ouro__create_server(struct ouro_server **out_server,
                                      const struct ouro_protocol_ops *ops,
                                      void *context,
                                      const struct ouro_server_options *options,
                                      const char *site);

/**
 * The life of one connection, in a task of its own.
 *
 * The stream is freed when it returns: closed after 0 or more, and after
 * -ECANCELED, which is how a server that stops ends it; aborted after any other
 * error.  Those are reported, but for what a client can bring about as often as
 * it likes: -ECONNRESET, -ECONNABORTED, -EPIPE, -ETIMEDOUT, and -OURO_ELIMIT or
 * -OURO_EINCOMPLETE of a read from this stream.
 */
typedef int ouro_client_connected_fn(struct ouro_stream *stream, void *context);

/** Listen, and run `client_connected` in a task for each connection.  Errors
 * are those of ouro_create_server(). */
#define ouro_start_server(out_server, client_connected, context, options) \
    ouro__start_server(out_server, client_connected, context, options,    \
                       #client_connected, OURO_HERE)

OURO_SUSPENDS int ouro__start_server(struct ouro_server **out_server,
                                     ouro_client_connected_fn *client_connected,
                                     void *context,
                                     const struct ouro_server_options *options,
                                     const char *name, const char *site);

/** How many sockets it listens on. */
size_t ouro_server_address_count(const struct ouro_server *server);

/** The address of one of them, with the port it got; its size is 0 past the
 * last. */
struct ouro_address ouro_server_address(const struct ouro_server *server,
                                        size_t index);

/** Begin to accept, if options.defer_serving was set.  Twice is once. */
void ouro_server_start_serving(struct ouro_server *server);

/** Whether it accepts. */
bool ouro_server_is_serving(const struct ouro_server *server);

/** How many connections it has. */
size_t ouro_server_connection_count(const struct ouro_server *server);

/**
 * Serve until the running task is cancelled; then ouro_server_stop() with
 * options.grace_ns, and return -ECANCELED, also if some had to be aborted.
 * Returns 0 if it was closed.
 *   -EBUSY  another task is in this call
 *   -EADDRINUSE, …  it did not serve yet, and cannot listen
 */
OURO_SUSPENDS int ouro_server_serve_forever(struct ouro_server *server);

/** Stop accepting.  The connections live on. */
void ouro_server_close(struct ouro_server *server);

/**
 * Wait until it is closed and its last connection is lost.  Returns 0.
 *   -EDEADLK  the running task is that of one of its connections
 */
OURO_SUSPENDS int ouro_server_wait_closed(struct ouro_server *server);

/** ouro_transport_close(), or abort, for each of its connections. */
void ouro_server_close_clients(struct ouro_server *server);
void ouro_server_abort_clients(struct ouro_server *server);

/**
 * Stop accepting, end every connection politely, and abort what is left after
 * `grace_ns`.  Tasks of ouro_start_server() are cancelled.
 *
 * Waits to the end, also in a cancelled task.  Returns 0.
 *   -ETIMEDOUT  some had to be aborted
 *   -EDEADLK    the running task is that of one of its connections; nothing
 *               has changed
 */
OURO_SUSPENDS int ouro_server_stop(struct ouro_server *server,
                                   int64_t grace_ns);

/** Give the server back; close it and abort its connections if it is open.
 * NULL is nothing. */
void ouro_server_free(struct ouro_server *server);

/**
 * Connect, and make a protocol of `ops` for it.
 *
 * Every address of the host is tried: the families take turns, each attempt
 * begins 250 ms after the last or when that has failed, and the first to
 * connect wins (RFC 8305).  Returns after connection_made.
 *
 * `*out_protocol` is a reference, and the caller's: the connection may be lost
 * before the call returns.  NULL if you do not need it.
 *   -ETIMEDOUT     options.timeout_ns passed
 *   -ECONNREFUSED, -ENETUNREACH, -EHOSTUNREACH, …  of the first address that
 *                  failed; options.report has all
 *   -OURO_ENAME, -OURO_ENAMEAGAIN, -OURO_ENAMEFAIL, -OURO_ENOADDRESS
 *                  the host is not known, or not in that family
 *   -OURO_ESERVICE the service is neither a port nor a name
 *   -EINVAL        neither host nor descriptor, or an option out of range
 *   -EMFILE, -ENFILE, -ENOMEM
 */
#define ouro_create_connection(out_protocol, ops, context, options) \
    ouro__create_connection(out_protocol, ops, context, options, OURO_HERE)

OURO_SUSPENDS int
ouro__create_connection(struct ouro_protocol **out_protocol,
                        const struct ouro_protocol_ops *ops, void *context,
                        const struct ouro_connect_options *options,
                        const char *site);

/** Connect, and put a stream on it, which is the caller's to free.  Errors are
 * those of ouro_create_connection(). */
#define ouro_open_connection(out_stream, options) \
    ouro__open_connection(out_stream, options, OURO_HERE)

OURO_SUSPENDS int
ouro__open_connection(struct ouro_stream **out_stream,
                      const struct ouro_connect_options *options,
                      const char *site);

/**
 * The addresses of a host, as getaddrinfo(3) finds them for a stream.
 *
 * Runs on a thread of the resolver's own, so that no executor can delay it.  A
 * literal needs no thread.  At most `capacity` go to `out_addresses`, in the
 * system's order.  Returns how many.
 *   -OURO_ENAME, -OURO_ENAMEAGAIN, -OURO_ENAMEFAIL, -OURO_ESERVICE,
 *   -OURO_ENOADDRESS, -ENOMEM
 */
OURO_SUSPENDS ssize_t ouro_getaddrinfo(struct ouro_address *out_addresses,
                                       size_t capacity, const char *host,
                                       const char *service, int family);

OURO_END_DECLS

#endif
