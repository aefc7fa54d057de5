/* Names and where they stand. Knows nothing of what they name. */
#include "data/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/siphash.h"

/* The slot of a name, or the free slot where it belongs. */
static size_t find_slot(const c2_lookup *lookup, const char *text) {
  size_t mask = lookup->slot_count - 1;
  size_t at = (size_t)c2_table_hash(text, strlen(text)) & mask;
  while (lookup->slots[at] && strcmp(lookup->text[lookup->slots[at] - 1], text) != 0) at = (at + 1) & mask;
  return at;
}

static c2_status grow_slots(c2_lookup *lookup, c2_error *err) {
  if (2 * (lookup->count + 1) <= lookup->slot_count) return C2_OK;
  size_t *old = lookup->slots;
  size_t grown = lookup->slot_count ? 2 * lookup->slot_count : 64;
  size_t *fresh = NULL;
  C2_TRY(c2_alloc_array(grown, sizeof *fresh, &fresh, err));
  lookup->slots = fresh;
  lookup->slot_count = grown;
  free(old);
  for (size_t i = 0; i < lookup->count; i++) {
    size_t slot = find_slot(lookup, lookup->text[i]);
    if (!lookup->slots[slot]) lookup->slots[slot] = i + 1;
  }
  return C2_OK;
}

c2_status c2_lookup_add(c2_lookup *lookup, const char *text, size_t *first, c2_error *err) {
  C2_TRY(grow_slots(lookup, err));
  C2_TRY(c2_grow_array(&lookup->text, &lookup->capacity, lookup->count + 1, sizeof *lookup->text, err));
  size_t slot = find_slot(lookup, text);
  lookup->text[lookup->count++] = text;
  if (!lookup->slots[slot]) lookup->slots[slot] = lookup->count;
  *first = lookup->slots[slot] - 1;
  return C2_OK;
}

c2_status c2_lookup_put(c2_lookup *lookup, const char *text, size_t *at, c2_error *err) {
  return c2_lookup_find(lookup, text, at) ? C2_OK : c2_lookup_add(lookup, text, at, err);
}

c2_status c2_lookup_keep(c2_lookup *lookup, c2_pool *pool, const char *text, size_t *at, c2_error *err) {
  const char *kept = NULL;
  if (c2_lookup_find(lookup, text, at)) return C2_OK;
  C2_TRY(c2_pool_text(pool, text, &kept, err));
  return c2_lookup_add(lookup, kept, at, err);
}

bool c2_lookup_find(const c2_lookup *lookup, const char *text, size_t *at) {
  if (lookup->slot_count == 0) return false;
  size_t slot = lookup->slots[find_slot(lookup, text)];
  if (slot) *at = slot - 1;
  return slot != 0;
}

void c2_lookup_free(c2_lookup *lookup) {
  free(lookup->text);
  free(lookup->slots);
  memset(lookup, 0, sizeof *lookup);
}
