/*
 * What a benchmark found, for the harness (bench/harness.py), which reads it, adds up rounds, compares with peers and draws:
 * one JSON file a program, written only when it is whole.
 *
 * {"name", "machine", "rounds", "others", "figures": [{"key", "label", "unit", "values", "median", "low", "high"}],
 *  "ratios": [{"key", "label", "aim", "values", "median", "low", "high", "met"}], "checks": [{"what", "held"}], "ok"}
 *
 * Keys are lower-case words with dots ("ingest.batch.ours"), the same in every round and on every machine; values stand
 * in the order of the rounds. A ratio is met when its median is.
 */
#ifndef DOUBLECREW_BENCH_RESULT_H
#define DOUBLECREW_BENCH_RESULT_H

#include <stdbool.h>

#include "core/status.h"

#define RESULT_FIGURES_MAX 160
#define RESULT_RATIOS_MAX 32
#define RESULT_CHECKS_MAX 32
#define RESULT_VALUES_MAX 64
#define RESULT_TEXT_SIZE 160 /* of a label; longer ones are cut */

struct result;

/* name: the benchmark's, as in ./run bench NAME. NO_MEMORY. */
MUST_USE enum status result_new(const char *name, struct result **ret_result);
void result_free(struct result *result);

/* One more value of a figure; the first brings it into being, with its label and unit. What doesn't fit makes the file fail. */
void result_figure(struct result *result, const char *key, const char *label, const char *unit, double value);

/* One more value of a ratio (or of a figure with an aim of its own), and what its median is to be. */
enum result_aim { RESULT_AT_LEAST, RESULT_AT_MOST };
void result_ratio(struct result *result, const char *key, const char *label, enum result_aim aim, double bound,
                  double value);

/* Something that must hold for the figures to count, and whether it did: nothing lost, nothing skipped. */
void result_check(struct result *result, const char *what, bool held);

/* Which share of the machine other work took meanwhile (machine_others_share). */
void result_others(struct result *result, double share);

/*
 * Writes the file, all or nothing; path NULL: nothing is wanted. "ok" is whether every check held.
 * IO, after a complaint; OVER_LIMIT: more was found than fits, and there is no file.
 */
MUST_USE enum status result_write(const struct result *result, const char *path);

#endif
