/*
 * What the store holds: rows as plain data. Spans in rows are borrowed until the next call on the store that gave them.
 * Times are microseconds on the server's axis unless the name says _ms.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_STORE_ROWS_H
#define DOUBLECREW_SERVER_LOGIC_STORE_ROWS_H

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

#endif
