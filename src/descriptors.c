/* SPDX-License-Identifier: MIT */
/* Who uses which plain descriptor of a loop; the story is in descriptors.h. */
#include "descriptors.h"

#include "alloc.h"

#include <errno.h>
#include <poll.h>

enum { BUCKETS = 1024, MOST_SPARE = 64 };

/* What the floor keeps for a loop. */
struct ouro__descriptors {
    struct ouro_loop *loop;
    struct ouro__flush flush; /* starts what is in to_poll */
    struct ouro__list to_poll;
    struct ouro__list spare; /* uses for the next who come */
    size_t spare_count;
    size_t in_flight; /* of its operations */
    bool ending;      /* the loop is: the last completion frees all */
    struct ouro__list buckets[BUCKETS];
};

static struct ouro__use *
use_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro__use, link);
}

static struct ouro__engine *
engine_of(const struct ouro__use *use)
{
    return use->all->loop->engine;
}

static struct ouro__list *
bucket_of(struct ouro__descriptors *all, int fd)
{
    unsigned number = (unsigned)fd;

    return &all->buckets[(number ^ number / BUCKETS) % BUCKETS];
}

/* Closing. */

static void
close_now(struct ouro_loop *loop, int fd)
{
    loop->engine->sockets->close(loop->engine, fd);
    ouro__loop_descriptor_freed(loop);
}

static bool
will_be_closed(struct ouro__descriptors *all, int fd)
{
    ouro__list_for_each (link, bucket_of(all, fd)) {
        if (use_of(link)->fd == fd && use_of(link)->closes)
            return true;
    }
    return false;
}

/* The end of a use, and of its operation. */

static void
tell(struct ouro__use *use, int result)
{
    ouro__use_fn *told = use->told;

    use->told = NULL;
    if (told != NULL)
        told(use, use->arg, result);
}

static void
retire(struct ouro__use *use)
{
    struct ouro__descriptors *all = use->all;

    if (ouro__list_is_linked(&use->link))
        ouro__list_remove(&use->link);
    if (all->ending || all->spare_count == MOST_SPARE) {
        ouro__free(use);
        return;
    }
    all->spare_count++;
    ouro__list_prepend(&all->spare, &use->link);
}

static void
operation_done(struct ouro__op *op, const struct ouro__completion *completion)
{
    struct ouro__use *use = OURO_CONTAINER_OF(op, struct ouro__use, op);
    struct ouro__descriptors *all = use->all;

    all->in_flight--;
    if (use->closes) {
        use->closes = false;
        if (!will_be_closed(all, use->fd))
            close_now(all->loop, use->fd);
    }
    if (use->ended)
        retire(use);
    else
        tell(use, completion->result);
    if (all->ending && all->in_flight == 0)
        ouro__free(all);
}

void
ouro__use_cancel(struct ouro__use *use)
{
    ouro__op_cancel(engine_of(use), &use->op);
}

void
ouro__use_end(struct ouro__use *use)
{
    use->told = NULL;
    if (ouro__list_is_linked(&use->armed))
        ouro__list_remove(&use->armed);
    if (!use->op.in_flight) {
        retire(use);
        return;
    }
    use->ended = true;
    ouro__use_cancel(use);
}

/* The end of the loop. */

static void
end_watches(struct ouro__list *bucket)
{
    struct ouro__list *link = bucket->next;

    while (link != bucket) {
        struct ouro__use *use = use_of(link);

        if (use->is_watch && use->told != NULL) {
            tell(use, -ECANCELED);
            link = bucket->next;
        } else {
            link = link->next;
        }
    }
}

/* Those in flight stay where they are until their last completion. */
static void
end_uses(struct ouro__list *list)
{
    struct ouro__list *next;

    for (struct ouro__list *link = list->next; link != list; link = next) {
        next = link->next;
        ouro__use_end(use_of(link));
    }
}

static void
end_descriptors(struct ouro_loop *loop, void *kept)
{
    struct ouro__descriptors *all = kept;

    (void)loop;
    all->ending = true;
    for (size_t i = 0; i < BUCKETS; i++) {
        end_watches(&all->buckets[i]);
        end_uses(&all->buckets[i]);
    }
    end_uses(&all->spare);
    if (ouro__list_is_linked(&all->flush.link))
        ouro__list_remove(&all->flush.link);
    if (all->in_flight == 0)
        ouro__free(all);
}

/* Operations. */

int
ouro__use_identify(struct ouro__use *use)
{
    struct ouro__engine *engine = engine_of(use);
    uint64_t identity;

    int rc = engine->sockets->identify(engine, use->fd, &identity);
    if (rc < 0)
        return rc;
    if (use->identified && use->identity != identity)
        return -EBADF;
    use->identity = identity;
    use->identified = true;
    return 0;
}

int
ouro__use_check(struct ouro__use *use)
{
    if (use->closed)
        return -EBADF;
    return use->identified ? ouro__use_identify(use) : 0;
}

static void
submit(struct ouro__use *use)
{
    use->all->in_flight++;
    ouro__op_submit(engine_of(use), &use->op);
}

static int
start_poll(struct ouro__use *use)
{
    int rc = use->identified ? 0 : ouro__use_identify(use);
    if (rc < 0)
        return rc;

    ouro__op_init(&use->op, OURO__OP_POLL, use->fd, operation_done);
    use->op.with.poll_events = use->side == OURO__SIDE_READ ? POLLIN : POLLOUT;
    submit(use);
    return 0;
}

static void
will_tell(struct ouro__use *use, ouro__use_fn *told, void *arg)
{
    use->told = told;
    use->arg = arg;
}

int
ouro__use_poll(struct ouro__use *use, ouro__use_fn *told, void *arg)
{
    int rc = start_poll(use);

    if (rc == 0)
        will_tell(use, told, arg);
    return rc;
}

static void
start_polls(struct ouro__flush *flush)
{
    struct ouro__descriptors *all =
        OURO_CONTAINER_OF(flush, struct ouro__descriptors, flush);
    struct ouro__list *link;

    while ((link = ouro__list_shift(&all->to_poll)) != NULL) {
        struct ouro__use *use =
            OURO_CONTAINER_OF(link, struct ouro__use, armed);

        int rc = start_poll(use);
        if (rc < 0)
            tell(use, rc);
    }
}

/* Before a run there is no turn that could end. */
void
ouro__use_poll_later(struct ouro__use *use, ouro__use_fn *told, void *arg)
{
    struct ouro__descriptors *all = use->all;

    will_tell(use, told, arg);
    ouro__list_append(&all->to_poll, &use->armed);
    if (ouro_loop_is_running(all->loop))
        ouro__loop_flush_later(all->loop, &all->flush);
    else
        start_polls(&all->flush);
}

void
ouro__use_connect(struct ouro__use *use, const struct ouro_address *address,
                  ouro__use_fn *told, void *arg)
{
    will_tell(use, told, arg);
    use->address = *address;
    ouro__op_init(&use->op, OURO__OP_CONNECT, use->fd, operation_done);
    use->op.with.address = &use->address;
    submit(use);
}

/* Having and closing a descriptor. */

static struct ouro__descriptors *
descriptors_of(struct ouro_loop *loop)
{
    struct ouro__descriptors *all = loop->floors[OURO__FLOOR_DESCRIPTORS];

    if (all != NULL)
        return all;
    all = ouro__alloc_zeroed(sizeof(*all));
    if (all == NULL)
        return NULL;

    all->loop = loop;
    all->flush.fn = start_polls;
    ouro__list_init(&all->to_poll);
    ouro__list_init(&all->spare);
    for (size_t i = 0; i < BUCKETS; i++)
        ouro__list_init(&all->buckets[i]);
    loop->floors[OURO__FLOOR_DESCRIPTORS] = all;
    loop->end_floor[OURO__FLOOR_DESCRIPTORS] = end_descriptors;
    return all;
}

static struct ouro__use *
new_use(struct ouro__descriptors *all)
{
    struct ouro__list *link = ouro__list_shift(&all->spare);

    if (link == NULL)
        return ouro__alloc(sizeof(struct ouro__use));
    all->spare_count--;
    return use_of(link);
}

/* Who has that direction, whatever became of the descriptor; or NULL. */
static struct ouro__use *
find(struct ouro__descriptors *all, int fd, enum ouro__side side)
{
    ouro__list_for_each (link, bucket_of(all, fd)) {
        struct ouro__use *use = use_of(link);

        if (use->fd == fd && use->side == side && !use->ended && !use->closed)
            return use;
    }
    return NULL;
}

/* The number is another's by now: what was known of it is not true any more. */
static void
lose(struct ouro__use *use)
{
    use->closed = true;
    ouro__use_cancel(use);
    tell(use, -EBADF);
}

int
ouro__use_begin(struct ouro_loop *loop, int fd, enum ouro__side side,
                struct ouro__use **out_use)
{
    struct ouro__descriptors *all = descriptors_of(loop);
    struct ouro__use *use;

    if (all == NULL)
        return -ENOMEM;
    if (fd < 0 || will_be_closed(all, fd))
        return -EBADF;
    while ((use = find(all, fd, side)) != NULL) {
        if (ouro__use_check(use) == 0)
            return use->is_watch ? -EEXIST : -EBUSY;
        lose(use);
    }

    use = new_use(all);
    if (use == NULL)
        return -ENOMEM;
    *use = (struct ouro__use){.all = all, .fd = fd, .side = (uint8_t)side};
    ouro__list_append(bucket_of(all, fd), &use->link);
    *out_use = use;
    return 0;
}

/* Who waits for `fd` and has not heard that it is closed; or NULL. */
static struct ouro__use *
find_untold(struct ouro__descriptors *all, int fd)
{
    ouro__list_for_each (link, bucket_of(all, fd)) {
        if (use_of(link)->fd == fd && use_of(link)->told != NULL)
            return use_of(link);
    }
    return NULL;
}

void
ouro__descriptor_close(struct ouro_loop *loop, int fd)
{
    struct ouro__descriptors *all = loop->floors[OURO__FLOOR_DESCRIPTORS];
    struct ouro__use *use;

    if (all == NULL) {
        close_now(loop, fd);
        return;
    }
    ouro__list_for_each (link, bucket_of(all, fd)) {
        use = use_of(link);
        if (use->fd != fd)
            continue;
        use->closed = true;
        use->closes = use->op.in_flight;
        ouro__use_cancel(use);
    }
    while ((use = find_untold(all, fd)) != NULL)
        tell(use, -ECANCELED);
    if (!will_be_closed(all, fd))
        close_now(loop, fd);
}
