#include "core/rule_explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define MINUTE_US INT64_C(60000000)

struct page {
    const struct rule_case *given;
    const struct rule_verdict *verdict;
    const struct rule_presence *is;
    rule_officer_name name;
    const void *context;
    char *buffer;
    size_t size;
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void say(struct page *page, const char *format, ...)
{
    va_list arguments;
    int written;

    va_start(arguments, format);
    written = vsnprintf(page->buffer + page->length, page->size - page->length, format, arguments);
    va_end(arguments);
    if (written < 0) {
        return;
    }
    if ((size_t)written < page->size - page->length) {
        page->length += (size_t)written;
        return;
    }
    page->length = page->size - 1;
    while (page->length > 0 && ((unsigned char)page->buffer[page->length - 1] & 0xc0u) == 0x80u) {
        page->length--; /* not half a character */
    }
    if (page->length > 0 && ((unsigned char)page->buffer[page->length - 1] & 0x80u) != 0) {
        page->length--;
    }
    page->buffer[page->length] = '\0';
}

static const char *officer_name(const struct page *page, size_t officer)
{
    const char *name = page->name == NULL ? NULL : page->name(page->context, officer);

    return name == NULL ? "an officer" : name;
}

static bool has(const struct page *page, enum rule_reason reason)
{
    return (page->verdict->reasons & (uint32_t)reason) != 0;
}

/* At least, rounded down; at most, rounded up: the words never claim more than the figures. */
static void say_minutes(struct page *page, int64_t min_us, int64_t max_us)
{
    int64_t min = min_us <= 0 ? 0 : min_us / MINUTE_US;
    int64_t max = max_us <= 0 ? 0 : max_us / MINUTE_US + (max_us % MINUTE_US != 0 ? 1 : 0);

    if (max_us == RULE_FOREVER) {
        say(page, "%" PRId64 " minutes or more", min);
    } else if (min_us == max_us && max_us % MINUTE_US != 0 && min == 0) {
        say(page, "less than a minute");
    } else if (min == max || min_us == max_us) {
        say(page, "%" PRId64 " minute%s", max, max == 1 ? "" : "s");
    } else if (min == 0) {
        say(page, "at most %" PRId64 " minute%s", max, max == 1 ? "" : "s");
    } else {
        say(page, "%" PRId64 " to %" PRId64 " minutes", min, max);
    }
}

static uint64_t root_of(uint64_t square)
{
    uint64_t root = 0;

    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1) {
        if ((root + bit) * (root + bit) <= square) {
            root += bit;
        }
    }
    return root;
}

/* The pair's distance, give or take both accuracies. */
static void say_distance(struct page *page, const struct rule_place *a, const struct rule_place *b)
{
    double dx_m = a->x_m - b->x_m;
    double dy_m = a->y_m - b->y_m;
    double square = dx_m * dx_m + dy_m * dy_m;
    double both_m = a->accuracy_m + b->accuracy_m;
    uint64_t away_m;
    uint64_t blur_m;

    if (!a->known || !b->known) {
        say(page, "; no location for %s", a->known || b->known ? "one of the phones" : "either phone");
        return;
    }
    if (!(square < 1e14) || !(both_m >= 0 && both_m < 1e7)) {
        say(page, "; the phones very far apart");
        return;
    }
    away_m = root_of((uint64_t)square);
    blur_m = (uint64_t)both_m;
    say(page, "; phones %" PRIu64 "-%" PRIu64 " m apart", away_m > blur_m ? away_m - blur_m : 0, away_m + blur_m + 1);
}

static void say_pair(struct page *page)
{
    const struct rule_presence *other;

    if (page->verdict->best_partner == RULE_NONE) {
        return;
    }
    other = &page->given->presences[page->verdict->best_partner];
    say_distance(page, &page->is->in_at, &other->in_at);
    if (has(page, RULE_REASON_PLACES_APART)) {
        say(page, ", farther than partners should be");
    }
}

static void say_joint(struct page *page, const char *title)
{
    const struct rule_verdict *verdict = page->verdict;
    const char *partner = "other officers";

    if (verdict->best_partner != RULE_NONE) {
        partner = officer_name(page, page->given->presences[verdict->best_partner].officer);
    }
    say(page, "%s, grade %s: %s's presence covers ", title, rule_grade_name(verdict->grade), partner);
    if (verdict->alone_max_us <= 0) {
        say(page, "all");
    } else {
        say(page, "all but ");
        say_minutes(page, verdict->alone_min_us, verdict->alone_max_us);
    }
    say(page, " of %s's", officer_name(page, page->is->officer));
    say_pair(page);
}

static void say_held(struct page *page)
{
    const char *why = has(page, RULE_REASON_CONTESTED)    ? "two copies of the phone's log exist"
                      : has(page, RULE_REASON_REVOKED)    ? "the phone was revoked as of before the check-in"
                      : has(page, RULE_REASON_UNASSIGNED) ? "the officer was not assigned to the phone"
                      : has(page, RULE_REASON_TWO_PLACES) ? "the officer would have been at two places at once"
                                                          : "the evidence is in doubt";

    say(page, "Held until a supervisor decides: %s", why);
}

static void say_awaiting(struct page *page)
{
    if (has(page, RULE_REASON_PARTNER_HELD)) {
        say(page, "Awaiting the second officer: a partner's evidence is held until a supervisor decides");
    } else if (has(page, RULE_REASON_PARTNER_FAR)) {
        say(page, "Awaiting the second officer: the two phones were too far apart to count together until a supervisor "
                  "decides");
    } else {
        say(page, "Awaiting the second officer: nobody else's presence counts so far");
    }
    if (page->verdict->best_partner != RULE_NONE) {
        say(page, "; alone for ");
        say_minutes(page, page->verdict->alone_min_us, page->verdict->alone_max_us);
    }
}

static void say_lone(struct page *page)
{
    static const char *const how[] = {
        [RULE_CONFIRMED_NOT] = "no second officer",
        [RULE_CONFIRMED_BY_LOG] = "every phone that could show a second officer has reported past the visit",
        [RULE_CONFIRMED_BY_STATEMENT] = "the officer said so at the check-in",
        [RULE_CONFIRMED_BY_TIME_LIMIT] = "the time limit has passed and no phone can still report a second officer",
    };

    if (page->verdict->company == RULE_COMPANY_LONE_PROVISIONAL) {
        say(page, "Lone, provisionally: no second officer has checked in, and nobody was named or planned; there for ");
    } else {
        say(page, "Lone, confirmed: %s; there for ", how[page->verdict->confirmed_by]);
    }
    say_minutes(page, page->verdict->alone_min_us, page->verdict->alone_max_us);
}

static void say_company(struct page *page)
{
    const struct rule_verdict *verdict = page->verdict;

    switch (verdict->company) {
    case RULE_COMPANY_HELD:
        say_held(page);
        break;
    case RULE_COMPANY_UNDER_WAY:
        say(page, "Under way: %s checked in and nobody else has yet", officer_name(page, page->is->officer));
        break;
    case RULE_COMPANY_JOINT_SO_FAR:
        say_joint(page, "Joint so far");
        break;
    case RULE_COMPANY_JOINT:
        say_joint(page, "Joint");
        break;
    case RULE_COMPANY_TIME_UNPROVEN:
        say(page, "Time unproven: the phones' clocks leave open whether %s was joined by a second officer; alone for ",
            officer_name(page, page->is->officer));
        say_minutes(page, verdict->alone_min_us, verdict->alone_max_us);
        break;
    case RULE_COMPANY_AWAITING_SECOND:
        say_awaiting(page);
        break;
    case RULE_COMPANY_ACCOMPANIED:
        say(page, "Accompanied: the second person does not count as a second officer");
        break;
    case RULE_COMPANY_PART_JOINT:
        say_joint(page, "Part joint");
        break;
    case RULE_COMPANY_LONE_PROVISIONAL:
    case RULE_COMPANY_LONE_CONFIRMED:
        say_lone(page);
        break;
    }
}

/* A person of a partner agency has no phone to check in with: nobody is missing. */
static bool is_worth_saying(const struct page *page, enum rule_reason reason)
{
    return has(page, reason) && (reason != RULE_REASON_CLAIMED_ONLY || !page->is->agency || page->is->named_count > 0);
}

/* L2: met in spite of it, so what came later made the visit joint. */
static bool is_lapsed(const struct page *page)
{
    return page->verdict->company == RULE_COMPANY_JOINT && page->verdict->due_met;
}

static void say_against(struct page *page)
{
    if (!has(page, RULE_REASON_DECIDED_AGAINST)) {
        return;
    }
    say(page, "%s",
        is_lapsed(page) ? "; a supervisor had decided that it was not appropriate, before the evidence came"
                        : "; a supervisor decided that it was not appropriate");
}

static void say_marks(struct page *page)
{
    static const struct {
        enum rule_reason reason;
        const char *words;
    } marks[] = {
        {RULE_REASON_CLAIMED_ONLY, "; a second person was named but has not checked in (grade D)"},
        {RULE_REASON_AWAITS_CANDIDATE, "; still awaited: a phone that has not yet reported past the visit"},
        {RULE_REASON_EVIDENCE_OVERDUE, ", and it is overdue"},
        {RULE_REASON_OUT_MISSING, "; check-out missing, its time is assumed"},
        {RULE_REASON_OUT_LATE, "; check-out pressed away from the place, its time is assumed"},
        {RULE_REASON_ONE_DEVICE, "; one phone was used for two officers"},
        {RULE_REASON_NOT_ENTITLED, "; an officer was not entitled at the check-in"},
        {RULE_REASON_CLOCK_TROUBLE, "; the clocks contradict each other"},
        {RULE_REASON_OUTCOMES_DIFFER, "; the officers recorded different outcomes"},
        {RULE_REASON_DECIDED_COUNTS, "; a supervisor decided that it counts"},
    };

    if (has(page, RULE_REASON_ACCOMPANIED) && page->verdict->company != RULE_COMPANY_ACCOMPANIED) {
        say(page, "; accompanied by a person who does not count as a second officer");
    }
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (is_worth_saying(page, marks[i].reason)) {
            say(page, "%s", marks[i].words);
        }
    }
    say_against(page);
}

size_t rule_explain(const struct rule_case *rule_case, const struct rule_verdict *verdicts, size_t index,
                    rule_officer_name name, const void *context, char *buffer, size_t size)
{
    struct page page = {
        .given = rule_case,
        .verdict = &verdicts[index],
        .is = &rule_case->presences[index],
        .name = name,
        .context = context,
        .buffer = buffer,
        .size = size,
    };

    if (size == 0) {
        return 0;
    }
    buffer[0] = '\0';
    say_company(&page);
    say_marks(&page);
    say(&page, ".");
    return page.length;
}
