/* Time stamps and frequencies: what is read prints and reads back the same; steps and counts undo each other; an
 * inferred frequency has every stamp as a point. */
#include "data/calendar.h"
#include "fuzz.h"

static void check_time(c2_time time) {
  char text[C2_TIME_ROOM];
  c2_time again = 0;
  c2_error err = {C2_OK, ""};
  c2_time_format(time, c2_time_has_clock(time), text);
  fuzz_require(c2_time_parse(text, &again, &err) == C2_OK && again == time, "a printed time reads back");
}

static void check_freq(const c2_freq *freq) {
  char text[C2_FREQ_ROOM];
  c2_freq again;
  c2_error err = {C2_OK, ""};
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
  c2_error err = {C2_OK, ""};
  c2_status status = c2_freq_roll_forward(freq, start, &first, &err);
  if (status == C2_OK) status = c2_freq_add(freq, first, periods, &later, &err);
  if (status != C2_OK) {
    fuzz_check_error(status, &err);
    return;
  }
  fuzz_require(first >= start && later >= first, "time goes forward");
  fuzz_require(c2_freq_between(freq, first, later, &counted) && counted == periods, "periods are counted");
  check_time(later);
  if (c2_freq_add(freq, later, 1, &next, &err) == C2_OK) fuzz_require(next > later, "a period has a length");
}

static void check_inferred(const c2_time *stamps, size_t count) {
  c2_freq freq;
  int64_t periods = 0;
  if (!c2_freq_infer(stamps, count, &freq)) return;
  check_freq(&freq);
  for (size_t i = 0; i < count; i++) {
    fuzz_require(c2_freq_between(&freq, stamps[0], stamps[i], &periods), "every stamp is a point");
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
  check_inferred(stamps, count);
}

/* The input: a line with a frequency, then lines with times, then bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char line[64];
  c2_freq freq = {.multiple = 1};
  c2_time start = 0;
  c2_error err = {C2_OK, ""};
  fuzz_reader r = {data, data + size};
  for (int k = 0; k < 2; k++) {
    size_t n = 0;
    for (int c = fuzz_byte(&r); c != '\n' && c != 0 && n + 1 < sizeof line; c = fuzz_byte(&r)) line[n++] = (char)c;
    line[n] = '\0';
    err = (c2_error){C2_OK, ""};
    c2_status status = k == 0 ? c2_freq_parse(line, &freq, &err) : c2_time_parse(line, &start, &err);
    if (status != C2_OK) {
      fuzz_check_error(status, &err);
      return 0;
    }
    if (k == 0) check_freq(&freq);
  }
  check_time(start);
  int64_t periods = (int64_t)(fuzz_word(&r, 1 + fuzz_byte(&r) % 8) >> 1);
  check_steps(&freq, start, periods);
  infer_from(&freq, start, &r);
  return 0;
}
