#include "core/sha256.h"

#include <stdlib.h>

#include <openssl/evp.h>

struct sha256 {
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
};

enum status sha256_new(struct sha256 **ret_sha)
{
    struct sha256 *sha = calloc(1, sizeof(*sha));

    if (sha == NULL)
        return STATUS_NO_MEMORY;
    sha->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    sha->context = EVP_MD_CTX_new();
    if (sha->algorithm == NULL || sha->context == NULL) {
        enum status status = sha->algorithm == NULL ? STATUS_INTERNAL : STATUS_NO_MEMORY;

        sha256_free(sha);
        return status;
    }
    *ret_sha = sha;
    return STATUS_OK;
}

void sha256_free(struct sha256 *sha)
{
    if (sha == NULL)
        return;
    EVP_MD_CTX_free(sha->context);
    EVP_MD_free(sha->algorithm);
    free(sha);
}

enum status sha256_parts(struct sha256 *sha, const struct span *parts, size_t count, struct hash *ret_hash)
{
    struct hash hash;

    if (EVP_DigestInit_ex2(sha->context, sha->algorithm, NULL) != 1)
        return STATUS_INTERNAL;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0 && EVP_DigestUpdate(sha->context, parts[i].data, parts[i].size) != 1)
            return STATUS_INTERNAL;
    }
    if (EVP_DigestFinal_ex(sha->context, hash.bytes, NULL) != 1)
        return STATUS_INTERNAL;
    *ret_hash = hash;
    return STATUS_OK;
}

enum status sha256_bytes(struct sha256 *sha, struct span bytes, struct hash *ret_hash)
{
    return sha256_parts(sha, &bytes, 1, ret_hash);
}
