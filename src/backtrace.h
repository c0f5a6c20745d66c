/* SPDX-License-Identifier: MIT */
/* Where a stack stands: the functions on it, innermost first.
 *
 * A frame is an address in a function; of one that has called another, in the
 * call, not behind it.
 */
#ifndef OURO_BACKTRACE_H
#define OURO_BACKTRACE_H

#include "context.h"

#include <stddef.h>

struct ouro__symbols;
struct ouro__text;

enum { OURO__BACKTRACE_FRAMES = 64 };

/* The frames of a suspended context; returns how many.  Any thread may ask, as
 * long as it stays suspended.  None where contexts are made by ucontext. */
size_t ouro__backtrace_of(const struct ouro__context *context,
                          void *frames[OURO__BACKTRACE_FRAMES]);

/* In a signal handler with SA_SIGINFO: those of what it has interrupted;
 * `ucontext` is its third argument. */
size_t ouro__backtrace_of_interrupted(const void *ucontext,
                                      void *frames[OURO__BACKTRACE_FRAMES]);

/* Let libc load what it needs for backtraces, so that a signal handler need
 * not. */
void ouro__backtrace_prepare(void);

/* Write them down, a line each.  `symbols` may be NULL. */
void ouro__backtrace_tell(struct ouro__text *text,
                          struct ouro__symbols *symbols, void *const *frames,
                          size_t count);

#endif
