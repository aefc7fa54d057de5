/* Entropy of attention on a fixed series and spread of the query and key weights. */
#include "study/trained.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Attention of the probe: entropy over its greatest possible value, mean over context queries. */
typedef struct entropy {
  double *share; /* [layers * heads] sums */
  double *count; /* [layers * heads] */
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
  e->count[row->layer * e->heads + row->head] += 1;
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
  chronos2_status called = CHRONOS2_OK;
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(cells, sizeof(double), &e.share, err));
  C2_GOTO(c2_alloc_array(cells, sizeof(double), &e.count, err));
  C2_GOTO(c2_alloc_array(c->quantiles * c->patch, sizeof(float), &quantiles, err));
  called = chronos2_session_open(model, &(chronos2_session_options){.threads = 1}, &session);
  if (called == CHRONOS2_OK) {
    chronos2_session_on_attention(session, add_entropy, &e);
    called = chronos2_forward(session, &batch, quantiles, NULL, NULL, NULL);
  }
  if (called != CHRONOS2_OK) C2_GOTO(c2_fail(err, (c2_status)called, "%s", chronos2_last_error()));
  look->least_entropy = 1;
  for (size_t i = 0; i < cells; i++) {
    double share = e.share[i] / e.count[i];
    look->mean_entropy += share / (double)cells;
    look->least_entropy = fmin(look->least_entropy, share);
  }
fail:
  chronos2_session_close(&session);
  free(quantiles);
  free(e.share);
  free(e.count);
  return status;
}

c2_status c2_look_trained(const chronos2_model *model, c2_look *look, c2_error *err) {
  size_t matrices = 0;
  memset(look, 0, sizeof *look);
  for (size_t i = 0; i < chronos2_model_tensors(model); i++) {
    chronos2_tensor_info t;
    chronos2_status status = chronos2_model_tensor(model, i, &t);
    if (status != CHRONOS2_OK) C2_FAIL(err, (c2_status)status, "%s", chronos2_last_error());
    if (!strstr(t.name, "self_attention.q.") && !strstr(t.name, "self_attention.k.")) continue;
    look->spread += fabs(t.deviation / t.initial_deviation - 1);
    matrices++;
  }
  look->spread /= (double)matrices;
  C2_TRY(probe(model, look, err));
  look->trained = look->spread > 0.05 && look->mean_entropy < 0.97;
  return C2_OK;
}
