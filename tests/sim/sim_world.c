/* The world: events in order of virtual time, streams of chance, counters, trace. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/sim.h"

#define EVENTS_MAX (1u << 22) /* more at once means that something schedules without end */

struct event {
    int64_t at_us;
    uint64_t order;
    sim_action action;
    void *context;
    uint64_t number;
    void *owned;
};

struct sim_world {
    struct event *events; /* a heap: the earliest first */
    size_t count;
    size_t capacity;
    uint64_t order;
    uint64_t streams[SIM_STREAM_COUNT];
    uint64_t fault_streams[SIM_FAULT_COUNT];
};

static uint64_t mix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t sim_clock_us(const struct sim *sim)
{
    return sim->held_ms != NULL ? *sim->held_ms * 1000 : sim->now_us;
}

void sim_world_new(struct sim *sim)
{
    struct sim_world *world = calloc(1, sizeof(*world));
    uint64_t seed = sim->options.seed;

    if (world == NULL)
        abort();
    for (size_t i = 0; i < SIM_STREAM_COUNT; i++) {
        uint64_t state = seed ^ ((uint64_t)(i + 1) << 48);
        world->streams[i] = mix(&state);
    }
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        uint64_t state = seed ^ ((uint64_t)(i + 101) << 48);
        world->fault_streams[i] = mix(&state);
    }
    sim->world = world;
    sim->now_us = SIM_START;
}

void sim_world_free(struct sim *sim)
{
    for (size_t i = 0; i < sim->world->count; i++)
        free(sim->world->events[i].owned);
    free(sim->world->events);
    free(sim->world);
}

static bool earlier(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void swap(struct event *a, struct event *b)
{
    struct event kept = *a;

    *a = *b;
    *b = kept;
}

void sim_at_owned(struct sim *sim, int64_t at_us, sim_action action, void *context, uint64_t number, void *owned)
{
    struct sim_world *world = sim->world;
    size_t i = world->count++;

    if (world->count > EVENTS_MAX)
        abort();
    if (world->count > world->capacity) {
        world->capacity = world->capacity == 0 ? 1024 : world->capacity * 2;
        world->events = realloc(world->events, world->capacity * sizeof(*world->events));
        if (world->events == NULL)
            abort();
    }
    world->events[i] = (struct event){.at_us = at_us > sim->now_us ? at_us : sim->now_us,
                                      .order = world->order++,
                                      .action = action,
                                      .context = context,
                                      .number = number,
                                      .owned = owned};
    for (; i > 0 && earlier(&world->events[i], &world->events[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&world->events[i], &world->events[(i - 1) / 2]);
}

void sim_at(struct sim *sim, int64_t at_us, sim_action action, void *context, uint64_t number)
{
    sim_at_owned(sim, at_us, action, context, number, NULL);
}

static struct event take(struct sim_world *world)
{
    struct event first = world->events[0];
    size_t i = 0;

    world->events[0] = world->events[--world->count];
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < world->count; child++) {
            if (earlier(&world->events[child], &world->events[least]))
                least = child;
        }
        if (least == i)
            return first;
        swap(&world->events[i], &world->events[least]);
        i = least;
    }
}

int64_t sim_next_us(const struct sim *sim)
{
    return sim->world->count > 0 ? sim->world->events[0].at_us : INT64_MAX;
}

void sim_run_until(struct sim *sim, int64_t at_us)
{
    while (!sim_failed(sim) && sim_next_us(sim) <= at_us) {
        struct event event = take(sim->world);

        sim->now_us = event.at_us;
        sim->result->digest = (sim->result->digest ^ (uint64_t)event.at_us ^ event.order << 40) * 0x100000001b3u;
        event.action(sim, event.context, event.number);
        free(event.owned);
        sim_count(sim, SIM_COUNT_EVENTS, 1);
    }
    if (sim->now_us < at_us && !sim_failed(sim))
        sim->now_us = at_us;
}

static uint64_t below(uint64_t draw, uint64_t limit)
{
    return limit == 0 ? 0 : (uint64_t)(((__uint128_t)draw * limit) >> 64);
}

uint64_t sim_draw(struct sim *sim, enum sim_stream stream)
{
    return mix(&sim->world->streams[stream]);
}

uint64_t sim_below(struct sim *sim, enum sim_stream stream, uint64_t limit)
{
    return below(sim_draw(sim, stream), limit);
}

int64_t sim_between(struct sim *sim, enum sim_stream stream, int64_t low, int64_t high)
{
    return low + (int64_t)sim_below(sim, stream, (uint64_t)(high - low) + 1);
}

bool sim_chance(struct sim *sim, enum sim_stream stream, unsigned per_million)
{
    return sim_below(sim, stream, 1000000) < per_million;
}

bool sim_fault(struct sim *sim, enum sim_fault fault, unsigned per_million)
{
    if (sim->quiet || below(mix(&sim->world->fault_streams[fault]), 1000000) >= per_million)
        return false;
    sim->result->faults[fault]++;
    sim_trace(sim, "fault: %s", sim_fault_name(fault));
    return true;
}

unsigned sim_rate(const struct sim *sim, unsigned per_million)
{
    unsigned rare = per_million < 20000 ? per_million : 20000;

    return sim->options.often > 1 && per_million <= 60000 ? per_million + rare * (sim->options.often - 1) : per_million;
}

uint64_t sim_fault_below(struct sim *sim, enum sim_fault fault, uint64_t limit)
{
    return below(mix(&sim->world->fault_streams[fault]), limit);
}

struct id sim_id(struct sim *sim, const char *what, uint64_t number)
{
    uint64_t state = sim->options.seed * 0x100000001b3u + number;
    struct id id;

    for (const char *at = what; *at != '\0'; at++)
        state = (state ^ (uint8_t)*at) * 0x100000001b3u;
    put_u64(id.bytes, mix(&state));
    put_u64(id.bytes + 8, mix(&state));
    return id;
}

void sim_count(struct sim *sim, enum sim_count count, uint64_t more)
{
    sim->result->counts[count] += more;
}

const char *sim_fault_name(enum sim_fault fault)
{
#define X(symbol, name) name,
    static const char *const names[] = {SIM_FAULTS(X)};
#undef X

    return names[fault];
}

const char *sim_count_name(enum sim_count count)
{
#define X(symbol, name) name,
    static const char *const names[] = {SIM_COUNTS(X)};
#undef X

    return names[count];
}

static void print_time(const struct sim *sim, FILE *to)
{
    time_t seconds = (time_t)(sim->now_us / SIM_SECOND);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    fprintf(to, "day %3d %02d:%02d:%02d.%03d  ", (int)((sim->now_us - SIM_START) / SIM_DAY) + 1, parts.tm_hour,
            parts.tm_min, parts.tm_sec, (int)(sim->now_us / 1000 % 1000));
}

void sim_trace(struct sim *sim, const char *format, ...)
{
    va_list arguments;

    if (!sim->options.trace)
        return;
    print_time(sim, stdout);
    va_start(arguments, format);
    /* The analyser loses va_start among several files. NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    struct sim_result *result = sim->result;
    va_list arguments;

    if (result->failed)
        return;
    result->failed = true;
    va_start(arguments, format);
    /* The analyser loses va_start among several files. NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    (void)vsnprintf(result->failure, sizeof(result->failure), format, arguments);
    va_end(arguments);
    sim_trace(sim, "FAILED: %s", result->failure);
}

bool sim_failed(const struct sim *sim)
{
    return sim->result->failed;
}
