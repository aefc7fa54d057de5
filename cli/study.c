/* `chronos2 study` and `chronos2 probe`: the mass probe, and with it the comparison of full with sparse. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/radius.h"
#include "base/text.h"
#include "cli/outputs.h"
#include "cli/source.h"
#include "study/files/partial.h"
#include "study/statistics/statistics.h"
#include "study/study.h"

typedef struct request {
  cli_engine engine;
  c2_study study;
  cli_engine sparse; /* the model of --sparse-model */
  char tasks_room[CLI_PATH_ROOM];
  cli_source source;
  const char *radii_text, *perf_radii_text, *arms_text, *ablate_text, *metrics_text;
  chronos2_head *ablate;
  double margin; /* in percent */
  double *radii, *perf_radii;
  bool baselines;
} request;

/* ---- While it runs --------------------------------------------------------------------------- */

static bool on_terminal; /* stderr */

/* The line of progress, where there is one, gives way to others. */
static void clear_line(void) {
  if (on_terminal) (void)fputs("\r\033[K", stderr);
}

static void say(const char *line) {
  clear_line();
  (void)fprintf(stderr, "%s\n", line);
}

static void warn(const char *line) {
  clear_line();
  cli_warn("%s", line);
}

static void show(const c2_progress *p) {
  static double last = 0;
  double now = c2_clock_seconds();
  char left[C2_DURATION_ROOM];
  if (!on_terminal || now - last < 0.2) return;
  last = now;
  c2_duration(p->left, left);
  (void)fprintf(stderr, "\r%.0f%%, task %zu/%zu %.60s, %s left\033[K", 100 * p->share, p->task, p->tasks, p->name,
                left);
}

/* Finished tasks are on disk at any time, so a run may end at once. */
static void tell_interrupted(void) {
  static const char text[] =
      "\r\033[Kchronos2: error: interrupted; the same command with --resume keeps the tasks that are finished\n";
  size_t skipped = on_terminal ? 0 : 4; /* what clears the line */
  ssize_t written = write(STDERR_FILENO, text + skipped, sizeof text - 1 - skipped);
  (void)written;
}

/* ---- Options --------------------------------------------------------------------------------- */

/* "8,2,inf": ascending, each once. */
static c2_status read_radii(const char *option, const char *text, double **radii, size_t *count, c2_error *err) {
  char **items = NULL;
  c2_status status = cli_split(text, &items, count, err);
  if (status == C2_OK) status = c2_alloc_array(*count, sizeof **radii, radii, err);
  for (size_t i = 0; status == C2_OK && i < *count; i++) {
    const char *end = NULL;
    if (!c2_radius_read(items[i], &(*radii)[i], &end) || *end) status = C2_ERR_ARGUMENT;
  }
  free(items);
  if (status == C2_ERR_ARGUMENT) {
    C2_FAIL(err, status, "--%s: expected whole numbers of at most 1e9 tokens, or inf, separated by commas, found '%s'",
            option, text);
  }
  C2_TRY(status);
  c2_sort(*radii, *count);
  size_t kept = 0;
  for (size_t i = 0; i < *count; i++) {
    if (i == 0 || (*radii)[i] != (*radii)[kept - 1]) (*radii)[kept++] = (*radii)[i];
  }
  *count = kept;
  return C2_OK;
}

static c2_status set_radii(request *r, bool compare, c2_error *err) {
  c2_plan *o = &r->study.plan;
  C2_TRY(read_radii("radii", r->radii_text, &r->radii, &o->radii.count, err));
  o->radii.at = r->radii;
  if (!compare) return C2_OK;
  const char *text = r->perf_radii_text ? r->perf_radii_text : r->radii_text;
  C2_TRY(read_radii("perf-radii", text, &r->perf_radii, &o->perf_radii.count, err));
  o->perf_radii.at = r->perf_radii;
  return C2_OK;
}

/* "blind,visible,null" or some of them, or "none". */
static c2_status read_arms(c2_plan *o, const char *text, c2_error *err) {
  char **name = NULL;
  size_t count = 0;
  C2_TRY(cli_split(text, &name, &count, err));
  c2_status status = C2_OK;
  for (size_t i = 0; status == C2_OK && i < count; i++) {
    if (strcmp(name[i], "blind") == 0) {
      o->blind_arm = true;
    } else if (strcmp(name[i], "visible") == 0) {
      o->visible_arms = true;
    } else if (strcmp(name[i], "null") == 0) {
      o->null_arms = true;
    } else if (strcmp(name[i], "none") != 0 || count > 1) {
      status = c2_fail(err, C2_ERR_ARGUMENT,
                       "--arms: expected blind, visible or null, several with commas, or none, found '%s'", text);
    }
  }
  free(name);
  return status;
}

/* "RMSE,SQL", the leading one first. */
static c2_status read_metrics(c2_plan *o, const char *text, c2_error *err) {
  char **name = NULL;
  size_t count = 0;
  if (!text) return C2_OK;
  C2_TRY(cli_split(text, &name, &count, err));
  c2_status status = C2_OK;
  for (size_t i = 0; status == C2_OK && i < count; i++) {
    c2_metric metric = C2_MASE;
    status = c2_metric_find(name[i], "--metrics", &metric, err);
    if (status == C2_OK && !c2_metric_add(&o->metrics, metric)) {
      status = c2_fail(err, C2_ERR_ARGUMENT, "--metrics: '%s' is there twice", name[i]);
    }
  }
  free(name);
  return status;
}

/* "3" and no sign or space; *end is behind it. */
static bool read_index(const char *text, size_t *value, char **end) {
  if (text[0] < '0' || text[0] > '9') return false;
  *value = strtoull(text, end, 10);
  return *end - text <= 9;
}

/* "0:3,1:2": heads by layer. */
static c2_status read_heads(request *r, c2_error *err) {
  c2_plan *o = &r->study.plan;
  char **name = NULL;
  size_t count = 0;
  if (!r->ablate_text) return C2_OK;
  C2_TRY(cli_split(r->ablate_text, &name, &count, err));
  c2_status status = c2_alloc_array(count, sizeof *r->ablate, &r->ablate, err);
  for (size_t i = 0; status == C2_OK && i < count; i++) {
    chronos2_head *head = &r->ablate[i];
    char *end = name[i];
    bool good = read_index(name[i], &head->layer, &end) && *end == ':';
    good = good && read_index(end + 1, &head->head, &end) && *end == '\0';
    if (!good) {
      status = c2_fail(err, C2_ERR_ARGUMENT, "--ablate: expected LAYER:HEAD,LAYER:HEAD,..., found '%s'", name[i]);
    }
    for (size_t k = 0; good && k < i; k++) {
      if (r->ablate[k].layer != head->layer || r->ablate[k].head != head->head) continue;
      status = c2_fail(err, C2_ERR_ARGUMENT, "--ablate: head '%s' is there twice", name[i]);
    }
  }
  free(name);
  o->ablate = (c2_heads){r->ablate, count};
  return status;
}

static int run_models(request *r) {
  c2_study *study = &r->study;
  const c2_plan *o = &study->plan;
  c2_error err = {.code = C2_OK};
  chronos2_model *model = NULL;
  chronos2_model *sparse = NULL;
  chronos2_model_options options = cli_model_options(&r->engine);
  options.skip_packing = false; /* whatever the backend: whether weights look trained is seen by the fused one */
  chronos2_status status = chronos2_model_open(o->model_folder, &options, &model);
  if (status == CHRONOS2_OK && chronos2_model_warning(model)) cli_warn("%s", chronos2_model_warning(model));
  if (status == CHRONOS2_OK && o->sparse_model_folder) {
    options.adapter = r->sparse.adapter;
    status = chronos2_model_open(r->sparse.model, &options, &sparse);
    if (status == CHRONOS2_OK && chronos2_model_warning(sparse)) cli_warn("%s", chronos2_model_warning(sparse));
  }
  int exit_status = CLI_DONE;
  if (status != CHRONOS2_OK) {
    exit_status = cli_fail_api(status);
  } else if (c2_study_run(study, model, sparse, &err) != C2_OK) {
    exit_status = cli_fail_error(&err);
  }
  chronos2_model_close(&model);
  chronos2_model_close(&sparse);
  return exit_status;
}

static int print(const request *r) {
  c2_study_print(&r->study, stdout);
  if (r->baselines) c2_print_baselines(&r->study.results, stdout);
  return cli_flush_output();
}

/* The options that a study from files has a use for. */
static bool is_for_files(const char *name) {
  static const char *const names[] = {"from-csv", "out-prefix", "baselines", "local-radius", "margin",
                                      "S-split",  "seed",       "chunk-size", "metrics"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(name, names[i]) == 0) return true;
  }
  return false;
}

static int run_from_csv(request *r) {
  c2_error err = {.code = C2_OK};
  for (size_t i = 0; i < r->engine.given_count; i++) {
    const char *name = r->engine.given[i];
    if (!is_for_files(name)) return cli_fail_usage("--%s: --from-csv runs no model and takes tasks as they are", name);
  }
  if (c2_study_from_csv(&r->study, &err) != C2_OK) return cli_fail_error(&err);
  return print(r);
}

/* What can't be together, or would do nothing. */
static int check_options(const request *r) {
  const c2_plan *o = &r->study.plan;
  const cli_engine *e = &r->engine;
  if (o->resume && o->restart) return cli_fail_usage("--resume and --restart: expected one of them");
  if (!o->tasks) return cli_fail_usage("--tasks: expected a task file, or a folder with tasks.yaml");
  if (o->include_padded && e->session.backend != CHRONOS2_REFERENCE) {
    return cli_fail_usage("--include-padded-queries needs --backend reference: the fused one never computes padding");
  }
  if (cli_given(e, "batch-size") && cli_given(e, "perf-batch-size")) {
    return cli_fail_usage("--batch-size and --perf-batch-size are two names of one number: expected one of them");
  }
  if (e->adapter && o->sparse_model_folder) {
    cli_warn("--adapter is merged into the model alone, not into that of --sparse-model");
  }
  if (!cli_given(e, "local-radius")) return CLI_DONE;
  for (size_t i = 0; i < o->perf_radii.count; i++) {
    if (o->perf_radii.at[i] == o->verdict_radius) return CLI_DONE;
  }
  char radius[C2_RADIUS_ROOM];
  c2_radius_text(o->verdict_radius, radius);
  return cli_fail_usage("--local-radius: expected one of the radii that are compared, found %s", radius);
}

/* The name of the list of tasks that the program brings along stands for its file. */
static void find_tasks(request *r) {
  static const char known[] = "chronos-benchmark-ii";
  const char *tasks = r->study.plan.tasks;
  if (strcmp(tasks, known) != 0 || c2_file_exists(tasks)) return;
  if (cli_bundled("datasets/chronos-benchmark-ii.yaml", r->tasks_room)) r->study.plan.tasks = r->tasks_room;
}

static int run_study(request *r) {
  c2_study *study = &r->study;
  c2_plan *o = &study->plan;
  int exit_status = check_options(r);
  if (exit_status != CLI_DONE) return exit_status;
  find_tasks(r);
  cli_source_init(&r->source, &r->engine);
  o->source = &r->source.source;
  o->model_name = r->engine.model ? r->engine.model : cli_name_of(cli_default_model());
  o->sparse_model_name = o->sparse_model_folder;
  exit_status = cli_engine_locate(&r->engine);
  r->sparse = (cli_engine){
      .model = o->sparse_model_folder, .offline = r->engine.offline, .update = r->engine.update};
  if (exit_status == CLI_DONE && o->sparse_model_folder) exit_status = cli_engine_locate(&r->sparse);
  if (exit_status != CLI_DONE) return exit_status;
  o->sparse_model_folder = r->sparse.model;
  o->sparse_adapter_folder = r->sparse.adapter;
  o->model_folder = r->engine.model ? r->engine.model : cli_default_model();
  o->adapter_folder = r->engine.adapter;
  o->context_length = r->engine.context_length;
  o->dtype = r->engine.dtype;
  o->session = r->engine.session;
  if (!o->session.device) o->session.device = "cpu"; /* for the record */
  if (r->engine.batch_size) o->perf_batch = r->engine.batch_size;
  study->progress = show;
  on_terminal = isatty(STDERR_FILENO);
  cli_on_interrupt(tell_interrupted);
  exit_status = run_models(r);
  cli_on_interrupt(NULL);
  clear_line();
  if (exit_status != CLI_DONE) return exit_status;
  exit_status = print(r);
  if (exit_status == CLI_DONE) c2_partial_forget(&study->plan);
  return exit_status;
}

static int run(request *r, bool compare) {
  c2_study *study = &r->study;
  c2_plan *o = &study->plan;
  c2_error err = {.code = C2_OK};
  if (set_radii(r, compare, &err) != C2_OK) return cli_fail_error(&err);
  if (!(r->margin >= 0) || isinf(r->margin)) return cli_fail_usage("--margin: expected a percentage >= 0");
  o->margin = r->margin / 100;
  if (compare && !o->from_csv && read_arms(o, r->arms_text, &err) != C2_OK) return cli_fail_error(&err);
  if (read_metrics(o, r->metrics_text, &err) != C2_OK || read_heads(r, &err) != C2_OK) return cli_fail_error(&err);
  o->verdict_radius_given = cli_given(&r->engine, "local-radius");
  study->journal = (c2_journal){.say = say, .warn = warn};
  return o->from_csv ? run_from_csv(r) : run_study(r);
}

/* The arguments as a shell wants them; NULL if memory is out. */
static char *shell_text(int argc, char **argv) {
  size_t room = sizeof "chronos2";
  for (int i = 0; i < argc; i++) room += 4 * strlen(argv[i]) + 3; /* a quote becomes four characters */
  char *text = malloc(room);
  if (!text) return NULL;
  char *at = text + sprintf(text, "chronos2");
  for (int i = 0; i < argc; i++) {
    const char *plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=:,./@%";
    bool quote = argv[i][strspn(argv[i], plain)] != '\0' || argv[i][0] == '\0';
    *at++ = ' ';
    if (quote) *at++ = '\'';
    for (const char *c = argv[i]; *c; c++) {
      if (*c == '\'') at += sprintf(at, "'\\'"); /* ends the quotes; the character itself opens them again */
      *at++ = *c;
    }
    if (quote) *at++ = '\'';
  }
  *at = '\0';
  return text;
}

static int run_command(request *r, int argc, char **argv, bool compare) {
  char *text = shell_text(argc, argv);
  if (!text) return cli_fail("cannot allocate the command line's text");
  r->study.plan.command = text;
  int status = run(r, compare);
  c2_study_free(&r->study);
  free(text);
  free(r->radii);
  free(r->perf_radii);
  free(r->ablate);
  return status;
}

static void set_defaults(request *r, bool compare) {
  c2_plan *o = &r->study.plan;
  o->prefix = compare ? "study" : "probe";
  o->probe_windows = 1;
  o->probe_series = 256;
  o->probe_batch = 4;
  o->perf_batch = 256;
  o->repeats = 5;
  o->split = 128;
  o->chunk_size = 256;
  o->draws = 10000;
  if (compare) o->verdict_radius = CHRONOS2_STANDARD_RADIUS;
  cli_engine_init(&r->engine);
  cli_engine_leave_out(&r->engine, "attention"); /* full, and windowed_future_global at the radii */
  cli_engine_leave_out(&r->engine, "radius");
  if (!compare) cli_engine_leave_out(&r->engine, "batch-size");
}

/* The options of both commands; returns their number. */
static size_t put_probe_options(request *r, bool compare, cli_option *to) {
  c2_plan *o = &r->study.plan;
  const char *results = compare ? "Name the results P__*.csv, P__run.json and P__report.html. What an earlier study of "
                                  "this name has written is replaced, or else removed. [study]"
                                : "Name the results P__*.csv and P__run.json. [probe]";
  const cli_option table[] = {
      {"tasks", 0, "FILE|DIR",
       "Task file in fev's format, or a folder that holds one named tasks.yaml. A data set that is no file beside it "
       "is taken from a hub. chronos-benchmark-ii: the 27 tasks of that name.",
       CLI_TEXT, &o->tasks, NULL},
      {"out-prefix", 0, "P", results, CLI_TEXT, &o->prefix, NULL},
      {"radii", 0, "R,...", "Radii of the probe, in tokens, or inf. [2,4,8,16,32,64,128]", CLI_TEXT, &r->radii_text,
       NULL},
      {"max-tasks", 0, "N", "Use only the first N tasks; 0 uses all. [0]", CLI_SIZE, &o->most_tasks, NULL},
      {"exclude-regex", 0, "REGEX", "Leave out the tasks whose name matches.", CLI_TEXT, &o->exclude_regex, NULL},
      {"max-windows-per-task", 0, "N", "Number of windows of a task to probe; 0 probes all. [1]", CLI_SIZE,
       &o->probe_windows, NULL},
      {"max-series-per-window", 0, "N", "Number of series of a window to probe; 0 probes all. [256]", CLI_SIZE,
       &o->probe_series, NULL},
      {"probe-batch-size", 0, "N", "Number of rows in a pass of the probe. [4]", CLI_COUNT, &o->probe_batch, NULL},
      {"S-split", 0, "S", "A window counts as large in the summary from this number of tokens on. [128]", CLI_COUNT,
       &o->split, NULL},
      {"exclude-reg-query", 0, NULL, "Leave the REG token out of the queries.", CLI_FLAG, &o->exclude_reg, NULL},
      {"time-reg-is-global", 0, NULL, "Another name of --reg-global.", CLI_FLAG, &r->engine.session.reg_global, NULL},
      {"include-padded-queries", 0, NULL, "Count queries at padding too. This needs --backend reference.", CLI_FLAG,
       &o->include_padded, NULL},
      {"as-univariate", 0, NULL, "Take every target on its own, without covariates.", CLI_FLAG, &o->as_univariate,
       NULL},
      {"seed", 0, "N",
       compare ? "Seed of the choice of series, of bootstrap redraws and of the order of timed passes. [0]"
               : "Seed of the random choice of series. [0]",
       CLI_SIZE, &o->seed, NULL},
      {"resume", 0, NULL,
       compare ? "Go on with an interrupted run, if there is one. Whatever results depend on must be as it was; "
                 "threads, machine, --margin and --max-tasks may differ."
               : "Go on with an interrupted run, if there is one. Whatever results depend on must be as it was; "
                 "threads, machine and --max-tasks may differ.",
       CLI_FLAG, &o->resume, NULL},
      {"restart", 0, NULL, "Drop what an interrupted run has finished and run all tasks.", CLI_FLAG, &o->restart,
       NULL},
      {NULL, 0, NULL, NULL, CLI_FLAG, NULL, NULL}};
  memcpy(to, table, sizeof table);
  return sizeof table / sizeof table[0] - 1;
}

static c2_status parse_local_radius(void *target, const char *text, c2_error *err) {
  return cli_parse_radius("local-radius", text, target, err);
}

/* Those of the study alone. */
static void put_study_options(request *r, cli_option *to) {
  c2_plan *o = &r->study.plan;
  const cli_option table[] = {
      {"perf-radii", 0, "R,...", "Radii of the comparison. [those of --radii]", CLI_TEXT, &r->perf_radii_text, NULL},
      {"metrics", 0, "METRIC,...",
       "Compare by these metrics of fev. The first one leads: the verdict and the tests speak of it. MASE and WQL are "
       "always among them. [MASE, WQL and the metrics that the tasks name]",
       CLI_TEXT, &r->metrics_text, NULL},
      {"arms", 0, "ARM,...",
       "Further comparisons, of accuracy alone. blind: windowed_future_global at radius inf. visible and null: "
       "windowed_future_visible and windowed_future_null at the radii and inf. none: no further ones. "
       "[blind,visible,null]",
       CLI_TEXT, &r->arms_text, NULL},
      {"ablate", 0, "LAYER:HEAD,...",
       "Two further comparisons under full attention: in one, these heads (counted from 0) do not let the context see "
       "the future; in the other, all other heads do not.",
       CLI_TEXT, &r->ablate_text, NULL},
      {"find-sinks", 0, NULL,
       "A further comparison for each head, in which it alone does not let the context see the future. "
       "P__find_sinks.csv ranks the heads by what that costs.",
       CLI_FLAG, &o->find_sinks, NULL},
      {"sparse-model", 0, "DIR|REPO", "Also run this model, which was trained sparse: in full and at the radii.",
       CLI_TEXT, &o->sparse_model_folder, NULL},
      {"baselines", 0, NULL, "Also print seasonal naive's accuracy and published results for the same tasks.", CLI_FLAG,
       &r->baselines, NULL},
      {"local-radius", 0, "R", "The radius of which the verdict speaks, one of those compared. [8, else the smallest]",
       CLI_CUSTOM, &o->verdict_radius, parse_local_radius},
      {"from-csv", 0, "DIR",
       "Run no model: read the files P__perf_*.csv and P__mass_per_window.csv of an earlier study from this folder.",
       CLI_TEXT, &o->from_csv, NULL},
      {"margin", 0, "PERCENT", "A change of a score below this counts as none in tests of equivalence. [1]", CLI_NUMBER,
       &r->margin, NULL},
      {"perf-batch-size", 0, "N", "Number of rows in a pass of the comparison, as --batch-size. [256]", CLI_COUNT,
       &o->perf_batch, NULL},
      {"perf-repeats", 0, "N",
       "Number of timed passes of each pattern, in turns, after one that is not timed, or four on a GPU. [5]",
       CLI_COUNT, &o->repeats, NULL},
      {"chunk-size", 0, "N", "This is only recorded: the engine walks windows without chunks. [256]", CLI_COUNT,
       &o->chunk_size, NULL},
      {NULL, 0, NULL, NULL, CLI_FLAG, NULL, NULL}};
  memcpy(to, table, sizeof table);
}

static int command(int argc, char **argv, const cli_usage *usage, bool compare) {
  request r = {.radii_text = "2,4,8,16,32,64,128",
               .arms_text = "blind,visible,null",
               .margin = 1};
  cli_option options[CLI_MOST_OPTIONS];
  set_defaults(&r, compare);
  size_t count = put_probe_options(&r, compare, options);
  if (compare) put_study_options(&r, options + count);
  int first = 0;
  int status = 0;
  if (!cli_parse(argc, argv, usage, options, &r.engine, &first, &status)) return status;
  return run_command(&r, argc, argv, compare);
}

int cli_study(int argc, char **argv) {
  static const cli_usage usage = {
      .command = "study",
      .arguments = "",
      .summary = "Measures how much attention a model can drop, what that costs in accuracy and what it gains in time "
                 "and memory: windowed_future_global against full attention, over tasks and radii. It also says which "
                 "heads rest their attention on future tokens, on REG or on the first token (P__sinks.csv).",
      .examples = "Run the published study's comparison on tasks of your own:\n"
                  "chronos2 study --tasks my/tasks.yaml -m path/to/chronos-2 --radii 2,8,32\n"
                  "Add weights that were trained sparse, and go on after an interruption:\n"
                  "chronos2 study --tasks my/tasks.yaml --sparse-model path/to/weights --resume\n"
                  "Find the heads that need to see the future:\n"
                  "chronos2 study --tasks my/tasks.yaml --find-sinks\n"
                  "Read the files of an earlier study again:\n"
                  "chronos2 study --from-csv path/to/files\n"};
  return command(argc, argv, &usage, true);
}

int cli_probe(int argc, char **argv) {
  static const cli_usage usage = {
      .command = "probe",
      .arguments = "",
      .summary = "Measures how much of the weight of full time attention windowed_future_global would keep, by radius, "
                 "and which heads rest their attention on future tokens, on REG or on the first token "
                 "(P__sinks.csv).",
      .examples = "Probe a model on tasks of your own:\n"
                  "chronos2 probe --tasks my/tasks.yaml -m path/to/chronos-2 --radii 2,8,32\n"};
  return command(argc, argv, &usage, false);
}
