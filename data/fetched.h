/* Columns of a table that a library reads, row by row: what a row may hold, and the frame that they become. */
#ifndef C2_DATA_FETCHED_H
#define C2_DATA_FETCHED_H

#include "base/pool.h"
#include "data/reader.h"

/* Zeroed but for the first five. */
typedef struct c2_fetched {
  const char *name;
  c2_want_type type;
  const char *what;
  c2_pool *pool;          /* for words; it outlives the frame */
  bool has_format;        /* of times: the user names their format, which whole numbers have too */
  int source;             /* the library's own type of the column */
  bool is_text;           /* rows are put as text, else as numbers or times */
  bool is_whole;          /* of times that are no text: they are whole numbers */
  bool is_zoned;          /* ... they are in UTC */
  double *number;         /* [room] */
  int64_t *time;          /* [room] */
  int16_t *zone;          /* [room] */
  uint32_t *code;         /* [room] */
  unsigned char *valid;   /* a bit a row; of texts */
  c2_lookup words;
  size_t last; /* word of the row before */
} c2_fetched;

/* Makes room for `need` rows: [columns], of *room. */
c2_status c2_fetched_grow(c2_fetched *columns, size_t count, size_t *room, size_t need, c2_error *err);

/* Put a row, for which there is room, and fail where it may not be so. `bytes` NULL: there is nothing. */
c2_status c2_fetched_put_text(c2_fetched *f, c2_input *input, size_t row, const char *bytes, size_t size,
                              c2_error *err);
c2_status c2_fetched_put_number(c2_fetched *f, const c2_input *input, size_t row, double value, c2_error *err);
c2_status c2_fetched_put_time(c2_fetched *f, const c2_input *input, size_t row, bool is_there, int64_t value,
                              c2_error *err);

/* The failure of a row whose time stamp has parts of a microsecond. */
c2_status c2_fetched_refuse_part(const c2_fetched *f, const c2_input *input, size_t row, c2_error *err);

/* Makes a frame of the columns, whose arrays it takes. */
c2_status c2_fetched_finish(c2_fetched *columns, size_t count, size_t rows, c2_frame *frame, c2_error *err);

/* Frees the columns and what they still hold. NULL is fine. */
void c2_fetched_free(c2_fetched *columns, size_t count);

#endif
