/* SPDX-License-Identifier: MIT */
/* How parts of files go out: when, with what, and who closes them. */
#include "sim_pair.h"

#include "outlet.h"

#include <ouro/error.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SMALL = OURO__BLOCK_ROOM, LARGE = 200000 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro__outlet outlet;
    int fd;
    int peer;
    int file;
    int error; /* the last that was told */
    char bytes[LARGE];
};

static void
note_moved(struct ouro__outlet *outlet, int error)
{
    struct fixture *f = OURO_CONTAINER_OF(outlet, struct fixture, outlet);

    if (error < 0)
        f->error = error;
}

/* A file of 'f's, which the outlet is to close. */
static int
open_file(size_t size)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(fputc('f', file), 'f');
    assert_int_equal(fflush(file), 0);
    int fd = dup(fileno(file));
    assert_int_equal(fclose(file), 0);
    return fd;
}

static bool
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void
write_text(struct fixture *f, const char *text)
{
    struct ouro_slice data = ouro_slice_of(text, strlen(text));

    assert_ok(ouro__outlet_writev(&f->outlet, &data, 1));
}

static size_t
receive(struct fixture *f)
{
    ssize_t size = sim_receive(f->loop, f->peer, f->bytes, LARGE);

    return size > 0 ? (size_t)size : 0;
}

static void
a_small_file_leaves_in_one_send_with_what_is_written_around_it(void **state)
{
    struct fixture *f = *state;

    f->file = open_file(5);
    write_text(f, "head ");
    assert_ok(ouro__outlet_file(&f->outlet, f->file, 0, 5));
    assert_false(is_open(f->file));
    write_text(f, " tail");
    assert_int_equal(receive(f), 0);
    ouro_sim_advance(f->sim, 0);

    assert_int_equal(receive(f), 15);
    assert_memory_equal(f->bytes, "head fffff tail", 15);
}

static void
a_large_file_is_open_until_its_last_byte_has_left(void **state)
{
    struct fixture *f = *state;
    size_t received = 0;

    f->file = open_file(LARGE);
    assert_ok(ouro__outlet_file(&f->outlet, f->file, 0, LARGE));
    for (size_t more = 1; more > 0; received += more) {
        assert_int_equal(is_open(f->file), f->outlet.outbox.size > 0);
        ouro_sim_advance(f->sim, 0);
        more = receive(f);
    }

    assert_int_equal(received, LARGE);
    assert_false(is_open(f->file));
    assert_true(ouro__outlet_is_idle(&f->outlet));
}

static void
an_abort_closes_what_has_not_left(void **state)
{
    struct fixture *f = *state;
    int second = open_file(LARGE);

    f->file = open_file(LARGE);
    assert_ok(ouro__outlet_file(&f->outlet, f->file, 0, LARGE));
    ouro_sim_advance(f->sim, 0);
    assert_ok(ouro__outlet_file(&f->outlet, second, 0, LARGE));
    ouro__outlet_abort(&f->outlet);
    ouro_sim_advance(f->sim, 0);

    assert_true(ouro__outlet_is_idle(&f->outlet));
    assert_false(is_open(f->file));
    assert_false(is_open(second));
}

static void
after_an_abort_a_file_is_closed_at_once(void **state)
{
    struct fixture *f = *state;

    f->file = open_file(LARGE);
    ouro__outlet_abort(&f->outlet);
    assert_ok(ouro__outlet_file(&f->outlet, f->file, 0, LARGE));

    assert_false(is_open(f->file));
    assert_true(ouro__outlet_is_idle(&f->outlet));
}

static void
a_file_that_ends_early_is_an_error_small_or_large(void **state)
{
    struct fixture *f = *state;

    f->file = open_file(10);
    assert_err(ouro__outlet_file(&f->outlet, f->file, 5, 6), OURO_EINCOMPLETE);
    assert_false(is_open(f->file));

    f->file = open_file(10);
    assert_ok(ouro__outlet_file(&f->outlet, f->file, 0, SMALL + 1));
    ouro_sim_advance(f->sim, 0);
    receive(f);
    ouro_sim_advance(f->sim, 0);
    assert_err(f->error, OURO_EINCOMPLETE);
    assert_false(is_open(f->file));
}

/* One block for the file; then one for the operation that waits. */
static void
without_memory_a_file_is_closed_and_nothing_queued(void **state)
{
    static const size_t sizes[] = {SMALL, LARGE};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        f->file = open_file(sizes[i]);
        fail_allocation(1);
        int rc = ouro__outlet_file(&f->outlet, f->file, 0, sizes[i]);
        fail_allocation(0);

        assert_err(rc, ENOMEM);
        assert_false(is_open(f->file));
        assert_true(ouro__outlet_is_idle(&f->outlet));
    }
}

static void
without_memory_to_wait_for_room_it_is_an_error(void **state)
{
    struct fixture *f = *state;

    f->file = open_file(LARGE);
    assert_ok(ouro__outlet_file(&f->outlet, f->file, 0, LARGE));
    fail_allocation(1);
    ouro_sim_advance(f->sim, 0);
    fail_allocation(0);

    assert_err(f->error, ENOMEM);
    assert_false(is_open(f->file));
    assert_true(ouro__outlet_is_idle(&f->outlet));
}

static int
setup(void **state)
{
    static struct fixture fixture;
    const struct ouro_sim_options options = {.seed = 0};
    int fds[2];

    memset(&fixture, 0, sizeof(fixture));
    assert_ok(ouro_sim_new(&fixture.sim, &options));
    fixture.loop = ouro_sim_loop(fixture.sim);
    make_sim_pair(fixture.loop, fds);
    fixture.fd = fds[0];
    fixture.peer = fds[1];
    ouro__outlet_init(&fixture.outlet, ouro__pool_of(fixture.loop), fds[0],
                      note_moved);
    *state = &fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro__outlet_abort(&f->outlet);
    ouro_sim_advance(f->sim, 0);
    sim_close_end(f->loop, &f->peer);
    sim_close_end(f->loop, &f->fd);
    ouro_sim_free(f->sim);
    return live_allocations() == 0 ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_small_file_leaves_in_one_send_with_what_is_written_around_it),
        TEST(a_large_file_is_open_until_its_last_byte_has_left),
        TEST(an_abort_closes_what_has_not_left),
        TEST(after_an_abort_a_file_is_closed_at_once),
        TEST(a_file_that_ends_early_is_an_error_small_or_large),
        TEST(without_memory_a_file_is_closed_and_nothing_queued),
        TEST(without_memory_to_wait_for_room_it_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
