/*
 * The disks of a simulated fleet, in memory: a VFS that is SQLite's default while installed.
 *
 * A machine (a server, a phone) is a prefix of paths with files of its own; paths of no machine pass through to the real
 * VFS. A file has durable sectors and unsynced ones. When power goes, every call of that machine fails; when it returns,
 * each unsynced 512-byte sector has survived or not by seeded chance, so pages are torn and later writes may survive
 * earlier ones. Bytes beside a write are never touched (SQLite's POWERSAFE_OVERWRITE). A truncation survives or not as a
 * whole; files' names are durable at once. mmap isn't offered; shared memory is, to the connections of this process.
 *
 * Same calls, same seeds: same bytes. SQLite's own randomness follows from the disk too. No system call, but for the
 * server's store: it claims and locks its file by name before SQLite sees it (store_sqlite.h), so its machine's prefix must
 * be a real folder. There the claimed file stays, empty but for one byte, as a mark; its removal removes ours.
 *
 * Connections may belong to several threads; the functions here are called while none of them works. One disk at a time.
 */
#ifndef DOUBLECREW_TESTS_SIM_DISK_H
#define DOUBLECREW_TESTS_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/lib/fault_vfs.h" /* struct fault_plan */

struct sim_disk;
struct sim_machine;

/* NULL: no memory. */
struct sim_disk *sim_disk_install(void);
/* Every file of every machine is gone. No connection may be open. NULL is fine. */
void sim_disk_remove(struct sim_disk *disk);

/* A machine with no files. The prefix is copied, and must begin no other machine's. Lives as long as the disk. NULL: memory. */
struct sim_machine *sim_disk_add(struct sim_disk *disk, const char *prefix);

/* Counting begins anew. NULL: nothing fails. */
void sim_machine_plan(struct sim_machine *machine, const struct fault_plan *plan);
/* Whether something of the plan, or a full disk, has happened since the plan. */
bool sim_machine_fired(struct sim_machine *machine);
/* Since the plan. */
uint64_t sim_machine_writes(const struct sim_machine *machine);
uint64_t sim_machine_syncs(const struct sim_machine *machine);
/* SQLITE_FULL once the files together would hold more; 0: no limit. */
void sim_machine_limit(struct sim_machine *machine, uint64_t bytes);

/* Power goes now. */
void sim_machine_cut(struct sim_machine *machine);
bool sim_machine_is_off(struct sim_machine *machine);
/*
 * Power returns; ends the plan. seed 0: nothing unsynced survives; UINT64_MAX: all of it does (the process was killed, the
 * machine lives on); else by chance. False, and nothing happens: a connection is still open.
 */
bool sim_machine_restore(struct sim_machine *machine, uint64_t seed);

/*
 * `to` gets the files of `from` as a reader would find them now, durable: a backup, a clone, an older copy brought back.
 * False: no memory, or a connection to `to` is open.
 */
bool sim_machine_copy(struct sim_machine *from, struct sim_machine *to);
/* Forgets every file. False: a connection is open. */
bool sim_machine_clear(struct sim_machine *machine);
/* Connections open, files' bytes, and a hash of every file's name and content: for tests of determinism. */
unsigned sim_machine_open_count(struct sim_machine *machine);
uint64_t sim_machine_size(struct sim_machine *machine);
uint64_t sim_machine_hash(struct sim_machine *machine);

#endif
