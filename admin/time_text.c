#include "admin/time_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The offset at the text's end; false: not one. */
static bool read_zone(const char *text, bool *ret_local, int *ret_offset_s)
{
    char sign = '+';
    int hours = 0;
    int minutes = 0;
    int used = 0;

    *ret_local = *text == '\0';
    *ret_offset_s = 0;
    if (*text == '\0' || strcmp(text, "Z") == 0)
        return true;
    if (sscanf(text, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3 || text[used] != '\0')
        return false;
    *ret_offset_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return (sign == '+' || sign == '-') && hours >= 0 && hours <= 14 && minutes >= 0 && minutes < 60;
}

static bool in_range(const struct tm *tm)
{
    return tm->tm_year >= 0 && tm->tm_year <= 400 && tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 &&
           tm->tm_mday <= 31 && tm->tm_hour >= 0 && tm->tm_hour < 24 && tm->tm_min >= 0 && tm->tm_min < 60 &&
           tm->tm_sec >= 0 && tm->tm_sec < 60;
}

static const char *read_clock(const char *text, struct tm *tm)
{
    int used = 0;

    if (*text != 'T' && *text != ' ')
        return text;
    text++;
    if (sscanf(text, "%2d:%2d%n", &tm->tm_hour, &tm->tm_min, &used) != 2)
        return NULL;
    text += used;
    if (*text != ':')
        return text;
    if (sscanf(text, ":%2d%n", &tm->tm_sec, &used) != 1)
        return NULL;
    return text + used;
}

enum status time_from_text(const char *text, int64_t *ret_time_ms)
{
    struct tm tm = {.tm_isdst = -1};
    int used = 0;
    bool local = false;
    int offset_s = 0;

    if (sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &used) != 3 || used != 10)
        return STATUS_INPUT;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;

    const char *rest = read_clock(text + used, &tm);

    if (rest == NULL || !in_range(&tm) || !read_zone(rest, &local, &offset_s))
        return STATUS_INPUT;

    int day = tm.tm_mday;
    time_t time_s = local ? mktime(&tm) : timegm(&tm);

    if (tm.tm_mday != day)
        return STATUS_INPUT; /* such as 31 February */
    *ret_time_ms = ((int64_t)time_s - offset_s) * 1000;
    return STATUS_OK;
}

void time_to_text(int64_t time_ms, char ret_text[TIME_TEXT_SIZE])
{
    time_t time_s = (time_t)(time_ms / 1000);
    struct tm tm;
    size_t size;

    if (localtime_r(&time_s, &tm) == NULL) {
        snprintf(ret_text, TIME_TEXT_SIZE, "%lld ms", (long long)time_ms);
        return;
    }
    size = strftime(ret_text, TIME_TEXT_SIZE, "%Y-%m-%d %H:%M:%S ", &tm);

    long offset_min = tm.tm_gmtoff / 60;

    snprintf(ret_text + size, TIME_TEXT_SIZE - size, "%c%02ld:%02ld", offset_min < 0 ? '-' : '+',
             (offset_min < 0 ? -offset_min : offset_min) / 60, (offset_min < 0 ? -offset_min : offset_min) % 60);
}
