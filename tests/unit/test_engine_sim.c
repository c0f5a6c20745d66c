/* SPDX-License-Identifier: MIT */
/* What the simulated engine promises: operations.  See src/engine.h, and
 * include/ouro/sim.h for what chance may do.  Each way for an operation to end
 * is one that the kernel has shown; hence more than 600 lines. */
#include "ouro_test.h"

#include "engine_sim.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#if defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define SANITIZED 1
#    endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED)
#    include <sanitizer/asan_interface.h>
#    define IS_FORBIDDEN(data) __asan_address_is_poisoned(data)
#else
#    define IS_FORBIDDEN(data) ((void)(data), 1)
#endif

enum {
    SOCKET_BUFFER = 1000,
    RECEIVE_MEMORY = 64 * 1024, /* four buffers */
    MOST_RESULTS = 64,
    MOST_TURNS = 10000
};

struct fixture;

/* An operation, and what came of it. */
struct probe {
    struct ouro__op op;
    struct fixture *f;
    int results[MOST_RESULTS]; /* the first ones */
    unsigned count;
    bool ended;
    uint32_t last_turn;
    char *bytes;
    size_t size;
    const uint8_t *lent; /* the last time */
    unsigned order;      /* of the end, among all */
};

struct fixture {
    struct ouro__sim_engine *sim;
    struct ouro__engine *engine;
    unsigned ends;
    struct probe accepted;
    struct probe connected;
    struct ouro_address there;
    int listener;
    int client;
    int server;
    char bytes[2][MOST_TURNS];
};

static const struct ouro__sim_options calm = {
    .seed = 1,
    .socket_buffer = SOCKET_BUFFER,
    .descriptor_limit = SIZE_MAX,
    .receive_memory = RECEIVE_MEMORY,
};

/* Probes. */

static void
see_completion(struct ouro__op *op, const struct ouro__completion *completion)
{
    struct probe *probe = OURO_CONTAINER_OF(op, struct probe, op);

    assert_false(probe->ended);
    if (probe->count < MOST_RESULTS)
        probe->results[probe->count] = completion->result;
    probe->count++;
    if (completion->data != NULL) {
        probe->lent = completion->data;
        if (probe->bytes != NULL)
            memcpy(probe->bytes + probe->size, completion->data,
                   (size_t)completion->result);
        probe->size += (size_t)completion->result;
    }
    probe->last_turn = probe->f->sim->turn;
    probe->ended = !completion->more;
    if (probe->ended)
        probe->order = ++probe->f->ends;
}

static void
probe_init(struct fixture *f, struct probe *probe, enum ouro__op_kind kind,
           int fd)
{
    *probe = (struct probe){.f = f};
    ouro__op_init(&probe->op, kind, fd, see_completion);
}

/* Submit it again, and forget what came of it, but not the bytes. */
static void
submit(struct fixture *f, struct probe *probe)
{
    probe->count = 0;
    probe->ended = false;
    ouro__op_submit(f->engine, &probe->op);
}

static void
start_op(struct fixture *f, struct probe *probe, enum ouro__op_kind kind,
         int fd)
{
    probe_init(f, probe, kind, fd);
    submit(f, probe);
}

static void
start_poll(struct fixture *f, struct probe *probe, int fd, uint32_t events,
           bool multishot)
{
    probe_init(f, probe, OURO__OP_POLL, fd);
    probe->op.with.poll_events = events;
    probe->op.multishot = multishot;
    submit(f, probe);
}

static void
start_send(struct fixture *f, struct probe *probe, struct msghdr *message,
           int fd)
{
    probe_init(f, probe, OURO__OP_SEND, fd);
    probe->op.with.message = message;
    submit(f, probe);
}

static void
start_connect(struct fixture *f, struct probe *probe, int fd)
{
    probe_init(f, probe, OURO__OP_CONNECT, fd);
    probe->op.with.address = &f->there;
    submit(f, probe);
}

static void
cancel(struct fixture *f, struct probe *probe)
{
    ouro__op_cancel(f->engine, &probe->op);
}

static void
turn(struct fixture *f)
{
    f->engine->ops->wait(f->engine, 0);
    ouro__op_dispatch(f->engine);
}

static void
settle(struct fixture *f)
{
    int turns = 0;

    do {
        turn(f);
        assert_true(++turns < MOST_TURNS);
    } while (ouro__sim_has_work(f->sim));
}

/* Sockets. */

static int
open_socket(struct fixture *f)
{
    int fd = f->engine->sockets->open(f->engine, AF_INET);

    assert_true(fd >= 0);
    return fd;
}

static void
listen_somewhere(struct fixture *f)
{
    struct ouro_address any;

    assert_ok(ouro_address_parse(&any, "127.0.0.1", 0));
    f->listener = open_socket(f);
    assert_ok(f->engine->sockets->bind(f->engine, f->listener, &any));
    assert_ok(f->engine->sockets->listen(f->engine, f->listener, 1000));
    assert_ok(
        f->engine->sockets->local_address(f->engine, f->listener, &f->there));
}

/* Connect a new socket with whoever accepts; whatever chance does. */
static int
connect_somehow(struct fixture *f)
{
    int fd = open_socket(f);

    start_connect(f, &f->connected, fd);
    settle(f);
    assert_true(f->connected.ended);
    assert_ok(f->connected.results[0]);
    return fd;
}

static int
accept_somehow(struct fixture *f)
{
    start_op(f, &f->accepted, OURO__OP_ACCEPT, f->listener);
    settle(f);
    cancel(f, &f->accepted);
    settle(f);
    assert_true(f->accepted.results[0] >= 0);
    return f->accepted.results[0];
}

static void
make_pair(struct fixture *f)
{
    listen_somewhere(f);
    f->client = connect_somehow(f);
    f->server = accept_somehow(f);
}

static ssize_t
send_now(struct fixture *f, int fd, const void *bytes, size_t size)
{
    char copy[4096];
    struct iovec vector = {copy, size};

    memcpy(copy, bytes, size);
    return f->engine->sockets->send(f->engine, fd, &vector, 1);
}

static void
put(struct fixture *f, int fd, const char *text)
{
    assert_int_equal(send_now(f, fd, text, strlen(text)), strlen(text));
}

static ssize_t
get(struct fixture *f, int fd, size_t size)
{
    char bytes[4096];

    return f->engine->sockets->recv(f->engine, fd, bytes, size);
}

static void
close_socket(struct fixture *f, int fd)
{
    f->engine->sockets->close(f->engine, fd);
}

static void
reset(struct fixture *f, int fd)
{
    f->engine->sockets->set_reset(f->engine, fd);
    close_socket(f, fd);
}

/* An engine of other options; the old one must have nothing in flight. */
static void
renew(struct fixture *f, const struct ouro__sim_options *options)
{
    if (f->engine != NULL)
        f->engine->ops->free(f->engine);
    memset(f, 0, sizeof(*f));
    assert_ok(ouro__engine_sim_new(&f->sim, options));
    f->engine = &f->sim->base;
}

/* From now on chance may do what `options` say. */
static void
let_happen(struct fixture *f, struct ouro__sim_options options)
{
    options.socket_buffer = f->sim->options.socket_buffer;
    f->sim->options = options;
}

/* Accept. */

static void
an_accept_brings_one_connection_after_the_other(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);
    assert_int_equal(accept.count, 0);

    connect_somehow(f);
    connect_somehow(f);
    settle(f);
    assert_int_equal(accept.count, 2);
    assert_true(accept.results[0] >= OURO__SIM_FIRST_FD);
    assert_int_not_equal(accept.results[0], accept.results[1]);
    assert_false(accept.ended);
    cancel(f, &accept);
    settle(f);
}

static void
an_accept_without_a_free_descriptor_ends_though_nobody_comes(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    f->sim->net.limit = 1;
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);

    assert_true(accept.ended);
    assert_err(accept.results[0], EMFILE);
}

static void
an_accept_that_takes_the_last_descriptor_ends_at_once(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    connect_somehow(f);
    f->sim->net.limit = 3;
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);

    assert_int_equal(accept.count, 2);
    assert_true(accept.results[0] >= 0);
    assert_true(accept.ended);
    assert_err(accept.results[1], EMFILE);
}

static void
who_waits_while_there_is_no_descriptor_is_served_later(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    connect_somehow(f);
    f->sim->net.limit = 2;
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);
    assert_err(accept.results[0], EMFILE);

    f->sim->net.limit = SIZE_MAX;
    assert_true(accept_somehow(f) >= 0);
}

static void
a_connection_may_be_gone_before_the_accept(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    int client = connect_somehow(f);
    let_happen(f, (struct ouro__sim_options){.abort_accept_percent = 100});
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);

    assert_true(accept.ended);
    assert_err(accept.results[0], ECONNABORTED);
    assert_err(get(f, client, 1), ECONNRESET);
}

static void
an_accept_needs_a_listener(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    start_op(f, &accept, OURO__OP_ACCEPT, open_socket(f));
    settle(f);

    assert_err(accept.results[0], EINVAL);
}

/* Receive. */

static void
a_receive_brings_data_as_they_come(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "one");
    start_op(f, &receive, OURO__OP_RECV, f->server);
    receive.bytes = f->bytes[0];
    settle(f);
    put(f, f->client, "two");
    settle(f);

    assert_int_equal(receive.count, 2);
    assert_false(receive.ended);
    assert_memory_equal(f->bytes[0], "onetwo", 6);
    cancel(f, &receive);
    settle(f);
}

static void
a_receive_ends_with_0_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "last");
    assert_ok(f->engine->sockets->shutdown_write(f->engine, f->client));
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);

    assert_int_equal(receive.count, 2);
    assert_int_equal(receive.results[0], 4);
    assert_int_equal(receive.results[1], 0);
    assert_true(receive.ended);
}

static void
a_reset_comes_after_the_data_before_it(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "hello");
    reset(f, f->client);
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);
    assert_int_equal(receive.count, 2);
    assert_int_equal(receive.results[0], 5);
    assert_err(receive.results[1], ECONNRESET);
    assert_true(receive.ended);

    submit(f, &receive);
    settle(f);
    assert_int_equal(receive.results[0], 0);
}

static void
a_reset_told_to_a_send_is_a_clean_end_for_the_receive(void **state)
{
    struct fixture *f = *state;
    struct iovec vector = {f->bytes[0], 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct probe send;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "hello");
    reset(f, f->client);
    start_send(f, &send, &message, f->server);
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);

    assert_err(send.results[0], ECONNRESET);
    assert_int_equal(receive.results[0], 5);
    assert_int_equal(receive.results[1], 0);
    assert_err(send_now(f, f->server, "x", 1), EPIPE);
}

static void
a_receive_that_finds_no_buffer_ends_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "hello");
    let_happen(f, (struct ouro__sim_options){.no_buffer_percent = 100});
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);
    assert_true(receive.ended);
    assert_err(receive.results[0], ENOBUFS);

    let_happen(f, calm);
    submit(f, &receive);
    settle(f);
    assert_int_equal(receive.results[0], 5);
    cancel(f, &receive);
    settle(f);
}

static void
an_idle_receive_needs_no_buffer(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    let_happen(f, (struct ouro__sim_options){.no_buffer_percent = 100});
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);

    assert_int_equal(receive.count, 0);
    cancel(f, &receive);
    settle(f);
}

/* Each of six peers has sent, and there are four buffers. */
static void
there_are_as_many_buffers_as_the_memory_holds(void **state)
{
    struct fixture *f = *state;
    struct probe receives[6];
    int clients[6];
    size_t starved = 0;

    listen_somewhere(f);
    for (size_t i = 0; i < 6; i++) {
        clients[i] = connect_somehow(f);
        start_op(f, &receives[i], OURO__OP_RECV, accept_somehow(f));
    }
    for (size_t i = 0; i < 6; i++)
        put(f, clients[i], "hello");
    turn(f);
    for (size_t i = 0; i < 6; i++)
        starved += receives[i].ended && receives[i].results[0] == -ENOBUFS;
    assert_int_equal(starved, 2);

    for (size_t i = 0; i < 6; i++) {
        if (receives[i].ended)
            submit(f, &receives[i]);
    }
    settle(f);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(receives[i].size, 5);
        cancel(f, &receives[i]);
    }
    settle(f);
}

static void
a_buffer_may_be_read_only_while_it_is_lent(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "hello");
    start_op(f, &receive, OURO__OP_RECV, f->server);
    f->engine->ops->wait(f->engine, 0);
    const uint8_t *data = f->engine->batch[0].data;
    assert_memory_equal(data, "hello", 5);
    assert_true(IS_FORBIDDEN(data + 8));

    ouro__op_dispatch(f->engine);
    assert_true(IS_FORBIDDEN(data));
    cancel(f, &receive);
    settle(f);
}

static void
a_receive_on_what_is_not_connected_fails(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    start_op(f, &receive, OURO__OP_RECV, open_socket(f));
    settle(f);

    assert_err(receive.results[0], ENOTCONN);
}

/* Send. */

static void
a_send_takes_all_of_a_message_however_slow_the_reader(void **state)
{
    struct fixture *f = *state;
    struct iovec vectors[] = {{f->bytes[0], 2000}, {f->bytes[1], 3000}};
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = 2};
    struct probe send;
    size_t read = 0;

    make_pair(f);
    start_send(f, &send, &message, f->client);
    settle(f);
    while (!send.ended) {
        ssize_t size = get(f, f->server, 333);

        assert_true(size > 0);
        read += (size_t)size;
        settle(f);
    }

    assert_int_equal(send.results[0], 5000);
    assert_in_range(read, 5000 - SOCKET_BUFFER, 5000);
}

static void
a_send_that_is_cancelled_says_how_much_has_left(void **state)
{
    struct fixture *f = *state;
    struct iovec vector = {f->bytes[0], 5000};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct probe send;

    make_pair(f);
    start_send(f, &send, &message, f->client);
    settle(f);
    cancel(f, &send);
    settle(f);
    assert_int_equal(send.results[0], SOCKET_BUFFER);

    submit(f, &send);
    settle(f);
    cancel(f, &send);
    settle(f);
    assert_err(send.results[0], ECANCELED);
    assert_int_equal(get(f, f->server, 4096), SOCKET_BUFFER);
    assert_err(get(f, f->server, 4096), EAGAIN);
}

static void
a_send_broken_by_a_reset_says_how_much_and_swallows_the_error(void **state)
{
    struct fixture *f = *state;
    struct iovec vector = {f->bytes[0], 5000};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct probe send;

    make_pair(f);
    start_send(f, &send, &message, f->client);
    settle(f);
    reset(f, f->server);
    settle(f);

    assert_int_equal(send.results[0], SOCKET_BUFFER);
    submit(f, &send);
    settle(f);
    assert_err(send.results[0], EPIPE);
}

static void
a_send_of_nothing_is_0(void **state)
{
    struct fixture *f = *state;
    struct msghdr message = {.msg_iovlen = 0};
    struct probe send;

    make_pair(f);
    start_send(f, &send, &message, f->client);
    settle(f);

    assert_int_equal(send.count, 1);
    assert_int_equal(send.results[0], 0);
}

/* Connect. */

static void
a_connect_to_nobody_is_refused(void **state)
{
    struct fixture *f = *state;
    struct probe connect;

    assert_ok(ouro_address_parse(&f->there, "127.0.0.1", 9));
    start_connect(f, &connect, open_socket(f));
    settle(f);

    assert_int_equal(connect.count, 1);
    assert_err(connect.results[0], ECONNREFUSED);
}

static void
a_connect_takes_as_long_as_its_route(void **state)
{
    struct fixture *f = *state;
    struct probe connect;

    listen_somewhere(f);
    assert_ok(
        ouro__sim_set_route(&f->sim->names, "127.0.0.1", OURO_SECONDS(3), 0));
    int64_t start_ns = f->sim->now_ns;
    start_connect(f, &connect, open_socket(f));
    settle(f);
    assert_int_equal(connect.count, 0);
    assert_int_equal(ouro__sim_next_event_ns(f->sim),
                     start_ns + OURO_SECONDS(3));

    f->sim->now_ns = start_ns + OURO_SECONDS(3) - 1;
    settle(f);
    assert_int_equal(connect.count, 0);
    f->sim->now_ns++;
    settle(f);
    assert_ok(connect.results[0]);
    assert_true(ouro__sim_next_event_ns(f->sim) == OURO_FOREVER);
}

static void
a_route_may_end_in_an_error(void **state)
{
    struct fixture *f = *state;
    struct probe connect;

    listen_somewhere(f);
    assert_ok(
        ouro__sim_set_route(&f->sim->names, "127.0.0.1", 0, -EHOSTUNREACH));
    start_connect(f, &connect, open_socket(f));
    settle(f);

    assert_err(connect.results[0], EHOSTUNREACH);
}

static void
a_connect_that_never_arrives_is_cancelled(void **state)
{
    struct fixture *f = *state;
    struct probe connect;

    listen_somewhere(f);
    assert_ok(
        ouro__sim_set_route(&f->sim->names, "127.0.0.1", OURO_FOREVER, 0));
    int fd = open_socket(f);
    start_connect(f, &connect, fd);
    settle(f);
    assert_true(ouro__sim_next_event_ns(f->sim) == OURO_FOREVER);

    cancel(f, &connect);
    settle(f);
    assert_err(connect.results[0], ECANCELED);
    submit(f, &connect);
    settle(f);
    assert_err(connect.results[0], EALREADY);
    close_socket(f, fd);
}

/* Poll. */

static void
a_poll_reports_the_state_there_is(void **state)
{
    struct fixture *f = *state;
    struct probe poll;

    make_pair(f);
    put(f, f->client, "x");
    start_poll(f, &poll, f->server, POLLIN | POLLOUT, false);
    settle(f);
    assert_int_equal(poll.count, 1);
    assert_true(poll.ended);
    assert_int_equal(poll.results[0], POLLIN | POLLOUT);

    submit(f, &poll);
    settle(f);
    assert_int_equal(poll.results[0], POLLIN | POLLOUT);
}

static void
a_poll_waits_for_what_it_wants(void **state)
{
    struct fixture *f = *state;
    struct probe poll;

    make_pair(f);
    start_poll(f, &poll, f->server, POLLIN, false);
    settle(f);
    assert_int_equal(poll.count, 0);

    put(f, f->client, "x");
    settle(f);
    assert_int_equal(poll.results[0], POLLIN);
}

static void
a_poll_for_room_waits_for_the_reader(void **state)
{
    struct fixture *f = *state;
    struct probe poll;

    make_pair(f);
    assert_int_equal(send_now(f, f->client, f->bytes[0], 4000), SOCKET_BUFFER);
    start_poll(f, &poll, f->client, POLLOUT, false);
    settle(f);
    assert_int_equal(poll.count, 0);

    assert_int_equal(get(f, f->server, 4000), SOCKET_BUFFER);
    settle(f);
    assert_int_equal(poll.results[0], POLLOUT);
}

static void
a_multishot_poll_reports_each_arrival_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct probe poll;

    make_pair(f);
    put(f, f->client, "x");
    start_poll(f, &poll, f->server, POLLIN, true);
    settle(f);
    assert_int_equal(poll.count, 1);
    settle(f);
    assert_int_equal(poll.count, 1);

    put(f, f->client, "y");
    settle(f);
    assert_int_equal(poll.count, 2);
    assert_false(poll.ended);
    cancel(f, &poll);
    settle(f);
    assert_err(poll.results[2], ECANCELED);
}

static void
a_multishot_poll_for_nothing_reports_the_ends(void **state)
{
    struct fixture *f = *state;
    struct probe poll;

    make_pair(f);
    start_poll(f, &poll, f->server, 0, true);
    put(f, f->client, "abc");
    settle(f);
    assert_int_equal(poll.count, 0);
    assert_ok(f->engine->sockets->shutdown_write(f->engine, f->client));
    settle(f);
    assert_int_equal(poll.results[0], POLLRDHUP);
    reset(f, f->client);
    settle(f);
    assert_int_equal(poll.results[1], POLLERR | POLLHUP | POLLRDHUP);

    cancel(f, &poll);
    settle(f);
}

/* Cancel. */

static void
a_cancelled_receive_leaves_the_data_in_the_socket(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);
    put(f, f->client, "hello");
    cancel(f, &receive);
    settle(f);

    assert_int_equal(receive.count, 1);
    assert_err(receive.results[0], ECANCELED);
    assert_int_equal(get(f, f->server, 10), 5);
}

static void
a_cancelled_accept_leaves_the_connection_in_the_backlog(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);
    start_connect(f, &f->connected, open_socket(f));
    cancel(f, &accept);
    settle(f);

    assert_err(accept.results[0], ECANCELED);
    assert_true(accept_somehow(f) >= 0);
}

static void
a_cancel_after_the_last_completion_was_queued_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct probe connect;

    listen_somewhere(f);
    start_connect(f, &connect, open_socket(f));
    f->engine->ops->wait(f->engine, 0);
    cancel(f, &connect);
    ouro__op_dispatch(f->engine);
    settle(f);

    assert_int_equal(connect.count, 1);
    assert_ok(connect.results[0]);
}

/* Seen with some seed: all that a late cancel may bring. */
static void
a_late_cancel_may_lose_the_race(void **state)
{
    struct fixture *f = *state;
    struct probe accept;
    bool canceled_first = false;
    bool accepted_and_canceled = false;
    bool accepted_only = false;

    for (uint64_t seed = 0; seed < 50; seed++) {
        renew(f, &calm);
        listen_somewhere(f);
        start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
        settle(f);
        let_happen(f, (struct ouro__sim_options){.late_cancel_percent = 50});
        f->sim->chance = seed;
        cancel(f, &accept);
        connect_somehow(f);
        settle(f);

        assert_true(accept.ended);
        bool accepted = accept.results[0] >= 0;
        canceled_first |= !accepted;
        accepted_and_canceled |= accepted && accept.count == 2;
        accepted_only |= accepted && accept.count == 1;
    }

    assert_true(canceled_first);
    assert_true(accepted_and_canceled);
    assert_true(accepted_only);
}

static void
a_late_cancel_comes_to_an_end_without_data(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    let_happen(f, (struct ouro__sim_options){.late_cancel_percent = 100});
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);
    cancel(f, &receive);
    turn(f);
    assert_false(receive.ended);

    settle(f);
    assert_int_equal(receive.count, 1);
    assert_err(receive.results[0], ECANCELED);
}

/* Chance. */

static void
without_chance_all_comes_in_the_turn_after_it_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct probe receive;
    struct probe accept;

    listen_somewhere(f);
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    start_connect(f, &f->connected, open_socket(f));
    turn(f);
    assert_true(f->connected.ended);
    turn(f);
    assert_int_equal(accept.count, 1);

    put(f, f->connected.op.fd, "x");
    start_op(f, &receive, OURO__OP_RECV, accept.results[0]);
    turn(f);
    assert_int_equal(receive.count, 1);
    cancel(f, &receive);
    cancel(f, &accept);
    turn(f);
    assert_true(receive.ended);
    assert_true(accept.ended);
}

static void
what_is_late_comes_some_turns_later(void **state)
{
    struct fixture *f = *state;
    struct probe poll;
    uint32_t longest = 0;

    make_pair(f);
    put(f, f->client, "x");
    let_happen(f, (struct ouro__sim_options){.late_percent = 100});
    for (int i = 0; i < 100; i++) {
        uint32_t now = f->sim->turn;

        start_poll(f, &poll, f->server, POLLIN, false);
        settle(f);
        assert_true(poll.ended);
        assert_in_range(poll.last_turn - now, 1, 5);
        if (poll.last_turn - now > longest)
            longest = poll.last_turn - now;
    }

    assert_int_equal(longest, 3);
}

/* The bytes have left, and may have been answered, before that is told. */
static void
a_send_may_be_told_after_its_bytes_were_received(void **state)
{
    struct fixture *f = *state;
    struct iovec vector = {f->bytes[0], 5};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct probe send;
    bool seen = false;

    make_pair(f);
    let_happen(f, (struct ouro__sim_options){.late_percent = 50});
    for (int i = 0; i < 50; i++) {
        start_send(f, &send, &message, f->client);
        while (get(f, f->server, 10) == -EAGAIN)
            turn(f);
        seen |= !send.ended;
        cancel(f, &send);
        settle(f);
        assert_int_equal(send.results[0], 5);
    }

    assert_true(seen);
}

static void
completions_may_overtake_those_of_others(void **state)
{
    struct fixture *f = *state;
    struct probe polls[8];
    bool overtaken = false;

    make_pair(f);
    put(f, f->client, "x");
    let_happen(f, (struct ouro__sim_options){.reorder_percent = 50});
    for (size_t i = 0; i < 8; i++)
        start_poll(f, &polls[i], f->server, POLLIN, false);
    settle(f);

    for (size_t i = 1; i < 8; i++)
        overtaken |= polls[i].order < polls[i - 1].order;
    assert_true(overtaken);
}

static void
without_reordering_none_overtakes(void **state)
{
    struct fixture *f = *state;
    struct probe polls[8];

    make_pair(f);
    put(f, f->client, "x");
    for (size_t i = 0; i < 8; i++)
        start_poll(f, &polls[i], f->server, POLLIN, false);
    settle(f);

    for (size_t i = 1; i < 8; i++)
        assert_true(polls[i - 1].order < polls[i].order);
}

static void
short_reads_and_writes_move_something(void **state)
{
    struct fixture *f = *state;
    bool shorter = false;

    make_pair(f);
    let_happen(f, (struct ouro__sim_options){.short_io_percent = 50});
    for (int i = 0; i < 50; i++) {
        ssize_t sent = send_now(f, f->client, "0123456789", 10);
        ssize_t got = get(f, f->server, 10);

        assert_in_range(sent, 1, 10);
        assert_in_range(got, 1, sent);
        shorter |= sent < 10 || got < sent;
        while (get(f, f->server, 10) > 0)
            continue;
    }

    assert_true(shorter);
}

static void
a_multishot_may_end_early_with_a_result(void **state)
{
    struct fixture *f = *state;
    struct probe receive;
    bool seen = false;

    make_pair(f);
    let_happen(f, (struct ouro__sim_options){.short_io_percent = 100});
    for (int i = 0; i < 50 && !seen; i++) {
        start_op(f, &receive, OURO__OP_RECV, f->server);
        assert_true(send_now(f, f->client, "hello", 5) > 0);
        settle(f);
        seen = receive.ended && receive.results[receive.count - 1] > 0;
        cancel(f, &receive);
        settle(f);
    }

    assert_true(seen);
}

/* Everything at once: a stream of numbered bytes, with cancels on both sides,
 * arrives whole, and every operation ends. */

static const struct ouro__sim_options storm = {
    .late_percent = 30,
    .reorder_percent = 30,
    .short_io_percent = 30,
    .late_cancel_percent = 50,
    .no_buffer_percent = 20,
    .socket_buffer = 300,
    .descriptor_limit = SIZE_MAX,
    .receive_memory = RECEIVE_MEMORY,
};

struct stream {
    struct fixture *f;
    struct probe send;
    struct probe receive;
    struct iovec vector;
    struct msghdr message;
    size_t sent;
    uint64_t trace; /* of all that came, in order */
};

enum { STREAM_SIZE = 5000 };

static void
start_stream(struct fixture *f, struct stream *stream)
{
    memset(stream, 0, sizeof(*stream));
    stream->f = f;
    for (size_t i = 0; i < STREAM_SIZE; i++)
        f->bytes[0][i] = (char)(i * 7 + i / 251);
    stream->message.msg_iov = &stream->vector;
    stream->message.msg_iovlen = 1;
    probe_init(f, &stream->send, OURO__OP_SEND, f->client);
    stream->send.op.with.message = &stream->message;
    stream->send.ended = true;
    probe_init(f, &stream->receive, OURO__OP_RECV, f->server);
    stream->receive.bytes = f->bytes[1];
    stream->receive.ended = true;
}

static void
go_on_sending(struct stream *stream)
{
    struct probe *send = &stream->send;

    if (send->ended && send->count > 0) {
        assert_true(send->results[0] > 0 || send->results[0] == -ECANCELED);
        if (send->results[0] > 0)
            stream->sent += (size_t)send->results[0];
        send->count = 0;
    }
    if (!send->ended || stream->sent == STREAM_SIZE)
        return;

    size_t left = STREAM_SIZE - stream->sent;
    stream->vector.iov_base = stream->f->bytes[0] + stream->sent;
    stream->vector.iov_len = left < 700 ? left : 700;
    submit(stream->f, send);
}

static void
storm_turn(struct stream *stream)
{
    struct fixture *f = stream->f;

    go_on_sending(stream);
    if (stream->receive.ended)
        submit(f, &stream->receive);
    turn(f);
    if (ouro__sim_draw(f->sim, 4) == 0)
        cancel(f, &stream->send);
    if (ouro__sim_draw(f->sim, 4) == 0)
        cancel(f, &stream->receive);
    stream->trace = stream->trace * 31 + stream->receive.size;
    stream->trace = stream->trace * 31 + stream->sent;
}

static uint64_t
run_storm(struct fixture *f, uint64_t seed)
{
    struct ouro__sim_options options = storm;
    struct stream stream;

    options.seed = seed;
    renew(f, &options);
    make_pair(f);
    start_stream(f, &stream);
    for (int turns = 0; stream.receive.size < STREAM_SIZE; turns++) {
        storm_turn(&stream);
        if (turns == MOST_TURNS)
            fail_msg("seed %d: no end", (int)seed);
    }
    cancel(f, &stream.send);
    cancel(f, &stream.receive);
    settle(f);

    if (memcmp(f->bytes[0], f->bytes[1], STREAM_SIZE) != 0)
        fail_msg("seed %d: other bytes", (int)seed);
    assert_int_equal(stream.receive.size, STREAM_SIZE);
    assert_int_equal(f->engine->in_flight, 0);
    assert_int_equal(f->sim->buffers.free_count, f->sim->buffers.count);
    return stream.trace;
}

static void
a_stream_survives_everything_at_once(void **state)
{
    struct fixture *f = *state;

    for (uint64_t seed = 0; seed < 300; seed++)
        run_storm(f, seed);
}

static void
the_same_seed_is_the_same_run(void **state)
{
    struct fixture *f = *state;
    uint64_t first = run_storm(f, 7);

    assert_true(run_storm(f, 7) == first);
    assert_true(run_storm(f, 8) != first);
}

/* Many. */

static void
a_thousand_connections_are_served_in_turn(void **state)
{
    struct fixture *f = *state;
    static struct probe receives[1000];
    static int clients[1000];

    listen_somewhere(f);
    for (size_t i = 0; i < 1000; i++) {
        clients[i] = connect_somehow(f);
        start_op(f, &receives[i], OURO__OP_RECV, accept_somehow(f));
    }
    settle(f);
    for (int round = 0; round < 400; round++) {
        for (size_t i = 0; i < 1000; i++) {
            if (receives[i].ended)
                submit(f, &receives[i]);
        }
        if (round < 10) {
            for (size_t i = 0; i < 1000; i++)
                put(f, clients[i], "x");
        }
        turn(f);
    }

    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(receives[i].size, 10);
        cancel(f, &receives[i]);
    }
    settle(f);
}

/* More than a batch holds, all ready at once. */
static void
a_wait_brings_no_more_than_there_is_room_for(void **state)
{
    struct fixture *f = *state;
    static struct probe polls[OURO__BATCH + 44];

    for (size_t i = 0; i < OURO__BATCH + 44; i++)
        start_poll(f, &polls[i], open_socket(f), POLLOUT, false);

    f->engine->ops->wait(f->engine, 0);
    assert_int_equal(f->engine->count, OURO__BATCH);
    assert_true(ouro__sim_has_work(f->sim));
    ouro__op_dispatch(f->engine);
    turn(f);
    assert_int_equal(f->engine->in_flight, 0);
}

/* Time. */

static void
time_stands_while_it_may_not_pass(void **state)
{
    struct fixture *f = *state;
    int64_t start_ns = f->engine->ops->now_ns(f->engine);

    assert_true(start_ns > 0);
    f->engine->ops->wait(f->engine, 0);
    f->engine->ops->wait(f->engine, start_ns);

    assert_int_equal(f->engine->ops->now_ns(f->engine), start_ns);
}

static void
a_wait_with_nothing_to_do_lets_the_time_pass(void **state)
{
    struct fixture *f = *state;
    int64_t start_ns = f->engine->ops->now_ns(f->engine);

    f->engine->ops->wait(f->engine, start_ns + 5);

    assert_int_equal(f->engine->ops->now_ns(f->engine), start_ns + 5);
}

static void
a_wait_for_ever_ends_with_the_next_event_or_at_once(void **state)
{
    struct fixture *f = *state;
    struct probe connect;
    int64_t start_ns = f->sim->now_ns;

    f->engine->ops->wait(f->engine, OURO_FOREVER);
    assert_int_equal(f->sim->now_ns, start_ns);

    listen_somewhere(f);
    assert_ok(ouro__sim_set_route(&f->sim->names, "127.0.0.1", 77, 0));
    start_connect(f, &connect, open_socket(f));
    turn(f);
    f->engine->ops->wait(f->engine, OURO_FOREVER);
    ouro__op_dispatch(f->engine);
    assert_int_equal(f->sim->now_ns, start_ns + 77);
    assert_ok(connect.results[0]);
}

/* Breaches. */

static void
an_operation_on_nobody_is_refused(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    start_op(f, &receive, OURO__OP_RECV, 3);
    settle(f);

    assert_err(receive.results[0], EBADF);
}

static void
socket_calls_on_nobody_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct ouro__socket_ops *sockets = f->engine->sockets;
    struct ouro_address address;
    char byte = 0;
    struct iovec vector = {&byte, 1};

    assert_ok(ouro_address_parse(&address, "127.0.0.1", 0));
    assert_err(sockets->set_option(f->engine, 3, OURO__SOCKET_NO_DELAY, 1),
               EBADF);
    assert_err(sockets->bind(f->engine, 3, &address), EBADF);
    assert_err(sockets->listen(f->engine, 3, 1), EBADF);
    assert_err(sockets->send(f->engine, 3, &vector, 1), EBADF);
    assert_err(sockets->recv(f->engine, 3, &byte, 1), EBADF);
    assert_err(sockets->shutdown_write(f->engine, 3), EBADF);
    assert_err(sockets->local_address(f->engine, 3, &address), EBADF);
    assert_err(sockets->peer_address(f->engine, 3, &address), EBADF);
}

static void
close_under_an_operation(void *arg)
{
    struct fixture *f = arg;
    struct probe receive;

    make_pair(f);
    start_op(f, &receive, OURO__OP_RECV, f->server);
    close_socket(f, f->server);
}

static void
to_close_a_descriptor_that_an_operation_names_stops_the_program(void **state)
{
    assert_callback_stops(close_under_an_operation, *state,
                          "when no operation names it");
}

static void
close_twice(void *arg)
{
    struct fixture *f = arg;
    int fd = open_socket(f);

    close_socket(f, fd);
    close_socket(f, fd);
}

static void
to_close_a_descriptor_twice_stops_the_program(void **state)
{
    assert_callback_stops(close_twice, *state, "that is closed is open");
}

/* What memory can refuse. */

static int
make_an_engine(void *arg)
{
    struct ouro__sim_engine *sim;

    int rc = ouro__engine_sim_new(&sim, arg);
    if (rc < 0)
        return rc;
    rc = ouro__sim_add_name(&sim->names, "host", "10.0.0.1,::1", 0, 0);
    if (rc == 0)
        rc = ouro__sim_set_route(&sim->names, "10.0.0.1", 0, 0);
    sim->base.ops->free(&sim->base);
    return rc;
}

static void
without_memory_there_is_no_engine(void **state)
{
    struct ouro__sim_options options = calm;

    (void)state;
    for_each_allocation_failure(make_an_engine, &options);
}

static int
setup(void **state)
{
    static struct fixture f;

    f.engine = NULL;
    renew(&f, &calm);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(f->engine->in_flight, 0);
    f->engine->ops->free(f->engine);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_accept_brings_one_connection_after_the_other),
        TEST(an_accept_without_a_free_descriptor_ends_though_nobody_comes),
        TEST(an_accept_that_takes_the_last_descriptor_ends_at_once),
        TEST(who_waits_while_there_is_no_descriptor_is_served_later),
        TEST(a_connection_may_be_gone_before_the_accept),
        TEST(an_accept_needs_a_listener),
        TEST(a_receive_brings_data_as_they_come),
        TEST(a_receive_ends_with_0_at_the_end),
        TEST(a_reset_comes_after_the_data_before_it),
        TEST(a_reset_told_to_a_send_is_a_clean_end_for_the_receive),
        TEST(a_receive_that_finds_no_buffer_ends_and_loses_nothing),
        TEST(an_idle_receive_needs_no_buffer),
        TEST(there_are_as_many_buffers_as_the_memory_holds),
        TEST(a_buffer_may_be_read_only_while_it_is_lent),
        TEST(a_receive_on_what_is_not_connected_fails),
        TEST(a_send_takes_all_of_a_message_however_slow_the_reader),
        TEST(a_send_that_is_cancelled_says_how_much_has_left),
        TEST(a_send_broken_by_a_reset_says_how_much_and_swallows_the_error),
        TEST(a_send_of_nothing_is_0),
        TEST(a_connect_to_nobody_is_refused),
        TEST(a_connect_takes_as_long_as_its_route),
        TEST(a_route_may_end_in_an_error),
        TEST(a_connect_that_never_arrives_is_cancelled),
        TEST(a_poll_reports_the_state_there_is),
        TEST(a_poll_waits_for_what_it_wants),
        TEST(a_poll_for_room_waits_for_the_reader),
        TEST(a_multishot_poll_reports_each_arrival_and_no_more),
        TEST(a_multishot_poll_for_nothing_reports_the_ends),
        TEST(a_cancelled_receive_leaves_the_data_in_the_socket),
        TEST(a_cancelled_accept_leaves_the_connection_in_the_backlog),
        TEST(a_cancel_after_the_last_completion_was_queued_changes_nothing),
        TEST(a_late_cancel_may_lose_the_race),
        TEST(a_late_cancel_comes_to_an_end_without_data),
        TEST(without_chance_all_comes_in_the_turn_after_it_was_asked_for),
        TEST(what_is_late_comes_some_turns_later),
        TEST(a_send_may_be_told_after_its_bytes_were_received),
        TEST(completions_may_overtake_those_of_others),
        TEST(without_reordering_none_overtakes),
        TEST(short_reads_and_writes_move_something),
        TEST(a_multishot_may_end_early_with_a_result),
        TEST(a_stream_survives_everything_at_once),
        TEST(the_same_seed_is_the_same_run),
        TEST(a_thousand_connections_are_served_in_turn),
        TEST(a_wait_brings_no_more_than_there_is_room_for),
        TEST(time_stands_while_it_may_not_pass),
        TEST(a_wait_with_nothing_to_do_lets_the_time_pass),
        TEST(a_wait_for_ever_ends_with_the_next_event_or_at_once),
        TEST(an_operation_on_nobody_is_refused),
        TEST(socket_calls_on_nobody_are_refused),
        TEST(to_close_a_descriptor_that_an_operation_names_stops_the_program),
        TEST(to_close_a_descriptor_twice_stops_the_program),
        TEST(without_memory_there_is_no_engine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
