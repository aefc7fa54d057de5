/* Names of an enum's values: a table of texts, by value. */
#ifndef C2_MODEL_NAMES_H
#define C2_MODEL_NAMES_H

#include <stddef.h>

#include "base/status.h"

/* Finds *index of `name` among names [first, count). It is an error if it isn't there or is NULL; the message begins
 * with `what` and lists the names. */
c2_status c2_name_find(const char *const *names, size_t first, size_t count, const char *name, const char *what,
                       size_t *index, c2_error *err);

#endif
