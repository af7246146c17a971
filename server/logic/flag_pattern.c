/*
 * Flags about more than one visit, or about when it was recorded (A3; decisions/0021): the same officer alone with the same
 * offender again, two officers who are always the same two, a record changed long after. The first two are worked out after
 * a phase's derivations from the rows that people now see, for the pairs of officer and offender that were judged in it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/wire_read.h"
#include "server/logic/batch_internal.h"

#define PARTNERS_MAX 8 /* of one officer, that are told apart: more than one is enough */

struct record_list {
    struct batch *batch;
    const struct id *officer;
    struct visit_record *items;
    size_t count, capacity;
};

enum status pattern_note(struct batch *batch, const struct presence_row *presence, bool told_joint)
{
    RETURN_IF_BAD(
        batch_list_room((void **)&batch->noted, &batch->noted_capacity, batch->noted_count, sizeof(*batch->noted)));
    batch->noted[batch->noted_count++] = (struct noted_pair){presence->officer, presence->offender, told_joint};
    return STATUS_OK;
}

static int by_pair(const void *a, const void *b)
{
    return memcmp(a, b, offsetof(struct noted_pair, told_joint));
}

static int by_time(const void *a, const void *b)
{
    const struct visit_record *left = a, *right = b;

    return (left->in_ms > right->in_ms) - (left->in_ms < right->in_ms);
}

static enum status keep(void *context, const struct hash *presence)
{
    struct record_list *list = context;
    struct batch *batch = list->batch;

    RETURN_IF_BAD(batch_list_room((void **)&list->items, &list->capacity, list->count, sizeof(list->items[0])));
    RETURN_IF_BAD(visit_record_get(batch->visit_records, batch->store, presence, &list->items[list->count]));
    list->count++;
    return STATUS_OK;
}

/* The officer's visits to this offender (NULL: to all) from then on, in the order in which they began. */
static enum status read_records(struct record_list *list, const struct id *offender, int64_t from_us)
{
    struct store *store = list->batch->store;

    RETURN_IF_BAD(store->ops->presence_ids(store, list->officer, offender, from_us, INT64_MAX, keep, list));
    qsort(list->items, list->count, sizeof(list->items[0]), by_time);
    return STATUS_OK;
}

/* How often this officer was alone there, up to and with this visit, within the time that policy looks at. */
static uint32_t lone_until(const struct record_list *list, size_t at, int64_t within_us)
{
    uint32_t count = 0;

    for (size_t i = 0; i <= at; i++)
        count += list->items[i].lone && list->items[at].in_ms - list->items[i].in_ms < within_us / 1000;
    return count;
}

static enum status repeated_lone(struct batch *batch, const struct noted_pair *pair, const struct flag_policy *policy,
                                 struct record_list *list)
{
    int64_t from_us = batch->phase_time_us - 3 * policy->repeated_us;

    RETURN_IF_BAD(read_records(list, &pair->offender, from_us));
    for (size_t i = 0; i < list->count; i++) {
        const struct visit_record *record = &list->items[i];
        struct flag_about about = {.kind = FLAG_REPEATED_LONE,
                                   .subject = record->presence,
                                   .offender = pair->offender,
                                   .officer = pair->officer,
                                   .presence = record->presence,
                                   .severity = flag_info(FLAG_REPEATED_LONE)->severity,
                                   .lane = DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_ASSURANCE};
        bool wanted = record->lone && policy->repeated_lone > 0 &&
                      lone_until(list, i, policy->repeated_us) >= policy->repeated_lone;

        if (record->in_ms < (batch->phase_time_us - 2 * policy->repeated_us) / 1000)
            continue; /* what came before it isn't all here */
        arena_reset(batch->arena, ARENA_CAP_DEFAULT);
        RETURN_IF_BAD(flag_settle(batch, &about, wanted, NULL));
    }
    return STATUS_OK;
}

/* The partners of an officer's joint visits within the time that policy looks at. */
struct partners {
    struct id ids[PARTNERS_MAX];
    size_t count;
    uint32_t visits;
    struct id last_offender;
    struct hash last;
};

static void add_partner(struct partners *partners, const struct visit_record *record)
{
    partners->visits++;
    partners->last = record->presence;
    for (size_t i = 0; i < partners->count; i++) {
        if (id_equal(&partners->ids[i], &record->partner))
            return;
    }
    if (partners->count < PARTNERS_MAX)
        partners->ids[partners->count++] = record->partner;
}

static enum status partners_of(struct batch *batch, const struct id *officer, int64_t within_us,
                               struct partners *ret_partners)
{
    struct record_list list = {.batch = batch, .officer = officer};
    int64_t from_us = batch->phase_time_us - within_us;
    enum status status = read_records(&list, NULL, from_us);

    *ret_partners = (struct partners){.count = 0};
    for (size_t i = 0; status == STATUS_OK && i < list.count; i++) {
        if (list.items[i].joint && !id_is_zero(&list.items[i].partner))
            add_partner(ret_partners, &list.items[i]);
    }
    free(list.items);
    return status;
}

static bool only_each_other(const struct partners *partners, const struct id *other, uint32_t visits)
{
    return partners->count == 1 && partners->visits >= visits && id_equal(&partners->ids[0], other);
}

static enum status settle_pair(struct batch *batch, const struct id *a, const struct id *b, const struct hash *last,
                               bool wanted)
{
    bool a_first = memcmp(a->bytes, b->bytes, ID_SIZE) < 0;
    const struct id *first = a_first ? a : b, *second = a_first ? b : a;
    struct span parts[] = {span_of("pair", 5), span_of(first->bytes, ID_SIZE), span_of(second->bytes, ID_SIZE)};
    struct flag_about about = {.kind = FLAG_SAME_PAIR,
                               .officer = *first,
                               .presence = *last, /* whoever was at it isn't asked about it */
                               .severity = flag_info(FLAG_SAME_PAIR)->severity,
                               .lane = DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_ASSURANCE};

    RETURN_IF_BAD(sha256_parts(batch->sha, parts, 3, &about.subject));
    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    return flag_settle(batch, &about, wanted, NULL);
}

static enum status same_pair(struct batch *batch, const struct id *officer, const struct flag_policy *policy)
{
    struct partners mine, theirs;

    RETURN_IF_BAD(partners_of(batch, officer, policy->repeated_us, &mine));
    for (size_t i = 0; i < mine.count; i++) {
        bool wanted = policy->same_pair > 0 && only_each_other(&mine, &mine.ids[i], policy->same_pair);

        if (wanted) {
            RETURN_IF_BAD(partners_of(batch, &mine.ids[i], policy->repeated_us, &theirs));
            wanted = only_each_other(&theirs, officer, policy->same_pair);
        }
        RETURN_IF_BAD(settle_pair(batch, officer, &mine.ids[i], &mine.last, wanted));
    }
    return STATUS_OK;
}

enum status patterns_settle(struct batch *batch)
{
    const struct flag_policy *policy;
    const struct id *settled = NULL; /* whose pairs were looked at last: an officer's visits follow one another here */
    enum status status = STATUS_OK;

    if (batch->noted_count == 0)
        return STATUS_OK;
    RETURN_IF_BAD(batch_flag_policy_at(batch, batch->phase_time_us, &policy));
    qsort(batch->noted, batch->noted_count, sizeof(batch->noted[0]), by_pair);
    for (size_t i = 0; i < batch->noted_count && status == STATUS_OK; i++) {
        const struct noted_pair *pair = &batch->noted[i];
        struct record_list list = {.batch = batch, .officer = &pair->officer};

        if (pair->told_joint && (settled == NULL || !id_equal(settled, &pair->officer))) {
            status = same_pair(batch, &pair->officer, policy);
            settled = &pair->officer;
        }
        if (i > 0 && by_pair(pair, pair - 1) == 0)
            continue;
        if (status == STATUS_OK)
            status = repeated_lone(batch, pair, policy, &list);
        free(list.items);
    }
    return status;
}

enum status pattern_edited(struct batch *batch, ProtobufCBinaryData subject, const struct bounds *at)
{
    struct hash id = pb_hash(subject);
    struct flag_about about = {.kind = FLAG_EDITED_AFTER,
                               .subject = id,
                               .presence = id,
                               .severity = flag_info(FLAG_EDITED_AFTER)->severity,
                               .lane = DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_ASSURANCE};
    const struct flag_policy *policy;
    struct presence_row presence;
    struct rule_instant in, out;
    bool trouble;
    enum status status = STATUS_NOT_FOUND;

    if (subject.len == HASH_SIZE)
        status = batch->store->ops->presence_get(batch->store, &id, &presence);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    RETURN_IF_BAD(presence_bounds(batch, &presence, &in, &out, &trouble));
    RETURN_IF_BAD(batch_flag_policy_at(batch, batch->time_us, &policy));
    if (!presence.has_out || trouble || policy->edited_after_us == 0 || at->lo_us == INT64_MIN ||
        out.hi_us > at->lo_us - policy->edited_after_us)
        return STATUS_OK;
    about.offender = presence.offender;
    about.officer = presence.officer;
    return flag_settle(batch, &about, true, NULL);
}
