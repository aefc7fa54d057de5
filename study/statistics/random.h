/* A small reproducible generator: splitmix64 (Steele, Lea, Flood 2014). The seed is the state. */
#ifndef C2_STUDY_RANDOM_H
#define C2_STUDY_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* A number below n. */
static inline size_t c2_random_below(uint64_t *state, size_t n) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return (size_t)((z ^ (z >> 31)) % n);
}

#endif
