/*
 * Notes and fields of a visit lie in a bundle (bundle.h), and nobody can tell: a phone that reads in pages of any size, and
 * stops in the middle of one while rows change, move team or grow too many, ends with what a fresh phone reads at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/logic/bundle.h"
#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name
#define ROWS_MAX 1024

struct phone_row {
    uint8_t key[STORE_VIEW_KEY_MAX];
    size_t key_size;
    struct hash row;
};

struct phone {
    const char *officer;
    struct fleet *fleet;
    struct feed_cursor cursor;
    struct phone_row rows[ROWS_MAX];
    size_t count;
    size_t page_rows;
    size_t given[256]; /* by first letter, live, since it was last set to zero */
};

static uint64_t random_state;

static unsigned below(unsigned limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(random_state >> 33) % limit;
}

static size_t find(const struct phone *phone, struct span key)
{
    size_t i = 0;

    while (i < phone->count && !span_equal(span_of(phone->rows[i].key, phone->rows[i].key_size), key))
        i++;
    return i;
}

static enum status take(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct phone *phone = context;
    size_t at = find(phone, row->key);

    assert_true(row->place.size <= STORE_VIEW_KEY_MAX);
    phone->page_rows++;
    phone->cursor.pos = effective_pos;
    phone->cursor.key_size = row->place.size;
    memcpy(phone->cursor.key, row->place.data, row->place.size);
    if (row->gone) {
        if (at < phone->count)
            phone->rows[at] = phone->rows[--phone->count];
        return STATUS_OK;
    }
    phone->given[row->key.data[0]]++;
    assert_true(at < ROWS_MAX);
    phone->count += at == phone->count;
    phone->rows[at].key_size = row->key.size;
    memcpy(phone->rows[at].key, row->key.data, row->key.size);
    assert_int_equal(sha256_bytes(phone->fleet->sha, row->row, &phone->rows[at].row), STATUS_OK);
    return STATUS_OK;
}

/* One page; true: there may be more. */
static bool read_page(struct phone *phone, size_t max)
{
    struct scope_member members[STORE_SCOPES_MAX];
    struct feed_cursor after = phone->cursor;
    struct store *store = phone->fleet->store;
    size_t count;

    phone->page_rows = 0;
    assert_int_equal(store->ops->scopes_of_device(store, &fleet_device(phone->fleet, phone->officer)->device, members,
                                                  STORE_SCOPES_MAX, &count),
                     STATUS_OK);
    assert_int_equal(store->ops->feed_page(store, members, count, &after, max, take, phone), STATUS_OK);
    return phone->page_rows == max;
}

static void catch_up(struct phone *phone)
{
    while (read_page(phone, 1 + below(7))) {
    }
    phone->cursor = (struct feed_cursor){.pos = batch_head(phone->fleet->batch)->pos};
}

static void expect_as_fresh(struct phone *phone)
{
    struct phone *fresh = calloc(1, sizeof(*fresh));

    assert_non_null(fresh);
    fresh->officer = phone->officer;
    fresh->fleet = phone->fleet;
    (void)read_page(fresh, SIZE_MAX >> 2);
    assert_int_equal(phone->count, fresh->count);
    for (size_t i = 0; i < fresh->count; i++) {
        size_t at = find(phone, span_of(fresh->rows[i].key, fresh->rows[i].key_size));

        assert_true(at < phone->count);
        assert_memory_equal(phone->rows[at].row.bytes, fresh->rows[i].row.bytes, HASH_SIZE);
    }
    free(fresh);
}

static struct hash add_note(struct fleet_device *device, int64_t at_us, const struct hash *subject, size_t length)
{
    Doublecrew__V1__Note note = DOUBLECREW__V1__NOTE__INIT;
    char words[3001];

    memset(words, 'a', length);
    words[length] = '\0';
    note.subject = (ProtobufCBinaryData){HASH_SIZE, (uint8_t *)(uintptr_t)subject->bytes};
    note.text = words;
    return fleet_add(device, at_us, KIND(NOTE), &note.base);
}

static void add_edit(struct fleet_device *device, int64_t at_us, const struct hash *subject, unsigned name,
                     unsigned value)
{
    Doublecrew__V1__Edit edit = DOUBLECREW__V1__EDIT__INIT;
    Doublecrew__V1__FieldEdit field = DOUBLECREW__V1__FIELD_EDIT__INIT, *fields[] = {&field};
    char name_text[16], value_text[16];

    (void)snprintf(name_text, sizeof(name_text), "field %u", name);
    (void)snprintf(value_text, sizeof(value_text), "value %u", value);
    edit.subject = (ProtobufCBinaryData){HASH_SIZE, (uint8_t *)(uintptr_t)subject->bytes};
    field.field = name_text;
    field.change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT;
    field.text = value_text;
    edit.fields = fields;
    edit.n_fields = 1;
    (void)fleet_add(device, at_us, KIND(EDIT), &edit.base);
}

static struct fleet *two_teams(void)
{
    struct fleet *fleet = fleet_typical();

    fleet_team(fleet, FLEET_T0 + FLEET_HOUR, "south");
    fleet_officer(fleet, FLEET_T0 + FLEET_HOUR, "sam", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "south");
    (void)fleet_enrol(fleet, FLEET_T0 + FLEET_HOUR, "sam");
    fleet_settle(fleet, FLEET_T0 + FLEET_HOUR);
    return fleet;
}

static size_t bundled(struct fleet *fleet, const struct hash *presence)
{
    struct bundle_row row;
    struct bundle bundle;
    struct bundle_count count;

    if (fleet->store->ops->bundle_get(fleet->store, presence, &row) != STATUS_OK)
        return 0;
    assert_int_equal(bundle_open(row.body, &bundle), STATUS_OK);
    assert_int_equal(bundle_count(&bundle, 0, &count), STATUS_OK);
    return count.items;
}

static void a_visits_texts__one_row_of_the_store(void **state)
{
    struct fleet *fleet = two_teams();
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash presence = fleet_check_in(ann, MORNING, "xen", "");
    struct phone *bob = calloc(1, sizeof(*bob));

    (void)state;
    assert_non_null(bob);
    *bob = (struct phone){.officer = "bob", .fleet = fleet};
    for (unsigned i = 0; i < 12; i++)
        add_edit(ann, MORNING + i, &presence, i, 0);
    (void)add_note(ann, MORNING + FLEET_MINUTE, &presence, 40);
    (void)fleet_check_out(ann, MORNING + FLEET_HOUR, &presence);
    assert_int_equal(fleet_sync(ann, MORNING + FLEET_HOUR).held_count, 0);
    assert_int_equal(bundled(fleet, &presence), 13);
    catch_up(bob);
    assert_int_equal(bob->given['e'], 12);
    assert_int_equal(bob->given['n'], 1);
    memset(bob->given, 0, sizeof(bob->given));
    add_edit(ann, MORNING + FLEET_HOUR, &presence, 3, 1);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    catch_up(bob);
    assert_int_equal(bob->given['e'], 1); /* what didn't change doesn't come again */
    assert_int_equal(bob->given['n'], 0);
    assert_int_equal(bundled(fleet, &presence), 13);
    expect_as_fresh(bob);
    fleet_expect_rebuild(fleet);
    free(bob);
    fleet_free(fleet);
}

static void too_many_or_too_long__the_rest_stand_alone(void **state)
{
    struct fleet *fleet = two_teams();
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash presence = fleet_check_in(ann, MORNING, "xen", ""), beyond, note, others;
    struct phone *bob = calloc(1, sizeof(*bob));
    Doublecrew__V1__Row *row;

    (void)state;
    assert_non_null(bob);
    *bob = (struct phone){.officer = "bob", .fleet = fleet};
    note = add_note(ann, MORNING, &presence, 3000);
    for (unsigned i = 0; i < BUNDLE_ITEMS_MAX; i++)
        (void)add_note(ann, MORNING + i, &presence, i + 1);
    beyond = add_note(ann, MORNING + FLEET_MINUTE, &presence, 5);
    assert_int_equal(fleet_sync(ann, MORNING + FLEET_HOUR).held_count, 0);
    assert_int_equal(bundled(fleet, &presence), BUNDLE_ITEMS_MAX);
    row = fleet_view_about(fleet, span_of(presence.bytes, HASH_SIZE), 'n', beyond.bytes, HASH_SIZE);
    assert_int_equal(strlen(row->note->text), 5);
    doublecrew__v1__row__free_unpacked(row, NULL);
    row = fleet_view(fleet, 'n', note.bytes, HASH_SIZE);
    assert_int_equal(strlen(row->note->text), 3000);
    doublecrew__v1__row__free_unpacked(row, NULL);
    catch_up(bob);
    assert_int_equal(bob->given['n'], BUNDLE_ITEMS_MAX + 2);
    others = fleet_check_in(ann, MORNING + 2 * FLEET_HOUR, "xen", "");
    (void)add_note(ann, MORNING + 2 * FLEET_HOUR, &others, 8);
    fleet_sync(ann, MORNING + 2 * FLEET_HOUR);
    assert_int_equal(bundled(fleet, &others), 1); /* another visit's bundle */
    catch_up(bob);
    expect_as_fresh(bob);
    fleet_expect_digests(fleet);
    fleet_expect_rebuild(fleet);
    free(bob);
    fleet_free(fleet);
}

static void offender_transferred__each_row_goes_and_comes(void **state)
{
    struct fleet *fleet = two_teams();
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash presence = fleet_check_in(ann, MORNING, "xen", "");
    struct phone *bob = calloc(1, sizeof(*bob)), *sam = calloc(1, sizeof(*sam));
    size_t held;

    (void)state;
    assert_non_null(bob);
    assert_non_null(sam);
    *bob = (struct phone){.officer = "bob", .fleet = fleet};
    *sam = (struct phone){.officer = "sam", .fleet = fleet};
    for (unsigned i = 0; i < 6; i++)
        add_edit(ann, MORNING + i, &presence, i, 0);
    (void)add_note(ann, MORNING, &presence, 10);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    (void)read_page(bob, 5);
    catch_up(sam);
    assert_int_equal(sam->given['e'] + sam->given['n'], 0);
    held = bob->count;
    fleet_offender(fleet, MORNING + FLEET_HOUR, "xen", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM, "south");
    fleet_settle(fleet, MORNING + FLEET_HOUR);
    assert_int_equal(bundled(fleet, &presence), 0);
    catch_up(bob);
    catch_up(sam);
    assert_int_equal(sam->given['e'], 6);
    assert_int_equal(sam->given['n'], 1);
    for (size_t i = 0; i < bob->count; i++)
        assert_true(bob->rows[i].key[0] != 'e' && bob->rows[i].key[0] != 'n');
    assert_true(held > 0);
    expect_as_fresh(bob);
    expect_as_fresh(sam);
    fleet_expect_digests(fleet);
    fleet_expect_rebuild(fleet);
    free(bob);
    free(sam);
    fleet_free(fleet);
}

/* A change at the visits: who writes, what, and now and then whose team it is. */
static void change_something(struct fleet *fleet, int64_t at_us, const struct hash *presences, size_t count)
{
    struct fleet_device *author = fleet_device(fleet, below(2) == 0 ? "ann" : "bob");
    const struct hash *presence = &presences[below((unsigned)count)];
    unsigned what = below(10);

    if (what == 0) {
        fleet_offender(fleet, at_us, "xen", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM,
                       below(2) == 0 ? "south" : "north");
        fleet_settle(fleet, at_us);
        return;
    }
    for (unsigned i = 0; i <= below(8); i++) {
        if (what < 3)
            (void)add_note(author, at_us + i, presence, 1 + below(what == 1 ? 60 : 2500));
        else
            add_edit(author, at_us + i, presence, below(9), below(1000));
    }
    fleet_sync(author, at_us + FLEET_MINUTE);
}

static void any_pages_and_changes__as_read_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct fleet *fleet = two_teams();
        struct phone *phones = calloc(3, sizeof(*phones));
        const char *const officers[] = {"bob", "sue", "sam"};
        struct hash presences[3];

        random_state = seed;
        assert_non_null(phones);
        for (size_t i = 0; i < 3; i++) {
            phones[i] = (struct phone){.officer = officers[i], .fleet = fleet};
            presences[i] = fleet_check_in(fleet_device(fleet, "ann"), MORNING + (int64_t)i * FLEET_MINUTE, "xen", "");
        }
        fleet_sync(fleet_device(fleet, "ann"), MORNING + 5 * FLEET_MINUTE);
        for (int64_t step = 0; step < 25; step++) {
            change_something(fleet, MORNING + (step + 1) * 10 * FLEET_MINUTE, presences, 3);
            for (size_t i = 0; i < 3; i++) {
                if (below(3) == 0)
                    catch_up(&phones[i]);
                else if (below(2) == 0)
                    (void)read_page(&phones[i], 1 + below(9)); /* and the line breaks */
            }
        }
        for (size_t i = 0; i < 3; i++) {
            catch_up(&phones[i]);
            expect_as_fresh(&phones[i]);
        }
        fleet_expect_digests(fleet);
        fleet_expect_rebuild(fleet);
        free(phones);
        fleet_free(fleet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_visits_texts__one_row_of_the_store),
        cmocka_unit_test(too_many_or_too_long__the_rest_stand_alone),
        cmocka_unit_test(offender_transferred__each_row_goes_and_comes),
        cmocka_unit_test(any_pages_and_changes__as_read_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
