/* An echo server for datagrams on a plain socket; a signal asks how it goes.
 *
 *     $ ./udp_echo --port 7000 &
 *     $ echo hello | nc -u -w 1 127.0.0.1 7000
 *     hello
 *     $ kill -USR1 %1
 *     echoed 1 datagrams
 */
#include "common.h"

#include <signal.h>

static unsigned long echoed;

/* The loop calls it, so it may do what a signal handler may not. */
static void
tell(void *arg)
{
    (void)arg;
    printf("echoed %lu datagrams\n", echoed);
    fflush(stdout);
}

/* Until ouro_run() cancels it, on SIGINT and SIGTERM. */
static int
echo(int fd)
{
    static char bytes[65536]; /* too much for the stack of a task */
    struct ouro_address from;

    for (;;) {
        ssize_t size = ouro_sock_recvfrom(fd, bytes, sizeof(bytes), &from);
        if (size >= 0)
            size =
                ouro_sock_sendto(fd, ouro_slice_of(bytes, (size_t)size), &from);
        if (size == -ECANCELED)
            return 0;
        /* One that cannot be answered is not the end of the others. */
        if (size < 0)
            fprintf(stderr, "udp_echo: %s\n", ouro_strerror((int)size));
        else
            echoed++;
    }
}

static int
serve(void *arg)
{
    const struct ouro_server_options *where = arg;
    struct ouro_signal_handler handler = {0};
    struct ouro_address here = {.of.any.sa_family = AF_INET};
    int rc = (int)ouro_getaddrinfo(&here, 1, where->host, where->service, 0);
    int fd = socket(here.of.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (rc >= 0)
        rc = bind(fd, &here.of.any, here.size) < 0 ? -errno : 0;
    if (rc >= 0)
        rc = ouro_add_signal_handler(ouro_get_running_loop(), &handler, SIGUSR1,
                                     tell, NULL);
    if (rc < 0) {
        fprintf(stderr, "udp_echo: cannot listen on %s:%s: %s\n", where->host,
                where->service, ouro_strerror(rc));
    } else {
        getsockname(fd, &here.of.any, &here.size);
        print_listening(here);
        rc = echo(fd);
        ouro_remove_signal_handler(&handler);
    }
    ouro_sock_close(fd);
    return rc;
}

int
main(int argc, char **argv)
{
    struct ouro_server_options where = {.host = "127.0.0.1", .service = "7000"};

    read_server_arguments(argc, argv, &where);
    return ouro_run(serve, &where) < 0;
}
