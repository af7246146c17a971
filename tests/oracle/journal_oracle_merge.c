/* Fields and notes, by their definition (M1, M2): heads are the edits that nothing replaces. */
#include <stdlib.h>
#include <string.h>

#include "server/logic/bundle.h"
#include "tests/oracle/journal_oracle_parts.h"

/* One edit of one field. */
struct edit {
    const struct jo_entry *entry;
    const Doublecrew__V1__FieldEdit *field;
};

struct field {
    ProtobufCBinaryData subject;
    const char *name;
    JO_LIST(struct edit) edits;
};

struct head {
    const struct jo_entry *entry;
    const char *text;
};

struct heads {
    JO_LIST(struct head) items;
};

static bool is_set(const struct edit *edit)
{
    return edit->field->change_case == DOUBLECREW__V1__FIELD_EDIT__CHANGE_SET;
}

static bool replaces(const struct edit *edit, const struct hash *hash)
{
    for (size_t i = 0; i < edit->field->n_replaces; i++) {
        struct hash replaced = jo_hash(edit->field->replaces[i]);

        if (hash_equal(&replaced, hash))
            return true;
    }
    return false;
}

/* A removal takes away the additions of that value that its author saw. */
static bool removes(const struct edit *edit, const struct hash *hash, const char *value)
{
    const Doublecrew__V1__SetChange *set = is_set(edit) ? edit->field->set : NULL;

    for (size_t i = 0; set != NULL && i < set->n_remove; i++) {
        for (size_t k = 0; strcmp(set->remove[i]->value, value) == 0 && k < set->remove[i]->n_additions_seen; k++) {
            struct hash seen = jo_hash(set->remove[i]->additions_seen[k]);

            if (hash_equal(&seen, hash))
                return true;
        }
    }
    return false;
}

static bool is_replaced(const struct field *field, const struct edit *edit)
{
    for (size_t i = 0; i < field->edits.count; i++) {
        if (!is_set(&field->edits.items[i]) && replaces(&field->edits.items[i], &edit->entry->hash))
            return true;
    }
    return false;
}

static bool is_removed(const struct field *field, const struct edit *edit, const char *value)
{
    for (size_t i = 0; i < field->edits.count; i++) {
        if (removes(&field->edits.items[i], &edit->entry->hash, value))
            return true;
    }
    return false;
}

static void find_heads(const struct field *field, struct heads *heads)
{
    for (size_t i = 0; i < field->edits.count; i++) {
        const struct edit *edit = &field->edits.items[i];

        if (!is_set(edit)) {
            if (!is_replaced(field, edit))
                JO_ADD(&heads->items, (struct head){edit->entry, edit->field->text});
            continue;
        }
        for (size_t k = 0; k < edit->field->set->n_add; k++) {
            const char *value = edit->field->set->add[k];

            if (!is_removed(field, edit, value))
                JO_ADD(&heads->items, (struct head){edit->entry, value});
        }
    }
}

static bool has_head(const Doublecrew__V1__FieldRow *row, const struct head *head)
{
    for (size_t i = 0; i < row->n_heads; i++) {
        struct hash edit = jo_hash(row->heads[i]->edit);

        if (hash_equal(&edit, &head->entry->hash) && strcmp(row->heads[i]->text, head->text) == 0)
            return true;
    }
    return false;
}

static bool has_member(const Doublecrew__V1__FieldRow *row, const char *value)
{
    for (size_t i = 0; i < row->n_set_members; i++) {
        if (strcmp(row->set_members[i], value) == 0)
            return true;
    }
    return false;
}

/* The head to show: the greatest (lower time bound, hash), by the bounds that the row itself gives. */
static bool first_is_greatest(const Doublecrew__V1__FieldRow *row)
{
    for (size_t i = 1; i < row->n_heads; i++) {
        const Doublecrew__V1__FieldHead *first = row->heads[0], *other = row->heads[i];

        if (other->from_ms > first->from_ms)
            return false;
        if (other->from_ms == first->from_ms && memcmp(other->edit.data, first->edit.data, HASH_SIZE) > 0 &&
            other->to_ms == first->to_ms)
            return false;
    }
    return true;
}

static const char *compare_heads(const struct field *field, const struct heads *heads,
                                 const Doublecrew__V1__FieldRow *row, char *text, size_t size)
{
    bool set = false;

    for (size_t i = 0; i < heads->items.count; i++) {
        const struct head *head = &heads->items.items[i];

        set = false;
        for (size_t k = 0; k < field->edits.count; k++)
            set = set || (field->edits.items[k].entry == head->entry && is_set(&field->edits.items[k]));
        if (!set && !has_head(row, head))
            return jo_say(text, size, "field '%s': the edit %s isn't among its heads", field->name,
                          jo_show(head->entry));
        if (set && !has_member(row, head->text))
            return jo_say(text, size, "field '%s': '%s' of %s isn't a member", field->name, head->text,
                          jo_show(head->entry));
    }
    for (size_t i = 0; i < row->n_heads; i++) {
        struct hash edit = jo_hash(row->heads[i]->edit);
        bool known = false;

        for (size_t k = 0; k < heads->items.count; k++)
            known = known || hash_equal(&heads->items.items[k].entry->hash, &edit);
        if (!known)
            return jo_say(text, size, "field '%s': a head %02x%02x%02x%02x that something replaces", field->name,
                          edit.bytes[0], edit.bytes[1], edit.bytes[2], edit.bytes[3]);
    }
    for (size_t i = 0; i < row->n_set_members; i++) {
        bool known = false;

        for (size_t k = 0; k < heads->items.count; k++)
            known = known || strcmp(heads->items.items[k].text, row->set_members[i]) == 0;
        if (!known)
            return jo_say(text, size, "field '%s': '%s' isn't a member any more", field->name, row->set_members[i]);
    }
    if (!set && !first_is_greatest(row))
        return jo_say(text, size, "field '%s': another head is to be shown first", field->name);
    return NULL;
}

static const char *compare_field(const struct field *field, struct store *store, char *text, size_t size)
{
    uint8_t key[STORE_VIEW_KEY_MAX] = {'e'};
    size_t key_size = 1 + field->subject.len + strlen(field->name);
    struct heads heads = {.items = {NULL, 0, 0}};
    Doublecrew__V1__Row *row = NULL;
    struct view_row view;
    const char *found = NULL;
    enum status status;

    if (key_size > sizeof(key))
        return NULL;
    memcpy(key + 1, field->subject.data, field->subject.len);
    memcpy(key + 1 + field->subject.len, field->name, strlen(field->name));
    status = bundle_view_get(store, span_of(field->subject.data, field->subject.len), span_of(key, key_size), &view);
    if (status == STATUS_OK)
        row = doublecrew__v1__row__unpack(NULL, view.row.size, view.row.data);
    if (row == NULL && field->edits.count == 0)
        return NULL; /* only contested edits, and the fork was known before them */
    if (row == NULL || row->row_case != DOUBLECREW__V1__ROW__ROW_FIELD) {
        found = jo_say(text, size, "field '%s' of %02x%02x%02x%02x: no row: %s", field->name, field->subject.data[0],
                       field->subject.data[1], field->subject.data[2], field->subject.data[3], status_name(status));
    } else {
        find_heads(field, &heads);
        found = compare_heads(field, &heads, row->field, text, size);
    }
    if (row != NULL)
        doublecrew__v1__row__free_unpacked(row, NULL);
    free(heads.items.items);
    return found;
}

struct fields {
    JO_LIST(struct field) items;
};

static struct field *field_named(struct fields *fields, ProtobufCBinaryData subject, const char *name)
{
    for (size_t i = 0; i < fields->items.count; i++) {
        struct field *field = &fields->items.items[i];

        if (span_equal(span_of(field->subject.data, field->subject.len), span_of(subject.data, subject.len)) &&
            strcmp(field->name, name) == 0)
            return field;
    }
    JO_ADD(&fields->items, (struct field){.subject = subject, .name = name});
    return &fields->items.items[fields->items.count - 1];
}

const char *jo_compare_fields(const struct jo *jo, struct store *store, struct journal_oracle_report *report,
                              char *text, size_t size)
{
    struct fields fields = {.items = {NULL, 0, 0}};
    const char *found = NULL;

    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];
        const Doublecrew__V1__Edit *edit = (const Doublecrew__V1__Edit *)entry->message;

        if (entry->header.kind != JO_KIND(EDIT) || edit == NULL)
            continue;
        for (size_t k = 0; k < edit->n_fields && (entry->contested || jo_edit_counts(jo, entry)); k++) {
            struct field *field = field_named(&fields, edit->subject, edit->fields[k]->field);

            if (!entry->contested)
                JO_ADD(&field->edits, (struct edit){entry, edit->fields[k]});
        }
    }
    for (size_t i = 0; i < fields.items.count; i++) {
        report->fields++;
        if (found == NULL)
            found = compare_field(&fields.items.items[i], store, text, size);
        free(fields.items.items[i].edits.items);
    }
    free(fields.items.items);
    return found;
}

/* M2: each note stands as its author wrote it. */
static const char *compare_note(const struct jo *jo, const struct jo_entry *entry, struct store *store, char *text,
                                size_t size)
{
    const Doublecrew__V1__Note *note = (const Doublecrew__V1__Note *)entry->message;
    uint8_t key[1 + HASH_SIZE] = {'n'};
    struct id author = jo_author(jo, entry), officer;
    Doublecrew__V1__Row *row = NULL;
    struct view_row view;
    const char *what = "no row";

    memcpy(key + 1, entry->hash.bytes, HASH_SIZE);
    if (bundle_view_get(store, span_of(note->subject.data, note->subject.len), span_of(key, sizeof(key)), &view) ==
        STATUS_OK)
        row = doublecrew__v1__row__unpack(NULL, view.row.size, view.row.data);
    if (row != NULL && row->row_case == DOUBLECREW__V1__ROW__ROW_NOTE) {
        officer = jo_id(row->note->officer_id);
        what = strcmp(row->note->text, note->text) != 0 ? "other words"
               : !id_equal(&officer, &author)           ? "another author"
               : row->note->subject.len != note->subject.len ||
                       memcmp(row->note->subject.data, note->subject.data, note->subject.len) != 0
                   ? "another subject"
                   : NULL;
    }
    if (row != NULL)
        doublecrew__v1__row__free_unpacked(row, NULL);
    return what == NULL ? NULL : jo_say(text, size, "note %s: %s", jo_show(entry), what);
}

bool jo_note_counts(const struct jo *jo, const struct jo_entry *entry)
{
    struct id team;

    return entry->header.kind == JO_KIND(NOTE) && entry->message != NULL &&
           jo_team_of_subject(jo, ((const Doublecrew__V1__Note *)entry->message)->subject, UINT64_MAX, &team);
}

const char *jo_compare_notes(const struct jo *jo, struct store *store, struct journal_oracle_report *report, char *text,
                             size_t size)
{
    const char *found = NULL;

    for (size_t i = 0; found == NULL && i < jo->entries.count; i++) {
        if (!jo_note_counts(jo, &jo->entries.items[i]))
            continue;
        report->notes++;
        found = compare_note(jo, &jo->entries.items[i], store, text, size);
    }
    return found;
}
