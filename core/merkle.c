#include "core/merkle_internal.h"

#include <string.h>

#define TILE_BITS 8

_Static_assert(MERKLE_TILE_WIDTH == 1 << TILE_BITS, "a tile is eight levels high");

enum status merkle_leaf_hash(struct sha256 *sha, struct span leaf, struct hash *ret_hash)
{
    static const uint8_t prefix[1] = {0x00};
    struct span parts[2] = {span_of(prefix, 1), leaf};

    return sha256_parts(sha, parts, 2, ret_hash);
}

enum status merkle_node_hash(struct sha256 *sha, const struct hash *left, const struct hash *right,
                             struct hash *ret_hash)
{
    static const uint8_t prefix[1] = {0x01};
    struct span parts[3] = {span_of(prefix, 1), span_of(left->bytes, HASH_SIZE), span_of(right->bytes, HASH_SIZE)};

    return sha256_parts(sha, parts, 3, ret_hash);
}

enum status merkle_perfect_root(struct sha256 *sha, const struct hash *hashes, size_t count, struct hash *ret_root)
{
    struct hash level[MERKLE_TILE_WIDTH];

    memcpy(level, hashes, count * sizeof(*level));
    for (; count > 1; count /= 2) {
        for (size_t i = 0; i < count / 2; i++) {
            enum status status = merkle_node_hash(sha, &level[2 * i], &level[2 * i + 1], &level[i]);

            if (status != STATUS_OK)
                return status;
        }
    }
    *ret_root = level[0];
    return STATUS_OK;
}

void merkle_init(struct merkle_tree *tree)
{
    memset(tree, 0, sizeof(*tree));
}

enum status merkle_resume(struct merkle_tree *tree, struct sha256 *sha)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        const struct hash *edge = tree->edge[bit / TILE_BITS];
        size_t width = (size_t)1 << bit % TILE_BITS;
        size_t count = tree->size >> (bit / TILE_BITS * TILE_BITS) & (MERKLE_TILE_WIDTH - 1);
        enum status status = STATUS_OK;

        if ((count & width) != 0)
            status = merkle_perfect_root(sha, edge + (count & ~(2 * width - 1)), width, &tree->peaks[bit]);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/*
 * As one adds 1 to a binary number: each digit that carries joins its perfect tree with what rises. What has risen past a
 * level's eight digits is the root of its tile, which is full then. Only slots beyond the counts are written before the size
 * changes, so that a failure leaves the tree as it was (a tile stored before it is stored again with the same content).
 */
enum status merkle_append(struct merkle_tree *tree, struct sha256 *sha, const struct hash *leaf,
                          merkle_store_tile store, void *context)
{
    struct hash rising = *leaf;
    unsigned bit = 0;

    if (tree->size == INT64_MAX)
        return STATUS_OVER_LIMIT;
    for (;; bit++) {
        enum status status = STATUS_OK;

        if (bit % TILE_BITS == 0) {
            uint64_t place = tree->size >> bit;
            struct hash *edge = tree->edge[bit / TILE_BITS];
            struct merkle_tile tile = {.level = bit / TILE_BITS, .index = place >> TILE_BITS, .hashes = edge};

            edge[place % MERKLE_TILE_WIDTH] = rising;
            if (place % MERKLE_TILE_WIDTH == MERKLE_TILE_WIDTH - 1)
                status = store(context, &tile);
        }
        if ((tree->size >> bit & 1) == 0)
            break;
        if (status == STATUS_OK)
            status = merkle_node_hash(sha, &tree->peaks[bit], &rising, &rising);
        if (status != STATUS_OK)
            return status;
    }
    tree->peaks[bit] = rising;
    tree->size++;
    return STATUS_OK;
}

/*
 * RFC 6962's tree is the perfect trees of size's binary digits, the largest leftmost: so it is folded from the right.
 */
enum status merkle_root(const struct merkle_tree *tree, struct sha256 *sha, struct hash *ret_root)
{
    struct hash root;
    bool begun = false;

    if (tree->size == 0)
        return sha256_bytes(sha, span_of(NULL, 0), ret_root);
    for (unsigned bit = 0; bit < 64; bit++) {
        enum status status = STATUS_OK;

        if ((tree->size >> bit & 1) == 0)
            continue;
        if (begun)
            status = merkle_node_hash(sha, &tree->peaks[bit], &root, &root);
        else
            root = tree->peaks[bit];
        if (status != STATUS_OK)
            return status;
        begun = true;
    }
    *ret_root = root;
    return STATUS_OK;
}
