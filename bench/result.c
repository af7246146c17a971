#include "bench/result.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"

struct figure {
    char key[RESULT_TEXT_SIZE];
    char label[RESULT_TEXT_SIZE];
    char unit[RESULT_TEXT_SIZE]; /* of a ratio: its aim */
    enum result_aim aim;
    double bound;
    double values[RESULT_VALUES_MAX];
    size_t count;
};

struct check {
    char what[RESULT_TEXT_SIZE];
    bool held;
};

struct result {
    char name[RESULT_TEXT_SIZE];
    struct figure figures[RESULT_FIGURES_MAX];
    size_t figure_count;
    struct figure ratios[RESULT_RATIOS_MAX];
    size_t ratio_count;
    struct check checks[RESULT_CHECKS_MAX];
    size_t check_count;
    double others;
    bool overfull;
};

enum status result_new(const char *name, struct result **ret_result)
{
    struct result *result = calloc(1, sizeof(*result));

    if (result == NULL)
        return STATUS_NO_MEMORY;
    (void)snprintf(result->name, sizeof(result->name), "%s", name);
    *ret_result = result;
    return STATUS_OK;
}

void result_free(struct result *result)
{
    free(result);
}

/* The one with that key, or a new one; NULL: there is no room. */
static struct figure *figure_of(struct figure *figures, size_t *count, size_t max, const char *key)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(figures[i].key, key) == 0)
            return &figures[i];
    }
    if (*count == max)
        return NULL;
    (void)snprintf(figures[*count].key, sizeof(figures[*count].key), "%s", key);
    return &figures[(*count)++];
}

static void add_value(struct result *result, struct figure *figure, double value)
{
    if (figure == NULL || figure->count == RESULT_VALUES_MAX)
        result->overfull = true;
    else
        figure->values[figure->count++] = value;
}

void result_figure(struct result *result, const char *key, const char *label, const char *unit, double value)
{
    struct figure *figure = figure_of(result->figures, &result->figure_count, RESULT_FIGURES_MAX, key);

    if (figure != NULL && figure->count == 0) {
        (void)snprintf(figure->label, sizeof(figure->label), "%s", label);
        (void)snprintf(figure->unit, sizeof(figure->unit), "%s", unit);
    }
    add_value(result, figure, value);
}

void result_ratio(struct result *result, const char *key, const char *label, enum result_aim aim, double bound,
                  double value)
{
    struct figure *ratio = figure_of(result->ratios, &result->ratio_count, RESULT_RATIOS_MAX, key);

    if (ratio != NULL && ratio->count == 0) {
        (void)snprintf(ratio->label, sizeof(ratio->label), "%s", label);
        (void)snprintf(ratio->unit, sizeof(ratio->unit), "at %s %g", aim == RESULT_AT_LEAST ? "least" : "most", bound);
        ratio->aim = aim;
        ratio->bound = bound;
    }
    add_value(result, ratio, value);
}

void result_check(struct result *result, const char *what, bool held)
{
    if (result->check_count == RESULT_CHECKS_MAX) {
        result->overfull = true;
        return;
    }
    struct check *check = &result->checks[result->check_count++];
    (void)snprintf(check->what, sizeof(check->what), "%s", what);
    check->held = held;
}

void result_others(struct result *result, double share)
{
    result->others = share;
}

/* Writing ----------------------------------------------------------------------------------------------------------- */

static json_t *values_of(const struct figure *figure)
{
    json_t *values = json_array();

    for (size_t i = 0; i < figure->count; i++)
        (void)json_array_append_new(values, json_real(figure->values[i]));
    return values;
}

/* machine_percentile sorts, so it gets a copy. */
static double median_of(const struct figure *figure)
{
    double sorted[RESULT_VALUES_MAX];
    size_t middle = figure->count / 2;

    memcpy(sorted, figure->values, figure->count * sizeof(*sorted));
    double upper = machine_percentile(sorted, figure->count, 0.5);
    return figure->count % 2 == 1 ? upper : (sorted[middle - 1] + upper) / 2;
}

static json_t *figure_json(const struct figure *figure, bool is_ratio)
{
    double low = figure->values[0];
    double high = figure->values[0];
    double median = median_of(figure);
    json_t *object;

    for (size_t i = 1; i < figure->count; i++) {
        low = figure->values[i] < low ? figure->values[i] : low;
        high = figure->values[i] > high ? figure->values[i] : high;
    }
    object = json_pack("{s:s, s:s, s:s, s:o, s:f, s:f, s:f}", "key", figure->key, "label", figure->label,
                       is_ratio ? "aim" : "unit", figure->unit, "values", values_of(figure), "median", median, "low",
                       low, "high", high);
    if (is_ratio)
        (void)json_object_set_new(
            object, "met",
            json_boolean(figure->aim == RESULT_AT_LEAST ? median >= figure->bound : median <= figure->bound));
    return object;
}

static json_t *figures_json(const struct figure *figures, size_t count, bool are_ratios, size_t *rounds)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        if (figures[i].count == 0)
            continue;
        (void)json_array_append_new(array, figure_json(&figures[i], are_ratios));
        *rounds = figures[i].count > *rounds ? figures[i].count : *rounds;
    }
    return array;
}

static json_t *checks_json(const struct result *result, bool *ok)
{
    json_t *array = json_array();

    for (size_t i = 0; i < result->check_count; i++) {
        const struct check *check = &result->checks[i];

        (void)json_array_append_new(array, json_pack("{s:s, s:b}", "what", check->what, "held", (int)check->held));
        *ok = *ok && check->held;
    }
    return array;
}

static json_t *result_json(const struct result *result)
{
    char machine[RESULT_TEXT_SIZE];
    size_t rounds = 0;
    bool ok = true;
    json_t *figures = figures_json(result->figures, result->figure_count, false, &rounds);
    json_t *ratios = figures_json(result->ratios, result->ratio_count, true, &rounds);
    json_t *checks = checks_json(result, &ok);

    machine_text(machine, sizeof(machine));
    return json_pack("{s:s, s:s, s:I, s:f, s:o, s:o, s:o, s:b}", "name", result->name, "machine", machine, "rounds",
                     (json_int_t)rounds, "others", result->others, "figures", figures, "ratios", ratios, "checks",
                     checks, "ok", (int)ok);
}

static enum status dump(const json_t *json, const char *path)
{
    char begun[PATH_MAX];

    if (snprintf(begun, sizeof(begun), "%s.part", path) >= (int)sizeof(begun))
        return STATUS_INPUT;
    if (json_dump_file(json, begun, JSON_INDENT(1) | JSON_REAL_PRECISION(7)) == 0 && rename(begun, path) == 0)
        return STATUS_OK;
    fprintf(stderr, "bench: the result can't be written to %s: %s. Is the folder there, and is there room?\n", path,
            strerror(errno));
    (void)remove(begun);
    return STATUS_IO;
}

enum status result_write(const struct result *result, const char *path)
{
    if (path == NULL)
        return STATUS_OK;
    if (result->overfull) {
        fprintf(stderr, "bench: more figures than a result holds (bench/result.h): no result\n");
        return STATUS_OVER_LIMIT;
    }
    json_t *json = result_json(result);
    enum status status = json == NULL ? STATUS_NO_MEMORY : dump(json, path);
    json_decref(json);
    return status;
}
