/* What tests of `chronos2 evaluate` share: a table of two series, the files of a run, and the cells of its scores. */
#ifndef EVALUATE_H
#define EVALUATE_H

#include "program.h"

#include <math.h>

enum { STEPS = 60, SEASON = 7, HORIZON = 4, STRIDE = 3, WINDOWS = 3, SERIES = 2, METRICS = 14 };

static inline double value_at(int series, int step) {
  return 10 * series + step % SEASON + 0.25 * (step * 5 % 11);
}

static inline void write_series(const char *path) {
  char text[16384] = "item_id,timestamp,target\n";
  for (int i = 0; i < SERIES; i++) {
    for (int t = 0; t < STEPS; t++) {
      (void)snprintf(text + strlen(text), sizeof text - strlen(text), "s%d,%d,%g\n", i, t, value_at(i, t));
    }
  }
  program_write_file(path, text, strlen(text));
}

/* A cell of the scores: the line that begins with `head`, column by number from 0. NAN if it is empty. */
static inline double cell(const char *csv, const char *head, int column) {
  for (const char *line = csv; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
    if (strncmp(line, head, strlen(head)) != 0) continue;
    const char *at = line;
    for (int c = 0; c < column; c++) at = strchr(at, ',') + 1;
    return *at == ',' || *at == '\n' ? (double)NAN : strtod(at, NULL);
  }
  fail_msg("no line '%s' in %s", head, csv);
  return 0;
}

enum { FORECASTS = 3, MASE, WQL, MAE, MQL = 16 }; /* columns */

typedef struct files {
  char *folder, *input, *theirs, *scores, *bands, *forecasts, *report;
} files;

static inline int set_up(void **state) {
  files *f = calloc(1, sizeof *f);
  assert_non_null(f);
  f->folder = program_make_folder();
  f->input = program_path(f->folder, "in.csv");
  f->theirs = program_path(f->folder, "theirs.csv");
  f->scores = program_path(f->folder, "scores.csv");
  f->bands = program_path(f->folder, "bands.csv");
  f->forecasts = program_path(f->folder, "forecasts.csv");
  f->report = program_path(f->folder, "r.html");
  write_series(f->input);
  *state = f;
  return 0;
}

static inline int tear_down(void **state) {
  files *f = *state;
  program_remove_folder(f->folder);
  free(f->input);
  free(f->theirs);
  free(f->scores);
  free(f->bands);
  free(f->forecasts);
  free(f->report);
  free(f);
  return 0;
}

#define EVALUATE(f, ...)                                                                                \
  PROGRAM_RUN_LAST("evaluate", (f)->input, "--horizon", "4", "--seasonality", "7", "--quantile-levels", \
                   "0.1,0.5,0.9", "--threads", "1", __VA_ARGS__)

#endif
