/* Entries to a rule_case (V1, V4, W2, L1, L2, F4, D1). */
#include "tests/oracle/journal_oracle_case.h"

#include <stdlib.h>
#include <string.h>

#include "core/geo.h"

/* People and devices ------------------------------------------------------------------------------------------------ */

/* V5's role: those who may be second, and who manage; staff, leaders and operators use the app otherwise. */
static bool may_be_second(uint32_t role)
{
    return role == DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER || role == DOUBLECREW__V1__ROLE__ROLE_CONSTABLE ||
           role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR;
}

static int64_t window_from(const Doublecrew__V1__Officer *m)
{
    return m->entitled_from_ms == 0 ? INT64_MIN : m->entitled_from_ms * 1000;
}

/* Does the message's window hold t? 0 leaves a side open. */
static bool window_holds(const Doublecrew__V1__Officer *m, int64_t t)
{
    return may_be_second((uint32_t)m->role) && t >= window_from(m) &&
           (m->entitled_to_ms == 0 || t < m->entitled_to_ms * 1000);
}

static bool is_version_of(const struct jo_officer *version, const struct id *id)
{
    return id_equal(&version->id, id) && version->message != NULL;
}

/* An end that had passed when it was recorded, and that no later version's window holds (V5; standing.c's reading). */
static bool ended_backwards(const struct jo *jo, const struct id *id, size_t version, int64_t t)
{
    int64_t end = jo->officers.items[version].message->entitled_to_ms * 1000;

    if (end == 0 || end >= jo->officers.items[version].time_us || t < end)
        return false;
    for (size_t i = version + 1; i < jo->officers.count; i++) {
        if (is_version_of(&jo->officers.items[i], id) && window_holds(jo->officers.items[i].message, end))
            return false;
    }
    return true;
}

/* V5 as of t: what was recorded last before t, the first version also before; and what ended backwards since. */
static struct rule_officer_span standing_at(const struct jo *jo, const struct id *id, int64_t t)
{
    struct rule_officer_span span = {t, false, false};
    size_t now = JO_NONE, first = JO_NONE;

    for (size_t i = 0; i < jo->officers.count; i++) {
        const struct jo_officer *version = &jo->officers.items[i];

        if (!is_version_of(version, id))
            continue;
        if (first == JO_NONE || version->time_us == jo->officers.items[first].time_us)
            first = i;
        if (version->time_us <= t)
            now = i;
    }
    now = now == JO_NONE ? first : now;
    if (now == JO_NONE)
        return span;
    span.accredited = jo->officers.items[now].message->accredited;
    span.entitled = window_holds(jo->officers.items[now].message, t);
    if (now != first && !span.entitled && may_be_second((uint32_t)jo->officers.items[now].message->role) &&
        t >= window_from(jo->officers.items[now].message))
        span.entitled = jo->officers.items[now].message->entitled_to_ms * 1000 < jo->officers.items[now].time_us &&
                        !ended_backwards(jo, id, now, t);
    for (size_t i = now + 1; i < jo->officers.count; i++) {
        if (i != first && is_version_of(&jo->officers.items[i], id) && jo->officers.items[i].time_us > t)
            span.entitled = span.entitled && !ended_backwards(jo, id, i, t);
    }
    return span;
}

static void add_change(struct jo_changes *changes, const struct rule_officer_span *span)
{
    size_t at = changes->spans.count;

    JO_ADD(&changes->spans, *span);
    for (; at > 0 && changes->spans.items[at - 1].from_us > span->from_us; at--)
        changes->spans.items[at] = changes->spans.items[at - 1];
    changes->spans.items[at] = *span;
}

static struct rule_officer officer_of(const struct jo *jo, const struct id *id, struct jo_changes *changes)
{
    struct rule_officer_span first = standing_at(jo, id, INT64_MIN);

    for (size_t i = 0; i < jo->officers.count; i++) {
        const struct jo_officer *version = &jo->officers.items[i];

        if (!is_version_of(version, id))
            continue;
        int64_t times_us[] = {version->time_us, window_from(version->message), version->message->entitled_to_ms * 1000};
        for (size_t k = 0; k < 3; k++) {
            struct rule_officer_span span = standing_at(jo, id, times_us[k]);

            add_change(changes, &span);
        }
    }
    return (struct rule_officer){.id = *id,
                                 .accredited = first.accredited,
                                 .entitled_from_us = first.entitled ? INT64_MIN : RULE_FOREVER,
                                 .entitled_to_us = RULE_FOREVER};
}

static size_t officer_index(struct jo_evidence *e, const struct id *id)
{
    for (size_t i = 0; i < e->officers.count; i++) {
        if (id_equal(&e->officers.items[i].id, id))
            return i;
    }
    JO_ADD(&e->changes, (struct jo_changes){.spans = {NULL, 0, 0}});
    struct rule_officer officer = officer_of(e->jo, id, &e->changes.items[e->changes.count - 1]);
    JO_ADD(&e->officers, officer);
    return e->officers.count - 1;
}

static size_t device_index(const struct jo_evidence *e, const struct id *id)
{
    for (size_t i = 0; i < e->devices.count; i++) {
        if (id_equal(&e->devices.items[i].id, id))
            return i;
    }
    return JO_NONE;
}

static size_t offender_index(const struct jo_evidence *e, const struct id *id)
{
    for (size_t i = 0; i < e->offenders.count; i++) {
        if (id_equal(&e->offenders.items[i].id, id))
            return i;
    }
    return JO_NONE;
}

/* D1: suspended or lost, as of the time that was given, else from when it was recorded; the last word counts. */
static void add_standing(const struct jo *jo, struct rule_device *device)
{
    const struct jo_standing *standing = jo_standing_as_of(jo, &device->id, UINT64_MAX);

    if (standing == NULL)
        return;
    device->lost = standing->standing == DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST;
    if (jo_is_out(jo, &device->id, UINT64_MAX)) {
        device->revoked_as_of_us = standing->as_of_us;
        device->revocation_recorded_us = standing->time_us;
    }
}

static void add_device(struct jo_evidence *e, const struct jo_enrolment *enrolment)
{
    const struct jo_log *log = jo_log(e->jo, &enrolment->log);
    struct rule_device device = {.id = enrolment->device,
                                 .officer = officer_index(e, &enrolment->officer),
                                 .revoked_as_of_us = RULE_FOREVER,
                                 .revocation_recorded_us = RULE_FOREVER};
    size_t known = device_index(e, &enrolment->device);

    add_standing(e->jo, &device);
    if (log != NULL) {
        device.watermark_known = log->watermark_known;
        device.watermark_us = log->watermark_us;
    }
    if (known != JO_NONE) {
        e->devices.items[known] = device;
    } else {
        known = e->devices.count;
        JO_ADD(&e->devices, device);
        JO_ADD(&e->holders, (struct jo_holders){.spans = {NULL, 0, 0}});
    }
    JO_ADD(&e->holders.items[known].spans,
           (struct rule_holder_span){enrolment->time_us,
                                     id_is_zero(&enrolment->officer) ? RULE_NONE : device.officer}); /* F4 */
}

/* Offenders --------------------------------------------------------------------------------------------------------- */

static enum rule_risk risk_of(uint32_t level)
{
    return level == DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_UNSPECIFIED
               ? RULE_RISK_LOW
               : (enum rule_risk)(level - DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW);
}

/* L1: the level effective at the check-in; nothing is published backwards, and the first was always so. */
static void add_risk(struct jo_risks *risks, const struct jo_offender *offender)
{
    struct rule_risk_span span = {offender->message->risk_from_ms * 1000, risk_of((uint32_t)offender->message->risk)};

    if (span.from_us < offender->time_us)
        span.from_us = offender->time_us;
    if (risks->spans.count == 0)
        span.from_us = INT64_MIN;
    JO_ADD(&risks->spans, span);
    for (size_t i = risks->spans.count - 1; i > 0 && risks->spans.items[i].from_us < risks->spans.items[i - 1].from_us;
         i--) {
        span = risks->spans.items[i];
        risks->spans.items[i] = risks->spans.items[i - 1];
        risks->spans.items[i - 1] = span;
    }
}

static void add_offender(struct jo_evidence *e, const struct jo_offender *offender)
{
    size_t index = offender_index(e, &offender->id);

    if (index == JO_NONE) {
        index = e->offenders.count;
        JO_ADD(&e->offenders, (struct rule_offender){.id = offender->id});
        JO_ADD(&e->risks, (struct jo_risks){.spans = {NULL, 0, 0}});
    }
    add_risk(&e->risks.items[index], offender);
}

/* Plans and words --------------------------------------------------------------------------------------------------- */

static void add_plan(struct jo_evidence *e, const Doublecrew__V1__Plan *plan)
{
    struct id offender = jo_id(plan->offender_id);
    struct rule_plan rule = {
        .offender = offender_index(e, &offender), .from_us = plan->from_ms * 1000, .to_us = plan->to_ms * 1000};

    for (size_t i = 0; i < plan->n_officer_ids && i < RULE_NAMED_MAX; i++) {
        struct id officer = jo_id(plan->officer_ids[i]);

        rule.officers[rule.officer_count++] = officer_index(e, &officer);
    }
    if (!plan->cancelled && rule.offender != JO_NONE)
        JO_ADD(&e->plans, rule);
}

const Doublecrew__V1__Plan *jo_plan_named(const struct jo *jo, const struct id *id)
{
    const Doublecrew__V1__Plan *found = NULL;
    struct id offender = {{0}};

    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];

        if (entry->header.kind == JO_KIND(PLAN) && entry->message != NULL && jo_permitted(jo, entry)) {
            const Doublecrew__V1__Plan *plan = (const Doublecrew__V1__Plan *)entry->message;
            struct id plan_id = jo_id(plan->plan_id), of = jo_id(plan->offender_id);

            if (!id_equal(&plan_id, id) || jo_offender(jo, &of) == NULL || (found != NULL && !id_equal(&of, &offender)))
                continue;
            found = plan;
            offender = of;
        }
    }
    return found;
}

/* What a word is about: a window, a plan's window, or all instants at which a check-in may have been. */
static bool window_of(const struct jo *jo, const Doublecrew__V1__AuthorityWord *word, int64_t *ret_from_us,
                      int64_t *ret_to_us)
{
    struct id plan_id = jo_id(word->plan_id);
    struct hash presence = jo_hash(word->presence);

    if (word->plan_id.len > 0) {
        const Doublecrew__V1__Plan *plan = jo_plan_named(jo, &plan_id);

        *ret_from_us = plan != NULL ? plan->from_ms * 1000 : 0;
        *ret_to_us = plan != NULL ? plan->to_ms * 1000 : 0;
        return plan != NULL;
    }
    if (word->presence.len > 0) {
        size_t check_in = jo_entry_named(jo, &presence);

        if (check_in == JO_NONE)
            return false;
        *ret_from_us = jo->entries.items[check_in].at.lo_us;
        *ret_to_us = jo->entries.items[check_in].at.hi_us + 1;
        return true;
    }
    *ret_from_us = word->from_ms * 1000;
    *ret_to_us = word->to_ms * 1000;
    return true;
}

/* Nobody approves of a visit at which they are named. */
static bool names_author(const struct jo *jo, const Doublecrew__V1__AuthorityWord *word, const struct id *by)
{
    struct hash presence = jo_hash(word->presence);
    size_t check_in = word->presence.len > 0 ? jo_entry_named(jo, &presence) : JO_NONE;
    const Doublecrew__V1__CheckIn *message =
        check_in != JO_NONE ? (const Doublecrew__V1__CheckIn *)jo->entries.items[check_in].message : NULL;

    for (size_t i = 0; message != NULL && i < message->n_named_officer_ids; i++) {
        struct id named = jo_id(message->named_officer_ids[i]);

        if (id_equal(&named, by))
            return true;
    }
    return false;
}

static void add_word(struct jo_evidence *e, const struct jo_entry *entry)
{
    const Doublecrew__V1__AuthorityWord *word = (const Doublecrew__V1__AuthorityWord *)entry->message;
    struct id officer = jo_id(word->officer_id), offender = jo_id(word->offender_id), by = jo_author(e->jo, entry);
    struct rule_authority_word rule = {.granted = word->granted, .by = by, .recorded_us = entry->received_us};

    if (id_equal(&by, &officer) || names_author(e->jo, word, &by) || !jo_supervises(e->jo, entry, &officer, &offender))
        return; /* L2: nobody authorises themselves */
    rule.officer = officer_index(e, &officer);
    rule.offender = offender_index(e, &offender);
    if (rule.offender != JO_NONE && window_of(e->jo, word, &rule.valid_from_us, &rule.valid_to_us))
        JO_ADD(&e->words, rule);
}

static bool last_of_its_plan(const struct jo *jo, const struct jo_entry *entry)
{
    const Doublecrew__V1__Plan *plan = (const Doublecrew__V1__Plan *)entry->message;
    struct id id = jo_id(plan->plan_id);

    return jo_plan_named(jo, &id) == plan;
}

/* By the time from which they are in force; of two at one time the later version. */
static void add_policy(struct jo_evidence *e, const struct rule_policy *policy)
{
    size_t at = e->policies.count;

    JO_ADD(&e->policies, *policy);
    for (; at > 0 && e->policies.items[at - 1].effective_from_us > policy->effective_from_us; at--)
        e->policies.items[at] = e->policies.items[at - 1];
    e->policies.items[at] = *policy;
}

void jo_evidence_init(struct jo_evidence *e, const struct jo *jo)
{
    memset(e, 0, sizeof(*e));
    e->jo = jo;
    for (size_t i = 0; i < jo->policies.count; i++)
        add_policy(e, &jo->policies.items[i].rule);
    for (size_t i = 0; i < jo->officers.count; i++)
        (void)officer_index(e, &jo->officers.items[i].id);
    for (size_t i = 0; i < jo->enrolments.count; i++)
        add_device(e, &jo->enrolments.items[i]);
    for (size_t i = 0; i < jo->offenders.count; i++)
        add_offender(e, &jo->offenders.items[i]);
    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];

        if (entry->message == NULL || !jo_permitted(jo, entry))
            continue;
        if (entry->header.kind == JO_KIND(PLAN) && last_of_its_plan(jo, entry))
            add_plan(e, (const Doublecrew__V1__Plan *)entry->message);
        if (entry->header.kind == JO_KIND(AUTHORITY_WORD))
            add_word(e, entry);
    }
    for (size_t i = 0; i < jo->presences.count; i++) {
        const struct jo_presence *p = &jo->presences.items[i];

        (void)officer_index(e, &p->officer);
        for (size_t k = 0; k < p->message->n_named_officer_ids; k++) {
            struct id named = jo_id(p->message->named_officer_ids[k]);

            (void)officer_index(e, &named);
        }
    }
    for (size_t i = 0; i < e->offenders.count; i++) {
        e->offenders.items[i].risks = e->risks.items[i].spans.items;
        e->offenders.items[i].risk_count = e->risks.items[i].spans.count;
    }
    for (size_t i = 0; i < e->officers.count; i++) {
        e->officers.items[i].changes = e->changes.items[i].spans.items;
        e->officers.items[i].change_count = e->changes.items[i].spans.count;
    }
    for (size_t i = 0; i < e->devices.count; i++) {
        e->devices.items[i].holders = e->holders.items[i].spans.items;
        e->devices.items[i].holder_count = e->holders.items[i].spans.count;
    }
}

void jo_evidence_done(struct jo_evidence *e)
{
    for (size_t i = 0; i < e->risks.count; i++)
        free(e->risks.items[i].spans.items);
    for (size_t i = 0; i < e->officers.count; i++)
        free(e->changes.items[i].spans.items);
    for (size_t i = 0; i < e->devices.count; i++)
        free(e->holders.items[i].spans.items);
    free(e->changes.items);
    free(e->holders.items);
    free(e->policies.items);
    free(e->offenders.items);
    free(e->risks.items);
    free(e->officers.items);
    free(e->devices.items);
    free(e->plans.items);
    free(e->words.items);
}

/* Presences --------------------------------------------------------------------------------------------------------- */

static size_t boot_number(struct jo_case *jc, const struct jo_entry *entry)
{
    for (size_t i = 0; i < jc->boots.count; i++) {
        if (id_equal(&jc->boots.items[i].log, &entry->header.log) &&
            id_equal(&jc->boots.items[i].boot, &entry->header.boot))
            return i;
    }
    JO_ADD(&jc->boots, (struct jo_trouble){entry->header.log, entry->header.boot});
    return jc->boots.count - 1;
}

/* Clocks that contradict each other say nothing: only the receipt is known then. */
static struct rule_instant instant_of(const struct jo_entry *entry)
{
    if (entry->at.lo_us > entry->at.hi_us)
        return (struct rule_instant){INT64_MIN, entry->received_us};
    return (struct rule_instant){entry->at.lo_us, entry->at.hi_us};
}

static struct rule_place place_of(const Doublecrew__V1__Place *place, const struct geo_point *reference)
{
    struct rule_place rule = {.known = place != NULL};

    if (place != NULL) {
        struct geo_point point = {place->latitude_e7, place->longitude_e7};

        geo_project(reference, &point, &rule.x_m, &rule.y_m);
        rule.accuracy_m = place->accuracy_m;
    }
    return rule;
}

static size_t member_named(const struct jo_case *jc, const struct jo *jo, const struct hash *check_in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (hash_equal(&jo->entries.items[jo->presences.items[jc->members[i]].entry].hash, check_in))
            return i;
    }
    return RULE_NONE;
}

/* C1: the second phone's check-in names the first's; the first phone confirms. */
static void add_cosign(struct jo_case *jc, const struct jo *jo, const struct jo_presence *p, struct rule_presence *rule,
                       size_t count)
{
    const struct jo_entry *check_in = &jo->entries.items[p->entry], *confirm;
    const Doublecrew__V1__CosignConfirm *message;
    struct hash other;

    rule->cosign.presence = RULE_NONE;
    if (p->message->cosigned_check_in.len > 0) {
        other = jo_hash(p->message->cosigned_check_in);
        rule->cosign.presence = member_named(jc, jo, &other, count);
    } else if (p->confirm != JO_NONE) {
        confirm = &jo->entries.items[p->confirm];
        message = (const Doublecrew__V1__CosignConfirm *)confirm->message;
        other = jo_hash(message->partner_check_in);
        rule->cosign.presence = member_named(jc, jo, &other, count);
        rule->cosign.first = true;
        rule->cosign.confirm_known = id_equal(&confirm->header.boot, &check_in->header.boot);
        rule->cosign.confirm_mono_us = (int64_t)confirm->header.monotonic_ms * 1000;
        rule->cosign.round_trip_us = (int64_t)message->round_trip_ms * 1000;
    }
}

static void add_company(const struct jo_evidence *e, const Doublecrew__V1__CheckIn *m, struct rule_presence *rule)
{
    rule->agency = m->agency[0] != '\0';
    rule->with = m->company == DOUBLECREW__V1__COMPANY__COMPANY_ALONE   ? RULE_WITH_ALONE
                 : m->company == DOUBLECREW__V1__COMPANY__COMPANY_NAMED ? RULE_WITH_NAMED
                                                                        : RULE_WITH_UNRECORDED;
    for (size_t k = 0; k < m->n_named_officer_ids && k < RULE_NAMED_MAX; k++) {
        struct id named = jo_id(m->named_officer_ids[k]);

        for (size_t i = 0; i < e->officers.count; i++) {
            if (id_equal(&e->officers.items[i].id, &named))
                rule->named[rule->named_count++] = i;
        }
    }
}

static void add_check_out(struct jo_case *jc, const struct jo *jo, const struct jo_presence *p,
                          const struct geo_point *reference, struct rule_presence *rule)
{
    const struct jo_entry *out;

    rule->has_out = p->out != JO_NONE;
    if (!rule->has_out)
        return;
    out = &jo->entries.items[p->out];
    rule->out = instant_of(out);
    rule->out_boot = boot_number(jc, out);
    rule->out_mono_us = (int64_t)out->header.monotonic_ms * 1000;
    rule->out_seq = out->header.seq;
    rule->out_at = place_of(((const Doublecrew__V1__CheckOut *)out->message)->place, reference);
    rule->clock_trouble = rule->clock_trouble || jo_troubled(jo, &out->header.log, &out->header.boot);
}

static void add_presence(struct jo_case *jc, const struct jo_evidence *e, size_t index,
                         const struct geo_point *reference, size_t count)
{
    const struct jo *jo = e->jo;
    const struct jo_presence *p = &jo->presences.items[jc->members[index]];
    const struct jo_entry *in = &jo->entries.items[p->entry];
    struct rule_presence *rule = &jc->presences[index];

    memset(rule, 0, sizeof(*rule));
    rule->id = in->hash;
    for (size_t i = 0; i < e->officers.count; i++) {
        if (id_equal(&e->officers.items[i].id, &p->officer))
            rule->officer = i;
    }
    rule->device = device_index(e, &p->device);
    rule->offender = offender_index(e, &p->offender);
    rule->in = instant_of(in);
    rule->in_boot = boot_number(jc, in);
    rule->in_mono_us = (int64_t)in->header.monotonic_ms * 1000;
    rule->in_seq = in->header.seq;
    rule->in_at = place_of(p->message->place, reference);
    rule->received_us = in->received_us;
    rule->contested = in->contested;
    rule->clock_trouble = jo_troubled(jo, &in->header.log, &in->header.boot);
    add_company(e, p->message, rule);
    add_check_out(jc, jo, p, reference, rule);
    add_cosign(jc, jo, p, rule, count);
    if (p->outcome != JO_NONE)
        rule->outcome =
            (enum rule_outcome)((const Doublecrew__V1__Outcome *)jo->entries.items[p->outcome].message)->outcome;
}

static void add_decisions(struct jo_case *jc, const struct jo *jo, size_t count)
{
    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];
        const Doublecrew__V1__Decision *decision = (const Doublecrew__V1__Decision *)entry->message;
        struct rule_decision rule;
        struct hash presence;

        if (entry->header.kind != JO_KIND(DECISION) || decision == NULL || !jo_permitted(jo, entry))
            continue;
        presence = jo_hash(decision->presence);
        rule = (struct rule_decision){member_named(jc, jo, &presence, count), jo_author(jo, entry),
                                      decision->appropriate, entry->received_us};
        if (rule.presence != RULE_NONE &&
            jo_supervises(jo, entry, &jo->presences.items[jc->members[rule.presence]].officer,
                          &jo->presences.items[jc->members[rule.presence]].offender))
            JO_ADD(&jc->decisions, rule);
    }
}

static struct geo_point reference_of(const struct jo *jo, const size_t *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct jo_presence *p = &jo->presences.items[members[i]];
        const Doublecrew__V1__Place *place = jo_offender(jo, &p->offender)->message->place;

        if (place == NULL)
            place = p->message->place;
        if (place != NULL)
            return (struct geo_point){place->latitude_e7, place->longitude_e7};
    }
    return (struct geo_point){0, 0};
}

void jo_case_init(struct jo_case *jc, const struct jo_evidence *e, const size_t *members, size_t count, int64_t now_us)
{
    struct geo_point reference = reference_of(e->jo, members, count);

    memset(jc, 0, sizeof(*jc));
    memcpy(jc->members, members, count * sizeof(*members));
    for (size_t i = 0; i < count; i++)
        add_presence(jc, e, i, &reference, count);
    add_decisions(jc, e->jo, count);
    jc->rule_case = (struct rule_case){.policies = e->policies.items,
                                       .policy_count = e->policies.count,
                                       .offenders = e->offenders.items,
                                       .offender_count = e->offenders.count,
                                       .officers = e->officers.items,
                                       .officer_count = e->officers.count,
                                       .devices = e->devices.items,
                                       .device_count = e->devices.count,
                                       .presences = jc->presences,
                                       .presence_count = count,
                                       .plans = e->plans.items,
                                       .plan_count = e->plans.count,
                                       .authorities = e->words.items,
                                       .authority_count = e->words.count,
                                       .decisions = jc->decisions.items,
                                       .decision_count = jc->decisions.count,
                                       .now_us = now_us,
                                       .mono_step_us = RULE_WIRE_STEP_US};
}

void jo_case_done(struct jo_case *jc)
{
    free(jc->decisions.items);
    free(jc->boots.items);
}
