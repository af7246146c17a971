#include "server/logic/cover.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    struct cover_links *links;
    int64_t at_us;
    int64_t known_us;
};

/* In order of (officer, pos): the last one that holds the instant replaces those before it. */
static enum status take(void *context, const struct cover_row *row)
{
    struct reading *reading = context;
    struct cover_links *links = reading->links;

    if (row->from_us > reading->at_us || row->recorded_us > reading->known_us)
        return STATUS_OK;
    if (links->count > 0 && id_equal(&links->items[links->count - 1].officer, &row->officer)) {
        links->items[links->count - 1].by = row->by;
        return STATUS_OK;
    }
    RETURN_IF_BAD(batch_list_room((void **)&links->items, &links->capacity, links->count, sizeof(links->items[0])));
    links->items[links->count++] = (struct cover_link){row->officer, row->by};
    return STATUS_OK;
}

static void leave_out_who_is_back(struct cover_links *links)
{
    size_t kept = 0;

    for (size_t i = 0; i < links->count; i++) {
        if (!id_is_zero(&links->items[i].by))
            links->items[kept++] = links->items[i];
    }
    links->count = kept;
}

enum status cover_links_read(struct batch *batch, int64_t at_us, int64_t known_us, struct cover_links *ret_links)
{
    struct reading reading = {ret_links, at_us, known_us};
    enum status status;

    *ret_links = (struct cover_links){.count = 0};
    status = batch->store->ops->covers_after(batch->store, at_us, take, &reading);
    leave_out_who_is_back(ret_links);
    return status;
}

struct later {
    int64_t at_us, after_us;
    int64_t next_us;
};

static enum status note_later(void *context, const struct cover_row *row)
{
    struct later *later = context;

    if (row->from_us <= later->at_us && row->recorded_us > later->after_us && row->recorded_us < later->next_us)
        later->next_us = row->recorded_us;
    return STATUS_OK;
}

enum status cover_next_known(struct batch *batch, int64_t at_us, int64_t after_us, int64_t *ret_known_us)
{
    struct later later = {at_us, after_us, RULE_FOREVER};

    RETURN_IF_BAD(batch->store->ops->covers_after(batch->store, at_us, note_later, &later));
    *ret_known_us = later.next_us;
    return STATUS_OK;
}

void cover_links_done(struct cover_links *links)
{
    free(links->items);
    *links = (struct cover_links){.count = 0};
}

static int by_officer(const void *key, const void *link)
{
    return memcmp(key, ((const struct cover_link *)link)->officer.bytes, ID_SIZE);
}

static const struct cover_link *link_of(const struct cover_links *links, const struct id *officer)
{
    if (links->count == 0)
        return NULL;
    return bsearch(officer->bytes, links->items, links->count, sizeof(links->items[0]), by_officer);
}

bool cover_path_of(const struct cover_links *links, const struct id *officer, struct cover_path *ret_path)
{
    const struct cover_link *link = link_of(links, officer);

    ret_path->officers[0] = *officer;
    ret_path->count = 1;
    while (link != NULL) {
        if (ret_path->count > COVER_LINKS_MAX)
            return false;
        ret_path->officers[ret_path->count++] = link->by;
        link = link_of(links, &link->by);
    }
    return true;
}

bool cover_may_stand_in(const struct officer_row *officer)
{
    return officer->role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR || officer->role == DOUBLECREW__V1__ROLE__ROLE_LEADER;
}

bool cover_is_in_charge(const struct officer_row *officer)
{
    return cover_may_stand_in(officer) || officer->duty;
}
