/*
 * Is it text? As RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
 */
#ifndef DOUBLECREW_CORE_UTF8_H
#define DOUBLECREW_CORE_UTF8_H

#include "core/bytes.h"

bool utf8_valid(struct span bytes);
/* The same, and no NUL: what may become a C string. */
bool utf8_valid_text(struct span bytes);

#endif
