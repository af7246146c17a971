#include "admin/snapshot.h"

#include <stdlib.h>

#include "admin/command.h"
#include "server/edge/store_sqlite.h"

enum status snapshot_take(const struct force_folder *folder, struct snapshot *ret_snapshot)
{
    struct snapshot snapshot = {.store = NULL};
    char copy[PATH_SIZE];
    enum status status = path_join(snapshot.scratch, folder->root, "check-XXXXXX");

    if (status != STATUS_OK || mkdtemp(snapshot.scratch) == NULL) {
        complain("no folder for a copy of the store could be made in '%s'", folder->root);
        return STATUS_IO;
    }
    status = path_join(copy, snapshot.scratch, "snapshot.db");
    if (status == STATUS_OK)
        status = path_join(snapshot.rebuilt, snapshot.scratch, "rebuilt.db");
    if (status == STATUS_OK)
        status = store_sqlite_backup(folder->store, copy);
    if (status == STATUS_OK)
        status = store_sqlite_open(copy, STORE_SQLITE_READER, &snapshot.store);
    if (status == STATUS_OK)
        status = snapshot.store->ops->head(snapshot.store, &snapshot.head);
    if (status != STATUS_OK) {
        complain_status(status, "the store could not be copied to look at");
        snapshot_done(&snapshot);
        return status;
    }
    *ret_snapshot = snapshot;
    return STATUS_OK;
}

void snapshot_done(struct snapshot *snapshot)
{
    if (snapshot->store != NULL)
        snapshot->store->ops->close(snapshot->store);
    folder_remove_all(snapshot->scratch);
}
