/* What is known needn't be verified again; what was never verified is never known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/checkpoint_memory.h"

struct remembering {
    struct checkpoint_memory *memory;
    struct sha256 *sha;
    struct sign_key *key;
    struct public_key public_key;
    struct verify_key *verify;
    char text[CHECKPOINT_TEXT_MAX];
    size_t size;
};

static void sign_one(struct remembering *it, uint64_t size)
{
    struct checkpoint checkpoint = {.size = size, .time_ms = 1000};

    assert_int_equal(checkpoint_sign(it->sha, &checkpoint, it->key, it->text, &it->size), STATUS_OK);
}

static enum status open_text(struct remembering *it)
{
    struct checkpoint checkpoint;

    return checkpoint_memory_open(it->memory, it->sha, span_of(it->text, it->size), &it->public_key, it->verify,
                                  &checkpoint);
}

static bool knows(struct remembering *it)
{
    return checkpoint_memory_knows(it->memory, it->sha, span_of(it->text, it->size));
}

static int set_up(void **state)
{
    static struct remembering it;
    uint8_t seed[32] = {7};

    memset(&it, 0, sizeof(it));
    assert_int_equal(checkpoint_memory_new(&it.memory), STATUS_OK);
    assert_int_equal(sha256_new(&it.sha), STATUS_OK);
    assert_int_equal(sign_key_from_seed(seed, &it.key), STATUS_OK);
    sign_key_public(it.key, &it.public_key);
    assert_int_equal(verify_key_new(&it.public_key, &it.verify), STATUS_OK);
    sign_one(&it, 5);
    *state = &it;
    return 0;
}

static int tear_down(void **state)
{
    struct remembering *it = *state;

    verify_key_free(it->verify);
    sign_key_free(it->key);
    sha256_free(it->sha);
    checkpoint_memory_free(it->memory);
    return 0;
}

static void text__is_known_once_it_was_verified(void **state)
{
    struct remembering *it = *state;
    struct checkpoint checkpoint = {0};

    assert_false(knows(it));
    assert_int_equal(open_text(it), STATUS_OK);
    assert_true(knows(it));
    assert_int_equal(checkpoint_memory_open(it->memory, it->sha, span_of(it->text, it->size), &it->public_key,
                                            it->verify, &checkpoint),
                     STATUS_OK);
    assert_int_equal(checkpoint.size, 5);
}

static void text__changed_in_any_byte_is_neither_known_nor_taken(void **state)
{
    struct remembering *it = *state;

    checkpoint_memory_add(it->memory, it->sha, span_of(it->text, it->size));
    for (size_t i = 0; i < it->size; i++) {
        it->text[i] ^= 1;
        assert_false(knows(it));
        assert_int_not_equal(open_text(it), STATUS_OK);
        assert_false(knows(it)); /* trying doesn't make it known */
        it->text[i] ^= 1;
    }
    assert_true(knows(it));
}

static void text__of_another_key_is_refused_though_ours_is_known(void **state)
{
    struct remembering *it = *state;
    uint8_t seed[32] = {8};
    struct sign_key *ours = it->key;
    struct sign_key *other;

    assert_int_equal(open_text(it), STATUS_OK);
    assert_int_equal(sign_key_from_seed(seed, &other), STATUS_OK);
    it->key = other;
    sign_one(it, 5);
    it->key = ours;
    sign_key_free(other);
    assert_int_equal(open_text(it), STATUS_BAD_SIGNATURE);
    assert_false(knows(it));
}

static void memory__is_bounded_and_none_is_fine(void **state)
{
    struct remembering *it = *state;
    struct checkpoint_memory *memory = it->memory;

    for (uint64_t i = 1; i < 40000; i++)
        checkpoint_memory_add(memory, it->sha, span_of(&i, sizeof(i)));
    it->memory = NULL;
    checkpoint_memory_add(NULL, it->sha, span_of(it->text, it->size));
    assert_false(knows(it));
    assert_int_equal(open_text(it), STATUS_OK);
    it->memory = memory;
    assert_int_equal(open_text(it), STATUS_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(text__is_known_once_it_was_verified),
        CASE(text__changed_in_any_byte_is_neither_known_nor_taken),
        CASE(text__of_another_key_is_refused_though_ours_is_known),
        CASE(memory__is_bounded_and_none_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
