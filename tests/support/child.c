/* SPDX-License-Identifier: MIT */
/* A program in a child process: what it wrote to stderr, and how it ended. */
#include "child.h"

#include "ouro_test.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds; then the child is killed, and its test fails. */
enum { CHILD_LIMIT = 60 };

static int word_to_parent = -1;

static _Noreturn void
run_child(int (*fn)(void *arg), void *arg, int error_fd)
{
    const struct rlimit no_core = {0, 0};

    dup2(error_fd, STDERR_FILENO);
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGABRT, SIG_DFL); /* cmocka has handlers of its own */
    signal(SIGSEGV, SIG_DFL);
    alarm(CHILD_LIMIT);
    _exit(fn(arg) & 0xff);
}

void
child_start(struct child_process *child, int (*fn)(void *arg), void *arg)
{
    int errors[2];
    int words[2];

    memset(child, 0, sizeof(*child));
    assert_ok(pipe(errors));
    assert_ok(pipe(words));
    child->pid = fork();
    if (child->pid == 0) {
        close(errors[0]);
        close(words[0]);
        word_to_parent = words[1];
        run_child(fn, arg, errors[1]);
    }
    close(errors[1]);
    close(words[1]);
    child->error_fd = errors[0];
    child->word_fd = words[0];
}

void
child_say(char word)
{
    ssize_t size = write(word_to_parent, &word, 1);

    (void)size;
}

char
child_hear(struct child_process *child)
{
    char word = 0;

    return read(child->word_fd, &word, 1) == 1 ? word : 0;
}

/* What it wrote is less than a pipe holds, or it waits in vain for a reader. */
void
child_wait(struct child_process *child)
{
    size_t used = 0;
    ssize_t got = 1;

    while (got > 0 && used < sizeof(child->text) - 1) {
        got = read(child->error_fd, child->text + used,
                   sizeof(child->text) - 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    assert_int_equal(waitpid(child->pid, &child->status, 0), child->pid);
    close(child->error_fd);
    close(child->word_fd);
}

bool
child_exited(const struct child_process *child, int code)
{
    if (WIFEXITED(child->status) && WEXITSTATUS(child->status) == code)
        return true;
    print_error("status %#x, not exit %d, and on stderr: %s\n",
                (unsigned)child->status, code, child->text);
    return false;
}

bool
child_was_killed(const struct child_process *child, int signal)
{
    if (WIFSIGNALED(child->status) && WTERMSIG(child->status) == signal)
        return true;
    print_error("status %#x, not killed by %d, and on stderr: %s\n",
                (unsigned)child->status, signal, child->text);
    return false;
}
