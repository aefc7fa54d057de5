/* Finds columns, checks their types, copies options. Reads no rows. */
#include "table/roles.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/caveats.h"
#include "base/memory.h"
#include "base/text.h"
#include "forecast/forecast.h"
#include "forecast/rollout.h"

enum { DEFAULT_BATCH = 1024 };

/* ---- Messages -------------------------------------------------------------------------------- */

void c2_plan_warn(const c2_table_plan *plan, const char *format, ...) {
  char text[512];
  va_list args;
  if (!plan->on_warning) return;
  va_start(args, format);
  c2_text_format(text, sizeof text, format, args);
  va_end(args);
  plan->on_warning(plan->user, text);
}

c2_status c2_plan_excuse(const c2_table_plan *plan, c2_entry *entry, c2_status status, c2_error *err) {
  bool concerns_item = status == C2_ERR_ARGUMENT || status == C2_ERR_FORMAT || status == C2_ERR_UNSUPPORTED;
  if (!plan->has_error_column || !concerns_item) return status;
  if (!entry->fault) entry->fault = c2_strdup(err->text);
  if (!entry->fault) C2_FAIL(err, C2_ERR_MEMORY, "out of memory");
  return C2_OK;
}

/* Names as Python shows a list of them, without the brackets; cut off where the room ends. */
typedef struct names {
  char text[400];
  size_t used, count;
} names;

static void add_name(names *n, const char *name) {
  if (n->used < sizeof n->text) {
    n->used += (size_t)snprintf(n->text + n->used, sizeof n->text - n->used, "%s'%.60s'", n->count ? ", " : "", name);
  }
  n->count++;
}

/* ---- Columns --------------------------------------------------------------------------------- */

static const char *or_default(const char *name, const char *usual) {
  return name ? name : usual;
}

/* What the options name, in the order of the roles: id, time stamp, targets. */
typedef struct keys {
  const char *name[2];
  const char *const *target;
  size_t targets;
} keys;

static const char *key_name(const keys *k, size_t role) {
  return role < C2_ROLE_FIRST ? k->name[role] : k->target[role - C2_ROLE_FIRST];
}

/* Finds the columns that a table has to have. */
static c2_status find_keys(c2_source *s, const keys *k, size_t count, c2_error *err) {
  names missing = {.used = 0};
  for (; s->roles < count; s->roles++) {
    C2_TRY(c2_source_find(s, key_name(k, s->roles), &s->role[s->roles].place, err));
    if (s->role[s->roles].place == SIZE_MAX) add_name(&missing, key_name(k, s->roles));
  }
  if (missing.count == 0) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s does not contain all expected columns. Missing columns: {%s}", s->name, missing.text);
}

static c2_status refuse_type(const c2_source *s, const c2_field *field, const char *expected, c2_error *err) {
  char type[C2_TYPE_ROOM];
  c2_field_type(field, type);
  C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': expected %s, found %s", s->name, field->name, expected, type);
}

static const c2_field *field_of(const c2_source *s, size_t role) {
  return &s->field[s->role[role].place];
}

static c2_status check_keys(const c2_source *s, c2_error *err) {
  const c2_field *id = field_of(s, C2_ROLE_ID);
  const c2_field *time = field_of(s, C2_ROLE_TIME);
  c2_kind kind = c2_field_kind(id);
  if (kind != C2_KIND_TEXT && kind != C2_KIND_INTEGER && kind != C2_KIND_INTEGER_WORD) {
    return refuse_type(s, id, "ids that are text or integers", err);
  }
  if (c2_field_kind(time) != C2_KIND_TIME) return refuse_type(s, time, "timestamps or dates", err);
  return C2_OK;
}

static bool is_numeric(c2_kind kind) {
  return kind == C2_KIND_INTEGER || kind == C2_KIND_FLOAT || kind == C2_KIND_BOOL;
}

static c2_status check_targets(const c2_source *s, size_t targets, c2_error *err) {
  char type[C2_TYPE_ROOM];
  for (size_t k = 0; k < targets; k++) {
    const c2_field *field = field_of(s, C2_ROLE_FIRST + k);
    if (is_numeric(c2_field_kind(field))) continue;
    c2_field_type(field, type);
    C2_FAIL(err, C2_ERR_FORMAT, "Target column '%.60s' must be numeric, got dtype %s", field->name, type);
  }
  return C2_OK;
}

static bool has_role(const c2_source *s, size_t place) {
  for (size_t i = 0; i < s->roles; i++) {
    if (s->role[i].place == place) return true;
  }
  return false;
}

static c2_status add_covariate(c2_table_plan *p, size_t place, c2_error *err) {
  const c2_field *field = &p->past.field[place];
  c2_kind kind = c2_field_kind(field);
  size_t index = 0;
  C2_TRY(c2_source_find(&p->past, field->name, &index, err)); /* refuses a name used twice */
  if (kind == C2_KIND_TIME || kind == C2_KIND_OTHER) {
    return refuse_type(&p->past, field, "numbers, text, booleans or a dictionary", err);
  }
  c2_covariate_plan *c = &p->covariate[p->covariates++];
  *c = (c2_covariate_plan){.name = field->name,
                           .future = SIZE_MAX,
                           .is_category = kind != C2_KIND_INTEGER && kind != C2_KIND_FLOAT,
                           .words = {.is_ranked = field->has_dictionary}};
  p->past.role[p->past.roles++] = (c2_role){place, c->is_category ? &c->words : NULL};
  return C2_OK;
}

/* A column that the options name as a covariate. It can't be something else too. */
static c2_status add_named(c2_table_plan *p, const char *name, names *missing, c2_error *err) {
  size_t place = 0;
  C2_TRY(c2_source_find(&p->past, name, &place, err));
  if (place == SIZE_MAX) {
    add_name(missing, name);
    return C2_OK;
  }
  for (size_t k = 0; k < p->covariates; k++) {
    if (strcmp(p->covariate[k].name, name) != 0) continue;
    C2_FAIL(err, C2_ERR_ARGUMENT, "covariates: column '%.60s' is named twice", name);
  }
  if (!has_role(&p->past, place)) return add_covariate(p, place, err);
  C2_FAIL(err, C2_ERR_ARGUMENT, "covariates: column '%.60s' is the id, the time stamp or a target already", name);
}

/* The covariates that the options name, or all other columns. */
static c2_status find_covariates(c2_table_plan *p, const chronos2_stream_options *o, c2_error *err) {
  c2_source *s = &p->past;
  names missing = {.used = 0};
  names ignored = {.used = 0};
  for (size_t i = 0; o->covariates && i < o->covariate_count; i++) {
    C2_TRY(add_named(p, o->covariates[i], &missing, err));
  }
  if (missing.count > 0) {
    C2_FAIL(err, C2_ERR_FORMAT, "df does not contain all expected columns. Missing columns: {%s}", missing.text);
  }
  for (size_t i = 0; i < s->fields; i++) {
    if (has_role(s, i) || (o->future_column && strcmp(s->field[i].name, o->future_column) == 0)) continue;
    if (!o->covariates) {
      C2_TRY(add_covariate(p, i, err));
    } else {
      add_name(&ignored, s->field[i].name);
    }
  }
  if (ignored.count > 0) c2_plan_warn(p, "df: columns that are no covariates are ignored: %s", ignored.text);
  return C2_OK;
}

static c2_status open_past(c2_table_plan *p, const keys *k, const chronos2_stream_options *o, c2_error *err) {
  size_t most = C2_ROLE_FIRST + k->targets + p->past.fields;
  C2_TRY(c2_alloc_array(most, sizeof *p->past.role, &p->past.role, err));
  C2_TRY(c2_alloc_array(p->past.fields + 1, sizeof *p->covariate, &p->covariate, err));
  C2_TRY(find_keys(&p->past, k, C2_ROLE_FIRST + k->targets, err));
  for (size_t i = 0; i < p->past.roles; i++) {
    for (size_t j = 0; j < i; j++) {
      if (p->past.role[i].place != p->past.role[j].place) continue;
      C2_FAIL(err, C2_ERR_ARGUMENT, "column '%.60s' can't be two of id, time stamp and targets", key_name(k, i));
    }
  }
  C2_TRY(check_targets(&p->past, k->targets, err));
  C2_TRY(check_keys(&p->past, err));
  return find_covariates(p, o, err);
}

/* ---- Known futures --------------------------------------------------------------------------- */

/* Refuses what predict_df refuses of a future's columns. */
static c2_status check_names(const c2_table_plan *p, c2_error *err) {
  const c2_source *f = &p->future;
  names targets = {.used = 0};
  names extra = {.used = 0};
  for (size_t i = 0; i < f->fields; i++) {
    const char *name = f->field[i].name;
    size_t place = 0;
    C2_TRY(c2_source_find(&p->past, name, &place, err));
    if (place == SIZE_MAX) add_name(&extra, name);
    for (size_t k = 0; place != SIZE_MAX && k < p->targets; k++) {
      if (p->past.role[C2_ROLE_FIRST + k].place == place) add_name(&targets, name);
    }
  }
  if (targets.count > 0) {
    C2_FAIL(err, C2_ERR_FORMAT, "future_df cannot contain target columns. Target columns found: [%s]", targets.text);
  }
  if (extra.count == 0) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "future_df cannot contain columns not present in df. Extra columns: [%s]", extra.text);
}

/* Whether values of a future can be those of a covariate's past. */
static bool continues(c2_kind past, c2_kind future) {
  if (future == C2_KIND_NOTHING || past == future) return true;
  bool is_category = future == C2_KIND_TEXT || future == C2_KIND_BOOL || future == C2_KIND_INTEGER_WORD;
  if (past == C2_KIND_NOTHING) return is_category;
  if (past == C2_KIND_INTEGER || past == C2_KIND_FLOAT) return is_numeric(future);
  return future == C2_KIND_FLOAT; /* categories that are all missing come as NaN */
}

static c2_status find_known(c2_table_plan *p, c2_error *err) {
  c2_source *f = &p->future;
  names ignored = {.used = 0};
  for (size_t i = 0; i < f->fields; i++) {
    size_t k = 0;
    size_t index = 0;
    char expected[C2_TYPE_ROOM + 20] = "";
    if (has_role(f, i)) continue;
    while (k < p->covariates && strcmp(p->covariate[k].name, f->field[i].name) != 0) k++;
    if (k == p->covariates) {
      add_name(&ignored, f->field[i].name);
      continue;
    }
    C2_TRY(c2_source_find(f, f->field[i].name, &index, err)); /* refuses a name used twice */
    c2_covariate_plan *c = &p->covariate[k];
    const c2_field *past = field_of(&p->past, C2_ROLE_FIRST + p->targets + k);
    if (!continues(c2_field_kind(past), c2_field_kind(&f->field[i]))) {
      (void)snprintf(expected, sizeof expected, "as in df ");
      c2_field_type(past, expected + strlen(expected));
      return refuse_type(f, &f->field[i], expected, err);
    }
    if (!c->is_category && c2_field_kind(&f->field[i]) == C2_KIND_BOOL) {
      char line[C2_CAVEAT_ROOM];
      c2_caveat_truths(c->name, line);
      c2_plan_warn(p, "%s", line);
    }
    c->future = f->roles;
    f->role[f->roles++] = (c2_role){i, c->is_category ? &c->words : NULL};
  }
  if (ignored.count > 0) c2_plan_warn(p, "future_df: columns that are no covariates are ignored: %s", ignored.text);
  return C2_OK;
}

static c2_status open_future(c2_table_plan *p, const keys *k, c2_error *err) {
  c2_source *f = &p->future;
  C2_TRY(c2_alloc_array(C2_ROLE_FIRST + f->fields, sizeof *f->role, &f->role, err));
  C2_TRY(find_keys(f, k, C2_ROLE_FIRST, err));
  if (!p->is_trusted) C2_TRY(check_names(p, err));
  C2_TRY(check_keys(f, err));
  const c2_field *id[2] = {field_of(&p->past, C2_ROLE_ID), field_of(f, C2_ROLE_ID)};
  const c2_field *time[2] = {field_of(&p->past, C2_ROLE_TIME), field_of(f, C2_ROLE_TIME)};
  if ((c2_field_kind(id[0]) == C2_KIND_TEXT) != (c2_field_kind(id[1]) == C2_KIND_TEXT)) {
    return refuse_type(f, id[1], c2_field_kind(id[0]) == C2_KIND_TEXT ? "text as in df" : "integers as in df", err);
  }
  if (!*time[0]->zone != !*time[1]->zone) {
    return refuse_type(f, time[1], *time[0]->zone ? "a time zone, as in df" : "no time zone, as in df", err);
  }
  return find_known(p, err);
}

static c2_status mark_known(c2_table_plan *p, const char *name, c2_error *err) {
  size_t k = 0;
  while (k < p->covariates && strcmp(p->covariate[k].name, name) != 0) k++;
  if (k == p->covariates) C2_FAIL(err, C2_ERR_ARGUMENT, "known_covariates: '%.60s' is no covariate of df", name);
  p->covariate[k].future = C2_ROLE_FIRST + p->targets + k;
  return C2_OK;
}

/* The known future whose rows are among those of df. */
static c2_status open_ahead(c2_table_plan *p, const chronos2_stream_options *o, c2_error *err) {
  c2_source *s = &p->past;
  size_t place = 0;
  C2_TRY(c2_source_find(s, o->future_column, &place, err));
  if (place == SIZE_MAX) {
    C2_FAIL(err, C2_ERR_FORMAT, "df does not contain all expected columns. Missing columns: {'%.60s'}",
            o->future_column);
  }
  if (has_role(s, place)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "column '%.60s' can't be the future's and something else", o->future_column);
  }
  if (c2_field_kind(&s->field[place]) != C2_KIND_BOOL) return refuse_type(s, &s->field[place], "booleans", err);
  s->ahead_role = s->roles++;
  s->role[s->ahead_role] = (c2_role){.place = place};
  for (size_t i = 0; i < o->known_count; i++) C2_TRY(mark_known(p, o->known_covariates[i], err));
  s->ahead = &p->future;
  p->future = (c2_source){.name = "the future's rows of df",
                          .is_part = true,
                          .field = s->field,
                          .fields = s->fields,
                          .role = s->role,
                          .roles = s->roles,
                          .gathers = o->gather,
                          .ids = s->ids};
  return C2_OK;
}

/* ---- Options --------------------------------------------------------------------------------- */

static c2_status copy_levels(double **out, const double *levels, size_t count, c2_error *err) {
  C2_TRY(c2_alloc_array(count, sizeof **out, out, err));
  for (size_t i = 0; i < count; i++) (*out)[i] = levels[i] + 0; /* -0 is 0, also where it names a column */
  return C2_OK;
}

static c2_status read_levels(c2_table_plan *p, const chronos2_config *config, const chronos2_stream_options *o,
                             c2_error *err) {
  if (!o->quantile_levels && o->level_count > 0) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "quantile_levels: expected %zu levels, found NULL", o->level_count);
  }
  p->levels = o->quantile_levels ? o->level_count : C2_USUAL_LEVELS;
  C2_TRY(copy_levels(&p->level, o->quantile_levels ? o->quantile_levels : c2_usual_levels, p->levels, err));
  for (size_t i = 0; i < p->levels; i++) {
    char found[C2_FLOAT_ROOM];
    c2_double_text(found, p->level[i], C2_USUAL_DIGITS);
    if (!(p->level[i] >= 0 && p->level[i] <= 1)) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "quantile_levels: expected a number in [0, 1], found %s", found);
    }
    for (size_t j = 0; j < i; j++) { /* each names a column */
      if (p->level[j] != p->level[i]) continue;
      C2_FAIL(err, C2_ERR_ARGUMENT, "quantile_levels: %s is there twice", found);
    }
  }
  char line[C2_CAVEAT_ROOM];
  c2_caveat_levels(p->level, p->levels, config->quantile_levels, config->quantiles, line);
  if (line[0]) c2_plan_warn(p, "%s", line);
  return C2_OK;
}

static c2_status read_options(c2_table_plan *p, const chronos2_config *config, const chronos2_stream_options *o,
                              const chronos2_predict_options *predict, c2_error *err) {
  p->batch_series = o->batch_series > 0 ? o->batch_series : DEFAULT_BATCH;
  p->is_trusted = o->skip_validation;
  p->gathers = o->gather;
  p->has_error_column = o->error_column;
  p->on_warning = o->on_warning;
  p->user = o->user;
  p->predict = *predict;
  p->context_limit = c2_context_limit(predict->context_length, config->context_length, predict->extend_context);
  if (predict->horizon == 0) p->predict.horizon = config->max_output_patches * config->patch;
  C2_TRY(c2_forecast_check(&p->predict, config, err));
  p->predict.unrolled_quantiles = NULL;
  if (o->error_column) p->predict.on_error = CHRONOS2_ON_ERROR_SKIP;
  if (o->independent && predict->cross_learning) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "cross_learning: items that are independent can't learn from each other");
  }
  if (predict->unrolled_quantiles) {
    C2_TRY(copy_levels(&p->unrolled, predict->unrolled_quantiles, predict->unrolled_count, err));
    p->predict.unrolled_quantiles = p->unrolled;
  }
  char line[C2_CAVEAT_ROOM];
  c2_caveat_context(predict->context_length, config->context_length, true, line);
  if (line[0] && !predict->extend_context) c2_plan_warn(p, "%s", line);
  return read_levels(p, config, o, err);
}

static c2_status check_names_given(const char *const *list, size_t count, const char *what, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (!list || !list[i]) C2_FAIL(err, C2_ERR_ARGUMENT, "%s: expected %zu names, found NULL", what, count);
  }
  return C2_OK;
}

/* Categories beside several targets have ranks among all of the table for codes. */
static c2_status check_ranks(c2_table_plan *p, const chronos2_stream_options *o, c2_error *err) {
  for (size_t i = 0; i < p->covariates && p->targets > 1; i++) {
    if (!p->covariate[i].is_category) continue;
    p->gathers = true;
    if (!o->independent && !o->future_column) continue;
    C2_FAIL(err, C2_ERR_FORMAT,
            "column '%.60s': categories beside several targets have codes that depend on all of the table; expected "
            "numbers",
            p->covariate[i].name);
  }
  return C2_OK;
}

c2_status c2_plan_open(c2_table_plan *p, const chronos2_config *config, struct ArrowArrayStream *df,
                       struct ArrowArrayStream *future_df, const chronos2_stream_options *o,
                       const chronos2_predict_options *predict, c2_error *err) {
  static const char *const usual[] = {"target"};
  keys k = {.name = {or_default(o->id_column, "item_id"), or_default(o->timestamp_column, "timestamp")},
            .target = o->target_count > 0 ? o->targets : usual,
            .targets = o->target_count > 0 ? o->target_count : 1};
  *p = (c2_table_plan){.has_future = future_df || o->future_column, .targets = k.targets};
  c2_status opened = c2_source_open(&p->past, "df", df, err);
  if (future_df) { /* taken over whatever happened */
    c2_error other;
    c2_status second = c2_source_open(&p->future, "future_df", future_df, opened == C2_OK ? err : &other);
    if (opened == C2_OK) opened = second;
  }
  C2_TRY(opened);
  C2_TRY(check_names_given(k.target, k.targets, "targets", err));
  C2_TRY(check_names_given(o->covariates, o->covariate_count, "covariates", err));
  C2_TRY(check_names_given(o->known_covariates, o->known_count, "known_covariates", err));
  if (o->future_column ? future_df != NULL : o->known_count > 0) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "%s", o->future_column ? "future_column: future_df must be NULL then"
                                                         : "known_covariates: expected a future_column too");
  }
  C2_TRY(read_options(p, config, o, predict, err));
  C2_TRY(open_past(p, &k, o, err));
  p->past.ids = p->future.ids = &p->ids;
  if (future_df) C2_TRY(open_future(p, &k, err));
  C2_TRY(check_ranks(p, o, err));
  p->past.gathers = p->future.gathers = o->gather;
  if (o->future_column) C2_TRY(open_ahead(p, o, err));
  C2_TRY(c2_timeline_open(&p->axis, field_of(&p->past, C2_ROLE_TIME), o->freq, o->independent, err));
  p->axis.fills = o->fill_gaps;
  p->axis.is_trusted = o->skip_validation;
  return C2_OK;
}

void c2_plan_close(c2_table_plan *p) {
  c2_source_close(&p->past);
  c2_source_close(&p->future);
  c2_timeline_close(&p->axis);
  c2_keys_free(&p->ids);
  for (size_t i = 0; i < p->covariates; i++) {
    c2_keys_free(&p->covariate[i].words.keys);
    free(p->covariate[i].words.rank);
    free(p->covariate[i].seen);
  }
  free(p->covariate);
  free(p->unrolled);
  free(p->level);
  memset(p, 0, sizeof *p);
}

/* ---- Ranks ----------------------------------------------------------------------------------- */

typedef struct word {
  const char *bytes;
  size_t size, key;
} word;

static int by_bytes(const void *left, const void *right) {
  const word *a = left;
  const word *b = right;
  int order = memcmp(a->bytes, b->bytes, c2_min_size(a->size, b->size));
  if (order != 0) return order;
  return a->size < b->size ? -1 : a->size > b->size;
}

static c2_status rank_words(c2_words *w, c2_error *err) {
  word *sorted = NULL;
  size_t count = w->keys.count;
  w->is_fixed = true;
  C2_TRY(c2_alloc_array(count, sizeof *w->rank, &w->rank, err));
  C2_TRY(c2_alloc_array(count, sizeof *sorted, &sorted, err));
  for (size_t i = 0; i < count; i++) {
    sorted[i].key = i;
    sorted[i].bytes = c2_keys_get(&w->keys, i, &sorted[i].size);
  }
  if (!w->is_ranked && count > 0) qsort(sorted, count, sizeof *sorted, by_bytes);
  for (size_t i = 0; i < count; i++) w->rank[sorted[i].key] = i;
  free(sorted);
  return C2_OK;
}

c2_status c2_plan_rank(c2_table_plan *p, c2_error *err) {
  for (size_t i = 0; i < p->covariates && p->targets > 1; i++) {
    if (p->covariate[i].is_category) C2_TRY(rank_words(&p->covariate[i].words, err));
  }
  return C2_OK;
}
