/* SPDX-License-Identifier: MIT */
/* What the two halves of serving files share. */
#ifndef OURO_HTTP_FILES_H
#define OURO_HTTP_FILES_H

#include "http_server_inside.h"

/* The content type of a name, by what stands behind its last dot. */
const char *ouro__http_content_type(struct ouro_slice name);

#endif
