/*
 * Stable names of the kinds of entries (EntryKind of entry.proto), for logs, the store and exports.
 */
#ifndef DOUBLECREW_CORE_KINDS_H
#define DOUBLECREW_CORE_KINDS_H

#include <stdint.h>

/* Snake case, such as "check_in"; "unknown" for a kind that this version doesn't know. Never NULL. */
const char *entry_kind_name(uint16_t kind);

#endif
