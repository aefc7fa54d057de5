/* Pieces of bytes and their numbers. Knows nothing of what they name. */
#include "table/keys.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/siphash.h"

const char *c2_keys_get(const c2_keys *keys, size_t key, size_t *size) {
  size_t begin = key > 0 ? keys->end[key - 1] : 0;
  *size = keys->end[key] - begin;
  return keys->bytes + begin;
}

/* The slot of a key, or the free slot where it belongs. */
static size_t find_slot(const c2_keys *keys, const char *bytes, size_t size) {
  size_t mask = keys->slot_count - 1;
  for (size_t at = (size_t)c2_table_hash(bytes, size) & mask;; at = (at + 1) & mask) {
    size_t found = 0;
    if (keys->slots[at] == 0) return at;
    const char *there = c2_keys_get(keys, keys->slots[at] - 1, &found);
    if (found == size && memcmp(there, bytes, size) == 0) return at;
  }
}

static c2_status grow_slots(c2_keys *keys, c2_error *err) {
  if (2 * (keys->count + 1) <= keys->slot_count) return C2_OK;
  size_t grown = keys->slot_count ? 2 * keys->slot_count : 64;
  size_t *fresh = NULL;
  C2_TRY(c2_alloc_array(grown, sizeof *fresh, &fresh, err));
  free(keys->slots);
  keys->slots = fresh;
  keys->slot_count = grown;
  for (size_t i = 0; i < keys->count; i++) {
    size_t size = 0;
    const char *bytes = c2_keys_get(keys, i, &size);
    keys->slots[find_slot(keys, bytes, size)] = i + 1;
  }
  return C2_OK;
}

size_t c2_keys_find(const c2_keys *keys, const char *bytes, size_t size) {
  size_t slot = keys->slot_count ? keys->slots[find_slot(keys, bytes, size)] : 0;
  return slot ? slot - 1 : SIZE_MAX;
}

c2_status c2_keys_put(c2_keys *keys, const char *bytes, size_t size, size_t *key, c2_error *err) {
  size_t need = 0;
  C2_TRY(grow_slots(keys, err));
  size_t slot = find_slot(keys, bytes, size);
  if (keys->slots[slot] == 0) {
    if (!c2_add(keys->used, size, &need) || !c2_add(need, 1, &need)) C2_FAIL(err, C2_ERR_MEMORY, "texts are too long");
    C2_TRY(c2_grow_array(&keys->bytes, &keys->room, need, 1, err));
    C2_TRY(c2_grow_array(&keys->end, &keys->capacity, keys->count + 1, sizeof *keys->end, err));
    if (size > 0) memcpy(keys->bytes + keys->used, bytes, size);
    keys->used += size;
    keys->end[keys->count++] = keys->used;
    keys->slots[slot] = keys->count;
  }
  *key = keys->slots[slot] - 1;
  return C2_OK;
}

void c2_keys_free(c2_keys *keys) {
  free(keys->bytes);
  free(keys->end);
  free(keys->slots);
  memset(keys, 0, sizeof *keys);
}
