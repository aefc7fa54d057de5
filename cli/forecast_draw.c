/* `chronos2 forecast --report` and `--plot`: what was forecast as a page and as a picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/outfile.h"
#include "base/text.h"
#include "cli/draw.h"
#include "cli/forecast.h"
#include "page/page.h"
#include "page/plot.h"

enum {
  LEAST_PAST = 96, /* steps of the history that are shown, or four times the horizon */
  MOST_PAST = 2000,
  MOST_PANELS = 12,
  MOST_NUMBERS = 6 << 20 /* on a page; about nine bytes each */
};

typedef struct forecast_drawing {
  c2_outfile report, plot;
  c2_page page;
  char *panels; /* of the picture: [panels_size] */
  size_t panels_size;
  FILE *panel_stream;
  size_t targets;              /* so far: panels of a series' targets */
  size_t items, shown, numbers; /* so far; shown and numbers: of the page */
  bool is_full;                 /* the page */
  c2_time start;               /* of the steps that the page has named last, and what they are */
  c2_freq freq;
  c2_zone zone;
  bool has_offsets; /* of its own for each row */
  size_t steps;
} forecast_drawing;

/* One target of an item: its numbers as they are written. */
typedef struct target {
  double *point, *at_levels; /* [scenarios][horizon], [scenarios][horizon][levels] */
} target;

static size_t scenarios_of(const forecast_request *r) {
  return r->scenarios ? r->plans.count : 1;
}

/* Steps of an item's history that are shown. */
static size_t shown_past(const forecast_request *r, const c2_item *item) {
  return c2_min_size(item->length, c2_min_size(c2_max_size(LEAST_PAST, 4 * r->horizon), MOST_PAST));
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void put_levels(c2_json_writer *w, const forecast_request *r) {
  c2_json_put_numbers(w, "levels", r->levels, r->level_count);
  c2_json_begin_array(w, "scenarios");
  for (size_t k = 0; r->scenarios && k < r->plans.count; k++) c2_json_put_text(w, NULL, c2_futures_name(r->futures, k));
  c2_json_end_array(w);
}

static void put_facts(c2_json_writer *w, const forecast_request *r, const chronos2_model *model,
                      chronos2_session *session) {
  char text[120];
  chronos2_pattern p = r->encoded ? r->encoding : chronos2_session_pattern(session);
  c2_json_begin_object(w, "facts");
  c2_json_put_text(w, "Input", r->summary);
  c2_json_put_text(w, "Model", r->model_name);
  (void)snprintf(text, sizeof text, p.attention == CHRONOS2_FULL ? "%s" : "%s, radius %.0f",
                 chronos2_attention_name(p.attention), p.radius);
  c2_json_put_text(w, "Attention", text);
  c2_json_put_text(w, "Type of numbers", chronos2_dtype_name(chronos2_model_dtype(model)));
  c2_json_put_whole(w, "Horizon", r->horizon);
  c2_json_put_whole(w, "Context", r->engine.context_length ? r->engine.context_length
                                                             : chronos2_model_config(model)->context_length);
  if (!isnan(r->least)) c2_json_put_number(w, "Least number (--min)", r->least);
  if (r->round) c2_json_put_text(w, "Rounded to", "whole numbers (--round)");
  c2_json_put_text(w, "Program", chronos2_version());
  c2_json_end_object(w);
}

static void begin_page(forecast_drawing *d, const forecast_request *r, const chronos2_model *model,
                       chronos2_session *session) {
  static const c2_page_kind kind = {"Forecasts", "Forecasts", c2_page_forecast_js};
  c2_page_begin(&d->page, d->report.stream, &kind);
  (void)fputs("<p class=\"plain\">", d->report.stream);
  c2_page_text(d->report.stream, r->summary);
  (void)fprintf(d->report.stream, "; %zu step%s ahead.</p>\n", r->horizon, r->horizon == 1 ? "" : "s");
  c2_page_data(&d->page);
  c2_json_begin_object(&d->page.json, NULL);
  put_levels(&d->page.json, r);
  put_facts(&d->page.json, r, model, session);
  c2_json_begin_array(&d->page.json, "items");
}

c2_status forecast_draw_open(forecast_request *r, const chronos2_model *model, chronos2_session *session,
                             c2_error *err) {
  if (!r->report && !r->plot) return C2_OK;
  C2_TRY(c2_alloc_array(1, sizeof *r->drawing, &r->drawing, err));
  forecast_drawing *d = r->drawing;
  d->report.descriptor = d->plot.descriptor = -1; /* not open */
  if (r->report) {
    C2_TRY(c2_outfile_open(&d->report, r->report, err));
    begin_page(d, r, model, session);
  }
  if (!r->plot) return C2_OK;
  C2_TRY(c2_outfile_open(&d->plot, r->plot, err));
  d->panel_stream = open_memstream(&d->panels, &d->panels_size);
  if (!d->panel_stream) C2_FAIL(err, C2_ERR_MEMORY, "%s: cannot allocate the picture", r->plot);
  return C2_OK;
}

/* ---- Items ------------------------------------------------------------------------------------ */

/* Names of the steps, unless they are those of the item before. */
static c2_status put_steps(forecast_drawing *d, const c2_item *item, size_t from, size_t steps, c2_error *err) {
  c2_time start = 0;
  C2_TRY(c2_freq_add(&item->freq, item->start, (int64_t)from, &start, err));
  bool same = d->shown > 0 && start == d->start && steps == d->steps && c2_freq_equal(&item->freq, &d->freq) &&
              item->zone.given == d->zone.given && item->zone.minutes == d->zone.minutes;
  if (same && !item->minutes && !item->wall && !d->has_offsets) return C2_OK;
  d->start = start;
  d->freq = item->freq;
  d->zone = item->zone;
  d->has_offsets = item->minutes || item->wall;
  d->steps = steps;
  d->numbers += steps;
  return cli_draw_stamps(&d->page.json, item, from, steps, err);
}

/* Digits of all numbers of a target: past [length] and fans. */
static int digits_of(const forecast_request *r, const target *t, const double *past, size_t length) {
  size_t steps = scenarios_of(r) * r->horizon;
  return cli_draw_fan_digits(t->at_levels, steps, r->level_count, cli_draw_digits(past, length, C2_PAGE_DIGITS));
}

static void put_fan(c2_json_writer *w, const forecast_request *r, const target *t, size_t scenario) {
  const double *at_levels = t->at_levels + scenario * r->horizon * r->level_count;
  c2_json_begin_object(w, NULL);
  cli_draw_fan(w, t->point + scenario * r->horizon, at_levels, r->horizon, r->level_count);
  c2_json_end_object(w);
}

/* Numbers or words of a covariate. */
static void put_values(c2_json_writer *w, const char *key, const double *number, const char *const *text, size_t from,
                       size_t count) {
  if (!text) {
    w->digits = cli_draw_digits(number + from, count, C2_PAGE_DIGITS);
    c2_json_put_numbers(w, key, number + from, count);
    w->digits = C2_PAGE_DIGITS;
    return;
  }
  c2_json_begin_array(w, key);
  for (size_t s = 0; s < count; s++) c2_json_put_text(w, NULL, text[from + s]);
  c2_json_end_array(w);
}

/* The past of a covariate, and its future in each scenario. */
static void put_covariate(c2_json_writer *w, const forecast_request *r, size_t i, size_t c, size_t from) {
  const c2_item *item = &r->in.set.item[i];
  const chronos2_series *series = r->scenarios ? r->plans.series : r->series;
  c2_json_begin_object(w, NULL);
  c2_json_put_text(w, "name", series[i].covariate[c].name);
  put_values(w, "past", series[i].covariate[c].past, series[i].covariate[c].past_text, from, item->length - from);
  c2_json_begin_array(w, "futures");
  for (size_t k = 0; k < scenarios_of(r); k++) {
    const chronos2_covariate *x = &series[k * r->in.set.count + i].covariate[c];
    if (x->future || x->future_text) put_values(w, NULL, x->future, x->future_text, 0, r->horizon);
  }
  c2_json_end_array(w);
  c2_json_end_object(w);
}

static c2_status put_item(forecast_drawing *d, const forecast_request *r, const target *targets, size_t i,
                          c2_error *err) {
  c2_json_writer *w = &d->page.json;
  const c2_item *item = &r->in.set.item[i];
  size_t past = shown_past(r, item);
  size_t from = item->length - past;
  size_t fan = r->horizon * (1 + r->level_count) * scenarios_of(r);
  size_t numbers = item->targets * (past + fan) + item->covariates * (past + r->horizon * scenarios_of(r));
  d->is_full = d->is_full || (d->numbers + numbers > MOST_NUMBERS && d->shown > 0);
  if (d->is_full) return C2_OK; /* said in the end */
  d->numbers += numbers;
  c2_json_begin_object(w, NULL);
  c2_json_put_text(w, "id", item->id);
  c2_json_put_whole(w, "length", item->length);
  C2_TRY(put_steps(d, item, from, past + r->horizon, err));
  c2_json_begin_array(w, "targets");
  for (size_t t = 0; t < item->targets; t++) {
    c2_json_begin_object(w, NULL);
    c2_json_put_text(w, "name", item->target_names[t]);
    w->digits = digits_of(r, &targets[t], item->target + t * item->length + from, past);
    c2_json_put_numbers(w, "past", item->target + t * item->length + from, past);
    c2_json_begin_array(w, "fans");
    for (size_t k = 0; k < scenarios_of(r); k++) put_fan(w, r, &targets[t], k);
    w->digits = C2_PAGE_DIGITS;
    c2_json_end_array(w);
    c2_json_end_object(w);
  }
  c2_json_end_array(w);
  c2_json_begin_array(w, "covariates");
  for (size_t c = 0; c < item->covariates; c++) put_covariate(w, r, i, c, from);
  c2_json_end_array(w);
  c2_json_end_object(w);
  d->shown++;
  return C2_OK;
}

static c2_status put_panel(forecast_drawing *d, const forecast_request *r, const target *t, const c2_item *item,
                           size_t index, c2_error *err) {
  char names[3][C2_TIME_ROOM] = {"", "", ""};
  char *title = NULL;
  c2_fan *fans = NULL;
  size_t past = shown_past(r, item);
  size_t from = item->length - past;
  size_t drawn = c2_min_size(scenarios_of(r), C2_PLOT_FANS);
  C2_TRY(cli_draw_stamp(item, from, names[0], err));
  if (past > 0) C2_TRY(cli_draw_stamp(item, item->length - 1, names[1], err));
  C2_TRY(cli_draw_stamp(item, item->length + r->horizon - 1, names[2], err));
  C2_TRY(c2_alloc_array(drawn, sizeof *fans, &fans, err));
  for (size_t k = 0; k < drawn; k++) {
    fans[k] = (c2_fan){r->scenarios ? c2_futures_name(r->futures, k) : NULL, t->point + k * r->horizon,
                       t->at_levels + k * r->horizon * r->level_count};
  }
  const char *name = item->targets > 1 ? item->target_names[index] : NULL; /* of several */
  size_t room = strlen(item->id) + (name ? strlen(name) : 0) + 3;
  c2_status status = c2_alloc_array(room, 1, &title, err);
  if (status != C2_OK) {
    free(fans);
    return status;
  }
  (void)snprintf(title, room, "%s%s%s", item->id, name ? ", " : "", name ? name : "");
  c2_plot_panel(d->panel_stream, d->targets - 1,
                &(c2_panel){.title = title,
                            .first = names[0],
                            .last = names[1],
                            .end = names[2],
                            .past = item->target + index * item->length + from,
                            .length = past,
                            .fan = fans,
                            .fans = drawn,
                            .steps = r->horizon,
                            .level = r->levels,
                            .levels = r->level_count});
  free(title);
  free(fans);
  return C2_OK;
}

/* Item i. */
static c2_status draw_item(forecast_drawing *d, const forecast_request *r, chronos2_forecast *const *forecast,
                           bool together, size_t i, c2_error *err) {
  const c2_item *item = &r->in.set.item[i];
  size_t of_target = scenarios_of(r) * r->horizon;
  double *values = NULL;
  target *targets = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(item->targets, sizeof *targets, &targets, err));
  C2_GOTO(c2_alloc_array(item->targets * (1 + r->level_count), of_target * sizeof *values, &values, err));
  for (size_t t = 0; t < item->targets; t++) {
    targets[t].point = values + t * of_target * (1 + r->level_count);
    targets[t].at_levels = targets[t].point + of_target;
    for (size_t k = 0; k < scenarios_of(r); k++) {
      C2_GOTO(forecast_values(r, forecast[together ? 0 : k], together ? k * r->in.set.count + i : i, t,
                              targets[t].point + k * r->horizon,
                              targets[t].at_levels + k * r->horizon * r->level_count, NULL, err));
    }
  }
  d->items++;
  if (r->report) C2_GOTO(put_item(d, r, targets, i, err));
  for (size_t t = 0; r->plot && t < item->targets; t++) {
    if (++d->targets > MOST_PANELS) continue;
    C2_GOTO(put_panel(d, r, &targets[t], item, t, err));
  }
fail:
  free(values);
  free(targets);
  return status;
}

c2_status forecast_draw_items(const forecast_request *r, chronos2_forecast *const *forecast, bool together,
                              c2_error *err) {
  forecast_drawing *d = r->drawing;
  for (size_t i = 0; d && i < r->in.set.count; i++) C2_TRY(draw_item(d, r, forecast, together, i, err));
  return C2_OK;
}

/* ---- Closing ---------------------------------------------------------------------------------- */

static c2_status close_page(forecast_drawing *d, const forecast_request *r, c2_error *err) {
  if (d->shown < d->items) {
    cli_warn("%s shows the first %zu of %zu series; --output has them all", r->report, d->shown, d->items);
  }
  c2_json_end_array(&d->page.json);
  C2_TRY(cli_draw_warnings(&d->page.json, err));
  c2_json_end_object(&d->page.json);
  C2_TRY(c2_page_end(&d->page, r->report, err));
  return c2_outfile_flush(&d->report, err);
}

static c2_status close_plot(forecast_drawing *d, const forecast_request *r, c2_error *err) {
  char title[sizeof r->summary + 48];
  size_t panels = c2_min_size(d->targets, MOST_PANELS);
  int end = snprintf(title, sizeof title, "%s", r->summary);
  FILE *panel_stream = d->panel_stream;
  d->panel_stream = NULL;
  if (!c2_text_close(panel_stream, &d->panels)) C2_FAIL(err, C2_ERR_MEMORY, "%s: cannot allocate the picture", r->plot);
  if (panels < d->targets) {
    cli_warn("%s shows the first %zu of %zu %s", r->plot, panels, d->targets,
             cli_draw_name(d->targets, d->items));
  }
  if (scenarios_of(r) > C2_PLOT_FANS) {
    (void)snprintf(title + end, sizeof title - (size_t)end, "; the first %d of %zu scenarios", C2_PLOT_FANS,
                   scenarios_of(r));
    cli_warn("%s shows %s; --report shows all", r->plot, title + end + strlen("; "));
  }
  c2_plot_begin(d->plot.stream, title, panels);
  (void)fwrite(d->panels, 1, d->panels_size, d->plot.stream);
  c2_plot_end(d->plot.stream);
  return c2_outfile_flush(&d->plot, err);
}

c2_status forecast_draw_close(const forecast_request *r, c2_error *err) {
  forecast_drawing *d = r->drawing;
  if (d && r->plot) C2_TRY(close_plot(d, r, err));
  if (d && r->report) C2_TRY(close_page(d, r, err));
  return C2_OK;
}

c2_status forecast_draw_commit(const forecast_request *r, c2_error *err) {
  forecast_drawing *d = r->drawing;
  if (d && r->plot) C2_TRY(c2_outfile_commit(&d->plot, err));
  if (d && r->report) C2_TRY(c2_outfile_commit(&d->report, err));
  return C2_OK;
}

void forecast_draw_free(forecast_request *r) {
  forecast_drawing *d = r->drawing;
  if (!d) return;
  if (d->panel_stream) (void)fclose(d->panel_stream);
  free(d->panels);
  c2_outfile_discard(&d->report);
  c2_outfile_discard(&d->plot);
  free(d);
  r->drawing = NULL;
}
