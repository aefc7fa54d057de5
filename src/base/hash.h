/* XXH64: a fast digest that tells contents apart. It protects from mistakes and damage, not from an attacker.
 * Format: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md, seed 0. */
#ifndef C2_BASE_HASH_H
#define C2_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct c2_hash {
  uint64_t lane[4];
  uint64_t total; /* bytes so far */
  unsigned char rest[32];
} c2_hash;

void c2_hash_begin(c2_hash *hash);
void c2_hash_add(c2_hash *hash, const void *data, size_t size);
uint64_t c2_hash_end(const c2_hash *hash);

/* The digest of one piece. */
uint64_t c2_hash_of(const void *data, size_t size);

#endif
