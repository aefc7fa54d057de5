/* The series of a task and its evaluation windows. A window cuts each series, as fev does, into a past and the truth
 * that follows it. Series that are too short for either are left out. Series stand in the order of their ids. */
#ifndef C2_STUDY_WINDOWS_H
#define C2_STUDY_WINDOWS_H

#include <chronos2.h>
#include <stddef.h>

#include "base/pool.h"
#include "base/status.h"
#include "data/read.h"
#include "study/tasks/tasks.h"

/* One series of a task: an item of the data, or one of its targets. */
typedef struct c2_unit {
  const c2_item *item;
  size_t target; /* the only target used, or SIZE_MAX: all */
  const char *id;
} c2_unit;

typedef struct c2_task_data {
  c2_dataset set;
  bool is_table; /* the file is one, not nested series */
  c2_unit *unit; /* [units], ascending ids */
  size_t units;
  size_t targets;        /* D of every unit */
  const char *id_column; /* as used: given or found */
  size_t known, covariates; /* of every item, known ones first */
} c2_task_data;

/* Reads the data of a task. Free them also after a failure. */
c2_status c2_task_data_open(c2_task_data *data, const c2_task *task, c2_error *err);

/* The same of data that are zero but for a set that was read. */
c2_status c2_task_data_settle(c2_task_data *data, const c2_task *task, c2_error *err);
void c2_task_data_free(c2_task_data *data);

/* One window. `series` is what a model is given: each series with its targets and covariates, or with as_univariate the
 * targets one by one without covariates. It points into the data, which must outlive the window. */
typedef struct c2_window {
  size_t count;            /* N series that are long enough */
  size_t targets, horizon; /* D, H */
  size_t *unit;            /* [N] which of the task's */
  size_t *length;          /* [N] of the past */
  double **past;           /* [N], each [D][length] */
  double **truth;          /* [N], each [D][H] */
  size_t model_count;      /* N, or N * D with as_univariate */
  chronos2_series *series; /* [model_count] */
  size_t rows;             /* of one model series: targets and covariates */
  size_t longest;          /* past of all */
  const char *first_id;    /* of series 0 */
  c2_pool pool;            /* of these arrays and what they point to */
} c2_window;

/* Reads the data of a task and lets them go; it is an error where c2_window_cut would find one. */
c2_status c2_windows_check(const c2_task *task, c2_error *err);

/* Cuts window `index` of the task. It is an error if no series is long enough. Free the window also after a failure. */
c2_status c2_window_cut(c2_window *window, const c2_task_data *data, const c2_task *task, size_t index,
                        bool as_univariate, c2_error *err);
void c2_window_free(c2_window *window);

#endif
