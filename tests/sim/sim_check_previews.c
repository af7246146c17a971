/*
 * What a phone says of its own visits when it holds all that the server holds: the server's own words. Both ends judge their
 * own case, the server its tables and the phone its log and rows, so this holds the rows to carrying what the rule needs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/preview_case.h"
#include "tests/sim/sim_check.h"

struct said {
    struct dc_hash presence;
    struct dc_id offender;
    uint32_t alone_min_s;
    uint32_t alone_max_s;
    char company[32];
    char confirmed_by[16];
    char grade[4];
    char why[512];
};

struct collected {
    struct said *items;
    size_t count;
    size_t capacity;
};

static bool collect(void *context, const struct dc_presence *presence)
{
    struct collected *all = context;
    struct said *said;

    if (!presence->own || presence->verdict.preview)
        return true;
    if (all->count == all->capacity) {
        all->capacity = all->capacity == 0 ? 32 : 2 * all->capacity;
        all->items = realloc(all->items, all->capacity * sizeof(*all->items));
        if (all->items == NULL)
            abort();
    }
    said = &all->items[all->count++];
    *said = (struct said){.presence = presence->presence,
                          .offender = presence->offender,
                          .alone_min_s = presence->verdict.alone_min_s,
                          .alone_max_s = presence->verdict.alone_max_s};
    (void)snprintf(said->company, sizeof(said->company), "%s", presence->verdict.company);
    (void)snprintf(said->confirmed_by, sizeof(said->confirmed_by), "%s", presence->verdict.confirmed_by);
    (void)snprintf(said->grade, sizeof(said->grade), "%s", presence->verdict.grade);
    (void)snprintf(said->why, sizeof(said->why), "%s", presence->verdict.why);
    return true;
}

static bool same(const struct said *said, const struct dc_verdict *preview)
{
    return strcmp(said->company, preview->company) == 0 && strcmp(said->confirmed_by, preview->confirmed_by) == 0 &&
           strcmp(said->grade, preview->grade) == 0 && strcmp(said->why, preview->why) == 0 &&
           said->alone_min_s == preview->alone_min_s && said->alone_max_s == preview->alone_max_s;
}

/* Else the phone repeats what the server said: it can't judge by itself. */
static bool is_complete(struct sim_device *device, const struct dc_hash *presence)
{
    struct preview_case *preview;
    struct hash id;
    size_t index;
    bool complete;

    memcpy(id.bytes, presence->bytes, HASH_SIZE);
    if (preview_case_build(sim_device_use(device), &id, &preview, &index) != STATUS_OK)
        return false;
    complete = preview->complete;
    free(preview);
    return complete;
}

static void compare(struct sim *sim, struct sim_device *device, const struct said *said)
{
    struct dc_verdict preview;
    enum dc_status status = dc_preview(sim_device_use(device), &said->presence, &preview);
    char hex[2 * HASH_SIZE + 1];

    if (status == DC_NOT_FOUND)
        return; /* another log's of the same phone, or no longer kept in full */
    hex_encode(span_of(said->presence.bytes, HASH_SIZE), hex);
    if (status != DC_OK) {
        sim_fail(sim, "preview: %s can't preview %.16s: status %d", sim_device_name(device), hex, (int)status);
        return;
    }
    if (!same(said, &preview))
        sim_fail(sim, "preview: %s: of %.16s the server says %s %s %u-%u s \"%s\", the phone %s %s %u-%u s \"%s\"",
                 sim_device_name(device), hex, said->company, said->grade, said->alone_min_s, said->alone_max_s,
                 said->why, preview.company, preview.grade, preview.alone_min_s, preview.alone_max_s, preview.why);
    else if (is_complete(device, &said->presence))
        sim_count(sim, SIM_COUNT_PREVIEWED, 1);
    else
        sim_count(sim, SIM_COUNT_PREVIEWS_TOLD, 1);
}

void sim_check_previews(struct sim *sim)
{
    for (unsigned i = 0; i < sim->device_count && !sim_failed(sim); i++) {
        struct sim_device *device = sim->devices[i];
        struct collected all = {0};

        if (sim_device_fate(device) != SIM_DEVICE_FINE || sim_device_use(device) == NULL ||
            !sim_device_is_settled(device))
            continue;
        if (dc_each_presence(sim_device_use(device), NULL, collect, &all) != DC_OK)
            sim_fail(sim, "preview: %s can't show its visits", sim_device_name(device));
        for (size_t k = 0; k < all.count && !sim_failed(sim); k++)
            compare(sim, device, &all.items[k]);
        free(all.items);
    }
}
