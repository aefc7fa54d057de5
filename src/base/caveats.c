/* Caveats of models and series, as lines. */
#include "base/caveats.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

C2_PRINTF(2, 3) static void write_line(char out[C2_CAVEAT_ROOM], const char *format, ...) {
  va_list args;
  va_start(args, format);
  c2_text_format(out, C2_CAVEAT_ROOM, format, args);
  va_end(args);
}

/* ---- Of the model ---------------------------------------------------------------------------- */

void c2_caveat_horizon(size_t horizon, size_t once, const char *effect, char out[C2_CAVEAT_ROOM]) {
  out[0] = '\0';
  if (horizon <= once) return;
  write_line(out, "horizon %zu is beyond the %zu steps that the model forecasts at once: %s", horizon, once, effect);
}

void c2_caveat_context(size_t context_length, size_t trained, bool is_cut, char out[C2_CAVEAT_ROOM]) {
  out[0] = '\0';
  if (context_length <= trained) return;
  write_line(out, "context length %zu is beyond the %zu steps that the model was trained for%s", context_length,
             trained, is_cut ? ": it is cut to them" : "");
}

void c2_caveat_levels(const double *levels, size_t count, const double *trained, size_t trained_count,
                      char out[C2_CAVEAT_ROOM]) {
  double least = trained[0];
  double most = trained[trained_count - 1];
  char ends[2][C2_FLOAT_ROOM];
  char outside[160] = "";
  char more[32] = "";
  size_t used = 0;
  size_t left_out = 0;
  for (size_t i = 0; i < count; i++) {
    char level[C2_FLOAT_ROOM];
    if (levels[i] >= least && levels[i] <= most) continue;
    c2_double_text(level, levels[i], C2_USUAL_DIGITS);
    bool fits = left_out == 0 && used + C2_FLOAT_ROOM < sizeof outside;
    left_out += !fits;
    if (fits) used += (size_t)snprintf(outside + used, sizeof outside - used, "%s%s", used ? ", " : "", level);
  }
  out[0] = '\0';
  if (!used) return;
  c2_double_text(ends[0], least, C2_USUAL_DIGITS);
  c2_double_text(ends[1], most, C2_USUAL_DIGITS);
  if (left_out > 0) (void)snprintf(more, sizeof more, " and %zu more", left_out);
  write_line(out, "quantile levels outside the trained ones, %s to %s, take the values of the nearest of those: %s%s",
             ends[0], ends[1], outside, more);
}

/* ---- Of the request -------------------------------------------------------------------------- */

void c2_caveat_passes(const c2_passes *p, const char *option, char out[C2_CAVEAT_ROOM]) {
  out[0] = '\0';
  if (p->passes < 2) return;
  write_line(out, "%zu rows are more than %s %zu: series inform each other within %zu passes only%s", p->all, option,
             p->most, p->passes, p->passes == p->series ? ", of one series each" : "");
}

/* ---- Of the series --------------------------------------------------------------------------- */

static bool is_one(c2_caveat_of of) {
  return of.count == 1;
}

static const char *plural(c2_caveat_of of) {
  return is_one(of) || strcmp(of.noun, "series") == 0 ? "" : "s";
}

void c2_caveat_empty(c2_caveat_of of, char out[C2_CAVEAT_ROOM]) {
  out[0] = '\0';
  if (of.count == 0) return;
  write_line(out, "%zu %s%s, '%.80s' the first, hold%s no observed value", of.count, of.noun, plural(of), of.first,
             is_one(of) ? "s" : "");
}

void c2_caveat_blank(c2_caveat_of of, const char *covariate, char out[C2_CAVEAT_ROOM]) {
  out[0] = '\0';
  if (of.count == 0) return;
  write_line(out,
             "%zu %s%s, '%.80s' the first, ha%s a covariate without an observed value in the past, '%.60s' the first: "
             "its effect is unknown",
             of.count, of.noun, plural(of), of.first, is_one(of) ? "s" : "ve", covariate);
}

void c2_caveat_open(c2_caveat_of of, size_t longest, const char *hint, char out[C2_CAVEAT_ROOM]) {
  out[0] = '\0';
  if (of.count == 0) return;
  write_line(out,
             "%zu %s%s, '%.80s' the first, end%s in missing targets, for %zu step%s%s: the forecast begins after the "
             "last row, not after the last observation%s",
             of.count, of.noun, plural(of), of.first, is_one(of) ? "s" : "", longest, longest == 1 ? "" : "s",
             is_one(of) ? "" : " at most", hint);
}

void c2_caveat_truths(const char *column, char out[C2_CAVEAT_ROOM]) {
  write_line(out, "column '%.60s': numbers in the past, booleans in the known future: True counts as 1, False as 0",
             column);
}

void c2_caveat_mixed(const char *column, const char *text, const char *place, char out[C2_CAVEAT_ROOM]) {
  write_line(out, "column '%.60s' is read as categories: '%.40s'%.200s is no number", column, text, place);
}

void c2_caveat_between(size_t rows, const char *freq, bool is_next, char out[C2_CAVEAT_ROOM]) {
  out[0] = '\0';
  if (rows == 0) return;
  write_line(out, "%zu row%s between the points of %s: each counts for the point at or %s it", rows,
             rows == 1 ? " lies" : "s lie", freq, is_next ? "after" : "before");
}

void c2_caveat_unclear(const char *id, const char *zone, const char *stamp, char out[C2_CAVEAT_ROOM]) {
  write_line(out, "item '%.80s': the clock of %.60s leaves out or shows twice the time of a step, which is %s here", id,
             zone, stamp);
}

void c2_caveat_unknown(size_t values, const char *covariate, const char *id, char out[C2_CAVEAT_ROOM]) {
  bool one = values == 1;
  out[0] = '\0';
  if (values == 0) return;
  write_line(out,
             "%zu value%s of known futures, the first in column '%.60s' of '%.80s', %s missing and count%s as unknown",
             values, one ? "" : "s", covariate, id, one ? "is" : "are", one ? "s" : "");
}

void c2_caveat_coarse(c2_caveat_of of, const char *by, const char *remedy, char out[C2_CAVEAT_ROOM]) {
  out[0] = '\0';
  if (of.count == 0) return;
  write_line(out, "%zu %s%s, '%.80s' the first, var%s so little around %s level that %s rounds the bands%s",
             of.count, of.noun, plural(of), of.first, is_one(of) ? "ies" : "y", is_one(of) ? "its" : "their", by,
             remedy);
}

bool c2_float_is_coarse(const double *values, size_t stride, size_t count) {
  double low = (double)INFINITY;
  double high = -(double)INFINITY;
  for (size_t i = 0; i < count; i++) {
    low = fmin(low, values[i * stride]);
    high = fmax(high, values[i * stride]);
  }
  float level = (float)fmax(fabs(low), fabs(high));
  return low < high && level <= FLT_MAX && high - low <= 100 * (double)(nextafterf(level, INFINITY) - level);
}
