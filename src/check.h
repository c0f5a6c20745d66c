/* SPDX-License-Identifier: MIT */
/* What a report of a broken rule can say about who broke it. */
#ifndef OURO_CHECK_H
#define OURO_CHECK_H

typedef const char *ouro__running_name_fn(void);

/* The name of the running task, NULL outside one.  The floor of tasks puts it
 * here; this floor must not know tasks.  NULL until then.  Atomic, since every
 * thread that makes a loop does so. */
extern _Atomic(ouro__running_name_fn *) ouro__running_name;

#endif
