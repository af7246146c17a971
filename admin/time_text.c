#include "admin/time_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Exactly `digits` decimal digits at *at; moves past them. */
static bool take_number(const char **at, unsigned digits, int *ret_number)
{
    int number = 0;

    for (unsigned i = 0; i < digits; i++) {
        char digit = (*at)[i];
        if (digit < '0' || digit > '9')
            return false;
        number = 10 * number + (digit - '0');
    }
    *at += digits;
    *ret_number = number;
    return true;
}

static bool take_mark(const char **at, char mark)
{
    if (**at != mark)
        return false;
    (*at)++;
    return true;
}

static bool take_date(const char **at, struct tm *tm)
{
    int year = 0;
    int month = 0;

    if (!take_number(at, 4, &year) || !take_mark(at, '-') || !take_number(at, 2, &month) || !take_mark(at, '-') ||
        !take_number(at, 2, &tm->tm_mday))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    return year >= 1900 && month >= 1 && month <= 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31;
}

/* "T09:00", " 09:00", each with ":30" or not; or nothing. */
static bool take_clock(const char **at, struct tm *tm)
{
    if (!take_mark(at, 'T') && !take_mark(at, ' '))
        return true;
    if (!take_number(at, 2, &tm->tm_hour) || !take_mark(at, ':') || !take_number(at, 2, &tm->tm_min))
        return false;
    if (take_mark(at, ':') && !take_number(at, 2, &tm->tm_sec))
        return false;
    return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

/* The offset at the text's end; *ret_local: none is given. */
static bool take_zone(const char **at, bool *ret_local, int *ret_offset_s)
{
    int hours = 0;
    int minutes = 0;
    int sign = **at == '-' ? -1 : 1;

    *ret_local = **at == '\0';
    *ret_offset_s = 0;
    if (*ret_local || take_mark(at, 'Z'))
        return true;
    if (!take_mark(at, '+') && !take_mark(at, '-'))
        return false;
    if (!take_number(at, 2, &hours) || !take_mark(at, ':') || !take_number(at, 2, &minutes))
        return false;
    *ret_offset_s = sign * (hours * 3600 + minutes * 60);
    return hours <= 14 && minutes < 60;
}

enum status time_from_text(const char *text, int64_t *ret_time_ms)
{
    struct tm tm = {.tm_isdst = -1};
    const char *at = text;
    bool local = false;
    int offset_s = 0;

    if (!take_date(&at, &tm) || !take_clock(&at, &tm) || !take_zone(&at, &local, &offset_s) || *at != '\0')
        return STATUS_INPUT;

    int day = tm.tm_mday;
    time_t time_s = local ? mktime(&tm) : timegm(&tm);

    if (tm.tm_mday != day)
        return STATUS_INPUT; /* such as 31 February: the calendar made another day of it */
    *ret_time_ms = ((int64_t)time_s - offset_s) * 1000;
    return STATUS_OK;
}

void time_to_text(int64_t time_ms, char ret_text[TIME_TEXT_SIZE])
{
    int64_t below_second_ms = time_ms % 1000 < 0 ? time_ms % 1000 + 1000 : time_ms % 1000;
    time_t time_s = (time_t)((time_ms - below_second_ms) / 1000);
    struct tm tm;

    if (localtime_r(&time_s, &tm) == NULL || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900) {
        snprintf(ret_text, TIME_TEXT_SIZE, "%lld ms", (long long)time_ms);
        return;
    }

    size_t size = strftime(ret_text, TIME_TEXT_SIZE, "%Y-%m-%d %H:%M:%S ", &tm);
    long offset_min = tm.tm_gmtoff / 60;
    long minutes = offset_min < 0 ? -offset_min : offset_min;

    snprintf(ret_text + size, TIME_TEXT_SIZE - size, "%c%02ld:%02ld", offset_min < 0 ? '-' : '+', minutes / 60,
             minutes % 60);
}
