/* SPDX-License-Identifier: MIT */
/* The beginning of contexts, and what sanitizers must hear of switches.
 *
 * The switch itself is assembly.  Here is the stack that it finds when it
 * switches to a context for the first time: it looks as if the context had
 * suspended just before the call of its function.
 */
#include "context.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef OURO__CONTEXT_ASAN
#    include <sanitizer/common_interface_defs.h>
#endif
#ifdef OURO__CONTEXT_TSAN
#    include <sanitizer/tsan_interface.h>
#endif

#ifndef OURO_CONTEXT_UCONTEXT

/* What ouro__context_swap() saves, lowest address first. */
struct saved {
#    ifdef __x86_64__
    uintptr_t r15, r14, r13;
    uintptr_t arg;   /* r12 */
    uintptr_t entry; /* rbx */
    uintptr_t frame; /* rbp: 0 ends a walk along frame pointers */
    uintptr_t pc;
#    else
    uintptr_t entry; /* x19 */
    uintptr_t arg;   /* x20 */
    uintptr_t x21_to_x28[8];
    uintptr_t frame; /* x29: as rbp */
    uintptr_t pc;    /* x30 */
    uint64_t d8_to_d15[8];
#    endif
};

enum {
    STACK_ALIGNMENT = 16,
    BOTTOM_SIZE = 16 /* of zeros at the highest address: no frame above us */
};

/* In assembly: where a context starts. */
extern const char ouro__context_first[];

void
ouro__context_prepare(struct ouro__context *context, void *low, size_t size,
                      void (*entry)(void *arg), void *arg)
{
    char *top = (char *)low + size;

    top -= (uintptr_t)top % STACK_ALIGNMENT + BOTTOM_SIZE;
    memset(top, 0, BOTTOM_SIZE);

    struct saved saved = {
        .entry = (uintptr_t)entry,
        .arg = (uintptr_t)arg,
        .pc = (uintptr_t)ouro__context_first,
    };
    context->sp = top - sizeof(saved);
    memcpy(context->sp, &saved, sizeof(saved));
}

#endif

#ifdef OURO__CONTEXT_TOLD

/* TSan counts the calls and returns of each fiber.  So between what we tell it
 * and the switch no function may return: hence these two are inlined. */
#    define ALWAYS_INLINE inline __attribute__((always_inline))

/* `from` is about to stop on this thread, for ever if `fake_stack` is NULL. */
static ALWAYS_INLINE void
tell_start(struct ouro__context *from, struct ouro__context *to,
           void **fake_stack)
{
#    ifdef OURO__CONTEXT_ASAN
    to->previous = from;
    __sanitizer_start_switch_fiber(fake_stack, to->low, to->size);
#    endif
#    ifdef OURO__CONTEXT_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#    endif
    (void)from;
    (void)to;
    (void)fake_stack;
}

/* `self` goes on.  The barrier keeps the switch from becoming a tail call: its
 * function would return, for TSan, before it. */
static ALWAYS_INLINE void
tell_finish(struct ouro__context *self)
{
#    ifdef OURO__CONTEXT_ASAN
    __sanitizer_finish_switch_fiber(self->fake_stack, &self->previous->low,
                                    &self->previous->size);
    self->fake_stack = NULL;
#    endif
    __asm__ volatile("" : : "r"(self) : "memory");
}

static void
enter(void *arg)
{
    struct ouro__context *self = arg;

    tell_finish(self);
    self->entry(self->arg);
    abort();
}

int
ouro__context_pass(struct ouro__context *from, struct ouro__context *to,
                   int word)
{
    void **fake_stack = NULL;

#    ifdef OURO__CONTEXT_ASAN
    fake_stack = &from->fake_stack;
#    endif
    tell_start(from, to, fake_stack);
    word = ouro__context_swap(from, to, word);
    tell_finish(from);
    return word;
}

_Noreturn void
ouro__context_exit(struct ouro__context *from, struct ouro__context *to)
{
    tell_start(from, to, NULL);
    ouro__context_leave(from, to);
}

#endif

void
ouro__context_init_thread(struct ouro__context *context)
{
    memset(context, 0, sizeof(*context));
#ifdef OURO__CONTEXT_TSAN
    context->fiber = __tsan_get_current_fiber();
#endif
}

void
ouro__context_init(struct ouro__context *context, void *low, size_t size,
                   void (*entry)(void *arg), void *arg)
{
#ifdef OURO__CONTEXT_TOLD
    memset(context, 0, sizeof(*context));
    context->entry = entry;
    context->arg = arg;
    entry = enter;
    arg = context;
#endif
#ifdef OURO__CONTEXT_ASAN
    context->low = low;
    context->size = size;
#endif
#ifdef OURO__CONTEXT_TSAN
    context->fiber = __tsan_create_fiber(0);
#endif
    ouro__context_prepare(context, low, size, entry, arg);
}

void
ouro__context_fini(struct ouro__context *context)
{
#ifdef OURO__CONTEXT_TSAN
    __tsan_destroy_fiber(context->fiber);
#endif
    (void)context;
}
