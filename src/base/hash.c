/* XXH64, step by step as its specification numbers them. */
#include "base/hash.h"

#include <string.h>

static const uint64_t P1 = 0x9e3779b185ebca87u;
static const uint64_t P2 = 0xc2b2ae3d27d4eb4fu;
static const uint64_t P3 = 0x165667b19e3779f9u;
static const uint64_t P4 = 0x85ebca77c2b2ae63u;
static const uint64_t P5 = 0x27d4eb2f165667c5u;

static uint64_t rotate(uint64_t x, int n) {
  return (x << n) | (x >> (64 - n));
}

static uint64_t mix(uint64_t lane, uint64_t word) {
  return rotate(lane + word * P2, 31) * P1;
}

static uint64_t word_at(const unsigned char *at) {
  uint64_t word = 0;
  memcpy(&word, at, sizeof word);
  return word;
}

static uint32_t half_at(const unsigned char *at) {
  uint32_t half = 0;
  memcpy(&half, at, sizeof half);
  return half;
}

/* Step 2: whole stripes of 32 bytes. */
static void add_stripes(c2_hash *h, const unsigned char *at, size_t stripes) {
  uint64_t a = h->lane[0];
  uint64_t b = h->lane[1];
  uint64_t c = h->lane[2];
  uint64_t d = h->lane[3];
  for (; stripes > 0; stripes--, at += 32) {
    a = mix(a, word_at(at));
    b = mix(b, word_at(at + 8));
    c = mix(c, word_at(at + 16));
    d = mix(d, word_at(at + 24));
  }
  h->lane[0] = a;
  h->lane[1] = b;
  h->lane[2] = c;
  h->lane[3] = d;
}

void c2_hash_begin(c2_hash *h) {
  memset(h, 0, sizeof *h);
  h->lane[0] = P1 + P2;
  h->lane[1] = P2;
  h->lane[3] = 0 - P1;
}

void c2_hash_add(c2_hash *h, const void *data, size_t size) {
  const unsigned char *at = data;
  size_t kept = h->total % 32;
  h->total += size;
  if (size == 0) return;
  if (kept + size < 32) {
    memcpy(h->rest + kept, at, size);
    return;
  }
  if (kept > 0) {
    size_t fill = 32 - kept;
    memcpy(h->rest + kept, at, fill);
    add_stripes(h, h->rest, 1);
    at += fill;
    size -= fill;
  }
  add_stripes(h, at, size / 32);
  if (size % 32 > 0) memcpy(h->rest, at + size / 32 * 32, size % 32);
}

uint64_t c2_hash_end(const c2_hash *h) {
  uint64_t x = P5;
  if (h->total >= 32) {
    x = rotate(h->lane[0], 1) + rotate(h->lane[1], 7) + rotate(h->lane[2], 12) + rotate(h->lane[3], 18);
    for (size_t i = 0; i < 4; i++) x = (x ^ mix(0, h->lane[i])) * P1 + P4;
  }
  x += h->total;
  const unsigned char *at = h->rest;
  size_t left = h->total % 32;
  for (; left >= 8; left -= 8, at += 8) x = rotate(x ^ mix(0, word_at(at)), 27) * P1 + P4;
  for (; left >= 4; left -= 4, at += 4) x = rotate(x ^ half_at(at) * P1, 23) * P2 + P3;
  for (; left > 0; left--, at++) x = rotate(x ^ *at * P5, 11) * P1;
  x = (x ^ (x >> 33)) * P2;
  x = (x ^ (x >> 29)) * P3;
  return x ^ (x >> 32);
}

uint64_t c2_hash_of(const void *data, size_t size) {
  c2_hash h;
  c2_hash_begin(&h);
  c2_hash_add(&h, data, size);
  return c2_hash_end(&h);
}
