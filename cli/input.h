/* Series that commands read from files or a query: the options that say how, and the data set. */
#ifndef C2_CLI_INPUT_H
#define C2_CLI_INPUT_H

#include "cli/cli.h"
#include "data/read.h"
#include "data/summary.h"

typedef struct cli_input {
  const char *id_column, *timestamp_column, *target_text, *covariate_text, *freq_text, *sql, *database;
  bool all_covariates, wide;
  bool ignores_case; /* the output does, in the names of its columns */
  c2_dialect dialect;
  char **targets, **covariates; /* columns, once the options are checked */
  size_t target_count, covariate_count;
  c2_freq freq;
  c2_dataset set;
} cli_input;

/* Appends the options to a table and returns their number. */
size_t cli_input_options(cli_input *input, cli_option *out);

/* Checks the options and reads their lists. */
c2_status cli_input_check(cli_input *input, c2_error *err);

/* The options for readers; they point into `input`. */
c2_read_options cli_input_reading(const cli_input *input);

/* Reads all files and the query into `set`. */
c2_status cli_input_read(cli_input *input, char **paths, size_t count, c2_error *err);

/* That ids and time stamps, which the output has both, have columns of different names. */
c2_status cli_input_check_keys(const cli_input *in, c2_error *err);

/* That the columns of ids and time stamps keep their names beside the output's own, whose names these are: [count]. */
c2_status cli_input_check_names(const cli_input *in, const char *const *names, size_t count, c2_error *err);

/* The same for columns of quantile levels, whose names cli_print_double writes with 17 digits. */
c2_status cli_input_check_levels(const cli_input *in, const double *levels, size_t count, c2_error *err);

/* That each item says when its steps are, up to `horizon` steps after its last. */
c2_status cli_input_check_steps(const c2_dataset *set, size_t horizon, c2_error *err);

/* Makes series of the set as c2_series_make does. Known futures must be `horizon` steps long. */
c2_status cli_input_series(const c2_dataset *set, size_t horizon, chronos2_series **series,
                           chronos2_covariate **covariate, c2_error *err);

/* Adds a note to the set of options that changed nothing, as no input was of their format, once all is read. Covariates
 * that were asked for must be there. `ids`, `stamps`: another file has these columns by their names. */
c2_status cli_input_check_use(const cli_input *in, c2_dataset *set, bool ids, bool stamps, c2_error *err);

/* Warns of what the set has notes of. */
void cli_input_warn(const c2_dataset *set);

/* Tells of a set whose futures don't matter: the summary, which is kept, and warnings, also of what the series never
 * observe. */
c2_status cli_input_tell(c2_dataset *set, char summary[C2_SUMMARY_ROOM], c2_error *err);

void cli_input_free(cli_input *input);

/* ---- A command over series ---- */

/* What is written to a file. */
typedef enum cli_content {
  CLI_ROWS,   /* CSV */
  CLI_TABLE,  /* CSV, Parquet or Arrow, by the file's name */
  CLI_PAGE,   /* HTML */
  CLI_PICTURE /* SVG */
} cli_content;

/* A file that a command writes, and the option that names it. */
typedef struct cli_output {
  const char *option;
  const char **path; /* to NULL: standard output for the first of a list, none for others */
  cli_content content;
} cli_output;

/* What a command does that reads series and runs a model on them. Its functions are handed `request`. */
typedef struct cli_series_command {
  const cli_usage *usage;
  const cli_option *options; /* those of `in` among them */
  cli_engine *engine;
  cli_input *in;
  const char **model_name; /* is set to the model's name as the user wrote it */
  cli_output output[4];
  size_t outputs;
  bool yields; /* what it prints goes to standard error when an output is standard output */
  const char **further[2]; /* files that it reads beside the series; each may be NULL */
  void *request;
  c2_status (*check)(void *request, c2_error *err); /* the options, before anything is read */
  c2_status (*read)(void *request, char **paths, size_t count, c2_error *err);
  c2_status (*work)(void *request, const chronos2_model *model, chronos2_session *session, c2_error *err);
} cli_series_command;

/* Parses the arguments, finds the model and the inputs, checks that no output takes the place of an input or of another
 * output or has the name of another format, and calls the command's functions in turn. Returns the exit status; errors
 * are printed. */
int cli_series_run(const cli_series_command *command, int argc, char **argv);

/* Leaves out what is known of the future, with a warning that begins with `why` where there is any. */
void cli_drop_futures(c2_dataset *set, const char *why);

/* Warns of series that don't inform each other under cross-learning, since they don't share a pass. `most` are its rows
 * (0: as usual), which `option` says. */
void cli_warn_passes(const c2_dataset *set, size_t most, const char *option);

#endif
