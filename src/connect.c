/* SPDX-License-Identifier: MIT */
/* Clients: from a host or a descriptor to a protocol that is connected.
 *
 * The happy path:
 *
 * - The host is looked up, and its addresses race for a connected socket
 *   (dial.h, race.h).
 * - From the loop the socket becomes a transport, connection_made is called,
 *   and the task is woken.  The first bytes come a turn later.
 *
 * What may happen instead:
 *
 * - The time is up, or the task is cancelled: what was begun is ended and
 *   waited for, and the socket closed.
 * - connection_made refuses: its error is returned, and the transport ends.
 * - The task is cancelled when the socket is on its way to its transport,
 *   which takes a turn: the connection stands, and the next call fails.
 *
 * Invariant: until it is a transport's, a descriptor that was ready stays the
 * caller's, as it was.
 */
#include "alloc.h"
#include "dial.h"
#include "stream.h"
#include "task.h"
#include "tcp.h"

#include <ouro/net.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* One call of ouro_create_connection().  Not in the frame of its task: the loop
 * has `begin` in its lists. */
struct client {
    struct ouro__dial dial;
    const struct ouro_protocol_ops *ops;
    void *context;
    const char *site;
    struct ouro_loop *loop;
    int fd; /* connected, and no transport's; negative: none */
    struct ouro_handle begin;
    struct ouro_transport_owner owner;
    struct ouro_future made;
    struct ouro_protocol *protocol; /* a reference, once it is made */
    int refusal;                    /* 0, or why it is not */
};

/* From the loop. */

static void
tell(struct client *client, int rc)
{
    client->refusal = rc;
    ouro_future_set_result(&client->made, NULL);
}

/* The connection is on its own from here on. */
static void
client_made(struct ouro_transport_owner *owner,
            struct ouro_transport *transport, int rc)
{
    struct client *client = OURO_CONTAINER_OF(owner, struct client, owner);

    ouro_transport_set_owner(transport, NULL);
    if (rc == 0)
        client->protocol = ouro_protocol_ref(transport->protocol);
    tell(client, rc);
}

/* What the race has opened does not block; neither must what was ready.  The
 * simulation has sockets of its own, which never do. */
static void
prepare_socket(const struct client *client)
{
    struct ouro__engine *engine = client->loop->engine;

    if (client->dial.options->ready.given
        && engine->sockets == &ouro__kernel_sockets) {
        int flags = fcntl(client->fd, F_GETFL);

        (void)fcntl(client->fd, F_SETFL, flags | O_NONBLOCK);
    }
    (void)engine->sockets->set_option(engine, client->fd, OURO__SOCKET_NO_DELAY,
                                      1);
}

static void
client_begin(void *arg)
{
    struct client *client = arg;
    struct ouro_transport *transport;

    int rc = ouro__tcp_new(&transport, client->loop, client->fd, client->ops,
                           client->site);
    if (rc < 0) {
        tell(client, rc);
        return;
    }
    prepare_socket(client);
    client->fd = -1;
    ouro_transport_set_close_timeout(transport,
                                     client->dial.options->close_timeout_ns);
    ouro_transport_set_owner(transport, &client->owner);
    ouro_transport_begin(transport, client->context);
}

/* In the task. */

static const struct ouro__wait_kind wait_made = {
    .text = "a connection to be made",
    .site = offsetof(struct client, site),
};

/* A turn later it is made, or refused; so this need not be cut short. */
static int
make_protocol(struct client *client)
{
    int rc = ouro__checkpoint();
    if (rc < 0)
        return rc;

    client->owner.made = client_made;
    ouro__future_init(&client->made, client->loop, client->site);
    ouro__call_soon(client->loop, &client->begin, client_begin, client,
                    client->site);
    ouro__await_to_the_end_for(&client->made, &wait_made, client);
    ouro_future_fini(&client->made);
    return client->refusal;
}

/* What the race has won, and no transport took. */
static void
close_left_over(const struct client *client)
{
    struct ouro__engine *engine = client->loop->engine;

    if (client->fd < 0 || client->dial.options->ready.given)
        return;
    engine->sockets->close(engine, client->fd);
    ouro__loop_descriptor_freed(client->loop);
}

static int
dial_and_make(struct client *client)
{
    client->fd = ouro__dial(&client->dial);
    if (client->fd < 0)
        return client->fd;

    int rc = make_protocol(client);
    close_left_over(client);
    return rc;
}

static int
connect_in_time(struct client *client)
{
    struct ouro_timeout limit;

    ouro__timeout_begin(&limit, ouro__dial_timeout_ns(client->dial.options),
                        client->site);
    int rc = dial_and_make(client);
    int result = (int)ouro_timeout_end(&limit, rc);
    client->dial.out_of_time = result != rc;
    if (result < 0)
        ouro__dial_explain(&client->dial, result);
    return result;
}

/* NULL: no memory. */
static struct client *
client_new(const struct ouro_protocol_ops *ops, void *context,
           const struct ouro_connect_options *options, const char *site)
{
    struct client *client = ouro__alloc_zeroed(sizeof(*client));

    if (client == NULL) {
        if (options->report != NULL)
            snprintf(options->report->text, sizeof(options->report->text),
                     "cannot connect: ENOMEM (%s)", ouro_strerror(ENOMEM));
        return NULL;
    }
    client->loop = ouro_get_running_loop();
    client->ops = ops;
    client->context = context;
    client->site = site;
    ouro__dial_init(&client->dial, client->loop, options);
    return client;
}

int
ouro__create_connection(struct ouro_protocol **out_protocol,
                        const struct ouro_protocol_ops *ops, void *context,
                        const struct ouro_connect_options *options,
                        const char *site)
{
    static const struct ouro_connect_options nothing;

    OURO_CHECK_AT(ops != NULL, "a connection is made for a protocol", site);
    if (options == NULL)
        options = &nothing;
    int rc = ouro__checkpoint();
    if (rc == 0)
        rc = ouro__dial_check(options);
    if (rc < 0)
        return rc;

    struct client *client = client_new(ops, context, options, site);
    if (client == NULL)
        return -ENOMEM;
    rc = connect_in_time(client);
    if (rc == 0 && out_protocol != NULL)
        *out_protocol = client->protocol;
    else
        ouro_protocol_unref(client->protocol);
    ouro__free(client);
    return rc;
}

int
ouro__open_connection(struct ouro_stream **out_stream,
                      const struct ouro_connect_options *options,
                      const char *site)
{
    struct ouro__stream_setup setup = {
        .limit = options != NULL ? options->read_limit : 0,
    };
    struct ouro_protocol *protocol;

    OURO_CHECK_AT(out_stream != NULL, "a stream is given to its caller", site);
    int rc = ouro__create_connection(&protocol, &ouro__stream_ops, &setup,
                                     options, site);
    if (rc < 0)
        return rc;
    *out_stream = ouro__stream_of(protocol);
    return 0;
}
