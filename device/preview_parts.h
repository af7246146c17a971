/*
 * What the files of the preview's case share; not for others. First every presence that this phone knows of is sketched
 * (preview_sketch.c from the own log, preview_rows.c from the server's rows), then those that belong to the case are chosen as
 * the server chooses them (preview_select.c), and then the case is built (preview_case.c, preview_evidence.c).
 */
#ifndef DOUBLECREW_DEVICE_PREVIEW_PARTS_H
#define DOUBLECREW_DEVICE_PREVIEW_PARTS_H

#include "core/geo.h"
#include "device/preview.h"
#include "device/preview_case.h"
#include "doublecrew/v1/entry.pb-c.h"

#define US_PER_MS 1000
#define US_PER_S 1000000

struct preview_spot {
    bool known;
    struct geo_point point;
    double accuracy_m;
};

enum preview_choice { PREVIEW_LEFT_OUT, PREVIEW_OF_THE_VISIT, PREVIEW_AROUND_IT };

/* A presence as it is known here, before it is known who and what else belongs to the case. */
struct preview_sketch {
    struct hash id;
    struct id offender;
    struct id officer;
    struct id device;
    bool own;    /* of this phone's log */
    bool synced; /* the server's row is here, with its evidence */
    bool news;   /* own entries about it that no row reflects yet */
    struct rule_instant in;
    bool has_out;
    struct rule_instant out;
    bool boots_known;
    struct id in_boot;
    struct id out_boot;
    int64_t in_mono_us;
    int64_t out_mono_us;
    uint64_t in_seq;
    uint64_t out_seq;
    enum rule_with with;
    struct id named[RULE_NAMED_MAX];
    size_t named_count;
    bool agency;
    struct preview_spot in_at;
    struct preview_spot out_at;
    int64_t received_us;
    bool contested;
    bool clock_trouble;
    struct hash cosigned; /* zero: not co-signed */
    struct rule_cosign cosign;
    enum rule_outcome outcome;
    enum preview_choice choice;
};

struct preview_builder {
    struct dc_device *device;
    struct preview_case *preview;
    struct hash target;
    struct id offender;          /* of the target */
    struct preview_spot address; /* of the offender */
    bool address_known;          /* the offender's row is here, with or without an address */
    struct sync_now now;
    struct preview_sketch *sketches; /* of all presences; owned */
    size_t sketch_count;
    size_t sketch_capacity;
    bool no_memory;
    struct hash beside[RULE_PRESENCES_MAX]; /* what the server looked at beside the target */
    size_t beside_count;
    bool listed;     /* ... which is known */
    int64_t from_us; /* of the presences of the visit */
    int64_t to_us;
};

/* Of the wire; zero for a wrong length. */
struct id preview_id(ProtobufCBinaryData bytes);
struct hash preview_hash(ProtobufCBinaryData bytes);
struct preview_spot preview_spot(const Doublecrew__V1__Place *place);
/* NULL: none. Added: its id set and nothing else; valid until the next is added. NULL: no memory, which is noted. */
struct preview_sketch *preview_sketch_of(struct preview_builder *builder, const struct hash *id);
struct preview_sketch *preview_sketch_add(struct preview_builder *builder, const struct hash *id);

/* Indices in the case, added when new; RULE_NONE: no room. */
size_t preview_officer(struct preview_case *preview, const struct id *id);
size_t preview_device(struct preview_case *preview, const struct id *id, size_t officer);
size_t preview_offender(struct preview_case *preview, const struct id *id);
uint64_t preview_boot(struct preview_case *preview, const struct id *boot);
uint64_t preview_boot_of_its_own(struct preview_case *preview);

/* When an own entry was written, as far as this phone can tell (T1). */
struct rule_instant preview_instant(struct preview_builder *builder, const struct entry_header *header);
int64_t preview_now_us(struct dc_device *device, struct sync_now now);

/* The steps, in this order. */
MUST_USE enum status preview_sketch_own(struct preview_builder *builder);
MUST_USE enum status preview_sketch_rows(struct preview_builder *builder);
void preview_select(struct preview_builder *builder);
/* Who has which standing, and which phones there are: by the evidence in the rows of chosen presences. */
MUST_USE enum status preview_add_evidence(struct preview_builder *builder);
/* Plans, officers, offenders and policies, by the server's rows. */
MUST_USE enum status preview_add_rows(struct preview_builder *builder);

#endif
