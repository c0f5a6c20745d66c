/* SPDX-License-Identifier: MIT */
/* How a loop is made, and how it ends.
 *
 * The end, in order: the last mail is delivered; each floor gives back what it
 * kept; what is in flight is cancelled and waited for, bounded; what is left is
 * reported with the place that made it; the memory goes.  If the kernel will
 * not give an operation up the ring and its memory are leaked on purpose, and
 * that is reported too.
 */
#include "alloc.h"
#include "loop.h"
#include "loops.h"
#include "mailbox.h"
#include "refused.h"

#include <errno.h>
#include <stdio.h>

/* Options, with the defaults that stand in loop.h. */

static void
fill_in_defaults(struct ouro_loop_options *options)
{
    if (options->ring_entries == 0)
        options->ring_entries = 256;
    if (options->completion_entries == 0)
        options->completion_entries =
            options->ring_entries < 2048 ? 4096 : 2 * options->ring_entries;
    if (options->stack_size == 0)
        options->stack_size = 64 * 1024;
    if (options->receive_memory == 0)
        options->receive_memory = 1024 * 1024;
    if (options->cancel_limit_ns == 0)
        options->cancel_limit_ns = OURO_SECONDS(30);
}

static int
refuse(const struct ouro_loop_options *options, const char *why)
{
    if (options->report != NULL)
        snprintf(options->report->text, sizeof(options->report->text),
                 "loop options: %s", why);
    return -EINVAL;
}

int
ouro__loop_check_options(const struct ouro_loop_options *options)
{
    struct ouro_loop_options o = *options;

    fill_in_defaults(&o);
    if (o.engine != OURO_ENGINE_AUTO && o.engine != OURO_ENGINE_URING)
        return refuse(&o, "engine is none of enum ouro_engine");
    if (o.ring_entries > 32768)
        return refuse(&o, "ring_entries is above 32768");
    if (o.completion_entries < 2 * o.ring_entries
        || o.completion_entries > 65536)
        return refuse(&o, "completion_entries is not between twice "
                          "ring_entries and 65536");
    if (o.stack_size < 16 * 1024 || o.stack_size > (size_t)1 << 30)
        return refuse(&o, "stack_size is not between 16 KiB and 1 GiB");
    if (o.receive_memory < 64 * 1024 || o.receive_memory > (size_t)1 << 28)
        return refuse(&o, "receive_memory is not between 64 KiB and 256 MiB");
    if (o.receive > OURO_RECEIVE_POLL)
        return refuse(&o, "receive is none of enum ouro_receive");
    if (o.cancel_limit_ns < 0)
        return refuse(&o, "cancel_limit_ns is negative");
    return 0;
}

/* Making one. */

static void
loop_init(struct ouro_loop *loop, struct ouro__engine *engine,
          struct ouro_mailbox *mailbox, const struct ouro_loop_options *options)
{
    loop->engine = engine;
    loop->mailbox = mailbox;
    ouro__list_init(&loop->ready);
    ouro__list_init(&loop->running);
    ouro__list_init(&loop->flushes);
    ouro__list_init(&loop->transports);
    ouro__list_init(&loop->servers);
    ouro__list_init(&loop->starved);
    loop->thread = &ouro__this_thread;
    ouro__loop_remember_process(loop);
    loop->options = *options;
    loop->options.report = NULL;
    fill_in_defaults(&loop->options);
    loop->exception_handler = options->exception_handler;
    loop->exception_arg = options->exception_arg;
}

int
ouro__loop_new_on(struct ouro_loop **out_loop, struct ouro__engine *engine,
                  struct ouro_mailbox *mailbox,
                  const struct ouro_loop_options *options)
{
    struct ouro_loop *loop = ouro__alloc_zeroed(sizeof(*loop));

    if (loop == NULL) {
        engine->ops->free(engine);
        ouro_mailbox_unref(mailbox);
        return -ENOMEM;
    }
    loop_init(loop, engine, mailbox, options);
    ouro__loops_add(loop);
    *out_loop = loop;
    return 0;
}

/* On io_uring. */
static int
loop_new(struct ouro_loop **out_loop, const struct ouro_loop_options *wanted)
{
    struct ouro_mailbox *mailbox;
    struct ouro__engine *engine;

    int rc = ouro__mailbox_new(&mailbox);
    if (rc < 0) {
        ouro__explain_refusal(wanted->report, "eventfd", rc);
        return rc;
    }

    struct ouro__engine_options how = {
        .loop = wanted,
        .wake_fd = ouro__mailbox_descriptor(mailbox),
    };
    rc = ouro__engine_uring_new(&engine, &how);
    if (rc < 0) {
        ouro_mailbox_unref(mailbox);
        return rc;
    }
    return ouro__loop_new_on(out_loop, engine, mailbox, wanted);
}

int
ouro_loop_new(struct ouro_loop **out_loop,
              const struct ouro_loop_options *options)
{
    static const struct ouro_loop_options defaults;
    struct ouro_loop_options wanted = options != NULL ? *options : defaults;
    struct ouro_report *report = wanted.report;
    struct ouro_report why = {"no memory for a loop"};

    int rc = ouro__loop_check_options(&wanted);
    if (rc < 0)
        return rc;
    fill_in_defaults(&wanted);
    wanted.report = &why;
    rc = loop_new(out_loop, &wanted);
    if (rc < 0 && report != NULL)
        *report = why;
    return rc;
}

/* The end. */

static void
end_floors(struct ouro_loop *loop)
{
    for (size_t i = OURO__FLOOR_COUNT; i > 0; i--) {
        void *kept = loop->floors[i - 1];

        if (kept == NULL)
            continue;
        loop->floors[i - 1] = NULL;
        loop->end_floor[i - 1](loop, kept);
    }
}

/* A cancel may move an op to another list of the engine. */
static void
cancel_operations(struct ouro__engine *engine)
{
    struct ouro__list *next;

    for (struct ouro__list *link = engine->flying.next; link != &engine->flying;
         link = next) {
        next = link->next;
        ouro__op_cancel(engine, OURO_CONTAINER_OF(link, struct ouro__op, link));
    }
}

/* Two seconds: a kernel worker that has not let go by then never will. */
static void
end_operations(struct ouro_loop *loop)
{
    struct ouro__engine *engine = loop->engine;
    int64_t deadline_ns = ouro_loop_time_ns(loop) + OURO_SECONDS(2);

    for (int i = 0; engine->in_flight > 0 && i < 100000; i++) {
        cancel_operations(engine);
        engine->ops->wait(engine, deadline_ns);
        ouro__op_dispatch(engine);
        if (ouro_loop_time_ns(loop) >= deadline_ns)
            break;
    }
}

void
ouro__loop_report_handles(struct ouro_loop *loop)
{
    struct ouro__list *link;

    while ((link = ouro__list_shift(&loop->ready)) != NULL) {
        struct ouro_handle *handle =
            OURO_CONTAINER_OF(link, struct ouro_handle, link);

        handle->state = OURO__HANDLE_IDLE;
        ouro__loop_report(loop, "a call was still waiting to be made", 0, NULL,
                          handle->site);
    }
    while (loop->timers.root != NULL) {
        struct ouro_handle *handle = loop->timers.root;

        ouro_handle_cancel(handle);
        ouro__loop_report(loop, "a timer was still waiting", 0, NULL,
                          handle->site);
    }
}

/* A post that was accepted runs: what the poster gave away with it is freed. */
static void
run_last_mail(struct ouro_loop *loop)
{
    struct ouro__list left;

    ouro__list_init(&left);
    ouro__list_splice(&left, &loop->ready);
    ouro__mailbox_close(loop->mailbox, loop);
    struct ouro_loop *outer = ouro__loop_set_running(loop);
    ouro__loop_run_ready(loop);
    ouro__loop_set_running(outer);
    ouro__list_splice(&left, &loop->ready);
    ouro__list_splice(&loop->ready, &left);
}

void
ouro_loop_free(struct ouro_loop *loop)
{
    if (loop == NULL)
        return;
    ouro__loop_check_owner(loop);
    ouro__loop_check_process(loop);
    OURO_CHECK(!loop->is_running, "a loop is not freed while it runs");

    run_last_mail(loop);
    end_floors(loop);
    end_operations(loop);
    ouro__loop_report_handles(loop);
    ouro__mailbox_end(loop->mailbox);
    ouro_mailbox_unref(loop->mailbox);
    ouro__loops_remove(loop);

    if (loop->engine->in_flight > 0) {
        ouro__loop_report(loop,
                          "the kernel keeps operations in flight; the ring "
                          "and their memory are leaked on purpose",
                          -EBUSY, loop->engine->info.name, NULL);
        return;
    }
    loop->engine->ops->free(loop->engine);
    ouro__free(loop);
}
