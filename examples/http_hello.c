/* An HTTP server that says hello.
 *
 *     $ ./http_hello --port 8080
 *     listening on 127.0.0.1:8080
 *     $ curl http://127.0.0.1:8080/hello/Ada
 *     Hello, Ada!
 */
#include "common.h"

#include <ouro/http_server.h>

static int
say_hello(struct ouro_http_request *request, void *context)
{
    struct ouro_slice name = ouro_http_param(request, "name");
    char text[64];

    (void)context;
    snprintf(text, sizeof(text), "Hello, %.*s!\n", (int)name.size,
             (const char *)name.data);
    ouro_http_respond_text(request, 200, text);
    return 0;
}

static const struct ouro_http_route routes[] = {
    {.method = "GET", .pattern = "/hello/{name}", .handler = say_hello},
    {.pattern = NULL},
};

static int
serve(void *arg)
{
    struct ouro_http_server_options options = {
        .listen = *(struct ouro_server_options *)arg};
    struct ouro_http_server *server;
    struct ouro_report why;

    options.listen.report = &why;
    int rc = ouro_http_start_server(&server, routes, NULL, &options);
    if (rc < 0) {
        fprintf(stderr, "http_hello: %s\n", why.text);
        return rc;
    }
    print_listening(ouro_server_address(ouro_http_server_sockets(server), 0));
    rc = ouro_http_server_serve_forever(server);
    ouro_http_server_free(server);
    return rc == -ECANCELED ? 0 : rc;
}

int
main(int argc, char **argv)
{
    struct ouro_server_options where = {.host = "127.0.0.1", .service = "8080"};

    read_server_arguments(argc, argv, &where);
    return ouro_run(serve, &where) < 0;
}
