/*
 * The configuration file: what is right is read, and what is wrong is named with file, line, key and what is allowed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/edge/config.h"

#define GOOD                                                                                                           \
    "[server]\nlisten = 0.0.0.0\nport = 7443\n[tls]\ncertificate = a.pem\nkey = /k/b.key\nclient_ca = ca.pem\n"        \
    "[store]\npath = force.db\n[trust]\ncheckpoint_key = c.key\n[mode]\ntraining = yes\n[log]\nlevel = warning\n"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/doublecrew-config-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* Loads a file with this text. */
static enum status load(const char *text, struct config *ret_config, struct config_error *ret_error)
{
    char path[128];
    FILE *file;
    enum status status;

    snprintf(path, sizeof(path), "%s/d.conf", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    status = config_load(path, ret_config, ret_error);
    unlink(path);
    return status;
}

static void refused(const char *text, const char *says)
{
    struct config config = {.port = 1};
    struct config_error error = {{0}};

    assert_int_equal(load(text, &config, &error), STATUS_CONFIG);
    if (strstr(error.text, says) == NULL)
        fail_msg("'%s' doesn't say '%s'", error.text, says);
    assert_non_null(strstr(error.text, folder));
    assert_int_equal(config.port, 1); /* untouched */
}

static void good_file__is_read_with_its_defaults(void **state)
{
    struct config config;
    struct config_error error;
    char path[128];

    (void)state;
    assert_int_equal(load(GOOD, &config, &error), STATUS_OK);
    assert_string_equal(config.listen, "0.0.0.0");
    assert_int_equal(config.port, 7443);
    snprintf(path, sizeof(path), "%s/a.pem", folder);
    assert_string_equal(config.certificate, path);
    assert_string_equal(config.key, "/k/b.key");
    assert_true(config.training);
    assert_int_equal(config.log_level, LOG_WARNING);
    assert_string_equal(config.crl, "");
    assert_string_equal(config.log_file, "");
    assert_int_equal(config.max_connections, 4096);
    assert_int_equal(config.credit_entries, 1024);
    assert_int_equal(config.slow_reader_s, 30);
    assert_true(config.push_deflate);
    assert_int_equal(load(GOOD "[limits]\npush_deflate = no\n", &config, &error), STATUS_OK);
    assert_false(config.push_deflate);
}

static void example__is_valid(void **state)
{
    struct config config;
    struct config_error error;

    (void)state;
    if (config_load("server/doublecrewd.conf.example", &config, &error) != STATUS_OK)
        fail_msg("%s", error.text);
    assert_string_equal(config.store, "server/store.sqlite");
    assert_int_equal(config.port, 7443);
}

static void missing_file__is_named(void **state)
{
    struct config config;
    struct config_error error;

    (void)state;
    assert_int_equal(config_load("/nowhere/at/all.conf", &config, &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nowhere/at/all.conf: cannot be read"));
}

static void unknown_key__is_named_with_its_line(void **state)
{
    (void)state;
    refused(GOOD "levle = info\n", "d.conf:16: log.levle is not a known key");
    refused("[sever]\nport = 1\n", "d.conf:2: sever.port is not a known key");
}

static void missing_key__is_named(void **state)
{
    (void)state;
    refused("[server]\nport = 1\n", "tls.certificate is missing: add it below [tls]");
    refused("", "server.port is missing");
}

static void wrong_value__is_named_with_what_is_allowed(void **state)
{
    static const struct {
        const char *line;
        const char *says;
    } cases[] = {
        {"[server]\nport = 65536\n", ":2: server.port is '65536': a whole number from 0 to 65535"},
        {"[server]\nport = -1\n", ":2: server.port is '-1': a whole number"},
        {"[server]\nport = 7x\n", ":2: server.port is '7x'"},
        {"[server]\nport =\n", ":2: server.port is ''"},
        {"[server]\nlisten = localhost\n", ":2: server.listen is 'localhost': an address"},
        {"[server]\nmax_connections = 0\n", "from 1 to 100000"},
        {"[mode]\ntraining = true\n", ":2: mode.training is 'true': yes or no"},
        {"[log]\nlevel = loud\n", "error, warning, info or debug"},
        {"[tls]\nkey =\n", ":2: tls.key is empty"},
        {"[limits]\ncredit_entries = 99999999999999999999\n", "from 256 to 65536"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refused(cases[i].line, cases[i].says);
}

static void line__that_is_nothing_is_named(void **state)
{
    (void)state;
    refused("[server]\nport 7443\n", ":2: neither a [section], a key = value, nor a # comment");
    refused("[server]\n\nport 7443\nnonsense = 1\n", ":3: neither");
    refused("[server]\nnonsense = 1\nport 7443\n", ":2: server.nonsense");
}

static void key__given_twice_is_refused(void **state)
{
    (void)state;
    refused("[server]\nport = 1\nport = 2\n", ":3: server.port is given twice");
    refused("[store]\npath = a\n  b\n", ":3: store.path is given twice");
}

static void line__too_long_is_refused_not_cut(void **state)
{
    char text[600];

    (void)state;
    strcpy(text, "[store]\npath = ");
    memset(text + strlen(text), 'a', 300);
    strcpy(text + 15 + 300, "\n");
    refused(text, ":2: the line is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_file__is_read_with_its_defaults),
        cmocka_unit_test(example__is_valid),
        cmocka_unit_test(missing_file__is_named),
        cmocka_unit_test(unknown_key__is_named_with_its_line),
        cmocka_unit_test(missing_key__is_named),
        cmocka_unit_test(wrong_value__is_named_with_what_is_allowed),
        cmocka_unit_test(line__that_is_nothing_is_named),
        cmocka_unit_test(key__given_twice_is_refused),
        cmocka_unit_test(line__too_long_is_refused_not_cut),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
