/* SPDX-License-Identifier: MIT */
#ifndef OURO_ERROR_H
#define OURO_ERROR_H

#include <ouro/base.h>

OURO_BEGIN_DECLS

/**
 * What errno has no word for.  Returned with a minus, like every error.
 *
 * The kernel's errors end at 4095, so the two ranges cannot meet.
 */
enum {
    OURO_EINCOMPLETE = 4096, /* the stream ended in the middle of something */
    OURO_ELIMIT = 4097,      /* a documented limit was reached */
    OURO_ESTOPPED = 4098,    /* the loop stopped before the result was there */
    OURO_ENAME = 4099,       /* no such host */
    OURO_ENAMEAGAIN = 4100,  /* the name servers did not answer; try later */
    OURO_ENAMEFAIL = 4101,   /* name resolution failed for good */
    OURO_ESERVICE = 4102,    /* no such service or port */
    OURO_ENOADDRESS = 4103,  /* the host has no address of that family */
    OURO_EBROKEN = 4104      /* a barrier was reset or aborted */
};

/** The text of `error`, negative or not, of errno or of ours. */
const char *ouro_strerror(int error);

/** Its name: "ECANCELED", "OURO_ELIMIT".  Unknown: "unknown". */
const char *ouro_error_name(int error);

/**
 * Room for the story of a failure: what was tried, and why it failed.
 *
 * Calls that can say more than a code take a pointer to one in their options.
 * It is the caller's; on success it is left alone.  The text ends with a zero
 * and has no newline; what does not fit is cut.
 */
struct ouro_report {
    char text[512];
};

OURO_END_DECLS

#endif
