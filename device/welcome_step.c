/* Welcome: the session begins. Anchor and journal are checked first; then the log's and the feed's places are agreed. */
#include <string.h>

#include "core/deflated.h"
#include "device/step_parts.h"

static struct span bytes_of(ProtobufCBinaryData data)
{
    return span_of(data.data, data.len);
}

static enum status proof_of(const ProtobufCBinaryData *hashes, size_t count, struct hash *ret_hashes, size_t capacity)
{
    if (count > capacity) {
        return STATUS_OVER_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        enum status status = hash_from_span(bytes_of(hashes[i]), &ret_hashes[i]);

        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

#define STATEMENTS_MAX 64

/*
 * A restored store begins a new epoch, for which its operator has signed, and the person is told (E2). A device that wasn't
 * given the operator's key can't tell: it goes on as well, and says that it doesn't know.
 */
static enum status check_epoch(struct sync *sync, const Doublecrew__V1__Welcome *welcome, uint64_t *ret_kept_size,
                               struct sync_actions *actions)
{
    struct span statements[STATEMENTS_MAX];
    struct id epoch;
    enum status status = id_from_span(bytes_of(welcome->epoch), &epoch);
    bool sure = sync->verifier->operator_key != NULL;

    *ret_kept_size = UINT64_MAX;
    if (status != STATUS_OK || !sync->has_checkpoint || id_equal(&epoch, &sync->checkpoint.epoch)) {
        return status;
    }
    if (welcome->n_epoch_statements > STATEMENTS_MAX) {
        return STATUS_OVER_LIMIT;
    }
    for (size_t i = 0; i < welcome->n_epoch_statements; i++) {
        statements[i] = bytes_of(welcome->epoch_statements[i]);
    }
    status = anchor_epoch_follows(
        sync->verifier, &sync->checkpoint, &epoch,
        (struct anchor_epochs){.statements = statements, .count = welcome->n_epoch_statements}, ret_kept_size);
    if (status == STATUS_DIVERGED && !sure) {
        *ret_kept_size = 0;
        status = STATUS_OK;
    }
    if (status == STATUS_OK) {
        step_add(actions, SYNC_ACTION_REPORT_ERROR)->status = sure ? STATUS_NEW_EPOCH : STATUS_DIVERGED;
    }
    return status;
}

/* The journal must go on from the checkpoint held, as far as the store still has what that is about. */
static enum status check_journal(struct sync *sync, const Doublecrew__V1__Welcome *welcome,
                                 const struct checkpoint *next, uint64_t kept_size)
{
    struct hash hashes[64];
    size_t count = welcome->n_consistency_proof;
    enum status status = proof_of(welcome->consistency_proof, count, hashes, sizeof hashes / sizeof *hashes);

    if (status != STATUS_OK || !sync->has_checkpoint || sync->checkpoint.size > kept_size) {
        return status;
    }
    return anchor_extends(sync->verifier, &sync->checkpoint, next,
                          (struct anchor_proof){.hashes = hashes, .count = count});
}

/*
 * What partners were shown must lead to what is shown here (K1). A witness of another epoch says nothing; a proof that is missing
 * is one that fails, for a server could leave it out for just that reason.
 */
static enum status check_witnesses(const struct sync *sync, const Doublecrew__V1__Welcome *welcome,
                                   const struct checkpoint *next)
{
    struct hash hashes[64];

    for (size_t i = 0; i < sync->shown_count; i++) {
        bool has_proof = i < welcome->n_witness_proofs;
        size_t count = has_proof ? welcome->witness_proofs[i]->n_hashes : 0;
        enum status status = STATUS_OK;

        if (!id_equal(&sync->shown[i].epoch, &next->epoch)) {
            continue;
        }
        if (has_proof) {
            status = proof_of(welcome->witness_proofs[i]->hashes, count, hashes, sizeof hashes / sizeof *hashes);
        }
        if (status == STATUS_OK) {
            status = anchor_extends(sync->verifier, &sync->shown[i], next,
                                    (struct anchor_proof){.hashes = hashes, .count = count});
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status take_anchor(struct sync *sync, const Doublecrew__V1__Welcome *welcome, struct sync_actions *actions)
{
    struct anchor_binding binding = {
        .log = sync->config.log, .boot = sync->hello_boot, .monotonic_ms = sync->hello_monotonic_ms};
    struct checkpoint checkpoint;
    struct sync_action *action;
    uint64_t kept_size = 0;
    enum status status = check_epoch(sync, welcome, &kept_size, actions);

    if (status != STATUS_OK || welcome->anchor.len == 0) {
        return status; /* the server doubts its own clock and vouches for no time (T5) */
    }
    status = anchor_open(sync->verifier, bytes_of(welcome->anchor), &binding, &checkpoint);
    if (status == STATUS_OK && !span_equal(bytes_of(welcome->epoch), span_of(checkpoint.epoch.bytes, ID_SIZE))) {
        status = STATUS_MALFORMED; /* the statements were about another */
    }
    if (status == STATUS_OK) {
        status = check_journal(sync, welcome, &checkpoint, kept_size);
    }
    if (status == STATUS_OK) {
        status = check_witnesses(sync, welcome, &checkpoint);
    }
    if (status != STATUS_OK) {
        return status;
    }
    sync->checkpoint = checkpoint;
    sync->has_checkpoint = true;
    action = step_add(actions, SYNC_ACTION_STORE_ANCHOR);
    action->text = bytes_of(welcome->anchor);
    action->proved = true;
    return STATUS_OK;
}

/* Rows of another epoch stay readable until the new ones are complete. */
static enum status take_epoch(struct sync *sync, const Doublecrew__V1__Welcome *welcome)
{
    struct id epoch;
    enum status status = id_from_span(bytes_of(welcome->epoch), &epoch);

    if (status == STATUS_OK && !id_equal(&epoch, &sync->feed.epoch)) {
        sync->feed = (struct sync_feed){
            .epoch = epoch, .generation = sync->feed.generation + 1, .resync = sync->feed.generation > 0};
    }
    return status;
}

static enum status check(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    const Doublecrew__V1__Welcome *welcome = event->message->welcome;
    enum status status;

    if (sync->phase != SYNC_HELLO_SENT) {
        return STATUS_PROTOCOL_ORDER;
    }
    if (welcome->protocol != SYNC_PROTOCOL) {
        return STATUS_PROTOCOL_VERSION;
    }
    status = take_anchor(sync, welcome, actions);
    return status == STATUS_OK ? take_epoch(sync, welcome) : status;
}

void step_welcome(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    const Doublecrew__V1__Welcome *welcome = event->message->welcome;
    bool other_epoch = !span_equal(bytes_of(welcome->epoch), span_of(sync->feed.epoch.bytes, ID_SIZE));
    enum status status = check(sync, event, actions);

    if (status != STATUS_OK) {
        step_fail(sync, event, status, actions);
        return;
    }
    sync->welcome_received_ms = event->now.monotonic_ms;
    sync->credit = welcome->credit;
    sync->push_deflate = welcome->push_deflate == PUSH_DEFLATE_VERSION;
    sync->head_pos = welcome->head_pos;
    sync->policy_version = welcome->policy_version;
    sync->training = welcome->training;
    sync->push_stopped = false;
    sync->stop = SYNC_STOP_NONE;
    sync->building = false;
    sync->resends = 0;
    sync->phase_until_ms = SYNC_NEVER;
    if (sync->config.page_credit > 0 && welcome->standing == DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_ACTIVE) {
        sync->page_until_ms = event->now.timer_ms + sync->config.answer_limit_ms; /* one page comes always */
    }
    sync->session_pages = 0;
    sync->session_rows = 0;
    step_enter(sync, SYNC_ONLINE, STATUS_OK, actions);
    if (step_take_durable(sync, event, welcome->durable_seq, bytes_of(welcome->durable_hash), actions)) {
        sync->sent_seq = sync->durable_seq;
        step_push(sync, event, actions);
    } else if (other_epoch && sync->stop == SYNC_STOP_FORK) {
        step_doubt_durable(sync, actions);
    }
    sync->session_from_seq = sync->durable_seq;
}
