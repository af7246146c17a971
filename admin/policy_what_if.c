#include "admin/policy_what_if.h"

#include <stdio.h>
#include <string.h>

#include "admin/command.h"
#include "admin/snapshot.h"
#include "admin/time_text.h"
#include "server/logic/what_if.h"

#define DAY_US (INT64_C(24) * 3600 * 1000 * 1000)
#define COMPANIES (RULE_COMPANY_LONE_CONFIRMED + 1)

struct tally {
    size_t judged;
    size_t differing;
    size_t before[COMPANIES];
    size_t after[COMPANIES];
};

static enum status print_case(void *context, const struct what_if_case *judged)
{
    struct tally *tally = context;
    char presence[2 * HASH_SIZE + 1];
    char received[TIME_TEXT_SIZE];

    tally->judged++;
    tally->before[judged->before->company]++;
    tally->after[judged->after->company]++;
    if (!judged->differs)
        return STATUS_OK;
    tally->differing++;
    hex_encode(span_of(judged->presence->presence.bytes, HASH_SIZE), presence);
    time_to_text(judged->presence->in.received_us / 1000, received);
    printf("%.16s  %s at %s, received %s\n    now:      %s%s\n    would be: %s%s\n", presence, judged->officer_code,
           judged->offender_reference, received, judged->before_why, judged->before->due_met ? " Due date met." : "",
           judged->after_why, judged->after->due_met ? " Due date met." : "");
    return STATUS_OK;
}

static void print_tally(const struct tally *tally, uint64_t days, size_t skipped)
{
    printf("\n%-20s %8s %8s\n", "company", "now", "would be");
    for (size_t i = 0; i < COMPANIES; i++) {
        if (tally->before[i] > 0 || tally->after[i] > 0)
            printf("%-20s %8zu %8zu\n", rule_company_name((enum rule_company)i), tally->before[i], tally->after[i]);
    }
    if (skipped > 0)
        printf("not judged, since too much stands together: %zu\n", skipped);
    printf("presences of the last %llu days: %zu, verdicts that would differ: %zu\n", (unsigned long long)days,
           tally->judged, tally->differing);
}

enum status policy_what_if(const struct force_folder *folder, const struct policy_values *values, uint64_t days)
{
    struct tally tally = {.judged = 0};
    struct snapshot snapshot;
    size_t skipped = 0;
    enum status status = snapshot_take(folder, &snapshot);

    if (status != STATUS_OK)
        return status;
    status = what_if_policy(snapshot.store, &values->message, snapshot.head.time_us - (int64_t)days * DAY_US,
                            print_case, &tally, &skipped);
    snapshot_done(&snapshot);
    if (status != STATUS_OK) {
        complain_status(status, "the visits could not be judged again");
        return status;
    }
    print_tally(&tally, days, skipped);
    return STATUS_OK;
}
