/* The CSV reader: bytes to fields. Knows nothing of what the columns mean. */
#include "data/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static c2_status add_field(c2_csv *csv, char *field, c2_error *err) {
  C2_TRY(c2_grow_array(&csv->field, &csv->capacity, csv->fields + 1, sizeof *csv->field, err));
  csv->field[csv->fields++] = field;
  return C2_OK;
}

/* Unquotes in place; leaves csv->at behind the closing quote. */
static c2_status read_quoted(c2_csv *csv, c2_error *err) {
  char *to = csv->at++;
  char *begin = to;
  for (;; csv->at++) {
    if (csv->at >= csv->end) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: field %zu: the quote that opens it is never closed", csv->name, csv->line,
              csv->fields + 1);
    }
    if (*csv->at == '"' && *++csv->at != '"') break;
    if (*csv->at == '\n') csv->next_line++;
    *to++ = *csv->at;
  }
  char after = *csv->at;
  if (csv->at < csv->end && after != ',' && after != '\n' && !(after == '\r' && csv->at[1] == '\n')) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: field %zu: expected a comma or the end of the line after the closing quote",
            csv->name, csv->next_line, csv->fields + 1);
  }
  /* `to` lies before csv->at by now: the opening quote made room for the zero */
  *to = '\0';
  return add_field(csv, begin, err);
}

static c2_status read_plain(c2_csv *csv, c2_error *err) {
  char *begin = csv->at;
  csv->at += strcspn(csv->at, ",\"\r\n");
  char stop = *csv->at;
  if (stop == '"' || (stop == '\r' && csv->at[1] != '\n')) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: field %zu: a %s inside a field that is not quoted", csv->name, csv->line,
            csv->fields + 1, stop == '"' ? "quote" : "carriage return");
  }
  return add_field(csv, begin, err);
}

/* Reads the fields up to the end of the line. The separator behind a field is only overwritten with its
 * zero after it has been looked at. */
static c2_status read_record(c2_csv *csv, c2_error *err) {
  csv->fields = 0;
  csv->line = csv->next_line;
  for (;;) {
    if (csv->at < csv->end && *csv->at == '"') {
      C2_TRY(read_quoted(csv, err));
    } else {
      C2_TRY(read_plain(csv, err));
    }
    char stop = csv->at < csv->end ? *csv->at : '\0';
    *csv->at = '\0';
    if (stop == '\0') return C2_OK;
    csv->at++;
    if (stop == ',') continue;
    if (stop == '\r') csv->at++;
    csv->next_line++;
    return C2_OK;
  }
}

static void skip_empty_lines(c2_csv *csv) {
  while (csv->at < csv->end) {
    if (*csv->at == '\n') {
      csv->at++;
    } else if (*csv->at == '\r' && csv->at[1] == '\n') {
      csv->at += 2;
    } else {
      return;
    }
    csv->next_line++;
  }
}

/* Files of other formats, by what they begin with. */
static c2_status refuse_binary(const char *name, const char *text, c2_error *err) {
  static const struct {
    const char *start, *format;
  } others[] = {{"PAR1", "Parquet"}, {"ARROW1", "Arrow"},   {"\xff\xff\xff\xff", "Arrow"}, {"FEA1", "Feather"},
                {"\x1f\x8b", "gzip"}, {"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"}};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    if (strncmp(text, others[i].start, strlen(others[i].start)) != 0) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s: %s is not read by this version: expected CSV or JSON Lines in UTF-8", name,
            others[i].format);
  }
  return C2_OK;
}

static c2_status check_text(const char *name, const char *text, size_t size, c2_error *err) {
  size_t line = 1;
  for (size_t at = 0; at < size;) {
    size_t length = c2_utf8_decode(text + at, size - at, NULL);
    if (text[at] == '\0') C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: a zero byte: expected text", name, line);
    if (length == 0) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: byte 0x%02x is not UTF-8: expected text in UTF-8", name, line,
              (unsigned char)text[at]);
    }
    line += text[at] == '\n';
    at += length;
  }
  return C2_OK;
}

/* The record just read is the header. */
static c2_status take_header(c2_csv *csv, c2_error *err) {
  csv->header = csv->field;
  csv->columns = csv->fields;
  csv->field = NULL;
  csv->capacity = 0;
  csv->fields = 0;
  for (size_t i = 0; i < csv->columns; i++) {
    if (!c2_text_plain(csv->header[i], strlen(csv->header[i]))) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column %zu: a control character in its name '%.60s'", csv->name, csv->line,
              i + 1, csv->header[i]);
    }
  }
  return c2_header_fill(&csv->names, (const char *const *)csv->header, csv->columns, err);
}

c2_status c2_csv_open(c2_csv *csv, const char *name, char *text, size_t size, c2_error *err) {
  memset(csv, 0, sizeof *csv);
  csv->name = csv->names.file = name;
  csv->at = text;
  csv->end = text + size;
  csv->next_line = 1;
  C2_TRY(refuse_binary(name, text, err));
  C2_TRY(check_text(name, text, size, err));
  if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) csv->at += 3;
  skip_empty_lines(csv);
  if (csv->at >= csv->end) C2_FAIL(err, C2_ERR_FORMAT, "%s: empty; expected a header line and rows", name);
  C2_TRY(read_record(csv, err));
  return take_header(csv, err);
}

void c2_csv_close(c2_csv *csv) {
  free(csv->field);
  free(csv->header);
  c2_header_free(&csv->names);
  memset(csv, 0, sizeof *csv);
}

c2_status c2_csv_next(c2_csv *csv, bool *more, c2_error *err) {
  skip_empty_lines(csv);
  *more = csv->at < csv->end;
  if (!*more) return C2_OK;
  C2_TRY(read_record(csv, err));
  if (csv->fields != csv->columns) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: expected %zu fields as in the header, found %zu", csv->name, csv->line,
            csv->columns, csv->fields);
  }
  return C2_OK;
}

bool c2_csv_has_column(const c2_csv *csv, const char *name) {
  return c2_header_has(&csv->names, name);
}

c2_status c2_csv_column(const c2_csv *csv, const char *name, size_t *index, c2_error *err) {
  return c2_header_find(&csv->names, name, index, err);
}

void c2_csv_write(FILE *out, const char *text) {
  if (!strpbrk(text, ",\"\r\n")) {
    (void)fputs(text, out);
    return;
  }
  (void)fputc('"', out);
  for (; *text; text++) {
    if (*text == '"') (void)fputc('"', out);
    (void)fputc(*text, out);
  }
  (void)fputc('"', out);
}
