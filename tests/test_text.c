/* Texts from files: what may stand in a name, and how messages hold them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"

static void test_plain(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool plain;
  } cases[] = {{"", true},
               {"store 7, Z\xc3\xbcrich", true},
               {"\xe2\x82\xac \xed\x9f\xbf \xf0\x9f\x8f\xaa \xf4\x8f\xbf\xbf", true},
               {"\xe2\x80\x8d", true}, /* U+200D joins letters and pictures */
               {"\xc2\xa0", true},     /* the first character behind C1 */
               {"a\tb", false},
               {"a\nb", false},
               {"\x1b[31m", false},
               {"a\x7f", false},
               {"\xc2\x80", false},
               {"a\xc2\x9b\x33", false},
               {"\xc2\x9f", false},
               {"\xd8\x9c", false},      /* U+061C */
               {"\xe2\x80\x8e", false},  /* U+200E */
               {"\xe2\x80\xa8", false},  /* U+2028 */
               {"a\xe2\x80\xae", false}, /* U+202E */
               {"\xe2\x81\xa6", false},  /* U+2066 */
               {"\xe2\x81\xa9", false},
               {"\xe2\x81\xaa", true}, /* U+206A */
               {"Z\xfc", false},
               {"\xc0\xaf", false},
               {"\xed\xa0\x80", false},
               {"\xf4\x90\x80\x80", false},
               {"\xe2\x82", false}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    if (c2_text_plain(cases[i].text, strlen(cases[i].text)) != cases[i].plain) fail_msg("case %zu", i);
  }
  assert_true(c2_text_plain(NULL, 0));
  assert_true(c2_text_plain("a\n", 1));   /* the size ends it */
  assert_false(c2_text_plain("a\0b", 3)); /* not the zero */
  assert_false(c2_text_plain("\xc3\xbc", 1));
}

/* A message is UTF-8 wherever a precision cuts it. */
static void test_cut_characters(void **state) {
  (void)state;
  static const char name[] = "\xc3\xbc\xe2\x82\xac\xf0\x9f\x8f\xaa";
  static const size_t kept[] = {0, 0, 2, 2, 2, 5, 5, 5, 5, 9};
  for (int cut = 0; cut <= 9; cut++) {
    c2_error err = {.code = C2_OK};
    char expected[32];
    (void)snprintf(expected, sizeof expected, "item '%.*s'", (int)kept[cut], name);
    assert_int_equal(c2_fail(&err, C2_ERR_FORMAT, "item '%.*s'", cut, name), C2_ERR_FORMAT);
    assert_string_equal(err.text, expected);
    (void)c2_fail(&err, C2_ERR_FORMAT, "%.*s", cut, name);
    assert_memory_equal(err.text, name, kept[cut]);
    assert_int_equal(strlen(err.text), kept[cut]);
  }
  c2_error err = {.code = C2_OK};
  (void)c2_fail(&err, C2_ERR_IO, "Z\xfcrich/caf\xe9.csv: cannot open"); /* bytes of no character */
  assert_string_equal(err.text, "Z?rich/caf?.csv: cannot open");
}

/* A name of any length leaves what stands before and behind it. */
static void test_long_names(void **state) {
  (void)state;
  static char path[20001];
  c2_error err = {.code = C2_OK};
  for (size_t size = 900; size < sizeof path; size += size < 1100 ? 1 : 977) {
    for (size_t i = 0; i + 1 < size; i += 2) memcpy(path + i, "\xc3\xbc", 2);
    path[size / 2 * 2] = '\0';
    (void)c2_fail(&err, C2_ERR_IO, "file %s:12: cannot open: No such file", path);
    assert_memory_equal(err.text, "file \xc3\xbc", 7);
    const char *end = strstr(err.text, "\xc3\xbc:12: cannot open: No such file");
    assert_non_null(end);
    assert_int_equal(strlen(end), 32);
    size_t whole = strlen(path) + 35;
    assert_true(strlen(err.text) == whole || (whole >= sizeof err.text && strstr(err.text, "...")));
    for (size_t at = 0; err.text[at];) {
      size_t length = c2_utf8_decode(err.text + at, strlen(err.text + at), NULL);
      assert_true(length > 0);
      at += length;
    }
  }
}

/* A message is one line, whatever names it holds, and however long they are. */
static void test_one_line(void **state) {
  (void)state;
  static char name[5001];
  c2_error err = {.code = C2_OK};
  (void)c2_fail(&err, C2_ERR_ARGUMENT, "column '%s': bad", "c\nError: \x1b[31m\x7f\xc2\x85\xe2\x80\xa8\xe2\x80\xae\\x");
  assert_string_equal(err.text, "column 'c\\x0aError: \\x1b[31m\\x7f\\u0085\\u2028\\u202e\\x': bad");
  (void)c2_fail(&err, C2_ERR_ARGUMENT, "%s\xff\t%.2s", "\r", "a\xc3\xbc"); /* beside what is no UTF-8 */
  assert_string_equal(err.text, "\\x0d?\\x09a");
  for (size_t size = 100; size < sizeof name; size += 49) { /* also where it only fits before it is escaped */
    memset(name, '\n', size);
    name[size] = '\0';
    (void)c2_fail(&err, C2_ERR_ARGUMENT, "column '%s': bad", name);
    assert_memory_equal(err.text, "column '\\x0a", 12);
    assert_string_equal(err.text + strlen(err.text) - 9, "x0a': bad");
    assert_true(c2_text_plain(err.text, strlen(err.text)));
    assert_true(strlen(err.text) == (4 * size + 14 < sizeof err.text ? 4 * size + 14 : sizeof err.text - 1));
  }
}

static void test_numbers(void **state) {
  (void)state;
  static const struct {
    double value;
    int digits;
    const char *text;
  } cases[] = {{0.1, 1, "0.1"}, {20, C2_USUAL_DIGITS, "20"}, {20, 1, "2e+01"}, {1 + 0x1p-52, 1, "1.0000000000000002"},
               {1.0000001, C2_USUAL_DIGITS, "1.0000001"}, {-1.5, C2_USUAL_DIGITS, "-1.5"}, {5e-324, 1, "5e-324"},
               {(double)INFINITY, 1, "inf"}, {-(double)INFINITY, 17, "-inf"}, {1e300, C2_USUAL_DIGITS, "1e+300"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char out[C2_FLOAT_ROOM];
    c2_double_text(out, cases[i].value, cases[i].digits);
    assert_string_equal(out, cases[i].text);
  }
}

/* Pashto's decimal sign has two bytes, as the locale ps_AF.UTF-8 has it. */
static void test_decimal_signs(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"-1\xd9\xab" "5e-05", "-1.5e-05"}, {"1,25", "1.25"}, {"1.5e+300", "1.5e+300"},
                                         {"0\xe2\x8e\x96" "5", "0.5"}, {"1\xab" "5", "1.5"}, {"17", "17"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char number[C2_FLOAT_ROOM];
    (void)snprintf(number, sizeof number, "%s", cases[i][0]);
    c2_text_point(number);
    assert_string_equal(number, cases[i][1]);
  }
}

static void test_escape(void **state) {
  (void)state;
  char out[64];
  c2_text_escape(out, sizeof out, "a\x1b[31m\n\x7f \xc2\x9b\x33\xe2\x80\xae Z\xc3\xbcrich");
  assert_string_equal(out, "a\\x1b[31m\\x0a\\x7f \\u009b3\\u202e Z\xc3\xbcrich");
  c2_text_escape(out, sizeof out, "\xfc!");
  assert_string_equal(out, "\\xfc!");
  c2_text_escape(out, 16, "12345678901234\xc3\xbc");
  assert_string_equal(out, "12345678901234");
  c2_text_escape(out, 16, "1234567890123\xc3\xbc");
  assert_string_equal(out, "1234567890123\xc3\xbc");
  c2_text_escape(out, 16, "123456789012\x1b");
  assert_string_equal(out, "123456789012");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain), cmocka_unit_test(test_cut_characters),
                                     cmocka_unit_test(test_long_names), cmocka_unit_test(test_one_line),
                                     cmocka_unit_test(test_numbers), cmocka_unit_test(test_escape),
                                     cmocka_unit_test(test_decimal_signs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
