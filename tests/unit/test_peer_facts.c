/* bench/peers/peer_facts.h: facts that can be told from their ids, wherever these come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench/peers/peer_facts.h"

static char *text_of(size_t device, size_t from, size_t count, size_t *ret_size)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, ret_size);

    for (size_t i = from; i < from + count; i++) {
        peer_facts_write(file, "id", device, i);
        fputc('\n', file);
    }
    assert_int_equal(fclose(file), 0);
    return text;
}

static void reading__counts_each_fact_once(void **state)
{
    struct peer_seen *seen = NULL;
    size_t size = 0;
    char *text = text_of(3, 0, 40, &size);

    (void)state;
    assert_int_equal(peer_seen_new(5, 40, &seen), STATUS_OK);
    (void)peer_seen_read(seen, span_of(text, size), NULL, NULL);
    (void)peer_seen_read(seen, span_of(text, size), NULL, NULL);
    assert_int_equal(peer_seen_count(seen), 40);
    assert_int_equal(peer_seen_missing(seen, 3, 40), 0);
    assert_int_equal(peer_seen_missing(seen, 2, 40), 40);
    peer_seen_free(seen);
    free(text);
}

static void reading__names_what_is_missing(void **state)
{
    struct peer_seen *seen = NULL;
    size_t size = 0;
    char *text = text_of(0, 1, 9, &size);

    (void)state;
    assert_int_equal(peer_seen_new(1, 20, &seen), STATUS_OK);
    (void)peer_seen_read(seen, span_of(text, size), NULL, NULL);
    assert_int_equal(peer_seen_missing(seen, 0, 1), 1);
    assert_int_equal(peer_seen_missing(seen, 0, 10), 1);
    assert_int_equal(peer_seen_missing(seen, 0, 12), 3);
    peer_seen_free(seen);
    free(text);
}

/* However the bytes are cut, with what was kept put before what comes. */
static void reading__in_pieces_finds_the_same(void **state)
{
    size_t size = 0;
    char *text = text_of(1, 0, 20, &size);

    (void)state;
    for (size_t piece = 1; piece < 90; piece++) {
        struct peer_seen *seen = NULL;
        size_t from = 0;

        assert_int_equal(peer_seen_new(2, 20, &seen), STATUS_OK);
        for (size_t to = piece; from < size && to < size + piece; to += piece) {
            size_t end = to < size ? to : size;
            from += peer_seen_read(seen, span_of(text + from, end - from), NULL, NULL);
        }
        assert_int_equal(peer_seen_count(seen), 20);
        peer_seen_free(seen);
    }
    free(text);
}

static void reading__ids_of_others_are_ignored(void **state)
{
    static const char text[] = "{\"id\":\"nothing\"},{\"id\":\"01a1ee56-5e00-7010-8000-00ff00000001\"},{\"id\":\"";
    struct peer_seen *seen = NULL;

    (void)state;
    assert_int_equal(peer_seen_new(2, 2, &seen), STATUS_OK);
    (void)peer_seen_read(seen, span_of(text, sizeof(text) - 1), NULL, NULL);
    assert_int_equal(peer_seen_count(seen), 0);
    peer_seen_free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading__counts_each_fact_once),
        cmocka_unit_test(reading__names_what_is_missing),
        cmocka_unit_test(reading__in_pieces_finds_the_same),
        cmocka_unit_test(reading__ids_of_others_are_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
