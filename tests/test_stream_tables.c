/* chronos2_predict_stream: known futures, categories, gaps, and what is said of them. */
#include "stream.h"

/* The steps after each item's last, items in the order given: ids, time stamps, x, kind. */
static struct {
  int64_t stamp[ITEMS * HORIZON], id[ITEMS * HORIZON];
  double x[ITEMS * HORIZON];
  int32_t kind_at[ITEMS * HORIZON + 1];
  char kinds[ITEMS * HORIZON * 8];
} ahead;

static void fill_future(const size_t order[ITEMS], const char *kind) {
  for (size_t i = 0; i < ITEMS * HORIZON; i++) {
    size_t item = order[i / HORIZON];
    size_t last = (first_row(item) + lengths[item] - 1) % ROWS;
    ahead.id[i] = past.integer[last];
    ahead.stamp[i] = past.stamp[last] + (int64_t)(i % HORIZON + 1) * HOUR;
    ahead.x[i] = (double)(item + i % 2);
    memcpy(ahead.kinds + ahead.kind_at[i], kind, strlen(kind));
    ahead.kind_at[i + 1] = ahead.kind_at[i] + (int32_t)strlen(kind);
  }
}

static mock_batch known(size_t columns) {
  enum { COUNT = ITEMS * HORIZON };
  mock_column kind = column("kind", "u", ahead.kind_at, COUNT);
  kind.buffers[2] = ahead.kinds;
  return (mock_batch){.rows = COUNT,
                      .columns = columns,
                      .column = {column("item_id", "l", ahead.id, COUNT),
                                 column("timestamp", "tsu:", ahead.stamp, COUNT), column("x", "g", ahead.x, COUNT),
                                 kind}};
}

/* The past with ids that are integers, as those of `known`. */
static mock_batch by_number(size_t columns) {
  mock_batch b = whole(columns);
  b.column[0] = column("item_id", "l", past.integer, past.rows);
  return b;
}

static result forecast_known(const mock_batch *df, const mock_batch *future_df, size_t futures, const char *error) {
  mock_table a = {.batches = 1, .batch = df};
  mock_table b = {.batches = futures, .batch = future_df};
  return forecast(&a, &b, error);
}

static const size_t in_order[ITEMS] = {0, 1, 2};

static void refuse_known(const mock_batch *df, mock_batch future_df, const char *error) {
  result r = forecast_known(df, &future_df, 1, error);
  free_result(&r);
}

/* ---- Known futures ----------------------------------------------------------------------------- */

static void test_futures_in_any_order_of_items(void **state) {
  (void)state;
  static const size_t orders[][ITEMS] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
  mock_batch df = by_number(5);
  reset_options();
  fill_future(in_order, "yes");
  mock_batch future = known(4);
  result expected = forecast_known(&df, &future, 1, NULL);
  for (size_t k = 0; k < 12; k++) {
    mock_batch pieces[ITEMS * HORIZON];
    size_t size = k % 2 ? 5 : ITEMS * HORIZON;
    size_t count = 0;
    options.gather = k % 4 > 1;
    options.batch_series = k / 4 ? 1 : 0;
    memset(&ahead, 0, sizeof ahead);
    fill_future(orders[k / 4], "yes");
    future = known(4);
    for (size_t first = 0; first < ITEMS * HORIZON; first += size) {
      size_t rows = ITEMS * HORIZON - first < size ? ITEMS * HORIZON - first : size;
      pieces[count++] = slice(&future, first, rows, k % 2);
    }
    result found = forecast_known(&df, pieces, count, NULL);
    expect_equal(&found, &expected);
    free_result(&found);
  }
  result without = forecast_batches(&df, 1, NULL);
  assert_true(without.rows[0].value[0] != expected.rows[0].value[0]); /* what is known counts */
  free_result(&without);
  free_result(&expected);
}

static void test_futures_that_are_refused(void **state) {
  (void)state;
  mock_batch df = by_number(5);
  for (int gathers = 0; gathers < 2; gathers++) {
    reset_options();
    options.gather = gathers;
    memset(&ahead, 0, sizeof ahead);
    fill_future(in_order, "yes");
    mock_batch b = known(4);
    refuse_known(&df, slice(&b, 0, 8, false), "future_df must have the same time series IDs as df");
    refuse_known(&df, slice(&b, 0, 11, false), "future_df must contain prediction_length=4 rows per item");
    refuse_known(&df, slice(&b, 1, 11, true), "future_df must contain prediction_length=4 rows per item");
    ahead.stamp[5] += HOUR / 2;
    refuse_known(&df, known(4), "future_df timestamps do not match the expected prediction timestamps");
    ahead.stamp[5] -= HOUR / 2;
    for (size_t i = 8; i < 12; i++) ahead.id[i] = 99;
    refuse_known(&df, known(4), "future_df must have the same time series IDs as df");
    options.skip_validation = !gathers;
    refuse_known(&df, known(4), "future_df must have the same time series IDs as df");
    memset(&ahead, 0, sizeof ahead);
    fill_future(in_order, "yes");
    mock_batch strange = known(4);
    ahead.stamp[5] += HOUR / 2;
    if (options.skip_validation) refuse_known(&df, strange, NULL); /* on its own word */
  }
  mock_batch one = by_number(5); /* a future of an item that df lacks */
  reset_options();
  memset(&ahead, 0, sizeof ahead);
  fill_future(in_order, "yes");
  one = slice(&one, 0, 20, false);
  refuse_known(&one, known(4), "future_df must have the same time series IDs as df");
}

static void test_columns_of_futures(void **state) {
  (void)state;
  mock_batch df = by_number(5);
  reset_options();
  fill_future(in_order, "yes");
  mock_batch b = known(4);
  b.column[2].name = "target";
  refuse_known(&df, b, "future_df cannot contain target columns. Target columns found: ['target']");
  b.column[2].name = "y";
  refuse_known(&df, b, "future_df cannot contain columns not present in df. Extra columns: ['y']");
  b.column[2].name = "kind";
  refuse_known(&df, b, "future_df: several columns are named 'kind'");
  b = known(4);
  b.column[2] = text_column("x", "u", past.kind_at, past.kind_bytes);
  refuse_known(&df, b, "future_df: column 'x': expected as in df float64, found string");
  b = known(4);
  b.column[3] = column("kind", "g", ahead.x, ITEMS * HORIZON);
  refuse_known(&df, b, "future_df: column 'kind': expected categories as in df, found the number");
  b = known(4);
  b.column[0] = text_column("item_id", "u", past.text, past.bytes);
  refuse_known(&df, b, "future_df: column 'item_id': expected integers as in df, found string");
  b = known(4);
  b.column[1].format = "tsu:UTC";
  refuse_known(&df, b, "future_df: column 'timestamp': expected no time zone, as in df");
  b = known(4);
  b.column[1].name = "when";
  refuse_known(&df, b, "future_df does not contain all expected columns. Missing columns: {'timestamp'}");
}

static void test_booleans_ahead_of_numbers(void **state) {
  (void)state;
  static const uint8_t bits[2] = {0x5a, 0x0c};
  mock_batch df = by_number(4);
  reset_options();
  fill_future(in_order, "yes");
  for (size_t i = 0; i < ITEMS * HORIZON; i++) ahead.x[i] = bits[i / 8] >> i % 8 & 1;
  mock_batch future = known(3);
  result expected = forecast_known(&df, &future, 1, NULL);
  assert_string_equal(warnings, "");
  future.column[2] = column("x", "b", bits, ITEMS * HORIZON);
  result r = forecast_known(&df, &future, 1, NULL);
  assert_string_equal(warnings, "column 'x': numbers in the past, booleans in the known future: True counts as 1, "
                                "False as 0\n");
  expect_equal(&r, &expected);
  free_result(&r);
  free_result(&expected);
}

/* Blank covariates, ends and futures: a line for each, whatever the batches. */
static void test_what_items_lack(void **state) {
  (void)state;
  static uint8_t valid[ROWS / 8 + 1];
  mock_batch df = by_number(5);
  fill_future(in_order, "yes");
  mock_batch future = known(4);
  reset_options();
  result r = forecast_known(&df, &future, 1, NULL);
  assert_string_equal(warnings, "");
  free_result(&r);
  for (size_t i = 0; i < past.rows; i++) {
    bool has_kind = i < lengths[0] || i >= lengths[0] + lengths[1]; /* not the second item */
    if (has_kind) valid[i / 8] |= (uint8_t)(1 << i % 8);
    if (i < lengths[0] + lengths[1]) past.x[i] = (double)NAN; /* the first two */
  }
  df.column[4].buffers[0] = valid;
  df.column[4].null_count = -1;
  for (size_t i = 1; i <= 5; i++) past.y[lengths[0] - i] = past.y[past.rows - i % 3 - 1] = (double)NAN;
  for (size_t i = HORIZON - 1; i < HORIZON + 2; i++) ahead.x[i] = (double)NAN;
  for (int k = 0; k < 2; k++) {
    reset_options();
    options.batch_series = k ? 1 : 0;
    future = known(4);
    future.column[3].buffers[0] = (const uint8_t[]){0xdf, 0x07}; /* the last one, and one of an item without any */
    future.column[3].null_count = -1;
    r = forecast_known(&df, &future, 1, NULL);
    assert_string_equal(warnings,
                        "2 items, '-5' the first, have a covariate without an observed value in the past, 'x' the "
                        "first: its effect is unknown\n"
                        "2 items, '-5' the first, end in missing targets, for 5 steps at most: the forecast begins "
                        "after the last row, not after the last observation\n"
                        "4 values of known futures, the first in column 'x' of '-5', are missing and count as "
                        "unknown\n"
                        "column 'kind': categories that the past never had, so that their effect is unknown: 3 future "
                        "values, the first of item '2'\n");
    free_result(&r);
  }
}

/* A long id is cut behind a character, and what no message may hold is escaped whole. */
static void test_long_ids(void **state) {
  (void)state;
  static const struct {
    const char *first, *other; /* comes 60 times */
    const char *shown;         /* as the message has it */
    size_t times;
  } ids[] = {{"x", "\xc3\xa9", "\xc3\xa9", 39}, {"ab", "\xe2\x80\xae", "\\u202e", 26}};
  for (size_t k = 0; k < sizeof ids / sizeof ids[0]; k++) {
    char bytes[400] = "";
    char said[512] = "Could not infer frequency for series ";
    strcat(bytes, ids[k].first);
    strcat(said, ids[k].first);
    for (size_t i = 0; i < 60; i++) strcat(bytes, ids[k].other);
    for (size_t i = 0; i < ids[k].times; i++) strcat(said, ids[k].shown);
    strcat(said, ": it has fewer than 3 rows");
    const int32_t at[] = {0, (int32_t)strlen(bytes)};
    mock_batch df = whole(3);
    df.rows = 1;
    df.column[0] = text_column("item_id", "u", at, bytes);
    for (size_t c = 0; c < 3; c++) df.column[c].length = 1;
    reset_options();
    options.independent = true;
    result r = forecast_batches(&df, 1, said);
    free_result(&r);
  }
}

/* ---- Categories -------------------------------------------------------------------------------- */

/* Codes by themselves: a category's rank among all of df's, the last rank for a missing one, NaN for others. */
static void test_ranks_beside_several_targets(void **state) {
  (void)state;
  static const char *const targets[] = {"target", "x"};
  static double codes[ROWS], next[ITEMS * HORIZON];
  static uint8_t valid[ROWS / 8 + 1];
  mock_batch texts = by_number(5);
  for (size_t i = 0; i < past.rows; i++) {
    bool missing = i % 9 == 5;
    if (!missing) valid[i / 8] |= (uint8_t)(1 << i % 8);
    codes[i] = missing ? 2 : i % 4 != 0;
  }
  texts.column[4].buffers[0] = valid;
  texts.column[4].null_count = -1;
  mock_batch numbers = texts;
  numbers.column[4] = column("kind", "g", codes, past.rows);
  for (int unseen = 0; unseen < 2; unseen++) {
    reset_options();
    options.targets = targets;
    options.target_count = 2;
    memset(&ahead, 0, sizeof ahead);
    fill_future(in_order, unseen ? "new" : "yes");
    for (size_t i = 0; i < ITEMS * HORIZON; i++) next[i] = unseen ? (double)NAN : 1;
    mock_batch b = known(4);
    b.column[2] = b.column[3];
    b.columns = 3;
    result found = forecast_known(&texts, &b, 1, NULL);
    assert_true(!strstr(warnings, "12 future values, the first of item '-5'") == !unseen);
    b.column[2] = column("kind", "g", next, ITEMS * HORIZON);
    result expected = forecast_known(&numbers, &b, 1, NULL);
    expect_equal(&found, &expected);
    free_result(&found);
    free_result(&expected);
  }
}

/* Text, dictionaries and booleans are the same categories; a future may have some that the past never had. */
static void test_forms_of_categories(void **state) {
  (void)state;
  static int32_t index[ROWS];
  static uint8_t bits[ROWS / 8 + 1], next_bits[2] = {0xff, 0x0f};
  static const int32_t word_at[] = {0, 3, 9, 11};
  static const int32_t unused_at[] = {0, 3, 9, 9};
  mock_column words = {.name = "", .format = "u", .length = 3, .buffers = {NULL, word_at, "yesunusedno"}};
  mock_column twice = {.name = "", .format = "u", .length = 3, .buffers = {NULL, unused_at, "yesunused"}};
  mock_batch df = by_number(5);
  for (size_t i = 0; i < past.rows; i++) {
    index[i] = i % 4 == 0 ? 2 : 0;
    if (i % 4 != 0) bits[i / 8] |= (uint8_t)(1 << i % 8);
  }
  reset_options();
  fill_future(in_order, "yes");
  mock_batch b = known(4);
  result expected = forecast_known(&df, &b, 1, NULL);
  df.column[4] = column("kind", "i", index, past.rows);
  df.column[4].dictionary = &words;
  result found = forecast_known(&df, &b, 1, NULL);
  expect_equal(&found, &expected);
  free_result(&found);
  df.column[4] = column("kind", "b", bits, past.rows);
  b.column[3] = column("kind", "b", next_bits, ITEMS * HORIZON);
  found = forecast_known(&df, &b, 1, NULL);
  expect_equal(&found, &expected);
  free_result(&found);
  free_result(&expected);
  memset(&ahead, 0, sizeof ahead);
  fill_future(in_order, "never");
  df = by_number(5);
  for (int gathers = 0; gathers < 2; gathers++) {
    warnings[0] = '\0';
    options.gather = gathers;
    b = known(4);
    found = forecast_known(&df, &b, 1, NULL);
    assert_non_null(strstr(warnings, "column 'kind': categories that the past never had"));
    assert_non_null(strstr(warnings, "12 future values, the first of item '-5'"));
    free_result(&found);
  }
  df.column[4] = column("kind", "i", index, past.rows);
  df.column[4].dictionary = &twice; /* an index beyond it is caught, whatever it is for */
  index[7] = 3;
  found = forecast_batches(&df, 1, "an index beyond its dictionary");
  free_result(&found);
  index[7] = -1;
  found = forecast_batches(&df, 1, "an index beyond its dictionary");
  free_result(&found);
}

/* ---- Options ----------------------------------------------------------------------------------- */

static void test_gaps(void **state) {
  (void)state;
  mock_batch df = by_number(3);
  reset_options();
  for (size_t i = 8; i < lengths[0]; i++) past.stamp[i] += 2 * HOUR; /* two steps without a row */
  result r = forecast_batches(&df, 1, "Could not infer frequency for series -5: 1970-01-01 10:00:00 is out of step");
  free_result(&r);
  options.freq = "h";
  r = forecast_batches(&df, 1, NULL);
  assert_non_null(strstr(warnings, "rows of 1 item, as '-5', are not one step of the given frequency apart"));
  result filled = {.count = 0};
  for (int k = 0; k < 4; k++) {
    reset_options();
    options.fill_gaps = true;
    options.freq = k % 2 ? "h" : NULL;
    options.gather = k > 1;
    free_result(&filled);
    filled = forecast_batches(&df, 1, NULL);
    assert_non_null(strstr(warnings, "2 of 62 steps have no row and are missing values"));
  }
  assert_true(filled.rows[0].value[0] != r.rows[0].value[0]);
  assert_memory_equal(&filled.rows[HORIZON].value, &r.rows[HORIZON].value, sizeof r.rows[0].value); /* the next item */
  free_result(&r);
  static double y[22]; /* as one that has the rows, without values */
  static int64_t stamp[22], id[22];
  for (size_t i = 0; i < 22; i++) {
    y[i] = i < 8 ? past.y[i] : i < 10 ? (double)NAN : past.y[i - 2];
    stamp[i] = (int64_t)i * HOUR;
  }
  mock_batch same = {.rows = 22,
                     .columns = 3,
                     .column = {column("item_id", "l", id, 22), column("timestamp", "tsu:", stamp, 22),
                                column("target", "g", y, 22)}};
  r = forecast_batches(&same, 1, NULL);
  assert_memory_equal(&filled.rows[0].value, &r.rows[0].value, sizeof r.rows[0].value);
  free_result(&r);
  free_result(&filled);
  past.stamp[lengths[0] - 1] = 16000000 * HOUR; /* as many steps as nobody fills in */
  r = forecast_batches(&df, 1, "more than are filled in");
  free_result(&r);
  reset_options(); /* an item with even steps of its own has no gaps */
  options.fill_gaps = true;
  for (size_t i = 0; i < lengths[0]; i++) past.stamp[i] = (int64_t)i * HOUR;
  for (size_t i = lengths[0] + lengths[1]; i < past.rows; i++) past.stamp[i] *= 3;
  r = forecast_batches(&df, 1, "All time series must have the same frequency, found ['3h', 'h']");
  free_result(&r);
}

static void test_rows_off_a_given_frequency(void **state) {
  (void)state;
  mock_batch df = by_number(3);
  reset_options();
  options.freq = "h";
  for (int64_t off = 0; off < 3; off++) { /* on it, between two steps, twice; the ends stay */
    past.stamp[9] = past.stamp[8] + (2 - off) * HOUR / 2;
    result r = forecast_batches(&df, 1, NULL);
    assert_true(!strstr(warnings, "rows of 1 item, as '-5', are not one step") == (off == 0));
    free_result(&r);
  }
}

static void test_frequencies_that_differ(void **state) {
  (void)state;
  mock_batch df = by_number(3);
  reset_options();
  for (size_t i = 0; i < lengths[2]; i++) past.stamp[first_row(2) + i] *= 24;
  result r = forecast_batches(&df, 1, "All time series must have the same frequency, found ['D', 'h'] (series 9 has");
  free_result(&r);
  mock_batch two = slice(&df, 0, 2, false);
  r = forecast_batches(&two, 1, "Could not infer frequency: no time series has at least 3");
  free_result(&r);
  options.freq = "fortnight";
  r = forecast_batches(&two, 1, "expected a frequency as pandas spells it, found 'fortnight'");
  free_result(&r);
}

static void test_a_bad_item_may_be_left_out(void **state) {
  (void)state;
  mock_batch df = by_number(3);
  reset_options();
  result expected = forecast_batches(&df, 1, NULL);
  past.y[first_row(1) + 1] = (double)INFINITY;
  result r = forecast_batches(&df, 1, "item '2': target: value 1 is infinite");
  free_result(&r);
  predict.on_error = CHRONOS2_ON_ERROR_SKIP;
  r = forecast_batches(&df, 1, NULL);
  assert_string_equal(warnings, "no forecast: item '2': target: value 1 is infinite; a missing value is NaN\n");
  assert_int_equal(r.count, expected.count);
  for (size_t i = 0; i < r.count; i++) {
    assert_int_equal(r.rows[i].is_null, i / HORIZON == 1);
    if (i / HORIZON != 1) assert_memory_equal(r.rows[i].value, expected.rows[i].value, sizeof r.rows[i].value);
  }
  free_result(&r);
  free_result(&expected);
}

/* ---- Errors in a column ------------------------------------------------------------------------- */

static void expect_error(const row *found, const char *id, const char *error) {
  assert_string_equal(found->id, id);
  assert_string_equal(found->target, "");
  assert_true(found->is_null);
  if (!strstr(found->error, error)) fail_msg("'%s' doesn't say '%s'", found->error, error);
}

static void expect_forecast(const row *found, const row *expected, size_t count) {
  for (size_t i = 0; i < count; i++) {
    assert_string_equal(found[i].id, expected[i].id);
    assert_string_equal(found[i].error, "");
    assert_true(found[i].stamp == expected[i].stamp);
    assert_memory_equal(found[i].value, expected[i].value, sizeof found[i].value);
  }
}

/* Item '2', the second, is bad, whatever the size of a batch and of what comes in. */
static void expect_second_bad(const mock_batch *df, const result *expected, const char *error) {
  for (size_t k = 0; k < 4; k++) {
    mock_batch pieces[] = {slice(df, 0, 21, true), slice(df, 21, ROWS - 21, false)};
    options.batch_series = k % 2;
    options.gather = k > 1;
    options.error_column = true;
    result r = forecast_batches(k ? pieces : df, k ? 2 : 1, NULL);
    assert_string_equal(warnings, "");
    assert_int_equal(r.count, expected->count - HORIZON + 1);
    expect_forecast(r.rows, expected->rows, HORIZON);
    expect_error(&r.rows[HORIZON], "2", error);
    expect_forecast(r.rows + HORIZON + 1, expected->rows + 2 * HORIZON, HORIZON);
    free_result(&r);
  }
  options.error_column = options.gather = false;
  options.batch_series = 0;
}

static void test_errors_in_a_column(void **state) {
  (void)state;
  mock_batch df = by_number(3);
  reset_options();
  result expected = forecast_batches(&df, 1, NULL);
  past.y[first_row(1) + 1] = (double)INFINITY;
  expect_second_bad(&df, &expected, "item '2': target: value 1 is infinite");
  past.y[first_row(1) + 1] = 1;
  past.stamp[first_row(1) + 1] += 1;
  expect_second_bad(&df, &expected, "Could not infer frequency for series 2");
  past.stamp[first_row(1) + 1] = past.stamp[first_row(1)] + 24 * HOUR;
  past.stamp[first_row(1) + 2] = past.stamp[first_row(1)] + 48 * HOUR;
  expect_second_bad(&df, &expected, "All time series must have the same frequency, found ['D', 'h'] (series 2 has D)");
  options.fill_gaps = options.independent = true;
  past.stamp[first_row(1) + 2] = past.stamp[first_row(1) + 1];
  expect_second_bad(&df, &expected, "Could not infer frequency for series 2");
  options.freq = "h";
  expect_second_bad(&df, &expected, "df: item '2': 1970-01-06 04:00:00 is in the step of another row or before it");
  options.skip_validation = true; /* the order of the rows is promised, and not kept */
  past.stamp[first_row(1) + 2] = past.stamp[first_row(1)] - HOUR;
  expect_second_bad(&df, &expected, "df: item '2': 1970-01-05 03:00:00 is in the step of another row or before it");
  options.skip_validation = false;
  options.fill_gaps = options.independent = false;
  options.freq = NULL;
  past.stamp[first_row(1) + 2] = INT64_MAX;
  expect_second_bad(&df, &expected, "expected time stamps of whole microseconds in the years 1 to 9999");
  uint8_t valid[ROWS / 8 + 1];
  memset(valid, 0xff, sizeof valid);
  valid[first_row(1) / 8] &= (uint8_t)~(1 << first_row(1) % 8);
  df.column[1].buffers[0] = valid;
  df.column[1].null_count = 1;
  expect_second_bad(&df, &expected, "df has a missing value in column 'timestamp'");
  free_result(&expected);
}

/* What was heard: items done and read. */
static int on_progress(void *user, size_t done, size_t total) {
  size_t *heard = user;
  assert_true(done >= heard[0] && total >= heard[1] && done <= total);
  heard[0] = done;
  heard[1] = total;
  return 0;
}

static void test_errors_of_futures_in_a_column(void **state) {
  (void)state;
  mock_batch df = by_number(5);
  reset_options();
  memset(&ahead, 0, sizeof ahead);
  fill_future(in_order, "yes");
  mock_batch future = known(4);
  result expected = forecast_known(&df, &future, 1, NULL);
  options.error_column = true;
  for (size_t k = 0; k < 4; k++) {
    options.batch_series = k % 2;
    options.gather = k > 1;
    for (size_t i = 4; i < 8; i++) ahead.id[i] = 77;
    size_t heard[2] = {0, 0};
    chronos2_session_on_progress(session, on_progress, heard);
    result r = forecast_known(&df, &future, 1, NULL);
    chronos2_session_on_progress(session, NULL, NULL);
    assert_true(heard[0] == ITEMS && heard[1] == ITEMS); /* what has no past is no item of df */
    assert_int_equal(r.count, 2 * HORIZON + 2);
    expect_forecast(r.rows, expected.rows, HORIZON);
    expect_error(&r.rows[HORIZON], "2", "future_df must have the same time series IDs as df");
    expect_forecast(r.rows + HORIZON + 1, expected.rows + 2 * HORIZON, HORIZON);
    expect_error(&r.rows[2 * HORIZON + 1], "77", "it has a future and no past");
    free_result(&r);
    for (size_t i = 4; i < 8; i++) ahead.id[i] = 2;
    ahead.stamp[5] += HOUR / 2;
    r = forecast_known(&df, &future, 1, NULL);
    assert_int_equal(r.count, 2 * HORIZON + 1);
    expect_error(&r.rows[HORIZON], "2", "future_df timestamps do not match the expected prediction timestamps");
    free_result(&r);
    ahead.stamp[5] -= HOUR / 2;
    ahead.id[7] = 9;
    r = forecast_known(&df, &future, 1, NULL);
    expect_error(&r.rows[HORIZON], "2", "future_df must contain prediction_length=4 rows per item");
    expect_error(&r.rows[HORIZON + 1], "9", "future_df must contain prediction_length=4 rows per item");
    free_result(&r);
    ahead.id[7] = 2;
  }
  free_result(&expected);
}

/* ---- Items that are independent ----------------------------------------------------------------- */

static void test_items_with_frequencies_of_their_own(void **state) {
  (void)state;
  mock_batch df = by_number(3);
  reset_options();
  options.independent = true;
  for (size_t i = 0; i < lengths[2]; i++) past.stamp[first_row(2) + i] *= 24;
  result r = forecast_batches(&df, 1, NULL);
  assert_true(r.rows[1].stamp - r.rows[0].stamp == HOUR);
  assert_true(r.rows[2 * HORIZON + 1].stamp - r.rows[2 * HORIZON].stamp == 24 * HOUR);
  free_result(&r);
  mock_batch short_one = slice(&df, 0, 22, false);
  r = forecast_batches(&short_one, 1, "Could not infer frequency for series 2: it has fewer than 3 rows");
  free_result(&r);
  options.freq = "h";
  r = forecast_batches(&short_one, 1, NULL);
  assert_int_equal(r.count, 2 * HORIZON);
  free_result(&r);
  predict.cross_learning = true;
  r = forecast_batches(&df, 1, "cross_learning: items that are independent");
  free_result(&r);
  static const char *const two[] = {"target", "x"};
  predict.cross_learning = false;
  options.targets = two;
  options.target_count = 2;
  mock_batch all = by_number(5);
  r = forecast_batches(&all, 1, "column 'kind': categories beside several targets have codes that depend on all");
  free_result(&r);
}

/* ---- Futures among the rows of the past ----------------------------------------------------------- */

enum { BOTH = ROWS + ITEMS * HORIZON };

/* Rows of the past and of the known future in one table: each item's future before or after its past. */
static struct {
  int64_t id[BOTH], stamp[BOTH];
  double y[BOTH], x[BOTH];
  int32_t kind_at[BOTH + 1];
  char kinds[BOTH * 8];
  uint8_t is_ahead[BOTH / 8 + 1];
  size_t rows;
} both;

static void put_both(size_t item, size_t i, bool is_future) {
  size_t at = is_future ? item * HORIZON + i : first_row(item) + i;
  size_t to = both.rows++;
  const char *kind = is_future ? ahead.kinds + ahead.kind_at[at] : past.kind_bytes + past.kind_at[at];
  int32_t size = is_future ? ahead.kind_at[at + 1] - ahead.kind_at[at] : past.kind_at[at + 1] - past.kind_at[at];
  both.id[to] = past.integer[first_row(item)];
  both.stamp[to] = is_future ? ahead.stamp[at] : past.stamp[at];
  both.y[to] = is_future ? (double)NAN : past.y[at];
  both.x[to] = is_future ? ahead.x[at] : past.x[at];
  memcpy(both.kinds + both.kind_at[to], kind, (size_t)size);
  both.kind_at[to + 1] = both.kind_at[to] + size;
  if (is_future) both.is_ahead[to / 8] |= (uint8_t)(1 << to % 8);
}

static mock_batch in_one(bool future_first) {
  memset(&both, 0, sizeof both);
  for (size_t item = 0; item < ITEMS; item++) {
    for (size_t i = 0; future_first && i < HORIZON; i++) put_both(item, i, true);
    for (size_t i = 0; i < lengths[item]; i++) put_both(item, i, false);
    for (size_t i = 0; !future_first && i < HORIZON; i++) put_both(item, i, true);
  }
  mock_column kind = column("kind", "u", both.kind_at, BOTH);
  kind.buffers[2] = both.kinds;
  return (mock_batch){.rows = BOTH,
                      .columns = 6,
                      .column = {column("item_id", "l", both.id, BOTH), column("timestamp", "tsu:", both.stamp, BOTH),
                                 column("ahead", "b", both.is_ahead, BOTH), column("target", "g", both.y, BOTH),
                                 column("x", "g", both.x, BOTH), kind}};
}

static void test_futures_among_the_rows_of_the_past(void **state) {
  (void)state;
  static const char *const known_ones[] = {"kind", "x"};
  mock_batch df = by_number(5);
  reset_options();
  memset(&ahead, 0, sizeof ahead);
  fill_future(in_order, "no");
  for (size_t count = 1; count < 3; count++) {
    options.future_column = NULL;
    options.known_count = 0;
    mock_batch future = known(count + 2);
    if (count == 1) future.column[2] = known(4).column[3]; /* kind alone */
    result expected = forecast_known(&df, &future, 1, NULL);
    for (size_t k = 0; k < 8; k++) {
      mock_batch all = in_one(k % 2);
      mock_batch pieces[BOTH];
      size_t size = k & 2 ? 5 : BOTH;
      size_t pieces_count = 0;
      for (size_t first = 0; first < BOTH; first += size) {
        pieces[pieces_count++] = slice(&all, first, BOTH - first < size ? BOTH - first : size, true);
      }
      options.future_column = "ahead";
      options.known_covariates = known_ones;
      options.known_count = count;
      options.batch_series = k & 1;
      options.gather = k & 4;
      result r = forecast_batches(pieces, pieces_count, NULL);
      expect_equal(&r, &expected);
      free_result(&r);
    }
    options.gather = false;
    free_result(&expected);
  }
}

static void test_futures_in_one_table_that_are_refused(void **state) {
  (void)state;
  static const char *const known_ones[] = {"x", "y"};
  reset_options();
  memset(&ahead, 0, sizeof ahead);
  fill_future(in_order, "no");
  mock_batch all = in_one(false);
  options.future_column = "ahead";
  options.known_covariates = known_ones;
  options.known_count = 1;
  result expected = forecast_batches(&all, 1, NULL);
  for (size_t i = lengths[0]; i < lengths[0] + HORIZON; i++) both.id[i] = 77;
  result r = forecast_batches(&all, 1, "future_df must have the same time series IDs as df");
  free_result(&r);
  options.error_column = true;
  for (size_t k = 0; k < 2; k++) { /* told when it is seen, or with the batch */
    options.batch_series = k;
    r = forecast_batches(&all, 1, NULL);
    assert_int_equal(r.count, 2 * HORIZON + 2);
    expect_error(&r.rows[0], "-5", "future_df must have the same time series IDs as df");
    const row *stranger = k ? &r.rows[1] : &r.rows[2 * HORIZON + 1];
    expect_error(stranger, "77", "it has a future and no past");
    expect_forecast(r.rows + (k ? 2 : 1), expected.rows + HORIZON, 2 * HORIZON);
    free_result(&r);
  }
  both.id[lengths[0] + HORIZON + lengths[1]] = -5; /* a row of the first item after the second's */
  r = forecast_batches(&all, 1, "df: rows of item '-5' come again after another item's");
  free_result(&r);
  free_result(&expected);
  all = in_one(false);
  options.known_count = 2;
  r = forecast_batches(&all, 1, "known_covariates: 'y' is no covariate of df");
  free_result(&r);
  options.known_count = 1;
  options.future_column = "x";
  r = forecast_batches(&all, 1, "df: column 'x': expected booleans, found");
  free_result(&r);
  options.future_column = "target";
  r = forecast_batches(&all, 1, "column 'target' can't be the future's and something else");
  free_result(&r);
  options.future_column = "later";
  r = forecast_batches(&all, 1, "Missing columns: {'later'}");
  free_result(&r);
  options.future_column = "ahead";
  mock_batch other = known(3);
  refuse_known(&all, other, "future_column: future_df must be NULL then");
  options.future_column = NULL;
  r = forecast_batches(&all, 1, "known_covariates: expected a future_column too");
  free_result(&r);
  uint8_t valid[BOTH / 8 + 1];
  memset(valid, 0xff, sizeof valid);
  valid[0] = 0xfd;
  all.column[2].buffers[0] = valid;
  all.column[2].null_count = 1;
  options.future_column = "ahead";
  r = forecast_batches(&all, 1, "df has a missing value in column 'ahead'");
  free_result(&r);
}

static void test_columns_that_are_chosen(void **state) {
  (void)state;
  static const char *const one[] = {"x"};
  static const char *const absent[] = {"z"};
  mock_batch df = by_number(5);
  mock_batch small = by_number(4);
  reset_options();
  result expected = forecast_batches(&small, 1, NULL);
  options.covariates = one;
  options.covariate_count = 1;
  result r = forecast_batches(&df, 1, NULL);
  expect_equal(&r, &expected);
  assert_string_equal(warnings, "df: columns that are no covariates are ignored: 'kind'\n");
  free_result(&r);
  free_result(&expected);
  df.column[4].name = "c\nError: x"; /* what a caller names stays on its line */
  warnings[0] = '\0';
  r = forecast_batches(&df, 1, NULL);
  assert_string_equal(warnings, "df: columns that are no covariates are ignored: 'c\\x0aError: x'\n");
  free_result(&r);
  options.covariates = absent;
  r = forecast_batches(&df, 1, "df does not contain all expected columns. Missing columns: {'z'}");
  free_result(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_futures_in_any_order_of_items, prepare),
      cmocka_unit_test_setup(test_futures_that_are_refused, prepare),
      cmocka_unit_test_setup(test_columns_of_futures, prepare),
      cmocka_unit_test_setup(test_booleans_ahead_of_numbers, prepare),
      cmocka_unit_test_setup(test_what_items_lack, prepare),
      cmocka_unit_test_setup(test_long_ids, prepare),
      cmocka_unit_test_setup(test_ranks_beside_several_targets, prepare),
      cmocka_unit_test_setup(test_forms_of_categories, prepare),
      cmocka_unit_test_setup(test_gaps, prepare),
      cmocka_unit_test_setup(test_rows_off_a_given_frequency, prepare),
      cmocka_unit_test_setup(test_frequencies_that_differ, prepare),
      cmocka_unit_test_setup(test_a_bad_item_may_be_left_out, prepare),
      cmocka_unit_test_setup(test_errors_in_a_column, prepare),
      cmocka_unit_test_setup(test_errors_of_futures_in_a_column, prepare),
      cmocka_unit_test_setup(test_items_with_frequencies_of_their_own, prepare),
      cmocka_unit_test_setup(test_futures_among_the_rows_of_the_past, prepare),
      cmocka_unit_test_setup(test_futures_in_one_table_that_are_refused, prepare),
      cmocka_unit_test_setup(test_columns_that_are_chosen, prepare),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
