#include "tests/lib/sim_file.h"

#include <stdlib.h>
#include <string.h>

#define SECTORS (SIM_BLOCK_SIZE / SIM_SECTOR_SIZE)

static const uint8_t zeros[SIM_BLOCK_SIZE];

struct sim_file *sim_file_new(const char *path)
{
    struct sim_file *file = calloc(1, sizeof(*file));

    if (file)
        file->path = strdup(path);
    if (!file || !file->path) {
        free(file);
        return NULL;
    }
    return file;
}

void sim_file_drop_regions(struct sim_file *file)
{
    for (size_t i = 0; i < file->region_count; i++)
        free(file->regions[i]);
    free(file->regions);
    file->regions = NULL;
    file->region_count = 0;
}

static void drop_blocks(struct sim_file *file)
{
    for (size_t i = 0; i < file->block_count; i++) {
        free(file->blocks[i].bytes);
        free(file->blocks[i].durable);
    }
    free(file->blocks);
    file->blocks = NULL;
    file->block_count = 0;
    file->changed_count = 0;
}

void sim_file_free(struct sim_file *file)
{
    if (!file)
        return;
    drop_blocks(file);
    sim_file_drop_regions(file);
    free(file->changed);
    free(file->path);
    free(file);
}

static bool reach(struct sim_file *file, size_t index)
{
    size_t count = file->block_count ? file->block_count : 8;

    if (index < file->block_count)
        return true;
    while (count <= index)
        count *= 2;
    struct sim_block *blocks = realloc(file->blocks, count * sizeof(*blocks));
    if (!blocks)
        return false;
    memset(blocks + file->block_count, 0, (count - file->block_count) * sizeof(*blocks));
    file->blocks = blocks;
    file->block_count = count;
    return true;
}

static bool note_changed(struct sim_file *file, size_t index)
{
    if (file->changed_count == file->changed_room) {
        size_t room = file->changed_room ? 2 * file->changed_room : 16;
        size_t *changed = realloc(file->changed, room * sizeof(*changed));
        if (!changed)
            return false;
        file->changed = changed;
        file->changed_room = room;
    }
    file->changed[file->changed_count++] = index;
    return true;
}

/* The block's bytes, with the sectors from..to (bytes within it) kept aside as they are durable. NULL: no memory. */
static uint8_t *prepare(struct sim_file *file, size_t index, size_t from, size_t to)
{
    struct sim_block *block = &file->blocks[index];
    bool fresh = !block->bytes;

    if (fresh && !(block->bytes = calloc(1, SIM_BLOCK_SIZE)))
        return NULL;
    if (!block->unsynced && !note_changed(file, index))
        return NULL;
    /* Fresh: what is durable there is zeros, and is kept as none. */
    if (!fresh && !block->unsynced && !(block->durable = malloc(SIM_BLOCK_SIZE)))
        return NULL;
    for (size_t sector = from / SIM_SECTOR_SIZE; sector <= (to - 1) / SIM_SECTOR_SIZE; sector++) {
        size_t at = sector * SIM_SECTOR_SIZE;
        if (!(block->unsynced & (1U << sector)) && block->durable)
            memcpy(block->durable + at, block->bytes + at, SIM_SECTOR_SIZE);
        block->unsynced |= (uint8_t)(1U << sector);
    }
    return block->bytes;
}

/* data NULL: zeros. */
static bool put(struct sim_file *file, const uint8_t *data, size_t size, int64_t offset)
{
    size_t done = 0;

    while (done < size) {
        size_t at = (size_t)offset + done;
        size_t within = at % SIM_BLOCK_SIZE;
        size_t piece = SIM_BLOCK_SIZE - within < size - done ? SIM_BLOCK_SIZE - within : size - done;
        uint8_t *bytes = NULL;
        if (reach(file, at / SIM_BLOCK_SIZE))
            bytes = prepare(file, at / SIM_BLOCK_SIZE, within, within + piece);
        if (!bytes)
            return false;
        memcpy(bytes + within, data ? data + done : zeros, piece);
        done += piece;
    }
    return true;
}

bool sim_file_write(struct sim_file *file, const void *data, size_t size, int64_t offset)
{
    if (!put(file, data, size, offset))
        return false;
    if (file->size < offset + (int64_t)size)
        file->size = offset + (int64_t)size;
    return true;
}

size_t sim_file_read(const struct sim_file *file, void *ret_data, size_t size, int64_t offset)
{
    uint8_t *to = ret_data;
    size_t there = offset >= file->size ? 0 : (size_t)(file->size - offset);
    size_t count = there < size ? there : size;

    for (size_t done = 0; done < count;) {
        size_t at = (size_t)offset + done;
        size_t within = at % SIM_BLOCK_SIZE;
        size_t piece = SIM_BLOCK_SIZE - within < count - done ? SIM_BLOCK_SIZE - within : count - done;
        size_t index = at / SIM_BLOCK_SIZE;
        const uint8_t *bytes = index < file->block_count ? file->blocks[index].bytes : NULL;
        memcpy(to + done, bytes ? bytes + within : zeros, piece);
        done += piece;
    }
    memset(to + count, 0, size - count);
    return count;
}

bool sim_file_truncate(struct sim_file *file, int64_t size)
{
    if (size < file->size && !put(file, NULL, (size_t)(file->size - size), size))
        return false;
    file->size = size;
    if (file->least_size > size)
        file->least_size = size;
    return true;
}

void sim_file_sync(struct sim_file *file)
{
    for (size_t i = 0; i < file->changed_count; i++) {
        struct sim_block *block = &file->blocks[file->changed[i]];
        free(block->durable);
        block->durable = NULL;
        block->unsynced = 0;
    }
    file->changed_count = 0;
    file->durable_size = file->size;
    file->least_size = file->size;
}

bool sim_file_copy(const struct sim_file *from, struct sim_file *to)
{
    drop_blocks(to);
    to->size = 0;
    for (int64_t offset = 0; offset < from->size; offset += SIM_BLOCK_SIZE) {
        uint8_t bytes[SIM_BLOCK_SIZE];
        size_t size = sim_file_read(from, bytes, SIM_BLOCK_SIZE, offset);
        if (!sim_file_write(to, bytes, size, offset))
            return false;
    }
    sim_file_sync(to);
    return true;
}

static uint32_t dice(struct sim_survival *survival)
{
    uint64_t x = survival->random;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    survival->random = x;
    return (uint32_t)(x >> 24) & 0xff;
}

/* What the sector is when its write is lost: as it was durable, or zeros where a truncation survived. */
static void lose_sector(struct sim_block *block, size_t sector, bool cut_off)
{
    size_t at = sector * SIM_SECTOR_SIZE;

    memcpy(block->bytes + at, block->durable && !cut_off ? block->durable + at : zeros, SIM_SECTOR_SIZE);
}

/* Returns where the last surviving sector of the block ends, 0 for none. */
static int64_t cut_block(struct sim_file *file, size_t index, int64_t truncated_to, struct sim_survival *survival)
{
    struct sim_block *block = &file->blocks[index];
    bool block_survives = dice(survival) < survival->sector_chance;
    int64_t end = 0;

    for (size_t sector = 0; sector < SECTORS; sector++) {
        int64_t at = (int64_t)(index * SIM_BLOCK_SIZE + sector * SIM_SECTOR_SIZE);
        if (!(block->unsynced & (1U << sector)))
            continue;
        bool survives = survival->whole_blocks ? block_survives : dice(survival) < survival->sector_chance;
        if (at >= file->size) /* cut off and not written since: that is the truncation's to decide */
            survives = false;
        if (survives)
            end = at + SIM_SECTOR_SIZE;
        else
            lose_sector(block, sector, at >= truncated_to);
    }
    return end;
}

void sim_file_cut(struct sim_file *file, struct sim_survival *survival)
{
    bool truncated = file->least_size < file->durable_size;
    bool stays = truncated && dice(survival) < survival->sector_chance;
    int64_t size = stays ? file->least_size : file->durable_size;

    for (size_t i = 0; i < file->changed_count; i++) {
        int64_t end = cut_block(file, file->changed[i], stays ? file->least_size : INT64_MAX, survival);
        if (end > file->size)
            end = file->size;
        if (end > size)
            size = end;
    }
    file->size = size;
    sim_file_sync(file);
}
