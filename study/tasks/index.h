/* Texts by name: sorted once, then found by halving. */
#ifndef C2_STUDY_INDEX_H
#define C2_STUDY_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct c2_index_entry {
  const char *text;
  size_t place; /* in the array that was given */
} c2_index_entry;

typedef struct c2_index {
  c2_index_entry *entry; /* [count], by text, then by place */
  size_t count;
} c2_index;

/* Over `count` texts, the first at `text`, each `stride` bytes after the one before it; all outlive the index.
 * Free with c2_index_close, also after a failure. */
c2_status c2_index_open(c2_index *index, const char *const *text, size_t count, size_t stride, c2_error *err);
void c2_index_close(c2_index *index);

/* Place of the first such text, or SIZE_MAX. */
size_t c2_index_find(const c2_index *index, const char *text);

/* True if a text is there twice: *again gets the least place whose text is at a lesser place too, *before that one. */
bool c2_index_twice(const c2_index *index, size_t *before, size_t *again);

#endif
