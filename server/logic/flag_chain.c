/*
 * Whom a flag is put before, and who after them (A1; decisions/0020, 0025): the supervisors of the officer's and the offender's
 * teams, the leaders of these teams, any leader, the duty role; and for whoever is away who stands in for them. Nobody is
 * asked who was there or whom it is about, and nobody twice.
 */
#include "server/logic/cover.h"

#include <stdlib.h>
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
    struct cover_links covers;
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
    RETURN_IF_BAD(read_in_charge(batch));
    return cover_links_read(batch, batch->phase_time_us, batch->phase_time_us, &ret_chain->covers);
}

static void close_chain(struct chain *chain)
{
    cover_links_done(&chain->covers);
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

static bool is_entitled(const struct chain *chain, const struct officer_row *officer)
{
    int64_t now_us = chain->batch->phase_time_us;

    return officer->entitled_from_us <= now_us && now_us < officer->entitled_to_us; /* hasn't left, and has come */
}

/* The first level at which this officer has a place by the roster; NOBODY: none. */
static uint32_t level_of(const struct chain *chain, const struct officer_row *officer)
{
    if (!is_entitled(chain, officer))
        return LEVEL(NOBODY);
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

static int by_id(const void *key, const void *row)
{
    return memcmp(key, ((const struct officer_row *)row)->officer.bytes, ID_SIZE);
}

static const struct officer_row *in_charge_by_id(const struct batch *batch, const struct id *officer)
{
    if (batch->in_charge_count == 0)
        return NULL;
    return bsearch(officer->bytes, batch->in_charge, batch->in_charge_count, sizeof(batch->in_charge[0]), by_id);
}

/*
 * Who has an officer's place now; NULL: nobody. It isn't handed on by anybody who wouldn't be asked themselves: so nobody
 * chooses who looks at their own visits.
 */
static enum status holder_of(const struct chain *chain, const struct officer_row *officer,
                             const struct officer_row **ret_holder)
{
    struct cover_path path;
    const struct officer_row *holder;
    const char *objection = NULL;

    *ret_holder = NULL;
    if (!cover_path_of(&chain->covers, &officer->officer, &path))
        return STATUS_OK;
    for (size_t i = 0; i + 1 < path.count && objection == NULL; i++)
        RETURN_IF_BAD(objection_to(chain, &path.officers[i], &objection));
    holder = in_charge_by_id(chain->batch, cover_path_end(&path));
    if (objection != NULL || holder == NULL)
        return STATUS_OK;
    if (path.count == 1 || (cover_may_stand_in(holder) && is_entitled(chain, holder)))
        *ret_holder = holder;
    return STATUS_OK;
}

/* The first level at which each of those in charge is asked, by their own place or another's; in the batch's arena. */
static enum status levels_of_all(const struct chain *chain, uint32_t **ret_levels)
{
    struct batch *batch = chain->batch;
    uint32_t *levels = arena_alloc(batch->arena, (batch->in_charge_count + 1) * sizeof(levels[0]));

    if (levels == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < batch->in_charge_count; i++)
        levels[i] = LEVEL(NOBODY);
    for (size_t i = 0; i < batch->in_charge_count; i++) {
        uint32_t level = level_of(chain, &batch->in_charge[i]);
        const struct officer_row *holder = NULL;

        if (level != LEVEL(NOBODY))
            RETURN_IF_BAD(holder_of(chain, &batch->in_charge[i], &holder));
        if (holder != NULL && level < levels[holder - batch->in_charge])
            levels[holder - batch->in_charge] = level;
    }
    *ret_levels = levels;
    return STATUS_OK;
}

static bool is_owner(const flag_message *flag, const struct id *officer)
{
    for (size_t i = 0; i < flag->n_owner_ids; i++) {
        struct id owner = pb_id(flag->owner_ids[i]);

        if (id_equal(&owner, officer))
            return true;
    }
    return false;
}

/* kept: who is asked already stays, though another place of theirs is at a lower level now. */
static enum status owners_at(const struct chain *chain, uint32_t level, bool kept, struct flag_owners *ret_owners)
{
    const struct batch *batch = chain->batch;
    uint32_t *levels;

    ret_owners->count = 0;
    RETURN_IF_BAD(levels_of_all(chain, &levels));
    for (size_t i = 0; i < batch->in_charge_count && ret_owners->count < FLAG_OWNERS_MAX; i++) {
        const struct id *officer = &batch->in_charge[i].officer;
        const char *objection;

        if (levels[i] != level && !(kept && levels[i] < level && is_owner(chain->flag, officer)))
            continue;
        RETURN_IF_BAD(objection_to(chain, officer, &objection));
        if (objection == NULL)
            ret_owners->officers[ret_owners->count++] = *officer;
    }
    return STATUS_OK;
}

enum status flag_chain_level(struct batch *batch, const flag_message *flag, uint32_t level,
                             struct flag_owners *ret_owners)
{
    struct chain chain;
    enum status status = open_chain(batch, flag, &chain);

    if (status == STATUS_OK)
        status = owners_at(&chain, level, false, ret_owners);
    close_chain(&chain);
    return status;
}

enum status flag_chain_again(struct batch *batch, const flag_message *flag, struct flag_owners *ret_owners)
{
    struct chain chain;
    enum status status = open_chain(batch, flag, &chain);

    if (status == STATUS_OK)
        status = owners_at(&chain, flag->level, true, ret_owners);
    close_chain(&chain);
    return status;
}

/* By their own place, whether or not they are away; or by one in which they stand. */
static enum status has_place(const struct chain *chain, const struct officer_row *officer, bool *ret_has)
{
    struct batch *batch = chain->batch;

    *ret_has = level_of(chain, officer) != LEVEL(NOBODY);
    for (size_t i = 0; i < chain->covers.count && !*ret_has; i++) {
        const struct officer_row *away = in_charge_by_id(batch, &chain->covers.items[i].officer);
        const struct officer_row *holder = NULL;

        if (away != NULL && level_of(chain, away) != LEVEL(NOBODY))
            RETURN_IF_BAD(holder_of(chain, away, &holder));
        *ret_has = holder != NULL && id_equal(&holder->officer, &officer->officer);
    }
    return STATUS_OK;
}

enum status flag_chain_objection(struct batch *batch, const flag_message *flag, const struct officer_row *officer,
                                 const char **ret_objection)
{
    struct chain chain;
    bool has = false;
    enum status status = open_chain(batch, flag, &chain);

    if (status == STATUS_OK)
        status = objection_to(&chain, &officer->officer, ret_objection);
    if (status == STATUS_OK && *ret_objection == NULL)
        status = has_place(&chain, officer, &has);
    if (status == STATUS_OK && *ret_objection == NULL && !has)
        *ret_objection = "not_in_chain";
    close_chain(&chain);
    return status;
}
