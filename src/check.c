/* SPDX-License-Identifier: MIT */
/* The end of a program that broke a rule: one line, then abort(3). */
#include "check.h"

#include <ouro/base.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Room for the line; a rule is a sentence. */
enum { LINE_SIZE = 512 };

_Atomic(ouro__running_name_fn *) ouro__running_name;

/* "src/task.c:12" without its folders. */
static const char *
base_name(const char *site)
{
    const char *slash = strrchr(site, '/');

    return slash != NULL ? slash + 1 : site;
}

static int
format_line(char line[LINE_SIZE], const char *rule, const char *site)
{
    ouro__running_name_fn *running_name = ouro__running_name;
    const char *name = running_name != NULL ? running_name() : NULL;

    if (name == NULL)
        return snprintf(line, LINE_SIZE, "ouro: %s: %s\n", base_name(site),
                        rule);
    return snprintf(line, LINE_SIZE, "ouro: %s: %s (task '%s')\n",
                    base_name(site), rule, name);
}

/* One write, so that the lines of two threads do not mix, and no stdio: it may
 * hold locks and buffers of the thread that was interrupted. */
void
ouro__broken(const char *rule, const char *site)
{
    char line[LINE_SIZE];
    int wanted = format_line(line, rule, site);
    size_t size = wanted > 0 ? (size_t)wanted : 0;

    if (size >= sizeof(line)) {
        size = sizeof(line) - 1;
        line[size - 1] = '\n';
    }
    if (write(STDERR_FILENO, line, size) < 0)
        abort(); /* nobody can be told, and it ends all the same */
    abort();
}
