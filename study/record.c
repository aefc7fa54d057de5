/* A run's record: PREFIX__run.json, with all that is needed to run it again. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "study/json.h"
#include "study/run.h"
#include "version.h"

c2_status c2_json_write(const json_t *object, const char *path, c2_error *err) {
  c2_outfile file;
  C2_TRY(c2_outfile_open(&file, path, err));
  c2_status status = C2_OK;
  if (json_dumpf(object, file.stream, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) != 0 && !ferror(file.stream)) {
    status = c2_fail(err, C2_ERR_MEMORY, "%s: cannot allocate its JSON text", path);
  } else { /* the commit knows why a write failed */
    (void)fputc('\n', file.stream);
    status = c2_outfile_commit(&file, err);
  }
  c2_outfile_discard(&file);
  return status;
}

char *c2_study_path(const c2_study *study, const char *name) {
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
  json_object_set_new(object, "adapter", c2_json_text(o->adapter_folder));
  json_object_set_new(object, "sparse_model", c2_json_text(o->sparse_model_folder));
  json_object_set_new(object, "dtype", c2_json_text(dtypes[o->dtype]));
  json_object_set_new(object, "backend", c2_json_text(s->table.backend));
  json_object_set_new(object, "isa", c2_json_text(s->isa));
  json_object_set_new(object, "threads", c2_json_whole((size_t)s->threads));
  return object;
}

void c2_processor_name(char *out, size_t room) {
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
  c2_processor_name(processor, sizeof processor);
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

/* Fails if a file PREFIX__* is one that the study reads. */
static c2_status keep_inputs(const c2_study *study, c2_error *err) {
  const char *prefix = study->options.prefix;
  const char *slash = strrchr(prefix, '/');
  size_t folder = slash ? (size_t)(slash - prefix) + 1 : 0;
  char *place = folder ? c2_strndup(prefix, folder) : c2_strdup(".");
  DIR *dir = place ? opendir(place) : NULL;
  c2_status status = place ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
  for (struct dirent *entry = dir ? readdir(dir) : NULL; entry && status == C2_OK; entry = readdir(dir)) {
    size_t length = strlen(prefix + folder);
    char *output = NULL;
    if (strncmp(entry->d_name, prefix + folder, length) != 0 || strncmp(entry->d_name + length, "__", 2) != 0) continue;
    status = c2_path_join(&output, place, entry->d_name, err);
    for (size_t i = 0; i < study->tasks.count && status == C2_OK; i++) {
      const c2_task *task = &study->tasks.task[i];
      if (task->file) status = c2_outfile_keep_input(output, task->file, err);
      if (task->data_file && status == C2_OK) status = c2_outfile_keep_input(output, task->data_file, err);
    }
    free(output);
  }
  if (dir) (void)closedir(dir);
  free(place);
  return status;
}

c2_status c2_record_begin(c2_study *study, c2_error *err) {
  char *path = c2_study_path(study, "__run.json");
  char *lock = c2_study_path(study, "__run.json.lock");
  char *begin = c2_study_path(study, "__");
  c2_outfile file;
  c2_status status = path && lock && begin ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
  if (status == C2_OK) status = keep_inputs(study, err);
  if (status == C2_OK) status = c2_lock_open(&study->lock, lock, err);
  if (status == C2_ERR_UNSUPPORTED) {
    status = c2_study_warn(study, err, "%s.lock: the file system has no locks: no other run may use this prefix", path);
  } else if (status == C2_OK) {
    c2_outfile_sweep(begin); /* whoever holds the lock owns all temporary files of the prefix */
  }
  if (status == C2_OK) status = c2_outfile_open(&file, path, err);
  if (status == C2_OK) c2_outfile_discard(&file);
  free(path);
  free(lock);
  free(begin);
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
  if (study->options.adapter_folder) json_object_set_new(sums, "adapter", c2_json_text(study->adapter_checksum));
  json_object_set_new(sums, "tasks", c2_json_text(study->tasks_checksum));
  json_object_set_new(sums, "data", data);
  json_object_set_new(object, "command", c2_json_text(study->options.command));
  json_object_set_new(object, "warnings", warnings);
  json_object_set_new(object, "verdict", verdict);
  json_object_set_new(object, "options", options_json(study));
  if (study->trained[0]) json_object_set_new(object, "trained_for", c2_json_text(study->trained));
  json_object_set_new(object, "sha256", sums);
  json_object_set_new(object, "versions", versions_json());
  json_object_set_new(object, "machine", machine_json());
  return object;
}

c2_status c2_record_write(const c2_study *study, c2_error *err) {
  json_t *object = c2_record_json(study);
  char *path = c2_study_path(study, "__run.json");
  c2_status status = path ? c2_json_write(object, path, err) : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
  free(path);
  json_decref(object);
  return status;
}
