/*
 * Shared by the files of the SQLite store, prefix sq_. Nothing else includes it but tests and the bare-loop benchmark.
 *
 * Rows are described, not hand-bound: a table lists its columns in order with their offsets in the row's struct, and one
 * piece of code builds the SQL, binds, reads, checks and dumps. The schema itself is plain SQL (store_sqlite_schema.c).
 */
#ifndef DOUBLECREW_SERVER_EDGE_STORE_SQLITE_INTERNAL_H
#define DOUBLECREW_SERVER_EDGE_STORE_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "core/limits.h"
#include "server/edge/store_sqlite.h"
#include "server/edge/store_sqlite_statements.h"

#define SQ_APPLICATION_ID 0x44435331 /* "DCS1" */
#define SQ_PAGE_SIZE 4096            /* SQLite's default, which creating keeps */
#define SQ_ROW_SIZE_MAX 2048         /* of a row's struct */
#define SQ_POLICIES_MAX 256          /* versions of the policy: one a month for twenty years */

/* C type and its SQL: fixed blobs, integers, REAL (NULL is NaN), TEXT, variable blobs. */
enum sq_kind {
    SQ_ID,     /* struct id */
    SQ_HASH,   /* struct hash */
    SQ_INT,    /* any integer, enum or bool of `size` bytes; `is_signed` */
    SQ_REAL,   /* double */
    SQ_TEXT,   /* char[size] */
    SQ_STRING, /* const char *: bound only */
    SQ_ARRAY,  /* size bytes of elements, size_t count of them at count_offset */
    SQ_SPAN,   /* struct span, borrowed */
    SQ_SCOPE   /* struct scope: kind 1 byte, and the id's 16 unless it is the force's */
};

struct sq_column {
    const char *name;
    enum sq_kind kind;
    bool key;
    bool is_signed;
    size_t offset;
    size_t size;
    size_t element_size;
    size_t count_offset;
};

struct sq_table {
    const char *name;
    const struct sq_column *columns; /* keys first, in key order */
    size_t count;
    size_t row_size;
};

/* Rows of which store.h passes the parts one by one. */
struct sq_risk {
    struct id offender;
    struct rule_risk_span span;
};
struct sq_policy {
    uint32_t version;
    int64_t effective_from_us;
    struct span body;
};
struct sq_naming {
    uint64_t pos; /* of the check-in: the key's order is the order of writing */
    struct hash presence;
    struct id officer;
    int64_t to_us;
};
struct sq_edit {
    struct span subject;
    const char *field;
    struct edit_row row;
};
/* One row of visit_texts, whole; a bundle and a set of edits are each a part of it, put and read alone. Empty: there is none. */
struct sq_visit_text {
    struct hash presence;
    struct span bundle;
    struct span edits;
};
struct sq_edit_set {
    struct hash presence;
    struct span body; /* store_sqlite_edits.c */
};
struct sq_member {
    struct id device;
    struct scope_member member;
};
struct sq_feed {
    struct scope scope;
    struct span key;
    uint64_t pos;
    bool gone;
};
struct sq_view {
    struct view_row view;
    struct span scopes; /* that hold it live */
};
struct sq_digest {
    struct span scopes;
    uint64_t row_count;
    struct hash sum;
};
struct sq_digest_scope {
    struct scope scope;
    struct span scopes;
};
struct sq_tile {
    uint32_t level;
    uint64_t index;
    struct span hashes;
};

struct sq_contested_row {
    struct hash entry;
};

struct sq_carried_row {
    struct id log;
    uint64_t seq;
    struct hash hash;
};

struct sq_witness {
    uint8_t one; /* 1 */
    struct span text;
};

extern const struct sq_table sq_witness, sq_journal, sq_head, sq_tiles, sq_devices, sq_officers, sq_standings,
    sq_officer_versions, sq_offender_teams, sq_holders, sq_offenders, sq_risks, sq_policies, sq_anchors,
    sq_boot_anchors, sq_clock_points, sq_carried_times, sq_anchor_voids, sq_boots, sq_presences, sq_outcomes,
    sq_namings, sq_plans, sq_contested, sq_carried, sq_authorities, sq_decisions, sq_edits, sq_edit_sets,
    sq_visit_texts, sq_flags, sq_timers, sq_views, sq_bundles, sq_feeds, sq_members, sq_contacts, sq_held, sq_digests,
    sq_digest_scopes, sq_waiting, sq_proposals, sq_covers;

/* A prepared statement, kept for the next use. Nested use of one statement prepares a second. */
struct sq_statement {
    sqlite3_stmt *stmt;
    struct sq_statement *next;
    uint32_t cached_tables; /* that it names, as sq_cache_tables_in has them */
    /* store_sqlite_answers.h */
    uint32_t answered_tables; /* that it names */
    uint8_t answered_table;   /* its own */
    bool is_keyed;            /* what is bound first is the first column of its own table's key */
    bool is_answered;         /* its answers are kept */
};

struct sq_cache;   /* store_sqlite_cache.h */
struct sq_index;   /* store_sqlite_index.h */
struct sq_answers; /* store_sqlite_answers.h */
struct sq_answer;
struct sq_logs; /* store_sqlite_logs.h */

struct store_sqlite {
    struct store base; /* first: what others see */
    struct store_ops ops;
    sqlite3 *db;
    int lock_fd;                /* -1: a reader */
    int code;                   /* SQLite's last error on this connection */
    struct sq_cache *cache;     /* NULL: a reader */
    struct sq_index *index;     /* the same */
    struct sq_answers *answers; /* the same */
    struct sq_logs *logs;       /* the same */
    int64_t changes_before;     /* rows that this connection had changed when the last transaction began or ended */
    bool contested_known;       /* any_contested is as the table has it */
    bool any_contested;
    struct sq_statement *idle[SQ_STATEMENT_COUNT];
    uint8_t *scratch; /* what borrowed spans point into */
    size_t scratch_size;
    int wal_pages;        /* in the log after the last commit */
    int checkpoint_pages; /* no checkpoint before there are so many: a reader held back the last one */
};

/* What is bound, one after the other: a kind, a size, so many bytes. */
#define SQ_QUESTION_MAX 96 /* two ids and three numbers, with room to spare */
struct sq_question {
    uint8_t bytes[SQ_QUESTION_MAX];
    size_t size;
};

/* One use of a statement. A failure sticks: later calls do nothing, sq_end returns it. It stays where it is until then. */
struct sq_query {
    struct store_sqlite *self;
    struct sq_statement *statement;
    enum sq_statement_id id;
    int bound;
    enum status status;
    /* store_sqlite_answers.h; the question also says by which key a statement writes */
    struct sq_question question;
    bool asked;
    uint64_t version;         /* of the tables, when it was asked */
    struct sq_answer *answer; /* being told; NULL: SQLite tells it */
    size_t told;              /* rows of it */
    uint8_t *made;            /* an answer to be kept: the question, and the rows so far; NULL: none yet */
    size_t made_rows, made_row_size;
    bool made_too_large;
};

/* store_sqlite_query.c */
/* Writes first what is unwritten of the tables that the statement names. */
struct sq_query sq_begin(struct store *store, enum sq_statement_id id);
/* Doesn't: the cache's own statements, which know what they leave out. */
struct sq_query sq_begin_as_is(struct store *store, enum sq_statement_id id);
void sq_bind_int(struct sq_query *query, int64_t value);
void sq_bind_question(struct sq_query *query);            /* what was noted, for SQLite */
void sq_bind_u64(struct sq_query *query, uint64_t value); /* OVER_LIMIT above INT64_MAX */
void sq_bind_span(struct sq_query *query, struct span value);
void sq_bind_id(struct sq_query *query, const struct id *value);
void sq_bind_hash(struct sq_query *query, const struct hash *value);
void sq_bind_text(struct sq_query *query, const char *value);
void sq_bind_scope(struct sq_query *query, const struct scope *value);
/* True: a row is there. */
bool sq_step(struct sq_query *query);
int64_t sq_int(const struct sq_query *query, int column);
struct span sq_blob(const struct sq_query *query, int column);
enum status sq_end(struct sq_query *query);
enum status sq_failed(struct store_sqlite *self, int code);
enum status sq_damaged(struct store *store); /* what a row holds contradicts itself: STORE */
/* Runs a statement that gives no rows. */
MUST_USE enum status sq_do(struct store *store, enum sq_statement_id id);
void sq_free_statements(struct store_sqlite *self);

/* store_sqlite_cache.c: for what is kept in memory by bytes. */
uint64_t sq_hash(uint64_t seed, struct span bytes);

/* store_sqlite.c. After a rollback, or when tables were cleared: what memory says of the store may never have been. */
void sq_forget(struct store_sqlite *self);
void sq_free_memory(struct store_sqlite *self);

/* store_sqlite_row.c. What binding would refuse, said before: OVER_LIMIT. */
MUST_USE enum status sq_row_fits(const struct sq_table *table, const void *row);
/* The one blob that is the table's key. Borrowed from the row. */
struct span sq_row_key(const struct sq_table *table, const void *row);
/* Spans of a row that sq_next read last until the next step; others, in scratch, until the next call. */
void sq_bind_row(struct sq_query *query, const struct sq_table *table, const void *row);
bool sq_next(struct sq_query *query, const struct sq_table *table, void *row);
/* The first row, and the end of the query. NOT_FOUND. */
MUST_USE enum status sq_one(struct sq_query *query, const struct sq_table *table, void *ret_row);
enum sq_excess { SQ_EXCESS_REFUSED, SQ_EXCESS_CUT };
/* Up to max rows, and the end of the query. */
MUST_USE enum status sq_all(struct sq_query *query, const struct sq_table *table, void *ret_rows, size_t max,
                            enum sq_excess excess, size_t *ret_count);
/* Carries out a writing statement and ends it. INTERNAL outside a transaction. */
MUST_USE enum status sq_change(struct sq_query *query);
/* Inserts or replaces, as the statement says. */
MUST_USE enum status sq_put(struct store *store, enum sq_statement_id id, const void *row);

/* store_sqlite_views.c. A row's scopes one by one; and that it is live in one, or not. */
bool sq_scopes_next(struct span *rest, struct scope *ret_scope);
MUST_USE enum status sq_view_in_scope(struct store *store, struct span key, const struct scope *scope, bool live);

/* store_sqlite_schema.c */
int sq_schema_version(void);
MUST_USE enum status sq_schema_migrate(sqlite3 *db, int from_version);

/* store_sqlite_open.c: pragmas, limits and defences of every connection; the benchmark's bare loop uses the same. */
MUST_USE enum status sq_configure(sqlite3 *db, enum store_sqlite_mode mode);
enum status sq_status(sqlite3 *db, int code);
MUST_USE enum status sq_lock_writer(const char *path, int *ret_fd);
/* Configured as far as can be without writing. flags: SQLITE_OPEN_READWRITE or _READONLY. */
MUST_USE enum status sq_connect(const char *path, int flags, sqlite3 **ret_db);
void sq_close(sqlite3 *db, int lock_fd);

/* Each file of operations fills in its own. */
void sq_transaction_ops(struct store_ops *ops);
void sq_journal_ops(struct store_ops *ops);
void sq_roster_ops(struct store_ops *ops);
void sq_anchor_ops(struct store_ops *ops);
void sq_presence_ops(struct store_ops *ops);
void sq_edit_ops(struct store_ops *ops);
void sq_flag_ops(struct store_ops *ops);
void sq_view_ops(struct store_ops *ops);
void sq_feed_ops(struct store_ops *ops);
void sq_contact_ops(struct store_ops *ops);
void sq_digest_ops(struct store_ops *ops);
void sq_proposal_ops(struct store_ops *ops);
void sq_dump_ops(struct store_ops *ops);

#endif
