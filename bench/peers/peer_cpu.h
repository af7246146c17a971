/*
 * Seconds of CPU that a peer has used: its first process and those that it started itself, all their threads. From the
 * scheduler's own count, in nanoseconds: fifty processes of a few milliseconds each are nothing in clock ticks.
 */
#ifndef DOUBLECREW_BENCH_PEER_CPU_H
#define DOUBLECREW_BENCH_PEER_CPU_H

#include <sys/types.h>

/* Of what is running now. 0: it can't be told. */
double peer_cpu_s(pid_t pid);

#endif
