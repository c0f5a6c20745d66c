/* SPDX-License-Identifier: MIT */
/* Connections that go to another protocol: 101 Switching Protocols.
 *
 * The happy path:
 *
 * - A handler asks for it: the transport gets its new protocol at once, reading
 *   is paused, and the answer is written.
 * - In the next turn the new protocol gets what the client has sent behind its
 *   request, and reading goes on.
 * - The old one leaves the server, when its handler has returned, too.
 *
 * What may happen instead:
 *
 * - The connection is lost between the two: the new protocol hears of that from
 *   the transport, and gets nothing from here.
 */
#include "http_server_inside.h"

#include <errno.h>
#include <string.h>

static bool
is_asked_for(const struct ouro_http_request *request, const char *name)
{
    struct ouro_slice names = ouro_http_header(request, "Upgrade");

    return request->head.upgrade && ouro__http_list_has(names, name);
}

static int
check(const struct ouro_http_request *request, const char *name)
{
    if (request->answer.status != 0)
        return -EALREADY;
    if (!is_asked_for(request, name))
        return -EINVAL;
    if (!ouro__http_is_open(request->connection))
        return -ENOTCONN;
    return request->body_ended ? 0 : -EBUSY;
}

/* What came. */

/* Into memory of its own. */
static void
give_rooms(struct ouro_protocol *heir, struct ouro_slice bytes)
{
    while (bytes.size > 0 && !ouro_transport_is_closing(heir->transport)) {
        struct ouro_span room = heir->ops->get_buffer(heir, bytes.size);
        size_t size = bytes.size < room.size ? bytes.size : room.size;

        if (size == 0) {
            ouro_transport_fail(heir->transport, -ENOBUFS);
            return;
        }
        memcpy(room.data, bytes.data, size);
        bytes = ouro_slice_of(bytes.data + size, bytes.size - size);
        heir->ops->buffer_updated(heir, size);
    }
}

static void
give_end(struct ouro_protocol *heir)
{
    if (heir->ops->eof_received == NULL || !heir->ops->eof_received(heir))
        ouro_transport_close(heir->transport);
}

/* Reading goes on first, so that the heir may pause it. */
static void
give(struct ouro__http_connection *connection)
{
    struct ouro_protocol *heir = connection->heir;
    struct ouro_slice bytes = ouro__http_inbox_bytes(&connection->inbox);

    if (ouro_transport_is_closing(heir->transport))
        return;
    ouro_transport_resume_reading(heir->transport);
    if (heir->ops->get_buffer != NULL)
        give_rooms(heir, bytes);
    else if (bytes.size > 0)
        heir->ops->data_received(heir, bytes);
    if (connection->input_ended && !ouro_transport_is_closing(heir->transport))
        give_end(heir);
}

static void
hand_over(void *arg)
{
    struct ouro__http_connection *connection = arg;
    struct ouro_protocol *heir = connection->heir;

    give(connection);
    ouro__http_connection_over(connection);
    ouro_protocol_unref(heir);
    ouro_protocol_unref(&connection->base);
}

/* Giving it away. */

static void
write_head(struct ouro_http_request *request, const char *name)
{
    struct ouro__http_head head;

    request->answer.upgrade = name;
    ouro__http_answer_begin(request, 101, 0);
    ouro__http_head_make(&head, request, NULL);
    ouro__http_write_parts(request->connection, head.parts, head.count);
}

int
ouro_http_upgrade(struct ouro_http_request *request, const char *name,
                  const struct ouro_protocol_ops *ops,
                  struct ouro_protocol **out_protocol)
{
    struct ouro__http_connection *connection = request->connection;
    struct ouro_transport *transport = connection->base.transport;
    int rc = check(request, name);

    if (rc < 0)
        return rc;
    ouro_protocol_ref(&connection->base);
    rc = ouro_transport_set_protocol(transport, ops, &connection->heir);
    if (rc < 0) {
        ouro_protocol_unref(&connection->base);
        return rc;
    }
    ouro_protocol_ref(connection->heir);
    ouro_transport_pause_reading(transport);
    write_head(request, name);
    connection->state = OURO__HTTP_GIVEN;
    ouro__http_watch(connection, OURO_FOREVER);
    ouro_handle_cancel(&connection->again);
    ouro_call_soon(ouro_transport_loop(transport), &connection->again,
                   hand_over, connection);
    *out_protocol = connection->heir;
    return 0;
}
