/* SPDX-License-Identifier: MIT */
/* What the two halves of serving files share. */
#ifndef OURO_HTTP_FILES_H
#define OURO_HTTP_FILES_H

#include "http_server_inside.h"

#include <sys/stat.h>

/* The content type of a name, by what stands behind its last dot. */
const char *ouro__http_content_type(struct ouro_slice name);

/* ouro_http_respond_file() with a regular file whose fstat(2) is `about`. */
OURO_MUST_USE int ouro__http_respond_known(struct ouro_http_request *request,
                                           int file, const struct stat *about,
                                           const char *content_type,
                                           const char *etag);

#endif
