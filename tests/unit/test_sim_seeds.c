/* SPDX-License-Identifier: MIT */
/* Everything that chance may do, at once, under many seeds: a stream of bytes,
 * with cancels on both sides, arrives whole, and every operation ends.  A seed
 * that fails is named, and can be run alone: OURO_SIM_SEED=7. */
#include "engine_sim_fixture.h"

#include <stdlib.h>

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
    const char *only = getenv("OURO_SIM_SEED");

    if (only != NULL) {
        run_storm(f, strtoull(only, NULL, 0));
        return;
    }
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_survives_everything_at_once),
        TEST(the_same_seed_is_the_same_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
