/* `chronos2 forecast`: series files in, quantile forecasts out, as CSV in long format. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "cli/forecast.h"
#include "data/duckdb_write.h"

enum { MOST_STEPS = 1 << 20 }; /* of a forecast, as the library has it */

/* The items of a list; an option that names a column twice, or as another one did, is refused. */
static c2_status read_columns(const char *option, const char *text, char **taken, size_t taken_count, char ***items,
                              size_t *count, c2_error *err) {
  c2_error why;
  c2_lookup names = {0};
  c2_status status = C2_OK;
  size_t first = 0;
  if (cli_split(text, items, count, &why) != C2_OK) C2_FAIL(err, why.code, "--%s: %s", option, why.text);
  for (size_t k = 0; k < taken_count; k++) C2_GOTO(c2_lookup_put(&names, taken[k], &first, err));
  for (size_t i = 0; i < *count; i++) {
    if (c2_lookup_find(&names, (*items)[i], &first)) {
      C2_GOTO(c2_fail(err, C2_ERR_ARGUMENT, "--%s: column '%.80s' is named twice", option, (*items)[i]));
    }
    C2_GOTO(c2_lookup_put(&names, (*items)[i], &first, err));
  }
fail:
  c2_lookup_free(&names);
  return status;
}

static c2_status parse_delimiter(void *target, const char *text, c2_error *err) {
  bool tab = strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0;
  if (!tab && (strlen(text) != 1 || !strchr(",;\t|:/~^!#&*@$%_= ", *text))) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--delimiter: expected one sign, as ',', ';', '|' or '\\t', found '%s'", text);
  }
  *(char *)target = tab ? '\t' : *text;
  return C2_OK;
}

static c2_status parse_decimal(void *target, const char *text, c2_error *err) {
  if (strcmp(text, ".") != 0 && strcmp(text, ",") != 0) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--decimal: expected '.' or ',', found '%s'", text);
  }
  *(char *)target = *text;
  return C2_OK;
}

static c2_status parse_time_format(void *target, const char *text, c2_error *err) {
  c2_error why;
  if (c2_stamp_check(text, &why) != C2_OK) C2_FAIL(err, why.code, "--time-format: %s", why.text);
  memcpy(target, text, strlen(text) + 1);
  return C2_OK;
}

static c2_status read_levels(forecast_request *r, c2_error *err) {
  c2_error why;
  if (cli_split_numbers(r->levels_text, &r->levels, &r->level_count, &why) != C2_OK) {
    C2_FAIL(err, why.code, "--quantile-levels: %s", why.text);
  }
  for (size_t i = 0; i < r->level_count; i++) {
    if (!(r->levels[i] >= 0 && r->levels[i] <= 1)) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "--quantile-levels: expected levels from 0 to 1, found %g", r->levels[i]);
    }
  }
  return C2_OK;
}

/* What --embed, which describes the past series by series, has no use for. */
static c2_status check_embed(const forecast_request *r, c2_error *err) {
  static const char *const names[] = {"quantile-levels", "monotone",  "cross-learning",
                                      "future",          "scenarios", "horizon"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (!cli_given(&r->engine, names[i])) continue;
    C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: --embed describes the past, series by series; leave one out", names[i]);
  }
  return C2_OK;
}

static c2_status check_options(forecast_request *r, c2_error *err) {
  static const char *const usual[] = {"target"};
  c2_error why;
  if (r->embed) C2_TRY(check_embed(r, err));
  if (r->horizon < 1 && !r->embed) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "forecast needs --horizon N; see 'chronos2 forecast --help'");
  }
  if (r->horizon > MOST_STEPS) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--horizon: expected at most %d steps, found %zu", MOST_STEPS, r->horizon);
  }
  C2_TRY(read_levels(r, err));
  if (r->future && r->scenarios) C2_FAIL(err, C2_ERR_ARGUMENT, "forecast takes --future or --scenarios, not both");
  if (r->target) C2_TRY(read_columns("target", r->target, NULL, 0, &r->targets, &r->target_count, err));
  if (r->covariate_text && r->all_covariates) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "forecast takes --covariates or --all-covariates, not both");
  }
  if (r->wide && (r->all_covariates || r->id_column)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--wide: each column is a series, so --%s has no meaning; leave one out",
            r->id_column ? "id-column" : "all-covariates");
  }
  if (r->database && !r->sql) C2_FAIL(err, C2_ERR_ARGUMENT, "--db: expected --sql beside it");
  if (r->digits > FORECAST_MOST_DIGITS) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--digits: expected at most %d, found %zu", FORECAST_MOST_DIGITS, r->digits);
  }
  if (r->covariate_text) {
    char **targets = r->targets ? r->targets : (char **)(uintptr_t)usual;
    size_t count = r->targets ? r->target_count : 1;
    C2_TRY(read_columns("covariates", r->covariate_text, targets, count, &r->covariates, &r->covariate_count, err));
  }
  if (r->freq && c2_freq_parse(r->freq, &r->frequency, &why) != C2_OK) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--freq: %s", why.text);
  }
  return C2_OK;
}

static int progress(void *user, size_t done, size_t total) {
  (void)user;
  cli_progress("forecasting", done, total);
  return 0;
}

static c2_status status_of(chronos2_status status, c2_error *err) {
  return status == CHRONOS2_OK ? C2_OK : c2_fail(err, (c2_status)status, "%s", chronos2_last_error());
}

static chronos2_predict_options predict_options(const forecast_request *r) {
  return (chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT,
                                    .horizon = r->horizon,
                                    .context_length = r->engine.context_length,
                                    .batch_size = r->engine.batch_size,
                                    .cross_learning = r->cross_learning,
                                    .extend_context = true, /* a length beyond the model's was asked for by name */
                                    .monotone = r->monotone};
}

static c2_status forecast_once(const forecast_request *r, chronos2_session *session, FILE *out, c2_error *err) {
  chronos2_forecast *forecast = NULL;
  chronos2_predict_options options = predict_options(r);
  chronos2_session_on_progress(session, progress, NULL);
  C2_TRY(status_of(chronos2_predict(session, r->series, r->set.count, &options, &forecast), err));
  forecast_write_header(r, out); /* nothing is written before the forecast is there */
  c2_status status = forecast_write_items(r, forecast, 0, NULL, out, err);
  chronos2_forecast_free(&forecast);
  return status;
}

/* The next part of a table: read, forecast, written. */
static c2_status forecast_part(forecast_request *r, c2_flow *flow, chronos2_session *session, FILE *out,
                               c2_error *err) {
  chronos2_forecast *forecast = NULL;
  chronos2_predict_options options = predict_options(r);
  C2_TRY(c2_flow_next(flow, &r->set, err));
  C2_TRY(forecast_check_items(r, err));
  forecast_warn_of_empty(r);
  C2_TRY(cli_make_series(&r->set, r->horizon, &r->series, &r->covariate, err));
  C2_TRY(status_of(chronos2_predict(session, r->series, r->set.count, &options, &forecast), err));
  c2_status status = forecast_write_items(r, forecast, 0, NULL, out, err);
  chronos2_forecast_free(&forecast);
  return status;
}

static void drop_part(forecast_request *r) {
  c2_dataset_free(&r->set);
  free(r->series);
  free(r->covariate);
  r->series = NULL;
  r->covariate = NULL;
}

static c2_status forecast_parts(forecast_request *r, chronos2_session *session, FILE *out, c2_error *err) {
  c2_flow flow;
  c2_read_options options = forecast_read_options(r);
  size_t done = 0;
  forecast_write_header(r, out);
  c2_status status = c2_flow_open(&flow, r->parts, &options, r->freq ? NULL : &r->total.freq, err);
  while (status == C2_OK && !c2_flow_ended(&flow)) {
    status = forecast_part(r, &flow, session, out, err);
    done += r->set.count;
    drop_part(r);
    if (status == C2_OK) cli_progress("forecasting", done, r->total.items);
  }
  if (status == C2_OK && done != r->total.items) {
    status = c2_fail(err, C2_ERR_IO, "%s: it changed while it was read", r->parts);
  }
  c2_flow_close(&flow);
  return status;
}

static c2_status embed(const forecast_request *r, chronos2_session *session, size_t d_model, FILE *out, c2_error *err) {
  chronos2_embedding *embedding = NULL;
  chronos2_predict_options options = predict_options(r);
  C2_TRY(status_of(chronos2_embed(session, r->series, r->set.count, &options, &embedding), err));
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
static c2_status forecast_all(forecast_request *r, chronos2_session *session, bool encoded, bool together,
                              c2_error *err) {
  chronos2_predict_options options = predict_options(r);
  chronos2_context *context = NULL;
  scenarios *s = &r->plans;
  size_t items = r->set.count;
  if (!together) {
    for (size_t k = 0; k < s->count; k++) {
      C2_TRY(status_of(chronos2_predict(session, s->series + k * items, items, &options, &s->forecast[k]), err));
      cli_progress("scenario", k + 1, s->count);
    }
    return C2_OK;
  }
  chronos2_session_on_progress(session, progress, NULL);
  if (!encoded) {
    return status_of(chronos2_predict(session, s->series, s->count * items, &options, &s->forecast[0]), err);
  }
  chronos2_status status = chronos2_context_open(session, r->series, items, &options, &context);
  if (status == CHRONOS2_OK) {
    status = chronos2_context_predict(session, context, s->series, s->count * items, &options, &s->forecast[0]);
  }
  chronos2_context_close(&context);
  return status_of(status, err);
}

/* Weights whose contexts look at the future get the null future, unless a pattern was asked for. */
static c2_status choose_pattern(const forecast_request *r, chronos2_session *session, bool *encoded, c2_error *err) {
  const chronos2_session_options *asked = &r->engine.session;
  chronos2_pattern p = chronos2_session_pattern(session);
  bool sees = p.attention == CHRONOS2_FULL || p.attention == CHRONOS2_WINDOWED_FUTURE_VISIBLE;
  if (asked->attention == CHRONOS2_AUTO && sees && asked->backend == CHRONOS2_FUSED) {
    double radius = p.attention == CHRONOS2_FULL ? (double)INFINITY : p.radius;
    chronos2_status status =
        chronos2_session_set_attention(session, CHRONOS2_WINDOWED_FUTURE_NULL, radius, p.reg_global);
    C2_TRY(status_of(status, err));
    cli_warn(
        "the pasts are encoded once, beside a future of which nothing is known (windowed_future_null); "
        "--attention %s forecasts each scenario whole: slower, and closer where covariates matter",
        chronos2_attention_name(p.attention));
    sees = false;
  }
  *encoded = !sees && asked->backend == CHRONOS2_FUSED;
  return C2_OK;
}

static c2_status forecast_scenarios(forecast_request *r, chronos2_session *session, FILE *out, c2_error *err) {
  bool encoded = false;
  C2_TRY(choose_pattern(r, session, &encoded, err));
  bool together = encoded || !r->cross_learning;
  C2_TRY(forecast_all(r, session, encoded, together, err));
  forecast_write_header(r, out); /* nothing is written before all forecasts are there */
  for (size_t k = 0; k < r->plans.count; k++) {
    C2_TRY(forecast_write_items(r, r->plans.forecast[together ? 0 : k], together ? k * r->set.count : 0,
                       c2_futures_name(r->futures, k), out, err));
  }
  return C2_OK;
}

static c2_status compute(forecast_request *r, chronos2_model *model, chronos2_session *session, FILE *out,
                         c2_error *err) {
  forecast_summarise(r);
  forecast_warn(r, chronos2_model_config(model));
  return r->embed       ? embed(r, session, chronos2_model_config(model)->d_model, out, err)
         : r->scenarios ? forecast_scenarios(r, session, out, err)
         : r->parts     ? forecast_parts(r, session, out, err)
                        : forecast_once(r, session, out, err);
}

/* Everything that is written appears whole or not at all. */
static c2_status write_output(forecast_request *r, chronos2_model *model, chronos2_session *session, c2_error *err) {
  c2_outfile file;
  c2_table_file table = {.csv = NULL};
  const char *types[6];
  c2_status status = c2_outfile_open(&file, r->output, err);
  if (status != C2_OK) return status;
  if (!c2_table_file_asked(r->output)) {
    status = compute(r, model, session, file.stream, err);
  } else {
    C2_GOTO(c2_table_file_open(&table, r->output, err));
    C2_GOTO(compute(r, model, session, table.csv, err));
    size_t count = forecast_column_types(r, types);
    status = c2_table_file_write(&table, types, count, file.stream, err);
  }
  if (status == C2_OK) status = c2_outfile_commit(&file, err);
fail:
  c2_table_file_close(&table);
  c2_outfile_discard(&file);
  return status;
}

static int run(forecast_request *r, char **paths, size_t count, c2_error *err) {
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  const char *further[] = {r->future, r->scenarios, r->database};
  c2_status status = check_options(r, err);
  if (status != C2_OK) return cli_fail_error(err);
  int opened = cli_engine_locate(&r->engine);
  if (opened != CLI_DONE) return opened;
  status = cli_keep_inputs(r->output, &r->engine, (const char *const *)paths, count, err);
  if (status == C2_OK) status = cli_keep_inputs(r->output, &r->engine, further, 3, err);
  if (status == C2_OK) status = forecast_read_inputs(r, paths, count, err);
  if (status == C2_OK && !r->parts) {
    status = cli_make_series(&r->set, r->horizon, &r->series, &r->covariate, err);
  }
  if (status != C2_OK) return cli_fail_error(err);
  opened = cli_engine_open(&r->engine, &model, &session);
  if (opened != CLI_DONE) return opened;
  status = write_output(r, model, session, err);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return status == C2_OK ? CLI_DONE : cli_fail_error(err);
}

static const cli_usage forecast_usage = {
    .command = "forecast",
    .arguments = "INPUT...",
    .summary =
        "Reads series from CSV files (item_id,timestamp,target) or JSON Lines files; - is standard input. "
        "Writes CSV: item_id,timestamp,target_name,predictions and a column for each quantile level.\n"
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
        "chronos2 forecast shop.csv -n 14 --covariates price --scenarios plans.csv\n",
    .min_arguments = 0,
    .max_arguments = SIZE_MAX};

enum { MOST_OPTIONS = 40 };

/* What is read, and how. */
static size_t list_input_options(forecast_request *r, cli_option *out) {
  const cli_option table[] = {
      {"id-column", 0, "NAME", "Column that names the series. A file without it holds one series. [item_id]", CLI_TEXT,
       &r->id_column, NULL},
      {"timestamp-column", 0, "NAME",
       "Column of the time stamps: dates, years or whole numbers. Without it the rows are counted. [timestamp]",
       CLI_TEXT, &r->timestamp_column, NULL},
      {"sql", 0, "QUERY",
       "Read the rows of this SELECT, by DuckDB. It may name files, as in FROM 'sales/*.parquet', and with --db the "
       "tables of a database. Nothing is written.",
       CLI_TEXT, &r->sql, NULL},
      {"db", 0, "FILE", "DuckDB database that --sql reads.", CLI_TEXT, &r->database, NULL},
      {"time-format", 0, "FORMAT",
       "How time stamps are written, as strptime has it: '%d.%m.%Y %H:%M'. %s are seconds since 1970 and %q is a "
       "quarter. [ISO 8601, or found by the column]",
       CLI_CUSTOM, r->dialect.time_format, parse_time_format},
      {"delimiter", 0, "SIGN", "What stands between the fields of CSV files; \\t is a tab. [found by the header]",
       CLI_CUSTOM, &r->dialect.delimiter, parse_delimiter},
      {"decimal", 0, ".|,",
       "Decimal sign of the numbers in CSV files. The other sign may part groups of three digits. [found by the "
       "numbers]",
       CLI_CUSTOM, &r->dialect.decimal, parse_decimal},
      {"wide", 0, NULL, "Make each column of a table a series of its own, that column's name its id.", CLI_FLAG,
       &r->wide, NULL},
      {"target", 0, "LIST", "Columns to forecast. Several targets of a series are forecast jointly. [target]", CLI_TEXT,
       &r->target, NULL},
      {"covariates", 0, "LIST",
       "Columns that help the forecast: numbers or categories. Where --future has their values, these are used as "
       "well. A JSON Lines file names its own covariates.",
       CLI_TEXT, &r->covariate_text, NULL},
      {"past-covariates", 0, "LIST", "Another name of --covariates.", CLI_TEXT, &r->covariate_text, NULL},
      {"all-covariates", 0, NULL, "Take every column as a covariate that is no id, time stamp or target.", CLI_FLAG,
       &r->all_covariates, NULL},
      {"future", 0, "FILE",
       "CSV file with the covariates' values in the forecast steps, a row for each series and step. Rows of a file "
       "without ids hold for all series.",
       CLI_TEXT, &r->future, NULL},
      {"scenarios", 0, "FILE",
       "CSV file as for --future with a further column, scenario: each scenario gets a forecast. The past is encoded "
       "once for all of them, unless --attention lets it see the future.",
       CLI_TEXT, &r->scenarios, NULL},
      {"freq", 0, "F",
       "Frequency in pandas' spelling, such as 15min, h, bh, D, B, W-SUN, WOM-3FRI or MS; 1 for whole numbers. "
       "[inferred]",
       CLI_TEXT, &r->freq, NULL}};
  memcpy(out, table, sizeof table);
  return sizeof table / sizeof *table;
}

/* What is computed and written. */
static size_t list_output_options(forecast_request *r, cli_option *out) {
  const cli_option table[] = {
      {"quantile-levels", 0, "LIST", "Quantile levels to write. [0.1,0.2,...,0.9]", CLI_TEXT, &r->levels_text, NULL},
      {"cross-learning", 0, NULL, "Let all series of a pass inform each other.", CLI_FLAG, &r->cross_learning, NULL},
      {"output", 'o', "FILE",
       "Write to this file. CSV, or what its name ends in: .parquet or .arrow, by DuckDB. [standard output]", CLI_TEXT,
       &r->output, NULL},
      {"digits", 0, "N", "Significant digits of the numbers, at most 17. [as many as float32 carries]", CLI_COUNT,
       &r->digits, NULL},
      {"embed", 0, NULL, "Write the encoder's hidden states instead of a forecast: a line for each token.", CLI_FLAG,
       &r->embed, NULL},
      {"monotone", 0, NULL, "Sort the quantiles of each step, so that none crosses another.", CLI_FLAG, &r->monotone,
       NULL}};
  memcpy(out, table, sizeof table);
  return sizeof table / sizeof *table;
}

int cli_forecast(int argc, char **argv) {
  forecast_request r = {.levels_text = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"};
  cli_option options[MOST_OPTIONS] = {{.name = NULL}};
  options[0] =
      (cli_option){"horizon", 'n',        "N", "Number of steps to forecast. It is required, except with --embed.",
                   CLI_COUNT, &r.horizon, NULL};
  size_t listed = 1 + list_input_options(&r, options + 1);
  (void)list_output_options(&r, options + listed);
  int first = 0;
  int status = 0;
  c2_error err = {C2_OK, ""};
  cli_engine_init(&r.engine);
  if (!cli_parse(argc, argv, &forecast_usage, options, &r.engine, &first, &status)) return status;
  cli_located located = {.path = NULL};
  if (argc == first && !r.sql) {
    status = cli_fail_usage("forecast needs INPUT... or --sql; see 'chronos2 forecast --help'");
  } else {
    status = cli_locate_inputs(&r.engine, argv + first, (size_t)(argc - first), &located);
  }
  if (status == CLI_DONE) status = run(&r, argv + first, (size_t)(argc - first), &err);
  cli_located_free(&located);
  free_scenarios(&r.plans);
  c2_futures_close(&r.futures);
  c2_dataset_free(&r.set);
  c2_dataset_free(&r.total.words);
  free(r.series);
  free(r.covariate);
  free(r.levels);
  free(r.targets);
  free(r.covariates);
  return status;
}
