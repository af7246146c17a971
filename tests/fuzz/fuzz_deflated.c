/*
 * A DeflatedPush from anybody: whatever it says of itself, it inflates into exactly the room that it said, and what it inflates
 * to goes the way of every push.
 */
#include <stdlib.h>

#include "core/deflated.h"
#include "core/push.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the device would make of it comes back the same. */
static void deflate_again(struct inflater *inflater, struct span push, size_t entry_count)
{
    struct deflated_push again;
    struct span body;
    uint8_t *message;
    size_t size;
    uint8_t *room;

    if (deflated_push_build(push, entry_count, &message, &size) != STATUS_OK || message == NULL)
        return;
    room = malloc(push.size);
    if (room == NULL || wire_find(span_of(message, size), 7, &body) != STATUS_OK ||
        deflated_push_open(body, &again) != STATUS_OK || again.size != push.size ||
        inflater_run(inflater, again.bytes, room, push.size) != STATUS_OK ||
        !span_equal(span_of(room, push.size), push))
        abort();
    free(room);
    free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct inflater *inflater;
    static struct arena *arena;
    static struct sha256 *sha;
    struct deflated_push deflated;
    struct push push;
    uint8_t *room;

    if (arena == NULL &&
        (arena_new(&arena) != STATUS_OK || sha256_new(&sha) != STATUS_OK || inflater_new(&inflater) != STATUS_OK))
        abort();
    if (deflated_push_open(span_of(data, size), &deflated) != STATUS_OK)
        return 0;
    if (deflated.size > PUSH_SIZE_MAX || deflated.size > DEFLATE_RATIO_MAX * deflated.bytes.size)
        abort();
    room = malloc(deflated.size); /* the sanitizer watches its end */
    if (room == NULL)
        abort();
    if (inflater_run(inflater, deflated.bytes, room, deflated.size) == STATUS_OK) {
        deflate_again(inflater, span_of(room, deflated.size), deflated.entry_count);
        arena_reset(arena, ARENA_CAP_DEFAULT);
        (void)!push_open(arena, sha, span_of(room, deflated.size), &push);
    }
    free(room);
    return 0;
}
