/* Operators' entries, and the days on which something changes. */
#include "tests/sim/sim_office.h"

#include <stdlib.h>
#include <string.h>

#include "doublecrew/v1/entry.pb-c.h"

#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name

/* Chances a day, in millionths. */
#define OFFICER_MOVES_RATE 60000
#define OFFENDER_MOVES_RATE 60000
#define POLICY_RATE 40000
#define SUSPENDED_RATE 40000
#define REASSIGNED_RATE 40000

static ProtobufCBinaryData bytes(const void *data, size_t size)
{
    ProtobufCBinaryData binary = {.len = size};

    memcpy(&binary.data, &data, sizeof(data));
    return binary;
}

static void append(struct sim *sim, uint16_t kind, const ProtobufCMessage *message)
{
    struct sim_device *operator_device = sim->devices[0];
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = malloc(size + 1);
    enum dc_status status = DC_NO_MEMORY;

    if (packed == NULL)
        abort();
    protobuf_c_message_pack(message, packed);
    if (sim_device_use(operator_device) != NULL)
        status = dc_append(sim_device_use(operator_device), kind, packed, size, NULL);
    free(packed);
    if (status != DC_OK)
        sim_fail(sim, "the operator's entry isn't taken: %s", dc_status_name(status));
    sim_device_note(operator_device);
}

void sim_office_force(struct sim *sim)
{
    Doublecrew__V1__Force message = DOUBLECREW__V1__FORCE__INIT;
    struct sim_device *device = sim->devices[0];
    struct public_key key, server_key;
    char name[] = "Invented Constabulary";

    sim_device_public_key(device, &key);
    sign_key_public(sim->server_key, &server_key);
    message.force_id = bytes(sim->force.bytes, ID_SIZE);
    message.name = name;
    message.operator_id = bytes(sim->officers[0].officer.bytes, ID_SIZE);
    message.operator_device_id = bytes(sim_device_id(device)->bytes, ID_SIZE);
    message.operator_log_id = bytes(sim_device_log(device)->bytes, ID_SIZE);
    message.key_algorithm = SIGN_ED25519;
    message.operator_key = bytes(key.bytes, key.size);
    message.server_key = bytes(server_key.bytes, server_key.size);
    message.operator_certificate_key_hash = bytes(sim_device_certificate(device)->bytes, HASH_SIZE);
    append(sim, KIND(FORCE), &message.base);
}

void sim_office_team(struct sim *sim, unsigned team)
{
    Doublecrew__V1__Team message = DOUBLECREW__V1__TEAM__INIT;
    char code[16];
    char name[32];

    (void)snprintf(code, sizeof(code), "T%u", team);
    (void)snprintf(name, sizeof(name), "Team %u", team);
    message.team_id = bytes(sim->teams[team].bytes, ID_SIZE);
    message.code = code;
    message.name = name;
    append(sim, KIND(TEAM), &message.base);
}

void sim_office_officer(struct sim *sim, unsigned officer)
{
    Doublecrew__V1__Officer message = DOUBLECREW__V1__OFFICER__INIT;
    const struct sim_officer *person = &sim->officers[officer];
    ProtobufCBinaryData teams[] = {bytes(sim->teams[person->team].bytes, ID_SIZE)};
    char code[64];
    char name[48];

    if (person->code != NULL)
        (void)snprintf(code, sizeof(code), "%s", person->code);
    else
        (void)snprintf(code, sizeof(code), "PC %u", 1000 + officer);
    (void)snprintf(name, sizeof(name), "Officer Invented-%u", officer);
    message.officer_id = bytes(person->officer.bytes, ID_SIZE);
    message.code = code;
    message.name = name;
    message.role = (Doublecrew__V1__Role)person->role;
    message.accredited = person->accredited;
    message.duty = person->duty;
    message.team_ids = teams;
    message.n_team_ids = 1;
    append(sim, KIND(OFFICER), &message.base);
}

void sim_office_offender(struct sim *sim, unsigned offender)
{
    Doublecrew__V1__Offender message = DOUBLECREW__V1__OFFENDER__INIT;
    Doublecrew__V1__Place place = DOUBLECREW__V1__PLACE__INIT;
    const struct sim_offender *person = &sim->offenders[offender];
    char reference[64];

    if (person->reference != NULL)
        (void)snprintf(reference, sizeof(reference), "%s", person->reference);
    else
        (void)snprintf(reference, sizeof(reference), "RSO-%04u", offender);
    place.latitude_e7 = person->latitude_e7;
    place.longitude_e7 = person->longitude_e7;
    place.accuracy_m = 20;
    message.offender_id = bytes(person->offender.bytes, ID_SIZE);
    message.reference = reference;
    message.register_reference = reference;
    message.risk = (Doublecrew__V1__RiskLevel)person->risk;
    message.team_id = bytes(sim->teams[person->team].bytes, ID_SIZE);
    message.place = person->placeless ? NULL : &place;
    if (person->manager != 0)
        message.manager_id = bytes(sim->officers[person->manager].officer.bytes, ID_SIZE);
    message.next_due_ms = (SIM_START + 30 * SIM_DAY) / 1000;
    append(sim, KIND(OFFENDER), &message.base);
}

void sim_office_device(struct sim *sim, const struct sim_device *device)
{
    Doublecrew__V1__Device message = DOUBLECREW__V1__DEVICE__INIT;
    struct public_key key;
    char label[64];

    (void)snprintf(label, sizeof(label), "%s", sim_device_name(device));
    sim_device_public_key(device, &key);
    message.device_id = bytes(sim_device_id(device)->bytes, ID_SIZE);
    message.log_id = bytes(sim_device_log(device)->bytes, ID_SIZE);
    message.officer_id = bytes(sim->officers[sim_device_officer(device)].officer.bytes, ID_SIZE);
    message.key_algorithm = SIGN_ED25519;
    message.public_key = bytes(key.bytes, key.size);
    message.certificate_key_hash = bytes(sim_device_certificate(device)->bytes, HASH_SIZE);
    message.label = label;
    append(sim, KIND(DEVICE), &message.base);
}

void sim_office_standing(struct sim *sim, const struct sim_device *device, int standing, int64_t as_of_us)
{
    Doublecrew__V1__DeviceState message = DOUBLECREW__V1__DEVICE_STATE__INIT;
    char reason[] = "reported by the officer";

    message.device_id = bytes(sim_device_id(device)->bytes, ID_SIZE);
    message.standing = (Doublecrew__V1__DeviceStanding)standing;
    message.as_of_ms = as_of_us / 1000;
    message.reason = reason;
    append(sim, KIND(DEVICE_STATE), &message.base);
}

void sim_office_policy(struct sim *sim)
{
    Doublecrew__V1__Policy message = DOUBLECREW__V1__POLICY__INIT;
    Doublecrew__V1__RiskLevel forbidden[] = {DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_HIGH,
                                             DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_VERY_HIGH};

    message.version = ++sim->policy_version;
    message.effective_from_ms = sim_server_now_us(sim) / 1000 + 60000; /* never back-dated (L1) */
    message.max_alone_s = sim->policy_version == 1 ? 600 : (uint32_t)sim_between(sim, SIM_OFFICE, 5, 20) * 60;
    message.longest_visit_s = 3 * 3600;
    message.time_limit_s = 240 * 60;
    message.retro_window_s = 24 * 3600;
    message.evidence_overdue_s = 24 * 3600;
    message.authority_max_s = 7 * 24 * 3600;
    message.cosign_round_trip_s = 60;
    message.drift_ppm = 200;
    message.partner_distance_m = 100;
    message.far_apart_m = 2000;
    message.late_out_m = 500;
    message.lone_forbidden = forbidden;
    message.n_lone_forbidden = 2;
    message.live_silence_s = 120;
    message.acknowledge_within_s = 15 * 60;
    message.welfare_check_s = 60 * 60;
    message.skew_shown_s = 120;
    message.address_distance_m = 150;
    append(sim, KIND(POLICY), &message.base);
}

/* ---- Changes ---- */

/* Some officer's phone that is in order; NULL: none found. */
static struct sim_device *any_phone(struct sim *sim, enum sim_fault fault)
{
    struct sim_device *device = sim->devices[1 + sim_fault_below(sim, fault, sim->options.devices)];

    return sim_device_fate(device) == SIM_DEVICE_FINE ? device : NULL;
}

static void officer_moves(struct sim *sim)
{
    unsigned officer = 1 + (unsigned)sim_fault_below(sim, SIM_FAULT_OFFICER_MOVES, sim->officer_count - 1);

    sim->officers[officer].team = (unsigned)sim_fault_below(sim, SIM_FAULT_OFFICER_MOVES, sim->team_count);
    sim_trace(sim, "operator: officer %u moves to team %u", officer, sim->officers[officer].team);
    sim_office_officer(sim, officer);
}

static void offender_moves(struct sim *sim)
{
    unsigned offender = (unsigned)sim_fault_below(sim, SIM_FAULT_OFFENDER_MOVES, sim->offender_count);

    sim->offenders[offender].team = (unsigned)sim_fault_below(sim, SIM_FAULT_OFFENDER_MOVES, sim->team_count);
    sim->offenders[offender].risk = 1 + (int)sim_fault_below(sim, SIM_FAULT_OFFENDER_MOVES, 4);
    sim_trace(sim, "operator: offender %u moves to team %u", offender, sim->offenders[offender].team);
    sim_office_offender(sim, offender);
}

static void reinstate(struct sim *sim, void *context, uint64_t number)
{
    struct sim_device *device = context;

    (void)number;
    if (sim_device_fate(device) != SIM_DEVICE_SUSPENDED || sim_device_use(sim->devices[0]) == NULL)
        return;
    sim_trace(sim, "operator: %s is active again", sim_device_name(device));
    sim_device_set_fate(device, SIM_DEVICE_FINE);
    sim_office_standing(sim, device, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_ACTIVE, 0);
}

static void suspend(struct sim *sim)
{
    struct sim_device *device = any_phone(sim, SIM_FAULT_SUSPENDED);

    if (device == NULL)
        return;
    sim_trace(sim, "operator: %s is suspended", sim_device_name(device));
    sim_device_set_fate(device, SIM_DEVICE_SUSPENDED);
    sim_office_standing(sim, device, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED, sim->now_us);
    sim_at(sim, sim->now_us + SIM_HOUR * (int64_t)(1 + sim_fault_below(sim, SIM_FAULT_SUSPENDED, 48)), reinstate,
           device, 0);
}

static void reassign(struct sim *sim)
{
    struct sim_device *device = any_phone(sim, SIM_FAULT_REASSIGNED);
    unsigned officer = 1 + (unsigned)sim_fault_below(sim, SIM_FAULT_REASSIGNED, sim->officer_count - 1);

    if (device == NULL || officer == sim_device_officer(device))
        return;
    sim_trace(sim, "operator: %s is given to officer %u", sim_device_name(device), officer);
    sim_device_assign(device, officer);
    sim_office_device(sim, device);
}

static void change(struct sim *sim, void *context, uint64_t fault)
{
    (void)context;
    if (sim->quiet || sim_device_use(sim->devices[0]) == NULL)
        return;
    switch ((enum sim_fault)fault) {
    case SIM_FAULT_OFFICER_MOVES:
        officer_moves(sim);
        break;
    case SIM_FAULT_OFFENDER_MOVES:
        offender_moves(sim);
        break;
    case SIM_FAULT_POLICY:
        sim_office_policy(sim);
        break;
    case SIM_FAULT_SUSPENDED:
        suspend(sim);
        break;
    default:
        reassign(sim);
        break;
    }
    sim_device_go_online(sim->devices[0], sim->now_us + 10 * SIM_MINUTE);
}

void sim_office_day(struct sim *sim, int64_t morning_us)
{
    static const struct {
        enum sim_fault fault;
        unsigned rate;
    } changes[] = {{SIM_FAULT_OFFICER_MOVES, OFFICER_MOVES_RATE},
                   {SIM_FAULT_OFFENDER_MOVES, OFFENDER_MOVES_RATE},
                   {SIM_FAULT_POLICY, POLICY_RATE},
                   {SIM_FAULT_SUSPENDED, SUSPENDED_RATE},
                   {SIM_FAULT_REASSIGNED, REASSIGNED_RATE}};

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        int64_t at_us = morning_us + (int64_t)sim_fault_below(sim, changes[i].fault, 9 * 60) * SIM_MINUTE;

        if (sim_fault(sim, changes[i].fault, sim_rate(sim, changes[i].rate)))
            sim_at(sim, at_us, change, NULL, changes[i].fault);
    }
}
