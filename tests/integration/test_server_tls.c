/*
 * Who gets in: only a certificate of the force's CA that is valid, meant for clients, not revoked, and enrolled. Every
 * other handshake is refused, and named in the log.
 */
#include <openssl/ssl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/server_fixture.h"

static struct server_fixture fixture;

static int start(void **state)
{
    const char *script = getenv("DOUBLECREW_BAD_CERTS");
    char command[512];
    char id[2 * ID_SIZE + 1];

    (void)state;
    server_fixture_make(&fixture);
    hex_encode(span_of(fixture.officer.device.bytes, ID_SIZE), id);
    snprintf(command, sizeof(command), "%s %s %s >/dev/null", script == NULL ? "tests/lib/bad_certs.sh" : script,
             fixture.ca, id);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): our own script */
    snprintf(fixture.extra_config, sizeof(fixture.extra_config), "[tls]\nexpired_grace_days = 0\n");
    server_fixture_write_config(&fixture, NULL, NULL);
    server_fixture_start(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(server_fixture_stop(&fixture, SIGTERM), 0);
    server_fixture_remove(&fixture);
    return 0;
}

static void no_certificate__is_refused_and_named(void **state)
{
    (void)state;
    assert_false(server_fixture_try(&fixture, NULL, NULL));
    server_fixture_expect_log(&fixture, "handshake_refused", "\"reason\":\"no_certificate\"", 1);
}

static void bad_certificate__is_refused_and_named(void **state)
{
    static const struct {
        const char *file;
        const char *reason;
    } cases[] = {
        {"self-signed", "self_signed"}, {"expired", "expired"},         {"not-yet-valid", "not_yet_valid"},
        {"other-ca", "unknown_ca"},     {"wrong-eku", "wrong_purpose"}, {"revoked", "revoked"},
    };
    char certificate[160];
    char key[160];
    char detail[64];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(certificate, sizeof(certificate), "%s/bad/%s.pem", fixture.ca, cases[i].file);
        snprintf(key, sizeof(key), "%s/bad/%s.key", fixture.ca, cases[i].file);
        snprintf(detail, sizeof(detail), "\"reason\":\"%s\"", cases[i].reason);
        if (server_fixture_try(&fixture, certificate, key))
            fail_msg("%s got in", cases[i].file);
        server_fixture_expect_log(&fixture, "handshake_refused", detail, 1);
    }
}

static void device__that_is_not_enrolled_is_refused_and_named(void **state)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.stranger);

    (void)state;
    server_device_say_hello(&fixture.stranger, client, 0);
    server_hear_error(client, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNKNOWN_DEVICE, true);
    assert_int_equal(server_hear_end(client), 1008);
    ws_client_free(client);
    server_fixture_expect_log(&fixture, "client_refused", "\"reason\":\"unknown_device\"", 1);
}

static void device__with_another_devices_log_is_refused(void **state)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);

    (void)state;
    server_device_say_hello(&fixture.supervisor, client, 0);
    server_hear_error(client, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNKNOWN_LOG, true);
    server_hear_end(client);
    ws_client_free(client);
}

static enum status open_with(int tls_version_max, const char *path, const char *subprotocol, const char *upgrade,
                             int *ret_http_status)
{
    char ca[128];
    struct ws_options options = {.port = fixture.port, .tls_version_max = tls_version_max, .path = path};
    struct ws_client *client = NULL;
    enum status status;

    snprintf(ca, sizeof(ca), "%s/ca-bundle.pem", fixture.ca);
    options.ca = ca;
    options.certificate = fixture.officer.certificate;
    options.key = fixture.officer.certificate_key;
    options.subprotocol = subprotocol;
    options.upgrade = upgrade;
    status = ws_client_open(&options, &client, ret_http_status);
    if (status == STATUS_OK)
        ws_client_free(client);
    return status;
}

static void tls_1_2__is_refused_and_named(void **state)
{
    int http_status;

    (void)state;
    assert_int_equal(open_with(TLS1_2_VERSION, NULL, NULL, NULL, &http_status), STATUS_NETWORK);
    server_fixture_expect_log(&fixture, "handshake_refused", "\"reason\":\"tls_version\"", 1);
}

static void upgrade__elsewhere_or_to_something_else_is_refused(void **state)
{
    static const struct {
        const char *path;
        const char *subprotocol;
        const char *upgrade;
        const char *reason;
    } cases[] = {
        {"/", NULL, NULL, "wrong_path"},
        {"/sync/", NULL, NULL, "wrong_path"},
        {"/sync2", NULL, NULL, "wrong_path"},
        {NULL, "", NULL, "wrong_subprotocol"},
        {NULL, "doublecrew.v2", NULL, NULL},
        {NULL, "doublecrew.v1, chat", NULL, NULL},
        {NULL, NULL, "h2c", NULL},
    };
    char detail[64];
    int http_status;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (open_with(0, cases[i].path, cases[i].subprotocol, cases[i].upgrade, &http_status) == STATUS_OK)
            fail_msg("case %zu got in", i);
        assert_int_not_equal(http_status, 101);
        snprintf(detail, sizeof(detail), "\"reason\":\"%s\"", cases[i].reason == NULL ? "" : cases[i].reason);
        if (cases[i].reason != NULL)
            server_fixture_expect_log(&fixture, "client_refused", detail, 1);
    }
    assert_int_equal(open_with(0, NULL, NULL, NULL, &http_status), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_certificate__is_refused_and_named),
        cmocka_unit_test(bad_certificate__is_refused_and_named),
        cmocka_unit_test(device__that_is_not_enrolled_is_refused_and_named),
        cmocka_unit_test(device__with_another_devices_log_is_refused),
        cmocka_unit_test(tls_1_2__is_refused_and_named),
        cmocka_unit_test(upgrade__elsewhere_or_to_something_else_is_refused),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
