/*
 * A case of the rule in the form that `doublecrewctl judge` reads, one line of JSON. What the form has no word for (two boots
 * in one presence, several policies or risk levels) is left out.
 */
#ifndef DOUBLECREW_BENCH_JUDGE_CASE_PRINT_H
#define DOUBLECREW_BENCH_JUDGE_CASE_PRINT_H

#include <stdio.h>

#include "core/rule.h"

void judge_case_print(const struct rule_case *rule_case, FILE *stream);

#endif
