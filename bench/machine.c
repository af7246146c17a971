#include "bench/machine.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* This process, and what it starts from now on. On one core alone there is nothing to choose. */
void machine_stay_on(size_t core)
{
    cpu_set_t cores;

    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1 && sched_setaffinity(0, sizeof(cores), &cores) != 0)
        fprintf(stderr, "bench: core %zu can't be chosen (%s); the figures are of shared cores\n", core,
                strerror(errno));
}

void machine_use_all(void)
{
    cpu_set_t cores;

    CPU_ZERO(&cores);
    for (long i = 0; i < sysconf(_SC_NPROCESSORS_CONF) && i < CPU_SETSIZE; i++)
        CPU_SET((size_t)i, &cores);
    if (sched_setaffinity(0, sizeof(cores), &cores) != 0)
        fprintf(stderr, "bench: all cores can't be chosen (%s); the figures are of one\n", strerror(errno));
}

double machine_now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int64_t machine_wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool machine_read_line(const char *path, char *ret_line, int size)
{
    FILE *file = fopen(path, "re");
    bool good = file != NULL && fgets(ret_line, size, file) != NULL;

    if (file != NULL)
        (void)fclose(file);
    return good;
}

/* The text beyond so many words. */
static const char *skip_words(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text += strspn(text, " ");
        text += strcspn(text, " ");
    }
    return text;
}

/* The sum of so many numbers from here on, of clock ticks, in seconds. */
static double sum_ticks_s(const char *text, size_t count)
{
    unsigned long ticks = 0;
    char *end = NULL;

    for (size_t i = 0; i < count; i++) {
        ticks += strtoul(text, &end, 10);
        text = end;
    }
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

/* Seconds of CPU that a process has used; 0: it can't be told. */
double machine_cpu_s(pid_t pid)
{
    char path[64];
    char line[1024];

    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    if (!machine_read_line(path, line, sizeof(line)))
        return 0;
    const char *at = strrchr(line, ')');                            /* the name before it may hold anything */
    return at == NULL ? 0 : sum_ticks_s(skip_words(at + 1, 11), 2); /* user, system */
}

size_t machine_memory(pid_t pid)
{
    char path[64];
    char line[256];
    size_t kib = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtoul(line + 8, NULL, 10);
    }
    if (file != NULL)
        (void)fclose(file);
    return kib * 1024;
}

size_t machine_raise_files(size_t wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    return (size_t)limit.rlim_cur;
}

static double seconds_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

struct machine_usage machine_usage(void)
{
    struct machine_usage usage = {.at_s = 0};
    struct timespec now;
    struct rusage self;
    struct rusage children;
    char line[512];

    if (machine_read_line("/proc/stat", line,
                          sizeof(line))) /* cpu, user, nice, system, idle, iowait, irq, softirq, steal */
        usage.all_s = sum_ticks_s(skip_words(line, 1), 3) + sum_ticks_s(skip_words(line, 6), 3);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)getrusage(RUSAGE_SELF, &self);
    (void)getrusage(RUSAGE_CHILDREN, &children);
    usage.at_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    usage.own_s = seconds_of(&self) + seconds_of(&children);
    return usage;
}

/* Which share of the machine's CPU went to others since then. */
double machine_others_share(const struct machine_usage *before)
{
    struct machine_usage after = machine_usage();
    double others_s = (after.all_s - before->all_s) - (after.own_s - before->own_s);

    return others_s / ((after.at_s - before->at_s) * (double)sysconf(_SC_NPROCESSORS_ONLN));
}

void machine_text(char *ret_text, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    const char *model = "unknown";

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL) {
            line[strcspn(line, "\n")] = '\0';
            model = strchr(line, ':') + 2;
            break;
        }
    }
    (void)snprintf(ret_text, size, "%ld cores of %s", sysconf(_SC_NPROCESSORS_ONLN), model);
    if (file != NULL)
        (void)fclose(file);
}

void machine_print(void)
{
    char text[300];

    machine_text(text, sizeof(text));
    printf("%s\n", text);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double machine_percentile(double *values, size_t count, double share)
{
    size_t at = (size_t)(share * (double)count);

    if (count == 0)
        return 0;
    qsort(values, count, sizeof(*values), compare_doubles);
    return values[at < count ? at : count - 1];
}
