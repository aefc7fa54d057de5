/* Summaries beside those of others: the published columns, cell by cell. */
#include "study/files/reproduce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "study/files/schema.h"

/* Of cells that count as the same: sums taken in another order differ in the last digits. */
static const double tolerance = 1e-9;

typedef struct comparison {
  const c2_plan *plan;
  const c2_results *results;
  c2_journal *journal;
  c2_sheet here, there;
  const char *name; /* of the file, for messages */
  size_t files, same;
  double worst; /* relative difference of cells that are the same */
} comparison;

static bool is_number(const char *text, double *value) {
  char *end = NULL;
  *value = strtod(text, &end);
  return end != text && *end == '\0';
}

/* Relative difference; infinite for texts that differ. */
static double difference(const char *a, const char *b) {
  double x = 0;
  double y = 0;
  if (strcmp(a, b) == 0) return 0;
  if (!is_number(a, &x) || !is_number(b, &y)) return INFINITY;
  return fabs(x - y) / fmax(fabs(x), fabs(y));
}

/* The published files call the mean |delta| the largest one. */
static bool is_mean_delta(const c2_results *r, size_t radius, double value) {
  double sum = 0;
  for (size_t i = 0; i < r->done; i++) {
    const c2_perf *perf = r->task[i].perf;
    sum += fabs(perf[radius + 1].score[r->compared.at[0]] - perf[0].score[r->compared.at[0]]);
  }
  return fabs(value * (double)r->done / sum - 1) <= tolerance;
}

static c2_status warn_of_cell(comparison *c, const char *column, size_t row, const char *there, const char *here,
                              c2_error *err) {
  double value = 0;
  bool mean = strcmp(column, "max_abs_delta_metric") == 0 && is_number(there, &value) &&
              row < c->results->perf_radii.count && is_mean_delta(c->results, row, value);
  return c2_journal_warn(c->journal, err, "%.120s, column '%s', line %zu: %.40s there, %.40s here%s", c->name, column,
                         c->there.line[row], there, here, mean ? ": there, it is the mean of |delta|" : "");
}

/* The first cell that differs is told; *same falls. */
static c2_status compare_column(comparison *c, const char *column, bool *same, c2_error *err) {
  size_t at[2] = {0, 0};
  if (!c2_header_has(&c->there.csv.names, column)) return C2_OK;
  C2_TRY(c2_header_find(&c->here.csv.names, column, &at[0], err));
  C2_TRY(c2_header_find(&c->there.csv.names, column, &at[1], err));
  for (size_t i = 0; i < c->here.rows; i++) {
    const char *here = c2_sheet_text(&c->here, i, at[0]);
    const char *there = c2_sheet_text(&c->there, i, at[1]);
    double d = difference(here, there);
    if (d <= tolerance) {
      c->worst = fmax(c->worst, d);
      continue;
    }
    *same = false;
    return warn_of_cell(c, column, i, there, here, err);
  }
  return C2_OK;
}

static c2_status compare_sheets(comparison *c, c2_study_table table, c2_error *err) {
  const c2_schema *schema = &c2_schemas[table];
  bool same = true;
  c->files++;
  if (c->here.rows != c->there.rows) {
    return c2_journal_warn(c->journal, err, "%.120s: %zu rows there, %zu here", c->name, c->there.rows, c->here.rows);
  }
  for (size_t k = 0; k < schema->published; k++) {
    char column[C2_COLUMN_ROOM];
    c2_column_name(&schema->column[k], c->plan->split, C2_MASE, column);
    C2_TRY(compare_column(c, column, &same, err));
  }
  c->same += same ? 1 : 0;
  return C2_OK;
}

static c2_status compare(comparison *c, const char *prefix, c2_study_table table, double radius, c2_error *err) {
  char here[C2_PATH_ROOM];
  char there[C2_PATH_ROOM];
  c2_study_table_path(c->plan->prefix, table, radius, here);
  c2_study_table_path(prefix, table, radius, there);
  if (!c2_file_exists(here) || !c2_file_exists(there)) return C2_OK;
  c->name = strrchr(there, '/') + 1;
  c2_status status = c2_sheet_open(&c->here, here, err);
  if (status == C2_OK) status = c2_sheet_open(&c->there, there, err);
  if (status == C2_OK) status = compare_sheets(c, table, err);
  c2_sheet_close(&c->here);
  c2_sheet_close(&c->there);
  return status;
}

/* Were numbers of this radius read from a perf_sparse file? Else perf_compare is what was read. */
static bool has_sparse_file(const char *prefix, double radius) {
  char path[C2_PATH_ROOM];
  c2_study_table_path(prefix, C2_TABLE_PERF_SPARSE, radius, path);
  return c2_file_exists(path);
}

c2_status c2_reproduce(const c2_plan *plan, const c2_results *results, const char *prefix, c2_journal *journal,
                       char *out, size_t room, c2_error *err) {
  static const c2_study_table others[] = {C2_TABLE_MASS_SUMMARY, C2_TABLE_COMPARE_ALL, C2_TABLE_SWEEP,
                                          C2_TABLE_SUMMARY};
  comparison c = {.plan = plan, .results = results, .journal = journal};
  for (size_t k = 0; k < results->perf_radii.count; k++) {
    double radius = results->perf_radii.at[k];
    C2_TRY(compare(&c, prefix, C2_TABLE_TTEST, radius, err));
    if (has_sparse_file(prefix, radius)) C2_TRY(compare(&c, prefix, C2_TABLE_COMPARE, radius, err));
  }
  for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) C2_TRY(compare(&c, prefix, others[k], 0, err));
  if (c.files == 0) return C2_OK;
  (void)snprintf(out, room, "reproduced: %zu of %zu summary files of %.200s, to a relative difference of %.1g", c.same,
                 c.files, plan->from_csv, c.worst);
  return C2_OK;
}
