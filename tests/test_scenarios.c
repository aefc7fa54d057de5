/* Scenarios: a forecast from an encoded context equals chronos2_predict on the same series, bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>

#include "program.h"
#include "random.h"
#include "small.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

enum { SERIES = 7, LONGEST = 300, TARGETS = 2, COVARIATES = 3, HORIZON = 90 };

static uint32_t seed = 3;

/* Series of unequal length, with gaps, some with covariates: known, past-only, categories. */
typedef struct input {
  chronos2_series series[SERIES];
  chronos2_covariate covariate[SERIES][COVARIATES];
  double target[SERIES][TARGETS * LONGEST];
  double past[SERIES][2][LONGEST];
  double future[SERIES][HORIZON];
  const char *past_text[SERIES][LONGEST];
  const char *future_text[SERIES][HORIZON];
} input;

static const char *const labels[] = {"a", "b", "c", NULL};

static void fill_future(input *in) {
  for (size_t i = 0; i < SERIES; i++) {
    for (size_t t = 0; t < HORIZON; t++) {
      in->future[i][t] = random_unit(&seed) < 0.1 ? (double)NAN : 5 * random_unit(&seed);
      in->future_text[i][t] = labels[(size_t)(4 * random_unit(&seed))];
    }
  }
}

static void fill(input *in) {
  memset(in, 0, sizeof *in);
  for (size_t i = 0; i < SERIES; i++) {
    size_t length = i == 3 ? 0 : 10 + (i * 71) % (LONGEST - 10);
    size_t targets = 1 + i % TARGETS;
    for (size_t t = 0; t < targets * length; t++) {
      in->target[i][t] = random_unit(&seed) < 0.2 ? (double)NAN : 10 + 3 * sin(0.4 * (double)t) + random_unit(&seed);
    }
    for (size_t t = 60; i == 2 && t < 120; t++) in->target[i][t] = (double)NAN; /* patches without a value */
    for (size_t t = 0; t < length; t++) {
      in->past[i][0][t] = random_unit(&seed);
      in->past[i][1][t] = random_unit(&seed);
      in->past_text[i][t] = labels[(size_t)(4 * random_unit(&seed))];
    }
    chronos2_covariate *c = in->covariate[i];
    c[0] = (chronos2_covariate){.name = "known", .past = in->past[i][0], .future = in->future[i]};
    c[1] = (chronos2_covariate){.name = "past", .past = in->past[i][1]};
    c[2] = (chronos2_covariate){.name = "label", .past_text = in->past_text[i], .future_text = in->future_text[i]};
    in->series[i] = (chronos2_series){.length = length,
                                      .targets = targets,
                                      .target = in->target[i],
                                      .covariates = i % 3 == 0 ? 0 : COVARIATES,
                                      .covariate = c};
  }
  fill_future(in);
}

static chronos2_session *open_session(const chronos2_model *model, chronos2_session_options options) {
  chronos2_session *session = NULL;
  if (chronos2_session_open(model, &options, &session) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return session;
}

/* Both inputs hold the pasts of the context: their futures are forecast in one call, and beside it each alone. */
static void compare(chronos2_session *from, chronos2_session *whole, const chronos2_context *context,
                    const input *const in[2], const chronos2_predict_options *options) {
  chronos2_series series[2 * SERIES];
  chronos2_forecast *a = NULL;
  for (size_t i = 0; i < 2 * SERIES; i++) series[i] = in[i / SERIES]->series[i % SERIES];
  if (chronos2_context_predict(from, context, series, 2 * SERIES, options, &a) != CHRONOS2_OK) {
    fail_msg("%s", chronos2_last_error());
  }
  for (size_t k = 0; k < 2; k++) {
    chronos2_forecast *b = NULL;
    assert_int_equal(chronos2_predict(whole, in[k]->series, SERIES, options, &b), CHRONOS2_OK);
    for (size_t i = 0; i < SERIES; i++) {
      for (size_t t = 0; t < in[k]->series[i].targets; t++) {
        assert_memory_equal(chronos2_forecast_quantiles(a, k * SERIES + i, t), chronos2_forecast_quantiles(b, i, t),
                            21 * options->horizon * sizeof(double));
      }
    }
    chronos2_forecast_free(&b);
  }
  chronos2_forecast_free(&a);
}

static void test_same_bits(void **state) {
  (void)state;
  static input in;
  static input twin; /* the same pasts, other futures */
  const input *const both[2] = {&in, &twin};
  static const double radii[] = {0, 3, (double)INFINITY};
  static const size_t horizons[] = {1, 16, 27, HORIZON}; /* the last one is rolled out */
  chronos2_model *models[3] = {NULL, NULL, NULL};
  for (int d = CHRONOS2_FP32; d <= CHRONOS2_INT8; d++) {
    chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .dtype = (chronos2_dtype)d};
    assert_int_equal(chronos2_model_open(MODEL, &options, &models[d]), CHRONOS2_OK);
  }
  size_t count = small_leaves_out("encoded contexts by scalar kernels") ? 6 : 12;
  for (size_t k = 0; k < count; k++) {
    const chronos2_model *model = models[k / 2 % 3];
    chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_WINDOWED_FUTURE_GLOBAL,
                                        .radius = radii[k % 3],
                                        .reg_global = k % 2 == 0,
                                        .isa = k < 6 ? "auto" : "scalar",
                                        .threads = 1 + (int)(k % 3)};
    chronos2_session *encoder = open_session(model, options);
    options.threads = 2;
    chronos2_session *other = open_session(model, options);
    chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 1,
                                    .cross_learning = k % 4 == 3,
                                    .batch_size = k % 2 ? 9 : 0,
                                    .context_length = k % 5 == 4 ? 100 : 0};
    chronos2_context *context = NULL;
    seed = (uint32_t)k;
    fill(&in);
    seed = (uint32_t)k;
    fill(&twin);
    fill_future(&twin);
    if (chronos2_context_open(encoder, in.series, SERIES, &how, &context) != CHRONOS2_OK) {
      fail_msg("%s", chronos2_last_error());
    }
    assert_true(chronos2_context_bytes(context) > 0);
    for (size_t h = 0; h < 4; h++) {
      how.horizon = horizons[h];
      fill_future(&in); /* another scenario of the same past */
      compare(k % 2 ? encoder : other, other, context, both, &how);
    }
    chronos2_session_close(&encoder); /* the context doesn't need its session */
    how.horizon = 5;
    compare(other, other, context, both, &how);
    chronos2_context_close(&context);
    chronos2_session_close(&other);
  }
  for (int d = 0; d < 3; d++) chronos2_model_close(&models[d]);
}

/* Contexts of more tokens than attention takes in one step: what lies in whole steps is read where it was kept. */
static void test_long_contexts(void **state) {
  (void)state;
  enum { LENGTH = 9000, SHORT = 4100, STEPS = 20 };
  static double past[3][LENGTH];
  static double future[2][STEPS];
  chronos2_covariate plan[2] = {{.name = "plan", .past = past[1], .future = future[0]},
                                {.name = "plan", .past = past[1], .future = future[1]}};
  chronos2_model *model = NULL;
  chronos2_context *context = NULL;
  chronos2_forecast *together = NULL;
  seed = 11;
  for (size_t t = 0; t < LENGTH; t++) {
    for (size_t k = 0; k < 3; k++) past[k][t] = sin(0.1 * (double)(t * (k + 1))) + random_unit(&seed);
  }
  for (size_t t = 0; t < STEPS; t++) {
    for (size_t k = 0; k < 2; k++) future[k][t] = random_unit(&seed);
  }
  chronos2_series series[4];
  for (size_t k = 0; k < 2; k++) {
    series[2 * k] =
        (chronos2_series){.length = LENGTH, .targets = 1, .target = past[0], .covariates = 1, .covariate = &plan[k]};
    series[2 * k + 1] = (chronos2_series){.length = SHORT, .targets = 1, .target = past[2]};
  }
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = STEPS, .context_length = LENGTH,
                                  .extend_context = true};
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  chronos2_session *session = open_session(
      model, (chronos2_session_options){CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_WINDOWED_FUTURE_GLOBAL,
                                        .radius = 5, .threads = 2});
  assert_int_equal(chronos2_context_open(session, series, 2, &how, &context), CHRONOS2_OK);
  assert_int_equal(chronos2_context_predict(session, context, series, 4, &how, &together), CHRONOS2_OK);
  for (size_t i = 0; i < 4; i++) {
    chronos2_forecast *alone = NULL;
    assert_int_equal(chronos2_predict(session, &series[i], 1, &how, &alone), CHRONOS2_OK);
    assert_memory_equal(chronos2_forecast_quantiles(together, i, 0), chronos2_forecast_quantiles(alone, 0, 0),
                        21 * STEPS * sizeof(double));
    chronos2_forecast_free(&alone);
  }
  assert_memory_not_equal(chronos2_forecast_quantiles(together, 0, 0), chronos2_forecast_quantiles(together, 2, 0),
                          21 * STEPS * sizeof(double));
  chronos2_forecast_free(&together);
  chronos2_context_close(&context);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

/* What a context can't be used for says so. */
static void test_refusals(void **state) {
  (void)state;
  static input in;
  chronos2_model *model = NULL;
  chronos2_context *context = NULL;
  chronos2_forecast *forecast = NULL;
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 4};
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  fill(&in);
  chronos2_session *full = open_session(model, (chronos2_session_options){CHRONOS2_SESSION_OPTIONS_INIT,
                                                                          .attention = CHRONOS2_FULL});
  assert_int_equal(chronos2_context_open(full, in.series, SERIES, NULL, &context), CHRONOS2_ERROR_ARGUMENT);
  assert_null(context);
  assert_non_null(strstr(chronos2_last_error(), "windowed_future_global"));
  chronos2_session_options windowed = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_WINDOWED_FUTURE_GLOBAL,
                                       .radius = 2};
  chronos2_session *narrow = open_session(model, windowed);
  windowed.radius = 3;
  chronos2_session *wide = open_session(model, windowed);
  assert_int_equal(chronos2_context_open(narrow, in.series, SERIES, NULL, &context), CHRONOS2_OK);
  assert_int_equal(chronos2_context_predict(wide, context, in.series, SERIES, &how, &forecast),
                   CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "radius"));
  assert_int_equal(chronos2_context_predict(narrow, context, in.series, SERIES - 1, &how, &forecast),
                   CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_context_predict(narrow, context, in.series, 0, &how, &forecast), CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "found 0: expected them once or several times over"));
  in.series[1].length -= 40; /* another past */
  assert_int_equal(chronos2_context_predict(narrow, context, in.series, SERIES, &how, &forecast),
                   CHRONOS2_ERROR_ARGUMENT);
  assert_null(forecast);
  chronos2_context_close(&context);
  chronos2_session_close(&full);
  chronos2_session_close(&narrow);
  chronos2_session_close(&wide);
  chronos2_model_close(&model);
}

/* A series whose past `alter` changes. */
enum { STEPS = 120, USED = 96 };

typedef struct altered {
  double target[2 * STEPS], number[STEPS], future[4];
  float narrow[2 * STEPS];
  const char *label[STEPS];
  chronos2_covariate covariate[2];
  chronos2_column column;
  chronos2_series series;
} altered;

static void make(altered *p) {
  memset(p, 0, sizeof *p);
  for (size_t t = 0; t < STEPS; t++) {
    p->target[t] = (double)(t % 11);
    p->number[t] = (double)(t % 7 == 0);
    p->label[t] = t % 3 ? "a" : "b";
  }
  p->target[STEPS - 5] = (double)NAN;
  p->covariate[0] = (chronos2_covariate){.name = "n", .past = p->number, .future = p->future};
  p->covariate[1] = (chronos2_covariate){.name = "l", .past_text = p->label};
  p->series = (chronos2_series){
      .length = STEPS, .targets = 1, .target = p->target, .covariates = 2, .covariate = p->covariate};
}

static void as_columns(altered *p, chronos2_column column) {
  p->column = column;
  p->series.target = NULL;
  p->series.target_column = &p->column;
}

/* The first seven leave the past as it was, as far as it was encoded. */
enum { SAME = 7, ALTERATIONS = 14 };

static void alter(altered *p, size_t how) {
  static const uint64_t other_nan = 0xfff8000000000123u;
  switch (how) {
    case 1: p->future[2] = 8; break;
    case 2: p->number[STEPS - USED - 1] = 5; break; /* cut off */
    case 3: p->number[STEPS - 2] = -0.0; break;
    case 4: memcpy(&p->target[STEPS - 5], &other_nan, sizeof other_nan); break;
    case 5:
      for (size_t t = 0; t < STEPS; t++) p->narrow[2 * t] = (float)p->target[t];
      as_columns(p, (chronos2_column){.values = p->narrow, .stride = 2, .type = CHRONOS2_FLOAT32});
      break;
    case 6:
      for (size_t t = 0; t < STEPS; t++) p->target[2 * STEPS - 1 - t] = p->target[t];
      as_columns(p, (chronos2_column){.values = p->target + 2 * STEPS - 1, .stride = -1});
      break;
    case 7: p->target[STEPS - 1] += 1; break;
    case 8: p->number[STEPS - USED] += 1; break; /* the first that counts */
    case 9: p->label[STEPS - 4] = "c"; break;
    case 10: p->target[STEPS - 6] = (double)NAN; break;
    case 11: p->series.length = USED - 1; break;
    case 12: p->series.covariates = 1; break;
    case 13: /* what was a covariate is a target */
      memcpy(p->target + STEPS, p->number, sizeof p->number);
      p->series.targets = 2;
      p->series.covariates = 1;
      p->covariate[0] = p->covariate[1];
      break;
    default: break;
  }
}

/* Of two futures the second has another past: it is forecast as chronos2_predict does, or refused. */
static void test_other_pasts(void **state) {
  (void)state;
  static altered first;
  static altered second;
  chronos2_model *model = NULL;
  chronos2_context *context = NULL;
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 4, .context_length = USED};
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  chronos2_session *session = open_session(
      model, (chronos2_session_options){CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_WINDOWED_FUTURE_GLOBAL,
                                        .radius = 2, .threads = 1});
  make(&first);
  assert_int_equal(chronos2_context_open(session, &first.series, 1, &how, &context), CHRONOS2_OK);
  for (size_t i = 0; i < ALTERATIONS; i++) {
    chronos2_forecast *forecast = NULL;
    chronos2_forecast *alone = NULL;
    make(&second);
    alter(&second, i);
    const chronos2_series series[] = {first.series, i == 0 ? first.series : second.series};
    chronos2_status status = chronos2_context_predict(session, context, series, 2, &how, &forecast);
    if (status != (i < SAME ? CHRONOS2_OK : CHRONOS2_ERROR_ARGUMENT)) fail_msg("%zu: %s", i, chronos2_last_error());
    if (i >= SAME) {
      assert_null(forecast);
      assert_string_equal(chronos2_last_error(), "series 1: its past is not the one that was encoded");
      continue;
    }
    assert_int_equal(chronos2_predict(session, &series[1], 1, &how, &alone), CHRONOS2_OK);
    assert_memory_equal(chronos2_forecast_quantiles(forecast, 1, 0), chronos2_forecast_quantiles(alone, 0, 0),
                        21 * 4 * sizeof(double));
    chronos2_forecast_free(&forecast);
    chronos2_forecast_free(&alone);
  }
  const chronos2_series shrunk[] = {second.series, second.series, second.series};
  assert_int_equal(chronos2_context_predict(session, context, shrunk, 3, &how, &(chronos2_forecast *){NULL}),
                   CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "series 0: "));
  chronos2_context_close(&context);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

/* Left to themselves, weights trained with full attention encode beside the null future, and forecast as before. */
static void test_null_without_asking(void **state) {
  (void)state;
  static input in;
  chronos2_model *model = NULL;
  chronos2_context *context[2] = {NULL, NULL};
  chronos2_forecast *forecast[4] = {NULL, NULL, NULL, NULL};
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 20};
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  fill(&in);
  chronos2_session *own = open_session(model, (chronos2_session_options){CHRONOS2_SESSION_OPTIONS_INIT});
  chronos2_session *null = open_session(
      model, (chronos2_session_options){CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_WINDOWED_FUTURE_NULL,
                                        .radius = (double)INFINITY});
  assert_int_equal(chronos2_session_pattern(own).attention, CHRONOS2_FULL);
  assert_int_equal(chronos2_context_open(own, in.series, SERIES, NULL, &context[0]), CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "horizon: windowed_future_null needs the longest one"));
  assert_int_equal(chronos2_predict(own, in.series, SERIES, &how, &forecast[2]), CHRONOS2_OK);
  assert_int_equal(chronos2_context_open(own, in.series, SERIES, &how, &context[0]), CHRONOS2_OK);
  assert_int_equal(chronos2_context_open(null, in.series, SERIES, &how, &context[1]), CHRONOS2_OK);
  /* either session may forecast from either context */
  assert_int_equal(chronos2_context_predict(null, context[0], in.series, SERIES, &how, &forecast[0]), CHRONOS2_OK);
  assert_int_equal(chronos2_context_predict(own, context[1], in.series, SERIES, &how, &forecast[1]), CHRONOS2_OK);
  assert_int_equal(chronos2_predict(own, in.series, SERIES, &how, &forecast[3]), CHRONOS2_OK);
  assert_int_equal(chronos2_session_pattern(own).attention, CHRONOS2_FULL);
  bool differ = false;
  for (size_t i = 0; i < SERIES; i++) {
    for (size_t t = 0; t < 20; t++) {
      const double *median[4];
      for (size_t k = 0; k < 4; k++) median[k] = chronos2_forecast_median(forecast[k], i, 0);
      assert_true(median[0][t] == median[1][t]);
      assert_true(median[2][t] == median[3][t]); /* full attention, before and after */
      differ = differ || median[0][t] != median[2][t];
    }
  }
  assert_true(differ); /* they know the future */
  for (size_t k = 0; k < 4; k++) chronos2_forecast_free(&forecast[k]);
  for (size_t k = 0; k < 2; k++) chronos2_context_close(&context[k]);
  chronos2_session_close(&own);
  chronos2_session_close(&null);
  chronos2_model_close(&model);
}

/* ---- The command ----------------------------------------------------------------------------- */

static void write_row(FILE *file, size_t scenario, int item, int t) {
  (void)fprintf(file, "i%d,2023-%02d-%02d,%g,%s", item, t / 28 + 2, t % 28 + 1, 2 + sin(t + (double)scenario * item),
                (t + (int)scenario) % 3 ? "no" : "yes");
}

/* Rows [28, last) of scenarios [first, first + count), with a column that names them if `names`. */
static void write_future(const char *path, const char *const *names, size_t first, size_t count, int last) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  (void)fprintf(file, "%sitem_id,timestamp,price,promo\n", names ? "scenario," : "");
  for (size_t s = first; s < first + count; s++) {
    for (int k = 0; k < 2 * (last - 28); k++) {
      if (names) (void)fprintf(file, "%s,", names[s]);
      write_row(file, s, k % 2, 28 + k / 2);
      (void)fputc('\n', file);
    }
  }
  assert_int_equal(fclose(file), 0);
}

static void write_past(const char *path) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  (void)fprintf(file, "item_id,timestamp,price,promo,target\n");
  for (int k = 0; k < 56; k++) {
    write_row(file, 0, k % 2, k / 2);
    (void)fprintf(file, ",%g\n", 10 + k % 2 + sin(0.7 * (k / 2)));
  }
  assert_int_equal(fclose(file), 0);
}

static program_result run_forecast(const char *past, const char *option, const char *file, bool sparse) {
  return PROGRAM_RUN("forecast", past, "--horizon", "8", "--freq", "D", "--past-covariates", "price,promo", option,
                     file, "-m", sparse ? SOURCE_DIR "/models/chronos2-micro-r8" : SOURCE_DIR "/models/chronos2-micro",
                     sparse ? "--attention=auto" : "--attention=full");
}

/* --scenarios says for each scenario what --future says for it alone; nothing if one is incomplete. */
static void test_command(void **state) {
  (void)state;
  static const char *const names[] = {"\"low, slow\"", "high"};
  char *folder = program_make_folder();
  char *past = program_path(folder, "past.csv");
  char *future = program_path(folder, "future.csv");
  char *all = program_path(folder, "all.csv");
  write_past(past);
  write_future(all, names, 0, 2, 36);
  for (int sparse = 0; sparse < 2; sparse++) {
    program_result r = run_forecast(past, "--scenarios", all, sparse);
    if (r.status != 0) fail_msg("%s", r.err);
    assert_true(strncmp(r.out, "scenario,item_id,timestamp,", 27) == 0);
    char *at = strchr(r.out, '\n') + 1;
    for (size_t s = 0; s < 2; s++) {
      write_future(future, NULL, s, 1, 36);
      program_result alone = run_forecast(past, "--future", future, sparse);
      if (alone.status != 0) fail_msg("%s", alone.err);
      for (char *line = strchr(alone.out, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
        size_t head = strlen(names[s]);
        size_t n = (size_t)(strchr(line, '\n') - line) + 1;
        assert_memory_equal(at, names[s], head);
        assert_true(at[head] == ',');
        assert_memory_equal(at + head + 1, line, n);
        at += head + 1 + n;
      }
      program_free(&alone);
    }
    assert_true(*at == '\0');
    program_free(&r);
    write_future(all, names, 0, 2, 35);
    r = run_forecast(past, "--scenarios", all, sparse);
    program_assert_error(&r, 1, "expected a row for 2023-03-08");
    write_future(all, names, 0, 2, 36);
  }
  assert_int_equal(unlink(past), 0);
  assert_int_equal(unlink(future), 0);
  assert_int_equal(unlink(all), 0);
  assert_int_equal(rmdir(folder), 0);
  free(past);
  free(future);
  free(all);
  free(folder);
}

/* Unless told otherwise, weights trained with full attention get the null future, which is said. */
static void test_null_by_default(void **state) {
  (void)state;
  static const char *const names[] = {"low", "high"};
  char *folder = program_make_folder();
  char *past = program_path(folder, "past.csv");
  char *all = program_path(folder, "all.csv");
  char *page = program_path(folder, "page.html");
  write_past(past);
  write_future(all, names, 0, 2, 36);
  program_result r = PROGRAM_RUN("forecast", past, "--horizon", "8", "--freq", "D", "--past-covariates", "price,promo",
                                 "--scenarios", all, "--report", page);
  program_result null = PROGRAM_RUN("forecast", past, "--horizon", "8", "--freq", "D", "--past-covariates",
                                    "price,promo", "--scenarios", all, "--attention=windowed_future_null",
                                    "--radius=inf");
  program_result full = PROGRAM_RUN("forecast", past, "--horizon", "8", "--freq", "D", "--past-covariates",
                                    "price,promo", "--scenarios", all, "--attention=full");
  assert_int_equal(r.status, 0);
  assert_string_equal(r.out, null.out);
  assert_string_not_equal(r.out, full.out);
  static const char caveat[] = "warning: the weights were trained for full attention, not for windowed_future_null at "
                               "radius inf\n"; /* auto, which takes it, is no remedy */
  assert_non_null(strstr(r.err, "the pasts are encoded once, beside a future of which nothing is known"));
  assert_non_null(strstr(r.err, caveat));
  assert_non_null(strstr(null.err, caveat));
  assert_null(strstr(full.err, "windowed_future_null"));
  char *text = program_read_file(page);
  assert_non_null(strstr(text, "\"Attention\":\"windowed_future_null, radius inf\""));
  free(text);
  free(page);
  program_free(&r);
  program_free(&null);
  program_free(&full);
  program_remove_folder(folder);
  free(past);
  free(all);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits), cmocka_unit_test(test_long_contexts),
                                     cmocka_unit_test(test_refusals), cmocka_unit_test(test_other_pasts),
                                     cmocka_unit_test(test_null_without_asking),
                                     cmocka_unit_test(test_command),
                                     cmocka_unit_test(test_null_by_default)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
