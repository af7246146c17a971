/*
 * V10: what is possible in time, as a table of bounds on every difference between two instants (all shortest paths), and
 * worlds drawn from it: instants are fixed one after the other in random order, each at an end of what is still possible,
 * at an instant or a distance that some rule mentions, or anywhere between. A table closed under shortest paths lets any
 * consistent choice for some instants be completed, so nothing ever has to be thrown away.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/oracle/oracle_parts.h"

#define VARIABLES (3 * N + 1)
#define INFINITE (INT64_MAX / 8)
#define LOOSE_US (INFINITE / 16) /* an instant that nothing bounds is drawn from this far, some two thousand years */

struct event {
    size_t variable;
    size_t device;
    size_t presence;
    bool has_clock;
    uint64_t boot;
    int64_t mono;
    uint64_t seq;
};

struct oracle_times {
    const struct rule_case *rule_case;
    int64_t most[VARIABLES][VARIABLES]; /* most[a][b]: b - a is at most this */
    struct event events[3 * N];
    size_t event_count;
    bool troubled[N];
    bool exact;
    size_t origin; /* the variable that is time zero: the last in use */
    int64_t drift_ppb;
};

uint64_t oracle_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t var_in(size_t presence)
{
    return 3 * presence;
}

static size_t var_out(size_t presence)
{
    return 3 * presence + 1;
}

static size_t var_confirm(size_t presence)
{
    return 3 * presence + 2;
}

static int64_t clamp(int64_t value)
{
    return value > INFINITE ? INFINITE : value < -INFINITE ? -INFINITE : value;
}

static void at_most(struct oracle_times *t, size_t from, size_t to, int64_t difference)
{
    if (difference < t->most[from][to]) {
        t->most[from][to] = difference;
    }
}

static void bound(struct oracle_times *t, size_t variable, struct rule_instant instant)
{
    at_most(t, t->origin, variable, clamp(instant.hi_us));
    at_most(t, variable, t->origin, -clamp(instant.lo_us));
}

static void add_event(struct oracle_times *t, struct event event)
{
    t->events[t->event_count++] = event;
}

static void list_events(struct oracle_times *t)
{
    for (size_t i = 0; i < t->rule_case->presence_count; i++) {
        const struct rule_presence *p = &t->rule_case->presences[i];

        add_event(t, (struct event){var_in(i), p->device, i, true, p->in_boot, p->in_mono_us, p->in_seq});
        if (p->has_out) {
            add_event(t, (struct event){var_out(i), p->device, i, true, p->out_boot, p->out_mono_us, p->out_seq});
        }
        if (p->cosign.presence != RULE_NONE && p->cosign.first && p->cosign.confirm_known) {
            add_event(t, (struct event){var_confirm(i), p->device, i, true, p->in_boot, p->cosign.confirm_mono_us, 0});
        }
    }
}

/* Same phone, same boot: the monotonic clock bounds what elapsed; same log: its order bounds it. */
static void relate(struct oracle_times *t, const struct event *a, const struct event *b)
{
    const struct rule_presence *p = t->rule_case->presences;
    int64_t elapsed = b->mono - a->mono;
    /* F2: the two branches of a fork have no common order. */
    bool branches = a->presence != b->presence && p[a->presence].contested && p[b->presence].contested;

    if (a->device != b->device) {
        return;
    }
    if (a->seq != 0 && b->seq != 0 && a->seq < b->seq && !branches) {
        at_most(t, b->variable, a->variable, 0);
    }
    if (a->boot == b->boot && elapsed >= 0) {
        /* Each reading was cut: what elapsed on the phone's clock is less than a step more or less. */
        __int128 scaled = (__int128)(elapsed + t->rule_case->mono_step_us) * t->drift_ppb;
        int64_t error = (int64_t)((scaled + 999999999) / 1000000000) + t->rule_case->mono_step_us;

        at_most(t, a->variable, b->variable, elapsed + error);
        at_most(t, b->variable, a->variable, -(elapsed - error));
    }
}

static void constrain(struct oracle_times *t)
{
    const struct rule_case *c = t->rule_case;

    for (size_t i = 0; i < c->presence_count; i++) {
        const struct rule_presence *p = &c->presences[i];

        bound(t, var_in(i), p->in);
        if (p->has_out) {
            bound(t, var_out(i), p->out);
            at_most(t, var_out(i), var_in(i), 0);
        }
        if (p->cosign.presence != RULE_NONE && p->cosign.first) {
            at_most(t, var_in(p->cosign.presence), var_in(i), 0);
            if (p->cosign.confirm_known) {
                at_most(t, var_confirm(i), var_in(p->cosign.presence), 0);
            }
        } else if (p->cosign.presence != RULE_NONE) {
            at_most(t, var_in(i), var_in(p->cosign.presence), 0);
        }
    }
    for (size_t a = 0; a < t->event_count; a++) {
        for (size_t b = 0; b < t->event_count; b++) {
            if (a != b) {
                relate(t, &t->events[a], &t->events[b]);
            }
        }
    }
}

static void close_paths(struct oracle_times *t)
{
    for (size_t k = 0; k <= t->origin; k++) {
        for (size_t a = 0; a <= t->origin; a++) {
            for (size_t b = 0; b <= t->origin; b++) {
                int64_t first = t->most[a][k], second = t->most[k][b];

                if (first < INFINITE && second < INFINITE) {
                    int64_t sum = first + second;

                    at_most(t, a, b, sum < -INFINITE ? -INFINITE : sum);
                }
            }
        }
    }
}

static void forget(struct oracle_times *t)
{
    for (size_t a = 0; a <= t->origin; a++) {
        for (size_t b = 0; b <= t->origin; b++) {
            t->most[a][b] = a == b ? 0 : INFINITE;
        }
    }
}

static bool same_boot(const struct rule_presence *a, const struct rule_presence *b)
{
    return a->device == b->device &&
           (a->in_boot == b->in_boot || (b->has_out && a->in_boot == b->out_boot) ||
            (a->has_out && a->out_boot == b->in_boot) || (a->has_out && b->has_out && a->out_boot == b->out_boot));
}

/* Trouble reaches what is linked to it by boot or co-signing (V11); where only log order contradicts, the whole log. */
static bool linked(const struct rule_case *c, size_t i, size_t j, bool by_log)
{
    const struct rule_presence *a = &c->presences[i], *b = &c->presences[j];

    return i == j || same_boot(a, b) || oracle_cosigned(c, i, j) || (by_log && a->device == b->device);
}

static void mark_group(const struct rule_case *c, size_t start, bool by_log, bool *ret_group)
{
    bool moved = true;

    memset(ret_group, 0, N * sizeof(*ret_group));
    ret_group[start] = true;
    while (moved) {
        moved = false;
        for (size_t i = 0; i < c->presence_count; i++) {
            for (size_t j = 0; j < c->presence_count; j++) {
                if (ret_group[i] && !ret_group[j] && linked(c, i, j, by_log)) {
                    ret_group[j] = moved = true;
                }
            }
        }
    }
}

static void cut_off(struct oracle_times *t, size_t presence)
{
    for (size_t v = var_in(presence); v <= var_confirm(presence); v++) {
        for (size_t other = 0; other <= t->origin; other++) {
            t->most[v][other] = t->most[other][v] = v == other ? 0 : INFINITE;
        }
    }
}

/* A negative circle of differences among one group alone: no world exists for it. */
static bool contradicts_itself(struct oracle_times *t, const bool *group)
{
    bool negative = false;

    forget(t);
    constrain(t);
    for (size_t i = 0; i < t->rule_case->presence_count; i++) {
        if (!group[i] || t->troubled[i]) {
            cut_off(t, i);
        }
    }
    close_paths(t);
    for (size_t v = 0; v <= t->origin; v++) {
        negative = negative || t->most[v][v] < 0;
    }
    return negative;
}

static void find_trouble(struct oracle_times *t)
{
    const struct rule_case *c = t->rule_case;
    bool group[N];

    for (int by_log = 0; by_log < 2; by_log++) {
        for (size_t i = 0; i < c->presence_count; i++) {
            bool bad = c->presences[i].clock_trouble && !by_log;

            mark_group(c, i, by_log, group);
            bad = bad || contradicts_itself(t, group);
            for (size_t j = 0; j < c->presence_count; j++) {
                t->troubled[j] = t->troubled[j] || (bad && group[j]);
            }
        }
    }
}

/* Only what the untroubled say; of clocks that contradict each other only the receipt is known. */
static void build(struct oracle_times *t)
{
    const struct rule_case *c = t->rule_case;

    forget(t);
    constrain(t);
    for (size_t i = 0; i < c->presence_count; i++) {
        if (!t->troubled[i]) {
            continue;
        }
        cut_off(t, i);
        at_most(t, t->origin, var_in(i), c->presences[i].received_us); /* the server's own clock */
        if (c->presences[i].has_out) {
            at_most(t, var_out(i), var_in(i), 0);
        }
    }
    close_paths(t);
}

static bool all_exact(const struct oracle_times *t)
{
    for (size_t i = 0; i < t->rule_case->presence_count; i++) {
        struct rule_instant in = oracle_times_in(t, i), out = oracle_times_out(t, i);

        if (in.lo_us != in.hi_us || (t->rule_case->presences[i].has_out && out.lo_us != out.hi_us) || t->troubled[i]) {
            return false;
        }
    }
    return true;
}

enum status oracle_times_new(const struct rule_case *rule_case, struct oracle_times **ret_times)
{
    struct oracle_times *t = calloc(1, sizeof(*t));

    if (!t) {
        return STATUS_NO_MEMORY;
    }
    t->rule_case = rule_case;
    t->origin = 3 * rule_case->presence_count;
    for (size_t i = 0; i < rule_case->policy_count; i++) {
        if (rule_case->policies[i].drift_ppb > t->drift_ppb) {
            t->drift_ppb = rule_case->policies[i].drift_ppb;
        }
    }
    list_events(t);
    find_trouble(t);
    build(t);
    t->exact = all_exact(t);
    *ret_times = t;
    return STATUS_OK;
}

void oracle_times_free(struct oracle_times *times)
{
    free(times);
}

bool oracle_times_exact(const struct oracle_times *times)
{
    return times->exact;
}

bool oracle_times_troubled(const struct oracle_times *times, size_t presence)
{
    return times->troubled[presence];
}

static struct rule_instant bounds_of(const struct oracle_times *t, size_t variable)
{
    return (struct rule_instant){-t->most[variable][t->origin], t->most[t->origin][variable]};
}

struct rule_instant oracle_times_in(const struct oracle_times *times, size_t presence)
{
    return bounds_of(times, var_in(presence));
}

struct rule_instant oracle_times_out(const struct oracle_times *times, size_t presence)
{
    return bounds_of(times, var_out(presence));
}

/* When somebody's standing or device changed. */
static int64_t roster_instant(const struct rule_case *c, uint64_t r)
{
    const struct rule_officer *officer = &c->officers[r % c->officer_count];
    const struct rule_device *device = &c->devices[r % c->device_count];

    if (r & 2048 && officer->change_count > 0) {
        return officer->changes[r / 4096 % officer->change_count].from_us;
    }
    return device->holder_count > 0 ? device->holders[r / 4096 % device->holder_count].from_us : c->now_us;
}

/* One of the instants that a rule compares with. */
static int64_t mentioned_instant(const struct rule_case *c, uint64_t *random)
{
    uint64_t r = oracle_random(random) >> 8;
    const struct rule_policy *policy = &c->policies[r % c->policy_count];
    const struct rule_officer *officer = &c->officers[r % c->officer_count];
    const struct rule_offender *offender = &c->offenders[r % c->offender_count];

    switch (oracle_random(random) % 10) {
    case 0:
        return c->now_us - policy->max_alone_us;
    case 1:
        return c->now_us - policy->longest_visit_us;
    case 2:
        return c->plan_count ? c->plans[r % c->plan_count].from_us : c->now_us;
    case 3:
        return c->plan_count ? c->plans[r % c->plan_count].to_us : c->now_us;
    case 4:
        return r & 1024 ? officer->entitled_from_us : officer->entitled_to_us;
    case 5:
        return r & 1024 ? roster_instant(c, r) : c->devices[r % c->device_count].revoked_as_of_us;
    case 6:
        return policy->effective_from_us;
    case 7:
        return offender->risks[r % offender->risk_count].from_us;
    case 8:
        return c->authority_count ? c->authorities[r % c->authority_count].recorded_us : c->now_us;
    default:
        return c->authority_count ? (r & 1024 ? c->authorities[r % c->authority_count].valid_from_us
                                              : c->authorities[r % c->authority_count].valid_to_us)
                                  : c->now_us;
    }
}

/* An instant at a distance that a rule mentions from one that is fixed already. */
static int64_t mentioned_distance(const struct rule_case *c, const int64_t *fixed, size_t fixed_count, uint64_t *random)
{
    const struct rule_policy *policy = &c->policies[oracle_random(random) % c->policy_count];
    int64_t distances[] = {0, 0, 0, policy->max_alone_us, policy->longest_visit_us};
    int64_t distance = distances[oracle_random(random) % 5];
    int64_t base = fixed_count ? fixed[oracle_random(random) % fixed_count] : c->now_us;

    return oracle_random(random) & 1 ? base + distance : base - distance;
}

static int64_t draw(const struct rule_case *c, struct rule_instant range, const int64_t *fixed, size_t fixed_count,
                    uint64_t *random)
{
    uint64_t mode = oracle_random(random) % 8;
    int start = (int)(oracle_random(random) % 2); /* what is tried second is seldom reached */
    int64_t value;

    if (mode < 2) {
        return range.lo_us;
    }
    if (mode < 4) {
        return range.hi_us;
    }
    for (int attempt = 0; mode < 7 && attempt < 8; attempt++) {
        value = clamp((start + attempt) % 2 ? mentioned_instant(c, random)
                                            : mentioned_distance(c, fixed, fixed_count, random));
        value += (int64_t)(oracle_random(random) % 4 / 2) * ((oracle_random(random) & 1) != 0 ? 1 : -1);
        if (value >= range.lo_us && value <= range.hi_us) {
            return value;
        }
    }
    return range.lo_us + (int64_t)(oracle_random(random) % ((uint64_t)(range.hi_us - range.lo_us) + 1));
}

/* What is left for a variable once others are fixed. */
static struct rule_instant range_of(const struct oracle_times *t, size_t variable, const size_t *order,
                                    const int64_t *values, size_t count)
{
    struct rule_instant range = bounds_of(t, variable);

    for (size_t k = 0; k < count; k++) {
        int64_t up = t->most[order[k]][variable], down = t->most[variable][order[k]];

        if (up < INFINITE && values[k] + up < range.hi_us) {
            range.hi_us = values[k] + up;
        }
        if (down < INFINITE && values[k] - down > range.lo_us) {
            range.lo_us = values[k] - down;
        }
    }
    if (range.lo_us <= -INFINITE) {
        range.lo_us = (range.hi_us < 0 ? range.hi_us : 0) - LOOSE_US;
    }
    if (range.hi_us >= INFINITE) {
        range.hi_us = (range.lo_us > 0 ? range.lo_us : 0) + LOOSE_US;
    }
    return range;
}

void oracle_times_sample(const struct oracle_times *times, uint64_t *random, struct oracle_world *ret_world)
{
    const struct rule_case *c = times->rule_case;
    size_t order[2 * N], count = 0;
    int64_t values[2 * N];

    for (size_t i = 0; i < c->presence_count; i++) {
        order[count++] = var_in(i);
        if (c->presences[i].has_out) {
            order[count++] = var_out(i);
        }
    }
    for (size_t k = count; k > 1; k--) {
        size_t other = oracle_random(random) % k, kept = order[k - 1];

        order[k - 1] = order[other];
        order[other] = kept;
    }
    memset(ret_world, 0, sizeof(*ret_world));
    for (size_t k = 0; k < count; k++) {
        size_t presence = order[k] / 3;

        values[k] = draw(c, range_of(times, order[k], order, values, k), values, k, random);
        *(order[k] == var_in(presence) ? &ret_world->in[presence] : &ret_world->out[presence]) = values[k];
    }
}
