/* SPDX-License-Identifier: MIT */
/* A pool of task stacks, and what its tests do with the stacks. */
#ifndef OURO_STACK_FIXTURE_H
#define OURO_STACK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stack.h"

enum { STACK_SIZE = 60 * 1024, MOST = 18000, MANY = 10000, FEW = 2000 };

struct fixture {
    struct ouro__stack_pool pool;
    void *lows[MOST];
};

static inline void
get_stacks(struct fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        f->lows[i] = ouro__stack_pool_get(&f->pool);
        assert_non_null(f->lows[i]);
    }
}

static inline void
put_stacks(struct fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ouro__stack_pool_put(&f->pool, f->lows[i]);
}

/* The signal that a write to `address` raises, or 0.  Catching it keeps the
 * reports of sanitizers and valgrind out of the output. */
static inline int
signal_of_write(volatile char *address)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGSEGV, _exit);
        *address = 1;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static inline int
setup(void **state)
{
    static struct fixture f;

    *state = &f;
    return ouro__stack_pool_init(&f.pool, STACK_SIZE);
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;

    if (f->pool.used_count != 0)
        return -1; /* the test has failed half-way */
    ouro__stack_pool_fini(&f->pool);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
