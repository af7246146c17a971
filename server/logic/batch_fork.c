/*
 * Forks (F2): two different entries at one place of one log, from a cloned or restored phone. Both branches are kept. The
 * branch that came first stays the log; any other is kept under an id of its own, as if it were the log of a device that
 * nobody holds, so that its next pushes can follow it. From the fork on, both are contested.
 */
#include "server/logic/batch_internal.h"

#include <string.h>

enum status log_hash_at(struct batch *batch, const struct id *log, uint64_t seq, struct hash *ret_hash,
                        uint64_t *ret_pos)
{
    struct journal_row row;
    struct push push;

    RETURN_IF_BAD(batch->store->ops->journal_of_log(batch->store, log, seq, &row));
    arena_reset(batch->scratch, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(push_open(batch->scratch, batch->sha, row.body, &push));
    if (seq < push.first_seq || seq - push.first_seq >= push.entry_count)
        return STATUS_STORE;
    *ret_hash = push.entries[seq - push.first_seq].hash;
    *ret_pos = row.first_pos + (seq - row.first_seq);
    return STATUS_OK;
}

/* The outcome of a visit before the fork is the last one from before it. */
static enum status outcome_again(struct batch *batch, const struct presence_row *before, uint64_t fork_seq)
{
    struct presence_row row = *before;
    struct outcome_row outcome = {.outcome = RULE_OUTCOME_NONE};
    enum status status;

    if (row.in.seq >= fork_seq || row.outcome_seq < fork_seq)
        return STATUS_OK;
    status = batch->store->ops->outcome_before(batch->store, &row.presence, fork_seq, &outcome);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    row.outcome = outcome.outcome;
    row.outcome_seq = outcome.seq;
    RETURN_IF_BAD(batch->store->ops->presence_put(batch->store, &row));
    return batch_touch_changed(batch, &row.presence);
}

struct contested_touch {
    struct batch *batch;
    const struct device_row *device;
};

static enum status touch_contested(void *context, const struct presence_row *row)
{
    struct contested_touch *touch = context;
    bool contested =
        row->in.seq >= touch->device->fork_seq || (row->has_out && row->out.seq >= touch->device->fork_seq);

    if (!id_equal(&row->log, &touch->device->log))
        return STATUS_OK;
    RETURN_IF_BAD(outcome_again(touch->batch, row, touch->device->fork_seq));
    return contested ? batch_touch_changed(touch->batch, &row->presence) : STATUS_OK;
}

enum status fork_mark(struct batch *batch, struct device_row *device, uint64_t fork_seq)
{
    struct contested_touch touch = {batch, device};
    struct flag_about about = {.kind = FLAG_FORK,
                               .subject = flag_subject_of_id(&device->device),
                               .officer = device->officer,
                               .severity = flag_info(FLAG_FORK)->severity,
                               .lane = DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_ASSURANCE};
    int64_t watermark_us = INT64_MIN;
    uint64_t known_to = device->fork_seq != 0 ? device->fork_seq - 1 : device->last_seq;

    RETURN_IF_BAD(flag_settle(batch, &about, true, NULL));
    if (device->fork_seq != 0 && device->fork_seq <= fork_seq)
        return STATUS_OK;
    device->fork_seq = fork_seq;
    batch->log_memo.known = false;
    RETURN_IF_BAD(watermark_up_to(batch, device, &watermark_us));
    device->watermark_us = INT64_MIN; /* what it let through is looked at again */
    device->watermark_stopped = true;
    RETURN_IF_BAD(watermark_move(batch, device, watermark_us));
    RETURN_IF_BAD(
        batch->store->ops->presences_on_device(batch->store, &device->device, INT64_MIN, touch_contested, &touch));
    return fork_undo(batch, device, fork_seq, known_to);
}

/* Branch n of a log: an id and a certificate hash that nothing else can have. */
static enum status branch_id(struct batch *batch, const struct id *log, unsigned n, struct id *ret_id)
{
    uint8_t number = (uint8_t)n;
    struct span parts[] = {span_of("branch", 7), span_of(log->bytes, ID_SIZE), span_of(&number, 1)};
    struct hash hash;

    RETURN_IF_BAD(sha256_parts(batch->sha, parts, 3, &hash));
    memcpy(ret_id->bytes, hash.bytes, ID_SIZE);
    return STATUS_OK;
}

/* Whether the push follows the branch's head, or repeats what it holds. */
static enum status follows(struct batch *batch, const struct device_row *branch, const struct push *push,
                           bool *ret_follows)
{
    uint64_t last = push->first_seq + push->entry_count - 1;
    struct hash stored;
    uint64_t pos;
    enum status status;

    *ret_follows = push->first_seq == branch->last_seq + 1 && hash_equal(&push->previous, &branch->last_hash);
    if (*ret_follows || push->first_seq > branch->last_seq)
        return STATUS_OK;
    if (last >= branch->last_seq) {
        *ret_follows = hash_equal(&push->entries[branch->last_seq - push->first_seq].hash, &branch->last_hash);
        return STATUS_OK;
    }
    status = log_hash_at(batch, &branch->log, last, &stored, &pos);
    *ret_follows = status == STATUS_OK && hash_equal(&stored, &push->entries[push->entry_count - 1].hash);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status fork_branch_find(struct batch *batch, const struct device_row *device, const struct push *push,
                             struct device_row *ret_branch)
{
    for (unsigned n = 1; n <= LOGIC_BRANCHES_MAX; n++) {
        struct device_row branch;
        struct id id;
        bool found;

        RETURN_IF_BAD(branch_id(batch, &device->log, n, &id));
        RETURN_IF_BAD(batch->store->ops->device_by_log(batch->store, &id, &branch));
        RETURN_IF_BAD(follows(batch, &branch, push, &found));
        if (found) {
            *ret_branch = branch;
            return STATUS_OK;
        }
    }
    return STATUS_OVER_LIMIT;
}

enum status fork_branch_new(struct batch *batch, const struct device_row *device, uint64_t fork_seq,
                            const struct hash *previous, struct device_row *ret_branch)
{
    struct device_row branch = *device;
    enum status status = STATUS_OK;

    for (unsigned n = 1; n <= LOGIC_BRANCHES_MAX; n++) {
        RETURN_IF_BAD(branch_id(batch, &device->log, n, &branch.log));
        status = batch->store->ops->device_by_log(batch->store, &branch.log, ret_branch);
        if (status == STATUS_NOT_FOUND)
            break;
        RETURN_IF_BAD(status);
    }
    if (status != STATUS_NOT_FOUND)
        return STATUS_OVER_LIMIT;
    branch.device = branch.log;
    branch.officer = (struct id){{0}}; /* nobody's: no candidate, no session */
    memset(&branch.certificate_key_hash, 0, sizeof(branch.certificate_key_hash));
    memcpy(branch.certificate_key_hash.bytes, branch.log.bytes, ID_SIZE);
    branch.standing = DEVICE_LOST;
    branch.fork_seq = fork_seq;
    branch.last_seq = fork_seq - 1;
    branch.last_hash = *previous;
    branch.watermark_us = INT64_MIN;
    branch.watermark_stopped = true;
    *ret_branch = branch;
    return STATUS_OK;
}
