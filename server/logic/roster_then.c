/*
 * The roster as it was when a word came (L1, L2): one that has waited for what it is about is judged by it, so that it doesn't
 * matter which came first (J3). Outside apply_waiting the word comes now, and so does the roster.
 */
#include "server/logic/batch_internal.h"

enum status officer_then(struct batch *batch, const struct id *officer, struct officer_row *ret_row)
{
    struct officer_version_row version;

    if (batch->then_pos == 0)
        return batch->store->ops->officer_get(batch->store, officer, ret_row);
    RETURN_IF_BAD(batch->store->ops->officer_version(batch->store, officer, batch->then_pos, &version));
    *ret_row = version.row;
    return STATUS_OK;
}

/* Of an offender who was imported later: the first team. */
enum status offender_team_then(struct batch *batch, const struct id *offender, struct id *ret_team)
{
    struct offender_row now;
    struct offender_team_row then;
    enum status status;

    if (batch->then_pos == 0) {
        RETURN_IF_BAD(batch->store->ops->offender_get(batch->store, offender, &now));
        *ret_team = now.team;
        return STATUS_OK;
    }
    status = batch->store->ops->offender_team_up_to(batch->store, offender, batch->then_pos, &then);
    if (status == STATUS_NOT_FOUND)
        status = batch->store->ops->offender_team_first(batch->store, offender, &then);
    if (status == STATUS_OK)
        *ret_team = then.team;
    return status;
}
