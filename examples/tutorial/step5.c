/* Step 5: a chat with limits, for who says nothing and for who reads nothing.
 *
 *     $ ./step5 7000 &
 *     listening on 127.0.0.1:7000
 *     $ nc 127.0.0.1 7000        (twice, in two windows)
 */
#include <ouro/ouro.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t silence_ns = OURO_SECONDS(60);  /* then a guest has to go */
static int64_t patience_ns = OURO_SECONDS(10); /* with one who does not read */

struct guest {
    struct guest *next;
    struct ouro_stream *stream;
    struct ouro_queue news; /* of struct ouro_buf: lines for this guest */
};

/* Who is here.  Everything runs on one thread, so it needs no lock. */
static struct guest *guests;

static void
enter(struct guest *guest)
{
    guest->next = guests;
    guests = guest;
}

static void
leave(struct guest *guest)
{
    struct guest **place = &guests;

    while (*place != guest)
        place = &(*place)->next;
    *place = guest->next;
}

static struct ouro_buf *
copy_of(struct ouro_slice line)
{
    struct ouro_buf *copy = ouro_buf_new(line.size);

    if (copy != NULL)
        memcpy(ouro_buf_data(copy), line.data, line.size);
    return copy;
}

/* The line is copied once; each queue holds a reference.  One that is full
 * takes no more, so a guest who reads slowly misses lines, and holds up
 * nobody. */
static int
tell_others(const struct guest *speaker, struct ouro_slice line)
{
    struct ouro_buf *copy = copy_of(line);

    if (copy == NULL)
        return -ENOMEM;
    for (struct guest *guest = guests; guest != NULL; guest = guest->next) {
        if (guest != speaker && ouro_queue_put_nowait(&guest->news, copy) == 0)
            ouro_buf_ref(copy);
    }
    ouro_buf_unref(copy);
    return 0;
}

/* The last words to a guest, behind the lines that wait for it. */
static void
say_last(struct guest *guest, struct ouro_slice words)
{
    struct ouro_buf *copy = copy_of(words);

    if (copy != NULL && ouro_queue_put_nowait(&guest->news, copy) < 0)
        ouro_buf_unref(copy);
}

static ssize_t
next_line(struct guest *guest, struct ouro_slice *out_line)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, silence_ns);
    ssize_t size = ouro_stream_read_line(guest->stream, out_line);
    return ouro_timeout_end(&limit, size);
}

static int
listen_to(struct guest *guest)
{
    struct ouro_slice line;
    ssize_t size;

    while ((size = next_line(guest, &line)) > 0) {
        int rc = tell_others(guest, line);
        if (rc < 0)
            return rc;
    }
    if (size == -ETIMEDOUT) {
        say_last(guest, OURO_BYTES("you say nothing: good bye\n"));
        return 0;
    }
    return (int)size;
}

static int
pass_on(struct guest *guest, struct ouro_buf *line)
{
    struct ouro_slice bytes =
        ouro_slice_of(ouro_buf_data(line), ouro_buf_size(line));
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, patience_ns);
    int rc = ouro_stream_write(guest->stream, bytes);
    rc = (int)ouro_timeout_end(&limit, rc);
    ouro_buf_unref(line);
    return rc;
}

/* The other half of a guest: a task that writes what comes for it. */
static int
bring_news(void *arg)
{
    struct guest *guest = arg;
    void *line;
    int rc;

    while ((rc = ouro_queue_get(&guest->news, &line)) == 0) {
        rc = pass_on(guest, line);
        if (rc < 0)
            return rc;
    }
    return rc == -ESHUTDOWN ? 0 : rc;
}

static void
drop_news(struct ouro_queue *news)
{
    void *line;

    while (ouro_queue_get_nowait(news, &line) == 0)
        ouro_buf_unref(line);
    ouro_queue_fini(news);
}

static int
talk(struct ouro_stream *stream, void *context)
{
    struct guest self = {.stream = stream};
    struct ouro_group group;

    (void)context;

    int rc = ouro_queue_init(&self.news, ouro_get_running_loop(), 0);
    if (rc < 0)
        return rc;

    enter(&self);
    ouro_group_begin(&group);
    ouro_group_create_task(&group, bring_news, &self);
    rc = listen_to(&self);
    leave(&self);
    ouro_queue_shutdown(&self.news, false);
    rc = ouro_group_end(&group, rc);
    drop_news(&self.news);
    return rc;
}

static void
say_where(const struct ouro_server *server)
{
    struct ouro_address address = ouro_server_address(server, 0);
    char text[OURO_ADDRESS_TEXT];

    printf("listening on %s\n", ouro_address_format(&address, text));
    fflush(stdout);
}

static int
chat(void *port)
{
    struct ouro_report why;
    const struct ouro_server_options options = {
        .host = "127.0.0.1",
        .service = port,
        .report = &why,
    };
    struct ouro_server *server;

    int rc = ouro_start_server(&server, talk, NULL, &options);
    if (rc < 0) {
        fprintf(stderr, "%s\n", why.text);
        return rc;
    }
    say_where(server);
    rc = ouro_server_serve_forever(server);
    ouro_server_free(server);
    return rc;
}

static int64_t
seconds(const char *text)
{
    return OURO_SECONDS(strtod(text, NULL));
}

int
main(int argc, char **argv)
{
    if (argc > 2)
        silence_ns = seconds(argv[2]);
    if (argc > 3)
        patience_ns = seconds(argv[3]);
    return ouro_run(chat, argc > 1 ? argv[1] : NULL) < 0;
}
