/* SPDX-License-Identifier: MIT */
/* Sending a file through a plain socket.
 *
 * The offset is our own, so that what is sent does not depend on who moves the
 * position of the file meanwhile; at the end that is set behind what has left.
 */
#include "sock.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t
try_sendfile(struct ouro__sock_call *call)
{
    return call->engine->sockets->send_file(call->engine, call->fd, call->file,
                                            call->offset, call->vector.iov_len);
}

static int
check_file(int file, off_t offset)
{
    struct stat is;

    if (fstat(file, &is) < 0)
        return -errno;
    return S_ISREG(is.st_mode) && offset >= 0 ? 0 : -EINVAL;
}

static ssize_t
send_range(struct ouro__sock_call *call, size_t *sent)
{
    while (call->vector.iov_len > 0) {
        ssize_t size = ouro__sock_try(call, try_sendfile);
        if (size < 0)
            return size;
        if (size == 0)
            break;

        *sent += (size_t)size;
        call->offset += size;
        call->vector.iov_len -= (size_t)size;
        int rc = call->vector.iov_len > 0 ? ouro__sock_go_on(call) : 0;
        if (rc < 0)
            return rc;
    }
    return (ssize_t)*sent;
}

ssize_t
ouro_sock_sendfile(int fd, int file, off_t offset, size_t count,
                   size_t *out_sent)
{
    struct ouro__sock_call call = {
        .vector = {NULL, count},
        .file = file,
        .offset = offset,
    };
    size_t sent = 0;
    ssize_t result = ouro__sock_begin(&call, fd, OURO__SIDE_WRITE);

    if (result == 0) {
        result = check_file(file, offset);
        if (result == 0) {
            result = send_range(&call, &sent);
            if (sent > 0)
                (void)lseek(file, call.offset, SEEK_SET);
        }
        result = ouro__sock_end(&call, result);
    }
    if (out_sent != NULL)
        *out_sent = sent;
    return result;
}
