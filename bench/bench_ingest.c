/*
 * ./run bench ingest: durable, acknowledged facts a second over real TLS sockets, beside a bare loop of the same SQL.
 *
 * The server is a doublecrewd of its own (release build, mutual TLS 1.3, SQLite, synchronous=FULL, a real clock) on all
 * cores; the load is in this process on one of them. Each round begins with the same store, set up by doublecrewctl. After
 * the last acknowledgement the server is killed (SIGKILL): what is then not in the store, or not as its journal says, is
 * an error, and there is no figure.
 *
 * The bare loop is the server's own SQL. The journal that the round left is replayed batch by batch through server/logic
 * into another store, and that store's connection is listened to (sql_record.h): every statement with its values, every
 * BEGIN and COMMIT. Then, timed, on the server's core and disk, with nothing else running, from a copy of the same store:
 *   same writes   the INSERT, UPDATE and DELETE statements in those transactions: journal rows, presences, edits, boots,
 *                 devices, timers, view rows, feed rows, head, Merkle tiles. This is the loop of the ratio.
 *   same SQL      these and the SELECTs between them.
 * and, as the ceiling that costs the least rows (sqlite_loop.h):
 *   1 + 1 rows    one operation row and one upsert a fact, as many facts a transaction as the server reached; and once
 *                 more with a number that doesn't depend on the server: 1,000 for the day's batch, 1 for single facts.
 * Nothing of it verifies, hashes or derives; so the ratio is what everything but SQLite costs.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/ingest_load.h"
#include "bench/machine.h"
#include "bench/result.h"
#include "bench/sqlite_loop.h"

#define ROUNDS_MAX 31
#define LOADS 4
#define BARE_RUNS_MAX 9
#define FIXED_COMMITS_MAX 600 /* are enough for a rate; a busy disk takes milliseconds for each */
#define MINUTE_MS UINT64_C(60000)
#define WORST_CHECK_INS 60 /* a push; every three hours somebody who never checks out */
#define WORST_PUSHES_MAX 3 /* the phone has been on for 30 days */

struct options {
    size_t devices;
    size_t rounds;
    size_t days;
    uint64_t seed;
    const char *folder;
    const char *json; /* NULL: no file is wanted */
    size_t only;      /* one load, counted from 1; 0: all */
    size_t bare_runs; /* of each bare loop in a round, the median counts: a disk shared with others has slow moments */
};

/* Of one load, by round. */
struct results {
    double facts_per_s[ROUNDS_MAX];
    double writes_per_s[ROUNDS_MAX]; /* bare loops, in facts a second */
    double sql_per_s[ROUNDS_MAX];
    double least_per_s[ROUNDS_MAX];
    double fixed_per_s[ROUNDS_MAX]; /* the same rows, in transactions of a fixed size */
    double ratio[ROUNDS_MAX];
    double facts_per_commit[ROUNDS_MAX];
    double rows_per_fact[ROUNDS_MAX];
    double reads_per_fact[ROUNDS_MAX];
    double p50_ms[ROUNDS_MAX];
    double p99_ms[ROUNDS_MAX];
    double cpu_us_per_fact[ROUNDS_MAX]; /* the server's, all threads */
    double bytes_per_fact[ROUNDS_MAX];
    double load_share[ROUNDS_MAX]; /* of the load's core, used by the load */
    size_t count;
    size_t facts; /* of the last round */
    char tables[512];
};

/* A round ----------------------------------------------------------------------------------------------------------- */

static enum status run_server(const struct ingest_load *load, const struct ingest_force *force, uint64_t *random,
                              struct ingest_round *ret_round, double *ret_cpu_s)
{
    struct server_process server = {.pid = 0};
    uint64_t *acknowledged = calloc(force->device_count, sizeof(*acknowledged));
    enum status status = acknowledged == NULL ? STATUS_NO_MEMORY : ingest_force_reset(force);

    machine_use_all();
    if (status == STATUS_OK && !server_start(&server, force->dir))
        status = STATUS_NETWORK;
    machine_stay_on(MACHINE_LOAD_CORE);
    double before_s = machine_cpu_s(server.pid);
    if (status == STATUS_OK)
        status = ingest_load_run(load, force, server.port, random, ret_round, acknowledged);
    *ret_cpu_s = machine_cpu_s(server.pid) - before_s;
    server_kill(&server);
    if (status == STATUS_OK)
        status = ingest_force_check(force, acknowledged);
    free(acknowledged);
    return status;
}

static void add_table(void *context, const char *table, size_t writes)
{
    struct results *results = context;
    size_t size = strlen(results->tables);

    snprintf(results->tables + size, sizeof(results->tables) - size, "%s%s %.3f", size == 0 ? "" : ", ", table,
             (double)writes / (double)results->facts);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median_of(const double *values, size_t count)
{
    double sorted[ROUNDS_MAX];

    memcpy(sorted, values, count * sizeof(*values));
    qsort(sorted, count, sizeof(*sorted), compare_doubles);
    return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* One operation row and one upsert a fact, in both sizes of transaction. */
static enum status run_least(const struct ingest_force *force, const struct ingest_load *load, size_t bare_runs,
                             double per_commit, struct results *results)
{
    double as_server[BARE_RUNS_MAX];
    double as_fixed[BARE_RUNS_MAX];
    struct sqlite_loop loop = {.folder = force->folder};
    size_t fixed_facts = load->facts_per_transaction * FIXED_COMMITS_MAX;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < bare_runs && status == STATUS_OK; i++) {
        loop.facts = results->facts;
        loop.facts_per_transaction = per_commit < 1 ? 1 : (size_t)(per_commit + 0.5);
        status = sqlite_loop_run(&loop, &as_server[i]);
        loop.facts_per_transaction = load->facts_per_transaction;
        loop.facts = fixed_facts < results->facts ? fixed_facts : results->facts;
        if (status == STATUS_OK)
            status = sqlite_loop_run(&loop, &as_fixed[i]);
    }
    if (status != STATUS_OK)
        return status;
    results->least_per_s[results->count] = median_of(as_server, bare_runs);
    results->fixed_per_s[results->count] = median_of(as_fixed, bare_runs);
    return STATUS_OK;
}

static enum status run_loops(const struct ingest_force *force, const struct sql_record *record,
                             const struct sql_part *part, size_t bare_runs, struct results *results)
{
    double writes_s[BARE_RUNS_MAX];
    double sql_s[BARE_RUNS_MAX];
    double facts = (double)results->facts;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < bare_runs && status == STATUS_OK; i++) {
        status = ingest_force_play(force, record, part, false, &writes_s[i]);
        if (status == STATUS_OK)
            status = ingest_force_play(force, record, part, true, &sql_s[i]);
    }
    if (status != STATUS_OK)
        return status;
    results->writes_per_s[results->count] = facts / median_of(writes_s, bare_runs);
    results->sql_per_s[results->count] = facts / median_of(sql_s, bare_runs);
    results->facts_per_commit[results->count] = facts / (double)part->transactions;
    return STATUS_OK;
}

static enum status run_bare(const struct ingest_load *load, const struct ingest_force *force, size_t bare_runs,
                            struct results *results)
{
    struct sql_record *record = NULL;
    struct sql_part part;
    enum status status = ingest_force_record(force, &record, &part);

    machine_stay_on(MACHINE_SERVER_CORE);
    if (status == STATUS_OK)
        status = run_loops(force, record, &part, bare_runs, results);
    if (status == STATUS_OK)
        status = run_least(force, load, bare_runs, results->facts_per_commit[results->count], results);
    machine_stay_on(MACHINE_LOAD_CORE);
    if (status == STATUS_OK) {
        results->rows_per_fact[results->count] = (double)part.writes / (double)results->facts;
        results->reads_per_fact[results->count] = (double)part.reads / (double)results->facts;
        results->tables[0] = '\0';
        sql_record_tables(record, &part, add_table, results);
    }
    sql_record_free(record);
    return status;
}

static enum status run_round(const struct ingest_load *load, const struct ingest_force *force, size_t bare_runs,
                             uint64_t *random, struct results *results)
{
    struct ingest_round round;
    size_t n = results->count;
    double used_s = 0;
    enum status status = run_server(load, force, random, &round, &used_s);

    if (status != STATUS_OK)
        return status;
    results->facts = round.facts;
    results->facts_per_s[n] = (double)round.facts / round.took_s;
    results->load_share[n] = round.load_share;
    results->p50_ms[n] = round.push_ms_p50;
    results->p99_ms[n] = round.push_ms_p99;
    results->cpu_us_per_fact[n] = used_s * 1e6 / (double)round.facts;
    results->bytes_per_fact[n] = (double)round.wire_bytes / (double)round.facts;
    status = run_bare(load, force, bare_runs, results);
    if (status != STATUS_OK)
        return status;
    results->ratio[n] = results->facts_per_s[n] / results->writes_per_s[n];
    results->count++;
    fprintf(stderr, "round %zu, %s: %zu facts in %.2f s, acknowledged and found after SIGKILL; ratio %.3f\n",
            results->count, load->name, round.facts, round.took_s, results->ratio[n]);
    return STATUS_OK;
}

/* Saying ------------------------------------------------------------------------------------------------------------ */

struct spread {
    double low;
    double median;
    double high;
};

static struct spread spread_of(const double *values, size_t count)
{
    struct spread spread = {values[0], median_of(values, count), values[0]};

    for (size_t i = 1; i < count; i++) {
        spread.low = values[i] < spread.low ? values[i] : spread.low;
        spread.high = values[i] > spread.high ? values[i] : spread.high;
    }
    return spread;
}

static void print_rate(const char *name, const double *per_s, double rows_per_fact, size_t count)
{
    struct spread spread = spread_of(per_s, count);

    printf("  %-22s %8.0f facts/s (%.0f to %.0f)", name, spread.median, spread.low, spread.high);
    if (rows_per_fact > 0)
        printf(", %.0f rows/s", spread.median * rows_per_fact);
    printf("\n");
}

static void print_load(const struct ingest_load *load, const struct results *results)
{
    size_t count = results->count;
    double rows = spread_of(results->rows_per_fact, count).median;

    printf("%s: %zu facts a round, %zu device%s\n", load->name, results->facts, load->devices,
           load->devices == 1 ? "" : "s");
    print_rate("server, acknowledged", results->facts_per_s, rows, count);
    print_rate("bare loop, same writes", results->writes_per_s, rows, count);
    print_rate("bare loop, same SQL", results->sql_per_s, rows, count);
    print_rate("bare loop, 1 + 1 rows", results->least_per_s, 0, count);
    printf("  %.1f facts a commit; a push answered in %.2f ms (p50), %.2f ms (p99)\n",
           spread_of(results->facts_per_commit, count).median, spread_of(results->p50_ms, count).median,
           spread_of(results->p99_ms, count).median);
    printf("  1 + 1 rows, %zu a transaction: %.0f facts/s; the load used %.0f %% of its core\n",
           load->facts_per_transaction, spread_of(results->fixed_per_s, count).median,
           spread_of(results->load_share, count).median * 100);
    printf("  a fact costs the server %.1f us of CPU, handshakes included, %.0f bytes received before TLS, %.2f rows "
           "written, %.2f statements reading\n",
           spread_of(results->cpu_us_per_fact, count).median, spread_of(results->bytes_per_fact, count).median, rows,
           spread_of(results->reads_per_fact, count).median);
    printf("  rows a fact: %s\n", results->tables);
}

static void print_figure(const struct ingest_load *load, const struct results *results)
{
    struct spread ratio = spread_of(results->ratio, results->count);

    printf("ingest, %s: %.0f facts/s, bare loop %.0f facts/s, ratio %.3f (%.3f to %.3f)\n", load->name,
           spread_of(results->facts_per_s, results->count).median,
           spread_of(results->writes_per_s, results->count).median, ratio.median, ratio.low, ratio.high);
}

static bool is_chosen(const struct options *options, size_t load)
{
    return options->only == 0 || options->only == load + 1;
}

/* For the harness: keys ingest.LOAD.WHAT */
static void tell_load(const struct ingest_load *load, const struct results *results, struct result *told)
{
    const struct {
        const char *key;
        const char *label;
        const char *unit;
        const double *values;
    } figures[] = {
        {"ours", "Doublecrew, acknowledged", "facts/s", results->facts_per_s},
        {"bare", "bare SQLite loop, 1 + 1 rows", "facts/s", results->fixed_per_s},
        {"bare_same_size", "bare SQLite loop, 1 + 1 rows, the server's transactions", "facts/s", results->least_per_s},
        {"bare_same_writes", "bare SQLite loop, the server's own writes", "facts/s", results->writes_per_s},
        {"push_p50", "a push to its acknowledgement, p50", "ms", results->p50_ms},
        {"push_p99", "a push to its acknowledgement, p99", "ms", results->p99_ms},
        {"cpu", "the server's CPU", "us/fact", results->cpu_us_per_fact},
        {"rows", "rows written", "rows/fact", results->rows_per_fact},
        {"commit", "facts a commit", "facts", results->facts_per_commit},
        {"load_cpu", "the load's share of its core", "share", results->load_share},
    };
    char key[RESULT_TEXT_SIZE];
    char label[RESULT_TEXT_SIZE];

    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        (void)snprintf(key, sizeof(key), "ingest.%s.%s", load->key, figures[i].key);
        for (size_t n = 0; n < results->count; n++)
            result_figure(told, key, figures[i].label, figures[i].unit, figures[i].values[n]);
    }
    (void)snprintf(key, sizeof(key), "ingest.%s.of_bare", load->key);
    (void)snprintf(label, sizeof(label), "%s, to the bare loop", load->name);
    for (size_t n = 0; n < results->count; n++)
        result_ratio(told, key, label, RESULT_AT_LEAST, load->aim, results->facts_per_s[n] / results->fixed_per_s[n]);
}

static enum status tell_all(const struct options *options, const struct ingest_load loads[LOADS],
                            const struct results results[LOADS], double others)
{
    struct result *told = NULL;
    enum status status = result_new("ingest", &told);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < LOADS; i++) {
        if (is_chosen(options, i))
            tell_load(&loads[i], &results[i], told);
    }
    result_others(told, others);
    result_check(told, "acknowledged facts are in the store after SIGKILL, and its journal derives to it", true);
    status = result_write(told, options->json);
    result_free(told);
    return status;
}

/* The whole --------------------------------------------------------------------------------------------------------- */

static void choose_loads(const struct options *options, struct ingest_load ret_loads[LOADS])
{
    struct load_times day = {120 * MINUTE_MS, 180 * MINUTE_MS, 45 * MINUTE_MS, 24 * 60 * MINUTE_MS};
    struct load_times hours = {120 * MINUTE_MS, 180 * MINUTE_MS, 45 * MINUTE_MS, 0};
    struct load_times hour = {MINUTE_MS, 2 * MINUTE_MS / 3, 3 * MINUTE_MS / 5, 0};

    ret_loads[0] = (struct ingest_load){.name = "a day's batch a push",
                                        .key = "batch",
                                        .facts_per_transaction = 1000,
                                        .aim = 1.0,
                                        .devices = options->devices,
                                        .attempts = DAY_ATTEMPTS * options->days,
                                        .facts_per_push = DAY_ATTEMPTS * ATTEMPT_FACTS,
                                        .times = day};
    ret_loads[1] = (struct ingest_load){.name = "one fact a push",
                                        .key = "single",
                                        .facts_per_transaction = 1,
                                        .aim = 0.5,
                                        .devices = options->devices,
                                        .attempts = 10,
                                        .facts_per_push = 1,
                                        .times = hour};
    ret_loads[2] = (struct ingest_load){.name = "one device, one fact a push",
                                        .key = "one",
                                        .facts_per_transaction = 1,
                                        .aim = 0.5,
                                        .devices = 1,
                                        .attempts = 40,
                                        .facts_per_push = 1,
                                        .times = hour};
    ret_loads[3] = (struct ingest_load){
        .name = "each fact a check-in of another presence",
        .key = "worst",
        .facts_per_transaction = 1000,
        .aim = 0.6,
        .devices = options->devices,
        .attempts = WORST_CHECK_INS * (options->days < WORST_PUSHES_MAX ? options->days : WORST_PUSHES_MAX),
        .attempt = "I",
        .facts_per_push = WORST_CHECK_INS,
        .times = hours};
}

static enum status run_all(const struct options *options, const struct ingest_force *force,
                           const struct ingest_load loads[LOADS], struct results results[LOADS])
{
    uint64_t random = options->seed;
    enum status status = STATUS_OK;

    for (size_t round = 0; round < options->rounds; round++) {
        for (size_t i = 0; i < LOADS && status == STATUS_OK; i++) {
            if (is_chosen(options, i))
                status = run_round(&loads[i], force, options->bare_runs, &random, &results[i]);
        }
    }
    return status;
}

static void print_all(const struct options *options, const struct ingest_force *force,
                      const struct ingest_load loads[LOADS], const struct results results[LOADS])
{
    machine_print();
    printf("%zu devices, %zu records of set-up\n", force->device_count, (size_t)force->setup_pos);
    printf("medians of %zu rounds (lowest to highest)\n", options->rounds);
    for (size_t i = 0; i < LOADS; i++) {
        if (is_chosen(options, i))
            print_load(&loads[i], &results[i]);
    }
    for (size_t i = 0; i < LOADS; i++) {
        if (is_chosen(options, i))
            print_figure(&loads[i], &results[i]);
    }
}

static bool read_number(const char *text, size_t min, size_t max, size_t *ret_number)
{
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);

    if (end == text || *end != '\0' || number < min || number > max)
        return false;
    *ret_number = number;
    return true;
}

static bool read_option(const char *name, const char *value, struct options *options)
{
    size_t seed = 0;

    if (strcmp(name, "--devices") == 0)
        return read_number(value, 2, 1000, &options->devices) && options->devices % 2 == 0;
    if (strcmp(name, "--rounds") == 0)
        return read_number(value, 1, ROUNDS_MAX, &options->rounds);
    if (strcmp(name, "--days") == 0)
        return read_number(value, 1, 20, &options->days);
    if (strcmp(name, "--bare") == 0)
        return read_number(value, 1, BARE_RUNS_MAX, &options->bare_runs);
    if (strcmp(name, "--load") == 0)
        return read_number(value, 1, LOADS, &options->only);
    if (strcmp(name, "--seed") == 0) {
        bool good = read_number(value, 0, SIZE_MAX, &seed);
        options->seed = seed;
        return good;
    }
    if (strcmp(name, "--json") == 0) {
        options->json = value;
        return true;
    }
    if (strcmp(name, "--folder") == 0) {
        options->folder = value;
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    struct options options = {
        .devices = 50, .rounds = 3, .bare_runs = 3, .days = 6, .seed = 1, .folder = "build/bench-data"};
    struct ingest_load loads[LOADS];
    struct ingest_force force;
    struct results results[LOADS] = {{.count = 0}};

    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && read_option(argv[i], argv[i + 1], &options))
            continue;
        fprintf(stderr,
                "Usage: bench ingest [--devices 2..1000, even (50)] [--rounds 1..%d (3)] [--days 1..20 (6)]\n"
                "       [--load 1..%d, one of the three alone] [--bare 1..%d, runs of each bare loop (3)] [--seed N "
                "(1)] [--folder DIR, on a disk "
                "(build/bench-data)] [--json FILE]\n",
                ROUNDS_MAX, LOADS, BARE_RUNS_MAX);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    struct machine_usage before = machine_usage();
    fprintf(stderr, "setting up a force with %zu devices\n", options.devices);
    if (ingest_force_make(options.folder, options.devices, &force) != STATUS_OK)
        return 1;
    choose_loads(&options, loads);
    enum status status = run_all(&options, &force, loads, results);
    double others = machine_others_share(&before);
    if (status == STATUS_OK && others > MACHINE_OTHERS_MAX)
        printf("WARNING: other work took %.0f %% of this machine meanwhile: no figures to keep\n", others * 100);
    if (status == STATUS_OK)
        print_all(&options, &force, loads, results);
    if (status == STATUS_OK)
        status = tell_all(&options, loads, results, others);
    else
        fprintf(stderr, "bench: a round failed (%s): no figures\n", status_name(status));
    ingest_force_remove(&force);
    return status == STATUS_OK ? 0 : 1;
}
