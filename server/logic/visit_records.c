#include "server/logic/visit_records.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire_read.h"
#include "server/logic/batch_internal.h"

/* Of sync.proto's Row and PresenceRow. */
#define ROW_PRESENCE 6
enum presence_field { FIELD_IN_FROM_MS = 5, FIELD_COMPANY = 10, FIELD_REASONS = 17, FIELD_PARTNER_ID = 22 };

#define SLOTS 16384 /* 72 bytes each: what a few hundred officers did in a quarter */

struct slot {
    struct visit_record record;
    uint64_t drops; /* that had been when it was read */
};

struct visit_records {
    uint64_t drops;
    struct slot slots[SLOTS];
};

enum status visit_records_new(struct visit_records **ret_records)
{
    *ret_records = calloc(1, sizeof(**ret_records));
    if (*ret_records == NULL)
        return STATUS_NO_MEMORY;
    (*ret_records)->drops = 1; /* an empty slot has 0 */
    return STATUS_OK;
}

void visit_records_free(struct visit_records *records)
{
    free(records);
}

void visit_records_drop(struct visit_records *records)
{
    records->drops++;
}

/* Hashes are random already; in tests only their ends are. */
static struct slot *slot_of(struct visit_records *records, const struct hash *presence)
{
    uint64_t first, last;

    memcpy(&first, presence->bytes, sizeof(first));
    memcpy(&last, presence->bytes + HASH_SIZE - sizeof(last), sizeof(last));
    return &records->slots[(first ^ last >> 32) % SLOTS];
}

void visit_record_forget(struct visit_records *records, const struct hash *presence)
{
    struct slot *slot = slot_of(records, presence);

    if (hash_equal(&slot->record.presence, presence))
        slot->drops = 0;
}

static bool is_company(struct span text, enum rule_company company)
{
    const char *name = rule_company_name(company);

    return span_equal(text, span_of(name, strlen(name)));
}

/* Only what counts here, read where it lies. */
static enum status take_presence(struct span presence, struct visit_record *record)
{
    struct span company = span_of(NULL, 0);
    uint64_t reasons = 0;
    struct wire_field field;

    while (presence.size > 0) {
        RETURN_IF_BAD(wire_read_field(&presence, &field));
        switch (field.number) {
        case FIELD_IN_FROM_MS:
            record->in_ms = (int64_t)field.value;
            break;
        case FIELD_COMPANY:
            company = field.data;
            break;
        case FIELD_REASONS:
            reasons = field.value;
            break;
        case FIELD_PARTNER_ID:
            RETURN_IF_BAD(id_from_span(field.data, &record->partner));
            break;
        default:
            break;
        }
    }
    record->joint = is_company(company, RULE_COMPANY_JOINT);
    record->lone = is_company(company, RULE_COMPANY_LONE_CONFIRMED) ||
                   (is_company(company, RULE_COMPANY_PART_JOINT) && (reasons & RULE_REASON_OPEN) == 0);
    return STATUS_OK;
}

static enum status read_record(struct store *store, struct visit_record *record)
{
    struct view_key key = view_key_of_hash('p', &record->presence);
    struct view_row view;
    struct span presence;
    enum status status = store->ops->view_get(store, span_of(key.bytes, key.size), &view);

    if (status == STATUS_OK)
        status = wire_find(view.row, ROW_PRESENCE, &presence);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* not derived: nothing is known of it */
    return take_presence(presence, record);
}

enum status visit_record_get(struct visit_records *records, struct store *store, const struct hash *presence,
                             struct visit_record *ret_record)
{
    struct slot *slot = slot_of(records, presence);
    struct visit_record record = {.presence = *presence};

    if (slot->drops != records->drops || !hash_equal(&slot->record.presence, presence)) {
        RETURN_IF_BAD(read_record(store, &record));
        *slot = (struct slot){record, records->drops};
    }
    *ret_record = slot->record;
    return STATUS_OK;
}
