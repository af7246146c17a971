#include <string.h>

#include "core/merkle_internal.h"

#define TILE_BITS 8

/* Where hashes come from: the edge, or full tiles, of which the last one is kept. */
struct source {
    const struct merkle_tree *tree;
    struct sha256 *sha;
    merkle_load_tile load;
    void *context;
    bool loaded;
    unsigned level;
    uint64_t index;
    struct hash tile[MERKLE_TILE_WIDTH];
};

static enum status find_tile(struct source *source, unsigned level, uint64_t index, const struct hash **ret_hashes)
{
    enum status status;

    if (index == source->tree->size >> (TILE_BITS * level) >> TILE_BITS) {
        *ret_hashes = source->tree->edge[level];
        return STATUS_OK;
    }
    if (!source->loaded || source->level != level || source->index != index) {
        source->loaded = false;
        status = source->load(source->context, level, index, source->tile);
        if (status != STATUS_OK)
            return status;
        source->loaded = true;
        source->level = level;
        source->index = index;
    }
    *ret_hashes = source->tile;
    return STATUS_OK;
}

/* Root of the 2^height leaves from first on; first is a multiple of 2^height, and the tree holds them all. */
static enum status perfect_root(struct source *source, uint64_t first, unsigned height, struct hash *ret_root)
{
    unsigned level = height / TILE_BITS;
    size_t width = (size_t)1 << height % TILE_BITS;
    uint64_t place = first >> (TILE_BITS * level); /* among the hashes of that tile level */
    const struct hash *hashes;
    enum status status = find_tile(source, level, place >> TILE_BITS, &hashes);

    if (status != STATUS_OK)
        return status;
    return merkle_perfect_root(source->sha, hashes + place % MERKLE_TILE_WIDTH, width, ret_root);
}

/* MTH(D[first:end]) of RFC 6962 2.1, for the ranges that its splits yield: perfect trees, folded from the right. */
static enum status range_root(struct source *source, uint64_t first, uint64_t end, struct hash *ret_root)
{
    uint64_t left = end - first;
    struct hash root;
    bool begun = false;

    while (left > 0) {
        unsigned height = (unsigned)__builtin_ctzll(left);
        struct hash perfect;
        enum status status;

        left -= (uint64_t)1 << height;
        status = perfect_root(source, first + left, height, &perfect);
        if (status == STATUS_OK && begun)
            status = merkle_node_hash(source->sha, &perfect, &root, &perfect);
        if (status != STATUS_OK)
            return status;
        root = perfect;
        begun = true;
    }
    *ret_root = root;
    return STATUS_OK;
}

/* The largest power of two below n, n > 1. */
static uint64_t split_of(uint64_t n)
{
    return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

/* A proof is gathered from the root downwards and read from the leaf upwards. */
struct proof {
    struct hash hashes[MERKLE_PROOF_MAX];
    size_t count;
};

static enum status add_range(struct source *source, struct proof *proof, uint64_t first, uint64_t end)
{
    enum status status;

    if (proof->count == MERKLE_PROOF_MAX)
        return STATUS_INTERNAL;
    status = range_root(source, first, end, &proof->hashes[proof->count]);
    if (status == STATUS_OK)
        proof->count++;
    return status;
}

static void give_proof(const struct proof *proof, struct hash *ret_proof, size_t *ret_count)
{
    for (size_t i = 0; i < proof->count; i++)
        ret_proof[i] = proof->hashes[proof->count - 1 - i];
    *ret_count = proof->count;
}

/* PROOF(old_size, D[size]) of RFC 6962 2.1.2, without its recursion. */
enum status merkle_prove_consistency(const struct merkle_tree *tree, struct sha256 *sha, merkle_load_tile load,
                                     void *context, uint64_t old_size, uint64_t size, struct hash *ret_proof,
                                     size_t *ret_count)
{
    struct source source = {.tree = tree, .sha = sha, .load = load, .context = context};
    struct proof proof = {.count = 0};
    uint64_t first = 0;
    uint64_t end = size;
    enum status status = STATUS_OK;

    if (old_size > size || size > tree->size)
        return STATUS_INPUT;
    while (old_size > 0 && status == STATUS_OK && old_size < end) {
        uint64_t middle = first + split_of(end - first);

        if (old_size <= middle) {
            status = add_range(&source, &proof, middle, end);
            end = middle;
        } else {
            status = add_range(&source, &proof, first, middle);
            first = middle;
        }
    }
    if (status == STATUS_OK && first > 0)
        status = add_range(&source, &proof, first, end);
    if (status == STATUS_OK)
        give_proof(&proof, ret_proof, ret_count);
    return status;
}

/* PATH(index, D[size]) of RFC 6962 2.1.1. */
enum status merkle_prove_inclusion(const struct merkle_tree *tree, struct sha256 *sha, merkle_load_tile load,
                                   void *context, uint64_t index, uint64_t size, struct hash *ret_proof,
                                   size_t *ret_count)
{
    struct source source = {.tree = tree, .sha = sha, .load = load, .context = context};
    struct proof proof = {.count = 0};
    uint64_t first = 0;
    uint64_t end = size;
    enum status status = STATUS_OK;

    if (index >= size || size > tree->size)
        return STATUS_INPUT;
    while (status == STATUS_OK && end - first > 1) {
        uint64_t middle = first + split_of(end - first);

        if (index < middle) {
            status = add_range(&source, &proof, middle, end);
            end = middle;
        } else {
            status = add_range(&source, &proof, first, middle);
            first = middle;
        }
    }
    if (status == STATUS_OK)
        give_proof(&proof, ret_proof, ret_count);
    return status;
}
