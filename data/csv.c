/* The CSV reader: bytes to fields. Knows nothing of what the columns mean. */
#include "data/csv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static c2_status add_field(c2_csv *csv, char *field, c2_error *err) {
  if (csv->fields == csv->capacity) {
    C2_TRY(c2_grow_array(&csv->field, &csv->capacity, csv->fields + 1, sizeof *csv->field, err));
  }
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
  if (csv->at < csv->end && after != csv->delimiter && after != '\n' && !(after == '\r' && csv->at[1] == '\n')) {
    char room[C2_DELIMITER_ROOM];
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: field %zu: expected %s or the end of the line after the closing quote",
            csv->name, csv->next_line, csv->fields + 1, c2_csv_delimiter_name(csv->delimiter, room));
  }
  /* `to` lies before csv->at by now: the opening quote made room for the zero */
  *to = '\0';
  return add_field(csv, begin, err);
}

static c2_status read_plain(c2_csv *csv, c2_error *err) {
  char *begin = csv->at;
  char *end = begin;
  while (!csv->ends[(unsigned char)*end]) end++;
  const char stop = *end;
  csv->at = end;
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
    if (stop == csv->delimiter) continue;
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
static c2_status refuse_binary(const char *name, const char *text, size_t size, c2_error *err) {
  static const struct {
    const char *mark, *format;
    size_t at;
    bool is_never_read; /* whatever the file's name is */
  } others[] = {{"PAR1", "Parquet", 0, false},
                {"FEA1", "Feather", 0, false},
                {"\x1f\x8b", "gzip", 0, false},
                {"\x28\xb5\x2f\xfd", "Zstandard", 0, false},
                {"PK\x03\x04", "a ZIP archive (as .xlsx is)", 0, false},
                {"\xd0\xcf\x11\xe0", "a workbook of old Excel (.xls)", 0, true},
                {"1AY&SY", "bzip2", 4, true},
                {"\xfd" "7zXZ", "xz", 0, true}};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    size_t at = others[i].at;
    if (size < at || strncmp(text + at, others[i].mark, strlen(others[i].mark)) != 0) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s: it holds %s, %s: expected CSV or JSON Lines in UTF-8", name, others[i].format,
            others[i].is_never_read ? "which is not read" : "which is read where a file's name says so");
  }
  bool mark = strncmp(text, "\xff\xfe", 2) == 0 || strncmp(text, "\xfe\xff", 2) == 0;
  if (mark || (size > 3 && (!text[0] != !text[1]) && (!text[2] != !text[3]))) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: text in UTF-16: expected UTF-8; 'iconv -f UTF-16%s -t UTF-8' converts it", name,
            mark      ? ""
            : text[0] ? "LE"
                      : "BE");
  }
  return C2_OK;
}

/* Bytes of the text from `at` on that are ASCII other than zero, as far as they come in eights. */
static size_t ascii_bytes(const char *at, size_t size) {
  size_t done = 0;
  for (; size - done >= 8; done += 8) {
    uint64_t word = 0;
    memcpy(&word, at + done, 8);
    uint64_t zero = (word - UINT64_C(0x0101010101010101)) & ~word;
    if ((word | zero) & UINT64_C(0x8080808080808080)) break;
  }
  return done;
}

/* The text begins in that line. */
static c2_status check_text(const char *name, size_t line, const char *text, size_t size, c2_error *err) {
  for (size_t at = 0; at < size;) {
    at += ascii_bytes(text + at, size - at);
    if (at == size) break;
    size_t length = c2_utf8_decode(text + at, size - at, NULL);
    if (length > 0 && text[at] != '\0') {
      at += length;
      continue;
    }
    for (size_t i = 0; i < at; i++) line += text[i] == '\n';
    if (text[at] == '\0') C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: a zero byte: expected text", name, line);
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s:%zu: byte 0x%02x is not UTF-8: expected text in UTF-8; if it is in Latin-1 or Windows-1252, "
            "'iconv -f WINDOWS-1252 -t UTF-8' converts it",
            name, line, (unsigned char)text[at]);
  }
  return C2_OK;
}

/* ---- Delimiters ------------------------------------------------------------------------------ */

static const char delimiters[] = ",;\t|";
enum { DELIMITERS = sizeof delimiters - 1, TRIED_LINES = 200 };

const char *c2_csv_delimiter_name(char delimiter, char room[C2_DELIMITER_ROOM]) {
  switch (delimiter) {
    case ',': return "a comma";
    case ';': return "a semicolon";
    case '\t': return "a tab";
    case '|': return "a vertical bar";
    default: break;
  }
  memcpy(room, (const char[C2_DELIMITER_ROOM]){'\'', delimiter, '\''}, C2_DELIMITER_ROOM);
  return room;
}

/* How often each of them stands outside of quotes in the line at `at`, and where the next line begins. */
static const char *count_delimiters(const char *at, const char *end, size_t counts[DELIMITERS]) {
  bool quoted = false;
  memset(counts, 0, DELIMITERS * sizeof *counts);
  for (; at < end && (quoted || *at != '\n'); at++) {
    if (*at == '"') quoted = !quoted;
    const char *found = quoted ? NULL : strchr(delimiters, *at);
    if (found && *at) counts[found - delimiters]++;
  }
  return at < end ? at + 1 : end;
}

/* Of those that the header has, the one that each of the first lines has as often. */
static c2_status find_delimiter(c2_csv *csv, c2_error *err) {
  size_t header[DELIMITERS];
  bool fits[DELIMITERS];
  size_t found = 0;
  size_t fitting = 0;
  csv->delimiter = ',';
  const char *at = count_delimiters(csv->at, csv->end, header);
  for (size_t k = DELIMITERS; k-- > 0;) {
    fits[k] = header[k] > 0;
    found += fits[k];
    if (fits[k]) csv->delimiter = delimiters[k];
  }
  if (found < 2) return C2_OK;
  for (size_t line = 0; at < csv->end && line < TRIED_LINES; line++) {
    size_t counts[DELIMITERS];
    bool empty = *at == '\n' || *at == '\r';
    at = count_delimiters(at, csv->end, counts);
    for (size_t k = 0; k < DELIMITERS; k++) fits[k] = fits[k] && (empty || counts[k] == header[k]);
  }
  for (size_t k = DELIMITERS; k-- > 0;) {
    if (fits[k]) csv->delimiter = delimiters[k];
    fitting += fits[k];
  }
  if (fitting < 2) return C2_OK;
  return c2_remedy(err, "delimiter",
                   c2_fail(err, C2_ERR_FORMAT,
                           "%s:%zu: more than one of comma, semicolon, tab and vertical bar may part the fields",
                           csv->name, csv->next_line));
}

/* The record just read is the header, which outlives its text. */
static c2_status take_header(c2_csv *csv, c2_error *err) {
  size_t bytes = csv->fields * sizeof(char *);
  for (size_t i = 0; i < csv->fields; i++) bytes += strlen(csv->field[i]) + 1;
  C2_TRY(c2_alloc_array(bytes, 1, &csv->header, err));
  csv->columns = csv->fields;
  char *to = (char *)(csv->header + csv->columns);
  for (size_t i = 0; i < csv->columns; i++) {
    size_t n = strlen(csv->field[i]) + 1;
    csv->header[i] = memcpy(to, csv->field[i], n);
    to += n;
  }
  for (size_t i = 0; i < csv->columns; i++) {
    if (!c2_text_plain(csv->header[i], strlen(csv->header[i]))) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column %zu: a control character in its name '%.60s'", csv->name, csv->line,
              i + 1, csv->header[i]);
    }
  }
  return c2_header_fill(&csv->names, (const char *const *)csv->header, csv->columns, err);
}

/* A first line "sep=;" is Excel's, no header: its delimiter, or 0 where there is no such line. */
static char take_sep_line(c2_csv *csv) {
  static const char mark[] = "sep=";
  size_t n = sizeof mark - 1;
  if ((size_t)(csv->end - csv->at) < n + 2 || memcmp(csv->at, mark, n) != 0) return '\0';
  char delimiter = csv->at[n];
  const char *behind = csv->at + n + 1;
  bool ends = *behind == '\n' || (*behind == '\r' && behind[1] == '\n');
  if (!ends || !delimiter || !strchr(C2_CSV_SIGNS, delimiter)) return '\0';
  csv->at += n + 1;
  return delimiter;
}

c2_status c2_csv_open(c2_csv *csv, const char *name, char *text, size_t size, char delimiter, c2_error *err) {
  memset(csv, 0, sizeof *csv);
  csv->name = csv->names.file = name;
  csv->at = text;
  csv->end = text + size;
  csv->next_line = 1;
  C2_TRY(refuse_binary(name, text, size, err));
  C2_TRY(check_text(name, 1, text, size, err));
  if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) csv->at += 3;
  char named = take_sep_line(csv);
  skip_empty_lines(csv);
  if (csv->at >= csv->end) C2_FAIL(err, C2_ERR_FORMAT, "%s: empty; expected a header line and rows", name);
  csv->delimiter = delimiter ? delimiter : named;
  if (!csv->delimiter) C2_TRY(find_delimiter(csv, err));
  csv->ends['\0'] = csv->ends['\n'] = csv->ends['\r'] = csv->ends['"'] = true;
  csv->ends[(unsigned char)csv->delimiter] = true;
  C2_TRY(read_record(csv, err));
  return take_header(csv, err);
}

c2_status c2_csv_continue(c2_csv *csv, const c2_csv_window *window, c2_error *err) {
  csv->at = window->text;
  csv->end = window->text + window->whole;
  return check_text(csv->name, csv->next_line, csv->at, window->whole, err);
}

void c2_csv_close(c2_csv *csv) {
  free(csv->field);
  free(csv->header);
  c2_header_free(&csv->names);
  memset(csv, 0, sizeof *csv);
}

c2_status c2_csv_next(c2_csv *csv, bool *more, c2_error *err) {
  size_t line = csv->next_line;
  skip_empty_lines(csv);
  *more = csv->at < csv->end;
  if (!*more) return C2_OK;
  if (csv->columns == 1 && csv->next_line > line) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: an empty line in a table of one column: expected a value, or NaN", csv->name,
            line);
  }
  C2_TRY(read_record(csv, err));
  if (csv->fields != csv->columns) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: expected %zu fields as in the header, found %zu", csv->name, csv->line,
            csv->columns, csv->fields);
  }
  return C2_OK;
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
