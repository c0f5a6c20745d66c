/* SPDX-License-Identifier: MIT */
/* What the HTTP client asks for behind a redirection: RFC 9110, 15.4. */
#include "http_play.h"

const char *engine;

/* What is asked, what is said, and how it is asked again. */
struct row {
    const char *method;
    const char *status;
    const char *next;
    bool repeats; /* the body too */
};

static const struct row *row;

/* The body's last bytes end a request for the script's server. */
static int
send_body(struct play *play)
{
    struct ouro_http_call call = {.method = row->method};

    call.body = OURO_BYTES("body\r\n\r\n");
    return call_path(play, call, "/a");
}

static void
the_method_and_the_body_change_as_the_status_says(void **state)
{
    static const struct row rows[] = {
        {"POST", "301", "GET", false},  {"POST", "302", "GET", false},
        {"POST", "303", "GET", false},  {"POST", "307", "POST", true},
        {"POST", "308", "POST", true},  {"PUT", "301", "PUT", true},
        {"PUT", "302", "PUT", true},    {"PUT", "303", "GET", false},
        {"PUT", "307", "PUT", true},    {"DELETE", "303", "GET", false},
        {"HEAD", "303", "HEAD", false}, {"GET", "302", "GET", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char moved[128];
        char next[32];
        struct play play = {.lines = {moved, "", "HTTP/1.1 204 X\r\n\r\n", ""},
                            .act = send_body};

        row = &rows[i];
        snprintf(moved, sizeof(moved),
                 "HTTP/1.1 %s X\r\nLocation: c\r\nContent-Length: 0\r\n\r\n",
                 row->status);
        snprintf(next, sizeof(next), "\r\n\r\n%s /c HTTP/1.1\r\n", row->next);
        assert_ok(run_in_world(engine, run_play, &play));
        assert_int_equal(play.status, 204);
        const char *second = strstr(play.heard, next);
        assert_non_null(second);
        assert_int_equal(strstr(second, "Content-Length: 8\r\n") != NULL,
                         row->repeats);
    }
}

static void
these_are_answers_like_any_other(void **state)
{
    static const char *const lines[] = {
        "HTTP/1.1 300 X\r\nLocation: c\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 304 X\r\nLocation: c\r\n\r\n",
        "HTTP/1.1 305 X\r\nLocation: c\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 201 X\r\nLocation: c\r\nContent-Length: 0\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct play play = {.lines = {lines[i]}, .act = get_once};

        assert_ok(run_in_world(engine, run_play, &play));
        assert_int_equal(play.line, 1);
        assert_in_range(play.status, 201, 305);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_method_and_the_body_change_as_the_status_says),
        cmocka_unit_test(these_are_answers_like_any_other),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
