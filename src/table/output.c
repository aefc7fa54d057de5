/* Builds and releases Arrow schemas and arrays. A child has its own memory, so that a consumer may move it away. */
#include "table/output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { MOST_ROWS = 65536, FIXED_COLUMNS = 4, MOST_BUFFERS = 3 };

/* ---- Schemas --------------------------------------------------------------------------------- */

static void release_schema(struct ArrowSchema *schema) {
  for (int64_t i = 0; schema->children && i < schema->n_children; i++) {
    struct ArrowSchema *child = schema->children[i];
    if (child && child->release) child->release(child);
    free(child);
  }
  free(schema->children);
  free(schema->private_data); /* format and name */
  schema->release = NULL;
}

static c2_status fill_schema(struct ArrowSchema *out, const char *format, const char *name, size_t children,
                             c2_error *err) {
  size_t length = strlen(format) + 1;
  char *texts = NULL;
  *out = (struct ArrowSchema){.flags = ARROW_FLAG_NULLABLE};
  C2_TRY(c2_alloc_array(length + strlen(name) + 1, 1, &texts, err));
  memcpy(texts, format, length);
  memcpy(texts + length, name, strlen(name) + 1);
  out->format = texts;
  out->name = texts + length;
  out->private_data = texts;
  out->release = release_schema;
  if (children == 0) return C2_OK;
  C2_TRY(c2_alloc_array(children, sizeof *out->children, &out->children, err));
  out->n_children = (int64_t)children;
  return C2_OK;
}

static c2_status add_field(struct ArrowSchema *table, size_t index, const char *format, const char *name,
                           c2_error *err) {
  C2_TRY(c2_alloc_array(1, sizeof *table->children[index], &table->children[index], err));
  return fill_schema(table->children[index], format, name, 0, err);
}

/* The shortest spelling that reads back as the same number, with a point or an exponent. */
static void spell_level(double level, char out[C2_FLOAT_ROOM]) {
  c2_double_text(out, level, 1);
  if (out[strspn(out, "0123456789")] == '\0') memcpy(out + strlen(out), ".0", 3);
}

static size_t columns_of(const c2_table_plan *plan) {
  return FIXED_COLUMNS + plan->levels + plan->has_error_column;
}

static const c2_field *id_field(const c2_table_plan *plan) {
  return &plan->past.field[plan->past.role[C2_ROLE_ID].place];
}

static c2_storage id_storage(const c2_table_plan *plan) {
  const c2_field *field = id_field(plan);
  c2_storage storage = field->has_dictionary ? field->words : field->storage;
  return storage == C2_STORED_TEXT_VIEW ? C2_STORED_TEXT32 : storage;
}

static c2_status check_name(const c2_table_plan *plan, const char *own, c2_error *err) {
  const char *const given[] = {id_field(plan)->name, plan->axis.field->name};
  for (size_t i = 0; i < 2; i++) {
    if (strcmp(given[i], own) != 0) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s: the forecasts have a column '%s' of their own; expected another name",
            i == 0 ? "id_column" : "timestamp_column", own);
  }
  return C2_OK;
}

c2_status c2_output_check_names(const c2_table_plan *plan, c2_error *err) {
  C2_TRY(check_name(plan, "target_name", err));
  C2_TRY(check_name(plan, "predictions", err));
  for (size_t i = 0; i < plan->levels; i++) {
    char level[C2_FLOAT_ROOM];
    spell_level(plan->level[i], level);
    C2_TRY(check_name(plan, level, err));
  }
  return plan->has_error_column ? check_name(plan, "error", err) : C2_OK;
}

static c2_status fill_fields(const c2_table_plan *plan, struct ArrowSchema *out, c2_error *err) {
  const c2_field *id = id_field(plan);
  const char *format = id_storage(plan) == C2_STORED_TEXT32 ? "u" : id->format;
  C2_TRY(fill_schema(out, "+s", "", columns_of(plan), err));
  out->flags = 0;
  C2_TRY(add_field(out, 0, format, id->name, err));
  C2_TRY(add_field(out, 1, plan->axis.field->format, plan->axis.field->name, err));
  C2_TRY(add_field(out, 2, "u", "target_name", err));
  C2_TRY(add_field(out, 3, "f", "predictions", err));
  for (size_t i = 0; i < plan->levels; i++) {
    char name[C2_FLOAT_ROOM];
    spell_level(plan->level[i], name);
    C2_TRY(add_field(out, FIXED_COLUMNS + i, "f", name, err));
  }
  return plan->has_error_column ? add_field(out, FIXED_COLUMNS + plan->levels, "u", "error", err) : C2_OK;
}

c2_status c2_output_schema(const c2_table_plan *plan, struct ArrowSchema *out, c2_error *err) {
  *out = (struct ArrowSchema){.release = NULL};
  c2_status status = fill_fields(plan, out, err);
  if (status != C2_OK && out->release) out->release(out);
  return status;
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

static void release_array(struct ArrowArray *array) {
  for (int64_t i = 0; array->children && i < array->n_children; i++) {
    struct ArrowArray *child = array->children[i];
    if (child && child->release) child->release(child);
    free(child);
  }
  for (int64_t i = 0; array->buffers && i < array->n_buffers; i++) free((void *)(uintptr_t)array->buffers[i]);
  free(array->children);
  free((void *)array->buffers);
  array->release = NULL;
}

static c2_status fill_array(struct ArrowArray *out, size_t rows, size_t buffers, size_t children, c2_error *err) {
  *out = (struct ArrowArray){.length = (int64_t)rows, .release = release_array};
  C2_TRY(c2_alloc_array(MOST_BUFFERS, sizeof *out->buffers, &out->buffers, err));
  out->n_buffers = (int64_t)buffers;
  if (children == 0) return C2_OK;
  C2_TRY(c2_alloc_array(children, sizeof *out->children, &out->children, err));
  out->n_children = (int64_t)children;
  return C2_OK;
}

static c2_status add_column(struct ArrowArray *table, size_t index, size_t buffers, struct ArrowArray **out,
                            c2_error *err) {
  C2_TRY(c2_alloc_array(1, sizeof *table->children[index], &table->children[index], err));
  *out = table->children[index];
  return fill_array(*out, (size_t)table->length, buffers, 0, err);
}

/* A buffer of `count` elements in the array's place `index`. */
static c2_status add_buffer(struct ArrowArray *array, size_t index, size_t count, size_t size, void *out,
                            c2_error *err) {
  void *buffer = NULL;
  C2_TRY(c2_alloc_array(count, size, &buffer, err));
  array->buffers[index] = buffer;
  memcpy(out, &buffer, sizeof buffer);
  return C2_OK;
}

/* ---- Columns of a forecast ------------------------------------------------------------------- */

/* What a record batch is made of. */
typedef struct piece {
  const c2_table_plan *plan;
  const c2_table_batch *batch;
  size_t from, to; /* series, which have all a forecast or none where errors have a column */
  size_t block;    /* rows of one series */
  struct ArrowArray *table;
} piece;

/* A column of texts: one a block of `repeat` rows. */
typedef const char *(*text_fn)(const piece *p, size_t block, size_t *size);

static c2_status add_texts(const piece *p, size_t index, c2_storage storage, size_t repeat, text_fn text,
                           c2_error *err) {
  struct ArrowArray *column = NULL;
  size_t rows = (size_t)p->table->length;
  bool wide = storage == C2_STORED_TEXT64;
  size_t bytes = 0;
  void *offsets = NULL;
  char *to = NULL;
  C2_TRY(add_column(p->table, index, 3, &column, err));
  for (size_t i = 0; i < rows; i += repeat) {
    size_t size = 0;
    (void)text(p, i / repeat, &size);
    c2_sum_up(&bytes, size, repeat);
  }
  if (bytes > (wide ? (size_t)PTRDIFF_MAX : (size_t)INT32_MAX)) C2_FAIL(err, C2_ERR_MEMORY, "ids are too long");
  C2_TRY(add_buffer(column, 1, rows + 1, wide ? 8 : 4, &offsets, err));
  C2_TRY(add_buffer(column, 2, bytes, 1, &to, err));
  for (size_t i = 0, used = 0; i < rows; i++) {
    size_t size = 0;
    const char *from = text(p, i / repeat, &size);
    if (size > 0) memcpy(to + used, from, size);
    used += size;
    if (wide) {
      ((int64_t *)offsets)[i + 1] = (int64_t)used;
    } else {
      ((int32_t *)offsets)[i + 1] = (int32_t)used;
    }
  }
  return C2_OK;
}

static const char *id_of(const piece *p, size_t series, size_t *size) {
  return c2_keys_get(&p->plan->ids, p->batch->entry[p->from + series].key, size);
}

static const char *target_of(const piece *p, size_t block, size_t *size) {
  const char *name = p->plan->past.field[p->plan->past.role[C2_ROLE_FIRST + block % p->plan->targets].place].name;
  *size = strlen(name);
  return name;
}

/* Bytes of an integer. */
static size_t size_of(c2_storage storage) {
  switch (storage) {
    case C2_STORED_INT8:
    case C2_STORED_UINT8: return 1;
    case C2_STORED_INT16:
    case C2_STORED_UINT16: return 2;
    case C2_STORED_INT32:
    case C2_STORED_UINT32: return 4;
    default: return 8;
  }
}

static void put_integer(void *to, size_t row, size_t size, int64_t value) {
  switch (size) {
    case 1: ((int8_t *)to)[row] = (int8_t)value; break;
    case 2: ((int16_t *)to)[row] = (int16_t)value; break;
    case 4: ((int32_t *)to)[row] = (int32_t)value; break;
    default: ((int64_t *)to)[row] = value; break;
  }
}

static c2_status add_ids(const piece *p, c2_error *err) {
  c2_storage storage = id_storage(p->plan);
  struct ArrowArray *column = NULL;
  void *to = NULL;
  size_t width = size_of(storage);
  if (storage >= C2_STORED_TEXT32) return add_texts(p, 0, storage, p->block, id_of, err);
  C2_TRY(add_column(p->table, 0, 2, &column, err));
  C2_TRY(add_buffer(column, 1, (size_t)column->length, width, &to, err));
  for (size_t i = 0; i < (size_t)column->length; i++) {
    size_t size = 0;
    put_integer(to, i, width, c2_key_integer(id_of(p, i / p->block, &size)));
  }
  return C2_OK;
}

static c2_status add_stamps(const piece *p, c2_error *err) {
  struct ArrowArray *column = NULL;
  void *to = NULL;
  size_t horizon = p->plan->predict.horizon;
  size_t width = p->plan->axis.field->storage == C2_STORED_INT32 ? 4 : 8;
  C2_TRY(add_column(p->table, 1, 2, &column, err));
  C2_TRY(add_buffer(column, 1, (size_t)column->length, width, &to, err));
  for (size_t i = 0; i < (size_t)column->length; i++) {
    put_integer(to, i, width, p->batch->stamps[(p->from + i / p->block) * horizon + i % horizon]);
  }
  return C2_OK;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static c2_status add_values(const piece *p, size_t index, float **out, c2_error *err) {
  struct ArrowArray *column = NULL;
  const chronos2_forecast *f = &p->batch->forecast;
  unsigned char *valid = NULL;
  C2_TRY(add_column(p->table, index, 2, &column, err));
  C2_TRY(add_buffer(column, 1, (size_t)column->length, sizeof **out, out, err));
  for (size_t i = p->from; i < p->to; i++) {
    if (f->targets[i] == 0) column->null_count += (int64_t)p->block;
  }
  if (column->null_count == 0) return C2_OK;
  C2_TRY(add_buffer(column, 0, (size_t)column->length / 8 + 1, 1, &valid, err));
  for (size_t row = 0; row < (size_t)column->length; row++) {
    if (f->targets[p->from + row / p->block] > 0) valid[row / 8] |= (unsigned char)(1 << row % 8);
  }
  return C2_OK;
}

/* The median and the levels of one target: rows [at, at + horizon) of the columns. Counts those that float32 can't
 * hold. */
static c2_status put_target(const piece *p, size_t series, size_t target, size_t at, float *median,
                            float *const *column, double *scratch, size_t *infinite, c2_error *err) {
  const chronos2_forecast *f = &p->batch->forecast;
  size_t levels = p->plan->levels;
  const double *values = c2_forecast_quantiles(f, series, target) + f->median * f->horizon;
  for (size_t h = 0; h < f->horizon; h++) median[at + h] = (float)values[h];
  C2_TRY(c2_forecast_at_levels(f, series, target, p->plan->level, levels, scratch, err));
  for (size_t h = 0; h < f->horizon; h++) {
    *infinite += isinf(median[at + h]) != 0;
    for (size_t q = 0; q < levels; q++) {
      column[q][at + h] = (float)scratch[h * levels + q];
      *infinite += isinf(column[q][at + h]) != 0;
    }
  }
  return C2_OK;
}

static c2_status add_forecasts(const piece *p, c2_error *err) {
  const chronos2_forecast *f = &p->batch->forecast;
  float *median = NULL;
  float **column = NULL;
  double *scratch = NULL;
  size_t count = 0;
  size_t infinite = 0;
  c2_status status = C2_OK;
  C2_TRY(add_values(p, 3, &median, err));
  if (!c2_mul(f->horizon, p->plan->levels, &count)) C2_FAIL(err, C2_ERR_MEMORY, "too many quantile levels");
  C2_GOTO(c2_alloc_array(count, sizeof *scratch, &scratch, err));
  C2_GOTO(c2_alloc_array(p->plan->levels, sizeof *column, &column, err));
  for (size_t q = 0; q < p->plan->levels; q++) C2_GOTO(add_values(p, FIXED_COLUMNS + q, &column[q], err));
  for (size_t i = p->from; i < p->to; i++) {
    for (size_t t = 0; t < f->targets[i]; t++) {
      size_t at = (i - p->from) * p->block + t * f->horizon;
      C2_GOTO(put_target(p, i, t, at, median, column, scratch, &infinite, err));
    }
  }
  if (infinite > 0) c2_plan_warn(p->plan, "%zu numbers are beyond the range of float32, so infinite", infinite);
fail:
  free(column);
  free(scratch);
  return status;
}

/* A column without values: of texts, or of `width` bytes each. */
static c2_status add_nulls(const piece *p, size_t index, bool texts, size_t width, c2_error *err) {
  struct ArrowArray *column = NULL;
  void *buffer = NULL;
  C2_TRY(add_column(p->table, index, texts ? 3 : 2, &column, err));
  C2_TRY(add_buffer(column, 0, (size_t)column->length / 8 + 1, 1, &buffer, err));
  C2_TRY(add_buffer(column, 1, (size_t)column->length + texts, width, &buffer, err));
  if (texts) C2_TRY(add_buffer(column, 2, 0, 1, &buffer, err));
  column->null_count = column->length;
  return C2_OK;
}

static const char *fault_of(const piece *p, size_t series, size_t *size) {
  const char *text = p->batch->fault[p->from + series];
  *size = strlen(text);
  return text;
}

/* A row a series that has no forecast: its id, and why. */
static c2_status fill_faults(const piece *p, c2_error *err) {
  size_t last = FIXED_COLUMNS + p->plan->levels;
  C2_TRY(add_nulls(p, 1, false, p->plan->axis.field->storage == C2_STORED_INT32 ? 4 : 8, err));
  C2_TRY(add_nulls(p, 2, true, 4, err));
  for (size_t i = 3; i < last; i++) C2_TRY(add_nulls(p, i, false, sizeof(float), err));
  return add_texts(p, last, C2_STORED_TEXT32, 1, fault_of, err);
}

static c2_status fill_rows(const piece *p, size_t rows, bool faults, c2_error *err) {
  C2_TRY(fill_array(p->table, rows, 1, columns_of(p->plan), err));
  C2_TRY(add_ids(p, err));
  if (faults) return fill_faults(p, err);
  C2_TRY(add_stamps(p, err));
  C2_TRY(add_texts(p, 2, C2_STORED_TEXT32, p->plan->predict.horizon, target_of, err));
  C2_TRY(add_forecasts(p, err));
  return p->plan->has_error_column ? add_nulls(p, FIXED_COLUMNS + p->plan->levels, true, 4, err) : C2_OK;
}

c2_status c2_output_rows(const c2_table_plan *plan, const c2_table_batch *batch, size_t from, size_t *to,
                         struct ArrowArray *out, c2_error *err) {
  piece p = {.plan = plan, .batch = batch, .from = from, .table = out};
  size_t rows = 0;
  *out = (struct ArrowArray){.release = NULL};
  bool faults = plan->has_error_column && batch->fault[from];
  if (!c2_mul(plan->targets, plan->predict.horizon, &p.block)) C2_FAIL(err, C2_ERR_MEMORY, "too many rows");
  if (faults) p.block = 1;
  size_t end = from + c2_min_size(batch->count - from, c2_max_size(MOST_ROWS / p.block, 1));
  for (p.to = from + 1; p.to < end && (!plan->has_error_column || !batch->fault[p.to] == !faults);) p.to++;
  if (!c2_mul(p.to - from, p.block, &rows)) C2_FAIL(err, C2_ERR_MEMORY, "too many rows");
  c2_status status = fill_rows(&p, rows, faults, err);
  if (status != C2_OK && out->release) out->release(out);
  *to = p.to;
  return status;
}
