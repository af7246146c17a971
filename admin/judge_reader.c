#include "admin/judge_reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/utf8.h"

#define SECOND_US INT64_C(1000000)
#define METRES_MAX 1e8

/* What was cut in the middle of a character ends before it, so that it can be told in JSON. */
static void end_whole(char *text)
{
    size_t length = strlen(text);

    while (!utf8_valid(span_of(text, length))) {
        text[--length] = '\0';
    }
}

/* Cut where it doesn't fit: the place is for a person to read. */
static void append(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    size_t room = size - length - 1;
    size_t added = strlen(more) < room ? strlen(more) : room;

    memcpy(text + length, more, added);
    text[length + added] = '\0';
}

void judge_blame(struct judge_reader *reader, const char *key, const char *what)
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
    end_whole(error->what);
    end_whole(error->at);
}

void judge_stand_at(struct judge_reader *reader, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(reader->at, sizeof reader->at, format, arguments);
    va_end(arguments);
    end_whole(reader->at);
}

bool judge_absent(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

/* 12.0 is 12: many a program that writes JSON knows no integers. */
int64_t judge_seconds(struct judge_reader *reader, const json_t *value, const char *key)
{
    double real = json_is_real(value) ? json_real_value(value) : 0;
    json_int_t whole = json_integer_value(value);

    if (json_is_real(value) && fabs(real) <= (double)JUDGE_TIME_MAX_S && floor(real) == real) {
        return (int64_t)real * SECOND_US;
    }
    if (!json_is_integer(value) || whole > JUDGE_TIME_MAX_S || whole < -JUDGE_TIME_MAX_S) {
        judge_blame(reader, key, "not a time in whole seconds");
        return 0;
    }
    return whole * SECOND_US;
}

int64_t judge_seconds_of(struct judge_reader *reader, const json_t *object, const char *key)
{
    return judge_seconds(reader, json_object_get(object, key), key);
}

int64_t judge_seconds_or(struct judge_reader *reader, const json_t *object, const char *key, int64_t otherwise_us)
{
    const json_t *value = json_object_get(object, key);

    return judge_absent(value) ? otherwise_us : judge_seconds(reader, value, key);
}

int64_t judge_length_or(struct judge_reader *reader, const json_t *object, const char *key, int64_t otherwise_us)
{
    int64_t length_us = judge_seconds_or(reader, object, key, otherwise_us);

    if (length_us < 0) {
        judge_blame(reader, key, "less than nothing");
    }
    return length_us;
}

uint64_t judge_number_of(struct judge_reader *reader, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!judge_absent(value) && (!json_is_integer(value) || json_integer_value(value) < 1)) {
        judge_blame(reader, key, "not a number from 1");
        return 0;
    }
    return judge_absent(value) ? 0 : (uint64_t)json_integer_value(value);
}

void judge_check_object(struct judge_reader *reader, const json_t *value)
{
    if (!json_is_object(value)) {
        judge_blame(reader, "", "not an object");
    }
}

bool judge_flag_of(struct judge_reader *reader, const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);

    if (!judge_absent(value) && !json_is_boolean(value)) {
        judge_blame(reader, key, "not true or false");
    }
    return judge_absent(value) ? otherwise : json_is_true(value);
}

double judge_metres(struct judge_reader *reader, const json_t *value, const char *key)
{
    double metres_m = json_number_value(value);

    if (!json_is_number(value) || !(fabs(metres_m) <= METRES_MAX)) {
        judge_blame(reader, key, "not a distance in metres");
        return 0;
    }
    return metres_m;
}

double judge_metres_or(struct judge_reader *reader, const json_t *object, const char *key, double otherwise_m)
{
    const json_t *value = json_object_get(object, key);
    double metres_m = judge_absent(value) ? otherwise_m : judge_metres(reader, value, key);

    if (metres_m < 0) {
        judge_blame(reader, key, "less than nothing");
    }
    return metres_m;
}

const char *judge_text_of(struct judge_reader *reader, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (text == NULL || text[0] == '\0') {
        judge_blame(reader, key, "not a name");
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

void judge_name_bytes(const char *name, uint8_t *ret_bytes, size_t size)
{
    size_t length = strlen(name);

    memset(ret_bytes, 0, size);
    memcpy(ret_bytes, name, length < size - 8 ? length : size - 8);
    put_u64(ret_bytes + size - 8, digest(name));
}

struct id judge_id_of(const char *name)
{
    struct id id;

    judge_name_bytes(name, id.bytes, sizeof id.bytes);
    return id;
}

/* The index of a key, in the object's own order. */
size_t judge_place_of(struct judge_reader *reader, const json_t *table, const char *name, const char *key,
                      const char *what)
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
    judge_blame(reader, key, what);
    return 0;
}

size_t judge_officer_place(struct judge_reader *reader, const char *name, const char *key)
{
    return judge_place_of(reader, reader->officers, name, key, "no such officer in this case");
}

size_t judge_offender_place(struct judge_reader *reader, const json_t *object)
{
    return judge_place_of(reader, reader->offenders, judge_text_of(reader, object, "offender"), "offender",
                          "no such offender in this case");
}

size_t judge_presence_place(struct judge_reader *reader, const char *name, const char *key)
{
    for (size_t i = 0; i < json_array_size(reader->presences); i++) {
        const char *id = json_string_value(json_object_get(json_array_get(reader->presences, i), "id"));

        if (id != NULL && strcmp(id, name) == 0) {
            return i;
        }
    }
    judge_blame(reader, key, "no such presence in this case");
    return 0;
}

enum rule_risk judge_risk_of(struct judge_reader *reader, const json_t *value, const char *key)
{
    static const char *const names[] = {"L", "M", "H", "VH"};
    const char *name = json_string_value(value);

    for (size_t i = 0; name != NULL && i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum rule_risk)i;
        }
    }
    judge_blame(reader, key, "not a risk level: VH, H, M or L");
    return RULE_RISK_LOW;
}
