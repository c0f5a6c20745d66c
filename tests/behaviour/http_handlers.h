/* SPDX-License-Identifier: MIT */
/* Handlers of the tests, and what they answer. */
#ifndef OURO_HTTP_HANDLERS_H
#define OURO_HTTP_HANDLERS_H

#include "http_scene.h"

#define TEXT(size, text)                                             \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n" \
    "Content-Length: " size "\r\n\r\n" text
#define CLOSED(status, size, text)                                       \
    "HTTP/1.1 " status "\r\nContent-Type: text/plain; charset=utf-8\r\n" \
    "Content-Length: " size "\r\nConnection: close\r\n\r\n" text
#define STATUS(status, size)                                             \
    "HTTP/1.1 " status "\r\nContent-Type: text/plain; charset=utf-8\r\n" \
    "Content-Length: " size "\r\n\r\n" status "\n"

/* Handlers. */

static inline int
say_name(struct ouro_http_request *request, void *context)
{
    struct ouro_slice name = ouro_http_param(request, "name");
    char text[64];

    (void)context;
    snprintf(text, sizeof(text), "%.*s", (int)name.size,
             (const char *)name.data);
    ouro_http_respond_text(request, 200, text);
    return 0;
}

static inline int
sleep_and_say_name(struct ouro_http_request *request, void *context)
{
    int rc = ouro_sleep(OURO_MILLISECONDS(5));

    return rc < 0 ? rc : say_name(request, context);
}

static inline int
echo_body(struct ouro_http_request *request, void *context)
{
    (void)context;
    ouro_http_respond(request, 200, "application/octet-stream",
                      ouro_http_body(request));
    return 0;
}

/* Adds up what it reads. */
static inline int
count_body(struct ouro_http_request *request, void *context)
{
    uint8_t bytes[1000];
    char text[32];
    size_t total = 0;
    ssize_t size;

    (void)context;
    while ((size = ouro_http_read(request, bytes, sizeof(bytes))) > 0)
        total += (size_t)size;
    if (size < 0)
        return (int)size;
    snprintf(text, sizeof(text), "%zu", total);
    ouro_http_respond_text(request, 200, text);
    return 0;
}

/* The same, a little at a time, and whether it is the bytes 0 to 255 again and
 * again. */
static inline int
check_body_slowly(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;
    uint8_t bytes[700];
    size_t total = 0;
    ssize_t size;

    while ((size = ouro_http_read(request, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < size; i++)
            scene->seen[0] += bytes[i] != (uint8_t)total++;
        int rc = ouro_sleep(0);
        if (rc < 0)
            return rc;
    }
    scene->seen[1] = (ssize_t)total;
    ouro_http_respond_text(request, 200, "read");
    return size < 0 ? (int)size : 0;
}

static inline int
ignore_body(struct ouro_http_request *request, void *context)
{
    (void)context;
    ouro_http_respond_text(request, 200, "no");
    return 0;
}

static inline int
stream_three(struct ouro_http_request *request, void *context)
{
    int rc =
        ouro_http_begin(request, 200, "text/plain", OURO_HTTP_UNKNOWN_SIZE);

    (void)context;
    for (int i = 0; rc == 0 && i < 3; i++) {
        rc = ouro_http_write(request, OURO_BYTES("part"));
        if (rc == 0)
            rc = ouro_sleep(0);
    }
    return rc;
}

static inline int
promise_ten(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;
    int rc = ouro_http_begin(request, 200, NULL, 10);

    if (rc == 0)
        rc = ouro_http_write(request, OURO_BYTES("12345"));
    if (rc == 0)
        scene->seen[0] = ouro_http_write(request, OURO_BYTES("678901"));
    return rc;
}

static inline int
fail_with_eio(struct ouro_http_request *request, void *context)
{
    (void)request;
    (void)context;
    return -EIO;
}

static inline int
say_nothing(struct ouro_http_request *request, void *context)
{
    (void)request;
    (void)context;
    return 0;
}

static inline int
answer_twice(struct ouro_http_request *request, void *context)
{
    (void)context;
    ouro_http_respond_text(request, 200, "first");
    ouro_http_respond_text(request, 200, "second");
    return 0;
}

static inline int
add_fields(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;
    struct ouro_slice value = ouro_http_header(request, "x-mine");

    scene->seen[0] = ouro_http_add_header(request, "X-Yours", value);
    scene->seen[1] =
        ouro_http_add_header(request, "X-Bad", OURO_BYTES("a\r\nb: c"));
    scene->seen[2] = ouro_http_add_header(request, "a b", value);
    scene->seen[3] =
        ouro_http_add_header(request, "content-length", OURO_BYTES("5"));
    ouro_http_respond(request, 204, NULL, OURO_BYTES("left out"));
    scene->seen[4] = ouro_http_add_header(request, "X-Late", value);
    return 0;
}

/* Each of what is no answer, one after the other, before one that is. */
static inline int
answer_badly(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;

    scene->seen[0] = ouro_http_begin(request, 101, NULL, 0);
    scene->seen[1] = ouro_http_begin(request, 600, NULL, 0);
    scene->seen[2] = ouro_http_begin(request, 200, "a\r\nb: c", 0);
    scene->seen[3] = ouro_http_begin(request, 200, NULL, -2);
    struct ouro_slice status = ouro_http_param(request, "status");
    char digits[8] = "";

    strncat(digits, (const char *)status.data, status.size);
    ouro_http_respond_text(request, atoi(digits), "bad");
    return 0;
}

static inline int
answer_with_two_lines_of_type(struct ouro_http_request *request, void *context)
{
    (void)context;
    ouro_http_respond(request, 200, "text/plain\r\nSet-Cookie: a=b",
                      OURO_BYTES("bad"));
    return 0;
}

/* Adds a field, and fails. */
static inline int
add_and_fail(struct ouro_http_request *request, void *context)
{
    (void)context;
    int rc =
        ouro_http_add_header(request, "Content-Encoding", OURO_BYTES("gzip"));
    return rc < 0 ? rc : -EIO;
}

static inline int
reset_content(struct ouro_http_request *request, void *context)
{
    (void)context;
    ouro_http_respond(request, 205, NULL, OURO_BYTES("left out"));
    return 0;
}

/* Is told to end, and looks whether reading and writing notice. */
static inline int
read_and_write_cancelled(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;
    uint8_t byte;

    int rc = ouro_http_begin(request, 200, NULL, 1);
    if (rc < 0)
        return rc;
    ouro_task_cancel(ouro_current_task());
    scene->seen[0] = ouro_http_read(request, &byte, 1);
    scene->seen[1] = ouro_http_write(request, OURO_BYTES("x"));
    ouro_uncancel();
    scene->seen[2] = ouro_http_read(request, &byte, 0);
    scene->seen[3] = ouro_http_read(request, &byte, 1);
    return ouro_http_write(request, ouro_slice_of(&byte, 1));
}

/* More than any socket takes at once. */
enum { LARGE_WRITE = 16000000 };

/* Two tasks in the same call. */
struct twice {
    struct ouro_http_request *request;
    int (*call)(struct ouro_http_request *request);
    int results[2];
    int count;
};

static inline int
call_once(void *arg)
{
    struct twice *twice = arg;
    int *result = &twice->results[twice->count++];

    *result = twice->call(twice->request);
    return *result == -ECANCELED ? *result : 0;
}

static inline int
call_twice(struct ouro_http_request *request,
           int (*call)(struct ouro_http_request *request), int results[2])
{
    struct twice twice = {.request = request, .call = call};
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, call_once, &twice);
    ouro_group_create_task(&group, call_once, &twice);
    int rc = ouro_group_end(&group, 0);
    memcpy(results, twice.results, sizeof(twice.results));
    return rc;
}

static inline int
read_five(struct ouro_http_request *request)
{
    uint8_t bytes[8];

    return (int)ouro_http_read(request, bytes, sizeof(bytes));
}

static inline int
write_much(struct ouro_http_request *request)
{
    static const uint8_t bytes[LARGE_WRITE];

    return ouro_http_write(request, ouro_slice_of(bytes, sizeof(bytes)));
}

static inline int
read_and_write_twice(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;
    int reads[2] = {UNSEEN, UNSEEN};
    int writes[2] = {UNSEEN, UNSEEN};

    int rc = call_twice(request, read_five, reads);
    if (rc == 0)
        rc = ouro_http_begin(request, 200, NULL, LARGE_WRITE);
    if (rc == 0)
        rc = call_twice(request, write_much, writes);
    for (int i = 0; i < 2; i++) {
        scene->seen[i] = reads[i];
        scene->seen[2 + i] = writes[i];
    }
    return rc;
}

/* What the request says of itself. */
static inline int
tell_request(struct ouro_http_request *request, void *context)
{
    struct ouro_address peer = ouro_http_peer_address(request);
    struct ouro_slice parts[] = {
        ouro_http_method(request),
        ouro_http_target(request),
        ouro_http_path(request),
        ouro_http_query(request),
    };
    char address[OURO_ADDRESS_TEXT];
    char text[256] = "";

    (void)context;
    for (size_t i = 0; i < 4; i++) {
        strncat(text, (const char *)parts[i].data, parts[i].size);
        strcat(text, " ");
    }
    ouro_address_format(&peer, address);
    strcat(text, begins_with(address, "127.0.0.1:") ? "near" : "far");
    ouro_http_respond_text(request, 200, text);
    return 0;
}

/* Waits to be let go. */
static inline int
wait_to_go(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;

    ouro_event_set(&scene->arrived);
    int rc = ouro_event_wait(&scene->go);
    scene->seen[7] = rc;
    if (rc < 0)
        return rc;
    ouro_http_respond_text(request, 200, "gone");
    return 0;
}

static const struct ouro_http_route routes[] = {
    {.method = "GET", .pattern = "/now/{name}", .callback = say_name},
    {.method = "GET",
     .pattern = "/later/{name}",
     .handler = sleep_and_say_name},
    {.method = "POST", .pattern = "/echo", .callback = echo_body},
    {.method = "PUT", .pattern = "/echo", .handler = echo_body},
    {.method = "POST",
     .pattern = "/count",
     .handler = count_body,
     .streams = true},
    {.method = "POST",
     .pattern = "/slowly",
     .handler = check_body_slowly,
     .streams = true},
    {.method = "POST",
     .pattern = "/ignore",
     .handler = ignore_body,
     .streams = true},
    {.method = "GET", .pattern = "/stream", .handler = stream_three},
    {.method = "GET", .pattern = "/ten", .handler = promise_ten},
    {.method = "GET", .pattern = "/fail", .handler = fail_with_eio},
    {.method = "GET", .pattern = "/nothing", .callback = say_nothing},
    {.method = "GET", .pattern = "/twice", .callback = answer_twice},
    {.method = "GET", .pattern = "/fields", .callback = add_fields},
    {.method = "GET", .pattern = "/badly/{status}", .callback = answer_badly},
    {.method = "GET",
     .pattern = "/type",
     .callback = answer_with_two_lines_of_type},
    {.method = "GET", .pattern = "/add", .handler = add_and_fail},
    {.method = "GET", .pattern = "/reset", .callback = reset_content},
    {.method = "POST",
     .pattern = "/cancelled",
     .handler = read_and_write_cancelled,
     .streams = true},
    {.method = "POST",
     .pattern = "/both",
     .handler = read_and_write_twice,
     .streams = true},
    {.method = "GET", .pattern = "/wait", .handler = wait_to_go},
    {.method = "GET", .pattern = "/tell/{what}", .callback = tell_request},
    {.pattern = NULL},
};

/* A client that sends scene->note. */
static inline int
ask_note(struct scene *scene)
{
    return ask(scene, scene->note);
}

static inline void
answer_to(struct scene *scene, const char *text)
{
    *scene = (struct scene){.routes = routes, .act = ask_note};
    assert_true(strlen(text) < sizeof(scene->note));
    strcpy(scene->note, text);
    assert_plays(scene);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

#endif
