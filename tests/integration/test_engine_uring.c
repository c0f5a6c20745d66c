/* SPDX-License-Identifier: MIT */
/* The io_uring engine on real sockets: each op ends once, whatever happens.
 *
 * Here is no loop: ops are submitted, waited for and dispatched by hand, so
 * that a test decides what shares a call of the kernel.
 *
 * It has more than 600 lines because each chapter of the engine's story is told
 * with the same few words.
 */
#include "ouro_test.h"
#include "peer.h"

#include "engine.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 2000, STEPS = 6, SMALL_RING = 4, MANY = 100 };

struct fixture {
    struct ouro__engine *engine;
    struct ouro_loop_options options;
    int wake_fd;
    size_t descriptors;
};

/* An op, and what its completions said. */
struct probe {
    struct ouro__op op;
    unsigned completions;
    unsigned last_ones;
    int result; /* of the last */
    size_t bytes;
    char text[64]; /* the first of them */
};

static void
probe_done(struct ouro__op *op, const struct ouro__completion *completion)
{
    struct probe *probe = OURO_CONTAINER_OF(op, struct probe, op);

    probe->completions++;
    if (!completion->more) {
        probe->last_ones++;
        probe->result = completion->result;
    }
    if (completion->data == NULL || completion->result <= 0)
        return;
    for (int i = 0; i < completion->result; i++, probe->bytes++)
        if (probe->bytes < sizeof(probe->text))
            probe->text[probe->bytes] = (char)completion->data[i];
}

static void
probe_init(struct probe *probe, enum ouro__op_kind kind, int fd)
{
    *probe = (struct probe){.result = UNSEEN};
    ouro__op_init(&probe->op, kind, fd, probe_done);
}

static void
make_engine_with(struct fixture *f, unsigned entries, unsigned completions,
                 size_t receive_memory)
{
    f->options = (struct ouro_loop_options){
        .ring_entries = entries,
        .completion_entries = completions,
        .receive_memory = receive_memory,
    };
    struct ouro__engine_options how = {
        .loop = &f->options,
        .wake_fd = f->wake_fd,
    };

    assert_ok(ouro__engine_uring_new(&f->engine, &how));
}

static void
make_engine(struct fixture *f, unsigned entries, unsigned completions)
{
    make_engine_with(f, entries, completions, OURO_KIB(64));
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->descriptors = count_descriptors();
    f->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    make_engine(f, 64, 512);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    f->engine->ops->free(f->engine);
    close(f->wake_fd);
    assert_int_equal(count_descriptors(), f->descriptors);
    free(f);
    return 0;
}

static void
make_small_engine(struct fixture *f)
{
    f->engine->ops->free(f->engine);
    make_engine(f, SMALL_RING, 2 * SMALL_RING);
}

/* One look, without waiting. */
static void
look(struct fixture *f)
{
    f->engine->ops->wait(f->engine, 0);
    ouro__op_dispatch(f->engine);
}

/* Go on for a time. */
static void
look_for(struct fixture *f, int64_t time_ns)
{
    int64_t end_ns = f->engine->ops->now_ns(f->engine) + time_ns;

    while (f->engine->ops->now_ns(f->engine) < end_ns) {
        f->engine->ops->wait(f->engine, end_ns);
        ouro__op_dispatch(f->engine);
    }
}

/* Until nothing is in flight, five seconds at most. */
static void
drain(struct fixture *f)
{
    int64_t end_ns = f->engine->ops->now_ns(f->engine) + OURO_SECONDS(5);

    while (f->engine->in_flight > 0
           && f->engine->ops->now_ns(f->engine) < end_ns) {
        f->engine->ops->wait(f->engine, end_ns);
        ouro__op_dispatch(f->engine);
    }
    assert_int_equal(f->engine->in_flight, 0);
}

/* Two ends of a TCP connection: ours does not block. */
struct pair {
    int ours;
    int theirs;
};

static struct pair
connect_pair(void)
{
    struct ouro_address address;
    struct pair pair;

    int listener = peer_listen("127.0.0.1", &address);
    assert_in_range(listener, 0, INT32_MAX);
    pair.theirs = peer_connect(&address);
    pair.ours = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    peer_close(listener);
    assert_in_range(pair.theirs, 0, INT32_MAX);
    assert_in_range(pair.ours, 0, INT32_MAX);
    return pair;
}

/* With a reset, so that no port is kept waiting. */
static void
close_pair(struct pair *pair)
{
    peer_reset(pair->ours);
    if (pair->theirs >= 0)
        peer_reset(pair->theirs);
}

/* A message that no socket buffer holds. */
struct large {
    struct msghdr message;
    struct iovec vector;
};

static void
large_init(struct large *large)
{
    large->vector = (struct iovec){
        .iov_base = calloc(1, OURO_MIB(8)),
        .iov_len = OURO_MIB(8),
    };
    assert_non_null(large->vector.iov_base);
    large->message = (struct msghdr){
        .msg_iov = &large->vector,
        .msg_iovlen = 1,
    };
}

static void
large_fini(struct large *large)
{
    free(large->vector.iov_base);
}

static void
shrink_buffer(int fd, int size)
{
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void
submit_send(struct fixture *f, struct probe *probe, int fd, struct large *large)
{
    probe_init(probe, OURO__OP_SEND, fd);
    probe->op.with.message = &large->message;
    ouro__op_submit(f->engine, &probe->op);
}

/* io_uring 3.1: the life of an op. */

static unsigned
draw(unsigned *state, unsigned below)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % below;
}

/* Something that happens to a connection with two ops in flight. */
static void
step(struct fixture *f, struct pair *pair, struct probe probes[2],
     unsigned what)
{
    char scratch[4096];

    switch (what) {
    case 0:
        ouro__op_cancel(f->engine, &probes[0].op);
        break;
    case 1:
        ouro__op_cancel(f->engine, &probes[1].op);
        break;
    case 2:
        if (pair->theirs >= 0)
            (void)!send(pair->theirs, "some bytes", 10, MSG_NOSIGNAL);
        break;
    case 3:
        if (pair->theirs >= 0)
            (void)!recv(pair->theirs, scratch, sizeof(scratch), MSG_DONTWAIT);
        break;
    case 4:
        if (pair->theirs >= 0)
            peer_reset(pair->theirs);
        pair->theirs = -1;
        break;
    case 5:
        if (pair->theirs >= 0)
            close(pair->theirs);
        pair->theirs = -1;
        break;
    case 6: /* what completes is queued, and not told yet */
        f->engine->ops->wait(f->engine, 0);
        break;
    default:
        look(f);
    }
}

static void
play_round(struct fixture *f, struct large *large, unsigned *chance)
{
    struct pair pair = connect_pair();
    struct probe probes[2];

    shrink_buffer(pair.ours, 4096);
    probe_init(&probes[0], OURO__OP_RECV, pair.ours);
    ouro__op_submit(f->engine, &probes[0].op);
    submit_send(f, &probes[1], pair.ours, large);
    for (int i = 0; i < STEPS; i++)
        step(f, &pair, probes, draw(chance, 10));
    ouro__op_cancel(f->engine, &probes[0].op);
    ouro__op_cancel(f->engine, &probes[1].op);
    drain(f);

    assert_int_equal(probes[0].last_ones, 1);
    assert_int_equal(probes[1].last_ones, 1);
    close_pair(&pair);
}

static void
each_op_has_one_last_completion_whatever_the_peer_does(void **state)
{
    struct fixture *f = *state;
    struct large large;
    unsigned chance = 20260101;

    large_init(&large);
    for (int i = 0; i < ROUNDS; i++)
        play_round(f, &large, &chance);
    large_fini(&large);
}

static void
a_cancel_of_an_idle_op_is_nothing(void **state)
{
    struct fixture *f = *state;
    struct probe probe;

    probe_init(&probe, OURO__OP_POLL, f->wake_fd);
    ouro__op_cancel(f->engine, &probe.op);
    look(f);

    assert_int_equal(probe.completions, 0);
}

static void
an_accept_that_is_cancelled_leaves_the_client_in_the_backlog(void **state)
{
    struct fixture *f = *state;
    struct ouro_address address;
    struct probe probe;

    int listener = peer_listen("127.0.0.1", &address);
    probe_init(&probe, OURO__OP_ACCEPT, listener);
    ouro__op_submit(f->engine, &probe.op);
    look(f);
    ouro__op_cancel(f->engine, &probe.op);
    drain(f);
    int client = peer_connect(&address);
    int served = peer_accept(listener);

    assert_err(probe.result, ECANCELED);
    assert_true(served >= 0);
    peer_close(served);
    peer_close(client);
    peer_close(listener);
}

static void
what_has_completed_is_not_cancelled_any_more(void **state)
{
    struct fixture *f = *state;
    struct pair pair = connect_pair();
    struct probe probe;

    probe_init(&probe, OURO__OP_RECV, pair.ours);
    ouro__op_submit(f->engine, &probe.op);
    close(pair.theirs);
    pair.theirs = -1;
    f->engine->ops->wait(f->engine, OURO_FOREVER);
    ouro__op_cancel(f->engine, &probe.op);
    ouro__op_dispatch(f->engine);

    assert_int_equal(probe.last_ones, 1);
    assert_int_equal(probe.result, 0);
    probe_init(&probe, OURO__OP_RECV, -1);
    look(f);
    assert_int_equal(probe.completions, 0);
    close_pair(&pair);
}

static int
discard(void *arg)
{
    const struct pair *pair = arg;

    ssize_t size = peer_discard_to_end(pair->theirs, 65536, 0);
    return size < 0 || size == OURO_MIB(8) ? 0 : -EBADMSG;
}

static void
a_large_send_is_one_completion(void **state)
{
    struct fixture *f = *state;
    struct pair pair = connect_pair();
    struct large large;
    struct probe probe;
    struct peer peer;

    large_init(&large);
    /* A hundred tries at most: the kernel gives up after 128. */
    shrink_buffer(pair.ours, 200 * 1024);
    peer_start(&peer, discard, &pair);
    submit_send(f, &probe, pair.ours, &large);
    drain(f);
    shutdown(pair.ours, SHUT_WR);

    assert_int_equal(probe.completions, 1);
    assert_int_equal(probe.result, OURO_MIB(8));
    assert_ok(peer_join(&peer));
    close_pair(&pair);
    large_fini(&large);
}

/* io_uring 3.2: a cancel that misses an op between two tries. */

static void
a_large_send_cancelled_in_the_same_call_ends(void **state)
{
    struct fixture *f = *state;
    struct pair pair = connect_pair();
    struct large large;
    struct probe probe;

    large_init(&large);
    shrink_buffer(pair.ours, 4096);
    submit_send(f, &probe, pair.ours, &large);
    ouro__op_cancel(f->engine, &probe.op);
    drain(f);

    assert_int_equal(probe.last_ones, 1);
    assert_true(probe.result < (int)OURO_MIB(8));
    close_pair(&pair);
    large_fini(&large);
}

static void
play_send_that_is_missed(struct fixture *f, struct large *large)
{
    struct pair pair = connect_pair();
    struct probe probe;
    char *scratch = malloc(OURO_MIB(4));

    shrink_buffer(pair.ours, 4096);
    submit_send(f, &probe, pair.ours, large);
    look(f);
    /* There is room again, and the kernel has not tried yet. */
    assert_true(recv(pair.theirs, scratch, OURO_MIB(4), MSG_DONTWAIT) > 0);
    ouro__op_cancel(f->engine, &probe.op);
    drain(f);

    assert_int_equal(probe.last_ones, 1);
    assert_true(probe.result < (int)OURO_MIB(8));
    close_pair(&pair);
    free(scratch);
}

static void
a_cancel_that_misses_a_send_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct large large;

    large_init(&large);
    for (int i = 0; i < 50; i++)
        play_send_that_is_missed(f, &large);
    large_fini(&large);
}

/* io_uring 3.3: numbers come back. */

static void
an_op_sees_nothing_of_the_next_owner_of_its_number(void **state)
{
    struct fixture *f = *state;
    struct probe probe;
    char sent[2] = "a";

    for (int i = 0; i < 200; i++) {
        struct pair pair = connect_pair();
        int number = pair.ours;

        sent[0] = (char)('a' + i % 26);
        probe_init(&probe, OURO__OP_RECV, number);
        ouro__op_submit(f->engine, &probe.op);
        if (i % 2 == 0)
            look(f);
        assert_ok(peer_send(pair.theirs, ouro_slice_of(sent, 1)));
        if (i % 3 == 0)
            look(f);
        ouro__op_cancel(f->engine, &probe.op);
        drain(f);

        assert_true(probe.bytes <= 1);
        if (probe.bytes == 1)
            assert_int_equal(probe.text[0], sent[0]);
        close_pair(&pair);
        assert_true(number < 16);
    }
}

/* io_uring 3.4: buffers. */

static void
a_flood_on_four_buffers_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct pair pair = connect_pair();
    struct probe probe;
    char block[1000];
    size_t bytes = 0;

    memset(block, 'x', sizeof(block));
    probe_init(&probe, OURO__OP_RECV, pair.ours);
    for (int i = 0; i < 2000; i++) {
        assert_ok(peer_send(pair.theirs, ouro_slice_of(block, sizeof(block))));
        if (!probe.op.in_flight)
            ouro__op_submit(f->engine, &probe.op);
        look(f);
    }
    peer_finish(pair.theirs);
    do {
        if (!probe.op.in_flight)
            ouro__op_submit(f->engine, &probe.op);
        f->engine->ops->wait(f->engine, OURO_FOREVER);
        ouro__op_dispatch(f->engine);
    } while (probe.op.in_flight || probe.result != 0);
    bytes = probe.bytes;

    assert_int_equal(bytes, 2000 * sizeof(block));
    close_pair(&pair);
}

/* io_uring 3.6: small queues. */

static void
more_ops_than_entries_are_all_served(void **state)
{
    struct fixture *f = *state;
    struct probe probes[MANY];
    uint64_t one = 1;

    make_small_engine(f);
    for (int i = 0; i < MANY; i++) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        probe_init(&probes[i], OURO__OP_POLL, fd);
        probes[i].op.with.poll_events = POLLIN;
        ouro__op_submit(f->engine, &probes[i].op);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(write(probes[i].op.fd, &one, sizeof(one)), 8);
    drain(f);

    for (int i = 0; i < MANY; i++) {
        assert_int_equal(probes[i].last_ones, 1);
        assert_int_equal(probes[i].result, POLLIN);
        close(probes[i].op.fd);
    }
}

static void
looks_bring_what_did_not_fit_into_the_queue(void **state)
{
    struct fixture *f = *state;
    struct probe probes[MANY];

    make_small_engine(f);
    for (int i = 0; i < MANY; i++) {
        probe_init(&probes[i], OURO__OP_POLL, f->wake_fd);
        probes[i].op.with.poll_events = POLLOUT;
        ouro__op_submit(f->engine, &probes[i].op);
    }
    for (int i = 0; i < 2 * MANY; i++)
        look(f);

    for (int i = 0; i < MANY; i++)
        assert_int_equal(probes[i].last_ones, 1);
    drain(f);
}

static void
more_cancels_than_entries_are_all_heard(void **state)
{
    struct fixture *f = *state;
    struct probe probes[MANY];

    make_small_engine(f);
    for (int i = 0; i < MANY; i++) {
        probe_init(&probes[i], OURO__OP_POLL, f->wake_fd);
        probes[i].op.with.poll_events = POLLIN;
        ouro__op_submit(f->engine, &probes[i].op);
    }
    look(f);
    for (int i = 0; i < MANY; i++)
        ouro__op_cancel(f->engine, &probes[i].op);
    drain(f);

    for (int i = 0; i < MANY; i++) {
        assert_int_equal(probes[i].last_ones, 1);
        assert_err(probes[i].result, ECANCELED);
    }
}

static void
a_bad_op_in_a_batch_harms_only_itself(void **state)
{
    struct fixture *f = *state;
    struct probe bad;
    struct probe good;

    probe_init(&bad, OURO__OP_RECV, 9999);
    probe_init(&good, OURO__OP_POLL, f->wake_fd);
    good.op.with.poll_events = POLLOUT;
    ouro__op_submit(f->engine, &bad.op);
    ouro__op_submit(f->engine, &good.op);
    drain(f);

    assert_err(bad.result, EBADF);
    assert_int_equal(good.result, POLLOUT);
}

/* io_uring 3.14: an end that the kernel does not tell. */

/* Room for more than the kernel receives at one go, 32 buffers: for that, one
 * has to be allowed to. */
static bool
grow_buffer(int fd)
{
    int size = (int)OURO_MIB(8);

    return setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0;
}

/* All of it is in the socket of the other end when this returns. */
static void
send_all(int fd, size_t size)
{
    static const char zeros[1000];
    int unsent = 1;

    for (size_t i = 0; i < size / sizeof(zeros); i++)
        assert_int_equal(send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL), 1000);
    while (unsent > 0)
        assert_int_equal(ioctl(fd, SIOCOUTQ, &unsent), 0);
}

/* What ended a receive: the engine may leave it to recv(2) to say. */
static int
end_of(const struct probe *probe)
{
    char byte;

    if (probe->result != -ENOBUFS)
        return probe->result;
    ssize_t rc = recv(probe->op.fd, &byte, 1, 0);
    return rc < 0 ? -errno : (int)rc;
}

static void
a_reset_behind_more_than_one_go_receives_is_not_missed(void **state)
{
    struct fixture *f = *state;
    struct pair pair = connect_pair();
    struct probe probe;

    if (!grow_buffer(pair.ours)) {
        close_pair(&pair);
        skip();
    }
    f->engine->ops->free(f->engine);
    make_engine_with(f, 64, 512, OURO_MIB(4));
    send_all(pair.theirs, 1000000);
    peer_reset(pair.theirs);
    pair.theirs = -1;
    probe_init(&probe, OURO__OP_RECV, pair.ours);
    ouro__op_submit(f->engine, &probe.op);
    drain(f);

    assert_int_equal(probe.bytes, 1000000);
    assert_err(end_of(&probe), ECONNRESET);
    close_pair(&pair);
}

static void
a_receive_is_not_disturbed_while_its_peer_is_there(void **state)
{
    struct fixture *f = *state;
    struct pair pair = connect_pair();
    struct probe probe;

    probe_init(&probe, OURO__OP_RECV, pair.ours);
    ouro__op_submit(f->engine, &probe.op);
    send_all(pair.theirs, 1000);
    look_for(f, OURO_MILLISECONDS(700));
    send_all(pair.theirs, 1000);
    look_for(f, OURO_MILLISECONDS(10));

    assert_int_equal(probe.bytes, 2000);
    assert_int_equal(probe.last_ones, 0);
    ouro__op_cancel(f->engine, &probe.op);
    drain(f);
    close_pair(&pair);
}

/* Waiting. */

static void
a_wait_ends_at_its_time_and_not_before(void **state)
{
    struct fixture *f = *state;
    int64_t until_ns = f->engine->ops->now_ns(f->engine) + OURO_MILLISECONDS(5);

    while (f->engine->ops->now_ns(f->engine) < until_ns)
        f->engine->ops->wait(f->engine, until_ns);

    assert_true(f->engine->ops->now_ns(f->engine) >= until_ns);
    assert_true(f->engine->ops->now_ns(f->engine) < until_ns + OURO_SECONDS(5));
}

static void
a_written_eventfd_ends_a_wait_for_ever(void **state)
{
    struct fixture *f = *state;
    uint64_t one = 1;

    for (int i = 0; i < 100; i++) {
        assert_int_equal(write(f->wake_fd, &one, sizeof(one)), 8);
        f->engine->ops->wait(f->engine, OURO_FOREVER);
        assert_int_equal(read(f->wake_fd, &one, sizeof(one)), 8);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_op_has_one_last_completion_whatever_the_peer_does),
        TEST(a_cancel_of_an_idle_op_is_nothing),
        TEST(an_accept_that_is_cancelled_leaves_the_client_in_the_backlog),
        TEST(what_has_completed_is_not_cancelled_any_more),
        TEST(a_large_send_is_one_completion),
        TEST(a_large_send_cancelled_in_the_same_call_ends),
        TEST(a_cancel_that_misses_a_send_is_asked_again),
        TEST(an_op_sees_nothing_of_the_next_owner_of_its_number),
        TEST(a_flood_on_four_buffers_loses_nothing),
        TEST(more_ops_than_entries_are_all_served),
        TEST(looks_bring_what_did_not_fit_into_the_queue),
        TEST(more_cancels_than_entries_are_all_heard),
        TEST(a_bad_op_in_a_batch_harms_only_itself),
        TEST(a_reset_behind_more_than_one_go_receives_is_not_missed),
        TEST(a_receive_is_not_disturbed_while_its_peer_is_there),
        TEST(a_wait_ends_at_its_time_and_not_before),
        TEST(a_written_eventfd_ends_a_wait_for_ever),
    };

    return cmocka_run_group_tests_name("engine_uring", tests, NULL, NULL);
}
