/* The columns of a study's files: one table says what a column is called, where its value stands and what it can be.
 * The CSV files are written and read by it, and so are the numbers that an interrupted run leaves and the options in a
 * run's record.
 *
 * Columns of a CSV file are those of the published study in their order, further ones to the right of them. */
#ifndef C2_STUDY_SCHEMA_H
#define C2_STUDY_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "study/files/field.h"

typedef enum c2_table {
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
} c2_table;

typedef struct c2_schema {
  const char *name;
  bool by_radius;
  const c2_field *column;
  size_t count;     /* those of the CSV file */
  size_t published; /* of them */
  size_t all;       /* with those behind them, which only an interrupted run keeps */
} c2_schema;

extern const c2_schema c2_schemas[C2_TABLES];

/* The name of a column: those of the mass summary name the split, those of further metrics the metric. */
enum { C2_COLUMN_ROOM = 64 };
void c2_column_name(const c2_field *column, size_t split, c2_metric metric, char out[C2_COLUMN_ROOM]);

/* Whether a column that stands for each further metric stands for this one: for those compared that no fixed column of
 * the table tells of. Fixed are WQL and, in tables of tests, the leading metric, MASE in the others. */
bool c2_field_stands_for(const c2_field *column, const c2_metric_list *compared, c2_metric metric);

/* PREFIX__name.csv, as c2_path_of has it. `radius` for tables by radius. */
void c2_table_path(const char *prefix, c2_table table, double radius, char out[C2_PATH_ROOM]);

/* Makes the real numbers that a table has of a part missing ones. */
void c2_fields_clear(c2_table table, c2_part part, void *out);

#endif
