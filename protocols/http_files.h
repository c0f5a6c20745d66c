/* SPDX-License-Identifier: MIT */
/* What the two halves of serving files share. */
#ifndef OURO_HTTP_FILES_H
#define OURO_HTTP_FILES_H

#include "http_server_inside.h"

#include <sys/stat.h>

/* The content type of a name, by what stands behind its last dot. */
const char *ouro__http_content_type(struct ouro_slice name);

/* What is known of a regular file. */
struct ouro__http_known {
    const struct stat *about;
    const char *content_type;
    const char *encoding; /* NULL: plain */
    const char *etag;     /* NULL: made of what it is */
};

/* ouro_http_respond_file() with such a file. */
OURO_MUST_USE int
ouro__http_respond_known(struct ouro_http_request *request, int file,
                         const struct ouro__http_known *known);

#endif
