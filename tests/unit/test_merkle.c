#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/merkle.h"
#include "tests/lib/core_fixture.h"

#define LEAVES_MAX 66200
#define TILES_MAX (LEAVES_MAX / MERKLE_TILE_WIDTH + 2)

/* A log with its tiles in memory, and every leaf hash for the oracle. */
struct fixture {
    struct sha256 *sha;
    struct merkle_tree tree;
    struct hash tiles[2][TILES_MAX][MERKLE_TILE_WIDTH];
    bool stored[2][TILES_MAX];
    size_t stores_until_failure; /* 0: never */
    struct hash leaves[LEAVES_MAX];
};

static enum status store_tile(void *context, const struct merkle_tile *tile)
{
    struct fixture *f = context;

    if (f->stores_until_failure > 0 && --f->stores_until_failure == 0)
        return STATUS_DISK_FULL;
    assert_true(tile->level < 2 && tile->index < TILES_MAX);
    memcpy(f->tiles[tile->level][tile->index], tile->hashes, sizeof(f->tiles[0][0]));
    f->stored[tile->level][tile->index] = true;
    return STATUS_OK;
}

static enum status load_tile(void *context, unsigned level, uint64_t index, struct hash ret_hashes[MERKLE_TILE_WIDTH])
{
    struct fixture *f = context;

    assert_true(level < 2 && index < TILES_MAX && f->stored[level][index]);
    memcpy(ret_hashes, f->tiles[level][index], sizeof(f->tiles[0][0]));
    return STATUS_OK;
}

static enum status load_nothing(void *context, unsigned level, uint64_t index,
                                struct hash ret_hashes[MERKLE_TILE_WIDTH])
{
    (void)context;
    (void)level;
    (void)index;
    (void)ret_hashes;
    return STATUS_IO;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_int_equal(sha256_new(&f->sha), STATUS_OK);
    merkle_init(&f->tree);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    sha256_free(f->sha);
    free(f);
    return 0;
}

static void append(struct fixture *f, struct span leaf)
{
    struct hash *hash = &f->leaves[f->tree.size];

    assert_int_equal(merkle_leaf_hash(f->sha, leaf, hash), STATUS_OK);
    assert_int_equal(merkle_append(&f->tree, f->sha, hash, store_tile, f), STATUS_OK);
}

static void append_numbers(struct fixture *f, uint64_t until)
{
    while (f->tree.size < until) {
        uint8_t leaf[8];

        put_u64(leaf, f->tree.size);
        append(f, span_of(leaf, sizeof(leaf)));
    }
}

/* The oracle: RFC 6962 section 2.1, word for word, recursive, over leaf hashes. */
static struct hash node(struct fixture *f, struct hash left, struct hash right)
{
    static const uint8_t prefix[1] = {0x01};
    struct span parts[3] = {{prefix, 1}, {left.bytes, HASH_SIZE}, {right.bytes, HASH_SIZE}};
    struct hash hash;

    assert_int_equal(sha256_parts(f->sha, parts, 3, &hash), STATUS_OK);
    return hash;
}

static struct hash mth(struct fixture *f, uint64_t first, uint64_t end)
{
    uint64_t k = 1;

    if (end - first == 1)
        return f->leaves[first];
    while (2 * k < end - first)
        k *= 2;
    return node(f, mth(f, first, first + k), mth(f, first + k, end));
}

static size_t subproof(struct fixture *f, uint64_t m, uint64_t first, uint64_t end, bool known, struct hash *proof)
{
    size_t count = 0;
    uint64_t k = 1;

    if (m == end - first) {
        if (!known)
            proof[count++] = mth(f, first, end);
        return count;
    }
    while (2 * k < end - first)
        k *= 2;
    if (m <= k) {
        count = subproof(f, m, first, first + k, known, proof);
        proof[count++] = mth(f, first + k, end);
    } else {
        count = subproof(f, m - k, first + k, end, false, proof);
        proof[count++] = mth(f, first, first + k);
    }
    return count;
}

static struct hash hash_of_hex(const char *hex)
{
    struct hash hash;

    assert_int_equal(hex_decode(hex, HASH_SIZE, hash.bytes), STATUS_OK);
    return hash;
}

/* The eight leaves, roots and paths of Certificate Transparency's own reference tests. */
#define LEAF_0 "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define LEAF_1 "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define LEAF_4 "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define NODE_2_3 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define NODE_4_5 "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
#define NODE_6_7 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define NODE_4_7 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
#define NODE_0_1 "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
#define NODE_0_3 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"

static const char *const reference_leaves[8] = {
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
static const char *const reference_roots[9] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    LEAF_0,
    NODE_0_1,
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    NODE_0_3,
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void expect_root(struct fixture *f, const char *hex)
{
    struct hash expected = hash_of_hex(hex);
    struct hash root;

    assert_int_equal(merkle_root(&f->tree, f->sha, &root), STATUS_OK);
    assert_memory_equal(root.bytes, expected.bytes, HASH_SIZE);
}

static void append_reference(struct fixture *f)
{
    expect_root(f, reference_roots[0]);
    for (size_t i = 0; i < 8; i++) {
        uint8_t leaf[16];
        size_t size = strlen(reference_leaves[i]) / 2;

        assert_int_equal(hex_decode(reference_leaves[i], size, leaf), STATUS_OK);
        append(f, span_of(leaf, size));
        expect_root(f, reference_roots[i + 1]);
    }
}

static void expect_proof(const struct hash *proof, size_t count, const char *const *expected)
{
    for (size_t i = 0; i < count; i++) {
        struct hash hash;

        assert_non_null(expected[i]);
        hash = hash_of_hex(expected[i]);
        assert_memory_equal(proof[i].bytes, hash.bytes, HASH_SIZE);
    }
    assert_null(expected[count]);
}

static void reference__roots_and_inclusion_paths(void **state)
{
    static const struct {
        uint64_t index;
        uint64_t size;
        const char *path[4];
    } cases[] = {
        {0, 1, {NULL}},
        {0, 8, {LEAF_1, NODE_2_3, NODE_4_7, NULL}},
        {5, 8, {LEAF_4, NODE_6_7, NODE_0_3, NULL}},
        {2, 3, {NODE_0_1, NULL}},
        {1, 5, {LEAF_0, NODE_2_3, LEAF_4, NULL}},
    };
    struct fixture *f = *state;

    append_reference(f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hash root = hash_of_hex(reference_roots[cases[i].size]);
        struct hash proof[MERKLE_PROOF_MAX];
        size_t count;

        assert_int_equal(
            merkle_prove_inclusion(&f->tree, f->sha, load_nothing, NULL, cases[i].index, cases[i].size, proof, &count),
            STATUS_OK);
        expect_proof(proof, count, cases[i].path);
        assert_int_equal(merkle_verify_inclusion(f->sha, cases[i].index, cases[i].size, &f->leaves[cases[i].index],
                                                 &root, proof, count),
                         STATUS_OK);
    }
}

static void reference__consistency_proofs(void **state)
{
    static const struct {
        uint64_t old_size;
        uint64_t size;
        const char *proof[4];
    } cases[] = {
        {1, 1, {NULL}},
        {1, 8, {LEAF_1, NODE_2_3, NODE_4_7, NULL}},
        {6, 8, {NODE_4_5, NODE_6_7, NODE_0_3, NULL}},
        {2, 5, {NODE_2_3, LEAF_4, NULL}},
        {0, 8, {NULL}},
    };
    struct fixture *f = *state;

    append_reference(f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hash old_root = hash_of_hex(reference_roots[cases[i].old_size]);
        struct hash root = hash_of_hex(reference_roots[cases[i].size]);
        struct hash proof[MERKLE_PROOF_MAX];
        size_t count;

        assert_int_equal(merkle_prove_consistency(&f->tree, f->sha, load_nothing, NULL, cases[i].old_size,
                                                  cases[i].size, proof, &count),
                         STATUS_OK);
        expect_proof(proof, count, cases[i].proof);
        assert_int_equal(
            merkle_verify_consistency(f->sha, cases[i].old_size, &old_root, cases[i].size, &root, proof, count),
            STATUS_OK);
    }
}

/* As from a store: what is worked out from the edge isn't there yet. */
static void expect_same_when_resumed(struct fixture *f, const struct hash *expected)
{
    static struct merkle_tree resumed;
    struct hash root;

    resumed = f->tree;
    memset(resumed.peaks, 0xee, sizeof(resumed.peaks));
    assert_int_equal(merkle_resume(&resumed, f->sha), STATUS_OK);
    assert_int_equal(merkle_root(&resumed, f->sha, &root), STATUS_OK);
    assert_memory_equal(root.bytes, expected->bytes, HASH_SIZE);
}

static void tree__every_root_up_to_600_is_the_oracle_s(void **state)
{
    struct fixture *f = *state;

    while (f->tree.size < 600) {
        struct hash root;
        struct hash expected;

        append_numbers(f, f->tree.size + 1);
        expected = mth(f, 0, f->tree.size);
        assert_int_equal(merkle_root(&f->tree, f->sha, &root), STATUS_OK);
        assert_memory_equal(root.bytes, expected.bytes, HASH_SIZE);
        expect_same_when_resumed(f, &expected);
    }
    assert_true(f->stored[0][0] && f->stored[0][1] && !f->stored[0][2] && !f->stored[1][0]);
}

/* A proof with one thing wrong: no bit, no length, no size and no place may be off. */
static void expect_tampered_refused(struct fixture *f, uint64_t old_size, const struct hash *old_root, uint64_t size,
                                    const struct hash *root, struct hash *proof, size_t count)
{
    struct hash wrong = *old_root;

    for (size_t i = 0; i < count; i++) {
        proof[i].bytes[i % HASH_SIZE] ^= 1;
        assert_int_equal(merkle_verify_consistency(f->sha, old_size, old_root, size, root, proof, count),
                         STATUS_BAD_SIGNATURE);
        proof[i].bytes[i % HASH_SIZE] ^= 1;
    }
    if (count > 0)
        assert_int_equal(merkle_verify_consistency(f->sha, old_size, old_root, size, root, proof, count - 1),
                         STATUS_BAD_SIGNATURE);
    proof[count] = *root;
    assert_int_equal(merkle_verify_consistency(f->sha, old_size, old_root, size, root, proof, count + 1),
                     STATUS_BAD_SIGNATURE);
    wrong.bytes[31] ^= 1;
    if (old_size > 0)
        assert_int_equal(merkle_verify_consistency(f->sha, old_size, &wrong, size, root, proof, count),
                         STATUS_BAD_SIGNATURE);
    if (old_size > 0)
        assert_int_equal(merkle_verify_consistency(f->sha, old_size, root, size, old_root, proof, count),
                         old_size == size ? STATUS_OK : STATUS_BAD_SIGNATURE);
}

static void consistency__all_pairs_sampled_up_to_600(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 600;

    append_numbers(f, 600);
    for (int i = 0; i < 800; i++) {
        uint64_t size = i < 100 ? (uint64_t)i % 12 + 1 : fixture_below(&seed, 600) + 1;
        uint64_t old_size = i < 100 ? (uint64_t)i / 9 % (size + 1) : fixture_below(&seed, size + 1);
        struct hash root = mth(f, 0, size);
        struct hash old_root = old_size > 0 ? mth(f, 0, old_size) : root;
        struct hash expected[MERKLE_PROOF_MAX];
        struct hash proof[MERKLE_PROOF_MAX + 1];
        size_t expected_count = old_size > 0 ? subproof(f, old_size, 0, size, true, expected) : 0;
        size_t count;

        assert_int_equal(merkle_prove_consistency(&f->tree, f->sha, load_tile, f, old_size, size, proof, &count),
                         STATUS_OK);
        assert_int_equal(count, expected_count);
        assert_memory_equal(proof, expected, count * sizeof(*proof));
        assert_int_equal(merkle_verify_consistency(f->sha, old_size, &old_root, size, &root, proof, count), STATUS_OK);
        expect_tampered_refused(f, old_size, &old_root, size, &root, proof, count);
    }
}

static void inclusion__all_places_sampled_up_to_600(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 601;

    append_numbers(f, 600);
    for (int i = 0; i < 800; i++) {
        uint64_t size = fixture_below(&seed, 600) + 1;
        uint64_t index = fixture_below(&seed, size);
        struct hash root = mth(f, 0, size);
        struct hash proof[MERKLE_PROOF_MAX + 1];
        struct hash wrong = f->leaves[index];
        size_t count;

        assert_int_equal(merkle_prove_inclusion(&f->tree, f->sha, load_tile, f, index, size, proof, &count), STATUS_OK);
        assert_int_equal(merkle_verify_inclusion(f->sha, index, size, &f->leaves[index], &root, proof, count),
                         STATUS_OK);
        wrong.bytes[3] ^= 8;
        assert_int_equal(merkle_verify_inclusion(f->sha, index, size, &wrong, &root, proof, count),
                         STATUS_BAD_SIGNATURE);
        assert_int_equal(merkle_verify_inclusion(f->sha, size, size, &f->leaves[index], &root, proof, count),
                         STATUS_BAD_SIGNATURE);
        for (size_t at = 0; at < count; at++) {
            proof[at].bytes[0] ^= 0x80;
            assert_int_equal(merkle_verify_inclusion(f->sha, index, size, &f->leaves[index], &root, proof, count),
                             STATUS_BAD_SIGNATURE);
            proof[at].bytes[0] ^= 0x80;
        }
        if (count > 0)
            assert_int_equal(merkle_verify_inclusion(f->sha, index, size, &f->leaves[index], &root, proof, count - 1),
                             STATUS_BAD_SIGNATURE);
        proof[count] = root;
        assert_int_equal(merkle_verify_inclusion(f->sha, index, size, &f->leaves[index], &root, proof, count + 1),
                         STATUS_BAD_SIGNATURE);
        if (size > 1)
            assert_int_equal(
                merkle_verify_inclusion(f->sha, index ^ (index + 1 < size ? 1 : 0), size, &wrong, &root, proof, count),
                STATUS_BAD_SIGNATURE);
    }
}

/* A proof of a small tree says nothing about a larger one with the same root. */
static void verify__a_proof_that_stops_short_of_the_root_is_refused(void **state)
{
    struct fixture *f = *state;
    struct hash root_2;
    struct hash root_4;

    append_reference(f);
    root_2 = mth(f, 0, 2);
    root_4 = mth(f, 0, 4);
    assert_int_equal(merkle_verify_inclusion(f->sha, 0, 2, &f->leaves[0], &root_2, &f->leaves[1], 1), STATUS_OK);
    assert_int_equal(merkle_verify_inclusion(f->sha, 0, 4, &f->leaves[0], &root_2, &f->leaves[1], 1),
                     STATUS_BAD_SIGNATURE);
    assert_int_equal(merkle_verify_inclusion(f->sha, 0, 2, &root_2, &root_2, NULL, 0), STATUS_BAD_SIGNATURE);
    assert_int_equal(merkle_verify_consistency(f->sha, 1, &f->leaves[0], 2, &root_2, &f->leaves[1], 1), STATUS_OK);
    assert_int_equal(merkle_verify_consistency(f->sha, 1, &f->leaves[0], 4, &root_2, &f->leaves[1], 1),
                     STATUS_BAD_SIGNATURE);
    assert_int_equal(merkle_verify_consistency(f->sha, 4, &root_4, 8, &root_4, NULL, 0), STATUS_BAD_SIGNATURE);
    assert_int_equal(merkle_verify_consistency(f->sha, 8, &root_4, 4, &root_4, NULL, 0), STATUS_BAD_SIGNATURE);
}

/* Beyond 65,536 leaves a tile of the second level is full and is read back. */
static void tree__proofs_reach_through_two_levels_of_tiles(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 66;

    append_numbers(f, LEAVES_MAX);
    assert_true(f->stored[1][0] && !f->stored[1][1]);
    for (int i = 0; i < 60; i++) {
        uint64_t size = i < 3 ? 65536 + (uint64_t)i : fixture_below(&seed, LEAVES_MAX) + 1;
        uint64_t old_size = fixture_below(&seed, size) + 1;
        uint64_t index = fixture_below(&seed, size);
        struct hash root = mth(f, 0, size);
        struct hash old_root = mth(f, 0, old_size);
        struct hash proof[MERKLE_PROOF_MAX];
        size_t count;

        assert_int_equal(merkle_prove_consistency(&f->tree, f->sha, load_tile, f, old_size, size, proof, &count),
                         STATUS_OK);
        assert_int_equal(merkle_verify_consistency(f->sha, old_size, &old_root, size, &root, proof, count), STATUS_OK);
        assert_int_equal(merkle_prove_inclusion(&f->tree, f->sha, load_tile, f, index, size, proof, &count), STATUS_OK);
        assert_int_equal(merkle_verify_inclusion(f->sha, index, size, &f->leaves[index], &root, proof, count),
                         STATUS_OK);
    }
}

static void append__failing_store_leaves_the_tree_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct hash leaf = {{1}};
    struct hash before;
    struct hash after;

    append_numbers(f, 65535);
    assert_int_equal(merkle_root(&f->tree, f->sha, &before), STATUS_OK);
    for (size_t nth = 1; nth <= 2; nth++) { /* the level 0 tile, then the level 1 tile above it */
        f->stores_until_failure = nth;
        assert_int_equal(merkle_append(&f->tree, f->sha, &leaf, store_tile, f), STATUS_DISK_FULL);
        assert_int_equal(f->tree.size, 65535);
        assert_int_equal(merkle_root(&f->tree, f->sha, &after), STATUS_OK);
        assert_memory_equal(before.bytes, after.bytes, HASH_SIZE);
    }
    f->stores_until_failure = 0;
    append_numbers(f, 65537);
    after = mth(f, 0, 65537);
    assert_int_equal(merkle_root(&f->tree, f->sha, &before), STATUS_OK);
    assert_memory_equal(before.bytes, after.bytes, HASH_SIZE);
}

static void prove__refuses_what_is_out_of_range_and_reports_a_lost_tile(void **state)
{
    struct fixture *f = *state;
    struct hash proof[MERKLE_PROOF_MAX];
    size_t count = 77;

    append_numbers(f, 600);
    assert_int_equal(merkle_prove_consistency(&f->tree, f->sha, load_tile, f, 5, 601, proof, &count), STATUS_INPUT);
    assert_int_equal(merkle_prove_consistency(&f->tree, f->sha, load_tile, f, 6, 5, proof, &count), STATUS_INPUT);
    assert_int_equal(merkle_prove_inclusion(&f->tree, f->sha, load_tile, f, 600, 600, proof, &count), STATUS_INPUT);
    assert_int_equal(merkle_prove_inclusion(&f->tree, f->sha, load_tile, f, 0, 601, proof, &count), STATUS_INPUT);
    assert_int_equal(merkle_prove_inclusion(&f->tree, f->sha, load_nothing, f, 3, 600, proof, &count), STATUS_IO);
    assert_int_equal(count, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reference__roots_and_inclusion_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reference__consistency_proofs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tree__every_root_up_to_600_is_the_oracle_s, set_up, tear_down),
        cmocka_unit_test_setup_teardown(consistency__all_pairs_sampled_up_to_600, set_up, tear_down),
        cmocka_unit_test_setup_teardown(inclusion__all_places_sampled_up_to_600, set_up, tear_down),
        cmocka_unit_test_setup_teardown(verify__a_proof_that_stops_short_of_the_root_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tree__proofs_reach_through_two_levels_of_tiles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(append__failing_store_leaves_the_tree_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prove__refuses_what_is_out_of_range_and_reports_a_lost_tile, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
