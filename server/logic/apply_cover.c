/*
 * Who stands in for whom, as it is recorded, begins and ends (A1; decisions/0025). What was recorded is a row for each entry;
 * who stands in follows from them and the time. A change of that is told like a verdict: an issued item, at whose pos the row
 * `c` of who is away changes and their scopes go over to whoever stands in, or back. One timer for each person does the next one.
 */
#include "server/logic/cover.h"

#include <stdlib.h>
#include <string.h>

typedef Doublecrew__V1__CoverRow cover_message;

#define WINDOWS_MAX 16 /* of one row; all that were recorded are in the store */

/* The timer's id: an officer's, and what no hash of ours begins with by chance. */
static const uint8_t timer_mark[ID_SIZE] = "cover";

static struct hash timer_of(const struct id *officer)
{
    struct hash timer;

    memcpy(timer.bytes, officer->bytes, ID_SIZE);
    memcpy(timer.bytes + ID_SIZE, timer_mark, ID_SIZE);
    return timer;
}

bool cover_of_timer(const struct hash *timer, struct id *ret_officer)
{
    if (memcmp(timer->bytes + ID_SIZE, timer_mark, ID_SIZE) != 0)
        return false;
    memcpy(ret_officer->bytes, timer->bytes, ID_SIZE);
    return true;
}

enum status cover_touch(struct batch *batch, const struct id *officer)
{
    for (size_t i = 0; i < batch->cover_touch_count; i++) {
        if (id_equal(&batch->cover_touches[i], officer))
            return STATUS_OK;
    }
    RETURN_IF_BAD(batch_list_room((void **)&batch->cover_touches, &batch->cover_touch_capacity,
                                  batch->cover_touch_count, sizeof(*batch->cover_touches)));
    batch->cover_touches[batch->cover_touch_count++] = *officer;
    return STATUS_OK;
}

static enum status touch_row(void *context, const struct cover_row *row)
{
    return cover_touch(context, &row->officer);
}

enum status cover_touch_all(struct batch *batch)
{
    return batch->store->ops->covers_after(batch->store, INT64_MIN, touch_row, batch);
}

/* Recording ------------------------------------------------------------------------------------------------------- */

/* Why it can't count; NULL: it can. */
static enum status objection(struct batch *batch, const struct applying *applying, const struct cover_row *row,
                             const char **ret_objection)
{
    struct officer_row away, by;
    enum status status = batch->store->ops->officer_get(batch->store, &row->officer, &away);

    *ret_objection = "unknown_officer";
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    *ret_objection = "not_permitted"; /* one's own place, or as an operator */
    if (!applying->author.is_operator && !id_equal(&applying->author.officer, &row->officer))
        return STATUS_OK;
    *ret_objection = cover_is_in_charge(&away) ? NULL : "not_in_charge";
    if (*ret_objection != NULL || id_is_zero(&row->by))
        return STATUS_OK;
    *ret_objection = "own_cover";
    if (id_equal(&row->officer, &row->by))
        return STATUS_OK;
    status = batch->store->ops->officer_get(batch->store, &row->by, &by);
    *ret_objection = status == STATUS_NOT_FOUND ? "unknown_officer" : NULL;
    if (status == STATUS_OK && !cover_may_stand_in(&by))
        *ret_objection = "not_in_charge";
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status apply_cover(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Cover *message = (const Doublecrew__V1__Cover *)base;
    struct cover_row row = {.officer = pb_id(message->officer_id),
                            .pos = applying->entry_pos,
                            .entry = applying->entry->hash,
                            .by = pb_id(message->by_officer_id),
                            .recorded_us = applying->received_us,
                            .from_us = message->from_ms * 1000,
                            .to_us = message->to_ms == 0 ? RULE_FOREVER : message->to_ms * 1000};

    RETURN_IF_BAD(objection(batch, applying, &row, &applying->held));
    if (applying->held != NULL)
        return STATUS_OK;
    RETURN_IF_BAD(batch->store->ops->cover_put(batch->store, &row));
    RETURN_IF_BAD(cover_touch(batch, &row.officer));
    return cover_words_again(batch, &row.by, applying->pos);
}

/* Beginning and ending -------------------------------------------------------------------------------------------- */

/* One officer's windows that haven't ended, as of at_us. */
struct windows {
    const struct id *officer;
    int64_t at_us;
    struct cover_row rows[WINDOWS_MAX]; /* the newest */
    size_t count;
    struct cover_row now; /* the one that speaks; by is zero when none does */
    int64_t next_us;      /* when another may */
};

static void note_edge(struct windows *windows, int64_t edge_us)
{
    if (edge_us > windows->at_us && edge_us < windows->next_us)
        windows->next_us = edge_us;
}

static enum status keep_window(void *context, const struct cover_row *row)
{
    struct windows *windows = context;

    if (!id_equal(&row->officer, windows->officer))
        return STATUS_OK;
    note_edge(windows, row->from_us);
    note_edge(windows, row->to_us);
    if (row->from_us <= windows->at_us)
        windows->now = *row;
    if (windows->count == WINDOWS_MAX)
        memmove(windows->rows, windows->rows + 1, (size_t)(--windows->count) * sizeof(windows->rows[0]));
    windows->rows[windows->count++] = *row;
    return STATUS_OK;
}

static int64_t end_ms(int64_t to_us)
{
    return to_us == RULE_FOREVER ? 0 : to_us / 1000;
}

/* The row as it should be now. Borrows from windows; lists lie in the batch's arena. */
static enum status fill_row(struct batch *batch, const struct windows *windows, cover_message *ret_row)
{
    Doublecrew__V1__Cover **list = arena_alloc(batch->arena, (windows->count + 1) * sizeof(Doublecrew__V1__Cover *));
    Doublecrew__V1__Cover *covers = arena_alloc(batch->arena, (windows->count + 1) * sizeof(*covers));

    if (list == NULL || covers == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < windows->count; i++) {
        const struct cover_row *row = &windows->rows[i];

        doublecrew__v1__cover__init(&covers[i]);
        covers[i].officer_id = pb_from_id(&row->officer);
        covers[i].by_officer_id = pb_from_id(&row->by);
        covers[i].from_ms = row->from_us / 1000;
        covers[i].to_ms = end_ms(row->to_us);
        list[i] = &covers[i];
    }
    ret_row->officer_id = pb_from_id(windows->officer);
    ret_row->by_officer_id = pb_from_id(&windows->now.by);
    if (!id_is_zero(&windows->now.by)) {
        ret_row->from_ms = windows->now.from_us / 1000;
        ret_row->to_ms = end_ms(windows->now.to_us);
    }
    ret_row->windows = list;
    ret_row->n_windows = windows->count;
    return STATUS_OK;
}

/* What people see already. */
static enum status is_told(struct batch *batch, const struct id *officer, const cover_message *row, bool *ret_told)
{
    struct view_key key = view_key_of_id('c', officer);
    Doublecrew__V1__Row *view;
    uint8_t *was = NULL, *is = NULL;
    size_t was_size, is_size;
    enum status status = view_open(batch, &key, &view);

    *ret_told = false;
    if (status == STATUS_NOT_FOUND) {
        *ret_told = row->n_windows == 0; /* nothing that ever counted */
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = wire_pack(&view->cover->base, &was, &was_size);
    if (status == STATUS_OK)
        status = wire_pack(&row->base, &is, &is_size);
    if (status == STATUS_OK)
        *ret_told = span_equal(span_of(was, was_size), span_of(is, is_size));
    free(was);
    free(is);
    return status;
}

static enum status refresh_devices(struct batch *batch, const struct id *officer, uint64_t pos)
{
    struct device_row devices[LOGIC_DEVICES_MAX];
    size_t count;

    RETURN_IF_BAD(batch->store->ops->devices_of_officer(batch->store, officer, devices, LOGIC_DEVICES_MAX, &count));
    for (size_t i = 0; i < count; i++)
        RETURN_IF_BAD(feed_member_refresh(batch, &devices[i], pos));
    return STATUS_OK;
}

struct officers {
    struct id *ids;
    size_t count, capacity;
};

static enum status keep_officer(void *context, const struct officer_row *row)
{
    struct officers *officers = context;

    RETURN_IF_BAD(
        batch_list_room((void **)&officers->ids, &officers->capacity, officers->count, sizeof(officers->ids[0])));
    officers->ids[officers->count++] = row->officer;
    return STATUS_OK;
}

/* One link may be part of many paths: everybody who could stand in is looked at. They are few, and it is rare. */
static enum status refresh_all(struct batch *batch, uint64_t pos)
{
    struct officers officers = {.count = 0};
    enum status status = batch->store->ops->officers_in_charge(batch->store, keep_officer, &officers);

    for (size_t i = 0; i < officers.count && status == STATUS_OK; i++)
        status = refresh_devices(batch, &officers.ids[i], pos);
    free(officers.ids);
    return status;
}

enum status cover_show_told(struct batch *batch, cover_message *message, uint64_t pos)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    struct id officer = pb_id(message->officer_id);
    struct view_key key = view_key_of_id('c', &officer);
    struct scope_list scopes = scopes_of_force();

    row.row_case = DOUBLECREW__V1__ROW__ROW_COVER;
    row.cover = message;
    RETURN_IF_BAD(feed_publish(batch, &key, pos, &row, &scopes));
    batch->roster_changed = true; /* open sessions read their scopes again */
    return refresh_all(batch, pos);
}

static enum status wind(struct batch *batch, const struct windows *windows)
{
    struct timer_row timer = {.due_us = windows->next_us, .id = timer_of(windows->officer)};

    if (windows->next_us == RULE_FOREVER)
        return batch->store->ops->timer_clear(batch->store, &timer.id);
    return batch->store->ops->timer_set(batch->store, &timer);
}

static enum status settle(struct batch *batch, const struct id *officer)
{
    Doublecrew__V1__IssuedItem item = DOUBLECREW__V1__ISSUED_ITEM__INIT;
    cover_message row = DOUBLECREW__V1__COVER_ROW__INIT;
    struct windows windows = {.officer = officer, .at_us = batch->phase_time_us, .next_us = RULE_FOREVER};
    uint64_t pos = issued_next_pos(batch);
    bool told;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(batch->store->ops->covers_after(batch->store, windows.at_us, keep_window, &windows));
    RETURN_IF_BAD(wind(batch, &windows));
    RETURN_IF_BAD(fill_row(batch, &windows, &row));
    RETURN_IF_BAD(is_told(batch, officer, &row, &told));
    if (told)
        return STATUS_OK;
    item.item_case = DOUBLECREW__V1__ISSUED_ITEM__ITEM_COVER;
    item.cover = &row;
    RETURN_IF_BAD(issued_add(batch, &item));
    batch->chain_changed = true;
    return cover_show_told(batch, &row, pos);
}

enum status covers_settle(struct batch *batch)
{
    for (size_t i = 0; i < batch->cover_touch_count; i++)
        RETURN_IF_BAD(settle(batch, &batch->cover_touches[i]));
    return STATUS_OK;
}

enum status cover_members_of(struct batch *batch, const struct id *officer, uint64_t pos)
{
    struct cover_links links;
    struct cover_path path = {.count = 1};
    enum status status = cover_links_read(batch, batch->phase_time_us, batch->phase_time_us, &links);

    if (status == STATUS_OK && cover_path_of(&links, officer, &path) && path.count > 1)
        status = refresh_devices(batch, cover_path_end(&path), pos);
    cover_links_done(&links);
    return status;
}
