/* SPDX-License-Identifier: MIT */
/* A handler that is told to end, or whose client leaves, in each turn of its
 * life: it ends, its client sees that something is missing, and nobody else
 * notices. */
#include "http_handlers.h"

const char *engine;

enum { PART = 30000, PARTS = 4, MOST_TURNS = 3000 };

/* The handler that is to be told. */
static struct ouro_task *victim; /* NULL: none runs */
static unsigned turn;            /* in which it is */
static unsigned begun;
static unsigned ended;
static bool told; /* while it ran */
static bool late; /* it had ended before its turn */

static int
read_and_write(struct ouro_http_request *request)
{
    static const uint8_t part[PART];
    uint8_t bytes[100];
    ssize_t size;

    while ((size = ouro_http_read(request, bytes, sizeof(bytes))) > 0)
        continue;
    int rc = size < 0 ? (int)size
                      : ouro_http_begin(request, 200, NULL, PARTS * PART);
    for (int i = 0; rc == 0 && i < PARTS; i++) {
        rc = ouro_http_write(request, ouro_slice_of(part, PART));
        if (rc == 0)
            rc = ouro_sleep(0);
    }
    return rc;
}

static int
work(struct ouro_http_request *request, void *context)
{
    (void)context;
    victim = ouro_current_task();
    begun++;
    int rc = read_and_write(request);
    victim = NULL;
    ended++;
    return rc;
}

static const struct ouro_http_route working_routes[] = {
    {.method = "PUT", .pattern = "/work", .handler = work, .streams = true},
    {.method = "GET",
     .pattern = "/later/{name}",
     .handler = sleep_and_say_name},
    {.pattern = NULL},
};

/* Half a body at once, the other half and another request some turns later. */
OURO_SUSPENDS static int
send_second_half(struct scene *scene)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < 5; i++)
        rc = ouro_sleep(0);
    return rc < 0 ? rc : send_text(scene, "half." GET("/later/2"));
}

static int
send_second_half_in_a_task(void *arg)
{
    int rc = send_second_half(arg);

    return rc == -ECANCELED ? rc : 0; /* the server may have ended it */
}

/* Returns when it is the turn of the n-th, or nothing is left to tell. */
OURO_SUSPENDS static int
wait_for_the_turn(void)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < turn && ended == 0; i++)
        rc = ouro_sleep(0);
    return rc;
}

static int
cancel_or_leave(struct scene *scene)
{
    struct ouro_task *sender;
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, "PUT /work HTTP/1.1\r\nHost: a\r\n"
                              "Content-Length: 10\r\n\r\nhalf.");
    if (rc == 0)
        rc = ouro_create_task(&sender, send_second_half_in_a_task, scene);
    if (rc < 0)
        return rc;
    rc = wait_for_the_turn();
    told = victim != NULL;
    late = ended > 0;
    if (scene->seen[0])
        ouro_stream_abort(scene->stream);
    else if (victim != NULL)
        ouro_task_cancel(victim);
    int joined = ouro_task_join(sender);
    ouro_task_unref(sender);
    ouro_stream_write_eof(scene->stream);
    if (rc == 0 && joined == 0)
        scene->seen[1] = receive_to_end(scene);
    close_client(scene);
    return rc;
}

static void
plays_in_turn(struct scene *scene, bool leaves)
{
    *scene = (struct scene){
        .routes = working_routes,
        .act = cancel_or_leave,
        .seen = {leaves},
    };
    begun = ended = 0;
    assert_plays(scene);
    assert_null(victim);
    assert_int_equal(begun, ended);
}

/* All of the body was written, or it ends short, or there is none. */
static bool
is_as_it_should_be(const struct scene *scene)
{
    static const char whole[] = "Content-Length: 120000\r\n";

    if (scene->size == 0 || scene->seen[1] < 0)
        return true;
    if (begins_with(scene->answer, "HTTP/1.1 200 "))
        return strstr(scene->answer, whole) != NULL
               && scene->size > PARTS * PART;
    return begins_with(scene->answer, "HTTP/1.1 503 ")
           && strstr(scene->answer, "Connection: close") != NULL;
}

static void
a_handler_can_be_cancelled_in_each_of_its_turns(void **state)
{
    struct scene scene;
    unsigned count = 0;

    (void)state;
    for (turn = 0, late = false; !late && turn < MOST_TURNS; turn++) {
        plays_in_turn(&scene, false);
        if (!told)
            continue;
        assert_true(is_as_it_should_be(&scene));
        assert_null(strstr(scene.answer, "\r\n\r\n2"));
        count++;
    }
    assert_true(late);
    assert_in_range(count, 3, MOST_TURNS);
}

static void
a_client_can_leave_in_each_turn_of_its_handler(void **state)
{
    struct scene scene;
    unsigned count = 0;

    (void)state;
    for (turn = 0, late = false; !late && turn < MOST_TURNS; turn++) {
        plays_in_turn(&scene, true);
        count += told;
    }
    assert_true(late);
    assert_in_range(count, 3, MOST_TURNS);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_can_be_cancelled_in_each_of_its_turns),
        cmocka_unit_test(a_client_can_leave_in_each_turn_of_its_handler),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
