/* SPDX-License-Identifier: MIT */
/* Any bytes, read whole and read in pieces, are the same messages.
 *
 * The first byte of an input says what it is, the next two where it is cut.
 */
#include "http1_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PREFIX = 3, SINGLE_BYTES = 300 };

/* Small, so that inputs reach them. */
static const struct ouro_http1_limits limits = {
    .start_line_size = 60,
    .fields_size = 120,
    .extensions_size = 20,
    .body_size = 200,
};

static void
check_cuts(const char *whole, enum http1_kind kind, struct ouro_slice input,
           const size_t *cuts, size_t count)
{
    struct http1_events events;

    http1_read(&events, kind, input, cuts, count, &limits);
    if (strcmp(whole, events.text) != 0) {
        fprintf(stderr, "whole:\n%s\ncut %zu times:\n%s\n", whole, count,
                events.text);
        abort();
    }
    free(events.text);
}

static void
check_single_bytes(const char *whole, enum http1_kind kind,
                   struct ouro_slice input)
{
    size_t cuts[SINGLE_BYTES];

    for (size_t i = 0; i < SINGLE_BYTES; i++)
        cuts[i] = i;
    check_cuts(whole, kind, input, cuts,
               input.size < SINGLE_BYTES ? input.size : SINGLE_BYTES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http1_events whole;

    if (size < PREFIX)
        return 0;
    enum http1_kind kind = (enum http1_kind)(data[0] & 3);
    struct ouro_slice input = ouro_slice_of(data + PREFIX, size - PREFIX);
    size_t first = (size_t)data[1] * input.size / 255;
    size_t second = first + (size_t)data[2] * (input.size - first) / 255;
    size_t cuts[] = {first, second};

    http1_read(&whole, kind, input, NULL, 0, &limits);
    check_cuts(whole.text, kind, input, cuts, 2);
    check_single_bytes(whole.text, kind, input);
    free(whole.text);
    return 0;
}
