/*
 * Flags that wait for a device since before it connected: raised, not acknowledged, beyond what it has (A1).
 */
#include <stdlib.h>
#include <string.h>

#include "core/wire.h"
#include "core/wire_read.h"
#include "server/logic/session_internal.h"
#include "server/logic/session_page.h"

#define ROW_POS 1u
#define ROW_FLAG 7u
#define FLAG_ROW_STATE 6u
#define FLAG_ROW_QUIET 27u
/* Rows of these scopes looked at: they hold flags and little else, so this is years of them. */
#define ROWS_LOOKED_AT_MAX 4096

/* A number of a message; 0: it isn't there. */
static uint64_t number_in(struct span message, uint32_t number)
{
    while (message.size > 0) {
        struct wire_field field;

        if (wire_read_field(&message, &field) != STATUS_OK)
            return 0;
        if (field.number == number)
            return field.value;
    }
    return 0;
}

static enum status each_row(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct session_greeting *greeting = context;
    struct session_pending_flag *flag = &greeting->flags[greeting->flag_count];
    struct span flag_row;

    (void)effective_pos; /* clients compare rows by the pos of their change */
    if (row->gone || row->key.size != 1 + HASH_SIZE || row->key.data[0] != 'f')
        return STATUS_OK;
    if (wire_find(row->row, ROW_FLAG, &flag_row) != STATUS_OK || number_in(flag_row, FLAG_ROW_STATE) != FLAG_RAISED)
        return STATUS_OK;
    if (number_in(flag_row, FLAG_ROW_QUIET) != 0)
        return STATUS_OK; /* until the working hours begin (A2) */
    flag->bytes = session_frame_flag(number_in(row->row, ROW_POS), flag_row, &flag->size);
    if (flag->bytes == NULL)
        return STATUS_NO_MEMORY;
    memcpy(flag->flag.bytes, row->key.data + 1, HASH_SIZE);
    greeting->flag_count++;
    return greeting->flag_count == SESSION_PENDING_FLAGS_MAX ? STATUS_CANCELLED : STATUS_OK;
}

enum status session_pending_read(struct store *store, struct session_greeting *greeting)
{
    struct scope_member members[SESSION_SCOPES_MAX];
    size_t count = 0;
    enum status status;

    for (size_t i = 0; i < greeting->look.member_count; i++) {
        const struct scope_member *member = &greeting->look.members[i];

        if (member->left_pos == 0 && member->scope.kind != SCOPE_FORCE && member->scope.kind != SCOPE_TEAM)
            members[count++] = *member;
    }
    if (count == 0)
        return STATUS_OK;
    status = store->ops->feed_page(store, members, count, &greeting->after, ROWS_LOOKED_AT_MAX, each_row, greeting);
    return status == STATUS_CANCELLED ? STATUS_OK : status;
}
