/* `chronos2 forecast`: series files in, quantile forecasts out, as CSV in long format. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "base/text.h"
#include "cli/forecast.h"
#include "data/series.h"
#include "data/table_write.h"

/* What --embed, which describes the past series by series, has no use for. */
static c2_status check_embed(const forecast_request *r, c2_error *err) {
  static const char *const names[] = {"quantile-levels", "monotone",  "cross-learning",
                                      "future",          "scenarios", "horizon",
                                      "report",          "plot",      "min",
                                      "round"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (!cli_given(&r->engine, names[i])) continue;
    C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: --embed describes the past, series by series; leave one out", names[i]);
  }
  return C2_OK;
}

static c2_status check_names(forecast_request *r, c2_error *err) {
  static const char *const of_embeddings[] = {"target_name", "token", "loc", "scale"};
  const char *names[] = {"target_name", "predictions", "scenario"};
  r->in.ignores_case = c2_table_file_is_parquet(r->output);
  const cli_input ids = {.id_column = r->in.id_column, .ignores_case = r->in.ignores_case};
  if (r->embed) return cli_input_check_names(&ids, of_embeddings, 4, err); /* they have no time stamps */
  C2_TRY(cli_input_check_keys(&r->in, err));
  C2_TRY(cli_input_check_names(&r->in, names, r->scenarios ? 3 : 2, err));
  return cli_input_check_levels(&r->in, r->levels, r->level_count, err);
}

/* Whether what is written isn't below --min: rounding keeps the order of numbers, so that the least tells. */
static c2_status check_least(const forecast_request *r, c2_error *err) {
  char found[C2_FLOAT_ROOM];
  char written[C2_FLOAT_ROOM];
  if (isnan(r->least)) return C2_OK;
  c2_double_text(found, r->least, C2_USUAL_DIGITS);
  if (isinf(r->least) || (r->round && r->least != round(r->least))) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--min: expected a %s number, found %s", r->round ? "whole" : "finite", found);
  }
  c2_float_text(written, r->least);
  if (r->digits > 0) (void)snprintf(written, sizeof written, "%.*g", (int)r->digits, r->least);
  bool is_float = r->digits == 0 && fabs(r->least) <= (double)FLT_MAX && (double)(float)r->least == r->least;
  bool is_kept = r->round || is_float || strtod(written, NULL) == r->least;
  if (is_kept && forecast_has_floats(r) && (double)(float)r->least < r->least) {
    is_kept = false;
    (void)snprintf(written, sizeof written, "%.9g", (double)(float)r->least);
  }
  if (is_kept) return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "--min: %s would be written as %s; expected a number that %s, or --digits 17", found,
          written, r->digits > 0 && !forecast_has_floats(r) ? "so many digits hold" : "float32 holds");
}

static c2_status check_options(void *request, c2_error *err) {
  forecast_request *r = request;
  if (r->embed) C2_TRY(check_embed(r, err));
  if (r->horizon < 1 && !r->embed) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "forecast needs --horizon N; see 'chronos2 forecast --help'");
  }
  if (r->horizon > CHRONOS2_MOST_STEPS) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--horizon: expected at most %d steps, found %zu", CHRONOS2_MOST_STEPS, r->horizon);
  }
  C2_TRY(cli_read_levels(r->levels_text, true, &r->levels, &r->level_count, err));
  C2_TRY(check_names(r, err));
  if (r->future && r->scenarios) C2_FAIL(err, C2_ERR_ARGUMENT, "forecast takes --future or --scenarios, not both");
  if (r->digits > FORECAST_MOST_DIGITS) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--digits: expected at most %d, found %zu", FORECAST_MOST_DIGITS, r->digits);
  }
  if (r->digits > 0 && r->round) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--digits and --round: expected one of them, since --round writes whole numbers");
  }
  C2_TRY(check_least(r, err));
  r->engine.encodes = r->scenarios != NULL;
  return cli_input_check(&r->in, err);
}

static c2_status forecast_once(forecast_request *r, chronos2_session *session, FILE *out, c2_error *err) {
  chronos2_forecast *forecast = NULL;
  chronos2_predict_options options = forecast_predict_options(r);
  chronos2_session_on_progress(session, cli_on_progress, NULL);
  C2_TRY(forecast_status(r, chronos2_predict(session, r->series, r->in.set.count, &options, &forecast), err));
  forecast_write_header(r, out); /* nothing is written before the forecast is there */
  c2_status status = forecast_write_items(r, forecast, 0, NULL, out, err);
  if (status == C2_OK) status = forecast_draw_items(r, &forecast, true, err);
  chronos2_forecast_free(&forecast);
  return status;
}

static c2_status embed(const forecast_request *r, chronos2_session *session, size_t d_model, FILE *out, c2_error *err) {
  chronos2_embedding *embedding = NULL;
  chronos2_predict_options options = forecast_predict_options(r);
  const cli_input ids = {.id_column = r->in.id_column};
  for (size_t d = 0; d < d_model && r->in.id_column; d++) { /* dimensions are columns, too */
    char number[24];
    const char *name = number;
    (void)snprintf(number, sizeof number, "%zu", d);
    C2_TRY(cli_input_check_names(&ids, &name, 1, err));
  }
  C2_TRY(forecast_status(r, chronos2_embed(session, r->series, r->in.set.count, &options, &embedding), err));
  c2_status status = forecast_write_embeddings(r, embedding, d_model, out, err);
  chronos2_embedding_free(&embedding);
  return status;
}

static void free_scenarios(scenarios *s) {
  for (size_t k = 0; s->covariate && k < s->count; k++) free(s->covariate[k]);
  for (size_t k = 0; s->forecast && k < s->count; k++) chronos2_forecast_free(&s->forecast[k]);
  free(s->series);
  free(s->covariate);
  free(s->forecast);
}

/* Where contexts see no known future, they are encoded once and all scenarios forecast from them. Elsewhere each
 * scenario is a whole forecast; under cross learning one of its own, so that scenarios don't inform each other. */
static c2_status forecast_all(forecast_request *r, chronos2_session *session, bool together, c2_error *err) {
  chronos2_predict_options options = forecast_predict_options(r);
  chronos2_context *context = NULL;
  scenarios *s = &r->plans;
  size_t items = r->in.set.count;
  if (!together) {
    for (size_t k = 0; k < s->count; k++) {
      chronos2_status status = chronos2_predict(session, s->series + k * items, items, &options, &s->forecast[k]);
      C2_TRY(forecast_status(r, status, err));
      cli_progress("scenario", k + 1, s->count);
    }
    return C2_OK;
  }
  chronos2_session_on_progress(session, cli_on_progress, NULL);
  if (!r->encoded) {
    return forecast_status(r, chronos2_predict(session, s->series, s->count * items, &options, &s->forecast[0]),
                           err);
  }
  chronos2_status status = chronos2_context_open(session, r->series, items, &options, &context);
  if (status == CHRONOS2_OK) {
    status = chronos2_context_predict(session, context, s->series, s->count * items, &options, &s->forecast[0]);
  }
  chronos2_context_close(&context);
  return forecast_status(r, status, err);
}

/* Chooses whether the pasts of scenarios are encoded once, and under which pattern. */
static void choose_encoding(forecast_request *r, const chronos2_model *model, const chronos2_session *session) {
  const chronos2_session_options *o = &r->engine.session;
  chronos2_attention own = chronos2_session_pattern(session).attention;
  r->encoding = chronos2_model_context_pattern(model, (chronos2_pattern){o->attention, o->radius, o->reg_global});
  r->encoded = o->backend == CHRONOS2_FUSED && r->encoding.attention != CHRONOS2_AUTO;
  if (!r->encoded || r->encoding.attention == own) return;
  cli_warn("the pasts are encoded once, beside a future of which nothing is known (%s); --attention %s forecasts each "
           "scenario whole: slower, and closer where covariates matter",
           chronos2_attention_name(r->encoding.attention), chronos2_attention_name(own));
  const char *caveat = chronos2_model_caveat(model, r->encoding);
  if (caveat) cli_warn("%s", caveat);
}

static c2_status forecast_scenarios(forecast_request *r, chronos2_session *session, FILE *out, c2_error *err) {
  bool together = r->encoded || !r->cross_learning;
  C2_TRY(forecast_all(r, session, together, err));
  forecast_write_header(r, out); /* nothing is written before all forecasts are there */
  for (size_t k = 0; k < r->plans.count; k++) {
    C2_TRY(forecast_write_items(r, r->plans.forecast[together ? 0 : k], together ? k * r->in.set.count : 0,
                                c2_futures_name(r->futures, k), out, err));
  }
  return forecast_draw_items(r, r->plans.forecast, together, err);
}

/* A table in parts is read and forecast at once where the output can still be dropped; else it is read beforehand. */
static c2_status compute_parts(forecast_request *r, const chronos2_model *model, chronos2_session *session, bool once,
                               FILE *out, c2_error *err) {
  if (!once) {
    C2_TRY(forecast_parts(r, session, NULL, err));
    if (r->reason[0]) return C2_OK;
    forecast_summarise(r);
  }
  forecast_warn(r, chronos2_model_config(model));
  C2_TRY(forecast_draw_open(r, model, session, err));
  size_t items = r->total.items;
  C2_TRY(forecast_parts(r, session, out, err));
  if (ferror(out)) return C2_OK;
  if (once && !r->reason[0]) {
    forecast_summarise(r);
    cli_input_warn(&r->total.words);
  }
  if (once || (!r->reason[0] && r->total.items == items)) return C2_OK;
  C2_FAIL(err, C2_ERR_IO, "%s: it changed while it was read", r->parts);
}

/* `can_drop`: the output appears only when it is complete. Drawings begin with what is known of the whole input. */
static c2_status compute(forecast_request *r, const chronos2_model *model, chronos2_session *session, bool can_drop,
                         FILE *out, c2_error *err) {
  if (r->parts) return compute_parts(r, model, session, can_drop && !r->report && !r->plot, out, err);
  forecast_summarise(r);
  forecast_warn(r, chronos2_model_config(model));
  if (r->scenarios) choose_encoding(r, model, session);
  C2_TRY(forecast_draw_open(r, model, session, err));
  return r->embed       ? embed(r, session, chronos2_model_config(model)->d_model, out, err)
         : r->scenarios ? forecast_scenarios(r, session, out, err)
                        : forecast_once(r, session, out, err);
}

/* Whether a table that was read in parts turned out not to be in order. */
static bool is_void(const forecast_request *r) {
  return r->parts && r->reason[0];
}

/* Everything that is written appears whole or not at all. */
static c2_status write_output(forecast_request *r, const chronos2_model *model, chronos2_session *session,
                              c2_error *err) {
  c2_outfile file;
  c2_table_file table = {.csv = NULL};
  const char *types[6];
  c2_status status = c2_outfile_open(&file, r->output, err);
  if (status != C2_OK) return status;
  if (!c2_table_file_asked(r->output)) {
    status = compute(r, model, session, file.temporary != NULL, file.stream, err);
  } else {
    C2_GOTO(c2_table_file_open(&table, r->output, err));
    C2_GOTO(compute(r, model, session, true, table.csv, err));
    size_t count = forecast_column_types(r, types);
    if (!is_void(r)) status = c2_table_file_write(&table, types, count, forecast_zone(r), file.stream, err);
  }
  if (status != C2_OK || is_void(r)) goto fail;
  C2_GOTO(c2_outfile_flush(&file, err));
  forecast_tell_changes(r); /* a page lists the warnings */
  C2_GOTO(forecast_draw_close(r, err));
  C2_GOTO(c2_outfile_commit(&file, err));
  status = forecast_draw_commit(r, err);
fail:
  c2_table_file_close(&table);
  c2_outfile_discard(&file);
  forecast_draw_free(r);
  return status;
}

static c2_status read_series(void *request, char **paths, size_t count, c2_error *err) {
  forecast_request *r = request;
  r->paths = paths;
  r->path_count = count;
  if (forecast_is_in_parts(r, paths, count)) r->parts = paths[0];
  return r->parts ? C2_OK : forecast_read_inputs(r, paths, count, err);
}

static c2_status forecast(void *request, const chronos2_model *model, chronos2_session *session, c2_error *err) {
  forecast_request *r = request;
  C2_TRY(write_output(r, model, session, err));
  while (is_void(r)) { /* nothing was written */
    r->raised = 0;
    r->coarse = 0;
    r->unclear[0] = '\0';
    r->sorted = r->may_sort;
    if (r->sorted) {
      cli_note("%s: its rows are sorted in a temporary file: %s", r->parts, r->reason);
    } else {
      r->parts = NULL;
      C2_TRY(forecast_read_inputs(r, r->paths, r->path_count, err));
    }
    C2_TRY(write_output(r, model, session, err));
  }
  return C2_OK;
}

static const cli_usage forecast_usage = {
    .command = "forecast",
    .arguments = "INPUT...",
    .summary =
        "Reads series from CSV (item_id,timestamp,target), JSON Lines, Parquet, Excel or Arrow files; - is standard "
        "input. Writes CSV: item_id,timestamp,target_name,predictions and a column for each quantile level.\n"
        "Ids and names are written as they are, even where a spreadsheet would take them for a formula "
        "(=, +, -, @).",
    .examples =
        "Forecast 28 steps of every series:\n"
        "chronos2 forecast sales.csv --horizon 28\n"
        "Write three quantiles to a file:\n"
        "chronos2 forecast sales.csv -n 28 --quantile-levels 0.1,0.5,0.9 -o forecast.csv\n"
        "Use prices, which are known for the next 14 steps:\n"
        "chronos2 forecast shop.csv -n 14 --covariates price --future prices.csv\n"
        "Compare several plans for those prices:\n"
        "chronos2 forecast shop.csv -n 14 --covariates price --scenarios plans.csv --report plans.html\n",
    .min_arguments = 0,
    .max_arguments = SIZE_MAX};

/* What is known of the future, what is computed and written. */
static size_t list_output_options(forecast_request *r, cli_option *out) {
  const cli_option table[] = {
      {"future", 0, "FILE",
       "Table (CSV, Parquet, Excel or Arrow) with the covariates' values in the forecast steps, a row for each series "
       "and step. Rows of a file without ids hold for all series. JSON Lines carries its own.",
       CLI_TEXT, &r->future, NULL},
      {"scenarios", 0, "FILE",
       "Table as for --future with a further column, scenario: each scenario gets a forecast. The past is encoded once "
       "for all of them, unless --attention lets it see the future or the backend is the reference.",
       CLI_TEXT, &r->scenarios, NULL},
      {"quantile-levels", 0, "LIST", "Quantile levels to write. [0.1,0.2,...,0.9]", CLI_TEXT, &r->levels_text, NULL},
      {"cross-learning", 0, NULL, "Let all series of a pass inform each other; --batch-size says how many rows it has.",
       CLI_FLAG, &r->cross_learning, NULL},
      {"output", 'o', "FILE",
       "Write to this file. CSV, or what its name ends in: .parquet, by DuckDB; .arrow or .feather, an Arrow file; "
       ".arrows, an Arrow stream. [standard output]", CLI_TEXT,
       &r->output, NULL},
      {"digits", 0, "N", "Significant digits of the numbers, at most 17. [as many as float32 carries]", CLI_COUNT,
       &r->digits, NULL},
      {"min", 0, "X",
       "Write X for every number below it, as 0 where nothing can be negative. The model's forecast is the same.",
       CLI_NUMBER, &r->least, NULL},
      {"round", 0, NULL, "Write the nearest whole numbers. The model's forecast is the same.", CLI_FLAG, &r->round,
       NULL},
      {"report", 0, "FILE",
       "Also draw history, forecasts, scenarios and covariates as a page (HTML) that needs no network.", CLI_TEXT,
       &r->report, NULL},
      {"plot", 0, "FILE", "Also draw the first 12 targets as one picture (SVG), a panel each.", CLI_TEXT, &r->plot,
       NULL},
      {"embed", 0, NULL,
       "Write the encoder's hidden states of the past instead of a forecast: a line for each token.", CLI_FLAG,
       &r->embed, NULL},
      {"monotone", 0, NULL, "Sort the quantiles of each step, so that none crosses another.", CLI_FLAG, &r->monotone,
       NULL}};
  memcpy(out, table, sizeof table);
  return sizeof table / sizeof *table;
}

int cli_forecast(int argc, char **argv) {
  forecast_request r = {.levels_text = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9", .least = (double)NAN};
  cli_option options[CLI_MOST_OPTIONS] = {{.name = NULL}};
  options[0] =
      (cli_option){"horizon", 'n',        "N", "Number of steps to forecast. It is required, except with --embed.",
                   CLI_COUNT, &r.horizon, NULL};
  size_t listed = 1 + cli_input_options(&r.in, options + 1);
  (void)list_output_options(&r, options + listed);
  cli_engine_init(&r.engine);
  cli_series_command command = {.usage = &forecast_usage,
                                .options = options,
                                .engine = &r.engine,
                                .in = &r.in,
                                .model_name = &r.model_name,
                                .output = {{"output", &r.output, CLI_TABLE},
                                           {"report", &r.report, CLI_PAGE},
                                           {"plot", &r.plot, CLI_PICTURE}},
                                .outputs = 3,
                                .further = {&r.future, &r.scenarios},
                                .request = &r,
                                .check = check_options,
                                .read = read_series,
                                .work = forecast};
  int status = cli_series_run(&command, argc, argv);
  free_scenarios(&r.plans);
  c2_futures_close(&r.futures);
  cli_input_free(&r.in);
  c2_dataset_free(&r.total.words);
  free(r.series);
  free(r.covariate);
  free(r.levels);
  return status;
}
