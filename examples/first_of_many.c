/* Ask three servers at once, and end the others when one has answered.
 *
 *     $ (sleep 2; echo slow) | nc -lN 127.0.0.1 7001 &
 *     $ echo fast | nc -lN 127.0.0.1 7002 &
 *     $ ./first_of_many 127.0.0.1:7001 127.0.0.1:7002 127.0.0.1:7003
 *     127.0.0.1:7003: Connection refused
 *     127.0.0.1:7002 was first: fast
 */
#include "common.h"

enum { RUNNERS = 3 };

struct runner {
    struct ouro_connect_options to;
    struct ouro_group *race;
    bool *won; /* by anybody */
};

static ssize_t
print_if_first(struct runner *runner, struct ouro_stream *stream)
{
    struct ouro_slice line;

    ssize_t size = ouro_stream_read_line(stream, &line);
    if (size <= 0 || *runner->won)
        return size;

    *runner->won = true;
    printf("%s:%s was first: %.*s", runner->to.host, runner->to.service,
           (int)line.size, (const char *)line.data);
    ouro_group_cancel(runner->race);
    return size;
}

/* Who fails is out, and that is no failure of the race. */
static int
run(void *arg)
{
    struct runner *runner = arg;
    struct ouro_stream *stream;
    ssize_t size = ouro_open_connection(&stream, &runner->to);

    if (size == 0) {
        size = print_if_first(runner, stream);
        ouro_stream_free(stream);
    }
    if (size < 0 && size != -ECANCELED)
        fprintf(stderr, "%s:%s: %s\n", runner->to.host, runner->to.service,
                ouro_strerror((int)size));
    return 0;
}

static int
race(void *arg)
{
    struct runner *runners = arg;
    struct ouro_group group;
    bool won = false;

    ouro_group_begin(&group);
    for (int i = 0; i < RUNNERS; i++) {
        runners[i].race = &group;
        runners[i].won = &won;
        ouro_group_create_task(&group, run, &runners[i]);
    }
    int rc = ouro_group_end(&group, 0);
    return rc < 0 || won ? rc : -ENODATA;
}

int
main(int argc, char **argv)
{
    struct runner runners[RUNNERS];

    for (int i = 0; argc == 1 + RUNNERS && i < RUNNERS; i++)
        runners[i].to = target_of(argv[1 + i]);
    if (argc != 1 + RUNNERS)
        fprintf(stderr, "usage: first_of_many HOST:PORT HOST:PORT HOST:PORT\n");
    return argc != 1 + RUNNERS || ouro_run(race, runners) < 0;
}
