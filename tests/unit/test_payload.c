#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/kinds.h"
#include "core/limits.h"
#include "core/payload.h"
#include "core/payload_schema.h"

#include "doublecrew/v1/entry.pb-c.h"

#define KIND(symbol) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##symbol

/* Long enough for every id, hash and key; sizes are set case by case. */
static uint8_t some[256];

static ProtobufCBinaryData bytes_of(size_t size)
{
    ProtobufCBinaryData bytes = {size, some};

    return bytes;
}

static char *text_of(size_t size)
{
    static char text[PAYLOAD_SIZE_MAX + 2];

    memset(text, 'x', size);
    text[size] = '\0';
    return text;
}

/* Checked as it stands, and again after the way through the wire: both must say the same. */
static enum status check(uint16_t kind, const ProtobufCMessage *message)
{
    enum status status = payload_check(kind, message);
    enum status opened;
    ProtobufCMessage *back = NULL;
    struct arena *arena;
    uint8_t *bytes;
    size_t size;

    assert_int_equal(arena_new(&arena), STATUS_OK);
    assert_int_equal(wire_pack(message, &bytes, &size), STATUS_OK);
    opened = payload_open(arena, kind, span_of(bytes, size), &back);
    assert_int_equal(opened, status);
    assert_true((status == STATUS_OK) == (back != NULL));
    free(bytes);
    arena_free(arena);
    return status;
}

static Doublecrew__V1__CheckIn check_in(void)
{
    Doublecrew__V1__CheckIn message = DOUBLECREW__V1__CHECK_IN__INIT;

    message.offender_id = bytes_of(16);
    message.officer_id = bytes_of(16);
    return message;
}

#define CHECK_IN(change)                                                                                               \
    __extension__({                                                                                                    \
        Doublecrew__V1__CheckIn m = check_in();                                                                        \
        change;                                                                                                        \
        check(KIND(CHECK_IN), &m.base);                                                                                \
    })

static void check_in__ids_hashes_and_names(void **state)
{
    ProtobufCBinaryData named[9];

    (void)state;
    for (size_t i = 0; i < 9; i++)
        named[i] = bytes_of(16);
    assert_int_equal(CHECK_IN((void)0), STATUS_OK);
    assert_int_equal(CHECK_IN(m.offender_id.len = 0), STATUS_MISSING_FIELD);
    assert_int_equal(CHECK_IN(m.officer_id.len = 0), STATUS_MISSING_FIELD);
    assert_int_equal(CHECK_IN(m.offender_id.len = 15), STATUS_BAD_LENGTH);
    assert_int_equal(CHECK_IN(m.officer_id.len = 32), STATUS_BAD_LENGTH);
    assert_int_equal(CHECK_IN(m.plan_id = bytes_of(16)), STATUS_OK);
    assert_int_equal(CHECK_IN(m.plan_id = bytes_of(17)), STATUS_BAD_LENGTH);
    assert_int_equal(CHECK_IN(m.cosigned_check_in = bytes_of(32)), STATUS_OK);
    assert_int_equal(CHECK_IN(m.cosigned_check_in = bytes_of(16)), STATUS_BAD_LENGTH);
    assert_int_equal(CHECK_IN(m.cosign_nonce = bytes_of(64)), STATUS_OK);
    assert_int_equal(CHECK_IN(m.cosign_nonce = bytes_of(65)), STATUS_OVER_LIMIT);
    assert_int_equal(CHECK_IN(m.agency = text_of(TEXT_SHORT_MAX)), STATUS_OK);
    assert_int_equal(CHECK_IN(m.agency = text_of(TEXT_SHORT_MAX + 1)), STATUS_OVER_LIMIT);
    assert_int_equal(CHECK_IN(m.company = 1), STATUS_OK);
    assert_int_equal(CHECK_IN(m.company = 2), STATUS_MISSING_FIELD);
    assert_int_equal(CHECK_IN(m.company = 3), STATUS_UNKNOWN_KIND);
    assert_int_equal(CHECK_IN(m.company = (Doublecrew__V1__Company)-1), STATUS_UNKNOWN_KIND);
    assert_int_equal(CHECK_IN(m.company = 2; m.n_named_officer_ids = 8; m.named_officer_ids = named), STATUS_OK);
    assert_int_equal(CHECK_IN(m.company = 2; m.n_named_officer_ids = 9; m.named_officer_ids = named),
                     STATUS_OVER_LIMIT);
    assert_int_equal(CHECK_IN(m.company = 1; m.n_named_officer_ids = 1; m.named_officer_ids = named), STATUS_MALFORMED);
    assert_int_equal(CHECK_IN(m.n_named_officer_ids = 1; m.named_officer_ids = named), STATUS_MALFORMED);
    assert_int_equal(CHECK_IN(m.company = 2; m.agency = text_of(4)), STATUS_OK);
    named[1].len = 3;
    assert_int_equal(CHECK_IN(m.company = 2; m.n_named_officer_ids = 2; m.named_officer_ids = named),
                     STATUS_BAD_LENGTH);
    named[1].len = 0;
    assert_int_equal(CHECK_IN(m.company = 2; m.n_named_officer_ids = 2; m.named_officer_ids = named),
                     STATUS_MISSING_FIELD);
}

static void place__must_be_on_the_globe(void **state)
{
    Doublecrew__V1__Place place = DOUBLECREW__V1__PLACE__INIT;

    (void)state;
    assert_int_equal(CHECK_IN(m.place = &place), STATUS_OK);
    place.latitude_e7 = 900000000;
    place.longitude_e7 = -1800000000;
    assert_int_equal(CHECK_IN(m.place = &place), STATUS_OK);
    place.latitude_e7++;
    assert_int_equal(CHECK_IN(m.place = &place), STATUS_MALFORMED);
    place.latitude_e7 = 0;
    place.longitude_e7--;
    assert_int_equal(CHECK_IN(m.place = &place), STATUS_MALFORMED);
}

static void note__subject_is_a_presence_or_an_offender(void **state)
{
    Doublecrew__V1__Note note = DOUBLECREW__V1__NOTE__INIT;

    (void)state;
    note.text = text_of(10000);
    assert_int_equal(check(KIND(NOTE), &note.base), STATUS_MISSING_FIELD);
    note.subject = bytes_of(16);
    assert_int_equal(check(KIND(NOTE), &note.base), STATUS_OK);
    note.subject = bytes_of(32);
    assert_int_equal(check(KIND(NOTE), &note.base), STATUS_OK);
    note.subject = bytes_of(24);
    assert_int_equal(check(KIND(NOTE), &note.base), STATUS_BAD_LENGTH);
    note.subject = bytes_of(32);
    note.text = text_of(0);
    assert_int_equal(check(KIND(NOTE), &note.base), STATUS_MISSING_FIELD);
    note.text = text_of(PAYLOAD_SIZE_MAX + 1);
    assert_int_equal(check(KIND(NOTE), &note.base), STATUS_OVER_LIMIT);
    note.text = text_of(3);
    note.text[1] = (char)0xff; /* not UTF-8 */
    assert_int_equal(check(KIND(NOTE), &note.base), STATUS_MALFORMED);
}

static void edit__nested_changes_are_checked_too(void **state)
{
    Doublecrew__V1__Edit edit = DOUBLECREW__V1__EDIT__INIT;
    Doublecrew__V1__FieldEdit field = DOUBLECREW__V1__FIELD_EDIT__INIT;
    Doublecrew__V1__FieldEdit *fields[LIST_MAX + 1];
    Doublecrew__V1__SetChange set = DOUBLECREW__V1__SET_CHANGE__INIT;
    Doublecrew__V1__SetRemoval removal = DOUBLECREW__V1__SET_REMOVAL__INIT;
    Doublecrew__V1__SetRemoval *removals[1] = {&removal};
    ProtobufCBinaryData hash = bytes_of(32);
    char name[] = "phone";
    char value[] = "";

    (void)state;
    for (size_t i = 0; i <= LIST_MAX; i++)
        fields[i] = &field;
    edit.subject = bytes_of(16);
    edit.fields = fields;
    assert_int_equal(check(KIND(EDIT), &edit.base), STATUS_MISSING_FIELD);
    edit.n_fields = 1;
    assert_int_equal(check(KIND(EDIT), &edit.base), STATUS_MISSING_FIELD); /* no name */
    field.field = name;
    assert_int_equal(check(KIND(EDIT), &edit.base), STATUS_MISSING_FIELD); /* no change */
    field.change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT;
    field.text = value; /* emptied: a change as well */
    assert_int_equal(check(KIND(EDIT), &edit.base), STATUS_OK);
    field.n_replaces = 1;
    field.replaces = &hash;
    assert_int_equal(check(KIND(EDIT), &edit.base), STATUS_OK);
    hash.len = 16;
    assert_int_equal(check(KIND(EDIT), &edit.base), STATUS_BAD_LENGTH);
    hash.len = 32;
    edit.n_fields = LIST_MAX + 1;
    assert_int_equal(check(KIND(EDIT), &edit.base), STATUS_OVER_LIMIT);
    edit.n_fields = 1;
    field.change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_SET;
    field.set = &set;
    set.n_remove = 1;
    set.remove = removals;
    removal.value = name;
    assert_int_equal(check(KIND(EDIT), &edit.base), STATUS_MISSING_FIELD); /* no additions seen */
    removal.n_additions_seen = 1;
    removal.additions_seen = &hash;
    assert_int_equal(check(KIND(EDIT), &edit.base), STATUS_OK);
    hash.len = 31;
    assert_int_equal(check(KIND(EDIT), &edit.base), STATUS_BAD_LENGTH);
}

static void plan__names_one_to_eight_and_has_a_window(void **state)
{
    Doublecrew__V1__Plan plan = DOUBLECREW__V1__PLAN__INIT;
    ProtobufCBinaryData officers[9];

    (void)state;
    for (size_t i = 0; i < 9; i++)
        officers[i] = bytes_of(16);
    plan.plan_id = bytes_of(16);
    plan.offender_id = bytes_of(16);
    plan.officer_ids = officers;
    plan.from_ms = 1000;
    plan.to_ms = 2000;
    assert_int_equal(check(KIND(PLAN), &plan.base), STATUS_MISSING_FIELD);
    plan.n_officer_ids = 8;
    assert_int_equal(check(KIND(PLAN), &plan.base), STATUS_OK);
    plan.n_officer_ids = 9;
    assert_int_equal(check(KIND(PLAN), &plan.base), STATUS_OVER_LIMIT);
    plan.n_officer_ids = 2;
    plan.to_ms = 1000;
    assert_int_equal(check(KIND(PLAN), &plan.base), STATUS_MALFORMED);
    plan.to_ms = TIME_MS_MAX + 1;
    assert_int_equal(check(KIND(PLAN), &plan.base), STATUS_MALFORMED);
    plan.to_ms = -1;
    assert_int_equal(check(KIND(PLAN), &plan.base), STATUS_MALFORMED);
    plan.to_ms = 0;
    assert_int_equal(check(KIND(PLAN), &plan.base), STATUS_MISSING_FIELD);
}

static void authority_word__is_about_exactly_one_thing(void **state)
{
    static const enum status expected[8] = {STATUS_MISSING_FIELD, STATUS_OK,       STATUS_OK,
                                            STATUS_MALFORMED,     STATUS_OK,       STATUS_MALFORMED,
                                            STATUS_MALFORMED,     STATUS_MALFORMED};

    (void)state;
    for (size_t bits = 0; bits < 8; bits++) {
        Doublecrew__V1__AuthorityWord word = DOUBLECREW__V1__AUTHORITY_WORD__INIT;

        word.officer_id = bytes_of(16);
        word.offender_id = bytes_of(16);
        word.plan_id = bytes_of((bits & 1) != 0 ? 16 : 0);
        word.presence = bytes_of((bits & 2) != 0 ? 32 : 0);
        word.from_ms = (bits & 4) != 0 ? 5 : 0;
        word.to_ms = (bits & 4) != 0 ? 6 : 0;
        assert_int_equal(check(KIND(AUTHORITY_WORD), &word.base), expected[bits]);
        word.to_ms = (bits & 4) != 0 ? 5 : 0; /* an empty window */
        assert_int_equal(check(KIND(AUTHORITY_WORD), &word.base), bits == 4 ? STATUS_MALFORMED : expected[bits]);
    }
}

static void device__key_fits_its_algorithm(void **state)
{
    Doublecrew__V1__Device device = DOUBLECREW__V1__DEVICE__INIT;

    (void)state;
    device.device_id = bytes_of(16);
    device.log_id = bytes_of(16);
    assert_int_equal(check(KIND(DEVICE), &device.base), STATUS_MISSING_FIELD);
    device.key_algorithm = 1;
    device.public_key = bytes_of(32);
    assert_int_equal(check(KIND(DEVICE), &device.base), STATUS_OK);
    device.public_key = bytes_of(65);
    assert_int_equal(check(KIND(DEVICE), &device.base), STATUS_BAD_LENGTH);
    device.key_algorithm = 2;
    assert_int_equal(check(KIND(DEVICE), &device.base), STATUS_OK);
    device.key_algorithm = 3;
    assert_int_equal(check(KIND(DEVICE), &device.base), STATUS_UNKNOWN_KIND);
    device.public_key = bytes_of(66);
    assert_int_equal(check(KIND(DEVICE), &device.base), STATUS_OVER_LIMIT);
}

static void roster__enums_are_needed_and_known(void **state)
{
    Doublecrew__V1__Offender offender = DOUBLECREW__V1__OFFENDER__INIT;
    Doublecrew__V1__Policy policy = DOUBLECREW__V1__POLICY__INIT;
    Doublecrew__V1__RiskLevel risks[3] = {3, 4, 5};

    (void)state;
    offender.offender_id = bytes_of(16);
    offender.reference = text_of(8);
    assert_int_equal(check(KIND(OFFENDER), &offender.base), STATUS_MISSING_FIELD);
    offender.risk = 4;
    assert_int_equal(check(KIND(OFFENDER), &offender.base), STATUS_OK);
    offender.risk = 5;
    assert_int_equal(check(KIND(OFFENDER), &offender.base), STATUS_UNKNOWN_KIND);
    assert_int_equal(check(KIND(POLICY), &policy.base), STATUS_MISSING_FIELD);
    policy.version = 1;
    policy.n_lone_forbidden = 2;
    policy.lone_forbidden = risks;
    assert_int_equal(check(KIND(POLICY), &policy.base), STATUS_OK);
    policy.n_lone_forbidden = 3;
    assert_int_equal(check(KIND(POLICY), &policy.base), STATUS_UNKNOWN_KIND);
}

static bool shape_fits(const struct field_rule *rule, const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BYTES:
        return rule->shape == SHAPE_ID || rule->shape == SHAPE_HASH || rule->shape == SHAPE_SUBJECT ||
               rule->shape == SHAPE_BYTES;
    case PROTOBUF_C_TYPE_STRING:
        return rule->shape == SHAPE_TEXT;
    case PROTOBUF_C_TYPE_MESSAGE:
        return rule->shape == SHAPE_MESSAGE;
    case PROTOBUF_C_TYPE_ENUM:
        return rule->shape == SHAPE_ENUM;
    case PROTOBUF_C_TYPE_INT64:
        return rule->shape == SHAPE_TIME;
    case PROTOBUF_C_TYPE_UINT32:
        return rule->shape == SHAPE_ANY || rule->shape == SHAPE_NUMBER;
    default:
        return rule->shape == SHAPE_ANY;
    }
}

/* A field that is added to the schema needs a rule: in its place, of its type, and with a limit when it is a list. */
static void expect_complete(const struct message_rules *rules)
{
    assert_non_null(rules);
    assert_int_equal(rules->field_count, rules->descriptor->n_fields);
    for (size_t i = 0; i < rules->field_count; i++) {
        const ProtobufCFieldDescriptor *field = &rules->descriptor->fields[i];

        assert_int_equal(rules->fields[i].number, field->id);
        assert_true(shape_fits(&rules->fields[i], field));
        assert_true(field->label != PROTOBUF_C_LABEL_REPEATED || rules->fields[i].count_max > 0);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            expect_complete(payload_rules_of(field->descriptor));
    }
}

static void tables__have_a_rule_for_every_field_of_every_kind(void **state)
{
    const ProtobufCEnumDescriptor *kinds = &doublecrew__v1__entry_kind__descriptor;

    (void)state;
    for (unsigned i = 0; i < kinds->n_values; i++) {
        if (kinds->values[i].value != 0)
            expect_complete(payload_rules_of_kind((uint16_t)kinds->values[i].value));
    }
    assert_null(payload_rules_of_kind(0));
}

static void tables__nothing_but_a_seal_may_be_empty(void **state)
{
    const ProtobufCEnumDescriptor *kinds = &doublecrew__v1__entry_kind__descriptor;

    (void)state;
    for (unsigned i = 0; i < kinds->n_values; i++) {
        uint16_t kind = (uint16_t)kinds->values[i].value;
        const ProtobufCMessageDescriptor *descriptor = payload_descriptor(kind);
        ProtobufCMessage *empty;

        if (kind == 0)
            continue;
        assert_non_null(descriptor);
        empty = calloc(1, descriptor->sizeof_message);
        assert_non_null(empty);
        protobuf_c_message_init(descriptor, empty);
        assert_int_equal(check(kind, empty), kind == KIND(SEAL) ? STATUS_OK : STATUS_MISSING_FIELD);
        free(empty);
    }
}

static void kinds__unknown_ones_and_other_types_are_told_apart(void **state)
{
    Doublecrew__V1__Seal seal = DOUBLECREW__V1__SEAL__INIT;
    ProtobufCMessage *message = NULL;
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_new(&arena), STATUS_OK);
    assert_int_equal(payload_open(arena, 0, span_of(NULL, 0), &message), STATUS_UNKNOWN_KIND);
    assert_int_equal(payload_open(arena, 63, span_of(NULL, 0), &message), STATUS_UNKNOWN_KIND);
    assert_int_equal(payload_open(arena, 65535, span_of("\xff", 1), &message), STATUS_UNKNOWN_KIND);
    assert_int_equal(payload_open(arena, KIND(CHECK_IN), span_of("\xff", 1), &message), STATUS_MALFORMED);
    assert_null(message);
    assert_int_equal(payload_open(arena, KIND(SEAL), span_of("\x08\x01", 2), &message), STATUS_OK); /* a newer app's */
    assert_int_equal(payload_check(KIND(CHECK_IN), &seal.base), STATUS_INPUT);
    assert_int_equal(payload_check(999, &seal.base), STATUS_UNKNOWN_KIND);
    arena_free(arena);
}

static void kinds__every_one_has_its_own_name(void **state)
{
    const ProtobufCEnumDescriptor *descriptor = &doublecrew__v1__entry_kind__descriptor;

    (void)state;
    assert_string_equal(entry_kind_name(0), "unknown");
    assert_string_equal(entry_kind_name(63), "unknown");
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        const char *schema_name = descriptor->values[i].name + strlen("ENTRY_KIND_");
        const char *name = entry_kind_name((uint16_t)descriptor->values[i].value);

        if (descriptor->values[i].value == 0)
            continue;
        assert_int_equal(strlen(name), strlen(schema_name)); /* the schema's, in lower case */
        for (size_t at = 0; name[at] != '\0'; at++)
            assert_int_equal(name[at], schema_name[at] == '_' ? '_' : schema_name[at] + ('a' - 'A'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_in__ids_hashes_and_names),
        cmocka_unit_test(place__must_be_on_the_globe),
        cmocka_unit_test(note__subject_is_a_presence_or_an_offender),
        cmocka_unit_test(edit__nested_changes_are_checked_too),
        cmocka_unit_test(plan__names_one_to_eight_and_has_a_window),
        cmocka_unit_test(authority_word__is_about_exactly_one_thing),
        cmocka_unit_test(device__key_fits_its_algorithm),
        cmocka_unit_test(roster__enums_are_needed_and_known),
        cmocka_unit_test(tables__have_a_rule_for_every_field_of_every_kind),
        cmocka_unit_test(tables__nothing_but_a_seal_may_be_empty),
        cmocka_unit_test(kinds__unknown_ones_and_other_types_are_told_apart),
        cmocka_unit_test(kinds__every_one_has_its_own_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
