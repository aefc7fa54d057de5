/* Categories of known futures that the past never had. Knows the data set, no file format. */
#include "data/unseen.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static c2_status add_past(c2_lookup *names, const c2_covariate *c, size_t length, c2_error *err) {
  for (size_t t = 0; t < length; t++) {
    size_t index = 0;
    if (c->past_text[t]) C2_TRY(c2_lookup_put(names, c->past_text[t], &index, err));
  }
  return C2_OK;
}

/* Numbers the covariates, and collects the pasts of items with several targets by column. */
static c2_status open_columns(c2_unseen *u, const c2_dataset *set, c2_error *err) {
  C2_TRY(c2_alloc_array(set->count + 1, sizeof *u->first, &u->first, err));
  for (size_t i = 0; i < set->count; i++) {
    const c2_item *item = &set->item[i];
    u->first[i] = u->covariates;
    u->covariates += item->covariates;
    for (size_t k = 0; k < item->covariates; k++) {
      const c2_covariate *c = &item->covariate[k];
      size_t index = 0;
      if (!c->is_text) continue;
      C2_TRY(c2_lookup_put(&u->columns, c->name, &index, err));
      size_t before = u->capacity;
      C2_TRY(c2_grow_array(&u->column, &u->capacity, u->columns.count, sizeof *u->column, err));
      memset(u->column + before, 0, (u->capacity - before) * sizeof *u->column);
      if (item->targets > 1) C2_TRY(add_past(&u->column[index].past, c, item->length, err));
    }
  }
  C2_TRY(c2_alloc_array(u->covariates, sizeof *u->collected, &u->collected, err));
  return c2_alloc_array(u->covariates, sizeof *u->past, &u->past, err);
}

static c2_status count_covariate(c2_unseen *u, const c2_item *item, size_t flat, const c2_covariate *c, c2_error *err) {
  size_t index = 0;
  if (!c2_lookup_find(&u->columns, c->name, &index)) return C2_OK;
  c2_unseen_column *column = &u->column[index];
  c2_lookup *had = item->targets > 1 ? &column->past : &u->past[flat];
  if (item->targets == 1 && !u->collected[flat]) C2_TRY(add_past(had, c, item->length, err));
  u->collected[flat] = true;
  for (size_t s = 0; s < c->future_length; s++) {
    const char *text = c->future_text[s];
    if (!text || c2_lookup_find(had, text, &index)) continue;
    if (column->values++ > 0) continue;
    column->item = item->id;
    column->text = text;
  }
  return C2_OK;
}

c2_status c2_unseen_count(c2_unseen *u, const c2_dataset *set, c2_error *err) {
  if (!u->first) C2_TRY(open_columns(u, set, err));
  for (size_t i = 0; i < set->count; i++) {
    const c2_item *item = &set->item[i];
    for (size_t k = 0; k < item->covariates; k++) {
      const c2_covariate *c = &item->covariate[k];
      if (c->future_text) C2_TRY(count_covariate(u, item, u->first[i] + k, c, err));
    }
  }
  return C2_OK;
}

c2_status c2_unseen_add(c2_unseen *sum, const c2_unseen *u, c2_dataset *keeper, c2_error *err) {
  for (size_t i = 0; i < u->columns.count; i++) {
    const char *name = u->columns.text[i];
    size_t index = 0;
    if (!c2_lookup_find(&sum->columns, name, &index)) {
      C2_TRY(c2_dataset_text(keeper, name, &name, err));
      C2_TRY(c2_lookup_add(&sum->columns, name, &index, err));
    }
    size_t before = sum->capacity;
    C2_TRY(c2_grow_array(&sum->column, &sum->capacity, sum->columns.count, sizeof *sum->column, err));
    memset(sum->column + before, 0, (sum->capacity - before) * sizeof *sum->column);
    c2_unseen_column *to = &sum->column[index];
    const c2_unseen_column *from = &u->column[i];
    if (to->values == 0 && from->values > 0) {
      C2_TRY(c2_dataset_text(keeper, from->item, &to->item, err));
      C2_TRY(c2_dataset_text(keeper, from->text, &to->text, err));
    }
    to->values += from->values;
  }
  return C2_OK;
}

c2_status c2_unseen_note(const c2_unseen *u, c2_dataset *set, c2_error *err) {
  for (size_t i = 0; i < u->columns.count; i++) {
    const c2_unseen_column *c = &u->column[i];
    if (c->values == 0) continue;
    C2_TRY(c2_dataset_note(set, err,
                           "column '%.60s': item '%.80s' never had '%.60s' in its past, so its effect is unknown; "
                           "future values of such categories: %zu",
                           u->columns.text[i], c->item, c->text, c->values));
  }
  return C2_OK;
}

void c2_unseen_free(c2_unseen *u) {
  for (size_t i = 0; u->past && i < u->covariates; i++) c2_lookup_free(&u->past[i]);
  for (size_t i = 0; i < u->capacity; i++) c2_lookup_free(&u->column[i].past);
  c2_lookup_free(&u->columns);
  free(u->first);
  free(u->past);
  free(u->collected);
  free(u->column);
  memset(u, 0, sizeof *u);
}
