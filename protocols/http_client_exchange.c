/* SPDX-License-Identifier: MIT */
/* One exchange on one connection: a request, and the head of its answer.
 *
 * The happy path: the head and the body go out, heads of 1xx are skipped, and
 * the head of the answer comes.
 *
 * What may happen instead:
 *
 * - The server answers while the body is still sent: a task reads meanwhile.
 *   A refusal ends the body; with 2xx the rest of it goes out, if it can.  The
 *   answer counts in any case.
 * - It closes while the body is sent: there may be an answer all the same.
 */
#include "http_client_inside.h"

#include <ouro/error.h>
#include <ouro/task.h>
#include <ouro/transport.h>

#include <errno.h>
#include <string.h>

static enum ouro_http1_asked
asked_by(const struct ouro__http_ask *ask)
{
    bool head =
        ask->method.size == 4 && memcmp(ask->method.data, "HEAD", 4) == 0;

    return head ? OURO_HTTP1_ASKED_HEAD : OURO_HTTP1_ASKED;
}

bool
ouro__http_is_lost(int error)
{
    return error == -OURO_EINCOMPLETE || error == -ECONNRESET
           || error == -EPIPE;
}

/* The head of the answer, behind those of 1xx, unless it is there. */
static int
read_answer(struct ouro_http_response *response,
            const struct ouro__http_ask *ask)
{
    int rc = 0;

    while (rc == 0 && !response->answered) {
        rc = ouro__http_read_head(response, asked_by(ask));
        response->answered =
            rc == 0
            && (response->head.status >= 200 || response->head.status == 101);
    }
    if (rc == 0 && response->head.framing == OURO_HTTP1_TUNNEL)
        return -EBADMSG;
    return rc;
}

static int
read_answer_in_time(struct ouro_http_response *response,
                    const struct ouro__http_ask *ask)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, response->client->options.head_timeout_ns);
    int rc = read_answer(response, ask);
    return (int)ouro_timeout_end(&limit, rc);
}

/* Until the server agrees, or answers, or the time for that is over. */
static int
await_continue(struct ouro_http_response *response,
               const struct ouro__http_ask *ask)
{
    struct ouro_timeout limit;
    int rc;

    ouro_timeout_begin(&limit, response->client->options.expect_timeout_ns);
    do
        rc = ouro__http_read_head(response, asked_by(ask));
    while (rc == 0 && response->head.status > 101
           && response->head.status < 200);
    rc = (int)ouro_timeout_end(&limit, rc);
    response->answered = rc == 0 && response->head.status > 100;
    return rc == -ETIMEDOUT ? 0 : rc;
}

/* A body that takes its time, and who listens meanwhile. */
struct sending {
    struct ouro_http_response *response;
    const struct ouro__http_ask *ask;
    struct ouro_group group;
};

/* A refusal ends the body; one that agrees may need the rest of it. */
static int
hear_answer(void *arg)
{
    struct sending *sending = arg;
    int rc = read_answer(sending->response, sending->ask);

    if (rc == 0 && sending->response->head.status >= 300) {
        sending->response->unsent = true;
        ouro_group_cancel(&sending->group);
    }
    return rc;
}

static int
send_and_hear(struct ouro_http_response *response, struct ouro__http_ask *ask)
{
    struct sending sending = {.response = response, .ask = ask};

    ouro_group_begin(&sending.group);
    int sent = ouro_group_create_task(&sending.group, hear_answer, &sending);
    if (sent == 0)
        sent = ouro__http_send_body(response->link, ask);
    if (sent == 0)
        ouro_group_cancel(&sending.group);
    int rc = ouro_group_end(&sending.group, sent);
    if (rc != sent)
        ask->gave_up = false; /* it was told to */
    return rc;
}

int
ouro__http_exchange_begin(struct ouro_http_response *response,
                          struct ouro__http_ask *ask)
{
    int rc = ouro__http_send_head(response->link, ask);

    if (rc == 0 && ouro__http_ask_expects(ask))
        rc = await_continue(response, ask);
    response->unbegun = response->answered;
    response->unsent = response->answered;
    return rc;
}

/* Whether there is an answer, in one turn.  One that agrees is no reason to
 * stop. */
static int
look_for_answer(struct ouro_http_response *response,
                const struct ouro__http_ask *ask)
{
    struct ouro_timeout limit;

    if (response->answered)
        return 0;
    ouro_timeout_begin(&limit, 0);
    int rc = read_answer(response, ask);
    rc = (int)ouro_timeout_end(&limit, rc);
    if (rc == 0 && response->head.status >= 300)
        response->unsent = true;
    return rc == -ETIMEDOUT ? 0 : rc;
}

int
ouro__http_exchange_write(struct ouro_http_response *response,
                          struct ouro__http_ask *ask)
{
    struct ouro_transport *transport =
        ouro_stream_transport(response->link->stream);
    int rc = look_for_answer(response, ask);

    if (rc < 0 || ouro__http_is_refused(response))
        return rc;
    if (response->answered
        || (ouro__http_ask_is_short(ask)
            && !ouro_transport_is_writing_paused(transport)))
        return ouro__http_send_body(response->link, ask);
    return send_and_hear(response, ask);
}

bool
ouro__http_is_refused(const struct ouro_http_response *response)
{
    return response->answered && response->unsent;
}

/* The request did not leave as a whole; there may be an answer all the same. */
static bool
may_be_answered(const struct ouro_http_response *response,
                const struct ouro__http_ask *ask, int error)
{
    return !ask->gave_up
           && (ouro__http_is_lost(error)
               || (response->answered && error == -ETIMEDOUT));
}

int
ouro__http_exchange_end(struct ouro_http_response *response,
                        struct ouro__http_ask *ask, int sent)
{
    response->unsent |= sent < 0;
    if (sent < 0 && !may_be_answered(response, ask, sent))
        return sent;
    int rc = read_answer_in_time(response, ask);
    if (rc < 0)
        return sent < 0 && ouro__http_is_lost(rc) ? sent : rc;
    return ouro__http_begin_body(response);
}

int
ouro__http_exchange(struct ouro_http_response *response,
                    struct ouro__http_ask *ask)
{
    int sent = ouro__http_exchange_begin(response, ask);

    if (sent == 0 && ouro__http_ask_has_body(ask)
        && !ouro__http_is_refused(response))
        sent = ouro__http_ask_is_short(ask)
                   ? ouro__http_send_body(response->link, ask)
                   : send_and_hear(response, ask);
    return ouro__http_exchange_end(response, ask, sent);
}

const char *
ouro__http_phrase(const struct ouro_http_response *response, int error)
{
    if (response->head.error != OURO_HTTP1_OK)
        return ouro_http1_error_name(response->head.error);
    if (error == -OURO_ELIMIT)
        return "it sent too many heads of 1xx";
    if (error == -EBADMSG)
        return "it changed to another protocol";
    if (error == -ETIMEDOUT)
        return "it did not answer, or take the request, in time";
    if (error == -ECANCELED)
        return "the call was cancelled";
    if (error == -ENOMEM)
        return "there is no memory";
    if (error == -OURO_EINCOMPLETE)
        return "it closed the connection before its answer was whole";
    return "the connection failed";
}
