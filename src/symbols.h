/* SPDX-License-Identifier: MIT */
/* The names of functions, from the files that the program is mapped from.
 *
 * dladdr(3) knows what is exported only, which of a C program is little; the
 * symbol tables of the files know the static functions, too.  Nothing here
 * allocates or takes a lock of libc's, as text.h does not.
 */
#ifndef OURO_SYMBOLS_H
#define OURO_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct ouro__symbols;

/* Where an address is. */
struct ouro__place {
    const char *file;     /* without its folders; NULL: unknown */
    const char *function; /* NULL: unknown */
    uintptr_t offset;     /* in the function; else in the file, as addr2line(1)
                             wants it; else the address itself */
};

/* Find out what is mapped.  NULL: that cannot be known; the others take it. */
struct ouro__symbols *ouro__symbols_load(void);
void ouro__symbols_free(struct ouro__symbols *symbols);

/* `*out_place` is valid as long as `symbols`. */
void ouro__symbols_find(struct ouro__symbols *symbols, const void *address,
                        struct ouro__place *out_place);

#endif
