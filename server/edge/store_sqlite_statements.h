/* Every statement of the SQLite store by name; store_sqlite_statements.c has the SQL. */
#ifndef DOUBLECREW_SERVER_EDGE_STORE_SQLITE_STATEMENTS_H
#define DOUBLECREW_SERVER_EDGE_STORE_SQLITE_STATEMENTS_H

enum sq_statement_id {
    SQ_BEGIN_WRITE,
    SQ_BEGIN_READ,
    SQ_COMMIT,
    SQ_ROLLBACK,
    SQ_SAVEPOINT,
    SQ_SAVEPOINT_RELEASE,
    SQ_SAVEPOINT_ROLLBACK,

    SQ_HEAD_GET,
    SQ_HEAD_PUT,
    SQ_JOURNAL_APPEND,
    SQ_JOURNAL_END,
    SQ_JOURNAL_FROM,
    SQ_JOURNAL_OF_KIND,
    SQ_JOURNAL_OF_LOG,
    SQ_TILE_GET,
    SQ_TILE_PUT,

    SQ_DEVICE_GET,
    SQ_DEVICE_BY_LOG,
    SQ_DEVICE_BY_CERTIFICATE,
    SQ_DEVICES_OF_OFFICER,
    SQ_DEVICE_PUT,
    SQ_OFFICER_GET,
    SQ_OFFICER_PUT,
    SQ_OFFICERS_IN_CHARGE,
    SQ_COVERS_AFTER,
    SQ_COVER_PUT,
    SQ_STANDINGS_GET,
    SQ_STANDING_PUT,
    SQ_HOLDERS_GET,
    SQ_HOLDINGS_GET,
    SQ_HOLDER_PUT,
    SQ_OFFENDER_GET,
    SQ_OFFENDER_PUT,
    SQ_RISKS_GET,
    SQ_RISK_PUT,
    SQ_POLICIES_GET,
    SQ_POLICY_PUT,

    SQ_ANCHOR_GET,
    SQ_ANCHOR_PUT,
    SQ_BOOT_ANCHORS_OF_LOG,
    SQ_BOOT_ANCHOR_ANY,
    SQ_BOOT_ANCHOR_PUT,
    SQ_CLOCK_POINT_UP_TO,
    SQ_CLOCK_POINT_AFTER,
    SQ_CLOCK_POINT_PUT,
    SQ_CLOCK_POINT_FORGET,
    SQ_CLOCK_POINTS_FORGET,
    SQ_BOOTS_UP_TO,
    SQ_BOOTS_AFTER,
    SQ_BOOTS_OF_BOOT,
    SQ_BOOT_PUT,
    SQ_CARRIED_TIME_UP_TO,
    SQ_CARRIED_TIME_FROM,
    SQ_CARRIED_TIME_PUT,
    SQ_ANCHOR_VOIDS,
    SQ_ANCHOR_VOID_PUT,
    SQ_DEVICE_ANCHORED_IN,
    SQ_PRESENCES_ANCHORED_IN,

    SQ_PRESENCE_GET,
    SQ_PRESENCES_ALL,
    SQ_PRESENCES_AT,
    SQ_PRESENCES_OF,
    SQ_PRESENCES_ON_DEVICE,
    SQ_PRESENCES_IN_BOOT,
    SQ_PRESENCE_PUT,
    SQ_OUTCOME_BEFORE,
    SQ_OUTCOME_PUT,
    SQ_NAMINGS_OF,
    SQ_NAMING_PUT,
    SQ_NAMINGS_FORGET,
    SQ_CONTESTED_PUT,
    SQ_CARRIED_PUT,
    SQ_CARRIED_NEXT,
    SQ_CARRIED_DIFFERS,
    SQ_PLAN_GET,
    SQ_PLANS_AT,
    SQ_PLAN_PUT,
    SQ_AUTHORITIES_FOR,
    SQ_AUTHORITY_PUT,
    SQ_DECISIONS_ON,
    SQ_DECISION_PUT,
    SQ_EDITS_OF,
    SQ_EDIT_PUT,

    SQ_FLAG_GET,
    SQ_FLAGS_ON,
    SQ_FLAGS_WAITING,
    SQ_FLAG_PUT,
    SQ_TIMER_FIRST,
    SQ_TIMER_PUT,
    SQ_TIMER_CLEAR,

    SQ_VIEW_GET,
    SQ_VIEW_PUT,
    SQ_FEED_PUT,
    SQ_FEED_BLOCK,
    SQ_FEED_TAIL,
    SQ_FEED_OF_KEY,
    SQ_FEED_GONE,
    SQ_MEMBERS_GET,
    SQ_MEMBER_PUT,
    SQ_MEMBER_FORGET,
    SQ_PROPOSAL_GET,
    SQ_PROPOSALS_OPEN,
    SQ_PROPOSAL_PUT,
    SQ_WAITING_FIRST,
    SQ_WAITING_PUT,
    SQ_WAITING_FORGET,
    SQ_DIGEST_GET,
    SQ_DIGEST_PUT,
    SQ_DIGEST_FORGET,
    SQ_DIGEST_SCOPE_PUT,
    SQ_DIGEST_SCOPE_FORGET,
    SQ_DIGESTS_OF_SCOPE,

    SQ_WITNESS_GET,
    SQ_WITNESS_PUT,
    SQ_CONTACT_GET,
    SQ_CONTACT_PUT,
    SQ_HELD_OF_LOG,
    SQ_HELD_PUT,

    SQ_STATEMENT_COUNT
};

struct sq_table;

/* How the text becomes SQL. */
enum sq_verb {
    SQ_PLAIN,  /* as it stands */
    SQ_SELECT, /* SELECT the table's columns FROM it, then the text */
    SQ_INSERT, /* INSERT all columns, then the text */
    SQ_UPSERT, /* INSERT all columns, or replace the rest of the row that has its key */
    SQ_DUMP    /* SELECT all ORDER BY key */
};

struct sq_statement_spec {
    enum sq_verb verb;
    const struct sq_table *table;
    const char *text;
};

#define SQ_SQL_MAX 8192

const struct sq_statement_spec *sq_statement_spec(enum sq_statement_id id);
/* Asserts that it fits: it depends on our own tables alone. */
void sq_statement_sql(const struct sq_statement_spec *spec, char ret_sql[SQ_SQL_MAX]);

#endif
