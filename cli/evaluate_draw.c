/* `chronos2 evaluate --report`: scores, coverage and forecasts as a page. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/draw.h"
#include "cli/evaluate.h"
#include "data/series.h"
#include "page/page.h"

enum { LEAST_PAST = 96, MOST_STEPS = 2000, MOST_NUMBERS = 4 << 20 };

/* A member for each forecaster. */
static void put_each(c2_json_writer *w, const char *key, const evaluate_request *r, size_t row) {
  c2_json_begin_object(w, key);
  for (int who = 0; who < C2_FORECASTERS; who++) {
    if (!r->scored[who]) continue;
    const double *score = row == SIZE_MAX ? r->overall[who] : r->row_score[who] + row * C2_METRICS;
    c2_json_put_numbers(w, evaluate_forecaster((c2_forecaster)who), score, C2_METRICS);
  }
  c2_json_end_object(w);
}

static void put_coverage(c2_json_writer *w, const c2_coverage *c, const double *levels, const char *who) {
  c2_json_begin_object(w, who);
  c2_json_begin_array(w, "levels");
  for (size_t q = 0; q < c->levels; q++) {
    c2_json_begin_object(w, NULL);
    c2_json_put_number(w, "level", levels[q]);
    c2_json_put_number(w, "share", c2_coverage_share(c, c->at_most + q * c->horizon, 0, c->horizon));
    c2_json_end_object(w);
  }
  c2_json_end_array(w);
  c2_json_begin_array(w, "bands");
  for (size_t b = 0; b < c->bands; b++) {
    const size_t *counts = c->within + b * c->horizon;
    c2_json_begin_object(w, NULL);
    c2_json_put_number(w, "expected", c->band[b].share);
    c2_json_put_number(w, "share", c2_coverage_share(c, counts, 0, c->horizon));
    c2_json_begin_array(w, "steps");
    for (size_t s = 0; s < c->horizon; s++) c2_json_put_number(w, NULL, c2_coverage_share(c, counts, s, s + 1));
    c2_json_end_array(w);
    c2_json_end_object(w);
  }
  c2_json_end_array(w);
  c2_json_end_object(w);
}

static void put_head(c2_json_writer *w, const evaluate_request *r) {
  c2_json_begin_object(w, "facts");
  c2_json_put_text(w, "Input", r->summary);
  c2_json_put_text(w, "Windows", r->plan);
  c2_json_put_text(w, "Model", r->model_name);
  c2_json_put_whole(w, "Forecasts", r->e.num_forecasts);
  if (r->against) c2_json_put_text(w, "Against", r->against);
  c2_json_put_text(w, "Program", chronos2_version());
  c2_json_end_object(w);
  c2_json_put_numbers(w, "levels", r->levels, r->level_count);
  c2_json_begin_array(w, "metrics");
  for (int m = 0; m < C2_METRICS; m++) c2_json_put_text(w, NULL, c2_metric_name((c2_metric)m));
  c2_json_end_array(w);
  put_each(w, "overall", r, SIZE_MAX);
  c2_json_begin_object(w, "coverage");
  for (int who = 0; who < C2_FORECASTERS; who++) {
    if (who == C2_BY_NAIVE || !r->scored[who]) continue;
    put_coverage(w, &r->coverage[who], r->levels, evaluate_forecaster((c2_forecaster)who));
  }
  c2_json_end_object(w);
}

/* ---- Series ------------------------------------------------------------------------------------- */

/* Where a unit is in a window; false if it isn't. */
static bool find_unit(const c2_window *w, size_t unit, size_t *at) {
  for (size_t i = 0; i < w->count; i++) {
    *at = i;
    if (w->unit[i] == unit) return true;
  }
  return false;
}

/* A fan of the model's; `from`: the step of the history at which the page begins. */
static c2_status put_fan(c2_json_writer *w, const evaluate_request *r, size_t window, size_t at, size_t target,
                         size_t from, c2_error *err) {
  double *values = NULL;
  const chronos2_forecast *f = r->e.forecast[window];
  C2_TRY(c2_alloc_array(r->horizon * r->level_count, sizeof *values, &values, err));
  c2_status status = c2_api(chronos2_forecast_at_levels(f, at, target, r->levels, r->level_count, values), err);
  if (status != C2_OK) {
    free(values);
    return status;
  }
  c2_json_begin_object(w, NULL);
  c2_json_put_whole(w, "from", r->e.window[window].length[at] - from);
  w->digits = cli_draw_fan_digits(values, r->horizon, r->level_count, w->digits);
  cli_draw_fan(w, chronos2_forecast_median(f, at, target), values, r->horizon, r->level_count);
  c2_json_end_object(w);
  free(values);
  return C2_OK;
}

/* Fans of windows that don't overlap, the last one first. `early` counts those before what is drawn. */
static c2_status put_fans(c2_json_writer *w, const evaluate_request *r, size_t unit, size_t target, size_t from,
                          size_t *early, c2_error *err) {
  size_t end = SIZE_MAX; /* of what is free */
  size_t at = 0;
  c2_json_begin_array(w, "fans");
  for (size_t i = r->e.windows; i-- > 0;) {
    if (!find_unit(&r->e.window[i], unit, &at)) continue;
    size_t begin = r->e.window[i].length[at];
    *early += begin < from;
    if (begin < from || begin + r->horizon > end) continue;
    end = begin;
    C2_TRY(put_fan(w, r, i, at, target, from, err));
  }
  c2_json_end_array(w);
  return C2_OK;
}

static c2_status put_row(c2_json_writer *w, const evaluate_request *r, size_t row, size_t *numbers, size_t *early,
                         c2_error *err) {
  size_t unit = row / r->e.data.targets;
  size_t target = row % r->e.data.targets;
  const c2_item *item = r->e.data.unit[unit].item;
  size_t span = r->horizon + (r->windows - 1) * r->stride + c2_max_size(LEAST_PAST, 4 * r->horizon);
  size_t shown = c2_min_size(item->length, c2_min_size(span, MOST_STEPS));
  size_t from = item->length - shown;
  c2_json_begin_object(w, NULL);
  c2_json_put_text(w, "id", item->id);
  c2_json_put_text(w, "target", r->e.data.targets > 1 ? item->target_names[target] : "");
  put_each(w, "scores", r, row);
  if (*numbers < MOST_NUMBERS) {
    C2_TRY(cli_draw_stamps(w, item, from, shown, err));
    const double *past = item->target + target * item->length + from;
    w->digits = cli_draw_digits(past, shown, C2_PAGE_DIGITS);
    C2_TRY(put_fans(w, r, unit, target, from, early, err)); /* may raise the digits, also of the truth beside */
    c2_json_put_numbers(w, "past", past, shown);
    w->digits = C2_PAGE_DIGITS;
    *numbers += 2 * shown + r->windows * r->horizon * (1 + r->level_count);
  }
  c2_json_end_object(w);
  return C2_OK;
}

static c2_status put_series(c2_json_writer *w, const evaluate_request *r, c2_error *err) {
  size_t numbers = 0;
  size_t drawn = 0;
  size_t early = 0;
  c2_json_begin_array(w, "series");
  for (size_t row = 0; row < r->rows; row++) {
    drawn += numbers < MOST_NUMBERS;
    C2_TRY(put_row(w, r, row, &numbers, &early, err));
  }
  c2_json_end_array(w);
  if (drawn < r->rows) {
    cli_warn("%s draws the first %zu of %zu %s; it has the scores of all", r->report, drawn, r->rows,
             cli_draw_name(r->rows, r->e.data.units));
  }
  if (early > 0) {
    cli_warn("%s draws the last %d steps of a series: %zu of the forecasts begin%s before them; it has the scores of "
             "all", r->report, MOST_STEPS, early, early == 1 ? "s" : "");
  }
  return cli_draw_warnings(w, err);
}

/* ---- The page ------------------------------------------------------------------------------------ */

/* What those read who run no scripts. */
static void put_summary(FILE *out, const evaluate_request *r) {
  const c2_coverage *c = &r->coverage[C2_BY_MODEL];
  double ratio = r->overall[C2_BY_MODEL][C2_MASE] / r->overall[C2_BY_NAIVE][C2_MASE];
  (void)fputs("<p class=\"plain\">", out);
  if (isfinite(ratio)) {
    (void)fprintf(out, "The model's error is %.0f%% %s than that of seasonal naive (MASE %.4g against %.4g). ",
                  100 * fabs(ratio - 1), ratio < 1 ? "smaller" : "larger", r->overall[C2_BY_MODEL][C2_MASE],
                  r->overall[C2_BY_NAIVE][C2_MASE]);
  }
  if (c->bands > 0) {
    (void)fprintf(out, "%.1f%% of the observed values lie within the %.10g%% band.",
                  100 * c2_coverage_share(c, c->within, 0, c->horizon), 100 * c->band[0].share);
  }
  (void)fputs("</p>\n<p class=\"note\">", out);
  c2_page_text(out, r->summary);
  (void)fputs("; ", out);
  c2_page_text(out, r->plan);
  (void)fputs(".</p>\n", out);
}

c2_status evaluate_draw(const evaluate_request *r, FILE *out, c2_error *err) {
  static const c2_page_kind kind = {"Evaluation", "How good the forecasts are", c2_page_evaluate_js};
  c2_page page;
  c2_page_begin(&page, out, &kind);
  put_summary(out, r);
  c2_page_data(&page);
  c2_json_begin_object(&page.json, NULL);
  put_head(&page.json, r);
  C2_TRY(put_series(&page.json, r, err));
  c2_json_end_object(&page.json);
  return c2_page_end(&page, r->report, err);
}
