/* PREFIX__partial.json: the tasks that a run has finished, from which an interrupted run goes on. The file may be of
 * another run, or damaged: a run that isn't this one is refused, a task that isn't whole is run again. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/json.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "study/tasks/index.h"
#include "study/run.h"
#include "version.h"

static const char file_name[] = "__partial.json";
static const char file_format[] = "chronos2 study, finished tasks, 2";

/* ---- What a run's numbers depend on ----------------------------------------------------------- */

/* Scores and kept mass depend on RESULTS alone; times and resident memory on TIMES too. */
typedef enum setting_kind { RESULTS, TIMES } setting_kind;

enum { MOST_SETTINGS = 40, SHOWN = 64 };

typedef struct setting {
  const char *name;
  setting_kind kind;
  char *value;
} setting;

typedef struct settings {
  setting one[MOST_SETTINGS];
  size_t count;
  bool failed; /* memory was out */
} settings;

C2_PRINTF(4, 5) static void add(settings *s, setting_kind kind, const char *name, const char *format, ...) {
  char *text = NULL;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n >= 0) text = malloc((size_t)n + 1);
  if (!text || s->count == MOST_SETTINGS) {
    free(text);
    s->failed = true;
    return;
  }
  va_start(args, format);
  (void)vsnprintf(text, (size_t)n + 1, format, args);
  va_end(args);
  s->one[s->count++] = (setting){name, kind, text};
}

static void add_radii(settings *s, const char *name, const double *radii, size_t count) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  for (size_t i = 0; out && i < count; i++) {
    char radius[C2_REPR_ROOM];
    c2_radius_text(radii[i], radius);
    (void)fprintf(out, "%s%s", i ? "," : "", radius);
  }
  if (!out || fclose(out) != 0 || !text) {
    s->failed = true;
  } else {
    add(s, RESULTS, name, "%s", count ? text : "none");
  }
  free(text);
}

static void add_flag(settings *s, const char *name, bool value) {
  add(s, RESULTS, name, "%s", value ? "on" : "off");
}

static void add_heads(settings *s, const c2_study_options *o) {
  char *text = c2_heads_text(o->ablate, o->ablate_count, ',');
  if (text) add(s, RESULTS, "--ablate", "%s", o->ablate_count ? text : "none");
  s->failed = s->failed || !text;
  free(text);
}

static void add_results(settings *s, const c2_study *study) {
  static const char *const dtypes[] = {"fp32", "bf16", "int8"};
  static const char *const arms[] = {"none", "blind",      "visible",      "blind,visible",
                                     "null", "blind,null", "visible,null", "blind,visible,null"};
  const c2_study_options *o = &study->options;
  add(s, RESULTS, "program", "%s %s", chronos2_version(), C2_COMMIT);
  add(s, RESULTS, "model's sha256", "%s", study->model_checksum);
  add(s, RESULTS, "adapter's sha256", "%s", o->adapter_folder ? study->adapter_checksum : "none");
  add(s, RESULTS, "sparse model's sha256", "%s", o->sparse_model_folder ? study->sparse_checksum : "none");
  add(s, RESULTS, "task file's sha256", "%s", study->tasks_checksum);
  add_radii(s, "--radii", o->radii, o->radius_count);
  add_radii(s, "--perf-radii", o->perf_radii, o->perf_radius_count);
  add(s, RESULTS, "--arms", "%s",
      arms[(o->blind_arm ? 1 : 0) + (o->visible_arms ? 2 : 0) + (o->null_arms ? 4 : 0)]);
  add_heads(s, o);
  add_flag(s, "--find-sinks", o->find_sinks);
  add(s, RESULTS, "--local-radius", "%.0f", o->verdict_radius);
  add(s, RESULTS, "--max-windows-per-task", "%zu", o->probe_windows);
  add(s, RESULTS, "--max-series-per-window", "%zu", o->probe_series);
  add(s, RESULTS, "--probe-batch-size", "%zu", o->probe_batch);
  add(s, RESULTS, "--perf-batch-size", "%zu", o->perf_batch);
  add(s, RESULTS, "--perf-repeats", "%zu", o->repeats);
  add(s, RESULTS, "--seed", "%zu", o->seed);
  add(s, RESULTS, "--context-length", "%zu", o->context_length);
  add_flag(s, "--exclude-reg-query", o->exclude_reg);
  add_flag(s, "--time-reg-is-global", o->session.reg_global);
  add_flag(s, "--include-padded-queries", o->include_padded);
  add_flag(s, "--as-univariate", o->as_univariate);
  add(s, RESULTS, "--dtype", "%s", dtypes[o->dtype]);
  add(s, RESULTS, "--backend", "%s", study->table.backend);
  add(s, RESULTS, "--isa", "%s", study->isa);
}

static void add_times(settings *s, const c2_study *study) {
  struct utsname system = {.sysname = "", .release = "", .machine = ""};
  char processor[256];
  c2_processor_name(processor, sizeof processor);
  (void)uname(&system);
  add(s, TIMES, "--threads", "%d", study->threads);
  add(s, TIMES, "--pin", "%s", study->options.session.pin ? "on" : "off");
  add(s, TIMES, "processor", "%s", processor);
  add(s, TIMES, "number of processors", "%d", c2_processor_count());
  add(s, TIMES, "pages of memory", "%ld", sysconf(_SC_PHYS_PAGES));
  add(s, TIMES, "system", "%s %s %s", system.sysname, system.release, system.machine);
  add(s, TIMES, "compiler", "%s", __VERSION__);
}

static void settings_free(settings *s) {
  for (size_t i = 0; i < s->count; i++) free(s->one[i].value);
}

static c2_status settings_of(const c2_study *study, settings *s, c2_error *err) {
  memset(s, 0, sizeof *s);
  add_results(s, study);
  add_times(s, study);
  if (!s->failed) return C2_OK;
  settings_free(s);
  C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate the settings of a run");
}

/* "NAME was OLD and is NEW" for every setting of a kind that differs; empty if none does. */
static void differences(const settings *now, const c2_json *then, setting_kind kind, char *out, size_t room) {
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; i < now->count; i++) {
    const setting *s = &now->one[i];
    const char *old = c2_json_string(c2_json_get(then, s->name));
    if (s->kind != kind || (old && strcmp(old, s->value) == 0)) continue;
    char one[4 * SHOWN];
    if (!old) old = "unknown";
    const char *join = used ? "; " : "";
    (void)snprintf(one, sizeof one, "%s%s was %.*s and is %.*s", join, s->name, SHOWN, old, SHOWN, s->value);
    size_t n = strlen(one);
    if (used + n + sizeof "; ..." > room) {
      (void)snprintf(out + used, room - used, "; ...");
      return;
    }
    memcpy(out + used, one, n + 1);
    used += n;
  }
}

/* ---- The numbers of a task ------------------------------------------------------------------- */

/* One walk over a task's numbers counts, writes and reads them, so that the three can't disagree. What is read is a
 * stranger's: nothing becomes a size unchecked, and what this run knows must be there again. */
typedef struct walk {
  double *x; /* [count]; NULL: only counted */
  size_t count, at;
  bool reading, bad;
} walk;

static const double most_whole = 9007199254740992.0; /* 2^53 */

static void carry(walk *w, double *value) {
  size_t at = w->at++;
  if (!w->x) return;
  if (at >= w->count) {
    w->bad = true;
  } else if (w->reading) {
    *value = w->x[at];
  } else {
    w->x[at] = *value;
  }
}

static void carry_all(walk *w, double *values, size_t n) {
  for (size_t i = 0; i < n; i++) carry(w, &values[i]);
}

static void carry_whole(walk *w, size_t *value, size_t least) {
  double x = (double)*value;
  carry(w, &x);
  if (!w->reading) return;
  bool good = x >= (double)least && x <= most_whole && x == floor(x);
  if (good) *value = (size_t)x;
  w->bad = w->bad || !good;
}

static void carry_known(walk *w, double value) {
  double x = value;
  carry(w, &x);
  if (w->reading && !(x == value)) w->bad = true;
}

static void carry_share(walk *w, c2_share *share) {
  double x[sizeof *share / sizeof(double)];
  memcpy(x, share, sizeof x);
  carry_all(w, x, sizeof x / sizeof x[0]);
  memcpy(share, x, sizeof x);
}

static void carry_work(walk *w, chronos2_work *work) {
  double x[sizeof *work / sizeof(double)];
  memcpy(x, work, sizeof x);
  carry_all(w, x, sizeof x / sizeof x[0]);
  memcpy(work, x, sizeof x);
}

static void carry_mass(const c2_study *s, walk *w, size_t index, c2_mass_row *r) {
  const c2_study_options *o = &s->options;
  carry_known(w, (double)(index / o->radius_count));
  carry_known(w, o->radii[index % o->radius_count]);
  carry_whole(w, &r->context_used, 1);
  carry_whole(w, &r->tokens, 1);
  carry_whole(w, &r->context_tokens, 1);
  carry_whole(w, &r->query_positions, 0);
  carry(w, &r->queries);
  carry_whole(w, &r->series, 1);
  carry_whole(w, &r->rows_per_series, 1);
  carry_share(w, &r->share);
  if (!w->reading) return;
  r->window = index / o->radius_count;
  r->radius = o->radii[index % o->radius_count];
  if (r->context_tokens >= r->tokens || r->query_positions != r->context_tokens - (o->exclude_reg ? 1 : 0) ||
      !(r->queries >= 0 && r->queries <= most_whole)) {
    w->bad = true;
  }
}

static void carry_head(const c2_study *s, walk *w, size_t index, c2_head_row *r) {
  size_t radius = index % s->options.radius_count;
  size_t head = index / s->options.radius_count % s->heads;
  size_t layer = index / s->options.radius_count / s->heads;
  carry_known(w, (double)layer);
  carry_known(w, (double)head);
  carry_known(w, s->options.radii[radius]);
  carry_share(w, &r->share);
  if (!w->reading) return;
  r->layer = layer;
  r->head = head;
  r->radius = s->options.radii[radius];
}

static void carry_perf(const c2_study *s, walk *w, const c2_arm *arm, c2_perf_row *r) {
  size_t repeats = arm->timed ? s->options.repeats : 0;
  carry_whole(w, &r->num_forecasts, 1);
  carry_whole(w, &r->context_used, 1);
  carry_known(w, (double)repeats);
  if (w->reading) r->repeats = repeats;
  double *const reals[] = {&r->median_s,        &r->mean_s,       &r->deviation_s,        &r->least_s,
                           &r->alloc_median_mb, &r->alloc_max_mb, &r->reserved_median_mb, &r->reserved_max_mb,
                           &r->pass_s,          &r->speedup,      &r->speedup_low,        &r->speedup_high};
  for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) carry(w, reals[i]);
  carry_all(w, r->score, C2_METRICS);
  carry_work(w, &r->work);
}

/* All but the example's values, whose number ends it. */
static void carry_task(const c2_study *s, walk *w, c2_task_result *r) {
  for (size_t i = 0; i < r->mass_count; i++) carry_mass(s, w, i, &r->mass[i]);
  for (size_t i = 0; i < r->head_count; i++) carry_head(s, w, i, &r->head[i]);
  for (size_t i = 0; i < s->arms; i++) carry_perf(s, w, &s->arm[i], &r->perf[i]);
  carry_whole(w, &r->naive.num_forecasts, 1);
  carry_all(w, r->naive.score, C2_METRICS);
  if (s->arms == 0) return;
  carry_all(w, r->redrawn, 2 * C2_REDRAWS * s->arms);
  carry_whole(w, &r->example.past, 0);
}

c2_status c2_partial_seal(const double *numbers, size_t n, const char *id_column, const char *series,
                          char out[C2_CHECKSUM_ROOM], c2_error *err) {
  unsigned char *bytes = NULL;
  size_t id = strlen(id_column) + 1;
  size_t end = strlen(series) + 1;
  size_t size = 0;
  if (!c2_mul(n, sizeof(double), &size) || !c2_add(size, id + end, &size)) {
    C2_FAIL(err, C2_ERR_MEMORY, "a task's size overflows");
  }
  C2_TRY(c2_alloc_array(size, 1, &bytes, err));
  for (size_t i = 0; i < n; i++) {
    double x = isnan(numbers[i]) ? (double)NAN : numbers[i]; /* a NaN's other bits do not survive the file */
    memcpy(bytes + i * sizeof x, &x, sizeof x);
  }
  memcpy(bytes + n * sizeof(double), id_column, id);
  memcpy(bytes + n * sizeof(double) + id, series, end);
  c2_sha256(bytes, size, out);
  free(bytes);
  return C2_OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static c2_status put_task(c2_json_writer *out, const c2_study *s, size_t index, c2_error *err) {
  c2_task_result copy = s->result[index]; /* the walk may write where it reads a file */
  size_t values = s->arms ? c2_example_values(copy.example.past, copy.example.horizon) : 0;
  const char *id_column = s->arms ? copy.perf[0].id_column : "";
  const char *series = s->arms ? copy.example.series : "";
  char seal[C2_CHECKSUM_ROOM];
  walk w = {.x = NULL};
  carry_task(s, &w, &copy);
  w = (walk){.count = w.at + values};
  C2_TRY(c2_alloc_array(w.count, sizeof *w.x, &w.x, err));
  carry_task(s, &w, &copy);
  if (values) carry_all(&w, copy.example.values, values);
  c2_status status = c2_partial_seal(w.x, w.count, id_column, series, seal, err);
  if (status == C2_OK) {
    c2_json_begin_object(out, NULL);
    c2_json_put_text(out, "name", s->tasks.task[index].name);
    c2_json_put_text(out, "data_sha256", copy.checksum);
    c2_json_put_text(out, "id_column", id_column);
    c2_json_put_text(out, "series", series);
    c2_json_put_text(out, "seal", seal);
    c2_json_put_numbers(out, "numbers", w.x, w.count);
    c2_json_end_object(out);
  }
  free(w.x);
  return status;
}

static c2_status write_tasks(c2_outfile *file, const c2_study *study, const settings *now, c2_error *err) {
  c2_json_writer w = {.out = file->stream};
  c2_json_begin_object(&w, NULL);
  c2_json_put_text(&w, "format", file_format);
  c2_json_begin_object(&w, "settings");
  for (size_t i = 0; i < now->count; i++) c2_json_put_text(&w, now->one[i].name, now->one[i].value);
  c2_json_end_object(&w);
  c2_json_begin_array(&w, "tasks");
  for (size_t i = 0; i < study->tasks.count; i++) {
    if (study->result[i].finished) C2_TRY(put_task(&w, study, i, err));
  }
  c2_json_end_array(&w);
  c2_json_end_object(&w);
  C2_TRY(c2_json_finish(&w, file->path, err));
  (void)fputc('\n', file->stream);
  return c2_outfile_commit(file, err);
}

c2_status c2_partial_write(const c2_study *study, c2_error *err) {
  settings now;
  c2_outfile file;
  C2_TRY(settings_of(study, &now, err));
  char *path = c2_study_path(study, file_name);
  c2_status status = path ? c2_outfile_open(&file, path, err) : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
  if (status == C2_OK) {
    status = write_tasks(&file, study, &now, err);
    c2_outfile_discard(&file);
  }
  settings_free(&now);
  free(path);
  return status;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void forget_numbers(c2_task_result *r) {
  free(r->mass);
  free(r->head);
  free(r->perf);
  free(r->redrawn);
  c2_example_free(&r->example);
  r->mass = NULL;
  r->head = NULL;
  r->perf = NULL;
  r->redrawn = NULL;
  r->mass_count = r->head_count = 0;
  r->naive = (c2_baseline_row){.task = r->naive.task};
}

/* Room for what a task of this run has. */
static c2_status make_room(const c2_study *s, const c2_task *task, c2_task_result *r, c2_error *err) {
  size_t windows = task->num_windows;
  if (s->options.probe_windows) windows = c2_min_size(windows, s->options.probe_windows);
  r->mass_count = windows * s->options.radius_count;
  r->head_count = s->layers * s->heads * s->options.radius_count;
  C2_TRY(c2_alloc_array(r->mass_count, sizeof *r->mass, &r->mass, err));
  C2_TRY(c2_alloc_array(r->head_count, sizeof *r->head, &r->head, err));
  if (s->arms == 0) return C2_OK;
  C2_TRY(c2_alloc_array(s->arms, sizeof *r->perf, &r->perf, err));
  return c2_alloc_array(2 * C2_REDRAWS * s->arms, sizeof *r->redrawn, &r->redrawn, err);
}

/* The example's values, the last of the numbers, and what isn't a number. */
static c2_status take_rest(const c2_study *s, const c2_task *task, walk *w, const char *id_column, const char *series,
                           c2_task_result *r, c2_error *err) {
  c2_example *x = &r->example;
  x->horizon = task->horizon;
  size_t values = s->arms ? c2_example_values(x->past, x->horizon) : 0;
  if (x->past > C2_EXAMPLE_MOST_PAST || w->count - w->at != values) {
    w->bad = true;
    return C2_OK;
  }
  for (size_t k = 0; k < r->mass_count; k++) {
    r->mass[k].task_name = task->name;
    r->mass[k].horizon = task->horizon;
  }
  if (s->arms == 0) return C2_OK;
  for (size_t k = 0; k < s->arms; k++) {
    c2_perf_row *perf = &r->perf[k];
    perf->task = task;
    perf->id_column = task->id_column ? task->id_column : strcmp(id_column, "id") == 0 ? "id" : "item_id";
    (void)snprintf(perf->fingerprint, sizeof perf->fingerprint, "%.16s", r->checksum);
  }
  C2_TRY(c2_alloc_array(values, sizeof *x->values, &x->values, err));
  carry_all(w, x->values, values);
  x->series = c2_strdup(series);
  if (!x->series) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate the id of a series");
  return C2_OK;
}

/* *whole: the numbers [n] are those of the task, all of them. */
static c2_status take_numbers(const c2_study *s, const c2_task *task, double *numbers, size_t n, const c2_json *object,
                              c2_task_result *r, bool *whole, c2_error *err) {
  const char *id_column = c2_json_string(c2_json_get(object, "id_column"));
  const char *series = c2_json_string(c2_json_get(object, "series"));
  const char *seal = c2_json_string(c2_json_get(object, "seal"));
  char found[C2_CHECKSUM_ROOM];
  walk w = {.x = numbers, .count = n, .reading = true};
  *whole = false;
  if (!id_column || !series || !seal) return C2_OK;
  C2_TRY(c2_partial_seal(numbers, n, id_column, series, found, err));
  if (strcmp(found, seal) != 0) return C2_OK;
  C2_TRY(make_room(s, task, r, err));
  carry_task(s, &w, r);
  if (!w.bad) C2_TRY(take_rest(s, task, &w, id_column, series, r, err));
  r->naive.mase_full = s->arms ? r->perf[0].score[C2_MASE] : (double)NAN;
  *whole = !w.bad;
  return C2_OK;
}

static c2_status take_task(const c2_study *s, const c2_json *object, size_t index, const char *path, c2_error *err) {
  const c2_task *task = &s->tasks.task[index];
  c2_task_result *r = &s->result[index];
  const c2_json *array = c2_json_get(object, "numbers");
  const char *sum = c2_json_string(c2_json_get(object, "data_sha256"));
  size_t n = c2_json_size(array);
  double *numbers = NULL;
  if (r->finished) C2_FAIL(err, C2_ERR_FORMAT, "%s: task '%.80s' is there twice", path, task->name);
  if (sum && strcmp(sum, r->checksum) != 0) {
    c2_study_say(s, "task '%.80s': its data are not what they were when it was finished: it is run again", task->name);
    return C2_OK;
  }
  C2_TRY(c2_alloc_array(n, sizeof *numbers, &numbers, err));
  size_t i = 0;
  C2_JSON_EACH (number, array) numbers[i++] = c2_json_extended(number);
  bool whole = false;
  c2_status status = sum ? take_numbers(s, task, numbers, n, object, r, &whole, err) : C2_OK;
  free(numbers);
  r->finished = whole;
  if (!whole) forget_numbers(r);
  if (status == C2_OK && !whole) {
    c2_study_say(s, "task '%.80s': its numbers in %s are damaged: it is run again", task->name, path);
  }
  return status;
}

static c2_status take_tasks(const c2_study *s, const c2_json *tasks, const char *path, c2_error *err) {
  c2_index names;
  c2_status status = c2_index_open(&names, &s->tasks.task[0].name, s->tasks.count, sizeof *s->tasks.task, err);
  C2_JSON_EACH (one, tasks) {
    if (status != C2_OK) break;
    const char *name = c2_json_string(c2_json_get(one, "name"));
    size_t at = name ? c2_index_find(&names, name) : SIZE_MAX;
    if (!name) {
      c2_study_say(s, "%s: a finished task there has lost its name: it is run again", path);
    } else if (at == SIZE_MAX) {
      status = c2_fail(err, C2_ERR_FORMAT,
                       "%s: task '%.80s' is finished there, but --max-tasks or --exclude-regex leaves it out: take it "
                       "in, or choose another --out-prefix, or --restart to drop it",
                       path, name);
    } else {
      status = take_task(s, one, at, path, err);
    }
  }
  c2_index_close(&names);
  return status;
}

/* Refuses what another run left; warns of what makes times unlike. */
static c2_status compare_settings(c2_study *s, const c2_json *object, const char *path, c2_error *err) {
  const char *format = c2_json_string(c2_json_get(object, "format"));
  const c2_json *then = c2_json_get(object, "settings");
  char text[640];
  settings now;
  if (!format || strcmp(format, file_format) != 0 || !c2_json_is(then, C2_JSON_OBJECT) ||
      !c2_json_is(c2_json_get(object, "tasks"), C2_JSON_ARRAY)) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s: expected the finished tasks of an interrupted study, as this version writes them; --restart drops it "
            "and runs all tasks",
            path);
  }
  C2_TRY(settings_of(s, &now, err));
  c2_status status = C2_OK;
  differences(&now, then, RESULTS, text, sizeof text);
  if (text[0]) {
    status = c2_fail(err, C2_ERR_FORMAT,
                     "%s is of another run: %s; run as then, or choose another --out-prefix, or --restart to run all "
                     "tasks again",
                     path, text);
  } else {
    differences(&now, then, TIMES, text, sizeof text);
    if (text[0]) {
      status = c2_study_warn(s, err,
                             "tasks that were finished before keep their scores, but their times and memory were "
                             "measured under other conditions: %.300s",
                             text);
    }
  }
  settings_free(&now);
  return status;
}

static c2_status resume(c2_study *s, const char *path, c2_error *err) {
  c2_json_document doc = {.path = path, .failure = C2_ERR_FORMAT};
  c2_error why;
  c2_status status = c2_json_load(&doc, &why);
  if (status == C2_ERR_FORMAT) {
    status = c2_fail(err, status, "%s; --restart drops the finished tasks of an interrupted study and runs all tasks",
                     why.text);
  } else if (status != C2_OK) {
    status = c2_fail(err, status, "%s", why.text);
  }
  if (status == C2_OK) status = compare_settings(s, doc.node, path, err);
  if (status == C2_OK) status = take_tasks(s, c2_json_get(doc.node, "tasks"), path, err);
  c2_json_free(&doc);
  return status;
}

c2_status c2_partial_begin(c2_study *study, c2_error *err) {
  const c2_study_options *o = &study->options;
  char *path = c2_study_path(study, file_name);
  c2_status status = path ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
  if (status == C2_OK && c2_file_exists(path)) {
    if (o->restart) {
      c2_study_say(study, "%s: dropped; all tasks are run", path);
      c2_study_forget_partial(study);
    } else if (o->resume) {
      status = resume(study, path, err);
    } else {
      status = c2_fail(err, C2_ERR_FORMAT,
                       "%s holds the finished tasks of an interrupted run: --resume goes on with them, --restart drops "
                       "them, another --out-prefix leaves them",
                       path);
    }
  } else if (status == C2_OK && o->resume) {
    c2_study_say(study, "%s is not there: all tasks are run", path);
  }
  free(path);
  return status;
}

void c2_study_forget_partial(const c2_study *study) {
  char *path = c2_study_path(study, file_name);
  if (path) (void)unlink(path);
  free(path);
}
