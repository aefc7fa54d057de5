/* Typed columns and the names of a table's columns. Knows no format. */
#include "data/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Frees an array that is constant to all but its owner. */
static void release(const void *array) {
  free((void *)(uintptr_t)array);
}

void c2_frame_free(c2_frame *frame) {
  for (size_t i = 0; i < frame->columns; i++) {
    const c2_column *c = &frame->column[i];
    if (c->is_borrowed) continue;
    release(c->values);
    release(c->zone);
    release(c->valid);
    release(c->word);
  }
  free(frame->column);
  release(frame->line);
  release(frame->part);
  memset(frame, 0, sizeof *frame);
}

c2_status c2_header_fill(c2_header *header, const char *const *names, size_t count, c2_error *err) {
  C2_TRY(c2_alloc_array(count, sizeof *header->is_repeated, &header->is_repeated, err));
  for (size_t i = 0; i < count; i++) {
    size_t first = 0;
    C2_TRY(c2_lookup_add(&header->names, names[i], &first, err));
    if (first != i) header->is_repeated[first] = true;
  }
  return C2_OK;
}

void c2_header_free(c2_header *header) {
  c2_lookup_free(&header->names);
  free(header->is_repeated);
  memset(header, 0, sizeof *header);
}

bool c2_header_has(const c2_header *header, const char *name) {
  size_t index = 0;
  return c2_lookup_find(&header->names, name, &index);
}

c2_status c2_header_find(const c2_header *header, const char *name, size_t *index, c2_error *err) {
  if (c2_lookup_find(&header->names, name, index)) {
    if (!header->is_repeated[*index]) return C2_OK;
    C2_FAIL(err, C2_ERR_FORMAT, "%s: several columns are named '%.60s'", header->file, name);
  }
  char all[256] = "";
  for (size_t i = 0, used = 0; i < header->names.count && used < sizeof all; i++) {
    const char *each = header->names.text[i];
    const char *quote = c2_column_quote(each);
    used += (size_t)snprintf(all + used, sizeof all - used, "%s%s%s%s", i ? ", " : "", quote, each, quote);
  }
  C2_FAIL(err, C2_ERR_FORMAT, "%s: expected a column '%.60s', found %s", header->file, name, all);
}
