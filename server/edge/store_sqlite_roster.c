/* Devices, officers, offenders, policies, and whose device may see which scope. */
#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_internal.h"
#include "server/edge/store_sqlite_logs.h"

static enum status device_by_id(struct store *store, const struct id *device, struct device_row *ret_row)
{
    return sq_cache_get(store, SQ_DEVICE_GET, span_of(device->bytes, ID_SIZE), ret_row);
}

static enum status device_by_log(struct store *store, const struct id *log, struct device_row *ret_row)
{
    return sq_logs_device(store, log, ret_row);
}

static enum status device_by_certificate(struct store *store, const struct hash *key_hash, struct device_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_DEVICE_BY_CERTIFICATE);

    sq_bind_hash(&query, key_hash);
    return sq_one(&query, &sq_devices, ret_row);
}

static enum status devices_of_officer(struct store *store, const struct id *officer, struct device_row *ret_rows,
                                      size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_DEVICES_OF_OFFICER);

    sq_bind_id(&query, officer);
    return sq_all(&query, &sq_devices, ret_rows, max, SQ_EXCESS_CUT, ret_count);
}

static enum status device_put(struct store *store, const struct device_row *row)
{
    enum status status = sq_logs_put(store, row);

    return status == STATUS_OK ? sq_put(store, SQ_DEVICE_PUT, row) : status;
}

static enum status officer_get(struct store *store, const struct id *officer, struct officer_row *ret_row)
{
    return sq_cache_get(store, SQ_OFFICER_GET, span_of(officer->bytes, ID_SIZE), ret_row);
}

static enum status officers_in_charge(struct store *store, store_officer_each each, void *context)
{
    struct sq_query query = sq_begin(store, SQ_OFFICERS_IN_CHARGE);
    struct officer_row row;

    while (sq_next(&query, &sq_officers, &row))
        query.status = each(context, &row);
    return sq_end(&query);
}

static enum status officer_put(struct store *store, const struct officer_row *row)
{
    return sq_put(store, SQ_OFFICER_PUT, row);
}

static enum status covers_after(struct store *store, int64_t after_us, store_cover_each each, void *context)
{
    struct sq_query query = sq_begin(store, SQ_COVERS_AFTER);
    struct cover_row row;

    sq_bind_int(&query, after_us);
    while (sq_next(&query, &sq_covers, &row))
        query.status = each(context, &row);
    return sq_end(&query);
}

static enum status cover_put(struct store *store, const struct cover_row *row)
{
    return sq_put(store, SQ_COVER_PUT, row);
}

static enum status standings_of_officer(struct store *store, const struct id *officer, struct standing_row *ret_rows,
                                        size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_STANDINGS_GET);

    sq_bind_id(&query, officer);
    enum status status = sq_all(&query, &sq_standings, ret_rows, max, SQ_EXCESS_CUT, ret_count);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < *ret_count / 2; i++) { /* the newest came first */
        struct standing_row row = ret_rows[i];

        ret_rows[i] = ret_rows[*ret_count - 1 - i];
        ret_rows[*ret_count - 1 - i] = row;
    }
    return STATUS_OK;
}

static enum status standing_put(struct store *store, const struct standing_row *row)
{
    return sq_put(store, SQ_STANDING_PUT, row);
}

/* All of a phone's or an officer's, which are few, and of these the time: so it is the same question whatever the time. */
static enum status holders(struct store *store, enum sq_statement_id statement, const struct id *of, int64_t from_us,
                           int64_t to_us, struct holder_row *ret_rows, size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, statement);
    struct holder_row row;
    size_t count = 0;
    enum status status;

    sq_bind_id(&query, of);
    while (sq_next(&query, &sq_holders, &row)) {
        if (row.to_us > from_us && row.from_us <= to_us && count < max)
            ret_rows[count++] = row;
    }
    status = sq_end(&query);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count / 2; i++) { /* the newest came first */
        row = ret_rows[i];
        ret_rows[i] = ret_rows[count - 1 - i];
        ret_rows[count - 1 - i] = row;
    }
    *ret_count = count;
    return STATUS_OK;
}

static enum status holders_of_device(struct store *store, const struct id *device, int64_t from_us, int64_t to_us,
                                     struct holder_row *ret_rows, size_t max, size_t *ret_count)
{
    return holders(store, SQ_HOLDERS_GET, device, from_us, to_us, ret_rows, max, ret_count);
}

static enum status holdings_of_officer(struct store *store, const struct id *officer, int64_t from_us, int64_t to_us,
                                       struct holder_row *ret_rows, size_t max, size_t *ret_count)
{
    return holders(store, SQ_HOLDINGS_GET, officer, from_us, to_us, ret_rows, max, ret_count);
}

static enum status holder_put(struct store *store, const struct holder_row *row)
{
    return sq_put(store, SQ_HOLDER_PUT, row);
}

static enum status offender_get(struct store *store, const struct id *offender, struct offender_row *ret_row)
{
    return sq_cache_get(store, SQ_OFFENDER_GET, span_of(offender->bytes, ID_SIZE), ret_row);
}

static enum status offender_put(struct store *store, const struct offender_row *row)
{
    return sq_put(store, SQ_OFFENDER_PUT, row);
}

static enum status risks_of_offender(struct store *store, const struct id *offender, struct rule_risk_span *ret_spans,
                                     size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_RISKS_GET);
    struct sq_risk row;
    size_t count = 0;

    sq_bind_id(&query, offender);
    while (sq_next(&query, &sq_risks, &row)) {
        if (count == max)
            query.status = STATUS_OVER_LIMIT;
        else
            ret_spans[count++] = row.span;
    }
    enum status status = sq_end(&query);
    if (status == STATUS_OK)
        *ret_count = count;
    return status;
}

static enum status risk_put(struct store *store, const struct id *offender, const struct rule_risk_span *span)
{
    struct sq_risk row = {.offender = *offender, .span = *span};

    return sq_put(store, SQ_RISK_PUT, &row);
}

/* The bodies are borrowed together: kept as rows first, so that they end up in one piece of memory. */
static enum status policies(struct store *store, struct span *ret_bodies, size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_POLICIES_GET);
    struct sq_policy rows[SQ_POLICIES_MAX];
    size_t limit = max < SQ_POLICIES_MAX ? max : SQ_POLICIES_MAX;
    size_t count = 0;
    enum status status = sq_all(&query, &sq_policies, rows, limit, SQ_EXCESS_REFUSED, &count);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        ret_bodies[i] = rows[i].body;
    *ret_count = count;
    return STATUS_OK;
}

static enum status policy_put(struct store *store, uint32_t version, int64_t effective_from_us, struct span body)
{
    struct sq_policy row = {.version = version, .effective_from_us = effective_from_us, .body = body};

    return sq_put(store, SQ_POLICY_PUT, &row);
}

static enum status scopes_of_device(struct store *store, const struct id *device, struct scope_member *ret_members,
                                    size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_MEMBERS_GET);
    struct sq_member row;
    size_t count = 0;

    sq_bind_id(&query, device);
    while (sq_next(&query, &sq_members, &row)) {
        if (count == max)
            query.status = STATUS_OVER_LIMIT;
        else
            ret_members[count++] = row.member;
    }
    enum status status = sq_end(&query);
    if (status == STATUS_OK)
        *ret_count = count;
    return status;
}

static enum status scope_member_put(struct store *store, const struct id *device, const struct scope_member *member)
{
    struct sq_member row = {.device = *device, .member = *member};

    return sq_put(store, SQ_MEMBER_PUT, &row);
}

static enum status scope_member_forget(struct store *store, const struct id *device, const struct scope *scope)
{
    struct sq_query query = sq_begin(store, SQ_MEMBER_FORGET);

    sq_bind_id(&query, device);
    sq_bind_scope(&query, scope);
    return sq_change(&query);
}

static enum status officer_version(struct store *store, const struct id *officer, uint64_t pos,
                                   struct officer_version_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_OFFICER_VERSION);

    sq_bind_id(&query, officer);
    sq_bind_u64(&query, pos);
    return sq_one(&query, &sq_officer_versions, ret_row);
}

static enum status officer_version_put(struct store *store, const struct officer_version_row *row)
{
    return sq_put(store, SQ_OFFICER_VERSION_PUT, row);
}

static enum status offender_team_up_to(struct store *store, const struct id *offender, uint64_t pos,
                                       struct offender_team_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_OFFENDER_TEAM_UP_TO);

    sq_bind_id(&query, offender);
    sq_bind_u64(&query, pos);
    return sq_one(&query, &sq_offender_teams, ret_row);
}

static enum status offender_team_first(struct store *store, const struct id *offender,
                                       struct offender_team_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_OFFENDER_TEAM_FIRST);

    sq_bind_id(&query, offender);
    return sq_one(&query, &sq_offender_teams, ret_row);
}

static enum status offender_team_put(struct store *store, const struct offender_team_row *row)
{
    return sq_put(store, SQ_OFFENDER_TEAM_PUT, row);
}

void sq_roster_ops(struct store_ops *ops)
{
    ops->officer_version = officer_version;
    ops->officer_version_put = officer_version_put;
    ops->offender_team_up_to = offender_team_up_to;
    ops->offender_team_first = offender_team_first;
    ops->offender_team_put = offender_team_put;
    ops->device_by_id = device_by_id;
    ops->device_by_log = device_by_log;
    ops->device_by_certificate = device_by_certificate;
    ops->devices_of_officer = devices_of_officer;
    ops->device_put = device_put;
    ops->officer_get = officer_get;
    ops->officer_put = officer_put;
    ops->officers_in_charge = officers_in_charge;
    ops->covers_after = covers_after;
    ops->cover_put = cover_put;
    ops->standings_of_officer = standings_of_officer;
    ops->standing_put = standing_put;
    ops->holders_of_device = holders_of_device;
    ops->holdings_of_officer = holdings_of_officer;
    ops->holder_put = holder_put;
    ops->offender_get = offender_get;
    ops->offender_put = offender_put;
    ops->risks_of_offender = risks_of_offender;
    ops->risk_put = risk_put;
    ops->policies = policies;
    ops->policy_put = policy_put;
    ops->scopes_of_device = scopes_of_device;
    ops->scope_member_put = scope_member_put;
    ops->scope_member_forget = scope_member_forget;
}
