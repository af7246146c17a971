#include "server/logic/session_seal_read.h"

#include <string.h>

#include "core/limits.h"
#include "core/rule.h"
#include "core/wire.h"
#include "doublecrew/v1/entry.pb-c.h"
#include "doublecrew/v1/sync.pb-c.h"
#include "server/logic/batch_internal.h"

/* DOMAIN.md: silence of a named partner whose device is online; until a policy says otherwise. */
#define SILENCE_DEFAULT_US (INT64_C(120) * 1000 * 1000)
#define OWN_VISITS_MAX 8 /* that go on at once: one, but for mistakes */
#define DAY_US (INT64_C(24) * 3600 * 1000 * 1000)
#define MS_US 1000

struct seal_search {
    struct session_reader *reader;
    int64_t asked_us; /* as the anchor says it: whole milliseconds */
    int64_t watermark_us;
    struct flag_policy policy;
    int64_t silence_us;
    const struct id *officer; /* of the phone */
    bool wanted;
    int64_t to_us;
    int64_t next_us;
    size_t looked_at;
    struct hash own[OWN_VISITS_MAX];
};

/* Companies that evidence from another log could still change (V8). */
static bool still_waits(const char *company)
{
    static const enum rule_company waiting[] = {RULE_COMPANY_AWAITING_SECOND, RULE_COMPANY_LONE_PROVISIONAL,
                                                RULE_COMPANY_ACCOMPANIED, RULE_COMPANY_PART_JOINT};

    for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++) {
        if (strcmp(company, rule_company_name(waiting[i])) == 0)
            return true;
    }
    return false;
}

static bool is_under_way(const Doublecrew__V1__PresenceRow *row)
{
    return (row->reasons & RULE_REASON_OPEN) != 0;
}

/* The first of two moments that the log hasn't reported past. */
static bool first_of(const struct seal_search *search, int64_t a_us, int64_t b_us, int64_t *ret_us)
{
    int64_t early_us = a_us < b_us ? a_us : b_us, late_us = a_us < b_us ? b_us : a_us;

    *ret_us = early_us >= search->watermark_us ? early_us : late_us;
    return *ret_us >= search->watermark_us;
}

/*
 * A visit that goes on asks for two things (A2): the phone of whoever was named, shortly after the check-in, when its officer
 * is prompted, and when max_alone is over, so that it is known that they hadn't come; and the officer's own, when they are
 * still without their partner, and before the welfare check, so that it is known whether it can be heard.
 */
static bool moment_of_open(const struct seal_search *search, const struct presence_row *visit,
                           const Doublecrew__V1__PresenceRow *row, int64_t *ret_to_us)
{
    int64_t in_us = row->in_to_ms * MS_US;
    int64_t prompt_us = in_us + search->silence_us;
    int64_t welfare_us = in_us + search->policy.welfare_us - WELFARE_ASK_BEFORE_US;
    bool awaits = strcmp(row->company, rule_company_name(RULE_COMPANY_AWAITING_SECOND)) == 0 ||
                  strcmp(row->company, rule_company_name(RULE_COMPANY_UNDER_WAY)) == 0;

    if (row->in_to_ms == 0)
        return false;
    if (id_equal(&visit->officer, search->officer))
        return first_of(search, awaits && visit->named_count > 0 ? prompt_us : welfare_us, welfare_us, ret_to_us);
    return awaits && first_of(search, prompt_us, in_us + search->policy.max_alone_us, ret_to_us);
}

/*
 * Whether it waits, and for a visit without a check-out its latest instant: a missing check-out is assumed, after the next
 * check-in or the longest visit (V4); until then the visit goes on, and waits for nobody's log.
 */
static enum status read_company(const struct seal_search *search, const struct presence_row *visit, bool *ret_waits,
                                int64_t *ret_to_us)
{
    struct session_reader *reader = search->reader;
    struct view_key key = view_key_of_hash('p', &visit->presence);
    ProtobufCMessage *unpacked = NULL;
    const Doublecrew__V1__Row *row;
    struct view_row view;
    enum status status = reader->store->ops->view_get(reader->store, span_of(key.bytes, key.size), &view);

    if (status != STATUS_OK)
        return status;
    arena_reset(reader->arena, ARENA_FACTOR * view.row.size + ARENA_FLOOR);
    status = wire_unpack(reader->arena, &doublecrew__v1__row__descriptor, view.row, &unpacked);
    if (status != STATUS_OK)
        return status;
    row = (const Doublecrew__V1__Row *)unpacked;
    if (row->row_case != DOUBLECREW__V1__ROW__ROW_PRESENCE)
        return STATUS_OK;
    if (!visit->has_out && is_under_way(row->presence)) {
        *ret_waits = moment_of_open(search, visit, row->presence, ret_to_us);
        return STATUS_OK;
    }
    if (id_equal(&visit->officer, search->officer))
        return STATUS_OK; /* what is over waits for others' logs */
    *ret_waits = still_waits(row->presence->company) &&
                 (visit->has_out || (row->presence->reasons & RULE_REASON_OUT_MISSING) != 0);
    *ret_to_us = visit->has_out ? visit->to_us : row->presence->out_to_ms * MS_US + MS_US - 1;
    return STATUS_OK;
}

/* A watermark must exceed the visit's latest instant, and anchors have whole milliseconds. */
static int64_t after(int64_t to_us)
{
    return (to_us / MS_US + 1) * MS_US;
}

static enum status look(struct seal_search *search, const struct hash *presence)
{
    struct store *store = search->reader->store;
    struct presence_row row;
    bool waits = false;
    int64_t to_us = 0;
    enum status status = store->ops->presence_get(store, presence, &row);

    if (status != STATUS_OK || row.to_us > INT64_MAX - MS_US)
        return status;
    status = read_company(search, &row, &waits, &to_us);
    if (status != STATUS_OK || !waits || to_us < search->watermark_us)
        return status;
    if (after(to_us) > search->asked_us) {
        search->next_us = after(to_us) < search->next_us ? after(to_us) : search->next_us;
        return STATUS_OK;
    }
    search->to_us = !search->wanted || to_us > search->to_us ? to_us : search->to_us;
    search->wanted = true;
    return STATUS_OK;
}

/* CANCELLED ends the walk: what was found so far is reason enough, the rest comes when the watermark has moved. */
static enum status each_presence(void *context, const struct hash *presence)
{
    struct seal_search *search = context;
    enum status status;

    if (search->looked_at++ == SEAL_VISITS_MAX)
        return STATUS_CANCELLED;
    status = look(search, presence);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* not derived: nobody was told that it waits */
}

static enum status each_own(void *context, const struct presence_row *row)
{
    struct seal_search *search = context;

    if (row->has_out || search->looked_at == OWN_VISITS_MAX)
        return STATUS_OK;
    search->own[search->looked_at++] = row->presence;
    return STATUS_OK;
}

/* The officer's own visits that go on: few, but found by a walk, in which nothing else may be read. */
static enum status look_at_own(struct seal_search *search)
{
    struct store *store = search->reader->store;
    enum status status = store->ops->presences_of(store, search->officer, search->asked_us - search->policy.longest_us,
                                                  search->asked_us + DAY_US, each_own, search);
    size_t count = search->looked_at;

    search->looked_at = 0;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = look(search, &search->own[i]);
        if (status == STATUS_NOT_FOUND)
            status = STATUS_OK;
    }
    return status;
}

/* The newest policy in force; policies come oldest first. */
static enum status read_policy(struct seal_search *search)
{
    struct session_reader *reader = search->reader;
    struct span bodies[LOGIC_POLICIES_MAX];
    size_t count;
    enum status status = reader->store->ops->policies(reader->store, bodies, LOGIC_POLICIES_MAX, &count);

    flag_policy_default(&search->policy);
    search->silence_us = SILENCE_DEFAULT_US;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const Doublecrew__V1__Policy *policy;
        ProtobufCMessage *unpacked = NULL;

        arena_reset(reader->arena, ARENA_FACTOR * bodies[i].size + ARENA_FLOOR);
        status = wire_unpack(reader->arena, &doublecrew__v1__policy__descriptor, bodies[i], &unpacked);
        policy = (const Doublecrew__V1__Policy *)unpacked;
        if (status != STATUS_OK || policy->effective_from_ms > search->asked_us / MS_US)
            continue;
        policy_for_flags(policy, &search->policy);
        if (policy->live_silence_s > 0)
            search->silence_us = (int64_t)policy->live_silence_s * 1000 * 1000;
    }
    return status;
}

/* A log that can't move its watermark any more isn't asked to. */
static bool can_seal(const struct device_row *device)
{
    return device->standing == DEVICE_ACTIVE && !device->watermark_stopped && device->fork_seq == 0 &&
           !id_is_zero(&device->officer);
}

enum status session_seal_read(struct session_reader *reader, const struct device_row *device,
                              const struct session_hello *hello, struct session_seal *ret_seal)
{
    struct store *store = reader->store;
    struct seal_search search = {.reader = reader,
                                 .asked_us = hello->time_us / MS_US * MS_US,
                                 .watermark_us = watermark_of(device),
                                 .officer = &device->officer,
                                 .next_us = RULE_FOREVER};
    struct session_seal found = {.silence_us = SILENCE_DEFAULT_US};
    struct store_head head;
    bool can = can_seal(device) && !hello->clock_trouble && id_equal(&device->log, &hello->log);
    enum status status = read_policy(&search);

    if (status == STATUS_OK && can)
        status = look_at_own(&search);
    if (status == STATUS_OK && can)
        status = store->ops->presences_naming(store, &device->officer, search.watermark_us, each_presence, &search);
    if (status == STATUS_CANCELLED && search.looked_at > SEAL_VISITS_MAX)
        status = STATUS_OK;
    found.silence_us = search.silence_us;
    if (status == STATUS_OK && search.wanted)
        status = store->ops->head(store, &head);
    if (status == STATUS_OK && search.wanted)
        status = session_anchor_sign(reader, &head, hello, found.anchor, &found.anchor_size);
    found.to_us = search.to_us;
    found.next_us = search.next_us;
    if (status == STATUS_OK)
        *ret_seal = found;
    return status;
}
