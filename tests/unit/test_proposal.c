/* Edits from outside the offender's team: proposals to the owner, which reveal nothing to their author (P4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define NOON (FLEET_T0 + 5 * FLEET_HOUR)
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name
#define OPEN DOUBLECREW__V1__PROPOSAL_STATE__PROPOSAL_STATE_OPEN
#define ACCEPTED DOUBLECREW__V1__PROPOSAL_STATE__PROPOSAL_STATE_ACCEPTED
#define REFUSED DOUBLECREW__V1__PROPOSAL_STATE__PROPOSAL_STATE_REFUSED

/* Team south with "sam", who writes about north's offenders. */
static int setup(void **state)
{
    struct fleet *fleet = fleet_typical();

    fleet_team(fleet, FLEET_T0 + FLEET_HOUR, "south");
    fleet_officer(fleet, FLEET_T0 + FLEET_HOUR, "sam", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, true, "south");
    (void)fleet_enrol(fleet, FLEET_T0 + FLEET_HOUR, "sam");
    fleet_settle(fleet, FLEET_T0 + FLEET_HOUR);
    fleet_hello(fleet_device(fleet, "sam"), FLEET_T0 + FLEET_HOUR);
    *state = fleet;
    return 0;
}

static int teardown(void **state)
{
    fleet_expect_rebuild(*state);
    fleet_free(*state);
    return 0;
}

static struct hash edit(struct fleet *fleet, const char *officer, struct span subject, const char *text, int64_t at_us)
{
    Doublecrew__V1__Edit message = DOUBLECREW__V1__EDIT__INIT;
    Doublecrew__V1__FieldEdit field = DOUBLECREW__V1__FIELD_EDIT__INIT;
    Doublecrew__V1__FieldEdit *fields[] = {&field};

    message.subject = (ProtobufCBinaryData){subject.size, (uint8_t *)(uintptr_t)subject.data};
    message.n_fields = 1;
    message.fields = fields;
    field.field = (char *)(uintptr_t) "phone";
    field.change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT;
    field.text = (char *)(uintptr_t)text;
    return fleet_add(fleet_device(fleet, officer), at_us, KIND(EDIT), &message.base);
}

static struct hash edit_offender(struct fleet *fleet, const char *officer, const char *offender, const char *text)
{
    struct id id = fleet_id(offender);

    return edit(fleet, officer, span_of(id.bytes, ID_SIZE), text, MORNING);
}

static void answer(struct fleet *fleet, const char *officer, const struct hash *proposal, bool accepted,
                   const char *words)
{
    Doublecrew__V1__ProposalAnswer message = DOUBLECREW__V1__PROPOSAL_ANSWER__INIT;

    message.proposal = (ProtobufCBinaryData){HASH_SIZE, (uint8_t *)(uintptr_t)proposal->bytes};
    message.accepted = accepted;
    message.words = (char *)(uintptr_t)words;
    (void)fleet_add(fleet_device(fleet, officer), MORNING + FLEET_HOUR, KIND(PROPOSAL_ANSWER), &message.base);
}

static struct batch_result answer_now(struct fleet *fleet, const char *officer, const struct hash *proposal,
                                      bool accepted)
{
    answer(fleet, officer, proposal, accepted, "as agreed");
    return fleet_sync(fleet_device(fleet, officer), MORNING + FLEET_HOUR);
}

static int state_of(struct fleet *fleet, const struct hash *proposal)
{
    Doublecrew__V1__Row *row = fleet_view(fleet, 'q', proposal->bytes, HASH_SIZE);
    int state = row != NULL ? (int)row->proposal->state : 0;

    if (row != NULL)
        doublecrew__v1__row__free_unpacked(row, NULL);
    return state;
}

/* What stands in the field, by whom; "" when there is none. */
static const char *phone_of(struct fleet *fleet, struct span subject)
{
    static char text[100];
    uint8_t key[HASH_SIZE + 8];
    Doublecrew__V1__Row *row;

    memcpy(key, subject.data, subject.size);
    /* A key has no terminator. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(key + subject.size, "phone", 5);
    row = fleet_view(fleet, 'e', key, subject.size + 5);
    text[0] = '\0';
    if (row != NULL && row->field->n_heads > 0)
        (void)snprintf(text, sizeof(text), "%s", row->field->heads[0]->text);
    if (row != NULL)
        doublecrew__v1__row__free_unpacked(row, NULL);
    return text;
}

static const char *phone_of_offender(struct fleet *fleet, const char *offender)
{
    struct id id = fleet_id(offender);

    return phone_of(fleet, span_of(id.bytes, ID_SIZE));
}

static enum status note_letter(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    (void)effective_pos;
    *(size_t *)context += !row->gone && row->key.data[0] == 'q';
    return STATUS_OK;
}

static size_t proposals_seen(struct fleet *fleet, const char *officer)
{
    struct scope_member members[STORE_SCOPES_MAX];
    struct feed_cursor start = {.pos = 0};
    size_t count, seen = 0;

    assert_int_equal(fleet->store->ops->scopes_of_device(fleet->store, &fleet_device(fleet, officer)->device, members,
                                                         STORE_SCOPES_MAX, &count),
                     STATUS_OK);
    assert_int_equal(fleet->store->ops->feed_page(fleet->store, members, count, &start, SIZE_MAX, note_letter, &seen),
                     STATUS_OK);
    return seen;
}

static void edit__from_outside_is_a_proposal_to_the_team(void **state)
{
    struct fleet *fleet = *state;
    struct hash proposal = edit_offender(fleet, "sam", "xen", "07700 900123");
    struct batch_result result = fleet_sync(fleet_device(fleet, "sam"), MORNING);

    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "out_of_scope");
    assert_int_equal(state_of(fleet, &proposal), OPEN);
    assert_string_equal(phone_of_offender(fleet, "xen"), "");
    assert_int_equal(proposals_seen(fleet, "sam"), 1);
    assert_int_equal(proposals_seen(fleet, "ann"), 1);
    assert_int_equal(proposals_seen(fleet, "sue"), 1);
}

static void proposal__accepted_is_its_authors_edit(void **state)
{
    struct fleet *fleet = *state;
    struct hash proposal = edit_offender(fleet, "sam", "xen", "07700 900123");
    Doublecrew__V1__Row *row;
    struct id sam = fleet_id("sam"), ann = fleet_id("ann"), xen = fleet_id("xen");
    uint8_t key[ID_SIZE + 5];

    (void)fleet_sync(fleet_device(fleet, "sam"), MORNING);
    assert_int_equal(answer_now(fleet, "ann", &proposal, true).held_count, 0);
    assert_int_equal(state_of(fleet, &proposal), ACCEPTED);
    assert_string_equal(phone_of_offender(fleet, "xen"), "07700 900123");
    memcpy(key, xen.bytes, ID_SIZE);
    /* A key has no terminator. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(key + ID_SIZE, "phone", 5);
    row = fleet_view(fleet, 'e', key, sizeof(key));
    assert_memory_equal(row->field->heads[0]->officer_id.data, sam.bytes, ID_SIZE);
    assert_memory_equal(row->field->heads[0]->edit.data, proposal.bytes, HASH_SIZE);
    doublecrew__v1__row__free_unpacked(row, NULL);
    row = fleet_view(fleet, 'q', proposal.bytes, HASH_SIZE);
    assert_memory_equal(row->proposal->answered_by.data, ann.bytes, ID_SIZE);
    assert_string_equal(row->proposal->words, "as agreed");
    doublecrew__v1__row__free_unpacked(row, NULL);
}

static void proposal__refused_changes_nothing(void **state)
{
    struct fleet *fleet = *state;
    struct hash proposal = edit_offender(fleet, "sam", "xen", "07700 900123");
    struct batch_result result;

    (void)fleet_sync(fleet_device(fleet, "sam"), MORNING);
    assert_int_equal(answer_now(fleet, "sue", &proposal, false).held_count, 0);
    assert_int_equal(state_of(fleet, &proposal), REFUSED);
    assert_string_equal(phone_of_offender(fleet, "xen"), "");
    result = answer_now(fleet, "ann", &proposal, true); /* the first answer stands */
    assert_string_equal(result.held[0].reason, "answered");
    assert_int_equal(state_of(fleet, &proposal), REFUSED);
}

static void proposal__is_answered_by_the_team_only(void **state)
{
    struct fleet *fleet = *state;
    struct hash proposal = edit_offender(fleet, "sam", "xen", "07700 900123");
    struct batch_result result;

    (void)fleet_sync(fleet_device(fleet, "sam"), MORNING);
    result = answer_now(fleet, "sam", &proposal, true); /* not their own */
    assert_string_equal(result.held[0].reason, "not_permitted");
    result = answer_now(fleet, "cal", &proposal, true); /* a constable manages nobody */
    assert_string_equal(result.held[0].reason, "not_permitted");
    assert_int_equal(state_of(fleet, &proposal), OPEN);
    fleet_officer(fleet, NOON, "sam", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, true, "north");
    fleet_settle(fleet, NOON);
    result = answer_now(fleet, "sam", &proposal, true); /* nor after joining the team */
    assert_string_equal(result.held[0].reason, "not_permitted");
}

/* The author gets the same Ack and the same row, whether or not there is such an offender. */
static void reply__does_not_say_whether_the_subject_exists(void **state)
{
    struct fleet *fleet = *state;
    struct hash real = edit_offender(fleet, "sam", "xen", "07700 900123");
    struct hash invented = edit_offender(fleet, "sam", "nobody", "07700 900123");
    struct batch_result result = fleet_sync(fleet_device(fleet, "sam"), MORNING);
    Doublecrew__V1__Row *rows[2];

    assert_int_equal(result.held_count, 2);
    assert_string_equal(result.held[0].reason, result.held[1].reason);
    assert_int_equal(proposals_seen(fleet, "sam"), 2);
    assert_int_equal(proposals_seen(fleet, "ann"), 1);
    rows[0] = fleet_view(fleet, 'q', real.bytes, HASH_SIZE);
    rows[1] = fleet_view(fleet, 'q', invented.bytes, HASH_SIZE);
    for (size_t i = 0; i < 2; i++) { /* but for what the author wrote */
        rows[i]->pos = 0;
        memset(rows[i]->key.data, 0, rows[i]->key.len);
        memset(rows[i]->proposal->proposal.data, 0, HASH_SIZE);
        memset(rows[i]->proposal->subject.data, 0, ID_SIZE);
    }
    uint8_t packed[2][512];
    size_t sizes[2] = {doublecrew__v1__row__pack(rows[0], packed[0]), doublecrew__v1__row__pack(rows[1], packed[1])};
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(packed[0], packed[1], sizes[0]);
    doublecrew__v1__row__free_unpacked(rows[0], NULL);
    doublecrew__v1__row__free_unpacked(rows[1], NULL);
}

static void offender__imported_later_has_the_proposal(void **state)
{
    struct fleet *fleet = *state;
    struct hash proposal = edit_offender(fleet, "sam", "zoe", "07700 900123");
    struct hash own = edit_offender(fleet, "ann", "zoe", "07700 900999");

    (void)fleet_sync(fleet_device(fleet, "sam"), MORNING);
    (void)fleet_sync(fleet_device(fleet, "ann"), MORNING);
    assert_int_equal(proposals_seen(fleet, "bob"), 0);
    fleet_offender(fleet, NOON, "zoe", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW, "north");
    fleet_settle(fleet, NOON);
    assert_int_equal(state_of(fleet, &proposal), OPEN);
    assert_int_equal(state_of(fleet, &own), ACCEPTED); /* it was Ann's to write all along */
    assert_string_equal(phone_of_offender(fleet, "zoe"), "07700 900999");
    assert_int_equal(proposals_seen(fleet, "bob"), 2);
    assert_int_equal(answer_now(fleet, "bob", &proposal, true).held_count, 0);
    assert_int_equal(state_of(fleet, &proposal), ACCEPTED);
}

static void offender__that_moves_takes_the_proposal_along(void **state)
{
    struct fleet *fleet = *state;
    struct hash proposal = edit_offender(fleet, "sam", "xen", "07700 900123");

    (void)fleet_sync(fleet_device(fleet, "sam"), MORNING);
    fleet_team(fleet, NOON, "west");
    fleet_officer(fleet, NOON, "wes", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "west");
    (void)fleet_enrol(fleet, NOON, "wes");
    fleet_offender(fleet, NOON, "xen", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM, "west");
    fleet_settle(fleet, NOON);
    assert_int_equal(proposals_seen(fleet, "ann"), 0);
    assert_int_equal(proposals_seen(fleet, "wes"), 1);
    assert_int_equal(proposals_seen(fleet, "sam"), 1);
    assert_string_equal(answer_now(fleet, "ann", &proposal, true).held[0].reason, "not_permitted");
    fleet_hello(fleet_device(fleet, "wes"), NOON);
    assert_int_equal(answer_now(fleet, "wes", &proposal, true).held_count, 0);
}

/* A colleague's visit isn't one's own: a proposal to the offender's team. One's own visit elsewhere is. */
static void presence__of_another_team_is_proposed_ones_own_is_written(void **state)
{
    struct fleet *fleet = *state;
    struct hash visit = fleet_check_in(fleet_device(fleet, "ann"), MORNING, "xen", "");
    struct hash own, about_own, proposal;
    struct batch_result result;

    (void)fleet_sync(fleet_device(fleet, "ann"), MORNING);
    proposal = edit(fleet, "sam", span_of(visit.bytes, HASH_SIZE), "saw them", MORNING + FLEET_MINUTE);
    own = fleet_check_in(fleet_device(fleet, "sam"), MORNING + 2 * FLEET_MINUTE, "yul", "");
    about_own = edit(fleet, "sam", span_of(own.bytes, HASH_SIZE), "my visit", MORNING + 3 * FLEET_MINUTE);
    result = fleet_sync(fleet_device(fleet, "sam"), MORNING + 4 * FLEET_MINUTE);
    assert_int_equal(result.held_count, 1);
    assert_int_equal(state_of(fleet, &proposal), OPEN);
    assert_int_equal(state_of(fleet, &about_own), 0);
    assert_string_equal(phone_of(fleet, span_of(own.bytes, HASH_SIZE)), "my visit");
    assert_int_equal(answer_now(fleet, "bob", &proposal, true).held_count, 0);
    assert_string_equal(phone_of(fleet, span_of(visit.bytes, HASH_SIZE)), "saw them");
}

/* J3: visit, proposal and answer in every order, all received at the same time. */
static void order__of_visit_proposal_and_answer_does_not_matter(void **state)
{
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {2, 0, 1}, {2, 1, 0}, {1, 2, 0}};

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct fleet *fleet;
        struct fleet_push pushes[3];
        struct hash visit, proposal;

        (void)setup(state);
        fleet = *state;
        visit = fleet_check_in(fleet_device(fleet, "ann"), MORNING, "xen", "");
        pushes[0] = fleet_build(fleet_device(fleet, "ann"));
        proposal = edit(fleet, "sam", span_of(visit.bytes, HASH_SIZE), "saw them", MORNING);
        pushes[1] = fleet_build(fleet_device(fleet, "sam"));
        answer(fleet, "bob", &proposal, true, "yes");
        pushes[2] = fleet_build(fleet_device(fleet, "bob"));
        for (size_t j = 0; j < 3; j++)
            (void)fleet_deliver(fleet, NOON, &pushes[orders[i][j]]);
        if (state_of(fleet, &proposal) != ACCEPTED)
            fail_msg("order %u %u %u: state %d", orders[i][0], orders[i][1], orders[i][2], state_of(fleet, &proposal));
        assert_string_equal(phone_of(fleet, span_of(visit.bytes, HASH_SIZE)), "saw them");
        for (size_t j = 0; j < 3; j++)
            fleet_push_free(&pushes[j]);
        (void)teardown(state);
    }
}

/* The phone is restored from a backup of before its last entry, and writes another one. */
static void fork_of(struct fleet *fleet, const char *officer)
{
    struct fleet_device *device = fleet_device(fleet, officer);
    Doublecrew__V1__Seal message = DOUBLECREW__V1__SEAL__INIT;
    struct entry *last = &device->entries[--device->count];
    uint8_t *payload;

    memcpy(&payload, &last->payload.data, sizeof(payload));
    free(payload);
    device->pushed = device->count;
    (void)fleet_add(device, MORNING + 3 * FLEET_HOUR, KIND(SEAL), &message.base);
    (void)fleet_sync(device, MORNING + 3 * FLEET_HOUR);
}

/* F2, J3: what a copied phone's answer let in goes, and the next answer that had come stands. */
static void answer__of_a_forked_log_is_undone_for_the_next(void **state)
{
    struct fleet *fleet = *state;
    struct hash proposal = edit_offender(fleet, "sam", "xen", "07700 900123");

    (void)fleet_sync(fleet_device(fleet, "sam"), MORNING);
    (void)answer_now(fleet, "ann", &proposal, true);
    assert_string_equal(answer_now(fleet, "sue", &proposal, false).held[0].reason, "answered");
    assert_string_equal(phone_of_offender(fleet, "xen"), "07700 900123");
    fork_of(fleet, "ann");
    assert_int_equal(state_of(fleet, &proposal), REFUSED);
    assert_string_equal(phone_of_offender(fleet, "xen"), "");
}

static void answer__of_a_forked_log_leaves_the_proposal_open(void **state)
{
    struct fleet *fleet = *state;
    struct hash proposal = edit_offender(fleet, "sam", "xen", "07700 900123");

    (void)fleet_sync(fleet_device(fleet, "sam"), MORNING);
    (void)answer_now(fleet, "ann", &proposal, true);
    fork_of(fleet, "ann");
    assert_int_equal(state_of(fleet, &proposal), OPEN);
    assert_string_equal(phone_of_offender(fleet, "xen"), "");
    assert_int_equal(answer_now(fleet, "bob", &proposal, true).held_count, 0);
    assert_string_equal(phone_of_offender(fleet, "xen"), "07700 900123");
}

static void proposal__of_a_forked_log_goes_with_what_it_let_in(void **state)
{
    struct fleet *fleet = *state;
    struct hash proposal = edit_offender(fleet, "sam", "xen", "07700 900123");

    (void)fleet_sync(fleet_device(fleet, "sam"), MORNING);
    (void)answer_now(fleet, "ann", &proposal, true);
    fork_of(fleet, "sam");
    assert_int_equal(proposals_seen(fleet, "ann"), 0);
    assert_int_equal(proposals_seen(fleet, "sam"), 0);
    assert_string_equal(phone_of_offender(fleet, "xen"), "");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(edit__from_outside_is_a_proposal_to_the_team),
        CASE(proposal__accepted_is_its_authors_edit),
        CASE(proposal__refused_changes_nothing),
        CASE(proposal__is_answered_by_the_team_only),
        CASE(reply__does_not_say_whether_the_subject_exists),
        CASE(offender__imported_later_has_the_proposal),
        CASE(offender__that_moves_takes_the_proposal_along),
        CASE(presence__of_another_team_is_proposed_ones_own_is_written),
        CASE(answer__of_a_forked_log_is_undone_for_the_next),
        CASE(answer__of_a_forked_log_leaves_the_proposal_open),
        CASE(proposal__of_a_forked_log_goes_with_what_it_let_in),
        cmocka_unit_test(order__of_visit_proposal_and_answer_does_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
