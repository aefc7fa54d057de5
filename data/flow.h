/* A long table in parts of whole items, so that memory doesn't grow with the table.
 *
 *     C2_GOTO(c2_flow_open(&flow, path, &options, false, err));
 *     while (!c2_flow_ended(&flow)) {
 *       c2_dataset set = {0};
 *       C2_GOTO(c2_flow_next(&flow, &set, err));   the set's items are good until it is freed
 *     }
 *     if (flow.reason[0]) ...                      the table isn't in order: what was done with its parts is void
 *   fail:
 *     c2_flow_close(&flow);
 *
 * The items of all parts are those that c2_dataset_read makes of the table, in the same order and with the same values,
 * if the table is in order, which is known when it has ended. What a table that isn't in order lacks or has too much is
 * for c2_dataset_read to say; a cell that can't be read is an error here as there. A table whose rows come apart can be
 * read sorted: the whole table is then read before the first part is there. */
#ifndef C2_DATA_FLOW_H
#define C2_DATA_FLOW_H

#include "base/pool.h"
#include "data/future_parts.h"
#include "data/missing.h"

typedef struct c2_flow_column {
  uint32_t *code;       /* [room]; of names and texts; UINT32_MAX: no text */
  unsigned char *valid; /* [room / 8 + 1]; of texts, for the rows of a part */
  int64_t *time;        /* [room]; of times */
  int16_t *zone;        /* [room]; of times */
  double *number;       /* [room]; of numbers */
  c2_lookup words;      /* of names those of the rows, of texts those of all rows so far */
  c2_pool pool;         /* theirs */
  bool is_boolean;      /* texts that spell nothing but booleans */
} c2_flow_column;

/* What a table holds. */
typedef struct c2_flow_total {
  size_t items, rows, filled;
  size_t whole_ids; /* items that have such */
  c2_freq freq;     /* of all items, once the table has ended */
  bool is_zoned;    /* whether any time stamp has an offset */
  const char *zone; /* of all time stamps; NULL: none */
  c2_missing missing; /* what its series lack */
  c2_dataset words; /* its columns that are ignored, what was found of the file's spelling, notes; no items */
} c2_flow_total;

typedef struct c2_flow {
  c2_read_options options;
  c2_table_part part;
  bool is_sorted;         /* the file is read by `grouped`, else by `input` */
  c2_grouped grouped;
  c2_input input;
  const c2_input *source; /* of these two */
  c2_input batch;         /* a part of it */
  c2_flow_column *column; /* [wants]; rows that were read and not yet taken */
  c2_want *want;
  size_t wants;
  size_t *line; /* [room] */
  size_t rows, room, taken, read;
  bool has_ended;  /* the file has */
  bool has_failed; /* the file can't be read */
  c2_future_parts future; /* without a path: nothing is known of the future */
  c2_lookup seen;  /* ids of all parts; texts of total->words */
  c2_flow_total total;
  char reason[500]; /* why the table isn't in order, as far as it was read; or "": rows of an item come apart, steps are
                       whole numbers, items differ in frequency, something was guessed or is wrong */
  bool may_sort;    /* whether the reason may be none when the table is read sorted */
} c2_flow;

/* Whether a path names a file that is large enough to be read in parts. */
bool c2_flow_is_large(const char *path);

/* Close it also after a failure. */
c2_status c2_flow_open(c2_flow *flow, const char *path, const c2_read_options *options, bool sorted, c2_error *err);

/* Gives the items of all parts known futures from a file, for which c2_input_has_parts. Call it before the first
 * part. */
void c2_flow_set_future(c2_flow *flow, const char *path, size_t horizon);

/* The set is empty where the table turns out not to be in order. */
c2_status c2_flow_next(c2_flow *flow, c2_dataset *set, c2_error *err);
static inline bool c2_flow_ended(const c2_flow *flow) {
  return flow->reason[0] || (flow->has_ended && flow->rows == 0);
}

/* How far the file was read, from 0 to 1; less than 0 where that isn't known. */
double c2_flow_progress(const c2_flow *flow);

void c2_flow_close(c2_flow *flow);

#endif
