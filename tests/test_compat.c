/* What Chronos2Pipeline promises about shapes and bad requests, asked of `chronos2 predict` and `forecast`;
 * docs/compat.md has the table. */
#include "program.h"

#include "base/safetensors.h"

#define MODEL SOURCE_DIR "/tests/golden/model-smooth/weights"

/* ---- Shapes ---------------------------------------------------------------------------------- */

typedef struct text {
  char bytes[1 << 16];
  size_t used;
} text;

static void add(text *t, const char *piece) {
  size_t n = strlen(piece);
  assert_true(t->used + n < sizeof t->bytes);
  memcpy(t->bytes + t->used, piece, n + 1);
  t->used += n;
}

/* "[0.5, 1.5, ...]", or labels. */
static void add_values(text *t, int length, bool labels) {
  add(t, "[");
  for (int i = 0; i < length; i++) {
    char number[32];
    (void)snprintf(number, sizeof number, labels ? "%s\"%c\"" : "%s%d", i ? "," : "", labels ? 'A' + i % 4 : i % 7);
    add(t, number);
  }
  add(t, "]");
}

static void add_target(text *t, int targets, int length) {
  add(t, "{\"target\": ");
  if (targets > 1) add(t, "[");
  for (int i = 0; i < targets; i++) {
    if (i) add(t, ",");
    add_values(t, length, false);
  }
  if (targets > 1) add(t, "]");
}

typedef struct covariate {
  const char *name;
  bool labels, known;
} covariate;

static void add_covariates(text *t, const covariate *c, int count, int length, int horizon, bool future) {
  bool first = true;
  add(t, future ? ", \"future_covariates\": {" : ", \"past_covariates\": {");
  for (int i = 0; i < count; i++) {
    if (future && !c[i].known) continue;
    add(t, first ? "\"" : ", \"");
    add(t, c[i].name);
    add(t, "\": ");
    add_values(t, future ? horizon : length, c[i].labels);
    first = false;
  }
  add(t, "}");
}

typedef struct shapes {
  int items, targets[4], lengths[4], horizon, covariates;
  covariate covariate[3];
} shapes;

static void check_shapes(const shapes *s) {
  static text t;
  char number[96];
  t.used = 0;
  add(&t, "{\"inputs\": [");
  for (int i = 0; i < s->items; i++) {
    if (i) add(&t, ", ");
    add_target(&t, s->targets[i], s->lengths[i]);
    if (s->covariates) {
      add_covariates(&t, s->covariate, s->covariates, s->lengths[i], s->horizon, false);
      add_covariates(&t, s->covariate, s->covariates, s->lengths[i], s->horizon, true);
    }
    add(&t, "}");
  }
  (void)snprintf(number, sizeof number, "], \"predict\": {\"prediction_length\": %d}, \"quantile_levels\": [0.1, 0.5]}",
                 s->horizon);
  add(&t, number);
  char *folder = program_make_folder();
  char *in = program_path(folder, "case.json");
  char *out = program_path(folder, "out.safetensors");
  program_write_file(in, t.bytes, t.used);
  bool embed = s->covariates == 0;
  int longest = 0;
  for (int i = 0; i < s->items; i++) longest = s->lengths[i] > longest ? s->lengths[i] : longest;
  program_result r = embed ? PROGRAM_RUN("predict", in, "-m", MODEL, "-o", out, "--embed")
                           : PROGRAM_RUN("predict", in, "-m", MODEL, "-o", out);
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  c2_safetensors file;
  assert_int_equal(c2_safetensors_open(&file, out, NULL), C2_OK);
  assert_int_equal(file.count, (embed ? 4 : 3) * s->items);
  for (int i = 0; i < s->items; i++) {
    (void)snprintf(number, sizeof number, "out.%d", i);
    const c2_tensor *all = c2_safetensors_find(&file, number);
    assert_true(all && all->dims == 3 && all->shape[0] == (size_t)s->targets[i] && all->shape[1] == 21 &&
                all->shape[2] == (size_t)s->horizon);
    (void)snprintf(number, sizeof number, "quantiles.%d", i);
    const c2_tensor *levels = c2_safetensors_find(&file, number);
    assert_true(levels && levels->dims == 3 && levels->shape[1] == (size_t)s->horizon && levels->shape[2] == 2);
    (void)snprintf(number, sizeof number, "mean.%d", i);
    const c2_tensor *mean = c2_safetensors_find(&file, number);
    assert_true(mean && mean->dims == 2 && mean->shape[0] == (size_t)s->targets[i]);
    (void)snprintf(number, sizeof number, "embed.%d", i);
    const c2_tensor *hidden = c2_safetensors_find(&file, number);
    assert_true(!embed || (hidden && hidden->dims == 3 && hidden->shape[0] == (size_t)s->targets[i] &&
                           hidden->shape[1] == (size_t)(longest + 15) / 16 + 2));
  }
  c2_safetensors_close(&file);
  assert_int_equal(unlink(in), 0);
  assert_int_equal(unlink(out), 0);
  assert_int_equal(rmdir(folder), 0);
  free(in);
  free(out);
  free(folder);
}

static void test_shapes(void **state) {
  (void)state;
  static const shapes cases[] = {{.items = 4, .targets = {1, 1, 1, 1}, .lengths = {16, 16, 16, 16}, .horizon = 7},
                                 {.items = 4, .targets = {3, 3, 3, 3}, .lengths = {37, 37, 37, 37}, .horizon = 27},
                                 {.items = 3, .targets = {1, 2, 1}, .lengths = {100, 150, 120}, .horizon = 68},
                                 {.items = 3, .targets = {2, 2, 2}, .lengths = {10, 110, 17}, .horizon = 16},
                                 {.items = 3,
                                  .targets = {1, 1, 1},
                                  .lengths = {10, 110, 17},
                                  .horizon = 10,
                                  .covariates = 1,
                                  .covariate = {{"feat_1", false, false}}},
                                 {.items = 3,
                                  .targets = {1, 1, 1},
                                  .lengths = {10, 99, 17},
                                  .horizon = 15,
                                  .covariates = 2,
                                  .covariate = {{"feat_1", false, true}, {"feat_2", false, false}}},
                                 {.items = 2,
                                  .targets = {1, 1},
                                  .lengths = {150, 150},
                                  .horizon = 200,
                                  .covariates = 3,
                                  .covariate = {{"n1", false, true}, {"n2", false, false}, {"cat", true, true}}},
                                 /* beyond upstream: items that differ in targets and lengths, with covariates */
                                 {.items = 2,
                                  .targets = {2, 1},
                                  .lengths = {40, 55},
                                  .horizon = 9,
                                  .covariates = 2,
                                  .covariate = {{"n1", false, true}, {"cat", true, true}}}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) check_shapes(&cases[i]);
}

/* ---- Bad requests ---------------------------------------------------------------------------- */

static void test_bad_requests(void **state) {
  (void)state;
  static const struct {
    const char *inputs, *part;
  } cases[] = {
      {"[{\"target\": [[[1, 2]]]}]", "target"},
      {"[{\"target\": [1, 2], \"extra_key\": []}]", "extra_key"},
      {"[{\"item_id\": \"a\"}]", "target"},
      {"[{\"target\": [[1, 2], [3]]}]", "target"},
      {"[{\"target\": [1, 2], \"past_covariates\": [1, 2]}]", "past_covariates"},
      {"[{\"target\": [1, 2], \"past_covariates\": {\"f\": [1, 2, 3]}}]", "3 values, expected 2"},
      {"[{\"target\": [1], \"past_covariates\": {\"f\": [1]}, \"future_covariates\": [1]}]", "future_covariates"},
      {"[{\"target\": [1], \"past_covariates\": {\"f\": [1]}, \"future_covariates\": {\"f\": [1, 2], \"g\": [1, 2]}}]",
       "\"g\" is missing"},
      {"[{\"target\": [1], \"past_covariates\": {\"f\": [1]}, \"future_covariates\": {\"f\": [1, 2, 3]}}]",
       "expected the horizon's 2"},
      {"[{\"target\": [1, \"x\"]}]", "target"},
      {"[{\"target\": [1]}, {\"target\": [[[1]]]}]", "case.json:1:43: \"target\"[0]"},
      {"[]", "'inputs': expected an array of at least one series"},
      {"{\"target\": [1]}", "'inputs': expected an array"}};
  char *folder = program_make_folder();
  char *in = program_path(folder, "case.json");
  char *out = program_path(folder, "out.safetensors");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char request[512];
    (void)snprintf(request, sizeof request, "{\"inputs\": %s, \"predict\": {\"prediction_length\": 2}}",
                   cases[i].inputs);
    program_write_file(in, request, strlen(request));
    program_result r = PROGRAM_RUN("predict", in, "-m", MODEL, "-o", out);
    program_assert_error(&r, 1, cases[i].part);
    assert_int_not_equal(access(out, F_OK), 0);
  }
  static const struct {
    const char *request, *part;
  } whole[] = {
      {"{\"inputs\": []}", "'predict'"},
      {"{\"inputs\": [], \"predict\": {}}", "prediction_length"},
      {"{\"inputs\": [], \"predict\": {\"prediction_length\": 0}}", "prediction_length"},
      {"{\"inputs\": [], \"predict\": {\"prediction_length\": 2, \"speed\": 3}}", "speed"},
      {"{\"inputs\": [], \"predict\": {\"prediction_length\": 2}, \"quantile_levels\": [1.5]}", "quantile_levels[0]"},
      {"{\"inputs\": [], \"predict\": {\"prediction_length\": 2, \"cross_learning\": 1}}", "cross_learning"},
      {"{\"inputs\": [], \"predict\": {\"prediction_length\": 2}, \"levels\": [1]}", "\"levels\""},
      {"{\"inputs\": [", "case.json:1"}};
  for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
    program_write_file(in, whole[i].request, strlen(whole[i].request));
    program_result r = PROGRAM_RUN("predict", in, "-m", MODEL, "-o", out);
    program_assert_error(&r, 1, whole[i].part);
  }
  assert_int_equal(unlink(in), 0);
  assert_int_equal(rmdir(folder), 0);
  free(in);
  free(out);
  free(folder);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static void test_bad_tables(void **state) {
  (void)state;
  static const struct {
    const char *past, *future, *part;
  } cases[] = {{"item_id,date,target\nA,2023-01-01,1\n", NULL, "--timestamp-column"},
               {"item_id,timestamp,target\nA,2023-01-01,1\n", NULL, "freq"},
               {"item_id,timestamp,target,c\nA,2023-01-01,1,1\nA,2023-01-02,2,1\nA,2023-01-03,3,1\n",
                "item_id,c\nA,1\n", "no column of time stamps"},
               {"item_id,timestamp,target,c\nA,2023-01-01,1,1\nA,2023-01-02,2,1\nA,2023-01-03,3,1\n",
                "item_id,timestamp,d\nA,2023-01-04,1\nA,2023-01-05,1\n",
                "expected a column 'c', found item_id, timestamp, d"},
               {"item_id,timestamp,target,c\nA,2023-01-01,1,1\nA,2023-01-02,2,1\nA,2023-01-03,3,1\n",
                "item_id,timestamp,c,target\nA,2023-01-04,1,1\nA,2023-01-05,1,1\n", "'target'"},
               {"item_id,timestamp,target\nA,9999-12-29,1\nA,9999-12-30,2\nA,9999-12-31,3\n", NULL,
                "past.csv:2: series 'A': its forecast would end too late: a time stamp lies outside the "
                "years 1 to 9999"},
               {"item_id,timestamp,target\nA,2023-01-01,1\nA,2023-01-02 03:00,2\nA,2023-01-04 05:07,3\n", NULL,
                "past.csv:2: item 'A': its 3 time stamps follow no regular frequency"},
               {"PAR1 and so on", NULL, "past.csv: it holds Parquet, which is read where a file's name says so"},
               {"FEA1 and so on", NULL, "it holds Feather"},
               {"item_id,timestamp,target,c\nA,2023-01-01,1,1\nA,2023-01-02,2,1\nA,2023-01-03,3,1\n",
                "item_id,timestamp,c\nB,2023-01-04,1\nB,2023-01-05,1\n", "'B'"},
               {"item_id,timestamp,target,c\nA,2023-01-01,1,1\nA,2023-01-02,2,1\nA,2023-01-03,3,1\n",
                "item_id,timestamp,c\nA,2023-01-04,1\n", "expected a row for 2023-01-05"},
               {"item_id,timestamp,target,c\nA,2023-01-01,1,1\nA,2023-01-02,2,1\nA,2023-01-03,3,1\n",
                "item_id,timestamp,c\nA,2023-01-04,1\nA,2023-01-06,1\n", "2023-01-0"}};
  char *folder = program_make_folder();
  char *past = program_path(folder, "past.csv");
  char *future = program_path(folder, "future.csv");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    program_write_file(past, cases[i].past, strlen(cases[i].past));
    if (cases[i].future) program_write_file(future, cases[i].future, strlen(cases[i].future));
    program_result r = cases[i].future ? PROGRAM_RUN("forecast", past, "-m", MODEL, "--horizon", "2",
                                                     "--past-covariates", "c", "--future", future)
                                       : PROGRAM_RUN("forecast", past, "-m", MODEL, "--horizon", "2");
    program_assert_error(&r, 1, cases[i].part);
  }
  /* short series are fine where the frequency is given */
  const char *two = "item_id,timestamp,target\nA,2023-01-01,1\nA,2023-01-02,2\nB,2023-01-01,3\n";
  program_write_file(past, two, strlen(two));
  program_result r = PROGRAM_RUN("forecast", past, "-m", MODEL, "--horizon", "2", "--freq", "D");
  assert_int_equal(r.status, 0);
  assert_int_equal(program_count(r.out, "\nA,2023-01-03,"), 1);
  assert_int_equal(program_count(r.out, "\nB,2023-01-02,"), 1);
  assert_int_equal(program_count(r.out, "\n"), 5);
  program_free(&r);
  assert_int_equal(unlink(past), 0);
  assert_int_equal(unlink(future), 0);
  assert_int_equal(rmdir(folder), 0);
  free(past);
  free(future);
  free(folder);
}

static void test_bad_options(void **state) {
  (void)state;
  static const struct {
    const char *option, *value, *part;
  } cases[] = {{"--horizon", "0", "--horizon"},
               {"--horizon", "1048577", "--horizon: expected at most 1048576 steps"},
               {"--quantile-levels", "0.1,,0.9", "--quantile-levels: "},
               {"--quantile-levels", "1.5", "--quantile-levels: "},
               {"--quantile-levels", "0.1,0.5,0.10", "--quantile-levels: expected levels from 0 to 1, each once"},
               {"--target", "target,target", "--target: column 'target' is named twice"},
               {"--covariates", "target", "--covariates: column 'target' is named twice"},
               {"--past-covariates", "c,c", "--covariates: column 'c' is named twice"},
               {"--digits", "18", "--digits: expected at most 17"},
               {"--digits", "0", "--digits: expected a whole number >= 1"},
               {"--freq", "sometimes", "--freq: "}};
  char *folder = program_make_folder();
  char *past = program_path(folder, "past.csv");
  const char *table = "item_id,timestamp,target\nA,2023-01-01,1\nA,2023-01-02,2\nA,2023-01-03,3\n";
  program_write_file(past, table, strlen(table));
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    program_result r =
        PROGRAM_RUN_LAST("forecast", past, "-m", MODEL, "--horizon", "2", cases[i].option, cases[i].value);
    program_assert_error(&r, 2, cases[i].part);
  }
  assert_int_equal(unlink(past), 0);
  assert_int_equal(rmdir(folder), 0);
  free(past);
  free(folder);
}

/* ---- Good tables ----------------------------------------------------------------------------- */

typedef struct stamps {
  const char *freq, *past[3], *future[2];
} stamps;

/* Three steps of two items, B first; under each frequency of upstream's test. */
static void check_stamps(const char *path, const stamps *s) {
  char table[512] = "item_id,timestamp,sales,profit\n";
  for (size_t i = 0; i < 6; i++) {
    size_t used = strlen(table);
    (void)snprintf(table + used, sizeof table - used, "%c,%s,%zu,%zu\n", i < 3 ? 'B' : 'A', s->past[i % 3], i * i,
                   7 - i);
  }
  program_write_file(path, table, strlen(table));
  program_result r = PROGRAM_RUN("forecast", path, "-m", MODEL, "--horizon", "2", "--target", "sales,profit");
  if (r.status != 0) fail_msg("%s: %s", s->freq, r.err);
  char *at = strchr(r.out, '\n');
  assert_int_equal(strncmp(r.out, "item_id,timestamp,target_name,predictions,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9\n",
                           (size_t)(at + 1 - r.out)),
                   0);
  for (size_t i = 0; i < 8; i++) { /* items as they came, then targets as they were named, then steps */
    char start[80];
    (void)snprintf(start, sizeof start, "\n%c,%s,%s,", i < 4 ? 'B' : 'A', s->future[i % 2],
                   i % 4 < 2 ? "sales" : "profit");
    if (strncmp(at, start, strlen(start)) != 0) fail_msg("%s: expected %s, found %.60s", s->freq, start, at);
    at = strchr(at + 1, '\n');
  }
  assert_string_equal(at, "\n");
  program_free(&r);
}

static void test_frequencies(void **state) {
  (void)state;
  static const stamps all[] = {
      {"s",
       {"2023-01-01 23:59:57", "2023-01-01 23:59:58", "2023-01-01 23:59:59"},
       {"2023-01-02 00:00:00", "2023-01-02 00:00:01"}},
      {"min",
       {"2023-01-01 00:58:00", "2023-01-01 00:59:00", "2023-01-01 01:00:00"},
       {"2023-01-01 01:01:00", "2023-01-01 01:02:00"}},
      {"30min",
       {"2023-01-01 22:30:00", "2023-01-01 23:00:00", "2023-01-01 23:30:00"},
       {"2023-01-02 00:00:00", "2023-01-02 00:30:00"}},
      {"h",
       {"2023-02-28 21:00:00", "2023-02-28 22:00:00", "2023-02-28 23:00:00"},
       {"2023-03-01 00:00:00", "2023-03-01 01:00:00"}},
      {"D", {"2024-02-26", "2024-02-27", "2024-02-28"}, {"2024-02-29", "2024-03-01"}},
      {"W", {"2023-01-01", "2023-01-08", "2023-01-15"}, {"2023-01-22", "2023-01-29"}},
      {"ME", {"2023-11-30", "2023-12-31", "2024-01-31"}, {"2024-02-29", "2024-03-31"}},
      {"QE", {"2023-03-31", "2023-06-30", "2023-09-30"}, {"2023-12-31", "2024-03-31"}},
      {"YE", {"2020-12-31", "2021-12-31", "2022-12-31"}, {"2023-12-31", "2024-12-31"}}};
  char *folder = program_make_folder();
  char *path = program_path(folder, "past.csv");
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) check_stamps(path, &all[i]);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
  free(path);
  free(folder);
}

/* Upstream refuses both: a step that is left out is a missing value, and an item with few rows has the frequency of
 * most items, which is said. */
static void test_irregular(void **state) {
  (void)state;
  static const char *const tables[2] = {
      "item_id,timestamp,target\nA,2023-01-01,1\nA,2023-01-02,2\nA,2023-01-04,3\nA,2023-01-05,5\n"
      "B,2023-01-01,1\nB,2023-02-01,4\nB,2023-03-01,3\n",
      "item_id,timestamp,target\nA,2023-01-01,1\nA,2023-01-02,2\nA,2023-01-03,\nA,2023-01-04,3\nA,2023-01-05,5\n"
      "B,2023-01-01,1\nB,2023-02-01,4\nB,2023-03-01,3\n"};
  char *folder = program_make_folder();
  char *path = program_path(folder, "past.csv");
  program_result r[2];
  for (size_t i = 0; i < 2; i++) {
    program_write_file(path, tables[i], strlen(tables[i]));
    r[i] = PROGRAM_RUN("forecast", path, "-m", MODEL, "--horizon", "1");
    assert_int_equal(r[i].status, 0);
    assert_int_equal(program_count(r[i].out, "\nA,2023-01-06,"), 1);
    assert_int_equal(program_count(r[i].out, "\nB,2023-03-02,"), 1);
    assert_int_equal(program_count(r[i].err, "1 item, as 'B' at line"), 1);
  }
  assert_string_equal(r[0].out, r[1].out);
  for (size_t i = 0; i < 2; i++) program_free(&r[i]);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
  free(path);
  free(folder);
}

/* Cross learning changes a forecast, and only it depends on the batch size. */
static void test_cross_learning(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "past.csv");
  char table[4096] = "item_id,timestamp,target\n";
  for (int i = 0; i < 80; i++) {
    (void)snprintf(table + strlen(table), 64, "%d,%d-01-01,%d\n", i / 20, 1950 + i % 20, (i * i) % (5 + i / 20));
  }
  program_write_file(path, table, strlen(table));
  static const char *const batch[2] = {"4", "2"};
  program_result alone[2];
  program_result joint[2];
  for (size_t i = 0; i < 2; i++) {
    alone[i] = PROGRAM_RUN("forecast", path, "-m", MODEL, "--horizon", "3", "--batch-size", batch[i]);
    joint[i] =
        PROGRAM_RUN("forecast", path, "-m", MODEL, "--horizon", "3", "--batch-size", batch[i], "--cross-learning");
    assert_int_equal(alone[i].status, 0);
    assert_int_equal(joint[i].status, 0);
  }
  assert_string_equal(alone[0].out, alone[1].out);
  assert_string_not_equal(joint[0].out, joint[1].out);
  assert_string_not_equal(joint[0].out, alone[0].out);
  for (size_t i = 0; i < 2; i++) {
    program_free(&alone[i]);
    program_free(&joint[i]);
  }
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
  free(path);
  free(folder);
}

/* A context beyond the model's is used if asked for by name, with a warning; else cut. */
static void test_long_context(void **state) {
  (void)state;
  enum { STEPS = 3000 };
  char *folder = program_make_folder();
  char *past = program_path(folder, "past.jsonl");
  FILE *file = fopen(past, "w");
  assert_non_null(file);
  (void)fputs("{\"item_id\": \"a\", \"start\": \"2020-01-01\", \"freq\": \"h\", \"target\": [", file);
  for (int t = 0; t < STEPS; t++) (void)fprintf(file, "%s%d", t ? "," : "", t < STEPS / 2 ? 1000 + t % 9 : t % 7);
  (void)fputs("]}\n", file);
  assert_int_equal(fclose(file), 0);
  program_result cut = PROGRAM_RUN("forecast", past, "-m", MODEL, "--horizon", "4");
  program_result whole = PROGRAM_RUN("forecast", past, "-m", MODEL, "--horizon", "4", "--context-length", "3000");
  assert_int_equal(cut.status, 0);
  assert_int_equal(whole.status, 0);
  assert_null(strstr(cut.err, "warning"));
  assert_non_null(strstr(whole.err, "context length 3000 is beyond the 1600 steps"));
  assert_string_not_equal(cut.out, whole.out);
  program_free(&cut);
  program_free(&whole);
  assert_int_equal(unlink(past), 0);
  assert_int_equal(rmdir(folder), 0);
  free(past);
  free(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shapes),      cmocka_unit_test(test_bad_requests),   cmocka_unit_test(test_bad_tables),
      cmocka_unit_test(test_bad_options), cmocka_unit_test(test_frequencies),    cmocka_unit_test(test_irregular),
      cmocka_unit_test(test_cross_learning), cmocka_unit_test(test_long_context)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
