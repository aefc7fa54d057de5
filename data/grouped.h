/* A table whose rows are taken item by item, whatever their order in the file. It is read once, in parts, and its rows
 * lie in a temporary file meanwhile (spill.h). Rows of an item keep their order. For data/ alone. */
#ifndef C2_DATA_GROUPED_H
#define C2_DATA_GROUPED_H

#include "base/pool.h"
#include "data/read.h"
#include "data/spill.h"

/* Texts of a column. */
typedef struct c2_grouped_words {
  c2_lookup words;
  c2_pool pool;
} c2_grouped_words;

/* Zeroed but for the path, the options and `known`. */
typedef struct c2_grouped {
  const char *path; /* borrowed, as all that the options point to */
  const c2_read_options *options;
  const c2_lookup *known; /* ids that may come, in the order of the items; NULL: all may, in that of their first rows */
  const c2_dialect *expected; /* see c2_input */
  c2_input input;
  bool is_open, is_read;
  bool is_refused;         /* an id isn't known */
  c2_want *want;           /* [wants] */
  size_t wants;            /* the first is that of the ids */
  c2_grouped_words *words; /* [wants] */
  c2_spill spill;
  size_t rows, items; /* read; items that have any */
} c2_grouped;

/* Opens the table. Close it also after a failure. */
c2_status c2_grouped_open(c2_grouped *g, c2_error *err);

/* The next rows of what is wanted, which is the same in each call and begins with the ids: at most so many, of items
 * before `end`. No rows: there are none of them left. The first call reads the table. */
c2_status c2_grouped_next(c2_grouped *g, const c2_want *want, size_t wants, size_t most, size_t end, c2_frame *frame,
                          c2_error *err);

void c2_grouped_close(c2_grouped *g);

#endif
