/* Reads values of any type, at any stride, under a validity bitmap. */
#include "series/column.h"

#include <math.h>

#include "base/memory.h"

static chronos2_column plain(const double *values) {
  return (chronos2_column){.values = values};
}

chronos2_column c2_target_column(const chronos2_series *s, size_t target) {
  if (s->target_column) return s->target_column[target];
  return plain(s->target ? s->target + target * s->length : NULL);
}

chronos2_column c2_past_column(const chronos2_covariate *c) {
  return c->past_column ? *c->past_column : plain(c->past);
}

chronos2_column c2_future_column(const chronos2_covariate *c) {
  return c->future_column ? *c->future_column : plain(c->future);
}

bool c2_column_is_plain(const chronos2_column *c) {
  return c->type == CHRONOS2_FLOAT64 && (c->stride == 0 || c->stride == 1) && !c->validity;
}

const double *c2_column_doubles(const chronos2_column *c) {
  return c2_column_is_plain(c) ? c->values : NULL;
}

double c2_column_value(const chronos2_column *c, size_t i) {
  ptrdiff_t at = (ptrdiff_t)i * (c->stride ? c->stride : 1);
  size_t bit = c->validity_offset + i;
  if (c->validity && !(c->validity[bit / 8] >> bit % 8 & 1)) return (double)NAN;
  return c->type == CHRONOS2_FLOAT32 ? (double)((const float *)c->values)[at] : ((const double *)c->values)[at];
}

void c2_column_read(const chronos2_column *c, size_t first, size_t count, double *out) {
  for (size_t i = 0; i < count; i++) out[i] = c2_column_value(c, first + i);
}

c2_status c2_column_check_form(const chronos2_column *c, size_t series, const char *what, c2_error *err) {
  if (c->type != CHRONOS2_FLOAT64 && c->type != CHRONOS2_FLOAT32) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: %s: unknown type %d", series, what, (int)c->type);
  }
  if (!c2_all_zero(c->reserved, sizeof c->reserved)) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "series %zu: %s: expected reserved fields to be 0", series, what);
  }
  return C2_OK;
}

c2_status c2_column_check(const chronos2_column *c, size_t count, size_t series, const char *what, c2_error *err) {
  C2_TRY(c2_column_check_form(c, series, what, err));
  if (count > 0 && !c->values) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: %s: expected %zu values, found NULL", series, what, count);
  }
  for (size_t i = 0; i < count; i++) {
    if (isinf(c2_column_value(c, i))) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: %s: value %zu is infinite; a missing value is NaN", series, what, i);
    }
  }
  return C2_OK;
}
