#include "core/epoch.h"

#include <string.h>

#include "core/limits.h"

#define PREFIX "doublecrew epoch 1\n"
#define PREFIX_SIZE (sizeof(PREFIX) - 1)

enum {
    AT_FORCE = PREFIX_SIZE,
    AT_PREVIOUS = AT_FORCE + ID_SIZE,
    AT_SIZE = AT_PREVIOUS + ID_SIZE,
    AT_ROOT = AT_SIZE + 8,
    AT_TIME = AT_ROOT + HASH_SIZE,
    AT_NONCE = AT_TIME + 8,
    AT_ALGORITHM = AT_NONCE + ID_SIZE,
    AT_SIGNATURE = AT_ALGORITHM + 1
};

_Static_assert((int)AT_ALGORITHM == EPOCH_SIGNED_SIZE, "the signed part");
_Static_assert(AT_SIGNATURE + SIGNATURE_SIZE == EPOCH_STATEMENT_SIZE, "the whole");

static enum status epoch_of(struct sha256 *sha, const uint8_t *bytes, struct id *ret_epoch)
{
    struct span parts[] = {span_of("epoch", 5), span_of(bytes, EPOCH_SIGNED_SIZE)};
    struct hash hash;
    enum status status = sha256_parts(sha, parts, 2, &hash);

    if (status == STATUS_OK)
        memcpy(ret_epoch->bytes, hash.bytes, ID_SIZE);
    return status;
}

enum status epoch_sign(struct sha256 *sha, const struct epoch_statement *statement, const struct sign_key *key,
                       uint8_t ret_bytes[EPOCH_STATEMENT_SIZE], struct id *ret_epoch)
{
    uint8_t bytes[EPOCH_STATEMENT_SIZE];
    struct signature signature;
    struct id epoch;
    enum status status;

    if (statement->time_ms < 0 || statement->time_ms > (int64_t)TIME_MS_MAX)
        return STATUS_INPUT;
    memcpy(bytes, PREFIX, PREFIX_SIZE);
    memcpy(bytes + AT_FORCE, statement->force.bytes, ID_SIZE);
    memcpy(bytes + AT_PREVIOUS, statement->previous.bytes, ID_SIZE);
    put_u64(bytes + AT_SIZE, statement->size);
    memcpy(bytes + AT_ROOT, statement->root.bytes, HASH_SIZE);
    put_u64(bytes + AT_TIME, (uint64_t)statement->time_ms);
    memcpy(bytes + AT_NONCE, statement->nonce.bytes, ID_SIZE);
    status = sign_message(key, span_of(bytes, EPOCH_SIGNED_SIZE), &signature);
    if (status == STATUS_OK)
        status = epoch_of(sha, bytes, &epoch);
    if (status != STATUS_OK)
        return status;
    bytes[AT_ALGORITHM] = (uint8_t)signature.algorithm;
    memcpy(bytes + AT_SIGNATURE, signature.bytes, SIGNATURE_SIZE);
    memcpy(ret_bytes, bytes, sizeof(bytes));
    if (ret_epoch != NULL)
        *ret_epoch = epoch;
    return STATUS_OK;
}

enum status epoch_read(struct sha256 *sha, struct span bytes, struct epoch_statement *ret_statement)
{
    struct epoch_statement statement = {.size = 0};
    uint64_t time_ms;
    enum status status;

    if (bytes.size != EPOCH_STATEMENT_SIZE)
        return STATUS_BAD_LENGTH;
    if (memcmp(bytes.data, PREFIX, PREFIX_SIZE) != 0)
        return STATUS_MALFORMED;
    memcpy(statement.force.bytes, bytes.data + AT_FORCE, ID_SIZE);
    memcpy(statement.previous.bytes, bytes.data + AT_PREVIOUS, ID_SIZE);
    statement.size = get_u64(bytes.data + AT_SIZE);
    memcpy(statement.root.bytes, bytes.data + AT_ROOT, HASH_SIZE);
    time_ms = get_u64(bytes.data + AT_TIME);
    memcpy(statement.nonce.bytes, bytes.data + AT_NONCE, ID_SIZE);
    if (time_ms > TIME_MS_MAX)
        return STATUS_MALFORMED;
    statement.time_ms = (int64_t)time_ms;
    status = epoch_of(sha, bytes.data, &statement.epoch);
    if (status == STATUS_OK)
        *ret_statement = statement;
    return status;
}

enum status epoch_open(struct sha256 *sha, struct span bytes, struct verify_key *key,
                       struct epoch_statement *ret_statement)
{
    struct epoch_statement statement;
    struct signature signature;
    enum status status = epoch_read(sha, bytes, &statement);

    if (status == STATUS_OK)
        status = signature_from_wire(bytes.data[AT_ALGORITHM], span_of(bytes.data + AT_SIGNATURE, SIGNATURE_SIZE),
                                     &signature);
    if (status == STATUS_OK)
        status = verify_message(key, span_of(bytes.data, EPOCH_SIGNED_SIZE), &signature);
    if (status == STATUS_OK)
        *ret_statement = statement;
    return status;
}
