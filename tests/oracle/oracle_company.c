/* The verdict on one presence in one possible world: minutes alone, absence, company, grade (V3, V7, V8, W2, W3). */
#include <stdlib.h>

#include "tests/oracle/oracle_parts.h"

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y ? 1 : 0;
}

/* Cuts the presence at every instant at which somebody comes or goes, and asks of each piece whether anyone is there. */
static int64_t alone_without(const struct oracle_view *view, const struct oracle_result *results, size_t i,
                             const bool *partners)
{
    size_t n = view->rule_case->presence_count, count = 0;
    int64_t instants[2 * N + 2], alone = 0;

    for (size_t j = 0; j < n; j++) {
        if (j == i || partners[j]) {
            instants[count++] = results[j].in;
            instants[count++] = results[j].out;
        }
    }
    qsort(instants, count, sizeof(instants[0]), ascending);
    for (size_t k = 0; k + 1 < count; k++) {
        int64_t from = instants[k], to = instants[k + 1];
        bool somebody = false;

        if (from < results[i].in || to > results[i].out) {
            continue;
        }
        for (size_t j = 0; j < n; j++) {
            somebody = somebody || (partners[j] && results[j].in <= from && results[j].out >= to);
        }
        alone += somebody ? 0 : to - from;
    }
    return alone;
}

static bool any(const bool *set, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (set[i]) {
            return true;
        }
    }
    return false;
}

/* V3: would these partners alone make it joint? V11: the half counts only with a recorded check-out. */
static bool joint_with(const struct oracle_view *view, const struct oracle_result *results, size_t i,
                       const bool *partners)
{
    const struct oracle_result *r = &results[i];
    int64_t alone = alone_without(view, results, i, partners);

    if (!any(partners, view->rule_case->presence_count) || alone > r->policy->max_alone_us) {
        return false;
    }
    return r->ending != ORACLE_RECORDED || 2 * alone <= r->out - r->in;
}

/* V4: what rests on a presence without check-out is "so far", a partner's too. */
static bool joint_so_far(const struct oracle_view *view, const struct oracle_result *results, size_t i,
                         const bool *partners)
{
    bool closed[N];

    if (results[i].ending == ORACLE_OPEN) {
        return true;
    }
    for (size_t j = 0; j < view->rule_case->presence_count; j++) {
        closed[j] = partners[j] && results[j].ending != ORACLE_OPEN;
    }
    return !joint_with(view, results, i, closed);
}

/* W2: a plan for that offender whose window may contain the check-in, whoever it names. */
static bool plan_applies(const struct oracle_view *view, const struct rule_plan *plan, size_t i)
{
    const struct rule_presence *p = &view->rule_case->presences[i];

    return plan->offender == p->offender && view->facts->in[i].hi_us >= plan->from_us &&
           view->facts->in[i].lo_us < plan->to_us;
}

static bool is_named_or_planned(const struct oracle_view *view, size_t i, size_t officer)
{
    const struct rule_case *c = view->rule_case;

    if (officer == c->presences[i].officer) {
        return false;
    }
    if (oracle_names(&c->presences[i], officer)) {
        return true;
    }
    for (size_t k = 0; k < c->plan_count; k++) {
        if (plan_applies(view, &c->plans[k], i) && oracle_plan_holds(&c->plans[k], officer)) {
            return true;
        }
    }
    return false;
}

static bool is_heard(const struct oracle_view *view, const struct oracle_result *results, size_t i, size_t device)
{
    const struct rule_case *c = view->rule_case;

    for (size_t j = 0; j < c->presence_count; j++) {
        if (c->presences[j].device == device && results[i].pairs[j] && !results[j].held) {
            return true;
        }
    }
    return c->devices[device].watermark_known && c->devices[device].watermark_us > view->facts->latest[i];
}

struct absence {
    bool expected; /* somebody is named or planned */
    bool settled;
    size_t unheard; /* candidates that may still have something to say */
    enum rule_confirmed by;
};

static bool seen_here(const struct oracle_view *view, const struct oracle_result *results, size_t i, size_t officer)
{
    for (size_t j = 0; j < view->rule_case->presence_count; j++) {
        if (view->rule_case->presences[j].officer == officer && results[i].pairs[j] && !results[j].held) {
            return true;
        }
    }
    return false;
}

/* Candidates are logs (W2) that may have been unrevoked as of the check-in (V11); those that certainly were are counted. */
struct roll {
    size_t candidates;
    size_t unheard;
    size_t may_report;
    size_t without_log; /* named or planned, no candidate device, and not seen here */
};

/* W2: whose phone it was while the presence may have lasted. */
static bool may_hold_word_of(const struct rule_device *device, size_t officer, int64_t from, int64_t to)
{
    for (size_t k = 0; k < device->holder_count; k++) {
        bool over = k + 1 < device->holder_count && device->holders[k + 1].from_us <= from;

        if (device->holders[k].officer == officer && !over && device->holders[k].from_us <= to) {
            return true;
        }
    }
    return device->holder_count == 0 && device->officer == officer;
}

static bool is_one_in_every_world(const struct oracle_view *view, size_t i, size_t officer,
                                  const struct rule_device *device)
{
    int64_t from = view->facts->in[i].hi_us;
    int64_t to = view->facts->soonest[i] > from ? view->facts->soonest[i] : from;

    return device->revoked_as_of_us > from && may_hold_word_of(device, officer, from, to);
}

static void call_officer(const struct oracle_view *view, const struct oracle_result *results, size_t i, size_t officer,
                         struct roll *roll)
{
    const struct rule_case *c = view->rule_case;
    size_t own = 0;

    for (size_t d = 0; d < c->device_count; d++) {
        int64_t from = view->facts->in[i].lo_us, to = view->facts->latest[i];

        if (!may_hold_word_of(&c->devices[d], officer, from, to) ||
            c->devices[d].revoked_as_of_us <= view->facts->in[i].lo_us) {
            continue;
        }
        own += is_one_in_every_world(view, i, officer, &c->devices[d]) ? 1 : 0;
        if (!is_heard(view, results, i, d)) {
            roll->unheard++;
            roll->may_report += c->devices[d].lost ? 0 : 1;
        }
    }
    roll->candidates += own;
    roll->without_log += own == 0 && !seen_here(view, results, i, officer) ? 1 : 0;
}

/* W2, W3, V11: is it settled that nobody else's check-in can still come? */
static struct absence absence_of(const struct oracle_view *view, const struct oracle_result *results, size_t i)
{
    const struct rule_case *c = view->rule_case;
    bool limit_passed = c->now_us >= c->presences[i].received_us + results[i].policy->time_limit_us;
    struct absence absence = {.expected = false};
    struct roll roll = {0, 0, 0, 0};

    for (size_t officer = 0; officer < c->officer_count; officer++) {
        if (is_named_or_planned(view, i, officer)) {
            absence.expected = true;
            call_officer(view, results, i, officer, &roll);
        }
    }
    absence.unheard = roll.unheard;
    if (!absence.expected && c->presences[i].with == RULE_WITH_ALONE) {
        absence.by = RULE_CONFIRMED_BY_STATEMENT;
    } else if (absence.expected && roll.unheard == 0 && (roll.candidates > 0 || roll.without_log == 0)) {
        absence.by = RULE_CONFIRMED_BY_LOG;
    } else if (roll.may_report == 0 && limit_passed) {
        absence.by = RULE_CONFIRMED_BY_TIME_LIMIT;
    }
    absence.settled = absence.by != RULE_CONFIRMED_NOT;
    return absence;
}

/* V6: a partner's evidence, or the pair itself, is held and undecided. */
static bool has_held_partner(const struct oracle_view *view, const struct oracle_result *results, size_t i)
{
    for (size_t j = 0; j < view->rule_case->presence_count; j++) {
        if (results[i].pairs[j] && (results[j].held || results[i].far[j])) {
            return true;
        }
    }
    return false;
}

/* V5: a second person who checked in without being eligible, or somebody of a partner agency. */
static bool is_accompanied(const struct oracle_view *view, const struct oracle_result *results, size_t i)
{
    for (size_t j = 0; j < view->rule_case->presence_count; j++) {
        if (results[i].pairs[j] && !results[i].eligible[j] && !results[j].held && !results[i].dead[j] &&
            !results[i].worthless && !results[j].worthless) {
            return true;
        }
    }
    return view->rule_case->presences[i].agency;
}

/* V8: the first that applies. */
static enum rule_company company_of(const struct oracle_view *view, struct oracle_result *results, size_t i)
{
    struct oracle_result *r = &results[i];
    bool partner = any(r->eligible, view->rule_case->presence_count);
    struct absence absence = absence_of(view, results, i);

    if (r->held) {
        return RULE_COMPANY_HELD;
    }
    if (r->ending == ORACLE_OPEN && !partner && r->alone <= r->policy->max_alone_us) {
        return RULE_COMPANY_UNDER_WAY;
    }
    if (joint_with(view, results, i, r->eligible)) {
        return joint_so_far(view, results, i, r->eligible) ? RULE_COMPANY_JOINT_SO_FAR : RULE_COMPANY_JOINT;
    }
    /* Part joint waits for candidates only; a lone one for whoever was named, while somebody could still report. */
    if (has_held_partner(view, results, i) ||
        (absence.expected && !absence.settled && (!partner || absence.unheard > 0))) {
        return RULE_COMPANY_AWAITING_SECOND;
    }
    if (partner) {
        return RULE_COMPANY_PART_JOINT;
    }
    if (is_accompanied(view, results, i)) {
        return RULE_COMPANY_ACCOMPANIED;
    }
    if (!absence.settled) {
        return RULE_COMPANY_LONE_PROVISIONAL;
    }
    r->confirmed = absence.by;
    return RULE_COMPANY_LONE_CONFIRMED;
}

/* V7: of one pair. */
static enum rule_grade pair_grade(const struct oracle_view *view, const struct oracle_result *results, size_t i,
                                  size_t j)
{
    const struct rule_presence *a = &view->rule_case->presences[i], *b = &view->rule_case->presences[j];
    double limit_m = results[i].policy->partner_distance_m;
    bool apart = oracle_apart(&a->in_at, &b->in_at, limit_m);
    bool a_signed = a->cosign.presence == j, b_signed = b->cosign.presence == i;
    int64_t round_trip = INT64_MAX;

    if (a_signed && (a->cosign.first || !b_signed || !b->cosign.first)) {
        round_trip = a->cosign.round_trip_us;
    } else if (b_signed) {
        round_trip = b->cosign.round_trip_us;
    }
    if (round_trip <= results[i].policy->cosign_round_trip_us && !apart) {
        return RULE_GRADE_A;
    }
    return a->in_at.known && b->in_at.known && !apart ? RULE_GRADE_B : RULE_GRADE_C;
}

static bool somebody_claimed(const struct rule_case *c, size_t i)
{
    for (size_t officer = 0; officer < c->officer_count; officer++) {
        if (oracle_names(&c->presences[i], officer)) {
            return true;
        }
    }
    return c->presences[i].agency;
}

/* V7: the best whose partners alone (with the better ones) give the verdict. */
static enum rule_grade grade_of(const struct oracle_view *view, const struct oracle_result *results, size_t i,
                                bool so_far_is_enough)
{
    const struct oracle_result *r = &results[i];
    size_t n = view->rule_case->presence_count;
    bool joint = r->company == RULE_COMPANY_JOINT || r->company == RULE_COMPANY_JOINT_SO_FAR;

    if (!joint && r->company != RULE_COMPANY_PART_JOINT) {
        return !r->held && !any(r->eligible, n) && somebody_claimed(view->rule_case, i) && !any(r->pairs, n)
                   ? RULE_GRADE_D
                   : RULE_GRADE_NONE;
    }
    for (int grade = RULE_GRADE_A; grade <= RULE_GRADE_C; grade++) {
        bool good[N];

        for (size_t j = 0; j < n; j++) {
            good[j] = r->eligible[j] && (int)pair_grade(view, results, i, j) <= grade;
        }
        if (any(good, n) && (!joint || (joint_with(view, results, i, good) &&
                                        (so_far_is_enough || !joint_so_far(view, results, i, good))))) {
            return (enum rule_grade)grade;
        }
    }
    return RULE_GRADE_C;
}

/* L2: "not appropriate" "lapses when later evidence makes the presence joint". */
static bool lapsed(const struct oracle_view *view, const struct oracle_result *results, size_t i)
{
    bool before[N];

    for (size_t j = 0; j < view->rule_case->presence_count; j++) {
        before[j] = results[i].eligible[j] && view->rule_case->presences[j].received_us <= results[i].against_us;
    }
    return results[i].company == RULE_COMPANY_JOINT && !joint_with(view, results, i, before);
}

void oracle_company(const struct oracle_view *view, struct oracle_result *results)
{
    for (size_t i = 0; i < view->rule_case->presence_count; i++) {
        results[i].alone = alone_without(view, results, i, results[i].eligible);
        results[i].company = company_of(view, results, i);
        results[i].grade = grade_of(view, results, i, results[i].company == RULE_COMPANY_JOINT_SO_FAR);
        results[i].grade_so_far = grade_of(view, results, i, true);
        results[i].lapsed = results[i].against && lapsed(view, results, i);
    }
}
