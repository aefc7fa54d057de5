/* Have a model's weights been trained? A few rows of each query and key matrix tell, so that of a large file few pages
 * are read. */
#include "model/training.h"

#include <math.h>

static const double least_moved = 1.05;
static const double least_score = 0.3; /* entropy of attention over 34 tokens: 0.99 of the greatest possible */

/* Of rows spread over a matrix. */
typedef struct sample {
  double square; /* mean of an element's square */
  double norm;   /* mean of a row's squared length, its columns weighted as the norm before it weighs them */
} sample;

static sample look_at(const float *matrix, const float *norm, size_t rows, size_t columns) {
  enum { ROWS = 8 };
  size_t count = c2_min_size(rows, ROWS);
  sample s = {0, 0};
  for (size_t i = 0; i < count; i++) {
    const float *row = matrix + i * rows / count * columns;
    for (size_t k = 0; k < columns; k++) {
      double value = (double)row[k];
      s.square += value * value / (double)(count * columns);
      s.norm += value * value * (double)norm[k] * (double)norm[k] / (double)count;
    }
  }
  return s;
}

/* Upstream's initialisation: deviations f / sqrt(D K) of queries and f / sqrt(D) of keys. */
chronos2_training c2_training_of(const chronos2_model *model) {
  const chronos2_config *c = &model->config;
  double d = (double)c->d_model;
  double first_key = c->initializer_factor / sqrt(d);
  double first_query = first_key / sqrt((double)c->d_kv);
  double logs = 0;
  chronos2_training t = {.score = 0};
  for (size_t i = 0; i < 2 * c->layers; i++) {
    const c2_layer_weights *layer = &model->weights.layer[i / 2];
    const c2_attention_weights *a = i % 2 ? &layer->group : &layer->time;
    sample q = look_at(a->q, a->norm, c->heads * c->d_kv, c->d_model);
    sample k = look_at(a->k, a->norm, c->heads * c->d_kv, c->d_model);
    logs += fabs(log(sqrt(q.square) / first_query)) + fabs(log(sqrt(k.square) / first_key));
    if (i % 2 == 0) t.score += sqrt((double)c->d_kv * q.norm * k.norm) / (double)c->layers;
  }
  t.moved = exp(logs / (double)(4 * c->layers));
  t.trained = t.moved >= least_moved && t.score >= least_score;
  return t;
}
