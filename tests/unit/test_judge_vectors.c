/* The rule clause by clause (tests/vectors/judge): what the text demands, in either order, and with the oracle's consent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "admin/judge_json.h"
#include "core/limits.h"
#include "tests/oracle/oracle.h"

#define LINE_MAX_BYTES (256 * 1024)
#define RULE_CASES_MIN 200
#define ODD_LINES_MIN 100

typedef void line_check(const json_t *line);

/* Calls check for each line of the file; returns how many there are. */
static size_t each_line(const char *path, line_check *check)
{
    FILE *file = fopen(path, "r");
    char *text = malloc(LINE_MAX_BYTES);
    size_t count = 0;

    assert_non_null(file);
    assert_non_null(text);
    while (fgets(text, LINE_MAX_BYTES, file) != NULL) {
        json_t *line = json_loads(text, 0, NULL);

        assert_non_null(line);
        check(line);
        json_decref(line);
        count++;
    }
    free(text);
    (void)fclose(file);
    return count;
}

static const char *text_of(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));

    return text == NULL ? "" : text;
}

static json_t *answer(const char *line)
{
    char *text = NULL;
    json_t *result;

    assert_int_equal(judge_json_line(line, strlen(line), 1, &text), STATUS_OK);
    result = json_loads(text, 0, NULL);
    assert_non_null(result);
    free(text);
    return result;
}

static json_t *judged(const json_t *judge_case)
{
    char *text = json_dumps(judge_case, JSON_COMPACT);
    json_t *result = answer(text);

    free(text);
    return result;
}

static void expect_fields(const json_t *line, const char *presence, const json_t *wanted, const json_t *got)
{
    const char *field;
    json_t *value;

    json_object_foreach((json_t *)wanted, field, value)
    {
        const json_t *other = json_object_get(got, field);

        if (!json_equal(value, other)) {
            char *want = json_dumps(value, JSON_ENCODE_ANY);
            char *have = json_dumps(other, JSON_ENCODE_ANY);

            fail_msg("%s: %s\n  %s.%s is %s, not %s (%s)", text_of(line, "clause"), text_of(line, "says"), presence,
                     field, have, want, text_of(got, "why"));
        }
    }
}

static void expect_either_order(const json_t *line, const json_t *result)
{
    json_t *turned = json_deep_copy(json_object_get(line, "case"));
    json_t *presences = json_object_get(turned, "presences");
    json_t *reversed = json_array();
    json_t *again;

    for (size_t i = json_array_size(presences); i > 0; i--) {
        json_array_append(reversed, json_array_get(presences, i - 1));
    }
    json_object_set_new(turned, "presences", reversed);
    again = judged(turned);
    if (!json_equal(result, again)) {
        fail_msg("%s: %s\n  another verdict in the other order", text_of(line, "clause"), text_of(line, "says"));
    }
    json_decref(again);
    json_decref(turned);
}

static void expect_oracle(const json_t *line)
{
    struct oracle_settings settings = {1, 300};
    struct rule_verdict verdicts[RULE_PRESENCES_MAX];
    char *text = json_dumps(json_object_get(line, "case"), JSON_COMPACT);
    char difference[512];
    struct judge_case judge_case;
    struct judge_error error;

    assert_int_equal(judge_json_read(text, strlen(text), &judge_case, &error), STATUS_OK);
    assert_int_equal(rule_judge(&judge_case.rule_case, verdicts), STATUS_OK);
    if (oracle_compare(&judge_case.rule_case, verdicts, settings, difference, sizeof difference) != NULL) {
        fail_msg("%s: %s\n  the oracle: %s", text_of(line, "clause"), text_of(line, "says"), difference);
    }
    judge_case_done(&judge_case);
    free(text);
}

static void check_rule(const json_t *line)
{
    json_t *result = judged(json_object_get(line, "case"));
    const char *presence;
    json_t *wanted;

    json_object_foreach(json_object_get(line, "expect"), presence, wanted)
    {
        expect_fields(line, presence, wanted, json_object_get(result, presence));
    }
    expect_either_order(line, result);
    expect_oracle(line);
    json_decref(result);
}

static bool stands_at(const char *got, const char *wanted)
{
    char place[256];

    (void)snprintf(place, sizeof place, "line 1%s%s", wanted[0] == '\0' ? "" : ": ", wanted);
    return strcmp(wanted, "column") == 0 ? strncmp(got, place, strlen(place)) == 0 : strcmp(got, place) == 0;
}

/* "column": somewhere in what isn't JSON at all. */
static void check_odd(const json_t *line)
{
    json_t *result = answer(text_of(line, "line"));
    const json_t *at = json_object_get(line, "at");
    const char *got = json_string_value(json_object_get(result, "at"));
    bool fits = json_is_null(at)
                    ? json_object_get(result, "error") == NULL
                    : got != NULL && stands_at(got, json_string_value(at)) && text_of(result, "error")[0] != '\0';

    if (!fits) {
        fail_msg("%s: the error stands at %s", text_of(line, "says"), got == NULL ? "(judged)" : got);
    }
    json_decref(result);
}

static void rule__clause_by_clause__is_as_the_text_demands(void **state)
{
    (void)state;
    assert_true(each_line("tests/vectors/judge/rule.jsonl", check_rule) >= RULE_CASES_MIN);
}

static void line__odd__is_judged_or_named(void **state)
{
    (void)state;
    assert_true(each_line("tests/vectors/judge/odd.jsonl", check_odd) >= ODD_LINES_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule__clause_by_clause__is_as_the_text_demands),
        cmocka_unit_test(line__odd__is_judged_or_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
