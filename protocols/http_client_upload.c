/* SPDX-License-Identifier: MIT */
/* Requests whose body is written by who asks: one exchange, in parts.
 *
 * The happy path: the head is sent, then what is written, as it is or in
 * chunks; the end of it, and the head of the answer comes.
 *
 * What may happen instead:
 *
 * - The server refuses it, before or meanwhile: writes fail, and the end gives
 *   that answer.
 * - A write fails otherwise: no more is sent, and the end says why, unless
 *   there is an answer.
 */
#include "http_client_inside.h"

#include <ouro/error.h>
#include <ouro/task.h>

#include <errno.h>

struct ouro_http_upload {
    struct ouro_http_call call;
    struct ouro__http_ask ask;
    struct ouro_http_response *response;
    uint64_t left; /* bytes that were promised */
    int error;     /* why no more is sent; 0: it is */
};

void
ouro_http_upload_free(struct ouro_http_upload *upload)
{
    if (upload == NULL)
        return;
    if (upload->response != NULL)
        upload->response->unsent = true;
    ouro_http_response_free(upload->response);
    ouro__http_url_fini(&upload->ask.url);
    ouro_free(upload);
}

/* Begin. */

static int
check_call(const struct ouro_http_call *call)
{
    if (call->pull == NULL && call->body.size == 0)
        return 0;
    ouro__http_tell_call(call, "its body is written, and there is another");
    return -EINVAL;
}

static int
connect_and_begin(struct ouro_http_upload *upload,
                  struct ouro_http_client *client)
{
    struct ouro__http_ask *ask = &upload->ask;
    struct ouro_http_client *own = NULL;
    int rc = client == NULL ? ouro_http_client_new(&own, NULL) : 0;

    if (rc < 0)
        return rc;
    client = client != NULL ? client : own;
    upload->response = ouro__http_response_new(client);
    if (upload->response == NULL) {
        ouro_http_client_free(own);
        return -ENOMEM;
    }
    upload->response->has_own_client = own != NULL;
    rc = ouro__http_link_open(&upload->response->link, client, &ask->url, false,
                              ask->call->report);
    if (rc < 0)
        return rc;
    rc = ouro__http_exchange_begin(upload->response, ask);
    if (rc < 0)
        ouro__http_tell(ask->call->report, &ask->url,
                        ouro__http_phrase(upload->response, rc), rc);
    return rc;
}

int
ouro_http_upload_begin(struct ouro_http_client *client,
                       const struct ouro_http_call *call,
                       struct ouro_http_upload **out_upload)
{
    int rc = ouro_checkpoint();

    if (rc == 0)
        rc = check_call(call);
    if (rc < 0)
        return rc;
    struct ouro_http_upload *upload = ouro_alloc(sizeof(*upload));
    if (upload == NULL)
        return -ENOMEM;
    *upload = (struct ouro_http_upload){.call = *call, .left = call->pull_size};
    rc = ouro__http_ask_init(&upload->ask, &upload->call);
    upload->ask.written = true;
    if (rc == 0)
        rc = connect_and_begin(upload, client);
    if (rc < 0) {
        ouro_http_upload_free(upload);
        return rc;
    }
    *out_upload = upload;
    return 0;
}

/* Write. */

static int
check_size(struct ouro_http_upload *upload, size_t size)
{
    if (upload->call.pull_size == 0)
        return 0;
    upload->ask.gave_up = size > upload->left;
    if (upload->ask.gave_up)
        return -EMSGSIZE;
    upload->left -= size;
    return 0;
}

int
ouro_http_upload_write(struct ouro_http_upload *upload, struct ouro_slice data)
{
    int rc = ouro_checkpoint();

    if (rc < 0)
        return rc;
    if (upload->error == 0)
        upload->error = check_size(upload, data.size);
    if (upload->error == 0) {
        upload->ask.data = data;
        upload->error =
            ouro__http_exchange_write(upload->response, &upload->ask);
    }
    if (upload->error == 0 && ouro__http_is_refused(upload->response))
        upload->error = -EPIPE;
    return ouro__http_is_lost(upload->error) ? -EPIPE : upload->error;
}

/* End. */

static int
send_end(struct ouro_http_upload *upload)
{
    if (upload->error < 0 || ouro__http_is_refused(upload->response))
        return upload->error;
    upload->ask.gave_up = upload->left > 0;
    if (upload->ask.gave_up)
        return -OURO_EINCOMPLETE;
    return ouro__http_send_last(upload->response->link, &upload->ask);
}

int
ouro_http_upload_end(struct ouro_http_upload *upload,
                     struct ouro_http_response **out_response)
{
    struct ouro_http_response *response = upload->response;
    struct ouro__http_ask *ask = &upload->ask;
    int rc = ouro_checkpoint();

    if (rc == 0)
        rc = ouro__http_exchange_end(response, ask, send_end(upload));
    if (rc == 0) {
        response->url = ask->url;
        *out_response = response;
        ouro_free(upload);
        return 0;
    }
    ouro__http_tell(ask->call->report, &ask->url,
                    ask->gave_up ? "the body has another size"
                                 : ouro__http_phrase(response, rc),
                    rc);
    ouro_http_upload_free(upload);
    return rc;
}
