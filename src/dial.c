/* SPDX-License-Identifier: MIT */
/* From the options of a client to a connected socket, and why there is none.
 *
 * A failure is told with what it was about: the local address, the host, or
 * each address that was tried.  So the stage is kept, and the report is made
 * of it when the error is known to be the last word; for a timeout that is only
 * after its scope has ended.
 */
#include "dial.h"

#include "resolve.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Options. */

static const char *
what_is_wrong(const struct ouro_connect_options *o)
{
    bool named = o->host != NULL || o->service != NULL || o->local_host != NULL
                 || o->local_service != NULL;

    if (o->ready.given && named)
        return "ready excludes host, service, local_host and local_service";
    if (o->ready.given && o->ready.number < 0)
        return "ready is no descriptor";
    if (!o->ready.given && (o->host == NULL || o->host[0] == '\0'))
        return "host is missing, and ready too";
    if (!o->ready.given && o->service == NULL)
        return "service is missing";
    if (o->family != 0 && o->family != AF_INET && o->family != AF_INET6)
        return "family is neither AF_INET nor AF_INET6";
    if (o->timeout_ns < 0)
        return "timeout_ns is negative";
    if (o->happy_eyeballs_delay_ns < 0)
        return "happy_eyeballs_delay_ns is negative";
    if (o->close_timeout_ns < 0)
        return "close_timeout_ns is negative";
    return NULL;
}

int
ouro__dial_check(const struct ouro_connect_options *options)
{
    const char *why = what_is_wrong(options);

    if (why == NULL)
        return 0;
    if (options->report != NULL)
        snprintf(options->report->text, sizeof(options->report->text),
                 "connect options: %s", why);
    return -EINVAL;
}

int64_t
ouro__dial_timeout_ns(const struct ouro_connect_options *options)
{
    return options->timeout_ns != 0 ? options->timeout_ns : OURO_SECONDS(60);
}

/* Reports. */

/* Add to the report; what does not fit is cut. */
__attribute__((format(printf, 2, 3))) static void
say(struct ouro_report *report, const char *format, ...)
{
    size_t used = strlen(report->text);
    va_list args;

    va_start(args, format);
    vsnprintf(report->text + used, sizeof(report->text) - used, format, args);
    va_end(args);
}

static void
say_error(struct ouro_report *report, int error)
{
    say(report, "%s (%s)", ouro_error_name(error), ouro_strerror(error));
}

static void
say_host(struct ouro_report *report, const char *host, const char *service)
{
    if (strchr(host, ':') != NULL)
        say(report, "[%s]:%s", host, service);
    else
        say(report, "%s:%s", host, service);
}

static void
say_what_failed(struct ouro_report *report,
                const struct ouro_connect_options *options)
{
    if (options->ready.given) {
        say(report, "cannot use descriptor %d", options->ready.number);
        return;
    }
    say(report, "cannot connect to ");
    say_host(report, options->host, options->service);
}

static void
say_attempt(struct ouro_report *report, const struct ouro__attempt *attempt)
{
    char text[OURO_ADDRESS_TEXT];

    say(report, "%s: ", ouro_address_format(attempt->address, text));
    if (attempt->local != NULL)
        say(report, "from %s: ", ouro_address_format(attempt->local, text));
    if (attempt->error == -EINPROGRESS)
        say(report, "no answer");
    else if (attempt->error == -OURO_ENOADDRESS)
        say(report, "not tried, for no local address is of its family");
    else
        say_error(report, attempt->error);
}

static void
say_attempts(struct ouro_report *report, const struct ouro__race *race)
{
    for (size_t i = 0; i < race->begun; i++) {
        if (i > 0)
            say(report, "; ");
        say_attempt(report, &race->attempts[i]);
    }
}

/* Either may be NULL: any. */
static void
say_local(struct ouro_report *report,
          const struct ouro_connect_options *options)
{
    const char *host = options->local_host;
    const char *service = options->local_service;

    say(report, "from ");
    say_host(report, host != NULL ? host : "*",
             service != NULL ? service : "0");
    say(report, ": ");
}

static void
say_why(struct ouro_report *report, const struct ouro__dial *dial, int error)
{
    if (dial->stage == OURO__DIAL_RACING && dial->race.begun > 0) {
        say_attempts(report, &dial->race);
        return;
    }
    if (dial->stage == OURO__DIAL_LOOKING_UP_LOCAL)
        say_local(report, dial->options);
    if (dial->out_of_time && dial->stage != OURO__DIAL_CONNECTED)
        say(report, "the name was still being looked up");
    else
        say_error(report, error);
}

void
ouro__dial_explain(const struct ouro__dial *dial, int error)
{
    const struct ouro_connect_options *options = dial->options;
    struct ouro_report *report = options->report;

    if (report == NULL)
        return;
    report->text[0] = '\0';
    say_what_failed(report, options);
    if (dial->out_of_time)
        say(report, " within %g s",
            (double)ouro__dial_timeout_ns(options) / 1e9);
    say(report, ": ");
    say_why(report, dial, error);
}

/* A socket that was ready. */

static int
check_kernel_socket(int fd)
{
    int type;
    socklen_t size = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return -errno;
    return type == SOCK_STREAM ? 0 : -EPROTOTYPE;
}

static int
check_ready(const struct ouro__dial *dial)
{
    struct ouro__engine *engine = dial->loop->engine;
    int fd = dial->options->ready.number;
    struct ouro_address peer;
    int rc = 0;

    /* The simulation has sockets of its own, all of one type. */
    if (engine->sockets == &ouro__kernel_sockets)
        rc = check_kernel_socket(fd);
    if (rc == 0)
        rc = engine->sockets->peer_address(engine, fd, &peer);
    return rc < 0 ? rc : fd;
}

/* A socket, by a race. */

static int
look_up_local(struct ouro__dial *dial)
{
    const struct ouro_connect_options *options = dial->options;
    struct ouro__race *race = &dial->race;

    if (options->local_host == NULL && options->local_service == NULL)
        return 0;
    dial->stage = OURO__DIAL_LOOKING_UP_LOCAL;
    ssize_t count =
        ouro__resolve(dial->loop, options->local_host, options->local_service,
                      options->family, true, race->locals, OURO__RACE_LOCALS);
    race->local_count = count > 0 ? (size_t)count : 0;
    return count < 0 ? (int)count : 0;
}

static int
look_up(struct ouro__dial *dial)
{
    const struct ouro_connect_options *options = dial->options;
    struct ouro__race *race = &dial->race;

    dial->stage = OURO__DIAL_LOOKING_UP;
    ssize_t count = ouro__resolve(dial->loop, options->host, options->service,
                                  options->family, false, race->addresses,
                                  OURO__RACE_ADDRESSES);
    race->count = count > 0 ? (size_t)count : 0;
    return count < 0 ? (int)count : 0;
}

static int
look_up_and_race(struct ouro__dial *dial)
{
    int rc = look_up_local(dial);
    if (rc == 0)
        rc = look_up(dial);
    if (rc < 0)
        return rc;

    dial->stage = OURO__DIAL_RACING;
    return ouro__race_run(&dial->race);
}

/* All of it. */

void
ouro__dial_init(struct ouro__dial *dial, struct ouro_loop *loop,
                const struct ouro_connect_options *options)
{
    int64_t delay_ns = options->happy_eyeballs_delay_ns;

    dial->loop = loop;
    dial->options = options;
    dial->race.loop = loop;
    dial->race.delay_ns = delay_ns != 0 ? delay_ns : OURO_MILLISECONDS(250);
}

int
ouro__dial(struct ouro__dial *dial)
{
    int fd =
        dial->options->ready.given ? check_ready(dial) : look_up_and_race(dial);

    if (fd >= 0)
        dial->stage = OURO__DIAL_CONNECTED;
    return fd;
}
