#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "core/sign_internal.h"

struct verify_key {
    enum sign_algorithm algorithm;
    EVP_PKEY *pkey;
    EVP_MD_CTX *digest_context; /* Ed25519: bound to the key at the first verification; ECDSA: plain SHA-256 */
    EVP_MD *sha256;             /* ECDSA only, fetched once */
    EVP_PKEY_CTX *pkey_context; /* ECDSA only, initialised once for all verifications */
};

/*
 * Encodings of points of small order, the sign bit cleared: under such a key one signature fits many messages, so it
 * names nobody. From "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko 2020), table 1c.
 */
static const uint8_t small_order[][SIGN_ED25519_KEY_SIZE] = {
    {0x00},
    {0x01},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

/* The order of P-256's group (FIPS 186-4, D.1.2.3). */
static const uint8_t p256_order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                       0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

static bool scalar_in_range(const uint8_t scalar[32])
{
    static const uint8_t zero[32];

    return memcmp(scalar, zero, 32) != 0 && memcmp(scalar, p256_order, 32) < 0;
}

/* Writes one DER integer, returns its size: shortest form, a leading zero where the top bit is set. */
static size_t put_der_integer(const uint8_t scalar[32], uint8_t *at)
{
    size_t skip = 0;
    size_t pad;

    while (skip < 31 && scalar[skip] == 0)
        skip++;
    pad = scalar[skip] >> 7;
    at[0] = 0x02;
    at[1] = (uint8_t)(32 - skip + pad);
    at[2] = 0;
    memcpy(at + 2 + pad, scalar + skip, 32 - skip);
    return 2 + pad + 32 - skip;
}

enum status sign_der_from_raw(const uint8_t raw[SIGNATURE_SIZE], uint8_t ret_der[SIGN_DER_MAX], size_t *ret_size)
{
    size_t size = 2;

    if (!scalar_in_range(raw) || !scalar_in_range(raw + 32))
        return STATUS_BAD_SIGNATURE;
    size += put_der_integer(raw, ret_der + size);
    size += put_der_integer(raw + 32, ret_der + size);
    ret_der[0] = 0x30;
    ret_der[1] = (uint8_t)(size - 2);
    *ret_size = size;
    return STATUS_OK;
}

/* Reads one DER integer of at most 32 significant bytes; returns its size with tag and length, 0 if it isn't one. */
static size_t get_der_integer(struct span der, uint8_t ret_scalar[32])
{
    size_t length;
    size_t pad;

    if (der.size < 3 || der.data[0] != 0x02)
        return 0;
    length = der.data[1];
    if (length == 0 || length > 33 || length + 2 > der.size)
        return 0;
    pad = length == 33 ? 1 : 0;
    if (pad == 1 && der.data[2] != 0)
        return 0;
    memset(ret_scalar, 0, 32);
    memcpy(ret_scalar + 32 - (length - pad), der.data + 2 + pad, length - pad);
    return length + 2;
}

enum status sign_raw_from_der(struct span der, uint8_t ret_raw[SIGNATURE_SIZE])
{
    size_t first;
    size_t second;

    if (der.size < 8 || der.size > SIGN_DER_MAX || der.data[0] != 0x30 || der.data[1] != der.size - 2)
        return STATUS_MALFORMED;
    first = get_der_integer(span_of(der.data + 2, der.size - 2), ret_raw);
    if (first == 0)
        return STATUS_MALFORMED;
    second = get_der_integer(span_of(der.data + 2 + first, der.size - 2 - first), ret_raw + 32);
    return second != 0 && first + second + 2 == der.size ? STATUS_OK : STATUS_MALFORMED;
}

static bool ed25519_key_is_weak(const uint8_t key[SIGN_ED25519_KEY_SIZE])
{
    uint8_t masked[SIGN_ED25519_KEY_SIZE];

    memcpy(masked, key, sizeof(masked));
    masked[31] &= 0x7f;
    for (size_t i = 0; i < sizeof(small_order) / sizeof(small_order[0]); i++) {
        if (memcmp(masked, small_order[i], sizeof(masked)) == 0)
            return true;
    }
    return false;
}

static EVP_PKEY *parse_p256(const struct public_key *public_key)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    char group[] = "P-256";
    uint8_t point[SIGN_P256_POINT_SIZE];
    OSSL_PARAM params[3];

    memcpy(point, public_key->bytes, sizeof(point));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
    params[2] = OSSL_PARAM_construct_end();
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(context);
    return pkey;
}

/* NULL when it isn't a usable key. */
static EVP_PKEY *parse(const struct public_key *public_key)
{
    switch (public_key->algorithm) {
    case SIGN_ED25519:
        if (public_key->size != SIGN_ED25519_KEY_SIZE || ed25519_key_is_weak(public_key->bytes))
            return NULL;
        return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public_key->bytes, public_key->size);
    case SIGN_ECDSA_P256:
        if (public_key->size != SIGN_P256_POINT_SIZE || public_key->bytes[0] != 4)
            return NULL;
        return parse_p256(public_key);
    case SIGN_NONE:
        break;
    }
    return NULL;
}

static enum status prepare(struct verify_key *key)
{
    key->digest_context = EVP_MD_CTX_new();
    if (key->digest_context == NULL)
        return STATUS_NO_MEMORY;
    if (key->algorithm == SIGN_ED25519)
        return STATUS_OK;
    key->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    key->pkey_context = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (key->sha256 == NULL || key->pkey_context == NULL)
        return STATUS_NO_MEMORY;
    return EVP_PKEY_verify_init(key->pkey_context) == 1 ? STATUS_OK : STATUS_INTERNAL;
}

enum status verify_key_new(const struct public_key *public_key, struct verify_key **ret_key)
{
    struct verify_key *key = calloc(1, sizeof(*key));
    enum status status;

    if (key == NULL)
        return STATUS_NO_MEMORY;
    key->algorithm = public_key->algorithm;
    key->pkey = parse(public_key);
    status = key->pkey == NULL ? STATUS_MALFORMED : prepare(key);
    ERR_clear_error();
    if (status != STATUS_OK) {
        verify_key_free(key);
        return status;
    }
    *ret_key = key;
    return STATUS_OK;
}

void verify_key_free(struct verify_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_CTX_free(key->pkey_context);
    EVP_MD_free(key->sha256);
    EVP_MD_CTX_free(key->digest_context);
    EVP_PKEY_free(key->pkey);
    free(key);
}

static enum status verify_ed25519(struct verify_key *key, struct span message, const uint8_t bytes[SIGNATURE_SIZE])
{
    if (EVP_DigestVerifyInit_ex(key->digest_context, NULL, NULL, NULL, NULL, key->pkey, NULL) != 1)
        return STATUS_INTERNAL;
    return EVP_DigestVerify(key->digest_context, bytes, SIGNATURE_SIZE, message.data, message.size) == 1
               ? STATUS_OK
               : STATUS_BAD_SIGNATURE;
}

static enum status verify_p256(struct verify_key *key, struct span message, const uint8_t bytes[SIGNATURE_SIZE])
{
    uint8_t der[SIGN_DER_MAX];
    struct hash digest;
    size_t size;
    enum status status = sign_der_from_raw(bytes, der, &size);

    if (status != STATUS_OK)
        return status;
    if (EVP_DigestInit_ex2(key->digest_context, key->sha256, NULL) != 1 ||
        EVP_DigestUpdate(key->digest_context, message.data, message.size) != 1 ||
        EVP_DigestFinal_ex(key->digest_context, digest.bytes, NULL) != 1)
        return STATUS_INTERNAL;
    return EVP_PKEY_verify(key->pkey_context, der, size, digest.bytes, HASH_SIZE) == 1 ? STATUS_OK
                                                                                       : STATUS_BAD_SIGNATURE;
}

enum status verify_message(struct verify_key *key, struct span message, const struct signature *signature)
{
    enum status status;

    if (signature->algorithm != key->algorithm)
        return STATUS_BAD_SIGNATURE;
    status = key->algorithm == SIGN_ED25519 ? verify_ed25519(key, message, signature->bytes)
                                            : verify_p256(key, message, signature->bytes);
    if (status != STATUS_OK)
        ERR_clear_error(); /* the queue belongs to the thread, and TLS reads it */
    return status;
}

enum status public_key_from_wire(uint32_t algorithm, struct span bytes, struct public_key *ret_key)
{
    struct public_key key = {0};

    if (algorithm != SIGN_ED25519 && algorithm != SIGN_ECDSA_P256)
        return STATUS_UNKNOWN_KIND;
    key.algorithm = algorithm == SIGN_ED25519 ? SIGN_ED25519 : SIGN_ECDSA_P256;
    key.size = algorithm == SIGN_ED25519 ? SIGN_ED25519_KEY_SIZE : SIGN_P256_POINT_SIZE;
    if (bytes.size != key.size)
        return STATUS_BAD_LENGTH;
    memcpy(key.bytes, bytes.data, bytes.size);
    *ret_key = key;
    return STATUS_OK;
}

enum status signature_from_wire(uint32_t algorithm, struct span bytes, struct signature *ret_signature)
{
    if (algorithm != SIGN_ED25519 && algorithm != SIGN_ECDSA_P256)
        return STATUS_UNKNOWN_KIND;
    if (bytes.size != SIGNATURE_SIZE)
        return STATUS_BAD_LENGTH;
    ret_signature->algorithm = algorithm == SIGN_ED25519 ? SIGN_ED25519 : SIGN_ECDSA_P256;
    memcpy(ret_signature->bytes, bytes.data, SIGNATURE_SIZE);
    return STATUS_OK;
}
