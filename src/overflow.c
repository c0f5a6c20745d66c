/* SPDX-License-Identifier: MIT */
/* The report of a stack that overflowed, before the program dies of it.
 *
 * A handler of SIGSEGV that only looks whether the address is in the guard page
 * of a task's stack, says so in one line, and lets the fault happen again with
 * the default action: the core is that of the fault.
 */
#include "overflow.h"

#include "task.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HANDLER_STACK = 16 * 1024 };

/* Of the one thread at a time that has the handler.  Not thread-local: so much
 * of that would keep the library from being loaded by dlopen(). */
static char handler_stack[HANDLER_STACK];
static struct sigaction previous;

/* What does not fit is cut. */
static size_t
append(char *line, size_t used, size_t room, const char *text)
{
    while (*text != '\0' && used < room)
        line[used++] = *text++;
    return used;
}

/* No stdio in a signal handler. */
static void
say(const struct ouro_task *task)
{
    const char *slash = strrchr(task->site, '/');
    char line[256];
    size_t used = 0;
    size_t room = sizeof(line);

    used = append(line, used, room, "ouro: ");
    used = append(line, used, room, slash != NULL ? slash + 1 : task->site);
    used = append(line, used, room, ": the stack of task '");
    used = append(line, used, room, task->name);
    used = append(line, used, room,
                  "' overflowed; give its loop a larger stack_size\n");
    ssize_t written = write(STDERR_FILENO, line, used);

    (void)written;
}

static void
segmentation_fault(int number, siginfo_t *info, void *context)
{
    const struct ouro_task *task = ouro__task_of_guard(info->si_addr);
    struct sigaction fatal = {.sa_handler = SIG_DFL};

    (void)context;
    if (task != NULL)
        say(task);
    (void)sigaction(number, &fatal, NULL);
}

bool
ouro__overflow_report_begin(void)
{
    stack_t stack = {.ss_sp = handler_stack, .ss_size = HANDLER_STACK};
    struct sigaction action = {.sa_sigaction = segmentation_fault,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};

    struct sigaction found;

    if (sigaction(SIGSEGV, NULL, &found) < 0
        || (found.sa_flags & SA_SIGINFO) != 0 || found.sa_handler != SIG_DFL)
        return false;
    if (sigaltstack(&stack, NULL) < 0)
        return false;
    previous = found;
    return sigaction(SIGSEGV, &action, NULL) == 0;
}

void
ouro__overflow_report_end(void)
{
    stack_t none = {.ss_flags = SS_DISABLE};

    (void)sigaction(SIGSEGV, &previous, NULL);
    (void)sigaltstack(&none, NULL);
}
