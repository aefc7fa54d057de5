/* What the files of `chronos2 forecast` share: the request, and how it is read, told of and written. */
#ifndef C2_CLI_FORECAST_H
#define C2_CLI_FORECAST_H

#include "base/caveats.h"
#include "cli/input.h"
#include "data/flow.h"
#include "data/future.h"

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
  cli_input in;
  size_t horizon;
  const char *levels_text, *future, *scenarios, *output, *report, *plot, *model_name;
  bool cross_learning, monotone, embed;
  size_t digits; /* 0: as many as float32 carries */
  double least;  /* what lies below it is written as this; NAN: as it is */
  bool round;    /* whole numbers are written */
  size_t raised; /* numbers that `least` changed */
  bool rolls;    /* the horizon is beyond one pass */
  size_t coarse; /* series whose bands are rounded; the first one, cut; and whether --digits does it, not float32 */
  char coarse_id[80];
  bool coarse_by_digits;
  char unclear[C2_CAVEAT_ROOM]; /* what is to be said of time stamps that a zone's clock doesn't show once, or "" */
  double *levels;
  size_t level_count;
  c2_futures *futures; /* NULL without --future and --scenarios */
  char **paths;        /* [path_count] the inputs */
  size_t path_count;
  const char *parts;   /* path of a table that is read in parts, or NULL */
  bool sorted;         /* it is, since its rows come apart */
  c2_flow_total total; /* of it, once it was read */
  char reason[500];    /* why it can't be, or "" */
  bool may_sort;       /* whether it may be when it is sorted */
  bool was_warned;     /* of what the model's configuration says */
  size_t context;      /* steps that the model sees at most */
  bool encoded;        /* the pasts of scenarios are, once, under this pattern: */
  chronos2_pattern encoding;
  scenarios plans;
  chronos2_series *series;       /* [in.set.count] */
  chronos2_covariate *covariate; /* all series' */
  char summary[C2_SUMMARY_ROOM];
  struct forecast_drawing *drawing; /* NULL without --report and --plot */
} forecast_request;

/* ---- forecast_read.c ---- */

/* Those for forecasts, and the status of one, whose text is chronos2_last_error with a series' id. */
chronos2_predict_options forecast_predict_options(const forecast_request *r);
c2_status forecast_status(const forecast_request *r, chronos2_status status, c2_error *err);

/* Whether the inputs may be a table that is read in parts. Where a large one isn't, `reason` may say why. */
bool forecast_is_in_parts(forecast_request *r, char **paths, size_t count);

/* Reads all files and the query into `in.set`, and the futures, and makes series of them. */
c2_status forecast_read_inputs(forecast_request *r, char **paths, size_t count, c2_error *err);

/* ---- forecast_parts.c ---- */

/* Reads a table in parts, and forecasts and writes each of them while the next one is read. Without `out` it is only
 * read, into `total`. Where the table is not in order, `reason` says why, and what was written is void. It ends early
 * where `out` can't be written to, for which whoever closes that has the reason. */
c2_status forecast_parts(forecast_request *r, chronos2_session *session, FILE *out, c2_error *err);

/* ---- forecast_write.c: CSV ---- */

/* A target's numbers as they are written: point [horizon], at_levels [horizon][levels]. `raised` counts those that
 * --min changed; it may be NULL. */
c2_status forecast_values(const forecast_request *r, const chronos2_forecast *f, size_t series, size_t target,
                          double *point, double *at_levels, size_t *raised, c2_error *err);

/* Whether numbers are written to a file's columns of float32. */
bool forecast_has_floats(const forecast_request *r);

void forecast_write_header(const forecast_request *r, FILE *out);

/* Writes all items, which are the forecast's series from `first` on. `scenario` may be NULL. */
c2_status forecast_write_items(forecast_request *r, const chronos2_forecast *f, size_t first, const char *scenario,
                               FILE *out, c2_error *err);

c2_status forecast_write_embeddings(const forecast_request *r, const chronos2_embedding *e, size_t d_model, FILE *out,
                                    c2_error *err);

/* Sets the SQL types of a forecast's or of embeddings' columns, and returns how many there are. The last one is that of
 * all numbers. */
size_t forecast_column_types(const forecast_request *r, const char *out[6]);

/* The zone of all time stamps, or NULL. */
const char *forecast_zone(const forecast_request *r);

/* ---- forecast_draw.c: --report and --plot ---- */

/* Sets r->drawing. Where neither was asked for, these functions do nothing. Free it also after a failure. */
c2_status forecast_draw_open(forecast_request *r, const chronos2_model *model, chronos2_session *session,
                             c2_error *err);

/* All items of the set. Without scenarios forecast[0] has them; with scenarios it has those of one scenario after the
 * other, or each scenario has a forecast of its own. */
c2_status forecast_draw_items(const forecast_request *r, chronos2_forecast *const *forecast, bool together,
                              c2_error *err);

/* The files are complete; they appear. */
c2_status forecast_draw_close(const forecast_request *r, c2_error *err);
c2_status forecast_draw_commit(const forecast_request *r, c2_error *err);
void forecast_draw_free(forecast_request *r);

/* ---- forecast_tell.c: standard error ---- */

/* Tells in one line of items, rows, frequency, and what was filled in or left out. */
void forecast_summarise(forecast_request *r);

/* What helps a series whose rows go on behind the last observation; NULL if it is done already. */
const char *forecast_future_hint(const forecast_request *r);

/* Warns of everything that is to be warned of before a forecast by a model of this configuration. */
void forecast_warn(forecast_request *r, const chronos2_config *config);

/* Tells how the numbers that were written differ from the model's. */
void forecast_tell_changes(const forecast_request *r);

#endif
