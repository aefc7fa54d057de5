/* Known covariates from a table. It is read once for one future, or for several scenarios, which its column "scenario"
 * names. Its other columns apart from id and time stamp are covariates whose past was read, or columns that
 * the past's files have and nothing asked for. With ids, each item needs exactly its `horizon` steps after the last
 * one, in any order. Rows of a file without ids hold for all items; those that are no step of a forecast are passed
 * over, which a note of the set says. Booleans count as 1 and 0 where the past holds numbers, as in pandas. */
#ifndef C2_DATA_FUTURE_H
#define C2_DATA_FUTURE_H

#include "data/reader.h"

typedef struct c2_futures c2_futures;

/* Reads and checks the file, up to its values; set and path outlive the futures. */
c2_status c2_futures_open(c2_futures **out, c2_dataset *set, const char *path, const c2_read_options *options,
                          size_t horizon, bool scenarios, c2_error *err);

/* Number of scenarios, and their names in order of first appearance; without scenarios 1 and NULL. */
size_t c2_futures_count(const c2_futures *futures);
const char *c2_futures_name(const c2_futures *futures, size_t scenario);

/* The same of one future whose table is open. The futures close it. *read_as is c2_table's, NULL at first, which the
 * parts of one table share. */
c2_status c2_futures_open_input(c2_futures **out, c2_dataset *set, const c2_input *input,
                                const c2_read_options *options, size_t horizon, const char **read_as, c2_error *err);

/* Makes a scenario's values the known futures of the set's items, in arrays that live as long as the set. Scenarios
 * are filled in once each, in order. */
c2_status c2_futures_fill(c2_futures *futures, size_t scenario, c2_error *err);

/* Says, once all scenarios were filled in, which booleans count as numbers; and of a file without ids that its rows
 * were shared, and how many were of no use. The others say one of these, the last of rows that `items` items of several
 * sets have used: used[rows]. */
c2_status c2_futures_note(const c2_futures *futures, c2_error *err);
c2_status c2_futures_note_shared(c2_dataset *set, const char *name, size_t items, const bool *used, size_t rows,
                                 c2_error *err);

/* Rows of a file without ids that a forecast takes: [*rows]. They belong to the futures. */
const bool *c2_futures_used(const c2_futures *futures, size_t *rows);

void c2_futures_close(c2_futures **futures);

#endif
