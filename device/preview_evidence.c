/* What the server's evidence says of the people and phones of the case: standings, holders, words, and who has reported. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "device/preview_parts.h"
#include "device/view_rows.h"

static int64_t since(int64_t us)
{
    return us == 0 ? INT64_MIN : us;
}

/*
 * The place of a span among `count` others in order of time, each once: those of several presences add up to what the server
 * knows. A span of any kind begins with its from_us. NULL: it is there already, or there are too many.
 */
static void *make_place(void *spans, size_t size, size_t *count, int64_t from_us)
{
    unsigned char *bytes = spans;
    size_t at = *count;
    int64_t other_us = INT64_MIN;

    while (at > 0) {
        memcpy(&other_us, bytes + (at - 1) * size, sizeof other_us);
        if (other_us <= from_us) {
            break;
        }
        at--;
    }
    if ((at > 0 && other_us == from_us) || *count == PREVIEW_SPANS_MAX) {
        return NULL;
    }
    memmove(bytes + (at + 1) * size, bytes + at * size, (*count - at) * size);
    ++*count;
    return bytes + at * size;
}

static_assert(offsetof(struct rule_officer_span, from_us) == 0 && offsetof(struct rule_holder_span, from_us) == 0 &&
                  offsetof(struct rule_risk_span, from_us) == 0,
              "make_place compares what a span begins with");

static void add_standing(struct preview_case *preview, size_t officer, const struct rule_officer_span *span)
{
    struct rule_officer_span *place =
        make_place(preview->standings[officer], sizeof *place, &preview->standing_counts[officer], span->from_us);

    if (place) {
        *place = *span;
    }
}

static void add_holder(struct preview_case *preview, size_t device, const struct rule_holder_span *span)
{
    struct rule_holder_span *place =
        make_place(preview->holders[device], sizeof *place, &preview->devices[device].holder_count, span->from_us);

    if (place) {
        *place = *span;
        preview->devices[device].holders = preview->holders[device];
    }
}

static void add_risk(struct preview_case *preview, size_t offender, const struct rule_risk_span *span)
{
    struct rule_risk_span *place =
        make_place(preview->past_risks[offender], sizeof *place, &preview->past_risk_counts[offender], span->from_us);

    if (place) {
        *place = *span;
    }
}

/* The offender's row says what the risk is today; of a visit that the server has judged, its row says what it was then. */
static void add_risks(struct preview_case *preview, size_t offender, const Doublecrew__V1__Evidence *evidence)
{
    for (size_t i = 0; i < evidence->n_risks; i++) {
        int risk = (int)evidence->risks[i]->risk - DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW;

        if (risk >= 0 && risk <= RULE_RISK_VERY_HIGH) {
            add_risk(preview, offender,
                     &(struct rule_risk_span){since(evidence->risks[i]->from_us), (enum rule_risk)risk});
        }
    }
    if (evidence->n_risks > 0 && evidence->in_to_us > preview->risks_told_to_us[offender]) {
        preview->risks_told_to_us[offender] = evidence->in_to_us;
    }
}

static void settle_risks(struct preview_case *preview, size_t at)
{
    struct rule_risk_span *spans = preview->past_risks[at];
    size_t count = preview->past_risk_counts[at];
    int64_t today_from_us = preview->risks_told_to_us[at] + 1;

    if (count == 0) {
        return;
    }
    spans[0].from_us = INT64_MIN;
    if (today_from_us > spans[count - 1].from_us) {
        spans[count++] = (struct rule_risk_span){today_from_us, preview->risks[at].risk};
    }
    preview->offenders[at].risks = spans;
    preview->offenders[at].risk_count = count;
}

static void add_phone(struct preview_case *preview, size_t device, const Doublecrew__V1__EvidencePhone *phone)
{
    struct rule_device *known = &preview->devices[device];

    if (phone->revoked_as_of_us != 0) {
        known->revoked_as_of_us = phone->revoked_as_of_us;
        known->revocation_recorded_us = phone->revoked_as_of_us;
    }
    known->lost = known->lost || phone->lost;
    for (size_t i = 0; i < phone->n_holders; i++) {
        const Doublecrew__V1__EvidenceHolder *holder = phone->holders[i];
        struct rule_holder_span span = {.from_us = since(holder->from_us), .officer = RULE_NONE};

        if (holder->officer_id.len > 0) {
            struct id id = preview_id(holder->officer_id);

            span.officer = preview_officer(preview, &id);
        }
        add_holder(preview, device, &span);
    }
}

/* Of the visit in question alone: who it waits for. */
static void add_candidates(struct preview_case *preview, const Doublecrew__V1__Evidence *evidence)
{
    for (size_t i = 0; i < evidence->n_candidates; i++) {
        const Doublecrew__V1__EvidencePhone *phone = evidence->candidates[i];
        struct id id = preview_id(phone->device_id);
        struct id holder = phone->n_holders > 0 ? preview_id(phone->holders[0]->officer_id) : id;
        size_t device = preview_device(preview, &id, preview_officer(preview, &holder));

        if (device != RULE_NONE) {
            add_phone(preview, device, phone);
            preview->devices[device].watermark_known = phone->heard && preview->complete;
            preview->devices[device].watermark_us = RULE_FOREVER;
        }
    }
}

/* Somebody outside the visit is a number; no officer has such an id. */
static struct id author_of(ProtobufCBinaryData by)
{
    struct id id = preview_id(by);

    if (by.len == 1) {
        id.bytes[ID_SIZE - 1] = by.data[0];
    }
    return id;
}

static void add_words(struct preview_case *preview, size_t presence, const Doublecrew__V1__Evidence *evidence)
{
    for (size_t i = 0; i < evidence->n_words && preview->decision_count < PREVIEW_WORDS_MAX; i++) {
        const Doublecrew__V1__EvidenceWord *word = evidence->words[i];

        preview->decisions[preview->decision_count++] = (struct rule_decision){
            .presence = presence, .by = author_of(word->by), .counts = word->counts, .recorded_us = word->recorded_us};
    }
}

/* The words that policy calls company when somebody may still be missed (PROTOCOL.md, "Previews"). */
static bool says_who_is_awaited(const Doublecrew__V1__PresenceRow *row)
{
    static const char *const silent[] = {"held", "under_way", "joint_so_far", "joint"};

    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        if (strcmp(row->company, silent[i]) == 0) {
            return false;
        }
    }
    return true;
}

static bool holds_beside(struct preview_builder *builder)
{
    for (size_t i = 0; i < builder->beside_count; i++) {
        const struct preview_sketch *sketch = preview_sketch_of(builder, &builder->beside[i]);

        if (!sketch || !sketch->synced) {
            return false;
        }
    }
    return true;
}

static bool add_row(void *context, const Doublecrew__V1__Row *row)
{
    struct preview_builder *builder = context;
    struct preview_case *preview = builder->preview;
    const Doublecrew__V1__Evidence *evidence = row->presence->evidence;
    struct hash id = preview_hash(row->presence->presence);

    for (size_t i = 0; i < preview->presence_count && evidence; i++) {
        const struct rule_presence *presence = &preview->presences[i];

        if (!hash_equal(&presence->id, &id)) {
            continue;
        }
        for (size_t k = 0; k < evidence->n_standings; k++) {
            const Doublecrew__V1__EvidenceStanding *standing = evidence->standings[k];
            struct rule_officer_span span = {since(standing->from_us), standing->accredited, standing->entitled};

            add_standing(preview, presence->officer, &span);
        }
        if (evidence->phone) {
            add_phone(preview, presence->device, evidence->phone);
        }
        add_risks(preview, presence->offender, evidence);
        add_words(preview, i, evidence);
        if (hash_equal(&id, &builder->target)) {
            preview->told = true;
            preview->complete = builder->address_known && holds_beside(builder);
            preview->phones_known = says_who_is_awaited(row->presence);
            add_candidates(preview, evidence);
        }
    }
    return true;
}

static void settle_officer(struct preview_case *preview, size_t at)
{
    struct rule_officer *officer = &preview->officers[at];
    const struct rule_officer_span *spans = preview->standings[at];

    if (preview->standing_counts[at] == 0) {
        return;
    }
    officer->accredited = spans[0].accredited;
    officer->entitled_from_us = spans[0].entitled ? INT64_MIN : RULE_FOREVER;
    officer->entitled_to_us = RULE_FOREVER;
    officer->changes = spans + 1;
    officer->change_count = preview->standing_counts[at] - 1;
}

static const struct rule_holder_span *holder_at(const struct rule_device *device, int64_t at_us)
{
    size_t at = device->holder_count;

    while (at > 1 && device->holders[at - 1].from_us > at_us) {
        at--;
    }
    return at > 0 ? &device->holders[at - 1] : NULL;
}

/*
 * F4: to whom a phone was assigned only the server knows. Whoever wrote in a log is taken to have held the phone then, as long
 * as the server hasn't spoken of that.
 */
static void assume_holder(struct preview_builder *builder, size_t index)
{
    struct preview_case *preview = builder->preview;
    const struct rule_presence *presence = &preview->presences[index];
    const struct preview_sketch *sketch = &builder->sketches[preview->chosen[index]];
    struct rule_holder_span span = {presence->in.lo_us, presence->officer};
    const struct rule_holder_span *known = holder_at(&preview->devices[presence->device], presence->in.lo_us);

    if (sketch->synced || (known && known->officer == presence->officer)) {
        return;
    }
    if (!known) {
        span.from_us = INT64_MIN;
    }
    add_holder(preview, presence->device, &span);
}

enum status preview_add_evidence(struct preview_builder *builder)
{
    struct view_key key = view_key_all('p');
    struct preview_case *preview = builder->preview;
    enum status status = view_each(builder->device, &key, DOUBLECREW__V1__ROW__ROW_PRESENCE, add_row, builder, NULL);

    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < preview->officer_count; i++) {
        settle_officer(preview, i);
    }
    for (size_t i = 0; i < preview->offender_count; i++) {
        settle_risks(preview, i);
    }
    for (size_t i = 0; i < preview->presence_count; i++) {
        assume_holder(builder, i);
    }
    return STATUS_OK;
}
