#include "device/witness.h"

#include <stdio.h>
#include <string.h>

#define WITNESS_NAME_SIZE 32

/* One slot each, empty or a checkpoint's text. */
static void slot_name(size_t slot, char ret_name[WITNESS_NAME_SIZE])
{
    (void)snprintf(ret_name, WITNESS_NAME_SIZE, "witness%zu", slot);
}

struct slot {
    bool used;
    struct checkpoint checkpoint;
};

static enum status read_slot(struct dc_device *device, size_t number, uint8_t ret_text[STORE_STATE_SIZE_MAX],
                             size_t *ret_size, struct slot *ret_slot)
{
    char name[WITNESS_NAME_SIZE];
    enum status status;

    slot_name(number, name);
    *ret_size = 0;
    ret_slot->used = false;
    status = store_state_get(device->store, name, ret_text, ret_size);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && *ret_size == 0)) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = checkpoint_read(span_of(ret_text, *ret_size), &ret_slot->checkpoint);
    }
    ret_slot->used = status == STATUS_OK;
    return status;
}

static enum status write_slot(struct dc_device *device, size_t number, struct span text)
{
    char name[WITNESS_NAME_SIZE];

    slot_name(number, name);
    return store_state_put(device->store, name, text);
}

static bool same_tree(const struct checkpoint *a, const struct checkpoint *b)
{
    return id_equal(&a->epoch, &b->epoch) && a->size == b->size && hash_equal(&a->root, &b->root);
}

/* A free slot, else the one with the smallest tree: what was shown later says more. */
static size_t choose_slot(const struct slot *slots)
{
    size_t chosen = 0;

    for (size_t i = 0; i < SYNC_WITNESSES_MAX; i++) {
        if (!slots[i].used) {
            return i;
        }
        if (slots[i].checkpoint.size < slots[chosen].checkpoint.size) {
            chosen = i;
        }
    }
    return chosen;
}

enum status witness_keep(struct dc_device *device, struct span text)
{
    struct slot slots[SYNC_WITNESSES_MAX];
    uint8_t stored[STORE_STATE_SIZE_MAX];
    struct checkpoint checkpoint;
    size_t size;

    if (text.size == 0 || text.size > STORE_STATE_SIZE_MAX ||
        anchor_open(&device->verifier, text, NULL, &checkpoint) != STATUS_OK) {
        return STATUS_OK; /* the entry is carried all the same; the server judges its anchor */
    }
    for (size_t i = 0; i < SYNC_WITNESSES_MAX; i++) {
        enum status status = read_slot(device, i, stored, &size, &slots[i]);

        if (status != STATUS_OK) {
            return status;
        }
        if (slots[i].used && same_tree(&slots[i].checkpoint, &checkpoint)) {
            return STATUS_OK;
        }
    }
    return write_slot(device, choose_slot(slots), text);
}

enum status witness_show(struct dc_device *device, struct witness_texts *texts, Doublecrew__V1__Hello *hello)
{
    struct sync *sync = &device->sync;

    sync->shown_count = 0;
    for (size_t i = 0; i < SYNC_WITNESSES_MAX; i++) {
        size_t at = sync->shown_count, size;
        struct slot slot;
        enum status status = read_slot(device, i, texts->texts[at], &size, &slot);

        if (status != STATUS_OK) {
            return status;
        }
        if (slot.used) {
            sync->shown[at] = slot.checkpoint;
            texts->list[at] = (ProtobufCBinaryData){size, texts->texts[at]};
            sync->shown_count++;
        }
    }
    hello->witness_checkpoints = texts->list;
    hello->n_witness_checkpoints = sync->shown_count;
    return STATUS_OK;
}

enum status witness_forget(struct dc_device *device)
{
    struct sync *sync = &device->sync;
    uint8_t stored[STORE_STATE_SIZE_MAX];
    enum status status = STATUS_OK;

    for (size_t i = 0; i < SYNC_WITNESSES_MAX && status == STATUS_OK; i++) {
        struct slot slot;
        size_t size;

        status = read_slot(device, i, stored, &size, &slot);
        for (size_t j = 0; j < sync->shown_count && status == STATUS_OK && slot.used; j++) {
            if (same_tree(&slot.checkpoint, &sync->shown[j])) {
                status = write_slot(device, i, span_of(NULL, 0));
                break;
            }
        }
    }
    return status;
}
