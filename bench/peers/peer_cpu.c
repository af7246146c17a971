#include "bench/peers/peer_cpu.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"

#define PATH_SIZE 600

/* Field 4 of /proc/PID/stat (proc(5)); the name before it may hold anything. */
static long parent_of(const char *pid)
{
    char path[PATH_SIZE];
    char line[1024];

    (void)snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    if (!machine_read_line(path, line, sizeof(line)))
        return 0;
    const char *at = strrchr(line, ')');
    return at == NULL || strlen(at) < 4 ? 0 : strtol(at + 4, NULL, 10);
}

/* All threads of a process; the first number of their schedstat is what they have run, in nanoseconds. */
static double process_s(const char *pid)
{
    char path[PATH_SIZE];
    char line[256];
    const struct dirent *entry;
    double sum_s = 0;

    (void)snprintf(path, sizeof(path), "/proc/%s/task", pid);
    DIR *threads = opendir(path);
    while (threads != NULL && (entry = readdir(threads)) != NULL) {
        (void)snprintf(path, sizeof(path), "/proc/%s/task/%s/schedstat", pid, entry->d_name);
        if (entry->d_name[0] != '.' && machine_read_line(path, line, sizeof(line)))
            sum_s += strtod(line, NULL) / 1e9;
    }
    if (threads != NULL)
        (void)closedir(threads);
    return sum_s;
}

double peer_cpu_s(pid_t pid)
{
    const struct dirent *entry;
    char first[32];
    DIR *processes = opendir("/proc");

    (void)snprintf(first, sizeof(first), "%ld", (long)pid);
    double sum_s = process_s(first);
    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && parent_of(entry->d_name) == (long)pid)
            sum_s += process_s(entry->d_name);
    }
    if (processes != NULL)
        (void)closedir(processes);
    return sum_s;
}
