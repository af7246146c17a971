/* A case and a verdict as one line of JSON each, in the form of `doublecrewctl judge`; times in seconds. */
#include <inttypes.h>

#include "tests/oracle/oracle_parts.h"

static const char *risk_letters[] = {"L", "M", "H", "VH"};

/* Whole seconds where possible, else microseconds as decimals; null for "for ever". */
static void print_time(FILE *f, int64_t us)
{
    if (us == RULE_FOREVER || us == INT64_MIN) {
        (void)fprintf(f, "null");
    } else if (us % 1000000 == 0) {
        (void)fprintf(f, "%" PRId64, us / 1000000);
    } else {
        (void)fprintf(f, "%.6f", (double)us / 1e6);
    }
}

static void print_member(FILE *f, const char *name, int64_t us)
{
    (void)fprintf(f, ",\"%s\":", name);
    print_time(f, us);
}

static void print_place(FILE *f, const char *name, const struct rule_place *place)
{
    if (place->known) {
        (void)fprintf(f, ",\"%s\":[%g,%g],\"%s_acc\":%g", name, place->x_m, place->y_m, name, place->accuracy_m);
    } else {
        (void)fprintf(f, ",\"%s\":null", name);
    }
}

static void print_policies(const struct rule_case *c, FILE *f)
{
    (void)fprintf(f, "{\"policies\":[");
    for (size_t i = 0; i < c->policy_count; i++) {
        const struct rule_policy *p = &c->policies[i];

        (void)fprintf(f, "%s{\"effective_from\":", i ? "," : "");
        print_time(f, p->effective_from_us);
        print_member(f, "max_alone_s", p->max_alone_us);
        print_member(f, "longest_visit_s", p->longest_visit_us);
        print_member(f, "time_limit_s", p->time_limit_us);
        print_member(f, "retro_window_s", p->retro_window_us);
        print_member(f, "evidence_overdue_s", p->evidence_overdue_us);
        print_member(f, "authority_max_s", p->authority_max_us);
        print_member(f, "cosign_round_trip_s", p->cosign_round_trip_us);
        (void)fprintf(f, ",\"drift_ppb\":%" PRId64 ",\"partner_distance_m\":%g,\"far_apart_m\":%g,\"late_out_m\":%g",
                      p->drift_ppb, p->partner_distance_m, p->far_apart_m, p->late_out_m);
        (void)fprintf(f, ",\"lone_forbidden_LMHV\":\"%d%d%d%d\"}", p->lone_forbidden[0], p->lone_forbidden[1],
                      p->lone_forbidden[2], p->lone_forbidden[3]);
    }
    (void)fprintf(f, "]");
}

static void print_people(const struct rule_case *c, FILE *f)
{
    (void)fprintf(f, ",\n \"offenders\":{");
    for (size_t i = 0; i < c->offender_count; i++) {
        (void)fprintf(f, "%s\"X%zu\":{\"risks\":[", i ? "," : "", i);
        for (size_t k = 0; k < c->offenders[i].risk_count; k++) {
            (void)fprintf(f, "%s[", k ? "," : "");
            print_time(f, c->offenders[i].risks[k].from_us);
            (void)fprintf(f, ",\"%s\"]", risk_letters[c->offenders[i].risks[k].risk]);
        }
        (void)fprintf(f, "]}");
    }
    (void)fprintf(f, "},\n \"officers\":{");
    for (size_t i = 0; i < c->officer_count; i++) {
        (void)fprintf(f, "%s\"A%zu\":{\"id\":\"%02x%02x\",\"accredited\":%s", i ? "," : "", i,
                      c->officers[i].id.bytes[0], c->officers[i].id.bytes[15],
                      c->officers[i].accredited ? "true" : "false");
        print_member(f, "entitled_from", c->officers[i].entitled_from_us);
        print_member(f, "entitled_to", c->officers[i].entitled_to_us);
        for (size_t k = 0; k < c->officers[i].change_count; k++) {
            (void)fprintf(f, ",\"change%zu\":\"%s%s\"", k, c->officers[i].changes[k].accredited ? "accredited " : "",
                          c->officers[i].changes[k].entitled ? "entitled" : "not entitled");
            print_member(f, "from", c->officers[i].changes[k].from_us);
        }
        (void)fprintf(f, "}");
    }
    (void)fprintf(f, "},\n \"devices\":{");
    for (size_t i = 0; i < c->device_count; i++) {
        (void)fprintf(f, "%s\"d%zu\":{\"officer\":\"A%zu\",\"lost\":%s", i ? "," : "", i, c->devices[i].officer,
                      c->devices[i].lost ? "true" : "false");
        print_member(f, "revoked_as_of", c->devices[i].revoked_as_of_us);
        print_member(f, "revocation_recorded", c->devices[i].revocation_recorded_us);
        print_member(f, "watermark", c->devices[i].watermark_known ? c->devices[i].watermark_us : RULE_FOREVER);
        for (size_t k = 0; k < c->devices[i].holder_count; k++) {
            (void)fprintf(f, ",\"holder%zu\":%zd", k, (ssize_t)c->devices[i].holders[k].officer);
            print_member(f, "from", c->devices[i].holders[k].from_us);
        }
        (void)fprintf(f, "}");
    }
    (void)fprintf(f, "}");
}

static void print_with(const struct rule_presence *p, FILE *f)
{
    if (p->with != RULE_WITH_NAMED) {
        (void)fprintf(f, ",\"with\":\"%s\"", p->with == RULE_WITH_ALONE ? "alone" : "unrecorded");
        return;
    }
    (void)fprintf(f, ",\"with\":[");
    for (size_t i = 0; i < p->named_count; i++) {
        (void)fprintf(f, "%s\"A%zu\"", i ? "," : "", p->named[i]);
    }
    (void)fprintf(f, "]");
}

static void print_interval(FILE *f, const char *name, struct rule_instant instant)
{
    (void)fprintf(f, ",\"%s\":[", name);
    print_time(f, instant.lo_us);
    (void)fprintf(f, ",");
    print_time(f, instant.hi_us);
    (void)fprintf(f, "]");
}

static void print_presence(const struct rule_presence *p, size_t i, FILE *f)
{
    (void)fprintf(
        f, "%s{\"id\":\"p%zu\",\"hash\":\"%02x%02x\",\"officer\":\"A%zu\",\"device\":\"d%zu\",\"offender\":\"X%zu\"",
        i ? ",\n  " : "", i + 1, p->id.bytes[0], p->id.bytes[1], p->officer, p->device, p->offender);
    print_interval(f, "in", p->in);
    if (p->has_out) {
        print_interval(f, "out", p->out);
        print_member(f, "out_m", p->out_mono_us);
        (void)fprintf(f, ",\"out_boot\":%" PRIu64 ",\"out_seq\":%" PRIu64, p->out_boot, p->out_seq);
    } else {
        (void)fprintf(f, ",\"out\":null");
    }
    print_member(f, "in_m", p->in_mono_us);
    (void)fprintf(f, ",\"boot\":%" PRIu64 ",\"in_seq\":%" PRIu64, p->in_boot, p->in_seq);
    print_with(p, f);
    print_place(f, "at", &p->in_at);
    print_place(f, "out_at", &p->out_at);
    print_member(f, "received", p->received_us);
    (void)fprintf(f, ",\"agency\":%s%s%s%s", p->agency ? "\"probation\"" : "null",
                  p->contested ? ",\"contested\":true" : "", p->unassigned ? ",\"unassigned\":true" : "",
                  p->clock_trouble ? ",\"clock_trouble\":true" : "");
    if (p->cosign.presence != RULE_NONE) {
        (void)fprintf(f, ",\"cosign\":{\"presence\":\"p%zu\",\"first\":%s", p->cosign.presence + 1,
                      p->cosign.first ? "true" : "false");
        print_member(f, "confirm_m", p->cosign.confirm_known ? p->cosign.confirm_mono_us : RULE_FOREVER);
        print_member(f, "round_trip_s", p->cosign.round_trip_us);
        (void)fprintf(f, "}");
    }
    (void)fprintf(f, ",\"outcome\":\"%s\"}", rule_outcome_name(p->outcome));
}

static void print_words(const struct rule_case *c, FILE *f)
{
    (void)fprintf(f, "],\n \"plans\":[");
    for (size_t i = 0; i < c->plan_count; i++) {
        (void)fprintf(f, "%s{\"offender\":\"X%zu\",\"officers\":[", i ? "," : "", c->plans[i].offender);
        for (size_t k = 0; k < c->plans[i].officer_count; k++) {
            (void)fprintf(f, "%s\"A%zu\"", k ? "," : "", c->plans[i].officers[k]);
        }
        (void)fprintf(f, "]");
        print_member(f, "from", c->plans[i].from_us);
        print_member(f, "to", c->plans[i].to_us);
        (void)fprintf(f, "}");
    }
    (void)fprintf(f, "],\n \"authorities\":[");
    for (size_t i = 0; i < c->authority_count; i++) {
        const struct rule_authority_word *w = &c->authorities[i];

        (void)fprintf(f, "%s{\"officer\":\"A%zu\",\"offender\":\"X%zu\",\"granted\":%s,\"by\":\"%02x%02x\"",
                      i ? "," : "", w->officer, w->offender, w->granted ? "true" : "false", w->by.bytes[0],
                      w->by.bytes[15]);
        print_member(f, "recorded", w->recorded_us);
        print_member(f, "valid_from", w->valid_from_us);
        print_member(f, "valid_to", w->valid_to_us);
        (void)fprintf(f, "}");
    }
    (void)fprintf(f, "],\n \"decisions\":[");
    for (size_t i = 0; i < c->decision_count; i++) {
        const struct rule_decision *d = &c->decisions[i];

        (void)fprintf(f, "%s{\"presence\":\"p%zu\",\"by\":\"%02x%02x\",\"counts\":%s", i ? "," : "", d->presence + 1,
                      d->by.bytes[0], d->by.bytes[15], d->counts ? "true" : "false");
        print_member(f, "recorded", d->recorded_us);
        (void)fprintf(f, "}");
    }
}

void oracle_case_print(const struct rule_case *rule_case, FILE *stream)
{
    print_policies(rule_case, stream);
    print_people(rule_case, stream);
    (void)fprintf(stream, ",\n \"presences\":[");
    for (size_t i = 0; i < rule_case->presence_count; i++) {
        print_presence(&rule_case->presences[i], i, stream);
    }
    print_words(rule_case, stream);
    (void)fprintf(stream, "]");
    print_member(stream, "now", rule_case->now_us);
    (void)fprintf(stream, "}\n");
}

void oracle_verdict_print(const struct rule_verdict *verdict, FILE *stream)
{
    (void)fprintf(stream, "{\"company\":\"%s\",\"confirmed_by\":\"%s\",\"alone_s\":[%.6f,%.6f],\"grade\":\"%s\",",
                  rule_company_name(verdict->company), rule_confirmed_name(verdict->confirmed_by),
                  (double)verdict->alone_min_us / 1e6, (double)verdict->alone_max_us / 1e6,
                  rule_grade_name(verdict->grade));
    (void)fprintf(stream,
                  "\"authority\":\"%s\",\"due_met\":%s,\"reasons\":\"%#x\",\"attendance\":%zu,\"out\":[%.6f,%.6f]}\n",
                  rule_authority_name(verdict->authority), verdict->due_met ? "true" : "false", verdict->reasons,
                  verdict->attendance + 1, (double)verdict->out.lo_us / 1e6, (double)verdict->out.hi_us / 1e6);
}
