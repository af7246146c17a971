/* What officers write: notes, each their own account, and edits of fields, merged (M1, M2). */
#include "server/logic/batch_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/merge.h"

#define EDITS_MAX 512 /* of one field of one subject */
/* A field's key is a letter, the subject and the name. */
#define FIELD_NAME_MAX (STORE_VIEW_KEY_MAX - 1 - HASH_SIZE)

enum status edit_subject_find(struct batch *batch, ProtobufCBinaryData bytes, struct edit_subject *ret_subject)
{
    struct hash presence = pb_hash(bytes);
    struct presence_row row;
    struct offender_row offender;

    *ret_subject = (struct edit_subject){.offender = pb_id(bytes)};
    if (bytes.len == ID_SIZE)
        return batch->store->ops->offender_get(batch->store, &ret_subject->offender, &offender);
    RETURN_IF_BAD(batch->store->ops->presence_get(batch->store, &presence, &row));
    *ret_subject = (struct edit_subject){row.offender, row.officer};
    return STATUS_OK;
}

static enum status scopes_of_subject(struct batch *batch, const struct edit_subject *subject,
                                     struct scope_list *ret_scopes)
{
    return scopes_of_offender(batch, &subject->offender, ret_scopes);
}

enum status apply_note(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Note *message = (const Doublecrew__V1__Note *)base;
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__NoteRow note = DOUBLECREW__V1__NOTE_ROW__INIT;
    struct view_key key = view_key_of_hash('n', &applying->entry->hash);
    struct fact_stamp stamp;
    struct edit_subject subject;
    struct scope_list scopes;
    struct bounds bounds;
    bool trouble;
    enum status status = edit_subject_find(batch, message->subject, &subject);

    if (status == STATUS_NOT_FOUND) {
        struct hash awaited = pb_hash(message->subject);

        applying->held = "unknown_subject";
        if (message->subject.len == ID_SIZE)
            awaited = awaited_offender(&subject.offender);
        return wait_for(batch, applying, &awaited);
    }
    RETURN_IF_BAD(status);
    stamp_of(applying, NULL, &stamp);
    RETURN_IF_BAD(bounds_of_stamp(batch, &applying->log, &stamp, &bounds, &trouble));
    note.note = pb_from_hash(&applying->entry->hash);
    note.subject = message->subject;
    note.officer_id = pb_from_id(&applying->device->officer);
    note.text = message->text;
    note.corrects = message->corrects;
    note.from_ms = bounds.lo_us == INT64_MIN ? 0 : bounds.lo_us / 1000;
    note.to_ms = bounds.hi_us == INT64_MAX ? 0 : bounds.hi_us / 1000;
    row.row_case = DOUBLECREW__V1__ROW__ROW_NOTE;
    row.note = &note;
    RETURN_IF_BAD(scopes_of_subject(batch, &subject, &scopes));
    RETURN_IF_BAD(feed_publish_about(batch, message->subject, &key, batch->next.pos, &row, &scopes));
    return pattern_edited(batch, message->subject, &bounds);
}

/* One edit of the field as it is stored, opened. */
struct stored_edit {
    struct edit_row row; /* its body is not kept */
    const Doublecrew__V1__FieldEdit *edit;
    struct stored_edit *next;
};

/* All edits of one field, as merge and the row want them: first gathered and counted, then laid out. */
struct field_edits {
    struct arena *arena;
    struct stored_edit *first;
    struct stored_edit **end;
    size_t edit_count;
    size_t change_count;
    struct merge_edit *edits;         /* of text */
    Doublecrew__V1__FieldHead *heads; /* one for each of them */
    struct merge_set_change *changes;
    Doublecrew__V1__FieldHead *change_heads; /* one for each change of the set */
};

static enum status gather_edit(void *context, const struct edit_row *row)
{
    struct field_edits *all = context;
    struct stored_edit *stored = arena_alloc(all->arena, sizeof(*stored));
    ProtobufCMessage *message;

    if (stored == NULL)
        return STATUS_OVER_LIMIT;
    RETURN_IF_BAD(wire_unpack(all->arena, &doublecrew__v1__field_edit__descriptor, row->body, &message));
    stored->row = *row;
    stored->row.body = span_of(NULL, 0);
    stored->edit = (const Doublecrew__V1__FieldEdit *)message;
    *all->end = stored;
    all->end = &stored->next;
    if (stored->edit->change_case == DOUBLECREW__V1__FIELD_EDIT__CHANGE_SET)
        all->change_count += stored->edit->set->n_add + stored->edit->set->n_remove;
    else
        all->edit_count++;
    return all->edit_count > EDITS_MAX || all->change_count > EDITS_MAX ? STATUS_OVER_LIMIT : STATUS_OK;
}

static const struct hash *copy_hashes(struct arena *arena, const ProtobufCBinaryData *hashes, size_t count)
{
    struct hash *copies = arena_alloc(arena, (count + 1) * sizeof(*copies));

    for (size_t i = 0; copies != NULL && i < count; i++)
        copies[i] = pb_hash(hashes[i]);
    return copies;
}

static enum status lay_out_set(struct field_edits *all, const struct hash *entry, const Doublecrew__V1__FieldHead *head,
                               const Doublecrew__V1__SetChange *set)
{
    for (size_t i = 0; i < set->n_add + set->n_remove; i++) {
        struct merge_set_change *change = &all->changes[all->change_count];

        *change = (struct merge_set_change){.id = *entry, .add = i < set->n_add};
        all->change_heads[all->change_count++] = *head;
        if (change->add) {
            all->change_heads[all->change_count - 1].text = set->add[i];
            change->value = span_of(set->add[i], strlen(set->add[i]));
        } else {
            const Doublecrew__V1__SetRemoval *removal = set->remove[i - set->n_add];

            change->value = span_of(removal->value, strlen(removal->value));
            change->seen = copy_hashes(all->arena, removal->additions_seen, removal->n_additions_seen);
            change->seen_count = removal->n_additions_seen;
            if (change->seen == NULL)
                return STATUS_OVER_LIMIT;
        }
    }
    return STATUS_OK;
}

static enum status lay_out_edit(struct field_edits *all, const struct stored_edit *stored)
{
    const Doublecrew__V1__FieldEdit *edit = stored->edit;
    const struct edit_row *row = &stored->row;
    Doublecrew__V1__FieldHead head = DOUBLECREW__V1__FIELD_HEAD__INIT;
    struct merge_edit *merge = &all->edits[all->edit_count];

    head.edit = pb_from_hash(&row->entry);
    head.officer_id = pb_from_id(&row->officer);
    head.from_ms = row->lower_us == INT64_MIN ? 0 : row->lower_us / 1000;
    head.to_ms = row->upper_us == INT64_MAX ? 0 : row->upper_us / 1000;
    if (edit->change_case == DOUBLECREW__V1__FIELD_EDIT__CHANGE_SET)
        return lay_out_set(all, &row->entry, &head, edit->set);
    *merge = (struct merge_edit){.id = row->entry,
                                 .lower_us = row->lower_us,
                                 .replaces = copy_hashes(all->arena, edit->replaces, edit->n_replaces),
                                 .replaces_count = edit->n_replaces};
    if (merge->replaces == NULL)
        return STATUS_OVER_LIMIT;
    if (edit->change_case == DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT)
        head.text = edit->text;
    all->heads[all->edit_count++] = head;
    return STATUS_OK;
}

static enum status lay_out(struct field_edits *all)
{
    all->edits = arena_alloc(all->arena, (all->edit_count + 1) * sizeof(*all->edits));
    all->heads = arena_alloc(all->arena, (all->edit_count + 1) * sizeof(*all->heads));
    all->changes = arena_alloc(all->arena, (all->change_count + 1) * sizeof(*all->changes));
    all->change_heads = arena_alloc(all->arena, (all->change_count + 1) * sizeof(*all->change_heads));
    if (all->edits == NULL || all->heads == NULL || all->changes == NULL || all->change_heads == NULL)
        return STATUS_OVER_LIMIT;
    all->edit_count = 0;
    all->change_count = 0;
    for (const struct stored_edit *stored = all->first; stored != NULL; stored = stored->next)
        RETURN_IF_BAD(lay_out_edit(all, stored));
    return STATUS_OK;
}

static enum status fill_heads(struct field_edits *all, Doublecrew__V1__FieldRow *row)
{
    size_t *heads = arena_alloc(all->arena, (all->edit_count + 1) * sizeof(*heads));

    /* A list of pointers, as protobuf-c has it. NOLINTNEXTLINE(bugprone-sizeof-expression) */
    row->heads = arena_alloc(all->arena, (all->edit_count + all->change_count + 1) * sizeof(*row->heads));
    if (heads == NULL || row->heads == NULL)
        return STATUS_OVER_LIMIT;
    RETURN_IF_BAD(merge_heads(all->edits, all->edit_count, heads, &row->n_heads));
    for (size_t i = 0; i < row->n_heads; i++)
        row->heads[i] = &all->heads[heads[i]];
    return STATUS_OK;
}

/* The members, and as heads every addition that stands: whoever removes a member has to name them all (M1). */
static enum status fill_members(struct field_edits *all, Doublecrew__V1__FieldRow *row)
{
    size_t *additions = arena_alloc(all->arena, (all->change_count + 1) * sizeof(*additions));
    size_t count;

    row->set_members = arena_alloc(all->arena, (all->change_count + 1) * sizeof(*row->set_members));
    if (additions == NULL || row->set_members == NULL)
        return STATUS_OVER_LIMIT;
    RETURN_IF_BAD(merge_set_additions(all->changes, all->change_count, additions, &count));
    for (size_t i = 0; i < count; i++) {
        Doublecrew__V1__FieldHead *head = &all->change_heads[additions[i]];

        row->heads[row->n_heads++] = head;
        if (row->n_set_members == 0 || strcmp(row->set_members[row->n_set_members - 1], head->text) != 0)
            row->set_members[row->n_set_members++] = head->text;
    }
    return STATUS_OK;
}

static enum status publish_field(struct batch *batch, uint64_t pos, ProtobufCBinaryData subject_bytes,
                                 const struct edit_subject *subject, char *field)
{
    struct field_edits all = {.arena = batch->arena};
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__FieldRow field_row = DOUBLECREW__V1__FIELD_ROW__INIT;
    struct view_key key = {.bytes = {'e'}, .size = 1 + subject_bytes.len + strlen(field)};
    struct scope_list scopes;

    all.end = &all.first;
    RETURN_IF_BAD(batch->store->ops->edits_of(batch->store, span_of(subject_bytes.data, subject_bytes.len), field,
                                              gather_edit, &all));
    RETURN_IF_BAD(lay_out(&all));
    memcpy(key.bytes + 1, subject_bytes.data, subject_bytes.len);
    memcpy(key.bytes + 1 + subject_bytes.len, field, strlen(field));
    field_row.subject = subject_bytes;
    field_row.field = field;
    RETURN_IF_BAD(fill_heads(&all, &field_row));
    RETURN_IF_BAD(fill_members(&all, &field_row));
    row.row_case = DOUBLECREW__V1__ROW__ROW_FIELD;
    row.field = &field_row;
    RETURN_IF_BAD(scopes_of_subject(batch, subject, &scopes));
    return feed_publish_about(batch, subject_bytes, &key, pos, &row, &scopes);
}

enum status edit_undo(struct batch *batch, const Doublecrew__V1__Edit *message)
{
    struct edit_subject subject;
    enum status status = edit_subject_find(batch, message->subject, &subject);

    for (size_t i = 0; status == STATUS_OK && i < message->n_fields; i++) {
        if (strlen(message->fields[i]->field) <= FIELD_NAME_MAX)
            status = publish_field(batch, batch->next.pos, message->subject, &subject, message->fields[i]->field);
        if (status == STATUS_OVER_LIMIT)
            status = STATUS_OK; /* as when it was applied: the row doesn't follow */
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status edit_in_scope(struct batch *batch, const struct officer_row *author, const struct edit_subject *subject,
                          bool *ret_in_scope)
{
    struct offender_row offender;

    RETURN_IF_BAD(batch->store->ops->offender_get(batch->store, &subject->offender, &offender));
    *ret_in_scope = id_equal(&subject->officer, &author->officer) || id_equal(&offender.manager, &author->officer);
    for (size_t i = 0; i < author->team_count; i++)
        *ret_in_scope = *ret_in_scope || id_equal(&author->teams[i], &offender.team);
    return STATUS_OK;
}

static bool fields_fit(const Doublecrew__V1__Edit *message)
{
    for (size_t i = 0; i < message->n_fields; i++) {
        if (strlen(message->fields[i]->field) > FIELD_NAME_MAX)
            return false;
        for (size_t j = 0; j < i; j++) {
            if (strcmp(message->fields[i]->field, message->fields[j]->field) == 0)
                return false;
        }
    }
    return true;
}

static enum status put_field(struct batch *batch, const struct edit_effect *effect, const Doublecrew__V1__Edit *message,
                             const Doublecrew__V1__FieldEdit *field)
{
    struct edit_row row = {.entry = effect->entry,
                           .officer = effect->officer,
                           .lower_us = effect->bounds.lo_us,
                           .upper_us = effect->bounds.hi_us,
                           .let_by = effect->let_by};
    uint8_t *bytes;
    size_t size;
    enum status status;

    RETURN_IF_BAD(wire_pack(&field->base, &bytes, &size));
    row.body = span_of(bytes, size);
    status = batch->store->ops->edit_put(batch->store, span_of(message->subject.data, message->subject.len),
                                         field->field, &row);
    free(bytes);
    return status;
}

enum status edit_take_effect(struct batch *batch, const struct edit_effect *effect, const Doublecrew__V1__Edit *message,
                             const struct edit_subject *subject)
{
    enum status result = STATUS_OK;

    for (size_t i = 0; i < message->n_fields; i++) {
        enum status status;

        RETURN_IF_BAD(put_field(batch, effect, message, message->fields[i]));
        status = publish_field(batch, effect->pos, message->subject, subject, message->fields[i]->field);
        if (status == STATUS_OVER_LIMIT)
            result = status;
        else
            RETURN_IF_BAD(status);
    }
    return result;
}

enum status apply_edit(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Edit *message = (const Doublecrew__V1__Edit *)base;
    struct edit_effect effect = {
        .entry = applying->entry->hash, .officer = applying->author.officer, .pos = batch->next.pos};
    struct fact_stamp stamp;
    struct edit_subject subject;
    bool trouble, inside = false;
    enum status status;

    if (!fields_fit(message)) {
        applying->held = "malformed_payload";
        return STATUS_OK;
    }
    stamp_of(applying, NULL, &stamp);
    RETURN_IF_BAD(bounds_of_stamp(batch, &applying->log, &stamp, &effect.bounds, &trouble));
    status = edit_subject_find(batch, message->subject, &subject);
    if (status == STATUS_OK)
        status = edit_in_scope(batch, &applying->author, &subject, &inside);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !inside)) {
        applying->held = "out_of_scope"; /* the same words for unknown: the reply reveals nothing (P4) */
        return propose(batch, &effect, message, &subject);
    }
    RETURN_IF_BAD(status);
    status = edit_take_effect(batch, &effect, message, &subject);
    if (status == STATUS_OK)
        return pattern_edited(batch, message->subject, &effect.bounds);
    if (status == STATUS_OVER_LIMIT)
        applying->held = "over_limit"; /* kept, but the row no longer follows */
    return status == STATUS_OVER_LIMIT ? STATUS_OK : status;
}
