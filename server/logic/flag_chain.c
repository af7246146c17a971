/*
 * Whom a flag is put before, and who after them (A1; decisions/0020): the supervisors of the officer's and the offender's
 * teams, the leaders of these teams, any leader, the duty role. Nobody is asked who was there or whom it is about, and
 * nobody twice.
 */
#include "server/logic/batch_internal.h"

#include <string.h>

typedef Doublecrew__V1__FlagRow flag_message;

#define LEVEL(name) DOUBLECREW__V1__FLAG_LEVEL__FLAG_LEVEL_##name

static enum status keep_officer(void *context, const struct officer_row *row)
{
    struct batch *batch = context;

    RETURN_IF_BAD(
        batch_list_room((void **)&batch->in_charge, &batch->in_charge_capacity, batch->in_charge_count, sizeof(*row)));
    batch->in_charge[batch->in_charge_count++] = *row;
    return STATUS_OK;
}

static enum status read_in_charge(struct batch *batch)
{
    if (batch->in_charge_read)
        return STATUS_OK;
    batch->in_charge_count = 0;
    RETURN_IF_BAD(batch->store->ops->officers_in_charge(batch->store, keep_officer, batch));
    batch->in_charge_read = true;
    return STATUS_OK;
}

/* What a flag's chain is looked up by. */
struct chain {
    struct batch *batch;
    const flag_message *flag;
    struct id teams[LOGIC_TEAMS_MAX + 1]; /* the offender's and the officer's */
    size_t team_count;
};

static enum status open_chain(struct batch *batch, const flag_message *flag, struct chain *ret_chain)
{
    struct id offender_id = pb_id(flag->offender_id), officer_id = pb_id(flag->officer_id);
    struct offender_row offender;
    struct officer_row officer;
    enum status status;

    *ret_chain = (struct chain){.batch = batch, .flag = flag};
    status = batch->store->ops->offender_get(batch->store, &offender_id, &offender);
    if (status == STATUS_OK && !id_is_zero(&offender.team))
        ret_chain->teams[ret_chain->team_count++] = offender.team;
    else if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    status = batch->store->ops->officer_get(batch->store, &officer_id, &officer);
    for (size_t i = 0; status == STATUS_OK && i < officer.team_count; i++)
        ret_chain->teams[ret_chain->team_count++] = officer.teams[i];
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    return read_in_charge(batch);
}

static bool shares_team(const struct chain *chain, const struct officer_row *officer)
{
    for (size_t i = 0; i < officer->team_count; i++) {
        for (size_t j = 0; j < chain->team_count; j++) {
            if (id_equal(&officer->teams[i], &chain->teams[j]))
                return true;
        }
    }
    return false;
}

/* The first level whose place this officer holds; NOBODY: none. */
static uint32_t level_of(const struct chain *chain, const struct officer_row *officer)
{
    int64_t now_us = chain->batch->phase_time_us;

    if (now_us < officer->entitled_from_us || now_us >= officer->entitled_to_us)
        return LEVEL(NOBODY); /* has left, or hasn't come */
    if (officer->role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR && shares_team(chain, officer))
        return LEVEL(SUPERVISORS);
    if (officer->role == DOUBLECREW__V1__ROLE__ROLE_LEADER)
        return shares_team(chain, officer) ? LEVEL(LEADERS) : LEVEL(ANY_LEADER);
    return officer->duty ? LEVEL(DUTY) : LEVEL(NOBODY);
}

/* NULL: nothing speaks against asking this officer. */
static enum status objection_to(const struct chain *chain, const struct id *officer, const char **ret_objection)
{
    struct id about = pb_id(chain->flag->officer_id);

    *ret_objection = id_equal(&about, officer) ? "own_flag" : NULL;
    for (size_t i = 0; i < chain->flag->n_presence_ids && *ret_objection == NULL; i++) {
        struct hash id = pb_hash(chain->flag->presence_ids[i]);
        struct presence_row presence;
        bool involved = false;
        enum status status = chain->batch->store->ops->presence_get(chain->batch->store, &id, &presence);

        if (status == STATUS_OK)
            status = is_involved(chain->batch, officer, &presence, &involved);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
        *ret_objection = involved ? "involved" : NULL;
    }
    return STATUS_OK;
}

enum status flag_chain_level(struct batch *batch, const flag_message *flag, uint32_t level,
                             struct flag_owners *ret_owners)
{
    struct chain chain;

    RETURN_IF_BAD(open_chain(batch, flag, &chain));
    ret_owners->count = 0;
    for (size_t i = 0; i < batch->in_charge_count && ret_owners->count < FLAG_OWNERS_MAX; i++) {
        const struct officer_row *officer = &batch->in_charge[i];
        const char *objection;

        if (level_of(&chain, officer) != level)
            continue;
        RETURN_IF_BAD(objection_to(&chain, &officer->officer, &objection));
        if (objection == NULL)
            ret_owners->officers[ret_owners->count++] = officer->officer;
    }
    return STATUS_OK;
}

enum status flag_chain_objection(struct batch *batch, const flag_message *flag, const struct officer_row *officer,
                                 const char **ret_objection)
{
    struct chain chain;

    RETURN_IF_BAD(open_chain(batch, flag, &chain));
    RETURN_IF_BAD(objection_to(&chain, &officer->officer, ret_objection));
    if (*ret_objection == NULL && level_of(&chain, officer) == LEVEL(NOBODY))
        *ret_objection = "not_in_chain";
    return STATUS_OK;
}
