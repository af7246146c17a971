#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/store_rows.h"

struct store *writer_of(void **state)
{
    return ((struct store_fixture *)*state)->writer;
}

struct device_row device_row_of(unsigned number)
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

struct presence_row presence_row_of(unsigned number)
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

int store_rows_run(struct CMUnitTest *tests, size_t test_count)
{
    size_t count;
    const struct store_backend *backends = store_backends(&count);
    int failed = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < test_count; j++)
            tests[j].initial_state = (void *)(uintptr_t)&backends[i];
        failed += _cmocka_run_group_tests(backends[i].name, tests, test_count, NULL, NULL);
    }
    return failed;
}
