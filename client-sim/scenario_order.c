/* Every order of the statements that may stand in any order. */
#include <stdlib.h>
#include <string.h>

#include "client-sim/scenario.h"

static size_t factorial(size_t n)
{
    size_t product = 1;

    for (size_t i = 2; i <= n; i++)
        product *= i;
    return product;
}

size_t scenario_orders(const struct scenario *scenario)
{
    size_t orders = 1;

    for (size_t i = 0; i < scenario->step_count && orders <= SCENARIO_ORDERS_ALL_MAX; i++) {
        if (scenario->steps[i].act == ACT_ORDER)
            orders *= factorial(scenario->steps[i].order_count);
    }
    return orders;
}

/* The permutation of that rank in the factorial number system (Lehmer code). */
static void permutation_of(size_t rank, size_t count, size_t *ret_order)
{
    size_t left[SCENARIO_ORDER_MAX];
    size_t left_count = count;

    for (size_t i = 0; i < count; i++)
        left[i] = i;
    for (size_t i = 0; i < count; i++) {
        size_t block = factorial(left_count - 1);
        size_t pick = rank / block;
        rank %= block;
        ret_order[i] = left[pick];
        memmove(&left[pick], &left[pick + 1], (left_count - pick - 1) * sizeof(left[0]));
        left_count--;
    }
}

static size_t expand(const struct scenario_step *group, size_t rank, struct scenario_step *ret_steps)
{
    size_t order[SCENARIO_ORDER_MAX];

    permutation_of(rank, group->order_count, order);
    for (size_t i = 0; i < group->order_count; i++) {
        ret_steps[i] = group->order[order[i]];
        ret_steps[i].time_ms = group->time_ms + (int64_t)i * group->apart_ms;
    }
    return group->order_count;
}

/* By time; steps of one time keep their order: insertion sort, since nearly all are in place. */
static void sort_by_time(struct scenario_step *steps, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t j = i; j > 0 && steps[j - 1].time_ms > steps[j].time_ms; j--) {
            struct scenario_step later = steps[j - 1];
            steps[j - 1] = steps[j];
            steps[j] = later;
        }
    }
}

struct scenario_step *scenario_in_order(const struct scenario *scenario, size_t order, size_t *ret_count)
{
    struct scenario_step *steps = calloc(scenario->step_count * SCENARIO_ORDER_MAX, sizeof(*steps));
    size_t count = 0;

    if (steps == NULL)
        return NULL;
    for (size_t i = 0; i < scenario->step_count; i++) {
        const struct scenario_step *step = &scenario->steps[i];
        if (step->act != ACT_ORDER) {
            steps[count++] = *step;
            continue;
        }
        size_t ways = factorial(step->order_count);
        count += expand(step, order % ways, &steps[count]);
        order /= ways;
    }
    sort_by_time(steps, count);
    *ret_count = count;
    return steps;
}
