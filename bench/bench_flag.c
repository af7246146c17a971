/*
 * ./run bench flag: from the commit to the supervisor's screen, over real sockets, at rest and at half of the full load.
 *
 * Officers' phones push lone visits (a check-in that says "alone", its check-out), supervisors' clients get the flags and
 * confirm them. The server says in its log how long each took from its commit to its receipt: there and back, so what a
 * supervisor waits is less. Commits are timed by the server, and an append with fdatasync beside it, in the same run. Every
 * flag must come, and once; after the run the server is killed, and its store is compared with what was acknowledged.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/flag_run.h"
#include "bench/machine.h"
#include "bench/result.h"

#define DEVICES 50
#define REST_VISITS 500
#define FULL_VISITS 4000
#define HALF_SECONDS 6
#define HALF_VISITS_MAX 12000
#define AIM_TO_SYNC 2.0 /* at rest, p50 to the p50 of a paced append and fdatasync */

/* The server's log must say when it committed: the line that says "level = info" says debug from now on. */
static bool log_all(const char *folder)
{
    char path[PROCESS_PATH_MAX + 32];
    char text[16384];
    FILE *file;
    char *level;

    (void)snprintf(path, sizeof(path), "%s/doublecrewd.conf", folder);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    level = strstr(text, "level = info");
    file = level == NULL ? NULL : fopen(path, "we");
    if (file == NULL)
        return false;
    level[strlen("level = ")] = '\0';
    bool good = fprintf(file, "%sdebug%s", text, level + strlen("level = info")) > 0;
    return fclose(file) == 0 && good;
}

static void print_figures(const char *name, const struct flag_figures *figures)
{
    printf("\n%s: %zu lone visits, %.0f a second, %zu flags received\n", name, figures->visits,
           (double)figures->visits / figures->took_s, figures->flags);
    printf("    %-58s %8s %8s\n", "milliseconds", "p50", "p99");
    printf("    %-58s %8.3f %8.3f\n", "commit to the supervisor's receipt at the server", figures->flag_ms[0],
           figures->flag_ms[1]);
    printf("    %-58s %8.3f %8.3f\n", "the officer's sending to the supervisor's screen", figures->screen_ms[0],
           figures->screen_ms[1]);
    printf("    %-58s %8.3f %8.3f\n", "commit (deriving, writing, fsync)", figures->commit_ms[0],
           figures->commit_ms[1]);
    printf("    %-58s %8.3f %8.3f\n", "4 KiB appended and fdatasync, paced, on the same disk", figures->fsync_ms[0],
           figures->fsync_ms[1]);
}

static void print_figure(const char *name, const struct flag_figures *figures)
{
    printf("flag, %s: p50 %.3f ms, p99 %.3f ms; commit p99 %.3f ms, fdatasync p50 %.3f ms, p99 %.3f ms\n", name,
           figures->flag_ms[0], figures->flag_ms[1], figures->commit_ms[1], figures->fsync_ms[0], figures->fsync_ms[1]);
}

static double to_sync(const struct flag_figures *figures)
{
    return figures->flag_ms[0] / figures->fsync_ms[0];
}

/* For the harness: keys flag.PHASE.WHAT */
static void tell_phase(struct result *told, const char *phase, const struct flag_figures *figures)
{
    const struct {
        const char *key;
        const char *label;
        double value;
    } times[] = {
        {"p50", "Doublecrew, commit to the supervisor's receipt, p50", figures->flag_ms[0]},
        {"p99", "Doublecrew, commit to the supervisor's receipt, p99", figures->flag_ms[1]},
        {"screen_p50", "Doublecrew, sending to the other client, p50", figures->screen_ms[0]},
        {"screen_p99", "Doublecrew, sending to the other client, p99", figures->screen_ms[1]},
        {"commit_p50", "commit, p50", figures->commit_ms[0]},
        {"commit_p99", "commit, p99", figures->commit_ms[1]},
        {"sync_p50", "paced fdatasync, p50", figures->fsync_ms[0]},
        {"sync_p99", "paced fdatasync, p99", figures->fsync_ms[1]},
    };
    char key[RESULT_TEXT_SIZE];

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        (void)snprintf(key, sizeof(key), "flag.%s.%s", phase, times[i].key);
        result_figure(told, key, times[i].label, "ms", times[i].value);
    }
    (void)snprintf(key, sizeof(key), "flag.%s.rate", phase);
    result_figure(told, key, "pushes of two facts", "pushes/s", (double)figures->visits / figures->took_s);
}

static enum status tell_all(const char *path, const struct flag_figures figures[3], double others)
{
    static const char *const phases[3] = {"rest", "full", "half"};
    struct result *told = NULL;
    enum status status = result_new("flag", &told);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < 3; i++)
        tell_phase(told, phases[i], &figures[i]);
    result_ratio(told, "flag.rest.of_sync", "at rest, p50 to a paced fdatasync's p50", RESULT_AT_MOST, AIM_TO_SYNC,
                 to_sync(&figures[0]));
    result_others(told, others);
    result_check(told, "every flag came, and once; acknowledged facts are in the store after SIGKILL", true);
    status = result_write(told, path);
    result_free(told);
    return status;
}

static enum status run_phases(struct flag_run *run, struct flag_figures ret_figures[3])
{
    struct flag_phase rest = {.name = "rest", .visits = REST_VISITS, .one_at_a_time = true};
    struct flag_phase full = {.name = "full", .visits = FULL_VISITS};
    struct flag_phase half = {.name = "half"};
    enum status status = flag_run_phase(run, &rest, &ret_figures[0]);

    if (status == STATUS_OK)
        status = flag_run_phase(run, &full, &ret_figures[1]);
    if (status != STATUS_OK)
        return status;
    half.rate_per_s = (double)ret_figures[1].visits / ret_figures[1].took_s / 2;
    half.visits = (size_t)(half.rate_per_s * HALF_SECONDS);
    half.visits = half.visits < HALF_VISITS_MAX ? half.visits : HALF_VISITS_MAX;
    return flag_run_phase(run, &half, &ret_figures[2]);
}

static enum status measure(const struct ingest_force *force, uint64_t *random, struct flag_figures ret_figures[3])
{
    struct server_process server = {.pid = 0};
    uint64_t acknowledged[DEVICES] = {0};
    struct flag_run *run = NULL;
    enum status status = ingest_force_reset(force);

    machine_use_all();
    if (status == STATUS_OK && (!log_all(force->dir) || !server_start(&server, force->dir)))
        status = STATUS_NETWORK;
    machine_stay_on(MACHINE_LOAD_CORE);
    if (status == STATUS_OK)
        status =
            flag_run_new(force, server.port, server.log, REST_VISITS + FULL_VISITS + HALF_VISITS_MAX, random, &run);
    if (status == STATUS_OK)
        status = run_phases(run, ret_figures);
    if (status == STATUS_OK)
        flag_run_acknowledged(run, acknowledged);
    server_kill(&server);
    flag_run_free(run);
    return status == STATUS_OK ? ingest_force_check(force, acknowledged) : status;
}

static void print_all(const struct flag_figures figures[3], double others)
{
    machine_print();
    if (others > MACHINE_OTHERS_MAX)
        printf("WARNING: other work took %.0f %% of this machine meanwhile: no figures to keep\n", others * 100);
    print_figures("at rest, one visit at a time", &figures[0]);
    print_figures("full load, every phone pushes again as soon as it is acknowledged", &figures[1]);
    print_figures("half of that load", &figures[2]);
    printf("\nno flag lost, none doubled; acknowledged facts found after SIGKILL\n");
    print_figure("at rest", &figures[0]);
    print_figure("half load", &figures[2]);
    printf("flag, at rest, p50 to a paced fdatasync's p50: %.2f, aim at most %.0f: %s\n", to_sync(&figures[0]),
           AIM_TO_SYNC, to_sync(&figures[0]) <= AIM_TO_SYNC ? "met" : "not met");
}

int main(int argc, char **argv)
{
    const char *folder = "build/bench-data";
    const char *json = NULL;
    struct flag_figures figures[3];
    struct ingest_force force;
    uint64_t random = 1;

    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--folder") == 0) {
            folder = argv[i + 1];
        } else if (i + 1 < argc && strcmp(argv[i], "--json") == 0) {
            json = argv[i + 1];
        } else {
            fprintf(stderr, "Usage: bench flag [--folder DIR, on a disk (build/bench-data)] [--json FILE]\n");
            return 2;
        }
    }
    (void)signal(SIGPIPE, SIG_IGN);
    struct machine_usage before = machine_usage();
    fprintf(stderr, "setting up a force with %d devices\n", DEVICES);
    if (ingest_force_make(folder, DEVICES, &force) != STATUS_OK)
        return 1;
    enum status status = measure(&force, &random, figures);
    double others = machine_others_share(&before);
    if (status == STATUS_OK) {
        print_all(figures, others);
        status = tell_all(json, figures, others);
    }
    if (status != STATUS_OK)
        fprintf(stderr, "bench flag: %s (%s): no figures\n", status_what(status), status_name(status));
    ingest_force_remove(&force);
    return status == STATUS_OK ? 0 : 1;
}
