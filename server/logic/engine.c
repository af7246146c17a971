/*
 * A change of the rule engine (J4). The store is brought to what a rebuild by the new engine gives: everything derived goes,
 * the journal passes once with what was told taken from it, and then everything is judged. So it can't differ from a
 * rebuild later, whatever the two engines disagree about (decisions/0008).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "server/logic/cover.h"

/*
 * Raise the version with every change by which the same journal may give another verdict, flag, row or place in a feed: also
 * one of how entries apply, of time bounds, or of the words of a verdict.
 */
const struct engine engine_current = {.version = "8", .judge = rule_judge};

#define VERSION_DIGITS_MAX 9

static bool read_version(const char *text, unsigned long *ret_version)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > VERSION_DIGITS_MAX || text[digits] != '\0')
        return false;
    *ret_version = strtoul(text, NULL, 10);
    return true;
}

enum status engine_compare(const char *store_version, const char *our_version)
{
    unsigned long theirs, ours;

    if (!read_version(store_version, &theirs) || !read_version(our_version, &ours))
        return STATUS_STORE_VERSION;
    if (theirs == ours)
        return STATUS_OK;
    return theirs < ours ? STATUS_ENGINE_OLDER : STATUS_ENGINE_NEWER;
}

static enum status touch(void *context, const struct hash *presence)
{
    return batch_touch(context, presence);
}

enum status engine_touch_all(struct batch *batch)
{
    struct replay *replay = batch->replay;

    for (size_t i = 0; replay != NULL && i < replay->untold_count; i++)
        RETURN_IF_BAD(flag_touch_untold(batch, &replay->untold[i]));
    RETURN_IF_BAD(flags_wind_all(batch));
    RETURN_IF_BAD(cover_touch_all(batch));
    return batch->store->ops->presences_all(batch->store, touch, batch);
}

/* Inside the transaction: all that was derived is gone, and comes again from the journal. */
static enum status start_anew(struct batch *batch, const struct store_head *head)
{
    RETURN_IF_BAD(batch->store->ops->derived_clear(batch->store));
    visit_records_drop(batch->visit_records);
    batch->head = (struct store_head){.training = head->training};
    batch->next = batch->head;
    force_keys_drop(batch); /* record 1 brings them again */
    RETURN_IF_BAD(rebuild_in_place(batch, head->pos));
    if (batch->head.pos != head->pos || !id_equal(&batch->head.epoch, &head->epoch))
        return STATUS_STORE;
    return STATUS_OK;
}

/* The batch that start_anew left open, as of time_us. */
static enum status judge_all(struct batch *batch, const struct store_head *head, int64_t time_us)
{
    batch->head = *head;
    batch->next = *head;
    batch->time_us = time_us;
    batch->phase_time_us = time_us;
    RETURN_IF_BAD(journal_engine(batch));
    RETURN_IF_BAD(engine_touch_all(batch));
    batch->pushed = true; /* the commit derives */
    return STATUS_OK;
}

enum status batch_take_over(struct batch *batch, int64_t now_us, bool *ret_took_over)
{
    struct store_head head = batch->head;
    enum status status = head.pos == 0 ? STATUS_OK : engine_compare(head.engine, batch->engine->version);

    assert(!batch->open);
    if (ret_took_over != NULL)
        *ret_took_over = status == STATUS_ENGINE_OLDER;
    if (batch->behind)
        return STATUS_STORE_BEHIND;
    if (status != STATUS_ENGINE_OLDER)
        return status;
    RETURN_IF_BAD(batch->store->ops->begin(batch->store));
    batch->tree_before = batch->tree;
    status = start_anew(batch, &head);
    if (status == STATUS_OK)
        status = judge_all(batch, &head, now_us > head.time_us ? now_us : head.time_us);
    if (status == STATUS_OK)
        return batch_commit(batch); /* rolls back by itself */
    batch->open = true;
    batch_abort(batch);
    force_keys_drop(batch);
    batch->replay = NULL;
    enum status again = batch_read_journal(batch);
    return again == STATUS_OK ? status : again;
}
