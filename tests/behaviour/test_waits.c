/* SPDX-License-Identifier: MIT */
/* A dump names each thing that a task can wait for, and who has it (A91). */
#include "waits_scene.h"

#include <ctype.h>
#include <string.h>

enum { TEXT_SIZE = 4096 };

#define WAITS "\n3 'it' (test_waits.c) waits for "

static const char *engine;

/* A task that waits, and what the dump has to say. */
struct wait_case {
    const char *name; /* of the test */
    ouro_task_fn *fn;
    const char *says;  /* what it waits for */
    const char *scope; /* its first; NULL: it is in none */
    const char *graph; /* who waits for whom; NULL: nobody for anybody */
    bool kernel;       /* simulations have no threads that wait */
    char text[TEXT_SIZE];
    size_t used;
    unsigned later; /* lines of dumps while it ends */
};

/* The task is 3 'it'; 2 'other' has the lock; 4 is what the task has made. */
static struct wait_case cases[] = {
    {.name = "a_dump_names_a_sleep",
     .fn = wait_sleep,
     .says = "a sleep, for ever"},
    {.name = "a_dump_names_a_future",
     .fn = wait_future,
     .says = "a future (waits_scene.h)"},
    {.name = "a_dump_names_a_task",
     .fn = wait_join,
     .says = "a task: 2 'other'",
     .graph = "3 'it'\n  2 'other'\n"},
    {.name = "a_dump_names_a_task_of_its_own",
     .fn = wait_for_child,
     .says = "a task: 4 'wait_future'",
     .scope = "    in a timeout (wait_for.c), for ever\n",
     .graph = "3 'it'\n  4 'wait_future'\n"},
    {.name = "a_dump_names_gather",
     .fn = wait_gather,
     .says = "several things, 2 of 2 left: 2 'other'",
     .graph = "3 'it'\n  2 'other'\n"},
    {.name = "a_dump_names_wait",
     .fn = wait_some,
     .says = "several things, 2 of 2 left: 2 'other'",
     .graph = "3 'it'\n  2 'other'\n"},
    {.name = "a_dump_names_as_completed",
     .fn = wait_each,
     .says = "several things, 2 of 2 left: 2 'other'",
     .scope = "    in an iteration (waits_scene.h)\n",
     .graph = "3 'it'\n  2 'other'\n"},
    {.name = "a_dump_names_a_group",
     .fn = wait_group,
     .says = "a group (waits_scene.h): 4 'wait_future'",
     .scope = "    in a group (waits_scene.h)\n",
     .graph = "3 'it'\n  4 'wait_future'\n"},
    {.name = "a_dump_names_a_start",
     .fn = wait_start,
     .says = "a task of a group to be ready (waits_scene.h): 4 'wait_future'",
     .scope = "    in a group (waits_scene.h)\n",
     .graph = "3 'it'\n  4 'wait_future'\n"},
    {.name = "a_dump_names_a_shield_in_a_timeout",
     .fn = wait_in_scopes,
     .says = "an event (waits_scene.h)",
     .scope = "    in a shield (waits_scene.h), for ever\n    in a timeout "
              "(waits_scene.h), for ever\n"},
    {.name = "a_dump_names_an_event",
     .fn = wait_event,
     .says = "an event (waits_scene.h)"},
    {.name = "a_dump_names_a_lock",
     .fn = wait_lock,
     .says = "a lock (waits_scene.h): 2 'other'",
     .graph = "3 'it'\n  2 'other'\n"},
    {.name = "a_dump_names_a_condition",
     .fn = wait_condition,
     .says = "a condition (waits_scene.h)"},
    {.name = "a_dump_names_the_lock_of_a_condition",
     .fn = wait_notified,
     .says = "a lock (waits_scene.h): 4 'notify_and_keep'",
     .graph = "3 'it'\n  4 'notify_and_keep'\n"},
    {.name = "a_dump_names_a_semaphore",
     .fn = wait_permit,
     .says = "a permit of a semaphore (waits_scene.h)"},
    {.name = "a_dump_names_a_barrier",
     .fn = wait_barrier,
     .says = "others at a barrier (waits_scene.h)"},
    {.name = "a_dump_names_an_empty_queue",
     .fn = wait_item,
     .says = "an item of a queue (waits_scene.h)"},
    {.name = "a_dump_names_a_full_queue",
     .fn = wait_room,
     .says = "room in a queue (waits_scene.h)"},
    {.name = "a_dump_names_the_end_of_what_is_in_a_queue",
     .fn = wait_done,
     .says = "the end of what is in a queue (waits_scene.h)"},
    {.name = "a_dump_names_a_descriptor",
     .fn = wait_descriptor,
     .says = "descriptor"},
    {.name = "a_dump_names_a_read",
     .fn = wait_input,
     .says = "bytes from 127.0.0.1"},
    {.name = "a_dump_names_a_write",
     .fn = wait_output,
     .says = "room for bytes to 127.0.0.1"},
    {.name = "a_dump_names_a_drain",
     .fn = wait_drain,
     .says = "room for bytes to 127.0.0.1"},
    {.name = "a_dump_names_the_end_of_a_stream",
     .fn = wait_end,
     .says = "the end of the connection to 127.0.0.1"},
    {.name = "a_dump_names_a_server",
     .fn = wait_server,
     .says = "a server to be closed (waits_scene.h)"},
    {.name = "a_dump_names_the_clients_of_a_server",
     .fn = wait_client,
     .says = "the last client of a server (waits_scene.h)"},
    {.name = "a_dump_names_a_signal", .fn = wait_signal, .says = "a signal"},
    {.name = "a_dump_names_a_thread",
     .fn = wait_thread,
     .says = "a call on a thread, 'pass_gate' (waits_scene.h)",
     .kernel = true},
    {.name = "a_dump_names_an_executor",
     .fn = wait_executor,
     .says = "the last call of an executor",
     .scope = "    in a timeout (executor.c), for ever\n",
     .kernel = true},
};

static void
add_line(const char *line, size_t size, void *arg)
{
    struct wait_case *it = arg;

    if (size >= sizeof(it->text) - it->used)
        return;
    memcpy(it->text + it->used, line, size);
    it->used += size;
    it->text[it->used] = '\0';
}

/* Numbers of lines and ports are not what is tested. */
static void
mask_numbers(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0';) {
        if (*from == ':' && isdigit((unsigned char)from[1]))
            from += 1 + strspn(from + 1, "0123456789");
        else
            *to++ = *from++;
    }
    *to = '\0';
}

static void
dump(struct wait_case *it)
{
    const struct ouro_dump_options options = {.no_stacks = true};

    it->used = 0;
    ouro_dump_tasks_to(ouro_get_running_loop(), add_line, it, &options);
    mask_numbers(it->text);
}

/* A write may go on for some turns, before there is no more room. */
static int
dump_when_it_waits(struct wait_case *it)
{
    int rc = ouro_sleep(0);

    dump(it);
    for (int i = 0; rc == 0 && i < 1000 && strstr(it->text, WAITS) == NULL;
         i++) {
        rc = ouro_sleep(OURO_MILLISECONDS(1));
        dump(it);
    }
    return rc;
}

static void
count_line(const char *line, size_t size, void *arg)
{
    struct wait_case *it = arg;

    (void)line;
    (void)size;
    it->later++;
}

/* With stacks, wherever the tasks are. */
static int
dump_for_some_turns(struct wait_case *it)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < 4; i++) {
        ouro_dump_tasks_to(ouro_get_running_loop(), count_line, it, NULL);
        rc = ouro_sleep(0);
    }
    return rc;
}

/* All that anybody waits for comes, or is cancelled. */
static int
let_go(struct wait_case *it, struct waits *w, struct ouro_task *task)
{
    gate_open(&w->gate);
    ouro_event_set(&w->event);
    ouro_task_cancel(task);
    int rc = dump_for_some_turns(it);
    if (rc < 0)
        return rc;
    struct ouro_awaited both[] = {{.task = task}, {.task = w->other}};
    return ouro_gather_all(both, 2);
}

static int
look_at_it(void *arg)
{
    struct wait_case *it = arg;
    struct ouro_task *task;
    struct waits w;

    int rc = waits_begin(&w);
    if (rc < 0)
        return rc;
    ouro_task_set_name(w.other, "other");
    rc = ouro_create_task(&task, it->fn, &w);
    if (rc < 0)
        return rc;
    ouro_task_set_name(task, "it");
    rc = ouro_await(&w.there);
    if (rc == 0)
        rc = dump_when_it_waits(it);
    if (rc == 0)
        rc = let_go(it, &w, task);
    ouro_task_unref(task);
    waits_end(&w);
    return rc;
}

/* What the dump says behind `words`; fails if they are not there. */
static const char *
after(const struct wait_case *it, const char *words)
{
    const char *at = strstr(it->text, words);

    if (at == NULL)
        print_error("no '%s' in:\n%s\n", words, it->text);
    assert_non_null(at);
    return at + strlen(words);
}

static void
assert_begins(const struct wait_case *it, const char *at, const char *words)
{
    if (strncmp(at, words, strlen(words)) != 0)
        print_error("not '%s' but:\n%s\nin:\n%s\n", words, at, it->text);
    assert_memory_equal(at, words, strlen(words));
}

/* A91 */
static void
the_dump_says_what_it_waits_for(void **state)
{
    struct wait_case *it = *state;

    assert_ok(run_in_world(engine, look_at_it, it));
    assert_true(it->later > 4);

    const char *at = after(it, WAITS);
    assert_begins(it, at, it->says);
    at += strlen(it->says);
    at += strspn(at, " 0123456789"); /* of a descriptor */
    assert_begins(it, at, "\n");
    if (it->scope != NULL)
        assert_begins(it, at + 1, it->scope);
    if (it->graph != NULL)
        assert_string_equal(after(it, "who waits for whom\n"), it->graph);
    else
        assert_null(strstr(it->text, "who waits for whom"));
}

int
main(int argc, char **argv)
{
    enum { COUNT = sizeof(cases) / sizeof(cases[0]) };
    struct CMUnitTest tests[COUNT] = {{0}};
    size_t count = 0;

    engine = world_engine(argc, argv);
    for (size_t i = 0; i < COUNT; i++) {
        if (cases[i].kernel && strcmp(engine, "uring") != 0)
            continue;
        tests[count++] = (struct CMUnitTest){
            .name = cases[i].name,
            .test_func = the_dump_says_what_it_waits_for,
            .initial_state = &cases[i],
        };
    }
    return _cmocka_run_group_tests("waits", tests, count, NULL, NULL);
}
