/* SPDX-License-Identifier: MIT */
/* Random schedules of locks, conditions, semaphores, events and barriers, with
 * cancels at any time, against a model of what their header promises. */
#include "sync_model.h"

enum { ACTIONS = 150, PERMITS = 2, PARTIES = 3, MOST_RESULTS = 3 };

/* What a player does. */
enum kind { LOCK, CONDITION, PERMIT, EVENT, BARRIER, KINDS };

/* Where it is, in the model. */
enum place { NEW, IN_LINE, NOTIFIED, RETAKING, AT_GO, DONE };

struct player {
    enum kind kind;

    /* The library's. */
    struct ouro_task *task;
    struct ouro_future go; /* that it awaits before it gives up what it has */
    int results[MOST_RESULTS];

    /* The model's. */
    enum place place;
    struct line *line; /* in which it waits; NULL: none */
    bool fixed;        /* a cancel does not take it out */
    bool cancelled;
    bool may_go;
    size_t stage; /* results so far */
    int expected[MOST_RESULTS];
};

struct game {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro_lock lock;
    struct ouro_condition condition;
    struct ouro_semaphore semaphore;
    struct ouro_event event;
    struct ouro_barrier barrier;
    struct player players[PLAYERS];
    int count;

    struct steps ready;
    int owner;
    size_t permits;
    size_t leaving;
    bool is_set;
    bool is_broken;
    struct line lock_line;
    struct line condition_line;
    struct line permit_line;
    struct line event_line;
    struct line barrier_line;
    struct line go_line;
};

static struct game game;

/* On the library. */

static void
keep_lock(struct player *p, size_t stage)
{
    p->results[stage] = ouro_await(&p->go);
    ouro_lock_release(&game.lock);
}

static int
play(void *arg)
{
    struct player *p = arg;
    int *results = p->results;

    switch (p->kind) {
    case LOCK:
        results[0] = ouro_lock_acquire(&game.lock);
        if (results[0] == 0)
            keep_lock(p, 1);
        break;
    case CONDITION:
        results[0] = ouro_lock_acquire(&game.lock);
        if (results[0] < 0)
            break;
        results[1] = ouro_condition_wait(&game.condition);
        keep_lock(p, 2);
        break;
    case PERMIT:
        results[0] = ouro_semaphore_acquire(&game.semaphore);
        if (results[0] < 0)
            break;
        results[1] = ouro_await(&p->go);
        ouro_semaphore_release(&game.semaphore);
        break;
    case EVENT:
        results[0] = ouro_event_wait(&game.event);
        break;
    default:
        results[0] = ouro_barrier_wait(&game.barrier);
        if (results[0] >= 0)
            results[1] = ouro_barrier_wait(&game.barrier);
        break;
    }
    return 0;
}

/* In the model. */

static void
stand_in(struct player *p, struct line *line, enum place place)
{
    p->line = line;
    p->place = place;
    line_append(line, (int)(p - game.players));
}

static void
note_result(struct player *p, int result)
{
    p->expected[p->stage++] = result;
}

static void
release_lock(void)
{
    game.owner = wake_first(&game.ready, &game.lock_line, 0);
    if (game.owner != NOBODY)
        game.players[game.owner].line = NULL;
}

static void
release_permit(void)
{
    int next = wake_first(&game.ready, &game.permit_line, 0);

    if (next == NOBODY)
        game.permits++;
    else
        game.players[next].line = NULL;
}

/* It has gone, or may not wait for that. */
static void
give_up(struct player *p, int result)
{
    note_result(p, result);
    p->place = DONE;
    if (p->kind == PERMIT)
        release_permit();
    else
        release_lock();
}

static void
keep(struct player *p)
{
    if (p->cancelled)
        give_up(p, -ECANCELED);
    else if (p->may_go)
        give_up(p, 0);
    else
        stand_in(p, &game.go_line, AT_GO);
}

/* It has the lock, and has not kept it yet. */
static void
use_lock(struct player *p)
{
    note_result(p, 0);
    if (p->kind == LOCK) {
        keep(p);
    } else if (p->cancelled) {
        note_result(p, -ECANCELED);
        keep(p);
    } else {
        release_lock();
        stand_in(p, &game.condition_line, NOTIFIED);
    }
}

static void
wake_round(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int next = wake_first(&game.ready, &game.barrier_line, (int)i);

        game.players[next].line = NULL;
        game.leaving++;
    }
}

static void
turn_away(void)
{
    int next;

    while ((next = wake_first(&game.ready, &game.barrier_line, -OURO_EBROKEN))
           != NOBODY) {
        game.players[next].line = NULL;
        game.leaving++;
    }
}

static void come_to_barrier(struct player *p);

static void
leave_barrier(struct player *p, int result)
{
    note_result(p, result);
    if (p->stage == 1 && result >= 0)
        come_to_barrier(p);
    else
        p->place = DONE;
}

/* One wait, or both, if it is the last to come to each. */
static void
come_to_barrier(struct player *p)
{
    if (p->cancelled) {
        leave_barrier(p, -ECANCELED);
    } else if (game.is_broken) {
        leave_barrier(p, -OURO_EBROKEN);
    } else if (game.leaving == 0 && game.barrier_line.count == PARTIES - 1) {
        wake_round(PARTIES - 1);
        leave_barrier(p, PARTIES - 1);
    } else {
        stand_in(p, &game.barrier_line, IN_LINE);
    }
}

static void
woken_at_barrier(struct player *p, int outcome)
{
    if (outcome != -ECANCELED && --game.leaving == 0
        && game.barrier_line.count >= PARTIES)
        wake_round(PARTIES);
    leave_barrier(p, outcome);
}

static void
begin(struct player *p)
{
    if (p->kind == BARRIER) {
        come_to_barrier(p);
    } else if (p->cancelled) {
        note_result(p, -ECANCELED);
        p->place = DONE;
    } else if (p->kind == EVENT && game.is_set) {
        note_result(p, 0);
        p->place = DONE;
    } else if (p->kind == EVENT) {
        stand_in(p, &game.event_line, IN_LINE);
    } else if (p->kind == PERMIT && game.permits > 0) {
        game.permits--;
        note_result(p, 0);
        keep(p);
    } else if (p->kind == PERMIT) {
        stand_in(p, &game.permit_line, IN_LINE);
    } else if (game.owner == NOBODY) {
        game.owner = (int)(p - game.players);
        use_lock(p);
    } else {
        stand_in(p, &game.lock_line, IN_LINE);
    }
}

/* What it stood in the line for has come, or it was cancelled. */
static void
woken_in_line(struct player *p, int outcome)
{
    if (p->kind == BARRIER) {
        woken_at_barrier(p, outcome);
    } else if (outcome < 0 || p->kind == EVENT) {
        note_result(p, outcome);
        p->place = DONE;
    } else if (p->kind == PERMIT) {
        note_result(p, 0);
        keep(p);
    } else {
        use_lock(p);
    }
}

static void
woken_from_condition(struct player *p, int outcome)
{
    if (outcome < 0 && game.owner != NOBODY) {
        p->fixed = true;
        stand_in(p, &game.lock_line, RETAKING);
        return;
    }
    if (outcome < 0)
        game.owner = (int)(p - game.players);
    p->fixed = false;
    note_result(p, outcome);
    keep(p);
}

static void
make_step(struct step step)
{
    struct player *p = &game.players[step.player];

    switch (p->place) {
    case NEW:
        begin(p);
        break;
    case IN_LINE:
        woken_in_line(p, step.outcome);
        break;
    case NOTIFIED:
        woken_from_condition(p, step.outcome);
        break;
    case RETAKING:
        p->fixed = false;
        note_result(p, -ECANCELED);
        keep(p);
        break;
    case AT_GO:
        give_up(p, step.outcome);
        break;
    case DONE:
        fail_msg("a player that is done took a step");
    }
}

static void
turn_model(void)
{
    struct steps now = game.ready;

    game.ready.count = 0;
    for (size_t i = 0; i < now.count; i++)
        make_step(now.all[i]);
}

/* Actions, on both. */

static void
spawn_player(void)
{
    if (game.count == PLAYERS)
        return;

    struct player *p = &game.players[game.count];
    p->kind = (enum kind)draw(KINDS);
    for (size_t i = 0; i < MOST_RESULTS; i++)
        p->results[i] = p->expected[i] = UNSEEN;
    ouro_future_init(&p->go, game.loop);
    assert_ok(ouro_loop_create_task(game.loop, &p->task, play, p));
    steps_append(&game.ready, game.count++, 0);
}

static void
cancel_player(struct player *p)
{
    ouro_task_cancel(p->task);
    if (p->place == DONE)
        return;
    p->cancelled = true;
    if (p->line == NULL || p->fixed)
        return;
    if (line_remove(p->line, (int)(p - game.players)))
        steps_append(&game.ready, (int)(p - game.players), -ECANCELED);
    p->line = NULL;
}

static void
let_player_go(struct player *p)
{
    if (p->may_go)
        return;
    assert_ok(ouro_future_set_result(&p->go, NULL));
    p->may_go = true;
    if (p->place == AT_GO
        && line_remove(&game.go_line, (int)(p - game.players)))
        steps_append(&game.ready, (int)(p - game.players), 0);
    if (p->place == AT_GO)
        p->line = NULL;
}

static void
notify(size_t count)
{
    if (game.owner == NOBODY)
        return;
    ouro_condition_notify(&game.condition, count);
    while (count-- > 0 && game.condition_line.count > 0) {
        int next = line_shift(&game.condition_line);

        game.players[next].fixed = true;
        game.players[next].line = &game.lock_line;
        line_append(&game.lock_line, next);
    }
}

static void
set_event(void)
{
    int next;

    ouro_event_set(&game.event);
    game.is_set = true;
    while ((next = wake_first(&game.ready, &game.event_line, 0)) != NOBODY)
        game.players[next].line = NULL;
}

static void
clear_event(void)
{
    ouro_event_clear(&game.event);
    game.is_set = false;
}

static void
reset_barrier(void)
{
    ouro_barrier_reset(&game.barrier);
    game.is_broken = false;
    if (game.leaving == 0)
        turn_away();
}

static void
abort_barrier(void)
{
    ouro_barrier_abort(&game.barrier);
    game.is_broken = true;
    turn_away();
}

static void
turn(void)
{
    ouro_sim_turn(game.sim);
    turn_model();
}

static void
act(void)
{
    struct player *any =
        &game.players[game.count > 0 ? draw((unsigned)game.count) : 0];
    unsigned what = draw(40);

    if (what < 8)
        spawn_player();
    else if (what < 20 || game.count == 0)
        turn();
    else if (what < 25)
        cancel_player(any);
    else if (what < 31)
        let_player_go(any);
    else if (what < 35)
        notify(draw(3));
    else if (what < 36)
        set_event();
    else if (what < 38)
        clear_event();
    else if (what < 39)
        reset_barrier();
    else if (draw(3) == 0)
        abort_barrier();
}

/* The end, and the comparison. */

static void
compare(unsigned seed, int action)
{
    for (int i = 0; i < game.count; i++) {
        const struct player *p = &game.players[i];

        if (memcmp(p->results, p->expected, sizeof(p->results)) != 0)
            fail_msg("seed %u, action %d: player %d of kind %d came to "
                     "%d %d %d, expected %d %d %d",
                     seed, action, i, (int)p->kind, p->results[0],
                     p->results[1], p->results[2], p->expected[0],
                     p->expected[1], p->expected[2]);
    }
    if (ouro_lock_is_locked(&game.lock) != (game.owner != NOBODY)
        || ouro_semaphore_is_locked(&game.semaphore) != (game.permits == 0)
        || ouro_event_is_set(&game.event) != game.is_set
        || ouro_barrier_is_broken(&game.barrier) != game.is_broken
        || ouro_barrier_waiting(&game.barrier)
               != (game.leaving > 0 ? 0 : game.barrier_line.count))
        fail_msg("seed %u, action %d: the objects differ", seed, action);
}

static void
begin_game(unsigned seed)
{
    memset(&game, 0, sizeof(game));
    game.owner = NOBODY;
    game.permits = PERMITS;
    assert_ok(
        ouro_sim_new(&game.sim, &(struct ouro_sim_options){.seed = seed}));
    game.loop = ouro_sim_loop(game.sim);
    ouro_lock_init(&game.lock, game.loop);
    ouro_condition_init(&game.condition, &game.lock);
    ouro_bounded_semaphore_init(&game.semaphore, game.loop, PERMITS);
    ouro_event_init(&game.event, game.loop);
    ouro_barrier_init(&game.barrier, game.loop, PARTIES);
}

static void
end_game(unsigned seed)
{
    for (int i = 0; i < game.count; i++) {
        cancel_player(&game.players[i]);
        turn();
    }
    for (int i = 0; i < 4 * PLAYERS; i++)
        turn();
    compare(seed, ACTIONS);
    for (int i = 0; i < game.count; i++) {
        assert_int_equal(game.players[i].place, DONE);
        ouro_task_unref(game.players[i].task);
    }
    ouro_barrier_fini(&game.barrier);
    ouro_event_fini(&game.event);
    ouro_semaphore_fini(&game.semaphore);
    ouro_condition_fini(&game.condition);
    ouro_lock_fini(&game.lock);
    ouro_sim_free(game.sim);
}

static void
run_program(unsigned seed)
{
    begin_game(seed);
    for (int action = 0; action < ACTIONS; action++) {
        act();
        compare(seed, action);
    }
    end_game(seed);
}

/* A54 */
static void
any_schedule_comes_to_what_the_model_says(void **state)
{
    (void)state;

    for_each_seed(run_program);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_schedule_comes_to_what_the_model_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
