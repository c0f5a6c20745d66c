/* SPDX-License-Identifier: MIT */
/* A stream whose transport is the test, and tasks that read it. */
#ifndef OURO_STREAM_FIXTURE_H
#define OURO_STREAM_FIXTURE_H

#include "fake_transport.h"

enum { LIMIT = 8, ROOM = 512 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_stream *stream;
    struct fake *fake;
    struct seen_exceptions reports;
    struct ouro_task *task;
    size_t size; /* how much to read or to write */
    ssize_t seen;
    uint8_t bytes[ROOM];
    struct ouro_slice slice;
    unsigned done;
};

static inline int
setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.seen = UNSEEN};
    assert_ok(ouro_sim_new(&f.sim, NULL));
    ouro_loop_set_exception_handler(ouro_sim_loop(f.sim), see_exception,
                                    &f.reports);
    f.stream = fake_new(ouro_sim_loop(f.sim), LIMIT);
    f.fake = fake_of(ouro_stream_transport(f.stream));
    *state = &f;
    return 0;
}

/* What is still queued is dropped; nothing may have been reported. */
static inline int
teardown(void **state)
{
    struct fixture *f = *state;

    if (f->stream != NULL) {
        ouro_stream_abort(f->stream);
        ouro_sim_turn(f->sim);
        ouro_sim_turn(f->sim);
        ouro_stream_free(f->stream);
    }
    ouro_task_unref(f->task);
    ouro_sim_turn(f->sim);
    ouro_sim_free(f->sim);
    assert_int_equal(f->reports.count, 0);
    return 0;
}

/* Start with another limit. */
static inline void
set_limit(struct fixture *f, size_t limit)
{
    ouro_stream_set_limit(f->stream, limit);
}

/* What comes, in the turn that is next. */
static inline void
receive(struct fixture *f, const void *bytes, size_t size)
{
    if (size > 0)
        ouro_transport_received(&f->fake->base, ouro_slice_of(bytes, size));
    ouro_sim_turn(f->sim);
}

static inline void
receive_end(struct fixture *f)
{
    ouro_transport_received_eof(&f->fake->base);
    ouro_sim_turn(f->sim);
}

/* The connection is lost; connection_lost comes a turn later, and then the
 * tasks that it has woken. */
static inline void
lose(struct fixture *f, int reason)
{
    ouro_transport_fail(&f->fake->base, reason);
    ouro_sim_turn(f->sim);
    ouro_sim_turn(f->sim);
}

/* Tasks that make one call. */

static inline int
read_any(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_stream_read(f->stream, f->bytes, ROOM);
    return 0;
}

static inline int
read_exactly(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_stream_read_exactly(f->stream, f->bytes, f->size);
    return 0;
}

static inline int
read_line(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_stream_read_line(f->stream, &f->slice);
    return 0;
}

static inline int
read_until(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_stream_read_until(f->stream, OURO_BYTES("\r\n"), &f->slice);
    return 0;
}

static inline int
read_until_two(void *arg)
{
    struct fixture *f = arg;
    struct ouro_slice separators[] = {OURO_BYTES("\n"), OURO_BYTES("a\r\n")};

    f->seen = ouro_stream_read_until_any(f->stream, separators, 2, &f->slice);
    return 0;
}

static inline int
peek(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_stream_peek(f->stream, &f->slice);
    return 0;
}

/* What the rest of the stream is, as text; `end` is what comes behind it. */
static inline void
assert_rest(struct fixture *f, const char *text, ssize_t end)
{
    size_t size = strlen(text);

    f->size = size;
    if (size > 0) {
        start(f->sim, read_exactly, f);
        assert_int_equal(f->seen, size);
        assert_memory_equal(f->bytes, text, size);
    }
    start(f->sim, read_any, f);
    assert_int_equal(f->seen, end);
}

static inline void
begin(struct fixture *f, ouro_task_fn *fn)
{
    assert_ok(ouro_loop_create_task(ouro_sim_loop(f->sim), &f->task, fn, f));
    ouro_sim_turn(f->sim);
}

#endif
