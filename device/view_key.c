#include "device/view_key.h"

#include <string.h>

static void add(struct view_key *key, const void *bytes, size_t size)
{
    if (key->size + size <= sizeof key->bytes) {
        memcpy(key->bytes + key->size, bytes, size);
        key->size += size;
    }
}

struct view_key view_key_all(char letter)
{
    struct view_key key = {.size = 1};

    key.bytes[0] = (uint8_t)letter;
    return key;
}

struct view_key view_key_id(char letter, const struct dc_id *id)
{
    struct view_key key = view_key_all(letter);

    add(&key, id->bytes, sizeof id->bytes);
    return key;
}

struct view_key view_key_hash(char letter, const struct dc_hash *hash)
{
    struct view_key key = view_key_all(letter);

    add(&key, hash->bytes, sizeof hash->bytes);
    return key;
}

struct view_key view_key_field(const struct dc_subject *subject, const char *field)
{
    struct view_key key =
        subject->is_presence ? view_key_hash('e', &subject->presence) : view_key_id('e', &subject->offender);

    if (field) {
        add(&key, field, strlen(field));
    }
    return key;
}

struct span view_key_span(const struct view_key *key)
{
    return span_of(key->bytes, key->size);
}
