#include "server/logic/explanation.h"

#include "core/rule_explain.h"

static const char *officer_name(const void *context, size_t officer)
{
    const struct neighbourhood *hood = context;

    return hood->codes[officer][0] != '\0' ? hood->codes[officer] : NULL;
}

static enum status judge(struct batch *batch, const struct hash *presence, struct explanation *explanation)
{
    struct neighbourhood *hood = batch->neighbourhood;
    struct presence_row seed;

    RETURN_IF_BAD(batch->store->ops->presence_get(batch->store, presence, &seed));
    RETURN_IF_BAD(neighbourhood_collect(batch, hood, &seed));
    RETURN_IF_BAD(neighbourhood_case(batch, hood, batch->head.time_us));
    RETURN_IF_BAD(rule_judge(&hood->rule_case, hood->verdicts));
    while (!hash_equal(&hood->rows[explanation->index].presence, presence))
        explanation->index++;
    (void)rule_explain(&hood->rule_case, hood->verdicts, explanation->index, officer_name, hood, explanation->why,
                       sizeof(explanation->why));
    explanation->hood = hood;
    return STATUS_OK;
}

enum status explanation_read(struct store *store, const struct hash *presence, struct explanation *ret_explanation)
{
    struct explanation explanation = {.index = 0};
    enum status status = batch_open(store, &explanation.batch);

    if (status != STATUS_OK)
        return status;
    status = judge(explanation.batch, presence, &explanation);
    if (status == STATUS_OK)
        *ret_explanation = explanation;
    else
        explanation_done(&explanation);
    return status;
}

void explanation_done(struct explanation *explanation)
{
    batch_free(explanation->batch);
    explanation->batch = NULL;
}
