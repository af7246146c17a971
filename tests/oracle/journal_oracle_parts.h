/* What the journal oracle's files share: everything that the journal says, in lists. Memory that runs out ends the test. */
#ifndef DOUBLECREW_TESTS_ORACLE_JOURNAL_ORACLE_PARTS_H
#define DOUBLECREW_TESTS_ORACLE_JOURNAL_ORACLE_PARTS_H

#include "core/checkpoint.h"
#include "core/payload.h"
#include "core/push.h"
#include "core/rule.h"
#include "tests/oracle/journal_oracle.h"

#include "doublecrew/v1/entry.pb-c.h"
#include "doublecrew/v1/journal.pb-c.h"
#include "doublecrew/v1/sync.pb-c.h"

#define JO_KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name
#define JO_NONE SIZE_MAX

#define JO_LIST(type)                                                                                                  \
    struct {                                                                                                           \
        type *items;                                                                                                   \
        size_t count, room;                                                                                            \
    }
/* Appends a value; the list owns its items. */
#define JO_ADD(list, ...)                                                                                              \
    do {                                                                                                               \
        (list)->items = jo_grow((list)->items, (list)->count, &(list)->room, sizeof(*(list)->items));                  \
        (list)->items[(list)->count++] = (__VA_ARGS__);                                                                \
    } while (0)
void *jo_grow(void *items, size_t count, size_t *room, size_t size);

struct jo_bounds {
    int64_t lo_us; /* INT64_MIN: nothing bounds it */
    int64_t hi_us;
};

/* One entry, known by its hash (F1), in order of first receipt. */
struct jo_entry {
    struct hash hash;
    struct entry_header header;
    const ProtobufCMessage *message; /* NULL: of an unknown kind, or not what its kind must hold */
    bool unknown_kind;
    int64_t received_us; /* first receipt */
    uint64_t pos;
    bool own;         /* its own log delivered it; else only carried */
    uint64_t own_pos; /* when it did */
    bool contested;
    unsigned branch; /* 0: before any fork, or the branch that came first; 1 and up: the others (F2) */
    bool has_checkpoint;
    int64_t checkpoint_us; /* issue time of the checkpoint that it names */
    struct jo_bounds at;   /* T1 */
};

/* T1: at server time T the boot's clock stood between sent and received. */
struct jo_observation {
    struct id log, boot;
    int64_t time_us, sent_us, received_us; /* received: INT64_MAX when nobody says */
    size_t entry;                          /* that named it, or came with it: whose branch's clock it is */
    int64_t learned_us;                    /* when it came */
};

struct jo_anchor {
    struct hash hash;
    struct checkpoint checkpoint;
};

/* Versions of roster entries in journal order; the last one of an id counts. */
struct jo_officer {
    struct id id;
    uint64_t pos;
    int64_t time_us;
    const Doublecrew__V1__Officer *message; /* NULL: the first operator, as Force names them */
};

struct jo_enrolment {
    struct id device, log, officer;
    uint64_t pos;
    int64_t time_us;
    struct public_key key;
};

/* An operator's word, or the holder's own that the log is lost (F3), which revokes nothing that wasn't revoked before. */
struct jo_standing {
    struct id device;
    uint64_t pos;
    int64_t time_us; /* when the revocation was recorded */
    uint32_t standing;
    int64_t as_of_us; /* nothing from then on is taken as the holder's; RULE_FOREVER: no such time */
};

struct jo_offender {
    struct id id;
    uint64_t pos;
    int64_t time_us;
    const Doublecrew__V1__Offender *message;
};

struct jo_policy {
    struct rule_policy rule;
    uint32_t version;
};

struct jo_log {
    struct id log;
    uint64_t fork_seq;    /* 0: none */
    uint64_t unknown_seq; /* 0: none; the first entry of an unknown kind that its own log delivered */
    uint64_t last_seq;    /* how far the log is here, as its first branch has it */
    bool watermark_known;
    int64_t watermark_us;
};

/* Anchors of [from, to) are evidence of nothing (T5). */
struct jo_void {
    int64_t from_us, to_us;
};

struct jo_key {
    uint8_t bytes[STORE_VIEW_KEY_MAX];
    size_t size;
};

struct jo_trouble {
    struct id log, boot;
};

struct jo_presence {
    size_t entry; /* the check-in */
    struct id offender, officer, device;
    size_t out; /* the check-out's entry; JO_NONE */
    size_t outcome;
    size_t confirm; /* CosignConfirm of this presence's own log; JO_NONE */
    const Doublecrew__V1__CheckIn *message;
};

struct jo {
    struct arena *arena;
    struct sha256 *sha;
    struct public_key server_key;
    struct id first_operator;
    int64_t now_us;
    uint64_t records;
    JO_LIST(struct jo_entry) entries;
    JO_LIST(struct jo_observation) observations;
    JO_LIST(struct jo_anchor) anchors;
    JO_LIST(struct jo_officer) officers;
    JO_LIST(struct jo_enrolment) enrolments;
    JO_LIST(struct jo_standing) standings;
    JO_LIST(struct jo_offender) offenders;
    JO_LIST(struct jo_policy) policies;
    JO_LIST(struct jo_log) logs;
    JO_LIST(struct jo_void) voids;
    JO_LIST(struct jo_trouble) troubles;
    JO_LIST(struct jo_presence) presences;
    size_t *index; /* entries by hash: open addressing, place + 1 */
    size_t index_room;
    const char *failure; /* what the journal holds that it must not */
    char failure_text[256];
};

/* Steps, in their order. */
MUST_USE enum status jo_read(struct jo *jo, struct store *store); /* records to entries and the roster */
void jo_forks(struct jo *jo);                                     /* F2, W1: forks, watermarks */
void jo_bounds(struct jo *jo);                                    /* T1, T2 */
void jo_presences(struct jo *jo);                                 /* V1 */
const char *jo_compare_presences(const struct jo *jo, struct store *store,
                                 const struct journal_oracle_settings *settings, struct journal_oracle_report *report,
                                 char *text, size_t size);
const char *jo_compare_logs(const struct jo *jo, struct store *store, struct journal_oracle_report *report, char *text,
                            size_t size);
const char *jo_compare_fields(const struct jo *jo, struct store *store, struct journal_oracle_report *report,
                              char *text, size_t size);
const char *jo_compare_notes(const struct jo *jo, struct store *store, struct journal_oracle_report *report, char *text,
                             size_t size);
/* Flags whose subject is the presence. lenient: the row was accepted as of an earlier time. */
const char *jo_compare_flags(const struct jo *jo, struct store *store, const struct hash *presence,
                             const struct rule_verdict *verdict, bool lenient, struct journal_oracle_report *report,
                             char *text, size_t size);
const char *jo_compare_fork_flags(const struct jo *jo, struct store *store, struct journal_oracle_report *report,
                                  char *text, size_t size);
const char *jo_compare_scopes(const struct jo *jo, struct store *store, struct journal_oracle_report *report,
                              char *text, size_t size);
/* What a device must hold; says what the store lacks. */
const char *jo_scope_of(const struct jo *jo, struct store *store, const struct jo_enrolment *device,
                        journal_oracle_row *each, void *context, char *text, size_t size);

/* What has an effect (M1, M2): an edit in its author's scope, a note about what is known. */
bool jo_edit_counts(const struct jo *jo, const struct jo_entry *entry);
bool jo_note_counts(const struct jo *jo, const struct jo_entry *entry);
/* An edit from outside the offender's team (P4). */
bool jo_is_proposal(const struct jo *jo, const struct jo_entry *entry);
/* The team of the offender that an edit or note is about, itself or as a presence; false: not known. */
bool jo_team_of_subject(const struct jo *jo, ProtobufCBinaryData subject, uint64_t pos, struct id *ret_team);
/* The last version of a plan; an id stays with the offender for whom it was first used. NULL: none. */
const Doublecrew__V1__Plan *jo_plan_named(const struct jo *jo, const struct id *id);

/* Looking things up: JO_NONE, NULL when not there. */
size_t jo_entry_named(const struct jo *jo, const struct hash *hash);
const struct jo_officer *jo_officer_as_of(const struct jo *jo, const struct id *officer, uint64_t pos);
const struct jo_enrolment *jo_enrolment_as_of(const struct jo *jo, const struct id *log, uint64_t pos);
const struct jo_enrolment *jo_device(const struct jo *jo, const struct id *device);
const struct jo_offender *jo_offender(const struct jo *jo, const struct id *offender);
/* The offender's team as of a record; zero: not known then. */
struct id jo_team_of(const struct jo *jo, const struct id *offender, uint64_t pos);
/* L2: a supervisor of the officer's or the offender's team, as of the entry's record. */
bool jo_supervises(const struct jo *jo, const struct jo_entry *entry, const struct id *officer,
                   const struct id *offender);
const struct jo_log *jo_log(const struct jo *jo, const struct id *log);
/* D1: the last word about a device up to a record; NULL: none. The as-of time is the record's where none was given. */
/* The device is suspended or lost. */
bool jo_is_out(const struct jo *jo, const struct id *device, uint64_t pos);
const struct jo_standing *jo_standing_as_of(const struct jo *jo, const struct id *device, uint64_t pos);
/* Whose log it is as of its record, and what their role allows (PROTOCOL.md's not_permitted). */
struct id jo_author(const struct jo *jo, const struct jo_entry *entry);
bool jo_permitted(const struct jo *jo, const struct jo_entry *entry);
/* The same, though the log be forked: what somebody saw and said stays (decisions/0015). */
bool jo_permitted_but_for_forks(const struct jo *jo, const struct jo_entry *entry);
/* Is a before b in their log? The branches of a fork have no common order (F2): then only along the chain. */
bool jo_precedes(const struct jo *jo, const struct jo_entry *a, const struct jo_entry *b);
bool jo_troubled(const struct jo *jo, const struct id *log, const struct id *boot);
struct id jo_id(ProtobufCBinaryData bytes); /* zero when it isn't one */
struct hash jo_hash(ProtobufCBinaryData bytes);
const char *jo_say(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "ab12cd34 at 2027-01-15 08:00:00.000": enough to find an entry again; static storage, two at a time. */
const char *jo_show(const struct jo_entry *entry);

#endif
