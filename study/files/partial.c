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
#include "data/lookup.h"
#include "study/files/record.h"
#include "study/files/schema.h"
#include "version.h"

static const char file_name[] = "__partial.json";
static const char file_format[] = "chronos2 study, finished tasks, 3";

/* ---- What a run's numbers depend on ----------------------------------------------------------- */

/* Scores and kept mass depend on RESULTS alone; times and resident memory on TIMES too. */
typedef enum setting_kind { RESULTS, TIMES } setting_kind;

enum { MOST_SETTINGS = 40, NAME = 32, SHOWN = 64 };

typedef struct setting {
  char name[NAME];
  setting_kind kind;
  char *value;
} setting;

typedef struct settings {
  setting one[MOST_SETTINGS];
  size_t count;
  bool failed; /* memory was out */
} settings;

/* Takes the value; NULL is memory that was out. */
static void add_value(settings *s, setting_kind kind, const char *name, char *value) {
  if (!value || s->count == MOST_SETTINGS) {
    free(value);
    s->failed = true;
    return;
  }
  setting *one = &s->one[s->count++];
  *one = (setting){.kind = kind, .value = value};
  (void)snprintf(one->name, sizeof one->name, "%s", name);
}

C2_PRINTF(4, 5) static void add(settings *s, setting_kind kind, const char *name, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  add_value(s, kind, name, c2_strdup(text));
}

static void put_option(const c2_field *column, const c2_row *row, FILE *out) {
  const void *at = c2_field_at(column, row);
  if (column->kind == C2_FLAG) {
    (void)fputs(c2_field_number(column, row) != 0 ? "on" : "off", out);
  } else if (column->kind == C2_HEADS) {
    const c2_heads *heads = at;
    if (heads->count == 0) (void)fputs("none", out);
    c2_heads_put(heads, ',', out);
  } else if (column->kind == C2_RADII && ((const c2_radii *)at)->count == 0) {
    (void)fputs("none", out);
  } else {
    c2_field_put(column, row, out);
  }
}

/* "--perf-repeats" for "perf_repeats". */
static void add_option(settings *s, const c2_field *column, const c2_row *row) {
  char name[NAME];
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  (void)snprintf(name, sizeof name, "--%s", column->name);
  for (char *c = name; *c; c++) *c = *c == '_' ? '-' : *c;
  if (out) put_option(column, row, out);
  if (!out || fclose(out) != 0) {
    free(text);
    text = NULL;
  }
  add_value(s, RESULTS, name, text);
}

static void add_results(settings *s, const c2_plan *plan, const c2_results *r) {
  static const char *const arms[] = {"none", "blind",      "visible",      "blind,visible",
                                     "null", "blind,null", "visible,null", "blind,visible,null"};
  const c2_schema *options = &c2_schemas[C2_TABLE_OPTIONS];
  c2_row row = {.part = {[C2_PART_PLAN] = plan, [C2_PART_RESULTS] = r}};
  add(s, RESULTS, "program", "%s %s", chronos2_version(), C2_COMMIT);
  add(s, RESULTS, "model's sha256", "%s", r->model_checksum);
  add(s, RESULTS, "adapter's sha256", "%s", plan->adapter_folder ? r->adapter_checksum : "none");
  add(s, RESULTS, "sparse model's sha256", "%s", plan->sparse_model_folder ? r->sparse_checksum : "none");
  add(s, RESULTS, "task file's sha256", "%s", r->tasks_checksum);
  add(s, RESULTS, "--arms", "%s",
      arms[(plan->blind_arm ? 1 : 0) + (plan->visible_arms ? 2 : 0) + (plan->null_arms ? 4 : 0)]);
  for (size_t i = 0; i < options->count; i++) {
    if (options->column[i].setting) add_option(s, &options->column[i], &row);
  }
}

static void add_times(settings *s, const c2_plan *plan, const c2_results *r) {
  struct utsname system = {.sysname = "", .release = "", .machine = ""};
  char processor[256];
  c2_processor_name(processor, sizeof processor);
  (void)uname(&system);
  add(s, TIMES, "--threads", "%zu", r->threads);
  add(s, TIMES, "--pin", "%s", plan->session.pin ? "on" : "off");
  add(s, TIMES, "processor", "%s", processor);
  add(s, TIMES, "number of processors", "%d", c2_processor_count());
  add(s, TIMES, "pages of memory", "%ld", sysconf(_SC_PHYS_PAGES));
  add(s, TIMES, "system", "%s %s %s", system.sysname, system.release, system.machine);
  add(s, TIMES, "compiler", "%s", __VERSION__);
}

static void settings_free(settings *s) {
  for (size_t i = 0; i < s->count; i++) free(s->one[i].value);
}

static c2_status settings_of(const c2_plan *plan, const c2_results *r, settings *s, c2_error *err) {
  memset(s, 0, sizeof *s);
  add_results(s, plan, r);
  add_times(s, plan, r);
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
static void carry(walk *w, c2_table table, c2_part part, void *data) {
  const c2_schema *schema = &c2_schemas[table];
  c2_row row = {.part = {NULL}};
  row.part[part] = data;
  for (size_t i = 0; i < schema->all; i++) {
    const c2_field *column = &schema->column[i];
    if (column->part != part || !c2_field_is_stored(column)) continue;
    double value = w->x && !w->reading ? c2_field_number(column, &row) : 0;
    carry_all(w, &value, 1);
    if (w->reading && !w->bad && !c2_field_take(column, data, value)) w->bad = true;
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
  double past = (double)t->example.past;
  carry_all(w, t->redrawn, r->compared.count * C2_REDRAWS * r->arms);
  carry_all(w, &past, 1);
  expect(w, past >= 0 && past <= C2_EXAMPLE_MOST_PAST && past == floor(past));
  if (w->reading && !w->bad) t->example.past = (size_t)past;
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

static c2_status put_task(c2_json_writer *out, const c2_plan *plan, const c2_results *r, size_t index, c2_error *err) {
  c2_task_result copy = r->task[index]; /* the walk may write where it reads a file */
  size_t values = r->arms ? c2_example_values(copy.example.past, copy.example.horizon) : 0;
  const char *id_column = r->arms ? copy.id_column : "";
  const char *series = r->arms ? copy.example.series : "";
  char seal[C2_CHECKSUM_ROOM];
  walk w = {.x = NULL};
  carry_task(plan, r, &w, &copy);
  w = (walk){.count = w.at + values};
  C2_TRY(c2_alloc_array(w.count, sizeof *w.x, &w.x, err));
  carry_task(plan, r, &w, &copy);
  if (values) carry_all(&w, copy.example.values, values);
  c2_status status = c2_partial_seal(w.x, w.count, id_column, series, seal, err);
  if (status == C2_OK) {
    c2_json_begin_object(out, NULL);
    c2_json_put_text(out, "name", copy.task->name);
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

static c2_status write_tasks(c2_outfile *file, const c2_plan *plan, const c2_results *r, const settings *now,
                             c2_error *err) {
  c2_json_writer w = {.out = file->stream};
  c2_json_begin_object(&w, NULL);
  c2_json_put_text(&w, "format", file_format);
  c2_json_begin_object(&w, "settings");
  for (size_t i = 0; i < now->count; i++) c2_json_put_text(&w, now->one[i].name, now->one[i].value);
  c2_json_end_object(&w);
  c2_json_begin_array(&w, "tasks");
  for (size_t i = 0; i < r->tasks.count; i++) {
    if (r->task[i].finished) C2_TRY(put_task(&w, plan, r, i, err));
  }
  c2_json_end_array(&w);
  c2_json_end_object(&w);
  C2_TRY(c2_json_finish(&w, file->path, err));
  (void)fputc('\n', file->stream);
  return c2_outfile_commit(file, err);
}

c2_status c2_partial_write(const c2_plan *plan, const c2_results *results, c2_error *err) {
  settings now;
  c2_outfile file;
  C2_TRY(settings_of(plan, results, &now, err));
  char *path = c2_path_of(plan->prefix, file_name);
  c2_status status = path ? c2_outfile_open(&file, path, err) : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
  if (status == C2_OK) {
    status = write_tasks(&file, plan, results, &now, err);
    c2_outfile_discard(&file);
  }
  settings_free(&now);
  free(path);
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

/* *whole: the numbers [n] are those of the task, all of them. */
static c2_status take_numbers(const reader *in, double *numbers, size_t n, const c2_json *object, c2_task_result *t,
                              bool *whole, c2_error *err) {
  const char *id_column = c2_json_string(c2_json_get(object, "id_column"));
  const char *series = c2_json_string(c2_json_get(object, "series"));
  const char *seal = c2_json_string(c2_json_get(object, "seal"));
  char found[C2_CHECKSUM_ROOM];
  walk w = {.x = numbers, .count = n, .reading = true};
  *whole = false;
  if (!id_column || !series || !seal) return C2_OK;
  C2_TRY(c2_partial_seal(numbers, n, id_column, series, found, err));
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
static c2_status compare_settings(const reader *in, const c2_json *object, c2_error *err) {
  const char *format = c2_json_string(c2_json_get(object, "format"));
  const c2_json *then = c2_json_get(object, "settings");
  char text[640];
  settings now;
  if (!format || strcmp(format, file_format) != 0 || !c2_json_is(then, C2_JSON_OBJECT) ||
      !c2_json_is(c2_json_get(object, "tasks"), C2_JSON_ARRAY)) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s: expected the finished tasks of an interrupted study, as this version writes them; --restart drops it "
            "and runs all tasks",
            in->path);
  }
  C2_TRY(settings_of(in->plan, in->results, &now, err));
  c2_status status = C2_OK;
  differences(&now, then, RESULTS, text, sizeof text);
  if (text[0]) {
    status = c2_fail(err, C2_ERR_FORMAT,
                     "%s is of another run: %s; run as then, or choose another --out-prefix, or --restart to run all "
                     "tasks again",
                     in->path, text);
  } else {
    differences(&now, then, TIMES, text, sizeof text);
    if (text[0]) {
      status = c2_journal_warn(in->journal, err,
                               "tasks that were finished before keep their scores, but their times and memory were "
                               "measured under other conditions: %.300s",
                               text);
    }
  }
  settings_free(&now);
  return status;
}

static c2_status resume(const reader *in, c2_error *err) {
  c2_json_document doc = {.path = in->path, .failure = C2_ERR_FORMAT};
  c2_error why;
  c2_status status = c2_json_load(&doc, &why);
  if (status == C2_ERR_FORMAT) {
    status = c2_fail(err, status, "%s; --restart drops the finished tasks of an interrupted study and runs all tasks",
                     why.text);
  } else if (status != C2_OK) {
    status = c2_fail(err, status, "%s", why.text);
  }
  if (status == C2_OK) status = compare_settings(in, doc.node, err);
  if (status == C2_OK) status = take_tasks(in, c2_json_get(doc.node, "tasks"), err);
  c2_json_free(&doc);
  return status;
}

c2_status c2_partial_begin(const c2_plan *plan, c2_results *results, c2_journal *journal, c2_error *err) {
  char *path = c2_path_of(plan->prefix, file_name);
  c2_status status = path ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
  if (status == C2_OK && c2_file_exists(path)) {
    if (plan->restart) {
      c2_journal_say(journal, "%s: dropped; all tasks are run", path);
      c2_partial_forget(plan);
    } else if (plan->resume) {
      status = resume(&(reader){plan, results, journal, path}, err);
    } else {
      status = c2_fail(err, C2_ERR_FORMAT,
                       "%s holds the finished tasks of an interrupted run: --resume goes on with them, --restart drops "
                       "them, another --out-prefix leaves them",
                       path);
    }
  } else if (status == C2_OK && plan->resume) {
    c2_journal_say(journal, "%s is not there: all tasks are run", path);
  }
  free(path);
  return status;
}

void c2_partial_forget(const c2_plan *plan) {
  char *path = c2_path_of(plan->prefix, file_name);
  if (path) (void)unlink(path);
  free(path);
}
