/* F3: a store that was restored from a backup is found at opening; after enrolling again nothing that it holds is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "doublecrew/v1/entry.pb-c.h"
#include "tests/lib/device_fixture.h"

static int set_up(void **state)
{
    struct device_fixture *fixture = malloc(sizeof *fixture);

    assert_non_null(fixture);
    device_fixture_init(fixture, 1);
    device_fixture_open(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    device_fixture_done(*state);
    free(*state);
    return 0;
}

static void notes(struct device_fixture *fixture, int count)
{
    struct dc_subject subject = {.offender = device_fixture_id(7)};

    for (int i = 0; i < count; i++) {
        assert_int_equal(dc_note(fixture->device, &subject, "Invented words.", NULL, NULL), DC_OK);
    }
}

static void copy_file(const char *from, const char *to)
{
    static uint8_t bytes[1 << 22];
    FILE *file = fopen(from, "rb");
    size_t size;

    assert_non_null(file);
    size = fread(bytes, 1, sizeof bytes, file);
    assert_in_range(size, 1, sizeof bytes - 1);
    fclose(file);
    file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static const char *beside(const struct device_fixture *fixture, const char *suffix)
{
    static char path[200];

    snprintf(path, sizeof path, "%s%s", fixture->path, suffix);
    return path;
}

static void shut(struct device_fixture *fixture)
{
    dc_device_close(fixture->device);
    fixture->device = NULL;
}

static void back_up(struct device_fixture *fixture)
{
    shut(fixture);
    copy_file(fixture->path, beside(fixture, ".backup"));
    device_fixture_open(fixture);
}

static void restore(struct device_fixture *fixture)
{
    shut(fixture);
    copy_file(beside(fixture, ".backup"), fixture->path);
    unlink(beside(fixture, ".backup"));
    device_fixture_open(fixture);
}

static const char *guard_path(const struct device_fixture *fixture)
{
    static char path[200];
    const char *slash = strrchr(fixture->path, '/');

    snprintf(path, sizeof path, "%.*s/no_backup/store.guard", (int)(slash - fixture->path), fixture->path);
    return path;
}

static bool count_note(void *context, const struct dc_note_read *note)
{
    (void)note;
    (*(unsigned *)context)++;
    return true;
}

static void store__restored_from_a_backup_is_not_continued(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_subject subject = {.offender = device_fixture_id(7)};
    struct dc_lost_log lost;
    struct dc_sync_status status;
    unsigned count = 0;

    notes(fixture, 2);
    assert_int_equal(dc_log_lost(fixture->device, &lost), DC_NOT_FOUND);
    back_up(fixture);
    notes(fixture, 3);
    restore(fixture);
    assert_int_equal(dc_log_lost(fixture->device, &lost), DC_OK);
    assert_int_equal(lost.known_seq, 5);
    assert_int_equal(lost.store_seq, 2);
    assert_int_equal(lost.pending_entries, 2);
    assert_memory_equal(lost.log.bytes, fixture->config.log.bytes, ID_SIZE);
    assert_int_equal(dc_note(fixture->device, &subject, "refused", NULL, NULL), DC_LOG_LOST);
    assert_int_equal(dc_sync_start(fixture->device), DC_LOG_LOST);
    assert_int_equal(dc_sync_now(fixture->device), DC_LOG_LOST);
    dc_sync_stop(fixture->device);
    dc_sync_status(fixture->device, &status);
    assert_int_equal(status.reason, DC_LOG_LOST);
    assert_int_equal(status.pending_reason, DC_PENDING_LOST);
    assert_non_null(strstr(status.pending_text, "Enrol the device again"));
    assert_int_equal(dc_each_note(fixture->device, NULL, count_note, &count), DC_OK);
    assert_int_equal(count, 2);
    device_fixture_reopen(fixture); /* it stays so: the guard isn't taken back */
    assert_int_equal(dc_log_lost(fixture->device, &lost), DC_OK);
}

static void store__of_another_branch_is_not_continued(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_lost_log lost;
    char kept[200];

    notes(fixture, 2);
    back_up(fixture);
    notes(fixture, 1);
    snprintf(kept, sizeof kept, "%s", beside(fixture, ".guard"));
    copy_file(guard_path(fixture), kept);
    shut(fixture);
    unlink(guard_path(fixture));
    device_fixture_open(fixture);
    restore(fixture); /* the guard, made anew at opening, says 3: so it is taken away again */
    shut(fixture);
    unlink(guard_path(fixture));
    device_fixture_open(fixture);
    notes(fixture, 4); /* another entry 3 */
    shut(fixture);
    copy_file(kept, guard_path(fixture));
    unlink(kept);
    device_fixture_open(fixture);
    assert_int_equal(dc_log_lost(fixture->device, &lost), DC_OK);
    assert_int_equal(lost.known_seq, 3);
    assert_int_equal(lost.store_seq, 6);
}

/* The phone died between the commit and the guard's save. */
static void guard__may_be_behind_or_gone(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_lost_log lost;
    char kept[200];

    notes(fixture, 1);
    snprintf(kept, sizeof kept, "%s", beside(fixture, ".guard"));
    copy_file(guard_path(fixture), kept);
    notes(fixture, 2);
    shut(fixture);
    copy_file(kept, guard_path(fixture));
    unlink(kept);
    device_fixture_open(fixture);
    assert_int_equal(dc_log_lost(fixture->device, &lost), DC_NOT_FOUND);
    shut(fixture);
    unlink(guard_path(fixture));
    device_fixture_open(fixture);
    notes(fixture, 1);
    assert_int_equal(dc_log_lost(fixture->device, &lost), DC_NOT_FOUND);
    device_fixture_reopen(fixture);
    assert_int_equal(fixture->device->head.seq, 4);
}

/* A guard of the app's own. */
struct own_guard {
    uint8_t bytes[DC_GUARD_SIZE_MAX];
    size_t size;
    enum dc_status load_status;
    enum dc_status save_status;
};

static enum dc_status own_load(void *context, uint8_t *ret_bytes, size_t capacity, size_t *ret_size)
{
    struct own_guard *guard = context;

    if (guard->load_status != DC_OK || guard->size == 0) {
        return guard->load_status != DC_OK ? guard->load_status : DC_NOT_FOUND;
    }
    assert_in_range(guard->size, 1, capacity);
    memcpy(ret_bytes, guard->bytes, guard->size);
    *ret_size = guard->size;
    return DC_OK;
}

static enum dc_status own_save(void *context, const uint8_t *bytes, size_t size)
{
    struct own_guard *guard = context;

    if (guard->save_status == DC_OK) {
        memcpy(guard->bytes, bytes, size);
        guard->size = size;
    }
    return guard->save_status;
}

static void guard__of_the_app_is_used_and_its_failures_are_told(void **state)
{
    struct device_fixture *fixture = *state;
    struct own_guard guard = {.size = 0};
    struct dc_device *device = NULL;
    struct dc_lost_log lost;

    shut(fixture);
    fixture->config.guard = (struct dc_guard){.context = &guard, .load = own_load, .save = own_save};
    device_fixture_open(fixture);
    notes(fixture, 1);
    assert_int_not_equal(guard.size, 0);
    guard.save_status = DC_IO;
    notes(fixture, 2); /* taken all the same */
    assert_int_equal(device_fixture_count(fixture, DC_EVENT_ERROR), 1);
    guard.save_status = DC_OK;
    back_up(fixture);
    notes(fixture, 1);
    restore(fixture);
    assert_int_equal(dc_log_lost(fixture->device, &lost), DC_OK);
    shut(fixture);
    guard.load_status = DC_IO; /* a key store that is locked: the app tries again */
    assert_int_equal(dc_device_open(NULL, &fixture->config, &device), DC_IO);
    guard.load_status = DC_OK;
    fixture->config.guard.save = NULL;
    assert_int_equal(dc_device_open(NULL, &fixture->config, &device), DC_CONFIG);
    fixture->config.guard = (struct dc_guard){.load = NULL};
    fixture->config.guard_never = true;
    device_fixture_open(fixture);
    assert_int_equal(dc_log_lost(fixture->device, &lost), DC_NOT_FOUND);
}

/* ---- Taking over ---- */

struct outcome {
    unsigned times;
    enum dc_status status;
    uint64_t carried;
};

static void on_done(void *context, enum dc_status status, uint64_t carried)
{
    struct outcome *outcome = context;

    outcome->times++;
    outcome->status = status;
    outcome->carried = carried;
}

static uint16_t kind_at(struct device_fixture *fixture, uint64_t seq)
{
    struct store_entry entry;
    uint16_t kind;

    assert_int_equal(store_read_entry(fixture->device->store, seq, &entry), STATUS_OK);
    kind = entry.entry.header.kind;
    store_entry_done(&entry);
    return kind;
}

static void enrol_again(struct device_fixture *fixture, const struct device_fixture *old)
{
    device_fixture_init(fixture, 2);
    fixture->config.officer = old->config.officer;
    device_fixture_open(fixture);
}

static void new_log__carries_what_was_unpushed_and_declares_the_old_one_lost(void **state)
{
    struct device_fixture *old = *state;
    struct device_fixture new;
    struct outcome outcome = {.times = 0};
    struct store_entry entry;
    Doublecrew__V1__LogLost *lost;
    Doublecrew__V1__Carried *carried;
    struct push push;

    notes(old, 3);
    back_up(old);
    notes(old, 1);
    restore(old);
    enrol_again(&new, old);
    assert_int_equal(dc_succeed(new.device, old->device, on_done, &outcome), DC_OK);
    assert_int_equal(outcome.times, 1);
    assert_int_equal(outcome.status, DC_OK);
    assert_int_equal(outcome.carried, 3);
    assert_int_equal(new.device->head.seq, 2);
    assert_int_equal(store_read_entry(new.device->store, 1, &entry), STATUS_OK);
    assert_int_equal(entry.entry.header.kind, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED);
    carried = doublecrew__v1__carried__unpack(NULL, entry.entry.payload.size - PAYLOAD_SALT_SIZE,
                                              entry.entry.payload.data + PAYLOAD_SALT_SIZE);
    assert_non_null(carried);
    assert_int_equal(push_open(new.arena, new.sha, span_of(carried->push.data, carried->push.len), &push), STATUS_OK);
    assert_int_equal(push.entry_count, 3);
    assert_true(hash_equal(&push.entries[2].hash, &old->device->head.hash)); /* the original bytes */
    doublecrew__v1__carried__free_unpacked(carried, NULL);
    store_entry_done(&entry);
    assert_int_equal(store_read_entry(new.device->store, 2, &entry), STATUS_OK);
    assert_int_equal(entry.entry.header.kind, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_LOG_LOST);
    lost = doublecrew__v1__log_lost__unpack(NULL, entry.entry.payload.size - PAYLOAD_SALT_SIZE,
                                            entry.entry.payload.data + PAYLOAD_SALT_SIZE);
    assert_int_equal(lost->last_known_seq, 4);
    assert_memory_equal(lost->lost_log_id.data, old->config.log.bytes, ID_SIZE);
    doublecrew__v1__log_lost__free_unpacked(lost, NULL);
    store_entry_done(&entry);
    assert_int_equal(dc_succeed(new.device, old->device, on_done, &outcome), DC_OK); /* once is enough */
    assert_int_equal(outcome.times, 2);
    assert_int_equal(new.device->head.seq, 2);
    device_fixture_done(&new);
}

/* Signs so many times, then never again: as when the app is killed in the middle. */
struct tired_signer {
    struct sign_key *key;
    int left;
};

static void sign_while_left(void *context, struct dc_device *device, uint64_t request, const uint8_t *message,
                            size_t size)
{
    struct tired_signer *signer = context;
    struct signature signature;

    if (signer->left-- > 0) {
        assert_int_equal(sign_message(signer->key, span_of(message, size), &signature), STATUS_OK);
        dc_sign_complete(device, request, DC_OK, signature.bytes);
    }
}

static void taking_over__cut_short_goes_on_where_it_was(void **state)
{
    struct device_fixture *old = *state;
    struct device_fixture new;
    struct outcome outcome = {.times = 0};
    struct tired_signer signer = {.left = 1};
    struct public_key public_key;

    notes(old, 300); /* two chunks */
    assert_int_equal(sign_key_from_pem(span_of(old->pem, strlen(old->pem)), &signer.key), STATUS_OK);
    sign_key_public(signer.key, &public_key);
    shut(old);
    old->config.signer = (struct dc_signer){
        .context = &signer, .algorithm = DC_ED25519, .public_key_size = public_key.size, .sign = sign_while_left};
    memcpy(old->config.signer.public_key, public_key.bytes, public_key.size);
    device_fixture_open(old);
    enrol_again(&new, old);
    assert_int_equal(dc_succeed(new.device, old->device, on_done, &outcome), DC_OK);
    assert_int_equal(outcome.times, 0);
    shut(old);
    assert_int_equal(outcome.times, 1);
    assert_int_equal(outcome.status, DC_CANCELLED);
    assert_int_equal(outcome.carried, 256);
    assert_int_equal(new.device->head.seq, 1); /* and not declared lost */
    signer.left = 100;
    device_fixture_open(old);
    device_fixture_reopen(&new);
    assert_int_equal(dc_succeed(new.device, old->device, on_done, &outcome), DC_OK);
    assert_int_equal(outcome.status, DC_OK);
    assert_int_equal(outcome.carried, 44);
    assert_int_equal(new.device->head.seq, 3);
    assert_int_equal(kind_at(&new, 3), DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_LOG_LOST);
    device_fixture_done(&new);
    sign_key_free(signer.key);
}

static void longest_note__can_be_carried_and_carried_again(void **state)
{
    struct device_fixture *old = *state;
    struct dc_subject subject = {.offender = device_fixture_id(7)};
    struct device_fixture phones[4];
    struct device_fixture *from = old;
    struct outcome outcome = {.times = 0};
    char *text = malloc(FACT_SIZE_MAX + 1);

    assert_non_null(text);
    memset(text, 'a', FACT_SIZE_MAX);
    text[FACT_SIZE_MAX] = '\0';
    device_fixture_online(old); /* with an anchor's text beside it */
    device_disconnected(old->device, STATUS_NETWORK);
    assert_int_equal(dc_note(old->device, &subject, text, NULL, NULL), DC_OVER_LIMIT);
    text[FACT_SIZE_MAX - 40] = '\0';
    assert_int_equal(dc_note(old->device, &subject, text, NULL, NULL), DC_OK);
    free(text);
    for (unsigned i = 0; i < 4; i++) { /* phone after phone is lost before it could sync */
        device_fixture_init(&phones[i], 10 + i);
        phones[i].config.officer = old->config.officer;
        device_fixture_open(&phones[i]);
        device_fixture_online(&phones[i]);
        device_disconnected(phones[i].device, STATUS_NETWORK);
        assert_int_equal(dc_succeed(phones[i].device, from->device, on_done, &outcome), DC_OK);
        assert_int_equal(outcome.status, DC_OK);
        from = &phones[i];
    }
    for (unsigned i = 0; i < 4; i++) {
        device_fixture_done(&phones[i]);
    }
}

static void taking_over__needs_the_same_officer_and_another_log(void **state)
{
    struct device_fixture *old = *state;
    struct device_fixture new;

    assert_int_equal(dc_succeed(old->device, old->device, NULL, NULL), DC_INPUT);
    device_fixture_init(&new, 2);
    device_fixture_open(&new);
    assert_int_equal(dc_succeed(new.device, old->device, NULL, NULL), DC_INPUT);
    device_fixture_done(&new);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(store__restored_from_a_backup_is_not_continued),
        CASE(store__of_another_branch_is_not_continued),
        CASE(guard__may_be_behind_or_gone),
        CASE(guard__of_the_app_is_used_and_its_failures_are_told),
        CASE(new_log__carries_what_was_unpushed_and_declares_the_old_one_lost),
        CASE(taking_over__cut_short_goes_on_where_it_was),
        CASE(longest_note__can_be_carried_and_carried_again),
        CASE(taking_over__needs_the_same_officer_and_another_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
