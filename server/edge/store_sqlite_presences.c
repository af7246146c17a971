/* Presences and what bears on them: plans, authorities, decisions. */
#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_index.h"
#include "server/edge/store_sqlite_internal.h"

static enum status presence_get(struct store *store, const struct hash *presence, struct presence_row *ret_row)
{
    return sq_cache_get(store, SQ_PRESENCE_GET, span_of(presence->bytes, HASH_SIZE), ret_row);
}

static enum status each_presence(struct sq_query *query, store_presence_each each, void *context)
{
    struct presence_row row;

    while (sq_next(query, &sq_presences, &row))
        query->status = each(context, &row);
    return sq_end(query);
}

static enum status presences_all(struct store *store, store_hash_each each, void *context)
{
    struct sq_query query = sq_begin(store, SQ_PRESENCES_ALL);
    struct hash presence;

    while (sq_step(&query)) {
        query.status = hash_from_span(sq_blob(&query, 0), &presence);
        if (query.status == STATUS_OK)
            query.status = each(context, &presence);
    }
    return sq_end(&query);
}

static enum status presences_at(struct store *store, const struct id *offender, int64_t from_us, int64_t to_us,
                                store_presence_each each, void *context)
{
    struct sq_query query;

    if (((struct store_sqlite *)store)->index != NULL)
        return sq_index_each(store, SQ_INDEX_OFFENDER, offender, from_us, to_us, each, context);
    query = sq_begin(store, SQ_PRESENCES_AT);
    sq_bind_id(&query, offender);
    sq_bind_int(&query, from_us);
    sq_bind_int(&query, to_us);
    return each_presence(&query, each, context);
}

static enum status presences_on_device(struct store *store, const struct id *device, int64_t from_us,
                                       store_presence_each each, void *context)
{
    struct sq_query query = sq_begin(store, SQ_PRESENCES_ON_DEVICE);

    sq_bind_id(&query, device);
    sq_bind_int(&query, from_us);
    return each_presence(&query, each, context);
}

static enum status presences_of(struct store *store, const struct id *officer, int64_t from_us, int64_t to_us,
                                store_presence_each each, void *context)
{
    struct sq_query query;

    if (((struct store_sqlite *)store)->index != NULL)
        return sq_index_each(store, SQ_INDEX_OFFICER, officer, from_us, to_us, each, context);
    query = sq_begin(store, SQ_PRESENCES_OF);
    sq_bind_id(&query, officer);
    sq_bind_int(&query, from_us);
    sq_bind_int(&query, to_us);
    return each_presence(&query, each, context);
}

static enum status presence_ids(struct store *store, const struct id *officer, const struct id *offender,
                                int64_t from_us, int64_t to_us, store_hash_each each, void *context)
{
    struct sq_query query;
    struct hash presence;

    if (((struct store_sqlite *)store)->index != NULL)
        return sq_index_ids(store, officer, offender, from_us, to_us, each, context);
    query = sq_begin(store, offender != NULL ? SQ_PRESENCE_IDS_OF_AT : SQ_PRESENCE_IDS_OF);
    sq_bind_id(&query, officer);
    sq_bind_int(&query, from_us);
    sq_bind_int(&query, to_us);
    if (offender != NULL)
        sq_bind_id(&query, offender);
    while (sq_step(&query)) {
        query.status = hash_from_span(sq_blob(&query, 0), &presence);
        if (query.status == STATUS_OK)
            query.status = each(context, &presence);
    }
    return sq_end(&query);
}

static enum status presences_in_boot(struct store *store, const struct id *log, const struct id *boot,
                                     store_presence_each each, void *context)
{
    struct sq_query query = sq_begin(store, SQ_PRESENCES_IN_BOOT);

    sq_bind_id(&query, log);
    sq_bind_id(&query, boot);
    return each_presence(&query, each, context);
}

static enum status outcome_before(struct store *store, const struct hash *presence, uint64_t seq,
                                  struct outcome_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_OUTCOME_BEFORE);

    sq_bind_hash(&query, presence);
    sq_bind_u64(&query, seq);
    return sq_one(&query, &sq_outcomes, ret_row);
}

static enum status outcome_put(struct store *store, const struct outcome_row *row)
{
    return sq_put(store, SQ_OUTCOME_PUT, row);
}

static enum status presences_anchored_in(struct store *store, int64_t from_us, int64_t to_us, store_presence_each each,
                                         void *context)
{
    struct sq_query query = sq_begin(store, SQ_PRESENCES_ANCHORED_IN);

    sq_bind_int(&query, from_us);
    sq_bind_int(&query, to_us);
    return each_presence(&query, each, context);
}

static enum status presence_put(struct store *store, const struct presence_row *row)
{
    struct presence_row before;
    enum status status = presence_get(store, &row->presence, &before);
    bool is_new = status == STATUS_NOT_FOUND;

    if (status == STATUS_OK || is_new)
        status = sq_put(store, SQ_PRESENCE_PUT, row);
    if (status == STATUS_OK)
        sq_index_put((struct store_sqlite *)store, is_new ? NULL : &before, row);
    return status;
}

static enum status presences_naming(struct store *store, const struct id *officer, int64_t from_us,
                                    store_hash_each each, void *context)
{
    struct sq_query query = sq_begin(store, SQ_NAMINGS_OF);
    struct sq_naming row;

    sq_bind_id(&query, officer);
    sq_bind_int(&query, from_us);
    while (sq_next(&query, &sq_namings, &row))
        query.status = each(context, &row.presence);
    return sq_end(&query);
}

static enum status naming_put(struct store *store, const struct presence_row *presence, const struct id *officers,
                              size_t count)
{
    struct sq_query forget = sq_begin(store, SQ_NAMINGS_FORGET);
    enum status status;

    sq_bind_u64(&forget, presence->in.pos);
    sq_bind_hash(&forget, &presence->presence);
    status = sq_change(&forget);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct sq_naming row = {
            .pos = presence->in.pos, .presence = presence->presence, .officer = officers[i], .to_us = presence->to_us};
        status = sq_put(store, SQ_NAMING_PUT, &row);
    }
    return status;
}

static enum status carried_put(struct store *store, const struct id *log, uint64_t seq, const struct hash *hash)
{
    const struct sq_carried_row row = {*log, seq, *hash};

    return sq_put(store, SQ_CARRIED_PUT, &row);
}

static enum status carried_next(struct store *store, const struct id *log, uint64_t from_seq, uint64_t to_seq,
                                uint64_t *ret_seq)
{
    struct sq_query query = sq_begin(store, SQ_CARRIED_NEXT);
    struct sq_carried_row row;
    enum status status;

    sq_bind_id(&query, log);
    sq_bind_u64(&query, from_seq);
    sq_bind_u64(&query, to_seq);
    status = sq_one(&query, &sq_carried, &row);
    if (status == STATUS_OK)
        *ret_seq = row.seq;
    return status;
}

static enum status carried_differs(struct store *store, const struct id *log, uint64_t seq, const struct hash *hash,
                                   bool *ret_differs)
{
    struct sq_query query = sq_begin(store, SQ_CARRIED_DIFFERS);
    struct sq_carried_row row;
    enum status status;

    sq_bind_id(&query, log);
    sq_bind_u64(&query, seq);
    sq_bind_hash(&query, hash);
    status = sq_one(&query, &sq_carried, &row);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    *ret_differs = status == STATUS_OK;
    return STATUS_OK;
}

static enum status plan_get(struct store *store, const struct id *plan, struct plan_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_PLAN_GET);

    sq_bind_id(&query, plan);
    return sq_one(&query, &sq_plans, ret_row);
}

static enum status plans_at(struct store *store, const struct id *offender, int64_t from_us, int64_t to_us,
                            struct plan_row *ret_rows, size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_PLANS_AT);

    sq_bind_id(&query, offender);
    sq_bind_int(&query, from_us);
    sq_bind_int(&query, to_us);
    return sq_all(&query, &sq_plans, ret_rows, max, SQ_EXCESS_REFUSED, ret_count);
}

static enum status plan_put(struct store *store, const struct plan_row *row)
{
    return sq_put(store, SQ_PLAN_PUT, row);
}

static enum status authorities_for(struct store *store, const struct id *officer, const struct id *offender,
                                   struct authority_row *ret_rows, size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_AUTHORITIES_FOR);

    sq_bind_id(&query, officer);
    sq_bind_id(&query, offender);
    return sq_all(&query, &sq_authorities, ret_rows, max, SQ_EXCESS_REFUSED, ret_count);
}

static enum status authority_put(struct store *store, const struct authority_row *row)
{
    return sq_put(store, SQ_AUTHORITY_PUT, row);
}

static enum status decisions_on(struct store *store, const struct hash *presence, struct decision_row *ret_rows,
                                size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_DECISIONS_ON);

    sq_bind_hash(&query, presence);
    return sq_all(&query, &sq_decisions, ret_rows, max, SQ_EXCESS_REFUSED, ret_count);
}

static enum status decision_put(struct store *store, const struct decision_row *row)
{
    return sq_put(store, SQ_DECISION_PUT, row);
}

static enum status waiting_first(struct store *store, const struct hash *awaited, struct waiting_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_WAITING_FIRST);

    sq_bind_hash(&query, awaited);
    return sq_one(&query, &sq_waiting, ret_row);
}

static enum status waiting_put(struct store *store, const struct waiting_row *row)
{
    return sq_put(store, SQ_WAITING_PUT, row);
}

static enum status waiting_forget(struct store *store, const struct waiting_row *row)
{
    struct sq_query query = sq_begin(store, SQ_WAITING_FORGET);

    sq_bind_hash(&query, &row->awaited);
    sq_bind_int(&query, row->received_us);
    sq_bind_id(&query, &row->log);
    sq_bind_u64(&query, row->seq);
    sq_bind_hash(&query, &row->entry);
    return sq_change(&query);
}

void sq_presence_ops(struct store_ops *ops)
{
    ops->presence_get = presence_get;
    ops->presences_all = presences_all;
    ops->presences_at = presences_at;
    ops->presences_of = presences_of;
    ops->presence_ids = presence_ids;
    ops->presences_on_device = presences_on_device;
    ops->presences_in_boot = presences_in_boot;
    ops->presences_anchored_in = presences_anchored_in;
    ops->presence_put = presence_put;
    ops->outcome_before = outcome_before;
    ops->outcome_put = outcome_put;
    ops->presences_naming = presences_naming;
    ops->naming_put = naming_put;
    ops->carried_put = carried_put;
    ops->carried_next = carried_next;
    ops->carried_differs = carried_differs;
    ops->plan_get = plan_get;
    ops->plans_at = plans_at;
    ops->plan_put = plan_put;
    ops->authorities_for = authorities_for;
    ops->authority_put = authority_put;
    ops->decisions_on = decisions_on;
    ops->decision_put = decision_put;
    ops->waiting_first = waiting_first;
    ops->waiting_put = waiting_put;
    ops->waiting_forget = waiting_forget;
}
