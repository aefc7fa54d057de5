/* The frequency that time stamps follow, and the stamp that disturbs it. Knows no files. */
#include "time/calendar.h"

static int64_t gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static c2_date date_of(c2_time time) {
  return c2_date_of(c2_floor_div(time, C2_DAY_US));
}

/* ---- Candidates: a frequency that has every stamp as a point ------------------------------------ */

/* Months (or years) whose days all lie at `place`. */
static bool infer_months(const c2_time *stamps, size_t count, c2_freq_place place, c2_freq *out) {
  int64_t step = 0;
  int64_t first = 0;
  for (size_t i = 0; i < count; i++) {
    c2_date date = date_of(stamps[i]);
    if (date.day != c2_place_in_month(place, date.year, date.month)) return false;
    int64_t month = date.year * 12 + date.month - 1;
    if (i == 0) first = month;
    step = gcd(month - first, step);
  }
  if (step == 0) return false;
  int of_year = (int)c2_floor_mod(first, 12);
  bool ends = place == C2_PLACE_END || place == C2_PLACE_BUSINESS_END;
  if (step % 12 == 0) {
    *out = (c2_freq){C2_FREQ_YEAR, place, of_year + 1, step / 12};
  } else if (step % 3 == 0) { /* named by the quarter that ends or begins the year */
    *out = (c2_freq){C2_FREQ_QUARTER, place, of_year % 3 + (ends ? 10 : 1), step / 3};
  } else {
    *out = (c2_freq){C2_FREQ_MONTH, place, 0, step};
  }
  return true;
}

/* The n-th, or the last, of a weekday in months that are `step` apart. */
static bool infer_week_of_month(const c2_time *stamps, size_t count, bool last, c2_freq *out) {
  int64_t step = 0;
  int64_t first = 0;
  int anchor = 0;
  for (size_t i = 0; i < count; i++) {
    c2_date date = date_of(stamps[i]);
    int week = (date.day - 1) / 7;
    if (last ? date.day + 7 <= c2_month_length(date.year, date.month) : week > 3) return false;
    int own = (last ? 4 : week) * 7 + c2_weekday(c2_floor_div(stamps[i], C2_DAY_US));
    int64_t month = date.year * 12 + date.month - 1;
    if (i == 0) {
      first = month;
      anchor = own;
    }
    if (own != anchor) return false;
    step = gcd(month - first, step);
  }
  *out = (c2_freq){C2_FREQ_WEEK_OF_MONTH, C2_PLACE_START, anchor, step};
  return step > 0;
}

/* Days, business days or weeks, from the greatest common divisor of the distances. */
static void infer_days(const c2_time *stamps, size_t count, int64_t step, c2_freq *out) {
  int64_t first = c2_floor_div(stamps[0], C2_DAY_US);
  int64_t last = c2_floor_div(stamps[count - 1], C2_DAY_US);
  if (step % 7 == 0) {
    *out = (c2_freq){C2_FREQ_WEEK, C2_PLACE_START, c2_weekday(first), step / 7};
    return;
  }
  bool weekend_left_out = c2_weekday(first) + (last - first) >= 7; /* one lies between them */
  for (size_t i = 0; i < count && weekend_left_out; i++) {
    if (c2_weekday(c2_floor_div(stamps[i], C2_DAY_US)) >= 5) weekend_left_out = false;
  }
  c2_freq_unit unit = step == 1 && weekend_left_out ? C2_FREQ_BUSINESS_DAY : C2_FREQ_DAY;
  *out = (c2_freq){unit, C2_PLACE_START, 0, step};
}

/* Whole hours of business. */
static bool infer_business_hours(const c2_time *stamps, size_t count, c2_freq *out) {
  static const c2_freq hour = {C2_FREQ_BUSINESS_HOUR, C2_PLACE_START, 0, 1};
  int64_t step = 0;
  for (size_t i = 0; i < count; i++) {
    int64_t hours = 0;
    if (!c2_freq_is_point(&hour, stamps[i]) || !c2_freq_between(&hour, stamps[0], stamps[i], &hours)) return false;
    step = gcd(hours, step);
  }
  *out = hour;
  out->multiple = step;
  return step > 0;
}

static void infer_clock(int64_t step, c2_freq *out) {
  c2_freq_unit unit = C2_FREQ_HOUR;
  while (step % c2_fixed_unit(unit) != 0) unit--;
  *out = (c2_freq){unit, C2_PLACE_START, 0, step / c2_fixed_unit(unit)};
}

/* As pandas.infer_freq chooses among them. */
static void choose(const c2_time *stamps, size_t count, bool count_axis, int64_t step, bool even, c2_freq *out) {
  static const c2_freq_place places[] = {C2_PLACE_START, C2_PLACE_END, C2_PLACE_BUSINESS_START, C2_PLACE_BUSINESS_END};
  if (count_axis) {
    *out = (c2_freq){C2_FREQ_COUNT, C2_PLACE_START, 0, step};
    return;
  }
  if (step % C2_DAY_US != 0) {
    if (even || !infer_business_hours(stamps, count, out)) infer_clock(step, out);
    return;
  }
  for (size_t i = 0; i < 4; i++) {
    if (infer_months(stamps, count, places[i], out)) return;
  }
  for (int last = 0; last < 2 && !even; last++) {
    if (infer_week_of_month(stamps, count, last, out)) return;
  }
  infer_days(stamps, count, step / C2_DAY_US, out);
}

/* ---- What disturbs ------------------------------------------------------------------------------ */

/* The distance of more than half of the neighbours, else 0: a majority vote, then a count. */
static int64_t usual_distance(const c2_time *stamps, size_t count) {
  int64_t usual = 0;
  size_t votes = 0;
  for (size_t i = 1; i < count; i++) {
    int64_t distance = stamps[i] - stamps[i - 1];
    if (votes == 0) usual = distance;
    votes = distance == usual ? votes + 1 : votes - 1;
  }
  votes = 0;
  for (size_t i = 1; i < count; i++) votes += stamps[i] - stamps[i - 1] == usual;
  return 2 * votes > count - 1 ? usual : 0;
}

/* The first stamp that no whole number of usual distances separates from its neighbours. */
static size_t find_odd_distance(const c2_time *stamps, size_t count, int64_t usual) {
  for (size_t i = 1; i < count; i++) {
    if ((stamps[i] - stamps[i - 1]) % usual == 0) continue;
    return i == 1 && (stamps[2] - stamps[1]) % usual == 0 ? 0 : i;
  }
  return SIZE_MAX;
}

/* The first stamp that lies elsewhere in its month than most do. */
static size_t find_odd_place(const c2_time *stamps, size_t count) {
  static const c2_freq_place places[] = {C2_PLACE_START, C2_PLACE_END, C2_PLACE_BUSINESS_START, C2_PLACE_BUSINESS_END};
  for (size_t k = 0; k < 4; k++) {
    size_t there = 0;
    size_t odd = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
      c2_date date = date_of(stamps[i]);
      bool fits = date.day == c2_place_in_month(places[k], date.year, date.month);
      there += fits;
      if (!fits && odd == SIZE_MAX) odd = i;
    }
    if (2 * there > count && odd != SIZE_MAX) return odd;
  }
  return SIZE_MAX;
}

static size_t find_odd(const c2_time *stamps, size_t count, bool count_axis) {
  int64_t usual = usual_distance(stamps, count);
  size_t odd = SIZE_MAX;
  if (usual > 0) odd = find_odd_distance(stamps, count, usual);
  if (usual == 0 && !count_axis) odd = find_odd_place(stamps, count);
  if (usual == 0 || odd != SIZE_MAX) return odd;
  odd = 1; /* the steps are even, but too many are left out: what follows the widest gap */
  for (size_t i = 2; i < count; i++) {
    if (stamps[i] - stamps[i - 1] > stamps[odd] - stamps[odd - 1]) odd = i;
  }
  return odd;
}

/* Steps without a gap that are more than chance. */
enum { OWN_STEPS = 4 };

/* ---- Inference ---------------------------------------------------------------------------------- */

size_t c2_freq_count_steps(const c2_freq *freq, const c2_time *stamps, size_t count) {
  size_t steps = 0;
  int64_t length = c2_freq_length(freq);
  for (size_t i = 1; i < count && length > 0; i++) steps += stamps[i] - stamps[i - 1] == length;
  for (size_t i = 1; i < count && length == 0; i++) {
    int64_t periods = 0;
    steps += c2_freq_between(freq, stamps[i - 1], stamps[i], &periods) && periods == 1;
  }
  return steps;
}

bool c2_freq_outdoes(const c2_freq *own, const c2_freq *other, const c2_time *stamps, size_t count) {
  size_t steps = c2_freq_count_steps(own, stamps, count);
  return steps >= OWN_STEPS && steps > c2_freq_count_steps(other, stamps, count);
}

bool c2_freq_infer(const c2_time *stamps, size_t count, bool count_axis, c2_freq *out, size_t *odd) {
  int64_t step = 0;
  int64_t periods = 0;
  bool even = true;
  *odd = SIZE_MAX;
  if (count < 3) return false;
  for (size_t i = 1; i < count; i++) {
    int64_t distance = stamps[i] - stamps[i - 1];
    if (i > 1 && distance == stamps[1] - stamps[0]) continue;
    step = gcd(distance, step);
    even = even && i == 1;
  }
  if (step <= 0) return false;
  choose(stamps, count, count_axis, step, even, out);
  if (2 * c2_freq_count_steps(out, stamps, count) > count - 1 &&
      c2_freq_between(out, stamps[0], stamps[count - 1], &periods) && periods + 1 <= 2 * (int64_t)count) {
    return true;
  }
  *odd = find_odd(stamps, count, count_axis);
  return false;
}

bool c2_freq_infer_zoned(const c2_time *wall, const c2_time *utc, size_t count, const c2_time **stamps, c2_freq *out,
                         size_t *odd) {
  int64_t least = INT64_MAX;
  bool is_even = true; /* the offset from UTC */
  for (size_t i = 1; i < count; i++) {
    int64_t step = wall[i] - wall[i - 1];
    if (step < least) least = step;
    is_even = is_even && step == utc[i] - utc[i - 1];
  }
  bool is_wall = is_even || (least > 0 && least % C2_DAY_US == 0);
  *stamps = wall;
  if (is_wall || least > 0) { /* where summer ends, a step of the wall may be none */
    bool found = c2_freq_infer(wall, count, false, out, odd);
    if (is_wall || (found && out->unit == C2_FREQ_BUSINESS_HOUR)) return found;
  }
  *stamps = utc;
  if (!c2_freq_infer(utc, count, false, out, odd)) return false;
  if (out->unit == C2_FREQ_DAY || out->unit == C2_FREQ_WEEK) {
    int64_t days = out->unit == C2_FREQ_WEEK ? 7 : 1;
    *out = (c2_freq){C2_FREQ_HOUR, C2_PLACE_START, 0, 24 * days * out->multiple};
  }
  return c2_freq_counts_instants(out);
}
