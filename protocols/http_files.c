/* SPDX-License-Identifier: MIT */
/* Files as answers: what the client has already, and the range it asks for.
 *
 * The order of the conditions is that of RFC 9110, 13.2.2.  A range is one; who
 * asks for several gets all of the file, which RFC 9110, 14.2 allows.
 */
#include "http_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ETAG = 64, CONTENT_RANGE = 80 };

/* A file, and how much of it. */
struct file {
    struct ouro_http_request *request;
    const char *etag;
    const char *encoding; /* NULL: none */
    const struct stat *about;
    uint64_t first;
    uint64_t count;
    char made_etag[ETAG];
    char modified[OURO__HTTP_DATE];
};

static struct ouro_slice
text_slice(const char *text)
{
    return ouro_slice_of(text, strlen(text));
}

static uint64_t
size_of(const struct file *file)
{
    return (uint64_t)file->about->st_size;
}

/* Conditions. */

/* Whether a list of entity tags has ours, or is "*"; `weakly`, so that W/ does
 * not matter (RFC 9110, 8.8.3.2). */
static bool
has_etag(struct ouro_slice list, const char *etag, bool weakly)
{
    struct ouro_slice ours = text_slice(etag);

    if (list.size == 1 && list.data[0] == '*')
        return true;
    for (size_t at = 0; at + ours.size <= list.size; at++) {
        bool is_weak = at >= 2 && memcmp(list.data + at - 2, "W/", 2) == 0;
        size_t end = at + ours.size;

        if (memcmp(list.data + at, ours.data, ours.size) == 0
            && (weakly || !is_weak)
            && (end == list.size || list.data[end] == ','
                || list.data[end] == ' ' || list.data[end] == '\t'))
            return true;
    }
    return false;
}

/* Whether the file was changed after a date; also if that is none. */
static bool
is_newer(const struct file *file, struct ouro_slice date)
{
    time_t then = ouro__http_date_parse(date);

    return then < 0 || file->about->st_mtime > then;
}

static bool
is_asked_for(const struct file *file)
{
    struct ouro_slice method = ouro_http_method(file->request);

    return ouro__http_is_method(method, "GET")
           || ouro__http_is_method(method, "HEAD");
}

/* 304 or 412, or 0: the conditions let it be sent. */
static int
check_conditions(const struct file *file)
{
    int known = is_asked_for(file) ? 304 : 412;
    struct ouro_slice match = ouro_http_header(file->request, "If-Match");
    struct ouro_slice since =
        ouro_http_header(file->request, "If-Unmodified-Since");
    struct ouro_slice none = ouro_http_header(file->request, "If-None-Match");
    struct ouro_slice modified =
        ouro_http_header(file->request, "If-Modified-Since");

    if (match.data != NULL && !has_etag(match, file->etag, false))
        return 412;
    if (match.data == NULL && since.data != NULL
        && ouro__http_date_parse(since) >= 0 && is_newer(file, since))
        return 412;
    if (none.data != NULL)
        return has_etag(none, file->etag, true) ? known : 0;
    bool unchanged = modified.data != NULL && !is_newer(file, modified);
    return unchanged && known == 304 ? 304 : 0;
}

/* Ranges. */

/* Digits at the front of `text`, which moves past them.  Returns whether there
 * are any; a number that is too large counts as the largest. */
static bool
take_number(struct ouro_slice *text, uint64_t *out_number)
{
    size_t size = 0;
    uint64_t number = 0;

    while (size < text->size && text->data[size] >= '0'
           && text->data[size] <= '9') {
        uint64_t digit = (uint64_t)(text->data[size++] - '0');

        number = number > (UINT64_MAX - digit) / 10 ? UINT64_MAX
                                                    : number * 10 + digit;
    }
    *text = ouro_slice_of(text->data + size, text->size - size);
    *out_number = number;
    return size > 0;
}

static bool
take_dash(struct ouro_slice *text)
{
    if (text->size == 0 || text->data[0] != '-')
        return false;
    *text = ouro_slice_of(text->data + 1, text->size - 1);
    return true;
}

/* The last `count` bytes. */
static int
choose_end(struct file *file, uint64_t count)
{
    if (count == 0 || size_of(file) == 0)
        return 416;
    file->count = count < size_of(file) ? count : size_of(file);
    file->first = size_of(file) - file->count;
    return 206;
}

static int
choose(struct file *file, uint64_t first, uint64_t last)
{
    if (first >= size_of(file))
        return 416;
    if (last >= size_of(file))
        last = size_of(file) - 1;
    file->first = first;
    file->count = last - first + 1;
    return 206;
}

/* 206 or 416, or 200: it is none, or several, or not of bytes. */
static int
choose_range(struct file *file, struct ouro_slice range)
{
    static const char unit[] = "bytes=";
    size_t skip = sizeof(unit) - 1;
    uint64_t first;
    uint64_t last = UINT64_MAX;

    if (range.size < skip
        || !ouro__http_same_name(ouro_slice_of(range.data, skip), unit))
        return 200;
    range = ouro_slice_of(range.data + skip, range.size - skip);
    bool has_first = take_number(&range, &first);
    if (!take_dash(&range))
        return 200;
    bool has_last = take_number(&range, &last);
    if (range.size > 0 || (!has_first && !has_last))
        return 200;
    if (!has_first)
        return choose_end(file, last);
    if (has_last && last < first)
        return 200;
    return choose(file, first, has_last ? last : UINT64_MAX);
}

/* A range of an older file is of no use: then all of it (RFC 9110, 13.1.5). */
static bool
is_range_of_this(const struct file *file)
{
    struct ouro_slice what = ouro_http_header(file->request, "If-Range");

    if (what.data == NULL)
        return true;
    if (what.size > 0 && what.data[0] == '"')
        return what.size == strlen(file->etag)
               && memcmp(what.data, file->etag, what.size) == 0;
    time_t then = ouro__http_date_parse(what);
    return then >= 0 && then == file->about->st_mtime;
}

static int
choose_status(struct file *file)
{
    struct ouro_slice range = ouro_http_header(file->request, "Range");
    int status = check_conditions(file);

    file->first = 0;
    file->count = size_of(file);
    if (status != 0)
        return status;
    if (range.data == NULL || !is_range_of_this(file)
        || !ouro__http_is_method(ouro_http_method(file->request), "GET"))
        return 200;
    return choose_range(file, range);
}

/* The answer. */

static int
add_content_range(struct file *file, int status)
{
    char text[CONTENT_RANGE];

    if (status == 206)
        snprintf(text, sizeof(text), "bytes %ju-%ju/%ju",
                 (uintmax_t)file->first,
                 (uintmax_t)(file->first + file->count - 1),
                 (uintmax_t)size_of(file));
    else
        snprintf(text, sizeof(text), "bytes */%ju", (uintmax_t)size_of(file));
    return ouro_http_add_header(file->request, "Content-Range",
                                text_slice(text));
}

/* What is said of the file itself. */
static int
add_validators(struct file *file)
{
    struct ouro_http_request *request = file->request;
    int rc = ouro_http_add_header(request, "ETag", text_slice(file->etag));

    if (rc == 0)
        rc = ouro_http_add_header(
            request, "Last-Modified",
            ouro_slice_of(file->modified, sizeof(file->modified)));
    return rc;
}

/* An error stands instead of the file, and has nothing of it. */
static int
add_fields(struct file *file, int status)
{
    struct ouro_http_request *request = file->request;
    bool sends = status == 200 || status == 206;
    int rc = sends || status == 304 ? add_validators(file) : 0;

    if (rc == 0 && sends)
        rc =
            ouro_http_add_header(request, "Accept-Ranges", OURO_BYTES("bytes"));
    if (rc == 0 && sends && file->encoding != NULL)
        rc = ouro_http_add_header(request, "Content-Encoding",
                                  text_slice(file->encoding));
    if (rc == 0 && (status == 206 || status == 416))
        rc = add_content_range(file, status);
    return rc;
}

/* Its hexadecimal digits.  Returns what is behind them. */
static char *
put_hex(char *at, uint64_t number)
{
    int shift = 60;

    while (shift > 0 && number >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[(number >> shift) & 15];
    return at;
}

/* "SECONDS.NANOSECONDS-SIZE". */
static void
make_etag(struct file *file)
{
    const struct stat *about = file->about;
    char *at = file->made_etag;

    *at++ = '"';
    at = put_hex(at, (uint64_t)about->st_mtim.tv_sec);
    *at++ = '.';
    at = put_hex(at, (uint64_t)about->st_mtim.tv_nsec);
    *at++ = '-';
    at = put_hex(at, size_of(file));
    *at++ = '"';
    *at = '\0';
}

static int
answer(struct file *it, int file, const char *content_type)
{
    int status = choose_status(it);
    int rc = add_fields(it, status);

    if (rc == 0 && (status == 200 || status == 206))
        return ouro__http_send_file(it->request, status, content_type, file,
                                    it->first, it->count);
    close(file);
    if (rc == 0 && status == 304)
        ouro_http_respond(it->request, 304, NULL, ouro_slice_of("", 0));
    else if (rc == 0)
        ouro_http_respond_text(it->request, status, NULL);
    return rc;
}

int
ouro__http_respond_known(struct ouro_http_request *request, int file,
                         const struct ouro__http_known *known)
{
    struct file it = {
        .request = request,
        .about = known->about,
        .encoding = known->encoding,
    };

    if (known->etag == NULL)
        make_etag(&it);
    it.etag = known->etag != NULL ? known->etag : it.made_etag;
    ouro__http_date(known->about->st_mtime, it.modified);
    return answer(&it, file, known->content_type);
}

/* In quotes, with none inside, and strong. */
static bool
is_etag(const char *etag)
{
    return etag[0] == '"' && etag[1] != '\0'
           && etag + strcspn(etag + 1, "\"") + 2 == etag + strlen(etag);
}

int
ouro_http_respond_file(struct ouro_http_request *request, int file,
                       const char *content_type, const char *etag)
{
    struct stat about;
    const struct ouro__http_known known = {
        .about = &about,
        .content_type = content_type,
        .etag = etag,
    };
    int rc = fstat(file, &about) < 0 ? -errno : 0;

    if (rc == 0
        && (!S_ISREG(about.st_mode) || (etag != NULL && !is_etag(etag))))
        rc = -EINVAL;
    if (rc < 0) {
        close(file);
        return rc;
    }
    return ouro__http_respond_known(request, file, &known);
}
