/*
 * Files and folders of a force (docs/OPERATIONS.md): paths, reading and writing whole files, running certs/ scripts.
 * Everything made here is readable by its owner only.
 */
#ifndef DOUBLECREW_ADMIN_FILES_H
#define DOUBLECREW_ADMIN_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/bytes.h"

#define PATH_SIZE 1024

/* Joins with "/"; INPUT when it doesn't fit. ret_path has PATH_SIZE bytes. */
MUST_USE enum status path_join(char *ret_path, const char *folder, const char *name);
/* NOT_FOUND, IO, OVER_LIMIT (above 16 MiB). The caller frees; a NUL follows the last byte. */
MUST_USE enum status file_read(const char *path, char **ret_text, size_t *ret_size);
/* Mode 0600, synced. EXISTS when it is there, IO, DISK_FULL. */
MUST_USE enum status file_write_new(const char *path, const char *text, size_t size);
MUST_USE enum status file_copy(const char *from, const char *to);
/* Mode 0700. EXISTS unless it may be there and is empty. */
MUST_USE enum status folder_make(const char *path, bool may_be_empty);
/* Makes missing parents too; fine when it is there. */
MUST_USE enum status folder_make_all(const char *path);

/* A folder and all that is in it; for what was begun and can't be finished. */
void folder_remove_all(const char *path);

/*
 * Runs one of the scripts of certs/ (found by DOUBLECREW_CERTS, else where this program was built or installed), its output
 * kept quiet unless it fails. arguments end with NULL. TLS when it fails, after saying why on stderr.
 */
MUST_USE enum status certs_run(const char *script, const char *const *arguments);

/* SHA-256 of the SubjectPublicKeyInfo of the first certificate in a PEM file. NOT_FOUND, TLS. */
MUST_USE enum status certificate_key_hash(const char *path, struct hash *ret_hash);

#endif
