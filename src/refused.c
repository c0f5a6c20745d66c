/* SPDX-License-Identifier: MIT */
/* Why a kernel refuses io_uring, and what to do about it, as a sentence.
 *
 * One error has several causes, and others' messages went wrong by guessing
 * one of them: so this says what was found, and what follows from it.
 */
#include "refused.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

int
ouro__uring_sysctl(void)
{
    FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
    int value = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%d", &value) != 1)
        value = 0;
    (void)fclose(file);
    return value;
}

static void
explain_permission(char *text, size_t size)
{
    int sysctl = ouro__uring_sysctl();

    if (sysctl == 1)
        snprintf(text, size,
                 "kernel.io_uring_disabled is 1, so only root and the group "
                 "kernel.io_uring_group may use io_uring: join it, or set the "
                 "sysctl to 0");
    else if (sysctl == 2)
        snprintf(text, size,
                 "kernel.io_uring_disabled is 2, so nobody may use io_uring: "
                 "set the sysctl to 0");
    else
        snprintf(text, size,
                 "kernel.io_uring_disabled is 0, so a seccomp filter (a "
                 "container's default profile) or a security module refuses "
                 "it: allow io_uring_setup, io_uring_enter and "
                 "io_uring_register");
}

static void
explain_memory(char *text, size_t size)
{
    struct rlimit limit = {0};

    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    snprintf(text, size,
             "there is no memory for the ring; RLIMIT_MEMLOCK is %llu bytes: "
             "raise it (ulimit -l), or ask for fewer entries",
             (unsigned long long)limit.rlim_cur);
}

static void
explain_age(char *text, size_t size)
{
    struct utsname name;

    if (uname(&name) < 0)
        name.release[0] = '\0';
    snprintf(text, size,
             "the kernel is %s, and ouro needs 6.1 or newer (DEFER_TASKRUN)",
             name.release);
}

static void
explain(char *text, size_t size, int error)
{
    switch (-error) {
    case EPERM:
    case EACCES:
        explain_permission(text, size);
        break;
    case ENOSYS:
        snprintf(text, size,
                 "this kernel was built without io_uring, or a filter "
                 "(gVisor, a container's profile) hides it: use another "
                 "kernel or profile");
        break;
    case ENOMEM:
        explain_memory(text, size);
        break;
    case EINVAL:
        explain_age(text, size);
        break;
    case EMFILE:
    case ENFILE:
        snprintf(text, size, "no descriptors are left: raise RLIMIT_NOFILE");
        break;
    default:
        snprintf(text, size, "unexpected");
    }
}

void
ouro__explain_refusal(struct ouro_report *report, const char *call, int error)
{
    char why[320];

    if (report == NULL)
        return;
    explain(why, sizeof(why), error);
    snprintf(report->text, sizeof(report->text), "%s: %s; %s", call,
             ouro_error_name(error), why);
}
