/* A hash table of pieces of bytes, which it copies and numbers in order of first appearance: ids, categories. */
#ifndef C2_TABLE_KEYS_H
#define C2_TABLE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct c2_keys {
  char *bytes; /* of all keys, one after the other */
  size_t used, room;
  size_t *end; /* of each key in `bytes`: [count] */
  size_t count, capacity;
  size_t *slots; /* key + 1; 0 = free */
  size_t slot_count;
} c2_keys;

/* The number of a key, or SIZE_MAX if it isn't there. */
size_t c2_keys_find(const c2_keys *keys, const char *bytes, size_t size);

/* Adds a key unless it is there, and finds its number. */
c2_status c2_keys_put(c2_keys *keys, const char *bytes, size_t size, size_t *key, c2_error *err);

/* The bytes of a key. They are good until the next c2_keys_put. */
const char *c2_keys_get(const c2_keys *keys, size_t key, size_t *size);

void c2_keys_free(c2_keys *keys);

#endif
