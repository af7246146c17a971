#include "tests/lib/fleet_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rule.h"
#include "tests/lib/core_fixture.h"

#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name
#define EVENTS_MAX 4096
#define OFFICERS 5
#define ANCHORS_MAX 60
#define DAY (24 * FLEET_HOUR)

enum deed {
    DEED_CHECK_IN,
    DEED_CHECK_OUT,
    DEED_OUTCOME,
    DEED_NOTE,
    DEED_EDIT,
    DEED_HELLO,
    DEED_SYNC,
    DEED_REBOOT,
    DEED_SEAL,
    DEED_COSIGN,
    DEED_CONFIRM,
    DEED_CARRY,
    DEED_CLONE,
    DEED_UNKNOWN,
    DEED_DECIDE,
    DEED_AUTHORISE,
    DEED_PLAN,
    DEED_STATE,
    DEED_POLICY,
    DEED_RISK,
    DEED_MOVE,
    DEED_TICK
};

struct event {
    int64_t at_us;
    enum deed deed;
    size_t who;
    size_t visit; /* of the one presence */
    unsigned value;
};

/* One officer's presence in the making. */
struct visit {
    size_t who;
    size_t offender;
    unsigned company; /* 0 unrecorded, 1 alone, 2 names the partner, 3 an agency */
    size_t partner;   /* an officer */
    size_t partner_visit;
    bool begun;
    int32_t metres_away;
    bool placed;
    struct hash check_in;
    uint64_t seq;
};

/* An edit that was made: others may replace it, whether their phones could have seen it or not. */
struct edited {
    unsigned value;
    size_t about; /* a visit's offender, or the visit */
    struct hash hash;
};

struct story {
    struct fleet *fleet;
    struct edited edits[256];
    size_t edit_count;
    uint64_t random;
    struct event events[EVENTS_MAX];
    size_t event_count;
    struct visit visits[512];
    size_t visit_count;
    int64_t busy_until_us[OFFICERS];
    size_t kept[OFFICERS]; /* entries at the last backup */
    uint32_t policy_version;
    bool unseen;
};

static const char *const officers[OFFICERS] = {"ann", "bob", "cal", "dee", "sue"};
static const char *const offenders[] = {"xen", "yul", "zoe"};

static uint64_t below(struct story *s, uint64_t limit)
{
    return fixture_below(&s->random, limit);
}

static bool chance(struct story *s, unsigned percent)
{
    return below(s, 100) < percent;
}

static void plan_event(struct story *s, struct event event)
{
    assert_true(s->event_count < EVENTS_MAX);
    s->events[s->event_count++] = event;
}

/* Seconds, spread unevenly: many things happen within a minute of each other. */
static int64_t within(struct story *s, int64_t length_us)
{
    return (int64_t)below(s, (uint64_t)(length_us / FLEET_SECOND) + 1) * FLEET_SECOND;
}

static ProtobufCBinaryData bytes(const void *data, size_t size)
{
    ProtobufCBinaryData binary = {.len = size};

    memcpy(&binary.data, &data, sizeof(data));
    return binary;
}

static char *words(const char *literal)
{
    char *mutable;

    memcpy(&mutable, &literal, sizeof(literal));
    return mutable;
}

/* Planning --------------------------------------------------------------------------------------------------------- */

static size_t plan_presence(struct story *s, size_t who, size_t offender, int64_t from_us, int64_t length_us)
{
    size_t visit = s->visit_count++;

    assert_true(visit < sizeof(s->visits) / sizeof(s->visits[0]));
    s->visits[visit] = (struct visit){.who = who, .offender = offender, .partner_visit = SIZE_MAX};
    s->visits[visit].metres_away = chance(s, 8) ? 3000 : (int32_t)below(s, 60);
    s->visits[visit].placed = !chance(s, 15);
    plan_event(s, (struct event){from_us, DEED_CHECK_IN, who, visit, 0});
    if (!chance(s, 8))
        plan_event(s, (struct event){from_us + length_us, DEED_CHECK_OUT, who, visit, chance(s, 6)});
    if (chance(s, 70))
        plan_event(s, (struct event){from_us + length_us + FLEET_SECOND, DEED_OUTCOME, who, visit,
                                     chance(s, 75) ? 1 : 1 + (unsigned)below(s, 6)});
    if (chance(s, 40))
        plan_event(s, (struct event){from_us + length_us + FLEET_MINUTE, DEED_NOTE, who, visit, 0});
    if (chance(s, 40))
        plan_event(
            s, (struct event){from_us + length_us + 2 * FLEET_MINUTE, DEED_EDIT, who, visit, (unsigned)below(s, 4)});
    s->busy_until_us[who] = from_us + length_us + 3 * FLEET_MINUTE;
    return visit;
}

static void plan_cosigning(struct story *s, size_t first, size_t second, int64_t from_us)
{
    s->visits[first].partner_visit = second;
    s->visits[second].partner_visit = first;
    for (size_t i = 0; i < s->event_count; i++) {
        if (s->events[i].visit == second && s->events[i].deed == DEED_CHECK_IN)
            s->events[i].deed = DEED_COSIGN;
    }
    plan_event(s, (struct event){from_us, DEED_CONFIRM, s->visits[first].who, first, 0});
}

static void plan_visit(struct story *s, int64_t from_us)
{
    static const int64_t minutes[] = {2, 5, 12, 25, 40, 41, 60, 100, 190};
    size_t who = (size_t)below(s, 4), partner = (size_t)below(s, 4), offender = (size_t)below(s, 3), mine, theirs;
    int64_t length_us = minutes[below(s, 9)] * FLEET_MINUTE, late_us;

    if (from_us < s->busy_until_us[who] && !chance(s, 5))
        return;
    mine = plan_presence(s, who, offender, from_us, length_us);
    s->visits[mine].company = (unsigned)below(s, 20) == 0 ? 3 : (unsigned)below(s, 3);
    s->visits[mine].partner = partner;
    if (partner == who)
        s->visits[mine].company %= 2;
    if (chance(s, 20))
        plan_event(s, (struct event){from_us - FLEET_HOUR - within(s, 3 * FLEET_HOUR), DEED_AUTHORISE, 4, mine,
                                     chance(s, 80)});
    if (chance(s, 20))
        plan_event(s, (struct event){from_us - FLEET_HOUR, DEED_PLAN, who, mine, (unsigned)below(s, 3)});
    if (chance(s, 20))
        plan_event(s, (struct event){from_us + length_us + FLEET_HOUR + within(s, DAY), DEED_DECIDE,
                                     chance(s, 90) ? 4 : who, mine, chance(s, 60)});
    if (partner == who || from_us < s->busy_until_us[partner] || !chance(s, 65))
        return;
    late_us = chance(s, 70) ? within(s, 4 * FLEET_MINUTE) : within(s, 30 * FLEET_MINUTE);
    theirs =
        plan_presence(s, partner, offender, from_us + late_us, chance(s, 80) ? length_us : within(s, 2 * FLEET_HOUR));
    s->visits[theirs].company = chance(s, 50) ? 2 : 0;
    s->visits[theirs].partner = who;
    if (chance(s, 30))
        plan_cosigning(s, mine, theirs, from_us + late_us + 5 * FLEET_SECOND + within(s, 90 * FLEET_SECOND));
    if (chance(s, 20))
        plan_event(s, (struct event){from_us + late_us + 2 * FLEET_HOUR, DEED_CARRY, who, theirs, 0});
}

static void plan_phones(struct story *s, int64_t from_us, int64_t to_us)
{
    for (size_t who = 0; who < OFFICERS; who++) {
        int64_t at_us = from_us;

        while ((at_us += FLEET_MINUTE + within(s, who == 4 ? 6 * FLEET_HOUR : 5 * FLEET_HOUR)) < to_us) {
            plan_event(s, (struct event){at_us, DEED_SYNC, who, 0, chance(s, 10)});
            if (chance(s, 25))
                plan_event(s, (struct event){at_us + FLEET_SECOND, DEED_SEAL, who, 0, 0});
            if (chance(s, 10))
                plan_event(s, (struct event){at_us + FLEET_MINUTE, DEED_REBOOT, who, 0, 0});
        }
    }
    for (int64_t at_us = from_us; at_us < to_us; at_us += FLEET_MINUTE + within(s, 9 * FLEET_HOUR))
        plan_event(s, (struct event){at_us, DEED_TICK, 0, 0, 0});
}

static void plan_mishaps(struct story *s, const struct fleet_story_settings *settings, int64_t from_us,
                         int64_t length_us)
{
    for (unsigned i = 0; settings->forks && i < 2; i++)
        plan_event(s, (struct event){from_us + within(s, length_us), DEED_CLONE, (size_t)below(s, 4), 0, 0});
    for (unsigned i = 0; settings->revocations && i < 3; i++)
        plan_event(s, (struct event){from_us + within(s, length_us), DEED_STATE, (size_t)below(s, 4), 0,
                                     1 + (unsigned)below(s, 4)});
    for (unsigned i = 0; settings->policies && i < 3; i++)
        plan_event(s, (struct event){from_us + within(s, length_us), i == 0 ? DEED_RISK : DEED_POLICY, 0, below(s, 3),
                                     (unsigned)below(s, 4)});
    for (unsigned i = 0; settings->teams && i < 4; i++)
        plan_event(s, (struct event){from_us + within(s, length_us), DEED_MOVE, (size_t)below(s, OFFICERS),
                                     (size_t)below(s, 3), (unsigned)below(s, 4)});
    if (chance(s, 30))
        plan_event(s, (struct event){from_us + within(s, length_us), DEED_UNKNOWN, (size_t)below(s, 4), 0, 0});
}

static int by_time(const void *left, const void *right)
{
    const struct event *a = left, *b = right;

    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    if (a->deed != b->deed)
        return a->deed < b->deed ? -1 : 1;
    return a->who < b->who ? -1 : a->who > b->who ? 1 : a->visit < b->visit ? -1 : a->visit > b->visit;
}

/* Playing ---------------------------------------------------------------------------------------------------------- */

static struct fleet_device *phone(struct story *s, size_t who)
{
    return fleet_device(s->fleet, officers[who]);
}

static void check_in(struct story *s, struct visit *visit, int64_t at_us, const struct visit *cosigned)
{
    Doublecrew__V1__CheckIn message = DOUBLECREW__V1__CHECK_IN__INIT;
    Doublecrew__V1__Place place = DOUBLECREW__V1__PLACE__INIT;
    struct fleet_device *device = phone(s, visit->who);
    struct id offender = fleet_id(offenders[visit->offender]), named = fleet_id(officers[visit->partner]);
    ProtobufCBinaryData names[] = {bytes(named.bytes, ID_SIZE)};

    place.latitude_e7 = 522000000 + visit->metres_away * 90;
    place.longitude_e7 = 1200000;
    place.accuracy_m = 10;
    message.offender_id = bytes(offender.bytes, ID_SIZE);
    message.officer_id = bytes(device->officer.bytes, ID_SIZE);
    message.place = visit->placed ? &place : NULL;
    if (cosigned != NULL)
        message.cosigned_check_in = bytes(cosigned->check_in.bytes, HASH_SIZE);
    if (visit->company == 1)
        message.company = DOUBLECREW__V1__COMPANY__COMPANY_ALONE;
    if (visit->company >= 2)
        message.company = DOUBLECREW__V1__COMPANY__COMPANY_NAMED;
    if (visit->company == 2) {
        message.named_officer_ids = names;
        message.n_named_officer_ids = 1;
    }
    if (visit->company == 3)
        message.agency = words("probation");
    visit->check_in = fleet_add(device, at_us, KIND(CHECK_IN), &message.base);
    visit->begun = true;
    visit->seq = device->count;
}

static void check_out(struct story *s, const struct visit *visit, int64_t at_us, bool elsewhere)
{
    Doublecrew__V1__CheckOut message = DOUBLECREW__V1__CHECK_OUT__INIT;
    Doublecrew__V1__Place place = DOUBLECREW__V1__PLACE__INIT;

    place.latitude_e7 = 522000000 + visit->metres_away * 90 + (elsewhere ? 90000 : 0);
    place.longitude_e7 = 1200000;
    place.accuracy_m = 10;
    message.presence = bytes(visit->check_in.bytes, HASH_SIZE);
    message.place = visit->placed ? &place : NULL;
    (void)fleet_add(phone(s, visit->who), at_us, KIND(CHECK_OUT), &message.base);
}

static void write_note(struct story *s, const struct visit *visit, int64_t at_us)
{
    Doublecrew__V1__Note message = DOUBLECREW__V1__NOTE__INIT;

    message.subject = bytes(visit->check_in.bytes, HASH_SIZE);
    message.text = words("All quiet.");
    (void)fleet_add(phone(s, visit->who), at_us, KIND(NOTE), &message.base);
}

/* Hashes of some earlier edits of the same field. */
static size_t earlier_edits(struct story *s, const struct edited *edit, ProtobufCBinaryData *ret_hashes, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < s->edit_count && count < max; i++) {
        const struct edited *other = &s->edits[i];

        if (other->value / 2 == edit->value / 2 && other->about == edit->about && chance(s, 70))
            ret_hashes[count++] = bytes(other->hash.bytes, HASH_SIZE);
    }
    return count;
}

/* 0: a text about the visit, 1: about the offender, 2: a tag is added, 3: a tag is taken away. */
static void write_edit(struct story *s, const struct event *event)
{
    const struct visit *visit = &s->visits[event->visit];
    struct edited edit = {event->value, event->value == 0 ? 100 + event->visit : visit->offender, {{0}}};
    Doublecrew__V1__Edit message = DOUBLECREW__V1__EDIT__INIT;
    Doublecrew__V1__FieldEdit field = DOUBLECREW__V1__FIELD_EDIT__INIT, *fields[] = {&field};
    Doublecrew__V1__SetChange set = DOUBLECREW__V1__SET_CHANGE__INIT;
    Doublecrew__V1__SetRemoval removal = DOUBLECREW__V1__SET_REMOVAL__INIT, *removals[] = {&removal};
    ProtobufCBinaryData hashes[16];
    struct id offender = fleet_id(offenders[visit->offender]);
    char tag[8] = "dog", *tags[] = {tag}, text[32] = "Gate code changed";
    size_t count = earlier_edits(s, &edit, hashes, 16);

    tag[0] = (char)('c' + below(s, 2));
    message.subject = event->value == 0 ? bytes(visit->check_in.bytes, HASH_SIZE) : bytes(offender.bytes, ID_SIZE);
    message.fields = fields;
    message.n_fields = 1;
    field.field = words(event->value < 2 ? "summary" : "tags");
    field.change_case =
        event->value < 2 ? DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT : DOUBLECREW__V1__FIELD_EDIT__CHANGE_SET;
    if (event->value < 2) {
        text[0] = (char)('A' + below(s, 26));
        field.text = text;
        field.replaces = hashes;
        field.n_replaces = count;
    } else {
        field.set = &set;
        set.add = tags;
        set.n_add = event->value == 2;
        set.remove = removals;
        set.n_remove = event->value == 3;
        removal.value = tag;
        removal.additions_seen = hashes;
        removal.n_additions_seen = count;
    }
    edit.hash = fleet_add(phone(s, event->who), event->at_us, KIND(EDIT), &message.base);
    if (s->edit_count < sizeof(s->edits) / sizeof(s->edits[0]))
        s->edits[s->edit_count++] = edit;
}

static void confirm(struct story *s, const struct visit *visit, int64_t at_us)
{
    Doublecrew__V1__CosignConfirm message = DOUBLECREW__V1__COSIGN_CONFIRM__INIT;
    const struct visit *other = &s->visits[visit->partner_visit];

    message.own_check_in = bytes(visit->check_in.bytes, HASH_SIZE);
    message.partner_check_in = bytes(other->check_in.bytes, HASH_SIZE);
    message.round_trip_ms = (uint32_t)below(s, 90000);
    (void)fleet_add(phone(s, visit->who), at_us, KIND(COSIGN_CONFIRM), &message.base);
}

static void seal(struct fleet_device *device, int64_t at_us, uint16_t kind)
{
    Doublecrew__V1__Seal message = DOUBLECREW__V1__SEAL__INIT;

    (void)fleet_add(device, at_us, kind, &message.base);
}

static void hello(struct fleet_device *device, int64_t at_us)
{
    if (device->anchor_count < ANCHORS_MAX)
        fleet_hello(device, at_us);
}

/* The pushed part of the log since the last backup is forgotten; it goes on otherwise. */
static void restore(struct story *s, size_t who)
{
    struct fleet_device *device = phone(s, who);

    if (s->kept[who] > device->pushed)
        return;
    while (device->count > s->kept[who]) {
        uint8_t *payload;

        device->count--;
        memcpy(&payload, &device->entries[device->count].payload.data, sizeof(payload));
        free(payload);
    }
    device->pushed = device->count;
    for (size_t i = 0; i < s->visit_count; i++) {
        if (s->visits[i].who == who && s->visits[i].seq > device->count)
            s->visits[i].begun = false; /* the phone knows nothing of it */
    }
}

static void sync_phone(struct story *s, size_t who, int64_t at_us, bool by_hand)
{
    struct fleet_device *device = phone(s, who);
    struct fleet_push push;

    if (by_hand)
        fleet_offline(device);
    else
        hello(device, at_us);
    if (device->count == device->pushed)
        return;
    push = fleet_build(device);
    (void)fleet_deliver(s->fleet, at_us, &push);
    fleet_push_free(&push);
    if (chance(s, 30))
        s->kept[who] = device->count;
}

/* What the partner hasn't pushed travels with this phone. */
static void carry(struct story *s, const struct event *event)
{
    struct fleet_device *partner = phone(s, s->visits[event->visit].who);
    Doublecrew__V1__Carried message = DOUBLECREW__V1__CARRIED__INIT;
    size_t pushed = partner->pushed;
    struct fleet_push push;

    if (partner->count == partner->pushed)
        return;
    push = fleet_build(partner);
    partner->pushed = pushed; /* and it will push it itself */
    message.push = bytes(push.bytes, push.size);
    (void)fleet_add(phone(s, event->who), event->at_us, KIND(CARRIED), &message.base);
    fleet_push_free(&push);
}

static void make_plan(struct story *s, const struct visit *visit, const struct event *event)
{
    Doublecrew__V1__Plan message = DOUBLECREW__V1__PLAN__INIT;
    struct id plan = fixture_id("plan"), offender = fleet_id(offenders[visit->offender]);
    struct id a = fleet_id(officers[visit->who]), b = fleet_id(officers[visit->partner]);
    ProtobufCBinaryData names[] = {bytes(a.bytes, ID_SIZE), bytes(b.bytes, ID_SIZE)};

    plan.bytes[0] = (uint8_t)below(s, 255); /* some are replaced */
    message.plan_id = bytes(plan.bytes, ID_SIZE);
    message.offender_id = bytes(offender.bytes, ID_SIZE);
    message.officer_ids = names;
    message.n_officer_ids = 1 + (visit->partner != visit->who);
    message.from_ms = (event->at_us + 30 * FLEET_MINUTE) / 1000;
    message.to_ms = (event->at_us + 3 * FLEET_HOUR) / 1000;
    message.cancelled = event->value == 0;
    (void)fleet_add(phone(s, event->who), event->at_us, KIND(PLAN), &message.base);
}

static void set_state(struct story *s, const struct event *event)
{
    Doublecrew__V1__DeviceState message = DOUBLECREW__V1__DEVICE_STATE__INIT;

    message.device_id = bytes(phone(s, event->who)->device.bytes, ID_SIZE);
    message.standing = (Doublecrew__V1__DeviceStanding)event->value;
    if (chance(s, 50))
        message.as_of_ms = (event->at_us - within(s, 5 * FLEET_HOUR)) / 1000;
    (void)fleet_add(s->fleet->operator_device, event->at_us, KIND(DEVICE_STATE), &message.base);
    fleet_settle(s->fleet, event->at_us);
}

static void set_policy(struct story *s, const struct event *event)
{
    static const uint32_t alone[] = {600, 300, 900, 60};
    Doublecrew__V1__Policy message = DOUBLECREW__V1__POLICY__INIT;
    Doublecrew__V1__RiskLevel forbidden[] = {DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_VERY_HIGH};

    message.version = ++s->policy_version;
    message.effective_from_ms = (event->at_us + (event->value == 3 ? FLEET_HOUR : 0)) / 1000;
    message.max_alone_s = alone[event->value];
    message.longest_visit_s = 10800;
    message.time_limit_s = event->value == 2 ? 3600 : 14400;
    message.retro_window_s = 86400;
    message.evidence_overdue_s = 86400;
    message.authority_max_s = 604800;
    message.cosign_round_trip_s = 60;
    message.drift_ppm = 200;
    message.partner_distance_m = 100;
    message.far_apart_m = 2000;
    message.late_out_m = 150;
    message.lone_forbidden = forbidden;
    message.n_lone_forbidden = event->value == 1;
    message.live_silence_s = 120;
    message.acknowledge_within_s = 900;
    message.welfare_check_s = 3600;
    message.skew_shown_s = 120;
    message.address_distance_m = 150;
    (void)fleet_add(s->fleet->operator_device, event->at_us, KIND(POLICY), &message.base);
    fleet_settle(s->fleet, event->at_us);
}

/* A person or an offender to the other team or back. */
static void move(struct story *s, const struct event *event)
{
    static const Doublecrew__V1__Role roles[OFFICERS] = {
        DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER,
        DOUBLECREW__V1__ROLE__ROLE_CONSTABLE, DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER,
        DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR};
    const char *team = event->value % 2 == 0 ? "south" : "north";

    if (event->value < 2)
        fleet_officer(s->fleet, event->at_us, officers[event->who], roles[event->who],
                      roles[event->who] == DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, team);
    else
        fleet_offender(s->fleet, event->at_us, offenders[event->visit], DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM,
                       team);
    fleet_settle(s->fleet, event->at_us);
}

static void play_presence(struct story *s, const struct event *event)
{
    struct visit *visit = &s->visits[event->visit], *other = NULL;

    if (visit->partner_visit != SIZE_MAX)
        other = &s->visits[visit->partner_visit];
    if (event->deed == DEED_CHECK_IN)
        check_in(s, visit, event->at_us, NULL);
    else if (event->deed == DEED_COSIGN)
        check_in(s, visit, event->at_us, other != NULL && other->begun ? other : NULL);
    if (!visit->begun)
        return;
    if (event->deed == DEED_CHECK_OUT)
        check_out(s, visit, event->at_us, event->value != 0);
    else if (event->deed == DEED_OUTCOME)
        (void)fleet_outcome(phone(s, event->who), event->at_us, &visit->check_in,
                            (Doublecrew__V1__VisitOutcome)event->value);
    else if (event->deed == DEED_NOTE)
        write_note(s, visit, event->at_us);
    else if (event->deed == DEED_EDIT)
        write_edit(s, event);
    else if (event->deed == DEED_CONFIRM && other != NULL && other->begun)
        confirm(s, visit, event->at_us);
    else if (event->deed == DEED_DECIDE && (s->unseen || visit->seq <= phone(s, visit->who)->pushed))
        (void)fleet_decide(phone(s, event->who), event->at_us, &visit->check_in, event->value != 0);
}

static void play_event(struct story *s, const struct event *event)
{
    const struct visit *visit = &s->visits[event->visit];
    struct fleet_device *device = phone(s, event->who);

    switch (event->deed) {
    case DEED_SYNC:
        sync_phone(s, event->who, event->at_us, event->value != 0);
        break;
    case DEED_REBOOT:
        fleet_reboot(device, event->at_us);
        break;
    case DEED_HELLO:
        hello(device, event->at_us);
        break;
    case DEED_SEAL:
        seal(device, event->at_us, KIND(SEAL));
        break;
    case DEED_UNKNOWN:
        seal(device, event->at_us, 50);
        break;
    case DEED_CARRY:
        carry(s, event);
        break;
    case DEED_CLONE:
        restore(s, event->who);
        break;
    case DEED_PLAN:
        make_plan(s, visit, event);
        break;
    case DEED_AUTHORISE:
        (void)fleet_authorise(device, event->at_us, officers[visit->who], offenders[visit->offender], event->value != 0,
                              event->at_us, event->at_us + 8 * FLEET_HOUR);
        break;
    case DEED_STATE:
        set_state(s, event);
        break;
    case DEED_POLICY:
        set_policy(s, event);
        break;
    case DEED_RISK:
        fleet_offender(s->fleet, event->at_us, offenders[event->visit], (Doublecrew__V1__RiskLevel)(1 + event->value),
                       "north");
        fleet_settle(s->fleet, event->at_us);
        break;
    case DEED_MOVE:
        move(s, event);
        break;
    case DEED_TICK:
        fleet_tick(s->fleet, event->at_us);
        break;
    default:
        play_presence(s, event);
        break;
    }
}

static bool reaches_the_server(enum deed deed)
{
    return deed == DEED_SYNC || deed == DEED_TICK || deed == DEED_STATE || deed == DEED_POLICY || deed == DEED_RISK ||
           deed == DEED_MOVE;
}

struct fleet *fleet_story_play(const struct fleet_story_settings *settings, fleet_story_each *each, void *context)
{
    struct story *s = calloc(1, sizeof(*s));
    int64_t from_us = FLEET_T0 + 2 * FLEET_HOUR, length_us = settings->days * DAY;
    struct fleet *fleet;

    assert_non_null(s);
    s->random = settings->seed;
    s->unseen = settings->unseen;
    s->fleet = fleet = fleet_typical();
    fleet_officer(fleet, FLEET_T0 + FLEET_MINUTE, "dee", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, true, "north");
    (void)fleet_enrol(fleet, FLEET_T0 + FLEET_MINUTE, "dee");
    fleet_offender(fleet, FLEET_T0 + FLEET_MINUTE, "zoe", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW, "north");
    fleet_settle(fleet, FLEET_T0 + FLEET_MINUTE);
    fleet_team(fleet, FLEET_T0 + FLEET_MINUTE, "south");
    fleet_settle(fleet, FLEET_T0 + FLEET_MINUTE);
    for (unsigned i = 0; i < settings->visits; i++)
        plan_visit(s, from_us + (int64_t)i * (length_us / settings->visits) + within(s, FLEET_HOUR));
    plan_phones(s, from_us, from_us + length_us + 6 * FLEET_HOUR);
    plan_mishaps(s, settings, from_us, length_us);
    qsort(s->events, s->event_count, sizeof(s->events[0]), by_time);
    for (size_t i = 0; i < s->event_count; i++) {
        play_event(s, &s->events[i]);
        if (each != NULL && reaches_the_server(s->events[i].deed))
            each(context, fleet);
    }
    free(s);
    return fleet;
}
