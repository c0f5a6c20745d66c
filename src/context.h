/* SPDX-License-Identifier: MIT */
/* Contexts: what a processor needs to go on where it stopped.
 *
 * A context is either running, or suspended in ouro__context_switch().  While
 * it is suspended, `sp` points at the registers it saved on its own stack; the
 * layout is drawn in context_x86_64.S and context_aarch64.S.  A context is used
 * by one thread only, and does not move in memory once it is initialised.
 *
 * The switch saves what the ABI makes a callee save, with one exception: the
 * floating-point control words (mxcsr and the x87 control word, fpcr) belong to
 * the thread, not to the context, since saving them would cost up to twenty
 * times the switch.  So who changes the rounding mode must change it back
 * before it suspends.  The signal mask belongs to the thread, too.
 *
 * Who switches hands the other a word, so that a function may end in a switch:
 * the one that is resumed goes on in that function's caller, with the word as
 * the result.  Nothing is left to return from, which matters: the processor
 * predicts each `ret` after a switch from the calls of another context, wrongly
 * each time, and that costs twice what the switch does.
 *
 * Sanitizers follow a switch only when told.  Builds with ASan or TSan
 * therefore call functions of context.c; all others call the assembly directly.
 * TSan takes each context for a thread and allows some 8000 at a time.
 */
#ifndef OURO_CONTEXT_H
#define OURO_CONTEXT_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#    define OURO__CONTEXT_ASAN 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define OURO__CONTEXT_ASAN 1
#    endif
#endif

#if defined(__SANITIZE_THREAD__)
#    define OURO__CONTEXT_TSAN 1
#elif defined(__has_feature)
#    if __has_feature(thread_sanitizer)
#        define OURO__CONTEXT_TSAN 1
#    endif
#endif

#if defined(OURO__CONTEXT_ASAN) || defined(OURO__CONTEXT_TSAN)
#    define OURO__CONTEXT_TOLD 1 /* the switch tells a sanitizer */
#endif

/* ucontext is for other processors, and for tests that ask for it. */
#if !defined(OURO_CONTEXT_UCONTEXT) && !defined(__aarch64__) \
    && !(defined(__x86_64__) && defined(__LP64__))
#    define OURO_CONTEXT_UCONTEXT 1
#endif

#ifdef OURO_CONTEXT_UCONTEXT
#    include <ucontext.h>
#endif

struct ouro__context {
    void *sp; /* of a suspended context: the registers it saved */
#ifdef OURO_CONTEXT_UCONTEXT
    ucontext_t registers;
    int word; /* what the one that switched to us gave */
#endif
#ifdef OURO__CONTEXT_TOLD
    void (*entry)(void *arg);
    void *arg;
#endif
#ifdef OURO__CONTEXT_ASAN
    struct ouro__context *previous; /* who switched to us last */
    const void *low;                /* our stack; a thread's is found out */
    size_t size;                    /*   when it first switches away */
    void *fake_stack;               /* ASan's, while we are suspended */
#endif
#ifdef OURO__CONTEXT_TSAN
    void *fiber;
#endif
};

/* The context of the thread that calls: what is running now, outside any
 * other context. */
void ouro__context_init_thread(struct ouro__context *context);

/* A context that will run entry(arg) on the stack [low, low + size) when it is
 * first switched to.  `entry` never returns: it ends in ouro__context_exit().
 */
void ouro__context_init(struct ouro__context *context, void *low, size_t size,
                        void (*entry)(void *arg), void *arg);

/* Let go of what sanitizers hold for a context of ouro__context_init() that
 * has exited or never ran.  Called from another context. */
void ouro__context_fini(struct ouro__context *context);

/* The bare parts, of which no sanitizer hears: use the others.  They are in
 * assembly (prepare in context.c), or all in context_ucontext.c. */
void ouro__context_prepare(struct ouro__context *context, void *low,
                           size_t size, void (*entry)(void *arg), void *arg);
int ouro__context_swap(struct ouro__context *from, struct ouro__context *to,
                       int word);
_Noreturn void ouro__context_leave(struct ouro__context *from,
                                   struct ouro__context *to);

/* Call fn(arg), here and now, but so that whoever unwinds the stack from there
 * comes to the frames of `context`, which is suspended, and not to ours.  For
 * backtraces.  There is none with ucontext. */
void ouro__context_visit(const struct ouro__context *context,
                         void (*fn)(void *arg), void *arg);

#ifdef OURO__CONTEXT_TOLD

/* Suspend `from`, which is running, and resume `to` with `word`.  Returns when
 * somebody switches back to `from`, the word that it is given then. */
int ouro__context_pass(struct ouro__context *from, struct ouro__context *to,
                       int word);

/* Leave `from` for ever and resume `to`, with the word 0, which may then use
 * its stack for something else. */
_Noreturn void ouro__context_exit(struct ouro__context *from,
                                  struct ouro__context *to);

#else

static inline int
ouro__context_pass(struct ouro__context *from, struct ouro__context *to,
                   int word)
{
    return ouro__context_swap(from, to, word);
}

_Noreturn static inline void
ouro__context_exit(struct ouro__context *from, struct ouro__context *to)
{
    ouro__context_leave(from, to);
}

#endif

/* The same without a word. */
static inline void
ouro__context_switch(struct ouro__context *from, struct ouro__context *to)
{
    (void)ouro__context_pass(from, to, 0);
}

#endif
