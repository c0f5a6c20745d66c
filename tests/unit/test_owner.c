/* SPDX-License-Identifier: MIT */
/* A loop is used on its own thread only: every call that may not come from
 * another stops the program with one line (A90). */
#include "ouro_test.h"

#include <pthread.h>
#include <stdlib.h>

/* What a foreign thread gets its hands on. */
struct world {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro_handle idle;
    struct ouro_handle ready;
    struct ouro_handle timer;
    struct ouro_future future;
    struct ouro_task *task;
    int result;
};

static void
nothing(void *arg)
{
    (void)arg;
}

static int
wait_for_ever(void *arg)
{
    struct world *world = arg;

    return ouro_await(&world->future);
}

static void
call_soon(struct world *world)
{
    ouro_call_soon(world->loop, &world->idle, nothing, NULL);
}

static void
call_later(struct world *world)
{
    ouro_call_later(world->loop, &world->idle, 1, nothing, NULL);
}

static void
cancel_a_call(struct world *world)
{
    ouro_handle_cancel(&world->ready);
}

static void
cancel_a_timer(struct world *world)
{
    ouro_handle_cancel(&world->timer);
}

static void
stop(struct world *world)
{
    ouro_loop_stop(world->loop);
}

static void
run(struct world *world)
{
    ouro_loop_run_forever(world->loop);
}

static void
run_until_complete(struct world *world)
{
    world->result = ouro_loop_run_until_complete(world->loop, &world->future);
}

static void
free_it(struct world *world)
{
    ouro_sim_free(world->sim);
}

static void
set_the_handler(struct world *world)
{
    ouro_loop_set_exception_handler(world->loop, NULL, NULL);
}

static void
report(struct world *world)
{
    const struct ouro_exception told = {.message = "from afar"};

    ouro_loop_call_exception_handler(world->loop, &told);
}

static void
take_its_mailbox(struct world *world)
{
    ouro_mailbox_unref(ouro_loop_mailbox(world->loop));
}

static void
ask_for_the_time(struct world *world)
{
    world->result = ouro_loop_time_ns(world->loop) > 0;
}

static void
ask_whether_it_runs(struct world *world)
{
    world->result = ouro_loop_is_running(world->loop);
}

static void
ask_for_the_engine(struct world *world)
{
    world->result = ouro_loop_engine(world->loop) != NULL;
}

static void
ask_for_the_stats(struct world *world)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(world->loop, &stats);
}

static void
complete_a_future(struct world *world)
{
    world->result = ouro_future_set_result(&world->future, NULL);
}

static void
fail_a_future(struct world *world)
{
    world->result = ouro_future_set_error(&world->future, -EPIPE);
}

static void
cancel_a_future(struct world *world)
{
    world->result = ouro_future_cancel(&world->future);
}

static void
watch_a_future(struct world *world)
{
    ouro_future_add_done_callback(&world->future, &world->idle, nothing, NULL);
}

static void
create_a_task(struct world *world)
{
    world->result =
        ouro_loop_create_task(world->loop, NULL, wait_for_ever, world);
}

static void
cancel_a_task(struct world *world)
{
    ouro_task_cancel(world->task);
}

static void
drop_a_task(struct world *world)
{
    ouro_task_unref(world->task);
}

typedef void step_fn(struct world *world);

/* Every call on a loop that does not say that it may come from any thread. */
static step_fn *const steps[] = {
    call_soon,
    call_later,
    cancel_a_call,
    cancel_a_timer,
    stop,
    run,
    free_it,
    run_until_complete,
    set_the_handler,
    report,
    cancel_a_task,
    complete_a_future,
    fail_a_future,
    cancel_a_future,
    drop_a_task,
    watch_a_future,
    create_a_task,
    take_its_mailbox,
    ask_for_the_time,
    ask_whether_it_runs,
    ask_for_the_engine,
    ask_for_the_stats,
};

struct attempt {
    struct world world;
    step_fn *step;
};

static void *
take_the_step(void *arg)
{
    struct attempt *attempt = arg;

    attempt->step(&attempt->world);
    return NULL;
}

/* In a child, where the loop belongs to the main thread. */
static void
step_on_another_thread(void *arg)
{
    struct attempt attempt = {.step = *(step_fn *const *)arg};
    struct world *world = &attempt.world;
    pthread_t thread;

    if (ouro_sim_new(&world->sim, NULL) < 0)
        exit(EXIT_FAILURE);
    world->loop = ouro_sim_loop(world->sim);
    ouro_future_init(&world->future, world->loop);
    if (ouro_loop_create_task(world->loop, &world->task, wait_for_ever, world)
        < 0)
        exit(EXIT_FAILURE);
    ouro_sim_turn(world->sim);
    ouro_call_soon(world->loop, &world->ready, nothing, NULL);
    ouro_call_later(world->loop, &world->timer, 1, nothing, NULL);
    if (pthread_create(&thread, NULL, take_the_step, &attempt) == 0)
        pthread_join(thread, NULL);
}

/* A90 */
static void
a_call_from_another_thread_stops_with_one_line(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        step_fn *step = steps[i];

        print_message("step %zu\n", i);
        assert_callback_stops(
            step_on_another_thread, &step,
            "a loop is used only on the thread that made it\n");
    }
}

/* What another thread may do: it has its own. */
static void *
use_its_own(void *arg)
{
    struct ouro_handle handle = {0};
    struct ouro_sim *sim;
    int *result = arg;

    if (ouro_get_running_loop() != NULL || ouro_sim_new(&sim, NULL) < 0)
        return NULL;
    ouro_call_soon(ouro_sim_loop(sim), &handle, nothing, NULL);
    ouro_sim_turn(sim);
    ouro_sim_free(sim);
    *result = 0;
    return NULL;
}

static void
start_a_thread(void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, use_its_own, arg) == 0)
        pthread_join(thread, NULL);
}

static void
another_thread_has_a_running_loop_of_its_own(void **state)
{
    struct ouro_handle handle = {0};
    struct ouro_sim *sim;
    int result = UNSEEN;

    (void)state;
    assert_ok(ouro_sim_new(&sim, NULL));
    ouro_call_soon(ouro_sim_loop(sim), &handle, start_a_thread, &result);
    ouro_sim_turn(sim);
    ouro_sim_free(sim);

    assert_ok(result);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_from_another_thread_stops_with_one_line),
        cmocka_unit_test(another_thread_has_a_running_loop_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
