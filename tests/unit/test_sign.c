#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/sign_internal.h"
#include "tests/lib/core_fixture.h"

/* RFC 8032 section 7.1: seed, public key, message, signature. */
static const char *const rfc8032[][4] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
     "551"
     "41438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
     "00d"
     "291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
     "027"
     "beceea1ec40a"},
};

/* RFC 6979 A.2.5, P-256 with SHA-256: public point, message "sample", r | s. */
static const char p256_public[] =
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41a"
    "e9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char p256_sample[] =
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7"
    "a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

static struct public_key public_of(uint32_t algorithm, const char *hex)
{
    uint8_t bytes[PUBLIC_KEY_SIZE_MAX];
    struct public_key key;

    assert_int_equal(hex_decode(hex, strlen(hex) / 2, bytes), STATUS_OK);
    assert_int_equal(public_key_from_wire(algorithm, span_of(bytes, strlen(hex) / 2), &key), STATUS_OK);
    return key;
}

static void ed25519__rfc_8032_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rfc8032) / sizeof(rfc8032[0]); i++) {
        struct public_key expected = public_of(SIGN_ED25519, rfc8032[i][1]);
        struct public_key public_key;
        struct verify_key *verifier;
        struct signature signature;
        struct sign_key *key;
        uint8_t seed[32];
        uint8_t message[2];
        char hex[2 * SIGNATURE_SIZE + 1];
        size_t size = strlen(rfc8032[i][2]) / 2;

        assert_int_equal(hex_decode(rfc8032[i][0], 32, seed), STATUS_OK);
        assert_int_equal(hex_decode(rfc8032[i][2], size, message), STATUS_OK);
        assert_int_equal(sign_key_from_seed(seed, &key), STATUS_OK);
        sign_key_public(key, &public_key);
        assert_int_equal(public_key.algorithm, SIGN_ED25519);
        assert_memory_equal(public_key.bytes, expected.bytes, 32);
        assert_int_equal(sign_message(key, span_of(message, size), &signature), STATUS_OK);
        hex_encode(span_of(signature.bytes, SIGNATURE_SIZE), hex);
        assert_string_equal(hex, rfc8032[i][3]);
        assert_int_equal(verify_key_new(&expected, &verifier), STATUS_OK);
        assert_int_equal(verify_message(verifier, span_of(message, size), &signature), STATUS_OK);
        verify_key_free(verifier);
        sign_key_free(key);
    }
}

static void p256__rfc_6979_vector_verifies(void **state)
{
    struct public_key public_key = public_of(SIGN_ECDSA_P256, p256_public);
    struct signature signature = {.algorithm = SIGN_ECDSA_P256};
    struct verify_key *verifier;

    (void)state;
    assert_int_equal(hex_decode(p256_sample, SIGNATURE_SIZE, signature.bytes), STATUS_OK);
    assert_int_equal(verify_key_new(&public_key, &verifier), STATUS_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(verify_message(verifier, span_of("sample", 6), &signature), STATUS_OK);
        assert_int_equal(verify_message(verifier, span_of("Sample", 6), &signature), STATUS_BAD_SIGNATURE);
    }
    verify_key_free(verifier);
}

/* Zero, the order itself, and all ones: none may reach the mathematics. */
static void p256__scalars_out_of_range_are_refused(void **state)
{
    static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    struct public_key public_key = public_of(SIGN_ECDSA_P256, p256_public);
    struct signature good = {.algorithm = SIGN_ECDSA_P256};
    struct verify_key *verifier;
    uint8_t scalars[3][32] = {{0}};
    uint8_t der[SIGN_DER_MAX];
    size_t der_size;

    (void)state;
    assert_int_equal(hex_decode(order, 32, scalars[1]), STATUS_OK);
    memset(scalars[2], 0xff, 32);
    assert_int_equal(hex_decode(p256_sample, SIGNATURE_SIZE, good.bytes), STATUS_OK);
    assert_int_equal(verify_key_new(&public_key, &verifier), STATUS_OK);
    for (size_t i = 0; i < 3; i++) {
        for (size_t half = 0; half < 2; half++) {
            struct signature bad = good;

            memcpy(bad.bytes + 32 * half, scalars[i], 32);
            assert_int_equal(sign_der_from_raw(bad.bytes, der, &der_size), STATUS_BAD_SIGNATURE);
            assert_int_equal(verify_message(verifier, span_of("sample", 6), &bad), STATUS_BAD_SIGNATURE);
        }
    }
    assert_int_equal(verify_message(verifier, span_of("sample", 6), &good), STATUS_OK);
    verify_key_free(verifier);
}

/* Short r and s occur once in 256 signatures each: enough rounds meet the DER's every length. */
static void sign__round_trips_for_each_algorithm(void **state)
{
    static const enum sign_algorithm algorithms[2] = {SIGN_ED25519, SIGN_ECDSA_P256};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct verify_key *verifier;
        struct public_key public_key;
        struct sign_key *key;

        assert_int_equal(sign_key_generate(algorithms[i], &key), STATUS_OK);
        sign_key_public(key, &public_key);
        assert_int_equal(public_key.algorithm, algorithms[i]);
        assert_int_equal(verify_key_new(&public_key, &verifier), STATUS_OK);
        for (uint32_t round = 0; round < 700; round++) {
            struct signature signature;
            uint8_t message[4];

            put_u32(message, round);
            assert_int_equal(sign_message(key, span_of(message, 4), &signature), STATUS_OK);
            assert_int_equal(signature.algorithm, algorithms[i]);
            assert_int_equal(verify_message(verifier, span_of(message, 4), &signature), STATUS_OK);
            signature.bytes[round % SIGNATURE_SIZE] ^= (uint8_t)(1 << round % 8);
            assert_int_equal(verify_message(verifier, span_of(message, 4), &signature), STATUS_BAD_SIGNATURE);
        }
        verify_key_free(verifier);
        sign_key_free(key);
    }
}

static void verify__another_algorithm_or_key_is_refused(void **state)
{
    struct sign_key *key = fixture_key("one");
    struct sign_key *other = fixture_key("two");
    struct verify_key *verifier;
    struct public_key public_key;
    struct signature signature;

    (void)state;
    sign_key_public(other, &public_key);
    assert_int_equal(verify_key_new(&public_key, &verifier), STATUS_OK);
    assert_int_equal(sign_message(key, span_of("m", 1), &signature), STATUS_OK);
    assert_int_equal(verify_message(verifier, span_of("m", 1), &signature), STATUS_BAD_SIGNATURE);
    assert_int_equal(sign_message(other, span_of("m", 1), &signature), STATUS_OK);
    assert_int_equal(verify_message(verifier, span_of("m", 1), &signature), STATUS_OK);
    signature.algorithm = SIGN_ECDSA_P256;
    assert_int_equal(verify_message(verifier, span_of("m", 1), &signature), STATUS_BAD_SIGNATURE);
    verify_key_free(verifier);
    sign_key_free(key);
    sign_key_free(other);
}

static void verify_key__refuses_what_is_not_a_key(void **state)
{
    struct public_key key = public_of(SIGN_ECDSA_P256, p256_public);
    struct verify_key *verifier = NULL;

    (void)state;
    key.bytes[64] ^= 1; /* off the curve */
    assert_int_equal(verify_key_new(&key, &verifier), STATUS_MALFORMED);
    key.bytes[64] ^= 1;
    key.bytes[0] = 6 + (key.bytes[64] & 1); /* the hybrid form that X9.62 also has */
    assert_int_equal(verify_key_new(&key, &verifier), STATUS_MALFORMED);
    key.bytes[0] = 4;
    key.algorithm = SIGN_ED25519;
    assert_int_equal(verify_key_new(&key, &verifier), STATUS_MALFORMED);
    key.algorithm = SIGN_NONE;
    assert_int_equal(verify_key_new(&key, &verifier), STATUS_MALFORMED);
    assert_null(verifier);
}

/* Under the neutral element as key, R = neutral and s = 0 would "sign" every message. */
static void verify_key__refuses_ed25519_keys_of_small_order(void **state)
{
    static const char *const weak[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct verify_key *verifier;

    (void)state;
    for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
        struct public_key key = public_of(SIGN_ED25519, weak[i]);

        assert_int_equal(verify_key_new(&key, &verifier), STATUS_MALFORMED);
    }
}

static void wire_forms__lengths_and_algorithms_are_checked(void **state)
{
    uint8_t bytes[66] = {4};
    struct public_key key = {.size = 99};
    struct signature signature = {.algorithm = SIGN_NONE};

    (void)state;
    assert_int_equal(public_key_from_wire(0, span_of(bytes, 32), &key), STATUS_UNKNOWN_KIND);
    assert_int_equal(public_key_from_wire(3, span_of(bytes, 32), &key), STATUS_UNKNOWN_KIND);
    assert_int_equal(public_key_from_wire(1, span_of(bytes, 31), &key), STATUS_BAD_LENGTH);
    assert_int_equal(public_key_from_wire(1, span_of(bytes, 65), &key), STATUS_BAD_LENGTH);
    assert_int_equal(public_key_from_wire(2, span_of(bytes, 32), &key), STATUS_BAD_LENGTH);
    assert_int_equal(public_key_from_wire(2, span_of(bytes, 66), &key), STATUS_BAD_LENGTH);
    assert_int_equal(key.size, 99);
    assert_int_equal(public_key_from_wire(2, span_of(bytes, 65), &key), STATUS_OK);
    assert_int_equal(signature_from_wire(9, span_of(bytes, 64), &signature), STATUS_UNKNOWN_KIND);
    assert_int_equal(signature_from_wire(1, span_of(bytes, 63), &signature), STATUS_BAD_LENGTH);
    assert_int_equal(signature_from_wire(2, span_of(bytes, 65), &signature), STATUS_BAD_LENGTH);
    assert_int_equal(signature.algorithm, SIGN_NONE);
    assert_int_equal(signature_from_wire(2, span_of(bytes, 64), &signature), STATUS_OK);
}

static void pem__round_trips_for_each_algorithm(void **state)
{
    static const enum sign_algorithm algorithms[2] = {SIGN_ED25519, SIGN_ECDSA_P256};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct public_key before;
        struct public_key after;
        struct sign_key *key;
        struct sign_key *again;
        char pem[512] = "untouched";

        assert_int_equal(sign_key_generate(algorithms[i], &key), STATUS_OK);
        assert_int_equal(sign_key_to_pem(key, pem, 20), STATUS_OVER_LIMIT);
        assert_string_equal(pem, "untouched");
        assert_int_equal(sign_key_to_pem(key, pem, sizeof(pem)), STATUS_OK);
        assert_non_null(strstr(pem, "-----BEGIN PRIVATE KEY-----"));
        assert_int_equal(sign_key_from_pem(span_of(pem, strlen(pem)), &again), STATUS_OK);
        sign_key_public(key, &before);
        sign_key_public(again, &after);
        assert_int_equal(after.algorithm, before.algorithm);
        assert_int_equal(after.size, before.size);
        assert_memory_equal(after.bytes, before.bytes, before.size);
        sign_key_free(key);
        sign_key_free(again);
    }
    sign_key_free(NULL);
    verify_key_free(NULL);
}

/* An encrypted key must fail, not ask the terminal; P-384 and RSA aren't ours. */
static void pem__refuses_other_keys_and_rubbish(void **state)
{
    static const char encrypted[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                    "MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBCh\n"
                                    "-----END ENCRYPTED PRIVATE KEY-----\n";
    static const char p384[] = "-----BEGIN PRIVATE KEY-----\n"
                               "ME4CAQAwEAYHKoZIzj0CAQYFK4EEACIENzA1AgEBBDAAAAAAAAAAAAAAAAAAAAAA\n"
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n"
                               "-----END PRIVATE KEY-----\n";
    struct sign_key *key = NULL;

    (void)state;
    assert_int_equal(sign_key_from_pem(span_of(encrypted, sizeof(encrypted) - 1), &key), STATUS_MALFORMED);
    assert_int_equal(sign_key_from_pem(span_of(p384, sizeof(p384) - 1), &key), STATUS_MALFORMED);
    assert_int_equal(sign_key_from_pem(span_of("rubbish", 7), &key), STATUS_MALFORMED);
    assert_int_equal(sign_key_from_pem(span_of(NULL, 0), &key), STATUS_MALFORMED);
    assert_null(key);
    assert_int_equal(sign_key_generate(SIGN_NONE, &key), STATUS_UNKNOWN_KIND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519__rfc_8032_vectors),
        cmocka_unit_test(p256__rfc_6979_vector_verifies),
        cmocka_unit_test(p256__scalars_out_of_range_are_refused),
        cmocka_unit_test(sign__round_trips_for_each_algorithm),
        cmocka_unit_test(verify__another_algorithm_or_key_is_refused),
        cmocka_unit_test(verify_key__refuses_what_is_not_a_key),
        cmocka_unit_test(verify_key__refuses_ed25519_keys_of_small_order),
        cmocka_unit_test(wire_forms__lengths_and_algorithms_are_checked),
        cmocka_unit_test(pem__round_trips_for_each_algorithm),
        cmocka_unit_test(pem__refuses_other_keys_and_rubbish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
