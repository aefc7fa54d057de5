/* Rows of items to series: in place where they lie together in order, else copied. Knows no output. */
#include "table/batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/caveats.h"
#include "base/memory.h"
#include "series/column.h"

/* One item of a table while its columns are taken. */
typedef struct part {
  c2_table_plan *plan;
  c2_table_batch *batch;
  const c2_source *source;
  const c2_entry *entry;
  size_t length;
  const size_t *steps; /* of its rows; NULL: 0, 1, 2 ... */
  bool is_loaded;      /* into the axis: else its rows lie together in order */
  uint32_t item;       /* a number of the item's own */
} part;

static const c2_chunk_cells *cells_of(const part *p, size_t role, size_t i, size_t *row) {
  const c2_run *run = p->entry->run;
  const c2_spot *spot = &p->plan->axis.spot[i];
  *row = p->is_loaded ? spot->row : run->first + i;
  return &(p->is_loaded ? spot->chunk : run->chunk)->cells[role];
}

static size_t step_of(const part *p, size_t i) {
  return p->steps ? p->steps[i] : i;
}

static c2_status load(part *p, c2_error *err) {
  p->is_loaded = p->entry->runs != 1 || p->entry->is_unsorted || p->steps;
  return p->is_loaded ? c2_timeline_load(&p->plan->axis, p->source, p->entry, err) : C2_OK;
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* Numbers of a role, where they lie or as a copy. */
static c2_status take_numbers(const part *p, size_t role, chronos2_column *out, c2_error *err) {
  double *copy = NULL;
  if (!p->is_loaded) {
    const c2_view *view = &p->entry->run->chunk->cells[role].values;
    size_t first = view->offset + p->entry->run->first;
    *out = (chronos2_column){.validity = view->validity, .validity_offset = first};
    if (view->storage == C2_STORED_FLOAT64) out->values = (const double *)view->values + first;
    if (view->storage == C2_STORED_FLOAT32) out->values = (const float *)view->values + first;
    if (view->storage == C2_STORED_FLOAT32) out->type = CHRONOS2_FLOAT32;
    if (out->values) return C2_OK;
  }
  C2_TRY(c2_pool_alloc(&p->batch->pool, p->length, sizeof *copy, &copy, err));
  for (size_t i = 0; p->steps && i < p->length; i++) copy[i] = (double)NAN;
  for (size_t i = 0; i < p->entry->rows; i++) {
    size_t row = 0;
    const c2_chunk_cells *cells = cells_of(p, role, i, &row);
    copy[step_of(p, i)] = c2_view_number(&cells->values, row);
  }
  *out = (chronos2_column){.values = copy};
  return C2_OK;
}

/* Categories of a role as labels. */
static c2_status take_labels(const part *p, size_t role, size_t covariate, const char *const **out, c2_error *err) {
  const char **text = NULL;
  C2_TRY(c2_pool_alloc(&p->batch->pool, p->length, sizeof *text, &text, err));
  for (size_t i = 0; i < p->entry->rows; i++) {
    size_t row = 0;
    uint32_t code = cells_of(p, role, i, &row)->code[row];
    if (code != C2_CODE_MISSING) text[step_of(p, i)] = p->batch->label[covariate][code];
  }
  *out = text;
  return C2_OK;
}

/* Categories of a role as ranks among those of df; a missing one comes last, one that df lacks is missing. */
static c2_status take_ranks(const part *p, size_t role, const c2_words *words, chronos2_column *out, c2_error *err) {
  double *copy = NULL;
  C2_TRY(c2_pool_alloc(&p->batch->pool, p->length, sizeof *copy, &copy, err));
  for (size_t i = 0; i < p->length; i++) copy[i] = (double)words->keys.count;
  for (size_t i = 0; i < p->entry->rows; i++) {
    size_t row = 0;
    uint32_t code = cells_of(p, role, i, &row)->code[row];
    if (code == C2_CODE_MISSING) continue;
    copy[step_of(p, i)] = code == C2_CODE_UNSEEN ? (double)NAN : (double)words->rank[code];
  }
  *out = (chronos2_column){.values = copy};
  return C2_OK;
}

/* Marks the categories of an item's past, or counts those of its future that it never had. Returns how many values are
 * there. */
static size_t look_for_unseen(const part *p, size_t role, c2_covariate_plan *c, bool is_past) {
  size_t there = 0;
  for (size_t i = 0; i < p->entry->rows; i++) {
    size_t row = 0;
    uint32_t code = cells_of(p, role, i, &row)->code[row];
    if (code == C2_CODE_MISSING) continue;
    there++;
    if (is_past) {
      c->seen[code] = p->item;
    } else if (code == C2_CODE_UNSEEN || (p->plan->targets == 1 && c->seen[code] != p->item)) {
      if (c->unseen++ == 0) c->unseen_key = p->entry->key;
    }
  }
  return there;
}

static bool has_value(const chronos2_column *c, size_t row) {
  return !isnan(c2_column_value(c, row));
}

/* Whether its values [from, length) differ. */
static bool varies(const chronos2_column *c, size_t from, size_t length) {
  double first = (double)NAN;
  for (size_t i = from; i < length; i++) {
    double value = c2_column_value(c, i);
    if (isnan(first)) first = value;
    if (!isnan(value) && value != first) return true;
  }
  return false;
}

/* Numbers that are there, from the last one on until they are enough. */
static size_t count_values(const chronos2_column *c, size_t length, size_t enough) {
  size_t there = 0;
  for (size_t i = length; i-- > 0 && there < enough;) there += has_value(c, i);
  return there;
}

/* Counts what an item's covariate lacks, where so many values of it are there. A missing category of the future is
 * known where the past has one. */
static void note_missing(const part *p, size_t k, bool is_past, size_t there) {
  c2_lacks *lacks = &p->plan->lacks;
  c2_covariate_plan *c = &p->plan->covariate[k];
  if (is_past) c->knows_missing = c->is_category && there < p->length;
  if (is_past && there == 0 && lacks->last_blank != p->item) {
    lacks->last_blank = p->item;
    if (lacks->blank++ > 0) return;
    lacks->blank_key = p->entry->key;
    lacks->blank_covariate = k;
  } else if (!is_past && there < p->length && !c->knows_missing) {
    if (lacks->unknown == 0) {
      lacks->unknown_key = p->entry->key;
      lacks->unknown_covariate = k;
    }
    lacks->unknown += p->length - there;
  }
}

static c2_status take_covariate(const part *p, size_t k, bool is_past, chronos2_covariate *out, c2_error *err) {
  c2_covariate_plan *c = &p->plan->covariate[k];
  size_t role = is_past ? C2_ROLE_FIRST + p->plan->targets + k : c->future;
  chronos2_column *column = NULL;
  if (c->is_category) note_missing(p, k, is_past, look_for_unseen(p, role, c, is_past));
  if (c->is_category && p->plan->targets == 1) {
    return take_labels(p, role, k, is_past ? &out->past_text : &out->future_text, err);
  }
  C2_TRY(c2_pool_alloc(&p->batch->pool, 1, sizeof *column, &column, err));
  *(is_past ? &out->past_column : &out->future_column) = column;
  if (c->is_category) return take_ranks(p, role, &c->words, column, err);
  C2_TRY(take_numbers(p, role, column, err));
  note_missing(p, k, is_past, count_values(column, p->length, is_past ? 1 : SIZE_MAX));
  return C2_OK;
}

/* Counts items of whose targets nothing is observed, or nothing at the end. */
static void look_at_end(c2_lacks *lacks, const chronos2_series *s, size_t key) {
  size_t open = s->length;
  for (size_t k = 0; k < s->targets; k++) {
    size_t steps = 0;
    while (steps < open && !has_value(&s->target_column[k], s->length - 1 - steps)) steps++;
    open = steps;
  }
  if (open == s->length) {
    if (lacks->empty++ == 0) lacks->empty_key = key;
  } else if (open > 0) {
    if (lacks->open++ == 0) lacks->open_key = key;
    lacks->longest = c2_max_size(lacks->longest, open);
  }
}

/* ---- Series ---------------------------------------------------------------------------------- */

static uint32_t number_of(const c2_table_batch *batch, size_t index) {
  return (uint32_t)(batch->entry[index].past + 1);
}

static c2_status take_series(c2_table_plan *plan, c2_table_batch *batch, size_t index, c2_error *err) {
  c2_entry *entry = c2_source_entry(&plan->past, batch->entry[index].past);
  chronos2_series *s = &batch->series[index];
  chronos2_column *target = NULL;
  chronos2_covariate *covariate = NULL;
  size_t *steps = NULL;
  part p = {.plan = plan, .batch = batch, .source = &plan->past, .entry = entry, .item = number_of(batch, index)};
  if (plan->axis.fills) C2_TRY(c2_pool_alloc(&batch->pool, entry->rows, sizeof *steps, &steps, err));
  p.steps = steps;
  C2_TRY(load(&p, err));
  if (steps) C2_TRY(c2_timeline_place(&plan->axis, &plan->past, entry, steps, err));
  C2_TRY(c2_timeline_check(&plan->axis, &plan->past, entry, err));
  p.length = entry->steps;
  C2_TRY(c2_pool_alloc(&batch->pool, plan->targets, sizeof *target, &target, err));
  C2_TRY(c2_pool_alloc(&batch->pool, plan->covariates, sizeof *covariate, &covariate, err));
  *s = (chronos2_series){.length = p.length,
                         .targets = plan->targets,
                         .target_column = target,
                         .covariates = plan->covariates,
                         .covariate = covariate};
  for (size_t k = 0; k < plan->targets; k++) C2_TRY(take_numbers(&p, C2_ROLE_FIRST + k, &target[k], err));
  look_at_end(&plan->lacks, s, entry->key);
  for (size_t k = 0; k < plan->covariates; k++) {
    covariate[k].name = plan->covariate[k].name;
    C2_TRY(take_covariate(&p, k, true, &covariate[k], err));
  }
  if (!plan->has_future) return C2_OK;
  part f = {.plan = plan,
            .batch = batch,
            .source = &plan->future,
            .entry = c2_source_entry(&plan->future, batch->entry[index].future),
            .length = plan->predict.horizon,
            .item = number_of(batch, index)};
  C2_TRY(load(&f, err));
  for (size_t k = 0; k < plan->covariates; k++) {
    if (plan->covariate[k].future != SIZE_MAX) C2_TRY(take_covariate(&f, k, false, &covariate[k], err));
  }
  return C2_OK;
}

/* The series of an item and the time stamps of its forecast. */
static c2_status take_item(c2_table_plan *plan, c2_table_batch *batch, size_t index, c2_error *err) {
  size_t horizon = plan->predict.horizon;
  if (batch->entry[index].past == SIZE_MAX) return C2_OK;
  c2_entry *entry = c2_source_entry(&plan->past, batch->entry[index].past);
  if (!entry->fault) {
    c2_status status = take_series(plan, batch, index, err);
    if (status == C2_OK) {
      status = c2_timeline_continue(&plan->axis, &plan->past, entry, horizon, batch->stamps + index * horizon, err);
    }
    C2_TRY(c2_plan_excuse(plan, entry, status, err));
  }
  if (entry->fault) batch->series[index] = (chronos2_series){.length = 0}; /* without a target: it is left out */
  return C2_OK;
}

/* Names the item in a text that speaks of "series 0", as those of forecasts do. */
static void name_item(const c2_table_batch *batch, const c2_table_plan *plan, char *text, size_t room) {
  char id[C2_ID_ROOM];
  char whole[sizeof((c2_error *)0)->text];
  char *at = strstr(text, "series ");
  char *end = NULL;
  if (!at || strlen(text) >= sizeof whole) return;
  unsigned long long index = strtoull(at + 7, &end, 10);
  if (end == at + 7 || index >= batch->count) return;
  c2_source_id(&plan->past, batch->entry[index].key, id);
  memcpy(whole, text, strlen(text) + 1);
  (void)snprintf(text, room, "%.*sitem '%s'%.800s", (int)(at - text), whole, id, whole + (end - text));
}

/* Why items have no forecast, in texts of the batch's own. */
static c2_status keep_faults(c2_table_plan *plan, c2_table_batch *batch, c2_error *err) {
  const c2_fault *fault = batch->forecast.fault;
  C2_TRY(c2_pool_alloc(&batch->pool, batch->count, sizeof *batch->fault, &batch->fault, err));
  for (size_t i = 0; i < batch->count; i++) {
    size_t past = batch->entry[i].past;
    const char *own = past == SIZE_MAX ? "it has a future and no past" : c2_source_entry(&plan->past, past)->fault;
    char text[sizeof err->text];
    if (!own && (!fault || fault[i].status == C2_OK)) continue;
    if (!own && !fault[i].text) C2_FAIL(err, C2_ERR_MEMORY, "out of memory");
    (void)snprintf(text, sizeof text, "%s", own ? own : fault[i].text);
    if (!own) name_item(batch, plan, text, sizeof text);
    C2_TRY(c2_pool_text(&batch->pool, text, &batch->fault[i], err));
  }
  return C2_OK;
}

/* A text a code, which sort as the codes do. */
static c2_status write_labels(c2_table_plan *plan, c2_table_batch *batch, c2_error *err) {
  C2_TRY(c2_pool_alloc(&batch->pool, plan->covariates, sizeof *batch->label, &batch->label, err));
  for (size_t k = 0; k < plan->covariates; k++) {
    c2_covariate_plan *c = &plan->covariate[k];
    char(*label)[9] = NULL;
    size_t before = c->seen_room;
    if (!c->is_category) continue;
    C2_TRY(c2_grow_array(&c->seen, &c->seen_room, c->words.keys.count, sizeof *c->seen, err));
    if (c->seen_room > before) memset(c->seen + before, 0, (c->seen_room - before) * sizeof *c->seen);
    C2_TRY(c2_pool_alloc(&batch->pool, c->words.keys.count, sizeof *label, &label, err));
    for (size_t i = 0; i < c->words.keys.count; i++) (void)snprintf(label[i], sizeof *label, "%08x", (unsigned)i);
    batch->label[k] = (const char(*)[9])label;
  }
  return C2_OK;
}

/* What a context doesn't vary in has bands without a width. */
static bool is_coarse(const c2_table_plan *plan, const c2_table_batch *batch, size_t series, size_t target) {
  const chronos2_forecast *f = &batch->forecast;
  const chronos2_series *s = &batch->series[series];
  const double *first = c2_forecast_quantiles(f, series, target);
  size_t from = s->length > plan->context_limit ? s->length - plan->context_limit : 0;
  return c2_float_is_coarse(first, f->horizon, f->quantiles) && varies(&s->target_column[target], from, s->length);
}

/* Counts items in whose bands float32, which the table holds, is too coarse. */
static void look_at_bands(const c2_table_plan *plan, c2_lacks *lacks, const c2_table_batch *batch) {
  for (size_t i = 0; i < batch->count; i++) {
    size_t t = 0;
    while (t < batch->forecast.targets[i] && !is_coarse(plan, batch, i, t)) t++;
    if (t == batch->forecast.targets[i]) continue;
    if (lacks->coarse++ == 0) lacks->coarse_key = batch->entry[i].key;
  }
}

/* Under cross_learning series inform those alone that share their pass; those that are left out take no place in it. */
static void warn_of_passes(const c2_table_plan *plan, const c2_table_batch *batch) {
  c2_passes passes = {.most = plan->predict.batch_size > 0 ? plan->predict.batch_size : C2_USUAL_ROWS};
  const c2_fault *fault = batch->forecast.fault;
  char line[C2_CAVEAT_ROOM];
  for (size_t i = 0; i < batch->count; i++) {
    if (fault && fault[i].status != C2_OK) continue;
    c2_passes_add(&passes, batch->series[i].targets + batch->series[i].covariates);
  }
  c2_caveat_passes(&passes, "batch_size", line);
  if (line[0]) c2_plan_warn(plan, "%s", line);
}

static c2_status forecast(c2_table_batch *batch, const c2_table_plan *plan, chronos2_session *session,
                          const c2_portion *portion, c2_error *err) {
  C2_TRY(c2_session_enter(session, err));
  session->portion = portion;
  session->engine.first_series = portion->first;
  c2_status status =
      c2_forecast_run(&batch->forecast, session, NULL, batch->series, batch->count, &plan->predict, err);
  c2_session_leave(session);
  return status;
}

c2_status c2_table_batch_run(c2_table_batch *batch, c2_table_plan *plan, chronos2_session *session,
                             const c2_portion *portion, const c2_batch_entry *entry, size_t count, c2_error *err) {
  size_t horizon = plan->predict.horizon;
  size_t stamps = 0;
  *batch = (c2_table_batch){.count = count};
  if (!c2_mul(count, horizon, &stamps)) C2_FAIL(err, C2_ERR_MEMORY, "too many time stamps");
  C2_TRY(c2_pool_alloc(&batch->pool, count, sizeof *batch->entry, &batch->entry, err));
  C2_TRY(c2_pool_alloc(&batch->pool, count, sizeof *batch->series, &batch->series, err));
  C2_TRY(c2_pool_alloc(&batch->pool, stamps, sizeof *batch->stamps, &batch->stamps, err));
  memcpy(batch->entry, entry, count * sizeof *entry);
  C2_TRY(write_labels(plan, batch, err));
  for (size_t i = 0; i < count; i++) C2_TRY(take_item(plan, batch, i, err));
  c2_status status = forecast(batch, plan, session, portion, err);
  if (status == C2_OK && plan->predict.cross_learning) warn_of_passes(plan, batch);
  if (status == C2_OK) look_at_bands(plan, &plan->lacks, batch);
  if (status == C2_OK) return keep_faults(plan, batch, err);
  if (err) name_item(batch, plan, err->text, sizeof err->text);
  return status;
}

void c2_table_batch_close(c2_table_batch *batch) {
  c2_forecast_free(&batch->forecast);
  c2_pool_free(&batch->pool);
  memset(batch, 0, sizeof *batch);
}
