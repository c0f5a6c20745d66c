/* SPDX-License-Identifier: MIT */
/* Lines of text on their way out; see text.h. */
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
ouro__text_init(struct ouro__text *text,
                void (*fn)(const char *line, size_t size, void *arg), void *arg)
{
    text->fn = fn;
    text->arg = arg;
    text->used = 0;
}

void
ouro__text_add(struct ouro__text *text, const char *format, ...)
{
    size_t room = sizeof(text->line) - 1 - text->used; /* for the newline */
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(text->line + text->used, room, format, arguments);
    va_end(arguments);
    if (size > 0)
        text->used += (size_t)size < room ? (size_t)size : room - 1;
}

void
ouro__text_end_line(struct ouro__text *text)
{
    text->line[text->used] = '\n';
    text->fn(text->line, text->used + 1, text->arg);
    text->used = 0;
}

void
ouro__text_write(const char *line, size_t size, void *arg)
{
    const int *fd = arg;

    while (size > 0) {
        ssize_t written = write(*fd, line, size);

        if (written < 0 && errno != EINTR)
            return; /* nobody can be told */
        if (written > 0) {
            line += written;
            size -= (size_t)written;
        }
    }
}

const char *
ouro__text_site(const char *site)
{
    if (site == NULL)
        return "somewhere";

    const char *slash = strrchr(site, '/');
    return slash != NULL ? slash + 1 : site;
}
