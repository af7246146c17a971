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
    page->size = page->length + 1; /* nothing follows what was cut */
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

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

/* Known to the second or so, as clocks are: to the nearest minute, and said to be about that. 0: no. */
static int64_t about_minutes(int64_t min_us, int64_t max_us)
{
    int64_t least = (min_us + MINUTE_US / 2) / MINUTE_US;

    return min_us > 0 && min_us < max_us && max_us - min_us < MINUTE_US / 2 &&
                   (max_us + MINUTE_US / 2) / MINUTE_US == least
               ? least
               : 0;
}

/* At least, rounded down; at most, rounded up: the words never claim more than the figures. */
static void say_minutes(struct page *page, int64_t min_us, int64_t max_us)
{
    int64_t about = max_us == RULE_FOREVER ? 0 : about_minutes(min_us, max_us);
    int64_t min = min_us <= 0 ? 0 : min_us / MINUTE_US;
    int64_t max = max_us <= 0 ? 0 : max_us / MINUTE_US + (max_us % MINUTE_US != 0 ? 1 : 0);

    if (max_us == RULE_FOREVER && min == 0) {
        say(page, "an unknown time");
    } else if (max_us == RULE_FOREVER) {
        say(page, "%" PRId64 " minute%s or more", min, plural(min));
    } else if (about > 0) {
        say(page, "about %" PRId64 " minute%s", about, plural(about));
    } else if (max_us > 0 && max_us < MINUTE_US) {
        say(page, "less than a minute");
    } else if (min == max || min_us == max_us) {
        say(page, "%" PRId64 " minute%s", max, plural(max));
    } else if (min == 0) {
        say(page, "at most %" PRId64 " minute%s", max, plural(max));
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
    say(page, "; phones %" PRIu64 "\u2013%" PRIu64 " m apart", away_m > blur_m ? away_m - blur_m : 0,
        away_m + blur_m + 1);
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

/* What is covered is covered by all partners together. */
static void say_partners(struct page *page)
{
    const struct rule_verdict *verdict = page->verdict;
    const char *partner = "an officer";
    size_t others = verdict->partner_count > 1 ? verdict->partner_count - 1 : 0;

    if (verdict->best_partner != RULE_NONE) {
        partner = officer_name(page, page->given->presences[verdict->best_partner].officer);
    }
    if (others == 0) {
        say(page, "%s's presence covers ", partner);
    } else {
        say(page, "the presences of %s and %zu other officer%s cover ", partner, others, others == 1 ? "" : "s");
    }
}

static void say_joint(struct page *page, const char *title)
{
    const struct rule_verdict *verdict = page->verdict;

    say(page, "%s, grade %s: ", title, rule_grade_name(verdict->grade));
    say_partners(page);
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
    static const struct {
        enum rule_reason reason;
        const char *words;
    } whys[] = {
        {RULE_REASON_CONTESTED, "two copies of the phone's log exist"},
        {RULE_REASON_REVOKED, "the phone was revoked as of before the check-in"},
        {RULE_REASON_UNASSIGNED, "the officer was not assigned to the phone"},
        {RULE_REASON_TWO_PLACES, "the officer would have been at two places at once"},
    };
    const char *between = ": ";

    say(page, "Held until a supervisor decides");
    for (size_t i = 0; i < sizeof whys / sizeof *whys; i++) {
        if (has(page, whys[i].reason)) {
            say(page, "%s%s", between, whys[i].words);
            between = ", and ";
        }
    }
}

/* "PC 2207 was", "PC 2207 and PC 3301 were"; how many. */
static size_t say_named(struct page *page, const char *one, const char *many)
{
    size_t count = 0;
    size_t said = 0;

    for (size_t i = 0; page->is->with == RULE_WITH_NAMED && i < page->is->named_count; i++) {
        count += page->is->named[i] != page->is->officer ? 1 : 0;
    }
    for (size_t i = 0; i < page->is->named_count && count > 0; i++) {
        if (page->is->named[i] != page->is->officer) {
            said++;
            say(page, "%s%s", officer_name(page, page->is->named[i]),
                said == count       ? ""
                : said + 1 == count ? " and "
                                    : ", ");
        }
    }
    if (count > 0) {
        say(page, " %s", count == 1 ? one : many);
    }
    return count;
}

static void say_awaiting(struct page *page)
{
    say(page, "Awaiting the second officer: ");
    if (has(page, RULE_REASON_PARTNER_HELD)) {
        say(page, "a partner's evidence is held until a supervisor decides");
    } else if (has(page, RULE_REASON_PARTNER_FAR)) {
        say(page, "the two phones were too far apart to count together until a supervisor decides");
    } else if (page->verdict->best_partner == RULE_NONE) {
        say(page, "nobody else's presence counts so far");
    } else {
        say_partners(page);
        say(page, "some of %s's so far", officer_name(page, page->is->officer));
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
        say(page, "Under way: %s has checked in, and no second officer yet", officer_name(page, page->is->officer));
        break;
    case RULE_COMPANY_JOINT_SO_FAR:
        say_joint(page, "Joint so far");
        break;
    case RULE_COMPANY_JOINT:
        say_joint(page, "Joint");
        break;
    case RULE_COMPANY_TIME_UNPROVEN:
        say(page,
            "Time unproven: the times leave open whether a second officer was with %s for long enough; alone for ",
            officer_name(page, page->is->officer));
        say_minutes(page, verdict->alone_min_us, verdict->alone_max_us);
        break;
    case RULE_COMPANY_AWAITING_SECOND:
        say_awaiting(page);
        break;
    case RULE_COMPANY_ACCOMPANIED:
        say(page, "Accompanied: the second person %sdoes not count as a second officer",
            page->is->agency ? "is from a partner agency and " : "");
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

static bool is_lone(enum rule_company company)
{
    return company == RULE_COMPANY_LONE_PROVISIONAL || company == RULE_COMPANY_LONE_CONFIRMED;
}

/* What the company's own words have said already isn't said again. */
static bool is_worth_saying(const struct page *page, enum rule_reason reason)
{
    bool awaiting = page->verdict->company == RULE_COMPANY_AWAITING_SECOND;

    switch (reason) {
    case RULE_REASON_ACCOMPANIED:
        return page->verdict->company != RULE_COMPANY_ACCOMPANIED;
    case RULE_REASON_PARTNER_HELD:
        return !awaiting;
    case RULE_REASON_PARTNER_FAR:
        return !awaiting || has(page, RULE_REASON_PARTNER_HELD);
    case RULE_REASON_LONE_FORBIDDEN:
        return is_lone(page->verdict->company);
    default:
        return true;
    }
}

/* A person of a partner agency has no phone to check in with: nobody is missing. */
static void say_claimed(struct page *page)
{
    if (!has(page, RULE_REASON_CLAIMED_ONLY) || (page->is->agency && page->is->named_count == 0)) {
        return;
    }
    say(page, "; ");
    if (say_named(page, "was named but has not checked in", "were named but have not checked in") == 0) {
        say(page, "a second person was named but has not checked in");
    }
    say(page, " (grade D)");
}

static bool has_presence(const struct page *page, size_t officer)
{
    for (size_t i = 0; i < page->given->presence_count; i++) {
        const struct rule_presence *other = &page->given->presences[i];

        if (other->officer == officer && other->offender == page->is->offender) {
            return true;
        }
    }
    return false;
}

static bool is_planned(const struct page *page, size_t officer)
{
    for (size_t i = 0; i < page->given->plan_count; i++) {
        const struct rule_plan *plan = &page->given->plans[i];

        for (size_t k = 0; k < plan->officer_count; k++) {
            if (plan->officers[k] == officer && plan->offender == page->is->offender &&
                page->is->in.hi_us >= plan->from_us && page->is->in.lo_us < plan->to_us) {
                return true;
            }
        }
    }
    return false;
}

/* The next one by id, since the order of a case's arrays means nothing; RULE_NONE: no more. */
static size_t next_planned(const struct page *page, size_t after)
{
    const struct rule_officer *officers = page->given->officers;
    size_t next = RULE_NONE;

    for (size_t i = 0; i < page->given->officer_count; i++) {
        if (i == page->is->officer || !is_planned(page, i) || has_presence(page, i) ||
            (after != RULE_NONE && id_compare(&officers[i].id, &officers[after].id) <= 0) ||
            (next != RULE_NONE && id_compare(&officers[i].id, &officers[next].id) >= 0)) {
            continue;
        }
        next = i;
    }
    return next;
}

/* Who is awaited though the check-in names nobody (W2). */
static void say_planned(struct page *page)
{
    size_t officer = RULE_NONE;

    if (!has(page, RULE_REASON_AWAITS_CANDIDATE) || (page->is->with == RULE_WITH_NAMED && page->is->named_count > 0)) {
        return;
    }
    while ((officer = next_planned(page, officer)) != RULE_NONE) {
        say(page, "; %s was planned", officer_name(page, officer));
    }
}

static void say_against(struct page *page)
{
    if (!has(page, RULE_REASON_DECIDED_AGAINST)) {
        return;
    }
    say(page, "%s",
        page->verdict->against_lapsed
            ? "; a supervisor had decided that it was not appropriate, before the evidence came"
            : "; a supervisor decided that it was not appropriate");
}

static void say_marks(struct page *page)
{
    static const struct {
        enum rule_reason reason;
        const char *words;
    } marks[] = {
        {RULE_REASON_ACCOMPANIED, "; accompanied by a person who does not count as a second officer"},
        {RULE_REASON_PARTNER_HELD, "; another officer's evidence is held until a supervisor decides"},
        {RULE_REASON_PARTNER_FAR, "; another officer's phone was too far away to count until a supervisor decides"},
        {RULE_REASON_AWAITS_CANDIDATE, "; still awaited: a phone that has not yet reported past the visit"},
        {RULE_REASON_EVIDENCE_OVERDUE, ", and it is overdue"},
        {RULE_REASON_OUT_MISSING, "; check-out missing, its time is assumed"},
        {RULE_REASON_OUT_LATE, "; check-out pressed away from the place, its time is assumed"},
        {RULE_REASON_ONE_DEVICE, "; one phone was used for two officers"},
        {RULE_REASON_NOT_ENTITLED, "; an officer was not entitled at the check-in"},
        {RULE_REASON_CLOCK_TROUBLE, "; the clocks contradict each other"},
        {RULE_REASON_OUTCOMES_DIFFER, "; the officers recorded different outcomes"},
        {RULE_REASON_LONE_FORBIDDEN, "; policy allows no lone visit at this risk level"},
        {RULE_REASON_DECIDED_COUNTS, "; a supervisor decided that it counts"},
    };

    say_claimed(page);
    say_planned(page);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (has(page, marks[i].reason) && is_worth_saying(page, marks[i].reason)) {
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
