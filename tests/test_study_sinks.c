/* The study's arms with a null future and with blind heads, and where it finds that heads rest their attention. */
#include <math.h>

#include "program.h"
#include "study/measure/probe.h"
#include "study/measure/arm.h"
#include "study_csv.h"

enum { LAYERS = 4, HEADS = 5, ALL = LAYERS * HEADS }; /* of the bundled checkpoint */

/* ---- The probe, from rows written down here -------------------------------------------------- */

/* Row 0 has no padding; row 1 is a token shorter than the batch, which counts as padding on its left. */
static void see(c2_probe *probe, size_t row, size_t query, const float *weights) {
  static const bool live[6] = {true, true, true, true, true, true};
  chronos2_attention_row r = {.row = row,
                              .query = query - row,
                              .tokens = 6 - row,
                              .context = 4 - row,
                              .weights = weights + row,
                              .live = live};
  c2_probe_observe(probe, &r);
}

/* Two rows of three context patches, REG and two future tokens; the first patch of the second one is padding. */
static void test_shares(void **state) {
  (void)state;
  static const float a[6] = {0.5f, 0, 0.125f, 0.25f, 0.125f, 0};
  static const float b[6] = {0, 0.25f, 0.125f, 0, 0.125f, 0.5f};
  static const double radius = 1;
  c2_plan plan = {.radii = {&radius, 1}};
  c2_probe probe;
  c2_error err;
  assert_int_equal(c2_probe_open(&probe, &plan, 1, 2, 1, &err), C2_OK);
  assert_int_equal(c2_probe_begin_batch(&probe, 6, 4, &err), C2_OK);
  for (size_t q = 0; q < 4; q++) see(&probe, 0, q, a);
  for (size_t q = 1; q < 4; q++) see(&probe, 1, q, b);
  see(&probe, 0, 4, b); /* a future query, which doesn't count */
  c2_probe_end_batch(&probe, 2);
  c2_share share = c2_probe_result(&probe, &probe.window, 0, 0, 0);
  assert_true(fabs(share.reg - 4 * 0.25 / 7) < 1e-12);
  assert_true(fabs(share.first - (4 * 0.5 + 3 * 0.25) / 7) < 1e-12);
  assert_true(fabs(share.future - (4 * 0.125 + 3 * 0.625) / 7) < 1e-12);
  c2_probe_close(&probe);
}

/* ---- A study of two tasks -------------------------------------------------------------------- */

/* A daily series with a weekly wave and a covariate of which its level depends; in the second task it is known. */
static void write_tasks(const char *folder) {
  static const char tasks[] =
      "tasks:\n"
      "- {dataset_path: data.csv, dataset_config: plain, horizon: 20, seasonality: 7, quantile_levels: [0.1, 0.9]}\n"
      "- {dataset_path: data.csv, dataset_config: known, horizon: 20, seasonality: 7, quantile_levels: [0.1, 0.9], "
      "known_dynamic_columns: [promo]}\n";
  char *path = program_path(folder, "tasks.yaml");
  program_write_file(path, tasks, strlen(tasks));
  free(path);
  path = program_path(folder, "data.csv");
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target,promo\n", out);
  for (int t = 0; t < 150; t++) {
    int promo = t * 7 % 11 < 3;
    double value = 20 + 5 * sin(2 * 3.14159265 * t / 7) + 10 * promo + t * 13 % 5;
    (void)fprintf(out, "a,2021-%02d-%02d,%.3f,%d\n", 1 + t / 28, 1 + t % 28, value, promo);
  }
  assert_int_equal(fclose(out), 0);
  free(path);
}

#define STUDY(folder, prefix, ...)                                                                              \
  PROGRAM_RUN("study", "--tasks", folder, "--radii", "2", "--perf-repeats", "1", "--threads", "1", "--out-prefix", \
              prefix, __VA_ARGS__)

static void succeed(program_result *r) {
  if (r->status != 0) fail_msg("status %d: %s", r->status, r->err);
}

static size_t row_of(const csv *c, const char *arm, const char *column, const char *value) {
  for (size_t i = 0; i < c->rows; i++) {
    if (strcmp(csv_text(c, i, "arm"), arm) == 0 && strcmp(csv_text(c, i, column), value) == 0) return i;
  }
  fail_msg("no row of %s with %s %s", arm, column, value);
  return 0;
}

/* Whether two arms have the same scores on a task, to the last digit. */
static bool same_scores(const csv *arms, const char *task, const char *a, const char *b) {
  size_t i = row_of(arms, a, "task_name", task);
  size_t k = row_of(arms, b, "task_name", task);
  return strcmp(csv_text(arms, i, "MASE"), csv_text(arms, k, "MASE")) == 0 &&
         strcmp(csv_text(arms, i, "WQL"), csv_text(arms, k, "WQL")) == 0;
}

/* The null future is the future where nothing of it is known, and then at radius inf all of dense attention. */
static void check_null(const csv *arms) {
  assert_true(same_scores(arms, "plain", "null_r2", "visible_r2"));
  assert_true(same_scores(arms, "plain", "null_rinf", "full"));
  assert_false(same_scores(arms, "plain", "null_r2", "full"));
  assert_false(same_scores(arms, "known", "null_r2", "visible_r2"));
  assert_false(same_scores(arms, "known", "null_rinf", "full"));
  assert_false(same_scores(arms, "known", "null_rinf", "global_rinf"));
  assert_string_equal(csv_text(arms, row_of(arms, "null_r2", "task_name", "plain"), "attention"),
                      "windowed_future_null");
}

static void check_ablation(const csv *arms) {
  size_t others = row_of(arms, "ablated_others", "task_name", "plain");
  size_t blind = row_of(arms, "ablated", "task_name", "plain");
  assert_int_equal(arms->rows, 2 * (1 + 2 + 2 + 2 + 2 + ALL)); /* full, global, visible, null, ablated, each head */
  assert_string_equal(csv_text(arms, blind, "blind_heads"), "0:3");
  assert_string_equal(csv_text(arms, blind, "attention"), "full");
  assert_string_equal(csv_text(arms, blind, "radius"), "");
  const char *list = csv_text(arms, others, "blind_heads");
  assert_int_equal(program_count(list, ":"), ALL - 1);
  assert_null(strstr(list, "0:3"));
  for (size_t t = 0; t < 2; t++) {
    const char *task = t ? "known" : "plain";
    assert_true(same_scores(arms, task, "ablated", "blind_0:3"));
    assert_false(same_scores(arms, task, "ablated", "full"));
    assert_false(same_scores(arms, task, "ablated", "ablated_others"));
    assert_false(same_scores(arms, task, "blind_2:1", "full"));
    assert_true(same_scores(arms, task, "blind_3:0", "full")); /* nothing reads the last layer's context */
  }
}

/* A head's shares are the means of its tasks'. */
static void check_sinks(const char *prefix) {
  static const char *const shares[] = {"future_mass", "reg_mass", "first_mass"};
  csv sinks = csv_open(prefix, "sinks");
  csv heads = csv_open(prefix, "mass_by_head");
  assert_int_equal(sinks.rows, ALL);
  assert_int_equal(heads.rows, 2 * ALL);
  for (size_t i = 0; i < ALL; i++) {
    assert_true(csv_number(&sinks, i, "layer") == (double)(i / HEADS) && csv_number(&sinks, i, "head") == i % HEADS);
    for (size_t k = 0; k < 3; k++) {
      double mean = (csv_number(&heads, i, shares[k]) + csv_number(&heads, ALL + i, shares[k])) / 2;
      assert_true(fabs(csv_number(&sinks, i, shares[k]) - mean) < 1e-12);
    }
  }
  for (size_t i = 0; i < ALL; i++) { /* the bundled checkpoint's sink */
    assert_true(i == 3 || csv_number(&sinks, 3, "future_mass") > 2 * csv_number(&sinks, i, "future_mass"));
  }
  csv_close(&sinks);
  csv_close(&heads);
}

/* Ranks fall with the loss, and the numbers are those of each head's own arm. */
static void check_ranks(const char *prefix, const char *lead) {
  char change[40];
  char holm[40];
  (void)snprintf(change, sizeof change, "%s_change_percent", lead);
  (void)snprintf(holm, sizeof holm, "%s_p_holm", lead);
  csv found = csv_open(prefix, "find_sinks");
  csv equivalence = csv_open(prefix, "equivalence");
  bool seen[ALL] = {false};
  assert_int_equal(found.rows, ALL);
  for (size_t i = 0; i < ALL; i++) {
    char arm[C2_ARM_ROOM];
    (void)snprintf(arm, sizeof arm, "blind_%.0f:%.0f", csv_number(&found, i, "layer"),
                   csv_number(&found, i, "head"));
    size_t leading = row_of(&equivalence, arm, "metric", lead);
    size_t mase = row_of(&equivalence, arm, "metric", "MASE");
    size_t wql = row_of(&equivalence, arm, "metric", "WQL");
    assert_true(csv_number(&found, i, "rank") == (double)(i + 1));
    assert_string_equal(csv_text(&found, i, "MASE_change_percent"), csv_text(&equivalence, mase, "change_percent"));
    assert_string_equal(csv_text(&found, i, "WQL_high_95_percent"), csv_text(&equivalence, wql, "high_95_percent"));
    assert_string_equal(csv_text(&found, i, "MASE_p_holm"), csv_text(&equivalence, mase, "p_difference_holm"));
    assert_string_equal(csv_text(&found, i, change), csv_text(&equivalence, leading, "change_percent"));
    assert_string_equal(csv_text(&found, i, holm), csv_text(&equivalence, leading, "p_difference_holm"));
    assert_string_equal(csv_text(&found, i, "n_tasks"), csv_text(&equivalence, leading, "n"));
    size_t head = (size_t)csv_number(&found, i, "layer") * HEADS + (size_t)csv_number(&found, i, "head");
    assert_false(seen[head]);
    seen[head] = true;
    if (i == 0) continue;
    assert_true(csv_number(&found, i - 1, change) >= csv_number(&found, i, change));
  }
  csv_close(&found);
  csv_close(&equivalence);
}

static void test_study(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  write_tasks(folder);
  program_result r = STUDY(folder, prefix, "--ablate", "0:3", "--find-sinks");
  succeed(&r);
  assert_non_null(strstr(r.out, "context's attention on"));
  assert_non_null(strstr(r.out, "layer 0, head 3"));
  csv found = csv_open(prefix, "find_sinks");
  char range[128];
  (void)snprintf(range, sizeof range, "15 further heads change it by %+.3g%% to %+.3g%%\n",
                 csv_number(&found, 19, "MASE_change_percent"), csv_number(&found, 5, "MASE_change_percent"));
  if (!strstr(r.out, range)) fail_msg("no '%s' in %s", range, r.out);
  csv_close(&found);
  assert_non_null(strstr(r.out, "\nablated_others "));
  assert_null(strstr(r.out, "\nblind_0:3 ")); /* ranked in a table of their own */
  program_free(&r);
  csv arms = csv_open(prefix, "arms");
  check_null(&arms);
  check_ablation(&arms);
  csv_close(&arms);
  check_sinks(prefix);
  check_ranks(prefix, "MASE");
  free(prefix);
  program_remove_folder(folder);
}

/* A third task, whose past repeats itself: MASE has no unit there. */
static void add_repeating_task(const char *folder) {
  char *path = program_path(folder, "tasks.yaml");
  FILE *out = fopen(path, "a");
  assert_non_null(out);
  (void)fputs("- {dataset_path: repeating.csv, horizon: 20, seasonality: 7, quantile_levels: [0.1, 0.9]}\n", out);
  assert_int_equal(fclose(out), 0);
  free(path);
  path = program_path(folder, "repeating.csv");
  out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target\n", out);
  for (int t = 0; t < 150; t++) (void)fprintf(out, "a,%d-01-01,%d\n", 1800 + t, t % 7 + (t < 130 ? 0 : t % 2));
  assert_int_equal(fclose(out), 0);
  free(path);
}

/* The file holds the metric that it ranks by, and the number of its tasks. */
static void test_other_metric(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  write_tasks(folder);
  add_repeating_task(folder);
  program_result r = STUDY(folder, prefix, "--find-sinks", "--arms", "none", "--metrics", "RMSE");
  succeed(&r);
  program_free(&r);
  check_ranks(prefix, "RMSE");
  csv found = csv_open(prefix, "find_sinks");
  assert_true(csv_number(&found, 0, "n_tasks") == 3);
  csv_close(&found);
  free(prefix);
  program_remove_folder(folder);
}

/* The last layer's heads change nothing: a difference that is always 0 has no p. */
static void test_no_difference(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  write_tasks(folder);
  program_result r = STUDY(folder, prefix, "--find-sinks", "--arms", "none", "-m",
                           SOURCE_DIR "/tests/golden/model-smooth/weights");
  succeed(&r);
  for (int head = 0; head < 2; head++) {
    char line[128];
    (void)snprintf(line, sizeof line, "layer 1, head %d %20s +0%% [       +0%%,        +0%%]          -\n", head, "");
    if (!strstr(r.out, line)) fail_msg("no '%s' in %s", line, r.out);
  }
  assert_null(strstr(r.out, "nan"));
  program_free(&r);
  free(prefix);
  program_remove_folder(folder);
}

/* All heads blind is windowed_future_global without a limit; there are no others then. */
static void test_all_heads(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  char list[8 * ALL] = "";
  for (size_t i = 0; i < ALL; i++) {
    (void)snprintf(list + strlen(list), sizeof list - strlen(list), "%s%zu:%zu", i ? "," : "", i / HEADS, i % HEADS);
  }
  write_tasks(folder);
  program_result r = STUDY(folder, prefix, "--ablate", list, "--arms", "blind");
  succeed(&r);
  program_free(&r);
  csv arms = csv_open(prefix, "arms");
  assert_int_equal(arms.rows, 2 * 4);
  assert_true(same_scores(&arms, "plain", "ablated", "global_rinf"));
  assert_true(same_scores(&arms, "known", "ablated", "global_rinf"));
  csv_close(&arms);
  free(prefix);
  program_remove_folder(folder);
}

/* `probe` finds them too, and ranks nothing. */
static void test_probe(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  write_tasks(folder);
  program_result r = PROGRAM_RUN("probe", "--tasks", folder, "--radii", "2", "--threads", "1", "--out-prefix", prefix);
  succeed(&r);
  assert_non_null(strstr(r.out, "layer 0, head 3"));
  assert_null(strstr(r.out, "blind alone"));
  program_free(&r);
  check_sinks(prefix);
  free(prefix);
  program_remove_folder(folder);
}

static void test_refusals(void **state) {
  (void)state;
  static const struct {
    const char *value, *part;
    int status;
  } bad[] = {{"0", "--ablate: expected LAYER:HEAD,LAYER:HEAD,..., found '0'", 2},
             {"0:3,x:1", "found 'x:1'", 2},
             {"0:-1", "found '0:-1'", 2},
             {"0:3:1", "found '0:3:1'", 2},
             {"0:3,1:2,0:3", "--ablate: head '0:3' is there twice", 2},
             {"0:5", "--ablate: expected a layer below 4 and a head below 5, found 0:5", 2},
             {"4:0", "found 4:0", 2}};
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  write_tasks(folder);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    program_result r = STUDY(folder, prefix, "--ablate", bad[i].value);
    program_assert_error(&r, bad[i].status, bad[i].part);
  }
  program_result r = PROGRAM_RUN("study", "--from-csv", folder, "--find-sinks");
  program_assert_error(&r, 2, "--find-sinks: --from-csv runs no model");
  free(prefix);
  program_remove_folder(folder);
}

/* Two series of unlike length: the shorter one is padded, where its covariates allow. */
static void test_padding(void **state) {
  (void)state;
  static const char tasks[] =
      "tasks:\n- {dataset_path: d.csv, dataset_config: number, horizon: 8, known_dynamic_columns: [x]}\n"
      "- {dataset_path: d.csv, dataset_config: text, horizon: 8, known_dynamic_columns: [kind]}\n";
  static const char *const padded[] = {"--backend", "reference", "--include-padded-queries"};
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  char *path = program_path(folder, "d.csv");
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target,x,kind\n", out);
  for (int t = 0; t < 140; t++) {
    (void)fprintf(out, "%s,%04d-01-01,%d.%d,%d,%s\n", t < 90 ? "a" : "b", 1800 + t % 90, t * 7 % 13, t % 10, t % 5,
                  t % 3 ? "p" : "q");
  }
  assert_int_equal(fclose(out), 0);
  free(path);
  path = program_path(folder, "tasks.yaml");
  program_write_file(path, tasks, strlen(tasks));
  program_result r = PROGRAM_RUN("probe", "--tasks", folder, "--out-prefix", prefix, "--radii", "1", "--exclude-regex",
                                 "text", padded[0], padded[1], padded[2]);
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  csv mass = csv_open(prefix, "mass_per_window");
  /* 82 steps are 6 patches, 42 are 3: both series have 6 + REG queries, each with its row of covariates. */
  assert_true(csv_number(&mass, 0, "probe_weight_sum") == 2 * 2 * 7);
  double kept = csv_number(&mass, 0, "kept_mass_frac_ctxQ");
  assert_true(kept > 0 && kept < 1);
  csv_close(&mass);
  r = PROGRAM_RUN("probe", "--tasks", folder, "--out-prefix", prefix, "--radii", "1");
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  r = PROGRAM_RUN("probe", "--tasks", folder, "--out-prefix", prefix, "--radii", "1", padded[0], padded[1], padded[2]);
  assert_int_equal(r.status, 1);
  assert_int_equal(program_count(r.err, "chronos2: error: --include-padded-queries: expected series of one length"), 1);
  program_free(&r);
  free(path);
  free(prefix);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_padding), cmocka_unit_test(test_shares),
                                     cmocka_unit_test(test_study),   cmocka_unit_test(test_other_metric),
                                     cmocka_unit_test(test_no_difference),
                                     cmocka_unit_test(test_all_heads), cmocka_unit_test(test_probe),
                                     cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
