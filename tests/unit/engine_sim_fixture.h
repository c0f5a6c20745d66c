/* SPDX-License-Identifier: MIT */
/* A simulated engine, operations that remember what came of them, and words
 * for what is done with both. */
#ifndef OURO_ENGINE_SIM_FIXTURE_H
#define OURO_ENGINE_SIM_FIXTURE_H

#include "ouro_test.h"

#include "engine_sim.h"

#include <poll.h>
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

static inline void
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

static inline void
probe_init(struct fixture *f, struct probe *probe, enum ouro__op_kind kind,
           int fd)
{
    *probe = (struct probe){.f = f};
    ouro__op_init(&probe->op, kind, fd, see_completion);
}

/* Submit it again, and forget what came of it, but not the bytes. */
static inline void
submit(struct fixture *f, struct probe *probe)
{
    probe->count = 0;
    probe->ended = false;
    ouro__op_submit(f->engine, &probe->op);
}

static inline void
start_op(struct fixture *f, struct probe *probe, enum ouro__op_kind kind,
         int fd)
{
    probe_init(f, probe, kind, fd);
    submit(f, probe);
}

static inline void
start_poll(struct fixture *f, struct probe *probe, int fd, uint32_t events,
           bool multishot)
{
    probe_init(f, probe, OURO__OP_POLL, fd);
    probe->op.with.poll_events = events;
    probe->op.multishot = multishot;
    submit(f, probe);
}

static inline void
start_send(struct fixture *f, struct probe *probe, struct msghdr *message,
           int fd)
{
    probe_init(f, probe, OURO__OP_SEND, fd);
    probe->op.with.message = message;
    submit(f, probe);
}

static inline void
start_connect(struct fixture *f, struct probe *probe, int fd)
{
    probe_init(f, probe, OURO__OP_CONNECT, fd);
    probe->op.with.address = &f->there;
    submit(f, probe);
}

static inline void
cancel(struct fixture *f, struct probe *probe)
{
    ouro__op_cancel(f->engine, &probe->op);
}

static inline void
turn(struct fixture *f)
{
    f->engine->ops->wait(f->engine, 0);
    ouro__op_dispatch(f->engine);
}

static inline void
settle(struct fixture *f)
{
    int turns = 0;

    do {
        turn(f);
        assert_true(++turns < MOST_TURNS);
    } while (ouro__sim_has_work(f->sim));
}

/* Sockets. */

static inline int
open_socket(struct fixture *f)
{
    int fd = f->engine->sockets->open(f->engine, AF_INET);

    assert_true(fd >= 0);
    return fd;
}

static inline void
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
static inline int
connect_somehow(struct fixture *f)
{
    int fd = open_socket(f);

    start_connect(f, &f->connected, fd);
    settle(f);
    assert_true(f->connected.ended);
    assert_ok(f->connected.results[0]);
    return fd;
}

static inline int
accept_somehow(struct fixture *f)
{
    start_op(f, &f->accepted, OURO__OP_ACCEPT, f->listener);
    settle(f);
    cancel(f, &f->accepted);
    settle(f);
    assert_true(f->accepted.results[0] >= 0);
    return f->accepted.results[0];
}

static inline void
make_pair(struct fixture *f)
{
    listen_somewhere(f);
    f->client = connect_somehow(f);
    f->server = accept_somehow(f);
}

static inline ssize_t
send_now(struct fixture *f, int fd, const void *bytes, size_t size)
{
    char copy[4096];
    struct iovec vector = {copy, size};

    memcpy(copy, bytes, size);
    return f->engine->sockets->send(f->engine, fd, &vector, 1);
}

static inline void
put(struct fixture *f, int fd, const char *text)
{
    assert_int_equal(send_now(f, fd, text, strlen(text)), strlen(text));
}

static inline ssize_t
get(struct fixture *f, int fd, size_t size)
{
    char bytes[4096];

    return f->engine->sockets->recv(f->engine, fd, bytes, size);
}

static inline void
close_socket(struct fixture *f, int fd)
{
    f->engine->sockets->close(f->engine, fd);
}

static inline void
reset(struct fixture *f, int fd)
{
    f->engine->sockets->set_reset(f->engine, fd);
    close_socket(f, fd);
}

/* An engine of other options; the old one must have nothing in flight. */
static inline void
renew(struct fixture *f, const struct ouro__sim_options *options)
{
    if (f->engine != NULL)
        f->engine->ops->free(f->engine);
    memset(f, 0, sizeof(*f));
    assert_ok(ouro__engine_sim_new(&f->sim, options));
    f->engine = &f->sim->base;
}

/* From now on chance may do what `options` say. */
static inline void
let_happen(struct fixture *f, struct ouro__sim_options options)
{
    options.socket_buffer = f->sim->options.socket_buffer;
    f->sim->options = options;
}

static inline int
setup(void **state)
{
    static struct fixture f;

    f.engine = NULL;
    renew(&f, &calm);
    *state = &f;
    return 0;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(f->engine->in_flight, 0);
    f->engine->ops->free(f->engine);
    return 0;
}

#endif
