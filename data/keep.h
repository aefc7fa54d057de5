/* Outputs that would take the place of what is read: a path may stand for many files, and a query names its own. */
#ifndef C2_DATA_KEEP_H
#define C2_DATA_KEEP_H

#include "base/status.h"

/* Fails if an output, as c2_outfile_open takes it, is a file that is read for this path of an input, or would be one
 * from then on: the file itself, one that a pattern matches, a Parquet file below a folder. What can't be looked up
 * passes. */
c2_status c2_keep_input(const char *output, const char *path, c2_error *err);

/* The same for the files that a query of SQL names. What a database's views read isn't seen. */
c2_status c2_keep_query(const char *output, const char *sql, c2_error *err);

#endif
