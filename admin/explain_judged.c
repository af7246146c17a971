#include "admin/explain_judged.h"

#include <math.h>
#include <stdio.h>

#include "admin/explain_history.h"

#define MINUTE_US 6e7

static const struct rule_presence *own_of(const struct explanation *explanation)
{
    return &explanation->hood->presences[explanation->index];
}

/* The version in force at an instant; the first also before. */
static size_t policy_at(const struct rule_case *given, int64_t at_us)
{
    size_t at = 0;

    for (size_t i = 1; i < given->policy_count && given->policies[i].effective_from_us <= at_us; i++)
        at = i;
    return at;
}

static void print_policy(const struct rule_case *given, const struct rule_presence *own)
{
    size_t from = policy_at(given, own->in.lo_us), to = policy_at(given, own->in.hi_us);
    const struct rule_policy *policy = &given->policies[from];

    if (policy->effective_from_us == INT64_MIN)
        printf("  policy        the default");
    else
        printf("  policy        in force from %s", history_time(policy->effective_from_us / 1000));
    printf("%s: alone for at most %.0f min, longest visit %.0f min, partners at most %.0f m apart\n",
           from == to ? "" : ", or a later one (the times leave it open)", (double)policy->max_alone_us / MINUTE_US,
           (double)policy->longest_visit_us / MINUTE_US, policy->partner_distance_m);
}

static void print_minutes(int64_t min_us, int64_t max_us)
{
    if (max_us == RULE_FOREVER)
        printf("not known");
    else if (min_us == max_us)
        printf("%.2f min", (double)min_us / MINUTE_US);
    else
        printf("%.2f to %.2f min", (double)min_us / MINUTE_US, (double)max_us / MINUTE_US);
}

/* Where the rule doesn't ask for the half of the presence, it isn't shown (V3, V11). */
static void print_alone(const struct explanation *explanation)
{
    const struct rule_verdict *verdict = &explanation->hood->verdicts[explanation->index];
    const struct rule_presence *own = own_of(explanation);
    bool recorded = own->has_out && (verdict->reasons & RULE_REASON_OUT_LATE) == 0;

    printf("  alone for     ");
    print_minutes(verdict->alone_min_us, verdict->alone_max_us);
    if (recorded && own->in.lo_us != INT64_MIN && own->out.hi_us != RULE_FOREVER) {
        printf(" of a visit of ");
        print_minutes(own->out.lo_us - own->in.hi_us, own->out.hi_us - own->in.lo_us);
        printf(" (joint: at most half of it, too)");
    }
    printf("\n");
}

/* What stood at the check-in's earliest and latest instant. */
static void standing_at(const struct rule_officer *officer, int64_t at_us, bool *ret_entitled, bool *ret_accredited)
{
    *ret_entitled = officer->entitled_from_us <= at_us && at_us < officer->entitled_to_us;
    *ret_accredited = officer->accredited;
    for (size_t i = 0; i < officer->change_count && officer->changes[i].from_us <= at_us; i++) {
        *ret_entitled = officer->changes[i].entitled;
        *ret_accredited = officer->changes[i].accredited;
    }
}

static const char *yes_or_no(bool early, bool late)
{
    return early != late ? "the times leave it open" : early ? "yes" : "no";
}

static void print_standing(const struct neighbourhood *hood, const struct rule_presence *presence, const char *indent)
{
    const struct rule_officer *officer = &hood->officers[presence->officer];
    bool entitled[2], accredited[2];

    standing_at(officer, presence->in.lo_us, &entitled[0], &accredited[0]);
    standing_at(officer, presence->in.hi_us, &entitled[1], &accredited[1]);
    printf("%s at the check-in: may be second %s, accredited %s\n", indent, yes_or_no(entitled[0], entitled[1]),
           yes_or_no(accredited[0], accredited[1]));
}

void judged_print_measure(const struct explanation *explanation)
{
    printf("\nWhat it was measured by\n");
    print_policy(&explanation->hood->rule_case, own_of(explanation));
    print_standing(explanation->hood, own_of(explanation), "  the officer  ");
    print_alone(explanation);
}

static void print_distance(const struct rule_presence *own, const struct rule_presence *other)
{
    double away_m = hypot(own->in_at.x_m - other->in_at.x_m, own->in_at.y_m - other->in_at.y_m);

    if (!own->in_at.known || !other->in_at.known)
        printf("no location of %s", own->in_at.known || other->in_at.known ? "one of the phones" : "either phone");
    else
        printf("phones %.0f m apart, good to %.0f and %.0f m", away_m, own->in_at.accuracy_m, other->in_at.accuracy_m);
}

void judged_print_partner(const struct explanation *explanation, size_t index)
{
    const struct neighbourhood *hood = explanation->hood;
    const struct rule_presence *own = own_of(explanation);
    const struct rule_presence *other = &hood->presences[index];
    bool own_names = own->cosign.presence == index;
    const struct rule_cosign *cosign = own_names && own->cosign.first ? &own->cosign : &other->cosign;

    print_standing(hood, other, "   ");
    printf("    ");
    print_distance(own, other);
    if (own_names || other->cosign.presence == explanation->index) {
        printf("; co-signed");
        if (cosign->first)
            printf(", %.1f s after the code was shown", (double)cosign->round_trip_us / 1e6);
    }
    printf("\n");
}

void judged_print_decisions(const struct explanation *explanation)
{
    const struct neighbourhood *hood = explanation->hood;
    bool any = false;

    for (size_t i = 0; i < hood->rule_case.decision_count; i++) {
        const struct rule_decision *decision = &hood->decisions[i];

        if (decision->presence != explanation->index)
            continue;
        printf("%s  %s: %s\n", any ? "" : "\nWhat supervisors decided\n", history_time(decision->recorded_us / 1000),
               decision->counts ? "it counts" : "not appropriate");
        any = true;
    }
}
