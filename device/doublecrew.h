/*
 * libdoublecrew: what a phone app links. Signed facts in a sealed local store, synced both ways when there is signal.
 *
 * Threads: a loop and all of its devices belong to one thread, the one that calls dc_loop_run(). dc_loop_wake() is the
 * only function that another thread may call. Callbacks come on the loop's thread, from within dc_ functions; a callback
 * may call every function but dc_loop_run, dc_loop_free, dc_device_close and the function that iterates.
 * Ownership: everything passed in is copied; everything handed to a callback is borrowed until the callback returns.
 * Text is UTF-8 and NUL-terminated. Units stand last in names; times are milliseconds, wall times since 1970 UTC.
 * Errors: 0 is DC_OK; outputs are untouched on failure. dc_status_advice() says in one sentence what to do.
 * DESIGN.md's rules (S1, W2 ...) are cited by number; PROTOCOL.md is the wire.
 */
#ifndef DOUBLECREW_H
#define DOUBLECREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DC_API __attribute__((visibility("default")))
#define DC_CHECKED DC_API __attribute__((warn_unused_result))

#define DC_NAMED_MAX 8         /* officers named with one check-in or plan */
#define DC_SIGNATURE_SIZE 64   /* Ed25519; ECDSA P-256: r then s, big-endian */
#define DC_PUBLIC_KEY_MAX 65   /* Ed25519: 32 bytes; P-256: uncompressed point */
#define DC_STORAGE_KEY_SIZE 32 /* AES-256 */
#define DC_CODE_SIZE_MAX 2900  /* a co-signing code fits one QR code (version 40, level L: 2,953 bytes) */

/* Officer, offender, device, log, team, plan, boot, force: 16 random bytes. */
struct dc_id {
    uint8_t bytes[16];
};

/* SHA-256: the identity of an entry, and so of a presence (its check-in), a note, an edit; and of a flag. */
struct dc_hash {
    uint8_t bytes[32];
};

/* Stable: numbers are never reused. */
enum dc_status {
    DC_OK = 0,
    DC_NO_MEMORY = 1,
    DC_OVER_LIMIT = 2,
    DC_MALFORMED = 3,
    DC_MISSING_FIELD = 4,
    DC_BAD_LENGTH = 5,
    DC_UNKNOWN_KIND = 6,
    DC_BAD_SIGNATURE = 7,
    DC_BAD_CHAIN = 8,
    DC_LOG_GAP = 9,
    DC_LOG_FORK = 10,
    DC_UNKNOWN_LOG = 11,
    DC_UNKNOWN_DEVICE = 12,
    DC_UNKNOWN_OFFICER = 13,
    DC_UNKNOWN_TEAM = 14,
    DC_UNKNOWN_OFFENDER = 15,
    DC_UNKNOWN_ANCHOR = 16,
    DC_DEVICE_REVOKED = 17,
    DC_DEVICE_SUSPENDED = 18,
    DC_NOT_PERMITTED = 19,
    DC_PROTOCOL_ORDER = 20,
    DC_PROTOCOL_VERSION = 21,
    DC_OVER_CREDIT = 22,
    DC_BUSY = 23,
    DC_SLOW_READER = 24,
    DC_STOPPING = 25,
    DC_CLOCK_TROUBLE = 26,
    DC_IO = 27,
    DC_DISK_FULL = 28,
    DC_STORE = 29,
    DC_STORE_BUSY = 30,
    DC_STORE_VERSION = 31,
    DC_STORE_MODE = 32,
    DC_EXISTS = 33,
    DC_NOT_FOUND = 34,
    DC_CONFIG = 35,
    DC_INPUT = 36,
    DC_TLS = 37,
    DC_NETWORK = 38,
    DC_TIMEOUT = 39,
    DC_CANCELLED = 40,
    DC_INTERNAL = 41,
    DC_STORAGE_KEY = 42, /* the storage key isn't the one that sealed this store */
    DC_DIVERGED = 43,    /* the server's checkpoint doesn't extend the one this device holds (K1) */
    DC_ROWS_DIFFER = 44, /* the rows here aren't those that the server sent: they are fetched again (P2) */
    DC_SEALED = 45,      /* the server's rows are too old to be read without a sync: dc_config.seal_hours */
    DC_LOG_LOST = 46,    /* the store is behind its guard: restored from a backup, or a copy (F3) */
    DC_ENGINE_NEWER = 50,
    DC_ENGINE_OLDER = 51,
    DC_STORE_BEHIND = 52, /* the server's store has lost records, and takes nothing until it is put right (E2) */
    DC_NEW_EPOCH = 53,    /* told only: the server was restored, signed for by its operator (E2) */
    DC_STORE_SLOW = 54,   /* the store has not answered in time */
    DC_CODE_STALE = 60,   /* the partner's check-in is older than the longest visit */
    DC_CODE_USED = 61,    /* each code is read once */
    DC_CODE_ELSEWHERE = 62,
    DC_CODE_OWN = 63, /* one officer can't be two */
    DC_NOT_ENTITLED = 64,
    DC_OWN_VISIT = 65, /* L1, L2 */
    DC_WORDS_MISSING = 66,
    DC_NOT_IN_CHARGE = 67, /* neither supervisor nor leader nor duty role */
    DC_OWN_COVER = 68,     /* nobody stands in for themselves */
};

/* Stable lower-case name; a sentence on what happened; a sentence on what to do. Never NULL. Any thread. */
DC_API const char *dc_status_name(enum dc_status status);
DC_API const char *dc_status_what(enum dc_status status);
DC_API const char *dc_status_advice(enum dc_status status);

/* ---- Loop ---- */

struct dc_loop;
struct dc_device;

struct dc_loop_options {
    bool libuv; /* libuv instead of poll(): worth it from some hundred devices in one loop */
};

/* options may be NULL. NO_MEMORY, NETWORK (libwebsockets couldn't start). */
DC_CHECKED enum dc_status dc_loop_new(const struct dc_loop_options *options, struct dc_loop **ret_loop);
/* Every device of it must be closed before. NULL is fine. */
DC_API void dc_loop_free(struct dc_loop *loop);
/*
 * Serves all devices until something happened, a wake-up came, or timeout_ms passed (0: only what is ready; at most
 * 60,000); then returns. Call it again and again.
 */
DC_CHECKED enum dc_status dc_loop_run(struct dc_loop *loop, unsigned timeout_ms);
/* Makes a dc_loop_run() that waits, or the next one, return soon. The only thread-safe function. */
DC_API void dc_loop_wake(struct dc_loop *loop);

/* ---- Device ---- */

/* NULL members: the real clocks (CLOCK_BOOTTIME, the kernel's boot id, CLOCK_REALTIME). */
struct dc_clock {
    void *context;
    void (*boot_id)(void *context, struct dc_id *ret_boot); /* changes at each restart of the phone */
    uint64_t (*monotonic_ms)(void *context);                /* counts sleep; never goes back within a boot (T2) */
    int64_t (*wall_ms)(void *context);                      /* shown, never trusted */
    uint64_t (*timer_ms)(void *context); /* for waits and retries only: stays real when the others are simulated */
};

enum dc_algorithm { DC_ED25519 = 1, DC_ECDSA_P256 = 2 };

/* Signs in the platform's key store. */
struct dc_signer {
    void *context;
    enum dc_algorithm algorithm;
    uint8_t public_key[DC_PUBLIC_KEY_MAX];
    size_t public_key_size;
    /* Starts one signature (P-256: over SHA-256 of the message); answer with dc_sign_complete(), at once or later. */
    void (*sign)(void *context, struct dc_device *device, uint64_t request, const uint8_t *message, size_t size);
};

/*
 * Where the newest entry's place and hash are kept so that a backup doesn't reach them (F3): Android's key store or
 * getNoBackupFilesDir(), iOS's keychain with ...ThisDeviceOnly. Both or neither; save must be durable when it returns.
 */
#define DC_GUARD_SIZE_MAX 128
struct dc_guard {
    void *context;
    /* NOT_FOUND: nothing was saved yet. Another error is what dc_device_open returns. */
    enum dc_status (*load)(void *context, uint8_t *ret_bytes, size_t capacity, size_t *ret_size);
    /* An error refuses no fact; the app hears of it by DC_EVENT_ERROR, once until it works again. */
    enum dc_status (*save)(void *context, const uint8_t *bytes, size_t size);
};

struct dc_event;

/* Fill with dc_config_init(), then set what has no default. PEM texts are NUL-terminated; a path or a PEM, not both. */
struct dc_config {
    const char *store_path; /* the store's file, made when it isn't there; beside it come -wal and -shm */
    uint8_t storage_key[DC_STORAGE_KEY_SIZE];

    struct dc_id force;
    struct dc_id device;
    struct dc_id log;
    struct dc_id officer;
    uint8_t server_key[32]; /* Ed25519: signs checkpoints and anchors */
    /* The operator's, of the force's first record: signs for a restored server (E2). Size 0: not known, can't be checked. */
    enum dc_algorithm operator_algorithm;
    uint8_t operator_key[DC_PUBLIC_KEY_MAX];
    size_t operator_key_size;

    const char *host;
    uint16_t port;
    const char *server_name; /* name in the server's certificate; NULL: host */
    const char *ca_path, *ca_pem;
    const char *certificate_path, *certificate_pem;
    const char *key_path, *key_pem; /* of the TLS certificate */

    const char *app_version;
    const char *signing_key_pem; /* PKCS #8, Ed25519 or P-256; used when signer.sign is NULL */
    struct dc_signer signer;
    struct dc_clock clock;
    /* Not set: a file, at guard_path, or no_backup/STORE.guard beside the store (the app's backup rules must leave it out). */
    struct dc_guard guard;
    const char *guard_path;
    bool guard_never;     /* none: for simulations, which restore stores on purpose */
    void *random_context; /* random: NULL is libcrypto's generator; false: no chance to be had */
    bool (*random)(void *context, uint8_t *ret_bytes, size_t size);
    void *event_context; /* on_event may be NULL */
    void (*on_event)(void *context, struct dc_device *device, const struct dc_event *event);

    uint32_t page_credit;      /* pages that may be under way; 4; 0: no feed, push only (operators) */
    uint32_t seal_delay_ms;    /* after DC_EVENT_PROMPT, before the log is sealed by itself (W1); 30,000 */
    bool seal_never;           /* the app calls dc_seal() itself */
    uint32_t connect_limit_ms; /* limits of waits: connect and handshake; 20,000 */
    uint32_t answer_limit_ms;  /* Welcome and Ack; 30,000 */
    uint32_t retry_first_ms;   /* back-off with jitter: first and longest; 1,000 and 300,000 */
    uint32_t retry_longest_ms;
    /*
     * Acknowledged entries are kept for pushing again after a restore (E2), by the server's time as far as anchors prove it;
     * then only their hashes. Entries that aren't acknowledged are never deleted. 336; 0: for ever.
     */
    uint32_t retention_hours;
    /* The server's rows: older than this without a sync the app is warned (24), and older than this they can't be read until
     * the device has synced (120; DOMAIN.md). Time that a wall clock turned back can't shorten. 0: never. */
    uint32_t warn_hours;
    uint32_t seal_hours;
};

DC_API void dc_config_init(struct dc_config *config);

/*
 * Opens or makes the store, checks the own log's chain head. loop may be NULL: offline only. Doesn't connect.
 * CONFIG (something missing), STORAGE_KEY, STORE_BUSY, STORE_VERSION, STORE (also: the store is of another log), IO,
 * DISK_FULL, TLS, NO_MEMORY.
 */
DC_CHECKED enum dc_status dc_device_open(struct dc_loop *loop, const struct dc_config *config,
                                         struct dc_device **ret_device);
/* Ends the session and closes the store; nothing is lost. NULL is fine. */
DC_API void dc_device_close(struct dc_device *device);
/* Answers dc_signer.sign: signature has DC_SIGNATURE_SIZE bytes; with another status than OK it may be NULL. */
DC_API void dc_sign_complete(struct dc_device *device, uint64_t request, enum dc_status status,
                             const uint8_t *signature);

/* ---- Facts: each is in the store, synced to disk, when its function returns; ret_entry is its hash ----
 * Common errors: INPUT (a count, text or id that can't be), OVER_LIMIT (more than 56 KiB: it couldn't be carried by another
 * log), LOG_LOST (see dc_log_lost), DISK_FULL, IO, STORE, NO_MEMORY. Facts are taken whatever the sync's state: after a fork too they are kept, for dc_export_pending().
 * ret_entry may be NULL. */

struct dc_place {
    bool known;
    int32_t latitude_e7; /* WGS 84, in 1e-7 degree */
    int32_t longitude_e7;
    uint32_t accuracy_m;
};

enum dc_with { DC_WITH_UNRECORDED = 0, DC_WITH_ALONE = 1, DC_WITH_NAMED = 2 };

struct dc_check_in {
    struct dc_id offender;
    enum dc_with with; /* W2 */
    struct dc_id named[DC_NAMED_MAX];
    size_t named_count;
    const char *agency; /* NULL: nobody of a partner agency */
    struct dc_place place;
    struct dc_id plan; /* all zero: unplanned */
};

enum dc_outcome_code {
    DC_OUTCOME_NONE = 0, /* not recorded */
    DC_OUTCOME_SEEN = 1,
    DC_OUTCOME_NOT_IN = 2,
    DC_OUTCOME_REFUSED = 3,
    DC_OUTCOME_MOVED = 4,
    DC_OUTCOME_CUSTODY = 5,
    DC_OUTCOME_ABORTED = 6,
};

/* What a note, an edit or a field is about: a presence or an offender. */
struct dc_subject {
    bool is_presence;
    struct dc_hash presence;
    struct dc_id offender;
};

/* The presence's id is the entry's hash. UNKNOWN_OFFENDER isn't checked: the caseload may be older than the visit. */
DC_CHECKED enum dc_status dc_check_in(struct dc_device *device, const struct dc_check_in *check_in,
                                      struct dc_hash *ret_presence);
DC_CHECKED enum dc_status dc_check_out(struct dc_device *device, const struct dc_hash *presence,
                                       const struct dc_place *place, struct dc_hash *ret_entry);
DC_CHECKED enum dc_status dc_outcome(struct dc_device *device, const struct dc_hash *presence,
                                     enum dc_outcome_code outcome, struct dc_hash *ret_entry);
/* corrects: NULL, or the note that this one corrects (M2). */
DC_CHECKED enum dc_status dc_note(struct dc_device *device, const struct dc_subject *subject, const char *text,
                                  const struct dc_hash *corrects, struct dc_hash *ret_entry);

enum dc_change { DC_CHANGE_TEXT = 0, DC_CHANGE_SET_ADD = 1, DC_CHANGE_SET_REMOVE = 2 };

struct dc_field_change {
    const char *field; /* 1 to 64 bytes */
    enum dc_change change;
    const char *value; /* the new text, or the member */
};

/*
 * The heads that each change replaces, and the additions that a removal saw, are those known here (M1). At most 64
 * changes. INPUT also for removing what isn't known here to be a member.
 */
DC_CHECKED enum dc_status dc_edit(struct dc_device *device, const struct dc_subject *subject,
                                  const struct dc_field_change *changes, size_t count, struct dc_hash *ret_entry);

struct dc_plan {
    struct dc_id plan; /* dc_plan_visit(): all zero makes a new one */
    struct dc_id offender;
    struct dc_id officers[DC_NAMED_MAX];
    size_t officer_count;
    int64_t from_ms; /* half-open */
    int64_t to_ms;
    bool cancelled;
    struct dc_id by_officer; /* reads only */
};

DC_CHECKED enum dc_status dc_plan_visit(struct dc_device *device, const struct dc_plan *plan, struct dc_id *ret_plan,
                                        struct dc_hash *ret_entry);

struct dc_authority_request {
    struct dc_id officer; /* all zero: this device's */
    struct dc_id offender;
    struct dc_id plan; /* all zero: none */
    int64_t from_ms;
    int64_t to_ms;
    const char *risk_assessment;
};

/*
 * May be recorded offline; WORDS_MISSING without a risk assessment. Supervisors of the officer's and the offender's teams see it as a row
 * (dc_each_authority_request) once this device or one that carries it (dc_carry) has synced.
 */
DC_CHECKED enum dc_status dc_authority_request(struct dc_device *device, const struct dc_authority_request *request,
                                               struct dc_hash *ret_entry);

/*
 * A supervisor's word on a lone visit (L1): for one plan, one check-in (presence), or a window. OWN_VISIT, WORDS_MISSING,
 * NOT_PERMITTED (this officer is no supervisor), NOT_FOUND (the request isn't here). What policy doesn't permit is recorded all the
 * same, and marked so by the server.
 */
struct dc_authority_word {
    struct dc_id officer;
    struct dc_id offender;
    bool granted;
    struct dc_id plan;       /* all zero: none */
    struct dc_hash presence; /* all zero: none */
    int64_t from_ms;
    int64_t to_ms;
    const char *words;
    struct dc_hash
        request; /* all zero: none. With one, officer, offender and window or plan left empty are the request's */
};

DC_CHECKED enum dc_status dc_authority_word(struct dc_device *device, const struct dc_authority_word *word,
                                            struct dc_hash *ret_entry);

/* A supervisor's reasoned decision on a presence (L2). OWN_VISIT, WORDS_MISSING (reason code, words), NOT_PERMITTED. */
struct dc_decision {
    struct dc_hash presence;
    bool appropriate;
    const char *reason_code;
    const char *words;
    struct dc_hash flag; /* all zero: none prompted it */
};

DC_CHECKED enum dc_status dc_decide(struct dc_device *device, const struct dc_decision *decision,
                                    struct dc_hash *ret_entry);
DC_CHECKED enum dc_status dc_acknowledge_flag(struct dc_device *device, const struct dc_hash *flag,
                                              struct dc_hash *ret_entry);
DC_CHECKED enum dc_status dc_answer_flag(struct dc_device *device, const struct dc_hash *flag, const char *words,
                                         struct dc_hash *ret_entry);
/* Takes an edit from outside the team over as its author's, or refuses it (P4). words may be NULL. */
DC_CHECKED enum dc_status dc_answer_proposal(struct dc_device *device, const struct dc_hash *proposal, bool accepted,
                                             const char *words, struct dc_hash *ret_entry);
/*
 * Who stands in for somebody who is away (A1): from then on flags, decisions and rows that would be theirs are the other's too.
 * An officer records their own, an operator anybody's. NOT_PERMITTED (somebody else's), NOT_IN_CHARGE (nothing comes to who is
 * away; or who stands in is neither supervisor nor leader), OWN_COVER, INPUT (the window ends before it begins): what this
 * device's roster knows of it; the server judges.
 */
struct dc_cover {
    struct dc_id officer; /* who is away; all zero: this device's */
    struct dc_id by;      /* all zero: nobody, they are back */
    int64_t from_ms;      /* half-open; before the server's receipt it counts from that on */
    int64_t to_ms;        /* 0: until further notice */
};

DC_CHECKED enum dc_status dc_cover(struct dc_device *device, const struct dc_cover *cover, struct dc_hash *ret_entry);
/* "My log is complete up to here", naming the newest anchor (W1). */
DC_CHECKED enum dc_status dc_seal(struct dc_device *device, struct dc_hash *ret_entry);
/* Any entry: kind and message of entry.proto, without the salt. For operators' entries; the message isn't checked. */
DC_CHECKED enum dc_status dc_append(struct dc_device *device, uint16_t kind, const uint8_t *message, size_t size,
                                    struct dc_hash *ret_entry);

/* ---- Co-signing without signal (C1) ----
 * A: dc_check_in, dc_cosign_show -> code, B reads it: dc_cosign_read -> reply, A reads that: dc_cosign_confirm.
 * on_code comes exactly once for a call that returned OK, before it returns or when the signer has answered (CANCELLED
 * when the device closes first); with another status than OK, code is NULL. */
typedef void (*dc_on_code)(void *context, enum dc_status status, const uint8_t *code, size_t size);

/* NOT_FOUND: no such check-in in this log. The code holds for dc_cosign_confirm until the next dc_cosign_show. */
DC_CHECKED enum dc_status dc_cosign_show(struct dc_device *device, const struct dc_hash *presence, dc_on_code on_code,
                                         void *context);
/*
 * Checks the code (signature, offender) and its officer against the cached roster, then makes this officer's own check-in,
 * which names the other's, and keeps the other's entry. offender and with of check_in are taken from the code.
 * An offender in check_in must be the code's (CODE_ELSEWHERE); all zero: whoever the code names.
 * MALFORMED, BAD_SIGNATURE (a bit of it is another), UNKNOWN_OFFICER (not on the cached roster), NOT_ENTITLED (a role that
 * can't be second), CODE_OWN (by this phone, or by this officer's other phone), CODE_USED (its nonce or check-in was answered
 * here before), CODE_STALE (certainly older than the longest visit). Whose key signed it, and whether that phone is revoked, only
 * the server knows. Nothing is recorded with an error.
 */
DC_CHECKED enum dc_status dc_cosign_read(struct dc_device *device, const uint8_t *code, size_t size,
                                         const struct dc_check_in *check_in, struct dc_hash *ret_presence,
                                         dc_on_code on_reply, void *context);
/* Keeps the partner's check-in and confirms in this log. NOT_FOUND: it answers no code shown here since opening. */
DC_CHECKED enum dc_status dc_cosign_confirm(struct dc_device *device, const uint8_t *reply, size_t size,
                                            struct dc_hash *ret_partner_presence);

/* ---- Rescue: original signed bytes, to be carried by another log (F2) ---- */

typedef bool (*dc_on_push)(void *context, enum dc_status status, const uint8_t *push, size_t size);
/*
 * Signed pushes of all entries that aren't acknowledged, in order, then once with NULL and OK (or an error). After a fork that
 * shows at a server restored from a backup these are all that are kept: the server counts each once.
 */
DC_CHECKED enum dc_status dc_export_pending(struct dc_device *device, dc_on_push on_push, void *context);
/* Carries a push of another log in this one. MALFORMED when it isn't one. */
DC_CHECKED enum dc_status dc_carry(struct dc_device *device, const uint8_t *push, size_t size,
                                   struct dc_hash *ret_entry);

/*
 * A store that was restored from a backup or copied is found in two ways: at opening, by the guard (F3): reads work, facts
 * and syncing return LOG_LOST, and dc_log_lost tells; or, where the guard came along, at the next sync, as a fork (F2): facts
 * are taken, nothing is pushed, the reason is LOG_FORK. Either way: tell the officer, have the device enrolled again (new
 * device, log, keys), open a new store for it, open the old one with its old config, call dc_succeed, and start the new one.
 */
struct dc_lost_log {
    struct dc_id log;
    uint64_t known_seq;       /* this phone's log reached at least so far */
    uint64_t store_seq;       /* the store's ends here */
    uint64_t pending_entries; /* of the store's, that it doesn't know to be at the server */
};

/* NOT_FOUND: the log goes on. */
DC_CHECKED enum dc_status dc_log_lost(struct dc_device *device, struct dc_lost_log *ret_lost);

typedef void (*dc_on_succeeded)(void *context, enum dc_status status, uint64_t carried_entries);
/*
 * The log of device takes over from the one of old: carries what old holds unacknowledged, as original signed bytes (the
 * server counts each entry once), then declares it lost. old's sync is stopped; close old first. on_done (may be NULL)
 * comes once after OK, when old's signer has answered. What was done is durable: after an error or a crash call it again;
 * after success it does nothing. INPUT: not the same force and officer, or the same log.
 */
DC_CHECKED enum dc_status dc_succeed(struct dc_device *device, struct dc_device *old, dc_on_succeeded on_done,
                                     void *context);

/* ---- Sync ---- */

enum dc_sync_state {
    DC_SYNC_CLOSED = 0,     /* not started, or stopped for good: see reason */
    DC_SYNC_CONNECTING = 1, /* TCP, TLS, WebSocket */
    DC_SYNC_HELLO_SENT = 2, /* waits for Welcome */
    DC_SYNC_ONLINE = 3,
    DC_SYNC_BACKING_OFF = 4, /* the next try is set: retry_in_ms */
};

/*
 * Why an entry isn't acknowledged yet (P7). Every wait has a limit; when it runs out the session ends, the reason is TIMEOUT
 * with a sentence that says what for, and the next try is set by itself: no wait needs a further write to end.
 *
 *   CONNECTING  dc_config.connect_limit_ms for the connection, answer_limit_ms for Welcome
 *   SIGNING     answer_limit_ms for the key store
 *   IN_FLIGHT   answer_limit_ms for the Ack, from the one before it
 *   QUEUED      behind entries that are IN_FLIGHT; or the server allows nothing: answer_limit_ms
 *   RETRY       retry_in_ms, at most retry_longest_ms, or what the server said up to an hour and a quarter
 *   (the feed)  answer_limit_ms for each page until it is complete
 * The others wait for a person.
 */
enum dc_pending_reason {
    DC_PENDING_NOT_STARTED = 1, /* dc_sync_start wasn't called, or dc_sync_stop was */
    DC_PENDING_CONNECTING = 2,
    DC_PENDING_RETRY = 3, /* status: why the last try failed */
    DC_PENDING_QUEUED = 4,
    DC_PENDING_SIGNING = 5,
    DC_PENDING_IN_FLIGHT = 6,
    DC_PENDING_FORK = 7,     /* F2: enrol again; dc_succeed carries it */
    DC_PENDING_ENROL = 8,    /* the server wants this device enrolled again: status */
    DC_PENDING_UPDATE = 9,   /* the app is too old, or too new */
    DC_PENDING_REFUSED = 10, /* the server takes nothing from this device: status */
    DC_PENDING_LOST = 12,    /* the store is behind its guard: dc_log_lost */
    DC_PENDING_HELD = 11, /* acknowledged, but counts for nothing until somebody decides: text is the stable reason */
};

struct dc_pending {
    uint64_t seq;
    uint16_t kind; /* EntryKind of entry.proto */
    struct dc_hash entry;
    int64_t since_ms; /* wall time of its recording */
    uint64_t age_ms;
    bool age_measured; /* by this boot's monotonic clock; else by the wall clock, and not below this boot's length */
    bool never_online; /* the phone wasn't online since it was recorded */
    enum dc_pending_reason reason;
    enum dc_status status;
    uint64_t retry_in_ms; /* with RETRY */
    const char *text;     /* one sentence; with HELD the server's stable reason */
};

typedef bool (*dc_on_pending)(void *context, const struct dc_pending *pending);

/*
 * The server's rows on this device (offenders, officers, plans, flags, colleagues' visits, notes and fields). While they are
 * sealed, reads hand out what this device recorded itself and return SEALED; recording, previews and co-signing work on.
 */
enum dc_records {
    DC_RECORDS_NONE = 0, /* none came yet */
    DC_RECORDS_FRESH = 1,
    DC_RECORDS_OLD = 2, /* not synced for dc_config.warn_hours: show their age */
    DC_RECORDS_SEALED = 3,
};

struct dc_sync_status {
    enum dc_sync_state state;
    enum dc_status reason;   /* why not online, or why nothing moves (P7); OK: nothing is wrong */
    const char *reason_text; /* one sentence; static, or valid until the next call */
    const char *advice;      /* one sentence */
    uint64_t head_seq;
    uint64_t durable_seq; /* acknowledged by the server */
    uint64_t pending_entries;
    int64_t pending_since_ms;              /* wall time of the oldest pending entry; 0: none */
    uint64_t pending_age_ms;               /* of the oldest: dc_pending.age_ms */
    enum dc_pending_reason pending_reason; /* of the oldest; 0: none */
    const char *pending_text; /* one sentence for the officer: how many, since when, why; valid until the next call */
    /* This session, or the last one: for a bar. A first catch-up is feed_cursor out of feed_head. */
    uint64_t pushed_entries; /* acknowledged of push_total */
    uint64_t push_total;
    uint32_t pages;
    uint64_t rows;
    uint64_t feed_head; /* the journal's head when the session began */
    uint64_t feed_cursor;
    bool feed_complete;     /* the last page was applied in this session */
    int64_t last_anchor_ms; /* the server's time in the newest verified anchor; 0: none */
    int64_t last_online_ms; /* wall time when it was last online; 0: never */
    enum dc_records records;
    uint64_t records_age_ms; /* since all of the server's rows were last here */
    uint64_t retry_in_ms;    /* with BACKING_OFF */
    uint32_t failures;       /* tries in a row that failed */
    uint32_t repairs;        /* how often this store fetched all rows again since its digest differed (P2) */
    bool training;           /* the server's store is a training store */
    uint32_t policy_version;
};

/* Goes and stays online, with retries, until dc_sync_stop. CONFIG without a loop or host. */
DC_CHECKED enum dc_status dc_sync_start(struct dc_device *device);
DC_API void dc_sync_stop(struct dc_device *device);
/* Ends a wait before the next try and pushes what is pending. After DC_SYNC_CLOSED it starts. */
DC_CHECKED enum dc_status dc_sync_now(struct dc_device *device);
DC_API void dc_sync_status(struct dc_device *device, struct dc_sync_status *ret_status);
/*
 * Every entry that the server hasn't acknowledged, by rising seq, then those that it keeps but holds (as far as their bodies
 * are kept here: what the server said when it took them, which a decision may have changed since). pending is borrowed until
 * the callback returns; false from it stops.
 */
DC_CHECKED enum dc_status dc_each_pending(struct dc_device *device, dc_on_pending on_pending, void *context);
/* Operators' device in training mode: sets the server's clock; answered by DC_EVENT_TRAINING_STEPPED. NETWORK: offline. */
DC_CHECKED enum dc_status dc_training_step(struct dc_device *device, int64_t now_ms);

/* ---- Reads: decoded rows, borrowed until the callback returns; return false from it to stop early ---- */

enum dc_risk { DC_RISK_UNKNOWN = 0, DC_RISK_LOW = 1, DC_RISK_MEDIUM = 2, DC_RISK_HIGH = 3, DC_RISK_VERY_HIGH = 4 };

enum dc_role {
    DC_ROLE_UNKNOWN = 0,
    DC_ROLE_OFFENDER_MANAGER = 1,
    DC_ROLE_CONSTABLE = 2,
    DC_ROLE_STAFF = 3,
    DC_ROLE_SUPERVISOR = 4,
    DC_ROLE_LEADER = 5,
    DC_ROLE_OPERATOR = 6,
};

struct dc_offender {
    struct dc_id offender;
    const char *reference;
    const char *register_reference;
    enum dc_risk risk;
    struct dc_id manager;
    struct dc_id team;
    struct dc_place place;
    int64_t next_due_ms; /* 0: not set */
    const char *arms_priority;
    int64_t last_seen_ms;
    int64_t last_compliant_ms;
};

struct dc_officer {
    struct dc_id officer;
    const char *code;
    const char *name;
    enum dc_role role;
    bool accredited;
    const struct dc_id *teams;
    size_t team_count;
    int64_t entitled_from_ms; /* half-open; 0: from the beginning */
    int64_t entitled_to_ms;   /* 0: open */
};

/* V8; names as in PresenceRow. An empty text: not (yet) so. */
struct dc_verdict {
    const char *company; /* "joint", "awaiting_second" ... */
    const char *confirmed_by;
    const char *grade;
    const char *authority;
    uint32_t alone_min_s;
    uint32_t alone_max_s;
    uint32_t reasons;   /* bits, PROTOCOL.md */
    const char *why;    /* one plain sentence */
    const char *awaits; /* a preview's: what it waits for; else empty */
    bool due_met;
    int64_t as_of_ms;
    bool preview; /* computed here; the server decides */
};

struct dc_presence {
    struct dc_hash presence;
    struct dc_id offender;
    struct dc_id officer;
    struct dc_id device;
    int64_t in_from_ms; /* bounds of the check-in; own ones not yet synced: of the preview */
    int64_t in_to_ms;
    int64_t out_from_ms; /* of the check-out used; 0: open */
    int64_t out_to_ms;
    int64_t received_ms; /* by the server; 0: not yet */
    enum dc_outcome_code outcome;
    struct dc_hash attendance;
    bool own;     /* of this device's log */
    bool pending; /* the check-in isn't acknowledged yet */
    struct dc_verdict verdict;
};

enum dc_flag_state { DC_FLAG_RAISED = 1, DC_FLAG_ACKNOWLEDGED = 2, DC_FLAG_CLEARED = 3, DC_FLAG_DECIDED = 4 };
enum dc_flag_lane { DC_LANE_SAFETY = 1, DC_LANE_ASSURANCE = 2 };

struct dc_flag {
    struct dc_hash flag;
    const char *kind;
    struct dc_subject subject; /* a presence; flags about devices: the device's id stands in offender */
    struct dc_id offender;
    struct dc_id officer; /* whom it is about */
    enum dc_flag_state state;
    enum dc_flag_lane lane;
    uint32_t severity; /* 1 low .. 4 very high */
    int64_t raised_ms;
    int64_t committed_ms; /* server clock when the raise was committed */
    int64_t acknowledged_ms;
    struct dc_id acknowledged_by;
    int64_t ended_ms;
    struct dc_id ended_by;
    bool appropriate;
    const char *reason_code;
    const char *words;
    const char *why;
    const char *answer;
    uint32_t times_raised;
    const struct dc_hash *presences;
    size_t presence_count;
    uint32_t level; /* who is asked: 1 supervisors, 2 their leaders, 3 any leader, 4 the duty role, 5 nobody is left */
    const struct dc_id *owners; /* the officers asked now */
    size_t owner_count;
    int64_t acknowledge_by_ms; /* then it goes to the next level; 0: it doesn't */
    int64_t answer_by_ms;      /* until then its officer is asked first; 0: they aren't */
    int64_t alarm_ms;          /* when it is, or was, pushed */
    bool quiet;                /* raised outside working hours: show it without an alarm until then */
    bool second_needed;        /* one supervisor decided "appropriate"; another's word is needed */
};

struct dc_field_head {
    struct dc_hash edit;
    struct dc_id officer;
    const char *text;
    int64_t from_ms;
    int64_t to_ms;
    bool pending; /* an own edit that the server's rows don't hold yet */
};

/* One field of one subject: more than one head is a conflict, the first is the one to show; of a set the heads are its
 * additions. Own pending edits included. */
struct dc_field {
    struct dc_subject subject;
    const char *field;
    const struct dc_field_head *heads;
    size_t head_count;
    const char *const *members; /* of a set */
    size_t member_count;
};

struct dc_note_read {
    struct dc_hash note;
    struct dc_subject subject;
    struct dc_id officer;
    const char *text;
    bool has_correction_of;
    struct dc_hash corrects;
    int64_t from_ms;
    int64_t to_ms;
    bool pending;
};

enum dc_proposal_state { DC_PROPOSAL_OPEN = 1, DC_PROPOSAL_ACCEPTED = 2, DC_PROPOSAL_REFUSED = 3 };

/* An edit by somebody outside the offender's team, theirs to take over (P4); the author's own ones as well. */
struct dc_proposal {
    struct dc_hash proposal;
    struct dc_subject subject;
    struct dc_id officer; /* the author */
    const struct dc_field_change *changes;
    size_t change_count; /* at most 64 are shown */
    int64_t from_ms;     /* bounds of its time */
    int64_t to_ms;
    enum dc_proposal_state state;
    struct dc_id answered_by; /* all zero with ACCEPTED: it turned out to be the author's to write */
    int64_t answered_ms;
    const char *words;
};

enum dc_authority_state {
    DC_AUTHORITY_OPEN = 1,
    DC_AUTHORITY_GRANTED = 2,
    DC_AUTHORITY_REFUSED = 3,
    DC_AUTHORITY_WITHDRAWN = 4, /* granted, and taken back */
};

/* A supervisor's word on a request. */
struct dc_authority_answer {
    struct dc_hash entry;
    struct dc_id by;
    bool granted;
    int64_t recorded_ms; /* by the server */
    int64_t from_ms;     /* the window, when the word names one */
    int64_t to_ms;
    struct dc_id plan;
    const char *words;
};

#define DC_ANSWERS_MAX 8

/* A request to visit alone: the officer's own, or one that a supervisor may answer with dc_authority_word. */
struct dc_authority_request_read {
    struct dc_hash request;
    struct dc_authority_request asked;
    enum dc_authority_state state; /* what the supervisors' last words say together; a refusal outweighs a grant */
    int64_t received_ms;           /* by the server; 0: not yet */
    bool pending;                  /* an own one that the server's rows don't hold yet */
    struct dc_authority_answer answers[DC_ANSWERS_MAX]; /* oldest first */
    size_t answer_count;
};

/* An officer who is away, was, or will be. */
struct dc_cover_read {
    struct dc_cover now; /* by all zero, times 0: nobody stands in now */
    const struct dc_cover *windows;
    size_t
        window_count; /* that haven't ended, at most the 16 recorded last; of those that hold an instant the last speaks */
};

typedef bool (*dc_on_cover)(void *context, const struct dc_cover_read *cover);
typedef bool (*dc_on_authority_request)(void *context, const struct dc_authority_request_read *request);
typedef bool (*dc_on_proposal)(void *context, const struct dc_proposal *proposal);
typedef bool (*dc_on_offender)(void *context, const struct dc_offender *offender);
typedef bool (*dc_on_officer)(void *context, const struct dc_officer *officer);
typedef bool (*dc_on_plan)(void *context, const struct dc_plan *plan);
typedef bool (*dc_on_presence)(void *context, const struct dc_presence *presence);
typedef bool (*dc_on_flag)(void *context, const struct dc_flag *flag);
typedef bool (*dc_on_field)(void *context, const struct dc_field *field);
typedef bool (*dc_on_note)(void *context, const struct dc_note_read *note);

/* id, presence, flag: NULL for all, in order of their ids; else that one (NOT_FOUND when it isn't there). */
DC_CHECKED enum dc_status dc_each_offender(struct dc_device *device, const struct dc_id *id, dc_on_offender on_row,
                                           void *context);
DC_CHECKED enum dc_status dc_each_officer(struct dc_device *device, const struct dc_id *id, dc_on_officer on_row,
                                          void *context);
DC_CHECKED enum dc_status dc_each_plan(struct dc_device *device, const struct dc_id *id, dc_on_plan on_row,
                                       void *context);
/* id: of who is away. */
DC_CHECKED enum dc_status dc_each_cover(struct dc_device *device, const struct dc_id *id, dc_on_cover on_row,
                                        void *context);
/* Server's rows first, then own presences that the server's rows don't hold yet, with their preview. */
DC_CHECKED enum dc_status dc_each_presence(struct dc_device *device, const struct dc_hash *presence,
                                           dc_on_presence on_row, void *context);
DC_CHECKED enum dc_status dc_each_flag(struct dc_device *device, const struct dc_hash *flag, dc_on_flag on_row,
                                       void *context);
DC_CHECKED enum dc_status dc_each_proposal(struct dc_device *device, const struct dc_hash *proposal,
                                           dc_on_proposal on_row, void *context);
/* Server's rows first, then own requests that they don't hold yet. */
DC_CHECKED enum dc_status dc_each_authority_request(struct dc_device *device, const struct dc_hash *request,
                                                    dc_on_authority_request on_row, void *context);
/* subject: NULL for all. */
DC_CHECKED enum dc_status dc_each_field(struct dc_device *device, const struct dc_subject *subject, dc_on_field on_row,
                                        void *context);
DC_CHECKED enum dc_status dc_each_note(struct dc_device *device, const struct dc_subject *subject, dc_on_note on_row,
                                       void *context);
/*
 * The verdict on an own presence by the same rule as the server's, over the own log and the rows known here; awaits says
 * what is missing. The texts are valid until the next call. NOT_FOUND when it isn't a check-in of this log.
 */
DC_CHECKED enum dc_status dc_preview(struct dc_device *device, const struct dc_hash *presence,
                                     struct dc_verdict *ret_verdict);

/* ---- Events ---- */

enum dc_event_type {
    DC_EVENT_SYNC_STATE = 1, /* state, status (the reason), text */
    DC_EVENT_ACK = 2,        /* seq (durable up to), pos, count (entries newly acknowledged) */
    DC_EVENT_HELD = 3,       /* seq, text (the reason's stable name): kept, counts for nothing until decided */
    DC_EVENT_ROW = 4,        /* key, deleted: any row changed or left the scope */
    DC_EVENT_VERDICT = 5,    /* presence: the server's verdict is new or another */
    DC_EVENT_FLAG = 6,       /* flag, row: urgent lane; durable here already */
    DC_EVENT_PROMPT = 7,     /* "you may have been named: check in?"; a seal follows unless the config says never */
    DC_EVENT_PAGE = 8,       /* cursor, count (rows), complete: applied and durable */
    DC_EVENT_PURGED = 9,     /* count: rows that left the scope are gone from the device; complete: all of
                               them, and the receipt is in the log */
    DC_EVENT_ERROR = 10,     /* status, text, advice: from the server or from here */
    DC_EVENT_TRAINING_STEPPED = 11, /* now_ms, pos (the journal's head) */
    /* Something moved: done of total entries pushed in this session, pages, rows, cursor of pos (the journal's head when
     * the session began), complete (the feed). Comes first with Welcome. */
    DC_EVENT_PROGRESS = 12,
    DC_EVENT_RECORDS = 13, /* records, age_ms, text, advice: the server's rows became old, sealed or fresh */
};

struct dc_event {
    enum dc_event_type type;
    enum dc_sync_state state;
    enum dc_status status;
    const char *text;   /* never NULL */
    const char *advice; /* never NULL */
    uint64_t seq;
    uint64_t pos;
    uint64_t cursor;
    uint32_t count;
    uint64_t done;
    uint64_t total;
    uint32_t pages;
    uint64_t rows;
    bool complete;
    bool deleted;
    int64_t now_ms;
    uint64_t retry_in_ms;
    enum dc_records records;
    uint64_t age_ms;
    struct dc_hash presence;
    const struct dc_flag *row; /* with FLAG; else NULL */
    const uint8_t *key;        /* with ROW: PROTOCOL.md, view-row keys; else NULL */
    size_t key_size;
};

#ifdef __cplusplus
}
#endif

#endif
