/* Arrow arrays as they come from a stranger: what a schema says of a column, and the values of an array. What can be
 * checked is checked when an array is opened; that its buffers are as long as they must be can't be. */
#ifndef C2_TABLE_ARROW_H
#define C2_TABLE_ARROW_H

#include <chronos2.h>

#include "base/status.h"

/* How values lie in memory. */
typedef enum c2_storage {
  C2_STORED_NOTHING, /* type null: every value is missing */
  C2_STORED_INT8,
  C2_STORED_UINT8,
  C2_STORED_INT16,
  C2_STORED_UINT16,
  C2_STORED_INT32,
  C2_STORED_UINT32,
  C2_STORED_INT64,
  C2_STORED_UINT64,
  C2_STORED_FLOAT16,
  C2_STORED_FLOAT32,
  C2_STORED_FLOAT64,
  C2_STORED_DECIMAL, /* 128 bits */
  C2_STORED_BOOL,
  C2_STORED_TEXT32, /* by offsets of 32 bits */
  C2_STORED_TEXT64,
  C2_STORED_TEXT_VIEW,
  C2_STORED_OTHERWISE /* nothing here reads it */
} c2_storage;

/* What a schema says of a column. */
typedef struct c2_field {
  char *name, *format; /* owned */
  c2_storage storage;  /* of the values; of the indices where there is a dictionary */
  bool has_dictionary;
  c2_storage words; /* of the dictionary's values */
  double divisor;   /* of decimals: a power of ten */
  char unit;        /* of times: s, m, u, n; of dates: D (days), d (milliseconds); 0: the column holds no times */
  char *zone;       /* of times, "" where there is none; owned. NULL: no times */
} c2_field;

c2_status c2_field_read(c2_field *field, const struct ArrowSchema *schema, const char *table, c2_error *err);
void c2_field_free(c2_field *field);

/* What values mean. */
typedef enum c2_kind {
  C2_KIND_NOTHING, /* all are missing */
  C2_KIND_INTEGER,
  C2_KIND_FLOAT,
  C2_KIND_BOOL,
  C2_KIND_TEXT, /* in a dictionary or not */
  C2_KIND_INTEGER_WORD, /* in a dictionary */
  C2_KIND_TIME,
  C2_KIND_OTHER /* what nothing here reads */
} c2_kind;

c2_kind c2_field_kind(const c2_field *field);

/* The type for messages, such as "string", "decimal" or "dictionary of string". */
enum { C2_TYPE_ROOM = 64 };
void c2_field_type(const c2_field *field, char out[C2_TYPE_ROOM]);

/* Values of one array from row 0 on. */
typedef struct c2_view {
  c2_storage storage;
  double divisor; /* of decimals, as the field has it */
  size_t rows;
  const uint8_t *validity; /* lowest bit first; NULL: every value counts */
  size_t offset;           /* of row 0 in every buffer */
  const void *values;      /* numbers; offsets of texts; views */
  const char *bytes;       /* of texts by offsets */
  const void *const *buffers; /* of views */
  const int64_t *buffer_bytes;
  size_t buffer_count;
} c2_view;

/* Opens `rows` values of an array from `first` on. `what` names the column in messages. */
c2_status c2_view_open(c2_view *view, const struct ArrowArray *array, const c2_field *field, size_t first, size_t rows,
                       const char *what, c2_error *err);

/* The same for the words of its dictionary. */
c2_status c2_view_open_words(c2_view *view, const struct ArrowArray *array, const c2_field *field, const char *what,
                             c2_error *err);

static inline bool c2_view_has(const c2_view *view, size_t row) {
  size_t bit = view->offset + row;
  if (view->storage == C2_STORED_NOTHING) return false;
  return !view->validity || (view->validity[bit / 8] >> bit % 8 & 1);
}

/* The number in a row; NaN where it is missing. */
double c2_view_number(const c2_view *view, size_t row);

/* The integer in a row that has one. Integers beyond int64 wrap around. */
int64_t c2_view_integer(const c2_view *view, size_t row);

/* The text in a row that has one. */
const char *c2_view_text(const c2_view *view, size_t row, size_t *size);

/* The index of the dictionary's word in a row that has one. */
size_t c2_view_index(const c2_view *view, size_t row);

#endif
