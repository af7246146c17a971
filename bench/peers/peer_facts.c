#include "bench/peers/peer_facts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/officer_words.h"

#define UUID_SIZE 36
#define ID_MARK "\"id\":\""
#define ID_MARK_SIZE (sizeof(ID_MARK) - 1)
#define BEGIN_MS INT64_C(1795000000000) /* of the first visit: an invented day */
#define VISIT_EVERY_MS INT64_C(10800000)
#define FACT_EVERY_MS INT64_C(140000)
#define FIELDS 9
#define LOW_48 UINT64_C(0xffffffffffff)
/* Odd numbers, and what they make 1 with, of 48 bits. */
#define SCATTER_A UINT64_C(0x9e3779b97f4b)
#define SCATTER_A_INVERSE UINT64_C(0x393dee219263)
#define SCATTER_B UINT64_C(0xbf58476d1ce5)
#define SCATTER_B_INVERSE UINT64_C(0x30b52c8740ed)

/* I check-in, E edit, N note, O outcome, X check-out: as in bench/load_log.c. */
static const char attempt_facts[PEER_ATTEMPT_FACTS + 1] = "IEEENEEENEEENEEENOXN";

static const char *const field_names[FIELDS] = {"accommodation", "household", "relationships",
                                                "phones_seen",   "vehicle",   "contacts",
                                                "safeguarding",  "next_step", "employment"};

/* How many facts of this kind a device wrote before this one: the words go on through the day. */
static size_t number_of(char kind, size_t number)
{
    size_t each = 0;
    size_t before = 0;

    for (size_t i = 0; i < PEER_ATTEMPT_FACTS; i++) {
        each += attempt_facts[i] == kind;
        before += attempt_facts[i] == kind && i < number % PEER_ATTEMPT_FACTS;
    }
    return number / PEER_ATTEMPT_FACTS * each + before;
}

/* 48 bits to 48 bits that look like chance, and back: each step can be undone. */
static uint64_t scatter(uint64_t which)
{
    which ^= which >> 24;
    which = which * SCATTER_A & LOW_48;
    which ^= which >> 24;
    which = which * SCATTER_B & LOW_48;
    return which ^ which >> 24;
}

static uint64_t gather(uint64_t scattered)
{
    scattered ^= scattered >> 24;
    scattered = scattered * SCATTER_B_INVERSE & LOW_48;
    scattered ^= scattered >> 24;
    scattered = scattered * SCATTER_A_INVERSE & LOW_48;
    return scattered ^ scattered >> 24;
}

/* A UUID of version 7: its time, then what would be chance and says which; a running number would deflate to nothing. */
static void write_uuid(FILE *file, int64_t at_ms, unsigned variant, uint64_t which)
{
    uint64_t more = scatter(which + ((uint64_t)variant << 24));

    fprintf(file, "%08" PRIx64 "-%04" PRIx64 "-7%03x-8%03x-%012" PRIx64, (uint64_t)at_ms >> 16,
            (uint64_t)at_ms & 0xffff, (unsigned)(more & 0xfff), (unsigned)(more >> 12 & 0xfff), scatter(which));
}

static uint64_t which_of(size_t device, size_t number)
{
    return (uint64_t)device << 32 | (uint32_t)number;
}

static void write_time(FILE *file, int64_t at_ms)
{
    int64_t minute = at_ms / 60000;

    fprintf(file, "2026-11-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%03" PRId64 "Z",
            1 + minute / 1440 % 28, minute / 60 % 24, minute % 60, at_ms / 1000 % 60, at_ms % 1000);
}

static void write_place(FILE *file, size_t device)
{
    fprintf(file, ",\"place\":{\"lat\":52.2%05zu,\"lon\":0.1%05zu,\"accuracy\":12}", device * 7 % 100000,
            device * 3 % 100000);
}

static void write_begin(FILE *file, const char *id_key, const char *kind, int64_t at_ms, uint64_t which, uint64_t visit)
{
    fprintf(file, "{\"%s\":\"", id_key);
    write_uuid(file, at_ms, 0x10, which);
    fputs("\",\"visit\":\"", file);
    write_uuid(file, BEGIN_MS, 0x20, visit);
    fprintf(file, "\",\"kind\":\"%s\",\"at\":\"", kind);
    write_time(file, at_ms);
    fputc('"', file);
}

static void write_check_in(FILE *file, size_t device, uint64_t offender, bool with)
{
    fputs(",\"offender\":\"", file);
    write_uuid(file, BEGIN_MS, 0x30, offender);
    if (with) {
        fputs("\",\"with\":[\"", file);
        write_uuid(file, BEGIN_MS, 0x40, device ^ 1);
        fputs("\"]", file);
    } else {
        fputs("\",\"with\":[]", file);
    }
    write_place(file, device);
}

void peer_facts_write(FILE *file, const char *id_key, size_t device, size_t number)
{
    size_t attempt = number / PEER_ATTEMPT_FACTS;
    size_t step = number % PEER_ATTEMPT_FACTS;
    int64_t at_ms = BEGIN_MS + (int64_t)attempt * VISIT_EVERY_MS + (int64_t)step * FACT_EVERY_MS;
    uint64_t which = which_of(device, number);
    uint64_t visit = which_of(device, attempt);

    switch (attempt_facts[step]) {
    case 'I':
        write_begin(file, id_key, "check-in", at_ms, which, visit);
        write_check_in(file, device, attempt % 20 + device / 2 * 20, true);
        break;
    case 'E':
        write_begin(file, id_key, "edit", at_ms, which, visit);
        fprintf(file, ",\"field\":\"%s\",\"value\":\"%s\"", field_names[step % FIELDS],
                officer_edit(number_of('E', number)));
        break;
    case 'N':
        write_begin(file, id_key, "note", at_ms, which, visit);
        fprintf(file, ",\"text\":\"%s\"", officer_note(number_of('N', number)));
        break;
    case 'O':
        write_begin(file, id_key, "outcome", at_ms, which, visit);
        fputs(",\"outcome\":\"seen\"", file);
        break;
    default:
        write_begin(file, id_key, "check-out", at_ms, which, visit);
        write_place(file, device);
        break;
    }
    fputc('}', file);
}

void peer_facts_write_lone(FILE *file, const char *id_key, size_t device, size_t number)
{
    size_t visit = number / 2;
    int64_t at_ms = BEGIN_MS + (int64_t)number * FACT_EVERY_MS;

    write_begin(file, id_key, number % 2 == 0 ? "check-in" : "check-out", at_ms, which_of(device, number),
                which_of(device, visit));
    if (number % 2 == 0)
        write_check_in(file, device, visit % 20 + device / 2 * 20, false);
    else
        write_place(file, device);
    fputc('}', file);
}

/* Seeing ------------------------------------------------------------------------------------------------------------ */

struct peer_seen {
    size_t devices;
    size_t facts_each;
    size_t count;
    bool seen[]; /* device by device */
};

enum status peer_seen_new(size_t devices, size_t facts_each, struct peer_seen **ret_seen)
{
    struct peer_seen *seen = calloc(1, sizeof(*seen) + devices * facts_each);

    if (seen == NULL)
        return STATUS_NO_MEMORY;
    seen->devices = devices;
    seen->facts_each = facts_each;
    *ret_seen = seen;
    return STATUS_OK;
}

void peer_seen_free(struct peer_seen *seen)
{
    free(seen);
}

size_t peer_seen_count(const struct peer_seen *seen)
{
    return seen->count;
}

size_t peer_seen_missing(const struct peer_seen *seen, size_t device, size_t count)
{
    size_t missing = 0;

    for (size_t i = 0; i < count; i++)
        missing += !seen->seen[device * seen->facts_each + i];
    return missing;
}

static bool read_which(const uint8_t *uuid, uint64_t *ret_which)
{
    char digits[13];
    char *end = NULL;

    if (uuid[8] != '-' || uuid[13] != '-' || uuid[18] != '-' || uuid[23] != '-')
        return false;
    memcpy(digits, uuid + 24, 12);
    digits[12] = '\0';
    *ret_which = gather(strtoull(digits, &end, 16));
    return *end == '\0';
}

static void mark(struct peer_seen *seen, uint64_t which, peer_seen_fn *fn, void *context)
{
    size_t device = (size_t)(which >> 32);
    size_t number = (size_t)(which & UINT32_MAX);

    if (device >= seen->devices || number >= seen->facts_each || seen->seen[device * seen->facts_each + number])
        return;
    seen->seen[device * seen->facts_each + number] = true;
    seen->count++;
    if (fn != NULL)
        fn(context, device, number);
}

size_t peer_seen_read(struct peer_seen *seen, struct span text, peer_seen_fn *fn, void *context)
{
    const size_t whole = ID_MARK_SIZE + UUID_SIZE;
    size_t at = 0;

    while (text.size - at >= whole) {
        const uint8_t *found = memmem(text.data + at, text.size - at, ID_MARK, ID_MARK_SIZE);
        uint64_t which = 0;

        if (found == NULL)
            return text.size - (ID_MARK_SIZE - 1);
        at = (size_t)(found - text.data);
        if (text.size - at < whole)
            return at;
        if (read_which(found + ID_MARK_SIZE, &which))
            mark(seen, which, fn, context);
        at += ID_MARK_SIZE;
    }
    return at;
}
