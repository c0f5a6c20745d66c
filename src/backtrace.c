/* SPDX-License-Identifier: MIT */
/* Where a stack stands; see backtrace.h.
 *
 * libc can only tell where the caller stands.  So ouro__context_visit() makes a
 * call whose caller, for whoever unwinds, is the suspended context: what is
 * found beyond it is that context's.
 */
#include "backtrace.h"

#include "symbols.h"
#include "text.h"

#include <execinfo.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

/* Room for frames before the first that is wanted. */
enum { OWN_FRAMES = 16, ALL_FRAMES = OURO__BACKTRACE_FRAMES + OWN_FRAMES };

struct found {
    void *frames[ALL_FRAMES];
    int count;
};

/* Copy all but the innermost `first` frames.  Of these only the innermost may
 * be no return address. */
static size_t
copy_from(const struct found *found, int first, bool interrupted,
          void *frames[OURO__BACKTRACE_FRAMES])
{
    size_t count = 0;

    for (int i = first; i < found->count && count < OURO__BACKTRACE_FRAMES;
         i++) {
        uintptr_t address = (uintptr_t)found->frames[i];

        if (address == 0)
            break;
        address -= interrupted && count == 0 ? 0 : 1;
        frames[count++] = (void *)address;
    }
    return count;
}

static int
index_of(const struct found *found, const void *frame)
{
    for (int i = 0; i < found->count; i++) {
        if (found->frames[i] == frame)
            return i;
    }
    return -1;
}

#ifndef OURO_CONTEXT_UCONTEXT

/* In assembly: behind the call that ouro__context_visit() makes, and where
 * contexts start. */
extern char ouro__context_visited[];
extern char ouro__context_first[];

static void
find_frames(void *arg)
{
    struct found *found = arg;

    found->count = backtrace(found->frames, ALL_FRAMES);
}

/* The first frame of all says nothing. */
static void
drop_bottom(struct found *found)
{
    uintptr_t first = (uintptr_t)ouro__context_first;

    while (found->count > 0
           && (uintptr_t)found->frames[found->count - 1] - first < 8)
        found->count--;
}

size_t
ouro__backtrace_of(const struct ouro__context *context,
                   void *frames[OURO__BACKTRACE_FRAMES])
{
    struct found found;

    ouro__context_visit(context, find_frames, &found);
    drop_bottom(&found);
    int visited = index_of(&found, ouro__context_visited);
    return visited < 0 ? 0 : copy_from(&found, visited + 1, false, frames);
}

#else

size_t
ouro__backtrace_of(const struct ouro__context *context,
                   void *frames[OURO__BACKTRACE_FRAMES])
{
    (void)context;
    (void)frames;
    return 0;
}

#endif

/* NULL: not known for this processor. */
static void *
interrupted_at(const ucontext_t *registers)
{
#if defined(__x86_64__)
    return (void *)(uintptr_t)registers->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (void *)(uintptr_t)registers->uc_mcontext.pc;
#else
    (void)registers;
    return NULL;
#endif
}

size_t
ouro__backtrace_of_interrupted(const void *ucontext,
                               void *frames[OURO__BACKTRACE_FRAMES])
{
    struct found found;

    found.count = backtrace(found.frames, ALL_FRAMES);
    int first = index_of(&found, interrupted_at(ucontext));
    return copy_from(&found, first < 0 ? 0 : first, first >= 0, frames);
}

void
ouro__backtrace_prepare(void)
{
    void *frame;

    (void)backtrace(&frame, 1);
}

/* Compilers give the parts and the copies that they make of a function a
 * suffix: "read.part.0", "read.lto_priv.1". */
static int
size_of_name(const char *function)
{
    return (int)strcspn(function, ".");
}

static void
tell_frame(struct ouro__text *text, struct ouro__symbols *symbols,
           const void *frame)
{
    struct ouro__place place;

    ouro__symbols_find(symbols, frame, &place);
    ouro__text_add(text, "    at ");
    if (place.function != NULL)
        ouro__text_add(text, "%.*s+%#zx (%s)", size_of_name(place.function),
                       place.function, (size_t)place.offset, place.file);
    else if (place.file != NULL)
        ouro__text_add(text, "%s+%#zx", place.file, (size_t)place.offset);
    else
        ouro__text_add(text, "%#zx", (size_t)place.offset);
    ouro__text_end_line(text);
}

void
ouro__backtrace_tell(struct ouro__text *text, struct ouro__symbols *symbols,
                     void *const *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tell_frame(text, symbols, frames[i]);
}
