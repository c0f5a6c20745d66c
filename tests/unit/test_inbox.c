/* SPDX-License-Identifier: MIT */
/* What the inbox of a stream promises.  See src/inbox.h. */
#include "ouro_test.h"

#include "inbox.h"

#include <string.h>

enum { MODEL_STEPS = 20000, MODEL_SIZE = 256 * 1024 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro__inbox inbox;
    uint64_t random;
    uint64_t added; /* bytes of the pattern, in all */
    uint64_t gone;
};

static int
setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.random = 88172645463325252u};
    assert_ok(ouro_sim_new(&f.sim, NULL));
    ouro__inbox_init(&f.inbox, ouro__pool_of(ouro_sim_loop(f.sim)));
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro__inbox_clear(&f->inbox);
    ouro_sim_free(f->sim);
    return 0;
}

static size_t
blocks_in_use(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(ouro_sim_loop(f->sim), &stats);
    return stats.buffers;
}

static uint8_t
pattern_at(uint64_t offset)
{
    return (uint8_t)(offset * 7 + offset / 251);
}

/* Add `size` more bytes of the pattern. */
static void
add(struct fixture *f, size_t size)
{
    static uint8_t bytes[MODEL_SIZE];

    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern_at(f->added + i);
    assert_ok(ouro__inbox_append(&f->inbox, ouro_slice_of(bytes, size)));
    f->added += size;
}

/* Whether `bytes` are those of the pattern at `offset`. */
static bool
is_pattern(struct ouro_slice bytes, uint64_t offset)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] != pattern_at(offset + i))
            return false;
    }
    return true;
}

static void
append(struct fixture *f, const char *text)
{
    assert_ok(ouro__inbox_append(&f->inbox, ouro_slice_of(text, strlen(text))));
}

/* Memory. */

static void
an_empty_inbox_holds_nothing(void **state)
{
    struct fixture *f = *state;
    uint8_t byte;

    assert_int_equal(ouro__inbox_first(&f->inbox).size, 0);
    assert_int_equal(ouro__inbox_read(&f->inbox, &byte, 1), 0);
    ouro__inbox_settle(&f->inbox);

    assert_int_equal(blocks_in_use(f), 0);
}

static void
small_parts_stand_in_one_block(void **state)
{
    struct fixture *f = *state;

    append(f, "one");
    append(f, "two");

    struct ouro_slice bytes = ouro__inbox_first(&f->inbox);
    assert_int_equal(bytes.size, 6);
    assert_memory_equal(bytes.data, "onetwo", 6);
    assert_int_equal(blocks_in_use(f), 1);
}

static void
a_large_part_stands_in_one_piece(void **state)
{
    struct fixture *f = *state;

    add(f, 65536);

    assert_int_equal(ouro__inbox_first(&f->inbox).size, 65536);
    assert_int_equal(blocks_in_use(f), 1);
}

static void
its_block_goes_when_all_is_consumed(void **state)
{
    struct fixture *f = *state;

    append(f, "bytes");
    ouro__inbox_peek(&f->inbox);
    ouro__inbox_consume(&f->inbox, 4);
    assert_int_equal(blocks_in_use(f), 1);
    ouro__inbox_consume(&f->inbox, 1);

    assert_int_equal(blocks_in_use(f), 0);
}

static void
what_was_taken_stays_until_it_is_settled(void **state)
{
    struct fixture *f = *state;

    append(f, "bytes");
    struct ouro_slice bytes = ouro__inbox_take(&f->inbox, 5);

    assert_int_equal(f->inbox.size, 0);
    assert_int_equal(blocks_in_use(f), 1);
    assert_memory_equal(bytes.data, "bytes", 5);
    ouro__inbox_settle(&f->inbox);
    assert_int_equal(blocks_in_use(f), 0);
}

/* O12 */
static void
a_slice_does_not_move_whatever_comes(void **state)
{
    struct fixture *f = *state;

    add(f, 10);
    struct ouro_slice taken = ouro__inbox_take(&f->inbox, 5);
    for (size_t size = 1; size < 65536; size *= 3)
        add(f, size);

    assert_true(is_pattern(taken, 0));
    ouro__inbox_settle(&f->inbox);
    assert_int_equal(f->inbox.size, f->added - 5);
}

static void
a_peeked_slice_does_not_move_either(void **state)
{
    struct fixture *f = *state;

    add(f, 16000);
    struct ouro_slice peeked = ouro__inbox_peek(&f->inbox);
    add(f, 16000);
    assert_true(is_pattern(peeked, 0));
    ouro__inbox_consume(&f->inbox, peeked.size);

    ouro__inbox_settle(&f->inbox);
    assert_true(is_pattern(ouro__inbox_first(&f->inbox), peeked.size));
}

static void
without_memory_what_is_there_stays(void **state)
{
    struct fixture *f = *state;

    add(f, 5);
    fail_allocation(1);
    assert_err(ouro__inbox_append(&f->inbox,
                                  ouro_slice_of((uint8_t[40000]){0}, 40000)),
               ENOMEM);
    fail_allocation(0);

    assert_in_range(f->inbox.size, 5, 40000);
    assert_true(
        is_pattern(ouro_slice_of(ouro__inbox_first(&f->inbox).data, 5), 0));
}

/* Gathering. */

static void
gathering_makes_the_first_piece_longer(void **state)
{
    struct fixture *f = *state;
    size_t size = 0;

    add(f, 16000);
    add(f, 40000);
    add(f, 20000);
    while (ouro__inbox_first(&f->inbox).size < f->inbox.size) {
        assert_ok(ouro__inbox_gather(&f->inbox));
        assert_in_range(ouro__inbox_first(&f->inbox).size, size + 1, 76000);
        size = ouro__inbox_first(&f->inbox).size;
    }

    assert_int_equal(size, 76000);
    assert_true(is_pattern(ouro__inbox_first(&f->inbox), 0));
}

static void
a_short_rest_is_moved_within_its_block(void **state)
{
    struct fixture *f = *state;

    add(f, 16000);
    ouro__inbox_peek(&f->inbox);
    ouro__inbox_consume(&f->inbox, 15990);
    add(f, 1000);
    add(f, 1000);
    ouro__inbox_settle(&f->inbox);
    assert_int_equal(blocks_in_use(f), 2);
    assert_ok(ouro__inbox_gather(&f->inbox));

    assert_int_equal(blocks_in_use(f), 1);
    assert_int_equal(ouro__inbox_first(&f->inbox).size, 2010);
    assert_true(is_pattern(ouro__inbox_first(&f->inbox), 15990));
}

static void
gathering_without_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;

    add(f, 16000);
    add(f, 40000);
    struct ouro_slice before = ouro__inbox_first(&f->inbox);
    fail_allocation(1);
    assert_err(ouro__inbox_gather(&f->inbox), ENOMEM);
    fail_allocation(0);

    assert_ptr_equal(ouro__inbox_first(&f->inbox).data, before.data);
    assert_int_equal(f->inbox.size, 56000);
}

/* All of it, by chance, against a count. */

static size_t
random_below(struct fixture *f, size_t bound)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return (size_t)(f->random % bound);
}

static void
read_some(struct fixture *f)
{
    uint8_t bytes[3000];
    size_t size =
        ouro__inbox_read(&f->inbox, bytes, random_below(f, sizeof(bytes)));

    assert_true(is_pattern(ouro_slice_of(bytes, size), f->gone));
    f->gone += size;
}

static void
look_at_some(struct fixture *f)
{
    struct ouro_slice bytes = ouro__inbox_first(&f->inbox);
    bool peeks = random_below(f, 2) == 0;
    size_t size = random_below(f, bytes.size + 1);

    if (peeks)
        bytes = ouro__inbox_peek(&f->inbox);
    else
        bytes = ouro__inbox_take(&f->inbox, size);
    add(f, random_below(f, 5000));
    assert_true(is_pattern(bytes, f->gone));
    if (peeks)
        ouro__inbox_consume(&f->inbox, size);
    f->gone += size;
}

static void
any_order_of_calls_keeps_the_bytes_in_order(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < MODEL_STEPS; i++) {
        size_t what = random_below(f, 8);

        ouro__inbox_settle(&f->inbox);
        if (what < 2)
            add(f, random_below(f, random_below(f, 8) == 0 ? 70000 : 2000));
        else if (what < 4)
            read_some(f);
        else if (what == 4 && f->inbox.size > 0)
            assert_ok(ouro__inbox_gather(&f->inbox));
        else
            look_at_some(f);
        if (f->inbox.size > MODEL_SIZE)
            f->gone += f->inbox.size, ouro__inbox_clear(&f->inbox);
        assert_int_equal(f->inbox.size, f->added - f->gone);
    }
}

/* Separators. */

static struct ouro__match
find(const char *text, size_t from, const char *first, const char *second)
{
    struct ouro_slice separators[] = {
        ouro_slice_of(first, strlen(first)),
        ouro_slice_of(second, second != NULL ? strlen(second) : 0),
    };
    struct ouro__match match = {UNSEEN, UNSEEN};

    ouro__find_separator(ouro_slice_of(text, strlen(text)), from, separators,
                         second != NULL ? 2 : 1, &match);
    return match;
}

#define assert_found(match, at, behind)        \
    do {                                       \
        struct ouro__match found = (match);    \
        assert_int_equal(found.begin, (at));   \
        assert_int_equal(found.end, (behind)); \
    } while (0)

static void
the_first_separator_is_found(void **state)
{
    (void)state;

    assert_found(find("a,b,c", 0, ",", NULL), 1, 2);
    assert_found(find("a,b,c", 2, ",", NULL), 3, 4);
    assert_found(find("a\r\nb\r\n", 0, "\r\n", NULL), 1, 3);
    assert_found(find("abc", 0, ",", NULL), UNSEEN, UNSEEN);
    assert_found(find("abc", 3, "c", NULL), UNSEEN, UNSEEN);
    assert_found(find("", 0, "c", NULL), UNSEEN, UNSEEN);
    assert_found(find("\r", 0, "\r\n", NULL), UNSEEN, UNSEEN);
}

static void
of_several_the_first_to_be_complete_counts(void **state)
{
    (void)state;

    assert_found(find("a;b,c", 0, ",", ";"), 1, 2);
    assert_found(find("xabcd", 0, "abcd", "bc"), 2, 4);
    assert_found(find("xabcd", 0, "bc", "abcd"), 2, 4);
}

static void
where_two_end_together_the_longer_counts(void **state)
{
    (void)state;

    assert_found(find("a\r\n", 0, "\n", "\r\n"), 1, 3);
    assert_found(find("a\r\n", 0, "\r\n", "\n"), 1, 3);
}

static void
a_separator_may_hold_a_zero(void **state)
{
    struct ouro_slice separator = OURO_BYTES("\0b");
    struct ouro__match match;

    (void)state;
    assert_true(
        ouro__find_separator(OURO_BYTES("a\0\0b"), 0, &separator, 1, &match));
    assert_int_equal(match.begin, 2);
}

static void
several_are_found_far_behind_the_first_window(void **state)
{
    char text[5001];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[5000] = '\0';
    for (size_t at = 0; at < 4990; at += 37) {
        memcpy(text + at, "end", 3);
        assert_found(find(text, 0, "end", "no such"), at, at + 3);
        memcpy(text + at, "xxx", 3);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_inbox_holds_nothing),
        TEST(small_parts_stand_in_one_block),
        TEST(a_large_part_stands_in_one_piece),
        TEST(its_block_goes_when_all_is_consumed),
        TEST(what_was_taken_stays_until_it_is_settled),
        TEST(a_slice_does_not_move_whatever_comes),
        TEST(a_peeked_slice_does_not_move_either),
        TEST(without_memory_what_is_there_stays),
        TEST(gathering_makes_the_first_piece_longer),
        TEST(a_short_rest_is_moved_within_its_block),
        TEST(gathering_without_memory_changes_nothing),
        TEST(any_order_of_calls_keeps_the_bytes_in_order),
        cmocka_unit_test(the_first_separator_is_found),
        cmocka_unit_test(of_several_the_first_to_be_complete_counts),
        cmocka_unit_test(where_two_end_together_the_longer_counts),
        cmocka_unit_test(a_separator_may_hold_a_zero),
        cmocka_unit_test(several_are_found_far_behind_the_first_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
