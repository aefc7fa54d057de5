/* The columns of a study's files. One table says what a column is called, where its value is kept and what it can be.
 * It serves to write and to read the CSV files, the numbers that an interrupted run leaves, and the options in a run's
 * record.
 *
 * A CSV file begins with the columns of the published study in their order. Further columns stand to the right. */
#ifndef C2_STUDY_SCHEMA_H
#define C2_STUDY_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "data/sheet.h"
#include "study/files/field.h"

typedef enum c2_study_table {
  C2_TABLE_MASS_PER_WINDOW,
  C2_TABLE_MASS_SUMMARY,
  C2_TABLE_PERF_FULL,
  C2_TABLE_PERF_SPARSE, /* by radius */
  C2_TABLE_COMPARE,     /* by radius */
  C2_TABLE_TTEST,       /* by radius */
  C2_TABLE_SWEEP,
  C2_TABLE_COMPARE_ALL,
  C2_TABLE_SUMMARY,
  C2_TABLE_BASELINES,
  C2_TABLE_MASS_BY_HEAD,
  C2_TABLE_ARMS,
  C2_TABLE_EQUIVALENCE,
  C2_TABLE_SINKS,
  C2_TABLE_FIND_SINKS,
  C2_TABLE_OPTIONS, /* no CSV file: a run's options, in its record */
  C2_TABLES         /* their number */
} c2_study_table;

typedef struct c2_schema {
  const char *name;
  bool by_radius;
  const c2_study_field *column;
  size_t count;     /* columns of the CSV file */
  size_t published; /* those of them that the published study has */
  size_t all;       /* `count`, and the columns behind them that only an interrupted run keeps */
} c2_schema;

extern const c2_schema c2_schemas[C2_TABLES];

/* Writes the name of a column. `split` takes the place of '#' in it, and the name of `metric` that of '*'. */
enum { C2_COLUMN_ROOM = 64 };
void c2_column_name(const c2_study_field *column, size_t split, c2_metric metric, char out[C2_COLUMN_ROOM]);

/* Whether a column with `each` set is there for `metric`. It is unless the table has a column of its own for that
 * metric: every table has one for WQL, tables of tests have one for the leading metric, and the others have one for
 * MASE. */
bool c2_study_field_stands_for(const c2_study_field *column, const c2_metric_list *compared, c2_metric metric);

/* Writes the path of a table's file, PREFIX__NAME.csv, or PREFIX__NAME_rRADIUS.csv for a table by radius. It is empty
 * if it is too long for a path. */
void c2_study_table_path(const char *prefix, c2_study_table table, double radius, char out[C2_PATH_ROOM]);

/* Reads those columns of a CSV file's row that the table has of a part. `out` is the part, as c2_part names its type.
 * An error names file, line and column. */
c2_status c2_fields_read(c2_study_table table, c2_part part, const c2_sheet *sheet, size_t row, void *out,
                         c2_error *err);

/* Sets the real numbers that the table has of a part to NaN, which means missing. */
void c2_fields_clear(c2_study_table table, c2_part part, void *out);

#endif
