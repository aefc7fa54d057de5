/* Programs that were built when the library started options: what it exports for them writes a struct of that age. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHRONOS2_BUILDING /* declares what is exported */
#include <chronos2.h>
#include <string.h>

enum { MODEL = 48, SESSION = 48, PREDICT = 64, STREAM = 144 }; /* bytes of 64-bit programs */

static void check(void *room, size_t expected) {
  unsigned char zero[256] = {0};
  unsigned char *bytes = room;
  size_t size = 0;
  memcpy(&size, bytes, sizeof size);
  assert_true(sizeof(size_t) != 8 || size == expected);
  assert_memory_equal(bytes + sizeof size, zero, size - sizeof size);
  for (size_t i = size; i < sizeof zero; i++) assert_int_equal(bytes[i], 1);
}

#define CHECK(kind, expected)                              \
  do {                                                     \
    union {                                                \
      chronos2_##kind##_options options;                   \
      unsigned char bytes[256];                            \
    } room;                                                \
    memset(&room, 1, sizeof room);                         \
    chronos2_##kind##_options_init(&room.options);         \
    check(&room, expected);                                \
    chronos2_##kind##_options_init(NULL);                  \
  } while (0)

static void test_exported_starts(void **state) {
  (void)state;
  CHECK(model, MODEL);
  CHECK(session, SESSION);
  CHECK(predict, PREDICT);
  CHECK(stream, STREAM);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_exported_starts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
