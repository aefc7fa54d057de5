/* What series lack. Knows the data set, no file format. */
#include "data/missing.h"

#include <math.h>

#include "base/caveats.h"
#include "data/unseen.h"

/* ---- Looking --------------------------------------------------------------------------------- */

/* Steps at the end at which no target is observed. */
static size_t open_steps(const c2_item *item) {
  for (size_t t = item->length; t > 0; t--) {
    for (size_t k = 0; k < item->targets; k++) {
      if (!isnan(item->target[k * item->length + t - 1])) return item->length - t;
    }
  }
  return item->length;
}

/* Whether all of a covariate's past is missing. */
static bool is_blank(const c2_covariate *c, size_t length) {
  for (size_t t = 0; t < length; t++) {
    if (c->is_text ? c->past_text[t] != NULL : !isnan(c->past[t])) return false;
  }
  return true;
}

/* A missing category is one of its own where the past has it. */
static bool knows_missing(const c2_covariate *c, size_t length) {
  for (size_t t = 0; c->is_text && t < length; t++) {
    if (!c->past_text[t]) return true;
  }
  return false;
}

static c2_status count_item(c2_missing *m, const c2_item *item, c2_dataset *keeper, c2_error *err) {
  size_t open = open_steps(item);
  size_t k = 0;
  if (open == item->length) {
    if (m->empty++ == 0) C2_TRY(c2_dataset_text(keeper, item->id, &m->first_empty, err));
  } else if (open > 0) {
    if (m->open++ == 0) C2_TRY(c2_dataset_text(keeper, item->id, &m->first_open, err));
    m->longest = open > m->longest ? open : m->longest;
    for (size_t c = 0; c < item->covariates; c++) {
      m->is_open_beside = m->is_open_beside || item->covariate[c].future_length == 0;
    }
  }
  if (item->is_foreign && m->foreign++ == 0) C2_TRY(c2_dataset_text(keeper, item->id, &m->first_foreign, err));
  while (k < item->covariates && !is_blank(&item->covariate[k], item->length)) k++;
  if (k == item->covariates || item->length == 0 || m->blank++ > 0) return C2_OK;
  C2_TRY(c2_dataset_text(keeper, item->id, &m->first_blank, err));
  return c2_dataset_text(keeper, item->covariate[k].name, &m->blank_covariate, err);
}

c2_status c2_missing_count(c2_missing *m, const c2_dataset *set, c2_dataset *keeper, c2_error *err) {
  for (size_t i = 0; i < set->count; i++) C2_TRY(count_item(m, &set->item[i], keeper, err));
  return C2_OK;
}

c2_status c2_missing_count_futures(c2_missing *m, const c2_dataset *set, c2_dataset *keeper, c2_error *err) {
  for (size_t i = 0; i < set->count; i++) {
    const c2_item *item = &set->item[i];
    for (size_t k = 0; k < item->covariates; k++) {
      const c2_covariate *c = &item->covariate[k];
      if (c->future_length == 0 || knows_missing(c, item->length)) continue;
      for (size_t s = 0; s < c->future_length; s++) {
        bool is_there = c->is_text ? c->future_text[s] != NULL : !isnan(c->future[s]);
        if (is_there || m->unknown++ > 0) continue;
        C2_TRY(c2_dataset_text(keeper, item->id, &m->unknown_item, err));
        C2_TRY(c2_dataset_text(keeper, c->name, &m->unknown_covariate, err));
      }
    }
  }
  return C2_OK;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static c2_status note(c2_dataset *set, const char *line, c2_error *err) {
  return line[0] ? c2_dataset_note(set, err, "%s", line) : C2_OK;
}

c2_status c2_missing_note_pasts(const c2_missing *m, c2_dataset *set, c2_error *err) {
  char line[C2_CAVEAT_ROOM];
  c2_caveat_empty((c2_caveat_of){"series", m->empty, m->first_empty}, line);
  C2_TRY(note(set, line, err));
  c2_caveat_blank((c2_caveat_of){"series", m->blank, m->first_blank}, m->blank_covariate, line);
  return note(set, line, err);
}

c2_status c2_missing_note(const c2_missing *m, c2_dataset *set, c2_error *err) {
  char line[C2_CAVEAT_ROOM];
  C2_TRY(c2_missing_note_pasts(m, set, err));
  c2_caveat_open((c2_caveat_of){"series", m->open, m->first_open}, m->longest,
                 m->hint && m->is_open_beside ? m->hint : "", line);
  C2_TRY(note(set, line, err));
  if (m->foreign > 0) {
    C2_TRY(c2_dataset_note(set, err,
                           "%zu series, '%.80s' the first, ha%s a known future with offsets from UTC that the past "
                           "never has: its days are those of the clock on the wall, whatever the offset",
                           m->foreign, m->first_foreign, m->foreign == 1 ? "s" : "ve"));
  }
  c2_caveat_unknown(m->unknown, m->unknown_covariate, m->unknown_item, line);
  return note(set, line, err);
}

c2_status c2_dataset_note_lacks(c2_dataset *set, const char *hint, c2_error *err) {
  c2_missing missing = {.hint = hint};
  c2_unseen unseen = {0};
  c2_status status = c2_unseen_count(&unseen, set, err);
  if (status == C2_OK) status = c2_unseen_note(&unseen, set, err);
  c2_unseen_free(&unseen);
  C2_TRY(status);
  C2_TRY(c2_missing_count(&missing, set, set, err));
  C2_TRY(c2_missing_count_futures(&missing, set, set, err));
  return c2_missing_note(&missing, set, err);
}
