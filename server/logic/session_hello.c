/*
 * Hello → Welcome: who the device is, how far its log is durable here, and a signed anchor for its clock (T1, K1).
 */
#include <string.h>

#include "core/deflated.h"
#include "server/logic/session_internal.h"

static struct span of_wire(const ProtobufCBinaryData *data)
{
    return span_of(data->data, data->len);
}

/* Empty or exactly an id. */
static enum status optional_id(const ProtobufCBinaryData *data, struct id *ret_id)
{
    return data->len == 0 ? STATUS_OK : id_from_span(of_wire(data), ret_id);
}

static enum status read_cursor(const Doublecrew__V1__Hello *hello, struct feed_cursor *ret_cursor)
{
    if (hello->feed_key.len > STORE_VIEW_KEY_MAX)
        return STATUS_BAD_LENGTH;
    ret_cursor->pos = hello->feed_cursor;
    ret_cursor->key_size = hello->feed_key.len;
    if (hello->feed_key.len > 0)
        memcpy(ret_cursor->key, hello->feed_key.data, hello->feed_key.len);
    return STATUS_OK;
}

static enum status read_checkpoint(const Doublecrew__V1__Hello *hello, struct session_request *request)
{
    if (hello->last_checkpoint.len > CHECKPOINT_TEXT_MAX)
        return STATUS_BAD_LENGTH;
    request->checkpoint_size = hello->last_checkpoint.len;
    if (hello->last_checkpoint.len > 0)
        memcpy(request->checkpoint, hello->last_checkpoint.data, hello->last_checkpoint.len);
    return STATUS_OK;
}

static enum status read_witnesses(const Doublecrew__V1__Hello *hello, struct session_request *request)
{
    if (hello->n_witness_checkpoints > SESSION_WITNESSES_MAX)
        return STATUS_OVER_LIMIT;
    for (size_t i = 0; i < hello->n_witness_checkpoints; i++) {
        const ProtobufCBinaryData *text = &hello->witness_checkpoints[i];

        if (text->len == 0 || text->len > CHECKPOINT_TEXT_MAX)
            return STATUS_BAD_LENGTH;
        memcpy(request->witnesses[i].text, text->data, text->len);
        request->witnesses[i].size = text->len;
    }
    request->witness_count = hello->n_witness_checkpoints;
    return STATUS_OK;
}

static enum status read_hello(const Doublecrew__V1__Hello *hello, struct session_hello *ret_hello,
                              struct feed_cursor *ret_cursor)
{
    enum status status;

    if (hello->protocol_min > SESSION_PROTOCOL || hello->protocol_max < SESSION_PROTOCOL)
        return STATUS_PROTOCOL_VERSION;
    if (hello->log_id.len == 0 || hello->boot_id.len == 0)
        return STATUS_MISSING_FIELD;
    if (hello->head_hash.len != (hello->head_seq == 0 ? 0 : HASH_SIZE))
        return STATUS_BAD_LENGTH;
    status = id_from_span(of_wire(&hello->log_id), &ret_hello->log);
    if (status == STATUS_OK)
        status = id_from_span(of_wire(&hello->boot_id), &ret_hello->boot);
    if (status == STATUS_OK)
        status = optional_id(&hello->epoch, &ret_hello->epoch);
    if (status == STATUS_OK)
        status = read_cursor(hello, ret_cursor);
    ret_hello->monotonic_ms = hello->monotonic_ms;
    return status;
}

static void ask(struct session *session, const struct feed_cursor *after, struct session_update *update)
{
    session_act(update, SESSION_READ);
    update->request.after = *after;
    update->request.certificate_key_hash = session->certificate_key_hash;
    update->request.hello = session->hello;
}

void session_hello_receive(struct session *session, const struct session_now *now, struct span body,
                           struct session_update *update)
{
    ProtobufCMessage *unpacked = NULL;
    const Doublecrew__V1__Hello *hello;
    struct feed_cursor after = {0};
    enum status status = session_unpack(session, &doublecrew__v1__hello__descriptor, body, &unpacked);

    update->request = (struct session_request){.kind = SESSION_GREET};
    if (status == STATUS_OK) {
        hello = (const Doublecrew__V1__Hello *)unpacked;
        session->device_seq = hello->head_seq;
        session_contact_hello(session, hello);
        session->page_credit = hello->page_credit < SESSION_PAGES_MAX ? hello->page_credit : SESSION_PAGES_MAX;
        status = read_hello(hello, &session->hello, &after);
        if (status == STATUS_OK)
            status = read_checkpoint(hello, &update->request);
        if (status == STATUS_OK)
            status = read_witnesses(hello, &update->request);
    }
    if (status != STATUS_OK) {
        session_fail(session, update, status, true);
        return;
    }
    session->hello.time_us = now->server_us;
    session->hello.clock_trouble = now->clock_trouble;
    session_move(session, SESSION_GREETING);
    ask(session, &after, update);
}

static ProtobufCBinaryData to_wire(const void *bytes, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)bytes}; /* packing only reads */
}

/* Packing only reads; all of it lives until the message is packed. */
struct witness_proofs {
    Doublecrew__V1__WitnessProof proofs[SESSION_WITNESSES_MAX];
    Doublecrew__V1__WitnessProof *list[SESSION_WITNESSES_MAX];
    ProtobufCBinaryData hashes[SESSION_WITNESSES_MAX][MERKLE_PROOF_MAX];
};

static void fill_witness_proofs(const struct session_greeting *greeting, struct witness_proofs *proofs,
                                Doublecrew__V1__Welcome *answer)
{
    for (size_t i = 0; i < greeting->witness_count; i++) {
        doublecrew__v1__witness_proof__init(&proofs->proofs[i]);
        for (size_t j = 0; j < greeting->witnesses[i].proof_count; j++)
            proofs->hashes[i][j] = to_wire(greeting->witnesses[i].proof[j].bytes, HASH_SIZE);
        proofs->proofs[i].hashes = proofs->hashes[i];
        proofs->proofs[i].n_hashes = greeting->witnesses[i].proof_count;
        proofs->list[i] = &proofs->proofs[i];
    }
    answer->witness_proofs = proofs->list;
    answer->n_witness_proofs = greeting->witness_count;
}

static void welcome(struct session *session, const struct session_greeting *greeting, struct session_update *update)
{
    struct witness_proofs witness_proofs;
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Welcome answer = DOUBLECREW__V1__WELCOME__INIT;
    ProtobufCBinaryData proof[MERKLE_PROOF_MAX];
    ProtobufCBinaryData statements[EPOCHS_SHOWN_MAX];

    for (size_t i = 0; i < greeting->proof_count; i++)
        proof[i] = to_wire(greeting->proof[i].bytes, HASH_SIZE);
    answer.protocol = SESSION_PROTOCOL;
    answer.anchor = to_wire(greeting->anchor, greeting->anchor_size);
    answer.n_consistency_proof = greeting->proof_count;
    answer.consistency_proof = proof;
    fill_witness_proofs(greeting, &witness_proofs, &answer);
    answer.durable_seq = greeting->look.device.last_seq;
    if (answer.durable_seq > 0)
        answer.durable_hash = to_wire(greeting->look.device.last_hash.bytes, HASH_SIZE);
    answer.credit = session->setup->credit_entries;
    answer.policy_version = greeting->policy_version;
    answer.epoch = to_wire(greeting->head.epoch.bytes, ID_SIZE);
    answer.standing = (Doublecrew__V1__DeviceStanding)session->look.device.standing;
    answer.officer_id = to_wire(greeting->look.device.officer.bytes, ID_SIZE);
    answer.training = session->setup->training;
    answer.keep_alive_s = session->setup->keep_alive_s;
    answer.push_deflate = session->setup->push_deflate ? PUSH_DEFLATE_VERSION : 0;
    answer.head_pos = greeting->head.pos;
    for (size_t i = 0; i < greeting->epochs.statement_count; i++)
        statements[i] = to_wire(greeting->epochs.statements[i], EPOCH_STATEMENT_SIZE);
    answer.n_epoch_statements = greeting->epochs.statement_count;
    answer.epoch_statements = statements;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME;
    message.welcome = &answer;
    session_send_message(session, update, &message);
}

void session_hello_greeted(struct session *session, const struct session_reply *reply, struct session_update *update)
{
    const struct session_greeting *greeting = &reply->greeting;
    enum status status = reply->status;

    if (status == STATUS_OK && session->certificate_expired && greeting->look.is_operator)
        status = STATUS_NOT_PERMITTED; /* grace is for evidence, not for power over the roster */
    if (status != STATUS_OK) {
        session_fail(session, update, status, true);
        return;
    }
    status = session_keep_look(session, &greeting->look);
    if (status != STATUS_OK) {
        session_fail(session, update, status, true);
        return;
    }
    session_move(session, SESSION_LIVE);
    session->looked = true;
    session->durable_seq = greeting->look.device.last_seq;
    session->durable_hash = greeting->look.device.last_hash;
    session->cursor = greeting->after;
    if (greeting->head.pos > session->head_pos)
        session->head_pos = greeting->head.pos;
    session->seal_wanted = true;
    welcome(session, greeting, update);
    if (greeting->witness_differs)
        session_act(update, SESSION_REPORT)->report.status = STATUS_DIVERGED;
    if (session->state == SESSION_LIVE && session->look.device.standing == DEVICE_ACTIVE)
        session_flags_pending(greeting, update);
    if (session->roster_moved && session->state == SESSION_LIVE)
        session_roster_changed(session, update);
    session_page_want(session, update);
}
