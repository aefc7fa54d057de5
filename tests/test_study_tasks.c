/* Task files from strangers: many names, names with control characters, lists that repeat others; and lists of names in
 * the results, which are whole. */
#include "program.h"

#include "study/tasks/tasks.h"
#include "study/tasks/windows.h"

static const char series_text[] =
    "{\"item_id\": \"a\", \"start\": \"2020-01-01\", \"freq\": \"D\", \"target\": [1, 2, 4, 3, 5, 6, 8, 7, 9, 10, 12, "
    "11, 13, 14, 16, 15, 17, 18, 20, 19, 21, 22, 24, 23]}\n";

/* A folder with tasks.yaml of this text and the series d.jsonl. */
static char *make_folder(const char *yaml) {
  char *folder = program_make_folder();
  char *tasks = program_path(folder, "tasks.yaml");
  char *data = program_path(folder, "d.jsonl");
  program_write_file(tasks, yaml, strlen(yaml));
  program_write_file(data, series_text, strlen(series_text));
  free(tasks);
  free(data);
  return folder;
}

/* Reading fails with this text behind the file's name. */
static void fails(const char *yaml, const char *part) {
  char *folder = make_folder(yaml);
  c2_task_list list = {0};
  c2_error err = {.code = C2_OK};
  assert_int_equal(c2_tasks_read(&list, folder, &err), C2_ERR_FORMAT);
  if (!strstr(err.text, part)) fail_msg("expected '%s' in '%s'", part, err.text);
  c2_tasks_free(&list);
  program_remove_folder(folder);
}

static void reads(const char *yaml, size_t tasks, size_t known) {
  char *folder = make_folder(yaml);
  c2_task_list list = {0};
  c2_error err = {.code = C2_OK};
  if (c2_tasks_read(&list, folder, &err) != C2_OK) fail_msg("%s", err.text);
  assert_int_equal(list.count, tasks);
  for (size_t i = 0; i < tasks; i++) assert_int_equal(list.task[i].known.count, known);
  c2_tasks_free(&list);
  program_remove_folder(folder);
}

/* "tasks:\n- {..., known_dynamic_columns: [c0, c1, ...]}", ending with one more name if there is one. */
static char *many_names(size_t count, const char *last, const char *end) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  (void)fputs("tasks:\n- {dataset_path: d.jsonl, dataset_config: a, known_dynamic_columns: &names [", out);
  for (size_t i = 0; i < count; i++) (void)fprintf(out, "%sc%zu", i ? ", " : "", i);
  (void)fprintf(out, "%s%s]}\n%s", last ? ",\n " : "", last ? last : "", end);
  assert_int_equal(fclose(out), 0);
  return text;
}

static void test_many_names(void **state) {
  (void)state;
  char *yaml = many_names(60000, NULL, "");
  reads(yaml, 1, 60000);
  free(yaml);
  yaml = many_names(60000, "c59999", "");
  fails(yaml, "tasks.yaml:3:2: known_dynamic_columns: 'c59999' twice");
  free(yaml);
  yaml = many_names(60000, NULL, "- {dataset_path: d.jsonl, dataset_config: b, known_dynamic_columns: *names}\n");
  reads(yaml, 2, 60000);
  free(yaml);
}

/* Forty thousand tasks, and an alias that would make a small file large. */
static void test_many_tasks(void **state) {
  (void)state;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  for (size_t i = 0; i < 40000; i++) (void)fprintf(out, "- {dataset_path: d.jsonl, dataset_config: t%zu}\n", i);
  assert_int_equal(fclose(out), 0);
  char *yaml = malloc(size + 256);
  assert_non_null(yaml);
  (void)snprintf(yaml, size + 256, "tasks:\n%s", text);
  reads(yaml, 40000, 0);
  (void)snprintf(yaml, size + 256, "tasks:\n%s- {dataset_path: d.jsonl, dataset_config: t7}\n", text);
  fails(yaml, "tasks.yaml:40002:3: two tasks are named 't7', the other on line 9; give each a task_name");
  free(yaml);
  free(text);
  out = open_memstream(&text, &size);
  assert_non_null(out);
  for (size_t i = 0; i < 1100; i++) {
    (void)fprintf(out, "- {dataset_path: d.jsonl, dataset_config: t%zu, known_dynamic_columns: *names}\n", i);
  }
  assert_int_equal(fclose(out), 0);
  yaml = many_names(1000, NULL, text);
  fails(yaml, "known_dynamic_columns: expected at most 1048576 names in a task file");
  free(yaml);
  free(text);
}

/* Names that would steer a terminal or break a line are refused where they stand; nothing of them is printed raw. */
static void test_control_characters(void **state) {
  (void)state;
  static const char *const names[] = {"\"\\e[31mRED\"", "\"a\\e]0;t\\a\"",  "\"line\\nbreak\"", "\"tab\\there\"",
                                      "\"c\\u009b32m\"", "\"r\\u202el\"",   "\"del\\x7f\"",     "\"sep\\u2028\""};
  static const char *const fields[] = {"task_name", "id_column", "timestamp_column", "target", "dataset_config"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) {
      char yaml[256];
      char part[96];
      (void)snprintf(yaml, sizeof yaml, "tasks:\n- dataset_path: d.jsonl\n  %s: %s\n", fields[k], names[i]);
      (void)snprintf(part, sizeof part, "tasks.yaml:3:%zu: %s: expected a text without control characters",
                     strlen(fields[k]) + 5, fields[k]);
      fails(yaml, part);
    }
  }
  fails("tasks:\n- dataset_path: d.jsonl\n  known_dynamic_columns: [a, \"b\\e\"]\n", "tasks.yaml:3:30: known_dynamic");
  char *folder = make_folder("tasks:\n- dataset_path: d.jsonl\n  task_name: \"x\\e[31m\\u009by\\nz\"\n");
  program_result r = PROGRAM_RUN("study", "--tasks", folder, "--out-prefix", "unused");
  for (const char *c = r.err; *c; c++) {
    unsigned char byte = (unsigned char)*c;
    assert_true(byte == '\n' || (byte >= 0x20 && byte != 0x7f && byte != 0xc2));
  }
  program_assert_error(&r, 1, "tasks.yaml:3:14: task_name: expected a text");
  program_remove_folder(folder);
  reads("tasks:\n- dataset_path: d.jsonl\n  task_name: \"=HYPERLINK(1) <b>'\\u00e9\\U0001F600\"\n", 1, 0);
}

/* A word that is no file is a mistake, though a list of the program's own has that name too. */
static void test_unknown_word(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  program_result r = PROGRAM_RUN("study", "--tasks", "tasks", "--max-tasks", "1", "--radii", "2", "--arms", "none",
                                 "--perf-repeats", "1", "--out-prefix", prefix);
  program_assert_error(&r, 1, "tasks: ");
  free(prefix);
  program_remove_folder(folder);
}

/* A list of names of more than 4096 bytes stands whole in its cell. */
static void test_long_list(void **state) {
  (void)state;
  char *cell = NULL;
  char *yaml = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&cell, &size);
  assert_non_null(out);
  for (size_t i = 0; i < 500; i++) (void)fprintf(out, "%s'a name of some length %zu'", i ? ", " : "", i);
  assert_int_equal(fclose(out), 0);
  assert_true(size > 8192);
  out = open_memstream(&yaml, &size);
  assert_non_null(out);
  (void)fprintf(out, "tasks:\n- {dataset_path: d.jsonl, dataset_config: a, horizon: 4, static_columns: [%s, 'it''s']}",
                cell);
  assert_int_equal(fclose(out), 0);
  char *folder = make_folder(yaml);
  char *prefix = program_path(folder, "p");
  program_result r = PROGRAM_RUN("study", "--tasks", folder, "--out-prefix", prefix, "--radii", "2", "--arms", "none",
                                 "--perf-repeats", "1");
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  char *path = program_path(folder, "p__perf_full.csv");
  char *table = program_read_file(path);
  char *expected = malloc(strlen(cell) + 32);
  assert_true(table && expected);
  (void)sprintf(expected, ",\"[%s, 'it\\'s']\",", cell);
  if (!strstr(table, expected)) fail_msg("the list is not whole");
  free(expected);
  free(table);
  free(path);
  free(prefix);
  free(yaml);
  free(cell);
  program_remove_folder(folder);
}

/* Data are told by what they hold. A line of JSON Lines is a series whatever its id; a column "id" names a table's
 * where it has no "item_id", and is told of beside one. */
static void test_data(void **state) {
  (void)state;
  static const struct {
    const char *file, *text, *fields, *id_column, *units;
    bool is_told;
  } cases[] = {
      {"data", "{\"item_id\": \"x\", \"target\": [1, 2, 3]}\n"
       "{\"item_id\": \"x\", \"target\": [4, 5, 6]}\n", "", "item_id",
       "x x", false},
      {"data", "{\"item_id\": \"x\", \"target\": [[1, 2], [4, 5]]}\n", ", target: [u, v]", "item_id", "x", false},
      {"d.csv", "id,timestamp,target\nb,1,3\nb,2,4\nb,3,4\na,1,5\n", "", "id", "a b", false},
      {"d.csv", "id,item_id,timestamp,target\n0,b,1,3\n1,b,2,4\n2,b,3,4\n3,a,1,5\n", "", "item_id", "a b", true},
      {"d.csv", "id,item_id,timestamp,target\n0,b,1,3\n1,b,2,4\n2,b,3,4\n3,a,1,5\n", ", id_column: item_id", "item_id",
       "a b", false},
      {"d.csv", "id,item_id,timestamp,target\nb,1,1,3\nb,2,2,4\nb,3,3,4\na,4,1,5\n", ", id_column: id", "id", "a b",
       false},
      {"d.csv", "item_id,timestamp,u,v,w\na,1,3,4,5\na,2,4,5,6\na,3,4,5,6\n",
       ", generate_univariate_targets_from: __ALL__, static_columns: [v]", "item_id", "a_u a_w", false},
      {"d.csv", ",item_id,timestamp,u\n0,a,1,3\n1,a,2,4\n2,a,3,4\n", ", generate_univariate_targets_from: __ALL__",
       "item_id", "a_u", false},
      {"d.csv", "id,item_id,timestamp,u\n0,a,1,3\n1,a,2,4\n2,a,3,4\n", ", generate_univariate_targets_from: __ALL__",
       "item_id", "a_u", true},
      {"d.csv", "item_id,timestamp,u,v\na,1,3,4\na,2,4,5\na,3,4,5\n", ", generate_univariate_targets_from: [v]",
       "item_id", "a_v", false}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char yaml[256];
    char units[64] = "";
    c2_task_list list = {0};
    c2_task_data data;
    c2_error err = {.code = C2_OK};
    (void)snprintf(yaml, sizeof yaml, "tasks:\n- {dataset_path: %s, dataset_config: a, horizon: 1%s}\n", cases[i].file,
                   cases[i].fields);
    char *folder = make_folder(yaml);
    char *path = program_path(folder, cases[i].file);
    program_write_file(path, cases[i].text, strlen(cases[i].text));
    if (c2_tasks_read(&list, folder, &err) != C2_OK) fail_msg("%s", err.text);
    if (c2_task_data_open(&data, &list.task[0], &err) != C2_OK) fail_msg("%s", err.text);
    for (size_t u = 0; u < data.units; u++) (void)sprintf(units + strlen(units), "%s%s", u ? " " : "", data.unit[u].id);
    assert_string_equal(units, cases[i].units);
    assert_string_equal(data.id_column, cases[i].id_column);
    bool is_told = false;
    for (size_t n = 0; n < data.set.notes; n++) {
      is_told = is_told || strstr(data.set.note[n], "d.csv: the ids are those of column 'item_id', not of 'id', as the "
                                                    "task has no id_column");
    }
    assert_int_equal(is_told, cases[i].is_told);
    c2_task_data_free(&data);
    c2_tasks_free(&list);
    free(path);
    program_remove_folder(folder);
  }
}

/* A column has one role, whichever two lists name it: a target among the covariates would tell the model the truth. */
static void test_roles(void **state) {
  (void)state;
  static const struct {
    const char *fields, *part;
  } cases[] = {
      {"known_dynamic_columns: [target]", "tasks.yaml:2:3: known_dynamic_columns: column 'target' is named twice"},
      {"past_dynamic_columns: [target]", "past_dynamic_columns: column 'target' is named twice"},
      {"target: [target, x], known_dynamic_columns: [y, x]", "known_dynamic_columns: column 'x' is named twice"},
      {"generate_univariate_targets_from: [target, x], known_dynamic_columns: [x]",
       "known_dynamic_columns: column 'x' is named twice"},
      {"known_dynamic_columns: [x], past_dynamic_columns: [x]", "past_dynamic_columns: column 'x' is named twice"},
      {"known_dynamic_columns: [x], static_columns: [x]", "static_columns: column 'x' is named twice"},
      {"generate_univariate_targets_from: __ALL__, known_dynamic_columns: [x], past_dynamic_columns: [x]",
       "past_dynamic_columns: column 'x' is named twice"}};
  char yaml[256];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    (void)snprintf(yaml, sizeof yaml, "tasks:\n- {dataset_path: d.jsonl, %s}\n", cases[i].fields);
    fails(yaml, cases[i].part);
  }
  reads("tasks:\n- {dataset_path: d.jsonl, target: y, known_dynamic_columns: [target], past_dynamic_columns: [x]}\n", 1,
        1);
}

/* Nor are ids and time stamps covariates or targets, whatever tells which columns they are. */
static void test_keys(void **state) {
  (void)state;
  static const char rows[] = "a,1,1,3\na,2,2,4\na,3,3,4\n";
  static const struct {
    const char *second, *fields, *part; /* the name of the column behind "id" */
  } cases[] = {
      {"item_id", "known_dynamic_columns: [timestamp]",
       "tasks.yaml:2: known_dynamic_columns: column 'timestamp' is named twice: it holds the time stamps"},
      {"x", "known_dynamic_columns: [id]", "known_dynamic_columns: column 'id' is named twice: it holds the ids"},
      {"item_id", "past_dynamic_columns: [item_id]", "past_dynamic_columns: column 'item_id' is named twice"},
      {"item_id", "timestamp_column: id, target: id", "target: column 'id' is named twice: it holds the time"},
      {"item_id", "id_column: id, past_dynamic_columns: [item_id]", NULL}};
  char *folder = make_folder("");
  char *tasks = program_path(folder, "tasks.yaml");
  char *data = program_path(folder, "d.csv");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char yaml[256];
    char table[128];
    c2_task_list list = {0};
    c2_task_data set;
    c2_error err = {.code = C2_OK};
    (void)snprintf(yaml, sizeof yaml, "tasks:\n- {dataset_path: d.csv, %s}\n", cases[i].fields);
    (void)snprintf(table, sizeof table, "id,%s,timestamp,target\n%s", cases[i].second, rows);
    program_write_file(tasks, yaml, strlen(yaml));
    program_write_file(data, table, strlen(table));
    if (c2_tasks_read(&list, folder, &err) != C2_OK) fail_msg("%s", err.text);
    c2_status status = c2_task_data_open(&set, &list.task[0], &err);
    assert_int_equal(status, cases[i].part ? C2_ERR_FORMAT : C2_OK);
    if (cases[i].part && !strstr(err.text, cases[i].part)) fail_msg("expected '%s' in '%s'", cases[i].part, err.text);
    c2_task_data_free(&set);
    c2_tasks_free(&list);
  }
  free(data);
  free(tasks);
  program_remove_folder(folder);
}

/* A line of JSON Lines has all targets that the task lists, or the task is refused: none is left out unsaid. */
static void test_listed(void **state) {
  (void)state;
  static const struct {
    const char *listed, *part;
  } cases[] = {
      {"target_1, target_0", NULL},
      {"target_1", NULL},
      {"target_0, target_7", "d.jsonl:1: series 'a' has no target 'target_7', which generate_univariate_targets_from"},
      {"target_0, target_2", "d.jsonl:2: series 'b' has no target 'target_2'"},
      {"target", "d.jsonl:1: series 'a' has no target 'target', which generate_univariate_targets_from lists; its "
       "targets are 'target_0' and so on"}};
  static const char lines[] = "{\"item_id\": \"a\", \"target\": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}\n"
                              "{\"item_id\": \"b\", \"target\": [[1, 2, 3], [4, 5, 6]]}\n";
  static const char *const units[] = {"a_target_0 a_target_1 b_target_0 b_target_1 ", "a_target_1 b_target_1 "};
  char *folder = make_folder("");
  char *tasks = program_path(folder, "tasks.yaml");
  char *data = program_path(folder, "d.jsonl");
  program_write_file(data, lines, sizeof lines - 1);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char yaml[256];
    char found[128] = "";
    c2_task_list list = {0};
    c2_task_data set;
    c2_error err = {.code = C2_OK};
    (void)snprintf(yaml, sizeof yaml, "tasks:\n- {dataset_path: d.jsonl, generate_univariate_targets_from: [%s]}\n",
                   cases[i].listed);
    program_write_file(tasks, yaml, strlen(yaml));
    if (c2_tasks_read(&list, folder, &err) != C2_OK) fail_msg("%s", err.text);
    c2_status status = c2_task_data_open(&set, &list.task[0], &err);
    if (status != (cases[i].part ? C2_ERR_FORMAT : C2_OK)) fail_msg("'%s': %d, %s", cases[i].listed, status, err.text);
    if (cases[i].part && !strstr(err.text, cases[i].part)) fail_msg("expected '%s' in '%s'", cases[i].part, err.text);
    for (size_t u = 0; status == C2_OK && u < set.units; u++) (void)strcat(strcat(found, set.unit[u].id), " ");
    if (status == C2_OK) assert_string_equal(found, units[i]);
    c2_task_data_free(&set);
    c2_tasks_free(&list);
  }
  free(data);
  free(tasks);
  program_remove_folder(folder);
}

/* 010 is 8 in YAML 1.1 and 10 in YAML 1.2: neither is taken. */
static void test_leading_zero(void **state) {
  (void)state;
  fails("tasks:\n- {dataset_path: d.jsonl, horizon: 010}\n",
        "tasks.yaml:2:36: horizon: expected a whole number from 1 to 1048576");
  fails("tasks:\n- {dataset_path: d.jsonl, initial_cutoff: -010}\n", "initial_cutoff: expected a whole number or");
  fails("tasks:\n- {dataset_path: d.jsonl, window_step_size: 010}\n", "window_step_size: expected a whole number from");
  reads("tasks:\n- {dataset_path: d.jsonl, horizon: 10, initial_cutoff: 0}\n", 1, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_names), cmocka_unit_test(test_many_tasks),
                                     cmocka_unit_test(test_control_characters), cmocka_unit_test(test_unknown_word),
                                     cmocka_unit_test(test_long_list),
                                     cmocka_unit_test(test_data), cmocka_unit_test(test_roles),
                                     cmocka_unit_test(test_keys), cmocka_unit_test(test_listed),
                                     cmocka_unit_test(test_leading_zero)};
  return cmocka_run_group_tests_name("study_tasks", tests, NULL, NULL);
}
