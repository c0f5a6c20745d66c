/* An echo server, written as a protocol: what comes in goes out again.
 *
 *     $ ./echo_protocol --port 7000 &
 *     listening on 127.0.0.1:7000
 *     $ echo hello | nc -N 127.0.0.1 7000
 *     hello
 */
#include "common.h"

static void
echo_data_received(struct ouro_protocol *self, struct ouro_slice data)
{
    ouro_transport_write(self->transport, data);
}

/* A client that does not read what it gets is not read from. */
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
serve(void *arg)
{
    struct ouro_server_options *where = arg;
    struct ouro_server *server;
    struct ouro_report why;

    where->report = &why;
    int rc = ouro_create_server(&server, &echo_ops, NULL, where);
    if (rc < 0) {
        fprintf(stderr, "echo_protocol: %s\n", why.text);
        return rc;
    }
    return serve_until_signal(server);
}

int
main(int argc, char **argv)
{
    struct ouro_server_options where = {.host = "127.0.0.1", .service = "7000"};

    read_server_arguments(argc, argv, &where);
    return ouro_run(serve, &where) < 0;
}
