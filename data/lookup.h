/* A hash table from names to their positions in a list.
 *
 *     c2_lookup lookup = {0};
 *     C2_GOTO(c2_lookup_add(&lookup, "price", &at, err));
 *     if (c2_lookup_find(&lookup, "price", &at)) ...
 *   fail:
 *     c2_lookup_free(&lookup);
 */
#ifndef C2_DATA_LOOKUP_H
#define C2_DATA_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"

typedef struct c2_lookup {
  const char **text; /* in the order in which they were added, borrowed: [count] */
  size_t count, capacity;
  size_t *slots; /* index + 1 of the first of its name; 0 = free */
  size_t slot_count;
} c2_lookup;

/* Appends a name, which must outlive the table, whether or not it is there already. *first is the index of the first
 * one of that name: its own if it is new. */
c2_status c2_lookup_add(c2_lookup *lookup, const char *text, size_t *first, c2_error *err);

/* Appends a name only if it is new; *at is where it stands. */
c2_status c2_lookup_put(c2_lookup *lookup, const char *text, size_t *at, c2_error *err);

/* Does the same with a copy of the text in the pool, which must outlive the table. */
c2_status c2_lookup_keep(c2_lookup *lookup, c2_pool *pool, const char *text, size_t *at, c2_error *err);

/* Index of the first of that name; false if there is none. */
bool c2_lookup_find(const c2_lookup *lookup, const char *text, size_t *at);

void c2_lookup_free(c2_lookup *lookup);

#endif
