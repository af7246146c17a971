#include "server/edge/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/push.h"
#include "doublecrew/v1/entry.pb-c.h"

#define PEM_SIZE_MAX 4096

static enum status read_pem(const char *file, char ret_pem[PEM_SIZE_MAX], size_t *ret_size)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (fd < 0)
        return STATUS_NOT_FOUND;
    size = read(fd, ret_pem, PEM_SIZE_MAX);
    close(fd);
    if (size < 0)
        return STATUS_IO;
    *ret_size = (size_t)size;
    return size == PEM_SIZE_MAX ? STATUS_MALFORMED : STATUS_OK;
}

enum status trust_load_key(const char *file, struct sign_key **ret_key, struct config_error *ret_error)
{
    char pem[PEM_SIZE_MAX];
    struct public_key public_key;
    struct sign_key *key = NULL;
    size_t size = 0;
    enum status status = read_pem(file, pem, &size);

    if (status == STATUS_OK)
        status = sign_key_from_pem(span_of(pem, size), &key);
    OPENSSL_cleanse(pem, sizeof(pem));
    if (status == STATUS_OK) {
        sign_key_public(key, &public_key);
        if (public_key.algorithm != SIGN_ED25519)
            status = STATUS_MALFORMED;
    }
    if (status != STATUS_OK) {
        snprintf(ret_error->text, sizeof(ret_error->text),
                 "trust.checkpoint_key: %.600s cannot be used: an unencrypted Ed25519 key in PEM (PKCS #8) is needed",
                 file);
        sign_key_free(key);
        return status;
    }
    *ret_key = key;
    return STATUS_OK;
}

struct force_reading {
    struct sha256 *sha;
    struct arena *arena;
    struct public_key server_key;
    bool found;
};

static enum status read_force(struct force_reading *reading, struct span body)
{
    ProtobufCMessage *unpacked = NULL;
    const Doublecrew__V1__Force *force;
    struct push push;
    enum status status = push_open(reading->arena, reading->sha, body, &push);

    if (status != STATUS_OK)
        return status;
    if (push.entries[0].header.kind != DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_FORCE)
        return STATUS_STORE;
    status =
        wire_unpack(reading->arena, &doublecrew__v1__force__descriptor, entry_message(&push.entries[0]), &unpacked);
    if (status != STATUS_OK)
        return status;
    force = (const Doublecrew__V1__Force *)unpacked;
    return public_key_from_wire(SIGN_ED25519, span_of(force->server_key.data, force->server_key.len),
                                &reading->server_key);
}

/* Only the first row; CANCELLED ends the walk. */
static enum status on_row(void *context, const struct journal_row *row)
{
    struct force_reading *reading = context;
    enum status status = STATUS_STORE;

    if (row->first_pos == 1 && row->kind == JOURNAL_PUSH)
        status = read_force(reading, row->body);
    reading->found = status == STATUS_OK;
    return status == STATUS_OK ? STATUS_CANCELLED : STATUS_STORE;
}

enum status trust_read_force(struct store *store, struct public_key *ret_server_key)
{
    struct force_reading reading = {0};
    enum status status = sha256_new(&reading.sha);

    if (status == STATUS_OK)
        status = arena_new(&reading.arena);
    if (status == STATUS_OK) {
        arena_reset(reading.arena, (size_t)16 * 1024 * 1024);
        status = store->ops->journal_from(store, 1, on_row, &reading);
    }
    if (reading.found) {
        *ret_server_key = reading.server_key;
        status = STATUS_OK;
    } else if (status == STATUS_OK) {
        status = STATUS_NOT_FOUND;
    }
    arena_free(reading.arena);
    sha256_free(reading.sha);
    return status;
}
