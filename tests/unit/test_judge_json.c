/* JSON cases in, JSON results out: the written format, and named errors for what isn't it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "admin/judge_json.h"

#define LINE_NUMBER 7
#define LINE_WORDS "line 7: "

#define CASE                                                                                                           \
    "{\"policy\":{\"max_alone_s\":600,\"lone_forbidden\":[\"VH\",\"H\"],\"drift\":0.0002},"                            \
    "\"offenders\":{\"X\":{\"risk\":\"M\",\"at\":[0,0]}},"                                                             \
    "\"officers\":{\"A\":{\"accredited\":true,\"entitled_from\":0,\"entitled_to\":null},"                              \
    "\"B\":{\"accredited\":false,\"entitled_from\":0,\"entitled_to\":null}},"                                          \
    "\"devices\":{\"dA\":{\"officer\":\"A\",\"revoked_as_of\":null,\"revocation_recorded\":null,\"lost\":false},"      \
    "\"dB\":{\"officer\":\"B\",\"lost\":false}},"                                                                      \
    "\"presences\":[{\"id\":\"p1\",\"officer\":\"A\",\"device\":\"dA\",\"offender\":\"X\",\"in\":[1000,1000],"         \
    "\"out\":[4600,4600],\"boot\":\"b1\",\"in_m\":10,\"out_m\":3610,\"with\":[\"B\"],\"agency\":null,\"at\":[0,0],"    \
    "\"out_at\":null,\"acc\":20,\"received\":1001,\"contested\":false,\"cosign\":{\"presence\":\"p2\",\"first\":true," \
    "\"confirm_m\":300,\"round_trip_s\":30},\"outcome\":\"seen\"},"                                                    \
    "{\"id\":\"p2\",\"officer\":\"B\",\"device\":\"dB\",\"offender\":\"X\",\"in\":[1240,1240],\"out\":[4600,4700],"    \
    "\"boot\":\"b1\",\"in_m\":5,\"out_m\":null,\"with\":\"unrecorded\",\"at\":[3,4],\"acc\":20,\"received\":5000,"     \
    "\"outcome\":\"seen\"}],"                                                                                          \
    "\"plans\":[{\"offender\":\"X\",\"officers\":[\"A\",\"B\"],\"from\":0,\"to\":2000}],"                              \
    "\"authorities\":[{\"officer\":\"A\",\"offender\":\"X\",\"granted\":true,\"by\":\"S\",\"recorded\":500,"           \
    "\"valid_from\":0,\"valid_to\":5000}],"                                                                            \
    "\"decisions\":[{\"presence\":\"p1\",\"by\":\"S\",\"counts\":true,\"recorded\":6000}],"                            \
    "\"watermarks\":{\"dA\":5000},\"now\":20000}"

static json_t *answer(const char *line)
{
    char *text = NULL;
    json_t *result;

    assert_int_equal(judge_json_line(line, strlen(line), LINE_NUMBER, &text), STATUS_OK);
    result = json_loads(text, 0, NULL);
    assert_non_null(result);
    free(text);
    return result;
}

static const char *text_at(const json_t *result, const char *presence, const char *key)
{
    return json_string_value(json_object_get(json_object_get(result, presence), key));
}

static void line__case_of_the_format__gives_its_result(void **state)
{
    json_t *result = answer(CASE);
    const json_t *alone = json_object_get(json_object_get(result, "p1"), "alone_s");

    (void)state;
    assert_string_equal(text_at(result, "p1", "company"), "joint");
    assert_string_equal(text_at(result, "p1", "grade"), "A");
    assert_string_equal(text_at(result, "p1", "authority"), "prior");
    assert_true(json_is_null(json_object_get(json_object_get(result, "p1"), "confirmed_by")));
    assert_int_equal(json_integer_value(json_array_get(alone, 0)), 240);
    assert_int_equal(json_integer_value(json_array_get(alone, 1)), 240);
    assert_true(json_is_true(json_object_get(json_object_get(result, "p2"), "due_met")));
    assert_non_null(strstr(text_at(result, "p1", "why"), "B's presence covers all but 4 minutes of A's"));
    json_decref(result);
}

/* CASE with its first `from` replaced by `to`. */
static json_t *answer_with(const char *from, const char *to)
{
    static const char whole[] = CASE;
    const char *at = strstr(whole, from);
    char line[4096];
    size_t head;

    assert_non_null(at);
    head = (size_t)(at - whole);
    assert_true(sizeof whole + strlen(to) < sizeof line);
    memcpy(line, whole, head);
    strcpy(line + head, to);
    strcat(line, at + strlen(from));
    return answer(line);
}

static void line__not_a_case__names_what_and_where(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        const char *at;
    } bad[] = {
        {"\"in\":[1000,1000]", "\"in\":[1001,1000]", "presences[0].in"},
        {"\"in\":[1000,1000]", "\"in\":[1000.5,1001]", "presences[0].in"},
        {"\"in\":[1000,1000]", "\"in\":[9000000000000000,9000000000000000]", "presences[0].in"},
        {"\"device\":\"dB\"", "\"device\":\"dC\"", "presences[1].device"},
        {"\"id\":\"p2\"", "\"id\":\"p1\"", "presences[0].cosign.presence"},
        {"\"risk\":\"M\"", "\"risk\":\"X\"", "offenders.X.risk"},
        {"\"outcome\":\"seen\"", "\"outcome\":\"gone\"", "presences[0].outcome"},
        {"\"with\":[\"B\"]", "\"with\":[\"Z\"]", "presences[0].with"},
        {"\"with\":[\"B\"]", "\"with\":\"nobody\"", "presences[0].with"},
        {"\"received\":1001,", "", "presences[0].received"},
        {"\"now\":20000", "\"now\":null", "now"},
        {"\"drift\":0.0002", "\"drift\":2", "policy.drift"},
        {"\"max_alone_s\":600", "\"max_alone_s\":-1", "policy.max_alone_s"},
        {"\"plans\":[", "\"plans\":{},\"plots\":[", "plans"},
        {"\"dA\":5000", "\"dA\":\"late\"", "watermarks.dA"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *result = answer_with(bad[i].from, bad[i].to);

        const char *at = json_string_value(json_object_get(result, "at"));

        assert_non_null(json_string_value(json_object_get(result, "error")));
        assert_non_null(at);
        assert_memory_equal(at, LINE_WORDS, strlen(LINE_WORDS));
        assert_string_equal(at + strlen(LINE_WORDS), bad[i].at);
        json_decref(result);
    }
}

static void line__not_json__is_an_error_line(void **state)
{
    static const char *const lines[] = {"",    "{", "[]", "{\"a\":1,\"a\":2}", "null", "{} {}", "{\"presences\":3}",
                                        "\xff"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        json_t *result = answer(lines[i]);

        assert_non_null(json_string_value(json_object_get(result, "error")));
        json_decref(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line__case_of_the_format__gives_its_result),
        cmocka_unit_test(line__not_a_case__names_what_and_where),
        cmocka_unit_test(line__not_json__is_an_error_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
