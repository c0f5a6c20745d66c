/* SPDX-License-Identifier: MIT */
/* Signals from inside: a handler of several. */
#ifndef OURO_SIGNALS_IMPL_H
#define OURO_SIGNALS_IMPL_H

#include "loop.h"

#include <ouro/signals.h>

/*
 * As ouro_add_signal_handler(), for all of `numbers`; which of them came since
 * is in handler->came, for `fn` to take.
 */
OURO_MUST_USE int ouro__signals_add(struct ouro_loop *loop,
                                    struct ouro_signal_handler *handler,
                                    const int *numbers, size_t count,
                                    const char *site);

#endif
