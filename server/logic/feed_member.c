/* Whose device sees which scope, and rows that follow an offender or an officer to another team (P1, P4). */
#include "server/logic/cover.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_ROWS 256

/* What a device is a member of: more than one row may lie in. */
struct wanted_list {
    struct scope scopes[STORE_SCOPES_OWN_MAX + STORE_SCOPES_COVER_MAX];
    size_t count;
    size_t max;
};

static void add(struct wanted_list *list, enum scope_kind kind, const struct id *id)
{
    struct scope scope = {kind, *id};

    for (size_t i = 0; i < list->count; i++) {
        if (scope_equal(&list->scopes[i], &scope))
            return;
    }
    if (list->count < list->max)
        list->scopes[list->count++] = scope;
}

/* What goes with somebody's place. */
static void add_place(struct wanted_list *list, const struct officer_row *officer)
{
    const struct id everybody = {{0}};

    for (size_t i = 0; i < officer->team_count; i++) {
        add(list, SCOPE_TEAM, &officer->teams[i]);
        if (officer->role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR)
            add(list, SCOPE_SUPERVISORS, &officer->teams[i]);
        if (officer->role == DOUBLECREW__V1__ROLE__ROLE_LEADER)
            add(list, SCOPE_LEADERS, &officer->teams[i]);
    }
    if (officer->role == DOUBLECREW__V1__ROLE__ROLE_LEADER)
        add(list, SCOPE_LEADERS, &everybody);
    if (officer->duty)
        add(list, SCOPE_DUTY, &everybody);
}

/* They have it beside their own, for as long as they stand in. */
static enum status add_covered(struct batch *batch, const struct officer_row *officer, struct wanted_list *list)
{
    struct cover_links links;
    enum status status;

    if (!cover_may_stand_in(officer))
        return STATUS_OK;
    status = cover_links_read(batch, batch->phase_time_us, batch->phase_time_us, &links);
    for (size_t i = 0; i < links.count && status == STATUS_OK; i++) {
        struct cover_path path;
        struct officer_row away;

        if (!cover_path_of(&links, &links.items[i].officer, &path) ||
            !id_equal(cover_path_end(&path), &officer->officer))
            continue;
        status = batch->store->ops->officer_get(batch->store, &links.items[i].officer, &away);
        if (status == STATUS_OK)
            add_place(list, &away);
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    cover_links_done(&links);
    return status;
}

static enum status scopes_of_member(struct batch *batch, const struct device_row *device,
                                    struct wanted_list *ret_scopes)
{
    const struct id everybody = {{0}};
    struct officer_row officer;
    enum status status = STATUS_NOT_FOUND;

    ret_scopes->count = 0;
    ret_scopes->max = STORE_SCOPES_OWN_MAX;
    if (device->standing == DEVICE_SUSPENDED || device->standing == DEVICE_LOST)
        return STATUS_OK; /* it must give back all that it holds (D1) */
    if (!id_is_zero(&device->officer))
        status = batch->store->ops->officer_get(batch->store, &device->officer, &officer);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    add(ret_scopes, SCOPE_FORCE, &everybody);
    add(ret_scopes, SCOPE_OFFICER, &officer.officer);
    add_place(ret_scopes, &officer);
    ret_scopes->max = ret_scopes->count + STORE_SCOPES_COVER_MAX;
    return add_covered(batch, &officer, ret_scopes);
}

/* A device's memberships, past ones too; the store's limit and what one refresh may add. */
struct member_list {
    struct scope_member members[STORE_SCOPES_MAX + STORE_SCOPES_OWN_MAX + STORE_SCOPES_COVER_MAX];
    size_t count;
};

static_assert(STORE_SCOPES_LEFT_MAX + STORE_SCOPES_OWN_MAX + STORE_SCOPES_COVER_MAX <= STORE_SCOPES_MAX,
              "what is kept must fit the store's limit");

static enum status leave_unwanted(struct batch *batch, const struct id *device, const struct wanted_list *wanted,
                                  uint64_t pos, struct member_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct scope_member *member = &list->members[i];
        bool stays = member->left_pos != 0;

        for (size_t j = 0; j < wanted->count && !stays; j++)
            stays = scope_equal(&member->scope, &wanted->scopes[j]);
        if (stays)
            continue;
        member->left_pos = pos;
        RETURN_IF_BAD(batch->store->ops->scope_member_put(batch->store, device, member));
    }
    return STATUS_OK;
}

/* For the first time, or again: all that the scope holds then comes anew. */
static enum status enter_wanted(struct batch *batch, const struct id *device, const struct wanted_list *wanted,
                                uint64_t pos, struct member_list *list)
{
    for (size_t i = 0; i < wanted->count; i++) {
        struct scope_member *member;
        size_t at = 0;

        while (at < list->count && !scope_equal(&list->members[at].scope, &wanted->scopes[i]))
            at++;
        member = &list->members[at];
        if (at < list->count && member->left_pos == 0)
            continue;
        list->count += at == list->count;
        *member = (struct scope_member){.scope = wanted->scopes[i], .entered_pos = pos};
        RETURN_IF_BAD(batch->store->ops->scope_member_put(batch->store, device, member));
    }
    return STATUS_OK;
}

static struct scope_member *left_first(struct member_list *list, size_t *ret_left_count)
{
    struct scope_member *first = NULL;

    *ret_left_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct scope_member *member = &list->members[i];

        if (member->left_pos == 0)
            continue;
        ++*ret_left_count;
        if (first == NULL || member->left_pos < first->left_pos)
            first = member;
    }
    return first;
}

/* A pool phone passes through many hands: only a device that missed all of the remembered departures keeps rows. */
static enum status forget_oldest(struct batch *batch, const struct id *device, struct member_list *list)
{
    size_t left_count;
    struct scope_member *first = left_first(list, &left_count);

    while (left_count > STORE_SCOPES_LEFT_MAX) {
        RETURN_IF_BAD(batch->store->ops->scope_member_forget(batch->store, device, &first->scope));
        *first = list->members[--list->count];
        first = left_first(list, &left_count);
    }
    return STATUS_OK;
}

enum status feed_member_refresh(struct batch *batch, const struct device_row *device, uint64_t pos)
{
    struct member_list list;
    struct wanted_list wanted;

    RETURN_IF_BAD(scopes_of_member(batch, device, &wanted));
    RETURN_IF_BAD(batch->store->ops->scopes_of_device(batch->store, &device->device, list.members, STORE_SCOPES_MAX,
                                                      &list.count));
    RETURN_IF_BAD(leave_unwanted(batch, &device->device, &wanted, pos, &list));
    RETURN_IF_BAD(enter_wanted(batch, &device->device, &wanted, pos, &list));
    return forget_oldest(batch, &device->device, &list);
}

/* Keys of the rows of one scope that belong to an offender. */
struct key_list {
    struct batch *batch;
    const struct id *offender;
    struct view_key *keys;
    size_t count;
    size_t capacity;
    struct hash *bundled; /* presences of which some of these rows lie in the bundle */
    size_t bundled_count;
    size_t bundled_capacity;
    struct feed_cursor cursor;
    size_t seen;
};

/* Rows of one bundle follow one another. */
static enum status note_bundle(struct key_list *list, struct span place)
{
    struct span group_key;
    struct hash presence;
    uint16_t ordinal;
    uint64_t pos;

    if (!bundle_place_open(place, &group_key, &ordinal) || !bundle_key_open(group_key, &presence, &pos))
        return STATUS_OK;
    if (list->bundled_count > 0 && hash_equal(&list->bundled[list->bundled_count - 1], &presence))
        return STATUS_OK;
    RETURN_IF_BAD(batch_list_room((void **)&list->bundled, &list->bundled_capacity, list->bundled_count,
                                  sizeof(list->bundled[0])));
    list->bundled[list->bundled_count++] = presence;
    return STATUS_OK;
}

static enum status offender_of_subject(struct batch *batch, struct span subject, struct id *ret_offender)
{
    struct presence_row presence;
    struct hash hash;

    if (subject.size == ID_SIZE)
        return id_from_span(subject, ret_offender);
    RETURN_IF_BAD(hash_from_span(subject, &hash));
    RETURN_IF_BAD(batch->store->ops->presence_get(batch->store, &hash, &presence));
    *ret_offender = presence.offender;
    return STATUS_OK;
}

static struct span span_of_pb(ProtobufCBinaryData bytes)
{
    return span_of(bytes.data, bytes.len);
}

/* NOT_FOUND: the row belongs to no offender. */
static enum status offender_of_row(struct batch *batch, const Doublecrew__V1__Row *row, struct id *ret_offender)
{
    switch (row->row_case) {
    case DOUBLECREW__V1__ROW__ROW_OFFENDER:
        *ret_offender = pb_id(row->offender->offender->offender_id);
        return STATUS_OK;
    case DOUBLECREW__V1__ROW__ROW_PRESENCE:
        *ret_offender = pb_id(row->presence->offender_id);
        return STATUS_OK;
    case DOUBLECREW__V1__ROW__ROW_PLAN:
        *ret_offender = pb_id(row->plan->plan->offender_id);
        return STATUS_OK;
    case DOUBLECREW__V1__ROW__ROW_FLAG:
        *ret_offender = pb_id(row->flag->offender_id);
        return STATUS_OK;
    case DOUBLECREW__V1__ROW__ROW_AUTHORITY_REQUEST:
        *ret_offender = pb_id(row->authority_request->asked->offender_id);
        return STATUS_OK;
    case DOUBLECREW__V1__ROW__ROW_NOTE:
        return offender_of_subject(batch, span_of_pb(row->note->subject), ret_offender);
    case DOUBLECREW__V1__ROW__ROW_FIELD:
        return offender_of_subject(batch, span_of_pb(row->field->subject), ret_offender);
    case DOUBLECREW__V1__ROW__ROW_PROPOSAL:
        return offender_of_subject(batch, span_of_pb(row->proposal->subject), ret_offender);
    default:
        return STATUS_NOT_FOUND;
    }
}

static enum status unpack_row(struct batch *batch, struct span packed, Doublecrew__V1__Row **ret_row)
{
    ProtobufCMessage *message;

    arena_reset(batch->scratch, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(wire_unpack(batch->scratch, &doublecrew__v1__row__descriptor, packed, &message));
    *ret_row = (Doublecrew__V1__Row *)message;
    return STATUS_OK;
}

static enum status collect(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct key_list *list = context;
    struct view_key key = {.size = row->key.size};
    Doublecrew__V1__Row *message;
    struct id offender;
    enum status status;

    memcpy(key.bytes, row->key.data, row->key.size);
    list->cursor.pos = effective_pos;
    list->cursor.key_size = row->place.size;
    memcpy(list->cursor.key, row->place.data, row->place.size);
    list->seen++;
    if (row->gone)
        return STATUS_OK;
    if (list->offender == NULL && key.bytes[0] != 'a')
        return STATUS_OK;
    RETURN_IF_BAD(unpack_row(list->batch, row->row, &message));
    status = offender_of_row(list->batch, message, &offender);
    if (status != STATUS_OK || (list->offender != NULL && !id_equal(&offender, list->offender)))
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    RETURN_IF_BAD(note_bundle(list, row->place));
    RETURN_IF_BAD(batch_list_room((void **)&list->keys, &list->capacity, list->count, sizeof(key)));
    list->keys[list->count++] = key;
    return STATUS_OK;
}

static enum status collect_scope(struct key_list *list, const struct scope *scope)
{
    struct scope_member member = {.scope = *scope};

    memset(&list->cursor, 0, sizeof(list->cursor));
    do {
        struct feed_cursor after = list->cursor;

        list->seen = 0;
        RETURN_IF_BAD(
            list->batch->store->ops->feed_page(list->batch->store, &member, 1, &after, PAGE_ROWS, collect, list));
    } while (list->seen == PAGE_ROWS);
    return STATUS_OK;
}

static enum status scopes_of_view(struct batch *batch, const struct view_key *key, struct scope_list *ret_scopes)
{
    struct view_row view;
    Doublecrew__V1__Row *row;
    struct id offender, officer = {{0}};

    RETURN_IF_BAD(batch->store->ops->view_get(batch->store, span_of(key->bytes, key->size), &view));
    RETURN_IF_BAD(unpack_row(batch, view.row, &row));
    RETURN_IF_BAD(offender_of_row(batch, row, &offender));
    if (row->row_case == DOUBLECREW__V1__ROW__ROW_FLAG)
        return scopes_of_flag(batch, row->flag, ret_scopes);
    if (row->row_case == DOUBLECREW__V1__ROW__ROW_AUTHORITY_REQUEST) {
        officer = pb_id(row->authority_request->asked->officer_id);
        return scopes_of_request(batch, &offender, &officer, ret_scopes);
    }
    if (row->row_case == DOUBLECREW__V1__ROW__ROW_PROPOSAL) {
        officer = pb_id(row->proposal->officer_id);
        return scopes_of_proposal(batch, &offender, &officer, ret_scopes);
    }
    if (row->row_case == DOUBLECREW__V1__ROW__ROW_PRESENCE)
        officer = pb_id(row->presence->officer_id);
    return scopes_of_presence(batch, &offender, &officer, ret_scopes);
}

static enum status rescope_all(struct batch *batch, const struct key_list *list, uint64_t pos)
{
    for (size_t i = 0; i < list->count; i++) {
        struct scope_list scopes;

        RETURN_IF_BAD(scopes_of_view(batch, &list->keys[i], &scopes));
        RETURN_IF_BAD(feed_rescope(batch, span_of(list->keys[i].bytes, list->keys[i].size), pos, &scopes));
    }
    return STATUS_OK;
}

/* Rare (a transfer), so a walk through the old team's rows is enough. */
enum status feed_offender_moved(struct batch *batch, const struct id *offender, const struct id *old_team, uint64_t pos)
{
    struct key_list list = {.batch = batch, .offender = offender};
    struct scope team = {SCOPE_TEAM, *old_team};
    struct scope supervisors = {SCOPE_SUPERVISORS, *old_team};
    enum status status = STATUS_OK;

    if (!id_is_zero(old_team)) {
        status = collect_scope(&list, &team);
        if (status == STATUS_OK)
            status = collect_scope(&list, &supervisors);
    }
    for (size_t i = 0; i < list.bundled_count && status == STATUS_OK; i++)
        status = feed_unbundle(batch, &list.bundled[i]);
    if (status == STATUS_OK)
        status = rescope_all(batch, &list, pos);
    free(list.bundled);
    free(list.keys);
    return status;
}

static enum status collect_presence(void *context, const struct presence_row *row)
{
    struct key_list *list = context;

    RETURN_IF_BAD(batch_list_room((void **)&list->keys, &list->capacity, list->count, sizeof(*list->keys)));
    list->keys[list->count++] = view_key_of_hash('p', &row->presence);
    return STATUS_OK;
}

/* The flags on something go where its officer's supervisors are; so does, that nobody acknowledged one of them (A3). */
static enum status add_flags(struct key_list *list, const struct hash *subject)
{
    struct flag_row flags[FLAG_KIND_COUNT];
    struct hash ids[FLAG_KIND_COUNT];
    size_t count;

    RETURN_IF_BAD(list->batch->store->ops->flags_on(list->batch->store, subject, flags, FLAG_KIND_COUNT, &count));
    for (size_t i = 0; i < count; i++) {
        RETURN_IF_BAD(batch_list_room((void **)&list->keys, &list->capacity, list->count, sizeof(*list->keys)));
        list->keys[list->count++] = view_key_of_hash('f', &flags[i].flag);
        ids[i] = flags[i].flag;
    }
    for (size_t i = 0; i < count; i++)
        RETURN_IF_BAD(add_flags(list, &ids[i]));
    return STATUS_OK;
}

static enum status add_flags_on_devices(struct key_list *list, const struct id *officer)
{
    struct device_row devices[LOGIC_DEVICES_MAX];
    size_t count;

    RETURN_IF_BAD(
        list->batch->store->ops->devices_of_officer(list->batch->store, officer, devices, LOGIC_DEVICES_MAX, &count));
    for (size_t i = 0; i < count; i++) {
        struct hash subject = flag_subject_of_id(&devices[i].device);

        RETURN_IF_BAD(add_flags(list, &subject));
    }
    return STATUS_OK;
}

static enum status rescope_known(struct batch *batch, const struct key_list *list, uint64_t pos)
{
    for (size_t i = 0; i < list->count; i++) {
        struct scope_list scopes;
        enum status status = scopes_of_view(batch, &list->keys[i], &scopes);

        if (status == STATUS_NOT_FOUND)
            continue; /* not derived yet: it will go where it belongs */
        RETURN_IF_BAD(status);
        RETURN_IF_BAD(feed_rescope(batch, span_of(list->keys[i].bytes, list->keys[i].size), pos, &scopes));
    }
    return STATUS_OK;
}

enum status feed_officer_moved(struct batch *batch, const struct id *officer, uint64_t pos)
{
    struct key_list list = {.batch = batch};
    struct scope own = {SCOPE_OFFICER, *officer};
    enum status status =
        batch->store->ops->presences_of(batch->store, officer, INT64_MIN, INT64_MAX, collect_presence, &list);
    size_t presences = list.count;

    for (size_t i = 0; i < presences && status == STATUS_OK; i++) {
        struct hash subject;

        memcpy(subject.bytes, list.keys[i].bytes + 1, HASH_SIZE);
        status = add_flags(&list, &subject);
    }
    if (status == STATUS_OK)
        status = add_flags_on_devices(&list, officer);
    if (status == STATUS_OK)
        status = collect_scope(&list, &own); /* requests (L1): the officer has always their own */
    if (status == STATUS_OK)
        status = rescope_known(batch, &list, pos);
    free(list.keys);
    return status;
}
