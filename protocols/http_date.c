/* SPDX-License-Identifier: MIT */
/* Dates of HTTP: written in one form, read in three (RFC 9110, 5.6.7). */
#include "http_text.h"

#include <stdio.h>
#include <string.h>

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed",
                                "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static void
put_digits(char *at, int number, int count)
{
    for (int i = count; i-- > 0; number /= 10)
        at[i] = (char)('0' + number % 10);
}

/* By hand: each file has one, and printf(3) costs as much as the rest of its
 * answer.  What is too far for a struct tm is the first. */
void
ouro__http_date(time_t when, char text[OURO__HTTP_DATE])
{
    static const char form[] = "Day, 00 Mon 0000 00:00:00 GMT";
    static const struct tm first = {.tm_mday = 1, .tm_year = 70, .tm_wday = 4};
    struct tm at;

    if (gmtime_r(&when, &at) == NULL)
        at = first;
    memcpy(text, form, OURO__HTTP_DATE);
    memcpy(text, days[at.tm_wday], 3);
    put_digits(text + 5, at.tm_mday, 2);
    memcpy(text + 8, months[at.tm_mon], 3);
    put_digits(text + 12, at.tm_year + 1900, 4);
    put_digits(text + 17, at.tm_hour, 2);
    put_digits(text + 20, at.tm_min, 2);
    put_digits(text + 23, at.tm_sec, 2);
}

/* Reading. */

enum form { TODAY, RFC_850, ASCTIME, FORMS };

enum { LONGEST = 40 };

static int
month_of(const char *name)
{
    for (int i = 0; i < 12; i++) {
        if (memcmp(months[i], name, 3) == 0)
            return i;
    }
    return -1;
}

/* A year of two digits is the last one that is no 50 years ahead of us. */
static int
whole_year(int digits)
{
    time_t now = time(NULL);
    struct tm at;
    int year = 2000 + digits;

    if (gmtime_r(&now, &at) != NULL && year > at.tm_year + 1900 + 50)
        year -= 100;
    return year;
}

/* The numbers of a date.  Whether it is one is not known before it is written
 * again. */
static bool
scan(const char *text, enum form form, struct tm *out_at)
{
    struct tm at = {0};
    char month[4] = "";
    int count;

    if (form == ASCTIME)
        count = sscanf(text, "%*3c %3s %2d %2d:%2d:%2d %4d", month, &at.tm_mday,
                       &at.tm_hour, &at.tm_min, &at.tm_sec, &at.tm_year);
    else
        count = sscanf(text,
                       form == TODAY ? "%*3c, %2d %3s %4d %2d:%2d:%2d"
                                     : "%*[A-Za-z], %2d-%3s-%2d %2d:%2d:%2d",
                       &at.tm_mday, month, &at.tm_year, &at.tm_hour, &at.tm_min,
                       &at.tm_sec);
    at.tm_mon = month_of(month);
    if (form == RFC_850)
        at.tm_year = whole_year(at.tm_year);
    at.tm_year -= 1900;
    *out_at = at;
    return count == 6 && at.tm_mon >= 0;
}

static void
put_form(time_t when, enum form form, char text[LONGEST])
{
    static const char *const rests[7] = {"day",   "day", "sday", "nesday",
                                         "rsday", "day", "urday"};
    struct tm at;

    memset(text, 0, LONGEST);
    if (form == TODAY)
        ouro__http_date(when, text);
    else if (gmtime_r(&when, &at) == NULL)
        return;
    else if (form == RFC_850)
        snprintf(text, LONGEST, "%s%s, %02d-%s-%02d %02d:%02d:%02d GMT",
                 days[at.tm_wday], rests[at.tm_wday], at.tm_mday,
                 months[at.tm_mon], at.tm_year % 100, at.tm_hour, at.tm_min,
                 at.tm_sec);
    else
        snprintf(text, LONGEST, "%s %s %2d %02d:%02d:%02d %04d",
                 days[at.tm_wday], months[at.tm_mon], at.tm_mday, at.tm_hour,
                 at.tm_min, at.tm_sec, at.tm_year + 1900);
}

/* What is no date does not come back the same. */
time_t
ouro__http_date_parse(struct ouro_slice text)
{
    char whole[LONGEST] = "";
    char again[LONGEST];
    struct tm at;

    if (text.size == 0 || text.size >= LONGEST)
        return -1;
    memcpy(whole, text.data, text.size);
    for (enum form form = TODAY; form < FORMS; form++) {
        if (!scan(whole, form, &at))
            continue;
        time_t when = timegm(&at);
        put_form(when, form, again);
        if (memcmp(again, whole, LONGEST) == 0)
            return when;
    }
    return -1;
}
