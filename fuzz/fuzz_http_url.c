/* SPDX-License-Identifier: MIT */
/* URLs of any bytes: one that is taken is normal, and means the same when it is
 * read again.
 *
 * An input is a URL, or a base, a newline, and what stands in it.
 */
#include "../protocols/http_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool is_so, const char *what, const struct ouro__http_url *url)
{
    if (is_so)
        return;
    fprintf(stderr, "%s: %s\n", url->text, what);
    abort();
}

static void
check_url(const struct ouro__http_url *url)
{
    struct ouro__http_url again;
    const char *why = NULL;

    for (const char *at = url->text; *at != '\0'; at++)
        check(*at > ' ' && *at <= '~', "not plain", url);
    check(url->authority.size > 0 && url->host[0] != '\0', "no host", url);
    check(url->target.size > 0 && url->target.data[0] == '/', "no path", url);
    int rc = ouro__http_url_init(
        &again, ouro_slice_of(url->text, strlen(url->text)), &why);
    check(rc == 0, "it cannot be read again", url);
    check(strcmp(again.text, url->text) == 0
              && strcmp(again.host, url->host) == 0
              && strcmp(again.service, url->service) == 0,
          "it is another when it is read again", url);
    ouro__http_url_fini(&again);
}

static void
read_url(struct ouro_slice text, struct ouro_slice reference)
{
    struct ouro__http_url base;
    struct ouro__http_url url;
    const char *why;

    if (ouro__http_url_init(&base, text, &why) < 0)
        return;
    check_url(&base);
    if (ouro__http_url_resolve(&url, &base, reference, &why) == 0) {
        check_url(&url);
        ouro__http_url_fini(&url);
    }
    ouro__http_url_fini(&base);
}

/* In memory of its own, so that one byte too far is found. */
static uint8_t *
copy(const uint8_t *data, size_t size)
{
    uint8_t *memory = malloc(size > 0 ? size : 1);

    if (memory == NULL)
        abort();
    if (size > 0)
        memcpy(memory, data, size);
    return memory;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t first = line != NULL ? (size_t)(line - data) : size;
    size_t second = line != NULL ? size - first - 1 : 0;
    uint8_t *text = copy(data, first);
    uint8_t *reference = copy(line != NULL ? line + 1 : data, second);

    read_url(ouro_slice_of(text, first), ouro_slice_of(reference, second));
    free(text);
    free(reference);
    return 0;
}
