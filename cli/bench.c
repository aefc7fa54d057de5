/* `chronos2 bench`: time and memory from raw series to quantiles, on made-up series or those of files.
 *
 * flops counts what a plain dense forward pass needs for the tokens that are there (padding aside), in
 * multiplications and additions: a token and layer take 16 D I for the projections of time and group
 * attention, 4 S I for scores and values and 4 D F for the feed-forward layer (D d_model, I = heads * d_kv,
 * F d_ff, S the row's tokens); the two residual blocks at the ends come on top. It is the same for every
 * pattern and backend, so gflop_per_s compares them by the work a user would otherwise have paid for. work is what the
 * pass did ask for, by its pattern and with the exact savings. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "base/memory.h"
#include "base/platform.h"
#include "cli/cli.h"
#include "data/read.h"
#include "data/series.h"
#include "data/summary.h"
#include "study/statistics/statistics.h"

typedef struct bench {
  cli_engine engine;
  const char *random;
  size_t horizon, repeats, futures;
  bool ragged, json, paced;
  size_t rows, context;
  chronos2_model *model;
  chronos2_session *session;
  c2_dataset set;          /* of the files, if any */
  chronos2_series *series; /* [rows], or [futures][rows]; into the set or into values */
  chronos2_covariate *covariate;
  double *values;  /* [rows][context] */
  double *future;  /* [futures][horizon] */
  double *seconds; /* [passes], ascending once measured */
  size_t passes, room;
  double tokens, flops;
  double work; /* operations of a pass, as chronos2_session_work counts them */
} bench;

/* Uniform in [0, 1), the same on every machine. */
static double next_random(uint64_t *state) {
  *state = *state * 6364136223846793005U + 1442695040888963407U;
  return (double)(*state >> 11) * 0x1p-53;
}

/* Passes are of targets, which is said where there is more. */
static void tell_left_out(const c2_dataset *set) {
  const char *first = set->ignored.count > 0 ? set->ignored.text[0] : NULL;
  for (size_t i = 0; i < set->count && !first; i++) {
    if (set->item[i].covariates > 0) first = set->item[i].covariate[0].name;
  }
  if (first) cli_note("what is no target, as '%.60s', is left out: each target is timed as a series of its own", first);
}

/* Every target of the files' series is a series of its own. */
static c2_status read_series(bench *b, char **paths, size_t count, c2_error *err) {
  b->set.twins = true;
  for (size_t i = 0; i < count; i++) C2_TRY(c2_dataset_read(&b->set, paths[i], &(c2_read_options){0}, err));
  char reading[C2_SUMMARY_ROOM];
  c2_dataset_reading(&b->set, reading);
  if (reading[0]) cli_note("%s", reading);
  for (size_t i = 0; i < b->set.notes; i++) cli_warn("%s", b->set.note[i]);
  tell_left_out(&b->set);
  b->rows = 0;
  for (size_t i = 0; i < b->set.count; i++) b->rows += b->set.item[i].targets;
  C2_TRY(c2_alloc_array(b->rows, sizeof *b->series, &b->series, err));
  size_t at = 0;
  for (size_t i = 0; i < b->set.count; i++) {
    const c2_item *item = &b->set.item[i];
    for (size_t t = 0; t < item->targets; t++) {
      b->series[at++] =
          (chronos2_series){.length = item->length, .targets = 1, .target = item->target + t * item->length};
    }
  }
  return C2_OK;
}

static c2_status make_series(bench *b, c2_error *err) {
  const double turn = 6.283185307179586;
  size_t count = 0;
  uint64_t state = 1;
  if (!c2_mul(b->rows, b->context, &count)) C2_FAIL(err, C2_ERR_MEMORY, "the series' size overflows");
  C2_TRY(c2_alloc_array(count, sizeof *b->values, &b->values, err));
  C2_TRY(c2_alloc_array(b->rows, sizeof *b->series, &b->series, err));
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

/* --futures: all series again and again, each time with another future of a covariate that is known ahead. Its past
 * is the series itself: what it holds is of no matter to the clock. */
static c2_status make_futures(bench *b, c2_error *err) {
  size_t count = 0;
  size_t values = 0;
  uint64_t state = 2;
  if (!c2_mul(b->rows, b->futures, &count) || !c2_mul(b->futures, b->horizon, &values)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the futures' size overflows");
  }
  chronos2_series *series = NULL;
  C2_TRY(c2_alloc_array(values, sizeof *b->future, &b->future, err));
  C2_TRY(c2_alloc_array(count, sizeof *b->covariate, &b->covariate, err));
  C2_TRY(c2_alloc_array(count, sizeof *series, &series, err));
  for (size_t i = 0; i < values; i++) b->future[i] = 10 + next_random(&state);
  for (size_t i = 0; i < count; i++) {
    series[i] = b->series[i % b->rows];
    b->covariate[i] =
        (chronos2_covariate){.name = "plan", .past = series[i].target, .future = b->future + i / b->rows * b->horizon};
    series[i].covariates = 1;
    series[i].covariate = &b->covariate[i];
  }
  free(b->series);
  b->series = series;
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
  double times = b->futures ? 2 * (double)b->futures : 1; /* with its covariate, for each future */
  for (size_t i = 0; i < b->rows; i++) {
    size_t context = (c2_min_size(b->series[i].length, b->context) + c->patch - 1) / c->patch;
    double s = (double)(context + 1 + future);
    double layer = 16 * d * inner + 4 * s * inner + 4 * d * f;
    b->tokens += times * s;
    b->flops += times * s * layer * (double)c->layers +
                2 * times * (double)(context + future) * (in * f + f * d + in * d) +
                2 * times * (double)future * (d * f + f * out + d * out);
  }
}

static chronos2_predict_options pass_options(const bench *b) {
  return (chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = b->horizon, .context_length = b->context,
                                    .batch_size = b->engine.batch_size, .extend_context = true};
}

/* All futures of all series; under windowed_future_global and windowed_future_null their contexts are encoded once. */
static chronos2_status forecast_futures(const bench *b) {
  chronos2_predict_options options = pass_options(b);
  chronos2_context *context = NULL;
  chronos2_forecast *forecast = NULL;
  chronos2_status status = CHRONOS2_OK;
  size_t count = b->rows * b->futures;
  chronos2_pattern pattern = chronos2_session_pattern(b->session);
  bool once = chronos2_model_context_pattern(b->model, pattern).attention != CHRONOS2_AUTO;
  if (once && b->engine.session.backend == CHRONOS2_FUSED) {
    status = chronos2_context_open(b->session, b->series, b->rows, &options, &context);
    if (status == CHRONOS2_OK) {
      status = chronos2_context_predict(b->session, context, b->series, count, &options, &forecast);
    }
  } else {
    status = chronos2_predict(b->session, b->series, count, &options, &forecast);
  }
  chronos2_forecast_free(&forecast);
  chronos2_context_close(&context);
  return status;
}

static c2_status one_pass(const bench *b, double *seconds, c2_error *err) {
  chronos2_predict_options options = pass_options(b);
  chronos2_forecast *forecast = NULL;
  double start = c2_clock_seconds();
  chronos2_status status =
      b->futures ? forecast_futures(b) : chronos2_predict(b->session, b->series, b->rows, &options, &forecast);
  *seconds = c2_clock_seconds() - start;
  chronos2_forecast_free(&forecast);
  return c2_api(status, err);
}

/* True when another pass is wanted: `repeats` of them, or one for each line of standard input. */
static bool next_pass(const bench *b) {
  int c = 0;
  if (!b->paced) return b->passes < b->repeats;
  while ((c = getchar()) != '\n' && c != EOF) continue;
  return c == '\n';
}

/* One pass that isn't counted touches weights and workspace first; on a GPU a second makes its graph. They take the
 * memory that later ones take. */
static c2_status measure(bench *b, c2_error *err) {
  double seconds = 0;
  C2_TRY(one_pass(b, &seconds, err));
  if (chronos2_session_device_memory(b->session).reserved > 0) C2_TRY(one_pass(b, &seconds, err));
  chronos2_session_reset_work(b->session);
  while (next_pass(b)) {
    C2_TRY(one_pass(b, &seconds, err));
    C2_TRY(c2_grow_array(&b->seconds, &b->room, b->passes + 1, sizeof *b->seconds, err));
    b->seconds[b->passes++] = seconds;
    if (b->paced) {
      (void)printf("{\"seconds\": %.9g}\n", seconds);
      (void)fflush(stdout);
    }
  }
  if (b->passes == 0) C2_FAIL(err, C2_ERR_ARGUMENT, "--paced: expected a line on standard input for each pass");
  c2_sort(b->seconds, b->passes);
  chronos2_work w = chronos2_session_work(b->session);
  b->work = (w.embed + w.time_projection + w.time_attention + w.group_attention + w.feed_forward + w.head) /
            (double)b->passes;
  return C2_OK;
}

static void print_result(const bench *b) {
  const char *dtype = chronos2_dtype_name(b->engine.dtype);
  const chronos2_pattern pattern = chronos2_session_pattern(b->session);
  const char *attention = chronos2_attention_name(pattern.attention);
  bool windowed = pattern.attention != CHRONOS2_FULL;
  const char *name = b->random ? b->random : b->engine.model ? b->engine.model : cli_name_of(cli_default_model());
  size_t middle = b->passes / 2;
  double median = b->passes % 2 ? b->seconds[middle] : (b->seconds[middle - 1] + b->seconds[middle]) / 2;
  chronos2_device_memory gpu = chronos2_session_device_memory(b->session);
  double alloc = (double)(gpu.reserved ? gpu.allocated : chronos2_session_peak_bytes(b->session)) / 0x1p20;
  double reserved = (double)gpu.reserved / 0x1p20;
  double resident = (double)c2_peak_resident_bytes() / 0x1p20;
  char radius[40] = "null"; /* JSON has no infinity */
  if (windowed && isfinite(pattern.radius)) (void)snprintf(radius, sizeof radius, "%.0f", pattern.radius);
  if (b->json) {
    c2_json_writer text = {.out = stdout, .compact = true};
    (void)printf("{\"model\": ");
    c2_json_put_text(&text, NULL, name);
    (void)printf(
        ", \"attention\": \"%s\", \"radius\": %s, \"rows\": %zu, \"context_length\": %zu, "
        "\"horizon\": %zu, \"futures\": %zu, \"ragged\": %s, \"repeats\": %zu, ",
        attention, radius, b->rows, b->context, b->horizon, b->futures, b->ragged ? "true" : "false",
        b->passes);
    (void)printf(
        "\"tokens\": %.0f, \"flops\": %.0f, \"work\": %.0f, \"seconds_median\": %.9g, \"seconds_min\": %.9g, "
        "\"tokens_per_s\": %.6g, \"series_per_s\": %.6g, \"gflop_per_s\": %.6g, ",
        b->tokens, b->flops, b->work, median, b->seconds[0], b->tokens / median, (double)b->rows / median,
        b->flops / median / 1e9);
    (void)printf(
        "\"peak_alloc_mb\": %.6g, \"peak_reserved_mb\": %.6g, \"peak_resident_mb\": %.6g, \"isa\": \"%s\", "
        "\"threads\": %d, \"backend\": \"%s\", \"dtype\": \"%s\"}\n",
        alloc, gpu.reserved ? reserved : resident, resident, chronos2_session_isa(b->session),
        chronos2_session_threads(b->session),
        chronos2_backend_name(b->engine.session.backend), dtype);
    return;
  }
  (void)printf("%-12s %s, %s, %s%s%s, %s, %d threads\n", "model", name, dtype, attention,
               windowed ? " radius " : "", windowed ? (isfinite(pattern.radius) ? radius : "inf") : "",
               chronos2_session_isa(b->session), chronos2_session_threads(b->session));
  (void)printf("%-12s %zu rows, context %zu, horizon %zu: %.0f tokens, %.4g GFLOP\n", "work", b->rows, b->context,
               b->horizon, b->tokens, b->flops / 1e9);
  (void)printf("%-12s median %.3f ms, min %.3f ms of %zu\n", "time", median * 1e3, b->seconds[0] * 1e3, b->passes);
  (void)printf("%-12s %.5g tokens/s, %.5g series/s, %.4g GFLOP/s\n", "rate", b->tokens / median,
               (double)b->rows / median, b->flops / median / 1e9);
  if (gpu.reserved) {
    (void)printf("%-12s peak %.1f MB allocated, %.1f MB reserved, of the GPU\n", "memory", alloc, reserved);
  } else {
    (void)printf("%-12s peak %.1f MB allocated, %.1f MB resident\n", "memory", alloc, resident);
  }
}

static int open_random(bench *b) {
  chronos2_config config;
  chronos2_status status = chronos2_config_named(b->random, &config);
  const chronos2_model_options options = cli_model_options(&b->engine);
  if (status == CHRONOS2_OK) status = chronos2_model_random(&config, 1, &options, &b->model);
  if (status == CHRONOS2_OK) status = chronos2_session_open(b->model, &b->engine.session, &b->session);
  return status == CHRONOS2_OK ? CLI_DONE : cli_fail_api(status);
}

static c2_status prepare(bench *b, char **paths, size_t count, c2_error *err) {
  const chronos2_config *c = chronos2_model_config(b->model);
  if (b->horizon > c->patch * c->max_output_patches) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--horizon %zu: expected at most the %zu steps of one pass", b->horizon,
            c->patch * c->max_output_patches);
  }
  b->context = b->engine.context_length;
  if (!b->context) b->context = count > 0 ? c->context_length : c2_min_size(512, c->context_length);
  cli_warn_lengths(c, b->horizon, b->context);
  if (count > 0) {
    C2_TRY(read_series(b, paths, count, err));
  } else {
    b->rows = b->engine.batch_size ? b->engine.batch_size : 8;
    b->engine.batch_size = (b->futures ? 2 : 1) * b->rows; /* all in one pass */
    C2_TRY(make_series(b, err));
  }
  if (b->futures) C2_TRY(make_futures(b, err));
  count_work(b);
  return C2_OK;
}

static int run(bench *b, char **paths, size_t count, cli_located *located) {
  c2_error err = {.code = C2_OK};
  bool is_one = false;
  if (cli_check_standard_input(paths, count, &is_one, &err) != C2_OK) return cli_fail_error(&err);
  if (b->paced && is_one) return cli_fail_usage("--paced: it reads standard input, which is an input already");
  int opened = b->random ? CLI_DONE : cli_engine_locate(&b->engine);
  if (opened == CLI_DONE) opened = cli_locate_inputs(&b->engine, paths, count, located);
  if (opened != CLI_DONE) return opened;
  opened = b->random ? open_random(b) : cli_engine_open(&b->engine, &b->model, &b->session);
  if (opened != CLI_DONE) return opened;
  if (prepare(b, paths, count, &err) != C2_OK || measure(b, &err) != C2_OK) return cli_fail_error(&err);
  print_result(b);
  return cli_flush_output();
}

/* Whether all options that were given have a use; else a usage error is printed. */
static bool check_given(const bench *b, bool has_files) {
  const cli_engine *e = &b->engine;
  static const char *const weights[] = {"model", "adapter", "cache", NULL};
  static const char *const hub[] = {"offline", "update", NULL};
  static const char *const made_up[] = {"ragged", "futures", NULL};
  static const char *const repeats[] = {"repeats", NULL};
  if (b->random && !cli_refuse(e, weights, "--random has weights of its own")) return false;
  if (b->random && !has_files && !cli_refuse(e, hub, "--random asks no hub for anything")) return false;
  if (has_files && !cli_refuse(e, made_up, "it takes no files")) return false;
  return !b->paced || cli_refuse(e, repeats, "--paced runs a pass for each line");
}

int cli_bench(int argc, char **argv) {
  bench b = {.horizon = 64, .repeats = 5};
  const cli_option options[] = {
      {"random", 0, "base|small|micro",
       "Use random weights in this model's shape instead of --model. They stay in memory beside their packed form, "
       "which the peak counts.",
       CLI_TEXT, &b.random, NULL},
      {"horizon", 0, "H", "Number of steps to forecast, at most one pass of the model. [64]", CLI_COUNT, &b.horizon,
       NULL},
      {"repeats", 0, "N", "Number of timed runs, after one that is not timed, or two on a GPU. [5]", CLI_COUNT,
       &b.repeats, NULL},
      {"ragged", 0, NULL, "Make series of unequal length, from a quarter of the context up.", CLI_FLAG, &b.ragged,
       NULL},
      {"futures", 0, "N",
       "Forecast N futures of each series, which differ in a known covariate. Under windowed_future_global and "
       "windowed_future_null its past is encoded once.",
       CLI_SIZE, &b.futures, NULL},
      {"paced", 0, NULL, "Run a timed pass for each line of standard input, so that another program can take turns.",
       CLI_FLAG, &b.paced, NULL},
      {"json", 0, NULL, "Print one JSON object instead of text.", CLI_FLAG, &b.json, NULL},
      {NULL, 0, NULL, NULL, CLI_FLAG, NULL, NULL}};
  const cli_usage usage = {
      .command = "bench",
      .arguments = "[INPUT...]",
      .summary = "Measures time and memory from raw series to quantiles, on made-up series of one target or on the "
                 "series of tables or JSON Lines files. Without files, --batch-size is the number of series [8] and "
                 "--context-length their length [512].",
      .examples = "Time the shape of chronos-2 on 8 series of 512 steps; no weights are needed:\n"
                  "chronos2 bench --random base --batch-size 8 --context-length 512\n",
      .max_arguments = SIZE_MAX};
  int first = 0;
  int status = 0;
  cli_engine_init(&b.engine);
  if (!cli_parse(argc, argv, &usage, options, &b.engine, &first, &status)) return status;
  if (!check_given(&b, first < argc)) return CLI_USAGE;
  cli_located located = {.path = NULL};
  status = run(&b, argv + first, (size_t)(argc - first), &located);
  cli_located_free(&located);
  c2_dataset_free(&b.set);
  free(b.future);
  free(b.covariate);
  free(b.seconds);
  free(b.series);
  free(b.values);
  chronos2_session_close(&b.session);
  chronos2_model_close(&b.model);
  return status;
}
