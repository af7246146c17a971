/* Flags as rows: raised, reopened, cleared, decided, acknowledged, answered; and told to people once a phase (A1, J4). */
#include "server/logic/batch_internal.h"

#include <stdlib.h>
#include <string.h>

typedef Doublecrew__V1__FlagRow flag_message;

#define FLAG_HISTORY_MAX 16 /* of one row; all of it stands in the journal */

static enum status flag_touch(struct batch *batch, const struct hash *flag, bool raised)
{
    for (size_t i = 0; i < batch->flag_touch_count; i++) {
        if (hash_equal(&batch->flag_touches[i].flag, flag)) {
            batch->flag_touches[i].raised = batch->flag_touches[i].raised || raised;
            return STATUS_OK;
        }
    }
    RETURN_IF_BAD(batch_list_room((void **)&batch->flag_touches, &batch->flag_touch_capacity, batch->flag_touch_count,
                                  sizeof(*batch->flag_touches)));
    batch->flag_touches[batch->flag_touch_count++] = (struct flag_touch){*flag, raised};
    return STATUS_OK;
}

static enum status put_row(struct batch *batch, const flag_message *message, uint32_t kind)
{
    struct flag_row row = {.flag = pb_hash(message->flag_id),
                           .subject = pb_hash(message->subject),
                           .kind = kind,
                           .state = (enum flag_state)message->state,
                           .times_raised = message->times_raised};
    uint8_t *bytes;
    size_t size;
    enum status status;

    RETURN_IF_BAD(wire_pack(&message->base, &bytes, &size));
    row.body = span_of(bytes, size);
    status = batch->store->ops->flag_put(batch->store, &row);
    free(bytes);
    return status == STATUS_OK ? flag_clock_wind(batch, message) : status;
}

enum status flag_put(struct batch *batch, const flag_message *message, uint32_t kind, bool raised)
{
    struct hash flag = pb_hash(message->flag_id);

    RETURN_IF_BAD(put_row(batch, message, kind));
    RETURN_IF_BAD(flag_touch(batch, &flag, raised));
    return flag_clock_follow(batch, message, kind);
}

enum status flag_open_kind(struct batch *batch, const struct hash *flag, uint32_t *ret_kind, flag_message **ret_message)
{
    struct flag_row row;
    ProtobufCMessage *message;

    RETURN_IF_BAD(batch->store->ops->flag_get(batch->store, flag, &row));
    RETURN_IF_BAD(wire_unpack(batch->arena, &doublecrew__v1__flag_row__descriptor, row.body, &message));
    *ret_kind = row.kind;
    *ret_message = (flag_message *)message;
    return STATUS_OK;
}

enum status flag_open(struct batch *batch, const struct hash *flag, flag_message **ret_row)
{
    uint32_t kind;

    return flag_open_kind(batch, flag, &kind, ret_row);
}

static void set_why(const struct flag_about *about, flag_message *message)
{
    const char *why = about->why != NULL ? about->why : flag_info(about->kind)->why;

    memcpy(&message->why, &why, sizeof(why)); /* protobuf-c's strings aren't const; packing reads them */
}

/* A flag that stands for another reason than it was raised for: beyond the longest visit nobody has left yet, still. */
static bool says_more(const struct flag_about *about, const flag_message *message, bool wanted)
{
    return wanted && about->why == FLAG_WHY_LATE_LONGEST && strcmp(message->why, about->why) != 0 &&
           (message->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED ||
            message->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_ACKNOWLEDGED);
}

/* The same flag for another reason; no news for anybody. */
static bool is_reworded(const struct flag_about *about, const flag_message *message, bool wanted)
{
    const char *why = about->why != NULL ? about->why : flag_info(about->kind)->why;

    return wanted && about->kind == FLAG_AUTHORITY_MISSING && strcmp(message->why, why) != 0 &&
           (message->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED ||
            message->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_ACKNOWLEDGED);
}

static void fill_new(const struct flag_about *about, const struct hash *flag, flag_message *message,
                     ProtobufCBinaryData *presence)
{
    const struct flag_info *info = flag_info(about->kind);

    message->flag_id = pb_from_hash(flag);
    memcpy(&message->kind, &info->name, sizeof(info->name)); /* protobuf-c's strings aren't const; packing reads them */
    set_why(about, message);
    message->subject = pb_from_hash(&about->subject);
    message->offender_id = pb_from_id(&about->offender);
    message->officer_id = pb_from_id(&about->officer);
    if (!hash_is_zero(&about->presence)) {
        *presence = pb_from_hash(&about->presence);
        message->presence_ids = presence;
        message->n_presence_ids = 1;
    }
}

/* What the row said of the time before goes with it. */
static enum status keep_phase(struct batch *batch, flag_message *message)
{
    Doublecrew__V1__FlagPhase **history, *phase;
    size_t keep = message->n_history < FLAG_HISTORY_MAX ? message->n_history : FLAG_HISTORY_MAX - 1;

    if (message->times_raised == 0)
        return STATUS_OK;
    /* A list of pointers, as protobuf-c has it. NOLINTNEXTLINE(bugprone-sizeof-expression) */
    history = arena_alloc(batch->arena, (keep + 1) * sizeof(history[0]));
    phase = arena_alloc(batch->arena, sizeof(*phase));
    if (history == NULL || phase == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < keep; i++) /* the oldest goes */
        history[i] = message->history[message->n_history - keep + i];
    doublecrew__v1__flag_phase__init(phase);
    phase->raised_ms = message->raised_ms;
    phase->ended_ms = message->ended_ms;
    phase->acknowledged_ms = message->acknowledged_ms;
    phase->acknowledged_by = message->acknowledged_by;
    history[keep] = phase;
    message->history = history;
    message->n_history = keep + 1;
    return STATUS_OK;
}

static enum status raise(struct batch *batch, const struct flag_about *about, flag_message *message)
{
    static char none[] = "";

    set_why(about, message);
    RETURN_IF_BAD(keep_phase(batch, message));
    message->state = DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED;
    message->lane = about->lane;
    message->severity = about->severity;
    message->raised_ms = batch->phase_time_us / 1000;
    message->committed_ms = batch->phase_time_us / 1000;
    message->acknowledged_ms = 0;
    message->acknowledged_by = (ProtobufCBinaryData){0};
    message->ended_ms = 0;
    message->ended_by = (ProtobufCBinaryData){0};
    message->appropriate = false;
    message->reason_code = none;
    message->words = none;
    message->second_needed = false;
    message->times_raised++;
    return flag_clock_start(batch, message, about->kind);
}

/* Between people "not appropriate" stands; a person's own last word replaces the one before (L2). */
static bool outweighed(const flag_message *message, const struct fresh_decision *decision)
{
    struct id by = pb_id(message->ended_by);

    return message->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_DECIDED && !message->appropriate &&
           decision->appropriate && !id_equal(&by, &decision->by);
}

/* The message borrows from the decision until it is packed. */
static void decide(const struct batch *batch, const struct fresh_decision *decision, flag_message *message)
{
    const char *reason_code = decision->reason_code;

    if (outweighed(message, decision))
        return;
    message->second_needed = false;
    message->state = DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_DECIDED;
    message->ended_ms = batch->phase_time_us / 1000;
    message->ended_by = pb_from_id(&decision->by);
    message->appropriate = decision->appropriate;
    memcpy(&message->reason_code, &reason_code, sizeof(reason_code));
    message->words = decision->words;
}

enum status flag_settle(struct batch *batch, const struct flag_about *about, bool wanted,
                        const struct fresh_decision *decision)
{
    flag_message fresh = DOUBLECREW__V1__FLAG_ROW__INIT;
    flag_message *message = &fresh;
    ProtobufCBinaryData presence;
    struct hash flag;
    uint32_t kind = (uint32_t)about->kind;
    enum status status;

    RETURN_IF_BAD(flag_id(batch->sha, about->kind, &about->subject, &flag));
    status = flag_open_kind(batch, &flag, &kind, &message);
    if (status == STATUS_NOT_FOUND)
        fill_new(about, &flag, message, &presence);
    else
        RETURN_IF_BAD(status);
    /* Where two have to decide, the first decision ends nothing; evidence still does. */
    bool decided = decision != NULL && (wanted || !decision->first_of_two);
    enum flag_move move = flag_next((enum flag_state)message->state, wanted, decided);
    if (move == FLAG_STAYS && says_more(about, message, wanted))
        move = FLAG_IS_REOPENED;
    switch (move) {
    case FLAG_STAYS:
        if (!is_reworded(about, message, wanted))
            return STATUS_OK;
        set_why(about, message);
        break;
    case FLAG_IS_RAISED:
    case FLAG_IS_REOPENED:
        RETURN_IF_BAD(raise(batch, about, message));
        break;
    case FLAG_IS_CLEARED:
        message->state = DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_CLEARED;
        message->ended_ms = batch->phase_time_us / 1000;
        break;
    case FLAG_IS_DECIDED:
        if (message->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_UNSPECIFIED ||
            message->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_CLEARED)
            RETURN_IF_BAD(raise(batch, about, message));
        if (decision == NULL)
            return STATUS_INTERNAL; /* flag_next() says so only of a decision */
        if (decision->first_of_two) {
            message->second_needed = true;
            break;
        }
        decide(batch, decision, message);
        break;
    }
    bool raised = move == FLAG_IS_RAISED || move == FLAG_IS_REOPENED;

    return flag_put(batch, message, kind, raised && !message->quiet);
}

enum status flag_acknowledge(struct batch *batch, const struct hash *flag, const struct id *by)
{
    flag_message *message;
    uint32_t kind;

    RETURN_IF_BAD(flag_open_kind(batch, flag, &kind, &message));
    if (message->state != DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED)
        return STATUS_OK; /* acknowledged, or over: the first acknowledgement stands */
    message->state = DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_ACKNOWLEDGED;
    message->acknowledged_ms = batch->time_us / 1000;
    message->acknowledged_by = pb_from_id(by);
    return flag_put(batch, message, kind, false);
}

enum status flag_answer(struct batch *batch, const struct hash *flag, const char *words)
{
    flag_message *message;
    uint32_t kind;

    RETURN_IF_BAD(flag_open_kind(batch, flag, &kind, &message));
    memcpy(&message->answer, &words, sizeof(words)); /* the last answer shows; all are in the journal */
    RETURN_IF_BAD(flag_clock_answered(batch, message));
    return flag_put(batch, message, kind, false);
}

/* For the urgent lane; the batch keeps the bytes until the next one. */
static enum status tell(struct batch *batch, const struct flag_touch *touch, uint64_t pos, flag_message *message,
                        const struct scope_list *scopes)
{
    struct batch_flag flag = {.pos = pos, .flag = touch->flag, .alarm = touch->raised};
    uint8_t *bytes;
    size_t size;

    RETURN_IF_BAD(batch_list_room((void **)&batch->flags, &batch->flag_capacity, batch->flag_count, sizeof(flag)));
    flag.scope_count = scopes->count < BATCH_FLAG_SCOPES_MAX ? scopes->count : BATCH_FLAG_SCOPES_MAX;
    memcpy(flag.scopes, scopes->scopes, flag.scope_count * sizeof(flag.scopes[0]));
    RETURN_IF_BAD(wire_pack(&message->base, &bytes, &size));
    flag.row = span_of(bytes, size);
    batch->flags[batch->flag_count++] = flag;
    return STATUS_OK;
}

static enum status show(struct batch *batch, flag_message *message, uint64_t pos, struct scope_list *ret_scopes)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    struct hash flag = pb_hash(message->flag_id);
    struct view_key key = view_key_of_hash('f', &flag);

    row.row_case = DOUBLECREW__V1__ROW__ROW_FLAG;
    row.flag = message;
    RETURN_IF_BAD(scopes_of_flag(batch, message, ret_scopes));
    return feed_publish(batch, &key, pos, &row, ret_scopes);
}

static enum status issue(struct batch *batch, const struct flag_touch *touch)
{
    Doublecrew__V1__IssuedItem item = DOUBLECREW__V1__ISSUED_ITEM__INIT;
    uint64_t pos = issued_next_pos(batch);
    flag_message *message;
    struct scope_list scopes;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(flag_open(batch, &touch->flag, &message));
    item.item_case = DOUBLECREW__V1__ISSUED_ITEM__ITEM_FLAG;
    item.flag = message;
    RETURN_IF_BAD(issued_add(batch, &item));
    RETURN_IF_BAD(show(batch, message, pos, &scopes));
    return tell(batch, touch, pos, message, &scopes);
}

/* The alarm over an offender who can't be judged stands while its flag does. */
static enum status follow_underived(struct batch *batch, const flag_message *message)
{
    struct id offender = pb_id(message->offender_id);
    struct offender_row row;
    enum status status = batch->store->ops->offender_get(batch->store, &offender, &row);

    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_STORE : status;
    row.underived = message->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED ||
                    message->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_ACKNOWLEDGED;
    return batch->store->ops->offender_put(batch->store, &row);
}

enum status flag_show_told(struct batch *batch, flag_message *message, uint64_t pos)
{
    uint32_t kind = flag_kind_of_name(message->kind);
    struct scope_list scopes;

    if (kind == 0)
        return STATUS_STORE; /* names are never taken away: no version of ours told it */
    RETURN_IF_BAD(put_row(batch, message, kind));
    if (kind == FLAG_UNDERIVED)
        RETURN_IF_BAD(follow_underived(batch, message));
    return show(batch, message, pos, &scopes);
}

enum status flag_touch_untold(struct batch *batch, const struct hash *flag)
{
    struct view_key key = view_key_of_hash('f', flag);
    struct flag_row stored;
    Doublecrew__V1__Row *view;
    uint8_t *bytes;
    size_t size;
    bool same;
    enum status status;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    status = view_open(batch, &key, &view);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (status == STATUS_OK) {
        RETURN_IF_BAD(wire_pack(&view->flag->base, &bytes, &size));
        status = batch->store->ops->flag_get(batch->store, flag, &stored);
        same = status == STATUS_OK && span_equal(stored.body, span_of(bytes, size));
        free(bytes);
        if (status != STATUS_OK || same)
            return status;
    }
    return flag_touch(batch, flag, false);
}

enum status flags_issue(struct batch *batch)
{
    for (size_t i = 0; i < batch->flag_touch_count; i++)
        RETURN_IF_BAD(issue(batch, &batch->flag_touches[i]));
    return STATUS_OK;
}

void flags_told_forget(struct batch *batch)
{
    for (size_t i = 0; i < batch->flag_count; i++) {
        uint8_t *bytes;

        memcpy(&bytes, &batch->flags[i].row.data, sizeof(bytes)); /* ours, though shown as const */
        free(bytes);
    }
    batch->flag_count = 0;
}
