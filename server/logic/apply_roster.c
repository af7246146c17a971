/* Operators' entries: the force, teams, officers, offenders. Rows of the roster, and what follows from a change of them. */
#include "server/logic/cover.h"
#include "server/logic/standing.h"

#include <stdio.h>
#include <string.h>

static enum status publish_officer(struct batch *batch, const struct applying *applying,
                                   const Doublecrew__V1__Officer *message)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__OfficerRow officer_row = DOUBLECREW__V1__OFFICER_ROW__INIT;
    Doublecrew__V1__Officer copy = *message;
    struct id officer = pb_id(message->officer_id);
    struct view_key key = view_key_of_id('o', &officer);
    struct scope_list scopes = scopes_of_force();

    officer_row.officer = &copy;
    row.row_case = DOUBLECREW__V1__ROW__ROW_OFFICER;
    row.officer = &officer_row;
    return feed_publish(batch, &key, applying->pos, &row, &scopes);
}

/* From the beginning: also before 1970, where an unknown time may lie. */
static int64_t begin_us(int64_t from_ms)
{
    return from_ms == 0 ? INT64_MIN : from_ms * 1000;
}

static int64_t end_us(int64_t to_ms)
{
    return to_ms == 0 ? RULE_FOREVER : to_ms * 1000;
}

static bool same_teams(const struct officer_row *a, const struct officer_row *b)
{
    return a->team_count == b->team_count && memcmp(a->teams, b->teams, a->team_count * sizeof(a->teams[0])) == 0;
}

/* V5: those who may be second, and who manage; staff, leaders and operators use the app otherwise. */
static bool may_be_second(uint32_t role)
{
    return role == DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER || role == DOUBLECREW__V1__ROLE__ROLE_CONSTABLE ||
           role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR;
}

/* What rests on the officer's standing is derived again, from when on it differs. */
static enum status note_standing(struct batch *batch, const struct officer_row *row)
{
    struct standing_row standing = {.officer = row->officer,
                                    .recorded_us = batch->time_us,
                                    .accredited = row->accredited,
                                    .may_be_second = may_be_second(row->role),
                                    .entitled_from_us = row->entitled_from_us,
                                    .entitled_to_us = row->entitled_to_us};
    struct rule_officer_span before[STANDING_SPANS_MAX], after[STANDING_SPANS_MAX];
    size_t before_count, after_count;
    int64_t from_us;

    RETURN_IF_BAD(officer_standing(batch, &row->officer, before, &before_count));
    RETURN_IF_BAD(batch->store->ops->standing_put(batch->store, &standing));
    RETURN_IF_BAD(officer_standing(batch, &row->officer, after, &after_count));
    from_us = standing_first_difference(before, before_count, after, after_count);
    return from_us == RULE_FOREVER ? STATUS_OK : batch_touch_of(batch, &row->officer, from_us, INT64_MAX);
}

/* Whom flags come to has changed; so has what somebody sees who stands in for them. */
static enum status chain_changed(struct batch *batch, const struct officer_row *before, const struct officer_row *after,
                                 uint64_t pos)
{
    bool same = before->role == after->role && before->duty == after->duty && same_teams(before, after) &&
                before->entitled_from_us == after->entitled_from_us && before->entitled_to_us == after->entitled_to_us;

    if (same || (!cover_is_in_charge(before) && !cover_is_in_charge(after)))
        return STATUS_OK;
    batch->chain_changed = true;
    return cover_members_of(batch, &after->officer, pos);
}

/* Their devices see what their teams see. */
static enum status officer_changed(struct batch *batch, const struct officer_row *before,
                                   const struct officer_row *after, uint64_t pos)
{
    struct device_row devices[LOGIC_DEVICES_MAX];
    size_t count;

    RETURN_IF_BAD(
        batch->store->ops->devices_of_officer(batch->store, &after->officer, devices, LOGIC_DEVICES_MAX, &count));
    for (size_t i = 0; i < count; i++)
        RETURN_IF_BAD(feed_member_refresh(batch, &devices[i], pos));
    if (before->role != after->role || before->accredited != after->accredited ||
        before->entitled_from_us != after->entitled_from_us || before->entitled_to_us != after->entitled_to_us ||
        id_is_zero(&before->officer))
        RETURN_IF_BAD(note_standing(batch, after));
    RETURN_IF_BAD(chain_changed(batch, before, after, pos));
    if (same_teams(before, after))
        return STATUS_OK;
    RETURN_IF_BAD(batch_touch_of(batch, &after->officer, INT64_MIN, INT64_MAX)); /* whose flags these are */
    return feed_officer_moved(batch, &after->officer, pos);
}

enum status apply_officer(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Officer *message = (const Doublecrew__V1__Officer *)base;
    struct officer_row before = {0}, row = {.officer = pb_id(message->officer_id),
                                            .role = message->role,
                                            .accredited = message->accredited,
                                            .entitled_from_us = begin_us(message->entitled_from_ms),
                                            .entitled_to_us = end_us(message->entitled_to_ms),
                                            .is_operator = message->role == DOUBLECREW__V1__ROLE__ROLE_OPERATOR,
                                            .duty = message->duty};
    enum status status;

    if (message->n_team_ids > LOGIC_TEAMS_MAX || strlen(message->code) >= sizeof(row.code)) {
        applying->held = "over_limit";
        return STATUS_OK;
    }
    for (size_t i = 0; i < message->n_team_ids; i++)
        row.teams[row.team_count++] = pb_id(message->team_ids[i]);
    (void)snprintf(row.code, sizeof(row.code), "%s", message->code);
    status = batch->store->ops->officer_get(batch->store, &row.officer, &before);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    RETURN_IF_BAD(batch->store->ops->officer_put(batch->store, &row));
    struct officer_version_row version = {applying->entry_pos, row};

    RETURN_IF_BAD(batch->store->ops->officer_version_put(batch->store, &version));
    batch->roster_changed = true;
    batch->in_charge_read = false;
    RETURN_IF_BAD(publish_officer(batch, applying, message));
    return officer_changed(batch, &before, &row, applying->pos);
}

enum status apply_team(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__TeamRow team_row = DOUBLECREW__V1__TEAM_ROW__INIT;
    Doublecrew__V1__Team copy = *(const Doublecrew__V1__Team *)base;
    struct id team = pb_id(copy.team_id);
    struct view_key key = view_key_of_id('t', &team);
    struct scope_list scopes = scopes_of_force();

    team_row.team = &copy;
    row.row_case = DOUBLECREW__V1__ROW__ROW_TEAM;
    row.team = &team_row;
    return feed_publish(batch, &key, applying->pos, &row, &scopes);
}

static enum rule_risk risk_of(Doublecrew__V1__RiskLevel level)
{
    switch (level) {
    case DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW:
        return RULE_RISK_LOW;
    case DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM:
        return RULE_RISK_MEDIUM;
    case DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_HIGH:
        return RULE_RISK_HIGH;
    default:
        return RULE_RISK_VERY_HIGH;
    }
}

/* L1: the first level holds for all time before it; a later one never from before it was recorded. */
static enum status put_risk(struct batch *batch, const Doublecrew__V1__Offender *message, bool first,
                            const struct offender_row *row)
{
    struct rule_risk_span span = {.from_us = INT64_MIN, .risk = risk_of(message->risk)};

    if (!first) {
        span.from_us = message->risk_from_ms * 1000 > batch->time_us ? message->risk_from_ms * 1000 : batch->time_us;
        RETURN_IF_BAD(batch_touch_at(batch, &row->offender, span.from_us, INT64_MAX));
    }
    return batch->store->ops->risk_put(batch->store, &row->offender, &span);
}

static enum status publish_offender(struct batch *batch, const struct applying *applying,
                                    const Doublecrew__V1__Offender *message, const struct offender_row *row_stored)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__Row *before;
    Doublecrew__V1__OffenderRow offender_row = DOUBLECREW__V1__OFFENDER_ROW__INIT;
    Doublecrew__V1__Offender copy = *message;
    struct view_key key = view_key_of_id('x', &row_stored->offender);
    struct scope_list scopes;
    enum status status = view_open(batch, &key, &before);

    if (status == STATUS_OK) {
        offender_row.last_seen_ms = before->offender->last_seen_ms;
        offender_row.last_compliant_ms = before->offender->last_compliant_ms;
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    offender_row.offender = &copy;
    row.row_case = DOUBLECREW__V1__ROW__ROW_OFFENDER;
    row.offender = &offender_row;
    RETURN_IF_BAD(scopes_of_offender(batch, &row_stored->offender, &scopes));
    return feed_publish(batch, &key, applying->pos, &row, &scopes);
}

static enum status team_is_known(struct batch *batch, const struct id *team, bool *ret_known)
{
    struct view_key key = view_key_of_id('t', team);
    struct view_row view;
    enum status status = STATUS_OK;

    if (!id_is_zero(team))
        status = batch->store->ops->view_get(batch->store, span_of(key.bytes, key.size), &view);
    *ret_known = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void read_offender(const Doublecrew__V1__Offender *message, struct offender_row *row)
{
    row->offender = pb_id(message->offender_id);
    row->team = pb_id(message->team_id);
    row->manager = pb_id(message->manager_id);
    row->risk = (uint32_t)risk_of(message->risk);
    row->has_place = message->place != NULL;
    row->latitude_e7 = message->place != NULL ? message->place->latitude_e7 : 0;
    row->longitude_e7 = message->place != NULL ? message->place->longitude_e7 : 0;
    (void)snprintf(row->reference, sizeof(row->reference), "%s", message->reference);
}

static bool same_place(const struct offender_row *a, const struct offender_row *b)
{
    return a->has_place == b->has_place && a->latitude_e7 == b->latitude_e7 && a->longitude_e7 == b->longitude_e7;
}

/* What was written about them before they were imported. */
static enum status offender_came(struct batch *batch, const struct id *offender, uint64_t pos)
{
    struct hash awaited = awaited_offender(offender);

    RETURN_IF_BAD(proposals_look_again(batch, span_of(offender->bytes, ID_SIZE), pos));
    return apply_waiting(batch, &awaited, pos);
}

enum status apply_offender(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Offender *message = (const Doublecrew__V1__Offender *)base;
    struct offender_row before = {0}, row = {0};
    bool known, first;
    enum status status;

    read_offender(message, &row);
    RETURN_IF_BAD(team_is_known(batch, &row.team, &known));
    if (!known || strlen(message->reference) >= sizeof(row.reference)) {
        applying->held = known ? "over_limit" : "unknown_team";
        return STATUS_OK;
    }
    status = batch->store->ops->offender_get(batch->store, &row.offender, &before);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    first = status == STATUS_NOT_FOUND;
    row.underived = before.underived;
    RETURN_IF_BAD(batch->store->ops->offender_put(batch->store, &row));
    struct offender_team_row team = {row.offender, applying->entry_pos, row.team};

    if (first || !id_equal(&before.team, &row.team))
        RETURN_IF_BAD(batch->store->ops->offender_team_put(batch->store, &team));
    if (first || before.risk != row.risk)
        RETURN_IF_BAD(put_risk(batch, message, first, &row));
    if (first || !same_place(&before, &row)) /* visits to somebody unknown until now, or from another reference */
        RETURN_IF_BAD(batch_touch_at(batch, &row.offender, INT64_MIN, INT64_MAX));
    RETURN_IF_BAD(publish_offender(batch, applying, message, &row));
    if (!first && !id_equal(&before.team, &row.team))
        return feed_offender_moved(batch, &row.offender, &before.team, applying->pos);
    return first ? offender_came(batch, &row.offender, applying->pos) : STATUS_OK;
}

/* Record 1: the force, its first operator and their device, each as a row. The key was checked before (batch_push.c). */
enum status apply_force(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Force *message = (const Doublecrew__V1__Force *)base;
    Doublecrew__V1__Officer officer = DOUBLECREW__V1__OFFICER__INIT;
    char code[] = "operator";
    struct span parts[] = {span_of("epoch", 6), span_of(applying->entry->hash.bytes, HASH_SIZE)};
    struct hash epoch;

    if (applying->pos != 1) {
        applying->held = "not_permitted"; /* a journal has one force */
        return STATUS_OK;
    }
    RETURN_IF_BAD(sha256_parts(batch->sha, parts, 2, &epoch));
    batch->next.force = pb_id(message->force_id);
    memcpy(batch->next.epoch.bytes, epoch.bytes, ID_SIZE);
    (void)snprintf(batch->next.engine, sizeof(batch->next.engine), "%s", batch->engine->version);
    officer.officer_id = message->operator_id;
    officer.code = code;
    officer.name = code;
    officer.role = DOUBLECREW__V1__ROLE__ROLE_OPERATOR;
    RETURN_IF_BAD(batch->store->ops->device_put(batch->store, applying->device));
    RETURN_IF_BAD(holder_change(batch, &applying->device->device, &applying->device->officer));
    return apply_officer(batch, applying, &officer.base);
}
