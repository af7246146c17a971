/*
 * Co-signing without signal (C1): two phones show each other their signed check-ins, and each log then holds the other's.
 *
 * A code: "DCC1" | stage 1 (1: shown first, 2: the reply) | nonce 16 | key algorithm 1 | key size 1 | public key | Push.
 * The Push holds exactly one entry, the check-in. The key makes a misread code show at once; whose key it is only the
 * server knows for sure (rosters on phones hold officers, not keys), and it judges the entry when it arrives.
 */
#include <stdlib.h>
#include <string.h>

#include "core/payload.h"
#include "device/cosign_code.h"
#include "device/messages.h"
#include "device/own_log.h"
#include "device/witness.h"

struct code_job {
    struct device_batch batch;
    uint8_t stage;
    struct id nonce;
    dc_on_code on_code;
    void *context;
};

static void free_job(struct code_job *job)
{
    device_batch_done(&job->batch);
    free(job);
}

static enum status write_code(struct dc_device *device, const struct code_job *job, const struct signature *signature,
                              uint8_t ret_code[DC_CODE_SIZE_MAX], size_t *ret_size)
{
    const struct public_key *key = &device->public_key;
    uint8_t *at = ret_code;
    uint8_t *push = NULL;
    size_t size = 0;
    enum status status = device_batch_pack(&job->batch, signature, 0, &push, &size);

    if (status != STATUS_OK) {
        return status;
    }
    if (CODE_PREFIX_SIZE + key->size + size > DC_CODE_SIZE_MAX) {
        free(push);
        return STATUS_OVER_LIMIT;
    }
    /* A magic has no terminator. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(at, CODE_MAGIC, CODE_MAGIC_SIZE);
    at[4] = job->stage;
    memcpy(at + 5, job->nonce.bytes, ID_SIZE);
    at[5 + ID_SIZE] = (uint8_t)key->algorithm;
    at[6 + ID_SIZE] = (uint8_t)key->size;
    memcpy(at + CODE_PREFIX_SIZE, key->bytes, key->size);
    memcpy(at + CODE_PREFIX_SIZE + key->size, push, size);
    *ret_size = CODE_PREFIX_SIZE + key->size + size;
    free(push);
    return STATUS_OK;
}

static void on_signed(struct dc_device *device, void *data, enum status status, const struct signature *signature)
{
    struct code_job *job = data;
    uint8_t code[DC_CODE_SIZE_MAX];
    size_t size = 0;

    if (status == STATUS_OK) {
        status = write_code(device, job, signature, code, &size);
    }
    job->on_code(job->context, public_status(status), status == STATUS_OK ? code : NULL, size);
    free_job(job);
}

/* The check-in's own anchor goes along as text: the other phone's server may not have seen it. */
static enum status sign_code(struct dc_device *device, uint64_t seq, uint8_t stage, const struct id *nonce,
                             dc_on_code on_code, void *context)
{
    struct code_job *job = calloc(1, sizeof *job);
    uint8_t statement[HEAD_STATEMENT_SIZE];
    uint64_t request;
    enum status status;

    if (!job) {
        return STATUS_NO_MEMORY;
    }
    *job = (struct code_job){.stage = stage, .nonce = *nonce, .on_code = on_code, .context = context};
    status = device_batch_read(device, seq, 1, true, &job->batch);
    if (status == STATUS_OK) {
        device_batch_statement(&job->batch, statement);
        status = device_sign(device, span_of(statement, sizeof statement), on_signed, job, &request);
    }
    if (status != STATUS_OK) {
        free_job(job);
    }
    return status;
}

/* ---- The three steps ---- */

struct find_check_in {
    struct hash presence;
    bool found;
    uint64_t seq;
    struct id offender;
};

static bool on_check_in(void *context, const struct entry *entry, const ProtobufCMessage *message)
{
    const Doublecrew__V1__CheckIn *check_in = (const Doublecrew__V1__CheckIn *)message;
    struct find_check_in *find = context;

    if (!hash_equal(&entry->hash, &find->presence)) {
        return true;
    }
    find->found =
        id_from_span(span_of(check_in->offender_id.data, check_in->offender_id.len), &find->offender) == STATUS_OK;
    find->seq = entry->header.seq;
    return false;
}

static enum status find_own(struct dc_device *device, const struct dc_hash *presence, struct find_check_in *ret_find)
{
    enum status status;

    memset(ret_find, 0, sizeof *ret_find);
    memcpy(ret_find->presence.bytes, presence->bytes, HASH_SIZE);
    status = own_each(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, on_check_in, ret_find);
    return status == STATUS_OK && !ret_find->found ? STATUS_NOT_FOUND : status;
}

enum dc_status dc_cosign_show(struct dc_device *device, const struct dc_hash *presence, dc_on_code on_code,
                              void *context)
{
    struct sync_now now = device_now(device);
    struct find_check_in own;
    struct device_shown shown = {.set = true, .boot = now.boot, .monotonic_ms = now.monotonic_ms};
    enum status status = find_own(device, presence, &own);

    if (status == STATUS_OK && !device_random(device, shown.nonce.bytes, ID_SIZE)) {
        status = STATUS_INTERNAL;
    }
    if (status != STATUS_OK) {
        return public_status(status);
    }
    shown.presence = own.presence;
    shown.offender = own.offender;
    device->shown = shown;
    return public_status(sign_code(device, own.seq, STAGE_SHOWN, &shown.nonce, on_code, context));
}

static enum status append_packed(struct dc_device *device, uint16_t kind, const ProtobufCMessage *message,
                                 struct hash *ret_entry)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    enum status status = payload_check(kind, message) == STATUS_OK ? wire_pack(message, &bytes, &size) : STATUS_INPUT;

    if (status == STATUS_OK) {
        status = device_append(device, kind, span_of(bytes, size), ret_entry);
    }
    free(bytes);
    return status;
}

static enum status append_carried(struct dc_device *device, const struct cosign_code *code)
{
    Doublecrew__V1__Carried carried = DOUBLECREW__V1__CARRIED__INIT;
    struct hash entry;

    enum status status;

    carried.push = message_bytes(code->push.data, code->push.size);
    status = append_packed(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED, &carried.base, &entry);
    return status == STATUS_OK ? witness_keep(device, span_of(code->anchor, code->anchor_size)) : status;
}

/* The partner's entry and the own check-in that names it: both, or neither. */
static enum status append_reply(struct dc_device *device, const struct cosign_code *code,
                                const struct dc_check_in *check_in, struct hash *ret_presence)
{
    struct dc_check_in own = *check_in;
    struct message_check_in message;
    struct device_head before;
    enum status status;

    memcpy(own.offender.bytes, code->check_in->offender_id.data, ID_SIZE);
    own.with = DC_WITH_NAMED;
    own.named_count = 1;
    memcpy(own.named[0].bytes, code->check_in->officer_id.data, ID_SIZE);
    if (!message_check_in(device, &own, &message)) {
        return STATUS_INPUT;
    }
    message.message.cosigned_check_in = message_bytes(code->entry.hash.bytes, HASH_SIZE);
    message.message.cosign_nonce = message_bytes(code->nonce.bytes, ID_SIZE);
    status = device_begin(device, &before);
    if (status != STATUS_OK) {
        return status;
    }
    status = append_carried(device, code);
    if (status == STATUS_OK) {
        status =
            append_packed(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, &message.message.base, ret_presence);
    }
    return device_end(device, &before, status);
}

enum dc_status dc_cosign_read(struct dc_device *device, const uint8_t *code_bytes, size_t size,
                              const struct dc_check_in *check_in, struct dc_hash *ret_presence, dc_on_code on_reply,
                              void *context)
{
    struct hash presence;
    struct cosign_code code;
    uint64_t seq = 0;
    enum status status = cosign_code_open(device, code_bytes, size, &code);

    if (status != STATUS_OK) {
        return public_status(status);
    }
    status = cosign_code_check(device, &code, check_in);
    if (status == STATUS_OK) {
        status = append_reply(device, &code, check_in, &presence);
    }
    if (status == STATUS_OK) {
        status = store_find_entry(device->store, &presence, &seq);
    }
    if (status == STATUS_OK) {
        if (ret_presence) {
            memcpy(ret_presence->bytes, presence.bytes, HASH_SIZE);
        }
        status = sign_code(device, seq, STAGE_REPLY, &code.nonce, on_reply, context);
    }
    cosign_code_done(&code);
    return public_status(status);
}

/* The reply must answer the code shown: its nonce, its presence, its offender. */
static bool answers(const struct device_shown *shown, const struct cosign_code *code)
{
    const Doublecrew__V1__CheckIn *check_in = code->check_in;

    return shown->set && code->stage == STAGE_REPLY && id_equal(&shown->nonce, &code->nonce) &&
           span_equal(span_of(check_in->cosign_nonce.data, check_in->cosign_nonce.len),
                      span_of(shown->nonce.bytes, ID_SIZE)) &&
           span_equal(span_of(check_in->cosigned_check_in.data, check_in->cosigned_check_in.len),
                      span_of(shown->presence.bytes, HASH_SIZE)) &&
           span_equal(span_of(check_in->offender_id.data, check_in->offender_id.len),
                      span_of(shown->offender.bytes, ID_SIZE));
}

static enum status append_confirm(struct dc_device *device, const struct cosign_code *code)
{
    Doublecrew__V1__CosignConfirm confirm = DOUBLECREW__V1__COSIGN_CONFIRM__INIT;
    struct sync_now now = device_now(device);
    uint64_t round_trip_ms = UINT32_MAX; /* of another boot: not measured */
    struct device_head before;
    struct hash entry;
    enum status status;

    if (id_equal(&now.boot, &device->shown.boot) && now.monotonic_ms - device->shown.monotonic_ms < UINT32_MAX) {
        round_trip_ms = now.monotonic_ms - device->shown.monotonic_ms;
    }
    confirm.own_check_in = message_bytes(device->shown.presence.bytes, HASH_SIZE);
    confirm.partner_check_in = message_bytes(code->entry.hash.bytes, HASH_SIZE);
    confirm.round_trip_ms = (uint32_t)round_trip_ms;
    status = device_begin(device, &before);
    if (status != STATUS_OK) {
        return status;
    }
    status = append_carried(device, code);
    if (status == STATUS_OK) {
        status = append_packed(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COSIGN_CONFIRM, &confirm.base, &entry);
    }
    return device_end(device, &before, status);
}

enum dc_status dc_cosign_confirm(struct dc_device *device, const uint8_t *reply, size_t size,
                                 struct dc_hash *ret_partner_presence)
{
    struct cosign_code code;
    enum status status = cosign_code_open(device, reply, size, &code);

    if (status != STATUS_OK) {
        return public_status(status);
    }
    status = answers(&device->shown, &code) ? append_confirm(device, &code) : STATUS_NOT_FOUND;
    if (status == STATUS_OK) {
        device->shown.set = false; /* one confirmation for one code */
        if (ret_partner_presence) {
            memcpy(ret_partner_presence->bytes, code.entry.hash.bytes, HASH_SIZE);
        }
    }
    cosign_code_done(&code);
    return public_status(status);
}
