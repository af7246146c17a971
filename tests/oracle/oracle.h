/*
 * An independent oracle of the two-officer rule: DESIGN.md sections 5 and 6 written down slowly and obviously.
 *
 * It shares only the data contract core/rule.h with the engine, none of its code. It was written from the text alone, then
 * compared; where the text leaves two readings, these are taken by both:
 *  - far apart: the two lend each other no check-out either; after a decision against, the pair stays without effect
 *    while other partners count;
 *  - of two places, a decision on one presence leaves the other held unless it says that the first doesn't count;
 *  - "left together" takes in whoever was still there, not who was gone before this officer came;
 *  - a plan makes others awaited whoever it names (W2), but "planned with" (V11) needs both on it, the assumed one in its window;
 *  - a closed presence that needs an open partner is "joint so far"; a grade is of partners that give that very verdict;
 *  - "not appropriate" lapses for the due date when partners received after it make the presence joint;
 *  - a word recorded at the very instant of the check-in is order unproven.
 * Method: a *world* gives every instant one value that keeps all bounds on differences (V10). In one world every rule is
 * evaluated literally. Worlds are enumerated when all times are exact (one world), else sampled at the corners of what is
 * possible and at the instants that rules mention; then combined (V11): all agree, or time unproven.
 *
 * Sampling can miss a world, never invent one: a disagreement found is proof, an agreement found is evidence. V11 asks of
 * the engine "always sound; exact for a pair", so oracle_compare() accepts
 *  - with more than two presences and uncertain times: "time unproven" where all sampled worlds agree, "joint so far" for
 *    joint, wider minutes alone, a weaker grade, an attendance that is larger, and a due date not met for one of those reasons;
 *  - under way where a policy that changed within the bounds leaves it so under one of its versions;
 *  - time unproven or held for what clocks concern that contradict each other (of which the oracle knows nothing at all);
 * and nothing else: never a definite company where two worlds differ, never narrower minutes alone than some world has.
 */
#ifndef DOUBLECREW_TESTS_ORACLE_H
#define DOUBLECREW_TESTS_ORACLE_H

#include <stdio.h>

#include "core/limits.h"
#include "core/rule.h"

/* What the oracle knows of one presence beside the verdict: sets over all worlds, as bits 1 << value. */
struct oracle_opinion {
    /* Combined by V11. Of reasons only ORACLE_REASONS; best_partner and next_change_us are not computed. */
    struct rule_verdict verdict;
    unsigned companies;
    unsigned confirmed;
    unsigned grades;
    unsigned authorities;
    bool troubled; /* its clock contradicts another, or is linked to one that does (V11) */
};

/* The reasons that the oracle computes, and compares when all times are exact. */
#define ORACLE_REASONS                                                                                                 \
    ((uint32_t)(RULE_REASON_CONTESTED | RULE_REASON_REVOKED | RULE_REASON_UNASSIGNED | RULE_REASON_TWO_PLACES |        \
                RULE_REASON_OPEN | RULE_REASON_OUT_MISSING | RULE_REASON_OUT_LATE))

struct oracle_settings {
    uint64_t seed;
    size_t worlds; /* sampled when any time is uncertain */
};

/* ret_opinions has presence_count elements. INPUT, OVER_LIMIT as rule_judge(). */
MUST_USE enum status oracle_examine(const struct rule_case *rule_case, struct oracle_settings settings,
                                    struct oracle_opinion *ret_opinions);

/* The same shape as rule_judge(); default settings. */
MUST_USE enum status oracle_judge(const struct rule_case *rule_case, struct rule_verdict *ret_verdicts);

/*
 * NULL when the engine's verdicts are acceptable, else a readable difference in text (borrowed). Where uncertain times are
 * the only ground it samples the oracle again, sixty times as long and then sixty times that, before it speaks.
 */
const char *oracle_compare(const struct rule_case *rule_case, const struct rule_verdict *verdicts,
                           struct oracle_settings settings, char *text, size_t text_size);

/* Judges with both; NULL when they agree. */
typedef const char *oracle_check(const struct rule_case *rule_case, struct oracle_settings settings, char *text,
                                 size_t text_size);

/*
 * Shrinks a case while check still finds a difference: drops presences, plans, words and decisions, then forgets details.
 * The reduced case is owned by the caller: oracle_case_free(). Its offenders' risk spans stay borrowed from the original.
 * NULL when memory runs out.
 */
struct rule_case *oracle_reduce(const struct rule_case *rule_case, oracle_check *check,
                                struct oracle_settings settings);
struct rule_case *oracle_case_copy(const struct rule_case *c);
void oracle_case_free(struct rule_case *rule_case);

/* One JSON object in the form of `doublecrewctl judge`, with members of its own where that form has no word. */
void oracle_case_print(const struct rule_case *rule_case, FILE *stream);
void oracle_verdict_print(const struct rule_verdict *verdict, FILE *stream);

#endif
