/* Task files of fev. A task says which series are forecast, how far, at which times, and how the forecasts are scored.
 *
 *     tasks:
 *     - dataset_path: sales.csv      # relative to the task file
 *       dataset_config: sales        # the task's name
 *       horizon: 28
 *       seasonality: 7
 *
 * Fields, defaults and checks are fev's. Unknown fields, wrong types and impossible values are errors that name file,
 * line and column. No data are read here. A dataset_path may lead anywhere, by .. or from the root. So a task file
 * chooses what is read, as a command line does: run those of others as you would run their commands. */
#ifndef C2_STUDY_TASKS_H
#define C2_STUDY_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/status.h"
#include "study/statistics/metrics.h"
#include "time/calendar.h"

typedef struct c2_names {
  const char **name;
  size_t count;
} c2_names;

typedef struct c2_task {
  const char *file; /* the task file */
  size_t line;      /* of this task, from 1 */
  const char *name; /* task_name, else dataset_config, else the data file's name without its ending */
  const char *dataset_path, *dataset_config; /* as given; the second may be NULL */
  c2_names data;                             /* the files: dataset_path, seen from here; none until they are found */
  size_t horizon, num_windows, seasonality;
  bool cutoff_is_time;
  int64_t initial_cutoff;  /* index of the first step to forecast; below 0 counted from the end */
  c2_time cutoff_time;     /* last stamp of the first past, if cutoff_is_time */
  const char *cutoff_text; /* as given, if cutoff_is_time */
  size_t step;             /* between windows, in steps */
  const char *step_text;   /* a frequency instead of a number of steps; NULL: `step` counts */
  c2_freq step_freq;
  size_t min_context;
  size_t max_context; /* 0: none */
  c2_metric eval_metric;
  c2_metric_list extra;
  const double *levels; /* ascending, each in (0, 1) */
  size_t level_count;
  const char *id_column, *timestamp_column; /* NULL: not given */
  c2_names target;
  bool target_is_list;
  c2_names univariate; /* generate_univariate_targets_from */
  bool univariate_all; /* ... is __ALL__ */
  c2_names known, past, statics;
} c2_task;

/* Where those data sets are found that are no files beside the task file. */
typedef struct c2_data_source c2_data_source;
struct c2_data_source {
  bool (*knows)(const char *dataset_path); /* whether this may be the name of one */

  /* Finds the files of a data set, at least one. The caller frees the array and each path. `config` may be NULL. */
  c2_status (*find)(c2_data_source *source, const char *dataset_path, const char *config, char ***files,
                    size_t *count, c2_error *err);
};

typedef struct c2_task_list {
  c2_data_source *source; /* borrowed; NULL: data sets are files. Set it before the list is read */
  c2_task *task;
  size_t count, capacity;
  c2_pool pool; /* of texts and arrays that live as long as the list */
} c2_task_list;

/* Reads a task file, or tasks.yaml if the path is a folder. Free the list also after a failure. */
c2_status c2_tasks_read(c2_task_list *list, const char *path, c2_error *err);
void c2_tasks_free(c2_task_list *list);

/* Drops the tasks whose name matches a POSIX extended regular expression (NULL: none of them), and then all but the
 * first `most` (0: none of them). It is an error if no task is left. */
c2_status c2_tasks_select(c2_task_list *list, const char *exclude_regex, size_t most, c2_error *err);

/* Finds the files of those data sets that the list's source knows. */
c2_status c2_tasks_find_data(c2_task_list *list, c2_error *err);

/* Whether two tasks, whose data are the same, forecast a column both. */
bool c2_tasks_overlap(const c2_task *a, const c2_task *b);

#endif
