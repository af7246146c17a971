/*
 * `doublecrewctl judge`: one JSON case in, one JSON result out (docs: the format of the rule as a plain function).
 *
 * Reads what an auditor or another implementation wrote, so nothing in it is trusted: every failure says what and where.
 * Times are whole seconds on one axis, within JUDGE_TIME_MAX_S; keys that are not known are ignored. Beyond the written format
 * a presence may carry "unassigned", "clock_trouble" (booleans), "in_seq" and "out_seq" (places in the device's log).
 * Needs jansson only.
 */
#ifndef DOUBLECREW_ADMIN_JUDGE_JSON_H
#define DOUBLECREW_ADMIN_JUDGE_JSON_H

#include <stddef.h>

#include "core/rule.h"

#define JUDGE_TIME_MAX_S INT64_C(1000000000000)
#define JUDGE_ERROR_SIZE 128

/* One case, owning all that rule_case points at, and the names that its indices stand for. */
struct judge_case {
    struct rule_case rule_case;
    void *owned; /* opaque */
};

struct judge_error {
    char what[JUDGE_ERROR_SIZE]; /* "not a time in whole seconds" */
    char at[JUDGE_ERROR_SIZE];   /* "presences[2].in[0]" */
};

/* Errors: MALFORMED (not JSON, or not a case; ret_error says why), NO_MEMORY. ret_case is untouched on failure. */
MUST_USE enum status judge_json_read(const char *line, size_t length, struct judge_case *ret_case,
                                     struct judge_error *ret_error);
void judge_case_done(struct judge_case *judge_case);

/* The result line for a case and its verdicts, without line end. The caller frees it with free(). */
MUST_USE enum status judge_json_write(const struct judge_case *judge_case, const struct rule_verdict *verdicts,
                                      char **ret_line);

/*
 * A line in, a line out: reads, judges, writes; a case that can't be read or judged gives {"error": ..., "at": ...} and is
 * STATUS_OK too. "at" begins with the line's number, counted from 1. Errors: NO_MEMORY. The caller frees ret_line with free().
 */
MUST_USE enum status judge_json_line(const char *line, size_t length, uint64_t number, char **ret_line);
/* The answer to a line that can't be given to the above. */
MUST_USE enum status judge_json_error(const char *what, const char *at, uint64_t number, char **ret_line);

#endif
