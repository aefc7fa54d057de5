/* Series in memory: what the readers make and what forecasts and studies take.
 *
 *     c2_dataset set = {0};
 *     C2_GOTO(c2_dataset_read(&set, "sales.csv", &(c2_read_options){0}, err));
 *     ... set.item[i] ...
 *   fail:
 *     c2_dataset_free(&set);
 *
 * A missing number is NaN, a missing text NULL; infinite numbers are never in a data set. Everything
 * belongs to the data set. Steps are regular: rows that a file leaves out are filled in as missing. */
#ifndef C2_DATA_SERIES_H
#define C2_DATA_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/status.h"
#include "data/calendar.h"
#include "data/lookup.h"

/* A covariate of one item: numbers, or categories when `is_text`. */
typedef struct c2_covariate {
  const char *name;
  bool is_text;
  bool is_boolean;          /* categories True and False alone */
  double *past;             /* [length] */
  double *future;           /* [future_length]; NULL: only the past is known */
  const char **past_text;   /* [length] */
  const char **future_text; /* [future_length] */
  size_t future_length;     /* 0: only the past is known */
} c2_covariate;

typedef struct c2_item {
  const char *id;
  const char *file;         /* where it was read, for messages */
  size_t line;              /* its line, or the line of its first row; from 1 */
  bool has_start, has_freq; /* CSV: always; JSON Lines: as given */
  c2_time start;            /* of the first step */
  c2_zone zone;             /* of the clock that the time stamps are read from */
  c2_freq freq;
  size_t length;                   /* may be 0 (JSON Lines) */
  size_t targets;                  /* at least 1 */
  const char *const *target_names; /* [targets] */
  double *target;                  /* [targets][length] */
  size_t covariates;
  c2_covariate *covariate; /* [covariates], in the file's or the options' order */
} c2_item;

typedef struct c2_pool_chunk c2_pool_chunk;

typedef struct c2_dataset {
  c2_item *item; /* in order of first appearance */
  size_t count, capacity;
  c2_lookup ids;     /* of the items, in the same order */
  c2_lookup ignored; /* columns of CSV files that nothing asked for */
  size_t rows;       /* read from the files; a JSON Lines series has one for each step */
  size_t filled;     /* steps that no row is for: filled in as missing */
  const char **note; /* what a reader guessed, filled in or ignored, a line each for the user: [notes] */
  size_t notes, note_capacity;
  bool twins;          /* set it before reading: an id may come again, for a series of its own, as in some benchmarks */
  c2_pool_chunk *pool; /* texts and arrays, freed together */
} c2_dataset;

/* Zeroed, `(c2_read_options){0}` holds the defaults. */
typedef struct c2_read_options {
  const char *id_column;         /* CSV; NULL: "item_id", and a file without it is one series */
  const char *timestamp_column;  /* CSV; NULL: "timestamp" */
  const char *const *targets;    /* CSV columns; JSON Lines: names of the rows of "target" */
  size_t target_count;           /* 0: "target"; JSON Lines with several rows: target_0, target_1, ... */
  const char *const *covariates; /* CSV columns whose past is read; JSON Lines carries its own */
  size_t covariate_count;
  bool all_covariates;  /* CSV: every column that is no id, time stamp or target is a covariate */
  const c2_freq *freq;  /* overrides what a file says; NULL: as given or inferred */
} c2_read_options;

/* Appends the series of a file: JSON Lines for .jsonl, .ndjson and .json, CSV for .csv, else by the first
 * character. "-" is standard input. Ids are unique over all files read into one set unless it allows twins; an item
 * without an id is named by its index. An error names file, line and column. After a failure the set may only be freed.
 */
c2_status c2_dataset_read(c2_dataset *set, const char *path, const c2_read_options *options, c2_error *err);

/* Known covariates from a CSV file, which is read once: for one future, or for several scenarios, which column
 * "scenario" names. Its other columns apart from id and time stamp are covariates whose past was read, or columns that
 * the past's files have and nothing asked for. With ids, each item needs exactly its `horizon` steps after the last
 * one, in any order. Rows of a file without ids hold for all items; those that are no step of a forecast are passed
 * over, which a note of the set says. */
typedef struct c2_futures c2_futures;

/* Reads and checks the file, up to its values; set and path outlive the futures. */
c2_status c2_futures_open(c2_futures **out, c2_dataset *set, const char *path, const c2_read_options *options,
                          size_t horizon, bool scenarios, c2_error *err);

/* Number of scenarios, and their names in order of first appearance; without scenarios 1 and NULL. */
size_t c2_futures_count(const c2_futures *futures);
const char *c2_futures_name(const c2_futures *futures, size_t scenario);

/* Makes a scenario's values the known futures of the set's items, in arrays that live as long as the set. Scenarios
 * are filled in once each, in order. */
c2_status c2_futures_fill(c2_futures *futures, size_t scenario, c2_error *err);

void c2_futures_close(c2_futures **futures);

/* Names of the columns of a CSV file that are neither id nor time stamp. *names is one allocation, free with free(). */
c2_status c2_csv_covariate_names(const char *path, const c2_read_options *options, char ***names, size_t *count,
                                 c2_error *err);

/* Index of an item; false if there is none. */
bool c2_dataset_find(const c2_dataset *set, const char *id, size_t *index);

/* Number of frequencies that differ among the items (at most C2_FREQ_KINDS are told apart), and the one that most items
 * have; 0 if no item has one. */
enum { C2_FREQ_KINDS = 16 };
size_t c2_dataset_freqs(const c2_dataset *set, c2_freq *commonest);

/* Counts the steps of items that have neither a start nor a time frequency, from 1 on, and notes it. */
c2_status c2_dataset_count_steps(c2_dataset *set, c2_error *err);

/* A time stamp on an item's axis, as it is written to files: a whole number, a date, or a date and time, with the
 * item's offset from UTC if it has one. */
void c2_item_stamp(const c2_item *item, c2_time time, char out[C2_TIME_ROOM]);

void c2_dataset_free(c2_dataset *set);

/* ---- For the readers of data/ ----------------------------------------------------------------- */

/* Adds an empty item; fails if the id is taken. The pointer is good until the next call. `id` NULL: the
 * item's index. */
c2_status c2_dataset_add(c2_dataset *set, const char *id, const char *file, size_t line, c2_item **item, c2_error *err);

/* Zeroed memory (not NULL for nothing either) and copies of text that live as long as the set. */
c2_status c2_dataset_alloc(c2_dataset *set, size_t count, size_t size, void *out, c2_error *err);
c2_status c2_dataset_text(c2_dataset *set, const char *text, const char **out, c2_error *err);

/* Adds a note, formatted as by c2_text_format in 500 bytes. */
C2_PRINTF(3, 4) c2_status c2_dataset_note(c2_dataset *set, c2_error *err, const char *format, ...);

/* Spellings of a missing value in text: empty, NA, NaN, null, None ... */
bool c2_is_missing_text(const char *text);

/* "True" or "False" for pandas' spellings of a boolean, else NULL. */
const char *c2_boolean_text(const char *text);

/* A finite number (blanks around it are allowed) or NaN for a missing one; false for anything else. */
bool c2_parse_number(const char *text, double *out);

c2_status c2_read_csv_series(c2_dataset *set, const char *path, char *text, size_t size, const c2_read_options *options,
                             c2_error *err);
/* text[size] must be writable. */
c2_status c2_read_json_series(c2_dataset *set, const char *path, char *text, size_t size,
                              const c2_read_options *options, c2_error *err);

/* One series, an object of a document. */
c2_status c2_read_json_item(c2_dataset *set, const c2_json_document *doc, const c2_json *object,
                            const c2_read_options *options, c2_error *err);

#endif
