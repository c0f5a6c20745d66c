/* SPDX-License-Identifier: MIT */
/* The switch of contexts, checked by a program that needs nothing but libc.
 *
 * So it can be built for another processor and run by qemu; it says what it has
 * checked and exits with 1 if something is wrong.  See src/context.h.
 */
#include <execinfo.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "context.h"

enum { COUNT = 100, ROUNDS = 50, STACK_SIZE = 64 * 1024, FRAMES = 64 };

struct worker {
    struct ouro__context context;
    uint64_t seed;
    int rounds_left;
    int wrong_count;
    int lost_words;
    int word; /* what it handed over last */
    int frame_count;
    void *first_frame; /* of its stack: the outermost */
    int lost_frames;   /* when it was visited */
    uintptr_t frame;
    char stack[STACK_SIZE];
};

static struct ouro__context thread;
static struct worker workers[COUNT];

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
        ouro__context_switch(&worker->context, &thread);
    uint64_t sum = (a ^ b) + (c ^ d) + (e ^ f) + (g ^ h) + (i ^ j) + (k ^ l);
    sum += (m ^ n) + o;
    if (worker != NULL)
        ouro__context_switch(&worker->context, &thread);
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
        ouro__context_switch(&worker->context, &thread);
    double sum = a * b + c * d + e * f + g * h + i * j;
    if (worker != NULL)
        ouro__context_switch(&worker->context, &thread);
    return sum + a * 2 + b * 3 + c * 4 + d * 5 + e * 6 + f * 7 + g * 8 + h * 9
           + i * 10 + j * 11;
}

/* Hand a word to the thread, which adds one.  Whether that came back. */
static bool
exchange(struct worker *worker)
{
    int word = (int)(worker->seed & 0xffff);

    return ouro__context_pass(&worker->context, &thread, word) == word + 1;
}

static void
work(void *arg)
{
    struct worker *worker = arg;
    void *frames[FRAMES];

    worker->frame = (uintptr_t)__builtin_frame_address(0);
    worker->frame_count = backtrace(frames, FRAMES);
    worker->first_frame = frames[worker->frame_count - 1];
    for (; worker->rounds_left > 0; worker->rounds_left--) {
        uint64_t seed = worker->seed++;
        double real_seed = (double)seed;
        double real = mix_reals(worker, real_seed);
        double expected = mix_reals(NULL, real_seed);

        worker->wrong_count += mix(worker, seed) != mix(NULL, seed);
        worker->lost_words += !exchange(worker);
        worker->wrong_count += memcmp(&real, &expected, sizeof(real)) != 0;
    }
    ouro__context_exit(&worker->context, &thread);
}

#ifdef OURO_CONTEXT_UCONTEXT

static void
visit(struct worker *worker)
{
    (void)worker;
}

#else

extern char ouro__context_visited[];

static void
look_around(void *arg)
{
    struct worker *worker = arg;
    void *frames[FRAMES];
    int count = backtrace(frames, FRAMES);
    int own = 0;

    while (own < count && frames[own] != ouro__context_visited)
        own++;
    /* It is suspended one call deeper than where it counted. */
    worker->lost_frames += count - own - 1 != worker->frame_count + 1
                           || frames[count - 1] != worker->first_frame;
}

static void
visit(struct worker *worker)
{
    if (worker->rounds_left > 0)
        ouro__context_visit(&worker->context, look_around, worker);
}

#endif

static void
run_all(void)
{
    enum { SWITCHES = 5 * ROUNDS + 1 };

    ouro__context_init_thread(&thread);
    for (int i = 0; i < COUNT; i++) {
        workers[i].seed = 1000003 * ((uint64_t)i + 1);
        workers[i].rounds_left = ROUNDS;
        ouro__context_init(&workers[i].context, workers[i].stack, STACK_SIZE,
                           work, &workers[i]);
    }
    for (int round = 0; round < SWITCHES; round++)
        for (int i = 0; i < COUNT; i++) {
            workers[i].word = ouro__context_pass(&thread, &workers[i].context,
                                                 workers[i].word + 1);
            if (round % 5 == 0)
                visit(&workers[i]);
        }
    for (int i = 0; i < COUNT; i++)
        ouro__context_fini(&workers[i].context);
}

/* Print the outcome of one check; returns how many are wrong. */
static int
report(const char *what, int wrong_count)
{
    printf("%s: %s\n", wrong_count == 0 ? "ok" : "WRONG", what);
    return wrong_count;
}

int
main(void)
{
    int unfinished = 0;
    int wrong = 0;
    int lost = 0;
    int misaligned = 0;
    int endless = 0;
    int unseen = 0;

    run_all();
    for (int i = 0; i < COUNT; i++) {
        unfinished += workers[i].rounds_left != 0;
        wrong += workers[i].wrong_count;
        lost += workers[i].lost_words + (workers[i].word != 0);
        misaligned += workers[i].frame % 16 != 0;
        unseen += workers[i].lost_frames;
        endless += workers[i].frame_count < 1 || workers[i].frame_count > 5;
    }

    int sum = report("each context ran to its end", unfinished);
    sum += report("registers survive the switches", wrong);
    sum += report("each gets the word that the other gave", lost);
    sum += report("stacks are aligned", misaligned);
    sum += report("backtraces end at the first frame", endless);
    sum += report("a visit finds the frames of who is suspended", unseen);
    return sum != 0;
}
