/* SipHash-1-3: a hash for tables of texts. Who doesn't know its key can't make texts that fall together.
 * https://www.aumasson.jp/siphash/siphash.pdf */
#ifndef C2_BASE_SIPHASH_H
#define C2_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t c2_siphash(const uint64_t key[2], const void *data, size_t size);

/* The same under a key that each process draws for itself: nothing that is given out may depend on it. */
uint64_t c2_table_hash(const void *data, size_t size);

#endif
