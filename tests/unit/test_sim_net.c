/* SPDX-License-Identifier: MIT */
/* What the simulated network promises of sockets and how they meet.  See
 * src/sim_net.h; the events and errors are those Linux 6.18 gives. */
#include "sim_net_fixture.h"

/* Numbers. */

static void
a_number_is_the_lowest_that_is_free(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *first = make_socket(f, AF_INET);
    struct ouro__sim_socket *second = make_socket(f, AF_INET);

    assert_int_equal(first->fd, OURO__SIM_FIRST_FD);
    assert_int_equal(second->fd, OURO__SIM_FIRST_FD + 1);

    ouro__sim_close(&f->net, first);
    assert_int_equal(make_socket(f, AF_INET6)->fd, OURO__SIM_FIRST_FD);
}

static void
there_may_be_thousands(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3000; i++)
        assert_int_equal(make_socket(f, AF_INET)->fd, OURO__SIM_FIRST_FD + i);

    assert_int_equal(f->net.count, 3000);
}

static void
the_limit_of_numbers_is_kept(void **state)
{
    struct fixture *f = *state;

    f->net.limit = 1;
    struct ouro__sim_socket *only = make_socket(f, AF_INET);
    assert_err(ouro__sim_open(&f->net, AF_INET), EMFILE);

    ouro__sim_close(&f->net, only);
    make_socket(f, AF_INET);
}

static void
other_families_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_err(ouro__sim_open(&f->net, AF_UNIX), EAFNOSUPPORT);
}

static void
a_number_that_was_never_given_is_nobody(void **state)
{
    struct fixture *f = *state;

    assert_null(ouro__sim_find(&f->net, -1));
    assert_null(ouro__sim_find(&f->net, 0));
    assert_null(ouro__sim_find(&f->net, OURO__SIM_FIRST_FD));
    assert_null(ouro__sim_find(&f->net, INT32_MAX));
}

/* Places. */

static void
port_0_is_a_free_one(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *first = listen_at(f, "127.0.0.1", 0, 1);
    struct ouro__sim_socket *second = listen_at(f, "127.0.0.1", 0, 1);

    assert_int_equal(ouro_address_port(&first->local), OURO__SIM_FIRST_PORT);
    assert_int_equal(ouro_address_port(&second->local),
                     OURO__SIM_FIRST_PORT + 1);
}

static void
a_place_is_taken_once(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *socket = make_socket(f, AF_INET);

    listen_at(f, "127.0.0.1", 80, 1);
    assert_err(bind_to(f, socket, "127.0.0.1", 80), EADDRINUSE);
    assert_err(bind_to(f, socket, "0.0.0.0", 80), EADDRINUSE);
    assert_err(bind_to(f, socket, "::1", 80), EAFNOSUPPORT);
    assert_ok(bind_to(f, socket, "127.0.0.2", 80));
    assert_err(bind_to(f, socket, "127.0.0.2", 81), EINVAL);
}

static void
a_place_is_free_again_after_the_close(void **state)
{
    struct fixture *f = *state;

    ouro__sim_close(&f->net, listen_at(f, "127.0.0.1", 80, 1));
    listen_at(f, "127.0.0.1", 80, 1);
}

static void
every_v6_address_covers_v4_unless_told_not_to(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *both = listen_at(f, "::", 80, 1);
    struct ouro__sim_socket *v4 = make_socket(f, AF_INET);

    assert_err(bind_to(f, v4, "127.0.0.1", 80), EADDRINUSE);
    both->v6_only = true;
    assert_ok(bind_to(f, v4, "127.0.0.1", 80));
}

static void
a_port_is_shared_if_both_say_so(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *first = listen_at(f, "127.0.0.1", 80, 5);
    struct ouro__sim_socket *second = make_socket(f, AF_INET);

    second->reuse_port = true;
    assert_err(bind_to(f, second, "127.0.0.1", 80), EADDRINUSE);
    first->reuse_port = true;
    assert_ok(bind_to(f, second, "127.0.0.1", 80));
    assert_ok(ouro__sim_listen(&f->net, second, 5));

    assert_ok(connect_to(f, make_socket(f, AF_INET), "127.0.0.1", 80));
    assert_ok(connect_to(f, make_socket(f, AF_INET), "127.0.0.1", 80));
    assert_int_equal(first->queued, 1);
    assert_int_equal(second->queued, 1);
}

static void
reuse_address_is_for_where_nobody_listens_any_more(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *next = make_socket(f, AF_INET);

    make_pair(f);
    f->listener->reuse_address = true;
    f->server->reuse_address = true;
    next->reuse_address = true;
    assert_err(bind_to(f, next, "127.0.0.1", 80), EADDRINUSE);

    ouro__sim_close(&f->net, f->listener);
    next->reuse_address = false;
    assert_err(bind_to(f, next, "127.0.0.1", 80), EADDRINUSE);
    next->reuse_address = true;
    assert_ok(bind_to(f, next, "127.0.0.1", 80));
}

static void
two_that_share_an_address_do_not_both_listen(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *first = make_socket(f, AF_INET);
    struct ouro__sim_socket *second = make_socket(f, AF_INET);

    first->reuse_address = true;
    second->reuse_address = true;
    assert_ok(bind_to(f, first, "127.0.0.1", 80));
    assert_ok(bind_to(f, second, "127.0.0.1", 80));

    assert_ok(ouro__sim_listen(&f->net, first, 1));
    assert_err(ouro__sim_listen(&f->net, second, 1), EADDRINUSE);
}

static void
to_listen_without_a_place_takes_one(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *socket = make_socket(f, AF_INET);

    assert_ok(ouro__sim_listen(&f->net, socket, 1));

    assert_int_equal(ouro_address_port(&socket->local), OURO__SIM_FIRST_PORT);
}

/* Meeting. */

static void
a_connect_to_nobody_is_refused(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *socket = make_socket(f, AF_INET);

    assert_err(connect_to(f, socket, "127.0.0.1", 80), ECONNREFUSED);
    listen_at(f, "127.0.0.1", 80, 1);
    assert_ok(connect_to(f, socket, "127.0.0.1", 80));
}

static void
both_ends_know_both_addresses(void **state)
{
    struct fixture *f = *state;

    make_pair(f);

    assert_true(ouro_address_equals(&f->client->local, &f->server->remote));
    assert_true(ouro_address_equals(&f->client->remote, &f->server->local));
    assert_int_equal(ouro_address_port(&f->client->remote), 80);
    assert_int_equal(ouro_address_port(&f->client->local),
                     OURO__SIM_FIRST_PORT);
}

static void
a_bound_client_comes_from_where_it_is_bound(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *client = make_socket(f, AF_INET);
    struct ouro__sim_socket *listener = listen_at(f, "0.0.0.0", 80, 1);
    struct ouro_address from = literal("10.0.0.7", 777);

    assert_ok(bind_to(f, client, "10.0.0.7", 777));
    assert_ok(connect_to(f, client, "10.0.0.1", 80));

    assert_true(ouro_address_equals(&accept_from(f, listener)->remote, &from));
}

static void
who_listens_everywhere_in_v6_hears_v4_too(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *listener = listen_at(f, "::", 80, 1);
    char text[OURO_ADDRESS_TEXT];

    assert_ok(connect_to(f, make_socket(f, AF_INET), "10.0.0.1", 80));

    struct ouro__sim_socket *server = accept_from(f, listener);
    assert_string_equal(ouro_address_format(&server->local, text),
                        "[::ffff:10.0.0.1]:80");
    listener->v6_only = true;
    assert_err(connect_to(f, make_socket(f, AF_INET), "10.0.0.1", 80),
               ECONNREFUSED);
}

static void
the_very_address_comes_before_every_address(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *everywhere = make_socket(f, AF_INET);
    struct ouro__sim_socket *here = make_socket(f, AF_INET);

    everywhere->reuse_port = here->reuse_port = true;
    assert_ok(bind_to(f, everywhere, "0.0.0.0", 80));
    assert_ok(ouro__sim_listen(&f->net, everywhere, 5));
    assert_ok(bind_to(f, here, "10.0.0.1", 80));
    assert_ok(ouro__sim_listen(&f->net, here, 5));

    assert_ok(connect_to(f, make_socket(f, AF_INET), "10.0.0.1", 80));
    assert_int_equal(here->queued, 1);
    assert_ok(connect_to(f, make_socket(f, AF_INET), "10.0.0.2", 80));
    assert_int_equal(everywhere->queued, 1);
}

static void
to_connect_to_every_address_is_loopback(void **state)
{
    struct fixture *f = *state;

    listen_at(f, "127.0.0.1", 80, 1);
    listen_at(f, "::1", 81, 1);

    assert_ok(connect_to(f, make_socket(f, AF_INET), "0.0.0.0", 80));
    assert_ok(connect_to(f, make_socket(f, AF_INET6), "::", 81));
}

static void
a_connect_out_of_place_is_refused(void **state)
{
    struct fixture *f = *state;

    make_pair(f);

    assert_err(connect_to(f, f->client, "127.0.0.1", 80), EISCONN);
    assert_err(connect_to(f, f->listener, "127.0.0.1", 80), EISCONN);
    assert_err(connect_to(f, make_socket(f, AF_INET6), "127.0.0.1", 80),
               EAFNOSUPPORT);
}

static void
a_connect_takes_the_time_it_is_given(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *socket = make_socket(f, AF_INET);
    struct ouro_address to = literal("127.0.0.1", 80);

    listen_at(f, "127.0.0.1", 80, 1);
    assert_ok(ouro__sim_connect_start(&f->net, socket, &to, 100, 0));
    assert_err(ouro__sim_connect_try(&f->net, socket, 99), EAGAIN);
    assert_err(connect_to(f, socket, "127.0.0.1", 80), EALREADY);
    assert_err(put(f, socket, "x"), EAGAIN);
    assert_err(get(f, socket), EAGAIN);
    assert_int_equal(poll_of(f, socket), 0);

    assert_ok(ouro__sim_connect_try(&f->net, socket, 100));
    assert_int_equal(poll_of(f, socket), POLLOUT);
}

static void
who_finds_the_queue_full_waits_for_room(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *listener = listen_at(f, "127.0.0.1", 80, 1);
    struct ouro__sim_socket *third = make_socket(f, AF_INET);

    assert_ok(connect_to(f, make_socket(f, AF_INET), "127.0.0.1", 80));
    assert_ok(connect_to(f, make_socket(f, AF_INET), "127.0.0.1", 80));
    assert_err(connect_to(f, third, "127.0.0.1", 80), EAGAIN);

    assert_non_null(accept_from(f, listener));
    assert_ptr_equal(f->changed, third);
    assert_ok(ouro__sim_connect_try(&f->net, third, 1));
}

static void
a_listener_that_closes_turns_everybody_away(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *listener = listen_at(f, "127.0.0.1", 80, 0);
    struct ouro__sim_socket *queued = make_socket(f, AF_INET);
    struct ouro__sim_socket *knocking = make_socket(f, AF_INET);

    assert_ok(connect_to(f, queued, "127.0.0.1", 80));
    assert_err(connect_to(f, knocking, "127.0.0.1", 80), EAGAIN);
    ouro__sim_close(&f->net, listener);

    assert_err(get(f, queued), ECONNRESET);
    assert_err(ouro__sim_connect_try(&f->net, knocking, 1), ECONNREFUSED);
}

static void
accept_reserves_a_number_first(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *listener = listen_at(f, "127.0.0.1", 80, 1);

    assert_err(ouro__sim_accept(&f->net, listener), EAGAIN);
    assert_err(ouro__sim_accept(&f->net, make_socket(f, AF_INET)), EINVAL);
    f->net.limit = 2;
    assert_err(ouro__sim_accept(&f->net, listener), EMFILE);
}

static void
a_client_that_left_is_accepted_all_the_same(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *listener = listen_at(f, "127.0.0.1", 80, 1);
    struct ouro__sim_socket *client = make_socket(f, AF_INET);

    assert_ok(connect_to(f, client, "127.0.0.1", 80));
    assert_int_equal(put(f, client, "bye"), 3);
    ouro__sim_close(&f->net, client);

    struct ouro__sim_socket *server = accept_from(f, listener);
    assert_gets(f, server, "bye");
    assert_int_equal(get(f, server), 0);
}

/* What memory can refuse. */

static int
try_to_meet(struct fixture *f)
{
    struct ouro_address at = literal("127.0.0.1", 80);

    int fd = ouro__sim_open(&f->net, AF_INET);
    if (fd < 0)
        return fd;
    f->listener = ouro__sim_find(&f->net, fd);
    assert_ok(ouro__sim_bind(&f->net, f->listener, &at));
    assert_ok(ouro__sim_listen(&f->net, f->listener, 1));

    fd = ouro__sim_open(&f->net, AF_INET);
    if (fd < 0)
        return fd;
    f->client = ouro__sim_find(&f->net, fd);
    int rc = connect_to(f, f->client, "127.0.0.1", 80);
    if (rc < 0)
        return rc;

    fd = ouro__sim_accept(&f->net, f->listener);
    return fd < 0 ? fd : 0;
}

static int
meet_in_a_net_of_its_own(void *arg)
{
    struct fixture f = {.changes = 0};

    (void)arg;
    int rc = ouro__sim_net_init(&f.net, see_change, BUFFER_SIZE, SIZE_MAX);
    if (rc < 0)
        return rc;
    rc = try_to_meet(&f);
    ouro__sim_net_fini(&f.net);
    return rc;
}

static void
without_memory_nothing_is_lost(void **state)
{
    (void)state;

    for_each_allocation_failure(meet_in_a_net_of_its_own, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_number_is_the_lowest_that_is_free),
        TEST(there_may_be_thousands),
        TEST(the_limit_of_numbers_is_kept),
        TEST(other_families_are_refused),
        TEST(a_number_that_was_never_given_is_nobody),
        TEST(port_0_is_a_free_one),
        TEST(a_place_is_taken_once),
        TEST(a_place_is_free_again_after_the_close),
        TEST(every_v6_address_covers_v4_unless_told_not_to),
        TEST(a_port_is_shared_if_both_say_so),
        TEST(reuse_address_is_for_where_nobody_listens_any_more),
        TEST(two_that_share_an_address_do_not_both_listen),
        TEST(to_listen_without_a_place_takes_one),
        TEST(a_connect_to_nobody_is_refused),
        TEST(both_ends_know_both_addresses),
        TEST(a_bound_client_comes_from_where_it_is_bound),
        TEST(who_listens_everywhere_in_v6_hears_v4_too),
        TEST(the_very_address_comes_before_every_address),
        TEST(to_connect_to_every_address_is_loopback),
        TEST(a_connect_out_of_place_is_refused),
        TEST(a_connect_takes_the_time_it_is_given),
        TEST(who_finds_the_queue_full_waits_for_room),
        TEST(a_listener_that_closes_turns_everybody_away),
        TEST(accept_reserves_a_number_first),
        TEST(a_client_that_left_is_accepted_all_the_same),
        TEST(without_memory_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
