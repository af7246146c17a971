/* What the engine may say where the oracle has an opinion: see oracle.h. */
#include <stdarg.h>

#include "tests/oracle/oracle_parts.h"

#define MORE_WORLDS 60
#define MORE_TIMES 2 /* a greatest time alone may need a corner that one sample in ten thousand meets */

struct ground {
    const struct rule_case *rule_case;
    bool exact;
    bool bounded;
    bool strict; /* exact times, or no more than a pair under one policy */
};

static const char *say(char *text, size_t size, size_t presence, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static const char *say(char *text, size_t size, size_t presence, const char *format, ...)
{
    int used = snprintf(text, size, "p%zu: ", presence + 1);
    va_list arguments;

    va_start(arguments, format);
    if (used > 0 && (size_t)used < size) {
        /* As in journal_oracle_logs.c. NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
        (void)vsnprintf(text + used, size - (size_t)used, format, arguments);
    }
    va_end(arguments);
    return text;
}

static bool has(unsigned set, int value)
{
    return set & (1u << value);
}

static bool company_fits(const struct ground *ground, const struct oracle_opinion *o, enum rule_company engine)
{
    enum rule_company oracle = o->verdict.company;

    if (o->troubled && (engine == RULE_COMPANY_TIME_UNPROVEN || engine == RULE_COMPANY_HELD)) {
        return true;
    }
    if (engine == oracle) {
        return true;
    }
    /* V10: a policy that changed within the bounds is judged under each, not instant by instant. */
    if (ground->rule_case->policy_count > 1 && !ground->exact && engine == RULE_COMPANY_UNDER_WAY) {
        return !has(o->companies, RULE_COMPANY_HELD);
    }
    /* V11's "under way until certainly beyond max_alone" is silent on a partner who may have come already. */
    if (oracle == RULE_COMPANY_TIME_UNPROVEN && engine == RULE_COMPANY_UNDER_WAY) {
        return has(o->companies, RULE_COMPANY_UNDER_WAY) && !has(o->companies, RULE_COMPANY_HELD);
    }
    if (!ground->strict && engine == RULE_COMPANY_JOINT_SO_FAR && oracle == RULE_COMPANY_JOINT) {
        return true;
    }
    return engine == RULE_COMPANY_TIME_UNPROVEN && !ground->strict;
}

static bool grade_fits(const struct ground *ground, const struct oracle_opinion *o, const struct rule_verdict *v)
{
    bool partnered = v->company == RULE_COMPANY_JOINT || v->company == RULE_COMPANY_JOINT_SO_FAR ||
                     v->company == RULE_COMPANY_PART_JOINT;

    if (v->company != o->verdict.company) {
        return true;
    }
    if (!partnered) {
        /* V7's D says nothing of a presence that is held or has only just begun. */
        return v->grade == o->verdict.grade || !ground->exact || v->company == RULE_COMPANY_HELD ||
               v->company == RULE_COMPANY_UNDER_WAY;
    }
    return ground->strict ? v->grade == o->verdict.grade : v->grade >= o->verdict.grade;
}

static bool alone_fits(const struct ground *ground, const struct oracle_opinion *o, const struct rule_verdict *v)
{
    /* An end that worlds only approach may be given as reached. */
    int64_t slack_us = ground->exact ? 0 : 2;

    if (ground->strict && ground->bounded &&
        (v->alone_min_us < o->verdict.alone_min_us - slack_us ||
         v->alone_max_us > o->verdict.alone_max_us + slack_us)) {
        return false;
    }
    return v->alone_min_us <= o->verdict.alone_min_us &&
           (v->alone_max_us >= o->verdict.alone_max_us || !ground->bounded);
}

/* A due date wrongly met is a mistake; not met is one only where nothing could stay unproven. */
static bool due_fits(const struct ground *ground, const struct oracle_opinion *o, const struct rule_verdict *v)
{
    return v->due_met == o->verdict.due_met || (!ground->strict && !v->due_met);
}

static const char *compare_one(const struct ground *ground, size_t i, const struct oracle_opinion *o,
                               const struct rule_verdict *v, char *text, size_t size)
{
    const struct rule_verdict *w = &o->verdict;

    if (!company_fits(ground, o, v->company)) {
        return say(text, size, i, "company: engine %s, oracle %s (worlds %#x%s)", rule_company_name(v->company),
                   rule_company_name(w->company), o->companies, o->troubled ? ", clock trouble" : "");
    }
    if (o->troubled) {
        return NULL;
    }
    if (v->company == RULE_COMPANY_LONE_CONFIRMED ? !has(o->confirmed, (int)v->confirmed_by)
                                                  : v->confirmed_by != RULE_CONFIRMED_NOT) {
        return say(text, size, i, "confirmed by: engine '%s', oracle '%s'", rule_confirmed_name(v->confirmed_by),
                   rule_confirmed_name(w->confirmed_by));
    }
    if (!grade_fits(ground, o, v)) {
        return say(text, size, i, "grade: engine '%s', oracle '%s' (%s)", rule_grade_name(v->grade),
                   rule_grade_name(w->grade), rule_company_name(v->company));
    }
    if (v->authority != w->authority) {
        return say(text, size, i, "authority: engine %s, oracle %s (worlds %#x)", rule_authority_name(v->authority),
                   rule_authority_name(w->authority), o->authorities);
    }
    if (!alone_fits(ground, o, v)) {
        return say(text, size, i, "alone: engine [%.6f, %.6f] s, oracle [%.6f, %.6f] s", (double)v->alone_min_us / 1e6,
                   (double)v->alone_max_us / 1e6, (double)w->alone_min_us / 1e6, (double)w->alone_max_us / 1e6);
    }
    if (ground->exact && v->attendance != w->attendance) {
        return say(text, size, i, "attendance: engine p%zu, oracle p%zu", v->attendance + 1, w->attendance + 1);
    }
    if (!due_fits(ground, o, v)) {
        return say(text, size, i, "due met: engine %d, oracle %d", v->due_met, w->due_met);
    }
    if (ground->exact && (v->out.lo_us != w->out.lo_us || v->out.hi_us != w->out.hi_us)) {
        return say(text, size, i, "check-out used: engine [%.6f, %.6f], oracle [%.6f, %.6f]",
                   (double)v->out.lo_us / 1e6, (double)v->out.hi_us / 1e6, (double)w->out.lo_us / 1e6,
                   (double)w->out.hi_us / 1e6);
    }
    if (ground->exact && (v->reasons & ORACLE_REASONS) != w->reasons) {
        return say(text, size, i, "reasons: engine %#x, oracle %#x", v->reasons & ORACLE_REASONS, w->reasons);
    }
    return NULL;
}

/* Where nothing bounds a time the oracle has some far end of its own; the engine may say "for ever". */
static bool is_bounded(const struct rule_case *c)
{
    for (size_t i = 0; i < c->presence_count; i++) {
        const struct rule_presence *p = &c->presences[i];

        if (p->in.lo_us == INT64_MIN || p->in.hi_us == RULE_FOREVER ||
            (p->has_out && (p->out.lo_us == INT64_MIN || p->out.hi_us == RULE_FOREVER))) {
            return false;
        }
    }
    return true;
}

static bool is_exact(const struct rule_case *c)
{
    struct oracle_times *times = NULL;
    bool exact = oracle_times_new(c, &times) == STATUS_OK && oracle_times_exact(times);

    oracle_times_free(times);
    return exact;
}

static const char *compare_once(const struct rule_case *c, const struct rule_verdict *verdicts,
                                struct oracle_settings settings, const struct ground *ground, char *text, size_t size)
{
    struct oracle_opinion opinions[N];
    enum status status = oracle_examine(c, settings, opinions);
    const char *difference = NULL;

    if (status != STATUS_OK) {
        (void)snprintf(text, size, "the oracle failed: %s", status_name(status));
        return text;
    }
    for (size_t i = 0; !difference && i < c->presence_count; i++) {
        difference = compare_one(ground, i, &opinions[i], &verdicts[i], text, size);
    }
    return difference;
}

const char *oracle_compare(const struct rule_case *rule_case, const struct rule_verdict *verdicts,
                           struct oracle_settings settings, char *text, size_t text_size)
{
    bool exact = is_exact(rule_case);
    struct ground ground = {rule_case, exact, is_bounded(rule_case),
                            exact || (rule_case->presence_count <= 2 && rule_case->policy_count == 1)};
    const char *difference = compare_once(rule_case, verdicts, settings, &ground, text, text_size);

    for (size_t again = 0; difference && !exact && again < MORE_TIMES; again++) {
        settings.worlds *= MORE_WORLDS;
        difference = compare_once(rule_case, verdicts, settings, &ground, text, text_size);
    }
    return difference;
}
