/* Tables of texts: what they find, in which order, and that nobody can make texts which slow them down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/hash.h"
#include "base/siphash.h"
#include "data/lookup.h"
#include "table/keys.h"

/* Of Rust's standard library (key 0, 1, ..., 15) and of CPython (PYTHONHASHSEED=0), which hash by SipHash-1-3 too. */
static void test_siphash(void **state) {
  (void)state;
  static const uint64_t counted[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  static const uint64_t zero[2] = {0, 0};
  static const char text[] = "Nobody inspects the spammish repetition";
  assert_true(c2_siphash(counted, "", 0) == 0xabac0158050fc4dcu);
  assert_true(c2_siphash(zero, "a", 1) == 0x407448d2b89b1813u);
  assert_true(c2_siphash(zero, "abcdefg", 7) == 0x6db12aae9070f506u);
  assert_true(c2_siphash(zero, "abcdefgh", 8) == 0x3f7b849c0b8e35eau);
  assert_true(c2_siphash(zero, text, sizeof text - 1) == 0x248f2f37815dc387u);
  assert_true(c2_table_hash("a", 1) == c2_table_hash("a", 1));
  assert_true(c2_table_hash("a", 1) != c2_siphash(zero, "a", 1));
}

/* ---- Texts that fall together under XXH64, whose steps can be undone ---------------------------- */

enum { TEXTS = 4000, SIZE = 8 };

static uint64_t inverse(uint64_t odd) {
  uint64_t x = odd;
  for (int i = 0; i < 6; i++) x *= 2 - odd * x;
  return x;
}

static uint64_t undo_shift(uint64_t hash, int shift) {
  uint64_t x = hash;
  for (int i = 0; i < 64 / shift; i++) x = hash ^ (x >> shift);
  return x;
}

static uint64_t turn_back(uint64_t x, int n) {
  return x >> n | x << (64 - n);
}

/* The eight bytes that have this hash. */
static uint64_t text_of(uint64_t hash) {
  static const uint64_t p1 = 0x9e3779b185ebca87u;
  static const uint64_t p2 = 0xc2b2ae3d27d4eb4fu;
  uint64_t x = undo_shift(undo_shift(hash, 32) * inverse(0x165667b19e3779f9u), 29);
  x = (undo_shift(x * inverse(p2), 33) - 0x85ebca77c2b2ae63u) * inverse(p1);
  x = (turn_back(x, 27) ^ (0x27d4eb2f165667c5u + SIZE)) * inverse(p1);
  return turn_back(x, 31) * inverse(p2);
}

/* Texts whose hashes end in the same 20 bits. */
static void make_texts(char text[TEXTS][SIZE + 1]) {
  uint64_t number = 0;
  for (size_t i = 0; i < TEXTS; i++) {
    do {
      uint64_t bytes = text_of(++number << 20 | 0x12345);
      for (int k = 0; k < SIZE; k++) text[i][k] = (char)(bytes >> 8 * k);
      text[i][SIZE] = '\0';
    } while (strlen(text[i]) < SIZE);
  }
  assert_true((c2_hash_of(text[TEXTS - 1], SIZE) & 0xfffff) == 0x12345);
}

static size_t longest_run(const size_t *slots, size_t count) {
  size_t longest = 0;
  size_t run = 0;
  for (size_t i = 0; i < count; i++) {
    run = slots[i] ? run + 1 : 0;
    longest = run > longest ? run : longest;
  }
  return longest;
}

/* A search goes through a run of taken slots. In tables that are half full, those of 4,000 texts are short, unless the
 * texts fall together. */
static void test_texts_made_to_fall_together(void **state) {
  (void)state;
  static char text[TEXTS][SIZE + 1];
  c2_error err;
  c2_lookup lookup = {.count = 0};
  c2_keys keys = {.count = 0};
  make_texts(text);
  for (size_t round = 0; round < 2; round++) {
    for (size_t i = 0; i < TEXTS; i++) {
      size_t at = SIZE_MAX;
      assert_int_equal(c2_lookup_put(&lookup, text[i], &at, &err), C2_OK);
      assert_int_equal(at, i);
      assert_int_equal(c2_keys_put(&keys, text[i], SIZE, &at, &err), C2_OK);
      assert_int_equal(at, i);
    }
  }
  assert_int_equal(lookup.count, TEXTS);
  assert_int_equal(keys.count, TEXTS);
  assert_true(longest_run(lookup.slots, lookup.slot_count) < TEXTS / 4);
  assert_true(longest_run(keys.slots, keys.slot_count) < TEXTS / 4);
  c2_lookup_free(&lookup);
  c2_keys_free(&keys);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_siphash),
                                     cmocka_unit_test(test_texts_made_to_fall_together)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
