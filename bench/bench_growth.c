/*
 * ./run bench growth: whether a server grows slower with what it has. The store is filled through the server to 10^5 and 10^6
 * facts (10^7 with --full), by ever more devices. At each size: a day's batches of 50 more devices; then lone visits one after
 * the other, from sending each to its flag at a supervisor's client; the server's memory; and the bytes on disk for each fact.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bench/fill.h"
#include "bench/flag_visits.h"
#include "bench/load_log.h"
#include "bench/machine.h"
#include "bench/result.h"

#define SIZES_MAX 3
#define FILL_ATTEMPTS 50u /* of a device: 1,000 facts */
#define PART_DEVICES                                                                                                   \
    INGEST_DEVICES /* that fill at once: at every size as many as when measured, for memory is compared */
#define INGEST_DEVICES 50u
#define INGEST_ATTEMPTS 20u
#define INGESTS 3u /* the median of so many additions */
#define FACTS_PER_PUSH 60u
#define VISITS 300u
#define VISIT_FACTS 2u
#define TEAM_SIZE 50u
#define FLAT_AIM 1.3
#define FLAG_WAIT_S 30

struct options {
    size_t sizes[SIZES_MAX]; /* facts */
    size_t size_count;
    const char *folder;
    const char *json;
};

struct at_size {
    size_t facts;
    double ingest_per_s;
    double cpu_us; /* the server's, a fact */
    double flag_ms[2];
    double memory; /* bytes */
    double disk;   /* bytes a fact */
};

struct growth {
    const struct options *options;
    struct fleet fleet;
    struct server_process server;
    struct fill *fill;
    size_t next_device; /* from there none has pushed yet */
    size_t probed;      /* facts of the probes */
    struct at_size found[SIZES_MAX];
};

/* Flags ------------------------------------------------------------------------------------------------------------- */

struct probe {
    const struct hash *presence; /* whose flag is awaited */
    bool raised;
    bool wrong;
};

static void on_message(void *context, struct crowd_client *client, struct span bytes)
{
    struct probe *probe = context;
    Doublecrew__V1__ServerMessage *message = doublecrew__v1__server_message__unpack(NULL, bytes.size, bytes.data);

    (void)client;
    if (message == NULL || message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR)
        probe->wrong = true;
    else if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_FLAG && probe->presence != NULL &&
             message->flag->flag->subject.len == HASH_SIZE &&
             memcmp(message->flag->flag->subject.data, probe->presence->bytes, HASH_SIZE) == 0)
        probe->raised = true;
    if (message != NULL)
        doublecrew__v1__server_message__free_unpacked(message, NULL);
}

static enum status run_until(struct crowd *crowd, struct probe *probe, const size_t *count, size_t wanted)
{
    double until_s = machine_now_s() + FLAG_WAIT_S;

    while (count == NULL ? !probe->raised : *count < wanted) {
        crowd_run(crowd, 100);
        if (probe->wrong || crowd_figures(crowd)->failed > 0 || machine_now_s() > until_s) {
            fprintf(stderr, "bench: a flag did not come, or somebody was refused: no figures\n");
            return STATUS_STORE;
        }
    }
    return STATUS_OK;
}

static enum status time_visits(struct crowd *crowd, struct probe *probe, struct crowd_client *officer,
                               const struct flag_visit *visits, double *ret_took_ms)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < VISITS && status == STATUS_OK; i++) {
        double begun_s = machine_now_s();

        probe->presence = &visits[i].presence;
        probe->raised = false;
        crowd_send(officer, span_of(visits[i].frame, visits[i].size));
        status = run_until(crowd, probe, NULL, 0);
        ret_took_ms[i] = (machine_now_s() - begun_s) * 1e3;
    }
    return status;
}

/* flag_visits asks for a force in another shape. */
static enum status make_visits(const struct fleet *fleet, size_t device, const struct id *boot, uint64_t *random,
                               struct flag_visit **ret_visits)
{
    struct ingest_force force = {.device_count = fleet->spec.device_count, .offenders = fleet->offenders};
    enum status status = STATUS_NO_MEMORY;
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    force.devices = calloc(force.device_count, sizeof(*force.devices));
    if (force.devices != NULL) {
        force.devices[device].log = fleet->devices[device].log;
        force.devices[device].officer = fleet->devices[device].officer;
        force.devices[device].key = fleet->devices[device].key;
        status = flag_visits_make(&force, device, boot, (int64_t)now.tv_sec * 1000, VISITS, random, ret_visits);
    }
    free(force.devices);
    return status;
}

static size_t supervisor_of(const struct fleet *fleet, size_t device)
{
    return fleet->spec.device_count + device / fleet->spec.team_size;
}

static enum status measure_flags(struct growth *growth, size_t device, double ret_ms[2])
{
    struct probe probe = {.raised = false};
    struct crowd_spec spec = {.fleet = &growth->fleet,
                              .port = growth->server.port,
                              .hello = true,
                              .under_way_max = 2,
                              .calls = {.message = on_message},
                              .context = &probe};
    struct crowd *officer = NULL;
    struct crowd *supervisor = NULL;
    struct flag_visit *visits = NULL;
    double *took_ms = calloc(VISITS, sizeof(*took_ms));
    uint64_t random = 3 + device;
    enum status status = took_ms == NULL ? STATUS_NO_MEMORY : crowd_new(&spec, &officer);

    if (status == STATUS_OK)
        status = crowd_new(&spec, &supervisor);
    if (status == STATUS_OK)
        status = crowd_set_out(officer, device, 1);
    if (status == STATUS_OK)
        status = crowd_set_out(supervisor, supervisor_of(&growth->fleet, device), 1);
    if (status == STATUS_OK)
        status = run_until(officer, &probe, &crowd_figures(officer)->live, 1);
    if (status == STATUS_OK)
        status = run_until(supervisor, &probe, &crowd_figures(supervisor)->live, 1);
    if (status == STATUS_OK)
        status = make_visits(&growth->fleet, device, crowd_boot(crowd_client_of(officer, device)), &random, &visits);
    if (status == STATUS_OK)
        status = time_visits(supervisor, &probe, crowd_client_of(officer, device), visits, took_ms);
    if (status == STATUS_OK) {
        ret_ms[0] = machine_percentile(took_ms, VISITS, 0.5);
        ret_ms[1] = machine_percentile(took_ms, VISITS, 0.99);
        growth->probed += VISITS * VISIT_FACTS;
    }
    flag_visits_done(visits, visits == NULL ? 0 : VISITS);
    crowd_free(officer);
    crowd_free(supervisor);
    free(took_ms);
    return status;
}

/* Sizes ------------------------------------------------------------------------------------------------------------- */

static double size_of(const char *path, const char *suffix)
{
    char name[PROCESS_PATH_MAX + 8];
    struct stat about;

    snprintf(name, sizeof(name), "%s%s", path, suffix);
    return stat(name, &about) == 0 ? (double)about.st_size : 0;
}

static enum status add(struct growth *growth, size_t count, size_t attempts, struct fill_figures *ret_figures)
{
    const struct fill_part part = {
        .from = growth->next_device, .count = count, .attempts = attempts, .facts_per_push = FACTS_PER_PUSH};

    growth->next_device += count;
    return fill_add(growth->fill, &growth->server, &part, ret_figures);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum status fill_to(struct growth *growth, size_t facts)
{
    enum status status = STATUS_OK;

    while (status == STATUS_OK && fill_facts(growth->fill) < facts) {
        size_t missing = (facts - fill_facts(growth->fill)) / (FILL_ATTEMPTS * ATTEMPT_FACTS);
        struct fill_figures filled;

        if (missing < 2)
            break;
        status = add(growth, least(PART_DEVICES, missing / 2 * 2), FILL_ATTEMPTS, &filled);
        fprintf(stderr, "  %zu facts\n", fill_facts(growth->fill));
    }
    return status;
}

static enum status measure_ingest(struct growth *growth, struct at_size *ret_found)
{
    double per_s[INGESTS];
    double cpu_us[INGESTS];
    enum status status = STATUS_OK;

    for (size_t i = 0; i < INGESTS && status == STATUS_OK; i++) {
        struct fill_figures ingest = {.facts = 0};

        status = add(growth, INGEST_DEVICES, INGEST_ATTEMPTS, &ingest);
        per_s[i] = (double)ingest.facts / ingest.took_s;
        cpu_us[i] = ingest.cpu_s * 1e6 / (double)ingest.facts;
    }
    if (status != STATUS_OK)
        return status;
    ret_found->ingest_per_s = machine_percentile(per_s, INGESTS, 0.5);
    ret_found->cpu_us = machine_percentile(cpu_us, INGESTS, 0.5);
    return STATUS_OK;
}

static enum status measure_at(struct growth *growth, size_t facts, struct at_size *ret_found)
{
    enum status status = fill_to(growth, facts);

    if (status == STATUS_OK)
        status = measure_ingest(growth, ret_found);
    if (status != STATUS_OK)
        return status;
    growth->next_device += 2; /* a pair of its own for the probe */
    status = measure_flags(growth, growth->next_device - 2, ret_found->flag_ms);
    ret_found->facts = fill_facts(growth->fill) + growth->probed;
    ret_found->memory = (double)machine_memory(growth->server.pid);
    ret_found->disk =
        (size_of(growth->fleet.store, "") + size_of(growth->fleet.store, "-wal")) / (double)ret_found->facts;
    return status;
}

static enum status measure(struct growth *growth)
{
    enum status status = fill_new(&growth->fleet, 5, &growth->fill);

    machine_stay_on(MACHINE_SERVER_CORE);
    if (status == STATUS_OK && !server_start(&growth->server, growth->fleet.dir))
        status = STATUS_NETWORK;
    machine_stay_on(MACHINE_LOAD_CORE);
    for (size_t i = 0; i < growth->options->size_count && status == STATUS_OK; i++)
        status = measure_at(growth, growth->options->sizes[i], &growth->found[i]);
    server_kill(&growth->server);
    return status;
}

static enum status check_kept(const struct growth *growth)
{
    uint64_t *entries = calloc(growth->fleet.count, sizeof(*entries));
    enum status status = entries == NULL ? STATUS_NO_MEMORY : fleet_count(&growth->fleet, entries);
    size_t kept = 0;

    for (size_t i = 0; i < growth->fleet.count && status == STATUS_OK; i++)
        kept += (size_t)entries[i];
    free(entries);
    if (status == STATUS_OK && kept != fill_facts(growth->fill) + growth->probed) {
        fprintf(stderr, "bench: %zu facts were acknowledged, and the store has %zu: no figures\n",
                fill_facts(growth->fill) + growth->probed, kept);
        status = STATUS_STORE;
    }
    return status;
}

/* Output ------------------------------------------------------------------------------------------------------------ */

static void add_figures(struct result *result, const struct at_size *found, size_t size)
{
    const struct {
        const char *name;
        const char *label;
        const char *unit;
        double value;
    } figures[] = {{"ingest", "ingest", "facts/s", found->ingest_per_s},
                   {"cpu", "the server's CPU a fact", "us", found->cpu_us},
                   {"flag", "from a visit's sending to its flag, p50", "ms", found->flag_ms[0]},
                   {"flag_p99", "from a visit's sending to its flag, p99", "ms", found->flag_ms[1]},
                   {"memory", "the server's memory", "bytes", found->memory},
                   {"disk", "on disk for each fact", "bytes", found->disk}};

    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        char key[64];
        char label[RESULT_TEXT_SIZE];

        snprintf(key, sizeof(key), "growth.%zu.%s", size, figures[i].name);
        snprintf(label, sizeof(label), "at %zu facts: %s", size, figures[i].label);
        result_figure(result, key, label, figures[i].unit, figures[i].value);
    }
}

static void add_flatness(struct result *result, const struct at_size *small, const struct at_size *large)
{
    const struct {
        const char *key;
        const char *label;
        double value;
    } ratios[] = {
        {"growth.ingest", "ingest: time a fact in the largest store to the smallest's",
         small->ingest_per_s / large->ingest_per_s},
        {"growth.flag", "flag: p50 in the largest store to the smallest's", large->flag_ms[0] / small->flag_ms[0]},
        {"growth.memory", "memory with the largest store to the smallest's", large->memory / small->memory},
    };

    for (size_t i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++) {
        printf("  %s: %.2f, aim at most %.1f: %s\n", ratios[i].label, ratios[i].value, FLAT_AIM,
               ratios[i].value <= FLAT_AIM ? "met" : "not met");
        result_ratio(result, ratios[i].key, ratios[i].label, RESULT_AT_MOST, FLAT_AIM, ratios[i].value);
    }
}

static enum status report(const struct growth *growth, double others)
{
    const struct options *options = growth->options;
    struct result *result = NULL;
    enum status status = result_new("growth", &result);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < options->size_count; i++) {
        const struct at_size *found = &growth->found[i];

        printf("%zu facts: ingest %.0f facts/s, %.0f us of CPU a fact; flag p50 / p99 %.2f / %.2f ms; memory %.1f MB; "
               "%.0f bytes on disk a fact\n",
               options->sizes[i], found->ingest_per_s, found->cpu_us, found->flag_ms[0], found->flag_ms[1],
               found->memory / 1e6, found->disk);
        add_figures(result, found, options->sizes[i]);
    }
    add_flatness(result, &growth->found[0], &growth->found[options->size_count - 1]);
    result_check(result, "everything acknowledged is in the store after SIGKILL", true);
    result_check(result, "every flag came", true);
    result_others(result, others);
    status = result_write(result, options->json);
    result_free(result);
    return status;
}

static bool read_sizes(const char *text, struct options *options)
{
    char *end = NULL;

    options->size_count = 0;
    while (options->size_count < SIZES_MAX) {
        size_t before = options->size_count == 0 ? 0 : options->sizes[options->size_count - 1];
        unsigned long facts = strtoul(text, &end, 10);

        if (end == text || facts <= before || facts < (size_t)2 * FILL_ATTEMPTS * ATTEMPT_FACTS)
            return false;
        options->sizes[options->size_count++] = facts;
        if (*end == '\0')
            return options->size_count >= 2;
        text = end + 1;
    }
    return false;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;

        if (strcmp(argv[i], "--full") == 0)
            options->size_count = SIZES_MAX;
        else if (more && strcmp(argv[i], "--sizes") == 0) {
            if (!read_sizes(argv[++i], options))
                return false;
        } else if (more && strcmp(argv[i], "--folder") == 0)
            options->folder = argv[++i];
        else if (more && strcmp(argv[i], "--json") == 0)
            options->json = argv[++i];
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.sizes = {100000, 1000000, 10000000}, .size_count = 2, .folder = "build/bench-data"};
    struct fleet_spec spec = {.team_size = TEAM_SIZE, .offenders_per_pair = INGEST_OFFENDERS, .supervisors = true};
    struct growth growth = {.options = &options};

    if (!read_options(argc, argv, &options)) {
        fprintf(stderr, "Usage: bench growth [--sizes FACTS,FACTS[,FACTS] (100000,1000000) | --full (10000000, too)] "
                        "[--folder DIR, on a disk] [--json FILE]\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    struct machine_usage before = machine_usage();
    spec.base = options.folder;
    spec.device_count = options.sizes[options.size_count - 1] / (FILL_ATTEMPTS * ATTEMPT_FACTS) +
                        options.size_count * (INGESTS * INGEST_DEVICES + 2);
    spec.device_count += spec.device_count % 2;
    fprintf(stderr, "setting up a force with %zu devices\n", spec.device_count);
    enum status status = fleet_make(&spec, NULL, &growth.fleet);
    if (status == STATUS_OK)
        status = measure(&growth);
    if (status == STATUS_OK)
        status = check_kept(&growth);
    if (status == STATUS_OK) {
        machine_print();
        status = report(&growth, machine_others_share(&before));
    }
    fill_free(growth.fill);
    if (growth.fleet.count > 0)
        fleet_remove(&growth.fleet);
    return status == STATUS_OK ? 0 : 1;
}
