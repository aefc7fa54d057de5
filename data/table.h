/* A long-format CSV file while it is read: rows of any order, which table.c makes series of and future.c known
 * covariates. For the readers of data/ alone. */
#ifndef C2_DATA_TABLE_H
#define C2_DATA_TABLE_H

#include "data/csv.h"
#include "data/series.h"

typedef struct c2_row {
  size_t group; /* rows that belong together: an item, or an item of a scenario */
  size_t line;
  c2_time time;
  c2_zone zone;  /* as the cell has it */
  bool is_whole; /* the cell is a whole number */
} c2_row;

/* Rows as read: cells of covariates stay text until the whole column was seen. */
typedef struct c2_table {
  c2_csv csv;
  bool has_id, has_stamp;
  bool is_count;           /* the steps are whole numbers, no time stamps */
  size_t id, stamp;        /* columns */
  size_t *target, targets; /* columns */
  size_t *covariate, covariates;
  c2_lookup ids; /* of the items that the file adds, in order of first appearance */
  c2_row *rows;
  size_t count, capacity;
  double *values; /* [count][targets] */
  size_t value_capacity;
  const char **cells; /* [count][covariates], inside the file's text */
  size_t cell_capacity;
  bool *is_text;    /* whether a covariate holds more than numbers: [covariates] */
  bool *is_boolean; /* and then, whether it holds nothing but booleans */
  size_t *order;    /* rows by group and time: [count] */
  size_t filled;    /* steps that no row is for */
  size_t between;   /* rows that are no point of their item's frequency, and the first of them */
  size_t between_line;
  c2_freq between_freq;
} c2_table;

/* Finds the columns of ids and of time stamps; a file needn't have either, unless the options name it. */
c2_status c2_table_find_keys(c2_table *t, const c2_read_options *options, c2_error *err);

/* Makes room for what is kept of the covariates' columns, after `covariates` is known. */
c2_status c2_table_alloc_kinds(c2_table *t, c2_error *err);

/* Id of the current record; NULL in a file without ids. Refuses an empty one, and one with control characters. */
c2_status c2_table_id(const c2_table *t, const char **id, c2_error *err);

/* Appends the current record as a row of a group. */
c2_status c2_table_add_row(c2_table *t, size_t group, c2_error *err);

/* Sorts the rows by group and time; `order` keeps where each one's values and cells are. */
c2_status c2_table_sort(c2_table *t, c2_error *err);

/* Number of rows, after sorting, of the group that begins at `begin`. */
size_t c2_table_group_rows(const c2_table *t, size_t begin);

/* Cell of the sorted row `at` in covariate `index`. */
static inline const char *c2_table_cell(const c2_table *t, size_t at, size_t index) {
  return t->cells[t->order[at] * t->covariates + index];
}

void c2_table_close(c2_table *t);

#endif
