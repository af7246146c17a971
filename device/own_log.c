#include "device/own_log.h"

#include <string.h>

#include "core/payload.h"
#include "core/wire.h"
#include "device/messages.h"
#include "device/upkeep.h"
#include "device/view_key.h"

struct each {
    struct arena *arena;
    uint16_t kind;
    own_on_entry on_entry;
    void *context;
};

static bool open_one(void *context, const struct entry *entry)
{
    struct each *each = context;
    ProtobufCMessage *message = NULL;

    if (each->kind && entry->header.kind != each->kind) {
        return true;
    }
    arena_reset(each->arena, ARENA_CAP_DEFAULT); /* one entry at a time, however long the log is */
    if (payload_open(each->arena, entry->header.kind, entry_message(entry), &message) != STATUS_OK) {
        return true; /* of a newer version's kind, or appended unchecked: kept and pushed, but nothing to read here */
    }
    return each->on_entry(each->context, entry, message);
}

enum status own_each(struct dc_device *device, uint16_t kind, own_on_entry on_entry, void *context)
{
    struct each each = {.kind = kind, .on_entry = on_entry, .context = context};
    enum status status = arena_new(&each.arena); /* its own: the session's message may be in use */

    if (status == STATUS_OK) {
        status = store_each_entry(device->store, 1, open_one, &each);
    }
    arena_free(each.arena);
    return status;
}

struct field_read {
    ProtobufCBinaryData subject;
    const char *field;
    const char *member;
    struct own_field *known;
};

static void add_hash(struct hash *list, size_t *count, struct span bytes)
{
    struct hash hash;

    if (*count >= LIST_MAX || hash_from_span(bytes, &hash) != STATUS_OK) {
        return;
    }
    for (size_t i = 0; i < *count; i++) {
        if (hash_equal(&list[i], &hash)) {
            return;
        }
    }
    list[(*count)++] = hash;
}

static void drop_hash(struct hash *list, size_t *count, ProtobufCBinaryData bytes)
{
    for (size_t i = 0; i < *count; i++) {
        if (span_equal(span_of(list[i].bytes, HASH_SIZE), span_of(bytes.data, bytes.len))) {
            list[i] = list[--*count];
            return;
        }
    }
}

static void read_row(struct field_read *read, const Doublecrew__V1__FieldRow *row)
{
    for (size_t i = 0; i < row->n_heads; i++) {
        const Doublecrew__V1__FieldHead *head = row->heads[i];
        struct span edit = span_of(head->edit.data, head->edit.len);

        add_hash(read->known->heads, &read->known->head_count, edit);
        if (strcmp(head->text, read->member) == 0) {
            add_hash(read->known->additions, &read->known->addition_count, edit);
        }
    }
}

static bool on_row(void *context, const struct store_row *stored)
{
    struct arena *arena = NULL;
    ProtobufCMessage *message = NULL;

    if (arena_new(&arena) == STATUS_OK &&
        wire_unpack(arena, &doublecrew__v1__row__descriptor, stored->bytes, &message) == STATUS_OK) {
        const Doublecrew__V1__Row *row = (const Doublecrew__V1__Row *)message;
        struct field_read *read = context;

        if (row->row_case == DOUBLECREW__V1__ROW__ROW_FIELD && strcmp(row->field->field, read->field) == 0) {
            read_row(read, row->field);
        }
    }
    arena_free(arena);
    return true;
}

static bool same_bytes(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
    return span_equal(span_of(a.data, a.len), span_of(b.data, b.len));
}

static void read_change(struct field_read *read, const struct entry *entry, const Doublecrew__V1__FieldEdit *edit)
{
    struct own_field *known = read->known;

    for (size_t i = 0; i < edit->n_replaces; i++) {
        drop_hash(known->heads, &known->head_count, edit->replaces[i]);
    }
    if (edit->change_case == DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT) {
        add_hash(known->heads, &known->head_count, span_of(entry->hash.bytes, HASH_SIZE));
        return;
    }
    if (edit->change_case != DOUBLECREW__V1__FIELD_EDIT__CHANGE_SET) {
        return;
    }
    for (size_t i = 0; i < edit->set->n_remove; i++) {
        const Doublecrew__V1__SetRemoval *removal = edit->set->remove[i];

        for (size_t j = 0; j < removal->n_additions_seen; j++) {
            drop_hash(known->additions, &known->addition_count, removal->additions_seen[j]);
        }
    }
    for (size_t i = 0; i < edit->set->n_add; i++) {
        if (strcmp(edit->set->add[i], read->member) == 0) {
            add_hash(known->additions, &known->addition_count, span_of(entry->hash.bytes, HASH_SIZE));
        }
    }
}

static bool on_own_edit(void *context, const struct entry *entry, const ProtobufCMessage *message)
{
    const Doublecrew__V1__Edit *edit = (const Doublecrew__V1__Edit *)message;
    struct field_read *read = context;

    for (size_t i = 0; same_bytes(edit->subject, read->subject) && i < edit->n_fields; i++) {
        if (strcmp(edit->fields[i]->field, read->field) == 0) {
            read_change(read, entry, edit->fields[i]);
        }
    }
    return true;
}

/*
 * All own edits count, also those that the server's row reflects already: naming one more than is needed says nothing
 * wrong, since this officer wrote it; naming one less would make a conflict with oneself.
 */
enum status own_field_read(struct dc_device *device, const struct dc_subject *subject, const char *field,
                           const char *member, struct own_field *ret_field)
{
    struct view_key key = view_key_field(subject, field);
    struct field_read read = {
        .subject = message_subject(subject), .field = field, .member = member, .known = ret_field};
    enum status status;

    memset(ret_field, 0, sizeof *ret_field);
    status = store_each_row(device->store, view_key_span(&key), on_row, &read);
    if (status != STATUS_OK) {
        return status;
    }
    return own_each(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_EDIT, on_own_edit, &read);
}

struct pending_edits {
    uint64_t after_seq;
    bool all;
    ProtobufCBinaryData subject;
    own_on_edit on_edit;
    void *context;
};

static bool on_pending_edit(void *context, const struct entry *entry, const ProtobufCMessage *message)
{
    const Doublecrew__V1__Edit *edit = (const Doublecrew__V1__Edit *)message;
    struct pending_edits *pending = context;

    if (entry->header.seq <= pending->after_seq || (!pending->all && !same_bytes(edit->subject, pending->subject))) {
        return true;
    }
    for (size_t i = 0; i < edit->n_fields; i++) {
        if (!pending->on_edit(pending->context, entry, edit, edit->fields[i])) {
            return false;
        }
    }
    return true;
}

enum status own_each_field_edit(struct dc_device *device, const struct dc_subject *subject, own_on_edit on_edit,
                                void *context)
{
    struct pending_edits pending = {.all = subject == NULL, .on_edit = on_edit, .context = context};

    if (upkeep_check_readable(device) == STATUS_OK) {
        pending.after_seq = device->reflected_seq; /* earlier ones stand in the rows */
    }
    if (subject) {
        pending.subject = message_subject(subject);
    }
    return own_each(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_EDIT, on_pending_edit, &pending);
}
