/* Admission (P6): the rate holds, the burst is let in at once, and those turned away come back in a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "server/edge/admission.h"

#define SECOND INT64_C(1000000)

static unsigned let_in(struct admission *admission, int64_t now_us, unsigned tries)
{
    unsigned count = 0;

    for (unsigned i = 0; i < tries; i++)
        count += admission_ask(admission, now_us);
    return count;
}

static void burst__is_let_in_at_once_and_no_more(void **state)
{
    struct admission admission;

    (void)state;
    admission_init(&admission, 50, 20, 7);
    assert_int_equal(let_in(&admission, SECOND, 300), 20);
    assert_int_equal(let_in(&admission, SECOND, 10), 0);
}

static void rate__holds_over_time(void **state)
{
    struct admission admission;
    unsigned count = 0;

    (void)state;
    admission_init(&admission, 50, 20, 7);
    for (int64_t now_us = SECOND; now_us < 11 * SECOND; now_us += 1000)
        count += let_in(&admission, now_us, 3);
    assert_in_range(count, 500 + 19, 500 + 21);
    /* After a quiet time there is one burst again, not the quiet time's worth. */
    assert_int_equal(let_in(&admission, 60 * SECOND, 300), 20);
}

static void turns__are_spread_over_the_time_that_the_rate_needs(void **state)
{
    struct admission admission;
    uint32_t last_ms = 0;
    unsigned in_first_second = 0;

    (void)state;
    admission_init(&admission, 50, 20, 7);
    for (int i = 0; i < 280; i++) {
        uint32_t turn_ms = admission_turn_ms(&admission, SECOND);

        assert_true(turn_ms >= ADMISSION_RETRY_MIN_MS);
        in_first_second += turn_ms < 1500;
        last_ms = turn_ms > last_ms ? turn_ms : last_ms;
    }
    assert_in_range(last_ms, 5600, 7000); /* 280 at 50 a second, from the least wait on, and an eighth by chance */
    assert_in_range(in_first_second, 40, 52);
    for (int i = 0; i < 100000; i++)
        assert_true(admission_turn_ms(&admission, SECOND) <= ADMISSION_RETRY_MAX_MS + ADMISSION_RETRY_MAX_MS / 8);
}

struct client {
    int64_t due_us;
    unsigned tries;
};

static int by_due(const void *a, const void *b)
{
    int64_t left = ((const struct client *)a)->due_us, right = ((const struct client *)b)->due_us;

    return (left > right) - (left < right);
}

/* A fleet of 4,000 that lost its server: everybody is in within a few tries, in little more than the time it takes. */
static void storm__is_over_within_a_few_tries(void **state)
{
    static struct client clients[4000];
    struct admission admission;
    unsigned in = 0, most = 0;
    int64_t last_us = 0;

    (void)state;
    admission_init(&admission, 200, 400, 11);
    for (size_t i = 0; i < 4000; i++)
        clients[i] = (struct client){.due_us = SECOND + (int64_t)i * 250};
    while (in < 4000) {
        qsort(clients, 4000, sizeof(clients[0]), by_due);
        for (size_t i = 0; i < 4000 && clients[i].due_us != INT64_MAX; i++) {
            struct client *client = &clients[i];
            int64_t now_us = client->due_us;

            client->tries++;
            if (admission_ask(&admission, now_us)) {
                in++;
                most = client->tries > most ? client->tries : most;
                last_us = now_us;
                client->due_us = INT64_MAX;
            } else {
                client->due_us = now_us + (int64_t)admission_turn_ms(&admission, now_us) * 1000;
            }
            if (i + 1 < 4000 && client->due_us < clients[i + 1].due_us)
                break; /* back before the next one: sort again */
        }
    }
    assert_true(most <= 4);
    assert_true(last_us < 30 * SECOND); /* 3,600 beyond the burst need 18 s */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst__is_let_in_at_once_and_no_more),
        cmocka_unit_test(rate__holds_over_time),
        cmocka_unit_test(turns__are_spread_over_the_time_that_the_rate_needs),
        cmocka_unit_test(storm__is_over_within_a_few_tries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
