/* SPDX-License-Identifier: MIT */
/* In how many packets bytes leave, as the peer counts them. */
#include "peer.h"
#include "world.h"

#include <ouro/net.h>
#include <ouro/stream.h>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 100, FILE_SIZE = 20000 };

/* What a client got, and in how many packets. */
struct seen {
    struct ouro_address address;
    struct peer client;
    struct ouro_event served;
    ssize_t size;
    unsigned packets;
};

static unsigned
count_packets(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return 0;
    return info.tcpi_data_segs_in;
}

static int
receive_all(void *arg)
{
    static uint8_t bytes[HEAD + FILE_SIZE + 1];
    struct seen *seen = arg;
    int fd = peer_connect(&seen->address);

    seen->size = peer_receive_to_end(fd, bytes, sizeof(bytes));
    seen->packets = count_packets(fd);
    peer_close(fd);
    return 0;
}

static int
send_head_and_file(struct ouro_stream *stream, void *context)
{
    static const uint8_t bytes[HEAD + FILE_SIZE];
    struct seen *seen = context;
    FILE *file = tmpfile();

    if (file == NULL || fwrite(bytes, 1, FILE_SIZE, file) != FILE_SIZE
        || fflush(file) != 0)
        return -EIO;
    int rc = ouro_stream_write(stream, ouro_slice_of(bytes, HEAD));
    if (rc == 0)
        rc = (int)ouro_stream_write_file(stream, fileno(file), 0, FILE_SIZE);
    fclose(file);
    ouro_event_set(&seen->served);
    return rc < 0 ? rc : 0;
}

static int
serve_one(void *arg)
{
    struct seen *seen = arg;
    struct ouro_server_options options = {.host = "127.0.0.1"};
    struct ouro_server *server;

    ouro_event_init(&seen->served, ouro_get_running_loop());
    int rc = ouro_start_server(&server, send_head_and_file, seen, &options);
    if (rc < 0)
        return rc;
    seen->address = ouro_server_address(server, 0);
    peer_start(&seen->client, receive_all, seen);
    rc = ouro_event_wait(&seen->served);
    ouro_server_close(server);
    if (rc == 0)
        rc = ouro_server_wait_closed(server);
    ouro_server_free(server);
    int client = peer_join(&seen->client);
    return rc < 0 ? rc : client;
}

/* The head of an answer, and the file behind it. */
static void
a_head_leaves_with_the_file_behind_it(void **state)
{
    struct seen seen = {.packets = 0};

    (void)state;
    assert_ok(run_in_world("uring", serve_one, &seen));
    assert_int_equal(seen.size, HEAD + FILE_SIZE);
    assert_int_equal(seen.packets, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_leaves_with_the_file_behind_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
