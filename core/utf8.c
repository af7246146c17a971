#include "core/utf8.h"

#include <string.h>

/* Length of the sequence that begins with this byte, and the range of its second byte; 0: not a beginning. */
static size_t sequence_of(uint8_t first, uint8_t *ret_low, uint8_t *ret_high)
{
    *ret_low = 0x80;
    *ret_high = 0xbf;
    if (first < 0x80)
        return 1;
    if (first < 0xc2)
        return 0; /* a continuation, or overlong */
    if (first < 0xe0)
        return 2;
    if (first < 0xf0) {
        if (first == 0xe0)
            *ret_low = 0xa0;
        if (first == 0xed)
            *ret_high = 0x9f; /* surrogates begin at U+D800 */
        return 3;
    }
    if (first > 0xf4)
        return 0;
    if (first == 0xf0)
        *ret_low = 0x90;
    if (first == 0xf4)
        *ret_high = 0x8f;
    return 4;
}

bool utf8_valid(struct span bytes)
{
    size_t at = 0;

    while (at < bytes.size) {
        uint8_t low;
        uint8_t high;
        size_t length = sequence_of(bytes.data[at], &low, &high);

        if (length == 0 || length > bytes.size - at)
            return false;
        if (length > 1 && (bytes.data[at + 1] < low || bytes.data[at + 1] > high))
            return false;
        for (size_t i = 2; i < length; i++) {
            if ((bytes.data[at + i] & 0xc0) != 0x80)
                return false;
        }
        at += length;
    }
    return true;
}

bool utf8_valid_text(struct span bytes)
{
    return utf8_valid(bytes) && (bytes.size == 0 || memchr(bytes.data, 0, bytes.size) == NULL);
}
