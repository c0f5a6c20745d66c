/* SPDX-License-Identifier: MIT */
/* The load generator's command line. */
#include "load_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONNECTIONS = 1000000, MAX_PIPELINE = 4096, MAX_SIZE = 1 << 30 };

static const char usage[] =
    "usage: load --port PORT [options]\n"
    "  --host HOST       of the server (127.0.0.1)\n"
    "  --connections N   at the same time (100)\n"
    "  --size BYTES      of a message (64)\n"
    "  --pipeline DEPTH  messages on the way per connection (1)\n"
    "  --churn           a connection per message; no pipeline\n"
    "  --seconds S       to measure (3)\n"
    "  --warmup S        before that (0.5)\n"
    "  --spin            never sleep: for a core of its own\n"
    "  --check WHAT      count, ends or all of the bytes that come back "
    "(ends)\n"
    "  --pid PID         the server, to report its CPU time\n";

static void
stop(const char *what, const char *value)
{
    fprintf(stderr, "load: %s %s\n%s", what, value, usage);
    exit(2);
}

static uint64_t
parse_count(const char *name, const char *text, uint64_t max)
{
    char *end;

    errno = 0;
    unsigned long long count = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] == '-' || count == 0
        || count > max)
        stop(name, text);
    return count;
}

static double
parse_seconds(const char *name, const char *text)
{
    char *end;

    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0 && seconds < 1e6))
        stop(name, text);
    return seconds;
}

static enum load_check
parse_check(const char *text)
{
    if (strcmp(text, "count") == 0)
        return LOAD_CHECK_COUNT;
    if (strcmp(text, "all") == 0)
        return LOAD_CHECK_ALL;
    if (strcmp(text, "ends") != 0)
        stop("--check", text);
    return LOAD_CHECK_ENDS;
}

static void
apply(struct load_options *options, int option)
{
    switch (option) {
    case 'h':
        options->host = optarg;
        break;
    case 'p':
        options->port = optarg;
        break;
    case 'n':
        options->connections =
            parse_count("--connections", optarg, MAX_CONNECTIONS);
        break;
    case 's':
        options->size = parse_count("--size", optarg, MAX_SIZE);
        break;
    case 'd':
        options->pipeline = parse_count("--pipeline", optarg, MAX_PIPELINE);
        break;
    case 't':
        options->seconds = parse_seconds("--seconds", optarg);
        break;
    case 'w':
        options->warmup_seconds = parse_seconds("--warmup", optarg);
        break;
    case 'i':
        options->pid = (pid_t)parse_count("--pid", optarg, INT_MAX);
        break;
    case 'k':
        options->check = parse_check(optarg);
        break;
    case 'c':
        options->churn = true;
        break;
    case 'x':
        options->spin = true;
        break;
    case 'H':
        fputs(usage, stdout);
        exit(0);
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

void
load_options_parse(struct load_options *out_options, int argc, char **argv)
{
    static const struct option names[] = {
        {"host", required_argument, NULL, 'h'},
        {"port", required_argument, NULL, 'p'},
        {"connections", required_argument, NULL, 'n'},
        {"size", required_argument, NULL, 's'},
        {"pipeline", required_argument, NULL, 'd'},
        {"seconds", required_argument, NULL, 't'},
        {"warmup", required_argument, NULL, 'w'},
        {"pid", required_argument, NULL, 'i'},
        {"check", required_argument, NULL, 'k'},
        {"churn", no_argument, NULL, 'c'},
        {"spin", no_argument, NULL, 'x'},
        {"help", no_argument, NULL, 'H'},
        {NULL, 0, NULL, 0},
    };

    *out_options = (struct load_options){
        .host = "127.0.0.1",
        .connections = 100,
        .size = 64,
        .pipeline = 1,
        .seconds = 3,
        .warmup_seconds = 0.5,
        .check = LOAD_CHECK_ENDS,
    };
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        apply(out_options, option);

    if (optind < argc)
        stop("what is", argv[optind]);
    if (out_options->port == NULL)
        stop("which", "--port");
    if (out_options->churn && out_options->pipeline != 1)
        stop("--churn has no", "--pipeline");
}
