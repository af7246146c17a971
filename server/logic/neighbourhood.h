/*
 * One offender's neighbourhood as the rule takes it (J6; ARCHITECTURE.md, "Neighbourhoods"): rows of the store in, a case
 * out. The first own_count presences are the neighbourhood, in order of their ids; the rest is context, judged only because
 * the others depend on it. One is reused for every derivation of a batch: about 600 KB.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_NEIGHBOURHOOD_H
#define DOUBLECREW_SERVER_LOGIC_NEIGHBOURHOOD_H

#include "core/geo.h"
#include "core/limits.h"
#include "server/logic/batch_internal.h"
#include "server/logic/evidence.h"
#include "server/logic/standing.h"

#define NEIGHBOURHOOD_OFFICERS_MAX 256
#define NEIGHBOURHOOD_DEVICES_MAX 256
#define NEIGHBOURHOOD_PLANS_MAX 64
#define NEIGHBOURHOOD_WORDS_MAX 256
#define NEIGHBOURHOOD_RISKS_MAX 32
#define NEIGHBOURHOOD_HOLDERS_MAX 32 /* of one device while the neighbourhood lasts: the newest */

struct neighbourhood {
    struct offender_row offender; /* of the own presences */
    struct presence_row rows[RULE_PRESENCES_MAX];
    size_t own_count;
    size_t count;

    struct rule_presence presences[RULE_PRESENCES_MAX];
    struct rule_verdict verdicts[RULE_PRESENCES_MAX];
    struct rule_offender offenders[RULE_PRESENCES_MAX];
    struct rule_risk_span risks[RULE_PRESENCES_MAX][NEIGHBOURHOOD_RISKS_MAX];
    struct rule_officer officers[NEIGHBOURHOOD_OFFICERS_MAX];
    struct rule_officer_span standings[NEIGHBOURHOOD_OFFICERS_MAX][STANDING_SPANS_MAX];
    char codes[NEIGHBOURHOOD_OFFICERS_MAX][sizeof(((struct officer_row *)0)->code)];
    struct rule_device devices[NEIGHBOURHOOD_DEVICES_MAX];
    struct rule_holder_span holders[NEIGHBOURHOOD_DEVICES_MAX][NEIGHBOURHOOD_HOLDERS_MAX];
    int64_t from_us, to_us; /* of all its presences */
    struct rule_plan plans[NEIGHBOURHOOD_PLANS_MAX];
    struct rule_authority_word authorities[NEIGHBOURHOOD_WORDS_MAX];
    struct rule_decision decisions[NEIGHBOURHOOD_WORDS_MAX];
    struct {
        struct id log;
        struct id boot;
    } boots[2 * RULE_PRESENCES_MAX]; /* a boot's number is its place here */
    size_t boot_count;
    bool has_reference;
    struct geo_point reference;
    struct rule_case rule_case;
    struct evidence evidence; /* of the presence that is being told */
};

/* Collects what stands around one presence. NOT_FOUND: its offender isn't known (yet). OVER_LIMIT: too much. */
MUST_USE enum status neighbourhood_collect(struct batch *batch, struct neighbourhood *hood,
                                           const struct presence_row *seed);
/* One presence with nobody beside it, when collect said OVER_LIMIT: hood->offender is set by then. */
void neighbourhood_alone(struct neighbourhood *hood, const struct presence_row *row);
/* Builds rule_case as of now_us; it borrows from the neighbourhood and the batch. */
MUST_USE enum status neighbourhood_case(struct batch *batch, struct neighbourhood *hood, int64_t now_us);
/* flag_live.c: of an own presence, judged. */
MUST_USE enum status flags_live(struct batch *batch, const struct neighbourhood *hood, size_t index,
                                struct flag_facts *ret_facts);
/* The officers whose logs an own presence's verdict looks at (W2). */
size_t neighbourhood_candidates(const struct neighbourhood *hood, size_t index, struct id *ret_officers, size_t max);

#endif
