/* SPDX-License-Identifier: MIT */
/* How a file gets into a socket: by sendfile(2), or by reading and sending.
 *
 * sendfile(2) knows no flags: it would wait where the socket is a blocking one,
 * and raises SIGPIPE where the peer is gone.  So a blocking socket gets copies,
 * and the signal is masked meanwhile and taken away if it was ours.
 */
#include "alloc.h"
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

/* So much at once; more would keep others waiting. */
enum { COPY_SIZE = 64 * 1024, MOST_SIZE = 256 * 1024 };

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static ssize_t
read_and_send(struct ouro__engine *engine, int fd, int file, off_t offset,
              void *memory, size_t size)
{
    ssize_t got;

    do
        got = pread(file, memory, size, offset);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got < 0 ? -errno : 0;

    struct iovec vector = {.iov_base = memory, .iov_len = (size_t)got};
    return engine->sockets->send(engine, fd, &vector, 1);
}

ssize_t
ouro__copy_file(struct ouro__engine *engine, int fd, int file, off_t offset,
                size_t size)
{
    size_t most = smaller(size, COPY_SIZE);
    void *memory = ouro__alloc(most);

    if (memory == NULL)
        return -ENOMEM;
    ssize_t sent = read_and_send(engine, fd, file, offset, memory, most);
    ouro__free(memory);
    return sent;
}

/* One that was pending before is not ours to take.  Who does not mask it has
 * none. */
static bool
is_pending(int number)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, number) == 1;
}

static ssize_t
sendfile_quietly(int fd, int file, off_t offset, size_t size)
{
    static const struct timespec now;
    sigset_t pipe;
    sigset_t before;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, &before);
    bool was_masked = sigismember(&before, SIGPIPE) == 1;
    bool was_pending = was_masked && is_pending(SIGPIPE);

    ssize_t sent = sendfile(fd, file, &offset, size);
    if (sent < 0)
        sent = -errno;
    if (sent == -EPIPE && !was_pending)
        (void)sigtimedwait(&pipe, NULL, &now);
    if (!was_masked)
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sent;
}

/* Not every file system has what sendfile(2) needs. */
static bool
is_unable(ssize_t sent)
{
    return sent == -EINVAL || sent == -ENOSYS || sent == -EOVERFLOW;
}

ssize_t
ouro__kernel_send_file(struct ouro__engine *engine, int fd, int file,
                       off_t offset, size_t size)
{
    int flags = fcntl(fd, F_GETFL);
    ssize_t sent = -ENOSYS;

    if (flags < 0)
        return -errno;
    if ((flags & O_NONBLOCK) != 0) {
        do
            sent = sendfile_quietly(fd, file, offset, smaller(size, MOST_SIZE));
        while (sent == -EINTR);
    }
    if (is_unable(sent))
        return ouro__copy_file(engine, fd, file, offset, size);
    return sent;
}
