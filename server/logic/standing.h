/*
 * An officer's standing and a device's holder over time (V5, F4): what the rule asks as of a check-in. standing.c says
 * how entries about one another's past are read.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_STANDING_H
#define DOUBLECREW_SERVER_LOGIC_STANDING_H

#include "server/logic/batch_internal.h"

#define STANDING_ROWS_MAX 16 /* the newest changes of one officer; the oldest of these stands for all before */
#define STANDING_SPANS_MAX (3 * STANDING_ROWS_MAX + 1)

/* rows ascending by recorded_us. ret_spans has STANDING_SPANS_MAX; the first is from INT64_MIN, no two neighbours alike. */
size_t standing_spans(const struct standing_row *rows, size_t count, struct rule_officer_span *ret_spans);
/* From when on two histories differ; RULE_FOREVER: nowhere. */
int64_t standing_first_difference(const struct rule_officer_span *a, size_t a_count, const struct rule_officer_span *b,
                                  size_t b_count);
MUST_USE enum status officer_standing(struct batch *batch, const struct id *officer,
                                      struct rule_officer_span *ret_spans, size_t *ret_count);
/* The device is the officer's from the batch's time on; zero: nobody's. */
MUST_USE enum status holder_change(struct batch *batch, const struct id *device, const struct id *officer);

#endif
