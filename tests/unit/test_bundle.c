/* The body of a bundle: putting rows, finding them, and bytes that are no bundle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "server/logic/bundle.h"

static struct bundle_item item_of(const char *key, const char *row, uint64_t pos, uint16_t ordinal)
{
    return (struct bundle_item){
        .pos = pos, .ordinal = ordinal, .key = span_of(key, strlen(key)), .row = span_of(row, strlen(row))};
}

/* Puts into the body at hand. */
static void put(struct bundle *bundle, uint8_t *bytes, const struct bundle_item *item)
{
    uint8_t made[1024];
    size_t size;

    assert_true(bundle_size_with(bundle, item) <= sizeof(made));
    assert_int_equal(bundle_put_item(bundle, item, made, &size), STATUS_OK);
    assert_true(size <= bundle_size_with(bundle, item));
    memcpy(bytes, made, size);
    assert_int_equal(bundle_open(span_of(bytes, size), bundle), STATUS_OK);
}

static void row_put_again__in_its_place_or_at_the_end(void **state)
{
    struct bundle bundle = {.scopes = {{SCOPE_TEAM, {{7}}}}, .scope_count = 1};
    struct bundle_item first = item_of("e1", "one", 5, 0), second = item_of("e2", "two", 5, 1), found;
    struct bundle_item same_pos = item_of("e1", "uno", 5, 9), later = item_of("e1", "eins", 8, 0);
    struct bundle_count count;
    uint8_t bytes[1024];

    (void)state;
    put(&bundle, bytes, &first);
    put(&bundle, bytes, &second);
    put(&bundle, bytes, &same_pos);
    assert_int_equal(bundle_find(&bundle, first.key, &found), STATUS_OK);
    assert_true(found.ordinal == 0 && found.pos == 5 && span_equal(found.row, same_pos.row));
    put(&bundle, bytes, &later);
    assert_int_equal(bundle_find(&bundle, first.key, &found), STATUS_OK);
    assert_true(found.pos == 8 && span_equal(found.row, later.row));
    assert_int_equal(bundle_count(&bundle, 5, &count), STATUS_OK);
    assert_true(count.items == 2 && count.at_pos == 1 && count.next_ordinal == 2);
    assert_int_equal(bundle_count(&bundle, 8, &count), STATUS_OK);
    assert_true(count.at_pos == 1 && count.next_ordinal == 1);
    assert_int_equal(bundle_find(&bundle, span_of("e3", 2), &found), STATUS_NOT_FOUND);
    assert_true(bundle.scope_count == 1 && bundle.scopes[0].id.bytes[0] == 7 && !bundle.has_alone);
}

/* Rows hold their keys when they are packed; such a key costs nothing more. */
static void key_within_its_row__found_and_not_kept_twice(void **state)
{
    struct bundle within = {.scope_count = 0}, beside = {.scope_count = 0};
    struct bundle_item in_row = item_of("e1", "..e1..", 5, 0), not_in_row = item_of("e1", "..e2..", 5, 0), found;
    uint8_t bytes[1024], others[1024];

    (void)state;
    put(&within, bytes, &in_row);
    put(&beside, others, &not_in_row);
    assert_int_equal(within.items.size + 2, beside.items.size);
    assert_int_equal(bundle_find(&within, in_row.key, &found), STATUS_OK);
    assert_true(span_equal(found.key, in_row.key) && span_equal(found.row, in_row.row));
    assert_int_equal(bundle_find(&beside, in_row.key, &found), STATUS_OK);
    assert_true(span_equal(found.key, in_row.key) && span_equal(found.row, not_in_row.row));
}

/* Cut anywhere, or with any byte changed: a named failure or a bundle, never a read beyond its end (ASan). */
static void damaged__store_or_a_bundle(void **state)
{
    struct bundle bundle = {.scopes = {{SCOPE_TEAM, {{7}}}}, .scope_count = 1};
    struct bundle_item items[] = {item_of("e1", "one", 5, 0), item_of("n2", "", 6, 0), item_of("e3", "ae3b", 7, 0)},
                       found;
    uint8_t bytes[1024], damaged[1024];
    struct bundle opened;
    size_t size;
    size_t refused = 0;

    (void)state;
    put(&bundle, bytes, &items[0]);
    put(&bundle, bytes, &items[1]);
    put(&bundle, bytes, &items[2]);
    size = (size_t)(bundle.items.data - bytes) + bundle.items.size;
    for (size_t cut = 0; cut < size; cut++) {
        enum status status = bundle_open(span_of(bytes, cut), &opened);

        if (status == STATUS_OK)
            status = bundle_find(&opened, span_of("zz", 2), &found);
        assert_true(status == STATUS_STORE || status == STATUS_NOT_FOUND);
        refused += status == STATUS_STORE;
    }
    assert_true(refused >= size - 5); /* a cut between two rows leaves a bundle */
    for (size_t at = 0; at < size; at++) {
        memcpy(damaged, bytes, size);
        damaged[at] ^= 0xff;
        if (bundle_open(span_of(damaged, size), &opened) == STATUS_OK)
            (void)!bundle_find(&opened, span_of("zz", 2), &found);
    }
}

static void keys_and_places__there_and_back(void **state)
{
    struct hash presence = {{1, 2, 3}}, back;
    uint8_t key[BUNDLE_KEY_SIZE], place[BUNDLE_PLACE_SIZE], greater[BUNDLE_KEY_SIZE];
    struct span group_key;
    uint16_t ordinal;
    uint64_t pos;

    (void)state;
    bundle_key(&presence, 0x1234, key);
    bundle_key(&presence, 0x10000, greater);
    assert_true(memcmp(key, greater, sizeof(key)) < 0); /* in order of pos */
    assert_true(bundle_key_open(span_of(key, sizeof(key)), &back, &pos));
    assert_true(hash_equal(&back, &presence) && pos == 0x1234);
    bundle_place(span_of(key, sizeof(key)), 300, place);
    assert_true(bundle_place_open(span_of(place, sizeof(place)), &group_key, &ordinal));
    assert_true(span_equal(group_key, span_of(key, sizeof(key))) && ordinal == 300);
    assert_false(bundle_place_open(span_of(key, sizeof(key)), &group_key, &ordinal));
    place[0] = 'e';
    assert_false(bundle_place_open(span_of(place, sizeof(place)), &group_key, &ordinal));
    assert_false(bundle_key_open(span_of(place, BUNDLE_KEY_SIZE), &back, &pos));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_put_again__in_its_place_or_at_the_end),
        cmocka_unit_test(key_within_its_row__found_and_not_kept_twice),
        cmocka_unit_test(damaged__store_or_a_bundle),
        cmocka_unit_test(keys_and_places__there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
