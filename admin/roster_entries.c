#include "admin/roster_entries.h"

#include <string.h>

struct word {
    int value;
    const char *text;
};

static const struct word roles[] = {
    {DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, "offender_manager"},
    {DOUBLECREW__V1__ROLE__ROLE_CONSTABLE, "constable"},
    {DOUBLECREW__V1__ROLE__ROLE_STAFF, "staff"},
    {DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, "supervisor"},
    {DOUBLECREW__V1__ROLE__ROLE_LEADER, "leader"},
    {DOUBLECREW__V1__ROLE__ROLE_OPERATOR, "operator"},
};

static const struct word risks[] = {
    {DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW, "low"},
    {DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM, "medium"},
    {DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_HIGH, "high"},
    {DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_VERY_HIGH, "very_high"},
};

static int value_of(const struct word *words, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i].text, text) == 0)
            return words[i].value;
    }
    return 0;
}

static const char *text_of(const struct word *words, size_t count, int value)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].value == value)
            return words[i].text;
    }
    return "unknown";
}

Doublecrew__V1__Role role_from_text(const char *text)
{
    return (Doublecrew__V1__Role)value_of(roles, sizeof(roles) / sizeof(roles[0]), text);
}

const char *role_to_text(Doublecrew__V1__Role role)
{
    return text_of(roles, sizeof(roles) / sizeof(roles[0]), (int)role);
}

Doublecrew__V1__RiskLevel risk_from_text(const char *text)
{
    return (Doublecrew__V1__RiskLevel)value_of(risks, sizeof(risks) / sizeof(risks[0]), text);
}

const char *risk_to_text(Doublecrew__V1__RiskLevel risk)
{
    return text_of(risks, sizeof(risks) / sizeof(risks[0]), (int)risk);
}

static ProtobufCBinaryData id_bytes(const struct id *id)
{
    union {
        const uint8_t *borrowed;
        uint8_t *data;
    } bytes = {.borrowed = id->bytes};
    ProtobufCBinaryData field = {.len = ID_SIZE, .data = bytes.data};

    return field;
}

/* protobuf-c's text fields aren't const; nothing writes through them while packing. */
static char *text_field(const char *text)
{
    union {
        const char *borrowed;
        char *text;
    } field = {.borrowed = text};

    return field.text;
}

enum status entries_add_team(struct operator_entries *entries, const struct roster_team *team)
{
    Doublecrew__V1__Team message = DOUBLECREW__V1__TEAM__INIT;

    message.team_id = id_bytes(&team->id);
    message.code = text_field(team->code);
    message.name = text_field(team->name);
    return operator_entries_add(entries, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_TEAM, &message.base);
}

enum status entries_add_officer(struct operator_entries *entries, const struct roster_officer *officer)
{
    Doublecrew__V1__Officer message = DOUBLECREW__V1__OFFICER__INIT;
    ProtobufCBinaryData teams[ROSTER_TEAMS_MAX];

    for (size_t i = 0; i < officer->team_count; i++)
        teams[i] = id_bytes(&officer->teams[i]);
    message.officer_id = id_bytes(&officer->id);
    message.code = text_field(officer->code);
    message.name = text_field(officer->name);
    message.role = officer->role;
    message.accredited = officer->accredited;
    message.duty = officer->duty;
    message.team_ids = teams;
    message.n_team_ids = officer->team_count;
    message.entitled_from_ms = officer->entitled_from_ms;
    message.entitled_to_ms = officer->entitled_to_ms;
    return operator_entries_add(entries, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OFFICER, &message.base);
}

enum status entries_add_offender(struct operator_entries *entries, const struct roster_offender *offender)
{
    Doublecrew__V1__Offender message = DOUBLECREW__V1__OFFENDER__INIT;
    Doublecrew__V1__Place place = DOUBLECREW__V1__PLACE__INIT;

    message.offender_id = id_bytes(&offender->id);
    message.reference = text_field(offender->reference);
    message.register_reference = text_field(offender->register_reference);
    message.risk = offender->risk;
    message.manager_id = id_bytes(&offender->manager);
    message.team_id = id_bytes(&offender->team);
    if (offender->has_place) {
        place.latitude_e7 = offender->latitude_e7;
        place.longitude_e7 = offender->longitude_e7;
        message.place = &place;
    }
    message.next_due_ms = offender->next_due_ms;
    message.arms_priority = text_field(offender->arms_priority);
    return operator_entries_add(entries, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OFFENDER, &message.base);
}

enum status entries_add_device(struct operator_entries *entries, const struct package *package)
{
    Doublecrew__V1__Device message = DOUBLECREW__V1__DEVICE__INIT;
    struct public_key key = package->key;
    struct hash certificate = package->certificate_key_hash;

    message.device_id = id_bytes(&package->device);
    message.log_id = id_bytes(&package->log);
    message.officer_id = id_bytes(&package->officer);
    message.key_algorithm = (uint32_t)key.algorithm;
    message.public_key.data = key.bytes;
    message.public_key.len = key.size;
    message.certificate_key_hash.data = certificate.bytes;
    message.certificate_key_hash.len = HASH_SIZE;
    message.label = text_field(package->label);
    return operator_entries_add(entries, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DEVICE, &message.base);
}
