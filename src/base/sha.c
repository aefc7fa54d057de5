/* SHA-256 and SHA-1. */
#include "base/sha.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n) {
  return (x >> n) | (x << (32 - n));
}

static void read_words(uint32_t w[16], const unsigned char *block) {
  for (size_t i = 0; i < 16; i++) {
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
           (uint32_t)block[4 * i + 3];
  }
}

static void add_block_256(uint32_t state[8], const unsigned char *block) {
  uint32_t w[64];
  uint32_t s[8];
  read_words(w, block);
  for (size_t i = 16; i < 64; i++) {
    uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
    uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  memcpy(s, state, sizeof s);
  for (size_t i = 0; i < 64; i++) {
    uint32_t e = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
    uint32_t one = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + round_constant[i] + w[i];
    uint32_t a = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
    uint32_t two = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += one;
    s[0] = one + two;
  }
  for (size_t i = 0; i < 8; i++) state[i] += s[i];
}

static void add_block_1(uint32_t state[8], const unsigned char *block) {
  uint32_t w[80];
  uint32_t s[5];
  read_words(w, block);
  for (size_t i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 31);
  memcpy(s, state, sizeof s);
  for (size_t i = 0; i < 80; i++) {
    static const uint32_t constant[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t mixed = s[1] ^ s[2] ^ s[3];
    if (i < 20) mixed = (s[1] & s[2]) | (~s[1] & s[3]);
    if (i >= 40 && i < 60) mixed = (s[1] & s[2]) | (s[1] & s[3]) | (s[2] & s[3]);
    uint32_t next = rotate(s[0], 27) + mixed + s[4] + constant[i / 20] + w[i];
    memmove(s + 1, s, 4 * sizeof *s);
    s[2] = rotate(s[2], 2);
    s[0] = next;
  }
  for (size_t i = 0; i < 5; i++) state[i] += s[i];
}

static void add_block(c2_sha *s, const unsigned char *block) {
  if (s->kind == C2_SHA1) {
    add_block_1(s->state, block);
  } else {
    add_block_256(s->state, block);
  }
}

void c2_sha_begin(c2_sha *s, c2_sha_kind kind) {
  static const uint32_t first[2][8] = {
      {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0},
      {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
  *s = (c2_sha){.kind = kind};
  memcpy(s->state, first[kind], sizeof first[kind]);
}

void c2_sha_add(c2_sha *s, const void *data, size_t size) {
  const unsigned char *bytes = data;
  while (size > 0) {
    size_t kept = s->total % 64;
    size_t part = c2_min_size(64 - kept, size);
    if (part == 64) {
      add_block(s, bytes);
    } else {
      memcpy(s->rest + kept, bytes, part);
      if (kept + part == 64) add_block(s, s->rest);
    }
    s->total += part;
    bytes += part;
    size -= part;
  }
}

void c2_sha_end(const c2_sha *from, char out[C2_SHA_ROOM]) {
  c2_sha s = *from;
  unsigned char bits[8];
  static const unsigned char padding[64] = {0x80};
  for (size_t i = 0; i < 8; i++) bits[7 - i] = (unsigned char)(from->total * 8 >> (8 * i));
  c2_sha_add(&s, padding, 1 + (64 + 55 - from->total % 64) % 64);
  c2_sha_add(&s, bits, 8);
  for (size_t i = 0; i < (s.kind == C2_SHA1 ? 5 : 8); i++) (void)snprintf(out + 8 * i, 9, "%08x", s.state[i]);
}
