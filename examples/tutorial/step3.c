/* Step 3: a server that says each line back, with a task for each client.
 *
 *     $ ./step3 7000 &
 *     listening on 127.0.0.1:7000
 *     $ nc 127.0.0.1 7000
 */
#include <ouro/ouro.h>

#include <stdio.h>

static int
talk(struct ouro_stream *stream, void *context)
{
    struct ouro_slice line;
    ssize_t size;

    (void)context;

    while ((size = ouro_stream_read_line(stream, &line)) > 0) {
        int rc = ouro_stream_write(stream, line);
        if (rc < 0)
            return rc;
    }
    return (int)size;
}

static void
say_where(const struct ouro_server *server)
{
    struct ouro_address address = ouro_server_address(server, 0);
    char text[OURO_ADDRESS_TEXT];

    printf("listening on %s\n", ouro_address_format(&address, text));
    fflush(stdout);
}

static int
chat(void *port)
{
    struct ouro_report why;
    const struct ouro_server_options options = {
        .host = "127.0.0.1",
        .service = port,
        .report = &why,
    };
    struct ouro_server *server;

    int rc = ouro_start_server(&server, talk, NULL, &options);
    if (rc < 0) {
        fprintf(stderr, "%s\n", why.text);
        return rc;
    }
    say_where(server);
    rc = ouro_server_serve_forever(server);
    ouro_server_free(server);
    return rc;
}

int
main(int argc, char **argv)
{
    return ouro_run(chat, argc > 1 ? argv[1] : NULL) < 0;
}
