/* Columns of every table, keys first and in key order. The dump writes them in this order. */
#include "server/edge/store_sqlite_internal.h"

#define AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define IS_SIGNED(type, member) ((__typeof__(((type *)0)->member))-1 < (__typeof__(((type *)0)->member))1)

#define ID(type, member, text)                                                                                         \
    {                                                                                                                  \
        .name = (text), .kind = SQ_ID, AT(type, member)                                                                \
    }
#define HASH(type, member, text)                                                                                       \
    {                                                                                                                  \
        .name = (text), .kind = SQ_HASH, AT(type, member)                                                              \
    }
#define INT(type, member, text)                                                                                        \
    {                                                                                                                  \
        .name = (text), .kind = SQ_INT, .is_signed = IS_SIGNED(type, member), AT(type, member)                         \
    }
#define REAL(type, member, text)                                                                                       \
    {                                                                                                                  \
        .name = (text), .kind = SQ_REAL, AT(type, member)                                                              \
    }
#define TEXT(type, member, text)                                                                                       \
    {                                                                                                                  \
        .name = (text), .kind = SQ_TEXT, AT(type, member)                                                              \
    }
#define SPAN(type, member, text)                                                                                       \
    {                                                                                                                  \
        .name = (text), .kind = SQ_SPAN, AT(type, member)                                                              \
    }
#define SCOPE(type, member, text)                                                                                      \
    {                                                                                                                  \
        .name = (text), .kind = SQ_SCOPE, AT(type, member)                                                             \
    }
#define ARRAY(type, member, count, text)                                                                               \
    {                                                                                                                  \
        .name = (text), .kind = SQ_ARRAY, AT(type, member), .element_size = sizeof(((type *)0)->member[0]),            \
        .count_offset = offsetof(type, count)                                                                          \
    }
#define KEY(kind_of, type, member, text)                                                                               \
    {                                                                                                                  \
        .name = (text), .kind = (kind_of), .key = true, AT(type, member)                                               \
    }
#define KEY_INT(type, member, text)                                                                                    \
    {                                                                                                                  \
        .name = (text), .kind = SQ_INT, .key = true, .is_signed = IS_SIGNED(type, member), AT(type, member)            \
    }

#define TABLE(symbol, text, type)                                                                                      \
    const struct sq_table symbol = {text, symbol##_columns, sizeof(symbol##_columns) / sizeof(symbol##_columns[0]),    \
                                    sizeof(type)};                                                                     \
    _Static_assert(sizeof(type) <= SQ_ROW_SIZE_MAX, "a row is read into that much")

static const struct sq_column sq_journal_columns[] = {
    KEY_INT(struct journal_row, first_pos, "first_pos"),
    INT(struct journal_row, count, "record_count"),
    INT(struct journal_row, kind, "kind"),
    INT(struct journal_row, time_us, "time_us"),
    ID(struct journal_row, log, "log"),
    INT(struct journal_row, first_seq, "first_seq"),
    SPAN(struct journal_row, delivery, "delivery"),
    SPAN(struct journal_row, body, "body"),
};
TABLE(sq_journal, "journal", struct journal_row);

static const struct sq_column sq_head_columns[] = {
    INT(struct store_head, pos, "pos"),
    INT(struct store_head, time_us, "time_us"),
    ID(struct store_head, force, "force"),
    ID(struct store_head, epoch, "epoch"),
    HASH(struct store_head, root, "root"),
    INT(struct store_head, training, "training"),
    INT(struct store_head, timers_held, "timers_held"),
    TEXT(struct store_head, engine, "engine"),
};
TABLE(sq_head, "head", struct store_head);

static const struct sq_column sq_tiles_columns[] = {
    KEY_INT(struct sq_tile, level, "level"),
    KEY_INT(struct sq_tile, index, "tile"),
    SPAN(struct sq_tile, hashes, "hashes"),
};
TABLE(sq_tiles, "tiles", struct sq_tile);

static const struct sq_column sq_devices_columns[] = {
    KEY(SQ_ID, struct device_row, device, "device"),
    ID(struct device_row, log, "log"),
    ID(struct device_row, officer, "officer"),
    INT(struct device_row, key.algorithm, "key_algorithm"),
    ARRAY(struct device_row, key.bytes, key.size, "public_key"),
    HASH(struct device_row, certificate_key_hash, "certificate_key_hash"),
    INT(struct device_row, standing, "standing"),
    INT(struct device_row, revoked_as_of_us, "revoked_as_of_us"),
    INT(struct device_row, revocation_recorded_us, "revocation_recorded_us"),
    INT(struct device_row, assigned_from_us, "assigned_from_us"),
    INT(struct device_row, last_seq, "last_seq"),
    HASH(struct device_row, last_hash, "last_hash"),
    INT(struct device_row, watermark_us, "watermark_us"),
    INT(struct device_row, watermark_stopped, "watermark_stopped"),
    INT(struct device_row, fork_seq, "fork_seq"),
    INT(struct device_row, last_receipt_us, "last_receipt_us"),
    INT(struct device_row, purged_pos, "purged_pos"),
};
TABLE(sq_devices, "devices", struct device_row);

static const struct sq_column sq_officers_columns[] = {
    KEY(SQ_ID, struct officer_row, officer, "officer"),
    INT(struct officer_row, role, "role"),
    INT(struct officer_row, accredited, "accredited"),
    INT(struct officer_row, entitled_from_us, "entitled_from_us"),
    INT(struct officer_row, entitled_to_us, "entitled_to_us"),
    ARRAY(struct officer_row, teams, team_count, "teams"),
    TEXT(struct officer_row, code, "code"),
    INT(struct officer_row, is_operator, "is_operator"),
    INT(struct officer_row, duty, "duty"),
};
TABLE(sq_officers, "officers", struct officer_row);

static const struct sq_column sq_officer_versions_columns[] = {
    KEY(SQ_ID, struct officer_version_row, row.officer, "officer"),
    KEY_INT(struct officer_version_row, pos, "pos"),
    INT(struct officer_version_row, row.role, "role"),
    INT(struct officer_version_row, row.accredited, "accredited"),
    INT(struct officer_version_row, row.entitled_from_us, "entitled_from_us"),
    INT(struct officer_version_row, row.entitled_to_us, "entitled_to_us"),
    ARRAY(struct officer_version_row, row.teams, row.team_count, "teams"),
    TEXT(struct officer_version_row, row.code, "code"),
    INT(struct officer_version_row, row.is_operator, "is_operator"),
    INT(struct officer_version_row, row.duty, "duty"),
};
TABLE(sq_officer_versions, "officer_versions", struct officer_version_row);

static const struct sq_column sq_offender_teams_columns[] = {
    KEY(SQ_ID, struct offender_team_row, offender, "offender"),
    KEY_INT(struct offender_team_row, pos, "pos"),
    ID(struct offender_team_row, team, "team"),
};
TABLE(sq_offender_teams, "offender_teams", struct offender_team_row);

static const struct sq_column sq_standings_columns[] = {
    KEY(SQ_ID, struct standing_row, officer, "officer"),
    KEY_INT(struct standing_row, recorded_us, "recorded_us"),
    INT(struct standing_row, accredited, "accredited"),
    INT(struct standing_row, may_be_second, "may_be_second"),
    INT(struct standing_row, entitled_from_us, "entitled_from_us"),
    INT(struct standing_row, entitled_to_us, "entitled_to_us"),
};
TABLE(sq_standings, "standings", struct standing_row);

static const struct sq_column sq_holders_columns[] = {
    KEY(SQ_ID, struct holder_row, device, "device"),
    KEY_INT(struct holder_row, from_us, "from_us"),
    INT(struct holder_row, to_us, "to_us"),
    ID(struct holder_row, officer, "officer"),
};
TABLE(sq_holders, "holders", struct holder_row);

static const struct sq_column sq_covers_columns[] = {
    KEY(SQ_ID, struct cover_row, officer, "officer"),
    KEY_INT(struct cover_row, pos, "pos"),
    HASH(struct cover_row, entry, "entry"),
    ID(struct cover_row, by, "by_officer"),
    INT(struct cover_row, recorded_us, "recorded_us"),
    INT(struct cover_row, from_us, "from_us"),
    INT(struct cover_row, to_us, "to_us"),
};
TABLE(sq_covers, "covers", struct cover_row);

static const struct sq_column sq_offenders_columns[] = {
    KEY(SQ_ID, struct offender_row, offender, "offender"),
    ID(struct offender_row, team, "team"),
    ID(struct offender_row, manager, "manager"),
    INT(struct offender_row, risk, "risk"),
    INT(struct offender_row, has_place, "has_place"),
    INT(struct offender_row, latitude_e7, "latitude_e7"),
    INT(struct offender_row, longitude_e7, "longitude_e7"),
    TEXT(struct offender_row, reference, "reference"),
    INT(struct offender_row, underived, "underived"),
};
TABLE(sq_offenders, "offenders", struct offender_row);

static const struct sq_column sq_risks_columns[] = {
    KEY(SQ_ID, struct sq_risk, offender, "offender"),
    KEY_INT(struct sq_risk, span.from_us, "from_us"),
    INT(struct sq_risk, span.risk, "risk"),
};
TABLE(sq_risks, "risks", struct sq_risk);

static const struct sq_column sq_policies_columns[] = {
    KEY_INT(struct sq_policy, version, "version"),
    INT(struct sq_policy, effective_from_us, "effective_from_us"),
    SPAN(struct sq_policy, body, "body"),
};
TABLE(sq_policies, "policies", struct sq_policy);

static const struct sq_column sq_anchors_columns[] = {
    KEY(SQ_HASH, struct anchor_row, hash, "anchor"),
    INT(struct anchor_row, time_us, "time_us"),
    ID(struct anchor_row, log, "log"),
    ID(struct anchor_row, boot, "boot"),
    INT(struct anchor_row, sent_us, "sent_us"),
};
TABLE(sq_anchors, "anchors", struct anchor_row);

static const struct sq_column sq_boot_anchors_columns[] = {
    KEY(SQ_ID, struct boot_anchor_row, log, "log"),
    KEY(SQ_ID, struct boot_anchor_row, boot, "boot"),
    KEY_INT(struct boot_anchor_row, sent_us, "sent_us"),
    KEY_INT(struct boot_anchor_row, time_us, "time_us"),
    KEY_INT(struct boot_anchor_row, received_us, "received_us"),
    INT(struct boot_anchor_row, drift_ppb, "drift_ppb"),
};
TABLE(sq_boot_anchors, "boot_anchors", struct boot_anchor_row);

static const struct sq_column sq_clock_points_columns[] = {
    KEY(SQ_ID, struct clock_point_row, log, "log"),
    KEY(SQ_ID, struct clock_point_row, boot, "boot"),
    KEY_INT(struct clock_point_row, is_ceiling, "is_ceiling"),
    KEY_INT(struct clock_point_row, at_us, "at_us"),
    INT(struct clock_point_row, time_us, "time_us"),
    INT(struct clock_point_row, drift_ppb, "drift_ppb"),
};
TABLE(sq_clock_points, "clock_points", struct clock_point_row);

static const struct sq_column sq_carried_times_columns[] = {
    KEY(SQ_ID, struct carried_time_row, log, "log"),
    KEY_INT(struct carried_time_row, seq, "seq"),
    ID(struct carried_time_row, boot, "boot"),
    INT(struct carried_time_row, mono_us, "mono_us"),
    INT(struct carried_time_row, checkpoint_us, "checkpoint_us"),
    INT(struct carried_time_row, received_us, "received_us"),
    INT(struct carried_time_row, floor_us, "floor_us"),
    INT(struct carried_time_row, ceiling_us, "ceiling_us"),
};
TABLE(sq_carried_times, "carried_times", struct carried_time_row);

static const struct sq_column sq_anchor_voids_columns[] = {
    KEY(SQ_HASH, struct anchor_void_row, entry, "entry"),
    INT(struct anchor_void_row, from_us, "from_us"),
    INT(struct anchor_void_row, to_us, "to_us"),
};
TABLE(sq_anchor_voids, "anchor_voids", struct anchor_void_row);

static const struct sq_column sq_boots_columns[] = {
    KEY(SQ_ID, struct boot_row, log, "log"),
    KEY_INT(struct boot_row, first_seq, "first_seq"),
    KEY(SQ_ID, struct boot_row, boot, "boot"),
    INT(struct boot_row, last_seq, "last_seq"),
    INT(struct boot_row, first_mono_us, "first_mono_us"),
    INT(struct boot_row, last_mono_us, "last_mono_us"),
    INT(struct boot_row, newest_us, "newest_us"),
    INT(struct boot_row, floor_us, "floor_us"),
    INT(struct boot_row, ceiling_us, "ceiling_us"),
    INT(struct boot_row, clock_trouble, "clock_trouble"),
};
TABLE(sq_boots, "boots", struct boot_row);

#define STAMP(member, prefix)                                                                                          \
    INT(struct presence_row, member.seq, prefix "seq"), ID(struct presence_row, member.boot, prefix "boot"),           \
        INT(struct presence_row, member.mono_us, prefix "mono_us"),                                                    \
        INT(struct presence_row, member.wall_us, prefix "wall_us"),                                                    \
        INT(struct presence_row, member.checkpoint_us, prefix "checkpoint_us"),                                        \
        INT(struct presence_row, member.received_us, prefix "received_us"),                                            \
        INT(struct presence_row, member.pos, prefix "pos"),                                                            \
        INT(struct presence_row, member.has_place, prefix "has_place"),                                                \
        INT(struct presence_row, member.latitude_e7, prefix "latitude_e7"),                                            \
        INT(struct presence_row, member.longitude_e7, prefix "longitude_e7"),                                          \
        REAL(struct presence_row, member.accuracy_m, prefix "accuracy_m")

static const struct sq_column sq_presences_columns[] = {
    KEY(SQ_HASH, struct presence_row, presence, "presence"),
    ID(struct presence_row, offender, "offender"),
    ID(struct presence_row, officer, "officer"),
    ID(struct presence_row, device, "device"),
    ID(struct presence_row, log, "log"),
    STAMP(in, "in_"),
    INT(struct presence_row, has_out, "has_out"),
    STAMP(out, "out_"),
    INT(struct presence_row, with, "with_kind"),
    ARRAY(struct presence_row, named, named_count, "named"),
    INT(struct presence_row, agency, "agency"),
    ID(struct presence_row, plan, "plan"),
    INT(struct presence_row, outcome, "outcome"),
    INT(struct presence_row, outcome_seq, "outcome_seq"),
    INT(struct presence_row, has_cosign, "has_cosign"),
    HASH(struct presence_row, cosign_other, "cosign_other"),
    INT(struct presence_row, cosign_first, "cosign_first"),
    INT(struct presence_row, cosign_confirmed, "cosign_confirmed"),
    INT(struct presence_row, cosign_confirm_mono_us, "cosign_confirm_mono_us"),
    INT(struct presence_row, cosign_round_trip_us, "cosign_round_trip_us"),
    INT(struct presence_row, from_us, "from_us"),
    INT(struct presence_row, to_us, "to_us"),
};
TABLE(sq_presences, "presences", struct presence_row);

static const struct sq_column sq_namings_columns[] = {
    KEY_INT(struct sq_naming, pos, "pos"),
    KEY(SQ_HASH, struct sq_naming, presence, "presence"),
    KEY(SQ_ID, struct sq_naming, officer, "officer"),
    INT(struct sq_naming, to_us, "to_us"),
};
TABLE(sq_namings, "namings", struct sq_naming);

static const struct sq_column sq_plans_columns[] = {
    KEY(SQ_ID, struct plan_row, plan, "plan"),
    KEY_INT(struct plan_row, pos, "pos"),
    HASH(struct plan_row, entry, "entry"),
    ID(struct plan_row, offender, "offender"),
    ARRAY(struct plan_row, officers, officer_count, "officers"),
    INT(struct plan_row, from_us, "from_us"),
    INT(struct plan_row, to_us, "to_us"),
    INT(struct plan_row, cancelled, "cancelled"),
};
TABLE(sq_plans, "plans", struct plan_row);

static const struct sq_column sq_contested_columns[] = {KEY(SQ_HASH, struct sq_contested_row, entry, "entry")};
TABLE(sq_contested, "contested", struct sq_contested_row);

static const struct sq_column sq_outcomes_columns[] = {
    KEY(SQ_HASH, struct outcome_row, presence, "presence"),
    KEY_INT(struct outcome_row, seq, "seq"),
    INT(struct outcome_row, outcome, "outcome"),
};
TABLE(sq_outcomes, "outcomes", struct outcome_row);

static const struct sq_column sq_carried_columns[] = {
    KEY(SQ_ID, struct sq_carried_row, log, "log"),
    KEY_INT(struct sq_carried_row, seq, "seq"),
    KEY(SQ_HASH, struct sq_carried_row, hash, "hash"),
};
TABLE(sq_carried, "carried", struct sq_carried_row);

static const struct sq_column sq_authorities_columns[] = {
    KEY(SQ_HASH, struct authority_row, entry, "entry"), ID(struct authority_row, officer, "officer"),
    ID(struct authority_row, offender, "offender"),     INT(struct authority_row, granted, "granted"),
    ID(struct authority_row, by, "by_officer"),         INT(struct authority_row, recorded_us, "recorded_us"),
    INT(struct authority_row, from_us, "from_us"),      INT(struct authority_row, to_us, "to_us"),
};
TABLE(sq_authorities, "authorities", struct authority_row);

static const struct sq_column sq_decisions_columns[] = {
    KEY(SQ_HASH, struct decision_row, entry, "entry"),
    HASH(struct decision_row, presence, "presence"),
    ID(struct decision_row, by, "by_officer"),
    INT(struct decision_row, counts, "counts"),
    INT(struct decision_row, recorded_us, "recorded_us"),
    INT(struct decision_row, pos, "pos"),
};
TABLE(sq_decisions, "decisions", struct decision_row);

static const struct sq_column sq_edits_columns[] = {
    KEY(SQ_SPAN, struct sq_edit, subject, "subject"), KEY(SQ_STRING, struct sq_edit, field, "field"),
    KEY(SQ_HASH, struct sq_edit, row.entry, "entry"), ID(struct sq_edit, row.officer, "officer"),
    INT(struct sq_edit, row.lower_us, "lower_us"),    INT(struct sq_edit, row.upper_us, "upper_us"),
    HASH(struct sq_edit, row.let_by, "let_by"),       SPAN(struct sq_edit, row.body, "body"),
};
TABLE(sq_edits, "edits", struct sq_edit);

static const struct sq_column sq_edit_sets_columns[] = {
    KEY(SQ_HASH, struct sq_edit_set, presence, "presence"),
    SPAN(struct sq_edit_set, body, "edits"),
};
TABLE(sq_edit_sets, "visit_texts", struct sq_edit_set);

static const struct sq_column sq_flags_columns[] = {
    KEY(SQ_HASH, struct flag_row, flag, "flag"),
    HASH(struct flag_row, subject, "subject"),
    INT(struct flag_row, kind, "kind"),
    INT(struct flag_row, state, "state"),
    INT(struct flag_row, times_raised, "times_raised"),
    SPAN(struct flag_row, body, "body"),
};
TABLE(sq_flags, "flags", struct flag_row);

static const struct sq_column sq_timers_columns[] = {
    KEY(SQ_HASH, struct timer_row, id, "timer"),
    INT(struct timer_row, due_us, "due_us"),
};
TABLE(sq_timers, "timers", struct timer_row);

static const struct sq_column sq_views_columns[] = {
    KEY(SQ_SPAN, struct sq_view, view.key, "view_key"),
    INT(struct sq_view, view.pos, "pos"),
    SPAN(struct sq_view, scopes, "scopes"),
    SPAN(struct sq_view, view.row, "packed"),
};
TABLE(sq_views, "views", struct sq_view);

static const struct sq_column sq_bundles_columns[] = {
    KEY(SQ_HASH, struct bundle_row, presence, "presence"),
    SPAN(struct bundle_row, body, "bundle"),
};
TABLE(sq_bundles, "visit_texts", struct bundle_row);

static const struct sq_column sq_visit_texts_columns[] = {
    KEY(SQ_HASH, struct sq_visit_text, presence, "presence"),
    SPAN(struct sq_visit_text, bundle, "bundle"),
    SPAN(struct sq_visit_text, edits, "edits"),
};
TABLE(sq_visit_texts, "visit_texts", struct sq_visit_text);

static const struct sq_column sq_feeds_columns[] = {
    KEY(SQ_SCOPE, struct sq_feed, scope, "scope"),
    KEY(SQ_SPAN, struct sq_feed, key, "view_key"),
    INT(struct sq_feed, pos, "pos"),
    INT(struct sq_feed, gone, "gone"),
};
TABLE(sq_feeds, "feed", struct sq_feed);

static const struct sq_column sq_members_columns[] = {
    KEY(SQ_ID, struct sq_member, device, "device"),
    KEY(SQ_SCOPE, struct sq_member, member.scope, "scope"),
    INT(struct sq_member, member.entered_pos, "entered_pos"),
    INT(struct sq_member, member.left_pos, "left_pos"),
};
TABLE(sq_members, "scope_members", struct sq_member);

static const struct sq_column sq_witness_columns[] = {
    KEY_INT(struct sq_witness, one, "one"),
    SPAN(struct sq_witness, text, "text"),
};
TABLE(sq_witness, "witness", struct sq_witness);

static const struct sq_column sq_contacts_columns[] = {
    KEY(SQ_ID, struct contact_row, device, "device"),
    INT(struct contact_row, hello_us, "hello_us"),
    INT(struct contact_row, seen_us, "seen_us"),
    INT(struct contact_row, push_us, "push_us"),
    INT(struct contact_row, pending_entries, "pending_entries"),
    INT(struct contact_row, pending_since_ms, "pending_since_ms"),
    INT(struct contact_row, failures, "failures"),
    INT(struct contact_row, failing_code, "failing_code"),
    INT(struct contact_row, pending_reason, "pending_reason"),
    TEXT(struct contact_row, app_version, "app_version"),
    INT(struct contact_row, errors, "errors"),
    INT(struct contact_row, error_us, "error_us"),
    TEXT(struct contact_row, error, "error"),
};
TABLE(sq_contacts, "contacts", struct contact_row);

static const struct sq_column sq_held_columns[] = {
    KEY(SQ_ID, struct held_row, log, "log"),
    KEY_INT(struct held_row, seq, "seq"),
    TEXT(struct held_row, reason, "reason"),
};
TABLE(sq_held, "held", struct held_row);

static const struct sq_column sq_digests_columns[] = {
    KEY(SQ_SPAN, struct sq_digest, scopes, "scopes"),
    INT(struct sq_digest, row_count, "row_count"),
    HASH(struct sq_digest, sum, "sum"),
};
TABLE(sq_digests, "digests", struct sq_digest);

static const struct sq_column sq_digest_scopes_columns[] = {
    KEY(SQ_SCOPE, struct sq_digest_scope, scope, "scope"),
    KEY(SQ_SPAN, struct sq_digest_scope, scopes, "scopes"),
};
TABLE(sq_digest_scopes, "digest_scopes", struct sq_digest_scope);

static const struct sq_column sq_waiting_columns[] = {
    KEY(SQ_HASH, struct waiting_row, awaited, "awaited"),
    KEY_INT(struct waiting_row, received_us, "received_us"),
    KEY(SQ_ID, struct waiting_row, log, "log"),
    KEY_INT(struct waiting_row, seq, "seq"),
    KEY(SQ_HASH, struct waiting_row, entry, "entry"),
    INT(struct waiting_row, pos, "pos"),
    ID(struct waiting_row, device, "device"),
    ID(struct waiting_row, officer, "officer"),
    INT(struct waiting_row, checkpoint_us, "checkpoint_us"),
    INT(struct waiting_row, carried, "carried"),
    SPAN(struct waiting_row, header, "header"),
    SPAN(struct waiting_row, payload, "payload"),
};
TABLE(sq_waiting, "waiting", struct waiting_row);

static const struct sq_column sq_proposals_columns[] = {
    KEY(SQ_HASH, struct proposal_row, entry, "entry"), SPAN(struct proposal_row, subject, "subject"),
    ID(struct proposal_row, offender, "offender"),     ID(struct proposal_row, officer, "officer"),
    INT(struct proposal_row, lower_us, "lower_us"),    INT(struct proposal_row, upper_us, "upper_us"),
    INT(struct proposal_row, state, "state"),          HASH(struct proposal_row, answer, "answer"),
    SPAN(struct proposal_row, body, "body"),
};
TABLE(sq_proposals, "proposals", struct proposal_row);
