#include "server/logic/store.h"

enum status store_dump(struct store *store, store_dump_sink sink, void *context)
{
    return store->ops->dump(store, sink, context);
}
