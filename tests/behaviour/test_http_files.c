/* SPDX-License-Identifier: MIT */
/* Files over HTTP: ranges, conditions, and that nothing leads out of a
 * directory. */
#include "http_scene.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

const char *engine;

enum { BIG = 300000 };

static int
serve_file(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;

    return ouro_http_serve_file(request, scene->root,
                                ouro_http_param(request, "path"), NULL);
}

/* A descriptor of the handler's, with a tag of its own. */
static int
serve_tagged(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;
    int file = openat(scene->root, "a.txt", O_RDONLY | O_CLOEXEC);

    scene->seen[0] = ouro_http_respond_file(request, dup(scene->root), "text/x",
                                            NULL); /* a directory */
    return ouro_http_respond_file(request, file, "text/x", "\"mine\"");
}

static int
serve_weakly_tagged(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;
    static const char *const tags[] = {"W/\"a\"", "a", "\"", "\"a\"b\"", ""};

    for (size_t i = 0; i < 5; i++)
        scene->seen[i] = ouro_http_respond_file(
            request, openat(scene->root, "a.txt", O_RDONLY | O_CLOEXEC), NULL,
            tags[i]);
    ouro_http_respond_text(request, 200, NULL);
    return 0;
}

static const struct ouro_http_route routes[] = {
    {.method = "GET", .pattern = "/tagged", .callback = serve_tagged},
    {.method = NULL, .pattern = "/f/{path...}", .callback = serve_file},
    {.method = "GET", .pattern = "/weak", .callback = serve_weakly_tagged},
    {.method = "POST", .pattern = "/tagged", .callback = serve_tagged},
    {.method = "GET", .pattern = "/{path...}", .callback = serve_file},
    {.pattern = NULL},
};

/* A directory of the test's, and one beside it that is none of anybody's
 * business. */
static int root = -1;
static char top[] = "ouro-http-files-XXXXXX";

static void
put(const char *path, const char *text, size_t size)
{
    int fd = openat(root, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    static const struct timespec then[2] = {{784111777, 0}, {784111777, 0}};

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    assert_int_equal(futimens(fd, then), 0);
    close(fd);
}

static int
make_files(void **state)
{
    static char big[BIG];

    (void)state;
    assert_int_equal(chdir(P_tmpdir), 0);
    assert_non_null(mkdtemp(top));
    assert_int_equal(chdir(top), 0);
    assert_int_equal(mkdir("root", 0755), 0);
    assert_int_equal(mkdir("root/sub", 0755), 0);
    root = open("root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put("../secret", "secret", 6);
    put("a.txt", "0123456789", 10);
    put("empty.css", "", 0);
    put("zip.html", "plain", 5);
    put("zip.html.gz", "packed", 6);
    put("sub/index.html", "<p>", 3);
    put("with space", "x", 1);
    memset(big, 'b', BIG);
    put("big.bin", big, BIG);
    assert_int_equal(symlinkat("../secret", root, "out"), 0);
    assert_int_equal(symlinkat("a.txt", root, "in"), 0);
    return 0;
}

static int
drop_files(void **state)
{
    char command[64];

    (void)state;
    close(root);
    assert_int_equal(chdir(".."), 0);
    snprintf(command, sizeof(command), "rm -rf %s", top);
    return system(command) == 0 ? 0 : -1;
}

static int
ask_note(struct scene *scene)
{
    return ask(scene, scene->note);
}

static void
get(struct scene *scene, const char *path, const char *fields)
{
    *scene = (struct scene){.routes = routes, .act = ask_note, .root = root};
    snprintf(scene->note, sizeof(scene->note),
             "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, fields);
    assert_plays(scene);
}

static void
assert_status(const struct scene *scene, const char *status)
{
    assert_true(begins_with(scene->answer, "HTTP/1.1 "));
    assert_memory_equal(scene->answer + 9, status, strlen(status));
}

static const char *
body_of(const struct scene *scene)
{
    const char *end = strstr(scene->answer, "\r\n\r\n");

    assert_non_null(end);
    return end + 4;
}

static void
a_file_comes_with_its_type_time_and_tag(void **state)
{
    struct scene scene;

    (void)state;
    get(&scene, "/f/a.txt", "");
    assert_status(&scene, "200 OK");
    assert_string_equal(body_of(&scene), "0123456789");
    assert_non_null(strstr(scene.answer, "text/plain; charset=utf-8\r\n"));
    assert_non_null(strstr(scene.answer,
                           "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    assert_non_null(strstr(scene.answer, "ETag: \"2ebc98a1.0-a\"\r\n"));
    assert_non_null(strstr(scene.answer, "Accept-Ranges: bytes\r\n"));
    get(&scene, "/f/empty.css", "");
    assert_status(&scene, "200 OK");
    assert_string_equal(body_of(&scene), "");
    get(&scene, "/f/with%20space", "");
    assert_string_equal(body_of(&scene), "x");
}

static void
a_file_of_the_handlers_has_its_tag_and_a_directory_is_none(void **state)
{
    struct scene scene;

    (void)state;
    get(&scene, "/tagged", "");
    assert_non_null(strstr(scene.answer, "ETag: \"mine\"\r\n"));
    assert_non_null(strstr(scene.answer, "Content-Type: text/x\r\n"));
    assert_string_equal(body_of(&scene), "0123456789");
    assert_int_equal(scene.seen[0], -EINVAL);
    get(&scene, "/tagged", "If-None-Match: \"mine\"\r\n");
    assert_status(&scene, "304");
}

static void
a_large_file_comes_whole(void **state)
{
    struct scene scene;

    (void)state;
    get(&scene, "/f/big.bin", "");
    assert_status(&scene, "200 OK");
    assert_int_equal(strlen(body_of(&scene)), BIG);
    assert_int_equal(strspn(body_of(&scene), "b"), BIG);
}

/* RFC 9110, 14.1.2 and 14.2. */
static void
a_range_is_a_part_and_a_wrong_one_is_all_or_416(void **state)
{
    static const struct {
        const char *range;
        const char *status;
        const char *body;
    } cases[] = {
        {"bytes=0-3", "206", "0123"},
        {"bytes=4-4", "206", "4"},
        {"bytes=7-", "206", "789"},
        {"bytes=-2", "206", "89"},
        {"bytes=-99", "206", "0123456789"},
        {"bytes=8-99999999999999999999999", "206", "89"},
        {"Bytes=0-0", "206", "0"},
        {"bytes=10-", "416", "416 Range Not Satisfiable\n"},
        {"bytes=-0", "416", "416 Range Not Satisfiable\n"},
        {"bytes=3-2", "200", "0123456789"},
        {"bytes=0-1,3-4", "200", "0123456789"},
        {"bytes=a-b", "200", "0123456789"},
        {"bytes=-", "200", "0123456789"},
        {"lines=0-1", "200", "0123456789"},
    };
    struct scene scene;
    char field[64];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(field, sizeof(field), "Range: %s\r\n", cases[i].range);
        get(&scene, "/f/a.txt", field);
        assert_status(&scene, cases[i].status);
        assert_string_equal(body_of(&scene), cases[i].body);
    }
    get(&scene, "/f/a.txt", "Range: bytes=2-5\r\n");
    assert_non_null(strstr(scene.answer, "Content-Range: bytes 2-5/10\r\n"));
    get(&scene, "/f/a.txt", "Range: bytes=10-\r\n");
    assert_non_null(strstr(scene.answer, "Content-Range: bytes */10\r\n"));
}

#define TAG   "\"2ebc98a1.0-a\""
#define TIME  "Sun, 06 Nov 1994 08:49:37 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"
#define EARLY "Sun, 06 Nov 1994 08:49:36 GMT"

/* RFC 9110, 13.1 and 13.2.2. */
static void
conditions_say_what_the_client_has(void **state)
{
    static const struct {
        const char *fields;
        const char *status;
    } cases[] = {
        {"If-None-Match: " TAG "\r\n", "304"},
        {"If-None-Match: \"x\", W/" TAG "\r\n", "304"},
        {"If-None-Match: *\r\n", "304"},
        {"If-None-Match: \"x\"\r\n", "200"},
        {"If-None-Match: \"x\"\r\nIf-Modified-Since: " TIME "\r\n", "200"},
        {"If-Modified-Since: " TIME "\r\n", "304"},
        {"If-Modified-Since: " LATER "\r\n", "304"},
        {"If-Modified-Since: " EARLY "\r\n", "200"},
        {"If-Modified-Since: yesterday\r\n", "200"},
        {"If-Match: " TAG "\r\n", "200"},
        {"If-Match: W/" TAG "\r\n", "412"},
        {"If-Match: \"x\"\r\n", "412"},
        {"If-Unmodified-Since: " TIME "\r\n", "200"},
        {"If-Unmodified-Since: " EARLY "\r\n", "412"},
        {"Range: bytes=0-1\r\nIf-Range: " TAG "\r\n", "206"},
        {"Range: bytes=0-1\r\nIf-Range: \"x\"\r\n", "200"},
        {"Range: bytes=0-1\r\nIf-Range: " TIME "\r\n", "206"},
        {"Range: bytes=0-1\r\nIf-Range: " LATER "\r\n", "200"},
    };
    struct scene scene;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        get(&scene, "/f/a.txt", cases[i].fields);
        assert_status(&scene, cases[i].status);
    }
    get(&scene, "/f/a.txt", "If-None-Match: " TAG "\r\n");
    assert_string_equal(body_of(&scene), "");
    assert_non_null(strstr(scene.answer, "ETag: " TAG "\r\n"));
}

static void
nothing_leads_out_of_the_directory(void **state)
{
    static const char *const paths[] = {
        "/f/../secret",
        "/f/..%2fsecret",
        "/f/%2e%2e/secret",
        "/f/sub/../../secret",
        "/f//../secret",
        "/f/out",
        "/f/..",
        "/f/..\\secret",
        "/f/a.txt%00.html",
        "/f/%2fetc%2fpasswd",
        "/f//etc/passwd",
        "/f/sub/..",
    };
    struct scene scene;

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        get(&scene, paths[i], "");
        assert_true(scene.answer[9] == '4');
        assert_null(strstr(scene.answer, "secret"));
    }
    get(&scene, "/f/in", "");
    assert_string_equal(body_of(&scene), "0123456789");
}

static void
what_is_not_there_is_404_and_other_methods_405(void **state)
{
    struct scene scene;

    (void)state;
    get(&scene, "/f/none", "");
    assert_status(&scene, "404");
    get(&scene, "/f/a.txt/", "");
    assert_status(&scene, "404");
    get(&scene, "/f/", "");
    assert_status(&scene, "404"); /* there is no index */
    scene = (struct scene){.routes = routes, .act = ask_note, .root = root};
    strcpy(scene.note, "POST /f/a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_plays(&scene);
    assert_status(&scene, "405");
}

static void
a_directory_is_its_index_behind_a_slash(void **state)
{
    struct scene scene;

    (void)state;
    get(&scene, "/f/sub/", "");
    assert_status(&scene, "200");
    assert_string_equal(body_of(&scene), "<p>");
    assert_non_null(strstr(scene.answer, "text/html; charset=utf-8\r\n"));
    get(&scene, "/f/sub?q=1", "");
    assert_status(&scene, "301");
    assert_non_null(strstr(scene.answer, "Location: /f/sub/?q=1\r\n"));
}

static void
who_takes_gzip_gets_the_packed_file(void **state)
{
    struct scene scene;

    (void)state;
    get(&scene, "/f/zip.html", "Accept-Encoding: br, gzip\r\n");
    assert_string_equal(body_of(&scene), "packed");
    assert_non_null(strstr(scene.answer, "Content-Encoding: gzip\r\n"));
    assert_non_null(strstr(scene.answer, "text/html; charset=utf-8\r\n"));
    assert_non_null(strstr(scene.answer, "Vary: Accept-Encoding\r\n"));
    get(&scene, "/f/zip.html", "Accept-Encoding: gzip;q=0\r\n");
    assert_string_equal(body_of(&scene), "plain");
    get(&scene, "/f/zip.html", "");
    assert_string_equal(body_of(&scene), "plain");
    assert_non_null(strstr(scene.answer, "Vary: Accept-Encoding\r\n"));
}

static void
head_of_a_file_has_its_size_and_no_body(void **state)
{
    struct scene scene = {.routes = routes, .act = ask_note, .root = root};

    (void)state;
    strcpy(scene.note, "HEAD /f/big.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_plays(&scene);
    assert_non_null(strstr(scene.answer, "Content-Length: 300000\r\n"));
    assert_string_equal(body_of(&scene), "");
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void
files_that_are_asked_for_at_once_come_in_order(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = ask_note,
        .root = root,
        .note = GET("/f/a.txt") GET("/f/big.bin") GET("/f/with%20space"),
    };

    (void)state;
    assert_plays(&scene);
    assert_string_equal(body_of(&scene) + strspn(body_of(&scene), "0123456789"),
                        strstr(scene.answer + 20, "HTTP/1.1 "));
    assert_true(scene.size > BIG + 10 + 1);
    assert_string_equal(scene.answer + scene.size - 5, "\r\n\r\nx");
}

/* More than is on its way is still in the queue. */
static int
leave_amid_files(struct scene *scene)
{
    int rc = open_client(scene);

    ouro_stream_set_limit(scene->stream, 1000);
    for (int i = 0; rc == 0 && i < 20; i++)
        rc = send_text(scene, GET("/f/big.bin"));
    if (rc == 0)
        rc = receive_until(scene, "bbbb");
    ouro_stream_abort(scene->stream);
    return rc;
}

static void
a_client_that_leaves_amid_a_file_leaves_none_open(void **state)
{
    struct scene scene = {
        .routes = routes, .act = leave_amid_files, .root = root};

    (void)state;
    assert_plays(&scene); /* which counts descriptors */
    assert_in_range(scene.size, 1, BIG);
}

/* What the packed file's fields say is not said of what stands instead. */
static void
an_error_is_not_said_to_be_packed(void **state)
{
    struct scene scene;

    (void)state;
    get(&scene, "/f/zip.html", "Accept-Encoding: gzip\r\nRange: bytes=99-\r\n");
    assert_status(&scene, "416");
    assert_null(strstr(scene.answer, "Content-Encoding"));
    assert_null(strstr(scene.answer, "ETag"));
    assert_non_null(strstr(scene.answer, "Content-Range: bytes */6\r\n"));
    get(&scene, "/f/zip.html", "Accept-Encoding: gzip\r\nIf-Match: \"x\"\r\n");
    assert_status(&scene, "412");
    assert_null(strstr(scene.answer, "Content-Encoding"));
}

/* "//sub/" would be another host's. */
static void
the_slash_of_a_directory_leads_to_no_other_host(void **state)
{
    struct scene scene;

    (void)state;
    get(&scene, "//sub", "");
    assert_status(&scene, "301");
    assert_non_null(strstr(scene.answer, "Location: /sub/\r\n"));
    get(&scene, "///sub?//x", "");
    assert_non_null(strstr(scene.answer, "Location: /sub/?//x\r\n"));
}

static int
ask_long(struct scene *scene)
{
    static char text[6000] = "GET /f/";
    static const char rest[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
    char *end = text + sizeof(text) - sizeof(rest);

    memset(text + strlen(text), 'a', (size_t)(end - text) - strlen(text));
    memcpy(end, rest, sizeof(rest));
    return ask(scene, text);
}

/* No path of the system is as long. */
static void
a_path_that_is_too_long_is_not_there(void **state)
{
    struct scene scene = {.routes = routes, .act = ask_long, .root = root};

    (void)state;
    assert_plays(&scene);
    assert_status(&scene, "404");
}

/* RFC 9110, 15.5.6. */
static void
another_method_is_told_which_there_are(void **state)
{
    struct scene scene = {.routes = routes,
                          .act = ask_note,
                          .root = root,
                          .note = "PUT /f/a.txt HTTP/1.1\r\nHost: a\r\n\r\n"};

    (void)state;
    assert_plays(&scene);
    assert_status(&scene, "405");
    assert_non_null(strstr(scene.answer, "Allow: GET, HEAD\r\n"));
}

/* RFC 9110, 13.1.2 and 13.1.3. */
static void
conditions_of_another_method_do_not_say_what_the_client_has(void **state)
{
    static const struct {
        const char *fields;
        const char *status;
    } cases[] = {
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "200"},
        {"If-None-Match: \"mine\"\r\n", "412"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene = {.routes = routes, .act = ask_note, .root = root};

        snprintf(scene.note, sizeof(scene.note),
                 "POST /tagged HTTP/1.1\r\nHost: a\r\n%s\r\n", cases[i].fields);
        assert_plays(&scene);
        assert_status(&scene, cases[i].status);
    }
}

static void
a_tag_that_is_none_or_weak_is_refused(void **state)
{
    struct scene scene;

    (void)state;
    get(&scene, "/weak", "");
    assert_status(&scene, "200");
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(scene.seen[i], -EINVAL);
}

/* Who opens it would have to wait for somebody. */
static void
a_file_with_a_lease_on_it_is_503(void **state)
{
    struct scene scene;
    int fd = openat(root, "leased", O_CREAT | O_RDWR | O_CLOEXEC, 0644);

    (void)state;
    signal(SIGIO, SIG_IGN);
    assert_true(fd >= 0);
    assert_ok(fcntl(fd, F_SETLEASE, F_WRLCK));
    get(&scene, "/f/leased", "");
    close(fd);
    assert_status(&scene, "503");
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_with_its_type_time_and_tag),
        cmocka_unit_test(
            a_file_of_the_handlers_has_its_tag_and_a_directory_is_none),
        cmocka_unit_test(a_large_file_comes_whole),
        cmocka_unit_test(a_range_is_a_part_and_a_wrong_one_is_all_or_416),
        cmocka_unit_test(conditions_say_what_the_client_has),
        cmocka_unit_test(nothing_leads_out_of_the_directory),
        cmocka_unit_test(what_is_not_there_is_404_and_other_methods_405),
        cmocka_unit_test(a_directory_is_its_index_behind_a_slash),
        cmocka_unit_test(who_takes_gzip_gets_the_packed_file),
        cmocka_unit_test(head_of_a_file_has_its_size_and_no_body),
        cmocka_unit_test(files_that_are_asked_for_at_once_come_in_order),
        cmocka_unit_test(a_client_that_leaves_amid_a_file_leaves_none_open),
        cmocka_unit_test(an_error_is_not_said_to_be_packed),
        cmocka_unit_test(the_slash_of_a_directory_leads_to_no_other_host),
        cmocka_unit_test(a_path_that_is_too_long_is_not_there),
        cmocka_unit_test(another_method_is_told_which_there_are),
        cmocka_unit_test(
            conditions_of_another_method_do_not_say_what_the_client_has),
        cmocka_unit_test(a_tag_that_is_none_or_weak_is_refused),
        cmocka_unit_test(a_file_with_a_lease_on_it_is_503),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, make_files, drop_files);
}
