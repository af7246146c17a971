/* Rows of the roster, on every backend: devices, officers, offenders, risks, policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/store_rows.h"

static void device__comes_back_by_id_log_and_certificate(void **state)
{
    struct store *store = writer_of(state);
    struct device_row put = device_row_of(1);
    struct device_row got;
    struct id nobody = numbered_id(999);
    struct hash nothing = numbered_hash(999);

    memset(&got, 0, sizeof(got));
    WRITE(store, store->ops->device_put(store, &put));
    OK(store->ops->device_by_id(store, &put.device, &got));
    SAME(put, got);
    OK(store->ops->device_by_log(store, &put.log, &got));
    SAME(put, got);
    OK(store->ops->device_by_certificate(store, &put.certificate_key_hash, &got));
    SAME(put, got);
    assert_int_equal(store->ops->device_by_id(store, &nobody, &got), STATUS_NOT_FOUND);
    assert_int_equal(store->ops->device_by_log(store, &nobody, &got), STATUS_NOT_FOUND);
    assert_int_equal(store->ops->device_by_certificate(store, &nothing, &got), STATUS_NOT_FOUND);
    SAME(put, got); /* untouched on failure */
}

static void device__is_replaced_with_its_look_ups(void **state)
{
    struct store *store = writer_of(state);
    struct device_row first = device_row_of(1);
    struct device_row second = first;
    struct device_row got;

    second.log = numbered_id(55);
    second.certificate_key_hash = numbered_hash(56);
    second.key.size = 65;
    memset(second.key.bytes, 0xcd, 65);
    WRITE(store, store->ops->device_put(store, &first));
    WRITE(store, store->ops->device_put(store, &second));
    OK(store->ops->device_by_log(store, &second.log, &got));
    SAME(second, got);
    assert_int_equal(store->ops->device_by_log(store, &first.log, &got), STATUS_NOT_FOUND);
    assert_int_equal(store->ops->device_by_certificate(store, &first.certificate_key_hash, &got), STATUS_NOT_FOUND);
}

static void devices_of_officer__are_the_oldest_first(void **state)
{
    struct store *store = writer_of(state);
    struct device_row rows[4];
    struct id officer = numbered_id(7);
    struct id nobody = numbered_id(8);
    size_t count = 99;

    OK(store->ops->begin(store));
    for (unsigned i = 1; i <= 4; i++) {
        struct device_row row = device_row_of(i);
        if (i == 4)
            row.officer = nobody;
        OK(store->ops->device_put(store, &row));
    }
    OK(store->ops->commit(store));
    OK(store->ops->devices_of_officer(store, &officer, rows, 4, &count));
    assert_int_equal(count, 3);
    for (unsigned i = 0; i < 3; i++) { /* the higher the number, the earlier assigned */
        struct device_row expected = device_row_of(3 - i);
        SAME(expected, rows[i]);
    }
    OK(store->ops->devices_of_officer(store, &officer, rows, 2, &count));
    assert_int_equal(count, 2);
    nobody = numbered_id(9);
    OK(store->ops->devices_of_officer(store, &nobody, rows, 4, &count));
    assert_int_equal(count, 0);
}

static void officer__comes_back(void **state)
{
    struct store *store = writer_of(state);
    struct officer_row put;
    struct officer_row got;
    struct id nobody = numbered_id(2);

    memset(&put, 0, sizeof(put));
    put.officer = numbered_id(1);
    put.role = UINT32_MAX;
    put.accredited = true;
    put.entitled_from_us = INT64_MIN;
    put.entitled_to_us = RULE_FOREVER;
    for (unsigned i = 0; i < 8; i++)
        put.teams[i] = numbered_id(i);
    put.team_count = 8;
    memcpy(put.code, "SERGEANT-1001 of the n\303\266rth-001", 32); /* 31 bytes and the NUL */
    put.is_operator = true;
    WRITE(store, store->ops->officer_put(store, &put));
    OK(store->ops->officer_get(store, &put.officer, &got));
    SAME(put, got);
    memset(put.teams, 0, sizeof(put.teams));
    put.team_count = 0;
    put.accredited = false;
    WRITE(store, store->ops->officer_put(store, &put));
    OK(store->ops->officer_get(store, &put.officer, &got));
    SAME(put, got);
    assert_int_equal(store->ops->officer_get(store, &nobody, &got), STATUS_NOT_FOUND);
}

static void offender__comes_back(void **state)
{
    struct store *store = writer_of(state);
    struct offender_row put;
    struct offender_row got;
    struct id nobody = numbered_id(2);

    memset(&put, 0, sizeof(put));
    put.offender = numbered_id(1);
    put.team = numbered_id(3);
    put.manager = numbered_id(4);
    put.risk = RULE_RISK_VERY_HIGH;
    put.has_place = true;
    put.latitude_e7 = INT32_MIN;
    put.longitude_e7 = -1;
    memcpy(put.reference, "CB/1", 5);
    put.underived = true;
    WRITE(store, store->ops->offender_put(store, &put));
    OK(store->ops->offender_get(store, &put.offender, &got));
    SAME(put, got);
    assert_int_equal(store->ops->offender_get(store, &nobody, &got), STATUS_NOT_FOUND);
}

static void risks__are_in_order_and_never_cut(void **state)
{
    struct store *store = writer_of(state);
    struct id offender = numbered_id(1);
    struct id nobody = numbered_id(2);
    struct rule_risk_span spans[3] = {{500, RULE_RISK_LOW}, {INT64_MIN, RULE_RISK_HIGH}, {-7, RULE_RISK_MEDIUM}};
    struct rule_risk_span got[3];
    size_t count = 99;

    OK(store->ops->begin(store));
    for (size_t i = 0; i < 3; i++)
        OK(store->ops->risk_put(store, &offender, &spans[i]));
    spans[2].risk = RULE_RISK_VERY_HIGH;
    OK(store->ops->risk_put(store, &offender, &spans[2])); /* replaces */
    OK(store->ops->commit(store));
    assert_int_equal(store->ops->risks_of_offender(store, &offender, got, 2, &count), STATUS_OVER_LIMIT);
    assert_int_equal(count, 99);
    OK(store->ops->risks_of_offender(store, &offender, got, 3, &count));
    assert_int_equal(count, 3);
    assert_true(got[0].from_us == INT64_MIN && got[0].risk == RULE_RISK_HIGH);
    assert_true(got[1].from_us == -7 && got[1].risk == RULE_RISK_VERY_HIGH);
    assert_true(got[2].from_us == 500 && got[2].risk == RULE_RISK_LOW);
    OK(store->ops->risks_of_offender(store, &nobody, got, 3, &count));
    assert_int_equal(count, 0);
}

static void policies__are_in_order_of_effect(void **state)
{
    struct store *store = writer_of(state);
    struct span bodies[3];
    size_t count = 99;

    OK(store->ops->policies(store, bodies, 3, &count));
    assert_int_equal(count, 0);
    OK(store->ops->begin(store));
    OK(store->ops->policy_put(store, 2, 900, span_text("second, later")));
    OK(store->ops->policy_put(store, 3, 700, span_text("third, in between")));
    OK(store->ops->policy_put(store, 1, 100, span_text("was to be replaced")));
    OK(store->ops->policy_put(store, 1, 100, span_text("first")));
    OK(store->ops->commit(store));
    OK(store->ops->policies(store, bodies, 3, &count));
    assert_int_equal(count, 3);
    assert_true(span_equal(bodies[0], span_text("first")));
    assert_true(span_equal(bodies[1], span_text("third, in between")));
    assert_true(span_equal(bodies[2], span_text("second, later")));
    assert_int_equal(store->ops->policies(store, bodies, 2, &count), STATUS_OVER_LIMIT);
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        STORE_TEST(device__comes_back_by_id_log_and_certificate),
        STORE_TEST(device__is_replaced_with_its_look_ups),
        STORE_TEST(devices_of_officer__are_the_oldest_first),
        STORE_TEST(officer__comes_back),
        STORE_TEST(offender__comes_back),
        STORE_TEST(risks__are_in_order_and_never_cut),
        STORE_TEST(policies__are_in_order_of_effect),
    };

    return store_rows_run(tests, sizeof(tests) / sizeof(tests[0]));
}
