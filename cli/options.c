/* The parsing of a command's arguments by its tables of options. */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/cli.h"

enum { GENERATE = 999, LONG_BASE = 1000 }; /* codes of long options */

/* ---- Values ---------------------------------------------------------------------------------- */

c2_status cli_parse_size(const char *name, const char *text, size_t least, size_t *out, c2_error *err) {
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
  if (c2_number_read_text(text, out)) return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: expected a number, found '%s'", name, text);
}

static c2_status set_option(const cli_option *option, const char *text, c2_error *err) {
  switch (option->kind) {
    case CLI_FLAG: *(bool *)option->target = true; return C2_OK;
    case CLI_TEXT: *(const char **)option->target = text; return C2_OK;
    case CLI_SIZE: return cli_parse_size(option->name, text, 0, option->target, err);
    case CLI_COUNT: return cli_parse_size(option->name, text, 1, option->target, err);
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
    if (!c2_number_read_text(items[i], &values[i])) {
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
  struct option longs[CLI_MAX_GIVEN + 3]; /* also --help, --generate and the end */
  const cli_option *entries[CLI_MAX_GIVEN];
  const char *values[CLI_MAX_GIVEN]; /* as given; NULL: not yet, or a flag */
  char shorts[2 * CLI_MAX_GIVEN + 3]; /* also ":h" */
  size_t count;
} parser;

static void parser_add(parser *p, const cli_option *table) {
  for (const cli_option *o = table; o && o->name; o++) {
    assert(p->count < CLI_MAX_GIVEN); /* the tables' rooms have been exceeded before */
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

/* A radius belongs to a windowed pattern that is named beside it: whether a command is right must not depend on the
 * weights. */
static bool settle_radius(cli_engine *e) {
  bool windowed = e->session.attention != CHRONOS2_AUTO && e->session.attention != CHRONOS2_FULL;
  if (!isnan(e->radius) && !windowed) {
    (void)cli_fail_usage("--radius: expected a windowed pattern beside it, as --attention windowed_future_global");
    return false;
  }
  if (windowed) e->session.radius = isnan(e->radius) ? CHRONOS2_STANDARD_RADIUS : e->radius;
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

/* Whether the value of the last option in an argument is the next argument. */
static bool takes_next(const parser *p, const char *argument) {
  if (argument[1] != '-') {
    for (const char *c = argument + 1; *c; c++) {
      const char *known = strchr(p->shorts + 1, *c);
      if (known && known[1] == ':') return !c[1];
    }
    return false;
  }
  bool takes = false;
  size_t n = strlen(argument + 2);
  for (const struct option *o = p->longs; o->name; o++) {
    if (strncmp(o->name, argument + 2, n) != 0) continue;
    takes = o->has_arg == required_argument;
    if (!o->name[n]) break; /* others are abbreviated */
  }
  return takes;
}

/* The published script spells options with underscores. Values keep theirs. */
static void put_hyphens(const parser *p, int argc, char **argv) {
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (argv[i][0] != '-' || !argv[i][1]) continue;
    char *end = argv[i] + strcspn(argv[i], "=");
    for (char *c = argv[i] + 2; argv[i][1] == '-' && c < end; c++) {
      if (*c == '_') *c = '-';
    }
    i += takes_next(p, argv[i]);
  }
}

/* Sets the option of getopt's code. False after a usage error, which is printed. */
static bool take_option(parser *p, int code, char **argv, const cli_usage *usage, cli_engine *engine) {
  const cli_option *option = code == '?' || code == ':' ? NULL : parser_find(p, code);
  c2_error err = {.code = C2_OK};
  if (code == ':') {
    (void)cli_fail_usage("%s needs a value; see 'chronos2 %s --help'", argv[optind - 1], usage->command);
    return false;
  }
  if (!option) {
    refuse_unknown(p, optopt, argv, usage->command);
    return false;
  }
  if (set_option(option, optarg, &err) != C2_OK || take_value(p, option, optarg, &err) != C2_OK) {
    (void)cli_fail_usage("%s", err.text);
    return false;
  }
  if (engine && !cli_given(engine, option->name)) engine->given[engine->given_count++] = option->name;
  return true;
}

static bool parse_options(int argc, char **argv, const cli_usage *usage, const cli_option *own, cli_engine *engine,
                          int *exit_status) {
  const cli_option *shared = engine ? engine->table : NULL;
  parser p = {.count = 0};
  int code = 0;
  memcpy(p.shorts, ":h", 3);
  parser_add(&p, own);
  parser_add(&p, shared);
  p.longs[p.count] = (struct option){"help", no_argument, NULL, 'h'};
  p.longs[p.count + 1] = (struct option){"generate", required_argument, NULL, GENERATE};
  put_hyphens(&p, argc, argv);
  optind = 1;
  opterr = 0;
  *exit_status = CLI_USAGE;
  while ((code = getopt_long(argc, argv, p.shorts, p.longs, NULL)) != -1) {
    if (code == 'h') {
      cli_help(usage, own, shared);
      *exit_status = CLI_DONE;
      return false;
    }
    if (code == GENERATE) {
      *exit_status = cli_generate(optarg, usage, own, shared);
      return false;
    }
    if (!take_option(&p, code, argv, usage, engine)) return false;
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
