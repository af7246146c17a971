/* What fault_vfs.c remembers of each file between syncs, and how it takes it back. Its own; not thread-safe. */
#ifndef DOUBLECREW_TESTS_FAULT_NOTES_H
#define DOUBLECREW_TESTS_FAULT_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault_file;

struct fault_notes {
    struct fault_file *files;
};

/* The notes of a path, made when there are none. NULL: no memory. */
struct fault_file *fault_notes_file(struct fault_notes *notes, const char *path);
void fault_notes_done(struct fault_notes *notes);

/* Before the change is made. old and new are copied; false: no memory, nothing noted. */
bool fault_note_write(struct fault_file *file, int64_t offset, size_t size, const void *old, const void *new_bytes,
                      int64_t old_size);
bool fault_note_truncate(struct fault_file *file, int64_t size, const void *tail, int64_t old_size);
/* All noted so far is durable. */
void fault_note_sync(struct fault_file *file);

/* As fault_vfs_restore says. Forgets the notes. */
bool fault_notes_restore(struct fault_notes *notes, uint64_t seed);

#endif
