/* `chronos2 bench`: time and memory from raw series to quantiles, on made-up series.
 *
 * flops counts what a plain dense forward pass needs for the tokens that are there (padding aside), in
 * multiplications and additions: a token and layer take 16 D I for the projections of time and group
 * attention, 4 S I for scores and values and 4 D F for the feed-forward layer (D d_model, I = heads * d_kv,
 * F d_ff, S the row's tokens); the two residual blocks at the ends come on top. It is the same for every
 * pattern and backend, so gflop_per_s compares them by the work a user would otherwise have paid for. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"
#include "cli/cli.h"

typedef struct bench {
  cli_engine engine;
  const char *random;
  size_t horizon, repeats;
  bool ragged, json;
  size_t rows, context;
  chronos2_model *model;
  chronos2_session *session;
  chronos2_series *series; /* [rows], into values */
  double *values;
  double *seconds; /* [repeats], ascending once measured */
  double tokens, flops;
} bench;

/* Uniform in [0, 1), the same on every machine. */
static double next_random(uint64_t *state) {
  *state = *state * 6364136223846793005U + 1442695040888963407U;
  return (double)(*state >> 11) * 0x1p-53;
}

static c2_status make_series(bench *b, c2_error *err) {
  const double turn = 6.283185307179586;
  size_t count = 0;
  uint64_t state = 1;
  if (!c2_mul(b->rows, b->context, &count)) C2_FAIL(err, C2_ERR_MEMORY, "the series' size overflows");
  C2_TRY(c2_alloc_array(count, sizeof *b->values, &b->values, err));
  C2_TRY(c2_alloc_array(b->rows, sizeof *b->series, &b->series, err));
  C2_TRY(c2_alloc_array(b->repeats, sizeof *b->seconds, &b->seconds, err));
  for (size_t i = 0; i < b->rows; i++) {
    size_t shortest = (b->context + 3) / 4;
    size_t length = b->context;
    if (b->ragged) length = shortest + (size_t)(next_random(&state) * (double)(b->context - shortest + 1));
    double *row = b->values + i * b->context;
    double phase = next_random(&state);
    for (size_t t = 0; t < length; t++) {
      row[t] = 10 + 3 * sin(turn * ((double)t / 24 + phase)) + next_random(&state);
    }
    b->series[i] = (chronos2_series){.length = length, .targets = 1, .target = row};
  }
  return C2_OK;
}

static void count_work(bench *b) {
  const chronos2_config *c = chronos2_model_config(b->model);
  double d = (double)c->d_model;
  double inner = (double)(c->heads * c->d_kv);
  double f = (double)c->d_ff;
  double in = (double)(3 * c->patch);
  double out = (double)(c->quantiles * c->patch);
  size_t future = (b->horizon + c->patch - 1) / c->patch;
  for (size_t i = 0; i < b->rows; i++) {
    size_t context = (b->series[i].length + c->patch - 1) / c->patch;
    double s = (double)(context + 1 + future);
    double layer = 16 * d * inner + 4 * s * inner + 4 * d * f;
    b->tokens += s;
    b->flops += s * layer * (double)c->layers + 2 * (double)(context + future) * (in * f + f * d + in * d) +
                2 * (double)future * (d * f + f * out + d * out);
  }
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

/* One pass that isn't counted touches weights and workspace first. */
static chronos2_status measure(bench *b) {
  chronos2_predict_options options = {.horizon = b->horizon, .context_length = b->context, .batch_size = b->rows};
  for (size_t i = 0; i <= b->repeats; i++) {
    chronos2_forecast *forecast = NULL;
    double start = c2_clock_seconds();
    chronos2_status status = chronos2_predict(b->session, b->series, b->rows, &options, &forecast);
    double seconds = c2_clock_seconds() - start;
    if (status != CHRONOS2_OK) return status;
    chronos2_forecast_free(&forecast);
    if (i == 0) {
      chronos2_session_reset_peak(b->session);
    } else {
      b->seconds[i - 1] = seconds;
    }
  }
  qsort(b->seconds, b->repeats, sizeof *b->seconds, by_value);
  return CHRONOS2_OK;
}

static void print_result(const bench *b) {
  static const char *const patterns[] = {"full", "windowed_future_global", "windowed_future_visible"};
  const chronos2_session_options *s = &b->engine.session;
  const char *name = b->random ? b->random : "model";
  size_t middle = b->repeats / 2;
  double median = b->repeats % 2 ? b->seconds[middle] : (b->seconds[middle - 1] + b->seconds[middle]) / 2;
  double alloc = (double)chronos2_session_peak_bytes(b->session) / 0x1p20;
  double resident = (double)c2_peak_resident_bytes() / 0x1p20;
  char radius[40] = "null"; /* JSON has no infinity */
  if (s->attention != CHRONOS2_FULL && isfinite(s->radius)) (void)snprintf(radius, sizeof radius, "%.0f", s->radius);
  if (b->json) {
    (void)printf(
        "{\"model\": \"%s\", \"attention\": \"%s\", \"radius\": %s, \"rows\": %zu, \"context_length\": %zu, "
        "\"horizon\": %zu, \"ragged\": %s, \"repeats\": %zu, ",
        name, patterns[s->attention], radius, b->rows, b->context, b->horizon, b->ragged ? "true" : "false",
        b->repeats);
    (void)printf(
        "\"tokens\": %.0f, \"flops\": %.0f, \"seconds_median\": %.9g, \"seconds_min\": %.9g, "
        "\"tokens_per_s\": %.6g, \"series_per_s\": %.6g, \"gflop_per_s\": %.6g, ",
        b->tokens, b->flops, median, b->seconds[0], b->tokens / median, (double)b->rows / median,
        b->flops / median / 1e9);
    (void)printf(
        "\"peak_alloc_mb\": %.6g, \"peak_resident_mb\": %.6g, \"isa\": \"%s\", \"threads\": %d, "
        "\"backend\": \"%s\"}\n",
        alloc, resident, chronos2_session_isa(b->session), chronos2_session_threads(b->session),
        s->backend == CHRONOS2_REFERENCE ? "reference" : "fused");
    return;
  }
  (void)printf("%-12s %s, %s%s%s, %s, %d threads\n", "model", name, patterns[s->attention],
               s->attention == CHRONOS2_FULL ? "" : " radius ",
               s->attention == CHRONOS2_FULL ? "" : (isfinite(s->radius) ? radius : "inf"),
               chronos2_session_isa(b->session), chronos2_session_threads(b->session));
  (void)printf("%-12s %zu rows, context %zu, horizon %zu: %.0f tokens, %.4g GFLOP\n", "work", b->rows, b->context,
               b->horizon, b->tokens, b->flops / 1e9);
  (void)printf("%-12s median %.3f ms, min %.3f ms of %zu\n", "time", median * 1e3, b->seconds[0] * 1e3, b->repeats);
  (void)printf("%-12s %.5g tokens/s, %.5g series/s, %.4g GFLOP/s\n", "rate", b->tokens / median,
               (double)b->rows / median, b->flops / median / 1e9);
  (void)printf("%-12s peak %.1f MB allocated, %.1f MB resident\n", "memory", alloc, resident);
}

static chronos2_status open_engine(bench *b) {
  chronos2_config config;
  chronos2_status status = chronos2_config_named(b->random, &config);
  if (status == CHRONOS2_OK) status = chronos2_model_random(&config, 1, &b->model);
  if (status == CHRONOS2_OK) status = chronos2_session_open(b->model, &b->engine.session, &b->session);
  return status;
}

static int run(bench *b) {
  c2_error err = {C2_OK, ""};
  if (!b->random && !cli_engine_open(&b->engine, &b->model, &b->session)) return CLI_FAILURE;
  if (b->random) {
    chronos2_status status = open_engine(b);
    if (status != CHRONOS2_OK) return cli_fail_api(status);
  }
  const chronos2_config *c = chronos2_model_config(b->model);
  b->rows = b->engine.batch_size ? b->engine.batch_size : 8;
  b->context = b->engine.context_length ? b->engine.context_length : c2_min_size(512, c->context_length);
  if (b->context > c->context_length) {
    return cli_fail_usage("--context-length %zu: expected at most the model's %zu", b->context, c->context_length);
  }
  if (b->horizon > c->patch * c->max_output_patches) {
    return cli_fail_usage("--horizon %zu: expected at most the %zu steps of one pass", b->horizon,
                          c->patch * c->max_output_patches);
  }
  if (make_series(b, &err) != C2_OK) return cli_fail_error(&err);
  count_work(b);
  chronos2_status status = measure(b);
  if (status != CHRONOS2_OK) return cli_fail_api(status);
  print_result(b);
  if (fflush(stdout) != 0) return cli_fail("standard output: could not write");
  return CLI_DONE;
}

int cli_bench(int argc, char **argv) {
  bench b = {.horizon = 64, .repeats = 5};
  const cli_option options[] = {
      {"random", 0, "SHAPE", "random weights in the shape of base, small or micro, instead of --model", CLI_TEXT,
       &b.random, NULL},
      {"horizon", 0, "H", "steps to forecast, at most one pass of the model [64]", CLI_COUNT, &b.horizon, NULL},
      {"repeats", 0, "N", "timed runs, after one that isn't [5]", CLI_COUNT, &b.repeats, NULL},
      {"ragged", 0, NULL, "series of unequal length, from a quarter of the context up", CLI_FLAG, &b.ragged, NULL},
      {"json", 0, NULL, "one JSON object instead of text", CLI_FLAG, &b.json, NULL},
      {NULL, 0, NULL, NULL, CLI_FLAG, NULL, NULL}};
  const cli_usage usage = {"bench", "",
                           "Speed and memory from raw series to quantiles, on made-up univariate series.\n"
                           "--batch-size is the number of series [8], --context-length their length [512].",
                           0, 0};
  int first = 0;
  int status = 0;
  cli_engine_init(&b.engine);
  if (!cli_parse(argc, argv, &usage, options, b.engine.table, &first, &status)) return status;
  if (b.random && b.engine.model) return cli_fail_usage("bench takes --random or --model, not both");
  status = run(&b);
  free(b.seconds);
  free(b.series);
  free(b.values);
  chronos2_session_close(&b.session);
  chronos2_model_close(&b.model);
  return status;
}
