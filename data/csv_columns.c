/* The reader of CSV: records to typed columns. Knows nothing of what the columns mean. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "data/cell.h"
#include "data/dialect.h"
#include "data/reader.h"
#include "time/calendar.h"

/* A column while it is read. Text stays in the file until the whole column was seen. */
typedef struct builder {
  c2_want want;
  const char *name;
  const char **cell; /* text, any: [most rows] */
  uint32_t *code;    /* names: [most rows] */
  c2_lookup words;   /* names */
  size_t last;       /* names: code of the last row */
  double *number;    /* numbers: [most rows] */
  int64_t *time;     /* times: [most rows] */
  int16_t *zone;     /* times: [most rows] */
  c2_odd_number *odd; /* of a table in parts; else NULL */
} builder;

typedef struct columns {
  c2_csv *csv;
  c2_dialect *dialect;
  builder *builder; /* [count] */
  size_t count, most_rows, rows;
  bool has_times; /* a column of time stamps, which every step has */
  size_t *line; /* [most rows] */
} columns;

/* ---- Rows ------------------------------------------------------------------------------------ */

static c2_status read_time(const columns *c, const builder *b, const char *cell, c2_error *err) {
  c2_zone zone;
  bool whole = false;
  if (c2_dialect_time(c->dialect, cell, &b->time[c->rows], &zone, &whole)) {
    b->zone[c->rows] = (int16_t)(whole ? C2_WHOLE_NUMBER : zone.given ? zone.minutes : C2_NO_ZONE);
    return C2_OK;
  }
  const char *format = c->dialect->time_format;
  C2_TRY(c2_dialect_check_stamp(c->dialect, c->csv->name, c->line[c->rows], b->name, cell, err));
  return c2_remedy(
      err, *format ? NULL : "time-format",
      c2_fail(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected a time stamp %s%s, found '%.40s'", c->csv->name,
              c->line[c->rows], b->name, *format ? "as " : "such as ",
              *format ? format : "2020-01-31, 2020-01-31 05:00:00 or 2020-01-31 05:00:00+01:00", cell));
}

/* Neighbours often have the same name. */
static c2_status read_name(const columns *c, builder *b, const char *cell, c2_error *err) {
  if (c->rows == 0 || strcmp(b->words.text[b->last], cell) != 0) {
    if (!*cell || !c2_text_plain(cell, strlen(cell))) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected %s, found %s'%.80s'", c->csv->name,
              c->line[c->rows], b->name, b->want.what, *cell ? "a control character in " : "", cell);
    }
    C2_TRY(c2_lookup_put(&b->words, cell, &b->last, err));
    if (b->last > UINT32_MAX) C2_FAIL(err, C2_ERR_MEMORY, "%s: too many names", c->csv->name);
  }
  b->code[c->rows] = (uint32_t)b->last;
  return C2_OK;
}

static c2_status refuse_number(const char *file, size_t line, const char *column, const char *cell, c2_error *err) {
  return c2_remedy(
      err, c2_number_shape_of(cell) != C2_SHAPE_NONE ? "decimal" : NULL, /* 1e400 is beyond both signs */
      c2_fail(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected a finite number or nothing, found '%.40s'", file,
              line, column, cell));
}

static c2_status read_cell(const columns *c, builder *b, const char *cell, c2_error *err) {
  switch (b->want.type) {
    case C2_WANT_NAME: return read_name(c, b, cell, err);
    case C2_WANT_TIME: return read_time(c, b, cell, err);
    case C2_WANT_NUMBER:
      if (c2_dialect_number(c->dialect, cell, &b->number[c->rows])) return C2_OK;
      return refuse_number(c->csv->name, c->line[c->rows], b->name, cell, err);
    default: break;
  }
  b->cell[c->rows] = cell;
  if (c->rows > 0 && strcmp(b->cell[c->rows - 1], cell) == 0) return C2_OK;
  if (c2_text_plain(cell, strlen(cell))) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': a control character in the category '%.80s'", c->csv->name,
          c->line[c->rows], b->name, cell);
}

/* A file that is read without time stamps may have them in a column of another name. */
static c2_status refuse_other_stamps(const columns *c, c2_error *err) {
  for (size_t i = 0; i < c->csv->columns; i++) {
    const char *cell = c->csv->field[i];
    bool expected = !c2_dialect_is_stamp(c->dialect, cell);
    for (size_t k = 0; k < c->count; k++) {
      const c2_want *want = &c->builder[k].want;
      expected = expected || want->type == C2_WANT_TIME || (want->type == C2_WANT_NAME && want->column == i);
    }
    if (expected) continue;
    return c2_remedy(err, "timestamp-column",
                     c2_fail(err, C2_ERR_FORMAT, "%s:%zu: no column 'timestamp', but column '%.60s' holds time stamps",
                             c->csv->name, c->csv->line, c->csv->header[i]));
  }
  return C2_OK;
}

/* Moves to the next row. One without any cell, as Excel writes below a table, is none where rows have time stamps; else
 * it may be a step whose values are missing. */
static c2_status next_row(columns *c, bool *more, c2_error *err) {
  for (;;) {
    size_t k = 0;
    C2_TRY(c2_csv_next(c->csv, more, err));
    if (!*more || !c->has_times) return C2_OK;
    while (k < c->csv->fields && !*c->csv->field[k]) k++;
    if (k < c->csv->fields) return C2_OK;
  }
}

/* Settles the dialect by the cells of the first rows: cell[column][row]. */
static c2_status settle(const columns *c, const char *const *cell, size_t rows, const c2_dialect *expected,
                        c2_error *err) {
  c2_dialect_sample *numbers = NULL;
  size_t n = 0;
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(c->count, sizeof *numbers, &numbers, err));
  for (size_t k = 0; k < c->count; k++) {
    c2_want_type type = c->builder[k].want.type;
    bool are_numbers = type == C2_WANT_NUMBER;
    c2_dialect_sample sample = {c->csv->name, c->builder[k].name, cell + k * rows, c->line, rows, are_numbers};
    if (type == C2_WANT_NUMBER || type == C2_WANT_ANY || type == C2_WANT_MIXED) numbers[n++] = sample;
    if (type == C2_WANT_TIME) C2_GOTO(c2_dialect_find_time_format(c->dialect, &sample, expected, err));
  }
  status = c2_dialect_find_decimal(c->dialect, numbers, n, expected, err);
fail:
  free(numbers);
  return status;
}

/* The first rows are read before any of their cells is: all that is said of their spelling counts. */
static c2_status read_sample(columns *c, const c2_dialect *expected, bool *more, c2_error *err) {
  size_t most = c2_min_size(c->most_rows, C2_CSV_SAMPLE_ROWS);
  size_t rows = 0;
  const char **cell = NULL;
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(most, c->count * sizeof *cell, &cell, err));
  for (*more = true; rows < most; rows++) {
    C2_GOTO(next_row(c, more, err));
    if (!*more) break;
    if (rows == 0) C2_GOTO(refuse_other_stamps(c, err));
    c->line[rows] = c->csv->line;
    for (size_t k = 0; k < c->count; k++) cell[k * most + rows] = c->csv->field[c->builder[k].want.column];
  }
  for (size_t k = 1; k < c->count; k++) memmove(cell + k * rows, cell + k * most, rows * sizeof *cell);
  C2_GOTO(settle(c, cell, rows, expected, err));
  for (; c->rows < rows; c->rows++) {
    for (size_t k = 0; k < c->count; k++) C2_GOTO(read_cell(c, &c->builder[k], cell[k * rows + c->rows], err));
  }
fail:
  free(cell);
  return status;
}

static c2_status read_rows(columns *c, bool settled, const c2_dialect *expected, c2_error *err) {
  bool more = true;
  if (!settled) C2_TRY(read_sample(c, expected, &more, err));
  while (more) {
    C2_TRY(next_row(c, &more, err));
    if (!more) break;
    c->line[c->rows] = c->csv->line;
    for (size_t k = 0; k < c->count; k++) {
      C2_TRY(read_cell(c, &c->builder[k], c->csv->field[c->builder[k].want.column], err));
    }
    c->rows++;
  }
  return C2_OK;
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* Rows that are left in the text at most: each has an end of line, and a separator for each column but one. */
static size_t most_rows(const c2_csv *csv) {
  size_t size = (size_t)(csv->end - csv->at);
  return c2_min_size(c2_csv_lines(csv->at, size), size / csv->columns) + 1;
}

static c2_status open_columns(columns *c, const c2_want *want, c2_odd_number *odd, c2_error *err) {
  C2_TRY(c2_alloc_array(c->count, sizeof *c->builder, &c->builder, err));
  C2_TRY(c2_alloc_array(c->most_rows, sizeof *c->line, &c->line, err));
  for (size_t k = 0; k < c->count; k++) {
    builder *b = &c->builder[k];
    b->want = want[k];
    b->odd = odd ? &odd[k] : NULL;
    b->name = c->csv->header[want[k].column];
    c->has_times = c->has_times || want[k].type == C2_WANT_TIME;
    if (want[k].type == C2_WANT_NUMBER) {
      C2_TRY(c2_alloc_array(c->most_rows, sizeof *b->number, &b->number, err));
    } else if (want[k].type == C2_WANT_TIME) {
      C2_TRY(c2_alloc_array(c->most_rows, sizeof *b->time, &b->time, err));
      C2_TRY(c2_alloc_array(c->most_rows, sizeof *b->zone, &b->zone, err));
    } else if (want[k].type == C2_WANT_NAME) {
      C2_TRY(c2_alloc_array(c->most_rows, sizeof *b->code, &b->code, err));
    } else {
      C2_TRY(c2_alloc_array(c->most_rows, sizeof *b->cell, &b->cell, err));
    }
  }
  return C2_OK;
}

/* Reads cells as numbers, into number[rows] unless it is NULL; false: one is none. *odd is the first one with another
 * sign than those before it, which makes no texts of a column, or the number of rows. */
static bool read_numbers(const columns *c, const builder *b, c2_dialect *dialect, double *number, size_t *odd) {
  double one = 0;
  *odd = c->rows;
  for (size_t i = 0; i < c->rows; i++) {
    if (c2_dialect_number(dialect, b->cell[i], number ? &number[i] : &one)) continue;
    if (c2_number_shape_of(b->cell[i]) == C2_SHAPE_NONE) return false;
    *odd = c2_min_size(*odd, i);
  }
  return true;
}

/* Makes the cells numbers; *all is false, and nothing has changed, where one is none, or odd in a table in parts. */
static c2_status make_numbers(const columns *c, builder *b, bool *all, c2_error *err) {
  c2_dialect found = *c->dialect; /* texts say nothing of numbers */
  size_t odd = 0;
  C2_TRY(c2_alloc_array(c->rows, sizeof *b->number, &b->number, err));
  bool are_numbers = read_numbers(c, b, &found, b->number, &odd);
  *all = are_numbers && odd == c->rows;
  if (*all) {
    *c->dialect = found;
    return C2_OK;
  }
  free(b->number);
  b->number = NULL;
  if (!are_numbers || b->odd) return C2_OK;
  return refuse_number(c->csv->name, c->line[odd], b->name, b->cell[odd], err);
}

/* Keeps what a part shows of a column that isn't numbers throughout. */
static void note_odd(const columns *c, const builder *b) {
  c2_dialect dialect = *c->dialect;
  c2_odd_number *note = b->odd;
  size_t odd = 0;
  if (note->has_texts) return;
  note->has_texts = !read_numbers(c, b, &dialect, NULL, &odd);
  if (odd == c->rows || note->line > 0) return;
  note->line = c->line[odd];
  (void)snprintf(note->cell, sizeof note->cell, "%s", b->cell[odd]);
}

/* After the last part: a number with another sign than those before it is refused where no text stands beside it. */
static c2_status refuse_odd(const c2_input *input, const c2_want *want, size_t wants, c2_error *err) {
  for (size_t k = 0; k < wants; k++) {
    const c2_odd_number *note = &input->odd[k];
    if (note->line == 0 || note->has_texts) continue;
    return refuse_number(input->name, note->line, input->csv.header[want[k].column], note->cell, err);
  }
  return C2_OK;
}

/* Makes the cells codes. A missing text has none. */
static c2_status make_text(const columns *c, const builder *b, c2_column *out, c2_error *err) {
  uint32_t *code = NULL;
  unsigned char *valid = NULL;
  c2_lookup words = {0};
  c2_status status = C2_OK;
  size_t present = 0;
  C2_GOTO(c2_alloc_array(c->rows, sizeof *code, &code, err));
  C2_GOTO(c2_alloc_array(c->rows / 8 + 1, 1, &valid, err));
  for (size_t i = 0, at = 0; i < c->rows; i++) {
    if (c2_is_missing_text(b->cell[i])) continue;
    if (words.count == 0 || strcmp(words.text[at], b->cell[i]) != 0) { /* neighbours are often the same */
      C2_GOTO(c2_lookup_put(&words, b->cell[i], &at, err));
    }
    if (at > UINT32_MAX) C2_GOTO(c2_fail(err, C2_ERR_MEMORY, "%s: too many texts", c->csv->name));
    code[i] = (uint32_t)at;
    valid[i / 8] |= (unsigned char)(1 << i % 8);
    present++;
  }
  if (present == c->rows) {
    free(valid);
    valid = NULL;
  }
  *out = (c2_column){.type = C2_COLUMN_TEXT, .code = code, .valid = valid, .word = words.text, .words = words.count};
  words.text = NULL;
  code = NULL;
  valid = NULL;
fail:
  c2_lookup_free(&words);
  free(code);
  free(valid);
  return status;
}

static c2_status finish_column(const columns *c, builder *b, c2_column *out, c2_error *err) {
  if (b->time) {
    *out = (c2_column){.type = C2_COLUMN_TIME, .time = b->time, .zone = b->zone};
    size_t same = 1;
    while (same < c->rows && b->zone[same] == b->zone[0]) same++;
    if (same == c->rows && b->zone[0] == C2_WHOLE_NUMBER) {
      *out = (c2_column){.type = C2_COLUMN_INTEGER, .integer = b->time};
    } else if (same == c->rows && b->zone[0] == C2_NO_ZONE) {
      out->zone = NULL;
    }
    if (!out->zone) free(b->zone);
  } else if (b->code) {
    *out = (c2_column){.type = C2_COLUMN_TEXT, .code = b->code, .word = b->words.text, .words = b->words.count};
    b->words.text = NULL;
    c2_lookup_free(&b->words);
  } else {
    bool numbers = b->want.type == C2_WANT_NUMBER;
    if (b->want.type == C2_WANT_ANY) C2_TRY(make_numbers(c, b, &numbers, err));
    if (!numbers && b->odd && b->want.type != C2_WANT_TEXT) note_odd(c, b);
    if (numbers) {
      *out = (c2_column){.type = C2_COLUMN_NUMBER, .number = b->number};
    } else {
      C2_TRY(make_text(c, b, out, err));
    }
  }
  free(b->cell);
  out->name = b->name;
  *b = (builder){.cell = NULL};
  return C2_OK;
}

/* The rows that are left in the text. */
static c2_status read_text(c2_input *input, const c2_want *want, size_t wants, c2_frame *frame, c2_error *err) {
  columns c = {.csv = &input->csv, .dialect = &input->dialect, .count = wants, .most_rows = most_rows(&input->csv)};
  c2_status status = C2_OK;
  *frame = (c2_frame){.columns = 0};
  C2_GOTO(open_columns(&c, want, input->odd, err));
  C2_GOTO(read_rows(&c, input->is_settled, input->expected, err));
  input->is_settled = input->is_settled || c.rows > 0;
  for (size_t k = 0; k < wants; k++) input->dialect.has_time_texts |= want[k].type == C2_WANT_TIME;
  C2_GOTO(c2_alloc_array(wants, sizeof *frame->column, &frame->column, err));
  frame->rows = c.rows;
  for (; frame->columns < wants; frame->columns++) {
    C2_GOTO(finish_column(&c, &c.builder[frame->columns], &frame->column[frame->columns], err));
  }
  frame->line = c.line;
  c.line = NULL;
fail:
  for (size_t k = 0; c.builder && k < wants; k++) {
    free(c.builder[k].cell);
    free(c.builder[k].code);
    c2_lookup_free(&c.builder[k].words);
    free(c.builder[k].number);
    free(c.builder[k].time);
    free(c.builder[k].zone);
  }
  free(c.builder);
  free(c.line);
  return status;
}

static c2_status read_columns(c2_input *input, const c2_want *want, size_t wants, c2_frame *frame, c2_error *err) {
  C2_TRY(read_text(input, want, wants, frame, err));
  if (frame->rows > 0) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: a header but no rows", input->name);
}

/* A window's rows at a time; a window of empty lines has none. */
static c2_status next_rows(c2_input *input, const c2_want *want, size_t wants, size_t most, c2_frame *frame,
                           c2_error *err) {
  (void)most;
  bool more = true;
  *frame = (c2_frame){.columns = 0};
  if (!input->odd) C2_TRY(c2_alloc_array(wants, sizeof *input->odd, &input->odd, err));
  while (frame->rows == 0) {
    c2_frame_free(frame);
    while (input->csv.at >= input->csv.end && more) {
      C2_TRY(c2_csv_window_move(input->window, &more, err));
      if (more) C2_TRY(c2_csv_continue(&input->csv, input->window, err));
    }
    if (!more) return refuse_odd(input, want, wants, err);
    C2_TRY(read_text(input, want, wants, frame, err));
  }
  return C2_OK;
}

static bool sniff(const c2_input *input) {
  (void)input;
  return true; /* what no other reader recognises */
}

static c2_status open_csv(c2_input *input, c2_error *err) {
  C2_TRY(c2_csv_open(&input->csv, input->name, input->text, input->size, input->dialect.delimiter, err));
  input->dialect.delimiter = input->csv.delimiter;
  input->header = &input->csv.names;
  return C2_OK;
}

const c2_reader c2_csv_reader = {"CSV", sniff, open_csv, read_columns, NULL, NULL, next_rows};
