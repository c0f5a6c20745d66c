/* SPDX-License-Identifier: MIT */
/* Lookups on threads: what happens while libc blocks, and after.
 *
 * Libc is replaced by a gate that is shut until a test opens it, so nothing
 * here depends on a name server or on time.
 */
#include "ouro_test.h"

#include "lookup.h"
#include "resolve.h"

#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

enum { MANY = 200, ROOM = 4 };

/* What stands in for libc.  Everything is the lock's. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    unsigned inside; /* threads that wait in it */
    unsigned calls;
    int code; /* what it returns instead of an answer */
    int error;
    unsigned unblocked; /* signals that its last caller could have got */
} gate = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .changed = PTHREAD_COND_INITIALIZER,
};

/* A task, its question, and what came of it. */
struct question {
    struct ouro_task *task;
    const char *host;
    const char *service;
    struct ouro_address found[ROOM];
    ssize_t seen;
};

struct fixture {
    struct ouro_loop *loop;
    struct seen_exceptions exceptions;
    struct question question;
    struct question many[MANY];
    size_t blocks;
    size_t descriptors;
};

static unsigned
count_unblocked_signals(void)
{
    sigset_t blocked;
    unsigned count = 0;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    for (int number = 1; number <= SIGSYS; number++) {
        if (number != SIGKILL && number != SIGSTOP)
            count += sigismember(&blocked, number) == 0;
    }
    return count;
}

/* Every name is 10.0.0.1, and 10.0.0.1 again, once the gate is open. */
static int
pass_gate(const char *host, const char *service, const struct addrinfo *hints,
          struct addrinfo **out_answer)
{
    struct addrinfo numeric = *hints;

    pthread_mutex_lock(&gate.lock);
    gate.calls++;
    gate.inside++;
    gate.unblocked = count_unblocked_signals();
    pthread_cond_broadcast(&gate.changed);
    while (!gate.open)
        pthread_cond_wait(&gate.changed, &gate.lock);
    gate.inside--;
    int code = gate.code;
    int error = gate.error;
    pthread_mutex_unlock(&gate.lock);

    errno = error;
    if (code != 0)
        return code;
    numeric.ai_flags = AI_NUMERICHOST;
    numeric.ai_socktype = 0; /* each address for three types of sockets */
    return getaddrinfo(host != NULL ? "10.0.0.1" : NULL, service, &numeric,
                       out_answer);
}

static void
open_gate(int code, int error)
{
    pthread_mutex_lock(&gate.lock);
    gate.open = true;
    gate.code = code;
    gate.error = error;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void
wait_for_threads_in_gate(unsigned count)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.inside < count)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static unsigned
gate_calls(void)
{
    pthread_mutex_lock(&gate.lock);
    unsigned calls = gate.calls;
    pthread_mutex_unlock(&gate.lock);
    return calls;
}

static int
ask(void *arg)
{
    struct question *question = arg;

    question->seen = ouro_getaddrinfo(question->found, ROOM, question->host,
                                      question->service, AF_UNSPEC);
    return 0;
}

static void
start_asking(struct fixture *f, struct question *question, const char *host,
             const char *service)
{
    question->host = host;
    question->service = service;
    question->seen = UNSEEN;
    assert_ok(ouro_loop_create_task(f->loop, &question->task, ask, question));
}

/* Run the loop until the task is done. */
static void
finish(struct fixture *f, struct question *question)
{
    assert_ok(ouro_loop_run_until_complete(f->loop,
                                           ouro_task_future(question->task)));
    question->task = ouro_task_unref(question->task);
}

static void
run_one_turn(struct fixture *f)
{
    ouro_loop_stop(f->loop);
    ouro_loop_run_forever(f->loop);
}

static const char *
answer(struct fixture *f, const char *host, const char *service)
{
    static char text[OURO_ADDRESS_TEXT];
    struct question *question = &f->question;

    start_asking(f, question, host, service);
    finish(f, question);
    if (question->seen < 0)
        return ouro_error_name((int)question->seen);
    return ouro_address_format(&question->found[0], text);
}

/* What a thread frees after the loop is gone. */
static void
wait_until_blocks_are(size_t count)
{
    while (live_allocations() > count)
        sched_yield();
}

static void
a_name_is_found_by_libc(void **state)
{
    struct fixture *f = *state;

    ouro__resolve_function = getaddrinfo;
    start_asking(f, &f->question, "localhost", "7000");
    finish(f, &f->question);

    assert_in_range(f->question.seen, 1, ROOM);
    assert_int_equal(ouro_address_port(&f->question.found[0]), 7000);
}

static void
libc_knows_the_service_of_a_literal(void **state)
{
    struct fixture *f = *state;

    if (getservbyname("http", "tcp") == NULL)
        skip();
    ouro__resolve_function = getaddrinfo;

    assert_string_equal(answer(f, "fe80::1%lo", "http"), "[fe80::1%lo]:80");
    assert_string_equal(answer(f, "::1", "no-such-service"), "OURO_ESERVICE");
    assert_string_equal(answer(f, "localhost", "80x"), "OURO_ESERVICE");
}

/* A92 of the list of behaviours: the counter of the resolver stays 0, and the
 * zone is kept.  No executor can delay a lookup, since it shares no thread. */
static void
a_literal_starts_no_thread(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(answer(f, "127.0.0.1", "80"), "127.0.0.1:80");
    assert_string_equal(answer(f, "fe80::1%lo", "80"), "[fe80::1%lo]:80");
    assert_int_equal(f->question.found[0].of.v6.sin6_scope_id,
                     if_nametoindex("lo"));

    assert_int_equal(ouro__resolve_threads(f->loop), 0);
    assert_int_equal(gate_calls(), 0);
}

static void
an_address_is_told_once(void **state)
{
    struct fixture *f = *state;

    open_gate(0, 0);
    assert_string_equal(answer(f, "name", "80"), "10.0.0.1:80");

    assert_int_equal(f->question.seen, 1);
    assert_int_equal(gate_calls(), 1);
}

static void
the_loop_runs_while_libc_blocks(void **state)
{
    struct fixture *f = *state;

    start_asking(f, &f->many[0], "name", "80");
    run_one_turn(f);
    wait_for_threads_in_gate(1);
    assert_string_equal(answer(f, "::1", "80"), "[::1]:80");

    open_gate(0, 0);
    finish(f, &f->many[0]);
    assert_int_equal(f->many[0].seen, 1);
}

static void
a_cancelled_task_does_not_wait_for_libc(void **state)
{
    struct fixture *f = *state;

    start_asking(f, &f->question, "name", "80");
    run_one_turn(f);
    wait_for_threads_in_gate(1);
    ouro_task_cancel(f->question.task);
    finish(f, &f->question);
    assert_err(f->question.seen, ECANCELED);

    open_gate(0, 0);
    assert_string_equal(answer(f, "other", "80"), "10.0.0.1:80");
}

static void
the_fifth_waits_for_a_thread(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < OURO__RESOLVE_THREADS + 2; i++)
        start_asking(f, &f->many[i], "name", "80");
    run_one_turn(f);
    wait_for_threads_in_gate(OURO__RESOLVE_THREADS);
    assert_int_equal(ouro__resolve_threads(f->loop), OURO__RESOLVE_THREADS);
    assert_int_equal(gate_calls(), OURO__RESOLVE_THREADS);

    open_gate(0, 0);
    for (size_t i = 0; i < OURO__RESOLVE_THREADS + 2; i++) {
        finish(f, &f->many[i]);
        assert_int_equal(f->many[i].seen, 1);
    }
}

static void
one_that_is_cancelled_in_the_queue_never_reaches_libc(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < OURO__RESOLVE_THREADS + 1; i++)
        start_asking(f, &f->many[i], "name", "80");
    run_one_turn(f);
    wait_for_threads_in_gate(OURO__RESOLVE_THREADS);
    ouro_task_cancel(f->many[OURO__RESOLVE_THREADS].task);
    finish(f, &f->many[OURO__RESOLVE_THREADS]);

    open_gate(0, 0);
    for (size_t i = 0; i < OURO__RESOLVE_THREADS; i++)
        finish(f, &f->many[i]);
    assert_int_equal(gate_calls(), OURO__RESOLVE_THREADS);
}

static void
many_lookups_all_get_their_answer(void **state)
{
    struct fixture *f = *state;

    open_gate(0, 0);
    for (size_t i = 0; i < MANY; i++)
        start_asking(f, &f->many[i], "name", i % 2 == 0 ? "80" : "81");

    for (size_t i = 0; i < MANY; i++) {
        finish(f, &f->many[i]);
        assert_int_equal(f->many[i].seen, 1);
        assert_int_equal(ouro_address_port(&f->many[i].found[0]), 80 + i % 2);
    }
    assert_int_equal(gate_calls(), MANY);
    assert_in_range(ouro__resolve_threads(f->loop), 1, OURO__RESOLVE_THREADS);
}

static void
many_are_cancelled_whatever_became_of_them(void **state)
{
    struct fixture *f = *state;

    open_gate(0, 0);
    for (size_t i = 0; i < MANY; i++)
        start_asking(f, &f->many[i], "name", "80");
    run_one_turn(f);
    for (size_t i = 0; i < MANY; i += 2)
        ouro_task_cancel(f->many[i].task);

    for (size_t i = 0; i < MANY; i++) {
        finish(f, &f->many[i]);
        if (f->many[i].seen != 1)
            assert_err(f->many[i].seen, ECANCELED);
    }
}

static void
a_loop_is_freed_while_libc_blocks(void **state)
{
    struct fixture *f = *state;

    start_asking(f, &f->question, "name", "80");
    run_one_turn(f);
    wait_for_threads_in_gate(1);
    ouro_task_cancel(f->question.task);
    finish(f, &f->question);
    ouro_loop_free(f->loop);
    f->loop = NULL;

    open_gate(0, 0);
    wait_until_blocks_are(f->blocks);
    assert_int_equal(f->exceptions.count, 0);
}

/* With a task that waits for it, and another whose lookup is in the queue. */
static void
a_loop_is_freed_with_its_tasks_while_libc_blocks(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < OURO__RESOLVE_THREADS + 1; i++)
        start_asking(f, &f->many[i], "name", "80");
    run_one_turn(f);
    wait_for_threads_in_gate(OURO__RESOLVE_THREADS);
    for (size_t i = 0; i < OURO__RESOLVE_THREADS + 1; i++)
        ouro_task_unref(f->many[i].task);
    ouro_loop_free(f->loop);
    f->loop = NULL;

    assert_int_equal(f->exceptions.count, OURO__RESOLVE_THREADS + 1);
    open_gate(0, 0);
    wait_until_blocks_are(f->blocks);
    assert_int_equal(f->many[0].seen, UNSEEN);
}

static void
an_answer_that_comes_with_the_end_of_the_loop_is_freed(void **state)
{
    struct fixture *f = *state;

    start_asking(f, &f->question, "name", "80");
    run_one_turn(f);
    wait_for_threads_in_gate(1);
    ouro_task_cancel(f->question.task);
    finish(f, &f->question);

    open_gate(0, 0);
    ouro_loop_free(f->loop);
    f->loop = NULL;
    wait_until_blocks_are(f->blocks);
}

static int
wait_until_threads_are_gone(void *arg)
{
    struct fixture *f = arg;
    int rc = 0;

    while (rc == 0 && ouro__resolve_threads(f->loop) > 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    return rc;
}

static void
threads_without_work_end(void **state)
{
    struct fixture *f = *state;
    struct ouro_task *task;

    ouro__resolve_idle_ns = OURO_MILLISECONDS(5);
    open_gate(0, 0);
    assert_string_equal(answer(f, "name", "80"), "10.0.0.1:80");
    assert_ok(
        ouro_loop_create_task(f->loop, &task, wait_until_threads_are_gone, f));
    assert_ok(ouro_loop_run_until_complete(f->loop, ouro_task_future(task)));
    ouro_task_unref(task);

    assert_string_equal(answer(f, "name", "80"), "10.0.0.1:80");
}

static void
each_failure_has_its_error(void **state)
{
    static const struct {
        int code;
        int error;
        const char *name;
    } failures[] = {
        {EAI_NONAME, 0, "OURO_ENAME"},
        {EAI_AGAIN, 0, "OURO_ENAMEAGAIN"},
        {EAI_FAIL, 0, "OURO_ENAMEFAIL"},
        {EAI_FAMILY, 0, "OURO_ENAMEFAIL"},
        {EAI_SERVICE, 0, "OURO_ESERVICE"},
        {EAI_NODATA, 0, "OURO_ENOADDRESS"},
        {EAI_ADDRFAMILY, 0, "OURO_ENOADDRESS"},
        {EAI_MEMORY, 0, "ENOMEM"},
        {EAI_SYSTEM, EMFILE, "EMFILE"},
        {EAI_SYSTEM, 0, "OURO_ENAMEFAIL"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        open_gate(failures[i].code, failures[i].error);
        assert_string_equal(answer(f, "name", "80"), failures[i].name);
    }
}

static void
its_threads_take_no_signals(void **state)
{
    struct fixture *f = *state;

    open_gate(0, 0);
    assert_string_equal(answer(f, "name", "80"), "10.0.0.1:80");

    pthread_mutex_lock(&gate.lock);
    unsigned unblocked = gate.unblocked;
    pthread_mutex_unlock(&gate.lock);
    assert_int_equal(unblocked, 0);
}

/* A service by name too, so that both texts are copied. */
static int
ask_in_a_loop_of_its_own(void *arg)
{
    struct question *question = arg;
    struct ouro_loop *loop;

    int rc = ouro_loop_new(&loop, NULL);
    if (rc < 0)
        return rc;
    question->host = "name";
    question->service = "a-service";
    rc = ouro_loop_create_task(loop, &question->task, ask, question);
    if (rc == 0) {
        rc = ouro_loop_run_until_complete(loop,
                                          ouro_task_future(question->task));
        ouro_task_unref(question->task);
    }
    ouro_loop_free(loop);
    return rc < 0 ? rc : (int)question->seen;
}

/* Its last allocation may be freed by a thread, a moment after the loop. */
static void
no_memory_is_an_error_and_nothing_is_lost(void **state)
{
    struct fixture *f = *state;
    size_t before = live_allocations();

    open_gate(EAI_NODATA, 0);
    for (unsigned n = 1; n < MANY; n++) {
        fail_allocation(n);
        int rc = ask_in_a_loop_of_its_own(&f->question);
        fail_allocation(0);
        wait_until_blocks_are(before);
        if (rc == -OURO_ENOADDRESS)
            return;
        assert_err(rc, ENOMEM);
    }
    fail_msg("it never worked");
}

static int
setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){
        .blocks = live_allocations(),
        .descriptors = count_descriptors(),
    };
    struct ouro_loop_options options = {
        .exception_handler = see_exception,
        .exception_arg = &f.exceptions,
    };

    pthread_mutex_lock(&gate.lock);
    gate.open = false;
    gate.calls = 0;
    pthread_mutex_unlock(&gate.lock);
    ouro__resolve_function = pass_gate;
    ouro__resolve_idle_ns = OURO_SECONDS(5);
    assert_ok(ouro_loop_new(&f.loop, &options));
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_loop_free(f->loop);
    wait_until_blocks_are(f->blocks);
    assert_int_equal(live_allocations(), f->blocks);
    assert_int_equal(count_descriptors(), f->descriptors);
    return 0;
}

/* Whether there are loops here at all. */
static bool
has_loops(void)
{
    struct ouro_loop *loop;

    if (ouro_loop_new(&loop, NULL) < 0)
        return false;
    ouro_loop_free(loop);
    return true;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_is_found_by_libc),
        TEST(libc_knows_the_service_of_a_literal),
        TEST(a_literal_starts_no_thread),
        TEST(an_address_is_told_once),
        TEST(the_loop_runs_while_libc_blocks),
        TEST(a_cancelled_task_does_not_wait_for_libc),
        TEST(the_fifth_waits_for_a_thread),
        TEST(one_that_is_cancelled_in_the_queue_never_reaches_libc),
        TEST(many_lookups_all_get_their_answer),
        TEST(many_are_cancelled_whatever_became_of_them),
        TEST(a_loop_is_freed_while_libc_blocks),
        TEST(a_loop_is_freed_with_its_tasks_while_libc_blocks),
        TEST(an_answer_that_comes_with_the_end_of_the_loop_is_freed),
        TEST(threads_without_work_end),
        TEST(each_failure_has_its_error),
        TEST(its_threads_take_no_signals),
        TEST(no_memory_is_an_error_and_nothing_is_lost),
    };

    if (!has_loops())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
