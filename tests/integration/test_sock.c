/* SPDX-License-Identifier: MIT */
/* Plain descriptors that only a kernel has: datagrams, sockets that block,
 * pipes, files; and numbers that change their owner behind our back.  Rows A9
 * and A85 of the list of behaviours, where the simulation ends. */
#include "world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a main task and its helpers saw. */
struct seen {
    int a;
    int b;
    int rc[4];
    ssize_t size[4];
    char text[16];
    unsigned calls;
    struct ouro_watch watch;
    struct ouro_address from;
    struct ouro_address local;
    bool same;
};

static int
run(ouro_task_fn *fn, struct seen *seen)
{
    return run_in_world("uring", fn, seen);
}

static int
make_pair(struct seen *seen, int type)
{
    int ends[2];

    if (socketpair(AF_UNIX, type, 0, ends) < 0)
        return -errno;
    seen->a = ends[0];
    seen->b = ends[1];
    return 0;
}

static void
close_pair(const struct seen *seen)
{
    close(seen->a);
    close(seen->b);
}

static int
settle(void)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < 5; i++)
        rc = ouro_sleep(0);
    return rc;
}

static struct ouro_task *
begin(ouro_task_fn *fn, void *arg)
{
    struct ouro_task *task = NULL;

    return ouro_create_task(&task, fn, arg) < 0 ? NULL : task;
}

static int
finish(struct ouro_task *task)
{
    int rc = ouro_task_join(task);

    ouro_task_unref(task);
    return rc;
}

/* Datagrams. */

static int
bind_datagram(struct ouro_address *out_address)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    int rc = ouro_address_parse(out_address, "127.0.0.1", 0);
    if (rc == 0 && bind(fd, &out_address->of.any, out_address->size) < 0)
        rc = -errno;
    if (rc == 0
        && getsockname(fd, &out_address->of.any, &out_address->size) < 0)
        rc = -errno;
    return rc < 0 ? rc : fd;
}

static int
receive_datagram(void *arg)
{
    struct seen *seen = arg;

    seen->size[0] = ouro_sock_recvfrom(seen->a, seen->text, sizeof(seen->text),
                                       &seen->from);
    return 0;
}

static int
exchange_datagrams(void *arg)
{
    struct seen *seen = arg;
    struct ouro_address there;

    seen->a = bind_datagram(&there);
    seen->b = bind_datagram(&seen->local);
    struct ouro_task *receiver = begin(receive_datagram, seen);
    int rc = settle();
    seen->rc[0] = (int)ouro_sock_sendto(seen->b, OURO_BYTES("hello"), &there);
    finish(receiver);
    seen->rc[1] = (int)ouro_sock_sendto(seen->b, OURO_BYTES(""), &there);
    seen->size[1] = ouro_sock_recvfrom(seen->a, seen->text, 1, NULL);
    seen->rc[2] = (int)ouro_sock_sendto(seen->b, OURO_BYTES("longer"), &there);
    seen->size[2] = ouro_sock_recvfrom(seen->a, seen->text, 4, &there);
    seen->same = ouro_address_equals(&there, &seen->local);
    close_pair(seen);
    return rc;
}

static void
datagrams_are_kept_apart_and_say_who_sent_them(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run(exchange_datagrams, &seen));

    assert_int_equal(seen.rc[0], 5);
    assert_int_equal(seen.size[0], 5);
    assert_true(ouro_address_equals(&seen.from, &seen.local));
    assert_int_equal(seen.rc[1], 0);
    assert_int_equal(seen.size[1], 0);
    assert_int_equal(seen.rc[2], 6);
    assert_err(seen.size[2], EMSGSIZE);
    assert_memory_equal(seen.text, "longo", 5);
    assert_true(seen.same);
}

/* Sockets that block. */

static int
receive_one(void *arg)
{
    struct seen *seen = arg;

    return (int)ouro_sock_recv(seen->b, seen->text, sizeof(seen->text));
}

static int
fill(void *arg)
{
    static const char much[1 << 20];
    struct seen *seen = arg;

    return ouro_sock_sendall(seen->a, ouro_slice_of(much, sizeof(much)), NULL);
}

static int
use_blocking_ends(void *arg)
{
    struct seen *seen = arg;

    int rc = make_pair(seen, SOCK_STREAM);
    if (rc < 0)
        return rc;
    struct ouro_task *receiver = begin(receive_one, seen);
    rc = settle();
    seen->size[0] = ouro_sock_send(seen->a, OURO_BYTES("hi"));
    seen->size[1] = finish(receiver);
    struct ouro_task *filler = begin(fill, seen);
    if (rc == 0)
        rc = settle();
    seen->rc[0] = ouro_task_is_done(filler);
    ouro_task_cancel(filler);
    seen->rc[1] = finish(filler);
    seen->rc[2] = fcntl(seen->a, F_GETFL) & O_NONBLOCK;
    close_pair(seen);
    return rc;
}

static void
on_sockets_that_block_only_the_task_waits(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run(use_blocking_ends, &seen));

    assert_int_equal(seen.size[0], 2);
    assert_int_equal(seen.size[1], 2);
    assert_int_equal(seen.rc[0], false);
    assert_err(seen.rc[1], ECANCELED);
    assert_int_equal(seen.rc[2], 0);
}

static int
accept_one(void *arg)
{
    struct seen *seen = arg;

    return ouro_sock_accept(seen->a, NULL);
}

static int
meet_on_blocking_sockets(void *arg)
{
    struct seen *seen = arg;
    struct ouro_address address;

    seen->a = socket(AF_INET, SOCK_STREAM, 0);
    seen->b = socket(AF_INET, SOCK_STREAM, 0);
    address.size = sizeof(address.of);
    if (listen(seen->a, 1) < 0
        || getsockname(seen->a, &address.of.any, &address.size) < 0)
        return -errno;
    struct ouro_task *acceptor = begin(accept_one, seen);
    int rc = settle();
    seen->rc[0] = ouro_sock_connect(seen->b, &address);
    int taken = finish(acceptor);
    seen->rc[1] = fcntl(taken, F_GETFL) & O_NONBLOCK;
    seen->rc[2] = fcntl(taken, F_GETFD) & FD_CLOEXEC;
    seen->rc[3] = fcntl(seen->a, F_GETFL) & O_NONBLOCK;
    close(taken);
    close_pair(seen);
    return rc;
}

static void
what_is_accepted_does_not_block_and_is_not_inherited(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run(meet_on_blocking_sockets, &seen));

    assert_ok(seen.rc[0]);
    assert_int_not_equal(seen.rc[1], 0);
    assert_int_not_equal(seen.rc[2], 0);
    assert_int_equal(seen.rc[3], 0);
}

/* A9: the number goes to another, and we were not asked. */

/* The next pair gets the numbers of the first; `*out_a` still leads to it. */
static int
give_numbers_away(struct seen *seen, int *out_a)
{
    struct seen other = {.a = -1, .b = -1};

    *out_a = dup(seen->a);
    int rc = make_pair(&other, SOCK_STREAM);
    if (rc < 0)
        return rc;
    if (dup2(other.a, seen->a) < 0 || dup2(other.b, seen->b) < 0)
        rc = -errno;
    close_pair(&other);
    return rc;
}

static int
change_the_owner(void *arg)
{
    struct seen *seen = arg;
    char byte = '-';
    int a;

    int rc = make_pair(seen, SOCK_STREAM);
    if (rc < 0)
        return rc;
    struct ouro_task *receiver = begin(receive_one, seen);
    rc = settle();
    if (rc == 0)
        rc = give_numbers_away(seen, &a);
    if (rc < 0)
        return rc;
    seen->size[0] = ouro_sock_send(seen->a, OURO_BYTES("n"));
    seen->size[1] = ouro_sock_send(a, OURO_BYTES("o"));
    seen->rc[0] = finish(receiver);
    seen->size[2] = ouro_sock_recv(seen->b, &byte, 1);
    seen->rc[1] = byte;
    close(a);
    close_pair(seen);
    return 0;
}

static void
a_receiver_does_not_take_from_the_next_owner_of_its_number(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run(change_the_owner, &seen));

    assert_int_equal(seen.size[0], 1);
    assert_int_equal(seen.size[1], 1);
    assert_err(seen.rc[0], EBADF);
    assert_int_equal(seen.size[2], 1);
    assert_int_equal(seen.rc[1], 'n');
}

static int
need_the_number(void *arg)
{
    struct seen *seen = arg;
    int a;

    int rc = make_pair(seen, SOCK_STREAM);
    if (rc < 0)
        return rc;
    struct ouro_task *receiver = begin(receive_one, seen);
    rc = settle();
    if (rc == 0)
        rc = give_numbers_away(seen, &a);
    if (rc < 0)
        return rc;
    struct ouro_task *next = begin(receive_one, seen);
    seen->rc[0] = finish(receiver);
    seen->size[0] = ouro_sock_send(seen->a, OURO_BYTES("new"));
    seen->rc[1] = finish(next);
    close(a);
    close_pair(seen);
    return 0;
}

static void
the_next_owner_finds_its_direction_free(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run(need_the_number, &seen));

    assert_err(seen.rc[0], EBADF);
    assert_int_equal(seen.rc[1], 3);
    assert_string_equal(seen.text, "new");
}

/* A85: watches. */

static void
count_call(void *arg)
{
    struct seen *seen = arg;

    seen->calls++;
}

static int
watch(struct seen *seen, int fd)
{
    return ouro_add_reader(ouro_get_running_loop(), &seen->watch, fd,
                           count_call, seen);
}

static int
close_it_watched(void *arg)
{
    struct seen *seen = arg;
    int a;

    int rc = make_pair(seen, SOCK_STREAM);
    if (rc == 0)
        rc = watch(seen, seen->b);
    if (rc == 0)
        rc = settle();
    if (rc == 0)
        rc = give_numbers_away(seen, &a);
    if (rc < 0)
        return rc;
    seen->size[0] = ouro_sock_send(a, OURO_BYTES("o"));
    rc = ouro_sleep(OURO_MILLISECONDS(5));
    seen->rc[0] = ouro_watch_remove(&seen->watch);
    close(a);
    close_pair(seen);
    return rc;
}

static void
a_watch_whose_number_is_anothers_ends_with_a_report(void **state)
{
    struct seen_exceptions exceptions = {0};
    struct seen seen = {0};

    (void)state;
    assert_ok(
        run_in_noisy_world("uring", close_it_watched, &seen, &exceptions));

    assert_int_equal(seen.calls, 0);
    assert_int_equal(seen.rc[0], false);
    assert_int_equal(exceptions.count, 1);
    assert_err(exceptions.error, EBADF);
    assert_string_equal(exceptions.message, "a watched descriptor was closed");
    assert_non_null(strstr(exceptions.site, "test_sock.c:"));
}

static int
watch_kinds(void *arg)
{
    struct seen *seen = arg;
    FILE *file = tmpfile();
    int event = eventfd(1, EFD_CLOEXEC);
    int pipes[2];

    if (file == NULL || pipe(pipes) < 0)
        return -errno;
    seen->rc[0] = watch(seen, fileno(file));
    seen->rc[1] = watch(seen, pipes[0]);
    (void)!write(pipes[1], "x", 1);
    int rc = ouro_sleep(OURO_MILLISECONDS(5));
    seen->size[0] = seen->calls;
    ouro_watch_remove(&seen->watch);
    seen->calls = 0;
    seen->rc[2] = watch(seen, event);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    ouro_watch_remove(&seen->watch);
    fclose(file);
    close(event);
    close(pipes[0]);
    close(pipes[1]);
    return rc < 0 ? rc : settle();
}

static void
all_but_files_can_be_watched(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run(watch_kinds, &seen));

    assert_err(seen.rc[0], EPERM);
    assert_ok(seen.rc[1]);
    assert_true(seen.size[0] > 1);
    assert_ok(seen.rc[2]);
    assert_true(seen.calls > 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_are_kept_apart_and_say_who_sent_them),
        cmocka_unit_test(on_sockets_that_block_only_the_task_waits),
        cmocka_unit_test(what_is_accepted_does_not_block_and_is_not_inherited),
        cmocka_unit_test(
            a_receiver_does_not_take_from_the_next_owner_of_its_number),
        cmocka_unit_test(the_next_owner_finds_its_direction_free),
        cmocka_unit_test(a_watch_whose_number_is_anothers_ends_with_a_report),
        cmocka_unit_test(all_but_files_can_be_watched),
    };

    return cmocka_run_group_tests_name("sock", tests, NULL, NULL);
}
