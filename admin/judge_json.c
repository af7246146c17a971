#include "admin/judge_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/judge_names.h"
#include "core/limits.h"
#include "core/rule_explain.h"

#define SECOND_US INT64_C(1000000)

void judge_case_done(struct judge_case *judge_case)
{
    judge_owned_free(judge_case->owned);
    judge_case->owned = NULL;
}

static const char *name_of(const void *context, size_t officer)
{
    const struct judge_owned *owned = context;

    return owned->officer_names[officer];
}

/* Whole seconds as integers, "for ever" as null. */
static json_t *seconds(int64_t us)
{
    if (us == RULE_FOREVER || us == INT64_MIN) {
        return json_null();
    }
    return us % SECOND_US == 0 ? json_integer(us / SECOND_US) : json_real((double)us / (double)SECOND_US);
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *verdict_object(const struct judge_case *judge_case, const struct rule_verdict *verdicts, size_t index)
{
    const struct rule_verdict *verdict = &verdicts[index];
    char why[RULE_EXPLAIN_SIZE * 2];

    (void)rule_explain(&judge_case->rule_case, verdicts, index, name_of, judge_case->owned, why, sizeof why);
    return json_pack("{s:s, s:o, s:[o, o], s:o, s:s, s:b, s:s}", "company", rule_company_name(verdict->company),
                     "confirmed_by", text_or_null(rule_confirmed_name(verdict->confirmed_by)), "alone_s",
                     seconds(verdict->alone_min_us), seconds(verdict->alone_max_us), "grade",
                     text_or_null(rule_grade_name(verdict->grade)), "authority",
                     rule_authority_name(verdict->authority), "due_met", verdict->due_met, "why", why);
}

static enum status dump(json_t *value, char **ret_line)
{
    char *line = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));

    json_decref(value);
    if (line == NULL) {
        return STATUS_NO_MEMORY;
    }
    *ret_line = line;
    return STATUS_OK;
}

enum status judge_json_write(const struct judge_case *judge_case, const struct rule_verdict *verdicts, char **ret_line)
{
    const struct judge_owned *owned = judge_case->owned;
    json_t *result = json_object();

    for (size_t i = 0; i < judge_case->rule_case.presence_count; i++) {
        if (json_object_set_new(result, owned->presence_names[i], verdict_object(judge_case, verdicts, i)) != 0) {
            json_decref(result);
            return STATUS_NO_MEMORY;
        }
    }
    return dump(result, ret_line);
}

enum status judge_json_error(const char *what, const char *at, uint64_t number, char **ret_line)
{
    char place[JUDGE_ERROR_SIZE + 32];

    (void)snprintf(place, sizeof place, "line %" PRIu64 "%s%s", number, at[0] == '\0' ? "" : ": ", at);
    return dump(json_pack("{s:s, s:s}", "error", what, "at", place), ret_line);
}

enum status judge_json_line(const char *line, size_t length, uint64_t number, char **ret_line)
{
    struct rule_verdict verdicts[RULE_PRESENCES_MAX];
    struct judge_case judge_case;
    struct judge_error error;
    enum status status = judge_json_read(line, length, &judge_case, &error);

    if (status == STATUS_MALFORMED) {
        return judge_json_error(error.what, error.at, number, ret_line);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = rule_judge(&judge_case.rule_case, verdicts);
    if (status == STATUS_OK) {
        status = judge_json_write(&judge_case, verdicts, ret_line);
    } else if (status != STATUS_NO_MEMORY) {
        status = judge_json_error(status_what(status), "case", number, ret_line);
    }
    judge_case_done(&judge_case);
    return status;
}
