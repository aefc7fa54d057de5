/* The options of every command that runs a model, and the opening of model and session by them. */
#include "cli/cli.h"

#include <assert.h> /* static_assert */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/caveats.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "base/radius.h"
#include "data/keep.h"

/* ---- Model and session ----------------------------------------------------------------------- */

static c2_status parse_choice(const char *name, const char *text, const char *const *names, const int *values, int *out,
                              c2_error *err) {
  char all[256] = "";
  for (size_t i = 0; names[i]; i++) {
    if (strcmp(text, names[i]) == 0) {
      *out = values[i];
      return C2_OK;
    }
    size_t used = strlen(all);
    (void)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
  }
  C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: expected one of %s, found '%s'", name, all, text);
}

static c2_status parse_attention(void *target, const char *text, c2_error *err) {
  if (chronos2_attention_named(text, target) == CHRONOS2_OK) return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "--%s", chronos2_last_error());
}

c2_status cli_parse_radius(const char *name, const char *text, double *out, c2_error *err) {
  const char *end = NULL;
  if (c2_radius_read(text, out, &end) && *end == '\0') return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: expected a whole number of at most 1e9 tokens, or inf, found '%s'", name, text);
}

static c2_status parse_radius(void *target, const char *text, c2_error *err) {
  return cli_parse_radius("radius", text, target, err);
}

static c2_status parse_dtype(void *target, const char *text, c2_error *err) {
  if (chronos2_dtype_named(text, target) == CHRONOS2_OK) return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "--%s", chronos2_last_error());
}

static c2_status parse_device(void *target, const char *text, c2_error *err) {
  if (strcmp(text, "cpu") != 0 && strcmp(text, "cuda") != 0 && strncmp(text, "cuda:", 5) != 0) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--device: expected cpu, cuda or cuda:N, found '%s'", text);
  }
  *(const char **)target = text;
  return C2_OK;
}

static c2_status parse_isa(void *target, const char *text, c2_error *err) {
  char all[256] = "auto";
  bool known = strcmp(text, "auto") == 0;
  for (size_t i = 0; chronos2_isa_name(i); i++) {
    size_t used = strlen(all);
    known = known || strcmp(text, chronos2_isa_name(i)) == 0;
    (void)snprintf(all + used, sizeof all - used, ", %s", chronos2_isa_name(i));
  }
  if (!known) C2_FAIL(err, C2_ERR_ARGUMENT, "--isa: expected one of %s on this machine, found '%s'", all, text);
  *(const char **)target = text;
  return C2_OK;
}

static c2_status parse_backend(void *target, const char *text, c2_error *err) {
  int value = 0;
  C2_TRY(parse_choice("backend", text, (const char *const[]){"fused", "reference", "flash", "torch", NULL},
                      (const int[]){CHRONOS2_FUSED, CHRONOS2_REFERENCE, CHRONOS2_FUSED, CHRONOS2_FUSED}, &value,
                      err));
  *(chronos2_backend *)target = (chronos2_backend)value;
  return C2_OK;
}

static c2_status parse_threads(void *target, const char *text, c2_error *err) {
  size_t value = 0;
  C2_TRY(cli_parse_size("threads", text, 0, &value, err));
  if (value > 1024) C2_FAIL(err, C2_ERR_ARGUMENT, "--threads: expected at most 1024, found '%s'", text);
  *(int *)target = (int)value;
  return C2_OK;
}

#define PATTERNS "auto|full|windowed_future_global|windowed_future_visible|windowed_future_null"
static const char attention_help[] =
    "Which tokens see which in time attention. auto is the pattern that the weights were trained for. full: every "
    "token sees all. windowed_future_global: a context token sees the context tokens within --radius, a future token "
    "sees all. windowed_future_visible: the same, but a context token also sees the future tokens. "
    "windowed_future_null: the same, but the future tokens that a context token sees are those of a pass in which no "
    "future value is known. [auto]";

void cli_engine_init(cli_engine *e) {
  memset(e, 0, sizeof *e);
  chronos2_session_options_init(&e->session);
  e->radius = (double)NAN;
  chronos2_session_options *s = &e->session;
  const cli_option table[] = {
      {"model", 'm', "DIR|REPO",
       "Folder of the model in Hugging Face format: config.json and model.safetensors. Or OWNER/NAME[@REVISION] on a "
       "hub, which is downloaded unless Hugging Face's cache has it. [the folder that "
       "CHRONOS2_MODEL names, else the bundled checkpoint]",
       CLI_TEXT, &e->model, NULL},
      {"adapter", 0, "DIR|REPO", "Merge the LoRA adapter of this folder or hub, in PEFT's format, into the model.",
       CLI_TEXT, &e->adapter, NULL},
      {"offline", 0, NULL, "Ask no hub: a model by its name must be in the cache.", CLI_FLAG, &e->offline, NULL},
      {"update", 0, NULL, "Ask the hub for a newer state of a model that the cache has.", CLI_FLAG, &e->update, NULL},
      {"cache", 0, "DIR",
       "Keep the packed weights in this folder. Later runs start faster and share them in memory.", CLI_TEXT, &e->cache,
       NULL},
      {"attention", 0, PATTERNS, attention_help, CLI_CUSTOM, &s->attention, parse_attention},
      {"radius", 0, "R",
       "Let a context token see the context tokens that are at most this many tokens away: a whole number, or inf. "
       "This needs a windowed --attention. [8]",
       CLI_CUSTOM, &e->radius, parse_radius},
      {"reg-global", 0, NULL, "Let the REG token see the whole context under a windowed pattern.", CLI_FLAG,
       &s->reg_global, NULL},
      {"dtype", 0, "fp32|bf16|int8",
       "Number type of the encoder's matrices. bf16 takes half of fp32's memory and int8 a quarter; both are less "
       "exact (WQL of the bundled model changes by less than 0.1% in the mean of 15 tasks, by up to 0.8% in one), and "
       "faster where chronos2 --version names instructions for them. [fp32]",
       CLI_CUSTOM, &e->dtype, parse_dtype},
      {"device", 0, "cpu|cuda|cuda:N",
       "Where to compute. cuda is the first NVIDIA GPU, cuda:N the one of that number, counted from 0. It needs "
       "libchronos2_cuda.so. [cpu]",
       CLI_CUSTOM, &s->device, parse_device},
      {"threads", 0, "N", "Number of threads. 0 takes every processor that this process may use. [0]", CLI_CUSTOM,
       &s->threads, parse_threads},
      {"pin", 0, NULL, "Bind each thread to a processor.", CLI_FLAG, &s->pin, NULL},
      {"batch-size", 0, "N", "Number of rows in one pass. A target is a row, and so is a covariate. [256]", CLI_COUNT,
       &e->batch_size, NULL},
      {"context-length", 0, "N",
       "Use at most this many of the last observations. More than the model was made for is allowed, with a warning. "
       "[the model's]",
       CLI_COUNT, &e->context_length, NULL},
      {"isa", 0, "auto|scalar|avx2|avx512|amx|neon|neon-bf16",
       "Highest instruction set to use. auto takes the fastest one for the dtype; chronos2 --version names it. [auto]",
       CLI_CUSTOM, &s->isa, parse_isa},
      {"backend", 0, "fused|reference|flash|torch",
       "fused is the fast implementation, reference the plain one that it is tested against. flash and torch are other "
       "names of fused. [fused]",
       CLI_CUSTOM, &s->backend, parse_backend},
      {NULL, 0, NULL, NULL, CLI_FLAG, NULL, NULL}};
  static_assert(sizeof table <= sizeof e->table, "the shared options have room");
  memcpy(e->table, table, sizeof table);
}

void cli_engine_leave_out(cli_engine *e, const char *name) {
  cli_option *to = e->table;
  for (const cli_option *from = e->table; from->name; from++) {
    if (strcmp(from->name, name) != 0) *to++ = *from;
  }
  *to = (cli_option){0};
}

bool cli_bundled(const char *name, char path[CLI_PATH_ROOM]) {
  const char *places[] = {"/../share/chronos2/", "/../"};
  char *slash = c2_executable_path(path, CLI_PATH_ROOM) ? strrchr(path, '/') : NULL;
  for (size_t i = 0; slash && i < sizeof places / sizeof places[0]; i++) {
    size_t room = CLI_PATH_ROOM - (size_t)(slash - path);
    int n = snprintf(slash, room, "%s%s", places[i], name);
    if (n > 0 && (size_t)n < room && c2_file_exists(path)) return true;
  }
  return false;
}

const char *cli_default_model(void) {
  const char *chosen = getenv("CHRONOS2_MODEL");
  if (chosen && *chosen) return chosen;
  static char path[CLI_PATH_ROOM]; /* the program is one process with one default */
  if (cli_bundled("models/chronos2-micro", path)) return path;
  return "./models/chronos2-micro"; /* a path, whatever follows: never the name of a repository */
}

const char *cli_name_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash && slash[1] ? slash + 1 : path;
}

static bool is_model_file(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot && (strcmp(dot, ".json") == 0 || strcmp(dot, ".safetensors") == 0);
}

static c2_status keep_folder(const char *output, const char *folder, c2_error *err) {
  DIR *dir = opendir(folder);
  c2_status status = C2_OK;
  for (struct dirent *entry = dir ? readdir(dir) : NULL; entry && status == C2_OK; entry = readdir(dir)) {
    char *path = NULL;
    if (!is_model_file(entry->d_name)) continue;
    status = c2_path_join(&path, folder, entry->d_name, err);
    if (status == C2_OK) status = c2_outfile_keep_input(output, path, err);
    free(path);
  }
  if (dir) (void)closedir(dir);
  return status; /* a folder that can't be read is the model's error to tell */
}

c2_status cli_keep_inputs(const char *output, const cli_engine *engine, const char *const *inputs, size_t count,
                          c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (inputs[i]) C2_TRY(c2_keep_input(output, inputs[i], err));
  }
  C2_TRY(keep_folder(output, engine->model ? engine->model : cli_default_model(), err));
  return engine->adapter ? keep_folder(output, engine->adapter, err) : C2_OK;
}

chronos2_model_options cli_model_options(const cli_engine *engine) {
  return (chronos2_model_options){CHRONOS2_MODEL_OPTIONS_INIT, .threads = engine->session.threads,
                                  .skip_packing = engine->session.backend == CHRONOS2_REFERENCE,
                                  .adapter = engine->adapter,
                                  .cache = engine->cache,
                                  .isa = engine->session.isa,
                                  .dtype = engine->dtype};
}

/* A line for each thing about these weights that makes their forecasts worse than they need be. */
static void warn_of_weights(const cli_engine *engine, const chronos2_model *model, const chronos2_session *session) {
  chronos2_pattern pattern = chronos2_session_pattern(session);
  const char *caveat = chronos2_model_caveat(model, pattern);
  if (!chronos2_model_training(model).trained) cli_warn(C2_UNTRAINED "; see 'chronos2 inspect'");
  if (engine->session.reg_global && pattern.attention == CHRONOS2_FULL) {
    cli_warn("--reg-global changes nothing under full attention");
  }
  if (caveat) cli_warn("%s%s", caveat, engine->encodes ? "" : "; --attention auto takes what they were trained for");
}

int cli_engine_open(const cli_engine *engine, chronos2_model **model, chronos2_session **session) {
  chronos2_model_options options = cli_model_options(engine);
  chronos2_status status = chronos2_model_open(engine->model ? engine->model : cli_default_model(), &options, model);
  *session = NULL;
  if (status == CHRONOS2_OK && chronos2_model_warning(*model)) cli_warn("%s", chronos2_model_warning(*model));
  if (status == CHRONOS2_OK) status = chronos2_session_open(*model, &engine->session, session);
  if (status == CHRONOS2_OK) {
    warn_of_weights(engine, *model, *session);
    return CLI_DONE;
  }
  int exit_status = cli_fail_api(status);
  chronos2_model_close(model);
  return exit_status;
}

void cli_warn_lengths(const chronos2_config *config, size_t horizon, size_t context_length) {
  char line[C2_CAVEAT_ROOM];
  c2_caveat_horizon(horizon, config->max_output_patches * config->patch, "the rest is rolled out", line);
  if (line[0]) cli_warn("%s", line);
  c2_caveat_context(context_length, config->context_length, false, line);
  if (line[0]) cli_warn("%s", line);
}

void cli_warn_levels(const chronos2_config *config, const double *levels, size_t count) {
  char line[C2_CAVEAT_ROOM];
  c2_caveat_levels(levels, count, config->quantile_levels, config->quantiles, line);
  if (line[0]) cli_warn("%s", line);
}
