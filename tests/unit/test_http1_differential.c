/* SPDX-License-Identifier: MIT */
/* Another parser, libhttp-parser, reads the same messages as ours.
 *
 * Each message of the corpus is read by both, and again with each of its bytes
 * replaced by each of some that mean something.  Where both take a message they
 * must find the same in it.  Where one of them refuses it, why it does is in
 * the table below: what is not there fails, and so does a row that is not
 * needed.
 */
#include "ouro_test.h"

#include <dirent.h>
#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 32768, FIELDS = 20 };

/* Beside the errors: of ours, a line has no end yet. */
enum { WAITS = -1 };

/* What a parser makes of a message.  The head is held back until it is whole,
 * for theirs tells of its parts. */
struct result {
    char text[TEXT];
    size_t size;
    size_t committed;
    int error;
    bool over;
};

static void
put(struct result *result, const void *bytes, size_t size)
{
    assert_true(result->size + size < TEXT);
    if (size > 0)
        memcpy(result->text + result->size, bytes, size);
    result->size += size;
}

static void
put_end(struct result *result, bool goes_on)
{
    put(result, goes_on ? "\n<goes on>\n" : "\n<closes>\n", goes_on ? 11 : 10);
    result->committed = result->size;
    result->over = !goes_on;
}

/* Ours. */

static void
put_fields(struct result *result, const struct ouro_http1_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct ouro_http1_field field = fields->array[i];

        put(result, "\n", 1);
        put(result, field.name.data, field.name.size);
        put(result, ": ", 2);
        put(result, field.value.data, field.value.size);
    }
}

static void
put_start(struct result *result, int status, struct ouro_slice method,
          struct ouro_slice target, int minor)
{
    char line[32];
    int size = snprintf(line, sizeof(line), " %d 1.%d", status, minor);

    put(result, method.data, method.size);
    put(result, " ", 1);
    put(result, target.data, target.size);
    put(result, line, (size_t)size);
}

static bool
our_body(struct result *result, struct ouro_http1_head *head,
         struct ouro_slice *bytes)
{
    struct ouro_http1_field array[FIELDS];
    struct ouro_http1_fields trailers = {.array = array, .capacity = FIELDS};
    struct ouro_http1_body body;
    struct ouro_slice data;
    int rc;

    ouro_http1_body_init(&body, head, NULL);
    while ((rc = ouro_http1_body_read(&body, bytes, &data, &trailers))
           == OURO_HTTP1_DATA) {
        put(result, data.data, data.size);
        result->committed = result->size;
    }
    result->error = (int)body.error;
    if (rc == OURO_HTTP1_MORE && bytes->size > 0)
        result->error = WAITS;
    if (rc != OURO_HTTP1_END)
        return false;
    put_fields(result, &trailers);
    put_end(result, head->keep_alive && !head->upgrade
                        && head->form != OURO_HTTP1_AUTHORITY);
    return !result->over;
}

static void
read_ours(struct result *result, bool requests, struct ouro_slice bytes)
{
    struct ouro_http1_head head;
    struct ouro_http1_field fields[FIELDS];

    memset(result, 0, sizeof(*result));
    do {
        ouro_http1_head_init(&head, fields, FIELDS);
        ssize_t size = requests ? ouro_http1_read_request(&head, bytes, NULL)
                                : ouro_http1_read_response(
                                    &head, bytes, OURO_HTTP1_ASKED, NULL);
        result->error = (int)head.error;
        if (size == 0 && bytes.size > 0)
            result->error = WAITS;
        if (size <= 0)
            return;
        bytes = ouro_slice_of(bytes.data + size, bytes.size - (size_t)size);
        put_start(result, head.status, head.method, head.target,
                  head.minor_version);
        put_fields(result, &head.fields);
        put(result, "\n\n", 2);
        result->committed = result->size;
    } while (our_body(result, &head, &bytes));
}

/* Theirs. */

struct theirs {
    struct result *result;
    char target[TEXT];
    size_t target_size;
    size_t value; /* where it begins in the text */
    bool in_value;
    bool in_fields;
};

static struct theirs *
theirs(http_parser *parser)
{
    return parser->data;
}

static int
their_target(http_parser *parser, const char *at, size_t size)
{
    memcpy(theirs(parser)->target + theirs(parser)->target_size, at, size);
    theirs(parser)->target_size += size;
    return 0;
}

static void
put_their_start(http_parser *parser)
{
    struct theirs *own = theirs(parser);
    const char *method = parser->type == HTTP_REQUEST
                             ? http_method_str((enum http_method)parser->method)
                             : "";

    if (own->in_fields)
        return;
    own->in_fields = true;
    put_start(own->result,
              parser->type == HTTP_REQUEST ? 0 : (int)parser->status_code,
              ouro_slice_of(method, strlen(method)),
              ouro_slice_of(own->target, own->target_size),
              parser->http_minor > 0 ? 1 : 0); /* RFC 9110, 2.5 */
}

static void
end_value(struct theirs *own)
{
    struct result *result = own->result;

    while (own->in_value && result->size > own->value
           && (result->text[result->size - 1] == ' '
               || result->text[result->size - 1] == '\t'))
        result->size--;
    own->in_value = false;
}

static int
their_name(http_parser *parser, const char *at, size_t size)
{
    put_their_start(parser);
    end_value(theirs(parser));
    put(theirs(parser)->result, "\n", 1);
    put(theirs(parser)->result, at, size);
    return 0;
}

static int
their_value(http_parser *parser, const char *at, size_t size)
{
    if (!theirs(parser)->in_value) {
        put(theirs(parser)->result, ": ", 2);
        theirs(parser)->value = theirs(parser)->result->size;
    }
    theirs(parser)->in_value = true;
    put(theirs(parser)->result, at, size);
    return 0;
}

/* That these have no body, whatever they say, its user has to know. */
static int
their_head(http_parser *parser)
{
    unsigned status = parser->status_code;

    put_their_start(parser);
    end_value(theirs(parser));
    put(theirs(parser)->result, "\n\n", 2);
    theirs(parser)->result->committed = theirs(parser)->result->size;
    return status == 304 || (status / 100 == 1 && status != 101);
}

static int
their_body(http_parser *parser, const char *at, size_t size)
{
    put(theirs(parser)->result, at, size);
    theirs(parser)->result->committed = theirs(parser)->result->size;
    return 0;
}

static int
their_end(http_parser *parser)
{
    struct theirs *own = theirs(parser);

    end_value(own);
    /* In HTTP/1.0 Upgrade is ignored: RFC 9110, 7.8. */
    put_end(own->result, http_should_keep_alive(parser)
                             && (!parser->upgrade || parser->http_minor == 0));
    own->target_size = 0;
    own->in_fields = false;
    if (own->result->over)
        http_parser_pause(parser, 1);
    return 0;
}

static void
read_theirs(struct result *result, bool requests, struct ouro_slice bytes)
{
    static const http_parser_settings settings = {
        .on_url = their_target,
        .on_header_field = their_name,
        .on_header_value = their_value,
        .on_headers_complete = their_head,
        .on_body = their_body,
        .on_message_complete = their_end,
    };
    static struct theirs own;
    http_parser parser;

    memset(result, 0, sizeof(*result));
    memset(&own, 0, sizeof(own));
    own.result = result;
    http_parser_init(&parser, requests ? HTTP_REQUEST : HTTP_RESPONSE);
    parser.data = &own;
    http_parser_execute(&parser, &settings, (const char *)bytes.data,
                        bytes.size);
    result->error = (int)HTTP_PARSER_ERRNO(&parser);
    if (result->error == HPE_PAUSED && result->over)
        result->error = HPE_OK;
}

/* Both. */

static struct difference {
    int ours;   /* an ouro_http1_error */
    int theirs; /* an http_errno */
    const char *why;
    unsigned count;
} known[] = {
    {WAITS, HPE_OK, "any byte behind the last CR is the LF to it", 0},
    {OURO_HTTP1_BAD_LINE_END, HPE_OK,
     "LF alone, and CR before any byte, end a line to it", 0},
    {OURO_HTTP1_BAD_CHUNK_END, HPE_OK,
     "it does not look what stands behind a chunk", 0},
    {OURO_HTTP1_BAD_CHUNK_EXTENSION, HPE_OK, "it does not look into extensions",
     0},
    {OURO_HTTP1_BAD_CHUNK_SIZE, HPE_OK,
     "it takes what stands behind a size for an extension", 0},
    {OURO_HTTP1_BAD_FIELD_VALUE, HPE_OK,
     "built to be lenient, it takes controls", 0},
    {OURO_HTTP1_BAD_HOST, HPE_OK, "it does not look at Host", 0},
    {OURO_HTTP1_NO_HOST, HPE_OK, "it does not look for Host", 0},
    {OURO_HTTP1_BAD_REASON, HPE_OK, "it takes controls in a reason", 0},
    {OURO_HTTP1_BAD_STATUS, HPE_OK, "it takes any number", 0},
    {OURO_HTTP1_BAD_TARGET, HPE_OK,
     "it takes bytes that RFC 3986 has not, and any form with any method", 0},
    {OURO_HTTP1_BAD_TRAILER, HPE_OK, "trailers are fields to it", 0},
    {OURO_HTTP1_BAD_TRANSFER_ENCODING, HPE_OK,
     "it guesses the end of a body of unknown coding", 0},
    {OURO_HTTP1_BAD_VERSION, HPE_OK, "it does not compare all letters of HTTP",
     0},
    {OURO_HTTP1_UNSUPPORTED_VERSION, HPE_OK,
     "it leaves the major version to others", 0},
    {OURO_HTTP1_ENCODING_IN_HTTP_1_0, HPE_OK, "it takes codings in HTTP/1.0",
     0},
    {OURO_HTTP1_FOLDED_FIELD, HPE_OK, "it unfolds", 0},
    {OURO_HTTP1_SPACE_BEFORE_COLON, HPE_OK,
     "built to be lenient, it takes spaces in names", 0},
    {OURO_HTTP1_UNKNOWN_EXPECTATION, HPE_OK, "it does not look at Expect", 0},
    {OURO_HTTP1_OK, HPE_INVALID_METHOD, "it knows a list of methods", 0},
    {OURO_HTTP1_OK, HPE_INVALID_URL, "to it a scheme is letters only", 0},
    {OURO_HTTP1_OK, HPE_INVALID_CONSTANT,
     "101 without Connection is no tunnel to it, and it takes chunks of one "
     "that has it for messages",
     0},
    {OURO_HTTP1_OK, HPE_INVALID_CONTENT_LENGTH,
     "it takes no HTAB behind a length", 0},
    {0, 0, NULL, 0}, /* ends the table */
};

/* What both take, and the other reads in another way. */
static struct reading {
    const char *piece; /* of the message */
    const char *why;
    unsigned count;
} known_readings[] = {
    {"keep-alive,\tUpgrade", "it knows no HTAB in a list", 0},
    {"Upgrade ,\tkeep-alive", "the same", 0},
    {"keep-alive,,Upgrade", "it knows no empty member of a list", 0},
    {"Upgrade,, keep-alive", "the same", 0},
    {"Upgrade ,,keep-alive", "the same", 0},
    {"Connection:,close", "the same, at its begin", 0},
    {"HTTP/1.1 101 Continue", "101 without Upgrade is no tunnel to it", 0},
    {NULL, NULL, 0}, /* ends the table */
};

static unsigned unexplained;

static bool
is_known_reading(struct ouro_slice input)
{
    for (struct reading *row = known_readings; row->piece != NULL; row++) {
        if (memmem(input.data, input.size, row->piece, strlen(row->piece))
            != NULL) {
            row->count++;
            return true;
        }
    }
    return false;
}

static void
explain(const struct result *ours, const struct result *others,
        struct ouro_slice input, const char *name)
{
    for (struct difference *row = known; row->why != NULL; row++) {
        if (row->ours == ours->error && row->theirs == others->error) {
            row->count++;
            return;
        }
    }
    if (unexplained++ < 10)
        print_error("%s: %s, but theirs %s:\n%.*s\n", name,
                    ouro_http1_error_name((enum ouro_http1_error)ours->error),
                    http_errno_name((enum http_errno)others->error),
                    (int)input.size, (const char *)input.data);
}

static void
compare(bool requests, struct ouro_slice input, const char *name)
{
    static struct result ours;
    static struct result others;

    read_ours(&ours, requests, input);
    read_theirs(&others, requests, input);
    if ((ours.error == 0) != (others.error == 0)) {
        explain(&ours, &others, input, name);
        return;
    }
    if (ours.error != 0
        || (ours.committed == others.committed
            && memcmp(ours.text, others.text, ours.committed) == 0)
        || is_known_reading(input))
        return;
    if (unexplained++ < 10)
        print_error("%s: %.*s\nours:\n%.*s\ntheirs:\n%.*s\n", name,
                    (int)input.size, (const char *)input.data,
                    (int)ours.committed, ours.text, (int)others.committed,
                    others.text);
}

static void
compare_changed(bool requests, uint8_t *bytes, size_t size, const char *name)
{
    static const uint8_t others[] = "\r\n\t :;,/0179aZ\"@?*+-\0\x7f\xff";

    compare(requests, ouro_slice_of(bytes, size), name);
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = bytes[i];

        for (size_t j = 0; j < sizeof(others) - 1; j++) {
            bytes[i] = others[j];
            compare(requests, ouro_slice_of(bytes, size), name);
        }
        bytes[i] = byte;
    }
}

static void
both_find_the_same_but_for_what_is_known(void **state)
{
    DIR *folder = opendir(OURO_CORPUS);
    char path[1024];
    uint8_t bytes[4096];

    (void)state;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *ending = strrchr(entry->d_name, '.');
        bool requests = strcmp(ending, ".request") == 0;

        if (!requests && strcmp(ending, ".response") != 0)
            continue;
        snprintf(path, sizeof(path), OURO_CORPUS "/%s", entry->d_name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t size = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        compare_changed(requests, bytes, size, entry->d_name);
    }
    closedir(folder);
    assert_int_equal(unexplained, 0);
}

static void
each_known_difference_is_there(void **state)
{
    (void)state;
    for (const struct difference *row = known; row->why != NULL; row++) {
        if (row->count == 0)
            fail_msg("not seen: %s", row->why);
    }
    for (const struct reading *row = known_readings; row->why != NULL; row++) {
        if (row->count == 0)
            fail_msg("not seen: %s", row->why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_find_the_same_but_for_what_is_known),
        cmocka_unit_test(each_known_difference_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
