/* What the examples do alike: say where they listen, and serve until a signal
 * comes.
 */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#include "arguments.h"

#include <errno.h>

/* Say `listening on HOST:PORT`, at once. */
static inline void
print_listening(struct ouro_address address)
{
    char text[OURO_ADDRESS_TEXT];

    printf("listening on %s\n", ouro_address_format(&address, text));
    fflush(stdout);
}

/* Say where it listens, and serve until the task is cancelled, which ouro_run()
 * does on SIGINT and SIGTERM.  Returns 0 then.  Frees the server. */
OURO_SUSPENDS static inline int
serve_until_signal(struct ouro_server *server)
{
    print_listening(ouro_server_address(server, 0));
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
