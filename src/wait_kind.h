/* SPDX-License-Identifier: MIT */
/* What a task waits for, in words: for dumps, and for a debugger.
 *
 * Every suspension leaves two pointers in its task, to a constant of this kind
 * and to the thing itself.  The constant is data, so that a debugger can follow
 * it in a core, where nothing can be called.
 */
#ifndef OURO_WAIT_KIND_H
#define OURO_WAIT_KIND_H

#include <stddef.h>

/* What leads from the thing to the tasks that can end the wait. */
enum ouro__wait_shape {
    OURO__WAIT_PLAIN,  /* nothing does */
    OURO__WAIT_FUTURE, /* it is a future, perhaps that of a task */
    OURO__WAIT_OWNER,  /* it has a pointer to one */
    OURO__WAIT_GROUP,  /* it is a group */
    OURO__WAIT_NODES   /* it is a struct ouro__waiting */
};

struct ouro__wait_kind {
    const char *text; /* behind "waits for" */
    enum ouro__wait_shape shape;
    unsigned site;  /* the offset of its `const char *site`; 0: it has none */
    unsigned owner; /* that of the pointer to a task, of OURO__WAIT_OWNER */

    /* Write down what else there is to say, which is `text` with more words.
     * It looks only, for it may be called on another thread while that of the
     * loop is stopped.  NULL: there is nothing. */
    void (*tell)(const void *thing, char *text, size_t size);
};

#endif
