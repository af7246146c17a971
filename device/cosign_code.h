/* A co-signing code, opened (C1), and what speaks against answering it. */
#ifndef DOUBLECREW_DEVICE_COSIGN_CODE_H
#define DOUBLECREW_DEVICE_COSIGN_CODE_H

#include "device/device.h"
#include "doublecrew/v1/entry.pb-c.h"

#define CODE_MAGIC "DCC1"
#define CODE_MAGIC_SIZE 4
#define CODE_PREFIX_SIZE (CODE_MAGIC_SIZE + 1 + ID_SIZE + 2)

#define STAGE_SHOWN 1
#define STAGE_REPLY 2

struct cosign_code {
    struct arena *arena;
    uint8_t stage;
    struct id nonce;
    struct span push; /* in the bytes given */
    struct entry entry;
    char anchor[CHECKPOINT_TEXT_MAX]; /* that the check-in names */
    size_t anchor_size;
    int64_t latest_us; /* when the check-in was made, at the latest; RULE_FOREVER: its anchor doesn't say */
    const Doublecrew__V1__CheckIn *check_in;
};

/* MALFORMED, BAD_SIGNATURE, NO_MEMORY. The bytes must outlive the code. */
MUST_USE enum status cosign_code_open(struct dc_device *device, const uint8_t *bytes, size_t size,
                                      struct cosign_code *ret_code);
void cosign_code_done(struct cosign_code *code);

/*
 * Whether this phone may answer a shown code with a check-in of its own: MALFORMED (a reply), CODE_OWN, UNKNOWN_OFFICER,
 * NOT_ENTITLED, CODE_ELSEWHERE, CODE_USED, CODE_STALE.
 */
MUST_USE enum status cosign_code_check(struct dc_device *device, const struct cosign_code *code,
                                       const struct dc_check_in *check_in);

#endif
