/* How commands read series: options, files, and what is said of them. */
#include "cli/input.h"

#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/caveats.h"
#include "base/infile.h"
#include "base/outfile.h"
#include "base/text.h"
#include "data/keep.h"
#include "data/missing.h"
#include "data/reader.h"
#include "data/series.h"

/* ---- Options --------------------------------------------------------------------------------- */

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
  if (!tab && (strlen(text) != 1 || !strchr(C2_CSV_SIGNS, *text))) {
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

c2_status cli_input_check(cli_input *in, c2_error *err) {
  static const char *const usual[] = {"target"};
  c2_error why;
  if (in->target_text) {
    C2_TRY(read_columns("target", in->target_text, NULL, 0, &in->targets, &in->target_count, err));
  }
  if (in->covariate_text && in->all_covariates) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "expected --covariates or --all-covariates, not both");
  }
  if (in->wide && (in->all_covariates || in->id_column)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--wide: each column is a series, so --%s has no meaning; leave one out",
            in->id_column ? "id-column" : "all-covariates");
  }
  if (in->database && !in->sql) C2_FAIL(err, C2_ERR_ARGUMENT, "--db: expected --sql beside it");
  if (in->covariate_text) {
    char **targets = in->targets ? in->targets : (char **)(uintptr_t)usual;
    size_t count = in->targets ? in->target_count : 1;
    C2_TRY(read_columns("covariates", in->covariate_text, targets, count, &in->covariates, &in->covariate_count, err));
  }
  if (in->freq_text && c2_freq_parse(in->freq_text, &in->freq, &why) != C2_OK) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--freq: %s", why.text);
  }
  return C2_OK;
}

static bool same_name(const cli_input *in, const char *a, const char *b) {
  return (in->ignores_case ? strcasecmp(a, b) : strcmp(a, b)) == 0;
}

c2_status cli_input_check_keys(const cli_input *in, c2_error *err) {
  const char *id = c2_id_name(in->id_column);
  if (!same_name(in, id, c2_stamp_name(in->timestamp_column))) return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: '%s' can't name the ids and the time stamps: expected another name",
          in->id_column ? "id-column" : "timestamp-column", id);
}

c2_status cli_input_check_names(const cli_input *in, const char *const *names, size_t count, c2_error *err) {
  const char *const given[] = {in->id_column, in->timestamp_column};
  for (size_t i = 0; i < 2 * count; i++) {
    if (!given[i % 2] || !same_name(in, given[i % 2], names[i / 2])) continue;
    C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: the output has a column '%s' of its own; expected another name",
            i % 2 ? "timestamp-column" : "id-column", names[i / 2]);
  }
  return C2_OK;
}

c2_status cli_input_check_levels(const cli_input *in, const double *levels, size_t count, c2_error *err) {
  for (size_t q = 0; q < count; q++) {
    char level[C2_FLOAT_ROOM];
    const char *name = level;
    c2_double_text(level, levels[q], DBL_DIG); /* as cli_print_double writes it */
    C2_TRY(cli_input_check_names(in, &name, 1, err));
  }
  return C2_OK;
}

size_t cli_input_options(cli_input *in, cli_option *out) {
  const cli_option table[] = {
      {"id-column", 0, "NAME", "Column that names the series. A file without it holds one series. [item_id]", CLI_TEXT,
       &in->id_column, NULL},
      {"timestamp-column", 0, "NAME",
       "Column of the time stamps: dates, years or whole numbers. Without it the rows are counted. [timestamp]",
       CLI_TEXT, &in->timestamp_column, NULL},
      {"sql", 0, "QUERY",
       "Read the rows of this SELECT, by DuckDB. It may name files, as in FROM 'sales/*.parquet', and with --db the "
       "tables of a database. Nothing is written.",
       CLI_TEXT, &in->sql, NULL},
      {"db", 0, "FILE", "DuckDB database that --sql reads.", CLI_TEXT, &in->database, NULL},
      {"time-format", 0, "FORMAT",
       "How time stamps are written, as strptime has it: '%d.%m.%Y %H:%M'. %s are seconds since 1970 and %q is a "
       "quarter. [ISO 8601, or found by the column]",
       CLI_CUSTOM, in->dialect.time_format, parse_time_format},
      {"delimiter", 0, "SIGN", "What stands between the fields of CSV files; \\t is a tab. [found by the header]",
       CLI_CUSTOM, &in->dialect.delimiter, parse_delimiter},
      {"decimal", 0, ".|,",
       "Decimal sign of the numbers in CSV files. The other sign may part groups of three digits. [found by the "
       "numbers]",
       CLI_CUSTOM, &in->dialect.decimal, parse_decimal},
      {"wide", 0, NULL, "Make each column of a table a series of its own, that column's name its id.", CLI_FLAG,
       &in->wide, NULL},
      {"target", 0, "LIST", "Columns to forecast. Several targets of a series are forecast jointly. [target]", CLI_TEXT,
       &in->target_text, NULL},
      {"covariates", 0, "LIST",
       "Columns that help the forecast: numbers or categories. A JSON Lines file names its own covariates.",
       CLI_TEXT, &in->covariate_text, NULL},
      {"past-covariates", 0, "LIST", "Another name of --covariates.", CLI_TEXT, &in->covariate_text, NULL},
      {"all-covariates", 0, NULL, "Take every column as a covariate that is no id, time stamp or target.", CLI_FLAG,
       &in->all_covariates, NULL},
      {"freq", 0, "F",
       "Frequency in pandas' spelling, such as 15min, h, bh, D, B, W-SUN, WOM-3FRI or MS; 1 for whole numbers. "
       "[inferred]",
       CLI_TEXT, &in->freq_text, NULL}};
  memcpy(out, table, sizeof table);
  return sizeof table / sizeof *table;
}

/* ---- Files ------------------------------------------------------------------------------------ */

static c2_status read_sql(cli_input *in, const c2_read_options *options, c2_error *err) {
  c2_input input;
  c2_status status = c2_input_open_sql(&input, in->sql, in->database, options->dialect, err);
  if (status == C2_OK) status = c2_input_read(&input, &in->set, options, err);
  c2_input_close(&input);
  return status;
}

c2_read_options cli_input_reading(const cli_input *in) {
  return (c2_read_options){.id_column = in->id_column,
                           .timestamp_column = in->timestamp_column,
                           .targets = (const char *const *)in->targets,
                           .target_count = in->target_count,
                           .covariates = (const char *const *)in->covariates,
                           .covariate_count = in->covariate_count,
                           .all_covariates = in->all_covariates,
                           .wide = in->wide,
                           .dialect = &in->dialect,
                           .freq = in->freq_text ? &in->freq : NULL};
}

c2_status cli_input_read(cli_input *in, char **paths, size_t count, c2_error *err) {
  c2_read_options options = cli_input_reading(in);
  if (count > 0) C2_TRY(c2_dataset_read_all(&in->set, (const char *const *)paths, count, &options, err));
  if (in->sql) C2_TRY(read_sql(in, &options, err));
  C2_TRY(c2_dataset_count_steps(&in->set, err));
  return c2_dataset_join_kinds(&in->set, err);
}

c2_status cli_input_series(const c2_dataset *set, size_t horizon, chronos2_series **series,
                           chronos2_covariate **covariate, c2_error *err) {
  size_t at = 0;
  const c2_covariate *odd = c2_series_odd_future(set, horizon, &at);
  if (odd) {
    const c2_item *item = &set->item[at];
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s:%zu: series '%s': covariate '%s': %zu future values, expected the horizon's %zu", item->file,
            item->line, item->id, odd->name, odd->future_length, horizon);
  }
  return c2_series_make(set, series, covariate, err);
}

c2_status cli_input_check_steps(const c2_dataset *set, size_t horizon, c2_error *err) {
  for (size_t i = 0; i < set->count; i++) {
    const c2_item *item = &set->item[i];
    if (!item->has_start || !item->has_freq) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: series '%s': expected a start and a freq (or --freq)", item->file,
              item->line, item->id);
    }
    c2_time last;
    c2_error why;
    size_t steps = item->length + horizon;
    if (steps > 0 && c2_freq_add(&item->freq, item->start, (int64_t)(steps - 1), &last, &why) != C2_OK) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: series '%s': its forecast would end too late: %s", item->file, item->line,
              item->id, why.text);
    }
  }
  return C2_OK;
}

/* JSON Lines name their covariates themselves. */
static c2_status check_covariates(const cli_input *in, const c2_dataset *set, c2_error *err) {
  for (size_t k = 0; k < in->covariate_count; k++) {
    bool found = set->count == 0;
    for (size_t i = 0; i < set->count && !found; i++) {
      const c2_item *item = &set->item[i];
      for (size_t c = 0; c < item->covariates && !found; c++) {
        found = strcmp(item->covariate[c].name, in->covariates[k]) == 0;
      }
    }
    if (found) continue;
    C2_FAIL(err, C2_ERR_ARGUMENT, "--covariates: no series has a covariate '%.80s', and no input is a table",
            in->covariates[k]);
  }
  return C2_OK;
}

c2_status cli_input_check_use(const cli_input *in, c2_dataset *set, bool ids, bool stamps, c2_error *err) {
  const struct {
    const char *name;
    bool given, used;
  } options[] = {{"covariates", in->covariate_count > 0, set->has_past_table},
                 {"all-covariates", in->all_covariates, set->has_past_table},
                 {"id-column", in->id_column != NULL, set->has_table || ids},
                 {"timestamp-column", in->timestamp_column != NULL, set->has_table || stamps},
                 {"time-format", in->dialect.time_format[0] != '\0', set->has_table},
                 {"delimiter", in->dialect.delimiter != '\0', set->has_csv},
                 {"decimal", in->dialect.decimal != '\0', set->has_csv}};
  enum { OPTIONS = sizeof options / sizeof options[0] };
  char names[200] = "";
  size_t count = 0;
  if (!set->has_past_table) C2_TRY(check_covariates(in, set, err));
  for (size_t i = 0; i < OPTIONS; i++) {
    if (!options[i].given || options[i].used) continue;
    size_t used = strlen(names);
    (void)snprintf(names + used, sizeof names - used, "%s--%s", count++ > 0 ? ", " : "", options[i].name);
  }
  if (in->dialect.time_format[0] && set->has_table && !set->dialect.has_time_texts) {
    C2_TRY(c2_dataset_note(set, err, "--time-format has no effect: no table has time stamps that are texts"));
  }
  if (count == 0) return C2_OK;
  return c2_dataset_note(set, err, "%s ha%s no effect: no input is %s", names, count == 1 ? "s" : "ve",
                         set->has_past_table ? "CSV" : "a table of series");
}

/* ---- What is said ----------------------------------------------------------------------------- */

void cli_input_warn(const c2_dataset *set) {
  for (size_t i = 0; i < set->notes; i++) cli_warn("%s", set->note[i]);
}

void cli_drop_futures(c2_dataset *set, const char *why) {
  size_t dropped = 0;
  for (size_t i = 0; i < set->count; i++) {
    for (size_t c = 0; c < set->item[i].covariates; c++) {
      c2_covariate *covariate = &set->item[i].covariate[c];
      dropped += covariate->future_length > 0;
      covariate->future = NULL;
      covariate->future_text = NULL;
      covariate->future_length = 0;
    }
  }
  if (dropped > 0) {
    cli_warn("%s: known futures are ignored, those of %zu covariate%s", why, dropped, dropped == 1 ? "" : "s");
  }
}

void cli_warn_passes(const c2_dataset *set, size_t most, const char *option) {
  c2_passes passes = c2_series_passes(set, most);
  char line[C2_CAVEAT_ROOM];
  c2_caveat_passes(&passes, option, line);
  if (line[0]) cli_warn("%s", line);
}

c2_status cli_input_tell(c2_dataset *set, char summary[C2_SUMMARY_ROOM], c2_error *err) {
  c2_missing missing = {.hint = NULL};
  c2_dataset_summarise(set, summary);
  cli_note("%s", summary);
  C2_TRY(c2_missing_count(&missing, set, set, err));
  C2_TRY(c2_missing_note_pasts(&missing, set, err));
  cli_input_warn(set);
  return C2_OK;
}

void cli_input_free(cli_input *in) {
  c2_dataset_free(&in->set);
  free(in->targets);
  free(in->covariates);
}

/* ---- A command over series -------------------------------------------------------------------- */

/* A name that ends in another format's would mislead whoever opens the file. Endings of no format may be taken. */
static c2_status check_name(const cli_output *o, c2_error *err) {
  static const struct {
    const char *end;
    unsigned contents; /* bits */
  } known[] = {{".csv", 1 << CLI_ROWS | 1 << CLI_TABLE},
               {".parquet", 1 << CLI_TABLE},
               {".pq", 1 << CLI_TABLE},
               {".arrow", 1 << CLI_TABLE},
               {".arrows", 1 << CLI_TABLE},
               {".feather", 1 << CLI_TABLE},
               {".ipc", 1 << CLI_TABLE},
               {".html", 1 << CLI_PAGE},
               {".svg", 1 << CLI_PICTURE},
               {".json", 0},
               {".jsonl", 0},
               {".ndjson", 0},
               {".tsv", 0},
               {".xlsx", 0},
               {".xls", 0},
               {".ods", 0},
               {".gz", 0},
               {".zst", 0},
               {".zip", 0},
               {".png", 0},
               {".jpg", 0},
               {".pdf", 0}};
  enum { KNOWN = sizeof known / sizeof known[0] };
  char expected[128] = "";
  size_t n = 0;
  bool other = false;
  for (size_t i = 0; i < KNOWN && *o->path; i++) {
    if (known[i].contents & 1u << o->content) {
      n += (size_t)snprintf(expected + n, sizeof expected - n, "%s%s", n > 0 ? ", " : "", known[i].end);
    } else if (c2_text_ends(*o->path, known[i].end)) {
      other = true;
    }
  }
  if (!other) return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: %s: its ending names a format that is not written; expected %s", o->option,
          *o->path, expected);
}

static c2_status keep_files(const cli_series_command *c, char **paths, size_t count, c2_error *err) {
  for (size_t i = 0; i < c->outputs; i++) {
    const char *path = *c->output[i].path;
    if (i > 0 && !path) continue;
    C2_TRY(cli_keep_inputs(path, c->engine, (const char *const *)paths, count, err));
    for (size_t k = 0; k < sizeof c->further / sizeof c->further[0]; k++) {
      if (c->further[k]) C2_TRY(cli_keep_inputs(path, c->engine, c->further[k], 1, err));
    }
    C2_TRY(cli_keep_inputs(path, c->engine, &c->in->database, 1, err));
    if (c->in->sql) C2_TRY(c2_keep_query(path, c->in->sql, err));
    for (size_t k = 0; k < i; k++) {
      const char *other = *c->output[k].path;
      if (k == 0 && !other && !c->yields) other = "-";
      if (other && c2_outfile_same(path, other)) {
        C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: %s is the place of --%s", c->output[i].option, path, c->output[k].option);
      }
    }
  }
  for (size_t i = 0; i < c->outputs; i++) C2_TRY(check_name(&c->output[i], err));
  return C2_OK;
}

static const char *name_option(const cli_series_command *c, const void *target) {
  const cli_option *o = c->options;
  while (o->name && o->target != target) o++;
  return o->name ? o->name : "?";
}

c2_status cli_check_standard_input(char **paths, size_t count, bool *is_one, c2_error *err) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) found += c2_is_standard_input(paths[i]);
  *is_one = found > 0;
  if (found < 2) return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "expected one input '-', found %zu: standard input is read once", found);
}

static c2_status check_standard_input(const cli_series_command *c, char **paths, size_t count, c2_error *err) {
  bool is_one = false;
  C2_TRY(cli_check_standard_input(paths, count, &is_one, err));
  for (size_t k = 0; k < sizeof c->further / sizeof c->further[0] && is_one; k++) {
    if (!c->further[k] || !*c->further[k] || !c2_is_standard_input(*c->further[k])) continue;
    C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: '%s' is an input already: standard input is read once",
            name_option(c, c->further[k]), *c->further[k]);
  }
  return C2_OK;
}

static int run_on(const cli_series_command *c, char **paths, size_t count, cli_located *located) {
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  c2_error err = {.code = C2_OK};
  if (c->check(c->request, &err) != C2_OK) return cli_fail_error(&err);
  if (check_standard_input(c, paths, count, &err) != C2_OK) return cli_fail_error(&err);
  *c->model_name = c->engine->model ? c->engine->model : cli_name_of(cli_default_model());
  int opened = cli_engine_locate(c->engine);
  if (opened == CLI_DONE) opened = cli_locate_inputs(c->engine, paths, count, located);
  if (opened != CLI_DONE) return opened;
  if (keep_files(c, paths, count, &err) != C2_OK) return cli_fail_error(&err);
  if (c->read(c->request, paths, count, &err) != C2_OK) return cli_fail_error(&err);
  opened = cli_engine_open(c->engine, &model, &session);
  if (opened != CLI_DONE) return opened;
  c2_status status = c->work(c->request, model, session, &err);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return status == C2_OK ? cli_flush_output() : cli_fail_error(&err);
}

int cli_series_run(const cli_series_command *c, int argc, char **argv) {
  int first = 0;
  int status = 0;
  cli_located located = {.path = NULL};
  if (!cli_parse(argc, argv, c->usage, c->options, c->engine, &first, &status)) return status;
  char **paths = argv + first;
  size_t count = (size_t)(argc - first);
  if (count == 0 && !c->in->sql) {
    return cli_fail_usage("%s needs INPUT... or --sql; see 'chronos2 %s --help'", c->usage->command, c->usage->command);
  }
  status = run_on(c, paths, count, &located);
  cli_located_free(&located);
  return status;
}
