/* The preview's case: officers, devices, offenders, boots and places, each once. */
#include <string.h>

#include "device/preview_parts.h"

struct id preview_id(ProtobufCBinaryData bytes)
{
    struct id id = {{0}};

    if (bytes.len == ID_SIZE) {
        memcpy(id.bytes, bytes.data, ID_SIZE);
    }
    return id;
}

struct hash preview_hash(ProtobufCBinaryData bytes)
{
    struct hash hash = {{0}};

    if (bytes.len == HASH_SIZE) {
        memcpy(hash.bytes, bytes.data, HASH_SIZE);
    }
    return hash;
}

/* An officer whom no row describes counts as entitled but not accredited: a preview must not promise too much. */
size_t preview_officer(struct preview_case *preview, const struct id *id)
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

size_t preview_device(struct preview_case *preview, const struct id *id, size_t officer)
{
    for (size_t i = 0; i < preview->device_count; i++) {
        if (id_equal(&preview->devices[i].id, id)) {
            return i;
        }
    }
    if (preview->device_count == PREVIEW_DEVICES_MAX || officer == RULE_NONE) {
        return RULE_NONE;
    }
    preview->devices[preview->device_count] = (struct rule_device){
        .id = *id, .officer = officer, .revoked_as_of_us = RULE_FOREVER, .revocation_recorded_us = RULE_FOREVER};
    return preview->device_count++;
}

size_t preview_offender(struct preview_case *preview, const struct id *id)
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
uint64_t preview_boot_of_its_own(struct preview_case *preview)
{
    return PREVIEW_BOOTS_MAX + ++preview->other_boots;
}

/* More boots than fit are told apart no longer from each other's entries: each entry gets a number of its own. */
uint64_t preview_boot(struct preview_case *preview, const struct id *boot)
{
    for (size_t i = 0; i < preview->boot_count; i++) {
        if (id_equal(&preview->boots[i], boot)) {
            return i + 1;
        }
    }
    if (preview->boot_count == PREVIEW_BOOTS_MAX) {
        return preview_boot_of_its_own(preview);
    }
    preview->boots[preview->boot_count] = *boot;
    return ++preview->boot_count;
}
