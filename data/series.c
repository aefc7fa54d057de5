#include "data/series.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

chronos2_series c2_series_of(const c2_item *item, chronos2_covariate **next) {
  chronos2_series series = {.length = item->length,
                            .targets = item->targets,
                            .target = item->target,
                            .covariates = item->covariates,
                            .covariate = *next};
  for (size_t c = 0; c < item->covariates; c++) {
    const c2_covariate *from = &item->covariate[c];
    *(*next)++ = (chronos2_covariate){.name = from->name,
                                      .past = from->past,
                                      .future = from->future,
                                      .past_text = from->past_text,
                                      .future_text = from->future_text};
  }
  return series;
}

bool c2_series_is_ranked(const c2_item *item) {
  bool any = false;
  for (size_t c = 0; c < item->covariates; c++) any = any || item->covariate[c].is_text;
  return any && item->targets > 1;
}

/* Where the digits of a series' number begin in a message; NULL: it has none. */
static const char *find_number(const char *message) {
  static const char before[] = "series ";
  const char *at = message;
  while ((at = strstr(at, before))) {
    bool is_word = at == message || at[-1] == ' ';
    at += sizeof before - 1;
    if (is_word && *at >= '0' && *at <= '9') break;
  }
  return at;
}

size_t c2_series_number(const char *message) {
  const char *at = find_number(message);
  return at ? (size_t)strtoull(at, NULL, 10) : SIZE_MAX;
}

c2_status c2_series_fail(chronos2_status status, const char *message, const c2_item *item, c2_error *err) {
  const char *at = item ? find_number(message) : NULL;
  if (!at) return c2_fail(err, (c2_status)status, "%s", message);
  return c2_fail(err, (c2_status)status, "%.*s'%.80s'%s", (int)(at - message), message, item->id,
                 at + strspn(at, "0123456789"));
}

bool c2_varies(const double *values, size_t count) {
  double first = (double)NAN;
  for (size_t i = 0; i < count; i++) {
    if (isnan(first)) first = values[i];
    if (!isnan(values[i]) && values[i] != first) return true;
  }
  return false;
}
