/* Sorted texts. */
#include "study/tasks/index.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int by_text(const void *a, const void *b) {
  const c2_index_entry *x = a;
  const c2_index_entry *y = b;
  int order = strcmp(x->text, y->text);
  return order ? order : (x->place > y->place) - (x->place < y->place);
}

c2_status c2_index_open(c2_index *index, const char *const *text, size_t count, size_t stride, c2_error *err) {
  memset(index, 0, sizeof *index);
  C2_TRY(c2_alloc_array(count, sizeof *index->entry, &index->entry, err));
  for (size_t i = 0; i < count; i++) {
    const char *one = NULL;
    memcpy(&one, (const char *)text + i * stride, sizeof one);
    index->entry[i] = (c2_index_entry){one, i};
  }
  index->count = count;
  if (count > 1) qsort(index->entry, count, sizeof *index->entry, by_text);
  return C2_OK;
}

void c2_index_close(c2_index *index) {
  free(index->entry);
  memset(index, 0, sizeof *index);
}

size_t c2_index_find(const c2_index *index, const char *text) {
  size_t low = 0;
  size_t high = index->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(index->entry[middle].text, text) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  bool found = low < index->count && strcmp(index->entry[low].text, text) == 0;
  return found ? index->entry[low].place : SIZE_MAX;
}

bool c2_index_twice(const c2_index *index, size_t *before, size_t *again) {
  *again = SIZE_MAX;
  for (size_t i = 1; i < index->count; i++) {
    const c2_index_entry *e = &index->entry[i];
    if (e->place >= *again || strcmp(e[-1].text, e->text) != 0) continue;
    *again = e->place;
    *before = e[-1].place;
  }
  return *again != SIZE_MAX;
}
