/* SPDX-License-Identifier: MIT */
/* The signal that asks for a dump of tasks. */
#include <ouro/dump.h>

#include <unistd.h>

static void
dump_to_stderr(void *arg)
{
    const struct ouro_signal_handler *handler = arg;

    ouro_dump_tasks(handler->loop, STDERR_FILENO);
}

int
ouro__dump_on_signal(struct ouro_loop *loop,
                     struct ouro_signal_handler *handler, int number,
                     const char *site)
{
    return ouro__add_signal_handler(loop, handler, number, dump_to_stderr,
                                    handler, site);
}
