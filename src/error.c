/* SPDX-License-Identifier: MIT */
/* The texts and names of errors, those of errno and ours.
 *
 * Every text is a constant: a report may be made on any thread, and when memory
 * has run out.  So libc is asked for its descriptions, which are constant too,
 * and not by strerror(3), which may write into a buffer of its own.
 */
#include <ouro/error.h>

#include <string.h>

struct error_text {
    const char *name;
    const char *text;
};

enum { FIRST_OF_OURS = OURO_EINCOMPLETE };

#define OUR_ERROR(error, text) [(error)-FIRST_OF_OURS] = {#error, text}

static const struct error_text ours[] = {
    OUR_ERROR(OURO_EINCOMPLETE, "The stream ended in the middle of something"),
    OUR_ERROR(OURO_ELIMIT, "A limit was reached"),
    OUR_ERROR(OURO_ESTOPPED,
              "The loop was stopped before the result was there"),
    OUR_ERROR(OURO_ENAME, "No such host"),
    OUR_ERROR(OURO_ENAMEAGAIN, "The name servers did not answer"),
    OUR_ERROR(OURO_ENAMEFAIL, "Name resolution failed"),
    OUR_ERROR(OURO_ESERVICE, "No such service or port"),
    OUR_ERROR(OURO_ENOADDRESS, "The host has no address of that family"),
    OUR_ERROR(OURO_EBROKEN, "The barrier was reset or aborted"),
};

/* Elsewhere the errors of errno are unknown. */
#ifdef __GLIBC__
#    if __GLIBC_PREREQ(2, 32)
#        define HAS_DESCRIPTIONS 1
#    endif
#endif

/* What libc knows of an errno; both NULL: nothing. */
static struct error_text
of_errno(int error)
{
    struct error_text known = {NULL, NULL};

#ifdef HAS_DESCRIPTIONS
    known.name = strerrorname_np(error);
    known.text = strerrordesc_np(error);
#else
    (void)error;
#endif
    return known;
}

/* `error` may be INT_MIN, whose negative no int can hold. */
static struct error_text
look_up(int error)
{
    unsigned code = error < 0 ? 0U - (unsigned)error : (unsigned)error;

    if (code == 0)
        return (struct error_text){"success", "success"};
    if (code < FIRST_OF_OURS)
        return of_errno((int)code);
    if (code - FIRST_OF_OURS < sizeof(ours) / sizeof(ours[0]))
        return ours[code - FIRST_OF_OURS];
    return (struct error_text){NULL, NULL};
}

const char *
ouro_strerror(int error)
{
    const char *text = look_up(error).text;

    return text != NULL ? text : "Unknown error";
}

const char *
ouro_error_name(int error)
{
    const char *name = look_up(error).name;

    return name != NULL ? name : "unknown";
}
