/*
 * Certificates that end: a device's own that is past its date may still bring evidence in (D1); new certificates and lists
 * are taken up without a restart, and work at once on open connections too.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/server_fixture.h"

#define CODE(name) DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_##name
#define SERVER(name) DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_##name
#define STANDING(name) DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_##name

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

static const char *or_else(const char *variable, const char *otherwise)
{
    const char *value = getenv(variable);

    return value == NULL ? otherwise : value;
}

static void make_expired(struct server_fixture *fixture, const struct server_device *device, const char *name)
{
    char id[2 * ID_SIZE + 1];

    hex_encode(span_of(device->device.bytes, ID_SIZE), id);
    run("%s %s %s %s %s >/dev/null", or_else("DOUBLECREW_BAD_CERTS", "tests/lib/bad_certs.sh"), fixture->ca, id,
        device->certificate_key, name);
}

static int start(void **state)
{
    struct server_fixture *fixture = calloc(1, sizeof(*fixture));

    server_fixture_make(fixture);
    make_expired(fixture, &fixture->officer, "officer");
    make_expired(fixture, &fixture->operator_device, "operator");
    server_fixture_start(fixture);
    *state = fixture;
    return 0;
}

static int stop(void **state)
{
    struct server_fixture *fixture = *state;

    assert_int_equal(server_fixture_stop(fixture, SIGTERM), 0);
    server_fixture_remove(fixture);
    free(fixture);
    return 0;
}

/* Whether the handshake succeeds with a certificate of bad/, for a device's own key. */
static bool gets_in(struct server_fixture *fixture, const struct server_device *device, const char *name)
{
    char certificate[160];

    snprintf(certificate, sizeof(certificate), "%s/bad/%s.pem", fixture->ca, name);
    return server_fixture_try(fixture, certificate, device->certificate_key);
}

static struct ws_client *connect_expired(struct server_fixture *fixture, struct server_device *device, const char *name)
{
    char current[sizeof(device->certificate)];
    struct ws_client *client;

    memcpy(current, device->certificate, sizeof(current));
    snprintf(device->certificate, sizeof(device->certificate), "%s/bad/%s.pem", fixture->ca, name);
    client = server_fixture_connect(fixture, device);
    memcpy(device->certificate, current, sizeof(current));
    return client;
}

static void expired_certificate__may_push_what_counts_and_gets_no_rows(void **state)
{
    struct server_fixture *fixture = *state;
    struct server_device *officer = &fixture->officer;
    struct ws_client *client = connect_expired(fixture, officer, "officer-expired");
    Doublecrew__V1__ServerMessage *message;
    struct ws_message heard;

    server_device_say_hello(officer, client, 4);
    message = server_hear_kind(client, SERVER(WELCOME));
    assert_int_equal(message->welcome->standing, STANDING(EXPIRED));
    server_heard_free(message);
    server_device_add_notes(officer, 2);
    server_device_sync(officer, client);
    assert_int_equal(ws_client_receive(client, 700, &heard), STATUS_TIMEOUT); /* with credit for four pages */
    ws_client_free(client);
}

static void expired_certificate__beyond_the_grace_is_refused_and_named(void **state)
{
    struct server_fixture *fixture = *state;

    assert_false(gets_in(fixture, &fixture->officer, "officer-long-expired"));
    server_fixture_expect_log(fixture, "handshake_refused", "\"reason\":\"expired\"", 1);
}

static void expired_certificate__of_an_operator_has_no_grace(void **state)
{
    struct server_fixture *fixture = *state;
    struct ws_client *client = connect_expired(fixture, &fixture->operator_device, "operator-expired");

    server_device_say_hello(&fixture->operator_device, client, 0);
    server_hear_error(client, CODE(NOT_PERMITTED), true);
    ws_client_free(client);
}

/* Only the date is forgiven. */
static void expired_certificate__that_is_revoked_too_is_refused(void **state)
{
    struct server_fixture *fixture = *state;

    run("%s/revoke-device.sh %s %s/bad/officer-expired.pem >/dev/null", or_else("DOUBLECREW_CERTS", "certs"),
        fixture->ca, fixture->ca);
    kill(fixture->pid, SIGHUP);
    server_fixture_expect_log(fixture, "certificates_reloaded", "", 1);
    assert_false(gets_in(fixture, &fixture->officer, "officer-expired"));
    server_fixture_expect_log(fixture, "handshake_refused", "\"reason\":\"revoked\"", 1);
}

static void revocation_list__works_after_sighup_on_open_and_new_connections(void **state)
{
    struct server_fixture *fixture = *state;
    struct ws_client *officer = server_fixture_connect(fixture, &fixture->officer);
    struct ws_client *supervisor = server_fixture_connect(fixture, &fixture->supervisor);

    server_device_greet(&fixture->officer, officer, 0);
    server_device_greet(&fixture->supervisor, supervisor, 0);
    run("%s/revoke-device.sh %s %s >/dev/null", or_else("DOUBLECREW_CERTS", "certs"), fixture->ca,
        fixture->officer.certificate);
    assert_true(server_fixture_try(fixture, fixture->officer.certificate, fixture->officer.certificate_key));
    kill(fixture->pid, SIGHUP);
    server_hear_error(officer, CODE(DEVICE_REVOKED), true);
    ws_client_free(officer);
    server_fixture_expect_log(fixture, "certificates_reloaded", "", 1);
    assert_false(server_fixture_try(fixture, fixture->officer.certificate, fixture->officer.certificate_key));
    server_fixture_expect_log(fixture, "handshake_refused", "\"reason\":\"revoked\"", 1);
    server_device_add_notes(&fixture->supervisor, 1); /* others go on as if nothing had been */
    server_device_sync(&fixture->supervisor, supervisor);
    ws_client_free(supervisor);
}

static void broken_file__keeps_the_old_one_and_is_named(void **state)
{
    struct server_fixture *fixture = *state;
    const char *ca = fixture->ca;
    static const struct {
        const char *file;
        const char *with; /* what it is overwritten by, of the same folder */
        const char *named;
    } cases[] = {
        {"crl.pem", "ca.key", "tls.crl: "},
        {"ca-bundle.pem", "server/localhost.key", "tls.client_ca: "},
        {"server/localhost.pem", "crl.pem", "tls.certificate: "},
        {"server/localhost.key", "ca.key", "tls.key: "}, /* sound, but another's */
        {"crl.pem", "empty", "tls.crl: "},
    };

    run(": >%s/empty", ca);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run("cp %s/%s %s/kept && cat %s/%s >%s/other && cp %s/other %s/%s", ca, cases[i].file, ca, ca, cases[i].with,
            ca, ca, ca, cases[i].file);
        kill(fixture->pid, SIGHUP);
        server_fixture_expect_log(fixture, "reload_refused", cases[i].named, 1);
        server_fixture_expect_log(fixture, "reload_refused", "", i + 1);
        run("cp %s/kept %s/%s", ca, ca, cases[i].file); /* the test's client reads them too */
        assert_true(server_fixture_try(fixture, fixture->officer.certificate, fixture->officer.certificate_key));
        assert_false(gets_in(fixture, &fixture->officer, "officer-long-expired"));
    }
    kill(fixture->pid, SIGHUP);
    server_fixture_expect_log(fixture, "certificates_reloaded", "", 1);
}

/* A list that another authority has signed, or that is out of date, would keep everybody out. */
static void revocation_list__that_would_keep_everybody_out_is_refused(void **state)
{
    struct server_fixture *fixture = *state;
    const char *ca = fixture->ca;

    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 9 -subj /CN=other"
        " -keyout %s/other.key -out %s/other.pem 2>/dev/null && : >%s/other.txt && printf '[ca]\\ndefault_ca = a\\n"
        "[a]\\ndatabase = %s/other.txt\\ndefault_md = sha256\\n' >%s/other.cnf",
        ca, ca, ca, ca, ca);
    run("openssl ca -gencrl -crldays 9 -config %s/other.cnf -cert %s/other.pem -keyfile %s/other.key -out %s/crl.pem"
        " 2>/dev/null",
        ca, ca, ca, ca);
    kill(fixture->pid, SIGHUP);
    server_fixture_expect_log(fixture, "reload_refused", "is not signed by an authority", 1);
    run("openssl ca -gencrl -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z -config %s/other.cnf"
        " -cert %s/ca.pem -keyfile %s/ca.key -out %s/crl.pem 2>/dev/null",
        ca, ca, ca, ca);
    kill(fixture->pid, SIGHUP);
    server_fixture_expect_log(fixture, "reload_refused", "is out of date", 1);
    assert_true(server_fixture_try(fixture, fixture->officer.certificate, fixture->officer.certificate_key));
}

static void server_certificate__is_the_new_one_after_sighup(void **state)
{
    struct server_fixture *fixture = *state;
    const char *ca = fixture->ca;

    run("rm %s/server/localhost.* && %s/make-server.sh %s localhost 127.0.0.1 >/dev/null", ca,
        or_else("DOUBLECREW_CERTS", "certs"), ca);
    kill(fixture->pid, SIGHUP);
    server_fixture_expect_log(fixture, "certificates_reloaded", "", 1);
    assert_true(server_fixture_try(fixture, fixture->officer.certificate, fixture->officer.certificate_key));
    run("openssl s_client -connect 127.0.0.1:%u -cert %s -key %s </dev/null 2>/dev/null |"
        " openssl x509 -noout -serial >%s/shown && openssl x509 -noout -serial -in %s/server/localhost.pem |"
        " cmp -s - %s/shown",
        fixture->port, fixture->officer.certificate, fixture->officer.certificate_key, ca, ca, ca);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(expired_certificate__may_push_what_counts_and_gets_no_rows),
        CASE(expired_certificate__beyond_the_grace_is_refused_and_named),
        CASE(expired_certificate__of_an_operator_has_no_grace),
        CASE(expired_certificate__that_is_revoked_too_is_refused),
        CASE(revocation_list__works_after_sighup_on_open_and_new_connections),
        CASE(broken_file__keeps_the_old_one_and_is_named),
        CASE(revocation_list__that_would_keep_everybody_out_is_refused),
        CASE(server_certificate__is_the_new_one_after_sighup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
