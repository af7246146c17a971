#include "server/edge/store_sqlite_statements.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "server/edge/store_sqlite_internal.h"

/* Acts that a fork contests don't count (F2). */
#define UNCONTESTED(table) " AND NOT EXISTS (SELECT 1 FROM contested c WHERE c.entry = " table ".entry)"

/* Intervals "touch" when each begins no later than the other ends. The end leads in the indexes: new visits touch now. */
static const struct sq_statement_spec specs[SQ_STATEMENT_COUNT] = {
    [SQ_BEGIN_WRITE] = {SQ_PLAIN, NULL, "BEGIN IMMEDIATE"},
    [SQ_BEGIN_READ] = {SQ_PLAIN, NULL, "BEGIN"},
    [SQ_COMMIT] = {SQ_PLAIN, NULL, "COMMIT"},
    [SQ_ROLLBACK] = {SQ_PLAIN, NULL, "ROLLBACK"},
    [SQ_SAVEPOINT] = {SQ_PLAIN, NULL, "SAVEPOINT derivation"},
    [SQ_SAVEPOINT_RELEASE] = {SQ_PLAIN, NULL, "RELEASE derivation"},
    [SQ_SAVEPOINT_ROLLBACK] = {SQ_PLAIN, NULL, "ROLLBACK TO derivation"},

    [SQ_HEAD_GET] = {SQ_SELECT, &sq_head, ""},
    /* Whether it is a training store was settled when it was created. */
    [SQ_HEAD_PUT] = {SQ_PLAIN, &sq_head,
                     "UPDATE head SET pos = ?1, time_us = ?2, force = ?3, epoch = ?4, root = ?5,"
                     " timers_held = ?7, engine = ?8"
                     " WHERE training = ?6"},
    [SQ_JOURNAL_APPEND] = {SQ_INSERT, &sq_journal, ""},
    [SQ_JOURNAL_END] = {SQ_PLAIN, NULL,
                        "SELECT first_pos + record_count, time_us FROM journal ORDER BY first_pos DESC LIMIT 1"},
    [SQ_JOURNAL_FROM] = {SQ_SELECT, &sq_journal,
                         "WHERE first_pos >= coalesce((SELECT max(first_pos) FROM journal WHERE first_pos <= ?1), 0)"
                         " AND first_pos + record_count > ?1 ORDER BY first_pos"},
    /* Said again, so that the partial index serves. */
    [SQ_JOURNAL_OF_KIND] = {SQ_SELECT, &sq_journal,
                            "WHERE kind = ?1 AND kind IN (3, 5) AND first_pos >= ?2 ORDER BY first_pos"},
    /* A push has at most PUSH_ENTRIES_MAX entries; of two branches of a fork, the one that came first. */
    [SQ_JOURNAL_OF_LOG] = {SQ_SELECT, &sq_journal,
                           "WHERE kind = 1 AND log = ?1 AND first_seq > ?2 - ?3 AND first_seq <= ?2"
                           " AND first_seq + record_count > ?2 ORDER BY first_pos LIMIT 1"},
    [SQ_TILE_GET] = {SQ_SELECT, &sq_tiles, "WHERE level = ?1 AND tile = ?2"},
    [SQ_TILE_PUT] = {SQ_UPSERT, &sq_tiles, ""},

    [SQ_DEVICE_GET] = {SQ_SELECT, &sq_devices, "WHERE device = ?1"},
    [SQ_DEVICE_BY_LOG] = {SQ_SELECT, &sq_devices, "WHERE log = ?1 ORDER BY device LIMIT 1"},
    [SQ_DEVICE_BY_CERTIFICATE] = {SQ_SELECT, &sq_devices, "WHERE certificate_key_hash = ?1 ORDER BY device LIMIT 1"},
    [SQ_DEVICES_OF_OFFICER] = {SQ_SELECT, &sq_devices, "WHERE officer = ?1 ORDER BY assigned_from_us, device"},
    [SQ_DEVICE_PUT] = {SQ_UPSERT, &sq_devices, ""},
    [SQ_OFFICER_GET] = {SQ_SELECT, &sq_officers, "WHERE officer = ?1"},
    [SQ_OFFICER_PUT] = {SQ_UPSERT, &sq_officers, ""},
    /* Role's supervisors and leaders: the numbers of entry.proto. Said as in the partial index, so that it serves. */
    [SQ_OFFICERS_IN_CHARGE] = {SQ_SELECT, &sq_officers, "WHERE role IN (4, 5) OR duty = 1 ORDER BY officer"},
    /* Found by its end and then sorted: the plus keeps SQLite from going through the table in the key's order. */
    [SQ_COVERS_AFTER] = {SQ_SELECT, &sq_covers, "WHERE to_us > ?1" UNCONTESTED("covers") " ORDER BY +officer, pos"},
    [SQ_COVER_PUT] = {SQ_UPSERT, &sq_covers, ""},
    [SQ_STANDINGS_GET] = {SQ_SELECT, &sq_standings, "WHERE officer = ?1 ORDER BY recorded_us DESC"},
    [SQ_STANDING_PUT] = {SQ_UPSERT, &sq_standings, ""},
    [SQ_HOLDERS_GET] = {SQ_SELECT, &sq_holders, "WHERE device = ?1 ORDER BY from_us DESC"},
    [SQ_HOLDINGS_GET] = {SQ_SELECT, &sq_holders, "WHERE officer = ?1 ORDER BY from_us DESC, device DESC"},
    [SQ_HOLDER_PUT] = {SQ_UPSERT, &sq_holders, ""},
    [SQ_OFFENDER_GET] = {SQ_SELECT, &sq_offenders, "WHERE offender = ?1"},
    [SQ_OFFENDER_PUT] = {SQ_UPSERT, &sq_offenders, ""},
    [SQ_RISKS_GET] = {SQ_SELECT, &sq_risks, "WHERE offender = ?1 ORDER BY from_us"},
    [SQ_RISK_PUT] = {SQ_UPSERT, &sq_risks, ""},
    [SQ_POLICIES_GET] = {SQ_SELECT, &sq_policies, "ORDER BY effective_from_us, version"},
    [SQ_POLICY_PUT] = {SQ_UPSERT, &sq_policies, ""},

    [SQ_ANCHOR_GET] = {SQ_SELECT, &sq_anchors, "WHERE anchor = ?1"},
    [SQ_ANCHOR_PUT] = {SQ_UPSERT, &sq_anchors, ""},
    [SQ_BOOT_ANCHORS_OF_LOG] = {SQ_SELECT, &sq_boot_anchors,
                                "WHERE log = ?1 ORDER BY boot, sent_us, time_us, received_us"},
    [SQ_BOOT_ANCHOR_ANY] = {SQ_SELECT, &sq_boot_anchors, "WHERE log = ?1 AND boot = ?2 LIMIT 1"},
    [SQ_BOOT_ANCHOR_PUT] = {SQ_INSERT, &sq_boot_anchors, " ON CONFLICT DO NOTHING"},
    [SQ_CLOCK_POINT_UP_TO] = {SQ_SELECT, &sq_clock_points,
                              "WHERE log = ?1 AND boot = ?2 AND is_ceiling = ?3 AND at_us <= ?4"
                              " ORDER BY at_us DESC LIMIT 1"},
    [SQ_CLOCK_POINT_AFTER] = {SQ_SELECT, &sq_clock_points,
                              "WHERE log = ?1 AND boot = ?2 AND is_ceiling = ?3 AND at_us > ?4"
                              " ORDER BY at_us LIMIT 1"},
    [SQ_CLOCK_POINT_PUT] = {SQ_UPSERT, &sq_clock_points, ""},
    [SQ_CLOCK_POINT_FORGET] =
        {SQ_PLAIN, NULL, "DELETE FROM clock_points WHERE log = ?1 AND boot = ?2 AND is_ceiling = ?3 AND at_us = ?4"},
    [SQ_CLOCK_POINTS_FORGET] = {SQ_PLAIN, NULL, "DELETE FROM clock_points WHERE log = ?1 AND boot = ?2"},
    [SQ_BOOTS_OF_BOOT] = {SQ_SELECT, &sq_boots, "WHERE log = ?1 AND boot = ?2 ORDER BY first_seq"},
    [SQ_BOOTS_UP_TO] = {SQ_SELECT, &sq_boots, "WHERE log = ?1 AND first_seq <= ?2 ORDER BY first_seq DESC, boot DESC"},
    [SQ_BOOTS_AFTER] = {SQ_SELECT, &sq_boots, "WHERE log = ?1 AND first_seq > ?2 ORDER BY first_seq, boot"},
    [SQ_BOOT_PUT] = {SQ_UPSERT, &sq_boots, ""},
    [SQ_CARRIED_TIME_UP_TO] = {SQ_SELECT, &sq_carried_times, "WHERE log = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1"},
    [SQ_CARRIED_TIME_FROM] = {SQ_SELECT, &sq_carried_times, "WHERE log = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1"},
    [SQ_CARRIED_TIME_PUT] = {SQ_UPSERT, &sq_carried_times, ""},
    [SQ_ANCHOR_VOIDS] = {SQ_SELECT, &sq_anchor_voids, "ORDER BY from_us, entry"},
    [SQ_ANCHOR_VOID_PUT] = {SQ_UPSERT, &sq_anchor_voids, ""},
    [SQ_DEVICE_ANCHORED_IN] =
        {SQ_SELECT, &sq_devices,
         "WHERE log > ?3 AND ((watermark_us >= ?1 AND watermark_us < ?2)"
         " OR EXISTS (SELECT 1 FROM boots b WHERE b.log = devices.log AND b.newest_us >= ?1 AND b.newest_us < ?2)"
         " OR EXISTS (SELECT 1 FROM boot_anchors b WHERE b.log = devices.log AND b.time_us >= ?1 AND b.time_us < ?2))"
         " ORDER BY log LIMIT 1"},
    [SQ_PRESENCES_ANCHORED_IN] =
        {SQ_SELECT, &sq_presences,
         "WHERE (in_checkpoint_us >= ?1 AND in_checkpoint_us < ?2)"
         " OR (has_out = 1 AND out_checkpoint_us >= ?1 AND out_checkpoint_us < ?2)"
         " OR log IN (SELECT b.log FROM boot_anchors b WHERE b.time_us >= ?1 AND b.time_us < ?2)"
         " ORDER BY presence"},

    [SQ_PRESENCE_GET] = {SQ_SELECT, &sq_presences, "WHERE presence = ?1"},
    [SQ_PRESENCES_ALL] = {SQ_PLAIN, NULL, "SELECT presence FROM presences ORDER BY presence"},
    [SQ_PRESENCES_AT] = {SQ_SELECT, &sq_presences,
                         "WHERE offender = ?1 AND to_us >= ?2 AND from_us <= ?3 ORDER BY presence"},
    [SQ_PRESENCES_OF] = {SQ_SELECT, &sq_presences,
                         "WHERE officer = ?1 AND to_us >= ?2 AND from_us <= ?3 ORDER BY presence"},
    [SQ_PRESENCE_IDS_OF] =
        {SQ_PLAIN, NULL,
         "SELECT presence FROM presences WHERE officer = ?1 AND to_us >= ?2 AND from_us <= ?3 ORDER BY presence"},
    [SQ_PRESENCE_IDS_OF_AT] = {SQ_PLAIN, NULL,
                               "SELECT presence FROM presences WHERE officer = ?1 AND to_us >= ?2 AND from_us <= ?3"
                               " AND offender = ?4 ORDER BY presence"},
    /* The writer's index in memory; what it asks for is all of it until the end of time. */
    [SQ_PRESENCE_SPANS_AT] =
        {SQ_PLAIN, NULL,
         "SELECT presence, from_us, to_us FROM presences WHERE offender = ?1 AND to_us >= ?2 ORDER BY presence"},
    [SQ_PRESENCE_SPANS_OF] =
        {SQ_PLAIN, NULL,
         "SELECT presence, from_us, to_us FROM presences WHERE officer = ?1 AND to_us >= ?2 ORDER BY presence"},
    [SQ_PRESENCES_ON_DEVICE] = {SQ_SELECT, &sq_presences, "WHERE device = ?1 AND to_us >= ?2 ORDER BY presence"},
    /* Few presences end in another boot than they began in: these have an index of their own. */
    [SQ_PRESENCES_IN_BOOT] = {SQ_SELECT, &sq_presences,
                              "WHERE presence IN (SELECT presence FROM presences WHERE log = ?1 AND in_boot = ?2"
                              " UNION SELECT presence FROM presences WHERE log = ?1 AND out_boot = ?2 AND has_out = 1"
                              " AND out_boot <> in_boot) ORDER BY presence"},
    [SQ_PRESENCE_PUT] = {SQ_UPSERT, &sq_presences, ""},
    [SQ_OFFICER_VERSION] = {SQ_SELECT, &sq_officer_versions,
                            "WHERE officer = ?1 AND pos <= ?2 ORDER BY pos DESC LIMIT 1"},
    [SQ_OFFICER_VERSION_PUT] = {SQ_UPSERT, &sq_officer_versions, ""},
    [SQ_OFFENDER_TEAM_UP_TO] = {SQ_SELECT, &sq_offender_teams,
                                "WHERE offender = ?1 AND pos <= ?2 ORDER BY pos DESC LIMIT 1"},
    [SQ_OFFENDER_TEAM_FIRST] = {SQ_SELECT, &sq_offender_teams, "WHERE offender = ?1 ORDER BY pos LIMIT 1"},
    [SQ_OFFENDER_TEAM_PUT] = {SQ_UPSERT, &sq_offender_teams, ""},
    [SQ_OUTCOME_BEFORE] = {SQ_SELECT, &sq_outcomes, "WHERE presence = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1"},
    [SQ_OUTCOME_PUT] = {SQ_UPSERT, &sq_outcomes, ""},
    [SQ_NAMINGS_OF] = {SQ_SELECT, &sq_namings, "WHERE officer = ?1 AND to_us >= ?2 ORDER BY presence"},
    [SQ_NAMING_PUT] = {SQ_UPSERT, &sq_namings, ""},
    [SQ_NAMINGS_FORGET] = {SQ_PLAIN, NULL, "DELETE FROM namings WHERE pos = ?1 AND presence = ?2"},
    [SQ_CONTESTED_GET] = {SQ_SELECT, &sq_contested, "WHERE entry = ?1"},
    [SQ_CONTESTED_ANY] = {SQ_SELECT, &sq_contested, "LIMIT 1"},
    [SQ_CONTESTED_PUT] = {SQ_UPSERT, &sq_contested, ""},
    [SQ_CARRIED_PUT] = {SQ_UPSERT, &sq_carried, ""},
    [SQ_CARRIED_NEXT] = {SQ_SELECT, &sq_carried,
                         "WHERE log = ?1 AND seq >= ?2 AND seq <= ?3 ORDER BY seq, hash LIMIT 1"},
    [SQ_CARRIED_DIFFERS] = {SQ_SELECT, &sq_carried, "WHERE log = ?1 AND seq = ?2 AND hash <> ?3 LIMIT 1"},
    [SQ_PLAN_GET] = {SQ_SELECT, &sq_plans, "WHERE plan = ?1" UNCONTESTED("plans") " ORDER BY pos DESC LIMIT 1"},
    [SQ_PLANS_AT] = {SQ_SELECT, &sq_plans,
                     "WHERE offender = ?1 AND to_us >= ?2 AND from_us <= ?3" UNCONTESTED(
                         "plans") " AND NOT EXISTS (SELECT 1 FROM plans p WHERE p.plan = plans.plan AND p.pos > "
                                  "plans.pos" UNCONTESTED("p") ") ORDER BY plan"},
    [SQ_PLAN_PUT] = {SQ_UPSERT, &sq_plans, ""},
    [SQ_AUTHORITIES_FOR] = {SQ_SELECT, &sq_authorities,
                            "WHERE officer = ?1 AND offender = ?2" UNCONTESTED(
                                "authorities") " ORDER BY recorded_us, entry"},
    [SQ_AUTHORITY_PUT] = {SQ_UPSERT, &sq_authorities, ""},
    [SQ_DECISIONS_ON] = {SQ_SELECT, &sq_decisions,
                         "WHERE presence = ?1" UNCONTESTED("decisions") " ORDER BY recorded_us, pos, entry"},
    [SQ_DECISION_PUT] = {SQ_UPSERT, &sq_decisions, ""},
    [SQ_EDITS_OF] =
        {SQ_SELECT, &sq_edits,
         "WHERE subject = ?1 AND field = ?2" UNCONTESTED(
             "edits") " AND NOT EXISTS (SELECT 1 FROM contested WHERE contested.entry = edits.let_by) ORDER BY entry"},
    [SQ_EDIT_PUT] = {SQ_UPSERT, &sq_edits, ""},
    [SQ_EDIT_SET_GET] = {SQ_SELECT, &sq_edit_sets, "WHERE presence = ?1 AND length(edits) > 0"},
    [SQ_EDIT_SET_PUT] = {SQ_UPSERT, &sq_edit_sets, ""},

    [SQ_FLAG_GET] = {SQ_SELECT, &sq_flags, "WHERE flag = ?1"},
    [SQ_FLAGS_ON] = {SQ_SELECT, &sq_flags, "WHERE subject = ?1 ORDER BY flag"},
    [SQ_FLAGS_WAITING] = {SQ_PLAIN, NULL, "SELECT flag FROM flags WHERE state = 1 ORDER BY flag"},
    [SQ_FLAG_PUT] = {SQ_UPSERT, &sq_flags, ""},
    [SQ_TIMER_FIRST] = {SQ_SELECT, &sq_timers, "WHERE due_us <= ?1 ORDER BY due_us, timer LIMIT 1"},
    [SQ_TIMER_PUT] = {SQ_UPSERT, &sq_timers, ""},
    [SQ_TIMER_CLEAR] = {SQ_PLAIN, NULL, "DELETE FROM timers WHERE timer = ?1"},

    [SQ_VIEW_GET] = {SQ_SELECT, &sq_views, "WHERE view_key = ?1"},
    [SQ_VIEW_PUT] = {SQ_UPSERT, &sq_views, ""},
    [SQ_BUNDLE_GET] = {SQ_SELECT, &sq_bundles, "WHERE presence = ?1 AND length(bundle) > 0"},
    [SQ_BUNDLE_PUT] = {SQ_UPSERT, &sq_bundles, ""},
    [SQ_FEED_FORGET] = {SQ_PLAIN, NULL, "DELETE FROM feed WHERE scope = ?1 AND view_key = ?2"},
    [SQ_FEED_PUT] = {SQ_UPSERT, &sq_feeds, ""},
    [SQ_FEED_BLOCK] = {SQ_SELECT, &sq_feeds, "WHERE scope = ?1 AND view_key > ?2 AND pos <= ?3 ORDER BY view_key"},
    [SQ_FEED_TAIL] = {SQ_SELECT, &sq_feeds,
                      "INDEXED BY feed_by_pos WHERE scope = ?1 AND (pos, view_key) > (?2, ?3) ORDER BY pos, view_key"},
    [SQ_FEED_GET] = {SQ_SELECT, &sq_feeds, "WHERE scope = ?1 AND view_key = ?2"},
    [SQ_FEED_GONE] = {SQ_PLAIN, NULL,
                      "SELECT min(pos), max(pos) FROM feed INDEXED BY feed_gone"
                      " WHERE scope = ?1 AND gone = 1 AND pos > ?2"},
    [SQ_MEMBERS_GET] = {SQ_SELECT, &sq_members, "WHERE device = ?1 ORDER BY scope"},
    [SQ_MEMBER_PUT] = {SQ_UPSERT, &sq_members, ""},
    [SQ_MEMBER_FORGET] = {SQ_PLAIN, NULL, "DELETE FROM scope_members WHERE device = ?1 AND scope = ?2"},

    [SQ_WITNESS_GET] = {SQ_SELECT, &sq_witness, ""},
    [SQ_WITNESS_PUT] = {SQ_UPSERT, &sq_witness, ""},
    [SQ_CONTACT_GET] = {SQ_SELECT, &sq_contacts, "WHERE device = ?1"},
    [SQ_CONTACT_PUT] = {SQ_UPSERT, &sq_contacts, ""},
    [SQ_HELD_OF_LOG] = {SQ_SELECT, &sq_held, "WHERE log = ?1 AND seq >= ?2 AND seq <= ?3 ORDER BY seq"},
    [SQ_HELD_PUT] = {SQ_UPSERT, &sq_held, ""},
    [SQ_PROPOSAL_GET] = {SQ_SELECT, &sq_proposals, "WHERE entry = ?1"},
    [SQ_PROPOSALS_OPEN] = {SQ_PLAIN, NULL,
                           "SELECT entry FROM proposals WHERE state = 1 AND subject = ?1"
                           " UNION SELECT entry FROM proposals WHERE state = 1 AND offender = ?1 ORDER BY entry"},
    [SQ_PROPOSAL_PUT] = {SQ_UPSERT, &sq_proposals, ""},
    [SQ_WAITING_FIRST] = {SQ_SELECT, &sq_waiting, "WHERE awaited = ?1 ORDER BY received_us, log, seq, entry LIMIT 1"},
    [SQ_WAITING_PUT] = {SQ_UPSERT, &sq_waiting, ""},
    [SQ_WAITING_FORGET] = {SQ_PLAIN, NULL,
                           "DELETE FROM waiting WHERE awaited = ?1 AND received_us = ?2 AND log = ?3 AND seq = ?4"
                           " AND entry = ?5"},
    [SQ_DIGEST_GET] = {SQ_SELECT, &sq_digests, "WHERE scopes = ?1"},
    [SQ_DIGEST_PUT] = {SQ_UPSERT, &sq_digests, ""},
    [SQ_DIGEST_FORGET] = {SQ_PLAIN, NULL, "DELETE FROM digests WHERE scopes = ?1"},
    [SQ_DIGEST_SCOPE_PUT] = {SQ_UPSERT, &sq_digest_scopes, ""},
    [SQ_DIGEST_SCOPE_FORGET] = {SQ_PLAIN, NULL, "DELETE FROM digest_scopes WHERE scope = ?1 AND scopes = ?2"},
    [SQ_DIGESTS_OF_SCOPE] = {SQ_SELECT, &sq_digests,
                             "WHERE scopes IN (SELECT scopes FROM digest_scopes WHERE scope = ?1) ORDER BY scopes"},
};

const struct sq_statement_spec *sq_statement_spec(enum sq_statement_id id)
{
    return &specs[id];
}

struct text {
    char *at;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    /* The analyser loses track of a va_list when it sees several files in one run. */
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    int length = vsnprintf(text->at + text->size, SQ_SQL_MAX - text->size, format, arguments);
    va_end(arguments);
    assert(length >= 0 && text->size + (size_t)length < SQ_SQL_MAX);
    text->size += (size_t)length;
}

static void add_columns(struct text *text, const struct sq_table *table, bool keys_only)
{
    for (size_t i = 0; i < table->count && (!keys_only || table->columns[i].key); i++)
        add(text, "%s%s", i == 0 ? "" : ", ", table->columns[i].name);
}

static void add_insert(struct text *text, const struct sq_table *table)
{
    add(text, "INSERT INTO %s (", table->name);
    add_columns(text, table, false);
    add(text, ") VALUES (");
    for (size_t i = 0; i < table->count; i++)
        add(text, "%s?%zu", i == 0 ? "" : ", ", i + 1);
    add(text, ")");
}

static void add_replace(struct text *text, const struct sq_table *table)
{
    bool first = true;

    add(text, " ON CONFLICT (");
    add_columns(text, table, true);
    add(text, ") DO ");
    for (size_t i = 0; i < table->count; i++) {
        if (table->columns[i].key)
            continue;
        add(text, "%s%s = excluded.%s", first ? "UPDATE SET " : ", ", table->columns[i].name, table->columns[i].name);
        first = false;
    }
    if (first)
        add(text, "NOTHING");
}

void sq_statement_sql(const struct sq_statement_spec *spec, char ret_sql[SQ_SQL_MAX])
{
    struct text text = {.at = ret_sql};

    switch (spec->verb) {
    case SQ_PLAIN:
        add(&text, "%s", spec->text);
        return;
    case SQ_INSERT:
    case SQ_UPSERT:
        add_insert(&text, spec->table);
        if (spec->verb == SQ_UPSERT)
            add_replace(&text, spec->table);
        else
            add(&text, "%s", spec->text);
        return;
    case SQ_SELECT:
    case SQ_DUMP:
        add(&text, "SELECT ");
        add_columns(&text, spec->table, false);
        add(&text, " FROM %s ", spec->table->name);
        if (spec->verb == SQ_SELECT)
            add(&text, "%s", spec->text);
        else if (spec->table->columns[0].key) {
            add(&text, "ORDER BY ");
            add_columns(&text, spec->table, true);
        }
        return;
    }
}
