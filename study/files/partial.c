/* The tasks that a run has finished. The file may be of another run, or damaged: a run that isn't this one is refused,
 * a task that isn't whole is run again. */
#include "study/files/partial.h"

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
#include "base/sha.h"
#include "base/text.h"
#include "data/lookup.h"
#include "study/files/record.h"
#include "study/files/schema.h"
#include "version.h"

static const char file_name[] = "__partial.json";
static const char file_format[] = "chronos2 study, finished tasks, 6";

enum { DIFFERENCES = 640 };

/* ---- What a run's numbers depend on ----------------------------------------------------------- */

/* Scores and kept mass depend on "results" alone; times and resident memory on "times" too. */
static void put_settings(c2_json_writer *w, const c2_plan *plan, const c2_results *r) {
  static const char *const arms[] = {"none", "blind",      "visible",      "blind,visible",
                                     "null", "blind,null", "visible,null", "blind,visible,null"};
  const c2_schema *options = &c2_schemas[C2_TABLE_OPTIONS];
  c2_study_row row = {.part = {[C2_PART_PLAN] = plan, [C2_PART_RESULTS] = r}};
  c2_json_begin_object(w, "results");
  c2_json_put_text(w, "version", chronos2_version());
  c2_json_put_text(w, "commit", C2_COMMIT);
  c2_json_put_text(w, "model's sha256", r->model_checksum);
  c2_json_put_text(w, "adapter's sha256", plan->adapter_folder ? r->adapter_checksum : "none");
  c2_json_put_text(w, "sparse model's sha256", plan->sparse_model_folder ? r->sparse_checksum : "none");
  c2_json_put_text(w, "sparse adapter's sha256", plan->sparse_adapter_folder ? r->sparse_adapter_checksum : "none");
  c2_json_put_text(w, "task file's sha256", r->tasks_checksum);
  c2_json_put_text(w, "--arms",
                   arms[(plan->blind_arm ? 1 : 0) + (plan->visible_arms ? 2 : 0) + (plan->null_arms ? 4 : 0)]);
  for (size_t i = 0; i < options->count; i++) {
    char name[C2_COLUMN_ROOM]; /* "--perf-repeats" for "perf_repeats" */
    if (!options->column[i].setting) continue;
    (void)snprintf(name, sizeof name, "--%s", options->column[i].name);
    for (char *c = name; *c; c++) *c = *c == '_' ? '-' : *c;
    c2_option_put(w, name, &options->column[i], &row);
  }
  c2_json_end_object(w);
  c2_json_begin_object(w, "times");
  c2_json_put_whole(w, "--threads", r->threads);
  c2_json_put_bool(w, "--pin", plan->session.pin);
  c2_json_put_text(w, "--device", plan->session.device);
  c2_machine_put(w);
  c2_json_put_text(w, "compiler", __VERSION__);
  c2_json_end_object(w);
}

/* "8", "on", "8,16", "none"; "unknown" stands for what is not there. */
static void put_value(FILE *out, const c2_json *value) {
  if (c2_json_is(value, C2_JSON_ARRAY)) {
    const char *separator = "";
    C2_JSON_EACH (item, value) {
      (void)fprintf(out, "%s%s", separator, item->text ? item->text : "");
      separator = ",";
    }
    if (!*separator) (void)fputs("none", out);
  } else if (c2_json_is(value, C2_JSON_TRUE) || c2_json_is(value, C2_JSON_FALSE)) {
    (void)fputs(value->type == C2_JSON_TRUE ? "on" : "off", out);
  } else {
    (void)fputs(value && value->text ? value->text : "unknown", out);
  }
}

static bool same_value(const c2_json *a, const c2_json *b) {
  if (!a || !b || a->type != b->type || a->size != b->size) return false;
  if (a->text) return strcmp(a->text, b->text) == 0;
  for (size_t i = 1; i <= c2_json_size(a); i++) { /* settings are lists at most */
    if (!a[i].text || !b[i].text || strcmp(a[i].text, b[i].text) != 0) return false;
  }
  return true;
}

/* "NAME was OLD and is NEW" for every setting that differs; empty if none does, and what does not fit is cut off. */
static void differences(const c2_json *now, const c2_json *then, char out[DIFFERENCES]) {
  memset(out, 0, DIFFERENCES);
  FILE *text = fmemopen(out, DIFFERENCES - 1, "w");
  const char *join = "";
  C2_JSON_EACH (name, now) {
    const c2_json *old = c2_json_get(then, name->text);
    if (!text || same_value(name + 1, old)) continue;
    (void)fprintf(text, "%s%s was ", join, name->text);
    put_value(text, old);
    (void)fputs(" and is ", text);
    put_value(text, name + 1);
    join = "; ";
  }
  if (text) (void)fclose(text);
}

/* ---- The numbers of a task ------------------------------------------------------------------- */

/* One walk over a task's numbers counts, writes and reads them, so that the three can't disagree. What is read is a
 * stranger's: nothing becomes a size unchecked, and what this run knows must be there again. */
typedef struct walk {
  double *x; /* [count]; NULL: only counted */
  size_t count, at;
  bool reading, bad;
} walk;

static void carry_all(walk *w, double *values, size_t n) {
  for (size_t i = 0; i < n; i++, w->at++) {
    if (!w->x) continue;
    if (w->at >= w->count) {
      w->bad = true;
    } else if (w->reading) {
      values[i] = w->x[w->at];
    } else {
      w->x[w->at] = values[i];
    }
  }
}

/* The numbers that a table's columns have of a part. */
static void carry(walk *w, c2_study_table table, c2_part part, void *data) {
  const c2_schema *schema = &c2_schemas[table];
  c2_study_row row = {.part = {NULL}};
  row.part[part] = data;
  for (size_t i = 0; i < schema->all; i++) {
    const c2_study_field *column = &schema->column[i];
    if (column->part != part || !c2_study_field_is_stored(column)) continue;
    double value = w->x && !w->reading ? c2_study_field_number(column, &row) : 0;
    carry_all(w, &value, 1);
    if (w->reading && !w->bad && !c2_study_field_take(column, data, value)) w->bad = true;
  }
}

static void expect(walk *w, bool holds) {
  if (w->reading && !holds) w->bad = true;
}

static void carry_mass(const c2_plan *plan, walk *w, size_t index, c2_mass_row *m) {
  const c2_radii *radii = &plan->radii;
  carry(w, C2_TABLE_MASS_PER_WINDOW, C2_PART_MASS, m);
  expect(w, m->window == index / radii->count && m->radius == radii->at[index % radii->count]);
  expect(w, m->context_used > 0 && m->context_tokens > 0 && m->context_tokens < m->tokens);
  expect(w, m->query_positions == m->context_tokens - (plan->exclude_reg ? 1 : 0));
  expect(w, m->series > 0 && m->rows_per_series > 0 && m->queries <= 0x1p53);
}

static void carry_head(const c2_plan *plan, const c2_results *r, walk *w, size_t index, c2_head_row *h) {
  size_t cell = index / plan->radii.count;
  carry(w, C2_TABLE_MASS_BY_HEAD, C2_PART_HEAD, h);
  expect(w, h->layer == cell / r->heads && h->head == cell % r->heads &&
                h->radius == plan->radii.at[index % plan->radii.count]);
}

/* All but the example's values, whose number ends it. */
static void carry_task(const c2_plan *plan, const c2_results *r, walk *w, c2_task_result *t) {
  for (size_t i = 0; i < t->mass_count; i++) carry_mass(plan, w, i, &t->mass[i]);
  for (size_t i = 0; i < t->head_count; i++) carry_head(plan, r, w, i, &t->head[i]);
  for (size_t i = 0; i < r->arms; i++) {
    c2_perf *perf = &t->perf[i];
    carry(w, C2_TABLE_PERF_FULL, C2_PART_PERF, perf);
    expect(w, perf->num_forecasts > 0 && perf->context_used > 0);
    expect(w, perf->repeats == (r->arm[i].timed ? plan->repeats : 0));
  }
  carry(w, C2_TABLE_BASELINES, C2_PART_RESULT, t);
  expect(w, t->num_forecasts > 0);
  if (r->arms == 0) return;
  carry_all(w, &t->observed, 1);
  carry_all(w, t->left_out, r->compared.count);
  carry_all(w, t->beyond, r->compared.count);
  double past = (double)t->example.past;
  carry_all(w, t->redrawn, r->compared.count * C2_REDRAWS * r->arms);
  carry_all(w, &past, 1);
  expect(w, past >= 0 && past <= C2_EXAMPLE_MOST_PAST && past == floor(past));
  if (w->reading && !w->bad) t->example.past = (size_t)past;
}

void c2_partial_seal(const double *numbers, size_t n, const char *id_column, const char *series,
                     const char *const *warning, size_t warnings, char out[C2_SHA_ROOM]) {
  c2_sha sha;
  c2_sha_begin(&sha, C2_SHA256);
  for (size_t i = 0; i < n; i++) {
    double x = isnan(numbers[i]) ? (double)NAN : numbers[i]; /* a NaN's other bits do not survive the file */
    c2_sha_add(&sha, &x, sizeof x);
  }
  c2_sha_add(&sha, id_column, strlen(id_column) + 1);
  c2_sha_add(&sha, series, strlen(series) + 1);
  for (size_t i = 0; i < warnings; i++) c2_sha_add(&sha, warning[i], strlen(warning[i]) + 1);
  c2_sha_end(&sha, out);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static c2_status put_task(c2_json_writer *out, const c2_plan *plan, const c2_results *r, size_t index, c2_error *err) {
  c2_task_result copy = r->task[index]; /* the walk may write where it reads a file */
  size_t values = r->arms ? c2_example_values(copy.example.past, copy.example.horizon) : 0;
  const char *id_column = r->arms ? copy.id_column : "";
  const char *series = r->arms ? copy.example.series : "";
  char seal[C2_SHA_ROOM];
  walk w = {.x = NULL};
  carry_task(plan, r, &w, &copy);
  w = (walk){.count = w.at + values};
  C2_TRY(c2_alloc_array(w.count, sizeof *w.x, &w.x, err));
  carry_task(plan, r, &w, &copy);
  if (values) carry_all(&w, copy.example.values, values);
  c2_partial_seal(w.x, w.count, id_column, series, copy.warning, copy.warnings, seal);
  c2_json_begin_object(out, NULL);
  c2_json_put_text(out, "name", copy.task->name);
  c2_json_put_text(out, "data_sha256", copy.checksum);
  c2_json_put_text(out, "id_column", id_column);
  c2_json_put_text(out, "series", series);
  c2_json_begin_array(out, "warnings");
  for (size_t i = 0; i < copy.warnings; i++) c2_json_put_text(out, NULL, copy.warning[i]);
  c2_json_end_array(out);
  c2_json_put_text(out, "seal", seal);
  c2_json_put_numbers(out, "numbers", w.x, w.count);
  c2_json_end_object(out);
  free(w.x);
  return C2_OK;
}

c2_status c2_partial_write(const c2_plan *plan, const c2_results *r, c2_error *err) {
  char path[C2_PATH_ROOM];
  c2_outfile file;
  c2_status status = C2_OK;
  c2_path_of(plan->prefix, file_name, path);
  C2_TRY(c2_outfile_open(&file, path, err));
  c2_json_writer w = {.out = file.stream};
  c2_json_begin_object(&w, NULL);
  c2_json_put_text(&w, "format", file_format);
  put_settings(&w, plan, r);
  c2_json_begin_array(&w, "tasks");
  for (size_t i = 0; i < r->tasks.count; i++) {
    if (r->task[i].finished) C2_GOTO(put_task(&w, plan, r, i, err));
  }
  c2_json_end_array(&w);
  c2_json_end_object(&w);
  C2_GOTO(c2_json_finish(&w, path, err));
  (void)fputc('\n', file.stream);
  C2_GOTO(c2_outfile_commit(&file, err));
fail:
  c2_outfile_discard(&file);
  return status;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* What a reading needs. */
typedef struct reader {
  const c2_plan *plan;
  c2_results *results;
  c2_journal *journal;
  const char *path;
} reader;

/* Room for what a task of this run has. */
static c2_status make_room(const reader *in, c2_task_result *t, c2_error *err) {
  const c2_results *r = in->results;
  t->mass_count = c2_probed_windows(in->plan, t->task) * r->radii.count;
  t->head_count = r->layers * r->heads * r->radii.count;
  C2_TRY(c2_alloc_array(t->mass_count, sizeof *t->mass, &t->mass, err));
  C2_TRY(c2_alloc_array(t->head_count, sizeof *t->head, &t->head, err));
  return r->arms ? c2_task_result_open_perf(t, r->arms, r->compared.count, err) : C2_OK;
}

/* The example's values, the last of the numbers, and what isn't a number. */
static c2_status take_rest(walk *w, const char *id_column, const char *series, c2_task_result *t, c2_error *err) {
  c2_example *x = &t->example;
  x->horizon = t->task->horizon;
  size_t values = t->perf ? c2_example_values(x->past, x->horizon) : 0;
  if (w->count - w->at != values) {
    w->bad = true;
    return C2_OK;
  }
  if (!t->perf) return C2_OK;
  t->id_column = t->task->id_column ? t->task->id_column : strcmp(id_column, "id") == 0 ? "id" : "item_id";
  C2_TRY(c2_alloc_array(values, sizeof *x->values, &x->values, err));
  carry_all(w, x->values, values);
  x->series = c2_strdup(series);
  if (!x->series) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate the id of a series");
  return C2_OK;
}

/* The warnings of a task, which will be told again. *whole: they are what a run writes. */
static c2_status take_warnings(const reader *in, const c2_json *array, c2_task_result *t, bool *whole, c2_error *err) {
  *whole = c2_json_is(array, C2_JSON_ARRAY);
  if (!*whole) return C2_OK;
  C2_TRY(c2_alloc_array(c2_json_size(array), sizeof *t->warning, &t->warning, err));
  C2_JSON_EACH (one, array) {
    const char *text = c2_json_string(one);
    *whole = *whole && text && c2_text_plain(text, strlen(text));
    if (!*whole) return C2_OK;
    C2_TRY(c2_pool_text(&in->journal->pool, text, &t->warning[t->warnings++], err));
  }
  return C2_OK;
}

/* *whole: the numbers [n] are those of the task, all of them. */
static c2_status take_numbers(const reader *in, double *numbers, size_t n, const c2_json *object, c2_task_result *t,
                              bool *whole, c2_error *err) {
  const char *id_column = c2_json_string(c2_json_get(object, "id_column"));
  const char *series = c2_json_string(c2_json_get(object, "series"));
  const char *seal = c2_json_string(c2_json_get(object, "seal"));
  char found[C2_SHA_ROOM];
  walk w = {.x = numbers, .count = n, .reading = true};
  C2_TRY(take_warnings(in, c2_json_get(object, "warnings"), t, whole, err));
  if (!*whole) return C2_OK;
  *whole = false;
  if (!id_column || !series || !seal) return C2_OK;
  c2_partial_seal(numbers, n, id_column, series, t->warning, t->warnings, found);
  if (strcmp(found, seal) != 0) return C2_OK;
  C2_TRY(make_room(in, t, err));
  carry_task(in->plan, in->results, &w, t);
  if (!w.bad) C2_TRY(take_rest(&w, id_column, series, t, err));
  *whole = !w.bad;
  return C2_OK;
}

static c2_status take_task(const reader *in, const c2_json *object, c2_task_result *t, c2_error *err) {
  const char *name = t->task->name;
  const c2_json *array = c2_json_get(object, "numbers");
  const char *sum = c2_json_string(c2_json_get(object, "data_sha256"));
  size_t n = c2_json_size(array);
  double *numbers = NULL;
  if (t->finished) C2_FAIL(err, C2_ERR_FORMAT, "%s: task '%.80s' is there twice", in->path, name);
  if (sum && strcmp(sum, t->checksum) != 0) {
    c2_journal_say(in->journal, "task '%.80s': its data are not what they were when it was finished: it is run again",
                   name);
    return C2_OK;
  }
  C2_TRY(c2_alloc_array(n, sizeof *numbers, &numbers, err));
  size_t i = 0;
  C2_JSON_EACH (number, array) numbers[i++] = c2_json_extended(number);
  bool whole = false;
  c2_status status = sum ? take_numbers(in, numbers, n, object, t, &whole, err) : C2_OK;
  free(numbers);
  if (whole) {
    t->finished = true;
  } else {
    c2_task_result_free(t);
  }
  if (status == C2_OK && !whole) {
    c2_journal_say(in->journal, "task '%.80s': its numbers in %s are damaged: it is run again", name, in->path);
  }
  return status;
}

static c2_status take_tasks(const reader *in, const c2_json *tasks, c2_error *err) {
  c2_results *r = in->results;
  c2_lookup names = {0};
  size_t at = 0;
  c2_status status = C2_OK;
  for (size_t i = 0; status == C2_OK && i < r->tasks.count; i++) {
    status = c2_lookup_add(&names, r->tasks.task[i].name, &at, err);
  }
  C2_JSON_EACH (one, tasks) {
    if (status != C2_OK) break;
    const char *name = c2_json_string(c2_json_get(one, "name"));
    if (!name) {
      c2_journal_say(in->journal, "%s: a finished task there has lost its name: it is run again", in->path);
    } else if (c2_lookup_find(&names, name, &at)) {
      status = take_task(in, one, &r->task[at], err);
    } else {
      status = c2_fail(err, C2_ERR_FORMAT,
                       "%s: task '%.80s' is finished there, but --max-tasks or --exclude-regex leaves it out: take it "
                       "in, or choose another --out-prefix, or --restart to drop it",
                       in->path, name);
    }
  }
  c2_lookup_free(&names);
  return status;
}

/* Refuses what another run left; warns of what makes times unlike. */
static c2_status compare_settings(const reader *in, const c2_json *now, const c2_json *then, c2_error *err) {
  const char *format = c2_json_string(c2_json_get(then, "format"));
  char text[DIFFERENCES];
  if (!format || strcmp(format, file_format) != 0 || !c2_json_is(c2_json_get(then, "tasks"), C2_JSON_ARRAY)) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s: expected the finished tasks of an interrupted study, as this version writes them; --restart drops it "
            "and runs all tasks",
            in->path);
  }
  differences(c2_json_get(now, "results"), c2_json_get(then, "results"), text);
  if (text[0]) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s is of another run: %s; run as then, or choose another --out-prefix, or --restart to run all tasks "
            "again",
            in->path, text);
  }
  differences(c2_json_get(now, "times"), c2_json_get(then, "times"), text);
  if (!text[0]) return C2_OK;
  return c2_journal_warn(in->journal, err,
                         "tasks that were finished before keep their scores, but their times and memory were measured "
                         "under other conditions: %.300s",
                         text);
}

/* The settings of this run, as the file has them. Free the text after the document. */
static c2_status settings_now(const reader *in, c2_json_document *doc, char **text, c2_error *err) {
  size_t size = 0;
  FILE *out = open_memstream(text, &size);
  c2_json_writer w = {.out = out};
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate the settings of a run");
  c2_json_begin_object(&w, NULL);
  put_settings(&w, in->plan, in->results);
  c2_json_end_object(&w);
  if (!c2_text_close(out, text)) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate the settings of a run");
  return c2_json_parse(doc, *text, size, err);
}

static c2_status resume(const reader *in, c2_error *err) {
  c2_json_document then = {.path = in->path, .failure = C2_ERR_FORMAT};
  c2_json_document now = {.path = in->path, .failure = C2_ERR_FORMAT};
  c2_error why = {.code = C2_OK};
  char *text = NULL;
  c2_status status = c2_json_load(&then, &why);
  if (status != C2_OK) {
    bool damaged = status == C2_ERR_FORMAT;
    C2_GOTO(c2_fail(err, status, "%s%s", why.text,
                    damaged ? "; --restart drops the finished tasks of an interrupted study and runs all tasks" : ""));
  }
  C2_GOTO(settings_now(in, &now, &text, err));
  C2_GOTO(compare_settings(in, now.node, then.node, err));
  C2_GOTO(take_tasks(in, c2_json_get(then.node, "tasks"), err));
fail:
  c2_json_free(&then);
  c2_json_free(&now);
  free(text);
  return status;
}

c2_status c2_partial_begin(const c2_plan *plan, c2_results *results, c2_journal *journal, c2_error *err) {
  char path[C2_PATH_ROOM];
  c2_path_of(plan->prefix, file_name, path);
  if (!c2_file_exists(path)) {
    if (plan->resume) c2_journal_say(journal, "%s is not there: all tasks are run", path);
    return C2_OK;
  }
  if (plan->resume) return resume(&(reader){plan, results, journal, path}, err);
  if (!plan->restart) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s holds the finished tasks of an interrupted run: --resume goes on with them, --restart drops them, "
            "another --out-prefix leaves them",
            path);
  }
  c2_journal_say(journal, "%s: dropped; all tasks are run", path);
  c2_partial_forget(plan);
  return C2_OK;
}

void c2_partial_forget(const c2_plan *plan) {
  char path[C2_PATH_ROOM];
  c2_path_of(plan->prefix, file_name, path);
  (void)unlink(path);
}
