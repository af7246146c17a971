/*
 * The machine that a benchmark runs on: which core does what, who else used it meanwhile, and what it is.
 */
#ifndef DOUBLECREW_BENCH_MACHINE_H
#define DOUBLECREW_BENCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MACHINE_SERVER_CORE 0
#define MACHINE_LOAD_CORE 1
#define MACHINE_OTHERS_MAX 0.05 /* of the machine's CPU; above it the figures are said not to be worth keeping */

/*
 * This process, and what it starts from now on. On one core alone there is nothing to choose. A server that is measured beside
 * other servers may use all cores, the load beside it stays on its own; one that is measured beside a bare loop of what it does
 * in a single thread has one core, as that has.
 */
void machine_stay_on(size_t core);
void machine_use_all(void);

/* Monotonic seconds, and the wall clock as phones send it. */
double machine_now_s(void);
int64_t machine_wall_ms(void);

/* The first line of a file of /proc or /sys, its newline included. False: it can't be read. */
bool machine_read_line(const char *path, char *ret_line, int size);

/* Seconds of CPU that a process has used; 0: it can't be told. */
double machine_cpu_s(pid_t pid);

/* Memory of its own that a process has resident, in bytes: files and what is shared aside. 0: it can't be told. */
size_t machine_memory(pid_t pid);

/*
 * Raises this process's limit of open files to `wanted`, or to the most that it may be. Processes started from now on have
 * the same. Returns what it is.
 */
size_t machine_raise_files(size_t wanted);

/* CPU seconds since the machine's start: of everybody, stolen by the host included, and of this process and its children. */
struct machine_usage {
    double at_s;
    double all_s;
    double own_s;
};
struct machine_usage machine_usage(void);
/* Which share of the machine's CPU went to others since then. */
double machine_others_share(const struct machine_usage *before);

/* Cores and model, on a line. */
void machine_text(char *ret_text, size_t size);
void machine_print(void);

/* The value below which that share of them lies; sorts them. 0 when there are none. */
double machine_percentile(double *values, size_t count, double share);

#endif
