/* A workbook is a ZIP archive: its last bytes say where the names of its files are. A sheet is a file. */
#include "data/book.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/infile.h"
#include "base/memory.h"

enum { END = 22, COMMENT = 65535, ENTRY = 46, MOST = 16 << 20 }; /* bytes */

static size_t number_at(const unsigned char *at, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | at[i];
  return value;
}

static bool is_sheet(const char *name, size_t size) {
  static const char folder[] = "xl/worksheets/";
  const size_t before = sizeof folder - 1;
  return size > before + 4 && memcmp(name, folder, before) == 0 && !memchr(name + before, '/', size - before) &&
         memcmp(name + size - 4, ".xml", 4) == 0;
}

static c2_status refuse(const c2_infile *file, c2_error *err) {
  C2_FAIL(err, C2_ERR_FORMAT, "%s: damaged or cut off: expected a ZIP archive, as .xlsx is, with its contents' list",
          file->path);
}

static c2_status count_sheets(const c2_infile *file, const unsigned char *list, size_t size, size_t *sheets,
                              c2_error *err) {
  *sheets = 0;
  for (size_t at = 0; at < size;) {
    if (size - at < ENTRY || memcmp(list + at, "PK\1\2", 4) != 0) return refuse(file, err);
    size_t name = number_at(list + at + 28, 2);
    size_t whole = ENTRY + name + number_at(list + at + 30, 2) + number_at(list + at + 32, 2);
    if (whole > size - at) return refuse(file, err);
    *sheets += is_sheet((const char *)list + at + ENTRY, name);
    at += whole;
  }
  if (*sheets == 0) *sheets = SIZE_MAX; /* they have other names */
  return C2_OK;
}

static c2_status read_sheets(const c2_infile *file, size_t *sheets, c2_error *err) {
  unsigned char *bytes = NULL;
  c2_status status = C2_OK;
  size_t tail = c2_min_size(file->size, END + COMMENT);
  C2_TRY(c2_alloc_array(tail + 1, 1, &bytes, err));
  C2_GOTO(c2_infile_read(file, file->size - tail, tail, bytes, err));
  size_t at = tail;
  while (at > 0 && (tail - at < END || memcmp(bytes + at, "PK\5\6", 4) != 0)) at--;
  if (tail - at < END || memcmp(bytes + at, "PK\5\6", 4) != 0) C2_GOTO(refuse(file, err));
  size_t size = number_at(bytes + at + 12, 4);
  size_t from = number_at(bytes + at + 16, 4);
  if (size == UINT32_MAX || from == UINT32_MAX) goto fail; /* the numbers are elsewhere */
  if (size > MOST || from > file->size || size > file->size - from) C2_GOTO(refuse(file, err));
  free(bytes);
  bytes = NULL;
  C2_GOTO(c2_alloc_array(size, 1, &bytes, err));
  C2_GOTO(c2_infile_read(file, from, size, bytes, err));
  status = count_sheets(file, bytes, size, sheets, err);
fail:
  free(bytes);
  return status;
}

c2_status c2_book_sheets(const char *path, size_t *sheets, c2_error *err) {
  c2_infile file;
  *sheets = SIZE_MAX;
  c2_status status = c2_infile_open(&file, path, err);
  if (status == C2_OK) status = read_sheets(&file, sheets, err);
  c2_infile_close(&file);
  return status;
}
