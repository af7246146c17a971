/* Reading a case: names become indices, seconds microseconds; the first thing that doesn't fit is reported with its place. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/judge_json.h"
#include "admin/judge_names.h"
#include "core/limits.h"

#define SECOND_US INT64_C(1000000)
#define METRES_MAX 1e8

struct reader {
    struct judge_error *error;
    bool failed;
    char at[JUDGE_ERROR_SIZE]; /* the thing being read: "presences[2]" */
    const json_t *officers;
    const json_t *devices;
    const json_t *offenders;
    const json_t *presences;
    const json_t *watermarks;
};

/* Cut where it doesn't fit: the place is for a person to read. */
static void append(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    size_t room = size - length - 1;
    size_t added = strlen(more) < room ? strlen(more) : room;

    memcpy(text + length, more, added);
    text[length + added] = '\0';
}

static void blame(struct reader *reader, const char *key, const char *what)
{
    struct judge_error *error = reader->error;

    if (reader->failed) {
        return;
    }
    reader->failed = true;
    *error = (struct judge_error){.what = "", .at = ""};
    append(error->what, sizeof error->what, what);
    append(error->at, sizeof error->at, reader->at);
    append(error->at, sizeof error->at, reader->at[0] != '\0' && key[0] != '\0' ? "." : "");
    append(error->at, sizeof error->at, key);
}

__attribute__((format(printf, 2, 3))) static void stand_at(struct reader *reader, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(reader->at, sizeof reader->at, format, arguments);
    va_end(arguments);
}

static bool absent(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

static int64_t seconds(struct reader *reader, const json_t *value, const char *key)
{
    if (!json_is_integer(value) || json_integer_value(value) > JUDGE_TIME_MAX_S ||
        json_integer_value(value) < -JUDGE_TIME_MAX_S) {
        blame(reader, key, "not a time in whole seconds");
        return 0;
    }
    return json_integer_value(value) * SECOND_US;
}

static int64_t seconds_of(struct reader *reader, const json_t *object, const char *key)
{
    return seconds(reader, json_object_get(object, key), key);
}

static int64_t seconds_or(struct reader *reader, const json_t *object, const char *key, int64_t otherwise_us)
{
    const json_t *value = json_object_get(object, key);

    return absent(value) ? otherwise_us : seconds(reader, value, key);
}

static bool flag_of(struct reader *reader, const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);

    if (!absent(value) && !json_is_boolean(value)) {
        blame(reader, key, "not true or false");
    }
    return absent(value) ? otherwise : json_is_true(value);
}

static double metres(struct reader *reader, const json_t *value, const char *key)
{
    double metres_m = json_number_value(value);

    if (!json_is_number(value) || !(fabs(metres_m) <= METRES_MAX)) {
        blame(reader, key, "not a distance in metres");
        return 0;
    }
    return metres_m;
}

static double metres_or(struct reader *reader, const json_t *object, const char *key, double otherwise_m)
{
    const json_t *value = json_object_get(object, key);
    double metres_m = absent(value) ? otherwise_m : metres(reader, value, key);

    if (metres_m < 0) {
        blame(reader, key, "less than nothing");
    }
    return metres_m;
}

static const char *text_of(struct reader *reader, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (text == NULL || text[0] == '\0') {
        blame(reader, key, "not a name");
        return "";
    }
    return text;
}

/* FNV-1a, 64 bits: names longer than an id still differ in it. */
static uint64_t digest(const char *name)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; name[i] != '\0'; i++) {
        value = (value ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
    }
    return value;
}

static void name_bytes(const char *name, uint8_t *ret_bytes, size_t size)
{
    size_t length = strlen(name);

    memset(ret_bytes, 0, size);
    memcpy(ret_bytes, name, length < size - 8 ? length : size - 8);
    put_u64(ret_bytes + size - 8, digest(name));
}

static struct id id_of(const char *name)
{
    struct id id;

    name_bytes(name, id.bytes, sizeof id.bytes);
    return id;
}

/* The index of a key, in the object's own order. */
static size_t place_of(struct reader *reader, const json_t *table, const char *name, const char *key, const char *what)
{
    size_t index = 0;
    const char *candidate;
    json_t *value;

    json_object_foreach((json_t *)table, candidate, value)
    {
        if (strcmp(candidate, name) == 0) {
            return index;
        }
        index++;
    }
    blame(reader, key, what);
    return 0;
}

static size_t officer_place(struct reader *reader, const char *name, const char *key)
{
    return place_of(reader, reader->officers, name, key, "no such officer in this case");
}

static size_t offender_place(struct reader *reader, const json_t *object)
{
    return place_of(reader, reader->offenders, text_of(reader, object, "offender"), "offender",
                    "no such offender in this case");
}

static size_t presence_place(struct reader *reader, const char *name, const char *key)
{
    for (size_t i = 0; i < json_array_size(reader->presences); i++) {
        const char *id = json_string_value(json_object_get(json_array_get(reader->presences, i), "id"));

        if (id != NULL && strcmp(id, name) == 0) {
            return i;
        }
    }
    blame(reader, key, "no such presence in this case");
    return 0;
}

static enum rule_risk risk_of(struct reader *reader, const json_t *value, const char *key)
{
    static const char *const names[] = {"L", "M", "H", "VH"};
    const char *name = json_string_value(value);

    for (size_t i = 0; name != NULL && i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum rule_risk)i;
        }
    }
    blame(reader, key, "not a risk level: VH, H, M or L");
    return RULE_RISK_LOW;
}

static void read_policy(struct reader *reader, const json_t *object, struct rule_policy *policy)
{
    const json_t *forbidden = json_object_get(object, "lone_forbidden");
    const json_t *drift = json_object_get(object, "drift");

    rule_policy_default(policy);
    stand_at(reader, "policy");
    policy->max_alone_us = seconds_or(reader, object, "max_alone_s", policy->max_alone_us);
    policy->longest_visit_us = seconds_or(reader, object, "longest_visit_s", policy->longest_visit_us);
    policy->time_limit_us = seconds_or(reader, object, "time_limit_s", policy->time_limit_us);
    policy->retro_window_us = seconds_or(reader, object, "retro_window_s", policy->retro_window_us);
    policy->evidence_overdue_us = seconds_or(reader, object, "evidence_overdue_s", policy->evidence_overdue_us);
    policy->authority_max_us = seconds_or(reader, object, "authority_max_s", policy->authority_max_us);
    policy->cosign_round_trip_us = seconds_or(reader, object, "cosign_round_trip_s", policy->cosign_round_trip_us);
    policy->partner_distance_m = metres_or(reader, object, "partner_distance_m", policy->partner_distance_m);
    policy->far_apart_m = metres_or(reader, object, "far_apart_m", policy->far_apart_m);
    policy->late_out_m = metres_or(reader, object, "late_out_m", policy->late_out_m);
    if (!absent(drift)) {
        double share = json_number_value(drift);

        if (!json_is_number(drift) || !(share >= 0 && share < 1)) {
            blame(reader, "drift", "not a share from 0 to 1");
            return;
        }
        policy->drift_ppb = (int64_t)(share * 1e9 + 0.5);
    }
    if (!absent(forbidden)) {
        memset(policy->lone_forbidden, 0, sizeof policy->lone_forbidden);
        for (size_t i = 0; i < json_array_size(forbidden); i++) {
            policy->lone_forbidden[risk_of(reader, json_array_get(forbidden, i), "lone_forbidden")] = true;
        }
    }
}

static struct rule_place place(struct reader *reader, const json_t *point, const char *key, double accuracy_m)
{
    struct rule_place place = {.known = !absent(point), .accuracy_m = accuracy_m};

    if (place.known && json_array_size(point) != 2) {
        blame(reader, key, "not a place [x, y]");
    } else if (place.known) {
        place.x_m = metres(reader, json_array_get(point, 0), key);
        place.y_m = metres(reader, json_array_get(point, 1), key);
    }
    return place;
}

static void read_offenders(struct reader *reader, struct judge_owned *owned)
{
    size_t index = 0;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)reader->offenders, name, value)
    {
        struct rule_offender *offender = &owned->offenders[index];

        stand_at(reader, "offenders.%.60s", name);
        owned->risks[index] =
            (struct rule_risk_span){INT64_MIN, risk_of(reader, json_object_get(value, "risk"), "risk")};
        *offender = (struct rule_offender){.id = id_of(name), .risks = &owned->risks[index], .risk_count = 1};
        offender->at = place(reader, json_object_get(value, "at"), "at", 0);
        index++;
    }
}

static void read_officers(struct reader *reader, struct judge_owned *owned)
{
    size_t index = 0;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)reader->officers, name, value)
    {
        stand_at(reader, "officers.%.60s", name);
        owned->officer_names[index] = name;
        owned->officers[index++] = (struct rule_officer){
            .id = id_of(name),
            .accredited = flag_of(reader, value, "accredited", false),
            .entitled_from_us = seconds_or(reader, value, "entitled_from", INT64_MIN),
            .entitled_to_us = seconds_or(reader, value, "entitled_to", RULE_FOREVER),
        };
    }
}

static void read_devices(struct reader *reader, struct judge_owned *owned)
{
    size_t index = 0;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)reader->devices, name, value)
    {
        const json_t *watermark = json_object_get(reader->watermarks, name);
        struct rule_device *device = &owned->devices[index++];

        stand_at(reader, "devices.%.60s", name);
        *device = (struct rule_device){
            .id = id_of(name),
            .officer = officer_place(reader, text_of(reader, value, "officer"), "officer"),
            .revoked_as_of_us = seconds_or(reader, value, "revoked_as_of", RULE_FOREVER),
            .revocation_recorded_us = seconds_or(reader, value, "revocation_recorded", RULE_FOREVER),
            .lost = flag_of(reader, value, "lost", false),
            .watermark_known = !absent(watermark),
        };
        if (device->watermark_known) {
            stand_at(reader, "watermarks");
            device->watermark_us = seconds(reader, watermark, name);
        }
    }
}

static struct rule_instant instant(struct reader *reader, const json_t *pair, const char *key)
{
    struct rule_instant instant = {INT64_MIN, RULE_FOREVER};

    if (json_array_size(pair) != 2) {
        blame(reader, key, "not bounds [lo, hi]");
        return instant;
    }
    if (!json_is_null(json_array_get(pair, 0))) {
        instant.lo_us = seconds(reader, json_array_get(pair, 0), key);
    }
    if (!json_is_null(json_array_get(pair, 1))) {
        instant.hi_us = seconds(reader, json_array_get(pair, 1), key);
    }
    if (instant.lo_us > instant.hi_us) {
        blame(reader, key, "the lower bound is above the upper");
    }
    return instant;
}

static size_t names(struct reader *reader, const json_t *list, const char *key, size_t *ret_officers)
{
    size_t count = json_array_size(list);

    if (!json_is_array(list) || count > RULE_NAMED_MAX) {
        blame(reader, key, "not a list of at most 8 officers");
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));

        ret_officers[i] = officer_place(reader, name == NULL ? "" : name, key);
    }
    return count;
}

static void read_company(struct reader *reader, const json_t *object, struct rule_presence *presence)
{
    const json_t *with = json_object_get(object, "with");
    const json_t *agency = json_object_get(object, "agency");
    const char *word = json_string_value(with);

    presence->agency = !absent(agency);
    if (presence->agency && !json_is_string(agency)) {
        blame(reader, "agency", "not a name");
    }
    if (absent(with) || (word != NULL && strcmp(word, "unrecorded") == 0)) {
        presence->with = RULE_WITH_UNRECORDED;
    } else if (word != NULL && strcmp(word, "alone") == 0) {
        presence->with = RULE_WITH_ALONE;
    } else {
        presence->with = RULE_WITH_NAMED;
        presence->named_count = names(reader, with, "with", presence->named);
    }
}

static enum rule_outcome outcome_of(struct reader *reader, const json_t *object)
{
    const json_t *value = json_object_get(object, "outcome");
    const char *name = json_string_value(value);

    if (absent(value)) {
        return RULE_OUTCOME_NONE;
    }
    for (enum rule_outcome outcome = RULE_OUTCOME_SEEN; outcome <= RULE_OUTCOME_ABORTED; outcome++) {
        if (name != NULL && strcmp(name, rule_outcome_name(outcome)) == 0) {
            return outcome;
        }
    }
    blame(reader, "outcome", "not an outcome");
    return RULE_OUTCOME_NONE;
}

/* The first presence with this boot's name gives its number; a reading without a clock stands alone. */
static uint64_t boot_of(struct reader *reader, const json_t *object, const char *mono_key, size_t index, uint64_t alone)
{
    const json_t *boot = json_object_get(object, "boot");

    if (absent(boot) || absent(json_object_get(object, mono_key))) {
        return alone;
    }
    if (!json_is_string(boot) && !json_is_integer(boot)) {
        blame(reader, "boot", "not a name");
        return alone;
    }
    for (size_t i = 0; i < index; i++) {
        if (json_equal(boot, json_object_get(json_array_get(reader->presences, i), "boot"))) {
            return i + 1;
        }
    }
    return index + 1;
}

static void read_clock(struct reader *reader, const json_t *object, size_t index, struct rule_presence *presence)
{
    uint64_t alone = UINT64_C(1) << 32 | (uint64_t)index << 1;
    const json_t *in_seq = json_object_get(object, "in_seq");
    const json_t *out_seq = json_object_get(object, "out_seq");

    presence->in_boot = boot_of(reader, object, "in_m", index, alone);
    presence->out_boot = boot_of(reader, object, "out_m", index, alone + 1);
    presence->in_mono_us = seconds_or(reader, object, "in_m", 0);
    presence->out_mono_us = seconds_or(reader, object, "out_m", 0);
    presence->in_seq = json_integer_value(in_seq) > 0 ? (uint64_t)json_integer_value(in_seq) : 0;
    presence->out_seq = json_integer_value(out_seq) > 0 ? (uint64_t)json_integer_value(out_seq) : 0;
    presence->clock_trouble = flag_of(reader, object, "clock_trouble", false);
}

static void read_cosign(struct reader *reader, const json_t *object, struct rule_presence *presence)
{
    const json_t *cosign = json_object_get(object, "cosign");

    presence->cosign.presence = RULE_NONE;
    if (absent(cosign)) {
        return;
    }
    presence->cosign = (struct rule_cosign){
        .presence = presence_place(reader, text_of(reader, cosign, "presence"), "cosign.presence"),
        .first = flag_of(reader, cosign, "first", false),
        .confirm_known = !absent(json_object_get(cosign, "confirm_m")) && !absent(json_object_get(object, "in_m")),
        .confirm_mono_us = seconds_or(reader, cosign, "confirm_m", 0),
        .round_trip_us = seconds_or(reader, cosign, "round_trip_s", RULE_FOREVER),
    };
}

static void read_presence(struct reader *reader, const json_t *object, size_t index, struct judge_owned *owned)
{
    struct rule_presence *presence = &owned->presences[index];
    const char *id = text_of(reader, object, "id");
    double accuracy_m = metres_or(reader, object, "acc", 0);

    if (presence_place(reader, id, "id") != index) {
        blame(reader, "id", "another presence has this id");
    }
    *presence = (struct rule_presence){
        .officer = officer_place(reader, text_of(reader, object, "officer"), "officer"),
        .device = place_of(reader, reader->devices, text_of(reader, object, "device"), "device",
                           "no such device in this case"),
        .offender = offender_place(reader, object),
        .in = instant(reader, json_object_get(object, "in"), "in"),
        .has_out = !absent(json_object_get(object, "out")),
        .in_at = place(reader, json_object_get(object, "at"), "at", accuracy_m),
        .out_at = place(reader, json_object_get(object, "out_at"), "out_at", accuracy_m),
        .received_us = seconds_of(reader, object, "received"),
        .contested = flag_of(reader, object, "contested", false),
        .unassigned = flag_of(reader, object, "unassigned", false),
        .outcome = outcome_of(reader, object),
    };
    name_bytes(id, presence->id.bytes, sizeof presence->id.bytes);
    owned->presence_names[index] = id;
    if (presence->has_out) {
        presence->out = instant(reader, json_object_get(object, "out"), "out");
    }
    read_company(reader, object, presence);
    read_clock(reader, object, index, presence);
    read_cosign(reader, object, presence);
}

static void read_plan(struct reader *reader, const json_t *object, struct rule_plan *plan)
{
    *plan = (struct rule_plan){
        .offender = offender_place(reader, object),
        .from_us = seconds_of(reader, object, "from"),
        .to_us = seconds_of(reader, object, "to"),
    };
    plan->officer_count = names(reader, json_object_get(object, "officers"), "officers", plan->officers);
}

static void read_authority(struct reader *reader, const json_t *object, struct rule_authority_word *word)
{
    *word = (struct rule_authority_word){
        .officer = officer_place(reader, text_of(reader, object, "officer"), "officer"),
        .offender = offender_place(reader, object),
        .granted = flag_of(reader, object, "granted", false),
        .by = id_of(text_of(reader, object, "by")),
        .recorded_us = seconds_of(reader, object, "recorded"),
        .valid_from_us = seconds_of(reader, object, "valid_from"),
        .valid_to_us = seconds_of(reader, object, "valid_to"),
    };
}

static void read_decision(struct reader *reader, const json_t *object, struct rule_decision *decision)
{
    *decision = (struct rule_decision){
        .presence = presence_place(reader, text_of(reader, object, "presence"), "presence"),
        .by = id_of(text_of(reader, object, "by")),
        .counts = flag_of(reader, object, "counts", false),
        .recorded_us = seconds_of(reader, object, "recorded"),
    };
}

static void read_lists(struct reader *reader, const json_t *root, struct judge_owned *owned)
{
    const json_t *plans = json_object_get(root, "plans");
    const json_t *authorities = json_object_get(root, "authorities");
    const json_t *decisions = json_object_get(root, "decisions");

    for (size_t i = 0; i < json_array_size(reader->presences); i++) {
        stand_at(reader, "presences[%zu]", i);
        read_presence(reader, json_array_get(reader->presences, i), i, owned);
    }
    for (size_t i = 0; i < json_array_size(plans); i++) {
        stand_at(reader, "plans[%zu]", i);
        read_plan(reader, json_array_get(plans, i), &owned->plans[i]);
    }
    for (size_t i = 0; i < json_array_size(authorities); i++) {
        stand_at(reader, "authorities[%zu]", i);
        read_authority(reader, json_array_get(authorities, i), &owned->authorities[i]);
    }
    for (size_t i = 0; i < json_array_size(decisions); i++) {
        stand_at(reader, "decisions[%zu]", i);
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

static void check_shape(struct reader *reader, const json_t *root)
{
    static const char *const objects[] = {"policy", "offenders", "officers", "devices", "watermarks"};
    static const char *const arrays[] = {"presences", "plans", "authorities", "decisions"};

    if (!json_is_object(root)) {
        blame(reader, "", "not a JSON object");
    }
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const json_t *value = json_object_get(root, objects[i]);

        if (!absent(value) && !json_is_object(value)) {
            blame(reader, objects[i], "not an object");
        }
    }
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        const json_t *value = json_object_get(root, arrays[i]);

        if (!absent(value) && !json_is_array(value)) {
            blame(reader, arrays[i], "not a list");
        }
    }
    if (json_array_size(json_object_get(root, "presences")) > RULE_PRESENCES_MAX) {
        blame(reader, "presences", "too many presences in one case: at most 64");
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

enum status judge_json_read(const char *line, size_t length, struct judge_case *ret_case, struct judge_error *ret_error)
{
    struct reader reader = {.error = ret_error};
    struct judge_owned *owned = calloc(1, sizeof *owned);
    enum status status = STATUS_NO_MEMORY;
    json_error_t trouble;
    int64_t now_us;

    if (owned == NULL) {
        return STATUS_NO_MEMORY;
    }
    owned->root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &trouble);
    if (owned->root == NULL) {
        stand_at(&reader, "column %d", trouble.column);
        blame(&reader, "", trouble.text);
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
    now_us = seconds_of(&reader, owned->root, "now");
    read_policy(&reader, json_object_get(owned->root, "policy"), &owned->policy);
    read_offenders(&reader, owned);
    read_officers(&reader, owned);
    read_devices(&reader, owned);
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
