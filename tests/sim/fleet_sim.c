/*
 * doublecrew-fleet: the deterministic simulation over many seeds, in several processes (docs/TESTING.md). Each process runs
 * every n-th seed and writes what happened to a pipe, one struct a seed: so that a process that dies takes one seed with it.
 */
#include <errno.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/sim.h"

#define JOBS_MAX 64
#define FAILURES_SHOWN 10
#define DEFAULT_SEEDS 300
#define DEFAULT_DAYS 10
#define DEFAULT_DEVICES 12

struct arguments {
    uint64_t first;
    uint64_t seeds;
    unsigned jobs;
    unsigned days;
    unsigned devices;
    unsigned often;
    bool single;
    bool trace;
    bool oracle;
    bool twice;        /* each seed again: the same must happen */
    bool rare_allowed; /* a short run needn't show every fault */
};

struct report {
    uint64_t seed;
    bool begun; /* else it is over */
    struct sim_result result;
};

struct job {
    pid_t pid;
    int fd;
    uint64_t seed; /* under way */
    bool running;
};

static int usage(void)
{
    fputs("usage: doublecrew-fleet [--seeds N] [--first S] [--seed S [--trace]] [--days D] [--devices N] [--jobs J] "
          "[--no-oracle]\n"
          "  --seeds N    how many seeds to run (300), from --first on (1)\n"
          "  --seed S     one seed only; --trace tells what happens in it\n"
          "  --days D     days of each seed (10); --devices N officers' phones (12)\n"
          "  --often N    rare mishaps are N times as frequent (1)\n"
          "  --jobs J     processes (one for each core)\n"
          "  --no-oracle  don't judge each seed's journal a second time, by tests/oracle: faster\n"
          "  --twice      each seed again, in the same process: the same must happen\n"
          "  --rare       faults that never happened are no failure: for short runs\n",
          stderr);
    return 2;
}

static bool number_after(int argc, char **argv, int *at, uint64_t *ret_value)
{
    char *end = NULL;

    if (*at + 1 >= argc)
        return false;
    errno = 0;
    *ret_value = strtoull(argv[++*at], &end, 10);
    return errno == 0 && end != argv[*at] && *end == '\0';
}

static bool parse(int argc, char **argv, struct arguments *ret_arguments)
{
    struct arguments a = {.first = 1,
                          .seeds = DEFAULT_SEEDS,
                          .days = DEFAULT_DAYS,
                          .devices = DEFAULT_DEVICES,
                          .often = 1,
                          .oracle = true};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    bool ok = true;

    a.jobs = cores > 0 ? (unsigned)cores : 1;
    for (int i = 1; i < argc && ok; i++) {
        uint64_t value = 0;

        if (strcmp(argv[i], "--trace") == 0) {
            a.trace = true;
        } else if (strcmp(argv[i], "--no-oracle") == 0) {
            a.oracle = false;
        } else if (strcmp(argv[i], "--twice") == 0) {
            a.twice = true;
        } else if (strcmp(argv[i], "--rare") == 0) {
            a.rare_allowed = true;
        } else if (strcmp(argv[i], "--seeds") == 0) {
            ok = number_after(argc, argv, &i, &a.seeds);
        } else if (strcmp(argv[i], "--first") == 0) {
            ok = number_after(argc, argv, &i, &a.first);
        } else if (strcmp(argv[i], "--seed") == 0) {
            ok = number_after(argc, argv, &i, &a.first);
            a.single = true;
        } else if (strcmp(argv[i], "--days") == 0) {
            ok = number_after(argc, argv, &i, &value) && value >= 1 && value <= 3650;
            a.days = (unsigned)value;
        } else if (strcmp(argv[i], "--devices") == 0) {
            ok = number_after(argc, argv, &i, &value) && value >= 2 && value <= 40;
            a.devices = (unsigned)value;
        } else if (strcmp(argv[i], "--often") == 0) {
            ok = number_after(argc, argv, &i, &value) && value >= 1 && value <= 1000;
            a.often = (unsigned)value;
        } else if (strcmp(argv[i], "--jobs") == 0) {
            ok = number_after(argc, argv, &i, &value) && value >= 1 && value <= JOBS_MAX;
            a.jobs = (unsigned)value;
        } else {
            ok = false;
        }
    }
    if (a.single) {
        a.seeds = 1;
        a.jobs = 1;
        a.rare_allowed = true;
    }
    if (a.jobs > a.seeds)
        a.jobs = (unsigned)a.seeds;
    *ret_arguments = a;
    return ok && a.seeds > 0 && (a.single || !a.trace);
}

static bool make_folder(char *ret_folder, size_t size)
{
    struct stat facts;
    const char *base = stat("/dev/shm", &facts) == 0 && S_ISDIR(facts.st_mode) ? "/dev/shm" : "/tmp";

    (void)snprintf(ret_folder, size, "%s/doublecrew-fleet-XXXXXX", base);
    return mkdtemp(ret_folder) != NULL;
}

static void send_all(int fd, const struct report *report)
{
    const char *at = (const char *)report;
    size_t left = sizeof(*report);

    while (left > 0) {
        ssize_t size = write(fd, at, left);

        if (size <= 0)
            _exit(3);
        at += size;
        left -= (size_t)size;
    }
}

static void run_again(const struct sim_options *options, const char *folder, struct sim_result *result)
{
    struct sim_result again;

    sim_run(options, folder, &again);
    if (!result->failed && (again.failed || again.digest != result->digest)) {
        result->failed = true;
        (void)snprintf(result->failure, sizeof(result->failure),
                       "run twice, it isn't the same: digests %016llx, %016llx", (unsigned long long)result->digest,
                       (unsigned long long)again.digest);
    }
}

/* A process of its own: every jobs-th seed. */
static void work(const struct arguments *arguments, unsigned number, int fd)
{
    char folder[64];

    if (!make_folder(folder, sizeof(folder)))
        _exit(3);
    /* One thread: no mutexes, and nobody asks how much memory SQLite has. */
    (void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    for (uint64_t i = number; i < arguments->seeds; i += arguments->jobs) {
        struct sim_options options = {.seed = arguments->first + i,
                                      .days = arguments->days,
                                      .devices = arguments->devices,
                                      .often = arguments->often,
                                      .trace = arguments->trace,
                                      .oracle = arguments->oracle};
        struct report report = {.seed = options.seed, .begun = true};

        send_all(fd, &report);
        report.begun = false;
        sim_run(&options, folder, &report.result);
        if (arguments->twice)
            run_again(&options, folder, &report.result);
        send_all(fd, &report);
    }
    (void)rmdir(folder);
}

static bool start(const struct arguments *arguments, unsigned number, struct job *job)
{
    int pipes[2];

    if (pipe(pipes) != 0)
        return false;
    fflush(NULL);
    job->pid = fork();
    if (job->pid < 0)
        return false;
    if (job->pid == 0) {
        close(pipes[0]);
        work(arguments, number, pipes[1]);
        close(pipes[1]);
        exit(0); /* not _exit: a leak is told at exit */
    }
    close(pipes[1]);
    job->fd = pipes[0];
    job->running = true;
    return true;
}

static void tell_failure(const struct arguments *arguments, uint64_t seed, const char *what, unsigned *failures)
{
    char sizes[96] = "";

    if (++*failures > FAILURES_SHOWN)
        return;
    if (arguments->days != DEFAULT_DAYS || arguments->devices != DEFAULT_DEVICES || arguments->often != 1)
        (void)snprintf(sizes, sizeof(sizes), " --days %u --devices %u --often %u", arguments->days, arguments->devices,
                       arguments->often);
    printf("seed %llu FAILED: %s\n  replay: ./run sim --seed %llu%s%s --trace\n", (unsigned long long)seed, what,
           (unsigned long long)seed, sizes, arguments->oracle ? "" : " --no-oracle");
    fflush(stdout);
}

static void sum(struct sim_result *total, const struct sim_result *one)
{
    total->digest ^= one->digest;
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++)
        total->faults[i] += one->faults[i];
    for (size_t i = 0; i < SIM_COUNT_COUNT; i++)
        total->counts[i] += one->counts[i];
}

static bool read_all(int fd, struct report *ret_report)
{
    char *at = (char *)ret_report;
    size_t left = sizeof(*ret_report);

    while (left > 0) {
        ssize_t size = read(fd, at, left);

        if (size <= 0)
            return false;
        at += size;
        left -= (size_t)size;
    }
    return true;
}

static void job_ended(const struct arguments *arguments, struct job *job, unsigned *failures)
{
    int how = 0;

    close(job->fd);
    job->running = false;
    (void)waitpid(job->pid, &how, 0);
    if (how != 0)
        tell_failure(arguments, job->seed, "its process died: an assertion, a sanitizer, a signal or a leak", failures);
}

static unsigned collect(const struct arguments *arguments, struct job *jobs, struct sim_result *total)
{
    struct pollfd polls[JOBS_MAX];
    unsigned failures = 0;
    unsigned running = arguments->jobs;

    while (running > 0) {
        struct report report;

        for (unsigned i = 0; i < arguments->jobs; i++)
            polls[i] = (struct pollfd){.fd = jobs[i].running ? jobs[i].fd : -1, .events = POLLIN};
        (void)poll(polls, arguments->jobs, -1);
        for (unsigned i = 0; i < arguments->jobs; i++) {
            if (!jobs[i].running || polls[i].revents == 0)
                continue;
            if (!read_all(jobs[i].fd, &report)) {
                job_ended(arguments, &jobs[i], &failures);
                running--;
                continue;
            }
            jobs[i].seed = report.seed;
            if (report.begun)
                continue;
            sum(total, &report.result);
            if (report.result.failed)
                tell_failure(arguments, report.seed, report.result.failure, &failures);
        }
    }
    return failures;
}

static unsigned print_table(const struct arguments *arguments, const struct sim_result *total, double seconds)
{
    unsigned never = 0;

    printf("\nfault                                        times\n");
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        printf("  %-40s %8llu\n", sim_fault_name((enum sim_fault)i), (unsigned long long)total->faults[i]);
        never += total->faults[i] == 0;
    }
    printf("\n");
    for (size_t i = 0; i < SIM_COUNT_COUNT; i++)
        printf("  %-40s %8llu\n", sim_count_name((enum sim_count)i), (unsigned long long)total->counts[i]);
    printf("  %-40s %8.2f\n", "facts a device-day",
           total->counts[SIM_COUNT_DEVICE_DAYS] > 0
               ? (double)total->counts[SIM_COUNT_FACTS] / (double)total->counts[SIM_COUNT_DEVICE_DAYS]
               : 0.0);
    printf("  %-40s %8.1f\n", "seconds", seconds);
    printf("  %-40s %8.2f\n", "seeds a second", (double)total->counts[SIM_COUNT_SEEDS] / seconds);
    printf("  %-40s %8.0f\n", "device-days a second", (double)total->counts[SIM_COUNT_DEVICE_DAYS] / seconds);
    printf("  %-40s %016llx\n", "digest of all that happened", (unsigned long long)total->digest);
    if (never > 0 && !arguments->rare_allowed)
        printf("\nFAILED: %u kinds of fault never happened: more seeds are needed, or their rates are too low\n",
               never);
    return arguments->rare_allowed ? 0 : never;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct sim_result total = {0};
    struct job jobs[JOBS_MAX] = {0};
    struct timespec from;
    struct timespec to;
    unsigned failures;

    if (!parse(argc, argv, &arguments))
        return usage();
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (unsigned i = 0; i < arguments.jobs; i++) {
        if (!start(&arguments, i, &jobs[i])) {
            perror("doublecrew-fleet");
            return 3;
        }
    }
    failures = collect(&arguments, jobs, &total);
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (failures > 0)
        printf("%u of %llu seeds failed\n", failures, (unsigned long long)arguments.seeds);
    failures +=
        print_table(&arguments, &total, (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    printf("%s\n", failures > 0 ? "FAILED" : "all hold");
    return failures > 0 ? 1 : 0;
}
