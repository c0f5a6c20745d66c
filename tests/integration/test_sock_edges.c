/* SPDX-License-Identifier: MIT */
/* Where plain sockets end: files through sockets that block, SIGPIPE, a process
 * without free descriptors, datagrams that nobody took.  Rows A1, A19 and A85
 * of the list of behaviours on the real engine. */
#include "world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILE_SIZE = 3000000, PATTERN = 4093 };

/* What a main task and its helpers saw. */
struct seen {
    int ends[2];
    FILE *file;
    ssize_t size[4];
    int rc[4];
    size_t sent;
    size_t wrong;
    size_t received;
    char text[16];
};

static int
run(ouro_task_fn *fn, struct seen *seen)
{
    return run_in_world("uring", fn, seen);
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

static int
settle(void)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < 5; i++)
        rc = ouro_sleep(0);
    return rc;
}

static void
close_both(const struct seen *seen)
{
    close(seen->ends[0]);
    close(seen->ends[1]);
}

/* Files. */

static uint8_t
byte_at(size_t place)
{
    return (uint8_t)(place % PATTERN * 31);
}

static FILE *
make_file(void)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    for (size_t i = 0; i < FILE_SIZE; i++)
        assert_int_not_equal(putc(byte_at(i), file), EOF);
    assert_int_equal(fflush(file), 0);
    return file;
}

static int
send_file(void *arg)
{
    struct seen *seen = arg;

    seen->size[0] = ouro_sock_sendfile(seen->ends[0], fileno(seen->file), 100,
                                       OURO_UNLIMITED, &seen->sent);
    shutdown(seen->ends[0], SHUT_WR);
    return 0;
}

/* The ends block, and have room for little. */
static int
send_through_little_room(void *arg)
{
    struct seen *seen = arg;
    const int little = 4096;
    uint8_t chunk[5000];
    ssize_t got;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, seen->ends) < 0)
        return -errno;
    setsockopt(seen->ends[0], SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
    struct ouro_task *sender = begin(send_file, seen);
    while ((got = ouro_sock_recv(seen->ends[1], chunk, sizeof(chunk))) > 0) {
        for (ssize_t i = 0; i < got; i++)
            seen->wrong += chunk[i] != byte_at(100 + seen->received++);
    }
    finish(sender);
    seen->rc[0] = fcntl(seen->ends[0], F_GETFL) & O_NONBLOCK;
    close_both(seen);
    return (int)got;
}

static void
a_socket_that_blocks_gets_the_file_in_copies(void **state)
{
    struct seen seen = {.file = make_file()};

    (void)state;
    assert_ok(run(send_through_little_room, &seen));

    assert_int_equal(seen.size[0], FILE_SIZE - 100);
    assert_int_equal(seen.sent, FILE_SIZE - 100);
    assert_int_equal(seen.received, FILE_SIZE - 100);
    assert_int_equal(seen.wrong, 0);
    assert_int_equal(seen.rc[0], 0);
    assert_int_equal(lseek(fileno(seen.file), 0, SEEK_CUR), FILE_SIZE);
    assert_int_equal(fclose(seen.file), 0);
}

/* SIGPIPE. */

static bool
is_pending(int number)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, number) == 1;
}

static int
block_sigpipe(int how)
{
    sigset_t pipe;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    return pthread_sigmask(how, &pipe, NULL);
}

/* To nobody, with sendfile(2), which takes no MSG_NOSIGNAL. */
static int
send_file_to_nobody(void *arg)
{
    struct seen *seen = arg;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, seen->ends) < 0)
        return -errno;
    close(seen->ends[1]);
    seen->size[0] =
        ouro_sock_sendfile(seen->ends[0], fileno(seen->file), 0, 10, NULL);
    seen->rc[0] = is_pending(SIGPIPE);
    block_sigpipe(SIG_BLOCK);
    seen->size[1] =
        ouro_sock_sendfile(seen->ends[0], fileno(seen->file), 0, 10, NULL);
    seen->rc[1] = is_pending(SIGPIPE);
    (void)raise(SIGPIPE);
    seen->size[2] =
        ouro_sock_sendfile(seen->ends[0], fileno(seen->file), 0, 10, NULL);
    seen->rc[2] = is_pending(SIGPIPE);
    close(seen->ends[0]);
    return 0;
}

static void
no_sigpipe_comes_and_one_that_was_pending_stays(void **state)
{
    struct seen seen = {.file = make_file()};
    struct timespec now = {0};
    sigset_t pipe;

    (void)state;
    assert_ok(run(send_file_to_nobody, &seen));
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    (void)sigtimedwait(&pipe, NULL, &now);
    assert_ok(block_sigpipe(SIG_UNBLOCK));

    for (size_t i = 0; i < 3; i++)
        assert_err(seen.size[i], EPIPE);
    assert_int_equal(seen.rc[0], false);
    assert_int_equal(seen.rc[1], false);
    assert_int_equal(seen.rc[2], true);
    assert_int_equal(fclose(seen.file), 0);
}

/* No descriptor left. */

static int
listen_here(struct ouro_address *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address->size = sizeof(address->of);
    if (listen(fd, 5) < 0
        || getsockname(fd, &address->of.any, &address->size) < 0)
        return -errno;
    return fd;
}

static int
accept_without_descriptors(void *arg)
{
    struct seen *seen = arg;
    struct ouro_address address;
    struct rlimit before;

    seen->ends[0] = listen_here(&address);
    seen->ends[1] = socket(AF_INET, SOCK_STREAM, 0);
    int rc = ouro_sock_connect(seen->ends[1], &address);
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit none = {
        .rlim_cur = (rlim_t)dup(0),
        .rlim_max = before.rlim_max,
    };
    close((int)none.rlim_cur);
    setrlimit(RLIMIT_NOFILE, &none);
    seen->rc[0] = ouro_sock_accept(seen->ends[0], NULL);
    seen->rc[1] = ouro_sock_accept(seen->ends[0], NULL);
    setrlimit(RLIMIT_NOFILE, &before);
    seen->rc[2] = ouro_sock_accept(seen->ends[0], NULL);
    seen->size[0] = ouro_sock_send(seen->ends[1], OURO_BYTES("hi"));
    seen->size[1] = ouro_sock_recv(seen->rc[2], seen->text, 16);
    close(seen->rc[2]);
    close_both(seen);
    return rc;
}

static void
without_descriptors_the_connection_waits(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run(accept_without_descriptors, &seen));

    assert_err(seen.rc[0], EMFILE);
    assert_err(seen.rc[1], EMFILE);
    assert_true(seen.rc[2] >= 0);
    assert_int_equal(seen.size[1], 2);
    assert_string_equal(seen.text, "hi");
}

/* Datagrams. */

static int
receive_datagram(void *arg)
{
    struct seen *seen = arg;

    return (int)ouro_sock_recvfrom(seen->ends[1], seen->text, 16, NULL);
}

static int
cancel_receives_of_datagrams(void *arg)
{
    struct seen *seen = arg;
    int rc = 0;

    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, seen->ends) < 0)
        return -errno;
    for (int i = 0; rc >= 0 && i < 1000; i++) {
        struct ouro_task *receiver = begin(receive_datagram, seen);

        for (int turn = i % 3; rc >= 0 && turn > 0; turn--)
            rc = ouro_sleep(0);
        if (i % 2 == 0)
            ouro_task_cancel(receiver);
        seen->sent += ouro_sock_send(seen->ends[0], OURO_BYTES("one")) == 3;
        ouro_task_cancel(receiver);
        int size = finish(receiver);
        seen->wrong += size == -ECANCELED;
        if (size == -ECANCELED)
            size = receive_datagram(seen);
        seen->received += size == 3;
    }
    close_both(seen);
    return rc;
}

static void
no_cancelled_receive_loses_a_datagram(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run(cancel_receives_of_datagrams, &seen));

    assert_int_equal(seen.sent, 1000);
    assert_int_equal(seen.received, 1000);
    assert_true(seen.wrong > 100);
}

/* Who is one direction with whom. */

static int
accept_one(void *arg)
{
    struct seen *seen = arg;

    return ouro_sock_accept(seen->ends[0], NULL);
}

static int
receive_beside_an_accept(void *arg)
{
    struct seen *seen = arg;
    struct ouro_address address;
    char byte;

    seen->ends[0] = listen_here(&address);
    struct ouro_task *acceptor = begin(accept_one, seen);
    int rc = settle();
    seen->rc[0] = ouro_sock_accept(seen->ends[0], NULL);
    seen->size[0] = ouro_sock_recv(seen->ends[0], &byte, 1);
    seen->size[1] = ouro_sock_recv_exactly(seen->ends[0], &byte, 1, NULL);
    seen->size[2] = ouro_sock_recvfrom(seen->ends[0], &byte, 1, NULL);
    seen->size[3] = ouro_sock_send(seen->ends[0], OURO_BYTES("x"));
    ouro_task_cancel(acceptor);
    seen->rc[1] = finish(acceptor);
    close(seen->ends[0]);
    return rc;
}

static void
two_who_receive_are_an_error_whatever_they_call(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run(receive_beside_an_accept, &seen));

    assert_err(seen.rc[0], EBUSY);
    for (size_t i = 0; i < 3; i++)
        assert_err(seen.size[i], EBUSY);
    assert_err(seen.size[3], EPIPE);
    assert_err(seen.rc[1], ECANCELED);
}

/* A85: what is always ready. */

static void
never_called(void *arg)
{
    (void)arg;
}

static int
watch_files(void *arg)
{
    struct seen *seen = arg;
    struct ouro_loop *loop = ouro_get_running_loop();
    struct ouro_watch watch = {0};
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int file = fileno(seen->file);

    seen->rc[0] = ouro_add_reader(loop, &watch, file, never_called, seen);
    seen->rc[1] = ouro_add_writer(loop, &watch, file, never_called, seen);
    seen->rc[2] = ouro_add_reader(loop, &watch, folder, never_called, seen);
    seen->rc[3] = ouro_watch_remove(&watch);
    close(folder);
    return 0;
}

static void
files_and_directories_are_refused(void **state)
{
    struct seen seen = {.file = make_file()};

    (void)state;
    assert_ok(run(watch_files, &seen));

    for (size_t i = 0; i < 3; i++)
        assert_err(seen.rc[i], EPERM);
    assert_int_equal(seen.rc[3], false);
    assert_int_equal(fclose(seen.file), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_that_blocks_gets_the_file_in_copies),
        cmocka_unit_test(no_sigpipe_comes_and_one_that_was_pending_stays),
        cmocka_unit_test(without_descriptors_the_connection_waits),
        cmocka_unit_test(no_cancelled_receive_loses_a_datagram),
        cmocka_unit_test(two_who_receive_are_an_error_whatever_they_call),
        cmocka_unit_test(files_and_directories_are_refused),
    };

    return cmocka_run_group_tests_name("sock_edges", tests, NULL, NULL);
}
