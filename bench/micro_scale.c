/* SPDX-License-Identifier: MIT */
/* What the machine takes for things that are not ours, to compare with. */
#include "micro.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void
call_the_kernel(void *arg, size_t count)
{
    (void)arg;
    for (size_t i = 0; i < count; i++)
        (void)syscall(SYS_getppid);
}

static void
read_the_clock(void *arg, size_t count)
{
    struct timespec now;

    (void)arg;
    for (size_t i = 0; i < count; i++)
        clock_gettime(CLOCK_MONOTONIC, &now);
}

static void
allocate_and_free(void *arg, size_t count)
{
    size_t size = *(size_t *)arg;

    for (size_t i = 0; i < count; i++) {
        void *memory = malloc(size);

        /* The compiler must not find out that nobody uses it. */
        __asm__ volatile("" : : "r"(memory) : "memory");
        free(memory);
    }
}

void
micro_scale(void)
{
    size_t small = 64;
    size_t large = 4096;

    micro_measure("for scale: a system call", call_the_kernel, NULL, 2000);
    micro_measure("for scale: the clock", read_the_clock, NULL, 10000);
    micro_measure("for scale: malloc and free, 64 bytes", allocate_and_free,
                  &small, 10000);
    micro_measure("for scale: malloc and free, 4 KiB", allocate_and_free,
                  &large, 10000);
}
