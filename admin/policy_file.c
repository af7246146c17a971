#include "admin/policy_file.h"

#include <ini.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/roster_entries.h"
#include "admin/time_text.h"

enum policy_unit { UNIT_TIME, UNIT_DISTANCE, UNIT_PPM, UNIT_COUNT, UNIT_CLOCK };

/* One parameter: where it lies, its default (DOMAIN.md; drift: DESIGN.md T1), what it may be. */
struct parameter {
    const char *name;
    size_t offset;
    enum policy_unit unit;
    uint32_t standard;
    uint32_t least;
    uint32_t most;
};

#define AT(field) offsetof(Doublecrew__V1__Policy, field)
#define HOUR 3600u
#define DAY (24u * HOUR)

static const struct parameter parameters[] = {
    {"max_alone", AT(max_alone_s), UNIT_TIME, 600, 0, DAY},
    {"longest_visit", AT(longest_visit_s), UNIT_TIME, 3 * HOUR, 60, 7 * DAY},
    {"time_limit", AT(time_limit_s), UNIT_TIME, 4 * HOUR, 60, 30 * DAY},
    {"retro_window", AT(retro_window_s), UNIT_TIME, DAY, 0, 30 * DAY},
    {"evidence_overdue", AT(evidence_overdue_s), UNIT_TIME, DAY, 60, 30 * DAY},
    {"authority_max", AT(authority_max_s), UNIT_TIME, 7 * DAY, 60, 365 * DAY},
    {"cosign_round_trip", AT(cosign_round_trip_s), UNIT_TIME, 60, 1, HOUR},
    {"drift", AT(drift_ppm), UNIT_PPM, 200, 1, 10000},
    {"partner_distance", AT(partner_distance_m), UNIT_DISTANCE, 100, 0, 100000},
    {"far_apart", AT(far_apart_m), UNIT_DISTANCE, 2000, 1, 1000000},
    {"late_out", AT(late_out_m), UNIT_DISTANCE, 150, 1, 100000},
    {"live_silence", AT(live_silence_s), UNIT_TIME, 120, 10, HOUR},
    {"acknowledge_within", AT(acknowledge_within_s), UNIT_TIME, 900, 60, DAY},
    {"welfare_check", AT(welfare_check_s), UNIT_TIME, HOUR, 60, DAY},
    {"skew_shown", AT(skew_shown_s), UNIT_TIME, 120, 1, DAY},
    {"address_distance", AT(address_distance_m), UNIT_DISTANCE, 150, 1, 100000},
    {"work_from", AT(work_from_min), UNIT_CLOCK, 8 * 60, 0, 24 * 60},
    {"work_to", AT(work_to_min), UNIT_CLOCK, 18 * 60, 0, 24 * 60},
    {"answer_within", AT(answer_within_s), UNIT_TIME, 1800, 0, DAY},
    {"repeated_lone", AT(repeated_lone), UNIT_COUNT, 2, 0, 1000},
    {"repeated_within", AT(repeated_within_s), UNIT_TIME, 90 * DAY, DAY, 3650 * DAY},
    {"same_pair", AT(same_pair), UNIT_COUNT, 8, 0, 1000},
    {"plausible_visit", AT(plausible_visit_s), UNIT_TIME, 180, 0, HOUR},
    {"edited_after", AT(edited_after_s), UNIT_TIME, 3 * DAY, 0, 3650 * DAY},
};

static uint32_t *value_at(Doublecrew__V1__Policy *policy, size_t offset)
{
    union {
        char *bytes;
        uint32_t *value;
    } at = {.bytes = (char *)policy + offset};

    return at.value;
}

void policy_values_default(struct policy_values *values)
{
    Doublecrew__V1__Policy empty = DOUBLECREW__V1__POLICY__INIT;

    values->message = empty;
    values->message.version = 1;
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
        *value_at(&values->message, parameters[i].offset) = parameters[i].standard;
    values->lone[0] = DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_VERY_HIGH;
    values->lone[1] = DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_HIGH;
    values->message.lone_forbidden = values->lone;
    values->message.n_lone_forbidden = 2;
    values->message.work_days = 1 | 2 | 4 | 8 | 16;
}

void policy_values_complete(struct policy_values *values)
{
    struct policy_values standard;

    if (values->message.work_days != 0)
        return;
    policy_values_default(&standard);
    values->message.work_from_min = standard.message.work_from_min;
    values->message.work_to_min = standard.message.work_to_min;
    values->message.work_days = standard.message.work_days;
    values->message.answer_within_s = standard.message.answer_within_s;
    values->message.repeated_lone = standard.message.repeated_lone;
    values->message.repeated_within_s = standard.message.repeated_within_s;
    values->message.same_pair = standard.message.same_pair;
    values->message.plausible_visit_s = standard.message.plausible_visit_s;
    values->message.edited_after_s = standard.message.edited_after_s;
}

struct unit_word {
    enum policy_unit unit;
    const char *word;
    uint32_t factor;
};

static const struct unit_word unit_words[] = {
    {UNIT_TIME, "s", 1},         {UNIT_TIME, "min", 60},  {UNIT_TIME, "h", HOUR},
    {UNIT_TIME, "days", DAY},    {UNIT_TIME, "day", DAY}, {UNIT_DISTANCE, "m", 1},
    {UNIT_DISTANCE, "km", 1000}, {UNIT_PPM, "ppm", 1},    {UNIT_COUNT, "visits", 1},
};

static const char *allowed_units(enum policy_unit unit)
{
    static const char *const texts[] = {"s, min, h or days", "m or km", "ppm", "visits"};

    return texts[unit];
}

/* "08:00", local time; 24:00 is the end of the day. */
static bool read_clock(const char *text, uint32_t *ret_value)
{
    uint32_t hour, minute;

    if (strlen(text) != 5 || text[2] != ':')
        return false;
    for (size_t i = 0; i < 5; i++) {
        if (i != 2 && (text[i] < '0' || text[i] > '9'))
            return false;
    }
    hour = 10 * (uint32_t)(text[0] - '0') + (uint32_t)(text[1] - '0');
    minute = 10 * (uint32_t)(text[3] - '0') + (uint32_t)(text[4] - '0');
    if (minute > 59 || hour * 60 + minute > 24 * 60)
        return false;
    *ret_value = hour * 60 + minute;
    return true;
}

static bool read_quantity(const struct parameter *parameter, const char *text, uint32_t *ret_value)
{
    char *end = NULL;

    if (parameter->unit == UNIT_CLOCK)
        return read_clock(text, ret_value);
    unsigned long number = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || number > UINT32_MAX)
        return false;
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < sizeof(unit_words) / sizeof(unit_words[0]); i++) {
        if (unit_words[i].unit != parameter->unit || strcmp(unit_words[i].word, end) != 0)
            continue;
        uint64_t value = (uint64_t)number * unit_words[i].factor;
        if (value < parameter->least || value > parameter->most)
            return false;
        *ret_value = (uint32_t)value;
        return true;
    }
    return false;
}

struct policy_reading {
    struct policy_values values;
    const char *path;
    size_t faults;
};

static bool read_risks(struct policy_values *values, const char *text)
{
    char copy[128];
    char *rest = NULL;
    size_t count = 0;

    if (strlen(text) >= sizeof(copy))
        return false;
    memcpy(copy, text, strlen(text) + 1);
    for (char *word = strtok_r(copy, ", ", &rest); word != NULL; word = strtok_r(NULL, ", ", &rest)) {
        Doublecrew__V1__RiskLevel risk = risk_from_text(word);
        if (risk == DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_UNSPECIFIED || count == POLICY_LONE_MAX)
            return false;
        values->lone[count++] = risk;
    }
    values->message.n_lone_forbidden = count;
    return true;
}

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static bool read_days(const char *text, uint32_t *ret_days)
{
    char copy[128];
    char *rest = NULL;
    uint32_t days = 0;

    if (strlen(text) >= sizeof(copy))
        return false;
    memcpy(copy, text, strlen(text) + 1);
    for (char *word = strtok_r(copy, ", ", &rest); word != NULL; word = strtok_r(NULL, ", ", &rest)) {
        uint32_t day = 0;

        while (day < 7 && strcmp(word, day_names[day]) != 0)
            day++;
        if (day == 7)
            return false;
        days |= UINT32_C(1) << day;
    }
    *ret_days = days;
    return days != 0;
}

static void days_text(uint32_t days, char *ret_text, size_t size)
{
    size_t at = 0;

    ret_text[0] = '\0';
    for (uint32_t day = 0; day < 7 && at < size; day++) {
        if ((days >> day & 1) != 0)
            at += (size_t)snprintf(ret_text + at, size - at, "%s%s", at > 0 ? ", " : "", day_names[day]);
    }
}

static int on_parameter(void *context, const char *section, const char *name, const char *value)
{
    struct policy_reading *reading = context;

    (void)section;
    if (strcmp(name, "lone_forbidden") == 0) {
        if (read_risks(&reading->values, value))
            return 1;
        fprintf(stderr, "%s: lone_forbidden = %s: give risk levels out of very_high, high, medium, low\n",
                reading->path, value);
        reading->faults++;
        return 0;
    }
    if (strcmp(name, "work_days") == 0) {
        if (read_days(value, &reading->values.message.work_days))
            return 1;
        fprintf(stderr, "%s: work_days = %s: give days out of mon, tue, wed, thu, fri, sat, sun\n", reading->path,
                value);
        reading->faults++;
        return 0;
    }
    if (strcmp(name, "effective_from") == 0) {
        if (time_from_text(value, &reading->values.message.effective_from_ms) == STATUS_OK &&
            reading->values.message.effective_from_ms > 0)
            return 1;
        fprintf(stderr, "%s: effective_from = %s: give a time such as 2026-04-01 or 2026-04-01T00:00Z\n", reading->path,
                value);
        reading->faults++;
        return 0;
    }
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        const struct parameter *parameter = &parameters[i];
        if (strcmp(parameter->name, name) != 0)
            continue;
        if (read_quantity(parameter, value, value_at(&reading->values.message, parameter->offset)))
            return 1;
        if (parameter->unit == UNIT_CLOCK) {
            fprintf(stderr, "%s: %s = %s: give a local time such as 08:00, at most 24:00\n", reading->path, name,
                    value);
            reading->faults++;
            return 0;
        }
        fprintf(stderr, "%s: %s = %s: give a whole number and a unit (%s), from %u to %u in the smallest unit\n",
                reading->path, name, value, allowed_units(parameter->unit), parameter->least, parameter->most);
        reading->faults++;
        return 0;
    }
    fprintf(stderr, "%s: there is no parameter '%s'; 'doublecrewctl policy show' lists them\n", reading->path, name);
    reading->faults++;
    return 0;
}

enum status policy_values_read(const char *path, struct policy_values *values)
{
    struct policy_reading reading = {.values = *values, .path = path};
    int line = ini_parse(path, on_parameter, &reading);

    if (line < 0) {
        fprintf(stderr, "%s: can't be opened: check the path\n", path);
        return STATUS_NOT_FOUND;
    }
    if (line > 0) {
        fprintf(stderr, "%s:%d: this is the first line that is wrong; nothing was changed\n", path, line);
        return STATUS_INPUT;
    }
    if (reading.values.message.work_from_min >= reading.values.message.work_to_min) {
        fprintf(stderr, "%s: work_to must be later on the day than work_from; nothing was changed\n", path);
        return STATUS_INPUT;
    }
    *values = reading.values;
    values->message.lone_forbidden = values->lone;
    return STATUS_OK;
}

void policy_values_print(const struct policy_values *values)
{
    Doublecrew__V1__Policy policy = values->message;
    char days[64];

    printf("# Policy version %u. Lengths and distances in their smallest unit; min, h, days and km may be used.\n",
           policy.version);
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        static const char *const smallest[] = {"s", "m", "ppm", "visits"};
        uint32_t value = *value_at(&policy, parameters[i].offset);

        if (parameters[i].unit == UNIT_CLOCK)
            printf("%s = %02u:%02u\n", parameters[i].name, value / 60, value % 60);
        else
            printf("%s = %u %s\n", parameters[i].name, value, smallest[parameters[i].unit]);
    }
    days_text(policy.work_days, days, sizeof(days));
    printf("work_days = %s\n", days);
    printf("lone_forbidden =");
    for (size_t i = 0; i < policy.n_lone_forbidden; i++)
        printf("%s %s", i == 0 ? "" : ",", risk_to_text(values->lone[i]));
    printf("\n");
}

/* In the largest unit that gives a whole number: "10 min". */
static void quantity_text(const struct parameter *parameter, uint32_t value, char *ret_text, size_t size)
{
    const struct unit_word *best = NULL;

    if (parameter->unit == UNIT_CLOCK) {
        (void)snprintf(ret_text, size, "%02u:%02u", value / 60, value % 60);
        return;
    }
    for (size_t i = 0; i < sizeof(unit_words) / sizeof(unit_words[0]); i++) {
        const struct unit_word *word = &unit_words[i];

        if (word->unit == parameter->unit && value % word->factor == 0 && (value > 0 || word->factor == 1) &&
            (best == NULL || word->factor > best->factor || (word->factor == best->factor && value == word->factor)))
            best = word;
    }
    (void)snprintf(ret_text, size, "%u %s", best != NULL ? value / best->factor : value,
                   best != NULL ? best->word : "");
}

static void risks_text(const struct policy_values *values, char *ret_text, size_t size)
{
    size_t at = 0;

    (void)snprintf(ret_text, size, "none");
    for (size_t i = 0; i < values->message.n_lone_forbidden && at < size; i++)
        at += (size_t)snprintf(ret_text + at, size - at, "%s%s", i == 0 ? "" : ", ", risk_to_text(values->lone[i]));
}

size_t policy_difference_print(const struct policy_values *before, const struct policy_values *after,
                               const char *indent)
{
    Doublecrew__V1__Policy old = before->message;
    Doublecrew__V1__Policy now = after->message;
    char old_text[64];
    char now_text[64];
    size_t lines = 0;

    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        uint32_t old_value = *value_at(&old, parameters[i].offset);
        uint32_t now_value = *value_at(&now, parameters[i].offset);

        if (old_value == now_value)
            continue;
        quantity_text(&parameters[i], old_value, old_text, sizeof(old_text));
        quantity_text(&parameters[i], now_value, now_text, sizeof(now_text));
        printf("%s%s: %s -> %s\n", indent, parameters[i].name, old_text, now_text);
        lines++;
    }
    days_text(old.work_days, old_text, sizeof(old_text));
    days_text(now.work_days, now_text, sizeof(now_text));
    if (strcmp(old_text, now_text) != 0) {
        printf("%swork_days: %s -> %s\n", indent, old_text, now_text);
        lines++;
    }
    risks_text(before, old_text, sizeof(old_text));
    risks_text(after, now_text, sizeof(now_text));
    if (strcmp(old_text, now_text) != 0) {
        printf("%slone_forbidden: %s -> %s\n", indent, old_text, now_text);
        lines++;
    }
    return lines;
}

enum status policy_add(struct operator_entries *entries, const struct policy_values *values)
{
    return operator_entries_add(entries, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_POLICY, &values->message.base);
}

enum status policy_add_default(struct operator_entries *entries)
{
    struct policy_values values;

    policy_values_default(&values);
    return policy_add(entries, &values);
}
