/* SPDX-License-Identifier: MIT */
/* Each feature of io_uring turned off in turn: everything works without it. */
#include "ouro_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TALK_SIZE = 300000, PIECE = 10000 };

static const char *const names[] = {
    "submit_all", "taskrun_flag",     "registered_ring",   "abs_timer",
    "no_iowait",  "multishot_accept", "multishot_receive", "buffer_ring",
};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

/* An echo by protocol. */

static void
echo_data_received(struct ouro_protocol *self, struct ouro_slice data)
{
    ouro_transport_write(self->transport, data);
}

static const struct ouro_protocol_ops echo_ops = {
    .size = sizeof(struct ouro_protocol),
    .data_received = echo_data_received,
};

/* And by stream. */
static int
echo_stream(struct ouro_stream *stream, void *context)
{
    (void)context;
    for (;;) {
        struct ouro_slice bytes;
        ssize_t size = ouro_stream_peek(stream, &bytes);
        if (size <= 0)
            return (int)size;
        int rc = ouro_stream_write(stream, bytes);
        if (rc < 0)
            return rc;
        ouro_stream_consume(stream, bytes.size);
    }
}

/* Whether pieces come back as they went, and a small one first. */
static int
talk(struct ouro_stream *stream)
{
    static char sent[PIECE];
    static char got[PIECE];
    size_t size = 1;

    for (size_t at = 0; at < TALK_SIZE; at += size) {
        size = at == 0 ? 1 : PIECE;
        memset(sent, (int)(at / PIECE) + 'a', size);
        int rc = ouro_stream_write(stream, ouro_slice_of(sent, size));
        if (rc < 0)
            return rc;
        ssize_t read = ouro_stream_read_exactly(stream, got, size);
        if (read < 0)
            return (int)read;
        if (memcmp(sent, got, size) != 0)
            return -EBADMSG;
    }
    return 0;
}

static int
visit(struct ouro_server *server)
{
    struct ouro_address address = ouro_server_address(server, 0);
    struct ouro_stream *stream;
    char port[8];

    snprintf(port, sizeof(port), "%u", (unsigned)ouro_address_port(&address));
    const struct ouro_connect_options options = {
        .host = "127.0.0.1",
        .service = port,
    };
    int rc = ouro_open_connection(&stream, &options);
    if (rc < 0)
        return rc;
    rc = talk(stream);
    ouro_stream_free(stream);
    return rc;
}

static int
visit_and_stop(struct ouro_server *server)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < 3; i++)
        rc = visit(server);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    if (rc == 0)
        rc = ouro_server_stop(server, OURO_SECONDS(5));
    ouro_server_free(server);
    return rc;
}

static int
visit_both(void *arg)
{
    const struct ouro_server_options options = {.host = "127.0.0.1"};
    struct ouro_server *server;

    (void)arg;
    int rc = ouro_create_server(&server, &echo_ops, NULL, &options);
    if (rc == 0)
        rc = visit_and_stop(server);
    if (rc == 0)
        rc = ouro_start_server(&server, echo_stream, NULL, &options);
    return rc == 0 ? visit_and_stop(server) : rc;
}

/* Somebody who never lets the loop sleep. */
struct hustle {
    struct ouro_loop *loop;
    struct ouro_handle handle;
};

static void
go_round(void *arg)
{
    struct hustle *hustle = arg;

    ouro_call_soon(hustle->loop, &hustle->handle, go_round, hustle);
}

static int
visit_in_time(void *arg)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_SECONDS(10));
    int rc = visit_both(arg);
    return (int)ouro_timeout_end(&limit, rc);
}

static int
visit_twice(void *arg)
{
    struct hustle hustle = {.loop = ouro_get_running_loop()};

    int rc = visit_in_time(arg);
    if (rc < 0)
        return rc;
    go_round(&hustle);
    rc = visit_in_time(arg);
    ouro_handle_cancel(&hustle.handle);
    return rc;
}

static bool
has_word(const char *text, const char *word)
{
    size_t size = strlen(word);

    for (const char *at = strstr(text, word); at != NULL;
         at = strstr(at + 1, word)) {
        bool begins = at == text || at[-1] == ' ';

        if (begins && (at[size] == ' ' || at[size] == '\0'))
            return true;
    }
    return false;
}

static void
run_without(const char *disabled, struct ouro_engine_info *out_info,
            char missing[256])
{
    struct seen_exceptions seen = {0};
    struct ouro_loop *loop;
    struct ouro_task *task;

    size_t descriptors = count_descriptors();
    assert_ok(setenv("OURO_URING_DISABLE", disabled, 1));
    assert_ok(ouro_loop_new(&loop, NULL));
    assert_ok(unsetenv("OURO_URING_DISABLE"));
    ouro_loop_set_exception_handler(loop, see_exception, &seen);
    *out_info = *ouro_loop_engine(loop);
    snprintf(missing, 256, "%s", out_info->missing);
    assert_ok(ouro_loop_create_task(loop, &task, visit_twice, NULL));
    assert_ok(ouro_loop_run_until_complete(loop, ouro_task_future(task)));
    assert_ok(ouro_task_result(task));
    ouro_task_unref(task);
    ouro_loop_free(loop);
    assert_string_equal(seen.message, "");
    assert_int_equal(count_descriptors(), descriptors);
}

static void
each_feature_can_be_missing(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        struct ouro_engine_info info;
        char missing[256];

        run_without(names[i], &info, missing);
        if (!has_word(missing, names[i]))
            fail_msg("%s is not missing: %s", names[i], missing);
    }
}

static void
all_can_be_missing_at_once(void **state)
{
    struct ouro_engine_info info;
    char disabled[256] = "";
    char missing[256];

    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        strcat(disabled, names[i]);
        strcat(disabled, ",");
    }
    run_without(disabled, &info, missing);

    for (size_t i = 0; i < NAMES; i++)
        assert_true(has_word(missing, names[i]));
    assert_int_equal(info.receive_memory, 0);
    assert_string_equal(info.name, "uring");
}

static void
shared_buffers_and_the_receive_that_fills_them_go_together(void **state)
{
    struct ouro_engine_info info;
    char missing[256];

    (void)state;
    run_without("buffer_ring", &info, missing);
    assert_true(has_word(missing, "multishot_receive"));
    run_without("multishot_receive", &info, missing);
    assert_true(has_word(missing, "buffer_ring"));
    assert_int_equal(info.receive_memory, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_feature_can_be_missing),
        cmocka_unit_test(all_can_be_missing_at_once),
        cmocka_unit_test(
            shared_buffers_and_the_receive_that_fills_them_go_together),
    };

    return cmocka_run_group_tests_name("uring_disable", tests, NULL, NULL);
}
