/* What a stream is asked for: the columns of both tables by what they are for, and the options, copied. */
#ifndef C2_TABLE_ROLES_H
#define C2_TABLE_ROLES_H

#include "table/timeline.h"
#include "table/source.h"

typedef struct c2_covariate_plan {
  const char *name;    /* of df's schema */
  bool is_category;
  bool knows_missing;  /* the past of the last item has a missing category */
  size_t future;       /* role in future_df; SIZE_MAX: only the past is known */
  c2_words words;      /* of categories */
  uint32_t *seen;      /* number of the item, from 1 on, that had a category last: [seen_room] */
  size_t seen_room;
  size_t unseen;       /* future values that the item never had in its past */
  size_t unseen_key;   /* id of the first of them */
} c2_covariate_plan;

/* What items lack though their forecasts go on without it, and what their forecasts lack: how many items, and the id of
 * the first of them. */
typedef struct c2_lacks {
  size_t empty, empty_key;                        /* items without an observed value */
  size_t open, open_key, longest;                 /* items that end in missing targets, and the most steps */
  size_t blank, blank_key, blank_covariate;       /* items with a covariate whose past has no observed value */
  uint32_t last_blank;                            /* number of the one that was counted last, from 1 on */
  size_t unknown, unknown_key, unknown_covariate; /* missing values of futures; no categories as the past has, too */
  size_t coarse, coarse_key;                      /* items whose bands float32 rounds */
} c2_lacks;

typedef struct c2_table_plan {
  chronos2_predict_options predict; /* with a horizon */
  size_t context_limit;             /* steps that a context has at most */
  double *unrolled;
  double *level; /* [levels] */
  size_t levels;
  size_t batch_series;
  chronos2_warning_fn on_warning;
  void *user;
  bool is_trusted, gathers, has_error_column;
  c2_keys ids;
  c2_source past, future;
  bool has_future;
  c2_timeline axis;
  size_t targets;
  c2_covariate_plan *covariate; /* [covariates]; their roles in df follow those of the targets */
  size_t covariates;
  c2_lacks lacks;
} c2_table_plan;

/* Takes both streams over. Close the plan also after a failure. `predict` is what options->predict says. */
c2_status c2_plan_open(c2_table_plan *plan, const chronos2_config *config, struct ArrowArrayStream *df,
                       struct ArrowArrayStream *future_df, const chronos2_stream_options *options,
                       const chronos2_predict_options *predict, c2_error *err);
void c2_plan_close(c2_table_plan *plan);

/* Gives the categories of df their ranks where codes are ranks, beside several targets; those that come later have
 * none. */
c2_status c2_plan_rank(c2_table_plan *plan, c2_error *err);

/* Makes a failure that concerns an item alone the item's own, where errors have a column; returns any other. */
c2_status c2_plan_excuse(const c2_table_plan *plan, c2_entry *entry, c2_status status, c2_error *err);

/* Tells the user, if somebody listens. */
C2_PRINTF(2, 3) void c2_plan_warn(const c2_table_plan *plan, const char *format, ...);

#endif
