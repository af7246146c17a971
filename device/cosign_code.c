/* Opening a co-signing code; device/cosign.c says what it is made of. */
#include "device/cosign_code.h"

#include <string.h>

#include "core/bounds.h"
#include "core/payload.h"
#include "core/rule.h"
#include "device/messages.h"

void cosign_code_done(struct cosign_code *code)
{
    arena_free(code->arena);
}

static enum status verify(const struct push *push, uint32_t algorithm, struct span key_bytes)
{
    struct verify_key *key = NULL;
    struct public_key public_key;
    enum status status = public_key_from_wire(algorithm, key_bytes, &public_key);

    if (status == STATUS_OK) {
        status = verify_key_new(&public_key, &key);
    }
    if (status == STATUS_OK) {
        status = push_verify(push, key);
    }
    verify_key_free(key);
    return status == STATUS_BAD_SIGNATURE || status == STATUS_NO_MEMORY || status == STATUS_OK ? status
                                                                                               : STATUS_MALFORMED;
}

/* By the anchor that the check-in names, if this force's server signed it in the same boot (T1). */
static int64_t latest_of(struct dc_device *device, const struct push *push)
{
    const struct entry_header *header = &push->entries[0].header;
    struct checkpoint checkpoint;
    struct rule_policy policy;
    struct bounds_anchor known;

    rule_policy_default(&policy);
    if (push->anchor_count == 0 || push->anchors[0].text.size == 0 ||
        anchor_open(&device->verifier, push->anchors[0].text, NULL, &checkpoint) != STATUS_OK ||
        !checkpoint.is_anchor || !id_equal(&checkpoint.boot, &header->boot) ||
        !id_equal(&checkpoint.log, &header->log)) {
        return RULE_FOREVER;
    }
    known = (struct bounds_anchor){.time_us = checkpoint.time_ms * 1000,
                                   .sent_us = (int64_t)checkpoint.monotonic_ms * 1000,
                                   .received_us = (int64_t)push->anchors[0].received_ms * 1000};
    return bounds_from_cut_anchor(&known, (int64_t)header->monotonic_ms * 1000, policy.drift_ppb).hi_us;
}

static enum status open_push(struct dc_device *device, struct cosign_code *code, uint32_t algorithm, struct span key)
{
    struct push push;
    enum status status = push_open(code->arena, device->sha, code->push, &push);

    if (status != STATUS_OK) {
        return status == STATUS_NO_MEMORY ? status : STATUS_MALFORMED;
    }
    if (push.entry_count != 1 || push.entries[0].header.kind != DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN) {
        return STATUS_MALFORMED;
    }
    status = verify(&push, algorithm, key);
    if (status != STATUS_OK) {
        return status;
    }
    code->entry = push.entries[0];
    if (push.anchor_count > 0 && push.anchors[0].text.size <= sizeof code->anchor) {
        code->anchor_size = push.anchors[0].text.size;
        memcpy(code->anchor, push.anchors[0].text.data, code->anchor_size);
    }
    code->latest_us = latest_of(device, &push);
    return STATUS_OK;
}

static enum status open_check_in(struct cosign_code *code)
{
    ProtobufCMessage *message = NULL;
    struct arena *arena = NULL;
    enum status status = arena_new(&arena);

    if (status != STATUS_OK) {
        return status;
    }
    status = payload_open(arena, code->entry.header.kind, entry_message(&code->entry), &message);
    if (status != STATUS_OK) {
        arena_free(arena);
        return status == STATUS_NO_MEMORY ? status : STATUS_MALFORMED;
    }
    /* The first arena held the push; its entry's payload lies in the code's own bytes, and its header was copied. */
    arena_free(code->arena);
    code->arena = arena;
    code->check_in = (const Doublecrew__V1__CheckIn *)message;
    return STATUS_OK;
}

enum status cosign_code_open(struct dc_device *device, const uint8_t *bytes, size_t size, struct cosign_code *ret_code)
{
    struct cosign_code code = {0};
    size_t key_size;
    enum status status;

    if (size < CODE_PREFIX_SIZE || size > DC_CODE_SIZE_MAX || memcmp(bytes, CODE_MAGIC, CODE_MAGIC_SIZE) != 0) {
        return STATUS_MALFORMED;
    }
    key_size = bytes[6 + ID_SIZE];
    if (size <= CODE_PREFIX_SIZE + key_size) {
        return STATUS_MALFORMED;
    }
    code.stage = bytes[4];
    memcpy(code.nonce.bytes, bytes + 5, ID_SIZE);
    code.push = span_of(bytes + CODE_PREFIX_SIZE + key_size, size - CODE_PREFIX_SIZE - key_size);
    status = arena_new(&code.arena);
    if (status == STATUS_OK) {
        status = open_push(device, &code, bytes[5 + ID_SIZE], span_of(bytes + CODE_PREFIX_SIZE, key_size));
    }
    if (status == STATUS_OK) {
        status = open_check_in(&code);
    }
    if (status != STATUS_OK) {
        cosign_code_done(&code);
        return status;
    }
    *ret_code = code;
    return STATUS_OK;
}
