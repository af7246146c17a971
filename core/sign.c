#include "core/sign.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "core/sign_internal.h"

struct sign_key {
    EVP_PKEY *pkey;
    struct public_key public_key;
};

static enum status fill_public(EVP_PKEY *pkey, struct public_key *ret_public)
{
    struct public_key public_key = {0};
    size_t size = sizeof(public_key.bytes);

    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        public_key.algorithm = SIGN_ED25519;
        if (EVP_PKEY_get_raw_public_key(pkey, public_key.bytes, &size) != 1 || size != SIGN_ED25519_KEY_SIZE)
            return STATUS_MALFORMED;
    } else if (EVP_PKEY_is_a(pkey, "EC")) {
        char group[32] = "";

        public_key.algorithm = SIGN_ECDSA_P256;
        if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1 || strcmp(group, "prime256v1") != 0)
            return STATUS_MALFORMED;
        if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, public_key.bytes, sizeof(public_key.bytes),
                                            &size) != 1 ||
            size != SIGN_P256_POINT_SIZE || public_key.bytes[0] != 4)
            return STATUS_MALFORMED;
    } else {
        return STATUS_MALFORMED;
    }
    public_key.size = size;
    *ret_public = public_key;
    return STATUS_OK;
}

/* Takes the pkey, which may be NULL, whatever comes of it. */
static enum status wrap(EVP_PKEY *pkey, enum status status_if_null, struct sign_key **ret_key)
{
    struct sign_key *key;
    enum status status;

    if (pkey == NULL)
        return status_if_null;
    key = calloc(1, sizeof(*key));
    status = key == NULL ? STATUS_NO_MEMORY : fill_public(pkey, &key->public_key);
    if (status != STATUS_OK) {
        EVP_PKEY_free(pkey);
        free(key);
        return status;
    }
    key->pkey = pkey;
    *ret_key = key;
    return STATUS_OK;
}

enum status sign_key_generate(enum sign_algorithm algorithm, struct sign_key **ret_key)
{
    switch (algorithm) {
    case SIGN_ED25519:
        return wrap(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), STATUS_INTERNAL, ret_key);
    case SIGN_ECDSA_P256:
        return wrap(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), STATUS_INTERNAL, ret_key);
    case SIGN_NONE:
        break;
    }
    return STATUS_UNKNOWN_KIND;
}

enum status sign_key_from_seed(const uint8_t seed[32], struct sign_key **ret_key)
{
    return wrap(EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed, 32), STATUS_NO_MEMORY, ret_key);
}

/* Without it libcrypto would ask the terminal for the pass phrase of an encrypted key. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

enum status sign_key_from_pem(struct span pem, struct sign_key **ret_key)
{
    BIO *bio;
    EVP_PKEY *pkey;

    if (pem.size == 0 || pem.size > INT_MAX)
        return STATUS_MALFORMED;
    bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    if (bio == NULL)
        return STATUS_NO_MEMORY;
    pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return wrap(pkey, STATUS_MALFORMED, ret_key);
}

enum status sign_key_to_pem(const struct sign_key *key, char *ret_pem, size_t size)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    enum status status = STATUS_NO_MEMORY;
    char *text;
    long length;

    if (bio == NULL)
        return STATUS_NO_MEMORY;
    if (PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
        goto clean;
    length = BIO_get_mem_data(bio, &text);
    status = STATUS_OVER_LIMIT;
    if (length < 0 || (size_t)length >= size)
        goto clean;
    memcpy(ret_pem, text, (size_t)length);
    ret_pem[length] = '\0';
    status = STATUS_OK;
clean:
    BIO_free(bio); /* wipes: secure memory */
    return status;
}

void sign_key_free(struct sign_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

void sign_key_public(const struct sign_key *key, struct public_key *ret_public)
{
    *ret_public = key->public_key;
}

enum status sign_message(const struct sign_key *key, struct span message, struct signature *ret_signature)
{
    struct signature signature = {.algorithm = key->public_key.algorithm};
    const char *digest = signature.algorithm == SIGN_ECDSA_P256 ? "SHA256" : NULL;
    uint8_t bytes[SIGN_DER_MAX];
    size_t size = sizeof(bytes);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum status status = STATUS_OK;

    if (context == NULL)
        return STATUS_NO_MEMORY;
    if (EVP_DigestSignInit_ex(context, NULL, digest, NULL, NULL, key->pkey, NULL) != 1 ||
        EVP_DigestSign(context, bytes, &size, message.data, message.size) != 1)
        status = STATUS_INTERNAL;
    EVP_MD_CTX_free(context);
    if (status != STATUS_OK)
        return status;
    if (signature.algorithm == SIGN_ECDSA_P256)
        status = sign_raw_from_der(span_of(bytes, size), signature.bytes);
    else
        memcpy(signature.bytes, bytes, SIGNATURE_SIZE);
    if (status != STATUS_OK)
        return status;
    *ret_signature = signature;
    return STATUS_OK;
}
