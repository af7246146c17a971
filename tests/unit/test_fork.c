/*
 * Forks (F1, F2): whichever branch comes first, and whoever brings it, the same stands in the end. Acts of a forked log are
 * undone from the fork on; a partner's copy of an entry shows a fork as the phone itself would.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rule.h"
#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define ARRIVAL (MORNING + 6 * FLEET_HOUR)
#define PUSHES_MAX 6
#define SAID_SIZE 4096
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name

static char *text(const char *words)
{
    char *mutable;

    memcpy(&mutable, &words, sizeof(words));
    return mutable;
}

static ProtobufCBinaryData bytes(const void *data, size_t size)
{
    ProtobufCBinaryData binary = {.len = size};

    memcpy(&binary.data, &data, sizeof(data));
    return binary;
}

static void seal(struct fleet_device *device, int64_t at_us)
{
    Doublecrew__V1__Seal message = DOUBLECREW__V1__SEAL__INIT;

    (void)fleet_add(device, at_us, KIND(SEAL), &message.base);
}

static struct hash visit(struct fleet_device *device, int64_t at_us, const char *company)
{
    struct hash presence = fleet_check_in(device, at_us, "xen", company);

    (void)fleet_check_out(device, at_us + 40 * FLEET_MINUTE, &presence);
    return presence;
}

static void restore_from_backup(struct fleet_device *device, size_t count)
{
    while (device->count > count) {
        uint8_t *payload;

        device->count--;
        memcpy(&payload, &device->entries[device->count].payload.data, sizeof(payload));
        free(payload);
    }
    device->pushed = count;
}

static void plan_of(struct fleet_device *device, int64_t at_us, const char *officer)
{
    Doublecrew__V1__Plan message = DOUBLECREW__V1__PLAN__INIT;
    struct id plan = fleet_id("plan"), xen = fleet_id("xen"), named = fleet_id(officer);
    ProtobufCBinaryData officers[] = {bytes(named.bytes, ID_SIZE)};

    message.plan_id = bytes(plan.bytes, ID_SIZE);
    message.offender_id = bytes(xen.bytes, ID_SIZE);
    message.officer_ids = officers;
    message.n_officer_ids = 1;
    message.from_ms = (MORNING - FLEET_HOUR) / 1000;
    message.to_ms = (MORNING + FLEET_HOUR) / 1000;
    (void)fleet_add(device, at_us, KIND(PLAN), &message.base);
}

static void edit_of(struct fleet_device *device, int64_t at_us, const char *words)
{
    Doublecrew__V1__Edit message = DOUBLECREW__V1__EDIT__INIT;
    Doublecrew__V1__FieldEdit field = DOUBLECREW__V1__FIELD_EDIT__INIT, *fields[] = {&field};
    struct id xen = fleet_id("xen");

    message.subject = bytes(xen.bytes, ID_SIZE);
    message.fields = fields;
    message.n_fields = 1;
    field.field = text("telephone");
    field.change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT;
    field.text = text(words);
    (void)fleet_add(device, at_us, KIND(EDIT), &message.base);
}

static struct fleet_push carry(struct fleet_device *device, int64_t at_us, const struct fleet_push *push)
{
    Doublecrew__V1__Carried message = DOUBLECREW__V1__CARRIED__INIT;

    message.push = bytes(push->bytes, push->size);
    (void)fleet_add(device, at_us, KIND(CARRIED), &message.base);
    return fleet_build(device);
}

/* What the store says of presences, the plan and the field: their content without places and times of looking. */
static void say(struct fleet *fleet, const struct hash *presences, size_t count, char *said)
{
    struct id plan = fleet_id("plan"), xen = fleet_id("xen");
    uint8_t field[ID_SIZE + 9];
    Doublecrew__V1__Row *row;
    struct scope scopes[8];
    size_t scope_count = 0;

    said[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        row = fleet_view(fleet, 'p', presences[i].bytes, HASH_SIZE);
        (void)snprintf(said + strlen(said), 512, "%zu: %s %s %s %x %s out %lld\n", i, row->presence->company,
                       row->presence->confirmed_by, row->presence->authority, row->presence->reasons,
                       row->presence->outcome, (long long)row->presence->out_to_ms);
        doublecrew__v1__row__free_unpacked(row, NULL);
    }
    uint8_t key[1 + ID_SIZE] = {'l'};
    memcpy(key + 1, plan.bytes, ID_SIZE);
    assert_int_equal(fleet->store->ops->scopes_of_row(fleet->store, span_of(key, sizeof(key)), scopes, 8, &scope_count),
                     STATUS_OK);
    row = scope_count > 0 ? fleet_view(fleet, 'l', plan.bytes, ID_SIZE) : NULL;
    (void)snprintf(said + strlen(said), 512, "plan: %02x\n",
                   row == NULL ? 0u : row->plan->plan->officer_ids[0].data[0] | 0x100u);
    if (row != NULL)
        doublecrew__v1__row__free_unpacked(row, NULL);
    memcpy(field, xen.bytes, ID_SIZE);
    /* A key has no terminator. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(field + ID_SIZE, "telephone", 9);
    row = fleet_view(fleet, 'e', field, sizeof(field));
    for (size_t i = 0; row != NULL && i < row->field->n_heads; i++)
        (void)snprintf(said + strlen(said), 512, "field: %s\n", row->field->heads[i]->text);
    if (row != NULL)
        doublecrew__v1__row__free_unpacked(row, NULL);
}

/* Each push with those that must have come before it: a bit each. */
struct given {
    struct fleet_push push;
    unsigned after;
};

struct orders {
    const struct given *given;
    size_t count;
    const struct hash *presences;
    size_t presence_count;
    char *first; /* what the first order said */
    size_t tried;
};

static void try_order(struct orders *orders, const size_t *order)
{
    struct fleet *fleet = fleet_typical();
    char said[SAID_SIZE];

    for (size_t i = 0; i < orders->count; i++) {
        enum status status = fleet_deliver(fleet, ARRIVAL, &orders->given[order[i]].push).status;

        assert_true(status == STATUS_OK || status == STATUS_LOG_FORK);
    }
    say(fleet, orders->presences, orders->presence_count, said);
    if (orders->tried++ == 0)
        (void)snprintf(orders->first, SAID_SIZE, "%s", said);
    assert_string_equal(orders->first, said);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void permute(struct orders *orders, size_t *order, size_t depth, unsigned taken)
{
    if (depth == orders->count) {
        try_order(orders, order);
        return;
    }
    for (size_t i = 0; i < orders->count; i++) {
        if ((taken >> i & 1) != 0 || (orders->given[i].after & ~taken) != 0)
            continue;
        order[depth] = i;
        permute(orders, order, depth + 1, taken | 1u << i);
    }
}

/* All orders in which the pushes may come say the same; *said is what. */
static size_t expect_same(const struct given *given, size_t count, const struct hash *presences, size_t presence_count,
                          char said[SAID_SIZE])
{
    struct orders orders = {given, count, presences, presence_count, said, 0};
    size_t order[PUSHES_MAX];

    permute(&orders, order, 0, 0);
    return orders.tried;
}

/* Sue's console was restored from a backup: from then on neither copy's word, plan, edit or decision counts. */
static void acts_of_a_forked_log__undone_whichever_branch_came_first(void **state)
{
    struct fleet *source = fleet_typical();
    struct fleet_device *ann = fleet_device(source, "ann"), *sue = fleet_device(source, "sue");
    struct given given[4];
    struct hash a;
    char said[SAID_SIZE];

    (void)state;
    fleet_hello(ann, MORNING - FLEET_MINUTE);
    a = visit(ann, MORNING, "");
    given[0] = (struct given){fleet_build(ann), 0};
    plan_of(sue, FLEET_T0 + FLEET_HOUR, "ann");
    edit_of(sue, FLEET_T0 + FLEET_HOUR, "01632 960001");
    given[1] = (struct given){fleet_build(sue), 0};
    plan_of(sue, FLEET_T0 + FLEET_HOUR + FLEET_MINUTE, "bob");
    edit_of(sue, FLEET_T0 + FLEET_HOUR + FLEET_MINUTE, "01632 960002");
    (void)fleet_authorise(sue, FLEET_T0 + FLEET_HOUR + 2 * FLEET_MINUTE, "ann", "xen", true, MORNING - FLEET_HOUR,
                          MORNING + FLEET_HOUR);
    (void)fleet_decide(sue, MORNING + FLEET_HOUR, &a, true);
    given[2] = (struct given){fleet_build(sue), 1 | 2};
    restore_from_backup(sue, 2);
    edit_of(sue, MORNING + 2 * FLEET_HOUR, "01632 960003");
    (void)fleet_decide(sue, MORNING + 2 * FLEET_HOUR, &a, false);
    given[3] = (struct given){fleet_build(sue), 1 | 2};
    assert_int_equal(expect_same(given, 4, &a, 1, said), 4);
    assert_non_null(strstr(said, "lone_confirmed statement none"));
    assert_non_null(strstr(said, "field: 01632 960001"));
    assert_null(strstr(said, "960002"));
    assert_null(strstr(said, "960003"));
    for (size_t i = 0; i < 4; i++)
        fleet_push_free(&given[i].push);
    fleet_free(source);
}

/* What either copy says later of a visit before the fork isn't heard: the outcome from before it stands (F2). */
static void outcomes_past_a_fork__not_heard_in_any_order(void **state)
{
    struct fleet *source = fleet_typical();
    struct fleet_device *ann = fleet_device(source, "ann"), *bob = fleet_device(source, "bob");
    int64_t later_us = MORNING + 2 * FLEET_HOUR;
    struct given given[4];
    struct hash a;
    char said[SAID_SIZE];

    (void)state;
    fleet_hello(ann, MORNING - FLEET_MINUTE);
    fleet_hello(bob, MORNING - FLEET_MINUTE);
    a = visit(ann, MORNING, "");
    (void)fleet_outcome(ann, MORNING + FLEET_HOUR, &a, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_NOT_IN);
    given[0] = (struct given){fleet_build(ann), 0};
    (void)fleet_outcome(ann, later_us, &a, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    given[1] = (struct given){fleet_build(ann), 1};
    restore_from_backup(ann, 3);
    (void)fleet_outcome(ann, later_us + FLEET_MINUTE, &a, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_REFUSED);
    (void)fleet_outcome(ann, later_us + 2 * FLEET_MINUTE, &a, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_MOVED);
    given[2] = (struct given){fleet_build(ann), 1};
    given[3] = (struct given){carry(bob, later_us + 3 * FLEET_MINUTE, &given[2].push), 0};
    assert_int_equal(expect_same(given, 4, &a, 1, said), 8);
    assert_non_null(strstr(said, " not_in "));
    for (size_t i = 0; i < 4; i++)
        fleet_push_free(&given[i].push);
    fleet_free(source);
}

/* Without the second branch the acts count: the test above doesn't pass for want of effect. */
static void acts_of_a_sound_log__count(void **state)
{
    struct fleet *source = fleet_typical();
    struct fleet_device *ann = fleet_device(source, "ann"), *sue = fleet_device(source, "sue");
    struct given given[2];
    struct hash a;
    char said[SAID_SIZE];

    (void)state;
    fleet_hello(ann, MORNING - FLEET_MINUTE);
    a = visit(ann, MORNING, "");
    given[0] = (struct given){fleet_build(ann), 0};
    plan_of(sue, FLEET_T0 + FLEET_HOUR, "ann");
    edit_of(sue, FLEET_T0 + FLEET_HOUR, "01632 960002");
    (void)fleet_decide(sue, MORNING + FLEET_HOUR, &a, true);
    given[1] = (struct given){fleet_build(sue), 1};
    assert_int_equal(expect_same(given, 2, &a, 1, said), 1);
    assert_non_null(strstr(said, "field: 01632 960002"));
    assert_null(strstr(said, "plan: 00"));
    for (size_t i = 0; i < 2; i++)
        fleet_push_free(&given[i].push);
    fleet_free(source);
}

/* Bob carries a check-in of Ann's first copy; her second copy pushes its own: nobody but Bob ever shows the first. */
static void carried_entry_and_later_push__a_fork_in_any_order(void **state)
{
    struct fleet *source = fleet_typical();
    struct fleet_device *ann = fleet_device(source, "ann"), *bob = fleet_device(source, "bob");
    struct fleet_push carried;
    struct given given[3];
    struct hash presences[2];
    char said[SAID_SIZE];

    (void)state;
    seal(ann, FLEET_T0 + FLEET_HOUR);
    given[0] = (struct given){fleet_build(ann), 0};
    presences[0] = visit(ann, MORNING, "");
    carried = fleet_build(ann);
    given[1] = (struct given){carry(bob, MORNING + FLEET_HOUR, &carried), 0};
    restore_from_backup(ann, 1);
    presences[1] = visit(ann, MORNING + 2 * FLEET_HOUR, "");
    given[2] = (struct given){fleet_build(ann), 1};
    assert_int_equal(expect_same(given, 3, presences, 2, said), 3);
    assert_non_null(strstr(said, "0: held"));
    assert_non_null(strstr(said, "1: held"));
    fleet_push_free(&carried);
    for (size_t i = 0; i < 3; i++)
        fleet_push_free(&given[i].push);
    fleet_free(source);
}

/* ... and when the first copy pushes after all, its visit is the same, whoever brought the check-in first. */
static void carried_entry_of_a_branch__joins_its_branch(void **state)
{
    struct fleet *source = fleet_typical();
    struct fleet_device *ann = fleet_device(source, "ann"), *bob = fleet_device(source, "bob");
    struct fleet_push check_in;
    struct given given[4];
    struct hash presences[2];
    char said[SAID_SIZE];

    (void)state;
    seal(ann, FLEET_T0 + FLEET_HOUR);
    given[0] = (struct given){fleet_build(ann), 0};
    presences[0] = fleet_check_in(ann, MORNING, "xen", "");
    check_in = fleet_build(ann);
    given[1] = (struct given){carry(bob, MORNING + FLEET_HOUR, &check_in), 0};
    (void)fleet_check_out(ann, MORNING + 40 * FLEET_MINUTE, &presences[0]);
    ann->pushed = 1;
    given[2] = (struct given){fleet_build(ann), 1};
    restore_from_backup(ann, 1);
    presences[1] = visit(ann, MORNING + 2 * FLEET_HOUR, "");
    given[3] = (struct given){fleet_build(ann), 1};
    assert_int_equal(expect_same(given, 4, presences, 2, said), 8);
    assert_non_null(strstr(said, "0: held"));
    assert_null(strstr(said, "out 0\n")); /* both visits have their check-outs */
    fleet_push_free(&check_in);
    for (size_t i = 0; i < 4; i++)
        fleet_push_free(&given[i].push);
    fleet_free(source);
}

/* Two carriers disagree about Ann's log, which itself never comes. */
static void two_carriers_disagree__a_fork(void **state)
{
    struct fleet *source = fleet_typical();
    struct fleet_device *ann = fleet_device(source, "ann");
    struct fleet_push first, second;
    struct given given[2];
    struct hash presences[2];
    char said[SAID_SIZE];

    (void)state;
    presences[0] = visit(ann, MORNING, "");
    first = fleet_build(ann);
    given[0] = (struct given){carry(fleet_device(source, "bob"), MORNING + FLEET_HOUR, &first), 0};
    restore_from_backup(ann, 0);
    presences[1] = visit(ann, MORNING + 2 * FLEET_HOUR, "");
    second = fleet_build(ann);
    given[1] = (struct given){carry(fleet_device(source, "cal"), MORNING + 4 * FLEET_HOUR, &second), 0};
    assert_int_equal(expect_same(given, 2, presences, 2, said), 2);
    assert_non_null(strstr(said, "0: held"));
    assert_non_null(strstr(said, "1: held"));
    fleet_push_free(&first);
    fleet_push_free(&second);
    for (size_t i = 0; i < 2; i++)
        fleet_push_free(&given[i].push);
    fleet_free(source);
}

/* F2: Bob's log, which nobody doubts, names Ann's check-in: it counts although her phone was cloned. */
static void cosigned_with_an_uncontested_log__counts(void **state)
{
    struct fleet *source = fleet_typical();
    struct fleet_device *ann = fleet_device(source, "ann"), *bob = fleet_device(source, "bob");
    Doublecrew__V1__CheckIn message = DOUBLECREW__V1__CHECK_IN__INIT;
    struct id xen = fleet_id("xen"), named = fleet_id("ann");
    ProtobufCBinaryData names[] = {bytes(named.bytes, ID_SIZE)};
    struct given given[3];
    struct hash presences[2];
    char said[SAID_SIZE];

    (void)state;
    fleet_hello(ann, MORNING - FLEET_MINUTE);
    fleet_hello(bob, MORNING - FLEET_MINUTE);
    presences[0] = visit(ann, MORNING, "bob");
    given[0] = (struct given){fleet_build(ann), 0};
    message.offender_id = bytes(xen.bytes, ID_SIZE);
    message.officer_id = bytes(bob->officer.bytes, ID_SIZE);
    message.company = DOUBLECREW__V1__COMPANY__COMPANY_NAMED;
    message.named_officer_ids = names;
    message.n_named_officer_ids = 1;
    message.cosigned_check_in = bytes(presences[0].bytes, HASH_SIZE);
    presences[1] = fleet_add(bob, MORNING + FLEET_MINUTE, KIND(CHECK_IN), &message.base);
    (void)fleet_check_out(bob, MORNING + 39 * FLEET_MINUTE, &presences[1]);
    given[1] = (struct given){fleet_build(bob), 0};
    restore_from_backup(ann, 0);
    seal(ann, MORNING + 2 * FLEET_HOUR);
    given[2] = (struct given){fleet_build(ann), 0};
    assert_int_equal(expect_same(given, 3, presences, 2, said), 6);
    assert_non_null(strstr(said, "0: joint"));
    assert_non_null(strstr(said, "1: joint"));
    for (size_t i = 0; i < 3; i++)
        fleet_push_free(&given[i].push);
    fleet_free(source);
}

/*
 * A phone that never met the server wrote all of it in one boot: how long after the first visit each copy wrote its own bounds
 * that visit, from whichever branch, and the branches alike (T1, J3).
 */
static void boot_that_goes_on_past_a_fork__bounds_alike_in_any_order(void **state)
{
    struct fleet *source = fleet_typical();
    struct fleet_device *ann = fleet_device(source, "ann");
    struct given given[3];
    struct hash presences[3];
    char said[SAID_SIZE];
    int64_t out_us;

    (void)state;
    fleet_reboot(ann, MORNING - FLEET_HOUR);
    presences[0] = visit(ann, MORNING, "");
    given[0] = (struct given){fleet_build(ann), 0};
    presences[1] = visit(ann, MORNING + 2 * FLEET_HOUR, "");
    given[1] = (struct given){fleet_build(ann), 1};
    restore_from_backup(ann, 2);
    presences[2] = visit(ann, MORNING + 3 * FLEET_HOUR, "");
    given[2] = (struct given){fleet_build(ann), 1};
    assert_int_equal(expect_same(given, 3, presences, 3, said), 2);
    assert_non_null(strstr(said, "1: held"));
    assert_non_null(strstr(said, "2: held"));
    out_us = strtoll(strstr(said, "out ") + 4, NULL, 10) * 1000;
    assert_in_range(ARRIVAL - 3 * FLEET_HOUR - out_us + FLEET_MINUTE, 0, 2 * FLEET_MINUTE); /* but for the drift */
    for (size_t i = 0; i < 3; i++)
        fleet_push_free(&given[i].push);
    fleet_free(source);
}

/* The restored copy remembers a check-in that its log no longer has, and says how it ended: that isn't that log's to say (F2). */
static void facts_about_the_other_copys_visit__not_heard_in_any_order(void **state)
{
    struct fleet *source = fleet_typical();
    struct fleet_device *ann = fleet_device(source, "ann"), *bob = fleet_device(source, "bob");
    struct fleet_push carried;
    struct given given[2];
    struct hash presence;
    char said[SAID_SIZE];

    (void)state;
    presence = fleet_check_in(ann, MORNING, "xen", "");
    carried = fleet_build(ann);
    given[0] = (struct given){carry(bob, MORNING + FLEET_HOUR, &carried), 0};
    restore_from_backup(ann, 0);
    (void)fleet_check_out(ann, MORNING + 40 * FLEET_MINUTE, &presence);
    (void)fleet_outcome(ann, MORNING + FLEET_HOUR, &presence, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    given[1] = (struct given){fleet_build(ann), 0};
    assert_int_equal(expect_same(given, 2, &presence, 1, said), 2);
    assert_non_null(strstr(said, "0: held"));
    assert_null(strstr(said, " seen "));
    fleet_push_free(&carried);
    for (size_t i = 0; i < 2; i++)
        fleet_push_free(&given[i].push);
    fleet_free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acts_of_a_forked_log__undone_whichever_branch_came_first),
        cmocka_unit_test(outcomes_past_a_fork__not_heard_in_any_order),
        cmocka_unit_test(acts_of_a_sound_log__count),
        cmocka_unit_test(carried_entry_and_later_push__a_fork_in_any_order),
        cmocka_unit_test(carried_entry_of_a_branch__joins_its_branch),
        cmocka_unit_test(two_carriers_disagree__a_fork),
        cmocka_unit_test(cosigned_with_an_uncontested_log__counts),
        cmocka_unit_test(boot_that_goes_on_past_a_fork__bounds_alike_in_any_order),
        cmocka_unit_test(facts_about_the_other_copys_visit__not_heard_in_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
