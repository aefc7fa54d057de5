/* The CSV files of a study. Knows which rows a table has, not what is in them. */
#include "study/files/tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "base/text.h"
#include "data/csv.h"
#include "data/lookup.h"
#include "study/files/prefix.h"
#include "study/files/schema.h"

/* ---- A table ---------------------------------------------------------------------------------- */

typedef struct writer {
  const c2_plan *plan;
  const c2_results *results;
  const c2_summary *summary;
  c2_json_writer *json; /* NULL: rows are lines of `file` */
  c2_outfile file;
  c2_study_table table;
  c2_study_row row;  /* of the table under way */
  bool failed; /* memory was out for a cell */
  c2_lookup written; /* what follows the prefix in the paths of the files */
  c2_pool pool;      /* of those texts */
} writer;

/* A text, which in a CSV file may have to be quoted. */
static void put_words(writer *w, const char *name, const c2_study_field *column) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out) c2_study_field_put(column, &w->row, out);
  bool written = out && c2_text_close(out, &text);
  w->failed = w->failed || !written;
  if (w->json) {
    c2_json_put_text(w->json, name, text);
  } else {
    c2_csv_write(w->file.stream, written ? text : "");
  }
  free(text);
}

static void put_cell(writer *w, const c2_study_field *column) {
  char name[C2_COLUMN_ROOM];
  c2_column_name(column, w->plan->split, w->row.metric, name);
  if (!c2_study_field_is_number(column)) {
    put_words(w, name, column);
  } else if (!w->json) {
    c2_study_field_put(column, &w->row, w->file.stream);
  } else if (column->kind == C2_WHOLE) {
    c2_json_put_whole(w->json, name, (uint64_t)c2_study_field_number(column, &w->row));
  } else {
    double value = c2_study_field_number(column, &w->row);
    c2_json_put_number(w->json, name, column->kind == C2_PERCENT ? c2_percent(value) : value);
  }
}

static void put_name(writer *w, const c2_study_field *column) {
  char name[C2_COLUMN_ROOM];
  c2_column_name(column, w->plan->split, w->row.metric, name);
  c2_csv_write(w->file.stream, name);
}

/* A line of the file: what `put` writes of each column. */
static void put_line(writer *w, void (*put)(writer *w, const c2_study_field *column)) {
  const c2_schema *schema = &c2_schemas[w->table];
  const c2_metric_list *compared = &w->results->compared;
  for (size_t i = 0; i < schema->count; i++) {
    const c2_study_field *column = &schema->column[i];
    for (size_t m = 0; m < (column->each ? compared->count : 1); m++) {
      w->row.metric = compared->at[m];
      if (column->each && !c2_study_field_stands_for(column, compared, w->row.metric)) continue;
      if (i > 0 && !w->json) (void)fputc(',', w->file.stream);
      put(w, column);
    }
  }
  if (!w->json) (void)fputc('\n', w->file.stream);
}

static void put_row(writer *w) {
  if (w->json) c2_json_begin_object(w->json, NULL);
  put_line(w, put_cell);
  if (w->json) c2_json_end_object(w->json);
}

/* Opens a table, and keeps the parts that the next one needs too. */
static c2_status open_table(writer *w, c2_study_table table, double radius, c2_error *err) {
  char path[C2_PATH_ROOM];
  c2_study_table_path(w->plan->prefix, table, radius, path);
  w->table = table;
  if (w->json) {
    c2_json_begin_array(w->json, c2_schemas[table].name);
    return C2_OK;
  }
  size_t at = 0;
  C2_TRY(c2_lookup_keep(&w->written, &w->pool, path + strlen(w->plan->prefix), &at, err));
  C2_TRY(c2_outfile_open(&w->file, path, err));
  put_line(w, put_name);
  return C2_OK;
}

static c2_status close_table(writer *w, c2_error *err) {
  c2_status status = w->failed ? c2_fail(err, C2_ERR_MEMORY, "cannot allocate a cell") : C2_OK;
  if (w->json) {
    c2_json_end_array(w->json);
    return status;
  }
  if (status == C2_OK) status = c2_outfile_commit(&w->file, err);
  c2_outfile_discard(&w->file);
  return status;
}

/* ---- Rows ------------------------------------------------------------------------------------- */

/* `count` rows that stand in one array, elements of `size`, as one part. */
static c2_status write_array(writer *w, c2_study_table table, double radius, c2_part part, const void *rows,
                             size_t count, size_t size, c2_error *err) {
  C2_TRY(open_table(w, table, radius, err));
  for (size_t i = 0; i < count; i++) {
    w->row.part[part] = (const char *)rows + i * size;
    put_row(w);
  }
  return close_table(w, err);
}

static void set_task(writer *w, size_t index) {
  w->row.part[C2_PART_RESULT] = &w->results->task[index];
  w->row.part[C2_PART_TASK] = w->results->task[index].task;
}

static void set_arm(writer *w, size_t arm) {
  const c2_task_result *result = w->row.part[C2_PART_RESULT];
  w->row.part[C2_PART_ARM] = &w->results->arm[arm];
  w->row.part[C2_PART_FULL] = result->perf;
  w->row.part[C2_PART_PERF] = &result->perf[arm];
}

/* Each task's rows of the probe, or one row a task. */
static c2_status write_task_rows(writer *w, c2_study_table table, c2_error *err) {
  C2_TRY(open_table(w, table, 0, err));
  for (size_t i = 0; i < w->results->done; i++) {
    const c2_task_result *t = &w->results->task[i];
    bool mass = table == C2_TABLE_MASS_PER_WINDOW;
    bool head = table == C2_TABLE_MASS_BY_HEAD;
    set_task(w, i);
    for (size_t k = 0; k < (mass ? t->mass_count : head ? t->head_count : 1); k++) {
      if (mass) w->row.part[C2_PART_MASS] = &t->mass[k];
      if (head) w->row.part[C2_PART_HEAD] = &t->head[k];
      put_row(w);
    }
  }
  return close_table(w, err);
}

/* Arms [first, end), each over all tasks. */
static c2_status write_tasks(writer *w, c2_study_table table, size_t first, size_t end, c2_error *err) {
  C2_TRY(open_table(w, table, w->results->arm[first].radius, err));
  for (size_t k = first; k < end; k++) {
    for (size_t i = 0; i < w->results->done; i++) {
      set_task(w, i);
      set_arm(w, k);
      put_row(w);
    }
  }
  return close_table(w, err);
}

static c2_status write_equivalence(writer *w, c2_error *err) {
  C2_TRY(open_table(w, C2_TABLE_EQUIVALENCE, 0, err));
  for (size_t i = w->summary->metrics; i < w->summary->metrics * w->results->arms; i++) {
    const c2_equivalence_row *change = &w->summary->equivalence[i];
    w->row.part[C2_PART_CHANGE] = change;
    w->row.part[C2_PART_ARM] = change->arm;
    put_row(w);
  }
  return close_table(w, err);
}

static c2_status write_find_sinks(writer *w, c2_error *err) {
  C2_TRY(open_table(w, C2_TABLE_FIND_SINKS, 0, err));
  for (size_t i = 0; i < w->results->layers * w->results->heads; i++) {
    const c2_sink_row *sink = &w->summary->ranked[i];
    w->row.part[C2_PART_SINK] = sink;
    w->row.part[C2_PART_CHANGE] = &sink->change[0]; /* of the leading metric */
    put_row(w);
  }
  return close_table(w, err);
}

/* ---- All of them ------------------------------------------------------------------------------ */

static c2_status write_tests(writer *w, c2_study_table table, size_t first, size_t count, c2_error *err) {
  const c2_test_row *test = &w->summary->test[first];
  return write_array(w, table, test->radius, C2_PART_TEST, test, count, sizeof *test, err);
}

static c2_status write_probe(writer *w, bool measured, c2_error *err) {
  const c2_summary *s = w->summary;
  size_t heads = w->results->layers * w->results->heads;
  size_t radii = w->results->radii.count;
  if (measured) C2_TRY(write_task_rows(w, C2_TABLE_MASS_PER_WINDOW, err));
  if (w->results->task[0].mass_count) {
    C2_TRY(write_array(w, C2_TABLE_MASS_SUMMARY, 0, C2_PART_SHARES, s->mass, radii, sizeof *s->mass, err));
  }
  if (measured) C2_TRY(write_task_rows(w, C2_TABLE_MASS_BY_HEAD, err));
  if (s->sink) C2_TRY(write_array(w, C2_TABLE_SINKS, 0, C2_PART_SINK, s->sink, heads, sizeof *s->sink, err));
  return s->ranked ? write_find_sinks(w, err) : C2_OK;
}

static c2_status write_comparison(writer *w, bool measured, c2_error *err) {
  size_t radii = w->results->perf_radii.count;
  if (measured) C2_TRY(write_tasks(w, C2_TABLE_PERF_FULL, 0, 1, err));
  for (size_t k = 0; k < radii; k++) {
    if (measured) C2_TRY(write_tasks(w, C2_TABLE_PERF_SPARSE, k + 1, k + 2, err));
    C2_TRY(write_tasks(w, C2_TABLE_COMPARE, k + 1, k + 2, err));
    C2_TRY(write_tests(w, C2_TABLE_TTEST, k, 1, err));
  }
  C2_TRY(write_tasks(w, C2_TABLE_COMPARE_ALL, 1, 1 + radii, err));
  if (measured) C2_TRY(write_tasks(w, C2_TABLE_ARMS, 0, w->results->arms, err));
  C2_TRY(write_equivalence(w, err));
  C2_TRY(write_tests(w, C2_TABLE_SWEEP, 0, radii, err));
  return write_tests(w, C2_TABLE_SUMMARY, 0, radii, err);
}

static writer begin(const c2_plan *plan, const c2_results *results, const c2_summary *summary, c2_json_writer *json) {
  writer w = {.plan = plan, .results = results, .summary = summary, .json = json};
  w.row.part[C2_PART_PLAN] = plan;
  w.row.part[C2_PART_RESULTS] = results;
  return w;
}

static c2_status write_all(writer *w, bool measured, c2_error *err) {
  C2_TRY(write_probe(w, measured, err));
  C2_TRY(write_task_rows(w, C2_TABLE_BASELINES, err));
  return w->results->arms ? write_comparison(w, measured, err) : C2_OK;
}

c2_status c2_tables_write(const c2_plan *plan, const c2_results *results, const c2_summary *summary,
                          c2_journal *journal, c2_error *err) {
  bool measured = !plan->from_csv;
  bool is_study = results->arms > 0;
  size_t at = 0;
  writer w = begin(plan, results, summary, NULL);
  c2_status status = write_all(&w, measured, err);
  if (status == C2_OK && is_study) status = c2_lookup_put(&w.written, "__report.html", &at, err); /* is next */
  /* What a study has measured is taken away by another study alone. */
  if (status == C2_OK) status = c2_prefix_settle(plan->prefix, &w.written, measured && is_study, journal, err);
  c2_lookup_free(&w.written);
  c2_pool_free(&w.pool);
  return status;
}

c2_status c2_tables_put(c2_json_writer *json, const c2_plan *plan, const c2_results *r, const c2_summary *s,
                        c2_error *err) {
  size_t heads = s->sink ? r->layers * r->heads : 0;
  writer w = begin(plan, r, s, json);
  C2_TRY(write_array(&w, C2_TABLE_MASS_SUMMARY, 0, C2_PART_SHARES, s->mass, r->radii.count, sizeof *s->mass, err));
  C2_TRY(write_array(&w, C2_TABLE_SINKS, 0, C2_PART_SINK, s->sink, heads, sizeof *s->sink, err));
  C2_TRY(write_task_rows(&w, C2_TABLE_BASELINES, err));
  C2_TRY(write_equivalence(&w, err));
  C2_TRY(write_tasks(&w, C2_TABLE_COMPARE_ALL, 1, 1 + r->perf_radii.count, err));
  return write_tests(&w, C2_TABLE_SUMMARY, 0, r->perf_radii.count, err);
}
