/* Sketches from the own log: own entries, and what they carry. */
#include <stdlib.h>
#include <string.h>

#include "device/own_log.h"
#include "device/preview_parts.h"

#define CAPACITY_FIRST 32

struct preview_sketch *preview_sketch_of(struct preview_builder *builder, const struct hash *id)
{
    for (size_t i = 0; i < builder->sketch_count; i++) {
        if (hash_equal(&builder->sketches[i].id, id)) {
            return &builder->sketches[i];
        }
    }
    return NULL;
}

struct preview_sketch *preview_sketch_add(struct preview_builder *builder, const struct hash *id)
{
    struct preview_sketch *sketch;

    if (!builder->sketches || builder->sketch_count == builder->sketch_capacity) {
        size_t capacity = builder->sketch_capacity > 0 ? 2 * builder->sketch_capacity : CAPACITY_FIRST;
        struct preview_sketch *grown = realloc(builder->sketches, capacity * sizeof *grown);

        if (!grown) {
            builder->no_memory = true;
            return NULL;
        }
        builder->sketches = grown;
        builder->sketch_capacity = capacity;
    }
    sketch = &builder->sketches[builder->sketch_count++];
    *sketch = (struct preview_sketch){.id = *id, .cosign = {.presence = RULE_NONE}};
    return sketch;
}

struct preview_spot preview_spot(const Doublecrew__V1__Place *place)
{
    struct preview_spot spot = {.known = false};

    if (place) {
        spot.point = (struct geo_point){.latitude_e7 = place->latitude_e7, .longitude_e7 = place->longitude_e7};
        spot.accuracy_m = place->accuracy_m;
        spot.known = geo_valid(&spot.point);
    }
    return spot;
}

/* From a check-in and its header; by: the device, or what stands for it. */
static void sketch_check_in(struct preview_builder *builder, const struct entry *entry,
                            const Doublecrew__V1__CheckIn *check_in, const struct id *by, struct rule_instant in)
{
    struct preview_sketch *sketch =
        preview_sketch_of(builder, &entry->hash) ? NULL : preview_sketch_add(builder, &entry->hash);

    if (!sketch) {
        return;
    }
    sketch->offender = preview_id(check_in->offender_id);
    sketch->officer = preview_id(check_in->officer_id);
    sketch->device = *by;
    sketch->in = in;
    sketch->boots_known = true;
    sketch->in_boot = sketch->out_boot = entry->header.boot;
    sketch->in_mono_us = (int64_t)entry->header.monotonic_ms * US_PER_MS;
    sketch->in_seq = entry->header.seq;
    sketch->with = (enum rule_with)check_in->company;
    sketch->agency = check_in->agency[0] != '\0';
    sketch->in_at = preview_spot(check_in->place);
    sketch->received_us = builder->preview->now_us;
    sketch->cosigned = preview_hash(check_in->cosigned_check_in);
    for (size_t i = 0; i < check_in->n_named_officer_ids && i < RULE_NAMED_MAX; i++) {
        sketch->named[sketch->named_count++] = preview_id(check_in->named_officer_ids[i]);
    }
}

static void sketch_check_out(struct preview_builder *builder, const struct entry *entry,
                             const Doublecrew__V1__CheckOut *check_out)
{
    struct hash id = preview_hash(check_out->presence);
    struct preview_sketch *sketch = preview_sketch_of(builder, &id);

    if (!sketch || sketch->has_out) {
        return; /* the first one counts */
    }
    sketch->has_out = true;
    sketch->out = preview_instant(builder, &entry->header);
    sketch->out_boot = entry->header.boot;
    sketch->out_mono_us = (int64_t)entry->header.monotonic_ms * US_PER_MS;
    sketch->out_seq = entry->header.seq;
    sketch->out_at = preview_spot(check_out->place);
}

/* One co-signing a presence: the first of the log's order. */
static void sketch_confirm(struct preview_builder *builder, const struct entry *entry,
                           const Doublecrew__V1__CosignConfirm *confirm)
{
    struct hash own = preview_hash(confirm->own_check_in);
    struct preview_sketch *sketch = preview_sketch_of(builder, &own);

    if (!sketch || !hash_is_zero(&sketch->cosigned)) {
        return;
    }
    sketch->cosigned = preview_hash(confirm->partner_check_in);
    sketch->cosign = (struct rule_cosign){.presence = RULE_NONE,
                                          .first = true,
                                          .confirm_known = id_equal(&entry->header.boot, &sketch->in_boot),
                                          .confirm_mono_us = (int64_t)entry->header.monotonic_ms * US_PER_MS,
                                          .round_trip_us = (int64_t)confirm->round_trip_ms * US_PER_MS};
}

static void note_carried(struct preview_builder *builder, const struct hash *check_in, bool news)
{
    struct preview_sketch *sketch = preview_sketch_of(builder, check_in);

    if (sketch) {
        sketch->news = sketch->news || news;
    }
}

/* A partner's check-in that this log carries. Its phone has no bounds here but by co-signing. */
static void sketch_carried(struct preview_builder *builder, const Doublecrew__V1__Carried *carried, bool news)
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
                sketch_check_in(builder, entry, (const Doublecrew__V1__CheckIn *)message, &push.log, anywhen);
                note_carried(builder, &entry->hash, news);
            }
        }
    }
    arena_free(inner);
    arena_free(arena);
}

static struct hash subject_of(const struct entry *entry, const ProtobufCMessage *message)
{
    switch (entry->header.kind) {
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN:
        return entry->hash;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_OUT:
        return preview_hash(((const Doublecrew__V1__CheckOut *)message)->presence);
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OUTCOME:
        return preview_hash(((const Doublecrew__V1__Outcome *)message)->presence);
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COSIGN_CONFIRM:
        return preview_hash(((const Doublecrew__V1__CosignConfirm *)message)->own_check_in);
    default:
        return (struct hash){{0}};
    }
}

bool preview_is_news(const struct dc_device *device, const struct entry *entry, const ProtobufCMessage *message,
                     struct hash *ret_presence)
{
    *ret_presence = subject_of(entry, message);
    return entry->header.seq > device->reflected_seq && !hash_is_zero(ret_presence);
}

static void note_news(struct preview_builder *builder, const struct entry *entry, const ProtobufCMessage *message)
{
    struct hash subject;

    if (preview_is_news(builder->device, entry, message, &subject)) {
        struct preview_sketch *sketch = preview_sketch_of(builder, &subject);

        if (sketch) {
            sketch->news = true;
        }
    }
}

static void sketch_outcome(struct preview_builder *builder, const Doublecrew__V1__Outcome *outcome)
{
    struct hash id = preview_hash(outcome->presence);
    struct preview_sketch *sketch = preview_sketch_of(builder, &id);

    if (sketch) {
        sketch->outcome = (enum rule_outcome)outcome->outcome;
    }
}

static bool sketch_entry(void *context, const struct entry *entry, const ProtobufCMessage *message)
{
    struct preview_builder *builder = context;
    struct preview_sketch *sketch;

    switch (entry->header.kind) {
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN:
        sketch_check_in(builder, entry, (const Doublecrew__V1__CheckIn *)message, &builder->device->identity.device,
                        preview_instant(builder, &entry->header));
        sketch = preview_sketch_of(builder, &entry->hash);
        if (sketch) {
            sketch->own = true;
        }
        break;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_OUT:
        sketch_check_out(builder, entry, (const Doublecrew__V1__CheckOut *)message);
        break;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OUTCOME:
        sketch_outcome(builder, (const Doublecrew__V1__Outcome *)message);
        break;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COSIGN_CONFIRM:
        sketch_confirm(builder, entry, (const Doublecrew__V1__CosignConfirm *)message);
        break;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED:
        sketch_carried(builder, (const Doublecrew__V1__Carried *)message,
                       entry->header.seq > builder->device->reflected_seq);
        break;
    default:
        break;
    }
    note_news(builder, entry, message);
    return true;
}

enum status preview_sketch_own(struct preview_builder *builder)
{
    return own_each(builder->device, 0, sketch_entry, builder);
}
