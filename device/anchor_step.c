#include "device/anchor_step.h"

#include "core/merkle.h"

enum status anchor_open(const struct anchor_verifier *verifier, struct span text, const struct anchor_binding *binding,
                        struct checkpoint *ret_checkpoint)
{
    struct checkpoint checkpoint;
    enum status status = checkpoint_open(verifier->sha, text, &verifier->public_key, verifier->key, &checkpoint);

    if (status != STATUS_OK) {
        return status;
    }
    if (!id_equal(&checkpoint.force, &verifier->force)) {
        return STATUS_BAD_SIGNATURE;
    }
    if (binding) {
        if (!checkpoint.is_anchor) {
            return STATUS_MALFORMED;
        }
        if (!id_equal(&checkpoint.log, &binding->log) || !id_equal(&checkpoint.boot, &binding->boot) ||
            checkpoint.monotonic_ms != binding->monotonic_ms) {
            return STATUS_CLOCK_TROUBLE;
        }
    }
    *ret_checkpoint = checkpoint;
    return STATUS_OK;
}

enum status anchor_extends(const struct anchor_verifier *verifier, const struct checkpoint *last,
                           const struct checkpoint *next, struct anchor_proof proof)
{
    enum status status;

    if (next->size < last->size) {
        return STATUS_DIVERGED;
    }
    if (next->size == last->size) {
        status = hash_equal(&last->root, &next->root) ? STATUS_OK : STATUS_DIVERGED;
    } else if (last->size == 0) {
        status = STATUS_OK; /* everything extends the empty tree (RFC 6962 2.1.2 has no proof from it) */
    } else {
        status = merkle_verify_consistency(verifier->sha, last->size, &last->root, next->size, &next->root,
                                           proof.hashes, proof.count);
        if (status == STATUS_BAD_SIGNATURE || status == STATUS_INPUT) {
            status = STATUS_DIVERGED;
        }
    }
    return status;
}

static enum status open_statement(const struct anchor_verifier *verifier, struct span bytes,
                                  struct epoch_statement *ret_statement)
{
    enum status status = verifier->operator_key
                             ? epoch_open(verifier->sha, bytes, verifier->operator_key, ret_statement)
                             : epoch_read(verifier->sha, bytes, ret_statement);

    if (status == STATUS_OK && !id_equal(&ret_statement->force, &verifier->force)) {
        return STATUS_DIVERGED;
    }
    switch (status) {
    case STATUS_BAD_SIGNATURE:
    case STATUS_BAD_LENGTH:
    case STATUS_MALFORMED:
    case STATUS_UNKNOWN_KIND:
        return STATUS_DIVERGED;
    default:
        return status;
    }
}

enum status anchor_epoch_follows(const struct anchor_verifier *verifier, const struct checkpoint *last,
                                 const struct id *epoch, struct anchor_epochs epochs, uint64_t *ret_kept_size)
{
    struct epoch_statement statement = {.size = 0};
    struct id before = {{0}};
    uint64_t kept_size = 0;
    bool found = false;

    for (size_t i = 0; i < epochs.count; i++) {
        enum status status = open_statement(verifier, epochs.statements[i], &statement);

        if (status != STATUS_OK) {
            return status;
        }
        if (i > 0 && !id_equal(&statement.previous, &before)) {
            return STATUS_DIVERGED;
        }
        if (id_equal(&statement.previous, &last->epoch)) {
            found = true;
            kept_size = statement.size;
        }
        before = statement.epoch;
    }
    if (epochs.count == 0 || !id_equal(&before, epoch) || (!found && statement.time_ms < last->time_ms)) {
        return STATUS_DIVERGED;
    }
    *ret_kept_size = kept_size;
    return STATUS_OK;
}
