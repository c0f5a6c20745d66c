/* SPDX-License-Identifier: MIT */
/* Where servers listen: addresses, ports, ready descriptors, and refusals. */
#include "server_scene.h"

#include "loop.h"

#include <stdlib.h>

static const char *engine;

enum { CLIENTS = 20 };

/* What a main task saw. */
struct seen {
    struct scene scene;
    size_t count;
    struct ouro_address addresses[4];
    int rc[4];
    struct ouro_report report;
    struct seen_exceptions exceptions;
};

static int
serve_at(struct seen *seen, const struct ouro_server_options *options)
{
    struct scene *s = &seen->scene;

    int rc = ouro_create_server(&s->server, &echo_ops, s, options);
    if (rc < 0)
        return rc;
    note_port(s);
    seen->count = ouro_server_address_count(s->server);
    for (size_t i = 0; i < 4; i++)
        seen->addresses[i] = ouro_server_address(s->server, i);
    return 0;
}

/* Whether a server answers at `host` and the port of the scene. */
static int
visit(const struct seen *seen, const char *host)
{
    const struct ouro_connect_options options = {
        .host = host,
        .service = seen->scene.port,
    };
    struct ouro_stream *stream;

    int rc = ouro_open_connection(&stream, &options);
    if (rc < 0)
        return rc;
    rc = ask(stream);
    ouro_stream_free(stream);
    return rc;
}

/* A socket of the caller's own, bound to `host` and `port`. */
static int
bind_raw(const char *host, uint16_t port, int *out_fd)
{
    struct ouro__engine *e = ouro_get_running_loop()->engine;
    struct ouro_address address;

    int rc = ouro_address_parse(&address, host, port);
    if (rc < 0)
        return rc;
    *out_fd = e->sockets->open(e, AF_INET);
    if (*out_fd < 0)
        return *out_fd;
    rc = e->sockets->set_option(e, *out_fd, OURO__SOCKET_REUSE_ADDRESS, 1);
    return rc < 0 ? rc : e->sockets->bind(e, *out_fd, &address);
}

static int
listen_raw(int fd)
{
    struct ouro__engine *e = ouro_get_running_loop()->engine;

    return e->sockets->listen(e, fd, 5);
}

/* 0 if it is still open, and not any more. */
static int
close_raw(int fd)
{
    struct ouro__engine *e = ouro_get_running_loop()->engine;
    struct ouro_address address;

    int rc = e->sockets->local_address(e, fd, &address);
    if (rc == 0)
        e->sockets->close(e, fd);
    return rc;
}

/* A77: addresses. */

static int
serve_everywhere(void *arg)
{
    struct seen *seen = arg;

    int rc = serve_at(seen, NULL);
    if (rc < 0)
        return rc;
    seen->rc[0] = visit(seen, "127.0.0.1");
    seen->rc[1] = seen->count > 1 ? visit(seen, "::1") : 0;
    ouro_server_free(seen->scene.server);
    return 0;
}

static void
without_a_host_it_is_every_address_and_one_free_port(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, serve_everywhere, &seen));

    assert_true(seen.count == 2 || seen.count == 1);
    assert_ok(seen.rc[0]);
    assert_ok(seen.rc[1]);
    assert_int_not_equal(ouro_address_port(&seen.addresses[0]), 0);
    if (seen.count == 2)
        assert_int_equal(ouro_address_port(&seen.addresses[1]),
                         ouro_address_port(&seen.addresses[0]));
    assert_int_equal(seen.addresses[seen.count].size, 0);
}

static int
serve_several(void *arg)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", "127.0.0.1",
                                        "127.0.0.2", NULL};
    const struct ouro_server_options options = {.hosts = hosts};
    struct seen *seen = arg;

    int rc = serve_at(seen, &options);
    if (rc < 0)
        return rc;
    seen->rc[0] = visit(seen, "127.0.0.1");
    seen->rc[1] = visit(seen, "127.0.0.2");
    seen->rc[2] = visit(seen, "127.0.0.3");
    ouro_server_free(seen->scene.server);
    return 0;
}

static void
several_hosts_share_a_free_port_and_duplicates_are_dropped(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, serve_several, &seen));

    assert_int_equal(seen.count, 2);
    assert_int_equal(ouro_address_port(&seen.addresses[1]),
                     ouro_address_port(&seen.addresses[0]));
    assert_ok(seen.rc[0]);
    assert_ok(seen.rc[1]);
    assert_err(seen.rc[2], ECONNREFUSED);
}

/* The port that the next socket gets in a simulation; in the world any. */
static int
guess_next_port(uint16_t *out_port)
{
    struct ouro__engine *e = ouro_get_running_loop()->engine;
    struct ouro_address address;
    int fd = -1;

    int rc = bind_raw("127.0.0.1", 0, &fd);
    if (rc == 0)
        rc = e->sockets->local_address(e, fd, &address);
    *out_port = (uint16_t)(ouro_address_port(&address) + 1);
    return rc == 0 ? close_raw(fd) : rc;
}

static int
serve_where_one_is_taken(void *arg)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", NULL};
    const struct ouro_server_options options = {
        .hosts = hosts,
    };
    struct seen *seen = arg;
    uint16_t next;
    int fd = -1;

    int rc = guess_next_port(&next);
    if (rc == 0)
        rc = bind_raw("127.0.0.2", next, &fd);
    if (rc == 0)
        rc = listen_raw(fd);
    if (rc == 0)
        rc = serve_at(seen, &options);
    if (rc < 0)
        return rc;
    ouro_server_free(seen->scene.server);
    return close_raw(fd);
}

static void
a_port_that_is_free_on_one_address_only_is_not_taken(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, serve_where_one_is_taken, &seen));

    assert_int_equal(seen.count, 2);
    assert_int_equal(ouro_address_port(&seen.addresses[1]),
                     ouro_address_port(&seen.addresses[0]));
}

/* A server on 127.0.0.2, whose port is free on 127.0.0.1. */
static int
serve_on_the_second(struct seen *seen)
{
    const struct ouro_server_options options = {.host = "127.0.0.2"};
    int rc = -EADDRINUSE;

    for (int i = 0; rc == -EADDRINUSE && i < 100; i++) {
        int fd = -1;

        rc = serve_at(seen, &options);
        if (rc < 0)
            return rc;
        rc = bind_raw("127.0.0.1", ouro_address_port(&seen->addresses[0]), &fd);
        (void)close_raw(fd);
        if (rc < 0)
            ouro_server_free(seen->scene.server);
    }
    return rc;
}

static int
serve_where_it_is_taken(void *arg)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", NULL};
    struct seen *seen = arg;
    struct ouro_server *first;

    int rc = serve_on_the_second(seen);
    if (rc < 0)
        return rc;
    first = seen->scene.server;
    const struct ouro_server_options options = {
        .hosts = hosts,
        .service = seen->scene.port,
        .report = &seen->report,
    };
    seen->rc[0] = serve_at(seen, &options);
    seen->rc[1] = visit(seen, "127.0.0.1");
    seen->rc[2] = visit(seen, "127.0.0.2");
    ouro_server_free(first);
    return 0;
}

static void
a_port_that_is_taken_closes_all_and_is_named(void **state)
{
    struct seen seen = {0};
    char words[80];

    (void)state;
    assert_ok(run_in_world(engine, serve_where_it_is_taken, &seen));

    assert_err(seen.rc[0], EADDRINUSE);
    assert_err(seen.rc[1], ECONNREFUSED);
    assert_ok(seen.rc[2]);
    snprintf(words, sizeof(words), "cannot listen on 127.0.0.2:%s: EADDRINUSE",
             seen.scene.port);
    assert_non_null(strstr(seen.report.text, words));
}

static int
serve_one_inside_the_other(void *arg)
{
    static const char *const hosts[] = {"0.0.0.0", "127.0.0.1", NULL};
    struct seen *seen = arg;
    const struct ouro_server_options options = {
        .hosts = hosts,
        .report = &seen->report,
    };

    seen->rc[0] = serve_at(seen, &options);
    return 0;
}

static void
an_address_that_cannot_listen_is_named(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, serve_one_inside_the_other, &seen));

    assert_err(seen.rc[0], EADDRINUSE);
    assert_non_null(strstr(seen.report.text, "cannot listen on 127.0.0.1:"));
}

/* Two servers, one port. */

static int
share_port(void *arg)
{
    struct ouro_server_options options = {
        .host = "127.0.0.1",
        .reuse_port = true,
    };
    struct seen *seen = arg;
    struct ouro_server *first;

    int rc = serve_at(seen, &options);
    if (rc < 0)
        return rc;
    first = seen->scene.server;
    options.service = seen->scene.port;
    seen->rc[0] = serve_at(seen, &options);
    for (int i = 0; rc == 0 && i < CLIENTS; i++)
        rc = visit(seen, "127.0.0.1");
    options.reuse_port = false;
    seen->rc[1] = serve_at(seen, &options);
    if (rc == 0)
        rc = ouro_server_stop(first, OURO_SECONDS(5));
    ouro_server_free(first);
    if (rc == 0)
        rc = visit(seen, "127.0.0.1");
    ouro_server_free(seen->scene.server);
    return rc;
}

static void
with_reuse_port_two_servers_share_one(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, share_port, &seen));

    assert_ok(seen.rc[0]);
    assert_err(seen.rc[1], EADDRINUSE);
    assert_int_equal(seen.scene.made, CLIENTS + 1);
}

/* Ready descriptors. */

static int
serve_ready(void *arg)
{
    struct seen *seen = arg;
    int fd = -1;

    int rc = bind_raw("127.0.0.1", 0, &fd);
    if (rc < 0)
        return rc;
    const struct ouro_server_options options = {
        .ready = {.number = fd, .given = true},
    };
    rc = serve_at(seen, &options);
    if (rc < 0)
        return rc;
    seen->rc[0] = visit(seen, "127.0.0.1");
    rc = ouro_server_stop(seen->scene.server, OURO_SECONDS(5));
    seen->rc[1] = close_raw(fd);
    ouro_server_free(seen->scene.server);
    return rc;
}

static void
a_ready_descriptor_is_served_and_closed(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, serve_ready, &seen));

    assert_int_equal(seen.count, 1);
    assert_ok(seen.rc[0]);
    assert_err(seen.rc[1], EBADF);
}

static int
cancel_self_and_serve(void *arg)
{
    struct seen *seen = arg;
    int fd = -1;

    int rc = bind_raw("127.0.0.1", 0, &fd);
    if (rc < 0)
        return rc;
    const struct ouro_server_options options = {
        .ready = {.number = fd, .given = true},
    };
    ouro_task_cancel(ouro_current_task());
    seen->rc[0] = serve_at(seen, &options);
    ouro_uncancel();
    seen->rc[1] = close_raw(fd);
    return 0;
}

static void
a_cancelled_task_makes_no_server_and_keeps_its_descriptor(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, cancel_self_and_serve, &seen));

    assert_err(seen.rc[0], ECANCELED);
    assert_ok(seen.rc[1]);
}

static int
serve_ready_that_cannot_listen(void *arg)
{
    struct seen *seen = arg;
    struct ouro_address local;
    int fds[2] = {-1, -1};

    int rc = bind_raw("127.0.0.1", 0, &fds[0]);
    if (rc < 0)
        return rc;
    struct ouro__engine *e = ouro_get_running_loop()->engine;
    rc = e->sockets->local_address(e, fds[0], &local);
    if (rc == 0)
        rc = bind_raw("127.0.0.1", ouro_address_port(&local), &fds[1]);
    if (rc == 0)
        rc = listen_raw(fds[0]);
    const struct ouro_server_options options = {
        .ready = {.number = fds[1], .given = true},
        .report = &seen->report,
    };
    seen->rc[0] = serve_at(seen, &options);
    seen->rc[1] = close_raw(fds[1]);
    seen->rc[2] = close_raw(fds[0]);
    return rc;
}

static void
a_ready_descriptor_stays_the_callers_when_serving_fails(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, serve_ready_that_cannot_listen, &seen));

    assert_err(seen.rc[0], EADDRINUSE);
    assert_ok(seen.rc[1]);
    assert_ok(seen.rc[2]);
    assert_non_null(strstr(seen.report.text, "cannot listen on 127.0.0.1:"));
    assert_non_null(strstr(seen.report.text, "EADDRINUSE"));
}

/* A deferred server, whose port somebody else listens on meanwhile. */

static int
start_too_late(void *arg)
{
    const struct ouro_server_options options = {
        .host = "127.0.0.1",
        .defer_serving = true,
    };
    struct seen *seen = arg;
    int fd = -1;

    int rc = serve_at(seen, &options);
    if (rc == 0)
        rc = bind_raw("127.0.0.1", (uint16_t)atoi(seen->scene.port), &fd);
    if (rc == 0)
        rc = listen_raw(fd);
    seen->rc[0] = ouro_server_serve_forever(seen->scene.server);
    ouro_server_start_serving(seen->scene.server);
    seen->rc[1] = ouro_server_is_serving(seen->scene.server);
    ouro_server_free(seen->scene.server);
    seen->rc[2] = close_raw(fd);
    return rc;
}

static void
a_deferred_server_that_cannot_listen_says_so(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(
        run_in_noisy_world(engine, start_too_late, &seen, &seen.exceptions));

    assert_err(seen.rc[0], EADDRINUSE);
    assert_int_equal(seen.rc[1], false);
    assert_ok(seen.rc[2]);
    assert_int_equal(seen.exceptions.count, 1);
    assert_err(seen.exceptions.error, EADDRINUSE);
    assert_string_equal(seen.exceptions.message, "a server cannot listen");
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_host_it_is_every_address_and_one_free_port),
        cmocka_unit_test(
            several_hosts_share_a_free_port_and_duplicates_are_dropped),
        cmocka_unit_test(a_port_that_is_free_on_one_address_only_is_not_taken),
        cmocka_unit_test(a_port_that_is_taken_closes_all_and_is_named),
        cmocka_unit_test(an_address_that_cannot_listen_is_named),
        cmocka_unit_test(with_reuse_port_two_servers_share_one),
        cmocka_unit_test(a_ready_descriptor_is_served_and_closed),
        cmocka_unit_test(
            a_cancelled_task_makes_no_server_and_keeps_its_descriptor),
        cmocka_unit_test(
            a_ready_descriptor_stays_the_callers_when_serving_fails),
        cmocka_unit_test(a_deferred_server_that_cannot_listen_says_so),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
