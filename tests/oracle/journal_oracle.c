/* The whole check, in the order of its steps; and each presence's row against the rule's verdict on a case built here. */
#include "tests/oracle/journal_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/kinds.h"
#include "tests/oracle/journal_oracle_case.h"
#include "tests/oracle/oracle.h"

#define DEFAULT_WORLDS 150

/* One group's verdicts: as of the end, and again as of earlier times where rows are older. */
struct group {
    const struct jo *jo;
    struct store *store;
    const struct jo_evidence *evidence;
    struct jo_case *jc;
    struct rule_verdict verdicts[RULE_PRESENCES_MAX];
    bool uncertain;
};

static bool near(int64_t row_ms, int64_t us)
{
    int64_t ms = us / 1000;

    return us == INT64_MIN || us == INT64_MAX || (row_ms >= ms - 1 && row_ms <= ms + 1);
}

static bool seconds_fit(uint32_t row_s, int64_t us)
{
    int64_t s = us / 1000000 < UINT32_MAX ? us / 1000000 : UINT32_MAX; /* no row says more */

    return (int64_t)row_s >= s - 1 && (int64_t)row_s <= s + 1;
}

/* What the row says and the verdict doesn't; NULL when they say the same. */
static const char *differs(const struct group *g, size_t i, const struct rule_verdict *v,
                           const Doublecrew__V1__PresenceRow *row)
{
    struct hash attendance = jo_hash(row->attendance);

    if (strcmp(row->company, rule_company_name(v->company)) != 0)
        return "company";
    if (strcmp(row->confirmed_by, rule_confirmed_name(v->confirmed_by)) != 0)
        return "confirmed_by";
    if (strcmp(row->grade, rule_grade_name(v->grade)) != 0)
        return "grade";
    if (strcmp(row->authority, rule_authority_name(v->authority)) != 0)
        return "authority";
    if (strcmp(row->outcome, rule_outcome_name(g->jc->presences[i].outcome)) != 0)
        return "outcome";
    if (row->due_met != v->due_met)
        return "due_met";
    if (!hash_equal(&attendance, &g->jc->presences[v->attendance].id))
        return "attendance";
    if (row->reasons != v->reasons)
        return "reasons";
    if (!seconds_fit(row->alone_min_s, v->alone_min_us) || !seconds_fit(row->alone_max_s, v->alone_max_us))
        return "minutes alone";
    return NULL;
}

static const char *difference(const struct group *g, size_t i, const Doublecrew__V1__PresenceRow *row, const char *what,
                              char *text, size_t size)
{
    const struct rule_verdict *v = &g->verdicts[i];
    const struct jo_presence *p = &g->jo->presences.items[g->jc->members[i]];

    return jo_say(text, size,
                  "presence %s: %s: store %s/%s/%s/%s/%s alone %u-%u s, due %d, reasons %#x, as of %lld ms; oracle "
                  "%s/%s/%s/%s/%s alone %lld-%lld s, due %d, reasons %#x, at %lld ms; %zu in its group",
                  jo_show(&g->jo->entries.items[p->entry]), what, row->company, row->confirmed_by, row->grade,
                  row->authority, row->outcome, row->alone_min_s, row->alone_max_s, row->due_met, row->reasons,
                  (long long)row->as_of_ms, rule_company_name(v->company), rule_confirmed_name(v->confirmed_by),
                  rule_grade_name(v->grade), rule_authority_name(v->authority),
                  rule_outcome_name(g->jc->presences[i].outcome), (long long)(v->alone_min_us / 1000000),
                  (long long)(v->alone_max_us / 1000000), v->due_met, v->reasons, (long long)(g->jo->now_us / 1000),
                  g->jc->rule_case.presence_count);
}

static bool right_as_of(const struct group *g, size_t i, const Doublecrew__V1__PresenceRow *row, int64_t as_of_us)
{
    struct rule_verdict verdicts[RULE_PRESENCES_MAX];
    struct jo_case jc;
    bool right = false;

    jo_case_init(&jc, g->evidence, g->jc->members, g->jc->rule_case.presence_count, as_of_us);
    if (rule_judge(&jc.rule_case, verdicts) == STATUS_OK)
        right = differs(g, i, &verdicts[i], row) == NULL &&
                (verdicts[i].next_change_us > g->jo->now_us || (verdicts[i].reasons & RULE_REASON_OPEN) != 0);
    jo_case_done(&jc);
    return right;
}

/*
 * A row that was right as of its time, and that nothing but time has touched since. Rows have whole milliseconds; a timer
 * fires at the microsecond at which the verdict changes.
 */
static bool right_when_looked_at(const struct group *g, size_t i, const Doublecrew__V1__PresenceRow *row)
{
    return right_as_of(g, i, row, row->as_of_ms * 1000) || right_as_of(g, i, row, row->as_of_ms * 1000 + 999);
}

/*
 * Sound but less exact: the server looks at fewer presences at once (V11), or a partner's times were narrowed since and this
 * row wasn't told anew for it.
 */
static bool wider(const Doublecrew__V1__PresenceRow *row, const struct rule_verdict *v)
{
    return row->alone_min_s <= v->alone_min_us / 1000000 && row->alone_max_s >= v->alone_max_us / 1000000;
}

static const char *compare_row(const struct group *g, size_t i, const Doublecrew__V1__PresenceRow *row,
                               struct journal_oracle_report *report, char *text, size_t size)
{
    const struct jo_presence *p = &g->jo->presences.items[g->jc->members[i]];
    const struct jo_entry *in = &g->jo->entries.items[p->entry];
    struct id offender = jo_id(row->offender_id), officer = jo_id(row->officer_id), device = jo_id(row->device_id);
    const char *what = differs(g, i, &g->verdicts[i], row);

    if (!id_equal(&offender, &p->offender) || !id_equal(&officer, &p->officer) || !id_equal(&device, &p->device))
        return difference(g, i, row, "who", text, size);
    if (!near(row->received_ms, in->received_us))
        return difference(g, i, row, "received", text, size);
    if (!g->jc->presences[i].clock_trouble &&
        (!near(row->in_from_ms, g->jc->presences[i].in.lo_us) || !near(row->in_to_ms, g->jc->presences[i].in.hi_us)))
        return jo_say(text, size, "presence %s: its bounds: store [%lld, %lld] ms", jo_show(in),
                      (long long)row->in_from_ms, (long long)row->in_to_ms);
    if (what == NULL)
        return jo_compare_flags(g->jo, g->store, &in->hash, &g->verdicts[i], false, report, text, size);
    if (right_when_looked_at(g, i, row) && (g->uncertain || strcmp(what, "minutes alone") == 0)) {
        report->stale++;
        return jo_compare_flags(g->jo, g->store, &in->hash, &g->verdicts[i], true, report, text, size);
    }
    if (strcmp(what, "minutes alone") == 0 && g->uncertain && g->jc->rule_case.presence_count > 1 &&
        wider(row, &g->verdicts[i])) {
        report->looser++;
        return jo_compare_flags(g->jo, g->store, &in->hash, &g->verdicts[i], false, report, text, size);
    }
    return difference(g, i, row, what, text, size);
}

static const char *compare_member(const struct group *g, size_t i, struct journal_oracle_report *report, char *text,
                                  size_t size)
{
    uint8_t key[1 + HASH_SIZE] = {'p'};
    const struct jo_entry *in = &g->jo->entries.items[g->jo->presences.items[g->jc->members[i]].entry];
    struct view_row view;
    Doublecrew__V1__Row *row;
    const char *found;
    enum status status;

    memcpy(key + 1, in->hash.bytes, HASH_SIZE);
    status = g->store->ops->view_get(g->store, span_of(key, sizeof(key)), &view);
    if (status != STATUS_OK)
        return jo_say(text, size, "presence %s: no row: %s", jo_show(in), status_name(status));
    row = doublecrew__v1__row__unpack(NULL, view.row.size, view.row.data);
    if (row == NULL || row->row_case != DOUBLECREW__V1__ROW__ROW_PRESENCE)
        found = jo_say(text, size, "presence %s: its row can't be read", jo_show(in));
    else
        found = compare_row(g, i, row->presence, report, text, size);
    if (row != NULL)
        doublecrew__v1__row__free_unpacked(row, NULL);
    report->presences++;
    return found;
}

static bool is_uncertain(const struct rule_case *c)
{
    for (size_t i = 0; i < c->presence_count; i++) {
        const struct rule_presence *p = &c->presences[i];

        if (p->in.lo_us != p->in.hi_us || (p->has_out && p->out.lo_us != p->out.hi_us))
            return true;
    }
    return false;
}

static Doublecrew__V1__Row *row_of(const struct group *g, size_t i)
{
    uint8_t key[1 + HASH_SIZE] = {'p'};
    struct view_row view;

    memcpy(key + 1, g->jc->presences[i].id.bytes, HASH_SIZE);
    if (g->store->ops->view_get(g->store, span_of(key, sizeof(key)), &view) != STATUS_OK)
        return NULL;
    return doublecrew__v1__row__unpack(NULL, view.row.size, view.row.data);
}

/* true: the row's bounds contain the instant's, and it has them now. */
static bool widen(struct rule_instant *instant, int64_t from_ms, int64_t to_ms)
{
    bool contains = from_ms <= instant->lo_us / 1000 + 1 && to_ms >= instant->hi_us / 1000 - 1;

    if (!contains || (near(from_ms, instant->lo_us) && near(to_ms, instant->hi_us)))
        return false;
    instant->lo_us = from_ms * 1000 < instant->lo_us ? from_ms * 1000 : instant->lo_us;
    instant->hi_us = to_ms * 1000 > instant->hi_us ? to_ms * 1000 : instant->hi_us;
    return true;
}

static bool is_forked(const struct group *g, size_t i)
{
    const struct jo_presence *p = &g->jo->presences.items[g->jc->members[i]];

    return jo_log(g->jo, &g->jo->entries.items[p->entry].header.log)->fork_seq != 0;
}

static void take_wider_bounds(struct group *g, struct journal_oracle_report *report)
{
    for (size_t i = 0; i < g->jc->rule_case.presence_count; i++) {
        struct rule_presence *p = &g->jc->presences[i];
        Doublecrew__V1__Row *row = row_of(g, i);
        bool wide = false;

        if (row != NULL && row->row_case == DOUBLECREW__V1__ROW__ROW_PRESENCE && is_forked(g, i)) {
            wide = widen(&p->in, row->presence->in_from_ms, row->presence->in_to_ms);
            if (p->has_out && (row->presence->reasons & (RULE_REASON_OUT_LATE | RULE_REASON_OUT_MISSING)) == 0)
                wide = widen(&p->out, row->presence->out_from_ms, row->presence->out_to_ms) || wide;
        }
        report->wider_bounds += wide;
        if (row != NULL)
            doublecrew__v1__row__free_unpacked(row, NULL);
    }
}

static const char *compare_group(struct group *g, const size_t *members, size_t count,
                                 const struct journal_oracle_settings *settings, struct journal_oracle_report *report,
                                 char *text, size_t size)
{
    struct oracle_settings worlds = {settings->seed, settings->worlds};
    struct jo_case jc;
    const char *found = NULL;
    char opinion[512];

    jo_case_init(&jc, g->evidence, members, count, g->jo->now_us);
    g->jc = &jc;
    take_wider_bounds(g, report);
    g->uncertain = is_uncertain(&jc.rule_case);
    report->groups++;
    report->uncertain += g->uncertain ? count : 0;
    if (count > report->largest_group)
        report->largest_group = count;
    if (rule_judge(&jc.rule_case, g->verdicts) != STATUS_OK)
        found = jo_say(text, size, "the rule can't judge the group of presence %s",
                       jo_show(&g->jo->entries.items[g->jo->presences.items[members[0]].entry]));
    else if (oracle_compare(&jc.rule_case, g->verdicts, worlds, opinion, sizeof(opinion)) != NULL)
        found = jo_say(text, size, "the rule and its oracle on the group of presence %s: %s",
                       jo_show(&g->jo->entries.items[g->jo->presences.items[members[0]].entry]), opinion);
    for (size_t i = 0; found == NULL && i < count; i++)
        found = compare_member(g, i, report, text, size);
    jo_case_done(&jc);
    return found;
}

const char *jo_compare_presences(const struct jo *jo, struct store *store,
                                 const struct journal_oracle_settings *settings, struct journal_oracle_report *report,
                                 char *text, size_t size)
{
    size_t *groups = calloc(jo->presences.count + 1, sizeof(*groups));
    struct jo_evidence evidence;
    const char *found = NULL;

    if (groups == NULL)
        abort();
    jo_evidence_init(&evidence, jo);
    jo_group(jo, groups);
    for (size_t i = 0; found == NULL && i < jo->presences.count; i++) {
        struct group g = {.jo = jo, .store = store, .evidence = &evidence};
        size_t members[RULE_PRESENCES_MAX], count = 0;

        for (size_t j = 0; groups[i] == i && j < jo->presences.count; j++) {
            if (groups[j] == i && count < RULE_PRESENCES_MAX)
                members[count] = j;
            count += groups[j] == i;
        }
        if (count > RULE_PRESENCES_MAX)
            report->presences_skipped += count;
        else if (count > 0)
            found = compare_group(&g, members, count, settings, report, text, size);
    }
    jo_evidence_done(&evidence);
    free(groups);
    return found;
}

/* What an entry is about, where one word says it. */
static void print_details(FILE *stream, const struct jo_entry *entry)
{
    const ProtobufCMessage *m = entry->message;
    struct hash of = {{0}};

    if (m == NULL) {
        (void)fprintf(stream, " (nothing that can be read)");
    } else if (entry->header.kind == JO_KIND(CHECK_IN)) {
        const Doublecrew__V1__CheckIn *in = (const Doublecrew__V1__CheckIn *)m;

        (void)fprintf(stream, " at %02x%02x company %d", in->offender_id.data[0], in->offender_id.data[1], in->company);
        for (size_t i = 0; i < in->n_named_officer_ids; i++)
            (void)fprintf(stream, " %02x%02x", in->named_officer_ids[i].data[0], in->named_officer_ids[i].data[1]);
        of = jo_hash(in->cosigned_check_in);
    } else if (entry->header.kind == JO_KIND(CHECK_OUT)) {
        of = jo_hash(((const Doublecrew__V1__CheckOut *)m)->presence);
    } else if (entry->header.kind == JO_KIND(OUTCOME)) {
        of = jo_hash(((const Doublecrew__V1__Outcome *)m)->presence);
    } else if (entry->header.kind == JO_KIND(DECISION)) {
        of = jo_hash(((const Doublecrew__V1__Decision *)m)->presence);
        (void)fprintf(stream, " %s", ((const Doublecrew__V1__Decision *)m)->appropriate ? "for" : "against");
    } else if (entry->header.kind == JO_KIND(PLAN)) {
        const Doublecrew__V1__Plan *plan = (const Doublecrew__V1__Plan *)m;

        (void)fprintf(stream, " %02x%02x at %02x%02x [%lld, %lld)%s", plan->plan_id.data[0], plan->plan_id.data[1],
                      plan->offender_id.data[0], plan->offender_id.data[1], (long long)plan->from_ms,
                      (long long)plan->to_ms, plan->cancelled ? " cancelled" : "");
        for (size_t i = 0; i < plan->n_officer_ids; i++)
            (void)fprintf(stream, " %02x%02x", plan->officer_ids[i].data[0], plan->officer_ids[i].data[1]);
    } else if (entry->header.kind == JO_KIND(EDIT)) {
        const Doublecrew__V1__Edit *edit = (const Doublecrew__V1__Edit *)m;

        (void)fprintf(stream, " of %02x%02x %s", edit->subject.data[0], edit->subject.data[1],
                      edit->n_fields > 0 ? edit->fields[0]->field : "");
    } else if (entry->header.kind == JO_KIND(OFFICER)) {
        const Doublecrew__V1__Officer *officer = (const Doublecrew__V1__Officer *)m;

        (void)fprintf(stream, " %02x%02x role %d of", officer->officer_id.data[0], officer->officer_id.data[1],
                      officer->role);
        for (size_t i = 0; i < officer->n_team_ids; i++)
            (void)fprintf(stream, " %02x%02x", officer->team_ids[i].data[0], officer->team_ids[i].data[1]);
    } else if (entry->header.kind == JO_KIND(OFFENDER)) {
        const Doublecrew__V1__Offender *offender = (const Doublecrew__V1__Offender *)m;

        (void)fprintf(stream, " %02x%02x of %02x%02x", offender->offender_id.data[0], offender->offender_id.data[1],
                      offender->team_id.data[0], offender->team_id.data[1]);
    } else if (entry->header.kind == JO_KIND(PROPOSAL_ANSWER)) {
        const Doublecrew__V1__ProposalAnswer *answer = (const Doublecrew__V1__ProposalAnswer *)m;

        of = jo_hash(answer->proposal);
        (void)fprintf(stream, " %s", answer->accepted ? "yes" : "no");
    } else if (entry->header.kind == JO_KIND(DEVICE_STATE)) {
        const Doublecrew__V1__DeviceState *state = (const Doublecrew__V1__DeviceState *)m;

        (void)fprintf(stream, " of %02x%02x: %d as of %lld", state->device_id.data[0], state->device_id.data[1],
                      state->standing, (long long)state->as_of_ms);
    }
    if (!hash_is_zero(&of))
        (void)fprintf(stream, " of %02x%02x%02x%02x", of.bytes[0], of.bytes[1], of.bytes[2], of.bytes[3]);
}

static void done(struct jo *jo)
{
    free(jo->entries.items);
    free(jo->observations.items);
    free(jo->anchors.items);
    free(jo->officers.items);
    free(jo->enrolments.items);
    free(jo->standings.items);
    free(jo->offenders.items);
    free(jo->policies.items);
    free(jo->logs.items);
    free(jo->voids.items);
    free(jo->troubles.items);
    free(jo->presences.items);
    free(jo->index);
    if (jo->arena != NULL)
        arena_free(jo->arena);
    if (jo->sha != NULL)
        sha256_free(jo->sha);
}

const char *journal_oracle_check_with(struct store *store, const struct journal_oracle_settings *settings,
                                      struct journal_oracle_report *ret_report, char *text, size_t text_size)
{
    struct jo jo = {.records = 0};
    enum status status = jo_read(&jo, store);
    const char *found = NULL;

    memset(ret_report, 0, sizeof(*ret_report));
    if (status != STATUS_OK)
        found = jo_say(text, text_size, "the journal can't be read: %s", status_name(status));
    else if (jo.failure != NULL)
        found = jo_say(text, text_size, "%s", jo.failure);
    if (found == NULL) {
        jo_forks(&jo);
        jo_bounds(&jo);
        jo_presences(&jo);
        ret_report->records = jo.records;
        ret_report->entries = jo.entries.count;
        for (size_t i = 0; i < jo.entries.count; i++)
            ret_report->carried += !jo.entries.items[i].own;
        ret_report->troubled_boots = jo.troubles.count;
        found = jo_compare_logs(&jo, store, ret_report, text, text_size);
    }
    if (found == NULL)
        found = jo_compare_presences(&jo, store, settings, ret_report, text, text_size);
    if (found == NULL)
        found = jo_compare_fork_flags(&jo, store, ret_report, text, text_size);
    if (found == NULL)
        found = jo_compare_fields(&jo, store, ret_report, text, text_size);
    if (found == NULL)
        found = jo_compare_notes(&jo, store, ret_report, text, text_size);
    if (found == NULL)
        found = jo_compare_scopes(&jo, store, ret_report, text, text_size);
    done(&jo);
    return found;
}

const char *journal_oracle_check(struct store *store, struct journal_oracle_report *ret_report, char *text,
                                 size_t text_size)
{
    const struct journal_oracle_settings settings = {1, DEFAULT_WORLDS};

    return journal_oracle_check_with(store, &settings, ret_report, text, text_size);
}

enum status journal_oracle_scope(struct store *store, const struct id *device, journal_oracle_row *each, void *context)
{
    struct jo jo = {.records = 0};
    const struct jo_enrolment *enrolment;
    enum status status = jo_read(&jo, store);
    char text[256];

    if (status == STATUS_OK) {
        jo_forks(&jo);
        jo_bounds(&jo);
        jo_presences(&jo);
        enrolment = jo_device(&jo, device);
        if (enrolment == NULL || jo_scope_of(&jo, store, enrolment, each, context, text, sizeof(text)) != NULL)
            status = STATUS_NOT_FOUND;
    }
    done(&jo);
    return status;
}

void journal_oracle_print(struct store *store, FILE *stream)
{
    struct jo jo = {.records = 0};

    if (jo_read(&jo, store) == STATUS_OK) {
        jo_forks(&jo);
        jo_bounds(&jo);
    }
    for (size_t i = 0; i < jo.enrolments.count; i++) {
        const struct jo_enrolment *e = &jo.enrolments.items[i];

        (void)fprintf(stream, "enrolled: device %02x%02x log %02x%02x officer %02x%02x\n", e->device.bytes[0],
                      e->device.bytes[1], e->log.bytes[0], e->log.bytes[1], e->officer.bytes[0], e->officer.bytes[1]);
    }
    for (size_t i = 0; i < jo.entries.count; i++) {
        const struct jo_entry *entry = &jo.entries.items[i];

        (void)fprintf(stream, "%5llu %s%s %s", (unsigned long long)entry->pos, entry->own ? "" : "carried ",
                      entry->contested ? entry->branch != 0 ? "branch" : "contested" : "",
                      entry_kind_name(entry->header.kind));
        print_details(stream, entry);
        (void)fprintf(stream, " %s\n", jo_show(entry));
    }
    done(&jo);
}
