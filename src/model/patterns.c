/* Patterns of time attention: their names, and config.json's keys about them. */
#include "model/patterns.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {[CHRONOS2_AUTO] = "auto",
                                    [CHRONOS2_FULL] = "full",
                                    [CHRONOS2_WINDOWED_FUTURE_GLOBAL] = "windowed_future_global",
                                    [CHRONOS2_WINDOWED_FUTURE_VISIBLE] = "windowed_future_visible",
                                    [CHRONOS2_WINDOWED_FUTURE_NULL] = "windowed_future_null"};

enum { NAMES = sizeof names / sizeof names[0] };

const char *c2_attention_name(chronos2_attention attention) {
  return (size_t)attention < NAMES ? names[attention] : NULL;
}

/* The first name that counts is `first`. */
static c2_status find_name(const char *name, size_t first, const char *what, chronos2_attention *attention,
                           c2_error *err) {
  char all[200] = "";
  size_t used = 0;
  for (size_t i = first; i < NAMES; i++) {
    if (name && strcmp(name, names[i]) == 0) {
      *attention = (chronos2_attention)i;
      return C2_OK;
    }
    used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > first ? ", " : "", names[i]);
  }
  if (!name) C2_FAIL(err, C2_ERR_ARGUMENT, "%s: expected one of %s", what, all);
  C2_FAIL(err, C2_ERR_ARGUMENT, "%s: expected one of %s, found '%.60s'", what, all, name);
}

c2_status c2_attention_named(const char *name, const char *what, chronos2_attention *attention, c2_error *err) {
  return find_name(name, CHRONOS2_AUTO, what, attention, err);
}

bool c2_pattern_equal(chronos2_pattern a, chronos2_pattern b) {
  chronos2_pattern *both[2] = {&a, &b};
  for (size_t i = 0; i < 2; i++) {
    chronos2_pattern *p = both[i];
    if (p->attention == CHRONOS2_WINDOWED_FUTURE_VISIBLE && isinf(p->radius)) p->attention = CHRONOS2_FULL;
    if (p->attention == CHRONOS2_FULL) p->radius = 0;
    if (p->attention == CHRONOS2_FULL || isinf(p->radius)) p->reg_global = false; /* REG sees the context anyway */
  }
  return a.attention == b.attention && a.radius == b.radius && a.reg_global == b.reg_global;
}

/* ---- config.json ------------------------------------------------------------------------------ */

typedef struct reader {
  const char *path, *key;
  c2_error *err;
} reader;

static c2_status check_keys(const reader *r, const json_t *object, const char *const *known) {
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach((json_t *)(size_t)object, key, value) {
    size_t i = 0;
    while (known[i] && strcmp(known[i], key) != 0) i++;
    if (!known[i]) C2_FAIL(r->err, C2_ERR_MODEL, "%s: '%s': unknown key '%.60s'", r->path, r->key, key);
  }
  return C2_OK;
}

/* A whole number of tokens, or the text "inf". */
static c2_status read_radius(const reader *r, const json_t *value, double *radius) {
  const char *text = json_string_value(value);
  *radius = text && strcmp(text, "inf") == 0 ? (double)INFINITY : json_number_value(value);
  bool number = json_is_number(value) && *radius >= 0 && *radius <= 1e9 && *radius == floor(*radius);
  if (!number && !isinf(*radius)) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: '%s': radius: expected a whole number of tokens >= 0, or \"inf\"%s", r->path,
            r->key, value ? "" : ", found nothing");
  }
  return C2_OK;
}

static c2_status read_pattern(const reader *r, const json_t *object, chronos2_pattern *out) {
  char what[4200];
  c2_error why;
  *out = (chronos2_pattern){.attention = CHRONOS2_FULL};
  if (!json_is_object(object)) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: '%s': expected {\"pattern\": ..., \"radius\": ...}, or a list of such", r->path,
            r->key);
  }
  (void)snprintf(what, sizeof what, "%s: '%s': pattern", r->path, r->key);
  if (find_name(json_string_value(json_object_get(object, "pattern")), CHRONOS2_FULL, what, &out->attention, &why) !=
      C2_OK) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s", why.text);
  }
  const json_t *radius = json_object_get(object, "radius");
  if (radius || out->attention != CHRONOS2_FULL) C2_TRY(read_radius(r, radius, &out->radius));
  if (out->attention == CHRONOS2_FULL) out->radius = 0;
  const json_t *reg_global = json_object_get(object, "reg_global");
  if (reg_global && !json_is_boolean(reg_global)) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: '%s': reg_global: expected true or false", r->path, r->key);
  }
  out->reg_global = json_is_true(reg_global);
  return C2_OK;
}

static c2_status read_trained(const reader *r, const json_t *value, c2_trained *out) {
  static const char *const known[] = {"pattern", "radius", "reg_global", NULL};
  size_t count = json_is_array(value) ? json_array_size(value) : 1;
  out->pattern[0] = (chronos2_pattern){.attention = CHRONOS2_FULL};
  out->patterns = 1;
  if (!value || json_is_null(value)) return C2_OK;
  if (count < 1 || count > C2_MOST_PATTERNS) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: '%s': expected 1 to %d patterns, found %zu", r->path, r->key, C2_MOST_PATTERNS,
            count);
  }
  for (size_t i = 0; i < count; i++) {
    const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
    C2_TRY(read_pattern(r, item, &out->pattern[i]));
    C2_TRY(check_keys(r, item, known));
  }
  out->patterns = count;
  return C2_OK;
}

static c2_status read_measured(const reader *r, const json_t *list, c2_trained *out) {
  static const char *const known[] = {"pattern", "radius", "reg_global", "mase_change", "tasks", NULL};
  if (!list || json_is_null(list)) return C2_OK;
  if (!json_is_array(list) || json_array_size(list) > C2_MOST_PATTERNS) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: '%s': expected a list of at most %d", r->path, r->key, C2_MOST_PATTERNS);
  }
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *item = json_array_get(list, i);
    c2_measured *m = &out->measured[i];
    C2_TRY(read_pattern(r, item, &m->pattern));
    C2_TRY(check_keys(r, item, known));
    const json_t *change = json_object_get(item, "mase_change");
    const json_t *tasks = json_object_get(item, "tasks");
    m->mase_change = json_number_value(change);
    m->tasks = (size_t)json_integer_value(tasks);
    if (!json_is_number(change) || !(m->mase_change > -1) || !isfinite(m->mase_change)) {
      C2_FAIL(r->err, C2_ERR_MODEL, "%s: '%s': mase_change: expected a number above -1", r->path, r->key);
    }
    if (!json_is_integer(tasks) || json_integer_value(tasks) < 1) {
      C2_FAIL(r->err, C2_ERR_MODEL, "%s: '%s': tasks: expected a whole number >= 1", r->path, r->key);
    }
  }
  out->measurements = json_array_size(list);
  return C2_OK;
}

c2_status c2_trained_read(const json_t *root, const char *path, c2_trained *trained, c2_error *err) {
  static const char *const keys[] = {"time_attention", "time_attention_measured"};
  memset(trained, 0, sizeof *trained);
  C2_TRY(read_trained(&(reader){path, keys[0], err}, json_object_get(root, keys[0]), trained));
  return read_measured(&(reader){path, keys[1], err}, json_object_get(root, keys[1]), trained);
}
