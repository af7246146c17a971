/* The link over real sockets: whom it trusts, what it refuses, and that a loop wakes and ends. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/limits.h"
#include "tests/lib/device_fixture.h"
#include "tests/lib/tls_peer.h"

static char folder[64];
static char paths[8][128];

enum { CA, SERVER, SERVER_KEY, DEVICE, DEVICE_KEY, OTHER_CA, OTHER_SERVER, OTHER_SERVER_KEY };

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...)
{
    char command[512];
    va_list arguments;

    va_start(arguments, format);
    assert_true(vsnprintf(command, sizeof command, format, arguments) < (int)sizeof command);
    va_end(arguments);
    /* The certificates' scripts, with arguments of this file. NOLINTNEXTLINE(cert-env33-c) */
    assert_int_equal(system(command), 0);
}

static int make_certificates(void **state)
{
    static const char id[] = "00112233445566778899aabbccddeeff";
    const char *certs = getenv("DOUBLECREW_CERTS") ? getenv("DOUBLECREW_CERTS") : "certs";

    (void)state;
    strcpy(folder, "/tmp/doublecrew-link-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 2; i++) {
        run("%s/make-root.sh %s/ca%d >/dev/null 2>&1", certs, folder, i);
        run("%s/make-issuing-ca.sh %s/ca%d >/dev/null 2>&1", certs, folder, i);
        run("%s/make-server.sh %s/ca%d server.example 127.0.0.1 >/dev/null 2>&1", certs, folder, i);
    }
    run("%s/make-device.sh %s/ca0 %s >/dev/null 2>&1", certs, folder, id);
    snprintf(paths[CA], sizeof paths[0], "%s/ca0/ca-bundle.pem", folder);
    snprintf(paths[SERVER], sizeof paths[0], "%s/ca0/server/server.example.pem", folder);
    snprintf(paths[SERVER_KEY], sizeof paths[0], "%s/ca0/server/server.example.key", folder);
    snprintf(paths[DEVICE], sizeof paths[0], "%s/ca0/devices/%s.pem", folder, id);
    snprintf(paths[DEVICE_KEY], sizeof paths[0], "%s/ca0/devices/%s.key", folder, id);
    snprintf(paths[OTHER_CA], sizeof paths[0], "%s/ca1/ca-bundle.pem", folder);
    snprintf(paths[OTHER_SERVER], sizeof paths[0], "%s/ca1/server/server.example.pem", folder);
    snprintf(paths[OTHER_SERVER_KEY], sizeof paths[0], "%s/ca1/server/server.example.key", folder);
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    run("rm -rf %s", folder);
    return 0;
}

/* One device against one peer: runs until the device has an outcome, and says which. */
struct trial {
    struct device_fixture fixture;
    struct dc_loop *loop;
    struct tls_peer peer;
};

static void trial_start(struct trial *trial, struct tls_peer_plan plan, bool libuv, const char *name)
{
    struct dc_loop_options options = {.libuv = libuv};
    struct dc_config *config = &trial->fixture.config;

    if (!plan.certificate) {
        plan.certificate = paths[SERVER];
        plan.key = paths[SERVER_KEY];
    }
    plan.ca = paths[CA];
    tls_peer_start(&trial->peer, &plan);
    device_fixture_init(&trial->fixture, 1);
    config->host = "127.0.0.1";
    config->port = trial->peer.port;
    config->server_name = name;
    config->ca_path = paths[CA];
    config->certificate_path = paths[DEVICE];
    config->key_path = paths[DEVICE_KEY];
    assert_int_equal(dc_loop_new(&options, &trial->loop), DC_OK);
    assert_int_equal(dc_device_open(trial->loop, config, &trial->fixture.device), DC_OK);
    assert_int_equal(dc_sync_start(trial->fixture.device), DC_OK);
}

static enum dc_status trial_end(struct trial *trial)
{
    struct dc_sync_status status = {.state = DC_SYNC_CONNECTING};

    for (int i = 0; i < 100 && status.state != DC_SYNC_BACKING_OFF && status.state != DC_SYNC_CLOSED; i++) {
        assert_int_equal(dc_loop_run(trial->loop, 100), DC_OK);
        dc_sync_status(trial->fixture.device, &status);
    }
    assert_int_equal(status.state, DC_SYNC_BACKING_OFF);
    dc_device_close(trial->fixture.device);
    trial->fixture.device = NULL;
    dc_loop_free(trial->loop);
    tls_peer_stop(&trial->peer);
    device_fixture_done(&trial->fixture);
    return status.reason;
}

static enum dc_status try_peer(struct tls_peer_plan plan, const char *name)
{
    struct trial trial;

    trial_start(&trial, plan, false, name);
    return trial_end(&trial);
}

static void tls__a_server_of_another_authority_is_refused(void **state)
{
    (void)state;
    assert_int_equal(
        try_peer((struct tls_peer_plan){.certificate = paths[OTHER_SERVER], .key = paths[OTHER_SERVER_KEY]},
                 "server.example"),
        DC_TLS);
}

static void tls__a_server_of_another_name_is_refused(void **state)
{
    (void)state;
    assert_int_equal(try_peer((struct tls_peer_plan){.hold = false}, "elsewhere.example"), DC_TLS);
    assert_int_equal(try_peer((struct tls_peer_plan){.hold = false}, "127.0.0.2"), DC_TLS);
}

static void tls__a_device_certificate_is_no_servers(void **state)
{
    (void)state;
    assert_int_equal(
        try_peer((struct tls_peer_plan){.certificate = paths[DEVICE], .key = paths[DEVICE_KEY]}, "server.example"),
        DC_TLS);
}

static void tls__older_than_1_3_is_refused(void **state)
{
    (void)state;
    assert_int_equal(try_peer((struct tls_peer_plan){.only_tls12 = true}, "server.example"), DC_TLS);
}

static void upgrade__refused_is_a_network_failure(void **state)
{
    (void)state;
    assert_int_equal(try_peer((struct tls_peer_plan){.refuse_upgrade = true}, "server.example"), DC_NETWORK);
}

/* Error { code BUSY, remedy RETRY_AFTER, retry_after 5000 }, whole or cut in two frames. */
static const uint8_t busy_whole[] = {0x82, 0x09, 0x32, 0x07, 0x08, 0x12, 0x20, 0x01, 0x28, 0x88, 0x27};
static const uint8_t busy_cut[] = {0x02, 0x04, 0x32, 0x07, 0x08, 0x12, 0x80, 0x05, 0x20, 0x01, 0x28, 0x88, 0x27};

static void message__arrives_whole_or_in_fragments(void **state)
{
    (void)state;
    assert_int_equal(
        try_peer((struct tls_peer_plan){.frames = busy_whole, .frames_size = sizeof busy_whole, .hold = true},
                 "server.example"),
        DC_BUSY);
    assert_int_equal(
        try_peer((struct tls_peer_plan){.frames = busy_cut, .frames_size = sizeof busy_cut, .hold = true}, "127.0.0.1"),
        DC_BUSY);
}

static void message__as_text_is_refused(void **state)
{
    static const uint8_t text[] = {0x81, 0x02, 'h', 'i'};

    (void)state;
    assert_int_equal(
        try_peer((struct tls_peer_plan){.frames = text, .frames_size = sizeof text, .hold = true}, "server.example"),
        DC_MALFORMED);
}

static void message__too_large_is_refused(void **state)
{
    size_t payload = MESSAGE_SIZE_MAX + 1;
    uint8_t *frames = calloc(1, payload + 10);

    (void)state;
    assert_non_null(frames);
    frames[0] = 0x82;
    frames[1] = 127;
    put_u64(frames + 2, payload);
    assert_int_equal(
        try_peer((struct tls_peer_plan){.frames = frames, .frames_size = payload + 10, .hold = true}, "server.example"),
        DC_OVER_LIMIT);
    free(frames);
}

static void connection__cut_by_the_peer_backs_off(void **state)
{
    (void)state;
    assert_int_equal(try_peer((struct tls_peer_plan){.hold = false}, "server.example"), DC_NETWORK);
}

static void config__a_certificate_that_cannot_be_used_is_named(void **state)
{
    struct device_fixture fixture;
    struct dc_loop *loop = NULL;

    (void)state;
    device_fixture_init(&fixture, 1);
    assert_int_equal(dc_loop_new(NULL, &loop), DC_OK);
    fixture.config.host = "127.0.0.1";
    fixture.config.port = 1;
    fixture.config.ca_path = paths[CA];
    fixture.config.certificate_path = paths[DEVICE];
    fixture.config.key_path = paths[SERVER_KEY]; /* not the certificate's */
    assert_int_equal(dc_device_open(loop, &fixture.config, &fixture.device), DC_TLS);
    fixture.config.key_path = paths[DEVICE_KEY];
    fixture.config.port = 0;
    assert_int_equal(dc_device_open(loop, &fixture.config, &fixture.device), DC_CONFIG);
    dc_loop_free(loop);
    device_fixture_done(&fixture);
}

static void libuv__serves_as_poll_does(void **state)
{
    struct trial trial;

    (void)state;
    trial_start(&trial, (struct tls_peer_plan){.frames = busy_whole, .frames_size = sizeof busy_whole, .hold = true},
                true, "server.example");
    assert_int_equal(trial_end(&trial), DC_BUSY);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *wake_soon(void *loop)
{
    struct timespec wait = {.tv_nsec = 100000000};

    nanosleep(&wait, NULL);
    dc_loop_wake(loop);
    return NULL;
}

static void run_wakes_and_ends(bool libuv)
{
    struct dc_loop_options options = {.libuv = libuv};
    struct dc_loop *loop = NULL;
    int64_t start;
    pthread_t thread;

    assert_int_equal(dc_loop_new(&options, &loop), DC_OK);
    assert_int_equal(dc_loop_run(loop, 0), DC_OK);
    assert_int_equal(dc_loop_run(loop, 120), DC_OK);
    start = now_ms();
    assert_int_equal(dc_loop_run(loop, 120), DC_OK);
    assert_in_range(now_ms() - start, 50, 5000);
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, loop), 0);
    start = now_ms();
    assert_int_equal(dc_loop_run(loop, 30000), DC_OK);
    assert_in_range(now_ms() - start, 0, 10000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    dc_loop_free(loop);
}

static void loop__ends_after_its_time_and_wakes(void **state)
{
    (void)state;
    run_wakes_and_ends(false);
    run_wakes_and_ends(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop__ends_after_its_time_and_wakes),
        cmocka_unit_test(tls__a_server_of_another_authority_is_refused),
        cmocka_unit_test(tls__a_server_of_another_name_is_refused),
        cmocka_unit_test(tls__a_device_certificate_is_no_servers),
        cmocka_unit_test(tls__older_than_1_3_is_refused),
        cmocka_unit_test(upgrade__refused_is_a_network_failure),
        cmocka_unit_test(message__arrives_whole_or_in_fragments),
        cmocka_unit_test(message__as_text_is_refused),
        cmocka_unit_test(message__too_large_is_refused),
        cmocka_unit_test(connection__cut_by_the_peer_backs_off),
        cmocka_unit_test(config__a_certificate_that_cannot_be_used_is_named),
        cmocka_unit_test(libuv__serves_as_poll_does),
    };

    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
