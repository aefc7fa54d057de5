/* What the files of `chronos2 forecast` share: the request, and how it is read, told of and written. */
#ifndef C2_CLI_FORECAST_H
#define C2_CLI_FORECAST_H

#include "cli/cli.h"
#include "data/flow.h"
#include "data/future.h"
#include "data/read.h"

enum { FORECAST_MOST_DIGITS = 17 }; /* that tell a double from all others */

/* Every scenario's series, one scenario after the other, and what they hold. */
typedef struct scenarios {
  size_t count;
  chronos2_series *series;        /* [count][items] */
  chronos2_covariate **covariate; /* [count] */
  chronos2_forecast **forecast;   /* [count]; where all are forecast together, the first one holds all */
} scenarios;

typedef struct forecast_request {
  cli_engine engine;
  size_t horizon;
  const char *levels_text, *id_column, *timestamp_column, *target, *covariate_text, *future, *scenarios, *freq, *output,
      *sql, *database;
  bool all_covariates, wide, cross_learning, monotone, embed;
  c2_dialect dialect;
  size_t digits; /* 0: as many as float32 carries */
  double *levels;
  size_t level_count;
  char **targets, **covariates;
  size_t target_count, covariate_count;
  c2_freq frequency;
  c2_dataset set;
  c2_futures *futures; /* NULL without --future and --scenarios */
  c2_flow_total total; /* of a table that is read in parts */
  const char *parts;   /* its path, or NULL */
  scenarios plans;
  chronos2_series *series;       /* [set.count] */
  chronos2_covariate *covariate; /* all series' */
} forecast_request;

/* ---- forecast_read.c ---- */

/* The request's options for readers; they point into it. */
c2_read_options forecast_read_options(const forecast_request *r);

/* Reads all files and the query into `set`, and the futures; or sets `parts`, and the table is left to c2_flow. */
c2_status forecast_read_inputs(forecast_request *r, char **paths, size_t count, c2_error *err);

/* That each item says when its steps are, up to the last one that is forecast. */
c2_status forecast_check_items(const forecast_request *r, c2_error *err);

/* ---- forecast_write.c: CSV ---- */

void forecast_write_header(const forecast_request *r, FILE *out);

/* All items, which are the forecast's series from `first` on. `scenario` may be NULL. */
c2_status forecast_write_items(const forecast_request *r, const chronos2_forecast *f, size_t first,
                               const char *scenario, FILE *out, c2_error *err);

c2_status forecast_write_embeddings(const forecast_request *r, const chronos2_embedding *e, size_t d_model, FILE *out,
                                    c2_error *err);

/* SQL types of the columns of a forecast or of embeddings, the last one that of all numbers; how many. */
size_t forecast_column_types(const forecast_request *r, const char *out[6]);

/* ---- forecast_tell.c: standard error ---- */

/* One line: items, rows, frequency, and what was filled in or left out. */
void forecast_summarise(const forecast_request *r);

void forecast_warn_of_empty(const forecast_request *r);

/* Everything to warn of before a forecast by a model of this configuration. */
void forecast_warn(const forecast_request *r, const chronos2_config *config);

#endif
