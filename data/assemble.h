/* The assembler: tables to series. The rows of a long table are sorted by item and time, the axis gives them steps, and
 * steps without a row are filled in. Readers of nested rows make series themselves. For data/ alone. */
#ifndef C2_DATA_ASSEMBLE_H
#define C2_DATA_ASSEMBLE_H

#include "data/reader.h"

/* Appends the series of a table. */
c2_status c2_assemble_long(c2_input *input, c2_dataset *set, const c2_read_options *options, c2_error *err);

#endif
