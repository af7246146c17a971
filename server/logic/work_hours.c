#include "server/logic/work_hours.h"

#define MINUTE_US (INT64_C(60) * 1000 * 1000)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)
#define DAYS_MAX 4000 /* a year of working time in hours of one day a week */

struct work_hours work_hours_default(void)
{
    return (struct work_hours){.from_min = 8 * 60, .to_min = 18 * 60, .days = 1 | 2 | 4 | 8 | 16};
}

static int64_t day_of(int64_t time_us)
{
    return time_us >= 0 ? time_us / DAY_US : -((-time_us + DAY_US - 1) / DAY_US);
}

/* 0 Monday .. 6 Sunday; day 0 (1 January 1970) was a Thursday. */
static int64_t weekday_of(int64_t day)
{
    return ((day + 3) % 7 + 7) % 7;
}

/* Days since 1970 of a date of the Gregorian calendar (Howard Hinnant, chrono-compatible low-level date algorithms). */
static int64_t day_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted = month <= 2 ? year - 1 : year;
    int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    int64_t year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static int64_t year_of(int64_t day)
{
    int64_t year = 1970 + day / 366; /* never too late, and early by a year in 366 at most */

    while (day_of_date(year + 1, 1, 1) <= day)
        year++;
    return year;
}

/* 01:00 UTC on the last Sunday of a month of 31 days. */
static int64_t last_sunday_us(int64_t year, int64_t month)
{
    int64_t last = day_of_date(year, month, 31);

    return (last - (weekday_of(last) + 1) % 7) * DAY_US + HOUR_US;
}

int64_t uk_offset_us(int64_t utc_us)
{
    int64_t year = year_of(day_of(utc_us));

    return utc_us >= last_sunday_us(year, 3) && utc_us < last_sunday_us(year, 10) ? HOUR_US : 0;
}

/* A local time that comes twice is its first coming; one that never comes is as if the clocks hadn't changed yet. */
static int64_t utc_of(int64_t local_us)
{
    return uk_offset_us(local_us - HOUR_US) != 0 ? local_us - HOUR_US : local_us;
}

static bool always(const struct work_hours *hours)
{
    return hours->from_min >= hours->to_min || (hours->days & 127) == 0;
}

static bool works_on(const struct work_hours *hours, int64_t day)
{
    return (hours->days >> weekday_of(day) & 1) != 0;
}

int64_t work_add(const struct work_hours *hours, int64_t at_us, int64_t length_us)
{
    int64_t day = day_of(at_us + uk_offset_us(at_us));

    if (always(hours))
        return at_us + length_us;
    for (int64_t last = day + DAYS_MAX; day < last; day++) {
        int64_t from_us = utc_of(day * DAY_US + hours->from_min * MINUTE_US);
        int64_t to_us = utc_of(day * DAY_US + hours->to_min * MINUTE_US);

        if (!works_on(hours, day) || to_us <= at_us)
            continue;
        from_us = from_us > at_us ? from_us : at_us;
        if (length_us < to_us - from_us)
            return from_us + length_us;
        length_us -= to_us - from_us;
    }
    return at_us + DAYS_MAX * DAY_US;
}

int64_t work_begin(const struct work_hours *hours, int64_t at_us)
{
    return work_add(hours, at_us, 0);
}
