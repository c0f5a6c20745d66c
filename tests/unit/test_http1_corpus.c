/* SPDX-License-Identifier: MIT */
/* Each message of tests/http1/corpus is what the text beside it says, however
 * it is cut.  NAME.request, .response, .head-response and .connect-response are
 * bytes as they are on the wire; NAME.request.txt and so on is what they mean.
 */
#include "http1_events.h"
#include "ouro_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_SIZE = 16384, NAME_SIZE = 512, RANDOM_CUTS = 200 };

struct message {
    char name[NAME_SIZE];
    enum http1_kind kind;
    uint8_t bytes[MESSAGE_SIZE];
    struct ouro_slice input;
    char expected[MESSAGE_SIZE];
};

typedef void message_fn(const struct message *message);

static size_t
read_file(const char *path, void *into, size_t size)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        fail_msg("there is no %s", path);
    size_t got = fread(into, 1, size, file);
    fclose(file);
    assert_true(got < size);
    return got;
}

static bool
find_kind(const char *name, enum http1_kind *out_kind)
{
    static const char *const endings[] = {
        [HTTP1_REQUESTS] = ".request",
        [HTTP1_RESPONSES] = ".response",
        [HTTP1_RESPONSES_TO_HEAD] = ".head-response",
        [HTTP1_RESPONSES_TO_CONNECT] = ".connect-response",
    };
    const char *ending = strrchr(name, '.');

    for (int i = 0; ending != NULL && i < 4; i++) {
        if (strcmp(ending, endings[i]) == 0) {
            *out_kind = (enum http1_kind)i;
            return true;
        }
    }
    return false;
}

static void
for_each_message(message_fn *fn)
{
    DIR *folder = opendir(OURO_CORPUS);
    struct message *message = calloc(1, sizeof(*message));
    char path[2 * NAME_SIZE];
    unsigned count = 0;

    assert_non_null(folder);
    assert_non_null(message);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (!find_kind(entry->d_name, &message->kind))
            continue;
        snprintf(message->name, NAME_SIZE, "%s", entry->d_name);
        snprintf(path, sizeof(path), OURO_CORPUS "/%s", entry->d_name);
        message->input = ouro_slice_of(
            message->bytes, read_file(path, message->bytes, MESSAGE_SIZE));
        snprintf(path, sizeof(path), OURO_CORPUS "/%s.txt", entry->d_name);
        size_t size = read_file(path, message->expected, MESSAGE_SIZE);
        message->expected[size] = '\0';
        fn(message);
        count++;
    }
    closedir(folder);
    free(message);
    assert_true(count >= 20);
}

static void
check_cut(const struct message *message, const size_t *cuts, size_t count)
{
    struct http1_events events;

    http1_read(&events, message->kind, message->input, cuts, count, NULL);
    if (strcmp(events.text, message->expected) != 0) {
        print_error("%s, cut %zu times, first at %zu\n", message->name, count,
                    count > 0 ? cuts[0] : 0);
        assert_string_equal(events.text, message->expected);
    }
    free(events.text);
}

static void
check_whole(const struct message *message)
{
    check_cut(message, NULL, 0);
}

static void
a_whole_message_is_what_its_text_says(void **state)
{
    (void)state;
    for_each_message(check_whole);
}

static void
check_each_cut(const struct message *message)
{
    for (size_t cut = 0; cut <= message->input.size; cut++)
        check_cut(message, &cut, 1);
}

static void
a_cut_at_any_byte_changes_nothing(void **state)
{
    (void)state;
    for_each_message(check_each_cut);
}

static void
check_single_bytes(const struct message *message)
{
    size_t *cuts = calloc(message->input.size + 1, sizeof(*cuts));

    assert_non_null(cuts);
    for (size_t i = 0; i < message->input.size; i++)
        cuts[i] = i;
    check_cut(message, cuts, message->input.size);
    free(cuts);
}

static void
byte_after_byte_changes_nothing(void **state)
{
    (void)state;
    for_each_message(check_single_bytes);
}

static void
check_random_cuts(const struct message *message)
{
    unsigned seed = 7;

    for (int i = 0; i < RANDOM_CUTS; i++) {
        size_t a = (size_t)rand_r(&seed) % (message->input.size + 1);
        size_t b = (size_t)rand_r(&seed) % (message->input.size + 1);
        size_t cuts[] = {a < b ? a : b, a < b ? b : a};

        check_cut(message, cuts, 2);
    }
}

static void
two_cuts_of_chance_change_nothing(void **state)
{
    (void)state;
    for_each_message(check_random_cuts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_message_is_what_its_text_says),
        cmocka_unit_test(a_cut_at_any_byte_changes_nothing),
        cmocka_unit_test(byte_after_byte_changes_nothing),
        cmocka_unit_test(two_cuts_of_chance_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
