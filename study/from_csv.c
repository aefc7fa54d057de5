/* A study whose results are read: per-task CSV files of another one, ours or the published one. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/text.h"
#include "data/lookup.h"
#include "study/files/record.h"
#include "study/files/schema.h"
#include "study/results/published.h"
#include "study/study.h"

enum { MOST_RADII = 1024 };

/* Ascending, each once. The array is in the pool of the results' tasks. */
typedef struct radius_set {
  double *at; /* [MOST_RADII] */
  size_t count;
} radius_set;

/* What a folder holds. */
typedef struct source {
  char *prefix; /* folder/P */
  radius_set compared, probed;
  c2_lookup tasks; /* by name */
  c2_sheet sheet;  /* the file that is read, one at a time */
  c2_journal *journal;
} source;

/* ---- Finding the files ----------------------------------------------------------------------- */

/* Length of P if the file is one of P's per-task files, else 0. */
static size_t prefix_of(const char *name, double *radius) {
  static const char *const kinds[] = {"__perf_full.csv", "__perf_sparse_r", "__perf_compare_r"};
  *radius = (double)NAN;
  for (size_t k = 0; k < 3; k++) {
    const char *at = strstr(name, kinds[k]);
    if (!at || at == name) continue;
    const char *rest = at + strlen(kinds[k]);
    if (k == 0 ? *rest == '\0' : c2_radius_read(rest, radius, &rest) && strcmp(rest, ".csv") == 0) {
      return (size_t)(at - name);
    }
  }
  return 0;
}

static c2_status add_radius(radius_set *set, double radius, c2_error *err) {
  size_t i = 0;
  if (isnan(radius)) return C2_OK;
  while (i < set->count && set->at[i] < radius) i++;
  if (i < set->count && set->at[i] == radius) return C2_OK;
  if (set->count == MOST_RADII) {
    C2_FAIL(err, C2_ERR_FORMAT, "expected at most %d radii in a study's files", MOST_RADII);
  }
  memmove(set->at + i + 1, set->at + i, (set->count - i) * sizeof *set->at);
  set->at[i] = radius;
  set->count++;
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
  return add_radius(&s->compared, radius, err);
}

static c2_status find(source *s, const char *folder, c2_error *err) {
  struct dirent *entry = NULL;
  DIR *dir = opendir(folder);
  if (!dir) C2_FAIL(err, C2_ERR_IO, "%s: cannot read the folder: %s", folder, strerror(errno));
  c2_status status = C2_OK;
  while (status == C2_OK && (entry = readdir(dir))) status = add_file(s, folder, entry->d_name, err);
  (void)closedir(dir);
  C2_TRY(status);
  if (s->compared.count == 0) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s: expected files P__perf_full.csv and P__perf_sparse_r*.csv, or P__perf_compare_r*.csv", folder);
  }
  return C2_OK;
}

/* Opens a table; one that the folder does not have has no rows. */
static c2_status open_sheet(source *s, c2_study_table table, double radius, c2_error *err) {
  char path[C2_PATH_ROOM];
  c2_study_table_path(s->prefix, table, radius, path);
  c2_sheet_close(&s->sheet);
  return c2_file_exists(path) ? c2_sheet_open(&s->sheet, path, err) : C2_OK;
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

/* A text that is printed later. */
static c2_status keep(c2_results *r, const c2_sheet *sheet, size_t row, const char *column, const char **out,
                      c2_error *err) {
  const char *text = NULL;
  C2_TRY(c2_sheet_cell(sheet, row, column, &text, err));
  if (!c2_text_plain(text, strlen(text))) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%s': expected a text without control characters", sheet->path,
            sheet->line[row], column);
  }
  return c2_pool_text(&r->tasks.pool, text, out, err);
}

/* The metrics that a task names in a column, as "MASE" or "['RMSE', 'MAE']", if it is there. */
static c2_status read_metrics(const source *from, size_t row, const char *column, c2_task *task, c2_error *err) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  const char *at = NULL;
  if (!c2_header_has(&from->sheet.csv.names, column)) return C2_OK;
  C2_TRY(c2_sheet_cell(&from->sheet, row, column, &at, err));
  for (at += strcspn(at, letters); *at; at += strcspn(at, letters)) {
    size_t n = strspn(at, letters);
    char name[40];
    c2_error unknown;
    c2_metric metric = C2_MASE;
    (void)snprintf(name, sizeof name, "%.*s", (int)c2_min_size(n, sizeof name - 1), at);
    at += n;
    if (c2_metric_find(name, column, &metric, &unknown) == C2_OK) {
      (void)c2_metric_add(&task->extra, metric);
    } else {
      C2_TRY(c2_journal_warn(from->journal, err, "task '%.80s' names a metric '%s', which is not known: it is left out",
                             task->name, name));
    }
  }
  return C2_OK;
}

/* The tasks of a file, in its order. */
static c2_status read_tasks(c2_results *r, source *from, c2_study_table table, c2_error *err) {
  const c2_sheet *sheet = &from->sheet;
  c2_lookup *names = &from->tasks;
  size_t first = 0;
  for (size_t i = 0; i < sheet->rows; i++) {
    c2_task task = {.num_windows = 1, .seasonality = 1};
    C2_TRY(keep(r, sheet, i, "task_name", &task.name, err));
    C2_TRY(c2_fields_read(table, C2_PART_TASK, sheet, i, &task, err));
    C2_TRY(read_metrics(from, i, "eval_metric", &task, err));
    C2_TRY(read_metrics(from, i, "extra_metrics", &task, err));
    C2_TRY(c2_grow_array(&r->tasks.task, &r->tasks.capacity, r->tasks.count + 1, sizeof task, err));
    r->tasks.task[r->tasks.count++] = task;
    C2_TRY(c2_lookup_add(names, task.name, &first, err));
    if (first < i) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: task '%.80s' is there already, on line %zu", sheet->path, sheet->line[i],
              task.name, sheet->line[first]);
    }
  }
  C2_TRY(c2_results_open_tasks(r, err));
  r->done = r->tasks.count;
  for (size_t i = 0; i < r->done; i++) {
    C2_TRY(c2_alloc_array(r->arms, sizeof *r->task[i].perf, &r->task[i].perf, err));
    c2_fields_clear(C2_TABLE_BASELINES, C2_PART_RESULT, &r->task[i]);
  }
  return C2_OK;
}

/* Which task a row is of. */
static c2_status find_task(const source *from, size_t row, size_t *task, c2_error *err) {
  const c2_sheet *sheet = &from->sheet;
  const char *text = NULL;
  C2_TRY(c2_sheet_cell(sheet, row, "task_name", &text, err));
  if (c2_lookup_find(&from->tasks, text, task)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: task '%.80s' is not among those of full attention", sheet->path,
          sheet->line[row], text);
}

/* ---- Scores, times, memory ------------------------------------------------------------------- */

/* One row; `again`: another file told this arm before, and must have told the same. */
static c2_status read_perf(c2_results *r, const c2_sheet *sheet, size_t row, c2_study_table table, size_t task,
                           size_t arm, bool again, c2_error *err) {
  c2_perf *perf = &r->task[task].perf[arm];
  double before = perf->score[C2_MASE];
  c2_part part = table == C2_TABLE_COMPARE && arm == 0 ? C2_PART_FULL : C2_PART_PERF;
  c2_fields_clear(C2_TABLE_PERF_FULL, C2_PART_PERF, perf);
  C2_TRY(c2_fields_read(table, part, sheet, row, perf, err));
  if (arm > 0) perf->speedup = r->task[task].perf[0].median_s / perf->median_s;
  bool same = perf->score[C2_MASE] == before || (isnan(before) && isnan(perf->score[C2_MASE])); /* NaN: missing */
  if (again && !same) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: task '%.80s': MASE of full attention is %.17g here, %.17g elsewhere",
            sheet->path, sheet->line[row], r->task[task].task->name, perf->score[C2_MASE], before);
  }
  return C2_OK;
}

/* An arm of all tasks; every task must be there once, and no other. */
static c2_status read_arm(c2_results *r, const source *from, c2_study_table table, size_t arm, bool again,
                          c2_error *err) {
  const c2_sheet *sheet = &from->sheet;
  bool *seen = NULL; /* [tasks] */
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(r->done, sizeof *seen, &seen, err));
  for (size_t i = 0; i < sheet->rows; i++) {
    size_t task = 0;
    C2_GOTO(find_task(from, i, &task, err));
    if (seen[task]) {
      C2_GOTO(c2_fail(err, C2_ERR_FORMAT, "%s:%zu: task '%.80s' is there twice", sheet->path, sheet->line[i],
                      r->task[task].task->name));
    }
    seen[task] = true;
    C2_GOTO(read_perf(r, sheet, i, table, task, arm, again, err));
  }
  for (size_t i = 0; i < r->done; i++) {
    if (seen[i]) continue;
    C2_GOTO(c2_fail(err, C2_ERR_FORMAT, "%s: task '%.80s' is missing", sheet->path, r->task[i].task->name));
  }
fail:
  free(seen);
  return status;
}

/* A text of the first row, if the column is there. */
static c2_status read_text(c2_results *r, const c2_sheet *sheet, const char *name, const char **out, c2_error *err) {
  return c2_header_has(&sheet->csv.names, name) ? keep(r, sheet, 0, name, out, err) : C2_OK;
}

static c2_status read_full(c2_results *r, source *from, c2_error *err) {
  c2_study_table table = C2_TABLE_PERF_FULL;
  C2_TRY(open_sheet(from, table, 0, err));
  if (from->sheet.rows == 0) {
    table = C2_TABLE_COMPARE;
    C2_TRY(open_sheet(from, table, from->compared.at[0], err));
  }
  if (from->sheet.rows == 0) C2_FAIL(err, C2_ERR_FORMAT, "%s__perf_full.csv: expected this file", from->prefix);
  C2_TRY(read_tasks(r, from, table, err));
  C2_TRY(read_arm(r, from, table, 0, false, err));
  C2_TRY(read_text(r, &from->sheet, "model_name", &r->model_name, err));
  char *end = strstr(r->model_name, "__full"); /* "NAME__full" */
  if (end) *end = '\0';
  return C2_OK;
}

static c2_status read_sparse(c2_results *r, source *from, size_t arm, c2_error *err) {
  double radius = from->compared.at[arm - 1];
  c2_study_table table = C2_TABLE_PERF_SPARSE;
  C2_TRY(open_sheet(from, table, radius, err));
  if (from->sheet.rows == 0) {
    table = C2_TABLE_COMPARE;
    C2_TRY(open_sheet(from, table, radius, err));
    C2_TRY(read_arm(r, from, table, 0, true, err));
  }
  return read_arm(r, from, table, arm, false, err);
}

/* What only the t-test files say. */
static c2_status read_backend(c2_results *r, source *from, c2_error *err) {
  C2_TRY(open_sheet(from, C2_TABLE_TTEST, from->compared.at[0], err));
  if (from->sheet.rows == 0) return C2_OK;
  C2_TRY(read_text(r, &from->sheet, "backend", &r->backend, err));
  return c2_fields_read(C2_TABLE_TTEST, C2_PART_RESULTS, &from->sheet, 0, r, err);
}

/* ---- The probe ------------------------------------------------------------------------------- */

static int by_window_and_radius(const void *a, const void *b) {
  const c2_mass_row *x = a;
  const c2_mass_row *y = b;
  if (x->window != y->window) return x->window < y->window ? -1 : 1;
  return (x->radius > y->radius) - (x->radius < y->radius);
}

/* Every window of every task at every radius, once. */
static c2_status check_grid(const c2_results *r, const source *from, c2_error *err) {
  const radius_set *radii = &from->probed;
  for (size_t i = 0; i < r->done; i++) {
    c2_task_result *t = &r->task[i];
    if (t->mass_count) qsort(t->mass, t->mass_count, sizeof *t->mass, by_window_and_radius);
    bool whole = t->mass_count > 0 && t->mass_count % radii->count == 0;
    for (size_t k = 0; whole && k < t->mass_count; k++) {
      whole = t->mass[k].radius == radii->at[k % radii->count] &&
              t->mass[k].window == t->mass[k - k % radii->count].window;
    }
    if (!whole) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: task '%.80s': expected each of %zu radii once for every window",
              from->sheet.path, t->task->name, radii->count);
    }
  }
  return C2_OK;
}

static c2_status read_mass(c2_results *r, source *from, c2_error *err) {
  const c2_sheet *sheet = &from->sheet;
  size_t *room = NULL; /* [tasks] */
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(r->done, sizeof *room, &room, err));
  for (size_t i = 0; i < sheet->rows; i++) {
    size_t task = 0;
    c2_mass_row row = {0};
    C2_GOTO(find_task(from, i, &task, err));
    c2_fields_clear(C2_TABLE_MASS_PER_WINDOW, C2_PART_MASS, &row);
    C2_GOTO(c2_fields_read(C2_TABLE_MASS_PER_WINDOW, C2_PART_MASS, sheet, i, &row, err));
    C2_GOTO(add_radius(&from->probed, row.radius, err));
    c2_task_result *t = &r->task[task];
    C2_GOTO(c2_grow_array(&t->mass, &room[task], t->mass_count + 1, sizeof row, err));
    t->mass[t->mass_count++] = row;
  }
  if (sheet->rows) status = check_grid(r, from, err);
fail:
  free(room);
  return status;
}

/* Radii of the probe; without one, those of the comparison, and means of nothing. */
static c2_status read_probe(c2_results *r, source *from, c2_error *err) {
  C2_TRY(open_sheet(from, C2_TABLE_MASS_PER_WINDOW, 0, err));
  C2_TRY(read_mass(r, from, err));
  r->radii = from->probed.count ? (c2_radii){from->probed.at, from->probed.count} : r->perf_radii;
  return C2_OK;
}

/* ---- Seasonal naive -------------------------------------------------------------------------- */

/* From the study's own baselines; else, for tasks that have one, from published results. */
static c2_status read_naive(c2_results *r, source *from, c2_error *err) {
  size_t published = 0;
  const c2_sheet *sheet = &from->sheet;
  C2_TRY(open_sheet(from, C2_TABLE_BASELINES, 0, err));
  for (size_t i = 0; i < sheet->rows; i++) {
    const char *name = NULL;
    size_t task = 0;
    C2_TRY(c2_sheet_cell(sheet, i, "task_name", &name, err));
    if (!c2_lookup_find(&from->tasks, name, &task)) continue;
    C2_TRY(c2_fields_read(C2_TABLE_BASELINES, C2_PART_RESULT, sheet, i, &r->task[task], err));
  }
  for (size_t i = 0; i < r->done; i++) {
    c2_task_result *t = &r->task[i];
    const c2_published *p = c2_published_find(t->task);
    t->num_forecasts = t->perf[0].num_forecasts;
    if (sheet->rows || !p) continue;
    published++;
    t->naive[C2_MASE] = c2_published_score(p, 0, C2_MASE);
    t->naive[C2_WQL] = c2_published_score(p, 0, C2_WQL);
  }
  if (published == 0) return C2_OK;
  return c2_journal_warn(from->journal, err,
                         "%zu of %zu tasks take seasonal naive's scores from those published for a task of the same "
                         "name and horizon: that the data are the same is not known",
                         published, r->done);
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* Output must not land on what is read. */
static c2_status check_prefix(const c2_plan *plan, const source *from, c2_error *err) {
  const char *out = plan->prefix;
  const char *slash = strrchr(out, '/');
  const char *name = strrchr(from->prefix, '/') + 1;
  char *out_folder = slash ? c2_strndup(out, (size_t)(slash - out) + 1) : c2_strdup(".");
  struct stat here;
  struct stat there;
  if (!out_folder) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  bool same = stat(out_folder, &here) == 0 && stat(plan->from_csv, &there) == 0 && here.st_dev == there.st_dev &&
              here.st_ino == there.st_ino && strcmp(slash ? slash + 1 : out, name) == 0;
  free(out_folder);
  if (same) C2_FAIL(err, C2_ERR_ARGUMENT, "--out-prefix %s: would overwrite the files that are read", out);
  return C2_OK;
}

/* The verdict's radius, if it was asked for, must be one of those that are there. */
static c2_status check_verdict(const c2_plan *plan, const c2_results *r, c2_error *err) {
  if (!plan->verdict_radius_given || r->perf_radii.at[r->verdict] == plan->verdict_radius) return C2_OK;
  char text[400] = "";
  char radius[C2_RADIUS_ROOM];
  c2_radius_text(plan->verdict_radius, radius);
  FILE *out = fmemopen(text, sizeof text, "w");
  if (out) c2_radii_put(&r->perf_radii, out);
  if (out) (void)fclose(out); /* what does not fit is cut off */
  C2_FAIL(err, C2_ERR_ARGUMENT, "--local-radius: expected one of the radii that the files compare, %s, found %s",
          text, radius);
}

static c2_status read_all(c2_study *s, source *from, c2_error *err) {
  const c2_plan *plan = &s->plan;
  c2_results *r = &s->results;
  C2_TRY(c2_pool_alloc(&r->tasks.pool, MOST_RADII, sizeof *from->compared.at, &from->compared.at, err));
  C2_TRY(c2_pool_alloc(&r->tasks.pool, MOST_RADII, sizeof *from->probed.at, &from->probed.at, err));
  C2_TRY(find(from, plan->from_csv, err));
  C2_TRY(check_prefix(plan, from, err));
  r->model_name = "unknown";
  r->backend = "";
  r->chunk_size = plan->chunk_size;
  r->perf_radii = (c2_radii){from->compared.at, from->compared.count};
  C2_TRY(c2_choose_arms(plan, r, err));
  C2_TRY(check_verdict(plan, r, err));
  if (r->perf_radii.count > 0) s->plan.verdict_radius = r->perf_radii.at[r->verdict]; /* the one that is recorded */
  C2_TRY(c2_record_begin(plan, r, &s->journal, &s->lock, err));
  C2_TRY(read_full(r, from, err));
  c2_choose_metrics(plan, r);
  for (size_t k = 1; k < r->arms; k++) C2_TRY(read_sparse(r, from, k, err));
  C2_TRY(read_backend(r, from, err));
  C2_TRY(read_probe(r, from, err));
  return read_naive(r, from, err);
}

c2_status c2_study_from_csv(c2_study *study, c2_error *err) {
  source from = {.journal = &study->journal};
  c2_status status = read_all(study, &from, err);
  if (status == C2_OK) status = c2_study_finish(study, from.prefix, err);
  c2_lookup_free(&from.tasks);
  c2_sheet_close(&from.sheet);
  free(from.prefix);
  return status;
}
