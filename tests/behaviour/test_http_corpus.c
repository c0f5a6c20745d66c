/* SPDX-License-Identifier: MIT */
/* Each request of tests/http1/corpus, sent to a server: it is answered as the
 * text beside it says, however it is cut, and what was refused ends with
 * "Connection: close". */
#include "http_scene.h"

#include <dirent.h>

const char *engine;

enum { MESSAGE_SIZE = 16384, STATUSES_SIZE = 256 };

/* What the texts of the corpus take for the limit. */
enum { FIELDS = 8 };

/* One request, or several. */
struct message {
    char bytes[MESSAGE_SIZE];
    size_t size;
    char means[MESSAGE_SIZE];
    char expected[STATUSES_SIZE]; /* "200 204 400 " */
    char got[STATUSES_SIZE];
    size_t cut; /* the first answer that was another came of it */
};

static struct message message;

static int
say_ok(struct ouro_http_request *request, void *context)
{
    (void)context;
    ouro_http_respond_text(request, 200, "ok");
    return 0;
}

static const struct ouro_http_route routes[] = {
    {.pattern = "/{path...}", .callback = say_ok},
    {.pattern = NULL},
};

/* What is expected. */

static const char *
next_line(const char *line)
{
    const char *end = strchr(line, '\n');

    return end != NULL ? end + 1 : line + strlen(line);
}

static bool
has_word(const char *line, const char *word)
{
    const char *at = strstr(line, word);

    return at != NULL && at < next_line(line);
}

/* The answer to a request, whose line that is, when `event` says how it ends.
 */
static void
expect_answer(struct message *it, const char *request, const char *event)
{
    if (begins_with(event, "error"))
        strncat(it->expected, next_line(event) - 4, 3);
    else if (begins_with(event, "incomplete"))
        strcat(it->expected, request != NULL ? "400" : "");
    else if (begins_with(request, "request authority"))
        strcat(it->expected, "501");
    else
        strcat(it->expected, has_word(request, " path=[*]") ? "204" : "200");
    if (it->expected[0] != '\0')
        strcat(it->expected, " ");
}

/* Up to the one after which the connection ends. */
static void
expect(struct message *it)
{
    const char *request = NULL; /* the one that has not ended */

    it->expected[0] = '\0';
    for (const char *line = it->means; *line != '\0'; line = next_line(line)) {
        bool ends = begins_with(line, "end");

        if (begins_with(line, "request"))
            request = line;
        if (ends || begins_with(line, "error")
            || begins_with(line, "incomplete"))
            expect_answer(it, request, line);
        if (ends && !has_word(request, " keep-alive"))
            return;
        if (ends)
            request = NULL;
    }
}

/* What comes. */

static void
note_statuses(const char *answer, char statuses[STATUSES_SIZE])
{
    static const char begin[] = "HTTP/1.1 ";

    statuses[0] = '\0';
    while ((answer = strstr(answer, begin)) != NULL) {
        answer += sizeof(begin) - 1;
        if (!begins_with(answer, "100"))
            strncat(statuses, answer, 4);
    }
}

static bool
is_refused(const char *statuses)
{
    for (; *statuses != '\0'; statuses += 4) {
        if (*statuses >= '4')
            return true;
    }
    return false;
}

/* Send it in two parts, and the end of input. */
OURO_SUSPENDS static int
send_cut(struct scene *scene, size_t cut)
{
    int rc = open_client(scene);

    scene->size = 0;
    scene->answer[0] = '\0';
    if (rc == 0)
        rc =
            ouro_stream_write(scene->stream, ouro_slice_of(message.bytes, cut));
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    if (rc == 0)
        rc =
            ouro_stream_write(scene->stream, ouro_slice_of(message.bytes + cut,
                                                           message.size - cut));
    ouro_stream_write_eof(scene->stream);
    if (rc == 0)
        rc = receive_to_end(scene);
    close_client(scene);
    return rc;
}

/* At each byte where time is no matter, else at some. */
static int
send_all_cuts(struct scene *scene)
{
    size_t step = strcmp(engine, "uring") == 0 ? message.size / 3 + 1 : 1;
    int rc = 0;

    for (size_t cut = 0; rc == 0 && cut < message.size; cut += step) {
        rc = send_cut(scene, cut);
        note_statuses(scene->answer, message.got);
        message.cut = cut;
        if (strcmp(message.got, message.expected) != 0)
            break;
        scene->seen[0] += is_refused(message.got)
                          && strstr(scene->answer, "Connection: close") == NULL;
    }
    return rc;
}

static void
check_message(const char *name)
{
    struct scene scene = {
        .routes = routes,
        .act = send_all_cuts,
        .options = {.field_count = FIELDS},
    };

    expect(&message);
    assert_plays(&scene);
    if (strcmp(message.got, message.expected) != 0)
        print_error("%s, cut at %zu\n", name, message.cut);
    assert_string_equal(message.got, message.expected);
    assert_int_equal(scene.seen[0], 0);
}

static size_t
read_file(const char *name, const char *ending, char into[MESSAGE_SIZE])
{
    char path[1024];

    snprintf(path, sizeof(path), OURO_CORPUS "/%s%s", name, ending);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(into, 1, MESSAGE_SIZE - 1, file);
    fclose(file);
    into[size] = '\0';
    return size;
}

static void
each_request_of_the_corpus_is_answered_as_its_text_says(void **state)
{
    DIR *folder = opendir(OURO_CORPUS);
    unsigned count = 0;

    (void)state;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *ending = strrchr(entry->d_name, '.');

        if (ending == NULL || strcmp(ending, ".request") != 0)
            continue;
        message.size = read_file(entry->d_name, "", message.bytes);
        read_file(entry->d_name, ".txt", message.means);
        check_message(entry->d_name);
        count++;
    }
    closedir(folder);
    assert_true(count >= 20);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            each_request_of_the_corpus_is_answered_as_its_text_says),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
