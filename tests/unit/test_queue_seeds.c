/* SPDX-License-Identifier: MIT */
/* Random schedules of queues of each order and size, with cancels and shutdowns
 * at any time, against a model of what their header promises.  What goes in
 * comes out, once, in its order. */
#include "sync_model.h"

enum { ACTIONS = 200, ITEMS = 400, KEYS = 4 };

enum kind { PUT, GET, JOIN, KINDS };
enum order { FIFO, LIFO, PRIORITY, ORDERS };

struct item {
    unsigned key; /* its priority */
    unsigned serial;
};

struct player {
    enum kind kind;
    struct item *item; /* to put */

    /* The library's. */
    struct ouro_task *task;
    void *got;
    int result;

    /* The model's. */
    struct line *line; /* in which it waits; NULL: none */
    bool cancelled;
    bool begun;
    struct item *handed;
    int expected;
    struct item *expected_item;
};

struct game {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro_queue queue;
    struct player players[PLAYERS];
    int count;
    struct item items[ITEMS];
    unsigned made; /* items so far */

    enum order order;
    struct steps ready;
    struct item *kept[ITEMS]; /* in the order they were put */
    size_t size;
    size_t max_size;
    size_t unfinished;
    bool is_shut_down;
    struct line getters;
    struct line putters;
    struct line joiners;
};

static struct game game;

/* On the library. */

static int
compare_keys(const void *a, const void *b)
{
    const struct item *first = a;
    const struct item *second = b;

    return (first->key > second->key) - (first->key < second->key);
}

static int
play(void *arg)
{
    struct player *p = arg;

    if (p->kind == PUT)
        p->result = ouro_queue_put(&game.queue, p->item);
    else if (p->kind == GET)
        p->result = ouro_queue_get(&game.queue, &p->got);
    else
        p->result = ouro_queue_join(&game.queue);
    return 0;
}

/* In the model. */

static struct item *
make_item(void)
{
    struct item *item = &game.items[game.made];

    item->key = draw(KEYS);
    item->serial = game.made++;
    return item;
}

static struct player *
wake(struct line *line, int outcome)
{
    int next = wake_first(&game.ready, line, outcome);

    if (next == NOBODY)
        return NULL;
    game.players[next].line = NULL;
    return &game.players[next];
}

static int
model_put(struct item *item)
{
    if (game.is_shut_down)
        return -ESHUTDOWN;
    if (game.size == game.max_size)
        return -EAGAIN;

    struct player *getter = wake(&game.getters, 0);
    if (getter != NULL)
        getter->handed = item;
    else
        game.kept[game.size++] = item;
    game.unfinished++;
    return 0;
}

/* Which of those that are kept comes next. */
static size_t
find_next(void)
{
    size_t next = game.order == LIFO ? game.size - 1 : 0;

    for (size_t i = 0; game.order == PRIORITY && i < game.size; i++)
        if (game.kept[i]->key < game.kept[next]->key)
            next = i;
    return next;
}

static int
model_get(struct item **out_item)
{
    if (game.size == 0)
        return game.is_shut_down ? -ESHUTDOWN : -EAGAIN;

    size_t next = find_next();
    *out_item = game.kept[next];
    game.size--;
    memmove(&game.kept[next], &game.kept[next + 1],
            (game.size - next) * sizeof(game.kept[0]));
    struct player *putter = wake(&game.putters, 0);
    if (putter != NULL) {
        game.kept[game.size++] = putter->item;
        game.unfinished++;
    }
    return 0;
}

static void
stand_in(struct player *p, struct line *line)
{
    p->line = line;
    line_append(line, (int)(p - game.players));
}

static void
begin(struct player *p)
{
    int rc = 0;

    p->begun = true;
    if (p->cancelled)
        rc = -ECANCELED;
    else if (p->kind == PUT)
        rc = model_put(p->item);
    else if (p->kind == GET)
        rc = model_get(&p->expected_item);
    else if (game.unfinished > 0)
        rc = -EAGAIN;

    if (rc != -EAGAIN)
        p->expected = rc;
    else if (p->kind == PUT)
        stand_in(p, &game.putters);
    else
        stand_in(p, p->kind == GET ? &game.getters : &game.joiners);
}

static void
turn_model(void)
{
    struct steps now = game.ready;

    game.ready.count = 0;
    for (size_t i = 0; i < now.count; i++) {
        struct player *p = &game.players[now.all[i].player];

        if (!p->begun) {
            begin(p);
            continue;
        }
        p->expected = now.all[i].outcome;
        p->expected_item = p->handed;
    }
}

static void
model_done(size_t count)
{
    game.unfinished -= count;
    while (game.unfinished == 0 && wake(&game.joiners, 0) != NULL)
        continue;
}

/* Actions, on both. */

static void
turn(void)
{
    ouro_sim_turn(game.sim);
    turn_model();
}

static void
spawn_player(void)
{
    if (game.count == PLAYERS)
        return;

    struct player *p = &game.players[game.count];
    p->kind = draw(8) == 0 ? JOIN : (enum kind)draw(2);
    p->item = p->kind == PUT ? make_item() : NULL;
    p->result = p->expected = UNSEEN;
    assert_ok(ouro_loop_create_task(game.loop, &p->task, play, p));
    steps_append(&game.ready, game.count++, 0);
}

static void
cancel_player(struct player *p)
{
    ouro_task_cancel(p->task);
    p->cancelled = true;
    if (p->line == NULL)
        return;
    line_remove(p->line, (int)(p - game.players));
    p->line = NULL;
    steps_append(&game.ready, (int)(p - game.players), -ECANCELED);
}

static void
put_now(void)
{
    struct item *item = make_item();
    int rc = ouro_queue_put_nowait(&game.queue, item);

    assert_int_equal(rc, model_put(item));
}

static void
get_now(void)
{
    void *got = NULL;
    struct item *expected = NULL;
    int rc = ouro_queue_get_nowait(&game.queue, &got);

    assert_int_equal(rc, model_get(&expected));
    assert_ptr_equal(got, expected);
}

static void
be_done(void)
{
    if (game.unfinished == 0)
        return;
    ouro_queue_task_done(&game.queue);
    model_done(1);
}

static void
shut_down(bool immediate)
{
    ouro_queue_shutdown(&game.queue, immediate);
    game.is_shut_down = true;
    while (wake(&game.getters, -ESHUTDOWN) != NULL)
        continue;
    while (wake(&game.putters, -ESHUTDOWN) != NULL)
        continue;
    if (!immediate)
        return;
    model_done(game.size < game.unfinished ? game.size : game.unfinished);
    game.size = 0;
}

static void
act(void)
{
    struct player *any =
        &game.players[game.count > 0 ? draw((unsigned)game.count) : 0];
    unsigned what = draw(100);

    if (what < 25)
        spawn_player();
    else if (what < 50 || game.count == 0)
        turn();
    else if (what < 60)
        cancel_player(any);
    else if (what < 73)
        put_now();
    else if (what < 87)
        get_now();
    else if (what < 98)
        be_done();
    else if (draw(4) == 0)
        shut_down(draw(2) == 0);
}

/* The end, and the comparison. */

static void
compare(unsigned seed, int action)
{
    for (int i = 0; i < game.count; i++) {
        const struct player *p = &game.players[i];

        if (p->result != p->expected || p->got != p->expected_item)
            fail_msg("seed %u, action %d: player %d of kind %d came to %d, "
                     "expected %d, or to another item",
                     seed, action, i, (int)p->kind, p->result, p->expected);
    }
    if (ouro_queue_size(&game.queue) != game.size
        || ouro_queue_is_full(&game.queue) != (game.size == game.max_size))
        fail_msg("seed %u, action %d: another size", seed, action);
}

static int
init_queue(void)
{
    switch (game.order) {
    case FIFO:
        return ouro_queue_init(&game.queue, game.loop, game.max_size);
    case LIFO:
        return ouro_lifo_queue_init(&game.queue, game.loop, game.max_size);
    default:
        return ouro_priority_queue_init(&game.queue, game.loop, game.max_size,
                                        compare_keys);
    }
}

static void
begin_game(unsigned seed)
{
    memset(&game, 0, sizeof(game));
    game.order = (enum order)draw(ORDERS);
    game.max_size = draw(8) == 0 ? OURO_UNLIMITED : 1 + draw(4);
    assert_ok(
        ouro_sim_new(&game.sim, &(struct ouro_sim_options){.seed = seed}));
    game.loop = ouro_sim_loop(game.sim);
    assert_ok(init_queue());
}

/* Who still waits is cancelled; what is left comes out in its order. */
static void
end_game(unsigned seed)
{
    for (int i = 0; i < game.count; i++)
        cancel_player(&game.players[i]);
    turn();
    compare(seed, ACTIONS);
    while (game.size > 0)
        get_now();
    for (int i = 0; i < game.count; i++) {
        assert_int_not_equal(game.players[i].result, UNSEEN);
        ouro_task_unref(game.players[i].task);
    }
    ouro_queue_fini(&game.queue);
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

/* A53, A55 */
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
