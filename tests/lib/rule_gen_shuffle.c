/* Copies and other orders of one generated case. */
#include <string.h>

#include "tests/lib/rule_gen.h"

static size_t row_of_officer(const struct rule_gen *gen, size_t officer)
{
    size_t row = 0;

    while (row + 1 < RULE_GEN_OFFICERS_MAX && gen->officers[officer].changes != gen->changes[row]) {
        row++;
    }
    return row;
}

static size_t row_of_device(const struct rule_gen *gen, size_t device)
{
    size_t row = 0;

    while (row + 1 < RULE_GEN_DEVICES_MAX && gen->devices[device].holders != gen->holders[row]) {
        row++;
    }
    return row;
}

/* An offender's risk levels may stand in either row after a shuffle: the row moves with the offender. */
void rule_gen_copy(const struct rule_gen *from, struct rule_gen *ret_gen)
{
    *ret_gen = *from;
    rule_gen_point(ret_gen);
    for (size_t i = 0; i < from->rule_case.offender_count; i++) {
        ret_gen->offenders[i].risks = ret_gen->risks[from->offenders[i].risks == from->risks[0] ? 0 : 1];
    }
    for (size_t i = 0; i < from->rule_case.officer_count; i++) {
        ret_gen->officers[i].changes = ret_gen->changes[row_of_officer(from, i)];
    }
    for (size_t i = 0; i < from->rule_case.device_count; i++) {
        ret_gen->devices[i].holders = ret_gen->holders[row_of_device(from, i)];
    }
}

static void stay(size_t count, size_t *ret_at)
{
    for (size_t i = 0; i < count; i++) {
        ret_at[i] = i;
    }
}

/* Where each of `count` things goes: at[i] is the new place of the old i. */
static void permute(uint64_t *state, size_t count, size_t *ret_at)
{
    stay(count, ret_at);
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)rule_gen_below(state, i);
        size_t swap = ret_at[i - 1];

        ret_at[i - 1] = ret_at[j];
        ret_at[j] = swap;
    }
}

static void map_all(size_t *indices, size_t count, const size_t *at)
{
    for (size_t i = 0; i < count; i++) {
        indices[i] = at[indices[i]];
    }
}

struct places {
    size_t offender[2];
    size_t officer[RULE_GEN_OFFICERS_MAX];
    size_t device[RULE_GEN_DEVICES_MAX];
    size_t presence[RULE_GEN_PRESENCES_MAX];
    size_t plan[3];
    size_t authority[4];
    size_t decision[4];
};

static void place_presences(const struct rule_gen *from, const struct places *at, struct rule_gen *gen)
{
    for (size_t i = 0; i < from->rule_case.presence_count; i++) {
        struct rule_presence *presence = &gen->presences[at->presence[i]];

        *presence = from->presences[i];
        presence->officer = at->officer[presence->officer];
        presence->device = at->device[presence->device];
        presence->offender = at->offender[presence->offender];
        map_all(presence->named, presence->named_count, at->officer);
        if (presence->cosign.presence != RULE_NONE) {
            presence->cosign.presence = at->presence[presence->cosign.presence];
        }
        gen->true_in_us[at->presence[i]] = from->true_in_us[i];
        gen->true_out_us[at->presence[i]] = from->true_out_us[i];
    }
}

static void place_holders(const struct rule_gen *from, const size_t *officer_at, size_t row, struct rule_device *device,
                          struct rule_gen *gen)
{
    device->holders = gen->holders[row];
    for (size_t k = 0; k < device->holder_count; k++) {
        size_t holder = from->holders[row][k].officer;

        gen->holders[row][k].officer = holder == RULE_NONE ? RULE_NONE : officer_at[holder];
    }
}

static void place_rest(const struct rule_gen *from, const struct places *at, struct rule_gen *gen)
{
    const struct rule_case *c = &from->rule_case;

    for (size_t i = 0; i < c->plan_count; i++) {
        struct rule_plan *plan = &gen->plans[at->plan[i]];

        *plan = from->plans[i];
        plan->offender = at->offender[plan->offender];
        map_all(plan->officers, plan->officer_count, at->officer);
    }
    for (size_t i = 0; i < c->authority_count; i++) {
        struct rule_authority_word *word = &gen->authorities[at->authority[i]];

        *word = from->authorities[i];
        word->officer = at->officer[word->officer];
        word->offender = at->offender[word->offender];
    }
    for (size_t i = 0; i < c->decision_count; i++) {
        gen->decisions[at->decision[i]] = from->decisions[i];
        gen->decisions[at->decision[i]].presence = at->presence[from->decisions[i].presence];
    }
}

static void place_all(const struct rule_gen *from, const struct places *at, struct rule_gen *gen)
{
    const struct rule_case *c = &from->rule_case;

    rule_gen_copy(from, gen);
    for (size_t i = 0; i < c->offender_count; i++) {
        gen->offenders[at->offender[i]] = from->offenders[i];
        gen->offenders[at->offender[i]].risks = gen->risks[from->offenders[i].risks == from->risks[0] ? 0 : 1];
    }
    for (size_t i = 0; i < c->officer_count; i++) {
        gen->officers[at->officer[i]] = from->officers[i];
        gen->officers[at->officer[i]].changes = gen->changes[row_of_officer(from, i)];
    }
    for (size_t i = 0; i < c->device_count; i++) {
        gen->devices[at->device[i]] = from->devices[i];
        gen->devices[at->device[i]].officer = at->officer[from->devices[i].officer];
        place_holders(from, at->officer, row_of_device(from, i), &gen->devices[at->device[i]], gen);
    }
    place_presences(from, at, gen);
    place_rest(from, at, gen);
}

void rule_gen_shuffle(const struct rule_gen *from, uint64_t seed, struct rule_gen *ret_gen, size_t *ret_presence_at)
{
    const struct rule_case *c = &from->rule_case;
    struct places at;

    permute(&seed, c->offender_count, at.offender);
    permute(&seed, c->officer_count, at.officer);
    permute(&seed, c->device_count, at.device);
    permute(&seed, c->presence_count, at.presence);
    permute(&seed, c->plan_count, at.plan);
    permute(&seed, c->authority_count, at.authority);
    permute(&seed, c->decision_count, at.decision);
    place_all(from, &at, ret_gen);
    memcpy(ret_presence_at, at.presence, c->presence_count * sizeof *ret_presence_at);
}

void rule_gen_reorder(const struct rule_gen *from, const size_t *order, struct rule_gen *ret_gen)
{
    struct places at;

    stay(sizeof at.offender / sizeof *at.offender, at.offender);
    stay(sizeof at.officer / sizeof *at.officer, at.officer);
    stay(sizeof at.device / sizeof *at.device, at.device);
    stay(sizeof at.plan / sizeof *at.plan, at.plan);
    stay(sizeof at.authority / sizeof *at.authority, at.authority);
    stay(sizeof at.decision / sizeof *at.decision, at.decision);
    for (size_t k = 0; k < from->rule_case.presence_count; k++) {
        at.presence[order[k]] = k;
    }
    place_all(from, &at, ret_gen);
}
