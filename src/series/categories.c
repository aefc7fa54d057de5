/* Categorical covariates as numbers. */
#include "series/categories.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "series/column.h"
#include "series/normalize.h"

/* ---- Labels ---------------------------------------------------------------------------------- */

typedef struct label {
  const char *name, *text; /* of the covariate; of the label, NULL: a missing one */
  size_t rank, of;         /* among the labels of that covariate, the missing one aside */
  double sum, count;       /* of the target at its steps */
} label;

/* Sorted, each once, as soon as it is closed. */
typedef struct dictionary {
  label *label;
  size_t count, capacity;
} dictionary;

static int by_name(const void *a, const void *b) {
  const label *x = a;
  const label *y = b;
  return strcmp(x->name, y->name);
}

static int by_name_and_text(const void *a, const void *b) {
  const label *x = a;
  const label *y = b;
  int order = by_name(a, b);
  if (order) return order;
  if (!x->text || !y->text) return (x->text == NULL) - (y->text == NULL); /* the missing one last */
  return strcmp(x->text, y->text);
}

static void unite(dictionary *d) {
  size_t kept = 0;
  if (d->count == 0) return;
  qsort(d->label, d->count, sizeof *d->label, by_name_and_text);
  for (size_t i = 0; i < d->count; i++) {
    if (kept == 0 || by_name_and_text(&d->label[kept - 1], &d->label[i]) != 0) d->label[kept++] = d->label[i];
  }
  d->count = kept;
}

static void close_dictionary(dictionary *d) {
  unite(d);
  for (size_t first = 0; first < d->count;) {
    size_t end = first;
    size_t of = 0;
    for (; end < d->count && strcmp(d->label[end].name, d->label[first].name) == 0; end++) {
      of += d->label[end].text != NULL;
    }
    for (size_t i = first; i < end; i++) {
      d->label[i].rank = i - first;
      d->label[i].of = of;
    }
    first = end;
  }
}

static label *find(const dictionary *d, const char *name, const char *text) {
  const label key = {.name = name, .text = text};
  return d->count ? bsearch(&key, d->label, d->count, sizeof key, by_name_and_text) : NULL;
}

static label *find_any(const dictionary *d, const char *name) {
  const label key = {.name = name};
  return d->count ? bsearch(&key, d->label, d->count, sizeof key, by_name) : NULL;
}

static const char *name_of(const chronos2_covariate *c) {
  return c->name ? c->name : "";
}

/* Its past may be NULL where the history is empty. */
static bool is_category(const chronos2_covariate *c) {
  return c->past_text || c->future_text;
}

/* Equal labels are united whenever the list is full, so it stays as short as the labels are few. */
static c2_status add_past(dictionary *d, const chronos2_covariate *c, size_t length, c2_error *err) {
  for (size_t t = 0; t < length; t++) {
    if (d->count == d->capacity) {
      unite(d);
      if (d->count >= d->capacity / 2) {
        C2_TRY(c2_grow_array(&d->label, &d->capacity, 2 * d->count + 1, sizeof *d->label, err));
      }
    }
    d->label[d->count++] = (label){.name = name_of(c), .text = c->past_text[t]};
  }
  return C2_OK;
}

/* ---- Several targets ------------------------------------------------------------------------- */

static c2_status ordinal_dictionary(const chronos2_series *series, size_t count, dictionary *d, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; series[i].targets > 1 && k < series[i].covariates; k++) {
      if (series[i].covariate[k].past_text) C2_TRY(add_past(d, &series[i].covariate[k], series[i].length, err));
    }
  }
  close_dictionary(d);
  return C2_OK;
}

static double ordinal(const dictionary *d, const char *name, const char *text) {
  const label *l = find(d, name, text);
  if (l) return (double)l->rank;
  if (text) return (double)NAN;
  l = find_any(d, name); /* missing, but in no past: the code after the last label's */
  return l ? (double)l->of : 0;
}

/* ---- One target ------------------------------------------------------------------------------ */

/* The unit that targets are added up in: 1, but so large near the largest double that no sum overflows. */
static double unit_of(const double *target, size_t length) {
  double most = 0;
  for (size_t t = 0; t < length; t++) most = fabs(target[t]) > most ? fabs(target[t]) : most; /* not if NaN */
  return most < DBL_MAX * 0x1p-64 ? 1 : 0x1p64;
}

static double mean_of(const double *target, size_t length, double unit) {
  double sum = 0;
  double count = 0;
  for (size_t t = 0; t < length; t++) {
    if (isnan(target[t])) continue;
    sum += target[t] / unit;
    count += 1;
  }
  return count > 0 ? sum / count : 0;
}

/* In float32, as upstream: labels whose means are close leave a row of small scale, which magnifies rounding. `mean` is
 * in units. */
static double target_mean(const dictionary *d, const char *name, const char *text, double mean, double unit) {
  const label *l = find(d, name, text);
  return c2_round_to_float((l ? (mean + l->sum) / (1 + l->count) : mean) * unit);
}

/* `target` may be `past`. */
static void encode_targets(const chronos2_covariate *c, const double *target, size_t length, size_t horizon,
                           dictionary *d, double *past, double *future) {
  const char *name = name_of(c);
  double unit = unit_of(target, length);
  double mean = mean_of(target, length, unit);
  for (size_t t = 0; t < length; t++) {
    if (isnan(target[t])) continue;
    label *l = find(d, name, c->past_text[t]);
    l->sum += target[t] / unit;
    l->count += 1;
  }
  for (size_t t = 0; t < length; t++) past[t] = target_mean(d, name, c->past_text[t], mean, unit);
  for (size_t t = 0; future && t < horizon; t++) future[t] = target_mean(d, name, c->future_text[t], mean, unit);
}

static c2_status encode_by_target(const chronos2_series *s, const chronos2_covariate *c, size_t horizon, double *past,
                                  double *future, c2_error *err) {
  dictionary d = {0};
  chronos2_column column = c2_target_column(s, 0);
  const double *target = c2_column_doubles(&column);
  if (!target && s->length > 0) {
    c2_column_read(&column, 0, s->length, past);
    target = past;
  }
  c2_status status = add_past(&d, c, s->length, err);
  close_dictionary(&d);
  if (status == C2_OK) encode_targets(c, target, s->length, horizon, &d, past, future);
  free(d.label);
  return status;
}

/* ---- All series ------------------------------------------------------------------------------ */

static bool is_categorical(const chronos2_series *s) {
  for (size_t k = 0; s->covariate && k < s->covariates; k++) {
    if (is_category(&s->covariate[k])) return true;
  }
  return false;
}

/* Encodes covariate k of a series into *values, which moves on. */
static c2_status encode(const chronos2_series *s, size_t k, size_t horizon, const dictionary *d,
                        chronos2_covariate *out, double **values, c2_error *err) {
  const chronos2_covariate *c = &s->covariate[k];
  *out = *c;
  if (!is_category(c)) return C2_OK;
  double *past = *values;
  double *future = c->future_text ? past + s->length : NULL;
  *values += s->length + (future ? horizon : 0);
  *out = (chronos2_covariate){.name = c->name, .past = past, .future = future};
  if (s->targets == 1) return encode_by_target(s, c, horizon, past, future, err);
  for (size_t t = 0; t < s->length; t++) past[t] = ordinal(d, name_of(c), c->past_text[t]);
  for (size_t t = 0; future && t < horizon; t++) future[t] = ordinal(d, name_of(c), c->future_text[t]);
  return C2_OK;
}

/* Covariates of the series that have categories, and the values that those become. */
static void count_all(const chronos2_series *series, size_t count, size_t horizon, size_t *covariates, size_t *values) {
  *covariates = *values = 0;
  for (size_t i = 0; i < count; i++) {
    if (!is_categorical(&series[i])) continue;
    c2_sum_up(covariates, series[i].covariates, 1);
    for (size_t k = 0; k < series[i].covariates; k++) {
      const chronos2_covariate *c = &series[i].covariate[k];
      if (is_category(c)) c2_sum_up(values, series[i].length, 1);
      if (c->future_text) c2_sum_up(values, horizon, 1);
    }
  }
}

size_t c2_encoded_bytes(const chronos2_series *series, size_t count, size_t horizon) {
  size_t covariates = 0;
  size_t values = 0;
  size_t bytes = 0;
  count_all(series, count, horizon, &covariates, &values);
  c2_sum_up(&bytes, count, sizeof(chronos2_series));
  c2_sum_up(&bytes, covariates, sizeof(chronos2_covariate));
  c2_sum_up(&bytes, values, sizeof(double));
  return bytes;
}

static c2_status allocate(const chronos2_series *series, size_t count, size_t horizon, c2_encoded *out, c2_error *err) {
  size_t covariates = 0;
  size_t values = 0;
  count_all(series, count, horizon, &covariates, &values);
  C2_TRY(c2_alloc_array(count, sizeof *out->series, &out->series, err));
  C2_TRY(c2_alloc_array(covariates, sizeof *out->covariate, &out->covariate, err));
  C2_TRY(c2_alloc_array(values, sizeof *out->values, &out->values, err));
  out->bytes = c2_encoded_bytes(series, count, horizon);
  return C2_OK;
}

c2_status c2_encode_categories(const chronos2_series *series, size_t count, size_t horizon, c2_encoded *out,
                               c2_error *err) {
  dictionary d = {0};
  memset(out, 0, sizeof *out);
  C2_TRY(allocate(series, count, horizon, out, err));
  c2_status status = ordinal_dictionary(series, count, &d, err);
  chronos2_covariate *covariate = out->covariate;
  double *values = out->values;
  for (size_t i = 0; status == C2_OK && i < count; i++) {
    out->series[i] = series[i];
    if (!is_categorical(&series[i])) continue;
    out->series[i].covariate = covariate;
    for (size_t k = 0; status == C2_OK && k < series[i].covariates; k++) {
      status = encode(&series[i], k, horizon, &d, covariate++, &values, err);
    }
  }
  free(d.label);
  return status;
}

void c2_encoded_free(c2_encoded *encoded) {
  free(encoded->series);
  free(encoded->covariate);
  free(encoded->values);
  memset(encoded, 0, sizeof *encoded);
}
