#include "core/entry.h"

#include <string.h>

#include "core/limits.h"

static const uint8_t header_magic[4] = {'D', 'C', 'E', '1'};
static const uint8_t head_magic[8] = {'D', 'C', 'H', 'E', 'A', 'D', '1', 0};

/* Where each member of the header begins. */
enum {
    AT_LOG = 4,
    AT_SEQ = AT_LOG + ID_SIZE,
    AT_PREVIOUS = AT_SEQ + 8,
    AT_CHECKPOINT = AT_PREVIOUS + HASH_SIZE,
    AT_RECEIVED = AT_CHECKPOINT + HASH_SIZE,
    AT_BOOT = AT_RECEIVED + 8,
    AT_MONOTONIC = AT_BOOT + ID_SIZE,
    AT_WALL = AT_MONOTONIC + 8,
    AT_KIND = AT_WALL + 8,
    AT_PAYLOAD_HASH = AT_KIND + 2,
    AT_END = AT_PAYLOAD_HASH + HASH_SIZE
};

_Static_assert(AT_END == ENTRY_HEADER_SIZE, "the layout and its size agree");

void entry_header_encode(const struct entry_header *header, uint8_t ret_bytes[ENTRY_HEADER_SIZE])
{
    memcpy(ret_bytes, header_magic, sizeof(header_magic));
    memcpy(ret_bytes + AT_LOG, header->log.bytes, ID_SIZE);
    put_u64(ret_bytes + AT_SEQ, header->seq);
    memcpy(ret_bytes + AT_PREVIOUS, header->previous.bytes, HASH_SIZE);
    memcpy(ret_bytes + AT_CHECKPOINT, header->checkpoint.bytes, HASH_SIZE);
    put_u64(ret_bytes + AT_RECEIVED, header->checkpoint_received_ms);
    memcpy(ret_bytes + AT_BOOT, header->boot.bytes, ID_SIZE);
    put_u64(ret_bytes + AT_MONOTONIC, header->monotonic_ms);
    put_u64(ret_bytes + AT_WALL, (uint64_t)header->wall_ms);
    put_u16(ret_bytes + AT_KIND, header->kind);
    memcpy(ret_bytes + AT_PAYLOAD_HASH, header->payload_hash.bytes, HASH_SIZE);
}

enum status entry_header_decode(const uint8_t bytes[ENTRY_HEADER_SIZE], struct entry_header *ret_header)
{
    if (memcmp(bytes, header_magic, sizeof(header_magic)) != 0)
        return STATUS_MALFORMED;
    memcpy(ret_header->log.bytes, bytes + AT_LOG, ID_SIZE);
    ret_header->seq = get_u64(bytes + AT_SEQ);
    memcpy(ret_header->previous.bytes, bytes + AT_PREVIOUS, HASH_SIZE);
    memcpy(ret_header->checkpoint.bytes, bytes + AT_CHECKPOINT, HASH_SIZE);
    ret_header->checkpoint_received_ms = get_u64(bytes + AT_RECEIVED);
    memcpy(ret_header->boot.bytes, bytes + AT_BOOT, ID_SIZE);
    ret_header->monotonic_ms = get_u64(bytes + AT_MONOTONIC);
    ret_header->wall_ms = (int64_t)get_u64(bytes + AT_WALL);
    ret_header->kind = get_u16(bytes + AT_KIND);
    memcpy(ret_header->payload_hash.bytes, bytes + AT_PAYLOAD_HASH, HASH_SIZE);
    return STATUS_OK;
}

enum status entry_seal(struct sha256 *sha, struct entry *entry)
{
    uint8_t bytes[ENTRY_HEADER_SIZE];
    struct entry_header header = entry->header;
    enum status status;

    if (entry->payload.size < PAYLOAD_SALT_SIZE)
        return STATUS_BAD_LENGTH;
    if (entry->payload.size > PAYLOAD_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    status = sha256_bytes(sha, entry->payload, &header.payload_hash);
    if (status != STATUS_OK)
        return status;
    entry_header_encode(&header, bytes);
    status = sha256_bytes(sha, span_of(bytes, sizeof(bytes)), &entry->hash);
    if (status != STATUS_OK)
        return status;
    entry->header = header;
    return STATUS_OK;
}

struct span entry_message(const struct entry *entry)
{
    if (entry->payload.size < PAYLOAD_SALT_SIZE)
        return span_of(NULL, 0);
    return span_of(entry->payload.data + PAYLOAD_SALT_SIZE, entry->payload.size - PAYLOAD_SALT_SIZE);
}

void head_statement_encode(const struct id *log, uint64_t seq, const struct hash *hash,
                           uint8_t ret_bytes[HEAD_STATEMENT_SIZE])
{
    memcpy(ret_bytes, head_magic, sizeof(head_magic));
    memcpy(ret_bytes + 8, log->bytes, ID_SIZE);
    put_u64(ret_bytes + 24, seq);
    memcpy(ret_bytes + 32, hash->bytes, HASH_SIZE);
}
