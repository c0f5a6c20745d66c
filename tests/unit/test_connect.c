/* SPDX-License-Identifier: MIT */
/* From a connected socket to a protocol, and what a cancellation leaves of it.
 * Row A79 of the list of behaviours, where nothing else is said.  How a socket
 * is found is in test_dial.c and test_race.c. */
#include "ouro_test.h"

#include "loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOTH "2001:db8::1,192.0.2.1"

/* A client, in a world in which somebody greets at port 80 of every address. */
struct fixture {
    struct ouro_sim *sim;
    struct ouro_server *server;
    struct ouro_task *task;
    const struct ouro_protocol_ops *ops;
    struct ouro_connect_options options;
    struct ouro_report report;
    struct ouro_protocol *protocol; /* what the client got */
    int refusal;                    /* of its connection_made */
    int seen;
    int64_t took_ns;
    char trace[128]; /* what happened, in order */
};

static void
note(struct fixture *f, const char *what)
{
    strncat(f->trace, what, sizeof(f->trace) - strlen(f->trace) - 1);
}

/* The client's protocol. */

struct client {
    struct ouro_protocol base;
    struct fixture *f;
};

static struct client *
client_of(struct ouro_protocol *protocol)
{
    return OURO_CONTAINER_OF(protocol, struct client, base);
}

static int
client_made(struct ouro_protocol *self, void *context)
{
    struct fixture *f = context;

    client_of(self)->f = f;
    note(f, "made ");
    return f->refusal;
}

static void
client_received(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)data;
    note(client_of(self)->f, "data ");
}

static void
client_lost(struct ouro_protocol *self, int reason)
{
    note(client_of(self)->f, "lost ");
    note(client_of(self)->f, reason < 0 ? ouro_error_name(reason) : "0");
}

static const struct ouro_protocol_ops client_ops = {
    .size = sizeof(struct client),
    .connection_made = client_made,
    .data_received = client_received,
    .connection_lost = client_lost,
};

/* The server's: it speaks first. */

static int
greeter_made(struct ouro_protocol *self, void *context)
{
    (void)context;
    ouro_transport_write(self->transport, OURO_BYTES("hello\n"));
    return 0;
}

static void
greeter_received(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)self;
    (void)data;
}

static const struct ouro_protocol_ops greeter_ops = {
    .size = sizeof(struct ouro_protocol),
    .connection_made = greeter_made,
    .data_received = greeter_received,
};

/* The world. */

static struct ouro__engine *
engine_of(const struct fixture *f)
{
    return ouro_sim_loop(f->sim)->engine;
}

static int
serve(void *arg)
{
    struct fixture *f = arg;
    struct ouro_server_options where = {.service = "80"};

    return ouro_create_server(&f->server, &greeter_ops, NULL, &where);
}

static int
make_world(struct fixture *f, const struct ouro_sim_options *options)
{
    memset(f, 0, sizeof(*f));
    f->ops = &client_ops;
    f->options.host = "example";
    f->options.service = "80";
    f->options.report = &f->report;
    f->seen = UNSEEN;

    int rc = ouro_sim_new(&f->sim, options);
    if (rc == 0)
        rc = ouro_sim_add_name(f->sim, "example", BOTH, 0, 0);
    if (rc == 0)
        rc = ouro_sim_run(f->sim, serve, f);
    return rc;
}

/* The connection ends, with all that the world still does. */
static void
hang_up(struct fixture *f)
{
    if (f->protocol != NULL)
        ouro_transport_abort(f->protocol->transport);
    f->protocol = ouro_protocol_unref(f->protocol);
    ouro_sim_advance(f->sim, 0);
}

static void
end_world(struct fixture *f)
{
    if (f->sim == NULL)
        return;
    hang_up(f);
    ouro_server_free(f->server);
    ouro_sim_advance(f->sim, 0);
    assert_int_equal(ouro_sim_open_sockets(f->sim), 0);
    ouro_sim_free(f->sim);
}

static int
connect_once(void *arg)
{
    struct fixture *f = arg;
    int64_t before_ns = ouro_loop_time_ns(ouro_sim_loop(f->sim));

    f->seen = ouro_create_connection(&f->protocol, f->ops, f, &f->options);
    f->took_ns = ouro_loop_time_ns(ouro_sim_loop(f->sim)) - before_ns;
    note(f, "awake ");
    return 0;
}

static void
run_connect(struct fixture *f)
{
    assert_ok(ouro_sim_run(f->sim, connect_once, f));
}

static void
routes(struct fixture *f, const char *address, int64_t delay_ns, int error)
{
    assert_ok(ouro_sim_set_route(f->sim, address, delay_ns, error));
}

/* Success. */

/* A63. */
static void
who_waits_runs_before_the_first_bytes_come(void **state)
{
    struct fixture *f = *state;

    run_connect(f);
    ouro_sim_advance(f->sim, 0);
    hang_up(f);

    assert_string_equal(f->trace, "made awake data lost ECONNABORTED");
}

static int
connect_for_nobody(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_create_connection(NULL, &client_ops, f, &f->options);
    return 0;
}

static void
the_caller_need_not_hold_the_protocol(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, connect_for_nobody, f));
    assert_ok(f->seen);
    ouro_server_abort_clients(f->server);
    ouro_sim_advance(f->sim, 0);

    assert_string_equal(f->trace, "made data lost ECONNRESET");
}

/* Streams. */

static int
read_a_line(void *arg)
{
    struct fixture *f = arg;
    struct ouro_stream *stream;
    struct ouro_slice line;

    int rc = ouro_open_connection(&stream, &f->options);
    if (rc < 0)
        return rc;
    ssize_t size = ouro_stream_read_line(stream, &line);
    if (size > 0)
        snprintf(f->trace, sizeof(f->trace), "%.*s", (int)line.size,
                 (const char *)line.data);
    ouro_stream_free(stream);
    return (int)size;
}

static void
a_stream_is_the_callers_to_free(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ouro_sim_run(f->sim, read_a_line, f), 6);
    assert_string_equal(f->trace, "hello\n");
}

static void
a_stream_has_the_limit_that_was_asked_for(void **state)
{
    struct fixture *f = *state;

    f->options.read_limit = 4;
    assert_err(ouro_sim_run(f->sim, read_a_line, f), OURO_ELIMIT);
}

/* Failure. */

static void
a_refusal_is_returned(void **state)
{
    struct fixture *f = *state;

    f->refusal = -EPERM;
    run_connect(f);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->seen, EPERM);
    assert_int_equal(ouro_sim_open_sockets(f->sim), 2);
    assert_string_equal(f->trace, "made lost EPERMawake ");
    assert_string_equal(f->report.text, "cannot connect to example:80: EPERM "
                                        "(Operation not permitted)");
}

static const struct ouro_protocol_ops deaf_ops = {
    .size = sizeof(struct ouro_protocol),
};

static void
a_table_that_lacks_what_it_must_have_is_refused(void **state)
{
    struct fixture *f = *state;

    f->ops = &deaf_ops;
    run_connect(f);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->seen, EINVAL);
    assert_int_equal(ouro_sim_open_sockets(f->sim), 2);
}

/* A socket that is ready. */

static void
ignore(struct ouro__op *op, const struct ouro__completion *completion)
{
    (void)op;
    (void)completion;
}

static int
connected_socket(struct fixture *f)
{
    struct ouro__engine *engine = engine_of(f);
    int fd = engine->sockets->open(engine, AF_INET);
    struct ouro_address address;
    struct ouro__op op;

    assert_ok(ouro_address_parse(&address, "192.0.2.1", 80));
    ouro__op_init(&op, OURO__OP_CONNECT, fd, ignore);
    op.with.address = &address;
    ouro__op_submit(engine, &op);
    ouro_sim_advance(f->sim, 0);
    return fd;
}

static void
will_adopt(struct fixture *f, int fd)
{
    f->options.host = NULL;
    f->options.service = NULL;
    f->options.ready = (struct ouro_descriptor){.number = fd, .given = true};
}

static void
a_socket_that_is_ready_is_adopted(void **state)
{
    struct fixture *f = *state;
    int fd = connected_socket(f);

    will_adopt(f, fd);
    run_connect(f);
    assert_ok(f->seen);
    assert_int_equal(ouro_transport_descriptor(f->protocol->transport), fd);
    ouro_sim_advance(f->sim, 0);
    hang_up(f);

    assert_string_equal(f->trace, "made awake data lost ECONNABORTED");
}

static void
a_socket_that_is_not_connected_stays_the_callers(void **state)
{
    struct fixture *f = *state;
    struct ouro__engine *engine = engine_of(f);
    int fd = engine->sockets->open(engine, AF_INET);
    char text[128];

    will_adopt(f, fd);
    run_connect(f);

    assert_err(f->seen, ENOTCONN);
    snprintf(text, sizeof(text),
             "cannot use descriptor %d: ENOTCONN (Transport endpoint is not "
             "connected)",
             fd);
    assert_string_equal(f->report.text, text);
    engine->sockets->close(engine, fd);
}

static void
what_is_not_open_is_not_adopted(void **state)
{
    struct fixture *f = *state;

    will_adopt(f, 2000000);
    run_connect(f);

    assert_err(f->seen, EBADF);
}

/* Cancellation: A30. */

static void
begin(struct fixture *f)
{
    assert_ok(ouro_loop_create_task(ouro_sim_loop(f->sim), &f->task,
                                    connect_once, f));
}

static void
cancel(struct fixture *f)
{
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 0);
    assert_true(ouro_task_is_done(f->task));
    f->task = ouro_task_unref(f->task);
}

static void
a_cancelled_task_connects_to_nobody(void **state)
{
    struct fixture *f = *state;

    begin(f);
    cancel(f);

    assert_err(f->seen, ECANCELED);
    assert_int_equal(ouro_sim_lookups(f->sim), 0);
}

static void
a_cancelled_lookup_ends_the_connect(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_add_name(f->sim, "example", BOTH, OURO_SECONDS(9), 0));
    begin(f);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));
    cancel(f);

    assert_err(f->seen, ECANCELED);
}

/* A3, with a socket of its own for each try. */
static void
after_a_cancellation_it_connects_again(void **state)
{
    struct fixture *f = *state;

    routes(f, "2001:db8::1", OURO_SECONDS(1), 0);
    begin(f);
    ouro_sim_advance(f->sim, OURO_MILLISECONDS(100));
    cancel(f);
    assert_err(f->seen, ECANCELED);
    run_connect(f);

    assert_ok(f->seen);
    assert_int_equal(ouro_server_connection_count(f->server), 1);
}

/* Let some time and some turns pass, in a way that differs from one round to
 * the next. */
static void
pass(struct fixture *f, unsigned round)
{
    ouro_sim_advance(f->sim, OURO_MILLISECONDS(2) * (round % 4));
    if (round % 8 > 3)
        ouro_sim_advance(f->sim, OURO_MILLISECONDS(250));
    for (unsigned i = 0; i < round / 8 % 20; i++)
        ouro_sim_turn(f->sim);
}

static void
end_somewhere(struct fixture *f, unsigned round)
{
    assert_ok(ouro_sim_add_name(f->sim, "example", BOTH, 2000000, 0));
    routes(f, "2001:db8::1", OURO_MILLISECONDS(round % 3 * 252), 0);
    routes(f, "192.0.2.1", OURO_MILLISECONDS(round % 5), 0);
    f->refusal = round % 11 == 0 ? -EPERM : 0;
    begin(f);
    pass(f, round);
    cancel(f);

    assert_true(f->seen == 0 || f->seen == f->refusal || f->seen == -ECANCELED);
    assert_int_equal(f->protocol != NULL, f->seen == 0);
}

static struct ouro_sim_options
some_chance(unsigned seed)
{
    return (struct ouro_sim_options){
        .seed = seed,
        .late_percent = 20,
        .reorder_percent = 20,
        .late_cancel_percent = 50,
    };
}

static void
a_cancellation_at_any_moment_leaks_nothing(void **state)
{
    struct fixture *f = *state;
    unsigned cancelled = 0;

    end_world(f);
    for (unsigned round = 0; round < 1000; round++) {
        struct ouro_sim_options options = some_chance(round);

        assert_ok(make_world(f, &options));
        end_somewhere(f, round);
        cancelled += f->seen == -ECANCELED;
        end_world(f);
    }
    assert_in_range(cancelled, 300, 900);
    assert_ok(make_world(f, NULL));
}

static void
cancel_an_adoption(struct fixture *f, unsigned turns)
{
    struct ouro__engine *engine = engine_of(f);
    int fd = connected_socket(f);

    will_adopt(f, fd);
    begin(f);
    for (unsigned i = 0; i < turns; i++)
        ouro_sim_turn(f->sim);
    cancel(f);
    if (f->seen < 0)
        engine->sockets->close(engine, fd);
}

static void
a_socket_of_a_cancelled_call_stays_the_callers(void **state)
{
    struct fixture *f = *state;

    cancel_an_adoption(f, 0);
    assert_err(f->seen, ECANCELED);
    assert_null(f->protocol);
}

/* The socket is on its way to its transport: the call has adopted it. */
static void
a_connection_that_is_as_good_as_made_stands(void **state)
{
    struct fixture *f = *state;

    cancel_an_adoption(f, 1);
    assert_ok(f->seen);
    assert_non_null(f->protocol);
}

/* Memory. */

static int
connect_in_a_new_world(void *arg)
{
    struct fixture *f = arg;
    int rc = make_world(f, NULL);

    if (rc == 0)
        rc = ouro_sim_run(f->sim, connect_once, f);
    if (rc == 0)
        rc = f->seen;
    end_world(f);
    return rc;
}

static void
memory_that_runs_out_is_an_error(void **state)
{
    struct fixture *f = *state;

    end_world(f);
    for_each_allocation_failure(connect_in_a_new_world, f);
    assert_ok(make_world(f, NULL));
}

static int
setup(void **state)
{
    *state = malloc(sizeof(struct fixture));
    return make_world(*state, NULL);
}

static int
teardown(void **state)
{
    end_world(*state);
    free(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_waits_runs_before_the_first_bytes_come),
        TEST(the_caller_need_not_hold_the_protocol),
        TEST(a_stream_is_the_callers_to_free),
        TEST(a_stream_has_the_limit_that_was_asked_for),
        TEST(a_refusal_is_returned),
        TEST(a_table_that_lacks_what_it_must_have_is_refused),
        TEST(a_socket_that_is_ready_is_adopted),
        TEST(a_socket_that_is_not_connected_stays_the_callers),
        TEST(what_is_not_open_is_not_adopted),
        TEST(a_cancelled_task_connects_to_nobody),
        TEST(a_cancelled_lookup_ends_the_connect),
        TEST(after_a_cancellation_it_connects_again),
        TEST(a_cancellation_at_any_moment_leaks_nothing),
        TEST(a_socket_of_a_cancelled_call_stays_the_callers),
        TEST(a_connection_that_is_as_good_as_made_stands),
        TEST(memory_that_runs_out_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
