/* What the files of the preview's case share; not for others. */
#ifndef DOUBLECREW_DEVICE_PREVIEW_PARTS_H
#define DOUBLECREW_DEVICE_PREVIEW_PARTS_H

#include "core/geo.h"
#include "device/preview.h"
#include "device/preview_case.h"
#include "doublecrew/v1/entry.pb-c.h"

#define US_PER_MS 1000
#define US_PER_S 1000000

struct preview_builder {
    struct dc_device *device;
    struct preview_case *preview;
    struct hash target;
    struct id offender; /* of the target */
    int64_t wall_ms;    /* of the target */
    bool found;
    struct geo_point reference;
    bool has_reference;
    struct sync_now now;
};

/* Of the wire; zero for a wrong length. */
struct id preview_id(ProtobufCBinaryData bytes);
struct hash preview_hash(ProtobufCBinaryData bytes);
/* Indices in the case, added when new; RULE_NONE: no room. */
size_t preview_officer(struct preview_case *preview, const struct id *id);
size_t preview_device(struct preview_case *preview, const struct id *id, size_t officer);
size_t preview_offender(struct preview_case *preview, const struct id *id);
uint64_t preview_boot(struct preview_case *preview, const struct id *boot);
uint64_t preview_boot_of_its_own(struct preview_case *preview);
struct rule_place preview_place(struct preview_builder *builder, const Doublecrew__V1__Place *place);
/* NULL: not in the case. */
struct rule_presence *preview_presence_of(struct preview_case *preview, const struct hash *id);

/* When an own entry was written, as far as this phone can tell (T1). */
struct rule_instant preview_instant(struct preview_builder *builder, const struct entry_header *header);
int64_t preview_now_us(struct dc_device *device, struct sync_now now);

/* What the server's rows say of the offender and of those who are in the case already. */
MUST_USE enum status preview_add_rows(struct preview_builder *builder);

#endif
