/* `chronos2 study --from-csv`: summaries of per-task files against pandas' and SciPy's (tests/study/from_csv, written
 * by make_fixtures.py) and against the published study's, what it says of them, and bad files. */
#include "program.h"

#include <math.h>

#include "study/fixture.h"
#include "study/files/schema.h"

#define SMALL SOURCE_DIR "/tests/study/from_csv"
#define PUBLISHED SOURCE_DIR "/../shared/reference/seed-results"

/* Writes the file of the small study as `name`, with the first `from` in it become `to`. */
static void copy_changed(const char *folder, const char *file, const char *name, const char *from, const char *to) {
  char *source = program_path(SMALL, file);
  char *target = program_path(folder, name);
  char *text = program_read_file(source);
  assert_non_null(text);
  char *at = from ? strstr(text, from) : NULL;
  if (from && !at) fail_msg("%s has no '%s'", file, from);
  char *changed = calloc(1, strlen(text) + (to ? strlen(to) : 0) + 1);
  assert_non_null(changed);
  if (at) {
    memcpy(changed, text, (size_t)(at - text));
    strcat(strcat(changed, to), at + strlen(from));
  } else {
    strcpy(changed, text);
  }
  program_write_file(target, changed, strlen(changed));
  free(changed);
  free(text);
  free(source);
  free(target);
}

/* ---- Against what others computed ------------------------------------------------------------ */

static c2_sheet open_sheet(const char *prefix, c2_study_table table, double radius) {
  c2_sheet sheet;
  c2_error err = {.code = C2_OK};
  char path[C2_PATH_ROOM];
  c2_study_table_path(prefix, table, radius, path);
  if (c2_sheet_open(&sheet, path, &err) != C2_OK) fail_msg("%s", err.text);
  return sheet;
}

/* Every published column of a table, cell by cell. */
static void check_table(const char *here, const char *there, c2_study_table table, double radius, const char *but) {
  c2_sheet ours = open_sheet(here, table, radius);
  c2_sheet theirs = open_sheet(there, table, radius);
  size_t published = c2_schemas[table].published;
  assert_int_equal(ours.rows, theirs.rows);
  assert_int_equal(theirs.csv.columns, published);
  for (size_t k = 0; k < published; k++) {
    assert_string_equal(ours.csv.header[k], theirs.csv.header[k]);
    if (but && strcmp(ours.csv.header[k], but) == 0) continue;
    for (size_t i = 0; i < ours.rows; i++) {
      const char *a = c2_sheet_text(&ours, i, k);
      const char *b = c2_sheet_text(&theirs, i, k);
      if (strcmp(a, b) == 0) continue;
      if (!fixture_near(strtod(a, NULL), strtod(b, NULL), 1e-12)) fail_msg("%s: %s, not %s", ours.csv.header[k], a, b);
    }
  }
  c2_sheet_close(&ours);
  c2_sheet_close(&theirs);
}

static void check_tables(const char *here, const char *there, const double *radii, size_t count, const char *but) {
  for (size_t i = 0; i < count; i++) {
    check_table(here, there, C2_TABLE_TTEST, radii[i], NULL);
    check_table(here, there, C2_TABLE_COMPARE, radii[i], NULL);
  }
  check_table(here, there, C2_TABLE_COMPARE_ALL, 0, NULL);
  check_table(here, there, C2_TABLE_SWEEP, 0, NULL);
  check_table(here, there, C2_TABLE_SUMMARY, 0, but);
}

static void expect(const program_result *r, const char *part) {
  if (!strstr(r->out, part)) fail_msg("not on stdout: %s\n%s", part, r->out);
}

static void warns(const program_result *r, const char *part) {
  if (program_count(r->err, part) != 1) fail_msg("not once on stderr: %s\n%s", part, r->err);
  if (strstr(r->out, part)) fail_msg("also on stdout: %s", part);
}

static void fails(const char *folder, int status, const char *part) {
  char *prefix = program_path(folder, "out");
  program_result r = PROGRAM_RUN("study", "--from-csv", folder, "--out-prefix", prefix);
  program_assert_error(&r, status, part);
  free(prefix);
}

static void test_small(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  program_result r = PROGRAM_RUN("study", "--from-csv", SMALL, "--out-prefix", prefix, "--margin", "2");
  if (r.status != 0) fail_msg("%s", r.err);
  check_tables(prefix, SMALL "/small", (const double[]){2, 8}, 2, NULL);
  expect(&r, "reproduced: 7 of 7 summary files of ");
  expect(&r, "equivalent within 2% (p = ");
  expect(&r, "attention: radius 8 keeps 56.9% of the mass on 42.1% of the edges (mean of 6 windows)");
  warns(&r, "no MASE of seasonal naive for 6 of 6 tasks");
  assert_null(strstr(r.err, "uniform, as in"));
  assert_null(strstr(r.err, "memory:"));
  assert_null(strstr(r.out, "nan"));
  assert_int_equal(program_count(r.err, "warning: "), 1);
  program_free(&r);
  free(prefix);
  program_remove_folder(folder);
}

/* The largest |delta| is the only cell that isn't reproduced: the published column holds the mean |delta|. */
static void test_published(void **state) {
  (void)state;
  if (access(PUBLISHED, R_OK) != 0) {
    print_message("SKIPPED: the published study: %s is not there\n", PUBLISHED);
    skip();
  }
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  program_result r = PROGRAM_RUN("study", "--from-csv", PUBLISHED, "--out-prefix", prefix);
  if (r.status != 0) fail_msg("%s", r.err);
  check_tables(prefix, PUBLISHED "/cbii_ctxQ4", (const double[]){8, 16, 32, 64, 128}, 5, "max_abs_delta_metric");
  check_table(prefix, PUBLISHED "/cbii_ctxQ4", C2_TABLE_MASS_SUMMARY, 0, NULL);
  expect(&r, "reproduced: 13 of 14 summary files of ");
  warns(&r,
         "column 'max_abs_delta_metric', line 2: 0.0018297994116566363 there, 0.019589589587994283 here: there, it "
         "is the mean of |delta|");
  warns(&r, "kept mass lies within 0.005 of kept edges, or of what uniform attention keeps, on 18 of 27 tasks: ");
  warns(&r, "kept mass is kept edges times one factor, whatever the radius, on 9 tasks");
  warns(&r, "MASE is worse than seasonal naive's on 24 of 27 tasks, there by a factor of 2.09");
  warns(&r, "by +227.7 to +231.4 MB on every task at every radius, from 3 tokens to 516");
  warns(&r, "t-test: p from 0.11 to 0.89 means that 27 tasks do not show a difference, not that there is none");
  expect(&r, "equivalent within 1% (p = 4.5e-38); the data support no margin below 0.0262%");
  warns(&r, "of 27 tasks take seasonal naive's scores from those published for a task of the same name and horizon");
  assert_int_equal(program_count(r.err, "warning: "), 8);
  program_free(&r);
  free(prefix);
  program_remove_folder(folder);
}

static void expect_recorded(const char *prefix, const char *part) {
  char path[512];
  (void)snprintf(path, sizeof path, "%s__run.json", prefix);
  char *text = program_read_file(path);
  if (!strstr(text, part)) fail_msg("not recorded: %s\n%s", part, text);
  free(text);
}

/* Without radius 8 the verdict is of the smallest, and the record says so. */
static void test_smallest_radius(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  copy_changed(folder, "small__perf_compare_r2.csv", "x__perf_compare_r2.csv", NULL, NULL);
  program_result r = PROGRAM_RUN("study", "--from-csv", folder, "--out-prefix", prefix);
  if (r.status != 0) fail_msg("%s", r.err);
  expect(&r, "radius 2");
  program_free(&r);
  expect_recorded(prefix, "\"local_radius\": 2");
  free(prefix);
  program_remove_folder(folder);
}

/* perf_compare_r*.csv alone give the same tests. */
static void test_compare_alone(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  copy_changed(folder, "small__perf_compare_r2.csv", "x__perf_compare_r2.csv", NULL, NULL);
  copy_changed(folder, "small__perf_compare_r8.csv", "x__perf_compare_r8.csv", NULL, NULL);
  program_result r = PROGRAM_RUN("study", "--from-csv", folder, "--out-prefix", prefix);
  if (r.status != 0) fail_msg("%s", r.err);
  assert_null(strstr(r.out, "nan"));
  assert_null(strstr(r.out, "reproduced"));
  program_free(&r);
  expect_recorded(prefix, "\"local_radius\": 8");
  c2_sheet ours = open_sheet(prefix, C2_TABLE_TTEST, 8);
  c2_sheet theirs = open_sheet(SMALL "/small", C2_TABLE_TTEST, 8);
  const char *columns[] = {"n", "mean_delta", "sd_delta", "t", "p", "mean_speedup", "mean_delta_peak_alloc_mb"};
  for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
    double a = 0;
    double b = 0;
    assert_int_equal(c2_sheet_number(&ours, 0, columns[i], &a, NULL), C2_OK);
    assert_int_equal(c2_sheet_number(&theirs, 0, columns[i], &b, NULL), C2_OK);
    assert_true(fixture_near(a, b, 1e-12));
  }
  c2_sheet_close(&ours);
  c2_sheet_close(&theirs);
  free(prefix);
  program_remove_folder(folder);
}

/* A task without a MASE has none in each file; they agree. */
static void test_compare_missing(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  copy_changed(folder, "small__perf_compare_r2.csv", "x__perf_compare_r2.csv", "task_a,2,2.890004,", "task_a,2,,");
  copy_changed(folder, "small__perf_compare_r8.csv", "x__perf_compare_r8.csv", "task_a,8,2.890004,", "task_a,8,,");
  program_result r = PROGRAM_RUN("study", "--from-csv", folder, "--out-prefix", prefix);
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  c2_sheet sheet = open_sheet(prefix, C2_TABLE_TTEST, 2);
  double n = 0;
  assert_int_equal(c2_sheet_number(&sheet, 0, "n", &n, NULL), C2_OK);
  assert_true(n == 5);
  c2_sheet_close(&sheet);
  free(prefix);
  program_remove_folder(folder);
  folder = program_make_folder();
  copy_changed(folder, "small__perf_compare_r2.csv", "x__perf_compare_r2.csv", "task_a,2,2.890004,", "task_a,2,,");
  copy_changed(folder, "small__perf_compare_r8.csv", "x__perf_compare_r8.csv", NULL, NULL);
  fails(folder, 1, "task 'task_a': MASE of full attention is 2.8900039999999998 here, nan elsewhere");
  program_remove_folder(folder);
}

/* A study of ours, read again, gives its own summaries and its own baseline. */
static void test_own(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *other = program_make_folder();
  char *prefix = program_path(folder, "p");
  char *again = program_path(other, "p");
  program_result r =
      PROGRAM_RUN("study", "--tasks", SOURCE_DIR "/datasets", "--exclude-regex", "hourly|daily|halfhourly|monthly",
                  "--radii", "1,4,inf", "--perf-radii", "4,inf", "--perf-repeats", "1", "--out-prefix", prefix);
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  r = PROGRAM_RUN("study", "--from-csv", folder, "--out-prefix", again);
  if (r.status != 0) fail_msg("%s", r.err);
  expect(&r, "reproduced: 8 of 8 summary files of ");
  assert_null(strstr(r.err, "no MASE of seasonal naive"));
  assert_null(strstr(r.err, "a fixed buffer")); /* differences below a megabyte are none */
  program_free(&r);
  c2_sheet ours = open_sheet(prefix, C2_TABLE_EQUIVALENCE, 0);
  c2_sheet theirs = open_sheet(again, C2_TABLE_EQUIVALENCE, 0);
  assert_true(theirs.rows == 4 && ours.rows > 4); /* the arms of the perf files alone */
  for (size_t k = 0; k < theirs.csv.columns; k++) {
    if (strstr(theirs.csv.header[k], "series")) continue;
    for (size_t i = 0; i < 4; i++) {
      assert_string_equal(c2_sheet_text(&ours, i, k), c2_sheet_text(&theirs, i, k));
    }
  }
  c2_sheet_close(&ours);
  c2_sheet_close(&theirs);
  ours = open_sheet(prefix, C2_TABLE_MASS_SUMMARY, 0); /* all columns, those beyond the published ones too */
  theirs = open_sheet(again, C2_TABLE_MASS_SUMMARY, 0);
  for (size_t k = 0; k < ours.csv.columns; k++) {
    for (size_t i = 0; i < ours.rows; i++) {
      assert_string_equal(c2_sheet_text(&ours, i, k), c2_sheet_text(&theirs, i, k));
    }
  }
  c2_sheet_close(&ours);
  c2_sheet_close(&theirs);
  free(prefix);
  free(again);
  program_remove_folder(folder);
  program_remove_folder(other);
}

/* Two tasks, the second of which has a time and operations. Beyond the published columns there are operations and
 * metrics. */
static void write_partial_study(const char *folder, const char *time) {
  static const char *const names[] = {"x__perf_full.csv", "x__perf_sparse_r8.csv", "x__mass_per_window.csv"};
  char text[3][1024];
  for (int k = 0; k < 2; k++) {
    (void)snprintf(text[k], sizeof text[k],
                   "model_name,horizon,num_windows,eval_metric,extra_metrics,task_name,MASE,RMSE,"
                   "inference_time_s_median,peak_alloc_mb_median,peak_reserved_mb_median,flops_head\n"
                   "m,24,1,MASE,[],ETTh,1,2,,,,\n"
                   "m,24,1,MASE,\"['WQL', 'RMSE', 'LB']\",b,1.%d,2.%d,%s,1,1,%d\n",
                   k + 1, k + 1, *time ? (k ? "0.02" : "0.01") : "", k ? 100 : 200);
  }
  (void)snprintf(text[2], sizeof text[2],
                 "task_name,window_index,radius,kept_mass_frac_ctxQ,kept_edges_frac_ctxQ,S_tokens,ctx_tokens,"
                 "q_sel_ctx_queries,probe_weight_sum,relative_entropy_ctxQ\n"
                 "ETTh,0,8,0.014,0.01,90,80,80,80,\nb,0,8,0.5,0.5,90,80,80,80,0.5\n");
  for (size_t i = 0; i < 3; i++) {
    char *path = program_path(folder, names[i]);
    program_write_file(path, text[i], strlen(text[i]));
    free(path);
  }
}

/* What is missing of some tasks is left out, and said. */
static void test_partial_study(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *out = program_make_folder();
  char *prefix = program_path(out, "p");
  char *page = program_path(out, "p__report.html");
  write_partial_study(folder, "0.01");
  program_result r = PROGRAM_RUN("study", "--from-csv", folder, "--out-prefix", prefix);
  if (r.status != 0) fail_msg("%s", r.err);
  warns(&r, "radius 8: of 2 tasks, 1 with times and 1 with memory: means and medians are of these");
  warns(&r, "1 of 2 tasks take seasonal naive's scores from those published for a task of the same name and horizon: "
            "that the data are the same is not known");
  warns(&r, "task 'b' names a metric 'LB', which is not known: it is left out");
  assert_null(strstr(r.err, "attention is uniform"));
  expect(&r, "speed: radius 8 runs at 0.500x the speed of full attention (median of tasks; mean 0.500x); its intervals "
             "are not known; the bound by operations is 2.000x; memory +0.00 MB\n");
  expect(&r, "      RMSE ");
  assert_null(strstr(r.out, "nan"));
  program_free(&r);
  char *text = program_read_file(page);
  assert_non_null(strstr(text, "It took 200% of the time of full attention (median of tasks; its intervals are not "
                               "known); the saved arithmetic alone would leave 50% of the time, so the times hold "
                               "more than arithmetic."));
  free(text);
  write_partial_study(folder, "");
  r = PROGRAM_RUN("study", "--from-csv", folder, "--out-prefix", prefix);
  expect(&r, "speed: these files have no times; the bound by operations is 2.000x; memory +0.00 MB\n");
  program_free(&r);
  text = program_read_file(page);
  assert_non_null(strstr(text, "How long it took, the files do not say; the saved arithmetic alone would leave 50% of "
                               "the time."));
  assert_null(strstr(text, "nan"));
  free(text);
  free(page);
  free(prefix);
  program_remove_folder(folder);
  program_remove_folder(out);
}

/* Ten tasks. At radii 8 and 16 their MASE is 1 + `delta`, but for one task at each, where it is 1 + `most` and that of
 * the next radius 1 + 2 `most`. */
static void write_ten(const char *folder, double delta, double most) {
  static const char *const names[] = {"x__perf_full.csv", "x__perf_sparse_r8.csv", "x__perf_sparse_r16.csv"};
  for (int k = 0; k < 3; k++) {
    char text[1024] = "task_name,MASE,inference_time_s_median,peak_alloc_mb_median,peak_reserved_mb_median\n";
    for (int i = 0; i < 10; i++) {
      double score = 1 + (k == 0 ? 0 : i == k - 1 ? k * most : delta);
      (void)snprintf(text + strlen(text), sizeof text - strlen(text), "t%d,%g,1,1,1\n", i, score);
    }
    char *path = program_path(folder, names[k]);
    program_write_file(path, text, strlen(text));
    free(path);
  }
}

/* What weighs most may be another task at each radius. */
static void test_shares(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *out = program_make_folder();
  char *prefix = program_path(out, "p");
  write_ten(folder, 0.1, 0.5);
  program_result r = PROGRAM_RUN("study", "--from-csv", folder, "--out-prefix", prefix);
  if (r.status != 0) fail_msg("%s", r.err);
  warns(&r, "at each radius one task of 10 makes 74% to 92% of the squared differences, at most 't1' (MASE 1) at "
            "radius 16: raw MASE differences weigh tasks by their scale");
  program_free(&r);
  free(prefix);
  program_remove_folder(folder);
  program_remove_folder(out);
}

/* The page's first sentence says all that both tests show. */
static void test_outcome(void **state) {
  (void)state;
  static const struct {
    double delta, most;
    const char *margin, *said;
  } cases[] = {{0.1, 0.1, "1", "At radius 8 a loss is shown (margin 1%, 10 tasks): the error changes by +10%, "},
               {0.1, 0.12, "20", "At radius 8 a loss is shown, within the margin (margin 20%, 10 tasks): "},
               {-0.1, -0.11, "20", "At radius 8 a gain is shown, within the margin (margin 20%, 10 tasks): "},
               {0, 0, "1", "At radius 8 equality within the margin is shown (margin 1%, 10 tasks): "},
               {0, 0.5, "1", "At radius 8 neither a loss nor equality is shown (margin 1%, 10 tasks): "}};
  char *folder = program_make_folder();
  char *out = program_make_folder();
  char *prefix = program_path(out, "p");
  char *page = program_path(out, "p__report.html");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    write_ten(folder, cases[i].delta, cases[i].most);
    program_result r = PROGRAM_RUN("study", "--from-csv", folder, "--out-prefix", prefix, "--margin", cases[i].margin);
    if (r.status != 0) fail_msg("%s", r.err);
    char *text = program_read_file(page);
    if (!strstr(text, cases[i].said)) fail_msg("not on the page: %s", cases[i].said);
    free(text);
    if (strstr(r.out, "nan")) fail_msg("no number: %s", r.out);
    if (cases[i].most == 0) { /* differences that are all 0 have no p */
      expect(&r, "accuracy: MASE 1.0000 full, 1.0000 radius 8: +0.0000, 95% CI [+0.0000, +0.0000], p = - (mean of");
      expect(&r, "equivalent within 1% (p = 0); the data support no margin below 0%; a difference is not shown (p = "
                 "-)");
      expect(&r, "[  +0.0000,  +0.0000]         - ");
    }
    program_free(&r);
  }
  free(page);
  free(prefix);
  program_remove_folder(folder);
  program_remove_folder(out);
}

/* ---- Bad files ------------------------------------------------------------------------------- */

static void test_bad_files(void **state) {
  (void)state;
  static const char full[] = "small__perf_full.csv";
  static const char sparse[] = "small__perf_sparse_r8.csv";
  static const char mass[] = "small__mass_per_window.csv";
  const struct {
    const char *file, *from, *to, *part;
  } cases[] = {{full, ",MASE,", ",MAPE,", "small__perf_full.csv: expected a column 'MASE', found model_name"},
               {full, "task_b", "task_a", "small__perf_full.csv:3: task 'task_a' is there already, on line 2"},
               {full, ",24,1,7,", ",24,1,", "small__perf_full.csv:2: expected 11 fields"},
               {full, "task_c,24", "task_c,x", "perf_full.csv:4: column 'horizon': expected a number, found 'x'"},
               {full, "task_c,24", "task_c,1.5", "small__perf_full.csv:4: column 'horizon': expected a whole number"},
               {full, "task_f", "task_g", "task 'task_f' is not among those of full attention"},
               {sparse, "task_c", "task_z", "task 'task_z' is not among those of full attention"},
               {sparse, "task_c", "task_d", "task 'task_d' is there twice"},
               {sparse, "inference_time_s_median", "time", "expected a column 'inference_time_s_median'"},
               {sparse, "task_c,24,1,7,", "task_c,24,1,7,abc", "column 'MASE': expected a number, found 'abc"},
               {full, ",1.019205,", ",-1,", "perf_full.csv:3: column 'MASE': expected a finite number >= 0, found -1"},
               {full, ",1.019205,", ",inf,", "perf_full.csv:3: column 'MASE': expected a finite number >= 0, found i"},
               {full, ",0.145601,", ",-2,", "perf_full.csv:3: column 'WQL': expected a number >= 0, found -2"},
               {full, ",0.02,", ",-0.02,", ":3: column 'inference_time_s_median': expected a finite number > 0"},
               {full, ",0.02,", ",0,", ":3: column 'inference_time_s_median': expected a finite number > 0, found 0"},
               {full, ",40.0,", ",-1,", ":3: column 'peak_alloc_mb_median': expected a finite number >= 0, found -1"},
               {full, "task_b", "\"task\x1b[31m\"", "small__perf_full.csv:3"},
               {mass, ",kept_mass_frac_ctxQ", ",kept_mass", "expected a column 'kept_mass_frac_ctxQ'"},
               {mass, "task_a,0,192,24,1", "task_a,0,192,24,2", "task 'task_a': expected each of 3 radii once"},
               {mass, "task_a,0,192,24,1", "task_a,0,192,24,1.5",
                "expected a whole number of at most 1e9, or inf, found 1.5"},
               {mass, "task_a", "task_q", "small__mass_per_window.csv:2: task 'task_q' is not among those of full"}};
  const char *files[] = {full, sparse, mass};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *folder = program_make_folder();
    for (size_t k = 0; k < 3; k++) {
      bool changed = cases[i].file == files[k];
      copy_changed(folder, files[k], files[k], changed ? cases[i].from : NULL, changed ? cases[i].to : NULL);
    }
    fails(folder, 1, cases[i].part);
    program_remove_folder(folder);
  }
}

/* The verdict speaks of a radius that the files have. */
static void test_radius(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "p");
  program_result r = PROGRAM_RUN("study", "--from-csv", SMALL, "--out-prefix", prefix, "--local-radius", "2");
  if (r.status != 0) fail_msg("%s", r.err);
  expect(&r, "speed: radius 2 runs at");
  program_free(&r);
  r = PROGRAM_RUN("study", "--from-csv", SMALL, "--out-prefix", prefix, "--local-radius", "4");
  program_assert_error(&r, 2, "--local-radius: expected one of the radii that the files compare, 2,8, found 4");
  free(prefix);
  program_remove_folder(folder);
}

static void test_bad_folders(void **state) {
  (void)state;
  char *folder = program_make_folder();
  fails(folder, 1, "expected files P__perf_full.csv and P__perf_sparse_r*.csv");
  copy_changed(folder, "small__perf_full.csv", "a__perf_full.csv", NULL, NULL);
  fails(folder, 1, "expected files P__perf_full.csv and P__perf_sparse_r*.csv");
  copy_changed(folder, "small__perf_sparse_r8.csv", "b__perf_sparse_r8.csv", NULL, NULL);
  fails(folder, 1, "expected the files of one study, found those of ");
  program_remove_folder(folder);
  folder = program_make_folder();
  copy_changed(folder, "small__perf_sparse_r8.csv", "a__perf_sparse_r8.csv", NULL, NULL);
  fails(folder, 1, "a__perf_full.csv: expected this file");
  copy_changed(folder, "small__perf_full.csv", "a__perf_full.csv", NULL, NULL);
  char *prefix = program_path(folder, "a");
  program_result r = PROGRAM_RUN("study", "--from-csv", folder, "--out-prefix", prefix);
  program_assert_error(&r, 2, "would overwrite the files that are read");
  free(prefix);
  copy_changed(folder, "small__perf_compare_r2.csv", "a__perf_compare_r2.csv", "task_a,2,", "task_a,2,1");
  fails(folder, 1, "task 'task_a': MASE of full attention is ");
  program_remove_folder(folder);
  r = PROGRAM_RUN("study", "--from-csv", "/nonexistent");
  program_assert_error(&r, 1, "/nonexistent: cannot read the folder");
  r = PROGRAM_RUN("study", "--from-csv", SMALL, "--tasks", SMALL);
  program_assert_error(&r, 2, "--from-csv runs no model");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_small),         cmocka_unit_test(test_published),
                                     cmocka_unit_test(test_smallest_radius), cmocka_unit_test(test_compare_alone),
                                     cmocka_unit_test(test_compare_missing), cmocka_unit_test(test_own),
                                     cmocka_unit_test(test_partial_study), cmocka_unit_test(test_shares),
                                     cmocka_unit_test(test_outcome),       cmocka_unit_test(test_bad_files),
                                     cmocka_unit_test(test_radius),        cmocka_unit_test(test_bad_folders)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
