#include "client-sim/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 512
#define GRADES 5
#define STATES 5

static const char *const companies[] = {
    "joint",        "part_joint",    "accompanied",      "awaiting_second", "lone_confirmed",
    "joint_so_far", "time_unproven", "lone_provisional", "under_way",       "held",
};
#define COMPANIES (sizeof(companies) / sizeof(companies[0]))

struct kind_count {
    char kind[48];
    unsigned states[STATES];
};

struct report {
    struct dc_hash seen[ROWS_MAX];
    size_t seen_count;
    unsigned by_grade[COMPANIES][GRADES];
    struct kind_count kinds[32];
    size_t kind_count;
    unsigned lone_raised;
    struct dc_hash lone[ROWS_MAX];
};

static bool is_new(struct report *report, const struct dc_hash *hash)
{
    for (size_t i = 0; i < report->seen_count; i++) {
        if (hashes_equal(&report->seen[i], hash))
            return false;
    }
    if (report->seen_count == ROWS_MAX)
        return false;
    report->seen[report->seen_count++] = *hash;
    return true;
}

static bool count_presence(void *context, const struct dc_presence *row)
{
    struct report *report = context;

    if (row->verdict.preview || !is_new(report, &row->presence))
        return true;
    for (size_t i = 0; i < COMPANIES; i++) {
        size_t grade = row->verdict.grade[0] >= 'A' && row->verdict.grade[0] <= 'D'
                           ? (size_t)(row->verdict.grade[0] - 'A')
                           : GRADES - 1;
        if (strcmp(companies[i], row->verdict.company) == 0)
            report->by_grade[i][grade]++;
    }
    return true;
}

static bool count_flag(void *context, const struct dc_flag *flag)
{
    struct report *report = context;
    size_t kind = 0;

    if (!is_new(report, &flag->flag) || (size_t)flag->state >= STATES)
        return true;
    while (kind < report->kind_count && strcmp(report->kinds[kind].kind, flag->kind) != 0)
        kind++;
    if (kind == 32)
        return true;
    if (kind == report->kind_count) {
        snprintf(report->kinds[kind].kind, sizeof(report->kinds[kind].kind), "%s", flag->kind);
        report->kind_count++;
    }
    report->kinds[kind].states[flag->state]++;
    if (strncmp(flag->kind, "lone_", 5) == 0)
        report->lone[report->lone_raised++] = flag->flag;
    return true;
}

/* "lone_confirmed" as people write it. */
static void print_words(const char *name, int width)
{
    char words[48];

    snprintf(words, sizeof(words), "%s", name);
    for (char *at = words; *at != '\0'; at++) {
        if (*at == '_')
            *at = ' ';
    }
    printf("  %-*s", width, words);
}

static void print_visits(const struct report *report)
{
    printf("\nPresences by status and grade\n  %-24s %5s %5s %5s %5s %9s\n", "", "A", "B", "C", "D", "no grade");
    for (size_t i = 0; i < COMPANIES; i++) {
        unsigned all = 0;
        for (size_t j = 0; j < GRADES; j++)
            all += report->by_grade[i][j];
        if (all == 0)
            continue;
        print_words(companies[i], 24);
        for (size_t j = 0; j < GRADES - 1; j++)
            printf(" %5u", report->by_grade[i][j]);
        printf(" %9u\n", report->by_grade[i][GRADES - 1]);
    }
}

static void print_flags(const struct report *report)
{
    printf("\nFlags and how they stand\n  %-24s %8s %13s %10s %10s\n", "", "raised", "acknowledged", "by evidence",
           "decided");
    for (size_t i = 0; i < report->kind_count; i++) {
        const struct kind_count *kind = &report->kinds[i];
        print_words(kind->kind, 24);
        printf(" %8u %13u %10u %10u\n", kind->states[DC_FLAG_RAISED], kind->states[DC_FLAG_ACKNOWLEDGED],
               kind->states[DC_FLAG_CLEARED], kind->states[DC_FLAG_DECIDED]);
    }
}

static int by_time(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

/* From the phone's act (its check-in, or its coming online) to the supervisor's device: sync, commit and push together. */
static unsigned print_times(const struct play *play, const struct report *report)
{
    int64_t times[ROWS_MAX];
    size_t count = 0;
    unsigned delivered = 0;

    for (size_t i = 0; i < play->scenario->person_count; i++) {
        const struct person *person = &play->people[i];
        for (size_t j = 0; j < person->pushed_count && strcmp(person->package.role, "supervisor") == 0; j++) {
            if (count < ROWS_MAX)
                times[count++] = person->pushed[j].after_us;
            for (unsigned k = 0; k < report->lone_raised; k++)
                delivered += hashes_equal(&report->lone[k], &person->pushed[j].flag) ? 1 : 0;
        }
    }
    if (count > 0) {
        size_t middle = count / 2;
        qsort(times, count, sizeof(times[0]), by_time);
        printf("\nFrom the phone's sending to the supervisor's device (real time, %zu flags)\n"
               "  median %.1f ms, slowest %.1f ms\n",
               count, (double)times[middle] / 1000, (double)times[count - 1] / 1000);
    }
    return delivered;
}

bool report_print(struct play *play)
{
    struct report *report = calloc(1, sizeof(*report));
    unsigned delivered = 0;
    bool good = report != NULL;

    for (size_t i = 0; i < play->scenario->person_count && good; i++) {
        const struct person *person = &play->people[i];
        if (person->device == NULL || strcmp(person->package.role, "supervisor") != 0)
            continue;
        good = dc_each_presence(person->device, NULL, count_presence, report) == DC_OK &&
               dc_each_flag(person->device, NULL, count_flag, report) == DC_OK;
    }
    if (!good) {
        fputs("doublecrew-sim: the supervisors' rows can't be read\n", stderr);
        free(report);
        return false;
    }
    print_visits(report);
    print_flags(report);
    delivered = print_times(play, report);
    printf("\nexpectations: %zu, not met: %zu\nlone flags: raised %u, delivered %u\n"
           "acknowledged facts: %llu, found after restart: %llu\n",
           play->expected, play->failed, report->lone_raised, delivered, (unsigned long long)play->acknowledged_facts,
           (unsigned long long)play->found_facts);
    good = report->lone_raised == delivered && report->lone_raised > 0 &&
           play->acknowledged_facts == play->found_facts && play->acknowledged_facts > 0;
    free(report);
    return good;
}
