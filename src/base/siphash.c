/* SipHash, by the names of its paper: a round for each word, three to finish. */
#include "base/siphash.h"

#include <stdatomic.h>
#include <string.h>

#include "base/platform.h"

static uint64_t rotate(uint64_t x, int n) {
  return (x << n) | (x >> (64 - n));
}

static inline void add_round(uint64_t v[4]) {
  v[0] += v[1];
  v[2] += v[3];
  v[1] = rotate(v[1], 13) ^ v[0];
  v[3] = rotate(v[3], 16) ^ v[2];
  v[0] = rotate(v[0], 32);
  v[2] += v[1];
  v[0] += v[3];
  v[1] = rotate(v[1], 17) ^ v[2];
  v[3] = rotate(v[3], 21) ^ v[0];
  v[2] = rotate(v[2], 32);
}

static inline void add_word(uint64_t v[4], uint64_t word) {
  v[3] ^= word;
  add_round(v);
  v[0] ^= word;
}

uint64_t c2_siphash(const uint64_t key[2], const void *data, size_t size) {
  const unsigned char *at = data;
  uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du, key[0] ^ 0x6c7967656e657261u,
                   key[1] ^ 0x7465646279746573u};
  uint64_t last = (uint64_t)size << 56;
  for (size_t left = size; left >= 8; left -= 8, at += 8) {
    uint64_t word = 0;
    memcpy(&word, at, sizeof word);
    add_word(v, word);
  }
  for (size_t i = 0; i < size % 8; i++) last |= (uint64_t)at[i] << 8 * i;
  add_word(v, last);
  v[2] ^= 0xff;
  for (int i = 0; i < 3; i++) add_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The first thread that asks draws the word. A system without random bytes leaves a word that can be guessed. */
static uint64_t draw_once(_Atomic uint64_t *word) {
  uint64_t drawn = 0;
  uint64_t known = atomic_load_explicit(word, memory_order_relaxed);
  if (known) return known;
  if (!c2_random_bytes(&drawn, sizeof drawn) || drawn == 0) drawn = 1;
  return atomic_compare_exchange_strong(word, &known, drawn) ? drawn : known;
}

uint64_t c2_table_hash(const void *data, size_t size) {
  static _Atomic uint64_t secret[2];
  const uint64_t key[2] = {draw_once(&secret[0]), draw_once(&secret[1])};
  return c2_siphash(key, data, size);
}
