/* doublecrewctl explain: how a stored verdict came about, fact by fact. */
#include <stdio.h>
#include <string.h>

#include "admin/command.h"
#include "admin/explain_history.h"
#include "admin/explain_judged.h"
#include "admin/snapshot.h"
#include "server/logic/explanation.h"

#define CANDIDATES_MAX 64

/* What each reason means to somebody who never saw a bit (V8, A3). */
static const struct {
    uint32_t bit;
    const char *text;
} reasons[] = {
    {RULE_REASON_CONTESTED, "its phone's log is forked, and both copies are contested until a supervisor decides"},
    {RULE_REASON_REVOKED, "its phone was revoked as of a time before it"},
    {RULE_REASON_UNASSIGNED, "the officer was not assigned to this phone"},
    {RULE_REASON_TWO_PLACES, "the officer was certainly at two places at once"},
    {RULE_REASON_PARTNER_FAR, "a partner's phone was certainly too far away"},
    {RULE_REASON_PARTNER_HELD, "a partner's evidence is held"},
    {RULE_REASON_OPEN, "there is no check-out yet"},
    {RULE_REASON_OUT_MISSING, "the check-out is missing: it is assumed"},
    {RULE_REASON_OUT_LATE, "the check-out was pressed away from the place: it is assumed"},
    {RULE_REASON_ACCOMPANIED, "somebody was there who does not count as a second officer"},
    {RULE_REASON_CLAIMED_ONLY, "a second officer is only named"},
    {RULE_REASON_ONE_DEVICE, "one phone was used for two officers"},
    {RULE_REASON_PLACES_APART, "the two phones' locations are apart"},
    {RULE_REASON_CLOCK_TROUBLE, "clocks contradict each other"},
    {RULE_REASON_NOT_ENTITLED, "the officer was not entitled"},
    {RULE_REASON_AWAITS_CANDIDATE, "a phone that could hold the second presence has yet to report"},
    {RULE_REASON_EVIDENCE_OVERDUE, "and that evidence is overdue"},
    {RULE_REASON_OUTCOMES_DIFFER, "the officers recorded different outcomes"},
    {RULE_REASON_DECIDED_COUNTS, "a supervisor decided that it counts"},
    {RULE_REASON_DECIDED_AGAINST, "a supervisor decided that it does not count"},
    {RULE_REASON_LONE_FORBIDDEN, "policy allows no lone visit at this risk level"},
};

static const char *code_of(const struct neighbourhood *hood, size_t officer)
{
    return hood->codes[officer][0] != '\0' ? hood->codes[officer] : "somebody unknown";
}

/* A time as far as it is known. */
static void print_instant(const char *what, const struct rule_instant *at)
{
    if (at->lo_us == INT64_MIN || at->hi_us == RULE_FOREVER)
        printf("  %-13s %s%s, and nothing says when it was at the %s\n", what,
               at->hi_us == RULE_FOREVER ? "after " : "before ",
               history_time((at->hi_us == RULE_FOREVER ? at->lo_us : at->hi_us) / 1000),
               at->hi_us == RULE_FOREVER ? "latest" : "earliest");
    else
        printf("  %-13s %s, give or take %.3f s\n", what, history_time((at->lo_us / 2 + at->hi_us / 2 + 500000) / 1000),
               (double)(at->hi_us - at->lo_us) / 2e6);
}

static void print_verdict(const struct explanation *explanation)
{
    const struct neighbourhood *hood = explanation->hood;
    const struct rule_verdict *verdict = &hood->verdicts[explanation->index];
    char hex[2 * HASH_SIZE + 1];

    hex_encode(span_of(hood->rows[explanation->index].presence.bytes, HASH_SIZE), hex);
    printf("Presence %s\n%s at %s\n\nThe verdict, as of record %llu (%s), rule engine %s\n", hex,
           code_of(hood, hood->presences[explanation->index].officer), hood->offender.reference,
           (unsigned long long)explanation->batch->head.pos, history_time(explanation->batch->head.time_us / 1000),
           explanation->batch->head.engine);
    printf("  %s\n  company %s%s%s%s%s; authority %s; due date %s\n", explanation->why,
           rule_company_name(verdict->company), verdict->confirmed_by != RULE_CONFIRMED_NOT ? " by " : "",
           rule_confirmed_name(verdict->confirmed_by), verdict->grade != RULE_GRADE_NONE ? ", grade " : "",
           rule_grade_name(verdict->grade), rule_authority_name(verdict->authority),
           verdict->due_met ? "met" : "not met");
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if ((verdict->reasons & reasons[i].bit) != 0)
            printf("  because %s\n", reasons[i].text);
    }
}

static void print_times(const struct explanation *explanation)
{
    const struct rule_presence *presence = &explanation->hood->presences[explanation->index];
    const struct rule_verdict *verdict = &explanation->hood->verdicts[explanation->index];

    printf("\nWhen it was\n");
    print_instant("check-in", &presence->in);
    if (presence->has_out)
        print_instant("check-out", &presence->out);
    if ((verdict->reasons & (RULE_REASON_OUT_MISSING | RULE_REASON_OUT_LATE)) != 0)
        print_instant("assumed out", &verdict->out);
}

/* What the partner's presence is worth to this one, in the words of the rule (V2, V5, V6). */
static const char *standing_of(const struct neighbourhood *hood, size_t other, const struct rule_presence *own)
{
    const struct rule_presence *presence = &hood->presences[other];

    if (presence->offender != own->offender)
        return "elsewhere at that time";
    if (presence->officer == own->officer)
        return "the same officer's";
    if (presence->device == own->device)
        return "on the same phone: never joint";
    if (hood->verdicts[other].company == RULE_COMPANY_HELD)
        return "held";
    return "may count";
}

static void print_others(const struct explanation *explanation)
{
    const struct neighbourhood *hood = explanation->hood;
    const struct rule_presence *own = &hood->presences[explanation->index];

    printf("\nWhat stands beside it\n");
    if (hood->count == 1)
        printf("  nothing\n");
    for (size_t i = 0; i < hood->count; i++) {
        char hex[2 * HASH_SIZE + 1];

        if (i == explanation->index)
            continue;
        hex_encode(span_of(hood->rows[i].presence.bytes, HASH_SIZE), hex);
        printf("  %s, presence %.16s: %s; %s%s\n", code_of(hood, hood->presences[i].officer), hex,
               standing_of(hood, i, own), rule_company_name(hood->verdicts[i].company),
               hood->verdicts[explanation->index].best_partner == i ? "; covers most of this one" : "");
        print_instant("  check-in", &hood->presences[i].in);
        if (hood->presences[i].has_out)
            print_instant("  check-out", &hood->presences[i].out);
        if (hood->presences[i].offender == own->offender && hood->presences[i].officer != own->officer)
            judged_print_partner(explanation, i);
    }
}

static bool checked_in_here(const struct neighbourhood *hood, size_t index, size_t device)
{
    for (size_t i = 0; i < hood->count; i++) {
        if (i != index && hood->presences[i].device == device &&
            hood->presences[i].offender == hood->presences[index].offender)
            return true;
    }
    return false;
}

/* Whose logs could hold the second presence, and how far each has reported (W1, W2). */
static void print_candidates(const struct explanation *explanation)
{
    const struct neighbourhood *hood = explanation->hood;
    struct id candidates[CANDIDATES_MAX];
    size_t count = neighbourhood_candidates(hood, explanation->index, candidates, CANDIDATES_MAX);
    int64_t until_us = hood->verdicts[explanation->index].out.hi_us;

    printf("\nWho could have been the second officer\n");
    if (count == 0)
        printf("  nobody was named, and no plan names another\n");
    for (size_t i = 0; i < hood->rule_case.device_count; i++) {
        const struct rule_device *device = &hood->devices[i];
        bool is_candidate = false;

        for (size_t j = 0; j < count; j++)
            is_candidate = is_candidate || id_equal(&candidates[j], &hood->officers[device->officer].id);
        if (!is_candidate)
            continue;
        if (device->lost)
            printf("  %s: a phone that is lost; it can't report\n", code_of(hood, device->officer));
        else if (checked_in_here(hood, explanation->index, i))
            printf("  %s: a phone that has checked in, above\n", code_of(hood, device->officer));
        else if (!device->watermark_known || device->watermark_us == INT64_MIN)
            printf("  %s: a phone that has not reported yet\n", code_of(hood, device->officer));
        else
            printf("  %s: a phone that has reported all up to %s: %s the visit\n", code_of(hood, device->officer),
                   history_time(device->watermark_us / 1000),
                   device->watermark_us > until_us ? "past" : "not yet past");
    }
}

static enum status explain(struct store *store, struct roster *roster, const char *digits)
{
    struct explanation explanation;
    struct hash presence;
    enum status status = history_find_presence(store, digits, &presence);

    if (status == STATUS_OK)
        status = explanation_read(store, &presence, &explanation);
    if (status != STATUS_OK)
        return status;
    print_verdict(&explanation);
    print_times(&explanation);
    judged_print_measure(&explanation);
    print_others(&explanation);
    print_candidates(&explanation);
    judged_print_decisions(&explanation);
    explanation_done(&explanation);
    printf("\nWhat was recorded, and what people were told, in the journal's order\n");
    return history_print(store, roster, &presence);
}

static int complain_presence(enum status status, const char *digits)
{
    switch (status) {
    case STATUS_INPUT:
        return complain("'%s' is no presence: give its id, or at least the first 8 hex digits of it", digits);
    case STATUS_NOT_FOUND:
        return complain("no presence begins with '%s': take the id from the console, the log, or a report", digits);
    case STATUS_EXISTS:
        return complain("several presences begin with '%s': give more digits", digits);
    default:
        return complain_status(status, "the presence could not be explained");
    }
}

int command_explain(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *plain[1];
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}};
    struct force_folder folder;
    struct force_facts facts;
    struct roster roster;
    struct snapshot snapshot;

    if (!options_read(command, argc, argv, specs, 1, plain, 1, &plain_count))
        return EXIT_USAGE;
    if (plain_count != 1)
        return complain_usage(command);
    if (!force_open(dir, &folder, &facts) || roster_read(&folder, &roster) != STATUS_OK)
        return EXIT_FAILED;

    enum status status = snapshot_take(&folder, &snapshot);

    if (status == STATUS_OK) {
        status = explain(snapshot.store, &roster, plain[0]);
        snapshot_done(&snapshot);
        if (status != STATUS_OK)
            complain_presence(status, plain[0]);
    }
    roster_done(&roster);
    return status == STATUS_OK ? EXIT_DONE : EXIT_FAILED;
}
