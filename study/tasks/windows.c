/* Data of a task and its windows. */
#include "study/tasks/windows.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/lookup.h"

/* ---- Data ------------------------------------------------------------------------------------ */

static c2_status add_names(c2_lookup *lookup, const c2_names *names, c2_error *err) {
  size_t first = 0;
  for (size_t i = 0; i < names->count; i++) C2_TRY(c2_lookup_add(lookup, names->name[i], &first, err));
  return C2_OK;
}

/* The columns of ids and of time stamps. */
static void keys_of(const c2_read_options *options, const char *keys[2]) {
  keys[0] = c2_id_name(options->id_column);
  keys[1] = c2_stamp_name(options->timestamp_column);
}

/* Columns that become targets under __ALL__: those that nothing else claims, but for one without a name, as pandas
 * writes its index, and an "id" beside the ids, which may number the rows. */
static c2_status other_columns(const c2_task *task, const c2_read_options *options, const c2_header *header,
                               const char **columns, size_t *count, c2_error *err) {
  const char *keys[2];
  c2_lookup claimed = {0};
  c2_status status = C2_OK;
  size_t at = 0;
  keys_of(options, keys);
  C2_GOTO(add_names(&claimed, &task->known, err));
  C2_GOTO(add_names(&claimed, &task->past, err));
  C2_GOTO(add_names(&claimed, &task->statics, err));
  for (size_t i = 0; i < header->names.count; i++) {
    const char *name = header->names.text[i];
    if (!*name || strcmp(name, keys[0]) == 0 || strcmp(name, keys[1]) == 0) continue;
    if (!task->id_column && strcmp(name, "id") == 0) continue;
    C2_GOTO(c2_header_find(header, name, &at, err)); /* refuses a name used twice */
    if (!c2_lookup_find(&claimed, name, &at)) columns[(*count)++] = name;
  }
fail:
  c2_lookup_free(&claimed);
  return status;
}

/* The ids and the time stamps are neither targets nor covariates. */
static c2_status check_keys(const c2_task *task, const c2_header *header, const c2_read_options *options,
                            c2_error *err) {
  const char *keys[2];
  c2_lookup columns = {0};
  c2_status status = C2_OK;
  size_t at = 0;
  keys_of(options, keys);
  for (size_t i = 0; status == C2_OK && i < options->target_count; i++) {
    status = c2_lookup_add(&columns, options->targets[i], &at, err);
  }
  for (size_t i = 0; status == C2_OK && i < options->covariate_count; i++) {
    status = c2_lookup_add(&columns, options->covariates[i], &at, err);
  }
  for (size_t k = 0; status == C2_OK && k < 2; k++) {
    if (!c2_header_has(header, keys[k]) || !c2_lookup_find(&columns, keys[k], &at)) continue;
    const char *field = "past_dynamic_columns";
    if (at < options->target_count + task->known.count) field = "known_dynamic_columns";
    if (at < options->target_count) field = "target";
    status = c2_fail(err, C2_ERR_FORMAT, "%s:%zu: %s: column '%.80s' is named twice: it holds the %s", task->file,
                     task->line, field, keys[k], k == 0 ? "ids" : "time stamps");
  }
  c2_lookup_free(&columns);
  return status;
}

/* Takes the usual column, else one of fev's default name, "id". */
static c2_status choose_id(c2_read_options *options, const c2_input *input, c2_dataset *set, c2_error *err) {
  const char *usual = c2_id_name(NULL);
  bool has_usual = c2_header_has(input->header, usual);
  bool has_id = c2_header_has(input->header, "id");
  if (options->id_column) return C2_OK;
  if (has_usual || has_id) options->id_column = has_usual ? usual : "id";
  if (!has_usual || !has_id) return C2_OK;
  return c2_dataset_note(set, err, "%s: the ids are those of column '%s', not of 'id', as the task has no id_column",
                         input->name, usual);
}

static c2_status read_table(c2_task_data *data, const c2_task *task, c2_input *input, c2_read_options *options,
                            c2_error *err) {
  const char **columns = NULL;
  size_t count = 0;
  C2_TRY(choose_id(options, input, &data->set, err));
  data->id_column = options->id_column;
  if (task->univariate_all) {
    C2_TRY(c2_dataset_alloc(&data->set, input->header->names.count, sizeof *columns, &columns, err));
    C2_TRY(other_columns(task, options, input->header, columns, &count, err));
    options->target_count = count;
    options->targets = columns;
  } else {
    options->target_count = task->univariate.count ? task->univariate.count : task->target.count;
    options->targets = task->univariate.count ? task->univariate.name : task->target.name;
  }
  if (options->target_count == 0) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: %s has no column for __ALL__", task->file, task->line, input->name);
  }
  C2_TRY(check_keys(task, input->header, options, err));
  return c2_input_read(input, &data->set, options, err);
}

static c2_status read_file(c2_task_data *data, const c2_task *task, const char *path, c2_read_options *options,
                           c2_error *err) {
  c2_input input;
  c2_status status = c2_input_open(&input, path, false, NULL, err);
  if (status == C2_OK) {
    data->is_table = c2_input_is_table(&input);
    data->set.twins = !data->is_table; /* a line is a series, whatever its id */
    if (data->is_table) {
      status = read_table(data, task, &input, options, err);
    } else {
      if (task->target_is_list) {
        options->targets = task->target.name;
        options->target_count = task->target.count;
      }
      status = c2_input_read(&input, &data->set, options, err);
    }
  }
  c2_input_close(&input);
  return status;
}

static c2_status read_data(c2_task_data *data, const c2_task *task, c2_error *err) {
  size_t count = task->known.count + task->past.count;
  const char **names = NULL;
  C2_TRY(c2_dataset_alloc(&data->set, count, sizeof *names, &names, err));
  for (size_t i = 0; i < count; i++) {
    names[i] = i < task->known.count ? task->known.name[i] : task->past.name[i - task->known.count];
  }
  data->id_column = task->id_column;
  c2_read_options options = {.id_column = task->id_column,
                             .timestamp_column = task->timestamp_column,
                             .covariates = names,
                             .covariate_count = count};
  for (size_t i = 0; i < task->data.count; i++) {
    c2_read_options own = options; /* the readers' findings in one file are none of the next one's */
    C2_TRY(read_file(data, task, task->data.name[i], &own, err));
    if (!options.id_column) options.id_column = own.id_column; /* one column for all files */
  }
  data->id_column = c2_id_name(data->id_column);
  return c2_dataset_join_kinds(&data->set, err);
}

/* Leaves an item the task's covariates, known ones first. */
static c2_status choose_covariates(c2_task_data *data, const c2_task *task, c2_item *item, c2_error *err) {
  c2_covariate *chosen = NULL;
  c2_lookup names = {0};
  size_t at = 0;
  C2_TRY(c2_dataset_alloc(&data->set, data->covariates, sizeof *chosen, &chosen, err));
  c2_status status = C2_OK;
  for (size_t k = 0; status == C2_OK && k < item->covariates; k++) {
    status = c2_lookup_add(&names, item->covariate[k].name, &at, err);
  }
  for (size_t k = 0; status == C2_OK && k < data->covariates; k++) {
    const char *name = k < data->known ? task->known.name[k] : task->past.name[k - data->known];
    if (c2_lookup_find(&names, name, &at)) {
      chosen[k] = item->covariate[at];
    } else {
      status = c2_fail(err, C2_ERR_FORMAT, "%s:%zu: series '%.80s' has no covariate '%.80s', which task '%.80s' names",
                       item->file, item->line, item->id, name, task->name);
    }
  }
  item->covariate = chosen;
  item->covariates = data->covariates;
  c2_lookup_free(&names);
  return status;
}

static int by_id(const void *a, const void *b) {
  const c2_unit *x = a;
  const c2_unit *y = b;
  int order = strcmp(x->id, y->id);
  return order ? order : (x->item > y->item) - (x->item < y->item);
}

/* A target of an item as a series of its own. */
static c2_status add_target(c2_task_data *data, const c2_item *item, size_t target, c2_error *err) {
  const char *name = item->target_names[target];
  char *id = NULL;
  size_t size = strlen(item->id) + strlen(name) + 2;
  C2_TRY(c2_dataset_alloc(&data->set, size, 1, &id, err));
  bool split = data->is_table || item->targets > 1; /* a JSON Lines copy may hold a line a series already */
  (void)snprintf(id, size, "%s%s%s", item->id, split ? "_" : "", split ? name : "");
  data->unit[data->units++] = (c2_unit){item, target, id};
  return C2_OK;
}

/* The targets of a line of JSON Lines that the task lists; the columns of a table are those that it lists. */
static c2_status add_listed_targets(c2_task_data *data, const c2_task *task, const c2_item *item, c2_error *err) {
  c2_lookup names = {0};
  size_t at = 0;
  c2_status status = C2_OK;
  for (size_t t = 0; status == C2_OK && t < item->targets; t++) {
    status = c2_lookup_add(&names, item->target_names[t], &at, err);
  }
  for (size_t i = 0; status == C2_OK && i < task->univariate.count; i++) {
    const char *name = task->univariate.name[i];
    if (c2_lookup_find(&names, name, &at)) {
      status = add_target(data, item, at, err);
    } else {
      status = c2_fail(err, C2_ERR_FORMAT,
                       "%s:%zu: series '%.80s' has no target '%.80s', which generate_univariate_targets_from lists; "
                       "its targets are '%.80s'%s",
                       item->file, item->line, item->id, name, item->target_names[0],
                       item->targets > 1 ? " and so on" : "");
    }
  }
  c2_lookup_free(&names);
  return status;
}

static c2_status add_split_item(c2_task_data *data, const c2_task *task, const c2_item *item, c2_error *err) {
  if (!data->is_table && !task->univariate_all) return add_listed_targets(data, task, item, err);
  for (size_t t = 0; t < item->targets; t++) C2_TRY(add_target(data, item, t, err));
  return C2_OK;
}

/* A joint series, which must have the task's targets. */
static c2_status add_whole_item(c2_task_data *data, const c2_item *item, c2_error *err) {
  if (item->targets != data->targets) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s:%zu: series '%.80s' has %zu targets, expected %zu; list them under target, or give "
            "generate_univariate_targets_from",
            item->file, item->line, item->id, item->targets, data->targets);
  }
  data->unit[data->units++] = (c2_unit){item, SIZE_MAX, item->id};
  return C2_OK;
}

static c2_status make_units(c2_task_data *data, const c2_task *task, c2_error *err) {
  bool split = task->univariate_all || task->univariate.count;
  size_t most = 0;
  for (size_t i = 0; i < data->set.count; i++) most += split ? data->set.item[i].targets : 1;
  C2_TRY(c2_dataset_alloc(&data->set, most, sizeof *data->unit, &data->unit, err));
  data->targets = split ? 1 : task->target.count;
  for (size_t i = 0; i < data->set.count; i++) {
    const c2_item *item = &data->set.item[i];
    if (task->cutoff_is_time && (!item->has_start || !item->has_freq || item->freq.unit == C2_FREQ_COUNT)) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: series '%.80s': expected a start and a freq, for initial_cutoff %s",
              item->file, item->line, item->id, task->cutoff_text);
    }
    C2_TRY(split ? add_split_item(data, task, item, err) : add_whole_item(data, item, err));
  }
  if (data->units == 0) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: task '%.80s': %s holds no such series", task->file, task->line, task->name,
            task->data.name[0]);
  }
  qsort(data->unit, data->units, sizeof *data->unit, by_id);
  return C2_OK;
}

c2_status c2_task_data_settle(c2_task_data *data, const c2_task *task, c2_error *err) {
  data->known = task->known.count;
  data->covariates = data->known + task->past.count;
  for (size_t i = 0; i < data->set.count; i++) C2_TRY(choose_covariates(data, task, &data->set.item[i], err));
  return make_units(data, task, err);
}

c2_status c2_task_data_open(c2_task_data *data, const c2_task *task, c2_error *err) {
  memset(data, 0, sizeof *data);
  C2_TRY(read_data(data, task, err));
  return c2_task_data_settle(data, task, err);
}

void c2_task_data_free(c2_task_data *data) {
  c2_dataset_free(&data->set);
  memset(data, 0, sizeof *data);
}

/* ---- Windows --------------------------------------------------------------------------------- */

/* Number of steps of an item whose stamp is not after `time`. */
static c2_status steps_until(const c2_item *item, c2_time time, size_t *out, c2_error *err) {
  size_t low = 0;
  size_t high = item->length;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    c2_time stamp = 0;
    C2_TRY(c2_freq_add(&item->freq, item->start, (int64_t)middle, &stamp, err));
    if (stamp <= time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  *out = low;
  return C2_OK;
}

/* First step to forecast of an item, clipped to its length as fev does. */
static c2_status cutoff_of(const c2_item *item, const c2_task *task, size_t index, size_t *out, c2_error *err) {
  if (task->cutoff_is_time) {
    c2_time time = task->cutoff_time;
    const c2_freq *freq = task->step_text ? &task->step_freq : &item->freq;
    size_t periods = index * (task->step_text ? 1 : task->step);
    if (index > 0) C2_TRY(c2_freq_add(freq, time, (int64_t)periods, &time, err));
    if (item->wall) time = c2_freq_counts_instants(&item->freq) ? c2_clock_utc(&item->wall->clock, time) : time;
    return steps_until(item, time, out, err);
  }
  int64_t cutoff = task->initial_cutoff + (int64_t)index * (int64_t)task->step;
  if (cutoff < 0) cutoff += (int64_t)item->length;
  if (cutoff < 0) cutoff = 0;
  *out = c2_min_size((size_t)cutoff, item->length);
  return C2_OK;
}

typedef struct cut {
  size_t unit, start, at; /* past [start, at) */
} cut;

/* Which series are long enough, and where they are cut. */
static c2_status choose(const c2_task_data *data, const c2_task *task, size_t index, cut *cuts, c2_window *w,
                        size_t *values, c2_error *err) {
  size_t n = 0;
  *values = 0;
  for (size_t u = 0; u < data->units; u++) {
    const c2_item *item = data->unit[u].item;
    size_t at = 0;
    C2_TRY(cutoff_of(item, task, index, &at, err));
    if (at < task->min_context || item->length - at < task->horizon) continue;
    size_t start = task->max_context && at > task->max_context ? at - task->max_context : 0;
    cuts[n++] = (cut){u, start, at};
    w->longest = c2_max_size(w->longest, at - start);
    *values += data->targets * (at - start + task->horizon);
  }
  if (n == 0) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s:%zu: task '%.80s', window %zu: no series has %zu step%s before the cutoff and %zu after it", task->file,
            task->line, task->name, index, task->min_context, task->min_context == 1 ? "" : "s", task->horizon);
  }
  w->count = n;
  return C2_OK;
}

static void fill_covariates(const c2_task_data *data, const c2_item *item, const cut *c, chronos2_covariate *out) {
  for (size_t k = 0; k < data->covariates; k++) {
    const c2_covariate *from = &item->covariate[k];
    bool known = k < data->known;
    out[k] = (chronos2_covariate){.name = from->name};
    if (from->is_text) {
      out[k].past_text = from->past_text + c->start;
      out[k].future_text = known ? from->past_text + c->at : NULL;
    } else {
      out[k].past = from->past + c->start;
      out[k].future = known ? from->past + c->at : NULL;
    }
  }
}

/* Copies past and truth of one unit to *values, which moves on. */
static void fill_targets(const c2_unit *unit, const cut *c, c2_window *w, size_t i, double **values) {
  const c2_item *item = unit->item;
  size_t length = c->at - c->start;
  w->length[i] = length;
  w->past[i] = *values;
  w->truth[i] = *values + w->targets * length;
  for (size_t t = 0; t < w->targets; t++) {
    const double *row = item->target + (unit->target == SIZE_MAX ? t : unit->target) * item->length;
    if (length) memcpy(w->past[i] + t * length, row + c->start, length * sizeof *row);
    memcpy(w->truth[i] + t * w->horizon, row + c->at, w->horizon * sizeof *row);
  }
  *values += w->targets * (length + w->horizon);
}

static c2_status fill_window(c2_window *w, const c2_task_data *data, const cut *cuts, bool as_univariate, size_t values,
                             c2_error *err) {
  size_t per_series = as_univariate ? w->targets : 1;
  size_t covariates = as_univariate ? 0 : data->covariates;
  w->model_count = w->count * per_series;
  w->rows = as_univariate ? 1 : w->targets + covariates;
  chronos2_covariate *covariate = NULL; /* of the series under way */
  double *next = NULL;
  C2_TRY(c2_pool_alloc(&w->pool, w->count, sizeof *w->unit, &w->unit, err));
  C2_TRY(c2_pool_alloc(&w->pool, w->count, sizeof *w->length, &w->length, err));
  C2_TRY(c2_pool_alloc(&w->pool, w->count, sizeof *w->past, &w->past, err));
  C2_TRY(c2_pool_alloc(&w->pool, w->count, sizeof *w->truth, &w->truth, err));
  C2_TRY(c2_pool_alloc(&w->pool, w->model_count, sizeof *w->series, &w->series, err));
  C2_TRY(c2_pool_alloc(&w->pool, w->count * covariates, sizeof *covariate, &covariate, err));
  C2_TRY(c2_pool_alloc(&w->pool, values, sizeof *next, &next, err));
  w->first_id = data->unit[cuts[0].unit].id;
  for (size_t i = 0; i < w->count; i++) {
    const c2_unit *unit = &data->unit[cuts[i].unit];
    w->unit[i] = cuts[i].unit;
    fill_targets(unit, &cuts[i], w, i, &next);
    if (covariates) fill_covariates(data, unit->item, &cuts[i], covariate);
    for (size_t k = 0; k < per_series; k++) {
      w->series[i * per_series + k] = (chronos2_series){.length = w->length[i],
                                                        .targets = w->targets / per_series,
                                                        .target = w->past[i] + k * w->length[i],
                                                        .covariates = covariates,
                                                        .covariate = covariates ? covariate : NULL};
    }
    covariate += covariates;
  }
  return C2_OK;
}

c2_status c2_window_cut(c2_window *window, const c2_task_data *data, const c2_task *task, size_t index,
                        bool as_univariate, c2_error *err) {
  cut *cuts = NULL;
  size_t values = 0;
  memset(window, 0, sizeof *window);
  window->targets = data->targets;
  window->horizon = task->horizon;
  C2_TRY(c2_alloc_array(data->units, sizeof *cuts, &cuts, err));
  c2_status status = choose(data, task, index, cuts, window, &values, err);
  if (status == C2_OK) status = fill_window(window, data, cuts, as_univariate, values, err);
  free(cuts);
  return status;
}

static c2_status check_windows(const c2_task_data *data, const c2_task *task, c2_error *err) {
  cut *cuts = NULL;
  size_t values = 0;
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(data->units, sizeof *cuts, &cuts, err));
  for (size_t i = 0; status == C2_OK && i < task->num_windows; i++) {
    c2_window window = {.count = 0};
    status = choose(data, task, i, cuts, &window, &values, err);
  }
  free(cuts);
  return status;
}

c2_status c2_windows_check(const c2_task *task, c2_error *err) {
  c2_task_data data;
  c2_status status = c2_task_data_open(&data, task, err);
  if (status == C2_OK) status = check_windows(&data, task, err);
  c2_task_data_free(&data);
  return status;
}

void c2_window_free(c2_window *window) {
  c2_pool_free(&window->pool);
  memset(window, 0, sizeof *window);
}
