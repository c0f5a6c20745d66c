/* SPDX-License-Identifier: MIT */
/* The report of a stack that overflowed, before the program dies of it. */
#ifndef OURO_OVERFLOW_H
#define OURO_OVERFLOW_H

#include <ouro/base.h>

/* Handle SIGSEGV on a stack of its own, if nobody does; true: installed. */
bool ouro__overflow_report_begin(void);

/* Put back what was there. */
void ouro__overflow_report_end(void);

#endif
