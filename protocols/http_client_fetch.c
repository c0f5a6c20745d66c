/* SPDX-License-Identifier: MIT */
/* From a call to its answer: connections, attempts, redirections.
 *
 * The happy path: a connection, and one exchange on it.
 *
 * What may happen instead:
 *
 * - A kept connection ends before a byte of the answer: the request is sent
 *   once more, on a new one, if that does no harm.
 * - The server cannot agree to a body before it comes: it gets it at once.
 * - It redirects: the same from the beginning, with another URL.
 */
#include "http_client_inside.h"
#include "http_text.h"

#include <ouro/error.h>
#include <ouro/task.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Idempotent (RFC 9110, 9.2.2), and there to be sent again. */
static bool
may_repeat(const struct ouro__http_ask *ask)
{
    static const char *const names[] = {"GET",     "HEAD",  "PUT", "DELETE",
                                        "OPTIONS", "TRACE", NULL};
    bool is_idempotent = false;

    for (const char *const *name = names; *name != NULL; name++)
        is_idempotent |=
            strlen(*name) == ask->method.size
            && memcmp(*name, ask->method.data, ask->method.size) == 0;
    return is_idempotent && (ask->call->pull == NULL || ask->bodiless);
}

/* Once, on one connection.  `*out_again`: it was a kept one that had ended. */
static int
attempt(struct ouro_http_response **out_response,
        struct ouro_http_client *client, struct ouro__http_ask *ask, bool fresh,
        bool *out_again)
{
    struct ouro_http_response *response = ouro__http_response_new(client);

    *out_again = false;
    if (response == NULL)
        return -ENOMEM;
    int rc = ouro__http_link_open(&response->link, client, &ask->url, fresh,
                                  ask->call->report);
    if (rc < 0) {
        ouro_http_response_free(response);
        return rc;
    }
    bool reused = response->link->reused;
    rc = ouro__http_exchange(response, ask);
    if (rc < 0) {
        *out_again = reused && !response->heard && ouro__http_is_lost(rc)
                     && may_repeat(ask);
        if (*out_again)
            ; /* what comes of the second attempt is told */
        else if (ask->gave_up)
            ouro__http_tell(ask->call->report, &ask->url,
                            "the body could not be given", rc);
        else
            ouro__http_tell(ask->call->report, &ask->url,
                            ouro__http_phrase(response, rc), rc);
        ouro_http_response_free(response);
        return rc;
    }
    *out_response = response;
    return 0;
}

/* As often as it makes sense. */
static int
insist(struct ouro_http_response **out_response,
       struct ouro_http_client *client, struct ouro__http_ask *ask)
{
    struct ouro_http_response *response;
    bool again;
    int rc = attempt(&response, client, ask, false, &again);

    if (again)
        rc = attempt(&response, client, ask, true, &again);
    if (rc < 0)
        return rc;
    if (response->head.status == 417 && response->unbegun) {
        ouro_http_response_free(response);
        ask->hasty = true;
        return insist(out_response, client, ask);
    }
    *out_response = response;
    return 0;
}

/* Redirections. */

static bool
is_method(const struct ouro__http_ask *ask, const char *name)
{
    return ask->method.size == strlen(name)
           && memcmp(ask->method.data, name, ask->method.size) == 0;
}

static bool
is_redirection(const struct ouro_http_response *response,
               const struct ouro__http_ask *ask)
{
    int status = response->head.status;
    bool repeats = status == 307 || status == 308;

    if (ask->call->keep_redirects
        || ouro_http_response_header(response, "Location").data == NULL)
        return false;
    if (repeats)
        return ask->call->pull == NULL || ask->bodiless;
    if (status == 301 || status == 302)
        return ask->call->pull == NULL || ask->bodiless
               || is_method(ask, "POST");
    return status == 303;
}

/* The method after a redirection: RFC 9110, 15.4. */
static void
change_method(struct ouro__http_ask *ask, int status)
{
    bool was_post = (status == 301 || status == 302) && is_method(ask, "POST");

    if (status != 303 && !was_post)
        return;
    if (!is_method(ask, "HEAD"))
        ask->method = OURO_BYTES("GET");
    ask->bodiless = true;
}

static int
redirect(struct ouro__http_ask *ask, struct ouro_http_response *response)
{
    struct ouro_slice where = ouro_http_response_header(response, "Location");
    struct ouro__http_url next;
    const char *why;
    int rc = ouro__http_url_resolve(&next, &ask->url, where, &why);

    if (rc < 0) {
        ouro__http_tell(ask->call->report, &ask->url, why, rc);
        return rc;
    }
    change_method(ask, response->head.status);
    if (next.authority.size != ask->url.authority.size
        || memcmp(next.authority.data, ask->url.authority.data,
                  next.authority.size)
               != 0)
        ask->guarded = true;
    ouro__http_url_fini(&ask->url);
    ask->url = next;
    return ouro__http_drain(response);
}

static int
ask_and_follow(struct ouro_http_client *client, struct ouro__http_ask *ask,
               struct ouro_http_response **out_response)
{
    for (unsigned count = 0;; count++) {
        struct ouro_http_response *response;
        int rc = insist(&response, client, ask);

        if (rc < 0)
            return rc;
        if (!is_redirection(response, ask)) {
            *out_response = response;
            return 0;
        }
        rc = count < client->options.redirects ? redirect(ask, response)
                                               : -ELOOP;
        ouro_http_response_free(response);
        if (rc == -ELOOP)
            ouro__http_tell(ask->call->report, &ask->url,
                            "one redirection too many", rc);
        if (rc < 0)
            return rc;
    }
}

static int
fetch(struct ouro_http_client *client, const struct ouro_http_call *call,
      struct ouro_http_response **out_response)
{
    struct ouro_http_response *response;
    struct ouro__http_ask ask;
    int rc = ouro__http_ask_init(&ask, call);

    if (rc < 0)
        return rc;
    rc = ask_and_follow(client, &ask, &response);
    if (rc < 0) {
        ouro__http_url_fini(&ask.url);
        return rc;
    }
    response->url = ask.url;
    *out_response = response;
    return 0;
}

int
ouro_http_fetch(struct ouro_http_client *client,
                const struct ouro_http_call *call,
                struct ouro_http_response **out_response)
{
    struct ouro_http_client *own;
    int rc = ouro_checkpoint();

    if (rc < 0)
        return rc;
    if (client != NULL)
        return fetch(client, call, out_response);
    rc = ouro_http_client_new(&own, NULL);
    if (rc < 0)
        return rc;
    rc = fetch(own, call, out_response);
    if (rc < 0)
        ouro_http_client_free(own);
    else
        (*out_response)->has_own_client = true;
    return rc;
}

int
ouro_http_get(struct ouro_http_client *client, const char *url,
              struct ouro_http_response **out_response)
{
    struct ouro_http_call call = {.url = url};

    return ouro_http_fetch(client, &call, out_response);
}
