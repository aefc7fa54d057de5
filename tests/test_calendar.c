/* Time stamps and frequencies. What is expected was printed by pandas 3.1. */
#include "program.h"

#include <chronos2.h>

#include "time/calendar.h"

static c2_freq freq_of(const char *text) {
  c2_freq freq;
  c2_error err = {.code = C2_OK};
  if (c2_freq_parse(text, &freq, &err) != C2_OK) fail_msg("'%s': %s", text, err.text);
  return freq;
}

static c2_time time_of(const char *text) {
  c2_time time = 0;
  c2_zone zone;
  c2_error err = {.code = C2_OK};
  if (c2_time_parse(text, &time, &zone, &err) != C2_OK) fail_msg("'%s': %s", text, err.text);
  return time;
}

static void assert_time(c2_time time, const char *expected, const char *what) {
  char text[C2_TIME_ROOM];
  c2_time_format(time, true, (c2_zone){false, 0}, text);
  if (strcmp(text, expected) != 0) fail_msg("%s: expected %s, found %s", what, expected, text);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static const struct {
  const char *freq, *start;
  int64_t periods;
  const char *expected;
} steps[] = {
    {"us", "2024-01-10 05:00:00", 1, "2024-01-10 05:00:00.000001"},
    {"us", "2023-12-30 16:30:00", 5, "2023-12-30 16:30:00.000005"},
    {"us", "2024-02-29 17:00:00", 31, "2024-02-29 17:00:00.000031"},
    {"7ms", "2024-01-10 05:00:00", 1, "2024-01-10 05:00:00.007000"},
    {"7ms", "2023-12-30 16:30:00", 5, "2023-12-30 16:30:00.035000"},
    {"7ms", "2024-02-29 17:00:00", 31, "2024-02-29 17:00:00.217000"},
    {"s", "2024-01-10 05:00:00", 1, "2024-01-10 05:00:01"},
    {"s", "2023-12-30 16:30:00", 5, "2023-12-30 16:30:05"},
    {"s", "2024-02-29 17:00:00", 31, "2024-02-29 17:00:31"},
    {"15min", "2024-01-10 05:00:00", 1, "2024-01-10 05:15:00"},
    {"15min", "2023-12-30 16:30:00", 5, "2023-12-30 17:45:00"},
    {"15min", "2024-02-29 17:00:00", 31, "2024-03-01 00:45:00"},
    {"h", "2024-01-10 05:00:00", 1, "2024-01-10 06:00:00"},
    {"h", "2023-12-30 16:30:00", 5, "2023-12-30 21:30:00"},
    {"h", "2024-02-29 17:00:00", 31, "2024-03-02 00:00:00"},
    {"36h", "2024-01-10 05:00:00", 1, "2024-01-11 17:00:00"},
    {"36h", "2023-12-30 16:30:00", 5, "2024-01-07 04:30:00"},
    {"36h", "2024-02-29 17:00:00", 31, "2024-04-16 05:00:00"},
    {"bh", "2024-01-10 05:00:00", 1, "2024-01-10 10:00:00"},
    {"bh", "2023-12-30 16:30:00", 5, "2024-01-01 14:00:00"},
    {"bh", "2024-02-29 17:00:00", 31, "2024-03-06 16:00:00"},
    {"3bh", "2024-01-10 05:00:00", 1, "2024-01-10 12:00:00"},
    {"3bh", "2023-12-30 16:30:00", 5, "2024-01-02 16:00:00"},
    {"3bh", "2024-02-29 17:00:00", 31, "2024-03-18 14:00:00"},
    {"D", "2024-01-10 05:00:00", 1, "2024-01-11 05:00:00"},
    {"D", "2023-12-30 16:30:00", 5, "2024-01-04 16:30:00"},
    {"D", "2024-02-29 17:00:00", 31, "2024-03-31 17:00:00"},
    {"10D", "2024-01-10 05:00:00", 1, "2024-01-20 05:00:00"},
    {"10D", "2023-12-30 16:30:00", 5, "2024-02-18 16:30:00"},
    {"10D", "2024-02-29 17:00:00", 31, "2025-01-04 17:00:00"},
    {"B", "2024-01-10 05:00:00", 1, "2024-01-11 05:00:00"},
    {"B", "2023-12-30 16:30:00", 5, "2024-01-05 16:30:00"},
    {"B", "2024-02-29 17:00:00", 31, "2024-04-12 17:00:00"},
    {"3B", "2024-01-10 05:00:00", 1, "2024-01-15 05:00:00"},
    {"3B", "2023-12-30 16:30:00", 5, "2024-01-19 16:30:00"},
    {"3B", "2024-02-29 17:00:00", 31, "2024-07-09 17:00:00"},
    {"W-SUN", "2024-01-10 05:00:00", 1, "2024-01-14 05:00:00"},
    {"W-SUN", "2023-12-30 16:30:00", 5, "2024-01-28 16:30:00"},
    {"W-SUN", "2024-02-29 17:00:00", 31, "2024-09-29 17:00:00"},
    {"2W-WED", "2024-01-10 05:00:00", 1, "2024-01-24 05:00:00"},
    {"2W-WED", "2023-12-30 16:30:00", 5, "2024-03-06 16:30:00"},
    {"2W-WED", "2024-02-29 17:00:00", 31, "2025-05-07 17:00:00"},
    {"WOM-1MON", "2024-01-10 05:00:00", 1, "2024-02-05 05:00:00"},
    {"WOM-1MON", "2023-12-30 16:30:00", 5, "2024-05-06 16:30:00"},
    {"WOM-1MON", "2024-02-29 17:00:00", 31, "2026-09-07 17:00:00"},
    {"WOM-3FRI", "2024-01-10 05:00:00", 1, "2024-01-19 05:00:00"},
    {"WOM-3FRI", "2023-12-30 16:30:00", 5, "2024-05-17 16:30:00"},
    {"WOM-3FRI", "2024-02-29 17:00:00", 31, "2026-09-18 17:00:00"},
    {"2WOM-4TUE", "2024-01-10 05:00:00", 1, "2024-02-27 05:00:00"},
    {"2WOM-4TUE", "2023-12-30 16:30:00", 5, "2024-10-22 16:30:00"},
    {"2WOM-4TUE", "2024-02-29 17:00:00", 31, "2029-04-24 17:00:00"},
    {"LWOM-SUN", "2024-01-10 05:00:00", 1, "2024-01-28 05:00:00"},
    {"LWOM-SUN", "2023-12-30 16:30:00", 5, "2024-04-28 16:30:00"},
    {"LWOM-SUN", "2024-02-29 17:00:00", 31, "2026-09-27 17:00:00"},
    {"LWOM-THU", "2024-01-10 05:00:00", 1, "2024-01-25 05:00:00"},
    {"LWOM-THU", "2023-12-30 16:30:00", 5, "2024-05-30 16:30:00"},
    {"LWOM-THU", "2024-02-29 17:00:00", 31, "2026-09-24 17:00:00"},
    {"SMS-15", "2024-01-10 05:00:00", 1, "2024-01-15 05:00:00"},
    {"SMS-15", "2023-12-30 16:30:00", 5, "2024-03-01 16:30:00"},
    {"SMS-15", "2024-02-29 17:00:00", 31, "2025-06-01 17:00:00"},
    {"SMS-2", "2024-01-10 05:00:00", 1, "2024-02-01 05:00:00"},
    {"SMS-2", "2023-12-30 16:30:00", 5, "2024-03-01 16:30:00"},
    {"SMS-2", "2024-02-29 17:00:00", 31, "2025-06-01 17:00:00"},
    {"SME-15", "2024-01-10 05:00:00", 1, "2024-01-15 05:00:00"},
    {"SME-15", "2023-12-30 16:30:00", 5, "2024-02-29 16:30:00"},
    {"SME-15", "2024-02-29 17:00:00", 31, "2025-06-15 17:00:00"},
    {"2SME-27", "2024-01-10 05:00:00", 1, "2024-01-31 05:00:00"},
    {"2SME-27", "2023-12-30 16:30:00", 5, "2024-05-27 16:30:00"},
    {"2SME-27", "2024-02-29 17:00:00", 31, "2026-09-30 17:00:00"},
    {"MS", "2024-01-10 05:00:00", 1, "2024-02-01 05:00:00"},
    {"MS", "2023-12-30 16:30:00", 5, "2024-05-01 16:30:00"},
    {"MS", "2024-02-29 17:00:00", 31, "2026-09-01 17:00:00"},
    {"ME", "2024-01-10 05:00:00", 1, "2024-01-31 05:00:00"},
    {"ME", "2023-12-30 16:30:00", 5, "2024-04-30 16:30:00"},
    {"ME", "2024-02-29 17:00:00", 31, "2026-09-30 17:00:00"},
    {"BMS", "2024-01-10 05:00:00", 1, "2024-02-01 05:00:00"},
    {"BMS", "2023-12-30 16:30:00", 5, "2024-05-01 16:30:00"},
    {"BMS", "2024-02-29 17:00:00", 31, "2026-09-01 17:00:00"},
    {"BME", "2024-01-10 05:00:00", 1, "2024-01-31 05:00:00"},
    {"BME", "2023-12-30 16:30:00", 5, "2024-05-31 16:30:00"},
    {"BME", "2024-02-29 17:00:00", 31, "2026-09-30 17:00:00"},
    {"2BME", "2024-01-10 05:00:00", 1, "2024-02-29 05:00:00"},
    {"2BME", "2023-12-30 16:30:00", 5, "2024-10-31 16:30:00"},
    {"2BME", "2024-02-29 17:00:00", 31, "2029-04-30 17:00:00"},
    {"QS-JAN", "2024-01-10 05:00:00", 1, "2024-04-01 05:00:00"},
    {"QS-JAN", "2023-12-30 16:30:00", 5, "2025-01-01 16:30:00"},
    {"QS-JAN", "2024-02-29 17:00:00", 31, "2031-10-01 17:00:00"},
    {"QE-DEC", "2024-01-10 05:00:00", 1, "2024-03-31 05:00:00"},
    {"QE-DEC", "2023-12-30 16:30:00", 5, "2024-12-31 16:30:00"},
    {"QE-DEC", "2024-02-29 17:00:00", 31, "2031-09-30 17:00:00"},
    {"QE-NOV", "2024-01-10 05:00:00", 1, "2024-02-29 05:00:00"},
    {"QE-NOV", "2023-12-30 16:30:00", 5, "2025-02-28 16:30:00"},
    {"QE-NOV", "2024-02-29 17:00:00", 31, "2031-11-30 17:00:00"},
    {"BQS-FEB", "2024-01-10 05:00:00", 1, "2024-02-01 05:00:00"},
    {"BQS-FEB", "2023-12-30 16:30:00", 5, "2025-02-03 16:30:00"},
    {"BQS-FEB", "2024-02-29 17:00:00", 31, "2031-11-03 17:00:00"},
    {"BQE-OCT", "2024-01-10 05:00:00", 1, "2024-01-31 05:00:00"},
    {"BQE-OCT", "2023-12-30 16:30:00", 5, "2025-01-31 16:30:00"},
    {"BQE-OCT", "2024-02-29 17:00:00", 31, "2031-10-31 17:00:00"},
    {"HYS-JAN", "2024-01-10 05:00:00", 1, "2024-07-01 05:00:00"},
    {"HYS-JAN", "2023-12-30 16:30:00", 5, "2026-01-01 16:30:00"},
    {"HYS-JAN", "2024-02-29 17:00:00", 31, "2039-07-01 17:00:00"},
    {"HYE-NOV", "2024-01-10 05:00:00", 1, "2024-05-31 05:00:00"},
    {"HYE-NOV", "2023-12-30 16:30:00", 5, "2026-05-31 16:30:00"},
    {"HYE-NOV", "2024-02-29 17:00:00", 31, "2039-05-31 17:00:00"},
    {"BHYS-MAR", "2024-01-10 05:00:00", 1, "2024-03-01 05:00:00"},
    {"BHYS-MAR", "2023-12-30 16:30:00", 5, "2026-03-02 16:30:00"},
    {"BHYS-MAR", "2024-02-29 17:00:00", 31, "2039-03-01 17:00:00"},
    {"BHYE-DEC", "2024-01-10 05:00:00", 1, "2024-06-28 05:00:00"},
    {"BHYE-DEC", "2023-12-30 16:30:00", 5, "2026-06-30 16:30:00"},
    {"BHYE-DEC", "2024-02-29 17:00:00", 31, "2039-06-30 17:00:00"},
    {"YS-JAN", "2024-01-10 05:00:00", 1, "2025-01-01 05:00:00"},
    {"YS-JAN", "2023-12-30 16:30:00", 5, "2028-01-01 16:30:00"},
    {"YS-JAN", "2024-02-29 17:00:00", 31, "2055-01-01 17:00:00"},
    {"YE-JUN", "2024-01-10 05:00:00", 1, "2024-06-30 05:00:00"},
    {"YE-JUN", "2023-12-30 16:30:00", 5, "2028-06-30 16:30:00"},
    {"YE-JUN", "2024-02-29 17:00:00", 31, "2054-06-30 17:00:00"},
    {"BYS-MAY", "2024-01-10 05:00:00", 1, "2024-05-01 05:00:00"},
    {"BYS-MAY", "2023-12-30 16:30:00", 5, "2028-05-01 16:30:00"},
    {"BYS-MAY", "2024-02-29 17:00:00", 31, "2054-05-01 17:00:00"},
    {"BYE-DEC", "2024-01-10 05:00:00", 1, "2024-12-31 05:00:00"},
    {"BYE-DEC", "2023-12-30 16:30:00", 5, "2028-12-29 16:30:00"},
    {"BYE-DEC", "2024-02-29 17:00:00", 31, "2054-12-31 17:00:00"},
};

static void test_steps(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    c2_freq freq = freq_of(steps[i].freq);
    c2_error err = {.code = C2_OK};
    c2_time end = 0;
    int64_t periods = 0;
    assert_int_equal(c2_freq_add(&freq, time_of(steps[i].start), steps[i].periods, &end, &err), C2_OK);
    assert_time(end, steps[i].expected, steps[i].freq);
    if (!c2_freq_between(&freq, time_of(steps[i].start), end, &periods) || periods != steps[i].periods) {
      fail_msg("%s from %s to %s: counted %lld steps", steps[i].freq, steps[i].start, steps[i].expected,
               (long long)periods);
    }
    assert_true(c2_freq_is_point(&freq, end));
  }
}

static void test_roll_forward(void **state) {
  (void)state;
  static const char *const cases[][3] = {{"WOM-3FRI", "2024-01-20 05:00:00", "2024-02-16 05:00:00"},
                                         {"LWOM-TUE", "2024-01-31 00:00:00", "2024-02-27 00:00:00"},
                                         {"SMS-15", "2024-01-15 00:00:00", "2024-01-15 00:00:00"},
                                         {"SME-20", "2024-01-10 05:00:00", "2024-01-20 05:00:00"},
                                         {"HYE-NOV", "2024-02-29 00:00:00", "2024-05-31 00:00:00"},
                                         {"bh", "2024-01-13 10:00:00", "2024-01-15 09:00:00"},
                                         {"bh", "2024-01-10 08:59:59", "2024-01-10 09:00:00"},
                                         {"bh", "2024-01-12 16:30:00", "2024-01-12 16:30:00"},
                                         {"2MS", "2024-01-10 00:00:00", "2024-02-01 00:00:00"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    c2_freq freq = freq_of(cases[i][0]);
    c2_error err = {.code = C2_OK};
    c2_time time = 0;
    assert_int_equal(c2_freq_roll_forward(&freq, time_of(cases[i][1]), &time, &err), C2_OK);
    assert_time(time, cases[i][2], cases[i][0]);
  }
}

static void test_years_end(void **state) {
  (void)state;
  static const char *const all[] = {"1", "us", "D", "bh", "B", "W", "SMS", "WOM-4SUN", "MS", "YE"};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    c2_freq freq = freq_of(all[i]);
    c2_error err = {.code = C2_OK};
    c2_time time = 0;
    assert_int_not_equal(c2_freq_add(&freq, time_of("9999-12-30"), INT64_MAX / 2, &time, &err), C2_OK);
    freq.multiple = INT64_MAX;
    assert_int_not_equal(c2_freq_add(&freq, time_of("2020-01-01"), 2, &time, &err), C2_OK);
  }
  assert_false(c2_freq_has_clock(&(c2_freq){C2_FREQ_DAY, C2_PLACE_START, 0, 111111190}));
}

/* ---- Spelling -------------------------------------------------------------------------------- */

static void test_spelling(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"H", "h"},           {"T", "min"},       {"S", "s"},           {"L", "ms"},        {"U", "us"},
      {"d", "D"},           {"M", "ME"},        {"Q", "QE-DEC"},      {"A", "YE-DEC"},    {"Y", "YE-DEC"},
      {"AS-JUL", "YS-JUL"}, {"BM", "BME"},      {"BQ", "BQE-DEC"},    {"BA", "BYE-DEC"},  {"BAS", "BYS-JAN"},
      {"BH", "bh"},         {"SM", "SME-15"},   {"SMS", "SMS-15"},    {"W", "W-SUN"},     {"2bh", "2bh"},
      {"HYS", "HYS-JAN"},   {"BHYE", "BHYE-DEC"}, {"3WOM-1MON", "3WOM-1MON"}, {"LWOM-FRI", "LWOM-FRI"},
      {"1", "1"},           {"3600", "3600"},   {"SME-27", "SME-27"}, {"90min", "90min"}, {"1D", "D"}};
  static const char *const refused[] = {
      "",        "X",        "C",       "cbh",     "CBMS",     "ns",  "N",           "E",           "0D",
      "-1D",     "1.5h",     "1D12h",   "WOM",     "WOM-FRI",  "LWOM", "WOM-5MON",    "WOM-0MON",    "LWOM-1FRI",
      "SMS-1",   "SMS-28",   "SMS-",    "SME-0",   "D-MON",    "W-JAN", "QS-MON",     "MS-JAN",      "0",
      "5-",      "h-9",      "RE-N-DEC-MON", "111111190D", "1000000001MS", "10000000000000000"};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[C2_FREQ_ROOM];
    c2_freq freq = freq_of(cases[i][0]);
    c2_freq_format(&freq, text);
    assert_string_equal(text, cases[i][1]);
    c2_freq again = freq_of(text);
    assert_true(c2_freq_equal(&freq, &again));
  }
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    c2_freq freq;
    c2_error err = {.code = C2_OK};
    if (c2_freq_parse(refused[i], &freq, &err) == C2_OK) fail_msg("'%s' was read", refused[i]);
    assert_non_null(strstr(err.text, "WOM-3FRI, LWOM-FRI, SMS"));
  }
}

/* The season of each unit, by all of its spellings, and of multiples. */
static void test_seasons(void **state) {
  (void)state;
  static const struct {
    const char *freqs;
    size_t season;
  } cases[] = {{"s S", 3600},
               {"min T", 1440},
               {"15min", 96},
               {"90min", 16},
               {"h H", 24},
               {"2h", 12},
               {"7h 24h 48h", 1},
               {"bh BH", 8},
               {"4bh", 2},
               {"D d", 7},
               {"2D 7D", 1},
               {"B", 5},
               {"MS ME M BMS BME BM", 12},
               {"3MS", 4},
               {"QS QE Q BQS BQE BQ QS-FEB QE-NOV", 4},
               {"2QS", 2},
               {"HYS HYE BHYS BHYE HYE-JUN", 2},
               {"2HYE", 1},
               {"YS YE Y A AS BYS BYE BY BA BAS YE-JUN W W-MON WOM-3FRI LWOM-FRI SMS SME SM us U ms L 1 7", 1}};
  bool seen[C2_FREQ_YEAR + 1] = {false};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char list[200];
    (void)snprintf(list, sizeof list, "%s", cases[i].freqs);
    char *rest = NULL;
    for (char *name = strtok_r(list, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
      size_t season = 0;
      seen[freq_of(name).unit] = true;
      assert_int_equal(chronos2_frequency_season(name, &season), CHRONOS2_OK);
      if (season != cases[i].season) fail_msg("%s: expected %zu, found %zu", name, cases[i].season, season);
    }
  }
  for (size_t unit = 0; unit <= C2_FREQ_YEAR; unit++) assert_true(seen[unit]);
  size_t season = 3;
  assert_int_equal(chronos2_frequency_season("X", &season), CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "freq: expected a frequency as pandas spells it, found 'X'"));
  assert_int_equal(season, 3);
}

static void test_zones(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"2024-01-28 05:00:00+01:00", "2024-01-28 05:00:00+01:00"},
      {"2024-01-28T05:00:00+0530", "2024-01-28 05:00:00+05:30"},
      {"2024-01-28T05:00-08", "2024-01-28 05:00:00-08:00"},
      {"2024-01-28T05:00:00.25Z", "2024-01-28 05:00:00.250000+00:00"},
      {"2024-01-28 00:00:00 UTC", "2024-01-28 00:00:00+00:00"},
      {"2024-01-28 00:00 -0330", "2024-01-28 00:00:00-03:30"},
      {"2024-01-28 00:00", "2024-01-28"}};
  static const char *const refused[] = {"2024-01-28 05:00+24:00", "2024-01-28 05:00+1", "2024-01-28 05:00+01:0",
                                        "2024-01-28 05:00 CET", "2024-01-28 05:00Z+01", "2024-01-28 05:00+01:60"};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[C2_TIME_ROOM];
    c2_time time = 0;
    c2_zone zone;
    c2_error err = {.code = C2_OK};
    assert_int_equal(c2_time_parse(cases[i][0], &time, &zone, &err), C2_OK);
    c2_time_format(time, false, zone, text);
    assert_string_equal(text, cases[i][1]);
  }
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    c2_time time = 0;
    c2_zone zone;
    c2_error err = {.code = C2_OK};
    if (c2_time_parse(refused[i], &time, &zone, &err) == C2_OK) fail_msg("'%s' was read", refused[i]);
  }
}

/* ---- Inference ------------------------------------------------------------------------------- */

enum { MOST = 32 };

static void test_inference(void **state) {
  (void)state;
  static const struct {
    const char *freq, *start;
    int64_t count;
    const char *expected; /* NULL: none */
  } cases[] = {
      {"us", "2024-01-01", 5, "us"},
      {"15min", "2024-01-01", 9, "15min"},
      {"36h", "2024-01-01", 5, "36h"},
      {"bh", "2024-01-02 09:00", 20, "bh"},
      {"bh", "2024-01-05 15:30", 20, "bh"},
      {"bh", "2024-01-02 09:00", 8, "h"},
      {"3bh", "2024-01-02 09:00", 20, "3bh"}, /* pandas: none */
      {"B", "2024-01-04", 8, "B"},
      {"B", "2024-01-01", 5, "D"},
      {"D", "2024-01-01", 9, "D"},
      {"10D", "2024-01-01", 9, "10D"},
      {"W-WED", "2024-01-03", 6, "W-WED"},
      {"4W-FRI", "2024-01-05", 6, "4W-FRI"},
      {"WOM-3FRI", "2024-01-19", 8, "WOM-3FRI"},
      {"WOM-1MON", "2024-01-01", 8, "WOM-1MON"},
      {"2WOM-1MON", "2024-01-01", 8, "2WOM-1MON"}, /* pandas: WOM-1MON, whose next step is a month on */
      {"LWOM-FRI", "2024-01-26", 8, "LWOM-FRI"},   /* pandas: WOM-4FRI, which is a week early in some months */
      {"SMS", "2024-01-01", 8, NULL},
      {"MS", "2024-01-01", 8, "MS"},
      {"ME", "2024-01-31", 8, "ME"},
      {"BMS", "2024-01-01", 12, "BMS"},
      {"BME", "2024-01-31", 12, "BME"},
      {"3MS", "2024-02-01", 6, "QS-FEB"},
      {"QS-JAN", "2024-01-01", 8, "QS-JAN"},
      {"QE-NOV", "2024-02-29", 8, "QE-NOV"},
      {"BQS-FEB", "2024-02-01", 8, "BQS-FEB"},
      {"HYS-JAN", "2024-01-01", 8, "2QS-JAN"},
      {"HYE-NOV", "2024-05-31", 8, "2QE-NOV"},
      {"YS-JAN", "2024-01-01", 8, "YS-JAN"},
      {"2YS", "2001-01-01", 5, "2YS-JAN"},
      {"YE-JUN", "2024-06-30", 8, "YE-JUN"},
      {"BYS-MAY", "2024-05-01", 18, "BYS-MAY"},
      {"BYE-DEC", "2024-12-31", 18, "BYE-DEC"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    c2_time stamps[MOST];
    c2_freq freq = freq_of(cases[i].freq);
    c2_error err = {.code = C2_OK};
    char found[C2_FREQ_ROOM];
    size_t odd = 0;
    for (int64_t k = 0; k < cases[i].count; k++) {
      assert_int_equal(c2_freq_add(&freq, time_of(cases[i].start), k, &stamps[k], &err), C2_OK);
    }
    bool any = c2_freq_infer(stamps, (size_t)cases[i].count, false, &freq, &odd);
    if (any) c2_freq_format(&freq, found);
    if (any != (cases[i].expected != NULL) || (any && strcmp(found, cases[i].expected) != 0)) {
      fail_msg("%s from %s: found %s", cases[i].freq, cases[i].start, any ? found : "none");
    }
  }
}

/* Rows that are missing are no obstacle; one that is out of step is, and is found. */
static void test_disturbed(void **state) {
  (void)state;
  static const struct {
    const char *stamps[MOST];
    const char *expected;
    size_t odd;
  } cases[] = {
      {{"2024-01-01", "2024-01-02", "2024-01-03", "2024-01-05", "2024-01-06", "2024-01-07"}, "D", 0},
      {{"2024-01-01", "2024-02-01", "2024-03-01", "2024-05-01", "2024-06-01"}, "MS", 0},
      {{"2024-01-03", "2024-01-04", "2024-01-05", "2024-01-09", "2024-01-10", "2024-01-11"}, "B", 0},
      {{"2024-01-01", "2024-01-02", "2024-01-03", "2024-01-03 12:00", "2024-01-04", "2024-01-05"}, NULL, 3},
      {{"2023-12-31 12:00", "2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"}, NULL, 0},
      {{"2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-04 12:00"}, NULL, 4},
      {{"2024-01-01", "2024-02-01", "2024-03-01", "2024-03-15", "2024-04-01", "2024-05-01"}, NULL, 3},
      {{"2024-01-31", "2024-02-29", "2024-03-31", "2024-04-15", "2024-04-30", "2024-05-31"}, NULL, 3},
      {{"2024-01-01", "2024-01-02", "2024-01-03", "2024-01-31"}, NULL, 3},
      {{"2024-01-01", "2024-01-02", "2024-01-04"}, NULL, SIZE_MAX},
      {{"2024-01-01", "2024-01-04", "2024-01-06", "2024-01-13"}, NULL, SIZE_MAX},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    c2_time stamps[MOST];
    c2_freq freq;
    char found[C2_FREQ_ROOM] = "none";
    size_t count = 0;
    size_t odd = 0;
    for (; cases[i].stamps[count]; count++) stamps[count] = time_of(cases[i].stamps[count]);
    bool any = c2_freq_infer(stamps, count, false, &freq, &odd);
    if (any) c2_freq_format(&freq, found);
    if (strcmp(found, cases[i].expected ? cases[i].expected : "none") != 0) fail_msg("case %zu: found %s", i, found);
    if (!any && odd != cases[i].odd) fail_msg("case %zu: stamp %zu is odd, expected %zu", i, odd, cases[i].odd);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_steps),    cmocka_unit_test(test_roll_forward), cmocka_unit_test(test_years_end),
      cmocka_unit_test(test_spelling), cmocka_unit_test(test_zones),        cmocka_unit_test(test_inference),
      cmocka_unit_test(test_disturbed), cmocka_unit_test(test_seasons)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
