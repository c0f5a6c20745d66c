/* SPDX-License-Identifier: MIT */
/* Why a kernel refuses io_uring, and what to do about it, as a sentence. */
#ifndef OURO_REFUSED_H
#define OURO_REFUSED_H

#include <ouro/error.h>

/* Tell in `report` (NULL: nobody) why `call` failed with `error`, negative. */
void ouro__explain_refusal(struct ouro_report *report, const char *call,
                           int error);

/* What kernel.io_uring_disabled says; 0 where there is no such file. */
int ouro__uring_sysctl(void);

#endif
