#include "core/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base64.h"
#include "core/limits.h"

#define ORIGIN_PREFIX "doublecrew/"
#define ORIGIN_SIZE (sizeof(ORIGIN_PREFIX) - 1 + 2 * ID_SIZE + 1 + 2 * ID_SIZE)
#define KEY_ID_SIZE 4
#define NOTE_ED25519 0x01
/* Em dash and space: begins a signature line (C2SP signed-note). */
#define SIGNATURE_MARK "\xe2\x80\x94 "

static void format_origin(const struct checkpoint *checkpoint, char ret_origin[ORIGIN_SIZE + 1])
{
    char force[2 * ID_SIZE + 1];
    char epoch[2 * ID_SIZE + 1];

    hex_encode(span_of(checkpoint->force.bytes, ID_SIZE), force);
    hex_encode(span_of(checkpoint->epoch.bytes, ID_SIZE), epoch);
    (void)snprintf(ret_origin, ORIGIN_SIZE + 1, ORIGIN_PREFIX "%s/%s", force, epoch);
}

static enum status key_id(struct sha256 *sha, const char *origin, const struct public_key *key,
                          uint8_t ret_id[KEY_ID_SIZE])
{
    static const uint8_t separator[2] = {'\n', NOTE_ED25519};
    struct hash hash;
    struct span parts[3] = {span_of(origin, strlen(origin)), span_of(separator, sizeof(separator)),
                            span_of(key->bytes, key->size)};
    enum status status = sha256_parts(sha, parts, 3, &hash);

    if (status == STATUS_OK)
        memcpy(ret_id, hash.bytes, KEY_ID_SIZE);
    return status;
}

/* The lines before the blank one; returns their size. They always fit (sizes above and limits of decimal numbers). */
static size_t format_text(const struct checkpoint *checkpoint, const char *origin, char ret_text[CHECKPOINT_TEXT_MAX])
{
    char root[BASE64_SIZE(HASH_SIZE) + 1];
    char log[2 * ID_SIZE + 1];
    char boot[2 * ID_SIZE + 1];
    int size;

    base64_encode(span_of(checkpoint->root.bytes, HASH_SIZE), root);
    size = snprintf(ret_text, CHECKPOINT_TEXT_MAX, "%s\n%" PRIu64 "\n%s\ntime %" PRId64 "\n", origin, checkpoint->size,
                    root, checkpoint->time_ms);
    if (checkpoint->is_anchor) {
        hex_encode(span_of(checkpoint->log.bytes, ID_SIZE), log);
        hex_encode(span_of(checkpoint->boot.bytes, ID_SIZE), boot);
        size += snprintf(ret_text + size, CHECKPOINT_TEXT_MAX - (size_t)size,
                         "log %s\nboot %s\nmonotonic %" PRIu64 "\n", log, boot, checkpoint->monotonic_ms);
    }
    return (size_t)size;
}

enum status checkpoint_sign(struct sha256 *sha, const struct checkpoint *checkpoint, const struct sign_key *key,
                            char ret_text[CHECKPOINT_TEXT_MAX], size_t *ret_size)
{
    char text[CHECKPOINT_TEXT_MAX];
    char origin[ORIGIN_SIZE + 1];
    char encoded[BASE64_SIZE(KEY_ID_SIZE + SIGNATURE_SIZE) + 1];
    uint8_t blob[KEY_ID_SIZE + SIGNATURE_SIZE];
    struct public_key public_key;
    struct signature signature;
    enum status status;
    size_t size;

    sign_key_public(key, &public_key);
    if (public_key.algorithm != SIGN_ED25519 || checkpoint->time_ms < 0 || checkpoint->time_ms > TIME_MS_MAX ||
        checkpoint->monotonic_ms > TIME_MS_MAX)
        return STATUS_INPUT;
    format_origin(checkpoint, origin);
    size = format_text(checkpoint, origin, text);
    status = key_id(sha, origin, &public_key, blob);
    if (status == STATUS_OK)
        status = sign_message(key, span_of(text, size), &signature);
    if (status != STATUS_OK)
        return status;
    memcpy(blob + KEY_ID_SIZE, signature.bytes, SIGNATURE_SIZE);
    base64_encode(span_of(blob, sizeof(blob)), encoded);
    size += (size_t)snprintf(text + size, sizeof(text) - size, "\n" SIGNATURE_MARK "%s %s\n", origin, encoded);
    memcpy(ret_text, text, size + 1);
    *ret_size = size;
    return STATUS_OK;
}

/* One line, without its newline, from the beginning of *rest. MALFORMED without a newline. */
static enum status take_line(struct span *rest, struct span *ret_line)
{
    const uint8_t *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
    size_t size;

    if (end == NULL)
        return STATUS_MALFORMED;
    size = (size_t)(end - rest->data);
    *ret_line = span_of(rest->data, size);
    *rest = span_of(end + 1, rest->size - size - 1);
    return STATUS_OK;
}

static bool skip_prefix(struct span *text, const char *prefix)
{
    size_t size = strlen(prefix);

    if (text->size < size || memcmp(text->data, prefix, size) != 0)
        return false;
    *text = span_of(text->data + size, text->size - size);
    return true;
}

/* Decimal digits without leading zeros, at most max. */
static enum status parse_number(struct span digits, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (digits.size == 0 || (digits.size > 1 && digits.data[0] == '0'))
        return STATUS_MALFORMED;
    for (size_t i = 0; i < digits.size; i++) {
        uint64_t digit = (uint64_t)(digits.data[i] - '0');

        if (digits.data[i] < '0' || digits.data[i] > '9' || __builtin_mul_overflow(number, (uint64_t)10, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return STATUS_MALFORMED;
    }
    if (number > max)
        return STATUS_MALFORMED;
    *ret_number = number;
    return STATUS_OK;
}

/* Lower-case hex only: one text for each checkpoint. */
static enum status parse_id(struct span text, struct id *ret_id)
{
    char digits[2 * ID_SIZE + 1];
    char again[2 * ID_SIZE + 1];

    if (text.size != 2 * ID_SIZE)
        return STATUS_MALFORMED;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    if (hex_decode(digits, ID_SIZE, ret_id->bytes) != STATUS_OK)
        return STATUS_MALFORMED;
    hex_encode(span_of(ret_id->bytes, ID_SIZE), again);
    return memcmp(digits, again, text.size) == 0 ? STATUS_OK : STATUS_MALFORMED;
}

static enum status parse_origin(struct span line, struct checkpoint *checkpoint)
{
    enum status status;

    if (line.size != ORIGIN_SIZE || !skip_prefix(&line, ORIGIN_PREFIX) || line.data[2 * ID_SIZE] != '/')
        return STATUS_MALFORMED;
    status = parse_id(span_of(line.data, 2 * ID_SIZE), &checkpoint->force);
    if (status != STATUS_OK)
        return status;
    return parse_id(span_of(line.data + 2 * ID_SIZE + 1, 2 * ID_SIZE), &checkpoint->epoch);
}

/* The next line must begin with the prefix; the rest of it is returned. */
static enum status take_value(struct span *rest, const char *prefix, struct span *ret_value)
{
    struct span line;
    enum status status = take_line(rest, &line);

    if (status != STATUS_OK)
        return status;
    if (!skip_prefix(&line, prefix))
        return STATUS_MALFORMED;
    *ret_value = line;
    return STATUS_OK;
}

static enum status parse_tree(struct span *rest, struct checkpoint *checkpoint)
{
    struct span value;
    uint64_t time_ms;
    enum status status = take_line(rest, &value);

    if (status == STATUS_OK)
        status = parse_origin(value, checkpoint);
    if (status == STATUS_OK)
        status = take_line(rest, &value);
    if (status == STATUS_OK)
        status = parse_number(value, UINT64_MAX, &checkpoint->size);
    if (status == STATUS_OK)
        status = take_line(rest, &value);
    if (status == STATUS_OK)
        status = base64_decode(value, HASH_SIZE, checkpoint->root.bytes);
    if (status == STATUS_OK)
        status = take_value(rest, "time ", &value);
    if (status == STATUS_OK)
        status = parse_number(value, TIME_MS_MAX, &time_ms);
    if (status == STATUS_OK)
        checkpoint->time_ms = (int64_t)time_ms;
    return status;
}

static enum status parse_binding(struct span *rest, struct checkpoint *checkpoint)
{
    struct span value;
    enum status status = take_value(rest, "log ", &value);

    if (status == STATUS_OK)
        status = parse_id(value, &checkpoint->log);
    if (status == STATUS_OK)
        status = take_value(rest, "boot ", &value);
    if (status == STATUS_OK)
        status = parse_id(value, &checkpoint->boot);
    if (status == STATUS_OK)
        status = take_value(rest, "monotonic ", &value);
    if (status == STATUS_OK)
        status = parse_number(value, TIME_MS_MAX, &checkpoint->monotonic_ms);
    return status;
}

/* A note, taken apart. */
struct note {
    struct span text;   /* what is signed: all lines before the blank one */
    struct span origin; /* its first line */
    uint8_t key_id[KEY_ID_SIZE];
    struct signature signature;
};

/* The blank line and the one signature line, under the origin's name. */
static enum status parse_signature(struct span *rest, struct note *note)
{
    uint8_t blob[KEY_ID_SIZE + SIGNATURE_SIZE];
    struct span line;
    enum status status;

    if (!skip_prefix(rest, "\n" SIGNATURE_MARK))
        return STATUS_MALFORMED;
    status = take_line(rest, &line);
    if (status != STATUS_OK)
        return status;
    if (line.size <= note->origin.size || !span_equal(span_of(line.data, note->origin.size), note->origin))
        return STATUS_MALFORMED;
    line = span_of(line.data + note->origin.size, line.size - note->origin.size);
    if (!skip_prefix(&line, " "))
        return STATUS_MALFORMED;
    status = base64_decode(line, sizeof(blob), blob);
    if (status != STATUS_OK)
        return status;
    memcpy(note->key_id, blob, KEY_ID_SIZE);
    note->signature.algorithm = SIGN_ED25519;
    memcpy(note->signature.bytes, blob + KEY_ID_SIZE, SIGNATURE_SIZE);
    return rest->size == 0 ? STATUS_OK : STATUS_MALFORMED;
}

static enum status parse(struct span text, struct checkpoint *ret_checkpoint, struct note *ret_note)
{
    struct checkpoint checkpoint = {0};
    struct note note = {0};
    struct span rest = text;
    enum status status;

    if (text.size >= CHECKPOINT_TEXT_MAX)
        return STATUS_OVER_LIMIT;
    status = parse_tree(&rest, &checkpoint);
    if (status == STATUS_OK && rest.size > 0 && rest.data[0] != '\n') {
        checkpoint.is_anchor = true;
        status = parse_binding(&rest, &checkpoint);
    }
    if (status != STATUS_OK)
        return status;
    note.text = span_of(text.data, text.size - rest.size);
    note.origin = span_of(text.data, ORIGIN_SIZE);
    status = parse_signature(&rest, &note);
    if (status != STATUS_OK)
        return status;
    *ret_checkpoint = checkpoint;
    *ret_note = note;
    return STATUS_OK;
}

enum status checkpoint_open(struct sha256 *sha, struct span text, const struct public_key *public_key,
                            struct verify_key *key, struct checkpoint *ret_checkpoint)
{
    char origin[ORIGIN_SIZE + 1];
    uint8_t expected[KEY_ID_SIZE];
    struct checkpoint checkpoint;
    struct note note;
    enum status status = parse(text, &checkpoint, &note);

    if (status != STATUS_OK)
        return status;
    format_origin(&checkpoint, origin);
    status = key_id(sha, origin, public_key, expected);
    if (status != STATUS_OK)
        return status;
    if (memcmp(expected, note.key_id, KEY_ID_SIZE) != 0)
        return STATUS_BAD_SIGNATURE;
    status = verify_message(key, note.text, &note.signature);
    if (status != STATUS_OK)
        return status;
    *ret_checkpoint = checkpoint;
    return STATUS_OK;
}

enum status checkpoint_read(struct span text, struct checkpoint *ret_checkpoint)
{
    struct note ignored;

    return parse(text, ret_checkpoint, &ignored);
}
