/* A long table in parts of whole items, so that memory doesn't grow with the table.
 *
 *     C2_GOTO(c2_flow_open(&flow, path, &options, err));
 *     do {
 *       c2_dataset set = {0};
 *       C2_GOTO(c2_flow_next(&flow, &set, err));   the set's items are good until it is freed
 *     } while (!c2_flow_ended(&flow));
 *   fail:
 *     c2_flow_close(&flow);
 *
 * The items of all parts are those that c2_dataset_read makes of the table, in the same order and with the same values,
 * if the table is in order: c2_flow_check reads it once to tell. What a table that isn't in order lacks or has too much
 * is for c2_dataset_read to say. */
#ifndef C2_DATA_FLOW_H
#define C2_DATA_FLOW_H

#include "base/pool.h"
#include "data/read.h"

typedef struct c2_flow_column {
  uint32_t *code; /* [room]; of names */
  int64_t *time;  /* [room]; of times */
  int16_t *zone;  /* [room]; of times */
  double *number; /* [room]; of numbers */
} c2_flow_column;

typedef struct c2_flow {
  c2_read_options options;
  c2_table_part part;
  c2_csv_window window;
  c2_input input;         /* the file */
  c2_input batch;         /* a part of it */
  c2_flow_column *column; /* [wants]; rows that were read and not yet taken */
  c2_want *want;
  size_t wants;
  size_t *line; /* [room] */
  size_t rows, room, taken;
  c2_lookup words; /* names of the rows */
  c2_pool pool;    /* theirs */
  bool has_ended;  /* the file has */
} c2_flow;

/* What a table holds, where it is in order. */
typedef struct c2_flow_total {
  size_t items, rows, filled;
  c2_freq freq;     /* of all items */
  bool is_zoned;    /* whether any time stamp has an offset */
  c2_dataset words; /* its columns that are ignored and what was found of the file's spelling; no items */
} c2_flow_total;

/* Whether a path names a file that can be read in parts, and that is large enough for it. */
bool c2_flow_serves(const char *path);

/* Reads the whole table once. *in_order is false, and `reason` says why, where it isn't: rows of an item come apart,
 * steps are whole numbers, something was guessed or is wrong. Free total->words in any case. */
c2_status c2_flow_check(const char *path, const c2_read_options *options, c2_flow_total *total, bool *in_order,
                        char reason[500], c2_error *err);

/* `shared` is the frequency that most items have, or NULL before it is known. */
c2_status c2_flow_open(c2_flow *flow, const char *path, const c2_read_options *options, const c2_freq *shared,
                       c2_error *err);
c2_status c2_flow_next(c2_flow *flow, c2_dataset *set, c2_error *err);
static inline bool c2_flow_ended(const c2_flow *flow) {
  return flow->has_ended && flow->rows == 0;
}
void c2_flow_close(c2_flow *flow);

#endif
