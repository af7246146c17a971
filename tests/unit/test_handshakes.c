/* Handshakes under way: their number is limited, and the one that has lasted longest makes room, if it has lasted long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/edge/handshakes.h"

static int peers[HANDSHAKES_MAX + 1];

static void full__at_the_limit_and_only_there(void **state)
{
    struct handshakes handshakes = {.count = 0};

    (void)state;
    for (unsigned i = 0; i < HANDSHAKES_MAX; i++) {
        assert_false(handshakes_are_full(&handshakes));
        assert_non_null(handshake_begin(&handshakes, &peers[i], i));
    }
    assert_true(handshakes_are_full(&handshakes));
    while (handshakes.oldest != NULL)
        handshake_end(&handshakes, handshakes.oldest);
    assert_int_equal(handshakes.count, 0);
    assert_null(handshakes.newest);
    handshake_end(&handshakes, NULL);
    assert_int_equal(handshakes.count, 0);
}

static void overdue__is_the_oldest_once_there_is_no_room(void **state)
{
    struct handshakes handshakes = {.count = 0};
    struct handshake *second = NULL;

    (void)state;
    for (unsigned i = 0; i < HANDSHAKES_MAX - 1; i++) {
        struct handshake *handshake = handshake_begin(&handshakes, &peers[i], i);

        second = i == 1 ? handshake : second;
    }
    assert_null(handshakes_overdue(&handshakes, 100 * HANDSHAKE_PATIENCE_MS)); /* nobody needs the place */
    (void)handshake_begin(&handshakes, &peers[HANDSHAKES_MAX], HANDSHAKES_MAX);
    assert_null(handshakes_overdue(&handshakes, HANDSHAKE_PATIENCE_MS - 1));
    assert_ptr_equal(handshakes_overdue(&handshakes, HANDSHAKE_PATIENCE_MS), &peers[0]);
    handshake_end(&handshakes, handshakes.oldest);
    handshake_end(&handshakes, second); /* from the middle */
    (void)handshake_begin(&handshakes, &peers[0], HANDSHAKES_MAX + 1);
    (void)handshake_begin(&handshakes, &peers[1], HANDSHAKES_MAX + 2);
    assert_null(handshakes_overdue(&handshakes, HANDSHAKE_PATIENCE_MS + 1));
    assert_ptr_equal(handshakes_overdue(&handshakes, HANDSHAKE_PATIENCE_MS + 2), &peers[2]);
    while (handshakes.oldest != NULL)
        handshake_end(&handshakes, handshakes.newest);
    assert_int_equal(handshakes.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full__at_the_limit_and_only_there),
        cmocka_unit_test(overdue__is_the_oldest_once_there_is_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
