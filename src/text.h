/* SPDX-License-Identifier: MIT */
/* Lines of text on their way out, put together without stdio's streams.
 *
 * Whoever writes them may have stopped another thread at any place, so nothing
 * here allocates or takes a lock.
 */
#ifndef OURO_TEXT_H
#define OURO_TEXT_H

#include <stddef.h>

enum { OURO__TEXT_LINE = 512 };

struct ouro__text {
    void (*fn)(const char *line, size_t size, void *arg);
    void *arg;
    size_t used;
    char line[OURO__TEXT_LINE]; /* what does not fit is cut */
};

void ouro__text_init(struct ouro__text *text,
                     void (*fn)(const char *line, size_t size, void *arg),
                     void *arg);

/* Add to the line, as printf(3) does. */
void ouro__text_add(struct ouro__text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* End the line, and give it away. */
void ouro__text_end_line(struct ouro__text *text);

/* For `fn`: write to the descriptor that `arg` points to. */
void ouro__text_write(const char *line, size_t size, void *arg);

/* "src/task.c:12" without its folders; NULL is "somewhere". */
const char *ouro__text_site(const char *site);

#endif
