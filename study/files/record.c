/* A run's record. */
#include "study/files/record.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/filelock.h"
#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "study/files/prefix.h"
#include "study/files/schema.h"
#include "version.h"

/* ---- What a run is --------------------------------------------------------------------------- */

static void put_heads(c2_json_writer *w, const char *key, const c2_heads *heads) {
  c2_json_begin_array(w, key);
  for (size_t i = 0; i < heads->count; i++) {
    char head[C2_HEAD_ROOM];
    c2_head_text(heads->at[i], head);
    c2_json_put_text(w, NULL, head);
  }
  c2_json_end_array(w);
}

static void put_metrics(c2_json_writer *w, const char *key, const c2_metric_list *metrics) {
  c2_json_begin_array(w, key);
  for (size_t i = 0; i < metrics->count; i++) c2_json_put_text(w, NULL, c2_metric_name(metrics->at[i]));
  c2_json_end_array(w);
}

void c2_option_put(c2_json_writer *w, const char *key, const c2_study_field *column, const c2_study_row *row) {
  const void *at = c2_study_field_at(column, row);
  switch (column->kind) {
    case C2_WHOLE: c2_json_put_whole(w, key, *(const size_t *)at); break;
    case C2_FLAG: c2_json_put_bool(w, key, *(const bool *)at); break;
    case C2_TEXT: c2_json_put_text(w, key, *(const char *const *)at); break;
    case C2_CHARS: c2_json_put_text(w, key, at); break;
    case C2_DTYPE: c2_json_put_text(w, key, chronos2_dtype_name(*(const chronos2_dtype *)at)); break;
    case C2_HEADS: put_heads(w, key, at); break;
    case C2_LIST: put_metrics(w, key, at); break;
    case C2_RADII: c2_json_put_numbers(w, key, ((const c2_radii *)at)->at, ((const c2_radii *)at)->count); break;
    default: c2_json_put_number(w, key, c2_study_field_number(column, row));
  }
}

static void put_options(c2_json_writer *w, const c2_plan *plan, const c2_results *results) {
  const c2_schema *options = &c2_schemas[C2_TABLE_OPTIONS];
  c2_study_row row = {.part = {[C2_PART_PLAN] = plan, [C2_PART_RESULTS] = results}};
  c2_json_begin_object(w, "options");
  for (size_t i = 0; i < options->count; i++) c2_option_put(w, options->column[i].name, &options->column[i], &row);
  c2_json_end_object(w);
}

void c2_machine_put(c2_json_writer *w) {
  struct utsname system;
  char processor[256];
  long pages = sysconf(_SC_PHYS_PAGES);
  c2_processor_name(processor, sizeof processor);
  c2_json_put_text(w, "processor", processor);
  c2_json_put_whole(w, "processors", (uint64_t)c2_processor_count());
  c2_json_put_whole(w, "memory_mb", (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) >> 20);
  if (uname(&system) == 0) {
    c2_json_put_text(w, "system", system.sysname);
    c2_json_put_text(w, "release", system.release);
    c2_json_put_text(w, "architecture", system.machine);
  }
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
static c2_status keep_inputs(void *user, const char *path, const char *ending, c2_error *err) {
  const c2_task_list *tasks = user;
  (void)ending;
  for (size_t i = 0; i < tasks->count; i++) {
    const c2_task *task = &tasks->task[i];
    if (task->file) C2_TRY(c2_outfile_keep_input(path, task->file, err));
    for (size_t k = 0; k < task->data.count; k++) C2_TRY(c2_outfile_keep_input(path, task->data.name[k], err));
  }
  return C2_OK;
}

/* The failure is C2_ERR_UNSUPPORTED if the file system has no locks. */
static c2_status open_lock(c2_lock *lock, const char *path, c2_error *err) {
  lock->file = c2_file_lock(path, 0666, false);
  if (lock->file < 0 && errno == EWOULDBLOCK) {
    C2_FAIL(err, C2_ERR_IO, "%s: another run writes the files of this prefix; wait for it, or choose another prefix",
            path);
  }
  if (lock->file < 0 && (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: cannot lock: %s", path, strerror(errno));
  }
  if (lock->file < 0) C2_FAIL(err, C2_ERR_IO, "%s: cannot create: %s", path, strerror(errno));
  (void)snprintf(lock->path, sizeof lock->path, "%s", path);
  return C2_OK;
}

void c2_lock_close(c2_lock *lock) {
  if (!lock->path[0]) return;
  (void)unlink(lock->path); /* while it is still locked: nobody may take a removed one */
  (void)close(lock->file);
  memset(lock, 0, sizeof *lock);
}

c2_status c2_record_begin(const c2_plan *plan, const c2_results *results, c2_journal *journal, c2_lock *lock,
                          c2_error *err) {
  char path[C2_PATH_ROOM];
  char lock_path[C2_PATH_ROOM];
  char begin[C2_PATH_ROOM];
  c2_outfile file;
  c2_path_of(plan->prefix, "__run.json", path);
  c2_path_of(plan->prefix, "__run.json.lock", lock_path);
  c2_path_of(plan->prefix, "__", begin);
  if (!lock_path[0]) C2_FAIL(err, C2_ERR_ARGUMENT, "--out-prefix %.60s...: too long for a path", plan->prefix);
  c2_task_list tasks = results->tasks;
  C2_TRY(c2_prefix_walk(plan->prefix, keep_inputs, &tasks, err));
  c2_status status = open_lock(lock, lock_path, err);
  if (status == C2_ERR_UNSUPPORTED) {
    C2_TRY(c2_journal_warn(journal, err, "%s: the file system has no locks: no other run may use this prefix",
                           lock_path));
  } else {
    C2_TRY(status);
    c2_outfile_sweep(begin, 0); /* whoever holds the lock owns all temporary files of the prefix */
  }
  C2_TRY(c2_outfile_open(&file, path, err));
  c2_outfile_discard(&file);
  return C2_OK;
}

static void put_checksums(c2_json_writer *w, const c2_plan *plan, const c2_results *r) {
  c2_json_begin_object(w, "sha256");
  c2_json_put_text(w, "model", r->model_checksum);
  if (plan->sparse_model_folder) c2_json_put_text(w, "sparse_model", r->sparse_checksum);
  if (plan->sparse_adapter_folder) c2_json_put_text(w, "sparse_adapter", r->sparse_adapter_checksum);
  if (plan->adapter_folder) c2_json_put_text(w, "adapter", r->adapter_checksum);
  c2_json_put_text(w, "tasks", r->tasks_checksum);
  c2_json_begin_object(w, "data");
  for (size_t i = 0; i < r->done; i++) {
    if (r->task[i].checksum[0]) c2_json_put_text(w, r->task[i].task->name, r->task[i].checksum);
  }
  c2_json_end_object(w);
  c2_json_end_object(w);
}

void c2_record_put(c2_json_writer *w, const char *key, const c2_plan *plan, const c2_results *r,
                   const c2_summary *summary, const c2_journal *journal) {
  char line[C2_VERDICT_LINES][C2_VERDICT_ROOM];
  c2_json_begin_object(w, key);
  c2_json_put_text(w, "command", plan->command);
  c2_json_begin_array(w, "warnings");
  for (size_t i = 0; i < journal->warnings; i++) c2_json_put_text(w, NULL, journal->warning[i]);
  c2_json_end_array(w);
  c2_json_begin_array(w, "verdict");
  c2_verdict(r, summary, line);
  for (size_t i = 0; i < C2_VERDICT_LINES; i++) {
    if (line[i][0]) c2_json_put_text(w, NULL, line[i]);
  }
  c2_json_end_array(w);
  put_options(w, plan, r);
  if (r->trained[0]) c2_json_put_text(w, "trained_for", r->trained);
  put_checksums(w, plan, r);
  put_versions(w);
  c2_json_begin_object(w, "machine");
  c2_machine_put(w);
  c2_json_end_object(w);
  c2_json_end_object(w);
}

c2_status c2_record_write(const c2_plan *plan, const c2_results *results, const c2_summary *summary,
                          const c2_journal *journal, c2_error *err) {
  c2_outfile file;
  char path[C2_PATH_ROOM];
  c2_status status = C2_OK;
  c2_path_of(plan->prefix, "__run.json", path);
  C2_TRY(c2_outfile_open(&file, path, err));
  c2_json_writer w = {.out = file.stream};
  c2_record_put(&w, NULL, plan, results, summary, journal);
  C2_GOTO(c2_json_finish(&w, path, err));
  (void)fputc('\n', file.stream);
  C2_GOTO(c2_outfile_commit(&file, err));
fail:
  c2_outfile_discard(&file);
  return status;
}
