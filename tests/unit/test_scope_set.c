/* The scopes that a batch changed: each once, and too many are all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/logic/scope_set.h"

static struct scope scope_of(unsigned number)
{
    return (struct scope){.kind = SCOPE_TEAM, .id = {{(uint8_t)number, (uint8_t)(number >> 8), 1}}};
}

static void set__has_what_was_added_and_nothing_else(void **state)
{
    static struct scope_set set;
    const struct scope officer = {.kind = SCOPE_OFFICER, .id = {{3, 0, 1}}};

    (void)state;
    scope_set_clear(&set);
    for (unsigned i = 0; i < 2 * SCOPE_SET_MAX; i++) {
        struct scope scope = scope_of(i / 2);

        scope_set_add(&set, &scope);
    }
    assert_int_equal(set.count, SCOPE_SET_MAX);
    assert_false(set.all);
    for (unsigned i = 0; i < 2 * SCOPE_SET_MAX; i++) {
        struct scope scope = scope_of(i);

        assert_int_equal(scope_set_has(&set, &scope), i < SCOPE_SET_MAX);
    }
    assert_false(scope_set_has(&set, &officer)); /* another kind of scope */
    scope_set_add(&set, &officer);
    assert_true(set.all);
    assert_true(scope_set_has(&set, &officer));
    scope_set_clear(&set);
    assert_false(scope_set_has(&set, &officer));
    assert_int_equal(set.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set__has_what_was_added_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
