/* What speaks against answering a co-signing code, as far as this phone can know it; the server knows the rest. */
#include <string.h>

#include "core/rule.h"
#include "device/cosign_code.h"
#include "device/own_log.h"
#include "device/preview.h"
#include "device/row_read.h"
#include "device/view_rows.h"

struct partner {
    bool known;
    bool entitled;
};

static bool on_officer(void *context, const Doublecrew__V1__Row *row)
{
    struct partner *partner = context;
    struct row_officer officer;

    row_read_officer(row->officer, &officer);
    partner->known = officer.officer.role != DC_ROLE_UNKNOWN;
    partner->entitled = partner->known && officer.officer.role != DC_ROLE_STAFF;
    return false;
}

/* The partner must be somebody whom the cached roster knows, in a role that may attend; also while its rows are sealed. */
static enum status check_partner(struct dc_device *device, const struct cosign_code *code)
{
    struct dc_id officer;
    struct partner partner = {.known = false};
    struct view_key key;
    enum status status;

    memcpy(officer.bytes, code->check_in->officer_id.data, ID_SIZE);
    if (id_equal(&code->entry.header.log, &device->identity.log) ||
        memcmp(officer.bytes, device->officer.bytes, ID_SIZE) == 0) {
        return STATUS_CODE_OWN;
    }
    key = view_key_id('o', &officer);
    status = view_each(device, &key, DOUBLECREW__V1__ROW__ROW_OFFICER, on_officer, &partner, NULL);
    if (status != STATUS_OK || partner.entitled) {
        return status;
    }
    return partner.known ? STATUS_NOT_ENTITLED : STATUS_UNKNOWN_OFFICER;
}

struct used_search {
    struct span nonce;
    struct span partner; /* the check-in that the code shows */
    bool used;
};

static bool on_used(void *context, const struct entry *entry, const ProtobufCMessage *message)
{
    const Doublecrew__V1__CheckIn *check_in = (const Doublecrew__V1__CheckIn *)message;
    struct used_search *search = context;

    (void)entry;
    search->used =
        span_equal(span_of(check_in->cosign_nonce.data, check_in->cosign_nonce.len), search->nonce) ||
        span_equal(span_of(check_in->cosigned_check_in.data, check_in->cosigned_check_in.len), search->partner);
    return !search->used;
}

/* One code, one visit: a picture of it shown again later proves nothing. */
static enum status check_unused(struct dc_device *device, const struct cosign_code *code)
{
    struct used_search search = {.nonce = span_of(code->nonce.bytes, ID_SIZE),
                                 .partner = span_of(code->entry.hash.bytes, HASH_SIZE)};
    enum status status = own_each(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, on_used, &search);

    return status == STATUS_OK && search.used ? STATUS_CODE_USED : status;
}

/*
 * Certainly older than the longest visit: then its visit is over (V4). Only what two anchors prove counts, never a wall clock; a
 * phone that can't know takes the code, and the server judges by what it knows later.
 */
static enum status check_fresh(struct dc_device *device, const struct cosign_code *code)
{
    struct sync_now now = device_now(device);
    int64_t longest_us, now_us;
    enum status status = preview_longest_visit(device, &longest_us);

    if (status != STATUS_OK || code->latest_us == RULE_FOREVER || !preview_proven_now(device, now, &now_us)) {
        return status;
    }
    return now_us - longest_us > code->latest_us ? STATUS_CODE_STALE : STATUS_OK;
}

/* The officer says where they are; another offender than the code's is a mix-up, or a code shown elsewhere. */
static enum status check_offender(const struct cosign_code *code, const struct dc_check_in *check_in)
{
    static const struct dc_id not_said;

    return memcmp(&check_in->offender, &not_said, sizeof not_said) == 0 ||
                   memcmp(check_in->offender.bytes, code->check_in->offender_id.data, ID_SIZE) == 0
               ? STATUS_OK
               : STATUS_CODE_ELSEWHERE;
}

enum status cosign_code_check(struct dc_device *device, const struct cosign_code *code,
                              const struct dc_check_in *check_in)
{
    enum status status = code->stage == STAGE_SHOWN ? check_partner(device, code) : STATUS_MALFORMED;

    if (status == STATUS_OK) {
        status = check_offender(code, check_in);
    }
    if (status == STATUS_OK) {
        status = check_unused(device, code);
    }
    return status == STATUS_OK ? check_fresh(device, code) : status;
}
