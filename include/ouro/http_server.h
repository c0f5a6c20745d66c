/* SPDX-License-Identifier: MIT */
#ifndef OURO_HTTP_SERVER_H
#define OURO_HTTP_SERVER_H

#include <ouro/net.h>

OURO_BEGIN_DECLS

/**
 * One request of a client, and the answer to it.
 *
 * It lives until its handler has returned.  What it hands out is borrowed as
 * long.  Belongs to the thread of its loop.
 */
struct ouro_http_request;

/**
 * Answers a request.
 *
 * It begins when the head has come, and the body too unless the route streams.
 * Returns 0.  Without an answer, or with an error and no answer, the client
 * gets 500, without the fields that were added; an error after the answer has
 * begun ends the connection, so that the client does not take a part for the
 * whole.  An error is reported to the exception handler.
 *
 * What ouro_http_read() returned is not: it is the client's, who gets 400, 408
 * or 431.  Nor is -ECANCELED, which is 503 if the client is there still.
 */
typedef int ouro_http_handler_fn(struct ouro_http_request *request,
                                 void *context);

/** What is answered by whom. */
struct ouro_http_route {
    /** "GET", which answers HEAD too; NULL: every method. */
    const char *method;

    /**
     * A path: "/", "/users/{id}", "/files/{path...}".  A name in braces takes
     * one segment, which is not empty; with dots it is the last, and takes all
     * that follows, perhaps nothing.  The first route that matches answers.
     */
    const char *pattern;

    /** Runs in a task of its own, which is cancelled if the client leaves. */
    ouro_http_handler_fn *handler;

    /** Instead: runs on the loop, and must not suspend. */
    ouro_http_handler_fn *callback;

    /** The handler reads the body itself, as it comes; there is no limit. */
    bool streams;
};

/** One line for a log: a request that was answered, or was refused. */
struct ouro_http_access {
    struct ouro_address peer;
    struct ouro_slice method; /* empty where the request was not understood */
    struct ouro_slice target;
    int status;          /* 0: the client left before there was one */
    uint64_t body_size;  /* of the answer, in bytes */
    int64_t duration_ns; /* from the end of its head to the end of the answer */
};

/** Hears of each request when it is over.  It must not suspend. */
typedef void ouro_http_access_fn(const struct ouro_http_access *access,
                                 void *context);

/** How to serve.  Zero is the default of each field. */
struct ouro_http_server_options {
    struct ouro_server_options listen;
    size_t request_line_size; /* bytes; 0: 8 KiB; past it 414 */
    size_t head_size;         /* bytes of all fields; 0: 64 KiB; past it 431 */
    size_t field_count;       /* 0: 100; past it 431 */
    size_t body_size;         /* where the route does not stream; 0: 16 MiB;
                                 past it 413 */
    int64_t idle_timeout_ns;  /* between two requests; 0: 60 s */
    int64_t head_timeout_ns;  /* from the first byte of a head to its last;
                                 0: 20 s; then 408 */
    int64_t progress_timeout_ns; /* 0: 20 s, in which a client must send or take
                                    progress_size bytes, or be cut off */
    size_t progress_size;        /* bytes; 0: 4 KiB */
    int64_t linger_timeout_ns;   /* for a client that still sends what nobody
                                    reads to see the answer; 0: 5 s */
    ouro_http_access_fn *access; /* NULL: nobody is told */
    void *access_context;
};

/** Sockets that speak HTTP/1.1, and HTTP/1.0 to who asks in it. */
struct ouro_http_server;

/**
 * Listen, and answer by `routes`, which end with an empty one and live as long
 * as the server; `context` is what the handlers get.
 *
 * Errors are those of ouro_create_server(), and
 *   -EINVAL  a pattern is not one, or a route has no handler or two
 */
#define ouro_http_start_server(out_server, routes, context, options) \
    ouro__http_start_server(out_server, routes, context, options, OURO_HERE)

OURO_SUSPENDS int
ouro__http_start_server(struct ouro_http_server **out_server,
                        const struct ouro_http_route *routes, void *context,
                        const struct ouro_http_server_options *options,
                        const char *site);

/** What it stands on, for its addresses; there as long as the server. */
struct ouro_server *ouro_http_server_sockets(struct ouro_http_server *server);

/**
 * Serve until the running task is cancelled; then ouro_http_server_stop() with
 * options.listen.grace_ns, and return -ECANCELED.
 */
OURO_SUSPENDS int
ouro_http_server_serve_forever(struct ouro_http_server *server);

/**
 * Stop accepting, close what is idle, let what is in flight finish, with
 * "Connection: close" in the answer, then close what has another protocol, and
 * abort what is left after `grace_ns`.
 *
 * Waits to the end, also in a cancelled task.  Returns 0.
 *   -ETIMEDOUT  some had to be aborted
 *   -EDEADLK    the running task is that of a handler; nothing has changed
 */
OURO_SUSPENDS int ouro_http_server_stop(struct ouro_http_server *server,
                                        int64_t grace_ns);

/**
 * Give the server back, and abort its connections.  NULL is nothing.
 *
 * Nobody may wait in a call of it.  Handlers that run are cancelled, and end
 * afterwards: what they use lives as long as they do.
 */
void ouro_http_server_free(struct ouro_http_server *server);

/** What a server has done, and does. */
struct ouro_http_server_stats {
    uint64_t requests;     /* whose head was understood */
    uint64_t refused;      /* heads that were not, or were too large or slow */
    uint64_t responses[6]; /* by the first digit of their status */
    size_t connections;    /* that speak HTTP now */
    size_t active;         /* requests that have no whole answer, now */
};

void ouro_http_server_get_stats(const struct ouro_http_server *server,
                                struct ouro_http_server_stats *out_stats);

/** What the client asked for: "GET"; the target as it came; its path, and what
 * stands behind "?".  None is decoded. */
struct ouro_slice ouro_http_method(const struct ouro_http_request *request);
struct ouro_slice ouro_http_target(const struct ouro_http_request *request);
struct ouro_slice ouro_http_path(const struct ouro_http_request *request);
struct ouro_slice ouro_http_query(const struct ouro_http_request *request);

/** What stands for "{name}" in the pattern, with its %XX decoded.  Its data is
 * NULL if the pattern has no such name. */
struct ouro_slice ouro_http_param(const struct ouro_http_request *request,
                                  const char *name);

/** The value of the first field of that name, in any case of letters; its data
 * is NULL if there is none. */
struct ouro_slice ouro_http_header(const struct ouro_http_request *request,
                                   const char *name);

/** Who asks.  Its size is 0 once the client has left. */
struct ouro_address
ouro_http_peer_address(const struct ouro_http_request *request);

/** All of the body; empty if the route streams. */
struct ouro_slice ouro_http_body(const struct ouro_http_request *request);

/**
 * Read some of the body of a route that streams, at least one byte.
 *
 * Returns how many are in `into`, 0 at its end.
 *   -OURO_EINCOMPLETE  the client left before its end
 *   -EBADMSG           it is no valid chunked body
 *   -OURO_ELIMIT       its trailers, or the extensions of chunks, are too large
 *   -ETIMEDOUT         it came too slowly
 *   -EBUSY             another task reads
 *   -EINVAL            `size` is 0
 * After one of the first four the connection ends with the answer.
 */
OURO_SUSPENDS ssize_t ouro_http_read(struct ouro_http_request *request,
                                     void *into, size_t size);

/**
 * Add a field to the answer, before it begins.  Both are copied.
 *
 *   -EINVAL    no valid name or value (RFC 9110, 5.1 and 5.5), or one of
 *              Connection, Content-Length, Date and Transfer-Encoding, which
 *              are the server's
 *   -EALREADY  the answer has begun
 *   -ENOMEM
 */
OURO_MUST_USE int ouro_http_add_header(struct ouro_http_request *request,
                                       const char *name,
                                       struct ouro_slice value);

/**
 * Answer with `body`, which is borrowed until this returns, of `content_type`,
 * or NULL: of none.  Never suspends, cannot fail; a second answer is dropped,
 * and reported.  For HEAD, 204, 205 and 304 the body is left out.
 *
 * A status is from 200 to 599, and a content type has no controls (RFC 9110,
 * 5.5 and 15); what has not is reported, and 500 instead.  The body is queued
 * at once: one past the transport's hard limit, 64 MiB, ends the connection.
 */
void ouro_http_respond(struct ouro_http_request *request, int status,
                       const char *content_type, struct ouro_slice body);

/** The same with a line of text, or NULL: the name of the status. */
void ouro_http_respond_text(struct ouro_http_request *request, int status,
                            const char *text);

/** In ouro_http_begin(): the size of the body is not known before its end. */
#define OURO_HTTP_UNKNOWN_SIZE INT64_C(-1)

/**
 * Begin an answer whose body is written afterwards: `size` bytes of it, or
 * OURO_HTTP_UNKNOWN_SIZE, which is sent in chunks.  It ends when the handler
 * returns; fewer bytes than promised end the connection.
 *   -EINVAL    no status, content type or size for an answer, as above
 *   -EALREADY  there is an answer already
 *   -ENOTCONN  the client has left
 */
OURO_MUST_USE int ouro_http_begin(struct ouro_http_request *request, int status,
                                  const char *content_type, int64_t size);

/**
 * Write some of the body, of any size.  Waits while too much is queued.
 * Returns 0.
 *   -ENOTCONN  the client has left
 *   -EBUSY     another task writes
 *   -EMSGSIZE  more than was promised: nothing of it is written
 *   -EINVAL    no answer has begun
 */
OURO_SUSPENDS int ouro_http_write(struct ouro_http_request *request,
                                  struct ouro_slice data);

/**
 * Answer with the regular file `file`: a range of it if the client asked for
 * one (RFC 9110, 14), nothing if it has it already: by `etag`, in quotes or
 * NULL, and by the file's time (RFC 9110, 13).  Takes the descriptor, always.
 * Never suspends.
 *   -EINVAL, …  what `file` or `etag` is not, or fstat(2) said: nothing is
 *               answered
 */
OURO_MUST_USE int ouro_http_respond_file(struct ouro_http_request *request,
                                         int file, const char *content_type,
                                         const char *etag);

/**
 * Answer 101, and let another protocol have the connection (RFC 9110, 7.8).
 *
 * For a request that asks for it, with a body that was read to its end; fields
 * that were added go with the answer.  The connection's protocol is then
 * `*out_protocol`, made of `ops` and zeroed, as by
 * ouro_transport_set_protocol(): it hears no connection_made, so fill its
 * fields before you suspend or return.  From the next turn on it hears what
 * the client has sent behind the request, then all the rest.
 *
 * Ends with ouro_http_server_stop() when no request is left, and with
 * ouro_http_server_free().  The handler returns as ever; tasks of the new
 * protocol are ouro_protocol_create_task()'s.
 *   -EINVAL    the client does not ask for `name`, or not in HTTP/1.1
 *   -EBUSY     some of the body was not read
 *   -EALREADY  there is an answer already
 *   -ENOTCONN  the client has left
 *   -ENOMEM    nothing has changed
 */
OURO_MUST_USE int ouro_http_upgrade(struct ouro_http_request *request,
                                    const char *name,
                                    const struct ouro_protocol_ops *ops,
                                    struct ouro_protocol **out_protocol);

/** Where files are served from.  Zero is the default of each field. */
struct ouro_http_files_options {
    const char *index;  /* of a directory; NULL: "index.html" */
    bool no_compressed; /* do not look for NAME.gz */
};

/**
 * Answer with the file `path` below the directory `root`, a descriptor.
 *
 * Nothing leads out of `root`: no "..", no absolute path, no symbolic link
 * (openat2(2), RESOLVE_BENEATH).  404 where there is none, or it is not
 * regular; 301 for a directory without its slash; the content type is that of
 * the name's extension; NAME.gz instead where the client takes gzip.  Answers
 * GET and HEAD.  Returns 0, or what is to be returned by the handler.
 */
OURO_MUST_USE int
ouro_http_serve_file(struct ouro_http_request *request, int root,
                     struct ouro_slice path,
                     const struct ouro_http_files_options *options);

OURO_END_DECLS

#endif
