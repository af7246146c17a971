/*
 * Derivation (J6, J7): every neighbourhood touched in a phase is judged whole, once, as of the phase's time; what changed
 * for people becomes issued items, view rows, flags and timers.
 */
#include <stdlib.h>
#include <string.h>

#include "core/rule_explain.h"
#include "server/logic/cover.h"
#include "server/logic/neighbourhood.h"

#define CANDIDATES_MAX 64

typedef Doublecrew__V1__PresenceRow presence_message;

static const char *officer_name(const void *context, size_t officer)
{
    const struct neighbourhood *hood = context;

    return hood->codes[officer][0] != '\0' ? hood->codes[officer] : NULL;
}

static int64_t floor_ms(int64_t time_us)
{
    return time_us == INT64_MIN || time_us == INT64_MAX ? 0 : time_us / 1000;
}

static int64_t ceil_ms(int64_t time_us)
{
    return time_us == INT64_MIN || time_us == INT64_MAX ? 0 : time_us / 1000 + (time_us % 1000 > 0);
}

static uint32_t seconds(int64_t length_us, bool up)
{
    int64_t whole = length_us / 1000000 + (up && length_us % 1000000 > 0);

    if (whole < 0)
        return 0;
    return whole > UINT32_MAX ? UINT32_MAX : (uint32_t)whole;
}

static void set_text(char **field, const char *text)
{
    memcpy(field, &text, sizeof(text)); /* protobuf-c's strings aren't const; packing only reads them */
}

/* Borrows from the neighbourhood and why until packed. */
static void fill_row(const struct batch *batch, const struct neighbourhood *hood, size_t index, const char *why,
                     presence_message *row)
{
    const struct presence_row *presence = &hood->rows[index];
    const struct rule_presence *case_presence = &hood->presences[index];
    const struct rule_verdict *verdict = &hood->verdicts[index];
    bool open = (verdict->reasons & RULE_REASON_OPEN) != 0;

    row->presence = pb_from_hash(&presence->presence);
    row->offender_id = pb_from_id(&presence->offender);
    row->officer_id = pb_from_id(&presence->officer);
    row->device_id = pb_from_id(&presence->device);
    row->in_from_ms = floor_ms(case_presence->in.lo_us);
    row->in_to_ms = ceil_ms(case_presence->in.hi_us);
    row->out_from_ms = open ? 0 : floor_ms(verdict->out.lo_us);
    row->out_to_ms = open ? 0 : ceil_ms(verdict->out.hi_us);
    row->received_ms = presence->in.received_us / 1000;
    set_text(&row->company, rule_company_name(verdict->company));
    set_text(&row->confirmed_by, rule_confirmed_name(verdict->confirmed_by));
    set_text(&row->grade, rule_grade_name(verdict->grade));
    set_text(&row->authority, rule_authority_name(verdict->authority));
    set_text(&row->outcome, rule_outcome_name(presence->outcome));
    row->alone_min_s = seconds(verdict->alone_min_us, false);
    row->alone_max_s = seconds(verdict->alone_max_us, true);
    row->reasons = verdict->reasons;
    set_text(&row->why, why);
    row->as_of_ms = batch->phase_time_us / 1000;
    row->due_met = verdict->due_met;
    if (verdict->best_partner != RULE_NONE)
        row->partner_id = pb_from_id(&hood->rows[verdict->best_partner].officer);
    row->attendance = pb_from_hash(&hood->rows[verdict->attendance].presence);
}

/* The same but for the time of looking. */
static enum status same_row(const presence_message *row, const presence_message *before, bool *ret_same)
{
    presence_message now = *row;
    uint8_t *a = NULL, *b = NULL;
    size_t a_size = 0, b_size = 0;
    enum status status;

    now.as_of_ms = before->as_of_ms;
    status = wire_pack(&now.base, &a, &a_size);
    if (status == STATUS_OK)
        status = wire_pack(&before->base, &b, &b_size);
    if (status == STATUS_OK)
        *ret_same = span_equal(span_of(a, a_size), span_of(b, b_size));
    free(a);
    free(b);
    return status;
}

/* The verdict as people see it, if it differs from what they saw; whether that concerns being joint. */
static enum status tell_verdict(struct batch *batch, struct neighbourhood *hood, size_t index, bool *ret_joint)
{
    const struct presence_row *presence = &hood->rows[index];
    presence_message row = DOUBLECREW__V1__PRESENCE_ROW__INIT;
    struct view_key key = view_key_of_hash('p', &presence->presence);
    Doublecrew__V1__IssuedItem item = DOUBLECREW__V1__ISSUED_ITEM__INIT;
    uint64_t pos = issued_next_pos(batch);
    Doublecrew__V1__Row *stored;
    char why[RULE_EXPLAIN_SIZE];
    bool same = false, was_joint = false;
    enum status status;

    *ret_joint = false;
    (void)rule_explain(&hood->rule_case, hood->verdicts, index, officer_name, hood, why, sizeof(why));
    fill_row(batch, hood, index, why, &row);
    row.evidence = evidence_of(hood, index);
    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    status = view_open(batch, &key, &stored);
    if (status == STATUS_OK) {
        was_joint = strcmp(stored->presence->company, rule_company_name(RULE_COMPANY_JOINT)) == 0;
        status = same_row(&row, stored->presence, &same);
    } else if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    if (status != STATUS_OK || same)
        return status;
    *ret_joint = was_joint || hood->verdicts[index].company == RULE_COMPANY_JOINT;
    item.item_case = DOUBLECREW__V1__ISSUED_ITEM__ITEM_VERDICT;
    item.verdict = &row;
    RETURN_IF_BAD(issued_add(batch, &item));
    return verdict_show(batch, &row, pos);
}

static enum status set_timer(struct batch *batch, const struct hash *presence, int64_t due_us)
{
    struct timer_row timer = {due_us, *presence};

    if (due_us == RULE_FOREVER)
        return batch->store->ops->timer_clear(batch->store, presence);
    if (due_us <= batch->phase_time_us) /* the rule promises later; a timer that doesn't move would fire for ever */
        timer.due_us = batch->phase_time_us + 1;
    return batch->store->ops->timer_set(batch->store, &timer);
}

static enum rule_risk risk_now(const struct neighbourhood *hood)
{
    return (enum rule_risk)hood->offender.risk;
}

static enum status settle(struct batch *batch, struct neighbourhood *hood, size_t index)
{
    const struct presence_row *row = &hood->rows[index];
    struct id candidates[CANDIDATES_MAX];
    size_t count = neighbourhood_candidates(hood, index, candidates, CANDIDATES_MAX);
    int64_t next_us = hood->verdicts[index].next_change_us;
    struct flag_facts facts;
    bool told_joint;

    RETURN_IF_BAD(flags_live(batch, hood, index, &facts));
    if (!row->has_out)
        batch_note_named(batch, &row->officer, 1); /* their phone may be asked, too, while it goes on */
    if (count > 0) {
        RETURN_IF_BAD(batch->store->ops->naming_put(batch->store, row, candidates, count));
        batch_note_named(batch, candidates, count);
    }
    RETURN_IF_BAD(set_timer(batch, &row->presence, facts.next_us < next_us ? facts.next_us : next_us));
    RETURN_IF_BAD(decision_recall(batch, row, hood->verdicts[index].reasons));
    RETURN_IF_BAD(tell_verdict(batch, hood, index, &told_joint));
    RETURN_IF_BAD(pattern_note(batch, row, told_joint));
    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    return flags_settle_verdict(batch, row, &hood->verdicts[index], &facts, risk_now(hood));
}

static enum status set_underived(struct batch *batch, const struct id *offender, bool underived)
{
    struct flag_about about = {.kind = FLAG_UNDERIVED,
                               .subject = flag_subject_of_id(offender),
                               .offender = *offender,
                               .severity = flag_info(FLAG_UNDERIVED)->severity,
                               .lane = DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_SAFETY};
    struct offender_row row;

    RETURN_IF_BAD(batch->store->ops->offender_get(batch->store, offender, &row));
    if (row.underived == underived)
        return STATUS_OK;
    row.underived = underived;
    RETURN_IF_BAD(batch->store->ops->offender_put(batch->store, &row));
    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    return flag_settle(batch, &about, underived, NULL);
}

/*
 * What might stand beside it isn't known, so whatever depends on that is unproven (V11: always sound): how long it was alone,
 * whether a lone officer was joined. What is held by itself stays held.
 */
static void verdict_unproven(struct rule_verdict *verdict)
{
    if (verdict->company != RULE_COMPANY_HELD)
        verdict->company = RULE_COMPANY_TIME_UNPROVEN;
    verdict->confirmed_by = RULE_CONFIRMED_NOT;
    verdict->grade = RULE_GRADE_NONE;
    verdict->alone_min_us = 0;
    verdict->due_met = false;
    verdict->reasons &=
        (uint32_t) ~(RULE_REASON_CLAIMED_ONLY | RULE_REASON_AWAITS_CANDIDATE | RULE_REASON_EVIDENCE_OVERDUE);
}

static enum status judge_and_settle(struct batch *batch, const struct presence_row *seed, bool crowded)
{
    struct neighbourhood *hood = batch->neighbourhood;

    RETURN_IF_BAD(neighbourhood_case(batch, hood, batch->phase_time_us));
    hood->rule_case.asked_count = hood->own_count;
    RETURN_IF_BAD(batch->engine->judge(&hood->rule_case, hood->verdicts));
    for (size_t i = 0; i < hood->own_count; i++) {
        if (crowded)
            verdict_unproven(&hood->verdicts[i]);
        RETURN_IF_BAD(settle(batch, hood, i));
    }
    return set_underived(batch, &seed->offender, false);
}

struct crowd {
    struct batch *batch;
    int64_t from_us, to_us;
    bool grew;
};

/* All that hang together in time look again, each by itself: whoever came first must not be judged better (J3). */
static enum status join_crowd(void *context, const struct presence_row *row)
{
    struct crowd *crowd = context;

    crowd->grew = crowd->grew || row->from_us < crowd->from_us || row->to_us > crowd->to_us;
    crowd->from_us = row->from_us < crowd->from_us ? row->from_us : crowd->from_us;
    crowd->to_us = row->to_us > crowd->to_us ? row->to_us : crowd->to_us;
    return batch_touch(crowd->batch, &row->presence);
}

/* More presences than one case holds: each is judged with nobody beside it, and of that only what needs nobody is kept. */
static enum status derive_crowded(struct batch *batch, const struct presence_row *seed)
{
    struct crowd crowd = {batch, seed->from_us, seed->to_us, true};

    while (crowd.grew) {
        int64_t from_us = crowd.from_us, to_us = crowd.to_us;

        crowd.grew = false;
        RETURN_IF_BAD(
            batch->store->ops->presences_at(batch->store, &seed->offender, from_us, to_us, join_crowd, &crowd));
    }
    neighbourhood_alone(batch->neighbourhood, seed);
    return judge_and_settle(batch, seed, true);
}

static enum status derive_neighbourhood(struct batch *batch, const struct presence_row *seed)
{
    enum status status = neighbourhood_collect(batch, batch->neighbourhood, seed);

    if (status == STATUS_OVER_LIMIT)
        return derive_crowded(batch, seed);
    return status == STATUS_OK ? judge_and_settle(batch, seed, false) : status;
}

/* Failures of the store end the batch; any other is this neighbourhood's own (J7). */
static bool is_own_failure(enum status status)
{
    switch (status) {
    case STATUS_OVER_LIMIT:
    case STATUS_INPUT:
    case STATUS_MALFORMED:
    case STATUS_NOT_FOUND:
    case STATUS_INTERNAL:
        return true;
    default:
        return false;
    }
}

static enum status mark_derived(struct batch *batch)
{
    for (size_t i = 0; i < batch->neighbourhood->own_count; i++) {
        enum status status = hash_set_add(&batch->derived, &batch->neighbourhood->rows[i].presence);

        if (status != STATUS_OK && status != STATUS_EXISTS)
            return status;
    }
    return STATUS_OK;
}

static void forget_items_from(struct batch *batch, size_t count)
{
    while (batch->item_count > count)
        free(batch->items[--batch->item_count].bytes);
}

static void forget_decisions_from(struct batch *batch, size_t count)
{
    while (batch->decision_count > count)
        free(batch->decisions[--batch->decision_count].words);
}

/* How much of what a phase gathers was there before a derivation: what came of it goes with it. */
struct mark {
    size_t items, flags, noted, decisions;
};

static struct mark mark_now(const struct batch *batch)
{
    return (struct mark){batch->item_count, batch->flag_touch_count, batch->noted_count, batch->decision_count};
}

static void derivation_undo(struct batch *batch, const struct mark *mark)
{
    batch->store->ops->savepoint_rollback(batch->store);
    visit_records_drop(batch->visit_records);
    forget_items_from(batch, mark->items);
    forget_decisions_from(batch, mark->decisions);
    batch->flag_touch_count = mark->flags;
    batch->noted_count = mark->noted;
}

static enum status derive_seed(struct batch *batch, const struct presence_row *seed)
{
    RETURN_IF_BAD(derive_neighbourhood(batch, seed));
    return mark_derived(batch);
}

/* Whatever fails in one neighbourhood is taken back, and its offender flagged; the others stand. */
static enum status derive_seed_alone(struct batch *batch, const struct presence_row *seed)
{
    struct mark mark = mark_now(batch);
    enum status status;

    RETURN_IF_BAD(batch->store->ops->savepoint(batch->store));
    status = derive_neighbourhood(batch, seed);
    if (status == STATUS_OK) {
        RETURN_IF_BAD(batch->store->ops->savepoint_release(batch->store));
        return mark_derived(batch);
    }
    if (!is_own_failure(status))
        return status;
    derivation_undo(batch, &mark);
    RETURN_IF_BAD(mark_derived(batch));
    return set_underived(batch, &seed->offender, true);
}

static enum status derive_seeds(struct batch *batch,
                                enum status (*derive)(struct batch *batch, const struct presence_row *seed))
{
    for (size_t i = 0; i < batch->seed_count; i++) {
        struct presence_row seed;
        struct offender_row offender;
        enum status status;

        if (hash_set_has(&batch->derived, &batch->seeds[i]))
            continue;
        status = batch->store->ops->presence_get(batch->store, &batch->seeds[i], &seed);
        if (status == STATUS_OK)
            status = batch->store->ops->offender_get(batch->store, &seed.offender, &offender);
        if (status == STATUS_NOT_FOUND)
            continue; /* co-signed with what hasn't come, or at somebody not on record: derived when that comes */
        RETURN_IF_BAD(status);
        RETURN_IF_BAD(derive(batch, &seed));
    }
    return STATUS_OK;
}

/*
 * A neighbourhood that can't be derived is rare, and a savepoint writes all that is in hand: so all are tried within one, and
 * only when one fails, each within its own. Either way the store ends the same.
 */
static enum status derive_touched(struct batch *batch)
{
    struct mark mark = mark_now(batch);
    enum status status;

    if (batch->seed_count == 0)
        return STATUS_OK;
    RETURN_IF_BAD(batch->store->ops->savepoint(batch->store));
    status = derive_seeds(batch, derive_seed);
    if (status == STATUS_OK)
        return batch->store->ops->savepoint_release(batch->store);
    if (!is_own_failure(status))
        return status;
    derivation_undo(batch, &mark);
    hash_set_clear(&batch->derived);
    return derive_seeds(batch, derive_seed_alone);
}

void phase_forget(struct batch *batch)
{
    forget_items_from(batch, 0);
    forget_decisions_from(batch, 0);
    hash_set_clear(&batch->touched);
    hash_set_clear(&batch->changed_set);
    hash_set_clear(&batch->derived);
    batch->seed_count = 0;
    batch->changed_count = 0;
    batch->flag_touch_count = 0;
    batch->noted_count = 0;
    batch->cover_touch_count = 0;
    batch->chain_changed = false;
}

enum status derive_phase(struct batch *batch)
{
    enum status status = spread_changed(batch);

    if (status == STATUS_OK && told_only(batch)) {
        status = told_phase(batch);
        phase_forget(batch);
        return status;
    }
    if (status == STATUS_OK)
        status = covers_settle(batch);
    if (status == STATUS_OK)
        status = derive_touched(batch);
    if (status == STATUS_OK)
        status = patterns_settle(batch);
    if (status == STATUS_OK && batch->chain_changed)
        status = flags_follow_chain(batch);
    if (status == STATUS_OK)
        status = flags_issue(batch);
    if (status == STATUS_OK)
        status = journal_issued(batch);
    phase_forget(batch);
    return status;
}
