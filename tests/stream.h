/* What the tests of chronos2_predict_stream share: a table in arrays, and forecasts of streams read back. */
#ifndef C2_TESTS_STREAM_H
#define C2_TESTS_STREAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <math.h>
#include <stdio.h>

#include "arrow.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"
#define HOUR INT64_C(3600000000)

enum { ITEMS = 3, ROWS = 60, HORIZON = 4, LEVELS = 3, TEXT = 16 };

static chronos2_model *model;
static chronos2_session *session;
static const double levels[LEVELS] = {0.1, 0.5, 0.97};
static const size_t lengths[ITEMS] = {20, 3, 37};
static const char *const names[ITEMS] = {"beta", "", "a longer name than views hold"};

/* The rows of a table, as arrays that columns point into. */
static struct {
  size_t rows;
  char bytes[ROWS * 32];
  int32_t text[ROWS + 1];
  int64_t wide_text[ROWS + 1], stamp[ROWS], integer[ROWS];
  double y[ROWS], x[ROWS];
  float y32[ROWS];
  int32_t kind_at[ROWS + 1];
  char kind_bytes[ROWS * 4];
} past;

static int open_all(void **state) {
  (void)state;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .threads = 1};
  return chronos2_model_open(MODEL, NULL, &model) != CHRONOS2_OK ||
         chronos2_session_open(model, &options, &session) != CHRONOS2_OK;
}

static int close_all(void **state) {
  (void)state;
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return 0;
}

static inline size_t first_row(size_t item) {
  size_t first = 0;
  for (size_t i = 0; i < item; i++) first += lengths[i];
  return first;
}

static void put_row(size_t row, size_t item, int64_t stamp) {
  size_t size = strlen(names[item]);
  memcpy(past.bytes + past.text[row], names[item], size);
  past.text[row + 1] = past.text[row] + (int32_t)size;
  past.wide_text[row + 1] = past.text[row + 1];
  past.integer[row] = (int64_t)item * 7 - 5;
  past.stamp[row] = stamp;
  past.y[row] = (double)(row % 7) + 0.25 * (double)(row % 11);
  past.y32[row] = (float)past.y[row];
  past.x[row] = row % 5 == 3 ? (double)NAN : (double)(row % 3);
  const char *kind = row % 4 == 0 ? "no" : "yes";
  memcpy(past.kind_bytes + past.kind_at[row], kind, strlen(kind));
  past.kind_at[row + 1] = past.kind_at[row] + (int32_t)strlen(kind);
}

static void fill_past(void) {
  memset(&past, 0, sizeof past);
  for (size_t item = 0; item < ITEMS; item++) {
    for (size_t i = 0; i < lengths[item]; i++) put_row(past.rows++, item, (int64_t)(100 * item + i) * HOUR);
  }
}

static int prepare(void **state) {
  (void)state;
  fill_past();
  return 0;
}

static mock_column column(const char *name, const char *format, const void *values, size_t rows) {
  return (mock_column){.name = name, .format = format, .length = (int64_t)rows, .buffers = {NULL, values}};
}

static mock_column text_column(const char *name, const char *format, const void *offsets, const char *bytes) {
  return (mock_column){
      .name = name, .format = format, .length = (int64_t)past.rows, .buffers = {NULL, offsets, bytes}};
}

/* The whole table: ids, time stamps, target, x, kind. */
static mock_batch whole(size_t columns) {
  return (mock_batch){.rows = (int64_t)past.rows,
                      .columns = columns,
                      .column = {text_column("item_id", "u", past.text, past.bytes),
                                 column("timestamp", "tsu:", past.stamp, past.rows),
                                 column("target", "g", past.y, past.rows), column("x", "g", past.x, past.rows),
                                 text_column("kind", "u", past.kind_at, past.kind_bytes)}};
}

/* Rows [first, first + count) of a batch, by the offset of its struct or of its columns. */
static inline mock_batch slice(const mock_batch *b, size_t first, size_t count, bool by_columns) {
  mock_batch piece = *b;
  piece.rows = (int64_t)count;
  piece.offset = by_columns ? 0 : (int64_t)first;
  for (size_t i = 0; i < b->columns && by_columns; i++) {
    piece.column[i].offset += (int64_t)first;
    piece.column[i].length = (int64_t)count;
  }
  return piece;
}

/* ---- What comes out ---------------------------------------------------------------------------- */

typedef struct row {
  char id[40], target[TEXT];
  int64_t stamp;
  bool is_null;
  char error[200]; /* "" where there is none */
  float value[LEVELS + 1]; /* predictions, levels */
} row;

typedef struct result {
  row *rows;
  size_t count;
  char formats[2][32]; /* of ids and time stamps */
  size_t arrays;
} result;

static int64_t integer_at(const struct ArrowArray *a, const char *format, int64_t i) {
  bool narrow = strcmp(format, "i") == 0 || strcmp(format, "tdD") == 0;
  if (strcmp(format, "C") == 0) return ((const uint8_t *)a->buffers[1])[i];
  if (strcmp(format, "c") == 0) return ((const int8_t *)a->buffers[1])[i];
  return narrow ? ((const int32_t *)a->buffers[1])[i] : ((const int64_t *)a->buffers[1])[i];
}

static void copy_text(char *out, size_t room, const struct ArrowArray *a, bool wide, int64_t i) {
  int64_t begin = wide ? ((const int64_t *)a->buffers[1])[i] : ((const int32_t *)a->buffers[1])[i];
  int64_t end = wide ? ((const int64_t *)a->buffers[1])[i + 1] : ((const int32_t *)a->buffers[1])[i + 1];
  assert_true(end >= begin && (size_t)(end - begin) < room);
  memcpy(out, (const char *)a->buffers[2] + begin, (size_t)(end - begin));
  out[end - begin] = '\0';
}

static void take_rows(result *r, const struct ArrowArray *a) {
  r->rows = realloc(r->rows, (r->count + (size_t)a->length) * sizeof *r->rows);
  for (int64_t i = 0; i < a->length; i++) {
    row *to = &r->rows[r->count++];
    const char *id = r->formats[0];
    if (*id == 'u' || *id == 'U') {
      copy_text(to->id, sizeof to->id, a->children[0], *id == 'U', i);
    } else {
      (void)snprintf(to->id, sizeof to->id, "%lld", (long long)integer_at(a->children[0], id, i));
    }
    copy_text(to->target, sizeof to->target, a->children[2], false, i);
    to->stamp = integer_at(a->children[1], r->formats[1], i);
    const uint8_t *valid = a->children[3]->buffers[0];
    to->is_null = valid && !(valid[i / 8] >> i % 8 & 1);
    for (int64_t q = 0; q <= LEVELS; q++) to->value[q] = ((const float *)a->children[3 + q]->buffers[1])[i];
    to->error[0] = '\0';
    if (a->n_children > 4 + LEVELS) copy_text(to->error, sizeof to->error, a->children[4 + LEVELS], false, i);
    assert_true(a->n_children == 4 + LEVELS || !to->is_null == !to->error[0]);
  }
}

static chronos2_predict_options predict;
static chronos2_stream_options options;
static char warnings[1024];

static void check_schema(result *r, struct ArrowArrayStream *out) {
  static const char *const expected[] = {"item_id", "timestamp", "target_name", "predictions",
                                         "0.1",     "0.5",       "0.97",        "error"};
  size_t columns = 4 + LEVELS + options.error_column;
  struct ArrowSchema schema;
  assert_int_equal(out->get_schema(out, &schema), 0);
  assert_string_equal(schema.format, "+s");
  assert_int_equal(schema.n_children, columns);
  for (size_t i = 0; i < columns; i++) {
    assert_string_equal(schema.children[i]->name, expected[i]);
    if (i < 2) (void)snprintf(r->formats[i], sizeof r->formats[i], "%s", schema.children[i]->format);
    if (i >= 2) assert_string_equal(schema.children[i]->format, i == 2 || i == 4 + LEVELS ? "u" : "f");
  }
  schema.release(&schema);
  assert_null(schema.release);
}

/* Reads all; the status of get_next, and the text of the output's last error in `error`. */
static int read_all(result *r, struct ArrowArrayStream *out, char error[512]) {
  int code = 0;
  for (;;) {
    struct ArrowArray array = {.release = NULL};
    code = out->get_next(out, &array);
    if (code != 0 || !array.release) break;
    take_rows(r, &array);
    r->arrays++;
    array.release(&array);
    assert_null(array.release);
  }
  const char *text = out->get_last_error(out);
  (void)snprintf(error, 512, "%s", text ? text : "");
  return code;
}

static void hear(void *user, const char *text) {
  char *to = user;
  (void)snprintf(to + strlen(to), sizeof warnings - strlen(to), "%s\n", text);
}

static void reset_options(void) {
  predict = (chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  options = (chronos2_stream_options){CHRONOS2_STREAM_OPTIONS_INIT,
                                      .predict = &predict,
                                      .quantile_levels = levels,
                                      .level_count = LEVELS,
                                      .on_warning = hear,
                                      .user = warnings};
  warnings[0] = '\0';
}

/* Forecasts the tables; everything that a producer gave must have been released. The error is that of the call or of
 * the output; NULL: there must be none. */
static result forecast(mock_table *df, mock_table *future_df, const char *error) {
  result r = {.count = 0};
  struct ArrowArrayStream in = mock_stream(df);
  struct ArrowArrayStream known = {.release = NULL};
  struct ArrowArrayStream out;
  char text[512] = "";
  if (future_df) known = mock_stream(future_df);
  chronos2_status status = chronos2_predict_stream(session, &in, future_df ? &known : NULL, &options, &out);
  assert_null(in.release);
  assert_null(known.release);
  if (status == CHRONOS2_OK) {
    check_schema(&r, &out);
    (void)read_all(&r, &out, text);
    out.release(&out);
  } else {
    (void)snprintf(text, sizeof text, "%s", chronos2_last_error());
  }
  assert_null(out.release);
  assert_int_equal(df->live, 0);
  if (future_df) assert_int_equal(future_df->live, 0);
  if (!error && text[0]) fail_msg("%s", text);
  if (error && !strstr(text, error)) fail_msg("'%s' doesn't say '%s'", text, error);
  return r;
}

static result forecast_batches(const mock_batch *batch, size_t count, const char *error) {
  mock_table table = {.batches = count, .batch = batch};
  return forecast(&table, NULL, error);
}

static void free_result(result *r) {
  free(r->rows);
  *r = (result){.count = 0};
}

/* Values of one row an item and step. */
static inline void expect_equal(const result *found, const result *expected) {
  assert_int_equal(found->count, expected->count);
  for (size_t i = 0; i < found->count; i++) {
    assert_string_equal(found->rows[i].target, expected->rows[i].target);
    assert_memory_equal(found->rows[i].value, expected->rows[i].value, sizeof found->rows[i].value);
  }
}

#endif
