#include "core/bounds.h"

#define PPB 1000000000

/* Only here: a product of two 64-bit numbers. */
__extension__ typedef __int128 wide;

static int64_t saturate(wide value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    if (value < INT64_MIN)
        return INT64_MIN;
    return (int64_t)value;
}

/* elapsed * (1 + ppb / 1e9) for elapsed >= 0, away from or towards the true value by rounding. */
static wide stretch(wide elapsed_us, int64_t ppb, bool round_up)
{
    wide product = elapsed_us * (PPB + (wide)ppb);

    return round_up ? (product + PPB - 1) / PPB : product / PPB;
}

struct bounds bounds_unknown(void)
{
    struct bounds bounds = {INT64_MIN, INT64_MAX};

    return bounds;
}

bool bounds_empty(struct bounds bounds)
{
    return bounds.lo_us > bounds.hi_us;
}

struct bounds bounds_intersect(struct bounds a, struct bounds b)
{
    struct bounds both = {a.lo_us > b.lo_us ? a.lo_us : b.lo_us, a.hi_us < b.hi_us ? a.hi_us : b.hi_us};

    return both;
}

/* T was read somewhere between m_h and m_r: the later m_r bounds from below, the earlier m_h from above. */
static int64_t lower(const struct bounds_anchor *anchor, wide m, int64_t drift_ppb)
{
    wide since = m - anchor->received_us;

    if (anchor->received_us == INT64_MAX)
        return INT64_MIN;
    if (since >= 0)
        return saturate(anchor->time_us + stretch(since, -drift_ppb, false));
    return saturate(anchor->time_us - stretch(-since, drift_ppb, true));
}

static int64_t upper(const struct bounds_anchor *anchor, wide m, int64_t drift_ppb)
{
    wide since = m - anchor->sent_us;

    if (since >= 0)
        return saturate(anchor->time_us + stretch(since, drift_ppb, true));
    return saturate(anchor->time_us - stretch(-since, -drift_ppb, false));
}

int64_t bounds_floor_from(int64_t at_us, int64_t time_us, int64_t monotonic_us, int64_t drift_ppb)
{
    struct bounds_anchor anchor = {.time_us = time_us, .received_us = at_us};

    return lower(&anchor, monotonic_us, drift_ppb);
}

int64_t bounds_ceiling_from(int64_t at_us, int64_t time_us, int64_t monotonic_us, int64_t drift_ppb)
{
    struct bounds_anchor anchor = {.time_us = time_us, .sent_us = at_us};

    return at_us == INT64_MAX ? INT64_MAX : upper(&anchor, monotonic_us, drift_ppb);
}

struct bounds bounds_from_anchor(const struct bounds_anchor *anchor, int64_t monotonic_us, int64_t drift_ppb)
{
    struct bounds bounds = {lower(anchor, monotonic_us, drift_ppb), upper(anchor, monotonic_us, drift_ppb)};

    return bounds;
}

struct bounds bounds_from_cut_anchor(const struct bounds_anchor *anchor, int64_t monotonic_us, int64_t drift_ppb)
{
    struct bounds bounds = {lower(anchor, (wide)monotonic_us - BOUNDS_CUT_US, drift_ppb),
                            upper(anchor, (wide)monotonic_us + BOUNDS_CUT_US, drift_ppb)};

    bounds.hi_us = saturate((wide)bounds.hi_us + BOUNDS_CUT_US);
    return bounds;
}
