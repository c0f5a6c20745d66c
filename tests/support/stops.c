/* SPDX-License-Identifier: MIT */
/* Whether a function stops the program, found out in a child process. */
#include "ouro_test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child wrote to stderr, and how it ended. */
struct outcome {
    char text[4096];
    int status;
};

/* Seconds; under a sanitizer a child is slow, but not that slow. */
enum { CHILD_LIMIT = 60 };

static _Noreturn void
run_child(void (*fn)(void *arg), void *arg, int error_fd)
{
    const struct rlimit no_core = {0, 0};

    dup2(error_fd, STDERR_FILENO);
    close(error_fd);
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGABRT, SIG_DFL);
    alarm(CHILD_LIMIT);
    fn(arg);
    _exit(EXIT_SUCCESS);
}

/* Read to the end, also what there is no room for. */
static void
read_text(int fd, char *text, size_t size)
{
    char rest[256];
    size_t used = 0;
    ssize_t got = 1;

    while (got > 0) {
        bool full = used == size - 1;
        got = full ? read(fd, rest, sizeof(rest))
                   : read(fd, text + used, size - 1 - used);
        if (got > 0 && !full)
            used += (size_t)got;
    }
    text[used] = '\0';
}

static struct outcome
run_in_child(void (*fn)(void *arg), void *arg)
{
    struct outcome outcome = {.status = -1};
    int ends[2];

    assert_ok(pipe(ends));
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        run_child(fn, arg, ends[1]);
    }
    close(ends[1]);
    read_text(ends[0], outcome.text, sizeof(outcome.text));
    close(ends[0]);
    assert_int_equal(waitpid(child, &outcome.status, 0), child);
    return outcome;
}

void
assert_function_stops(void (*fn)(void *arg), void *arg, const char *words,
                      const char *file, int line)
{
    struct outcome outcome = run_in_child(fn, arg);

    bool aborted =
        WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGABRT;
    if (aborted && strstr(outcome.text, words) != NULL)
        return;

    print_error("expected a stop with: %s\nstatus %#x, and on stderr: %s\n",
                words, (unsigned)outcome.status, outcome.text);
    _fail(file, line);
}
