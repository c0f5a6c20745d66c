/* SPDX-License-Identifier: MIT */
/* What a connection and a task cost in user memory, as a table.
 *
 *     $ build/release/bench/memory
 *     $ build/release/bench/memory --million
 *
 * Two figures each: what the library asked its allocator for, and by how much
 * the program has grown, which counts stacks too, and whole pages.  The clients
 * are another process, so as many connections are made as it has descriptors.
 */
#include "net.h"

#include <ouro/ouro.h>

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WARM_COUNT = 100, /* connections before the first reading */
    SPARE_FDS = 100,  /* descriptors that are for something else */
    SOME_TASKS = 10000,
    MILLION = 1000000,
    MILLION_NEEDS_MB = 6000
};

/* Counting */

static atomic_size_t asked_bytes;

static void *
count_and_alloc(size_t size, void *context)
{
    void *memory = malloc(size);

    (void)context;
    if (memory != NULL)
        atomic_fetch_add(&asked_bytes, malloc_usable_size(memory));
    return memory;
}

static void
count_and_free(void *memory, void *context)
{
    (void)context;
    atomic_fetch_sub(&asked_bytes, malloc_usable_size(memory));
    free(memory);
}

struct reading {
    double asked;
    double resident;
};

static struct reading
take_reading(void)
{
    struct reading reading = {.asked = (double)asked_bytes};
    FILE *statm = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (statm == NULL || fscanf(statm, "%*s %ld", &pages) != 1)
        pages = 0;
    if (statm != NULL)
        fclose(statm);
    reading.resident = (double)pages * (double)sysconf(_SC_PAGESIZE);
    return reading;
}

static void
print_growth(const char *what, struct reading before, struct reading after,
             size_t count)
{
    printf("| %s | %zu | %.0f | %.0f |\n", what, count,
           (after.asked - before.asked) / (double)count,
           (after.resident - before.resident) / (double)count);
    fflush(stdout);
}

static void
check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "memory: %s: %s\n", what, ouro_strerror(rc));
    exit(EXIT_FAILURE);
}

/* Clients */

struct clients {
    pid_t pid;
    int tell; /* a port, then a byte: connect the rest; its end: go away */
    size_t count;
};

static void
connect_some(const struct net_address *address, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(net_connect(address), "connect");
}

static void
be_clients(int hear, size_t count)
{
    struct net_address address;
    uint16_t port;
    char text[8];

    if (read(hear, &port, sizeof(port)) != sizeof(port))
        _exit(EXIT_FAILURE);
    snprintf(text, sizeof(text), "%u", (unsigned)port);
    check(net_resolve(&address, "127.0.0.1", text), "resolve");

    connect_some(&address, WARM_COUNT);
    if (read(hear, text, 1) == 1)
        connect_some(&address, count - WARM_COUNT);
    while (read(hear, text, 1) > 0)
        continue;
    _exit(EXIT_SUCCESS);
}

static void
start_clients(struct clients *clients)
{
    int ends[2];

    clients->count = net_raise_fd_limit() - SPARE_FDS;
    check(pipe(ends) < 0 ? -errno : 0, "pipe");
    clients->pid = fork();
    check(clients->pid < 0 ? -errno : 0, "fork");
    if (clients->pid == 0) {
        close(ends[1]);
        be_clients(ends[0], clients->count);
    }
    close(ends[0]);
    clients->tell = ends[1];
}

static void
tell_clients(const struct clients *clients, const void *words, size_t size)
{
    check(write(clients->tell, words, size) < 0 ? -errno : 0, "tell");
}

static void
wait_for_connections(const struct ouro_server *server, size_t count)
{
    while (ouro_server_connection_count(server) < count)
        check(ouro_sleep(OURO_MILLISECONDS(1)), "sleep");
    check(ouro_sleep(OURO_MILLISECONDS(100)), "sleep");
}

static void
measure_connections(const char *what, struct ouro_server *server,
                    const struct clients *clients)
{
    struct ouro_address address = ouro_server_address(server, 0);
    uint16_t port = ouro_address_port(&address);

    tell_clients(clients, &port, sizeof(port));
    wait_for_connections(server, WARM_COUNT);
    struct reading before = take_reading();
    tell_clients(clients, "", 1);
    wait_for_connections(server, clients->count);
    print_growth(what, before, take_reading(), clients->count - WARM_COUNT);

    close(clients->tell);
    waitpid(clients->pid, NULL, 0);
    check(ouro_server_stop(server, OURO_SECONDS(10)), "stop");
    ouro_server_free(server);
}

/* Servers */

static const struct ouro_server_options where = {
    .host = "127.0.0.1",
    .backlog = 4096,
};

static void
drop(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)self;
    (void)data;
}

static const struct ouro_protocol_ops idle_ops = {
    .size = sizeof(struct ouro_protocol),
    .data_received = drop,
};

static int
measure_protocol(void *arg)
{
    struct ouro_server *server;

    check(ouro_create_server(&server, &idle_ops, NULL, &where), "server");
    measure_connections("idle protocol connection", server, arg);
    return 0;
}

static int
read_once(struct ouro_stream *stream, void *context)
{
    uint8_t bytes[64];

    (void)context;
    return (int)ouro_stream_read(stream, bytes, sizeof(bytes));
}

static int
measure_stream(void *arg)
{
    struct ouro_server *server;

    check(ouro_start_server(&server, read_once, NULL, &where), "server");
    measure_connections("parked stream connection", server, arg);
    return 0;
}

/* Tasks */

static int
sleep_long(void *arg)
{
    (void)arg;
    return ouro_sleep(OURO_SECONDS(3600));
}

static int
measure_tasks(void *arg)
{
    size_t count = *(size_t *)arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    check(ouro_group_create_task(&group, sleep_long, NULL), "a task");
    check(ouro_sleep(0), "sleep");
    struct reading before = take_reading();
    for (size_t i = 0; i < count; i++)
        check(ouro_group_create_task(&group, sleep_long, NULL), "a task");
    check(ouro_sleep(0), "sleep");
    print_growth("sleeping task", before, take_reading(), count);

    ouro_group_cancel(&group);
    check(ouro_group_end(&group, 0), "group");
    return 0;
}

/* All of it */

/* In a process of its own, so that none finds the memory of another. */
static void
run_apart(ouro_task_fn *fn, bool wants_clients, size_t count)
{
    struct clients clients = {0};
    int status;

    pid_t pid = fork();
    check(pid < 0 ? -errno : 0, "fork");
    if (pid == 0) {
        if (wants_clients)
            start_clients(&clients);
        int rc = ouro_run(fn, wants_clients ? (void *)&clients : &count);

        check(rc, "run");
        _exit(EXIT_SUCCESS);
    }
    if (waitpid(pid, &status, 0) < 0 || status != 0)
        exit(EXIT_FAILURE);
}

static long
available_megabytes(void)
{
    FILE *meminfo = fopen("/proc/meminfo", "r");
    char line[128];
    long kilobytes = 0;

    while (meminfo != NULL && fgets(line, sizeof(line), meminfo) != NULL)
        if (sscanf(line, "MemAvailable: %ld", &kilobytes) == 1)
            break;
    if (meminfo != NULL)
        fclose(meminfo);
    return kilobytes / 1024;
}

static void
run_million(void)
{
    if (available_megabytes() >= MILLION_NEEDS_MB)
        run_apart(measure_tasks, false, MILLION);
    else
        printf("| sleeping task | skipped: a million needs %d MB | | |\n",
               MILLION_NEEDS_MB);
}

int
main(int argc, char **argv)
{
    static const struct ouro_allocator counting = {
        .alloc = count_and_alloc,
        .free = count_and_free,
    };

    ouro_set_allocator(&counting);
    printf(
        "| what | how many | bytes allocated, each | bytes resident, each |\n"
        "| --- | --- | --- | --- |\n");
    fflush(stdout);
    run_apart(measure_protocol, true, 0);
    run_apart(measure_stream, true, 0);
    run_apart(measure_tasks, false, SOME_TASKS);
    if (argc > 1 && strcmp(argv[1], "--million") == 0)
        run_million();
    return EXIT_SUCCESS;
}
