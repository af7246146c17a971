/*
 * One plain English sentence for a verdict of core/rule.h: for console, device, reports and `doublecrewctl judge`.
 *
 * "Joint, grade B: PC 2207's presence covers all but 4 minutes of PC 1123's; both phones 12-30 m apart."
 * It says, too, what is still awaited. It names officers only as the caller's callback does.
 */
#ifndef DOUBLECREW_CORE_RULE_EXPLAIN_H
#define DOUBLECREW_CORE_RULE_EXPLAIN_H

#include "core/rule.h"

#define RULE_EXPLAIN_SIZE 512 /* enough for every sentence with names of up to 32 bytes */

/* What to call an officer of the case, by index: "PC 1123". Borrowed until the call returns; NULL: "an officer". */
typedef const char *(*rule_officer_name)(const void *context, size_t officer);

/*
 * Writes the sentence for presence `index` with a final NUL, cut to size if need be (on a whole UTF-8 character).
 * verdicts are those of rule_judge() for this very case. Returns the length written; 0 when size is 0.
 */
size_t rule_explain(const struct rule_case *rule_case, const struct rule_verdict *verdicts, size_t index,
                    rule_officer_name name, const void *context, char *buffer, size_t size);

#endif
