#include "device/seal.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define NONCE_SIZE 12
#define TAG_SIZE 16

struct seal {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *context;
    uint8_t key[SEAL_KEY_SIZE];
    seal_random random;
    void *random_context;
};

enum status seal_new(const uint8_t key[SEAL_KEY_SIZE], seal_random random, void *random_context, struct seal **ret_seal)
{
    struct seal *seal = calloc(1, sizeof *seal);

    if (!seal) {
        return STATUS_NO_MEMORY;
    }
    seal->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    seal->context = EVP_CIPHER_CTX_new();
    if (!seal->cipher || !seal->context) {
        seal_free(seal);
        return STATUS_INTERNAL;
    }
    for (size_t i = 0; i < sizeof seal->key; i++) {
        seal->key[i] = key[i];
    }
    seal->random = random;
    seal->random_context = random_context;
    *ret_seal = seal;
    return STATUS_OK;
}

void seal_free(struct seal *seal)
{
    if (!seal) {
        return;
    }
    EVP_CIPHER_free(seal->cipher);
    EVP_CIPHER_CTX_free(seal->context);
    OPENSSL_cleanse(seal, sizeof *seal);
    free(seal);
}

enum status seal_close(struct seal *seal, struct span place, struct span plain, uint8_t *ret_sealed)
{
    uint8_t *nonce = ret_sealed;
    uint8_t *body = ret_sealed + NONCE_SIZE;
    int written = 0;

    if (plain.size > INT_MAX - SEAL_OVERHEAD || place.size > INT_MAX) {
        return STATUS_OVER_LIMIT;
    }
    if (!seal->random(seal->random_context, nonce, NONCE_SIZE) ||
        EVP_EncryptInit_ex2(seal->context, seal->cipher, seal->key, nonce, NULL) != 1 ||
        EVP_EncryptUpdate(seal->context, NULL, &written, place.data, (int)place.size) != 1 ||
        (plain.size > 0 && EVP_EncryptUpdate(seal->context, body, &written, plain.data, (int)plain.size) != 1) ||
        EVP_EncryptFinal_ex(seal->context, body + plain.size, &written) != 1 ||
        EVP_CIPHER_CTX_ctrl(seal->context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, body + plain.size) != 1) {
        return STATUS_INTERNAL;
    }
    return STATUS_OK;
}

enum status seal_open(struct seal *seal, struct span place, struct span sealed, uint8_t *ret_plain)
{
    uint8_t tag[TAG_SIZE];
    size_t size;
    int written = 0;

    if (sealed.size < SEAL_OVERHEAD || sealed.size > INT_MAX || place.size > INT_MAX) {
        return STATUS_STORAGE_KEY;
    }
    size = sealed.size - SEAL_OVERHEAD;
    for (size_t i = 0; i < TAG_SIZE; i++) {
        tag[i] = sealed.data[NONCE_SIZE + size + i];
    }
    if (EVP_DecryptInit_ex2(seal->context, seal->cipher, seal->key, sealed.data, NULL) != 1 ||
        EVP_DecryptUpdate(seal->context, NULL, &written, place.data, (int)place.size) != 1 ||
        (size > 0 && EVP_DecryptUpdate(seal->context, ret_plain, &written, sealed.data + NONCE_SIZE, (int)size) != 1) ||
        EVP_CIPHER_CTX_ctrl(seal->context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) != 1 ||
        EVP_DecryptFinal_ex(seal->context, ret_plain + size, &written) != 1) {
        return STATUS_STORAGE_KEY;
    }
    return STATUS_OK;
}
