/* A benchmark's result file (bench/result.h): what the harness reads. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/result.h"

struct fixture {
    struct result *result;
    char folder[64];
    char path[80];
};

static int set_up(void **state)
{
    static struct fixture fixture;

    (void)snprintf(fixture.folder, sizeof(fixture.folder), "/tmp/bench-result-XXXXXX");
    if (mkdtemp(fixture.folder) == NULL || result_new("a \"quoted\" name", &fixture.result) != STATUS_OK)
        return -1;
    (void)snprintf(fixture.path, sizeof(fixture.path), "%s/r.json", fixture.folder);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    result_free(fixture->result);
    (void)unlink(fixture->path);
    return rmdir(fixture->folder);
}

static json_t *written(const struct fixture *fixture)
{
    assert_int_equal(result_write(fixture->result, fixture->path), STATUS_OK);
    json_t *json = json_load_file(fixture->path, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    return json;
}

static double number_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static void figures__keep_rounds_in_order_and_median_between_two(void **state)
{
    const double values[] = {4, 1, 3, 2};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 4; i++)
        result_figure(fixture->result, "a.b", "A thing", "facts/s", values[i]);
    json_t *json = written(fixture);
    json_t *figure = json_array_get(json_object_get(json, "figures"), 0);
    assert_string_equal(json_string_value(json_object_get(json, "name")), "a \"quoted\" name");
    assert_int_equal(json_integer_value(json_object_get(json, "rounds")), 4);
    assert_string_equal(json_string_value(json_object_get(figure, "unit")), "facts/s");
    for (size_t i = 0; i < 4; i++)
        assert_float_equal(json_number_value(json_array_get(json_object_get(figure, "values"), i)), values[i], 1e-9);
    assert_float_equal(number_of(figure, "median"), 2.5, 1e-9);
    assert_float_equal(number_of(figure, "low"), 1, 1e-9);
    assert_float_equal(number_of(figure, "high"), 4, 1e-9);
    json_decref(json);
}

static void ratios__are_met_by_their_median_bound_included(void **state)
{
    struct fixture *fixture = *state;

    result_ratio(fixture->result, "least", "", RESULT_AT_LEAST, 1.5, 1.5);
    result_ratio(fixture->result, "least", "", RESULT_AT_LEAST, 1.5, 9);
    result_ratio(fixture->result, "least", "", RESULT_AT_LEAST, 1.5, 0);
    result_ratio(fixture->result, "most", "", RESULT_AT_MOST, 0.4, 0.5);
    json_t *json = written(fixture);
    json_t *ratios = json_object_get(json, "ratios");
    assert_true(json_is_true(json_object_get(json_array_get(ratios, 0), "met")));
    assert_string_equal(json_string_value(json_object_get(json_array_get(ratios, 0), "aim")), "at least 1.5");
    assert_true(json_is_false(json_object_get(json_array_get(ratios, 1), "met")));
    assert_string_equal(json_string_value(json_object_get(json_array_get(ratios, 1), "aim")), "at most 0.4");
    json_decref(json);
}

static void checks__one_that_did_not_hold_is_not_ok(void **state)
{
    struct fixture *fixture = *state;

    result_check(fixture->result, "nothing lost", true);
    json_t *json = written(fixture);
    assert_true(json_is_true(json_object_get(json, "ok")));
    json_decref(json);
    result_check(fixture->result, "nothing twice", false);
    json = written(fixture);
    assert_true(json_is_false(json_object_get(json, "ok")));
    json_decref(json);
}

static void too_much__leaves_no_file(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < RESULT_VALUES_MAX + 1; i++)
        result_figure(fixture->result, "a", "", "", 1);
    assert_int_equal(result_write(fixture->result, fixture->path), STATUS_OVER_LIMIT);
    assert_int_equal(access(fixture->path, F_OK), -1);
}

static void a_folder_that_is_not_there__is_said(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(result_write(fixture->result, "/tmp/no-such-folder-of-ours/r.json"), STATUS_IO);
    assert_int_equal(result_write(fixture->result, NULL), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(figures__keep_rounds_in_order_and_median_between_two, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ratios__are_met_by_their_median_bound_included, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks__one_that_did_not_hold_is_not_ok, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_much__leaves_no_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there__is_said, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("bench_result", tests, NULL, NULL);
}
