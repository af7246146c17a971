/* From the journal's records to entries, deliveries and the roster (F1, J1). */
#include <stdlib.h>
#include <string.h>

#include "tests/oracle/journal_oracle_parts.h"

#define CARRIED_DEPTH_MAX 4

/* How a push came: its journal record, or the carrying entry's. */
struct arrival {
    int64_t time_us;
    uint64_t pos; /* of the first new entry */
    uint64_t first_seq;
    size_t count; /* entries from first_seq on; of a carried push all */
    bool own;
    int depth;
};

static void *kept(struct jo *jo, const void *bytes, size_t size)
{
    void *copy = arena_alloc(jo->arena, size + 1);

    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

static size_t slot_of(const struct jo *jo, const struct hash *hash)
{
    size_t at = (size_t)get_u64(hash->bytes) & (jo->index_room - 1);

    while (jo->index[at] != 0 && !hash_equal(&jo->entries.items[jo->index[at] - 1].hash, hash))
        at = (at + 1) & (jo->index_room - 1);
    return at;
}

size_t jo_entry_named(const struct jo *jo, const struct hash *hash)
{
    return jo->index_room == 0 ? JO_NONE : jo->index[slot_of(jo, hash)] - 1; /* 0 - 1 is JO_NONE */
}

static void index_entry(struct jo *jo, size_t entry)
{
    if (2 * (entry + 1) >= jo->index_room) {
        free(jo->index);
        jo->index_room = jo->index_room == 0 ? 1024 : 4 * jo->index_room;
        jo->index = calloc(jo->index_room, sizeof(*jo->index));
        if (jo->index == NULL)
            abort();
        for (size_t i = 0; i < entry; i++)
            jo->index[slot_of(jo, &jo->entries.items[i].hash)] = i + 1;
    }
    jo->index[slot_of(jo, &jo->entries.items[entry].hash)] = entry + 1;
}

static const struct checkpoint *anchor_named(const struct jo *jo, const struct hash *hash)
{
    for (size_t i = 0; i < jo->anchors.count; i++) {
        if (hash_equal(&jo->anchors.items[i].hash, hash))
            return &jo->anchors.items[i].checkpoint;
    }
    return NULL;
}

static void learn_anchors(struct jo *jo, const struct push *push)
{
    struct verify_key *key = NULL;

    if (push->anchor_count == 0 || verify_key_new(&jo->server_key, &key) != STATUS_OK)
        return;
    for (size_t i = 0; i < push->anchor_count; i++) {
        struct jo_anchor anchor = {.hash = push->anchors[i].hash};

        if (push->anchors[i].text.size == 0 || anchor_named(jo, &anchor.hash) != NULL)
            continue;
        if (checkpoint_open(jo->sha, push->anchors[i].text, &jo->server_key, key, &anchor.checkpoint) == STATUS_OK &&
            anchor.checkpoint.is_anchor)
            JO_ADD(&jo->anchors, anchor);
    }
    verify_key_free(key);
}

/* What an entry says of the checkpoint that it names: an observation of the boot that the checkpoint was bound to. */
static void learn_checkpoint(struct jo *jo, struct jo_entry *entry, size_t place)
{
    const struct checkpoint *checkpoint = anchor_named(jo, &entry->header.checkpoint);

    if (hash_is_zero(&entry->header.checkpoint) || checkpoint == NULL)
        return;
    entry->has_checkpoint = true;
    entry->checkpoint_us = checkpoint->time_ms * 1000;
    if (id_equal(&checkpoint->log, &entry->header.log))
        JO_ADD(&jo->observations, (struct jo_observation){checkpoint->log, checkpoint->boot, entry->checkpoint_us,
                                                          (int64_t)checkpoint->monotonic_ms * 1000,
                                                          (int64_t)entry->header.checkpoint_received_ms * 1000, place,
                                                          entry->received_us});
}

/* Roster ---------------------------------------------------------------------------------------------------------- */

static void learn_force(struct jo *jo, const struct jo_entry *entry, const Doublecrew__V1__Force *force)
{
    struct jo_enrolment enrolment = {.device = jo_id(force->operator_device_id),
                                     .log = jo_id(force->operator_log_id),
                                     .officer = jo_id(force->operator_id),
                                     .pos = entry->pos,
                                     .time_us = entry->received_us};

    enrolment.key.algorithm = (enum sign_algorithm)force->key_algorithm;
    enrolment.key.size = force->operator_key.len;
    memcpy(enrolment.key.bytes, force->operator_key.data, force->operator_key.len);
    jo->first_operator = enrolment.officer;
    jo->server_key.algorithm = SIGN_ED25519;
    jo->server_key.size = force->server_key.len;
    memcpy(jo->server_key.bytes, force->server_key.data, force->server_key.len);
    JO_ADD(&jo->enrolments, enrolment);
    JO_ADD(&jo->officers, (struct jo_officer){enrolment.officer, entry->pos, entry->received_us, NULL});
}

static void learn_device(struct jo *jo, const struct jo_entry *entry, const Doublecrew__V1__Device *message)
{
    struct jo_enrolment enrolment = {.device = jo_id(message->device_id),
                                     .log = jo_id(message->log_id),
                                     .officer = jo_id(message->officer_id),
                                     .pos = entry->pos,
                                     .time_us = entry->received_us};

    enrolment.key.algorithm = (enum sign_algorithm)message->key_algorithm;
    enrolment.key.size = message->public_key.len;
    memcpy(enrolment.key.bytes, message->public_key.data, message->public_key.len);
    JO_ADD(&jo->enrolments, enrolment);
}

/* F3: a log is lost on the word of who holds the device, or held it, given in another log. When its entries stopped being
 * the holder's was said before, or isn't. */
static void learn_lost(struct jo *jo, const struct jo_entry *entry)
{
    const Doublecrew__V1__LogLost *message = (const Doublecrew__V1__LogLost *)entry->message;
    struct id log = jo_id(message->lost_log_id), author = jo_author(jo, entry);
    struct jo_standing lost = {.pos = entry->own_pos,
                               .time_us = RULE_FOREVER,
                               .standing = DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST,
                               .as_of_us = RULE_FOREVER};
    const struct jo_standing *before;
    bool held_it = false;

    for (size_t i = 0; i < jo->enrolments.count; i++) {
        const struct jo_enrolment *enrolment = &jo->enrolments.items[i];

        if (!id_equal(&enrolment->log, &log))
            continue;
        lost.device = enrolment->device;
        held_it = held_it || id_equal(&enrolment->officer, &author);
    }
    if (!held_it || id_equal(&log, &entry->header.log))
        return;
    before = jo_standing_as_of(jo, &lost.device, UINT64_MAX);
    if (before != NULL && jo_is_out(jo, &lost.device, UINT64_MAX)) {
        lost.time_us = before->time_us;
        lost.as_of_us = before->as_of_us;
    }
    JO_ADD(&jo->standings, lost);
}

/* L1: no back-dated publication. */
static void learn_policy(struct jo *jo, const struct jo_entry *entry, const Doublecrew__V1__Policy *m)
{
    const int64_t second = 1000000;
    struct jo_policy policy = {.version = m->version};
    struct rule_policy *rule = &policy.rule;

    rule->effective_from_us = m->effective_from_ms * 1000;
    if (rule->effective_from_us < entry->received_us)
        rule->effective_from_us = entry->received_us;
    rule->max_alone_us = m->max_alone_s * second;
    rule->longest_visit_us = m->longest_visit_s * second;
    rule->time_limit_us = m->time_limit_s * second;
    rule->retro_window_us = m->retro_window_s * second;
    rule->evidence_overdue_us = m->evidence_overdue_s * second;
    rule->authority_max_us = m->authority_max_s * second;
    rule->cosign_round_trip_us = m->cosign_round_trip_s * second;
    rule->drift_ppb = (int64_t)m->drift_ppm * 1000;
    rule->partner_distance_m = m->partner_distance_m;
    rule->far_apart_m = m->far_apart_m;
    rule->late_out_m = m->late_out_m;
    for (size_t i = 0; i < m->n_lone_forbidden; i++)
        rule->lone_forbidden[m->lone_forbidden[i] - DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW] = true;
    JO_ADD(&jo->policies, policy);
}

static void learn_roster(struct jo *jo, const struct jo_entry *entry)
{
    const ProtobufCMessage *m = entry->message;

    if (entry->header.kind == JO_KIND(FORCE)) {
        if (entry->pos == 1)
            learn_force(jo, entry, (const Doublecrew__V1__Force *)m);
    } else if (!jo_permitted(jo, entry)) {
        return;
    } else if (entry->header.kind == JO_KIND(OFFICER)) {
        const Doublecrew__V1__Officer *officer = (const Doublecrew__V1__Officer *)m;

        JO_ADD(&jo->officers, (struct jo_officer){jo_id(officer->officer_id), entry->pos, entry->received_us, officer});
    } else if (entry->header.kind == JO_KIND(OFFENDER)) {
        const Doublecrew__V1__Offender *offender = (const Doublecrew__V1__Offender *)m;

        JO_ADD(&jo->offenders,
               (struct jo_offender){jo_id(offender->offender_id), entry->pos, entry->received_us, offender});
    } else if (entry->header.kind == JO_KIND(DEVICE)) {
        learn_device(jo, entry, (const Doublecrew__V1__Device *)m);
    } else if (entry->header.kind == JO_KIND(DEVICE_STATE)) {
        const Doublecrew__V1__DeviceState *state = (const Doublecrew__V1__DeviceState *)m;

        JO_ADD(&jo->standings,
               (struct jo_standing){jo_id(state->device_id), entry->pos, entry->received_us, state->standing,
                                    state->as_of_ms != 0 ? state->as_of_ms * 1000 : entry->received_us});
    } else if (entry->header.kind == JO_KIND(LOG_LOST)) {
        if (entry->own) /* carried, it says nothing yet */
            learn_lost(jo, entry);
    } else if (entry->header.kind == JO_KIND(ANCHOR_VOID)) {
        const Doublecrew__V1__AnchorVoid *range = (const Doublecrew__V1__AnchorVoid *)m;

        JO_ADD(&jo->voids, (struct jo_void){range->from_ms * 1000, range->to_ms * 1000});
    } else if (entry->header.kind == JO_KIND(POLICY)) {
        learn_policy(jo, entry, (const Doublecrew__V1__Policy *)m);
    }
}

/* Entries --------------------------------------------------------------------------------------------------------- */

static void take_push(struct jo *jo, struct span raw, const struct arrival *arrival);

/* F1: a partner's entries, as signed. Without an enrolled key nothing proves them. */
static void take_carried(struct jo *jo, const struct jo_entry *entry, int depth)
{
    const Doublecrew__V1__Carried *carried = (const Doublecrew__V1__Carried *)entry->message;
    struct span raw = span_of(kept(jo, carried->push.data, carried->push.len), carried->push.len);
    const struct jo_enrolment *enrolment;
    struct verify_key *key = NULL;
    struct push push;
    bool proved;

    if (depth >= CARRIED_DEPTH_MAX || push_open(jo->arena, jo->sha, raw, &push) != STATUS_OK)
        return;
    enrolment = jo_enrolment_as_of(jo, &push.log, entry->pos);
    if (enrolment == NULL || verify_key_new(&enrolment->key, &key) != STATUS_OK)
        return;
    proved = push_verify(&push, key) == STATUS_OK;
    verify_key_free(key);
    if (proved)
        take_push(
            jo, raw,
            &(struct arrival){entry->received_us, entry->pos, push.first_seq, push.entry_count, false, depth + 1});
}

static void open_payload(struct jo *jo, struct jo_entry *entry, const struct entry *raw)
{
    ProtobufCMessage *message = NULL;
    enum status status = payload_open(jo->arena, entry->header.kind, entry_message(raw), &message);

    entry->unknown_kind = status == STATUS_UNKNOWN_KIND;
    entry->message = status == STATUS_OK ? message : NULL;
}

static void take_entry(struct jo *jo, const struct entry *raw, const struct arrival *arrival, uint64_t pos)
{
    size_t place = jo_entry_named(jo, &raw->hash);
    struct jo_entry entry = {.hash = raw->hash,
                             .header = raw->header,
                             .received_us = arrival->time_us,
                             .pos = pos,
                             .own = arrival->own,
                             .own_pos = pos};

    if (place != JO_NONE) {
        if (arrival->own && !jo->entries.items[place].own) {
            jo->entries.items[place].own = true;
            jo->entries.items[place].own_pos = pos;
            if (raw->header.kind == JO_KIND(LOG_LOST) && jo->entries.items[place].message != NULL)
                learn_roster(jo, &jo->entries.items[place]);
        }
        return;
    }
    open_payload(jo, &entry, raw);
    place = jo->entries.count;
    learn_checkpoint(jo, &entry, place);
    JO_ADD(&jo->entries, entry);
    index_entry(jo, place);
    if (entry.message == NULL)
        return;
    learn_roster(jo, &entry);
    if (entry.header.kind == JO_KIND(CARRIED))
        take_carried(jo, &entry, arrival->depth);
}

static void take_push(struct jo *jo, struct span raw, const struct arrival *arrival)
{
    struct push push;

    if (push_open(jo->arena, jo->sha, raw, &push) != STATUS_OK) {
        jo->failure = jo_say(jo->failure_text, sizeof(jo->failure_text), "record %llu holds no push",
                             (unsigned long long)arrival->pos);
        return;
    }
    learn_anchors(jo, &push);
    for (size_t i = 0; i < push.entry_count; i++) {
        uint64_t seq = push.entries[i].header.seq;

        if (seq >= arrival->first_seq && seq - arrival->first_seq < arrival->count)
            take_entry(jo, &push.entries[i], arrival,
                       arrival->own ? arrival->pos + (seq - arrival->first_seq) : arrival->pos);
    }
}

/* The Hello of the session that delivers is an anchor of its boot (T1). */
static void learn_hello(struct jo *jo, const struct journal_row *row, struct span raw)
{
    Doublecrew__V1__Delivery *delivery = doublecrew__v1__delivery__unpack(NULL, row->delivery.size, row->delivery.data);
    const struct jo_enrolment *session;
    struct push push;
    struct id device;

    if (delivery == NULL || push_open(jo->arena, jo->sha, raw, &push) != STATUS_OK) {
        jo->failure = "a record whose delivery or push can't be read";
        return;
    }
    device = jo_id(delivery->device_id);
    session = jo_device(jo, &device);
    if (delivery->hello_time_ms != 0 && session != NULL && id_equal(&session->log, &push.log)) {
        struct jo_observation observation = {.log = push.log,
                                             .boot = jo_id(delivery->boot_id),
                                             .time_us = delivery->hello_time_ms * 1000,
                                             .sent_us = (int64_t)delivery->hello_monotonic_ms * 1000,
                                             .received_us = INT64_MAX,
                                             .learned_us = row->time_us,
                                             .entry = jo_entry_named(jo, &push.entries[push.entry_count - 1].hash)};

        if (push.session_received_ms != 0)
            observation.received_us = (int64_t)push.session_received_ms * 1000;
        JO_ADD(&jo->observations, observation);
    }
    doublecrew__v1__delivery__free_unpacked(delivery, NULL);
}

static enum status take_record(void *context, const struct journal_row *row)
{
    struct jo *jo = context;

    if (row->time_us < jo->now_us)
        jo->failure = "the journal's time falls (J2)";
    if (row->first_pos != jo->records + 1)
        jo->failure = "the journal has a gap (J1)";
    jo->now_us = row->time_us;
    jo->records = row->first_pos + row->count - 1;
    if (row->kind == JOURNAL_PUSH) {
        struct span raw = span_of(kept(jo, row->body.data, row->body.size), row->body.size);

        take_push(jo, raw, &(struct arrival){row->time_us, row->first_pos, row->first_seq, row->count, true, 0});
        learn_hello(jo, row, raw);
    }
    return STATUS_OK;
}

static bool is_void(const struct jo *jo, int64_t time_us)
{
    for (size_t i = 0; i < jo->voids.count; i++) {
        if (time_us >= jo->voids.items[i].from_us && time_us < jo->voids.items[i].to_us)
            return true;
    }
    return false;
}

/* Whether the declaration came before or after what it concerns. */
static void leave_out_voids(struct jo *jo)
{
    size_t kept = 0;

    for (size_t i = 0; i < jo->observations.count; i++) {
        if (!is_void(jo, jo->observations.items[i].time_us))
            jo->observations.items[kept++] = jo->observations.items[i];
    }
    jo->observations.count = kept;
    for (size_t i = 0; i < jo->entries.count; i++) {
        struct jo_entry *entry = &jo->entries.items[i];

        entry->has_checkpoint = entry->has_checkpoint && !is_void(jo, entry->checkpoint_us);
    }
}

enum status jo_read(struct jo *jo, struct store *store)
{
    enum status status = arena_new(&jo->arena);

    if (status != STATUS_OK)
        return status;
    arena_reset(jo->arena, SIZE_MAX / 2);
    status = sha256_new(&jo->sha);
    if (status != STATUS_OK)
        return status;
    jo->now_us = INT64_MIN;
    JO_ADD(&jo->policies, (struct jo_policy){.version = 0});
    rule_policy_default(&jo->policies.items[0].rule);
    jo->policies.items[0].rule.effective_from_us = INT64_MIN;
    status = store->ops->journal_from(store, 1, take_record, jo);
    leave_out_voids(jo);
    return status;
}
