/* SPDX-License-Identifier: MIT */
/* Watches in great number, and of what is not there.  Row A85 of the list of
 * behaviours; each by itself is in test_watch.c. */
#include "sock_scene.h"

#include <string.h>
#include <sys/resource.h>

static const char *engine;

enum { MANY = 1000, DIFFERENT = 5 };

/* A watch that removes itself when it was called so often. */
struct watcher {
    struct ouro_watch watch;
    int fd;
    unsigned calls;
    unsigned most;
};

/* What a main task saw. */
struct seen {
    struct watcher watchers[MANY];
    size_t served[2];
    size_t calls;
    int rc[4];
    bool removed;
};

static void
is_ready(void *arg)
{
    struct watcher *watcher = arg;

    if (++watcher->calls == watcher->most)
        ouro_watch_remove(&watcher->watch);
}

static int
add_reader(struct watcher *watcher)
{
    return ouro_add_reader(ouro_get_running_loop(), &watcher->watch,
                           watcher->fd, is_ready, watcher);
}

static int
add_writer(struct watcher *watcher)
{
    return ouro_add_writer(ouro_get_running_loop(), &watcher->watch,
                           watcher->fd, is_ready, watcher);
}

/* What is not there. */

static int
watch_what_is_not_open(void *arg)
{
    struct seen *seen = arg;
    struct watcher *watcher = &seen->watchers[0];

    watcher->fd = open_socket();
    ouro_sock_close(watcher->fd);
    seen->rc[0] = add_reader(watcher);
    seen->rc[1] = add_writer(watcher);
    watcher->fd = -1;
    seen->rc[2] = add_reader(watcher);
    seen->rc[3] = add_writer(watcher);
    seen->removed = ouro_watch_remove(&watcher->watch);
    return 0;
}

static void
what_is_not_open_is_refused_in_both_directions(void **state)
{
    static struct seen seen;

    (void)state;
    assert_ok(run_in_world(engine, watch_what_is_not_open, &seen));

    for (size_t i = 0; i < 4; i++)
        assert_err(seen.rc[i], EBADF);
    assert_false(seen.removed);
}

/* Many. */

/* So many descriptors, and some that are there. */
static void
allow_many_descriptors(void)
{
    struct rlimit limit;

    assert_ok(getrlimit(RLIMIT_NOFILE, &limit));
    if (limit.rlim_cur >= MANY + 100)
        return;
    limit.rlim_cur = MANY + 100;
    assert_ok(setrlimit(RLIMIT_NOFILE, &limit));
}

static size_t
count_served(struct seen *seen)
{
    size_t served = 0;

    seen->calls = 0;
    for (size_t i = 0; i < MANY; i++) {
        served += seen->watchers[i].calls == seen->watchers[i].most;
        seen->calls += seen->watchers[i].calls;
    }
    return served;
}

static int
watch_many(void *arg)
{
    struct seen *seen = arg;
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < MANY; i++) {
        seen->watchers[i].fd = open_socket();
        seen->watchers[i].most = 1 + i % DIFFERENT;
        rc = add_writer(&seen->watchers[i]);
    }
    for (int i = 0; rc == 0 && i < 1000 && count_served(seen) < MANY; i++)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    seen->served[0] = count_served(seen);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    seen->served[1] = count_served(seen);
    for (size_t i = 0; i < MANY; i++)
        ouro_sock_close(seen->watchers[i].fd);
    return rc;
}

static void
a_thousand_watches_are_called_each_as_often_as_it_wants(void **state)
{
    static struct seen seen;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    allow_many_descriptors();
    assert_ok(run_in_world(engine, watch_many, &seen));

    assert_int_equal(seen.served[0], MANY);
    assert_int_equal(seen.served[1], MANY);
    assert_int_equal(seen.calls, MANY / DIFFERENT * (1 + 2 + 3 + 4 + 5));
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_open_is_refused_in_both_directions),
        cmocka_unit_test(
            a_thousand_watches_are_called_each_as_often_as_it_wants),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests_name("watch_many", tests, NULL, NULL);
}
