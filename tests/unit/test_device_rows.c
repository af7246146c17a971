/* The server's rows on the device: pages, flags, purges, and what the app reads of them together with its own entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/payload.h"
#include "device/view_key.h"
#include "tests/lib/device_fixture.h"

static int set_up(void **state)
{
    struct device_fixture *fixture = malloc(sizeof *fixture);

    assert_non_null(fixture);
    device_fixture_init(fixture, 1);
    device_fixture_open(fixture);
    device_fixture_online(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    device_fixture_done(*state);
    free(*state);
    return 0;
}

/* ---- The server's part ---- */

struct page {
    Doublecrew__V1__ServerMessage message;
    Doublecrew__V1__Delta delta;
    Doublecrew__V1__Row rows[8];
    Doublecrew__V1__Row *list[8];
    struct view_key keys[8];
};

static void page_init(struct page *page, uint64_t from, uint64_t to, bool last)
{
    memset(page, 0, sizeof *page);
    doublecrew__v1__server_message__init(&page->message);
    doublecrew__v1__delta__init(&page->delta);
    page->message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_DELTA;
    page->message.delta = &page->delta;
    page->delta.from_cursor = from;
    page->delta.to_cursor = to;
    page->delta.last = last;
    page->delta.rows = page->list;
}

static Doublecrew__V1__Row *page_row(struct page *page, uint64_t pos, struct view_key key)
{
    size_t index = page->delta.n_rows++;
    Doublecrew__V1__Row *row = &page->rows[index];

    doublecrew__v1__row__init(row);
    page->keys[index] = key;
    page->list[index] = row;
    row->pos = pos;
    row->key = (ProtobufCBinaryData){.data = page->keys[index].bytes, .len = page->keys[index].size};
    return row;
}

static ProtobufCBinaryData id_bytes(struct dc_id *id)
{
    return (ProtobufCBinaryData){.data = id->bytes, .len = sizeof id->bytes};
}

static void add_offender(struct page *page, uint64_t pos, unsigned number, char *reference)
{
    static struct dc_id ids[8];
    static Doublecrew__V1__Offender offenders[8];
    static Doublecrew__V1__OffenderRow rows[8];
    size_t at = page->delta.n_rows;
    Doublecrew__V1__Row *row;

    ids[at] = device_fixture_id(number);
    row = page_row(page, pos, view_key_id('x', &ids[at]));
    doublecrew__v1__offender__init(&offenders[at]);
    doublecrew__v1__offender_row__init(&rows[at]);
    offenders[at].offender_id = id_bytes(&ids[at]);
    offenders[at].reference = reference;
    offenders[at].risk = DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_HIGH;
    rows[at].offender = &offenders[at];
    row->row_case = DOUBLECREW__V1__ROW__ROW_OFFENDER;
    row->offender = &rows[at];
}

static void add_tombstone(struct page *page, uint64_t pos, unsigned number)
{
    static Doublecrew__V1__Tombstone tombstone;
    struct dc_id id = device_fixture_id(number);
    Doublecrew__V1__Row *row = page_row(page, pos, view_key_id('x', &id));

    doublecrew__v1__tombstone__init(&tombstone);
    row->row_case = DOUBLECREW__V1__ROW__ROW_TOMBSTONE;
    row->tombstone = &tombstone;
}

static bool collect_reference(void *context, const struct dc_offender *offender)
{
    strcat(context, offender->reference);
    strcat(context, " ");
    return true;
}

static void assert_offenders(struct device_fixture *fixture, const char *expected)
{
    char found[200] = "";

    assert_int_equal(dc_each_offender(fixture->device, NULL, collect_reference, found), DC_OK);
    assert_string_equal(found, expected);
}

static void page__is_applied_and_the_cursor_sent_after(void **state)
{
    struct device_fixture *fixture = *state;
    const Doublecrew__V1__ClientMessage *sent;
    struct dc_id id = device_fixture_id(8);
    char found[100] = "";
    struct page page;

    page_init(&page, 0, 12, true);
    add_offender(&page, 11, 7, "R7");
    add_offender(&page, 12, 8, "R8");
    page.delta.to_key = page.rows[1].key;
    device_fixture_receive(fixture, &page.message);
    sent = device_fixture_last(fixture);
    assert_int_equal(sent->message_case, DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_APPLIED);
    assert_int_equal(sent->applied->cursor, 12);
    assert_int_equal(sent->applied->key.len, 17);
    assert_int_equal(sent->applied->page_credit, 1);
    assert_offenders(fixture, "R7 R8 ");
    assert_int_equal(dc_each_offender(fixture->device, &id, collect_reference, found), DC_OK);
    assert_string_equal(found, "R8 ");
    id = device_fixture_id(9);
    assert_int_equal(dc_each_offender(fixture->device, &id, collect_reference, found), DC_NOT_FOUND);
    assert_int_equal(device_fixture_count(fixture, DC_EVENT_ROW), 2);
    assert_true(device_fixture_event(fixture, DC_EVENT_PAGE)->complete);
    device_fixture_reopen(fixture);
    device_fixture_connect(fixture);
    sent = device_fixture_last(fixture);
    assert_int_equal(sent->hello->feed_cursor, 12);
    assert_int_equal(sent->hello->feed_key.len, 17);
    assert_int_equal(sent->hello->epoch.len, ID_SIZE);
    assert_offenders(fixture, "R7 R8 ");
}

static void page__tombstone_takes_a_row_away(void **state)
{
    struct device_fixture *fixture = *state;
    struct page page;

    page_init(&page, 0, 12, true);
    add_offender(&page, 11, 7, "R7");
    add_offender(&page, 12, 8, "R8");
    device_fixture_receive(fixture, &page.message);
    page_init(&page, 12, 13, true);
    add_tombstone(&page, 13, 7);
    device_fixture_receive(fixture, &page.message);
    assert_offenders(fixture, "R8 ");
}

static void page__with_a_gap_before_it_is_refused(void **state)
{
    struct device_fixture *fixture = *state;
    struct page page;

    page_init(&page, 5, 12, true);
    add_offender(&page, 11, 7, "R7");
    device_fixture_receive(fixture, &page.message);
    assert_int_equal(fixture->device->sync.reason, STATUS_PROTOCOL_ORDER);
    assert_offenders(fixture, "");
    assert_int_equal(fixture->device->sync.feed.cursor, 0);
}

static void resync__keeps_old_rows_until_it_is_complete_then_sweeps(void **state)
{
    struct device_fixture *fixture = *state;
    struct page page;

    page_init(&page, 0, 12, true);
    add_offender(&page, 11, 7, "R7");
    add_offender(&page, 12, 8, "R8");
    device_fixture_receive(fixture, &page.message);
    page_init(&page, 0, 4, false); /* the server begins again */
    add_offender(&page, 4, 8, "R8new");
    device_fixture_receive(fixture, &page.message);
    assert_offenders(fixture, "R7 R8new ");
    device_fixture_reopen(fixture);
    device_fixture_online(fixture);
    page_init(&page, 4, 6, true);
    add_offender(&page, 6, 9, "R9");
    device_fixture_receive(fixture, &page.message);
    assert_offenders(fixture, "R8new R9 ");
}

static void epoch__another_one_starts_the_feed_again(void **state)
{
    struct device_fixture *fixture = *state;
    struct page page;

    page_init(&page, 0, 12, true);
    add_offender(&page, 12, 7, "R7");
    device_fixture_receive(fixture, &page.message);
    device_disconnected(fixture->device, STATUS_NETWORK);
    memset(fixture->epoch.bytes, 0xe2, ID_SIZE);
    device_fixture_online(fixture);
    assert_int_equal(fixture->device->sync.feed.cursor, 0);
    page_init(&page, 0, 3, true);
    add_offender(&page, 3, 8, "R8");
    device_fixture_receive(fixture, &page.message);
    assert_offenders(fixture, "R8 ");
}

/* ---- Flags ---- */

struct flag_message {
    Doublecrew__V1__ServerMessage message;
    Doublecrew__V1__Flag flag;
    Doublecrew__V1__FlagRow row;
    uint8_t id[HASH_SIZE];
};

static void flag_init(struct flag_message *flag, uint64_t pos, char *why)
{
    memset(flag->id, 0xf1, sizeof flag->id);
    doublecrew__v1__server_message__init(&flag->message);
    doublecrew__v1__flag__init(&flag->flag);
    doublecrew__v1__flag_row__init(&flag->row);
    flag->row.flag_id = (ProtobufCBinaryData){.data = flag->id, .len = sizeof flag->id};
    flag->row.kind = "lone_confirmed";
    flag->row.why = why;
    flag->row.state = DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED;
    flag->flag.pos = pos;
    flag->flag.flag = &flag->row;
    flag->message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_FLAG;
    flag->message.flag = &flag->flag;
}

static bool read_why(void *context, const struct dc_flag *flag)
{
    assert_int_equal(flag->state, DC_FLAG_RAISED);
    strcpy(context, flag->why);
    return true;
}

static void flag__is_durable_before_it_is_received_and_no_older_page_undoes_it(void **state)
{
    struct device_fixture *fixture = *state;
    const Doublecrew__V1__ClientMessage *sent;
    struct flag_message flag;
    struct page page;
    struct dc_hash id;
    char why[100] = "";
    Doublecrew__V1__Row *row;

    flag_init(&flag, 20, "newer");
    device_fixture_receive(fixture, &flag.message);
    sent = device_fixture_last(fixture);
    assert_int_equal(sent->message_case, DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_FLAG_RECEIVED);
    assert_int_equal(sent->flag_received->pos, 20);
    assert_string_equal(device_fixture_event(fixture, DC_EVENT_FLAG)->text, "lone_confirmed");
    memcpy(id.bytes, flag.id, sizeof id.bytes);
    flag.row.why = "older";
    page_init(&page, 0, 18, true);
    row = page_row(&page, 18, view_key_hash('f', &id));
    row->row_case = DOUBLECREW__V1__ROW__ROW_FLAG;
    row->flag = &flag.row;
    device_fixture_receive(fixture, &page.message);
    device_fixture_reopen(fixture);
    assert_int_equal(dc_each_flag(fixture->device, &id, read_why, why), DC_OK);
    assert_string_equal(why, "newer");
}

static void purge(struct device_fixture *fixture, uint8_t number, ProtobufCBinaryData *keys, size_t count, bool more)
{
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Purge purge = DOUBLECREW__V1__PURGE__INIT;
    uint8_t id[8] = {0, 0, 0, 0, 0, 0, 0, number};

    purge.purge_id = (ProtobufCBinaryData){.data = id, .len = sizeof id};
    purge.n_keys = count;
    purge.keys = keys;
    purge.more = more;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_PURGE;
    message.purge = &purge;
    device_fixture_receive(fixture, &message);
}

/* The last push's last entry is a receipt that says this. */
static void assert_receipt(struct device_fixture *fixture, uint8_t number, uint32_t keys, uint32_t deleted)
{
    const Doublecrew__V1__Purged *receipt;
    ProtobufCMessage *opened = NULL;
    const struct entry *entry;
    struct push push;

    device_fixture_last_push(fixture, &push);
    entry = &push.entries[push.entry_count - 1];
    assert_int_equal(entry->header.kind, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_PURGED);
    assert_int_equal(payload_open(fixture->arena, entry->header.kind, entry_message(entry), &opened), STATUS_OK);
    receipt = (const Doublecrew__V1__Purged *)opened;
    assert_int_equal(receipt->purge_id.data[7], number);
    assert_int_equal(receipt->keys, keys);
    assert_int_equal(receipt->deleted, deleted);
}

static void purge__is_carried_out_and_its_receipt_is_an_entry(void **state)
{
    struct device_fixture *fixture = *state;
    ProtobufCBinaryData keys[2];
    struct page page;
    uint8_t never[] = {'x', 1, 2};

    page_init(&page, 0, 12, true);
    add_offender(&page, 11, 7, "R7");
    add_offender(&page, 12, 8, "R8");
    device_fixture_receive(fixture, &page.message);
    keys[0] = page.rows[0].key;
    keys[1] = (ProtobufCBinaryData){.data = never, .len = sizeof never};
    purge(fixture, 13, keys, 2, false);
    assert_offenders(fixture, "R8 ");
    assert_receipt(fixture, 13, 2, 1);
    assert_int_equal(device_fixture_event(fixture, DC_EVENT_PURGED)->count, 1);
}

static void purge__of_several_messages_has_one_receipt(void **state)
{
    struct device_fixture *fixture = *state;
    struct page page;
    size_t sent;

    page_init(&page, 0, 12, true);
    add_offender(&page, 11, 7, "R7");
    add_offender(&page, 12, 8, "R8");
    device_fixture_receive(fixture, &page.message);
    sent = fixture->sent_count;
    purge(fixture, 13, &page.rows[0].key, 1, true);
    assert_offenders(fixture, "R8 ");
    assert_int_equal(fixture->sent_count, sent); /* nothing is said yet */
    purge(fixture, 13, &page.rows[1].key, 1, false);
    assert_offenders(fixture, "");
    assert_receipt(fixture, 13, 2, 2);
}

static void purge__cut_short_begins_anew_and_counts_anew(void **state)
{
    struct device_fixture *fixture = *state;
    struct page page;

    page_init(&page, 0, 12, true);
    add_offender(&page, 11, 7, "R7");
    add_offender(&page, 12, 8, "R8");
    device_fixture_receive(fixture, &page.message);
    purge(fixture, 13, &page.rows[0].key, 1, true);
    device_disconnected(fixture->device, STATUS_NETWORK);
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 0, NULL, 512);
    purge(fixture, 13, &page.rows[0].key, 1, true);
    purge(fixture, 13, &page.rows[1].key, 1, false);
    assert_receipt(fixture, 13, 2, 1); /* one had gone the first time */
}

/* ---- Proposals ---- */

struct proposal_found {
    unsigned count;
    size_t changes;
    char words[100];
    enum dc_proposal_state state;
};

static bool read_proposal(void *context, const struct dc_proposal *proposal)
{
    struct proposal_found *found = context;

    found->count++;
    found->changes = proposal->change_count;
    found->state = proposal->state;
    for (size_t i = 0; i < proposal->change_count; i++) {
        strcat(found->words, proposal->changes[i].change == DC_CHANGE_SET_REMOVE ? "-" : "+");
        strcat(found->words, proposal->changes[i].value);
    }
    return true;
}

static void proposal__is_read_and_answered(void **state)
{
    struct device_fixture *fixture = *state;
    struct proposal_found found = {.count = 0};
    Doublecrew__V1__ProposalRow proposal = DOUBLECREW__V1__PROPOSAL_ROW__INIT;
    Doublecrew__V1__FieldEdit edits[2] = {DOUBLECREW__V1__FIELD_EDIT__INIT, DOUBLECREW__V1__FIELD_EDIT__INIT};
    Doublecrew__V1__FieldEdit *list[] = {&edits[0], &edits[1]};
    Doublecrew__V1__SetChange set = DOUBLECREW__V1__SET_CHANGE__INIT;
    char phone[] = "07700 900123", van[] = "AB12 CDE", field[] = "phone";
    char *added[] = {van};
    struct dc_hash hash = {{7}}, other = {{8}};
    struct dc_id offender = device_fixture_id(7);
    const Doublecrew__V1__ProposalAnswer *answer;
    ProtobufCMessage *opened = NULL;
    Doublecrew__V1__Row *row;
    struct push push;
    struct page page;

    page_init(&page, 0, 12, true);
    row = page_row(&page, 12, view_key_hash('q', &hash));
    edits[0].field = edits[1].field = field;
    edits[0].change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT;
    edits[0].text = phone;
    edits[1].change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_SET;
    edits[1].set = &set;
    set.n_add = 1;
    set.add = added;
    proposal.proposal = (ProtobufCBinaryData){.data = hash.bytes, .len = sizeof hash};
    proposal.subject = id_bytes(&offender);
    proposal.n_fields = 2;
    proposal.fields = list;
    proposal.state = DOUBLECREW__V1__PROPOSAL_STATE__PROPOSAL_STATE_OPEN;
    row->row_case = DOUBLECREW__V1__ROW__ROW_PROPOSAL;
    row->proposal = &proposal;
    device_fixture_receive(fixture, &page.message);
    assert_int_equal(dc_each_proposal(fixture->device, NULL, read_proposal, &found), DC_OK);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.state, DC_PROPOSAL_OPEN);
    assert_string_equal(found.words, "+07700 900123+AB12 CDE");
    assert_int_equal(dc_each_proposal(fixture->device, &other, read_proposal, &found), DC_NOT_FOUND);
    assert_int_equal(dc_answer_proposal(fixture->device, &hash, true, "as agreed", NULL), DC_OK);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.entries[0].header.kind, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_PROPOSAL_ANSWER);
    assert_int_equal(
        payload_open(fixture->arena, push.entries[0].header.kind, entry_message(&push.entries[0]), &opened), STATUS_OK);
    answer = (const Doublecrew__V1__ProposalAnswer *)opened;
    assert_memory_equal(answer->proposal.data, hash.bytes, sizeof hash);
    assert_true(answer->accepted);
    assert_string_equal(answer->words, "as agreed");
}

/* ---- Edits ---- */

struct field_found {
    size_t heads;
    char first[64];
    bool pending;
    unsigned fields;
    size_t members;
};

static bool read_field(void *context, const struct dc_field *field)
{
    struct field_found *found = context;

    found->fields++;
    found->heads = field->head_count;
    found->members = field->member_count;
    if (field->head_count > 0) {
        snprintf(found->first, sizeof found->first, "%s", field->heads[0].text);
        found->pending = field->heads[0].pending;
    }
    return true;
}

static void edit(struct device_fixture *fixture, const char *text, struct dc_hash *ret_entry)
{
    struct dc_subject subject = {.offender = device_fixture_id(7)};
    struct dc_field_change change = {.field = "phone", .value = text};

    assert_int_equal(dc_edit(fixture->device, &subject, &change, 1, ret_entry), DC_OK);
}

static const Doublecrew__V1__FieldEdit *last_edit(struct device_fixture *fixture)
{
    ProtobufCMessage *message = NULL;
    struct push push;
    struct span bytes;
    static struct arena *arena;

    device_fixture_last_push(fixture, &push);
    bytes = entry_message(&push.entries[push.entry_count - 1]);
    arena_free(arena);
    arena = NULL;
    assert_int_equal(arena_new(&arena), STATUS_OK);
    assert_int_equal(wire_unpack(arena, &doublecrew__v1__edit__descriptor, bytes, &message), STATUS_OK);
    return ((const Doublecrew__V1__Edit *)message)->fields[0];
}

static void edit__names_its_own_previous_one_and_the_servers_heads(void **state)
{
    static Doublecrew__V1__FieldHead heads[2];
    static Doublecrew__V1__FieldHead *list[] = {&heads[0], &heads[1]};
    static Doublecrew__V1__FieldRow row;
    struct device_fixture *fixture = *state;
    struct dc_subject subject = {.offender = device_fixture_id(7)};
    struct field_found found = {0};
    struct dc_id offender = device_fixture_id(7);
    struct dc_hash first;
    struct dc_hash other;
    struct page page;
    Doublecrew__V1__Row *wire_row;

    edit(fixture, "01223 000001", &first);
    assert_int_equal(last_edit(fixture)->n_replaces, 0);
    device_fixture_ack(fixture, 30);
    assert_int_equal(dc_each_field(fixture->device, &subject, read_field, &found), DC_OK);
    assert_int_equal(found.fields, 1); /* acknowledged, in no row yet: still shown */
    assert_true(found.pending);
    memset(other.bytes, 0x0e, sizeof other.bytes);
    doublecrew__v1__field_head__init(&heads[0]);
    doublecrew__v1__field_head__init(&heads[1]);
    doublecrew__v1__field_row__init(&row);
    heads[0].edit = (ProtobufCBinaryData){.data = other.bytes, .len = sizeof other.bytes};
    heads[0].text = "theirs";
    heads[1].edit = (ProtobufCBinaryData){.data = first.bytes, .len = sizeof first.bytes};
    heads[1].text = "01223 000001";
    row.subject = id_bytes(&offender);
    row.field = "phone";
    row.n_heads = 2;
    row.heads = list;
    page_init(&page, 0, 31, true);
    wire_row = page_row(&page, 31, view_key_field(&subject, "phone"));
    wire_row->row_case = DOUBLECREW__V1__ROW__ROW_FIELD;
    wire_row->field = &row;
    device_fixture_receive(fixture, &page.message);
    memset(&found, 0, sizeof found);
    assert_int_equal(dc_each_field(fixture->device, &subject, read_field, &found), DC_OK);
    assert_int_equal(found.heads, 2); /* a conflict, shown as one */
    assert_string_equal(found.first, "theirs");
    edit(fixture, "settled", NULL);
    assert_int_equal(last_edit(fixture)->n_replaces, 2);
    memset(&found, 0, sizeof found);
    assert_int_equal(dc_each_field(fixture->device, &subject, read_field, &found), DC_OK);
    assert_int_equal(found.heads, 1);
    assert_string_equal(found.first, "settled");
    assert_true(found.pending);
    assert_int_equal(found.fields, 1);
}

static void edit__removing_from_a_set_names_the_additions_seen(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_subject subject = {.offender = device_fixture_id(7)};
    struct dc_field_change add = {.field = "vehicles", .change = DC_CHANGE_SET_ADD, .value = "AB12 CDE"};
    struct dc_field_change remove = {.field = "vehicles", .change = DC_CHANGE_SET_REMOVE, .value = "AB12 CDE"};
    struct field_found found = {.members = 0};
    const Doublecrew__V1__FieldEdit *made;
    struct dc_hash added;

    assert_int_equal(dc_edit(fixture->device, &subject, &remove, 1, NULL), DC_INPUT); /* never seen */
    assert_int_equal(dc_edit(fixture->device, &subject, &add, 1, &added), DC_OK);
    assert_int_equal(dc_each_field(fixture->device, &subject, read_field, &found), DC_OK);
    assert_int_equal(found.members, 1);
    device_fixture_ack(fixture, 30);
    assert_int_equal(dc_edit(fixture->device, &subject, &remove, 1, NULL), DC_OK);
    assert_int_equal(dc_each_field(fixture->device, &subject, read_field, &found), DC_OK);
    assert_int_equal(found.members, 0);
    made = last_edit(fixture);
    assert_int_equal(made->set->n_remove, 1);
    assert_int_equal(made->set->remove[0]->n_additions_seen, 1);
    assert_memory_equal(made->set->remove[0]->additions_seen[0].data, added.bytes, sizeof added.bytes);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(page__is_applied_and_the_cursor_sent_after),
        CASE(page__tombstone_takes_a_row_away),
        CASE(page__with_a_gap_before_it_is_refused),
        CASE(resync__keeps_old_rows_until_it_is_complete_then_sweeps),
        CASE(epoch__another_one_starts_the_feed_again),
        CASE(flag__is_durable_before_it_is_received_and_no_older_page_undoes_it),
        CASE(purge__is_carried_out_and_its_receipt_is_an_entry),
        CASE(purge__of_several_messages_has_one_receipt),
        CASE(purge__cut_short_begins_anew_and_counts_anew),
        CASE(proposal__is_read_and_answered),
        CASE(edit__names_its_own_previous_one_and_the_servers_heads),
        CASE(edit__removing_from_a_set_names_the_additions_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
