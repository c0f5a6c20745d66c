/* SPDX-License-Identifier: MIT */
/* A protocol may ask for a dump in each of its calls. */
#include "world.h"

#include <stdio.h>
#include <string.h>

static const char *engine;

enum { TEXT_SIZE = 4096 };

/* What the last dump of each call said. */
struct seen {
    char made[TEXT_SIZE];
    char data[TEXT_SIZE];
    char eof[TEXT_SIZE];
    char lost[TEXT_SIZE];
};

static struct seen seen;

static void
add_line(const char *line, size_t size, void *arg)
{
    char *text = arg;

    if (strlen(text) + size < TEXT_SIZE)
        strncat(text, line, size);
}

static void
dump_to(char *text)
{
    text[0] = '\0';
    ouro_dump_tasks_to(ouro_get_running_loop(), add_line, text, NULL);
}

static int
dump_made(struct ouro_protocol *self, void *context)
{
    (void)self;
    (void)context;
    dump_to(seen.made);
    return 0;
}

static void
dump_data(struct ouro_protocol *self, struct ouro_slice data)
{
    dump_to(seen.data);
    ouro_transport_write(self->transport, data);
}

static bool
dump_eof(struct ouro_protocol *self)
{
    (void)self;
    dump_to(seen.eof);
    return false;
}

static void
dump_lost(struct ouro_protocol *self, int reason)
{
    (void)self;
    (void)reason;
    dump_to(seen.lost);
}

static const struct ouro_protocol_ops dump_ops = {
    .size = sizeof(struct ouro_protocol),
    .connection_made = dump_made,
    .data_received = dump_data,
    .eof_received = dump_eof,
    .connection_lost = dump_lost,
};

static int
talk(struct ouro_server *server)
{
    struct ouro_address where = ouro_server_address(server, 0);
    struct ouro_stream *stream;
    char port[8];
    char byte;

    snprintf(port, sizeof(port), "%u", (unsigned)ouro_address_port(&where));
    struct ouro_connect_options to = {.host = "127.0.0.1", .service = port};
    int rc = ouro_open_connection(&stream, &to);
    if (rc < 0)
        return rc;
    rc = ouro_stream_write(stream, OURO_BYTES("x"));
    if (rc == 0)
        rc = (int)ouro_stream_read_exactly(stream, &byte, 1);
    ouro_stream_write_eof(stream);
    if (rc >= 0)
        rc = (int)ouro_stream_read(stream, &byte, 1);
    ouro_stream_free(stream);
    return rc;
}

static int
serve_and_talk(void *arg)
{
    struct ouro_server_options here = {.host = "127.0.0.1"};
    struct ouro_server *server;

    (void)arg;
    int rc = ouro_create_server(&server, &dump_ops, NULL, &here);
    if (rc < 0)
        return rc;
    rc = talk(server);
    ouro_server_close(server);
    int closed = ouro_server_wait_closed(server);
    ouro_server_free(server);
    return rc < 0 ? rc : closed;
}

static void
assert_says(const char *text, const char *words)
{
    if (strstr(text, words) == NULL)
        print_error("no '%s' in:\n%s\n", words, text);
    assert_non_null(strstr(text, words));
}

static void
each_call_of_a_protocol_may_dump(void **state)
{
    (void)state;
    assert_ok(run_in_world(engine, serve_and_talk, NULL));

    assert_says(seen.made, "1 task\n1 '");
    assert_says(seen.data, " waits for bytes from 127.0.0.1:");
    assert_says(seen.data, "    at serve_and_talk+0x");
    assert_says(seen.eof, " waits for bytes from 127.0.0.1:");
    assert_says(seen.lost, "1 task\n1 '");
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_of_a_protocol_may_dump),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
