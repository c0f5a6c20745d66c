/* SPDX-License-Identifier: MIT */
/* The switch of contexts by ucontext, for processors without one of our own.
 *
 * It takes two system calls to save and restore the signal mask, and so is
 * fifty times slower.  -DOURO_CONTEXT_UCONTEXT forces it anywhere.
 */
#include "context.h"

#ifdef OURO_CONTEXT_UCONTEXT

#    include <stdint.h>
#    include <stdlib.h>

/* makecontext() hands over nothing wider than an int, so pointers go in two. */
static unsigned
high_half(uintptr_t word)
{
    return (unsigned)((uint64_t)word >> 32);
}

static uintptr_t
join(unsigned high, unsigned low)
{
    return (uintptr_t)((uint64_t)high << 32 | low);
}

static void
start(unsigned entry_high, unsigned entry_low, unsigned arg_high,
      unsigned arg_low)
{
    void (*entry)(void *arg) = (void (*)(void *arg))join(entry_high, entry_low);

    entry((void *)join(arg_high, arg_low));
    abort();
}

void
ouro__context_prepare(struct ouro__context *context, void *low, size_t size,
                      void (*entry)(void *arg), void *arg)
{
    uintptr_t entry_word = (uintptr_t)entry;
    uintptr_t arg_word = (uintptr_t)arg;

    getcontext(&context->registers);
    context->registers.uc_stack.ss_sp = low;
    context->registers.uc_stack.ss_size = size;
    context->registers.uc_link = NULL;
    makecontext(&context->registers, (void (*)(void))start, 4,
                high_half(entry_word), (unsigned)entry_word,
                high_half(arg_word), (unsigned)arg_word);
}

int
ouro__context_swap(struct ouro__context *from, struct ouro__context *to,
                   int word)
{
    to->word = word;
    swapcontext(&from->registers, &to->registers);
    return from->word;
}

_Noreturn void
ouro__context_leave(struct ouro__context *from, struct ouro__context *to)
{
    (void)from;
    to->word = 0;
    setcontext(&to->registers);
    abort();
}

#endif
