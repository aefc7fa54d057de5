/* Known covariates of a table that is read in parts: those of each part's items, from a table of any order. */
#ifndef C2_DATA_FUTURE_PARTS_H
#define C2_DATA_FUTURE_PARTS_H

#include "data/grouped.h"
#include "data/unseen.h"

/* Zeroed but for the path, for which c2_input_has_parts, the options and the horizon. */
typedef struct c2_future_parts {
  const char *path; /* borrowed */
  const c2_read_options *options;
  size_t horizon;
  const c2_lookup *known; /* ids of the past in its order; NULL: those of the futures come in that order, too */
  c2_grouped rows;        /* of a file with ids; the others are read for each part */
  c2_dialect past;        /* how the past is spelled */
  bool has_ids, has_stamps;
  const char *read_as; /* c2_table's, of a file with ids */
  size_t items;  /* of the parts so far */
  c2_item first; /* of them, in a file without ids: where and when it ends */
  bool *used;   /* rows of such a file: [used_rows] */
  size_t used_rows;
  c2_unseen unseen;
} c2_future_parts;

/* Fills in the futures of the next items. `keeper` holds what outlives them. *is_final: after a failure, that the file
 * can't be read, whatever the order of its rows or the past's. */
c2_status c2_future_parts_fill(c2_future_parts *parts, c2_dataset *set, c2_dataset *keeper, bool *is_final,
                               c2_error *err);

/* After the last part: notes what is to be said of all, and fails if there are rows left. */
c2_status c2_future_parts_end(c2_future_parts *parts, c2_dataset *keeper, c2_error *err);

void c2_future_parts_close(c2_future_parts *parts);

#endif
