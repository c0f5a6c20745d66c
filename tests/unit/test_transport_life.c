/* SPDX-License-Identifier: MIT */
/* The base of transports: references, owners, and the end of a loop. */
#include "base_fixture.h"

/* References. */

static void
the_protocol_is_freed_after_its_last_call(void **state)
{
    (void)state;
    size_t before = live_allocations();
    begin(&user_ops);
    assert_int_equal(live_allocations(), before + 2);
    do_close();
    turn();

    assert_int_equal(live_allocations(), before);
    assert_string_equal(fixture.orders, "scf");
}

static void
a_reference_keeps_the_protocol_and_its_transport(void **state)
{
    (void)state;
    begin(&user_ops);
    struct ouro_protocol *protocol =
        ouro_protocol_ref(fixture.transport->protocol);
    do_close();
    turn();

    assert_ptr_equal(protocol->transport, fixture.transport);
    assert_true(ouro_transport_is_closing(protocol->transport));
    assert_string_equal(fixture.orders, "sc");
    assert_null(ouro_protocol_unref(protocol));
    assert_string_equal(fixture.orders, "scf");
}

static void
a_replaced_protocol_that_is_held_keeps_the_transport(void **state)
{
    (void)state;
    begin(&user_ops);
    struct ouro_protocol *old = ouro_protocol_ref(fixture.transport->protocol);
    do_set_protocol();
    do_close();
    turn();

    assert_string_equal(fixture.orders, "sc");
    ouro_protocol_unref(old);
    assert_string_equal(fixture.orders, "scf");
}

static void
a_new_protocol_is_zeroed_and_the_old_one_freed(void **state)
{
    struct ouro_protocol *next;
    const uint8_t zeroes[8] = {0};

    (void)state;
    begin(&user_ops);
    size_t before = live_allocations();
    assert_ok(ouro_transport_set_protocol(fixture.transport, &next_ops, &next));
    const struct user *user = OURO_CONTAINER_OF(next, struct user, base);

    assert_int_equal(live_allocations(), before);
    assert_memory_equal(user->room, zeroes, sizeof(zeroes));
    assert_ptr_equal(next->transport, fixture.transport);
    do_close();
}

static void
give_back_twice(void *arg)
{
    struct ouro_protocol *protocol;

    (void)arg;
    begin(&user_ops);
    protocol = ouro_protocol_ref(fixture.transport->protocol);
    do_close();
    protocol->refs = 0;
    ouro_protocol_unref(protocol);
}

static void
a_reference_is_given_back_once(void **state)
{
    (void)state;
    assert_callback_stops(give_back_twice, NULL, "given back once");
    assert_null(ouro_protocol_unref(NULL));
}

/* Owners. */

struct owner {
    struct ouro_transport_owner base;
    char calls[8]; /* M made, ! refused, L lost */
    int reason;
};

static struct owner *owner;

static void
owner_made(struct ouro_transport_owner *self, struct ouro_transport *transport,
           int rc)
{
    (void)transport;
    note(OURO_CONTAINER_OF(self, struct owner, base)->calls,
         rc == 0 ? 'M' : '!');
}

static void
owner_lost(struct ouro_transport_owner *self, struct ouro_transport *transport,
           int reason)
{
    (void)transport;
    note(OURO_CONTAINER_OF(self, struct owner, base)->calls, 'L');
    OURO_CONTAINER_OF(self, struct owner, base)->reason = reason;
}

/* On the heap, so that a sanitizer sees a use after its end. */
static void
make_owned(bool at_once)
{
    owner = test_calloc(1, sizeof(*owner));
    owner->base = (struct ouro_transport_owner){
        .made = owner_made,
        .lost = owner_lost,
        .at_once = at_once,
    };
    make(&user_ops);
    ouro_transport_set_owner(fixture.transport, &owner->base);
}

/* What a server does that is freed inside a call of its protocol. */
static void
free_owner(void)
{
    ouro_transport_set_owner(fixture.transport, NULL);
    test_free(owner);
    owner = NULL;
}

static void
the_owner_hears_of_both_ends(void **state)
{
    (void)state;
    make_owned(true);
    ouro_transport_begin(fixture.transport, NULL);
    assert_string_equal(owner->calls, "M");
    assert_string_equal(fixture.orders, "s");
    do_abort();
    turn();

    assert_string_equal(owner->calls, "ML");
    assert_err(owner->reason, ECONNABORTED);
    test_free(owner);
}

static void
the_owner_hears_of_a_refusal(void **state)
{
    (void)state;
    fixture.made_result = -EACCES;
    make_owned(true);
    ouro_transport_begin(fixture.transport, NULL);
    turn();

    assert_string_equal(owner->calls, "!L");
    assert_string_equal(fixture.calls, "ML");
    test_free(owner);
}

/* A63 of the list of behaviours. */
static void
for_an_owner_who_waits_it_starts_a_turn_later(void **state)
{
    (void)state;
    make_owned(false);
    ouro_transport_begin(fixture.transport, NULL);
    assert_string_equal(fixture.orders, "");
    turn();

    assert_string_equal(fixture.orders, "s");
    do_abort();
    turn();
    test_free(owner);
}

static void
write_much(void)
{
    write_size(OURO_KIB(64) + 1);
}

static void
the_marks_wait_for_such_a_start(void **state)
{
    (void)state;
    fixture.on_made = write_much;
    make_owned(false);
    ouro_transport_begin(fixture.transport, NULL);
    turn();
    turn();

    assert_string_equal(fixture.orders, "ws");
    assert_string_equal(fixture.calls, "MP");
    do_abort();
    turn();
    test_free(owner);
}

static void
what_is_closed_before_its_start_never_starts(void **state)
{
    (void)state;
    make_owned(false);
    ouro_transport_begin(fixture.transport, NULL);
    do_close();
    turn();

    assert_string_equal(fixture.orders, "cf");
    assert_string_equal(owner->calls, "ML");
    test_free(owner);
}

static void
an_owner_may_go_in_connection_made(void **state)
{
    (void)state;
    fixture.on_made = free_owner;
    make_owned(false);
    ouro_transport_begin(fixture.transport, NULL);
    turn();

    assert_string_equal(fixture.orders, "s");
    do_abort();
}

static void
an_owner_may_go_in_connection_lost(void **state)
{
    (void)state;
    fixture.on_lost = free_owner;
    make_owned(true);
    ouro_transport_begin(fixture.transport, NULL);
    do_abort();
    turn();

    assert_null(owner);
    assert_string_equal(fixture.calls, "ML");
}

static void
owner_goes_when_made(struct ouro_transport_owner *self,
                     struct ouro_transport *transport, int rc)
{
    (void)self;
    (void)transport;
    (void)rc;
    free_owner();
}

static void
an_owner_may_go_when_it_is_told(void **state)
{
    (void)state;
    make_owned(false);
    owner->base.made = owner_goes_when_made;
    ouro_transport_begin(fixture.transport, NULL);
    turn();

    assert_string_equal(fixture.orders, "s");
    do_abort();
}

/* The loop. */

static void
a_connection_left_open_is_reported_and_aborted(void **state)
{
    (void)state;
    begin(&user_ops);
    ouro_sim_free(fixture.sim);

    assert_string_equal(fixture.seen.message, "a connection was still open");
    assert_string_equal(fixture.seen.site, "here.c:1");
    assert_string_equal(fixture.calls, "ML");
    assert_string_equal(fixture.orders, "saf");
    assert_ok(setup(state));
}

static void
its_getters_say_how_it_stands(void **state)
{
    (void)state;
    begin(&user_ops);

    assert_ptr_equal(ouro_transport_loop(fixture.transport), fixture.loop);
    assert_int_equal(ouro_transport_descriptor(fixture.transport), -1);
    assert_int_equal(ouro_transport_peer_address(fixture.transport).size, 0);
    assert_int_equal(ouro_transport_local_address(fixture.transport).size, 0);
    assert_true(ouro_transport_is_reading(fixture.transport));
    assert_false(ouro_transport_is_closing(fixture.transport));
    do_close();
    assert_true(ouro_transport_is_closing(fixture.transport));
    assert_false(ouro_transport_is_reading(fixture.transport));
}

static void
what_is_retained_is_a_copy(void **state)
{
    char text[] = "text";

    (void)state;
    begin(&user_ops);
    struct ouro_buf *buf =
        ouro_transport_retain(fixture.transport, ouro_slice_of(text, 4));
    assert_non_null(buf);
    memset(text, 'x', 4);

    assert_int_equal(ouro_buf_size(buf), 4);
    assert_memory_equal(ouro_buf_data(buf), "text", 4);
    ouro_buf_unref(buf);
    do_close();
}

static int
make_and_discard(void *arg)
{
    struct ouro_transport *transport;

    (void)arg;
    int rc = ouro_transport_new(&transport, fixture.loop, &fake_ops, &user_ops,
                                "here.c:1");
    if (rc == 0)
        ouro_transport_discard(transport);
    return rc;
}

static void
one_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    for_each_allocation_failure(make_and_discard, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_protocol_is_freed_after_its_last_call),
        TEST(a_reference_keeps_the_protocol_and_its_transport),
        TEST(a_replaced_protocol_that_is_held_keeps_the_transport),
        TEST(a_new_protocol_is_zeroed_and_the_old_one_freed),
        TEST(a_reference_is_given_back_once),
        TEST(the_owner_hears_of_both_ends),
        TEST(the_owner_hears_of_a_refusal),
        TEST(for_an_owner_who_waits_it_starts_a_turn_later),
        TEST(the_marks_wait_for_such_a_start),
        TEST(what_is_closed_before_its_start_never_starts),
        TEST(an_owner_may_go_in_connection_made),
        TEST(an_owner_may_go_in_connection_lost),
        TEST(an_owner_may_go_when_it_is_told),
        TEST(a_connection_left_open_is_reported_and_aborted),
        TEST(its_getters_say_how_it_stands),
        TEST(what_is_retained_is_a_copy),
        TEST(one_that_cannot_be_made_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
