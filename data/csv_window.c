/* A text file that is read in parts of whole records. Knows quotes and ends of lines, no fields. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/csv.h"

enum { WINDOW_BYTES = 1 << 22, SAMPLE_BYTES = 1 << 26, LONGEST_RECORD = 1 << 28 };

size_t c2_csv_lines(const char *text, size_t size) {
  size_t lines = 0;
  const char *end = text + size;
  while (text < end) { /* counted in bytes, so that the compiler takes many at once */
    const char *stop = text + c2_min_size((size_t)(end - text), UINT8_MAX);
    unsigned char n = 0;
    for (; text < stop; text++) n = (unsigned char)(n + (*text == '\n'));
    lines += n;
  }
  return lines;
}

/* Bytes up to behind the last end of a line that stands outside of quotes. */
static size_t whole_records(const char *text, size_t size) {
  const char *end = text + size;
  const char *at = text;
  size_t whole = 0;
  for (bool quoted = false;; quoted = !quoted) {
    const char *quote = memchr(at, '"', (size_t)(end - at));
    const char *stop = quote ? quote : end;
    for (const char *c = stop; !quoted && c > at; c--) {
      if (c[-1] != '\n') continue;
      whole = (size_t)(c - text);
      break;
    }
    if (!quote) return whole;
    at = quote + 1;
  }
}

/* Reads until the window is full or the file ends. */
static c2_status fill(c2_csv_window *w, c2_error *err) {
  size_t rest = w->file.size - w->offset;
  size_t n = c2_min_size(rest, w->room - w->size);
  C2_TRY(c2_infile_read(&w->file, w->offset, n, w->text + w->size, err));
  w->size += n;
  w->offset += n;
  w->whole = w->offset == w->file.size ? w->size : whole_records(w->text, w->size);
  return C2_OK;
}

static c2_status widen(c2_csv_window *w, c2_error *err) {
  size_t room = w->room + 1;
  C2_TRY(c2_grow_array(&w->text, &room, 2 * w->room + 1, 1, err));
  w->room = room - 1;
  return fill(w, err);
}

static c2_status fill_records(c2_csv_window *w, c2_error *err) {
  C2_TRY(fill(w, err));
  while (w->whole == 0 && w->size > 0) { /* a record is longer than the window */
    if (w->room >= LONGEST_RECORD) C2_FAIL(err, C2_ERR_FORMAT, "%s: a line of more than 256 MB", w->file.path);
    C2_TRY(widen(w, err));
  }
  bool is_first = w->offset == w->size;
  while (is_first && w->offset < w->file.size && w->room < SAMPLE_BYTES &&
         c2_csv_lines(w->text, w->whole) <= C2_CSV_SAMPLE_ROWS) {
    C2_TRY(widen(w, err));
  }
  w->behind = w->text[w->whole];
  w->text[w->whole] = '\0';
  return C2_OK;
}

c2_status c2_csv_window_open(c2_csv_window *w, const char *path, c2_error *err) {
  *w = (c2_csv_window){.room = WINDOW_BYTES};
  C2_TRY(c2_infile_open(&w->file, path, err));
  C2_TRY(c2_alloc_array(w->room + 1, 1, &w->text, err));
  return fill_records(w, err);
}

c2_status c2_csv_window_move(c2_csv_window *w, bool *more, c2_error *err) {
  w->text[w->whole] = w->behind;
  w->size -= w->whole;
  memmove(w->text, w->text + w->whole, w->size);
  C2_TRY(fill_records(w, err));
  *more = w->whole > 0;
  return *more ? C2_OK : c2_infile_check(&w->file, err);
}

void c2_csv_window_close(c2_csv_window *w) {
  c2_infile_close(&w->file);
  free(w->text);
  memset(w, 0, sizeof *w);
}
