/*
 * One error type for the whole of Doublecrew.
 *
 * A function that can fail returns `enum status`; STATUS_OK is 0, outputs are untouched on failure.
 * A refusal by rule or policy (held evidence, a lone visit, a stale cursor) is not an error: it is a verdict value.
 * Libraries return a status, programs log it once with status_name() and tell the person status_advice().
 */
#ifndef DOUBLECREW_CORE_STATUS_H
#define DOUBLECREW_CORE_STATUS_H

#define MUST_USE __attribute__((warn_unused_result))

/* X(symbol, stable name, what happened, what to do) */
#define STATUS_LIST(X)                                                                                                 \
    X(OK, "ok", "No error", "Nothing to do")                                                                           \
    X(NO_MEMORY, "no_memory", "Memory ran out", "Free memory on this machine, then try again")                         \
    X(OVER_LIMIT, "over_limit", "A size or count is above its limit",                                                  \
      "Send less at once; PROTOCOL.md lists the limits")                                                               \
    X(MALFORMED, "malformed", "The bytes are not a valid message", "Check the sender against PROTOCOL.md")             \
    X(MISSING_FIELD, "missing_field", "A field that must be present is missing",                                       \
      "Check the sender against PROTOCOL.md")                                                                          \
    X(BAD_LENGTH, "bad_length", "A field has the wrong length", "Check the sender against PROTOCOL.md")                \
    X(UNKNOWN_KIND, "unknown_kind", "The kind of entry or message is not known here",                                  \
      "Update the older side; the entry is kept until then")                                                           \
    X(BAD_SIGNATURE, "bad_signature", "The signature does not match the key on record",                                \
      "Enrol the device again; its unsent entries are kept on the device")                                             \
    X(BAD_CHAIN, "bad_chain", "An entry does not follow from the one before it",                                       \
      "Send the log from the acknowledged entry on")                                                                   \
    X(LOG_GAP, "log_gap", "Entries are missing between what is stored and what was sent",                              \
      "Send the log from the acknowledged entry on")                                                                   \
    X(LOG_FORK, "log_fork", "Two different entries have the same place in one log",                                    \
      "The evidence is safe; two copies of this phone exist; enrol the device again")                                  \
    X(UNKNOWN_LOG, "unknown_log", "The log is not enrolled here", "Enrol the device")                                  \
    X(UNKNOWN_DEVICE, "unknown_device", "The device is not enrolled here", "Enrol the device")                         \
    X(UNKNOWN_OFFICER, "unknown_officer", "The officer is not on the roster", "Import the officer first")              \
    X(UNKNOWN_TEAM, "unknown_team", "The team is not on the roster", "Import the team first")                          \
    X(UNKNOWN_OFFENDER, "unknown_offender", "The offender is not on record", "Import the offender first")              \
    X(UNKNOWN_ANCHOR, "unknown_anchor", "An entry names a checkpoint that the server cannot verify",                   \
      "Send the checkpoint's full text with the entries")                                                              \
    X(DEVICE_REVOKED, "device_revoked", "The device has been revoked", "Hand the device in and enrol a new one")       \
    X(DEVICE_SUSPENDED, "device_suspended", "The device is suspended", "Speak to your supervisor")                     \
    X(NOT_PERMITTED, "not_permitted", "This person or device may not do that", "Ask somebody who holds the role")      \
    X(PROTOCOL_ORDER, "protocol_order", "The message is not allowed at this point",                                    \
      "Start a new session with Hello; PROTOCOL.md shows the order")                                                   \
    X(PROTOCOL_VERSION, "protocol_version", "No protocol version is spoken by both sides", "Update the older side")    \
    X(OVER_CREDIT, "over_credit", "More was sent than the receiver had allowed", "Wait for an acknowledgement first")  \
    X(BUSY, "busy", "The receiver is at its limit for now", "Try again after the stated time")                         \
    X(SLOW_READER, "slow_reader", "The peer does not read what is sent to it", "Reconnect; the session resumes")       \
    X(STOPPING, "stopping", "The server is stopping", "Reconnect after the stated time")                               \
    X(CLOCK_TROUBLE, "clock_trouble", "The clocks contradict each other",                                              \
      "Check the clocks; what was recorded is kept")                                                                   \
    X(IO, "io_error", "Reading or writing failed", "Check the disk and the system log")                                \
    X(DISK_FULL, "disk_full", "The disk is full", "Free disk space; nothing is acknowledged until then")               \
    X(STORE, "store_error", "The store could not carry out an operation", "Check the store with doublecrewctl verify") \
    X(STORE_BUSY, "store_busy", "Another process has the store open", "Stop the other process, then try again")        \
    X(STORE_SLOW, "store_slow", "The store has not answered in time", "Try again; look at the server's disk")          \
    X(STORE_VERSION, "store_version", "The store was written by another version", "Run the version that wrote it")     \
    X(ENGINE_NEWER, "engine_newer", "A newer rule engine has judged in this store",                                    \
      "Run the version that wrote it, or a later one; nothing was changed")                                            \
    X(ENGINE_OLDER, "engine_older", "An older rule engine has judged in this store",                                   \
      "Start the server on it once: this version's engine takes over and tells what it sees differently")              \
    X(STORE_BEHIND, "store_behind", "A device has seen more of this journal than the store holds",                     \
      "The store was restored: run doublecrewctl restore, with the stream if there is one; it begins a new epoch")     \
    X(NEW_EPOCH, "new_epoch", "The server was restored from a backup and has begun a new epoch",                       \
      "Nothing to do: what the server lost and this device still holds is sent again")                                 \
    X(STORE_MODE, "store_mode", "The store is not a training store", "Use training mode with a training store only")   \
    X(EXISTS, "exists", "It is there already", "Choose another name, or leave it as it is")                            \
    X(NOT_FOUND, "not_found", "It is not there", "Check the name")                                                     \
    X(CONFIG, "config", "The configuration is not valid", "Correct the named key")                                     \
    X(INPUT, "input", "The input is not valid", "Correct the named line")                                              \
    X(TLS, "tls_error", "A certificate or key could not be used", "Check the certificate files")                       \
    X(NETWORK, "network", "The connection failed", "Check the address and the network")                                \
    X(TIMEOUT, "timeout", "No answer came in time", "Try again")                                                       \
    X(CANCELLED, "cancelled", "The operation was cancelled", "Try again")                                              \
    X(STORAGE_KEY, "storage_key", "The storage key does not open this store",                                          \
      "Use the key that the store was made with; without it enrol the device again")                                   \
    X(DIVERGED, "diverged", "The server's journal does not extend the one seen before",                                \
      "Tell the force's administrator; the device keeps its records and sends nothing")                                \
    X(ROWS_DIFFER, "rows_differ", "The rows on this device are not those that the server holds for it",                \
      "The device fetches them again by itself; if this stays, tell the force's administrator")                        \
    X(SEALED, "sealed", "The server's records on this device are older than may be read without a sync",               \
      "Connect so that the device syncs; visits can still be recorded")                                                \
    X(LOG_LOST, "log_lost", "This store is older than the phone's own log: it was restored from a backup or copied",   \
      "Enrol the device again; what this log still holds is kept, and the new log carries it")                         \
    X(CODE_STALE, "code_stale", "The code belongs to a visit that is over by now",                                     \
      "Ask your partner to check in now and to show a new code")                                                       \
    X(CODE_USED, "code_used", "This phone has read the code already", "Ask your partner to show a new code")           \
    X(CODE_ELSEWHERE, "code_elsewhere", "The code is for a visit to another offender",                                 \
      "Agree with your partner whom you are visiting, then check in and show a new code")                              \
    X(CODE_OWN, "code_own", "The code was made by the same officer, or on this phone",                                 \
      "Co-sign with another officer, each on their own phone")                                                         \
    X(NOT_ENTITLED, "not_entitled", "This officer's role does not make a visit joint",                                 \
      "Check in and name the person who came along: the visit is recorded as accompanied")                             \
    X(OWN_VISIT, "own_visit", "Nobody authorises themselves or decides on their own visit", "Ask another supervisor")  \
    X(WORDS_MISSING, "words_missing", "The words that this needs are missing",                                         \
      "Say in a sentence why, and choose a reason code where one is asked for")                                        \
    X(NOT_IN_CHARGE, "not_in_charge", "Flags and decisions do not come to this officer",                               \
      "Name a supervisor or a leader")                                                                                 \
    X(OWN_COVER, "own_cover", "Nobody stands in for themselves", "Name another supervisor or leader")                  \
    X(INTERNAL, "internal", "Doublecrew reached a state that should not exist",                                        \
      "Report this with the log lines around it")

#define X(symbol, name, what, advice) STATUS_##symbol,
enum status { STATUS_LIST(X) STATUS_COUNT };
#undef X

/* Stable lower-case name for logs and the wire, never NULL. */
const char *status_name(enum status status);
/* One sentence: what happened. */
const char *status_what(enum status status);
/* One sentence: what to do. */
const char *status_advice(enum status status);

#endif
