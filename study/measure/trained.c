/* Entropy of attention on a fixed series and spread of the query and key weights. */
#include "study/measure/trained.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/series.h"
#include "study/measure/arm.h"

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

void c2_pattern_text(chronos2_pattern pattern, char out[C2_PATTERN_ROOM]) {
  const char *name = chronos2_attention_name(pattern.attention);
  if (pattern.attention == CHRONOS2_FULL) {
    (void)snprintf(out, C2_PATTERN_ROOM, "full attention");
  } else { /* %g writes inf */
    (void)snprintf(out, C2_PATTERN_ROOM, "%s at radius %.10g%s", name, pattern.radius,
                   pattern.reg_global ? " with a global REG" : "");
  }
}

/* Patterns that differ in their radius alone. */
static bool are_alike(chronos2_pattern a, chronos2_pattern b) {
  return a.attention == b.attention && a.reg_global == b.reg_global;
}

/* The patterns like that at `first`: "windowed_future_global at radius 4, 8 or inf". Returns the length. */
static size_t put_alike(const chronos2_model *model, size_t first, char *out, size_t room) {
  chronos2_pattern pattern = chronos2_model_pattern(model, first);
  size_t count = chronos2_model_patterns(model);
  size_t last = first;
  for (size_t i = first; i < count; i++) last = are_alike(chronos2_model_pattern(model, i), pattern) ? i : last;
  if (pattern.attention == CHRONOS2_FULL) return (size_t)snprintf(out, room, "full attention");
  size_t used = (size_t)snprintf(out, room, "%s at radius ", chronos2_attention_name(pattern.attention));
  for (size_t i = first; i <= last && used < room; i++) {
    chronos2_pattern next = chronos2_model_pattern(model, i);
    if (!are_alike(next, pattern)) continue;
    const char *join = i == first ? "" : i == last ? " or " : ", ";
    used += (size_t)snprintf(out + used, room - used, "%s%.10g", join, next.radius); /* %g writes inf */
  }
  if (pattern.reg_global && used < room) used += (size_t)snprintf(out + used, room - used, " with a global REG");
  return used;
}

void c2_trained_text(const chronos2_model *model, char out[C2_TRAINED_ROOM]) {
  size_t used = 0;
  for (size_t i = 0; i < chronos2_model_patterns(model) && used < C2_TRAINED_ROOM; i++) {
    size_t k = 0; /* the first like it */
    while (!are_alike(chronos2_model_pattern(model, k), chronos2_model_pattern(model, i))) k++;
    if (k < i) continue;
    if (i > 0) used += (size_t)snprintf(out + used, C2_TRAINED_ROOM - used, " or ");
    if (used < C2_TRAINED_ROOM) used += put_alike(model, i, out + used, C2_TRAINED_ROOM - used);
  }
}
