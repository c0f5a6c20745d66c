/* SPDX-License-Identifier: MIT */
/* What the files of the HTTP server share: a server, its connections, and the
 * request that a connection is busy with.
 *
 * A connection has one request at a time, so answers are in order; what comes
 * meanwhile waits as bytes.  An idle connection has no request, and no bytes.
 */
#ifndef OURO_HTTP_SERVER_INSIDE_H
#define OURO_HTTP_SERVER_INSIDE_H

#include "http_inbox.h"
#include "http_router.h"
#include "http_text.h"

#include <ouro/http1_parser.h>
#include <ouro/http_server.h>
#include <ouro/sync.h>

#include <sys/queue.h>

enum {
    OURO__HTTP_OWN_TEXT = 256,         /* bytes of a head that are ours */
    OURO__HTTP_DRAIN_SIZE = 256 * 1024 /* of a body that nobody reads; then the
                                          connection ends */
};

LIST_HEAD(ouro__http_connections, ouro__http_connection);
SLIST_HEAD(ouro__http_requests, ouro_http_request);

struct ouro_http_server {
    struct ouro_http_server_options options; /* with the defaults filled in */
    struct ouro_http1_limits limits;         /* of heads */
    const struct ouro_http_route *routes;
    void *context;
    struct ouro_server *sockets;
    struct ouro__http_connections connections;
    struct ouro__http_requests spares; /* that nobody uses */
    size_t spare_count;
    struct ouro_http_server_stats stats;
    struct ouro_event stopped; /* ouro_http_server_stop() was called */
    struct ouro_event empty;   /* and no connection is left */
    unsigned refs;             /* the user's, and each connection's */
    time_t date_at;            /* of the line below */
    char date[sizeof("Date: \r\n") + OURO__HTTP_DATE];
    bool stopping;
};

enum ouro__http_state {
    OURO__HTTP_IDLE,   /* waits for a request */
    OURO__HTTP_HEAD,   /* a head has begun to come */
    OURO__HTTP_BODY,   /* a body comes, before its handler begins */
    OURO__HTTP_ACTIVE, /* a handler runs */
    OURO__HTTP_DRAIN,  /* answered; the rest of the body is thrown away */
    OURO__HTTP_FLUSH,  /* ends once the client has taken what is queued */
    OURO__HTTP_LINGER, /* closed but for what the client still sends */
    OURO__HTTP_GIVEN   /* another protocol has it, or will have what came */
};

struct ouro__http_connection {
    struct ouro_protocol base;
    LIST_ENTRY(ouro__http_connection) link;
    struct ouro_http_server *server;
    struct ouro_http_request *request; /* NULL: none */
    struct ouro__http_inbox inbox;     /* came, and was not used */
    struct ouro_handle timer;
    struct ouro_handle again; /* looks whether output has drained */
    int64_t timer_ns;         /* when it fires, if it waits */
    int64_t deadline_ns;      /* of the state; OURO_FOREVER: none */
    uint64_t received;        /* bytes, for progress */
    uint64_t written;
    uint64_t received_before;   /* when it was last looked */
    uint64_t taken_before;      /* of what was written, likewise */
    size_t drained;             /* bytes of a body that nobody read */
    size_t behind;              /* bytes that have come behind the request */
    struct ouro_task *task;     /* that runs the handler; NULL: none */
    struct ouro_protocol *heir; /* who has it after an upgrade */
    enum ouro__http_state state;
    bool moving;        /* the deadline is for bytes to move */
    bool output_paused; /* by pause_writing */
    bool input_ended;
    bool lost;
    bool in_task; /* a task of ours runs, and goes on with what comes next */
};

/* The answer of a request. */
struct ouro__http_answer {
    int status;          /* 0: none has begun */
    const char *upgrade; /* 101: what to; borrowed until the head is made */
    int64_t size;        /* promised; OURO_HTTP_UNKNOWN_SIZE: none was */
    uint64_t written;    /* of the body */
    uint8_t *fields;     /* that were added, with their ends */
    size_t fields_size;
    size_t fields_room;
    bool chunked;
    bool bodiless; /* HEAD, 204, 304: what is written is left out */
    bool closes;   /* the connection ends with it */
};

/* The head, as the slices it is sent in.  A slice costs as much as some bytes
 * more, so what the server writes itself is as few of them as can be. */
struct ouro__http_head {
    struct ouro_slice parts[6];
    size_t count;
    size_t size;  /* of `text` */
    size_t added; /* of these, in parts */
    char text[OURO__HTTP_OWN_TEXT];
};

struct ouro_http_request {
    SLIST_ENTRY(ouro_http_request) spare;
    struct ouro__http_connection *connection;
    struct ouro_http1_head head;
    struct ouro_http1_body body_reader;
    struct ouro__http_match match;
    uint8_t *memory; /* the head, when it has to be kept */
    size_t memory_room;
    uint8_t *decoded; /* what was percent-encoded */
    size_t decoded_room;
    uint8_t *body; /* whole, unless the route streams */
    size_t body_size;
    size_t body_room;
    size_t part_size; /* of the body, at the front of the inbox, not read yet */
    int body_error;   /* why no more of it comes; 0: it may */
    bool body_ended;  /* its last byte was taken */
    bool continue_due;         /* the client waits for 100 */
    struct ouro_future *input; /* of who waits for bytes; NULL: nobody */
    struct ouro_future *room;  /* of who waits to write */
    bool writing;              /* somebody is in ouro_http_write() */
    int64_t begun_ns;          /* for the log, as the next one */
    struct ouro_address peer;  /* a client that has left has none any more */
    struct ouro__http_answer answer;
    struct ouro_http1_field fields[]; /* options.field_count of them */
};

/* http_server.c: its life. */

void ouro__http_server_unref(struct ouro_http_server *server);

/* http_connection.c: its states, its task, its end. */

extern const struct ouro_protocol_ops ouro__http_connection_ops;

/* Whether what is written may reach the client. */
bool ouro__http_is_open(const struct ouro__http_connection *connection);

/* It is idle; or a body comes, in `state`; or it ends once the client, who
 * still sends, has had the time to see the answer. */
void ouro__http_become_idle(struct ouro__http_connection *connection);
void ouro__http_await_body(struct ouro__http_connection *connection,
                           enum ouro__http_state state);
void ouro__http_linger(struct ouro__http_connection *connection);

/* It ends when what is queued has left, or the client takes no more of it. */
void ouro__http_end(struct ouro__http_connection *connection);

/* The client has sent its last byte: end, unless something can be answered
 * still. */
void ouro__http_end_if_over(struct ouro__http_connection *connection);

/* Output is paused, and that was not told: go on in a turn, if it has
 * drained. */
void ouro__http_look_again(struct ouro__http_connection *connection);

/* It is lost, or another's: it leaves the server when its task has ended. */
void ouro__http_connection_over(struct ouro__http_connection *connection);

/* The task of a connection: its handlers, as long as there are requests. */
int ouro__http_serve(struct ouro_protocol *self, void *arg);

/* The server is stopping: end it if it is idle. */
void ouro__http_connection_stop(struct ouro__http_connection *connection);

/* http_input.c: bytes to requests. */

/* Use what can be used.  Returns how much it was. */
size_t ouro__http_use(struct ouro__http_connection *connection,
                      struct ouro_slice bytes);
void ouro__http_use_inbox(struct ouro__http_connection *connection);

/* Put what was not used into the inbox. */
void ouro__http_keep(struct ouro__http_connection *connection,
                     struct ouro_slice data);

/* Some of the body at the front of `bytes`, which move past it; empty: there is
 * none, and body_ended or body_error say whether more will come. */
struct ouro_slice ouro__http_next_part(struct ouro_http_request *request,
                                       struct ouro_slice *bytes);

/* Take some of the body from what came, at most `size` bytes.  Returns how
 * many; 0: none is there, and request->body_ended or body_error say whether
 * more may come. */
size_t ouro__http_take_body(struct ouro_http_request *request, void *into,
                            size_t size);

/* Tell the client that it may send its body, if it waits for that. */
void ouro__http_continue(struct ouro_http_request *request);

/* http_exchange.c: the course of a request. */

/* Its head is whole: `size` bytes at `bytes`. */
void ouro__http_begin_request(struct ouro__http_connection *connection,
                              const uint8_t *bytes, size_t size);

/* Its body is too. */
void ouro__http_run(struct ouro__http_connection *connection);

/* Its answer is: go on with what is left of it. */
void ouro__http_finish(struct ouro__http_connection *connection);

/* The server's own answer; the connection ends with it.  Of a head that was
 * not understood, nothing is. */
void ouro__http_refuse(struct ouro__http_connection *connection, int status);
void ouro__http_refuse_head(struct ouro__http_connection *connection,
                            int status);

/* Tell the log that it is over. */
void ouro__http_log(struct ouro_http_request *request);

/* http_request.c: what a connection is busy with. */

OURO_MUST_USE struct ouro_http_request *
ouro__http_request_new(struct ouro__http_connection *connection);
void ouro__http_request_free(struct ouro_http_request *request);

/* Copy what its slices point to, `size` bytes at `bytes`, so that it stays. */
OURO_MUST_USE int ouro__http_request_keep(struct ouro_http_request *request,
                                          const uint8_t *bytes, size_t size);

/* Decode its parameters. */
OURO_MUST_USE int ouro__http_request_decode(struct ouro_http_request *request);

/* Give back what the server keeps of them. */
void ouro__http_spares_free(struct ouro_http_server *server);

/* Suspend until somebody wakes who waits in `*slot`, or the client is too
 * slow. */
OURO_SUSPENDS int ouro__http_wait(struct ouro_http_request *request,
                                  struct ouro_future **slot);
void ouro__http_wake(struct ouro_future *future);

/* What the client is told of a body that did not come as it should. */
int ouro__http_body_status(const struct ouro_http_request *request);

/* http_head.c: the head of an answer. */

/* Whether they may be of a last answer, and end no line before its end. */
bool ouro__http_is_answer(int status, const char *content_type);

void ouro__http_answer_begin(struct ouro_http_request *request, int status,
                             int64_t size);

/* What the answer has so far, whose content type and fields are borrowed until
 * it is written; and more behind it. */
void ouro__http_head_make(struct ouro__http_head *head,
                          struct ouro_http_request *request,
                          const char *content_type);
void ouro__http_head_add(struct ouro__http_head *head, struct ouro_slice part);

/* http_response.c: the answer. */

void ouro__http_write_parts(struct ouro__http_connection *connection,
                            const struct ouro_slice *parts, size_t count);

/* End what the handler left open, with 500 where there is nothing; `rc` is
 * what it returned. */
void ouro__http_answer_end(struct ouro_http_request *request, int rc);

/* Begin with `status` and send all of the body from a file, whose descriptor it
 * takes, always.  Never suspends. */
OURO_MUST_USE int ouro__http_send_file(struct ouro_http_request *request,
                                       int status, const char *content_type,
                                       int file, uint64_t first,
                                       uint64_t count);

/* http_timer.c: clients that are too slow. */

/* From now on the state may last `delay_ns`; OURO_FOREVER: as long as it
 * likes. */
void ouro__http_watch(struct ouro__http_connection *connection,
                      int64_t delay_ns);

/* The same for a state in which bytes have to move. */
void ouro__http_watch_progress(struct ouro__http_connection *connection);

#endif
