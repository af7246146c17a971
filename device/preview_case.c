/* The preview's case: own entries, and what they carry. */
#include "device/preview_case.h"

#include <stdlib.h>
#include <string.h>

#include "device/own_log.h"
#include "device/preview_parts.h"

/* Own visits this long before and after the one in question may bear on it: a check-in elsewhere ends an open one. */
#define NEAR_MS (24LL * 3600 * 1000)

static void add_named(struct preview_case *preview, const Doublecrew__V1__CheckIn *check_in,
                      struct rule_presence *presence)
{
    for (size_t i = 0; i < check_in->n_named_officer_ids && i < RULE_NAMED_MAX; i++) {
        struct id id = preview_id(check_in->named_officer_ids[i]);
        size_t officer = preview_officer(preview, &id);

        if (officer != RULE_NONE) {
            presence->named[presence->named_count++] = officer;
        }
    }
}

/* From a check-in and its header; by: the device, or what stands for it. */
static void add_check_in(struct preview_builder *builder, const struct entry *entry,
                         const Doublecrew__V1__CheckIn *check_in, const struct id *by, struct rule_instant in)
{
    struct preview_case *preview = builder->preview;
    struct id officer_id = preview_id(check_in->officer_id);
    struct id offender_id = preview_id(check_in->offender_id);
    struct rule_presence presence = {.id = entry->hash,
                                     .officer = preview_officer(preview, &officer_id),
                                     .offender = preview_offender(preview, &offender_id),
                                     .in = in,
                                     .in_boot = preview_boot(preview, &entry->header.boot),
                                     .in_mono_us = (int64_t)entry->header.monotonic_ms * US_PER_MS,
                                     .in_seq = entry->header.seq,
                                     .with = (enum rule_with)check_in->company,
                                     .agency = check_in->agency[0] != '\0',
                                     .in_at = preview_place(builder, check_in->place),
                                     .received_us = preview->now_us,
                                     .cosign = {.presence = RULE_NONE}};

    presence.device = preview_device(preview, by, presence.officer);
    if (presence.officer == RULE_NONE || presence.offender == RULE_NONE || presence.device == RULE_NONE ||
        preview->presence_count == RULE_PRESENCES_MAX || preview_presence_of(preview, &entry->hash)) {
        return;
    }
    add_named(preview, check_in, &presence);
    preview->cosigned[preview->presence_count] = preview_hash(check_in->cosigned_check_in);
    preview->presences[preview->presence_count++] = presence;
}

static void add_check_out(struct preview_builder *builder, const struct entry *entry,
                          const Doublecrew__V1__CheckOut *check_out)
{
    struct hash id = preview_hash(check_out->presence);
    struct rule_presence *presence = preview_presence_of(builder->preview, &id);

    if (!presence || presence->has_out) {
        return; /* the first one counts */
    }
    presence->has_out = true;
    presence->out = preview_instant(builder, &entry->header);
    presence->out_boot = preview_boot(builder->preview, &entry->header.boot);
    presence->out_mono_us = (int64_t)entry->header.monotonic_ms * US_PER_MS;
    presence->out_seq = entry->header.seq;
    presence->out_at = preview_place(builder, check_out->place);
}

static void add_confirm(struct preview_builder *builder, const struct entry *entry,
                        const Doublecrew__V1__CosignConfirm *confirm)
{
    struct hash own = preview_hash(confirm->own_check_in);
    struct rule_presence *presence = preview_presence_of(builder->preview, &own);

    if (!presence) {
        return;
    }
    builder->preview->cosigned[presence - builder->preview->presences] = preview_hash(confirm->partner_check_in);
    presence->cosign =
        (struct rule_cosign){.presence = RULE_NONE,
                             .first = true,
                             .confirm_known = preview_boot(builder->preview, &entry->header.boot) == presence->in_boot,
                             .confirm_mono_us = (int64_t)entry->header.monotonic_ms * US_PER_MS,
                             .round_trip_us = (int64_t)confirm->round_trip_ms * US_PER_MS};
}

/* A partner's check-in that this log carries. Its phone has no bounds here but by co-signing. */
static void add_carried(struct preview_builder *builder, const Doublecrew__V1__Carried *carried)
{
    struct arena *arena = NULL;
    struct arena *inner = NULL;
    struct push push;

    if (arena_new(&arena) == STATUS_OK && arena_new(&inner) == STATUS_OK &&
        push_open(arena, builder->device->sha, span_of(carried->push.data, carried->push.len), &push) == STATUS_OK) {
        for (size_t i = 0; i < push.entry_count; i++) {
            struct entry *entry = &push.entries[i];
            struct rule_instant anywhen = {.lo_us = INT64_MIN, .hi_us = builder->preview->now_us};
            ProtobufCMessage *message = NULL;

            if (entry->header.kind == DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN &&
                wire_unpack(inner, &doublecrew__v1__check_in__descriptor, entry_message(entry), &message) ==
                    STATUS_OK) {
                const Doublecrew__V1__CheckIn *check_in = (const Doublecrew__V1__CheckIn *)message;
                struct id offender = preview_id(check_in->offender_id);

                if (id_equal(&offender, &builder->offender)) {
                    add_check_in(builder, entry, check_in, &push.log, anywhen);
                }
            }
        }
    }
    arena_free(inner);
    arena_free(arena);
}

static bool find_target(void *context, const struct entry *entry, const ProtobufCMessage *message)
{
    struct preview_builder *builder = context;

    if (!hash_equal(&entry->hash, &builder->target)) {
        return true;
    }
    builder->offender = preview_id(((const Doublecrew__V1__CheckIn *)message)->offender_id);
    builder->wall_ms = entry->header.wall_ms;
    builder->found = true;
    return false;
}

static bool near(const struct preview_builder *builder, const struct entry *entry)
{
    return entry->header.wall_ms >= builder->wall_ms - NEAR_MS && entry->header.wall_ms <= builder->wall_ms + NEAR_MS;
}

static bool add_own(void *context, const struct entry *entry, const ProtobufCMessage *message)
{
    struct preview_builder *builder = context;

    switch (entry->header.kind) {
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN:
        if (near(builder, entry)) {
            add_check_in(builder, entry, (const Doublecrew__V1__CheckIn *)message, &builder->device->identity.device,
                         preview_instant(builder, &entry->header));
        }
        break;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_OUT:
        add_check_out(builder, entry, (const Doublecrew__V1__CheckOut *)message);
        break;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OUTCOME: {
        struct hash id = preview_hash(((const Doublecrew__V1__Outcome *)message)->presence);
        struct rule_presence *presence = preview_presence_of(builder->preview, &id);

        if (presence) {
            presence->outcome = (enum rule_outcome)((const Doublecrew__V1__Outcome *)message)->outcome;
        }
        break;
    }
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COSIGN_CONFIRM:
        add_confirm(builder, entry, (const Doublecrew__V1__CosignConfirm *)message);
        break;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED:
        add_carried(builder, (const Doublecrew__V1__Carried *)message);
        break;
    default:
        break;
    }
    return true;
}

static int by_effect(const void *left, const void *right)
{
    const struct rule_policy *a = left;
    const struct rule_policy *b = right;

    return (a->effective_from_us > b->effective_from_us) - (a->effective_from_us < b->effective_from_us);
}

/* Every officer has a phone somewhere that may still report, whether its log is known here or not (W3). */
static void add_unknown_phones(struct preview_case *preview)
{
    for (size_t i = 0; i < preview->officer_count; i++) {
        bool known = false;

        for (size_t j = 0; j < preview->device_count; j++) {
            known = known || preview->devices[j].officer == i;
        }
        if (!known) {
            (void)preview_device(preview, &preview->officers[i].id, i);
        }
    }
}

static int by_seq(const void *left, const void *right)
{
    const struct rule_presence *a = *(const struct rule_presence *const *)left;
    const struct rule_presence *b = *(const struct rule_presence *const *)right;

    return (a->in_seq > b->in_seq) - (a->in_seq < b->in_seq);
}

/* F4: who a device was assigned to only the server knows. Whoever wrote in its log is taken to have held it then. */
static void add_holders(struct preview_case *preview, size_t device)
{
    const struct rule_presence *uses[RULE_PRESENCES_MAX];
    size_t count = 0;
    size_t first = preview->holder_count;
    int64_t latest_us = INT64_MIN;

    for (size_t i = 0; i < preview->presence_count; i++) {
        if (preview->presences[i].device == device) {
            uses[count++] = &preview->presences[i];
        }
    }
    qsort(uses, count, sizeof *uses, by_seq);
    for (size_t i = 0; i < count; i++) {
        latest_us = uses[i]->in.lo_us > latest_us ? uses[i]->in.lo_us : latest_us;
        if (i == 0 || uses[i]->officer != uses[i - 1]->officer) {
            preview->holders[preview->holder_count++] =
                (struct rule_holder_span){.from_us = latest_us, .officer = uses[i]->officer};
        }
    }
    if (preview->holder_count - first > 1) {
        preview->devices[device].holders = &preview->holders[first];
        preview->devices[device].holder_count = preview->holder_count - first;
    }
}

static void settle(struct preview_case *preview)
{
    for (size_t i = 0; i < preview->presence_count; i++) {
        struct rule_presence *partner =
            hash_is_zero(&preview->cosigned[i]) ? NULL : preview_presence_of(preview, &preview->cosigned[i]);

        if (partner) {
            preview->presences[i].cosign.presence = (size_t)(partner - preview->presences);
        }
    }
    for (size_t i = 0; i < preview->device_count; i++) {
        add_holders(preview, i);
    }
    add_unknown_phones(preview);
    if (preview->policy_count == 0) {
        rule_policy_default(&preview->policies[preview->policy_count++]);
    }
    qsort(preview->policies, preview->policy_count, sizeof *preview->policies, by_effect);
}

static enum status build(struct preview_builder *builder)
{
    enum status status =
        own_each(builder->device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, find_target, builder);

    if (status == STATUS_OK && !builder->found) {
        status = STATUS_NOT_FOUND;
    }
    if (status == STATUS_OK) {
        status = own_each(builder->device, 0, add_own, builder);
    }
    if (status == STATUS_OK) {
        status = preview_add_rows(builder);
    }
    if (status == STATUS_OK) {
        settle(builder->preview);
    }
    return status;
}

enum status preview_case_build(struct dc_device *device, const struct hash *presence, struct preview_case **ret_case,
                               size_t *ret_index)
{
    struct preview_builder builder = {
        .device = device, .target = *presence, .preview = calloc(1, sizeof *builder.preview)};
    struct rule_presence *target;
    enum status status;

    if (!builder.preview) {
        return STATUS_NO_MEMORY;
    }
    builder.now = device_now(device);
    builder.preview->now_us = preview_now_us(device, builder.now);
    status = build(&builder);
    target = status == STATUS_OK ? preview_presence_of(builder.preview, presence) : NULL;
    if (status == STATUS_OK && !target) {
        status = STATUS_OVER_LIMIT; /* so many visits on one day that this one didn't fit */
    }
    if (status != STATUS_OK) {
        free(builder.preview);
        return status;
    }
    *ret_index = (size_t)(target - builder.preview->presences);
    *ret_case = builder.preview;
    return STATUS_OK;
}
