#include "device/preview_words.h"

#include <stdio.h>
#include <string.h>

#include "device/row_read.h"
#include "device/view_rows.h"

struct list {
    char *text;
    size_t size;
    size_t length;
};

static void put(struct list *list, const char *words)
{
    int written = snprintf(list->text + list->length, list->size - list->length, "%s", words);

    if (written > 0 && (size_t)written < list->size - list->length) {
        list->length += (size_t)written;
    } else {
        list->text[list->length] = '\0'; /* whole words or none */
    }
}

static bool is_here(const struct preview_case *preview, size_t officer)
{
    for (size_t i = 0; i < preview->visit_count; i++) {
        if (preview->presences[i].officer == officer) {
            return true;
        }
    }
    return false;
}

static bool has_reported(const struct preview_case *preview, size_t officer)
{
    bool any = false;

    for (size_t i = 0; i < preview->device_count; i++) {
        if (preview->devices[i].officer == officer) {
            any = true;
            if (!preview->devices[i].watermark_known) {
                return false;
            }
        }
    }
    return any;
}

static bool is_planned(const struct preview_case *preview, const struct rule_presence *presence, size_t officer)
{
    for (size_t i = 0; i < preview->plan_count; i++) {
        const struct rule_plan *plan = &preview->plans[i];

        for (size_t k = 0; k < plan->officer_count; k++) {
            if (plan->officers[k] == officer && presence->in.hi_us >= plan->from_us &&
                presence->in.lo_us < plan->to_us) {
                return true;
            }
        }
    }
    return false;
}

static bool is_awaited(const struct preview_case *preview, const struct rule_presence *presence, size_t officer)
{
    bool named = is_planned(preview, presence, officer);

    for (size_t i = 0; i < presence->named_count && presence->with == RULE_WITH_NAMED; i++) {
        named = named || presence->named[i] == officer;
    }
    return named && officer != presence->officer && !is_here(preview, officer) && !has_reported(preview, officer);
}

static void put_second_officer(const struct preview_case *preview, const struct rule_presence *presence,
                               char codes[][PREVIEW_CODE_SIZE], struct list *list)
{
    bool any = false;

    put(list, "The second officer's phone's sync");
    for (size_t i = 0; i < preview->officer_count; i++) {
        if (codes[i][0] != '\0' && is_awaited(preview, presence, i)) {
            put(list, any ? ", " : " (");
            put(list, codes[i]);
            any = true;
        }
    }
    put(list, any ? "). " : ". ");
}

static bool awaits_phone(const struct rule_verdict *verdict)
{
    bool held = (verdict->reasons & (RULE_REASON_PARTNER_HELD | RULE_REASON_PARTNER_FAR)) != 0;

    return (verdict->reasons & RULE_REASON_AWAITS_CANDIDATE) != 0 ||
           (verdict->company == RULE_COMPANY_AWAITING_SECOND && !held) ||
           verdict->company == RULE_COMPANY_LONE_PROVISIONAL || verdict->company == RULE_COMPANY_UNDER_WAY;
}

static bool awaits_decision(const struct rule_verdict *verdict)
{
    return verdict->company == RULE_COMPANY_HELD || verdict->company == RULE_COMPANY_TIME_UNPROVEN ||
           (verdict->company == RULE_COMPANY_AWAITING_SECOND &&
            (verdict->reasons & (RULE_REASON_PARTNER_HELD | RULE_REASON_PARTNER_FAR)) != 0);
}

void preview_write_awaits(struct dc_device *device, const struct preview_case *preview, size_t index,
                          const struct rule_verdict *verdict, char codes[][PREVIEW_CODE_SIZE])
{
    struct list list = {.text = device->texts.awaits, .size = sizeof device->texts.awaits};
    const struct rule_presence *presence = &preview->presences[index];

    list.text[0] = '\0';
    if (preview->news || device->head.seq > device->sync.durable_seq) {
        put(&list, "This phone's next sync. ");
    }
    if (awaits_phone(verdict)) {
        put_second_officer(preview, presence, codes, &list);
    }
    if (!preview->roster_known) {
        put(&list, "The roster, which this phone doesn't hold yet. ");
    }
    if (preview->told && !preview->complete) {
        put(&list, "What the server knows of others' visits and this phone doesn't. ");
    }
    if ((verdict->reasons & RULE_REASON_OPEN) != 0) {
        put(&list, "The check-out. ");
    }
    if (awaits_decision(verdict)) {
        put(&list, "A supervisor's decision. ");
    }
    if (list.length > 0) {
        list.text[list.length - 1] = '\0';
    }
}

static enum rule_company company_of(const char *name)
{
    enum rule_company company = RULE_COMPANY_HELD;

    while (company < RULE_COMPANY_LONE_CONFIRMED && strcmp(rule_company_name(company), name) != 0) {
        company++;
    }
    return company;
}

static enum rule_confirmed confirmed_of(const char *name)
{
    enum rule_confirmed by = RULE_CONFIRMED_BY_TIME_LIMIT;

    while (by > RULE_CONFIRMED_NOT && strcmp(rule_confirmed_name(by), name) != 0) {
        by--;
    }
    return by;
}

static enum rule_grade grade_of(const char *name)
{
    enum rule_grade grade = RULE_GRADE_D;

    while (grade > RULE_GRADE_NONE && strcmp(rule_grade_name(grade), name) != 0) {
        grade--;
    }
    return grade;
}

struct told {
    struct dc_device *device;
    struct dc_presence presence;
    bool found;
};

/* Names become constants: a row's are gone when it has been read. */
static bool read_told(void *context, const Doublecrew__V1__Row *row)
{
    struct told *reading = context;
    struct dc_presence *told = &reading->presence;
    struct device_texts *texts = &reading->device->texts;

    row_read_presence(row->presence, told);
    (void)snprintf(texts->why, sizeof texts->why, "%s", told->verdict.why);
    texts->awaits[0] = '\0';
    told->own = true;
    reading->found = true;
    told->verdict.company = rule_company_name(company_of(told->verdict.company));
    told->verdict.confirmed_by = rule_confirmed_name(confirmed_of(told->verdict.confirmed_by));
    told->verdict.grade = rule_grade_name(grade_of(told->verdict.grade));
    told->verdict.authority = "";
    told->verdict.due_met = false;
    told->verdict.why = texts->why;
    told->verdict.awaits = texts->awaits;
    told->verdict.preview = true;
    return false;
}

enum status preview_told(struct dc_device *device, const struct hash *presence, struct dc_presence *ret_presence)
{
    struct told told = {.device = device};
    struct dc_hash id;
    struct view_key key;
    enum status status;

    memcpy(id.bytes, presence->bytes, HASH_SIZE);
    key = view_key_hash('p', &id);
    status = view_each(device, &key, DOUBLECREW__V1__ROW__ROW_PRESENCE, read_told, &told, NULL);
    if (status != STATUS_OK || !told.found) {
        return status != STATUS_OK ? status : STATUS_NOT_FOUND;
    }
    *ret_presence = told.presence;
    return STATUS_OK;
}
