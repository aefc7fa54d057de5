/* Per-task CSV files to a study. */
#include "study/from_csv.h"

#include <dirent.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/text.h"
#include "study/results/baselines.h"
#include "study/tasks/index.h"
#include "study/files/report.h"
#include "study/files/sheet.h"

/* What a folder holds. */
typedef struct source {
  char *prefix; /* folder/P */
  double *radius;
  size_t radii, room;
  c2_index tasks; /* by name */
} source;

enum { MOST_RADII = 1024 };

/* ---- Finding the files ----------------------------------------------------------------------- */

/* "8.csv" or "inf.csv". */
static bool read_radius(const char *text, double *radius) {
  size_t digits = strspn(text, "0123456789");
  *radius = digits ? strtod(text, NULL) : (double)INFINITY;
  return digits ? digits < 10 && strcmp(text + digits, ".csv") == 0 : strcmp(text, "inf.csv") == 0;
}

/* Length of P if the file is one of P's per-task files, else 0. */
static size_t prefix_of(const char *name, double *radius) {
  static const char *const kinds[] = {"__perf_full.csv", "__perf_sparse_r", "__perf_compare_r"};
  *radius = (double)NAN;
  for (size_t k = 0; k < 3; k++) {
    const char *at = strstr(name, kinds[k]);
    if (!at || at == name) continue;
    const char *rest = at + strlen(kinds[k]);
    if (k == 0 ? *rest == '\0' : read_radius(rest, radius)) return (size_t)(at - name);
  }
  return 0;
}

static c2_status add_radius(source *s, double radius, c2_error *err) {
  size_t at = 0;
  if (isnan(radius)) return C2_OK;
  while (at < s->radii && s->radius[at] < radius) at++;
  if (at < s->radii && s->radius[at] == radius) return C2_OK;
  if (s->radii == MOST_RADII) C2_FAIL(err, C2_ERR_FORMAT, "expected at most %d radii in a study's files", MOST_RADII);
  C2_TRY(c2_grow_array(&s->radius, &s->room, s->radii + 1, sizeof *s->radius, err));
  memmove(s->radius + at + 1, s->radius + at, (s->radii - at) * sizeof *s->radius);
  s->radius[at] = radius;
  s->radii++;
  return C2_OK;
}

static c2_status add_file(source *s, const char *folder, const char *name, c2_error *err) {
  double radius = 0;
  size_t n = prefix_of(name, &radius);
  if (n == 0) return C2_OK;
  if (!s->prefix) {
    char *short_name = c2_strndup(name, n);
    c2_status status = short_name ? c2_path_join(&s->prefix, folder, short_name, err)
                                  : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
    free(short_name);
    C2_TRY(status);
  }
  const char *known = s->prefix + strlen(folder);
  known += strspn(known, "/");
  if (strlen(known) != n || strncmp(known, name, n) != 0) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: expected the files of one study, found those of '%.60s' and '%.*s'", folder, known,
            (int)n, name);
  }
  return add_radius(s, radius, err);
}

static c2_status find(source *s, const char *folder, c2_error *err) {
  struct dirent *entry = NULL;
  DIR *dir = opendir(folder);
  if (!dir) C2_FAIL(err, C2_ERR_IO, "%s: cannot read the folder: %s", folder, strerror(errno));
  c2_status status = C2_OK;
  while (status == C2_OK && (entry = readdir(dir))) status = add_file(s, folder, entry->d_name, err);
  (void)closedir(dir);
  C2_TRY(status);
  if (s->radii == 0) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s: expected files P__perf_full.csv and P__perf_sparse_r*.csv, or P__perf_compare_r*.csv", folder);
  }
  return C2_OK;
}

static c2_status path_of(const source *s, c2_table table, double radius, char **path, bool *there, c2_error *err) {
  *path = c2_table_path(s->prefix, table, radius);
  if (!*path) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  *there = c2_file_exists(*path);
  return C2_OK;
}

/* Opens a table if the folder has it. */
static c2_status open_sheet(const source *s, c2_table table, double radius, c2_sheet *sheet, bool *there,
                            c2_error *err) {
  char *path = NULL;
  memset(sheet, 0, sizeof *sheet);
  C2_TRY(path_of(s, table, radius, &path, there, err));
  c2_status status = *there ? c2_sheet_open(sheet, path, err) : C2_OK;
  free(path);
  return status;
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

/* A cell's text, which is printed later. */
static c2_status keep(c2_study *s, const c2_sheet *sheet, size_t row, size_t column, const char **out, c2_error *err) {
  const char *text = c2_sheet_text(sheet, row, column);
  if (!c2_text_plain(text, strlen(text))) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%s': expected a text without control characters", sheet->path,
            sheet->line[row], sheet->csv.header[column]);
  }
  char *copy = c2_strdup(text);
  if (!copy) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a name");
  *out = copy;
  return c2_tasks_own(&s->tasks, copy, err);
}

/* The tasks of a file, in its order. */
static c2_status read_tasks(c2_study *s, const c2_sheet *sheet, c2_index *names, c2_error *err) {
  size_t name = 0;
  size_t before = 0;
  size_t again = 0;
  C2_TRY(c2_csv_column(&sheet->csv, "task_name", &name, err));
  for (size_t i = 0; i < sheet->rows; i++) {
    c2_task task = {.num_windows = 1, .seasonality = 1};
    C2_TRY(keep(s, sheet, i, name, &task.name, err));
    if (c2_csv_has_column(&sheet->csv, "horizon")) C2_TRY(c2_sheet_whole(sheet, i, "horizon", &task.horizon, err));
    if (c2_csv_has_column(&sheet->csv, "num_windows")) {
      C2_TRY(c2_sheet_whole(sheet, i, "num_windows", &task.num_windows, err));
    }
    if (c2_csv_has_column(&sheet->csv, "seasonality")) {
      C2_TRY(c2_sheet_whole(sheet, i, "seasonality", &task.seasonality, err));
    }
    C2_TRY(c2_grow_array(&s->tasks.task, &s->tasks.capacity, s->tasks.count + 1, sizeof task, err));
    s->tasks.task[s->tasks.count++] = task;
  }
  C2_TRY(c2_index_open(names, &s->tasks.task->name, s->tasks.count, sizeof *s->tasks.task, err));
  if (c2_index_twice(names, &before, &again)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: task '%.80s' is there already, on line %zu", sheet->path, sheet->line[again],
            s->tasks.task[again].name, sheet->line[before]);
  }
  return C2_OK;
}

static c2_status make_room(c2_study *s, c2_error *err) {
  C2_TRY(c2_alloc_array(s->tasks.count, sizeof *s->result, &s->result, err));
  s->done = s->tasks.count;
  for (size_t i = 0; i < s->done; i++) {
    c2_task_result *r = &s->result[i];
    C2_TRY(c2_alloc_array(s->arms, sizeof *r->perf, &r->perf, err));
    r->naive.task = &s->tasks.task[i];
    for (size_t m = 0; m < C2_METRICS; m++) r->naive.score[m] = (double)NAN;
  }
  return C2_OK;
}

/* ---- Scores, times, memory ------------------------------------------------------------------- */

/* What a number can be; an empty cell is always a missing one. */
typedef struct limits {
  double least, most;
  const char *expected;
} limits;

static const limits score_limits = {0, DBL_MAX, "a finite number >= 0"};
static const limits ratio_limits = {0, INFINITY, "a number >= 0"}; /* over a sum of values, which may be 0 */
static const limits time_limits = {DBL_MIN, DBL_MAX, "a finite number > 0"};
static const limits share_limits = {0, 1.001, "a share from 0 to 1"}; /* of float32 sums */

static c2_status number(const c2_sheet *sheet, size_t row, const char *name, const char *suffix, bool optional,
                        const limits *within, double *out, c2_error *err) {
  char full_name[C2_COLUMN_ROOM];
  (void)snprintf(full_name, sizeof full_name, "%s%s", name, suffix);
  C2_TRY(c2_sheet_named(sheet, row, full_name, optional, out, err));
  if (*out < within->least || *out > within->most) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%s': expected %s, found %.6g", sheet->path, sheet->line[row],
            full_name, within->expected, *out);
  }
  return C2_OK;
}

/* One side of a row: suffix "_full", "_sparse", or "" in perf files. */
static c2_status read_perf(const c2_sheet *sheet, size_t row, const char *suffix, c2_perf_row *out, c2_error *err) {
  const double nan = (double)NAN;
  double forecasts = nan;
  const struct {
    const char *name;
    bool optional;
    const limits *within;
    double *out;
  } columns[] = {{"num_forecasts", true, &score_limits, &forecasts},
                 {"MASE", false, &score_limits, &out->score[C2_MASE]},
                 {"WQL", true, &ratio_limits, &out->score[C2_WQL]},
                 {"inference_time_s_median", false, &time_limits, &out->median_s},
                 {"inference_time_s_mean", true, &time_limits, &out->mean_s},
                 {"inference_time_s_std", true, &score_limits, &out->deviation_s},
                 {"peak_alloc_mb_median", false, &score_limits, &out->alloc_median_mb},
                 {"peak_alloc_mb_max", true, &score_limits, &out->alloc_max_mb},
                 {"peak_reserved_mb_median", false, &score_limits, &out->reserved_median_mb},
                 {"peak_reserved_mb_max", true, &score_limits, &out->reserved_max_mb}};
  for (size_t m = 0; m < C2_METRICS; m++) out->score[m] = nan;
  out->pass_s = out->least_s = out->speedup = out->speedup_low = out->speedup_high = nan;
  for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
    C2_TRY(number(sheet, row, columns[i].name, suffix, columns[i].optional, columns[i].within, columns[i].out, err));
  }
  out->num_forecasts = forecasts < 1e15 ? (size_t)forecasts : 0;
  return C2_OK;
}

/* An arm of all tasks; every task must be there once, and no other. */
static c2_status read_arm(c2_study *s, const source *from, const c2_sheet *sheet, const char *suffix, size_t arm,
                          c2_error *err) {
  size_t name = 0;
  C2_TRY(c2_csv_column(&sheet->csv, "task_name", &name, err));
  for (size_t i = 0; i < sheet->rows; i++) {
    const char *text = c2_sheet_text(sheet, i, name);
    size_t task = c2_index_find(&from->tasks, text);
    if (task == SIZE_MAX) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: task '%.80s' is not among those of full attention", sheet->path,
              sheet->line[i], text);
    }
    c2_perf_row *row = &s->result[task].perf[arm];
    double full = row->score[C2_MASE];
    bool again = row->task != NULL;
    if (again && arm > 0) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: task '%.80s' is there twice", sheet->path, sheet->line[i], text);
    }
    row->task = &s->tasks.task[task];
    C2_TRY(read_perf(sheet, i, suffix, row, err));
    if (arm > 0) row->speedup = s->result[task].perf[0].median_s / row->median_s;
    if (again && row->score[C2_MASE] != full) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: task '%.80s': MASE of full attention is %.17g here, %.17g elsewhere",
              sheet->path, sheet->line[i], text, row->score[C2_MASE], full);
    }
  }
  for (size_t i = 0; i < s->done; i++) {
    if (!s->result[i].perf[arm].task) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: task '%.80s' is missing", sheet->path, s->tasks.task[i].name);
    }
  }
  return C2_OK;
}

/* "NAME__full" */
static c2_status read_model_name(c2_study *s, const c2_sheet *sheet, c2_error *err) {
  size_t column = 0;
  if (!c2_csv_has_column(&sheet->csv, "model_name")) return C2_OK;
  C2_TRY(c2_csv_column(&sheet->csv, "model_name", &column, err));
  C2_TRY(keep(s, sheet, 0, column, &s->options.model_name, err));
  char *end = strstr(s->options.model_name, "__full");
  if (end) *end = '\0';
  return C2_OK;
}

static c2_status read_full(c2_study *s, source *from, c2_error *err) {
  c2_sheet sheet;
  bool there = false;
  bool compare = false;
  c2_status status = open_sheet(from, C2_TABLE_PERF_FULL, 0, &sheet, &there, err);
  if (status == C2_OK && !there) {
    compare = true;
    status = open_sheet(from, C2_TABLE_COMPARE, from->radius[0], &sheet, &there, err);
  }
  if (status == C2_OK && !there) {
    status = c2_fail(err, C2_ERR_FORMAT, "%s__perf_full.csv: expected this file", from->prefix);
  }
  if (status == C2_OK) status = read_tasks(s, &sheet, &from->tasks, err);
  if (status == C2_OK) status = make_room(s, err);
  if (status == C2_OK) status = read_arm(s, from, &sheet, compare ? "_full" : "", 0, err);
  if (status == C2_OK) status = read_model_name(s, &sheet, err);
  c2_sheet_close(&sheet);
  return status;
}

static c2_status read_sparse(c2_study *s, const source *from, size_t arm, c2_error *err) {
  c2_sheet sheet;
  bool there = false;
  double radius = from->radius[arm - 1];
  c2_status status = open_sheet(from, C2_TABLE_PERF_SPARSE, radius, &sheet, &there, err);
  if (status == C2_OK && there) {
    status = read_arm(s, from, &sheet, "", arm, err);
  } else if (status == C2_OK) {
    status = open_sheet(from, C2_TABLE_COMPARE, radius, &sheet, &there, err);
    if (status == C2_OK) status = read_arm(s, from, &sheet, "_full", 0, err);
    if (status == C2_OK) status = read_arm(s, from, &sheet, "_sparse", arm, err);
  }
  c2_sheet_close(&sheet);
  return status;
}

/* What only the t-test files say. */
static c2_status read_backend(c2_study *s, const source *from, c2_error *err) {
  c2_sheet sheet;
  bool there = false;
  size_t column = 0;
  const char *text = NULL;
  c2_status status = open_sheet(from, C2_TABLE_TTEST, from->radius[0], &sheet, &there, err);
  if (status == C2_OK && there && c2_csv_has_column(&sheet.csv, "backend")) {
    status = c2_csv_column(&sheet.csv, "backend", &column, err);
    if (status == C2_OK) status = keep(s, &sheet, 0, column, &text, err);
    if (status == C2_OK) s->table.backend = text;
  }
  if (status == C2_OK && there && c2_csv_has_column(&sheet.csv, "chunk_size")) {
    status = c2_sheet_whole(&sheet, 0, "chunk_size", &s->table.chunk_size, err);
  }
  c2_sheet_close(&sheet);
  return status;
}

/* ---- The probe ------------------------------------------------------------------------------- */

static c2_status read_mass_row(const c2_sheet *sheet, size_t row, const c2_task *task, c2_mass_row *out,
                               c2_error *err) {
  const double nan = (double)NAN;
  c2_share *share = &out->share;
  *out = (c2_mass_row){.task_name = task->name, .horizon = task->horizon};
  *share = (c2_share){.uniform = nan, .best = nan, .future = nan, .distance = nan, .entropy = nan};
  share->keys_90 = share->keys_99 = nan;
  for (size_t i = 0; i < C2_FIXED_KEYS; i++) share->fixed[i] = nan;
  C2_TRY(c2_sheet_named(sheet, row, "radius", false, &out->radius, err));
  C2_TRY(number(sheet, row, "kept_mass_frac_ctxQ", "", false, &share_limits, &share->mass, err));
  C2_TRY(number(sheet, row, "kept_edges_frac_ctxQ", "", false, &share_limits, &share->edges, err));
  C2_TRY(number(sheet, row, "uniform_mass_frac_ctxQ", "", true, &share_limits, &share->uniform, err));
  C2_TRY(number(sheet, row, "best_mass_frac_ctxQ", "", true, &share_limits, &share->best, err));
  C2_TRY(number(sheet, row, "probe_weight_sum", "", false, &score_limits, &out->queries, err));
  C2_TRY(c2_sheet_whole(sheet, row, "window_index", &out->window, err));
  C2_TRY(c2_sheet_whole(sheet, row, "S_tokens", &out->tokens, err));
  C2_TRY(c2_sheet_whole(sheet, row, "ctx_tokens", &out->context_tokens, err));
  C2_TRY(c2_sheet_whole(sheet, row, "q_sel_ctx_queries", &out->query_positions, err));
  if (!(out->radius >= 0)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column 'radius': expected a number >= 0", sheet->path, sheet->line[row]);
  }
  return C2_OK;
}

static int by_window_and_radius(const void *a, const void *b) {
  const c2_mass_row *x = a;
  const c2_mass_row *y = b;
  if (x->window != y->window) return x->window < y->window ? -1 : 1;
  return (x->radius > y->radius) - (x->radius < y->radius);
}

/* Every window of every task at every radius, once. */
static c2_status check_grid(c2_study *s, const c2_sheet *sheet, const source *probe, c2_error *err) {
  for (size_t i = 0; i < s->done; i++) {
    c2_task_result *r = &s->result[i];
    if (r->mass_count) qsort(r->mass, r->mass_count, sizeof *r->mass, by_window_and_radius);
    bool whole = r->mass_count > 0 && r->mass_count % probe->radii == 0;
    for (size_t k = 0; whole && k < r->mass_count; k++) {
      whole = r->mass[k].radius == probe->radius[k % probe->radii] &&
              r->mass[k].window == r->mass[k - k % probe->radii].window;
    }
    if (!whole) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: task '%.80s': expected each of %zu radii once for every window", sheet->path,
              s->tasks.task[i].name, probe->radii);
    }
  }
  return C2_OK;
}

static c2_status read_mass(c2_study *s, const source *from, const c2_sheet *sheet, source *probe, c2_error *err) {
  size_t name = 0;
  size_t *room = NULL; /* [tasks] */
  C2_TRY(c2_csv_column(&sheet->csv, "task_name", &name, err));
  c2_status status = c2_alloc_array(s->tasks.count, sizeof *room, &room, err);
  for (size_t i = 0; status == C2_OK && i < sheet->rows; i++) {
    size_t task = c2_index_find(&from->tasks, c2_sheet_text(sheet, i, name));
    if (task == SIZE_MAX) {
      status = c2_fail(err, C2_ERR_FORMAT, "%s:%zu: task '%.80s' is not among those of full attention", sheet->path,
                       sheet->line[i], c2_sheet_text(sheet, i, name));
      break;
    }
    c2_task_result *r = &s->result[task];
    c2_mass_row row;
    status = read_mass_row(sheet, i, &s->tasks.task[task], &row, err);
    if (status == C2_OK) status = add_radius(probe, row.radius, err);
    if (status == C2_OK) status = c2_grow_array(&r->mass, &room[task], r->mass_count + 1, sizeof row, err);
    if (status == C2_OK) r->mass[r->mass_count++] = row;
  }
  free(room);
  return status == C2_OK ? check_grid(s, sheet, probe, err) : status;
}

/* Radii of the probe; without one, those of the comparison, and means of nothing. */
static c2_status read_probe(c2_study *s, const source *from, c2_error *err) {
  c2_sheet sheet;
  bool there = false;
  source probe = {0};
  c2_status status = open_sheet(from, C2_TABLE_MASS_PER_WINDOW, 0, &sheet, &there, err);
  if (status == C2_OK && there) status = read_mass(s, from, &sheet, &probe, err);
  for (size_t i = 0; status == C2_OK && !there && i < from->radii; i++) {
    status = add_radius(&probe, from->radius[i], err);
  }
  c2_sheet_close(&sheet);
  s->options.radii = probe.radius;
  s->options.radius_count = probe.radii;
  c2_status kept = c2_tasks_own(&s->tasks, probe.radius, err);
  return status == C2_OK ? kept : status;
}

/* ---- Seasonal naive -------------------------------------------------------------------------- */

/* From the study's own baselines; else, for tasks that have one, from published results. */
static c2_status read_naive(c2_study *s, const source *from, c2_error *err) {
  c2_sheet sheet;
  bool there = false;
  size_t name = 0;
  c2_status status = open_sheet(from, C2_TABLE_BASELINES, 0, &sheet, &there, err);
  if (status == C2_OK && there) status = c2_csv_column(&sheet.csv, "task_name", &name, err);
  for (size_t i = 0; status == C2_OK && there && i < sheet.rows; i++) {
    size_t task = c2_index_find(&from->tasks, c2_sheet_text(&sheet, i, name));
    if (task == SIZE_MAX) continue;
    double *score = s->result[task].naive.score;
    status = number(&sheet, i, "MASE", "", false, &score_limits, &score[C2_MASE], err);
    if (status == C2_OK) status = number(&sheet, i, "WQL", "", true, &ratio_limits, &score[C2_WQL], err);
  }
  c2_sheet_close(&sheet);
  for (size_t i = 0; status == C2_OK && i < s->done; i++) {
    c2_baseline_row *naive = &s->result[i].naive;
    const c2_published *p = c2_published_find(naive->task->name, naive->task->horizon);
    naive->num_forecasts = s->result[i].perf[0].num_forecasts;
    naive->mase_full = s->result[i].perf[0].score[C2_MASE];
    if (there || !p || naive->task->num_windows != 1) continue;
    naive->score[C2_MASE] = p->score[0][0];
    naive->score[C2_WQL] = p->score[0][1];
  }
  return status;
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* Output must not land on what is read. */
static c2_status check_prefix(const c2_study *s, const source *from, const char *folder, c2_error *err) {
  const char *out = s->options.prefix;
  const char *slash = strrchr(out, '/');
  const char *name = strrchr(from->prefix, '/') + 1;
  char *out_folder = slash ? c2_strndup(out, (size_t)(slash - out) + 1) : c2_strdup(".");
  struct stat here;
  struct stat there;
  if (!out_folder) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  bool same = stat(out_folder, &here) == 0 && stat(folder, &there) == 0 && here.st_dev == there.st_dev &&
              here.st_ino == there.st_ino && strcmp(slash ? slash + 1 : out, name) == 0;
  free(out_folder);
  if (same) C2_FAIL(err, C2_ERR_ARGUMENT, "--out-prefix %s: would overwrite the files that are read", out);
  return C2_OK;
}

static c2_status read_all(c2_study *s, source *from, const char *folder, c2_error *err) {
  C2_TRY(find(from, folder, err));
  C2_TRY(check_prefix(s, from, folder, err));
  s->options.perf_radii = from->radius;
  s->options.perf_radius_count = from->radii;
  s->options.blind_arm = s->options.visible_arms = s->options.null_arms = false;
  s->options.sparse_model_folder = NULL;
  s->options.model_name = "unknown";
  s->table = (c2_table_context){.prefix = s->options.prefix,
                                .backend = "",
                                .pattern = chronos2_attention_name(CHRONOS2_WINDOWED_FUTURE_GLOBAL),
                                .chunk_size = s->options.chunk_size,
                                .split = s->options.split};
  C2_TRY(c2_study_choose_arms(s, err));
  C2_TRY(c2_record_begin(s, err));
  C2_TRY(read_full(s, from, err));
  for (size_t k = 1; k < s->arms; k++) C2_TRY(read_sparse(s, from, k, err));
  C2_TRY(read_backend(s, from, err));
  C2_TRY(read_probe(s, from, err));
  s->table.model = s->options.model_name;
  return read_naive(s, from, err);
}

static c2_status write_comparison(const c2_study *s, const c2_perf_row *rows, const c2_baseline_row *naive,
                                  c2_error *err) {
  const double *radii = s->options.perf_radii;
  size_t n = s->done;
  size_t count = s->options.perf_radius_count;
  for (size_t k = 0; k < count; k++) {
    C2_TRY(c2_write_compare(&s->table, &radii[k], 1, rows, rows + (k + 1) * n, naive, n, false, err));
    C2_TRY(c2_write_ttest(&s->table, &s->test[k], err));
  }
  C2_TRY(c2_write_compare(&s->table, radii, count, rows, rows + n, naive, n, true, err));
  C2_TRY(c2_write_sweep(&s->table, s->test, count, err));
  C2_TRY(c2_write_summary(&s->table, s->test, count, err));
  C2_TRY(c2_write_equivalence(&s->table, s->arm, s->arms, s->equivalence, err));
  return c2_write_baselines(&s->table, naive, n, err);
}

static c2_status write_files(const c2_study *s, c2_error *err) {
  c2_perf_row *rows = NULL; /* [arms][done] */
  c2_baseline_row *naive = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(s->done, sizeof *naive, &naive, err));
  C2_GOTO(c2_alloc_array(s->arms * s->done, sizeof *rows, &rows, err));
  for (size_t i = 0; i < s->done; i++) {
    naive[i] = s->result[i].naive;
    for (size_t k = 0; k < s->arms; k++) rows[k * s->done + i] = s->result[i].perf[k];
  }
  if (s->result[0].mass_count) C2_GOTO(c2_write_mass_summary(&s->table, s->mass, s->options.radius_count, err));
  C2_GOTO(write_comparison(s, rows, naive, err));
fail:
  free(rows);
  free(naive);
  return status;
}

c2_status c2_study_from_csv(c2_study *study, const char *folder, c2_error *err) {
  source from = {0};
  study->options.from_csv = folder;
  c2_status status = read_all(study, &from, folder, err);
  if (status == C2_OK) status = c2_study_sum(study, err);
  study->look.trained = 2 * study->uniform < study->done; /* weights were not looked at */
  if (status == C2_OK) status = c2_suspect(study, err);
  if (status == C2_OK) status = write_files(study, err);
  if (status == C2_OK) status = c2_reproduce(study, from.prefix, err);
  if (status == C2_OK) status = c2_report_write(study, err);
  if (status == C2_OK) status = c2_record_write(study, err);
  c2_status kept = c2_tasks_own(&study->tasks, from.radius, err);
  c2_index_close(&from.tasks);
  free(from.prefix);
  return status == C2_OK ? kept : status;
}
