/* A small generator of reproducible random numbers: splitmix64 (Steele, Lea, Flood 2014). The seed is the first
 * state. */
#ifndef C2_BASE_RANDOM_H
#define C2_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Returns 64 random bits and changes the state. */
static inline uint64_t c2_random_next(uint64_t *state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

/* Returns a random number below n (n > 0) and changes the state. */
static inline size_t c2_random_below(uint64_t *state, size_t n) {
  return (size_t)(c2_random_next(state) % n);
}

#endif
