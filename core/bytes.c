#include "core/bytes.h"

#include <string.h>

struct span span_of(const void *data, size_t size)
{
    struct span span = {.data = data, .size = size};

    return span;
}

bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool id_is_zero(const struct id *id)
{
    static const struct id zero;

    return memcmp(id->bytes, zero.bytes, ID_SIZE) == 0;
}

int id_compare(const struct id *a, const struct id *b)
{
    return memcmp(a->bytes, b->bytes, ID_SIZE);
}

bool id_equal(const struct id *a, const struct id *b)
{
    return id_compare(a, b) == 0;
}

int hash_compare(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, HASH_SIZE);
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
    return hash_compare(a, b) == 0;
}

bool hash_is_zero(const struct hash *hash)
{
    static const struct hash zero;

    return memcmp(hash->bytes, zero.bytes, HASH_SIZE) == 0;
}

enum status id_from_span(struct span span, struct id *ret_id)
{
    if (span.size != ID_SIZE)
        return STATUS_BAD_LENGTH;
    memcpy(ret_id->bytes, span.data, ID_SIZE);
    return STATUS_OK;
}

enum status hash_from_span(struct span span, struct hash *ret_hash)
{
    if (span.size != HASH_SIZE)
        return STATUS_BAD_LENGTH;
    memcpy(ret_hash->bytes, span.data, HASH_SIZE);
    return STATUS_OK;
}

void hex_encode(struct span bytes, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.size; i++) {
        ret_text[2 * i] = digits[bytes.data[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    ret_text[2 * bytes.size] = '\0';
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

enum status hex_decode(const char *text, size_t size, uint8_t *ret_bytes)
{
    if (strlen(text) != 2 * size)
        return STATUS_MALFORMED;
    for (size_t i = 0; i < 2 * size; i++) {
        if (hex_value(text[i]) < 0)
            return STATUS_MALFORMED;
    }
    for (size_t i = 0; i < size; i++)
        ret_bytes[i] = (uint8_t)((unsigned)hex_value(text[2 * i]) << 4 | (unsigned)hex_value(text[2 * i + 1]));
    return STATUS_OK;
}

void put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, (uint16_t)(value >> 16));
    put_u16(at + 2, (uint16_t)value);
}

void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)(value >> 32));
    put_u32(at + 4, (uint32_t)value);
}

uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

uint64_t get_u64(const uint8_t *at)
{
    return (uint64_t)get_u32(at) << 32 | get_u32(at + 4);
}
