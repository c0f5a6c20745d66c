/* SPDX-License-Identifier: MIT */
/* The control: HTTP on raw epoll, with our parser and nothing else of ours.
 *
 * It says hello, and serves the files of the directory it is started in, with
 * open, fstat, sendfile and close.  Level-triggered, one thread, one buffer for
 * what comes and one for what leaves: a request costs one recv, one send and
 * its share of an epoll_wait, and requests that come together share all three.
 *
 * What may happen instead:
 *
 * - A request is not whole: its part is copied aside until more has come.
 * - The client reads slowly, and send or sendfile takes a part: what is left is
 *   copied aside, or keeps its file; the requests behind it are copied aside,
 *   too, and the connection waits to write instead of to read.
 * - A request is not understood: the connection is closed.
 *
 * It has no timeouts, no limits but the buffer, no methods but GET: a server
 * for others has more to do.
 */
#include "peer.h"

#include <ouro/http1_parser.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_WAIT = 512, HEAD_ROOM = 256, NAME_ROOM = 256 };

/* Bytes copied aside. */
struct rest {
    char *bytes;
    size_t size;
};

struct connection {
    int fd;
    int file;           /* what is sent after `output`; -1: none */
    size_t file_left;   /* of it */
    struct rest input;  /* requests that were not answered yet */
    struct rest output; /* answers that send did not take */
    bool writes;        /* it waits to write */
    bool ends;          /* when all is sent */
};

static struct {
    int epoll;
    int listener;
    time_t date_at;
    char date[32];
    size_t out_size; /* of the answers in `out` */
    char in[PEER_BUFFER_SIZE];
    char out[PEER_BUFFER_SIZE];
} server;

static int
watch(int operation, int fd, uint32_t events, void *who)
{
    struct epoll_event event = {.events = events, .data.ptr = who};

    return epoll_ctl(server.epoll, operation, fd, &event) < 0 ? -errno : 0;
}

static int
keep(struct rest *rest, const char *bytes, size_t size)
{
    char *copy = size > 0 ? malloc(size) : NULL;

    if (size > 0 && copy == NULL)
        return -ENOMEM;
    if (size > 0)
        memcpy(copy, bytes, size);
    free(rest->bytes);
    rest->bytes = copy;
    rest->size = size;
    return 0;
}

static void
connection_close(struct connection *connection)
{
    close(connection->fd);
    if (connection->file >= 0)
        close(connection->file);
    free(connection->input.bytes);
    free(connection->output.bytes);
    free(connection);
}

/* Whether answers wait to be taken. */
static bool
is_blocked(const struct connection *connection)
{
    return connection->output.size > 0 || connection->file >= 0;
}

/* Sending. */

/* What send takes of `size` bytes; negative: the connection is gone. */
static ssize_t
send_some(int fd, const char *bytes, size_t size, int flags)
{
    ssize_t sent = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL | flags);

    if (sent < 0)
        return errno == EAGAIN ? 0 : -errno;
    return sent;
}

/* Send the answers in the buffer; keep what does not go. */
static int
flush(struct connection *connection, int flags)
{
    if (server.out_size == 0)
        return 0;
    ssize_t sent =
        send_some(connection->fd, server.out, server.out_size, flags);
    size_t size = server.out_size;

    server.out_size = 0;
    if (sent < 0)
        return (int)sent;
    return keep(&connection->output, server.out + sent, size - (size_t)sent);
}

static int
send_file(struct connection *connection)
{
    while (connection->file_left > 0) {
        ssize_t sent = sendfile(connection->fd, connection->file, NULL,
                                connection->file_left);
        if (sent < 0 && errno == EAGAIN)
            return 0;
        if (sent <= 0)
            return sent < 0 ? -errno : -EIO;
        connection->file_left -= (size_t)sent;
    }
    close(connection->file);
    connection->file = -1;
    return 0;
}

/* Answers. */

static const char *
date_now(void)
{
    time_t now = time(NULL);
    struct tm parts;

    if (now != server.date_at) {
        server.date_at = now;
        strftime(server.date, sizeof(server.date), "%a, %d %b %Y %H:%M:%S GMT",
                 gmtime_r(&now, &parts));
    }
    return server.date;
}

static void
put_answer(const char *status, const char *type, size_t size, const char *body)
{
    int head = snprintf(server.out + server.out_size, HEAD_ROOM,
                        "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: %s\r\n"
                        "Content-Length: %zu\r\n\r\n%s",
                        status, date_now(), type, size, body);
    server.out_size += (size_t)head;
}

/* Names only, so that nothing leads out of the directory. */
static int
open_file(struct ouro_slice name)
{
    char text[NAME_ROOM];

    if (name.size >= sizeof(text) || memchr(name.data, '/', name.size) != NULL)
        return -1;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    return open(text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static int
answer_with_file(struct connection *connection, struct ouro_slice name)
{
    int file = open_file(name);
    struct stat about;

    if (file < 0 || fstat(file, &about) < 0 || !S_ISREG(about.st_mode)) {
        if (file >= 0)
            close(file);
        put_answer("404 Not Found", "text/plain", 10, "Not Found\n");
        return 0;
    }
    put_answer("200 OK", "application/octet-stream", (size_t)about.st_size, "");
    connection->file = file;
    connection->file_left = (size_t)about.st_size;
    int rc = flush(connection, MSG_MORE);
    if (rc < 0 || connection->output.size > 0)
        return rc;
    return send_file(connection);
}

static int
answer(struct connection *connection, struct ouro_slice path)
{
    const struct ouro_slice files = OURO_BYTES("/files/");

    if (path.size == 6 && memcmp(path.data, "/hello", 6) == 0)
        put_answer("200 OK", "text/plain", 14, "Hello, world!\n");
    else if (path.size > files.size
             && memcmp(path.data, files.data, files.size) == 0)
        return answer_with_file(
            connection,
            ouro_slice_of(path.data + files.size, path.size - files.size));
    else
        put_answer("404 Not Found", "text/plain", 10, "Not Found\n");
    if (server.out_size > sizeof(server.out) - HEAD_ROOM)
        return flush(connection, 0);
    return 0;
}

/* Answer the requests in `bytes`, and keep what is left of them. */
static int
answer_all(struct connection *connection, struct ouro_slice bytes)
{
    static struct ouro_http1_field fields[OURO_HTTP1_FIELDS];
    struct ouro_http1_head head;
    int rc = 0;

    while (rc == 0 && bytes.size > 0 && !connection->ends
           && !is_blocked(connection)) {
        ouro_http1_head_init(&head, fields, OURO_HTTP1_FIELDS);
        ssize_t size = ouro_http1_read_request(&head, bytes, NULL);
        if (size < 0)
            return (int)size;
        if (size == 0)
            break;
        rc = answer(connection, head.path);
        connection->ends = !head.keep_alive;
        bytes = ouro_slice_of(bytes.data + size, bytes.size - (size_t)size);
    }
    if (rc == 0)
        rc = flush(connection, 0);
    if (rc == 0 && (bytes.size > 0 || connection->input.size > 0))
        rc = keep(&connection->input, (const char *)bytes.data, bytes.size);
    return rc;
}

/* Events. */

/* Wait for what it needs next.  Negative: nothing. */
static int
settle(struct connection *connection)
{
    bool writes = is_blocked(connection);

    if (connection->ends && !writes)
        return -ECONNRESET;
    if (writes == connection->writes)
        return 0;
    connection->writes = writes;
    return watch(EPOLL_CTL_MOD, connection->fd, writes ? EPOLLOUT : EPOLLIN,
                 connection);
}

static int
on_readable(struct connection *connection)
{
    size_t kept = connection->input.size;

    if (kept >= sizeof(server.in))
        return -EMSGSIZE;
    if (kept > 0)
        memcpy(server.in, connection->input.bytes, kept);
    ssize_t size = recv(connection->fd, server.in + kept,
                        sizeof(server.in) - kept, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN)
        return 0;
    if (size <= 0)
        return -ECONNRESET;
    return answer_all(connection,
                      ouro_slice_of(server.in, kept + (size_t)size));
}

static int
on_writable(struct connection *connection)
{
    struct rest *rest = &connection->output;

    if (rest->size > 0) {
        ssize_t sent = send_some(connection->fd, rest->bytes, rest->size,
                                 connection->file >= 0 ? MSG_MORE : 0);
        if (sent < 0)
            return (int)sent;
        rest->size -= (size_t)sent;
        memmove(rest->bytes, rest->bytes + sent, rest->size);
        if (rest->size > 0)
            return 0;
    }
    int rc = connection->file >= 0 ? send_file(connection) : 0;
    if (rc < 0 || is_blocked(connection) || connection->input.size == 0)
        return rc;

    size_t size = connection->input.size;
    memcpy(server.in, connection->input.bytes, size);
    return answer_all(connection, ouro_slice_of(server.in, size));
}

static void
on_acceptable(void)
{
    int fd;

    while ((fd = accept4(server.listener, NULL, NULL,
                         SOCK_NONBLOCK | SOCK_CLOEXEC))
           >= 0) {
        struct connection *connection = calloc(1, sizeof(*connection));

        if (connection == NULL) {
            close(fd);
            continue;
        }
        connection->fd = fd;
        connection->file = -1;
        if (watch(EPOLL_CTL_ADD, fd, EPOLLIN, connection) < 0)
            connection_close(connection);
    }
}

/* Returns when a signal asks for the end. */
static void
serve(void)
{
    static struct epoll_event events[EVENTS_PER_WAIT];

    for (;;) {
        int count = epoll_wait(server.epoll, events, EVENTS_PER_WAIT, -1);
        for (int i = 0; i < count; i++) {
            struct connection *who = events[i].data.ptr;

            if (who == NULL)
                return;
            if ((void *)who == &server.listener) {
                on_acceptable();
                continue;
            }
            int rc = who->writes ? on_writable(who) : on_readable(who);
            if (rc < 0 || settle(who) < 0)
                connection_close(who);
        }
    }
}

static int
end_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

int
main(int argc, char **argv)
{
    server.listener = peer_listen(argc, argv);
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    int signals = end_signals();
    if (server.epoll < 0 || signals < 0
        || watch(EPOLL_CTL_ADD, signals, EPOLLIN, NULL) < 0
        || watch(EPOLL_CTL_ADD, server.listener, EPOLLIN, &server.listener)
               < 0) {
        perror(argv[0]);
        return 1;
    }
    peer_announce(server.listener);
    serve();
    return 0;
}
