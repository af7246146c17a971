/*
 * The layout on disk. The journal is the truth; everything after it is derived and can be rebuilt (J7).
 * Ids and hashes are blobs; tables keyed by them have no rowid, so a look-up is one descent. Wide rows (presences, flags,
 * views) do have one: they are then appended, and only a narrow index takes its hash's random order, which halves the
 * pages that a commit writes. A new version appends a migration: those that ran are never changed.
 */
#include <stdio.h>

#include "server/edge/store_sqlite_internal.h"

#define STAMP(prefix)                                                                                                  \
    prefix "seq INTEGER NOT NULL, " prefix "boot BLOB NOT NULL, " prefix "mono_us INTEGER NOT NULL, " prefix           \
           "wall_us INTEGER NOT NULL, " prefix "checkpoint_us INTEGER NOT NULL, " prefix                               \
           "received_us INTEGER NOT NULL, " prefix "pos INTEGER NOT NULL, " prefix                                     \
           "has_place INTEGER NOT NULL, " prefix "latitude_e7 INTEGER NOT NULL, " prefix                               \
           "longitude_e7 INTEGER NOT NULL, " prefix "accuracy_m REAL, " /* NULL: not a number */

static const char version_1[] =
    "CREATE TABLE journal ("
    " first_pos INTEGER PRIMARY KEY, record_count INTEGER NOT NULL CHECK (record_count > 0), kind INTEGER NOT NULL,"
    " time_us INTEGER NOT NULL, log BLOB NOT NULL, first_seq INTEGER NOT NULL, delivery BLOB NOT NULL,"
    " body BLOB NOT NULL) STRICT;"
    "CREATE INDEX journal_by_log ON journal (log, first_seq, record_count) WHERE kind = 1;"

    "CREATE TABLE head ("
    " one INTEGER PRIMARY KEY CHECK (one = 1), pos INTEGER NOT NULL, time_us INTEGER NOT NULL, force BLOB NOT NULL,"
    " epoch BLOB NOT NULL, root BLOB NOT NULL, training INTEGER NOT NULL, timers_held INTEGER NOT NULL,"
    " engine TEXT NOT NULL) STRICT;"
    "CREATE TABLE tiles ("
    " level INTEGER NOT NULL, tile INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (level, tile)) STRICT;"

    "CREATE TABLE devices ("
    " device BLOB PRIMARY KEY NOT NULL, log BLOB NOT NULL, officer BLOB NOT NULL, key_algorithm INTEGER NOT NULL,"
    " public_key BLOB NOT NULL, certificate_key_hash BLOB NOT NULL, standing INTEGER NOT NULL,"
    " revoked_as_of_us INTEGER NOT NULL, revocation_recorded_us INTEGER NOT NULL, assigned_from_us INTEGER NOT NULL,"
    " last_seq INTEGER NOT NULL, last_hash BLOB NOT NULL, watermark_us INTEGER NOT NULL,"
    " watermark_stopped INTEGER NOT NULL, fork_seq INTEGER NOT NULL, last_receipt_us INTEGER NOT NULL,"
    " purged_pos INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX devices_by_log ON devices (log);"
    "CREATE INDEX devices_by_certificate ON devices (certificate_key_hash);"
    "CREATE INDEX devices_by_officer ON devices (officer, assigned_from_us);"
    "CREATE TABLE officers ("
    " officer BLOB PRIMARY KEY NOT NULL, role INTEGER NOT NULL, accredited INTEGER NOT NULL,"
    " entitled_from_us INTEGER NOT NULL, entitled_to_us INTEGER NOT NULL, teams BLOB NOT NULL, code TEXT NOT NULL,"
    " is_operator INTEGER NOT NULL, duty INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX officers_in_charge ON officers (officer) WHERE role IN (4, 5) OR duty = 1;"
    "CREATE TABLE standings ("
    " officer BLOB NOT NULL, recorded_us INTEGER NOT NULL, accredited INTEGER NOT NULL, may_be_second INTEGER NOT NULL,"
    " entitled_from_us INTEGER NOT NULL, entitled_to_us INTEGER NOT NULL, PRIMARY KEY (officer, recorded_us)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE holders ("
    " device BLOB NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL, officer BLOB NOT NULL,"
    " PRIMARY KEY (device, from_us)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX holders_by_officer ON holders (officer, to_us);"
    "CREATE TABLE offenders ("
    " offender BLOB PRIMARY KEY NOT NULL, team BLOB NOT NULL, manager BLOB NOT NULL, risk INTEGER NOT NULL,"
    " has_place INTEGER NOT NULL, latitude_e7 INTEGER NOT NULL, longitude_e7 INTEGER NOT NULL,"
    " reference TEXT NOT NULL, underived INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE risks ("
    " offender BLOB NOT NULL, from_us INTEGER NOT NULL, risk INTEGER NOT NULL, PRIMARY KEY (offender, from_us)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE policies ("
    " version INTEGER PRIMARY KEY, effective_from_us INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"

    "CREATE TABLE anchors ("
    " anchor BLOB PRIMARY KEY NOT NULL, time_us INTEGER NOT NULL, log BLOB NOT NULL, boot BLOB NOT NULL,"
    " sent_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE boot_anchors ("
    " log BLOB NOT NULL, boot BLOB NOT NULL, sent_us INTEGER NOT NULL, time_us INTEGER NOT NULL,"
    " received_us INTEGER NOT NULL, PRIMARY KEY (log, boot, sent_us, time_us, received_us)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX boot_anchors_by_time ON boot_anchors (time_us, log, boot);"
    "CREATE TABLE anchor_voids ("
    " entry BLOB PRIMARY KEY NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE boots ("
    " log BLOB NOT NULL, first_seq INTEGER NOT NULL, boot BLOB NOT NULL, last_seq INTEGER NOT NULL,"
    " first_mono_us INTEGER NOT NULL, last_mono_us INTEGER NOT NULL, newest_us INTEGER NOT NULL,"
    " clock_trouble INTEGER NOT NULL,"
    " PRIMARY KEY (log, first_seq, boot)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE presences ("
    " presence BLOB PRIMARY KEY NOT NULL, offender BLOB NOT NULL, officer BLOB NOT NULL, device BLOB NOT NULL,"
    " log BLOB NOT NULL, " STAMP("in_") "has_out INTEGER NOT NULL, " STAMP(
        "out_") "with_kind INTEGER NOT NULL, named BLOB NOT NULL, agency INTEGER NOT NULL, plan BLOB NOT NULL,"
                " outcome INTEGER NOT NULL, outcome_seq INTEGER NOT NULL, has_cosign "
                "INTEGER NOT NULL,"
                " cosign_other BLOB NOT NULL, cosign_first INTEGER NOT NULL, cosign_confirmed INTEGER NOT NULL,"
                " cosign_confirm_mono_us INTEGER NOT NULL, cosign_round_trip_us INTEGER NOT NULL, from_us INTEGER NOT "
                "NULL,"
                " to_us INTEGER NOT NULL) STRICT;"
                "CREATE INDEX presences_by_offender ON presences (offender, to_us, from_us);"
                "CREATE INDEX presences_by_officer ON presences (officer, to_us, from_us);"
                "CREATE INDEX presences_by_device ON presences (device, to_us);"
                "CREATE INDEX presences_by_boot ON presences (log, in_boot);"
                "CREATE INDEX presences_by_out_boot ON presences (log, out_boot) WHERE has_out = 1 AND out_boot <> "
                "in_boot;"
                "CREATE TABLE plans ("
                " plan BLOB NOT NULL, pos INTEGER NOT NULL, entry BLOB NOT NULL, offender BLOB NOT NULL,"
                " officers BLOB NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL, cancelled INTEGER NOT NULL,"
                " PRIMARY KEY (plan, pos)) STRICT, WITHOUT ROWID;"
                "CREATE TABLE contested (entry BLOB PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID;"
                "CREATE TABLE carried ("
                " log BLOB NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (log, seq, hash)"
                ") STRICT, WITHOUT ROWID;"
                "CREATE INDEX plans_by_offender ON plans (offender, to_us, from_us);"
                "CREATE TABLE authorities ("
                " entry BLOB PRIMARY KEY NOT NULL, officer BLOB NOT NULL, offender BLOB NOT NULL, granted INTEGER NOT "
                "NULL,"
                " by_officer BLOB NOT NULL, recorded_us INTEGER NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT "
                "NULL"
                ") STRICT, WITHOUT ROWID;"
                "CREATE INDEX authorities_by_pair ON authorities (officer, offender, recorded_us);"
                "CREATE TABLE decisions ("
                " entry BLOB PRIMARY KEY NOT NULL, presence BLOB NOT NULL, by_officer BLOB NOT NULL, counts INTEGER "
                "NOT NULL,"
                " recorded_us INTEGER NOT NULL, pos INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
                "CREATE INDEX decisions_by_presence ON decisions (presence, recorded_us);"
                "CREATE TABLE namings ("
                " presence BLOB NOT NULL, officer BLOB NOT NULL, to_us INTEGER NOT NULL, PRIMARY KEY (presence, "
                "officer)"
                ") STRICT, WITHOUT ROWID;"
                "CREATE INDEX namings_by_officer ON namings (officer, to_us, presence);"
                "CREATE TABLE edits ("
                " subject BLOB NOT NULL, field TEXT NOT NULL, entry BLOB NOT NULL, officer BLOB NOT NULL,"
                " lower_us INTEGER NOT NULL, upper_us INTEGER NOT NULL, let_by BLOB NOT NULL, body BLOB NOT NULL, "
                "PRIMARY KEY (subject, "
                "field, entry)"
                ") STRICT, WITHOUT ROWID;"

                "CREATE TABLE flags ("
                " flag BLOB PRIMARY KEY NOT NULL, subject BLOB NOT NULL, kind INTEGER NOT NULL, state INTEGER NOT NULL,"
                " times_raised INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
                "CREATE INDEX flags_by_subject ON flags (subject);"
                "CREATE INDEX flags_waiting ON flags (flag) WHERE state = 1;"
                "CREATE TABLE timers (timer BLOB PRIMARY KEY NOT NULL, due_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
                "CREATE INDEX timers_by_due ON timers (due_us);"

                "CREATE TABLE views ("
                " view_key BLOB PRIMARY KEY NOT NULL, pos INTEGER NOT NULL, packed BLOB NOT NULL) STRICT;"
                /* Pages are cut by (pos, key) and, for what a device had not yet entered the scope for, by key alone. */
                "CREATE TABLE feed ("
                " scope BLOB NOT NULL, view_key BLOB NOT NULL, pos INTEGER NOT NULL, gone INTEGER NOT NULL,"
                " PRIMARY KEY (scope, view_key)) STRICT, WITHOUT ROWID;"
                "CREATE INDEX feed_by_pos ON feed (scope, pos, view_key, gone);"
                "CREATE INDEX feed_by_key ON feed (view_key, scope);"
                "CREATE INDEX feed_gone ON feed (scope, pos) WHERE gone = 1;"
                "CREATE TABLE scope_members ("
                " device BLOB NOT NULL, scope BLOB NOT NULL, entered_pos INTEGER NOT NULL, left_pos INTEGER NOT NULL,"
                " PRIMARY KEY (device, scope)"
                ") STRICT, WITHOUT ROWID;"
                "CREATE TABLE proposals ("
                " entry BLOB PRIMARY KEY NOT NULL, subject BLOB NOT NULL, offender BLOB NOT NULL, officer BLOB NOT "
                "NULL,"
                " lower_us INTEGER NOT NULL, upper_us INTEGER NOT NULL, state INTEGER NOT NULL,"
                " answer BLOB NOT NULL, body BLOB NOT NULL"
                ") STRICT, WITHOUT ROWID;"
                "CREATE INDEX proposals_by_subject ON proposals (subject) WHERE state = 1;"
                "CREATE INDEX proposals_by_offender ON proposals (offender) WHERE state = 1;"
                "CREATE TABLE waiting ("
                " awaited BLOB NOT NULL, received_us INTEGER NOT NULL, log BLOB NOT NULL, seq INTEGER NOT NULL,"
                " entry BLOB NOT NULL, pos INTEGER NOT NULL, device BLOB NOT NULL, officer BLOB NOT NULL,"
                " checkpoint_us INTEGER NOT NULL, carried INTEGER NOT NULL, header BLOB NOT NULL, payload BLOB NOT "
                "NULL,"
                " PRIMARY KEY (awaited, received_us, log, seq, entry)) STRICT, WITHOUT ROWID;"
                "CREATE TABLE digests ("
                " scopes BLOB PRIMARY KEY NOT NULL, row_count INTEGER NOT NULL, sum BLOB NOT NULL"
                ") STRICT, WITHOUT ROWID;"
                "CREATE TABLE digest_scopes ("
                " scope BLOB NOT NULL, scopes BLOB NOT NULL, PRIMARY KEY (scope, scopes)"
                ") STRICT, WITHOUT ROWID;";

/* What the server last heard of each device (not derived), and why entries were held. Engine and epoch records are few. */
static const char version_2[] =
    "CREATE INDEX journal_by_kind ON journal (kind, first_pos) WHERE kind IN (3, 5);"
    "CREATE TABLE contacts ("
    " device BLOB PRIMARY KEY NOT NULL, hello_us INTEGER NOT NULL, seen_us INTEGER NOT NULL, push_us INTEGER NOT NULL,"
    " pending_entries INTEGER NOT NULL, pending_since_ms INTEGER NOT NULL, failures INTEGER NOT NULL,"
    " failing_code INTEGER NOT NULL, pending_reason INTEGER NOT NULL, app_version TEXT NOT NULL,"
    " errors INTEGER NOT NULL, error_us INTEGER NOT NULL, error TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE witness (one INTEGER PRIMARY KEY CHECK (one = 1), text BLOB NOT NULL) STRICT;"
    "CREATE TABLE held ("
    " log BLOB NOT NULL, seq INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (log, seq)) STRICT, WITHOUT ROWID;";

/* What bounds times (T1): derived, so an engine's change fills it. */
static const char version_3[] =
    "DROP INDEX boot_anchors_by_time;"
    "ALTER TABLE boot_anchors ADD COLUMN drift_ppb INTEGER NOT NULL DEFAULT (0);"
    "CREATE TABLE clock_points ("
    " log BLOB NOT NULL, boot BLOB NOT NULL, is_ceiling INTEGER NOT NULL, at_us INTEGER NOT NULL,"
    " time_us INTEGER NOT NULL, drift_ppb INTEGER NOT NULL,"
    " PRIMARY KEY (log, boot, is_ceiling, at_us)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE carried_times ("
    " log BLOB NOT NULL, seq INTEGER NOT NULL, boot BLOB NOT NULL, mono_us INTEGER NOT NULL,"
    " checkpoint_us INTEGER NOT NULL, received_us INTEGER NOT NULL, floor_us INTEGER NOT NULL,"
    " ceiling_us INTEGER NOT NULL, PRIMARY KEY (log, seq)) STRICT, WITHOUT ROWID;"
    "ALTER TABLE boots ADD COLUMN floor_us INTEGER NOT NULL DEFAULT (-9223372036854775808);"
    "ALTER TABLE boots ADD COLUMN ceiling_us INTEGER NOT NULL DEFAULT (9223372036854775807);";

/* Who stands in for whom. */
static const char version_4[] =
    "CREATE TABLE covers ("
    " officer BLOB NOT NULL, pos INTEGER NOT NULL, entry BLOB NOT NULL, by_officer BLOB NOT NULL,"
    " recorded_us INTEGER NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL, PRIMARY KEY (officer, pos)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX covers_by_end ON covers (to_us, officer, pos);";

/* Outcomes that later ones replaced. */
static const char version_5[] =
    "CREATE TABLE outcomes ("
    " presence BLOB NOT NULL, seq INTEGER NOT NULL, outcome INTEGER NOT NULL, PRIMARY KEY (presence, seq)"
    ") STRICT, WITHOUT ROWID;";

/* The roster as it was. */
static const char version_6[] =
    "CREATE TABLE officer_versions ("
    " officer BLOB NOT NULL, pos INTEGER NOT NULL, role INTEGER NOT NULL, accredited INTEGER NOT NULL,"
    " entitled_from_us INTEGER NOT NULL, entitled_to_us INTEGER NOT NULL, teams BLOB NOT NULL, code TEXT NOT NULL,"
    " is_operator INTEGER NOT NULL, duty INTEGER NOT NULL, PRIMARY KEY (officer, pos)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE offender_teams ("
    " offender BLOB NOT NULL, pos INTEGER NOT NULL, team BLOB NOT NULL, PRIMARY KEY (offender, pos)"
    ") STRICT, WITHOUT ROWID;";

/* A presence's texts in one row, as view rows and as edits (decisions/0032). */
static const char version_7[] =
    "CREATE TABLE bundles (presence BLOB PRIMARY KEY NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE edit_sets (presence BLOB PRIMARY KEY NOT NULL, body BLOB NOT NULL) STRICT;";

/*
 * Fewer places at random, since each costs a large store a page (decisions/0035): a presence's bundle and edits in one row,
 * namings in the order of their check-ins, flags that wait in that of their raising, a view row's scopes beside it rather
 * than found by an index of the feed. What was there goes: the engine's change fills it.
 */
static const char version_8[] =
    "DROP INDEX feed_by_key;"
    "DROP INDEX flags_waiting;"
    "CREATE INDEX flags_waiting ON flags (state) WHERE state = 1;"
    "DROP TABLE views;"
    "CREATE TABLE views ("
    " view_key BLOB PRIMARY KEY NOT NULL, pos INTEGER NOT NULL, scopes BLOB NOT NULL, packed BLOB NOT NULL) STRICT;"
    "DROP TABLE namings;"
    "CREATE TABLE namings ("
    " pos INTEGER NOT NULL, presence BLOB NOT NULL, officer BLOB NOT NULL, to_us INTEGER NOT NULL,"
    " PRIMARY KEY (pos, presence, officer)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX namings_by_officer ON namings (officer, to_us, presence);"
    "DROP TABLE bundles;"
    "DROP TABLE edit_sets;"
    "CREATE TABLE visit_texts ("
    " presence BLOB PRIMARY KEY NOT NULL, bundle BLOB NOT NULL DEFAULT (x''), edits BLOB NOT NULL DEFAULT (x'')) "
    "STRICT;";

static const char *const migrations[] = {version_1, version_2, version_3, version_4,
                                         version_5, version_6, version_7, version_8};

int sq_schema_version(void)
{
    return (int)(sizeof(migrations) / sizeof(migrations[0]));
}

/* The caller has begun a transaction and ends it: what stops half-way never was. */
enum status sq_schema_migrate(sqlite3 *db, int from_version)
{
    char sql[64];
    int code = SQLITE_OK;

    for (int version = from_version; version < sq_schema_version() && code == SQLITE_OK; version++)
        code = sqlite3_exec(db, migrations[version], NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return sq_status(db, code);
    (void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", sq_schema_version());
    return sq_status(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}
