/* What the commands share: option tables (parsing, help, manual pages and shell completion come from them), errors, the
 * opening of a model and a session from the common options. A command is one file with one function. */
#ifndef C2_CLI_H
#define C2_CLI_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"
#include "hub/hub.h"

/* Exit statuses. */
enum { CLI_DONE = 0, CLI_FAILURE = 1, CLI_USAGE = 2 };

typedef enum cli_kind {
  CLI_FLAG,   /* bool *: set to true */
  CLI_TEXT,   /* const char ** */
  CLI_SIZE,   /* size_t *: a whole number >= 0 */
  CLI_COUNT,  /* size_t *: a whole number >= 1 */
  CLI_NUMBER, /* double *: any number but NaN */
  CLI_CUSTOM  /* calls `parse(target, text, err)` */
} cli_kind;

enum { CLI_MOST_OPTIONS = 40 }; /* of a command's own table and its end */
enum { CLI_MOST_SHARED = 20 };  /* of the engine's */
enum { CLI_MAX_GIVEN = CLI_MOST_OPTIONS + CLI_MOST_SHARED, CLI_PATH_ROOM = 4096 };

typedef c2_status (*cli_parse_fn)(void *target, const char *text, c2_error *err);

/* One long option. A table ends with an entry whose name is NULL. What the user types may have
 * underscores for hyphens. */
typedef struct cli_option {
  const char *name;  /* without the dashes */
  char letter;       /* short form, or 0 */
  const char *value; /* NULL for flags; "full|auto": one of these words; "FILE..." and "DIR": a path; else any text */
  const char *help;  /* sentences; the default stands in brackets at the end where there is one */
  cli_kind kind;
  void *target;
  cli_parse_fn parse; /* CLI_CUSTOM only */
} cli_option;

typedef struct cli_usage {
  const char *command;   /* "forecast" */
  const char *arguments; /* "INPUT..." or "" */
  const char *summary;   /* sentences; a newline begins a paragraph */
  const char *examples;  /* lines in turn: what a command does, and the command; NULL if there are none */
  size_t min_arguments, max_arguments;
} cli_usage;

/* A command of the program. */
typedef struct cli_command {
  const char *name;
  const char *summary; /* one line, a verb first */
  bool developer; /* made for the tests and for work on the program itself */
} cli_command;

extern const cli_command cli_commands[]; /* ends with an entry whose name is NULL */

/* The options of every command that runs a model. */
typedef struct cli_engine {
  const char *model;   /* -m: folder, or OWNER/NAME until cli_engine_locate; NULL = the bundled checkpoint */
  const char *adapter; /* likewise, of a LoRA adapter; NULL = none */
  const char *cache;   /* folder for packed weights, or NULL */
  chronos2_dtype dtype;
  size_t batch_size;     /* 0 = default */
  size_t context_length; /* 0 = the model's */
  double radius;         /* NaN = not given; session.radius is what to run with */
  chronos2_session_options session;
  bool offline, update;  /* whether a hub may not be, or must be asked */
  bool encodes;          /* contexts are encoded, which may take another pattern than a forecast */
  char model_room[CLI_PATH_ROOM], adapter_room[CLI_PATH_ROOM];
  cli_option table[CLI_MOST_SHARED]; /* filled by cli_engine_init */
  const char *given[CLI_MAX_GIVEN]; /* [given_count] names of the options that the user gave, also the command's own */
  size_t given_count;
} cli_engine;

/* Parses argv (argv[0] is the command's name) against the command's table and the engine's (either may be NULL).
 * Returns true to go on, with *first the index of the first argument that is no option; false to leave with
 * *exit_status: after --help or --generate (0) or after a usage error (2), which is printed. */
bool cli_parse(int argc, char **argv, const cli_usage *usage, const cli_option *own, cli_engine *engine, int *first,
               int *exit_status);

/* Reads a whole number from `least` on, which is the value of the option `name`. */
c2_status cli_parse_size(const char *name, const char *text, size_t least, size_t *out, c2_error *err);

/* Reads a radius, or inf, in the same way. */
c2_status cli_parse_radius(const char *name, const char *text, double *out, c2_error *err);

/* Says which options the running command has; cli_parse does. */
void cli_offer(const cli_option *own, const cli_option *shared);

/* The help of a command, and of the program, on standard output. Either table may be NULL. */
void cli_help(const cli_usage *usage, const cli_option *own, const cli_option *shared);
void cli_help_program(FILE *out);

/* --generate FORMAT, which the build calls: a command's part of a shell's completion (bash, zsh, fish) or its manual
 * page (man) on standard output. Returns CLI_DONE, or CLI_USAGE for an unknown format, which is printed. */
int cli_generate(const char *format, const cli_usage *usage, const cli_option *own, const cli_option *shared);

/* The same for the program: a whole completion script, made of the commands' parts, or the page chronos2(1). `run` runs
 * the command that argv[0] names. */
int cli_generate_program(const char *format, int (*run)(int argc, char **argv));

void cli_engine_init(cli_engine *engine);

/* True if the user gave an option of this name. */
bool cli_given(const cli_engine *engine, const char *name);

/* Refuses the options of a list, which NULL ends. If one of them was given, it prints the usage error "--NAME: REASON"
 * and returns false. */
bool cli_refuse(const cli_engine *engine, const char *const *names, const char *reason);

/* Takes an option out of the table, for a command that has no use for it. */
void cli_engine_leave_out(cli_engine *engine, const char *name);

/* Puts folders in place of the names that model and adapter may have on a hub: from the cache, else downloaded. A
 * command calls it when nothing else can be wrong with its options. Returns CLI_DONE, or the exit status of a failure,
 * which is printed. */
int cli_engine_locate(cli_engine *engine);

/* Fails where standard input is more than one of these paths: a second reading would find nothing, and blame the data.
 * *is_one: it is one of them. */
c2_status cli_check_standard_input(char **paths, size_t count, bool *is_one, c2_error *err);

/* Puts the places in the cache into the arguments that are hf://datasets/OWNER/NAME/PATH. They are good until this is
 * freed. Returns what cli_engine_locate returns. */
typedef struct cli_located {
  char **path;
  size_t count;
} cli_located;
int cli_locate_inputs(const cli_engine *engine, char **arguments, size_t count, cli_located *located);
void cli_located_free(cli_located *located);

/* The options of the model, as the command line has them. */
chronos2_model_options cli_model_options(const cli_engine *engine);

/* Opens model and session, to be closed with the two _close calls. Returns CLI_DONE, or the exit status of a failure,
 * which is printed; then neither is open. Warns of weights that were not trained, or not for the session's pattern. */
int cli_engine_open(const cli_engine *engine, chronos2_model **model, chronos2_session **session);

/* Warns of a horizon that is rolled out and of a context beyond what the model was trained for. */
void cli_warn_lengths(const chronos2_config *config, size_t horizon, size_t context_length);

/* Warns of quantile levels outside the trained ones. */
void cli_warn_levels(const chronos2_config *config, const double *levels, size_t count);

/* Folder of the bundled checkpoint: $CHRONOS2_MODEL, or models/chronos2-micro beside the source tree
 * or installed. The result is static or lives as long as the process. */
const char *cli_default_model(void);

/* The last part of a path. */
const char *cli_name_of(const char *path);

/* The path of something that the program brings along ("datasets/x.yaml"), installed or beside the source tree; false
 * if it isn't there. */
bool cli_bundled(const char *name, char path[CLI_PATH_ROOM]);

/* Print "chronos2: error: ..." on stderr and return CLI_FAILURE or CLI_USAGE. */
C2_PRINTF(1, 2) int cli_fail(const char *format, ...);
C2_PRINTF(1, 2) int cli_fail_usage(const char *format, ...);
C2_PRINTF(1, 2) void cli_warn(const char *format, ...); /* "chronos2: warning: ..." */
/* The warnings so far; they stay this file's. Fails if there was no memory for one of them. */
c2_status cli_warnings(const char *const **warning, size_t *count, c2_error *err);
C2_PRINTF(1, 2) void cli_note(const char *format, ...); /* "chronos2: ..." */

/* Prints the error, with the command's option that helps if there is one, and returns its exit status: CLI_USAGE for
 * C2_ERR_ARGUMENT, else CLI_FAILURE. */
int cli_fail_error(const c2_error *err);
/* Does the same for a failed chronos2_* call. */
int cli_fail_api(chronos2_status status);

/* Flushes standard output. If any write to it failed, says so once and returns CLI_FAILURE. */
int cli_flush_output(void);

/* Fails if the output is, or would be, a file of one of these inputs (entries may be NULL) or of the engine's model or
 * adapter, so that no work is done to overwrite what it was made from. `output` as c2_outfile_open takes it. */
c2_status cli_keep_inputs(const char *output, const cli_engine *engine, const char *const *inputs, size_t count,
                          c2_error *err);

/* Splits a text at its commas. *items is one block, to be freed with free(). */
c2_status cli_split(const char *text, char ***items, size_t *count, c2_error *err);
/* Reads what --quantile-levels lists, as "0.1,0.5": levels between 0 and 1, with or without these `ends`. Each names a
 * column, as a float32. Free them with free(), also after a failure. */
c2_status cli_read_levels(const char *text, bool ends, double **levels, size_t *count, c2_error *err);

/* Opens the hub by the environment and these wishes; it says what it does on stderr. Call c2_hub_close, also after a
 * failure. */
c2_status cli_hub_open(c2_hub *hub, bool offline, bool update, c2_error *err);

/* Writes a number with at most so many digits; of more than 15 as few as read back to the same double. %g drops the
 * zeros that a short text would end in. */
void cli_print_double(FILE *out, double value, int most);

/* Shows progress on stderr if that is a terminal. The line ends when `done` is `total`; a total of 0 is not known. */
void cli_progress(const char *what, size_t done, size_t total);
/* The same of a forecast, for chronos2_session_on_progress. */
int cli_on_progress(void *user, size_t done, size_t total);

int cli_forecast(int argc, char **argv);
int cli_evaluate(int argc, char **argv);
int cli_detect(int argc, char **argv);
int cli_study(int argc, char **argv);
int cli_probe(int argc, char **argv);
int cli_forward(int argc, char **argv);
int cli_predict(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_inspect(int argc, char **argv);
int cli_pull(int argc, char **argv);
int cli_serve(int argc, char **argv);

#endif
