/* SPDX-License-Identifier: MIT */
/* What a kernel's io_uring can do, by name; none is taken for granted.
 *
 * OURO_URING_DISABLE=name,name turns features off, so that every fallback runs
 * on a new kernel too.
 */
#ifndef OURO_URING_FEATURES_H
#define OURO_URING_FEATURES_H

#include <ouro/base.h>

enum ouro__uring_feature {
    OURO__URING_SUBMIT_ALL = 1,
    OURO__URING_TASKRUN_FLAG = 2,
    OURO__URING_REGISTERED_RING = 4,
    OURO__URING_ABS_TIMER = 8,
    OURO__URING_NO_IOWAIT = 16,
    OURO__URING_MULTISHOT_ACCEPT = 32,
    OURO__URING_MULTISHOT_RECEIVE = 64,
    OURO__URING_BUFFER_RING = 128
};

/* All but those that the environment turns off. */
unsigned ouro__uring_features_wanted(void);

/* Of `wanted`, those that a kernel has whose params.features are `bits`. */
unsigned ouro__uring_features_of(unsigned wanted, unsigned bits);

/* The names of `wanted`, with spaces between; what does not fit is cut. */
void ouro__uring_features_text(char *text, size_t size, unsigned wanted);

#endif
