#include "tests/lib/rule_gen.h"

#include <string.h>

#define MINUTE_US INT64_C(60000000)
#define HOUR_US (60 * MINUTE_US)

struct dice {
    uint64_t state;
    int64_t grid_us;
    unsigned features;
};

uint64_t rule_gen_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t rule_gen_below(uint64_t *state, uint64_t bound)
{
    return bound == 0 ? 0 : rule_gen_next(state) % bound;
}

struct rule_gen_options rule_gen_options_all(void)
{
    return (struct rule_gen_options){
        .officers_max = RULE_GEN_OFFICERS_MAX,
        .presences_max = RULE_GEN_PRESENCES_MAX,
        .grid_us = 1000000,
        .features = RULE_GEN_ALL,
    };
}

static bool chance(struct dice *dice, unsigned percent)
{
    return rule_gen_below(&dice->state, 100) < percent;
}

static bool may(struct dice *dice, enum rule_gen_feature feature, unsigned percent)
{
    return chance(dice, percent) && (dice->features & (unsigned)feature) != 0;
}

static size_t pick(struct dice *dice, size_t bound)
{
    return (size_t)rule_gen_below(&dice->state, bound);
}

/* A length in [from, to], on the grid (rounded down). */
static int64_t length_us(struct dice *dice, int64_t from_us, int64_t to_us)
{
    int64_t us = from_us + (int64_t)rule_gen_below(&dice->state, (uint64_t)(to_us - from_us) + 1);

    return us - us % dice->grid_us;
}

static struct id id_of(char kind, size_t number)
{
    struct id id = {{0}};

    id.bytes[0] = (uint8_t)kind;
    id.bytes[15] = (uint8_t)(number + 1);
    return id;
}

void rule_gen_point(struct rule_gen *gen)
{
    struct rule_case *c = &gen->rule_case;

    c->policies = gen->policies;
    c->offenders = gen->offenders;
    c->officers = gen->officers;
    c->devices = gen->devices;
    c->presences = gen->presences;
    c->plans = gen->plans;
    c->authorities = gen->authorities;
    c->decisions = gen->decisions;
}

static void make_policies(struct dice *dice, struct rule_gen *gen)
{
    rule_policy_default(&gen->policies[0]);
    rule_policy_default(&gen->policies[1]);
    gen->rule_case.policy_count = 1;
    if (!may(dice, RULE_GEN_HISTORY, 15)) {
        return;
    }
    gen->rule_case.policy_count = 2;
    gen->policies[1].effective_from_us = RULE_GEN_EPOCH_US + length_us(dice, 0, HOUR_US);
    gen->policies[1].max_alone_us = length_us(dice, 0, 20) * MINUTE_US;
    gen->policies[1].longest_visit_us = (1 + (int64_t)pick(dice, 3)) * HOUR_US;
    gen->policies[1].lone_forbidden[RULE_RISK_HIGH] = chance(dice, 50);
}

static void make_offenders(struct dice *dice, struct rule_gen *gen)
{
    gen->rule_case.offender_count = chance(dice, 30) ? 2 : 1;
    for (size_t i = 0; i < 2; i++) {
        struct rule_offender *offender = &gen->offenders[i];

        offender->id = id_of('X', i);
        offender->at = (struct rule_place){.known = true, .x_m = (double)(4000 * i), .accuracy_m = 0};
        gen->risks[i][0] = (struct rule_risk_span){INT64_MIN, (enum rule_risk)pick(dice, 4)};
        gen->risks[i][1] =
            (struct rule_risk_span){RULE_GEN_EPOCH_US + length_us(dice, 0, HOUR_US), (enum rule_risk)pick(dice, 4)};
        offender->risks = gen->risks[i];
        offender->risk_count = may(dice, RULE_GEN_HISTORY, 15) ? 2 : 1;
    }
}

/* V5: role and accreditation may change during the day. */
static void change_standing(struct dice *dice, struct rule_gen *gen, size_t officer)
{
    int64_t at_us = RULE_GEN_EPOCH_US + length_us(dice, 0, 30 * MINUTE_US);

    gen->officers[officer].changes = gen->changes[officer];
    gen->officers[officer].change_count = may(dice, RULE_GEN_HISTORY, 10) ? 1 + pick(dice, 2) : 0;
    for (size_t i = 0; i < 2; i++) {
        gen->changes[officer][i] = (struct rule_officer_span){at_us, chance(dice, 50), chance(dice, 60)};
        at_us += length_us(dice, 0, 30 * MINUTE_US);
    }
}

/* F4: a device goes from hand to hand; the last one holds it now. */
static void change_holder(struct dice *dice, struct rule_gen *gen, size_t device)
{
    size_t officers = gen->rule_case.officer_count;
    int64_t at_us = RULE_GEN_EPOCH_US + length_us(dice, 0, HOUR_US);

    gen->devices[device].holders = gen->holders[device];
    gen->devices[device].holder_count = may(dice, RULE_GEN_HISTORY, 10) ? 1 + pick(dice, 2) : 0;
    gen->holders[device][0] =
        (struct rule_holder_span){chance(dice, 50) ? INT64_MIN : at_us, gen->devices[device].officer};
    gen->holders[device][1] = (struct rule_holder_span){at_us + length_us(dice, 0, 30 * MINUTE_US),
                                                        chance(dice, 15) ? RULE_NONE : pick(dice, officers)};
    if (gen->devices[device].holder_count == 2 && gen->holders[device][1].officer != RULE_NONE) {
        gen->devices[device].officer = gen->holders[device][1].officer;
    }
}

static void make_people(struct dice *dice, const struct rule_gen_options *options, struct rule_gen *gen)
{
    size_t count = chance(dice, 60) ? 1 + pick(dice, 3) : 1 + pick(dice, RULE_GEN_OFFICERS_MAX);

    count = count < options->officers_max ? count : options->officers_max;
    gen->rule_case.officer_count = count;
    for (size_t i = 0; i < count; i++) {
        struct rule_officer *officer = &gen->officers[i];

        officer->id = id_of('A', i);
        officer->accredited = !may(dice, RULE_GEN_ENTITLEMENT, 30);
        officer->entitled_from_us =
            may(dice, RULE_GEN_ENTITLEMENT, 6) ? RULE_GEN_EPOCH_US + length_us(dice, 0, HOUR_US) : 0;
        officer->entitled_to_us = may(dice, RULE_GEN_ENTITLEMENT, 6)
                                      ? RULE_GEN_EPOCH_US + length_us(dice, HOUR_US, 2 * HOUR_US)
                                      : RULE_FOREVER;
        change_standing(dice, gen, i);
    }
}

static void make_devices(struct dice *dice, struct rule_gen *gen)
{
    size_t officers = gen->rule_case.officer_count;

    gen->rule_case.device_count = officers + pick(dice, RULE_GEN_DEVICES_MAX - officers + 1) / 2;
    for (size_t i = 0; i < gen->rule_case.device_count; i++) {
        struct rule_device *device = &gen->devices[i];

        device->id = id_of('d', i);
        device->officer = i < officers ? i : pick(dice, officers);
        device->revoked_as_of_us = RULE_FOREVER;
        device->revocation_recorded_us = RULE_FOREVER;
        device->lost = may(dice, RULE_GEN_HELD, 8);
        if (may(dice, RULE_GEN_HELD, 6)) {
            device->revoked_as_of_us = RULE_GEN_EPOCH_US + length_us(dice, 0, 2 * HOUR_US);
            device->revocation_recorded_us = device->revoked_as_of_us + length_us(dice, 0, HOUR_US);
        }
        device->watermark_known = chance(dice, 65);
        device->watermark_us = RULE_GEN_EPOCH_US + length_us(dice, 0, chance(dice, 50) ? 3 * HOUR_US : 24 * HOUR_US);
        change_holder(dice, gen, i);
    }
}

static int64_t visit_length_us(struct dice *dice)
{
    static const int64_t limits_us[] = {0, 5 * MINUTE_US, 20 * MINUTE_US, 60 * MINUTE_US, 200 * MINUTE_US};
    size_t band = chance(dice, 60) ? 2 : pick(dice, 4);

    return length_us(dice, limits_us[band], limits_us[band + 1]);
}

static int64_t visit_start_us(struct dice *dice)
{
    int64_t within_us = chance(dice, 65) ? 12 * MINUTE_US : chance(dice, 70) ? HOUR_US : 5 * HOUR_US;

    return RULE_GEN_EPOCH_US + length_us(dice, 0, within_us);
}

static struct rule_place place_near(struct dice *dice, double x_m, unsigned far_percent)
{
    static const int reach_m[] = {300, 1500, 6000};
    int reach = chance(dice, far_percent) ? reach_m[pick(dice, 3)] : 60;

    return (struct rule_place){
        .known = chance(dice, 80),
        .x_m = x_m + (double)pick(dice, (size_t)reach),
        .y_m = (double)pick(dice, (size_t)reach),
        .accuracy_m = (double)(5 + pick(dice, 40)),
    };
}

static void make_company(struct dice *dice, struct rule_gen *gen, struct rule_presence *presence)
{
    size_t officers = gen->rule_case.officer_count;
    size_t other = pick(dice, officers);

    presence->with = chance(dice, 20) ? RULE_WITH_ALONE : RULE_WITH_UNRECORDED;
    if (chance(dice, 60) && other != presence->officer) {
        presence->with = RULE_WITH_NAMED;
        presence->named[presence->named_count++] = other;
        if (chance(dice, 20) && (other + 1) % officers != presence->officer) {
            presence->named[presence->named_count++] = (other + 1) % officers;
        }
    }
    presence->agency = may(dice, RULE_GEN_ENTITLEMENT, 8);
}

static void make_presence(struct dice *dice, struct rule_gen *gen, size_t index)
{
    struct rule_presence *presence = &gen->presences[index];
    size_t officers = gen->rule_case.officer_count;

    memset(presence, 0, sizeof *presence);
    for (size_t i = 0; i < 8; i++) {
        presence->id.bytes[i] = (uint8_t)rule_gen_next(&dice->state);
    }
    presence->id.bytes[31] = (uint8_t)index; /* no two alike */
    presence->officer = index < officers && chance(dice, 90) ? index : pick(dice, officers);
    presence->device = presence->officer;
    for (size_t i = officers; i < gen->rule_case.device_count; i++) {
        presence->device = gen->devices[i].officer == presence->officer && chance(dice, 30) ? i : presence->device;
    }
    presence->device = chance(dice, 4) ? pick(dice, gen->rule_case.device_count) : presence->device;
    presence->offender = chance(dice, 85) ? 0 : pick(dice, gen->rule_case.offender_count);
    gen->true_in_us[index] = visit_start_us(dice);
    gen->true_out_us[index] = gen->true_in_us[index] + visit_length_us(dice);
    presence->has_out = !may(dice, RULE_GEN_MISSING, 20);
    presence->in_at =
        place_near(dice, gen->offenders[presence->offender].at.x_m, (dice->features & RULE_GEN_HELD) ? 15 : 0);
    presence->out_at = presence->in_at;
    presence->out_at.known = presence->in_at.known && chance(dice, 70);
    presence->out_at.x_m += may(dice, RULE_GEN_MISSING, 10) ? 500 : 5;
    presence->contested = may(dice, RULE_GEN_HELD, 7);
    presence->unassigned = may(dice, RULE_GEN_HELD, 4);
    presence->clock_trouble = may(dice, RULE_GEN_TROUBLE, 2);
    presence->outcome = chance(dice, 70) ? RULE_OUTCOME_SEEN : (enum rule_outcome)pick(dice, 7);
    presence->cosign.presence = RULE_NONE;
    make_company(dice, gen, presence);
}

/* Bounds that hold the truth; a point unless uncertain. latest_us is known from receipt. */
static struct rule_instant bounds(struct dice *dice, int64_t true_us, int64_t latest_us)
{
    struct rule_instant instant = {true_us, true_us};
    int64_t spread_us = chance(dice, 60) ? MINUTE_US : 20 * MINUTE_US;

    if (!may(dice, RULE_GEN_UNCERTAIN, 55)) {
        return instant;
    }
    instant.lo_us -= length_us(dice, 0, spread_us);
    instant.hi_us += length_us(dice, 0, spread_us);
    instant.lo_us = chance(dice, 4) ? INT64_MIN : instant.lo_us;
    instant.hi_us = instant.hi_us > latest_us && latest_us >= true_us ? latest_us : instant.hi_us;
    return instant;
}

static int64_t now_of(struct dice *dice, const struct rule_gen *gen)
{
    static const int64_t waits_us[] = {5 * MINUTE_US, 45 * MINUTE_US, 4 * HOUR_US, 30 * HOUR_US};
    int64_t now_us = RULE_GEN_EPOCH_US;

    for (size_t i = 0; i < gen->rule_case.presence_count; i++) {
        now_us = gen->true_in_us[i] > now_us ? gen->true_in_us[i] : now_us;
    }
    return now_us + length_us(dice, 0, waits_us[pick(dice, 4)]);
}

static void make_times(struct dice *dice, struct rule_gen *gen, size_t index)
{
    struct rule_presence *presence = &gen->presences[index];
    int64_t now_us = gen->rule_case.now_us;
    int64_t true_in_us = gen->true_in_us[index];
    int64_t delay_us = length_us(dice, 0, chance(dice, 60) ? MINUTE_US : 6 * HOUR_US);

    presence->received_us = true_in_us + delay_us < now_us ? true_in_us + delay_us : now_us;
    presence->in = bounds(dice, true_in_us, presence->received_us);
    if (gen->true_out_us[index] > now_us) {
        presence->has_out = false;
    }
    if (presence->has_out) {
        presence->out = bounds(dice, gen->true_out_us[index], now_us);
    }
}

/* Log numbers in true order: a check-out before a check-in of the same instant belongs to the earlier presence. */
static uint64_t seq_of(const struct rule_gen *gen, size_t device, int64_t at_us, size_t index, bool out)
{
    uint64_t seq = 1;

    for (size_t i = 0; i < gen->rule_case.presence_count; i++) {
        if (gen->presences[i].device != device) {
            continue;
        }
        seq += gen->true_in_us[i] < at_us || (gen->true_in_us[i] == at_us && (i < index || (i == index && out)));
        seq +=
            gen->presences[i].has_out && (gen->true_out_us[i] < at_us || (gen->true_out_us[i] == at_us && i < index));
    }
    return seq;
}

static void make_clocks(struct dice *dice, struct rule_gen *gen)
{
    bool order_known = may(dice, RULE_GEN_LOG_ORDER, 70);

    for (size_t i = 0; i < gen->rule_case.presence_count; i++) {
        struct rule_presence *presence = &gen->presences[i];
        bool shared = may(dice, RULE_GEN_BOOTS, 75);
        int64_t booted_us = RULE_GEN_EPOCH_US - HOUR_US - (int64_t)presence->device * MINUTE_US;

        presence->in_boot = shared ? 1 : 100 + i;
        presence->out_boot = shared && chance(dice, 90) ? 1 : 200 + i;
        presence->in_mono_us = gen->true_in_us[i] - booted_us;
        presence->out_mono_us = gen->true_out_us[i] - booted_us;
        if (order_known) {
            presence->in_seq = seq_of(gen, presence->device, gen->true_in_us[i], i, false);
            presence->out_seq = presence->has_out ? seq_of(gen, presence->device, gen->true_out_us[i], i, true) : 0;
        }
        if (may(dice, RULE_GEN_TROUBLE, 2)) {
            presence->out_mono_us += HOUR_US;
        }
    }
}

static void make_cosign(struct dice *dice, struct rule_gen *gen, size_t a, size_t b)
{
    size_t first = gen->true_in_us[a] <= gen->true_in_us[b] ? a : b;
    size_t second = first == a ? b : a;
    int64_t trip_us = length_us(dice, 0, 100 * INT64_C(1000000));
    struct rule_presence *presence = &gen->presences[first];

    if (chance(dice, 80)) {
        presence->cosign = (struct rule_cosign){
            .presence = second,
            .first = true,
            .confirm_known = chance(dice, 80),
            .confirm_mono_us = presence->in_mono_us + gen->true_in_us[second] - gen->true_in_us[first] + trip_us,
            .round_trip_us = trip_us,
        };
    }
    if (chance(dice, 80)) {
        gen->presences[second].cosign =
            (struct rule_cosign){.presence = first, .first = false, .round_trip_us = trip_us};
    }
}

static void make_cosigns(struct dice *dice, struct rule_gen *gen)
{
    for (size_t i = 0; i < gen->rule_case.presence_count; i++) {
        for (size_t j = i + 1; j < gen->rule_case.presence_count; j++) {
            const struct rule_presence *a = &gen->presences[i];
            const struct rule_presence *b = &gen->presences[j];

            if (a->offender == b->offender && a->officer != b->officer && a->device != b->device &&
                a->cosign.presence == RULE_NONE && b->cosign.presence == RULE_NONE && may(dice, RULE_GEN_COSIGN, 35)) {
                make_cosign(dice, gen, i, j);
            }
        }
    }
}

static void make_plans(struct dice *dice, struct rule_gen *gen)
{
    gen->rule_case.plan_count = may(dice, RULE_GEN_PLANS, 45) ? 1 + pick(dice, 2) : 0;
    for (size_t i = 0; i < gen->rule_case.plan_count; i++) {
        struct rule_plan *plan = &gen->plans[i];
        size_t first = pick(dice, gen->rule_case.officer_count);

        *plan = (struct rule_plan){.offender = pick(dice, gen->rule_case.offender_count)};
        plan->from_us = RULE_GEN_EPOCH_US - HOUR_US + length_us(dice, 0, 90 * MINUTE_US);
        plan->to_us = plan->from_us + length_us(dice, MINUTE_US, 4 * HOUR_US);
        plan->officers[plan->officer_count++] = first;
        for (size_t j = 0; j < gen->rule_case.officer_count; j++) {
            if (j != first && chance(dice, 35)) {
                plan->officers[plan->officer_count++] = j;
            }
        }
    }
}

/* A supervisor, now and then one of the officers. */
static struct id author_of(struct dice *dice, const struct rule_gen *gen)
{
    return chance(dice, 15) ? gen->officers[pick(dice, gen->rule_case.officer_count)].id : id_of('S', pick(dice, 3));
}

static void make_words(struct dice *dice, struct rule_gen *gen)
{
    struct rule_case *c = &gen->rule_case;

    c->authority_count = may(dice, RULE_GEN_AUTHORITIES, 40) ? 1 + pick(dice, 4) : 0;
    for (size_t i = 0; i < c->authority_count; i++) {
        struct rule_authority_word *word = &gen->authorities[i];

        *word = (struct rule_authority_word){.officer = pick(dice, c->officer_count),
                                             .offender = pick(dice, c->offender_count),
                                             .granted = chance(dice, 75),
                                             .by = author_of(dice, gen)};
        word->recorded_us =
            RULE_GEN_EPOCH_US - HOUR_US + length_us(dice, 0, chance(dice, 70) ? 90 * MINUTE_US : 30 * HOUR_US);
        word->valid_from_us = RULE_GEN_EPOCH_US - 2 * HOUR_US + length_us(dice, 0, 150 * MINUTE_US);
        word->valid_to_us =
            word->valid_from_us + length_us(dice, HOUR_US, chance(dice, 80) ? 24 * HOUR_US : 200 * HOUR_US);
    }
    c->decision_count = may(dice, RULE_GEN_DECISIONS, 35) ? 1 + pick(dice, 4) : 0;
    for (size_t i = 0; i < c->decision_count; i++) {
        gen->decisions[i] = (struct rule_decision){.presence = pick(dice, c->presence_count),
                                                   .by = author_of(dice, gen),
                                                   .counts = chance(dice, 65),
                                                   .recorded_us = c->now_us - length_us(dice, 0, 2 * HOUR_US)};
    }
}

void rule_gen_make(uint64_t seed, const struct rule_gen_options *options, struct rule_gen *ret_gen)
{
    struct dice dice = {.state = seed, .grid_us = options->grid_us, .features = options->features};
    size_t officers;
    size_t count;

    memset(ret_gen, 0, sizeof *ret_gen);
    rule_gen_point(ret_gen);
    make_policies(&dice, ret_gen);
    make_offenders(&dice, ret_gen);
    make_people(&dice, options, ret_gen);
    make_devices(&dice, ret_gen);
    officers = ret_gen->rule_case.officer_count;
    count = officers + (chance(&dice, 35) ? pick(&dice, 5) : 0);
    count = count < options->presences_max ? count : options->presences_max;
    for (size_t i = 0; i < count; i++) {
        make_presence(&dice, ret_gen, i);
    }
    ret_gen->rule_case.presence_count = count;
    ret_gen->rule_case.mono_step_us = may(&dice, RULE_GEN_HISTORY, 30) ? RULE_WIRE_STEP_US : 0;
    ret_gen->rule_case.now_us = now_of(&dice, ret_gen);
    for (size_t i = 0; i < ret_gen->rule_case.device_count; i++) {
        struct rule_device *device = &ret_gen->devices[i];

        device->watermark_us =
            device->watermark_us < ret_gen->rule_case.now_us ? device->watermark_us : ret_gen->rule_case.now_us;
    }
    for (size_t i = 0; i < count; i++) {
        make_times(&dice, ret_gen, i);
    }
    make_clocks(&dice, ret_gen);
    make_cosigns(&dice, ret_gen);
    make_plans(&dice, ret_gen);
    make_words(&dice, ret_gen);
}
