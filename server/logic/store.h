/*
 * The store, as the pure server logic sees it. SQLite implements it (server/edge); a contract suite runs on every backend.
 *
 * One `struct store` is one connection. The writer's is the only one that may call the functions under "Writing"; they are
 * valid only between begin and commit. Rows (store_rows.h) are plain data; their spans are borrowed until the next call on
 * that store. Functions that look something up return NOT_FOUND.
 * Errors: IO, DISK_FULL, STORE, NO_MEMORY. After an error inside a transaction the caller rolls back.
 * Where a function fills an array of max rows, OVER_LIMIT says that there are more, unless its comment says "at most max".
 * A callback may read from the store that calls it, not write; what it returns, if not OK, ends the walk and is returned.
 *
 * Derived tables are a function of the journal alone: rebuild fills a fresh store by replay and compares canonical dumps.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_STORE_H
#define DOUBLECREW_SERVER_LOGIC_STORE_H

#include "server/logic/store_rows.h"

struct store;

typedef enum status (*store_digest_each)(void *context, const struct digest_row *row);
typedef enum status (*store_journal_each)(void *context, const struct journal_row *row);
typedef enum status (*store_boot_anchor_each)(void *context, const struct boot_anchor_row *row);
typedef enum status (*store_presence_each)(void *context, const struct presence_row *row);
typedef enum status (*store_officer_each)(void *context, const struct officer_row *row);
typedef enum status (*store_cover_each)(void *context, const struct cover_row *row);
typedef enum status (*store_hash_each)(void *context, const struct hash *hash);
typedef enum status (*store_feed_each)(void *context, uint64_t effective_pos, const struct feed_row *row);
typedef enum status (*store_edit_each)(void *context, const struct edit_row *row);
typedef enum status (*store_dump_sink)(void *context, const char *table, struct span line);

struct store_ops {
    /* Transactions: the writer's; a reader's snapshot begins with begin_read and ends with end_read. */
    enum status (*begin)(struct store *store);
    enum status (*commit)(struct store *store); /* returns after fsync (E1) */
    /* Between transactions, once whoever waited was told: what commits put off. idle: nobody waits for anything else. */
    void (*rest)(struct store *store, bool idle);
    void (*rollback)(struct store *store);
    enum status (*savepoint)(struct store *store);
    enum status (*savepoint_release)(struct store *store);
    void (*savepoint_rollback)(struct store *store); /* back to the savepoint, which is gone then */
    enum status (*begin_read)(struct store *store);
    void (*end_read)(struct store *store);

    /* Journal and head */
    enum status (*head)(struct store *store, struct store_head *ret_head);
    enum status (*journal_from)(struct store *store, uint64_t pos, store_journal_each each, void *context);
    /* Rows of one kind from pos on, in order: engine, epoch. */
    enum status (*journal_of_kind)(struct store *store, enum journal_kind kind, uint64_t pos, store_journal_each each,
                                   void *context);
    /* The row that holds entry seq of a log; NOT_FOUND. Borrowed. */
    enum status (*journal_of_log)(struct store *store, const struct id *log, uint64_t seq, struct journal_row *ret_row);
    enum status (*tile_load)(struct store *store, unsigned level, uint64_t index,
                             struct hash ret_hashes[MERKLE_TILE_WIDTH]);

    /* Reading rows */
    enum status (*device_by_id)(struct store *store, const struct id *device, struct device_row *ret_row);
    enum status (*device_by_log)(struct store *store, const struct id *log, struct device_row *ret_row);
    enum status (*device_by_certificate)(struct store *store, const struct hash *key_hash, struct device_row *ret_row);
    /* Devices assigned to an officer, oldest first; at most max. */
    enum status (*devices_of_officer)(struct store *store, const struct id *officer, struct device_row *ret_rows,
                                      size_t max, size_t *ret_count);
    enum status (*officer_get)(struct store *store, const struct id *officer, struct officer_row *ret_row);
    /* As the last entry up to pos left them. NOT_FOUND. */
    enum status (*officer_version)(struct store *store, const struct id *officer, uint64_t pos,
                                   struct officer_version_row *ret_row);
    enum status (*offender_team_up_to)(struct store *store, const struct id *offender, uint64_t pos,
                                       struct offender_team_row *ret_row);
    enum status (*offender_team_first)(struct store *store, const struct id *offender,
                                       struct offender_team_row *ret_row);
    /* Whoever flags may go to: supervisors, leaders, the duty role; ordered by id. */
    enum status (*officers_in_charge)(struct store *store, store_officer_each each, void *context);
    /* Those that end after after_us and that no fork contests, in order of (officer, pos). */
    enum status (*covers_after)(struct store *store, int64_t after_us, store_cover_each each, void *context);
    /* The newest ones, at most max, in order of time. */
    enum status (*standings_of_officer)(struct store *store, const struct id *officer, struct standing_row *ret_rows,
                                        size_t max, size_t *ret_count);
    /* That overlap [from, to], both included: the newest ones, at most max, in order of time. */
    enum status (*holders_of_device)(struct store *store, const struct id *device, int64_t from_us, int64_t to_us,
                                     struct holder_row *ret_rows, size_t max, size_t *ret_count);
    enum status (*holdings_of_officer)(struct store *store, const struct id *officer, int64_t from_us, int64_t to_us,
                                       struct holder_row *ret_rows, size_t max, size_t *ret_count);
    enum status (*offender_get)(struct store *store, const struct id *offender, struct offender_row *ret_row);
    enum status (*risks_of_offender)(struct store *store, const struct id *offender, struct rule_risk_span *ret_spans,
                                     size_t max, size_t *ret_count);
    enum status (*policies)(struct store *store, struct span *ret_bodies, size_t max,
                            size_t *ret_count); /* packed Policy, oldest first; borrowed */
    enum status (*anchor_get)(struct store *store, const struct hash *hash, struct anchor_row *ret_row);
    /* In order of (from, entry). */
    enum status (*anchor_voids)(struct store *store, struct anchor_void_row *ret_rows, size_t max, size_t *ret_count);
    /* The first device by log after after_log with an observation, a boot's newest anchor or a watermark in [from, to). */
    enum status (*device_anchored_in)(struct store *store, int64_t from_us, int64_t to_us, const struct id *after_log,
                                      struct device_row *ret_row);
    /* Presences whose times may rest on anchors in [from, to): of such a log, or naming one. */
    enum status (*presences_anchored_in)(struct store *store, int64_t from_us, int64_t to_us, store_presence_each each,
                                         void *context);
    /* Any one of a boot's observations, void ones too. NOT_FOUND. */
    enum status (*boot_anchor_any)(struct store *store, const struct id *log, const struct id *boot,
                                   struct boot_anchor_row *ret_row);
    /* All observations of a log, void ones too; by boot. */
    enum status (*boot_anchors_of_log)(struct store *store, const struct id *log, store_boot_anchor_each each,
                                       void *context);
    /* The boot's last point up to at_us, and the first one after it. NOT_FOUND. */
    enum status (*clock_point_up_to)(struct store *store, const struct id *log, const struct id *boot, bool is_ceiling,
                                     int64_t at_us, struct clock_point_row *ret_row);
    enum status (*clock_point_after)(struct store *store, const struct id *log, const struct id *boot, bool is_ceiling,
                                     int64_t at_us, struct clock_point_row *ret_row);
    /* The last stretch that begins at seq or before it. NOT_FOUND. */
    enum status (*boot_at)(struct store *store, const struct id *log, uint64_t seq, struct boot_row *ret_row);
    /* The last replaced outcome of the presence before seq. NOT_FOUND. */
    enum status (*outcome_before)(struct store *store, const struct hash *presence, uint64_t seq,
                                  struct outcome_row *ret_row);
    /* The last carried entry up to seq, the first one from seq on. NOT_FOUND. */
    enum status (*carried_time_up_to)(struct store *store, const struct id *log, uint64_t seq,
                                      struct carried_time_row *ret_row);
    enum status (*carried_time_from)(struct store *store, const struct id *log, uint64_t seq,
                                     struct carried_time_row *ret_row);
    /* The stretches of one boot: one, unless it came back; at most max. */
    enum status (*boots_of_boot)(struct store *store, const struct id *log, const struct id *boot,
                                 struct boot_row *ret_rows, size_t max, size_t *ret_count);
    /* The boots of a log, in log order; at most max, the ones nearest to seq. */
    enum status (*boots_of_log)(struct store *store, const struct id *log, uint64_t seq, struct boot_row *ret_rows,
                                size_t max, size_t *ret_count);
    /* The least seq in [from, to] at which another log says something; NOT_FOUND. */
    enum status (*carried_next)(struct store *store, const struct id *log, uint64_t from_seq, uint64_t to_seq,
                                uint64_t *ret_seq);
    /* Whether another log says that another hash stands there. */
    enum status (*carried_differs)(struct store *store, const struct id *log, uint64_t seq, const struct hash *hash,
                                   bool *ret_differs);
    enum status (*presence_get)(struct store *store, const struct hash *presence, struct presence_row *ret_row);
    /* Every presence, ordered by id. */
    enum status (*presences_all)(struct store *store, store_hash_each each, void *context);
    /* Presences at an offender whose loose bounds touch [from, to], ordered by id. */
    enum status (*presences_at)(struct store *store, const struct id *offender, int64_t from_us, int64_t to_us,
                                store_presence_each each, void *context);
    /* Presences of an officer whose loose bounds touch [from, to], ordered by id. */
    enum status (*presences_of)(struct store *store, const struct id *officer, int64_t from_us, int64_t to_us,
                                store_presence_each each, void *context);
    /* The ids of an officer's presences at an offender (NULL: at any) whose loose bounds touch [from, to], in order. */
    enum status (*presence_ids)(struct store *store, const struct id *officer, const struct id *offender,
                                int64_t from_us, int64_t to_us, store_hash_each each, void *context);
    /* Presences whose check-in or check-out lies in one boot of a log. */
    enum status (*presences_in_boot)(struct store *store, const struct id *log, const struct id *boot,
                                     store_presence_each each, void *context);
    /* By the check-in's device, whose latest instant is at or after from_us. */
    enum status (*presences_on_device)(struct store *store, const struct id *device, int64_t from_us,
                                       store_presence_each each, void *context);
    /* Presences whose verdict looks at this officer's logs and whose latest instant is at or after from_us, by id (W2). */
    enum status (*presences_naming)(struct store *store, const struct id *officer, int64_t from_us,
                                    store_hash_each each, void *context);
    /* Acts that a fork contests (F2) are left out of what the next five return. */
    enum status (*plan_get)(struct store *store, const struct id *plan, struct plan_row *ret_row);
    enum status (*plans_at)(struct store *store, const struct id *offender, int64_t from_us, int64_t to_us,
                            struct plan_row *ret_rows, size_t max, size_t *ret_count);
    enum status (*authorities_for)(struct store *store, const struct id *officer, const struct id *offender,
                                   struct authority_row *ret_rows, size_t max, size_t *ret_count);
    enum status (*decisions_on)(struct store *store, const struct hash *presence, struct decision_row *ret_rows,
                                size_t max, size_t *ret_count);
    /* Edits of one field of one subject (16 or 32 bytes), in no order that means anything. */
    enum status (*edits_of)(struct store *store, struct span subject, const char *field, store_edit_each each,
                            void *context);
    enum status (*flag_get)(struct store *store, const struct hash *flag, struct flag_row *ret_row);
    /* Flags with this subject; at most max. Bodies borrowed. */
    enum status (*flags_on)(struct store *store, const struct hash *subject, struct flag_row *ret_rows, size_t max,
                            size_t *ret_count);
    /* Every raised flag that isn't acknowledged, ordered by id. */
    enum status (*flags_waiting)(struct store *store, store_hash_each each, void *context);
    /* The first timer due at or before due_us, in order (due, id); NOT_FOUND. */
    enum status (*timer_first)(struct store *store, int64_t due_us, struct timer_row *ret_row);
    /* One that stands alone: a presence's notes and fields are found by bundle_view_get. */
    enum status (*view_get)(struct store *store, struct span key, struct view_row *ret_row);
    enum status (*bundle_get)(struct store *store, const struct hash *presence, struct bundle_row *ret_row);
    /* Scopes of which a view row that stands alone is a live member. */
    enum status (*scopes_of_row)(struct store *store, struct span key, struct scope *ret_scopes, size_t max,
                                 size_t *ret_count);
    /* Also the scopes that the device has left. */
    enum status (*scopes_of_device)(struct store *store, const struct id *device, struct scope_member *ret_members,
                                    size_t max, size_t *ret_count);
    /*
     * Rows of the device's scopes after the cursor, in order (effective pos, place), each key once; stops at max.
     * A place is the row's key, or for a bundled row its group's and its number there.
     * In a scope of which the device is a member a row's pos is max(its pos there, entered_pos), live or gone. In a scope
     * that it left, all that the scope's feed holds is gone since left_pos. A key in several scopes is live when one of
     * them holds it live, at the least pos of those: a device that has passed it holds the row, whichever others the row
     * or the device enters or leaves later. Else it is gone, at the greatest pos.
     * So a device also hears of the going of rows that came to a scope after it had left: it learns that an opaque key
     * (a random id or a hash) exists, and nothing else.
     */
    enum status (*feed_page)(struct store *store, const struct scope_member *members, size_t member_count,
                             const struct feed_cursor *after, size_t max, store_feed_each each, void *context);

    enum status (*contact_get)(struct store *store, const struct id *device, struct contact_row *ret_row);
    /* Held entries of a log from from_seq to to_seq, in order; at most max. */
    enum status (*held_of_log)(struct store *store, const struct id *log, uint64_t from_seq, uint64_t to_seq,
                               struct held_row *ret_rows, size_t max, size_t *ret_count);
    /* The first and the last pos after after_pos at which a row left this scope, for good so far. NOT_FOUND: none did. */
    enum status (*departures)(struct store *store, const struct scope *scope, uint64_t after_pos, uint64_t *ret_first,
                              uint64_t *ret_last);
    enum status (*proposal_get)(struct store *store, const struct hash *entry, struct proposal_row *ret_row);
    /* Open ones whose subject or whose offender this is, by entry. */
    enum status (*proposals_open)(struct store *store, struct span about, store_hash_each each, void *context);
    /* The first that waits for this; NOT_FOUND. */
    enum status (*waiting_first)(struct store *store, const struct hash *awaited, struct waiting_row *ret_row);
    /* The class of rows; NOT_FOUND. */
    enum status (*digest_get)(struct store *store, struct span scopes, struct digest_row *ret_row);
    /* Every class that this scope is one of, in order of the classes. */
    enum status (*digests_of_scope)(struct store *store, const struct scope *scope, store_digest_each each,
                                    void *context);

    /* Writing: the writer only, within begin and commit. Puts insert or replace by key. */
    enum status (*journal_append)(struct store *store, const struct journal_row *row);
    enum status (*head_put)(struct store *store, const struct store_head *head);
    enum status (*tile_put)(struct store *store, const struct merkle_tile *tile);
    enum status (*device_put)(struct store *store, const struct device_row *row);
    enum status (*officer_put)(struct store *store, const struct officer_row *row);
    enum status (*officer_version_put)(struct store *store, const struct officer_version_row *row);
    enum status (*offender_team_put)(struct store *store, const struct offender_team_row *row);
    enum status (*cover_put)(struct store *store, const struct cover_row *row);
    enum status (*standing_put)(struct store *store, const struct standing_row *row);
    enum status (*holder_put)(struct store *store, const struct holder_row *row);
    enum status (*offender_put)(struct store *store, const struct offender_row *row);
    enum status (*risk_put)(struct store *store, const struct id *offender, const struct rule_risk_span *span);
    enum status (*policy_put)(struct store *store, uint32_t version, int64_t effective_from_us, struct span body);
    enum status (*anchor_put)(struct store *store, const struct anchor_row *row);
    /* Whether it is new: the same observation again is one, with its first drift. */
    enum status (*boot_anchor_put)(struct store *store, const struct boot_anchor_row *row, bool *ret_new);
    enum status (*clock_point_put)(struct store *store, const struct clock_point_row *row);
    enum status (*clock_point_forget)(struct store *store, const struct clock_point_row *row);
    enum status (*clock_points_forget)(struct store *store, const struct id *log, const struct id *boot);
    enum status (*boot_put)(struct store *store, const struct boot_row *row);
    enum status (*carried_time_put)(struct store *store, const struct carried_time_row *row);
    enum status (*anchor_void_put)(struct store *store, const struct anchor_void_row *row);
    enum status (*presence_put)(struct store *store, const struct presence_row *row);
    enum status (*outcome_put)(struct store *store, const struct outcome_row *row);
    /* The officers whose logs a presence's verdict looks at, with its latest instant (to_us); replaces its earlier ones. */
    enum status (*naming_put)(struct store *store, const struct presence_row *presence, const struct id *officers,
                              size_t count);
    /* Entries that count for nothing because their log forked at or before them (F2). */
    enum status (*contested_put)(struct store *store, const struct hash *entry);
    /* What another log says stands at a place of this one (F1); several hashes there are a fork. */
    enum status (*carried_put)(struct store *store, const struct id *log, uint64_t seq, const struct hash *hash);
    enum status (*plan_put)(struct store *store, const struct plan_row *row);
    enum status (*authority_put)(struct store *store, const struct authority_row *row);
    enum status (*decision_put)(struct store *store, const struct decision_row *row);
    enum status (*edit_put)(struct store *store, struct span subject, const char *field, const struct edit_row *row);
    enum status (*flag_put)(struct store *store, const struct flag_row *row);
    enum status (*timer_set)(struct store *store,
                             const struct timer_row *row); /* one a subject: replaces its earlier one */
    enum status (*timer_clear)(struct store *store, const struct hash *id);
    enum status (*view_put)(struct store *store, const struct view_row *row);
    enum status (*bundle_put)(struct store *store, const struct bundle_row *row);
    enum status (*feed_put)(struct store *store, const struct scope *scope, uint64_t pos, struct span key, bool gone);
    /* As if the scope had never held it: what was under this key is there under another. */
    enum status (*feed_forget)(struct store *store, const struct scope *scope, struct span key);
    enum status (*proposal_put)(struct store *store, const struct proposal_row *row);
    enum status (*waiting_put)(struct store *store, const struct waiting_row *row);
    enum status (*waiting_forget)(struct store *store, const struct waiting_row *row); /* by its key */
    enum status (*digest_put)(struct store *store, const struct digest_row *row);      /* row_count 0: forgets it */
    enum status (*scope_member_put)(struct store *store, const struct id *device, const struct scope_member *member);
    /* Forgets even that the device left: what it still holds of the scope stays with it. */
    enum status (*scope_member_forget)(struct store *store, const struct id *device, const struct scope *scope);

    /* The signed checkpoint that showed that this store was set back (E2), if any has. Not derived. Borrowed; NOT_FOUND. */
    enum status (*witness_get)(struct store *store, struct span *ret_text);
    enum status (*witness_put)(struct store *store, struct span text);
    enum status (*contact_put)(struct store *store, const struct contact_row *row);
    enum status (*held_put)(struct store *store, const struct held_row *row);

    /* Within begin and commit: empties every table that a dump shows but head and tiles, for deriving it again. */
    enum status (*derived_clear)(struct store *store);
    enum status (*dump)(struct store *store, store_dump_sink sink, void *context); /* see store_dump */
    void (*close)(struct store *store);
};

/* Backends embed this as their first member. */
struct store {
    const struct store_ops *ops;
};

/*
 * Canonical dump for rebuild --check: every derived table in key order, each row as "table|hex or number|...\n" to the sink.
 * Backend-independent rows in, so two stores with the same derived state dump the same bytes.
 */
MUST_USE enum status store_dump(struct store *store, store_dump_sink sink, void *context);

#endif
