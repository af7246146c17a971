/* doublecrewctl quiet: devices that went quiet, keep failing, or hold evidence back, and what to do about each (P7). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/command.h"
#include "admin/roster_entries.h"
#include "admin/time_text.h"
#include "doublecrew/v1/sync.pb-c.h"
#include "server/edge/store_sqlite.h"

#define DEVICES_MAX 256 /* of one officer */
#define SINCE_DEFAULT_S (24 * 3600)
#define SINCE_MAX_S (366 * 24 * 3600)
/* Fewer in a row are everyday: a lift, a restart of the server. */
#define FAILURES_SHOWN 3

#define REASON(name) DOUBLECREW__V1__PENDING_REASON__PENDING_REASON_##name

struct reason_words {
    uint32_t reason;
    const char *why; /* after "because" */
    const char *advice;
};

static const struct reason_words reasons[] = {
    {REASON(NO_CONNECTION), "it could not reach the server",
     "Ask where it is used: is there signal, is it in flight mode?"},
    {REASON(NOT_LET_IN), "the server did not let it in",
     "See the server's log for handshake_refused; renew its certificate."},
    {REASON(PUSH_REFUSED), "the server refused what it pushed", "See the server's log for error_sent of this device."},
    {REASON(NO_ANSWER), "no answer came in time", "Is the server under load, or the signal poor?"},
    {REASON(FORKED), "two copies of this phone exist", "Enrol it again; its evidence is carried over."},
    {REASON(DIVERGED), "the server's journal does not extend the one that it saw", "Do not go on before you know why."},
    {REASON(STOPPED), "its sync was stopped on the phone", "Ask the officer to start it again."},
    {REASON(OWN_STORE), "the phone's own storage or key failed", "Bring the phone in; do not reset it."},
};

struct quiet {
    struct store *store;
    const struct roster_officer *officer; /* NULL: a pool device */
    int64_t now_us;
    int64_t since_us;
    size_t found;
};

/* "45s", "30m", "24h", "7d". */
static bool read_since(const char *text, int64_t *ret_s)
{
    static const struct {
        char letter;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char digits[16];
    size_t size = strlen(text);
    uint64_t number;

    if (size < 2 || size > sizeof(digits))
        return false;
    memcpy(digits, text, size - 1);
    digits[size - 1] = '\0';
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text[size - 1] == units[i].letter && number_read(digits, SINCE_MAX_S / units[i].seconds, &number)) {
            *ret_s = (int64_t)(number * units[i].seconds);
            return true;
        }
    }
    return false;
}

static void name_device(struct quiet *quiet, const struct device_row *device)
{
    char hex[2 * ID_SIZE + 1];

    quiet->found++;
    hex_encode(span_of(device->device.bytes, ID_SIZE), hex);
    printf("%s\t%s\t", hex, quiet->officer == NULL ? "nobody" : quiet->officer->code);
}

static void say_silence(struct quiet *quiet, const struct device_row *device, const struct contact_row *contact)
{
    char text[TIME_TEXT_SIZE];

    if (contact->hello_us == 0 && contact->errors == 0) {
        bool is_operator = quiet->officer != NULL && quiet->officer->role == DOUBLECREW__V1__ROLE__ROLE_OPERATOR;

        if (device->last_seq > 0 || is_operator) /* used, or imported, on the server itself */
            return;
        name_device(quiet, device);
        puts("has never connected. Has its package been installed on the phone?");
        return;
    }
    if (contact->seen_us > quiet->since_us)
        return;
    name_device(quiet, device);
    time_to_text(contact->seen_us / 1000, text);
    printf("quiet since %s, %lld hours. Ask the officer: is it switched on, charged, and with them? If it is gone, "
           "'doublecrewctl revoke'.\n",
           text, (long long)((quiet->now_us - contact->seen_us) / 3600000000));
}

static const struct reason_words *words_of(uint32_t reason)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].reason == reason)
            return &reasons[i];
    }
    return NULL;
}

static void say_pending(struct quiet *quiet, const struct device_row *device, const struct contact_row *contact)
{
    const struct reason_words *words = words_of(contact->pending_reason);
    char text[TIME_TEXT_SIZE];

    /* The phone's wall clock is good enough for a list: nothing else goes by it. */
    if (contact->pending_entries == 0 ||
        (contact->hello_us > quiet->since_us && contact->pending_since_ms > quiet->since_us / 1000))
        return;
    name_device(quiet, device);
    time_to_text(contact->pending_since_ms, text);
    printf("holds %u entries that are not here, the oldest of %s by its own clock", contact->pending_entries, text);
    if (words != NULL)
        printf(", because %s. %s\n", words->why, words->advice);
    else
        puts(". Let it connect; if it cannot, 'doublecrewctl rescue' takes them in by hand.");
}

static void say_failures(struct quiet *quiet, const struct device_row *device, const struct contact_row *contact)
{
    const struct reason_words *words = words_of(contact->pending_reason);
    char text[TIME_TEXT_SIZE];

    if (contact->errors >= FAILURES_SHOWN) {
        name_device(quiet, device);
        time_to_text(contact->error_us / 1000, text);
        printf("told of %u errors in a row, the last '%s' at %s. OPERATIONS.md says what to do about each name.\n",
               contact->errors, contact->error, text);
    }
    if (contact->failures >= FAILURES_SHOWN) {
        name_device(quiet, device);
        printf("says that it failed %u times in a row", contact->failures);
        if (words != NULL)
            printf(", because %s. %s\n", words->why, words->advice);
        else
            printf("%s.\n", contact->failing_code == 0 ? " without an answer" : ", each time with an error");
    }
}

static enum status look_at(struct quiet *quiet, const struct device_row *device)
{
    struct contact_row contact = {.device = device->device};
    enum status status;

    if (device->standing == DEVICE_LOST) /* it can't come any more: the roster says so */
        return STATUS_OK;
    status = quiet->store->ops->contact_get(quiet->store, &device->device, &contact);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    say_silence(quiet, device, &contact);
    say_pending(quiet, device, &contact);
    say_failures(quiet, device, &contact);
    return STATUS_OK;
}

static enum status look_at_officers(struct quiet *quiet, const struct id *officer)
{
    struct device_row rows[DEVICES_MAX];
    size_t count = 0;
    enum status status = quiet->store->ops->devices_of_officer(quiet->store, officer, rows, DEVICES_MAX, &count);

    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = look_at(quiet, &rows[i]);
    return status;
}

static enum status look_at_all(const struct force_folder *folder, const struct roster *roster, int64_t since_s)
{
    static const struct id nobody = {{0}};
    struct quiet quiet = {.store = NULL};
    struct store_head head;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_READER, &quiet.store);

    if (status == STATUS_OK)
        status = quiet.store->ops->head(quiet.store, &head);
    if (status == STATUS_OK) {
        /* A training force's clock is its journal's. */
        quiet.now_us = head.training ? head.time_us : (int64_t)time(NULL) * 1000000;
        quiet.since_us = quiet.now_us - since_s * 1000000;
        status = look_at_officers(&quiet, &nobody);
    }
    for (size_t i = 0; i < roster->officer_count && status == STATUS_OK; i++) {
        quiet.officer = &roster->officers[i];
        status = look_at_officers(&quiet, &roster->officers[i].id);
    }
    if (status == STATUS_OK && quiet.found == 0)
        puts("No device is quiet, keeps failing, or holds anything back.");
    if (quiet.store != NULL)
        quiet.store->ops->close(quiet.store);
    return status;
}

int command_quiet(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *since = NULL;
    size_t plain_count = 0;
    int64_t since_s = SINCE_DEFAULT_S;
    const struct option_spec specs[] = {{"dir", &dir, NULL}, {"since", &since, NULL}};
    struct force_folder folder;
    struct force_facts facts;
    struct roster roster;
    enum status status;

    if (!options_read(command, argc, argv, specs, 2, NULL, 0, &plain_count))
        return EXIT_USAGE;
    if (since != NULL && !read_since(since, &since_s)) {
        complain("--since '%s' is not a time: write it as 90m, 24h or 7d, at most 366d", since);
        return EXIT_USAGE;
    }
    if (!force_open(dir, &folder, &facts) || roster_read(&folder, &roster) != STATUS_OK)
        return EXIT_FAILED;
    status = look_at_all(&folder, &roster, since_s);
    roster_done(&roster);
    return status == STATUS_OK ? EXIT_DONE : complain_status(status, "the devices could not be read");
}
