/* What doublecrewctl quiet says of each kind of trouble (P7), from contacts as the writer would have written them. */
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

#include "admin/files.h"
#include "doublecrew/v1/sync.pb-c.h"
#include "server/edge/store_sqlite.h"
#include "tests/lib/store_fixture.h"

#define REASON(name) DOUBLECREW__V1__PENDING_REASON__PENDING_REASON_##name
#define HOUR_US INT64_C(3600000000)

static char folder[64];
static char said[16384];

static int run(const char *format, const char *argument)
{
    char line[512];
    size_t size;
    FILE *pipe;

    snprintf(line, sizeof(line), format, folder, argument);
    pipe = popen(line, "re"); // NOLINT(cert-env33-c): the line is this test's own
    assert_non_null(pipe);
    size = fread(said, 1, sizeof(said) - 1, pipe);
    said[size] = '\0';
    return pclose(pipe);
}

static int setup(void **state)
{
    static const char teams[] = "code,name\nNorth,Northern team\n";
    static const char officers[] = "code,name,role,teams\nPC 1,Ann Invented,offender_manager,North\n";
    char path[96];

    (void)state;
    if (getenv("DOUBLECREWCTL") == NULL)
        return 0;
    test_folder_make(folder);
    snprintf(path, sizeof(path), "%s/teams.csv", folder);
    assert_int_equal(file_write_new(path, teams, strlen(teams)), STATUS_OK);
    snprintf(path, sizeof(path), "%s/officers.csv", folder);
    assert_int_equal(file_write_new(path, officers, strlen(officers)), STATUS_OK);
    return run("cd %s && \"$DOUBLECREWCTL\" init --dir f --force F --port 0 && for kind in teams officers; do"
               " \"$DOUBLECREWCTL\" import $kind $kind.csv --dir f || exit 1; done;"
               " \"$DOUBLECREWCTL\" enrol --officer 'PC 1' --out package --dir f %s",
               "2>&1");
}

static int teardown(void **state)
{
    (void)state;
    if (folder[0] != '\0')
        test_folder_remove(folder);
    return 0;
}

static struct id device_of_package(void)
{
    struct id device;

    assert_int_equal(run("cd %s && sed -n 's/^device_id = //p' package/device.conf%s", ""), 0);
    assert_int_equal(hex_decode(strtok(said, "\n"), ID_SIZE, device.bytes), STATUS_OK);
    return device;
}

static int64_t now_us(void)
{
    return (int64_t)time(NULL) * 1000000;
}

/* What quiet says once the device's contact is this. */
static void quiet(struct contact_row row, const char *arguments)
{
    struct store *store;
    char path[96];

    row.device = device_of_package();
    snprintf(path, sizeof(path), "%s/f/store.db", folder);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_WRITER, &store), STATUS_OK);
    assert_int_equal(store->ops->begin(store), STATUS_OK);
    assert_int_equal(store->ops->contact_put(store, &row), STATUS_OK);
    assert_int_equal(store->ops->commit(store), STATUS_OK);
    store->ops->close(store);
    assert_int_equal(run("\"$DOUBLECREWCTL\" quiet --dir %s/f %s 2>&1", arguments), 0);
}

static void expect(const char *words)
{
    if (strstr(said, words) == NULL)
        fail_msg("no '%s' in: %s", words, said);
}

static void each_trouble__is_a_plain_sentence_with_what_to_do(void **state)
{
    struct contact_row well = {.hello_us = now_us(), .seen_us = now_us(), .app_version = "1"};
    struct contact_row row;

    (void)state;
    if (folder[0] == '\0')
        skip();
    quiet(well, "");
    assert_null(strstr(said, "PC 1"));

    row = well;
    row.seen_us = row.hello_us = now_us() - 30 * HOUR_US;
    quiet(row, "");
    expect("\tPC 1\tquiet since ");
    expect(", 30 hours. Ask the officer");
    quiet(row, "--since 2d");
    assert_null(strstr(said, "PC 1"));

    row = well;
    row.pending_entries = 12;
    row.pending_since_ms = (now_us() - 30 * HOUR_US) / 1000;
    row.pending_reason = REASON(FORKED);
    quiet(row, "");
    expect("\tPC 1\tholds 12 entries that are not here");
    expect("because two copies of this phone exist. Enrol it again");
    row.pending_reason = 99; /* a newer phone's */
    quiet(row, "");
    expect("'doublecrewctl rescue' takes them in by hand");

    row = well;
    row.errors = 3;
    row.error_us = now_us();
    snprintf(row.error, sizeof(row.error), "unknown_anchor");
    row.failures = 7;
    row.pending_reason = REASON(NO_CONNECTION);
    quiet(row, "");
    expect("told of 3 errors in a row, the last 'unknown_anchor'");
    expect("says that it failed 7 times in a row, because it could not reach the server.");
    row.errors = row.failures = 2; /* everyday */
    quiet(row, "");
    assert_null(strstr(said, "PC 1"));
}

static void contacts__change_nothing_that_verify_looks_at(void **state)
{
    (void)state;
    if (folder[0] == '\0')
        skip();
    assert_int_equal(run("\"$DOUBLECREWCTL\" verify --dir %s/f%s 2>&1", ""), 0);
    expect("verify: sound");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_trouble__is_a_plain_sentence_with_what_to_do),
        cmocka_unit_test(contacts__change_nothing_that_verify_looks_at),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
