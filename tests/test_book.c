/* Workbooks: the number of sheets, and archives that are damaged in whatever way. */
#include "program.h"

#include "data/book.h"

/* An archive's list of names with nothing in its files: all that is read of it. Returns its size. */
static size_t make_archive(unsigned char out[1024], const char *const *names, const char *comment) {
  size_t at = 0;
  memset(out, 0, 1024);
  for (; *names; names++) {
    size_t size = strlen(*names);
    memcpy(out + at, "PK\1\2", 4);
    out[at + 28] = (unsigned char)size;
    memcpy(out + at + 46, *names, size);
    at += 46 + size;
  }
  size_t end = at;
  memcpy(out + end, "PK\5\6", 4);
  out[end + 12] = (unsigned char)(at & 0xff);
  out[end + 13] = (unsigned char)(at >> 8);
  out[end + 20] = (unsigned char)strlen(comment);
  memcpy(out + end + 22, comment, strlen(comment));
  return end + 22 + strlen(comment);
}

static c2_status count(const char *path, const unsigned char *bytes, size_t size, size_t *sheets) {
  c2_error err;
  program_write_file(path, (const char *)bytes, size);
  c2_status status = c2_book_sheets(path, sheets, &err);
  if (status != C2_OK) assert_non_null(strstr(err.text, "book.xlsx: damaged or cut off: expected a ZIP archive"));
  return status;
}

static void test_sheets(void **state) {
  (void)state;
  static const char *const names[] = {"[Content_Types].xml",         "xl/workbook.xml",
                                      "xl/worksheets/sheet1.xml",    "xl/worksheets/_rels/sheet1.xml.rels",
                                      "xl/worksheets/_rels/s/x.xml", "xl/worksheets/.xml",
                                      "xl/worksheets/May.xml",       "xl/chartsheets/sheet1.xml",
                                      NULL};
  unsigned char bytes[1024];
  char *folder = program_make_folder();
  char *path = program_path(folder, "book.xlsx");
  size_t sheets = 0;
  for (size_t k = 0; k < 2; k++) {
    size_t size = make_archive(bytes, names, k ? "PK\5\6 is a comment" : "");
    assert_int_equal(count(path, bytes, size, &sheets), C2_OK);
    assert_int_equal(sheets, 2);
    for (size_t cut = 1; k == 0 && cut <= size; cut++) {
      assert_int_equal(count(path, bytes, size - cut, &sheets), C2_ERR_FORMAT);
    }
  }
  size_t size = make_archive(bytes, (const char *const[]){"xl/workbook.xml", "xl/s/May.xml", NULL}, "");
  assert_int_equal(count(path, bytes, size, &sheets), C2_OK);
  assert_true(sheets == SIZE_MAX);
  size = make_archive(bytes, names, "");
  memset(bytes + size - 22 + 12, 0xff, 8); /* the numbers of large archives are elsewhere */
  assert_int_equal(count(path, bytes, size, &sheets), C2_OK);
  assert_true(sheets == SIZE_MAX);
  program_remove_folder(folder);
  free(path);
}

/* Any byte may be any other. */
static void test_damage(void **state) {
  (void)state;
  static const char *const names[] = {"xl/workbook.xml", "xl/worksheets/sheet1.xml", NULL};
  static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
  unsigned char bytes[1024];
  char *folder = program_make_folder();
  char *path = program_path(folder, "book.xlsx");
  size_t size = make_archive(bytes, names, "");
  for (size_t at = 0; at < size; at++) {
    for (size_t k = 0; k < sizeof values; k++) {
      size_t sheets = 0;
      unsigned char before = bytes[at];
      bytes[at] = values[k];
      if (count(path, bytes, size, &sheets) == C2_OK) assert_true(sheets <= 1 || sheets == SIZE_MAX);
      bytes[at] = before;
    }
  }
  program_remove_folder(folder);
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sheets), cmocka_unit_test(test_damage)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
