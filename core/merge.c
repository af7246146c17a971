#include "core/merge.h"

#include <stdlib.h>
#include <string.h>

/* One edit, or one addition to a set, while it is being looked at. */
struct candidate {
    struct hash id;
    struct span value; /* sets only */
    int64_t lower_us;  /* heads only */
    size_t index;
    bool gone; /* replaced, removed, or a second one of the same */
};

static int compare_index(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int compare_by_id(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    int order = hash_compare(&a->id, &b->id);

    return order != 0 ? order : compare_index(a->index, b->index);
}

static int compare_for_show(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;

    if (a->lower_us != b->lower_us)
        return a->lower_us > b->lower_us ? -1 : 1;
    return compare_by_id(right, left);
}

static int compare_values(struct span a, struct span b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;

    return order != 0 ? order : compare_index(a.size, b.size);
}

static int compare_members(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    int order = compare_values(a->value, b->value);

    return order != 0 ? order : compare_by_id(a, b);
}

/* NULL when count is 0 as well: nothing is needed then. */
static struct candidate *candidates_new(size_t count)
{
    return count > 0 ? calloc(count, sizeof(struct candidate)) : NULL;
}

/* The first in order of ids that bears this one; count if none does. */
static size_t find_id(const struct candidate *sorted, size_t count, const struct hash *id)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (hash_compare(&sorted[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && hash_equal(&sorted[low].id, id) ? low : count;
}

/* An edit can't name itself (its name is its own hash): what says so is ignored, so that nothing written is hidden. */
static void mark_replaced(struct candidate *sorted, size_t count, const struct merge_edit *edit)
{
    for (size_t i = 0; i < edit->replaces_count; i++) {
        size_t at = find_id(sorted, count, &edit->replaces[i]);

        if (at < count && !hash_equal(&edit->id, &edit->replaces[i]))
            sorted[at].gone = true;
    }
}

/* The first of equal ids keeps the mark, the others go, and the greatest lower bound stands for all. */
static void fold_equal_ids(struct candidate *sorted, size_t count)
{
    size_t first = 0;

    for (size_t i = 1; i < count; i++) {
        if (!hash_equal(&sorted[i].id, &sorted[first].id)) {
            first = i;
            continue;
        }
        sorted[i].gone = true;
        if (sorted[i].lower_us > sorted[first].lower_us)
            sorted[first].lower_us = sorted[i].lower_us;
    }
}

static size_t keep_standing(struct candidate *candidates, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (!candidates[i].gone)
            candidates[kept++] = candidates[i];
    }
    return kept;
}

enum status merge_heads(const struct merge_edit *edits, size_t count, size_t *ret_heads, size_t *ret_count)
{
    struct candidate *candidates = candidates_new(count);
    size_t kept;

    if (candidates == NULL && count > 0)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        candidates[i].id = edits[i].id;
        candidates[i].lower_us = edits[i].lower_us;
        candidates[i].index = i;
    }
    if (count > 0)
        qsort(candidates, count, sizeof(*candidates), compare_by_id);
    fold_equal_ids(candidates, count);
    for (size_t i = 0; i < count; i++)
        mark_replaced(candidates, count, &edits[i]);
    kept = keep_standing(candidates, count);
    if (kept > 0)
        qsort(candidates, kept, sizeof(*candidates), compare_for_show);
    for (size_t i = 0; i < kept; i++)
        ret_heads[i] = candidates[i].index;
    *ret_count = kept;
    free(candidates);
    return STATUS_OK;
}

/* Marks the addition of this value by this edit, wherever it stands among the sorted ones. */
static void remove_addition(struct candidate *sorted, size_t count, struct span value, const struct hash *id)
{
    size_t low = 0;
    size_t high = count;
    struct candidate wanted = {.id = *id, .value = value};

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_members(&sorted[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && hash_equal(&sorted[low].id, id) && span_equal(sorted[low].value, value); low++)
        sorted[low].gone = true;
}

/* Additions only, ordered by value, then id. */
static size_t collect_additions(const struct merge_set_change *changes, size_t count, struct candidate *additions)
{
    size_t added = 0;

    for (size_t i = 0; i < count; i++) {
        if (!changes[i].add)
            continue;
        additions[added].id = changes[i].id;
        additions[added].value = changes[i].value;
        additions[added++].index = i;
    }
    if (added > 0)
        qsort(additions, added, sizeof(*additions), compare_members);
    return added;
}

enum status merge_set_additions(const struct merge_set_change *changes, size_t count, size_t *ret_additions,
                                size_t *ret_count)
{
    struct candidate *additions = candidates_new(count);
    size_t kept;

    if (additions == NULL && count > 0)
        return STATUS_NO_MEMORY;
    kept = collect_additions(changes, count, additions);
    for (size_t i = 0; i < count; i++) {
        for (size_t seen = 0; !changes[i].add && seen < changes[i].seen_count; seen++)
            remove_addition(additions, kept, changes[i].value, &changes[i].seen[seen]);
    }
    kept = keep_standing(additions, kept);
    for (size_t i = 0; i < kept; i++)
        ret_additions[i] = additions[i].index;
    *ret_count = kept;
    free(additions);
    return STATUS_OK;
}

enum status merge_set_members(const struct merge_set_change *changes, size_t count, size_t *ret_members,
                              size_t *ret_count)
{
    size_t standing;
    size_t members = 0;
    enum status status = merge_set_additions(changes, count, ret_members, &standing);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < standing; i++) {
        struct span value = changes[ret_members[i]].value;

        if (members == 0 || !span_equal(value, changes[ret_members[members - 1]].value))
            ret_members[members++] = ret_members[i];
    }
    *ret_count = members;
    return STATUS_OK;
}
