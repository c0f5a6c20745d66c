/* SPDX-License-Identifier: MIT */
/* Our HTTP server: hello, and the files of the directory it is started in.
 *
 * With --tasks the handlers are tasks, else callbacks.
 */
#include "peer.h"

#include <ouro/ouro.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

struct choice {
    struct ouro_http_server_options http;
    const struct ouro_http_route *routes;
    int root;
};

static int
hello(struct ouro_http_request *request, void *context)
{
    (void)context;

    ouro_http_respond(request, 200, "text/plain",
                      OURO_BYTES("Hello, world!\n"));
    return 0;
}

static int
file(struct ouro_http_request *request, void *context)
{
    struct choice *choice = context;

    return ouro_http_serve_file(request, choice->root,
                                ouro_http_param(request, "path"), NULL);
}

static const struct ouro_http_route with_callbacks[] = {
    {.method = "GET", .pattern = "/hello", .callback = hello},
    {.method = "GET", .pattern = "/files/{path...}", .callback = file},
    {.pattern = NULL},
};

static const struct ouro_http_route with_tasks[] = {
    {.method = "GET", .pattern = "/hello", .handler = hello},
    {.method = "GET", .pattern = "/files/{path...}", .handler = file},
    {.pattern = NULL},
};

static int
serve(void *arg)
{
    struct choice *choice = arg;
    struct ouro_http_server *server;

    int rc =
        ouro_http_start_server(&server, choice->routes, choice, &choice->http);
    if (rc < 0)
        return rc;

    peer_announce(choice->http.listen.ready.number);
    rc = ouro_http_server_serve_forever(server);
    ouro_http_server_free(server);
    return rc == -ECANCELED ? 0 : rc;
}

int
main(int argc, char **argv)
{
    struct choice choice = {.http.listen.backlog = PEER_BACKLOG};

    choice.routes =
        peer_take_flag(&argc, argv, "--tasks") ? with_tasks : with_callbacks;
    choice.root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (choice.root < 0) {
        perror(argv[0]);
        return 1;
    }
    choice.http.listen.ready.number = peer_listen(argc, argv);
    choice.http.listen.ready.given = true;

    return ouro_run(serve, &choice) < 0;
}
