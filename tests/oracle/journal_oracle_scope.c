/*
 * Who must hold which rows (P1, P4; PROTOCOL.md section 7), from the roster as it is at the end: teams, officers and policy
 * go to everyone; offenders, plans, presences, fields and notes to the offender's team, presences also to the officer's
 * teams; flags to the supervisors of these teams and to the officer whom they are about. A field that only
 * contested edits made (without heads) is there or not, as the fork was known later or sooner.
 */
#include <stdlib.h>
#include <string.h>

#include "server/logic/bundle.h"
#include "server/logic/flags.h"
#include "tests/oracle/journal_oracle_parts.h"

static bool in_team(const struct jo *jo, const struct id *officer, const struct id *team, uint64_t pos)
{
    const struct jo_officer *row = jo_officer_as_of(jo, officer, pos);

    for (size_t i = 0; row != NULL && row->message != NULL && i < row->message->n_team_ids; i++) {
        struct id own = jo_id(row->message->team_ids[i]);

        if (id_equal(&own, team))
            return true;
    }
    return false;
}

static bool share_a_team(const struct jo *jo, const struct id *a, const struct id *b, uint64_t pos)
{
    const struct jo_officer *row = jo_officer_as_of(jo, a, pos);

    for (size_t i = 0; row != NULL && row->message != NULL && i < row->message->n_team_ids; i++) {
        struct id team = jo_id(row->message->team_ids[i]);

        if (in_team(jo, b, &team, pos))
            return true;
    }
    return false;
}

static bool supervises(const struct jo *jo, const struct id *officer)
{
    const struct jo_officer *row = jo_officer_as_of(jo, officer, UINT64_MAX);

    return row != NULL && row->message != NULL && row->message->role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR;
}

static const struct jo_presence *presence_named(const struct jo *jo, const struct hash *check_in)
{
    for (size_t i = 0; i < jo->presences.count; i++) {
        if (hash_equal(&jo->entries.items[jo->presences.items[i].entry].hash, check_in))
            return &jo->presences.items[i];
    }
    return NULL;
}

struct id jo_team_of(const struct jo *jo, const struct id *offender, uint64_t pos)
{
    struct id team = {{0}};

    for (size_t i = 0; i < jo->offenders.count; i++) {
        const struct jo_offender *version = &jo->offenders.items[i];

        if (id_equal(&version->id, offender) && (version->pos <= pos || id_is_zero(&team)))
            team = jo_id(version->message->team_id);
    }
    return team;
}

static struct id team_of(const struct jo *jo, const struct id *offender)
{
    return jo_team_of(jo, offender, UINT64_MAX);
}

bool jo_supervises(const struct jo *jo, const struct jo_entry *entry, const struct id *officer,
                   const struct id *offender)
{
    struct id author = jo_author(jo, entry), team = jo_team_of(jo, offender, entry->pos);

    return in_team(jo, &author, &team, entry->pos) || share_a_team(jo, &author, officer, entry->pos);
}

bool jo_team_of_subject(const struct jo *jo, ProtobufCBinaryData subject, uint64_t pos, struct id *ret_team)
{
    struct id offender = jo_id(subject);
    struct hash hash = jo_hash(subject);

    if (subject.len == HASH_SIZE) {
        const struct jo_presence *presence = presence_named(jo, &hash);

        if (presence == NULL)
            return false;
        offender = presence->offender;
    }
    if (jo_offender(jo, &offender) == NULL)
        return false;
    *ret_team = jo_team_of(jo, &offender, pos);
    return true;
}

/* P4: the offender's team edits, and each officer their own visit. */
static bool may_edit(const struct jo *jo, const struct jo_entry *entry, ProtobufCBinaryData subject)
{
    struct id author = jo_author(jo, entry), team;
    struct hash hash = jo_hash(subject);
    const struct jo_presence *presence = subject.len == HASH_SIZE ? presence_named(jo, &hash) : NULL;

    if (presence != NULL && id_equal(&presence->officer, &author))
        return true;
    return jo_team_of_subject(jo, subject, entry->pos, &team) && in_team(jo, &author, &team, entry->pos);
}

bool jo_is_proposal(const struct jo *jo, const struct jo_entry *entry)
{
    const Doublecrew__V1__Edit *edit = (const Doublecrew__V1__Edit *)entry->message;

    return entry->header.kind == JO_KIND(EDIT) && edit != NULL && entry->own && jo_permitted(jo, entry) &&
           !may_edit(jo, entry, edit->subject);
}

static bool may_answer(const struct jo *jo, const struct jo_entry *answer, const struct jo_entry *proposal)
{
    struct id who = jo_author(jo, answer), author = jo_author(jo, proposal), team;
    const struct jo_officer *row = jo_officer_as_of(jo, &who, answer->pos);
    uint32_t role = row != NULL && row->message != NULL ? (uint32_t)row->message->role : 0;

    return !id_equal(&who, &author) &&
           (role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR || role == DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER) &&
           jo_team_of_subject(jo, ((const Doublecrew__V1__Edit *)proposal->message)->subject, answer->pos, &team) &&
           in_team(jo, &who, &team, answer->pos);
}

/* The first answer stands. */
static bool is_taken_over(const struct jo *jo, const struct jo_entry *proposal)
{
    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];
        const Doublecrew__V1__ProposalAnswer *answer = (const Doublecrew__V1__ProposalAnswer *)entry->message;
        struct hash of;

        if (entry->header.kind != JO_KIND(PROPOSAL_ANSWER) || answer == NULL || !jo_permitted(jo, entry))
            continue;
        of = jo_hash(answer->proposal);
        if (hash_equal(&of, &proposal->hash) && may_answer(jo, entry, proposal))
            return answer->accepted;
    }
    return false;
}

bool jo_edit_counts(const struct jo *jo, const struct jo_entry *entry)
{
    const Doublecrew__V1__Edit *edit = (const Doublecrew__V1__Edit *)entry->message;
    struct id team;

    return entry->header.kind == JO_KIND(EDIT) && edit != NULL && entry->own && jo_permitted(jo, entry) &&
           jo_team_of_subject(jo, edit->subject, UINT64_MAX, &team) &&
           (may_edit(jo, entry, edit->subject) || is_taken_over(jo, entry));
}

/* The view as one officer must have it --------------------------------------------------------------------------------- */

struct scope_walk {
    const struct jo *jo;
    struct store *store;
    struct id officer;
    journal_oracle_row *each;
    void *context;
    const char *missing; /* a row that should be there and isn't */
    char text[160];
};

/* about: of a note or a field, else empty. */
static void give_or(struct scope_walk *walk, struct span about, char letter, const void *id, size_t id_size,
                    const char *name, bool may_be_missing)
{
    uint8_t key[STORE_VIEW_KEY_MAX] = {(uint8_t)letter};
    size_t name_size = strlen(name), size = 1 + id_size + name_size;
    struct view_row view;
    char hex[2 * STORE_VIEW_KEY_MAX + 1];

    if (size > sizeof(key))
        return;
    memcpy(key + 1, id, id_size);
    /* A key has no terminator. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(key + 1 + id_size, name, name_size);
    if (bundle_view_get(walk->store, about, span_of(key, size), &view) == STATUS_OK) {
        walk->each(walk->context, span_of(key, size), view.row);
    } else if (walk->missing == NULL && !may_be_missing) {
        hex_encode(span_of(key + 1, id_size < 16 ? id_size : 16), hex);
        walk->missing =
            jo_say(walk->text, sizeof(walk->text), "no row %c %.8s%s%s", letter, hex, name[0] ? " " : "", name);
    }
}

static void give(struct scope_walk *walk, char letter, const void *id, size_t id_size, const char *name)
{
    give_or(walk, span_of(NULL, 0), letter, id, id_size, name, false);
}

static void give_force(struct scope_walk *walk)
{
    const struct jo *jo = walk->jo;

    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];

        if (entry->message == NULL || !jo_permitted(jo, entry))
            continue;
        if (entry->header.kind == JO_KIND(TEAM)) {
            struct id team = jo_id(((const Doublecrew__V1__Team *)entry->message)->team_id);

            give(walk, 't', team.bytes, ID_SIZE, "");
        }
    }
    for (size_t i = 0; i < jo->officers.count; i++) {
        give(walk, 'o', jo->officers.items[i].id.bytes, ID_SIZE, "");
    }
    for (size_t i = 1; i < jo->policies.count; i++) {
        uint8_t version[4];

        put_u32(version, jo->policies.items[i].version);
        give(walk, 'y', version, sizeof(version), "");
    }
}

static void give_offenders(struct scope_walk *walk)
{
    const struct jo *jo = walk->jo;

    for (size_t i = 0; i < jo->offenders.count; i++) {
        struct id team = team_of(jo, &jo->offenders.items[i].id);

        if (in_team(jo, &walk->officer, &team, UINT64_MAX))
            give(walk, 'x', jo->offenders.items[i].id.bytes, ID_SIZE, "");
    }
    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];
        const Doublecrew__V1__Plan *plan = (const Doublecrew__V1__Plan *)entry->message;
        struct id id, offender, team;

        if (entry->header.kind != JO_KIND(PLAN) || plan == NULL || !jo_permitted(jo, entry))
            continue;
        id = jo_id(plan->plan_id);
        offender = jo_id(plan->offender_id);
        if (jo_offender(jo, &offender) == NULL || jo_plan_named(jo, &id) != plan)
            continue;
        team = team_of(jo, &offender);
        if (in_team(jo, &walk->officer, &team, UINT64_MAX))
            give(walk, 'l', id.bytes, ID_SIZE, "");
    }
}

/* How far a flag has gone up isn't judged here; whom it must be shown to then, is (A1). */
static bool escalated_to(const struct scope_walk *walk, const struct flag_row *flag, const struct id *officer,
                         const struct id *team)
{
    const struct jo_officer *me = jo_officer_as_of(walk->jo, &walk->officer, UINT64_MAX);
    Doublecrew__V1__FlagRow *row = doublecrew__v1__flag_row__unpack(NULL, flag->body.size, flag->body.data);
    bool leads = me != NULL && me->message != NULL && me->message->role == DOUBLECREW__V1__ROLE__ROLE_LEADER;
    bool near = share_a_team(walk->jo, &walk->officer, officer, UINT64_MAX) ||
                (team != NULL && in_team(walk->jo, &walk->officer, team, UINT64_MAX));
    uint32_t level = row != NULL ? (uint32_t)row->level : 0;

    if (row != NULL)
        doublecrew__v1__flag_row__free_unpacked(row, NULL);
    if (leads && level >= (near ? DOUBLECREW__V1__FLAG_LEVEL__FLAG_LEVEL_LEADERS
                                : DOUBLECREW__V1__FLAG_LEVEL__FLAG_LEVEL_ANY_LEADER))
        return true;
    return me != NULL && me->message != NULL && me->message->duty &&
           level >= DOUBLECREW__V1__FLAG_LEVEL__FLAG_LEVEL_DUTY;
}

/* The flags on a subject, and the flags that nobody acknowledged these (A3): their subjects are flags. */
static struct id officer_of_flag(const struct flag_row *flag)
{
    Doublecrew__V1__FlagRow *row = doublecrew__v1__flag_row__unpack(NULL, flag->body.size, flag->body.data);
    struct id officer = row != NULL ? jo_id(row->officer_id) : (struct id){{0}};

    if (row != NULL)
        doublecrew__v1__flag_row__free_unpacked(row, NULL);
    return officer;
}

static bool is_mine(const struct scope_walk *walk, const struct id *officer, const struct id *team)
{
    return id_equal(officer, &walk->officer) ||
           (supervises(walk->jo, &walk->officer) &&
            (share_a_team(walk->jo, &walk->officer, officer, UINT64_MAX) ||
             (team != NULL && in_team(walk->jo, &walk->officer, team, UINT64_MAX))));
}

static void give_flags(struct scope_walk *walk, const struct hash *subject, const struct id *team)
{
    struct flag_row rows[FLAG_KIND_COUNT];
    size_t count = 0;
    struct hash flags[FLAG_KIND_COUNT];
    bool seen[FLAG_KIND_COUNT];

    if (walk->store->ops->flags_on(walk->store, subject, rows, FLAG_KIND_COUNT, &count) != STATUS_OK)
        return;
    for (size_t i = 0; i < count; i++) {               /* the bodies last until the store is asked again */
        struct id officer = officer_of_flag(&rows[i]); /* of a device: whoever had it then */

        flags[i] = rows[i].flag;
        seen[i] = is_mine(walk, &officer, team) || escalated_to(walk, &rows[i], &officer, team);
    }
    for (size_t i = 0; i < count; i++) {
        if (seen[i])
            give(walk, 'f', flags[i].bytes, HASH_SIZE, "");
        give_flags(walk, &flags[i], team);
    }
}

static void give_presences(struct scope_walk *walk)
{
    const struct jo *jo = walk->jo;

    for (size_t i = 0; i < jo->presences.count; i++) {
        const struct jo_presence *p = &jo->presences.items[i];
        const struct hash *id = &jo->entries.items[p->entry].hash;
        struct id team = team_of(jo, &p->offender);

        if (in_team(jo, &walk->officer, &team, UINT64_MAX) || share_a_team(jo, &walk->officer, &p->officer, UINT64_MAX))
            give(walk, 'p', id->bytes, HASH_SIZE, "");
        give_flags(walk, id, &team);
    }
    for (size_t i = 0; i < jo->enrolments.count; i++) { /* a phone that never pushed can be lost as well */
        struct hash subject = {{0}};

        memcpy(subject.bytes, jo->enrolments.items[i].device.bytes, ID_SIZE);
        give_flags(walk, &subject, NULL);
    }
    for (size_t i = 0; i < jo->officers.count; i++) { /* pairs of officers who are always the same two */
        for (size_t k = 0; k < jo->officers.count; k++) {
            const struct id *a = &jo->officers.items[i].id, *b = &jo->officers.items[k].id;
            struct span parts[] = {span_of("pair", 5), span_of(a->bytes, ID_SIZE), span_of(b->bytes, ID_SIZE)};
            struct hash subject;

            if (memcmp(a->bytes, b->bytes, ID_SIZE) < 0 && sha256_parts(jo->sha, parts, 3, &subject) == STATUS_OK)
                give_flags(walk, &subject, NULL);
        }
    }
}

static void give_texts(struct scope_walk *walk)
{
    const struct jo *jo = walk->jo;

    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];
        const Doublecrew__V1__Edit *edit = (const Doublecrew__V1__Edit *)entry->message;
        const Doublecrew__V1__Note *note = (const Doublecrew__V1__Note *)entry->message;
        struct id team;

        if (jo_note_counts(jo, entry) && jo_team_of_subject(jo, note->subject, UINT64_MAX, &team) &&
            in_team(jo, &walk->officer, &team, UINT64_MAX))
            give_or(walk, span_of(note->subject.data, note->subject.len), 'n', entry->hash.bytes, HASH_SIZE, "", false);
        if (entry->header.kind != JO_KIND(EDIT) || edit == NULL || (!entry->contested && !jo_edit_counts(jo, entry)) ||
            !jo_team_of_subject(jo, edit->subject, UINT64_MAX, &team) ||
            !in_team(jo, &walk->officer, &team, UINT64_MAX))
            continue;
        for (size_t k = 0; k < edit->n_fields; k++)
            give_or(walk, span_of(edit->subject.data, edit->subject.len), 'e', edit->subject.data, edit->subject.len,
                    edit->fields[k]->field, entry->contested);
    }
}

/* L1: like a flag about the officer who asks. A carried one of a branch is there or not, as the fork was known. */
static void give_requests(struct scope_walk *walk)
{
    const struct jo *jo = walk->jo;

    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];
        const Doublecrew__V1__AuthorityRequest *request = (const Doublecrew__V1__AuthorityRequest *)entry->message;
        struct id officer, offender, author, team;

        if (entry->header.kind != JO_KIND(AUTHORITY_REQUEST) || request == NULL ||
            !(jo_permitted(jo, entry) || (entry->contested && !entry->own)))
            continue;
        officer = jo_id(request->officer_id);
        offender = jo_id(request->offender_id);
        author = jo_author(jo, entry);
        if (!id_equal(&officer, &author) || jo_offender(jo, &offender) == NULL)
            continue;
        team = team_of(jo, &offender);
        if (id_equal(&officer, &walk->officer) ||
            (supervises(jo, &walk->officer) && (share_a_team(jo, &walk->officer, &officer, UINT64_MAX) ||
                                                in_team(jo, &walk->officer, &team, UINT64_MAX))))
            give_or(walk, span_of(NULL, 0), 'a', entry->hash.bytes, HASH_SIZE, "", entry->contested);
    }
}

static void give_proposals(struct scope_walk *walk)
{
    const struct jo *jo = walk->jo;

    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];
        struct id author, team;

        if (!jo_is_proposal(jo, entry))
            continue;
        author = jo_author(jo, entry);
        if (id_equal(&author, &walk->officer) ||
            (jo_team_of_subject(jo, ((const Doublecrew__V1__Edit *)entry->message)->subject, UINT64_MAX, &team) &&
             in_team(jo, &walk->officer, &team, UINT64_MAX)))
            give(walk, 'q', entry->hash.bytes, HASH_SIZE, "");
    }
}

/* Every key once or more. */
const char *jo_scope_of(const struct jo *jo, struct store *store, const struct jo_enrolment *device,
                        journal_oracle_row *each, void *context, char *text, size_t size)
{
    struct scope_walk walk = {.jo = jo, .store = store, .officer = device->officer, .each = each, .context = context};

    if (jo_is_out(jo, &device->device, UINT64_MAX)) /* D1: it holds nothing; an expired one is held to what it had */
        return NULL;

    give_force(&walk);
    give_offenders(&walk);
    give_presences(&walk);
    give_texts(&walk);
    give_proposals(&walk);
    give_requests(&walk);
    return walk.missing == NULL ? NULL : jo_say(text, size, "%s", walk.missing);
}

/* The feed against it -------------------------------------------------------------------------------------------------- */

struct keys {
    JO_LIST(struct jo_key) items;
};

static int by_key(const void *left, const void *right)
{
    const struct jo_key *a = left, *b = right;
    size_t shorter = a->size < b->size ? a->size : b->size;
    int order = memcmp(a->bytes, b->bytes, shorter);

    return order != 0 ? order : a->size < b->size ? -1 : a->size > b->size;
}

static void keep_key(struct keys *keys, struct span key)
{
    struct jo_key kept = {.size = key.size};

    memcpy(kept.bytes, key.data, key.size);
    JO_ADD(&keys->items, kept);
}

static void expect_row(void *context, struct span key, struct span row)
{
    (void)row;
    keep_key(context, key);
}

struct feed_walk {
    struct keys keys;
    struct feed_cursor last;
    size_t rows;
};

static enum status see_row(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct feed_walk *walk = context;

    walk->rows++;
    walk->last.pos = effective_pos;
    walk->last.key_size = row->place.size;
    memcpy(walk->last.key, row->place.data, row->place.size);
    if (!row->gone)
        keep_key(&walk->keys, row->key);
    return STATUS_OK;
}

static size_t sorted_once(struct keys *keys)
{
    size_t count = 0;

    if (keys->items.count > 0)
        qsort(keys->items.items, keys->items.count, sizeof(keys->items.items[0]), by_key);
    for (size_t i = 0; i < keys->items.count; i++) {
        if (count == 0 || by_key(&keys->items.items[count - 1], &keys->items.items[i]) != 0)
            keys->items.items[count++] = keys->items.items[i];
    }
    return count;
}

static enum status read_feed(struct store *store, const struct id *device, struct feed_walk *walk)
{
    struct scope_member members[STORE_SCOPES_MAX];
    size_t count, before;
    enum status status = store->ops->scopes_of_device(store, device, members, STORE_SCOPES_MAX, &count);

    do {
        struct feed_cursor from = walk->last;

        before = walk->rows;
        if (status == STATUS_OK)
            status = store->ops->feed_page(store, members, count, &from, DELTA_ROWS_MAX, see_row, walk);
    } while (status == STATUS_OK && walk->rows > before);
    return status;
}

static const char *say_key(const struct jo_enrolment *device, const struct jo_key *key, const char *what, char *text,
                           size_t size)
{
    char hex[2 * STORE_VIEW_KEY_MAX + 1];

    hex_encode(span_of(key->bytes + 1, key->size - 1), hex);
    return jo_say(text, size, "device %02x%02x of officer %02x%02x: row %c %s %s", device->device.bytes[0],
                  device->device.bytes[1], device->officer.bytes[0], device->officer.bytes[1], key->bytes[0], hex,
                  what);
}

static const char *compare_device(const struct jo *jo, struct store *store, const struct jo_enrolment *device,
                                  struct journal_oracle_report *report, char *text, size_t size)
{
    struct feed_walk feed = {.rows = 0};
    struct keys expected = {.items = {NULL, 0, 0}};
    const char *found = jo_scope_of(jo, store, device, expect_row, &expected, text, size);
    enum status status = read_feed(store, &device->device, &feed);
    size_t wanted, held, i = 0, k = 0;

    if (found == NULL && status != STATUS_OK)
        found = jo_say(text, size, "the feed of device %02x%02x: %s", device->device.bytes[0], device->device.bytes[1],
                       status_name(status));
    wanted = sorted_once(&expected);
    held = sorted_once(&feed.keys);
    while (found == NULL && (i < wanted || k < held)) {
        int order = i == wanted ? 1 : k == held ? -1 : by_key(&expected.items.items[i], &feed.keys.items.items[k]);

        if (order < 0)
            found = say_key(device, &expected.items.items[i], "isn't in its feed", text, size);
        if (order > 0)
            found = say_key(device, &feed.keys.items.items[k], "is in its feed and must not be", text, size);
        i += order <= 0;
        k += order >= 0;
        report->rows++;
    }
    report->devices++;
    free(expected.items.items);
    free(feed.keys.items.items);
    return found;
}

const char *jo_compare_scopes(const struct jo *jo, struct store *store, struct journal_oracle_report *report,
                              char *text, size_t size)
{
    const char *found = NULL;

    for (size_t i = 0; found == NULL && i < jo->enrolments.count; i++) {
        const struct jo_enrolment *device = &jo->enrolments.items[i];

        if (jo_device(jo, &device->device) == device)
            found = compare_device(jo, store, device, report, text, size);
    }
    return found;
}
