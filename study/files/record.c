/* A run's record: PREFIX__run.json, with all that is needed to run it again. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/json_writer.h"
#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "study/run.h"
#include "version.h"

char *c2_study_path(const c2_study *study, const char *name) {
  size_t size = strlen(study->options.prefix) + strlen(name) + 1;
  char *path = malloc(size);
  if (path) (void)snprintf(path, size, "%s%s", study->options.prefix, name);
  return path;
}

/* ---- What a run is --------------------------------------------------------------------------- */

static void put_options(c2_json_writer *w, const c2_study *s) {
  static const char *const dtypes[] = {"fp32", "bf16", "int8"};
  const c2_study_options *o = &s->options;
  c2_json_begin_object(w, "options");
  c2_json_put_text(w, "model", o->model_folder);
  c2_json_put_text(w, "tasks", o->tasks);
  c2_json_put_text(w, "from_csv", o->from_csv);
  c2_json_put_text(w, "exclude_regex", o->exclude_regex);
  c2_json_put_whole(w, "max_tasks", o->most_tasks);
  c2_json_put_numbers(w, "radii", o->radii, o->radius_count);
  c2_json_put_numbers(w, "perf_radii", o->perf_radii, o->perf_radius_count);
  c2_json_put_number(w, "local_radius", o->verdict_radius);
  c2_json_put_whole(w, "max_windows_per_task", o->probe_windows);
  c2_json_put_whole(w, "max_series_per_window", o->probe_series);
  c2_json_put_whole(w, "probe_batch_size", o->probe_batch);
  c2_json_put_whole(w, "perf_batch_size", o->perf_batch);
  c2_json_put_whole(w, "perf_repeats", o->repeats);
  c2_json_put_whole(w, "S_split", o->split);
  c2_json_put_whole(w, "chunk_size", o->chunk_size);
  c2_json_put_number(w, "margin", o->margin);
  c2_json_put_whole(w, "seed", o->seed);
  c2_json_put_whole(w, "context_length", o->context_length);
  c2_json_put_bool(w, "exclude_reg_query", o->exclude_reg);
  c2_json_put_bool(w, "time_reg_is_global", o->session.reg_global);
  c2_json_put_bool(w, "include_padded_queries", o->include_padded);
  c2_json_put_bool(w, "as_univariate", o->as_univariate);
  c2_json_put_bool(w, "blind_arm", o->blind_arm);
  c2_json_put_bool(w, "visible_arms", o->visible_arms);
  c2_json_put_bool(w, "null_arms", o->null_arms);
  c2_json_begin_array(w, "ablate");
  for (size_t i = 0; i < o->ablate_count; i++) {
    char head[C2_HEAD_ROOM];
    c2_head_text(o->ablate[i], head);
    c2_json_put_text(w, NULL, head);
  }
  c2_json_end_array(w);
  c2_json_put_bool(w, "find_sinks", o->find_sinks);
  c2_json_put_text(w, "adapter", o->adapter_folder);
  c2_json_put_text(w, "sparse_model", o->sparse_model_folder);
  c2_json_put_text(w, "dtype", dtypes[o->dtype]);
  c2_json_put_text(w, "backend", s->table.backend);
  c2_json_put_text(w, "isa", s->isa);
  c2_json_put_whole(w, "threads", (size_t)s->threads);
  c2_json_end_object(w);
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

static void put_machine(c2_json_writer *w) {
  struct utsname system;
  char processor[256];
  long pages = sysconf(_SC_PHYS_PAGES);
  c2_json_begin_object(w, "machine");
  c2_processor_name(processor, sizeof processor);
  c2_json_put_text(w, "processor", processor);
  c2_json_put_whole(w, "processors", (uint64_t)c2_processor_count());
  c2_json_put_whole(w, "memory_mb", (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) >> 20);
  if (uname(&system) == 0) {
    c2_json_put_text(w, "system", system.sysname);
    c2_json_put_text(w, "release", system.release);
    c2_json_put_text(w, "architecture", system.machine);
  }
  c2_json_end_object(w);
}

static void put_versions(c2_json_writer *w) {
  c2_json_begin_object(w, "versions");
  c2_json_put_text(w, "chronos2", chronos2_version());
  c2_json_put_text(w, "commit", C2_COMMIT);
  c2_json_put_text(w, "gemm", "built-in");
  c2_json_put_text(w, "compiler", __VERSION__);
  c2_json_end_object(w);
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
    c2_outfile_sweep(begin, 0); /* whoever holds the lock owns all temporary files of the prefix */
  }
  if (status == C2_OK) status = c2_outfile_open(&file, path, err);
  if (status == C2_OK) c2_outfile_discard(&file);
  free(path);
  free(lock);
  free(begin);
  return status;
}

static void put_checksums(c2_json_writer *w, const c2_study *study) {
  c2_json_begin_object(w, "sha256");
  c2_json_put_text(w, "model", study->model_checksum);
  if (study->options.sparse_model_folder) c2_json_put_text(w, "sparse_model", study->sparse_checksum);
  if (study->options.adapter_folder) c2_json_put_text(w, "adapter", study->adapter_checksum);
  c2_json_put_text(w, "tasks", study->tasks_checksum);
  c2_json_begin_object(w, "data");
  for (size_t i = 0; i < study->done; i++) {
    const char *sum = study->result[i].checksum;
    if (sum[0]) c2_json_put_text(w, study->tasks.task[i].name, sum);
  }
  c2_json_end_object(w);
  c2_json_end_object(w);
}

void c2_record_put(c2_json_writer *w, const char *key, const c2_study *study) {
  char line[C2_VERDICT_LINES][C2_VERDICT_ROOM];
  c2_json_begin_object(w, key);
  c2_json_put_text(w, "command", study->options.command);
  c2_json_begin_array(w, "warnings");
  for (size_t i = 0; i < study->warnings; i++) c2_json_put_text(w, NULL, study->warning[i]);
  c2_json_end_array(w);
  c2_json_begin_array(w, "verdict");
  c2_study_verdict(study, line);
  for (size_t i = 0; i < C2_VERDICT_LINES; i++) {
    if (line[i][0]) c2_json_put_text(w, NULL, line[i]);
  }
  c2_json_end_array(w);
  put_options(w, study);
  if (study->trained[0]) c2_json_put_text(w, "trained_for", study->trained);
  put_checksums(w, study);
  put_versions(w);
  put_machine(w);
  c2_json_end_object(w);
}

c2_status c2_record_write(const c2_study *study, c2_error *err) {
  c2_outfile file;
  char *path = c2_study_path(study, "__run.json");
  c2_status status = C2_OK;
  if (!path) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  C2_GOTO(c2_outfile_open(&file, path, err));
  c2_json_writer w = {.out = file.stream};
  c2_record_put(&w, NULL, study);
  C2_GOTO(c2_json_finish(&w, path, err));
  (void)fputc('\n', file.stream);
  C2_GOTO(c2_outfile_commit(&file, err));
fail:
  c2_outfile_discard(&file);
  free(path);
  return status;
}
