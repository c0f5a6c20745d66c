/* SPDX-License-Identifier: MIT */
/* What the comparison servers share: their options, and where they listen. */
#include "peer.h"

#include "net.h"

#include <getopt.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
peer_take_flag(int *argc, char **argv, const char *flag)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], flag) != 0)
            continue;
        size_t rest = (size_t)(*argc - i);
        memmove(&argv[i], &argv[i + 1], rest * sizeof(argv[0]));
        (*argc)--;
        return true;
    }
    return false;
}

static void
parse(int argc, char **argv, const char **host, const char **port)
{
    static const struct option options[] = {
        {"host", required_argument, NULL, 'h'},
        {"port", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };

    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h')
            *host = optarg;
        else if (option == 'p')
            *port = optarg;
        else
            exit(2);
    }
    if (optind < argc) {
        fprintf(stderr, "%s: what is \"%s\"?\n", argv[0], argv[optind]);
        exit(2);
    }
}

int
peer_listen(int argc, char **argv)
{
    const char *host = "127.0.0.1";
    const char *port = "0";
    struct net_address address;

    parse(argc, argv, &host, &port);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)net_raise_fd_limit();
    int rc = net_resolve(&address, host, port);
    if (rc == 0)
        rc = net_listen(&address);
    if (rc < 0) {
        fprintf(stderr, "%s: cannot listen on %s:%s: %s\n", argv[0], host, port,
                strerror(-rc));
        exit(1);
    }
    return rc;
}

void
peer_announce(int listener)
{
    struct sockaddr_storage storage;
    struct sockaddr *address = (struct sockaddr *)&storage;
    socklen_t size = sizeof(storage);
    char host[NI_MAXHOST] = "?";
    char port[NI_MAXSERV] = "?";

    if (getsockname(listener, address, &size) == 0)
        (void)getnameinfo(address, size, host, sizeof(host), port, sizeof(port),
                          NI_NUMERICHOST | NI_NUMERICSERV);
    bool is_ipv6 = strchr(host, ':') != NULL;
    printf(is_ipv6 ? "listening on [%s]:%s\n" : "listening on %s:%s\n", host,
           port);
    (void)fflush(stdout);
}
