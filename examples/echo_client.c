/* A client tool that reads as if it blocked: send lines, print the answers.
 *
 *     $ ./echo_protocol --port 7000 &
 *     $ ./echo_client --host 127.0.0.1 --port 7000 hello "good night"
 *     hello
 *     good night
 */
#include <ouro/ouro.h>

#include <stdio.h>
#include <string.h>

static const char *const *messages;

static int
say(struct ouro_stream *stream, const char *message)
{
    struct ouro_slice parts[] = {ouro_slice_of(message, strlen(message)),
                                 OURO_BYTES("\n")};
    struct ouro_slice line;

    int rc = ouro_stream_writev(stream, parts, 2);
    if (rc < 0)
        return rc;
    ssize_t size = ouro_stream_read_line(stream, &line);
    if (size < 0)
        return (int)size;

    printf("%.*s", (int)line.size, (const char *)line.data);
    return size > 0 ? 0 : -OURO_EINCOMPLETE;
}

static int
talk(void *arg)
{
    struct ouro_connect_options *where = arg;
    struct ouro_report why;
    struct ouro_stream *stream;

    where->report = &why;
    int rc = ouro_open_connection(&stream, where);
    if (rc < 0) {
        fprintf(stderr, "echo_client: %s\n", why.text);
        return rc;
    }
    for (size_t i = 0; rc == 0 && messages[i] != NULL; i++)
        rc = say(stream, messages[i]);
    ouro_stream_free(stream);
    if (rc < 0)
        fprintf(stderr, "echo_client: %s\n", ouro_strerror(rc));
    return rc;
}

int
main(int argc, char **argv)
{
    static const char *const greeting[] = {"hello", NULL};
    struct ouro_connect_options where = {.host = "127.0.0.1",
                                         .service = "7000"};
    int i = 1;

    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--host") == 0)
            where.host = argv[i + 1];
        else if (strcmp(argv[i], "--port") == 0)
            where.service = argv[i + 1];
        else
            break;
    }
    if (i < argc && argv[i][0] == '-') {
        fprintf(stderr, "usage: echo_client [--host 127.0.0.1] [--port 7000] "
                        "[LINE...]\n");
        return 2;
    }
    messages = i < argc ? (const char *const *)&argv[i] : greeting;
    return ouro_run(talk, &where) < 0;
}
