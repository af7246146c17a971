/* What a verdict was judged by: policy, people, places, the sum, decisions. Prints to stdout. */
#ifndef DOUBLECREW_ADMIN_EXPLAIN_JUDGED_H
#define DOUBLECREW_ADMIN_EXPLAIN_JUDGED_H

#include "server/logic/explanation.h"

/* The policy in force, how the officer stood, and the minutes alone against what policy allows. */
void judged_print_measure(const struct explanation *explanation);
/* Of another presence at the same offender: what speaks for it and against it as a partner's. */
void judged_print_partner(const struct explanation *explanation, size_t index);
/* Who said that it counts, or doesn't; what the rule made of it is among the reasons. */
void judged_print_decisions(const struct explanation *explanation);

#endif
