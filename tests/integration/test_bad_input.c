/* SPDX-License-Identifier: MIT */
/* What a user gets wrong, or the world does: each a specific error, said.
 *
 * Tables of options, and what has to come of them.  Everything runs on a loop
 * of its own, as a program's first lines would.
 */
#include "ouro_test.h"
#include "peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void
receive_nothing(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)self;
    (void)data;
}

static const struct ouro_protocol_ops some_ops = {
    .size = sizeof(struct ouro_protocol),
    .data_received = receive_nothing,
};

/* Options, what must come of them, and what came. */
struct trial {
    struct ouro_server_options server;
    struct ouro_connect_options connect;
    int expected;
    const char *words; /* of the report */
    int rc;
    bool left_alone; /* the place for the result */
    struct ouro_report report;
};

static int
run_server(void *arg)
{
    struct trial *trial = arg;
    struct ouro_server *server = (struct ouro_server *)(void *)trial;

    trial->server.report = &trial->report;
    trial->rc = ouro_create_server(&server, &some_ops, NULL, &trial->server);
    trial->left_alone = server == (struct ouro_server *)(void *)trial;
    if (trial->rc == 0)
        ouro_server_free(server);
    return 0;
}

static int
run_connect(void *arg)
{
    struct trial *trial = arg;
    struct ouro_stream *stream = (struct ouro_stream *)(void *)trial;

    trial->connect.report = &trial->report;
    trial->rc = ouro_open_connection(&stream, &trial->connect);
    trial->left_alone = stream == (struct ouro_stream *)(void *)trial;
    if (trial->rc == 0)
        ouro_stream_free(stream);
    return 0;
}

static void
try_it(ouro_task_fn *fn, struct trial *trial)
{
    struct seen_exceptions seen = {0};
    const struct ouro_run_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &seen},
        .no_signals = true,
    };
    size_t descriptors = count_descriptors();

    trial->rc = UNSEEN;
    assert_ok(ouro_run_with(fn, trial, &options));
    assert_string_equal(seen.message, "");
    assert_int_equal(count_descriptors(), descriptors);
}

static void
assert_fails(ouro_task_fn *fn, struct trial *trial)
{
    try_it(fn, trial);
    if (trial->rc != trial->expected)
        fail_msg("%s instead of %s: %s", ouro_error_name(trial->rc),
                 ouro_error_name(trial->expected), trial->report.text);
    assert_true(trial->left_alone);
    if (strstr(trial->report.text, trial->words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", trial->words, trial->report.text);
}

/* Options out of their range. */

static void
options_of_a_server_out_of_range_are_named(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", NULL};
    static const char *const none[] = {NULL};
    struct trial trials[] = {
        {.server = {.backlog = -1}, .words = "backlog"},
        {.server = {.backlog = 65536}, .words = "backlog"},
        {.server = {.backlog = INT32_MAX}, .words = "backlog"},
        {.server = {.family = AF_UNIX}, .words = "family"},
        {.server = {.family = -1}, .words = "family"},
        {.server = {.grace_ns = -1}, .words = "grace_ns"},
        {.server = {.grace_ns = INT64_MIN}, .words = "grace_ns"},
        {.server = {.close_timeout_ns = -1}, .words = "close_timeout_ns"},
        {.server = {.host = "::1", .hosts = hosts}, .words = "hosts"},
        {.server = {.hosts = none}, .words = "hosts is empty"},
        {.server = {.ready = {-1, true}}, .words = "ready"},
        {.server = {.ready = {0, true}, .service = "1"}, .words = "ready"},
        {.server = {.ready = {0, true}, .host = "::1"}, .words = "ready"},
        {.server = {.ready = {0, true}, .hosts = hosts}, .words = "ready"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        trials[i].expected = -EINVAL;
        assert_fails(run_server, &trials[i]);
        assert_int_equal(strncmp(trials[i].report.text, "server options: ", 16),
                         0);
    }
}

static void
options_of_a_server_may_be_huge(void **state)
{
    struct trial trial = {
        .server =
            {
                .host = "127.0.0.1",
                .backlog = 65535,
                .grace_ns = OURO_FOREVER,
                .close_timeout_ns = OURO_FOREVER,
                .read_limit = OURO_UNLIMITED,
            },
    };

    (void)state;
    try_it(run_server, &trial);
    assert_ok(trial.rc);
    assert_string_equal(trial.report.text, "");
}

static void
options_of_a_connect_out_of_range_are_named(void **state)
{
    struct trial trials[] = {
        {.words = "host"},
        {.connect = {.service = "1"}, .words = "host"},
        {.connect = {.host = "127.0.0.1"}, .words = "service"},
        {.connect = {.host = "::1", .service = "1", .family = 77},
         .words = "family"},
        {.connect = {.host = "::1", .service = "1", .timeout_ns = -1},
         .words = "timeout_ns"},
        {.connect = {.host = "::1",
                     .service = "1",
                     .happy_eyeballs_delay_ns = -1},
         .words = "happy_eyeballs_delay_ns"},
        {.connect = {.host = "::1", .service = "1", .close_timeout_ns = -1},
         .words = "close_timeout_ns"},
        {.connect = {.ready = {-1, true}}, .words = "ready"},
        {.connect = {.ready = {0, true}, .host = "::1"}, .words = "ready"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        trials[i].expected = -EINVAL;
        assert_fails(run_connect, &trials[i]);
        assert_int_equal(
            strncmp(trials[i].report.text, "connect options: ", 17), 0);
    }
}

static void
options_of_a_loop_out_of_range_are_named(void **state)
{
    static const struct {
        struct ouro_loop_options options;
        const char *words;
    } trials[] = {
        {{.engine = (enum ouro_engine)7}, "engine"},
        {{.ring_entries = 32769}, "ring_entries"},
        {{.ring_entries = 16, .completion_entries = 31}, "completion_entries"},
        {{.completion_entries = 65537}, "completion_entries"},
        {{.stack_size = 16 * 1024 - 1}, "stack_size"},
        {{.stack_size = ((size_t)1 << 30) + 1}, "stack_size"},
        {{.stack_size = SIZE_MAX}, "stack_size"},
        {{.receive_memory = 1}, "receive_memory"},
        {{.receive_memory = SIZE_MAX}, "receive_memory"},
        {{.receive = (enum ouro_receive)3}, "receive"},
        {{.receive = (enum ouro_receive) - 1}, "receive"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        struct ouro_loop_options options = trials[i].options;
        struct ouro_report report = {""};
        struct ouro_loop *loop = NULL;

        options.report = &report;
        assert_err(ouro_loop_new(&loop, &options), EINVAL);
        assert_null(loop);
        assert_int_equal(strncmp(report.text, "loop options: ", 14), 0);
        if (strstr(report.text, trials[i].words) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", trials[i].words, report.text);
        assert_err(ouro_loop_new(&loop, &trials[i].options), EINVAL);
    }
}

/* Addresses. */

static void
hosts_and_services_that_are_none_are_named(void **state)
{
    struct trial servers[] = {
        {.server = {.host = "no such host"},
         .expected = -OURO_ENAME,
         .words = "cannot listen on no such host:0: OURO_ENAME"},
        {.server = {.host = "127.0.0.1", .service = "65536"},
         .expected = -OURO_ESERVICE,
         .words = "127.0.0.1:65536: OURO_ESERVICE"},
        {.server = {.host = "127.0.0.1", .service = "-1"},
         .expected = -OURO_ESERVICE,
         .words = "OURO_ESERVICE"},
        {.server = {.host = "127.0.0.1", .service = "no-such-service"},
         .expected = -OURO_ESERVICE,
         .words = "OURO_ESERVICE"},
        {.server = {.host = "::1", .service = "x"},
         .expected = -OURO_ESERVICE,
         .words = "cannot listen on [::1]:x: OURO_ESERVICE"},
        {.server = {.host = "192.0.2.1"},
         .expected = -EADDRNOTAVAIL,
         .words = "cannot listen on 192.0.2.1:0: EADDRNOTAVAIL"},
    };
    struct trial connects[] = {
        {.connect = {.host = "no such host", .service = "1"},
         .expected = -OURO_ENAME,
         .words = "OURO_ENAME"},
        {.connect = {.host = "127.0.0.1", .service = "70000"},
         .expected = -OURO_ESERVICE,
         .words = "OURO_ESERVICE"},
        {.connect = {.host = "127.0.0.1", .service = "no-such-service"},
         .expected = -OURO_ESERVICE,
         .words = "OURO_ESERVICE"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
        assert_fails(run_server, &servers[i]);
    for (size_t i = 0; i < sizeof(connects) / sizeof(connects[0]); i++)
        assert_fails(run_connect, &connects[i]);
}

static void
an_address_that_is_not_ours_is_left_out_without_a_word(void **state)
{
    static const char *const hosts[] = {"192.0.2.1", "127.0.0.1", NULL};
    struct trial trial = {.server = {.hosts = hosts}};

    (void)state;
    try_it(run_server, &trial);

    assert_ok(trial.rc);
    assert_string_equal(trial.report.text, "");
}

/* Ports. */

static void
to_text(const struct ouro_address *address, char *text, size_t size)
{
    snprintf(text, size, "%u", (unsigned)ouro_address_port(address));
}

static void
a_port_in_use_is_named(void **state)
{
    struct ouro_address address;
    char port[8];
    char words[64];

    (void)state;
    int listener = peer_listen("127.0.0.1", &address);
    to_text(&address, port, sizeof(port));
    snprintf(words, sizeof(words), "cannot listen on 127.0.0.1:%s: EADDRINUSE",
             port);
    struct trial trial = {
        .server = {.host = "127.0.0.1", .service = port},
        .expected = -EADDRINUSE,
        .words = words,
    };
    assert_fails(run_server, &trial);
    peer_close(listener);
}

static void
a_port_where_nobody_listens_is_named(void **state)
{
    struct ouro_address address;
    char port[8];
    char words[64];

    (void)state;
    peer_close(peer_listen("127.0.0.1", &address));
    to_text(&address, port, sizeof(port));
    snprintf(words, sizeof(words), "127.0.0.1:%s: ECONNREFUSED", port);
    struct trial trial = {
        .connect = {.host = "127.0.0.1", .service = port},
        .expected = -ECONNREFUSED,
        .words = words,
    };
    assert_fails(run_connect, &trial);
}

static void
an_address_out_of_reach_is_named(void **state)
{
    struct trial trial = {
        .connect = {.host = "255.255.255.255", .service = "9"},
        .expected = -ENETUNREACH,
        .words = "255.255.255.255:9: ",
    };

    (void)state;
    assert_fails(run_connect, &trial);
}

/* Ports below 1024, or where the system says: for who may do anything. */
static int
first_unprivileged_port(void)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    int port = 1024;

    if (file == NULL)
        return port;
    if (fscanf(file, "%d", &port) != 1)
        port = 1024;
    fclose(file);
    return port;
}

static void
serve_on_port_one_as_nobody(void *arg)
{
    struct trial *trial = arg;

    if (getuid() == 0 && setuid(65534) < 0)
        _exit(1);
    (void)ouro_run(run_server, trial);
    fprintf(stderr, "%d: %s\n", trial->rc, trial->report.text);
    abort();
}

static void
a_privileged_port_is_named(void **state)
{
    struct trial trial = {.server = {.host = "127.0.0.1", .service = "1"}};
    char words[80];

    (void)state;
    if (first_unprivileged_port() <= 1)
        skip();
    snprintf(words, sizeof(words), "%d: cannot listen on 127.0.0.1:1: EACCES",
             -EACCES);
    assert_callback_stops(serve_on_port_one_as_nobody, &trial, words);
}

/* Descriptors that are not what they should be. */

static void
a_ready_descriptor_that_is_no_socket_is_named(void **state)
{
    int file = open("/dev/null", O_RDWR | O_CLOEXEC);
    int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct trial trials[] = {
        {.server = {.ready = {file, true}}, .expected = -ENOTSOCK},
        {.server = {.ready = {9999, true}}, .expected = -EBADF},
        {.server = {.ready = {datagrams, true}}, .expected = -EOPNOTSUPP},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        trials[i].words = ouro_error_name(trials[i].expected);
        assert_fails(run_server, &trials[i]);
    }
    assert_ok(close(file));
    assert_ok(close(datagrams));
}

/* NULL where there must be something. */

static int
create_server_without_ops(void *arg)
{
    struct ouro_server *server;

    (void)arg;
    return ouro_create_server(&server, NULL, NULL, NULL);
}

static int
create_server_for_nobody(void *arg)
{
    (void)arg;
    return ouro_create_server(NULL, &some_ops, NULL, NULL);
}

static int
start_server_without_function(void *arg)
{
    struct ouro_server *server;

    (void)arg;
    return ouro__start_server(&server, NULL, NULL, NULL, "", OURO_HERE);
}

static int
connect_without_ops(void *arg)
{
    (void)arg;
    return ouro_create_connection(NULL, NULL, NULL, NULL);
}

static int
open_connection_for_nobody(void *arg)
{
    (void)arg;
    return ouro_open_connection(NULL, NULL);
}

static void
a_null_that_must_not_be_stops_the_program(void **state)
{
    (void)state;
    assert_stops(create_server_without_ops, NULL, "a server needs");
    assert_stops(create_server_for_nobody, NULL, "a server needs");
    assert_stops(start_server_without_function, NULL, "a server needs");
    assert_stops(connect_without_ops, NULL, "made for a protocol");
    assert_stops(open_connection_for_nobody, NULL, "given to its caller");
}

static void
create_server_outside_a_task(void *arg)
{
    struct ouro_server *server;

    (void)arg;
    if (ouro_create_server(&server, &some_ops, NULL, NULL) < 0)
        return;
}

static void
a_server_made_outside_a_task_stops_the_program(void **state)
{
    (void)state;
    assert_callback_stops(
        create_server_outside_a_task, NULL,
        "a call that suspends is made in a task, not in a callback");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_of_a_server_out_of_range_are_named),
        cmocka_unit_test(options_of_a_server_may_be_huge),
        cmocka_unit_test(options_of_a_connect_out_of_range_are_named),
        cmocka_unit_test(options_of_a_loop_out_of_range_are_named),
        cmocka_unit_test(hosts_and_services_that_are_none_are_named),
        cmocka_unit_test(
            an_address_that_is_not_ours_is_left_out_without_a_word),
        cmocka_unit_test(a_port_in_use_is_named),
        cmocka_unit_test(a_port_where_nobody_listens_is_named),
        cmocka_unit_test(an_address_out_of_reach_is_named),
        cmocka_unit_test(a_privileged_port_is_named),
        cmocka_unit_test(a_ready_descriptor_that_is_no_socket_is_named),
        cmocka_unit_test(a_null_that_must_not_be_stops_the_program),
        cmocka_unit_test(a_server_made_outside_a_task_stops_the_program),
    };

    return cmocka_run_group_tests_name("bad_input", tests, NULL, NULL);
}
