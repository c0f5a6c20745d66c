/* SPDX-License-Identifier: MIT */
/* What transports promise of reading. */
#include "conformance.h"

#include <string.h>

static int
say_hello(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_write(&ends[0], 5);
    rc = until_received(&ends[1], 5);
    end_write(&ends[1], 7);
    if (rc == 0)
        rc = until_received(&ends[0], 7);
    end_close(&ends[0]);
    return rc;
}

static void
check_hello(const struct scene *scene)
{
    assert_string_equal(scene->ends[0].calls, "MDL");
    assert_string_equal(scene->ends[1].calls, "MDEL");
    assert_ok(scene->ends[0].reason);
    assert_ok(scene->ends[1].reason);
}

/* Both send much at once, while there is room. */

enum { MUCH = 3 * 1024 * 1024, PIECE = 40000 };

static bool
write_if_welcome(struct end *end)
{
    if (end->sent >= MUCH || ouro_transport_is_writing_paused(end->transport))
        return false;
    end_write(end, PIECE);
    return true;
}

static int
send_both_ways(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    while (rc == 0 && (ends[0].sent < MUCH || ends[1].sent < MUCH)) {
        bool first = write_if_welcome(&ends[0]);
        bool second = write_if_welcome(&ends[1]);

        rc = ouro_sleep(first || second ? 0 : OURO_MILLISECONDS(1));
    }
    for (int i = 0; rc == 0 && i < 2; i++)
        rc = until_received(&ends[i], ends[1 - i].sent);
    end_close(&ends[0]);
    return rc;
}

static void
check_both_came(const struct scene *scene)
{
    check_all_came(&scene->ends[0]);
    check_all_came(&scene->ends[1]);
}

/* A35 of the list of behaviours. */
static int
pause_and_resume(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_pause(&ends[1]);
    for (int i = 0; rc == 0 && i < 3; i++) {
        end_write(&ends[0], 1000);
        rc = let_arrive();
    }
    end_close(&ends[0]);
    if (rc == 0)
        rc = let_arrive();
    scene->flag = strcmp(ends[1].calls, "M") == 0
                  && !ouro_transport_is_reading(ends[1].transport);
    end_resume(&ends[1]);
    return rc;
}

static void
check_paused(const struct scene *scene)
{
    assert_true(scene->flag);
    assert_string_equal(scene->ends[1].calls, "MDEL");
    check_all_came(&scene->ends[1]);
}

static int
pause_when_made(struct scene *scene)
{
    scene->ends[1].hooks[EVENT_MADE] = end_pause;
    return pause_and_resume(scene);
}

/* Each piece pauses, and a timer resumes. */
static int
pause_at_each_piece(struct scene *scene)
{
    struct end *ends = scene->ends;

    ends[1].hooks[EVENT_DATA] = end_pause;
    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_write(&ends[0], 200000);
    end_close(&ends[0]);
    while (rc == 0 && ends[1].losses == 0) {
        scene->count++;
        rc = ouro_sleep(OURO_MILLISECONDS(1));
        end_resume(&ends[1]);
    }
    return rc;
}

static void
check_pieces(const struct scene *scene)
{
    assert_true(scene->count > 1);
    assert_string_equal(scene->ends[1].calls, "MDEL");
    check_all_came(&scene->ends[1]);
}

static void
pause_and_resume_end(struct end *end)
{
    end_pause(end);
    end_resume(end);
}

/* It is as if nothing was. */
static int
pause_and_resume_at_once(struct scene *scene)
{
    struct end *ends = scene->ends;

    ends[1].hooks[EVENT_DATA] = pause_and_resume_end;
    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_write(&ends[0], 500000);
    end_close(&ends[0]);
    return rc;
}

static void
check_second_got_all(const struct scene *scene)
{
    assert_string_equal(scene->ends[1].calls, "MDEL");
    check_all_came(&scene->ends[1]);
}

/* A64 of the list of behaviours. */
static int
keep_open_at_the_end(struct scene *scene)
{
    struct end *ends = scene->ends;

    ends[1].keeps_open = true;
    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_write(&ends[0], 100);
    end_write_eof(&ends[0]);
    rc = until_called(&ends[1], 'E');
    scene->flag = !ouro_transport_is_reading(ends[1].transport)
                  && !ouro_transport_is_closing(ends[1].transport);
    end_write(&ends[1], 200000);
    if (rc == 0)
        rc = until_received(&ends[0], 200000);
    end_close(&ends[1]);
    return rc;
}

static void
check_kept_open(const struct scene *scene)
{
    assert_true(scene->flag);
    assert_non_null(strchr(scene->ends[0].calls, 'E'));
    check_both_came(scene);
    assert_ok(scene->ends[0].reason);
    assert_ok(scene->ends[1].reason);
}

/* Both are at the end, and nobody has closed: nothing is asked of a protocol
 * that was told of the end. */
static int
finish_both_ways(struct scene *scene)
{
    struct end *ends = scene->ends;

    ends[0].keeps_open = true;
    ends[1].keeps_open = true;
    int rc = meet(scene);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 2; i++) {
        end_write(&ends[i], 10);
        end_write_eof(&ends[i]);
    }
    for (int i = 0; rc == 0 && i < 2; i++)
        rc = until_called(&ends[i], 'E');
    if (rc == 0)
        rc = let_arrive();
    scene->count = ends[0].losses + ends[1].losses;
    end_close(&ends[0]);
    if (rc == 0)
        rc = let_arrive();
    end_close(&ends[1]);
    return rc;
}

static void
check_finished(const struct scene *scene)
{
    assert_int_equal(scene->count, 0);
    assert_string_equal(scene->ends[0].calls, "MDEL");
    assert_string_equal(scene->ends[1].calls, "MDEL");
    assert_ok(scene->ends[0].reason);
    assert_ok(scene->ends[1].reason);
}

static int
change_protocol_among_bytes(struct scene *scene)
{
    struct end *ends = scene->ends;

    ends[1].hooks[EVENT_DATA] = end_set_protocol;
    int rc = meet(scene);
    if (rc < 0)
        return rc;
    end_write(&ends[0], 300000);
    end_close(&ends[0]);
    return rc;
}

/* A84 of the list of behaviours: from the one kind to the other and back. */
static void
change_kind(struct end *end)
{
    const struct ouro_protocol_ops *ops = end->protocol->ops;

    end_set_protocol_of(end, ops == &witness_ops ? &buffered_witness_ops
                                                 : &witness_ops);
}

static int
change_kind_among_bytes(struct scene *scene)
{
    struct end *ends = scene->ends;

    ends[1].hooks[EVENT_DATA] = change_kind;
    int rc = meet(scene);
    for (int i = 0; rc == 0 && i < 10; i++) {
        end_write(&ends[0], 9000);
        rc = i % 2 == 0 ? ouro_sleep(0) : until_received(&ends[1], 9000);
    }
    end_close(&ends[0]);
    return rc;
}

static int
begin_where_bytes_wait(struct scene *scene)
{
    struct end *ends = scene->ends;

    int rc = connect_ends(scene);
    if (rc < 0)
        return rc;
    begin_end(scene, 0);
    end_write(&ends[0], 1000);
    end_close(&ends[0]);
    rc = let_arrive();
    begin_end(scene, 1);
    return rc;
}

const struct promise reading_promises[] = {
    {"made comes first, then data, the end, and lost", say_hello, check_hello,
     false},
    {"much comes both ways at once, and in order", send_both_ways,
     check_both_came, false},
    {"what waits before the beginning comes after it", begin_where_bytes_wait,
     check_second_got_all, false},
    {"a pause holds bytes and end until resumed", pause_and_resume,
     check_paused, false},
    {"a pause in connection_made does", pause_when_made, check_paused, false},
    {"a pause in data_received does, each time", pause_at_each_piece,
     check_pieces, false},
    {"a pause and a resume in one call lose nothing", pause_and_resume_at_once,
     check_second_got_all, false},
    {"after the end it stays open for who says so", keep_open_at_the_end,
     check_kept_open, false},
    {"after both ends nothing comes but lost", finish_both_ways, check_finished,
     false},
    {"another protocol takes over among bytes", change_protocol_among_bytes,
     check_second_got_all, false},
    {"a protocol of the other kind takes over", change_kind_among_bytes,
     check_second_got_all, false},
    {NULL, NULL, NULL, false},
};
