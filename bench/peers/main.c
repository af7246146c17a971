/*
 * The load on one peer that is already running (bench/peers.py starts and stops them): one of these, then everything is
 * read back by another client, and whatever was acknowledged and isn't there is counted.
 *
 *   batch    50 devices, a day's batch of 60 facts a push
 *   single   50 devices, one fact a push, the next when it is acknowledged
 *   one      one device, one fact a push
 *   rest, full, half   lone visits, two facts a push, and another client that is told: 50 a second; as fast as they are
 *            acknowledged; at --rate
 *   catchup  100,000 facts to a fresh client
 *   cut      pushes until the peer is killed, and writes down what was acknowledged (--ledger)
 *   collect  after that: how much of it is there
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/machine.h"
#include "bench/peers/peer_load.h"
#include "bench/result.h"

#define DEVICES 50
#define DAY_FACTS 60
#define FLAG_SECONDS 6
#define REST_RATE_PER_S 50
#define KEY_SIZE 96

struct load_kind {
    const char *name;
    const char *bench; /* first word of its keys */
    size_t devices;
    size_t pushes_each;
    size_t facts_per_push;
    double rate_per_s;
    bool visits;
};

static const struct load_kind kinds[] = {
    {"batch", "ingest", DEVICES, 6, DAY_FACTS, 0, false},
    {"single", "ingest", DEVICES, 200, 1, 0, false},
    {"one", "ingest", 1, 800, 1, 0, false},
    {"rest", "flag", DEVICES, 10, 2, REST_RATE_PER_S, true},
    {"full", "flag", DEVICES, 160, 2, 0, true},
    {"half", "flag", DEVICES, 0, 2, 0, true},
    {"catchup", "catchup", DEVICES, 40, 50, 0, false},
    {"cut", "cut", DEVICES, 1000, 10, 0, false},
    {"collect", "cut", DEVICES, 1000, 10, 0, false},
};

static const struct peer_protocol *const protocols[] = {&peer_websocket, &peer_websocket_deflate, &peer_mqtt,
                                                        &peer_postgres, &peer_couch};

struct options {
    const struct peer_protocol *protocol;
    const struct load_kind *kind;
    size_t port;
    size_t server;      /* process */
    size_t pushes_each; /* 0: the kind's */
    size_t seed;
    double rate_per_s;
    const char *certs;
    const char *json;
    const char *ledger;
};

/* The ledger of what was acknowledged ------------------------------------------------------------------------------- */

static enum status write_ledger(const char *path, const struct peer_figures *figures, size_t devices)
{
    FILE *file = fopen(path, "we");

    for (size_t i = 0; file != NULL && i < devices; i++)
        fprintf(file, "%zu\n", figures->acknowledged[i]);
    if (file != NULL && fclose(file) == 0)
        return STATUS_OK;
    fprintf(stderr, "bench: %s can't be written: %s\n", path, strerror(errno));
    return STATUS_IO;
}

static enum status read_ledger(const char *path, struct peer_figures *figures, size_t devices)
{
    FILE *file = fopen(path, "re");
    char line[64];
    size_t count = 0;

    while (file != NULL && count < devices && fgets(line, sizeof(line), file) != NULL) {
        figures->acknowledged[count] = strtoul(line, NULL, 10);
        figures->facts += figures->acknowledged[count++];
    }
    if (file != NULL)
        (void)fclose(file);
    if (count == devices)
        return STATUS_OK;
    fprintf(stderr, "bench: %s doesn't say what was acknowledged\n", path);
    return STATUS_IO;
}

/* Telling ----------------------------------------------------------------------------------------------------------- */

struct told {
    struct result *result;
    const struct options *options;
};

static void tell(const struct told *told, const char *bench, const char *what, const char *label, const char *unit,
                 double value)
{
    const struct options *options = told->options;
    char key[KEY_SIZE];
    char text[RESULT_TEXT_SIZE];

    (void)snprintf(key, sizeof(key), "%s.%s.%s%s%s", bench, options->kind->name, options->protocol->name,
                   what[0] == '\0' ? "" : "_", what);
    (void)snprintf(text, sizeof(text), "%s%s%s", options->protocol->title, label[0] == '\0' ? "" : ", ", label);
    result_figure(told->result, key, text, unit, value);
    printf("%-34s %14.3f %-10s %s\n", key, value, unit, text);
}

static void tell_run(const struct told *told, const struct peer_figures *figures)
{
    const char *bench = told->options->kind->bench;
    bool visits = told->options->kind->visits;

    if (visits) {
        tell(told, bench, "screen_p50", "sending to the other client, p50", "ms", figures->screen_ms[0]);
        tell(told, bench, "screen_p99", "sending to the other client, p99", "ms", figures->screen_ms[1]);
        tell(told, bench, "rate", "pushes of two facts", "pushes/s", (double)figures->pushes / figures->took_s);
    } else {
        tell(told, bench, "", "", "facts/s", (double)figures->facts / figures->took_s);
    }
    tell(told, bench, "push_p50", "a push to its acknowledgement, p50", "ms", figures->push_ms[0]);
    tell(told, bench, "push_p99", "a push to its acknowledgement, p99", "ms", figures->push_ms[1]);
    tell(told, bench, "load_cpu", "the load's share of its core", "share", figures->load_share);
    if (figures->server_cpu_s > 0)
        tell(told, bench, "cpu", "the server's CPU", "us/fact", figures->server_cpu_s * 1e6 / (double)figures->facts);
    if (figures->wire_bytes > 0)
        tell(told, "wire", "", "", "bytes/fact", (double)figures->wire_bytes / (double)figures->facts);
}

static void check_lost(const struct told *told, const struct peer_figures *figures,
                       const struct peer_collected *collected)
{
    char text[RESULT_TEXT_SIZE];

    (void)snprintf(text, sizeof(text), "%s, %s: of %zu facts acknowledged, %zu were not in its store afterwards",
                   told->options->protocol->title, told->options->kind->name, figures->facts, collected->lost);
    result_check(told->result, text, collected->lost == 0);
    printf("%s\n", text);
}

/* Running ----------------------------------------------------------------------------------------------------------- */

static enum status run_push(const struct told *told, const struct peer_plan *plan, struct peer_figures *figures)
{
    struct peer_collected collected = {.facts = 0};
    bool live = plan->listens && plan->protocol->keeps_queue; /* what the other client has got, it has got */
    enum status status = live ? STATUS_OK : peer_load_make_reader(plan);

    if (status == STATUS_OK)
        status = peer_load_run(plan, figures);
    if (status == STATUS_OK && !live)
        status = peer_load_collect(plan, figures->acknowledged, &collected);
    if (status != STATUS_OK)
        return status;
    if (strcmp(told->options->kind->name, "catchup") == 0) {
        tell(told, "catchup", "", "", "rows/s", (double)collected.facts / collected.took_s);
        tell(told, "catchup", "took", "until the last row", "s", collected.took_s);
    } else {
        tell_run(told, figures);
    }
    check_lost(told, figures, &collected);
    return STATUS_OK;
}

static enum status run_cut(const struct peer_plan *plan, const char *ledger, struct peer_figures *figures)
{
    enum status status = peer_load_make_reader(plan);

    if (status == STATUS_OK)
        status = peer_load_run(plan, figures);
    if (status == STATUS_OK && figures->facts == plan->devices * plan->pushes_each * plan->facts_per_push) {
        fprintf(stderr, "bench: all was pushed before the peer was killed: nothing was shown\n");
        status = STATUS_TIMEOUT;
    }
    return status == STATUS_OK ? write_ledger(ledger, figures, plan->devices) : status;
}

static enum status run_collect(const struct told *told, const struct peer_plan *plan, const char *ledger,
                               struct peer_figures *figures)
{
    struct peer_collected collected;
    enum status status = read_ledger(ledger, figures, plan->devices);

    if (status == STATUS_OK)
        status = peer_load_collect(plan, figures->acknowledged, &collected);
    if (status != STATUS_OK)
        return status;
    tell(told, "cut", "acknowledged", "acknowledged before kill -9", "facts", (double)figures->facts);
    tell(told, "cut", "lost", "of these lost", "facts", (double)collected.lost);
    return STATUS_OK;
}

static struct peer_plan plan_of(const struct options *options)
{
    const struct load_kind *kind = options->kind;
    struct peer_plan plan = {
        .protocol = options->protocol,
        .port = (uint16_t)options->port,
        .certs = options->certs,
        .devices = kind->devices,
        .pushes_each = options->pushes_each > 0 ? options->pushes_each : kind->pushes_each,
        .facts_per_push = kind->facts_per_push,
        .lone = kind->visits,
        .listens = kind->visits,
        .rate_per_s = options->rate_per_s > 0 ? options->rate_per_s : kind->rate_per_s,
        .until_cut = strcmp(kind->bench, "cut") == 0,
        .server = (pid_t)options->server,
        .seed = options->seed,
    };

    if (plan.pushes_each == 0)
        plan.pushes_each = (size_t)(plan.rate_per_s * FLAG_SECONDS / (double)plan.devices) + 1;
    return plan;
}

static enum status run(const struct options *options)
{
    struct peer_plan plan = plan_of(options);
    struct peer_figures figures = {.facts = 0};
    struct told told = {.options = options};
    enum status status = result_new(options->kind->bench, &told.result);

    machine_stay_on(MACHINE_LOAD_CORE);
    if (status != STATUS_OK)
        return status;
    if (strcmp(options->kind->name, "cut") == 0)
        status = run_cut(&plan, options->ledger, &figures);
    else if (strcmp(options->kind->name, "collect") == 0)
        status = run_collect(&told, &plan, options->ledger, &figures);
    else
        status = run_push(&told, &plan, &figures);
    if (status == STATUS_OK)
        status = result_write(told.result, options->json);
    result_free(told.result);
    return status;
}

static bool read_number(const char *text, size_t max, size_t *ret_number)
{
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);

    *ret_number = number;
    return end != text && *end == '\0' && number <= max;
}

static bool read_peer(const char *name, struct options *options)
{
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        if (strcmp(name, protocols[i]->name) == 0) {
            options->protocol = protocols[i];
            return true;
        }
    }
    return false;
}

static bool read_load(const char *name, struct options *options)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(name, kinds[i].name) == 0) {
            options->kind = &kinds[i];
            return true;
        }
    }
    return false;
}

static bool read_option(const char *name, const char *value, struct options *options)
{
    if (strcmp(name, "--peer") == 0)
        return read_peer(value, options);
    if (strcmp(name, "--load") == 0)
        return read_load(value, options);
    if (strcmp(name, "--port") == 0)
        return read_number(value, UINT16_MAX, &options->port);
    if (strcmp(name, "--server") == 0)
        return read_number(value, INT32_MAX, &options->server);
    if (strcmp(name, "--pushes") == 0)
        return read_number(value, 100000, &options->pushes_each);
    if (strcmp(name, "--seed") == 0)
        return read_number(value, SIZE_MAX, &options->seed);
    if (strcmp(name, "--rate") == 0)
        return (options->rate_per_s = strtod(value, NULL)) > 0;
    const char **text = strcmp(name, "--certs") == 0  ? &options->certs
                        : strcmp(name, "--json") == 0 ? &options->json
                                                      : &options->ledger;
    *text = value;
    return text != &options->ledger || strcmp(name, "--ledger") == 0;
}

static bool is_whole(const struct options *options)
{
    if (options->port == 0 || options->certs == NULL)
        return false;
    if (strcmp(options->kind->bench, "cut") == 0 && options->ledger == NULL)
        return false;
    return options->kind->pushes_each > 0 || options->pushes_each > 0 || options->rate_per_s > 0;
}

int main(int argc, char **argv)
{
    struct options options = {.protocol = &peer_websocket, .kind = &kinds[0], .seed = 1};
    bool good = argc % 2 == 1;

    for (int i = 1; i + 1 < argc && good; i += 2)
        good = read_option(argv[i], argv[i + 1], &options);
    if (!good || !is_whole(&options)) {
        fprintf(stderr,
                "Usage: peer_load --port N --certs DIR [--peer node|node_deflate|mosquitto|postgres|pouchdb (node)]\n"
                "       [--load batch|single|one|rest|full|half|catchup|cut|collect (batch)] [--rate PUSHES_A_SECOND]\n"
                "       [--pushes N, of each device] [--server PID] [--ledger FILE] [--seed N (1)] [--json FILE]\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    enum status status = run(&options);
    if (status != STATUS_OK)
        fprintf(stderr, "peer_load: %s (%s): no figures\n", status_what(status), status_name(status));
    return status == STATUS_OK ? 0 : 1;
}
