/*
 * ./run bench catchup: a supervisor's new client, with nothing yet, gets its team's rows over mutual TLS: 100,000 at least.
 *
 * The rows come from a store that devices filled with attempts of 20 facts through the server. The clock runs from setting out
 * (TCP, handshake, upgrade, Hello) to the last page; each page is read to its rows' boundaries, answered with Applied, and let
 * go. One fetch before, outside the clock, unpacks everything and holds it against the server's own digest over the rows (P2).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fill.h"
#include "bench/machine.h"
#include "bench/result.h"
#include "core/row_digest.h"
#include "core/sha256.h"

#define DEVICES 50u
#define OFFENDERS_PER_PAIR 10u
#define ATTEMPTS_QUICK 140u /* a device: 16 rows each */
#define ROWS_WANTED 100000u
#define FACTS_PER_PUSH 60u
#define FETCHES 5
#define PAGES_AHEAD 16u
#define PATIENCE_S 120

struct options {
    size_t attempts;
    const char *folder;
    const char *json;
};

struct fetch {
    bool checks; /* unpacks and digests */
    struct sha256 *sha;
    struct row_digest digest;
    bool good;
    bool last;
    size_t rows;
    size_t bytes;
    size_t pages;
    double took_s;
};

static void digest_rows(struct fetch *fetch, struct span bytes)
{
    Doublecrew__V1__ServerMessage *message = doublecrew__v1__server_message__unpack(NULL, bytes.size, bytes.data);
    uint8_t *row = malloc(bytes.size + 1);

    fetch->good = message != NULL && row != NULL && fetch->good;
    if (fetch->good && message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_DELTA) {
        for (size_t i = 0; i < message->delta->n_rows; i++) {
            struct hash hash;
            size_t size = doublecrew__v1__row__pack(message->delta->rows[i], row);

            fetch->good = fetch->good && sha256_bytes(fetch->sha, span_of(row, size), &hash) == STATUS_OK;
            row_digest_add(&fetch->digest, &hash);
        }
        if (message->delta->last)
            fetch->good = fetch->good && message->delta->digest.len == HASH_SIZE &&
                          memcmp(message->delta->digest.data, fetch->digest.bytes, HASH_SIZE) == 0;
    }
    if (message != NULL)
        doublecrew__v1__server_message__free_unpacked(message, NULL);
    free(row);
}

static void on_message(void *context, struct crowd_client *client, struct span bytes)
{
    struct fetch *fetch = context;
    struct crowd_page page;

    if (!crowd_take_page(client, bytes, &page))
        return; /* flags, and a question for a seal */
    fetch->rows += page.rows;
    fetch->bytes += page.row_bytes;
    fetch->pages++;
    fetch->last = page.last;
    if (fetch->checks)
        digest_rows(fetch, bytes);
}

static enum status fetch_all(const struct fleet *fleet, const struct server_process *server, struct fetch *fetch)
{
    const struct crowd_spec spec = {.fleet = fleet,
                                    .port = server->port,
                                    .hello = true,
                                    .page_credit = PAGES_AHEAD,
                                    .under_way_max = 1,
                                    .calls = {.message = on_message},
                                    .context = fetch};
    double begun_s = machine_now_s();
    struct crowd *crowd = NULL;
    enum status status = crowd_new(&spec, &crowd);

    if (status == STATUS_OK)
        status = crowd_set_out(crowd, fleet->spec.device_count, 1);
    while (status == STATUS_OK && !fetch->last) {
        crowd_run(crowd, 100);
        if (machine_now_s() - begun_s > PATIENCE_S || crowd_figures(crowd)->cut_off + crowd_figures(crowd)->failed > 0)
            status = STATUS_NETWORK;
    }
    fetch->took_s = machine_now_s() - begun_s;
    crowd_free(crowd);
    if (status == STATUS_OK && fetch->checks && !fetch->good)
        status = STATUS_DIVERGED;
    if (status != STATUS_OK)
        fprintf(stderr, "bench: the rows could not be fetched: %s: no figures\n", status_what(status));
    return status;
}

static enum status check_rows(const struct fleet *fleet, const struct server_process *server, size_t *ret_rows)
{
    struct fetch fetch = {.checks = true, .good = true};
    enum status status = sha256_new(&fetch.sha);

    if (status == STATUS_OK)
        status = fetch_all(fleet, server, &fetch);
    sha256_free(fetch.sha);
    *ret_rows = fetch.rows;
    return status;
}

struct figures {
    size_t rows;
    double bytes_a_row;
    double pages;
    double took_s[FETCHES];
    double cpu_us; /* the server's, a row */
};

static enum status measure_fetches(const struct fleet *fleet, const struct server_process *server,
                                   struct figures *figures)
{
    double cpu_s = machine_cpu_s(server->pid);
    enum status status = STATUS_OK;

    for (int i = 0; i < FETCHES && status == STATUS_OK; i++) {
        struct fetch fetch = {.checks = false};

        status = fetch_all(fleet, server, &fetch);
        if (status == STATUS_OK && fetch.rows != figures->rows) {
            fprintf(stderr, "bench: %zu rows came, and %zu before: no figures\n", fetch.rows, figures->rows);
            status = STATUS_DIVERGED;
        }
        figures->took_s[i] = fetch.took_s;
        figures->bytes_a_row = (double)fetch.bytes / (double)fetch.rows;
        figures->pages = (double)fetch.pages;
    }
    figures->cpu_us = (machine_cpu_s(server->pid) - cpu_s) * 1e6 / FETCHES / (double)figures->rows;
    return status;
}

static enum status measure(const struct fleet *fleet, const struct options *options, struct figures *figures)
{
    struct server_process server = {.pid = 0};
    struct fill_figures filled = {.facts = 0};
    const struct fill_part part = {
        .count = fleet->spec.device_count, .attempts = options->attempts, .facts_per_push = FACTS_PER_PUSH};
    struct fill *fill = NULL;
    enum status status = fill_new(fleet, 5, &fill);

    machine_use_all();
    if (status == STATUS_OK && !server_start(&server, fleet->dir))
        status = STATUS_NETWORK;
    machine_stay_on(MACHINE_LOAD_CORE);
    if (status == STATUS_OK)
        status = fill_add(fill, &server, &part, &filled);
    if (status == STATUS_OK)
        status = check_rows(fleet, &server, &figures->rows);
    if (status == STATUS_OK)
        status = measure_fetches(fleet, &server, figures);
    server_kill(&server);
    fill_free(fill);
    return status;
}

static enum status report(const struct options *options, struct figures *figures, double others)
{
    struct result *result = NULL;
    double took_s = machine_percentile(figures->took_s, FETCHES, 0.5);
    double per_s = (double)figures->rows / took_s;
    enum status status = result_new("catchup", &result);

    if (status != STATUS_OK)
        return status;
    printf("%zu rows of %.0f bytes in %.0f pages to a new client over mutual TLS\n", figures->rows,
           figures->bytes_a_row, figures->pages);
    printf("  %.0f rows a second (%.2f s), the server's CPU %.2f us a row\n", per_s, took_s, figures->cpu_us);
    result_figure(result, "catchup.ours", "rows a second to a new client", "rows/s", per_s);
    result_figure(result, "catchup.rows", "rows", "rows", (double)figures->rows);
    result_figure(result, "catchup.row_bytes", "bytes a row", "bytes", figures->bytes_a_row);
    result_figure(result, "catchup.took", "until the last page", "s", took_s);
    result_figure(result, "catchup.cpu", "the server's CPU a row", "us", figures->cpu_us);
    result_check(result, "the rows equal the server's digest over them", true);
    result_check(result, "at least 100,000 rows", figures->rows >= ROWS_WANTED || options->attempts < ATTEMPTS_QUICK);
    result_others(result, others);
    status = result_write(result, options->json);
    result_free(result);
    return status;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;

        if (more && strcmp(argv[i], "--attempts") == 0) {
            options->attempts = (size_t)strtoul(argv[++i], NULL, 10);
            if (options->attempts == 0 || options->attempts > 1000)
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
    struct options options = {.attempts = ATTEMPTS_QUICK, .folder = "build/bench-data"};
    struct fleet_spec spec = {
        .device_count = DEVICES, .team_size = DEVICES, .offenders_per_pair = OFFENDERS_PER_PAIR, .supervisors = true};
    struct figures figures = {.rows = 0};
    struct fleet fleet = {.count = 0};

    if (!read_options(argc, argv, &options)) {
        fprintf(stderr,
                "Usage: bench catchup [--attempts N (140) of each device] [--folder DIR, on a disk] [--json FILE]\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    struct machine_usage before = machine_usage();
    spec.base = options.folder;
    enum status status = fleet_make(&spec, NULL, &fleet);
    if (status == STATUS_OK)
        status = measure(&fleet, &options, &figures);
    if (status == STATUS_OK) {
        machine_print();
        status = report(&options, &figures, machine_others_share(&before));
    }
    if (fleet.count > 0)
        fleet_remove(&fleet);
    return status == STATUS_OK ? 0 : 1;
}
