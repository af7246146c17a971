/*
 * The server starts only when configuration, keys and store belong together, says what is wrong otherwise, and stops so
 * that nobody loses anything.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/edge/store_sqlite.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/server_fixture.h"

#define CODE(name) DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_##name

static struct server_fixture fixture;

static int make(void **state)
{
    (void)state;
    server_fixture_make(&fixture);
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    server_fixture_remove(&fixture);
    return 0;
}

static void refuses(const char *from, const char *to, int code, const char *says)
{
    char said[4096];

    server_fixture_write_config(&fixture, from, to);
    assert_int_equal(server_fixture_start_fails(&fixture, said, sizeof(said)), code);
    if (strstr(said, says) == NULL)
        fail_msg("'%s' doesn't say '%s'", said, says);
    server_fixture_write_config(&fixture, NULL, NULL);
}

static void start__with_a_wrong_configuration_is_refused_by_key(void **state)
{
    (void)state;
    refuses("port = 0", "port = http", 2, "server.port is 'http'");
    refuses("port = 0", "prt = 0", 2, "server.prt is not a known key");
    refuses("path = store.sqlite", "", 2, "store.path is missing");
    refuses("key = ca/server/localhost.key", "key = checkpoint.key", 2, "tls.key");
    refuses("certificate = ca/server/localhost.pem", "certificate = nothing.pem", 2, "tls.certificate");
    refuses("client_ca = ca/ca-bundle.pem", "client_ca = checkpoint.key", 2, "tls.client_ca");
    refuses("crl = ca/crl.pem", "crl = ca/ca.pem", 2, "tls.crl");
    refuses("max_connections = 64", "max_connections = 100000\n[limits]\noutput_kib = 1", 2, "limits.output_kib");
}

static void start__with_a_store_or_key_that_does_not_belong_is_refused(void **state)
{
    (void)state;
    refuses("training = yes", "training = no", 3, "mode.training is no");
    refuses("path = store.sqlite", "path = nothing.sqlite", 1, "store.path");
    refuses("checkpoint_key = checkpoint.key", "checkpoint_key = ca/ca.key", 1, "trust.checkpoint_key");
    refuses("path = store.sqlite", "path = checkpoint.key", 4, "store.path");
}

static void start__with_another_checkpoint_key_is_refused(void **state)
{
    struct sign_key *other = fixture_key("another");
    char path[128];
    char pem[512];
    FILE *file;

    (void)state;
    assert_int_equal(sign_key_to_pem(other, pem, sizeof(pem)), STATUS_OK);
    sign_key_free(other);
    snprintf(path, sizeof(path), "%s/other.key", fixture.folder);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(pem, file) >= 0);
    assert_int_equal(fclose(file), 0);
    refuses("checkpoint_key = checkpoint.key", "checkpoint_key = other.key", 1, "is not the key that the force's");
}

static void start__on_a_store_without_a_force_or_not_for_training_is_refused(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/empty.sqlite", fixture.folder);
    assert_int_equal(store_sqlite_create(path, true), STATUS_OK);
    refuses("path = store.sqlite", "path = empty.sqlite", 1, "run doublecrewctl init first");
    snprintf(path, sizeof(path), "%s/real.sqlite", fixture.folder);
    assert_int_equal(store_sqlite_create(path, false), STATUS_OK);
    refuses("path = store.sqlite", "path = real.sqlite", 3, "is not a training store");
}

static void start__of_a_second_server_on_one_store_is_refused(void **state)
{
    pid_t first;

    (void)state;
    server_fixture_start(&fixture);
    first = fixture.pid;
    refuses("port = 0", "port = 0", 4, "cannot be opened");
    fixture.pid = first;
    assert_int_equal(server_fixture_stop(&fixture, SIGINT), 0);
}

static void start__on_a_port_that_is_taken_is_refused(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char line[32];

    (void)state;
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(line, sizeof(line), "port = %u", ntohs(address.sin_port));
    refuses("port = 0", line, 1, "is it taken?");
    close(fd);
}

/* Silent, but there: it answers each ping, so it is never cut off, however long it has nothing to say. */
static void connections__that_answer_pings_stay(void **state)
{
    struct ws_client *client;
    struct ws_message message;

    (void)state;
    snprintf(fixture.extra_config, sizeof(fixture.extra_config), "[limits]\nkeep_alive_s = 1\n");
    server_fixture_write_config(&fixture, NULL, NULL);
    server_fixture_start(&fixture);
    client = server_fixture_connect(&fixture, &fixture.supervisor);
    server_device_greet(&fixture.supervisor, client, 0);
    for (int s = 0; s < 14; s++) /* keep_alive_s, 10 s for the pong, and some */
        assert_int_equal(ws_client_receive(client, 1000, &message), STATUS_TIMEOUT);
    ws_client_free(client);
    assert_int_equal(server_fixture_stop(&fixture, SIGTERM), 0);
    fixture.extra_config[0] = '\0';
    server_fixture_write_config(&fixture, NULL, NULL);
}

/* Last: a hard limit that was lowered stays so for this process. */
static void start__with_too_few_open_files_says_what_to_do(void **state)
{
    const struct rlimit few = {.rlim_cur = 500, .rlim_max = 500};

    (void)state;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    refuses("port = 0", "port = 0", 2,
            "server.max_connections is 64, which needs 664 open files, and this process may have 500: raise the limit "
            "(ulimit -n, LimitNOFILE) or allow fewer connections");
}

static void stop__tells_everybody_and_commits_what_was_pushed(void **state)
{
    struct server_device *officer = &fixture.officer;
    Doublecrew__V1__ServerMessage *message;
    struct ws_client *client;
    uint64_t acknowledged = 0;
    bool told = false;

    (void)state;
    server_fixture_start(&fixture);
    client = server_fixture_connect(&fixture, officer);
    server_device_greet(officer, client, 0);
    for (int i = 0; i < 20; i++) {
        size_t size;
        uint8_t *push;

        server_device_add_notes(officer, 20);
        push = server_device_push(officer, &size);
        server_device_send_push(client, span_of(push, size));
        free(push);
    }
    kill(fixture.pid, SIGTERM);
    while (!told) {
        message = server_hear(client);
        if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK)
            acknowledged = message->ack->durable_seq;
        told = message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR;
        if (told) {
            assert_int_equal(message->error->code, CODE(STOPPING));
            assert_int_equal(message->error->remedy, DOUBLECREW__V1__REMEDY__REMEDY_RETRY_AFTER);
            assert_true(message->error->retry_after_ms > 0);
            assert_true(message->error->closes);
        }
        server_heard_free(message);
    }
    assert_int_equal(server_hear_end(client), 1001);
    ws_client_free(client);
    assert_int_equal(server_fixture_stop(&fixture, 0), 0);
    server_fixture_expect_log(&fixture, "stopped", "", 1);
    server_fixture_start(&fixture);
    client = server_fixture_connect(&fixture, officer);
    assert_true(server_device_greet(officer, client, 0) >= acknowledged);
    ws_client_free(client);
    assert_int_equal(server_fixture_stop(&fixture, SIGTERM), 0);
}

static void connections__beyond_the_limit_are_refused_and_named(void **state)
{
    struct ws_client *clients[2];

    (void)state;
    server_fixture_write_config(&fixture, "max_connections = 64", "max_connections = 2");
    server_fixture_start(&fixture);
    clients[0] = server_fixture_connect(&fixture, &fixture.supervisor);
    clients[1] = server_fixture_connect(&fixture, &fixture.supervisor);
    server_device_greet(&fixture.supervisor, clients[0], 0);
    server_device_greet(&fixture.supervisor, clients[1], 0);
    assert_false(server_fixture_try(&fixture, fixture.supervisor.certificate, fixture.supervisor.certificate_key));
    server_fixture_expect_log(&fixture, "connection_limit", "\"max_connections\":2", 1);
    ws_client_free(clients[0]);
    server_fixture_expect_log(&fixture, "session_closed", "", 1);
    clients[0] = server_fixture_connect(&fixture, &fixture.supervisor);
    server_device_greet(&fixture.supervisor, clients[0], 0);
    ws_client_free(clients[0]);
    ws_client_free(clients[1]);
    assert_int_equal(server_fixture_stop(&fixture, SIGTERM), 0);
    server_fixture_write_config(&fixture, NULL, NULL);
}

static void connections__of_one_device_are_few(void **state)
{
    struct ws_client *clients[5];

    (void)state;
    server_fixture_start(&fixture);
    for (int i = 0; i < 5; i++) {
        clients[i] = server_fixture_connect(&fixture, &fixture.supervisor);
        server_device_greet(&fixture.supervisor, clients[i], 0);
    }
    server_hear_error(clients[4], CODE(BUSY), true);
    for (int i = 0; i < 5; i++)
        ws_client_free(clients[i]);
    assert_int_equal(server_fixture_stop(&fixture, SIGTERM), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start__with_a_wrong_configuration_is_refused_by_key),
        cmocka_unit_test(start__with_a_store_or_key_that_does_not_belong_is_refused),
        cmocka_unit_test(start__with_another_checkpoint_key_is_refused),
        cmocka_unit_test(start__on_a_store_without_a_force_or_not_for_training_is_refused),
        cmocka_unit_test(start__of_a_second_server_on_one_store_is_refused),
        cmocka_unit_test(start__on_a_port_that_is_taken_is_refused),
        cmocka_unit_test(stop__tells_everybody_and_commits_what_was_pushed),
        cmocka_unit_test(connections__beyond_the_limit_are_refused_and_named),
        cmocka_unit_test(connections__of_one_device_are_few),
        cmocka_unit_test(connections__that_answer_pings_stay),
        cmocka_unit_test(start__with_too_few_open_files_says_what_to_do),
    };

    return cmocka_run_group_tests(tests, make, remove_all);
}
