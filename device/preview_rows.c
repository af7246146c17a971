/* The preview's case: what the server's rows add. */
#include <string.h>

#include "device/preview_parts.h"
#include "device/row_read.h"
#include "device/view_rows.h"

static bool add_presence_row(void *context, const Doublecrew__V1__Row *row)
{
    struct preview_builder *builder = context;
    struct preview_case *preview = builder->preview;
    const Doublecrew__V1__PresenceRow *given = row->presence;
    struct id offender = preview_id(given->offender_id);
    struct id officer = preview_id(given->officer_id);
    struct id by = preview_id(given->device_id);
    struct rule_presence presence = {.id = preview_hash(given->presence),
                                     .in = {given->in_from_ms * US_PER_MS, given->in_to_ms * US_PER_MS},
                                     .has_out = given->out_to_ms != 0 && strcmp(given->company, "under_way") != 0 &&
                                                strcmp(given->company, "joint_so_far") != 0,
                                     .out = {given->out_from_ms * US_PER_MS, given->out_to_ms * US_PER_MS},
                                     .received_us = given->received_ms * US_PER_MS,
                                     .contested = strcmp(given->company, "held") == 0,
                                     .cosign = {.presence = RULE_NONE}};
    struct rule_presence *carried;
    struct dc_presence read;

    if (!id_equal(&offender, &builder->offender) || id_equal(&by, &builder->device->identity.device) ||
        presence.in.lo_us > presence.in.hi_us || presence.out.lo_us > presence.out.hi_us) {
        return true;
    }
    row_read_presence(given, &read);
    presence.outcome = (enum rule_outcome)read.outcome;
    carried = preview_presence_of(preview, &presence.id);
    if (carried) { /* carried here and synced by now: the server's times are better */
        carried->in = presence.in;
        carried->has_out = presence.has_out;
        carried->out = presence.out;
        return true;
    }
    /* Each row's clock is one of its own: nothing is known of its boot. */
    presence.in_boot = preview_boot_of_its_own(preview);
    presence.out_boot = preview_boot_of_its_own(preview);
    presence.officer = preview_officer(preview, &officer);
    presence.offender = preview_offender(preview, &offender);
    presence.device = preview_device(preview, &by, presence.officer);
    if (presence.device != RULE_NONE && presence.offender != RULE_NONE &&
        preview->presence_count < RULE_PRESENCES_MAX) {
        preview->presences[preview->presence_count++] = presence;
    }
    return true;
}

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
    if (read.cancelled || preview->plan_count == PREVIEW_PLANS_MAX || !id_equal(&offender, &builder->offender)) {
        return true;
    }
    plan.offender = preview_offender(preview, &offender);
    plan.from_us = read.from_ms * US_PER_MS;
    plan.to_us = read.to_ms * US_PER_MS;
    for (size_t i = 0; i < read.officer_count; i++) {
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
        {'p', DOUBLECREW__V1__ROW__ROW_PRESENCE, add_presence_row},
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
