/* Who sees which row: scopes of devices and rows, and what happens when people and offenders change teams (P1, P4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name

static int setup(void **state)
{
    struct fleet *fleet = fleet_typical();

    fleet_team(fleet, FLEET_T0 + FLEET_HOUR, "south");
    fleet_officer(fleet, FLEET_T0 + FLEET_HOUR, "sam", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "south");
    (void)fleet_enrol(fleet, FLEET_T0 + FLEET_HOUR, "sam");
    fleet_settle(fleet, FLEET_T0 + FLEET_HOUR);
    *state = fleet;
    return 0;
}

static int teardown(void **state)
{
    fleet_expect_rebuild(*state);
    fleet_free(*state);
    return 0;
}

/* What a device sees: keys of its feed after a pos, as first letters; tombstones in capitals. */
struct seen {
    char letters[256];
    size_t count;
};

static enum status see(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct seen *seen = context;
    char letter = (char)row->key.data[0];

    (void)effective_pos;
    assert_true(seen->count + 1 < sizeof(seen->letters));
    seen->letters[seen->count++] = row->gone ? (char)(letter - 'a' + 'A') : letter;
    return STATUS_OK;
}

static struct seen feed_of(struct fleet *fleet, const char *officer, uint64_t after_pos)
{
    struct scope_member members[STORE_SCOPES_MAX];
    struct feed_cursor cursor = {.pos = after_pos};
    struct seen seen = {.count = 0};
    size_t count;

    assert_int_equal(fleet->store->ops->scopes_of_device(fleet->store, &fleet_device(fleet, officer)->device, members,
                                                         STORE_SCOPES_MAX, &count),
                     STATUS_OK);
    assert_int_equal(fleet->store->ops->feed_page(fleet->store, members, count, &cursor, 200, see, &seen), STATUS_OK);
    return seen;
}

static size_t count_of(const struct seen *seen, char letter)
{
    size_t count = 0;

    for (size_t i = 0; i < seen->count; i++)
        count += seen->letters[i] == letter;
    return count;
}

static bool is_member(struct fleet *fleet, const char *officer, enum scope_kind kind, const char *of)
{
    struct scope_member members[STORE_SCOPES_MAX];
    struct id id = {{0}};
    size_t count;

    if (of != NULL)
        id = fleet_id(of);
    assert_int_equal(fleet->store->ops->scopes_of_device(fleet->store, &fleet_device(fleet, officer)->device, members,
                                                         STORE_SCOPES_MAX, &count),
                     STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        if (members[i].left_pos == 0 && members[i].scope.kind == kind && id_equal(&members[i].scope.id, &id))
            return true;
    }
    return false;
}

static struct hash lone_visit(struct fleet *fleet, int64_t at_us)
{
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash presence = fleet_check_in(ann, at_us, "xen", "");

    (void)fleet_check_out(ann, at_us + 10 * FLEET_MINUTE, &presence);
    fleet_sync(ann, at_us + 20 * FLEET_MINUTE);
    return presence;
}

static void device__sees_what_its_officer_may(void **state)
{
    struct fleet *fleet = *state;

    assert_true(is_member(fleet, "ann", SCOPE_FORCE, NULL));
    assert_true(is_member(fleet, "ann", SCOPE_TEAM, "north"));
    assert_true(is_member(fleet, "ann", SCOPE_OFFICER, "ann"));
    assert_false(is_member(fleet, "ann", SCOPE_SUPERVISORS, "north"));
    assert_true(is_member(fleet, "sue", SCOPE_SUPERVISORS, "north"));
    assert_false(is_member(fleet, "sue", SCOPE_TEAM, "south"));
}

static void rows__only_in_their_teams(void **state)
{
    struct fleet *fleet = *state;
    struct seen ann, bob, sue, sam;

    (void)lone_visit(fleet, MORNING);
    ann = feed_of(fleet, "ann", 0);
    bob = feed_of(fleet, "bob", 0);
    sue = feed_of(fleet, "sue", 0);
    sam = feed_of(fleet, "sam", 0);
    assert_int_equal(count_of(&ann, 'p'), 1);
    assert_int_equal(count_of(&bob, 'p'), 1);
    assert_int_equal(count_of(&sam, 'p'), 0);
    assert_int_equal(count_of(&sam, 'x'), 0);
    assert_int_equal(count_of(&ann, 'f'), 2); /* one's own flags, */
    assert_int_equal(count_of(&bob, 'f'), 0); /* not a colleague's, */
    assert_int_equal(count_of(&sue, 'f'), 2); /* the team's as its supervisor */
    assert_int_equal(count_of(&sam, 'f'), 0);
    assert_int_equal(count_of(&sam, 't'), 2);
    assert_int_equal(count_of(&sam, 'o'), count_of(&ann, 'o'));
}

static void offender_transferred__rows_follow(void **state)
{
    struct fleet *fleet = *state;
    uint64_t before;
    struct seen bob, sam, sue;

    (void)lone_visit(fleet, MORNING);
    before = batch_head(fleet->batch)->pos;
    fleet_offender(fleet, MORNING + FLEET_HOUR, "xen", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM, "south");
    fleet_settle(fleet, MORNING + FLEET_HOUR);
    sam = feed_of(fleet, "sam", before);
    bob = feed_of(fleet, "bob", before);
    sue = feed_of(fleet, "sue", before);
    assert_int_equal(count_of(&sam, 'x'), 1);
    assert_int_equal(count_of(&sam, 'p'), 1);
    assert_int_equal(count_of(&sam, 'f'), 2);
    assert_int_equal(count_of(&bob, 'X'), 1);
    assert_int_equal(count_of(&bob, 'P'), 0); /* the officer's team still sees their visit */
    assert_int_equal(count_of(&sue, 'F'), 0); /* and their supervisor its flags */
}

static void officer_moved__scopes_and_rows_follow(void **state)
{
    struct fleet *fleet = *state;
    uint64_t before;
    struct seen ann, sam;

    (void)lone_visit(fleet, MORNING);
    before = batch_head(fleet->batch)->pos;
    fleet_officer(fleet, MORNING + FLEET_HOUR, "ann", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, true, "south");
    fleet_settle(fleet, MORNING + FLEET_HOUR);
    assert_true(batch_roster_changed(fleet->batch));
    assert_true(is_member(fleet, "ann", SCOPE_TEAM, "south"));
    assert_false(is_member(fleet, "ann", SCOPE_TEAM, "north"));
    ann = feed_of(fleet, "ann", before);
    sam = feed_of(fleet, "sam", before);
    assert_int_equal(count_of(&ann, 'p'), 1); /* what she did goes with her */
    assert_int_equal(count_of(&sam, 'p'), 1);
    assert_int_equal(count_of(&sam, 'f'), 2);
    assert_int_equal(count_of(&sam, 'x'), 0);
}

static void device_handed_on__sees_what_the_next_officer_may(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *cal = fleet_device(fleet, "cal");
    Doublecrew__V1__Device message = DOUBLECREW__V1__DEVICE__INIT;
    struct id sam = fleet_id("sam");
    struct public_key key;
    struct scope_member members[STORE_SCOPES_MAX];
    size_t count;

    sign_key_public(cal->key, &key);
    message.device_id = (ProtobufCBinaryData){ID_SIZE, cal->device.bytes};
    message.log_id = (ProtobufCBinaryData){ID_SIZE, cal->log.bytes};
    message.officer_id = (ProtobufCBinaryData){ID_SIZE, sam.bytes};
    message.key_algorithm = SIGN_ED25519;
    message.public_key = (ProtobufCBinaryData){key.size, key.bytes};
    (void)fleet_add(fleet->operator_device, MORNING, KIND(DEVICE), &message.base);
    fleet_settle(fleet, MORNING);
    assert_int_equal(fleet->store->ops->scopes_of_device(fleet->store, &cal->device, members, STORE_SCOPES_MAX, &count),
                     STATUS_OK);
    assert_int_equal(count, 6); /* force, sam's own, south, south's supervisors; cal's own and north are left */
    assert_true(is_member(fleet, "cal", SCOPE_SUPERVISORS, "south"));
    assert_false(is_member(fleet, "cal", SCOPE_TEAM, "north"));
    assert_false(is_member(fleet, "cal", SCOPE_OFFICER, "cal"));
}

struct key {
    uint8_t bytes[STORE_VIEW_KEY_MAX];
    size_t size;
};

/* What a phone holds that applies every page, as of its cursor. */
struct phone {
    struct feed_cursor cursor;
    struct key keys[128];
    uint64_t pos[128]; /* of the row's content, as packed */
    size_t count;
    size_t page_rows; /* in the page under way */
    size_t tombstones;
};

#define PAGE_ROWS 3

static uint64_t pos_of_row(struct span packed)
{
    Doublecrew__V1__Row *row = doublecrew__v1__row__unpack(NULL, packed.size, packed.data);
    uint64_t pos;

    assert_non_null(row);
    pos = row->pos;
    doublecrew__v1__row__free_unpacked(row, NULL);
    return pos;
}

static size_t find(const struct phone *phone, struct span key)
{
    size_t i = 0;

    while (i < phone->count && !span_equal(span_of(phone->keys[i].bytes, phone->keys[i].size), key))
        i++;
    return i;
}

static enum status take(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct phone *phone = context;
    size_t at = find(phone, row->key);

    phone->page_rows++;
    phone->cursor.pos = effective_pos;
    phone->cursor.key_size = row->place.size;
    memcpy(phone->cursor.key, row->place.data, row->place.size);
    phone->tombstones += row->gone;
    if (row->gone) {
        if (at < phone->count) {
            phone->count--;
            phone->keys[at] = phone->keys[phone->count];
            phone->pos[at] = phone->pos[phone->count];
        }
        return STATUS_OK;
    }
    assert_true(at < sizeof(phone->keys) / sizeof(phone->keys[0]));
    phone->count += at == phone->count;
    phone->keys[at].size = row->key.size;
    memcpy(phone->keys[at].bytes, row->key.data, row->key.size);
    phone->pos[at] = pos_of_row(row->row);
    return STATUS_OK;
}

static void read_pages(struct fleet *fleet, const struct scope_member *members, size_t count, struct phone *phone)
{
    do {
        struct feed_cursor after = phone->cursor;

        phone->page_rows = 0;
        assert_int_equal(fleet->store->ops->feed_page(fleet->store, members, count, &after, PAGE_ROWS, take, phone),
                         STATUS_OK);
    } while (phone->page_rows == PAGE_ROWS);
    phone->cursor = (struct feed_cursor){.pos = batch_head(fleet->batch)->pos};
}

/* Connects, and applies pages until there are no more. */
static void catch_up(struct fleet *fleet, const char *officer, struct phone *phone)
{
    struct scope_member members[STORE_SCOPES_MAX];
    size_t count;

    assert_int_equal(fleet->store->ops->scopes_of_device(fleet->store, &fleet_device(fleet, officer)->device, members,
                                                         STORE_SCOPES_MAX, &count),
                     STATUS_OK);
    phone->tombstones = 0;
    read_pages(fleet, members, count, phone);
}

/* The phone holds every row of the officer's scopes as it is now, read scope by scope, and no other. */
static void expect_exact(struct fleet *fleet, const struct phone *phone, const struct scope *scopes, size_t count)
{
    struct phone all = {.count = 0};

    for (size_t i = 0; i < count; i++) {
        struct scope_member member = {.scope = scopes[i]};
        struct phone one = {.count = 0};

        read_pages(fleet, &member, 1, &one);
        for (size_t j = 0; j < one.count; j++) {
            size_t at = find(&all, span_of(one.keys[j].bytes, one.keys[j].size));
            all.count += at == all.count;
            all.keys[at] = one.keys[j];
            all.pos[at] = one.pos[j];
        }
    }
    assert_int_equal(phone->count, all.count);
    for (size_t i = 0; i < all.count; i++) {
        size_t at = find(phone, span_of(all.keys[i].bytes, all.keys[i].size));
        assert_true(at < phone->count);
        assert_int_equal(phone->pos[at], all.pos[i]);
    }
}

static void expect_anns(struct fleet *fleet, const struct phone *phone, const char *team)
{
    struct scope scopes[] = {{.kind = SCOPE_FORCE}, {SCOPE_OFFICER, fleet_id("ann")}, {SCOPE_TEAM, fleet_id(team)}};

    expect_exact(fleet, phone, scopes, 3);
}

static size_t holds(const struct phone *phone, char letter)
{
    size_t count = 0;

    for (size_t i = 0; i < phone->count; i++)
        count += phone->keys[i].bytes[0] == (uint8_t)letter;
    return count;
}

static void ann_to(struct fleet *fleet, int64_t at_us, const char *team)
{
    fleet_officer(fleet, at_us, "ann", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, true, team);
    fleet_settle(fleet, at_us);
}

static void bobs_visit(struct fleet *fleet, int64_t at_us, const char *offender)
{
    struct fleet_device *bob = fleet_device(fleet, "bob");
    struct hash presence = fleet_check_in(bob, at_us, offender, "");

    (void)fleet_check_out(bob, at_us + 10 * FLEET_MINUTE, &presence);
    fleet_sync(bob, at_us + 20 * FLEET_MINUTE);
}

/* One phone is online all the time; one connects again while its officer is away; one when they are back. */
static void officer_moved__phone_gives_back_what_it_held(void **state)
{
    struct fleet *fleet = *state;
    struct phone online = {.count = 0}, away, back;
    struct phone fresh = {.count = 0};

    (void)lone_visit(fleet, MORNING);
    bobs_visit(fleet, MORNING, "yul");
    catch_up(fleet, "ann", &online);
    expect_anns(fleet, &online, "north");
    assert_int_equal(holds(&online, 'x'), 2);
    assert_int_equal(holds(&online, 'p'), 2);
    away = back = online;

    ann_to(fleet, MORNING + FLEET_HOUR, "south");
    catch_up(fleet, "ann", &online);
    expect_anns(fleet, &online, "south");
    assert_int_equal(holds(&online, 'x'), 0);
    assert_int_equal(holds(&online, 'p'), 1); /* her own visit goes with her */
    assert_int_equal(online.tombstones, 3);   /* xen, yul, bob's visit */
    bobs_visit(fleet, MORNING + 2 * FLEET_HOUR, "xen");
    catch_up(fleet, "ann", &online);
    assert_int_equal(online.tombstones, 0); /* what north gets now is no news to her */
    catch_up(fleet, "ann", &away);
    expect_anns(fleet, &online, "south");
    expect_anns(fleet, &away, "south");

    fleet_offender(fleet, MORNING + 3 * FLEET_HOUR, "yul", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM, "south");
    fleet_settle(fleet, MORNING + 3 * FLEET_HOUR);
    catch_up(fleet, "ann", &away);
    expect_anns(fleet, &away, "south");
    assert_int_equal(holds(&away, 'x'), 1);
    ann_to(fleet, MORNING + 4 * FLEET_HOUR, "north");
    catch_up(fleet, "ann", &online);
    catch_up(fleet, "ann", &away);
    catch_up(fleet, "ann", &back);
    catch_up(fleet, "ann", &fresh);
    expect_anns(fleet, &online, "north");
    expect_anns(fleet, &away, "north");
    expect_anns(fleet, &back, "north");
    expect_anns(fleet, &fresh, "north");
    assert_int_equal(holds(&back, 'x'), 1);
    assert_int_equal(holds(&back, 'p'), 3);
}

/* More teams than are remembered: the newest departures are. */
static void officer_moved_often__phone_gives_back_the_last(void **state)
{
    struct fleet *fleet = *state;
    struct phone online = {.count = 0}, offline;
    struct scope_member members[STORE_SCOPES_MAX];
    size_t count;
    char name[16];

    for (int i = 0; i < STORE_SCOPES_LEFT_MAX + 6; i++) {
        int64_t at_us = MORNING + i * FLEET_MINUTE;

        (void)snprintf(name, sizeof(name), "team-%d", i);
        fleet_team(fleet, at_us, name);
        ann_to(fleet, at_us, name);
        if (i == 4) {
            catch_up(fleet, "ann", &online);
            expect_anns(fleet, &online, name);
        }
    }
    assert_int_equal(fleet->store->ops->scopes_of_device(fleet->store, &fleet_device(fleet, "ann")->device, members,
                                                         STORE_SCOPES_MAX, &count),
                     STATUS_OK);
    assert_int_equal(count, 3 + STORE_SCOPES_LEFT_MAX);
    ann_to(fleet, MORNING + FLEET_HOUR, "north");
    catch_up(fleet, "ann", &online);
    offline = online;
    assert_int_equal(holds(&offline, 'x'), 2);
    ann_to(fleet, MORNING + 2 * FLEET_HOUR, "south");
    catch_up(fleet, "ann", &offline);
    assert_int_equal(holds(&offline, 'x'), 0);
}

static void note_and_edit__rows_of_the_offenders_team(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sam = fleet_device(fleet, "sam");
    Doublecrew__V1__Note note = DOUBLECREW__V1__NOTE__INIT;
    Doublecrew__V1__Edit edit = DOUBLECREW__V1__EDIT__INIT;
    Doublecrew__V1__FieldEdit field = DOUBLECREW__V1__FIELD_EDIT__INIT;
    Doublecrew__V1__FieldEdit *fields[] = {&field};
    struct id xen = fleet_id("xen");
    char name[] = "vehicle", words[] = "Blue van", other[] = "Red van";
    struct hash entry;
    struct seen bob;

    note.subject = edit.subject = (ProtobufCBinaryData){ID_SIZE, xen.bytes};
    note.text = words;
    field.field = name;
    field.change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT;
    field.text = words;
    edit.fields = fields;
    edit.n_fields = 1;
    entry = fleet_add(ann, MORNING, KIND(NOTE), &note.base);
    (void)fleet_add(ann, MORNING, KIND(EDIT), &edit.base);
    assert_int_equal(fleet_sync(ann, MORNING).held_count, 0);
    field.text = other;
    (void)fleet_add(sam, MORNING, KIND(EDIT), &edit.base);
    assert_string_equal(fleet_sync(sam, MORNING).held[0].reason, "out_of_scope");
    (void)fleet_add(fleet_device(fleet, "bob"), MORNING, KIND(EDIT), &edit.base);
    assert_int_equal(fleet_sync(fleet_device(fleet, "bob"), MORNING + FLEET_MINUTE).held_count, 0);
    bob = feed_of(fleet, "bob", 0);
    assert_int_equal(count_of(&bob, 'n'), 1);
    assert_int_equal(count_of(&bob, 'e'), 1);
    Doublecrew__V1__Row *row = fleet_view(fleet, 'n', entry.bytes, HASH_SIZE);
    assert_string_equal(row->note->text, "Blue van");
    doublecrew__v1__row__free_unpacked(row, NULL);
    static const char field_name[] = {'v', 'e', 'h', 'i', 'c', 'l', 'e'};
    uint8_t key[ID_SIZE + sizeof(field_name)];
    memcpy(key, xen.bytes, ID_SIZE);
    memcpy(key + ID_SIZE, field_name, sizeof(field_name));
    row = fleet_view(fleet, 'e', key, sizeof(key));
    assert_int_equal(row->field->n_heads, 2); /* neither edit named the other: both are shown */
    doublecrew__v1__row__free_unpacked(row, NULL);
}

/* The row of a set carries every addition that stands: an officer can remove what a colleague added (M1). */
static void set__rows_carry_the_additions_that_a_removal_names(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    Doublecrew__V1__Edit edit = DOUBLECREW__V1__EDIT__INIT;
    Doublecrew__V1__FieldEdit field = DOUBLECREW__V1__FIELD_EDIT__INIT;
    Doublecrew__V1__FieldEdit *fields[] = {&field};
    Doublecrew__V1__SetChange set = DOUBLECREW__V1__SET_CHANGE__INIT;
    Doublecrew__V1__SetRemoval removal = DOUBLECREW__V1__SET_REMOVAL__INIT;
    Doublecrew__V1__SetRemoval *removals[] = {&removal};
    struct id xen = fleet_id("xen");
    char name[] = "vehicle", van[] = "Blue van";
    char *added[] = {van};
    uint8_t key[ID_SIZE + 7];
    Doublecrew__V1__Row *row;
    ProtobufCBinaryData seen[2];

    memcpy(key, xen.bytes, ID_SIZE);
    memcpy(key + ID_SIZE, name, sizeof(name) - 1);
    edit.subject = (ProtobufCBinaryData){ID_SIZE, xen.bytes};
    edit.fields = fields;
    edit.n_fields = 1;
    field.field = name;
    field.change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_SET;
    field.set = &set;
    set.add = added;
    set.n_add = 1;
    (void)fleet_add(ann, MORNING, KIND(EDIT), &edit.base);
    assert_int_equal(fleet_sync(ann, MORNING).held_count, 0);
    (void)fleet_add(bob, MORNING, KIND(EDIT), &edit.base);
    assert_int_equal(fleet_sync(bob, MORNING + FLEET_MINUTE).held_count, 0);
    row = fleet_view(fleet, 'e', key, sizeof(key));
    assert_int_equal(row->field->n_set_members, 1);
    assert_int_equal(row->field->n_heads, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(row->field->heads[i]->text, "Blue van");
        seen[i] = row->field->heads[i]->edit;
    }
    set.n_add = 0;
    set.remove = removals;
    set.n_remove = 1;
    removal.value = van;
    removal.additions_seen = seen;
    removal.n_additions_seen = 2;
    (void)fleet_add(bob, MORNING + FLEET_MINUTE, KIND(EDIT), &edit.base);
    doublecrew__v1__row__free_unpacked(row, NULL);
    assert_int_equal(fleet_sync(bob, MORNING + 2 * FLEET_MINUTE).held_count, 0);
    row = fleet_view(fleet, 'e', key, sizeof(key));
    assert_int_equal(row->field->n_set_members, 0);
    assert_int_equal(row->field->n_heads, 0);
    doublecrew__v1__row__free_unpacked(row, NULL);
}

#define SCENARIO(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(device__sees_what_its_officer_may),
        SCENARIO(rows__only_in_their_teams),
        SCENARIO(offender_transferred__rows_follow),
        SCENARIO(officer_moved__scopes_and_rows_follow),
        SCENARIO(officer_moved__phone_gives_back_what_it_held),
        SCENARIO(officer_moved_often__phone_gives_back_the_last),
        SCENARIO(device_handed_on__sees_what_the_next_officer_may),
        SCENARIO(note_and_edit__rows_of_the_offenders_team),
        SCENARIO(set__rows_carry_the_additions_that_a_removal_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
