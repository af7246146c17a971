/* The preview's case: what the server's rows add. */
#include <string.h>

#include "device/preview_parts.h"
#include "device/row_read.h"
#include "device/view_rows.h"

static int64_t lower(int64_t us)
{
    return us == 0 ? INT64_MIN : us;
}

static int64_t upper(int64_t us)
{
    return us == 0 ? RULE_FOREVER : us;
}

/* The server's bounds, if they are any. */
static void take_bounds(struct rule_instant *bounds, int64_t from_us, int64_t to_us)
{
    if (lower(from_us) <= upper(to_us)) {
        *bounds = (struct rule_instant){.lo_us = lower(from_us), .hi_us = upper(to_us)};
    }
}

/* A row of a server that sends no evidence: the verdict's own times, and nothing of who saw whom. */
static void sketch_bare(const Doublecrew__V1__PresenceRow *row, struct preview_sketch *sketch)
{
    take_bounds(&sketch->in, row->in_from_ms * US_PER_MS, row->in_to_ms * US_PER_MS);
    sketch->has_out = row->out_to_ms != 0 && strcmp(row->company, "under_way") != 0 &&
                      strcmp(row->company, "joint_so_far") != 0 && row->out_from_ms <= row->out_to_ms;
    take_bounds(&sketch->out, row->out_from_ms * US_PER_MS, row->out_to_ms * US_PER_MS);
    sketch->received_us = row->received_ms * US_PER_MS;
    sketch->contested = strcmp(row->company, "held") == 0;
}

static void take_in(const Doublecrew__V1__Evidence *evidence, struct preview_sketch *sketch)
{
    take_bounds(&sketch->in, evidence->in_from_us, evidence->in_to_us);
    sketch->boots_known = true;
    sketch->in_boot = preview_id(evidence->in_boot);
    sketch->in_mono_us = (int64_t)evidence->in_monotonic_ms * US_PER_MS;
    sketch->in_seq = evidence->in_seq;
    sketch->in_at = preview_spot(evidence->in_place);
    sketch->received_us = evidence->received_us;
    sketch->contested = evidence->contested;
    sketch->clock_trouble = evidence->clock_trouble;
}

/* An own check-out that the server hasn't told of yet stays as it was written. */
static void take_out(const struct preview_builder *builder, const Doublecrew__V1__Evidence *evidence,
                     struct preview_sketch *sketch)
{
    bool pending = sketch->own && sketch->has_out && sketch->out_seq > builder->device->reflected_seq;

    if (evidence->has_out) {
        sketch->has_out = true;
        take_bounds(&sketch->out, evidence->out_from_us, evidence->out_to_us);
        sketch->out_boot = evidence->out_boot.len > 0 ? preview_id(evidence->out_boot) : sketch->in_boot;
        sketch->out_mono_us = (int64_t)evidence->out_monotonic_ms * US_PER_MS;
        sketch->out_seq = evidence->out_seq;
        sketch->out_at = preview_spot(evidence->out_place);
    } else if (!pending || evidence->out_contested) {
        sketch->has_out = false;
    }
}

static void take_company(const Doublecrew__V1__Evidence *evidence, struct preview_sketch *sketch)
{
    const Doublecrew__V1__EvidenceCosign *cosign = evidence->cosign;

    sketch->with = (enum rule_with)evidence->company;
    sketch->agency = evidence->agency;
    sketch->named_count = 0;
    for (size_t i = 0; i < evidence->n_named_officer_ids && i < RULE_NAMED_MAX; i++) {
        sketch->named[sketch->named_count++] = preview_id(evidence->named_officer_ids[i]);
    }
    if (!cosign) {
        return; /* what this phone knows by itself stays: its own confirmation is on its way */
    }
    sketch->cosigned = preview_hash(cosign->presence);
    sketch->cosign = (struct rule_cosign){.presence = RULE_NONE,
                                          .first = cosign->first,
                                          .confirm_known = cosign->confirmed,
                                          .confirm_mono_us = (int64_t)cosign->confirm_monotonic_ms * US_PER_MS,
                                          .round_trip_us = (int64_t)cosign->round_trip_ms * US_PER_MS};
}

static void take_beside(struct preview_builder *builder, const Doublecrew__V1__Evidence *evidence)
{
    for (size_t i = 0; i < evidence->n_beside && i < RULE_PRESENCES_MAX; i++) {
        builder->beside[builder->beside_count++] = preview_hash(evidence->beside[i]);
    }
}

static bool sketch_row(void *context, const Doublecrew__V1__Row *row)
{
    struct preview_builder *builder = context;
    const Doublecrew__V1__PresenceRow *given = row->presence;
    struct hash id = preview_hash(given->presence);
    struct preview_sketch *sketch = preview_sketch_of(builder, &id);
    bool own = sketch && sketch->own;
    struct dc_presence read;

    if (!sketch) {
        sketch = preview_sketch_add(builder, &id);
    }
    if (!sketch) {
        return false;
    }
    if (own && !given->evidence) {
        return true; /* the own log knows better */
    }
    row_read_presence(given, &read);
    if (!own || sketch->outcome == RULE_OUTCOME_NONE) {
        sketch->outcome = (enum rule_outcome)read.outcome;
    }
    sketch->offender = preview_id(given->offender_id);
    sketch->officer = preview_id(given->officer_id);
    sketch->device = preview_id(given->device_id);
    if (given->evidence) {
        sketch->synced = true;
        take_in(given->evidence, sketch);
        take_out(builder, given->evidence, sketch);
        take_company(given->evidence, sketch);
        if (hash_equal(&id, &builder->target)) {
            take_beside(builder, given->evidence);
        }
    } else {
        sketch_bare(given, sketch);
    }
    return true;
}

static bool read_address(void *context, const Doublecrew__V1__Row *row)
{
    struct preview_builder *builder = context;

    builder->address_known = row->offender->offender != NULL;
    if (builder->address_known) {
        builder->address = preview_spot(row->offender->offender->place);
    }
    return false;
}

enum status preview_sketch_rows(struct preview_builder *builder)
{
    struct view_key key = view_key_all('p');
    struct dc_id offender;
    enum status status = view_each(builder->device, &key, DOUBLECREW__V1__ROW__ROW_PRESENCE, sketch_row, builder, NULL);

    if (status == STATUS_OK) {
        memcpy(offender.bytes, builder->offender.bytes, ID_SIZE);
        key = view_key_id('x', &offender);
        status = view_each(builder->device, &key, DOUBLECREW__V1__ROW__ROW_OFFENDER, read_address, builder, NULL);
    }
    return status == STATUS_OK && builder->no_memory ? STATUS_NO_MEMORY : status;
}

/* Where a presence's evidence says more of the officer, that stands (preview_evidence.c). */
static bool add_officer_row(void *context, const Doublecrew__V1__Row *row)
{
    struct preview_builder *builder = context;
    struct row_officer read;
    struct id id;

    row_read_officer(row->officer, &read);
    builder->preview->roster_known = true;
    memcpy(id.bytes, read.officer.officer.bytes, ID_SIZE);
    for (size_t i = 0; i < builder->preview->officer_count; i++) {
        struct rule_officer *officer = &builder->preview->officers[i];

        if (id_equal(&officer->id, &id)) {
            officer->accredited = read.officer.accredited;
            officer->entitled_from_us =
                read.officer.entitled_from_ms ? read.officer.entitled_from_ms * US_PER_MS : INT64_MIN;
            officer->entitled_to_us =
                read.officer.entitled_to_ms ? read.officer.entitled_to_ms * US_PER_MS : RULE_FOREVER;
            if (read.officer.role == DC_ROLE_STAFF) {
                officer->entitled_to_us = officer->entitled_from_us; /* may use the app, may not be second */
            }
        }
    }
    return true;
}

static bool add_offender_row(void *context, const Doublecrew__V1__Row *row)
{
    static const enum rule_risk risks[] = {[DC_RISK_UNKNOWN] = RULE_RISK_VERY_HIGH,
                                           [DC_RISK_LOW] = RULE_RISK_LOW,
                                           [DC_RISK_MEDIUM] = RULE_RISK_MEDIUM,
                                           [DC_RISK_HIGH] = RULE_RISK_HIGH,
                                           [DC_RISK_VERY_HIGH] = RULE_RISK_VERY_HIGH};
    struct preview_builder *builder = context;
    struct dc_offender offender;

    row_read_offender(row->offender, &offender);
    for (size_t i = 0; i < builder->preview->offender_count; i++) {
        if (memcmp(builder->preview->offenders[i].id.bytes, offender.offender.bytes, ID_SIZE) == 0 &&
            (size_t)offender.risk < sizeof risks / sizeof *risks) {
            builder->preview->risks[i].risk = risks[offender.risk];
        }
    }
    return true;
}

static bool add_plan_row(void *context, const Doublecrew__V1__Row *row)
{
    struct preview_builder *builder = context;
    struct preview_case *preview = builder->preview;
    struct rule_plan plan = {.officer_count = 0};
    struct dc_plan read;
    struct id offender;

    row_read_plan(row->plan, &read);
    memcpy(offender.bytes, read.offender.bytes, ID_SIZE);
    plan.from_us = read.from_ms * US_PER_MS;
    plan.to_us = read.to_ms * US_PER_MS;
    if (read.cancelled || preview->plan_count == PREVIEW_PLANS_MAX || !id_equal(&offender, &preview->offenders[0].id) ||
        plan.to_us < builder->from_us || plan.from_us > builder->to_us) {
        return true;
    }
    for (size_t i = 0; i < read.officer_count && i < RULE_NAMED_MAX; i++) {
        struct id id;
        size_t officer;

        memcpy(id.bytes, read.officers[i].bytes, ID_SIZE);
        officer = preview_officer(preview, &id);
        if (officer != RULE_NONE) {
            plan.officers[plan.officer_count++] = officer;
        }
    }
    preview->plans[preview->plan_count++] = plan;
    return true;
}

static bool add_policy_row(void *context, const Doublecrew__V1__Row *row)
{
    struct preview_builder *builder = context;
    struct preview_case *preview = builder->preview;
    const Doublecrew__V1__Policy *given = row->policy->policy;
    struct rule_policy policy;

    if (!given || preview->policy_count == PREVIEW_POLICIES_MAX) {
        return true;
    }
    rule_policy_default(&policy);
    policy.effective_from_us = given->effective_from_ms * US_PER_MS;
    policy.max_alone_us = (int64_t)given->max_alone_s * US_PER_S;
    policy.longest_visit_us = (int64_t)given->longest_visit_s * US_PER_S;
    policy.time_limit_us = (int64_t)given->time_limit_s * US_PER_S;
    policy.retro_window_us = (int64_t)given->retro_window_s * US_PER_S;
    policy.evidence_overdue_us = (int64_t)given->evidence_overdue_s * US_PER_S;
    policy.authority_max_us = (int64_t)given->authority_max_s * US_PER_S;
    policy.cosign_round_trip_us = (int64_t)given->cosign_round_trip_s * US_PER_S;
    policy.drift_ppb = (int64_t)given->drift_ppm * 1000;
    policy.partner_distance_m = given->partner_distance_m;
    policy.far_apart_m = given->far_apart_m;
    policy.late_out_m = given->late_out_m;
    memset(policy.lone_forbidden, 0, sizeof policy.lone_forbidden);
    for (size_t i = 0; i < given->n_lone_forbidden; i++) {
        int risk = (int)given->lone_forbidden[i] - DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW;

        if (risk >= 0 && risk < 4) {
            policy.lone_forbidden[risk] = true;
        }
    }
    preview->policies[preview->policy_count++] = policy;
    return true;
}

enum status preview_add_rows(struct preview_builder *builder)
{
    static const struct {
        char letter;
        Doublecrew__V1__Row__RowCase kind;
        view_on_row add;
    } parts[] = {
        {'l', DOUBLECREW__V1__ROW__ROW_PLAN, add_plan_row},
        {'o', DOUBLECREW__V1__ROW__ROW_OFFICER, add_officer_row},
        {'x', DOUBLECREW__V1__ROW__ROW_OFFENDER, add_offender_row},
        {'y', DOUBLECREW__V1__ROW__ROW_POLICY, add_policy_row},
    };
    enum status status = STATUS_OK;

    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == STATUS_OK; i++) {
        struct view_key key = view_key_all(parts[i].letter);

        status = view_each(builder->device, &key, parts[i].kind, parts[i].add, builder, NULL);
    }
    return status;
}

static bool read_longest(void *context, const Doublecrew__V1__Row *row)
{
    const Doublecrew__V1__Policy *given = row->policy->policy;
    int64_t *longest_us = context;

    if (given && (int64_t)given->longest_visit_s * US_PER_S > *longest_us) {
        *longest_us = (int64_t)given->longest_visit_s * US_PER_S;
    }
    return true;
}

enum status preview_longest_visit(struct dc_device *device, int64_t *ret_longest_us)
{
    struct view_key key = view_key_all('y');
    struct rule_policy policy;
    int64_t longest_us = 0;
    enum status status = view_each(device, &key, DOUBLECREW__V1__ROW__ROW_POLICY, read_longest, &longest_us, NULL);

    rule_policy_default(&policy);
    if (status == STATUS_OK) {
        *ret_longest_us = longest_us > 0 ? longest_us : policy.longest_visit_us;
    }
    return status;
}
