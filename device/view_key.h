/* Keys of the server's view rows (PROTOCOL.md): a letter, then an id, or a subject and a field's name. */
#ifndef DOUBLECREW_DEVICE_VIEW_KEY_H
#define DOUBLECREW_DEVICE_VIEW_KEY_H

#include "device/doublecrew.h"
#include "device/store.h"

#define VIEW_FIELD_NAME_MAX 64

struct view_key {
    uint8_t bytes[STORE_KEY_SIZE_MAX];
    size_t size;
};

struct view_key view_key_all(char letter);
struct view_key view_key_id(char letter, const struct dc_id *id);
struct view_key view_key_hash(char letter, const struct dc_hash *hash);
/* Of all fields of a subject when field is NULL. */
struct view_key view_key_field(const struct dc_subject *subject, const char *field);
struct span view_key_span(const struct view_key *key);

#endif
