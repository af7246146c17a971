/*
 * explain: a reader collects the same case that the writer judged, and finds presences by the beginning of their ids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/explain_history.h"
#include "server/logic/explanation.h"
#include "tests/lib/fleet.h"

#define AT(minutes) (FLEET_T0 + FLEET_HOUR + (minutes)*FLEET_MINUTE)

/* A joint visit, a lone one whose officer said "alone", and one that awaits somebody named. */
static struct fleet *story(struct hash ret_presences[4])
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct fleet_device *bob = fleet_device(fleet, "bob");

    fleet_hello(ann, AT(-1));
    fleet_hello(bob, AT(-1));
    ret_presences[0] = fleet_check_in(ann, AT(0), "xen", "bob");
    ret_presences[1] = fleet_check_in(bob, AT(1), "xen", "ann");
    (void)fleet_check_out(ann, AT(40), &ret_presences[0]);
    (void)fleet_check_out(bob, AT(41), &ret_presences[1]);
    ret_presences[2] = fleet_check_in(ann, AT(60), "yul", "");
    (void)fleet_check_out(ann, AT(80), &ret_presences[2]);
    ret_presences[3] = fleet_check_in(bob, AT(90), "xen", "cal");
    (void)fleet_check_out(bob, AT(100), &ret_presences[3]);
    (void)fleet_sync(ann, AT(120));
    (void)fleet_sync(bob, AT(121));
    fleet_tick(fleet, AT(122));
    return fleet;
}

static void explanation__judges_as_the_writer_did(void **state)
{
    struct hash presences[4];
    struct fleet *fleet = story(presences);
    const char *expected[] = {"joint", "joint", "lone_confirmed", "awaiting_second"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct explanation explanation;
        const struct rule_verdict *verdict;
        Doublecrew__V1__Row *row = fleet_view(fleet, 'p', presences[i].bytes, HASH_SIZE);

        assert_int_equal(explanation_read(fleet->store, &presences[i], &explanation), STATUS_OK);
        verdict = &explanation.hood->verdicts[explanation.index];
        assert_string_equal(rule_company_name(verdict->company), expected[i]);
        assert_string_equal(rule_company_name(verdict->company), row->presence->company);
        assert_string_equal(rule_grade_name(verdict->grade), row->presence->grade);
        assert_string_equal(explanation.why, row->presence->why);
        assert_int_equal(verdict->reasons, row->presence->reasons);
        assert_true(hash_equal(&explanation.hood->rows[explanation.index].presence, &presences[i]));
        explanation_done(&explanation);
        protobuf_c_message_free_unpacked(&row->base, NULL);
    }
    fleet_expect_rebuild(fleet); /* nothing was written */
    fleet_free(fleet);
}

static void explanation__of_no_presence_is_not_found(void **state)
{
    struct hash presences[4], nobodys = {{1}};
    struct fleet *fleet = story(presences);
    struct explanation explanation;

    (void)state;
    assert_int_equal(explanation_read(fleet->store, &nobodys, &explanation), STATUS_NOT_FOUND);
    fleet_free(fleet);
}

static void presence__is_found_by_the_beginning_of_its_id(void **state)
{
    struct hash presences[4], found;
    struct fleet *fleet = story(presences);
    char hex[2 * HASH_SIZE + 1];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (size_t digits = 8; digits <= 2 * HASH_SIZE; digits += 7) {
            hex_encode(span_of(presences[i].bytes, HASH_SIZE), hex);
            hex[digits] = '\0';
            assert_int_equal(history_find_presence(fleet->store, hex, &found), STATUS_OK);
            assert_true(hash_equal(&found, &presences[i]));
        }
        hex_encode(span_of(presences[i].bytes, HASH_SIZE), hex);
        hex[9] = hex[9] == '0' ? '1' : '0'; /* the last digit given, of an odd number */
        hex[11] = '\0';
        assert_int_equal(history_find_presence(fleet->store, hex, &found), STATUS_NOT_FOUND);
    }
    assert_int_equal(history_find_presence(fleet->store, "0123456", &found), STATUS_INPUT);
    assert_int_equal(history_find_presence(fleet->store, "no hex at all", &found), STATUS_INPUT);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explanation__judges_as_the_writer_did),
        cmocka_unit_test(explanation__of_no_presence_is_not_found),
        cmocka_unit_test(presence__is_found_by_the_beginning_of_its_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
