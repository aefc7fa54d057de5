/* The study's page: whole, its data JSON, its verdict text, and no name that could become markup. */
#include "page.h"

#include <math.h>

#define DATASETS SOURCE_DIR "/datasets"
#define HOSTILE "</script><img src=x onerror=alert(1)><!--&"

static double number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_number(value)) fail_msg("%s is no number", key);
  return json_number_value(value);
}

/* Every forecast of the one example has a step of the horizon, and its quantiles are in order. */
static void check_example(const json_t *example) {
  static const char *const pattern[] = {"full", "sparse"};
  assert_string_equal(json_string_value(json_object_get(example, "series")), "a<b");
  assert_int_equal(json_array_size(json_object_get(example, "truth")), 4);
  assert_int_equal(json_array_size(json_object_get(example, "past")), 28);
  assert_true(json_number_value(json_array_get(json_object_get(example, "past"), 27)) == 27);
  assert_true(json_number_value(json_array_get(json_object_get(example, "truth"), 0)) == 28);
  for (size_t i = 0; i < 2; i++) {
    const json_t *forecast = json_object_get(example, pattern[i]);
    assert_int_equal(json_array_size(forecast), 4 * 3);
    for (size_t t = 0; t < 4; t++) {
      double low = json_number_value(json_array_get(forecast, 3 * t));
      double high = json_number_value(json_array_get(forecast, 3 * t + 2));
      double middle = json_number_value(json_array_get(forecast, 3 * t + 1));
      assert_true(low < middle && middle < high && fabs(middle) < 1000);
    }
  }
}

static void check_data(const json_t *data) {
  const json_t *naive = json_array_get(json_object_get(data, "baselines"), 0);
  const json_t *task = json_array_get(json_object_get(data, "perf_compare_all_radii"), 0);
  const json_t *row = json_array_get(json_object_get(data, "equivalence"), 0);
  assert_int_equal(json_array_size(json_object_get(data, "baselines")), 1);
  assert_string_equal(json_string_value(json_object_get(naive, "task_name")), HOSTILE);
  assert_true(number(naive, "MASE") > 0 && number(naive, "num_windows") == 1);
  assert_string_equal(json_string_value(json_object_get(task, "task_name")), HOSTILE);
  assert_true(number(task, "radius") == 1);
  assert_true(number(task, "MASE_full") > 0 && number(task, "WQL_sparse") > 0 && number(task, "speedup_geomean") > 0);
  assert_string_equal(json_string_value(json_object_get(row, "arm")), "global_r1");
  assert_string_equal(json_string_value(json_object_get(row, "metric")), "MASE");
  double ratio = number(task, "MASE_sparse") / number(task, "MASE_full");
  assert_true(fabs(number(row, "change_percent") - 100 * (ratio - 1)) < 1e-3);
  const json_t *command = json_object_get(json_object_get(data, "record"), "command");
  assert_non_null(strstr(json_string_value(command), "chronos2 study --tasks "));
  assert_int_equal(json_array_size(json_object_get(data, "examples")), 1);
  check_example(json_array_get(json_object_get(data, "examples"), 0));
}

static void write_text(const char *folder, const char *name, const char *text) {
  char *path = program_path(folder, name);
  program_write_file(path, text, strlen(text));
  free(path);
}

#define TASK(file, name) \
  "- {dataset_path: " file ", dataset_config: '" name "', horizon: 4, quantile_levels: [0.1, 0.9]}\n"

/* A series of 0, 1, 2 ... for each task, with a tooth at every fourth step: on a line without noise a trained model
 * may let its quantiles cross. */
static void write_study(const char *folder, const char *tasks) {
  char series[512] = "{\"item_id\": \"a<b\", \"start\": \"2020-01-01\", \"freq\": \"D\", \"target\": [0";
  for (int t = 1; t < 32; t++)
    (void)snprintf(series + strlen(series), sizeof series - strlen(series), ", %d", t + 3 * (t % 4 == 2));
  (void)snprintf(series + strlen(series), sizeof series - strlen(series), "]}\n");
  write_text(folder, "tasks.yaml", tasks);
  write_text(folder, "one.jsonl", series);
  write_text(folder, "two.jsonl", series);
}

#define STUDY(folder, prefix, ...)                                                                        \
  PROGRAM_RUN("study", "--tasks", folder, "--radii", "1,2", "--local-radius", "1", "--perf-repeats", "1", \
              "--out-prefix", prefix, __VA_ARGS__)

static char *read_page(const char *prefix) {
  char path[512];
  (void)snprintf(path, sizeof path, "%s__report.html", prefix);
  char *page = program_read_file(path);
  if (!page) fail_msg("%s is missing", path);
  return page;
}

static void test_page(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  write_study(folder, "tasks:\n" TASK("one.jsonl", HOSTILE));
  program_result r = STUDY(folder, prefix, "--threads", "1");
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  assert_non_null(strstr(r.out, "p__report.html"));
  char *page = read_page(prefix);
  assert_int_equal(strncmp(page, "<!DOCTYPE html>", 15), 0);
  assert_int_equal(strcmp(page + strlen(page) - 8, "</html>\n"), 0);
  assert_non_null(strstr(page, "<p class=\"plain\">Whether radius 1 costs accuracy, so few tasks cannot tell (1). "));
  assert_non_null(strstr(page, ". The weights were trained for full attention.</p>"));
  assert_non_null(strstr(r.out, "\nthe weights were trained for full attention\n"));
  assert_null(strstr(r.err, "trained for")); /* it compares patterns on purpose */
  assert_non_null(strstr(page, "<b>attention:</b> radius 1 keeps "));
  assert_non_null(strstr(page, "<b>accuracy:</b> MASE "));
  assert_non_null(strstr(page, "Chart.js v3."));
  assert_null(strstr(page, "<img"));
  assert_int_equal(program_count(page, "<!--"), 1); /* the licence */
  json_t *data = page_data(page);
  check_data(data);
  json_decref(data);
  free(page);
  program_free(&r);
  free(prefix);
  program_remove_folder(folder);
}

/* The first task's forecasts, kept by a run that couldn't write its page, are those of a run in one go. */
static void test_resumed(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  json_t *data[2];
  write_study(folder, "tasks:\n" TASK("one.jsonl", "one") TASK("two.jsonl", "two"));
  for (int i = 0; i < 2; i++) {
    if (i == 0) {
      char *page = program_path(folder, "p__report.html");
      assert_int_equal(mkdir(page, 0700), 0);
      program_result r = STUDY(folder, prefix, "--threads", "1", "--max-tasks", "1");
      assert_int_equal(r.status, 1);
      assert_int_equal(rmdir(page), 0);
      program_free(&r);
      free(page);
    }
    program_result r = STUDY(folder, prefix, "--threads", "1", "--resume");
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    assert_int_equal(program_count(r.err, "done before"), i == 0 ? 1 : 0);
    program_free(&r);
    char *page = read_page(prefix);
    data[i] = page_data(page);
    free(page);
  }
  assert_int_equal(json_array_size(json_object_get(data[0], "examples")), 2);
  assert_true(json_equal(json_object_get(data[0], "examples"), json_object_get(data[1], "examples")));
  assert_true(json_equal(json_object_get(data[0], "heads"), json_object_get(data[1], "heads")));
  for (int i = 0; i < 2; i++) json_decref(data[i]);
  free(prefix);
  program_remove_folder(folder);
}

/* A task whose series has no past tells nothing of a head, and the other's share stands as it is. */
static void test_no_share(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  json_t *data[2];
  write_study(folder, "tasks:\n" TASK("one.jsonl", "one") TASK("none.jsonl", "none"));
  write_text(folder, "none.jsonl", "{\"item_id\": \"a\", \"target\": [null, null, null, null, 1, 2, 3, 4]}\n");
  for (int i = 0; i < 2; i++) {
    program_result r = STUDY(folder, prefix, "--threads", "1", "--exclude-reg-query", "--max-tasks", i ? "1" : "2");
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    if (i == 0) assert_non_null(strstr(r.err, "task 2/2 none: S=3, radius 1 keeps mass - on edges -; "));
    program_free(&r);
    char *page = read_page(prefix);
    data[i] = page_data(page);
    free(page);
  }
  assert_true(json_is_number(json_array_get(json_object_get(data[0], "heads"), 0)));
  assert_true(json_equal(json_object_get(data[0], "heads"), json_object_get(data[1], "heads")));
  for (int i = 0; i < 2; i++) json_decref(data[i]);
  free(prefix);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_page), cmocka_unit_test(test_resumed),
                                     cmocka_unit_test(test_no_share)};
  return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
