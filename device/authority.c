/*
 * Lone visits: who asks, who answers, who decides (L1, L2). What this device can know to be refused by the server is refused
 * here, before it is recorded, with a name and what to do; what only the server can know is kept there and held.
 */
#include <string.h>

#include "device/device.h"
#include "device/messages.h"
#include "device/own_log.h"
#include "device/row_read.h"
#include "device/upkeep.h"
#include "device/view_rows.h"

static bool is_empty(const char *text)
{
    return text == NULL || text[strspn(text, " \t\n")] == '\0';
}

static bool same_id(const struct dc_id *a, const struct dc_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool is_zero(const struct dc_id *id)
{
    static const struct dc_id zero;

    return same_id(id, &zero);
}

static bool is_me(const struct dc_device *device, const struct dc_id *officer)
{
    return memcmp(device->officer.bytes, officer->bytes, ID_SIZE) == 0;
}

/* ---- Refusals ---- */

static bool read_role(void *context, const Doublecrew__V1__Row *row)
{
    struct row_officer officer;

    row_read_officer(row->officer, &officer);
    *(enum dc_role *)context = officer.officer.role;
    return false;
}

/* By the roster that is cached here, also while its rows are sealed; of other roles, and who isn't on it, the server judges. */
static enum dc_status check_supervisor(struct dc_device *device)
{
    enum dc_role role = DC_ROLE_UNKNOWN;
    struct dc_id officer;
    struct view_key key;
    enum status status;

    memcpy(officer.bytes, device->officer.bytes, ID_SIZE);
    key = view_key_id('o', &officer);
    status = view_each(device, &key, DOUBLECREW__V1__ROW__ROW_OFFICER, read_role, &role, NULL);
    if (status != STATUS_OK) {
        return public_status(status);
    }
    return role == DC_ROLE_OFFENDER_MANAGER || role == DC_ROLE_CONSTABLE || role == DC_ROLE_STAFF ? DC_NOT_PERMITTED
                                                                                                  : DC_OK;
}

/* ---- Asking ---- */

enum dc_status dc_authority_request(struct dc_device *device, const struct dc_authority_request *request,
                                    struct dc_hash *ret_entry)
{
    Doublecrew__V1__AuthorityRequest message = DOUBLECREW__V1__AUTHORITY_REQUEST__INIT;

    if (is_empty(request->risk_assessment)) {
        return DC_WORDS_MISSING;
    }
    if (!is_zero(&request->officer) && !is_me(device, &request->officer)) {
        return DC_NOT_PERMITTED;
    }
    message.officer_id = message_bytes(device->officer.bytes, ID_SIZE);
    message.offender_id = message_id(&request->offender);
    message.plan_id = message_id(&request->plan);
    message.from_ms = request->from_ms;
    message.to_ms = request->to_ms;
    message.risk_assessment = message_text(request->risk_assessment);
    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_AUTHORITY_REQUEST, &message.base, ret_entry);
}

/* ---- Answering ---- */

static bool read_request(void *context, const Doublecrew__V1__Row *row)
{
    struct dc_authority_request_read request;
    struct dc_authority_request *asked = context;

    row_read_authority_request(row->authority_request, &request);
    *asked = request.asked;
    asked->risk_assessment = NULL; /* the row's */
    return false;
}

/* Fills what the word leaves to the request that it answers. */
static enum dc_status complete(struct dc_device *device, struct dc_authority_word *word)
{
    static const struct dc_hash none;
    struct dc_authority_request asked;
    struct view_key key = view_key_hash('a', &word->request);
    size_t count = 0;
    enum status status;

    if (memcmp(&word->request, &none, sizeof none) == 0) {
        return DC_OK;
    }
    status = view_each(device, &key, DOUBLECREW__V1__ROW__ROW_AUTHORITY_REQUEST, read_request, &asked, &count);
    if (status != STATUS_OK || count == 0) {
        return status != STATUS_OK ? public_status(status) : DC_NOT_FOUND;
    }
    word->officer = is_zero(&word->officer) ? asked.officer : word->officer;
    word->offender = is_zero(&word->offender) ? asked.offender : word->offender;
    if (is_zero(&word->plan) && memcmp(&word->presence, &none, sizeof none) == 0 && word->from_ms == 0 &&
        word->to_ms == 0) {
        word->plan = asked.plan;
        if (is_zero(&asked.plan)) {
            word->from_ms = asked.from_ms;
            word->to_ms = asked.to_ms;
        }
    }
    return DC_OK;
}

enum dc_status dc_authority_word(struct dc_device *device, const struct dc_authority_word *given,
                                 struct dc_hash *ret_entry)
{
    Doublecrew__V1__AuthorityWord message = DOUBLECREW__V1__AUTHORITY_WORD__INIT;
    struct dc_authority_word word = *given;
    enum dc_status status = complete(device, &word);

    if (status == DC_OK && is_me(device, &word.officer)) {
        status = DC_OWN_VISIT;
    }
    if (status == DC_OK && is_empty(word.words)) {
        status = DC_WORDS_MISSING;
    }
    if (status == DC_OK) {
        status = check_supervisor(device);
    }
    if (status != DC_OK) {
        return status;
    }
    message.officer_id = message_id(&word.officer);
    message.offender_id = message_id(&word.offender);
    message.granted = word.granted;
    message.plan_id = message_id(&word.plan);
    message.presence = message_hash(&word.presence);
    message.from_ms = word.from_ms;
    message.to_ms = word.to_ms;
    message.words = message_text(word.words);
    message.request = message_hash(&word.request);
    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_AUTHORITY_WORD, &message.base, ret_entry);
}

/* ---- Deciding ---- */

static bool read_officer_of(void *context, const Doublecrew__V1__Row *row)
{
    row_read_id(row->presence->officer_id, context);
    return false;
}

struct own_search {
    const struct dc_hash *presence;
    struct dc_id *ret_officer;
};

static bool on_check_in(void *context, const struct entry *entry, const ProtobufCMessage *base)
{
    struct own_search *search = context;

    if (memcmp(search->presence->bytes, entry->hash.bytes, HASH_SIZE) != 0) {
        return true;
    }
    row_read_id(((const Doublecrew__V1__CheckIn *)base)->officer_id, search->ret_officer);
    return false;
}

/* Whose visit it is, by the server's row or by this log; all zero when neither knows it. */
static enum dc_status officer_of(struct dc_device *device, const struct dc_hash *presence, struct dc_id *ret_officer)
{
    struct view_key key = view_key_hash('p', presence);
    struct own_search search = {presence, ret_officer};
    size_t count = 0;
    enum status status =
        view_each(device, &key, DOUBLECREW__V1__ROW__ROW_PRESENCE, read_officer_of, ret_officer, &count);

    if (status == STATUS_OK && count == 0) {
        status = own_each(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, on_check_in, &search);
    }
    return public_status(status);
}

enum dc_status dc_decide(struct dc_device *device, const struct dc_decision *decision, struct dc_hash *ret_entry)
{
    Doublecrew__V1__Decision message = DOUBLECREW__V1__DECISION__INIT;
    struct dc_id officer = {{0}};
    enum dc_status status = officer_of(device, &decision->presence, &officer);

    if (status == DC_OK && is_me(device, &officer)) {
        status = DC_OWN_VISIT;
    }
    if (status == DC_OK && (is_empty(decision->reason_code) || is_empty(decision->words))) {
        status = DC_WORDS_MISSING;
    }
    if (status == DC_OK) {
        status = check_supervisor(device);
    }
    if (status != DC_OK) {
        return status;
    }
    message.presence = message_hash(&decision->presence);
    message.appropriate = decision->appropriate;
    message.reason_code = message_text(decision->reason_code);
    message.words = message_text(decision->words);
    message.flag_id = message_hash(&decision->flag);
    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DECISION, &message.base, ret_entry);
}

/* ---- Reading ---- */

struct request_reader {
    struct dc_device *device;
    const struct dc_hash *only;
    dc_on_authority_request on_request;
    void *context;
    bool sealed;
    bool stopped;
    size_t count;
};

static void hand_out(struct request_reader *reader, const struct dc_authority_request_read *request)
{
    reader->count++;
    reader->stopped = !reader->on_request(reader->context, request);
}

static bool on_row(void *context, const Doublecrew__V1__Row *row)
{
    struct request_reader *reader = context;
    struct dc_authority_request_read request;

    row_read_authority_request(row->authority_request, &request);
    hand_out(reader, &request);
    return !reader->stopped;
}

static bool has_row(struct dc_device *device, const struct hash *entry)
{
    struct dc_hash request;
    struct view_key key;
    uint64_t pos, generation;

    memcpy(request.bytes, entry->bytes, HASH_SIZE);
    key = view_key_hash('a', &request);
    return store_row_place(device->store, view_key_span(&key), &pos, &generation) == STATUS_OK;
}

static bool on_own(void *context, const struct entry *entry, const ProtobufCMessage *base)
{
    struct request_reader *reader = context;
    struct dc_authority_request_read request = {.state = DC_AUTHORITY_OPEN, .pending = true};

    if ((reader->only && memcmp(reader->only->bytes, entry->hash.bytes, HASH_SIZE) != 0) ||
        (!reader->sealed && has_row(reader->device, &entry->hash))) {
        return true;
    }
    memcpy(request.request.bytes, entry->hash.bytes, HASH_SIZE);
    row_read_asked((const Doublecrew__V1__AuthorityRequest *)base, &request.asked);
    hand_out(reader, &request);
    return !reader->stopped;
}

enum dc_status dc_each_authority_request(struct dc_device *device, const struct dc_hash *request,
                                         dc_on_authority_request on_request, void *context)
{
    enum status readable = upkeep_check_readable(device);
    struct request_reader reader = {.device = device,
                                    .only = request,
                                    .on_request = on_request,
                                    .context = context,
                                    .sealed = readable != STATUS_OK};
    struct view_key key = request ? view_key_hash('a', request) : view_key_all('a');
    enum status status = STATUS_OK;

    if (readable == STATUS_OK) {
        status = view_each(device, &key, DOUBLECREW__V1__ROW__ROW_AUTHORITY_REQUEST, on_row, &reader, NULL);
    }
    if (status == STATUS_OK && !reader.stopped) {
        status = own_each(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_AUTHORITY_REQUEST, on_own, &reader);
    }
    if (status == STATUS_OK && request && reader.count == 0) {
        status = readable == STATUS_OK ? STATUS_NOT_FOUND : readable;
    }
    return public_status(status != STATUS_OK || request ? status : readable);
}
