/* Manual pages and shell completion, from the option tables that parse the options and print the help. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "version.h"

/* ---- What a table says ----------------------------------------------------------------------- */

typedef enum value_kind { VALUE_NONE, VALUE_WORD, VALUE_FILE, VALUE_FOLDER, VALUE_OTHER } value_kind;

static const char *const kind_names[] = {"other", "words", "file", "folder", "other"}; /* in the bash script */

/* Of an option's placeholder or a command's arguments. */
static value_kind kind_of(const char *value) {
  if (!value || !*value) return VALUE_NONE;
  if (value[0] >= 'a' && value[0] <= 'z' && strchr(value, '|')) return VALUE_WORD;
  if (strncmp(value, "FILE", 4) == 0 || strstr(value, "INPUT") || strncmp(value, "CASE", 4) == 0) return VALUE_FILE;
  return strncmp(value, "DIR", 3) == 0 || strcmp(value, "[MODEL]") == 0 ? VALUE_FOLDER : VALUE_OTHER;
}

/* "full|auto" as "full auto". */
static void print_words(const char *value) {
  for (const char *c = value; *c; c++) (void)putchar(*c == '|' ? ' ' : *c);
}

/* The length of a help's first sentence, without its full stop and without a default in brackets. */
static size_t first_sentence(const char *help) {
  const char *end = strstr(help, ". ");
  size_t n = end ? (size_t)(end - help) : strlen(help);
  return n > 0 && help[n - 1] == '.' ? n - 1 : n;
}

/* Text in which each character of `marked` is preceded by `mark`. */
static void print_marked(const char *text, size_t n, const char *marked, const char *mark) {
  for (size_t i = 0; i < n; i++) {
    if (strchr(marked, text[i])) (void)fputs(mark, stdout);
    (void)putchar(text[i]);
  }
}

/* ---- Manual pages ---------------------------------------------------------------------------- */

/* Text for roff: hyphens and backslashes are escaped, no line begins with a control character. */
static void print_roff(const char *text, size_t n) {
  if (n > 0 && (text[0] == '.' || text[0] == '\'')) (void)fputs("\\&", stdout);
  for (size_t i = 0; i < n; i++) {
    const char c = text[i];
    if (c == '\\') {
      (void)fputs("\\e", stdout);
    } else if (c == '-') {
      (void)fputs("\\-", stdout);
    } else if (c == '\'') {
      (void)fputs("\\(aq", stdout);
    } else if (c == '\n') {
      (void)fputs("\n.PP\n", stdout);
    } else {
      (void)putchar(c);
    }
  }
}

static void roff(const char *text) {
  print_roff(text, strlen(text));
}

static void print_page_head(const char *suffix, const char *summary) {
  (void)printf(".\\\" Written by 'chronos2 --generate man'.\n.TH CHRONOS2");
  for (const char *c = suffix; *c; c++) (void)printf("%c", *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
  (void)printf(" 1 %s \"chronos2 %s\" \"User commands\"\n.nh\n.ad l\n.SH NAME\nchronos2", C2_DATE, C2_VERSION);
  roff(suffix);
  (void)printf(" \\- ");
  roff(summary);
  (void)printf("\n");
}

static void print_page_options(const cli_option *table) {
  for (const cli_option *o = table; o && o->name; o++) {
    (void)printf(".TP\n");
    if (o->letter) (void)printf("\\fB\\-%c\\fR, ", o->letter);
    (void)printf("\\fB\\-\\-");
    roff(o->name);
    (void)printf("\\fR");
    if (o->value) {
      (void)printf(" \\fI");
      print_marked(o->value, strlen(o->value), "|", "\\:"); /* a line may break before a | */
      (void)printf("\\fR");
    }
    (void)printf("\n");
    roff(o->help);
    (void)printf("\n");
  }
}

static void print_page_examples(const char *examples) {
  bool command = false;
  (void)printf(".SH EXAMPLES\n");
  for (const char *line = examples; *line; command = !command) {
    size_t n = strcspn(line, "\n");
    if (command) {
      (void)printf(".PP\n.nf\n.RS\n");
    } else if (line != examples) {
      (void)printf(".PP\n");
    }
    print_roff(line, n);
    (void)printf(command ? "\n.RE\n.fi\n" : "\n");
    line += n + (line[n] == '\n');
  }
}

static void print_exit_status(void) {
  (void)printf(".SH EXIT STATUS\n0 after success, 1 after a failure, 2 after a usage error. A failure is one line on\n"
               "standard error that begins with \"chronos2: error:\".\n");
}

static void man_command(const cli_usage *usage, const cli_option *own, const cli_option *shared) {
  char suffix[64];
  const cli_command *command = cli_commands;
  while (command->name && strcmp(command->name, usage->command) != 0) command++;
  (void)snprintf(suffix, sizeof suffix, "-%s", usage->command);
  print_page_head(suffix, command->summary ? command->summary : "");
  (void)printf(".SH SYNOPSIS\n\\fBchronos2 %s\\fR [\\fIoptions\\fR]", usage->command);
  if (*usage->arguments) {
    (void)printf(" \\fI");
    roff(usage->arguments);
    (void)printf("\\fR");
  }
  (void)printf("\n.SH DESCRIPTION\n");
  roff(usage->summary);
  (void)printf("\n.SH OPTIONS\n");
  print_page_options(own);
  (void)printf(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nPrint a help text.\n");
  if (shared) (void)printf(".SS \"Model and engine\"\n");
  print_page_options(shared);
  if (usage->examples) print_page_examples(usage->examples);
  print_exit_status();
  (void)printf(".SH SEE ALSO\n.BR chronos2 (1)\n");
}

static void man_program(void) {
  print_page_head("", "time-series forecasting with Chronos-2 models");
  (void)printf(".SH SYNOPSIS\n\\fBchronos2\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n.SH DESCRIPTION\n"
               "\\fBchronos2\\fR forecasts time series with models in the format of Chronos\\-2, on a processor or a\n"
               "GPU, with full or with sparse time attention. Each command has a manual page of its own.\n"
               ".SH COMMANDS\n");
  for (const cli_command *c = cli_commands; c->name; c++) {
    (void)printf(".TP\n.BR chronos2\\-%s (1)\n", c->name);
    roff(c->summary);
    (void)printf("%s\n", c->developer ? " (for developers)" : "");
  }
  (void)printf(".SH OPTIONS\n.TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nPrint a help text.\n"
               ".TP\n\\fB\\-\\-version\\fR\nPrint the version and the instruction set that "
               "\\fB\\-\\-isa auto\\fR takes.\n"
               ".SH ENVIRONMENT\n.TP\n\\fBCHRONOS2_MODEL\\fR\n"
               "Folder of the model that is used without \\fB\\-\\-model\\fR.\n"
               ".TP\n\\fBCHRONOS2_ISA\\fR\nInstruction set that \\fB\\-\\-isa auto\\fR takes; "
               "an error where the machine lacks it.\n"
               ".TP\n\\fBCHRONOS2_DUCKDB\\fR\n"
               "Path of DuckDB's library, which reads and writes Parquet.\n"
               ".TP\n\\fBCHRONOS2_CUDA_LIBRARY\\fR\n"
               "Path of libchronos2_cuda.so, which computes on a GPU.\n"
               ".TP\n\\fBCHRONOS2_CUDA_GRAPHS\\fR\n"
               "With 0 no work of a GPU is recorded as a graph and replayed, which is slower.\n");
  print_exit_status();
  (void)printf(".SH SEE ALSO\n");
  const char *before = "";
  for (const cli_command *c = cli_commands; c->name; c++) {
    (void)printf("%s.BR chronos2\\-%s (1)", before, c->name);
    before = " ,\n";
  }
  (void)printf("\n");
}

/* ---- bash ------------------------------------------------------------------------------------ */

static void bash_begin(void) {
  (void)printf("# bash completion for chronos2, written by 'chronos2 --generate bash'\n"
               "_chronos2() {\n"
               "  local cur=${COMP_WORDS[COMP_CWORD]} prev= options= kind=file\n"
               "  COMPREPLY=()\n"
               "  ((COMP_CWORD > 0)) && prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
               "  if [[ $cur == = ]]; then # --option= is three words\n"
               "    cur=\n"
               "  elif [[ $prev == = ]]; then\n"
               "    prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
               "  fi\n"
               "  if ((COMP_CWORD == 1)); then\n"
               "    mapfile -t COMPREPLY < <(compgen -W '");
  for (const cli_command *c = cli_commands; c->name; c++) (void)printf("%s ", c->name);
  (void)printf("--help --version' -- \"$cur\")\n"
               "    return\n"
               "  fi\n"
               "  case ${COMP_WORDS[1]} in\n");
}

static void bash_options(const cli_option *table) {
  for (const cli_option *o = table; o && o->name; o++) {
    if (o->letter) (void)printf("-%c ", o->letter);
    (void)printf("--%s ", o->name);
  }
}

static void bash_values(const cli_option *table) {
  for (const cli_option *o = table; o && o->name; o++) {
    value_kind kind = kind_of(o->value);
    if (kind == VALUE_NONE) continue;
    (void)printf("        --%s", o->name);
    if (o->letter) (void)printf(" | -%c", o->letter);
    (void)printf(") kind=%s", kind_names[kind]);
    if (kind == VALUE_WORD) {
      (void)printf(" options='");
      print_words(o->value);
      (void)printf("'");
    }
    (void)printf(" ;;\n");
  }
}

static void bash_command(const cli_usage *usage, const cli_option *own, const cli_option *shared) {
  (void)printf("    %s)\n      kind=%s options='", usage->command, kind_names[kind_of(usage->arguments)]);
  bash_options(own);
  bash_options(shared);
  (void)printf("--help'\n      case $prev in\n");
  bash_values(own);
  bash_values(shared);
  (void)printf("        *) [[ $cur == -* ]] && kind=words ;;\n      esac\n      ;;\n");
}

static void bash_end(void) {
  (void)printf("  esac\n"
               "  case $kind in\n"
               "    words) mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\") ;;\n"
               "    folder)\n"
               "      compopt -o filenames 2>/dev/null\n"
               "      mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
               "      ;;\n"
               "    file)\n"
               "      compopt -o filenames 2>/dev/null\n"
               "      mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
               "      ;;\n"
               "  esac\n"
               "}\n"
               "complete -F _chronos2 chronos2\n");
}

/* ---- zsh ------------------------------------------------------------------------------------- */

/* Text between single quotes, as _arguments takes it. */
static void print_zsh(const char *text, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (strchr("[]:\\", text[i])) (void)putchar('\\');
    (void)fputs(text[i] == '\'' ? "'\\'" : "", stdout);
    (void)putchar(text[i]);
  }
}

static void zsh_begin(void) {
  (void)printf("#compdef chronos2\n# zsh completion for chronos2, written by 'chronos2 --generate zsh'\n"
               "_chronos2() {\n  local -a commands\n  commands=(\n");
  for (const cli_command *c = cli_commands; c->name; c++) {
    (void)printf("    '%s:", c->name);
    print_zsh(c->summary, strlen(c->summary));
    (void)printf("'\n");
  }
  (void)printf("  )\n  if ((CURRENT == 2)); then\n    _describe command commands\n"
               "    compadd -- --help --version\n    return\n  fi\n"
               "  local command=$words[2]\n  shift words\n  ((CURRENT--))\n  case $command in\n");
}

static void zsh_option(const cli_option *o, const char *exclude, const char *spelling) {
  value_kind kind = kind_of(o->value);
  (void)printf(" \\\n        '%s%s[", exclude, spelling);
  print_zsh(o->help, first_sentence(o->help));
  (void)printf("]");
  if (kind != VALUE_NONE) {
    (void)printf(":");
    if (kind == VALUE_WORD) {
      (void)printf("%s:(", o->name);
      print_words(o->value);
      (void)printf(")");
    } else {
      print_zsh(o->value, strlen(o->value));
      (void)printf(":%s", kind == VALUE_FILE ? "_files" : kind == VALUE_FOLDER ? "_files -/" : " ");
    }
  }
  (void)printf("'");
}

static void zsh_options(const cli_option *table) {
  for (const cli_option *o = table; o && o->name; o++) {
    char exclude[80] = "";
    char spelling[80];
    if (o->letter) {
      (void)snprintf(exclude, sizeof exclude, "(-%c --%s)", o->letter, o->name);
      (void)snprintf(spelling, sizeof spelling, "-%c%s", o->letter, o->value ? "+" : "");
      zsh_option(o, exclude, spelling);
    }
    (void)snprintf(spelling, sizeof spelling, "--%s%s", o->name, o->value ? "=" : "");
    zsh_option(o, exclude, spelling);
  }
}

static void zsh_command(const cli_usage *usage, const cli_option *own, const cli_option *shared) {
  value_kind arguments = kind_of(usage->arguments);
  (void)printf("    %s)\n      _arguments", usage->command);
  zsh_options(own);
  zsh_options(shared);
  (void)printf(" \\\n        '(-h --help)'{-h,--help}'[Print a help text]'");
  if (arguments == VALUE_FILE) (void)printf(" \\\n        '*:input:_files'");
  if (arguments == VALUE_FOLDER) (void)printf(" \\\n        '1:model:_files -/'");
  (void)printf("\n      ;;\n");
}

static void zsh_end(void) {
  (void)printf("  esac\n}\nif [[ $funcstack[1] == _chronos2 ]]; then\n  _chronos2 \"$@\"\nelse\n"
               "  compdef _chronos2 chronos2\nfi\n");
}

/* ---- fish ------------------------------------------------------------------------------------ */

static void print_fish(const char *text, size_t n) {
  (void)putchar('\'');
  print_marked(text, n, "'\\", "\\");
  (void)putchar('\'');
}

static void fish_begin(void) {
  (void)printf("# fish completion for chronos2, written by 'chronos2 --generate fish'\n"
               "complete -c chronos2 -n __fish_use_subcommand -f -s h -l help -d 'Print a help text'\n"
               "complete -c chronos2 -n __fish_use_subcommand -f -l version -d 'Print the version'\n");
  for (const cli_command *c = cli_commands; c->name; c++) {
    (void)printf("complete -c chronos2 -n __fish_use_subcommand -f -a %s -d ", c->name);
    print_fish(c->summary, strlen(c->summary));
    (void)printf("\n");
  }
}

static void fish_options(const char *command, const cli_option *table) {
  for (const cli_option *o = table; o && o->name; o++) {
    (void)printf("complete -c chronos2 -n '__fish_seen_subcommand_from %s' -l %s", command, o->name);
    if (o->letter) (void)printf(" -s %c", o->letter);
    switch (kind_of(o->value)) {
      case VALUE_NONE: break;
      case VALUE_WORD:
        (void)printf(" -x -a '");
        print_words(o->value);
        (void)printf("'");
        break;
      case VALUE_FILE: (void)printf(" -r -F"); break;
      case VALUE_FOLDER: (void)printf(" -x -a '(__fish_complete_directories)'"); break;
      case VALUE_OTHER: (void)printf(" -x"); break;
    }
    (void)printf(" -d ");
    print_fish(o->help, first_sentence(o->help));
    (void)printf("\n");
  }
}

static void fish_command(const cli_usage *usage, const cli_option *own, const cli_option *shared) {
  const char *command = usage->command;
  fish_options(command, own);
  fish_options(command, shared);
  (void)printf("complete -c chronos2 -n '__fish_seen_subcommand_from %s' -s h -l help -d 'Print a help text'\n",
               command);
  if (kind_of(usage->arguments) == VALUE_NONE) {
    (void)printf("complete -c chronos2 -n '__fish_seen_subcommand_from %s' -f\n", command);
  }
}

/* ---- All formats ----------------------------------------------------------------------------- */

static void nothing(void) {}

typedef struct format {
  const char *name;
  void (*begin)(void);
  void (*command)(const cli_usage *usage, const cli_option *own, const cli_option *shared);
  void (*end)(void);
  bool is_whole; /* a file holds all commands */
} format;

static const format *find_format(const char *name) {
  static const format formats[] = {{"man", man_program, man_command, nothing, false},
                                   {"bash", bash_begin, bash_command, bash_end, true},
                                   {"zsh", zsh_begin, zsh_command, zsh_end, true},
                                   {"fish", fish_begin, fish_command, nothing, true}};
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
    if (strcmp(name, formats[i].name) == 0) return &formats[i];
  }
  (void)cli_fail_usage("--generate: expected one of man, bash, zsh, fish, found '%s'", name);
  return NULL;
}

int cli_generate(const char *name, const cli_usage *usage, const cli_option *own, const cli_option *shared) {
  const format *f = find_format(name);
  if (!f) return CLI_USAGE;
  f->command(usage, own, shared);
  return CLI_DONE;
}

int cli_generate_program(const char *name, int (*run)(int argc, char **argv)) {
  const format *f = find_format(name);
  if (!f) return CLI_USAGE;
  f->begin();
  for (const cli_command *c = cli_commands; c->name && f->is_whole; c++) {
    char command[32];
    char option[40];
    (void)snprintf(command, sizeof command, "%s", c->name);
    (void)snprintf(option, sizeof option, "--generate=%s", f->name);
    char *argv[] = {command, option, NULL};
    (void)run(2, argv);
  }
  f->end();
  return CLI_DONE;
}
