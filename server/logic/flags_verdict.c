/* Which flags a visit's verdict wants, and which decisions on the visit end (A1, A2, L2). */
#include "server/logic/batch_internal.h"

typedef Doublecrew__V1__FlagRow flag_message;

/* The decision that ended it counts no more (L2, F2): as if it had been cleared, to be raised again if it must be. */
static enum status undecide(struct batch *batch, const struct flag_row *row)
{
    static char none[] = "";
    struct hash flag = row->flag;
    flag_message *message;
    uint32_t kind;

    RETURN_IF_BAD(flag_open_kind(batch, &flag, &kind, &message));
    message->state = DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_CLEARED;
    message->ended_ms = batch->phase_time_us / 1000;
    message->ended_by = (ProtobufCBinaryData){0};
    message->appropriate = false;
    message->reason_code = none;
    message->words = none;
    message->second_needed = false;
    return flag_put(batch, message, kind, false);
}

/* A person's last decision speaks; those of contested logs are left out by the store. */
static enum status count_for(struct batch *batch, const struct hash *presence, size_t *ret_count)
{
    struct decision_row rows[LOGIC_DECISIONS_MAX];
    size_t count;

    RETURN_IF_BAD(batch->store->ops->decisions_on(batch->store, presence, rows, LOGIC_DECISIONS_MAX, &count));
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool last = true;

        for (size_t later = i + 1; later < count; later++)
            last = last && !id_equal(&rows[i].by, &rows[later].by);
        *ret_count += last && rows[i].counts;
    }
    return STATUS_OK;
}

/* For a band in which policy allows no lone visit, "appropriate" takes two supervisors (L2). */
static enum status needs_second(struct batch *batch, const struct rule_verdict *verdict,
                                const struct fresh_decision *decision, bool *ret_needs)
{
    bool lone = verdict->company == RULE_COMPANY_LONE_PROVISIONAL || verdict->company == RULE_COMPANY_LONE_CONFIRMED;
    size_t count = 0;

    *ret_needs = false;
    if (!decision->appropriate || !lone || (verdict->reasons & RULE_REASON_LONE_FORBIDDEN) == 0)
        return STATUS_OK;
    RETURN_IF_BAD(count_for(batch, &decision->presence, &count));
    *ret_needs = count < 2;
    return STATUS_OK;
}

/* More where policy excludes lone visits; day and night while it goes on with a high risk (A2). */
static void weigh(const struct rule_verdict *verdict, enum rule_risk risk, struct flag_about *about)
{
    const struct flag_info *info = flag_info(about->kind);
    bool live = (verdict->reasons & RULE_REASON_OPEN) != 0;

    about->severity = info->severity;
    if ((verdict->reasons & RULE_REASON_LONE_FORBIDDEN) != 0 && about->severity < 4)
        about->severity++;
    bool alone = about->kind == FLAG_LONE_CONFIRMED || about->kind == FLAG_LONE_LIVE;

    about->lane = info->safety || (live && alone && risk >= RULE_RISK_HIGH)
                      ? DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_SAFETY
                      : DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_ASSURANCE;
}

/* The one that ends this flag, of a decision on its visit. */
static const struct fresh_decision *decision_for(struct batch *batch, const struct flag_about *about,
                                                 const struct fresh_decision *decision)
{
    struct hash flag;

    if (decision == NULL || (flags_of_welfare() >> about->kind & 1) == 0)
        return decision;
    if (flag_id(batch->sha, about->kind, &about->subject, &flag) != STATUS_OK)
        return NULL;
    return hash_equal(&flag, &decision->flag) ? decision : NULL;
}

enum status flags_settle_verdict(struct batch *batch, const struct presence_row *presence,
                                 const struct rule_verdict *verdict, const struct flag_facts *facts,
                                 enum rule_risk risk)
{
    struct fresh_decision *decision;
    uint32_t wanted = flags_of_verdict(verdict) | facts->wanted;
    uint32_t looked_at = wanted;
    struct flag_row stored[FLAG_KIND_COUNT];
    size_t count;

    RETURN_IF_BAD(decision_that_ends(batch, presence, verdict->reasons, &decision));
    if (decision != NULL)
        RETURN_IF_BAD(needs_second(batch, verdict, decision, &decision->first_of_two));
    RETURN_IF_BAD(batch->store->ops->flags_on(batch->store, &presence->presence, stored, FLAG_KIND_COUNT, &count));
    for (size_t i = 0; i < count; i++) {
        if (stored[i].state != FLAG_DECIDED || is_decided(verdict->reasons))
            continue;
        RETURN_IF_BAD(undecide(batch, &stored[i]));
        stored[i].state = FLAG_CLEARED;
    }
    uint32_t unsettled = flags_unsettled(verdict, batch->phase_time_us);

    for (size_t i = 0; i < count; i++) {
        looked_at |= stored[i].kind < FLAG_KIND_COUNT ? UINT32_C(1) << stored[i].kind : 0;
        if (stored[i].kind < FLAG_KIND_COUNT &&
            (stored[i].state == FLAG_RAISED || stored[i].state == FLAG_ACKNOWLEDGED))
            wanted |= facts->goes_on & UINT32_C(1) << stored[i].kind;
        if (stored[i].kind < FLAG_KIND_COUNT && stored[i].state != FLAG_CLEARED)
            unsettled &= ~(UINT32_C(1) << stored[i].kind); /* what stands isn't taken back for a moment */
    }
    wanted &= ~unsettled;
    looked_at &= flags_of_presences();
    if (decision == NULL)
        looked_at &= ~flags_of_records(); /* nothing but a decision on the visit ends these here */
    for (uint32_t kind = 1; kind < FLAG_KIND_COUNT; kind++) {
        struct flag_about about = {.kind = (enum flag_kind)kind,
                                   .subject = presence->presence,
                                   .offender = presence->offender,
                                   .officer = presence->officer,
                                   .presence = presence->presence};

        if ((looked_at >> kind & 1) == 0)
            continue;
        weigh(verdict, risk, &about);
        if (kind == FLAG_LATE_TO_LEAVE)
            about.why = facts->late_why;
        if (kind == FLAG_AUTHORITY_MISSING && verdict->authority == RULE_AUTHORITY_ORDER_UNPROVEN)
            about.why = FLAG_WHY_ORDER_UNPROVEN;
        RETURN_IF_BAD(flag_settle(batch, &about, (wanted >> kind & 1) != 0, decision_for(batch, &about, decision)));
    }
    return STATUS_OK;
}
