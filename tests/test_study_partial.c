/* What an interrupted study leaves: only the same run goes on from it, nothing overwrites it unasked, what is damaged
 * is run again, and one prefix has one writer. */
#include "program.h"

#include <jansson.h>
#include <math.h>
#include <sys/file.h>

#include "study/tasks/checksum.h"
#include "study/files/partial.h"

static const char tasks_text[] =
    "tasks:\n- {dataset_path: one.jsonl, dataset_config: one, horizon: 4}\n"
    "- {dataset_path: two.jsonl, dataset_config: two, horizon: 4, num_windows: 2}\n"
    "- {dataset_path: three.jsonl, dataset_config: three, horizon: 4}\n";
static const char series_text[] =
    "{\"item_id\": \"a\", \"start\": \"2020-01-01\", \"freq\": \"D\", \"target\": [1, 2, 4, 3, 5, 6, 8, 7, 9, 10, 12, "
    "11, 13, 14, 16, 15, 17, 18, 20, 19, 21, 22, 24, 23]}\n";
static const char other_text[] =
    "{\"item_id\": \"a\", \"start\": \"2020-01-01\", \"freq\": \"D\", \"target\": [1, 2, 4, 3, 5, 6, 8, 7, 9, 10, 12, "
    "11, 13, 14, 16, 15, 17, 18, 20, 19, 21, 22, 24, 29]}\n";

/* A folder of three tasks, of which a run finishes two: it is asked for no more and can't write its page. */
typedef struct place {
  char *folder, *prefix, *partial, *backup;
} place;

static void write_text(const place *p, const char *name, const char *text) {
  char *path = program_path(p->folder, name);
  program_write_file(path, text, strlen(text));
  free(path);
}

#define RUN(p, ...)                                                                                                  \
  PROGRAM_RUN_LAST("study", "--tasks", (p)->folder, "--out-prefix", (p)->prefix, "--radii", "1,4", "--arms", "none", \
                   "--perf-repeats", "2", __VA_ARGS__)

static void copy(const char *from, const char *to) {
  char *text = program_read_file(from);
  assert_non_null(text);
  program_write_file(to, text, strlen(text));
  free(text);
}

static place interrupted(void) {
  place p = {.folder = program_make_folder()};
  p.prefix = program_path(p.folder, "p");
  p.partial = program_path(p.folder, "p__partial.json");
  p.backup = program_path(p.folder, "kept");
  write_text(&p, "tasks.yaml", tasks_text);
  write_text(&p, "one.jsonl", series_text);
  write_text(&p, "two.jsonl", series_text);
  write_text(&p, "three.jsonl", "{");
  char *page = program_path(p.folder, "p__report.html");
  assert_int_equal(mkdir(page, 0700), 0);
  program_result r = RUN(&p, "--threads", "1", "--max-tasks", "2");
  assert_int_equal(r.status, 1);
  assert_int_equal(program_count(r.err, "task 2/2"), 1);
  program_free(&r);
  assert_int_equal(rmdir(page), 0);
  free(page);
  copy(p.partial, p.backup);
  return p;
}

static void leave(place *p) {
  free(p->prefix);
  free(p->partial);
  free(p->backup);
  program_remove_folder(p->folder);
}

static void assert_untouched(const place *p) {
  char *now = program_read_file(p->partial);
  char *before = program_read_file(p->backup);
  assert_non_null(now);
  assert_string_equal(now, before);
  free(now);
  free(before);
}

/* The one line of stderr that is an error, with all of these parts; the file stays as it was. */
static void assert_refused(const place *p, program_result r, int status, const char *const *parts) {
  const char *error = strstr(r.err, "chronos2: error: ");
  if (r.status != status || r.out_size != 0 || program_count(r.err, "chronos2: error: ") != 1) {
    fail_msg("status %d, stdout '%s', stderr '%s'", r.status, r.out, r.err);
  }
  for (; *parts; parts++) {
    if (!strstr(error, *parts)) fail_msg("expected '%s' in '%s'", *parts, error);
  }
  program_free(&r);
  assert_untouched(p);
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Every option that results depend on is told apart, by name, with both values. */
static void test_other_run(void **state) {
  (void)state;
  static const struct {
    const char *option, *value, *part;
  } other[] = {{"--radii", "1,4,8", "--radii was 1,4 and is 1,4,8"},
               {"--perf-radii", "4", "--perf-radii was 1,4 and is 4"},
               {"--arms", "blind", "--arms was none and is blind"},
               {"--local-radius", "4", "--local-radius was 1 and is 4"},
               {"--perf-repeats", "4", "--perf-repeats was 2 and is 4"},
               {"--perf-batch-size", "7", "--perf-batch-size was 256 and is 7"},
               {"--batch-size", "7", "--perf-batch-size was 256 and is 7"},
               {"--probe-batch-size", "7", "--probe-batch-size was 4 and is 7"},
               {"--max-windows-per-task", "2", "--max-windows-per-task was 1 and is 2"},
               {"--max-series-per-window", "2", "--max-series-per-window was 256 and is 2"},
               {"--seed", "9", "--seed was 0 and is 9"},
               {"--context-length", "9", "--context-length was 0 and is 9"},
               {"--dtype", "int8", "--dtype was fp32 and is int8"},
               {"--backend", "reference", "--backend was fused and is reference"},
               {"--isa", "scalar", "and is scalar"},
               {"--model", SOURCE_DIR "/models/chronos2-micro-r8", "model's sha256 was "},
               {"--sparse-model", SOURCE_DIR "/models/chronos2-micro-r8", "sparse model's sha256 was none and is "}};
  static const char *const flags[] = {"--exclude-reg-query", "--time-reg-is-global", "--as-univariate"};
  place p = interrupted();
  write_text(&p, "three.jsonl", series_text);
  for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
    assert_refused(&p, RUN(&p, "--threads", "1", "--resume", other[i].option, other[i].value), 1,
                   PARTS("p__partial.json", other[i].part, "--restart"));
  }
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    char part[96];
    (void)snprintf(part, sizeof part, "%s was off and is on", flags[i]);
    assert_refused(&p, RUN(&p, "--threads", "1", "--resume", flags[i]), 1, PARTS(part));
  }
  assert_refused(&p, RUN(&p, "--threads", "1", "--resume", "--seed", "9", "--perf-repeats", "4"), 1,
                 PARTS("--perf-repeats was 2 and is 4; --seed was 0 and is 9"));
  assert_refused(&p, RUN(&p, "--threads", "1", "--resume", "--max-tasks", "1"), 1, PARTS("task 'two'", "--max-tasks"));
  char changed[sizeof tasks_text + 16];
  (void)snprintf(changed, sizeof changed, "%s# changed\n", tasks_text);
  write_text(&p, "tasks.yaml", changed);
  assert_refused(&p, RUN(&p, "--threads", "1", "--resume"), 1, PARTS("task file's sha256 was "));
  leave(&p);
}

/* What changes times alone does not stop a run, and is said. */
static void test_other_times(void **state) {
  (void)state;
  place p = interrupted();
  write_text(&p, "three.jsonl", series_text);
  json_t *object = json_load_file(p.partial, 0, NULL);
  json_t *settings = json_object_get(object, "times");
  static const char *const keys[] = {"--device", "system", "compiler", "processors", "processor", "memory_mb"};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    assert_non_null(json_object_get(settings, keys[i]));
    json_object_set_new(settings, keys[i], json_string("another"));
  }
  assert_int_equal(json_dump_file(object, p.partial, JSON_REAL_PRECISION(17)), 0);
  json_decref(object);
  program_result r = PROGRAM_RUN("study", "--help"); /* says what may differ */
  assert_non_null(strstr(r.out, "threads,\n                          machine, --margin and --max-tasks may differ.\n"));
  program_free(&r);
  r = RUN(&p, "--threads", "2", "--margin", "3", "--max-tasks", "3", "--resume");
  if (r.status != 0) fail_msg("%s", r.err);
  assert_int_equal(program_count(r.err, "(done before)"), 2);
  assert_int_equal(program_count(r.err, "warning: tasks that were finished before keep their scores"), 1);
#ifdef CHRONOS2_NO_THREADS /* 2 threads are 1 */
  assert_non_null(strstr(r.err, "--device was another and is cpu; processor was another and is "));
#else
  assert_non_null(strstr(r.err, "--threads was 1 and is 2; --device was another and is cpu; processor was another "));
#endif
  program_free(&r);
  leave(&p);
}

/* Without --resume nothing is overwritten; --restart runs all; without a file --resume says so. */
static void test_restart(void **state) {
  (void)state;
  place p = interrupted();
  write_text(&p, "three.jsonl", series_text);
  assert_refused(&p, RUN(&p, "--threads", "1"), 1, PARTS("p__partial.json", "--resume", "--restart"));
  assert_refused(&p, RUN(&p, "--threads", "1", "--resume", "--restart"), 2, PARTS("--resume and --restart"));
  static const char *const strange[] = {"", "{", "[1, 2]", "{\"tasks\": []}", "{\"key\": \"00\", \"tasks\": []}"};
  for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
    program_write_file(p.partial, strange[i], strlen(strange[i]));
    program_write_file(p.backup, strange[i], strlen(strange[i]));
    assert_refused(&p, RUN(&p, "--threads", "1", "--resume"), 1, PARTS("p__partial.json", "--restart"));
    assert_refused(&p, RUN(&p, "--threads", "1"), 1, PARTS("p__partial.json", "--restart"));
  }
  program_result r = RUN(&p, "--threads", "1", "--restart");
  if (r.status != 0) fail_msg("%s", r.err);
  assert_int_equal(program_count(r.err, "(done before)"), 0);
  assert_int_equal(program_count(r.err, "p__partial.json: dropped"), 1);
  program_free(&r);
  assert_true(access(p.partial, F_OK) != 0);
  r = RUN(&p, "--threads", "1", "--resume");
  assert_int_equal(r.status, 0);
  assert_int_equal(program_count(r.err, "p__partial.json is not there"), 1);
  program_free(&r);
  leave(&p);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static json_t *task_of(json_t *object, size_t index) {
  json_t *task = json_array_get(json_object_get(object, "tasks"), index);
  assert_non_null(task);
  return task;
}

/* Puts the seal right, so that the numbers themselves must be looked at. */
static void seal(json_t *task) {
  const json_t *array = json_object_get(task, "numbers");
  size_t n = json_array_size(array);
  double *x = calloc(n + 1, sizeof *x);
  char text[C2_SHA_ROOM];
  const json_t *warnings = json_object_get(task, "warnings");
  const char *warning[8] = {NULL};
  assert_non_null(x);
  assert_true(json_array_size(warnings) <= 8);
  for (size_t i = 0; i < json_array_size(warnings); i++) {
    warning[i] = json_string_value(json_array_get(warnings, i));
  }
  for (size_t i = 0; i < n; i++) {
    const json_t *value = json_array_get(array, i);
    x[i] = json_is_number(value) ? json_number_value(value) : (double)NAN;
    if (json_is_string(value)) {
      x[i] = strcmp(json_string_value(value), "inf") == 0 ? (double)INFINITY : -(double)INFINITY;
    }
  }
  c2_partial_seal(x, n, json_string_value(json_object_get(task, "id_column")),
                  json_string_value(json_object_get(task, "series")), warning, json_array_size(warnings), text);
  free(x);
  json_object_set_new(task, "seal", json_string(text));
}

/* The results of a run that nobody interrupted: these columns depend on no clock. */
static char *table_of(const place *p, const char *name) {
  char *path = program_path(p->folder, name);
  char *text = program_read_file(path);
  if (!text) fail_msg("%s is missing", path);
  free(path);
  return text;
}

/* Goes on from a changed file: `damaged` tasks are run again, each with a line, and the mass tables are right. */
static void assert_run_again(const place *p, json_t *object, const char *what, size_t damaged, const char *expected) {
  assert_int_equal(json_dump_file(object, p->partial, JSON_REAL_PRECISION(17)), 0);
  json_decref(object);
  program_result r = RUN(p, "--threads", "1", "--resume");
  if (r.status != 0 || program_count(r.err, "are damaged: it is run again\n") != damaged ||
      program_count(r.err, "(done before)") != 2 - damaged) {
    fail_msg("%s: status %d: %s", what, r.status, r.err);
  }
  program_free(&r);
  char *mass = table_of(p, "p__mass_per_window.csv");
  assert_string_equal(mass, expected);
  free(mass);
}

static json_t *load(const place *p) {
  json_t *object = json_load_file(p->backup, 0, NULL);
  assert_non_null(object);
  return object;
}

/* The uninterrupted run's table. */
static char *right_table(const place *p) {
  program_result r = RUN(p, "--threads", "1", "--resume");
  assert_int_equal(r.status, 0);
  assert_int_equal(program_count(r.err, "(done before)"), 2);
  program_free(&r);
  char *resumed = table_of(p, "p__mass_per_window.csv");
  r = RUN(p, "--threads", "1");
  assert_int_equal(r.status, 0);
  program_free(&r);
  char *whole = table_of(p, "p__mass_per_window.csv");
  assert_string_equal(resumed, whole);
  free(resumed);
  return whole;
}

static void test_damage(void **state) {
  (void)state;
  place p = interrupted();
  write_text(&p, "three.jsonl", series_text);
  char *expected = right_table(&p);
  json_t *object = load(&p);
  size_t n = json_array_size(json_object_get(task_of(object, 1), "numbers"));
  json_decref(object);
  /* Numbers of the first mass row, as its columns go: window, context, radius, kept mass and edges, tokens ... */
  static const double wrong[] = {-1e300, 1e300, -1, 1.5, 1e18};
  for (size_t i = 0; i < 8; i++) {
    for (size_t k = 0; k < 5; k++) {
      object = load(&p);
      json_t *task = task_of(object, 1);
      json_array_set_new(json_object_get(task, "numbers"), i, json_real(wrong[k]));
      seal(task);
      assert_run_again(&p, object, "a number", 1, expected);
    }
  }
  for (size_t way = 0; way < 9; way++) {
    object = load(&p);
    json_t *task = task_of(object, 1);
    json_t *numbers = json_object_get(task, "numbers");
    switch (way) {
      case 0: json_array_set_new(numbers, 5, json_null()); break;
      case 1: json_array_set_new(numbers, 5, json_string("x")); break;
      case 2: json_array_remove(numbers, n - 1); break;
      case 3: json_array_append_new(numbers, json_real(1)); break;
      case 4: json_array_clear(numbers); break;
      case 5: json_object_set_new(task, "numbers", json_integer(3)); break;
      case 6: json_object_del(task, "series"); break;
      case 7: json_object_del(task, "seal"); break;
      default: json_object_del(task, "data_sha256"); break;
    }
    if (way < 6) seal(task);
    assert_run_again(&p, object, "a task", 1, expected);
  }
  object = load(&p); /* a digit alone: the seal tells */
  json_array_set_new(json_object_get(task_of(object, 0), "numbers"), 10, json_real(0.25));
  json_array_set_new(json_object_get(task_of(object, 1), "numbers"), n - 1, json_real(0.25));
  assert_run_again(&p, object, "a digit", 2, expected);
  free(expected);
  leave(&p);
}

/* The data of a finished task change: it is run again. */
static void test_other_data(void **state) {
  (void)state;
  place p = interrupted();
  write_text(&p, "three.jsonl", series_text);
  write_text(&p, "two.jsonl", other_text);
  program_result r = RUN(&p, "--threads", "1", "--resume");
  if (r.status != 0) fail_msg("%s", r.err);
  assert_int_equal(program_count(r.err, "(done before)"), 1);
  assert_int_equal(program_count(r.err, "task 'two': its data are not what they were"), 1);
  program_free(&r);
  leave(&p);
}

/* ---- The lock -------------------------------------------------------------------------------- */

static void test_lock(void **state) {
  (void)state;
  place p = interrupted();
  write_text(&p, "three.jsonl", series_text);
  char *lock = program_path(p.folder, "p__run.json.lock");
  char *temporary = program_path(p.folder, "p__run.json.tmp-0123456789abcdef");
  assert_true(access(lock, F_OK) != 0);
  program_write_file(temporary, "x", 1);
  int file = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  assert_true(file >= 0);
  assert_int_equal(flock(file, LOCK_EX | LOCK_NB), 0);
  assert_refused(&p, RUN(&p, "--threads", "1", "--resume"), 1, PARTS("p__run.json.lock: another run"));
  assert_true(access(temporary, F_OK) == 0); /* it may be the other run's */
  program_result probe = PROGRAM_RUN("probe", "--tasks", p.folder, "--out-prefix", p.prefix);
  assert_refused(&p, probe, 1, PARTS("p__run.json.lock: another run"));
  (void)close(file); /* as when its process is killed: the file stays, the lock does not */
  program_result r = RUN(&p, "--threads", "1", "--resume");
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  assert_true(access(lock, F_OK) != 0);
  assert_true(access(temporary, F_OK) != 0);
  free(lock);
  free(temporary);
  leave(&p);
}

/* The radius that the verdict speaks of may be inf, and is the one that is recorded. */
static void test_local_radius(void **state) {
  (void)state;
  place p = {.folder = program_make_folder()};
  p.prefix = program_path(p.folder, "p");
  char *record = program_path(p.folder, "p__run.json");
  write_text(&p, "tasks.yaml", tasks_text);
  write_text(&p, "one.jsonl", series_text);
  write_text(&p, "two.jsonl", series_text);
  write_text(&p, "three.jsonl", series_text);
  static const char *const cases[][3] = {{"--local-radius", "inf", "\"local_radius\": \"inf\""},
                                         {"--seed", "0", "\"local_radius\": 1,"}};
  for (size_t i = 0; i < 2; i++) {
    program_result r = RUN(&p, "--max-tasks", "1", "--perf-radii", "1,inf", cases[i][0], cases[i][1]);
    if (r.status != 0) fail_msg("%s", r.err);
    char *text = program_read_file(record);
    if (!strstr(text, cases[i][2])) fail_msg("expected %s in %s", cases[i][2], text);
    free(text);
    program_free(&r);
  }
  program_result r = RUN(&p, "--max-tasks", "1", "--perf-radii", "1,4", "--local-radius", "inf");
  program_assert_error(&r, 2, "--local-radius: expected one of the radii that are compared, found inf");
  free(record);
  leave(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_other_run), cmocka_unit_test(test_other_times),
                                     cmocka_unit_test(test_restart),   cmocka_unit_test(test_damage),
                                     cmocka_unit_test(test_other_data), cmocka_unit_test(test_lock),
                                     cmocka_unit_test(test_local_radius)};
  return cmocka_run_group_tests_name("study_partial", tests, NULL, NULL);
}
