/* Rescue files: what is written is read back; whatever isn't whole is refused, at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/limits.h"
#include "core/rescue_file.h"

static size_t write_file(uint8_t file[64])
{
    size_t size = RESCUE_HEAD_SIZE;

    rescue_file_head(file);
    rescue_file_frame(3, file + size);
    /* A frame has no terminator. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(file + size + 4, "one", 3);
    size += 7;
    rescue_file_frame(5, file + size);
    /* A frame has no terminator. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(file + size + 4, "other", 5);
    size += 9;
    rescue_file_frame(0, file + size);
    return size + 4;
}

/* Pushes read, or -1 when the file is refused. */
static int read_file(struct span file)
{
    struct span rest, push;
    enum status status;
    int count = 0;

    if (rescue_file_open(file, &rest) != STATUS_OK)
        return -1;
    while ((status = rescue_file_next(&rest, &push)) == STATUS_OK)
        count++;
    return status == STATUS_NOT_FOUND ? count : -1;
}

static void file__is_read_as_written(void **state)
{
    uint8_t file[64];
    size_t size = write_file(file);
    struct span rest, push;

    (void)state;
    assert_int_equal(rescue_file_open(span_of(file, size), &rest), STATUS_OK);
    assert_int_equal(rescue_file_next(&rest, &push), STATUS_OK);
    assert_memory_equal(push.data, "one", 3);
    assert_int_equal(rescue_file_next(&rest, &push), STATUS_OK);
    assert_int_equal(push.size, 5);
    assert_int_equal(rescue_file_next(&rest, &push), STATUS_NOT_FOUND);
}

static void file__that_is_not_whole_is_refused_at_every_length(void **state)
{
    uint8_t file[64] = {0};
    size_t size = write_file(file);

    (void)state;
    assert_int_equal(read_file(span_of(file, size)), 2);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(read_file(span_of(file, i)), -1);
    assert_int_equal(read_file(span_of(file, size + 1)), -1); /* something behind the end */
    file[3] ^= 1;
    assert_int_equal(read_file(span_of(file, size)), -1);
}

static void push__that_is_too_large_is_named(void **state)
{
    uint8_t file[RESCUE_HEAD_SIZE + RESCUE_FRAME_SIZE];
    struct span rest, push;

    (void)state;
    rescue_file_head(file);
    rescue_file_frame(PUSH_SIZE_MAX + 1, file + RESCUE_HEAD_SIZE);
    assert_int_equal(rescue_file_open(span_of(file, sizeof(file)), &rest), STATUS_OK);
    assert_int_equal(rescue_file_next(&rest, &push), STATUS_OVER_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file__is_read_as_written),
        cmocka_unit_test(file__that_is_not_whole_is_refused_at_every_length),
        cmocka_unit_test(push__that_is_too_large_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
