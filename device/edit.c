/*
 * Edits (M1): what an edit replaces is what is known here: the server's heads, and this log's own edits since, which
 * nothing replaces yet. Whoever edits says so by hashes; no clock decides.
 */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/payload.h"
#include "device/device.h"
#include "device/messages.h"
#include "device/own_log.h"
#include "device/view_key.h"

#define REMOVALS_MAX 64

struct one_change {
    Doublecrew__V1__FieldEdit edit;
    Doublecrew__V1__SetChange set;
    Doublecrew__V1__SetRemoval removal;
    Doublecrew__V1__SetRemoval *removals[1];
    char *added[1];
    struct own_field known;
    ProtobufCBinaryData replaces[LIST_MAX];
};

static void list_hashes(const struct hash *hashes, size_t count, ProtobufCBinaryData *ret_list)
{
    for (size_t i = 0; i < count; i++) {
        ret_list[i] = message_bytes(hashes[i].bytes, HASH_SIZE);
    }
}

static void fill_set(const struct dc_field_change *change, struct one_change *ret)
{
    doublecrew__v1__set_change__init(&ret->set);
    ret->edit.change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_SET;
    ret->edit.set = &ret->set;
    if (change->change == DC_CHANGE_SET_ADD) {
        ret->added[0] = message_text(change->value);
        ret->set.n_add = 1;
        ret->set.add = ret->added;
        return;
    }
    doublecrew__v1__set_removal__init(&ret->removal);
    ret->removal.value = message_text(change->value);
    list_hashes(ret->known.additions, ret->known.addition_count, ret->replaces);
    ret->removal.n_additions_seen = ret->known.addition_count;
    ret->removal.additions_seen = ret->replaces;
    ret->removals[0] = &ret->removal;
    ret->set.n_remove = 1;
    ret->set.remove = ret->removals;
}

static enum status fill(struct dc_device *device, const struct dc_subject *subject,
                        const struct dc_field_change *change, struct one_change *ret)
{
    enum status status;

    if (!change->field || !change->field[0] || strlen(change->field) > VIEW_FIELD_NAME_MAX || !change->value) {
        return STATUS_INPUT;
    }
    status = own_field_read(device, subject, change->field, change->value, &ret->known);
    if (status != STATUS_OK) {
        return status;
    }
    doublecrew__v1__field_edit__init(&ret->edit);
    ret->edit.field = message_text(change->field);
    if (change->change != DC_CHANGE_TEXT) {
        fill_set(change, ret);
        return STATUS_OK;
    }
    ret->edit.change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT;
    ret->edit.text = message_text(change->value);
    list_hashes(ret->known.heads, ret->known.head_count, ret->replaces);
    ret->edit.n_replaces = ret->known.head_count;
    ret->edit.replaces = ret->replaces;
    return STATUS_OK;
}

enum dc_status dc_edit(struct dc_device *device, const struct dc_subject *subject,
                       const struct dc_field_change *changes, size_t count, struct dc_hash *ret_entry)
{
    Doublecrew__V1__Edit message = DOUBLECREW__V1__EDIT__INIT;
    Doublecrew__V1__FieldEdit *list[LIST_MAX];
    struct one_change *filled;
    struct hash entry;
    enum status status = STATUS_OK;

    if (count == 0 || count > LIST_MAX) {
        return DC_INPUT;
    }
    filled = calloc(count, sizeof *filled);
    if (!filled) {
        return DC_NO_MEMORY;
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = fill(device, subject, &changes[i], &filled[i]);
        list[i] = &filled[i].edit;
    }
    message.subject = message_subject(subject);
    message.n_fields = count;
    message.fields = list;
    if (status == STATUS_OK) {
        status = device_append_message(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_EDIT, &message.base, &entry);
    }
    free(filled);
    if (status == STATUS_OK && ret_entry) {
        memcpy(ret_entry->bytes, entry.bytes, HASH_SIZE);
    }
    return public_status(status);
}
