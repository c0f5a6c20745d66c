/* SPDX-License-Identifier: MIT */
/* A client's life, and the connections that it keeps.
 *
 * A connection is kept when an answer was read to its end and both sides mean
 * to go on.  It is closed when it was not used for a while, and looked at
 * before it is used: one that has ended, or has bytes that nobody asked for, is
 * dropped.
 */
#include "http_client_inside.h"

#include <ouro/error.h>
#include <ouro/task.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
fill_in(struct ouro_http_client_options *options)
{
    if (options->head_timeout_ns == 0)
        options->head_timeout_ns = OURO_SECONDS(60);
    if (options->idle_timeout_ns == 0)
        options->idle_timeout_ns = OURO_SECONDS(60);
    if (options->keep_timeout_ns == 0)
        options->keep_timeout_ns = OURO_SECONDS(15);
    if (options->expect_timeout_ns == 0)
        options->expect_timeout_ns = OURO_SECONDS(1);
    if (options->kept_per_host == 0)
        options->kept_per_host = 8;
    if (options->kept_in_all == 0)
        options->kept_in_all = 64;
    if (options->head_size == 0)
        options->head_size = OURO_KIB(64);
    if (options->redirects == 0)
        options->redirects = 10;
    if (options->user_agent == NULL)
        options->user_agent = "ouro";
}

int
ouro_http_client_new(struct ouro_http_client **out_client,
                     const struct ouro_http_client_options *options)
{
    struct ouro_http_client_options filled = {.redirects = 0};

    if (options != NULL)
        filled = *options;
    fill_in(&filled);
    int rc = ouro__http_options_check(&filled);
    if (rc < 0)
        return rc;
    struct ouro_http_client *client = ouro_alloc(sizeof(*client));
    if (client == NULL)
        return -ENOMEM;
    *client = (struct ouro_http_client){.options = filled};
    client->limits.fields_size = client->options.head_size;
    TAILQ_INIT(&client->kept);
    *out_client = client;
    return 0;
}

/* It is kept no more. */
static void
take_out(struct ouro__http_link *link)
{
    ouro_handle_cancel(&link->idle);
    TAILQ_REMOVE(&link->client->kept, link, entry);
    link->client->kept_count--;
}

void
ouro__http_link_free(struct ouro__http_link *link)
{
    if (link == NULL)
        return;
    ouro_stream_free(link->stream);
    ouro_free(link);
}

void
ouro_http_client_free(struct ouro_http_client *client)
{
    struct ouro__http_link *link;

    if (client == NULL)
        return;
    OURO_CHECK(client->answers == 0,
               "a client is freed after the last of its answers");
    while ((link = TAILQ_FIRST(&client->kept)) != NULL) {
        take_out(link);
        ouro__http_link_free(link);
    }
    ouro_free(client);
}

size_t
ouro_http_client_kept(const struct ouro_http_client *client)
{
    return client->kept_count;
}

static void
drop_unused(void *arg)
{
    struct ouro__http_link *link = arg;

    take_out(link);
    ouro__http_link_free(link);
}

void
ouro__http_link_keep(struct ouro__http_link *link)
{
    struct ouro_http_client *client = link->client;
    struct ouro__http_link *other;
    size_t same = 1;

    TAILQ_FOREACH(other, &client->kept, entry)
    same += strcmp(other->origin, link->origin) == 0;
    if (same > client->options.kept_per_host) {
        ouro__http_link_free(link);
        return;
    }
    TAILQ_INSERT_TAIL(&client->kept, link, entry);
    client->kept_count++;
    link->reused = true;
    ouro_call_later(ouro_get_running_loop(), &link->idle,
                    client->options.keep_timeout_ns, drop_unused, link);
    if (client->kept_count > client->options.kept_in_all)
        drop_unused(TAILQ_FIRST(&client->kept));
}

/* Look at a connection for one turn: 1 if it has neither ended nor sent what
 * nobody asked for, 0 if it has. */
static int
is_quiet(struct ouro_stream *stream)
{
    struct ouro_timeout limit;
    struct ouro_slice bytes;

    ouro_timeout_begin(&limit, 0);
    int rc = (int)ouro_stream_peek(stream, &bytes);
    rc = (int)ouro_timeout_end(&limit, rc);
    if (rc == -ECANCELED)
        return rc;
    return rc == -ETIMEDOUT;
}

/* Take out the one to `origin` that was used last; NULL: there is none. */
static struct ouro__http_link *
take_last(struct ouro_http_client *client, const char *origin)
{
    struct ouro__http_link *link = TAILQ_LAST(&client->kept, ouro__http_links);

    while (link != NULL && strcmp(link->origin, origin) != 0)
        link = TAILQ_PREV(link, ouro__http_links, entry);
    if (link != NULL)
        take_out(link);
    return link;
}

/* The kept connection that was used last, and can be used: 1; 0: there is none.
 */
static int
take_kept(struct ouro__http_link **out_link, struct ouro_http_client *client,
          const char *origin)
{
    struct ouro__http_link *link;
    int rc = 0;

    while (rc == 0 && (link = take_last(client, origin)) != NULL) {
        rc = is_quiet(link->stream);
        if (rc <= 0)
            ouro__http_link_free(link);
        else
            *out_link = link;
    }
    return rc;
}

static int
connect_link(struct ouro__http_link *link, const struct ouro__http_url *url,
             struct ouro_report *report)
{
    struct ouro_connect_options options = {
        .host = url->host,
        .service = url->service,
        .timeout_ns = link->client->options.connect_timeout_ns,
        .report = report,
    };

    return ouro_open_connection(&link->stream, &options);
}

int
ouro__http_link_open(struct ouro__http_link **out_link,
                     struct ouro_http_client *client,
                     const struct ouro__http_url *url, bool fresh,
                     struct ouro_report *report)
{
    size_t size = strlen(url->host) + sizeof(url->service) + 1;
    struct ouro__http_link *link = ouro_alloc(sizeof(*link) + size);

    if (link == NULL)
        return -ENOMEM;
    *link = (struct ouro__http_link){.client = client};
    snprintf(link->origin, size, "%s %s", url->host, url->service);
    int rc = fresh ? 0 : take_kept(out_link, client, link->origin);
    if (rc == 0)
        rc = connect_link(link, url, report);
    else {
        ouro_free(link);
        return rc < 0 ? rc : 0;
    }
    if (rc < 0) {
        ouro_free(link);
        return rc;
    }
    *out_link = link;
    return 0;
}

void
ouro__http_tell(struct ouro_report *report, const struct ouro__http_url *url,
                const char *what, int error)
{
    if (report == NULL)
        return;
    snprintf(report->text, sizeof(report->text), "%.*s: %s (%s)",
             (int)url->authority.size, (const char *)url->authority.data, what,
             ouro_strerror(error));
}
