#include "bench/fleet.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/ids.h"
#include "admin/roster.h"
#include "admin/roster_entries.h"
#include "bench/scratch.h"
#include "core/sha256.h"
#include "server/edge/store_sqlite.h"

#define OFFICERS_FROM 10001
#define CERTIFICATE_DAYS 90
#define DAY_S 86400

static size_t team_count(const struct fleet_spec *spec)
{
    return (spec->device_count + spec->team_size - 1) / spec->team_size;
}

/* The roster, by doublecrewctl -------------------------------------------------------------------------------------- */

static void write_teams(FILE *file, const struct fleet_spec *spec)
{
    fputs("code,name\n", file);
    for (size_t team = 0; team < team_count(spec); team++)
        fprintf(file, "T%zu,Invented team %zu\n", team + 1, team + 1);
}

static void write_officers(FILE *file, const struct fleet_spec *spec)
{
    fputs("code,name,role,teams\n", file);
    for (size_t i = 0; i < spec->device_count; i++)
        fprintf(file, "PC %zu,Invented officer %zu,offender_manager,T%zu\n", OFFICERS_FROM + i, i + 1,
                i / spec->team_size + 1);
    for (size_t team = 0; spec->supervisors && team < team_count(spec); team++)
        fprintf(file, "DS %zu,Invented supervisor %zu,supervisor,T%zu\n", team + 1, team + 1, team + 1);
}

static void write_offenders(FILE *file, const struct fleet_spec *spec)
{
    fputs("reference,register_reference,risk,team,manager,latitude,longitude\n", file);
    for (size_t i = 0; i < spec->device_count / 2 * spec->offenders_per_pair; i++) {
        size_t pair = i / spec->offenders_per_pair;

        fprintf(file, "BN/%06zu,INVENTED-%zu,medium,T%zu,PC %zu,52.%05zu,0.%05zu\n", i + 1, i + 1,
                2 * pair / spec->team_size + 1, OFFICERS_FROM + 2 * pair, 20000 + pair, 10000 + pair);
    }
}

static enum status import(const struct fleet *fleet, const char *kind,
                          void (*write_rows)(FILE *, const struct fleet_spec *))
{
    char path[PROCESS_PATH_MAX];
    const char *const arguments[] = {"import", kind, path, "--dir", fleet->dir, NULL};
    FILE *file = NULL;

    snprintf(path, sizeof(path), "%.900s/%s.csv", fleet->folder, kind);
    file = fopen(path, "we");
    if (file == NULL)
        return STATUS_IO;
    write_rows(file, &fleet->spec);
    return fclose(file) == 0 && process_run_ctl(arguments) ? STATUS_OK : STATUS_IO;
}

static enum status make_roster(const struct fleet *fleet)
{
    const char *const init[] = {"init", "--dir", fleet->dir, "--force", "Measured force", "--port", "0", NULL};
    enum status status = process_run_ctl(init) ? STATUS_OK : STATUS_IO;

    if (status == STATUS_OK)
        status = scratch_set_policy(fleet->folder, fleet->dir);
    if (status == STATUS_OK)
        status = import(fleet, "teams", write_teams);
    if (status == STATUS_OK)
        status = import(fleet, "officers", write_officers);
    if (status == STATUS_OK)
        status = import(fleet, "offenders", write_offenders);
    return status;
}

/* Devices ----------------------------------------------------------------------------------------------------------- */

struct issuer {
    X509 *certificate;
    EVP_PKEY *key;
};

static FILE *open_cert_file(const struct fleet *fleet, const char *name)
{
    char path[PROCESS_PATH_MAX];

    snprintf(path, sizeof(path), "%.900s/certs/%s", fleet->dir, name);
    return fopen(path, "re");
}

static enum status issuer_read(const struct fleet *fleet, struct issuer *ret_issuer)
{
    struct issuer issuer = {NULL, NULL};
    FILE *certificate = open_cert_file(fleet, "ca.pem");
    FILE *key = open_cert_file(fleet, "ca.key");

    if (certificate != NULL) {
        issuer.certificate = PEM_read_X509(certificate, NULL, NULL, NULL);
        (void)fclose(certificate);
    }
    if (key != NULL) {
        issuer.key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
        (void)fclose(key);
    }
    *ret_issuer = issuer;
    return issuer.certificate == NULL || issuer.key == NULL ? STATUS_TLS : STATUS_OK;
}

static bool add_extension(const struct issuer *issuer, X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer->certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

/* As [device] of certs/openssl.cnf. */
static bool fill_certificate(const struct issuer *issuer, const struct fleet_device *device, long serial, X509 *ret_own)
{
    char hex[2 * ID_SIZE + 1];
    char name[64];
    X509_NAME *subject = X509_get_subject_name(ret_own);

    hex_encode(span_of(device->device.bytes, ID_SIZE), hex);
    snprintf(name, sizeof(name), "URI:urn:doublecrew:device:%s", hex);
    return X509_set_version(ret_own, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(ret_own), serial) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(ret_own), -60) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(ret_own), (long)CERTIFICATE_DAYS * DAY_S) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)hex, -1, -1, 0) == 1 &&
           X509_set_issuer_name(ret_own, X509_get_subject_name(issuer->certificate)) == 1 &&
           X509_set_pubkey(ret_own, device->tls_key) == 1 &&
           add_extension(issuer, ret_own, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(issuer, ret_own, NID_key_usage, "critical,digitalSignature") &&
           add_extension(issuer, ret_own, NID_ext_key_usage, "clientAuth") &&
           add_extension(issuer, ret_own, NID_subject_key_identifier, "hash") &&
           add_extension(issuer, ret_own, NID_authority_key_identifier, "keyid:always") &&
           add_extension(issuer, ret_own, NID_subject_alt_name, name) &&
           X509_sign(ret_own, issuer->key, EVP_sha256()) > 0;
}

static enum status make_certificate(const struct issuer *issuer, struct fleet_device *device, long serial)
{
    device->tls_key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    device->certificate = X509_new();
    if (device->tls_key == NULL || device->certificate == NULL)
        return STATUS_NO_MEMORY;
    return fill_certificate(issuer, device, serial, device->certificate) ? STATUS_OK : STATUS_TLS;
}

static enum status hash_key(const X509 *certificate, struct sha256 *sha, struct hash *ret_hash)
{
    uint8_t *bytes = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes);
    enum status status = size > 0 ? sha256_bytes(sha, span_of(bytes, (size_t)size), ret_hash) : STATUS_TLS;

    OPENSSL_free(bytes);
    return status;
}

struct enrolling {
    struct fleet *fleet;
    struct roster roster;
    struct issuer issuer;
    struct sha256 *sha;
    struct operator_entries entries;
};

static enum status enrol(struct enrolling *work, size_t index)
{
    struct fleet_device *device = &work->fleet->devices[index];
    size_t officers = work->fleet->spec.device_count;
    struct package package = {.label = "measured"};
    struct id_source ids = {.seeded = false};
    char code[32];

    if (index < officers)
        snprintf(code, sizeof(code), "PC %zu", OFFICERS_FROM + index);
    else
        snprintf(code, sizeof(code), "DS %zu", index - officers + 1);
    const struct roster_officer *officer = roster_officer_by_code(&work->roster, code);
    if (officer == NULL)
        return STATUS_UNKNOWN_OFFICER;
    enum status status = id_fresh(&ids, &device->device);
    if (status == STATUS_OK)
        status = id_fresh(&ids, &device->log);
    if (status == STATUS_OK)
        status = sign_key_generate(SIGN_ED25519, &device->key);
    if (status == STATUS_OK)
        status = make_certificate(&work->issuer, device, (long)index + 1);
    if (status == STATUS_OK)
        status = hash_key(device->certificate, work->sha, &package.certificate_key_hash);
    if (status != STATUS_OK)
        return status;
    device->officer = officer->id;
    package.device = device->device;
    package.log = device->log;
    package.officer = device->officer;
    sign_key_public(device->key, &package.key);
    return entries_add_device(&work->entries, &package);
}

static enum status read_offenders(struct enrolling *work)
{
    struct fleet *fleet = work->fleet;
    size_t count = fleet->spec.device_count / 2 * fleet->spec.offenders_per_pair;

    for (size_t i = 0; i < count; i++) {
        char reference[32];

        snprintf(reference, sizeof(reference), "BN/%06zu", i + 1);
        const struct roster_offender *offender = roster_offender_by_reference(&work->roster, reference);
        if (offender == NULL)
            return STATUS_UNKNOWN_OFFENDER;
        fleet->offenders[i] = offender->id;
    }
    return STATUS_OK;
}

static enum status enrol_all(struct fleet *fleet)
{
    struct enrolling work = {.fleet = fleet};
    struct force_folder folder;
    struct force_facts facts;
    enum status status = force_open(fleet->dir, &folder, &facts) ? STATUS_OK : STATUS_CONFIG;

    if (status == STATUS_OK)
        snprintf(fleet->store, sizeof(fleet->store), "%s", folder.store);
    if (status == STATUS_OK)
        status = roster_read(&folder, &work.roster);
    if (status == STATUS_OK)
        status = issuer_read(fleet, &work.issuer);
    if (status == STATUS_OK)
        status = sha256_new(&work.sha);
    for (size_t i = 0; i < fleet->count && status == STATUS_OK; i++)
        status = enrol(&work, i);
    if (status == STATUS_OK)
        status = read_offenders(&work);
    if (status == STATUS_OK)
        status = operator_entries_write(&folder, &facts, &work.entries);
    fleet->issuer = work.issuer.certificate;
    EVP_PKEY_free(work.issuer.key);
    operator_entries_done(&work.entries);
    roster_done(&work.roster);
    sha256_free(work.sha);
    return status;
}

/* The whole --------------------------------------------------------------------------------------------------------- */

static enum status make_folder(const char *base, struct fleet *fleet)
{
    enum status status = scratch_make(base, "fleet", sizeof(fleet->folder), fleet->folder);

    if (status != STATUS_OK)
        return status;
    snprintf(fleet->dir, sizeof(fleet->dir), "%.900s/force", fleet->folder);
    snprintf(fleet->setup, sizeof(fleet->setup), "%.900s/setup.db", fleet->folder);
    return STATUS_OK;
}

/* Each line "section.key = value" becomes a section with one key, behind what init wrote. */
static enum status configure(const struct fleet *fleet, const char *config)
{
    char path[PROCESS_PATH_MAX];
    FILE *file;

    if (config == NULL)
        return STATUS_OK;
    snprintf(path, sizeof(path), "%.900s/doublecrewd.conf", fleet->dir);
    file = fopen(path, "ae");
    if (file == NULL)
        return STATUS_IO;
    for (const char *at = config; *at != '\0';) {
        size_t section = strcspn(at, ".");
        size_t size = strcspn(at, "\n");

        if (section >= size)
            break;
        fprintf(file, "\n[%.*s]\n%.*s\n", (int)section, at, (int)(size - section - 1), at + section + 1);
        at += size + (at[size] == '\n' ? 1 : 0);
    }
    return fclose(file) == 0 ? STATUS_OK : STATUS_IO;
}

static enum status read_head(struct fleet *fleet)
{
    struct store_head head;
    struct store *store = NULL;
    enum status status = store_sqlite_open(fleet->store, STORE_SQLITE_READER, &store);

    if (status == STATUS_OK)
        status = store->ops->head(store, &head);
    if (store != NULL)
        store->ops->close(store);
    if (status == STATUS_OK) {
        fleet->setup_pos = head.pos;
        fleet->epoch = head.epoch;
    }
    return status;
}

static enum status make_all(struct fleet *fleet, const char *config)
{
    const char *const backup[] = {"backup", fleet->setup, "--dir", fleet->dir, NULL};
    enum status status = make_roster(fleet);

    if (status == STATUS_OK)
        status = configure(fleet, config);
    if (status == STATUS_OK)
        status = enrol_all(fleet);
    if (status == STATUS_OK)
        status = read_head(fleet);
    if (status == STATUS_OK && !process_run_ctl(backup))
        status = STATUS_IO;
    return status;
}

enum status fleet_make(const struct fleet_spec *spec, const char *config, struct fleet *ret_fleet)
{
    struct fleet fleet = {.spec = *spec};
    enum status status = make_folder(spec->base, &fleet);

    if (status != STATUS_OK)
        return status;
    fleet.count = spec->device_count + (spec->supervisors ? team_count(spec) : 0);
    fleet.devices = calloc(fleet.count, sizeof(*fleet.devices));
    fleet.offenders = calloc(spec->device_count / 2 * spec->offenders_per_pair + 1, sizeof(*fleet.offenders));
    status = fleet.devices == NULL || fleet.offenders == NULL ? STATUS_NO_MEMORY : make_all(&fleet, config);
    if (status != STATUS_OK) {
        fleet_remove(&fleet);
        return scratch_complain(status, "the force could not be set up");
    }
    *ret_fleet = fleet;
    return STATUS_OK;
}

void fleet_remove(struct fleet *fleet)
{
    for (size_t i = 0; fleet->devices != NULL && i < fleet->count; i++) {
        sign_key_free(fleet->devices[i].key);
        EVP_PKEY_free(fleet->devices[i].tls_key);
        X509_free(fleet->devices[i].certificate);
    }
    X509_free(fleet->issuer);
    free(fleet->devices);
    free(fleet->offenders);
    process_remove_tree(fleet->folder);
    *fleet = (struct fleet){.count = 0};
}

enum status fleet_reset(const struct fleet *fleet)
{
    return scratch_put_store(fleet->setup, fleet->store);
}

enum status fleet_count(const struct fleet *fleet, uint64_t *ret_entries)
{
    struct store *store = NULL;
    struct device_row row;
    enum status status = store_sqlite_open(fleet->store, STORE_SQLITE_READER, &store);

    for (size_t i = 0; i < fleet->count && status == STATUS_OK; i++) {
        status = store->ops->device_by_log(store, &fleet->devices[i].log, &row);
        if (status == STATUS_OK)
            ret_entries[i] = row.last_seq;
    }
    if (store != NULL)
        store->ops->close(store);
    return status;
}
