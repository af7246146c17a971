#include "core/stn.h"

#include <string.h>

int64_t stn_sum(int64_t a, int64_t b)
{
    int64_t sum;

    if (a >= STN_UNBOUNDED || b >= STN_UNBOUNDED) {
        return STN_UNBOUNDED;
    }
    if (a <= -STN_UNBOUNDED || b <= -STN_UNBOUNDED) {
        return -STN_UNBOUNDED;
    }
    sum = a + b;
    return sum > STN_UNBOUNDED ? STN_UNBOUNDED : sum < -STN_UNBOUNDED ? -STN_UNBOUNDED : sum;
}

void stn_init(struct stn *stn, size_t count, int64_t *storage)
{
    stn->count = count;
    stn->most = storage;
    for (size_t i = 0; i < count * count; i++) {
        storage[i] = STN_UNBOUNDED;
    }
    for (size_t i = 0; i < count; i++) {
        storage[i * count + i] = 0;
    }
}

void stn_bound(struct stn *stn, size_t i, size_t j, int64_t most)
{
    int64_t *at = &stn->most[i * stn->count + j];

    *at = most < *at ? most : *at;
}

/* Shortens every path by way of i, then the known difference i - j, then j. */
static void relax_through(struct stn *stn, size_t i, size_t j, int64_t most)
{
    for (size_t from = 0; from < stn->count; from++) {
        int64_t *row = &stn->most[from * stn->count];
        int64_t head = stn_sum(row[i], most);

        if (head >= STN_UNBOUNDED) {
            continue;
        }
        for (size_t to = 0; to < stn->count; to++) {
            int64_t path = stn_sum(head, stn->most[j * stn->count + to]);

            row[to] = path < row[to] ? path : row[to];
        }
    }
}

bool stn_close(struct stn *stn)
{
    for (size_t via = 0; via < stn->count; via++) {
        relax_through(stn, via, via, 0);
    }
    for (size_t i = 0; i < stn->count; i++) {
        if (stn->most[i * stn->count + i] < 0) {
            return false;
        }
    }
    return true;
}

bool stn_add(struct stn *stn, size_t i, size_t j, int64_t most)
{
    if (stn_most(stn, i, j) <= most) {
        return true;
    }
    if (stn_sum(stn_most(stn, j, i), most) < 0) {
        return false;
    }
    relax_through(stn, i, j, most);
    return true;
}

/* Cheapest matching of plus[at...] with minus, by trying every order: at most 120. */
static int64_t cheapest(const struct stn *stn, const size_t *plus, size_t *minus, size_t count, size_t at)
{
    int64_t best = STN_UNBOUNDED;

    if (at == count) {
        return 0;
    }
    for (size_t k = at; k < count; k++) {
        size_t chosen = minus[k];
        int64_t cost;

        minus[k] = minus[at];
        minus[at] = chosen;
        cost = stn_sum(stn_most(stn, plus[at], chosen), cheapest(stn, plus, minus, count, at + 1));
        best = cost < best ? cost : best;
        minus[at] = minus[k];
        minus[k] = chosen;
    }
    return best;
}

static size_t cancel(size_t *plus, size_t *minus, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t j = 0;

        while (j < count && minus[j] != plus[i]) {
            j++;
        }
        if (j == count) {
            i++;
            continue;
        }
        count--;
        plus[i] = plus[count];
        minus[j] = minus[count];
    }
    return count;
}

int64_t stn_most_sum(const struct stn *stn, const size_t *plus, const size_t *minus, size_t count)
{
    size_t left[STN_SUM_MAX];
    size_t right[STN_SUM_MAX];

    if (count > STN_SUM_MAX) {
        return STN_UNBOUNDED;
    }
    memcpy(left, plus, count * sizeof *left);
    memcpy(right, minus, count * sizeof *right);
    return cheapest(stn, left, right, cancel(left, right, count), 0);
}
