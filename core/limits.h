/*
 * Every limit that is neither policy (DOMAIN.md) nor configuration has its one home here, with its reason.
 */
#ifndef DOUBLECREW_CORE_LIMITS_H
#define DOUBLECREW_CORE_LIMITS_H

#include <stdint.h>

/* Wire. A push holds a day's work of one officer (60 facts, DOMAIN.md's scale) four times over (DESIGN.md S2). */
#define PUSH_ENTRIES_MAX 256
/* The largest payload of one entry: a contemporaneous note of about 10,000 words. */
#define PAYLOAD_SIZE_MAX (64u * 1024u)
/*
 * The largest message that a device records, and the largest chunk of several entries that it carries for another log: below
 * PAYLOAD_SIZE_MAX, so that whatever is recorded can be carried as the payload of one entry, and carried again (F2), with the
 * about 1,300 bytes that each push around it takes.
 */
#define FACT_SIZE_MAX (56u * 1024u)
#define CARRIED_CHUNK_MAX (58u * 1024u)
/* The largest wire message either way: bounds what one connection can make a peer hold. */
#define MESSAGE_SIZE_MAX (512u * 1024u)
/* Depth of nested protobuf messages: the schema nests seven deep (ServerMessage to SetRemoval); no message is recursive. */
#define WIRE_DEPTH_MAX 8
/* Fields in one wire message, all nested ones counted: a push of PUSH_ENTRIES_MAX entries of 8 fields, with room. */
#define WIRE_FIELDS_MAX 8192
/* An unpacked message may take this many times its wire size, plus the floor (LIBRARIES.md: unpacking amplifies). */
#define ARENA_FACTOR 24
#define ARENA_FLOOR (16u * 1024u)

/* Hashes that one pushed entry may leave out: bounds what a small message grows to (an edit of many fields names most). */
#define PUSH_REFS_MAX 64
/* A push as bytes: leaves room for the ClientMessage around it. */
#define PUSH_SIZE_MAX (MESSAGE_SIZE_MAX - 16u)
/*
 * How many times its deflated bytes a push may be. An officer's day is 1.6 times, one sentence over and over 3 times; DEFLATE
 * itself would allow 1,032: a thousand bytes that cost a megabyte of memory, hashing and disk.
 */
#define DEFLATE_RATIO_MAX 32u
/* Sequence numbers fit SQLite's signed integers. */
#define SEQ_MAX INT64_MAX
/* Milliseconds, of any clock, either side of 0: microseconds of it still fit 64 bits. */
#define TIME_MS_MAX (INT64_MAX / 1000)

/* Payloads. Officers named with one check-in or plan (DOMAIN.md: two is the rule, eight a search warrant's party). */
#define NAMED_MAX 8
/* Bytes of a name, code, reference or label. */
#define TEXT_SHORT_MAX 200
/* Fields, hashes or members in one edit, teams of one supervisor. */
#define LIST_MAX 64

/* Checkpoints that one process knows to be its own: the last one of each phone of the largest force (half a megabyte). */
#define CHECKPOINTS_REMEMBERED 16384

/* The rule. A neighbourhood with more presences than this isn't a visit but an attack or a mistake. */
#define RULE_PRESENCES_MAX 64

/* Journal. Records of one commit: bounds the writer's transaction and a reader's wait. */
#define COMMIT_RECORDS_MAX 4096
/* One row of the store, all columns: what COMMIT_RECORDS_MAX issued items need, packed, with room. */
#define STORE_ROW_SIZE_MAX (8 * 1024 * 1024)
/* What one batch tells goes into rows of about this size: an engine's take-over may tell everything anew. */
#define ISSUED_ROW_SIZE (256 * 1024)
/* The write-ahead log is checkpointed beyond this, and cut back to this: larger saves writes, smaller saves start-up. */
#define STORE_WAL_SIZE_MAX (16 * 1024 * 1024)
/* Scopes that one device's feed may be drawn from: force, officer, and eight teams twice over, with room; those of whom its
 * officer stands in for (four supervisors of two teams, eight of one; of more the first ones); and the scopes that it left
 * last, whose rows a device that was away since must still give back. */
#define STORE_SCOPES_MAX 80
#define STORE_SCOPES_OWN_MAX 20
#define STORE_SCOPES_COVER_MAX 16
#define STORE_SCOPES_LEFT_MAX 44
/* A verdict that may change by itself within this time raises no "time unproven": clocks are known to about 2 s a day
 * (200 ppm since the last anchor of the morning), so what is open for longer is a finding. */
#define FLAG_SETTLING_US (INT64_C(60) * 1000 * 1000)
/* Rows of one delta page. */
#define DELTA_ROWS_MAX 256

#endif
