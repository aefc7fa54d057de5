/* The public calls on series, options and batches that the bytes describe: predict, embed, contexts, forward. The fused
 * backend forecasts a series to the same bits alone, beside others and from an encoded context; numbers are finite;
 * refusals have a text. */
#include <math.h>

#include "fuzz.h"

enum { SERIES = 4, TARGETS = 2, COVARIATES = 2, LENGTH = 40, HORIZON = 20 };

typedef struct problem {
  chronos2_series series[SERIES];
  chronos2_covariate covariate[SERIES][COVARIATES];
  double target[SERIES][TARGETS * LENGTH];
  double past[SERIES][COVARIATES][LENGTH];
  double future[SERIES][COVARIATES][HORIZON];
  const char *past_text[SERIES][COVARIATES][LENGTH];
  const char *future_text[SERIES][COVARIATES][HORIZON];
  size_t count;
  chronos2_predict_options options;
} problem;

static double value(fuzz_reader *r) {
  static const double odd[] = {NAN, 0, -0.0, 1e-300, 1e30, -1e30, 5e-324, 1e9, 1e-9, 16777217, INFINITY, NAN};
  unsigned b = fuzz_byte(r);
  if (b >= 0xf4) return odd[b - 0xf4];
  return b % 2 == 0 ? (double)(b / 8) : (double)fuzz_byte(r) / 7 - 10;
}

static const char *word(fuzz_reader *r) {
  static const char *const words[] = {"a", "b", "c", NULL};
  return words[fuzz_byte(r) % 4];
}

static void make_covariate(problem *p, size_t i, size_t k, fuzz_reader *r) {
  unsigned kind = fuzz_byte(r);
  chronos2_covariate *c = &p->covariate[i][k];
  *c = (chronos2_covariate){.name = k ? "k1" : "k0"};
  for (size_t t = 0; t < p->series[i].length; t++) {
    if (kind & 1) p->past_text[i][k][t] = word(r);
    else p->past[i][k][t] = value(r);
  }
  for (size_t t = 0; kind & 2 && t < p->options.horizon && t < HORIZON; t++) {
    if (kind & 1) p->future_text[i][k][t] = word(r);
    else p->future[i][k][t] = value(r);
  }
  if (kind & 1) {
    c->past_text = p->past_text[i][k];
    c->future_text = kind & 2 ? p->future_text[i][k] : NULL;
  } else {
    c->past = p->past[i][k];
    c->future = kind & 2 ? p->future[i][k] : NULL;
  }
}

static void make_problem(problem *p, fuzz_reader *r) {
  unsigned flags = fuzz_byte(r);
  p->count = 1 + fuzz_byte(r) % SERIES;
  p->options = (chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 1 + fuzz_byte(r) % HORIZON,
                                          .context_length = fuzz_byte(r) % 80,
                                          .batch_size = fuzz_byte(r) % 8,
                                          .cross_learning = flags & 1,
                                          .extend_context = flags & 2,
                                          .monotone = flags & 4};
  for (size_t i = 0; i < p->count; i++) {
    chronos2_series *s = &p->series[i];
    *s = (chronos2_series){.length = fuzz_byte(r) % (LENGTH + 1),
                           .targets = 1 + fuzz_byte(r) % TARGETS,
                           .target = p->target[i],
                           .covariates = fuzz_byte(r) % (COVARIATES + 1),
                           .covariate = p->covariate[i]};
    for (size_t t = 0; t < s->targets * s->length; t++) p->target[i][t] = value(r);
    for (size_t k = 0; k < s->covariates; k++) make_covariate(p, i, k, r);
  }
}

static void check_finite(const chronos2_forecast *f, const problem *p, size_t levels) {
  fuzz_require(chronos2_forecast_count(f) == p->count, "a forecast a series");
  for (size_t i = 0; i < p->count; i++) {
    for (size_t k = 0; k < p->series[i].targets; k++) {
      const double *q = chronos2_forecast_quantiles(f, i, k);
      for (size_t t = 0; t < levels * p->options.horizon; t++) fuzz_require(isfinite(q[t]), "a forecast is finite");
    }
  }
}

/* Series `at` of f is series `alone` of g. */
static void check_same(const chronos2_forecast *f, size_t at, const chronos2_forecast *g, size_t alone,
                       const problem *p, size_t levels) {
  for (size_t k = 0; k < p->series[at].targets; k++) {
    fuzz_require(memcmp(chronos2_forecast_quantiles(f, at, k), chronos2_forecast_quantiles(g, alone, k),
                        levels * p->options.horizon * sizeof(double)) == 0,
                 "a forecast depends on its own series alone");
  }
}

static void check_predict(chronos2_session *session, const problem *p, size_t levels, bool fused, bool contexts) {
  chronos2_forecast *all = NULL;
  chronos2_forecast *one = NULL;
  chronos2_context *context = NULL;
  chronos2_status status = chronos2_predict(session, p->series, p->count, &p->options, &all);
  if (status != CHRONOS2_OK) {
    fuzz_check_api_error(status);
    fuzz_require(!all, "there is no forecast after a failure");
    return;
  }
  check_finite(all, p, levels);
  if (fused && !p->options.cross_learning) {
    size_t at = p->count - 1;
    fuzz_require(chronos2_predict(session, &p->series[at], 1, &p->options, &one) == CHRONOS2_OK, "a part works too");
    check_same(all, at, one, 0, p, levels);
    chronos2_forecast_free(&one);
  }
  if (contexts && chronos2_context_open(session, p->series, p->count, &p->options, &context) == CHRONOS2_OK) {
    status = chronos2_context_predict(session, context, p->series, p->count, &p->options, &one);
    fuzz_require(status == CHRONOS2_OK, "what predict takes, an encoded context takes");
    for (size_t i = 0; i < p->count; i++) check_same(all, i, one, i, p, levels);
    chronos2_forecast_free(&one);
  }
  chronos2_context_close(&context);
  chronos2_forecast_free(&all);
}

static void check_embed(chronos2_session *session, const problem *p, size_t width) {
  chronos2_embedding *e = NULL;
  chronos2_status status = chronos2_embed(session, p->series, p->count, &p->options, &e);
  if (status != CHRONOS2_OK) {
    fuzz_check_api_error(status);
    fuzz_require(!e, "there is no embedding after a failure");
    return;
  }
  for (size_t i = 0; i < p->count; i++) {
    size_t n = p->series[i].targets * chronos2_embedding_tokens(e, i) * width;
    const float *values = chronos2_embedding_values(e, i);
    fuzz_require(n > 0 && values, "an embedding has tokens");
    for (size_t t = 0; t < n; t++) fuzz_require(isfinite(values[t]), "an embedding is finite");
  }
  chronos2_embedding_free(&e);
}

static void check_forward(chronos2_session *session, const chronos2_config *c, fuzz_reader *r) {
  enum { ROWS = 3, PATCHES = 3, LONGEST = 60, PATCH = 8, LEVELS = 3 };
  float context[ROWS * LONGEST];
  float future[ROWS * PATCHES * PATCH];
  float quantiles[ROWS * LEVELS * PATCHES * PATCH];
  float loc[ROWS];
  float scale[ROWS];
  int64_t groups[ROWS];
  chronos2_batch batch = {.rows = 1 + fuzz_byte(r) % ROWS,
                          .length = fuzz_byte(r) % (LONGEST + 1),
                          .context = context,
                          .output_patches = 1 + fuzz_byte(r) % PATCHES,
                          .extend_context = fuzz_byte(r) % 2};
  unsigned flags = fuzz_byte(r);
  fuzz_require(c->patch == PATCH && c->quantiles == LEVELS, "the configuration is fuzz_config");
  for (size_t i = 0; i < batch.rows; i++) groups[i] = fuzz_byte(r) % 2;
  for (size_t i = 0; i < batch.rows * batch.length; i++) context[i] = (float)value(r);
  batch.group_ids = flags & 1 ? groups : NULL;
  if (flags & 2) {
    batch.future_length = fuzz_byte(r) % (PATCH * batch.output_patches + 1);
    batch.future_covariates = future;
    for (size_t i = 0; i < batch.rows * batch.future_length; i++) future[i] = (float)value(r);
  }
  chronos2_status status = chronos2_forward(session, &batch, quantiles, loc, scale, NULL);
  if (status != CHRONOS2_OK) {
    fuzz_check_api_error(status);
    return;
  }
  size_t n = batch.rows * LEVELS * PATCH * batch.output_patches;
  for (size_t i = 0; i < n; i++) fuzz_require(isfinite(quantiles[i]), "a forward pass is finite");
  for (size_t i = 0; i < batch.rows; i++) fuzz_require(isfinite(loc[i]) && scale[i] > 0, "a scale is positive");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static chronos2_model *model;
  static problem p;
  chronos2_config config = fuzz_config();
  chronos2_session *session = NULL;
  fuzz_reader r = {data, data + size};
  unsigned kind = fuzz_byte(&r);
  unsigned pattern = fuzz_byte(&r);
  if (!model && chronos2_model_random(&config, 7, &(chronos2_model_options){CHRONOS2_MODEL_OPTIONS_INIT, .threads = 1},
                                      &model) != CHRONOS2_OK) {
    abort();
  }
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT,
                                      .attention = (chronos2_attention)(CHRONOS2_FULL + pattern % 4),
                                      .radius = pattern & 4 ? INFINITY : (double)(pattern >> 4),
                                      .reg_global = pattern & 8,
                                      .backend = kind & 8 ? CHRONOS2_REFERENCE : CHRONOS2_FUSED,
                                      .isa = "scalar",
                                      .threads = 1};
  if (chronos2_session_open(model, &options, &session) != CHRONOS2_OK) abort();
  if (kind % 4 == 3) {
    check_forward(session, &config, &r);
  } else {
    memset(&p, 0, sizeof p);
    make_problem(&p, &r);
    bool fused = options.backend == CHRONOS2_FUSED;
    bool contexts = fused && (options.attention == CHRONOS2_WINDOWED_FUTURE_GLOBAL ||
                              options.attention == CHRONOS2_WINDOWED_FUTURE_NULL);
    if (kind % 4 == 2) {
      check_embed(session, &p, config.d_model);
    } else {
      check_predict(session, &p, config.quantiles, fused, contexts);
    }
  }
  chronos2_session_close(&session);
  return 0;
}
