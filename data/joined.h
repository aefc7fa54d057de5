/* Several tables that are read as one: the rows of an item may lie in any of them. For data/ alone. */
#ifndef C2_DATA_JOINED_H
#define C2_DATA_JOINED_H

#include "data/reader.h"

/* Appends the series of tables that are open and have ids. Their columns may be in any order. */
c2_status c2_joined_read(c2_input **part, size_t parts, c2_dataset *set, const c2_read_options *options, c2_error *err);

#endif
