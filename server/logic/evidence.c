#include "server/logic/evidence.h"

#include <string.h>

#include "server/logic/neighbourhood.h"

#define US_PER_MS 1000

static int64_t known_us(int64_t us)
{
    return us == INT64_MIN || us == RULE_FOREVER ? 0 : us;
}

static void fill_place(const struct fact_stamp *stamp, Doublecrew__V1__Place *place, Doublecrew__V1__Place **ret_place)
{
    *place = (Doublecrew__V1__Place)DOUBLECREW__V1__PLACE__INIT;
    place->latitude_e7 = stamp->latitude_e7;
    place->longitude_e7 = stamp->longitude_e7;
    place->accuracy_m = (uint32_t)stamp->accuracy_m;
    *ret_place = stamp->has_place ? place : NULL;
}

static void fill_in(const struct presence_row *row, const struct rule_presence *presence, struct evidence *evidence)
{
    Doublecrew__V1__Evidence *message = &evidence->message;

    message->in_from_us = known_us(presence->in.lo_us);
    message->in_to_us = known_us(presence->in.hi_us);
    message->in_boot = pb_from_id(&row->in.boot);
    message->in_monotonic_ms = (uint64_t)(row->in.mono_us / US_PER_MS);
    message->in_seq = presence->in_seq;
    message->received_us = presence->received_us;
    message->contested = presence->contested;
    message->clock_trouble = presence->clock_trouble;
    fill_place(&row->in, &evidence->in_place, &message->in_place);
}

static void fill_out(const struct presence_row *row, const struct rule_presence *presence, struct evidence *evidence)
{
    Doublecrew__V1__Evidence *message = &evidence->message;

    message->has_out = presence->has_out;
    message->out_contested = row->has_out && !presence->has_out;
    if (!presence->has_out)
        return;
    message->out_from_us = known_us(presence->out.lo_us);
    message->out_to_us = known_us(presence->out.hi_us);
    if (!id_equal(&row->in.boot, &row->out.boot))
        message->out_boot = pb_from_id(&row->out.boot);
    message->out_monotonic_ms = (uint64_t)(row->out.mono_us / US_PER_MS);
    message->out_seq = presence->out_seq;
    fill_place(&row->out, &evidence->out_place, &message->out_place);
}

static void fill_company(const struct presence_row *row, struct evidence *evidence)
{
    Doublecrew__V1__Evidence *message = &evidence->message;

    message->company = (Doublecrew__V1__Company)row->with;
    message->agency = row->agency;
    message->named_officer_ids = evidence->named;
    for (size_t i = 0; i < row->named_count && i < EVIDENCE_NAMED_MAX; i++)
        evidence->named[message->n_named_officer_ids++] = pb_from_id(&row->named[i]);
    if (!row->has_cosign)
        return;
    evidence->cosign = (Doublecrew__V1__EvidenceCosign)DOUBLECREW__V1__EVIDENCE_COSIGN__INIT;
    evidence->cosign.presence = pb_from_hash(&row->cosign_other);
    evidence->cosign.first = row->cosign_first;
    evidence->cosign.confirmed = row->cosign_confirmed;
    evidence->cosign.confirm_monotonic_ms = (uint64_t)(row->cosign_confirm_mono_us / US_PER_MS);
    evidence->cosign.round_trip_ms = (uint32_t)(row->cosign_round_trip_us / US_PER_MS);
    message->cosign = &evidence->cosign;
}

static void add_standing(struct evidence *evidence, int64_t from_us, bool accredited, bool entitled)
{
    Doublecrew__V1__Evidence *message = &evidence->message;
    Doublecrew__V1__EvidenceStanding *standing = &evidence->standings[message->n_standings];

    if (message->n_standings == EVIDENCE_STANDINGS_MAX)
        return;
    *standing = (Doublecrew__V1__EvidenceStanding)DOUBLECREW__V1__EVIDENCE_STANDING__INIT;
    standing->from_us = known_us(from_us);
    standing->accredited = accredited;
    standing->entitled = entitled;
    evidence->standing_list[message->n_standings++] = standing;
}

/* Those that may have been in force at the check-in. */
static void fill_standings(const struct neighbourhood *hood, const struct rule_presence *presence,
                           struct evidence *evidence)
{
    const struct rule_officer *officer = &hood->officers[presence->officer];
    size_t next = 0;

    while (next < officer->change_count && officer->changes[next].from_us <= presence->in.lo_us)
        next++;
    if (next == 0)
        add_standing(evidence, INT64_MIN, officer->accredited, officer->entitled_from_us == INT64_MIN);
    for (size_t i = next == 0 ? 0 : next - 1; i < officer->change_count; i++) {
        if (officer->changes[i].from_us <= presence->in.hi_us)
            add_standing(evidence, officer->changes[i].from_us, officer->changes[i].accredited,
                         officer->changes[i].entitled);
    }
    evidence->message.standings = evidence->standing_list;
}

/* Those that may have been in force at the check-in: what policy allows depends on it. */
static void fill_risks(const struct neighbourhood *hood, const struct rule_presence *presence,
                       struct evidence *evidence)
{
    const struct rule_offender *offender = &hood->offenders[presence->offender];
    Doublecrew__V1__Evidence *message = &evidence->message;
    size_t first = 0;

    while (first + 1 < offender->risk_count && offender->risks[first + 1].from_us <= presence->in.lo_us)
        first++;
    message->risks = evidence->risk_list;
    for (size_t i = first; i < offender->risk_count && message->n_risks < EVIDENCE_RISKS_MAX; i++) {
        Doublecrew__V1__EvidenceRisk *risk = &evidence->risks[message->n_risks];

        if (i > first && offender->risks[i].from_us > presence->in.hi_us)
            break;
        *risk = (Doublecrew__V1__EvidenceRisk)DOUBLECREW__V1__EVIDENCE_RISK__INIT;
        risk->from_us = known_us(offender->risks[i].from_us);
        risk->risk = (Doublecrew__V1__RiskLevel)(offender->risks[i].risk - RULE_RISK_LOW +
                                                 DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW);
        evidence->risk_list[message->n_risks++] = risk;
    }
}

static void add_holder(struct evidence_phone *phone, int64_t from_us, const struct id *officer)
{
    Doublecrew__V1__EvidenceHolder *holder = &phone->holders[phone->message.n_holders];

    *holder = (Doublecrew__V1__EvidenceHolder)DOUBLECREW__V1__EVIDENCE_HOLDER__INIT;
    holder->from_us = known_us(from_us);
    if (officer != NULL)
        holder->officer_id = pb_from_id(officer);
    phone->holder_list[phone->message.n_holders++] = holder;
}

static void fill_phone(const struct neighbourhood *hood, const struct rule_device *device, struct evidence_phone *phone)
{
    size_t skip = device->holder_count > EVIDENCE_HOLDERS_MAX ? device->holder_count - EVIDENCE_HOLDERS_MAX : 0;

    phone->message = (Doublecrew__V1__EvidencePhone)DOUBLECREW__V1__EVIDENCE_PHONE__INIT;
    phone->message.revoked_as_of_us = known_us(device->revoked_as_of_us);
    phone->message.lost = device->lost;
    phone->message.holders = phone->holder_list;
    for (size_t i = skip; i < device->holder_count; i++) {
        size_t officer = device->holders[i].officer;

        add_holder(phone, device->holders[i].from_us, officer == RULE_NONE ? NULL : &hood->officers[officer].id);
    }
    if (device->holder_count == 0)
        add_holder(phone, INT64_MIN, &hood->officers[device->officer].id);
}

static bool held_by_one_of(const struct neighbourhood *hood, const struct rule_device *device,
                           const struct id *officers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < device->holder_count; k++) {
            if (device->holders[k].officer != RULE_NONE &&
                id_equal(&hood->officers[device->holders[k].officer].id, &officers[i]))
                return true;
        }
        if (device->holder_count == 0 && id_equal(&hood->officers[device->officer].id, &officers[i]))
            return true;
    }
    return false;
}

/* Whoever was certainly not alone waits for no phone: told with each of its steps, they would be much ado about nothing. */
static bool waits(enum rule_company company)
{
    switch (company) {
    case RULE_COMPANY_HELD:
    case RULE_COMPANY_UNDER_WAY:
    case RULE_COMPANY_JOINT_SO_FAR:
    case RULE_COMPANY_JOINT:
        return false;
    default:
        return true;
    }
}

static void fill_candidates(const struct neighbourhood *hood, size_t index, struct evidence *evidence)
{
    struct id officers[EVIDENCE_PHONES_MAX];
    size_t count = neighbourhood_candidates(hood, index, officers, EVIDENCE_PHONES_MAX);
    Doublecrew__V1__Evidence *message = &evidence->message;

    message->candidates = evidence->candidate_list;
    for (size_t i = 0; i < hood->rule_case.device_count && waits(hood->verdicts[index].company); i++) {
        const struct rule_device *device = &hood->devices[i];
        struct evidence_phone *phone = &evidence->candidates[message->n_candidates];

        if (message->n_candidates == EVIDENCE_PHONES_MAX || !held_by_one_of(hood, device, officers, count))
            continue;
        fill_phone(hood, device, phone);
        phone->message.device_id = pb_from_id(&device->id);
        phone->message.heard = device->watermark_known && device->watermark_us > hood->verdicts[index].out.hi_us;
        evidence->candidate_list[message->n_candidates++] = &phone->message;
    }
}

/* Who of the visit it is must be known, as such a word counts for nothing. Of others only that they aren't the same. */
static ProtobufCBinaryData author_of(const struct neighbourhood *hood, struct evidence *evidence, const struct id *by)
{
    size_t at = 0;

    for (size_t i = 0; i < hood->rule_case.officer_count; i++) {
        if (id_equal(&hood->officers[i].id, by))
            return pb_from_id(&hood->officers[i].id);
    }
    while (at < evidence->stranger_count && !id_equal(&evidence->strangers[at], by))
        at++;
    if (at == evidence->stranger_count) {
        evidence->strangers[at] = *by;
        evidence->stranger_numbers[at] = (uint8_t)(at + 1);
        evidence->stranger_count++;
    }
    return (ProtobufCBinaryData){1, &evidence->stranger_numbers[at]};
}

static void fill_words(const struct neighbourhood *hood, size_t index, struct evidence *evidence)
{
    Doublecrew__V1__Evidence *message = &evidence->message;

    message->words = evidence->word_list;
    for (size_t i = 0; i < hood->rule_case.decision_count; i++) {
        const struct rule_decision *decision = &hood->decisions[i];
        Doublecrew__V1__EvidenceWord *word = &evidence->words[message->n_words];

        if (decision->presence != index || message->n_words == EVIDENCE_WORDS_MAX)
            continue;
        *word = (Doublecrew__V1__EvidenceWord)DOUBLECREW__V1__EVIDENCE_WORD__INIT;
        word->by = author_of(hood, evidence, &decision->by);
        word->counts = decision->counts;
        word->recorded_us = decision->recorded_us;
        evidence->word_list[message->n_words++] = word;
    }
}

static void fill_beside(const struct neighbourhood *hood, size_t index, struct evidence *evidence)
{
    evidence->message.beside = evidence->beside;
    for (size_t i = 0; i < hood->count; i++) {
        if (i != index)
            evidence->beside[evidence->message.n_beside++] = pb_from_hash(&hood->rows[i].presence);
    }
}

Doublecrew__V1__Evidence *evidence_of(struct neighbourhood *hood, size_t index)
{
    const struct presence_row *row = &hood->rows[index];
    const struct rule_presence *presence = &hood->presences[index];
    struct evidence *evidence = &hood->evidence;

    evidence->message = (Doublecrew__V1__Evidence)DOUBLECREW__V1__EVIDENCE__INIT;
    evidence->stranger_count = 0;
    fill_in(row, presence, evidence);
    fill_out(row, presence, evidence);
    fill_company(row, evidence);
    fill_standings(hood, presence, evidence);
    fill_risks(hood, presence, evidence);
    fill_phone(hood, &hood->devices[presence->device], &evidence->phone);
    evidence->message.phone = &evidence->phone.message;
    fill_candidates(hood, index, evidence);
    fill_words(hood, index, evidence);
    fill_beside(hood, index, evidence);
    return &evidence->message;
}
