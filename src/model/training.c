/* Have a model's weights been trained? A few rows of each query and key matrix tell, so that of a large file little
 * is read. */
#include "model/training.h"

#include <math.h>
#include <stdlib.h>

#include "model/reading.h"

static const double least_moved = 1.05;
static const double least_score = 0.3; /* entropy of attention over 34 tokens: 0.99 of the greatest possible */

/* Of rows spread over a matrix. */
typedef struct sample {
  double square; /* mean of an element's square */
  double norm;   /* mean of a row's squared length, its columns weighted as the norm before it weighs them */
} sample;

/* `norm` and `row` [D]. */
static c2_status look_at(const chronos2_model *model, const c2_expected *matrix, const float *norm, float *row,
                         sample *s, c2_error *err) {
  enum { ROWS = 8 };
  size_t columns = matrix->shape[1];
  size_t count = c2_min_size(matrix->shape[0], ROWS);
  *s = (sample){0, 0};
  for (size_t i = 0; i < count; i++) {
    C2_TRY(c2_tensor_rows(model, matrix, i * matrix->shape[0] / count, 1, row, err));
    for (size_t k = 0; k < columns; k++) {
      double value = (double)row[k];
      s->square += value * value / (double)(count * columns);
      s->norm += value * value * (double)norm[k] * (double)norm[k] / (double)count;
    }
  }
  return C2_OK;
}

/* Upstream's initialisation: deviations f / sqrt(D K) of queries and f / sqrt(D) of keys. */
c2_status c2_training_of(const chronos2_model *model, chronos2_training *out, c2_error *err) {
  const chronos2_config *c = &model->config;
  double d = (double)c->d_model;
  double first_key = c->initializer_factor / sqrt(d);
  double first_query = first_key / sqrt((double)c->d_kv);
  double logs = 0;
  float *norm = NULL; /* [2][D], a row of a matrix behind it */
  chronos2_training t = {.score = 0};
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(2 * c->d_model, sizeof *norm, &norm, err));
  for (size_t i = 0; i < 2 * c->layers; i++) {
    const c2_layer_weights *layer = &model->weights.layer[i / 2];
    const c2_attention_weights *a = i % 2 ? &layer->group : &layer->time;
    sample q;
    sample k;
    C2_GOTO(c2_tensor_rows(model, a->norm, 0, c->d_model, norm, err));
    C2_GOTO(look_at(model, a->q, norm, norm + c->d_model, &q, err));
    C2_GOTO(look_at(model, a->k, norm, norm + c->d_model, &k, err));
    logs += fabs(log(sqrt(q.square) / first_query)) + fabs(log(sqrt(k.square) / first_key));
    if (i % 2 == 0) t.score += sqrt((double)c->d_kv * q.norm * k.norm) / (double)c->layers;
  }
  t.moved = exp(logs / (double)(4 * c->layers));
  t.trained = t.moved >= least_moved && t.score >= least_score;
  *out = t;
fail:
  free(norm);
  return status;
}
