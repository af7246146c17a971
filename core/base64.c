#include "core/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct span bytes, char *ret_text)
{
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;

        if (left > 1)
            group |= (uint32_t)bytes.data[i + 1] << 8;
        if (left > 2)
            group |= bytes.data[i + 2];
        *ret_text++ = alphabet[group >> 18];
        *ret_text++ = alphabet[group >> 12 & 63];
        *ret_text++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *ret_text++ = left > 2 ? alphabet[group & 63] : '=';
    }
    *ret_text = '\0';
}

static int value_of(uint8_t character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return character - '0' + 52;
    if (character == '+')
        return 62;
    return character == '/' ? 63 : -1;
}

/* Four characters to count bytes (1 to 3). The bits that stand for nothing must be 0. */
static enum status decode_group(const uint8_t *text, size_t count, uint8_t *ret_bytes)
{
    uint32_t group = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i <= count ? value_of(text[i]) : 0;

        if (value < 0 || (i > count && text[i] != '='))
            return STATUS_MALFORMED;
        group = group << 6 | (uint32_t)value;
    }
    if ((group & (((uint32_t)1 << (8 * (3 - count))) - 1)) != 0)
        return STATUS_MALFORMED;
    for (size_t i = 0; i < count; i++)
        ret_bytes[i] = (uint8_t)(group >> (16 - 8 * i));
    return STATUS_OK;
}

enum status base64_decode(struct span text, size_t size, uint8_t *ret_bytes)
{
    enum status status = STATUS_OK;

    if (text.size != BASE64_SIZE(size))
        return STATUS_MALFORMED;
    for (size_t at = 0; at < size && status == STATUS_OK; at += 3)
        status = decode_group(text.data + at / 3 * 4, size - at < 3 ? size - at : 3, ret_bytes + at);
    return status;
}
