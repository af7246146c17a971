/* What the entries of each log say together: forks, watermarks, who wrote and might; and the presences (F2, W1, V1). */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/logic/store.h"
#include "tests/oracle/journal_oracle_parts.h"

void *jo_grow(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room == 0 ? 64 : 2 * *room;
    items = realloc(items, *room * size);
    if (items == NULL)
        abort();
    return items;
}

struct id jo_id(ProtobufCBinaryData bytes)
{
    struct id id = {{0}};

    if (bytes.len == ID_SIZE)
        memcpy(id.bytes, bytes.data, ID_SIZE);
    return id;
}

struct hash jo_hash(ProtobufCBinaryData bytes)
{
    struct hash hash = {{0}};

    if (bytes.len == HASH_SIZE)
        memcpy(hash.bytes, bytes.data, HASH_SIZE);
    return hash;
}

const char *jo_say(char *text, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    /* The analyser loses va_start when it comes here from another file. NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    (void)vsnprintf(text, size, format, arguments);
    va_end(arguments);
    return text;
}

const char *jo_show(const struct jo_entry *entry)
{
    static char texts[2][160];
    static unsigned next;
    char *text = texts[next++ % 2];

    (void)snprintf(text, sizeof(texts[0]),
                   "%02x%02x%02x%02x (log %02x%02x seq %llu, at [%lld, %lld] ms, received %lld)", entry->hash.bytes[0],
                   entry->hash.bytes[1], entry->hash.bytes[2], entry->hash.bytes[3], entry->header.log.bytes[0],
                   entry->header.log.bytes[1], (unsigned long long)entry->header.seq,
                   (long long)(entry->at.lo_us / 1000), (long long)(entry->at.hi_us / 1000),
                   (long long)(entry->received_us / 1000));
    return text;
}

/* Who ---------------------------------------------------------------------------------------------------------------- */

const struct jo_officer *jo_officer_as_of(const struct jo *jo, const struct id *officer, uint64_t pos)
{
    const struct jo_officer *found = NULL;

    for (size_t i = 0; i < jo->officers.count; i++) {
        if (id_equal(&jo->officers.items[i].id, officer) && jo->officers.items[i].pos <= pos)
            found = &jo->officers.items[i];
    }
    return found;
}

const struct jo_enrolment *jo_enrolment_as_of(const struct jo *jo, const struct id *log, uint64_t pos)
{
    const struct jo_enrolment *found = NULL;

    for (size_t i = 0; i < jo->enrolments.count; i++) {
        if (id_equal(&jo->enrolments.items[i].log, log) && jo->enrolments.items[i].pos <= pos)
            found = &jo->enrolments.items[i];
    }
    return found;
}

const struct jo_enrolment *jo_device(const struct jo *jo, const struct id *device)
{
    const struct jo_enrolment *found = NULL;

    for (size_t i = 0; i < jo->enrolments.count; i++) {
        if (id_equal(&jo->enrolments.items[i].device, device))
            found = &jo->enrolments.items[i];
    }
    return found;
}

const struct jo_offender *jo_offender(const struct jo *jo, const struct id *offender)
{
    const struct jo_offender *found = NULL;

    for (size_t i = 0; i < jo->offenders.count; i++) {
        if (id_equal(&jo->offenders.items[i].id, offender))
            found = &jo->offenders.items[i];
    }
    return found;
}

const struct jo_log *jo_log(const struct jo *jo, const struct id *log)
{
    for (size_t i = 0; i < jo->logs.count; i++) {
        if (id_equal(&jo->logs.items[i].log, log))
            return &jo->logs.items[i];
    }
    return NULL;
}

struct id jo_author(const struct jo *jo, const struct jo_entry *entry)
{
    const struct jo_enrolment *enrolment = jo_enrolment_as_of(jo, &entry->header.log, entry->pos);

    return enrolment != NULL ? enrolment->officer : (struct id){{0}};
}

const struct jo_standing *jo_standing_as_of(const struct jo *jo, const struct id *device, uint64_t pos)
{
    const struct jo_standing *found = NULL;

    for (size_t i = 0; i < jo->standings.count; i++) {
        if (id_equal(&jo->standings.items[i].device, device) && jo->standings.items[i].pos <= pos)
            found = &jo->standings.items[i];
    }
    return found;
}

bool jo_is_out(const struct jo *jo, const struct id *device, uint64_t pos)
{
    const struct jo_standing *standing = jo_standing_as_of(jo, device, pos);

    return standing != NULL && (standing->standing == DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED ||
                                standing->standing == DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST);
}

/* D1: what a suspended or lost device sends is held. */
static bool device_is_out(const struct jo *jo, const struct jo_entry *entry)
{
    const struct jo_enrolment *enrolment = jo_enrolment_as_of(jo, &entry->header.log, entry->pos);

    return enrolment != NULL && jo_is_out(jo, &enrolment->device, entry->pos);
}

bool jo_permitted(const struct jo *jo, const struct jo_entry *entry)
{
    return !entry->contested && jo_permitted_but_for_forks(jo, entry);
}

bool jo_permitted_but_for_forks(const struct jo *jo, const struct jo_entry *entry)
{
    struct id author = jo_author(jo, entry);
    const struct jo_officer *officer = jo_officer_as_of(jo, &author, entry->pos);
    uint32_t role = DOUBLECREW__V1__ROLE__ROLE_UNSPECIFIED;

    if (officer != NULL)
        role = officer->message != NULL ? (uint32_t)officer->message->role : DOUBLECREW__V1__ROLE__ROLE_OPERATOR;
    if (device_is_out(jo, entry))
        return false;
    if (entry->header.kind >= 64)
        return role == DOUBLECREW__V1__ROLE__ROLE_OPERATOR;
    switch (entry->header.kind) {
    case JO_KIND(AUTHORITY_WORD):
    case JO_KIND(DECISION):
    case JO_KIND(FLAG_ACKNOWLEDGEMENT):
        return role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR;
    default:
        return true;
    }
}

/* Forks and watermarks --------------------------------------------------------------------------------------------- */

static struct jo_log *log_of(struct jo *jo, const struct id *log)
{
    for (size_t i = 0; i < jo->logs.count; i++) {
        if (id_equal(&jo->logs.items[i].log, log))
            return &jo->logs.items[i];
    }
    JO_ADD(&jo->logs, (struct jo_log){.log = *log});
    return &jo->logs.items[jo->logs.count - 1];
}

static void least(uint64_t *seq, uint64_t value)
{
    if (*seq == 0 || value < *seq)
        *seq = value;
}

#define BRANCH_FIRST UINT_MAX

static void contradict(struct jo *jo, const struct jo_entry *a, uint64_t seq)
{
    least(&log_of(jo, &a->header.log)->fork_seq, seq);
}

/* Two entries of one log that contradict each other about the hash at a place. */
static void compare_pair(struct jo *jo, const struct jo_entry *a, const struct jo_entry *b)
{
    if (a->header.seq == b->header.seq && !hash_equal(&a->hash, &b->hash))
        contradict(jo, a, a->header.seq);
    if (a->header.seq == b->header.seq && a->header.seq > 1 && !hash_equal(&a->header.previous, &b->header.previous))
        contradict(jo, a, a->header.seq - 1);
    if (b->header.seq == a->header.seq + 1 && !hash_equal(&b->header.previous, &a->hash))
        contradict(jo, a, a->header.seq);
}

/* How far a log's own pushes reach from its beginning, along its first branch, which gets BRANCH_FIRST for now. */
static void follow(struct jo *jo, struct jo_log *log)
{
    struct hash head = {{0}};
    bool moved = true;

    while (moved) {
        moved = false;
        for (size_t i = 0; i < jo->entries.count && !moved; i++) {
            struct jo_entry *entry = &jo->entries.items[i];

            moved = entry->own && id_equal(&entry->header.log, &log->log) && entry->header.seq == log->last_seq + 1 &&
                    hash_equal(&entry->header.previous, &head);
            if (moved) {
                log->last_seq++;
                head = entry->hash;
                entry->branch = BRANCH_FIRST;
            }
        }
    }
}

/* What else is contested belongs to another branch, unless it goes on where the first one ends here. */
static void number_branches(struct jo *jo, const struct jo_log *log)
{
    unsigned branches = 0;

    for (size_t i = 0; i < jo->entries.count; i++) {
        struct jo_entry *entry = &jo->entries.items[i];
        size_t before = jo_entry_named(jo, &entry->header.previous);
        const struct jo_entry *previous = before != JO_NONE ? &jo->entries.items[before] : NULL;

        if (!id_equal(&entry->header.log, &log->log))
            continue;
        if (entry->branch == BRANCH_FIRST || !entry->contested)
            entry->branch = 0;
        else if (previous != NULL && previous->contested && previous->branch != 0)
            entry->branch = previous->branch;
        else if (previous == NULL || previous->branch != 0 || entry->header.seq <= log->last_seq)
            entry->branch = ++branches;
    }
}

/* A lost device's log says nothing of the time since its loss (D1). */
static bool says_nothing(const struct jo *jo, const struct jo_entry *entry)
{
    const struct jo_enrolment *enrolment = jo_enrolment_as_of(jo, &entry->header.log, entry->own_pos);
    const struct jo_standing *standing =
        enrolment != NULL ? jo_standing_as_of(jo, &enrolment->device, entry->own_pos) : NULL;

    return standing != NULL && standing->standing == DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST &&
           entry->checkpoint_us >= standing->as_of_us;
}

/* W1: by entries that are durable, contiguous, before any fork and any unknown kind. */
static void learn_watermark(const struct jo *jo, struct jo_log *log)
{
    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];
        uint64_t seq = entry->header.seq;

        if (!id_equal(&entry->header.log, &log->log) || !entry->own || !entry->has_checkpoint || seq > log->last_seq ||
            (log->fork_seq != 0 && seq >= log->fork_seq) || (log->unknown_seq != 0 && seq >= log->unknown_seq) ||
            says_nothing(jo, entry))
            continue;
        if (!log->watermark_known || entry->checkpoint_us > log->watermark_us)
            log->watermark_us = entry->checkpoint_us;
        log->watermark_known = true;
    }
}

void jo_forks(struct jo *jo)
{
    for (size_t i = 0; i < jo->entries.count; i++) {
        struct jo_entry *entry = &jo->entries.items[i];
        struct jo_log *log = log_of(jo, &entry->header.log);

        for (size_t j = 0; j < jo->entries.count; j++) {
            if (id_equal(&jo->entries.items[j].header.log, &entry->header.log))
                compare_pair(jo, entry, &jo->entries.items[j]);
        }
        if (entry->own && entry->unknown_kind)
            least(&log->unknown_seq, entry->header.seq);
    }
    for (size_t i = 0; i < jo->entries.count; i++) {
        struct jo_entry *entry = &jo->entries.items[i];
        const struct jo_log *log = log_of(jo, &entry->header.log);

        entry->contested = log->fork_seq != 0 && entry->header.seq >= log->fork_seq;
    }
    for (size_t i = 0; i < jo->logs.count; i++) {
        follow(jo, &jo->logs.items[i]);
        number_branches(jo, &jo->logs.items[i]);
        learn_watermark(jo, &jo->logs.items[i]);
    }
}

const char *jo_compare_logs(const struct jo *jo, struct store *store, struct journal_oracle_report *report, char *text,
                            size_t size)
{
    for (size_t i = 0; i < jo->logs.count; i++) {
        const struct jo_log *log = &jo->logs.items[i];
        struct device_row row;
        enum status status = store->ops->device_by_log(store, &log->log, &row);
        long long watermark = log->watermark_known ? (long long)log->watermark_us : (long long)INT64_MIN;

        if (status != STATUS_OK)
            return jo_say(text, size, "log %02x%02x: its device: %s", log->log.bytes[0], log->log.bytes[1],
                          status_name(status));
        report->forked_logs += log->fork_seq != 0;
        if (row.last_seq != log->last_seq || row.fork_seq != log->fork_seq || row.watermark_us != watermark)
            return jo_say(text, size,
                          "log %02x%02x: store: last seq %llu, fork %llu, watermark %lld us; oracle: %llu, %llu, %lld",
                          log->log.bytes[0], log->log.bytes[1], (unsigned long long)row.last_seq,
                          (unsigned long long)row.fork_seq, (long long)row.watermark_us,
                          (unsigned long long)log->last_seq, (unsigned long long)log->fork_seq, watermark);
        report->watermarks++;
    }
    return NULL;
}

/* Presences -------------------------------------------------------------------------------------------------------- */

static size_t earlier_of(const struct jo *jo, size_t a, size_t b)
{
    const struct jo_entry *x = &jo->entries.items[a], *y;

    if (b == JO_NONE)
        return a;
    y = &jo->entries.items[b];
    if (x->header.seq != y->header.seq)
        return x->header.seq < y->header.seq ? a : b;
    return hash_compare(&x->hash, &y->hash) < 0 ? a : b;
}

/* What the presence's own log says of it later: the first check-out, the last outcome, the first confirmation. */
static void add_fact(struct jo *jo, struct jo_presence *presence, size_t place)
{
    const struct jo_entry *entry = &jo->entries.items[place], *check_in = &jo->entries.items[presence->entry];
    struct hash of;

    if (entry->message == NULL || !id_equal(&entry->header.log, &check_in->header.log))
        return;
    if (entry->branch != check_in->branch)
        return;
    if (entry->contested && !check_in->contested)
        return; /* F2: it doesn't count, whichever branch came first */
    if (entry->header.kind == JO_KIND(CHECK_OUT)) {
        of = jo_hash(((const Doublecrew__V1__CheckOut *)entry->message)->presence);
        if (hash_equal(&of, &check_in->hash))
            presence->out = earlier_of(jo, place, presence->out);
    } else if (entry->header.kind == JO_KIND(OUTCOME)) {
        of = jo_hash(((const Doublecrew__V1__Outcome *)entry->message)->presence);
        if (hash_equal(&of, &check_in->hash) &&
            (presence->outcome == JO_NONE || earlier_of(jo, place, presence->outcome) == presence->outcome))
            presence->outcome = place;
    } else if (entry->header.kind == JO_KIND(COSIGN_CONFIRM)) {
        of = jo_hash(((const Doublecrew__V1__CosignConfirm *)entry->message)->own_check_in);
        if (hash_equal(&of, &check_in->hash))
            presence->confirm = earlier_of(jo, place, presence->confirm);
    }
}

void jo_presences(struct jo *jo)
{
    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];
        const Doublecrew__V1__CheckIn *message = (const Doublecrew__V1__CheckIn *)entry->message;
        const struct jo_enrolment *enrolment = jo_enrolment_as_of(jo, &entry->header.log, UINT64_MAX);
        struct jo_presence presence = {.entry = i, .out = JO_NONE, .outcome = JO_NONE, .confirm = JO_NONE};

        if (entry->header.kind != JO_KIND(CHECK_IN) || message == NULL || enrolment == NULL)
            continue;
        presence.message = message;
        presence.offender = jo_id(message->offender_id);
        presence.officer = jo_id(message->officer_id);
        presence.device = enrolment->device;
        if (jo_offender(jo, &presence.offender) == NULL)
            continue; /* takes effect when the offender is imported */
        for (size_t k = 0; k < jo->entries.count; k++)
            add_fact(jo, &presence, k);
        JO_ADD(&jo->presences, presence);
    }
}
