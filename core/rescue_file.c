#include "core/rescue_file.h"

#include <string.h>

#include "core/limits.h"

static const uint8_t head[RESCUE_HEAD_SIZE] = {'D', 'C', 'R', 'E', 'S', 'C', '1', '\n'};

void rescue_file_head(uint8_t ret_head[RESCUE_HEAD_SIZE])
{
    memcpy(ret_head, head, RESCUE_HEAD_SIZE);
}

void rescue_file_frame(uint32_t size, uint8_t ret_frame[RESCUE_FRAME_SIZE])
{
    put_u32(ret_frame, size);
}

enum status rescue_file_open(struct span file, struct span *ret_rest)
{
    if (file.size < RESCUE_HEAD_SIZE || memcmp(file.data, head, RESCUE_HEAD_SIZE) != 0)
        return STATUS_MALFORMED;
    *ret_rest = span_of(file.data + RESCUE_HEAD_SIZE, file.size - RESCUE_HEAD_SIZE);
    return STATUS_OK;
}

enum status rescue_file_next(struct span *rest, struct span *ret_push)
{
    size_t size;

    if (rest->size < RESCUE_FRAME_SIZE)
        return STATUS_MALFORMED;
    size = get_u32(rest->data);
    if (size == 0)
        return rest->size == RESCUE_FRAME_SIZE ? STATUS_NOT_FOUND : STATUS_MALFORMED;
    if (size > PUSH_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    if (size > rest->size - RESCUE_FRAME_SIZE)
        return STATUS_MALFORMED;
    *ret_push = span_of(rest->data + RESCUE_FRAME_SIZE, size);
    *rest = span_of(ret_push->data + size, rest->size - RESCUE_FRAME_SIZE - size);
    return STATUS_OK;
}
