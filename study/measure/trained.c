/* Entropy of attention on a fixed series and spread of the query and key weights. */
#include "study/measure/trained.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/series.h"

/* Attention of the probe: entropy over its greatest possible value, mean over context queries. */
typedef struct entropy {
  double *share; /* [layers * heads] sums */
  size_t rows;   /* over all heads, which have as many each */
  size_t heads;
} entropy;

static void add_entropy(void *user, const chronos2_attention_row *row) {
  entropy *e = user;
  double sum = 0;
  for (size_t i = 0; i < row->tokens; i++) {
    double w = (double)row->weights[i];
    if (w > 0) sum -= w * log(w);
  }
  e->share[row->layer * e->heads + row->head] += sum / log((double)row->tokens);
  e->rows++;
}

static c2_status probe(const chronos2_model *model, c2_look *look, c2_error *err) {
  const chronos2_config *c = chronos2_model_config(model);
  enum { LENGTH = 512 };
  float series[LENGTH];
  for (size_t i = 0; i < LENGTH; i++)
    series[i] = (float)(10 + 0.01 * (double)i + 3 * sin(0.2617993878 * (double)i) + cos(1.7 * (double)i));
  size_t cells = c->layers * c->heads;
  entropy e = {.heads = c->heads};
  float *quantiles = NULL;
  chronos2_session *session = NULL;
  chronos2_batch batch = {.rows = 1, .length = LENGTH, .context = series, .output_patches = 1};
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_FULL, .threads = 1};
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(cells, sizeof(double), &e.share, err));
  C2_GOTO(c2_alloc_array(c->quantiles * c->patch, sizeof(float), &quantiles, err));
  C2_GOTO(c2_api(chronos2_session_open(model, &options, &session), err));
  chronos2_session_on_attention(session, add_entropy, &e);
  C2_GOTO(c2_api(chronos2_forward(session, &batch, quantiles, NULL, NULL, NULL), err));
  look->least_entropy = 1;
  for (size_t i = 0; i < cells; i++) {
    double share = e.share[i] / (double)(e.rows / cells);
    look->mean_entropy += share / (double)cells;
    look->least_entropy = fmin(look->least_entropy, share);
  }
fail:
  chronos2_session_close(&session);
  free(quantiles);
  free(e.share);
  return status;
}

c2_status c2_look_trained(const chronos2_model *model, c2_look *look, c2_error *err) {
  memset(look, 0, sizeof *look);
  look->training = chronos2_model_training(model);
  C2_TRY(probe(model, look, err));
  look->uniform = look->mean_entropy >= C2_UNIFORM_ENTROPY;
  look->trained = look->training.trained && !look->uniform;
  return C2_OK;
}
