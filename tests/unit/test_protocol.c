/* SPDX-License-Identifier: MIT */
/* Tasks that work for a protocol: ouro_protocol_create_task(). */
#include "base_fixture.h"

/* What a task was given, and what became of it. */
struct job {
    struct ouro_protocol *protocol;
    int result; /* of its sleep */
    int returns;
    bool ended;
};

static int
work(struct ouro_protocol *self, void *arg)
{
    struct job *job = arg;

    job->protocol = self;
    job->result = ouro_sleep(OURO_SECONDS(1));
    job->ended = true;
    return job->returns != 0 ? job->returns : job->result;
}

/* The protocol is the task's, until it returns. */
static int
write_at_the_end(struct ouro_protocol *self, void *arg)
{
    struct job *job = arg;

    job->result = ouro_sleep(OURO_SECONDS(1));
    ouro_transport_write(self->transport, OURO_BYTES("late"));
    job->ended = true;
    return 0;
}

static int
create(struct job *job)
{
    return ouro_protocol_create_task(fixture.transport->protocol, work, job);
}

static void
a_task_gets_the_protocol_and_its_argument(void **state)
{
    struct job job = {.result = UNSEEN};

    (void)state;
    begin(&user_ops);
    assert_ok(create(&job));
    assert_null(job.protocol); /* not inside the call */
    ouro_sim_advance(fixture.sim, OURO_SECONDS(1));

    assert_ptr_equal(job.protocol, fixture.transport->protocol);
    assert_ok(job.result);
    assert_int_equal(fixture.transport->protocol->refs, 1);
    do_close();
}

static void
a_task_is_cancelled_when_the_connection_is_lost(void **state)
{
    struct job job = {.result = UNSEEN};

    (void)state;
    begin(&user_ops);
    assert_ok(create(&job));
    turn();
    do_close();
    ouro_sim_advance(fixture.sim, 0);

    assert_err(job.result, ECANCELED);
    assert_true(job.ended);
    assert_int_equal(fixture.seen.count, 0);
}

static void
a_task_that_has_not_begun_runs_all_the_same(void **state)
{
    struct job job = {.result = UNSEEN};

    (void)state;
    begin(&user_ops);
    do_close();
    assert_ok(create(&job));
    ouro_sim_advance(fixture.sim, 0);

    assert_err(job.result, ECANCELED);
}

static void
all_tasks_of_a_connection_are_cancelled(void **state)
{
    struct job jobs[5];

    (void)state;
    memset(jobs, 0, sizeof(jobs));
    begin(&user_ops);
    for (size_t i = 0; i < 5; i++)
        assert_ok(create(&jobs[i]));
    turn();
    do_abort();
    ouro_sim_advance(fixture.sim, 0);

    for (size_t i = 0; i < 5; i++)
        assert_err(jobs[i].result, ECANCELED);
}

static void
a_task_keeps_protocol_and_transport_until_it_ends(void **state)
{
    struct job job = {.result = UNSEEN};

    (void)state;
    begin(&user_ops);
    assert_ok(ouro_protocol_create_task(fixture.transport->protocol,
                                        write_at_the_end, &job));
    turn();
    do_close();
    ouro_sim_advance(fixture.sim, 0);

    assert_true(job.ended);
    assert_string_equal(fixture.orders, "scf");
    assert_int_equal(fixture.seen.count, 1); /* that it was dropped */
}

static void
a_replaced_protocols_tasks_are_cancelled_too(void **state)
{
    struct job job = {.result = UNSEEN};

    (void)state;
    begin(&user_ops);
    assert_ok(create(&job));
    turn();
    do_set_protocol();
    turn();
    assert_int_equal(job.result, UNSEEN);
    do_close();
    ouro_sim_advance(fixture.sim, 0);

    assert_err(job.result, ECANCELED);
    assert_string_equal(fixture.orders, "scf");
}

static int refused;

static void
create_when_lost(void)
{
    refused = create(NULL);
}

static void
a_lost_connection_starts_no_task(void **state)
{
    (void)state;
    fixture.on_lost = create_when_lost;
    begin(&user_ops);
    struct ouro_protocol *protocol =
        ouro_protocol_ref(fixture.transport->protocol);
    do_close();
    turn();

    assert_err(refused, ENOTCONN);
    assert_err(ouro_protocol_create_task(protocol, work, NULL), ENOTCONN);
    ouro_protocol_unref(protocol);
}

static struct job made_job;

static void
create_when_made(void)
{
    if (create(&made_job) < 0)
        note(fixture.calls, '?');
}

static void
connection_made_may_start_one(void **state)
{
    (void)state;
    made_job = (struct job){.result = UNSEEN};
    fixture.on_made = create_when_made;
    begin(&user_ops);
    ouro_sim_advance(fixture.sim, OURO_SECONDS(1));

    assert_string_equal(fixture.calls, "M");
    assert_ok(made_job.result);
    do_close();
}

static void
a_failure_is_reported_with_its_place(void **state)
{
    struct job job = {.returns = -EBADMSG};

    (void)state;
    begin(&user_ops);
    assert_ok(create(&job));
    ouro_sim_advance(fixture.sim, OURO_SECONDS(1));

    assert_int_equal(fixture.seen.count, 1);
    assert_err(fixture.seen.error, EBADMSG);
    assert_string_equal(fixture.seen.name, "work");
    assert_non_null(strstr(fixture.seen.site, "test_protocol.c:"));
    do_close();
}

static int
begin_and_create(void *arg)
{
    struct job *job = arg;

    int rc = ouro_transport_new(&fixture.transport, fixture.loop, &fake_ops,
                                &user_ops, "here.c:1");
    if (rc < 0)
        return rc;
    ouro_transport_begin(fixture.transport, NULL);
    rc = create(job);
    do_close();
    ouro_sim_advance(fixture.sim, 0);
    fixture.calls[0] = '\0';
    fixture.orders[0] = '\0';
    return rc;
}

static void
one_that_cannot_be_started_leaves_nothing(void **state)
{
    struct job job = {.result = UNSEEN};

    (void)state;
    assert_ok(begin_and_create(&job)); /* so that the loop has its parts */
    for_each_allocation_failure(begin_and_create, &job);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_task_gets_the_protocol_and_its_argument),
        TEST(a_task_is_cancelled_when_the_connection_is_lost),
        TEST(a_task_that_has_not_begun_runs_all_the_same),
        TEST(all_tasks_of_a_connection_are_cancelled),
        TEST(a_task_keeps_protocol_and_transport_until_it_ends),
        TEST(a_replaced_protocols_tasks_are_cancelled_too),
        TEST(a_lost_connection_starts_no_task),
        TEST(connection_made_may_start_one),
        TEST(a_failure_is_reported_with_its_place),
        TEST(one_that_cannot_be_started_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
