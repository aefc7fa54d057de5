/* Time stamps and frequencies: what is read prints and reads back the same; steps and counts undo each other; an
 * inferred frequency has every stamp as a point. */
#include "time/calendar.h"
#include "fuzz.h"

static void check_time(c2_time time, c2_zone zone) {
  char text[C2_TIME_ROOM];
  c2_time again = 0;
  c2_zone same = {false, 0};
  c2_error err = {.code = C2_OK};
  c2_time_format(time, c2_time_has_clock(time), zone, text);
  fuzz_require(c2_time_parse(text, &again, &same, &err) == C2_OK && again == time, "a printed time reads back");
  fuzz_require(same.given == zone.given && same.minutes == zone.minutes, "a printed zone reads back");
}

static void check_freq(const c2_freq *freq) {
  char text[C2_FREQ_ROOM];
  c2_freq again;
  c2_error err = {.code = C2_OK};
  fuzz_require(freq->multiple >= 1, "a multiple is at least 1");
  c2_freq_format(freq, text);
  fuzz_require(c2_freq_parse(text, &again, &err) == C2_OK && c2_freq_equal(freq, &again), "a frequency reads back");
}

/* From a point of the frequency: n periods on, n periods counted, and each step later than the one before. */
static void check_steps(const c2_freq *freq, c2_time start, int64_t periods) {
  c2_time first = 0;
  c2_time later = 0;
  c2_time next = 0;
  int64_t counted = -1;
  c2_error err = {.code = C2_OK};
  c2_status status = c2_freq_roll_forward(freq, start, &first, &err);
  if (status == C2_OK) status = c2_freq_add(freq, first, periods, &later, &err);
  if (status != C2_OK) {
    fuzz_check_error(status, &err);
    return;
  }
  fuzz_require(first >= start && later >= first, "time goes forward");
  fuzz_require(c2_freq_between(freq, first, later, &counted) && counted == periods, "periods are counted");
  if (freq->unit != C2_FREQ_COUNT) check_time(later, (c2_zone){false, 0});
  if (c2_freq_add(freq, later, 1, &next, &err) == C2_OK) fuzz_require(next > later, "a period has a length");
}

static void check_inferred(const c2_time *stamps, size_t count, bool count_axis) {
  c2_freq freq;
  int64_t periods = 0;
  size_t odd = 0;
  if (!c2_freq_infer(stamps, count, count_axis, &freq, &odd)) {
    fuzz_require(count < 3 || odd < count || odd == SIZE_MAX, "an odd stamp is among the stamps");
    return;
  }
  check_freq(&freq);
  for (size_t i = 0; i < count; i++) {
    fuzz_require(c2_freq_is_point(&freq, stamps[i]), "every stamp is a point");
    fuzz_require(c2_freq_between(&freq, stamps[0], stamps[i], &periods), "every stamp is counted");
  }
}

/* Stamps that lie one to four periods apart. */
static void infer_from(const c2_freq *freq, c2_time start, fuzz_reader *r) {
  c2_time stamps[12];
  size_t count = 0;
  c2_error err;
  if (c2_freq_roll_forward(freq, start, &stamps[0], &err) != C2_OK) return;
  for (count = 1; count < 12; count++) {
    if (c2_freq_add(freq, stamps[count - 1], 1 + fuzz_byte(r) % 4, &stamps[count], &err) != C2_OK) break;
  }
  check_inferred(stamps, count, freq->unit == C2_FREQ_COUNT);
}

static void next_line(fuzz_reader *r, char line[64]) {
  size_t n = 0;
  for (int c = fuzz_byte(r); c != '\n' && c != 0 && n < 63; c = fuzz_byte(r)) line[n++] = (char)c;
  line[n] = '\0';
}

/* The input: a line with a frequency, one with a time, then bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char line[64];
  c2_freq freq = {.multiple = 1};
  c2_time start = 0;
  c2_zone zone = {false, 0};
  c2_error err = {.code = C2_OK};
  fuzz_reader r = {data, data + size};
  next_line(&r, line);
  c2_status status = c2_freq_parse(line, &freq, &err);
  if (status == C2_OK) {
    check_freq(&freq);
    next_line(&r, line);
    if (freq.unit == C2_FREQ_COUNT) {
      start = (c2_time)(strlen(line) * strlen(line) * 1000);
    } else {
      status = c2_time_parse(line, &start, &zone, &err);
      if (status == C2_OK) check_time(start, zone);
    }
  }
  if (status != C2_OK) {
    fuzz_check_error(status, &err);
    return 0;
  }
  int64_t periods = (int64_t)(fuzz_word(&r, 1 + fuzz_byte(&r) % 8) >> 1);
  check_steps(&freq, start, periods);
  infer_from(&freq, start, &r);
  return 0;
}
