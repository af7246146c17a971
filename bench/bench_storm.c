/*
 * ./run bench storm: the morning after an outage. Ten thousand devices connect at once, each with 20 facts that it wrote
 * meanwhile, and nobody is to be lost on the way: whoever is told to come later comes then, whoever's connection is closed
 * comes again after 0.5 to 1 s.
 *
 * Handshakes a second, over the time from the first one's setting out to the last one's handshake, beside those of a server
 * that does nothing but shake hands on plain OpenSSL (tls_bare.h), with the same settings, certificates and load. Mutual TLS
 * 1.3, P-256, full handshakes: nothing is resumed. The server has one core and the load the other, as with the bare one.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/crowd.h"
#include "bench/load_link.h"
#include "bench/load_log.h"
#include "bench/machine.h"
#include "bench/result.h"
#include "bench/tls_bare.h"

#define QUICK_DEVICES 10000u
#define DEVICES_MAX 15000u
#define TEAM_SIZE 50u
#define FILES_BESIDE 1200u
#define PATIENCE_S 300
#define ADMIT_PER_S 1000u /* as for a force of this size: what one core can shake hands with */
#define HANDSHAKES_AIM 0.8

struct options {
    size_t devices;
    const char *folder;
    const char *json;
};

struct storm {
    const struct fleet *fleet;
    struct id *boots;
    struct load_log *logs;
    double *done_s; /* since all set out; 0: not done */
    double begun_s;
    size_t done;
    size_t wrong;
};

struct figures {
    double bare_per_s;
    double shaken_per_s;
    double shaken_s;  /* the last one's handshake */
    double done_s[3]; /* p50, p99, the slowest */
    size_t shaken;
    size_t busy;
    size_t cut_off;
    double bare_cpu_s;   /* the bare server's */
    double shaken_cpu_s; /* ours, up to the last handshake */
    double cpu_s;        /* and in all */
    bool kept;
};

/* What the devices wrote meanwhile ---------------------------------------------------------------------------------- */

static enum status make_log(struct storm *storm, size_t index, uint64_t *random)
{
    const struct fleet_device *device = &storm->fleet->devices[index];
    const struct load_log_spec spec = {
        .log = device->log,
        .boot = storm->boots[index],
        .key = device->key,
        .person = {.officer = device->officer,
                   .partner = storm->fleet->devices[index ^ 1].officer,
                   .second = index % 2 == 1,
                   .offenders = &storm->fleet->offenders[index / 2],
                   .offender_count = 1,
                   .latitude_e7 = 522000000,
                   .longitude_e7 = 1000000},
        .times = {.ago_ms = 3600000, .every_ms = 1800000, .lasts_ms = 1200000},
        .attempts = 1,
        .facts_per_push = ATTEMPT_FACTS,
        .wall_ms = machine_wall_ms(),
    };

    return load_log_make(&spec, random, &storm->logs[index]);
}

static void storm_done(struct storm *storm)
{
    for (size_t i = 0; storm->logs != NULL && i < storm->fleet->count; i++)
        load_log_done(&storm->logs[i]);
    free(storm->logs);
    free(storm->boots);
    free(storm->done_s);
}

static enum status storm_make(const struct fleet *fleet, struct storm *ret_storm)
{
    struct storm storm = {.fleet = fleet};
    uint64_t random = 11;
    enum status status = STATUS_OK;

    storm.boots = calloc(fleet->count, sizeof(*storm.boots));
    storm.logs = calloc(fleet->count, sizeof(*storm.logs));
    storm.done_s = calloc(fleet->count, sizeof(*storm.done_s));
    if (storm.boots == NULL || storm.logs == NULL || storm.done_s == NULL)
        status = STATUS_NO_MEMORY;
    for (size_t i = 0; i < fleet->count && status == STATUS_OK; i++) {
        put_u64(storm.boots[i].bytes, load_random(&random));
        put_u64(storm.boots[i].bytes + 8, load_random(&random));
        status = make_log(&storm, i, &random);
    }
    *ret_storm = storm;
    return status;
}

/* The storm --------------------------------------------------------------------------------------------------------- */

static void finish(struct storm *storm, size_t index)
{
    if (storm->done_s[index] > 0)
        return;
    storm->done_s[index] = machine_now_s() - storm->begun_s;
    storm->done++;
}

/* What a connection that was cut off left behind may be durable already. */
static void on_live(void *context, struct crowd_client *client, const Doublecrew__V1__Welcome *welcome)
{
    struct storm *storm = context;
    size_t index = crowd_index(client);
    const struct load_push *push = &storm->logs[index].pushes[0];

    if (welcome->durable_seq == push->last_seq)
        finish(storm, index);
    else if (welcome->durable_seq == 0)
        crowd_send(client, span_of(push->frame, push->size));
    else
        storm->wrong++;
}

static void on_message(void *context, struct crowd_client *client, struct span bytes)
{
    struct storm *storm = context;
    size_t index = crowd_index(client);
    struct crowd_page page;

    if (crowd_take_page(client, bytes, &page))
        return;
    Doublecrew__V1__ServerMessage *message = doublecrew__v1__server_message__unpack(NULL, bytes.size, bytes.data);

    if (message != NULL && message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK) {
        if (message->ack->durable_seq == storm->logs[index].pushes[0].last_seq && message->ack->n_held == 0)
            finish(storm, index);
        else
            storm->wrong++;
    } else if (message == NULL || (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR &&
                                   message->error->retry_after_ms == 0)) {
        storm->wrong++;
    }
    if (message != NULL)
        doublecrew__v1__server_message__free_unpacked(message, NULL);
}

/* ret_shaken_cpu_s: the server's when the last hands were shaken. */
static enum status run_crowd(struct storm *storm, struct crowd *crowd, pid_t server, const size_t *done,
                             double *ret_shaken_cpu_s)
{
    enum status status = crowd_set_out(crowd, 0, storm->fleet->count);
    size_t shaken = 0;

    storm->begun_s = machine_now_s();
    while (status == STATUS_OK && *done < storm->fleet->count) {
        crowd_run(crowd, 20);
        if (crowd_figures(crowd)->shaken > shaken && crowd_figures(crowd)->shaken >= storm->fleet->count)
            *ret_shaken_cpu_s = machine_cpu_s(server);
        shaken = crowd_figures(crowd)->shaken;
        if (storm->wrong > 0 || crowd_figures(crowd)->failed > 0) {
            fprintf(stderr, "bench: somebody was refused for good: no figures\n");
            status = STATUS_NETWORK;
        } else if (machine_now_s() - storm->begun_s > PATIENCE_S) {
            fprintf(stderr, "bench: %zu of %zu were done after %d s: no figures\n", *done, storm->fleet->count,
                    PATIENCE_S);
            status = STATUS_TIMEOUT;
        }
    }
    return status;
}

static enum status measure_bare(struct storm *storm, struct figures *figures)
{
    char config[PROCESS_PATH_MAX];
    struct crowd_spec spec = {
        .fleet = storm->fleet, .handshake_only = true, .under_way_max = (unsigned)storm->fleet->count};
    struct crowd *crowd = NULL;
    pid_t pid = 0;

    snprintf(config, sizeof(config), "%.900s/doublecrewd.conf", storm->fleet->dir);
    machine_stay_on(MACHINE_SERVER_CORE);
    enum status status = tls_bare_start(config, &pid, &spec.port);
    machine_stay_on(MACHINE_LOAD_CORE);
    if (status == STATUS_OK)
        status = crowd_new(&spec, &crowd);
    if (status == STATUS_OK)
        status = run_crowd(storm, crowd, pid, &crowd_figures(crowd)->live, &figures->bare_cpu_s);
    if (status == STATUS_OK)
        figures->bare_per_s =
            (double)crowd_figures(crowd)->shaken / (crowd_figures(crowd)->last_shaken_s - storm->begun_s);
    crowd_free(crowd);
    tls_bare_stop(pid);
    return status;
}

static void take_figures(const struct storm *storm, const struct crowd *crowd, struct figures *figures)
{
    const struct crowd_figures *seen = crowd_figures(crowd);
    size_t count = storm->fleet->count;

    figures->shaken = seen->shaken;
    figures->busy = seen->busy;
    figures->cut_off = seen->cut_off;
    figures->shaken_s = seen->last_shaken_s - storm->begun_s;
    figures->shaken_per_s = (double)seen->shaken / figures->shaken_s;
    figures->done_s[0] = machine_percentile(storm->done_s, count, 0.5);
    figures->done_s[1] = machine_percentile(storm->done_s, count, 0.99);
    figures->done_s[2] = machine_percentile(storm->done_s, count, 1);
}

static enum status check_kept(const struct storm *storm)
{
    uint64_t *entries = calloc(storm->fleet->count, sizeof(*entries));
    enum status status = entries == NULL ? STATUS_NO_MEMORY : fleet_count(storm->fleet, entries);

    for (size_t i = 0; i < storm->fleet->count && status == STATUS_OK; i++) {
        if (entries[i] != ATTEMPT_FACTS) {
            fprintf(stderr, "bench: of device %zu the store has %llu entries of %d: no figures\n", i,
                    (unsigned long long)entries[i], ATTEMPT_FACTS);
            status = STATUS_STORE;
        }
    }
    free(entries);
    return status;
}

static enum status measure_server(struct storm *storm, struct figures *figures)
{
    struct crowd_spec spec = {.fleet = storm->fleet,
                              .hello = true,
                              .boots = storm->boots,
                              .cursor = storm->fleet->setup_pos,
                              .page_credit = 1,
                              .under_way_max = (unsigned)storm->fleet->count,
                              .calls = {.live = on_live, .message = on_message},
                              .context = storm};
    struct server_process server = {.pid = 0};
    struct crowd *crowd = NULL;
    enum status status = fleet_reset(storm->fleet);

    machine_stay_on(MACHINE_SERVER_CORE);
    if (status == STATUS_OK && !server_start(&server, storm->fleet->dir))
        status = STATUS_NETWORK;
    machine_stay_on(MACHINE_LOAD_CORE);
    spec.port = server.port;
    if (status == STATUS_OK)
        status = crowd_new(&spec, &crowd);
    if (status == STATUS_OK)
        status = run_crowd(storm, crowd, server.pid, &storm->done, &figures->shaken_cpu_s);
    figures->cpu_s = machine_cpu_s(server.pid);
    server_kill(&server);
    if (status == STATUS_OK)
        take_figures(storm, crowd, figures);
    crowd_free(crowd);
    return status == STATUS_OK ? check_kept(storm) : status;
}

/* Output ------------------------------------------------------------------------------------------------------------ */

static enum status report(const struct options *options, const struct figures *figures, double others)
{
    struct result *result = NULL;
    double share = figures->shaken_per_s / figures->bare_per_s;
    enum status status = result_new("storm", &result);

    if (status != STATUS_OK)
        return status;
    printf("%zu devices at once, %d facts each\n", options->devices, ATTEMPT_FACTS);
    printf(
        "  handshakes: %.0f a second, %zu in %.1f s; bare OpenSSL %.0f a second; ratio %.2f, aim at least %.1f: %s\n",
        figures->shaken_per_s, figures->shaken, figures->shaken_s, figures->bare_per_s, share, HANDSHAKES_AIM,
        share >= HANDSHAKES_AIM ? "met" : "not met");
    printf("  CPU of the server until all hands were shaken: %.2f ms a handshake; bare OpenSSL %.2f ms\n",
           figures->shaken_cpu_s * 1e3 / (double)figures->shaken, figures->bare_cpu_s * 1e3 / (double)options->devices);
    printf("  all facts acknowledged: p50 %.1f s, p99 %.1f s, the slowest %.1f s\n", figures->done_s[0],
           figures->done_s[1], figures->done_s[2]);
    printf("  told to come later: %zu times, cut off: %zu times, refused for good: nobody, lost: nothing\n",
           figures->busy, figures->cut_off);
    printf("  the server's CPU: %.2f ms a device\n", figures->cpu_s * 1e3 / (double)options->devices);
    result_figure(result, "storm.handshakes.ours", "handshakes", "1/s", figures->shaken_per_s);
    result_figure(result, "storm.handshakes.bare", "handshakes of bare OpenSSL", "1/s", figures->bare_per_s);
    result_figure(result, "storm.cpu.shaken", "the server's CPU a handshake until the last one", "ms",
                  figures->shaken_cpu_s * 1e3 / (double)figures->shaken);
    result_figure(result, "storm.cpu.bare", "bare OpenSSL's CPU a handshake", "ms",
                  figures->bare_cpu_s * 1e3 / (double)options->devices);
    result_figure(result, "storm.done.p50", "all of a device's facts acknowledged, p50", "s", figures->done_s[0]);
    result_figure(result, "storm.done.p99", "all of a device's facts acknowledged, p99", "s", figures->done_s[1]);
    result_figure(result, "storm.done.slowest", "the slowest device", "s", figures->done_s[2]);
    result_figure(result, "storm.busy", "times that one was told to come later", "times", (double)figures->busy);
    result_figure(result, "storm.cut_off", "connections that ended without a word", "times", (double)figures->cut_off);
    result_figure(result, "storm.cpu", "the server's CPU a device", "ms",
                  figures->cpu_s * 1e3 / (double)options->devices);
    result_ratio(result, "storm.handshakes", "handshakes to bare OpenSSL's", RESULT_AT_LEAST, HANDSHAKES_AIM, share);
    result_check(result, "nobody was refused for good", true);
    result_check(result, "everything acknowledged is in the store after SIGKILL", true);
    result_others(result, others);
    status = result_write(result, options->json);
    result_free(result);
    return status;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;

        if (strcmp(argv[i], "--full") == 0)
            continue; /* ten thousand are the whole of it */
        if (more && strcmp(argv[i], "--devices") == 0) {
            options->devices = (size_t)strtoul(argv[++i], NULL, 10);
            if (options->devices < 2 || options->devices % 2 == 1 || options->devices > DEVICES_MAX)
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

static enum status measure(const struct options *options, const struct fleet *fleet, struct figures *figures)
{
    struct storm storm = {.fleet = fleet};
    enum status status = storm_make(fleet, &storm);

    (void)options;
    if (status == STATUS_OK)
        status = measure_bare(&storm, figures);
    if (status == STATUS_OK)
        status = measure_server(&storm, figures);
    storm_done(&storm);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.devices = QUICK_DEVICES, .folder = "build/bench-data"};
    struct fleet_spec spec = {.team_size = TEAM_SIZE, .offenders_per_pair = 1};
    struct figures figures = {.shaken = 0};
    struct fleet fleet = {.count = 0};
    char config[128];

    if (!read_options(argc, argv, &options)) {
        fprintf(stderr,
                "Usage: bench storm [--devices N (10000, even, at most %u)] [--folder DIR, on a disk] "
                "[--json FILE]\n",
                DEVICES_MAX);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (machine_raise_files(options.devices + FILES_BESIDE) < options.devices + FILES_BESIDE) {
        fprintf(stderr, "bench: %zu devices need %zu open files: raise the limit (ulimit -Hn, LimitNOFILE)\n",
                options.devices, options.devices + FILES_BESIDE);
        return 1;
    }
    struct machine_usage before = machine_usage();
    spec.base = options.folder;
    spec.device_count = options.devices;
    snprintf(config, sizeof(config), "server.max_connections = %zu\nlimits.admit_per_s = %u\nlimits.admit_burst = %u\n",
             options.devices + 8, ADMIT_PER_S, ADMIT_PER_S);
    fprintf(stderr, "setting up a force with %zu devices\n", spec.device_count);
    enum status status = fleet_make(&spec, config, &fleet);
    if (status == STATUS_OK)
        status = measure(&options, &fleet, &figures);
    if (status == STATUS_OK) {
        machine_print();
        status = report(&options, &figures, machine_others_share(&before));
    }
    if (fleet.count > 0)
        fleet_remove(&fleet);
    return status == STATUS_OK ? 0 : 1;
}
