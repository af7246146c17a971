/*
 * The store, as the pure server logic sees it. SQLite implements it (server/edge); a contract suite runs on every backend.
 *
 * One `struct store` is one connection. The writer's is the only one that may call the functions under "Writing"; they are
 * valid only between begin and commit. Rows are plain data; spans in rows are borrowed until the next call on that store.
 * Times are microseconds on the server's axis unless the name says _ms. Functions that look something up return NOT_FOUND.
 * Errors: IO, DISK_FULL, STORE, NO_MEMORY. After an error inside a transaction the caller rolls back.
 * Where a function fills an array of max rows, OVER_LIMIT says that there are more, unless its comment says "at most max".
 * A callback may read from the store that calls it, not write; what it returns, if not OK, ends the walk and is returned.
 *
 * Derived tables are a function of the journal alone: rebuild fills a fresh store by replay and compares canonical dumps.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_STORE_H
#define DOUBLECREW_SERVER_LOGIC_STORE_H

#include "core/bytes.h"
#include "core/merkle.h"
#include "core/row_digest.h"
#include "core/rule.h"
#include "core/sign.h"

#define STORE_NAMED_MAX RULE_NAMED_MAX
#define STORE_VIEW_KEY_MAX 80

/* Journal ------------------------------------------------------------------------------------------------------- */

enum journal_kind { JOURNAL_PUSH = 1, JOURNAL_TICK = 2, JOURNAL_ENGINE = 3, JOURNAL_ISSUED = 4, JOURNAL_EPOCH = 5 };

/* One row holds `count` consecutive records: all new entries of one push, or all issued items of one derivation. */
struct journal_row {
    uint64_t first_pos;
    uint32_t count;
    enum journal_kind kind;
    int64_t time_us;      /* J2: never falls */
    struct id log;        /* pushes only */
    uint64_t first_seq;   /* pushes: the log's seq of first_pos; the push itself may begin earlier */
    struct span delivery; /* pushes: a packed Delivery */
    struct span body; /* pushes: the raw Push message; issued: a packed Issued; engine, epoch: a packed Engine, Epoch */
};

struct store_head {
    uint64_t pos; /* 0: empty */
    int64_t time_us;
    struct id force;
    struct id epoch;
    struct hash root; /* of the Merkle tree over `pos` leaves */
    bool training;
    bool timers_held; /* T5: the last records came in clock trouble; timers that fell due since have not fired */
    char engine[32];
};

/* Roster and logs ------------------------------------------------------------------------------------------------ */

enum device_standing { DEVICE_ACTIVE = 1, DEVICE_EXPIRED = 2, DEVICE_SUSPENDED = 3, DEVICE_LOST = 4 };

struct device_row {
    struct id device;
    struct id log;
    struct id officer;
    struct public_key key;
    struct hash certificate_key_hash;
    enum device_standing standing;
    int64_t revoked_as_of_us;       /* RULE_FOREVER: not revoked */
    int64_t revocation_recorded_us; /* RULE_FOREVER */
    int64_t assigned_from_us;
    /* the log's state */
    uint64_t last_seq;
    struct hash last_hash;
    int64_t watermark_us;   /* INT64_MIN: none */
    bool watermark_stopped; /* at a fork or an unknown kind of entry (W1) */
    uint64_t fork_seq;      /* 0: none; entries from here on are contested */
    int64_t last_receipt_us;
    uint64_t purged_pos; /* what left its scopes up to here is gone from it, by its own signed word (P1) */
};

struct officer_row {
    struct id officer;
    uint32_t role; /* Role of entry.proto */
    bool accredited;
    int64_t entitled_from_us;
    int64_t entitled_to_us;
    struct id teams[8];
    size_t team_count;
    char code[32];
    bool is_operator;
    bool duty;
};

/* The roster as each of its entries left it: for words that waited for what they are about (apply_waiting.c). */
struct officer_version_row {
    uint64_t pos; /* of the entry */
    struct officer_row row;
};

struct offender_team_row {
    struct id offender;
    uint64_t pos;
    struct id team;
};

/* What one Officer entry said of an officer's standing (V5). The newest that was recorded speaks: standing.c. */
struct standing_row {
    struct id officer;
    int64_t recorded_us;
    bool accredited;
    bool may_be_second; /* their role */
    int64_t entitled_from_us;
    int64_t entitled_to_us;
};

/* To whom a device was assigned in [from, to) (F4): no gaps, the last to RULE_FOREVER. */
struct holder_row {
    struct id device;
    int64_t from_us;
    int64_t to_us;
    struct id officer; /* zero: nobody */
};

/*
 * Who stands in for an officer in [from, to) (A1). Of one officer's the last one recorded speaks, of those that hold an
 * instant and were recorded by then.
 */
struct cover_row {
    struct id officer;
    uint64_t pos;
    struct hash entry;
    struct id by; /* zero: they are back */
    int64_t recorded_us;
    int64_t from_us;
    int64_t to_us;
};

struct offender_row {
    struct id offender;
    struct id team;
    struct id manager;
    uint32_t risk; /* the newest */
    bool has_place;
    int32_t latitude_e7;
    int32_t longitude_e7;
    char reference[48];
    bool underived; /* J7 */
};

/* Anchors and boots (T1) ------------------------------------------------------------------------------------------ */

struct anchor_row {
    struct hash hash; /* of its text */
    int64_t time_us;
    struct id log;
    struct id boot;
    int64_t sent_us; /* m_h */
};

/* One observation of a log's boot against the server's clock: an anchor that the device holds, or a delivery's Hello. */
struct boot_anchor_row {
    struct id log;
    struct id boot;
    int64_t time_us;
    int64_t sent_us;
    int64_t received_us; /* INT64_MAX: unknown */
    int64_t drift_ppb;   /* of the policy under which the boot was first observed: the same for all of the boot's */
};

/*
 * One side of an observation that no other of its boot makes superfluous (T1): at at_us of its clock the boot was no earlier
 * than time_us (a floor, at the answer's receipt), or no later (a ceiling, at the question). Void observations leave none.
 */
struct clock_point_row {
    struct id log;
    struct id boot;
    bool is_ceiling;
    int64_t at_us;
    int64_t time_us;
    int64_t drift_ppb; /* the observation's */
};

/* Anchors with a time in [from, to) are evidence of nothing (T5). */
struct anchor_void_row {
    struct hash entry;
    int64_t from_us;
    int64_t to_us;
};

/* A boot's stretch in a log: what is known of its ends bounds the stretches before and after it. */
struct boot_row {
    struct id log;
    struct id boot;
    uint64_t first_seq;
    uint64_t last_seq;
    int64_t first_mono_us;
    int64_t last_mono_us;
    int64_t newest_us;  /* of the anchors named in it, void ones aside; INT64_MIN: none */
    int64_t floor_us;   /* no entry of it is earlier, by those before it; INT64_MIN: nobody says */
    int64_t ceiling_us; /* nor later, by those after it; INT64_MAX: nobody says */
    bool clock_trouble; /* T2: clock or anchors went back, or the boot returned */
};

/* An entry that only a partner had brought when it came: it bounds those before and after it in its log (T1). */
struct carried_time_row {
    struct id log;
    uint64_t seq;
    struct id boot;
    int64_t mono_us;
    int64_t checkpoint_us; /* that it names; INT64_MIN: none */
    int64_t received_us;
    int64_t floor_us;   /* no entry after it is earlier, by it and the carried ones before it; INT64_MIN: nobody says */
    int64_t ceiling_us; /* no entry before it is later, by it and the carried ones after it */
};

/* An outcome that another replaced in log order: the one that stands again if that one turns out to be past a fork (F2). */
struct outcome_row {
    struct hash presence;
    uint64_t seq;
    enum rule_outcome outcome;
};

/* Facts about presences -------------------------------------------------------------------------------------------- */

struct fact_stamp {
    uint64_t seq;
    struct id boot;
    int64_t mono_us;
    int64_t wall_us;
    int64_t checkpoint_us; /* time of the checkpoint that the entry names; INT64_MIN: none */
    int64_t received_us;   /* first receipt */
    uint64_t pos;
    bool has_place;
    int32_t latitude_e7;
    int32_t longitude_e7;
    double accuracy_m;
};

struct presence_row {
    struct hash presence;
    struct id offender;
    struct id officer;
    struct id device;
    struct id log;
    struct fact_stamp in;
    bool has_out;
    struct fact_stamp out; /* the first check-out of the log order; later ones are kept in the journal only */
    enum rule_with with;
    struct id named[STORE_NAMED_MAX];
    size_t named_count;
    bool agency;
    struct id plan;            /* zero: unplanned */
    enum rule_outcome outcome; /* the last in log order */
    uint64_t outcome_seq;
    bool has_cosign; /* this log names the other's check-in */
    struct hash cosign_other;
    bool cosign_first;
    bool cosign_confirmed;
    int64_t cosign_confirm_mono_us;
    int64_t cosign_round_trip_us;
    /* loose bounds for finding neighbours; recomputed with each derivation */
    int64_t from_us;
    int64_t to_us;
};

/* One version of a plan: the last one that isn't contested stands. */
struct plan_row {
    struct id plan;
    uint64_t pos;
    struct hash entry;
    struct id offender;
    struct id officers[STORE_NAMED_MAX];
    size_t officer_count;
    int64_t from_us;
    int64_t to_us;
    bool cancelled;
};

struct authority_row {
    struct hash entry; /* of the word */
    struct id officer;
    struct id offender;
    bool granted;
    struct id by;
    int64_t recorded_us;
    int64_t from_us;
    int64_t to_us;
};

struct decision_row {
    struct hash entry;
    struct hash presence;
    struct id by;
    bool counts;
    int64_t recorded_us;
    uint64_t pos;
};

struct edit_row {
    struct hash entry;
    struct id officer;
    int64_t lower_us;
    int64_t upper_us;
    struct hash let_by; /* the answer that took a proposal over; zero: it was its author's to write */
    struct span body;   /* a packed FieldEdit */
};

/* An edit from outside its subject's scope (P4). */
enum proposal_state { PROPOSAL_OPEN = 1, PROPOSAL_ACCEPTED = 2, PROPOSAL_REFUSED = 3 };

struct proposal_row {
    struct hash entry;
    struct span subject; /* 16 or 32 bytes */
    struct id offender;  /* as far as known; zero: the subject is a presence that isn't here */
    struct id officer;   /* the author */
    int64_t lower_us;
    int64_t upper_us;
    enum proposal_state state;
    struct hash answer; /* the one that stands; zero: none */
    struct span body;   /* a packed Edit */
};

/*
 * An entry about something that hasn't come yet (a presence, a proposal): applied when it comes, as of its own receipt, so
 * that the order of arrival doesn't matter (J3). Ordered by (received, log, seq).
 */
struct waiting_row {
    struct hash awaited;
    int64_t received_us;
    struct id log; /* the branch's after a fork, as it was applied */
    uint64_t seq;
    struct hash entry;
    uint64_t pos;
    struct id device;
    struct id officer; /* whom the device was assigned to */
    int64_t checkpoint_us;
    bool carried;
    struct span header;
    struct span payload;
};

/* What follows ------------------------------------------------------------------------------------------------------ */

enum flag_state { FLAG_RAISED = 1, FLAG_ACKNOWLEDGED = 2, FLAG_CLEARED = 3, FLAG_DECIDED = 4 };

struct flag_row {
    struct hash flag; /* SHA-256(kind name | 0 | subject) */
    struct hash subject;
    uint32_t kind; /* enum flag_kind of server/logic/flags.h */
    enum flag_state state;
    uint32_t times_raised;
    struct span body; /* a packed FlagRow: the whole truth; the columns above are its index */
};

struct timer_row {
    int64_t due_us;
    struct hash id; /* the presence whose neighbourhood is derived then, or the flag whose clock it is */
};

/* Feed scopes: who may see a row (P1, P4). */
enum scope_kind {
    SCOPE_FORCE = 0,
    SCOPE_TEAM = 1,
    SCOPE_SUPERVISORS = 2,
    SCOPE_OFFICER = 3,
    SCOPE_LEADERS = 4,
    SCOPE_DUTY = 5
};

struct scope {
    enum scope_kind kind;
    struct id id; /* team, team, officer, team; zero for the force, all leaders, the duty role */
};

/* A row as clients see it: a packed Row of sync.proto, pos and key included. */
struct view_row {
    struct span key;
    uint64_t pos;
    struct span row;
};

/* The notes and fields of a presence that are stored as one (bundle.h). */
struct bundle_row {
    struct hash presence;
    struct span body;
};

/* The feed: view rows by scope. Its places for one device: see feed_page. */
struct feed_row {
    struct scope scope;
    uint64_t pos; /* max of the row's change and its entry into the scope */
    struct span key;
    bool gone;         /* a tombstone */
    struct span row;   /* the view's row; empty when gone */
    struct span place; /* with the effective pos: where the next page goes on after this row, as a cursor's key */
};

/* A device's membership is remembered when it ends, so that what the device holds can be taken back from it (P1). */
struct scope_member {
    struct scope scope;
    uint64_t entered_pos; /* of the last time */
    uint64_t left_pos;    /* 0: a member now */
};

struct feed_cursor {
    uint64_t pos;
    uint8_t key[STORE_VIEW_KEY_MAX];
    size_t key_size; /* 0: everything of pos is done */
};

/*
 * What the server last heard of a device, for the list of those that went quiet or keep failing (P7). The one table that
 * doesn't follow from the journal: dump and rebuild leave it out, losing it loses no fact, and no rule reads it.
 */
struct contact_row {
    struct id device;
    int64_t hello_us; /* the last Hello; 0: none yet */
    int64_t seen_us;  /* the last time it was known to be there */
    int64_t push_us;  /* the last Ack; 0: none yet */
    /* Hello's: the device's own words */
    uint32_t pending_entries; /* less what was acknowledged since */
    int64_t pending_since_ms; /* the phone's wall clock; 0: nothing is pending */
    uint32_t failures;        /* tries in a row that failed before this contact; 0 once it recovered */
    uint32_t failing_code;    /* ErrorCode of sync.proto; 0: the server's word never came */
    uint32_t pending_reason;  /* PendingReason of sync.proto */
    char app_version[40];
    /* the server's own: errors told in a row, since the last Ack or complete feed */
    uint32_t errors;
    int64_t error_us;
    char error[32]; /* the last one's stable name; empty: none yet */
};

/* Why an entry was held when it was applied: an Ack that comes again says it again. */
struct held_row {
    struct id log;
    uint64_t seq;
    char reason[32]; /* stable name */
};

/* One of the device's scopes at most, 17 bytes each: what a class of rows may lie in. */
#define STORE_CLASS_MAX (20 * (1 + ID_SIZE))

/*
 * All rows that are live in exactly the same scopes, summed up (P2). The class is the scopes' kinds (1 byte) and ids
 * (16 bytes) in rising order of these 17 bytes. A class without rows isn't kept.
 */
struct digest_row {
    struct span scopes; /* borrowed */
    uint64_t row_count;
    struct row_digest sum;
};

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
    /* The officers whose logs a presence's verdict looks at, with its latest instant; replaces its earlier ones. */
    enum status (*naming_put)(struct store *store, const struct hash *presence, int64_t to_us,
                              const struct id *officers, size_t count);
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
