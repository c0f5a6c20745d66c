/* SPDX-License-Identifier: MIT */
/* What every test needs: cmocka, and our words for checks.
 *
 * Never assert inside a task or on another thread: a failed assertion jumps to
 * where cmocka called the test, from a stack that is not the test's.  Remember
 * what was seen, and assert when the loop has returned.
 */
#ifndef OURO_TEST_H
#define OURO_TEST_H

#include <ouro/ouro.h>
#include <ouro/sim.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What a result is before there is one. */
enum { UNSEEN = 12345 };

/* A test of the fixture that the functions setup and teardown make and end. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#define assert_ok(rc)         assert_int_equal((rc), 0)
#define assert_err(rc, error) assert_int_equal((rc), -(error))

/* Start `fn(arg)` in a task of the simulated loop, and make one turn, so that
 * the task is where it waits first. */
#define start(sim, fn, arg) start_task(sim, fn, arg, #fn, OURO_HERE)

void start_task(struct ouro_sim *sim, ouro_task_fn *fn, void *arg,
                const char *name, const char *site);

/* Run `fn(arg)` as a task of a new simulated loop in a child process, which
 * must be stopped by an OURO_CHECK whose line contains `words`.  A loop of the
 * test itself is out of its reach. */
#define assert_stops(fn, arg, words) \
    assert_task_stops(fn, arg, words, #fn, __FILE__, __LINE__)

void assert_task_stops(ouro_task_fn *fn, void *arg, const char *words,
                       const char *name, const char *file, int line);

/* The same for a plain function, which makes what loop it needs. */
#define assert_callback_stops(fn, arg, words) \
    assert_function_stops(fn, arg, words, __FILE__, __LINE__)

void assert_function_stops(void (*fn)(void *arg), void *arg, const char *words,
                           const char *file, int line);

/* Descriptors that this process has open. */
size_t count_descriptors(void);

/* An exception handler that remembers: give it to a loop as
 * (see_exception, &seen). */
struct seen_exceptions {
    unsigned count;
    int error; /* of the last one, as all below */
    char message[256];
    char name[64];
    char site[256];
};

void see_exception(const struct ouro_exception *exception, void *arg);

/* Blocks of the library's memory that are alive.  Counted from the start of a
 * program that uses any of these three. */
size_t live_allocations(void);

/* Let the n-th allocation from now fail, 1 being the next; 0: none. */
void fail_allocation(unsigned n);

/* Run `scenario(arg)` with its first allocation failing, then with its second,
 * and so on, until it needs no more than that.  It returns 0 or a negative
 * error, must leave no block behind, and must return 0 when none failed. */
typedef int scenario_fn(void *arg);

void for_each_allocation_failure(scenario_fn *scenario, void *arg);

#endif
