/*
 * The writer's unit of work: a group of pushes (or a tick, or a training step) applied, derived and journalled in one
 * transaction (J1-J7). Pure but for the store interface: the clock is an argument.
 *
 * Order within a batch at time t = max(last time, now): timers due at or before t fire in order (due, id), each deriving
 * its neighbourhood as of its due time, and what they tell people is journalled; then the pushes, each one journal row of
 * its new entries; then every touched neighbourhood is derived once as of t, and what changed for people is journalled as
 * one row of issued items. Then Merkle leaves, head, commit.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_BATCH_H
#define DOUBLECREW_SERVER_LOGIC_BATCH_H

#include "core/push.h"
#include "server/logic/scope_set.h"

/*
 * The rules as one version has them (J4). Versions are decimal numbers; one is raised whenever the same journal may give
 * another verdict, flag or row. Tests run other engines beside the program's own.
 */
struct engine {
    const char *version;
    enum status (*judge)(const struct rule_case *rule_case, struct rule_verdict *ret_verdicts);
};
extern const struct engine engine_current;

/* How a push came in; all but the raw bytes are small copies. */
struct batch_delivery {
    struct id device; /* of the session; zero: brought in on the server itself */
    struct id boot;
    uint64_t hello_monotonic_ms;
    int64_t hello_time_us; /* 0: no session */
    bool import;           /* a rescue file, brought in by hand: the only way in for a lost device's log (D1) */
};

/* What the pusher is told. Anything but OK leaves the store as if the push had never come. */
struct batch_result {
    enum status
        status; /* OK, LOG_GAP, LOG_FORK (kept apart, flagged), BAD_CHAIN, UNKNOWN_LOG, UNKNOWN_ANCHOR, NOT_PERMITTED, ... */
    uint64_t durable_seq;
    struct hash durable_hash;
    uint64_t pos; /* of the last entry; 0 when nothing of it is stored */
    size_t held_count;
    struct batch_held {
        uint64_t seq;
        const char *reason; /* static */
    } held[16];             /* the first ones */
};

#define BATCH_FLAG_SCOPES_MAX 20 /* as many as a row may lie in */

/* A flag that this batch raised or changed, for the urgent lane. Valid until the next batch. */
struct batch_flag {
    uint64_t pos;
    struct hash flag;
    struct scope scopes[BATCH_FLAG_SCOPES_MAX];
    size_t scope_count;
    struct span row; /* a packed FlagRow */
    bool alarm;      /* newly raised: push it live; otherwise an update */
};

/* Whose logs the verdicts of a batch look at (W2): an online phone of theirs may be asked for a seal (W1). */
#define BATCH_NAMED_MAX 512
struct batch_named {
    struct id officers[BATCH_NAMED_MAX];
    size_t count;
    bool all; /* more than there is room for */
};

struct batch; /* belongs to the writer thread: holds the Merkle edge, the caches and the batch under way */

/*
 * Reads the store's head and Merkle edge. The store must be the writer's. STORE when the journal doesn't match its root;
 * ENGINE_NEWER when an engine later than ours has judged in it.
 */
MUST_USE enum status batch_open(struct store *store, struct batch **ret_batch);
/* The same with another engine than the program's; borrowed until batch_free. */
MUST_USE enum status batch_open_with(struct store *store, const struct engine *engine, struct batch **ret_batch);
void batch_free(struct batch *batch);

/*
 * Where the store's last engine is an earlier one, ours takes over, in one transaction: an engine record as of now, all
 * derived state anew, and what people have to be told otherwise (J4). Otherwise nothing. batch_begin does it
 * too; called by itself where the time it takes (the journal is read once) should not be a push's. ret_took_over may be
 * NULL.
 */
MUST_USE enum status batch_take_over(struct batch *batch, int64_t now_us, bool *ret_took_over);
/* STORE_BEHIND once a checkpoint of ours has been shown that the store doesn't hold, until a new epoch begins (E2). */
MUST_USE enum status batch_begin(struct batch *batch, int64_t now_us);
/*
 * In clock trouble (T5): no timer fires, and the pushes of the batch say so in their deliveries. The first batch_begin
 * afterwards appends a tick; then the timers that fell due in between fire in order, as of that tick.
 */
MUST_USE enum status batch_begin_held(struct batch *batch, int64_t now_us);
/*
 * Applies one verified push (push_verify has succeeded with the log's key). raw is the message as received. A push that
 * can't be applied sets ret_result->status and changes nothing; the return value is not OK only when the store failed.
 * The push that creates the force (first record: a Force entry) is accepted on an empty store only.
 */
MUST_USE enum status batch_push(struct batch *batch, const struct push *push, struct span raw,
                                const struct batch_delivery *delivery, struct batch_result *ret_result);
/* Derives, journals what was issued, commits. On failure everything is rolled back and the batch is over. */
MUST_USE enum status batch_commit(struct batch *batch);
void batch_abort(struct batch *batch);

/* After a commit: head, flags of this batch, and whether a person's standing changed (sessions look again at their device). */
const struct store_head *batch_head(const struct batch *batch);
const struct batch_flag *batch_flags(const struct batch *batch, size_t *ret_count);
bool batch_roster_changed(const struct batch *batch);
const struct batch_named *batch_named(const struct batch *batch);
/* In which scopes this batch changed rows: nobody else has news. */
const struct scope_set *batch_changed_scopes(const struct batch *batch);
/* When the next timer is due; RULE_FOREVER: none. An idle writer runs an empty batch then, which appends a tick (J2). */
MUST_USE enum status batch_next_timer(struct batch *batch, int64_t *ret_due_us);

/*
 * Epochs (E2), between batches. A new one begins with what the operator signed (core/epoch.h): BAD_SIGNATURE, MALFORMED, or
 * INPUT when it isn't about this journal as it stands.
 */
MUST_USE enum status batch_epoch(struct batch *batch, struct span statement);
/*
 * A peer shows a checkpoint. If it is ours and of more than the store holds, nothing is appended any more, also after a
 * restart. BAD_SIGNATURE, MALFORMED: nothing happens.
 */
MUST_USE enum status batch_show(struct batch *batch, struct span text);
bool batch_is_behind(const struct batch *batch);
/* What a push showed, after batch_push returned STORE_BEHIND; for batch_show. */
struct span batch_shown(const struct batch *batch);

/*
 * Consistency proof for Welcome (K1), from any store connection inside a read snapshot: full tiles are loaded, the edge is
 * hashed from the journal's last records. Any thread with a reader of its own. INPUT when old_size > size > head.
 */
MUST_USE enum status journal_prove_consistency(struct store *store, uint64_t old_size, uint64_t size,
                                               struct hash ret_proof[MERKLE_PROOF_MAX], size_t *ret_count);

/*
 * Replays a journal into an empty store (rebuild). Issued items are taken from the journal, not issued anew; differences
 * between what would be issued and what was are counted, in what our engine judged: what an earlier one told is history.
 * ENGINE_NEWER, ENGINE_OLDER when the journal's last engine isn't ours.
 */
struct rebuild_report {
    uint64_t records;
    uint64_t issued_differences;
    struct hash root;
};
MUST_USE enum status rebuild_replay(struct store *from, struct store *to, struct rebuild_report *ret_report);
/*
 * The same for a restore, which may find a journal that an earlier engine judged last: then nothing is judged, and the store
 * is as that engine told; the next batch_take_over makes it ours.
 */
MUST_USE enum status rebuild_restore(struct store *from, struct store *to, struct rebuild_report *ret_report);
MUST_USE enum status rebuild_replay_with(struct store *from, struct store *to, const struct engine *engine,
                                         struct rebuild_report *ret_report);

#endif
