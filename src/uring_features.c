/* SPDX-License-Identifier: MIT */
/* What a kernel's io_uring can do, by name; none is taken for granted. */
#include "uring_features.h"

#include <stdlib.h>
#include <string.h>

/* Bits of io_uring_params.features that liburing 2.3 has no name for. */
enum {
    BIT_MIN_TIMEOUT = 1 << 15, /* Linux 6.12, as the absolute timer */
    BIT_NO_IOWAIT = 1 << 17    /* Linux 6.15 */
};

static const struct feature {
    const char *name;
    unsigned feature;
    unsigned bit; /* of params.features; 0: tried by using it */
} features[] = {
    {"submit_all", OURO__URING_SUBMIT_ALL, 0},
    {"taskrun_flag", OURO__URING_TASKRUN_FLAG, 0},
    {"registered_ring", OURO__URING_REGISTERED_RING, 0},
    {"abs_timer", OURO__URING_ABS_TIMER, BIT_MIN_TIMEOUT},
    {"no_iowait", OURO__URING_NO_IOWAIT, BIT_NO_IOWAIT},
    {"multishot_accept", OURO__URING_MULTISHOT_ACCEPT, 0},
    {"multishot_receive", OURO__URING_MULTISHOT_RECEIVE, 0},
    {"buffer_ring", OURO__URING_BUFFER_RING, 0},
};

enum { FEATURE_COUNT = sizeof(features) / sizeof(features[0]) };

static bool
list_has(const char *list, const char *name)
{
    size_t size = strlen(name);

    while (*list != '\0') {
        size_t item = strcspn(list, ",");

        if (item == size && strncmp(list, name, size) == 0)
            return true;
        list += item;
        list += *list == ',';
    }
    return false;
}

unsigned
ouro__uring_features_wanted(void)
{
    const char *disabled = getenv("OURO_URING_DISABLE");
    unsigned wanted = 0;

    for (size_t i = 0; i < FEATURE_COUNT; i++)
        if (disabled == NULL || !list_has(disabled, features[i].name))
            wanted |= features[i].feature;
    return wanted;
}

unsigned
ouro__uring_features_of(unsigned wanted, unsigned bits)
{
    for (size_t i = 0; i < FEATURE_COUNT; i++)
        if (features[i].bit != 0 && (bits & features[i].bit) == 0)
            wanted &= ~features[i].feature;
    return wanted;
}

void
ouro__uring_features_text(char *text, size_t size, unsigned wanted)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < FEATURE_COUNT; i++) {
        size_t length = strlen(features[i].name);

        if ((wanted & features[i].feature) == 0 || used + length + 2 > size)
            continue;
        if (used > 0)
            text[used++] = ' ';
        memcpy(text + used, features[i].name, length + 1);
        used += length;
    }
}
