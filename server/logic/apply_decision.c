/* Supervisors' decisions and acknowledgements, and officers' answers (L2, A1, A2). */
#include "server/logic/cover.h"

#include <stdio.h>

/* A flag about a device, a pair, an offender, another flag: the decision names the flag, and its subject for a presence. */
static enum status decide_flag_only(struct batch *batch, struct applying *applying,
                                    const Doublecrew__V1__Decision *message, bool *ret_done)
{
    struct hash flag = pb_hash(message->flag_id), subject = pb_hash(message->presence), of;
    struct fresh_decision decision = {.by = applying->author.officer, .appropriate = message->appropriate};
    struct flag_about about = {.subject = subject};
    Doublecrew__V1__FlagRow *row;
    uint32_t kind;
    enum status status = message->flag_id.len == 0 ? STATUS_NOT_FOUND : flag_open_kind(batch, &flag, &kind, &row);

    *ret_done = false;
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    of = pb_hash(row->subject);
    if ((flags_of_presences() >> kind & 1) != 0 || !hash_equal(&of, &subject))
        return STATUS_OK;
    *ret_done = true;
    RETURN_IF_BAD(flag_chain_objection(batch, row, &applying->author, &applying->held));
    if (applying->held == NULL && row->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_CLEARED)
        applying->held = "flag_ended";
    if (applying->held != NULL)
        return STATUS_OK;
    about.kind = (enum flag_kind)kind;
    (void)snprintf(decision.reason_code, sizeof(decision.reason_code), "%s", message->reason_code);
    decision.words = message->words; /* borrowed: packed before this returns */
    return flag_settle(batch, &about, true, &decision);
}

/* Told, not held against it: evidence had ended the flag before; the word on the visit is kept and counts (J3). */
static enum status note_ended(struct batch *batch, struct applying *applying, const Doublecrew__V1__Decision *message)
{
    struct hash flag = pb_hash(message->flag_id);
    struct flag_row row;
    enum status status = STATUS_NOT_FOUND;

    if (message->flag_id.len > 0)
        status = batch->store->ops->flag_get(batch->store, &flag, &row);
    if (status == STATUS_OK && row.state == FLAG_CLEARED)
        applying->held = "flag_ended";
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Who decides has the place, or stands in for who has, and isn't named in the visit (L2). Held: why not. */
static enum status check_decider(struct batch *batch, struct applying *applying, const struct presence_row *presence)
{
    const struct id *by = &applying->author.officer;
    struct supervised of = {&presence->officer, &presence->offender, presence, applying->received_us};
    enum may_supervise may;

    RETURN_IF_BAD(may_supervise(batch, &applying->author, &of, &may));
    if (presence_is_about(presence, by)) {
        applying->held = id_equal(by, &presence->officer) ? "own_visit" : may ? "involved" : "not_permitted";
        return STATUS_OK;
    }
    if (may == MAY_NOT) {
        applying->held = "not_permitted";
        return cover_word_waits(batch, applying);
    }
    return may == MAY_BY_COVER ? cover_word_counts(batch, applying) : STATUS_OK;
}

enum status apply_decision(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Decision *message = (const Doublecrew__V1__Decision *)base;
    struct decision_row row = {.entry = applying->entry->hash,
                               .presence = pb_hash(message->presence),
                               .by = applying->author.officer,
                               .counts = message->appropriate,
                               .recorded_us = applying->received_us,
                               .pos = applying->entry_pos};
    struct presence_row presence;
    bool involved, done;
    enum status status;

    if (message->reason_code[0] == '\0') {
        applying->held = "reason_missing";
        return STATUS_OK;
    }
    RETURN_IF_BAD(decide_flag_only(batch, applying, message, &done));
    if (done)
        return STATUS_OK;
    status = batch->store->ops->presence_get(batch->store, &row.presence, &presence);
    if (status == STATUS_NOT_FOUND) {
        applying->held = "unknown_presence";
        return wait_for(batch, applying, &row.presence);
    }
    RETURN_IF_BAD(status);
    RETURN_IF_BAD(check_decider(batch, applying, &presence));
    if (applying->held != NULL)
        return STATUS_OK;
    RETURN_IF_BAD(note_ended(batch, applying, message));
    RETURN_IF_BAD(is_involved(batch, &row.by, &presence, &involved));
    if (involved)
        applying->held = "involved"; /* said, so that somebody else decides; later evidence may clear them */
    RETURN_IF_BAD(batch->store->ops->decision_put(batch->store, &row));
    /* A decision may lift or end holding: what stands beside it looks again. */
    RETURN_IF_BAD(batch_touch_changed(batch, &row.presence));
    return decision_remember(batch, &row, message);
}

/* The flag that an entry is about; held when there is none. */
static enum status open_flag(struct batch *batch, struct applying *applying, const struct hash *flag,
                             Doublecrew__V1__FlagRow **ret_row)
{
    enum status status = flag_open(batch, flag, ret_row);

    if (status != STATUS_NOT_FOUND)
        return status;
    applying->held = "unknown_flag";
    return STATUS_OK;
}

/* By anybody in the chain (A1), whether or not it has come to them yet: who takes it early takes it. */
enum status apply_flag_acknowledgement(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__FlagAcknowledgement *message = (const Doublecrew__V1__FlagAcknowledgement *)base;
    struct hash flag = pb_hash(message->flag_id);
    Doublecrew__V1__FlagRow *row;

    RETURN_IF_BAD(open_flag(batch, applying, &flag, &row));
    if (applying->held != NULL)
        return STATUS_OK;
    RETURN_IF_BAD(flag_chain_objection(batch, row, &applying->author, &applying->held));
    if (applying->held != NULL)
        return STATUS_OK;
    return flag_acknowledge(batch, &flag, &applying->author.officer);
}

enum status apply_flag_answer(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__FlagAnswer *message = (const Doublecrew__V1__FlagAnswer *)base;
    struct hash flag = pb_hash(message->flag_id);
    Doublecrew__V1__FlagRow *row;
    struct id about;

    RETURN_IF_BAD(open_flag(batch, applying, &flag, &row));
    if (applying->held != NULL)
        return STATUS_OK;
    about = pb_id(row->officer_id);
    if (!id_equal(&about, &applying->author.officer)) {
        applying->held = "not_own_flag";
        return STATUS_OK;
    }
    return flag_answer(batch, &flag, message->words);
}
