#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/merge.h"
#include "tests/lib/core_fixture.h"

#define EDITS_MAX 200

/* Edits of one field. Edit i may replace earlier ones and one that nobody has. */
struct history {
    struct merge_edit edits[EDITS_MAX];
    struct hash ids[EDITS_MAX];
    struct hash replaces[EDITS_MAX][8];
    size_t count;
};

/* Not in the order of time: ids are hashes. */
static struct hash id_of(size_t number)
{
    struct hash id = {{0}};
    uint64_t state = number * 2654435761u + 17;

    for (size_t i = 0; i < HASH_SIZE; i += 8)
        put_u64(id.bytes + i, fixture_random(&state));
    return id;
}

static void add_edit(struct history *history, int64_t lower_us)
{
    size_t i = history->count++;

    history->ids[i] = id_of(i);
    history->edits[i].id = history->ids[i];
    history->edits[i].lower_us = lower_us;
    history->edits[i].replaces = history->replaces[i];
    history->edits[i].replaces_count = 0;
}

static void add_replaced(struct history *history, size_t edit, const struct hash *id)
{
    struct merge_edit *at = &history->edits[edit];

    assert_true(at->replaces_count < 8);
    history->replaces[edit][at->replaces_count++] = *id;
}

/* The oracle: M1 read aloud. An edit is a head when no edit names it; the greatest (lower bound, hash) comes first. */
static size_t heads_by_definition(const struct merge_edit *edits, size_t count, struct hash *ret_heads)
{
    bool taken[EDITS_MAX] = {false};
    size_t heads = 0;

    for (;;) {
        size_t best = count;

        for (size_t i = 0; i < count; i++) {
            bool replaced = false;

            for (size_t j = 0; j < count; j++) {
                for (size_t k = 0; k < edits[j].replaces_count; k++)
                    replaced |= hash_equal(&edits[j].replaces[k], &edits[i].id);
            }
            if (replaced || taken[i])
                continue;
            if (best == count || edits[i].lower_us > edits[best].lower_us ||
                (edits[i].lower_us == edits[best].lower_us && hash_compare(&edits[i].id, &edits[best].id) > 0))
                best = i;
        }
        if (best == count)
            return heads;
        taken[best] = true;
        ret_heads[heads++] = edits[best].id;
    }
}

static void expect_heads(const struct merge_edit *edits, size_t count, const struct hash *expected,
                         size_t expected_count)
{
    size_t heads[EDITS_MAX];
    size_t head_count = 999;

    assert_int_equal(merge_heads(edits, count, heads, &head_count), STATUS_OK);
    assert_int_equal(head_count, expected_count);
    for (size_t i = 0; i < head_count; i++)
        assert_memory_equal(edits[heads[i]].id.bytes, expected[i].bytes, HASH_SIZE);
}

/* Heap's algorithm over anything of a size; visit sees each permutation once. */
struct permuted {
    void *elements;
    size_t size;
    size_t count;
    void (*visit)(const void *elements, size_t count, const void *context);
    const void *context;
};

static void swap(const struct permuted *p, size_t a, size_t b)
{
    unsigned char *left = (unsigned char *)p->elements + a * p->size;
    unsigned char *right = (unsigned char *)p->elements + b * p->size;

    for (size_t i = 0; i < p->size; i++) {
        unsigned char byte = left[i];

        left[i] = right[i];
        right[i] = byte;
    }
}

static size_t permute(const struct permuted *p, size_t among)
{
    size_t visited = 0;

    if (among <= 1) {
        p->visit(p->elements, p->count, p->context);
        return 1;
    }
    for (size_t i = 0; i < among; i++) {
        visited += permute(p, among - 1);
        swap(p, among % 2 == 0 ? i : 0, among - 1);
    }
    return visited;
}

struct expected {
    struct hash ids[EDITS_MAX];
    struct span values[EDITS_MAX];
    size_t count;
};

static void visit_heads(const void *elements, size_t count, const void *context)
{
    const struct expected *expected = context;

    expect_heads(elements, count, expected->ids, expected->count);
}

static size_t expect_same_for_all_permutations(struct history *history)
{
    struct expected expected;
    struct permuted p = {history->edits, sizeof(history->edits[0]), history->count, visit_heads, &expected};

    expected.count = heads_by_definition(history->edits, history->count, expected.ids);
    return permute(&p, history->count);
}

/* Every way in which up to 5 edits can replace each other, in every order: 2^(n(n-1)/2) histories, n! orders. */
static void heads__every_history_of_5_edits_in_every_order(void **state)
{
    static const size_t factorial[6] = {1, 1, 2, 6, 24, 120};

    (void)state;
    for (size_t count = 1; count <= 5; count++) {
        size_t pairs = count * (count - 1) / 2;

        for (size_t bits = 0; bits < (size_t)1 << pairs; bits++) {
            struct history history = {.count = 0};
            size_t pair = 0;

            for (size_t i = 0; i < count; i++) {
                add_edit(&history, (int64_t)(i * 7 % 3)); /* ties among the lower bounds, too */
                for (size_t j = 0; j < i; j++, pair++) {
                    if ((bits >> pair & 1) != 0)
                        add_replaced(&history, i, &history.ids[j]);
                }
            }
            assert_int_equal(expect_same_for_all_permutations(&history), factorial[count]);
        }
    }
}

static void random_history(struct history *history, size_t count, uint64_t *seed)
{
    memset(history, 0, sizeof(*history));
    for (size_t i = 0; i < count; i++) {
        add_edit(history, (int64_t)fixture_below(seed, 5) - 2);
        for (size_t n = fixture_below(seed, 4); n > 0 && i > 0; n--)
            add_replaced(history, i, &history->ids[fixture_below(seed, i)]);
        if (fixture_below(seed, 5) == 0) {
            struct hash unknown = id_of(10000 + i);

            add_replaced(history, i, &unknown);
        }
    }
}

static void heads__seeded_histories_of_6_and_7_edits_in_every_order(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (int i = 0; i < 40; i++) {
        struct history history;

        random_history(&history, i % 2 == 0 ? 6 : 7, &seed);
        assert_int_equal(expect_same_for_all_permutations(&history), i % 2 == 0 ? 720 : 5040);
    }
}

static void heads__seeded_larger_histories_shuffled(void **state)
{
    uint64_t seed = 200;

    (void)state;
    for (int i = 0; i < 60; i++) {
        struct history history;
        struct permuted p;
        struct hash expected[EDITS_MAX];
        size_t expected_count;

        random_history(&history, 8 + fixture_below(&seed, EDITS_MAX - 8), &seed);
        p = (struct permuted){history.edits, sizeof(history.edits[0]), history.count, NULL, NULL};
        expected_count = heads_by_definition(history.edits, history.count, expected);
        assert_true(expected_count > 0);
        for (int round = 0; round < 4; round++) {
            expect_heads(history.edits, history.count, expected, expected_count);
            for (size_t at = history.count - 1; at > 0; at--)
                swap(&p, at, fixture_below(&seed, at + 1));
        }
    }
}

static void heads__a_conflict_stays_until_an_edit_names_all_heads(void **state)
{
    struct history history = {.count = 0};
    struct hash expected[2];

    (void)state;
    add_edit(&history, 100);
    add_edit(&history, 200);
    add_edit(&history, 150); /* both replace the first: two phones, offline */
    add_replaced(&history, 1, &history.ids[0]);
    add_replaced(&history, 2, &history.ids[0]);
    expected[0] = history.ids[1];
    expected[1] = history.ids[2];
    expect_heads(history.edits, 3, expected, 2);
    add_edit(&history, 50); /* an earlier clock decides nothing */
    add_replaced(&history, 3, &history.ids[1]);
    expected[0] = history.ids[2];
    expected[1] = history.ids[3];
    expect_heads(history.edits, 4, expected, 2);
    add_replaced(&history, 3, &history.ids[2]);
    expected[0] = history.ids[3];
    expect_heads(history.edits, 4, expected, 1);
}

static void heads__an_edit_may_come_before_what_it_replaces(void **state)
{
    struct history history = {.count = 0};
    struct hash missing = id_of(1);

    (void)state;
    add_edit(&history, 5);
    add_replaced(&history, 0, &missing);
    expect_heads(history.edits, 1, &history.ids[0], 1);
    add_edit(&history, 900); /* the missing one arrives, with a greater time */
    expect_heads(history.edits, 2, &history.ids[0], 1);
}

static void heads__equal_ids_count_once_and_nothing_replaces_itself(void **state)
{
    struct history history = {.count = 0};

    (void)state;
    expect_heads(history.edits, 0, NULL, 0);
    add_edit(&history, 5);
    add_replaced(&history, 0, &history.ids[0]);
    add_edit(&history, 5);
    history.edits[1].id = history.ids[0];
    add_edit(&history, 5);
    history.edits[2].id = history.ids[0];
    expect_heads(history.edits, 3, &history.ids[0], 1);
    add_edit(&history, 1);
    add_replaced(&history, 3, &history.ids[0]);
    expect_heads(history.edits, 4, &history.ids[3], 1);
}

/* Changes of one set. */
struct set_history {
    struct merge_set_change changes[EDITS_MAX];
    struct hash seen[EDITS_MAX][8];
    size_t count;
};

static const char *const values[4] = {"a", "ab", "b", ""};

static void random_set(struct set_history *set, size_t count, uint64_t *seed)
{
    memset(set, 0, sizeof(*set));
    set->count = count;
    for (size_t i = 0; i < count; i++) {
        struct merge_set_change *change = &set->changes[i];
        const char *value = values[fixture_below(seed, 4)];

        change->id = id_of(i - (i > 0 && fixture_below(seed, 6) == 0)); /* sometimes two changes in one edit */
        change->value = span_of(value, strlen(value));
        change->add = fixture_below(seed, 5) < 3;
        change->seen = set->seen[i];
        for (size_t n = fixture_below(seed, 5); !change->add && n > 0; n--)
            set->seen[i][change->seen_count++] = id_of(fixture_below(seed, count + 2));
    }
}

static bool removed(const struct merge_set_change *changes, size_t count, const struct merge_set_change *addition)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; !changes[i].add && k < changes[i].seen_count; k++) {
            if (span_equal(changes[i].value, addition->value) && hash_equal(&changes[i].seen[k], &addition->id))
                return true;
        }
    }
    return false;
}

/* The oracle: for each value, in order, the smallest addition that no removal of that value has seen. */
static void members_by_definition(const struct set_history *set, struct expected *expected)
{
    static const char *const ordered[4] = {"", "a", "ab", "b"};

    expected->count = 0;
    for (size_t v = 0; v < 4; v++) {
        struct span value = span_of(ordered[v], strlen(ordered[v]));
        const struct merge_set_change *smallest = NULL;

        for (size_t i = 0; i < set->count; i++) {
            const struct merge_set_change *change = &set->changes[i];

            if (change->add && span_equal(change->value, value) && !removed(set->changes, set->count, change) &&
                (smallest == NULL || hash_compare(&change->id, &smallest->id) < 0))
                smallest = change;
        }
        if (smallest == NULL)
            continue;
        expected->ids[expected->count] = smallest->id;
        expected->values[expected->count++] = value;
    }
}

static void visit_members(const void *elements, size_t count, const void *context)
{
    const struct merge_set_change *changes = elements;
    const struct expected *expected = context;
    size_t members[EDITS_MAX];
    size_t member_count = 999;

    assert_int_equal(merge_set_members(changes, count, members, &member_count), STATUS_OK);
    assert_int_equal(member_count, expected->count);
    for (size_t i = 0; i < member_count; i++) {
        assert_true(changes[members[i]].add);
        assert_true(span_equal(changes[members[i]].value, expected->values[i]));
        assert_memory_equal(changes[members[i]].id.bytes, expected->ids[i].bytes, HASH_SIZE);
    }
}

static void members__seeded_sets_of_up_to_7_changes_in_every_order(void **state)
{
    uint64_t seed = 77;

    (void)state;
    for (int i = 0; i < 400; i++) {
        size_t count = i < 370 ? (size_t)i % 5 + 1 : 6 + (size_t)i % 2;
        struct set_history set;
        struct expected expected;
        struct permuted p = {set.changes, sizeof(set.changes[0]), count, visit_members, &expected};

        random_set(&set, count, &seed);
        members_by_definition(&set, &expected);
        (void)permute(&p, count);
    }
}

static void members__seeded_larger_sets_shuffled(void **state)
{
    uint64_t seed = 78;

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct set_history set;
        struct expected expected;
        struct permuted p = {set.changes, sizeof(set.changes[0]), 0, NULL, NULL};

        random_set(&set, 8 + fixture_below(&seed, EDITS_MAX - 8), &seed);
        members_by_definition(&set, &expected);
        for (int round = 0; round < 4; round++) {
            visit_members(set.changes, set.count, &expected);
            for (size_t at = set.count - 1; at > 0; at--)
                swap(&p, at, fixture_below(&seed, at + 1));
        }
    }
}

/* The case that a last-writer-wins set gets wrong: added again on one phone while removed on the other. */
static void members__an_addition_that_the_removal_has_not_seen_stays(void **state)
{
    struct set_history set = {.count = 3};
    struct expected expected = {.count = 1, .ids = {id_of(1)}, .values = {span_of("a", 1)}};

    (void)state;
    set.changes[0] = (struct merge_set_change){.id = id_of(0), .value = span_of("a", 1), .add = true};
    set.changes[1] = (struct merge_set_change){.id = id_of(1), .value = span_of("a", 1), .add = true};
    set.seen[2][0] = id_of(0);
    set.changes[2] =
        (struct merge_set_change){.id = id_of(2), .value = span_of("a", 1), .seen = set.seen[2], .seen_count = 1};
    visit_members(set.changes, 3, &expected);
    set.seen[2][1] = id_of(1);
    set.changes[2].seen_count = 2;
    expected.count = 0;
    visit_members(set.changes, 3, &expected);
    visit_members(set.changes, 0, &expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads__every_history_of_5_edits_in_every_order),
        cmocka_unit_test(heads__seeded_histories_of_6_and_7_edits_in_every_order),
        cmocka_unit_test(heads__seeded_larger_histories_shuffled),
        cmocka_unit_test(heads__a_conflict_stays_until_an_edit_names_all_heads),
        cmocka_unit_test(heads__an_edit_may_come_before_what_it_replaces),
        cmocka_unit_test(heads__equal_ids_count_once_and_nothing_replaces_itself),
        cmocka_unit_test(members__seeded_sets_of_up_to_7_changes_in_every_order),
        cmocka_unit_test(members__seeded_larger_sets_shuffled),
        cmocka_unit_test(members__an_addition_that_the_removal_has_not_seen_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
