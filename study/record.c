/* A run's record: PREFIX__run.json, with all that is needed to run it again, and PREFIX__partial.json, from
 * which an interrupted run goes on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/platform.h"
#include "study/json.h"
#include "study/run.h"
#include "version.h"

static c2_status write_json(const json_t *object, const char *path, c2_error *err) {
  c2_outfile file;
  C2_TRY(c2_outfile_open(&file, path, err));
  c2_status status = C2_OK;
  if (json_dumpf(object, file.stream, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) != 0) {
    status = c2_fail(err, C2_ERR_IO, "%s: cannot write JSON", path);
  } else {
    (void)fputc('\n', file.stream);
    status = c2_outfile_commit(&file, err);
  }
  c2_outfile_discard(&file);
  return status;
}

static char *path_of(const c2_study *study, const char *name) {
  size_t size = strlen(study->options.prefix) + strlen(name) + 1;
  char *path = malloc(size);
  if (path) (void)snprintf(path, size, "%s%s", study->options.prefix, name);
  return path;
}

/* ---- What a run is --------------------------------------------------------------------------- */

static json_t *options_json(const c2_study *s) {
  static const char *const dtypes[] = {"fp32", "bf16", "int8"};
  const c2_study_options *o = &s->options;
  json_t *object = json_object();
  json_object_set_new(object, "model", c2_json_text(o->model_folder));
  json_object_set_new(object, "tasks", c2_json_text(o->tasks));
  json_object_set_new(object, "from_csv", c2_json_text(o->from_csv));
  json_object_set_new(object, "exclude_regex", c2_json_text(o->exclude_regex));
  json_object_set_new(object, "max_tasks", c2_json_whole(o->most_tasks));
  json_object_set_new(object, "radii", c2_json_numbers(o->radii, o->radius_count));
  json_object_set_new(object, "perf_radii", c2_json_numbers(o->perf_radii, o->perf_radius_count));
  json_object_set_new(object, "local_radius", c2_json_number(o->verdict_radius));
  json_object_set_new(object, "max_windows_per_task", c2_json_whole(o->probe_windows));
  json_object_set_new(object, "max_series_per_window", c2_json_whole(o->probe_series));
  json_object_set_new(object, "probe_batch_size", c2_json_whole(o->probe_batch));
  json_object_set_new(object, "perf_batch_size", c2_json_whole(o->perf_batch));
  json_object_set_new(object, "perf_repeats", c2_json_whole(o->repeats));
  json_object_set_new(object, "S_split", c2_json_whole(o->split));
  json_object_set_new(object, "chunk_size", c2_json_whole(o->chunk_size));
  json_object_set_new(object, "margin", c2_json_number(o->margin));
  json_object_set_new(object, "seed", c2_json_whole(o->seed));
  json_object_set_new(object, "context_length", c2_json_whole(o->context_length));
  json_object_set_new(object, "exclude_reg_query", json_boolean(o->exclude_reg));
  json_object_set_new(object, "time_reg_is_global", json_boolean(o->session.reg_global));
  json_object_set_new(object, "include_padded_queries", json_boolean(o->include_padded));
  json_object_set_new(object, "as_univariate", json_boolean(o->as_univariate));
  json_object_set_new(object, "blind_arm", json_boolean(o->blind_arm));
  json_object_set_new(object, "visible_arms", json_boolean(o->visible_arms));
  json_object_set_new(object, "sparse_model", c2_json_text(o->sparse_model_folder));
  json_object_set_new(object, "dtype", c2_json_text(dtypes[o->dtype]));
  json_object_set_new(object, "backend", c2_json_text(s->table.backend));
  json_object_set_new(object, "isa", c2_json_text(s->isa));
  json_object_set_new(object, "threads", c2_json_whole((size_t)s->threads));
  return object;
}

/* "model name" of the first processor. */
static void processor_name(char *out, size_t room) {
  char line[512];
  FILE *file = fopen("/proc/cpuinfo", "r");
  (void)snprintf(out, room, "unknown");
  while (file && fgets(line, sizeof line, file)) {
    char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || !colon) continue;
    line[strcspn(line, "\n")] = '\0';
    (void)snprintf(out, room, "%s", colon + 2);
    break;
  }
  if (file) (void)fclose(file);
}

static json_t *machine_json(void) {
  json_t *object = json_object();
  struct utsname system;
  char processor[256];
  long pages = sysconf(_SC_PHYS_PAGES);
  processor_name(processor, sizeof processor);
  json_object_set_new(object, "processor", c2_json_text(processor));
  json_object_set_new(object, "processors", json_integer(c2_processor_count()));
  json_object_set_new(object, "memory_mb", json_integer((json_int_t)pages * sysconf(_SC_PAGESIZE) / (1 << 20)));
  if (uname(&system) == 0) {
    json_object_set_new(object, "system", c2_json_text(system.sysname));
    json_object_set_new(object, "release", c2_json_text(system.release));
    json_object_set_new(object, "architecture", c2_json_text(system.machine));
  }
  return object;
}

static json_t *versions_json(void) {
  json_t *object = json_object();
  json_object_set_new(object, "chronos2", c2_json_text(chronos2_version()));
  json_object_set_new(object, "commit", c2_json_text(C2_COMMIT));
  json_object_set_new(object, "gemm", c2_json_text(chronos2_gemm()));
  json_object_set_new(object, "compiler", c2_json_text(__VERSION__));
  return object;
}

c2_status c2_record_try(const c2_study *study, c2_error *err) {
  char *path = path_of(study, "__run.json");
  char *begin = path_of(study, "__");
  c2_outfile file;
  if (begin) c2_outfile_sweep(begin);
  free(begin);
  if (!path) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  c2_status status = c2_outfile_open(&file, path, err);
  if (status == C2_OK) c2_outfile_discard(&file);
  free(path);
  return status;
}

json_t *c2_record_json(const c2_study *study) {
  char line[C2_VERDICT_LINES][C2_VERDICT_ROOM];
  json_t *object = json_object();
  json_t *warnings = json_array();
  json_t *data = json_object();
  json_t *verdict = json_array();
  json_t *sums = json_object();
  for (size_t i = 0; i < study->warnings; i++) json_array_append_new(warnings, c2_json_text(study->warning[i]));
  for (size_t i = 0; i < study->done; i++) {
    const char *sum = study->result[i].checksum;
    if (sum[0]) json_object_set_new(data, study->tasks.task[i].name, c2_json_text(sum));
  }
  c2_study_verdict(study, line);
  for (size_t i = 0; i < C2_VERDICT_LINES; i++) {
    if (line[i][0]) json_array_append_new(verdict, c2_json_text(line[i]));
  }
  json_object_set_new(sums, "model", c2_json_text(study->model_checksum));
  if (study->options.sparse_model_folder) {
    json_object_set_new(sums, "sparse_model", c2_json_text(study->sparse_checksum));
  }
  json_object_set_new(sums, "tasks", c2_json_text(study->tasks_checksum));
  json_object_set_new(sums, "data", data);
  json_object_set_new(object, "command", c2_json_text(study->options.command));
  json_object_set_new(object, "warnings", warnings);
  json_object_set_new(object, "verdict", verdict);
  json_object_set_new(object, "options", options_json(study));
  json_object_set_new(object, "sha256", sums);
  json_object_set_new(object, "versions", versions_json());
  json_object_set_new(object, "machine", machine_json());
  return object;
}

c2_status c2_record_write(const c2_study *study, c2_error *err) {
  json_t *object = c2_record_json(study);
  char *path = path_of(study, "__run.json");
  c2_status status = path ? write_json(object, path, err) : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
  free(path);
  json_decref(object);
  return status;
}

/* ---- Tasks that are done --------------------------------------------------------------------- */

/* Everything that a task's numbers depend on but its data. */
static void key_of(const c2_study *s, char out[C2_CHECKSUM_ROOM]) {
  json_t *object = json_object();
  json_t *options = options_json(s);
  json_object_del(options, "max_tasks");
  json_object_del(options, "exclude_regex");
  json_object_del(options, "margin");
  json_object_set_new(object, "options", options);
  json_object_set_new(object, "model", c2_json_text(s->model_checksum));
  json_object_set_new(object, "sparse_model", c2_json_text(s->sparse_checksum));
  json_object_set_new(object, "tasks", c2_json_text(s->tasks_checksum));
  json_object_set_new(object, "versions", versions_json());
  json_object_set_new(object, "machine", machine_json());
  char *dump = json_dumps(object, JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
  c2_sha256((const unsigned char *)(dump ? dump : ""), dump ? strlen(dump) : 0, out);
  free(dump);
  json_decref(object);
}

enum {
  SHARE_NUMBERS = sizeof(c2_share) / sizeof(double),
  MASS_NUMBERS = 9 + SHARE_NUMBERS,
  HEAD_NUMBERS = 3 + SHARE_NUMBERS,
  WORK_NUMBERS = sizeof(chronos2_work) / sizeof(double),
  PERF_NUMBERS = 15 + C2_METRICS + WORK_NUMBERS,
  NAIVE_NUMBERS = 1 + C2_METRICS
};

static json_t *mass_json(const c2_mass_row *r) {
  double x[MASS_NUMBERS] = {(double)r->window, (double)r->context_used,   r->radius,
                            (double)r->tokens, (double)r->context_tokens, (double)r->query_positions,
                            r->queries,        (double)r->series,         (double)r->rows_per_series};
  memcpy(x + 9, &r->share, sizeof r->share);
  return c2_json_numbers(x, MASS_NUMBERS);
}

static json_t *head_json(const c2_head_row *r) {
  double x[HEAD_NUMBERS] = {(double)r->layer, (double)r->head, r->radius};
  memcpy(x + 3, &r->share, sizeof r->share);
  return c2_json_numbers(x, HEAD_NUMBERS);
}

static json_t *perf_json(const c2_perf_row *r) {
  double x[PERF_NUMBERS] = {(double)r->num_forecasts,
                            (double)r->context_used,
                            r->median_s,
                            r->mean_s,
                            r->deviation_s,
                            r->least_s,
                            (double)r->repeats,
                            r->alloc_median_mb,
                            r->alloc_max_mb,
                            r->reserved_median_mb,
                            r->reserved_max_mb,
                            r->pass_s,
                            r->speedup,
                            r->speedup_low,
                            r->speedup_high};
  memcpy(x + 15, r->score, sizeof r->score);
  memcpy(x + 15 + C2_METRICS, &r->work, sizeof r->work);
  return c2_json_numbers(x, PERF_NUMBERS);
}

c2_status c2_partial_write(const c2_study *study, c2_error *err) {
  char key[C2_CHECKSUM_ROOM];
  json_t *object = json_object();
  json_t *tasks = json_array();
  char *path = path_of(study, "__partial.json");
  key_of(study, key);
  for (size_t i = 0; i < study->tasks.count; i++) {
    const c2_task_result *r = &study->result[i];
    if (!r->finished) continue;
    json_t *task = json_object();
    json_t *mass = json_array();
    json_t *head = json_array();
    json_t *perf = json_array();
    double naive[NAIVE_NUMBERS] = {(double)r->naive.num_forecasts};
    memcpy(naive + 1, r->naive.score, sizeof r->naive.score);
    for (size_t k = 0; k < r->mass_count; k++) json_array_append_new(mass, mass_json(&r->mass[k]));
    for (size_t k = 0; k < r->head_count; k++) json_array_append_new(head, head_json(&r->head[k]));
    for (size_t k = 0; k < study->arms; k++) json_array_append_new(perf, perf_json(&r->perf[k]));
    json_object_set_new(task, "name", c2_json_text(study->tasks.task[i].name));
    json_object_set_new(task, "line", c2_json_whole(study->tasks.task[i].line));
    json_object_set_new(task, "sha256", c2_json_text(r->checksum));
    if (r->perf) json_object_set_new(task, "id_column", c2_json_text(r->perf[0].id_column));
    json_object_set_new(task, "mass", mass);
    json_object_set_new(task, "head", head);
    json_object_set_new(task, "perf", perf);
    if (r->redrawn) json_object_set_new(task, "redrawn", c2_json_numbers(r->redrawn, 2 * C2_REDRAWS * study->arms));
    if (r->perf) json_object_set_new(task, "example", c2_example_json(&r->example));
    json_object_set_new(task, "naive", c2_json_numbers(naive, NAIVE_NUMBERS));
    json_array_append_new(tasks, task);
  }
  json_object_set_new(object, "key", c2_json_text(key));
  json_object_set_new(object, "tasks", tasks);
  c2_status status = path ? write_json(object, path, err) : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
  free(path);
  json_decref(object);
  return status;
}

static bool read_numbers(const json_t *array, double *x, size_t n) {
  if (json_array_size(array) != n) return false;
  for (size_t i = 0; i < n; i++) x[i] = c2_json_number_of(json_array_get(array, i));
  return true;
}

static bool read_mass(const json_t *array, const c2_task *task, c2_mass_row *r) {
  double x[MASS_NUMBERS];
  if (!read_numbers(array, x, MASS_NUMBERS)) return false;
  *r = (c2_mass_row){.task_name = task->name,
                     .window = (size_t)x[0],
                     .context_used = (size_t)x[1],
                     .horizon = task->horizon,
                     .radius = x[2],
                     .tokens = (size_t)x[3],
                     .context_tokens = (size_t)x[4],
                     .query_positions = (size_t)x[5],
                     .queries = x[6],
                     .series = (size_t)x[7],
                     .rows_per_series = (size_t)x[8]};
  memcpy(&r->share, x + 9, sizeof r->share);
  return true;
}

static bool read_head(const json_t *array, c2_head_row *r) {
  double x[HEAD_NUMBERS];
  if (!read_numbers(array, x, HEAD_NUMBERS)) return false;
  *r = (c2_head_row){.layer = (size_t)x[0], .head = (size_t)x[1], .radius = x[2]};
  memcpy(&r->share, x + 3, sizeof r->share);
  return true;
}

static bool read_perf(const json_t *array, const c2_task *task, const char *id_column, const char *checksum,
                      c2_perf_row *r) {
  double x[PERF_NUMBERS];
  if (!read_numbers(array, x, PERF_NUMBERS)) return false;
  *r = (c2_perf_row){.task = task,
                     .num_forecasts = (size_t)x[0],
                     .context_used = (size_t)x[1],
                     .median_s = x[2],
                     .mean_s = x[3],
                     .deviation_s = x[4],
                     .least_s = x[5],
                     .repeats = (size_t)x[6],
                     .alloc_median_mb = x[7],
                     .alloc_max_mb = x[8],
                     .reserved_median_mb = x[9],
                     .reserved_max_mb = x[10],
                     .pass_s = x[11],
                     .speedup = x[12],
                     .speedup_low = x[13],
                     .speedup_high = x[14]};
  memcpy(r->score, x + 15, sizeof r->score);
  memcpy(&r->work, x + 15 + C2_METRICS, sizeof r->work);
  r->id_column = task->id_column ? task->id_column : strcmp(id_column, "id") == 0 ? "id" : "item_id";
  (void)snprintf(r->fingerprint, sizeof r->fingerprint, "%.16s", checksum);
  return true;
}

/* False: not what this program writes. */
static bool read_task(const c2_study *s, const json_t *object, const c2_task *task, c2_task_result *r) {
  const json_t *mass = json_object_get(object, "mass");
  const json_t *head = json_object_get(object, "head");
  const json_t *perf = json_object_get(object, "perf");
  const char *id_column = json_string_value(json_object_get(object, "id_column"));
  double naive[NAIVE_NUMBERS];
  if (json_array_size(mass) % s->options.radius_count != 0 || json_array_size(mass) != r->mass_count ||
      json_array_size(head) != r->head_count || json_array_size(perf) != s->arms || (s->arms && !id_column) ||
      !read_numbers(json_object_get(object, "naive"), naive, NAIVE_NUMBERS)) {
    return false;
  }
  for (size_t k = 0; k < r->mass_count; k++) {
    if (!read_mass(json_array_get(mass, k), task, &r->mass[k])) return false;
  }
  for (size_t k = 0; k < r->head_count; k++) {
    if (!read_head(json_array_get(head, k), &r->head[k])) return false;
  }
  for (size_t k = 0; k < s->arms; k++) {
    if (!read_perf(json_array_get(perf, k), task, id_column, r->checksum, &r->perf[k])) return false;
  }
  if (s->arms && !read_numbers(json_object_get(object, "redrawn"), r->redrawn, 2 * C2_REDRAWS * s->arms)) return false;
  if (s->arms && !c2_example_read(&r->example, json_object_get(object, "example"))) return false;
  r->naive.num_forecasts = (size_t)naive[0];
  memcpy(r->naive.score, naive + 1, sizeof r->naive.score);
  r->naive.mase_full = s->arms ? r->perf[0].score[C2_MASE] : (double)NAN;
  return true;
}

static bool is_of(const json_t *object, const c2_study *s) {
  char key[C2_CHECKSUM_ROOM];
  const char *stored = json_string_value(json_object_get(object, "key"));
  key_of(s, key);
  return stored && strcmp(stored, key) == 0;
}

/* The line tells tasks of one name and file apart. */
static const json_t *find_task(const json_t *object, const c2_task *task, const char *checksum) {
  const json_t *tasks = json_object_get(object, "tasks");
  for (size_t i = 0; i < json_array_size(tasks); i++) {
    const json_t *one = json_array_get(tasks, i);
    const char *name = json_string_value(json_object_get(one, "name"));
    const char *sum = json_string_value(json_object_get(one, "sha256"));
    if ((size_t)json_integer_value(json_object_get(one, "line")) != task->line) continue;
    if (name && sum && strcmp(name, task->name) == 0 && strcmp(sum, checksum) == 0) return one;
  }
  return NULL;
}

static c2_status take_task(c2_study *s, const json_t *object, size_t index, const char *path, c2_error *err) {
  const c2_task *task = &s->tasks.task[index];
  c2_task_result *r = &s->result[index];
  const json_t *one = find_task(object, task, r->checksum);
  if (!one) return C2_OK;
  r->mass_count = json_array_size(json_object_get(one, "mass"));
  r->head_count = json_array_size(json_object_get(one, "head"));
  C2_TRY(c2_alloc_array(r->mass_count, sizeof(c2_mass_row), &r->mass, err));
  C2_TRY(c2_alloc_array(r->head_count, sizeof(c2_head_row), &r->head, err));
  C2_TRY(c2_alloc_array(s->arms, sizeof(c2_perf_row), &r->perf, err));
  C2_TRY(c2_alloc_array(2 * C2_REDRAWS * s->arms, sizeof *r->redrawn, &r->redrawn, err));
  if (r->mass_count == 0 || !read_task(s, one, task, r)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: task '%.80s' is not what a study writes", path, task->name);
  }
  r->finished = true;
  return C2_OK;
}

c2_status c2_partial_read(c2_study *study, c2_error *err) {
  char *path = path_of(study, "__partial.json");
  json_t *object = NULL;
  c2_status status = path ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
  if (status == C2_OK && c2_file_exists(path)) {
    object = json_load_file(path, 0, NULL);
    if (!object) status = c2_fail(err, C2_ERR_FORMAT, "%s: expected the JSON of an interrupted study", path);
  }
  bool ours = object && is_of(object, study);
  for (size_t i = 0; ours && status == C2_OK && i < study->tasks.count; i++) {
    status = take_task(study, object, i, path, err);
  }
  json_decref(object);
  free(path);
  return status;
}

void c2_study_forget_partial(const c2_study *study) {
  char *path = path_of(study, "__partial.json");
  if (path) (void)unlink(path);
  free(path);
}
