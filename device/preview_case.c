#include "device/preview_case.h"

#include <stdlib.h>
#include <string.h>

#include "core/geo.h"
#include "device/own_log.h"
#include "device/row_read.h"
#include "device/view_rows.h"

#define US_PER_MS 1000
#define US_PER_S 1000000
/* Own visits this long before and after the one in question may bear on it: a check-in elsewhere ends an open one. */
#define NEAR_MS (24LL * 3600 * 1000)

struct builder {
    struct dc_device *device;
    struct preview_case *preview;
    struct hash target;
    struct id offender; /* of the target */
    int64_t wall_ms;    /* of the target */
    bool found;
    struct geo_point reference;
    bool has_reference;
    struct sync_now now;
};

static struct id id_of(ProtobufCBinaryData bytes)
{
    struct id id = {{0}};

    if (bytes.len == ID_SIZE) {
        memcpy(id.bytes, bytes.data, ID_SIZE);
    }
    return id;
}

static struct hash hash_of(ProtobufCBinaryData bytes)
{
    struct hash hash = {{0}};

    if (bytes.len == HASH_SIZE) {
        memcpy(hash.bytes, bytes.data, HASH_SIZE);
    }
    return hash;
}

/* An officer whom no row describes counts as entitled but not accredited: a preview must not promise too much. */
static size_t officer_index(struct preview_case *preview, const struct id *id)
{
    for (size_t i = 0; i < preview->officer_count; i++) {
        if (id_equal(&preview->officers[i].id, id)) {
            return i;
        }
    }
    if (preview->officer_count == PREVIEW_OFFICERS_MAX) {
        return RULE_NONE;
    }
    preview->officers[preview->officer_count] =
        (struct rule_officer){.id = *id, .entitled_from_us = INT64_MIN, .entitled_to_us = RULE_FOREVER};
    return preview->officer_count++;
}

static size_t device_index(struct preview_case *preview, const struct id *id, size_t officer)
{
    for (size_t i = 0; i < preview->device_count; i++) {
        if (id_equal(&preview->devices[i].id, id)) {
            return i;
        }
    }
    if (preview->device_count == PREVIEW_OFFICERS_MAX || officer == RULE_NONE) {
        return RULE_NONE;
    }
    preview->devices[preview->device_count] = (struct rule_device){
        .id = *id, .officer = officer, .revoked_as_of_us = RULE_FOREVER, .revocation_recorded_us = RULE_FOREVER};
    return preview->device_count++;
}

static size_t offender_index(struct preview_case *preview, const struct id *id)
{
    for (size_t i = 0; i < preview->offender_count; i++) {
        if (id_equal(&preview->offenders[i].id, id)) {
            return i;
        }
    }
    if (preview->offender_count == PREVIEW_OFFENDERS_MAX) {
        return RULE_NONE;
    }
    preview->risks[preview->offender_count] =
        (struct rule_risk_span){.from_us = INT64_MIN, .risk = RULE_RISK_VERY_HIGH};
    preview->offenders[preview->offender_count] =
        (struct rule_offender){.id = *id, .risks = &preview->risks[preview->offender_count], .risk_count = 1};
    return preview->offender_count++;
}

/* A boot of which nothing is known but that it isn't any other. */
static uint64_t boot_of_its_own(struct preview_case *preview)
{
    return PREVIEW_BOOTS_MAX + ++preview->other_boots;
}

/* More boots than fit are told apart no longer from each other's entries: each entry gets a number of its own. */
static uint64_t boot_number(struct preview_case *preview, const struct id *boot)
{
    for (size_t i = 0; i < preview->boot_count; i++) {
        if (id_equal(&preview->boots[i], boot)) {
            return i + 1;
        }
    }
    if (preview->boot_count == PREVIEW_BOOTS_MAX) {
        return boot_of_its_own(preview);
    }
    preview->boots[preview->boot_count] = *boot;
    return ++preview->boot_count;
}

static struct rule_place place_of(struct builder *builder, const Doublecrew__V1__Place *place)
{
    struct rule_place projected = {.known = false};
    struct geo_point point;

    if (!place) {
        return projected;
    }
    point = (struct geo_point){.latitude_e7 = place->latitude_e7, .longitude_e7 = place->longitude_e7};
    if (!geo_valid(&point)) {
        return projected;
    }
    if (!builder->has_reference) {
        builder->reference = point;
        builder->has_reference = true;
    }
    projected.known = true;
    projected.accuracy_m = place->accuracy_m;
    geo_project(&builder->reference, &point, &projected.x_m, &projected.y_m);
    return projected;
}

/* ---- Times ---- */

struct bounding {
    struct id log;
    struct id boot;
    int64_t monotonic_us;
    struct bounds bounds;
};

static bool bound_by_anchor(void *context, const struct store_anchor *anchor)
{
    struct bounding *bounding = context;
    struct checkpoint checkpoint;

    if (checkpoint_read(span_of(anchor->text, anchor->size), &checkpoint) == STATUS_OK && checkpoint.is_anchor &&
        id_equal(&checkpoint.boot, &bounding->boot) && id_equal(&checkpoint.log, &bounding->log)) {
        struct rule_policy policy;
        struct bounds_anchor known = {.time_us = checkpoint.time_ms * US_PER_MS,
                                      .sent_us = (int64_t)checkpoint.monotonic_ms * US_PER_MS,
                                      .received_us = (int64_t)anchor->received_ms * US_PER_MS};

        rule_policy_default(&policy);
        bounding->bounds =
            bounds_intersect(bounding->bounds, bounds_from_anchor(&known, bounding->monotonic_us, policy.drift_ppb));
    }
    return true;
}

/* The time of the checkpoint that the entry names: it is not earlier than that. */
static int64_t named_time_us(struct builder *builder, const struct entry_header *header)
{
    struct store_anchor anchor;
    struct checkpoint checkpoint;

    if (hash_is_zero(&header->checkpoint) ||
        store_get_anchor(builder->device->store, &header->checkpoint, &anchor) != STATUS_OK ||
        checkpoint_read(span_of(anchor.text, anchor.size), &checkpoint) != STATUS_OK) {
        return INT64_MIN;
    }
    return checkpoint.time_ms * US_PER_MS;
}

/*
 * Now is an anchor too for entries of this boot: the sync that the preview foretells will begin with a Hello (T1). So a
 * phone that never met the server still knows how long ago its own entries are.
 */
static struct bounds bounds_from_now(const struct builder *builder, const struct entry_header *header)
{
    struct bounds_anchor now = {.time_us = builder->preview->now_us,
                                .sent_us = (int64_t)builder->now.monotonic_ms * US_PER_MS,
                                .received_us = (int64_t)builder->now.monotonic_ms * US_PER_MS};
    struct rule_policy policy;

    rule_policy_default(&policy);
    return id_equal(&header->boot, &builder->now.boot)
               ? bounds_from_anchor(&now, (int64_t)header->monotonic_ms * US_PER_MS, policy.drift_ppb)
               : bounds_unknown();
}

static struct rule_instant instant_of(struct builder *builder, const struct entry_header *header)
{
    struct bounding bounding = {.log = header->log,
                                .boot = header->boot,
                                .monotonic_us = (int64_t)header->monotonic_ms * US_PER_MS,
                                .bounds = {.lo_us = named_time_us(builder, header), .hi_us = RULE_FOREVER}};
    struct bounds relative = bounds_from_now(builder, header);

    if (store_each_anchor(builder->device->store, bound_by_anchor, &bounding) != STATUS_OK ||
        bounds_empty(bounds_intersect(bounding.bounds, relative))) {
        bounding.bounds = bounds_unknown();
    }
    bounding.bounds = bounds_intersect(bounding.bounds, relative);
    if (bounding.bounds.hi_us > builder->preview->now_us) {
        bounding.bounds.hi_us = builder->preview->now_us;
    }
    if (bounding.bounds.lo_us > bounding.bounds.hi_us) {
        bounding.bounds.lo_us = bounding.bounds.hi_us;
    }
    return (struct rule_instant){.lo_us = bounding.bounds.lo_us, .hi_us = bounding.bounds.hi_us};
}

/* The server's time by the newest anchor of this boot, or else the wall clock's. */
static int64_t now_us(struct dc_device *device, struct sync_now now)
{
    int64_t wall_us = device->clock.wall_ms(device->clock.context) * US_PER_MS;
    struct store_anchor anchor;
    struct checkpoint checkpoint;

    if (!device->has_anchor || store_get_anchor(device->store, &device->anchor, &anchor) != STATUS_OK ||
        checkpoint_read(span_of(anchor.text, anchor.size), &checkpoint) != STATUS_OK ||
        !id_equal(&checkpoint.boot, &now.boot) || now.monotonic_ms < anchor.received_ms) {
        return wall_us;
    }
    return (checkpoint.time_ms + (int64_t)(now.monotonic_ms - anchor.received_ms)) * US_PER_MS;
}

/* ---- Own entries ---- */

static struct rule_presence *presence_of(struct preview_case *preview, const struct hash *id)
{
    for (size_t i = 0; i < preview->presence_count; i++) {
        if (hash_equal(&preview->presences[i].id, id)) {
            return &preview->presences[i];
        }
    }
    return NULL;
}

static void add_named(struct preview_case *preview, const Doublecrew__V1__CheckIn *check_in,
                      struct rule_presence *presence)
{
    for (size_t i = 0; i < check_in->n_named_officer_ids && i < RULE_NAMED_MAX; i++) {
        struct id id = id_of(check_in->named_officer_ids[i]);
        size_t officer = officer_index(preview, &id);

        if (officer != RULE_NONE) {
            presence->named[presence->named_count++] = officer;
        }
    }
}

/* From a check-in and its header; by: the device, or what stands for it. */
static void add_check_in(struct builder *builder, const struct entry *entry, const Doublecrew__V1__CheckIn *check_in,
                         const struct id *by, struct rule_instant in)
{
    struct preview_case *preview = builder->preview;
    struct id officer_id = id_of(check_in->officer_id);
    struct id offender_id = id_of(check_in->offender_id);
    struct rule_presence presence = {.id = entry->hash,
                                     .officer = officer_index(preview, &officer_id),
                                     .offender = offender_index(preview, &offender_id),
                                     .in = in,
                                     .in_boot = boot_number(preview, &entry->header.boot),
                                     .in_mono_us = (int64_t)entry->header.monotonic_ms * US_PER_MS,
                                     .in_seq = entry->header.seq,
                                     .with = (enum rule_with)check_in->company,
                                     .agency = check_in->agency[0] != '\0',
                                     .in_at = place_of(builder, check_in->place),
                                     .received_us = preview->now_us,
                                     .cosign = {.presence = RULE_NONE}};

    presence.device = device_index(preview, by, presence.officer);
    if (presence.officer == RULE_NONE || presence.offender == RULE_NONE || presence.device == RULE_NONE ||
        preview->presence_count == RULE_PRESENCES_MAX || presence_of(preview, &entry->hash)) {
        return;
    }
    add_named(preview, check_in, &presence);
    preview->cosigned[preview->presence_count] = hash_of(check_in->cosigned_check_in);
    preview->presences[preview->presence_count++] = presence;
}

static void add_check_out(struct builder *builder, const struct entry *entry, const Doublecrew__V1__CheckOut *check_out)
{
    struct hash id = hash_of(check_out->presence);
    struct rule_presence *presence = presence_of(builder->preview, &id);

    if (!presence || presence->has_out) {
        return; /* the first one counts */
    }
    presence->has_out = true;
    presence->out = instant_of(builder, &entry->header);
    presence->out_boot = boot_number(builder->preview, &entry->header.boot);
    presence->out_mono_us = (int64_t)entry->header.monotonic_ms * US_PER_MS;
    presence->out_seq = entry->header.seq;
    presence->out_at = place_of(builder, check_out->place);
}

static void add_confirm(struct builder *builder, const struct entry *entry,
                        const Doublecrew__V1__CosignConfirm *confirm)
{
    struct hash own = hash_of(confirm->own_check_in);
    struct rule_presence *presence = presence_of(builder->preview, &own);

    if (!presence) {
        return;
    }
    builder->preview->cosigned[presence - builder->preview->presences] = hash_of(confirm->partner_check_in);
    presence->cosign =
        (struct rule_cosign){.presence = RULE_NONE,
                             .first = true,
                             .confirm_known = boot_number(builder->preview, &entry->header.boot) == presence->in_boot,
                             .confirm_mono_us = (int64_t)entry->header.monotonic_ms * US_PER_MS,
                             .round_trip_us = (int64_t)confirm->round_trip_ms * US_PER_MS};
}

/* A partner's check-in that this log carries. Its phone has no bounds here but by co-signing. */
static void add_carried(struct builder *builder, const Doublecrew__V1__Carried *carried)
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
                struct id offender = id_of(check_in->offender_id);

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
    struct builder *builder = context;

    if (!hash_equal(&entry->hash, &builder->target)) {
        return true;
    }
    builder->offender = id_of(((const Doublecrew__V1__CheckIn *)message)->offender_id);
    builder->wall_ms = entry->header.wall_ms;
    builder->found = true;
    return false;
}

static bool near(const struct builder *builder, const struct entry *entry)
{
    return entry->header.wall_ms >= builder->wall_ms - NEAR_MS && entry->header.wall_ms <= builder->wall_ms + NEAR_MS;
}

static bool add_own(void *context, const struct entry *entry, const ProtobufCMessage *message)
{
    struct builder *builder = context;

    switch (entry->header.kind) {
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN:
        if (near(builder, entry)) {
            add_check_in(builder, entry, (const Doublecrew__V1__CheckIn *)message, &builder->device->identity.device,
                         instant_of(builder, &entry->header));
        }
        break;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_OUT:
        add_check_out(builder, entry, (const Doublecrew__V1__CheckOut *)message);
        break;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OUTCOME: {
        struct hash id = hash_of(((const Doublecrew__V1__Outcome *)message)->presence);
        struct rule_presence *presence = presence_of(builder->preview, &id);

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

/* ---- The server's rows ---- */

static bool add_presence_row(void *context, const Doublecrew__V1__Row *row)
{
    struct builder *builder = context;
    struct preview_case *preview = builder->preview;
    const Doublecrew__V1__PresenceRow *given = row->presence;
    struct id offender = id_of(given->offender_id);
    struct id officer = id_of(given->officer_id);
    struct id by = id_of(given->device_id);
    struct rule_presence presence = {.id = hash_of(given->presence),
                                     .in = {given->in_from_ms * US_PER_MS, given->in_to_ms * US_PER_MS},
                                     .has_out = given->out_to_ms != 0 && strcmp(given->company, "under_way") != 0 &&
                                                strcmp(given->company, "joint_so_far") != 0,
                                     .out = {given->out_from_ms * US_PER_MS, given->out_to_ms * US_PER_MS},
                                     .received_us = given->received_ms * US_PER_MS,
                                     .contested = strcmp(given->company, "held") == 0,
                                     .cosign = {.presence = RULE_NONE}};
    struct rule_presence *carried;
    struct dc_presence read;

    if (!id_equal(&offender, &builder->offender) || id_equal(&by, &builder->device->identity.device) ||
        presence.in.lo_us > presence.in.hi_us || presence.out.lo_us > presence.out.hi_us) {
        return true;
    }
    row_read_presence(given, &read);
    presence.outcome = (enum rule_outcome)read.outcome;
    carried = presence_of(preview, &presence.id);
    if (carried) { /* carried here and synced by now: the server's times are better */
        carried->in = presence.in;
        carried->has_out = presence.has_out;
        carried->out = presence.out;
        return true;
    }
    /* Each row's clock is one of its own: nothing is known of its boot. */
    presence.in_boot = boot_of_its_own(preview);
    presence.out_boot = boot_of_its_own(preview);
    presence.officer = officer_index(preview, &officer);
    presence.offender = offender_index(preview, &offender);
    presence.device = device_index(preview, &by, presence.officer);
    if (presence.device != RULE_NONE && presence.offender != RULE_NONE &&
        preview->presence_count < RULE_PRESENCES_MAX) {
        preview->presences[preview->presence_count++] = presence;
    }
    return true;
}

static bool add_officer_row(void *context, const Doublecrew__V1__Row *row)
{
    struct builder *builder = context;
    struct row_officer read;
    struct id id;

    row_read_officer(row->officer, &read);
    builder->preview->roster_known = true;
    memcpy(id.bytes, read.officer.officer.bytes, ID_SIZE);
    for (size_t i = 0; i < builder->preview->officer_count; i++) {
        struct rule_officer *officer = &builder->preview->officers[i];

        if (id_equal(&officer->id, &id)) {
            officer->accredited = read.officer.accredited;
            officer->entitled_from_us =
                read.officer.entitled_from_ms ? read.officer.entitled_from_ms * US_PER_MS : INT64_MIN;
            officer->entitled_to_us =
                read.officer.entitled_to_ms ? read.officer.entitled_to_ms * US_PER_MS : RULE_FOREVER;
            if (read.officer.role == DC_ROLE_STAFF) {
                officer->entitled_to_us = officer->entitled_from_us; /* may use the app, may not be second */
            }
        }
    }
    return true;
}

static bool add_offender_row(void *context, const Doublecrew__V1__Row *row)
{
    static const enum rule_risk risks[] = {[DC_RISK_UNKNOWN] = RULE_RISK_VERY_HIGH,
                                           [DC_RISK_LOW] = RULE_RISK_LOW,
                                           [DC_RISK_MEDIUM] = RULE_RISK_MEDIUM,
                                           [DC_RISK_HIGH] = RULE_RISK_HIGH,
                                           [DC_RISK_VERY_HIGH] = RULE_RISK_VERY_HIGH};
    struct builder *builder = context;
    struct dc_offender offender;

    row_read_offender(row->offender, &offender);
    for (size_t i = 0; i < builder->preview->offender_count; i++) {
        if (memcmp(builder->preview->offenders[i].id.bytes, offender.offender.bytes, ID_SIZE) == 0 &&
            (size_t)offender.risk < sizeof risks / sizeof *risks) {
            builder->preview->risks[i].risk = risks[offender.risk];
        }
    }
    return true;
}

static bool add_plan_row(void *context, const Doublecrew__V1__Row *row)
{
    struct builder *builder = context;
    struct preview_case *preview = builder->preview;
    struct rule_plan plan = {.officer_count = 0};
    struct dc_plan read;
    struct id offender;

    row_read_plan(row->plan, &read);
    memcpy(offender.bytes, read.offender.bytes, ID_SIZE);
    if (read.cancelled || preview->plan_count == PREVIEW_PLANS_MAX || !id_equal(&offender, &builder->offender)) {
        return true;
    }
    plan.offender = offender_index(preview, &offender);
    plan.from_us = read.from_ms * US_PER_MS;
    plan.to_us = read.to_ms * US_PER_MS;
    for (size_t i = 0; i < read.officer_count; i++) {
        struct id id;
        size_t officer;

        memcpy(id.bytes, read.officers[i].bytes, ID_SIZE);
        officer = officer_index(preview, &id);
        if (officer != RULE_NONE) {
            plan.officers[plan.officer_count++] = officer;
        }
    }
    preview->plans[preview->plan_count++] = plan;
    return true;
}

static bool add_policy_row(void *context, const Doublecrew__V1__Row *row)
{
    struct builder *builder = context;
    struct preview_case *preview = builder->preview;
    const Doublecrew__V1__Policy *given = row->policy->policy;
    struct rule_policy policy;

    if (!given || preview->policy_count == PREVIEW_POLICIES_MAX) {
        return true;
    }
    rule_policy_default(&policy);
    policy.effective_from_us = given->effective_from_ms * US_PER_MS;
    policy.max_alone_us = (int64_t)given->max_alone_s * US_PER_S;
    policy.longest_visit_us = (int64_t)given->longest_visit_s * US_PER_S;
    policy.time_limit_us = (int64_t)given->time_limit_s * US_PER_S;
    policy.retro_window_us = (int64_t)given->retro_window_s * US_PER_S;
    policy.evidence_overdue_us = (int64_t)given->evidence_overdue_s * US_PER_S;
    policy.authority_max_us = (int64_t)given->authority_max_s * US_PER_S;
    policy.cosign_round_trip_us = (int64_t)given->cosign_round_trip_s * US_PER_S;
    policy.drift_ppb = (int64_t)given->drift_ppm * 1000;
    policy.partner_distance_m = given->partner_distance_m;
    policy.far_apart_m = given->far_apart_m;
    policy.late_out_m = given->late_out_m;
    memset(policy.lone_forbidden, 0, sizeof policy.lone_forbidden);
    for (size_t i = 0; i < given->n_lone_forbidden; i++) {
        int risk = (int)given->lone_forbidden[i] - DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW;

        if (risk >= 0 && risk < 4) {
            policy.lone_forbidden[risk] = true;
        }
    }
    preview->policies[preview->policy_count++] = policy;
    return true;
}

/* ---- Together ---- */

static enum status add_rows(struct builder *builder)
{
    static const struct {
        char letter;
        Doublecrew__V1__Row__RowCase kind;
        view_on_row add;
    } parts[] = {
        {'p', DOUBLECREW__V1__ROW__ROW_PRESENCE, add_presence_row},
        {'l', DOUBLECREW__V1__ROW__ROW_PLAN, add_plan_row},
        {'o', DOUBLECREW__V1__ROW__ROW_OFFICER, add_officer_row},
        {'x', DOUBLECREW__V1__ROW__ROW_OFFENDER, add_offender_row},
        {'y', DOUBLECREW__V1__ROW__ROW_POLICY, add_policy_row},
    };
    enum status status = STATUS_OK;

    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == STATUS_OK; i++) {
        struct view_key key = view_key_all(parts[i].letter);

        status = view_each(builder->device, &key, parts[i].kind, parts[i].add, builder, NULL);
    }
    return status;
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
            (void)device_index(preview, &preview->officers[i].id, i);
        }
    }
}

static void settle(struct preview_case *preview)
{
    for (size_t i = 0; i < preview->presence_count; i++) {
        struct rule_presence *partner =
            hash_is_zero(&preview->cosigned[i]) ? NULL : presence_of(preview, &preview->cosigned[i]);

        if (partner) {
            preview->presences[i].cosign.presence = (size_t)(partner - preview->presences);
        }
    }
    add_unknown_phones(preview);
    if (preview->policy_count == 0) {
        rule_policy_default(&preview->policies[preview->policy_count++]);
    }
    qsort(preview->policies, preview->policy_count, sizeof *preview->policies, by_effect);
}

static enum status build(struct builder *builder)
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
        status = add_rows(builder);
    }
    if (status == STATUS_OK) {
        settle(builder->preview);
    }
    return status;
}

enum status preview_case_build(struct dc_device *device, const struct hash *presence, struct preview_case **ret_case,
                               size_t *ret_index)
{
    struct builder builder = {.device = device, .target = *presence, .preview = calloc(1, sizeof *builder.preview)};
    struct rule_presence *target;
    enum status status;

    if (!builder.preview) {
        return STATUS_NO_MEMORY;
    }
    builder.now = device_now(device);
    builder.preview->now_us = now_us(device, builder.now);
    status = build(&builder);
    target = status == STATUS_OK ? presence_of(builder.preview, presence) : NULL;
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
