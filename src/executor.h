/* SPDX-License-Identifier: MIT */
/* The executors of a loop, for who ends it. */
#ifndef OURO_EXECUTOR_IMPL_H
#define OURO_EXECUTOR_IMPL_H

#include <ouro/executor.h>

/* They accept no more calls. */
void ouro__executors_close(struct ouro_loop *loop);

/* Report each call that is still made. */
void ouro__executors_report(struct ouro_loop *loop);

#endif
