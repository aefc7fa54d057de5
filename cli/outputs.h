/* The files that a command writes: opened before its work, so that no work is done for a place that can't be written
 * to, and there together after it. */
#ifndef C2_CLI_OUTPUTS_H
#define C2_CLI_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/outfile.h"

/* file[i] is that of paths[i], and has no stream where the path is NULL. Call cli_outputs_discard in every case. */
c2_status cli_outputs_open(c2_outfile *file, const char *const *paths, size_t count, c2_error *err);

/* Nothing appears before all have been written without failure. */
c2_status cli_outputs_commit(c2_outfile *file, size_t count, c2_error *err);
void cli_outputs_discard(c2_outfile *file, size_t count);

/* Whether one of them is standard output. Paths may be NULL. */
bool cli_outputs_take_stdout(const char *const *paths, size_t count);

/* Where SIGINT, SIGTERM or SIGHUP ends the program, temporary files of outputs are removed before, and `last_words`
 * (NULL: none) are called, which must be safe in a signal handler. The program ends by the signal itself, as a shell's
 * loop expects. An ignored signal stays so: nohup, jobs in the background. */
void cli_on_interrupt(void (*last_words)(void));

#endif
