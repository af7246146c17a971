/* doublecrewctl epoch: the operator signs that the journal goes on from this store (E2). */
#include "admin/epoch.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/command.h"
#include "core/epoch.h"
#include "server/edge/store_sqlite.h"

enum status epoch_key_read(const struct force_folder *folder, const char *path, struct sign_key **ret_key)
{
    char own[PATH_SIZE];
    char *pem = NULL;
    size_t size = 0;
    enum status status = path_join(own, folder->local, "signing.pem");

    if (path == NULL)
        path = own;
    if (status == STATUS_OK)
        status = file_read(path, &pem, &size);
    if (status == STATUS_OK) {
        status = sign_key_from_pem(span_of(pem, size), ret_key);
        explicit_bzero(pem, size);
        free(pem);
    }
    if (status != STATUS_OK)
        complain_status(status, "the operator's key '%s' can't be used: give it with --key", path);
    return status;
}

int64_t epoch_now_us(const struct store_head *head)
{
    struct timespec now;
    int64_t now_us;

    clock_gettime(CLOCK_REALTIME, &now);
    now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    /* A training force's clock stands still while nobody steps it. */
    return head->training || now_us < head->time_us ? head->time_us : now_us;
}

static enum status sign_and_begin(struct batch *batch, struct sha256 *sha, const struct sign_key *key)
{
    const struct store_head *head = batch_head(batch);
    struct epoch_statement statement = {.force = head->force,
                                        .previous = head->epoch,
                                        .size = head->pos,
                                        .root = head->root,
                                        .time_ms = epoch_now_us(head) / 1000};
    uint8_t bytes[EPOCH_STATEMENT_SIZE];
    enum status status;

    if (RAND_bytes(statement.nonce.bytes, ID_SIZE) != 1)
        return STATUS_INTERNAL;
    status = epoch_sign(sha, &statement, key, bytes, NULL);
    return status == STATUS_OK ? batch_epoch(batch, span_of(bytes, sizeof(bytes))) : status;
}

enum status epoch_begin(struct batch *batch, const struct sign_key *key)
{
    struct sha256 *sha = NULL;
    struct store_head before = *batch_head(batch);
    char hex[2 * ID_SIZE + 1];
    enum status status = before.pos == 0 ? STATUS_NOT_FOUND : sha256_new(&sha);

    if (status == STATUS_OK)
        status = sign_and_begin(batch, sha, key);
    sha256_free(sha);
    if (status == STATUS_BAD_SIGNATURE) {
        complain("this key isn't the operator's of the force's first record: use operator/local/signing.pem as 'init' "
                 "made it");
        return status;
    }
    if (status != STATUS_OK) {
        complain_status(status, "no epoch was begun");
        return status;
    }
    hex_encode(span_of(batch_head(batch)->epoch.bytes, ID_SIZE), hex);
    printf("Epoch %s begins after record %llu.\n", hex, (unsigned long long)before.pos);
    return STATUS_OK;
}

static enum status begin_in_place(const struct force_folder *folder, const struct sign_key *key)
{
    struct store *store = NULL;
    struct batch *batch = NULL;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_WRITER, &store);

    if (status == STATUS_STORE_BUSY)
        complain("the server is running on this store: stop it first");
    else if (status != STATUS_OK)
        complain_status(status, "the store can't be opened");
    if (status != STATUS_OK)
        return status;
    status = batch_open(store, &batch);
    if (status != STATUS_OK)
        complain_status(status, "the journal can't be gone on with");
    else
        status = epoch_begin(batch, key);
    batch_free(batch);
    store->ops->close(store);
    return status;
}

int command_epoch(const struct command *command, int argc, char **argv)
{
    const char *dir = ".", *key_path = NULL;
    const struct option_spec specs[] = {{"dir", &dir, NULL}, {"key", &key_path, NULL}};
    struct sign_key *key = NULL;
    struct force_folder folder;
    struct force_facts facts;
    size_t plain_count = 0;
    enum status status;

    if (!options_read(command, argc, argv, specs, 2, NULL, 0, &plain_count))
        return EXIT_USAGE;
    if (!force_open(dir, &folder, &facts) || epoch_key_read(&folder, key_path, &key) != STATUS_OK)
        return EXIT_FAILED;
    status = begin_in_place(&folder, key);
    sign_key_free(key);
    return status == STATUS_OK ? EXIT_DONE : EXIT_FAILED;
}
