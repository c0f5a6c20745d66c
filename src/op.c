/* SPDX-License-Identifier: MIT */
/* The life of an operation; its story is in op.h. */
#include "op.h"

#include "engine.h"
#include "list.h"

void
ouro__engine_init(struct ouro__engine *engine,
                  const struct ouro__engine_ops *ops,
                  const struct ouro__socket_ops *sockets)
{
    engine->ops = ops;
    engine->sockets = sockets;
    engine->info = (struct ouro_engine_info){.name = ops->name};
    ouro__list_init(&engine->flying);
    engine->in_flight = 0;
    atomic_init(&engine->calls, 0);
    engine->count = 0;
}

void
ouro__op_init(struct ouro__op *op, enum ouro__op_kind kind, int fd,
              ouro__op_done_fn *done)
{
    *op = (struct ouro__op){
        .done = done,
        .fd = fd,
        .kind = (uint8_t)kind,
    };
}

void
ouro__op_submit(struct ouro__engine *engine, struct ouro__op *op)
{
    OURO_CHECK(!op->in_flight, "an operation is submitted once at a time");

    op->in_flight = true;
    op->cancel_wanted = false;
    op->marks = 0;
    engine->in_flight++;
    engine->ops->submit(engine, op);
}

void
ouro__op_cancel(struct ouro__engine *engine, struct ouro__op *op)
{
    if (!op->in_flight || op->cancel_wanted)
        return;

    op->cancel_wanted = true;
    engine->ops->cancel(engine, op);
}

void
ouro__op_completed(struct ouro__engine *engine,
                   const struct ouro__completion *completion)
{
    OURO_CHECK(ouro__engine_has_room(engine),
               "an engine brings no more completions than there is room for");

    engine->batch[engine->count++] = *completion;
}

/* One thread writes it, so it need not be one step. */
static void
count_call(struct ouro__engine *engine)
{
    uint64_t calls = atomic_load_explicit(&engine->calls, memory_order_relaxed);

    atomic_store_explicit(&engine->calls, calls + 1, memory_order_relaxed);
}

static void
dispatch_one(struct ouro__engine *engine,
             const struct ouro__completion *completion)
{
    struct ouro__op *op = completion->op;

    if (!completion->more) {
        op->in_flight = false;
        engine->in_flight--;
    }
    count_call(engine);
    op->done(op, completion);
    if (completion->data != NULL)
        engine->ops->give_back(engine, completion);
}

void
ouro__op_dispatch(struct ouro__engine *engine)
{
    for (unsigned i = 0; i < engine->count; i++)
        dispatch_one(engine, &engine->batch[i]);
    engine->count = 0;
}
