#include "core/payload_schema.h"

#include "core/geo.h"
#include "core/limits.h"
#include "core/sign.h"

#include "doublecrew/v1/entry.pb-c.h"

#define REQUIRED true
#define OPTIONAL false
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ANY(number)                                                                                                    \
    {                                                                                                                  \
        number, SHAPE_ANY, OPTIONAL, 0, 0                                                                              \
    }
#define NUMBER(number, required)                                                                                       \
    {                                                                                                                  \
        number, SHAPE_NUMBER, required, 0, 0                                                                           \
    }
#define TIME(number, required)                                                                                         \
    {                                                                                                                  \
        number, SHAPE_TIME, required, 0, 0                                                                             \
    }
#define ENUM(number, required)                                                                                         \
    {                                                                                                                  \
        number, SHAPE_ENUM, required, 0, LIST_MAX                                                                      \
    }
#define ID(number, required)                                                                                           \
    {                                                                                                                  \
        number, SHAPE_ID, required, 0, 0                                                                               \
    }
#define IDS(number, required, count_max)                                                                               \
    {                                                                                                                  \
        number, SHAPE_ID, required, 0, count_max                                                                       \
    }
#define HASH(number, required)                                                                                         \
    {                                                                                                                  \
        number, SHAPE_HASH, required, 0, 0                                                                             \
    }
#define HASHES(number, required)                                                                                       \
    {                                                                                                                  \
        number, SHAPE_HASH, required, 0, LIST_MAX                                                                      \
    }
#define SUBJECT(number)                                                                                                \
    {                                                                                                                  \
        number, SHAPE_SUBJECT, REQUIRED, 0, 0                                                                          \
    }
#define BYTES(number, required, max)                                                                                   \
    {                                                                                                                  \
        number, SHAPE_BYTES, required, max, 0                                                                          \
    }
#define SHORT(number, required)                                                                                        \
    {                                                                                                                  \
        number, SHAPE_TEXT, required, TEXT_SHORT_MAX, LIST_MAX                                                         \
    }
#define LONG(number, required)                                                                                         \
    {                                                                                                                  \
        number, SHAPE_TEXT, required, PAYLOAD_SIZE_MAX, 0                                                              \
    }
#define MESSAGE(number, required)                                                                                      \
    {                                                                                                                  \
        number, SHAPE_MESSAGE, required, 0, LIST_MAX                                                                   \
    }

#define COSIGN_NONCE_MAX 64

static const struct field_rule place[] = {ANY(1), ANY(2), ANY(3)};
static const struct field_rule check_in[] = {
    ID(1, REQUIRED),      ID(2, REQUIRED), ENUM(3, OPTIONAL), IDS(4, OPTIONAL, NAMED_MAX),          SHORT(5, OPTIONAL),
    MESSAGE(6, OPTIONAL), ID(7, OPTIONAL), HASH(8, OPTIONAL), BYTES(9, OPTIONAL, COSIGN_NONCE_MAX),
};
static const struct field_rule check_out[] = {HASH(1, REQUIRED), MESSAGE(2, OPTIONAL)};
static const struct field_rule outcome[] = {HASH(1, REQUIRED), ENUM(2, REQUIRED)};
static const struct field_rule note[] = {SUBJECT(1), LONG(2, REQUIRED), HASH(3, OPTIONAL)};
static const struct field_rule edit[] = {SUBJECT(1), MESSAGE(2, REQUIRED)};
static const struct field_rule field_edit[] = {SHORT(1, REQUIRED), HASHES(2, OPTIONAL), LONG(3, OPTIONAL),
                                               MESSAGE(4, OPTIONAL)};
static const struct field_rule set_change[] = {SHORT(1, OPTIONAL), MESSAGE(2, OPTIONAL)};
static const struct field_rule set_removal[] = {SHORT(1, REQUIRED), HASHES(2, REQUIRED)};
static const struct field_rule cosign_confirm[] = {HASH(1, REQUIRED), HASH(2, REQUIRED), ANY(3)};
static const struct field_rule plan[] = {ID(1, REQUIRED),   ID(2, REQUIRED),   IDS(3, REQUIRED, NAMED_MAX),
                                         TIME(4, REQUIRED), TIME(5, REQUIRED), ANY(6)};
static const struct field_rule authority_request[] = {ID(1, REQUIRED),   ID(2, REQUIRED),   ID(3, OPTIONAL),
                                                      TIME(4, OPTIONAL), TIME(5, OPTIONAL), LONG(6, OPTIONAL)};
static const struct field_rule authority_word[] = {
    ID(1, REQUIRED),   ID(2, REQUIRED),   ANY(3),
    ID(4, OPTIONAL),   HASH(5, OPTIONAL), TIME(6, OPTIONAL),
    TIME(7, OPTIONAL), LONG(8, OPTIONAL), HASH(9, OPTIONAL),
};
static const struct field_rule decision[] = {HASH(1, REQUIRED), ANY(2), SHORT(3, OPTIONAL), LONG(4, OPTIONAL),
                                             HASH(5, OPTIONAL)};
static const struct field_rule flag_acknowledgement[] = {HASH(1, REQUIRED)};
static const struct field_rule flag_answer[] = {HASH(1, REQUIRED), LONG(2, REQUIRED)};
static const struct field_rule carried[] = {BYTES(1, REQUIRED, PAYLOAD_SIZE_MAX)};
static const struct field_rule log_lost[] = {ID(1, REQUIRED), ANY(2)};
static const struct field_rule proposal_answer[] = {HASH(1, REQUIRED), ANY(2), LONG(3, OPTIONAL)};
static const struct field_rule cover[] = {ID(1, REQUIRED), ID(2, OPTIONAL), TIME(3, OPTIONAL), TIME(4, OPTIONAL)};
static const struct field_rule purged[] = {BYTES(1, REQUIRED, 8), ANY(2), ANY(3)};
static const struct field_rule force[] = {
    ID(1, REQUIRED),
    SHORT(2, REQUIRED),
    ANY(3),
    ID(4, REQUIRED),
    ID(5, REQUIRED),
    ID(6, REQUIRED),
    NUMBER(7, REQUIRED),
    BYTES(8, REQUIRED, PUBLIC_KEY_SIZE_MAX),
    HASH(9, REQUIRED),
    HASH(10, OPTIONAL),
};
static const struct field_rule team[] = {ID(1, REQUIRED), SHORT(2, REQUIRED), SHORT(3, REQUIRED)};
static const struct field_rule officer[] = {
    ID(1, REQUIRED), SHORT(2, REQUIRED),         SHORT(3, REQUIRED), ENUM(4, REQUIRED),
    ANY(5),          IDS(6, OPTIONAL, LIST_MAX), TIME(7, OPTIONAL),  TIME(8, OPTIONAL),
    ANY(9),
};
static const struct field_rule offender[] = {
    ID(1, REQUIRED), SHORT(2, REQUIRED),   SHORT(3, OPTIONAL), ENUM(4, REQUIRED), ID(5, OPTIONAL),
    ID(6, OPTIONAL), MESSAGE(7, OPTIONAL), TIME(8, OPTIONAL),  TIME(9, OPTIONAL), SHORT(10, OPTIONAL),
};
static const struct field_rule device[] = {
    ID(1, REQUIRED),
    ID(2, REQUIRED),
    ID(3, OPTIONAL),
    NUMBER(4, REQUIRED),
    BYTES(5, REQUIRED, PUBLIC_KEY_SIZE_MAX),
    HASH(6, OPTIONAL),
    SHORT(7, OPTIONAL),
};
static const struct field_rule device_state[] = {ID(1, REQUIRED), ENUM(2, REQUIRED), TIME(3, OPTIONAL),
                                                 LONG(4, OPTIONAL)};
static const struct field_rule anchor_void[] = {TIME(1, OPTIONAL), TIME(2, REQUIRED), LONG(3, REQUIRED)};
static const struct field_rule policy[] = {
    NUMBER(1, REQUIRED),
    TIME(2, OPTIONAL),
    ANY(3),
    ANY(4),
    ANY(5),
    ANY(6),
    ANY(7),
    ANY(8),
    ANY(9),
    ANY(10),
    ANY(11),
    ANY(12),
    ANY(13),
    ENUM(14, OPTIONAL),
    ANY(15),
    ANY(16),
    ANY(17),
    ANY(18),
    ANY(19),
    ANY(20),
    ANY(21),
    ANY(22),
    ANY(23),
    ANY(24),
    ANY(25),
    ANY(26),
    ANY(27),
    ANY(28),
};

static enum status check_place(const ProtobufCMessage *base)
{
    const Doublecrew__V1__Place *message = (const Doublecrew__V1__Place *)base;
    struct geo_point point = {message->latitude_e7, message->longitude_e7};

    return geo_valid(&point) ? STATUS_OK : STATUS_MALFORMED;
}

/* Officers are named when, and only when, the officer says that somebody was named (W2). */
static enum status check_check_in(const ProtobufCMessage *base)
{
    const Doublecrew__V1__CheckIn *message = (const Doublecrew__V1__CheckIn *)base;
    bool named = message->company == DOUBLECREW__V1__COMPANY__COMPANY_NAMED;

    if (named && message->n_named_officer_ids == 0 && message->agency[0] == '\0')
        return STATUS_MISSING_FIELD;
    return named || message->n_named_officer_ids == 0 ? STATUS_OK : STATUS_MALFORMED;
}

static enum status check_field_edit(const ProtobufCMessage *base)
{
    const Doublecrew__V1__FieldEdit *message = (const Doublecrew__V1__FieldEdit *)base;

    return message->change_case == DOUBLECREW__V1__FIELD_EDIT__CHANGE__NOT_SET ? STATUS_MISSING_FIELD : STATUS_OK;
}

static enum status check_plan(const ProtobufCMessage *base)
{
    const Doublecrew__V1__Plan *message = (const Doublecrew__V1__Plan *)base;

    return message->from_ms < message->to_ms ? STATUS_OK : STATUS_MALFORMED;
}

static enum status check_authority_request(const ProtobufCMessage *base)
{
    const Doublecrew__V1__AuthorityRequest *message = (const Doublecrew__V1__AuthorityRequest *)base;
    bool window = message->from_ms != 0 || message->to_ms != 0;

    return !window || message->from_ms < message->to_ms ? STATUS_OK : STATUS_MALFORMED;
}

/* A word is about exactly one of a plan, a check-in, a window (L1). */
static enum status check_authority_word(const ProtobufCMessage *base)
{
    const Doublecrew__V1__AuthorityWord *message = (const Doublecrew__V1__AuthorityWord *)base;
    bool window = message->from_ms != 0 || message->to_ms != 0;
    int named = (message->plan_id.len > 0) + (message->presence.len > 0) + window;

    if (named == 0)
        return STATUS_MISSING_FIELD;
    if (named > 1)
        return STATUS_MALFORMED;
    return !window || message->from_ms < message->to_ms ? STATUS_OK : STATUS_MALFORMED;
}

static enum status check_key(uint32_t algorithm, ProtobufCBinaryData bytes)
{
    struct public_key ignored;

    return public_key_from_wire(algorithm, span_of(bytes.data, bytes.len), &ignored);
}

static enum status check_force(const ProtobufCMessage *base)
{
    const Doublecrew__V1__Force *message = (const Doublecrew__V1__Force *)base;

    return check_key(message->key_algorithm, message->operator_key);
}

static enum status check_device(const ProtobufCMessage *base)
{
    const Doublecrew__V1__Device *message = (const Doublecrew__V1__Device *)base;

    return check_key(message->key_algorithm, message->public_key);
}

static enum status check_anchor_void(const ProtobufCMessage *base)
{
    const Doublecrew__V1__AnchorVoid *message = (const Doublecrew__V1__AnchorVoid *)base;

    return message->from_ms < message->to_ms ? STATUS_OK : STATUS_MALFORMED;
}

static enum status check_purged(const ProtobufCMessage *base)
{
    return ((const Doublecrew__V1__Purged *)base)->purge_id.len == 8 ? STATUS_OK : STATUS_BAD_LENGTH;
}

static enum status check_officer(const ProtobufCMessage *base)
{
    const Doublecrew__V1__Officer *message = (const Doublecrew__V1__Officer *)base;

    if (message->entitled_to_ms != 0 && message->entitled_from_ms >= message->entitled_to_ms)
        return STATUS_MALFORMED;
    return STATUS_OK;
}

static enum status check_cover(const ProtobufCMessage *base)
{
    const Doublecrew__V1__Cover *message = (const Doublecrew__V1__Cover *)base;

    return message->to_ms == 0 || message->from_ms < message->to_ms ? STATUS_OK : STATUS_MALFORMED;
}

#define RULES(name, check)                                                                                             \
    {                                                                                                                  \
        &doublecrew__v1__##name##__descriptor, name, COUNT_OF(name), check                                             \
    }

struct kind_rules {
    uint16_t kind;
    struct message_rules rules;
};

static const struct kind_rules kinds[] = {
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, RULES(check_in, check_check_in)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_OUT, RULES(check_out, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OUTCOME, RULES(outcome, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_NOTE, RULES(note, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_EDIT, RULES(edit, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COSIGN_CONFIRM, RULES(cosign_confirm, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_PLAN, RULES(plan, check_plan)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_AUTHORITY_REQUEST, RULES(authority_request, check_authority_request)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_AUTHORITY_WORD, RULES(authority_word, check_authority_word)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DECISION, RULES(decision, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_FLAG_ACKNOWLEDGEMENT, RULES(flag_acknowledgement, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_FLAG_ANSWER, RULES(flag_answer, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL, {&doublecrew__v1__seal__descriptor, NULL, 0, NULL}},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED, RULES(carried, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_LOG_LOST, RULES(log_lost, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_PURGED, RULES(purged, check_purged)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_PROPOSAL_ANSWER, RULES(proposal_answer, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COVER, RULES(cover, check_cover)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_FORCE, RULES(force, check_force)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_TEAM, RULES(team, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OFFICER, RULES(officer, check_officer)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OFFENDER, RULES(offender, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DEVICE, RULES(device, check_device)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DEVICE_STATE, RULES(device_state, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_POLICY, RULES(policy, NULL)},
    {DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_ANCHOR_VOID, RULES(anchor_void, check_anchor_void)},
};

static const struct message_rules nested[] = {
    RULES(place, check_place),
    RULES(field_edit, check_field_edit),
    RULES(set_change, NULL),
    RULES(set_removal, NULL),
};

const struct message_rules *payload_rules_of_kind(uint16_t kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (kinds[i].kind == kind)
            return &kinds[i].rules;
    }
    return NULL;
}

const struct message_rules *payload_rules_of(const ProtobufCMessageDescriptor *descriptor)
{
    for (size_t i = 0; i < COUNT_OF(nested); i++) {
        if (nested[i].descriptor == descriptor)
            return &nested[i];
    }
    return NULL;
}
