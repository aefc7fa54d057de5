/* `chronos2 predict`: list-of-dict inputs in JSON, as Chronos2Pipeline.predict takes them, to tensors. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/caveats.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "data/jsonl.h"
#include "data/missing.h"
#include "data/series.h"

typedef struct request {
  cli_engine engine;
  const char *output;
  bool embed;
  chronos2_predict_options options;
  double *unrolled; /* levels that continue a rollout */
  double *levels;
  size_t level_count;
  c2_dataset set;
  chronos2_series *series;
  chronos2_covariate *covariate;
} request;

/* ---- The case -------------------------------------------------------------------------------- */

/* Levels in [0, 1]: the array of that name, empty if it isn't there. */
static c2_status read_levels(const c2_json_document *doc, const c2_json *object, const char *name, double **levels,
                             size_t *count, c2_error *err) {
  const c2_json *array = c2_json_get(object, name);
  if (array && array->type != C2_JSON_ARRAY) {
    return c2_json_fail(doc, array, err, "'%s': expected an array, found %s", name, c2_json_type_name(array));
  }
  C2_TRY(c2_alloc_array(c2_json_size(array), sizeof **levels, levels, err));
  C2_JSON_EACH (level, array) {
    double value = 0;
    if (!c2_json_number(level, &value) || value < 0 || value > 1) {
      return c2_json_fail(doc, level, err, "%s[%zu]: expected a number from 0 to 1", name, *count);
    }
    (*levels)[(*count)++] = value;
  }
  return C2_OK;
}

/* The options of Chronos2Pipeline.predict. */
static c2_status read_options(request *r, const c2_json_document *doc, c2_error *err) {
  chronos2_predict_options *o = &r->options;
  static const char *const known[] = {"prediction_length", "context_length", "batch_size", "max_output_patches",
                                      "cross_learning", "limit_prediction_length", "unrolled_quantiles", NULL};
  enum { SIZES = 4 };
  size_t *const sizes[SIZES] = {&o->horizon, &o->context_length, &o->batch_size, &o->max_output_patches};
  const c2_json *object = c2_json_get(doc->node, "predict");
  if (!c2_json_is(object, C2_JSON_OBJECT)) {
    return c2_json_fail(doc, object, err, "'predict': expected an object, found %s", c2_json_type_name(object));
  }
  C2_TRY(c2_json_refuse_others(doc, object, known, err));
  for (size_t i = 0; i < SIZES; i++) {
    if (!c2_json_get(object, known[i])) continue;
    C2_TRY(c2_json_get_size(doc, object, known[i], 1, (size_t)INT64_MAX, sizes[i], err));
  }
  C2_TRY(c2_json_get_bool(doc, object, "cross_learning", &o->cross_learning, err));
  C2_TRY(c2_json_get_bool(doc, object, "limit_prediction_length", &o->limit_prediction_length, err));
  if (c2_json_get(object, "unrolled_quantiles")) {
    C2_TRY(read_levels(doc, object, "unrolled_quantiles", &r->unrolled, &o->unrolled_count, err));
    o->unrolled_quantiles = r->unrolled;
  }
  if (o->horizon < 1) return c2_json_fail(doc, object, err, "predict.prediction_length is missing");
  return C2_OK;
}

/* The inputs are what JSON Lines holds, one a line. */
static c2_status read_inputs(request *r, const c2_json_document *doc, c2_error *err) {
  const c2_json *inputs = c2_json_get(doc->node, "inputs");
  const c2_read_options options = {0};
  if (!c2_json_is(inputs, C2_JSON_ARRAY) || inputs->size == 0) {
    return c2_json_fail(doc, inputs, err, "'inputs': expected an array of at least one series");
  }
  C2_JSON_EACH (input, inputs) C2_TRY(c2_read_json_item(&r->set, doc, input, &c2_json_lines_names, &options, err));
  C2_TRY(c2_dataset_note_truths(&r->set, err));
  return c2_dataset_join_kinds(&r->set, err);
}

static c2_status read_case(request *r, const char *path, c2_error *err) {
  static const char *const known[] = {"inputs", "predict", "quantile_levels", NULL};
  c2_json_document doc = {.path = path, .failure = C2_ERR_FORMAT, .allow_nan = true};
  c2_status status = c2_json_load(&doc, err);
  if (status == C2_OK && doc.node->type != C2_JSON_OBJECT) {
    status = c2_json_fail(&doc, doc.node, err, "expected an object, found %s", c2_json_type_name(doc.node));
  }
  if (status == C2_OK) status = c2_json_refuse_others(&doc, doc.node, known, err);
  if (status == C2_OK) status = read_options(r, &doc, err);
  if (status == C2_OK) status = read_levels(&doc, doc.node, "quantile_levels", &r->levels, &r->level_count, err);
  if (status == C2_OK) status = read_inputs(r, &doc, err);
  if (status == C2_OK) status = c2_dataset_note_lacks(&r->set, NULL, err);
  c2_json_free(&doc);
  if (status != C2_OK) return status;
  return cli_input_series(&r->set, r->options.horizon, &r->series, &r->covariate, err);
}

/* ---- The answer ------------------------------------------------------------------------------ */

typedef struct answer {
  c2_tensor_out *tensor;
  char (*name)[40];
  size_t count;
} answer;

static c2_status add(answer *a, const char *kind, size_t index, size_t dims, const size_t *shape, float **values,
                     c2_error *err) {
  size_t elements = 1;
  c2_tensor_out *t = &a->tensor[a->count];
  *t = (c2_tensor_out){a->name[a->count], C2_F32, dims, {0}, NULL};
  for (size_t d = 0; d < dims; d++) {
    t->shape[d] = shape[d];
    if (!c2_mul(elements, shape[d], &elements)) C2_FAIL(err, C2_ERR_MEMORY, "the forecast's size overflows");
  }
  (void)snprintf(a->name[a->count], sizeof a->name[0], "%s.%zu", kind, index);
  C2_TRY(c2_alloc_array(elements, sizeof **values, values, err));
  t->data = *values;
  a->count++;
  return C2_OK;
}

/* As float32, out of whose range a forecast is refused. */
static c2_status narrow(const double *values, size_t count, size_t series, float *out, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    const char *loss = c2_float32_loss(values[i]);
    if (loss) {
      C2_FAIL(err, C2_ERR_FORMAT, "inputs[%zu]: the forecast %g is %s the range of float32", series, values[i], loss);
    }
    out[i] = (float)values[i];
  }
  return C2_OK;
}

/* out.i [targets, Q, horizon], mean.i [targets, horizon] (the median, as upstream's), quantiles.i
 * [targets, horizon, levels]. */
static c2_status add_series(const request *r, const chronos2_forecast *f, size_t i, size_t trained, answer *a,
                            c2_error *err) {
  size_t targets = chronos2_forecast_targets(f, i);
  size_t horizon = chronos2_forecast_horizon(f);
  size_t levels = r->level_count;
  float *all = NULL;
  float *mean = NULL;
  float *chosen = NULL;
  double *at_levels = NULL;
  C2_TRY(add(a, "out", i, 3, (const size_t[]){targets, trained, horizon}, &all, err));
  C2_TRY(add(a, "mean", i, 2, (const size_t[]){targets, horizon}, &mean, err));
  if (levels) C2_TRY(add(a, "quantiles", i, 3, (const size_t[]){targets, horizon, levels}, &chosen, err));
  C2_TRY(c2_alloc_array(horizon * levels, sizeof *at_levels, &at_levels, err));
  c2_status status = C2_OK;
  for (size_t t = 0; t < targets; t++) {
    size_t trained_count = trained * horizon;
    C2_GOTO(narrow(chronos2_forecast_quantiles(f, i, t), trained_count, i, all + t * trained_count, err));
    C2_GOTO(narrow(chronos2_forecast_median(f, i, t), horizon, i, mean + t * horizon, err));
    if (!levels) continue;
    C2_GOTO(c2_api(chronos2_forecast_at_levels(f, i, t, r->levels, levels, at_levels), err));
    C2_GOTO(narrow(at_levels, horizon * levels, i, chosen + t * horizon * levels, err));
  }
fail:
  free(at_levels);
  return status;
}

/* embed.i [targets, tokens, d_model]. */
static c2_status add_embedding(const request *r, const chronos2_embedding *e, size_t i, size_t d_model, answer *a,
                               c2_error *err) {
  size_t shape[3] = {r->series[i].targets, chronos2_embedding_tokens(e, i), d_model};
  float *values = NULL;
  C2_TRY(add(a, "embed", i, 3, shape, &values, err));
  memcpy(values, chronos2_embedding_values(e, i), shape[0] * shape[1] * shape[2] * sizeof *values);
  return C2_OK;
}

static c2_status write_answer(const request *r, const chronos2_forecast *f, const chronos2_embedding *e,
                              const chronos2_config *config, c2_error *err) {
  answer a = {.count = 0};
  c2_status status = C2_OK;
  size_t most = 4 * r->set.count;
  C2_GOTO(c2_alloc_array(most, sizeof *a.tensor, &a.tensor, err));
  C2_GOTO(c2_alloc_array(most, sizeof *a.name, &a.name, err));
  for (size_t i = 0; i < r->set.count; i++) C2_GOTO(add_series(r, f, i, config->quantiles, &a, err));
  for (size_t i = 0; e && i < r->set.count; i++) C2_GOTO(add_embedding(r, e, i, config->d_model, &a, err));
  C2_GOTO(c2_safetensors_write(r->output, a.tensor, a.count, err));
fail:
  for (size_t i = 0; i < a.count; i++) free((void *)(size_t)a.tensor[i].data);
  free(a.tensor);
  free(a.name);
  return status;
}

static void tell_override(const char *option, size_t asked, const char *key, size_t own) {
  if (asked > 0 && own > 0) cli_note("--%s %zu takes the place of the case's predict.%s %zu", option, asked, key, own);
}

/* What the options say beside the case, and what there is to warn of. */
static void settle_options(request *r, const chronos2_config *config) {
  chronos2_predict_options *o = &r->options;
  const char *batch = r->engine.batch_size ? "--batch-size" : "predict.batch_size";
  tell_override("context-length", r->engine.context_length, "context_length", o->context_length);
  tell_override("batch-size", r->engine.batch_size, "batch_size", o->batch_size);
  if (r->engine.context_length) { /* asked for by name: may go beyond the model's; the case's is cut, as upstream's */
    o->context_length = r->engine.context_length;
    o->extend_context = true;
  } else if (o->context_length > config->context_length) {
    cli_warn("predict.context_length %zu is beyond the %zu steps of the model, whose last steps alone are used; "
             "--context-length uses more", o->context_length, config->context_length);
  }
  if (r->engine.batch_size) o->batch_size = r->engine.batch_size;
  if (o->cross_learning) cli_warn_passes(&r->set, o->batch_size, batch);
  cli_warn_lengths(config, o->horizon, r->engine.context_length);
  cli_warn_levels(config, r->levels, r->level_count);
}

/* Warns of series whose bands float32 rounds. */
static void warn_of_coarse(const request *r, const chronos2_forecast *f, const chronos2_config *config) {
  char line[C2_CAVEAT_ROOM];
  c2_caveat_of coarse = {.noun = "series"};
  size_t context = c2_context_limit(r->options.context_length, config->context_length, r->options.extend_context);
  for (size_t i = 0; i < r->set.count; i++) {
    bool is_coarse = c2_series_is_coarse(&r->series[i], context, f, i, config->quantiles);
    if (is_coarse && coarse.count++ == 0) coarse.first = r->set.item[i].id;
  }
  c2_caveat_coarse(coarse, "float32", C2_RESCALE, line);
  if (line[0]) cli_warn("%s", line);
}

static c2_status predict(const request *r, const chronos2_model *model, chronos2_session *session, c2_error *err) {
  chronos2_forecast *forecast = NULL;
  chronos2_embedding *embedding = NULL;
  c2_status status = c2_api(chronos2_predict(session, r->series, r->set.count, &r->options, &forecast), err);
  if (status == C2_OK && r->embed) {
    status = c2_api(chronos2_embed(session, r->series, r->set.count, &r->options, &embedding), err);
  }
  if (status == C2_OK) status = write_answer(r, forecast, embedding, chronos2_model_config(model), err);
  if (status == C2_OK) warn_of_coarse(r, forecast, chronos2_model_config(model));
  chronos2_forecast_free(&forecast);
  chronos2_embedding_free(&embedding);
  return status;
}

static int run(request *r, const char *path) {
  c2_error err = {.code = C2_OK};
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  if (!r->output) return cli_fail_usage("predict needs -o FILE; see 'chronos2 predict --help'");
  int exit_status = cli_engine_locate(&r->engine);
  if (exit_status != CLI_DONE) return exit_status;
  if (cli_keep_inputs(r->output, &r->engine, &path, 1, &err) != C2_OK) return cli_fail_error(&err);
  if (read_case(r, path, &err) != C2_OK) return cli_fail_error(&err);
  exit_status = cli_engine_open(&r->engine, &model, &session);
  if (exit_status != CLI_DONE) return exit_status;
  cli_input_warn(&r->set);
  settle_options(r, chronos2_model_config(model));
  if (predict(r, model, session, &err) != C2_OK) exit_status = cli_fail_error(&err);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return exit_status;
}

int cli_predict(int argc, char **argv) {
  request r = {.options = {CHRONOS2_PREDICT_OPTIONS_INIT}};
  const cli_option options[] = {
      {"output", 'o', "FILE",
       "Write this safetensors file. It is required, and holds out.i [targets, levels, steps], mean.i and, at the "
       "case's levels, quantiles.i.",
       CLI_TEXT, &r.output, NULL},
      {"embed", 0, NULL, "Also write embed.i, the hidden states [targets, tokens, d_model].", CLI_FLAG, &r.embed, NULL},
      {"monotone", 0, NULL, "Sort the quantiles of each step, so that none crosses another.", CLI_FLAG,
       &r.options.monotone, NULL},
      {NULL, 0, NULL, NULL, CLI_FLAG, NULL, NULL}};
  const cli_usage usage = {
      .command = "predict",
      .arguments = "CASE.json",
      .summary = "A command for developers: it forecasts the inputs that Chronos2Pipeline.predict takes, and writes "
                 "tensors.\n"
                 "The case is an object such as {\"inputs\": [{\"target\": [...], \"past_covariates\": {...}, "
                 "\"future_covariates\": {...}}, ...], \"predict\": {\"prediction_length\": 24}, "
                 "\"quantile_levels\": [0.1, 0.5]}. null is a missing value; texts and booleans are categories. "
                 "\"predict\" also takes context_length, batch_size, max_output_patches, cross_learning, "
                 "limit_prediction_length and unrolled_quantiles.",
      .min_arguments = 1,
      .max_arguments = 1};
  int first = 0;
  int status = 0;
  cli_engine_init(&r.engine);
  if (!cli_parse(argc, argv, &usage, options, &r.engine, &first, &status)) return status;
  status = run(&r, argv[first]);
  free(r.levels);
  free(r.unrolled);
  free(r.series);
  free(r.covariate);
  c2_dataset_free(&r.set);
  return status;
}
