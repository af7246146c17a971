/*
 * ./run bench wire: what facts cost on the wire. A phone with the real library syncs with the real server over mutual TLS;
 * a relay between them counts what TCP carries, and what the journal kept of each push says what the bytes were spent on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/officer_words.h"
#include "bench/result.h"
#include "bench/wire_share.h"
#include "client-sim/relay.h"
#include "client-sim/setup.h"
#include "client-sim/stage.h"
#include "server/edge/store_sqlite.h"

#define PEOPLE 1
#define ATTEMPTS 3 /* a day's (DOMAIN.md: 60 facts at 20 an attempt) */
#define ALONE 5    /* check-ins of which each is a push of its own */
#define MINUTE_MS (60 * INT64_C(1000))
#define DAY_MS (24 * 60 * MINUTE_MS)
#define AIM_BYTES_A_FACT 150

struct bench {
    struct scenario *scenario;
    char folder[PROCESS_PATH_MAX];
    struct stage stage;
    struct person phone;
    struct relay *relay;
    struct dc_id offenders[SCENARIO_OFFENDERS_MAX];
    size_t offender_count;
    struct dc_id partner;
    int64_t now_ms;
    size_t edits; /* written so far */
    size_t notes;
    struct arena *arena;
    struct sha256 *sha;
};

/* What passed between two moments, and what the pushes in it held. */
struct measure {
    struct relay_bytes bytes;
    struct wire_share share;
};

static bool fail(const char *what)
{
    fprintf(stderr, "bench wire: %s: no figures\n", what);
    return false;
}

static bool settle(struct bench *bench, int64_t later_ms)
{
    bench->now_ms += later_ms;
    return stage_settle(&bench->stage, bench->now_ms);
}

static bool keep_offender(void *context, const struct dc_offender *offender)
{
    struct bench *bench = context;

    bench->offenders[bench->offender_count++] = offender->offender;
    return true;
}

static bool keep_partner(void *context, const struct dc_officer *officer)
{
    struct bench *bench = context;

    if (strcmp(officer->code, bench->scenario->people[1].name) == 0)
        bench->partner = officer->officer;
    return true;
}

static bool set_stage(struct bench *bench)
{
    char package[PROCESS_PATH_MAX];

    bench->now_ms = bench->scenario->steps[0].time_ms;
    if (!setup_force(bench->scenario, bench->folder, bench->now_ms - DAY_MS, process_free_port()) ||
        !stage_open(&bench->stage, bench->folder, bench->now_ms, &bench->phone, PEOPLE))
        return false;
    bench->relay = relay_new(bench->stage.server.port);
    setup_package(bench->scenario, 0, bench->folder, package);
    return bench->relay != NULL &&
           person_open(&bench->phone, bench->stage.loop, &bench->stage.clock, package, relay_port(bench->relay)) &&
           stage_online(&bench->phone, true) && settle(bench, MINUTE_MS) &&
           dc_each_offender(bench->phone.device, NULL, keep_offender, bench) == DC_OK &&
           dc_each_officer(bench->phone.device, NULL, keep_partner, bench) == DC_OK &&
           bench->offender_count == bench->scenario->offender_count;
}

/* The facts of an attempt: check-in, 12 edits of nine fields, 5 notes, outcome, check-out, as in the ingest benchmark. */

static const char attempt_facts[] = "IEEENEEENEEENEEENOXN";

static const char *const field_names[] = {"accommodation", "household",    "relationships", "phones_seen", "vehicle",
                                          "contacts",      "safeguarding", "next_step",     "employment"};
#define FIELDS (sizeof(field_names) / sizeof(field_names[0]))

static struct dc_place place_of(const struct bench *bench, size_t offender)
{
    const struct scenario_offender *at = &bench->scenario->offenders[offender];

    return (struct dc_place){
        .known = true, .latitude_e7 = at->latitude_e7 + 211, .longitude_e7 = at->longitude_e7 - 97, .accuracy_m = 12};
}

static enum dc_status check_in(struct bench *bench, size_t offender, struct dc_hash *ret_presence)
{
    struct dc_check_in visit = {.offender = bench->offenders[offender], .with = DC_WITH_NAMED, .named_count = 1};

    visit.named[0] = bench->partner;
    visit.place = place_of(bench, offender);
    return dc_check_in(bench->phone.device, &visit, ret_presence);
}

static enum dc_status add_fact(struct bench *bench, size_t offender, char fact, size_t number, struct dc_hash *presence)
{
    struct dc_device *device = bench->phone.device;
    struct dc_subject subject = {.is_presence = true, .presence = *presence};
    struct dc_field_change change = {.field = field_names[number % FIELDS]};
    struct dc_place place = place_of(bench, offender);

    switch (fact) {
    case 'I':
        return check_in(bench, offender, presence);
    case 'E':
        change.value = officer_edit(bench->edits++);
        return dc_edit(device, &subject, &change, 1, NULL);
    case 'O':
        return dc_outcome(device, presence, DC_OUTCOME_SEEN, NULL);
    case 'X':
        return dc_check_out(device, presence, &place, NULL);
    default:
        return dc_note(device, &subject, officer_note(bench->notes++), NULL, NULL);
    }
}

/* Forty minutes at one door; the phone's clock goes on between the facts. */
static bool attempt(struct bench *bench, size_t offender)
{
    struct dc_hash presence = {{0}};

    for (size_t i = 0; i < sizeof(attempt_facts) - 1; i++) {
        bench->now_ms += 2 * MINUTE_MS + 317 * (int64_t)i;
        bench->stage.clock.now_ms = bench->now_ms;
        if (add_fact(bench, offender, attempt_facts[i], i, &presence) != DC_OK)
            return fail("a fact was refused");
    }
    return true;
}

/* Counting ---------------------------------------------------------------------------------------------------------- */

struct counting {
    struct bench *bench;
    struct wire_share *share;
    struct dc_id log;
};

static enum status count_row(void *context, const struct journal_row *row)
{
    struct counting *counting = context;

    if (row->kind != JOURNAL_PUSH || memcmp(row->log.bytes, counting->log.bytes, ID_SIZE) != 0)
        return STATUS_OK;
    arena_reset(counting->bench->arena, ARENA_CAP_DEFAULT);
    return wire_share_add(counting->bench->arena, counting->bench->sha, row->body, counting->share);
}

/* All pushes of the phone so far, as the journal keeps them. */
static bool count_pushes(struct bench *bench, struct wire_share *ret_share)
{
    struct counting counting = {bench, ret_share, bench->phone.package.log};
    char path[PROCESS_PATH_MAX + 16];
    struct store *store;
    enum status status;

    (void)snprintf(path, sizeof(path), "%s/store.db", bench->folder);
    status = store_sqlite_open(path, STORE_SQLITE_READER, &store);
    if (status != STATUS_OK)
        return fail(status_what(status));
    status = store->ops->begin_read(store);
    if (status == STATUS_OK)
        status = store->ops->journal_from(store, 1, count_row, &counting);
    store->ops->end_read(store);
    store->ops->close(store);
    return status == STATUS_OK || fail(status_what(status));
}

static struct wire_share less(struct wire_share after, struct wire_share before)
{
    after.pushes -= before.pushes;
    after.facts -= before.facts;
    after.plain -= before.plain;
    after.sent -= before.sent;
    after.bytes -= before.bytes;
    after.signature -= before.signature;
    after.hashes -= before.hashes;
    after.anchors -= before.anchors;
    after.salts -= before.salts;
    after.ids -= before.ids;
    after.words -= before.words;
    return after;
}

static bool begin(struct bench *bench, struct measure *ret_before)
{
    *ret_before = (struct measure){.bytes = relay_bytes(bench->relay)};
    return count_pushes(bench, &ret_before->share);
}

/* ret_measure holds `before`. */
static bool end(struct bench *bench, struct measure *ret_measure)
{
    struct relay_bytes bytes = relay_bytes(bench->relay);
    struct wire_share share = {0};

    if (!count_pushes(bench, &share))
        return false;
    ret_measure->bytes.from_phone = bytes.from_phone - ret_measure->bytes.from_phone;
    ret_measure->bytes.from_server = bytes.from_server - ret_measure->bytes.from_server;
    ret_measure->share = less(share, ret_measure->share);
    return true;
}

static double each(size_t bytes, size_t facts)
{
    return (double)bytes / (double)facts;
}

/* What it would have cost had no push been deflated. */
static size_t plain_bytes(const struct measure *measure)
{
    return (size_t)measure->bytes.from_phone - measure->share.sent + measure->share.plain;
}

static void print_share(const char *name, size_t bytes, const struct measure *measure)
{
    printf("      %-42s %7.1f  %4.1f %%\n", name, each(bytes, measure->share.facts),
           100.0 * (double)bytes / (double)plain_bytes(measure));
}

static void print_measure(const char *name, const struct measure *measure)
{
    const struct wire_share *share = &measure->share;

    printf("\n%s: %zu fact%s in %zu push%s\n", name, share->facts, share->facts == 1 ? "" : "s", share->pushes,
           share->pushes == 1 ? "" : "es");
    printf("    %-44s %7.1f  bytes a fact, sent\n", "on the wire, TLS included",
           each(measure->bytes.from_phone, share->facts));
    printf("    %-44s %7.1f  of which, as shares of that:\n", "the same, were no push deflated",
           each(plain_bytes(measure), share->facts));
    print_share("signature", share->signature, measure);
    print_share("hashes of entries", share->hashes, measure);
    print_share("anchors (time and testimony)", share->anchors, measure);
    print_share("salts (16 random bytes a fact)", share->salts, measure);
    print_share("ids", share->ids, measure);
    print_share("words, and names of fields", share->words, measure);
    print_share("tags, lengths, clocks, places", wire_share_framing(share), measure);
    print_share("WebSocket and TLS, other messages", plain_bytes(measure) - share->bytes, measure);
    printf("    %-44s %7.1f\n", "saved by deflating", each(share->plain - share->sent, share->facts));
    printf("    %-44s %7.1f  bytes a fact, received\n", "acknowledgements and rows",
           each(measure->bytes.from_server, share->facts));
}

/* What is measured -------------------------------------------------------------------------------------------------- */

static void add(struct measure *sum, const struct measure *measure)
{
    sum->bytes.from_phone += measure->bytes.from_phone;
    sum->bytes.from_server += measure->bytes.from_server;
    sum->share.pushes += measure->share.pushes;
    sum->share.facts += measure->share.facts;
    sum->share.plain += measure->share.plain;
    sum->share.sent += measure->share.sent;
    sum->share.bytes += measure->share.bytes;
    sum->share.signature += measure->share.signature;
    sum->share.hashes += measure->share.hashes;
    sum->share.anchors += measure->share.anchors;
    sum->share.salts += measure->share.salts;
    sum->share.ids += measure->share.ids;
    sum->share.words += measure->share.words;
}

/* One visit by a phone that is online, of which the check-in is measured. */
static bool visit(struct bench *bench, size_t offender, struct measure *ret_check_in)
{
    struct dc_place place = place_of(bench, offender);
    struct dc_hash presence;

    if (!begin(bench, ret_check_in) || check_in(bench, offender, &presence) != DC_OK || !settle(bench, MINUTE_MS) ||
        !end(bench, ret_check_in))
        return fail("a check-in did not arrive");
    return (dc_outcome(bench->phone.device, &presence, DC_OUTCOME_NOT_IN, NULL) == DC_OK &&
            dc_check_out(bench->phone.device, &presence, &place, NULL) == DC_OK && settle(bench, 30 * MINUTE_MS)) ||
           fail("a check-out did not arrive");
}

/* Check-ins, each a push of its own; the first visit has shown the session's anchor already. */
static bool measure_alone(struct bench *bench, struct measure *ret_alone)
{
    struct measure one;

    *ret_alone = (struct measure){.share = {0}};
    if (!visit(bench, 0, &one))
        return false;
    for (size_t i = 0; i < ALONE; i++) {
        if (!visit(bench, i % bench->offender_count, &one))
            return false;
        add(ret_alone, &one);
    }
    return true;
}

/* A day without signal, then one push in a session of its own. */
static bool measure_day(struct bench *bench, struct measure *ret_day)
{
    if (!stage_online(&bench->phone, false) || !settle(bench, MINUTE_MS))
        return fail("the phone did not go offline");
    for (size_t i = 0; i < ATTEMPTS; i++) {
        bench->now_ms += 120 * MINUTE_MS;
        if (!attempt(bench, i))
            return false;
    }
    if (!begin(bench, ret_day) || !stage_online(&bench->phone, true) || !settle(bench, MINUTE_MS))
        return fail("the day's facts did not arrive");
    return end(bench, ret_day);
}

/* The same session with nothing to push. */
static bool measure_session(struct bench *bench, struct measure *ret_session)
{
    if (!stage_online(&bench->phone, false) || !settle(bench, MINUTE_MS) || !begin(bench, ret_session) ||
        !stage_online(&bench->phone, true) || !settle(bench, MINUTE_MS))
        return fail("the phone did not come back");
    return end(bench, ret_session);
}

/* For the harness: keys wire.WHAT */
static bool tell(const char *path, const struct measure *alone, const struct measure *day,
                 const struct measure *session)
{
    const char *unit = "bytes/fact";
    struct result *told = NULL;

    if (result_new("wire", &told) != STATUS_OK)
        return false;
    double fact = each(day->bytes.from_phone, day->share.facts);
    result_figure(told, "wire.batch.ours", "Doublecrew, a day's batch", unit, fact);
    result_figure(told, "wire.batch.plain", "were no push deflated", unit, each(plain_bytes(day), day->share.facts));
    result_figure(told, "wire.batch.words", "of these, people's words and names of fields", unit,
                  each(day->share.words, day->share.facts));
    result_figure(told, "wire.alone.ours", "Doublecrew, a check-in alone", unit,
                  each(alone->bytes.from_phone, alone->share.facts));
    result_figure(told, "wire.session.sent", "a session without facts, sent", "bytes",
                  (double)session->bytes.from_phone);
    result_figure(told, "wire.session.received", "a session without facts, received", "bytes",
                  (double)session->bytes.from_server);
    result_ratio(told, "wire.batch.aim", "bytes a fact in a day's batch", RESULT_AT_MOST, AIM_BYTES_A_FACT, fact);
    result_check(told, "the facts that were counted are the facts that were made", true);
    enum status status = result_write(told, path);
    result_free(told);
    return status == STATUS_OK;
}

static bool run(struct bench *bench, const char *json)
{
    struct measure alone;
    struct measure session;
    struct measure day;

    if (!set_stage(bench))
        return fail("the stage could not be set");
    if (!measure_alone(bench, &alone) || !measure_session(bench, &session) || !measure_day(bench, &day))
        return false;
    if (alone.share.facts != ALONE || alone.share.pushes != ALONE ||
        day.share.facts != ATTEMPTS * (sizeof(attempt_facts) - 1) || session.share.facts != 0)
        return fail("other facts than these were pushed");
    if (day.share.sent > day.bytes.from_phone || alone.share.sent > alone.bytes.from_phone)
        return fail("less was carried than the pushes take: they were sent in another way than is counted here");
    /* The day's session cost what a session without facts costs. */
    day.bytes.from_phone -= session.bytes.from_phone;
    day.bytes.from_server -= session.bytes.from_server;
    print_measure("a check-in alone, by a phone that is online", &alone);
    print_measure("a day's batch, without the session around it", &day);
    printf(
        "\nA session (TLS handshake with both certificates, upgrade, Hello, Welcome, one page): %llu bytes sent, %llu "
        "received\n\n",
        (unsigned long long)session.bytes.from_phone, (unsigned long long)session.bytes.from_server);
    double fact = each(day.bytes.from_phone, day.share.facts);
    printf("wire, a check-in alone: %.0f bytes sent\n", each(alone.bytes.from_phone, alone.share.facts));
    printf(
        "wire, a day's batch: %.1f bytes a fact sent, TLS included (%.1f were no push deflated); aim at most %d: %s\n",
        fact, each(plain_bytes(&day), day.share.facts), AIM_BYTES_A_FACT, fact <= AIM_BYTES_A_FACT ? "met" : "not met");
    return tell(json, &alone, &day, &session);
}

int main(int argc, char **argv)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    const char *json = argc == 3 && strcmp(argv[1], "--json") == 0 ? argv[2] : NULL;
    bool good = false;

    if (argc > 1 && json == NULL) {
        fprintf(stderr, "Usage: bench wire [--json FILE]\n");
        free(bench);
        return 2;
    }
    if (bench != NULL)
        bench->scenario = scenario_read("bench/wire.scenario");
    if (bench != NULL && bench->scenario != NULL && arena_new(&bench->arena) == STATUS_OK &&
        sha256_new(&bench->sha) == STATUS_OK && process_scratch(bench->folder, "wire")) {
        good = run(bench, json);
        stage_close(&bench->stage);
        relay_free(bench->relay);
        process_remove_tree(bench->folder);
    }
    if (bench != NULL) {
        sha256_free(bench->sha);
        arena_free(bench->arena);
        scenario_free(bench->scenario);
    }
    free(bench);
    return good ? 0 : 1;
}
