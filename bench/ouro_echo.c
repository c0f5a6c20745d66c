/* SPDX-License-Identifier: MIT */
/* Our echo servers: the examples' two, on the listening socket of the peers.
 *
 * --stream for the one with streams.  --ring and --poll fix how bytes come in,
 * --send-by-ring sends without trying send(2) first; without them the loop
 * chooses.
 */
#include "peer.h"

#include <ouro/ouro.h>

#include <errno.h>

struct choice {
    struct ouro_server_options where;
    struct ouro_run_options run;
    bool stream;
};

static void
echo_data_received(struct ouro_protocol *self, struct ouro_slice data)
{
    ouro_transport_write(self->transport, data);
}

static void
echo_pause_writing(struct ouro_protocol *self)
{
    ouro_transport_pause_reading(self->transport);
}

static void
echo_resume_writing(struct ouro_protocol *self)
{
    ouro_transport_resume_reading(self->transport);
}

static const struct ouro_protocol_ops echo_ops = {
    .size = sizeof(struct ouro_protocol),
    .data_received = echo_data_received,
    .pause_writing = echo_pause_writing,
    .resume_writing = echo_resume_writing,
};

static int
echo(struct ouro_stream *stream, void *context)
{
    (void)context;

    for (;;) {
        struct ouro_slice bytes;
        ssize_t size = ouro_stream_peek(stream, &bytes);
        if (size <= 0)
            return (int)size;

        int rc = ouro_stream_write(stream, bytes);
        if (rc < 0)
            return rc;
        ouro_stream_consume(stream, bytes.size);
    }
}

static int
serve(void *arg)
{
    struct choice *choice = arg;
    struct ouro_server *server;

    int rc = choice->stream
                 ? ouro_start_server(&server, echo, NULL, &choice->where)
                 : ouro_create_server(&server, &echo_ops, NULL, &choice->where);
    if (rc < 0)
        return rc;

    peer_announce(choice->where.ready.number);
    rc = ouro_server_serve_forever(server);
    ouro_server_free(server);
    return rc == -ECANCELED ? 0 : rc;
}

int
main(int argc, char **argv)
{
    struct choice choice = {.where.backlog = PEER_BACKLOG};

    choice.stream = peer_take_flag(&argc, argv, "--stream");
    if (peer_take_flag(&argc, argv, "--ring"))
        choice.run.loop.receive = OURO_RECEIVE_RING;
    if (peer_take_flag(&argc, argv, "--poll"))
        choice.run.loop.receive = OURO_RECEIVE_POLL;
    choice.run.loop.send_by_ring =
        peer_take_flag(&argc, argv, "--send-by-ring");
    choice.where.ready.number = peer_listen(argc, argv);
    choice.where.ready.given = true;

    return ouro_run_with(serve, &choice, &choice.run) < 0;
}
