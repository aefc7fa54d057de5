/* A long table while it is read: a row for each item and step, in any order; sorted, rows of one item follow each
 * other by time. For data/ alone. */
#ifndef C2_DATA_TABLE_H
#define C2_DATA_TABLE_H

#include "data/reader.h"

typedef struct c2_table_row {
  size_t group; /* rows that belong together: an item, or an item of a scenario */
  c2_time time;
  size_t at; /* of the frame */
} c2_table_row;

/* What outlives the file of a covariate's column. */
typedef struct c2_kept {
  const char *name;
  bool is_boolean;   /* text that spells nothing but booleans */
  const char **word; /* of text: [words] */
} c2_kept;

typedef struct c2_table {
  const char *name; /* of the file */
  const c2_header *header;
  const c2_bounds *bounds;
  c2_frame frame;
  const c2_column *id, *stamp, *target, *covariate; /* of the frame; id, stamp: NULL if there is none */
  const char *stamp_name;
  size_t targets, covariates;
  c2_kept *kept; /* [covariates] */
  const c2_wall *wall; /* of time stamps that are instants: the clock of their zone; NULL: there is none, or not one */
  char zone[64]; /* ... without a clock, which count in UTC: "the zone NAME", "a zone", "several zones"; else "" */
  const char *read_as; /* what whole numbers are that stand for time stamps, as "years"; NULL: there are none */
  bool is_count; /* the steps are whole numbers, no time stamps */
  bool is_future; /* set before it is read: its instants are counted by the clocks of the past, not in UTC */
  c2_table_row *rows;  /* [count]; sorted by group and time by c2_table_sort */
  size_t count;
  size_t filled;  /* steps that no row is for */
  size_t between; /* rows that are no point of their item's frequency, and the first of them */
  const char *between_file;
  size_t between_line;
  c2_freq between_freq;
} c2_table;

/* Columns of a table by what they are for. `want` has room for all of them. */
typedef struct c2_roles {
  c2_want *want;
  size_t wants;
  bool has_id, has_stamp;
  size_t targets, covariates;
} c2_roles;

/* Adds the columns of ids and of time stamps, and says where they are in *id and *stamp (SIZE_MAX: nowhere). A table
 * needn't have either, unless the options name it. */
c2_status c2_roles_find_keys(c2_roles *roles, const c2_header *header, const c2_read_options *options, size_t *id,
                             size_t *stamp, c2_error *err);
void c2_roles_add(c2_roles *roles, size_t column, c2_want_type type, const char *what);

/* Reads the columns. The order of roles: `first` others, id, time stamp, targets, covariates. The group of every row is
 * 0, its time that of its cell. Names and words are kept in the set. Call c2_table_close also after a failure. */
c2_status c2_table_read(c2_table *t, c2_input *input, const c2_roles *roles, size_t first,
                        const c2_read_options *options, c2_dataset *set, c2_error *err);
void c2_table_close(c2_table *t);

void c2_table_sort(c2_table *t);

/* Number of rows, after sorting, of the group that begins at `begin`. */
size_t c2_table_group_rows(const c2_table *t, size_t begin);

static inline size_t c2_table_line(const c2_table *t, const c2_table_row *row) {
  return t->frame.line ? t->frame.line[row->at] : row->at + 1;
}

static inline const char *c2_table_file(const c2_table *t, const c2_table_row *row) {
  size_t k = 0;
  if (!t->frame.part) return t->name;
  while (row->at >= t->frame.part[k].end) k++;
  return t->frame.part[k].file;
}

/* "line 3", or "b.csv:3" in a table of several files. */
enum { C2_PLACE_ROOM = 200 };
void c2_table_place(const c2_table *t, const char *file, size_t line, char out[C2_PLACE_ROOM]);

/* Text of a covariate in a row; NULL where it is missing. */
static inline const char *c2_table_text(const c2_table *t, const c2_table_row *row, size_t covariate) {
  const c2_column *c = &t->covariate[covariate];
  return c2_column_has(c, row->at) ? t->kept[covariate].word[c->code[row->at]] : NULL;
}

#endif
