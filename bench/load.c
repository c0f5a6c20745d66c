/* SPDX-License-Identifier: MIT */
/* An echo load generator: one thread, one epoll, one line of results.
 *
 *     $ bench/load --port 7000 --connections 100 --size 64 --spin
 *     mode=echo connections=100 size=64 ... requests_per_s=... p50_us=...
 *
 * It connects, warms up, forgets what it counted, measures, and waits for what
 * is still on its way.  All of the line is of the measured window, the server's
 * CPU time too, except for errors and missing answers, which are of all time.
 *
 * Ends with 0, with 1 if there was an error or an answer went missing, and with
 * 2 if it could not begin.
 */
#include "load.h"

#include "load_options.h"
#include "server_cpu.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

enum { EVENTS_PER_WAIT = 512, SPARE_FDS = 16, NS_PER_MS = 1000000 };

/* How long to wait for the last answers. */
static const double drain_seconds = 2;

/* A reading of the clocks at an end of the window. */
struct reading {
    uint64_t now;
    uint64_t client_cpu; /* nanoseconds, as the next */
    uint64_t server_cpu;
};

static int
read_clocks(const struct load *load, struct reading *out_reading)
{
    struct timespec own;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    out_reading->client_cpu =
        (uint64_t)own.tv_sec * 1000000000 + (uint64_t)own.tv_nsec;
    out_reading->server_cpu = 0;
    out_reading->now = load_now();
    if (load->options.pid == 0)
        return 0;
    return server_cpu_read(load->options.pid, &out_reading->server_cpu);
}

static int
timeout_ms(const struct load *load, uint64_t left_ns)
{
    if (load->options.spin)
        return 0;
    return (int)(left_ns / NS_PER_MS + 1);
}

/* Drive all connections for so long, or until none has anything to do. */
static void
run_for(struct load *load, double seconds)
{
    static struct epoll_event events[EVENTS_PER_WAIT];
    uint64_t now = load_now();
    uint64_t end = now + (uint64_t)(seconds * 1e9);

    while (now < end && load->in_flight > 0) {
        int timeout = timeout_ms(load, end - now);
        int count = epoll_wait(load->epoll, events, EVENTS_PER_WAIT, timeout);
        for (int i = 0; i < count; i++)
            load_connection_run(load, events[i].data.ptr, events[i].events);
        now = load_now();
    }
}

static void
forget(struct load *load)
{
    load->requests = 0;
    load->bytes = 0;
    histogram_reset(&load->latencies);
    for (uint64_t i = 0; i < load->options.connections; i++)
        load->connections[i].answers = 0;
}

static uint64_t
count_starved(const struct load *load)
{
    uint64_t starved = 0;

    for (uint64_t i = 0; i < load->options.connections; i++)
        starved += load->connections[i].answers == 0;
    return starved;
}

/* What the connections run with: that of the first that is alive. */
static void
note_congestion(struct load *load)
{
    for (uint64_t i = 0; i < load->options.connections; i++) {
        if (load->connections[i].fd < 0)
            continue;
        net_congestion(load->connections[i].fd, load->congestion,
                       sizeof(load->congestion));
        return;
    }
}

static void
print_server_cpu(const struct load *load, double cpu_ns, double ns)
{
    if (load->options.pid == 0)
        return;
    printf(" server_cpu_percent=%.1f", 100 * cpu_ns / ns);
    if (load->requests > 0)
        printf(" cpu_ns_per_request=%.1f", cpu_ns / (double)load->requests);
}

static void
print_results(const struct load *load, const struct reading *begin,
              const struct reading *end)
{
    const struct load_options *options = &load->options;
    const struct histogram *latencies = &load->latencies;
    double ns = (double)(end->now - begin->now);
    double client_cpu = (double)(end->client_cpu - begin->client_cpu);

    printf("mode=%s connections=%" PRIu64 " size=%" PRIu64 " pipeline=%" PRIu64,
           options->churn ? "churn" : "echo", options->connections,
           options->size, options->pipeline);
    printf(" seconds=%.3f requests=%" PRIu64, ns / 1e9, load->requests);
    printf(" requests_per_s=%.1f", (double)load->requests * 1e9 / ns);
    printf(" bytes_per_s=%.0f", (double)load->bytes * 1e9 / ns);
    printf(" p50_us=%.1f p99_us=%.1f p999_us=%.1f",
           (double)histogram_quantile(latencies, 0.5) / 1e3,
           (double)histogram_quantile(latencies, 0.99) / 1e3,
           (double)histogram_quantile(latencies, 0.999) / 1e3);
    printf(" errors=%" PRIu64 " starved=%" PRIu64, load->errors,
           count_starved(load));
    printf(" missing=%" PRIu64, load->in_flight);
    printf(" client_cpu_percent=%.1f", 100 * client_cpu / ns);
    print_server_cpu(load, (double)(end->server_cpu - begin->server_cpu), ns);
    printf(" congestion=%s\n", load->congestion);
}

static int
measure(struct load *load)
{
    struct reading begin;
    struct reading end;

    for (uint64_t i = 0; i < load->options.connections; i++)
        load_connection_open(load, &load->connections[i]);
    note_congestion(load);
    run_for(load, load->options.warmup_seconds);
    forget(load);
    int rc = read_clocks(load, &begin);
    if (rc < 0)
        return rc;

    run_for(load, load->options.seconds);
    if (read_clocks(load, &end) < 0) {
        fprintf(stderr, "load: the server has ended\n");
        load->errors++;
        load->options.pid = 0;
    }
    load->is_draining = true;
    run_for(load, drain_seconds);

    print_results(load, &begin, &end);
    return 0;
}

static void
check_fd_limit(const struct load *load)
{
    unsigned long limit = net_raise_fd_limit();

    if (load->options.connections + SPARE_FDS <= limit)
        return;
    fprintf(stderr, "load: %lu descriptors are allowed, too few\n", limit);
    exit(2);
}

int
main(int argc, char **argv)
{
    static struct load load;

    load_options_parse(&load.options, argc, argv);
    check_fd_limit(&load);
    int rc = net_resolve(&load.address, load.options.host, load.options.port);
    if (rc == 0)
        rc = load_prepare(&load);
    if (rc == 0)
        rc = measure(&load);
    if (rc < 0) {
        fprintf(stderr, "load: %s\n", strerror(-rc));
        return 2;
    }
    return load.errors > 0 || load.in_flight > 0 || load.requests == 0;
}
