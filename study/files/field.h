/* A column of a table: where its value is kept, what it can be, and how it is spelled. */
#ifndef C2_STUDY_FIELD_H
#define C2_STUDY_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "study/measure/plan.h"
#include "study/results/results.h"

/* The values of a row are kept in several structs, its parts. */
typedef enum c2_part {
  C2_PART_PLAN,    /* c2_plan */
  C2_PART_RESULTS, /* c2_results */
  C2_PART_TASK,    /* c2_task */
  C2_PART_RESULT,  /* c2_task_result */
  C2_PART_MASS,    /* c2_mass_row */
  C2_PART_HEAD,    /* c2_head_row */
  C2_PART_ARM,     /* c2_arm */
  C2_PART_FULL,    /* c2_perf of full attention */
  C2_PART_PERF,    /* c2_perf of the arm */
  C2_PART_SHARES,  /* c2_mass_summary_row */
  C2_PART_TEST,    /* c2_test_row */
  C2_PART_CHANGE,  /* c2_equivalence_row */
  C2_PART_SINK,    /* c2_sink_row */
  C2_PARTS         /* their number */
} c2_part;

typedef struct c2_study_row {
  const void *part[C2_PARTS];
  c2_metric metric; /* of a column with `each` set */
} c2_study_row;

typedef enum c2_study_kind {
  C2_WHOLE,   /* size_t */
  C2_REAL,    /* double; NaN is missing */
  C2_FLAG,    /* bool */
  C2_RADIUS,  /* double: a whole number or infinite; NaN is none */
  C2_PERCENT, /* double: a logarithm of a ratio, told as a change in percent */
  C2_COUNTED, /* double; 0 is not known */
  C2_TEXT,    /* const char *, which may be NULL; numbers end before */
  C2_CHARS,   /* an array of char */
  C2_METRIC,  /* c2_metric */
  C2_DTYPE,   /* chronos2_dtype */
  C2_LIST,    /* c2_metric_list */
  C2_RADII,   /* c2_radii */
  C2_HEADS,   /* c2_heads */
  C2_NAMES    /* c2_names, as a list of Python */
} c2_study_kind;

/* A number is missing (NaN) or lies from `least` to `most`. `expected` describes it in a message. */
typedef struct c2_study_limits {
  double least, most;
  const char *expected;
} c2_study_limits;

typedef enum c2_study_reading {
  C2_UNREAD,   /* from a CSV file */
  C2_OPTIONAL, /* the column may not be there */
  C2_REQUIRED
} c2_study_reading;

typedef struct c2_study_field {
  const char *name; /* '#' stands for the split of S, '*' for the metric */
  c2_study_kind kind;
  c2_part part;
  size_t offset; /* within the part ... */
  double (*number)(const c2_study_row *row, size_t of); /* ... or, of numbers, what follows from parts */
  size_t of;                                            /* for `number` */
  void (*put)(const c2_study_row *row, FILE *out);      /* ... or, of texts */
  c2_study_reading reading;
  const c2_study_limits *within; /* NULL: whatever its kind can be */
  bool setting; /* of options: results depend on it */
  bool each;    /* it stands for as many columns as there are further metrics, see c2_study_field_stands_for */
} c2_study_field;

/* Whether a column is a number, and its value in a row. */
bool c2_study_field_is_number(const c2_study_field *column);
double c2_study_field_number(const c2_study_field *column, const c2_study_row *row);

/* Whether a column is a number that is kept in a part, so that it can be read back. */
bool c2_study_field_is_stored(const c2_study_field *column);

/* Where the part of a row keeps the column's value. */
const void *c2_study_field_at(const c2_study_field *column, const c2_study_row *row);

/* Stores a number in a part. It returns false and stores nothing if the column can't be that number. */
bool c2_study_field_take(const c2_study_field *column, void *part, double value);

/* Describes what the column can be, for a message: "a number >= 0". */
const char *c2_study_field_expected(const c2_study_field *column);

/* Writes a value as a cell of a CSV file holds it, without quotes. Truth values are written as True and False, lists as
 * Python writes them. */
void c2_study_field_put(const c2_study_field *column, const c2_study_row *row, FILE *out);

/* Writes radii as "8,16,inf". */
void c2_radii_put(const c2_radii *radii, FILE *out);

/* Writes names as Python writes a list: "['a', 'b']". */
void c2_names_put(const c2_names *names, FILE *out);

/* Writes PREFIX and NAME, joined. If that is too long for a path, `out` is empty, which is no file's name. */
enum { C2_PATH_ROOM = 4096 };
void c2_path_of(const char *prefix, const char *name, char out[C2_PATH_ROOM]);

#endif
