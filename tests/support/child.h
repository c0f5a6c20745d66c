/* SPDX-License-Identifier: MIT */
/* A program in a child process: what it wrote to stderr, and how it ended. */
#ifndef OURO_TEST_CHILD_H
#define OURO_TEST_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child_process {
    pid_t pid;
    int error_fd; /* its stderr */
    int word_fd;  /* what it says with child_say() */
    int status;   /* as of waitpid(2), once it has ended */
    char text[4096];
};

/* Run `fn(arg)` in a child, which exits with what it returns. */
void child_start(struct child_process *child, int (*fn)(void *arg), void *arg);

/* In the child: say one byte to its parent.  Async-signal-safe. */
void child_say(char word);

/* Wait for the next byte that the child says; 0: it has ended. */
char child_hear(struct child_process *child);

/* Wait for its end; what it wrote is in `text` then. */
void child_wait(struct child_process *child);

/* Whether it exited with `code`, or was killed by `signal`. */
bool child_exited(const struct child_process *child, int code);
bool child_was_killed(const struct child_process *child, int signal);

#endif
