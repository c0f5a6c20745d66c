/* SPDX-License-Identifier: MIT */
/* What transports promise of writing. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

/* More than any kernel takes from a connection whose peer does not read. */
enum { STUCK = 16 * 1024 * 1024, HIGH = 64 * 1024 };

/* A4 of the list of behaviours. */
static int
write_in_every_way(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    for (int i = 0; rc == 0 && i < 10; i++) {
        end_write(&ends[0], 1);
        end_write_slices(&ends[0], 3, 1025);
        end_write_take(&ends[0], 50000);
        end_write(&ends[0], 70000);
        end_write_slices(&ends[0], 10000, 5);
        end_write_take(&ends[0], 10);
        rc = i % 3 == 0 ? ouro_sleep(0) : 0;
    }
    end_close(&ends[0]);
    return rc;
}

static void
check_flushed(const struct scene *scene)
{
    assert_true(scene->ends[0].sent > 0);
    assert_ok(scene->ends[0].reason);
    assert_ok(scene->ends[1].reason);
    check_all_came(&scene->ends[1]);
    assert_string_equal(scene->ends[1].calls, "MDEL");
}

/* A5 and M22 of the list of behaviours: the bytes are changed at once. */
static int
change_what_was_written(struct scene *scene)
{
    struct end *end = &scene->ends[0];
    enum { SIZE = 500000 };
    uint8_t *mine = malloc(SIZE);

    int rc = meet(scene);
    if (rc < 0 || mine == NULL) {
        free(mine);
        return rc < 0 ? rc : -ENOMEM;
    }
    memcpy(mine, pattern(0, SIZE).data, SIZE);
    ouro_transport_write(end->transport, ouro_slice_of(mine, SIZE));
    end->sent = SIZE;
    memset(mine, 0, SIZE);
    free(mine);
    end_close(end);
    return rc;
}

/* A6 of the list of behaviours; the peer reads slowly. */
static int
close_with_much_queued(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_pause(&ends[1]);
    end_write(&ends[0], 8 * 1024 * 1024);
    end_close(&ends[0]);
    scene->flag = ouro_transport_is_closing(ends[0].transport);
    rc = let_arrive();
    scene->count = ends[0].losses;
    end_resume(&ends[1]);
    return rc;
}

static void
check_closed_with_much(const struct scene *scene)
{
    assert_true(scene->flag);
    assert_int_equal(scene->count, 0);
    check_all_came(&scene->ends[1]);
    assert_ok(scene->ends[0].reason);
}

/* A65 of the list of behaviours. */
static int
finish_behind_much(struct scene *scene)
{
    struct end *ends = scene->ends;

    ends[1].keeps_open = true;
    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_write(&ends[0], 1000000);
    end_write_eof(&ends[0]);
    end_write_eof(&ends[0]);
    rc = until_called(&ends[1], 'E');
    scene->size = ends[1].received;
    end_write(&ends[1], 10);
    if (rc == 0)
        rc = until_received(&ends[0], 10);
    end_close(&ends[1]);
    if (rc == 0)
        rc = until_called(&ends[0], 'L');
    end_write_eof(&ends[0]);
    return rc;
}

static void
check_finished_behind(const struct scene *scene)
{
    assert_int_equal(scene->size, 1000000);
    assert_string_equal(scene->ends[1].calls, "MDEL");
    assert_int_equal(scene->ends[0].received, 10);
}

/* M4 and A65 of the list of behaviours. */
static int
write_behind_the_end(struct scene *scene)
{
    struct end *end = &scene->ends[0];

    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_write(end, 100);
    end_write_eof(end);
    ouro_transport_write(end->transport, OURO_BYTES("late"));
    end_close(end);
    ouro_transport_write(end->transport, OURO_BYTES("later"));
    ouro_transport_write_take(end->transport, ouro_buf_new(10));
    scene->size = (size_t)ouro_transport_bytes_dropped(end->transport);
    return rc;
}

static void
check_dropped_behind(const struct scene *scene)
{
    assert_int_equal(scene->size, 4 + 5 + 10);
    assert_int_equal(scene->seen.count, 1);
    check_flushed(scene);
}

/* M5 and A87 of the list of behaviours. */
static int
write_when_lost(struct scene *scene)
{
    struct end *end = &scene->ends[0];

    int rc = meet(scene);
    end_abort(end);
    if (rc == 0)
        rc = until_called(end, 'L');
    for (int i = 0; i < 1000; i++)
        ouro_transport_write(end->transport, OURO_BYTES("x"));
    scene->size = (size_t)ouro_transport_bytes_dropped(end->transport);
    return rc;
}

static void
check_dropped_when_lost(const struct scene *scene)
{
    assert_int_equal(scene->size, 1000);
    assert_int_equal(scene->seen.count, 1);
    assert_err(scene->seen.error, ECONNABORTED);
}

/* A10, A66 and M17 of the list of behaviours. */

static void
write_by_turns(struct end *end, unsigned way)
{
    if (way == 0)
        end_write(end, 10000);
    else if (way == 1)
        end_write_slices(end, 1000, 10);
    else
        end_write_take(end, 10000);
}

static int
write_to_the_mark(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    end_pause(&ends[1]);
    for (unsigned i = 0; rc == 0 && strchr(ends[0].calls, 'P') == NULL; i++) {
        write_by_turns(&ends[0], i % 3);
        rc = ouro_sleep(0);
    }
    scene->flag = ouro_transport_is_writing_paused(ends[0].transport);
    scene->size = end_queued(&ends[0]);
    scene->count = strchr(ends[0].calls, 'R') != NULL;
    end_resume(&ends[1]);
    if (rc == 0)
        rc = until_called(&ends[0], 'R');
    if (end_queued(&ends[0]) > HIGH / 4)
        scene->count += 10;
    end_close(&ends[0]);
    return rc;
}

static void
check_marks(const struct scene *scene)
{
    assert_true(scene->flag);
    assert_in_range(scene->size, HIGH + 1, HIGH + 20000);
    assert_int_equal(scene->count, 0);
    check_all_came(&scene->ends[1]);
}

static int
write_past_the_limit(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_pause(&ends[1]);
    ouro_transport_set_write_buffer_max(ends[0].transport, 1000000);
    for (int i = 0;
         !ouro_transport_is_closing(ends[0].transport) && rc == 0 && i < 1000;
         i++) {
        end_write(&ends[0], 50000);
        rc = ouro_sleep(0);
    }
    scene->size = ends[0].most_queued;
    end_resume(&ends[1]);
    return rc;
}

static void
check_limited(const struct scene *scene)
{
    assert_true(scene->size <= 1000000);
    assert_err(scene->ends[0].reason, ENOBUFS);
}

/* M29 of the list of behaviours. */
static void
write_and_close(struct end *end)
{
    end_write(end, 100000);
    end_close(end);
}

static int
close_when_made(struct scene *scene)
{
    int rc = connect_ends(scene);

    if (rc < 0)
        return rc;
    begin_end(scene, 1);
    end_write(&scene->ends[1], 100);
    rc = let_arrive();
    scene->ends[0].hooks[EVENT_MADE] = write_and_close;
    begin_end(scene, 0);
    return rc;
}

static void
check_closed_when_made(const struct scene *scene)
{
    assert_int_equal(scene->ends[0].received, 0);
    assert_ok(scene->ends[0].reason);
    check_all_came(&scene->ends[1]);
    assert_ok(scene->ends[1].reason);
}

static void
write_more(struct end *end)
{
    if (end->sent < 2000000)
        end_write(end, 200000);
}

static int
write_when_resumed(struct scene *scene)
{
    struct end *ends = scene->ends;

    ends[0].hooks[EVENT_RESUME] = write_more;
    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_pause(&ends[1]);
    end_write(&ends[0], STUCK / 2);
    rc = until_called(&ends[0], 'P');
    end_resume(&ends[1]);
    if (rc == 0)
        rc = until_received(&ends[1], STUCK / 2);
    end_close(&ends[0]);
    return rc;
}

static void
check_all_to_second(const struct scene *scene)
{
    check_all_came(&scene->ends[1]);
}

const struct promise writing_promises[] = {
    {"bytes written in every way leave in order", write_in_every_way,
     check_flushed, false},
    {"what was written may be changed at once", change_what_was_written,
     check_flushed, false},
    {"close flushes what is queued, however slow the peer",
     close_with_much_queued, check_closed_with_much, false},
    {"the end comes behind what is queued, and once", finish_behind_much,
     check_finished_behind, false},
    {"what is written behind the end is dropped and reported once",
     write_behind_the_end, check_dropped_behind, true},
    {"what is written when lost is counted and reported once", write_when_lost,
     check_dropped_when_lost, true},
    {"every way to write is told to pause above the mark", write_to_the_mark,
     check_marks, false},
    {"past the hard limit it is aborted", write_past_the_limit, check_limited,
     true},
    {"write and close in connection_made flush", close_when_made,
     check_closed_when_made, false},
    {"resume_writing may write", write_when_resumed, check_all_to_second,
     false},
    {NULL, NULL, NULL, false},
};
