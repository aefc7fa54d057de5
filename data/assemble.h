/* The assembler makes series of tables. It sorts the rows of a long table by item and time, gives them the steps of the
 * axis, and fills in steps without a row. Readers of nested rows make series themselves. For data/ alone. */
#ifndef C2_DATA_ASSEMBLE_H
#define C2_DATA_ASSEMBLE_H

#include "data/reader.h"

/* Appends the series of a table. */
c2_status c2_assemble_long(c2_input *input, c2_dataset *set, const c2_read_options *options, c2_error *err);

#endif
