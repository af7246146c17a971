/*
 * YES, NO and UNKNOWN (DESIGN.md section 5): a predicate over uncertain times is YES when true for every possible
 * instant, NO when true for none, else UNKNOWN. More knowledge only ever resolves UNKNOWN.
 */
#ifndef DOUBLECREW_CORE_TRI_H
#define DOUBLECREW_CORE_TRI_H

#include <stdbool.h>

enum tri { TRI_NO, TRI_UNKNOWN, TRI_YES }; /* in this order, and is the lesser and or the greater (Kleene) */

static inline enum tri tri_of(bool value)
{
    return value ? TRI_YES : TRI_NO;
}

static inline enum tri tri_not(enum tri a)
{
    return (enum tri)(TRI_YES - a);
}

static inline enum tri tri_and(enum tri a, enum tri b)
{
    return a < b ? a : b;
}

static inline enum tri tri_or(enum tri a, enum tri b)
{
    return a > b ? a : b;
}

/* What holds when either of two sets of possible worlds may be the true one: agreement stands, disagreement is UNKNOWN. */
static inline enum tri tri_join(enum tri a, enum tri b)
{
    return a == b ? a : TRI_UNKNOWN;
}

/* Is a value within [min, max] at most `limit`? */
static inline enum tri tri_at_most(long long min, long long max, long long limit)
{
    return max <= limit ? TRI_YES : min > limit ? TRI_NO : TRI_UNKNOWN;
}

#endif
