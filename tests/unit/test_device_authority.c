/* Asking to visit alone, answering, deciding, standing in: what a device records, shows, and refuses before it is recorded (L1, L2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/own_log.h"
#include "tests/lib/device_fixture.h"

#define FROM_MS INT64_C(1772440000000)
#define TO_MS (FROM_MS + 3600000)

static void put_row(struct device_fixture *fixture, char letter, const void *id, size_t id_size,
                    Doublecrew__V1__Row *row)
{
    uint8_t key[1 + HASH_SIZE] = {(uint8_t)letter};
    struct store_row stored = {.pos = 1, .key = span_of(key, 1 + id_size)};
    uint8_t *bytes = NULL;
    size_t size = 0;

    memcpy(key + 1, id, id_size);
    row->pos = 1;
    row->key = (ProtobufCBinaryData){.data = key, .len = 1 + id_size};
    assert_int_equal(wire_pack(&row->base, &bytes, &size), STATUS_OK);
    stored.bytes = span_of(bytes, size);
    assert_int_equal(store_begin(fixture->device->store), STATUS_OK);
    assert_int_equal(store_put_row(fixture->device->store, &stored), STATUS_OK);
    assert_int_equal(store_commit(fixture->device->store), STATUS_OK);
    free(bytes);
    row->key = (ProtobufCBinaryData){0};
}

static void know_role(struct device_fixture *fixture, struct dc_id officer, Doublecrew__V1__Role role)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__OfficerRow officer_row = DOUBLECREW__V1__OFFICER_ROW__INIT;
    Doublecrew__V1__Officer message = DOUBLECREW__V1__OFFICER__INIT;

    message.officer_id = (ProtobufCBinaryData){.data = officer.bytes, .len = ID_SIZE};
    message.role = role;
    officer_row.officer = &message;
    row.row_case = DOUBLECREW__V1__ROW__ROW_OFFICER;
    row.officer = &officer_row;
    put_row(fixture, 'o', officer.bytes, ID_SIZE, &row);
}

static void know_own_role(struct device_fixture *fixture, Doublecrew__V1__Role role)
{
    know_role(fixture, fixture->config.officer, role);
}

static void know_cover(struct device_fixture *fixture, struct dc_id officer, struct dc_id by)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__CoverRow message = DOUBLECREW__V1__COVER_ROW__INIT;
    Doublecrew__V1__Cover window = DOUBLECREW__V1__COVER__INIT;
    Doublecrew__V1__Cover *windows[] = {&window};

    window.officer_id = message.officer_id = (ProtobufCBinaryData){.data = officer.bytes, .len = ID_SIZE};
    window.by_officer_id = message.by_officer_id = (ProtobufCBinaryData){.data = by.bytes, .len = ID_SIZE};
    window.from_ms = message.from_ms = FROM_MS;
    window.to_ms = message.to_ms = TO_MS;
    message.windows = windows;
    message.n_windows = 1;
    row.row_case = DOUBLECREW__V1__ROW__ROW_COVER;
    row.cover = &message;
    put_row(fixture, 'c', officer.bytes, ID_SIZE, &row);
}

static void know_presence(struct device_fixture *fixture, struct dc_hash presence, struct dc_id officer)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__PresenceRow message = DOUBLECREW__V1__PRESENCE_ROW__INIT;

    message.presence = (ProtobufCBinaryData){.data = presence.bytes, .len = HASH_SIZE};
    message.officer_id = (ProtobufCBinaryData){.data = officer.bytes, .len = ID_SIZE};
    row.row_case = DOUBLECREW__V1__ROW__ROW_PRESENCE;
    row.presence = &message;
    put_row(fixture, 'p', presence.bytes, HASH_SIZE, &row);
}

/* A colleague's request as the server shows it: one grant, by somebody else. */
static void know_request(struct device_fixture *fixture, struct dc_hash request, struct dc_id officer)
{
    struct dc_id offender = device_fixture_id(7), by = device_fixture_id(60);
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__AuthorityRequestRow message = DOUBLECREW__V1__AUTHORITY_REQUEST_ROW__INIT;
    Doublecrew__V1__AuthorityRequest asked = DOUBLECREW__V1__AUTHORITY_REQUEST__INIT;
    Doublecrew__V1__AuthorityAnswer answer = DOUBLECREW__V1__AUTHORITY_ANSWER__INIT;
    Doublecrew__V1__AuthorityAnswer *answers[] = {&answer};
    Doublecrew__V1__AuthorityWord word = DOUBLECREW__V1__AUTHORITY_WORD__INIT;
    char risk[] = "Second officer sick; doorstep only", words[] = "Agreed";

    asked.officer_id = (ProtobufCBinaryData){.data = officer.bytes, .len = ID_SIZE};
    asked.offender_id = (ProtobufCBinaryData){.data = offender.bytes, .len = ID_SIZE};
    asked.from_ms = FROM_MS;
    asked.to_ms = TO_MS;
    asked.risk_assessment = risk;
    word.granted = true;
    word.words = words;
    answer.by_officer_id = (ProtobufCBinaryData){.data = by.bytes, .len = ID_SIZE};
    answer.word = &word;
    message.request = (ProtobufCBinaryData){.data = request.bytes, .len = HASH_SIZE};
    message.asked = &asked;
    message.received_ms = FROM_MS - 1;
    message.state = DOUBLECREW__V1__AUTHORITY_REQUEST_STATE__AUTHORITY_REQUEST_STATE_GRANTED;
    message.answers = answers;
    message.n_answers = 1;
    row.row_case = DOUBLECREW__V1__ROW__ROW_AUTHORITY_REQUEST;
    row.authority_request = &message;
    put_row(fixture, 'a', request.bytes, HASH_SIZE, &row);
}

static int set_up(void **state)
{
    struct device_fixture *fixture = malloc(sizeof *fixture);

    assert_non_null(fixture);
    device_fixture_init(fixture, 1);
    device_fixture_open(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    device_fixture_done(*state);
    free(*state);
    return 0;
}

struct seen {
    struct dc_authority_request_read last;
    char risk[64], words[64];
    unsigned count;
};

static bool keep(void *context, const struct dc_authority_request_read *request)
{
    struct seen *seen = context;

    seen->count++;
    seen->last = *request;
    (void)snprintf(seen->risk, sizeof seen->risk, "%s", request->asked.risk_assessment);
    if (request->answer_count > 0) {
        (void)snprintf(seen->words, sizeof seen->words, "%s", request->answers[0].words);
    }
    return true;
}

struct said {
    unsigned count;
    int64_t from_ms, to_ms;
    struct dc_id officer, offender;
};

static bool keep_word(void *context, const struct entry *entry, const ProtobufCMessage *base)
{
    const Doublecrew__V1__AuthorityWord *word = (const Doublecrew__V1__AuthorityWord *)base;
    struct said *said = context;

    (void)entry;
    said->count++;
    said->from_ms = word->from_ms;
    said->to_ms = word->to_ms;
    memcpy(said->officer.bytes, word->officer_id.data, ID_SIZE);
    memcpy(said->offender.bytes, word->offender_id.data, ID_SIZE);
    return true;
}

static void request__offline__is_shown_as_open_and_pending(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_authority_request request = {
        .offender = device_fixture_id(7), .from_ms = FROM_MS, .to_ms = TO_MS, .risk_assessment = "Doorstep only"};
    struct seen seen = {.count = 0};
    struct dc_hash entry, other = {{9}};

    assert_int_equal(dc_authority_request(fixture->device, &request, &entry), DC_OK);
    assert_int_equal(dc_each_authority_request(fixture->device, NULL, keep, &seen), DC_OK);
    assert_int_equal(seen.count, 1);
    assert_true(seen.last.pending);
    assert_int_equal(seen.last.state, DC_AUTHORITY_OPEN);
    assert_int_equal(seen.last.received_ms, 0);
    assert_string_equal(seen.risk, "Doorstep only");
    assert_memory_equal(seen.last.asked.officer.bytes, fixture->config.officer.bytes, ID_SIZE);
    assert_int_equal(dc_each_authority_request(fixture->device, &entry, keep, &seen), DC_OK);
    assert_int_equal(dc_each_authority_request(fixture->device, &other, keep, &seen), DC_NOT_FOUND);
    assert_int_equal(seen.count, 2);
}

/* The server's row stands for the own entry from then on: once, with the answer. */
static void request__answered__is_shown_once_with_the_words(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_authority_request request = {.offender = device_fixture_id(7), .risk_assessment = "Doorstep only"};
    struct seen seen = {.count = 0};
    struct dc_hash entry;

    assert_int_equal(dc_authority_request(fixture->device, &request, &entry), DC_OK);
    know_request(fixture, entry, fixture->config.officer);
    assert_int_equal(dc_each_authority_request(fixture->device, NULL, keep, &seen), DC_OK);
    assert_int_equal(seen.count, 1);
    assert_false(seen.last.pending);
    assert_int_equal(seen.last.state, DC_AUTHORITY_GRANTED);
    assert_int_equal(seen.last.answer_count, 1);
    assert_true(seen.last.answers[0].granted);
    assert_string_equal(seen.words, "Agreed");
}

static void request__without_assessment__words_missing(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_authority_request request = {.offender = device_fixture_id(7), .risk_assessment = "  "};

    assert_int_equal(dc_authority_request(fixture->device, &request, NULL), DC_WORDS_MISSING);
    request.risk_assessment = "Mine";
    request.officer = device_fixture_id(50);
    assert_int_equal(dc_authority_request(fixture->device, &request, NULL), DC_NOT_PERMITTED);
    assert_int_equal(fixture->device->head.seq, 0);
}

static void word__on_a_request__takes_what_it_leaves_out_from_it(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_hash request = {{0xab}};
    struct dc_authority_word word = {.granted = true, .words = "Agreed", .request = request};
    struct dc_id officer = device_fixture_id(50), offender = device_fixture_id(7);
    struct said said = {.count = 0};

    assert_int_equal(dc_authority_word(fixture->device, &word, NULL), DC_NOT_FOUND);
    know_request(fixture, request, device_fixture_id(50));
    assert_int_equal(dc_authority_word(fixture->device, &word, NULL), DC_OK);
    assert_int_equal(own_each(fixture->device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_AUTHORITY_WORD, keep_word, &said),
                     STATUS_OK);
    assert_int_equal(said.count, 1);
    assert_memory_equal(said.officer.bytes, officer.bytes, ID_SIZE);
    assert_memory_equal(said.offender.bytes, offender.bytes, ID_SIZE);
    assert_true(said.from_ms == FROM_MS && said.to_ms == TO_MS);
}

static void word__that_the_server_would_hold__is_refused_by_name(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_authority_word word = {.officer = fixture->config.officer,
                                     .offender = device_fixture_id(7),
                                     .granted = true,
                                     .from_ms = FROM_MS,
                                     .to_ms = TO_MS,
                                     .words = "I know him"};

    assert_int_equal(dc_authority_word(fixture->device, &word, NULL), DC_OWN_VISIT);
    word.officer = device_fixture_id(50);
    word.words = "";
    assert_int_equal(dc_authority_word(fixture->device, &word, NULL), DC_WORDS_MISSING);
    word.words = "Risk assessed";
    know_own_role(fixture, DOUBLECREW__V1__ROLE__ROLE_CONSTABLE);
    assert_int_equal(dc_authority_word(fixture->device, &word, NULL), DC_NOT_PERMITTED);
    assert_int_equal(fixture->device->head.seq, 0);
    know_own_role(fixture, DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR);
    assert_int_equal(dc_authority_word(fixture->device, &word, NULL), DC_OK);
}

static void decision__that_the_server_would_hold__is_refused_by_name(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_check_in in = {.offender = device_fixture_id(7), .with = DC_WITH_ALONE};
    struct dc_decision decision = {.appropriate = true, .reason_code = "reviewed", .words = "Spoken to"};
    struct dc_hash others = {{0xcd}};

    know_own_role(fixture, DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR);
    assert_int_equal(dc_check_in(fixture->device, &in, &decision.presence), DC_OK);
    assert_int_equal(dc_decide(fixture->device, &decision, NULL), DC_OWN_VISIT); /* by this log */
    know_presence(fixture, others, fixture->config.officer);
    decision.presence = others;
    assert_int_equal(dc_decide(fixture->device, &decision, NULL), DC_OWN_VISIT); /* by the server's row */
    know_presence(fixture, others, device_fixture_id(50));
    decision.reason_code = "";
    assert_int_equal(dc_decide(fixture->device, &decision, NULL), DC_WORDS_MISSING);
    decision.reason_code = "reviewed";
    decision.words = NULL;
    assert_int_equal(dc_decide(fixture->device, &decision, NULL), DC_WORDS_MISSING);
    decision.words = "Spoken to";
    assert_int_equal(dc_decide(fixture->device, &decision, NULL), DC_OK);
    know_own_role(fixture, DOUBLECREW__V1__ROLE__ROLE_STAFF);
    assert_int_equal(dc_decide(fixture->device, &decision, NULL), DC_NOT_PERMITTED);
    assert_int_equal(fixture->device->head.seq, 2);
}

static bool keep_cover(void *context, const struct dc_cover_read *cover)
{
    struct dc_cover *kept = context;

    assert_int_equal(cover->window_count, 1);
    assert_int_equal(cover->windows[0].from_ms, cover->now.from_ms);
    *kept = cover->now;
    return true;
}

static void cover__is_recorded_and_read(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_id me = fixture->config.officer, other = device_fixture_id(50);
    struct dc_cover cover = {.by = other, .from_ms = FROM_MS, .to_ms = TO_MS}, now;

    assert_int_equal(dc_cover(fixture->device, &cover, NULL), DC_OK); /* nobody on the roster yet: the server judges */
    know_own_role(fixture, DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR);
    know_role(fixture, other, DOUBLECREW__V1__ROLE__ROLE_LEADER);
    assert_int_equal(dc_cover(fixture->device, &cover, NULL), DC_OK);
    cover = (struct dc_cover){.from_ms = FROM_MS};
    assert_int_equal(dc_cover(fixture->device, &cover, NULL), DC_OK); /* back, until further notice */
    assert_int_equal(fixture->device->head.seq, 3);
    assert_int_equal(dc_each_cover(fixture->device, &me, keep_cover, &now), DC_NOT_FOUND);
    know_cover(fixture, me, other);
    assert_int_equal(dc_each_cover(fixture->device, &me, keep_cover, &now), DC_OK);
    assert_memory_equal(now.by.bytes, other.bytes, ID_SIZE);
    assert_int_equal(now.to_ms, TO_MS);
}

static void cover__that_the_server_would_hold__is_refused_by_name(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_id me = fixture->config.officer, other = device_fixture_id(50);
    struct dc_cover cover = {.by = me, .from_ms = FROM_MS, .to_ms = TO_MS};

    know_own_role(fixture, DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR);
    assert_int_equal(dc_cover(fixture->device, &cover, NULL), DC_OWN_COVER);
    cover.by = other;
    know_role(fixture, other, DOUBLECREW__V1__ROLE__ROLE_CONSTABLE);
    assert_int_equal(dc_cover(fixture->device, &cover, NULL), DC_NOT_IN_CHARGE);
    know_role(fixture, other, DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR);
    cover.to_ms = FROM_MS;
    assert_int_equal(dc_cover(fixture->device, &cover, NULL), DC_INPUT);
    cover.to_ms = TO_MS;
    cover.officer = other;
    cover.by = me;
    assert_int_equal(dc_cover(fixture->device, &cover, NULL), DC_NOT_PERMITTED); /* another's place */
    know_own_role(fixture, DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER);
    cover.officer = me;
    cover.by = other;
    assert_int_equal(dc_cover(fixture->device, &cover, NULL), DC_NOT_IN_CHARGE); /* nothing comes to them */
    assert_int_equal(fixture->device->head.seq, 0);
    know_own_role(fixture, DOUBLECREW__V1__ROLE__ROLE_OPERATOR);
    cover.officer = other;
    cover.by = device_fixture_id(51);
    assert_int_equal(dc_cover(fixture->device, &cover, NULL), DC_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(request__offline__is_shown_as_open_and_pending),
        CASE(request__answered__is_shown_once_with_the_words),
        CASE(request__without_assessment__words_missing),
        CASE(word__on_a_request__takes_what_it_leaves_out_from_it),
        CASE(word__that_the_server_would_hold__is_refused_by_name),
        CASE(decision__that_the_server_would_hold__is_refused_by_name),
        CASE(cover__is_recorded_and_read),
        CASE(cover__that_the_server_would_hold__is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
