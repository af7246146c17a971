#include "core/status.h"

#include <stddef.h>

struct status_text {
    const char *name;
    const char *what;
    const char *advice;
};

static const struct status_text texts[STATUS_COUNT] = {
#define X(symbol, name, what, advice) {name, what, advice},
    STATUS_LIST(X)
#undef X
};

static const struct status_text *text_of(enum status status)
{
    size_t index = (size_t)status;

    return index < STATUS_COUNT ? &texts[index] : &texts[STATUS_INTERNAL];
}

const char *status_name(enum status status)
{
    return text_of(status)->name;
}

const char *status_what(enum status status)
{
    return text_of(status)->what;
}

const char *status_advice(enum status status)
{
    return text_of(status)->advice;
}
