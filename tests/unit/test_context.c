/* SPDX-License-Identifier: MIT */
/* What a switch of contexts promises.  See src/context.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <execinfo.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "context.h"
#include "stack.h"

enum { STACK_SIZE = 124 * 1024, MANY = 1000 };

/* A context with all that its functions want to know. */
struct worker {
    struct ouro__context context;
    struct fixture *f;
    void *low;
    struct ouro__context *caller;
    uint64_t seed;
    uint64_t sum;
    double real_sum;
    int steps;
    int depth;
};

struct fixture {
    struct ouro__context thread;
    struct ouro__stack_pool pool;
    struct worker workers[MANY];
};

static void
start_worker(struct fixture *f, struct worker *worker, void (*entry)(void *arg))
{
    *worker = (struct worker){.f = f};
    worker->low = ouro__stack_pool_get(&f->pool);
    assert_non_null(worker->low);
    ouro__context_init(&worker->context, worker->low, f->pool.stack_size, entry,
                       worker);
}

static void
end_worker(struct worker *worker)
{
    ouro__context_fini(&worker->context);
    ouro__stack_pool_put(&worker->f->pool, worker->low);
}

static void
resume(struct worker *worker)
{
    ouro__context_switch(&worker->f->thread, &worker->context);
}

static void
suspend(struct worker *worker)
{
    ouro__context_switch(&worker->context, &worker->f->thread);
}

_Noreturn static void
leave(struct worker *worker)
{
    ouro__context_exit(&worker->context, &worker->f->thread);
}

static void
count_steps(void *arg)
{
    struct worker *worker = arg;

    for (int i = 0; i < 3; i++) {
        worker->steps++;
        suspend(worker);
    }
    leave(worker);
}

static void
a_context_goes_on_where_it_was_suspended(void **state)
{
    struct fixture *f = *state;
    struct worker *worker = &f->workers[0];

    start_worker(f, worker, count_steps);
    assert_int_equal(worker->steps, 0);
    for (int i = 1; i <= 3; i++) {
        resume(worker);
        assert_int_equal(worker->steps, i);
    }
    resume(worker);

    end_worker(worker);
}

static void
answer_with_the_next(void *arg)
{
    struct worker *worker = arg;
    int word = 0;

    while (word >= 0)
        word =
            ouro__context_pass(&worker->context, &worker->f->thread, word + 1);
    leave(worker);
}

static int
ask(struct worker *worker, int word)
{
    return ouro__context_pass(&worker->f->thread, &worker->context, word);
}

static void
a_switch_hands_over_a_word(void **state)
{
    struct fixture *f = *state;
    struct worker *worker = &f->workers[0];

    start_worker(f, worker, answer_with_the_next);
    resume(worker);

    assert_int_equal(ask(worker, 41), 42);
    assert_int_equal(ask(worker, 6), 7);
    assert_int_equal(ask(worker, -1), 0);

    end_worker(worker);
}

static void
many_contexts_take_turns(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < MANY; i++)
        start_worker(f, &f->workers[i], count_steps);
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < MANY; i++)
            resume(&f->workers[i]);

    for (int i = 0; i < MANY; i++) {
        assert_int_equal(f->workers[i].steps, 3);
        end_worker(&f->workers[i]);
    }
}

static void
a_context_that_never_ran_can_be_ended(void **state)
{
    struct fixture *f = *state;

    start_worker(f, &f->workers[0], count_steps);
    end_worker(&f->workers[0]);

    assert_int_equal(f->workers[0].steps, 0);
}

static void
a_stack_is_used_again_by_one_context_after_the_other(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < MANY; i++) {
        start_worker(f, &f->workers[0], count_steps);
        for (int step = 0; step < 4; step++)
            resume(&f->workers[0]);
        end_worker(&f->workers[0]);
    }

    assert_int_equal(f->pool.free_count, 1);
}

/* A number that the optimiser cannot work out again later. */
static uint64_t
hide(uint64_t number)
{
    __asm__ volatile("" : "+r"(number));
    return number;
}

/* More numbers, alive over a switch, than there are registers that a callee
 * saves; the optimiser keeps one in each.  Without a worker it is the truth. */
__attribute__((noinline)) static uint64_t
mix(struct worker *worker, uint64_t seed)
{
    uint64_t a = hide(seed * 3), b = hide(seed * 5), c = hide(seed * 7);
    uint64_t d = hide(seed * 11), e = hide(seed * 13), f = hide(seed * 17);
    uint64_t g = hide(seed * 19), h = hide(seed * 23), i = hide(seed * 29);
    uint64_t j = hide(seed * 31), k = hide(seed * 37), l = hide(seed * 41);
    uint64_t m = hide(seed * 43), n = hide(seed * 47), o = hide(seed * 53);

    if (worker != NULL)
        suspend(worker);
    uint64_t sum = (a ^ b) + (c ^ d) + (e ^ f) + (g ^ h) + (i ^ j) + (k ^ l);
    sum += (m ^ n) + o;
    if (worker != NULL)
        suspend(worker);
    return sum ^ a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k ^ l ^ m ^ n ^ o;
}

/* The same in real numbers, which have such registers on AArch64. */
__attribute__((noinline)) static double
mix_reals(struct worker *worker, double seed)
{
    double a = seed + 1, b = seed + 2, c = seed + 3, d = seed + 4;
    double e = seed + 5, f = seed + 6, g = seed + 7, h = seed + 8;
    double i = seed / 2, j = seed / 4;

    if (worker != NULL)
        suspend(worker);
    double sum = a * b + c * d + e * f + g * h + i * j;
    if (worker != NULL)
        suspend(worker);
    return sum + a * 2 + b * 3 + c * 4 + d * 5 + e * 6 + f * 7 + g * 8 + h * 9
           + i * 10 + j * 11;
}

static void
mix_both(void *arg)
{
    struct worker *worker = arg;

    worker->sum = mix(worker, worker->seed);
    worker->real_sum = mix_reals(worker, (double)worker->seed);
    leave(worker);
}

static void
each_context_keeps_its_registers(void **state)
{
    enum { COUNT = 3, SWITCHES = 5 };
    struct fixture *f = *state;

    for (uint64_t i = 0; i < COUNT; i++) {
        start_worker(f, &f->workers[i], mix_both);
        f->workers[i].seed = 1000003 * (i + 1);
    }
    for (int round = 0; round < SWITCHES; round++)
        for (int i = 0; i < COUNT; i++)
            resume(&f->workers[i]);

    for (int i = 0; i < COUNT; i++) {
        struct worker *worker = &f->workers[i];
        double expected = mix_reals(NULL, (double)worker->seed);

        assert_true(worker->sum == mix(NULL, worker->seed));
        assert_memory_equal(&worker->real_sum, &expected, sizeof(expected));
        end_worker(worker);
    }
}

static void
say_where_the_frame_is(void *arg)
{
    struct worker *worker = arg;

    worker->seed = (uintptr_t)__builtin_frame_address(0);
    leave(worker);
}

static void
a_context_starts_on_its_stack_aligned_for_any_type(void **state)
{
    struct fixture *f = *state;
    struct worker *worker = &f->workers[0];

    start_worker(f, worker, say_where_the_frame_is);
    resume(worker);

    assert_int_equal(worker->seed % 16, 0);
    assert_in_range(worker->seed, (uintptr_t)worker->low,
                    (uintptr_t)worker->low + f->pool.stack_size - 1);
    end_worker(worker);
}

/* Start the next worker, run it until it comes back, go back. */
static void
run_the_next(void *arg)
{
    struct worker *worker = arg;
    struct worker *next = worker + 1;

    worker->steps = 1;
    if (worker->depth > 0) {
        start_worker(worker->f, next, run_the_next);
        next->depth = worker->depth - 1;
        next->caller = &worker->context;
        ouro__context_switch(&worker->context, &next->context);
        worker->steps += next->steps;
        end_worker(next);
    }
    ouro__context_exit(&worker->context, worker->caller);
}

static void
contexts_resume_contexts_to_any_depth(void **state)
{
    struct fixture *f = *state;

    start_worker(f, &f->workers[0], run_the_next);
    f->workers[0].depth = MANY - 1;
    f->workers[0].caller = &f->thread;
    resume(&f->workers[0]);

    assert_int_equal(f->workers[0].steps, MANY);
    end_worker(&f->workers[0]);
}

static void
suspend_at_each_depth(struct worker *worker, int depth)
{
    int before = depth;

    if (depth > 0) {
        suspend(worker);
        suspend_at_each_depth(worker, depth - 1);
    }
    worker->steps += before == depth;
}

static void
go_deep(void *arg)
{
    struct worker *worker = arg;

    suspend_at_each_depth(worker, worker->depth);
    leave(worker);
}

static void
a_context_suspends_deep_in_its_calls(void **state)
{
    struct fixture *f = *state;
    struct worker *worker = &f->workers[0];

    start_worker(f, worker, go_deep);
    worker->depth = 100;
    for (int i = 0; i <= worker->depth; i++)
        resume(worker);

    assert_int_equal(worker->steps, worker->depth + 1);
    end_worker(worker);
}

static void
count_frames(void *arg)
{
    enum { FRAMES = 64 };
    struct worker *worker = arg;
    void *frames[FRAMES];

    worker->steps = backtrace(frames, FRAMES);
    suspend(worker);
    worker->depth = backtrace(frames, FRAMES);
    leave(worker);
}

static void
a_backtrace_ends_at_the_first_frame(void **state)
{
    struct fixture *f = *state;
    struct worker *worker = &f->workers[0];

    start_worker(f, worker, count_frames);
    resume(worker);
    resume(worker);

    assert_in_range(worker->steps, 1, 5);
    assert_int_equal(worker->depth, worker->steps);
    end_worker(worker);
}

static struct worker *overflowing;

static void
say_whose_guard_was_hit(int number, siginfo_t *info, void *registers)
{
    void *low = NULL;

    (void)registers;
    if (ouro__stack_pool_find_guard(&overflowing->f->pool, info->si_addr, &low)
        && low == overflowing->low)
        _exit(number);
    _exit(0);
}

/* No optimiser sees that this does not end. */
static int
recurse(struct worker *worker)
{
    volatile char frame[256];

    frame[0] = (char)worker->depth;
    if (worker->depth >= 0)
        frame[1] = (char)recurse(worker);
    return frame[0] + frame[1];
}

static void
overflow(void *arg)
{
    struct worker *worker = arg;

    worker->sum = (uint64_t)recurse(worker);
    leave(worker);
}

_Noreturn static void
overflow_in_this_process(struct worker *worker)
{
    static char memory[64 * 1024];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};
    struct sigaction action = {
        .sa_sigaction = say_whose_guard_was_hit,
        .sa_flags = SA_ONSTACK | SA_SIGINFO,
    };

    overflowing = worker;
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
    resume(worker);
    _exit(0);
}

static void
an_overflow_is_a_segfault_in_the_guard_of_its_stack(void **state)
{
    struct fixture *f = *state;
    struct worker *worker = &f->workers[0];
    int status = 0;

    start_worker(f, worker, overflow);
    pid_t child = fork();
    if (child == 0)
        overflow_in_this_process(worker);

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SIGSEGV);
    end_worker(worker);
}

static int
setup(void **state)
{
    static struct fixture f;

    *state = &f;
    ouro__context_init_thread(&f.thread);
    return ouro__stack_pool_init(&f.pool, STACK_SIZE);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    if (f->pool.used_count != 0)
        return -1; /* the test has failed half-way */
    ouro__stack_pool_fini(&f->pool);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_context_goes_on_where_it_was_suspended),
        TEST(a_switch_hands_over_a_word),
        TEST(many_contexts_take_turns),
        TEST(a_context_that_never_ran_can_be_ended),
        TEST(a_stack_is_used_again_by_one_context_after_the_other),
        TEST(each_context_keeps_its_registers),
        TEST(a_context_starts_on_its_stack_aligned_for_any_type),
        TEST(contexts_resume_contexts_to_any_depth),
        TEST(a_context_suspends_deep_in_its_calls),
        TEST(a_backtrace_ends_at_the_first_frame),
        TEST(an_overflow_is_a_segfault_in_the_guard_of_its_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
