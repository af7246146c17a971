/* Reading a case: names become indices, seconds microseconds; the first thing that doesn't fit is reported with its place. */
#include <stdlib.h>
#include <string.h>

#include "admin/judge_json.h"
#include "admin/judge_names.h"
#include "admin/judge_reader.h"
#include "core/limits.h"

static void read_policy(struct judge_reader *reader, const json_t *object, struct rule_policy *policy)
{
    const json_t *forbidden = json_object_get(object, "lone_forbidden");
    const json_t *drift = json_object_get(object, "drift");

    rule_policy_default(policy);
    judge_stand_at(reader, "policy");
    policy->max_alone_us = judge_length_or(reader, object, "max_alone_s", policy->max_alone_us);
    policy->longest_visit_us = judge_length_or(reader, object, "longest_visit_s", policy->longest_visit_us);
    policy->time_limit_us = judge_length_or(reader, object, "time_limit_s", policy->time_limit_us);
    policy->retro_window_us = judge_length_or(reader, object, "retro_window_s", policy->retro_window_us);
    policy->evidence_overdue_us = judge_length_or(reader, object, "evidence_overdue_s", policy->evidence_overdue_us);
    policy->authority_max_us = judge_length_or(reader, object, "authority_max_s", policy->authority_max_us);
    policy->cosign_round_trip_us = judge_length_or(reader, object, "cosign_round_trip_s", policy->cosign_round_trip_us);
    policy->partner_distance_m = judge_metres_or(reader, object, "partner_distance_m", policy->partner_distance_m);
    policy->far_apart_m = judge_metres_or(reader, object, "far_apart_m", policy->far_apart_m);
    policy->late_out_m = judge_metres_or(reader, object, "late_out_m", policy->late_out_m);
    if (!judge_absent(drift)) {
        double share = json_number_value(drift);

        if (!json_is_number(drift) || !(share >= 0 && share < 1)) {
            judge_blame(reader, "drift", "not a share from 0 to 1");
            return;
        }
        policy->drift_ppb = (int64_t)(share * 1e9 + 0.5);
    }
    if (!judge_absent(forbidden)) {
        if (!json_is_array(forbidden)) {
            judge_blame(reader, "lone_forbidden", "not a list of risk levels");
        }
        memset(policy->lone_forbidden, 0, sizeof policy->lone_forbidden);
        for (size_t i = 0; i < json_array_size(forbidden); i++) {
            policy->lone_forbidden[judge_risk_of(reader, json_array_get(forbidden, i), "lone_forbidden")] = true;
        }
    }
}

static struct rule_place place(struct judge_reader *reader, const json_t *point, const char *key, double accuracy_m)
{
    struct rule_place place = {.known = !judge_absent(point), .accuracy_m = accuracy_m};

    if (place.known && json_array_size(point) != 2) {
        judge_blame(reader, key, "not a place [x, y]");
    } else if (place.known) {
        place.x_m = judge_metres(reader, json_array_get(point, 0), key);
        place.y_m = judge_metres(reader, json_array_get(point, 1), key);
    }
    return place;
}

static void read_offenders(struct judge_reader *reader, struct judge_owned *owned)
{
    size_t index = 0;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)reader->offenders, name, value)
    {
        struct rule_offender *offender = &owned->offenders[index];

        judge_stand_at(reader, "offenders.%.60s", name);
        judge_check_object(reader, value);
        owned->risks[index] =
            (struct rule_risk_span){INT64_MIN, judge_risk_of(reader, json_object_get(value, "risk"), "risk")};
        *offender = (struct rule_offender){.id = judge_id_of(name), .risks = &owned->risks[index], .risk_count = 1};
        offender->at = place(reader, json_object_get(value, "at"), "at", 0);
        index++;
    }
}

static void read_officers(struct judge_reader *reader, struct judge_owned *owned)
{
    size_t index = 0;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)reader->officers, name, value)
    {
        judge_stand_at(reader, "officers.%.60s", name);
        judge_check_object(reader, value);
        owned->officer_names[index] = name;
        owned->officers[index++] = (struct rule_officer){
            .id = judge_id_of(name),
            .accredited = judge_flag_of(reader, value, "accredited", false),
            .entitled_from_us = judge_seconds_or(reader, value, "entitled_from", INT64_MIN),
            .entitled_to_us = judge_seconds_or(reader, value, "entitled_to", RULE_FOREVER),
        };
    }
}

static void read_devices(struct judge_reader *reader, struct judge_owned *owned)
{
    size_t index = 0;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)reader->devices, name, value)
    {
        const json_t *watermark = json_object_get(reader->watermarks, name);
        struct rule_device *device = &owned->devices[index++];

        judge_stand_at(reader, "devices.%.60s", name);
        judge_check_object(reader, value);
        *device = (struct rule_device){
            .id = judge_id_of(name),
            .officer = judge_officer_place(reader, judge_text_of(reader, value, "officer"), "officer"),
            .revoked_as_of_us = judge_seconds_or(reader, value, "revoked_as_of", RULE_FOREVER),
            .revocation_recorded_us = judge_seconds_or(reader, value, "revocation_recorded", RULE_FOREVER),
            .lost = judge_flag_of(reader, value, "lost", false),
            .watermark_known = !judge_absent(watermark),
        };
        if (device->watermark_known) {
            judge_stand_at(reader, "watermarks");
            device->watermark_us = judge_seconds(reader, watermark, name);
        }
    }
}

static struct rule_instant instant(struct judge_reader *reader, const json_t *pair, const char *key)
{
    struct rule_instant instant = {INT64_MIN, RULE_FOREVER};

    if (json_array_size(pair) != 2) {
        judge_blame(reader, key, "not bounds [lo, hi]");
        return instant;
    }
    if (!json_is_null(json_array_get(pair, 0))) {
        instant.lo_us = judge_seconds(reader, json_array_get(pair, 0), key);
    }
    if (!json_is_null(json_array_get(pair, 1))) {
        instant.hi_us = judge_seconds(reader, json_array_get(pair, 1), key);
    }
    if (instant.lo_us > instant.hi_us) {
        judge_blame(reader, key, "the lower bound is above the upper");
    }
    return instant;
}

static size_t names(struct judge_reader *reader, const json_t *list, const char *key, size_t *ret_officers)
{
    size_t count = json_array_size(list);

    if (!json_is_array(list) || count > RULE_NAMED_MAX) {
        judge_blame(reader, key, "not a list of at most 8 officers");
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));

        ret_officers[i] = judge_officer_place(reader, name == NULL ? "" : name, key);
    }
    return count;
}

static void read_company(struct judge_reader *reader, const json_t *object, struct rule_presence *presence)
{
    const json_t *with = json_object_get(object, "with");
    const json_t *agency = json_object_get(object, "agency");
    const char *word = json_string_value(with);

    presence->agency = !judge_absent(agency);
    if (presence->agency && !json_is_string(agency)) {
        judge_blame(reader, "agency", "not a name");
    }
    if (judge_absent(with) || (word != NULL && strcmp(word, "unrecorded") == 0)) {
        presence->with = RULE_WITH_UNRECORDED;
    } else if (word != NULL && strcmp(word, "alone") == 0) {
        presence->with = RULE_WITH_ALONE;
    } else {
        presence->with = RULE_WITH_NAMED;
        presence->named_count = names(reader, with, "with", presence->named);
    }
}

static enum rule_outcome outcome_of(struct judge_reader *reader, const json_t *object)
{
    const json_t *value = json_object_get(object, "outcome");
    const char *name = json_string_value(value);

    if (judge_absent(value)) {
        return RULE_OUTCOME_NONE;
    }
    for (enum rule_outcome outcome = RULE_OUTCOME_SEEN; outcome <= RULE_OUTCOME_ABORTED; outcome++) {
        if (name != NULL && strcmp(name, rule_outcome_name(outcome)) == 0) {
            return outcome;
        }
    }
    judge_blame(reader, "outcome", "not an outcome");
    return RULE_OUTCOME_NONE;
}

/* The first presence with this boot's name gives its number; a reading without a clock stands alone. */
static uint64_t boot_of(struct judge_reader *reader, const json_t *object, const char *mono_key, size_t index,
                        uint64_t alone)
{
    const json_t *boot = json_object_get(object, "boot");

    if (judge_absent(boot) || judge_absent(json_object_get(object, mono_key))) {
        return alone;
    }
    if (!json_is_string(boot) && !json_is_integer(boot)) {
        judge_blame(reader, "boot", "not a name");
        return alone;
    }
    for (size_t i = 0; i < index; i++) {
        if (json_equal(boot, json_object_get(json_array_get(reader->presences, i), "boot"))) {
            return i + 1;
        }
    }
    return index + 1;
}

static void read_clock(struct judge_reader *reader, const json_t *object, size_t index, struct rule_presence *presence)
{
    uint64_t alone = UINT64_C(1) << 32 | (uint64_t)index << 1;

    presence->in_boot = boot_of(reader, object, "in_m", index, alone);
    presence->out_boot = boot_of(reader, object, "out_m", index, alone + 1);
    presence->in_mono_us = judge_seconds_or(reader, object, "in_m", 0);
    presence->out_mono_us = judge_seconds_or(reader, object, "out_m", 0);
    presence->in_seq = judge_number_of(reader, object, "in_seq");
    presence->out_seq = judge_number_of(reader, object, "out_seq");
    presence->clock_trouble = judge_flag_of(reader, object, "clock_trouble", false);
}

static void read_cosign(struct judge_reader *reader, const json_t *object, size_t index, struct rule_presence *presence)
{
    const json_t *cosign = json_object_get(object, "cosign");

    presence->cosign.presence = RULE_NONE;
    if (judge_absent(cosign)) {
        return;
    }
    judge_stand_at(reader, "presences[%zu].cosign", index);
    presence->cosign = (struct rule_cosign){
        .presence = judge_presence_place(reader, judge_text_of(reader, cosign, "presence"), "presence"),
        .first = judge_flag_of(reader, cosign, "first", false),
        .confirm_known =
            !judge_absent(json_object_get(cosign, "confirm_m")) && !judge_absent(json_object_get(object, "in_m")),
        .confirm_mono_us = judge_seconds_or(reader, cosign, "confirm_m", 0),
        .round_trip_us = judge_seconds_or(reader, cosign, "round_trip_s", RULE_FOREVER),
    };
    if (presence->cosign.presence == index) {
        judge_blame(reader, "presence", "a presence isn't co-signed with itself");
    }
}

static void read_presence(struct judge_reader *reader, const json_t *object, size_t index, struct judge_owned *owned)
{
    struct rule_presence *presence = &owned->presences[index];
    const char *id = judge_text_of(reader, object, "id");
    double accuracy_m = judge_metres_or(reader, object, "acc", 0);

    if (judge_presence_place(reader, id, "id") != index) {
        judge_blame(reader, "id", "another presence has this id");
    }
    *presence = (struct rule_presence){
        .officer = judge_officer_place(reader, judge_text_of(reader, object, "officer"), "officer"),
        .device = judge_place_of(reader, reader->devices, judge_text_of(reader, object, "device"), "device",
                                 "no such device in this case"),
        .offender = judge_offender_place(reader, object),
        .in = instant(reader, json_object_get(object, "in"), "in"),
        .has_out = !judge_absent(json_object_get(object, "out")),
        .in_at = place(reader, json_object_get(object, "at"), "at", accuracy_m),
        .out_at = place(reader, json_object_get(object, "out_at"), "out_at", accuracy_m),
        .received_us = judge_seconds_of(reader, object, "received"),
        .contested = judge_flag_of(reader, object, "contested", false),
        .unassigned = judge_flag_of(reader, object, "unassigned", false),
        .outcome = outcome_of(reader, object),
    };
    judge_name_bytes(id, presence->id.bytes, sizeof presence->id.bytes);
    owned->presence_names[index] = id;
    if (presence->has_out) {
        presence->out = instant(reader, json_object_get(object, "out"), "out");
    }
    read_company(reader, object, presence);
    read_clock(reader, object, index, presence);
    read_cosign(reader, object, index, presence);
}

static void read_plan(struct judge_reader *reader, const json_t *object, struct rule_plan *plan)
{
    *plan = (struct rule_plan){
        .offender = judge_offender_place(reader, object),
        .from_us = judge_seconds_of(reader, object, "from"),
        .to_us = judge_seconds_of(reader, object, "to"),
    };
    plan->officer_count = names(reader, json_object_get(object, "officers"), "officers", plan->officers);
}

static void read_authority(struct judge_reader *reader, const json_t *object, struct rule_authority_word *word)
{
    *word = (struct rule_authority_word){
        .officer = judge_officer_place(reader, judge_text_of(reader, object, "officer"), "officer"),
        .offender = judge_offender_place(reader, object),
        .granted = judge_flag_of(reader, object, "granted", false),
        .by = judge_id_of(judge_text_of(reader, object, "by")),
        .recorded_us = judge_seconds_of(reader, object, "recorded"),
        .valid_from_us = judge_seconds_of(reader, object, "valid_from"),
        .valid_to_us = judge_seconds_of(reader, object, "valid_to"),
    };
}

static void read_decision(struct judge_reader *reader, const json_t *object, struct rule_decision *decision)
{
    *decision = (struct rule_decision){
        .presence = judge_presence_place(reader, judge_text_of(reader, object, "presence"), "presence"),
        .by = judge_id_of(judge_text_of(reader, object, "by")),
        .counts = judge_flag_of(reader, object, "counts", false),
        .recorded_us = judge_seconds_of(reader, object, "recorded"),
    };
}

/* A watermark says of a log how far it has reported: of one that the case doesn't have it is a slip of the pen. */
static void check_watermarks(struct judge_reader *reader)
{
    const char *name;
    json_t *value;

    judge_stand_at(reader, "watermarks");
    json_object_foreach((json_t *)reader->watermarks, name, value)
    {
        (void)judge_place_of(reader, reader->devices, name, name, "no such device in this case");
    }
}

static void read_lists(struct judge_reader *reader, const json_t *root, struct judge_owned *owned)
{
    const json_t *plans = json_object_get(root, "plans");
    const json_t *authorities = json_object_get(root, "authorities");
    const json_t *decisions = json_object_get(root, "decisions");

    for (size_t i = 0; i < json_array_size(reader->presences); i++) {
        judge_stand_at(reader, "presences[%zu]", i);
        read_presence(reader, json_array_get(reader->presences, i), i, owned);
    }
    for (size_t i = 0; i < json_array_size(plans); i++) {
        judge_stand_at(reader, "plans[%zu]", i);
        read_plan(reader, json_array_get(plans, i), &owned->plans[i]);
    }
    for (size_t i = 0; i < json_array_size(authorities); i++) {
        judge_stand_at(reader, "authorities[%zu]", i);
        read_authority(reader, json_array_get(authorities, i), &owned->authorities[i]);
    }
    for (size_t i = 0; i < json_array_size(decisions); i++) {
        judge_stand_at(reader, "decisions[%zu]", i);
        read_decision(reader, json_array_get(decisions, i), &owned->decisions[i]);
    }
}

static void *some(size_t count, size_t size)
{
    return calloc(count + 1, size);
}

static bool allocate(const json_t *root, struct judge_owned *owned)
{
    size_t offenders = json_object_size(json_object_get(root, "offenders"));
    size_t officers = json_object_size(json_object_get(root, "officers"));
    size_t presences = json_array_size(json_object_get(root, "presences"));

    owned->risks = some(offenders, sizeof *owned->risks);
    owned->offenders = some(offenders, sizeof *owned->offenders);
    owned->officers = some(officers, sizeof *owned->officers);
    owned->officer_names = some(officers, sizeof *owned->officer_names);
    owned->devices = some(json_object_size(json_object_get(root, "devices")), sizeof *owned->devices);
    owned->presences = some(presences, sizeof *owned->presences);
    owned->presence_names = some(presences, sizeof *owned->presence_names);
    owned->plans = some(json_array_size(json_object_get(root, "plans")), sizeof *owned->plans);
    owned->authorities = some(json_array_size(json_object_get(root, "authorities")), sizeof *owned->authorities);
    owned->decisions = some(json_array_size(json_object_get(root, "decisions")), sizeof *owned->decisions);
    return owned->risks != NULL && owned->offenders != NULL && owned->officers != NULL &&
           owned->officer_names != NULL && owned->devices != NULL && owned->presences != NULL &&
           owned->presence_names != NULL && owned->plans != NULL && owned->authorities != NULL &&
           owned->decisions != NULL;
}

static void check_shape(struct judge_reader *reader, const json_t *root)
{
    static const char *const objects[] = {"policy", "offenders", "officers", "devices", "watermarks"};
    static const char *const arrays[] = {"presences", "plans", "authorities", "decisions"};

    if (!json_is_object(root)) {
        judge_blame(reader, "", "not a JSON object");
    }
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const json_t *value = json_object_get(root, objects[i]);

        if (!judge_absent(value) && !json_is_object(value)) {
            judge_blame(reader, objects[i], "not an object");
        }
    }
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        const json_t *value = json_object_get(root, arrays[i]);

        if (!judge_absent(value) && !json_is_array(value)) {
            judge_blame(reader, arrays[i], "not a list");
        }
    }
    if (json_array_size(json_object_get(root, "presences")) > RULE_PRESENCES_MAX) {
        judge_blame(reader, "presences", "too many presences in one case: at most 64");
    }
}

static void point_at(const json_t *root, const struct judge_owned *owned, int64_t now_us, struct rule_case *ret_case)
{
    *ret_case = (struct rule_case){
        .policies = &owned->policy,
        .policy_count = 1,
        .offenders = owned->offenders,
        .offender_count = json_object_size(json_object_get(root, "offenders")),
        .officers = owned->officers,
        .officer_count = json_object_size(json_object_get(root, "officers")),
        .devices = owned->devices,
        .device_count = json_object_size(json_object_get(root, "devices")),
        .presences = owned->presences,
        .presence_count = json_array_size(json_object_get(root, "presences")),
        .plans = owned->plans,
        .plan_count = json_array_size(json_object_get(root, "plans")),
        .authorities = owned->authorities,
        .authority_count = json_array_size(json_object_get(root, "authorities")),
        .decisions = owned->decisions,
        .decision_count = json_array_size(json_object_get(root, "decisions")),
        .now_us = now_us,
    };
}

void judge_owned_free(struct judge_owned *owned)
{
    if (owned == NULL) {
        return;
    }
    free(owned->risks);
    free(owned->offenders);
    free(owned->officers);
    free(owned->devices);
    free(owned->presences);
    free(owned->plans);
    free(owned->authorities);
    free(owned->decisions);
    free(owned->officer_names);
    free(owned->presence_names);
    json_decref(owned->root);
    free(owned);
}

static bool is_blank(const char *line, size_t length)
{
    while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL && line[length - 1] != '\0') {
        length--;
    }
    return length == 0;
}

static void blame_text(struct judge_reader *reader, const char *line, size_t length, const json_error_t *trouble)
{
    if (is_blank(line, length)) {
        judge_blame(reader, "", "an empty line; each line must hold one case");
        return;
    }
    judge_stand_at(reader, "column %d", trouble->column);
    judge_blame(reader, "", trouble->text);
}

enum status judge_json_read(const char *line, size_t length, struct judge_case *ret_case, struct judge_error *ret_error)
{
    struct judge_reader reader = {.error = ret_error};
    struct judge_owned *owned = calloc(1, sizeof *owned);
    enum status status = STATUS_NO_MEMORY;
    json_error_t trouble;
    int64_t now_us;

    if (owned == NULL) {
        return STATUS_NO_MEMORY;
    }
    owned->root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &trouble);
    if (owned->root == NULL) {
        blame_text(&reader, line, length, &trouble);
        status = STATUS_MALFORMED;
        goto done;
    }
    check_shape(&reader, owned->root);
    if (!reader.failed && !allocate(owned->root, owned)) {
        goto done;
    }
    status = STATUS_MALFORMED;
    if (reader.failed) {
        goto done;
    }
    reader.officers = json_object_get(owned->root, "officers");
    reader.devices = json_object_get(owned->root, "devices");
    reader.offenders = json_object_get(owned->root, "offenders");
    reader.presences = json_object_get(owned->root, "presences");
    reader.watermarks = json_object_get(owned->root, "watermarks");
    now_us = judge_seconds_of(&reader, owned->root, "now");
    read_policy(&reader, json_object_get(owned->root, "policy"), &owned->policy);
    read_offenders(&reader, owned);
    read_officers(&reader, owned);
    read_devices(&reader, owned);
    check_watermarks(&reader);
    read_lists(&reader, owned->root, owned);
    if (reader.failed) {
        goto done;
    }
    point_at(owned->root, owned, now_us, &ret_case->rule_case);
    ret_case->owned = owned;
    owned = NULL;
    status = STATUS_OK;
done:
    judge_owned_free(owned);
    return status;
}
