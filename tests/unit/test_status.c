#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/status.h"

static void status__every_value_has_a_unique_snake_case_name(void **state)
{
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++) {
        const char *name = status_name((enum status)i);

        assert_true(strlen(name) > 0);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        for (int other = 0; other < i; other++)
            assert_string_not_equal(name, status_name((enum status)other));
    }
}

static void status__says_what_happened_and_what_to_do(void **state)
{
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++) {
        assert_true(strlen(status_what((enum status)i)) > 5);
        assert_true(strlen(status_advice((enum status)i)) > 5);
    }
}

static void status__unknown_numbers_read_as_internal(void **state)
{
    (void)state;
    assert_string_equal(status_name((enum status)STATUS_COUNT), "internal");
    assert_string_equal(status_name((enum status) - 1), "internal");
    assert_string_equal(status_name(STATUS_OK), "ok");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status__every_value_has_a_unique_snake_case_name),
        cmocka_unit_test(status__says_what_happened_and_what_to_do),
        cmocka_unit_test(status__unknown_numbers_read_as_internal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
