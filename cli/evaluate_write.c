/* What `chronos2 evaluate` prints, and its CSV files. */
#include <math.h>

#include "cli/evaluate.h"
#include "data/csv.h"

enum { MOST_DECIMALS = 8 };

/* ---- The table --------------------------------------------------------------------------------- */

/* A number that is not 0 isn't printed as 0.000, but for a share. */
static void print_value(FILE *out, int width, int decimals, const char *unit, double value) {
  char text[40] = "-";
  if (isfinite(value)) {
    bool is_tiny = !*unit && value != 0 && fabs(value) < 0.5 * pow(10, -decimals);
    bool is_short = fabs(value) < 1e12 && decimals <= MOST_DECIMALS && !is_tiny;
    (void)snprintf(text, sizeof text, is_short ? "%.*f%s" : "%.*e%s", is_short ? decimals : 4, value, unit);
  }
  (void)fprintf(out, " %*s", width, text);
}

/* Decimals that give the larger one of a row five digits, or three at least; beyond MOST_DECIMALS: exponents do. */
static int decimals_of(double a, double b) {
  double most = fmax(isfinite(a) ? fabs(a) : 0, isfinite(b) ? fabs(b) : 0);
  int before = most > 0 ? (int)floor(log10(most)) : 0;
  return before > 4 ? 0 : before < -6 ? MOST_DECIMALS + 1 : before < -4 ? MOST_DECIMALS : 4 - before;
}

static void print_scores(const evaluate_request *r, FILE *out) {
  bool other = r->scored[C2_BY_OTHER];
  (void)fprintf(out, "%-6s %14s %14s %10s%s\n", "metric", "model", "seasonal naive", "ratio",
                other ? "        against      ratio" : "");
  for (int m = 0; m < C2_METRICS; m++) {
    double naive = r->overall[C2_BY_NAIVE][m];
    (void)fprintf(out, "%-6s", c2_metric_name((c2_metric)m));
    int decimals = decimals_of(naive, r->overall[C2_BY_MODEL][m]);
    print_value(out, 14, decimals, "", r->overall[C2_BY_MODEL][m]);
    print_value(out, 14, decimals, "", naive);
    print_value(out, 10, 3, "", r->overall[C2_BY_MODEL][m] / naive);
    if (other) {
      print_value(out, 14, decimals, "", r->overall[C2_BY_OTHER][m]);
      print_value(out, 10, 3, "", r->overall[C2_BY_OTHER][m] / naive);
    }
    (void)fputc('\n', out);
  }
}

static double band_share(const c2_coverage *c, size_t band, size_t from, size_t to) {
  return c2_coverage_share(c, c->within + band * c->horizon, from, to);
}

/* How often the truth lies in each band, over all steps and in the first and last third of the horizon. */
static void print_bands(const evaluate_request *r, FILE *out) {
  for (int who = 0; who < C2_FORECASTERS; who++) {
    const c2_coverage *c = &r->coverage[who];
    if (who == C2_BY_NAIVE || !r->scored[who] || c->bands == 0) continue;
    size_t third = (c->horizon + 2) / 3;
    (void)fprintf(out, "\n%s: truth within %11s %12s %12s\n", evaluate_forecaster((c2_forecaster)who), "all steps",
                  "first third", "last third");
    for (size_t b = 0; b < c->bands; b++) {
      (void)fprintf(out, "%5.10g%% band  ", 100 * c->band[b].share);
      print_value(out, 15, 1, "%", 100 * band_share(c, b, 0, c->horizon));
      print_value(out, 12, 1, "%", 100 * band_share(c, b, 0, third));
      print_value(out, 12, 1, "%", 100 * band_share(c, b, c->horizon - third, c->horizon));
      (void)fputc('\n', out);
    }
  }
}

void evaluate_print(const evaluate_request *r, FILE *out) {
  print_scores(r, out);
  print_bands(r, out);
  (void)fprintf(out, "\n%zu forecasts of %zu series; a ratio below 1: the error is smaller than seasonal naive's\n",
                r->e.num_forecasts, r->rows);
}

/* ---- CSV ---------------------------------------------------------------------------------------- */

/* Empty where there is none. */
static void put_number(FILE *out, double value) {
  (void)fputc(',', out);
  if (!isnan(value)) cli_print_double(out, value, 17);
}

static void put_scores(FILE *out, const double *score) {
  for (size_t m = 0; m < C2_METRICS; m++) put_number(out, score[m]);
  (void)fputc('\n', out);
}

c2_status evaluate_write_scores(const evaluate_request *r, FILE *out, c2_error *err) {
  (void)err;
  c2_csv_write(out, c2_id_name(r->in.id_column));
  (void)fputs(",target_name,forecaster,forecasts", out);
  for (int m = 0; m < C2_METRICS; m++) (void)fprintf(out, ",%s", c2_metric_name((c2_metric)m));
  (void)fputc('\n', out);
  for (int who = 0; who < C2_FORECASTERS; who++) {
    if (!r->scored[who]) continue;
    (void)fprintf(out, ",,%s,%zu", evaluate_forecaster((c2_forecaster)who), r->e.num_forecasts);
    put_scores(out, r->overall[who]);
  }
  for (size_t row = 0; row < r->rows; row++) {
    const c2_item *item = r->e.data.unit[row / r->e.data.targets].item;
    for (int who = 0; who < C2_FORECASTERS; who++) {
      if (!r->scored[who]) continue;
      c2_csv_write(out, item->id);
      (void)fputc(',', out);
      c2_csv_write(out, item->target_names[row % r->e.data.targets]);
      (void)fprintf(out, ",%s,%zu", evaluate_forecaster((c2_forecaster)who), r->count[row]);
      put_scores(out, r->row_score[who] + row * C2_METRICS);
    }
  }
  return C2_OK;
}

/* A line for all steps and one a step. */
static void put_shares(const c2_coverage *c, const size_t *counts, const char *who, double low, double high,
                       FILE *out) {
  for (size_t s = 0; s <= c->horizon; s++) {
    size_t observed = 0;
    for (size_t k = s ? s - 1 : 0; k < (s ? s : c->horizon); k++) observed += c->observed[k];
    (void)fputs(who, out);
    put_number(out, low);
    put_number(out, high);
    (void)fputc(',', out);
    if (s) (void)fprintf(out, "%zu", s);
    (void)fprintf(out, ",%zu", observed);
    put_number(out, c2_coverage_share(c, counts, s ? s - 1 : 0, s ? s : c->horizon));
    (void)fputc('\n', out);
  }
}

c2_status evaluate_write_calibration(const evaluate_request *r, FILE *out, c2_error *err) {
  (void)err;
  (void)fputs("forecaster,lower,upper,step,observed,share\n", out);
  for (int k = 0; k < C2_FORECASTERS; k++) {
    const c2_coverage *c = &r->coverage[k];
    const char *who = evaluate_forecaster((c2_forecaster)k);
    for (size_t q = 0; q < c->levels; q++) {
      put_shares(c, c->at_most + q * c->horizon, who, (double)NAN, r->levels[q], out);
    }
    for (size_t b = 0; b < c->bands; b++) {
      put_shares(c, c->within + b * c->horizon, who, r->levels[c->band[b].low], r->levels[c->band[b].high], out);
    }
  }
  return C2_OK;
}

/* Series i of a window, with its last known time stamp. */
static c2_status put_forecast(const evaluate_request *r, size_t window, size_t i, const c2_scored *scored, FILE *out,
                              c2_error *err) {
  const c2_window *w = &r->e.window[window];
  const c2_item *item = r->e.data.unit[w->unit[i]].item;
  char cutoff[C2_TIME_ROOM];
  char stamp[C2_TIME_ROOM];
  c2_time time = 0;
  C2_TRY(evaluate_stamp(r, w, i, -1, cutoff, &time, err));
  for (size_t k = 0; k < w->targets * w->horizon; k++) {
    C2_TRY(evaluate_stamp(r, w, i, (int64_t)(k % w->horizon), stamp, &time, err));
    c2_csv_write(out, item->id);
    (void)fprintf(out, ",%s,", stamp);
    c2_csv_write(out, item->target_names[k / w->horizon]);
    (void)fprintf(out, ",%s", cutoff);
    put_number(out, scored->point[k]);
    for (size_t q = 0; q < r->level_count; q++) put_number(out, scored->quantiles[k * r->level_count + q]);
    (void)fputc('\n', out);
  }
  return C2_OK;
}

c2_status evaluate_write_forecasts(const evaluate_request *r, FILE *out, c2_error *err) {
  c2_csv_write(out, c2_id_name(r->in.id_column));
  (void)fputc(',', out);
  c2_csv_write(out, c2_stamp_name(r->in.timestamp_column));
  (void)fputs(",target_name,cutoff,predictions", out);
  for (size_t q = 0; q < r->level_count; q++) put_number(out, r->levels[q]);
  (void)fputc('\n', out);
  for (size_t i = 0; i < r->e.windows; i++) {
    c2_pool pool = {.chunk = NULL};
    c2_scored *scored = NULL;
    c2_status status = c2_evaluation_collect(&r->e, i, C2_BY_MODEL, &pool, &scored, err);
    for (size_t k = 0; status == C2_OK && k < r->e.window[i].count; k++) {
      status = put_forecast(r, i, k, &scored[k], out, err);
    }
    c2_pool_free(&pool);
    C2_TRY(status);
  }
  return C2_OK;
}
