/*
 * A simple temporal network: instants that are known only by bounds on their differences (DESIGN.md V10).
 *
 * Source: Dechter, Meiri, Pearl, "Temporal constraint networks", Artificial Intelligence 49 (1991). Closed by
 * Floyd and Warshall, kept closed by one pass for each bound added later. All in whole units (here microseconds), exact.
 * Pure and without allocation: the caller gives the storage, count * count numbers.
 */
#ifndef DOUBLECREW_CORE_STN_H
#define DOUBLECREW_CORE_STN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "No bound". Finite bounds are kept within it, so that the sum of any two can't overflow. */
#define STN_UNBOUNDED (INT64_C(1) << 62)
/* Times and lengths beyond this count as unbounded: 36,000 years in microseconds. */
#define STN_TIME_MAX (INT64_C(1) << 60)
/* Differences in one sum (stn_most_sum): every order of them is tried. */
#define STN_SUM_MAX 5

struct stn {
    size_t count;
    int64_t *most; /* most[i * count + j]: the greatest possible instant i - instant j */
};

/* Nothing known but that each instant equals itself. Borrows storage (count * count) for as long as the network is used. */
void stn_init(struct stn *stn, size_t count, int64_t *storage);
/* instant i - instant j <= most. Leaves the network open: stn_close() must follow. */
void stn_bound(struct stn *stn, size_t i, size_t j, int64_t most);
/* false: the bounds contradict each other, no assignment exists. */
bool stn_close(struct stn *stn);
/* Adds a bound to a closed network and closes it again. false: contradiction; the network is then unchanged. */
bool stn_add(struct stn *stn, size_t i, size_t j, int64_t most);

/* Of a closed network. least is -STN_UNBOUNDED where nothing bounds it. */
static inline int64_t stn_most(const struct stn *stn, size_t i, size_t j)
{
    return stn->most[i * stn->count + j];
}

static inline int64_t stn_least(const struct stn *stn, size_t i, size_t j)
{
    return -stn->most[j * stn->count + i];
}

/*
 * The exact greatest value of the sum of (plus[k] - minus[k]) over all assignments of a closed network.
 * By duality of linear programming this is the cheapest matching of plus with minus; count is at most STN_SUM_MAX
 * after instants that stand on both sides have cancelled.
 */
int64_t stn_most_sum(const struct stn *stn, const size_t *plus, const size_t *minus, size_t count);

/* Sum that stays within [-STN_UNBOUNDED, STN_UNBOUNDED]; unbounded in, unbounded out. */
int64_t stn_sum(int64_t a, int64_t b);

#endif
