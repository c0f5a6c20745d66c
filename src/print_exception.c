/* SPDX-License-Identifier: MIT */
/* The shipped exception handler: one line on stderr. */
#include <ouro/loop.h>

#include <stdio.h>
#include <string.h>

static const char *
base_name(const char *site)
{
    const char *slash = strrchr(site, '/');

    return slash != NULL ? slash + 1 : site;
}

void
ouro_print_exception(const struct ouro_exception *exception, void *arg)
{
    char line[512];
    int size = 0;
    const int room = (int)sizeof(line);

    (void)arg;
    size = snprintf(line, sizeof(line), "ouro: %s%s%s",
                    exception->site != NULL ? base_name(exception->site) : "",
                    exception->site != NULL ? ": " : "", exception->message);
    if (exception->name != NULL && size < room)
        size += snprintf(line + size, (size_t)(room - size), " (%s)",
                         exception->name);
    if (exception->error != 0 && size < room)
        (void)snprintf(line + size, (size_t)(room - size), ": %s",
                       ouro_strerror(exception->error));
    /* One call, so that lines of several threads do not mix. */
    fprintf(stderr, "%s\n", line);
}
