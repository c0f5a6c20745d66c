/* SPDX-License-Identifier: MIT */
/* Posts that the thread of the loop takes back itself; other threads do it in
 * integration.mailbox_cancel. */
#include "ouro_test.h"

#include <stdlib.h>
#include <string.h>

enum { LETTERS = 5 };

struct fixture;

struct letter {
    struct ouro_handle handle;
    struct fixture *f;
    struct letter *victim; /* taken back when this one runs; NULL: none */
    char text[2];
};

struct fixture {
    struct ouro_sim *sim;
    struct ouro_mailbox *mailbox;
    struct letter letters[LETTERS];
    char trace[32];
    bool prevented;
};

static void
note(void *arg)
{
    struct letter *letter = arg;
    struct fixture *f = letter->f;

    strcat(f->trace, letter->text);
    if (letter->victim != NULL)
        f->prevented = ouro_mailbox_cancel(f->mailbox, &letter->victim->handle);
}

static void
post(struct fixture *f, size_t i)
{
    assert_ok(ouro_mailbox_post(f->mailbox, &f->letters[i].handle, note,
                                &f->letters[i]));
}

static void
post_all(struct fixture *f)
{
    for (size_t i = 0; i < LETTERS; i++)
        post(f, i);
}

/* A42 */
static void
a_post_that_is_taken_back_never_runs(void **state)
{
    const char *const left[] = {"bcde", "acde", "abde", "abce", "abcd"};
    struct fixture *f = *state;

    for (size_t i = 0; i < LETTERS; i++) {
        f->trace[0] = '\0';
        post_all(f);
        assert_true(ouro_mailbox_cancel(f->mailbox, &f->letters[i].handle));
        assert_false(ouro_handle_is_pending(&f->letters[i].handle));
        ouro_sim_turn(f->sim);
        assert_string_equal(f->trace, left[i]);
    }
}

static void
all_may_be_taken_back(void **state)
{
    struct fixture *f = *state;

    post_all(f);
    for (size_t i = LETTERS; i > 0; i--)
        assert_true(ouro_mailbox_cancel(f->mailbox, &f->letters[i - 1].handle));
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "");
}

static void
what_comes_afterwards_stays_behind_what_was_there(void **state)
{
    struct fixture *f = *state;

    post(f, 0);
    post(f, 1);
    assert_true(ouro_mailbox_cancel(f->mailbox, &f->letters[0].handle));
    post(f, 2);
    post(f, 0);
    assert_true(ouro_mailbox_cancel(f->mailbox, &f->letters[2].handle));
    post(f, 3);
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "bad");
}

static void
one_that_waits_to_run_in_this_turn_is_prevented_too(void **state)
{
    struct fixture *f = *state;

    f->letters[0].victim = &f->letters[1];
    post_all(f);
    ouro_sim_turn(f->sim);

    assert_true(f->prevented);
    assert_string_equal(f->trace, "acde");
}

static void
a_call_that_takes_itself_back_is_not_prevented(void **state)
{
    struct fixture *f = *state;

    f->prevented = true;
    f->letters[0].victim = &f->letters[0];
    post(f, 0);
    ouro_sim_turn(f->sim);

    assert_false(f->prevented);
    assert_string_equal(f->trace, "a");
}

static void
one_that_has_run_is_not_prevented(void **state)
{
    struct fixture *f = *state;

    post(f, 0);
    ouro_sim_turn(f->sim);

    assert_false(ouro_mailbox_cancel(f->mailbox, &f->letters[0].handle));
    assert_string_equal(f->trace, "a");
}

static void
nothing_can_be_taken_back_from_a_loop_that_is_gone(void **state)
{
    struct fixture *f = *state;

    post(f, 0);
    ouro_sim_free(f->sim);
    f->sim = NULL;

    assert_string_equal(f->trace, "a");
    assert_false(ouro_mailbox_cancel(f->mailbox, &f->letters[0].handle));
}

static int
setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){0};
    assert_ok(ouro_sim_new(&f.sim, NULL));
    f.mailbox = ouro_loop_mailbox(ouro_sim_loop(f.sim));
    for (size_t i = 0; i < LETTERS; i++) {
        f.letters[i].f = &f;
        f.letters[i].text[0] = (char)('a' + i);
    }
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    ouro_mailbox_unref(f->mailbox);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_post_that_is_taken_back_never_runs),
        TEST(all_may_be_taken_back),
        TEST(what_comes_afterwards_stays_behind_what_was_there),
        TEST(one_that_waits_to_run_in_this_turn_is_prevented_too),
        TEST(a_call_that_takes_itself_back_is_not_prevented),
        TEST(one_that_has_run_is_not_prevented),
        TEST(nothing_can_be_taken_back_from_a_loop_that_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
