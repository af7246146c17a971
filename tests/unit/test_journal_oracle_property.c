/*
 * The server's store against an independent oracle over its whole journal, in stories told by a seed; and that the oracle
 * can fail. DOUBLECREW_RUNS=n asks for more stories than the short default, DOUBLECREW_SEED=n for one,
 * DOUBLECREW_PRINT=1 for all entries where they differ. With a path as argument it checks that store's file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/edge/store_sqlite.h"
#include "server/logic/flags.h"
#include "tests/lib/fleet_story.h"
#include "tests/oracle/journal_oracle.h"

static unsigned long number(const char *name, unsigned long otherwise)
{
    const char *wanted = getenv(name);

    return wanted != NULL ? strtoul(wanted, NULL, 10) : otherwise;
}

static void expect_agreement(struct fleet *fleet, uint64_t seed, struct journal_oracle_report *ret_report)
{
    char text[2048];
    const char *found = journal_oracle_check(fleet->store, ret_report, text, sizeof(text));

    if (found != NULL && getenv("DOUBLECREW_PRINT") != NULL)
        journal_oracle_print(fleet->store, stderr);
    if (found != NULL)
        fail_msg("seed %llu: %s", (unsigned long long)seed, found);
}

static void each_step(void *context, struct fleet *fleet)
{
    struct journal_oracle_report report;

    expect_agreement(fleet, *(const uint64_t *)context, &report);
}

static void play(struct fleet_story_settings settings, unsigned long runs)
{
    unsigned long first = number("DOUBLECREW_SEED", 0), steps = number("DOUBLECREW_STEPS", 0);

    if (getenv("DOUBLECREW_SEED") != NULL)
        runs = 1;
    for (unsigned long seed = first; seed < first + runs; seed++) {
        struct journal_oracle_report report;
        struct fleet *fleet;

        settings.seed = seed;
        fleet = fleet_story_play(&settings, steps != 0 ? each_step : NULL, &settings.seed);
        expect_agreement(fleet, seed, &report);
        assert_true(report.presences > 0 && report.flags_standing > 0 && report.rows > 0);
        assert_int_equal(report.wider_bounds, 0); /* sessions here are few: none is left out */
        print_message(
            "seed %lu: %zu entries (%zu carried), %zu presences (%zu uncertain, %zu stale, %zu skipped) in %zu "
            "groups, largest %zu; forked %zu, troubled %zu; %zu flags (%zu stand, %zu open), %zu fields, %zu "
            "notes, %zu rows of %zu devices\n",
            seed, report.entries, report.carried, report.presences, report.uncertain, report.stale,
            report.presences_skipped, report.groups, report.largest_group, report.forked_logs, report.troubled_boots,
            report.flags, report.flags_standing, report.flags_either, report.fields, report.notes, report.rows,
            report.devices);
        fleet_free(fleet);
    }
}

static void quiet_days__store_says_what_the_oracle_says(void **state)
{
    (void)state;
    play((struct fleet_story_settings){.visits = 12, .days = 1}, number("DOUBLECREW_RUNS", 6));
}

static void days_with_mishaps__store_says_what_the_oracle_says(void **state)
{
    (void)state;
    play((struct fleet_story_settings){.visits = 16, .days = 2, .revocations = true, .policies = true},
         number("DOUBLECREW_RUNS", 6));
}

static void cloned_phones__store_says_what_the_oracle_says(void **state)
{
    (void)state;
    play((struct fleet_story_settings){.visits = 16, .days = 2, .forks = true}, number("DOUBLECREW_RUNS", 6));
}

static void people_who_move__store_says_what_the_oracle_says(void **state)
{
    (void)state;
    play((struct fleet_story_settings){.visits = 16, .days = 2, .teams = true, .unseen = true},
         number("DOUBLECREW_RUNS", 6));
}

/* One presence's row as its server never wrote it. */
static void spoil(struct fleet *fleet, const struct hash *presence, void (*change)(Doublecrew__V1__PresenceRow *row))
{
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', presence->bytes, HASH_SIZE);
    uint8_t key[1 + HASH_SIZE] = {'p'}, packed[4096];
    struct view_row view = {.key = span_of(key, sizeof(key)), .pos = row->pos};

    memcpy(key + 1, presence->bytes, HASH_SIZE);
    change(row->presence);
    assert_true(protobuf_c_message_get_packed_size(&row->base) <= sizeof(packed));
    view.row = span_of(packed, protobuf_c_message_pack(&row->base, packed));
    doublecrew__v1__row__free_unpacked(row, NULL);
    assert_int_equal(fleet->store->ops->begin(fleet->store), STATUS_OK);
    assert_int_equal(fleet->store->ops->view_put(fleet->store, &view), STATUS_OK);
    assert_int_equal(fleet->store->ops->commit(fleet->store), STATUS_OK);
}

static void say_joint(Doublecrew__V1__PresenceRow *row)
{
    (void)strcpy(row->company, "joint"); /* shorter than lone_confirmed */
}

static void say_earlier(Doublecrew__V1__PresenceRow *row)
{
    row->in_from_ms -= 5;
    row->in_to_ms -= 5;
}

static void say_met(Doublecrew__V1__PresenceRow *row)
{
    row->due_met = true;
}

static void say_longer(Doublecrew__V1__PresenceRow *row)
{
    row->alone_max_s += 10;
}

static void spoilt_row__named(void **state)
{
    static const struct {
        void (*change)(Doublecrew__V1__PresenceRow *row);
        const char *what;
    } cases[] = {{say_joint, "company"}, {say_earlier, "bounds"}, {say_met, "due_met"}, {say_longer, "alone"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fleet *fleet = fleet_typical();
        struct fleet_device *ann = fleet_device(fleet, "ann");
        struct hash a = fleet_check_in(ann, FLEET_T0 + FLEET_HOUR, "xen", "");
        struct journal_oracle_report report;
        char text[2048], start[9];
        const char *found;

        (void)fleet_check_out(ann, FLEET_T0 + 2 * FLEET_HOUR, &a);
        fleet_sync(ann, FLEET_T0 + 3 * FLEET_HOUR);
        expect_agreement(fleet, 0, &report);
        assert_int_equal(report.presences, 1);
        spoil(fleet, &a, cases[i].change);
        found = journal_oracle_check(fleet->store, &report, text, sizeof(text));
        assert_non_null(found);
        hex_encode(span_of(a.bytes, 4), start);
        assert_non_null(strstr(found, start));
        assert_non_null(strstr(found, cases[i].what));
        fleet_free(fleet);
    }
}

/* A lone visit with a note and an edit, synced: something of everything. */
static struct fleet *lone_visit(struct hash *ret_presence)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann");
    Doublecrew__V1__Edit edit = DOUBLECREW__V1__EDIT__INIT;
    Doublecrew__V1__FieldEdit field = DOUBLECREW__V1__FIELD_EDIT__INIT, *fields[] = {&field};
    struct id xen = fleet_id("xen");
    char name[] = "summary", words[] = "Gate code changed";

    *ret_presence = fleet_check_in(ann, FLEET_T0 + FLEET_HOUR, "xen", "");
    (void)fleet_check_out(ann, FLEET_T0 + 2 * FLEET_HOUR, ret_presence);
    edit.subject = (ProtobufCBinaryData){ID_SIZE, xen.bytes};
    edit.fields = fields;
    edit.n_fields = 1;
    field.field = name;
    field.change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT;
    field.text = words;
    (void)fleet_add(ann, FLEET_T0 + 2 * FLEET_HOUR, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_EDIT, &edit.base);
    fleet_sync(ann, FLEET_T0 + 3 * FLEET_HOUR);
    return fleet;
}

static void expect_difference(struct fleet *fleet, const char *what)
{
    struct journal_oracle_report report;
    char text[2048];
    const char *found = journal_oracle_check(fleet->store, &report, text, sizeof(text));

    assert_non_null(found);
    if (strstr(found, what) == NULL)
        fail_msg("not of '%s': %s", what, found);
    fleet_free(fleet);
}

static struct hash flag_named(struct fleet *fleet, uint32_t kind, const struct hash *subject)
{
    struct hash flag;

    assert_int_equal(flag_id(fleet->sha, (enum flag_kind)kind, subject, &flag), STATUS_OK);
    return flag;
}

static void flag_gone_or_raised_without_ground__named(void **state)
{
    struct hash a, flag;
    struct flag_row row;

    (void)state;
    for (int raise = 0; raise < 2; raise++) {
        struct fleet *fleet = lone_visit(&a);
        uint8_t body[4096];

        flag = flag_named(fleet, FLAG_LONE_CONFIRMED, &a);
        assert_int_equal(fleet->store->ops->flag_get(fleet->store, &flag, &row), STATUS_OK);
        assert_true(row.body.size <= sizeof(body));
        memcpy(body, row.body.data, row.body.size);
        row.body.data = body;
        if (raise) {
            row.kind = FLAG_PART_JOINT;
            row.flag = flag_named(fleet, FLAG_PART_JOINT, &a);
        } else {
            row.state = FLAG_CLEARED;
        }
        assert_int_equal(fleet->store->ops->begin(fleet->store), STATUS_OK);
        assert_int_equal(fleet->store->ops->flag_put(fleet->store, &row), STATUS_OK);
        assert_int_equal(fleet->store->ops->commit(fleet->store), STATUS_OK);
        expect_difference(fleet, raise ? "flag part_joint" : "flag lone_confirmed");
    }
}

static void row_in_a_wrong_scope_or_in_none__named(void **state)
{
    struct hash a;

    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        struct fleet *fleet = lone_visit(&a);
        struct scope scope = {wrong ? SCOPE_OFFICER : SCOPE_TEAM, wrong ? fleet_id("bob") : fleet_id("north")};
        struct hash flag = flag_named(fleet, FLAG_LONE_CONFIRMED, &a);
        uint8_t key[1 + HASH_SIZE] = {wrong ? 'f' : 'p'};

        memcpy(key + 1, wrong ? flag.bytes : a.bytes, HASH_SIZE);
        assert_int_equal(fleet->store->ops->begin(fleet->store), STATUS_OK);
        assert_int_equal(fleet->store->ops->feed_put(fleet->store, &scope, 9, span_of(key, sizeof(key)), !wrong),
                         STATUS_OK);
        assert_int_equal(fleet->store->ops->commit(fleet->store), STATUS_OK);
        expect_difference(fleet, wrong ? "must not be" : "isn't in its feed");
    }
}

static void field_without_its_head__named(void **state)
{
    struct hash a;
    struct fleet *fleet = lone_visit(&a);
    struct id xen = fleet_id("xen");
    uint8_t key[1 + ID_SIZE + 7] = {'e'}, packed[1024];
    struct view_row view = {.key = span_of(key, sizeof(key))};
    Doublecrew__V1__Row *row;

    (void)state;
    memcpy(key + 1, xen.bytes, ID_SIZE);
    /* A key has no terminator. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(key + 1 + ID_SIZE, "summary", 7);
    row = fleet_view(fleet, 'e', key + 1, sizeof(key) - 1);
    assert_int_equal(row->field->n_heads, 1);
    row->field->heads[0]->edit.data[0] ^= 1;
    view.pos = row->pos;
    view.row = span_of(packed, protobuf_c_message_pack(&row->base, packed));
    doublecrew__v1__row__free_unpacked(row, NULL);
    assert_int_equal(fleet->store->ops->begin(fleet->store), STATUS_OK);
    assert_int_equal(fleet->store->ops->view_put(fleet->store, &view), STATUS_OK);
    assert_int_equal(fleet->store->ops->commit(fleet->store), STATUS_OK);
    expect_difference(fleet, "field 'summary'");
}

struct seen_keys {
    size_t of[128]; /* by letter */
};

static void see_key(void *context, struct span key, struct span row)
{
    struct seen_keys *seen = context;

    assert_true(row.size > 0);
    seen->of[key.data[0]]++;
}

static void scope__is_what_the_officer_may_see(void **state)
{
    struct hash a;
    struct fleet *fleet = lone_visit(&a);
    struct seen_keys ann = {{0}}, bob = {{0}}, sue = {{0}};
    struct id nobody = fleet_id("nobody's device");

    (void)state;
    assert_int_equal(journal_oracle_scope(fleet->store, &fleet_device(fleet, "ann")->device, see_key, &ann), STATUS_OK);
    assert_int_equal(journal_oracle_scope(fleet->store, &fleet_device(fleet, "bob")->device, see_key, &bob), STATUS_OK);
    assert_int_equal(journal_oracle_scope(fleet->store, &fleet_device(fleet, "sue")->device, see_key, &sue), STATUS_OK);
    assert_int_equal(journal_oracle_scope(fleet->store, &nobody, see_key, &sue), STATUS_NOT_FOUND);
    assert_int_equal(ann.of['x'], 2);
    assert_int_equal(bob.of['p'], 1);
    assert_int_equal(bob.of['e'], 1);
    assert_int_equal(ann.of['f'], 2); /* lone, without authority: her own flags, */
    assert_int_equal(bob.of['f'], 0); /* not a colleague's, */
    assert_int_equal(sue.of['f'], 2); /* the team's as its supervisor */
    fleet_free(fleet);
}

static void spoilt_watermark__named(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct journal_oracle_report report;
    struct device_row row;
    char text[2048];

    (void)state;
    (void)fleet_check_in(ann, FLEET_T0 + FLEET_HOUR, "xen", "");
    fleet_sync(ann, FLEET_T0 + FLEET_HOUR);
    expect_agreement(fleet, 0, &report);
    assert_int_equal(fleet->store->ops->device_by_id(fleet->store, &ann->device, &row), STATUS_OK);
    row.watermark_us += 1;
    assert_int_equal(fleet->store->ops->begin(fleet->store), STATUS_OK);
    assert_int_equal(fleet->store->ops->device_put(fleet->store, &row), STATUS_OK);
    assert_int_equal(fleet->store->ops->commit(fleet->store), STATUS_OK);
    assert_non_null(journal_oracle_check(fleet->store, &report, text, sizeof(text)));
    assert_non_null(strstr(text, "watermark"));
    fleet_free(fleet);
}

/* Any store's file, in words: for the person who has one. */
static int check_file(const char *path)
{
    struct journal_oracle_report report;
    struct store *store;
    char text[2048];
    const char *found;
    enum status status = store_sqlite_open(path, STORE_SQLITE_READER, &store);

    if (status != STATUS_OK) {
        (void)fprintf(stderr, "%s: %s\n", path, status_what(status));
        return 2;
    }
    found = journal_oracle_check(store, &report, text, sizeof(text));
    if (found != NULL)
        journal_oracle_print(store, stderr);
    (void)printf("%s: %s (%zu records, %zu presences, %zu skipped, %zu flags, %zu fields, %zu rows of %zu devices)\n",
                 path, found != NULL ? found : "as the oracle says", report.records, report.presences,
                 report.presences_skipped, report.flags, report.fields, report.rows, report.devices);
    store->ops->close(store);
    return found != NULL;
}

/* F3, D1: a phone whose place another has taken sees nothing any more, at once. */
static void log_declared_lost__sees_nothing(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann"), *again;
    Doublecrew__V1__LogLost lost = DOUBLECREW__V1__LOG_LOST__INIT;
    Doublecrew__V1__Seal seal = DOUBLECREW__V1__SEAL__INIT;
    struct journal_oracle_report report;
    struct scope_member members[STORE_SCOPES_MAX];
    size_t count;

    (void)state;
    (void)fleet_add(ann, FLEET_T0 + FLEET_HOUR, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL, &seal.base);
    fleet_sync(ann, FLEET_T0 + FLEET_HOUR);
    again = fleet_enrol_second(fleet, FLEET_T0 + 2 * FLEET_HOUR, "ann");
    fleet_settle(fleet, FLEET_T0 + 2 * FLEET_HOUR);
    lost.lost_log_id = (ProtobufCBinaryData){ID_SIZE, ann->log.bytes};
    (void)fleet_add(again, FLEET_T0 + 3 * FLEET_HOUR, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_LOG_LOST, &lost.base);
    fleet_sync(again, FLEET_T0 + 3 * FLEET_HOUR);
    assert_int_equal(fleet->store->ops->scopes_of_device(fleet->store, &ann->device, members, STORE_SCOPES_MAX, &count),
                     STATUS_OK);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
        assert_true(members[i].left_pos != 0);
    expect_agreement(fleet, 0, &report);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_days__store_says_what_the_oracle_says),
        cmocka_unit_test(cloned_phones__store_says_what_the_oracle_says),
        cmocka_unit_test(people_who_move__store_says_what_the_oracle_says),
        cmocka_unit_test(log_declared_lost__sees_nothing),
        cmocka_unit_test(spoilt_row__named),
        cmocka_unit_test(scope__is_what_the_officer_may_see),
        cmocka_unit_test(spoilt_watermark__named),
        cmocka_unit_test(flag_gone_or_raised_without_ground__named),
        cmocka_unit_test(row_in_a_wrong_scope_or_in_none__named),
        cmocka_unit_test(field_without_its_head__named),
        cmocka_unit_test(days_with_mishaps__store_says_what_the_oracle_says),
    };

    if (argc > 1)
        return check_file(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
