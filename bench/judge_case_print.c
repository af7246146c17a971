#include "bench/judge_case_print.h"

#include <inttypes.h>

#define SECOND_US INT64_C(1000000)

static const char *const risk_letters[] = {"L", "M", "H", "VH"};

static void print_time(FILE *f, int64_t us)
{
    if (us == RULE_FOREVER || us == INT64_MIN)
        (void)fputs("null", f);
    else
        (void)fprintf(f, "%" PRId64, us / SECOND_US);
}

static void print_member(FILE *f, const char *name, int64_t us)
{
    (void)fprintf(f, ",\"%s\":", name);
    print_time(f, us);
}

static void print_interval(FILE *f, const char *name, const struct rule_instant *at)
{
    (void)fprintf(f, ",\"%s\":[", name);
    print_time(f, at->lo_us);
    (void)fputc(',', f);
    print_time(f, at->hi_us);
    (void)fputc(']', f);
}

static void print_point(FILE *f, const char *name, const struct rule_place *place)
{
    if (place->known)
        (void)fprintf(f, ",\"%s\":[%g,%g]", name, place->x_m, place->y_m);
    else
        (void)fprintf(f, ",\"%s\":null", name);
}

static void print_policy(const struct rule_policy *policy, FILE *f)
{
    bool first = true;

    (void)fprintf(f, "{\"policy\":{\"drift\":%.9g", (double)policy->drift_ppb / 1e9);
    print_member(f, "max_alone_s", policy->max_alone_us);
    print_member(f, "longest_visit_s", policy->longest_visit_us);
    print_member(f, "time_limit_s", policy->time_limit_us);
    print_member(f, "retro_window_s", policy->retro_window_us);
    print_member(f, "evidence_overdue_s", policy->evidence_overdue_us);
    print_member(f, "authority_max_s", policy->authority_max_us);
    print_member(f, "cosign_round_trip_s", policy->cosign_round_trip_us);
    (void)fprintf(f, ",\"partner_distance_m\":%g,\"far_apart_m\":%g,\"late_out_m\":%g,\"lone_forbidden\":[",
                  policy->partner_distance_m, policy->far_apart_m, policy->late_out_m);
    for (size_t risk = 0; risk < 4; risk++) {
        if (policy->lone_forbidden[risk])
            (void)fprintf(f, "%s\"%s\"", first ? "" : ",", risk_letters[risk]);
        first = first && !policy->lone_forbidden[risk];
    }
    (void)fputs("]}", f);
}

static void print_people(const struct rule_case *c, FILE *f)
{
    (void)fputs(",\"offenders\":{", f);
    for (size_t i = 0; i < c->offender_count; i++) {
        (void)fprintf(f, "%s\"X%zu\":{\"risk\":\"%s\"", i ? "," : "", i, risk_letters[c->offenders[i].risks[0].risk]);
        print_point(f, "at", &c->offenders[i].at);
        (void)fputc('}', f);
    }
    (void)fputs("},\"officers\":{", f);
    for (size_t i = 0; i < c->officer_count; i++) {
        (void)fprintf(f, "%s\"A%zu\":{\"accredited\":%s", i ? "," : "", i,
                      c->officers[i].accredited ? "true" : "false");
        print_member(f, "entitled_from",
                     c->officers[i].entitled_from_us == INT64_MIN ? 0 : c->officers[i].entitled_from_us);
        print_member(f, "entitled_to", c->officers[i].entitled_to_us);
        (void)fputc('}', f);
    }
    (void)fputs("},\"devices\":{", f);
    for (size_t i = 0; i < c->device_count; i++) {
        (void)fprintf(f, "%s\"d%zu\":{\"officer\":\"A%zu\",\"lost\":%s", i ? "," : "", i, c->devices[i].officer,
                      c->devices[i].lost ? "true" : "false");
        print_member(f, "revoked_as_of", c->devices[i].revoked_as_of_us);
        print_member(f, "revocation_recorded", c->devices[i].revocation_recorded_us);
        (void)fputc('}', f);
    }
    (void)fputc('}', f);
}

static void print_with(const struct rule_presence *presence, FILE *f)
{
    if (presence->with != RULE_WITH_NAMED) {
        (void)fprintf(f, ",\"with\":\"%s\"", presence->with == RULE_WITH_ALONE ? "alone" : "unrecorded");
        return;
    }
    (void)fputs(",\"with\":[", f);
    for (size_t i = 0; i < presence->named_count; i++)
        (void)fprintf(f, "%s\"A%zu\"", i ? "," : "", presence->named[i]);
    (void)fputc(']', f);
}

static void print_cosign(const struct rule_presence *presence, FILE *f)
{
    const struct rule_cosign *cosign = &presence->cosign;

    if (cosign->presence == RULE_NONE) {
        (void)fputs(",\"cosign\":null", f);
        return;
    }
    (void)fprintf(f, ",\"cosign\":{\"presence\":\"p%zu\",\"first\":%s", cosign->presence,
                  cosign->first ? "true" : "false");
    print_member(f, "confirm_m", cosign->confirm_known ? cosign->confirm_mono_us : RULE_FOREVER);
    print_member(f, "round_trip_s", cosign->round_trip_us);
    (void)fputc('}', f);
}

static void print_presence(const struct rule_presence *presence, size_t index, FILE *f)
{
    bool same_boot = presence->has_out && presence->out_boot == presence->in_boot;

    (void)fprintf(f, "%s{\"id\":\"p%zu\",\"officer\":\"A%zu\",\"device\":\"d%zu\",\"offender\":\"X%zu\"",
                  index ? "," : "", index, presence->officer, presence->device, presence->offender);
    print_interval(f, "in", &presence->in);
    if (presence->has_out)
        print_interval(f, "out", &presence->out);
    else
        (void)fputs(",\"out\":null", f);
    (void)fprintf(f, ",\"boot\":\"b%" PRIu64 "\"", presence->in_boot);
    print_member(f, "in_m", presence->in_mono_us);
    print_member(f, "out_m", same_boot ? presence->out_mono_us : RULE_FOREVER);
    print_with(presence, f);
    print_point(f, "at", &presence->in_at);
    print_point(f, "out_at", &presence->out_at);
    (void)fprintf(f, ",\"acc\":%g,\"agency\":%s,\"contested\":%s,\"unassigned\":%s", presence->in_at.accuracy_m,
                  presence->agency ? "\"probation\"" : "null", presence->contested ? "true" : "false",
                  presence->unassigned ? "true" : "false");
    print_member(f, "received", presence->received_us);
    print_cosign(presence, f);
    if (presence->outcome == RULE_OUTCOME_NONE)
        (void)fputs(",\"outcome\":null}", f);
    else
        (void)fprintf(f, ",\"outcome\":\"%s\"}", rule_outcome_name(presence->outcome));
}

/* An officer of the case by name, so that nobody decides on themselves unnoticed; others by the beginning of their id. */
static void print_by(const struct rule_case *c, const struct id *by, FILE *f)
{
    for (size_t i = 0; i < c->officer_count; i++) {
        if (id_equal(&c->officers[i].id, by)) {
            (void)fprintf(f, ",\"by\":\"A%zu\"", i);
            return;
        }
    }
    (void)fprintf(f, ",\"by\":\"S%02x%02x\"", by->bytes[0], by->bytes[15]);
}

static void print_words(const struct rule_case *c, FILE *f)
{
    (void)fputs("],\"plans\":[", f);
    for (size_t i = 0; i < c->plan_count; i++) {
        (void)fprintf(f, "%s{\"offender\":\"X%zu\",\"officers\":[", i ? "," : "", c->plans[i].offender);
        for (size_t k = 0; k < c->plans[i].officer_count; k++)
            (void)fprintf(f, "%s\"A%zu\"", k ? "," : "", c->plans[i].officers[k]);
        (void)fputc(']', f);
        print_member(f, "from", c->plans[i].from_us);
        print_member(f, "to", c->plans[i].to_us);
        (void)fputc('}', f);
    }
    (void)fputs("],\"authorities\":[", f);
    for (size_t i = 0; i < c->authority_count; i++) {
        const struct rule_authority_word *word = &c->authorities[i];

        (void)fprintf(f, "%s{\"officer\":\"A%zu\",\"offender\":\"X%zu\",\"granted\":%s", i ? "," : "", word->officer,
                      word->offender, word->granted ? "true" : "false");
        print_by(c, &word->by, f);
        print_member(f, "recorded", word->recorded_us);
        print_member(f, "valid_from", word->valid_from_us);
        print_member(f, "valid_to", word->valid_to_us);
        (void)fputc('}', f);
    }
    (void)fputs("],\"decisions\":[", f);
    for (size_t i = 0; i < c->decision_count; i++) {
        const struct rule_decision *decision = &c->decisions[i];

        (void)fprintf(f, "%s{\"presence\":\"p%zu\",\"counts\":%s", i ? "," : "", decision->presence,
                      decision->counts ? "true" : "false");
        print_by(c, &decision->by, f);
        print_member(f, "recorded", decision->recorded_us);
        (void)fputc('}', f);
    }
}

void judge_case_print(const struct rule_case *rule_case, FILE *stream)
{
    bool first = true;

    print_policy(&rule_case->policies[0], stream);
    print_people(rule_case, stream);
    (void)fputs(",\"presences\":[", stream);
    for (size_t i = 0; i < rule_case->presence_count; i++)
        print_presence(&rule_case->presences[i], i, stream);
    print_words(rule_case, stream);
    (void)fputs("],\"watermarks\":{", stream);
    for (size_t i = 0; i < rule_case->device_count; i++) {
        const struct rule_device *device = &rule_case->devices[i];

        if (!device->watermark_known || device->watermark_us == INT64_MIN)
            continue;
        (void)fprintf(stream, "%s\"d%zu\":%" PRId64, first ? "" : ",", i, device->watermark_us / SECOND_US);
        first = false;
    }
    (void)fputs("}", stream);
    print_member(stream, "now", rule_case->now_us);
    (void)fputs("}\n", stream);
}
