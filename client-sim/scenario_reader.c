#include "client-sim/scenario_reader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void reader_fail(struct reader *reader, const char *format, ...)
{
    va_list arguments;

    if (reader->failed)
        return;
    reader->failed = true;
    va_start(arguments, format);
    /* The analyser loses va_start among several files. NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vsnprintf(reader->fault, sizeof(reader->fault), format, arguments);
    va_end(arguments);
}

static void skip_blanks(struct reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\t')
        reader->at++;
}

bool reader_at_end(struct reader *reader)
{
    skip_blanks(reader);
    return *reader->at == '\0';
}

static bool ends_word(char next)
{
    return next == '\0' || next == ' ' || next == '\t' || next == ',' || next == ':' || next == ';' || next == '\'' ||
           next == '"';
}

/* Phrases begin with a word or with a mark such as a comma, which needs no blank after it. */
bool reader_phrase(struct reader *reader, const char *phrase)
{
    size_t size = strlen(phrase);

    skip_blanks(reader);
    if (reader->failed || strncmp(reader->at, phrase, size) != 0)
        return false;
    if (isalnum((unsigned char)phrase[size - 1]) && !ends_word(reader->at[size]))
        return false;
    reader->at += size;
    return true;
}

void reader_need(struct reader *reader, const char *phrase)
{
    if (!reader_phrase(reader, phrase))
        reader_fail(reader, "'%s' is expected before '%.40s'", phrase, reader->at);
}

static bool stands_here(const char *at, const char *name)
{
    size_t size = strlen(name);

    return strncmp(at, name, size) == 0 && ends_word(at[size]);
}

/* stride: from one name to the next. */
static size_t longest_name(struct reader *reader, const char *first, size_t stride, size_t count)
{
    size_t best = SCENARIO_NONE;
    size_t best_size = 0;

    skip_blanks(reader);
    if (reader->failed)
        return SCENARIO_NONE;
    for (size_t i = 0; i < count; i++) {
        const char *name = first + i * stride;
        if (stands_here(reader->at, name) && strlen(name) > best_size) {
            best = i;
            best_size = strlen(name);
        }
    }
    reader->at += best_size;
    return best;
}

size_t reader_person(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;

    return longest_name(reader, scenario->people[0].name, sizeof(scenario->people[0]), scenario->person_count);
}

size_t reader_offender(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;

    return longest_name(reader, scenario->offenders[0].name, sizeof(scenario->offenders[0]), scenario->offender_count);
}

size_t reader_team(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;

    return longest_name(reader, scenario->teams[0], sizeof(scenario->teams[0]), scenario->team_count);
}

static size_t needed(struct reader *reader, size_t found, const char *what)
{
    if (found != SCENARIO_NONE || reader->failed)
        return found == SCENARIO_NONE ? 0 : found;
    reader_fail(reader, "%s that was declared above is expected at '%.40s'", what, reader->at);
    return 0;
}

size_t reader_need_person(struct reader *reader)
{
    return needed(reader, reader_person(reader), "the name of an officer or supervisor");
}

size_t reader_need_offender(struct reader *reader)
{
    return needed(reader, reader_offender(reader), "the name of an offender");
}

size_t reader_need_team(struct reader *reader)
{
    return needed(reader, reader_team(reader), "the name of a team");
}

void reader_name(struct reader *reader, char ret_name[SCENARIO_NAME_MAX])
{
    size_t size = 0;

    skip_blanks(reader);
    if (reader->failed)
        return;
    size = strcspn(reader->at, ",:;\"'");
    while (size > 0 && reader->at[size - 1] == ' ')
        size--;
    if (size == 0 || size >= SCENARIO_NAME_MAX) {
        reader_fail(reader, "a name of 1 to %d bytes is expected at '%.40s'", SCENARIO_NAME_MAX - 1, reader->at);
        return;
    }
    memcpy(ret_name, reader->at, size);
    ret_name[size] = '\0';
    reader->at += size;
}

void reader_quoted(struct reader *reader, char *ret_text, size_t size)
{
    const char *end = NULL;

    skip_blanks(reader);
    if (reader->failed)
        return;
    if (*reader->at == '"')
        end = strchr(reader->at + 1, '"');
    if (end == NULL || (size_t)(end - reader->at) > size) {
        reader_fail(reader, "text in \"double quotes\" (at most %zu bytes) is expected at '%.40s'", size - 1,
                    reader->at);
        return;
    }
    memcpy(ret_text, reader->at + 1, (size_t)(end - reader->at - 1));
    ret_text[end - reader->at - 1] = '\0';
    reader->at = end + 1;
}

int64_t reader_number(struct reader *reader)
{
    char *end = NULL;
    long long number = 0;

    skip_blanks(reader);
    if (reader->failed)
        return 0;
    number = strtoll(reader->at, &end, 10);
    if (end == reader->at || number < 0 || number > 1000000000) {
        reader_fail(reader, "a whole number is expected at '%.40s'", reader->at);
        return 0;
    }
    reader->at = end;
    return number;
}

int64_t reader_length_ms(struct reader *reader)
{
    static const struct {
        const char *word;
        int64_t ms;
    } units[] = {{"s", 1000},    {"seconds", 1000},  {"min", 60000},    {"minutes", 60000}, {"minute", 60000},
                 {"h", 3600000}, {"hours", 3600000}, {"hour", 3600000}, {"days", 86400000}, {"day", 86400000}};
    int64_t number = reader_number(reader);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (reader_phrase(reader, units[i].word))
            return number * units[i].ms;
    }
    reader_fail(reader, "a length needs a unit: s, min, h or days, at '%.40s'", reader->at);
    return 0;
}

static int32_t degrees(struct reader *reader, double most)
{
    char *end = NULL;
    double value = 0;

    skip_blanks(reader);
    if (reader->failed)
        return 0;
    value = strtod(reader->at, &end);
    if (end == reader->at || !(value >= -most && value <= most)) {
        reader_fail(reader, "degrees from %.0f to %.0f are expected at '%.40s'", -most, most, reader->at);
        return 0;
    }
    reader->at = end;
    return (int32_t)(value * 1e7 + (value < 0 ? -0.5 : 0.5));
}

void reader_degrees(struct reader *reader, int32_t *ret_latitude_e7, int32_t *ret_longitude_e7)
{
    *ret_latitude_e7 = degrees(reader, 90);
    *ret_longitude_e7 = degrees(reader, 180);
}

bool reader_digits(const char **at, size_t digits, int *ret_value)
{
    int value = 0;

    for (size_t i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)(*at)[i]))
            return false;
        value = 10 * value + ((*at)[i] - '0');
    }
    *at += digits;
    *ret_value = value;
    return true;
}

static bool take(const char **at, char mark)
{
    if (**at != mark)
        return false;
    (*at)++;
    return true;
}

bool reader_date(struct reader *reader, int64_t *ret_day_ms)
{
    struct tm tm = {.tm_isdst = -1};
    const char *at = NULL;

    skip_blanks(reader);
    at = reader->at;
    if (reader->failed || !reader_digits(&at, 4, &tm.tm_year) || !take(&at, '-') ||
        !reader_digits(&at, 2, &tm.tm_mon) || !take(&at, '-') || !reader_digits(&at, 2, &tm.tm_mday))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;

    int day = tm.tm_mday;
    int64_t day_ms = (int64_t)mktime(&tm) * 1000;

    if (tm.tm_mday != day)
        reader_fail(reader, "the date '%.10s' doesn't exist", reader->at);
    reader->at = at;
    *ret_day_ms = day_ms;
    return true;
}

/* What the clock on the wall shows: on the day on which it changes, not the time since midnight. */
static int64_t on_the_wall(int64_t day_ms, int seconds)
{
    time_t since_midnight = (time_t)(day_ms / 1000 + seconds);
    struct tm tm;

    if (localtime_r(&since_midnight, &tm) == NULL)
        return day_ms + seconds * INT64_C(1000);

    int shown = tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
    int ahead = shown - seconds;

    if (ahead > 12 * 3600 || ahead < -12 * 3600) /* the other day's */
        ahead = 0;
    return day_ms + (seconds - ahead) * INT64_C(1000);
}

int64_t reader_clock(struct reader *reader)
{
    const char *at = NULL;
    int hours = 0;
    int minutes = 0;
    int seconds = 0;

    skip_blanks(reader);
    if (reader->failed)
        return 0;
    at = reader->at;
    if (!reader_digits(&at, 2, &hours) || !take(&at, ':') || !reader_digits(&at, 2, &minutes) ||
        (take(&at, ':') && !reader_digits(&at, 2, &seconds)) || hours > 23 || minutes > 59 || seconds > 59) {
        reader_fail(reader, "a time such as 09:00 or 09:00:30 is expected at '%.40s'", reader->at);
        return 0;
    }
    reader->at = at;
    if (reader->day_ms == 0)
        reader_fail(reader, "a 'day YYYY-MM-DD' line must stand before the first time");
    return on_the_wall(reader->day_ms, hours * 3600 + minutes * 60 + seconds);
}

size_t reader_choice(struct reader *reader, const char *what, const char *const *words, size_t count)
{
    char list[200] = "";
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        if (reader_phrase(reader, words[i]))
            return i;
    }
    for (size_t i = 0; i < count && size < sizeof(list); i++)
        size += (size_t)snprintf(list + size, sizeof(list) - size, "%s%s", i == 0 ? "" : ", ", words[i]);
    reader_fail(reader, "%s is expected (%s) at '%.40s'", what, list, reader->at);
    return 0;
}

void reader_words_until(struct reader *reader, const char *phrase, char *ret_words, size_t size)
{
    char pattern[64];
    const char *end = NULL;

    skip_blanks(reader);
    if (reader->failed)
        return;
    snprintf(pattern, sizeof(pattern), " %s ", phrase);
    end = strstr(reader->at, pattern);
    if (end == NULL || end == reader->at || (size_t)(end - reader->at) >= size) {
        reader_fail(reader, "words and then '%s' are expected at '%.40s'", phrase, reader->at);
        return;
    }
    for (size_t i = 0; i < (size_t)(end - reader->at); i++) {
        char letter = reader->at[i];
        ret_words[i] = letter == ' ' || letter == '-' ? '_' : letter;
    }
    ret_words[end - reader->at] = '\0';
    reader->at = end + strlen(pattern) - 1;
}
