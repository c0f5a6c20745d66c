/* SPDX-License-Identifier: MIT */
#ifndef OURO_HTTP_CLIENT_H
#define OURO_HTTP_CLIENT_H

#include <ouro/http1_parser.h>
#include <ouro/net.h>

OURO_BEGIN_DECLS

/** How a client asks.  Zero is the default of each field. */
struct ouro_http_client_options {
    int64_t connect_timeout_ns; /* 0: 60 s */
    int64_t head_timeout_ns;    /* from the end of the request to the end of the
                                   answer's head; 0: 60 s */
    int64_t idle_timeout_ns;    /* of a body, either way: between two parts; 0:
                                   60 s */
    int64_t keep_timeout_ns;    /* an unused connection; 0: 15 s */
    int64_t expect_timeout_ns;  /* for 100, then the body is sent; 0: 1 s */
    size_t kept_per_host;       /* unused connections; 0: 8 */
    size_t kept_in_all;         /* 0: 64 */
    size_t head_size;           /* bytes of all fields; 0: 64 KiB */
    unsigned redirects;         /* that are followed; 0: 10 */
    const char *user_agent;     /* lives as long as the client; NULL: "ouro" */
};

/**
 * Asks HTTP/1.1 servers, and keeps connections to ask again (RFC 9112, 9.3).
 *
 * Any number of tasks may ask at once, each on a connection of its own.
 * Belongs to the thread of its loop.
 */
struct ouro_http_client;

/**
 * Make a client; `options` may be NULL, and are copied.
 *
 *   -EINVAL  options.user_agent is no value of a field
 *   -ENOMEM
 */
OURO_MUST_USE int
ouro_http_client_new(struct ouro_http_client **out_client,
                     const struct ouro_http_client_options *options);

/** Close what it keeps, and give it back, after its last answer.  NULL is
 * nothing. */
void ouro_http_client_free(struct ouro_http_client *client);

/** How many unused connections it keeps. */
size_t ouro_http_client_kept(const struct ouro_http_client *client);

/**
 * Some more of a body that is sent, at most `size` bytes of it.
 *
 * It may suspend; if the server refuses the rest meanwhile, that fails with
 * -ECANCELED, and what is returned then does not count.  Returns how many are
 * in `into`, 0 at the end, or why there are none: then the connection ends, and
 * the call returns this.
 */
typedef ssize_t ouro_http_pull_fn(void *into, size_t size, void *context);

/** What is asked.  Zero is the default of each field; all is borrowed. */
struct ouro_http_call {
    const char *method; /* NULL: "GET" */
    const char *url;    /* "http://host:port/path?query" */
    const struct ouro_http1_field *fields;
    size_t field_count;
    struct ouro_slice body;
    ouro_http_pull_fn *pull; /* instead of body */
    void *pull_context;
    uint64_t pull_size;   /* of all that it gives, or is written; 0: not known,
                             it goes out in chunks */
    bool expect_continue; /* send the body when the server has agreed */
    bool keep_redirects;  /* a redirection is an answer like any other */
    struct ouro_report *report; /* NULL, or told which host failed, and why */
};

/** An answer: its head, and its body as it comes. */
struct ouro_http_response;

/**
 * Ask, follow redirections, and return when the head of the answer has come.
 *
 * Of 301, 302 and 303 anything but GET and HEAD becomes GET without a body (301
 * and 302 only where it was POST); 307 and 308 repeat the request, unless its
 * body was pulled: then they are the answer.  To another origin neither
 * Authorization nor Cookie is sent.  A request that does no harm twice (RFC
 * 9110, 9.2.2), and has no pulled body, is sent once more if a kept connection
 * turns out to be closed.
 *
 * An answer may come while the body is sent.  From 300 on it is a refusal: the
 * rest of the body is not sent, and the connection not used again.  Otherwise
 * the rest is sent, if it can be, before this returns.
 *
 * `client` may be NULL: then the answer has one of its own, with the defaults.
 *
 * Returns 0, whatever the status; free `*out_response`.
 *   -EINVAL  no valid URL, method or field, or a field of the client's own:
 *            Connection, Content-Length, Expect, Host, TE, Trailer,
 *            Transfer-Encoding, Upgrade; user and password in a URL
 *   -EPROTONOSUPPORT   "https", or any scheme but "http"
 *   -ELOOP             too many redirections
 *   -ETIMEDOUT         a limit of the options; the report says which
 *   -OURO_EINCOMPLETE  the server closed before the end of a head, or the pull
 *                      function gave fewer bytes than it had promised
 *   -EMSGSIZE          it gave more
 *   -EBADMSG           the answer is no HTTP/1.x
 *   -OURO_ELIMIT       its head is too large
 *   -ECONNREFUSED, …   those of ouro_open_connection() and of its stream
 */
OURO_SUSPENDS int ouro_http_fetch(struct ouro_http_client *client,
                                  const struct ouro_http_call *call,
                                  struct ouro_http_response **out_response);

/** The same for a plain GET. */
OURO_SUSPENDS int ouro_http_get(struct ouro_http_client *client,
                                const char *url,
                                struct ouro_http_response **out_response);

/**
 * A request whose body is written by who asks, instead of pulled:
 *
 *     ouro_http_upload_begin
 *         ouro_http_upload_write, as often as there is something
 *     ouro_http_upload_end, which gives the answer
 *
 * It is sent once, and a redirection is an answer like any other.  For one task
 * at a time.
 */
struct ouro_http_upload;

/**
 * Send the head of a request, which has neither body nor pull.
 *
 * With call->expect_continue this waits until the server has agreed, or
 * answered, or the time for that is over.  All of `call` is borrowed until this
 * returns, and call->report until the upload is given back.  `client` may be
 * NULL, as above.
 *
 * Returns 0; the errors of ouro_http_fetch().
 */
OURO_SUSPENDS int ouro_http_upload_begin(struct ouro_http_client *client,
                                         const struct ouro_http_call *call,
                                         struct ouro_http_upload **out_upload);

/**
 * Send some of the body; `data` is borrowed until the call returns.
 *
 * Returns 0.  After any failure no more is sent.
 *   -EPIPE       the server has refused it, or is gone: ouro_http_upload_end()
 *                gives the answer if there is one
 *   -EMSGSIZE    it is more than call->pull_size; none of it was sent
 *   -ETIMEDOUT   none of it was taken in options.idle_timeout_ns
 *   -EBADMSG, …  the server has said what is no answer
 */
OURO_SUSPENDS int ouro_http_upload_write(struct ouro_http_upload *upload,
                                         struct ouro_slice data);

/**
 * That was the body: return when the head of the answer has come.
 *
 * The upload is given back in any case.
 *
 * Returns 0, and `*out_response` is to be freed; the errors of
 * ouro_http_fetch(), or why a write had failed.
 *   -OURO_EINCOMPLETE  also if it is less than call->pull_size
 */
OURO_SUSPENDS int
ouro_http_upload_end(struct ouro_http_upload *upload,
                     struct ouro_http_response **out_response);

/** Give it back without its end: the connection is closed.  NULL is nothing. */
void ouro_http_upload_free(struct ouro_http_upload *upload);

/** 200 to 999, or a redirection that was not followed. */
int ouro_http_response_status(const struct ouro_http_response *response);

/** The head as it came; borrowed, as all below. */
const struct ouro_http1_head *
ouro_http_response_head(const struct ouro_http_response *response);

/** The value of the first field of that name, in any case of letters; its data
 * is NULL if there is none. */
struct ouro_slice
ouro_http_response_header(const struct ouro_http_response *response,
                          const char *name);

/** Who answered, after redirections: "http://host:port/path?query". */
const char *ouro_http_response_url(const struct ouro_http_response *response);

/**
 * Read some of the body, at least one byte; the server waits for who reads.
 *
 * Returns how many are in `into`, 0 at its end.
 *   -OURO_EINCOMPLETE  the server closed before its end
 *   -EBADMSG           it is no valid chunked body
 *   -ETIMEDOUT         nothing came in options.idle_timeout_ns
 */
OURO_SUSPENDS ssize_t ouro_http_response_read(
    struct ouro_http_response *response, void *into, size_t size);

/**
 * Read what is left of the body, which lives as long as the answer.
 *
 * Returns 0; the errors above, and
 *   -OURO_ELIMIT  it has more than `limit` bytes
 *   -ENOMEM
 */
OURO_SUSPENDS int
ouro_http_response_read_all(struct ouro_http_response *response, size_t limit,
                            struct ouro_slice *out_body);

/** Give it back.  Its connection is kept if the body was read to its end, else
 * closed.  NULL is nothing. */
void ouro_http_response_free(struct ouro_http_response *response);

OURO_END_DECLS

#endif
