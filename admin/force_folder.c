#include "admin/force_folder.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/command.h"

enum status force_folder_at(const char *root, struct force_folder *ret_folder)
{
    struct force_folder folder;
    const struct {
        char *path;
        const char *name;
    } places[] = {
        {folder.config, "doublecrewd.conf"},
        {folder.store, "store.db"},
        {folder.certs, "certs"},
        {folder.checkpoint, "keys/checkpoint.pem"},
        {folder.local, "operator/local"},
        {folder.online, "operator/online"},
        {folder.clock, "operator/clock"},
    };

    if (strlen(root) >= sizeof(folder.root) - 128)
        return STATUS_INPUT;
    snprintf(folder.root, sizeof(folder.root), "%s", root);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        enum status status = path_join(places[i].path, root, places[i].name);
        if (status != STATUS_OK)
            return status;
    }
    *ret_folder = folder;
    return STATUS_OK;
}

/* As in force.conf and device.conf: the algorithm's number in two hex digits, then the key's bytes. */
static void operator_key_text(const struct public_key *key, char ret_text[2 * PUBLIC_KEY_SIZE_MAX + 3])
{
    uint8_t bytes[1 + PUBLIC_KEY_SIZE_MAX];

    bytes[0] = (uint8_t)key->algorithm;
    memcpy(bytes + 1, key->bytes, key->size);
    hex_encode(span_of(bytes, 1 + key->size), ret_text);
}

static bool operator_key_read(const char *text, struct public_key *ret_key)
{
    uint8_t bytes[1 + PUBLIC_KEY_SIZE_MAX];
    size_t size = strlen(text) / 2;

    return size > 1 && size <= sizeof(bytes) && hex_decode(text, size, bytes) == STATUS_OK &&
           public_key_from_wire(bytes[0], span_of(bytes + 1, size - 1), ret_key) == STATUS_OK;
}

enum status force_facts_write(const struct force_folder *folder, const struct force_facts *facts)
{
    char path[PATH_SIZE];
    char text[1024];
    char force[2 * ID_SIZE + 1];
    char key[65];
    char operator_key[2 * PUBLIC_KEY_SIZE_MAX + 3];
    enum status status = path_join(path, folder->root, "force.conf");

    if (status != STATUS_OK)
        return status;
    hex_encode(span_of(facts->force.bytes, ID_SIZE), force);
    hex_encode(span_of(facts->server_key, 32), key);
    operator_key_text(&facts->operator_key, operator_key);

    int size = snprintf(
        text, sizeof(text),
        "# What every device of this force knows of its server. Nothing here is secret.\n"
        "[force]\nforce_id = %s\nserver_key = %s\noperator_key = %s\nname = %s\nhost = %s\nport = %u\ntraining = %s\n",
        force, key, operator_key, facts->name, facts->host, facts->port, facts->training ? "yes" : "no");

    if (size < 0 || (size_t)size >= sizeof(text))
        return STATUS_INPUT;
    return file_write_new(path, text, (size_t)size);
}

struct facts_reading {
    struct force_facts facts;
    unsigned found;
};

enum {
    FOUND_FORCE = 1,
    FOUND_KEY = 2,
    FOUND_NAME = 4,
    FOUND_HOST = 8,
    FOUND_PORT = 16,
    FOUND_TRAINING = 32,
    FOUND_OPERATOR = 64
};

static int on_fact(void *context, const char *section, const char *name, const char *value)
{
    struct facts_reading *reading = context;
    struct force_facts *facts = &reading->facts;
    uint64_t port = 0;

    (void)section;
    if (strcmp(name, "force_id") == 0 && hex_decode(value, ID_SIZE, facts->force.bytes) == STATUS_OK)
        reading->found |= FOUND_FORCE;
    else if (strcmp(name, "server_key") == 0 && hex_decode(value, 32, facts->server_key) == STATUS_OK)
        reading->found |= FOUND_KEY;
    else if (strcmp(name, "operator_key") == 0 && operator_key_read(value, &facts->operator_key))
        reading->found |= FOUND_OPERATOR;
    else if (strcmp(name, "name") == 0) {
        snprintf(facts->name, sizeof(facts->name), "%s", value);
        reading->found |= FOUND_NAME;
    } else if (strcmp(name, "host") == 0) {
        snprintf(facts->host, sizeof(facts->host), "%s", value);
        reading->found |= FOUND_HOST;
    } else if (strcmp(name, "port") == 0 && number_read(value, UINT16_MAX, &port)) {
        facts->port = (uint16_t)port;
        reading->found |= FOUND_PORT;
    } else if (strcmp(name, "training") == 0) {
        facts->training = strcmp(value, "yes") == 0;
        reading->found |= FOUND_TRAINING;
    } else
        return 0;
    return 1;
}

enum status force_facts_read(const struct force_folder *folder, struct force_facts *ret_facts)
{
    char path[PATH_SIZE];
    struct facts_reading reading = {.found = 0};
    enum status status = path_join(path, folder->root, "force.conf");

    if (status != STATUS_OK)
        return status;

    int line = ini_parse(path, on_fact, &reading);

    if (line < 0) {
        complain("there is no force in '%s': give its folder with --dir, or make one with 'doublecrewctl init'",
                 folder->root);
        return STATUS_NOT_FOUND;
    }
    if (line > 0 || reading.found != 127) {
        complain("%s:%d: a line is missing or can't be read: restore the file that 'init' wrote", path, line);
        return STATUS_CONFIG;
    }
    *ret_facts = reading.facts;
    return STATUS_OK;
}

bool force_open(const char *dir, struct force_folder *ret_folder, struct force_facts *ret_facts)
{
    if (force_folder_at(dir, ret_folder) != STATUS_OK) {
        complain("--dir '%s' is too long a path", dir);
        return false;
    }
    return force_facts_read(ret_folder, ret_facts) == STATUS_OK;
}

/* certs/devices/ID.SUFFIX */
static enum status kept_file(const struct force_folder *folder, const struct id *device, const char *suffix,
                             char ret_path[PATH_SIZE])
{
    char id[2 * ID_SIZE + 1];
    char name[64];

    hex_encode(span_of(device->bytes, ID_SIZE), id);
    snprintf(name, sizeof(name), "devices/%s.%s", id, suffix);
    return path_join(ret_path, folder->certs, name);
}

static enum status copy_into(const char *from, const char *path, const char *name)
{
    char to[PATH_SIZE];
    enum status status = path_join(to, path, name);

    return status == STATUS_OK ? file_copy(from, to) : status;
}

static enum status run_certificate_script(const struct force_folder *folder, const char *request,
                                          const struct id *device)
{
    char id[2 * ID_SIZE + 1];

    hex_encode(span_of(device->bytes, ID_SIZE), id);

    const char *const make[] = {folder->certs, id, NULL};
    const char *const sign[] = {folder->certs, request, "--id", id, NULL};

    return request == NULL ? certs_run("make-device.sh", make) : certs_run("sign-device.sh", sign);
}

/* Moves what the script made into the package: the private key stays there alone, the certificate is kept to revoke it by. */
static enum status take_certificate(const struct force_folder *folder, const char *path, const char *request,
                                    struct package *package)
{
    char key[PATH_SIZE];
    char certificate[PATH_SIZE];
    enum status status = kept_file(folder, &package->device, "key", key);

    if (status == STATUS_OK)
        status = kept_file(folder, &package->device, "pem", certificate);
    if (status == STATUS_OK)
        status = run_certificate_script(folder, request, &package->device);
    if (status == STATUS_OK && request == NULL) {
        status = copy_into(key, path, "key.pem");
        unlink(key);
    }
    if (status == STATUS_OK)
        status = copy_into(certificate, path, "certificate.pem");
    if (status == STATUS_OK)
        status = certificate_key_hash(certificate, &package->certificate_key_hash);
    return status;
}

static enum status make_signing_key(const char *path, struct package *package)
{
    char file[PATH_SIZE];
    char pem[512];
    struct sign_key *key = NULL;
    enum status status = path_join(file, path, "signing.pem");

    if (status == STATUS_OK)
        status = sign_key_generate(SIGN_ED25519, &key);
    if (status == STATUS_OK)
        status = sign_key_to_pem(key, pem, sizeof(pem));
    if (status == STATUS_OK)
        status = file_write_new(file, pem, strlen(pem));
    if (status == STATUS_OK)
        sign_key_public(key, &package->key);
    sign_key_free(key);
    explicit_bzero(pem, sizeof(pem));
    return status;
}

static enum status write_device_conf(const struct force_facts *facts, const char *path, bool has_keys,
                                     const struct package *package)
{
    char file[PATH_SIZE];
    char text[2048];
    char ids[4][2 * ID_SIZE + 1];
    char key[65];
    char operator_key[2 * PUBLIC_KEY_SIZE_MAX + 3];
    enum status status = path_join(file, path, "device.conf");

    if (status != STATUS_OK)
        return status;
    hex_encode(span_of(package->device.bytes, ID_SIZE), ids[0]);
    hex_encode(span_of(package->log.bytes, ID_SIZE), ids[1]);
    hex_encode(span_of(package->officer.bytes, ID_SIZE), ids[2]);
    hex_encode(span_of(facts->force.bytes, ID_SIZE), ids[3]);
    hex_encode(span_of(facts->server_key, 32), key);
    operator_key_text(&facts->operator_key, operator_key);

    int size =
        snprintf(text, sizeof(text),
                 "# A device package.%s\n"
                 "[device]\ndevice_id = %s\nlog_id = %s\nofficer_id = %s\nofficer_code = %s\nrole = %s\nlabel = %s\n"
                 "[server]\nhost = %s\nport = %u\nname = %s\n"
                 "[trust]\nforce_id = %s\nserver_key = %s\n%s%s%sca = ca.pem\n"
                 "[tls]\ncertificate = certificate.pem\n%s",
                 has_keys ? " key.pem and signing.pem are secret: whoever has them can speak for this device." : "",
                 ids[0], ids[1], ids[2], package->officer_code, package->role, package->label, facts->host, facts->port,
                 facts->host, ids[3], key, facts->operator_key.size > 0 ? "operator_key = " : "",
                 facts->operator_key.size > 0 ? operator_key : "", facts->operator_key.size > 0 ? "\n" : "",
                 has_keys ? "key = key.pem\n[sign]\nkey = signing.pem\n" : "");

    if (size < 0 || (size_t)size >= sizeof(text))
        return STATUS_INPUT;
    return file_write_new(file, text, (size_t)size);
}

static enum status copy_ca(const struct force_folder *folder, const char *path)
{
    char from[PATH_SIZE];
    char to[PATH_SIZE];
    enum status status = path_join(from, folder->certs, "ca-bundle.pem");

    if (status == STATUS_OK)
        status = path_join(to, path, "ca.pem");
    if (status == STATUS_OK)
        status = file_copy(from, to);
    return status;
}

/* A device is enrolled once: what is kept of another enrolment is never touched. */
static enum status check_unused(const struct force_folder *folder, const struct id *device)
{
    char certificate[PATH_SIZE];
    enum status status = kept_file(folder, device, "pem", certificate);

    return status == STATUS_OK && access(certificate, F_OK) == 0 ? STATUS_EXISTS : status;
}

static enum status make_parents(const char *path)
{
    char parent[PATH_SIZE];
    char *slash = NULL;
    enum status status = STATUS_OK;

    snprintf(parent, sizeof(parent), "%s", path);
    slash = strrchr(parent, '/');
    if (slash != NULL && slash != parent) {
        *slash = '\0';
        status = folder_make_all(parent);
    }
    return status;
}

enum status package_make(const struct force_folder *folder, const struct force_facts *facts, const char *path,
                         const char *request, struct package *package)
{
    enum status status = check_unused(folder, &package->device);

    if (status == STATUS_OK)
        status = make_parents(path);
    if (status == STATUS_OK)
        status = folder_make(path, true);
    if (status != STATUS_OK)
        return status;

    status = take_certificate(folder, path, request, package);
    if (status == STATUS_OK && request == NULL)
        status = make_signing_key(path, package);
    if (status == STATUS_OK)
        status = copy_ca(folder, path);
    if (status == STATUS_OK)
        status = write_device_conf(facts, path, request == NULL, package);
    if (status != STATUS_OK)
        package_remove(folder, path, &package->device);
    return status;
}

static void remove_certificate(const struct force_folder *folder, const struct id *device)
{
    static const char *const suffixes[] = {"key", "pem"};
    char file[PATH_SIZE];

    for (size_t i = 0; i < 2; i++) {
        if (kept_file(folder, device, suffixes[i], file) == STATUS_OK)
            unlink(file);
    }
}

void package_remove(const struct force_folder *folder, const char *path, const struct id *device)
{
    static const char *const names[] = {"device.conf", "key.pem", "certificate.pem", "signing.pem", "ca.pem"};
    char file[PATH_SIZE];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (path_join(file, path, names[i]) == STATUS_OK)
            unlink(file);
    }
    rmdir(path);
    remove_certificate(folder, device);
}

static int on_package(void *context, const char *section, const char *name, const char *value)
{
    struct package *package = context;

    if (strcmp(section, "device") != 0)
        return 1;
    if (strcmp(name, "device_id") == 0)
        return hex_decode(value, ID_SIZE, package->device.bytes) == STATUS_OK;
    if (strcmp(name, "log_id") == 0)
        return hex_decode(value, ID_SIZE, package->log.bytes) == STATUS_OK;
    if (strcmp(name, "officer_id") == 0)
        return hex_decode(value, ID_SIZE, package->officer.bytes) == STATUS_OK;
    if (strcmp(name, "officer_code") == 0)
        snprintf(package->officer_code, sizeof(package->officer_code), "%s", value);
    return 1;
}

enum status package_read(const char *path, struct package *ret_package)
{
    char file[PATH_SIZE];
    struct package package = {.label = ""};
    enum status status = path_join(file, path, "device.conf");

    if (status != STATUS_OK)
        return status;

    int line = ini_parse(file, on_package, &package);

    if (line != 0 || id_is_zero(&package.device) || id_is_zero(&package.log) || id_is_zero(&package.officer)) {
        complain("%s is not a whole device package: make it again with 'doublecrewctl enrol'", path);
        return STATUS_CONFIG;
    }
    *ret_package = package;
    return STATUS_OK;
}
