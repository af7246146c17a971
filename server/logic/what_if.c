#include "server/logic/what_if.h"

#include <stdlib.h>
#include <string.h>

#include "server/logic/neighbourhood.h"

struct trial {
    struct batch *batch;
    struct store *store;
    struct rule_policy on_record[LOGIC_POLICIES_MAX + 1];
    size_t on_record_count;
    struct rule_policy other;
    int64_t from_us;
    struct hash *presences; /* all of them: a walk's callback can't look for what stands beside one */
    size_t count, capacity;
    struct hash_set done;
    struct rule_verdict before[RULE_PRESENCES_MAX];
    size_t skipped;
};

static enum status keep(void *context, const struct hash *presence)
{
    struct trial *trial = context;

    RETURN_IF_BAD(
        batch_list_room((void **)&trial->presences, &trial->capacity, trial->count, sizeof(trial->presences[0])));
    trial->presences[trial->count++] = *presence;
    return STATUS_OK;
}

static const char *officer_name(const void *context, size_t officer)
{
    const struct neighbourhood *hood = context;

    return hood->codes[officer][0] != '\0' ? hood->codes[officer] : NULL;
}

static void explain(const struct neighbourhood *hood, size_t index, char ret_why[RULE_EXPLAIN_SIZE])
{
    (void)rule_explain(&hood->rule_case, hood->verdicts, index, officer_name, hood, ret_why, RULE_EXPLAIN_SIZE);
}

static bool differs(const struct rule_verdict *before, const struct rule_verdict *after)
{
    return before->company != after->company || before->confirmed_by != after->confirmed_by ||
           before->grade != after->grade || before->authority != after->authority || before->due_met != after->due_met;
}

static void use_policies(struct trial *trial, const struct rule_policy *policies, size_t count)
{
    memcpy(trial->batch->policies, policies, count * sizeof(*policies));
    trial->batch->policy_count = count;
}

/* The same evidence under one set of policies; verdicts lie in the neighbourhood. */
static enum status judge(struct trial *trial, const struct rule_policy *policies, size_t count)
{
    struct neighbourhood *hood = trial->batch->neighbourhood;

    use_policies(trial, policies, count);
    RETURN_IF_BAD(neighbourhood_case(trial->batch, hood, trial->batch->head.time_us));
    return rule_judge(&hood->rule_case, hood->verdicts);
}

static enum status tell(struct trial *trial, size_t index, what_if_each each, void *context,
                        char why[RULE_PRESENCES_MAX][RULE_EXPLAIN_SIZE])
{
    struct neighbourhood *hood = trial->batch->neighbourhood;
    const char *code = officer_name(hood, hood->presences[index].officer);
    struct what_if_case judged = {.presence = &hood->rows[index],
                                  .officer_code = code != NULL ? code : "",
                                  .offender_reference = hood->offender.reference,
                                  .before = &trial->before[index],
                                  .after = &hood->verdicts[index],
                                  .differs = differs(&trial->before[index], &hood->verdicts[index])};

    memcpy(judged.before_why, why[index], RULE_EXPLAIN_SIZE);
    explain(hood, index, judged.after_why);
    return each(context, &judged);
}

static enum status try_neighbourhood(struct trial *trial, const struct presence_row *seed, what_if_each each,
                                     void *context)
{
    struct neighbourhood *hood = trial->batch->neighbourhood;
    char(*why)[RULE_EXPLAIN_SIZE] = NULL;
    enum status status = neighbourhood_collect(trial->batch, hood, seed);

    if (status == STATUS_OK)
        status = judge(trial, trial->on_record, trial->on_record_count);
    if (status != STATUS_OK)
        return status;
    why = calloc(RULE_PRESENCES_MAX, sizeof(*why));
    if (why == NULL)
        return STATUS_NO_MEMORY;
    memcpy(trial->before, hood->verdicts, sizeof(trial->before));
    for (size_t i = 0; i < hood->own_count; i++)
        explain(hood, i, why[i]);
    status = judge(trial, &trial->other, 1);
    for (size_t i = 0; i < hood->own_count && status == STATUS_OK; i++) {
        status = hash_set_add(&trial->done, &hood->rows[i].presence);
        status = status == STATUS_EXISTS ? STATUS_OK : status;
        if (status == STATUS_OK && hood->rows[i].in.received_us >= trial->from_us)
            status = tell(trial, i, each, context, why);
    }
    free(why);
    return status;
}

/* What can't be judged now can't be judged otherwise either (J7). */
static bool is_skipped(enum status status)
{
    return status == STATUS_OVER_LIMIT || status == STATUS_INPUT || status == STATUS_NOT_FOUND;
}

static enum status try_all(struct trial *trial, what_if_each each, void *context)
{
    for (size_t i = 0; i < trial->count; i++) {
        struct presence_row seed;
        enum status status;

        RETURN_IF_BAD(trial->store->ops->presence_get(trial->store, &trial->presences[i], &seed));
        if (seed.in.received_us < trial->from_us || hash_set_has(&trial->done, &trial->presences[i]))
            continue;
        status = try_neighbourhood(trial, &seed, each, context);
        if (is_skipped(status))
            trial->skipped++;
        else if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status remember_policies(struct trial *trial)
{
    const struct rule_policy *policies;

    RETURN_IF_BAD(batch_policies(trial->batch, &policies, &trial->on_record_count));
    memcpy(trial->on_record, policies, trial->on_record_count * sizeof(*policies));
    return STATUS_OK;
}

enum status what_if_policy(struct store *store, const Doublecrew__V1__Policy *policy, int64_t from_us,
                           what_if_each each, void *context, size_t *ret_skipped)
{
    struct trial *trial = calloc(1, sizeof(*trial));
    enum status status;

    if (trial == NULL)
        return STATUS_NO_MEMORY;
    trial->store = store;
    trial->from_us = from_us;
    policy_for_rule(policy, &trial->other);
    trial->other.effective_from_us = INT64_MIN;
    status = batch_open(store, &trial->batch);
    if (status == STATUS_OK)
        status = remember_policies(trial);
    if (status == STATUS_OK)
        status = store->ops->presences_all(store, keep, trial);
    if (status == STATUS_OK)
        status = try_all(trial, each, context);
    if (status == STATUS_OK)
        *ret_skipped = trial->skipped;
    hash_set_done(&trial->done);
    batch_free(trial->batch);
    free(trial->presences);
    free(trial);
    return status;
}
