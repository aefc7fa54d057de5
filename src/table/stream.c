/* Reads items until a batch is complete, forecasts it, and gives its rows out, one record batch a call. */
#include "table/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/caveats.h"
#include "base/memory.h"
#include "base/number.h"
#include "forecast/session.h"
#include "table/output.h"

typedef struct stream {
  chronos2_session *session;
  c2_table_plan plan;
  c2_table_batch batch; /* whose rows are given out */
  size_t given;         /* series of it */
  size_t inferred;      /* items of df that have told their frequency */
  size_t next;          /* item of df that comes next */
  size_t matched;       /* items of future_df that belong to one of df */
  bool is_gathered;
  bool has_ended;
  c2_error err; /* the failure that ended it */
} stream;

/* ---- Items ----------------------------------------------------------------------------------- */

static c2_status infer_complete(stream *s, c2_error *err) {
  c2_source *past = &s->plan.past;
  for (size_t end = c2_source_complete(past); s->inferred < end; s->inferred++) {
    c2_entry *entry = c2_source_entry(past, s->inferred);
    c2_status status = c2_timeline_infer(&s->plan.axis, past, entry, err);
    if (status != C2_OK) C2_TRY(c2_plan_excuse(&s->plan, entry, status, err));
  }
  if (past->has_ended && !s->plan.axis.is_known && c2_source_count(past) > 0) return c2_timeline_unknown(err);
  return C2_OK;
}

/* How many of the next items are forecast together; *full: no further ones would be. */
static size_t together(const stream *s, bool *full) {
  enum { MOST_ROWS = 1 << 20 };
  const c2_table_plan *plan = &s->plan;
  size_t count = 0;
  size_t rows = 0;
  while (s->next + count < s->inferred && count < plan->batch_series && rows < MOST_ROWS) {
    if (!plan->predict.cross_learning) rows += c2_source_entry(&plan->past, s->next + count)->steps;
    count++;
  }
  *full = count == plan->batch_series || rows >= MOST_ROWS;
  return count;
}

/* Reads df until the next items are complete and the frequency is known, or it has ended. */
static c2_status read_items(stream *s, size_t *count, c2_error *err) {
  c2_source *past = &s->plan.past;
  bool full = false;
  C2_TRY(infer_complete(s, err));
  for (;;) {
    *count = together(s, &full);
    if (past->has_ended || (full && s->plan.axis.is_known)) return C2_OK;
    C2_TRY(c2_source_read(past, err));
    C2_TRY(infer_complete(s, err));
  }
}

static c2_status no_future(c2_error *err) {
  C2_FAIL(err, C2_ERR_FORMAT, "future_df must have the same time series IDs as df");
}

static c2_status check_length(const stream *s, size_t wrong, const c2_entry *example, c2_error *err) {
  char id[C2_ID_ROOM];
  if (wrong == 0) return C2_OK;
  c2_source_id(&s->plan.future, example->key, id);
  C2_FAIL(err, C2_ERR_FORMAT,
          "future_df must contain prediction_length=%zu rows per item. Found %zu items with a different number of "
          "rows, as '%s' with %zu.",
          s->plan.predict.horizon, wrong, id, example->rows);
}

/* Checks all of a future that was read as a whole. */
static c2_status check_futures(const stream *s, c2_error *err) {
  const c2_source *past = &s->plan.past;
  const c2_source *future = &s->plan.future;
  size_t wrong = 0;
  const c2_entry *example = NULL;
  if (past->items != future->items) return no_future(err);
  for (size_t i = 0; i < future->items; i++) {
    const c2_entry *entry = &future->entry[i];
    if (!c2_source_has(past, entry->key)) return no_future(err);
    if (entry->rows != s->plan.predict.horizon && wrong++ == 0) example = entry;
  }
  return check_length(s, wrong, example, err);
}

/* Checks the rows of a known future: one for each step, unless they are trusted. */
static c2_status settle_future(stream *s, const c2_entry *past, c2_entry *entry, c2_error *err) {
  c2_table_plan *plan = &s->plan;
  size_t horizon = plan->predict.horizon;
  int64_t *expected = NULL;
  c2_status status = C2_OK;
  if (entry->rows != horizon) return check_length(s, 1, entry, err);
  C2_TRY(c2_timeline_load(&plan->axis, &plan->future, entry, err));
  for (size_t i = 0; i < horizon; i++) entry->is_unsorted = entry->is_unsorted || plan->axis.spot[i].at != i;
  if (plan->is_trusted) return C2_OK;
  C2_TRY(c2_alloc_array(horizon, sizeof *expected, &expected, err));
  C2_GOTO(c2_timeline_continue(&plan->axis, &plan->past, past, horizon, expected, err));
  const c2_field *field = &plan->future.field[plan->future.role[C2_ROLE_TIME].place];
  for (size_t i = 0; i < horizon; i++) {
    char id[C2_ID_ROOM];
    char stamp[C2_TIME_ROOM];
    if (c2_timeline_equal(&plan->axis, expected[i], field, plan->axis.spot[i].stamp)) continue;
    c2_source_id(&plan->past, past->key, id);
    c2_timeline_format(&plan->axis, expected[i], stamp);
    C2_GOTO(c2_fail(err, C2_ERR_FORMAT,
                    "future_df timestamps do not match the expected prediction timestamps. You can disable this check "
                    "by setting `validate_inputs=False`. Item '%s': expected %s at row %zu",
                    id, stamp, i));
  }
fail:
  free(expected);
  return status;
}

/* The known future of an item, which is read as far as that; SIZE_MAX: it has none. */
static c2_status find_future(stream *s, const c2_entry *past, size_t *index, c2_error *err) {
  c2_source *future = &s->plan.future;
  for (;;) {
    size_t number = past->key < future->number_room ? future->number[past->key] : 0;
    bool whole = future->has_ended || future->is_part; /* a part was read as far as the past */
    *index = number > 0 ? number - 1 : SIZE_MAX;
    if (whole || (number > 0 && number <= c2_source_complete(future))) return C2_OK;
    C2_TRY(c2_source_read(future, err));
  }
}

/* The same with its rows checked, unless something else is wrong with the item. */
static c2_status take_future(stream *s, c2_entry *past, size_t *index, c2_error *err) {
  C2_TRY(find_future(s, past, index, err));
  if (past->fault) return C2_OK;
  c2_status status = *index == SIZE_MAX ? no_future(err)
                                        : settle_future(s, past, c2_source_entry(&s->plan.future, *index), err);
  return status == C2_OK ? C2_OK : c2_plan_excuse(&s->plan, past, status, err);
}

/* Reads both tables to their ends, and finds what is wrong with them. */
static c2_status gather(stream *s, c2_error *err) {
  c2_table_plan *plan = &s->plan;
  size_t *steps = NULL;
  size_t room = 0;
  c2_status status = C2_OK;
  while (!plan->past.has_ended) C2_TRY(c2_source_read(&plan->past, err));
  C2_TRY(c2_plan_rank(plan, err));
  while (plan->has_future && !plan->future.has_ended) C2_TRY(c2_source_read(&plan->future, err));
  if (plan->has_future && !plan->is_trusted && !plan->has_error_column) C2_TRY(check_futures(s, err));
  C2_TRY(infer_complete(s, err));
  for (size_t i = 0; i < plan->past.items; i++) {
    c2_entry *entry = &plan->past.entry[i];
    size_t index = 0;
    if (plan->axis.fills && !entry->fault) {
      C2_GOTO(c2_grow_array(&steps, &room, entry->rows, sizeof *steps, err));
      C2_GOTO(c2_timeline_load(&plan->axis, &plan->past, entry, err));
      status = c2_timeline_place(&plan->axis, &plan->past, entry, steps, err);
      if (status != C2_OK) C2_GOTO(c2_plan_excuse(plan, entry, status, err));
    }
    if (plan->has_future) C2_GOTO(take_future(s, entry, &index, err));
  }
  plan->axis.steps = plan->axis.filled = plan->axis.between = 0; /* the forecasts count them again */
  s->is_gathered = true;
fail:
  free(steps);
  return status;
}

/* ---- Forecasts ------------------------------------------------------------------------------- */

static void warn_of_faults(const stream *s) {
  for (size_t i = 0; !s->plan.has_error_column && i < s->batch.count; i++) {
    if (s->batch.fault[i]) c2_plan_warn(&s->plan, "no forecast: %s", s->batch.fault[i]);
  }
}

/* Appends the next items of df. */
static c2_status add_items(stream *s, c2_batch_entry *entry, size_t count, c2_error *err) {
  c2_table_plan *plan = &s->plan;
  for (size_t i = 0; i < count; i++) {
    c2_entry *past = c2_source_entry(&plan->past, s->next + i);
    entry[i] = (c2_batch_entry){.past = s->next + i, .future = SIZE_MAX, .key = past->key};
    if (!plan->has_future) continue;
    C2_TRY(take_future(s, past, &entry[i].future, err));
    s->matched += entry[i].future != SIZE_MAX;
  }
  return C2_OK;
}

/* Whether an item of the future has no past, and none can come. */
static bool is_stranger(const stream *s, const c2_entry *entry) {
  const c2_source *past = &s->plan.past;
  return entry->runs > 0 && !c2_source_has(past, entry->key);
}

/* Appends items of a future without a past, where they have a row for that: of the part of df that was read, or of all
 * of future_df at the end. */
static c2_status add_strangers(stream *s, c2_batch_entry **entry, size_t *count, c2_error *err) {
  c2_source *future = &s->plan.future;
  size_t room = *count;
  if (!s->plan.has_future || !s->plan.has_error_column || s->plan.is_trusted) return C2_OK;
  if (!future->is_part && *count > 0) return C2_OK;
  while (!future->is_part && !future->has_ended) C2_TRY(c2_source_read(future, err));
  for (size_t i = future->taken; i < c2_source_complete(future); i++) {
    const c2_entry *stranger = c2_source_entry(future, i);
    if (!is_stranger(s, stranger)) continue;
    C2_TRY(c2_grow_array(entry, &room, *count + 1, sizeof **entry, err));
    (*entry)[(*count)++] = (c2_batch_entry){.past = SIZE_MAX, .future = i, .key = stranger->key};
  }
  return C2_OK;
}

/* Forecasts the next items, if there are any. */
static c2_status next_batch(stream *s, c2_error *err) {
  c2_table_plan *plan = &s->plan;
  c2_batch_entry *entry = NULL;
  size_t items = 0;
  c2_status status = C2_OK;
  c2_table_batch_close(&s->batch);
  s->given = 0;
  if (plan->gathers && !s->is_gathered) C2_TRY(gather(s, err));
  C2_TRY(read_items(s, &items, err));
  C2_TRY(c2_alloc_array(items, sizeof *entry, &entry, err));
  size_t count = items;
  C2_GOTO(add_items(s, entry, items, err));
  C2_GOTO(add_strangers(s, &entry, &count, err));
  if (count == 0) goto fail;
  const c2_portion portion = {.first = s->next, .strangers = count - items, .items = s->inferred};
  C2_GOTO(c2_table_batch_run(&s->batch, &s->plan, s->session, &portion, entry, count, err));
  for (size_t i = 0; i < count; i++) {
    if (entry[i].past != SIZE_MAX) c2_source_drop(&plan->past, entry[i].past);
    if (entry[i].future != SIZE_MAX) c2_source_drop(&plan->future, entry[i].future);
  }
  s->next += items;
  warn_of_faults(s);
fail:
  free(entry);
  return status;
}

static void warn_of_lacks(const c2_table_plan *plan) {
  const c2_lacks *l = &plan->lacks;
  char id[C2_ID_ROOM];
  char line[C2_CAVEAT_ROOM];
  if (l->empty > 0) {
    c2_source_id(&plan->past, l->empty_key, id);
    c2_caveat_empty((c2_caveat_of){"item", l->empty, id}, line);
    c2_plan_warn(plan, "%s", line);
  }
  if (l->blank > 0) {
    c2_source_id(&plan->past, l->blank_key, id);
    c2_caveat_blank((c2_caveat_of){"item", l->blank, id}, plan->covariate[l->blank_covariate].name, line);
    c2_plan_warn(plan, "%s", line);
  }
  if (l->open > 0) {
    c2_source_id(&plan->past, l->open_key, id);
    c2_caveat_open((c2_caveat_of){"item", l->open, id}, l->longest, "", line);
    c2_plan_warn(plan, "%s", line);
  }
  if (l->unknown > 0) {
    c2_source_id(&plan->past, l->unknown_key, id);
    c2_caveat_unknown(l->unknown, plan->covariate[l->unknown_covariate].name, id, line);
    c2_plan_warn(plan, "%s", line);
  }
  if (l->coarse > 0) {
    c2_source_id(&plan->past, l->coarse_key, id);
    c2_caveat_coarse((c2_caveat_of){"item", l->coarse, id}, "float32", C2_RESCALE, line);
    c2_plan_warn(plan, "%s", line);
  }
}

/* Says how rows and forecasts lie on the axis. */
static void warn_of_steps(const c2_table_plan *plan) {
  const c2_timeline *axis = &plan->axis;
  char id[C2_ID_ROOM];
  if (axis->filled > 0) {
    c2_plan_warn(plan, "%zu of %zu steps have no row and are missing values", axis->filled, axis->steps);
  }
  if (axis->between > 0) {
    char freq[C2_FREQ_ROOM];
    char line[C2_CAVEAT_ROOM];
    c2_source_id(&plan->past, axis->between_key, id);
    c2_freq_format(&axis->between_freq, freq);
    c2_caveat_between(axis->between, freq, axis->between_freq.unit == C2_FREQ_BUSINESS_HOUR, line);
    c2_plan_warn(plan, "%s; the first of them in item '%s'", line, id);
  }
  if (axis->loose > 0) {
    c2_source_id(&plan->past, axis->loose_key, id);
    c2_plan_warn(plan,
                 "rows of %zu item%s, as '%s', are not one step of the %s frequency apart, but count as consecutive "
                 "steps",
                 axis->loose, axis->loose == 1 ? "" : "s", id, axis->is_given ? "given" : "inferred");
  }
  if (axis->has_unclear) {
    char stamp[C2_TIME_ROOM];
    c2_source_id(&plan->past, axis->unclear_key, id);
    c2_timeline_format(axis, axis->unclear_stamp, stamp);
    char line[C2_CAVEAT_ROOM];
    c2_caveat_unclear(id, axis->field->zone, stamp, line);
    c2_plan_warn(plan, "%s", line);
  }
}

/* Whether a category is spelled as a number, with either decimal sign. */
static bool is_number(const char *word, size_t size) {
  char text[C2_ID_ROOM]; /* a longer one is none */
  if (size >= sizeof text) return false;
  memcpy(text, word, size);
  text[size] = '\0';
  return c2_number_shape_of(text) != C2_SHAPE_NONE;
}

/* Says which columns of texts hold numbers beside others. A dictionary was asked for, and its words may be codes. */
static void warn_of_mixed(const c2_table_plan *plan) {
  for (size_t k = 0; k < plan->covariates; k++) {
    const c2_covariate_plan *c = &plan->covariate[k];
    size_t numbers = 0;
    char odd[C2_ID_ROOM] = "";
    char line[C2_CAVEAT_ROOM];
    for (size_t i = 0; !c->words.is_ranked && i < c->words.keys.count; i++) {
      size_t size = 0;
      const char *word = c2_keys_get(&c->words.keys, i, &size);
      if (is_number(word, size)) {
        numbers++;
      } else if (i == numbers) { /* the first */
        (void)snprintf(odd, sizeof odd, "%.*s", (int)c2_min_size(size, sizeof odd - 1), word);
      }
    }
    if (numbers == 0 || numbers == c->words.keys.count) continue;
    c2_caveat_mixed(c->name, odd, "", line);
    c2_plan_warn(plan, "%s", line);
  }
}

/* What is known only at the end. */
static c2_status finish(stream *s, c2_error *err) {
  const c2_table_plan *plan = &s->plan;
  char id[C2_ID_ROOM];
  bool checks = plan->has_future && !plan->is_trusted && !plan->has_error_column;
  while (checks && !plan->future.has_ended) C2_TRY(c2_source_read(&s->plan.future, err));
  if (checks && s->matched != c2_source_count(&plan->future)) return no_future(err);
  warn_of_steps(plan);
  warn_of_lacks(plan);
  warn_of_mixed(plan);
  for (size_t k = 0; k < plan->covariates; k++) {
    const c2_covariate_plan *c = &plan->covariate[k];
    if (c->unseen == 0) continue;
    c2_source_id(&plan->past, c->unseen_key, id);
    c2_plan_warn(plan,
                 "column '%.60s': categories that the past never had, so that their effect is unknown: %zu future "
                 "values, the first of item '%s'",
                 c->name, c->unseen, id);
  }
  s->has_ended = true;
  return C2_OK;
}

/* ---- Callbacks of the output ----------------------------------------------------------------- */

static int code_of(const stream *s) {
  if (s->plan.past.code != 0) return s->plan.past.code;
  if (s->plan.future.code != 0) return s->plan.future.code;
  switch (s->err.code) {
    case C2_OK: return 0;
    case C2_ERR_ARGUMENT:
    case C2_ERR_FORMAT: return EINVAL;
    case C2_ERR_MEMORY: return ENOMEM;
    case C2_ERR_UNSUPPORTED: return ENOTSUP;
    case C2_ERR_CANCELLED: return ECANCELED;
    case C2_ERR_MODEL: return EDOM;
    default: return EIO;
  }
}

static int get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out) {
  stream *s = self->private_data;
  c2_error err = {.code = C2_OK};
  if (c2_output_schema(&s->plan, out, &err) == C2_OK) return 0;
  s->err = err;
  return code_of(s);
}

static c2_status give_rows(stream *s, struct ArrowArray *out, c2_error *err) {
  out->release = NULL;
  if (s->has_ended) return C2_OK;
  if (s->given == s->batch.count) C2_TRY(next_batch(s, err));
  if (s->batch.count == 0) return finish(s, err);
  return c2_output_rows(&s->plan, &s->batch, s->given, &s->given, out, err);
}

static int get_next(struct ArrowArrayStream *self, struct ArrowArray *out) {
  stream *s = self->private_data;
  c2_error err = {.code = C2_OK};
  if (c2_session_check(s->session, &err) != C2_OK) { /* in a callback: the call under way goes on */
    out->release = NULL;
    return EINVAL;
  }
  if (s->err.code == C2_OK && give_rows(s, out, &err) != C2_OK) s->err = err;
  if (s->err.code != C2_OK) out->release = NULL;
  return code_of(s);
}

static const char *get_last_error(struct ArrowArrayStream *self) {
  const stream *s = self->private_data;
  return s->err.code == C2_OK ? NULL : s->err.text;
}

static void free_stream(stream *s) {
  c2_table_batch_close(&s->batch);
  c2_plan_close(&s->plan);
  free(s);
}

static void release(struct ArrowArrayStream *self) {
  free_stream(self->private_data);
  self->private_data = NULL;
  self->release = NULL;
}

c2_status c2_stream_open(chronos2_session *session, struct ArrowArrayStream *df, struct ArrowArrayStream *future_df,
                         const chronos2_stream_options *options, const chronos2_predict_options *predict,
                         struct ArrowArrayStream *out, c2_error *err) {
  stream *s = NULL;
  c2_status status = c2_alloc_array(1, sizeof *s, &s, err);
  if (status != C2_OK) {
    if (df->release) df->release(df);
    if (future_df && future_df->release) future_df->release(future_df);
    return status;
  }
  s->session = session;
  status = c2_plan_open(&s->plan, &session->model->config, df, future_df, options, predict, err);
  if (status == C2_OK) status = c2_output_check_names(&s->plan, err);
  if (status != C2_OK) {
    free_stream(s);
    return status;
  }
  *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, s};
  return C2_OK;
}
