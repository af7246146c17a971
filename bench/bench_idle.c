/*
 * ./run bench idle: what a connected device costs while it has nothing to say, and what it costs the others.
 *
 * Ten thousand devices (fifty thousand with --full) connect over mutual TLS and stay. Memory a connection is what the server
 * has resident of its own with them, less what it had before, shared among them; beside it, in the same run, the same of a
 * bare echo server on libwebsockets (lws_echo.h) with the same TLS settings, certificates and load. One more device pushes
 * one fact after the other, first alone, then among them: its round trip is from sending to the acknowledgement, so it holds
 * verification, derivation, commit and fsync.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/crowd_crew.h"
#include "bench/load_link.h"
#include "bench/load_log.h"
#include "bench/lws_echo.h"
#include "bench/machine.h"
#include "bench/result.h"

#define QUICK_DEVICES 10000u
#define FULL_DEVICES 50000u
#define TEAM_SIZE 50u
#define TRIPS_MAX 4000u
#define FILES_BESIDE 700u /* of the server: store, log, loop, handshakes on their way */
#define SETTLE_S 3
#define ADMIT_PER_S 1000u /* as fast as they come: getting in is bench storm's */
#define MEMORY_AIM 1.1
#define TRIP_AIM 1.5

struct options {
    size_t devices;
    size_t trips; /* one fact each */
    const char *folder;
    const char *json;
};

struct figures {
    double echo_bytes;   /* a connection */
    double server_bytes; /* a connection */
    double alone_ms[2];  /* p50, p99 */
    double among_ms[2];
    double idle_cpu; /* share of a core that the server uses with everybody idle */
};

/* The active device ------------------------------------------------------------------------------------------------- */

struct active {
    struct crowd *crowd;
    struct load_log log;
    const struct fleet *fleet;
    size_t trips;        /* in the log */
    size_t next;         /* push to be sent */
    size_t acknowledged; /* pushes */
    bool wrong;
};

static void on_live(void *context, struct crowd_client *client, const Doublecrew__V1__Welcome *welcome)
{
    struct active *active = context;
    const struct fleet_device *device = &active->fleet->devices[crowd_index(client)];
    uint64_t random = 7;
    const struct load_log_spec spec = {
        .log = device->log,
        .boot = *crowd_boot(client),
        .key = device->key,
        .person = {.officer = device->officer,
                   .partner = active->fleet->devices[crowd_index(client) ^ 1].officer,
                   .offenders = active->fleet->offenders,
                   .offender_count = active->fleet->spec.offenders_per_pair,
                   .latitude_e7 = 522000000,
                   .longitude_e7 = 1000000},
        .times = {.ago_ms = 3600000, .every_ms = 1800000, .lasts_ms = 1200000},
        .attempts = (active->trips + ATTEMPT_FACTS - 1) / ATTEMPT_FACTS,
        .facts_per_push = 1,
        .wall_ms = machine_wall_ms(),
    };

    active->wrong = active->wrong || welcome->durable_seq != 0 || active->log.push_count > 0 ||
                    load_log_make(&spec, &random, &active->log) != STATUS_OK;
}

static void on_message(void *context, struct crowd_client *client, struct span bytes)
{
    struct active *active = context;
    struct crowd_page page;

    if (crowd_take_page(client, bytes, &page))
        return;
    Doublecrew__V1__ServerMessage *message = doublecrew__v1__server_message__unpack(NULL, bytes.size, bytes.data);

    if (message == NULL || message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR) {
        active->wrong = true;
    } else if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK) {
        active->wrong = active->wrong || active->acknowledged == active->next || message->ack->n_held > 0 ||
                        message->ack->durable_seq != active->log.pushes[active->acknowledged].last_seq;
        active->acknowledged++;
    }
    if (message != NULL)
        doublecrew__v1__server_message__free_unpacked(message, NULL);
}

static enum status active_join(struct active *active, uint16_t port)
{
    const struct crowd_spec spec = {.fleet = active->fleet,
                                    .port = port,
                                    .hello = true,
                                    .cursor = active->fleet->setup_pos,
                                    .page_credit = 1,
                                    .under_way_max = 1,
                                    .calls = {.live = on_live, .message = on_message},
                                    .context = active};
    double until_s = machine_now_s() + 10;
    enum status status = crowd_new(&spec, &active->crowd);

    if (status == STATUS_OK)
        status = crowd_set_out(active->crowd, 0, 1);
    while (status == STATUS_OK && crowd_figures(active->crowd)->live == 0 && machine_now_s() < until_s)
        crowd_run(active->crowd, 10);
    if (status == STATUS_OK && (crowd_figures(active->crowd)->live == 0 || active->wrong))
        status = STATUS_NETWORK;
    return status;
}

static enum status active_trips(struct active *active, size_t trips, double ret_ms[2])
{
    double *took_ms = calloc(trips, sizeof(*took_ms));
    size_t done = 0;

    if (took_ms == NULL)
        return STATUS_NO_MEMORY;
    while (done < trips && !active->wrong) {
        const struct load_push *push = &active->log.pushes[active->next++];
        double begin_s = machine_now_s();

        crowd_send(crowd_client_of(active->crowd, 0), span_of(push->frame, push->size));
        while (active->acknowledged < active->next && !active->wrong) {
            crowd_run(active->crowd, 1000);
            active->wrong = active->wrong || machine_now_s() - begin_s > 30;
        }
        took_ms[done++] = (machine_now_s() - begin_s) * 1e3;
    }
    ret_ms[0] = machine_percentile(took_ms, done, 0.5);
    ret_ms[1] = machine_percentile(took_ms, done, 0.99);
    free(took_ms);
    if (active->wrong)
        fprintf(stderr, "bench: a fact was not plainly acknowledged: no figures\n");
    return active->wrong ? STATUS_STORE : STATUS_OK;
}

/* Runs -------------------------------------------------------------------------------------------------------------- */

static void settle(struct crowd *meanwhile)
{
    double until_s = machine_now_s() + SETTLE_S;

    while (machine_now_s() < until_s) {
        if (meanwhile != NULL)
            crowd_run(meanwhile, 100);
        else
            (void)usleep(100000);
    }
}

static int patience_s(size_t devices)
{
    return 60 + (int)(devices / 100);
}

static enum status measure_echo(const struct fleet *fleet, size_t devices, struct figures *figures)
{
    char config[PROCESS_PATH_MAX];
    struct crowd_spec spec = {.fleet = fleet, .request = LWS_ECHO_REQUEST, .under_way_max = 64};
    struct crowd_crew crew = {.count = 0};
    pid_t pid = 0;

    snprintf(config, sizeof(config), "%.900s/doublecrewd.conf", fleet->dir);
    machine_stay_on(MACHINE_SERVER_CORE);
    enum status status = lws_echo_start(config, &pid, &spec.port);
    machine_stay_on(MACHINE_LOAD_CORE);
    settle(NULL);
    double before = (double)machine_memory(pid);
    if (status == STATUS_OK)
        status = crowd_crew_start(&spec, TEAM_SIZE, devices, patience_s(devices), NULL, &crew);
    settle(NULL);
    figures->echo_bytes = ((double)machine_memory(pid) - before) / (double)devices;
    lws_echo_stop(pid);
    crowd_crew_end(&crew);
    return status;
}

static enum status measure_crowd(const struct fleet *fleet, const struct options *options,
                                 const struct server_process *server, struct active *active, struct figures *figures)
{
    struct crowd_spec spec = {.fleet = fleet,
                              .port = server->port,
                              .hello = true,
                              .cursor = fleet->setup_pos,
                              .page_credit = 1,
                              .under_way_max = 64};
    struct crowd_crew crew = {.count = 0};
    double before = (double)machine_memory(server->pid);
    enum status status =
        crowd_crew_start(&spec, TEAM_SIZE, options->devices, patience_s(options->devices), active->crowd, &crew);

    settle(active->crowd);
    figures->server_bytes = ((double)machine_memory(server->pid) - before) / (double)options->devices;
    double cpu_s = machine_cpu_s(server->pid);
    settle(active->crowd);
    figures->idle_cpu = (machine_cpu_s(server->pid) - cpu_s) / SETTLE_S;
    if (status == STATUS_OK)
        status = active_trips(active, options->trips, figures->among_ms);
    crowd_crew_end(&crew);
    return status;
}

static enum status check_kept(const struct fleet *fleet, const struct active *active)
{
    uint64_t *entries = calloc(fleet->count, sizeof(*entries));
    enum status status = entries == NULL ? STATUS_NO_MEMORY : fleet_count(fleet, entries);

    if (status == STATUS_OK && entries[0] != active->acknowledged) {
        fprintf(stderr, "bench: %zu facts were acknowledged, and the store has %llu: no figures\n",
                active->acknowledged, (unsigned long long)entries[0]);
        status = STATUS_STORE;
    }
    free(entries);
    return status;
}

static enum status measure_server(const struct fleet *fleet, const struct options *options, struct figures *figures)
{
    struct server_process server = {.pid = 0};
    struct active active = {.fleet = fleet, .trips = 2 * options->trips};
    enum status status = fleet_reset(fleet);

    machine_stay_on(MACHINE_SERVER_CORE);
    if (status == STATUS_OK && !server_start(&server, fleet->dir))
        status = STATUS_NETWORK;
    machine_stay_on(MACHINE_LOAD_CORE);
    settle(NULL);
    if (status == STATUS_OK)
        status = active_join(&active, server.port);
    if (status == STATUS_OK)
        status = active_trips(&active, options->trips, figures->alone_ms);
    if (status == STATUS_OK)
        status = measure_crowd(fleet, options, &server, &active, figures);
    server_kill(&server);
    crowd_free(active.crowd);
    load_log_done(&active.log);
    return status == STATUS_OK ? check_kept(fleet, &active) : status;
}

/* Output ------------------------------------------------------------------------------------------------------------ */

static enum status report(const struct options *options, const struct figures *figures, double others)
{
    struct result *result = NULL;
    double memory = figures->server_bytes / figures->echo_bytes;
    double trip = figures->among_ms[0] / figures->alone_ms[0];
    enum status status = result_new("idle", &result);

    if (status != STATUS_OK)
        return status;
    printf("%zu devices on mutual TLS, idle\n", options->devices);
    printf("  memory a connection: %.0f bytes; bare libwebsockets echo %.0f bytes; ratio %.2f, aim at most %.1f: %s\n",
           figures->server_bytes, figures->echo_bytes, memory, MEMORY_AIM, memory <= MEMORY_AIM ? "met" : "not met");
    printf("  one device's round trip, p50 / p99: alone %.3f / %.3f ms, among them %.3f / %.3f ms; ratio of the p50 "
           "%.2f, aim at most %.1f: %s\n",
           figures->alone_ms[0], figures->alone_ms[1], figures->among_ms[0], figures->among_ms[1], trip, TRIP_AIM,
           trip <= TRIP_AIM ? "met" : "not met");
    printf("  the server's CPU while they are idle: %.1f %% of a core\n", figures->idle_cpu * 100);
    result_figure(result, "idle.devices", "devices connected", "devices", (double)options->devices);
    result_figure(result, "idle.memory.ours", "memory a connection", "bytes", figures->server_bytes);
    result_figure(result, "idle.memory.echo", "memory a connection of a bare libwebsockets echo", "bytes",
                  figures->echo_bytes);
    result_figure(result, "idle.trip.alone", "round trip alone, p50", "ms", figures->alone_ms[0]);
    result_figure(result, "idle.trip.among", "round trip among them, p50", "ms", figures->among_ms[0]);
    result_figure(result, "idle.trip.alone.p99", "round trip alone, p99", "ms", figures->alone_ms[1]);
    result_figure(result, "idle.trip.among.p99", "round trip among them, p99", "ms", figures->among_ms[1]);
    result_figure(result, "idle.cpu", "the server's CPU while all are idle", "% of a core", figures->idle_cpu * 100);
    result_ratio(result, "idle.memory", "memory a connection to a bare echo's", RESULT_AT_MOST, MEMORY_AIM, memory);
    result_ratio(result, "idle.trip", "round trip among them to alone", RESULT_AT_MOST, TRIP_AIM, trip);
    result_check(result, "everything acknowledged is in the store after SIGKILL", true);
    result_others(result, others);
    status = result_write(result, options->json);
    result_free(result);
    return status;
}

static bool read_number(const char *text, size_t *ret_number)
{
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);

    *ret_number = (size_t)number;
    return *text != '\0' && *end == '\0' && number > 0 && number <= FULL_DEVICES;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;

        if (strcmp(argv[i], "--full") == 0)
            options->devices = FULL_DEVICES;
        else if (more && strcmp(argv[i], "--devices") == 0) {
            if (!read_number(argv[++i], &options->devices))
                return false;
        } else if (more && strcmp(argv[i], "--trips") == 0) {
            if (!read_number(argv[++i], &options->trips) || options->trips > TRIPS_MAX / 2)
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

/* The server and the echo inherit this process's limit of open files. */
static void fit_to_files(struct options *options)
{
    size_t files = machine_raise_files(options->devices + FILES_BESIDE);

    if (files >= options->devices + FILES_BESIDE)
        return;
    fprintf(stderr,
            "bench: %zu devices need %zu open files in the server, and a process may have %zu here: measuring with %zu "
            "devices. Raise the limit (ulimit -Hn, LimitNOFILE) for more\n",
            options->devices, options->devices + FILES_BESIDE, files, files - FILES_BESIDE);
    options->devices = files - FILES_BESIDE;
}

int main(int argc, char **argv)
{
    struct options options = {.devices = QUICK_DEVICES, .trips = 1000, .folder = "build/bench-data"};
    struct fleet_spec spec = {.team_size = TEAM_SIZE, .offenders_per_pair = 1};
    struct figures figures = {.echo_bytes = 0};
    struct fleet fleet = {.count = 0};
    char config[128];

    if (!read_options(argc, argv, &options)) {
        fprintf(stderr,
                "Usage: bench idle [--devices N (10000) | --full (50000)] [--trips N (1000)] [--folder DIR, on a "
                "disk] [--json FILE]\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    fit_to_files(&options);
    struct machine_usage before = machine_usage();
    spec.base = options.folder;
    spec.device_count = TEAM_SIZE + options.devices;
    spec.device_count += spec.device_count % 2;
    snprintf(config, sizeof(config), "server.max_connections = %zu\nlimits.admit_per_s = %u\nlimits.admit_burst = %u\n",
             options.devices + 8, ADMIT_PER_S, ADMIT_PER_S);
    fprintf(stderr, "setting up a force with %zu devices\n", spec.device_count);
    enum status status = fleet_make(&spec, config, &fleet);
    if (status == STATUS_OK)
        status = measure_echo(&fleet, options.devices, &figures);
    if (status == STATUS_OK)
        status = measure_server(&fleet, &options, &figures);
    if (status == STATUS_OK) {
        machine_print();
        status = report(&options, &figures, machine_others_share(&before));
    }
    if (fleet.count > 0)
        fleet_remove(&fleet);
    return status == STATUS_OK ? 0 : 1;
}
