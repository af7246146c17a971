/* Who is told (edge): groups by key, joined and left in any order, each member once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/edge/audience.h"

#define OK(call) assert_int_equal((call), STATUS_OK)
#define MEMBERS 300
#define GROUPS 200

static struct audience_key key_of(unsigned number)
{
    return (struct audience_key){.kind = 1 + number % 3, .id = {{(uint8_t)number, (uint8_t)(number >> 8)}}};
}

static void count_one(void *context, void *who)
{
    unsigned *seen = context;

    seen[*(unsigned *)who]++;
}

/* Against a table of who should be where. */
static void assert_as(const struct audience *audience, bool (*in)[GROUPS])
{
    for (unsigned group = 0; group < GROUPS; group++) {
        struct audience_key key = key_of(group);
        unsigned seen[MEMBERS] = {0};
        size_t count = 0;

        audience_each(audience, &key, count_one, seen);
        for (unsigned i = 0; i < MEMBERS; i++) {
            assert_int_equal(seen[i], in[i][group]);
            count += seen[i];
        }
        assert_int_equal(audience_count(audience, &key), count);
    }
}

static void groups__hold_who_joined_last_and_nobody_else(void **state)
{
    static bool in[MEMBERS][GROUPS];
    static struct audience_member members[MEMBERS];
    static unsigned numbers[MEMBERS];
    struct audience *audience = NULL;
    uint64_t random = 7;

    (void)state;
    OK(audience_new(&audience));
    for (unsigned step = 0; step < 5000; step++) {
        unsigned who = (unsigned)((random = random * 6364136223846793005u + 1442695040888963407u) >> 33) % MEMBERS;
        struct audience_key keys[4];
        size_t count = step % 5;

        numbers[who] = who;
        for (unsigned group = 0; group < GROUPS; group++)
            in[who][group] = false;
        for (size_t i = 0; i < count; i++) {
            unsigned group = (unsigned)((random >> 40) + i * 50) % GROUPS;

            keys[i] = key_of(group);
            in[who][group] = true;
        }
        OK(audience_join(audience, &members[who], &numbers[who], keys, count));
        if (step % 500 == 0)
            assert_as(audience, in);
    }
    assert_as(audience, in);
    for (unsigned i = 0; i < MEMBERS; i++)
        audience_leave(audience, &members[i]);
    audience_free(audience); /* asserts that no group is left */
}

static void keys__of_another_kind_are_other_groups(void **state)
{
    const struct audience_key key = {.kind = 1, .id = {{9}}};
    const struct audience_key other = {.kind = 2, .id = {{9}}};
    struct audience_member member = {.count = 0};
    struct audience *audience = NULL;

    (void)state;
    OK(audience_new(&audience));
    OK(audience_join(audience, &member, &member, &key, 1));
    assert_int_equal(audience_count(audience, &key), 1);
    assert_int_equal(audience_count(audience, &other), 0);
    audience_leave(audience, &member);
    assert_int_equal(audience_count(audience, &key), 0);
    audience_free(audience);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups__hold_who_joined_last_and_nobody_else),
        cmocka_unit_test(keys__of_another_kind_are_other_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
