/*
 * A storm over real sockets (P6): 300 phones that lost their server connect at once, far more than are let in; they wait in
 * line, and are in at their first try. Nothing that any of them holds is lost, and who was connected before is served all the
 * while. Who is beyond the line is told when to come back; who connects and says nothing keeps nobody out. And one
 * connection's memory, as the server itself measured it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/edge/handshakes.h"
#include "server/edge/store_sqlite.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/server_fixture.h"

#define PHONES 300
#define TRIES_MAX 12
#define SERVER(name) DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_##name
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name
#define CODE(name) DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_##name

struct phone {
    struct server_device device;
    struct storm *storm;
    pthread_t thread;
    uint8_t *push;
    size_t push_size;
    unsigned tries;
    bool done;
};

struct storm {
    struct server_fixture fixture;
    char ca_file[128];
    struct phone phones[PHONES];
    atomic_bool begin;
    atomic_uint busy; /* errors BUSY heard */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(int64_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

/* Certificates: 300 by the script would take a minute. ------------------------------------------------------------- */

static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);

    assert_non_null(file);
    return file;
}

static void extend(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void write_certificate(struct storm *storm, struct server_device *device, int number, X509 *authority,
                              EVP_PKEY *authority_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    char folder[sizeof(storm->fixture.folder)];
    FILE *file;

    memcpy(folder, storm->fixture.folder, sizeof(folder));
    assert_non_null(key);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 100000 + number);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_set_issuer_name(certificate, X509_get_subject_name(authority));
    extend(certificate, NID_subject_alt_name, "critical,URI:urn:doublecrew:device:storm");
    extend(certificate, NID_basic_constraints, "critical,CA:FALSE");
    extend(certificate, NID_ext_key_usage, "clientAuth");
    assert_true(X509_sign(certificate, authority_key, EVP_sha256()) > 0);
    snprintf(device->certificate, sizeof(device->certificate), "%.63s/storm%d.pem", folder, number);
    snprintf(device->certificate_key, sizeof(device->certificate_key), "%.63s/storm%d.key", folder, number);
    file = open_file(device->certificate, "w");
    assert_int_equal(PEM_write_X509(file, certificate) == 1 && PEM_write_X509(file, authority) == 1, 1);
    fclose(file);
    file = open_file(device->certificate_key, "w");
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void make_phones(struct storm *storm)
{
    char path[128];
    FILE *file;
    X509 *authority;
    EVP_PKEY *key;

    snprintf(path, sizeof(path), "%s/ca.pem", storm->fixture.ca);
    file = open_file(path, "r");
    authority = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    snprintf(path, sizeof(path), "%s/ca.key", storm->fixture.ca);
    file = open_file(path, "r");
    key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    assert_true(authority != NULL && key != NULL);
    for (int i = 0; i < PHONES; i++) {
        char name[32];

        snprintf(name, sizeof(name), "storm %d", i);
        server_device_init(&storm->phones[i].device, name);
        write_certificate(storm, &storm->phones[i].device, i, authority, key);
        storm->phones[i].storm = storm;
    }
    X509_free(authority);
    EVP_PKEY_free(key);
}

/* The operator enrols them, each for an officer of their own. ------------------------------------------------------ */

static void add_phone(struct server_device *operator_device, const struct server_device *phone)
{
    Doublecrew__V1__Officer officer = DOUBLECREW__V1__OFFICER__INIT;
    Doublecrew__V1__Device device = DOUBLECREW__V1__DEVICE__INIT;
    struct id team = fixture_id("team");
    ProtobufCBinaryData teams[1] = {{ID_SIZE, team.bytes}};
    struct server_device copy = *phone;
    struct hash key_hash = server_fixture_key_hash(phone);
    struct public_key key;
    char code[24];

    hex_encode(span_of(copy.officer.bytes, 8), code);
    officer.officer_id = (ProtobufCBinaryData){ID_SIZE, copy.officer.bytes};
    officer.code = code;
    officer.name = code;
    officer.role = DOUBLECREW__V1__ROLE__ROLE_CONSTABLE;
    officer.n_team_ids = 1;
    officer.team_ids = teams;
    server_device_add(operator_device, KIND(OFFICER), &officer.base);
    sign_key_public(phone->key, &key);
    device.device_id = (ProtobufCBinaryData){ID_SIZE, copy.device.bytes};
    device.log_id = (ProtobufCBinaryData){ID_SIZE, copy.log.bytes};
    device.officer_id = (ProtobufCBinaryData){ID_SIZE, copy.officer.bytes};
    device.key_algorithm = (uint32_t)key.algorithm;
    device.public_key = (ProtobufCBinaryData){key.size, key.bytes};
    device.certificate_key_hash = (ProtobufCBinaryData){HASH_SIZE, key_hash.bytes};
    server_device_add(operator_device, KIND(DEVICE), &device.base);
}

static void enrol_phones(struct storm *storm)
{
    struct server_device *operator_device = &storm->fixture.operator_device;
    struct ws_client *client = server_fixture_connect(&storm->fixture, operator_device);

    server_device_greet(operator_device, client, 0);
    for (int i = 0; i < PHONES; i++) {
        add_phone(operator_device, &storm->phones[i].device);
        if (i % 100 == 99 || i == PHONES - 1)
            server_device_sync(operator_device, client);
    }
    ws_client_free(client);
}

/* A phone's evening; on a thread, so without cmocka's assertions. --------------------------------------------------- */

enum outcome { OUTCOME_AGAIN, OUTCOME_DONE };

/* The next message; the caller frees it. NULL: the connection has ended. */
static Doublecrew__V1__ServerMessage *hear(struct ws_client *client)
{
    struct ws_message heard = {0};
    Doublecrew__V1__ServerMessage *message = NULL;

    if (ws_client_receive(client, 20000, &heard) == STATUS_OK && heard.opcode == WS_BINARY)
        message = doublecrew__v1__server_message__unpack(NULL, heard.size, heard.bytes);
    free(heard.bytes);
    return message;
}

static enum outcome talk(struct phone *phone, struct ws_client *client, int64_t *ret_wait_ms)
{
    Doublecrew__V1__ServerMessage *message;
    enum outcome outcome = OUTCOME_AGAIN;

    while (outcome == OUTCOME_AGAIN && (message = hear(client)) != NULL) {
        if (message->message_case == SERVER(ERROR)) {
            *ret_wait_ms = message->error->retry_after_ms;
            if (message->error->code == CODE(BUSY))
                atomic_fetch_add(&phone->storm->busy, 1);
            server_heard_free(message);
            return OUTCOME_AGAIN;
        }
        if (message->message_case == SERVER(WELCOME))
            server_device_send_push(client, span_of(phone->push, phone->push_size));
        if (message->message_case == SERVER(ACK) && message->ack->durable_seq == phone->device.seq)
            outcome = OUTCOME_DONE;
        server_heard_free(message);
    }
    return outcome;
}

static void *live(void *context)
{
    struct phone *phone = context;
    struct ws_options options = {.port = phone->storm->fixture.port,
                                 .ca = phone->storm->ca_file,
                                 .certificate = phone->device.certificate,
                                 .key = phone->device.certificate_key};
    uint64_t chance = 1 + (uint64_t)(phone - phone->storm->phones);

    while (!atomic_load(&phone->storm->begin))
        sleep_ms(1);
    while (!phone->done && phone->tries < TRIES_MAX) {
        struct ws_client *client = NULL;
        int64_t wait_ms = 500 << (phone->tries < 4 ? phone->tries : 4); /* without the server's word */
        int http_status;

        phone->tries++;
        if (ws_client_open(&options, &client, &http_status) == STATUS_OK) {
            server_device_say_hello(&phone->device, client, 0);
            phone->done = talk(phone, client, &wait_ms) == OUTCOME_DONE;
        }
        ws_client_free(client);
        if (!phone->done)
            sleep_ms(wait_ms + (int64_t)fixture_below(&chance, (uint64_t)wait_ms / 4 + 1));
    }
    return NULL;
}

/* One who was connected before pushes on; the longest wait for an Ack, ms. */
static int64_t push_meanwhile(struct storm *storm, struct ws_client *client, int64_t until_ms)
{
    struct server_device *officer = &storm->fixture.officer;
    int64_t longest_ms = 0;

    while (now_ms() < until_ms) {
        int64_t began_ms = now_ms();

        server_device_add_notes(officer, 1);
        server_device_sync(officer, client);
        if (now_ms() - began_ms > longest_ms)
            longest_ms = now_ms() - began_ms;
        sleep_ms(50);
    }
    return longest_ms;
}

static void expect_all_kept(struct storm *storm)
{
    struct store *store;
    struct device_row row;
    char path[128];

    snprintf(path, sizeof(path), "%s/store.sqlite", storm->fixture.folder);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_READER, &store), STATUS_OK);
    for (int i = 0; i < PHONES; i++) {
        assert_int_equal(store->ops->device_by_id(store, &storm->phones[i].device.device, &row), STATUS_OK);
        assert_int_equal(row.last_seq, 3);
    }
    store->ops->close(store);
}

static void storm__everybody_waits_in_line_and_nothing_is_lost(void **state)
{
    struct storm *storm = *state;
    struct ws_client *client;
    unsigned most = 0, tries = 0;
    int64_t began_ms, longest_ms;

    snprintf(storm->fixture.extra_config, sizeof(storm->fixture.extra_config),
             "[limits]\nadmit_per_s = 60\nadmit_burst = 20\n");
    server_fixture_write_config(&storm->fixture, "max_connections = 64", "max_connections = 400");
    server_fixture_start(&storm->fixture);
    snprintf(storm->ca_file, sizeof(storm->ca_file), "%s/ca-bundle.pem", storm->fixture.ca);
    make_phones(storm);
    enrol_phones(storm);
    client = server_fixture_connect(&storm->fixture, &storm->fixture.officer);
    server_device_greet(&storm->fixture.officer, client, 0);
    for (int i = 0; i < PHONES; i++) {
        struct phone *phone = &storm->phones[i];

        server_device_add_notes(&phone->device, 3);
        phone->push = server_device_push(&phone->device, &phone->push_size);
        assert_int_equal(pthread_create(&phone->thread, NULL, live, phone), 0);
    }
    began_ms = now_ms();
    atomic_store(&storm->begin, true);
    longest_ms = push_meanwhile(storm, client, began_ms + 4000);
    for (int i = 0; i < PHONES; i++) {
        pthread_join(storm->phones[i].thread, NULL);
        assert_true(storm->phones[i].done);
        tries += storm->phones[i].tries;
        most = storm->phones[i].tries > most ? storm->phones[i].tries : most;
    }
    print_message(
        "%d phones at once, 20 let in and 60 a second: all in after %.1f s, %u tries, at most %u each, %u told "
        "BUSY; who was connected waited %lld ms at most for an Ack\n",
        PHONES, (double)(now_ms() - began_ms) / 1000, tries, most, atomic_load(&storm->busy), (long long)longest_ms);
    assert_true(atomic_load(&storm->busy) < 100); /* none, on a machine that isn't too busy */
    assert_true(now_ms() - began_ms >= 4000);     /* it was a storm: 280 at 60 a second */
    assert_true(longest_ms <
                15000); /* half a second on an idle machine; a busy one shares its cores with 300 clients */
    ws_client_free(client);
    expect_all_kept(storm);
}

static void start(struct storm *storm, const char *limits)
{
    snprintf(storm->fixture.extra_config, sizeof(storm->fixture.extra_config), "[limits]\n%s", limits);
    server_fixture_write_config(&storm->fixture, "max_connections = 64", "max_connections = 600");
    server_fixture_start(&storm->fixture);
}

/* One a second, and 20 s of waiting: the 22nd and later hear at once when to come back. */
static void storm__beyond_the_line_each_is_told_when_to_come_back(void **state)
{
    struct storm *storm = *state;
    struct ws_client *clients[30];
    int64_t began_ms = now_ms();

    start(storm, "admit_per_s = 1\nadmit_burst = 1\n");
    for (size_t i = 0; i < 30; i++)
        clients[i] = server_fixture_connect(&storm->fixture, &storm->fixture.officer);
    if (now_ms() - began_ms < 4000) {
        Doublecrew__V1__ServerMessage *message = server_hear_kind(clients[29], SERVER(ERROR));

        assert_int_equal(message->error->code, CODE(BUSY));
        assert_in_range(message->error->retry_after_ms, 500, 20000);
        server_heard_free(message);
    }
    server_device_greet(&storm->fixture.officer, clients[0], 0);
    server_device_greet(&storm->fixture.officer, clients[1], 0); /* in its turn */
    for (size_t i = 0; i < 30; i++)
        ws_client_free(clients[i]);
}

static int connect_silently(const struct storm *storm)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(storm->fixture.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Those who connect and say nothing, and those who go again at once, keep nobody out for long. */
static void door__is_not_blocked_by_the_silent(void **state)
{
    struct storm *storm = *state;
    int silent[HANDSHAKES_MAX + 20];
    struct ws_client *client;
    int64_t began_ms;

    start(storm, "");
    for (int i = 0; i < 1200; i++) {
        close(connect_silently(storm));
        if (i % 300 == 299)
            sleep_ms(500); /* more at once than there are places would be turned away, and we with them */
    }
    began_ms = now_ms();
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
        silent[i] = connect_silently(storm);
    client = server_fixture_connect(&storm->fixture, &storm->fixture.officer);
    server_device_greet(&storm->fixture.officer, client, 0);
    print_message("%zu silent ones in front: in after %lld ms\n", sizeof(silent) / sizeof(silent[0]),
                  (long long)(now_ms() - began_ms));
    assert_true(now_ms() - began_ms < 9000); /* after HANDSHAKE_PATIENCE_MS; the library ends them after 10 s */
    ws_client_free(client);
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
        close(silent[i]);
}

static int setup(void **state)
{
    struct storm *storm = calloc(1, sizeof(*storm));

    server_fixture_make(&storm->fixture);
    *state = storm;
    return 0;
}

/* Also after a failure: nothing may stay behind. */
static int teardown(void **state)
{
    struct storm *storm = *state;
    bool ran = storm->fixture.pid != 0;
    int code = ran ? server_fixture_stop(&storm->fixture, SIGTERM) : 0;

    for (int i = 0; i < PHONES; i++) {
        if (storm->phones[i].device.key != NULL)
            server_device_done(&storm->phones[i].device);
        free(storm->phones[i].push);
    }
    server_fixture_remove(&storm->fixture);
    free(storm);
    return code;
}

/* As the server measured it when the session closed. */
static long peak_in_log(struct server_fixture *fixture)
{
    char line[4200];
    long peak = -1;
    FILE *file = open_file(fixture->log, "r");

    while (fgets(line, sizeof(line), file) != NULL) {
        const char *at = strstr(line, "\"memory_peak\":");

        if (at != NULL && strtol(at + 14, NULL, 10) > peak)
            peak = strtol(at + 14, NULL, 10);
    }
    fclose(file);
    return peak;
}

/* 1,000 pushes without waiting for any answer: reading pauses, memory stays, all are answered in order. */
static void memory__of_one_connection_stays_within_its_limit(void **state)
{
    struct server_fixture *fixture = &((struct storm *)*state)->fixture;
    struct ws_client *client;
    long peak;

    snprintf(fixture->extra_config, sizeof(fixture->extra_config),
             "[limits]\noutput_kib = 1024\nconnection_kib = 4096\ncredit_entries = 65536\n");
    server_fixture_write_config(fixture, NULL, NULL);
    server_fixture_start(fixture);
    client = server_fixture_connect(fixture, &fixture->officer);
    server_device_greet(&fixture->officer, client, 0);
    for (int i = 0; i < 1000; i++) {
        size_t size;
        uint8_t *push;

        server_device_add_notes(&fixture->officer, 1 + (size_t)(i % 50 == 0) * 200);
        push = server_device_push(&fixture->officer, &size);
        server_device_send_push(client, span_of(push, size));
        free(push);
    }
    for (uint64_t durable = 0; durable < fixture->officer.seq;) {
        Doublecrew__V1__ServerMessage *message = server_hear_kind(client, SERVER(ACK));

        assert_true(message->ack->durable_seq > durable);
        durable = message->ack->durable_seq;
        server_heard_free(message);
    }
    ws_client_free(client);
    server_fixture_expect_log(fixture, "session_closed", "memory_peak", 1);
    peak = peak_in_log(fixture);
    print_message("1,000 pushes at once: at most %ld of %d KiB for this connection\n", peak / 1024, 4096);
    assert_in_range(peak, 512 * 1024, 4096 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(storm__everybody_waits_in_line_and_nothing_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(storm__beyond_the_line_each_is_told_when_to_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(door__is_not_blocked_by_the_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(memory__of_one_connection_stays_within_its_limit, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
