/* SPDX-License-Identifier: MIT */
/* What a report of a broken rule can say about who broke it. */
#ifndef OURO_CHECK_H
#define OURO_CHECK_H

/* The name of the running task, NULL outside one.  The floor of tasks puts it
 * here; this floor must not know tasks.  NULL until then. */
extern const char *(*ouro__running_name)(void);

#endif
