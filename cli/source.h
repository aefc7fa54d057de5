/* Where the commands of a study find the data sets of its tasks. */
#ifndef C2_CLI_SOURCE_H
#define C2_CLI_SOURCE_H

#include "cli/cli.h"
#include "study/tasks/tasks.h"

/* Finds data sets on a hub. `engine`, whose options say whether a hub may be asked, must outlive it. */
typedef struct cli_source {
  c2_data_source source;
  const cli_engine *engine;
} cli_source;
void cli_source_init(cli_source *source, const cli_engine *engine);

#endif
