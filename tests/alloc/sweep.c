/* Every allocation of a command fails once, alone and with all that follow: the command then ends with status 1 and a
 * line that says so, or with status 0 and the very files and text of an undisturbed run. It never crashes or hangs, and
 * leaves no temporary file nor, short of success, an output.
 *
 *   alloc_sweep COMMAND
 *
 * CHRONOS2_SWEEP_STEP=K tries every K-th allocation [11]; 1 is the whole sweep. */
#include "program.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"
#define SHARDED SOURCE_DIR "/tests/golden/model-odd-sharded/weights"
#define FORWARD SOURCE_DIR "/tests/golden/model-odd/forward/groups.safetensors"
#define PREDICT SOURCE_DIR "/tests/golden/model-odd/predict/covariates_multi_target.json"
#define TABLES SOURCE_DIR "/tests/study/from_csv"

enum { MOST_ARGUMENTS = 24, MOST_FILES = 64 };

typedef struct sweep {
  const char *name;
  const char *program;                   /* NULL: chronos2 */
  bool timed;                           /* its output holds times: only what isn't one is compared */
  bool keeps;                           /* what it has finished stays after a failure */
  bool resumes;                         /* goes on from what `interrupt` left */
  const char *arguments[MOST_ARGUMENTS]; /* relative paths lie in the folder */
} sweep;

static const sweep sweeps[] = {
    {.name = "forward", .arguments = {"forward", FORWARD, "-m", MODEL, "--threads", "2", "-o", "out"}},
    {.name = "forward_reference",
     .arguments = {"forward", FORWARD, "-m", MODEL, "--threads", "1", "--backend", "reference", "-o", "out"}},
    {.name = "predict", .arguments = {"predict", PREDICT, "-m", MODEL, "--threads", "1", "--embed", "-o", "out"}},
    {.name = "forecast_csv",
     .arguments = {"forecast", "s.csv", "--past-covariates", "p", "--future", "f.csv", "--horizon", "2", "-m", MODEL,
                   "--threads", "2", "-o", "out"}},
    {.name = "forecast_jsonl",
     .arguments = {"forecast", "s.jsonl", "--horizon", "2", "-m", MODEL, "--threads", "1", "--cache", "cache", "-o",
                   "out"}},
    {.name = "forecast_page",
     .keeps = true,
     .arguments = {"forecast", "s.jsonl", "--horizon", "2", "-m", MODEL, "--threads", "1", "-o", "out.csv", "--report",
                   "out.html"}},
    {.name = "stream", .program = BINARY_DIR "/alloc_stream", .arguments = {MODEL}},
    {.name = "stream_errors", .program = BINARY_DIR "/alloc_stream", .arguments = {MODEL, "errors"}},
    {.name = "inspect", .arguments = {"inspect", MODEL}},
    {.name = "inspect_sharded", .arguments = {"inspect", SHARDED}},
    {.name = "bench",
     .timed = true,
     .arguments = {"bench", "-m", MODEL, "--context-length", "32", "--batch-size", "2", "--horizon", "4", "--repeats",
                   "1", "--threads", "1", "--json"}},
    {.name = "probe",
     .timed = true,
     .keeps = true,
     .arguments = {"probe", "--tasks", "tasks.yaml", "--radii", "2", "-m", MODEL, "--threads", "1", "--out-prefix",
                   "out"}},
    {.name = "evaluate",
     .keeps = true, /* the scores where the page fails */
     .arguments = {"evaluate", "s.jsonl", "-n", "2", "-m", MODEL, "--known", "q", "--quantile-levels", "0.5",
                   "--windows", "2", "--threads", "1", "--against", "a.csv", "-o", "out.csv", "--report",
                   "out.html"}},
    {.name = "detect",
     .keeps = true,
     .arguments = {"detect", "s.csv", "-m", MODEL, "--covariates", "p", "--horizon", "7", "--threads", "1", "-o",
                   "out.csv", "--report", "out.html"}},
    {.name = "study",
     .timed = true,
     .keeps = true,
     .arguments = {"study", "--tasks", "tasks.yaml", "--radii", "2", "-m", MODEL, "--threads", "1", "--perf-repeats",
                   "1", "--arms", "none", "--out-prefix", "out"}},
    {.name = "resume",
     .timed = true,
     .keeps = true,
     .resumes = true,
     .arguments = {"study", "--tasks", "tasks.yaml", "--radii", "2", "-m", MODEL, "--threads", "1", "--perf-repeats",
                   "1", "--arms", "none", "--out-prefix", "out", "--resume"}},
    {.name = "from_csv",
     .timed = true,
     .keeps = true,
     .arguments = {"study", "--from-csv", TABLES, "--out-prefix", "out"}},
};

static const sweep *chosen;
static char folder[64];
static char *partial; /* of an interrupted run */

typedef struct file {
  char *name, *text;
  size_t size;
} file;

typedef struct outcome {
  program_result run;
  file files[MOST_FILES]; /* beside what `prepare` wrote, by name */
  size_t count;
} outcome;

/* ---- The folder -------------------------------------------------------------------------------- */

static void put(const char *name, const char *text) {
  program_write_file(name, text, strlen(text));
}

/* Inputs; the folder is the working directory. */
static void prepare(void) {
  char text[8192] = "item_id,timestamp,target,p\n";
  const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  (void)snprintf(folder, sizeof folder, "%s/chronos2-alloc-XXXXXX", place);
  assert_non_null(mkdtemp(folder));
  assert_int_equal(chdir(folder), 0);
  for (int i = 0; i < 56; i++) {
    size_t at = strlen(text);
    (void)snprintf(text + at, sizeof text - at, "%c,2020-01-%02d,%d,%d\n", 'a' + i / 28, 1 + i % 28, i % 7, i);
  }
  put("s.csv", text);
  put("f.csv", "item_id,timestamp,p\na,2020-01-29,1\na,2020-01-30,2\nb,2020-01-29,1\nb,2020-01-30,2\n");
  put("s.jsonl",
      "{\"item_id\":\"a\",\"start\":\"2020-01-01\",\"freq\":\"D\",\"target\":[1,2,3,4,5,6,null,3],"
      "\"past_covariates\":{\"q\":[\"x\",\"y\",\"x\",\"y\",\"x\",\"y\",\"x\",\"y\"]}}\n");
  put("a.csv", "item_id,timestamp,predictions,0.5\na,20200105,1,1\na,20200106,2,1\na,20200107,1,1\na,20200108,1,1\n");
  put("tasks.yaml",
      "tasks:\n- dataset_path: s.csv\n  task_name: one\n  horizon: 4\n  num_windows: 2\n  seasonality: 7\n"
      "  eval_metric: MASE\n  extra_metrics: [WQL]\n  quantile_levels: [0.1, 0.5, 0.9]\n"
      "- dataset_path: s.csv\n  task_name: two\n  horizon: 3\n  extra_metrics: [WQL]\n"
      "  quantile_levels: [0.1, 0.5, 0.9]\n");
  assert_int_equal(mkdir("cache", 0700), 0);
}

static bool is_input(const char *name) {
  static const char *const inputs[] = {".", "..", "cache", "s.csv", "f.csv", "s.jsonl", "a.csv", "tasks.yaml",
                                       "count"};
  for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
    if (strcmp(name, inputs[i]) == 0) return true;
  }
  return false;
}

typedef void (*entry_fn)(void *user, const char *path, const char *name);

/* Calls fn for everything that a run has written. */
static void each(entry_fn fn, void *user) {
  static const char *const places[] = {".", "cache"};
  for (size_t i = 0; i < 2; i++) {
    DIR *dir = opendir(places[i]);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
      char path[512];
      if (is_input(entry->d_name)) continue;
      (void)snprintf(path, sizeof path, "%s/%s", places[i], entry->d_name);
      fn(user, path, entry->d_name);
    }
    (void)closedir(dir);
  }
}

static void remove_entry(void *user, const char *path, const char *name) {
  (void)user;
  (void)name;
  assert_int_equal(unlink(path), 0);
}

static void take_entry(void *user, const char *path, const char *name) {
  outcome *o = user;
  struct stat info;
  assert_true(o->count < MOST_FILES);
  assert_int_equal(stat(path, &info), 0);
  o->files[o->count++] = (file){strdup(name), program_read_file(path), (size_t)info.st_size};
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const file *)a)->name, ((const file *)b)->name);
}

static void release(outcome *o) {
  program_free(&o->run);
  for (size_t i = 0; i < o->count; i++) {
    free(o->files[i].name);
    free(o->files[i].text);
  }
  o->count = 0;
}

/* ---- A run --------------------------------------------------------------------------------------- */

/* The command with allocation `at` failing (0: none), and what it leaves in the folder. */
static outcome run(long at, bool sticky, bool resume, bool fresh) {
  const char *argv[MOST_ARGUMENTS + 8] = {"/usr/bin/timeout", "-k", "5", "60", "/usr/bin/env", "LD_PRELOAD=" FAILING,
                                          PROGRAM_PATH};
  char number[32];
  outcome o = {.count = 0};
  size_t n = 7;
  if (chosen->program) argv[6] = chosen->program;
  for (size_t i = 0; chosen->arguments[i]; i++) argv[n++] = chosen->arguments[i];
  if (resume && !chosen->resumes) argv[n++] = "--resume";
  if (fresh) each(remove_entry, NULL);
  if (fresh && partial) put("out__partial.json", partial);
  (void)snprintf(number, sizeof number, "%ld", at);
  (void)setenv("CHRONOS2_FAIL_AT", number, 1);
  (void)setenv("CHRONOS2_FAIL_COUNT", "count", 1);
  if (sticky) (void)setenv("CHRONOS2_FAIL_STICKY", "1", 1);
  o.run = program_run(argv, NULL);
  (void)unsetenv("CHRONOS2_FAIL_STICKY");
  each(take_entry, &o);
  qsort(o.files, o.count, sizeof o.files[0], by_name);
  return o;
}

static long counted(void) {
  char *text = program_read_file("count");
  assert_non_null(text);
  long n = strtol(text, NULL, 10);
  free(text);
  return n;
}

/* ---- What is the same ------------------------------------------------------------------------------ */

/* What another run measures anew. */
static bool varies(const char *column, size_t n) {
  static const char *const parts[] = {"time_s", "speedup", "reserved", "_s_"};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    for (const char *at = strstr(column, parts[i]); at && at < column + n; at = NULL) return true;
  }
  return false;
}

static size_t field_length(const char *text) {
  bool quoted = false;
  size_t n = 0;
  for (; text[n] && (quoted || (text[n] != ',' && text[n] != '\n')); n++) quoted ^= text[n] == '"';
  return n;
}

/* CSV files, columns that vary aside. */
static bool same_table(const char *a, const char *b) {
  const char *header = a;
  const char *column = header;
  while (*a && *b) {
    size_t m = field_length(a);
    size_t n = field_length(b);
    if (a[m] != b[n]) return false;
    if (!varies(column, field_length(column)) && (m != n || memcmp(a, b, m) != 0)) return false;
    column = a[m] == ',' ? column + field_length(column) + 1 : header;
    a += m + (a[m] != '\0');
    b += n + (b[n] != '\0');
  }
  return !*a && !*b;
}

/* Texts whose numbers vary, and with them words: the same lines and, within a hundredth, the same length. */
static bool same_extent(const char *a, const char *b) {
  size_t m = strlen(a);
  size_t n = strlen(b);
  return program_count(a, "\n") == program_count(b, "\n") && m <= n + n / 100 + 64 && n <= m + m / 100 + 64;
}

static bool same_file(const file *a, const file *b) {
  if (strcmp(a->name, b->name) != 0) return false;
  if (strstr(a->name, ".packed")) return a->size == b->size; /* unused bytes between tensors vary */
  if (!chosen->timed) return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
  const char *ending = strrchr(a->name, '.');
  if (ending && strcmp(ending, ".csv") == 0) return same_table(a->text, b->text);
  return same_extent(a->text, b->text);
}

/* ---- Verdicts ------------------------------------------------------------------------------------ */

static bool names_memory(const char *text) {
  return strstr(text, "allocat") || strstr(text, "memory") || strstr(text, "thread");
}

/* Whether the run has warned that it can't tell which processor it runs on: its texts are then longer. */
static bool knows_less(const outcome *o) {
  return chosen->resumes && strstr(o->run.err, "and is unknown");
}

/* Two files may differ: a cache that could not be written isn't there, and what an interrupted study would go on from
 * stays where it could not be removed. */
static const char *wrong_success(const outcome *o, const outcome *whole) {
  size_t at = 0;
  for (size_t i = 0; i < whole->count; i++) {
    if (at < o->count && strcmp(o->files[at].name, "out__partial.json") == 0) at++;
    if (at < o->count && strcmp(o->files[at].name, whole->files[i].name) == 0) {
      bool table = strstr(o->files[at].name, ".csv") != NULL;
      if (!same_file(&o->files[at++], &whole->files[i]) && (table || !knows_less(o))) return whole->files[i].name;
    } else if (!strstr(whole->files[i].name, ".packed")) {
      return whole->files[i].name;
    }
  }
  if (at < o->count) return o->files[at].name;
  bool same = chosen->timed ? same_extent(o->run.out, whole->run.out) : strcmp(o->run.out, whole->run.out) == 0;
  return same || knows_less(o) ? NULL : "standard output";
}

static const char *wrong_failure(const outcome *o) {
  if (o->run.status != 1) return o->run.status >= 124 ? "a crash or a hang" : "the status";
  const char *line = strstr(o->run.err, "chronos2: error: ");
  if (!line || program_count(o->run.err, "chronos2: error: ") != 1) return "not one error line";
  if (!names_memory(line)) return "an error that doesn't name memory";
  for (size_t i = 0; i < o->count; i++) {
    bool cache = strstr(o->files[i].name, ".packed") != NULL;
    if (!chosen->keeps && !cache) return "an output in spite of the failure";
  }
  return NULL;
}

static const char *wrong(const outcome *o, const outcome *whole) {
  for (size_t i = 0; i < o->count; i++) {
    if (strstr(o->files[i].name, "tmp") || o->files[i].name[0] == '.') return "a temporary file is left";
  }
  return o->run.status == 0 ? wrong_success(o, whole) : wrong_failure(o);
}

/* ---- The sweep ------------------------------------------------------------------------------------ */

/* Leaves in `partial` what a run of two tasks had finished when it was out of memory. */
static void interrupt(void) {
  for (long at = 50; !partial; at += 50) {
    outcome o = run(at, true, false, true);
    assert_int_not_equal(o.run.status, 0);
    for (size_t i = 0; i < o.count; i++) {
      if (strcmp(o.files[i].name, "out__partial.json") == 0) partial = strdup(o.files[i].text);
    }
    release(&o);
  }
}

static size_t broken;

static void report(long at, bool sticky, const char *what, const outcome *o) {
  if (++broken > 20) return;
  const char *more = sticky ? " and all later ones" : "";
  print_error("%s: allocation %ld%s: %s; status %d, stderr '%s'\n", chosen->name, at, more, what, o->run.status,
              o->run.err);
}

/* After a failure, a study that is resumed ends as one that nothing disturbed. */
static void check_resumed(long at, const outcome *whole) {
  outcome o = run(0, false, true, false);
  const char *what = o.run.status == 0 ? wrong_success(&o, whole) : "the resumed study fails";
  if (what) report(at, true, what, &o);
  release(&o);
}

static void sweep_all(void **state) {
  (void)state;
  const char *asked = getenv("CHRONOS2_SWEEP_STEP");
  long step = asked ? strtol(asked, NULL, 10) : 11;
  size_t failures = 0;
  size_t runs = 0;
  assert_true(step > 0);
  prepare();
  if (chosen->resumes) interrupt();
  outcome whole = run(0, false, false, true);
  if (whole.run.status != 0) fail_msg("undisturbed: status %d, %s", whole.run.status, whole.run.err);
  long sites = counted();
  for (long at = 1; at <= sites; at += step) {
    for (int sticky = 0; sticky < 2; sticky++, runs++) {
      outcome o = run(at, sticky == 1, false, true);
      const char *what = wrong(&o, &whole);
      bool failed = o.run.status != 0;
      if (what) report(at, sticky == 1, what, &o);
      release(&o);
      failures += failed;
      if (failed && sticky && runs % 16 == 1 && strcmp(chosen->arguments[0], "study") == 0 &&
          strcmp(chosen->name, "from_csv") != 0) {
        check_resumed(at, &whole);
      }
    }
  }
  print_message("%s: %ld allocations, %zu runs, %zu of them failed in order, %zu not\n", chosen->name, sites, runs,
                failures, broken);
  release(&whole);
  each(remove_entry, NULL);
  (void)unlink("count");
  assert_true(failures > 0);
  assert_int_equal(broken, 0);
}

static int remove_all(void **state) {
  static const char *const inputs[] = {"s.csv", "f.csv", "s.jsonl", "a.csv", "tasks.yaml",
                                       "count"};
  (void)state;
  each(remove_entry, NULL);
  for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) (void)unlink(inputs[i]);
  (void)rmdir("cache");
  free(partial);
  return chdir("/") != 0 || rmdir(folder) != 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(sweep_all, remove_all)};
  for (size_t i = 0; argc == 2 && i < sizeof sweeps / sizeof sweeps[0]; i++) {
    if (strcmp(argv[1], sweeps[i].name) == 0) chosen = &sweeps[i];
  }
  if (!chosen) {
    (void)fprintf(stderr, "alloc_sweep: error: expected the name of a command\n");
    return 2;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
