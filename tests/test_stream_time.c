/* chronos2_predict_stream: time stamps in zones whose offset from UTC changes, and off their frequency. */
#include "stream.h"

/* Summer begins in Berlin on 2024-03-31 at 01:00 UTC: hours pass as they do, days keep the time of day. */
static void test_time_zones(void **state) {
  (void)state;
  enum { BEGINS = 1711846800 };
  static int64_t stamps[ROWS];
  mock_batch b = whole(3);
  reset_options();
  for (size_t item = 0; item < ITEMS; item++) {
    for (size_t i = 0; i < lengths[item]; i++) {
      stamps[first_row(item) + i] = BEGINS + ((int64_t)i - (int64_t)lengths[item] + 2) * 3600;
    }
  }
  b.column[1] = column("timestamp", "tss:Europe/Berlin", stamps, past.rows);
  result r = forecast_batches(&b, 1, NULL);
  for (size_t i = 0; i < r.count; i++) {
    int64_t last = stamps[first_row(i / HORIZON) + lengths[i / HORIZON] - 1];
    assert_true(r.rows[i].stamp == last + (int64_t)(i % HORIZON + 1) * 3600);
  }
  free_result(&r);
  b.column[0] = column("item_id", "l", memset(past.integer, 0, sizeof past.integer), past.rows);
  for (int64_t after = 0; after < 3; after++) { /* midnights, so many of them after the change */
    int64_t expected[HORIZON + ROWS];
    for (int64_t i = 0; i < HORIZON + ROWS; i++) {
      int64_t day = i - ROWS + after; /* 0: the last before it */
      expected[i] = BEGINS - 7200 + (day > 0 ? 82800 + (day - 1) * 86400 : day * 86400);
    }
    memcpy(stamps, expected, sizeof stamps);
    r = forecast_batches(&b, 1, NULL);
    for (size_t i = 0; i < HORIZON; i++) assert_true(r.rows[i].stamp == expected[ROWS + i]);
    free_result(&r);
  }
  b.column[1].format = "tss:Europe/Nowhere";
  r = forecast_batches(&b, 1, "no time zone 'Europe/Nowhere'");
  free_result(&r);
  static const char *const wrong[] = {"tss:../../etc/passwd", "tss:+24:00"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    b.column[1].format = wrong[i];
    r = forecast_batches(&b, 1, "expected a time zone such as UTC");
    free_result(&r);
  }
}

/* Forecasts of one item whose rows have these instants, in seconds, or the error. */
static result forecast_instants(const char *format, const int64_t *instants, size_t rows, const char *error) {
  static int64_t stamps[ROWS];
  mock_batch b = whole(3);
  memset(past.integer, 0, sizeof past.integer);
  memcpy(stamps, instants, rows * sizeof *stamps);
  b.column[0] = column("item_id", "l", past.integer, past.rows);
  b.column[1] = column("timestamp", format, stamps, past.rows);
  b = slice(&b, 0, rows, false);
  return forecast_batches(&b, 1, error);
}

/* Days and weeks of UTC aren't those of a wall whose offset changes: they are hours, on which the forecast goes. */
static void test_days_of_utc_in_a_zone(void **state) {
  (void)state;
  enum { DAYS = 86400 };
  static const struct {
    const char *format;
    int64_t first, step;
    size_t rows;
  } even[] = {{"tss:America/New_York", 1729382400, 7 * DAYS, 5}, /* Sundays from 2024-10-20 on */
              {"tss:America/New_York", 1729382400, 14 * DAYS, 5},
              {"tss:Europe/Berlin", 1729382400, DAYS, 20}};
  int64_t stamps[ROWS];
  reset_options();
  for (size_t k = 0; k < sizeof even / sizeof *even; k++) {
    for (size_t i = 0; i < even[k].rows; i++) stamps[i] = even[k].first + (int64_t)i * even[k].step;
    result r = forecast_instants(even[k].format, stamps, even[k].rows, NULL);
    for (size_t i = 0; i < HORIZON; i++) {
      assert_true(r.rows[i].stamp == stamps[even[k].rows - 1] + (int64_t)(i + 1) * even[k].step);
    }
    free_result(&r);
  }
  /* the first days of months from 2024-08-01 on, and weekdays from 2024-10-28 on */
  static const int64_t months[] = {1722470400, 1725148800, 1727740800, 1730419200, 1733011200};
  result r = forecast_instants("tss:America/New_York", months, 5, "Could not infer frequency for series 0");
  free_result(&r);
  for (int64_t i = 0; i < 10; i++) stamps[i] = 1730073600 + (i + i / 5 * 2) * DAYS;
  r = forecast_instants("tss:America/New_York", stamps, 10, "Could not infer frequency for series 0");
  free_result(&r);
}

/* Hours of business are those of the wall: 09:00 to 16:00 in New York, before and after summer ends. */
static void test_hours_of_business_in_a_zone(void **state) {
  (void)state;
  int64_t stamps[ROWS];
  reset_options();
  for (int64_t i = 0; i < ROWS; i++) { /* 2024-10-30, a Wednesday, at 13:00 UTC; from 2024-11-03 on an hour later */
    int64_t day = i / 8;
    stamps[i] = 1730293200 + i % 8 * 3600 + (day < 3 ? day : day + 2) * 86400 + (day < 3 ? 0 : 3600);
  }
  result r = forecast_instants("tss:America/New_York", stamps, 38, NULL); /* to 14:00 on a Tuesday */
  for (size_t i = 0; i < HORIZON; i++) assert_true(r.rows[i].stamp == stamps[38 + i]);
  free_result(&r);
  for (size_t i = 0; i < 38; i++) stamps[i] -= 4 * 3600; /* of UTC, but not of New York */
  r = forecast_instants("tss:America/New_York", stamps, 24, "Could not infer frequency for series 0");
  free_result(&r);
  r = forecast_instants("tss:UTC", stamps, 20, NULL);
  assert_true(r.rows[0].stamp == stamps[20]);
  free_result(&r);
}

/* A step of days to a time that the wall leaves out is an hour later, and the first one of two; both are told. */
static void test_days_where_the_clock_changes(void **state) {
  (void)state;
  enum { DAY = 86400, ROWS_BEFORE = 5 };
  static const struct {
    int64_t first, step; /* 02:30 in Berlin, and the instant of the step on the day of the change */
    int64_t next;        /* of the step behind that */
    const char *told;
  } change[] = {{1711416600, 1711416600 + ROWS_BEFORE * DAY, 1711931400, "2024-03-31 03:30:00+02:00"},
                {1729557000, 1729557000 + ROWS_BEFORE * DAY, 1730079000, "2024-10-27 02:30:00+02:00"},
                {1714091400, 1714091400 + ROWS_BEFORE * DAY, 1714091400 + (ROWS_BEFORE + 1) * DAY, NULL}};
  for (size_t k = 0; k < sizeof change / sizeof *change; k++) {
    int64_t stamps[ROWS];
    char line[200] = "";
    reset_options();
    for (int64_t i = 0; i < ROWS_BEFORE; i++) stamps[i] = change[k].first + i * DAY;
    result r = forecast_instants("tss:Europe/Berlin", stamps, ROWS_BEFORE, NULL);
    assert_true(r.rows[0].stamp == change[k].step && r.rows[1].stamp == change[k].next);
    if (change[k].told) {
      (void)snprintf(line, sizeof line,
                     "item '0': the clock of Europe/Berlin leaves out or shows twice the time of a step, which is %s "
                     "here\n",
                     change[k].told);
    }
    assert_string_equal(warnings, line);
    free_result(&r);
  }
}

/* Two rows have one wall clock where summer ends. */
static void test_hours_where_summer_ends(void **state) {
  (void)state;
  static const struct {
    const char *format;
    int64_t ends, step;
  } zone[] = {{"tss:Europe/Berlin", 1729990800, 3600},
              {"tss:Europe/London", 1729990800, 1800},
              {"tss:America/New_York", 1730613600, 3600},
              {"tss:Australia/Lord_Howe", 1712415600, 1800}}; /* by half an hour */
  static int64_t stamps[ROWS];
  reset_options();
  for (size_t k = 0; k < sizeof zone / sizeof *zone; k++) {
    mock_batch b = whole(3);
    for (size_t item = 0; item < ITEMS; item++) {
      for (size_t i = 0; i < lengths[item]; i++) {
        stamps[first_row(item) + i] = zone[k].ends + ((int64_t)i - (int64_t)lengths[item] / 2) * zone[k].step;
      }
    }
    b.column[1] = column("timestamp", "tss:UTC", stamps, past.rows);
    result expected = forecast_batches(&b, 1, NULL);
    b.column[1].format = zone[k].format;
    result r = forecast_batches(&b, 1, NULL);
    expect_equal(&r, &expected);
    free_result(&r);
    free_result(&expected);
  }
}

/* ---- Off the frequency ------------------------------------------------------------------------- */

/* The first days of months, and days within them: all are placed by their month. */
static void test_rows_between_points(void **state) {
  (void)state;
  enum { MONTHS = 12, DAY = 24 };
  mock_batch df = whole(3);
  df.column[0] = column("item_id", "l", past.integer, past.rows);
  result r = {.count = 0};
  for (int k = 0; k < 3; k++) {
    reset_options();
    options.fill_gaps = true;
    options.gather = k == 1;
    options.freq = k == 2 ? "MS" : NULL;
    for (size_t i = 0; i < 3 * MONTHS; i++) {
      static const int64_t id[] = {-5, 2, 4};
      static const int length[MONTHS] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}; /* of 2020 */
      past.integer[i] = id[i / MONTHS];
      past.stamp[i] = i % MONTHS ? past.stamp[i - 1] + length[i % MONTHS - 1] * DAY * HOUR
                                 : (18262 + (i < MONTHS ? 0 : 14)) * DAY * HOUR; /* 2020-01-01, or the 15th */
    }
    mock_batch three = slice(&df, 0, 3 * MONTHS, false);
    r = forecast_batches(&three, 1, NULL);
    assert_true(r.rows[HORIZON].stamp == 18628 * DAY * HOUR); /* 2021-01-01 */
    assert_non_null(strstr(warnings, "24 rows lie between the points of MS: each counts for the point at or before it; "
                                     "the first of them in item '2'"));
    free_result(&r);
  }
}

/* Two rows tell no frequency; those of others need not be theirs. */
static void test_short_items_off_the_frequency(void **state) {
  (void)state;
  mock_batch df = whole(3);
  df.column[0] = column("item_id", "l", past.integer, past.rows);
  for (int64_t apart = 1; apart < 3; apart++) {
    reset_options();
    options.batch_series = 1;
    past.integer[22] = 9; /* leaves two rows */
    past.stamp[22] = past.stamp[23] - HOUR;
    past.stamp[21] = past.stamp[20] + apart * HOUR;
    result r = forecast_batches(&df, 1, NULL);
    if (apart == 1) assert_string_equal(warnings, "");
    if (apart == 2) {
      assert_string_equal(warnings, "rows of 1 item, as '2', are not one step of the inferred frequency apart, but "
                                    "count as consecutive steps\n");
    }
    free_result(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_time_zones, prepare),
      cmocka_unit_test_setup(test_days_of_utc_in_a_zone, prepare),
      cmocka_unit_test_setup(test_hours_of_business_in_a_zone, prepare),
      cmocka_unit_test_setup(test_days_where_the_clock_changes, prepare),
      cmocka_unit_test_setup(test_hours_where_summer_ends, prepare),
      cmocka_unit_test_setup(test_rows_between_points, prepare),
      cmocka_unit_test_setup(test_short_items_off_the_frequency, prepare),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
