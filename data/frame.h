/* Tables as typed columns: what a format is read into, and what the assembler makes series of.
 *
 * A column's arrays are the frame's own, or borrowed: those of an Arrow array or of a DuckDB vector are attached as
 * they are. A missing value is a row whose bit in `valid` is 0 or, among numbers, a NaN. */
#ifndef C2_DATA_FRAME_H
#define C2_DATA_FRAME_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"
#include "data/lookup.h"

/* ---- Columns --------------------------------------------------------------------------------- */

typedef enum c2_column_type {
  C2_COLUMN_NUMBER,
  C2_COLUMN_INTEGER,
  C2_COLUMN_TEXT, /* codes, which a dictionary spells */
  C2_COLUMN_TIME
} c2_column_type;

/* What `zone` holds beside minutes ahead of UTC: no offset was given; the value is a whole number and no time stamp. */
enum { C2_NO_ZONE = INT16_MIN, C2_WHOLE_NUMBER = INT16_MIN + 1 };

typedef struct c2_column {
  const char *name;
  c2_column_type type;
  bool is_borrowed; /* the arrays belong to somebody else, who keeps them as long as the frame is there */
  union {           /* [rows] */
    const double *number;
    const int64_t *integer;
    const int64_t *time; /* in microseconds since 1970-01-01 00:00:00, as a clock on the wall shows it */
    const uint32_t *code;
    const void *values;
  };
  const int16_t *zone;        /* of times: [rows]; NULL: none was given */
  const unsigned char *valid; /* Arrow's bitmap, lowest bit first; NULL: all rows are */
  size_t valid_from;          /* the bit of row 0 */
  const char *const *word;    /* of text: [words], which differ; those of names in order of first appearance */
  size_t words;
} c2_column;

static inline bool c2_column_has(const c2_column *c, size_t row) {
  size_t bit = c->valid_from + row;
  return !c->valid || (c->valid[bit / 8] >> bit % 8 & 1);
}

/* The value of a column of numbers or integers; NaN where it is missing. */
static inline double c2_column_number(const c2_column *c, size_t row) {
  if (!c2_column_has(c, row)) return (double)NAN;
  return c->type == C2_COLUMN_INTEGER ? (double)c->integer[row] : c->number[row];
}

/* Of a column of times, or of whole numbers in their place: what `zone` holds, or would. */
static inline int16_t c2_column_zone(const c2_column *c, size_t row) {
  if (c->type == C2_COLUMN_INTEGER) return (int16_t)C2_WHOLE_NUMBER;
  return c->zone ? c->zone[row] : (int16_t)C2_NO_ZONE;
}

/* Rows that come from one of several files. */
typedef struct c2_frame_part {
  const char *file; /* borrowed */
  size_t end;       /* row behind its last one */
} c2_frame_part;

typedef struct c2_frame {
  c2_column *column; /* [columns] */
  size_t columns, rows;
  const size_t *line; /* of the file, at which each row begins: [rows]; NULL: rows are counted from 1 */
  const c2_frame_part *part; /* [parts]; NULL: all rows are of one file */
  size_t parts;
} c2_frame;

/* Frees what the frame owns; words are always somebody else's. */
void c2_frame_free(c2_frame *frame);

/* ---- Names of a table's columns ---------------------------------------------------------------- */

/* What stands around a name in a list of names. */
static inline const char *c2_column_quote(const char *name) {
  return *name && !strpbrk(name, " ,") ? "" : "'";
}

typedef struct c2_header {
  const char *file;  /* for messages; borrowed */
  c2_lookup names;   /* as they come; borrowed */
  bool *is_repeated; /* that several columns have this one's name, where it is the first of them: [names.count] */
} c2_header;

/* Fills a header that is zeroed but for the file. The names must outlive it. */
c2_status c2_header_fill(c2_header *header, const char *const *names, size_t count, c2_error *err);
void c2_header_free(c2_header *header);

/* Finds the index of the column of that name. It is an error if there is none or more than one. */
c2_status c2_header_find(const c2_header *header, const char *name, size_t *index, c2_error *err);
bool c2_header_has(const c2_header *header, const char *name);

#endif
