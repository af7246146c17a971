/* The texts that dc_preview and dc_sync_status hand out: valid until the next call (doublecrew.h). */
#ifndef DOUBLECREW_DEVICE_TEXTS_H
#define DOUBLECREW_DEVICE_TEXTS_H

#define DEVICE_TEXT_MAX 320

struct device_texts {
    char why[512]; /* RULE_EXPLAIN_SIZE */
    char awaits[DEVICE_TEXT_MAX];
    char pending[DEVICE_TEXT_MAX];
    char reason[DEVICE_TEXT_MAX];
};

#endif
