/* The study: over tasks and radii, how much attention a sparse pattern keeps, what it costs in accuracy
 * and what it gains in time and memory. */
#ifndef C2_STUDY_RUN_H
#define C2_STUDY_RUN_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/json_writer.h"
#include "base/status.h"
#include "study/files/checksum.h"
#include "study/measure/example.h"
#include "study/files/lock.h"
#include "study/progress.h"
#include "study/files/tables.h"
#include "study/tasks/tasks.h"
#include "study/measure/trained.h"

typedef struct c2_study_options {
  const char *model_folder, *tasks, *prefix;
  const char *model_name;    /* in tables */
  const char *from_csv;      /* the folder that the numbers were read from; NULL: measured */
  const char *command;       /* that a shell would run this again with, for the record */
  const char *exclude_regex; /* NULL: none */
  size_t most_tasks;         /* 0: all */
  const double *radii;       /* [radius_count] of the probe, ascending, whole or INFINITY */
  size_t radius_count;
  const double *perf_radii; /* [perf_radius_count] of the comparison; none: the probe alone */
  double verdict_radius;    /* if it is among them; else the smallest is taken */
  size_t perf_radius_count;
  size_t probe_windows; /* of a task, for the probe; 0: all */
  size_t probe_series;  /* of a window, drawn with `seed`; 0: all */
  size_t probe_batch, perf_batch, repeats, split, chunk_size, seed;
  size_t context_length; /* 0: the model's */
  double margin;         /* of equivalence, as a share of the score: 0.01 */
  size_t draws;          /* of the bootstrap intervals */
  bool exclude_reg, include_padded, as_univariate;
  bool resume;                      /* go on from PREFIX__partial.json where it is there */
  bool restart;                     /* drop it; without either, a run stops where it is there */
  bool blind_arm, visible_arms, null_arms; /* beside the published ones: see c2_arm */
  const chronos2_head *ablate;             /* [ablate_count] heads that go blind together, and then all others */
  size_t ablate_count;
  bool find_sinks;                  /* each head goes blind alone */
  const char *adapter_folder;       /* merged into the model, for the record; NULL: none */
  const char *sparse_model_folder;  /* a second model's weights, at full attention and the perf_radii; NULL: none */
  const char *sparse_model_name;    /* in tables */
  chronos2_dtype dtype;             /* of the models, for the record */
  chronos2_session_options session; /* its attention and radius aren't read, its reg_global is */
} c2_study_options;

enum { C2_REDRAWS = 256 }; /* of a task's series */

/* What was measured on one task. */
typedef struct c2_task_result {
  c2_mass_row *mass; /* [mass_count]: window by window, radius by radius */
  size_t mass_count;
  c2_head_row *head; /* [layers * heads * radius_count] */
  size_t head_count;
  c2_perf_row *perf; /* [arms]; NULL for the probe alone */
  double *redrawn;   /* [arms][2][C2_REDRAWS], see c2_evaluation_redraw; NULL: series aren't known */
  c2_baseline_row naive;
  c2_example example;              /* with perf */
  char checksum[C2_CHECKSUM_ROOM]; /* of the data file */
  bool finished;
} c2_task_result;

typedef struct c2_study {
  c2_study_options options;
  c2_arm *arm;                     /* [arms] full; windowed_future_global by perf radius; then the rest */
  size_t arms;                     /* none: the probe alone */
  chronos2_head *head;             /* those that blind arms point to; NULL without such arms */
  c2_equivalence_row *equivalence; /* [2 * arms]: see c2_study_equivalence; those of arm 0 are trivial */
  c2_task_list tasks;
  c2_task_result *result; /* [tasks.count] */
  size_t done;            /* results so far */
  size_t layers, heads;   /* of the model that is probed */
  c2_lock lock;           /* on the prefix */
  c2_look look;
  char trained[C2_TRAINED_ROOM];         /* what the weights were trained for; empty if that isn't known */
  char sparse_trained[C2_TRAINED_ROOM];  /* the sparse model's, likewise */
  char model_checksum[C2_CHECKSUM_ROOM]; /* over those of its files */
  char adapter_checksum[C2_CHECKSUM_ROOM];
  char sparse_checksum[C2_CHECKSUM_ROOM];
  char tasks_checksum[C2_CHECKSUM_ROOM]; /* of the task file */
  char isa[16];
  int threads;
  c2_table_context table;
  c2_mass_summary_row *mass; /* [radius_count] */
  c2_test_row *test;         /* [perf_radius_count] */
  c2_sink_row *sink;         /* [layers * heads]; NULL: not known, as with from_csv */
  c2_sink_row *ranked;       /* likewise, by loss; NULL without find_sinks */
  size_t uniform;            /* tasks whose kept mass shows uniform attention */
  char reproduced[512];      /* a line; with from_csv */
  char **warning;            /* [warnings] one line each */
  size_t warnings, warning_room;
  void (*say)(const char *line); /* a task's end; may be NULL, as the next one */
  void (*progress)(const c2_progress *progress);
  void (*warn)(const char *line);
} c2_study;

/* Runs it and writes its files. The caller sets options, say and warn of a zeroed study; free it also after
 * a failure. `sparse_model` goes with sparse_model_folder. With `resume` the tasks that an earlier run of the same
 * options, models and data finished aren't run again; a run that differs in what its results depend on is refused. */
c2_status c2_study_run(c2_study *study, const chronos2_model *model, const chronos2_model *sparse_model, c2_error *err);
void c2_study_free(c2_study *study);

/* After the results were taken in: drops what an interrupted run would go on from. */
void c2_study_forget_partial(const c2_study *study);

/* Prints a table by radius, where the results lie, and the verdict. */
void c2_study_print(const c2_study *study, FILE *out);

/* ---- Between the study's own files ------------------------------------------------------------ */

/* arms.c */
c2_status c2_study_choose_arms(c2_study *study, c2_error *err);
void c2_study_print_arms(const c2_study *study, FILE *out);

/* equivalence.c; the row of an arm is C2_MASE's or C2_WQL's */
c2_status c2_study_sum_equivalence(c2_study *study, c2_error *err);
const c2_equivalence_row *c2_study_equivalence(const c2_study *study, size_t arm, c2_metric metric);
void c2_equivalence_say(const c2_equivalence_row *row, const char *name, char *out, size_t room);

/* sinks.c: after c2_study_sum_equivalence */
c2_status c2_study_sum_sinks(c2_study *study, c2_error *err);
void c2_study_print_sinks(const c2_study *study, FILE *out);

/* verdict.c: sums over tasks, and what is wrong with them. */
c2_status c2_study_sum(c2_study *study, c2_error *err);
C2_PRINTF(3, 4) c2_status c2_study_warn(c2_study *study, c2_error *err, const char *format, ...);
enum { C2_VERDICT_LINES = 4, C2_VERDICT_ROOM = 384 };
size_t c2_study_verdict_radius(const c2_study *study); /* index into perf_radii: what is looked at closely */
void c2_study_verdict(const c2_study *study, char line[C2_VERDICT_LINES][C2_VERDICT_ROOM]);

/* run.c: a line for the user. */
C2_PRINTF(2, 3) void c2_study_say(const c2_study *study, const char *format, ...);

/* record.c: PREFIX__run.json */
char *c2_study_path(const c2_study *study, const char *name); /* PREFIXname; NULL if memory is out; free with free() */
void c2_processor_name(char *out, size_t room);
c2_status c2_record_begin(c2_study *study, c2_error *err); /* locks the prefix; fails now if it can't be written */
void c2_record_put(c2_json_writer *w, const char *key, const c2_study *study);
c2_status c2_record_write(const c2_study *study, c2_error *err);

/* partial.c: PREFIX__partial.json, with the tasks that are done. c2_partial_begin does as `resume` and `restart` want,
 * and fills the results that are there. */
c2_status c2_partial_begin(c2_study *study, c2_error *err);
c2_status c2_partial_write(const c2_study *study, c2_error *err);

/* Guards a finished task's numbers [n], in their order in the file, and texts against damage. */
c2_status c2_partial_seal(const double *numbers, size_t n, const char *id_column, const char *series,
                          char out[C2_CHECKSUM_ROOM], c2_error *err);

#endif
