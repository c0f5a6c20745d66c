/* SPDX-License-Identifier: MIT */
/* Signals as something that a task waits for. */
#include "signals.h"
#include "task.h"

/* What came stays in the handler until it is waited for. */
static void
tell(void *arg)
{
    struct ouro_signals *signals = arg;

    ouro_future_set_result(&signals->news, NULL);
}

int
ouro_signals_begin(struct ouro_signals *signals, const int *numbers,
                   size_t count)
{
    struct ouro_loop *loop = ouro__task_here()->tasks->loop;

    *signals = (struct ouro_signals){
        .handler = {.fn = tell, .arg = signals},
    };
    ouro_future_init(&signals->news, loop);
    return ouro__signals_add(loop, &signals->handler, numbers, count,
                             OURO_HERE);
}

/* Take the lowest of those that came; 0: none has. */
static int
take_one(struct ouro_signal_handler *handler)
{
    if (handler->came == 0)
        return 0;

    int number = __builtin_ctzll(handler->came) + 1;
    handler->came &= handler->came - 1;
    return number;
}

static const struct ouro__wait_kind wait_signal = {.text = "a signal"};

int
ouro_signals_wait(struct ouro_signals *signals)
{
    int rc = ouro__checkpoint();
    int number = 0;

    while (rc == 0 && (number = take_one(&signals->handler)) == 0) {
        OURO_CHECK(ouro__list_is_empty(&signals->news.waiters),
                   "one task at a time waits for the same signals");
        ouro_future_fini(&signals->news);
        ouro_future_init(&signals->news, signals->handler.loop);
        rc = ouro__await_plainly_for(&signals->news, &wait_signal, signals);
    }
    return rc < 0 ? rc : number;
}

void
ouro_signals_end(struct ouro_signals *signals)
{
    ouro_remove_signal_handler(&signals->handler);
    ouro_future_fini(&signals->news);
}

int
ouro_wait_signal(int number)
{
    struct ouro_signals signals;

    int rc = ouro__checkpoint();
    if (rc < 0)
        return rc;
    rc = ouro_signals_begin(&signals, &number, 1);
    if (rc < 0)
        return rc;
    rc = ouro_signals_wait(&signals);
    ouro_signals_end(&signals);
    return rc;
}
