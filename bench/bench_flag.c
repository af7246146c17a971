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

#define DEVICES 50
#define REST_VISITS 500
#define FULL_VISITS 4000
#define HALF_SECONDS 6
#define HALF_VISITS_MAX 12000
#define AIM_RATIO 3.0

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

static bool print_figure(const char *name, const struct flag_figures *figures)
{
    double ratio = figures->flag_ms[1] / figures->commit_ms[1];

    printf(
        "flag, %s: p50 %.3f ms, p99 %.3f ms; commit p99 %.3f ms, fdatasync p99 %.3f ms; p99 to commit's p99 %.2f, aim "
        "under %.0f: %s\n",
        name, figures->flag_ms[0], figures->flag_ms[1], figures->commit_ms[1], figures->fsync_ms[1], ratio, AIM_RATIO,
        ratio < AIM_RATIO ? "met" : "not met");
    return ratio < AIM_RATIO;
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

    machine_stay_on(MACHINE_SERVER_CORE);
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

int main(int argc, char **argv)
{
    const char *folder = argc == 3 && strcmp(argv[1], "--folder") == 0 ? argv[2] : "build/bench-data";
    struct flag_figures figures[3];
    struct ingest_force force;
    uint64_t random = 1;
    bool good = false;

    if (argc != 1 && argc != 3) {
        fprintf(stderr, "Usage: bench flag [--folder DIR, on a disk (build/bench-data)]\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    struct machine_usage before = machine_usage();
    fprintf(stderr, "setting up a force with %d devices\n", DEVICES);
    if (ingest_force_make(folder, DEVICES, &force) != STATUS_OK)
        return 1;
    enum status status = measure(&force, &random, figures);
    double others = machine_others_share(&before);
    if (status == STATUS_OK) {
        machine_print();
        if (others > MACHINE_OTHERS_MAX)
            printf("WARNING: other work took %.0f %% of this machine meanwhile: no figures to keep\n", others * 100);
        print_figures("at rest, one visit at a time", &figures[0]);
        print_figures("full load, every phone pushes again as soon as it is acknowledged", &figures[1]);
        print_figures("half of that load", &figures[2]);
        printf("\nno flag lost, none doubled; acknowledged facts found after SIGKILL\n");
        good = print_figure("at rest", &figures[0]);
        good = print_figure("half load", &figures[2]) && good;
    }
    ingest_force_remove(&force);
    return good ? 0 : 1;
}
