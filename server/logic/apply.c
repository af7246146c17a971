/* From an entry to its handler: one table by kind. Whatever an entry says, it is kept; what can't count is held. */
#include "server/logic/batch_internal.h"

#include <string.h>

#include "core/payload.h"

enum entry_class {
    CLASS_FACT,    /* applies even when held: the rule itself keeps held evidence apart */
    CLASS_ACT,     /* has no effect while its author's device is held */
    CLASS_ASKED,   /* an act that only asks: a partner's log may carry it */
    CLASS_OPERATOR /* an operator's device only */
};

struct kind_row {
    uint16_t kind;
    enum entry_class class;
    apply_handler handler;
};

#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name

static const struct kind_row kinds[] = {
    {KIND(CHECK_IN), CLASS_FACT, apply_check_in},
    {KIND(CHECK_OUT), CLASS_FACT, apply_check_out},
    {KIND(OUTCOME), CLASS_FACT, apply_outcome},
    {KIND(NOTE), CLASS_FACT, apply_note},
    {KIND(EDIT), CLASS_ACT, apply_edit},
    {KIND(COSIGN_CONFIRM), CLASS_FACT, apply_cosign_confirm},
    {KIND(PLAN), CLASS_ACT, apply_plan},
    {KIND(AUTHORITY_REQUEST), CLASS_ASKED, apply_authority_request},
    {KIND(AUTHORITY_WORD), CLASS_ACT, apply_authority_word},
    {KIND(DECISION), CLASS_ACT, apply_decision},
    {KIND(FLAG_ACKNOWLEDGEMENT), CLASS_ACT, apply_flag_acknowledgement},
    {KIND(FLAG_ANSWER), CLASS_ACT, apply_flag_answer},
    {KIND(SEAL), CLASS_FACT, apply_seal},
    {KIND(CARRIED), CLASS_FACT, apply_carried},
    {KIND(LOG_LOST), CLASS_ACT, apply_log_lost},
    {KIND(PURGED), CLASS_FACT, apply_purged},
    {KIND(PROPOSAL_ANSWER), CLASS_ACT, apply_proposal_answer},
    {KIND(COVER), CLASS_ACT, apply_cover},
    {KIND(FORCE), CLASS_OPERATOR, apply_force},
    {KIND(TEAM), CLASS_OPERATOR, apply_team},
    {KIND(OFFICER), CLASS_OPERATOR, apply_officer},
    {KIND(OFFENDER), CLASS_OPERATOR, apply_offender},
    {KIND(DEVICE), CLASS_OPERATOR, apply_device},
    {KIND(DEVICE_STATE), CLASS_OPERATOR, apply_device_state},
    {KIND(POLICY), CLASS_OPERATOR, apply_policy},
    {KIND(ANCHOR_VOID), CLASS_OPERATOR, apply_anchor_void},
};

static const struct kind_row *kind_row_of(uint16_t kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].kind == kind)
            return &kinds[i];
    }
    return NULL;
}

struct id pb_id(ProtobufCBinaryData bytes)
{
    struct id id = {{0}};

    if (bytes.len == ID_SIZE)
        memcpy(id.bytes, bytes.data, ID_SIZE);
    return id;
}

struct hash pb_hash(ProtobufCBinaryData bytes)
{
    struct hash hash = {{0}};

    if (bytes.len == HASH_SIZE)
        memcpy(hash.bytes, bytes.data, HASH_SIZE);
    return hash;
}

/* protobuf-c's messages hold pointers to non-const bytes; packing only reads them. */
static ProtobufCBinaryData borrow(const uint8_t *bytes, size_t size)
{
    ProtobufCBinaryData data = {.len = size};

    memcpy(&data.data, &bytes, sizeof(bytes));
    return data;
}

ProtobufCBinaryData pb_from_id(const struct id *id)
{
    return borrow(id->bytes, id_is_zero(id) ? 0 : ID_SIZE);
}

ProtobufCBinaryData pb_from_hash(const struct hash *hash)
{
    return borrow(hash->bytes, hash_is_zero(hash) ? 0 : HASH_SIZE);
}

void stamp_of(const struct applying *applying, const Doublecrew__V1__Place *place, struct fact_stamp *ret_stamp)
{
    const struct entry_header *header = &applying->entry->header;

    *ret_stamp = (struct fact_stamp){
        .seq = header->seq,
        .boot = header->boot,
        .mono_us = (int64_t)header->monotonic_ms * 1000,
        .wall_us = header->wall_ms * 1000,
        .checkpoint_us = applying->checkpoint_us,
        .received_us = applying->received_us,
        .pos = applying->entry_pos,
        .has_place = place != NULL,
    };
    if (place != NULL) {
        ret_stamp->latitude_e7 = place->latitude_e7;
        ret_stamp->longitude_e7 = place->longitude_e7;
        ret_stamp->accuracy_m = place->accuracy_m;
    }
}

static enum status load_author(struct batch *batch, struct applying *applying)
{
    enum status status = officer_then(batch, &applying->device->officer, &applying->author);

    applying->author_known = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* What speaks against an act of this log; NULL: nothing. */
static const char *objection(const struct kind_row *row, const struct applying *applying)
{
    const struct device_row *device = applying->device;

    if (applying->carried && (device->standing == DEVICE_SUSPENDED || device->standing == DEVICE_LOST))
        return "device_suspended"; /* what it pushed itself was held by its standing already */
    if (device->fork_seq != 0 && applying->entry->header.seq >= device->fork_seq)
        return "contested";
    if (!applying->author_known)
        return "unknown_officer";
    return row->class == CLASS_OPERATOR && !applying->author.is_operator ? "not_permitted" : NULL;
}

/* Whether the entry may have an effect; says why not. */
static bool has_effect(const struct kind_row *row, struct applying *applying)
{
    bool first_record = applying->pos == 1;

    if (row->class == CLASS_FACT || first_record)
        return true;
    if (applying->carried && row->class != CLASS_ASKED)
        applying->held = "not_permitted";
    else if (applying->held == NULL)
        applying->held = objection(row, applying);
    return applying->held == NULL;
}

enum status apply_entry(struct batch *batch, struct applying *applying)
{
    uint16_t kind = applying->entry->header.kind;
    const struct kind_row *row = kind_row_of(kind);
    ProtobufCMessage *message;
    enum status status;

    if (row == NULL) {
        applying->held = "unknown_kind";
        return STATUS_OK;
    }
    RETURN_IF_BAD(load_author(batch, applying));
    if (!has_effect(row, applying))
        return STATUS_OK;
    if (!applying->carried) /* a carried entry's carrier still needs its own message */
        arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    status = payload_open(batch->arena, kind, entry_message(applying->entry), &message);
    if (status == STATUS_OK)
        return row->handler(batch, applying, message);
    if (status == STATUS_NO_MEMORY)
        return status;
    applying->held = "malformed_payload";
    return STATUS_OK;
}
