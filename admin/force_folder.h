/*
 * A force's folder and the device packages in it (docs/OPERATIONS.md draws it).
 */
#ifndef DOUBLECREW_ADMIN_FORCE_FOLDER_H
#define DOUBLECREW_ADMIN_FORCE_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/files.h"
#include "core/sign.h"

struct force_folder {
    char root[PATH_SIZE];
    char config[PATH_SIZE];     /* doublecrewd.conf */
    char store[PATH_SIZE];      /* store.db */
    char certs[PATH_SIZE];      /* certs/ */
    char checkpoint[PATH_SIZE]; /* keys/checkpoint.pem */
    char local[PATH_SIZE];      /* operator/local: the set-up log, used on the store itself while no server runs */
    char online[PATH_SIZE];     /* operator/online: used over the wire */
    char clock[PATH_SIZE];      /* operator/clock: training forces only, the simulator's */
};

/* INPUT when a path would be too long. */
MUST_USE enum status force_folder_at(const char *root, struct force_folder *ret_folder);

/* What every package of a force shares: kept in FOLDER/force.conf. */
struct force_facts {
    struct id force;
    uint8_t server_key[32];         /* Ed25519, verifies checkpoints and anchors */
    struct public_key operator_key; /* of record 1, verifies epochs (E2) */
    char name[96];
    char host[256];
    uint16_t port;
    bool training;
};

MUST_USE enum status force_facts_write(const struct force_folder *folder, const struct force_facts *facts);
/* Complains itself: NOT_FOUND (no force there), CONFIG. */
MUST_USE enum status force_facts_read(const struct force_folder *folder, struct force_facts *ret_facts);

/* Both, for a command's --dir. Complains itself; false: no force can be read there. */
bool force_open(const char *dir, struct force_folder *ret_folder, struct force_facts *ret_facts);

/* One device: its ids, its officer, and the public halves of its keys. */
struct package {
    struct id device;
    struct id log;
    struct id officer;
    char officer_code[64];
    char role[32];
    char label[96];
    struct public_key key;            /* of its log: the private half is in the package only */
    struct hash certificate_key_hash; /* of its TLS certificate's public key */
};

/*
 * Makes folder `path` with device.conf, key.pem, certificate.pem, signing.pem and ca.pem; fills key and
 * certificate_key_hash. What was begun is removed when it fails. EXISTS, TLS, IO, DISK_FULL.
 *
 * request: NULL, or a certificate request of a phone that keeps its own keys; then package->key is given, and the package
 * holds no secret.
 */
MUST_USE enum status package_make(const struct force_folder *folder, const struct force_facts *facts, const char *path,
                                  const char *request, struct package *package);
/* Reads a package's ids (not its keys). Complains itself. */
MUST_USE enum status package_read(const char *path, struct package *ret_package);
/* Removes a package's files and the certificate kept for it; for what could not be enrolled in the end. */
void package_remove(const struct force_folder *folder, const char *path, const struct id *device);

#endif
