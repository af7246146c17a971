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
                           const struct checkpoint *next, struct anchor_proof proof, bool *ret_new_epoch)
{
    enum status status;

    if (!id_equal(&last->epoch, &next->epoch)) {
        *ret_new_epoch = true;
        return STATUS_OK;
    }
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
    if (status == STATUS_OK) {
        *ret_new_epoch = false;
    }
    return status;
}
