/* What a data set promises, whatever was read into it. */
#ifndef C2_TESTS_FUZZ_SERIES_H
#define C2_TESTS_FUZZ_SERIES_H

#include <math.h>

#include "data/read.h"
#include "fuzz.h"

static inline void check_values(const double *values, size_t count) {
  for (size_t i = 0; i < count; i++) fuzz_require(!isinf(values[i]), "a data set holds no infinite number");
}

static inline void check_covariate(const c2_item *item, const c2_covariate *c) {
  size_t letters = 0;
  fuzz_require(c->name && c->name[0], "a covariate has a name");
  for (size_t i = 0; c->is_text && i < item->length; i++) letters += c->past_text[i] ? strlen(c->past_text[i]) : 0;
  for (size_t i = 0; c->is_text && i < c->future_length; i++) {
    letters += c->future_text[i] ? strlen(c->future_text[i]) : 0;
  }
  if (!c->is_text) check_values(c->past, item->length);
  if (!c->is_text && c->future) check_values(c->future, c->future_length);
  fuzz_require(letters < SIZE_MAX / 2, "texts end");
}

static inline void check_item(const c2_dataset *set, size_t index) {
  const c2_item *item = &set->item[index];
  size_t found = 0;
  fuzz_require(item->id && item->targets >= 1 && item->line >= 1, "an item has an id, a target and a line");
  check_values(item->target, item->targets * item->length);
  for (size_t k = 0; k < item->targets; k++) fuzz_require(item->target_names[k][0], "a target has a name");
  for (size_t k = 0; k < item->covariates; k++) check_covariate(item, &item->covariate[k]);
  fuzz_require(c2_dataset_find(set, item->id, &found), "an item is found by its id");
  if (!set->twins) fuzz_require(found == index, "ids are unique");
  if (item->has_freq) fuzz_require(item->freq.multiple >= 1, "a frequency has a length");
}

static inline void check_dataset(const c2_dataset *set) {
  for (size_t i = 0; i < set->count; i++) check_item(set, i);
}

/* Reads a text as the file of that name, and checks what comes of it. */
static inline void check_reading(const char *path, char *text, size_t size, const c2_read_options *options,
                                 bool twins) {
  c2_dataset set = {.twins = twins};
  c2_error err = {.code = C2_OK};
  c2_input input;
  c2_status status = c2_input_start(&input, path, text, size, false, NULL, &err);
  if (status == C2_OK) status = c2_input_read(&input, &set, options, &err);
  c2_input_close(&input);
  if (status == C2_OK) {
    check_dataset(&set);
  } else {
    fuzz_check_error(status, &err);
  }
  c2_dataset_free(&set);
}

#endif
