#include "tests/lib/server_fixture.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/edge/store_sqlite.h"
#include "server/logic/batch.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/store_fixture.h"

#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name

static ProtobufCBinaryData bytes_of(const void *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
}

static ProtobufCBinaryData id_bytes(const struct id *id)
{
    return bytes_of(id->bytes, ID_SIZE);
}

/* Certificates ---------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...);

static void run(const char *format, ...)
{
    char command[1024];
    va_list arguments;

    va_start(arguments, format);
    assert_true(vsnprintf(command, sizeof(command), format, arguments) < (int)sizeof(command));
    va_end(arguments);
    if (system(command) != 0) /* NOLINT(cert-env33-c): our own scripts, with names that we chose */
        fail_msg("failed: %s", command);
}

static void make_certificates(struct server_fixture *fixture)
{
    const char *certs = getenv("DOUBLECREW_CERTS");

    if (certs == NULL)
        certs = "certs";
    run("%s/make-root.sh %s >/dev/null", certs, fixture->ca);
    run("%s/make-issuing-ca.sh %s >/dev/null", certs, fixture->ca);
    run("%s/make-server.sh %s localhost 127.0.0.1 >/dev/null", certs, fixture->ca);
}

static void make_device_certificate(struct server_fixture *fixture, struct server_device *device)
{
    const char *certs = getenv("DOUBLECREW_CERTS");
    char id[2 * ID_SIZE + 1];

    hex_encode(span_of(device->device.bytes, ID_SIZE), id);
    run("%s/make-device.sh %s %s >/dev/null", certs == NULL ? "certs" : certs, fixture->ca, id);
    snprintf(device->certificate, sizeof(device->certificate), "%s/devices/%s.pem", fixture->ca, id);
    snprintf(device->certificate_key, sizeof(device->certificate_key), "%s/devices/%s.key", fixture->ca, id);
}

struct hash server_fixture_key_hash(const struct server_device *device)
{
    FILE *file = fopen(device->certificate, "r");
    X509 *certificate;
    uint8_t *bytes = NULL;
    struct hash hash;
    int size;

    assert_non_null(file);
    certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(certificate);
    size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes);
    assert_true(size > 0);
    assert_int_equal(sha256_bytes(device->sha, span_of(bytes, (size_t)size), &hash), STATUS_OK);
    OPENSSL_free(bytes);
    X509_free(certificate);
    return hash;
}

/* The force ------------------------------------------------------------------------------------------------------- */

static void add_force(struct server_fixture *fixture)
{
    struct server_device *device = &fixture->operator_device;
    Doublecrew__V1__Force force = DOUBLECREW__V1__FORCE__INIT;
    struct hash key_hash = server_fixture_key_hash(device);
    struct id force_id = fixture_id("force");
    struct public_key key;
    struct public_key server_key;
    char name[] = "Testshire";

    sign_key_public(device->key, &key);
    sign_key_public(fixture->checkpoint_key, &server_key);
    force.force_id = id_bytes(&force_id);
    force.name = name;
    force.training = true;
    force.operator_id = id_bytes(&device->officer);
    force.operator_device_id = id_bytes(&device->device);
    force.operator_log_id = id_bytes(&device->log);
    force.key_algorithm = (uint32_t)key.algorithm;
    force.operator_key = bytes_of(key.bytes, key.size);
    force.server_key = bytes_of(server_key.bytes, server_key.size);
    force.operator_certificate_key_hash = bytes_of(key_hash.bytes, HASH_SIZE);
    server_device_add(device, KIND(FORCE), &force.base);
}

static void add_officer(struct server_fixture *fixture, const struct server_device *of, const char *code,
                        Doublecrew__V1__Role role)
{
    Doublecrew__V1__Officer officer = DOUBLECREW__V1__OFFICER__INIT;
    struct id team = fixture_id("team");
    ProtobufCBinaryData teams[1] = {id_bytes(&team)};

    officer.officer_id = id_bytes(&of->officer);
    officer.code = (char *)(uintptr_t)code;
    officer.name = (char *)(uintptr_t)code;
    officer.role = role;
    officer.accredited = role == DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER;
    officer.n_team_ids = role == DOUBLECREW__V1__ROLE__ROLE_OPERATOR ? 0 : 1;
    officer.team_ids = teams;
    server_device_add(&fixture->operator_device, KIND(OFFICER), &officer.base);
}

static void add_team_and_offender(struct server_fixture *fixture)
{
    Doublecrew__V1__Team team = DOUBLECREW__V1__TEAM__INIT;
    Doublecrew__V1__Offender offender = DOUBLECREW__V1__OFFENDER__INIT;
    struct id team_id = fixture_id("team");
    struct id offender_id = fixture_id("offender");
    char code[] = "T1";
    char reference[] = "TS/0001";

    team.team_id = id_bytes(&team_id);
    team.code = code;
    team.name = code;
    server_device_add(&fixture->operator_device, KIND(TEAM), &team.base);
    offender.offender_id = id_bytes(&offender_id);
    offender.reference = reference;
    offender.risk = DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_HIGH;
    offender.team_id = id_bytes(&team_id);
    offender.manager_id = id_bytes(&fixture->officer.officer);
    server_device_add(&fixture->operator_device, KIND(OFFENDER), &offender.base);
}

static void add_device(struct server_fixture *fixture, const struct server_device *of)
{
    Doublecrew__V1__Device device = DOUBLECREW__V1__DEVICE__INIT;
    struct hash key_hash = server_fixture_key_hash(of);
    struct public_key key;

    sign_key_public(of->key, &key);
    device.device_id = id_bytes(&of->device);
    device.log_id = id_bytes(&of->log);
    device.officer_id = id_bytes(&of->officer);
    device.key_algorithm = (uint32_t)key.algorithm;
    device.public_key = bytes_of(key.bytes, key.size);
    device.certificate_key_hash = bytes_of(key_hash.bytes, HASH_SIZE);
    server_device_add(&fixture->operator_device, KIND(DEVICE), &device.base);
}

static void add_policy(struct server_fixture *fixture)
{
    Doublecrew__V1__Policy policy = DOUBLECREW__V1__POLICY__INIT;

    policy.version = 1;
    policy.max_alone_s = 600;
    policy.longest_visit_s = 10800;
    policy.time_limit_s = 14400;
    policy.retro_window_s = 86400;
    policy.evidence_overdue_s = 86400;
    policy.authority_max_s = 7 * 86400;
    policy.cosign_round_trip_s = 60;
    policy.drift_ppm = 200;
    policy.partner_distance_m = 100;
    policy.far_apart_m = 2000;
    policy.late_out_m = 500;
    policy.live_silence_s = 120;
    policy.acknowledge_within_s = 900;
    policy.welfare_check_s = 3600;
    policy.skew_shown_s = 120;
    policy.address_distance_m = 150;
    server_device_add(&fixture->operator_device, KIND(POLICY), &policy.base);
}

/* The pending entries, straight into the store. */
static void store_push(struct server_fixture *fixture, struct store *store)
{
    struct server_device *device = &fixture->operator_device;
    struct batch_delivery delivery = {.device = {{0}}};
    struct batch_result result;
    struct public_key public_key;
    struct verify_key *key;
    struct arena *arena;
    struct batch *batch;
    struct push push;
    size_t size;
    uint8_t *bytes = server_device_push(device, &size);

    sign_key_public(device->key, &public_key);
    assert_int_equal(verify_key_new(&public_key, &key), STATUS_OK);
    assert_int_equal(arena_new(&arena), STATUS_OK);
    arena_reset(arena, 1 << 24);
    assert_int_equal(push_open(arena, device->sha, span_of(bytes, size), &push), STATUS_OK);
    assert_int_equal(push_verify(&push, key), STATUS_OK);
    assert_int_equal(batch_open(store, &batch), STATUS_OK);
    assert_int_equal(batch_begin(batch, (int64_t)1800000000 * 1000000), STATUS_OK);
    assert_int_equal(batch_push(batch, &push, span_of(bytes, size), &delivery, &result), STATUS_OK);
    assert_string_equal(status_name(result.status), "ok");
    assert_int_equal(batch_commit(batch), STATUS_OK);
    batch_free(batch);
    arena_free(arena);
    verify_key_free(key);
    free(bytes);
}

static void make_store(struct server_fixture *fixture)
{
    struct store *store;
    char path[128];

    snprintf(path, sizeof(path), "%s/store.sqlite", fixture->folder);
    add_force(fixture);
    add_officer(fixture, &fixture->operator_device, "OP 1", DOUBLECREW__V1__ROLE__ROLE_OPERATOR);
    add_officer(fixture, &fixture->officer, "PC 1", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER);
    add_officer(fixture, &fixture->supervisor, "DS 1", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR);
    add_team_and_offender(fixture);
    add_device(fixture, &fixture->officer);
    add_device(fixture, &fixture->supervisor);
    for (unsigned i = 0; i < fixture->colleague_count; i++) {
        char code[32];
        snprintf(code, sizeof(code), "PC %u", i + 2);
        add_officer(fixture, &fixture->colleagues[i], code, DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER);
        add_device(fixture, &fixture->colleagues[i]);
    }
    add_policy(fixture);
    assert_int_equal(store_sqlite_create(path, true), STATUS_OK);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_WRITER, &store), STATUS_OK);
    store_push(fixture, store);
    store->ops->close(store);
}

static void write_checkpoint_key(struct server_fixture *fixture)
{
    char pem[1024];
    char path[128];
    FILE *file;

    fixture->checkpoint_key = fixture_key("checkpoint");
    assert_int_equal(sign_key_to_pem(fixture->checkpoint_key, pem, sizeof(pem)), STATUS_OK);
    snprintf(path, sizeof(path), "%s/checkpoint.key", fixture->folder);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(pem, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_colleagues(struct server_fixture *fixture, unsigned count)
{
    assert_true(count <= SERVER_FIXTURE_COLLEAGUES_MAX);
    fixture->colleague_count = count;
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "colleague%u", i);
        server_device_init(&fixture->colleagues[i], name);
        make_device_certificate(fixture, &fixture->colleagues[i]);
    }
}

void server_fixture_make(struct server_fixture *fixture)
{
    server_fixture_make_with(fixture, 0);
}

void server_fixture_make_with(struct server_fixture *fixture, unsigned colleagues)
{
    struct server_device *devices[4] = {&fixture->operator_device, &fixture->officer, &fixture->supervisor,
                                        &fixture->stranger};
    static const char *const names[4] = {"operator", "officer", "supervisor", "stranger"};

    signal(SIGPIPE, SIG_IGN);
    memset(fixture, 0, sizeof(*fixture));
    test_folder_make(fixture->folder);
    snprintf(fixture->ca, sizeof(fixture->ca), "%s/ca", fixture->folder);
    snprintf(fixture->config, sizeof(fixture->config), "%s/doublecrewd.conf", fixture->folder);
    snprintf(fixture->log, sizeof(fixture->log), "%s/server.log", fixture->folder);
    make_certificates(fixture);
    for (size_t i = 0; i < 4; i++) {
        server_device_init(devices[i], names[i]);
        make_device_certificate(fixture, devices[i]);
    }
    make_colleagues(fixture, colleagues);
    write_checkpoint_key(fixture);
    make_store(fixture);
    server_fixture_write_config(fixture, NULL, NULL);
}

void server_fixture_remove(struct server_fixture *fixture)
{
    if (fixture->pid != 0)
        server_fixture_stop(fixture, SIGKILL);
    server_device_done(&fixture->operator_device);
    server_device_done(&fixture->officer);
    server_device_done(&fixture->supervisor);
    server_device_done(&fixture->stranger);
    for (unsigned i = 0; i < fixture->colleague_count; i++)
        server_device_done(&fixture->colleagues[i]);
    sign_key_free(fixture->checkpoint_key);
    test_folder_remove(fixture->folder);
}

/* The process ----------------------------------------------------------------------------------------------------- */

void server_fixture_write_config(struct server_fixture *fixture, const char *from, const char *to)
{
    char text[2048];
    char *at;
    FILE *file;

    snprintf(text, sizeof(text),
             "[server]\nlisten = 127.0.0.1\nport = 0\nmax_connections = 64\n"
             "[tls]\ncertificate = ca/server/localhost.pem\nkey = ca/server/localhost.key\n"
             "client_ca = ca/ca-bundle.pem\ncrl = ca/crl.pem\n"
             "[store]\npath = store.sqlite\n[trust]\ncheckpoint_key = checkpoint.key\n"
             "[mode]\ntraining = yes\n[log]\nlevel = debug\nfile = server.log\n%s",
             fixture->extra_config);
    file = fopen(fixture->config, "w");
    assert_non_null(file);
    if (from == NULL) {
        assert_true(fputs(text, file) >= 0);
    } else {
        at = strstr(text, from);
        assert_non_null(at);
        assert_true(fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    }
    assert_int_equal(fclose(file), 0);
}

/* Standard output goes to the pipe's end, and errors if asked for: a sanitizer's report must not get lost. */
static pid_t spawn(struct server_fixture *fixture, int descriptor, bool errors)
{
    const char *program = getenv("DOUBLECREWD");
    pid_t pid;

    if (program == NULL)
        fail_msg("DOUBLECREWD is not set: run this test by ctest");
    assert(program != NULL);
    pid = fork();
    if (pid == 0) {
        dup2(descriptor, STDOUT_FILENO);
        if (errors)
            dup2(descriptor, STDERR_FILENO);
        execl(program, program, "--config", fixture->config, (char *)NULL);
        _exit(127);
    }
    close(descriptor);
    assert_true(pid > 0);
    return pid;
}

static int wait_exit(struct server_fixture *fixture)
{
    int how;

    while (waitpid(fixture->pid, &how, 0) < 0)
        assert_int_equal(errno, EINTR);
    fixture->pid = 0;
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

void server_fixture_start(struct server_fixture *fixture)
{
    int ends[2];
    char line[256];
    static const char ready[] = "{\"event\":\"ready\",\"port\":";
    FILE *said;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fixture->pid = spawn(fixture, ends[1], false);
    said = fdopen(ends[0], "r");
    if (fgets(line, sizeof(line), said) == NULL)
        line[0] = '\0';
    fclose(said);
    if (strncmp(line, ready, sizeof(ready) - 1) != 0)
        fail_msg("the server did not start: %s", line);
    fixture->port = (uint16_t)strtoul(line + sizeof(ready) - 1, NULL, 10);
}

int server_fixture_start_fails(struct server_fixture *fixture, char *ret_said, size_t size)
{
    int ends[2];
    size_t got = 0;
    ssize_t more;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fixture->pid = spawn(fixture, ends[1], true);
    while (got < size - 1 && (more = read(ends[0], ret_said + got, size - 1 - got)) > 0)
        got += (size_t)more;
    ret_said[got] = '\0';
    close(ends[0]);
    return wait_exit(fixture);
}

int server_fixture_stop(struct server_fixture *fixture, int signal_number)
{
    if (signal_number != 0)
        kill(fixture->pid, signal_number);
    return wait_exit(fixture);
}

static struct ws_options options_for(struct server_fixture *fixture, char ret_ca[128])
{
    snprintf(ret_ca, 128, "%s/ca-bundle.pem", fixture->ca);
    return (struct ws_options){.port = fixture->port, .ca = ret_ca};
}

struct ws_client *server_fixture_connect(struct server_fixture *fixture, const struct server_device *device)
{
    char ca[128];
    struct ws_options options = options_for(fixture, ca);
    struct ws_client *client = NULL;
    int http_status;

    options.certificate = device->certificate;
    options.key = device->certificate_key;
    assert_int_equal(ws_client_open(&options, &client, &http_status), STATUS_OK);
    return client;
}

bool server_fixture_try(struct server_fixture *fixture, const char *certificate, const char *key)
{
    char ca[128];
    struct ws_options options = options_for(fixture, ca);
    struct ws_client *client = NULL;
    int http_status;
    enum status status;

    options.certificate = certificate;
    options.key = key;
    status = ws_client_open(&options, &client, &http_status);
    if (status != STATUS_OK)
        assert_int_equal(status, STATUS_NETWORK);
    ws_client_free(client);
    return status == STATUS_OK;
}

static unsigned count_log(struct server_fixture *fixture, const char *event, const char *detail)
{
    char quoted[128];
    char line[4200];
    unsigned count = 0;
    FILE *file = fopen(fixture->log, "r");

    snprintf(quoted, sizeof(quoted), "{\"event\":\"%s\"", event);
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        count += strstr(line, quoted) != NULL && strstr(line, detail) != NULL;
    if (file != NULL)
        fclose(file);
    return count;
}

void server_fixture_expect_log(struct server_fixture *fixture, const char *event, const char *detail, unsigned count)
{
    struct timespec pause = {.tv_nsec = 20 * 1000000};

    for (int i = 0; i < 250; i++) {
        if (count_log(fixture, event, detail) >= count)
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("the log holds %u lines of %s with %s, not %u", count_log(fixture, event, detail), event, detail, count);
}

void server_fixture_enrol(struct server_fixture *fixture, struct server_device *device, const struct id *officer)
{
    struct ws_client *client = server_fixture_connect(fixture, &fixture->operator_device);

    device->officer = *officer;
    server_device_greet(&fixture->operator_device, client, 0);
    add_device(fixture, device);
    server_device_sync(&fixture->operator_device, client);
    ws_client_free(client);
}
