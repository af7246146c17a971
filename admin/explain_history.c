#include "admin/explain_history.h"

#include <stdio.h>
#include <string.h>

#include "admin/time_text.h"
#include "core/kinds.h"
#include "core/payload.h"
#include "core/push.h"
#include "doublecrew/v1/journal.pb-c.h"
#include "doublecrew/v1/sync.pb-c.h"

#define DIGITS_MIN 8
#define FACT "  fact     "

struct history {
    struct store *store;
    struct roster *roster;
    struct sha256 *sha;
    struct arena *arena;
    struct hash presence;
    struct id offender; /* of the presence, once its check-in was seen */
    struct id officer;
    char told[512]; /* the last verdict that was printed */
    /* looking for it */
    uint8_t begins[HASH_SIZE];
    size_t digits;
    size_t found;
};

static bool is_hash(ProtobufCBinaryData bytes, const struct hash *hash)
{
    return span_equal(span_of(bytes.data, bytes.len), span_of(hash->bytes, HASH_SIZE));
}

static bool is_id(ProtobufCBinaryData bytes, const struct id *id)
{
    return span_equal(span_of(bytes.data, bytes.len), span_of(id->bytes, ID_SIZE));
}

static const char *officer_code(struct history *history, ProtobufCBinaryData bytes)
{
    struct id id;
    const struct roster_officer *officer = NULL;

    if (id_from_span(span_of(bytes.data, bytes.len), &id) == STATUS_OK)
        officer = roster_officer_by_id(history->roster, &id);
    return officer != NULL ? officer->code : "somebody unknown";
}

const char *history_time(int64_t time_ms)
{
    static char texts[2][TIME_TEXT_SIZE];
    static unsigned next;
    char *text = texts[next++ % 2];

    if (time_ms == 0)
        return "not known";
    time_to_text(time_ms, text);
    return text;
}

/* One walk along the journal's pushes, those within carried entries too. */
typedef enum status (*on_entry)(struct history *history, const struct journal_row *row, const struct entry *entry,
                                bool carried);

static enum status each_entry(struct history *history, const struct journal_row *row, struct span bytes, bool carried,
                              on_entry each)
{
    struct push push;
    enum status status = push_open(history->arena, history->sha, bytes, &push);
    size_t first = carried || status != STATUS_OK ? 0 : (size_t)(row->first_seq - push.first_seq);

    for (size_t i = first; status == STATUS_OK && i < push.entry_count; i++) {
        const struct entry *entry = &push.entries[i];
        ProtobufCMessage *message = NULL;

        status = each(history, row, entry, carried);
        if (status == STATUS_OK && !carried && entry->header.kind == DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED &&
            payload_open(history->arena, entry->header.kind, entry_message(entry), &message) == STATUS_OK) {
            const Doublecrew__V1__Carried *parcel = (const Doublecrew__V1__Carried *)message;
            enum status inner = each_entry(history, row, span_of(parcel->push.data, parcel->push.len), true, each);

            status = inner == STATUS_IO || inner == STATUS_STORE || inner == STATUS_NO_MEMORY ? inner : STATUS_OK;
        }
    }
    return status;
}

/* Finding --------------------------------------------------------------------------------------------------------- */

static bool begins_so(const struct history *history, const struct hash *hash)
{
    size_t whole = history->digits / 2;

    return memcmp(hash->bytes, history->begins, whole) == 0 &&
           (history->digits % 2 == 0 || hash->bytes[whole] >> 4 == history->begins[whole] >> 4);
}

static enum status find_entry(struct history *history, const struct journal_row *row, const struct entry *entry,
                              bool carried)
{
    (void)row;
    (void)carried;
    if (entry->header.kind != DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN || !begins_so(history, &entry->hash) ||
        (history->found > 0 && hash_equal(&history->presence, &entry->hash)))
        return STATUS_OK;
    history->presence = entry->hash;
    history->found++;
    return STATUS_OK;
}

static enum status find_row(void *context, const struct journal_row *row)
{
    struct history *history = context;

    if (row->kind != JOURNAL_PUSH)
        return STATUS_OK;
    arena_reset(history->arena, ARENA_CAP_DEFAULT);
    return each_entry(history, row, row->body, false, find_entry);
}

static enum status read_digits(struct history *history, const char *digits)
{
    char padded[2 * HASH_SIZE + 1];

    history->digits = strlen(digits);
    if (history->digits < DIGITS_MIN || history->digits > sizeof(padded) - 1)
        return STATUS_INPUT;
    memset(padded, '0', sizeof(padded) - 1);
    padded[sizeof(padded) - 1] = '\0';
    memcpy(padded, digits, history->digits);
    return hex_decode(padded, HASH_SIZE, history->begins) == STATUS_OK ? STATUS_OK : STATUS_INPUT;
}

static enum status walk(struct history *history, store_journal_each each)
{
    enum status status = sha256_new(&history->sha);

    if (status == STATUS_OK)
        status = arena_new(&history->arena);
    if (status == STATUS_OK)
        status = history->store->ops->journal_from(history->store, 1, each, history);
    arena_free(history->arena);
    sha256_free(history->sha);
    return status;
}

enum status history_find_presence(struct store *store, const char *digits, struct hash *ret_presence)
{
    struct history history = {.store = store};
    enum status status = read_digits(&history, digits);

    if (status == STATUS_OK)
        status = walk(&history, find_row);
    if (status == STATUS_OK && history.found != 1)
        status = history.found == 0 ? STATUS_NOT_FOUND : STATUS_EXISTS;
    if (status == STATUS_OK)
        *ret_presence = history.presence;
    return status;
}

/* Printing -------------------------------------------------------------------------------------------------------- */

static void print_place(const Doublecrew__V1__Place *place)
{
    if (place == NULL)
        printf(", without a location");
    else
        printf(", at %.5f %.5f (within %u m)", place->latitude_e7 / 1e7, place->longitude_e7 / 1e7, place->accuracy_m);
}

static void print_check_in(struct history *history, const Doublecrew__V1__CheckIn *message)
{
    printf("%s checked in", officer_code(history, message->officer_id));
    print_place(message->place);
    switch (message->company) {
    case DOUBLECREW__V1__COMPANY__COMPANY_ALONE:
        printf(", alone");
        break;
    case DOUBLECREW__V1__COMPANY__COMPANY_NAMED:
        for (size_t i = 0; i < message->n_named_officer_ids; i++)
            printf("%s%s", i == 0 ? ", with " : " and ", officer_code(history, message->named_officer_ids[i]));
        break;
    default:
        printf(", company not recorded");
    }
    if (message->agency[0] != '\0')
        printf(", and somebody of a partner agency (%s)", message->agency);
    if (message->cosigned_check_in.len > 0)
        printf(", co-signing the other phone's check-in");
}

static void print_word(struct history *history, const Doublecrew__V1__AuthorityWord *word)
{
    printf(FACT "%s a lone visit by %s: \"%s\"", word->granted ? "allowed" : "refused, or withdrew the authority for,",
           officer_code(history, word->officer_id), word->words);
}

/* What an entry says of the presence; false: nothing. */
static bool print_message(struct history *history, uint16_t kind, const ProtobufCMessage *message)
{
    static const char *const outcomes[] = {"nothing",          "seen",   "not in", "refused entry", "moved",
                                           "taken to custody", "aborted"};
    const Doublecrew__V1__CheckOut *check_out = (const Doublecrew__V1__CheckOut *)message;
    const Doublecrew__V1__Outcome *outcome = (const Doublecrew__V1__Outcome *)message;
    const Doublecrew__V1__CosignConfirm *confirm = (const Doublecrew__V1__CosignConfirm *)message;
    const Doublecrew__V1__AuthorityWord *word = (const Doublecrew__V1__AuthorityWord *)message;
    const Doublecrew__V1__Decision *decision = (const Doublecrew__V1__Decision *)message;

    switch (kind) {
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_OUT:
        if (!is_hash(check_out->presence, &history->presence))
            return false;
        printf(FACT "checked out");
        print_place(check_out->place);
        return true;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OUTCOME:
        if (!is_hash(outcome->presence, &history->presence))
            return false;
        printf(FACT "recorded the outcome: %s", outcome->outcome <= 6 ? outcomes[outcome->outcome] : "another");
        return true;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COSIGN_CONFIRM:
        if (!is_hash(confirm->own_check_in, &history->presence) &&
            !is_hash(confirm->partner_check_in, &history->presence))
            return false;
        printf(FACT "confirmed the co-signing, %.1f s after showing the code", confirm->round_trip_ms / 1000.0);
        return true;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_AUTHORITY_WORD:
        if (!is_hash(word->presence, &history->presence) &&
            !(is_id(word->officer_id, &history->officer) && is_id(word->offender_id, &history->offender)))
            return false;
        print_word(history, word);
        return true;
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DECISION:
        if (!is_hash(decision->presence, &history->presence))
            return false;
        printf(FACT "decided that it was %s (%s): \"%s\"", decision->appropriate ? "appropriate" : "not appropriate",
               decision->reason_code, decision->words);
        return true;
    default:
        return false;
    }
}

static const char *author_code(struct history *history, const struct id *log)
{
    struct device_row device;
    const struct roster_officer *officer = NULL;

    if (history->store->ops->device_by_log(history->store, log, &device) == STATUS_OK)
        officer = roster_officer_by_id(history->roster, &device.officer);
    return officer != NULL ? officer->code : "an unassigned phone";
}

static void print_origin(struct history *history, const struct journal_row *row, const struct entry *entry,
                         bool carried)
{
    char log[2 * ID_SIZE + 1];

    hex_encode(span_of(entry->header.log.bytes, ID_SIZE), log);
    printf("\n           record %llu, entry %llu of log %.8s (%s)%s; received %s; phone's wall clock %s\n",
           (unsigned long long)row->first_pos, (unsigned long long)entry->header.seq, log,
           author_code(history, &entry->header.log), carried ? ", carried in another phone's log" : "",
           history_time(row->time_us / 1000), history_time(entry->header.wall_ms));
}

/* The check-in, or another phone's that names it. */
static bool print_own_check_in(struct history *history, const struct entry *entry,
                               const Doublecrew__V1__CheckIn *message)
{
    bool own = hash_equal(&entry->hash, &history->presence);

    if (!own && !is_hash(message->cosigned_check_in, &history->presence))
        return false;
    printf(FACT);
    print_check_in(history, message);
    if (own) {
        bool whole =
            id_from_span(span_of(message->offender_id.data, message->offender_id.len), &history->offender) ==
                STATUS_OK &&
            id_from_span(span_of(message->officer_id.data, message->officer_id.len), &history->officer) == STATUS_OK;

        return whole; /* it was, or it would be no presence */
    }
    return true;
}

static enum status print_entry(struct history *history, const struct journal_row *row, const struct entry *entry,
                               bool carried)
{
    ProtobufCMessage *message = NULL;
    uint16_t kind = entry->header.kind;

    if (payload_descriptor(kind) == NULL ||
        payload_open(history->arena, kind, entry_message(entry), &message) != STATUS_OK)
        return STATUS_OK; /* held: it says nothing that the rule hears */
    if (kind == DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN) {
        if (print_own_check_in(history, entry, (const Doublecrew__V1__CheckIn *)message))
            print_origin(history, row, entry, carried);
        return STATUS_OK;
    }
    if (print_message(history, kind, message))
        print_origin(history, row, entry, carried);
    return STATUS_OK;
}

static void print_verdict(struct history *history, const struct journal_row *row,
                          const Doublecrew__V1__PresenceRow *verdict)
{
    bool again = strcmp(verdict->why, history->told) == 0;

    printf("  verdict  %s\n           told in record %llu, %s\n",
           again ? "the same words again: something that they rest on has changed" : verdict->why,
           (unsigned long long)row->first_pos, history_time(row->time_us / 1000));
    (void)snprintf(history->told, sizeof(history->told), "%s", verdict->why);
}

static void print_flag(const struct journal_row *row, const Doublecrew__V1__FlagRow *flag)
{
    static const char *const states[] = {"?", "raised", "acknowledged", "cleared by evidence", "ended by a decision"};

    printf("  flag     %s: %s\n           %s; told in record %llu, %s\n", flag->kind,
           flag->state <= 4 ? states[flag->state] : "?", flag->why, (unsigned long long)row->first_pos,
           history_time(row->time_us / 1000));
}

static enum status print_issued(struct history *history, const struct journal_row *row)
{
    ProtobufCMessage *message = NULL;
    enum status status = wire_unpack(history->arena, &doublecrew__v1__issued__descriptor, row->body, &message);
    const Doublecrew__V1__Issued *issued = (const Doublecrew__V1__Issued *)message;

    for (size_t i = 0; status == STATUS_OK && i < issued->n_items; i++) {
        const Doublecrew__V1__IssuedItem *item = issued->items[i];

        if (item->item_case == DOUBLECREW__V1__ISSUED_ITEM__ITEM_VERDICT &&
            is_hash(item->verdict->presence, &history->presence))
            print_verdict(history, row, item->verdict);
        if (item->item_case == DOUBLECREW__V1__ISSUED_ITEM__ITEM_FLAG &&
            is_hash(item->flag->subject, &history->presence))
            print_flag(row, item->flag);
    }
    return status;
}

static enum status print_row(void *context, const struct journal_row *row)
{
    struct history *history = context;

    arena_reset(history->arena, ARENA_CAP_DEFAULT);
    if (row->kind == JOURNAL_ISSUED)
        return print_issued(history, row);
    return row->kind == JOURNAL_PUSH ? each_entry(history, row, row->body, false, print_entry) : STATUS_OK;
}

enum status history_print(struct store *store, struct roster *roster, const struct hash *presence)
{
    struct history history = {.store = store, .roster = roster, .presence = *presence};

    return walk(&history, print_row);
}
