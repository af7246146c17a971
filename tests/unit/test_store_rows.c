/* Rows of server/logic/store.h on every backend: each kind comes back as put, is replaced by key, found in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tests/lib/store_fixture.h"

#define OK(call) assert_int_equal((call), STATUS_OK)
#define WRITE(store, call)                                                                                             \
    do {                                                                                                               \
        OK((store)->ops->begin(store));                                                                                \
        OK(call);                                                                                                      \
        OK((store)->ops->commit(store));                                                                               \
    } while (0)
/* Rows are zeroed whole before they are filled, here and there, so their padding is equal too. */
#define SAME(a, b) assert_memory_equal(&(a), &(b), sizeof(a))

static struct store *writer_of(void **state)
{
    return ((struct store_fixture *)*state)->writer;
}

static struct device_row device_row_of(unsigned number)
{
    struct device_row row;

    memset(&row, 0, sizeof(row));
    row.device = numbered_id(number);
    row.log = numbered_id(number + 100);
    row.officer = numbered_id(7);
    row.key.algorithm = SIGN_ED25519;
    row.key.size = 32;
    memset(row.key.bytes, 0xab, 32);
    row.certificate_key_hash = numbered_hash(number + 200);
    row.standing = DEVICE_SUSPENDED;
    row.revoked_as_of_us = RULE_FOREVER;
    row.revocation_recorded_us = -3;
    row.assigned_from_us = 1000 - (int64_t)number;
    row.last_seq = INT64_MAX;
    row.last_hash = numbered_hash(5);
    row.watermark_us = INT64_MIN;
    row.watermark_stopped = true;
    row.fork_seq = 12;
    row.last_receipt_us = 99;
    return row;
}

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

static void anchor__comes_back(void **state)
{
    struct store *store = writer_of(state);
    struct anchor_row put;
    struct anchor_row got;
    struct hash nothing = numbered_hash(2);

    memset(&put, 0, sizeof(put));
    put.hash = numbered_hash(1);
    put.time_us = 17;
    put.log = numbered_id(3);
    put.boot = numbered_id(4);
    put.sent_us = 18;
    WRITE(store, store->ops->anchor_put(store, &put));
    OK(store->ops->anchor_get(store, &put.hash, &got));
    SAME(put, got);
    assert_int_equal(store->ops->anchor_get(store, &nothing, &got), STATUS_NOT_FOUND);
}

static enum status note_sent(void *context, const struct boot_anchor_row *row)
{
    int64_t **next = context;

    *(*next)++ = row->sent_us;
    return STATUS_OK;
}

static void boot_anchors__the_same_again_is_one_with_its_first_drift(void **state)
{
    struct store *store = writer_of(state);
    struct id log = numbered_id(1);
    struct id boot = numbered_id(2);
    struct boot_anchor_row row = {log, boot, 1, 10, INT64_MAX, 200};
    struct boot_anchor_row got;
    int64_t sent_us[8] = {0};
    int64_t *next = sent_us;
    bool is_new = false;

    assert_int_equal(store->ops->boot_anchor_any(store, &log, &boot, &got), STATUS_NOT_FOUND);
    OK(store->ops->begin(store));
    OK(store->ops->boot_anchor_put(store, &row, &is_new));
    assert_true(is_new);
    row.drift_ppb = 300;
    OK(store->ops->boot_anchor_put(store, &row, &is_new));
    assert_false(is_new);
    row.boot = numbered_id(3);
    row.sent_us = 20;
    OK(store->ops->boot_anchor_put(store, &row, &is_new));
    assert_true(is_new);
    row.log = numbered_id(4);
    OK(store->ops->boot_anchor_put(store, &row, &is_new));
    OK(store->ops->commit(store));
    OK(store->ops->boot_anchor_any(store, &log, &boot, &got));
    assert_int_equal(got.drift_ppb, 200);
    OK(store->ops->boot_anchors_of_log(store, &log, note_sent, &next));
    assert_int_equal(next - sent_us, 2);
    assert_int_equal(sent_us[0], 10);
    assert_int_equal(sent_us[1], 20);
}

static void expect_clock_point(struct store *store, int64_t at_us, int64_t up_to_us, int64_t after_us)
{
    struct id log = numbered_id(1);
    struct id boot = numbered_id(2);
    struct clock_point_row got;

    if (up_to_us == 0)
        assert_int_equal(store->ops->clock_point_up_to(store, &log, &boot, true, at_us, &got), STATUS_NOT_FOUND);
    else {
        OK(store->ops->clock_point_up_to(store, &log, &boot, true, at_us, &got));
        assert_int_equal(got.at_us, up_to_us);
    }
    if (after_us == 0)
        assert_int_equal(store->ops->clock_point_after(store, &log, &boot, true, at_us, &got), STATUS_NOT_FOUND);
    else {
        OK(store->ops->clock_point_after(store, &log, &boot, true, at_us, &got));
        assert_int_equal(got.at_us, after_us);
    }
}

static void clock_points__are_the_nearest_on_either_side(void **state)
{
    struct store *store = writer_of(state);
    struct id log = numbered_id(1);
    struct id boot = numbered_id(2);
    struct clock_point_row row = {.log = log, .boot = boot, .is_ceiling = true, .time_us = 7, .drift_ppb = 200};

    OK(store->ops->begin(store));
    for (row.at_us = 10; row.at_us <= 30; row.at_us += 10)
        OK(store->ops->clock_point_put(store, &row));
    row.is_ceiling = false;
    row.at_us = 25;
    OK(store->ops->clock_point_put(store, &row));
    row.is_ceiling = true;
    row.boot = numbered_id(3);
    OK(store->ops->clock_point_put(store, &row));
    OK(store->ops->commit(store));
    expect_clock_point(store, 9, 0, 10);
    expect_clock_point(store, 20, 20, 30);
    expect_clock_point(store, 29, 20, 30);
    expect_clock_point(store, 30, 30, 0);
    row.boot = boot;
    row.at_us = 20;
    WRITE(store, store->ops->clock_point_forget(store, &row));
    expect_clock_point(store, 29, 10, 30);
    WRITE(store, store->ops->clock_points_forget(store, &log, &boot));
    expect_clock_point(store, 29, 0, 0);
}

static void boots__are_the_nearest_in_log_order(void **state)
{
    struct store *store = writer_of(state);
    struct id log = numbered_id(1);
    struct boot_row rows[8];
    size_t count = 99;
    /* Stretches 1-10, 11-12, 13-40, 41-44. */
    static const uint64_t edges[] = {1, 11, 13, 41, 45};
    static const struct {
        uint64_t seq;
        size_t max;
        size_t count;
        uint64_t first[4];
    } cases[] = {
        {12, 8, 4, {1, 11, 13, 41}},
        {12, 1, 1, {11}},
        {12, 2, 2, {11, 13}},
        {12, 3, 3, {1, 11, 13}},
        {39, 2, 2, {13, 41}},
        {14, 2, 2, {11, 13}},
        {1, 2, 2, {1, 11}},
        {100, 2, 2, {13, 41}},
        {0, 1, 1, {1}},
        {30, 0, 0, {0}},
    };

    OK(store->ops->begin(store));
    for (size_t i = 0; i < 4; i++) {
        struct boot_row row = {
            .log = log, .boot = numbered_id(9 - (unsigned)i), .first_seq = edges[i], .last_seq = edges[i]};
        OK(store->ops->boot_put(store, &row));
        row.last_seq = edges[i + 1] - 1; /* it grew */
        row.first_mono_us = 3;
        row.last_mono_us = -4;
        row.clock_trouble = true;
        OK(store->ops->boot_put(store, &row));
    }
    OK(store->ops->commit(store));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        OK(store->ops->boots_of_log(store, &log, cases[i].seq, rows, cases[i].max, &count));
        assert_int_equal(count, cases[i].count);
        for (size_t j = 0; j < count; j++)
            assert_int_equal(rows[j].first_seq, cases[i].first[j]);
    }
    OK(store->ops->boots_of_log(store, &log, 1, rows, 1, &count));
    assert_true(rows[0].last_seq == 10 && rows[0].first_mono_us == 3 && rows[0].last_mono_us == -4);
    assert_true(rows[0].clock_trouble);
}

static struct fact_stamp stamp_of(unsigned number)
{
    struct fact_stamp stamp;

    memset(&stamp, 0, sizeof(stamp));
    stamp.seq = number + 1;
    stamp.boot = numbered_id(number + 2);
    stamp.mono_us = number + 3;
    stamp.wall_us = -(int64_t)number - 4;
    stamp.checkpoint_us = INT64_MIN;
    stamp.received_us = number + 5;
    stamp.pos = number + 6;
    stamp.has_place = true;
    stamp.latitude_e7 = 521234567;
    stamp.longitude_e7 = -1234567;
    stamp.accuracy_m = 12.25;
    return stamp;
}

static struct presence_row presence_row_of(unsigned number)
{
    struct presence_row row;

    memset(&row, 0, sizeof(row));
    row.presence = numbered_hash(number);
    row.offender = numbered_id(1);
    row.officer = numbered_id(2);
    row.device = numbered_id(3);
    row.log = numbered_id(4);
    row.in = stamp_of(10);
    row.has_out = true;
    row.out = stamp_of(20);
    row.with = RULE_WITH_NAMED;
    for (unsigned i = 0; i < STORE_NAMED_MAX; i++)
        row.named[i] = numbered_id(30 + i);
    row.named_count = STORE_NAMED_MAX;
    row.agency = true;
    row.plan = numbered_id(40);
    row.outcome = RULE_OUTCOME_CUSTODY;
    row.outcome_seq = 41;
    row.has_cosign = true;
    row.cosign_other = numbered_hash(42);
    row.cosign_first = true;
    row.cosign_confirmed = true;
    row.cosign_confirm_mono_us = 43;
    row.cosign_round_trip_us = 44;
    row.from_us = 100;
    row.to_us = 200;
    return row;
}

static void presence__comes_back(void **state)
{
    struct store *store = writer_of(state);
    struct presence_row put = presence_row_of(1);
    struct presence_row got;
    struct hash nothing = numbered_hash(2);

    WRITE(store, store->ops->presence_put(store, &put));
    OK(store->ops->presence_get(store, &put.presence, &got));
    SAME(put, got);
    put.has_out = false;
    memset(&put.out, 0, sizeof(put.out));
    memset(put.named, 0, sizeof(put.named));
    put.named_count = 0;
    put.in.accuracy_m = (double)INFINITY;
    put.to_us = RULE_FOREVER;
    WRITE(store, store->ops->presence_put(store, &put));
    OK(store->ops->presence_get(store, &put.presence, &got));
    SAME(put, got);
    assert_int_equal(store->ops->presence_get(store, &nothing, &got), STATUS_NOT_FOUND);
}

static void presence__keeps_an_accuracy_that_is_no_number(void **state)
{
    struct store *store = writer_of(state);
    struct presence_row put = presence_row_of(1);
    struct presence_row got;

    put.in.accuracy_m = (double)NAN;
    WRITE(store, store->ops->presence_put(store, &put));
    OK(store->ops->presence_get(store, &put.presence, &got));
    assert_true(isnan(got.in.accuracy_m));
    assert_true(!isnan(got.out.accuracy_m));
}

struct found {
    unsigned numbers[16];
    size_t count;
    enum status then;
};

static enum status note_presence(void *context, const struct presence_row *row)
{
    struct found *found = context;

    assert_in_range(found->count, 0, 15);
    found->numbers[found->count++] = get_u32(row->presence.bytes + HASH_SIZE - 4);
    return found->then;
}

static void assert_found(const struct found *found, const char *expected)
{
    assert_int_equal(found->count, strlen(expected));
    for (size_t i = 0; i < found->count; i++)
        assert_int_equal(found->numbers[i], expected[i] - '0');
}

/* Presences 1 to 5 with loose bounds [0,10] [10,20] [21,30] [-inf,+inf] [5,25]; put in falling order. */
static void put_five(struct store *store)
{
    static const int64_t bounds[][2] = {{0, 10}, {10, 20}, {21, 30}, {INT64_MIN, INT64_MAX}, {5, 25}};

    OK(store->ops->begin(store));
    for (unsigned i = 5; i >= 1; i--) {
        struct presence_row row = presence_row_of(i);
        row.from_us = bounds[i - 1][0];
        row.to_us = bounds[i - 1][1];
        row.in.boot = numbered_id(i <= 2 ? 70 : 71);
        row.out.boot = numbered_id(i <= 3 ? 70 : 71);
        row.has_out = i != 2;
        OK(store->ops->presence_put(store, &row));
        row.presence = numbered_hash(i + 10);
        row.offender = numbered_id(91);
        row.officer = numbered_id(92);
        row.log = numbered_id(93);
        OK(store->ops->presence_put(store, &row));
    }
    OK(store->ops->commit(store));
}

static void presences__are_found_by_bounds_that_touch(void **state)
{
    struct store *store = writer_of(state);
    struct id offender = numbered_id(1);
    struct id officer = numbered_id(2);
    static const struct {
        int64_t from_us;
        int64_t to_us;
        const char *expected;
    } cases[] = {{10, 10, "1245"}, {11, 20, "245"},  {26, 26, "34"},   {31, 99, "4"},
                 {-9, -1, "4"},    {20, 21, "2345"}, {0, 30, "12345"}, {INT64_MIN, INT64_MAX, "12345"}};

    put_five(store);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct found at = {0};
        struct found of = {0};
        OK(store->ops->presences_at(store, &offender, cases[i].from_us, cases[i].to_us, note_presence, &at));
        OK(store->ops->presences_of(store, &officer, cases[i].from_us, cases[i].to_us, note_presence, &of));
        assert_found(&at, cases[i].expected);
        assert_found(&of, cases[i].expected);
    }
    struct found stopped = {.then = STATUS_OVER_LIMIT};
    assert_int_equal(store->ops->presences_at(store, &offender, 0, 30, note_presence, &stopped), STATUS_OVER_LIMIT);
    assert_int_equal(stopped.count, 1);
}

static void presences__are_found_by_boot(void **state)
{
    struct store *store = writer_of(state);
    struct id log = numbered_id(4);
    struct id boot = numbered_id(70);
    struct found found = {0};

    put_five(store);
    OK(store->ops->presences_in_boot(store, &log, &boot, note_presence, &found));
    assert_found(&found, "123"); /* 3: only its check-out; 2: only its check-in */
    boot = numbered_id(71);
    found.count = 0;
    OK(store->ops->presences_in_boot(store, &log, &boot, note_presence, &found));
    assert_found(&found, "345");
    boot = numbered_id(72);
    found.count = 0;
    OK(store->ops->presences_in_boot(store, &log, &boot, note_presence, &found));
    assert_found(&found, "");
}

static void plan__comes_back_and_is_found_by_window(void **state)
{
    struct store *store = writer_of(state);
    struct plan_row put;
    struct plan_row got[2];
    struct id nothing = numbered_id(9);
    size_t count = 99;

    memset(&put, 0, sizeof(put));
    put.plan = numbered_id(1);
    put.offender = numbered_id(2);
    for (unsigned i = 0; i < 3; i++)
        put.officers[i] = numbered_id(i + 3);
    put.officer_count = 3;
    put.from_us = 100;
    put.to_us = 200;
    put.cancelled = true;
    WRITE(store, store->ops->plan_put(store, &put));
    OK(store->ops->plan_get(store, &put.plan, &got[0]));
    SAME(put, got[0]);
    assert_int_equal(store->ops->plan_get(store, &nothing, &got[0]), STATUS_NOT_FOUND);
    OK(store->ops->plans_at(store, &put.offender, 200, 300, got, 2, &count));
    assert_int_equal(count, 1);
    OK(store->ops->plans_at(store, &put.offender, 201, 300, got, 2, &count));
    assert_int_equal(count, 0);
    struct plan_row second = put;
    second.plan = numbered_id(0);
    WRITE(store, store->ops->plan_put(store, &second));
    OK(store->ops->plans_at(store, &put.offender, 0, 100, got, 2, &count));
    assert_int_equal(count, 2);
    SAME(second, got[0]);
    SAME(put, got[1]);
    assert_int_equal(store->ops->plans_at(store, &put.offender, 0, 100, got, 1, &count), STATUS_OVER_LIMIT);
}

static void authorities__are_found_by_pair_in_order_of_record(void **state)
{
    struct store *store = writer_of(state);
    struct authority_row put[3];
    struct authority_row got[3];
    struct id officer = numbered_id(1);
    struct id offender = numbered_id(2);
    size_t count = 99;

    memset(put, 0, sizeof(put));
    for (unsigned i = 0; i < 3; i++) {
        put[i].entry = numbered_hash(i + 1);
        put[i].officer = officer;
        put[i].offender = i == 2 ? officer : offender;
        put[i].granted = i == 0;
        put[i].by = numbered_id(5);
        put[i].recorded_us = 100 - (int64_t)i;
        put[i].from_us = 6;
        put[i].to_us = 7;
        WRITE(store, store->ops->authority_put(store, &put[i]));
    }
    OK(store->ops->authorities_for(store, &officer, &offender, got, 3, &count));
    assert_int_equal(count, 2);
    SAME(put[1], got[0]);
    SAME(put[0], got[1]);
    assert_int_equal(store->ops->authorities_for(store, &officer, &offender, got, 1, &count), STATUS_OVER_LIMIT);
    put[1].granted = true;
    WRITE(store, store->ops->authority_put(store, &put[1]));
    OK(store->ops->authorities_for(store, &officer, &offender, got, 3, &count));
    assert_int_equal(count, 2);
    SAME(put[1], got[0]);
}

static void decisions__are_found_by_presence_in_order_of_record(void **state)
{
    struct store *store = writer_of(state);
    struct decision_row put[2];
    struct decision_row got[2];
    struct hash presence = numbered_hash(50);
    struct hash nothing = numbered_hash(51);
    size_t count = 99;

    memset(put, 0, sizeof(put));
    for (unsigned i = 0; i < 2; i++) {
        put[i].entry = numbered_hash(i + 1);
        put[i].presence = presence;
        put[i].by = numbered_id(5);
        put[i].counts = i == 0;
        put[i].recorded_us = 9;
        put[i].pos = 20 - i;
        WRITE(store, store->ops->decision_put(store, &put[i]));
    }
    OK(store->ops->decisions_on(store, &presence, got, 2, &count));
    assert_int_equal(count, 2);
    SAME(put[1], got[0]);
    SAME(put[0], got[1]);
    assert_int_equal(store->ops->decisions_on(store, &presence, got, 1, &count), STATUS_OVER_LIMIT);
    OK(store->ops->decisions_on(store, &nothing, got, 2, &count));
    assert_int_equal(count, 0);
}

struct edits {
    char bodies[64];
    struct edit_row last;
};

static enum status note_edit(void *context, const struct edit_row *row)
{
    struct edits *edits = context;

    strncat(edits->bodies, (const char *)row->body.data, row->body.size);
    edits->last = *row;
    return STATUS_OK;
}

static void edits__are_found_by_subject_and_field_in_order_of_hash(void **state)
{
    struct store *store = writer_of(state);
    struct hash presence = numbered_hash(1);
    struct span long_subject = span_of(presence.bytes, HASH_SIZE);
    struct span short_subject = span_of(presence.bytes + ID_SIZE, ID_SIZE);
    struct edits edits = {0};

    OK(store->ops->begin(store));
    for (unsigned i = 3; i >= 1; i--) {
        struct edit_row row = {
            .entry = numbered_hash(i), .officer = numbered_id(i), .lower_us = -5, .upper_us = RULE_FOREVER};
        char letter = (char)('a' + i);
        row.body = span_of(&letter, 1);
        OK(store->ops->edit_put(store, long_subject, "outcome", &row));
        row.body = span_text("other field");
        OK(store->ops->edit_put(store, long_subject, "outcome_other", &row));
        row.body = span_text("other subject");
        OK(store->ops->edit_put(store, short_subject, "outcome", &row));
    }
    struct edit_row again = {.entry = numbered_hash(2), .body = span_text("C")};
    OK(store->ops->edit_put(store, long_subject, "outcome", &again));
    OK(store->ops->commit(store));
    OK(store->ops->edits_of(store, long_subject, "outcome", note_edit, &edits));
    assert_string_equal(edits.bodies, "bCd");
    assert_true(edits.last.lower_us == -5 && edits.last.upper_us == RULE_FOREVER);
    assert_true(edits.last.officer.bytes[ID_SIZE - 1] == 3);
    memset(&edits, 0, sizeof(edits));
    OK(store->ops->edits_of(store, long_subject, "out", note_edit, &edits));
    assert_string_equal(edits.bodies, "");
}

/* More than the writer keeps in hand: 40 MB in one transaction. */
static void more_rows_than_fit_in_hand__none_is_lost(void **state)
{
    struct store *store = writer_of(state);
    static uint8_t body[20000];
    struct flag_row flag = {.kind = 1, .state = FLAG_RAISED, .body = span_of(body, sizeof(body))}, got;

    OK(store->ops->begin(store));
    for (unsigned i = 0; i < 2000; i++) {
        flag.flag = numbered_hash(i);
        flag.times_raised = i;
        OK(store->ops->flag_put(store, &flag));
    }
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 2000; i++) {
            struct hash id = numbered_hash(i);

            OK(store->ops->flag_get(store, &id, &got));
            assert_int_equal(got.times_raised, i);
            assert_int_equal(got.body.size, sizeof(body));
        }
        if (round == 0)
            OK(store->ops->commit(store));
    }
}

static enum status count_edits(void *context, const struct edit_row *row)
{
    size_t *sizes = context;

    sizes[0]++;
    sizes[1] += row->body.size;
    return STATUS_OK;
}

/* However many there are, whether or not they fit beside one another. */
static void many_edits_of_a_presence__all_are_found(void **state)
{
    struct store *store = writer_of(state);
    struct hash presence = numbered_hash(1), contested = numbered_hash(7);
    struct span subject = span_of(presence.bytes, HASH_SIZE);
    static uint8_t body[1500];
    size_t sizes[2] = {0};

    OK(store->ops->begin(store));
    for (unsigned i = 1; i <= 60; i++) {
        struct edit_row row = {.entry = numbered_hash(i), .body = span_of(body, 100 + 20 * i)};

        OK(store->ops->edit_put(store, subject, i % 2 == 0 ? "even" : "odd", &row));
        if (i % 5 == 0)
            OK(store->ops->edit_put(store, subject, i % 2 == 0 ? "even" : "odd", &row)); /* once more: no other */
    }
    OK(store->ops->commit(store));
    OK(store->ops->edits_of(store, subject, "even", count_edits, sizes));
    assert_int_equal(sizes[0], 30);
    assert_int_equal(sizes[1], 30 * 100 + 20 * (2 + 60) * 15);
    OK(store->ops->begin(store));
    OK(store->ops->contested_put(store, &contested));
    contested = numbered_hash(59);
    OK(store->ops->contested_put(store, &contested));
    OK(store->ops->commit(store));
    memset(sizes, 0, sizeof(sizes));
    OK(store->ops->edits_of(store, subject, "odd", count_edits, sizes));
    assert_int_equal(sizes[0], 28); /* one of those that lie together, one of the others */
    OK(store->ops->begin(store));
    contested = numbered_hash(9);
    OK(store->ops->contested_put(store, &contested));
    store->ops->rollback(store);
    memset(sizes, 0, sizeof(sizes));
    OK(store->ops->edits_of(store, subject, "odd", count_edits, sizes));
    assert_int_equal(sizes[0], 28);
}

static void flags__come_back_with_their_bodies(void **state)
{
    struct store *store = writer_of(state);
    struct hash subject = numbered_hash(9);
    struct hash nothing = numbered_hash(8);
    struct flag_row got[3];
    size_t count = 99;
    static uint8_t large[100000];

    memset(large, 0x5a, sizeof(large));
    OK(store->ops->begin(store));
    for (unsigned i = 3; i >= 1; i--) {
        struct flag_row row = {
            .flag = numbered_hash(i), .subject = subject, .kind = i, .state = FLAG_CLEARED, .times_raised = 5};
        row.body = i == 2 ? span_of(large, sizeof(large)) : i == 3 ? span_text("three") : span_of(NULL, 0);
        OK(store->ops->flag_put(store, &row));
    }
    OK(store->ops->commit(store));
    OK(store->ops->flags_on(store, &subject, got, 3, &count));
    assert_int_equal(count, 3);
    assert_int_equal(got[0].body.size, 0);
    assert_true(span_equal(got[1].body, span_of(large, sizeof(large))));
    assert_true(span_equal(got[2].body, span_text("three")));
    assert_true(got[2].kind == 3 && got[2].state == FLAG_CLEARED && got[2].times_raised == 5);
    OK(store->ops->flags_on(store, &subject, got, 2, &count));
    assert_int_equal(count, 2);
    OK(store->ops->flags_on(store, &nothing, got, 2, &count));
    assert_int_equal(count, 0);
    struct flag_row moved = {
        .flag = numbered_hash(3), .subject = nothing, .state = FLAG_RAISED, .body = span_text("now")};
    WRITE(store, store->ops->flag_put(store, &moved));
    OK(store->ops->flag_get(store, &moved.flag, &got[0]));
    assert_true(span_equal(got[0].body, span_text("now")));
    assert_true(hash_equal(&got[0].subject, &nothing));
    assert_int_equal(store->ops->flag_get(store, &nothing, &got[0]), STATUS_NOT_FOUND);
}

static void timers__fire_in_order_and_once_a_subject(void **state)
{
    struct store *store = writer_of(state);
    static const int64_t due_us[] = {30, 10, 10, INT64_MIN};
    static const unsigned order[] = {4, 2, 3, 1};
    struct timer_row row;

    assert_int_equal(store->ops->timer_first(store, INT64_MAX, &row), STATUS_NOT_FOUND);
    OK(store->ops->begin(store));
    for (unsigned i = 4; i >= 1; i--) {
        struct timer_row set = {.due_us = 5, .id = numbered_hash(i)};
        OK(store->ops->timer_set(store, &set));
        set.due_us = due_us[i - 1];
        OK(store->ops->timer_set(store, &set));
    }
    for (size_t i = 0; i < 4; i++) {
        int64_t due = due_us[order[i] - 1];
        struct hash expected = numbered_hash(order[i]);
        OK(store->ops->timer_first(store, due, &row));
        assert_true(hash_equal(&row.id, &expected));
        assert_int_equal(row.due_us, due);
        if (i > 0)
            assert_int_equal(store->ops->timer_first(store, due - 1, &row), STATUS_NOT_FOUND);
        OK(store->ops->timer_clear(store, &row.id));
    }
    OK(store->ops->timer_clear(store, &row.id)); /* nothing there: nothing to do */
    OK(store->ops->commit(store));
}

static void scope_members__come_and_go(void **state)
{
    struct store *store = writer_of(state);
    struct id device = numbered_id(1);
    struct id other = numbered_id(2);
    struct scope_member members[3] = {
        {{SCOPE_OFFICER, numbered_id(5)}, 3, 0}, {{SCOPE_FORCE, {{0}}}, 1, 0}, {{SCOPE_TEAM, numbered_id(5)}, 2, 0}};
    struct scope_member got[3];
    size_t count = 99;

    OK(store->ops->begin(store));
    for (size_t i = 0; i < 3; i++)
        OK(store->ops->scope_member_put(store, &device, &members[i]));
    OK(store->ops->scope_member_put(store, &other, &members[0]));
    members[2].entered_pos = 44;
    members[2].left_pos = 50;
    OK(store->ops->scope_member_put(store, &device, &members[2]));
    OK(store->ops->commit(store));
    OK(store->ops->scopes_of_device(store, &device, got, 3, &count));
    assert_int_equal(count, 3);
    assert_true(got[0].scope.kind == SCOPE_FORCE && got[0].entered_pos == 1);
    assert_true(got[1].scope.kind == SCOPE_TEAM && got[1].entered_pos == 44 && got[1].left_pos == 50);
    assert_int_equal(got[0].left_pos, 0);
    assert_true(got[2].scope.kind == SCOPE_OFFICER && id_equal(&got[2].scope.id, &members[0].scope.id));
    assert_int_equal(store->ops->scopes_of_device(store, &device, got, 2, &count), STATUS_OVER_LIMIT);
    WRITE(store, store->ops->scope_member_forget(store, &device, &members[0].scope));
    OK(store->ops->scopes_of_device(store, &device, got, 3, &count));
    assert_int_equal(count, 2);
    OK(store->ops->scopes_of_device(store, &other, got, 3, &count));
    assert_int_equal(count, 1);
}

static void values__that_do_not_fit_are_refused(void **state)
{
    struct store *store = writer_of(state);
    struct device_row device = device_row_of(1);
    struct presence_row presence = presence_row_of(1);
    struct view_row view = {.key = span_of("", 0), .row = span_text("row")};
    uint8_t long_key[STORE_VIEW_KEY_MAX + 1] = {1};
    struct scope force = {.kind = SCOPE_FORCE};
    struct officer_row officer = {.officer = numbered_id(1)};

    OK(store->ops->begin(store));
    memset(officer.code, 'x', sizeof(officer.code));
    assert_int_equal(store->ops->officer_put(store, &officer), STATUS_OVER_LIMIT);
    device.last_seq = (uint64_t)INT64_MAX + 1;
    assert_int_equal(store->ops->device_put(store, &device), STATUS_OVER_LIMIT);
    presence.named_count = STORE_NAMED_MAX + 1;
    assert_int_equal(store->ops->presence_put(store, &presence), STATUS_OVER_LIMIT);
    assert_int_equal(store->ops->view_put(store, &view), STATUS_OVER_LIMIT);
    assert_int_equal(store->ops->feed_put(store, &force, 1, span_of(long_key, sizeof(long_key)), false),
                     STATUS_OVER_LIMIT);
    OK(store->ops->feed_put(store, &force, 1, span_of(long_key, STORE_VIEW_KEY_MAX), false));
    store->ops->rollback(store);
}

#define TEST(function)                                                                                                 \
    {                                                                                                                  \
#function, function, store_fixture_setup, store_fixture_teardown, NULL                                         \
    }

int main(void)
{
    static struct CMUnitTest tests[] = {
        TEST(device__comes_back_by_id_log_and_certificate),
        TEST(device__is_replaced_with_its_look_ups),
        TEST(devices_of_officer__are_the_oldest_first),
        TEST(officer__comes_back),
        TEST(offender__comes_back),
        TEST(risks__are_in_order_and_never_cut),
        TEST(policies__are_in_order_of_effect),
        TEST(anchor__comes_back),
        TEST(boot_anchors__the_same_again_is_one_with_its_first_drift),
        TEST(clock_points__are_the_nearest_on_either_side),
        TEST(boots__are_the_nearest_in_log_order),
        TEST(presence__comes_back),
        TEST(presence__keeps_an_accuracy_that_is_no_number),
        TEST(presences__are_found_by_bounds_that_touch),
        TEST(presences__are_found_by_boot),
        TEST(plan__comes_back_and_is_found_by_window),
        TEST(authorities__are_found_by_pair_in_order_of_record),
        TEST(decisions__are_found_by_presence_in_order_of_record),
        TEST(edits__are_found_by_subject_and_field_in_order_of_hash),
        TEST(many_edits_of_a_presence__all_are_found),
        TEST(more_rows_than_fit_in_hand__none_is_lost),
        TEST(flags__come_back_with_their_bodies),
        TEST(timers__fire_in_order_and_once_a_subject),
        TEST(scope_members__come_and_go),
        TEST(values__that_do_not_fit_are_refused),
    };
    size_t count;
    const struct store_backend *backends = store_backends(&count);
    int failed = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sizeof(tests) / sizeof(tests[0]); j++)
            tests[j].initial_state = (void *)(uintptr_t)&backends[i];
        failed += cmocka_run_group_tests_name(backends[i].name, tests, NULL, NULL);
    }
    return failed;
}
