/* A small generator of reproducible numbers, which are exact in float32. */
#ifndef C2_TESTS_RANDOM_H
#define C2_TESTS_RANDOM_H

#include <stdint.h>

/* 24 bits. */
static inline uint32_t random_bits(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* At least 0, below 1. */
static inline double random_unit(uint32_t *state) {
  return (double)random_bits(state) / (1 << 24);
}

/* At least -1, below 1. */
static inline float random_signed(uint32_t *state) {
  return (float)((double)random_bits(state) / (1 << 23) - 1);
}

#endif
