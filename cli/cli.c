/* Option tables and the opening of model and session, for all commands. */
#include "cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "base/text.h"
#include "base/threads.h"
#include "data/keep.h"
#include "data/series.h"
#include "study/measure/arm.h"
#include "study/measure/caveats.h"
#include "study/measure/trained.h"

enum { MAX_OPTIONS = CLI_MAX_GIVEN, GENERATE = 999, LONG_BASE = 1000 }; /* codes of long options */

/* ---- Values ---------------------------------------------------------------------------------- */

static c2_status parse_size(const char *name, const char *text, size_t least, size_t *out, c2_error *err) {
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  bool digits = text[0] >= '0' && text[0] <= '9';
  if (!digits || *end || errno == ERANGE || value > SIZE_MAX / 2 || value < least) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: expected a whole number >= %zu, found '%s'", name, least, text);
  }
  *out = (size_t)value;
  return C2_OK;
}

static c2_status parse_number(const char *name, const char *text, double *out, c2_error *err) {
  char *end = NULL;
  double value = strtod(text, &end);
  if (end == text || *end || isnan(value)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: expected a number, found '%s'", name, text);
  }
  *out = value;
  return C2_OK;
}

static c2_status set_option(const cli_option *option, const char *text, c2_error *err) {
  switch (option->kind) {
    case CLI_FLAG: *(bool *)option->target = true; return C2_OK;
    case CLI_TEXT: *(const char **)option->target = text; return C2_OK;
    case CLI_SIZE: return parse_size(option->name, text, 0, option->target, err);
    case CLI_COUNT: return parse_size(option->name, text, 1, option->target, err);
    case CLI_NUMBER: return parse_number(option->name, text, option->target, err);
    case CLI_CUSTOM: return option->parse(option->target, text, err);
  }
  C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: unknown kind of option", option->name);
}

c2_status cli_split(const char *text, char ***items, size_t *count, c2_error *err) {
  size_t n = 1;
  for (const char *c = text; *c; c++) n += *c == ',';
  size_t bytes = strlen(text) + 1;
  char **block = malloc(n * sizeof *block + bytes);
  if (!block) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu bytes", bytes);
  char *copy = (char *)(block + n);
  memcpy(copy, text, bytes);
  for (size_t i = 0; i < n; i++) {
    block[i] = copy;
    char *comma = strchr(copy, ',');
    if (comma) *comma = '\0';
    if (!*copy) {
      free(block);
      C2_FAIL(err, C2_ERR_ARGUMENT, "expected a list separated by commas without empty items, found '%s'", text);
    }
    if (comma) copy = comma + 1;
  }
  *items = block;
  *count = n;
  return C2_OK;
}

static c2_status split_numbers(const char *text, double **numbers, size_t *count, c2_error *err) {
  char **items = NULL;
  C2_TRY(cli_split(text, &items, count, err));
  double *values = malloc(*count * sizeof *values);
  c2_status status = values ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "cannot allocate %zu numbers", *count);
  for (size_t i = 0; status == C2_OK && i < *count; i++) {
    char *end = NULL;
    values[i] = strtod(items[i], &end);
    if (end == items[i] || *end || isnan(values[i])) {
      status = c2_fail(err, C2_ERR_ARGUMENT, "expected numbers separated by commas, found '%s'", items[i]);
    }
  }
  free(items);
  if (status != C2_OK) {
    free(values);
    return status;
  }
  *numbers = values;
  return C2_OK;
}

c2_status cli_read_levels(const char *text, bool ends, double **levels, size_t *count, c2_error *err) {
  c2_error why;
  if (split_numbers(text, levels, count, &why) != C2_OK) C2_FAIL(err, why.code, "--quantile-levels: %s", why.text);
  for (size_t i = 0; i < *count; i++) {
    double level = (*levels)[i];
    bool fits = (level > 0 && level < 1) || (ends && (level == 0 || level == 1));
    for (size_t k = 0; k < i; k++) fits = fits && (float)(*levels)[k] != (float)level;
    if (fits) continue;
    char found[C2_FLOAT_ROOM];
    c2_double_text(found, level, C2_USUAL_DIGITS);
    C2_FAIL(err, C2_ERR_ARGUMENT, "--quantile-levels: expected levels %s, each once, found %s",
            ends ? "from 0 to 1" : "between 0 and 1", found);
  }
  return C2_OK;
}

/* ---- Parsing --------------------------------------------------------------------------------- */

typedef struct parser {
  struct option longs[MAX_OPTIONS];
  const cli_option *entries[MAX_OPTIONS];
  const char *values[MAX_OPTIONS]; /* as given; NULL: not yet, or a flag */
  char shorts[2 * MAX_OPTIONS + 4];
  size_t count;
} parser;

static void parser_add(parser *p, const cli_option *table) {
  for (const cli_option *o = table; o && o->name; o++) {
    if (p->count + 3 >= MAX_OPTIONS) continue;
    p->longs[p->count] = (struct option){o->name, o->kind == CLI_FLAG ? no_argument : required_argument, NULL,
                                         LONG_BASE + (int)p->count};
    p->entries[p->count] = o;
    p->count++;
    if (o->letter) {
      size_t n = strlen(p->shorts);
      p->shorts[n++] = o->letter;
      if (o->kind != CLI_FLAG) p->shorts[n++] = ':';
      p->shorts[n] = '\0';
    }
  }
}

static const cli_option *parser_find(const parser *p, int code) {
  if (code >= LONG_BASE) return p->entries[code - LONG_BASE];
  for (size_t i = 0; i < p->count; i++) {
    if (p->entries[i]->letter == code) return p->entries[i];
  }
  return NULL;
}

static bool is_list(const cli_option *option) {
  return option->value && (strcmp(option->value, "LIST") == 0 || strstr(option->value, ",..."));
}

/* An option that comes again, maybe by another name of it. A second list could add to the first one or replace it, so
 * it is refused. Of other values the last one counts, and the user is told of those that don't. */
static c2_status take_value(parser *p, const cli_option *option, const char *text, c2_error *err) {
  if (option->kind == CLI_FLAG) return C2_OK;
  for (size_t i = 0; i < p->count; i++) {
    const cli_option *other = p->entries[i];
    const char *before = other->target == option->target ? p->values[i] : NULL;
    if (before && is_list(option)) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: expected one list, with commas between its items, found one of --%s before",
              option->name, other->name);
    }
    if (before && strcmp(before, text) != 0) {
      cli_warn("--%s %s is ignored, as --%s %s follows", other->name, before, option->name, text);
    }
    if (before) p->values[i] = NULL;
    if (other == option) p->values[i] = text;
  }
  return C2_OK;
}

/* What getopt calls '?': it is 0 for a long option, else a letter, maybe within a cluster, or the code of a flag that
 * was given a value. */
static void refuse_unknown(const parser *p, int code, char **argv, const char *command) {
  const char *what = argv[optind - 1]; /* getopt moves arguments behind options */
  if (code >= LONG_BASE || code == 'h') {
    (void)cli_fail_usage("--%s takes no value; see 'chronos2 %s --help'",
                         code == 'h' ? "help" : p->entries[code - LONG_BASE]->name, command);
  } else if (code > 0 && code < 128) {
    (void)cli_fail_usage("unknown option '-%c'; see 'chronos2 %s --help'", code, command);
  } else {
    if (code != 0 && argv[optind]) what = argv[optind]; /* within a character of several bytes */
    (void)cli_fail_usage("unknown option '%s'; see 'chronos2 %s --help'", what, command);
  }
}

enum { STANDARD_RADIUS = 8 }; /* of the published study */

/* A radius belongs to a windowed pattern that is named beside it: whether a command is right must not depend on the
 * weights. */
static bool settle_radius(cli_engine *e) {
  bool windowed = e->session.attention != CHRONOS2_AUTO && e->session.attention != CHRONOS2_FULL;
  if (!isnan(e->radius) && !windowed) {
    (void)cli_fail_usage("--radius: expected a windowed pattern beside it, as --attention windowed_future_global");
    return false;
  }
  if (windowed) e->session.radius = isnan(e->radius) ? STANDARD_RADIUS : e->radius;
  return true;
}

bool cli_given(const cli_engine *e, const char *name) {
  for (size_t i = 0; i < e->given_count; i++) {
    if (strcmp(e->given[i], name) == 0) return true;
  }
  return false;
}

bool cli_refuse(const cli_engine *e, const char *const *names, const char *reason) {
  for (; *names; names++) {
    if (!cli_given(e, *names)) continue;
    (void)cli_fail_usage("--%s: %s", *names, reason);
    return false;
  }
  return true;
}

static bool parse_options(int argc, char **argv, const cli_usage *usage, const cli_option *own, cli_engine *engine,
                          int *exit_status) {
  const cli_option *shared = engine ? engine->table : NULL;
  parser p = {.count = 0};
  memcpy(p.shorts, ":h", 3);
  parser_add(&p, own);
  parser_add(&p, shared);
  p.longs[p.count] = (struct option){"help", no_argument, NULL, 'h'};
  p.longs[p.count + 1] = (struct option){"generate", required_argument, NULL, GENERATE};
  for (int i = 1; i < argc; i++) { /* the published script spells options with underscores */
    if (strcmp(argv[i], "--") == 0) break;
    if (strncmp(argv[i], "--", 2) != 0) continue;
    for (char *c = argv[i] + 2; *c && *c != '='; c++) {
      if (*c == '_') *c = '-';
    }
  }
  optind = 1;
  opterr = 0;
  *exit_status = CLI_USAGE;
  for (;;) {
    int code = getopt_long(argc, argv, p.shorts, p.longs, NULL);
    if (code == -1) break;
    if (code == 'h') {
      cli_help(usage, own, shared);
      *exit_status = CLI_DONE;
      return false;
    }
    if (code == GENERATE) {
      *exit_status = cli_generate(optarg, usage, own, shared);
      return false;
    }
    const cli_option *option = code == '?' || code == ':' ? NULL : parser_find(&p, code);
    if (!option) {
      if (code == ':') {
        (void)cli_fail_usage("%s needs a value; see 'chronos2 %s --help'", argv[optind - 1], usage->command);
      } else {
        refuse_unknown(&p, optopt, argv, usage->command);
      }
      return false;
    }
    c2_error err = {.code = C2_OK};
    if (set_option(option, optarg, &err) != C2_OK || take_value(&p, option, optarg, &err) != C2_OK) {
      (void)cli_fail_usage("%s", err.text);
      return false;
    }
    if (engine && !cli_given(engine, option->name)) engine->given[engine->given_count++] = option->name;
  }
  return true;
}

bool cli_parse(int argc, char **argv, const cli_usage *usage, const cli_option *own, cli_engine *engine, int *first,
               int *exit_status) {
  cli_offer(own, engine ? engine->table : NULL);
  if (!parse_options(argc, argv, usage, own, engine, exit_status)) return false;
  if (engine && !settle_radius(engine)) return false;
  if (engine && engine->offline && engine->update) {
    (void)cli_fail_usage("--offline and --update: expected one of them");
    return false;
  }
  if (engine && engine->cache && engine->session.backend == CHRONOS2_REFERENCE) {
    (void)cli_fail_usage("--cache: the reference backend packs no weights; leave one of them out");
    return false;
  }
  size_t arguments = (size_t)(argc - optind);
  if (arguments < usage->min_arguments || arguments > usage->max_arguments) {
    if (arguments < usage->min_arguments) {
      (void)cli_fail_usage("%s needs %s; see 'chronos2 %s --help'", usage->command, usage->arguments, usage->command);
    } else {
      (void)cli_fail_usage("unexpected argument '%s'; see 'chronos2 %s --help'",
                           argv[optind + (int)usage->max_arguments], usage->command);
    }
    return false;
  }
  if (engine && engine->session.threads > 1 && !c2_has_threads()) {
    cli_warn("--threads %d has no effect: this program is built without threads", engine->session.threads);
  }
  *first = optind;
  return true;
}

/* ---- Series ---------------------------------------------------------------------------------- */

c2_status cli_make_series(const c2_dataset *set, size_t horizon, chronos2_series **series,
                          chronos2_covariate **covariate, c2_error *err) {
  size_t total = 0;
  for (size_t i = 0; i < set->count; i++) total += set->item[i].covariates;
  C2_TRY(c2_alloc_array(set->count, sizeof **series, series, err));
  C2_TRY(c2_alloc_array(total, sizeof **covariate, covariate, err));
  chronos2_covariate *next = *covariate;
  for (size_t i = 0; i < set->count; i++) {
    const c2_item *item = &set->item[i];
    (*series)[i] = c2_series_of(item, &next);
    for (size_t c = 0; c < item->covariates; c++) {
      const c2_covariate *from = &item->covariate[c];
      if (from->future_length > 0 && from->future_length != horizon) {
        C2_FAIL(err, C2_ERR_FORMAT,
                "%s:%zu: series '%s': covariate '%s': %zu future values, expected the horizon's %zu", item->file,
                item->line, item->id, from->name, from->future_length, horizon);
      }
    }
  }
  return C2_OK;
}

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

static c2_status parse_radius(void *target, const char *text, c2_error *err) {
  const char *end = NULL;
  if (c2_radius_read(text, target, &end) && *end == '\0') return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "--radius: expected a whole number of tokens >= 0, or inf, found '%s'", text);
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
  C2_TRY(parse_size("threads", text, 0, &value, err));
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
       "hub, which is downloaded unless Hugging Face's cache has it. [the bundled checkpoint]",
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
       "exact (WQL of the bundled model changes by less than 0.1%), and faster where chronos2 --version names "
       "instructions for them. [fp32]",
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
  char asked[C2_PATTERN_ROOM];
  char trained[C2_TRAINED_ROOM];
  char cost[80] = "";
  double change = 0;
  size_t tasks = 0;
  if (!chronos2_model_training(model).trained) {
    cli_warn("the weights look untrained, so the forecasts mean nothing; see 'chronos2 inspect'");
  }
  if (engine->session.reg_global && pattern.attention == CHRONOS2_FULL) {
    cli_warn("--reg-global changes nothing under full attention");
  }
  if (chronos2_model_trained_for(model, pattern)) return;
  if (chronos2_model_measured(model, pattern, &change, &tasks)) {
    (void)snprintf(cost, sizeof cost, ", which changed MASE by %+.3g%% (%zu task%s)", 100 * change, tasks,
                   tasks == 1 ? "" : "s");
  }
  c2_pattern_text(pattern, asked);
  c2_trained_text(model, trained);
  cli_warn("the weights were trained for %s, not for %s%s; --attention auto takes what they were trained for", trained,
           asked, cost);
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
  c2_caveat_horizon(config, horizon, "the rest is rolled out", line);
  if (line[0]) cli_warn("%s", line);
  c2_caveat_context(config, context_length, line);
  if (line[0]) cli_warn("%s", line);
}

void cli_warn_levels(const chronos2_config *config, const double *levels, size_t count) {
  char line[C2_CAVEAT_ROOM];
  c2_caveat_levels(config, levels, count, line);
  if (line[0]) cli_warn("%s", line);
}
