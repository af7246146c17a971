/* The preview's case, built from the sketches that were chosen. */
#include "device/preview_case.h"

#include <stdlib.h>
#include <string.h>

#include "device/preview_parts.h"

static int by_choice(const void *left, const void *right)
{
    const struct preview_sketch *a = left;
    const struct preview_sketch *b = right;

    return a->choice != b->choice ? (int)a->choice - (int)b->choice : hash_compare(&a->id, &b->id);
}

/* The sketches that count, alone, in the server's order: those of the visit by id, then the others by id. */
static void sort_chosen(struct preview_builder *builder)
{
    struct preview_case *preview = builder->preview;
    size_t kept = 0;

    for (size_t i = 0; i < builder->sketch_count; i++) {
        if (builder->sketches[i].choice != PREVIEW_LEFT_OUT) {
            builder->sketches[kept++] = builder->sketches[i];
        }
    }
    builder->sketch_count = kept;
    qsort(builder->sketches, kept, sizeof *builder->sketches, by_choice);
    for (size_t i = 0; i < kept; i++) {
        preview->chosen[i] = i;
    }
}

struct plane {
    bool known;
    struct geo_point reference;
};

/* One plane for the case, as the server chooses it: around the offender's address, else around the first place known. */
static struct plane plane_of(const struct preview_builder *builder)
{
    struct plane plane = {.known = builder->address.known, .reference = builder->address.point};

    for (size_t i = 0; i < builder->sketch_count && !plane.known; i++) {
        const struct preview_spot *spot = &builder->sketches[i].in_at;

        plane = (struct plane){.known = spot->known, .reference = spot->point};
    }
    return plane;
}

static struct rule_place place_on(const struct plane *plane, const struct preview_spot *spot)
{
    struct rule_place place = {.known = spot->known && plane->known, .accuracy_m = spot->accuracy_m};

    if (place.known) {
        geo_project(&plane->reference, &spot->point, &place.x_m, &place.y_m);
    }
    return place;
}

/* NONE: what a partner's carried check-in names need not be here. */
static size_t cosigned_with(const struct preview_builder *builder, const struct preview_sketch *sketch)
{
    for (size_t i = 0; i < builder->sketch_count && !hash_is_zero(&sketch->cosigned); i++) {
        if (hash_equal(&builder->sketches[i].id, &sketch->cosigned)) {
            return i;
        }
    }
    return RULE_NONE;
}

static void set_times(struct preview_case *preview, const struct preview_sketch *sketch, struct rule_presence *presence)
{
    presence->in = sketch->in;
    presence->has_out = sketch->has_out;
    presence->out = sketch->out;
    presence->in_mono_us = sketch->in_mono_us;
    presence->out_mono_us = sketch->out_mono_us;
    presence->in_seq = sketch->in_seq;
    presence->out_seq = sketch->out_seq;
    presence->received_us = sketch->received_us;
    presence->clock_trouble = sketch->clock_trouble;
    if (sketch->boots_known) {
        presence->in_boot = preview_boot(preview, &sketch->in_boot);
        presence->out_boot = preview_boot(preview, &sketch->out_boot);
    } else { /* each one's clock is one of its own: nothing is known of its boot */
        presence->in_boot = preview_boot_of_its_own(preview);
        presence->out_boot = preview_boot_of_its_own(preview);
    }
}

static void set_company(const struct preview_builder *builder, const struct preview_sketch *sketch,
                        struct rule_presence *presence)
{
    presence->with = sketch->with;
    presence->agency = sketch->agency;
    presence->cosign = sketch->cosign;
    presence->cosign.presence = cosigned_with(builder, sketch);
    for (size_t i = 0; i < sketch->named_count; i++) {
        size_t officer = preview_officer(builder->preview, &sketch->named[i]);

        if (officer != RULE_NONE) {
            presence->named[presence->named_count++] = officer;
        }
    }
}

static enum status add_presence(struct preview_builder *builder, const struct plane *plane, size_t index)
{
    const struct preview_sketch *sketch = &builder->sketches[index];
    struct preview_case *preview = builder->preview;
    struct rule_presence *presence = &preview->presences[index];

    *presence = (struct rule_presence){.id = sketch->id,
                                       .officer = preview_officer(preview, &sketch->officer),
                                       .offender = preview_offender(preview, &sketch->offender),
                                       .in_at = place_on(plane, &sketch->in_at),
                                       .contested = sketch->contested,
                                       .outcome = sketch->outcome};
    presence->device = preview_device(preview, &sketch->device, presence->officer);
    if (presence->officer == RULE_NONE || presence->offender == RULE_NONE || presence->device == RULE_NONE) {
        return STATUS_OVER_LIMIT;
    }
    if (sketch->has_out) {
        presence->out_at = place_on(plane, &sketch->out_at);
    }
    set_times(preview, sketch, presence);
    set_company(builder, sketch, presence);
    preview->presence_count++;
    return STATUS_OK;
}

static int by_effect(const void *left, const void *right)
{
    const struct rule_policy *a = left;
    const struct rule_policy *b = right;

    return (a->effective_from_us > b->effective_from_us) - (a->effective_from_us < b->effective_from_us);
}

static bool has_phone(const struct preview_case *preview, size_t officer)
{
    for (size_t i = 0; i < preview->device_count; i++) {
        const struct rule_device *device = &preview->devices[i];

        for (size_t k = 0; k < device->holder_count; k++) {
            if (device->holders[k].officer == officer) {
                return true;
            }
        }
        if (device->holder_count == 0 && device->officer == officer) {
            return true;
        }
    }
    return false;
}

/* Every officer has a phone somewhere that may still report, as long as nobody said which ones there are (W3). */
static void add_unknown_phones(struct preview_case *preview)
{
    for (size_t i = 0; i < preview->officer_count && !preview->phones_known; i++) {
        if (!has_phone(preview, i)) {
            (void)preview_device(preview, &preview->officers[i].id, i);
        }
    }
}

static bool has_news(const struct preview_builder *builder)
{
    for (size_t i = 0; i < builder->sketch_count; i++) {
        if (builder->sketches[i].news) {
            return true;
        }
    }
    return false;
}

static enum status build(struct preview_builder *builder, size_t *ret_index)
{
    struct preview_case *preview = builder->preview;
    enum status status = STATUS_OK;
    struct plane plane;

    preview_select(builder);
    sort_chosen(builder);
    plane = plane_of(builder);
    preview->news = has_news(builder);
    for (size_t i = 0; i < builder->sketch_count; i++) {
        if (hash_equal(&builder->sketches[i].id, &builder->target)) {
            *ret_index = i;
            (void)preview_offender(preview, &builder->sketches[i].offender);
        }
    }
    for (size_t i = 0; i < builder->sketch_count && status == STATUS_OK; i++) {
        status = add_presence(builder, &plane, i);
    }
    if (status == STATUS_OK) {
        status = preview_add_rows(builder);
    }
    if (status == STATUS_OK) {
        status = preview_add_evidence(builder);
    }
    add_unknown_phones(preview);
    qsort(preview->policies, preview->policy_count, sizeof *preview->policies, by_effect);
    return status;
}

static enum status sketch_all(struct preview_builder *builder)
{
    enum status status = preview_sketch_own(builder);
    const struct preview_sketch *target = preview_sketch_of(builder, &builder->target);

    if (status != STATUS_OK) {
        return status;
    }
    if (builder->no_memory) {
        return STATUS_NO_MEMORY;
    }
    if (!target || !target->own) {
        return STATUS_NOT_FOUND;
    }
    builder->offender = target->offender;
    return preview_sketch_rows(builder);
}

/* Before its first version a force has the default policy, as at the server. */
static enum status set_policies(struct preview_builder *builder)
{
    struct preview_case *preview = builder->preview;
    struct rule_policy *always = &preview->policies[preview->policy_count++];
    enum status status;

    rule_policy_default(always);
    status = preview_longest_visit(builder->device, &preview->longest_visit_us);
    if (preview->longest_visit_us < always->longest_visit_us) {
        preview->longest_visit_us = always->longest_visit_us;
    }
    return status;
}

enum status preview_case_build(struct dc_device *device, const struct hash *presence, struct preview_case **ret_case,
                               size_t *ret_index)
{
    struct preview_builder builder = {
        .device = device, .target = *presence, .preview = calloc(1, sizeof *builder.preview)};
    enum status status;

    if (!builder.preview) {
        return STATUS_NO_MEMORY;
    }
    builder.now = device_now(device);
    builder.preview->now_us = preview_now_us(device, builder.now);
    status = set_policies(&builder);
    if (status == STATUS_OK) {
        status = sketch_all(&builder);
    }
    if (status == STATUS_OK) {
        status = build(&builder, ret_index);
    }
    free(builder.sketches);
    if (status != STATUS_OK) {
        free(builder.preview);
        return status;
    }
    *ret_case = builder.preview;
    return STATUS_OK;
}

void preview_case_view(const struct preview_case *preview, struct rule_case *ret_case)
{
    *ret_case = (struct rule_case){.policies = preview->policies,
                                   .policy_count = preview->policy_count,
                                   .offenders = preview->offenders,
                                   .offender_count = preview->offender_count,
                                   .officers = preview->officers,
                                   .officer_count = preview->officer_count,
                                   .devices = preview->devices,
                                   .device_count = preview->device_count,
                                   .presences = preview->presences,
                                   .presence_count = preview->presence_count,
                                   .plans = preview->plans,
                                   .plan_count = preview->plan_count,
                                   .decisions = preview->decisions,
                                   .decision_count = preview->decision_count,
                                   .now_us = preview->now_us,
                                   .mono_step_us = RULE_WIRE_STEP_US};
}
