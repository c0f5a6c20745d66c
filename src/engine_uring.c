/* SPDX-License-Identifier: MIT */
/* The io_uring engine: the only file that knows liburing.
 *
 * One ring, made and used by the loop's thread.  An entry's user data is the
 * address of its op with a tag in the low bits.  It has more than 600 lines
 * because no other file may know liburing.
 *
 * The happy path:
 *
 * - submit() fills an entry; wait() hands all of them over, waits and reaps in
 *   one call, and queues what came.
 * - A receive takes a buffer from the ring of shared ones; it goes back when
 *   `done` has returned.
 *
 * What may happen instead:
 *
 * - No entry is free: the queue is submitted on the spot; if even that gives
 *   none, the op waits in `waiting` until the next wait.
 * - A cancel: it has an entry and a completion of its own.  The last
 *   completion of the op is held until the cancel's is in, so that the cancel
 *   never names memory that is gone.
 * - The cancel found nothing, and the op lives: it goes to `waiting`, and is
 *   cancelled again before the next wait.
 * - A receive may have missed its end (missed_end.h): while any is in doubt, a
 *   tick looks for that four times a second.  It is cancelled then, and ends
 *   with -ENOBUFS: the end is in the socket still, for recv(2).
 * - The call is interrupted, or its time is up: what counts is what the
 *   completion queue holds, never what the call returned.
 */
#include "alloc.h"
#include "engine.h"
#include "list.h"
#include "missed_end.h"
#include "poison.h"
#include "refused.h"
#include "uring_features.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* What liburing 2.3 has no name for. */
enum {
    ENTER_ABS_TIMER = 1 << 5, /* Linux 6.12 */
    ENTER_NO_IOWAIT = 1 << 7  /* Linux 6.15 */
};

enum { RECEIVE_SIZE = 16 * 1024, RECEIVE_GROUP = 0 };

/* What the low bits of user data say. */
enum tag { TAG_OP, TAG_CANCEL, TAG_WAKE, TAG_TICK, TAG_PROBE, TAG_MASK = 7 };

_Static_assert(_Alignof(struct ouro__op) > TAG_MASK,
               "the low bits of an op's address are free");

/* op->marks, below those of missed_end.h */
enum {
    MARK_CANCELLING = 1,   /* a cancel is out, and its completion is not in */
    MARK_HELD = 2,         /* the last completion waits for that */
    MARK_WANTS_ENTRY = 4,  /* in `waiting`: not submitted yet */
    MARK_WANTS_CANCEL = 8, /* in `waiting`: its cancel is not, or missed */
    MARK_ENDED = 16,       /* its last completion is queued: too late */
    MARK_MISSED = 32       /* the engine cancels it, for it missed its end */
};

struct uring {
    struct ouro__engine base;
    struct io_uring ring;
    struct io_uring_buf_ring *buffers; /* NULL: none */
    uint8_t *memory;                   /* of the buffers */
    unsigned buffer_count;
    unsigned free_buffers;
    unsigned features; /* enum ouro__uring_feature, as bits */
    struct ouro__list waiting;
    int wake_fd;
    bool wake_armed;
    bool in_doubt; /* there are receives which may have missed their end */
    bool tick_armed;
    char features_text[256];
    char missing_text[256];
};

static struct uring *
uring_of(struct ouro__engine *engine)
{
    return OURO_CONTAINER_OF(engine, struct uring, base);
}

static bool
has(const struct uring *uring, unsigned feature)
{
    return (uring->features & feature) != 0;
}

/* Entering the kernel. */

static unsigned
unsubmitted(struct uring *uring)
{
    struct io_uring_sq *sq = &uring->ring.sq;

    io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
    return sq->sqe_tail - io_uring_smp_load_acquire(sq->khead);
}

static int
enter(struct uring *uring, unsigned submit, unsigned want, unsigned flags,
      struct io_uring_getevents_arg *arg)
{
    if (has(uring, OURO__URING_REGISTERED_RING))
        flags |= IORING_ENTER_REGISTERED_RING;
    if (want > 0 && has(uring, OURO__URING_NO_IOWAIT))
        flags |= ENTER_NO_IOWAIT;

    return io_uring_enter2((unsigned)uring->ring.enter_ring_fd, submit, want,
                           flags, (sigset_t *)(void *)arg,
                           arg != NULL ? sizeof(*arg) : _NSIG / 8);
}

/* An entry, or NULL: the kernel takes no more at the moment. */
static struct io_uring_sqe *
next_entry(struct uring *uring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

    if (sqe != NULL)
        return sqe;
    (void)enter(uring, unsubmitted(uring), 0, 0, NULL);
    return io_uring_get_sqe(&uring->ring);
}

static void
set_user_data(struct io_uring_sqe *sqe, const struct ouro__op *op, enum tag tag)
{
    sqe->user_data = (uint64_t)(uintptr_t)op | (uint64_t)tag;
}

/* Submitting. */

static void
prepare_receive(struct io_uring_sqe *sqe, const struct ouro__op *op)
{
    io_uring_prep_recv_multishot(sqe, op->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = RECEIVE_GROUP;
}

static void
prepare_accept(const struct uring *uring, struct io_uring_sqe *sqe,
               const struct ouro__op *op)
{
    int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;

    if (has(uring, OURO__URING_MULTISHOT_ACCEPT))
        io_uring_prep_multishot_accept(sqe, op->fd, NULL, NULL, flags);
    else
        io_uring_prep_accept(sqe, op->fd, NULL, NULL, flags);
}

static void
prepare(const struct uring *uring, struct io_uring_sqe *sqe,
        const struct ouro__op *op)
{
    switch ((enum ouro__op_kind)op->kind) {
    case OURO__OP_POLL:
        if (op->multishot)
            io_uring_prep_poll_multishot(sqe, op->fd, op->with.poll_events);
        else
            io_uring_prep_poll_add(sqe, op->fd, op->with.poll_events);
        break;
    case OURO__OP_RECV:
        prepare_receive(sqe, op);
        break;
    case OURO__OP_ACCEPT:
        prepare_accept(uring, sqe, op);
        break;
    case OURO__OP_SEND:
        io_uring_prep_sendmsg(sqe, op->fd, op->with.message,
                              MSG_WAITALL | MSG_NOSIGNAL);
        break;
    case OURO__OP_CONNECT:
        io_uring_prep_connect(sqe, op->fd, &op->with.address->of.any,
                              op->with.address->size);
        break;
    }
    set_user_data(sqe, op, TAG_OP);
}

static void
put_in_waiting(struct uring *uring, struct ouro__op *op, uint32_t mark)
{
    op->marks &= ~(uint32_t)(OURO__IN_DOUBT | OURO__FRESH);
    op->marks |= mark;
    ouro__list_append(&uring->waiting, &op->link);
}

static void
uring_submit(struct ouro__engine *engine, struct ouro__op *op)
{
    struct uring *uring = uring_of(engine);
    struct io_uring_sqe *sqe = next_entry(uring);

    if (sqe == NULL) {
        put_in_waiting(uring, op, MARK_WANTS_ENTRY);
        return;
    }
    prepare(uring, sqe, op);
    ouro__list_prepend(&engine->flying, &op->link);
}

/* The op is in `flying`; afterwards it is there, or in `waiting`. */
static void
submit_cancel(struct uring *uring, struct ouro__op *op)
{
    struct io_uring_sqe *sqe = next_entry(uring);

    if (sqe == NULL) {
        ouro__list_remove(&op->link);
        put_in_waiting(uring, op, MARK_WANTS_CANCEL);
        return;
    }
    io_uring_prep_cancel64(sqe, (uint64_t)(uintptr_t)op, 0);
    set_user_data(sqe, op, TAG_CANCEL);
    op->marks |= MARK_CANCELLING;
}

static void
uring_cancel(struct ouro__engine *engine, struct ouro__op *op)
{
    uint32_t no_use =
        MARK_WANTS_ENTRY | MARK_WANTS_CANCEL | MARK_CANCELLING | MARK_ENDED;

    if ((op->marks & no_use) == 0)
        submit_cancel(uring_of(engine), op);
}

/* It never had an entry, and its cancel was asked for: it never gets one. */
static void
end_unsubmitted(struct uring *uring, struct ouro__op *op)
{
    struct ouro__completion none = {.op = op, .result = -ECANCELED};

    if (ouro__engine_has_room(&uring->base))
        ouro__op_completed(&uring->base, &none);
    else
        put_in_waiting(uring, op, MARK_WANTS_ENTRY);
}

static void
retry_one(struct uring *uring, struct ouro__op *op)
{
    bool wants_entry = (op->marks & MARK_WANTS_ENTRY) != 0;

    op->marks &= ~(uint32_t)(MARK_WANTS_ENTRY | MARK_WANTS_CANCEL);
    if (wants_entry && op->cancel_wanted) {
        end_unsubmitted(uring, op);
    } else if (wants_entry) {
        uring_submit(&uring->base, op);
    } else {
        ouro__list_prepend(&uring->base.flying, &op->link);
        submit_cancel(uring, op);
    }
}

/* Receives that may have missed their end. */

static void
arm_tick(struct uring *uring)
{
    static struct __kernel_timespec tick = {.tv_nsec = 250 * 1000 * 1000};
    struct io_uring_sqe *sqe = next_entry(uring);

    if (sqe == NULL)
        return;
    io_uring_prep_timeout(sqe, &tick, 0, 0);
    set_user_data(sqe, NULL, TAG_TICK);
    uring->tick_armed = true;
}

static void
end_was_missed(struct ouro__engine *engine, struct ouro__op *op)
{
    if (op->cancel_wanted)
        return;
    op->marks |= MARK_MISSED;
    submit_cancel(uring_of(engine), op);
}

static void
note_received(struct uring *uring, struct ouro__op *op)
{
    uint32_t ending = MARK_WANTS_CANCEL | MARK_CANCELLING;

    if ((op->marks & ending) != 0)
        return;
    ouro__missed_end_doubt(&uring->base, op);
    uring->in_doubt = true;
}

/* What the last wait left behind. */
static void
retry_waiting(struct uring *uring)
{
    struct ouro__list again;
    struct ouro__list *link;

    ouro__list_init(&again);
    ouro__list_splice(&again, &uring->waiting);
    while ((link = ouro__list_shift(&again)) != NULL)
        retry_one(uring, OURO_CONTAINER_OF(link, struct ouro__op, link));
}

/* Reaping. */

static void
emit(struct uring *uring, struct ouro__op *op, int result, uint32_t flags)
{
    struct ouro__completion completion = {
        .op = op,
        .result = result,
        .more = (flags & IORING_CQE_F_MORE) != 0,
    };

    if (flags & IORING_CQE_F_BUFFER) {
        completion.buffer = (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT);
        completion.data =
            uring->memory + (size_t)completion.buffer * RECEIVE_SIZE;
        if (result > 0)
            OURO__UNPOISON(completion.data, (size_t)result);
        uring->free_buffers--;
    }
    if (completion.more && op->kind == OURO__OP_RECV)
        note_received(uring, op);
    if (!completion.more) {
        if ((op->marks & MARK_MISSED) != 0 && result == -ECANCELED)
            completion.result = -ENOBUFS;
        op->marks |= MARK_ENDED;
        ouro__list_remove(&op->link);
    }
    ouro__op_completed(&uring->base, &completion);
}

/* Without multishot accept each completion is the last: ask again at once. */
static bool
ask_again(struct uring *uring, struct ouro__op *op, int result)
{
    if (op->kind != OURO__OP_ACCEPT || result < 0 || op->cancel_wanted
        || has(uring, OURO__URING_MULTISHOT_ACCEPT))
        return false;

    struct io_uring_sqe *sqe = next_entry(uring);
    if (sqe == NULL)
        return false;
    prepare(uring, sqe, op);
    return true;
}

static void
reap_op(struct uring *uring, struct ouro__op *op, int result, uint32_t flags)
{
    if ((flags & IORING_CQE_F_MORE) == 0) {
        if (ask_again(uring, op, result))
            flags |= IORING_CQE_F_MORE;
        else if (op->marks & MARK_CANCELLING) {
            op->marks |= MARK_HELD;
            op->held_result = result;
            op->held_flags = flags;
            return;
        }
    }
    emit(uring, op, result, flags);
}

static void
reap_cancel(struct uring *uring, struct ouro__op *op, int result)
{
    op->marks &= ~(uint32_t)MARK_CANCELLING;
    if (op->marks & MARK_HELD) {
        emit(uring, op, op->held_result, op->held_flags);
    } else if (result == -ENOENT) {
        ouro__list_remove(&op->link);
        put_in_waiting(uring, op, MARK_WANTS_CANCEL);
    }
}

static void
reap_one(struct uring *uring, const struct io_uring_cqe *cqe)
{
    uint64_t data = cqe->user_data;
    struct ouro__op *op =
        (struct ouro__op *)(uintptr_t)(data & ~(uint64_t)TAG_MASK);

    switch ((enum tag)(data & TAG_MASK)) {
    case TAG_OP:
        reap_op(uring, op, cqe->res, cqe->flags);
        break;
    case TAG_CANCEL:
        reap_cancel(uring, op, cqe->res);
        break;
    case TAG_WAKE:
        uring->wake_armed = (cqe->flags & IORING_CQE_F_MORE) != 0;
        break;
    case TAG_TICK:
        uring->tick_armed = false;
        uring->in_doubt = ouro__missed_end_look(&uring->base, end_was_missed);
        break;
    default:
        break;
    }
}

static bool
has_completions(const struct uring *uring)
{
    const struct io_uring_cq *cq = &uring->ring.cq;

    return io_uring_smp_load_acquire(cq->ktail) != *cq->khead;
}

static void
reap(struct uring *uring)
{
    struct io_uring_cq *cq = &uring->ring.cq;
    unsigned head = *cq->khead;
    unsigned tail = io_uring_smp_load_acquire(cq->ktail);

    while (head != tail && ouro__engine_has_room(&uring->base))
        reap_one(uring, &cq->cqes[head++ & cq->ring_mask]);
    io_uring_smp_store_release(cq->khead, head);
}

/* Waiting. */

static int64_t
uring_now_ns(const struct ouro__engine *engine)
{
    struct timespec now;

    (void)engine;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool
kernel_has_work(const struct uring *uring)
{
    unsigned flags = IO_URING_READ_ONCE(*uring->ring.sq.kflags);

    if (!has(uring, OURO__URING_TASKRUN_FLAG))
        return true;
    return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

static void
look(struct uring *uring)
{
    unsigned submit = unsubmitted(uring);

    if (submit > 0 || kernel_has_work(uring))
        (void)enter(uring, submit, 0, IORING_ENTER_GETEVENTS, NULL);
}

static void
sleep_until(struct uring *uring, int64_t until_ns)
{
    struct __kernel_timespec time;
    struct io_uring_getevents_arg arg = {0};
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;

    if (until_ns != OURO_FOREVER) {
        int64_t now_ns = uring_now_ns(&uring->base);

        if (until_ns <= now_ns) {
            look(uring);
            return;
        }
        if (has(uring, OURO__URING_ABS_TIMER))
            flags |= ENTER_ABS_TIMER;
        else
            until_ns -= now_ns;
        time.tv_sec = until_ns / 1000000000;
        time.tv_nsec = until_ns % 1000000000;
        arg.ts = (uint64_t)(uintptr_t)&time;
    }
    (void)enter(uring, unsubmitted(uring), 1, flags, &arg);
}

static void
arm_wake(struct uring *uring)
{
    struct io_uring_sqe *sqe = next_entry(uring);

    if (sqe == NULL)
        return;
    io_uring_prep_poll_multishot(sqe, uring->wake_fd, POLLIN);
    set_user_data(sqe, NULL, TAG_WAKE);
    uring->wake_armed = true;
}

static void
uring_wait(struct ouro__engine *engine, int64_t until_ns)
{
    struct uring *uring = uring_of(engine);

    if (!uring->wake_armed)
        arm_wake(uring);
    if (uring->in_doubt && !uring->tick_armed)
        arm_tick(uring);
    if (!ouro__list_is_empty(&uring->waiting))
        retry_waiting(uring);

    if (until_ns <= 0 || engine->count > 0 || has_completions(uring)
        || !uring->wake_armed || !ouro__list_is_empty(&uring->waiting))
        look(uring);
    else
        sleep_until(uring, until_ns);
    reap(uring);
}

/* Shared receive buffers. */

static void
add_buffer(struct uring *uring, unsigned index)
{
    uint8_t *data = uring->memory + (size_t)index * RECEIVE_SIZE;

    OURO__POISON(data, RECEIVE_SIZE);
    io_uring_buf_ring_add(uring->buffers, data, RECEIVE_SIZE,
                          (unsigned short)index, (int)uring->buffer_count - 1,
                          0);
    io_uring_buf_ring_advance(uring->buffers, 1);
    uring->free_buffers++;
}

static void
uring_give_back(struct ouro__engine *engine,
                const struct ouro__completion *completion)
{
    add_buffer(uring_of(engine), completion->buffer);
}

static void *
map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return memory != MAP_FAILED ? memory : NULL;
}

static size_t
size_of_buffers(const struct uring *uring)
{
    return (size_t)uring->buffer_count * RECEIVE_SIZE;
}

static size_t
size_of_buffer_ring(const struct uring *uring)
{
    return (size_t)uring->buffer_count * sizeof(struct io_uring_buf);
}

static int
register_buffers(struct uring *uring)
{
    struct io_uring_buf_reg reg = {
        .ring_addr = (uint64_t)(uintptr_t)uring->buffers,
        .ring_entries = uring->buffer_count,
        .bgid = RECEIVE_GROUP,
    };

    int rc = io_uring_register_buf_ring(&uring->ring, &reg, 0);
    if (rc < 0)
        return rc;

    io_uring_buf_ring_init(uring->buffers);
    for (unsigned i = 0; i < uring->buffer_count; i++)
        add_buffer(uring, i);
    uring->base.info.receive_memory = size_of_buffers(uring);
    return 0;
}

static void
unmap_buffers(struct uring *uring)
{
    if (uring->buffers != NULL)
        munmap(uring->buffers, size_of_buffer_ring(uring));
    if (uring->memory != NULL) {
        OURO__UNPOISON(uring->memory, size_of_buffers(uring));
        munmap(uring->memory, size_of_buffers(uring));
    }
    uring->buffers = NULL;
    uring->memory = NULL;
}

static unsigned
power_of_two_below(size_t count)
{
    unsigned power = 1;

    while (power * 2 <= count)
        power *= 2;
    return power;
}

/* Where there are none, receiving goes by poll and recv(2). */
static int
make_buffers(struct uring *uring, size_t receive_memory)
{
    uring->buffer_count = power_of_two_below(receive_memory / RECEIVE_SIZE);
    uring->buffers = map(size_of_buffer_ring(uring));
    uring->memory = map(size_of_buffers(uring));

    int rc = uring->buffers == NULL || uring->memory == NULL
                 ? -ENOMEM
                 : register_buffers(uring);
    if (rc < 0)
        unmap_buffers(uring);
    return rc;
}

/* Making the engine. */

static int
try_set_up(struct uring *uring, const struct ouro_loop_options *options,
           unsigned completions)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
                 | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE,
        .cq_entries = completions,
    };

    if (has(uring, OURO__URING_TASKRUN_FLAG))
        params.flags |= IORING_SETUP_TASKRUN_FLAG;
    if (has(uring, OURO__URING_SUBMIT_ALL))
        params.flags |= IORING_SETUP_SUBMIT_ALL;

    int rc = io_uring_queue_init_params(options->ring_entries, &uring->ring,
                                        &params);
    if (rc < 0)
        return rc;

    uring->base.info.ring_entries = params.sq_entries;
    uring->base.info.completion_entries = params.cq_entries;
    uring->features = ouro__uring_features_of(uring->features, params.features);
    return 0;
}

/* The ladder: what the kernel does not know goes first, then size. */
static int
set_up(struct uring *uring, const struct ouro_loop_options *options)
{
    static const unsigned droppable[] = {OURO__URING_TASKRUN_FLAG,
                                         OURO__URING_SUBMIT_ALL};
    unsigned completions = options->completion_entries;
    int rc = try_set_up(uring, options, completions);

    for (size_t i = 0; rc == -EINVAL && i < 2; i++) {
        uring->features &= ~droppable[i];
        rc = try_set_up(uring, options, completions);
    }
    while (rc == -ENOMEM && completions / 2 >= 2 * options->ring_entries) {
        completions /= 2;
        rc = try_set_up(uring, options, completions);
    }
    return rc;
}

/* A filter may let set-up pass and refuse to enter: find out now. */
static int
try_to_enter(struct uring *uring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

    if (sqe == NULL)
        return -EBUSY;
    io_uring_prep_nop(sqe);
    set_user_data(sqe, NULL, TAG_PROBE);

    int rc = enter(uring, unsubmitted(uring), 0, IORING_ENTER_GETEVENTS, NULL);
    reap(uring);
    return rc < 0 ? rc : 0;
}

static void
probe_ring_descriptor(struct uring *uring)
{
    if (has(uring, OURO__URING_REGISTERED_RING)
        && io_uring_register_ring_fd(&uring->ring) != 1)
        uring->features &= ~(unsigned)OURO__URING_REGISTERED_RING;
}

static void
probe_buffers(struct uring *uring, const struct ouro_loop_options *options)
{
    unsigned both = OURO__URING_MULTISHOT_RECEIVE | OURO__URING_BUFFER_RING;

    if ((uring->features & both) != both
        || make_buffers(uring, options->receive_memory) < 0)
        uring->features &= ~both;
}

static void
limit_workers(struct uring *uring)
{
    unsigned limits[2] = {4, 16};

    (void)io_uring_register_iowq_max_workers(&uring->ring, limits);
}

static void
uring_free(struct ouro__engine *engine)
{
    struct uring *uring = uring_of(engine);

    OURO_CHECK(engine->in_flight == 0,
               "an engine is freed when nothing is in flight");
    io_uring_queue_exit(&uring->ring);
    unmap_buffers(uring);
    ouro__free(uring);
}

static const struct ouro__engine_ops uring_ops = {
    .name = "uring",
    .free = uring_free,
    .submit = uring_submit,
    .cancel = uring_cancel,
    .wait = uring_wait,
    .give_back = uring_give_back,
    .now_ns = uring_now_ns,
};

static void
describe(struct uring *uring)
{
    ouro__uring_features_text(uring->features_text,
                              sizeof(uring->features_text), uring->features);
    ouro__uring_features_text(uring->missing_text, sizeof(uring->missing_text),
                              ~uring->features);
    uring->base.info.features = uring->features_text;
    uring->base.info.missing = uring->missing_text;
}

static int
uring_start(struct uring *uring, const struct ouro_loop_options *options)
{
    const char *call = "io_uring_setup";
    int rc = set_up(uring, options);

    if (rc == 0) {
        probe_ring_descriptor(uring);
        call = "io_uring_enter";
        rc = try_to_enter(uring);
        if (rc < 0)
            io_uring_queue_exit(&uring->ring);
    }
    if (rc < 0) {
        ouro__explain_refusal(options->report, call, rc);
        return rc;
    }
    probe_buffers(uring, options);
    limit_workers(uring);
    describe(uring);
    return 0;
}

int
ouro__engine_uring_new(struct ouro__engine **out_engine,
                       const struct ouro__engine_options *options)
{
    struct uring *uring = ouro__alloc_zeroed(sizeof(*uring));

    if (uring == NULL)
        return -ENOMEM;

    ouro__engine_init(&uring->base, &uring_ops, &ouro__kernel_sockets);
    ouro__list_init(&uring->waiting);
    uring->wake_fd = options->wake_fd;
    uring->features = ouro__uring_features_wanted();

    int rc = uring_start(uring, options->loop);
    if (rc < 0) {
        ouro__free(uring);
        return rc;
    }
    *out_engine = &uring->base;
    return 0;
}
