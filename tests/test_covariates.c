/* Covariates that matter to the bundled checkpoints: a known future covariate of known effect must lower the error.
 *
 * Each series is a level, a weekly season, noise, and an effect of x as large as a few deviations of the noise. The
 * program forecasts them with x and without. What the checkpoints have learned is held: over the four kinds, an error
 * of at most 0.7 of that without. An effect that comes a day later than a single day they don't follow. */
#include "base/random.h"
#include "program.h"
#include "small.h"

#include <math.h>

enum { SERIES = 24, PAST = 280, HORIZON = 28, LENGTH = PAST + HORIZON };

typedef double (*effect_of)(const double *x, size_t t);

static double at_once(const double *x, size_t t) {
  return 3 * x[t];
}

static double a_day_later(const double *x, size_t t) {
  return 3 * x[t ? t - 1 : 0];
}

typedef struct scene {
  const char *name;
  enum { EVENTS, STATES, WEATHER } kind;
  effect_of effect;
  double most; /* error with over error without */
  double y[SERIES][LENGTH], x[SERIES][LENGTH];
} scene;

/* ---- Numbers --------------------------------------------------------------------------------- */

static double uniform(uint64_t *state) {
  return (double)(c2_random_next(state) >> 11) * 0x1p-53;
}

static double normal(uint64_t *state) {
  double radius = sqrt(-2 * log(1 - uniform(state)));
  return radius * cos(6.283185307179586 * uniform(state));
}

static void draw(scene *s, uint64_t seed) {
  uint64_t state = seed;
  for (size_t i = 0; i < SERIES; i++) {
    double level = 20 + 10 * uniform(&state);
    double phase = uniform(&state);
    double x = 0;
    for (size_t t = 0; t < LENGTH; t++) {
      if (s->kind == EVENTS) x = uniform(&state) < 0.15;
      if (s->kind == STATES && uniform(&state) < 0.12) x = uniform(&state) < 0.5;
      if (s->kind == WEATHER) x = 0.7 * x + 0.5 * normal(&state);
      s->x[i][t] = x;
      s->y[i][t] = level + sin(6.283185307179586 * ((double)t / 7 + phase)) + 0.5 * normal(&state) +
                   s->effect(s->x[i], t);
    }
  }
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* Days of 2024. */
static void stamp(FILE *out, size_t item, size_t t) {
  static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int day = (int)t;
  int month = 0;
  while (day >= days[month]) day -= days[month++];
  (void)fprintf(out, "s%02zu,2024-%02d-%02d", item, month + 1, day + 1);
}

static void write_csv(const scene *s, const char *path, size_t from, size_t to, bool target) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fprintf(out, target ? "item_id,timestamp,target,x\n" : "item_id,timestamp,x\n");
  for (size_t i = 0; i < SERIES; i++) {
    for (size_t t = from; t < to; t++) {
      stamp(out, i, t);
      if (target) (void)fprintf(out, ",%.9g", s->y[i][t]);
      (void)fprintf(out, ",%.9g\n", s->x[i][t]);
    }
  }
  assert_int_equal(fclose(out), 0);
}

/* Mean absolute error of the program's median forecasts: item_id,timestamp,target_name,predictions,0.5. */
static double error_of(const scene *s, const char *text) {
  double sum = 0;
  size_t rows = 0;
  const char *line = strchr(text, '\n') + 1;
  for (; *line; line = strchr(line, '\n') + 1, rows++) {
    const char *field = line;
    for (int k = 0; k < 4; k++) field = strchr(field, ',') + 1;
    assert_true(rows < (size_t)SERIES * HORIZON);
    sum += fabs(strtod(field, NULL) - s->y[rows / HORIZON][PAST + rows % HORIZON]);
  }
  assert_int_equal(rows, SERIES * HORIZON);
  return sum / (double)rows;
}

static double forecast(const scene *s, const char *history, const char *future, bool windowed) {
  const char *model = windowed ? SOURCE_DIR "/models/chronos2-micro-r8" : SOURCE_DIR "/models/chronos2-micro";
  const char *argv[] = {PROGRAM_PATH, "forecast", history, "--horizon", "28", "--quantile-levels", "0.5",
                        "--model", model,
                        future ? "--past-covariates" : NULL, "x", "--future", future, NULL};
  program_result r = program_run(argv, NULL);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  double error = error_of(s, r.out);
  program_free(&r);
  return error;
}

static void test_known_covariates(void **state) {
  (void)state;
  static scene scenes[] = {{.name = "events", .kind = EVENTS, .effect = at_once, .most = 0.85},
                           {.name = "states", .kind = STATES, .effect = at_once, .most = 0.6},
                           {.name = "weather", .kind = WEATHER, .effect = at_once, .most = 0.55},
                           {.name = "events, a day later", .kind = EVENTS, .effect = a_day_later, .most = 1.2}};
  char *folder = program_make_folder();
  char *history = program_path(folder, "history.csv");
  char *future = program_path(folder, "future.csv");
  bool small = small_leaves_out("the weights that were trained full; events and states");
  for (int windowed = small; windowed < 2; windowed++) {
    double logs = 0;
    for (size_t k = 0; k < 4; k++) {
      scene *s = &scenes[k];
      if (small && k != 2) continue;
      draw(s, 1000 + k);
      write_csv(s, history, 0, PAST, true);
      write_csv(s, future, PAST, LENGTH, false);
      double with = forecast(s, history, future, windowed);
      double without = forecast(s, history, NULL, windowed);
      print_message("%s: %-20s error %.3f with the covariate, %.3f without: %.3f\n", windowed ? "r = 8" : "full",
                    s->name, with, without, with / without);
      assert_true(with <= s->most * without);
      logs += log(with / without) / 4;
    }
    if (small) continue;
    print_message("%s: geometric mean %.3f\n", windowed ? "r = 8" : "full", exp(logs));
    assert_true(exp(logs) <= 0.7);
  }
  assert_int_equal(unlink(history), 0);
  assert_int_equal(unlink(future), 0);
  assert_int_equal(rmdir(folder), 0);
  free(history);
  free(future);
  free(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_covariates)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
