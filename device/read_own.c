/*
 * Reads in which the server's rows and own entries that aren't in them yet stand together: notes, fields, presences. While
 * the rows are sealed, own entries stand alone, also those that are in the rows, and SEALED says that there is more.
 */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "device/messages.h"
#include "device/own_log.h"
#include "device/preview.h"
#include "device/row_read.h"
#include "device/upkeep.h"
#include "device/view_rows.h"

/* A row that stands for an own entry, and may be shown. */
static bool holds_row(struct dc_device *device, char letter, const struct hash *hash)
{
    struct view_key key = view_key_all(letter);
    uint64_t pos;
    uint64_t generation;

    if (upkeep_check_readable(device) != STATUS_OK) {
        return false;
    }
    memcpy(key.bytes + 1, hash->bytes, HASH_SIZE);
    key.size = 1 + HASH_SIZE;
    return store_row_place(device->store, view_key_span(&key), &pos, &generation) == STATUS_OK;
}

static bool same_subject(const struct dc_subject *a, const struct dc_subject *b)
{
    if (a->is_presence != b->is_presence) {
        return false;
    }
    return a->is_presence ? memcmp(&a->presence, &b->presence, sizeof a->presence) == 0
                          : memcmp(&a->offender, &b->offender, sizeof a->offender) == 0;
}

/* ---- Notes ---- */

struct note_reader {
    struct dc_device *device;
    const struct dc_subject *subject;
    dc_on_note on_note;
    void *context;
    bool stopped;
};

static bool hand_out_note(struct note_reader *reader, const struct dc_note_read *note)
{
    if (!reader->subject || same_subject(reader->subject, &note->subject)) {
        reader->stopped = !reader->on_note(reader->context, note);
    }
    return !reader->stopped;
}

static bool read_note(void *context, const Doublecrew__V1__Row *row)
{
    struct dc_note_read note;

    row_read_note(row->note, &note);
    return hand_out_note(context, &note);
}

static bool read_own_note(void *context, const struct entry *entry, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Note *message = (const Doublecrew__V1__Note *)base;
    struct note_reader *reader = context;
    struct dc_note_read note = {.text = message->text,
                                .has_correction_of = message->corrects.len > 0,
                                .from_ms = entry->header.wall_ms,
                                .to_ms = entry->header.wall_ms,
                                .pending = entry->header.seq > reader->device->reflected_seq};

    if (holds_row(reader->device, 'n', &entry->hash)) {
        return true;
    }
    memcpy(note.note.bytes, entry->hash.bytes, HASH_SIZE);
    memcpy(note.officer.bytes, reader->device->officer.bytes, ID_SIZE);
    row_read_subject(message->subject, &note.subject);
    row_read_hash(message->corrects, &note.corrects);
    return hand_out_note(reader, &note);
}

enum dc_status dc_each_note(struct dc_device *device, const struct dc_subject *subject, dc_on_note on_row,
                            void *context)
{
    struct note_reader reader = {.device = device, .subject = subject, .on_note = on_row, .context = context};
    struct view_key key = view_key_all('n');
    enum status sealed = upkeep_check_readable(device);
    enum status status = STATUS_OK;

    if (sealed == STATUS_OK) {
        status = view_each(device, &key, DOUBLECREW__V1__ROW__ROW_NOTE, read_note, &reader, NULL);
    }
    if (status == STATUS_OK && !reader.stopped) {
        status = own_each(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_NOTE, read_own_note, &reader);
    }
    return public_status(status == STATUS_OK ? sealed : status);
}

/* ---- Fields ---- */

struct field_reader {
    struct dc_device *device;
    const struct dc_subject *subject;
    dc_on_field on_field;
    void *context;
    bool stopped;
    struct row_field *row; /* being put together */
    struct own_field known;
};

static bool replaced(const Doublecrew__V1__FieldEdit *edit, const struct dc_hash *head)
{
    for (size_t i = 0; i < edit->n_replaces; i++) {
        if (edit->replaces[i].len == HASH_SIZE && memcmp(edit->replaces[i].data, head->bytes, HASH_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

/* Texts of pending edits are borrowed from entries that are gone when the iteration is over: so they are copied. */
struct own_texts {
    struct field_reader *reader;
    char *texts[ROW_LIST_MAX];
    size_t count;
};

/* NULL: no memory, or no room; the change is shown by the next sync then. */
static const char *keep_text(struct own_texts *texts, const char *text)
{
    char *copy = texts->count < ROW_LIST_MAX ? strdup(text) : NULL;

    if (copy) {
        texts->texts[texts->count++] = copy;
    }
    return copy;
}

/* Takes away what it replaces, and stands first. */
static void add_head(struct own_texts *texts, const struct entry *entry, const Doublecrew__V1__FieldEdit *change)
{
    struct row_field *row = texts->reader->row;
    struct dc_field_head head = {.from_ms = entry->header.wall_ms,
                                 .to_ms = entry->header.wall_ms,
                                 .text = keep_text(texts, change->text),
                                 .pending = true};
    size_t kept = 0;

    if (!head.text) {
        return;
    }
    for (size_t i = 0; i < row->field.head_count; i++) {
        if (!replaced(change, &row->heads[i].edit)) {
            row->heads[kept++] = row->heads[i];
        }
    }
    kept = kept < ROW_LIST_MAX ? kept : ROW_LIST_MAX - 1;
    memmove(row->heads + 1, row->heads, kept * sizeof *row->heads);
    memcpy(head.edit.bytes, entry->hash.bytes, HASH_SIZE);
    memcpy(head.officer.bytes, texts->reader->device->officer.bytes, ID_SIZE);
    row->heads[0] = head;
    row->field.head_count = kept + 1;
}

static void remove_member(struct row_field *row, const char *value)
{
    size_t kept = 0;

    for (size_t i = 0; i < row->field.member_count; i++) {
        if (strcmp(row->members[i], value) != 0) {
            row->members[kept++] = row->members[i];
        }
    }
    row->field.member_count = kept;
}

static void change_set(struct own_texts *texts, const Doublecrew__V1__SetChange *set)
{
    struct row_field *row = texts->reader->row;

    for (size_t i = 0; i < set->n_remove; i++) {
        remove_member(row, set->remove[i]->value);
    }
    for (size_t i = 0; i < set->n_add; i++) {
        const char *member = keep_text(texts, set->add[i]);

        remove_member(row, set->add[i]); /* once, however often it was added */
        if (member && row->field.member_count < ROW_LIST_MAX) {
            row->members[row->field.member_count++] = member;
        }
    }
}

/* An own edit that isn't in the server's row yet. */
static bool add_own_edit(void *context, const struct entry *entry, const Doublecrew__V1__Edit *edit,
                         const Doublecrew__V1__FieldEdit *change)
{
    struct own_texts *texts = context;

    (void)edit;
    if (strcmp(change->field, texts->reader->row->field.field) != 0) {
        return true;
    }
    if (change->change_case == DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT) {
        add_head(texts, entry, change);
    } else if (change->change_case == DOUBLECREW__V1__FIELD_EDIT__CHANGE_SET) {
        change_set(texts, change->set);
    }
    return true;
}

static enum status hand_out_field(struct field_reader *reader, struct row_field *row)
{
    struct own_texts texts = {.reader = reader};
    enum status status;

    reader->row = row;
    status = own_each_field_edit(reader->device, &row->field.subject, add_own_edit, &texts);
    if (status == STATUS_OK) {
        reader->stopped = !reader->on_field(reader->context, &row->field);
    }
    for (size_t i = 0; i < texts.count; i++) {
        free(texts.texts[i]);
    }
    return status;
}

static bool read_field(void *context, const Doublecrew__V1__Row *row)
{
    struct field_reader *reader = context;
    struct row_field *field = calloc(1, sizeof *field);
    bool more = false;

    if (field) {
        row_read_field(row->field, field);
        more = reader->subject && !same_subject(reader->subject, &field->field.subject)
                   ? true
                   : hand_out_field(reader, field) == STATUS_OK && !reader->stopped;
    }
    free(field);
    return more;
}

/* Fields that only own edits know: each once, by its first edit that isn't in the server's rows. */
struct own_fields {
    struct field_reader *reader;
    uint64_t seen_seq;
    char names[LIST_MAX][VIEW_FIELD_NAME_MAX + 1];
    struct dc_subject subjects[LIST_MAX];
    size_t count;
};

static bool known_field(const struct own_fields *fields, const struct dc_subject *subject, const char *name)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (strcmp(fields->names[i], name) == 0 && same_subject(&fields->subjects[i], subject)) {
            return true;
        }
    }
    return false;
}

static bool collect_own_field(void *context, const struct entry *entry, const Doublecrew__V1__Edit *edit,
                              const Doublecrew__V1__FieldEdit *change)
{
    struct own_fields *fields = context;
    struct dc_subject subject;
    struct view_key key;
    uint64_t pos;
    uint64_t generation;

    (void)entry;
    row_read_subject(edit->subject, &subject);
    key = view_key_field(&subject, change->field);
    if (fields->count == LIST_MAX || strlen(change->field) > VIEW_FIELD_NAME_MAX ||
        known_field(fields, &subject, change->field) ||
        (upkeep_check_readable(fields->reader->device) == STATUS_OK &&
         store_row_place(fields->reader->device->store, view_key_span(&key), &pos, &generation) == STATUS_OK)) {
        return fields->count < LIST_MAX;
    }
    memcpy(fields->names[fields->count], change->field, strlen(change->field) + 1);
    fields->subjects[fields->count++] = subject;
    return true;
}

static enum status hand_out_own_fields(struct field_reader *reader)
{
    struct own_fields *fields = calloc(1, sizeof *fields);
    enum status status;

    if (!fields) {
        return STATUS_NO_MEMORY;
    }
    fields->reader = reader;
    status = own_each_field_edit(reader->device, reader->subject, collect_own_field, fields);
    for (size_t i = 0; i < fields->count && status == STATUS_OK && !reader->stopped; i++) {
        struct row_field *field = calloc(1, sizeof *field);

        if (!field) {
            status = STATUS_NO_MEMORY;
            break;
        }
        field->field = (struct dc_field){.subject = fields->subjects[i],
                                         .field = fields->names[i],
                                         .heads = field->heads,
                                         .members = field->members};
        status = hand_out_field(reader, field);
        free(field);
    }
    free(fields);
    return status;
}

enum dc_status dc_each_field(struct dc_device *device, const struct dc_subject *subject, dc_on_field on_row,
                             void *context)
{
    struct field_reader reader = {.device = device, .subject = subject, .on_field = on_row, .context = context};
    struct view_key key = subject ? view_key_field(subject, NULL) : view_key_all('e');
    enum status sealed = upkeep_check_readable(device);
    enum status status = STATUS_OK;

    if (sealed == STATUS_OK) {
        status = view_each(device, &key, DOUBLECREW__V1__ROW__ROW_FIELD, read_field, &reader, NULL);
    }
    if (status == STATUS_OK && !reader.stopped) {
        status = hand_out_own_fields(&reader);
    }
    return public_status(status == STATUS_OK ? sealed : status);
}

/* ---- Presences ---- */

#define PRESENCE_NEWS_MAX 64

struct presence_reader {
    struct dc_device *device;
    const struct dc_hash *only;
    dc_on_presence on_presence;
    void *context;
    bool stopped;
    size_t count;
    struct hash news[PRESENCE_NEWS_MAX]; /* own visits of which the log says more than the server's rows */
    size_t news_count;
};

static bool note_news(void *context, const struct entry *entry, const ProtobufCMessage *message)
{
    struct presence_reader *reader = context;
    struct hash presence;

    if (preview_is_news(reader->device, entry, message, &presence) && reader->news_count < PRESENCE_NEWS_MAX) {
        reader->news[reader->news_count++] = presence;
    }
    return true;
}

/* The server's row is behind what was recorded here since. */
static void preview_instead(struct presence_reader *reader, struct dc_presence *presence)
{
    struct hash id;

    memcpy(id.bytes, presence->presence.bytes, HASH_SIZE);
    for (size_t i = 0; i < reader->news_count; i++) {
        if (hash_equal(&reader->news[i], &id)) {
            struct dc_presence fresh;

            if (preview_presence(reader->device, &id, &fresh) == STATUS_OK) {
                fresh.received_ms = presence->received_ms;
                *presence = fresh;
            }
            return;
        }
    }
}

static bool read_presence(void *context, const Doublecrew__V1__Row *row)
{
    struct presence_reader *reader = context;
    struct dc_presence presence;

    row_read_presence(row->presence, &presence);
    presence.own = memcmp(presence.device.bytes, reader->device->identity.device.bytes, ID_SIZE) == 0;
    if (presence.own) {
        preview_instead(reader, &presence);
    }
    reader->count++;
    reader->stopped = !reader->on_presence(reader->context, &presence);
    return !reader->stopped;
}

static bool read_own_presence(void *context, const struct entry *entry, const ProtobufCMessage *message)
{
    struct presence_reader *reader = context;
    struct dc_presence presence;

    (void)message;
    if ((reader->only && memcmp(reader->only->bytes, entry->hash.bytes, HASH_SIZE) != 0) ||
        holds_row(reader->device, 'p', &entry->hash)) {
        return true;
    }
    if (preview_presence(reader->device, &entry->hash, &presence) != STATUS_OK) {
        return true; /* it can't be previewed; the next sync shows it */
    }
    presence.pending = entry->header.seq > reader->device->sync.durable_seq;
    reader->count++;
    reader->stopped = !reader->on_presence(reader->context, &presence);
    return !reader->stopped;
}

enum dc_status dc_each_presence(struct dc_device *device, const struct dc_hash *presence, dc_on_presence on_row,
                                void *context)
{
    struct presence_reader reader = {.device = device, .only = presence, .on_presence = on_row, .context = context};
    struct view_key key = presence ? view_key_hash('p', presence) : view_key_all('p');
    enum status sealed = upkeep_check_readable(device);
    enum status status = STATUS_OK;

    if (sealed == STATUS_OK) {
        status = own_each(device, 0, note_news, &reader);
    }
    if (sealed == STATUS_OK && status == STATUS_OK) {
        status = view_each(device, &key, DOUBLECREW__V1__ROW__ROW_PRESENCE, read_presence, &reader, NULL);
    }
    if (status == STATUS_OK && !reader.stopped) {
        status = own_each(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, read_own_presence, &reader);
    }
    if (presence && reader.count > 0) {
        sealed = STATUS_OK; /* the one asked for is an own one: nothing is missing */
    }
    if (status == STATUS_OK && sealed == STATUS_OK && presence && reader.count == 0) {
        status = STATUS_NOT_FOUND;
    }
    return public_status(status == STATUS_OK ? sealed : status);
}
