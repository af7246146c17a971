/* Officers' days: visits by one or two, each with their own phone, and when their phones next find signal. */
#include "tests/sim/sim_people.h"

#include <stdlib.h>
#include <string.h>

#include "doublecrew/v1/entry.pb-c.h"

/* DOMAIN.md, scale: 58,000 facts a year from 60 devices are 2.6 a device-day; a visit by two makes about 13. */
#define VISITS_A_THOUSAND_DEVICE_DAYS 170
#define VISIT_FIRST_US (8 * SIM_HOUR)
#define VISIT_LAST_US (19 * SIM_HOUR)
#define FLAT_BATTERY_RATE 20000 /* a visit, in millionths */

enum step { STEP_PLAN, STEP_IN_A, STEP_IN_B, STEP_OUT_A, STEP_OUT_B, STEP_PAPER_A, STEP_PAPER_B, STEP_OVER };

/* How a visit goes. */
struct visit {
    unsigned offender;
    struct sim_device *phones[2]; /* [1] NULL: alone */
    struct dc_hash presences[2];
    bool in[2];
    struct dc_id plan;
    bool named;
    bool said_alone;
    bool agency;
    bool place;
    bool cosigned;
};

/* The only errors that the library may answer here with are those of a phone that fails. */
static bool taken(struct sim *sim, struct sim_device *device, const char *what, enum dc_status status)
{
    sim_device_note(device);
    if (status == DC_OK)
        return true;
    if (status != DC_IO && status != DC_DISK_FULL && status != DC_OWN_VISIT && status != DC_NOT_PERMITTED)
        sim_fail(sim, "%s: its %s isn't taken: %s", sim_device_name(device), what, dc_status_name(status));
    return false;
}

static struct dc_id offender_id(const struct sim *sim, unsigned offender)
{
    struct dc_id id;

    memcpy(id.bytes, sim->offenders[offender].offender.bytes, ID_SIZE);
    return id;
}

static struct dc_id officer_id(const struct sim *sim, unsigned officer)
{
    struct dc_id id;

    memcpy(id.bytes, sim->officers[officer].officer.bytes, ID_SIZE);
    return id;
}

static struct dc_place somewhere(struct sim *sim, const struct visit *visit)
{
    const struct sim_offender *offender = &sim->offenders[visit->offender];
    bool far = sim_chance(sim, SIM_PEOPLE, 15000);

    return (struct dc_place){
        .known = visit->place && !sim_chance(sim, SIM_PEOPLE, 150000),
        .latitude_e7 = offender->latitude_e7 + (int32_t)sim_between(sim, SIM_PEOPLE, -3000, 3000) + (far ? 900000 : 0),
        .longitude_e7 = offender->longitude_e7 + (int32_t)sim_between(sim, SIM_PEOPLE, -3000, 3000),
        .accuracy_m = (uint32_t)sim_between(sim, SIM_PEOPLE, 5, 60)};
}

struct sim_device *sim_people_phone(struct sim *sim, unsigned officer)
{
    for (unsigned i = sim->device_count; i-- > 1;) { /* the newest enrolment first */
        struct sim_device *device = sim->devices[i];

        if (sim_device_officer(device) == officer && sim_device_fate(device) != SIM_DEVICE_LOST &&
            sim_device_fate(device) != SIM_DEVICE_RETIRED && sim_device_use(device) != NULL)
            return device;
    }
    return NULL;
}

/* ---- When phones find signal (DOMAIN.md: arrival pattern) ---- */

static void find_signal(struct sim *sim, void *context, uint64_t minutes)
{
    sim_device_go_online(context, sim->now_us + (int64_t)minutes * SIM_MINUTE);
}

/* After a visit: 5 % of visits come more than a day late, 40 % more than an hour; 1 % of phones not before all is quiet. */
static void sync_after(struct sim *sim, struct sim_device *device)
{
    uint64_t draw = sim_below(sim, SIM_PEOPLE, 1000);
    int64_t wait_us = sim_between(sim, SIM_PEOPLE, 5, 1800) * SIM_SECOND;

    if (draw < 10)
        wait_us = 60 * SIM_DAY;
    else if (draw < 60)
        wait_us = sim_between(sim, SIM_PEOPLE, 24 * 60, 96 * 60) * SIM_MINUTE;
    else if (draw < 460)
        wait_us = sim_between(sim, SIM_PEOPLE, 61, 10 * 60) * SIM_MINUTE;
    if (draw < 60)
        sim_device_stay_offline(device, sim->now_us + wait_us);
    sim_at(sim, sim->now_us + wait_us, find_signal, device, (uint64_t)sim_between(sim, SIM_PEOPLE, 1, 12));
}

/* ---- Visits ---- */

static void name_partner(struct sim *sim, const struct visit *visit, unsigned side, struct dc_check_in *check_in)
{
    const struct sim_device *partner = visit->phones[1 - side];

    if (partner != NULL && visit->named) {
        check_in->with = DC_WITH_NAMED;
        check_in->named[0] = officer_id(sim, sim_device_officer(partner));
        check_in->named_count = 1;
    } else if (partner == NULL && visit->said_alone) {
        check_in->with = DC_WITH_ALONE;
    }
}

static void check_in(struct sim *sim, struct visit *visit, unsigned side)
{
    struct sim_device *device = visit->phones[side];
    struct dc_check_in check_in = {.offender = offender_id(sim, visit->offender), .plan = visit->plan};

    if (device == NULL || sim_device_use(device) == NULL || visit->in[side])
        return;
    name_partner(sim, visit, side, &check_in);
    check_in.place = somewhere(sim, visit);
    check_in.agency = visit->agency && side == 0 ? "probation" : NULL;
    visit->in[side] =
        taken(sim, device, "check-in", dc_check_in(sim_device_use(device), &check_in, &visit->presences[side]));
    if (visit->in[side])
        sim_trace(sim, "%s: checks in at offender %u", sim_device_name(device), visit->offender);
    if (sim_chance(sim, SIM_PEOPLE, 250000)) /* there is signal at the door */
        sim_device_go_online(device, sim->now_us + sim_between(sim, SIM_PEOPLE, 1, 70) * SIM_MINUTE);
}

/* Co-signing without signal (C1): codes are shown and read within the same moment. */
struct code {
    uint8_t bytes[DC_CODE_SIZE_MAX];
    size_t size;
};

static void keep_code(void *context, enum dc_status status, const uint8_t *code, size_t size)
{
    struct code *kept = context;

    if (status != DC_OK || size > sizeof(kept->bytes))
        return;
    memcpy(kept->bytes, code, size);
    kept->size = size;
}

static void cosign(struct sim *sim, struct visit *visit)
{
    struct dc_device *a = visit->phones[0] != NULL ? sim_device_use(visit->phones[0]) : NULL;
    struct dc_device *b = visit->phones[1] != NULL ? sim_device_use(visit->phones[1]) : NULL;
    struct dc_check_in own = {.place = somewhere(sim, visit), .plan = visit->plan};
    struct code code = {.size = 0};
    struct code reply = {.size = 0};
    enum dc_status status;

    if (a == NULL || b == NULL || !visit->in[0] || visit->in[1])
        return;
    if (dc_cosign_show(a, &visit->presences[0], keep_code, &code) != DC_OK || code.size == 0)
        return;
    status = dc_cosign_read(b, code.bytes, code.size, &own, &visit->presences[1], keep_code, &reply);
    if (status == DC_UNKNOWN_OFFICER || status == DC_BAD_SIGNATURE || status == DC_INPUT || status == DC_CODE_OWN)
        return; /* the roster on this phone is too old, or it has been given to the first officer: they check in apart */
    if (!taken(sim, visit->phones[1], "co-signing", status))
        return;
    visit->in[1] = true;
    if (reply.size > 0 &&
        taken(sim, visit->phones[0], "confirmation", dc_cosign_confirm(a, reply.bytes, reply.size, NULL))) {
        visit->cosigned = true;
        sim_count(sim, SIM_COUNT_COSIGNED, 1);
        sim_trace(sim, "%s and %s have co-signed", sim_device_name(visit->phones[0]),
                  sim_device_name(visit->phones[1]));
    }
}

static void check_out(struct sim *sim, struct visit *visit, unsigned side)
{
    struct sim_device *device = visit->phones[side];
    struct dc_place place = somewhere(sim, visit);

    if (device == NULL || sim_device_use(device) == NULL || !visit->in[side])
        return;
    if (sim_chance(sim, SIM_PEOPLE, 40000)) /* forgotten */
        return;
    (void)taken(sim, device, "check-out", dc_check_out(sim_device_use(device), &visit->presences[side], &place, NULL));
}

static void edit_fields(struct sim *sim, struct sim_device *device, const struct dc_subject *subject)
{
    static const char *const cars[] = {"blue van", "red car", "bicycle"};
    char value[40];
    struct dc_field_change changes[2] = {{.field = "telephone", .change = DC_CHANGE_TEXT, .value = value},
                                         {.field = "vehicles", .change = DC_CHANGE_SET_ADD}};
    enum dc_status status;

    (void)snprintf(value, sizeof(value), "01223 %06u", (unsigned)sim_below(sim, SIM_TEXT, 1000000));
    changes[1].value = cars[sim_below(sim, SIM_TEXT, 3)];
    if (sim_chance(sim, SIM_PEOPLE, 300000))
        changes[1].change = DC_CHANGE_SET_REMOVE;
    status = dc_edit(sim_device_use(device), subject, changes, 2, NULL);
    if (status == DC_INPUT && changes[1].change == DC_CHANGE_SET_REMOVE) /* not a member, as far as is known here */
        status = dc_edit(sim_device_use(device), subject, changes, 1, NULL);
    (void)taken(sim, device, "edit", status);
}

static void paperwork(struct sim *sim, struct visit *visit, unsigned side)
{
    struct sim_device *device = visit->phones[side];
    struct dc_subject subject = {.is_presence = true, .presence = visit->presences[side]};
    struct dc_subject about = {.offender = offender_id(sim, visit->offender)};
    struct dc_hash note;
    char text[64];

    if (device == NULL || sim_device_use(device) == NULL || !visit->in[side])
        return;
    (void)snprintf(text, sizeof(text), "Invented account %u.", (unsigned)sim_below(sim, SIM_TEXT, 1000000));
    if (!sim_chance(sim, SIM_PEOPLE, 50000))
        (void)taken(sim, device, "outcome",
                    dc_outcome(sim_device_use(device), &visit->presences[side],
                               sim_chance(sim, SIM_PEOPLE, 700000)
                                   ? DC_OUTCOME_SEEN
                                   : (enum dc_outcome_code)sim_between(sim, SIM_PEOPLE, 2, 6),
                               NULL));
    if (sim_device_use(device) != NULL &&
        taken(sim, device, "note", dc_note(sim_device_use(device), &subject, text, NULL, &note)) &&
        sim_chance(sim, SIM_PEOPLE, 100000))
        (void)taken(sim, device, "correction",
                    dc_note(sim_device_use(device), &subject, "Invented correction.", &note, NULL));
    if (sim_chance(sim, SIM_PEOPLE, 350000) && sim_device_use(device) != NULL)
        edit_fields(sim, device, &about);
    sync_after(sim, device);
}

static void plan(struct sim *sim, struct visit *visit)
{
    struct sim_device *device = visit->phones[0];
    struct dc_plan plan = {.offender = offender_id(sim, visit->offender),
                           .officer_count = visit->phones[1] != NULL ? 2 : 1,
                           .from_ms = (sim->now_us - SIM_HOUR) / 1000,
                           .to_ms = (sim->now_us + 8 * SIM_HOUR) / 1000};

    plan.officers[0] = officer_id(sim, sim_device_officer(device));
    if (visit->phones[1] != NULL)
        plan.officers[1] = officer_id(sim, sim_device_officer(visit->phones[1]));
    if (sim_device_use(device) != NULL)
        (void)taken(sim, device, "plan", dc_plan_visit(sim_device_use(device), &plan, &visit->plan, NULL));
    if (visit->phones[1] == NULL && sim_chance(sim, SIM_PEOPLE, 500000) && sim_device_use(device) != NULL) {
        struct dc_authority_request request = {.offender = plan.offender,
                                               .plan = visit->plan,
                                               .from_ms = plan.from_ms,
                                               .to_ms = plan.to_ms,
                                               .risk_assessment = "Invented: nobody else is free."};

        (void)taken(sim, device, "request", dc_authority_request(sim_device_use(device), &request, NULL));
    }
    sim_device_go_online(device, sim->now_us + 3 * SIM_MINUTE);
}

static void take_step(struct sim *sim, void *context, uint64_t step)
{
    struct visit *visit = context;

    switch ((enum step)step) {
    case STEP_PLAN:
        plan(sim, visit);
        break;
    case STEP_IN_A:
        check_in(sim, visit, 0);
        break;
    case STEP_IN_B:
        if (visit->cosigned)
            cosign(sim, visit);
        visit->cosigned = false;
        check_in(sim, visit, 1);
        break;
    case STEP_OUT_A:
        check_out(sim, visit, 0);
        break;
    case STEP_OUT_B:
        check_out(sim, visit, 1);
        break;
    case STEP_PAPER_A:
        paperwork(sim, visit, 0);
        break;
    case STEP_PAPER_B:
        paperwork(sim, visit, 1);
        break;
    case STEP_OVER:
        break;
    }
}

static void into_cellar(struct sim *sim, void *context, uint64_t minutes)
{
    if (!sim->quiet)
        sim_device_stay_offline(context, sim->now_us + (int64_t)minutes * SIM_MINUTE);
}

static void battery_flat(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    if (!sim->quiet)
        sim_mishap_reboot(sim, context);
}

/*
 * The phone is off in the middle of the visit and again after it, far from any signal: what was written in between is of a
 * boot that never meets the server (T1).
 */
static void flatten(struct sim *sim, const struct visit *visit, int64_t in_us, int64_t out_us)
{
    enum sim_fault fault = SIM_FAULT_FLAT_BATTERY;
    unsigned side = visit->phones[1] != NULL ? (unsigned)sim_fault_below(sim, fault, 2) : 0;
    int64_t between_us = in_us + (int64_t)sim_fault_below(sim, fault, (uint64_t)(out_us - in_us));
    int64_t after_us = out_us + SIM_MINUTE * (int64_t)(31 + sim_fault_below(sim, fault, 60));

    sim_at(sim, in_us, into_cellar, visit->phones[side], (uint64_t)((after_us - in_us) / SIM_MINUTE) + 30);
    sim_at(sim, between_us, battery_flat, visit->phones[side], 0);
    sim_at(sim, after_us, battery_flat, visit->phones[side], 0);
}

static int64_t minutes(struct sim *sim, int64_t low, int64_t high)
{
    return sim_between(sim, SIM_PEOPLE, low * 60, high * 60) * SIM_SECOND;
}

static void schedule(struct sim *sim, struct visit *visit, int64_t at_us)
{
    int64_t late_us = sim_between(sim, SIM_PEOPLE, 5, 120) * SIM_SECOND;
    int64_t long_us = minutes(sim, 10, 75);
    int64_t out_b_us;

    if (sim_chance(sim, SIM_PEOPLE, 60000)) /* the partner comes late */
        late_us = minutes(sim, 8, 30);
    out_b_us = long_us + sim_between(sim, SIM_PEOPLE, -60, 60) * SIM_SECOND;
    if (sim_chance(sim, SIM_PEOPLE, 40000)) /* or only looks in */
        out_b_us = late_us + 2 * SIM_MINUTE;
    if (out_b_us <= late_us)
        out_b_us = late_us + SIM_MINUTE;
    if (sim_chance(sim, SIM_PEOPLE, 300000))
        sim_at(sim, at_us - minutes(sim, 30, 120), take_step, visit, STEP_PLAN);
    visit->cosigned = visit->phones[1] != NULL && late_us < 3 * SIM_MINUTE && sim_chance(sim, SIM_PEOPLE, 300000);
    if (sim_fault(sim, SIM_FAULT_FLAT_BATTERY, sim_rate(sim, FLAT_BATTERY_RATE)))
        flatten(sim, visit, at_us, at_us + (long_us < out_b_us ? long_us : out_b_us));
    sim_at(sim, at_us, take_step, visit, STEP_IN_A);
    sim_at(sim, at_us + late_us, take_step, visit, STEP_IN_B);
    sim_at(sim, at_us + long_us, take_step, visit, STEP_OUT_A);
    sim_at(sim, at_us + out_b_us, take_step, visit, STEP_OUT_B);
    sim_at(sim, at_us + long_us + minutes(sim, 1, 30), take_step, visit, STEP_PAPER_A);
    sim_at(sim, at_us + out_b_us + minutes(sim, 1, 30), take_step, visit, STEP_PAPER_B);
    sim_at_owned(sim, at_us + 3 * SIM_HOUR, take_step, visit, STEP_OVER, visit);
}

/* Somebody of the team who isn't the first; any colleague when the team has nobody. */
static struct sim_device *find_partner(struct sim *sim, unsigned first)
{
    for (unsigned tries = 0; tries < 12; tries++) {
        unsigned officer = 1 + (unsigned)sim_below(sim, SIM_PEOPLE, sim->officer_count - 1);

        if (officer != first && (tries > 8 || sim->officers[officer].team == sim->officers[first].team))
            return sim_people_phone(sim, officer);
    }
    return NULL;
}

static void visit_one(struct sim *sim, int64_t morning_us)
{
    struct visit *visit = calloc(1, sizeof(*visit));
    unsigned officer = 1 + (unsigned)sim_below(sim, SIM_PEOPLE, sim->officer_count - 1);
    int64_t at_us = morning_us + VISIT_FIRST_US +
                    (int64_t)sim_below(sim, SIM_PEOPLE, (VISIT_LAST_US - VISIT_FIRST_US) / SIM_SECOND) * SIM_SECOND;

    if (visit == NULL)
        abort();
    visit->phones[0] = sim_people_phone(sim, officer);
    if (visit->phones[0] == NULL) {
        free(visit);
        return;
    }
    visit->offender = (unsigned)sim_below(sim, SIM_PEOPLE, sim->offender_count);
    if (sim->offenders[visit->offender].team != sim->officers[officer].team)
        visit->offender = (unsigned)sim_below(sim, SIM_PEOPLE, sim->offender_count);
    if (!sim_chance(sim, SIM_PEOPLE, 50000))
        visit->phones[1] = find_partner(sim, officer);
    visit->named = sim_chance(sim, SIM_PEOPLE, 800000);
    visit->said_alone = sim_chance(sim, SIM_PEOPLE, 600000);
    visit->agency = sim_chance(sim, SIM_PEOPLE, 30000);
    visit->place = !sim_chance(sim, SIM_PEOPLE, 100000);
    sim_count(sim, SIM_COUNT_VISITS, 1);
    if (visit->phones[1] == NULL)
        sim_count(sim, SIM_COUNT_LONE, 1);
    schedule(sim, visit, at_us);
}

/* ---- Supervisors ---- */

struct inbox {
    struct dc_hash flags[3];
    struct dc_hash presences[3];
    struct dc_id officers[3];
    size_t count;
};

static bool take_flag(void *context, const struct dc_flag *flag)
{
    struct inbox *inbox = context;

    if (flag->state != DC_FLAG_RAISED || !flag->subject.is_presence)
        return true;
    inbox->flags[inbox->count] = flag->flag;
    inbox->presences[inbox->count] = flag->subject.presence;
    inbox->officers[inbox->count++] = flag->officer;
    return inbox->count < 3;
}

static void decide(struct sim *sim, struct sim_device *device, const struct inbox *inbox, size_t i)
{
    struct dc_decision decision = {.presence = inbox->presences[i],
                                   .appropriate = sim_chance(sim, SIM_PEOPLE, 600000),
                                   .reason_code = "reviewed",
                                   .words = "Invented: spoken to both.",
                                   .flag = inbox->flags[i]};

    (void)taken(sim, device, "decision", dc_decide(sim_device_use(device), &decision, NULL));
}

static void review(struct sim *sim, void *context, uint64_t number)
{
    struct sim_device *device = context;
    struct inbox inbox = {.count = 0};

    (void)number;
    if (sim_device_use(device) == NULL || sim_device_fate(device) == SIM_DEVICE_RETIRED)
        return;
    if (dc_each_flag(sim_device_use(device), NULL, take_flag, &inbox) != DC_OK)
        return;
    for (size_t i = 0; i < inbox.count; i++) {
        uint64_t draw = sim_below(sim, SIM_PEOPLE, 100);
        bool own = memcmp(inbox.officers[i].bytes, officer_id(sim, sim_device_officer(device)).bytes, ID_SIZE) == 0;

        if (sim_device_use(device) == NULL)
            return;
        if (own && draw < 40)
            (void)taken(sim, device, "answer",
                        dc_answer_flag(sim_device_use(device), &inbox.flags[i], "Invented answer.", NULL));
        else if (!own && draw < 40)
            decide(sim, device, &inbox, i);
        else if (!own && draw < 85)
            (void)taken(sim, device, "acknowledgement",
                        dc_acknowledge_flag(sim_device_use(device), &inbox.flags[i], NULL));
    }
}

/* One of the requests that wait, or that were answered once (L1). */
struct open_request {
    struct sim *sim;
    struct dc_hash request;
    unsigned seen;
};

static bool take_request(void *context, const struct dc_authority_request_read *request)
{
    struct open_request *open = context;

    if (request->pending) /* an own one, which nobody has seen */
        return true;
    open->seen++;
    if (sim_below(open->sim, SIM_PEOPLE, open->seen) == 0)
        open->request = request->request;
    return true;
}

static void answer_request(struct sim *sim, struct sim_device *device)
{
    struct open_request open = {.sim = sim};
    struct dc_authority_word word = {.granted = !sim_chance(sim, SIM_PEOPLE, 300000),
                                     .words = "Invented: looked at the assessment."};

    if (dc_each_authority_request(sim_device_use(device), NULL, take_request, &open) != DC_OK || open.seen == 0)
        return;
    word.request = open.request;
    (void)taken(sim, device, "answer to a request", dc_authority_word(sim_device_use(device), &word, NULL));
}

void sim_people_flag(struct sim *sim, struct sim_device *device)
{
    const struct sim_officer *officer = &sim->officers[sim_device_officer(device)];

    if (!sim->quiet && officer->role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR && sim_chance(sim, SIM_PEOPLE, 300000))
        sim_at(sim, sim->now_us + sim_between(sim, SIM_PEOPLE, 2, 40) * SIM_SECOND, review, device, 0);
}

/* A word on a lone visit before or after it (L1), for somebody of the team. */
static void authorise(struct sim *sim, void *context, uint64_t number)
{
    struct sim_device *device = context;
    unsigned officer = 1 + (unsigned)sim_below(sim, SIM_PEOPLE, sim->officer_count - 1);
    struct dc_authority_word word = {.officer = officer_id(sim, officer),
                                     .offender =
                                         offender_id(sim, (unsigned)sim_below(sim, SIM_PEOPLE, sim->offender_count)),
                                     .granted = !sim_chance(sim, SIM_PEOPLE, 200000),
                                     .from_ms = (sim->now_us - SIM_HOUR) / 1000,
                                     .to_ms = (sim->now_us + 2 * SIM_DAY) / 1000,
                                     .words = "Invented: risk assessed."};

    (void)number;
    if (sim_device_use(device) != NULL && sim_chance(sim, SIM_PEOPLE, 500000))
        answer_request(sim, device);
    if (sim_device_use(device) != NULL)
        (void)taken(sim, device, "authority", dc_authority_word(sim_device_use(device), &word, NULL));
}

static void supervise(struct sim *sim, struct sim_device *device, int64_t morning_us)
{
    for (unsigned i = 0; i < 2; i++) {
        int64_t at_us = morning_us + 8 * SIM_HOUR + minutes(sim, 0, 9 * 60);

        sim_at(sim, at_us, find_signal, device, 10);
        sim_at(sim, at_us + 3 * SIM_MINUTE, review, device, 0);
    }
    if (sim_chance(sim, SIM_PEOPLE, 100000))
        sim_at(sim, morning_us + 8 * SIM_HOUR + minutes(sim, 0, 480), authorise, device, 0);
    if (sim_chance(sim, SIM_PEOPLE, 300000)) /* a day at the desk */
        sim_at(sim, morning_us + 9 * SIM_HOUR, find_signal, device, 8 * 60);
}

void sim_people_day(struct sim *sim, int64_t morning_us)
{
    unsigned thousandths = sim->options.devices * VISITS_A_THOUSAND_DEVICE_DAYS;

    for (; thousandths >= 1000; thousandths -= 1000)
        visit_one(sim, morning_us);
    if (sim_chance(sim, SIM_PEOPLE, thousandths * 1000))
        visit_one(sim, morning_us);
    for (unsigned officer = 1; officer < sim->officer_count; officer++) {
        struct sim_device *device = sim_people_phone(sim, officer);

        if (device == NULL)
            continue;
        if (sim->officers[officer].role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR)
            supervise(sim, device, morning_us);
        else if (sim_chance(sim, SIM_PEOPLE, 500000))
            sim_at(sim, morning_us + 7 * SIM_HOUR + minutes(sim, 0, 90), find_signal, device, 2);
        if (sim_chance(sim, SIM_PEOPLE, 60000))
            sim_at(sim, morning_us + 12 * SIM_HOUR + minutes(sim, 0, 200), review, device, 0);
    }
}
