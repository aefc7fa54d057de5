/* No option is accepted and ignored: the table below holds every option of every command, and what it must do. A new
 * option without a row fails the first test. */
#include "program.h"
#include "small.h"

#include <ctype.h>

#define MICRO_R8 SOURCE_DIR "/models/chronos2-micro-r8"
#define ODD SOURCE_DIR "/tests/golden/model-odd"
#define STUDY_COMMANDS "study,probe"
#define READ_COMMANDS "forecast,evaluate,detect"
#define MODEL_COMMANDS "forecast,evaluate,detect,study,probe,bench,predict,forward"

/* What is seen of an option. */
typedef enum effect {
  CHANGES,  /* the command's result is another one than without it */
  APPEARS,  /* the file or folder `seen` is there afterwards, and not empty */
  SAYS,     /* `seen` stands on stdout or stderr, which it does not without it */
  REFUSED,  /* usage error with `seen` */
  BASE,     /* the base arguments need it */
  NO_TRACE, /* changes no result by design: threads, pinning, the only device; accepted values are checked */
} effect;

typedef struct row {
  const char *commands, *option, *value; /* NULL: a flag */
  effect effect;
  const char *seen; /* or the file beside the prefix that changes; NULL: stdout, or the output file */
  const char *also; /* further options that this one needs, as "--name=value" with spaces between, or NULL */
} row;

static const row rows[] = {
    /* All that run a model. */
    {READ_COMMANDS ",study,probe,bench,predict", "model", MICRO_R8, CHANGES, NULL, NULL},
    {"forward", "model", NULL, BASE, NULL, NULL},
    {MODEL_COMMANDS, "adapter", "/dev/null/none", SAYS, "/dev/null/none", NULL},
    {READ_COMMANDS ",study,probe,bench,predict", "offline", NULL, SAYS, "nothing may be downloaded", "--model=no/none"},
    {MODEL_COMMANDS, "offline", NULL, REFUSED, "--offline and --update", "--update"},
    {MODEL_COMMANDS, "update", NULL, SAYS, "is a folder, so no hub is asked", NULL},
    {MODEL_COMMANDS, "cache", "CACHE", APPEARS, "cache", NULL},
    {MODEL_COMMANDS, "cache", "CACHE", REFUSED, "--cache", "--backend=reference"},
    {READ_COMMANDS ",predict,forward", "attention", "windowed_future_global", CHANGES, NULL, NULL},
    {"bench", "attention", "windowed_future_global", SAYS, "\"attention\": \"windowed_future_global\"", NULL},
    {"study,probe", "attention", "full", REFUSED, "unknown option '--attention", NULL},
    {READ_COMMANDS ",predict,forward", "radius", "0", CHANGES, NULL, "--attention=windowed_future_global"},
    {"bench", "radius", "3", SAYS, "\"radius\": 3", "--attention=windowed_future_global"},
    {READ_COMMANDS ",bench,predict,forward", "radius", "3", REFUSED, "--radius: expected a windowed pattern", NULL},
    {"study,probe", "radius", "3", REFUSED, "unknown option '--radius", NULL},
    {READ_COMMANDS ",predict,forward", "reg-global", NULL, CHANGES, NULL,
     "--attention=windowed_future_global --radius=0"},
    {"study,probe", "reg-global", NULL, CHANGES, "mass_per_window.csv", NULL},
    {"bench", "reg-global", NULL, NO_TRACE, NULL, "--attention=windowed_future_global"},
    {READ_COMMANDS ",predict,forward", "dtype", "int8", CHANGES, NULL, NULL},
    {"bench", "dtype", "int8", SAYS, "\"dtype\": \"int8\"", NULL},
    {"study", "dtype", "int8", CHANGES, "equivalence.csv", NULL},
    {"probe", "dtype", "int8", CHANGES, "mass_per_window.csv", NULL},
    {MODEL_COMMANDS, "device", "cpu", NO_TRACE, NULL, NULL},
    {MODEL_COMMANDS, "device", "cuda", SAYS, "libchronos2_cuda.so", NULL},
#ifdef CHRONOS2_NO_THREADS
    {MODEL_COMMANDS, "threads", "3", SAYS, "warning: --threads 3 has no effect", NULL},
#else
    {"study,probe", "threads", "3", SAYS, "3 threads", NULL},
    {"bench", "threads", "3", SAYS, "\"threads\": 3", NULL},
    {READ_COMMANDS ",predict,forward", "threads", "3", NO_TRACE, NULL, NULL},
#endif
    {MODEL_COMMANDS, "threads", "1025", REFUSED, "--threads", NULL},
    {MODEL_COMMANDS, "pin", NULL, NO_TRACE, NULL, NULL},
    {READ_COMMANDS ",predict", "batch-size", "1", NO_TRACE, NULL, NULL},
    {"study", "batch-size", "1", SAYS, "--batch-size and --perf-batch-size", "--perf-batch-size=2"},
    {"study", "batch-size", "3", CHANGES, "run.json", NULL},
    {"probe,forward", "batch-size", "3", REFUSED, "unknown option '--batch-size", NULL},
    {"bench", "batch-size", "3", SAYS, "\"rows\": 3", NULL},
    {READ_COMMANDS ",study,probe,predict,forward", "context-length", "16", CHANGES, "mass_per_window.csv", NULL},
    {"bench", "context-length", "48", SAYS, "\"context_length\": 48", NULL},
    {"study,probe", "isa", "scalar", SAYS, "scalar", NULL},
    {"bench", "isa", "scalar", SAYS, "\"isa\": \"scalar\"", NULL},
    {READ_COMMANDS ",predict,forward", "isa", "avx1024", REFUSED, "--isa: expected one of", NULL},
    {READ_COMMANDS ",predict,forward", "isa", "scalar", NO_TRACE, NULL, NULL},
    {"study,probe", "backend", "reference", SAYS, "reference", NULL},
    {"bench", "backend", "reference", SAYS, "\"backend\": \"reference\"", NULL},
    {READ_COMMANDS ",predict,forward", "backend", "reference", SAYS, "the reference computes in fp32", "--dtype=int8"},

    /* forecast */
    {"forecast", "horizon", NULL, BASE, NULL, NULL},
    {"forecast", "quantile-levels", "0.25", CHANGES, NULL, NULL},
    {"forecast", "quantile-levels", "0.25", REFUSED, "--quantile-levels: --embed", "--embed"},
    {READ_COMMANDS, "id-column", "nothing", SAYS, "nothing", NULL},
    {READ_COMMANDS, "timestamp-column", "nothing", SAYS, "nothing", NULL},
    {READ_COMMANDS, "time-format", "%d.%m.%Y", SAYS, "expected a time stamp as %d.%m.%Y", NULL},
    {READ_COMMANDS, "time-format", "%d.%m", REFUSED, "--time-format: '%d.%m': expected a format with a year", NULL},
    {READ_COMMANDS, "delimiter", ";", SAYS, "expected a column", NULL},
    {READ_COMMANDS, "delimiter", "ab", REFUSED, "--delimiter: expected one sign", NULL},
    {READ_COMMANDS, "decimal", ",", NO_TRACE, NULL, NULL}, /* of whole numbers */
    {READ_COMMANDS, "decimal", ";", REFUSED, "--decimal: expected '.' or ','", NULL},
    {READ_COMMANDS, "wide", NULL, SAYS, "names the series: expected a column for each", NULL},
    {READ_COMMANDS, "wide", NULL, REFUSED, "--wide: each column is a series", "--all-covariates"},
    {READ_COMMANDS, "sql", "SELECT 1", SAYS, "the query: ", NULL},
    {READ_COMMANDS, "db", "/dev/null/none", REFUSED, "--db: expected --sql", NULL},
    {READ_COMMANDS, "db", "/dev/null/none", SAYS, "/dev/null/none: cannot open", "--sql=SELECT"},
    {READ_COMMANDS, "target", "extra", CHANGES, NULL, NULL},
    {READ_COMMANDS, "covariates", "extra", CHANGES, NULL, NULL},
    {READ_COMMANDS, "covariates", "extra", REFUSED, "--covariates: expected one list, with commas between its items, "
     "found one of --past-covariates before", "--past-covariates=other"},
    {READ_COMMANDS, "target", "extra", REFUSED, "found one of --target before", "--target=target"},
    {"forecast", "quantile-levels", "0.1", REFUSED, "found one of --quantile-levels before", "--quantile_levels=0.2"},
    {STUDY_COMMANDS, "radii", "1", REFUSED, "found one of --radii before", "--radii=0"},
    {"study", "arms", "blind", REFUSED, "found one of --arms before", "--arms=null"},
    {"forecast", "digits", "4", SAYS, "warning: --digits 3 is ignored, as --digits 4 follows\n", "--digits=3"},
    {MODEL_COMMANDS, "dtype", "int8", SAYS, "--dtype bf16 is ignored, as --dtype int8 follows\n", "--dtype=bf16"},
    {READ_COMMANDS, "past-covariates", "extra", CHANGES, NULL, NULL},
    {READ_COMMANDS, "all-covariates", NULL, CHANGES, NULL, NULL},
    {"forecast", "digits", "3", CHANGES, NULL, NULL},
    {"forecast", "future", "/dev/null/none", SAYS, "/dev/null/none", "--past-covariates=extra"},
    {"forecast", "scenarios", "/dev/null/none", SAYS, "/dev/null/none", "--past-covariates=extra"},
    {"forecast", "cross-learning", NULL, CHANGES, NULL, NULL},
    {"forecast", "cross-learning", NULL, REFUSED, "--cross-learning: --embed", "--embed"},
    {READ_COMMANDS, "freq", "nothing", SAYS, "--freq", NULL},
    {"forecast", "output", "FILE", APPEARS, "file", NULL},
    {"forecast", "min", "1000", SAYS, "--min 1000: ", NULL},
    {"forecast", "min", "1000", CHANGES, NULL, NULL},
    {"forecast", "min", "1234567.25", SAYS, "--min 1234567.25: ", NULL},
    {"forecast", "min", "0x10", REFUSED, "--min: expected a number, found '0x10'", NULL},
    {"forecast", "quantile-levels", "0x1p-1", REFUSED, "expected numbers separated by commas, found '0x1p-1'", NULL},
    {"forecast", "round", NULL, CHANGES, NULL, NULL},
    {"forecast", "report", "FILE", APPEARS, "file", NULL},
    {"forecast", "plot", "FILE", APPEARS, "file", NULL},
    {"forecast", "embed", NULL, REFUSED, "--embed", NULL},
    {"forecast", "monotone", NULL, REFUSED, "--monotone: --embed", "--embed"},
    {"forecast", "monotone", NULL, NO_TRACE, NULL, NULL}, /* quantiles that cross: tests/test_predict.c */

    /* evaluate */
    {"evaluate", "horizon", NULL, BASE, NULL, NULL},
    {"evaluate", "windows", "1", CHANGES, NULL, NULL},
    {"evaluate", "windows", "99", REFUSED, "--windows: the longest series", NULL},
    {"evaluate", "stride", "2", CHANGES, NULL, NULL},
    {"evaluate", "seasonality", "3", CHANGES, NULL, NULL},
    {"evaluate", "quantile-levels", "0.25", CHANGES, NULL, NULL},
    {"evaluate", "known", "extra", CHANGES, NULL, "--covariates=extra"},
    {"evaluate", "known", "extra", REFUSED, "--known: expected covariates", NULL},
    {"evaluate", "against", "/dev/null/none", SAYS, "/dev/null/none", NULL},
    {"evaluate", "output", "FILE", APPEARS, "file", NULL},
    {"evaluate", "calibration", "FILE", APPEARS, "file", NULL},
    {"evaluate", "forecasts", "FILE", APPEARS, "file", NULL},
    {"evaluate", "report", "FILE", APPEARS, "file", NULL},

    /* detect */
    {"detect", "coverage", "0.5", CHANGES, NULL, NULL},
    {"detect", "coverage", "1", REFUSED, "--coverage: expected a share", NULL},
    {"detect", "horizon", "3", CHANGES, NULL, NULL},
    {"detect", "warmup", "20", CHANGES, NULL, NULL},
    {"detect", "last", "5", CHANGES, NULL, NULL},
    {"detect", "all", NULL, CHANGES, NULL, NULL},
    {"detect", "output", "FILE", APPEARS, "file", NULL},
    {"detect", "report", "FILE", APPEARS, "file", NULL},

    /* study and probe */
    {STUDY_COMMANDS, "tasks", NULL, BASE, NULL, NULL},
    {STUDY_COMMANDS, "out-prefix", NULL, BASE, NULL, NULL},
    {STUDY_COMMANDS, "radii", "1", CHANGES, "mass_per_window.csv", NULL},
    {STUDY_COMMANDS, "max-tasks", "1", CHANGES, "mass_per_window.csv", NULL},
    {STUDY_COMMANDS, "exclude-regex", "two", CHANGES, "mass_per_window.csv", NULL},
    {STUDY_COMMANDS, "max-windows-per-task", "2", CHANGES, "mass_per_window.csv", NULL},
    {STUDY_COMMANDS, "max-series-per-window", "1", CHANGES, "mass_per_window.csv", NULL},
    {STUDY_COMMANDS, "probe-batch-size", "1", CHANGES, "run.json", NULL},
    {STUDY_COMMANDS, "S-split", "5", CHANGES, "mass_summary.csv", NULL},
    {STUDY_COMMANDS, "exclude-reg-query", NULL, CHANGES, "mass_per_window.csv", NULL},
    {STUDY_COMMANDS, "time-reg-is-global", NULL, CHANGES, "mass_per_window.csv", NULL},
    {STUDY_COMMANDS, "include-padded-queries", NULL, CHANGES, "mass_per_window.csv", "--backend=reference"},
    {STUDY_COMMANDS, "include-padded-queries", NULL, REFUSED, "--include-padded-queries needs", NULL},
    {STUDY_COMMANDS, "as-univariate", NULL, CHANGES, "mass_per_window.csv", NULL},
    {STUDY_COMMANDS, "seed", "3", CHANGES, "mass_per_window.csv", "--max-series-per-window=1"},
    {STUDY_COMMANDS, "resume", NULL, SAYS, "partial.json is not there", NULL},
    {STUDY_COMMANDS, "restart", NULL, REFUSED, "--resume and --restart", "--resume"},
    {"study", "perf-radii", "1", CHANGES, "equivalence.csv", NULL},
    {"study", "metrics", "RMSE", CHANGES, "equivalence.csv", NULL},
    {"study", "metrics", "RMSE,WPE", REFUSED, "--metrics: expected the name of a metric (MASE, WQL, ", NULL},
    {"study", "metrics", "RMSE,rmse", REFUSED, "--metrics: 'rmse' is there twice", NULL},
    {"study", "arms", "blind", CHANGES, "equivalence.csv", NULL},
    {"study", "ablate", "0:1", CHANGES, "equivalence.csv", NULL},
    {"study", "find-sinks", NULL, CHANGES, "equivalence.csv", NULL},
    {"study", "sparse-model", MICRO_R8, CHANGES, "equivalence.csv", NULL},
    {"study", "sparse-model", MICRO_R8, SAYS, "not into that of --sparse-model", "--adapter=/dev/null/none"},
    {"study", "baselines", NULL, SAYS, "    naive      full", NULL},
    {"study", "local-radius", "1", CHANGES, "run.json", NULL},
    {"study", "local-radius", "77", REFUSED, "--local-radius: expected one of the radii", NULL},
    {"study", "from-csv", "/dev/null/none", REFUSED, "--from-csv runs no model", NULL},
    {"study", "margin", "3", CHANGES, "equivalence.csv", NULL},
    {"study", "perf-batch-size", "3", CHANGES, "run.json", NULL},
    {"study", "perf-repeats", "2", CHANGES, "run.json", NULL},
    {"study", "chunk-size", "3", CHANGES, "run.json", NULL},

    /* bench */
    {"bench", "random", "micro", SAYS, "\"model\": \"micro\"", NULL},
    {"bench", "random", "micro", REFUSED, "--model: --random has weights", "--model=/dev/null/none"},
    {"bench", "random", "micro", REFUSED, "--adapter: --random has weights", "--adapter=/dev/null/none"},
    {"bench", "random", "micro", REFUSED, "--cache: --random has weights", "--cache=/dev/null/none"},
    {"bench", "horizon", "7", SAYS, "\"horizon\": 7", NULL},
    {"bench", "repeats", "2", SAYS, "\"repeats\": 2", NULL},
    {"bench", "ragged", NULL, SAYS, "\"ragged\": true", NULL},
    {"bench", "futures", "2", SAYS, "\"futures\": 2", NULL},
    {"bench", "paced", NULL, REFUSED, "--repeats: --paced", NULL},
    {"bench", "json", NULL, BASE, NULL, NULL},

    /* predict and forward */
    {"predict,forward", "output", NULL, BASE, NULL, NULL},
    {"predict", "embed", NULL, CHANGES, NULL, NULL},
    {"predict", "monotone", NULL, NO_TRACE, NULL, NULL},
    {"forward", "output-patches", "3", CHANGES, NULL, NULL},
    {"forward", "attention-weights", NULL, CHANGES, NULL, "--attention=full"}};

enum { ROWS = sizeof rows / sizeof rows[0] };

/* What can't be understood is named as it was given. */
static void test_unknown(void **state) {
  (void)state;
  static const struct {
    const char *argument, *said;
  } cases[] = {{"-xy", "unknown option '-x'"},         {"-y", "unknown option '-y'"},
               {"-n2x", "expected a whole number"},    {"-\xc3\xa9", "unknown option '-\xc3\xa9'"},
               {"--frek=D", "unknown option '--frek=D'"}, {"--wide=1", "--wide takes no value"},
               {"--help=1", "--help takes no value"},  {"--freq", "--freq needs a value"},
               {"-o", "-o needs a value"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    program_result r = PROGRAM_RUN("forecast", "FILE", "--horizon=2", cases[i].argument);
    program_assert_error(&r, 2, cases[i].said);
  }
}

/* Nothing is asked of a hub before what is wrong in the options is said. */
static void test_checks_come_first(void **state) {
  (void)state;
  static const char data[] = "hf://datasets/no/none/data.csv";
  program_result r = PROGRAM_RUN("forecast", data, "--offline");
  program_assert_error(&r, 2, "forecast needs --horizon N");
  r = PROGRAM_RUN("detect", data, "--offline", "--coverage=7");
  program_assert_error(&r, 2, "--coverage");
  r = PROGRAM_RUN("bench", data, "--offline", "--model=/dev/null/none");
  program_assert_error(&r, 1, "/dev/null/none");
  r = PROGRAM_RUN("forecast", data, "--offline", "-n1");
  program_assert_error(&r, 1, "no/none");
}

/* Options may be spelled with underscores. Values keep theirs, whatever they look like. */
static void test_underscores(void **state) {
  (void)state;
  static const char text[] = "--my_id,timestamp,--my_target\na,1,1\na,2,2\na,3,1\na,4,2\na,5,1\n";
  static const struct {
    const char *one, *two, *three, *four;
  } cases[] = {{"--id_column", "--my_id", "--target", "--my_target"},
               {"--id_col", "--my_id", "--target=--my_target", "--all_covariates"},
               {"--id_column=--my_id", "--all_cov", "--target", "--my_target"}};
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  char *out = program_path(folder, "a_b.csv");
  program_write_file(path, text, sizeof text - 1);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    program_result r = PROGRAM_RUN("forecast", path, cases[i].one, cases[i].two, "-n1", cases[i].three, cases[i].four,
                                   "--quantile_levels", "0.5", "-o", out);
    if (r.status != 0) fail_msg("case %zu: %s", i, r.err);
    char *written = program_read_file(out);
    if (strstr(written, "--my_id,timestamp,target_name,predictions,0.5\na,6,--my_target,") != written) {
      fail_msg("case %zu: %s", i, written);
    }
    free(written);
    program_free(&r);
  }
  program_result r = PROGRAM_RUN("forecast", path, "-n1", "-o", "--a_b.json");
  program_assert_error(&r, 2, "--a_b.json: its ending names a format");
  r = PROGRAM_RUN("forecast", "--sql", "-- a_b", "--db", "--", "--wide", "--all_covariates");
  program_assert_error(&r, 2, "needs --horizon N");
  free(path);
  free(out);
  program_remove_folder(folder);
}

/* ---- Help ------------------------------------------------------------------------------------ */

static bool names(const char *commands, const char *command) {
  size_t n = strlen(command);
  for (const char *at = commands; (at = strstr(at, command)); at += n) {
    if ((at == commands || at[-1] == ',') && (at[n] == ',' || at[n] == '\0')) return true;
  }
  return false;
}

static bool has_row(const char *command, const char *option) {
  for (size_t i = 0; i < ROWS; i++) {
    if (names(rows[i].commands, command) && strcmp(rows[i].option, option) == 0) return true;
  }
  return false;
}

/* Every option that the help lists has a row, and no row is of an option that no help lists (but refused ones). */
static void test_every_option_has_a_row(void **state) {
  (void)state;
  static const char *const commands[] = {"forecast", "evaluate", "detect",  "study",  "probe",
                                         "bench",    "predict",  "forward", "inspect"};
  for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++) {
    program_result r = PROGRAM_RUN(commands[c], "--help");
    assert_int_equal(r.status, 0);
    size_t found = 0;
    char *next = NULL;
    char *help = strdup(r.out);
    for (char *line = strtok_r(help, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
      char *name = strstr(line, "--");
      if (!name || name - line > 6 || strspn(line, " ") < 2) continue;
      name += 2;
      name[strcspn(name, " ")] = '\0';
      if (strcmp(name, "help") == 0) continue;
      if (!has_row(commands[c], name)) fail_msg("%s --%s has no row in this test", commands[c], name);
      found++;
    }
    assert_true(found > 0 || strcmp(commands[c], "inspect") == 0);
    for (size_t i = 0; i < ROWS; i++) {
      char dashed[64];
      (void)snprintf(dashed, sizeof dashed, "--%s", rows[i].option);
      if (!names(rows[i].commands, commands[c]) || strstr(r.out, dashed)) continue;
      if (rows[i].effect != REFUSED) fail_msg("%s has no %s", commands[c], dashed);
    }
    free(help);
    program_free(&r);
  }
}

/* ---- Effects --------------------------------------------------------------------------------- */

static char *data_folder; /* inputs */

static void write_inputs(void) {
  static const char tasks[] =
      "tasks:\n"
      "- {dataset_path: d.csv, dataset_config: one, horizon: 4, num_windows: 2, past_dynamic_columns: [extra]}\n"
      "- {dataset_path: d.csv, dataset_config: two, horizon: 8}\n";
  static const char case_text[] =
      "{\"inputs\": [{\"target\": [1, 2, 4, 3, 5, 6, 8, 7, 9, 10, 12, 11, 13, 14, 16, 15, 17, 18, 20, 19, 21, 22, 24, "
      "23, 3, 4, 9, 3, 4, 9, 3, 4, 8, 1, 1, 2]}], \"predict\": {\"prediction_length\": 5}}";
  data_folder = program_make_folder();
  char *path = program_path(data_folder, "d.csv");
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fprintf(out, "item_id,timestamp,target,extra\n");
  for (int i = 0; i < 3; i++) {
    for (int t = 0; t < 40 + 20 * i; t++) {
      int value = (t * t + i) % 17 + t;
      (void)fprintf(out, "s%d,2020-%02d-%02d,%d,%d\n", i, 1 + t / 28, 1 + t % 28, value, t * (i + 2) % 5);
    }
  }
  assert_int_equal(fclose(out), 0);
  free(path);
  path = program_path(data_folder, "tasks.yaml");
  program_write_file(path, tasks, strlen(tasks));
  free(path);
  path = program_path(data_folder, "case.json");
  program_write_file(path, case_text, strlen(case_text));
  free(path);
}

enum { MOST_ARGUMENTS = 24 };

/* The command without further options; `folder` takes what is written. The texts are the caller's to free. */
static size_t base_of(const char *command, const char *folder, char **argv) {
  size_t n = 0;
  argv[n++] = strdup(PROGRAM_PATH);
  argv[n++] = strdup(command);
  bool detect = strcmp(command, "detect") == 0;
  if (strcmp(command, "forecast") == 0 || strcmp(command, "evaluate") == 0 || detect) {
    argv[n++] = program_path(data_folder, "d.csv");
    argv[n++] = strdup("--freq=D");
    argv[n++] = strdup(detect ? "--coverage=0.6" : command[0] == 'e' ? "--horizon=10" : "--horizon=20");
  } else if (strcmp(command, "bench") == 0) {
    argv[n++] = strdup("--json");
    argv[n++] = strdup("--repeats=1");
    argv[n++] = strdup("--context-length=64");
  } else if (strcmp(command, "predict") == 0 || strcmp(command, "forward") == 0) {
    bool forward = command[0] == 'f';
    argv[n++] = forward ? strdup(ODD "/forward/missing.safetensors") : program_path(data_folder, "case.json");
    if (forward) argv[n++] = strdup("--model=" ODD "/weights");
    argv[n++] = strdup("-o");
    argv[n++] = program_path(folder, "out");
  } else {
    argv[n++] = strdup("--tasks");
    argv[n++] = strdup(data_folder);
    argv[n++] = strdup("--out-prefix");
    argv[n++] = program_path(folder, "p");
    argv[n++] = strdup("--radii=0,1,2");
    if (strcmp(command, "study") == 0) argv[n++] = strdup("--perf-repeats=1");
  }
  return n;
}

/* "--name=value", with the folder's file for FILE and CACHE. */
static char *argument(const char *name, const char *value, const char *folder) {
  char *path = value && strcmp(value, "FILE") == 0    ? program_path(folder, "file")
               : value && strcmp(value, "CACHE") == 0 ? program_path(folder, "cache")
                                                      : NULL;
  if (path && strcmp(value, "CACHE") == 0) (void)mkdir(path, 0700);
  char *text = calloc(1, 1024);
  assert_non_null(text);
  (void)snprintf(text, 1024, "--%s%s%s", name, value ? "=" : "", path ? path : value ? value : "");
  free(path);
  return text;
}

/* Without "--name=...": what is tried must not be said twice. Returns what is left of `count`. */
static size_t leave_out(char **argv, size_t count, const char *name) {
  size_t left = 0;
  for (size_t i = 0; i < count; i++) {
    size_t size = strlen(name);
    if (strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, name, size) == 0 && argv[i][2 + size] == '=') {
      free(argv[i]);
    } else {
      argv[left++] = argv[i];
    }
  }
  return left;
}

static program_result run_with(const row *r, const char *command, const char *folder, bool with) {
  char *argv[MOST_ARGUMENTS + 1] = {NULL};
  size_t n = base_of(command, folder, argv);
  char *next = NULL;
  char *also = strdup(r->also ? r->also : "");
  if (with) n = leave_out(argv, n, r->option);
  for (char *one = strtok_r(also, " ", &next); one; one = strtok_r(NULL, " ", &next)) argv[n++] = strdup(one);
  free(also);
  if (with) argv[n++] = argument(r->option, r->value, folder);
  program_result result = program_run((const char *const *)argv, NULL);
  for (size_t i = 0; i < n; i++) free(argv[i]);
  return result;
}

/* The result that must change: a file of the prefix, the output file, or stdout. */
static char *result_of(const row *r, const char *command, const char *folder, const program_result *said) {
  bool files = strcmp(command, "study") == 0 || strcmp(command, "probe") == 0;
  char name[64] = "out";
  if (files) (void)snprintf(name, sizeof name, "p__%s", r->seen ? r->seen : "mass_per_window.csv");
  char *path = program_path(folder, name);
  char *text = files || strcmp(command, "predict") == 0 || strcmp(command, "forward") == 0 ? program_read_file(path)
                                                                                           : strdup(said->out);
  if (!text) fail_msg("%s is missing", path);
  struct stat info = {.st_size = (off_t)said->out_size};
  (void)stat(path, &info);
  char *digest = calloc(1, 32); /* files hold zero bytes */
  assert_non_null(digest);
  uint64_t sum = 14695981039346656037U;
  for (off_t i = 0; i < info.st_size; i++) sum = (sum ^ (unsigned char)text[i]) * 1099511628211U;
  (void)snprintf(digest, 32, "%016llx", (unsigned long long)sum);
  free(text);
  free(path);
  return digest;
}

/* The folder `name` holds a file, or the file isn't empty. */
static bool appears(const char *folder, const char *name) {
  char *path = program_path(folder, name);
  struct stat info;
  bool there = stat(path, &info) == 0 && info.st_size > 0;
  DIR *dir = there ? opendir(path) : NULL;
  if (dir) {
    there = false;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
      if (e->d_name[0] == '.') continue;
      there = true;
      assert_int_equal(unlinkat(dirfd(dir), e->d_name, 0), 0);
    }
    (void)closedir(dir);
  }
  (void)rmdir(path);
  free(path);
  return there;
}

static bool says(const program_result *r, const char *text) {
  return strstr(r->out, text) || strstr(r->err, text);
}

/* Prints what is wrong and returns false. */
static bool check(const row *r, const char *command, const char *base_folder, const program_result *base) {
  char *folders[2] = {r->also ? program_make_folder() : strdup(base_folder), program_make_folder()};
  program_result with = run_with(r, command, folders[1], true);
  bool again = r->also && r->effect != REFUSED;
  program_result without = again ? run_with(r, command, folders[0], false) : *base;
  bool good = with.status == 0;
  if (r->effect == CHANGES && good && without.status == 0) {
    char *a = result_of(r, command, folders[0], &without);
    char *b = result_of(r, command, folders[1], &with);
    good = strcmp(a, b) != 0;
    free(a);
    free(b);
  } else if (r->effect == SAYS) {
    good = says(&with, r->seen) && !says(&without, r->seen);
  } else if (r->effect == REFUSED) {
    good = with.status == 2 && with.out_size == 0 && strstr(with.err, r->seen);
  }
  bool there = appears(folders[1], "cache");
  if (r->effect == APPEARS) good = good && (there || appears(folders[1], r->seen));
  if (!good) {
    print_error("%s --%s %s: status %d, '%.300s', '%.300s'; without it status %d, '%.300s'\n", command, r->option,
                r->value ? r->value : "", with.status, with.out, with.err, without.status,
                without.err ? without.err : "");
  }
  program_free(&with);
  program_remove_folder(folders[1]);
  if (again) program_free(&without);
  if (r->also) {
    program_remove_folder(folders[0]);
  } else {
    free(folders[0]);
  }
  return good;
}

static void test_effects(void **state) {
  (void)state;
  static const char *const commands[] = {"forecast", "evaluate", "detect", "study",
                                         "probe",    "bench",    "predict", "forward"};
  size_t wrong = 0;
  size_t all = sizeof commands / sizeof commands[0];
  size_t count = small_leaves_out("the options of all commands but forecast") ? 1 : all;
  write_inputs();
  for (size_t c = 0; c < count; c++) {
    const row plain = {.commands = commands[c]};
    char *folder = program_make_folder();
    program_result base = run_with(&plain, commands[c], folder, false);
    if (base.status != 0) fail_msg("%s: %s", commands[c], base.err);
    for (size_t i = 0; i < ROWS; i++) {
      if (rows[i].effect == BASE || !names(rows[i].commands, commands[c])) continue;
      wrong += check(&rows[i], commands[c], folder, &base) ? 0 : 1;
    }
    program_free(&base);
    program_remove_folder(folder);
  }
  program_remove_folder(data_folder);
  assert_int_equal(wrong, 0);
}

/* Options of formats that no input has are not passed over in silence. */
static void test_unused(void **state) {
  (void)state;
  static const char line[] = "{\"item_id\": \"a\", \"start\": \"2024-01-01\", \"freq\": \"D\", "
                             "\"target\": [1, 2, 3, 4, 5, 6], \"past_covariates\": {\"p\": [1, 2, 3, 4, 5, 6]}}\n";
  static const char table[] = "item_id,timestamp,p\na,2024-01-07,1\na,2024-01-08,2\n";
  static const char past[] = "item_id,timestamp,target,p\nb,2024-01-05,1,1\nb,2024-01-06,2,2\nb,2024-01-07,3,3\n";
  static const struct {
    const char *commands, *options[4], *said; /* NULL: nothing but the summary */
  } cases[] = {{READ_COMMANDS, {"--covariates=p"}, "--covariates has no effect: no input is a table of series"},
               {READ_COMMANDS, {"--covariates=p,q"}, "error: --covariates: no series has a covariate 'q'"},
               {READ_COMMANDS, {"--all-covariates"}, "--all-covariates has no effect"},
               {READ_COMMANDS, {"--delimiter=;", "--decimal=,"}, "--delimiter, --decimal have no effect"},
               {READ_COMMANDS, {"--time-format=%Y"}, "--time-format has no effect"},
               {"evaluate", {"--id-column=x", "--timestamp-column=y"}, "--id-column, --timestamp-column have no"},
               {"forecast,detect", {"--id-column=x", "--timestamp-column=y"}, NULL}, /* of the output */
               {"evaluate", {"--id-column=x", "--timestamp-column=y", "--forecasts=/dev/null"}, NULL},
               {"forecast", {"--future=FUTURE", "--time-format=%Y-%m-%d", "--delimiter=,", "--decimal=."}, NULL},
               {"forecast", {"--future=FUTURE", "--covariates=p"}, "--covariates has no effect"},
               {"forecast", {"PAST", "--delimiter=,", "--time-format=%Y-%m-%d", "--covariates=p"}, NULL}};
  static const char *const commands[] = {"forecast", "evaluate", "detect"};
  char *folder = program_make_folder();
  char *lines = program_path(folder, "a.jsonl");
  char *future = program_path(folder, "future.csv");
  char *more = program_path(folder, "b.csv");
  char known[1024];
  program_write_file(lines, line, sizeof line - 1);
  program_write_file(future, table, sizeof table - 1);
  program_write_file(more, past, sizeof past - 1);
  (void)snprintf(known, sizeof known, "--future=%s", future);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (size_t c = 0; c < 3; c++) {
      const char *argv[10] = {PROGRAM_PATH, commands[c], lines, "--horizon=2"};
      if (!names(cases[i].commands, commands[c])) continue;
      for (size_t k = 0; k < 4; k++) {
        const char *one = cases[i].options[k];
        argv[4 + k] = one && strcmp(one, "PAST") == 0 ? more : one && strcmp(one, "--future=FUTURE") == 0 ? known : one;
      }
      program_result r = program_run(argv, NULL);
      const char *said = cases[i].said;
      bool is_error = said && strncmp(said, "error", 5) == 0;
      if (r.status != (is_error ? 2 : 0) || (said ? !strstr(r.err, said) : strstr(r.err, "no effect") != NULL)) {
        fail_msg("%s, case %zu: status %d, %s", commands[c], i, r.status, r.err);
      }
      program_free(&r);
    }
  }
  program_result r = PROGRAM_RUN("forecast", lines, "--embed", "--id-column=x", "--timestamp-column=y");
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "warning: --timestamp-column has no effect"));
  program_free(&r);
  free(lines);
  free(future);
  free(more);
  program_remove_folder(folder);
}

/* Time stamps and ids that are no texts. */
static void test_typed_columns(void **state) {
  (void)state;
  static const char text[] = "timestamp,target\n2024-01-01,1\n2024-01-02,2\n2024-01-03,1\n2024-01-04,2\n";
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  char *typed = program_path(folder, "typed.arrow");
  program_write_file(path, text, sizeof text - 1);
  program_result r = PROGRAM_RUN("forecast", path, "--horizon=8", "-o", typed);
  assert_int_equal(r.status, 0);
  program_free(&r);
  r = PROGRAM_RUN("forecast", typed, "--horizon=1", "--target=predictions", "--time-format=%d.%m.%Y");
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "--time-format has no effect: no table has time stamps that are texts"));
  program_free(&r);
  program_write_file(path, "item_id,target\na,1\na,2\na,1\n", 27);
  r = PROGRAM_RUN("forecast", path, "--horizon=1", "--time-format=%Y");
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "--time-format has no effect: no table has time stamps that are texts"));
  program_free(&r);
  r = PROGRAM_RUN("detect", typed, "--target=predictions", "--id-column=0.5");
  program_assert_error(&r, 1, "typed.arrow: column '0.5': expected whole numbers, booleans or texts, found float32");
  free(path);
  free(typed);
  program_remove_folder(folder);
}

/* The output's own columns are compared as the header spells them. */
static void test_names_of_columns(void **state) {
  (void)state;
  static const struct {
    const char *name, *commands, *option, *value;
  } cases[] = {{"0.333333333333", "forecast", "--quantile-levels", "0.333333333333"},
               {"0.333333333333", "evaluate", "--quantile-levels", "0.333333333333"},
               {"MASE", "evaluate", "--output", "OUT"},
               {"forecaster", "evaluate", "--output", "OUT"}};
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  char *out = program_path(folder, "out.csv");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[200];
    int n = snprintf(text, sizeof text, "%s,timestamp,target\na,1,1\na,2,2\na,3,1\na,4,2\na,5,1\n", cases[i].name);
    program_write_file(path, text, (size_t)n);
    const char *value = strcmp(cases[i].value, "OUT") == 0 ? out : cases[i].value;
    const char *more = strcmp(cases[i].commands, "evaluate") == 0 ? "--forecasts=/dev/null" : "--threads=1";
    program_result r = PROGRAM_RUN(cases[i].commands, path, "-n1", "--id-column", cases[i].name, cases[i].option, value,
                                   more);
    program_assert_error(&r, 2, "--id-column: the output has a column '");
  }
  static const char text[] = "id,timestamp,target\na,1,1\na,2,2\na,3,1\na,4,2\na,5,1\n";
  program_write_file(path, text, sizeof text - 1);
  static const struct {
    const char *argv[6], *said;
    int status;
  } same[] = {{{"forecast", "--id-column=timestamp"}, "--id-column: 'timestamp' can't name the ids and the time", 2},
              {{"forecast", "--timestamp-column=item_id"}, "--timestamp-column: 'item_id' can't name", 2},
              {{"detect", "--id-column=a", "--timestamp-column=a"}, "--id-column: 'a' can't name", 2},
              {{"evaluate", "--id-column=timestamp", "--forecasts=/dev/null"}, "'timestamp' can't name", 2},
              {{"evaluate", "--id-column=timestamp"}, "in.csv: column 'timestamp' can't hold the ids and the time", 1},
              {{"forecast", "--embed", "--id-column=timestamp"}, "in.csv: column 'timestamp' can't hold", 1},
              {{"forecast", "--id-column=Predictions", "-o", "x.parquet"}, "the output has a column 'predictions'", 2},
              {{"forecast", "--id-column=Timestamp", "-o", "x.pq"}, "'Timestamp' can't name the ids and the time", 2},
              {{"forecast", "--embed", "--id-column=TOKEN", "-o", "x.pq"}, "the output has a column 'token'", 2},
              {{"forecast", "--id-column=Predictions", "-o", "x.csv"}, "expected a column 'Predictions'", 1}};
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
    const char *argv[10] = {PROGRAM_PATH, same[i].argv[0], path};
    size_t n = 3;
    for (size_t k = 1; same[i].argv[k]; k++) argv[n++] = same[i].argv[k];
    if (strcmp(argv[3], "--embed") != 0) argv[n++] = "-n1";
    program_result r = program_run(argv, NULL);
    program_assert_error(&r, same[i].status, same[i].said);
  }
  program_result r = PROGRAM_RUN("evaluate", path, "-n1", "--windows=1", "--id-column=id", "-o", out);
  assert_int_equal(r.status, 0);
  char *scores = program_read_file(out);
  assert_int_equal(strncmp(scores, "id,target_name,forecaster,", 26), 0);
  free(scores);
  program_free(&r);
  free(path);
  free(out);
  program_remove_folder(folder);
}

/* The model's length is the most that forward takes of a context, whatever is asked for. */
static void test_contexts_of_forward(void **state) {
  (void)state;
  static const char said[] = "chronos2: warning: forward cuts a context at the model's 208 steps\n";
  static const struct {
    const char *name, *option, *said;
  } cases[] = {{ODD "/forward/longer_than_model.safetensors", "--threads=1", said},
               {ODD "/forward/longer_than_model.safetensors", "--context-length=1000", said},
               {ODD "/forward/longer_than_model.safetensors", "--context-length=208", ""},
               {ODD "/forward/missing.safetensors", "--context-length=1000", ""}};
  char *folder = program_make_folder();
  char *out = program_path(folder, "out");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    program_result r = PROGRAM_RUN("forward", cases[i].name, "--model=" ODD "/weights", "-o", out, cases[i].option);
    assert_int_equal(r.status, 0);
    assert_string_equal(r.err, cases[i].said);
    program_free(&r);
  }
  program_result r = PROGRAM_RUN("forward", "--help");
  assert_non_null(strstr(r.out, "--context-length"));
  assert_null(strstr(r.out, "is allowed"));
  program_free(&r);
  free(out);
  program_remove_folder(folder);
}

static void test_program(void **state) {
  (void)state;
  static const char *const ways[][2] = {{"help", "evaluate"}, {"--help", "evaluate"}, {"evaluate", "--help"}};
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    program_result r = PROGRAM_RUN(ways[i][0], ways[i][1]);
    assert_int_equal(r.status, 0);
    assert_int_equal(strncmp(r.out, "usage: chronos2 evaluate ", 25), 0);
    program_free(&r);
  }
  program_result r = PROGRAM_RUN("help", "nothing");
  program_assert_error(&r, 2, "unknown command 'nothing'");
  r = PROGRAM_RUN("--version", "junk");
  program_assert_error(&r, 2, "--version: expected nothing behind it, found 'junk'");
  r = PROGRAM_RUN("help", "evaluate", "junk");
  program_assert_error(&r, 2, "help: expected nothing behind it, found 'junk'");
  r = PROGRAM_RUN("bench", "--random=micro", "--offline");
  program_assert_error(&r, 2, "--offline: --random asks no hub for anything");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_option_has_a_row), cmocka_unit_test(test_effects),
                                     cmocka_unit_test(test_unknown), cmocka_unit_test(test_underscores),
                                     cmocka_unit_test(test_checks_come_first), cmocka_unit_test(test_unused),
                                     cmocka_unit_test(test_typed_columns),
                                     cmocka_unit_test(test_names_of_columns),
                                     cmocka_unit_test(test_contexts_of_forward), cmocka_unit_test(test_program)};
  setenv("CHRONOS2_CUDA_LIBRARY", "/nowhere/libchronos2_cuda.so", 1); /* there may be one beside the program */
  return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
