/* SPDX-License-Identifier: MIT */
/* Servers on real sockets, with peers that know nothing of ouro.
 *
 * What only the kernel can do: descriptors that run out, small rings, signals,
 * memory that fails in the middle of an accept, and numbers that come back.
 */
#include "ouro_test.h"
#include "peer.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUEUED = 20, VISITORS = 8, VISITS = 50, TALK_SIZE = 200000 };

struct fixture {
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_server *server;
    struct ouro_address address;
    size_t descriptors;
    unsigned made;
    uint64_t first_turn; /* of connection_made, and the last */
    uint64_t last_turn;
    bool no_delay;
};

static uint64_t
turns(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    return stats.turns;
}

/* An echo. */

static int
echo_made(struct ouro_protocol *self, void *context)
{
    struct fixture *f = context;

    (void)self;
    if (f->made++ == 0)
        f->first_turn = turns(f);
    f->last_turn = turns(f);
    return 0;
}

static void
echo_data_received(struct ouro_protocol *self, struct ouro_slice data)
{
    ouro_transport_write(self->transport, data);
}

static const struct ouro_protocol_ops echo_ops = {
    .size = sizeof(struct ouro_protocol),
    .connection_made = echo_made,
    .data_received = echo_data_received,
};

static int
echo_stream(struct ouro_stream *stream, void *context)
{
    struct fixture *f = context;

    f->made++;
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

/* Running the loop until a task is done. */

static int
run(struct fixture *f, ouro_task_fn *fn)
{
    struct ouro_task *task;

    assert_ok(ouro_loop_create_task(f->loop, &task, fn, f));
    assert_ok(ouro_loop_run_until_complete(f->loop, ouro_task_future(task)));
    int rc = ouro_task_result(task);
    ouro_task_unref(task);
    return rc;
}

static int
serve(void *arg)
{
    const struct ouro_server_options options = {.host = "127.0.0.1"};
    struct fixture *f = arg;

    int rc = ouro_create_server(&f->server, &echo_ops, f, &options);
    if (rc == 0)
        f->address = ouro_server_address(f->server, 0);
    return rc;
}

static int
serve_streams(void *arg)
{
    const struct ouro_server_options options = {.host = "127.0.0.1"};
    struct fixture *f = arg;

    int rc = ouro_start_server(&f->server, echo_stream, f, &options);
    if (rc == 0)
        f->address = ouro_server_address(f->server, 0);
    return rc;
}

static int
stop(void *arg)
{
    struct fixture *f = arg;

    return ouro_server_stop(f->server, OURO_SECONDS(5));
}

static void
make_loop(struct fixture *f, const struct ouro_loop_options *options)
{
    f->descriptors = count_descriptors();
    assert_ok(ouro_loop_new(&f->loop, options));
    ouro_loop_set_exception_handler(f->loop, see_exception, &f->seen);
}

static void
end_loop(struct fixture *f)
{
    assert_ok(run(f, stop));
    ouro_server_free(f->server);
    unsigned reports = f->seen.count;
    ouro_loop_free(f->loop);
    assert_int_equal(f->seen.count, reports);
    assert_int_equal(count_descriptors(), f->descriptors);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    make_loop(f, NULL);
    assert_ok(run(f, serve));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    end_loop(f);
    free(f);
    return 0;
}

/* Let so much time pass. */

static void
stop_loop(void *arg)
{
    struct fixture *f = arg;

    ouro_loop_stop(f->loop);
}

static void
pass(struct fixture *f, int64_t delay_ns)
{
    struct ouro_handle handle = {0};

    ouro_call_later(f->loop, &handle, delay_ns, stop_loop, f);
    ouro_loop_run_forever(f->loop);
}

/* M21 */
static void
clients_that_are_queued_are_all_made_within_two_turns(void **state)
{
    struct fixture *f = *state;
    int fds[QUEUED];

    for (int i = 0; i < QUEUED; i++)
        fds[i] = peer_connect(&f->address);
    pass(f, OURO_MILLISECONDS(50));

    assert_int_equal(f->made, QUEUED);
    assert_in_range(f->last_turn - f->first_turn, 0, 1);
    for (int i = 0; i < QUEUED; i++)
        peer_close(fds[i]);
}

/* A21, M3: descriptors.  What an accept may have is settled when it begins, so
 * the limit is there before the server; clients get numbers kept for them. */

struct reserve {
    struct rlimit before;
    int kept[2];
    int count;
};

static int
open_any(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Keep numbers for `clients`, and leave so many others. */
static void
limit_descriptors(struct reserve *reserve, int clients, int others)
{
    struct rlimit limit;

    reserve->count = clients;
    for (int i = 0; i < clients; i++)
        reserve->kept[i] = open_any();
    int next = open_any();
    close(next);
    assert_ok(getrlimit(RLIMIT_NOFILE, &reserve->before));
    limit = reserve->before;
    limit.rlim_cur = (rlim_t)(next + others);
    assert_ok(setrlimit(RLIMIT_NOFILE, &limit));
}

static int
connect_reserved(struct reserve *reserve, const struct ouro_address *address)
{
    close(reserve->kept[--reserve->count]);
    return peer_connect(address);
}

static void
lift_limit(const struct reserve *reserve)
{
    assert_ok(setrlimit(RLIMIT_NOFILE, &reserve->before));
}

static struct ouro_loop_stats
stats_of(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    return stats;
}

static void
a_client_without_a_descriptor_is_served_when_there_is_one(void **state)
{
    struct reserve reserve;
    struct fixture f = {0};
    char back[4];

    (void)state;
    make_loop(&f, NULL);
    limit_descriptors(&reserve, 1, 1);
    assert_ok(run(&f, serve));
    int client = connect_reserved(&reserve, &f.address);
    pass(&f, OURO_MILLISECONDS(2800));
    struct ouro_loop_stats stats = stats_of(&f);
    lift_limit(&reserve);
    pass(&f, OURO_MILLISECONDS(1100));
    assert_ok(peer_send(client, OURO_BYTES("ping")));
    pass(&f, OURO_MILLISECONDS(50));

    assert_int_equal(stats.connections_accepted, 0);
    assert_int_equal(stats.timers, 1);
    assert_in_range(stats.accept_failures, 2, 3);
    assert_int_equal(f.seen.count, 1);
    assert_err(f.seen.error, EMFILE);
    assert_int_equal(f.made, 1);
    assert_ok(peer_receive(client, back, 4));
    peer_close(client);
    end_loop(&f);
}

static void
it_is_served_sooner_when_the_loop_closes_a_descriptor(void **state)
{
    struct reserve reserve;
    struct fixture f = {0};

    (void)state;
    make_loop(&f, NULL);
    limit_descriptors(&reserve, 2, 2);
    assert_ok(run(&f, serve));
    int first = connect_reserved(&reserve, &f.address);
    int second = connect_reserved(&reserve, &f.address);
    pass(&f, OURO_MILLISECONDS(50));
    unsigned made = f.made;
    int64_t took_ns = -ouro_loop_time_ns(f.loop);
    peer_finish(first);
    for (int i = 0; i < 1000 && f.made < 2; i++)
        pass(&f, OURO_MILLISECONDS(5));
    took_ns += ouro_loop_time_ns(f.loop);
    lift_limit(&reserve);

    assert_int_equal(made, 1);
    assert_int_equal(f.seen.count, 1);
    assert_true(took_ns < OURO_MILLISECONDS(700));
    assert_int_equal(stats_of(&f).timers, 0);
    peer_close(first);
    peer_close(second);
    end_loop(&f);
}

/* M14: what is made for a connection cannot be made. */

static void
fail_in_accept(struct fixture *f, unsigned n)
{
    char byte;

    unsigned reports = f->seen.count;
    int client = peer_connect(&f->address);
    fail_allocation(n);
    for (int i = 0; i < 5000 && f->seen.count == reports; i++)
        pass(f, OURO_MILLISECONDS(1));
    fail_allocation(0);

    assert_int_equal(f->seen.count, reports + 1);
    assert_err(f->seen.error, ENOMEM);
    assert_true(peer_receive(client, &byte, 1) < 0);
    peer_close(client);
}

static void
memory_that_fails_in_an_accept_closes_and_is_reported(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 500; i++) {
        fail_in_accept(f, 1);
        fail_in_accept(f, 2);
    }

    assert_int_equal(f->made, 0);
    assert_int_equal(ouro_server_connection_count(f->server), 0);
    assert_string_equal(f->seen.message,
                        "a connection could not be set up, and was closed");
}

/* A socket that was handed in: what it accepts answers without delay too. */

static int
note_no_delay(struct ouro_protocol *self, void *context)
{
    struct fixture *f = context;
    int value = 0;
    socklen_t size = sizeof(value);

    getsockopt(ouro_transport_descriptor(self->transport), IPPROTO_TCP,
               TCP_NODELAY, &value, &size);
    f->made++;
    f->no_delay = value != 0;
    return 0;
}

static const struct ouro_protocol_ops noting_ops = {
    .size = sizeof(struct ouro_protocol),
    .connection_made = note_no_delay,
    .data_received = echo_data_received,
};

static int
serve_ready(void *arg)
{
    struct fixture *f = arg;
    const struct ouro_server_options options = {
        .ready = {peer_listen("127.0.0.1", &f->address), true},
    };

    return ouro_create_server(&f->server, &noting_ops, f, &options);
}

static void
connections_of_a_ready_socket_do_not_delay(void **state)
{
    struct fixture f = {0};

    (void)state;
    make_loop(&f, NULL);
    assert_ok(run(&f, serve_ready));
    int client = peer_connect(&f.address);
    pass(&f, OURO_MILLISECONDS(20));

    assert_int_equal(f.made, 1);
    assert_true(f.no_delay);
    peer_close(client);
    end_loop(&f);
}

/* io_uring 3.3, 3.6: many peers, who say different things. */

struct crowd {
    struct peer peers[VISITORS];
    struct visitor {
        const struct ouro_address *address;
        uint8_t tag;
        size_t size;
        unsigned visits;
    } visitors[VISITORS];
    struct fixture *f;
    struct peer waiter;
    struct ouro_mailbox *mailbox;
    struct ouro_handle all_left;
    int failed;
};

static int
visit_once(const struct visitor *visitor, uint8_t *sent, uint8_t *got)
{
    int fd = peer_connect(visitor->address);
    int rc = fd < 0 ? fd : 0;

    for (size_t at = 0; rc == 0 && at < visitor->size; at += 1000) {
        memset(sent, visitor->tag + (int)(at / 1000), 1000);
        rc = peer_send(fd, ouro_slice_of(sent, 1000));
        if (rc == 0)
            rc = peer_receive(fd, got, 1000);
        if (rc == 0 && memcmp(sent, got, 1000) != 0)
            rc = -EBADMSG;
    }
    if (fd >= 0)
        peer_close(fd);
    return rc;
}

static int
visit(void *arg)
{
    const struct visitor *visitor = arg;
    uint8_t sent[1000];
    uint8_t got[1000];
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < visitor->visits; i++)
        rc = visit_once(visitor, sent, got);
    return rc;
}

static int
wait_for_visitors(void *arg)
{
    struct crowd *crowd = arg;

    for (int i = 0; i < VISITORS; i++) {
        int rc = peer_join(&crowd->peers[i]);
        if (rc < 0)
            crowd->failed = rc;
    }
    return ouro_mailbox_post(crowd->mailbox, &crowd->all_left, stop_loop,
                             crowd->f);
}

/* Run the loop while they visit it. */
static int
entertain(struct fixture *f, size_t size, unsigned visits)
{
    struct crowd crowd = {.f = f, .mailbox = ouro_loop_mailbox(f->loop)};

    for (int i = 0; i < VISITORS; i++) {
        crowd.visitors[i] = (struct visitor){
            .address = &f->address,
            .tag = (uint8_t)(i * 31),
            .size = size,
            .visits = visits,
        };
        peer_start(&crowd.peers[i], visit, &crowd.visitors[i]);
    }
    peer_start(&crowd.waiter, wait_for_visitors, &crowd);
    ouro_loop_run_forever(f->loop);
    assert_ok(peer_join(&crowd.waiter));
    ouro_mailbox_unref(crowd.mailbox);
    return crowd.failed;
}

static void
each_gets_its_own_bytes_though_numbers_come_back(void **state)
{
    struct fixture *f = *state;

    assert_ok(entertain(f, 1000, VISITS));

    assert_int_equal(f->made, VISITORS * VISITS);
    assert_int_equal(f->seen.count, 0);
}

static void
a_small_ring_serves_them_all(void **state)
{
    const struct ouro_loop_options options = {
        .ring_entries = 4,
        .completion_entries = 8,
        .receive_memory = 64 * 1024,
        .send_by_ring = true,
    };
    struct fixture f = {0};

    (void)state;
    make_loop(&f, &options);
    assert_ok(run(&f, serve_streams));
    assert_int_equal(ouro_loop_engine(f.loop)->ring_entries, 4);
    assert_int_equal(ouro_loop_engine(f.loop)->completion_entries, 8);

    assert_ok(entertain(&f, TALK_SIZE, 2));
    assert_int_equal(f.made, VISITORS * 2);
    end_loop(&f);
}

/* A storm of signals. */

static atomic_uint caught;
static atomic_bool calm;

static void
catch_signal(int number)
{
    (void)number;
    atomic_fetch_add(&caught, 1);
}

static void *
blow(void *arg)
{
    const struct timespec pause = {.tv_nsec = 20000};
    const pthread_t *target = arg;

    while (!atomic_load(&calm)) {
        pthread_kill(*target, SIGUSR1);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void
a_storm_of_signals_disturbs_nobody(void **state)
{
    const struct sigaction action = {.sa_handler = catch_signal};
    struct fixture *f = *state;
    struct sigaction before;
    pthread_t self = pthread_self();
    pthread_t storm;

    atomic_store(&calm, false);
    assert_ok(sigaction(SIGUSR1, &action, &before));
    assert_ok(pthread_create(&storm, NULL, blow, &self));
    assert_ok(entertain(f, TALK_SIZE, 1));
    pass(f, OURO_MILLISECONDS(20));
    atomic_store(&calm, true);
    assert_ok(pthread_join(storm, NULL));
    assert_ok(sigaction(SIGUSR1, &before, NULL));

    assert_in_range(atomic_load(&caught), 10, UINT32_MAX);
    assert_int_equal(f->seen.count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clients_that_are_queued_are_all_made_within_two_turns),
        cmocka_unit_test(
            a_client_without_a_descriptor_is_served_when_there_is_one),
        cmocka_unit_test(it_is_served_sooner_when_the_loop_closes_a_descriptor),
        TEST(memory_that_fails_in_an_accept_closes_and_is_reported),
        cmocka_unit_test(connections_of_a_ready_socket_do_not_delay),
        TEST(each_gets_its_own_bytes_though_numbers_come_back),
        cmocka_unit_test(a_small_ring_serves_them_all),
        TEST(a_storm_of_signals_disturbs_nobody),
    };

    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
