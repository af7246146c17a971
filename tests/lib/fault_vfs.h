/*
 * A disk that fails on purpose: a shim over SQLite's VFS that is SQLite's default while installed.
 *
 * Writes reach the real files at once, and are noted until the file is synced. A power cut stops all I/O; restoring then
 * takes from the files what was never synced: all of it, or by seeded chance any 512-byte sectors of it, so that pages are
 * torn and later writes may survive earlier ones. Bytes beside a write are never touched (SQLite's POWERSAFE_OVERWRITE).
 * A truncation survives or not as a whole; files' names are durable at once. mmap is not offered.
 *
 * Safe to use from several threads. Files outside the prefix pass through untouched, as do temporary ones.
 */
#ifndef DOUBLECREW_TESTS_FAULT_VFS_H
#define DOUBLECREW_TESTS_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

/* Counted from the plan on; 1 is the next one; 0: never. Truncations count as writes. */
struct fault_plan {
    uint64_t fail_write;
    uint64_t fail_sync;
    uint64_t cut_at; /* power goes at this write or sync, whichever comes as that many-th */
    int write_code;  /* SQLITE_IOERR_WRITE if 0; or SQLITE_FULL */
    bool torn;       /* the failing write leaves its first half behind */
    bool for_good;   /* all writes (syncs) after it fail too */
};

struct fault_vfs;

/* NULL: no memory. prefix is the beginning of the paths concerned; it is copied. */
struct fault_vfs *fault_vfs_install(const char *prefix);
/* No connection may be open. NULL is fine. */
void fault_vfs_remove(struct fault_vfs *vfs);

/* Counting begins anew. NULL: nothing fails. */
void fault_vfs_plan(struct fault_vfs *vfs, const struct fault_plan *plan);
/* Whether something of the plan has happened. */
bool fault_vfs_fired(struct fault_vfs *vfs);
/* Writes, and syncs, since the plan. */
uint64_t fault_vfs_writes(struct fault_vfs *vfs);
uint64_t fault_vfs_syncs(struct fault_vfs *vfs);

/* Power goes now: every call fails from here on and changes nothing. */
void fault_vfs_cut(struct fault_vfs *vfs);
/*
 * Power returns: every connection to the files must be closed. seed 0: nothing unsynced survives; UINT64_MAX: all of it
 * does; else each sector by chance. Ends the plan. False when a file couldn't be put right: the test can't go on.
 */
bool fault_vfs_restore(struct fault_vfs *vfs, uint64_t seed);

#endif
