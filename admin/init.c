/* doublecrewctl init: a force's folder, from nothing to a store whose first record names its operator. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/command.h"
#include "admin/ids.h"
#include "admin/policy_file.h"
#include "admin/roster_entries.h"
#include "admin/time_text.h"
#include "server/edge/store_sqlite.h"

#define FORCE_NAME_SIZE 91
#define ADDRESS_SIZE 128 /* inih reads lines of 200 */

struct init_plan {
    const char *dir;
    const char *force_name;
    const char *listen;
    const char *port;
    const char *host;
    const char *at;
    bool training;
};

struct init_work {
    struct force_folder folder;
    struct force_facts facts;
    struct package local;
    struct package online;
    struct package clock;
    int64_t now_ms;
};

static bool plan_is_whole(const struct init_plan *plan)
{
    if (plan->dir == NULL || plan->force_name == NULL || plan->force_name[0] == '\0')
        return false;
    if (!line_fits(plan->force_name, FORCE_NAME_SIZE) || strchr(plan->force_name, ';') != NULL) {
        complain("the force's name must be one line of at most %d bytes, without a semicolon", FORCE_NAME_SIZE - 1);
        return false;
    }
    if (!line_fits(plan->listen, ADDRESS_SIZE) || !line_fits(plan->host, ADDRESS_SIZE) ||
        strpbrk(plan->listen, "; ") != NULL || strpbrk(plan->host, "; ") != NULL) {
        complain("--listen and --host are each an address or a host name");
        return false;
    }
    if (plan->at != NULL && !plan->training) {
        complain("--at goes with --training only: a real force's clock is the machine's");
        return false;
    }
    return true;
}

/* What the command line says in numbers. */
static bool read_numbers(const struct init_plan *plan, struct init_work *work)
{
    uint64_t port = 0;

    if (!number_read(plan->port, UINT16_MAX, &port)) {
        complain("--port '%s' is not a port: give 0 to 65535 (0: the system chooses)", plan->port);
        return false;
    }
    work->facts.port = (uint16_t)port;
    work->now_ms = (int64_t)time(NULL) * 1000;
    if (plan->at != NULL && (time_from_text(plan->at, &work->now_ms) != STATUS_OK || work->now_ms < 0)) {
        complain("--at '%s' is not a time: write it as 2026-03-02T06:00Z", plan->at);
        return false;
    }
    return true;
}

static enum status make_certificates(const struct init_plan *plan, const struct init_work *work)
{
    const char *const root[] = {work->folder.certs, NULL};
    const char *const server[] = {work->folder.certs, "server", plan->host, "localhost", "127.0.0.1", NULL};
    enum status status = certs_run("make-root.sh", root);

    if (status == STATUS_OK)
        status = certs_run("make-issuing-ca.sh", root);
    if (status == STATUS_OK)
        status = certs_run("make-server.sh", server);
    return status;
}

static enum status make_checkpoint_key(struct init_work *work)
{
    struct sign_key *key = NULL;
    struct public_key public_key;
    char pem[512];
    char folder[PATH_SIZE];
    enum status status = path_join(folder, work->folder.root, "keys");

    if (status == STATUS_OK)
        status = folder_make(folder, false);
    if (status == STATUS_OK)
        status = sign_key_generate(SIGN_ED25519, &key);
    if (status == STATUS_OK)
        status = sign_key_to_pem(key, pem, sizeof(pem));
    if (status == STATUS_OK)
        status = file_write_new(work->folder.checkpoint, pem, strlen(pem));
    if (status == STATUS_OK) {
        sign_key_public(key, &public_key);
        memcpy(work->facts.server_key, public_key.bytes, 32);
    }
    explicit_bzero(pem, sizeof(pem));
    sign_key_free(key);
    return status;
}

static enum status write_config(const struct init_plan *plan, const struct init_work *work)
{
    char text[2048];
    int size = snprintf(text, sizeof(text),
                        "# doublecrewd's configuration for %s. Paths are relative to this file's folder.\n"
                        "[server]\nlisten = %s\nport = %s\n\n"
                        "[tls]\ncertificate = certs/server/server.pem\nkey = certs/server/server.key\n"
                        "client_ca = certs/ca-bundle.pem\n"
                        "# The list of revoked certificates; it runs out unless certs/make-crl.sh renews it weekly.\n"
                        "; crl = certs/crl.pem\n\n"
                        "[store]\npath = store.db\n"
                        "# A second place for the journal, best on another disk: a restore then loses nothing.\n"
                        "; journal_copy = /path/to/another/disk/stream\n\n"
                        "[trust]\ncheckpoint_key = keys/checkpoint.pem\n\n"
                        "[mode]\ntraining = %s\n\n"
                        "[log]\nlevel = info\n",
                        plan->force_name, plan->listen, plan->port, plan->training ? "yes" : "no");

    if (size < 0 || (size_t)size >= sizeof(text))
        return STATUS_INPUT;
    return file_write_new(work->folder.config, text, (size_t)size);
}

static enum status make_package(const struct init_work *work, const char *path, const struct id *operator_id,
                                const char *label, struct package *package)
{
    struct id_source source = {.seeded = false};
    enum status status = id_fresh(&source, &package->device);

    if (status == STATUS_OK)
        status = id_fresh(&source, &package->log);
    package->officer = *operator_id;
    snprintf(package->officer_code, sizeof(package->officer_code), "operator");
    snprintf(package->role, sizeof(package->role), "operator");
    snprintf(package->label, sizeof(package->label), "%s", label);
    return status == STATUS_OK ? package_make(&work->folder, &work->facts, path, NULL, package) : status;
}

static enum status make_packages(const struct init_plan *plan, struct init_work *work)
{
    struct id_source source = {.seeded = false};
    struct id operator_id;
    enum status status = id_fresh(&source, &operator_id);

    if (status == STATUS_OK)
        status = make_package(work, work->folder.local, &operator_id, "set-up, on the server itself", &work->local);
    if (status == STATUS_OK) { /* its key signs the first record, and epochs: every other package names it */
        work->facts.operator_key = work->local.key;
        status = force_facts_write(&work->folder, &work->facts);
    }
    if (status == STATUS_OK)
        status = make_package(work, work->folder.online, &operator_id, "operator, over the wire", &work->online);
    if (status == STATUS_OK && plan->training)
        status = make_package(work, work->folder.clock, &operator_id, "the simulator's clock", &work->clock);
    return status;
}

static ProtobufCBinaryData field_of(uint8_t *bytes, size_t size)
{
    ProtobufCBinaryData field = {.len = size, .data = bytes};

    return field;
}

static enum status add_force(struct init_work *work, struct operator_entries *entries)
{
    Doublecrew__V1__Force force = DOUBLECREW__V1__FORCE__INIT;
    struct package *local = &work->local;

    force.force_id = field_of(work->facts.force.bytes, ID_SIZE);
    force.name = work->facts.name;
    force.training = work->facts.training;
    force.operator_id = field_of(local->officer.bytes, ID_SIZE);
    force.operator_device_id = field_of(local->device.bytes, ID_SIZE);
    force.operator_log_id = field_of(local->log.bytes, ID_SIZE);
    force.key_algorithm = (uint32_t)local->key.algorithm;
    force.operator_key = field_of(local->key.bytes, local->key.size);
    force.server_key = field_of(work->facts.server_key, 32);
    force.operator_certificate_key_hash = field_of(local->certificate_key_hash.bytes, HASH_SIZE);
    return operator_entries_add(entries, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_FORCE, &force.base);
}

/* Record 1 names the force and its operator; then the operator's roster row, other devices and the policy. */
static enum status found_store(const struct init_plan *plan, struct init_work *work)
{
    struct operator_entries entries = {.count = 0};
    struct roster_officer officer = {.id = work->local.officer, .role = DOUBLECREW__V1__ROLE__ROLE_OPERATOR};
    enum status status = store_sqlite_create(work->folder.store, plan->training);

    snprintf(officer.code, sizeof(officer.code), "operator");
    snprintf(officer.name, sizeof(officer.name), "Operator");
    if (status == STATUS_OK)
        status = add_force(work, &entries);
    if (status == STATUS_OK)
        status = entries_add_officer(&entries, &officer);
    if (status == STATUS_OK)
        status = entries_add_device(&entries, &work->online);
    if (status == STATUS_OK && plan->training)
        status = entries_add_device(&entries, &work->clock);
    if (status == STATUS_OK)
        status = policy_add_default(&entries);
    if (status == STATUS_OK)
        status = operator_entries_found(&work->folder, &entries, work->now_ms);
    operator_entries_done(&entries);
    return status;
}

static enum status prepare(const struct init_plan *plan, struct init_work *work)
{
    struct id_source source = {.seeded = false};
    enum status status = force_folder_at(plan->dir, &work->folder);

    if (status == STATUS_OK)
        status = id_fresh(&source, &work->facts.force);
    snprintf(work->facts.name, sizeof(work->facts.name), "%s", plan->force_name);
    snprintf(work->facts.host, sizeof(work->facts.host), "%s", plan->host);
    work->facts.training = plan->training;
    if (status == STATUS_INPUT)
        complain("--dir '%s' is too long a path", plan->dir);
    else if (status != STATUS_OK)
        complain_status(status, "'%s'", plan->dir);
    return status;
}

static bool claim_folder(const char *path)
{
    enum status status = folder_make_all(path);

    if (status == STATUS_OK)
        status = folder_make(path, true);
    if (status == STATUS_EXISTS)
        complain("'%s' is not an empty folder: init makes a new force in a new or empty one", path);
    else if (status != STATUS_OK)
        complain_status(status, "folder '%s' could not be made", path);
    return status == STATUS_OK;
}

/* What it has begun when it fails is removed: the folder was empty. */
static enum status fill_folder(const struct init_plan *plan, struct init_work *work)
{
    const char *what = "certificates could not be made";
    enum status status = make_certificates(plan, work);

    if (status == STATUS_OK) {
        what = "the checkpoint key could not be made";
        status = make_checkpoint_key(work);
    }
    if (status == STATUS_OK) {
        what = "the configuration could not be written";
        status = write_config(plan, work);
    }
    if (status == STATUS_OK) {
        what = "the operator's packages could not be made";
        status = make_packages(plan, work);
    }
    if (status == STATUS_OK) {
        what = "the store could not be made";
        status = found_store(plan, work);
    }
    if (status != STATUS_OK) {
        complain_status(status, "'%s': %s; nothing is left of it", plan->dir, what);
        folder_remove_all(plan->dir);
    }
    return status;
}

int command_init(const struct command *command, int argc, char **argv)
{
    struct init_plan plan = {.listen = "127.0.0.1", .port = "8443"};
    struct init_work work = {.now_ms = 0};
    const struct option_spec specs[] = {
        {"dir", &plan.dir, NULL},           {"force", &plan.force_name, NULL}, {"listen", &plan.listen, NULL},
        {"port", &plan.port, NULL},         {"host", &plan.host, NULL},        {"at", &plan.at, NULL},
        {"training", NULL, &plan.training},
    };
    size_t plain_count = 0;

    if (!options_read(command, argc, argv, specs, sizeof(specs) / sizeof(specs[0]), NULL, 0, &plain_count))
        return EXIT_USAGE;
    if (plan.host == NULL)
        plan.host = strcmp(plan.listen, "0.0.0.0") == 0 || strcmp(plan.listen, "::") == 0 ? "localhost" : plan.listen;
    if (!plan_is_whole(&plan) || !read_numbers(&plan, &work))
        return complain_usage(command);
    if (prepare(&plan, &work) != STATUS_OK || !claim_folder(plan.dir) || fill_folder(&plan, &work) != STATUS_OK)
        return EXIT_FAILED;
    printf("Force '%s'%s is set up in %s.\n"
           "The operator's keys lie in %s/operator: keep them as you would the keys to the building.\n"
           "Next: doublecrewctl import teams FILE.csv --dir %s, then officers, offenders and devices;\n"
           "start the server with: doublecrewd --config %s\n",
           plan.force_name, plan.training ? " (training)" : "", plan.dir, plan.dir, plan.dir, work.folder.config);
    return EXIT_DONE;
}
