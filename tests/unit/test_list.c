/* SPDX-License-Identifier: MIT */
/* What an intrusive list promises.  See src/list.h. */
#include "ouro_test.h"

#include "list.h"

struct fixture {
    struct ouro__list head;
    struct ouro__list other;
    struct ouro__list nodes[4];
};

/* The nodes of `head` in order, by their numbers: "0 1 2". */
static const char *
order(struct fixture *f, const struct ouro__list *head)
{
    static char text[16];
    size_t used = 0;

    ouro__list_for_each (node, head) {
        if (used > 0)
            text[used++] = ' ';
        text[used++] = (char)('0' + (node - f->nodes));
    }
    text[used] = '\0';
    return text;
}

static void
append_all(struct fixture *f, struct ouro__list *head, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        ouro__list_append(head, &f->nodes[i]);
}

static void
a_new_list_is_empty(void **state)
{
    struct fixture *f = *state;

    assert_true(ouro__list_is_empty(&f->head));
    assert_string_equal(order(f, &f->head), "");
}

static void
append_keeps_the_order(void **state)
{
    struct fixture *f = *state;

    append_all(f, &f->head, 0, 3);

    assert_string_equal(order(f, &f->head), "0 1 2");
}

static void
prepend_goes_before_the_first(void **state)
{
    struct fixture *f = *state;

    append_all(f, &f->head, 0, 2);
    ouro__list_prepend(&f->head, &f->nodes[2]);

    assert_string_equal(order(f, &f->head), "2 0 1");
}

static void
a_removed_node_is_in_no_list(void **state)
{
    struct fixture *f = *state;

    append_all(f, &f->head, 0, 3);
    assert_true(ouro__list_is_linked(&f->nodes[1]));
    ouro__list_remove(&f->nodes[1]);

    assert_false(ouro__list_is_linked(&f->nodes[1]));
    assert_string_equal(order(f, &f->head), "0 2");
}

static void
removing_the_last_node_leaves_an_empty_list(void **state)
{
    struct fixture *f = *state;

    append_all(f, &f->head, 0, 1);
    ouro__list_remove(&f->nodes[0]);

    assert_true(ouro__list_is_empty(&f->head));
}

static void
shift_takes_the_first(void **state)
{
    struct fixture *f = *state;

    append_all(f, &f->head, 0, 2);

    assert_ptr_equal(ouro__list_shift(&f->head), &f->nodes[0]);
    assert_ptr_equal(ouro__list_shift(&f->head), &f->nodes[1]);
}

static void
shift_of_an_empty_list_is_null(void **state)
{
    struct fixture *f = *state;

    assert_null(ouro__list_shift(&f->head));
    assert_true(ouro__list_is_empty(&f->head));
}

static void
splice_moves_all_behind_what_is_there(void **state)
{
    struct fixture *f = *state;

    append_all(f, &f->head, 0, 2);
    append_all(f, &f->other, 2, 4);
    ouro__list_splice(&f->head, &f->other);

    assert_string_equal(order(f, &f->head), "0 1 2 3");
    assert_true(ouro__list_is_empty(&f->other));
}

static void
splice_of_an_empty_list_changes_nothing(void **state)
{
    struct fixture *f = *state;

    append_all(f, &f->head, 0, 2);
    ouro__list_splice(&f->head, &f->other);
    ouro__list_splice(&f->other, &f->head);

    assert_string_equal(order(f, &f->other), "0 1");
    assert_true(ouro__list_is_empty(&f->head));
}

static int
setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){0};
    ouro__list_init(&f.head);
    ouro__list_init(&f.other);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_list_is_empty),
        TEST(append_keeps_the_order),
        TEST(prepend_goes_before_the_first),
        TEST(a_removed_node_is_in_no_list),
        TEST(removing_the_last_node_leaves_an_empty_list),
        TEST(shift_takes_the_first),
        TEST(shift_of_an_empty_list_is_null),
        TEST(splice_moves_all_behind_what_is_there),
        TEST(splice_of_an_empty_list_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
