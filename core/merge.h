/*
 * Merging edits (DESIGN.md M1, M2): which values of one field of one subject stand, from the set of edits alone.
 *
 * An edit names the hashes of the edits that it replaces. Heads are the edits that nothing replaces; more than one is a
 * conflict. Shown is the head with the greatest (lower time bound, hash). A set member is present while at least one of
 * the edits that added it isn't among the additions seen by a removal of that value. No clock decides what survives: permuting the edits
 * changes nothing, and an edit that names a hash not (yet) known is simply later than it.
 */
#ifndef DOUBLECREW_CORE_MERGE_H
#define DOUBLECREW_CORE_MERGE_H

#include "core/bytes.h"

struct merge_edit {
    struct hash id;   /* the entry's hash */
    int64_t lower_us; /* lower bound of its time: only chooses which head is shown first */
    const struct hash *replaces;
    size_t replaces_count;
};

/*
 * Writes the indices of the heads, the one to show first, then by falling (lower time bound, hash); ret_heads has count
 * elements. An edit whose replaced edits form a cycle can't be built (hashes); two equal ids count once. NO_MEMORY.
 */
MUST_USE enum status merge_heads(const struct merge_edit *edits, size_t count, size_t *ret_heads, size_t *ret_count);

struct merge_set_change {
    struct hash id; /* of the edit */
    struct span value;
    bool add;
    const struct hash *seen; /* removals: the additions that it removes */
    size_t seen_count;
};

/* Writes the indices of all additions that stand, by value, then id: what a removal has to name. NO_MEMORY. */
MUST_USE enum status merge_set_additions(const struct merge_set_change *changes, size_t count, size_t *ret_additions,
                                         size_t *ret_count);

/* Writes the indices of one addition (smallest id that stands) for each member present, by value. NO_MEMORY. */
MUST_USE enum status merge_set_members(const struct merge_set_change *changes, size_t count, size_t *ret_members,
                                       size_t *ret_count);

#endif
