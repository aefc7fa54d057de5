/* What a client asks for, whatever the protocol: series, how they are to be forecast, and room for the result. */
#ifndef C2_SERVE_CALL_H
#define C2_SERVE_CALL_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/status.h"
#include "data/dataset.h"

/* What may be asked for, and what is taken where nothing is said. */
typedef struct c2_call_limits {
  size_t series;                     /* of a request; C2_CALL_MEAN times as many rows: targets and covariates */
  size_t horizon;                    /* steps */
  size_t values;                     /* of a table, as c2_bounds counts them */
  size_t context_length, batch_size; /* of the server, and the most that a request may ask for */
  chronos2_pattern pattern;          /* CHRONOS2_AUTO: as the weights were trained */
  const char *model;                 /* its name */
} c2_call_limits;

enum {
  C2_CALL_LEVELS = 99, /* most quantile levels of a call */
  C2_CALL_ROWS = 1024, /* most rows of a series */
  C2_CALL_MEAN = 10    /* and of all series on average, if there were as many as may be */
};

/* How series are forecast. Calls that agree in all of this may share a pass. */
typedef struct c2_call_pass {
  size_t horizon, context_length, batch_size;
  chronos2_pattern pattern;
  bool cross_learning;
} c2_call_pass;

/* What a client wrote of a series, and wants to see again. */
typedef struct c2_given {
  bool is_nested; /* the target is an array of arrays */
  bool has_id;
  const char *frequency; /* KServe: its spelling, and the time of the first forecast step */
  const char *start;
} c2_given;

/* Zeroed at first. */
typedef struct c2_call {
  c2_dataset set;                /* its notes are what the client is warned of */
  size_t count;                  /* of the series: one for each item, or one for each of its scenarios */
  chronos2_series *series;       /* [count] */
  chronos2_covariate *covariate; /* all series' */
  c2_call_pass pass;
  c2_given *given; /* [set.count], in the set's memory */
  bool is_whole;   /* its series depend on each other, so that they must be forecast in one call of the library */
  double levels[C2_CALL_LEVELS];
  size_t level_count;
  bool levels_given;
  size_t *first;         /* [count + 1] where a series' values begin */
  double *values;        /* of each target [horizon] medians, then [horizon][level_count] */
  bool *coarse;          /* [count] whether float32 rounds the bands of a series; each has one writer */
  size_t scenarios;      /* of a kept context; else 0 */
  const char **scenario; /* [scenarios] names, or NULL; in the set's memory */
  const char *model;     /* KServe: the name that the client gave; in the set's memory */
} c2_call;

/* Reads "horizon" (or another name), levels and pattern: the members that all protocols have. They are absent where
 * `object` is NULL. */
c2_status c2_call_read_horizon(c2_call *call, const c2_json_document *doc, const c2_json *object, const char *key,
                               bool required, const c2_call_limits *limits, c2_error *err);
c2_status c2_call_read_levels(c2_call *call, const c2_json_document *doc, const c2_json *object, const char *key,
                              c2_error *err);
c2_status c2_call_read_pass(c2_call *call, const c2_json_document *doc, const c2_json *object,
                            const c2_call_limits *limits, c2_error *err);

/* Checks a series' size before it is read, and its futures' lengths: `object` is the series. */
c2_status c2_call_check_series(const c2_call *call, const c2_json_document *doc, const c2_json *object,
                               const char *target, c2_error *err);

/* Notes what makes forecasts of these pasts worth less than they might be: the call's levels and horizon, a context
 * beyond the one that the model was trained for, and more passes than one under cross_learning. */
c2_status c2_call_note_caveats(c2_call *call, const c2_dataset *pasts, const chronos2_config *config, c2_error *err);

/* Notes a pattern of attention that the weights were not trained for. */
c2_status c2_call_note_pattern(c2_call *call, const chronos2_model *model, c2_error *err);

/* Notes series of a result whose bands float32 rounds: they vary little around a large level. A series counts once,
 * however many scenarios there are of it. */
c2_status c2_call_note_coarse(c2_call *call, const c2_dataset *pasts, c2_error *err);

/* Completes a call of which all else has been read: notes what there is to warn of, makes series of the set and lays
 * out their values. Too many rows for the limits are refused, at `inputs` of the document; both are NULL where the
 * series come from a table. */
c2_status c2_call_complete(c2_call *call, const c2_json_document *doc, const c2_json *inputs,
                           const c2_call_limits *limits, const chronos2_config *config, c2_error *err);

/* Where each series' values lie; for those that make series on their own. */
c2_status c2_call_lay_out(c2_call *call, c2_error *err);

/* Patches of each row's past, as far as it is used. */
size_t c2_call_patches(const c2_call *call, size_t series, const chronos2_config *config);

/* Tokens that a series takes in a pass, covariates included; a longer horizon than one pass counts its paths, and one
 * pass of a scenario no past. */
size_t c2_call_tokens(const c2_call *call, size_t series, const chronos2_config *config);

/* Bytes of what a client wrote, as it was read, and of the series made of it. */
size_t c2_call_held(const c2_call *call);

/* Bytes of the keys and values of the encoded pasts, of `value` bytes each. */
size_t c2_call_encoded(const c2_call *call, const chronos2_config *config, size_t value);

/* Bytes of a forecast as the library gives it, of all the model's quantiles: of the series that are forecast in one go
 * however few tokens a batch may have. Those are all of a call that is whole, the series of a scenario, or one. */
size_t c2_call_quantiles(const c2_call *call, const chronos2_config *config);

/* Bytes of the values, and room for them. */
size_t c2_call_bytes(const c2_call *call);
c2_status c2_call_make_room(c2_call *call, c2_error *err);

/* Takes series `at` of a forecast as series `series` of the call. */
c2_status c2_call_take(c2_call *call, size_t series, const chronos2_forecast *forecast, size_t at,
                       const chronos2_config *config, c2_error *err);

/* [horizon] medians; [horizon][level_count] quantiles behind them. */
const double *c2_call_values(const c2_call *call, size_t series, size_t target);

void c2_call_free(c2_call *call);

#endif
