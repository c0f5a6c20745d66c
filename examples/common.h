/* What the examples do alike: read their arguments, say where they listen, and
 * serve until a signal comes.
 */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#include <ouro/ouro.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of `--name VALUE` among the arguments, or `otherwise`. */
static inline const char *
argument(int argc, char **argv, const char *name, const char *otherwise)
{
    for (int i = 1; i < argc; i += 2) {
        if (strncmp(argv[i], "--", 2) != 0 || i + 1 == argc) {
            fprintf(stderr, "%s: %s wants --name VALUE\n", argv[0], argv[i]);
            exit(2);
        }
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    }
    return otherwise;
}

/* HOST:PORT, cut in two at its last colon.  Stops the program without one. */
static inline struct ouro_connect_options
target_of(char *host_and_port)
{
    char *colon = strrchr(host_and_port, ':');

    if (colon == NULL) {
        fprintf(stderr, "'%s' is not HOST:PORT\n", host_and_port);
        exit(2);
    }
    *colon = '\0';
    return (struct ouro_connect_options){
        .host = host_and_port,
        .service = colon + 1,
    };
}

/* Print `listening on HOST:PORT`, and serve until the task is cancelled, which
 * ouro_run() does on SIGINT and SIGTERM.  Returns 0 then.  Frees the server. */
OURO_SUSPENDS static inline int
serve_until_signal(struct ouro_server *server)
{
    struct ouro_address address = ouro_server_address(server, 0);
    char text[OURO_ADDRESS_TEXT];

    printf("listening on %s\n", ouro_address_format(&address, text));
    fflush(stdout);

    int rc = ouro_server_serve_forever(server);
    ouro_server_free(server);
    return rc == -ECANCELED ? 0 : rc;
}

/* A server of streams from its beginning to the signal; see echo_stream.c. */
OURO_SUSPENDS static inline int
serve_streams(ouro_client_connected_fn *client_connected,
              struct ouro_server_options *where)
{
    struct ouro_server *server;
    struct ouro_report why;

    where->report = &why;
    int rc = ouro_start_server(&server, client_connected, NULL, where);
    if (rc < 0) {
        fprintf(stderr, "%s\n", why.text);
        return rc;
    }
    return serve_until_signal(server);
}

#endif
