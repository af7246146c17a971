/*
 * From anchors to bounds (DESIGN.md T1, T2): when, on the server's clock, an entry was written. Pure.
 *
 * A known anchor (T, m_h, m_r) of boot b bounds an entry of b at m:
 *   m >= m_h: [T + (m - m_r)(1 - rho), T + (m - m_h)(1 + rho)]   (the lower bound only from m_r on, else as below)
 *   m <= m_r: lower T - (m_r - m)(1 + rho);  m <= m_h: upper T - (m_h - m)(1 - rho)
 * The delivering session's own Hello is such an anchor too. Log order and receipt bound the rest: an entry is not later
 * than its first receipt, nor than any later entry's upper bound, nor earlier than any earlier entry's lower bound; an
 * entry that names a checkpoint isn't earlier than that checkpoint's time. An empty intersection is clock trouble.
 */
#ifndef DOUBLECREW_CORE_BOUNDS_H
#define DOUBLECREW_CORE_BOUNDS_H

#include "core/bytes.h"

struct bounds_anchor {
    int64_t time_us;     /* T */
    int64_t sent_us;     /* m_h */
    int64_t received_us; /* m_r >= m_h; INT64_MAX when the device never saw the answer */
};

struct bounds {
    int64_t lo_us;
    int64_t hi_us;
};

/* Unbounded on both sides: INT64_MIN, INT64_MAX. */
struct bounds bounds_unknown(void);
bool bounds_empty(struct bounds bounds);
struct bounds bounds_intersect(struct bounds a, struct bounds b);
/* Bounds that one anchor of the same boot gives an entry at monotonic_us; drift in parts per billion; rounds outward. */
struct bounds bounds_from_anchor(const struct bounds_anchor *anchor, int64_t monotonic_us, int64_t drift_ppb);
/*
 * The same where all clocks are told in whole milliseconds, cut off (the wire): T, m_h, m_r and the entry's own time may each
 * be up to 999 us later than said, and the bounds leave room for all of it.
 */
struct bounds bounds_from_cut_anchor(const struct bounds_anchor *anchor, int64_t monotonic_us, int64_t drift_ppb);

/*
 * One side of an anchor, as a point: at at_us on its clock the boot was no earlier than time_us (its receipt, from below), or no
 * later (its question, from above). What that says of monotonic_us; at_us INT64_MAX: nothing.
 */
int64_t bounds_floor_from(int64_t at_us, int64_t time_us, int64_t monotonic_us, int64_t drift_ppb);
int64_t bounds_ceiling_from(int64_t at_us, int64_t time_us, int64_t monotonic_us, int64_t drift_ppb);

#define BOUNDS_CUT_US 999 /* what whole milliseconds leave out at most */

#endif
