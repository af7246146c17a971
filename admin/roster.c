#include "admin/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/command.h"
#include "core/limits.h"
#include "doublecrew/v1/sync.pb-c.h"
#include "server/edge/store_sqlite.h"

#define ROSTER_PAGE 4096

/* Grows a list by one zeroed element. */
static void *grow(void **list, size_t *count, size_t *capacity, size_t size)
{
    if (*count == *capacity) {
        size_t wanted = *capacity == 0 ? 64 : 2 * *capacity;
        void *bigger = realloc(*list, wanted * size);
        if (bigger == NULL)
            return NULL;
        *list = bigger;
        *capacity = wanted;
    }

    void *element = (char *)*list + *count * size;

    memset(element, 0, size);
    (*count)++;
    return element;
}

struct roster_team *roster_team_add(struct roster *roster)
{
    void *list = roster->teams;
    struct roster_team *team = grow(&list, &roster->team_count, &roster->team_capacity, sizeof(*team));

    roster->teams = list;
    return team;
}

struct roster_officer *roster_officer_add(struct roster *roster)
{
    void *list = roster->officers;
    struct roster_officer *officer = grow(&list, &roster->officer_count, &roster->officer_capacity, sizeof(*officer));

    roster->officers = list;
    return officer;
}

struct roster_offender *roster_offender_add(struct roster *roster)
{
    void *list = roster->offenders;
    struct roster_offender *offender =
        grow(&list, &roster->offender_count, &roster->offender_capacity, sizeof(*offender));

    roster->offenders = list;
    return offender;
}

void roster_done(struct roster *roster)
{
    name_index_done(&roster->team_codes);
    name_index_done(&roster->team_ids);
    name_index_done(&roster->officer_codes);
    name_index_done(&roster->officer_ids);
    name_index_done(&roster->offender_references);
    free(roster->teams);
    free(roster->officers);
    free(roster->offenders);
    memset(roster, 0, sizeof(*roster));
}

static struct span text_span(const char *text)
{
    return span_of(text, strlen(text));
}

static struct span id_span(const struct id *id)
{
    return span_of(id->bytes, ID_SIZE);
}

struct roster_team *roster_team_by_code(struct roster *roster, const char *code)
{
    size_t place = 0;

    return name_index_find(&roster->team_codes, text_span(code), &place) ? &roster->teams[place] : NULL;
}

struct roster_team *roster_team_by_id(struct roster *roster, const struct id *id)
{
    size_t place = 0;

    return name_index_find(&roster->team_ids, id_span(id), &place) ? &roster->teams[place] : NULL;
}

struct roster_officer *roster_officer_by_code(struct roster *roster, const char *code)
{
    size_t place = 0;

    return name_index_find(&roster->officer_codes, text_span(code), &place) ? &roster->officers[place] : NULL;
}

struct roster_officer *roster_officer_by_id(struct roster *roster, const struct id *id)
{
    size_t place = 0;

    return name_index_find(&roster->officer_ids, id_span(id), &place) ? &roster->officers[place] : NULL;
}

struct roster_offender *roster_offender_by_reference(struct roster *roster, const char *reference)
{
    size_t place = 0;

    return name_index_find(&roster->offender_references, text_span(reference), &place) ? &roster->offenders[place]
                                                                                       : NULL;
}

/* The lists are whole and stay where they are. */
static enum status make_indexes(struct roster *roster)
{
    enum status status = STATUS_OK;
    size_t unused = 0;

    for (size_t i = 0; i < roster->team_count && status == STATUS_OK; i++) {
        const struct roster_team *team = &roster->teams[i];
        status = name_index_add(&roster->team_codes, text_span(team->code), i, &unused);
        if (status == STATUS_OK)
            status = name_index_add(&roster->team_ids, id_span(&team->id), i, &unused);
    }
    for (size_t i = 0; i < roster->officer_count && status == STATUS_OK; i++) {
        const struct roster_officer *officer = &roster->officers[i];
        status = name_index_add(&roster->officer_codes, text_span(officer->code), i, &unused);
        if (status == STATUS_OK)
            status = name_index_add(&roster->officer_ids, id_span(&officer->id), i, &unused);
    }
    for (size_t i = 0; i < roster->offender_count && status == STATUS_OK; i++)
        status = name_index_add(&roster->offender_references, text_span(roster->offenders[i].reference), i, &unused);
    return status;
}

static struct id id_of(ProtobufCBinaryData bytes)
{
    struct id id = {{0}};

    if (bytes.len == ID_SIZE)
        memcpy(id.bytes, bytes.data, ID_SIZE);
    return id;
}

static void take_text(char *ret_text, size_t size, const char *text)
{
    snprintf(ret_text, size, "%s", text);
}

static bool take_team(struct roster *roster, const Doublecrew__V1__Team *message)
{
    struct roster_team *team = roster_team_add(roster);

    if (team == NULL)
        return false;
    team->id = id_of(message->team_id);
    take_text(team->code, sizeof(team->code), message->code);
    take_text(team->name, sizeof(team->name), message->name);
    return true;
}

static bool take_officer(struct roster *roster, const Doublecrew__V1__Officer *message)
{
    struct roster_officer *officer = roster_officer_add(roster);

    if (officer == NULL)
        return false;
    officer->id = id_of(message->officer_id);
    take_text(officer->code, sizeof(officer->code), message->code);
    take_text(officer->name, sizeof(officer->name), message->name);
    officer->role = message->role;
    officer->accredited = message->accredited;
    officer->duty = message->duty;
    for (size_t i = 0; i < message->n_team_ids && i < ROSTER_TEAMS_MAX; i++)
        officer->teams[officer->team_count++] = id_of(message->team_ids[i]);
    officer->entitled_from_ms = message->entitled_from_ms;
    officer->entitled_to_ms = message->entitled_to_ms;
    return true;
}

static bool take_offender(struct roster *roster, const Doublecrew__V1__Offender *message)
{
    struct roster_offender *offender = roster_offender_add(roster);

    if (offender == NULL)
        return false;
    offender->id = id_of(message->offender_id);
    take_text(offender->reference, sizeof(offender->reference), message->reference);
    take_text(offender->register_reference, sizeof(offender->register_reference), message->register_reference);
    take_text(offender->arms_priority, sizeof(offender->arms_priority), message->arms_priority);
    offender->risk = message->risk;
    offender->team = id_of(message->team_id);
    offender->manager = id_of(message->manager_id);
    offender->has_place = message->place != NULL;
    if (message->place != NULL) {
        offender->latitude_e7 = message->place->latitude_e7;
        offender->longitude_e7 = message->place->longitude_e7;
    }
    offender->next_due_ms = message->next_due_ms;
    return true;
}

static bool take_row(struct roster *roster, const Doublecrew__V1__Row *row)
{
    switch (row->row_case) {
    case DOUBLECREW__V1__ROW__ROW_TEAM:
        return row->team->team == NULL || take_team(roster, row->team->team);
    case DOUBLECREW__V1__ROW__ROW_OFFICER:
        return row->officer->officer == NULL || take_officer(roster, row->officer->officer);
    case DOUBLECREW__V1__ROW__ROW_OFFENDER:
        return row->offender->offender == NULL || take_offender(roster, row->offender->offender);
    default:
        return true;
    }
}

struct reading {
    struct roster *roster;
    struct arena *arena;
    struct feed_cursor cursor;
    size_t rows;
};

static enum status on_row(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct reading *reading = context;
    ProtobufCMessage *message = NULL;
    enum status status;

    reading->rows++;
    reading->cursor.pos = effective_pos;
    reading->cursor.key_size = row->place.size;
    memcpy(reading->cursor.key, row->place.data, row->place.size);
    if (row->gone)
        return STATUS_OK;
    arena_reset(reading->arena, ARENA_FACTOR * row->row.size + ARENA_FLOOR);
    status = wire_unpack(reading->arena, &doublecrew__v1__row__descriptor, row->row, &message);
    if (status != STATUS_OK)
        return status;
    return take_row(reading->roster, (const Doublecrew__V1__Row *)message) ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status read_scopes(struct store *store, struct reading *reading, const struct scope_member *members,
                               size_t count)
{
    enum status status = STATUS_OK;

    reading->cursor = (struct feed_cursor){.pos = 0};
    do {
        reading->rows = 0;
        status = store->ops->feed_page(store, members, count, &reading->cursor, ROSTER_PAGE, on_row, reading);
    } while (status == STATUS_OK && reading->rows == ROSTER_PAGE);
    return status;
}

/* Teams and officers are everybody's rows; they name the teams whose rows the offenders are. */
static enum status read_all(struct store *store, struct reading *reading)
{
    struct scope_member member = {.scope = {.kind = SCOPE_FORCE}};
    enum status status = read_scopes(store, reading, &member, 1);
    struct roster *roster = reading->roster;

    for (size_t i = 0; i < roster->team_count && status == STATUS_OK; i++) {
        member.scope.kind = SCOPE_TEAM;
        member.scope.id = roster->teams[i].id;
        status = read_scopes(store, reading, &member, 1);
    }
    return status;
}

enum status roster_read(const struct force_folder *folder, struct roster *ret_roster)
{
    struct roster roster = {.teams = NULL};
    struct reading reading = {.roster = &roster};
    struct store *store = NULL;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_READER, &store);

    if (status == STATUS_OK)
        status = arena_new(&reading.arena);
    if (status == STATUS_OK)
        status = store->ops->begin_read(store);
    if (status == STATUS_OK) {
        status = read_all(store, &reading);
        store->ops->end_read(store);
    }
    if (status == STATUS_OK)
        status = make_indexes(&roster);
    arena_free(reading.arena);
    if (store != NULL)
        store->ops->close(store);
    if (status != STATUS_OK) {
        complain_status(status, "the roster could not be read from '%s'", folder->store);
        roster_done(&roster);
        return status;
    }
    *ret_roster = roster;
    return STATUS_OK;
}
