/*
 * Inside a batch: for the files of server/logic that apply, derive and journal. The writer thread owns all of it.
 *
 * A batch has phases: one for each timer that fires, one for its pushes. In a phase entries apply (rows change, presences
 * are touched), then what was touched is derived, and what people are to be told is journalled as issued items.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_BATCH_INTERNAL_H
#define DOUBLECREW_SERVER_LOGIC_BATCH_INTERNAL_H

#include "core/bounds.h"
#include "core/checkpoint.h"
#include "core/wire.h"
#include "server/logic/batch.h"
#include "server/logic/bundle.h"
#include "server/logic/flags.h"
#include "server/logic/hash_set.h"
#include "server/logic/visit_records.h"

#include "doublecrew/v1/entry.pb-c.h"
#include "doublecrew/v1/journal.pb-c.h"
#include "doublecrew/v1/sync.pb-c.h"

#define LOGIC_POLICIES_MAX 64
#define LOGIC_SCOPES_MAX 20  /* of one row: the offender's team, eight of each officer, the officer */
#define LOGIC_TEAMS_MAX 8    /* struct officer_row's */
#define LOGIC_BRANCHES_MAX 8 /* of one forked log: more copies of one phone than these aren't stored */
#define LOGIC_DEVICES_MAX 16 /* of one officer */
#define LOGIC_HOLDERS_MAX 64 /* of one device: the newest whose presences look again */
#define LOGIC_DECISIONS_MAX 64
#define BATCH_REASONS_MAX 64 /* stable names of reasons for holding: there are about 25 */
#define LOGIC_ANCHOR_VOIDS_MAX 64
#define BOOTS_NEAR 8 /* of a log, that are looked at together */

#define RETURN_IF_BAD(expression)                                                                                      \
    do {                                                                                                               \
        enum status return_if_bad_ = (expression);                                                                     \
        if (return_if_bad_ != STATUS_OK)                                                                               \
            return return_if_bad_;                                                                                     \
    } while (0)

/* A packed IssuedItem under way; the batch owns the bytes. */
struct issued_item {
    uint8_t *bytes;
    size_t size;
};

/* A decision of this phase: it ends the presence's flags. */
struct fresh_decision {
    struct hash presence;
    struct hash flag; /* that it names; zero: none */
    struct id by;
    bool appropriate;
    bool first_of_two; /* policy asks for a second supervisor's word: it ends nothing yet (L2) */
    char reason_code[TEXT_SHORT_MAX + 1];
    char *words; /* owned */
};

/* Whose visits to whom were judged in this phase. */
struct noted_pair {
    struct id officer;
    struct id offender;
    bool told_joint; /* and people have just been told that the visit was joint, or isn't any more */
};

struct flag_touch {
    struct hash flag;
    bool raised; /* in this phase */
};

/* Where a replay finds what was told then. NULL in live operation. */
struct replay {
    struct journal_row issued; /* the row that comes next, if has_issued; body owned by the replay */
    bool has_issued;
    bool one_row;          /* timers fire until it is taken */
    struct hash *expected; /* bodies of the rows that must follow it, when one phase told much */
    size_t expected_count, expected_capacity, expected_at;
    uint64_t differences;
    /*
     * While another engine's records pass nothing is judged: entries apply, and what people saw comes from the journal.
     * The end of that is an engine record of ours, which derives everything.
     */
    bool told_only;
    bool in_place;       /* over the store's own journal, inside one transaction: nothing is appended */
    struct arena *arena; /* for one row of what was told */
    struct hash *untold; /* flags that entries changed and nobody was told of: the next derivation looks at them */
    size_t untold_count, untold_capacity;
};

struct neighbourhood;

/* The boot whose points changed since boots.c looked, from its clock's from_us on. */
struct clock_changed {
    bool any;
    struct id log, boot;
    int64_t from_us;
};

/* Of the log whose times were asked for last. */
struct log_memo {
    bool known;
    struct id log;
    uint64_t fork_seq; /* 0: none; branches are sound in themselves */
    bool has_carried;
};

/* The points on both sides of an instant of a boot's clock. */
struct clock_beside {
    bool has_before, has_after;
    struct clock_point_row before, after;
};

/*
 * What clock.c and boots.c last read: a push's entries follow one another on one clock, so one look serves most of them.
 * Forgotten when they write, and with the transaction.
 */
struct clock_memo {
    bool has_beside[2]; /* of floors, of ceilings */
    struct id log[2], boot[2];
    struct clock_beside beside[2];
    bool has_last; /* the log's last stretch */
    struct boot_row last;
};

struct batch {
    struct store *store;
    const struct engine *engine;
    struct sha256 *sha;
    struct arena *arena;   /* payloads; reset for each entry */
    struct arena *scratch; /* pushes read back from the journal */
    struct merkle_tree tree;
    struct merkle_tree tree_before; /* of the last commit, for abort */
    struct store_head head;         /* of the last commit */
    struct store_head next;         /* under way */
    struct verify_key *server_key;  /* NULL until there is a force */
    struct public_key server_public;
    struct verify_key *operator_key; /* of record 1: signs epochs */
    bool behind;                     /* E2: a signed checkpoint was shown that this store doesn't hold */
    uint8_t shown[CHECKPOINT_TEXT_MAX];
    size_t shown_size; /* the one that a push has just shown */
    struct replay *replay;
    struct neighbourhood *neighbourhood; /* scratch of one derivation */

    bool open;
    bool pushed; /* a push of this batch is in the journal */
    bool timers_fired;
    bool hold_timers; /* T5: this batch is in clock trouble */
    int64_t timer_last_us;
    bool roster_changed;
    int64_t time_us;       /* of the batch */
    int64_t phase_time_us; /* of what is derived now: a timer's due time, or the batch's */

    struct hash *seeds; /* presences to derive in this phase, in the order in which they were touched */
    size_t seed_count, seed_capacity;
    struct hash_set touched; /* the same as a set */
    struct hash *changed;    /* those whose bounds or relations changed: what stands beside them looks again */
    size_t changed_count, changed_capacity;
    struct hash_set changed_set;
    struct hash_set derived;
    struct issued_item *items;
    size_t item_count, item_capacity;
    struct flag_touch *flag_touches;
    size_t flag_touch_count, flag_touch_capacity;
    struct visit_records *visit_records;
    struct noted_pair *noted;
    size_t noted_count, noted_capacity;
    struct id *cover_touches; /* officers for whom another may stand in now */
    size_t cover_touch_count, cover_touch_capacity;
    bool chain_changed; /* in this phase: whom waiting flags are put before is looked at again */
    struct fresh_decision *decisions;
    size_t decision_count, decision_capacity;

    struct batch_flag *flags;
    size_t flag_count, flag_capacity;
    struct batch_named named;
    struct scope_set changed_scopes; /* where rows came, changed or went */

    char
        *reasons[BATCH_REASONS_MAX]; /* read back from the store; results refer to them, so they live as long as this */
    size_t reason_count;

    struct rule_policy policies[LOGIC_POLICIES_MAX + 1];
    struct flag_policy flag_policies[LOGIC_POLICIES_MAX + 1]; /* the same versions, in the same order */
    size_t policy_count;                                      /* 0: to be read */
    struct officer_row *in_charge;                            /* supervisors, leaders, the duty role, by id */
    size_t in_charge_count, in_charge_capacity;
    bool in_charge_read;
    struct anchor_void_row voids[LOGIC_ANCHOR_VOIDS_MAX];
    size_t void_count;
    bool voids_read;
    struct clock_changed clock_changed;
    struct log_memo log_memo;
    uint64_t then_pos; /* as of when the roster is asked; 0: now */
    struct clock_memo clock_memo;
    uint8_t bundle_read[BUNDLE_BODY_SIZE_MAX]; /* feed_bundle.c: the one at hand, and what becomes of it */
    uint8_t bundle_made[BUNDLE_BODY_SIZE_MAX];
};

/* One entry as its handler sees it. */
struct applying {
    const struct entry *entry;
    uint64_t pos;                  /* where what follows from it is published */
    uint64_t entry_pos;            /* its own; less than pos when it waited for what it is about */
    int64_t received_us;           /* its first receipt */
    const struct hash *waited_for; /* NULL: it comes for the first time */
    struct device_row *device;     /* of the log; handlers may change it, the caller puts it */
    struct officer_row author;     /* the officer that the device is assigned to */
    bool author_known;
    struct id log;         /* the branch's after a fork, else the log's own */
    int64_t checkpoint_us; /* of the checkpoint named; INT64_MIN: none */
    bool carried;          /* in a partner's log (C1) */
    const char *held;      /* set by the handler: why the entry counts for nothing */
};

/* batch.c */
MUST_USE enum status batch_list_room(void **list, size_t *capacity, size_t count, size_t element_size);
MUST_USE enum status batch_touch(struct batch *batch, const struct hash *presence);
/* As touch; and its bounds or relations changed, so what stands beside it is touched as well. */
MUST_USE enum status batch_touch_changed(struct batch *batch, const struct hash *presence);
MUST_USE enum status batch_touch_at(struct batch *batch, const struct id *offender, int64_t from_us, int64_t to_us);
MUST_USE enum status batch_touch_of(struct batch *batch, const struct id *officer, int64_t from_us, int64_t to_us);
MUST_USE enum status batch_policies(struct batch *batch, const struct rule_policy **ret_policies, size_t *ret_count);
/* Officers whose logs a verdict looks at, for batch_named. */
void batch_note_named(struct batch *batch, const struct id *officers, size_t count);
/* As the rule takes it. */
void policy_for_rule(const Doublecrew__V1__Policy *message, struct rule_policy *policy);
/* The same version as flags need it; what an older version doesn't say is as DOMAIN.md has it. */
void policy_for_flags(const Doublecrew__V1__Policy *message, struct flag_policy *policy);
/* The one in force at a time. */
MUST_USE enum status batch_flag_policy_at(struct batch *batch, int64_t at_us, const struct flag_policy **ret_policy);
/* The policy in force at a time. */
MUST_USE enum status batch_policy_at(struct batch *batch, int64_t at_us, const struct rule_policy **ret_policy);

/* Rebuild: the parts of begin and commit. */
MUST_USE enum status batch_start(struct batch *batch, int64_t time_us);
MUST_USE enum status batch_fire_timers(struct batch *batch, int64_t until_us);
/* The tick that ends clock trouble; nothing when there was none. */
MUST_USE enum status batch_end_hold(struct batch *batch);
MUST_USE enum status batch_finish(struct batch *batch);

/* batch.c: head, Merkle edge and the server's key, as the store has them. */
MUST_USE enum status batch_read_journal(struct batch *batch);

/* epoch.c */
MUST_USE enum status force_keys_take(struct batch *batch, const Doublecrew__V1__Force *force);
void force_keys_drop(struct batch *batch);
/* An epoch record: checked against the operator's key and what it goes on from, then appended. INPUT, BAD_SIGNATURE. */
MUST_USE enum status epoch_apply(struct batch *batch, const struct journal_row *row);
MUST_USE enum status epoch_read_witness(struct batch *batch);

/* engine.c */
/* Everything that is judged is touched, and so are the flags that a replay left untold: the phase derives all of it (J4). */
MUST_USE enum status engine_touch_all(struct batch *batch);
/* OK: the same; ENGINE_OLDER, ENGINE_NEWER: what the store has, seen from ours; STORE_VERSION: not a version. */
MUST_USE enum status engine_compare(const char *store_version, const char *our_version);

/* told.c */
static inline bool told_only(const struct batch *batch)
{
    return batch->replay != NULL && batch->replay->told_only;
}
static inline bool in_place(const struct batch *batch)
{
    return batch->replay != NULL && batch->replay->in_place;
}
/* What one issued row told people becomes what they see, and the row is copied. */
MUST_USE enum status told_apply(struct batch *batch, const struct journal_row *row);
/* The end of a phase that isn't judged. */
MUST_USE enum status told_phase(struct batch *batch);

/* rebuild.c: the store's own journal up to its head, which has been set to nothing, as told. */
MUST_USE enum status rebuild_in_place(struct batch *batch, uint64_t to_pos);

/* batch_journal.c */
MUST_USE enum status journal_push(struct batch *batch, const struct push *push, size_t first, struct span raw,
                                  const struct id *log, const struct batch_delivery *delivery, uint64_t *ret_first_pos);
MUST_USE enum status journal_tick(struct batch *batch);
/* Journals the items gathered in this phase, as one row or, if they are many, several. */
MUST_USE enum status journal_issued(struct batch *batch);
/* The pos that the next item will have. */
uint64_t issued_next_pos(const struct batch *batch);
MUST_USE enum status issued_add(struct batch *batch, const Doublecrew__V1__IssuedItem *item);
/* Appends a row of the journal that a replay copies, with its leaves. */
MUST_USE enum status journal_copy_row(struct batch *batch, const struct journal_row *row);
/* Our engine takes over from the one that the store has had. */
MUST_USE enum status journal_engine(struct batch *batch);
/* The next item of a packed Issued. False at its end; MALFORMED sets *ret_status. */
bool issued_next_item(struct span *rest, struct span *ret_item, enum status *ret_status);
/* The leaf hashes of a row's records from pos on; at most max. */
MUST_USE enum status journal_leaves(struct sha256 *sha, struct arena *arena, const struct journal_row *row,
                                    uint64_t from_pos, struct hash *ret_leaves, size_t max, size_t *ret_count);
MUST_USE enum status delivery_pack(const struct batch *batch, const struct batch_delivery *delivery,
                                   uint8_t ret_bytes[128], size_t *ret_size);

/* proof.c: the right edge of the tree of `size` leaves, from tiles and the journal's last records. */
MUST_USE enum status merkle_edge_load(struct store *store, struct sha256 *sha, struct arena *arena, uint64_t size,
                                      struct merkle_tree *ret_tree);

/* batch_fork.c */
/* The stored hash of entry seq of a log. NOT_FOUND. */
MUST_USE enum status log_hash_at(struct batch *batch, const struct id *log, uint64_t seq, struct hash *ret_hash,
                                 uint64_t *ret_pos);
MUST_USE enum status fork_mark(struct batch *batch, struct device_row *device, uint64_t fork_seq);
/* The branch of a forked log that a push begins or continues. NOT_FOUND: neither; OVER_LIMIT: too many branches. */
MUST_USE enum status fork_branch_find(struct batch *batch, const struct device_row *device, const struct push *push,
                                      struct device_row *ret_branch);
MUST_USE enum status fork_branch_new(struct batch *batch, const struct device_row *device, uint64_t fork_seq,
                                     const struct hash *previous, struct device_row *ret_branch);

/* anchors.c */
/* Verifies or looks up every anchor of a push; writes nothing. ret_rows has push->anchor_count elements. UNKNOWN_ANCHOR. */
MUST_USE enum status anchors_check(struct batch *batch, const struct push *push, struct anchor_row *ret_rows);
MUST_USE enum status anchors_store(struct batch *batch, const struct push *push, const struct anchor_row *rows,
                                   const struct id *log);
MUST_USE enum status anchors_of_delivery(struct batch *batch, const struct push *push, const struct id *log,
                                         const struct batch_delivery *delivery);
/* Presences with an entry of this boot between two instants of its clock, both included. */
MUST_USE enum status touch_boot(struct batch *batch, const struct id *log, const struct id *boot, int64_t from_mono_us,
                                int64_t to_mono_us);
const struct anchor_row *anchor_of(const struct push *push, const struct anchor_row *rows,
                                   const struct hash *checkpoint);
MUST_USE enum status bounds_of_stamp(struct batch *batch, const struct id *log, const struct fact_stamp *stamp,
                                     struct bounds *ret_bounds, bool *ret_trouble);
/* Fresh loose bounds, as presences_at and presences_of look for them. */
MUST_USE enum status presence_bounds(struct batch *batch, struct presence_row *row, struct rule_instant *ret_in,
                                     struct rule_instant *ret_out, bool *ret_trouble);
/* Presences that may wait for the log's word about from_us and later look again. */
MUST_USE enum status watermark_touch(struct batch *batch, const struct device_row *device, int64_t from_us);
MUST_USE enum status watermark_move(struct batch *batch, struct device_row *device, int64_t to_us);
/* From when on a log's silence says nothing: its watermark, or when it was enrolled, if that is later. */
int64_t watermark_of(const struct device_row *device);

/* clock.c */
/* One more observation of a boot: kept, void or not; touches the presences that it narrows. Sets its drift. */
MUST_USE enum status clock_observe(struct batch *batch, struct boot_anchor_row *seen);
/* The points of a log's boots worked out anew from its observations. */
MUST_USE enum status clock_again(struct batch *batch, const struct id *log);
/* The intersection over all observations of the boot (T1); unknown when there is none. */
MUST_USE enum status clock_bounds(struct batch *batch, const struct id *log, const struct id *boot, int64_t mono_us,
                                  struct bounds *ret_bounds);
/* Whether the boot never met the server. */
MUST_USE enum status clock_is_loose(struct batch *batch, const struct id *log, const struct id *boot, bool *ret_loose);

/* roster_then.c: for who may do what. NOT_FOUND. */
MUST_USE enum status officer_then(struct batch *batch, const struct id *officer, struct officer_row *ret_row);
MUST_USE enum status offender_team_then(struct batch *batch, const struct id *offender, struct id *ret_team);

/* spread.c: touches what rests on the presences that changed in this phase. */
MUST_USE enum status spread_changed(struct batch *batch);

/* carried_times.c */
/* An entry that comes from a partner: kept if the log's own hasn't come so far. Touches what it bounds. */
MUST_USE enum status carried_time_add(struct batch *batch, const struct device_row *device, const struct entry *entry,
                                      int64_t checkpoint_us);
MUST_USE enum status carried_times_clock_changed(struct batch *batch, const struct id *log, const struct id *boot);
MUST_USE enum status carried_times_again(struct batch *batch, const struct id *log);
/* Narrows an entry's bounds by what was carried of its log. */
MUST_USE enum status carried_times_bound(struct batch *batch, const struct id *log, uint64_t seq,
                                         struct bounds *bounds);
/* 0: no fork. */
MUST_USE enum status log_fork_of(struct batch *batch, const struct id *log, uint64_t *ret_fork_seq);

/* boots.c: keeps the log's boots (T2), and touches what a new boot narrows. */
/* The points of a boot have changed: so may what it says of the boots beside it. */
MUST_USE enum status boots_clock_changed(struct batch *batch);
/* What the other boots of the log say of an entry (T1's log order), and whether its own is in trouble. */
MUST_USE enum status boots_bound(struct batch *batch, const struct id *log, const struct fact_stamp *stamp,
                                 struct bounds *ret_bounds, bool *ret_trouble);
MUST_USE enum status boots_apply(struct batch *batch, const struct push *push, size_t first, const struct id *log,
                                 const struct anchor_row *rows);
/* The same rows worked out anew from a stored log; touches nothing. */
MUST_USE enum status boots_again(struct batch *batch, const struct id *log, uint64_t first_seq, uint64_t last_seq);

/* log_walk.c */
struct log_record {
    const struct entry *entry; /* in the batch's scratch */
    uint64_t pos;
    const struct anchor_row *anchor; /* NULL: none is named */
};
typedef enum status (*log_each)(void *context, const struct log_record *record);
MUST_USE enum status log_walk(struct batch *batch, const struct id *log, uint64_t first_seq, uint64_t last_seq,
                              log_each each, void *context);
/* Whether a named anchor moves the watermark on from newest_us. anchor may be NULL. */
bool watermark_takes(const struct device_row *device, const struct anchor_row *anchor, int64_t newest_us);
/* The entry at a pos of the journal; in the batch's arena. */
struct journal_entry {
    struct push push;
    const struct entry *entry;
};
MUST_USE enum status journal_entry_at(struct batch *batch, uint64_t pos, struct journal_entry *ret_entry);
/* The newest checkpoint named before the log's fork or first unknown kind, void ones aside (W1); INT64_MIN: none. */
MUST_USE enum status watermark_up_to(struct batch *batch, const struct device_row *device, int64_t *ret_us);

/* apply_anchor_void.c: whether anchors of that time are declared void (T5); INT64_MIN never is. */
MUST_USE enum status anchor_is_void(struct batch *batch, int64_t time_us, bool *ret_void);

/* apply.c */
MUST_USE enum status apply_entry(struct batch *batch, struct applying *applying);
void stamp_of(const struct applying *applying, const Doublecrew__V1__Place *place, struct fact_stamp *ret_stamp);
struct id pb_id(ProtobufCBinaryData bytes); /* zero when empty */
struct hash pb_hash(ProtobufCBinaryData bytes);
ProtobufCBinaryData pb_from_id(const struct id *id); /* empty when zero; borrowed */
ProtobufCBinaryData pb_from_hash(const struct hash *hash);

/* supervise.c: what somebody would decide on, or authorise. */
struct supervised {
    const struct id *officer, *offender;
    const struct presence_row *presence; /* NULL: a visit that hasn't been yet */
    int64_t at_us;                       /* when their word was received */
};
/* Whose it is, or who is named in it. */
bool presence_is_about(const struct presence_row *presence, const struct id *officer);
enum may_supervise { MAY_NOT, MAY_BY_PLACE, MAY_BY_COVER };
/* A supervisor of the offender's team or of a team of the officer's, or who stands in for one then. */
MUST_USE enum status may_supervise(struct batch *batch, const struct officer_row *author, const struct supervised *of,
                                   enum may_supervise *ret_may);

/* fork_undo.c: acts of a log from the fork on lose their effect, known only now (F2). */
MUST_USE enum status fork_undo(struct batch *batch, const struct device_row *device, uint64_t from_seq,
                               uint64_t to_seq);
/* One act that counted, and is marked as contested by now; its payload opens. The arena's messages go. */
MUST_USE enum status fork_undo_act(struct batch *batch, const struct entry *entry);
/* apply_plan.c, apply_text.c: what the contested act had changed is worked out without it. */
MUST_USE enum status plan_again(struct batch *batch, const struct id *plan);
/* apply_request.c: a word that names the request it answers, once the word counts; and what a fork undoes. */
MUST_USE enum status request_answered(struct batch *batch, const struct applying *applying,
                                      const Doublecrew__V1__AuthorityWord *message);
MUST_USE enum status request_undo(struct batch *batch, const struct hash *entry);
MUST_USE enum status request_answer_undo(struct batch *batch, const struct hash *entry,
                                         const Doublecrew__V1__AuthorityWord *message);
MUST_USE enum status edit_undo(struct batch *batch, const Doublecrew__V1__Edit *message);

/* apply_*.c: handlers, one a kind; message is of the kind's type */
typedef enum status (*apply_handler)(struct batch *batch, struct applying *applying, const ProtobufCMessage *message);
MUST_USE enum status apply_check_in(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_check_out(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_outcome(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_cosign_confirm(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_note(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_edit(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_plan(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_authority_request(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_authority_word(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_decision(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_flag_acknowledgement(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_flag_answer(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_seal(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_carried(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_log_lost(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_purged(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_proposal_answer(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_cover(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_force(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_team(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_officer(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_offender(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_device(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_device_state(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_policy(struct batch *, struct applying *, const ProtobufCMessage *);
MUST_USE enum status apply_anchor_void(struct batch *, struct applying *, const ProtobufCMessage *);

/* decisions.c */
/* Who is named or possibly present, by what is known now: nobody decides there (L2). */
MUST_USE enum status is_involved(struct batch *batch, const struct id *officer, const struct presence_row *presence,
                                 bool *ret_involved);
/* It came in this phase. */
MUST_USE enum status decision_remember(struct batch *batch, const struct decision_row *row,
                                       const Doublecrew__V1__Decision *message);
bool is_decided(uint32_t reasons);
/* Before the verdict is told: a decision that takes effect only now is as if it had come in this phase. */
MUST_USE enum status decision_recall(struct batch *batch, const struct presence_row *presence, uint32_t reasons);
/* Of this phase's decisions the one that ends the presence's flags; NULL: none. Borrowed. */
MUST_USE enum status decision_that_ends(struct batch *batch, const struct presence_row *presence, uint32_t reasons,
                                        struct fresh_decision **ret_decision);

/* apply_text.c */
/* An edit as it takes effect: its author's, whoever let it. */
struct edit_effect {
    struct hash entry;
    struct id officer;
    struct bounds bounds;
    struct hash let_by; /* the answer that let it; zero: it needed none */
    uint64_t pos;       /* where its rows are published */
};
/* The offender that a subject (an offender or a presence) belongs to, and the officer of a presence. */
struct edit_subject {
    struct id offender; /* as far as known */
    struct id officer;  /* zero: the subject is an offender */
};
/* NOT_FOUND: it isn't here; the offender is filled in all the same when the subject says it. */
MUST_USE enum status edit_subject_find(struct batch *batch, ProtobufCBinaryData bytes,
                                       struct edit_subject *ret_subject);
/* P4: an edit from outside the offender's team is a proposal; their own visit is always theirs to describe. NOT_FOUND. */
MUST_USE enum status edit_in_scope(struct batch *batch, const struct officer_row *author,
                                   const struct edit_subject *subject, bool *ret_in_scope);
/* OVER_LIMIT: kept, but a row no longer follows. */
MUST_USE enum status edit_take_effect(struct batch *batch, const struct edit_effect *effect,
                                      const Doublecrew__V1__Edit *message, const struct edit_subject *subject);

/* apply_proposal.c */
/* Keeps an edit as a proposal, for its author and, once the offender is known, for the offender's team to answer. */
MUST_USE enum status propose(struct batch *batch, const struct edit_effect *effect, const Doublecrew__V1__Edit *message,
                             const struct edit_subject *subject);
/* A presence or an offender came: open proposals about it go to whom they concern, or take effect. */
MUST_USE enum status proposals_look_again(struct batch *batch, struct span about, uint64_t pos);

/* Undone by a fork (F2). An edit's proposal goes; ret_applied: the edit had taken effect. */
MUST_USE enum status proposal_withdraw(struct batch *batch, const struct hash *edit, bool *ret_applied);
/* The proposal is open again, for the next answer that had come. */
MUST_USE enum status proposal_answer_undo(struct batch *batch, const struct hash *entry,
                                          const Doublecrew__V1__ProposalAnswer *message);

/* apply_waiting.c */
/* Keeps an entry until what it is about comes; held until then. Harmless for one that waited for that already. */
MUST_USE enum status wait_for(struct batch *batch, const struct applying *applying, const struct hash *awaited);
/* What waits for an offender waits for its id and 16 zero bytes. */
struct hash awaited_offender(const struct id *offender);
/* It came: applies what waited for it, in the order of receipt; what follows is published at pos. */
MUST_USE enum status apply_waiting(struct batch *batch, const struct hash *came, uint64_t pos);
/*
 * The first `max` that wait for this are applied once more, and may go on waiting for it. after (may be NULL) sees what became
 * of each.
 */
typedef enum status (*waiting_after)(struct batch *batch, const struct applying *applying);
MUST_USE enum status apply_waiting_again(struct batch *batch, const struct hash *awaited, size_t max, uint64_t pos,
                                         waiting_after after);

/* derive.c: derives everything touched in this phase as of phase_time_us, and journals what it tells people. */
MUST_USE enum status derive_phase(struct batch *batch);
/* People see this verdict from pos on: its view, and what the offender's row takes from it. Borrows from row. */
MUST_USE enum status verdict_show(struct batch *batch, Doublecrew__V1__PresenceRow *row, uint64_t pos);
void phase_forget(struct batch *batch);

/* feed.c */
struct view_key {
    uint8_t bytes[STORE_VIEW_KEY_MAX];
    size_t size;
};
struct view_key view_key_of_id(char letter, const struct id *id);
struct view_key view_key_of_hash(char letter, const struct hash *hash);
struct scope_list {
    struct scope scopes[LOGIC_SCOPES_MAX];
    size_t count;
};
MUST_USE enum status scopes_of_offender(struct batch *batch, const struct id *offender, struct scope_list *ret_scopes);
MUST_USE enum status scopes_of_presence(struct batch *batch, const struct id *offender, const struct id *officer,
                                        struct scope_list *ret_scopes);
/* To the officer who asks, and to supervisors of their and of the offender's team. */
MUST_USE enum status scopes_of_request(struct batch *batch, const struct id *offender, const struct id *officer,
                                       struct scope_list *ret_scopes);
/* The officer, the teams' supervisors, and whomever it has gone up to (A1). */
MUST_USE enum status scopes_of_flag(struct batch *batch, const Doublecrew__V1__FlagRow *flag,
                                    struct scope_list *ret_scopes);
/* Its author, and the offender's team. */
MUST_USE enum status scopes_of_proposal(struct batch *batch, const struct id *offender, const struct id *officer,
                                        struct scope_list *ret_scopes);
struct scope_list scopes_of_force(void);
/* Fills in row->pos and key, packs, puts the view, and enters and leaves scopes. */
MUST_USE enum status feed_publish(struct batch *batch, const struct view_key *key, uint64_t pos,
                                  Doublecrew__V1__Row *row, const struct scope_list *scopes);
/* The same for a note or a field of subject: a presence's go into its bundle. */
MUST_USE enum status feed_publish_about(struct batch *batch, ProtobufCBinaryData subject, const struct view_key *key,
                                        uint64_t pos, Doublecrew__V1__Row *row, const struct scope_list *scopes);
/* From now on the notes and fields of this presence stand alone, where they were: each can move to other scopes. */
MUST_USE enum status feed_unbundle(struct batch *batch, const struct hash *presence);
/* The parts of publishing. Bytes are the caller's to free. */
MUST_USE enum status feed_pack_row(const struct view_key *key, uint64_t pos, Doublecrew__V1__Row *row,
                                   uint8_t **ret_bytes, size_t *ret_size);
MUST_USE enum status feed_put_view(struct batch *batch, const struct view_row *view, const struct scope_list *scopes);
bool scope_equal(const struct scope *a, const struct scope *b);
/* Moves a row that is there, alone, to other scopes. */
MUST_USE enum status feed_rescope(struct batch *batch, struct span key, uint64_t pos, const struct scope_list *scopes);
/* The stored row, unpacked into the batch's arena. NOT_FOUND. */
MUST_USE enum status view_open(struct batch *batch, const struct view_key *key, Doublecrew__V1__Row **ret_row);
/* Brings a device's scopes in line with its officer. */
MUST_USE enum status feed_member_refresh(struct batch *batch, const struct device_row *device, uint64_t pos);
/* An offender went from one team to another, an officer's teams changed: their rows follow. */
MUST_USE enum status feed_offender_moved(struct batch *batch, const struct id *offender, const struct id *old_team,
                                         uint64_t pos);
MUST_USE enum status feed_officer_moved(struct batch *batch, const struct id *officer, uint64_t pos);

/* flags_store.c */
struct flag_about {
    enum flag_kind kind;
    struct hash subject;
    struct id offender;
    struct id officer;
    struct hash presence; /* zero: none */
    uint32_t severity;
    Doublecrew__V1__FlagLane lane;
    const char *why; /* static; NULL: the kind's own sentence */
};
/* Raises, reopens, clears or leaves the flag as `wanted` says. decision: the presence's fresh one, or NULL. */
MUST_USE enum status flag_settle(struct batch *batch, const struct flag_about *about, bool wanted,
                                 const struct fresh_decision *decision);
MUST_USE enum status flag_acknowledge(struct batch *batch, const struct hash *flag, const struct id *by);
MUST_USE enum status flag_answer(struct batch *batch, const struct hash *flag, const char *words);
/* Stored, and issued in this phase; raised: as an alarm. */
MUST_USE enum status flag_put(struct batch *batch, const Doublecrew__V1__FlagRow *message, uint32_t kind, bool raised);
MUST_USE enum status flag_open_kind(struct batch *batch, const struct hash *flag, uint32_t *ret_kind,
                                    Doublecrew__V1__FlagRow **ret_row);

/* flags_verdict.c */
/* What a visit's flags follow from beside its verdict (flag_live.c). */
struct flag_facts {
    uint32_t wanted;      /* kinds, as bits */
    uint32_t goes_on;     /* kinds that stay while they stand */
    const char *late_why; /* static; of LATE_TO_LEAVE: that the longest visit is over is another alarm */
    int64_t next_us;      /* when to look again; RULE_FOREVER */
};
/* Every flag of a presence that a verdict bears on. */
MUST_USE enum status flags_settle_verdict(struct batch *batch, const struct presence_row *presence,
                                          const struct rule_verdict *verdict, const struct flag_facts *facts,
                                          enum rule_risk risk);

/* flag_clock.c (A1, A2) */
/* Raised now: who is asked, when it is pushed, until when. What it allocates lies in the batch's arena. */
MUST_USE enum status flag_clock_start(struct batch *batch, Doublecrew__V1__FlagRow *message, enum flag_kind kind);
/* The officer has answered: the supervisors' time runs from here, if it didn't already. */
MUST_USE enum status flag_clock_answered(struct batch *batch, Doublecrew__V1__FlagRow *message);
/* The timer that the row asks for; none while another engine's records pass. */
MUST_USE enum status flag_clock_wind(struct batch *batch, const Doublecrew__V1__FlagRow *message);
/* That nobody acknowledged it is a flag of its own, and ends when somebody does (A3). */
MUST_USE enum status flag_clock_follow(struct batch *batch, const Doublecrew__V1__FlagRow *message, uint32_t kind);
/* A flag's clock has run: it is pushed now that working hours have begun, or goes up. */
MUST_USE enum status flag_clock_fired(struct batch *batch, const struct hash *flag);
/* After covers or the roster changed: every flag that waits is with whom it should be. */
MUST_USE enum status flags_follow_chain(struct batch *batch);
/* flag_pattern.c (A3) */
/* A presence was judged in this phase: its officer's record at its offender is looked at. */
MUST_USE enum status pattern_note(struct batch *batch, const struct presence_row *presence, bool told_joint);
/* After the phase's derivations: flags about several visits, from what people now see of each. */
MUST_USE enum status patterns_settle(struct batch *batch);
/* A note or an edit on a presence that was over long before (A3). */
MUST_USE enum status pattern_edited(struct batch *batch, ProtobufCBinaryData subject, const struct bounds *at);
/* After a change of engine: every flag that waits has its timer again. */
MUST_USE enum status flags_wind_all(struct batch *batch);

/* flag_chain.c (A1) */
#define FLAG_OWNERS_MAX 32 /* of one level: more than these are asked, but not named in the row */
struct flag_owners {
    struct id officers[FLAG_OWNERS_MAX];
    size_t count;
};
/* Whom a level asks; nobody who was there, whom it is about, or whom a lower level has asked. Levels: FlagLevel. */
MUST_USE enum status flag_chain_level(struct batch *batch, const Doublecrew__V1__FlagRow *flag, uint32_t level,
                                      struct flag_owners *ret_owners);
/*
 * Whom it is put before now that covers or the roster changed: who was asked and still has a place, and who has come to this
 * level since. Nobody is asked who was asked at a lower one.
 */
MUST_USE enum status flag_chain_again(struct batch *batch, const Doublecrew__V1__FlagRow *flag,
                                      struct flag_owners *ret_owners);
/* NULL: may acknowledge it; otherwise why not: "own_flag", "involved", "not_in_chain". */
MUST_USE enum status flag_chain_objection(struct batch *batch, const Doublecrew__V1__FlagRow *flag,
                                          const struct officer_row *officer, const char **ret_objection);
/* Unpacked into the batch's arena. NOT_FOUND. */
MUST_USE enum status flag_open(struct batch *batch, const struct hash *flag, Doublecrew__V1__FlagRow **ret_row);
/* A flag as it was told: its row, its view. Borrows from message. */
MUST_USE enum status flag_show_told(struct batch *batch, Doublecrew__V1__FlagRow *message, uint64_t pos);
/* Issued in this phase, unless people see it as it is. */
MUST_USE enum status flag_touch_untold(struct batch *batch, const struct hash *flag);
/* Issues every flag changed in this phase: journal items, views, the urgent lane. */
MUST_USE enum status flags_issue(struct batch *batch);
void flags_told_forget(struct batch *batch);

/* neighbourhood.c */
MUST_USE enum status neighbourhood_new(struct neighbourhood **ret_neighbourhood);
void neighbourhood_free(struct neighbourhood *neighbourhood);

#endif
