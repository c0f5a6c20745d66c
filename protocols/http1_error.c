/* SPDX-License-Identifier: MIT */
/* The names of refusals, and the status each is answered with. */
#include "http1_inside.h"

#include <ouro/error.h>

#include <errno.h>

#define NAME(error) [error] = #error

static const char *const names[] = {
    NAME(OURO_HTTP1_OK),
    NAME(OURO_HTTP1_LINE_TOO_LONG),
    NAME(OURO_HTTP1_FIELDS_TOO_LARGE),
    NAME(OURO_HTTP1_TOO_MANY_FIELDS),
    NAME(OURO_HTTP1_BODY_TOO_LARGE),
    NAME(OURO_HTTP1_EXTENSIONS_TOO_LARGE),
    NAME(OURO_HTTP1_BAD_LINE_END),
    NAME(OURO_HTTP1_BAD_METHOD),
    NAME(OURO_HTTP1_BAD_TARGET),
    NAME(OURO_HTTP1_BAD_VERSION),
    NAME(OURO_HTTP1_UNSUPPORTED_VERSION),
    NAME(OURO_HTTP1_BAD_STATUS),
    NAME(OURO_HTTP1_BAD_REASON),
    NAME(OURO_HTTP1_FOLDED_FIELD),
    NAME(OURO_HTTP1_BAD_FIELD_NAME),
    NAME(OURO_HTTP1_SPACE_BEFORE_COLON),
    NAME(OURO_HTTP1_BAD_FIELD_VALUE),
    NAME(OURO_HTTP1_NO_HOST),
    NAME(OURO_HTTP1_REPEATED_HOST),
    NAME(OURO_HTTP1_BAD_HOST),
    NAME(OURO_HTTP1_BAD_CONTENT_LENGTH),
    NAME(OURO_HTTP1_REPEATED_CONTENT_LENGTH),
    NAME(OURO_HTTP1_LENGTH_AND_ENCODING),
    NAME(OURO_HTTP1_BAD_TRANSFER_ENCODING),
    NAME(OURO_HTTP1_UNSUPPORTED_TRANSFER_ENCODING),
    NAME(OURO_HTTP1_ENCODING_IN_HTTP_1_0),
    NAME(OURO_HTTP1_CONNECT_WITH_BODY),
    NAME(OURO_HTTP1_UNKNOWN_EXPECTATION),
    NAME(OURO_HTTP1_BAD_CHUNK_SIZE),
    NAME(OURO_HTTP1_BAD_CHUNK_EXTENSION),
    NAME(OURO_HTTP1_BAD_CHUNK_END),
    NAME(OURO_HTTP1_BAD_TRAILER),
};

const char *
ouro_http1_error_name(enum ouro_http1_error error)
{
    return (size_t)error < sizeof(names) / sizeof(names[0]) ? names[error]
                                                            : "unknown";
}

int
ouro_http1_error_status(enum ouro_http1_error error)
{
    switch (error) {
    case OURO_HTTP1_LINE_TOO_LONG:
        return 414;
    case OURO_HTTP1_FIELDS_TOO_LARGE:
    case OURO_HTTP1_TOO_MANY_FIELDS:
        return 431;
    case OURO_HTTP1_BODY_TOO_LARGE:
        return 413;
    case OURO_HTTP1_UNKNOWN_EXPECTATION:
        return 417;
    case OURO_HTTP1_UNSUPPORTED_TRANSFER_ENCODING:
        return 501;
    case OURO_HTTP1_UNSUPPORTED_VERSION:
        return 505;
    default:
        return 400;
    }
}

int
ouro__http1_result(enum ouro_http1_error error)
{
    if (error == OURO_HTTP1_OK)
        return 0;
    return error <= OURO_HTTP1_EXTENSIONS_TOO_LARGE ? -OURO_ELIMIT : -EBADMSG;
}
