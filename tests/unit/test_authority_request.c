/* Requests to visit alone (L1): who sees them, how words answer them, in whichever order and by whichever log they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name
#define STATE(name) DOUBLECREW__V1__AUTHORITY_REQUEST_STATE__AUTHORITY_REQUEST_STATE_##name

static int setup(void **state)
{
    struct fleet *fleet = fleet_typical();

    fleet_team(fleet, FLEET_T0 + FLEET_HOUR, "south");
    fleet_officer(fleet, FLEET_T0 + FLEET_HOUR, "tom", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "north");
    fleet_officer(fleet, FLEET_T0 + FLEET_HOUR, "una", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "south");
    (void)fleet_enrol(fleet, FLEET_T0 + FLEET_HOUR, "tom");
    (void)fleet_enrol(fleet, FLEET_T0 + FLEET_HOUR, "una");
    fleet_settle(fleet, FLEET_T0 + FLEET_HOUR);
    fleet_hello(fleet_device(fleet, "tom"), FLEET_T0 + FLEET_HOUR);
    fleet_hello(fleet_device(fleet, "una"), FLEET_T0 + FLEET_HOUR);
    *state = fleet;
    return 0;
}

static int teardown(void **state)
{
    fleet_expect_digests(*state);
    fleet_expect_rebuild(*state);
    fleet_free(*state);
    return 0;
}

static ProtobufCBinaryData bytes(const void *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
}

static struct hash ask(struct fleet_device *device, int64_t at_us, const char *officer, const char *offender)
{
    Doublecrew__V1__AuthorityRequest message = DOUBLECREW__V1__AUTHORITY_REQUEST__INIT;
    struct id who = fleet_id(officer), where = fleet_id(offender);

    message.officer_id = bytes(who.bytes, ID_SIZE);
    message.offender_id = bytes(where.bytes, ID_SIZE);
    message.from_ms = MORNING / 1000;
    message.to_ms = (MORNING + 4 * FLEET_HOUR) / 1000;
    message.risk_assessment = (char *)(uintptr_t) "Doorstep only";
    return fleet_add(device, at_us, KIND(AUTHORITY_REQUEST), &message.base);
}

static struct hash say(struct fleet *fleet, const char *supervisor, int64_t at_us, const struct hash *request,
                       bool granted)
{
    Doublecrew__V1__AuthorityWord message = DOUBLECREW__V1__AUTHORITY_WORD__INIT;
    struct id who = fleet_id("ann"), where = fleet_id("xen");

    message.officer_id = bytes(who.bytes, ID_SIZE);
    message.offender_id = bytes(where.bytes, ID_SIZE);
    message.granted = granted;
    message.from_ms = MORNING / 1000;
    message.to_ms = (MORNING + 4 * FLEET_HOUR) / 1000;
    message.words = (char *)(uintptr_t) "Looked at it";
    message.request = bytes(request->bytes, HASH_SIZE);
    return fleet_add(fleet_device(fleet, supervisor), at_us, KIND(AUTHORITY_WORD), &message.base);
}

static void say_now(struct fleet *fleet, const char *supervisor, int64_t at_us, const struct hash *request,
                    bool granted)
{
    (void)say(fleet, supervisor, at_us, request, granted);
    assert_int_equal(fleet_sync(fleet_device(fleet, supervisor), at_us).held_count, 0);
}

/* -1: there is no row. */
static int state_of(struct fleet *fleet, const struct hash *request, size_t *ret_answers)
{
    Doublecrew__V1__Row *row = fleet_view(fleet, 'a', request->bytes, HASH_SIZE);
    int state = row == NULL ? -1 : (int)row->authority_request->state;

    if (row != NULL && ret_answers != NULL)
        *ret_answers = row->authority_request->n_answers;
    if (row != NULL)
        doublecrew__v1__row__free_unpacked(row, NULL);
    return state;
}

static bool is_in(struct fleet *fleet, const struct hash *request, enum scope_kind kind, const char *name)
{
    uint8_t key[1 + HASH_SIZE] = {'a'};
    struct id id = fleet_id(name);
    struct scope scopes[8];
    size_t count = 0;
    bool found = false;

    memcpy(key + 1, request->bytes, HASH_SIZE);
    assert_int_equal(fleet->store->ops->scopes_of_row(fleet->store, span_of(key, sizeof(key)), scopes, 8, &count),
                     STATUS_OK);
    for (size_t i = 0; i < count; i++)
        found = found || (scopes[i].kind == kind && id_equal(&scopes[i].id, &id));
    return found;
}

static void request__goes_to_the_officer_and_to_supervisors_only(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash request = ask(ann, MORNING, "ann", "xen");

    assert_int_equal(fleet_sync(ann, MORNING + FLEET_MINUTE).held_count, 0);
    assert_int_equal(state_of(fleet, &request, NULL), STATE(OPEN));
    assert_true(is_in(fleet, &request, SCOPE_OFFICER, "ann"));
    assert_true(is_in(fleet, &request, SCOPE_SUPERVISORS, "north"));
    assert_false(is_in(fleet, &request, SCOPE_TEAM, "north"));
    assert_false(is_in(fleet, &request, SCOPE_SUPERVISORS, "south"));
    fleet_officer(fleet, MORNING + FLEET_HOUR, "ann", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, true, "south");
    fleet_settle(fleet, MORNING + FLEET_HOUR);
    assert_true(is_in(fleet, &request, SCOPE_SUPERVISORS, "south"));
    assert_true(is_in(fleet, &request, SCOPE_SUPERVISORS, "north")); /* the offender's */
    assert_true(is_in(fleet, &request, SCOPE_OFFICER, "ann"));
}

static void request__offender_moves__follows(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash request = ask(ann, MORNING, "ann", "xen");

    fleet_sync(ann, MORNING + FLEET_MINUTE);
    fleet_offender(fleet, MORNING + FLEET_HOUR, "xen", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM, "south");
    fleet_settle(fleet, MORNING + FLEET_HOUR);
    assert_true(is_in(fleet, &request, SCOPE_SUPERVISORS, "south"));
    assert_true(is_in(fleet, &request, SCOPE_SUPERVISORS, "north")); /* the officer's */
}

static void words__last_of_each_speaks_and_a_refusal_outweighs(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash request = ask(ann, MORNING, "ann", "xen");
    size_t answers = 0;

    fleet_sync(ann, MORNING + FLEET_MINUTE);
    say_now(fleet, "sue", MORNING + 2 * FLEET_MINUTE, &request, true);
    assert_int_equal(state_of(fleet, &request, NULL), STATE(GRANTED));
    say_now(fleet, "tom", MORNING + 3 * FLEET_MINUTE, &request, false);
    assert_int_equal(state_of(fleet, &request, NULL), STATE(REFUSED));
    say_now(fleet, "tom", MORNING + 4 * FLEET_MINUTE, &request, true);
    assert_int_equal(state_of(fleet, &request, NULL), STATE(GRANTED));
    say_now(fleet, "sue", MORNING + 5 * FLEET_MINUTE, &request, false);
    assert_int_equal(state_of(fleet, &request, &answers), STATE(WITHDRAWN));
    assert_int_equal(answers, 4);
    for (int i = 0; i < 9; i++)
        say_now(fleet, "sue", MORNING + (6 + i) * FLEET_MINUTE, &request, true);
    assert_int_equal(state_of(fleet, &request, &answers), STATE(GRANTED));
    assert_int_equal(answers, 8);
}

/* Who may not answer isn't heard: another team's supervisor, a colleague. */
static void words__of_who_may_not__leave_it_open(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash request = ask(ann, MORNING, "ann", "xen");

    fleet_sync(ann, MORNING + FLEET_MINUTE);
    (void)say(fleet, "una", MORNING + 2 * FLEET_MINUTE, &request, true);
    assert_string_equal(fleet_sync(fleet_device(fleet, "una"), MORNING + 2 * FLEET_MINUTE).held[0].reason,
                        "not_permitted");
    (void)say(fleet, "bob", MORNING + 2 * FLEET_MINUTE, &request, true);
    assert_string_equal(fleet_sync(fleet_device(fleet, "bob"), MORNING + 2 * FLEET_MINUTE).held[0].reason,
                        "not_permitted");
    (void)say(fleet, "ann", MORNING + 2 * FLEET_MINUTE, &request, true);
    assert_string_equal(fleet_sync(ann, MORNING + 2 * FLEET_MINUTE).held[0].reason, "own_visit");
    assert_int_equal(state_of(fleet, &request, NULL), STATE(OPEN));
}

static void request__about_somebody_else_or_nobody__held(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash others = ask(ann, MORNING, "bob", "xen"), nowhere = ask(ann, MORNING, "ann", "zoe");
    struct batch_result result = fleet_sync(ann, MORNING + FLEET_MINUTE);

    assert_int_equal(result.held_count, 2);
    assert_string_equal(result.held[0].reason, "unassigned_officer");
    assert_string_equal(result.held[1].reason, "unknown_offender");
    assert_int_equal(state_of(fleet, &others, NULL), -1);
    assert_int_equal(state_of(fleet, &nowhere, NULL), -1);
}

static struct batch_result carry(struct fleet *fleet, const char *carrier, int64_t at_us, const struct fleet_push *push)
{
    Doublecrew__V1__Carried message = DOUBLECREW__V1__CARRIED__INIT;
    struct fleet_device *device = fleet_device(fleet, carrier);

    message.push = bytes(push->bytes, push->size);
    (void)fleet_add(device, at_us, KIND(CARRIED), &message.base);
    return fleet_sync(device, at_us);
}

/* Ann has no signal: Bob takes it along. Later her own phone brings the same entry. */
static void request__carried_by_a_partner__counts_from_then(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash request = ask(ann, MORNING, "ann", "xen");
    struct fleet_push push = fleet_build(ann);
    Doublecrew__V1__Row *row;
    int64_t received_ms;

    assert_int_equal(carry(fleet, "bob", MORNING + 10 * FLEET_MINUTE, &push).held_count, 0);
    assert_int_equal(state_of(fleet, &request, NULL), STATE(OPEN));
    say_now(fleet, "sue", MORNING + 20 * FLEET_MINUTE, &request, true);
    assert_int_equal(fleet_deliver(fleet, MORNING + FLEET_HOUR, &push).held_count, 0);
    assert_int_equal(state_of(fleet, &request, NULL), STATE(GRANTED));
    row = fleet_view(fleet, 'a', request.bytes, HASH_SIZE);
    received_ms = row->authority_request->received_ms;
    doublecrew__v1__row__free_unpacked(row, NULL);
    assert_true(received_ms < (MORNING + 20 * FLEET_MINUTE) / 1000);
    fleet_push_free(&push);
}

/* A supervisor's word isn't a request: only their own log says it. */
static void word__carried__has_no_effect_until_its_own_log_comes(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sue = fleet_device(fleet, "sue");
    struct hash request = ask(ann, MORNING, "ann", "xen");
    struct fleet_push push;

    fleet_sync(ann, MORNING + FLEET_MINUTE);
    (void)say(fleet, "sue", MORNING + 2 * FLEET_MINUTE, &request, true);
    push = fleet_build(sue);
    (void)carry(fleet, "bob", MORNING + 3 * FLEET_MINUTE, &push);
    assert_int_equal(state_of(fleet, &request, NULL), STATE(OPEN));
    assert_int_equal(fleet_deliver(fleet, MORNING + 4 * FLEET_MINUTE, &push).held_count, 0);
    assert_int_equal(state_of(fleet, &request, NULL), STATE(GRANTED));
    fleet_push_free(&push);
}

/* Heard of by telephone, answered by its code before it is here: the word waits. */
static void word__before_its_request__stands_when_it_comes(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash request = ask(ann, MORNING, "ann", "xen");
    size_t answers = 0;

    say_now(fleet, "sue", MORNING + 2 * FLEET_MINUTE, &request, true);
    assert_int_equal(state_of(fleet, &request, NULL), -1);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    assert_int_equal(state_of(fleet, &request, &answers), STATE(GRANTED));
    assert_int_equal(answers, 1);
}

static void go_back(struct fleet_device *device, size_t count)
{
    while (device->count > count) {
        uint8_t *payload;

        device->count--;
        memcpy(&payload, &device->entries[device->count].payload.data, sizeof(payload));
        free(payload);
    }
    device->pushed = count;
}

static void seal(struct fleet_device *device, int64_t at_us)
{
    Doublecrew__V1__Seal message = DOUBLECREW__V1__SEAL__INIT;

    (void)fleet_add(device, at_us, KIND(SEAL), &message.base);
}

/* F2: what a branch asked or answered is undone, whether the other branch comes sooner or later. */
static void fork__undoes_the_word_and_then_the_request(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sue = fleet_device(fleet, "sue");
    size_t anns = ann->count, sues = sue->count;
    struct hash request = ask(ann, MORNING, "ann", "xen");

    fleet_sync(ann, MORNING + FLEET_MINUTE);
    say_now(fleet, "sue", MORNING + 2 * FLEET_MINUTE, &request, true);
    go_back(sue, sues);
    seal(sue, MORNING + 3 * FLEET_MINUTE);
    assert_int_equal(fleet_sync(sue, MORNING + 3 * FLEET_MINUTE).status, STATUS_LOG_FORK);
    assert_int_equal(state_of(fleet, &request, NULL), STATE(OPEN));
    go_back(ann, anns);
    seal(ann, MORNING + 4 * FLEET_MINUTE);
    assert_int_equal(fleet_sync(ann, MORNING + 4 * FLEET_MINUTE).status, STATUS_LOG_FORK);
    assert_false(is_in(fleet, &request, SCOPE_SUPERVISORS, "north"));
    assert_false(is_in(fleet, &request, SCOPE_OFFICER, "ann"));
    (void)say(fleet, "tom", MORNING + 5 * FLEET_MINUTE, &request, true);
    (void)fleet_sync(fleet_device(fleet, "tom"), MORNING + 5 * FLEET_MINUTE);
    assert_false(is_in(fleet, &request, SCOPE_SUPERVISORS, "north"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(request__goes_to_the_officer_and_to_supervisors_only),
        CASE(request__offender_moves__follows),
        CASE(words__last_of_each_speaks_and_a_refusal_outweighs),
        CASE(words__of_who_may_not__leave_it_open),
        CASE(request__about_somebody_else_or_nobody__held),
        CASE(request__carried_by_a_partner__counts_from_then),
        CASE(word__carried__has_no_effect_until_its_own_log_comes),
        CASE(word__before_its_request__stands_when_it_comes),
        CASE(fork__undoes_the_word_and_then_the_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
