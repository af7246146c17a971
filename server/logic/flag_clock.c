/*
 * A flag's owner and clock (A1, A2; decisions/0020). The row says who is asked and until when; one timer in the store, whose
 * id is the flag's, does what comes next: the push when working hours begin, then each step up the chain. So each happens
 * once, also across processes, and a rebuild does it again at the same place of the journal.
 */
#include "server/logic/batch_internal.h"

#include <stdlib.h>
#include <string.h>

typedef Doublecrew__V1__FlagRow flag_message;

#define LEVEL(name) DOUBLECREW__V1__FLAG_LEVEL__FLAG_LEVEL_##name
#define STATE(name) DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_##name

static int64_t up_to_ms(int64_t time_us)
{
    return time_us / 1000 + (time_us % 1000 > 0);
}

static bool is_safety(const flag_message *message)
{
    return message->lane == DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_SAFETY;
}

static enum status set_owners(struct batch *batch, flag_message *message, const struct flag_owners *owners)
{
    ProtobufCBinaryData *ids = arena_alloc(batch->arena, owners->count * sizeof(ids[0]) + 1);
    uint8_t *bytes = arena_alloc(batch->arena, owners->count * ID_SIZE + 1);

    if (ids == NULL || bytes == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < owners->count; i++) {
        memcpy(bytes + i * ID_SIZE, owners->officers[i].bytes, ID_SIZE);
        ids[i] = (ProtobufCBinaryData){.len = ID_SIZE, .data = bytes + i * ID_SIZE};
    }
    message->owner_ids = ids;
    message->n_owner_ids = owners->count;
    return STATUS_OK;
}

/* The first level from `level` on that has somebody to ask. The duty role's is the last, whether or not anybody has it. */
static enum status go_to(struct batch *batch, flag_message *message, uint32_t level)
{
    struct flag_owners owners = {.count = 0};

    for (; level <= LEVEL(DUTY); level++) {
        RETURN_IF_BAD(flag_chain_level(batch, message, level, &owners));
        if (owners.count > 0)
            break;
    }
    message->level = (Doublecrew__V1__FlagLevel)level; /* past DUTY: NOBODY */
    return set_owners(batch, message, &owners);
}

/* From when the people asked have their time: at once, after the officer's own time, or when working hours begin. */
static enum status give_time(struct batch *batch, flag_message *message, int64_t from_us)
{
    const struct flag_policy *policy;

    RETURN_IF_BAD(batch_flag_policy_at(batch, batch->phase_time_us, &policy));
    message->acknowledge_by_ms = up_to_ms(flag_acknowledge_by_us(policy, is_safety(message), from_us));
    return STATUS_OK;
}

enum status flag_clock_start(struct batch *batch, flag_message *message, enum flag_kind kind)
{
    const struct flag_policy *policy;
    int64_t now_us = batch->phase_time_us;

    message->n_escalated_ms = 0;
    message->answered_ms = 0;
    message->answer_by_ms = 0;
    message->alarm_ms = message->raised_ms;
    message->quiet = false;
    message->acknowledge_by_ms = 0;
    if (kind == FLAG_UNACKNOWLEDGED) { /* the end of the chain: there is nobody left to ask */
        RETURN_IF_BAD(go_to(batch, message, LEVEL(DUTY)));
        message->level = LEVEL(NOBODY);
        return STATUS_OK;
    }
    RETURN_IF_BAD(batch_flag_policy_at(batch, now_us, &policy));
    RETURN_IF_BAD(go_to(batch, message, LEVEL(SUPERVISORS)));
    if (message->level == LEVEL(NOBODY))
        message->level = LEVEL(DUTY); /* nobody may be asked: its time runs out all the same, and that is told */
    int64_t alarm_us = flag_alarm_us(policy, is_safety(message), now_us);
    int64_t answer_us = message->officer_id.len > 0 ? flag_answer_by_us(policy, is_safety(message), alarm_us) : now_us;

    if (alarm_us > now_us) {
        message->alarm_ms = up_to_ms(alarm_us);
        message->quiet = true;
    }
    if (answer_us > alarm_us)
        message->answer_by_ms = up_to_ms(answer_us);
    return give_time(batch, message, answer_us > alarm_us ? answer_us : alarm_us);
}

enum status flag_clock_answered(struct batch *batch, flag_message *message)
{
    int64_t before_ms = message->acknowledge_by_ms;
    int64_t from_us = batch->phase_time_us;

    if (message->answered_ms != 0 || message->state != STATE(RAISED))
        return STATUS_OK;
    message->answered_ms = batch->phase_time_us / 1000;
    if (message->answer_by_ms == 0 || before_ms == 0 || message->n_escalated_ms > 0)
        return STATUS_OK;
    if (message->quiet)
        from_us = message->alarm_ms * 1000;
    RETURN_IF_BAD(give_time(batch, message, from_us));
    if (message->acknowledge_by_ms > before_ms)
        message->acknowledge_by_ms = before_ms;
    return STATUS_OK;
}

enum status flag_clock_wind(struct batch *batch, const flag_message *message)
{
    struct timer_row timer = {.id = pb_hash(message->flag_id)};
    int64_t due_ms = message->quiet ? message->alarm_ms : message->acknowledge_by_ms;

    if (told_only(batch))
        return STATUS_OK;
    if (message->state != STATE(RAISED) || due_ms == 0)
        return batch->store->ops->timer_clear(batch->store, &timer.id);
    timer.due_us = due_ms * 1000;
    return batch->store->ops->timer_set(batch->store, &timer);
}

enum status flag_clock_follow(struct batch *batch, const flag_message *message, uint32_t kind)
{
    struct flag_about about = {.kind = FLAG_UNACKNOWLEDGED,
                               .subject = pb_hash(message->flag_id),
                               .offender = pb_id(message->offender_id),
                               .officer = pb_id(message->officer_id),
                               .severity = flag_info(FLAG_UNACKNOWLEDGED)->severity,
                               .lane = DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_SAFETY};

    if (kind == FLAG_UNACKNOWLEDGED || message->level != LEVEL(NOBODY))
        return STATUS_OK;
    if (message->n_presence_ids > 0)
        about.presence = pb_hash(message->presence_ids[0]);
    return flag_settle(batch, &about, message->state == STATE(RAISED), NULL);
}

static enum status note_escalation(struct batch *batch, flag_message *message)
{
    int64_t *times = arena_alloc(batch->arena, (message->n_escalated_ms + 1) * sizeof(times[0]));

    if (times == NULL)
        return STATUS_NO_MEMORY;
    if (message->n_escalated_ms > 0)
        memcpy(times, message->escalated_ms, message->n_escalated_ms * sizeof(times[0]));
    times[message->n_escalated_ms++] = batch->phase_time_us / 1000;
    message->escalated_ms = times;
    return STATUS_OK;
}

/* To whoever comes next; past the last of them it is told that nobody took it. */
static enum status go_up(struct batch *batch, flag_message *message)
{
    RETURN_IF_BAD(go_to(batch, message, message->level + 1));
    RETURN_IF_BAD(note_escalation(batch, message));
    message->acknowledge_by_ms = 0;
    message->committed_ms = batch->phase_time_us / 1000;
    return message->level == LEVEL(NOBODY) ? STATUS_OK : give_time(batch, message, batch->phase_time_us);
}

enum status flag_clock_fired(struct batch *batch, const struct hash *flag)
{
    flag_message *message;
    uint32_t kind;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(flag_open_kind(batch, flag, &kind, &message));
    if (message->state != STATE(RAISED))
        return STATUS_OK;
    if (message->quiet) {
        message->quiet = false;
        message->committed_ms = batch->phase_time_us / 1000;
    } else {
        RETURN_IF_BAD(go_up(batch, message));
    }
    return flag_put(batch, message, kind, true);
}

static bool same_owners(const flag_message *message, const struct flag_owners *owners)
{
    for (size_t i = 0; i < owners->count && i < message->n_owner_ids; i++) {
        struct id was = pb_id(message->owner_ids[i]);

        if (!id_equal(&was, &owners->officers[i]))
            return false;
    }
    return owners->count == message->n_owner_ids;
}

static bool has_newcomer(const flag_message *message, const struct flag_owners *owners)
{
    for (size_t i = 0; i < owners->count; i++) {
        bool was = false;

        for (size_t j = 0; j < message->n_owner_ids && !was; j++)
            was = memcmp(message->owner_ids[j].data, owners->officers[i].bytes, ID_SIZE) == 0;
        if (!was)
            return true;
    }
    return false;
}

/*
 * Nobody of its level is left to ask: whoever comes next, with time of their own; if nobody does, it stays until its time is
 * over. One that lay with nobody goes to the first who may be asked now.
 */
static enum status pass_on(struct batch *batch, flag_message *message, bool *ret_passed)
{
    uint32_t level = message->level;
    bool lay_with_nobody = message->n_owner_ids == 0;

    RETURN_IF_BAD(go_to(batch, message, lay_with_nobody ? LEVEL(SUPERVISORS) : level));
    *ret_passed = message->n_owner_ids > 0;
    if (!*ret_passed)
        message->level = (Doublecrew__V1__FlagLevel)level;
    if (!*ret_passed || lay_with_nobody)
        return STATUS_OK;
    RETURN_IF_BAD(note_escalation(batch, message));
    return message->quiet ? STATUS_OK : give_time(batch, message, batch->phase_time_us);
}

/* The time that runs goes on: nobody gains any by handing over. */
static enum status follow_chain(struct batch *batch, const struct hash *flag)
{
    struct flag_owners owners;
    flag_message *message;
    bool told, lay_with_nobody;
    uint32_t kind;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(flag_open_kind(batch, flag, &kind, &message));
    lay_with_nobody = message->n_owner_ids == 0;
    if (message->level < LEVEL(SUPERVISORS) || message->level > LEVEL(DUTY))
        return STATUS_OK;
    RETURN_IF_BAD(flag_chain_again(batch, message, &owners));
    if (same_owners(message, &owners) && owners.count > 0)
        return STATUS_OK;
    told = has_newcomer(message, &owners);
    if (owners.count > 0)
        RETURN_IF_BAD(set_owners(batch, message, &owners));
    else
        RETURN_IF_BAD(pass_on(batch, message, &told));
    if (lay_with_nobody && !told)
        return STATUS_OK; /* as before */
    message->committed_ms = batch->phase_time_us / 1000;
    return flag_put(batch, message, kind, told && !message->quiet);
}

struct flag_list {
    struct hash *flags;
    size_t count, capacity;
};

static enum status keep_flag(void *context, const struct hash *flag)
{
    struct flag_list *list = context;

    RETURN_IF_BAD(batch_list_room((void **)&list->flags, &list->capacity, list->count, sizeof(*flag)));
    list->flags[list->count++] = *flag;
    return STATUS_OK;
}

/* One that an earlier engine raised, which knew no clocks, has its own from now on. */
static enum status wind(struct batch *batch, const struct hash *flag)
{
    flag_message *message;
    uint32_t kind;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(flag_open_kind(batch, flag, &kind, &message));
    if (message->level != LEVEL(UNSPECIFIED))
        return flag_clock_wind(batch, message);
    RETURN_IF_BAD(flag_clock_start(batch, message, (enum flag_kind)kind));
    return flag_put(batch, message, kind, false);
}

static enum status each_waiting(struct batch *batch, enum status (*act)(struct batch *, const struct hash *))
{
    struct flag_list list = {.count = 0};
    enum status status = batch->store->ops->flags_waiting(batch->store, keep_flag, &list);

    for (size_t i = 0; i < list.count && status == STATUS_OK; i++)
        status = act(batch, &list.flags[i]);
    free(list.flags);
    return status;
}

enum status flags_wind_all(struct batch *batch)
{
    return each_waiting(batch, wind);
}

enum status flags_follow_chain(struct batch *batch)
{
    return each_waiting(batch, follow_chain);
}
