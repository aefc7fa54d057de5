/* Sizes of tests where programs are slow, emulated or checked by sanitizers: CHRONOS2_TEST_SIZE=small. */
#ifndef C2_TESTS_SMALL_H
#define C2_TESTS_SMALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* True under small sizes, and says then what is left out. */
static inline bool small_leaves_out(const char *what) {
  const char *size = getenv("CHRONOS2_TEST_SIZE");
  if (!size || strcmp(size, "small") != 0) return false;
  print_message("NOT RUN, small sizes: %s\n", what);
  return true;
}

#endif
