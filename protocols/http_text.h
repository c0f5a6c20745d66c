/* SPDX-License-Identifier: MIT */
/* Texts of HTTP: names of statuses, dates, names of fields. */
#ifndef OURO_HTTP_TEXT_H
#define OURO_HTTP_TEXT_H

#include <ouro/bytes.h>

#include <time.h>

enum {
    OURO__HTTP_DATE = 29,        /* bytes of a date: IMF-fixdate */
    OURO__HTTP_STATUS_LINE = 48, /* of the longest status line */
    OURO__HTTP_NUMBER = 20       /* digits of the largest number */
};

/* "Not Found"; "" where RFC 9110 has no name. */
const char *ouro__http_status_name(int status);

/* "HTTP/1.1 404 Not Found\r\n" into `text`.  Returns its size. */
size_t ouro__http_status_line(int status, char text[OURO__HTTP_STATUS_LINE]);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), without a zero. */
void ouro__http_date(time_t when, char text[OURO__HTTP_DATE]);

/* The other way round, also of the two older forms; -1: it is none. */
time_t ouro__http_date_parse(struct ouro_slice text);

/* Decimal digits into `text`.  Returns how many. */
size_t ouro__http_number(uint64_t number, char text[OURO__HTTP_NUMBER]);

/* Whether two are the same but for the case of letters. */
bool ouro__http_same_name(struct ouro_slice name, const char *text);

/* Whether it is the method `name`, whose letters matter (RFC 9110, 9.1). */
bool ouro__http_is_method(struct ouro_slice method, const char *name);

/* A token (RFC 9110, 5.6.2), and a value without controls (5.5). */
bool ouro__http_is_token(struct ouro_slice text);
bool ouro__http_is_value(struct ouro_slice text);

/* Whether `value`, a list with commas, has `item`, in any case of letters, and
 * not with a weight of zero. */
bool ouro__http_list_has(struct ouro_slice value, const char *item);

#endif
