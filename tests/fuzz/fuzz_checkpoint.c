/*
 * A checkpoint's text from anybody: what reads must be the one text of its content, and nothing unsigned may open.
 */
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct keys {
    struct sha256 *sha;
    struct sign_key *key;
    struct public_key public_key;
    struct verify_key *verifier;
};

static void make_keys(struct keys *keys)
{
    /* SHA-256 of "doublecrew test server key": the corpus holds texts that it signed. */
    static const char name[] = "doublecrew test server key";
    struct hash seed;

    if (sha256_new(&keys->sha) != STATUS_OK ||
        sha256_bytes(keys->sha, span_of(name, sizeof(name) - 1), &seed) != STATUS_OK ||
        sign_key_from_seed(seed.bytes, &keys->key) != STATUS_OK)
        abort();
    sign_key_public(keys->key, &keys->public_key);
    if (verify_key_new(&keys->public_key, &keys->verifier) != STATUS_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keys keys;
    struct checkpoint read;
    struct checkpoint opened;
    char text[CHECKPOINT_TEXT_MAX];
    size_t text_size;
    enum status status;

    if (keys.sha == NULL)
        make_keys(&keys);
    if (checkpoint_read(span_of(data, size), &read) != STATUS_OK)
        return 0;
    status = checkpoint_open(keys.sha, span_of(data, size), &keys.public_key, keys.verifier, &opened);
    if (checkpoint_sign(keys.sha, &read, keys.key, text, &text_size) != STATUS_OK)
        abort();
    /* Ed25519 is deterministic: signing the content again gives the text, if and only if this key signed it. */
    if ((status == STATUS_OK) != (text_size == size && memcmp(text, data, size) == 0))
        abort();
    return 0;
}
