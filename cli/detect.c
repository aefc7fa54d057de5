/* `chronos2 detect`: each observation of a history beside what was to be expected before it came. */
#include "cli/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/outputs.h"
#include "data/series.h"
#include "data/unseen.h"
#include "study/statistics/conformal.h"

enum { WARMUP = 32, MOST_HORIZON = 1 << 16, ORIGINS = 512 /* of a call */, LEVELS = 5 };

/* ---- Forecasts ---------------------------------------------------------------------------------- */

/* Origins of as many series as there are, which one call forecasts. */
typedef struct batch {
  chronos2_series series[ORIGINS]; /* what came before an origin: views of an item's columns */
  detect_row *rows[ORIGINS];       /* of the item */
  size_t origin[ORIGINS];
  size_t count;
  size_t steps, total; /* that are forecast, and are to be */
  double *values;      /* [horizon][LEVELS] */
  c2_pool pool;        /* of the views */
} batch;

/* The steps from an origin on, `known` of which there are: more than those are missing. */
static c2_status know_ahead(batch *b, const c2_covariate *from, size_t origin, size_t known, size_t horizon,
                            chronos2_covariate *out, c2_error *err) {
  if (from->is_text) {
    char **text = NULL;
    out->future_text = from->past_text + origin;
    if (known == horizon) return C2_OK;
    C2_TRY(c2_pool_alloc(&b->pool, horizon, sizeof *text, &text, err));
    memcpy(text, out->future_text, known * sizeof *text);
    out->future_text = (const char *const *)text;
    return C2_OK;
  }
  double *number = NULL;
  out->future = from->past + origin;
  if (known == horizon) return C2_OK;
  C2_TRY(c2_pool_alloc(&b->pool, horizon, sizeof *number, &number, err));
  for (size_t s = 0; s < horizon; s++) number[s] = s < known ? out->future[s] : (double)NAN;
  out->future = number;
  return C2_OK;
}

static c2_status add_origin(batch *b, detect_row *rows, size_t origin, size_t horizon, c2_error *err) {
  const c2_item *item = rows->item;
  size_t known = c2_min_size(horizon, item->length - origin);
  chronos2_column *target = NULL;
  chronos2_covariate *covariate = NULL;
  C2_TRY(c2_pool_alloc(&b->pool, item->targets, sizeof *target, &target, err));
  C2_TRY(c2_pool_alloc(&b->pool, item->covariates, sizeof *covariate, &covariate, err));
  for (size_t t = 0; t < item->targets; t++) target[t] = (chronos2_column){.values = item->target + t * item->length};
  for (size_t c = 0; c < item->covariates; c++) {
    const c2_covariate *from = &item->covariate[c];
    covariate[c] = (chronos2_covariate){.name = from->name, .past = from->past, .past_text = from->past_text};
    C2_TRY(know_ahead(b, from, origin, known, horizon, &covariate[c], err));
  }
  b->series[b->count] = (chronos2_series){.length = origin,
                                          .targets = item->targets,
                                          .target_column = target,
                                          .covariates = item->covariates,
                                          .covariate = covariate};
  b->rows[b->count] = rows;
  b->origin[b->count++] = origin;
  return C2_OK;
}

/* Whether a target is observed in the context before an origin. */
static bool is_known(const detect_request *r, const detect_row *row, size_t origin) {
  size_t from = origin > r->context ? origin - r->context : 0;
  while (from < origin && isnan(detect_value(row, from))) from++;
  return from < origin;
}

/* What the k-th forecast says of the steps from its origin on. */
static c2_status take(const detect_request *r, const batch *b, const chronos2_forecast *f, size_t k, c2_error *err) {
  const double levels[LEVELS] = {0.1, 0.5, 0.9, (1 - r->coverage) / 2, (1 + r->coverage) / 2};
  detect_row *rows = b->rows[k];
  size_t end = c2_min_size(b->origin[k] + r->horizon, rows->item->length);
  for (size_t t = 0; t < rows->item->targets; t++) {
    const double *q = b->values;
    bool known = is_known(r, &rows[t], b->origin[k]);
    if (b->origin[k] < rows[t].first) continue; /* another target's */
    C2_TRY(c2_api(chronos2_forecast_at_levels(f, k, t, levels, LEVELS, b->values), err));
    for (size_t step = b->origin[k]; step < end; step++, q += LEVELS) {
      bool judged = known && step >= rows[t].judged_from;
      rows[t].point[step - rows[t].first] = (detect_point){.low = q[0],
                                                           .expected = judged ? q[1] : (double)NAN,
                                                           .high = q[2],
                                                           .own_lower = q[3],
                                                           .own_upper = q[4],
                                                           .lower = (double)NAN,
                                                           .upper = (double)NAN,
                                                           .score = (double)NAN};
    }
  }
  return C2_OK;
}

static c2_status forecast_batch(const detect_request *r, chronos2_session *session, batch *b, c2_error *err) {
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT,
                                      .horizon = r->horizon,
                                      .context_length = r->engine.context_length,
                                      .batch_size = r->engine.batch_size,
                                      .extend_context = true,
                                      .monotone = true}; /* a band whose ends cross has no sides */
  chronos2_forecast *forecast = NULL;
  c2_status status = C2_OK;
  if (b->count == 0) return C2_OK;
  chronos2_status done = chronos2_predict(session, b->series, b->count, &options, &forecast);
  if (done != CHRONOS2_OK) {
    size_t series = c2_series_number(chronos2_last_error());
    const char *id = series < b->count ? b->rows[series]->item->id : NULL;
    C2_GOTO(c2_series_fail(err, (c2_status)done, chronos2_last_error(), id));
  }
  for (size_t k = 0; k < b->count; k++) {
    C2_GOTO(take(r, b, forecast, k, err));
    b->steps += c2_min_size(r->horizon, b->rows[k]->item->length - b->origin[k]);
  }
  cli_progress("step", b->steps, b->total);
fail:
  chronos2_forecast_free(&forecast);
  c2_pool_free(&b->pool);
  b->count = 0;
  return status;
}

/* First origin of an item, whose targets' rows these are. */
static size_t first_origin(const detect_row *rows) {
  size_t first = rows->item->length;
  for (size_t t = 0; t < rows->item->targets; t++) first = c2_min_size(first, rows[t].first);
  return first;
}

static c2_status forecast_all(const detect_request *r, chronos2_session *session, batch *b, c2_error *err) {
  for (size_t i = 0; i < r->rows; i += r->row[i].item->targets) {
    b->total += r->row[i].item->length - first_origin(&r->row[i]);
  }
  for (size_t i = 0; i < r->rows; i += r->row[i].item->targets) {
    detect_row *rows = &r->row[i];
    size_t most = c2_series_is_ranked(rows->item) ? 1 : ORIGINS;
    for (size_t origin = first_origin(rows); origin < rows->item->length; origin += r->horizon) {
      if (b->count >= most) C2_TRY(forecast_batch(r, session, b, err));
      C2_TRY(add_origin(b, rows, origin, r->horizon, err));
      if (b->count >= most) C2_TRY(forecast_batch(r, session, b, err));
    }
  }
  return forecast_batch(r, session, b, err);
}

static c2_status forecast(const detect_request *r, chronos2_session *session, c2_error *err) {
  batch *b = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *b, &b, err));
  c2_status status = c2_alloc_array(r->horizon, LEVELS * sizeof *b->values, &b->values, err);
  if (status == C2_OK) status = forecast_all(r, session, b, err);
  c2_pool_free(&b->pool);
  free(b->values);
  free(b);
  return status;
}

/* ---- Bands --------------------------------------------------------------------------------------- */

/* Distance of an observation from what was expected, in the model's own spread on that side: comparable between steps
 * and series. */
static double spread_of(const detect_point *p, double value) {
  double distance = fabs(value - p->expected);
  double half = value > p->expected ? p->high - p->expected : p->expected - p->low;
  if (distance == 0) return 0;
  return half > 0 ? distance / half : (double)INFINITY;
}

/* `wide`: how many spreads the band holds on each side; NAN: the model's own band. */
static void set_band(detect_point *p, double value, double wide) {
  p->lower = isnan(wide) ? p->own_lower : p->expected - wide * (p->expected - p->low);
  p->upper = isnan(wide) ? p->own_upper : p->expected + wide * (p->high - p->expected);
  if (isinf(wide)) { /* of a spread of 0, too */
    p->lower = -(double)INFINITY;
    p->upper = (double)INFINITY;
  }
  double half = value > p->expected ? p->upper - p->expected : p->expected - p->lower;
  double distance = value - p->expected;
  p->score = distance == 0 ? 0 : half > 0 ? distance / half + 0 : copysign((double)INFINITY, distance); /* no -0 */
}

/* Each step's band by what came before its origin, or by all other steps of all series where that is too little. */
static c2_status judge_row(detect_request *r, detect_row *row, const c2_conformal *pool, c2_error *err) {
  c2_conformal own = {.count = 0};
  size_t told = detect_first_told(r, row);
  c2_status status = C2_OK;
  for (size_t first = row->first; first < row->item->length; first += r->horizon) {
    size_t end = c2_min_size(first + r->horizon, row->item->length);
    C2_GOTO(c2_conformal_order(&own, err));
    double own_wide = c2_conformal_threshold(&own, r->coverage);
    for (size_t step = first; step < end; step++) {
      detect_point *p = &row->point[step - row->first];
      double value = detect_value(row, step);
      if (isnan(value)) continue;
      if (isnan(p->expected)) {
        r->groundless += step >= told;
        continue;
      }
      double spread = spread_of(p, value);
      double wide = isnan(own_wide) ? c2_conformal_threshold_of_others(pool, spread, r->coverage) : own_wide;
      set_band(p, value, wide);
      C2_GOTO(c2_conformal_add(&own, spread, err));
      if (step < told) continue;
      row->judged++;
      row->flags += detect_is_flagged(p);
      r->pooled += isnan(own_wide) && !isnan(wide);
      r->uncalibrated += isnan(wide) ? 1 : 0;
    }
  }
  r->judged += row->judged;
  r->flags += row->flags;
fail:
  c2_conformal_free(&own);
  return status;
}

static c2_status judge(detect_request *r, c2_error *err) {
  c2_conformal pool = {.count = 0};
  c2_status status = C2_OK;
  for (size_t i = 0; i < r->rows; i++) {
    for (size_t step = r->row[i].first; step < r->row[i].item->length; step++) {
      const detect_point *p = &r->row[i].point[step - r->row[i].first];
      double value = detect_value(&r->row[i], step);
      if (isnan(value) || isnan(p->expected)) continue;
      C2_GOTO(c2_conformal_add(&pool, spread_of(p, value), err));
    }
  }
  C2_GOTO(c2_conformal_order(&pool, err));
  for (size_t i = 0; i < r->rows; i++) C2_GOTO(judge_row(r, &r->row[i], &pool, err));
fail:
  c2_conformal_free(&pool);
  return status;
}

/* ---- Categories ------------------------------------------------------------------------------------ */

/* Those in steps that are told of, which no step before their forecast had. */
static c2_status count_unseen(const detect_request *r, const detect_row *rows, const c2_covariate *c,
                              c2_unseen_column *out, c2_error *err) {
  const c2_item *item = rows->item;
  size_t told = item->length;
  size_t index = 0;
  size_t past = 0;
  c2_status status = C2_OK;
  for (size_t t = 0; t < item->targets; t++) told = c2_min_size(told, detect_first_told(r, &rows[t]));
  for (size_t origin = first_origin(rows); origin < item->length; origin += r->horizon) {
    for (; past < origin; past++) {
      if (c->past_text[past]) C2_GOTO(c2_lookup_put(&out->past, c->past_text[past], &index, err));
    }
    for (size_t s = c2_max_size(origin, told); s < c2_min_size(origin + r->horizon, item->length); s++) {
      if (!c->past_text[s] || c2_lookup_find(&out->past, c->past_text[s], &index)) continue;
      if (out->values++ == 0) out->text = c->past_text[s];
    }
  }
fail:
  c2_lookup_free(&out->past);
  return status;
}

static c2_status tell_unseen(detect_request *r, c2_error *err) {
  c2_dataset *set = &r->in.set;
  c2_unseen all = {.first = NULL};
  size_t said = set->notes;
  c2_status status = C2_OK;
  for (size_t i = 0; i < r->rows; i += r->row[i].item->targets) {
    const c2_item *item = r->row[i].item;
    for (size_t k = 0; k < item->covariates; k++) {
      const c2_covariate *c = &item->covariate[k];
      c2_unseen_column column = {.item = item->id};
      const char *name = c->name;
      if (!c->is_text) continue;
      C2_GOTO(count_unseen(r, &r->row[i], c, &column, err));
      const c2_unseen one = {.columns = {.text = &name, .count = 1}, .column = &column};
      C2_GOTO(c2_unseen_add(&all, &one, set, err));
    }
  }
  C2_GOTO(c2_unseen_note(&all, set, err));
  for (; said < set->notes; said++) cli_warn("%s", set->note[said]);
fail:
  c2_unseen_free(&all);
  return status;
}

/* ---- What is said --------------------------------------------------------------------------------- */

static void tell(detect_request *r) {
  size_t least = c2_conformal_least(r->coverage);
  double share = r->judged ? (double)r->flags / (double)r->judged : 0;
  (void)snprintf(r->found, sizeof r->found,
                 "%zu of %zu observations lie outside their %.12g%% band (%.3g%%; %.3g%% by chance)", r->flags,
                 r->judged, 100 * r->coverage, 100 * share, 100 * (1 - r->coverage));
  cli_note("%s", r->found);
  size_t silent = 0;
  for (size_t i = 0; i < r->rows; i++) {
    const detect_row *row = &r->row[i];
    silent += row->judged == 0 && row->judged_from < row->item->length;
  }
  if (silent > 0) {
    cli_warn("%zu target%s ha%s no observation to judge%s", silent, silent == 1 ? "" : "s", silent == 1 ? "s" : "ve",
             r->last > 0 ? " among the last steps" : "");
  }
  if (r->groundless > 0) {
    cli_warn("%zu observation%s follow%s on a context without an observed value (%zu steps): not judged", r->groundless,
             r->groundless == 1 ? "" : "s", r->groundless == 1 ? "s" : "", r->context);
  }
  if (r->pooled > 0) {
    cli_warn("%zu observation%s ha%s fewer than %zu earlier one%s to be calibrated by: all other observations, "
             "later ones too, calibrate their bands",
             r->pooled, r->pooled == 1 ? "" : "s", r->pooled == 1 ? "s" : "ve", least, least == 1 ? "" : "s");
  }
  if (r->uncalibrated > 0) {
    cli_warn("%zu observation%s ha%s the model's own band, which is not calibrated, as that takes %zu of them%s",
             r->uncalibrated, r->uncalibrated == 1 ? "" : "s", r->uncalibrated == 1 ? "s" : "ve", least,
             r->coverage > 0.98 ? "; it is one of 98%" : "");
  }
}

/* ---- The command ------------------------------------------------------------------------------------ */

static c2_status check_options(void *request, c2_error *err) {
  static const char *const names[] = {"target_name", "value", "expected", "lower", "upper", "score", "flag"};
  detect_request *r = request;
  C2_TRY(cli_input_check_keys(&r->in, err));
  C2_TRY(cli_input_check_names(&r->in, names, sizeof names / sizeof names[0], err));
  if (!(r->coverage > 0 && r->coverage < 1)) {
    char found[C2_FLOAT_ROOM];
    c2_double_text(found, r->coverage, C2_USUAL_DIGITS);
    C2_FAIL(err, C2_ERR_ARGUMENT, "--coverage: expected a share between 0 and 1, found %s", found);
  }
  if (r->horizon > MOST_HORIZON) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--horizon: expected at most %d steps, found %zu", MOST_HORIZON, r->horizon);
  }
  return cli_input_check(&r->in, err);
}

/* The step behind a target's warmup; the length if that never ends. */
static size_t behind_warmup(const detect_request *r, const detect_row *row) {
  size_t step = 0;
  for (size_t observed = 0; step < row->item->length && observed < r->warmup; step++) {
    observed += !isnan(detect_value(row, step)) ? 1 : 0;
  }
  return step;
}

/* Steps of all targets of an item share forecasts: a later target may begin within one. */
static void choose_first(const detect_request *r, detect_row *rows) {
  size_t length = rows->item->length;
  for (size_t t = 0; t < rows->item->targets; t++) rows[t].first = rows[t].judged_from = behind_warmup(r, &rows[t]);
  size_t origin = first_origin(rows);
  for (size_t t = 0; t < rows->item->targets; t++) {
    if (rows[t].first < length) rows[t].first -= (rows[t].first - origin) % r->horizon;
  }
}

static c2_status make_rows(detect_request *r, c2_error *err) {
  size_t rows = 0;
  size_t short_ones = 0;
  for (size_t i = 0; i < r->in.set.count; i++) rows += r->in.set.item[i].targets;
  C2_TRY(c2_alloc_array(rows, sizeof *r->row, &r->row, err));
  for (size_t i = 0; i < r->in.set.count; i++) {
    const c2_item *item = &r->in.set.item[i];
    detect_row *first = &r->row[r->rows];
    for (size_t t = 0; t < item->targets; t++) first[t] = (detect_row){.item = item, .target = t};
    choose_first(r, first);
    for (size_t t = 0; t < item->targets; t++) {
      detect_row *row = &r->row[r->rows++];
      short_ones += row->first == item->length;
      C2_TRY(c2_alloc_array(item->length - row->first, sizeof *row->point, &row->point, err));
    }
  }
  if (short_ones > 0) {
    cli_warn("%zu target%s ha%s no step behind the first %zu observations (--warmup): nothing of %s is judged",
             short_ones, short_ones == 1 ? "" : "s", short_ones == 1 ? "s" : "ve", r->warmup,
             short_ones == 1 ? "it" : "them");
  }
  return C2_OK;
}

static c2_status detect(void *request, const chronos2_model *model, chronos2_session *session, c2_error *err) {
  detect_request *r = request;
  const char *const paths[] = {r->output ? r->output : "-", r->report};
  c2_outfile file[2];
  c2_status status = cli_outputs_open(file, paths, 2, err);
  if (status != C2_OK) goto fail;
  cli_warn_lengths(chronos2_model_config(model), r->horizon, r->engine.context_length);
  r->context = r->engine.context_length ? r->engine.context_length : chronos2_model_config(model)->context_length;
  C2_GOTO(tell_unseen(r, err));
  C2_GOTO(forecast(r, session, err));
  C2_GOTO(judge(r, err));
  C2_GOTO(detect_write(r, file[0].stream, err));
  tell(r);
  if (r->report) C2_GOTO(detect_draw(r, file[1].stream, err));
  status = cli_outputs_commit(file, 2, err);
fail:
  cli_outputs_discard(file, 2);
  return status;
}

static c2_status read_series(void *request, char **paths, size_t count, c2_error *err) {
  detect_request *r = request;
  C2_TRY(cli_input_read(&r->in, paths, count, err));
  cli_drop_futures(&r->in.set, "detect judges the past alone");
  C2_TRY(cli_input_check_steps(&r->in.set, 0, err));
  C2_TRY(cli_input_check_use(&r->in, &r->in.set, true, true, err));
  C2_TRY(cli_input_tell(&r->in.set, r->summary, err));
  return make_rows(r, err);
}

static size_t list_options(detect_request *r, cli_option *out) {
  const cli_option table[] = {
      {"coverage", 0, "SHARE", "Share of ordinary observations that the bands should hold. [0.99]", CLI_NUMBER,
       &r->coverage, NULL},
      {"horizon", 'n', "N",
       "Forecast N steps at a time: each observation is expected 1 to N steps ahead. More is faster and notices less. "
       "[1]",
       CLI_COUNT, &r->horizon, NULL},
      {"warmup", 0, "N", "Number of first observations of a target that are not judged. [32]", CLI_COUNT, &r->warmup,
       NULL},
      {"last", 0, "N", "Tell of the last N steps alone; those before still calibrate the bands. [all]", CLI_COUNT,
       &r->last, NULL},
      {"all", 0, NULL, "Write all observations that were judged, not only those outside their band.", CLI_FLAG,
       &r->all, NULL},
      {"output", 'o', "FILE", "Write the CSV to this file. [standard output]", CLI_TEXT, &r->output, NULL},
      {"report", 0, "FILE", "Also draw histories, bands and flags as a page (HTML) that needs no network.", CLI_TEXT,
       &r->report, NULL}};
  memcpy(out, table, sizeof table);
  return sizeof table / sizeof *table;
}

static const cli_usage usage = {
    .command = "detect",
    .arguments = "INPUT...",
    .summary =
        "Finds observations that were not to be expected: each step of a history is forecast from the steps before it, "
        "and what lies outside the forecast's band is written as CSV: item_id,timestamp,target_name,value,expected,"
        "lower,upper,score,flag. The bands are calibrated on the earlier errors of the same series, so that as many "
        "ordinary observations lie outside as --coverage leaves. The score is the distance from what was expected in "
        "widths of the band on that side: beyond 1 or -1 is outside.",
    .examples = "Find what is out of the ordinary:\n"
                "chronos2 detect sensors.csv\n"
                "Judge the last day of hourly data, and look at it:\n"
                "chronos2 detect sensors.csv --last 24 --coverage 0.999 --report sensors.html\n",
    .min_arguments = 0,
    .max_arguments = SIZE_MAX};

int cli_detect(int argc, char **argv) {
  detect_request r = {.coverage = 0.99, .horizon = 1, .warmup = WARMUP};
  cli_option options[CLI_MOST_OPTIONS] = {{.name = NULL}};
  size_t listed = list_options(&r, options);
  (void)cli_input_options(&r.in, options + listed);
  cli_engine_init(&r.engine);
  cli_series_command command = {.usage = &usage,
                                .options = options,
                                .engine = &r.engine,
                                .in = &r.in,
                                .model_name = &r.model_name,
                                .output = {{"output", &r.output, CLI_ROWS}, {"report", &r.report, CLI_PAGE}},
                                .outputs = 2,
                                .request = &r,
                                .check = check_options,
                                .read = read_series,
                                .work = detect};
  int status = cli_series_run(&command, argc, argv);
  for (size_t i = 0; i < r.rows; i++) free(r.row[i].point);
  free(r.row);
  cli_input_free(&r.in);
  return status;
}
