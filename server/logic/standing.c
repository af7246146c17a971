/*
 * An officer's standing and a device's holder over time (V5, F4), as the roster's entries leave them.
 *
 * What an Officer entry says stands from when it was recorded, the first also before (as L1 has it for risk levels): nobody
 * becomes eligible backwards. One thing works backwards, as a revocation's as-of does (D1): an end of entitlement that had
 * passed when it was recorded. A later entry whose window holds that end takes it back.
 */
#include "server/logic/standing.h"

#include <stdlib.h>

#define BOUNDARIES_MAX (3 * STANDING_ROWS_MAX + 1)

static size_t in_force(const struct standing_row *rows, size_t count, int64_t at_us)
{
    size_t at = count - 1;

    while (at > 0 && rows[at].recorded_us > at_us)
        at--;
    return at;
}

static bool taken_back(const struct standing_row *rows, size_t count, size_t ended)
{
    int64_t end_us = rows[ended].entitled_to_us;

    for (size_t i = ended + 1; i < count; i++) {
        if (rows[i].may_be_second && rows[i].entitled_from_us <= end_us && end_us < rows[i].entitled_to_us)
            return true;
    }
    return false;
}

static bool entitled_at(const struct standing_row *rows, size_t count, int64_t at_us)
{
    size_t now = in_force(rows, count, at_us);

    if (!rows[now].may_be_second || at_us < rows[now].entitled_from_us)
        return false;
    for (size_t i = now; i < count; i++) {
        bool backwards = i > 0 && rows[i].entitled_to_us < rows[i].recorded_us;

        if (at_us >= rows[i].entitled_to_us && (i == now || backwards) && !(backwards && taken_back(rows, count, i)))
            return false;
    }
    return true;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

size_t standing_spans(const struct standing_row *rows, size_t count, struct rule_officer_span *ret_spans)
{
    int64_t at_us[BOUNDARIES_MAX] = {INT64_MIN};
    size_t boundaries = 1, spans = 0;

    if (count == 0) {
        ret_spans[0] = (struct rule_officer_span){INT64_MIN, false, false};
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        at_us[boundaries++] = rows[i].recorded_us;
        at_us[boundaries++] = rows[i].entitled_from_us;
        at_us[boundaries++] = rows[i].entitled_to_us;
    }
    qsort(at_us, boundaries, sizeof(at_us[0]), by_time);
    for (size_t i = 0; i < boundaries && at_us[i] != RULE_FOREVER; i++) {
        struct rule_officer_span span = {at_us[i], rows[in_force(rows, count, at_us[i])].accredited,
                                         entitled_at(rows, count, at_us[i])};
        const struct rule_officer_span *last = spans > 0 ? &ret_spans[spans - 1] : NULL;

        if (last == NULL || last->accredited != span.accredited || last->entitled != span.entitled)
            ret_spans[spans++] = span;
    }
    return spans;
}

int64_t standing_first_difference(const struct rule_officer_span *a, size_t a_count, const struct rule_officer_span *b,
                                  size_t b_count)
{
    size_t i = 0, j = 0;
    int64_t at_us = INT64_MIN;

    while (a[i].accredited == b[j].accredited && a[i].entitled == b[j].entitled) {
        int64_t a_next_us = i + 1 < a_count ? a[i + 1].from_us : RULE_FOREVER;
        int64_t b_next_us = j + 1 < b_count ? b[j + 1].from_us : RULE_FOREVER;

        at_us = a_next_us < b_next_us ? a_next_us : b_next_us;
        if (at_us == RULE_FOREVER)
            return RULE_FOREVER;
        i += a_next_us == at_us ? 1 : 0;
        j += b_next_us == at_us ? 1 : 0;
    }
    return at_us;
}

enum status officer_standing(struct batch *batch, const struct id *officer, struct rule_officer_span *ret_spans,
                             size_t *ret_count)
{
    struct standing_row rows[STANDING_ROWS_MAX];
    size_t count;

    RETURN_IF_BAD(batch->store->ops->standings_of_officer(batch->store, officer, rows, STANDING_ROWS_MAX, &count));
    *ret_count = standing_spans(rows, count, ret_spans);
    return STATUS_OK;
}

enum status holder_change(struct batch *batch, const struct id *device, const struct id *officer)
{
    struct holder_row now = {.device = *device, .from_us = batch->time_us, .to_us = RULE_FOREVER, .officer = *officer};
    struct holder_row before;
    size_t count;

    RETURN_IF_BAD(
        batch->store->ops->holders_of_device(batch->store, device, batch->time_us, RULE_FOREVER, &before, 1, &count));
    if (count > 0 && id_equal(&before.officer, officer))
        return STATUS_OK;
    if (count > 0 && before.from_us < batch->time_us) {
        before.to_us = batch->time_us;
        RETURN_IF_BAD(batch->store->ops->holder_put(batch->store, &before));
    }
    return batch->store->ops->holder_put(batch->store, &now);
}
