/* SPDX-License-Identifier: MIT */
/* A race of attempts to connect; its story is in race.h.
 *
 * The task runs the race: it begins an attempt, and waits for news.  Whatever
 * comes from the loop only notes what has happened and wakes it.
 */
#include "race.h"

#include "task.h"

#include <errno.h>

static int
family_of(const struct ouro_address *address)
{
    return address->of.any.sa_family;
}

/* The order. */

/* The next address, from `at` on, whose family is `family`, or is not. */
static size_t
find_address(const struct ouro__race *race, size_t at, int family, bool is)
{
    while (at < race->count
           && (family_of(&race->addresses[at]) == family) != is)
        at++;
    return at;
}

/* Families alternate while there are two: RFC 8305, section 4. */
static void
take_turns(struct ouro__race *race)
{
    int family = family_of(&race->addresses[0]);
    size_t first = 0;
    size_t other = find_address(race, 0, family, false);

    for (size_t i = 0; i < race->count; i++) {
        bool is_first =
            first < race->count && (i % 2 == 0 || other == race->count);
        size_t *next = is_first ? &first : &other;

        race->attempts[i].race = race;
        race->attempts[i].address = &race->addresses[*next];
        *next = find_address(race, *next + 1, family, is_first);
    }
}

/* Attempts. */

static void
close_socket(struct ouro__race *race, int fd)
{
    struct ouro__engine *engine = race->loop->engine;

    engine->sockets->close(engine, fd);
    ouro__loop_descriptor_freed(race->loop);
}

static void
tell(struct ouro__race *race)
{
    ouro_future_set_result(&race->news, NULL);
}

/* That an address was not even tried counts only if none was. */
static void
attempt_failed(struct ouro__attempt *attempt, int error)
{
    struct ouro__race *race = attempt->race;

    attempt->error = error;
    if (race->first_error == 0 || race->first_error == -OURO_ENOADDRESS)
        race->first_error = error;
    if (attempt == &race->attempts[race->begun - 1])
        race->due = true;
}

/* A connect to a free port of this machine may be given that very port to
 * connect from, and then meets itself. */
static bool
met_itself(const struct ouro__attempt *attempt)
{
    struct ouro__engine *engine = attempt->race->loop->engine;
    struct ouro_address local;

    return attempt->race->local_count == 0
           && engine->sockets->local_address(engine, attempt->fd, &local) == 0
           && ouro_address_equals(&local, attempt->address);
}

static void
attempt_done(struct ouro__op *op, const struct ouro__completion *completion)
{
    struct ouro__attempt *attempt =
        OURO_CONTAINER_OF(op, struct ouro__attempt, op);
    struct ouro__race *race = attempt->race;
    int rc = completion->result;

    race->flying--;
    if (rc >= 0 && met_itself(attempt))
        rc = -ECONNREFUSED;
    if (rc >= 0 && race->winner < 0) {
        race->winner = attempt->fd;
    } else {
        close_socket(race, attempt->fd);
        if (rc < 0 && !op->cancel_wanted)
            attempt_failed(attempt, rc);
    }
    tell(race);
}

static bool
has_local(const struct ouro__race *race, int family)
{
    for (size_t i = 0; i < race->local_count; i++) {
        if (family_of(&race->locals[i]) == family)
            return true;
    }
    return race->local_count == 0;
}

static int
bind_to(struct ouro__race *race, int fd, const struct ouro_address *local)
{
    struct ouro__engine *engine = race->loop->engine;

    /* Several attempts may have to share a port that was chosen. */
    if (ouro_address_port(local) != 0)
        (void)engine->sockets->set_option(engine, fd,
                                          OURO__SOCKET_REUSE_ADDRESS, 1);
    return engine->sockets->bind(engine, fd, local);
}

/* Bind to the first local address of the family that can be bound, if there are
 * local ones at all. */
static int
bind_to_any(struct ouro__attempt *attempt, int fd)
{
    struct ouro__race *race = attempt->race;
    int first_error = 0;

    for (size_t i = 0; i < race->local_count; i++) {
        const struct ouro_address *local = &race->locals[i];

        if (family_of(local) != family_of(attempt->address))
            continue;
        int rc = bind_to(race, fd, local);
        if (rc == 0) {
            attempt->local = NULL;
            return 0;
        }
        if (attempt->local == NULL) {
            attempt->local = local;
            first_error = rc;
        }
    }
    return first_error;
}

static int
attempt_open(struct ouro__attempt *attempt)
{
    struct ouro__race *race = attempt->race;
    struct ouro__engine *engine = race->loop->engine;
    int family = family_of(attempt->address);

    if (!has_local(race, family))
        return -OURO_ENOADDRESS;
    int fd = engine->sockets->open(engine, family);
    if (fd < 0)
        return fd;
    int rc = bind_to_any(attempt, fd);
    if (rc < 0) {
        close_socket(race, fd);
        return rc;
    }
    return fd;
}

static void
attempt_begin(struct ouro__attempt *attempt)
{
    struct ouro__race *race = attempt->race;

    attempt->fd = attempt_open(attempt);
    if (attempt->fd < 0) {
        attempt_failed(attempt, attempt->fd);
        return;
    }
    attempt->error = -EINPROGRESS;
    ouro__op_init(&attempt->op, OURO__OP_CONNECT, attempt->fd, attempt_done);
    attempt->op.with.address = attempt->address;
    ouro__op_submit(race->loop->engine, &attempt->op);
    race->flying++;
}

/* The race. */

static void
delay_is_over(void *arg)
{
    struct ouro__race *race = arg;

    race->due = true;
    tell(race);
}

static void
begin_next(struct ouro__race *race)
{
    race->due = false;
    race->begun++;
    ouro_handle_cancel(&race->delay);
    if (race->begun < race->count && race->delay_ns != OURO_FOREVER)
        ouro_call_later(race->loop, &race->delay, race->delay_ns, delay_is_over,
                        race);
    attempt_begin(&race->attempts[race->begun - 1]);
}

static void
forget_news(struct ouro__race *race)
{
    ouro_future_fini(&race->news);
    ouro_future_init(&race->news, race->loop);
}

static const struct ouro__wait_kind wait_connect = {
    .text = "a socket to connect",
};

static int
race_until_won(struct ouro__race *race)
{
    int rc = ouro__checkpoint();

    race->due = true;
    while (rc == 0 && race->winner < 0) {
        if (race->due && race->begun < race->count) {
            begin_next(race);
        } else if (race->flying > 0) {
            rc = ouro__await_for(&race->news, &wait_connect, race);
            forget_news(race);
        } else {
            rc = race->first_error;
        }
    }
    return rc;
}

static void
end_others(struct ouro__race *race)
{
    ouro_handle_cancel(&race->delay);
    for (size_t i = 0; i < race->begun; i++)
        ouro__op_cancel(race->loop->engine, &race->attempts[i].op);
    while (race->flying > 0) {
        ouro__await_to_the_end_for(&race->news, &wait_connect, race);
        forget_news(race);
    }
}

int
ouro__race_run(struct ouro__race *race)
{
    race->winner = -1;
    take_turns(race);
    ouro_future_init(&race->news, race->loop);

    int rc = race_until_won(race);
    end_others(race);
    ouro_future_fini(&race->news);
    if (rc < 0 && race->winner >= 0)
        close_socket(race, race->winner);
    return rc < 0 ? rc : race->winner;
}
