/* SPDX-License-Identifier: MIT */
/* An end that a multishot receive has missed; the story is in missed_end.h. */
#include "missed_end.h"

#include "list.h"

#include <poll.h>

enum { AT_ONCE = 64 };

/* Those to ask about, together. */
struct question {
    struct ouro__op *ops[AT_ONCE];
    struct pollfd sockets[AT_ONCE];
    nfds_t count;
};

void
ouro__missed_end_doubt(struct ouro__engine *engine, struct ouro__op *op)
{
    if ((op->marks & OURO__FRESH) != 0)
        return;

    op->marks |= OURO__IN_DOUBT | OURO__FRESH;
    ouro__list_remove(&op->link);
    ouro__list_append(&engine->flying, &op->link);
}

static void
settle(struct ouro__engine *engine, struct ouro__op *op)
{
    op->marks &= ~(uint32_t)OURO__IN_DOUBT;
    ouro__list_remove(&op->link);
    ouro__list_prepend(&engine->flying, &op->link);
}

static void
ask(struct ouro__engine *engine, struct question *question,
    ouro__missed_end_fn *fn)
{
    int told = 0;

    if (question->count > 0)
        told = poll(question->sockets, question->count, 0);
    for (nfds_t i = 0; i < question->count; i++) {
        settle(engine, question->ops[i]);
        if (told > 0 && question->sockets[i].revents != 0)
            fn(engine, question->ops[i]);
    }
    question->count = 0;
}

static void
add(struct question *question, struct ouro__op *op)
{
    question->ops[question->count] = op;
    question->sockets[question->count++] = (struct pollfd){
        .fd = op->fd,
        .events = POLLRDHUP,
    };
}

/* The op at `link` of `flying`; NULL: it is in no doubt, and nor are those
 * before it. */
static struct ouro__op *
doubtful_at(struct ouro__engine *engine, struct ouro__list *link)
{
    struct ouro__op *op = OURO_CONTAINER_OF(link, struct ouro__op, link);

    if (link == &engine->flying || (op->marks & OURO__IN_DOUBT) == 0)
        return NULL;
    return op;
}

bool
ouro__missed_end_look(struct ouro__engine *engine, ouro__missed_end_fn *fn)
{
    struct question question = {.count = 0};
    struct ouro__list *link = engine->flying.prev;
    struct ouro__op *op;
    bool others = false;

    while ((op = doubtful_at(engine, link)) != NULL) {
        link = link->prev;
        if ((op->marks & OURO__FRESH) != 0) {
            op->marks &= ~(uint32_t)OURO__FRESH;
            others = true;
            continue;
        }
        add(&question, op);
        if (question.count == AT_ONCE)
            ask(engine, &question, fn);
    }
    ask(engine, &question, fn);
    return others;
}
