/*
 * Which presences belong to the case: those that the server took when it judged (its evidence names them), and of what it
 * doesn't know yet those that it will take (ARCHITECTURE.md, "Neighbourhoods"). The visit: at the same offender, linked in
 * time. Around it: its officers' elsewhere at that time, what co-signing links, and what else was done in a boot of which
 * only that can tell the time.
 */
#include "device/preview_parts.h"

/* Wider than any session takes and any clock drifts within a day: no anchor of its boot bounds it. */
#define LOOSE_US (INT64_C(60) * US_PER_S)

static int64_t ends_us(const struct preview_builder *builder, const struct preview_sketch *sketch)
{
    int64_t end_us;

    if (sketch->has_out) {
        return sketch->out.hi_us;
    }
    return __builtin_add_overflow(sketch->in.hi_us, builder->preview->longest_visit_us, &end_us) ? RULE_FOREVER
                                                                                                 : end_us;
}

static bool touches(const struct preview_builder *builder, const struct preview_sketch *sketch, int64_t from_us,
                    int64_t to_us)
{
    return ends_us(builder, sketch) >= from_us && sketch->in.lo_us <= to_us;
}

/* What the server knew and didn't take isn't taken here, whether this phone has its row or only carried it there. */
static bool may_join(const struct preview_builder *builder, const struct preview_sketch *sketch)
{
    return !builder->listed || sketch->news;
}

static void take(struct preview_builder *builder, struct preview_sketch *sketch, enum preview_choice choice)
{
    if (sketch && sketch->choice == PREVIEW_LEFT_OUT && builder->preview->chosen_count < RULE_PRESENCES_MAX) {
        sketch->choice = choice;
        builder->preview->chosen[builder->preview->chosen_count++] = (size_t)(sketch - builder->sketches);
    }
}

static struct preview_sketch *chosen(const struct preview_builder *builder, size_t at)
{
    return &builder->sketches[builder->preview->chosen[at]];
}

static void take_visit_of(struct preview_builder *builder, const struct id *offender)
{
    for (size_t i = 0; i < builder->sketch_count; i++) {
        struct preview_sketch *sketch = &builder->sketches[i];

        if (id_equal(&sketch->offender, offender) && may_join(builder, sketch) &&
            touches(builder, sketch, builder->from_us, builder->to_us)) {
            take(builder, sketch, PREVIEW_OF_THE_VISIT);
        }
    }
}

static void take_visit(struct preview_builder *builder, struct preview_sketch *target)
{
    size_t seen = 0;

    builder->from_us = target->in.lo_us;
    builder->to_us = ends_us(builder, target);
    while (seen < builder->preview->chosen_count) {
        for (; seen < builder->preview->chosen_count; seen++) {
            int64_t to_us = ends_us(builder, chosen(builder, seen));
            int64_t from_us = chosen(builder, seen)->in.lo_us;

            builder->from_us = from_us < builder->from_us ? from_us : builder->from_us;
            builder->to_us = to_us > builder->to_us ? to_us : builder->to_us;
        }
        take_visit_of(builder, &target->offender);
    }
}

static void take_listed(struct preview_builder *builder, const struct id *offender, enum preview_choice choice)
{
    for (size_t i = 0; i < builder->beside_count; i++) {
        struct preview_sketch *sketch = preview_sketch_of(builder, &builder->beside[i]);

        if (sketch && id_equal(&sketch->offender, offender) == (choice == PREVIEW_OF_THE_VISIT)) {
            take(builder, sketch, choice);
        }
    }
}

static void take_cosigned(struct preview_builder *builder, const struct preview_sketch *of)
{
    struct preview_sketch *sketch = hash_is_zero(&of->cosigned) ? NULL : preview_sketch_of(builder, &of->cosigned);

    if (sketch && may_join(builder, sketch)) {
        take(builder, sketch, PREVIEW_AROUND_IT);
    }
}

static void take_elsewhere(struct preview_builder *builder, const struct preview_sketch *of)
{
    for (size_t i = 0; i < builder->sketch_count; i++) {
        struct preview_sketch *sketch = &builder->sketches[i];

        if (id_equal(&sketch->officer, &of->officer) && may_join(builder, sketch) &&
            touches(builder, sketch, of->in.lo_us, ends_us(builder, of))) {
            take(builder, sketch, PREVIEW_AROUND_IT);
        }
    }
}

static bool is_loose(const struct preview_sketch *sketch)
{
    return sketch->in.lo_us == INT64_MIN || sketch->in.hi_us == RULE_FOREVER ||
           sketch->in.hi_us - sketch->in.lo_us > LOOSE_US;
}

static bool is_of_boot(const struct preview_sketch *mate, const struct preview_sketch *sketch)
{
    return mate->boots_known && id_equal(&mate->device, &sketch->device) &&
           (id_equal(&mate->in_boot, &sketch->in_boot) ||
            (mate->has_out && id_equal(&mate->out_boot, &sketch->in_boot)));
}

static void take_boot_mates(struct preview_builder *builder, const struct preview_sketch *sketch)
{
    if (!sketch->boots_known || !is_loose(sketch)) {
        return;
    }
    for (size_t i = 0; i < builder->sketch_count; i++) {
        if (is_of_boot(&builder->sketches[i], sketch) && may_join(builder, &builder->sketches[i])) {
            take(builder, &builder->sketches[i], PREVIEW_AROUND_IT);
            take_cosigned(builder, &builder->sketches[i]);
        }
    }
}

void preview_select(struct preview_builder *builder)
{
    struct preview_case *preview = builder->preview;
    struct preview_sketch *target = preview_sketch_of(builder, &builder->target);
    size_t elsewhere;

    if (!target) {
        return;
    }
    builder->listed = target->synced;
    take(builder, target, PREVIEW_OF_THE_VISIT);
    take_listed(builder, &target->offender, PREVIEW_OF_THE_VISIT);
    take_visit(builder, target);
    preview->visit_count = preview->chosen_count;
    take_listed(builder, &target->offender, PREVIEW_AROUND_IT);
    for (size_t i = 0; i < preview->visit_count; i++) {
        take_elsewhere(builder, chosen(builder, i));
        take_cosigned(builder, chosen(builder, i));
    }
    /* When an officer was elsewhere may only be known by whom they met there. */
    elsewhere = preview->chosen_count;
    for (size_t i = preview->visit_count; i < elsewhere; i++) {
        take_cosigned(builder, chosen(builder, i));
    }
    for (size_t i = 0; i < preview->visit_count; i++) {
        take_boot_mates(builder, chosen(builder, i));
    }
}
