/* Fetch from two servers at once, in two seconds or not at all.
 *
 *     $ echo hello | nc -lN 127.0.0.1 7001 &
 *     $ echo good night | nc -lN 127.0.0.1 7002 &
 *     $ ./fetch_two 127.0.0.1:7001 127.0.0.1:7002
 *     127.0.0.1:7001: 6 bytes
 *     127.0.0.1:7002: 11 bytes
 */
#include "common.h"

struct job {
    struct ouro_connect_options from;
    size_t bytes;
};

static int
count_bytes(struct ouro_stream *stream, size_t *out_bytes)
{
    for (;;) {
        struct ouro_slice bytes;
        ssize_t size = ouro_stream_peek(stream, &bytes);
        if (size <= 0)
            return (int)size;

        *out_bytes += bytes.size;
        ouro_stream_consume(stream, bytes.size);
    }
}

static int
fetch(void *arg)
{
    struct job *job = arg;
    struct ouro_report why;
    struct ouro_stream *stream;

    job->from.report = &why;
    int rc = ouro_open_connection(&stream, &job->from);
    if (rc < 0 && rc != -ECANCELED)
        fprintf(stderr, "fetch_two: %s\n", why.text);
    if (rc < 0)
        return rc;
    rc = count_bytes(stream, &job->bytes);
    ouro_stream_free(stream);
    return rc;
}

static int
fetch_two(void *arg)
{
    struct job *jobs = arg;
    struct ouro_timeout limit;
    struct ouro_group group;

    ouro_timeout_begin(&limit, OURO_SECONDS(2));
    ouro_group_begin(&group);
    ouro_group_create_task(&group, fetch, &jobs[0]);
    ouro_group_create_task(&group, fetch, &jobs[1]);
    int rc = ouro_group_end(&group, 0);
    rc = (int)ouro_timeout_end(&limit, rc);

    for (int i = 0; rc == 0 && i < 2; i++)
        printf("%s:%s: %zu bytes\n", jobs[i].from.host, jobs[i].from.service,
               jobs[i].bytes);
    if (rc < 0)
        fprintf(stderr, "fetch_two: %s\n", ouro_strerror(rc));
    return rc;
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: fetch_two HOST:PORT HOST:PORT\n");
        return 2;
    }
    struct job jobs[] = {{.from = target_of(argv[1])},
                         {.from = target_of(argv[2])}};
    return ouro_run(fetch_two, jobs) < 0;
}
