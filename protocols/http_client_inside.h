/* SPDX-License-Identifier: MIT */
/* What the files of the HTTP client share: a client, the connections that it
 * keeps, and an answer, which has one of them.
 */
#ifndef OURO_HTTP_CLIENT_INSIDE_H
#define OURO_HTTP_CLIENT_INSIDE_H

#include "http_inbox.h"
#include "http_url.h"

#include <ouro/http_client.h>

#include <sys/queue.h>

/* A connection to a server. */
struct ouro__http_link {
    TAILQ_ENTRY(ouro__http_link) entry; /* while it is kept, oldest first */
    struct ouro_http_client *client;
    struct ouro_stream *stream;
    struct ouro_handle idle; /* ends it while it is kept */
    bool reused;
    char origin[]; /* host and port */
};

TAILQ_HEAD(ouro__http_links, ouro__http_link);

struct ouro_http_client {
    struct ouro_http_client_options options; /* with the defaults filled in */
    struct ouro_http1_limits limits;
    struct ouro__http_links kept;
    size_t kept_count;
    size_t answers; /* that are not given back */
};

struct ouro_http_response {
    struct ouro_http_client *client;
    bool has_own_client;          /* and ends it */
    struct ouro__http_link *link; /* NULL: the connection is given back */
    struct ouro__http_url url;
    struct ouro_http1_head head;
    struct ouro_http1_body body_reader;
    uint8_t *memory; /* the head, and what came with it */
    size_t memory_size;
    size_t memory_room;
    size_t head_size; /* bytes of it that are the head; 0: it is not whole */
    size_t skipped;   /* bytes of the heads before it */
    bool heard;       /* any byte came */
    bool answered;    /* it is that of the answer */
    struct ouro__http_inbox inbox;
    struct ouro_slice part; /* of the body in the inbox, and not read yet */
    size_t used;            /* of the inbox, with that part */
    int error;              /* why no more of the body comes; 0: it may */
    bool ended;             /* its last byte was found */
    bool unsent;            /* the server did not take all of the request */
    bool unbegun;           /* and nothing of its body was sent */
    uint8_t *body;          /* whole */
    size_t body_size;
    size_t body_room;
    struct ouro_http1_field fields[OURO_HTTP1_FIELDS];
};

/* http_client.c: connections. */

/* A kept connection if `fresh` is not set and there is a good one, or a new
 * one. */
OURO_MUST_USE int ouro__http_link_open(struct ouro__http_link **out_link,
                                       struct ouro_http_client *client,
                                       const struct ouro__http_url *url,
                                       bool fresh, struct ouro_report *report);

/* It can be used again; or it cannot.  NULL is nothing. */
void ouro__http_link_keep(struct ouro__http_link *link);
void ouro__http_link_free(struct ouro__http_link *link);

/* Tell `report`, if there is one, about the host of `url`. */
void ouro__http_tell(struct ouro_report *report,
                     const struct ouro__http_url *url, const char *what,
                     int error);

/* http_client_send.c: requests. */

/* What is sent, after redirections. */
struct ouro__http_ask {
    const struct ouro_http_call *call;
    struct ouro_slice method;
    struct ouro__http_url url;
    bool bodiless; /* the body was dropped, with the fields about it */
    bool guarded;  /* another origin: without credentials */
    bool hasty;    /* the server does not know what to agree to */
    bool gave_up;  /* the pull function failed, not the connection */
    bool written;  /* the body is neither given nor pulled, but written */
    struct ouro_slice data; /* of it, now */
};

/* -EINVAL: what it has cannot be sent. */
OURO_MUST_USE int
ouro__http_options_check(const struct ouro_http_client_options *options);

/* The same; call->report is told.  `call` is borrowed, and the URL to be ended.
 */
OURO_MUST_USE int ouro__http_ask_init(struct ouro__http_ask *ask,
                                      const struct ouro_http_call *call);

/* Tell call->report, if there is one, about its URL. */
void ouro__http_tell_call(const struct ouro_http_call *call, const char *why);

bool ouro__http_ask_has_body(const struct ouro__http_ask *ask);

/* Whether its body waits until the server agrees. */
bool ouro__http_ask_expects(const struct ouro__http_ask *ask);

/* Whether its body, or what is written now, is so short that it leaves at once.
 */
bool ouro__http_ask_is_short(const struct ouro__http_ask *ask);

OURO_MUST_USE int ouro__http_send_head(struct ouro__http_link *link,
                                       const struct ouro__http_ask *ask);
OURO_MUST_USE int ouro__http_send_body(struct ouro__http_link *link,
                                       struct ouro__http_ask *ask);

/* What stands behind a body that is not there as a whole. */
OURO_MUST_USE int ouro__http_send_last(struct ouro__http_link *link,
                                       const struct ouro__http_ask *ask);

/* http_client_exchange.c: a request, and the head of its answer. */

/* Whether the connection has ended, and nothing else is wrong. */
bool ouro__http_is_lost(int error);

/* Until the body of the answer begins, on response->link. */
OURO_MUST_USE int ouro__http_exchange(struct ouro_http_response *response,
                                      struct ouro__http_ask *ask);

/* The same in parts: until the body may be sent; ask->data of it; and the
 * answer, after sending came to `sent`. */
OURO_MUST_USE int ouro__http_exchange_begin(struct ouro_http_response *response,
                                            struct ouro__http_ask *ask);
OURO_MUST_USE int ouro__http_exchange_write(struct ouro_http_response *response,
                                            struct ouro__http_ask *ask);
OURO_MUST_USE int ouro__http_exchange_end(struct ouro_http_response *response,
                                          struct ouro__http_ask *ask, int sent);

/* Whether no more of the body is wanted. */
bool ouro__http_is_refused(const struct ouro_http_response *response);

/* What `error` of it means, for who reads a report. */
const char *ouro__http_phrase(const struct ouro_http_response *response,
                              int error);

/* http_client_response.c: answers. */

OURO_MUST_USE struct ouro_http_response *
ouro__http_response_new(struct ouro_http_client *client);

/* Read the next head, of 1xx too; those before it are forgotten. */
OURO_MUST_USE int ouro__http_read_head(struct ouro_http_response *response,
                                       enum ouro_http1_asked asked);

/* No more of the body is wanted, unless it is so short that the connection is
 * worth it. */
OURO_MUST_USE int ouro__http_drain(struct ouro_http_response *response);

/* Its body begins. */
OURO_MUST_USE int ouro__http_begin_body(struct ouro_http_response *response);

#endif
