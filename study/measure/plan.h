/* What a study is asked to do. Nothing changes these options while it runs. */
#ifndef C2_STUDY_PLAN_H
#define C2_STUDY_PLAN_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "study/measure/arm.h"
#include "study/statistics/metrics.h"
#include "study/tasks/tasks.h"

/* Radii in ascending order, each once. */
typedef struct c2_radii {
  const double *at; /* [count] whole or INFINITY */
  size_t count;
} c2_radii;

typedef struct c2_plan {
  const char *model_folder, *tasks, *prefix;
  const char *model_name;    /* in tables */
  c2_data_source *source;    /* of the tasks' data sets that are no files; NULL: all are */
  const char *from_csv;      /* the folder that the numbers are read from; NULL: they are measured */
  const char *command;       /* that a shell would run this again with, for the record */
  const char *exclude_regex; /* NULL: none */
  size_t most_tasks;         /* 0: all */
  c2_metric_list metrics;    /* of the comparison, the leading one first; none: see c2_choose_metrics */
  c2_radii radii;            /* of the probe */
  c2_radii perf_radii;       /* of the comparison; none: the probe alone */
  double verdict_radius;     /* if it is compared; else the smallest is taken */
  bool verdict_radius_given; /* then it must be compared */
  size_t probe_windows;      /* of a task, for the probe; 0: all */
  size_t probe_series;       /* of a window, drawn with `seed`; 0: all */
  size_t probe_batch;        /* rows of a pass of the probe, which has at least those of one series */
  size_t perf_batch, repeats, split, chunk_size, seed;
  size_t context_length; /* 0: the model's */
  double margin;         /* of equivalence, as a share of the score: 0.01 */
  size_t draws;          /* of the bootstrap intervals */
  bool exclude_reg;    /* REG is not among the probe's queries */
  bool include_padded; /* queries at padding are probed too; needs a session of the reference backend */
  bool as_univariate;
  bool resume;                             /* go on from PREFIX__partial.json where it is there */
  bool restart;                            /* drop it; without either, a run stops where it is there */
  bool blind_arm, visible_arms, null_arms; /* beside the published ones: see c2_arm */
  c2_heads ablate;                         /* heads that go blind together, and then all others */
  bool find_sinks;                         /* each head goes blind alone */
  const char *adapter_folder;              /* merged into the model, for the record; NULL: none */
  const char *sparse_model_folder;         /* a second model's weights, at full attention and the perf_radii; or NULL */
  const char *sparse_adapter_folder;       /* merged into it, likewise */
  const char *sparse_model_name;           /* in tables */
  chronos2_dtype dtype;                    /* of the models, for the record */
  chronos2_session_options session;        /* its attention and radius aren't read, its reg_global is */
} c2_plan;

/* Turns of the timed arms before those that are timed. On a GPU the first grows the workspace, which each arm began
 * anew, to the largest; in the second each pass runs there once, and the third makes the passes' graphs. */
static inline size_t c2_untimed_turns(const c2_plan *plan) {
  return plan->session.device && strncmp(plan->session.device, "cuda", 4) == 0 ? 3 : 0;
}

#endif
