/* What a study says of its models, its data and its results: on stderr, in its record and on its page, and the same
 * after an interruption. */
#include "program.h"

#include <jansson.h>

#include "base/safetensors.h"

#define MICRO SOURCE_DIR "/models/chronos2-micro"
#define DATASETS SOURCE_DIR "/datasets"

/* A folder with tasks.yaml, and where the results go. */
typedef struct place {
  char *folder, *prefix;
} place;

static void write_text(const place *p, const char *name, const char *text) {
  char *path = program_path(p->folder, name);
  program_write_file(path, text, strlen(text));
  free(path);
}

static place enter(const char *yaml) {
  place p = {.folder = program_make_folder()};
  p.prefix = program_path(p.folder, "p");
  if (yaml) write_text(&p, "tasks.yaml", yaml);
  return p;
}

static void leave(place *p) {
  free(p->prefix);
  program_remove_folder(p->folder);
}

static char *read_text(const place *p, const char *name) {
  char *path = program_path(p->folder, name);
  char *text = program_read_file(path);
  if (!text) fail_msg("%s is missing", path);
  free(path);
  return text;
}

#define STUDY(p, ...)                                                                                              \
  PROGRAM_RUN_LAST("study", "--tasks", (p)->folder, "--out-prefix", (p)->prefix, "--radii", "1", "--arms", "none", \
                   "--perf-repeats", "1", "--threads", "1", __VA_ARGS__)
#define PROBE(p, ...)                                                                                              \
  PROGRAM_RUN_LAST("probe", "--tasks", (p)->folder, "--out-prefix", (p)->prefix, "--radii", "1", "--threads", "1", \
                   __VA_ARGS__)

/* Warnings that the record holds and that stderr says once. */
static json_t *warnings_of(const place *p, const program_result *r) {
  if (r->status != 0) fail_msg("status %d: %s", r->status, r->err);
  char *path = program_path(p->folder, "p__run.json");
  json_t *record = json_load_file(path, 0, NULL);
  json_t *warnings = json_object_get(record, "warnings");
  assert_non_null(warnings);
  assert_int_equal(program_count(r->err, "chronos2: warning: "), json_array_size(warnings));
  for (size_t i = 0; i < json_array_size(warnings); i++) {
    char line[640];
    (void)snprintf(line, sizeof line, "chronos2: warning: %s\n", json_string_value(json_array_get(warnings, i)));
    if (program_count(r->err, line) != 1) fail_msg("not once on stderr: %s", line);
  }
  json_incref(warnings);
  json_decref(record);
  free(path);
  return warnings;
}

/* These are the warnings, in this order. Ends the run. */
static void says(const place *p, program_result r, const char *const *lines) {
  json_t *warnings = warnings_of(p, &r);
  size_t count = 0;
  for (; lines[count]; count++) {
    const char *found = json_string_value(json_array_get(warnings, count));
    if (!found || strcmp(found, lines[count]) != 0) fail_msg("expected '%s', found '%s'", lines[count], found);
  }
  if (json_array_size(warnings) != count) {
    fail_msg("one too many: %s", json_string_value(json_array_get(warnings, count)));
  }
  json_decref(warnings);
  program_free(&r);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- Weights --------------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to) {
  struct stat info;
  char *bytes = program_read_file(from);
  assert_non_null(bytes);
  assert_int_equal(stat(from, &info), 0);
  program_write_file(to, bytes, (size_t)info.st_size);
  free(bytes);
}

/* The bundled model with query weights of zero: attention is uniform. */
static char *make_uniform_model(void) {
  char *folder = program_make_folder();
  char *config = program_path(folder, "config.json");
  char *weights = program_path(folder, "model.safetensors");
  c2_safetensors file;
  copy_file(MICRO "/config.json", config);
  copy_file(MICRO "/model.safetensors", weights);
  assert_int_equal(c2_safetensors_open(&file, weights, NULL), C2_OK);
  FILE *out = fopen(weights, "r+b");
  assert_non_null(out);
  for (size_t i = 0; i < file.count; i++) {
    const c2_tensor *t = &file.tensors[i];
    if (!strstr(t->name, "self_attention.q.")) continue;
    assert_int_equal(fseek(out, (long)t->offset, SEEK_SET), 0);
    for (size_t k = 0; k < t->bytes; k++) assert_int_equal(fputc(0, out), 0);
  }
  assert_int_equal(fclose(out), 0);
  c2_safetensors_close(&file);
  free(config);
  free(weights);
  return folder;
}

static const char series_text[] =
    "{\"item_id\": \"a\", \"target\": [1, 2, 4, 3, 5, 6, 8, 7, 9, 10, 12, 11, 13, 14, 16, 15, 17, 18, 20, 19]}\n";

/* Both models are looked at. */
static void test_untrained_sparse_model(void **state) {
  (void)state;
  static const char line[] =
      "the weights of --sparse-model look UNTRAINED: attention has 1.000 of the entropy of uniform attention";
  place p = enter("tasks:\n- {dataset_path: d.jsonl, task_name: a, horizon: 2}\n"
                  "- {dataset_path: d.jsonl, task_name: b, horizon: 4}\n");
  char *model = make_uniform_model();
  write_text(&p, "d.jsonl", series_text);
  program_result r = STUDY(&p, "--sparse-model", model);
  const char *verdict = strstr(r.out, "\nin short: ");
  if (!verdict || !strstr(verdict, "with untrained weights it differs")) fail_msg("the verdict is: %s", r.out);
  assert_non_null(strstr(verdict, "of weights trained for full attention by"));
  json_t *warnings = warnings_of(&p, &r);
  assert_string_equal(json_string_value(json_array_get(warnings, 0)), line);
  char *page = read_text(&p, "p__report.html");
  assert_non_null(strstr(page, line));
  assert_non_null(strstr(page, "The sparse model's weights look untrained: its arms say nothing of a trained one."));
  assert_null(strstr(page, "These weights look untrained"));
  free(page);
  json_decref(warnings);
  program_free(&r);
  program_remove_folder(model);
  leave(&p);
}

static void test_untrained_is_called_so(void **state) {
  (void)state;
  char *model = make_uniform_model();
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  program_result r = PROGRAM_RUN("study", "-m", model, "--tasks", DATASETS, "--max-tasks", "1", "--radii", "8",
                                 "--perf-repeats", "1", "--out-prefix", prefix);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  const char *said[] = {"the weights look UNTRAINED: attention has 1.000 of the entropy of uniform attention",
                        "kept mass lies within 0.005 of kept edges", "is worse than seasonal naive"};
  char *path = program_path(folder, "p__run.json");
  char *record = program_read_file(path);
  assert_non_null(record);
  for (size_t i = 0; i < 3; i++) {
    if (program_count(r.err, said[i]) != 1) fail_msg("not once on stderr: %s", said[i]);
    if (strstr(r.out, said[i])) fail_msg("a second time, on stdout: %s", said[i]);
    if (!strstr(record, said[i])) fail_msg("not in the record: %s", said[i]);
  }
  program_free(&r);
  r = PROGRAM_RUN("forecast", DATASETS "/nile_yearly.csv", "--horizon", "3", "-m", model);
  assert_int_equal(r.status, 0);
  assert_int_equal(program_count(r.err, "chronos2: warning: the weights look untrained, so the forecasts mean nothing; "
                                        "see 'chronos2 inspect'\n"), 1);
  program_free(&r);
  r = PROGRAM_RUN("inspect", model);
  assert_non_null(strstr(r.out, "\nthe weights look UNTRAINED\n"));
  program_free(&r);
  free(record);
  free(path);
  free(prefix);
  program_remove_folder(folder);
  program_remove_folder(model);
}

/* ---- Data ------------------------------------------------------------------------------------ */

/* A line of JSON Lines: 1, 3, 2, 4 ... with a missing value `gap` steps before its end; 0: none. */
static void put_series(FILE *out, const char *id, size_t length, size_t gap) {
  (void)fprintf(out, "{\"item_id\": \"%s\", \"start\": \"2020-01-01\", \"freq\": \"D\", \"target\": [", id);
  for (size_t t = 0; t < length; t++) {
    (void)fputs(t ? ", " : "", out);
    if (t + gap == length) {
      (void)fputs("null", out);
    } else {
      (void)fprintf(out, "%zu", t + 1 + (t * t) % 3);
    }
  }
  (void)fputs("]}\n", out);
}

/* Two series of 40 steps, and one of 10. A truth is missing in the last window of the first one. */
static void write_data(const place *p) {
  char *path = program_path(p->folder, "d.jsonl");
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  put_series(out, "a", 40, 2);
  put_series(out, "b", 40, 0);
  put_series(out, "c", 10, 0);
  assert_int_equal(fclose(out), 0);
  free(path);
}

static const char data_yaml[] =
    "tasks:\n- {dataset_path: d.jsonl, task_name: few, horizon: 4, num_windows: 2, min_context_length: 8}\n"
    "- {dataset_path: d.jsonl, task_name: all, horizon: 4, quantile_levels: [0.001, 0.5, 0.9995]}\n";

#define SHORT "few: 2 of 6 forecasts are left out: those series are too short for all windows with a past of 8 steps"
#define GAP_FEW "few: 1 of 16 values in the windows are missing: they are not scored"
#define GAP_ALL "all: 1 of 12 values in the windows are missing: they are not scored"
#define LEVELS \
  "all: quantile levels outside the trained ones, 0.01 to 0.99, take the values of the nearest of those: 0.001, 0.9995"

/* Series that are left out, truths that are missing and levels that are clamped, once a task. */
static void test_data(void **state) {
  (void)state;
  place p = enter(data_yaml);
  write_data(&p);
  says(&p, PROBE(&p, "--seed", "0"), LINES(SHORT, GAP_FEW, GAP_ALL));
  program_result r = STUDY(&p, "--metrics", "MAE");
  json_t *warnings = warnings_of(&p, &r);
  char *page = read_text(&p, "p__report.html");
  static const char *const lines[] = {SHORT, GAP_FEW, GAP_ALL, LEVELS};
  for (size_t i = 0; i < 4; i++) {
    assert_string_equal(json_string_value(json_array_get(warnings, i)), lines[i]);
    if (!strstr(page, lines[i])) fail_msg("not on the page: %s", lines[i]);
  }
  free(page);
  json_decref(warnings);
  program_free(&r);
  leave(&p);
}

/* How a table is spelled, as far as that was found; a benchmark of the table says the same. */
static void test_spelling(void **state) {
  (void)state;
  const char *said = "read with a semicolon between fields, a decimal comma and digits in groups, time stamps as "
                     "%d.%m.%Y";
  char line[200];
  place p = enter("tasks:\n- {dataset_path: d.csv, task_name: de, horizon: 2}\n");
  char *path = program_path(p.folder, "d.csv");
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("item_id;timestamp;target\n", out);
  for (int t = 1; t <= 31; t++) (void)fprintf(out, "nord;%02d.01.2024;1.%03d,5\n", t, t * 37 % 100);
  assert_int_equal(fclose(out), 0);
  (void)snprintf(line, sizeof line, "de: %s", said);
  says(&p, PROBE(&p, "--seed", "0"), LINES(line));
  program_result r = STUDY(&p, "--metrics", "MAE");
  json_t *warnings = warnings_of(&p, &r);
  assert_string_equal(json_string_value(json_array_get(warnings, 0)), line);
  json_decref(warnings);
  program_free(&r);
  r = PROGRAM_RUN("bench", path, "--repeats", "1");
  (void)snprintf(line, sizeof line, "chronos2: %s\n", said);
  if (r.status != 0 || !strstr(r.err, line)) fail_msg("status %d: %s", r.status, r.err);
  program_free(&r);
  free(path);
  leave(&p);
}

/* A horizon beyond one pass, and a context beyond the model's. */
static void test_lengths(void **state) {
  (void)state;
  place p = enter("tasks:\n- {dataset_path: d.jsonl, task_name: far, horizon: 260}\n");
  char *path = program_path(p.folder, "d.jsonl");
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  put_series(out, "a", 300, 0);
  assert_int_equal(fclose(out), 0);
  free(path);
  const char *context = "context length 4096 is beyond the 2048 steps that the model was trained for";
  const char *probed = "far: horizon 260 is beyond the 256 steps that the model forecasts at once: the probe sees "
                       "those alone";
  says(&p, PROBE(&p, "--context-length", "4096"), LINES(context, probed));
  program_result r = STUDY(&p, "--context-length", "4096");
  json_t *warnings = warnings_of(&p, &r);
  assert_string_equal(json_string_value(json_array_get(warnings, 0)), context);
  assert_string_equal(json_string_value(json_array_get(warnings, 1)), probed);
  assert_string_equal(json_string_value(json_array_get(warnings, 2)),
                      "far: horizon 260 is beyond the 256 steps that the model forecasts at once: the rest is rolled "
                      "out");
  json_decref(warnings);
  program_free(&r);
  leave(&p);
}

/* Leaves the first tasks finished: the run is asked for no more, and can't write its page. */
static void interrupt(const place *p, const char *tasks) {
  char *page = program_path(p->folder, "p__report.html");
  assert_int_equal(mkdir(page, 0700), 0);
  program_result r = STUDY(p, "--max-tasks", tasks);
  assert_int_equal(r.status, 1);
  program_free(&r);
  assert_int_equal(rmdir(page), 0);
  free(page);
}

/* A run that goes on says what it said of the tasks that were finished before. */
static void test_resumed(void **state) {
  (void)state;
  char yaml[512];
  (void)snprintf(yaml, sizeof yaml, "%s- {dataset_path: e.jsonl, task_name: last, horizon: 4}\n", data_yaml);
  place p = enter(yaml);
  write_data(&p);
  write_text(&p, "e.jsonl", series_text);
  interrupt(&p, "2");
  program_result r = STUDY(&p, "--resume");
  json_t *resumed = warnings_of(&p, &r);
  assert_int_equal(program_count(r.err, "(done before)"), 2);
  assert_int_equal(program_count(r.err, SHORT), 1);
  program_free(&r);
  r = STUDY(&p, "--seed", "0");
  json_t *whole = warnings_of(&p, &r);
  program_free(&r);
  assert_true(json_array_size(whole) >= 4);
  assert_true(json_equal(whole, resumed));
  json_decref(whole);
  json_decref(resumed);
  leave(&p);
}

/* ---- Results --------------------------------------------------------------------------------- */

/* Every compared metric says on which tasks it has no number, and why; no number is printed as nan. */
static void test_gaps(void **state) {
  (void)state;
  static const char yaml[] =
      "tasks:\n- {dataset_path: zero.jsonl, task_name: zero, horizon: 2, quantile_levels: [0.1, 0.9]}\n"
      "- {dataset_path: huge.jsonl, task_name: huge, horizon: 2, quantile_levels: [0.5], extra_metrics: [RMSSE, "
      "RMSE]}\n";
  static const char *const lines[] = {
      "no MASE on 1 of 2 tasks, as of arm 'full' on 'zero', where a window has no step to score: means and tests "
      "leave them out",
      "no WQL on 1 of 2 tasks, as of arm 'full' on 'zero', where the truth of a window is 0 or missing throughout: "
      "means and tests leave them out",
      "no RMSSE on 2 of 2 tasks, as of arm 'full' on 'zero', where a window has no step to score: means and tests "
      "leave them out",
      "no RMSE on 1 of 2 tasks, as of arm 'full' on 'huge': means and tests leave them out",
      "steps are left out of MASE where the past never differs from a season before, or is shorter than that, on 1 of "
      "2 tasks: 2 of 2 on task 'zero'",
      "steps are left out of RMSSE where the past never differs from a season before, or is shorter than that, on 1 of "
      "2 tasks: 2 of 2 on task 'zero'",
      "steps are left out of RMSSE where squares are beyond the range of floating-point numbers, on 1 of 2 tasks: 2 of "
      "2 on task 'huge'",
      "RMSE is infinite where squares are beyond the range of floating-point numbers, on 1 of 2 tasks: 2 of 2 steps on "
      "task 'huge'"};
  place p = enter(yaml);
  write_text(&p, "zero.jsonl", "{\"target\": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}\n");
  write_text(&p, "huge.jsonl", "{\"target\": [1e200, 2e200, 1e200, 3e200, 1e200, 2e200, 1e200, 3e200]}\n");
  program_result r = STUDY(&p, "--seed", "0");
  json_t *warnings = warnings_of(&p, &r);
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    char line[640];
    (void)snprintf(line, sizeof line, "chronos2: warning: %s\n", lines[i]);
    if (program_count(r.err, line) != 1) fail_msg("not said once: %s in %s", line, r.err);
  }
  assert_non_null(strstr(r.err, "; MASE - full, - radius 1, - seasonal naive"));
  assert_null(strstr(r.err, "nan"));
  json_decref(warnings);
  program_free(&r);
  r = STUDY(&p, "--max-tasks", "1");
  assert_non_null(strstr(r.out, "\nfull attention: mean MASE -\n"));
  assert_non_null(strstr(r.out, "\naccuracy: no task has a MASE\n"));
  if (strstr(r.out, "nan") || strstr(r.out, "inf ")) fail_msg("no number: %s", r.out);
  program_free(&r);
  leave(&p);
}

/* Two tasks of the same series, one of them without quantile levels. What was measured says why a score is missing and
 * whether times differ; files don't tell. */
static void test_twins(void **state) {
  (void)state;
  static const char twins[] = "1 of 2 tasks forecasts series of an earlier one, as 'b' those of 'a': intervals and "
                              "tests take tasks as independent, so they are too sure";
  place p = enter("tasks:\n- {dataset_path: d.jsonl, task_name: a, horizon: 2, quantile_levels: [0.5]}\n"
                  "- {dataset_path: d.jsonl, task_name: b, horizon: 2}\n");
  place q = enter(NULL);
  write_text(&p, "d.jsonl", series_text);
  program_result r = STUDY(&p, "--perf-repeats", "2");
  assert_int_equal(program_count(r.err, twins), 1);
  assert_int_equal(program_count(r.err, "no WQL on 1 of 2 tasks, as of arm 'full' on 'b', which names no quantile "
                                        "levels: means and tests leave them out\n"), 1);
  assert_non_null(strstr(r.out, " of 2 tasks show a difference (95% intervals of repeats); the bound by operations "));
  program_free(&r);
  r = PROGRAM_RUN("study", "--from-csv", p.folder, "--out-prefix", q.prefix);
  assert_int_equal(program_count(r.err, "no WQL on 1 of 2 tasks, as of arm 'full' on 'b': means and tests"), 1);
  assert_non_null(strstr(r.out, "x); its intervals are not known; the bound by operations is "));
  program_free(&r);
  r = STUDY(&p, "--max-tasks", "1");
  assert_null(strstr(r.err, "earlier one"));
  assert_non_null(strstr(r.out, "x); one repeat gives no interval; the bound by operations is "));
  char *page = read_text(&p, "p__report.html");
  assert_non_null(strstr(page, "of full attention (median of tasks; one repeat gives no interval); the saved "));
  free(page);
  program_free(&r);
  r = PROBE(&p, "--seed", "0");
  assert_null(strstr(r.err, "earlier one"));
  program_free(&r);
  leave(&q);
  leave(&p);
}

/* Tasks share series where they forecast a column of one file, however they name it. */
static void test_twin_columns(void **state) {
  (void)state;
  static const struct {
    const char *one, *other;
    bool twins;
    const char *file; /* NULL: d.csv */
  } cases[] = {{"target: u", "target: v", false, NULL},
               {"target: u", "generate_univariate_targets_from: [u]", true, NULL},
               {"target: [u, v]", "target: [v, u]", true, NULL},
               {"target: [v, w]", "target: [u, v]", true, NULL},
               {"generate_univariate_targets_from: __ALL__", "target: w", true, NULL},
               {"generate_univariate_targets_from: [u]", "generate_univariate_targets_from: __ALL__", true, NULL},
               {"generate_univariate_targets_from: __ALL__, known_dynamic_columns: [u]", "target: u", false, NULL},
               {"generate_univariate_targets_from: __ALL__, static_columns: [w]",
                "generate_univariate_targets_from: __ALL__", true, NULL},
               {"target: [a, b]", "target: [c, d]", true, "d.jsonl"},
               {"target: [a, b]", "generate_univariate_targets_from: [target_0]", true, "d.jsonl"},
               {"generate_univariate_targets_from: [target_0]", "generate_univariate_targets_from: [target_1]", false,
                "d.jsonl"}};
  place p = enter(NULL);
  char text[1024] = "item_id,timestamp,u,v,w\n";
  for (int t = 0; t < 24; t++) {
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "a,%d,%d,%d,%d\n", t, t % 5, t * 7 % 11, t * t % 7);
  }
  write_text(&p, "d.csv", text);
  write_text(&p, "d.jsonl", "{\"target\": [[1, 2, 3, 5, 4, 3, 2, 4, 6, 5], [2, 1, 4, 2, 3, 5, 1, 2, 3, 4]]}\n");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char yaml[512];
    const char *file = cases[i].file ? cases[i].file : "d.csv";
    (void)snprintf(yaml, sizeof yaml,
                   "tasks:\n- {dataset_path: %s, task_name: a, horizon: 2, %s}\n"
                   "- {dataset_path: %s, task_name: b, horizon: 2, %s}\n",
                   file, cases[i].one, file, cases[i].other);
    write_text(&p, "tasks.yaml", yaml);
    program_result r = STUDY(&p, "--seed", "0");
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    size_t said = program_count(r.err, "1 of 2 tasks forecasts series of an earlier one, as 'b' those of 'a'");
    if (said != (cases[i].twins ? 1 : 0)) fail_msg("%s and %s: %s", cases[i].one, cases[i].other, r.err);
    program_free(&r);
  }
  leave(&p);
}

/* Without --context-length each model takes its own, of 2048 and 8192 steps here: that is said where a series is longer
 * than the shorter. */
static void test_contexts(void **state) {
  (void)state;
  static const char line[] =
      "the model and that of --sparse-model see pasts of different lengths on 1 of 2 tasks, as 2048 and 2098 steps on "
      "'b': the differences hold that too; --context-length gives both the same\n";
  enum { LONG = 2100 };
  place p = enter("tasks:\n- {dataset_path: a.csv, task_name: a, horizon: 2}\n"
                  "- {dataset_path: b.csv, task_name: b, horizon: 2}\n");
  char *text = malloc(32 * LONG);
  assert_non_null(text);
  for (int steps = 24; steps <= LONG; steps += LONG - 24) {
    int used = sprintf(text, "item_id,timestamp,target\n");
    for (int t = 0; t < steps; t++) used += sprintf(text + used, "a,%d,%d\n", t, t * 7 % 11 + t % 3);
    write_text(&p, steps == LONG ? "b.csv" : "a.csv", text);
  }
  free(text);
  const char *sparse = SOURCE_DIR "/models/chronos2-micro-mixed";
  program_result r = STUDY(&p, "--sparse-model", sparse);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  assert_int_equal(program_count(r.err, line), 1);
  program_free(&r);
  r = STUDY(&p, "--sparse-model", sparse, "--max-tasks", "1");
  assert_null(strstr(r.err, "pasts of different lengths"));
  program_free(&r);
  r = STUDY(&p, "--sparse-model", sparse, "--context-length", "128");
  assert_null(strstr(r.err, "pasts of different lengths"));
  program_free(&r);
  leave(&p);
}

/* A run that goes on with fewer tasks compares by what it compared by before. */
static void test_fewer_tasks(void **state) {
  (void)state;
  place p = enter("tasks:\n- {dataset_path: d.jsonl, task_name: a, horizon: 2}\n"
                  "- {dataset_path: e.jsonl, task_name: b, horizon: 2, extra_metrics: [RMSE]}\n");
  write_text(&p, "d.jsonl", series_text);
  write_text(&p, "e.jsonl", series_text);
  interrupt(&p, "1");
  program_result r = STUDY(&p, "--resume", "--max-tasks", "1");
  if (r.status != 0) fail_msg("%s", r.err);
  assert_int_equal(program_count(r.err, "(done before)"), 1);
  program_free(&r);
  leave(&p);
}

/* At radius 0 all attention keeps little: that trained attention keeps little more does not make it uniform. */
static void test_small_mass(void **state) {
  (void)state;
  place p = enter(NULL);
  program_result r = PROGRAM_RUN("probe", "--tasks", DATASETS, "--radii", "0", "--out-prefix", p.prefix);
  if (r.status != 0 || strstr(r.err, "attention is uniform")) fail_msg("status %d: %s", r.status, r.err);
  program_free(&r);
  leave(&p);
}

/* The verdict's line has room for a name, not for a long list. */
static void test_several_patterns(void **state) {
  (void)state;
  place p = enter("tasks:\n- {dataset_path: d.jsonl, task_name: a, horizon: 2}\n"
                  "- {dataset_path: d.jsonl, task_name: b, horizon: 4}\n");
  write_text(&p, "d.jsonl", series_text);
  program_result r = STUDY(&p, "--sparse-model", SOURCE_DIR "/models/chronos2-micro-mixed");
  if (!strstr(r.out, "; with weights trained for several patterns it differs")) fail_msg("%s", r.out);
  assert_non_null(strstr(r.out, " 4, 8, 16, 64 or inf or windowed_future_visible at radius 4, 8, 16 or 64\n"));
  program_free(&r);
  leave(&p);
}

/* ---- Earlier files --------------------------------------------------------------------------- */

static bool exists(const place *p, const char *name) {
  char *path = program_path(p->folder, name);
  bool is_there = access(path, F_OK) == 0;
  free(path);
  return is_there;
}

/* What an earlier study left under the prefix doesn't stay beside new results; what no study writes does. */
static void test_earlier_files(void **state) {
  (void)state;
  static const char *const foreign[] = {"p__notes.csv", "p__perf_sparse_r02.csv", "p__perf_sparse_r2.csv.bak",
                                        "p__options.csv", "q__perf_sparse_r2.csv"};
  place p = enter("tasks:\n- {dataset_path: d.jsonl, task_name: a, horizon: 2}\n");
  write_text(&p, "d.jsonl", series_text);
  program_result r = STUDY(&p, "--radii", "1,2", "--find-sinks");
  if (r.status != 0) fail_msg("%s", r.err);
  assert_null(strstr(r.err, "earlier"));
  program_free(&r);
  for (size_t i = 0; i < 5; i++) write_text(&p, foreign[i], "x");
  r = STUDY(&p, "--seed", "0");
  assert_int_equal(r.status, 0);
  char line[512];
  (void)snprintf(line, sizeof line,
                 "\n4 files of an earlier study under this prefix are removed, as %s__find_sinks.csv\n", p.prefix);
  if (program_count(r.err, line) != 1) fail_msg("no '%s' in %s", line, r.err);
  program_free(&r);
  assert_false(exists(&p, "p__perf_sparse_r2.csv") || exists(&p, "p__perf_compare_r2.csv"));
  assert_false(exists(&p, "p__perf_ttest_r2.csv") || exists(&p, "p__find_sinks.csv"));
  assert_true(exists(&p, "p__perf_sparse_r1.csv") && exists(&p, "p__report.html") && exists(&p, "p__sinks.csv"));
  for (size_t i = 0; i < 5; i++) assert_true(exists(&p, foreign[i]));
  r = PROBE(&p, "--seed", "0");
  (void)snprintf(line, sizeof line,
                 "10 files of an earlier study stand beside these, as %s__arms.csv: they are not of this run",
                 p.prefix);
  says(&p, r, LINES(line));
  assert_true(exists(&p, "p__perf_sparse_r1.csv") && exists(&p, "p__report.html"));
  leave(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_untrained_is_called_so),
                                     cmocka_unit_test(test_untrained_sparse_model), cmocka_unit_test(test_data),
                                     cmocka_unit_test(test_spelling),
                                     cmocka_unit_test(test_lengths), cmocka_unit_test(test_resumed),
                                     cmocka_unit_test(test_gaps), cmocka_unit_test(test_twins),
                                     cmocka_unit_test(test_twin_columns), cmocka_unit_test(test_contexts),
                                     cmocka_unit_test(test_fewer_tasks), cmocka_unit_test(test_small_mass),
                                     cmocka_unit_test(test_several_patterns), cmocka_unit_test(test_earlier_files)};
  return cmocka_run_group_tests_name("study_warnings", tests, NULL, NULL);
}
