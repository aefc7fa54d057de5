/* What a reader is given, is asked for and gives. read.c chooses among them. For data/ alone. */
#ifndef C2_DATA_READER_H
#define C2_DATA_READER_H

#include "data/csv.h"
#include "data/dataset.h"
#include "data/dialect.h"
#include "data/frame.h"

/* The frequencies that items have by themselves, with the votes for each. */
typedef struct c2_ballot {
  c2_freq kind[C2_FREQ_KINDS];
  size_t votes[C2_FREQ_KINDS];
  size_t kinds;
} c2_ballot;

/* What the parts of one table share, where it is read in parts. */
typedef struct c2_table_part {
  c2_ballot votes; /* of the parts so far */
  bool is_known;   /* whether `shared` is what most items of the table have */
  c2_freq shared;
  const char *read_as; /* c2_table's */
} c2_table_part;

/* The name of a column of ids or of time stamps, as it is given (NULL: the usual one). */
static inline const char *c2_id_name(const char *given) {
  return given ? given : "item_id";
}

static inline const char *c2_stamp_name(const char *given) {
  return given ? given : "timestamp";
}

/* Zeroed, `(c2_read_options){0}` holds the defaults. */
typedef struct c2_read_options {
  const char *id_column;         /* of tables; NULL: the usual one, and a file without it is one series */
  const char *timestamp_column;  /* of tables; NULL: the usual one */
  const char *const *targets;    /* columns; JSON Lines: names of the rows of "target" */
  size_t target_count;           /* 0: "target"; JSON Lines with several rows: target_0, target_1, ... */
  const char *const *covariates; /* columns whose past is read; JSON Lines carries its own */
  size_t covariate_count;
  bool all_covariates;       /* tables: every column that is no id, time stamp or target is a covariate */
  bool wide;                 /* tables: every column that is no time stamp or covariate is a series of its own */
  const c2_dialect *dialect; /* of text files; NULL: all is found */
  const c2_freq *freq;       /* of series that the file gives none; NULL: as given or inferred */
  c2_table_part *part;       /* NULL: a table is whole */
} c2_read_options;

/* What is wanted of a column. */
typedef enum c2_want_type {
  C2_WANT_NAME,   /* text that is there in every row and plain */
  C2_WANT_TIME,   /* time stamps or whole numbers */
  C2_WANT_NUMBER, /* or nothing */
  C2_WANT_TEXT,   /* plain text, or nothing */
  C2_WANT_ANY,    /* numbers, or text where there is any cell that is none */
  C2_WANT_MIXED   /* text, as there is such a cell in other rows of the table */
} c2_want_type;

typedef struct c2_want {
  size_t column; /* of the header */
  c2_want_type type;
  const char *what; /* names: what is expected, for messages */
} c2_want;

/* What a table from a stranger may hold. More values fail with the remedy C2_BOUNDS. Zeroed: anything. */
typedef struct c2_bounds {
  size_t values; /* rows times columns, and two for each row; steps that are filled in count as rows. Each takes at most
                    20 bytes while it is read */
  size_t items;
  size_t series; /* targets and covariates of all items */
} c2_bounds;

#define C2_BOUNDS "bounds"

/* What the parts of a CSV file show of a column of numbers or texts: only all of them tell which of these it holds. */
typedef struct c2_odd_number {
  bool has_texts;
  size_t line; /* of the first number with another sign than those before it; 0: there is none */
  char cell[48];
} c2_odd_number;

typedef struct c2_reader c2_reader;

/* A file whose format is known, and whose content is in memory or a query's result. */
typedef struct c2_input {
  const char *path; /* borrowed */
  const char *name; /* for messages: the path, or "standard input" */
  char *text;       /* [size], and a zero behind it; it is changed on the way */
  size_t size;
  char *loaded; /* the text, where c2_input_open has read it */
  const c2_reader *reader;
  c2_dialect dialect;         /* as asked for; settled while the file is read */
  const c2_dialect *expected; /* borrowed: that of a related file, for what this one leaves open; or NULL */
  c2_csv csv;
  struct c2_query *query;  /* of the reader by DuckDB; else NULL */
  size_t hidden;           /* of a folder: the Parquet files and folders that were passed over by their names */
  size_t sheets;           /* of an Excel file, whose first sheet is read; SIZE_MAX: unknown; of others 0 */
  struct c2_arrow_table *arrow; /* of the reader of Arrow; else NULL */
  bool is_strange;         /* Arrow: it comes from a stranger */
  c2_bounds bounds;
  c2_csv_window *window;   /* of a CSV file that is read in parts; the input's own; else NULL */
  c2_odd_number *odd;      /* of its wanted columns; NULL before the first part */
  bool is_settled;         /* the dialect is */
  bool is_sorted;          /* its rows come by item: the first of some needn't be the first of them in the file */
  void *owner;             /* of readers that others make */
  struct c2_input **part;  /* tables that are read as one (joined.h): [parts] */
  size_t parts;
  const c2_header *header; /* names of a table's columns; NULL where rows are nested series */
} c2_input;

struct c2_reader {
  const char *name;
  bool (*sniff)(const c2_input *input); /* whether the file is of this format; NULL for what is no file */

  /* Tables: finds the names of the columns; reads those that are wanted, once, in the order of `want`. */
  c2_status (*open)(c2_input *input, c2_error *err);
  c2_status (*read_columns)(c2_input *input, const c2_want *want, size_t wants, c2_frame *frame, c2_error *err);

  /* Rows that are nested series: appends them to the set. NULL for tables. */
  c2_status (*read_series)(c2_input *input, c2_dataset *set, const c2_read_options *options, c2_error *err);

  void (*close)(c2_input *input); /* or NULL */

  /* Tables in parts, or NULL: the next rows of what is wanted, about `most` of them; no rows at the end. The frame is
   * freed before the next call. */
  c2_status (*next)(c2_input *input, const c2_want *want, size_t wants, size_t most, c2_frame *frame, c2_error *err);
};

extern const c2_reader c2_json_lines_reader; /* jsonl.c */
extern const c2_reader c2_csv_reader;        /* csv_columns.c */
extern const c2_reader c2_arrow_reader;      /* arrow_reader.c */
extern const c2_reader c2_duckdb_reader;     /* duckdb_reader.c; it is chosen by the path and opens the file itself */

#endif
