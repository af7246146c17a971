/*
 * What doublecrewctl says of a store that somebody has been at: pages, derived rows, the journal, its signatures.
 * A whole force is made once by DOUBLECREWCTL; each case damages a copy of its store, in a folder of its own.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "admin/files.h"

static char whole[64];   /* the force */
static char damaged[96]; /* its copy */
static char said[16384];

/* Runs a shell line; returns its exit code, and keeps what it said. */
static int run(const char *format, const char *a, const char *b)
{
    char line[1024];
    size_t size = 0;

    snprintf(line, sizeof(line), format, a, b);

    FILE *pipe = popen(line, "re"); // NOLINT(cert-env33-c): the line is this test's own

    assert_non_null(pipe);
    size = fread(said, 1, sizeof(said) - 1, pipe);
    said[size] = '\0';

    int result = pclose(pipe);

    return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

static void write_text(const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", whole, name);
    assert_int_equal(file_write_new(path, text, strlen(text)), STATUS_OK);
}

static int make_force(void **state)
{
    (void)state;
    if (getenv("DOUBLECREWCTL") == NULL)
        return 0;
    snprintf(whole, sizeof(whole), "/tmp/doublecrew-damage-XXXXXX");
    if (mkdtemp(whole) == NULL)
        return -1;
    snprintf(damaged, sizeof(damaged), "%s/damaged", whole);
    if (run("\"$DOUBLECREWCTL\" init --dir %s/force --force 'Fenland (invented)' --port 0 2>&1%s", whole, "") != 0) {
        fputs(said, stderr);
        return -1;
    }
    write_text("teams.csv", "code,name\nNorth,Northern team\n");
    write_text("officers.csv", "code,name,role,teams\nPC 1,Ann Invented,offender_manager,North\n");
    write_text("offenders.csv", "reference,register_reference,risk,team,manager\nR 1,,high,North,PC 1\n");
    return run("for kind in teams officers offenders; do"
               " \"$DOUBLECREWCTL\" import $kind %s/$kind.csv --dir %s/force 2>&1 || exit 1; done",
               whole, whole);
}

static int remove_force(void **state)
{
    (void)state;
    if (whole[0] != '\0')
        folder_remove_all(whole);
    return 0;
}

/* The store is one file then: backups have no write-ahead log. */
static int copy_force(void **state)
{
    (void)state;
    if (whole[0] == '\0')
        return 0;
    return run("cp -r %s/force %s", whole, damaged) != 0 || run("rm %s/store.db*%s", damaged, "") != 0 ||
           run("\"$DOUBLECREWCTL\" backup %s/store.db --dir %s/force 2>&1", damaged, whole) != 0;
}

static int remove_copy(void **state)
{
    (void)state;
    if (whole[0] != '\0')
        folder_remove_all(damaged);
    return 0;
}

static void need_program(void)
{
    if (whole[0] == '\0')
        skip();
}

static void tamper(const char *sql)
{
    char path[128];
    sqlite3 *db = NULL;

    snprintf(path, sizeof(path), "%s/store.db", damaged);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void expect(const char *command, int code, const char *line)
{
    int got = run("\"$DOUBLECREWCTL\" %s --dir %s 2>&1", command, damaged);

    if (got != code || strstr(said, line) == NULL)
        fail_msg("%s gave %d, wanted %d and <%s>; it said:\n%s", command, got, code, line, said);
}

static void copy__that_nobody_touched_is_sound(void **state)
{
    (void)state;
    need_program();
    expect("verify", 0, "\nverify: sound\n");
    expect("rebuild --check", 0, "\nrebuild: byte-identical\n");
}

static void derived_row__changed_differs(void **state)
{
    (void)state;
    need_program();
    tamper("UPDATE offenders SET risk = 1 WHERE reference = 'R 1'");
    expect("rebuild --check", 1, "\nrebuild: DIFFERS\n");
    assert_non_null(strstr(said, "table offenders"));
    expect("verify", 1, "\nverify: NOT SOUND\n");
    assert_non_null(strstr(said, "each signed with the key on record"));
}

static void derived_row__missing_differs(void **state)
{
    (void)state;
    need_program();
    tamper("DELETE FROM officers WHERE code = 'PC 1'");
    expect("rebuild --check", 1, "\nrebuild: DIFFERS\n");
}

/* One letter of what the operator signed. */
static void journal__changed_is_not_what_was_signed(void **state)
{
    (void)state;
    need_program();
    tamper("UPDATE journal SET body = CAST(replace(CAST(body AS BLOB), CAST('Ann Invented' AS BLOB),"
           " CAST('Eve Invented' AS BLOB)) AS BLOB) WHERE instr(body, CAST('Ann Invented' AS BLOB)) > 0");
    expect("verify", 1, "\nverify: NOT SOUND\n");
    assert_non_null(strstr(said, "signature does not match"));
    expect("rebuild --check", 1, "");
}

static void journal__with_a_gap_is_named(void **state)
{
    (void)state;
    need_program();
    tamper("DELETE FROM journal WHERE first_pos = (SELECT max(first_pos) FROM journal)");
    expect("verify", 1, "does not end where the store's head says");
}

static void key__changed_on_record_fails_its_signatures(void **state)
{
    (void)state;
    need_program();
    tamper("UPDATE devices SET public_key = zeroblob(32) WHERE last_seq > 0");
    expect("verify", 1, "NOT ALL GOOD");
}

static void root__changed_differs(void **state)
{
    (void)state;
    need_program();
    tamper("UPDATE head SET root = zeroblob(32)");
    expect("rebuild --check", 1, "Merkle root: differs");
}

static void pages__damaged_are_named(void **state)
{
    char path[128];
    struct stat about;

    (void)state;
    need_program();
    snprintf(path, sizeof(path), "%s/store.db", damaged);
    assert_int_equal(stat(path, &about), 0);

    int fd = open(path, O_WRONLY | O_CLOEXEC);
    char rubbish[4096];

    memset(rubbish, 0xa5, sizeof(rubbish));
    assert_true(fd >= 0);
    for (off_t at = 4096; at + 4096 <= about.st_size; at += 4096)
        assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), at + 64), sizeof(rubbish));
    close(fd);
    expect("verify", 1, "pages: DAMAGED");
    expect("verify", 1, "restore a backup");
}

static void store__that_is_none_is_refused(void **state)
{
    (void)state;
    need_program();
    assert_int_equal(run("echo not a store > %s/store.db%s", damaged, ""), 0);
    expect("status", 1, "the store could not be read");
    expect("verify", 1, "pages: DAMAGED");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, copy_force, remove_copy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(copy__that_nobody_touched_is_sound),
        TEST(derived_row__changed_differs),
        TEST(derived_row__missing_differs),
        TEST(journal__changed_is_not_what_was_signed),
        TEST(journal__with_a_gap_is_named),
        TEST(key__changed_on_record_fails_its_signatures),
        TEST(root__changed_differs),
        TEST(pages__damaged_are_named),
        TEST(store__that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, make_force, remove_force);
}
