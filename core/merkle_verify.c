#include "core/merkle_internal.h"

/* The path to one node, going up: fn is its index on its level, sn the last index there (RFC 9162 2.1.3.2). */
struct path {
    uint64_t fn;
    uint64_t sn;
};

static void climb(struct path *path)
{
    path->fn >>= 1;
    path->sn >>= 1;
}

/* Is the node a right child, or the last of its level, which has no right neighbour? */
static bool takes_left(const struct path *path)
{
    return (path->fn & 1) != 0 || path->fn == path->sn;
}

/* Levels on which the last node has no sibling are not in the proof. */
static void skip_lone_levels(struct path *path)
{
    while ((path->fn & 1) == 0 && path->fn != 0)
        climb(path);
}

enum status merkle_verify_inclusion(struct sha256 *sha, uint64_t index, uint64_t size, const struct hash *leaf,
                                    const struct hash *root, const struct hash *proof, size_t count)
{
    struct path path = {.fn = index, .sn = size - 1};
    struct hash hash = *leaf;

    if (index >= size)
        return STATUS_BAD_SIGNATURE;
    for (size_t i = 0; i < count; i++) {
        enum status status;

        if (path.sn == 0)
            return STATUS_BAD_SIGNATURE;
        if (takes_left(&path)) {
            status = merkle_node_hash(sha, &proof[i], &hash, &hash);
            skip_lone_levels(&path);
        } else {
            status = merkle_node_hash(sha, &hash, &proof[i], &hash);
        }
        if (status != STATUS_OK)
            return status;
        climb(&path);
    }
    return path.sn == 0 && hash_equal(&hash, root) ? STATUS_OK : STATUS_BAD_SIGNATURE;
}

/* RFC 9162 2.1.4.2, from step 3 on: fr grows into the old root, sr into the new one. */
static enum status climb_both(struct sha256 *sha, struct path path, const struct hash *seed, const struct hash *proof,
                              size_t count, const struct hash *old_root, const struct hash *root)
{
    struct hash fr = *seed;
    struct hash sr = *seed;

    for (size_t i = 0; i < count; i++) {
        enum status status;

        if (path.sn == 0)
            return STATUS_BAD_SIGNATURE;
        if (takes_left(&path)) {
            status = merkle_node_hash(sha, &proof[i], &fr, &fr);
            if (status == STATUS_OK)
                status = merkle_node_hash(sha, &proof[i], &sr, &sr);
            skip_lone_levels(&path);
        } else {
            status = merkle_node_hash(sha, &sr, &proof[i], &sr);
        }
        if (status != STATUS_OK)
            return status;
        climb(&path);
    }
    return path.sn == 0 && hash_equal(&fr, old_root) && hash_equal(&sr, root) ? STATUS_OK : STATUS_BAD_SIGNATURE;
}

enum status merkle_verify_consistency(struct sha256 *sha, uint64_t old_size, const struct hash *old_root, uint64_t size,
                                      const struct hash *root, const struct hash *proof, size_t count)
{
    struct path path = {.fn = old_size - 1, .sn = size - 1};

    if (old_size > size)
        return STATUS_BAD_SIGNATURE;
    if (old_size == size)
        return count == 0 && hash_equal(old_root, root) ? STATUS_OK : STATUS_BAD_SIGNATURE;
    if (old_size == 0)
        return count == 0 ? STATUS_OK : STATUS_BAD_SIGNATURE; /* every tree extends the empty one */
    while ((path.fn & 1) != 0)
        climb(&path);
    if ((old_size & (old_size - 1)) == 0) /* a power of two: its root is a node of the new tree */
        return climb_both(sha, path, old_root, proof, count, old_root, root);
    if (count == 0)
        return STATUS_BAD_SIGNATURE;
    return climb_both(sha, path, &proof[0], proof + 1, count - 1, old_root, root);
}
