/* chronos2_predict_stream: tables as Arrow streams in every form that they can have, and tables that are refused. */
#include "stream.h"

/* ---- Tests ------------------------------------------------------------------------------------- */

static void test_values_are_those_of_predict(void **state) {
  (void)state;
  chronos2_column columns[ITEMS][2];
  chronos2_covariate covariate[ITEMS];
  chronos2_series series[ITEMS];
  chronos2_forecast *direct = NULL;
  mock_batch b = whole(4);
  reset_options();
  for (size_t i = 0; i < ITEMS; i++) {
    columns[i][0] = (chronos2_column){.values = past.y + first_row(i)};
    columns[i][1] = (chronos2_column){.values = past.x + first_row(i)};
    covariate[i] = (chronos2_covariate){.name = "x", .past_column = &columns[i][1]};
    series[i] = (chronos2_series){.length = lengths[i],
                                  .targets = 1,
                                  .target_column = &columns[i][0],
                                  .covariates = 1,
                                  .covariate = &covariate[i]};
  }
  assert_int_equal(chronos2_predict(session, series, ITEMS, &predict, &direct), CHRONOS2_OK);
  result r = forecast_batches(&b, 1, NULL);
  assert_int_equal(r.count, ITEMS * HORIZON);
  for (size_t i = 0; i < ITEMS; i++) {
    double at[HORIZON * LEVELS];
    assert_int_equal(chronos2_forecast_at_levels(direct, i, 0, levels, LEVELS, at), CHRONOS2_OK);
    for (size_t h = 0; h < HORIZON; h++) {
      const row *found = &r.rows[i * HORIZON + h];
      assert_string_equal(found->id, names[i]);
      assert_string_equal(found->target, "target");
      assert_true(found->stamp == past.stamp[first_row(i) + lengths[i] - 1] + (int64_t)(h + 1) * HOUR);
      assert_true(found->value[0] == (float)chronos2_forecast_median(direct, i, 0)[h]);
      for (size_t q = 0; q < LEVELS; q++) assert_true(found->value[1 + q] == (float)at[h * LEVELS + q]);
    }
  }
  assert_string_equal(warnings, "");
  free_result(&r);
  chronos2_forecast_free(&direct);
}

static void test_slices(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 2, 7, 19, 20, 21, 59};
  mock_batch all = whole(5);
  reset_options();
  result expected = forecast_batches(&all, 1, NULL);
  for (size_t k = 0; k < 2 * sizeof sizes / sizeof *sizes; k++) {
    mock_batch pieces[ROWS + 1];
    size_t count = 0;
    size_t size = sizes[k / 2];
    for (size_t first = 0; first < past.rows; first += size) {
      size_t rows = first + size < past.rows ? size : past.rows - first;
      pieces[count++] = slice(&all, first, rows, k % 2);
    }
    pieces[count++] = slice(&all, 3, 0, k % 2); /* an empty one */
    options.batch_series = k % 3;
    result found = forecast_batches(pieces, count, NULL);
    expect_equal(&found, &expected);
    free_result(&found);
  }
  free_result(&expected);
}

static void test_rows_that_come_apart(void **state) {
  (void)state;
  mock_batch all = whole(5);
  reset_options();
  result expected = forecast_batches(&all, 1, NULL);
  mock_batch pieces[] = {slice(&all, 10, 10, true), slice(&all, 20, 30, false), slice(&all, 0, 10, true),
                         slice(&all, 50, 10, true)};
  mock_table table = {.batches = 4, .batch = pieces};
  result none = forecast(&table, NULL, "df: rows of item 'beta' come again after another item's");
  free_result(&none);
  options.gather = true;
  result found = forecast(&table, NULL, NULL);
  expect_equal(&found, &expected);
  free_result(&found);
  for (size_t i = 0; i < lengths[2]; i += 2) { /* an item backwards in pairs */
    size_t a = first_row(2) + i;
    if (a + 1 >= past.rows) break;
    int64_t stamp = past.stamp[a];
    past.stamp[a] = past.stamp[a + 1];
    past.stamp[a + 1] = stamp;
    double y = past.y[a];
    past.y[a] = past.y[a + 1];
    past.y[a + 1] = y;
  }
  options.gather = false;
  mock_batch bare = whole(3);
  found = forecast_batches(&bare, 1, NULL);
  fill_past();
  result sorted = forecast_batches(&bare, 1, NULL);
  expect_equal(&found, &sorted);
  free_result(&sorted);
  free_result(&found);
  free_result(&expected);
}

static void test_producers_fail(void **state) {
  (void)state;
  mock_batch all = whole(4);
  mock_batch pieces[] = {slice(&all, 0, 30, true), slice(&all, 30, 30, true)};
  mock_table table = {.batches = 2, .batch = pieces, .fails_at = 2, .error = "the disk is on fire"};
  struct ArrowArrayStream out;
  struct ArrowArray array;
  reset_options();
  result r = forecast(&table, NULL, "df: reading it failed: the disk is on fire");
  assert_int_equal(r.count, 0);
  free_result(&r);
  struct ArrowArrayStream in = mock_stream(&table);
  assert_int_equal(chronos2_predict_stream(session, &in, NULL, &options, &out), CHRONOS2_OK);
  assert_int_equal(out.get_next(&out, &array), EHOSTDOWN); /* its own number */
  assert_null(array.release);
  assert_int_equal(out.get_next(&out, &array), EHOSTDOWN); /* and again */
  out.release(&out);
  assert_int_equal(table.live, 0);
  table.error = NULL;
  r = forecast(&table, NULL, strerror(EHOSTDOWN));
  free_result(&r);
  table.schema_code = ENOMEM;
  r = forecast(&table, NULL, "df: its schema can't be read");
  free_result(&r);
}

static void test_releases_early(void **state) {
  (void)state;
  mock_batch all = whole(4);
  mock_batch pieces[] = {slice(&all, 0, 30, true), slice(&all, 30, 30, true)};
  mock_table table = {.batches = 2, .batch = pieces};
  reset_options();
  options.batch_series = 1;
  for (int reads = 0; reads < 3; reads++) {
    struct ArrowArrayStream in = mock_stream(&table);
    struct ArrowArrayStream out;
    struct ArrowArray array;
    struct ArrowArray child = {.release = NULL};
    assert_int_equal(chronos2_predict_stream(session, &in, NULL, &options, &out), CHRONOS2_OK);
    for (int i = 0; i < reads; i++) {
      assert_int_equal(out.get_next(&out, &array), 0);
      if (i > 0 || reads == 1) {
        array.release(&array);
        continue;
      }
      child = *array.children[4]; /* moved, and kept beyond the stream */
      array.children[4]->release = NULL;
      array.release(&array);
    }
    out.release(&out);
    assert_null(out.release);
    assert_int_equal(table.live, 0);
    if (!child.release) continue;
    assert_true(isfinite(((const float *)child.buffers[1])[child.length - 1]));
    child.release(&child);
  }
}

/* ---- Types ------------------------------------------------------------------------------------- */

typedef struct view {
  int32_t size;
  char start[4];
  int32_t buffer, offset;
} view;

static mock_column id_views(view *views, int64_t *bytes) {
  mock_column c = column("item_id", "vu", views, past.rows);
  for (size_t i = 0; i < past.rows; i++) {
    int32_t size = past.text[i + 1] - past.text[i];
    views[i] = (view){.size = size, .offset = past.text[i]};
    if (size > 12) memcpy(views[i].start, past.bytes + past.text[i], 4);
    if (size <= 12) memcpy(views[i].start, past.bytes + past.text[i], (size_t)size);
  }
  *bytes = past.text[past.rows];
  c.n_buffers = 4;
  c.buffers[2] = past.bytes;
  c.buffers[3] = bytes;
  return c;
}

static void expect_ids(const result *r, const char *format, const char *const *ids) {
  assert_string_equal(r->formats[0], format);
  for (size_t i = 0; i < r->count; i++) assert_string_equal(r->rows[i].id, ids[i / HORIZON]);
}

static void test_types_of_ids(void **state) {
  (void)state;
  static const char *const numbers[] = {"-5", "2", "9"};
  static const char *const few[] = {"251", "2", "9"}; /* as bytes without a sign */
  static view views[ROWS];
  static int32_t narrow[ROWS];
  static uint8_t bytes[ROWS];
  static int32_t word_at[] = {0, 0, 4, 33};
  static uint16_t index[ROWS];
  int64_t size = 0;
  mock_batch b = whole(3);
  reset_options();
  result expected = forecast_batches(&b, 1, NULL);
  mock_column words = {
      .name = "", .format = "u", .length = 3, .buffers = {NULL, word_at, "betaa longer name than views hold"}};
  size_t at = 0;
  for (size_t item = 0; item < ITEMS; item++) {
    for (size_t i = 0; i < lengths[item]; i++, at++) {
      narrow[at] = (int32_t)past.integer[at];
      bytes[at] = (uint8_t)past.integer[at];
      index[at] = (uint16_t)(item == 0 ? 1 : item == 1 ? 0 : 2);
    }
  }
  mock_column indices = column("item_id", "S", index, past.rows);
  indices.dictionary = &words;
  const struct {
    mock_column column;
    const char *format;
    const char *const *ids;
  } forms[] = {
      {text_column("item_id", "U", past.wide_text, past.bytes), "U", names},
      {id_views(views, &size), "u", names},
      {indices, "u", names},
      {column("item_id", "l", past.integer, past.rows), "l", numbers},
      {column("item_id", "i", narrow, past.rows), "i", numbers},
      {column("item_id", "c", bytes, past.rows), "c", numbers},
      {column("item_id", "C", bytes, past.rows), "C", few},
  };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    b.column[0] = forms[i].column;
    result found = forecast_batches(&b, 1, NULL);
    expect_equal(&found, &expected);
    expect_ids(&found, forms[i].format, forms[i].ids);
    free_result(&found);
  }
  free_result(&expected);
}

static uint16_t half_of(double value) { /* positive, exact */
  int exponent = 0;
  if (value == 0) return 0;
  double fraction = frexp(value, &exponent);
  return (uint16_t)((exponent + 14) << 10 | (int)(fraction * 2048 - 1024));
}

static void test_types_of_numbers(void **state) {
  (void)state;
  static uint16_t half[ROWS];
  static int8_t small[ROWS];
  static uint64_t large[ROWS];
  static uint8_t bits[ROWS / 8 + 1], valid[ROWS / 8 + 2];
  static double whole_numbers[ROWS], truth[ROWS], holes[ROWS], shifted[ROWS + 3], cents[ROWS], large_cents[ROWS];
  static int64_t decimal[ROWS][2], large_decimal[ROWS][2]; /* the lower word first */
  reset_options();
  for (size_t i = 0; i < past.rows; i++) {
    half[i] = half_of(past.y[i]);
    small[i] = (int8_t)(large[i] = (uint64_t)(whole_numbers[i] = (double)(i % 13)));
    truth[i] = (double)(i % 3 == 0);
    if (i % 3 == 0) bits[i / 8] |= (uint8_t)(1 << i % 8);
    cents[i] = ((double)(i * i) - 700) / 100;
    decimal[i][0] = (int64_t)(i * i) - 700;
    decimal[i][1] = decimal[i][0] < 0 ? -1 : 0;
    large_cents[i] = (double)(i % 7) * 0x1p70 * 100;
    large_decimal[i][1] = (int64_t)(i % 7) * 64;
    holes[i] = i % 5 == 1 ? (double)NAN : past.y[i];
    shifted[i + 3] = past.y[i];
    size_t bit = i + 3;
    if (i % 5 != 1) valid[bit / 8] |= (uint8_t)(1 << bit % 8);
  }
  mock_column masked = column("target", "g", shifted, past.rows);
  masked.buffers[0] = valid;
  masked.offset = 3;
  masked.null_count = -1; /* nobody counted */
  const struct {
    const double *values;
    mock_column column;
  } forms[] = {
      {past.y, column("target", "f", past.y32, past.rows)},
      {past.y, column("target", "e", half, past.rows)},
      {whole_numbers, column("target", "c", small, past.rows)},
      {whole_numbers, column("target", "L", large, past.rows)},
      {truth, column("target", "b", bits, past.rows)},
      {holes, masked},
      {cents, column("target", "d:12,2", decimal, past.rows)},
      {cents, column("target", "d:38,2,128", decimal, past.rows)},
      {large_cents, column("target", "d:38,-2", large_decimal, past.rows)},
  };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    mock_batch b = whole(3);
    b.column[2] = column("target", "g", forms[i].values, past.rows);
    result expected = forecast_batches(&b, 1, NULL);
    b.column[2] = forms[i].column;
    result found = forecast_batches(&b, 1, NULL);
    expect_equal(&found, &expected);
    free_result(&found);
    free_result(&expected);
  }
}

/* A cell such as '-' makes a column of numbers categories. A dictionary was asked for. */
static void test_texts_that_are_partly_numbers(void **state) {
  (void)state;
  static const char *const words[][3] = {
      {" 1.5", "-", "+2e1 "}, {"n.a.", "7", "-"}, {"1", ".5", "03"}, {"a", "", "1_2"}};
  static const char *const odd[] = {"-", "n.a.", NULL, NULL};
  static int32_t at[4];
  static int32_t index[ROWS];
  for (size_t i = 0; i < past.rows; i++) index[i] = (int32_t)(i % 3);
  for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
    char bytes[64] = "";
    char said[200] = "";
    mock_batch df = whole(5);
    past.kind_at[0] = 0;
    for (size_t i = 0; i < past.rows; i++) {
      const char *word = words[k][i % 3];
      memcpy(past.kind_bytes + past.kind_at[i], word, strlen(word));
      past.kind_at[i + 1] = past.kind_at[i] + (int32_t)strlen(word);
    }
    reset_options();
    mock_table table = {.batches = 1, .batch = &df};
    result r = forecast(&table, NULL, NULL);
    free_result(&r);
    if (odd[k]) {
      (void)snprintf(said, sizeof said, "column 'kind' is read as categories: '%s' is no number\n", odd[k]);
    }
    assert_string_equal(warnings, said);
    for (size_t i = 0; i < 3; i++) {
      strcat(bytes, words[k][i]);
      at[i + 1] = (int32_t)strlen(bytes);
    }
    mock_column dictionary = {.name = "", .format = "u", .length = 3, .buffers = {NULL, at, bytes}};
    df.column[4] = column("kind", "i", index, past.rows);
    df.column[4].dictionary = &dictionary;
    reset_options();
    r = forecast(&table, NULL, NULL);
    free_result(&r);
    assert_string_equal(warnings, "");
  }
}

static void test_types_of_time_stamps(void **state) {
  (void)state;
  static int64_t stamps[ROWS];
  static int32_t days[ROWS];
  static const struct {
    const char *format;
    int64_t hours, day; /* of an hour and a day; 0: it holds none */
  } forms[] = {{"tss:", 3600, 86400},         {"tsm:", 3600000, 86400000}, {"tsn:", 3600 * INT64_C(1000000000), 0},
               {"tsu:UTC", HOUR, 24 * HOUR},  {"tsu:-03:30", HOUR, 0},     {"tdm", 0, 86400000},
               {"tdD", 0, 1}};
  reset_options();
  for (size_t k = 0; k < 2 * sizeof forms / sizeof *forms; k++) {
    int64_t step = k % 2 ? forms[k / 2].day : forms[k / 2].hours;
    const char *format = forms[k / 2].format;
    mock_batch b = whole(3);
    if (step == 0) continue;
    for (size_t i = 0; i < past.rows; i++) {
      stamps[i] = past.stamp[i] / HOUR * step;
      days[i] = (int32_t)stamps[i];
    }
    b.column[1] = column("timestamp", format, strcmp(format, "tdD") == 0 ? (const void *)days : stamps, past.rows);
    result r = forecast_batches(&b, 1, NULL);
    assert_string_equal(r.formats[1], format);
    assert_int_equal(r.count, ITEMS * HORIZON);
    for (size_t i = 0; i < r.count; i++) {
      size_t item = i / HORIZON;
      int64_t last = stamps[first_row(item) + lengths[item] - 1];
      assert_true(r.rows[i].stamp == last + (int64_t)(i % HORIZON + 1) * step);
    }
    free_result(&r);
  }
  mock_batch b = whole(3); /* a step that the type can't hold */
  b.column[1] = column("timestamp", "tdD", days, past.rows);
  options.freq = "h";
  result r = forecast_batches(&b, 1, "can't hold steps of h");
  free_result(&r);
}

/* ---- What is told ------------------------------------------------------------------------------ */

static void test_items_without_a_value(void **state) {
  (void)state;
  static const uint8_t valid[ROWS / 8 + 1];
  mock_batch df = whole(3);
  reset_options();
  for (size_t i = 0; i < lengths[0] + lengths[1]; i++) past.y[i] = (double)NAN;
  result r = forecast_batches(&df, 1, NULL);
  assert_string_equal(warnings, "2 items, 'beta' the first, hold no observed value\n");
  free_result(&r);
  reset_options();
  past.y[lengths[0] + lengths[1] - 1] = 1;
  r = forecast_batches(&df, 1, NULL);
  assert_string_equal(warnings, "1 item, 'beta' the first, holds no observed value\n");
  free_result(&r);
  reset_options();
  df.column[2].buffers[0] = valid; /* none is */
  df.column[2].null_count = -1;
  r = forecast_batches(&df, 1, NULL);
  assert_string_equal(warnings, "3 items, 'beta' the first, hold no observed value\n");
  free_result(&r);
}

static void test_numbers_beyond_float32(void **state) {
  (void)state;
  mock_batch df = whole(3);
  reset_options();
  for (size_t i = 0; i < lengths[0]; i++) past.y[i] = 1e300 * (double)(1 + i % 3);
  result r = forecast_batches(&df, 1, NULL);
  assert_string_equal(warnings, "16 numbers are beyond the range of float32, so infinite\n");
  assert_true(isinf(r.rows[0].value[0]) && isfinite(r.rows[HORIZON].value[0]));
  free_result(&r);
}

/* Around 1e9 a step of float32 is 64; a constant series has a narrow band rightly. */
static void test_bands_that_float32_rounds(void **state) {
  (void)state;
  mock_batch df = whole(3);
  reset_options();
  for (size_t i = 0; i < lengths[0]; i++) past.y[i] = 1e9 + (double)(i % 3);
  result r = forecast_batches(&df, 1, NULL);
  assert_string_equal(warnings, "1 item, 'beta' the first, varies so little around its level that float32 rounds the "
                                "bands: subtract the mean and divide by the standard deviation before\n");
  free_result(&r);
  warnings[0] = '\0';
  for (size_t i = 0; i < lengths[0]; i++) past.y[i] = 1e-60 * (double)(i % 3);
  r = forecast_batches(&df, 1, NULL);
  assert_non_null(strstr(warnings, "float32 rounds the bands"));
  free_result(&r);
  warnings[0] = '\0';
  for (size_t i = 0; i < lengths[0]; i++) past.y[i] = 1e9;
  r = forecast_batches(&df, 1, NULL);
  assert_string_equal(warnings, "");
  free_result(&r);
}

static void test_names_that_forecasts_have(void **state) {
  (void)state;
  static const char *const taken[] = {"predictions", "target_name", "0.97", "error"};
  for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
    char text[128];
    mock_batch df = whole(3);
    reset_options();
    options.error_column = true;
    (void)snprintf(text, sizeof text, "%s: the forecasts have a column '%s' of their own",
                   i % 2 ? "timestamp_column" : "id_column", taken[i]);
    df.column[i % 2].name = taken[i];
    *(i % 2 ? &options.timestamp_column : &options.id_column) = taken[i];
    result r = forecast_batches(&df, 1, text);
    free_result(&r);
  }
}

/* ---- What is refused --------------------------------------------------------------------------- */

static void refuse(mock_batch b, const char *error) {
  result r = forecast_batches(&b, 1, error);
  assert_int_equal(r.count, 0);
  free_result(&r);
}

static void test_types_that_are_refused(void **state) {
  (void)state;
  static const struct {
    size_t column;
    const char *format, *error;
  } cases[] = {
      {0, "g", "df: column 'item_id': expected ids that are text or integers, found float64"},
      {1, "l", "df: column 'timestamp': expected timestamps or dates, found integer"},
      {1, "tsx:", "df: column 'timestamp': expected timestamps or dates, found Arrow's 'tsx:'"},
      {2, "d:10,2,256", "Target column 'target' must be numeric, got dtype decimal"},
      {2, "u", "Target column 'target' must be numeric, got dtype string"},
      {3, "d:10,2,256", "df: column 'x': expected numbers, text, booleans or a dictionary, found decimal"},
      {3, "+l", "df: column 'x': expected numbers, text, booleans or a dictionary, found nested values"},
      {3, "", "found Arrow's ''"},
  };
  reset_options();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mock_batch b = whole(4);
    b.column[cases[i].column].format = cases[i].format;
    refuse(b, cases[i].error);
  }
  mock_batch b = whole(4);
  b.column[3].name = "target";
  refuse(b, "df: several columns are named 'target'");
  b.column[3].name = b.column[2].name = "y";
  refuse(b, "df does not contain all expected columns. Missing columns: {'target'}");
  b = whole(4);
  mock_table flat = {.format = "u", .batches = 1, .batch = &b};
  result r = forecast(&flat, NULL, "df: expected record batches, found the Arrow type 'u'");
  free_result(&r);
}

static void test_damaged_arrays(void **state) {
  (void)state;
  static uint8_t none[ROWS / 8 + 1];
  static int32_t offsets[ROWS + 1];
  reset_options();
  mock_batch good = whole(4);
  mock_batch b = good;
#define DAMAGE(what, error) \
  do {                      \
    b = good;               \
    what;                   \
    refuse(b, error);       \
  } while (0)
  DAMAGE(b.column[2].length--, "column 'target': the Arrow array is damaged: it is too short");
  DAMAGE(b.column[2].length = -1, "a negative size");
  DAMAGE(b.column[2].offset = -1, "a negative size");
  DAMAGE(b.column[2].offset = INT64_MAX, "a size overflows");
  DAMAGE(b.column[2].n_buffers = 1, "a wrong number of buffers");
  DAMAGE(b.column[2].n_buffers = 3, "a wrong number of buffers");
  DAMAGE(b.column[2].n_buffers = -7, "a negative size");
  DAMAGE(b.column[2].buffers[1] = NULL, "no values");
  DAMAGE(b.column[2].buffers[1] = (const char *)past.y + 1, "values are not aligned");
  DAMAGE(b.column[3].is_missing = true, "it was released already");
  DAMAGE(b.rows = -1, "the Arrow array is damaged");
  DAMAGE(b.offset = -1, "the Arrow array is damaged");
  DAMAGE(b.rows = INT64_MAX, "it is too short");
  DAMAGE(b.offset = INT64_MAX, "it is too short");
  DAMAGE(b.n_children = 3, "expected 4 columns, found 3");
  DAMAGE(b.n_children = INT64_MAX, "expected 4 columns, found");
  DAMAGE(b.n_children = -1, "expected 4 columns, found -1");
  DAMAGE((b.validity = none, b.null_count = 1), "a row is null as a whole");
  DAMAGE((b.column[0].buffers[0] = none, b.column[0].null_count = 1), "df has a missing value in column 'item_id'");
  DAMAGE((b.column[1].buffers[0] = none, b.column[1].null_count = 1), "df has a missing value in column 'timestamp'");
  DAMAGE(b.column[0].buffers[2] = NULL, "no bytes of texts");
  memcpy(offsets, past.text, sizeof offsets);
  offsets[30] = -4;
  DAMAGE(b.column[0].buffers[1] = offsets, "offsets of texts fall");
  past.stamp[5] = INT64_MAX;
  DAMAGE(b.column[1].format = "tss:", "expected time stamps of whole microseconds in the years 1 to 9999");
#undef DAMAGE
}

static void test_damaged_views(void **state) {
  (void)state;
  static struct {
    int32_t size;
    char start[4];
    int32_t buffer, offset;
  } views[ROWS], bad[] = {{-1, "", 0, 0}, {20, "", 1, 0}, {20, "", -1, 0}, {20, "", 0, 13}, {20, "", 0, -1}};
  int64_t size = 32;
  reset_options();
  mock_batch b = whole(3);
  b.column[0] = column("item_id", "vu", views, past.rows);
  b.column[0].n_buffers = 4;
  b.column[0].buffers[2] = past.bytes;
  b.column[0].buffers[3] = &size;
  for (size_t i = 0; i < past.rows; i++) views[i].size = 2;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    views[9] = bad[i];
    refuse(b, i == 0 ? "a text is shorter than nothing" : "a text lies outside its buffer");
  }
  b.column[0].buffers[3] = NULL;
  refuse(b, "sizes of buffers are missing");
}

static void test_calls_that_cannot_be(void **state) {
  (void)state;
  mock_batch b = whole(4);
  mock_table table = {.batches = 1, .batch = &b};
  mock_table other = {.batches = 1, .batch = &b};
  struct ArrowArrayStream out;
  struct ArrowArrayStream in = mock_stream(&table);
  struct ArrowArrayStream also = mock_stream(&other);
  reset_options();
  assert_int_equal(chronos2_predict_stream(NULL, &in, &also, &options, &out), CHRONOS2_ERROR_ARGUMENT);
  assert_true(!in.release && !also.release && !out.release && table.live == 0 && other.live == 0);
  assert_int_equal(chronos2_predict_stream(session, &in, NULL, &options, &out), CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "df: expected a stream that wasn't released"));
  in = mock_stream(&table);
  options.reserved[2] = true;
  assert_int_equal(chronos2_predict_stream(session, &in, NULL, &options, &out), CHRONOS2_ERROR_UNSUPPORTED);
  options.reserved[2] = false;
  predict.horizon = SIZE_MAX;
  in = mock_stream(&table);
  assert_int_equal(chronos2_predict_stream(session, &in, NULL, &options, &out), CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "horizon: expected 1 to 2^20 steps"));
  static const double wrong[] = {0.5, 1.5};
  predict.horizon = 1;
  options.quantile_levels = wrong;
  options.level_count = 2;
  in = mock_stream(&table);
  assert_int_equal(chronos2_predict_stream(session, &in, NULL, &options, &out), CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "quantile_levels: expected a number in [0, 1], found 1.5"));
  static const double repeated[] = {0.5, 0.1, 0.5};
  options.quantile_levels = repeated;
  options.level_count = 3;
  in = mock_stream(&table);
  assert_int_equal(chronos2_predict_stream(session, &in, NULL, &options, &out), CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "quantile_levels: 0.5 is there twice"));
  assert_int_equal(table.live, 0);
  in = mock_stream(&table); /* all by default */
  assert_int_equal(chronos2_predict_stream(session, &in, NULL, NULL, &out), CHRONOS2_OK);
  struct ArrowSchema schema;
  assert_int_equal(out.get_schema(&out, &schema), 0);
  assert_int_equal(schema.n_children, 4 + 9);
  assert_string_equal(schema.children[12]->name, "0.9");
  schema.release(&schema);
  struct ArrowArray array;
  assert_int_equal(out.get_next(&out, &array), 0);
  const chronos2_config *c = chronos2_model_config(model);
  assert_int_equal(array.length, ITEMS * c->max_output_patches * c->patch);
  array.release(&array);
  out.release(&out);
}

static void refuse_options(const mock_batch *b, const char *error) {
  result r = forecast_batches(b, 1, error);
  free_result(&r);
}

/* The call itself refuses it, whatever the table holds. */
static void refuse_call(size_t rows, const char *error) {
  mock_batch b = whole(4);
  mock_table table = {.batches = 1, .batch = &b};
  struct ArrowArrayStream in = mock_stream(&table);
  struct ArrowArrayStream out;
  b.rows = (int64_t)rows;
  assert_int_equal(chronos2_predict_stream(session, &in, NULL, &options, &out), CHRONOS2_ERROR_ARGUMENT);
  assert_string_equal(chronos2_last_error(), error);
  assert_true(!in.release && !out.release && table.live == 0);
}

static void test_options_of_predict(void **state) {
  (void)state;
  static const double odd[] = {0.33};
  for (size_t i = 0; i < 4; i++) {
    size_t rows = i % 2 ? 0 : past.rows;
    reset_options();
    options.error_column = i / 2;
    predict.on_error = (chronos2_on_error)7;
    refuse_call(rows, "on_error: unknown 7");
    predict.on_error = CHRONOS2_ON_ERROR_SKIP;
    predict.unrolled_count = 2;
    refuse_call(rows, "unrolled_quantiles: expected 2 levels, found NULL");
    predict.unrolled_quantiles = odd;
    predict.unrolled_count = 1;
    refuse_call(rows, "unrolled_quantiles: expected levels of the model, rising, found 0.33");
    predict.unrolled_quantiles = NULL;
    predict.unrolled_count = 0;
    predict.max_output_patches = (size_t)1 << 21;
    refuse_call(rows, "max_output_patches: expected at most 2^20, found 2097152");
    predict.max_output_patches = 0;
    predict.limit_prediction_length = true;
    predict.horizon = 300;
    refuse_call(rows, "horizon: expected at most the 32 steps that the model forecasts at once, found 300");
  }
}

/* A column that is named as a covariate is one, or the call fails. */
static void test_covariates_that_are_named(void **state) {
  (void)state;
  static const char *const keys[] = {"item_id", "timestamp", "target"};
  static const char *const twice[] = {"x", "x"};
  char error[100];
  reset_options();
  options.covariate_count = 1;
  for (size_t i = 0; i < 3; i++) {
    options.covariates = &keys[i];
    (void)snprintf(error, sizeof error, "covariates: column '%s' is the id, the time stamp or a target already",
                   keys[i]);
    refuse_call(past.rows, error);
  }
  options.covariates = twice;
  options.covariate_count = 2;
  refuse_call(past.rows, "covariates: column 'x' is named twice");
  options.covariate_count = 1;
  mock_batch b = whole(4);
  result named = forecast_batches(&b, 1, NULL);
  options.covariates = NULL;
  options.covariate_count = 0;
  result all = forecast_batches(&b, 1, NULL);
  expect_equal(&named, &all);
  free_result(&named);
  free_result(&all);
}

static void test_lists_of_options(void **state) {
  (void)state;
  static double list[] = {0.5, 1.0000001};
  mock_batch b = whole(4);
  reset_options();
  options.quantile_levels = list;
  options.level_count = 2;
  refuse_options(&b, "quantile_levels: expected a number in [0, 1], found 1.0000001");
  options.quantile_levels = NULL; /* a count of nothing */
  refuse_options(&b, "quantile_levels: expected 2 levels, found NULL");
  options.level_count = 0;
  options.covariate_count = 3;
  refuse_options(&b, "covariates: expected 3 names, found NULL");
  options.covariate_count = 0;
  options.quantile_levels = list;
  options.level_count = 2;
  list[1] = -0.0; /* the level 0, and its column */
  mock_table table = {.batches = 1, .batch = &b};
  struct ArrowArrayStream in = mock_stream(&table);
  struct ArrowArrayStream out;
  struct ArrowSchema schema;
  assert_int_equal(chronos2_predict_stream(session, &in, NULL, &options, &out), CHRONOS2_OK);
  assert_int_equal(out.get_schema(&out, &schema), 0);
  assert_string_equal(schema.children[5]->name, "0.0");
  schema.release(&schema);
  out.release(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_items_without_a_value, prepare),
      cmocka_unit_test_setup(test_numbers_beyond_float32, prepare),
      cmocka_unit_test_setup(test_bands_that_float32_rounds, prepare),
      cmocka_unit_test_setup(test_names_that_forecasts_have, prepare),
      cmocka_unit_test_setup(test_values_are_those_of_predict, prepare),
      cmocka_unit_test_setup(test_slices, prepare),
      cmocka_unit_test_setup(test_rows_that_come_apart, prepare),
      cmocka_unit_test_setup(test_producers_fail, prepare),
      cmocka_unit_test_setup(test_releases_early, prepare),
      cmocka_unit_test_setup(test_types_of_ids, prepare),
      cmocka_unit_test_setup(test_types_of_numbers, prepare),
      cmocka_unit_test_setup(test_texts_that_are_partly_numbers, prepare),
      cmocka_unit_test_setup(test_types_of_time_stamps, prepare),
      cmocka_unit_test_setup(test_types_that_are_refused, prepare),
      cmocka_unit_test_setup(test_damaged_arrays, prepare),
      cmocka_unit_test_setup(test_damaged_views, prepare),
      cmocka_unit_test_setup(test_calls_that_cannot_be, prepare),
      cmocka_unit_test_setup(test_options_of_predict, prepare),
      cmocka_unit_test_setup(test_covariates_that_are_named, prepare),
      cmocka_unit_test_setup(test_lists_of_options, prepare),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
