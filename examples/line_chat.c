/* A chat: what one client writes, a line at a time, all the others read.
 *
 *     $ ./line_chat --port 7000 &
 *     listening on 127.0.0.1:7000
 *     $ nc 127.0.0.1 7000        (twice, in two windows)
 */
#include "common.h"

/* One who chats.  The list is the room; everything runs on one thread. */
struct guest {
    struct guest *next;
    struct ouro_stream *stream;
    char name[16];
};

static struct guest *room;
static unsigned guests;

/* Nobody waits for a guest who does not read: its queue has a bound. */
static void
tell_others(const struct guest *speaker, struct ouro_slice line)
{
    struct ouro_slice parts[] = {
        ouro_slice_of(speaker->name, strlen(speaker->name)),
        OURO_BYTES(": "),
        line,
    };

    for (struct guest *guest = room; guest != NULL; guest = guest->next) {
        struct ouro_transport *to = ouro_stream_transport(guest->stream);

        if (guest != speaker && !ouro_transport_is_closing(to))
            ouro_transport_writev(to, parts, 3);
    }
}

static int
chat(struct ouro_stream *stream, void *context)
{
    struct guest self = {.next = room, .stream = stream};
    struct guest **place = &room;
    struct ouro_slice line;
    ssize_t size;

    (void)context;
    snprintf(self.name, sizeof(self.name), "guest %u", ++guests % 10000);
    room = &self;
    while ((size = ouro_stream_read_line(stream, &line)) > 0)
        tell_others(&self, line);

    while (*place != &self)
        place = &(*place)->next;
    *place = self.next;
    return (int)size;
}

static int
serve(void *where)
{
    return serve_streams(chat, where);
}

int
main(int argc, char **argv)
{
    struct ouro_server_options where = {.host = "127.0.0.1", .service = "7000"};

    read_server_arguments(argc, argv, &where);
    return ouro_run(serve, &where) < 0;
}
