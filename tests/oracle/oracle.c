/* Worlds in, one opinion out: V11's combination, attendances and the due date (V9). */
#include "tests/oracle/oracle.h"

#include <stdlib.h>
#include <string.h>

#include "tests/oracle/oracle_parts.h"

#define DEFAULT_SEED 1
#define DEFAULT_WORLDS 300

/* What was seen over all worlds. */
struct gathered {
    struct oracle_facts facts;
    bool seen[N];
    unsigned companies[N], confirmed[N], grades[N], grades_so_far[N], authorities[N];
    int64_t alone_min[N], alone_max[N], out_min[N], out_max[N];
    uint32_t reasons[N];
    bool together[N][N];
    bool may_be_open[N], may_count[N], may_have_to_stand[N], must_be_there[N], may_be_forbidden[N], may_be_against[N];
    size_t counting[N]; /* the same in every world */
};

static bool index_ok(size_t index, size_t count)
{
    return index < count;
}

static bool presence_ok(const struct rule_case *c, const struct rule_presence *p)
{
    bool ok = index_ok(p->officer, c->officer_count) && index_ok(p->device, c->device_count) &&
              index_ok(p->offender, c->offender_count) && p->named_count <= RULE_NAMED_MAX &&
              (p->cosign.presence == RULE_NONE || index_ok(p->cosign.presence, c->presence_count)) &&
              p->in.lo_us <= p->in.hi_us && (!p->has_out || p->out.lo_us <= p->out.hi_us);

    for (size_t i = 0; ok && i < p->named_count; i++) {
        ok = index_ok(p->named[i], c->officer_count);
    }
    return ok;
}

static enum status check_input(const struct rule_case *c)
{
    if (c->presence_count > N) {
        return STATUS_OVER_LIMIT;
    }
    if (c->policy_count == 0) {
        return STATUS_INPUT;
    }
    for (size_t i = 0; i < c->presence_count; i++) {
        if (!presence_ok(c, &c->presences[i])) {
            return STATUS_INPUT;
        }
    }
    for (size_t i = 0; i < c->decision_count; i++) {
        if (!index_ok(c->decisions[i].presence, c->presence_count)) {
            return STATUS_INPUT;
        }
    }
    return STATUS_OK;
}

/* Without a recorded check-out somebody may have stayed as long as a visit can last. */
static int64_t last_possible(const struct rule_case *c, const struct oracle_facts *facts, size_t i)
{
    int64_t longest_us = 0;

    if (c->presences[i].has_out) {
        return facts->out[i].hi_us;
    }
    for (size_t k = 0; k < c->policy_count; k++) {
        longest_us = c->policies[k].longest_visit_us > longest_us ? c->policies[k].longest_visit_us : longest_us;
    }
    return facts->in[i].hi_us + longest_us < c->now_us ? facts->in[i].hi_us + longest_us : c->now_us;
}

/* The bounds of each instant, and who may have met whom (L2: possibly present), from the bounds alone. */
static void learn_bounds(const struct rule_case *c, const struct oracle_times *times, struct oracle_facts *facts)
{
    for (size_t i = 0; i < c->presence_count; i++) {
        facts->in[i] = oracle_times_in(times, i);
        facts->out[i] = oracle_times_out(times, i);
        facts->latest[i] = INT64_MIN;
        facts->soonest[i] = RULE_FOREVER;
    }
    for (size_t i = 0; i < c->presence_count; i++) {
        for (size_t j = 0; j < c->presence_count; j++) {
            facts->may_meet[i][j] = c->presences[i].offender == c->presences[j].offender &&
                                    facts->in[i].lo_us <= last_possible(c, facts, j) &&
                                    facts->in[j].lo_us <= last_possible(c, facts, i);
        }
    }
}

static void note(struct gathered *g, const struct oracle_result *results, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct oracle_result *r = &results[i];

        if (!g->seen[i]) {
            g->seen[i] = true;
            g->alone_min[i] = g->alone_max[i] = r->alone;
            g->out_min[i] = g->out_max[i] = r->out;
            g->must_be_there[i] = true;
            g->counting[i] = r->counting;
        }
        g->alone_min[i] = r->alone < g->alone_min[i] ? r->alone : g->alone_min[i];
        g->alone_max[i] = r->alone > g->alone_max[i] ? r->alone : g->alone_max[i];
        g->out_min[i] = r->out < g->out_min[i] ? r->out : g->out_min[i];
        g->out_max[i] = r->out > g->out_max[i] ? r->out : g->out_max[i];
        g->companies[i] |= 1u << r->company;
        g->confirmed[i] |= 1u << r->confirmed;
        g->grades[i] |= 1u << r->grade;
        g->grades_so_far[i] |= 1u << r->grade_so_far;
        g->authorities[i] |= 1u << r->authority;
        g->reasons[i] |= r->reasons;
        g->may_be_open[i] = g->may_be_open[i] || r->ending == ORACLE_OPEN;
        g->may_count[i] = g->may_count[i] || (!r->held && !r->worthless);
        g->may_have_to_stand[i] = g->may_have_to_stand[i] || (r->entitled && !r->held && !r->worthless);
        g->must_be_there[i] = g->must_be_there[i] && r->entitled && !r->held && !r->worthless;
        g->may_be_forbidden[i] = g->may_be_forbidden[i] || r->policy->lone_forbidden[r->risk];
        g->may_be_against[i] = g->may_be_against[i] || (r->against && !r->lapsed);
        for (size_t j = 0; j < n; j++) {
            g->together[i][j] = g->together[i][j] || r->pairs[j];
        }
    }
}

static void learn(struct oracle_facts *facts, const struct rule_case *c, const struct oracle_result *results)
{
    for (size_t i = 0; i < c->presence_count; i++) {
        bool recorded = results[i].ending == ORACLE_RECORDED;
        int64_t end = recorded ? facts->out[i].hi_us : results[i].out;
        int64_t soonest = recorded ? facts->out[i].lo_us : results[i].out;

        facts->latest[i] = end > facts->latest[i] ? end : facts->latest[i];
        facts->soonest[i] = soonest < facts->soonest[i] ? soonest : facts->soonest[i];
    }
}

/* Twice over the same worlds: first to learn each presence's latest instant (W3), then to judge. */
static void gather(const struct rule_case *c, const struct oracle_times *times, struct oracle_settings settings,
                   struct gathered *g)
{
    size_t worlds = oracle_times_exact(times) ? 1 : settings.worlds;
    struct oracle_result results[N];
    struct oracle_world world;
    struct oracle_view view = {c, &world, &g->facts};

    learn_bounds(c, times, &g->facts);
    for (int pass = 0; pass < 2; pass++) {
        uint64_t random = settings.seed;

        for (size_t k = 0; k < worlds; k++) {
            oracle_times_sample(times, &random, &world);
            oracle_world_judge(&view, results);
            if (pass == 0) {
                learn(&g->facts, c, results);
            } else {
                note(g, results, c->presence_count);
            }
        }
    }
}

static bool only(unsigned set, unsigned allowed)
{
    return set != 0 && (set & ~allowed) == 0;
}

static unsigned lowest(unsigned set)
{
    return set ? (unsigned)__builtin_ctz(set) : 0;
}

/* V11: "any two companies" that disagree are time unproven, but for its two exceptions. */
static enum rule_company combine(unsigned set)
{
    unsigned far = 1u << RULE_COMPANY_JOINT_SO_FAR, joint = 1u << RULE_COMPANY_JOINT,
             way = 1u << RULE_COMPANY_UNDER_WAY;
    unsigned alone = 1u << RULE_COMPANY_AWAITING_SECOND | 1u << RULE_COMPANY_ACCOMPANIED |
                     1u << RULE_COMPANY_LONE_PROVISIONAL | 1u << RULE_COMPANY_LONE_CONFIRMED;

    if ((set & (set - 1)) == 0) {
        return (enum rule_company)lowest(set);
    }
    if (only(set, far | joint)) {
        return RULE_COMPANY_JOINT_SO_FAR;
    }
    if ((set & way) && only(set, way | alone)) {
        return RULE_COMPANY_UNDER_WAY;
    }
    return RULE_COMPANY_TIME_UNPROVEN;
}

/* The worst of what worlds give: "alone give the verdict" must hold in each. */
static enum rule_grade worst_grade(unsigned set)
{
    for (int grade = RULE_GRADE_D; grade > RULE_GRADE_NONE; grade--) {
        if (set & (1u << grade)) {
            return (enum rule_grade)grade;
        }
    }
    return RULE_GRADE_NONE;
}

static void connect(const struct gathered *g, size_t n, size_t start, bool *ret_group)
{
    bool moved = true;

    ret_group[start] = true;
    while (moved) {
        moved = false;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++) {
                if (ret_group[i] && !ret_group[j] && g->together[i][j]) {
                    ret_group[j] = moved = true;
                }
            }
        }
    }
}

/* V9. V11: a second supervisor is needed only to let a lone presence count; T4: time unproven counts after a decision. */
static bool stands(const struct gathered *g, const struct oracle_opinion *opinion, size_t i)
{
    enum rule_company company = opinion->verdict.company;
    bool lone = company == RULE_COMPANY_LONE_PROVISIONAL || company == RULE_COMPANY_LONE_CONFIRMED;

    return !g->may_be_open[i] && (company == RULE_COMPANY_JOINT || opinion->verdict.authority == RULE_AUTHORITY_PRIOR ||
                                  g->counting[i] >= (lone && g->may_be_forbidden[i] ? 2u : 1u));
}

/* V9: seen, nobody disagrees, everyone who must stand stands, nothing is decided against. */
static bool due_met(const struct rule_case *c, const struct gathered *g, const struct oracle_opinion *opinions,
                    const bool *group)
{
    bool seen = false, met = true;
    enum rule_outcome outcome = RULE_OUTCOME_NONE;

    for (size_t i = 0; i < c->presence_count; i++) {
        if (!group[i]) {
            continue;
        }
        met = met && !g->may_be_against[i];
        if (g->may_count[i] && c->presences[i].outcome != RULE_OUTCOME_NONE) {
            met = met && (outcome == RULE_OUTCOME_NONE || outcome == c->presences[i].outcome);
            outcome = c->presences[i].outcome;
        }
        if (g->may_have_to_stand[i]) {
            met = met && stands(g, &opinions[i], i);
            seen = seen || ((g->must_be_there[i] || g->counting[i] > 0) && /* T4: it counts after a decision */
                            c->presences[i].outcome == RULE_OUTCOME_SEEN);
        }
    }
    return met && seen;
}

static void fill_attendance(const struct rule_case *c, const struct gathered *g, struct oracle_opinion *opinions)
{
    for (size_t i = 0; i < c->presence_count; i++) {
        bool group[N] = {false};
        size_t first = i;

        connect(g, c->presence_count, i, group);
        for (size_t j = 0; j < c->presence_count; j++) {
            if (group[j] && hash_compare(&c->presences[j].id, &c->presences[first].id) < 0) {
                first = j;
            }
        }
        opinions[i].verdict.attendance = first;
        opinions[i].verdict.due_met = due_met(c, g, opinions, group);
    }
}

static void form_opinions(const struct rule_case *c, const struct oracle_times *times, const struct gathered *g,
                          struct oracle_opinion *opinions)
{
    for (size_t i = 0; i < c->presence_count; i++) {
        struct oracle_opinion *o = &opinions[i];

        memset(o, 0, sizeof(*o));
        o->troubled = oracle_times_troubled(times, i);
        o->companies = g->companies[i];
        o->confirmed = g->confirmed[i];
        o->grades = g->grades[i];
        o->authorities = g->authorities[i];
        o->verdict.company = combine(g->companies[i]);
        o->verdict.confirmed_by = o->verdict.company == RULE_COMPANY_LONE_CONFIRMED
                                      ? (enum rule_confirmed)lowest(g->confirmed[i])
                                      : RULE_CONFIRMED_NOT;
        o->verdict.grade =
            worst_grade(o->verdict.company == RULE_COMPANY_JOINT_SO_FAR ? g->grades_so_far[i] : g->grades[i]);
        o->verdict.authority = g->authorities[i] & (g->authorities[i] - 1)
                                   ? RULE_AUTHORITY_ORDER_UNPROVEN
                                   : (enum rule_authority)lowest(g->authorities[i]);
        o->verdict.alone_min_us = g->alone_min[i];
        o->verdict.alone_max_us = g->alone_max[i];
        o->verdict.reasons = g->reasons[i] & ORACLE_REASONS;
        o->verdict.best_partner = RULE_NONE;
        o->verdict.out = (struct rule_instant){g->out_min[i], g->out_max[i]};
        o->verdict.next_change_us = RULE_FOREVER;
    }
    fill_attendance(c, g, opinions);
}

enum status oracle_examine(const struct rule_case *rule_case, struct oracle_settings settings,
                           struct oracle_opinion *ret_opinions)
{
    enum status status = check_input(rule_case);
    struct oracle_times *times = NULL;
    struct gathered *g = NULL;

    if (status != STATUS_OK) {
        return status;
    }
    status = oracle_times_new(rule_case, &times);
    if (status != STATUS_OK) {
        return status;
    }
    g = calloc(1, sizeof(*g));
    if (!g) {
        status = STATUS_NO_MEMORY;
        goto done;
    }
    gather(rule_case, times, settings, g);
    form_opinions(rule_case, times, g, ret_opinions);
done:
    free(g);
    oracle_times_free(times);
    return status;
}

enum status oracle_judge(const struct rule_case *rule_case, struct rule_verdict *ret_verdicts)
{
    struct oracle_settings settings = {DEFAULT_SEED, DEFAULT_WORLDS};
    struct oracle_opinion opinions[N];
    enum status status = oracle_examine(rule_case, settings, opinions);

    for (size_t i = 0; status == STATUS_OK && i < rule_case->presence_count; i++) {
        ret_verdicts[i] = opinions[i].verdict;
    }
    return status;
}
