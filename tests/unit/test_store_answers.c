/*
 * The writer keeps what SELECTs on small tables answered (store_sqlite_answers.h). Whatever was asked and changed before, a
 * writer must answer as a reader does, who asks SQLite each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/core_fixture.h"
#include "tests/lib/store_rows.h"

#define THINGS 3 /* of each kind: phones, officers, boots, presences … */
#define TIMES 6
#define STEPS 4000
#define ROWS_MAX 64
#define ANSWER_SIZE (ROWS_MAX * 256)

/* What one question was answered: the status, and the rows. */
struct answer {
    enum status status;
    size_t count;
    _Alignas(max_align_t) uint8_t rows[ANSWER_SIZE];
};

static uint64_t random_below(uint64_t *random, uint64_t limit)
{
    return fixture_random(random) % limit;
}

static struct id thing(unsigned kind, uint64_t *random)
{
    return numbered_id(100 * kind + (unsigned)random_below(random, THINGS));
}

enum { PHONE = 1, OFFICER, OFFENDER, LOG, BOOT, PLAN };

static int64_t moment(uint64_t *random)
{
    return (int64_t)random_below(random, TIMES);
}

/* Changes. One row each, often in place of another. */

static void put_holder(struct store *store, uint64_t *random)
{
    struct holder_row row = {.device = thing(PHONE, random), .from_us = moment(random)};

    row.to_us = row.from_us + 1 + moment(random);
    row.officer = thing(OFFICER, random);
    OK(store->ops->holder_put(store, &row));
}

static void put_standing(struct store *store, uint64_t *random)
{
    struct standing_row row = {
        .officer = thing(OFFICER, random), .recorded_us = moment(random), .accredited = random_below(random, 2) == 0};

    OK(store->ops->standing_put(store, &row));
}

static void put_clock_point(struct store *store, uint64_t *random)
{
    struct clock_point_row row = {.log = thing(LOG, random),
                                  .boot = thing(BOOT, random),
                                  .is_ceiling = random_below(random, 2) == 0,
                                  .at_us = moment(random),
                                  .time_us = moment(random)};

    OK(store->ops->clock_point_put(store, &row));
}

static void forget_clock_point(struct store *store, uint64_t *random)
{
    struct clock_point_row row = {.log = thing(LOG, random),
                                  .boot = thing(BOOT, random),
                                  .is_ceiling = random_below(random, 2) == 0,
                                  .at_us = moment(random)};

    OK(store->ops->clock_point_forget(store, &row));
}

static void forget_clock_points(struct store *store, uint64_t *random)
{
    struct id log = thing(LOG, random), boot = thing(BOOT, random);

    OK(store->ops->clock_points_forget(store, &log, &boot));
}

static void put_boot(struct store *store, uint64_t *random)
{
    struct boot_row row = {.log = thing(LOG, random), .boot = thing(BOOT, random)};

    row.first_seq = random_below(random, TIMES);
    row.last_seq = row.first_seq + random_below(random, TIMES);
    OK(store->ops->boot_put(store, &row));
}

static void put_boot_anchor(struct store *store, uint64_t *random)
{
    struct boot_anchor_row row = {.log = thing(LOG, random),
                                  .boot = thing(BOOT, random),
                                  .time_us = moment(random),
                                  .sent_us = moment(random),
                                  .received_us = 9};
    bool is_new;

    OK(store->ops->boot_anchor_put(store, &row, &is_new));
}

static void put_plan(struct store *store, uint64_t *random)
{
    struct plan_row row = {.plan = thing(PLAN, random),
                           .pos = random_below(random, TIMES),
                           .entry = numbered_hash((unsigned)random_below(random, TIMES)),
                           .offender = thing(OFFENDER, random),
                           .from_us = moment(random)};

    row.to_us = row.from_us + moment(random);
    OK(store->ops->plan_put(store, &row));
}

static void put_decision(struct store *store, uint64_t *random)
{
    struct decision_row row = {.entry = numbered_hash((unsigned)random_below(random, TIMES)),
                               .presence = numbered_hash(500 + (unsigned)random_below(random, THINGS)),
                               .by = thing(OFFICER, random),
                               .recorded_us = moment(random)};

    OK(store->ops->decision_put(store, &row));
}

static void contest(struct store *store, uint64_t *random)
{
    struct hash entry = numbered_hash((unsigned)random_below(random, TIMES));

    if (random_below(random, 20) == 0)
        OK(store->ops->contested_put(store, &entry));
}

static void put_risk(struct store *store, uint64_t *random)
{
    struct rule_risk_span span = {moment(random), RULE_RISK_HIGH};
    struct id offender = thing(OFFENDER, random);

    OK(store->ops->risk_put(store, &offender, &span));
}

static void (*const changes[])(struct store *, uint64_t *) = {
    put_holder, put_standing, put_clock_point, forget_clock_point, forget_clock_points, put_boot, put_boot_anchor,
    put_plan,   put_decision, contest,         put_risk,
};

/* Questions: the same ones of a writer and a reader, by the same random numbers. */

static void ask_holders(struct store *store, uint64_t *random, struct answer *answer)
{
    struct id phone = thing(PHONE, random);
    int64_t from_us = moment(random);

    answer->status = store->ops->holders_of_device(store, &phone, from_us, from_us + 2, (void *)answer->rows,
                                                   1 + random_below(random, ROWS_MAX), &answer->count);
}

static void ask_holdings(struct store *store, uint64_t *random, struct answer *answer)
{
    struct id officer = thing(OFFICER, random);
    int64_t from_us = moment(random);

    answer->status = store->ops->holdings_of_officer(store, &officer, from_us, from_us + 2, (void *)answer->rows,
                                                     ROWS_MAX, &answer->count);
}

static void ask_standings(struct store *store, uint64_t *random, struct answer *answer)
{
    struct id officer = thing(OFFICER, random);

    answer->status = store->ops->standings_of_officer(store, &officer, (void *)answer->rows,
                                                      1 + random_below(random, 3), &answer->count);
}

static void ask_clock_points(struct store *store, uint64_t *random, struct answer *answer)
{
    struct id log = thing(LOG, random), boot = thing(BOOT, random);
    bool is_ceiling = random_below(random, 2) == 0;
    int64_t at_us = moment(random);

    if (random_below(random, 2) == 0)
        answer->status = store->ops->clock_point_up_to(store, &log, &boot, is_ceiling, at_us, (void *)answer->rows);
    else
        answer->status = store->ops->clock_point_after(store, &log, &boot, is_ceiling, at_us, (void *)answer->rows);
}

static void ask_boot(struct store *store, uint64_t *random, struct answer *answer)
{
    struct id log = thing(LOG, random), boot = thing(BOOT, random);

    if (random_below(random, 2) == 0)
        answer->status = store->ops->boot_at(store, &log, random_below(random, TIMES), (void *)answer->rows);
    else
        answer->status = store->ops->boots_of_boot(store, &log, &boot, (void *)answer->rows, ROWS_MAX, &answer->count);
}

static void ask_boot_anchor(struct store *store, uint64_t *random, struct answer *answer)
{
    struct id log = thing(LOG, random), boot = thing(BOOT, random);

    answer->status = store->ops->boot_anchor_any(store, &log, &boot, (void *)answer->rows);
    if (answer->status == STATUS_OK) /* any one: which is nobody's business */
        memset(answer->rows, 0, sizeof(answer->rows));
}

static void ask_plans(struct store *store, uint64_t *random, struct answer *answer)
{
    struct id offender = thing(OFFENDER, random), plan = thing(PLAN, random);
    int64_t from_us = moment(random);

    if (random_below(random, 2) == 0)
        answer->status =
            store->ops->plans_at(store, &offender, from_us, from_us + 1, (void *)answer->rows, THINGS, &answer->count);
    else
        answer->status = store->ops->plan_get(store, &plan, (void *)answer->rows);
}

static void ask_decisions(struct store *store, uint64_t *random, struct answer *answer)
{
    struct hash presence = numbered_hash(500 + (unsigned)random_below(random, THINGS));

    answer->status = store->ops->decisions_on(store, &presence, (void *)answer->rows, 1 + random_below(random, TIMES),
                                              &answer->count);
}

static void ask_risks(struct store *store, uint64_t *random, struct answer *answer)
{
    struct id offender = thing(OFFENDER, random);

    answer->status = store->ops->risks_of_offender(store, &offender, (void *)answer->rows, ROWS_MAX, &answer->count);
}

static void (*const questions[])(struct store *, uint64_t *, struct answer *) = {
    ask_holders,     ask_holdings, ask_standings, ask_clock_points, ask_boot,
    ask_boot_anchor, ask_plans,    ask_decisions, ask_risks,
};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static void ask(struct store *store, uint64_t *random, struct answer *ret_answer)
{
    memset(ret_answer, 0, sizeof(*ret_answer));
    questions[random_below(random, QUESTIONS)](store, random, ret_answer);
    if (ret_answer->status != STATUS_OK)
        memset(ret_answer->rows, 0, sizeof(ret_answer->rows));
}

static void compare(struct store_fixture *fixture, uint64_t *random)
{
    static struct answer of_writer, of_reader;
    uint64_t same = *random;

    ask(fixture->writer, random, &of_writer);
    ask(fixture->reader, &same, &of_reader);
    assert_int_equal(of_writer.status, of_reader.status);
    assert_int_equal(of_writer.count, of_reader.count);
    assert_memory_equal(of_writer.rows, of_reader.rows, sizeof(of_writer.rows));
}

/* Some changes and questions, taken back or not. */
static void transaction(struct store *store, uint64_t *random)
{
    static struct answer ignored;
    bool savepoint = random_below(random, 3) == 0;

    OK(store->ops->begin(store));
    for (size_t i = random_below(random, 4); i > 0; i--)
        changes[random_below(random, sizeof(changes) / sizeof(changes[0]))](store, random);
    if (savepoint)
        OK(store->ops->savepoint(store));
    for (size_t i = random_below(random, 6); i > 0; i--) {
        changes[random_below(random, sizeof(changes) / sizeof(changes[0]))](store, random);
        ask(store, random, &ignored);
    }
    if (savepoint)
        store->ops->savepoint_rollback(store);
    for (size_t i = random_below(random, 4); i > 0; i--)
        ask(store, random, &ignored);
    if (random_below(random, 3) == 0)
        store->ops->rollback(store);
    else
        OK(store->ops->commit(store));
}

static void answers__are_what_the_tables_say(void **state)
{
    struct store_fixture *fixture = *state;
    uint64_t random = 7;

    for (size_t i = 0; i < STEPS; i++) {
        transaction(fixture->writer, &random);
        for (size_t k = 0; k < 12; k++)
            compare(fixture, &random);
    }
}

static void derived_clear__leaves_no_answers(void **state)
{
    struct store *store = writer_of(state);
    struct standing_row put = {.officer = numbered_id(1), .recorded_us = 1}, got[2];
    size_t count;

    OK(store->ops->begin(store));
    OK(store->ops->standing_put(store, &put));
    OK(store->ops->standings_of_officer(store, &put.officer, got, 2, &count));
    assert_int_equal(count, 1);
    OK(store->ops->derived_clear(store));
    OK(store->ops->standings_of_officer(store, &put.officer, got, 2, &count));
    assert_int_equal(count, 0);
    OK(store->ops->commit(store));
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        STORE_TEST(answers__are_what_the_tables_say),
        STORE_TEST(derived_clear__leaves_no_answers),
    };

    return store_rows_run(tests, sizeof(tests) / sizeof(tests[0]));
}
