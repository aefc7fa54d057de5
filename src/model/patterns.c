/* Patterns of time attention: their names, config.json's keys about them, and what is said of them. */
#include "model/patterns.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/radius.h"
#include "base/text.h"
#include "model/names.h"

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
  size_t index = 0;
  C2_TRY(c2_name_find(names, first, NAMES, name, what, &index, err));
  *attention = (chronos2_attention)index;
  return C2_OK;
}

c2_status c2_attention_named(const char *name, const char *what, chronos2_attention *attention, c2_error *err) {
  return find_name(name, CHRONOS2_AUTO, what, attention, err);
}

/* True if both let every token see the same others. */
static bool are_equal(chronos2_pattern a, chronos2_pattern b) {
  chronos2_pattern *both[2] = {&a, &b};
  for (size_t i = 0; i < 2; i++) {
    chronos2_pattern *p = both[i];
    if (p->attention == CHRONOS2_WINDOWED_FUTURE_VISIBLE && isinf(p->radius)) p->attention = CHRONOS2_FULL;
    if (p->attention == CHRONOS2_FULL) p->radius = 0;
    if (p->attention == CHRONOS2_FULL || isinf(p->radius)) p->reg_global = false; /* REG sees the context anyway */
  }
  return a.attention == b.attention && a.radius == b.radius && a.reg_global == b.reg_global;
}

bool c2_trained_for(const c2_trained *trained, chronos2_pattern pattern) {
  for (size_t i = 0; i < trained->patterns; i++) {
    if (are_equal(trained->pattern[i], pattern)) return true;
  }
  return false;
}

const c2_measured *c2_trained_measured(const c2_trained *trained, chronos2_pattern pattern) {
  for (size_t i = 0; i < trained->measurements; i++) {
    if (are_equal(trained->measured[i].pattern, pattern)) return &trained->measured[i];
  }
  return NULL;
}

/* ---- Texts ------------------------------------------------------------------------------------ */

/* Patterns that differ in their radius alone. */
static bool are_alike(chronos2_pattern a, chronos2_pattern b) {
  return a.attention == b.attention && a.reg_global == b.reg_global;
}

/* The patterns [count] like the first one: "windowed_future_global at radius 4, 8 or inf". Returns the length. */
static size_t put_alike(const chronos2_pattern *pattern, size_t count, char *out, size_t room) {
  size_t last = 0;
  for (size_t i = 0; i < count; i++) last = are_alike(pattern[i], *pattern) ? i : last;
  if (pattern->attention == CHRONOS2_FULL) return (size_t)snprintf(out, room, "full attention");
  size_t used = (size_t)snprintf(out, room, "%s at radius ", c2_attention_name(pattern->attention));
  for (size_t i = 0; i <= last && used < room; i++) {
    char radius[C2_RADIUS_ROOM];
    if (!are_alike(pattern[i], *pattern)) continue;
    c2_radius_text(pattern[i].radius, radius);
    used += (size_t)snprintf(out + used, room - used, "%s%s", i == 0 ? "" : i == last ? " or " : ", ", radius);
  }
  if (pattern->reg_global && used < room) used += (size_t)snprintf(out + used, room - used, " with a global REG");
  return used;
}

static void put_trained(c2_trained *t) {
  size_t used = 0;
  for (size_t i = 0; i < t->patterns && used < C2_TRAINED_ROOM; i++) {
    size_t k = 0; /* the first like it */
    while (!are_alike(t->pattern[k], t->pattern[i])) k++;
    if (k < i) continue;
    if (i > 0) used += (size_t)snprintf(t->text + used, C2_TRAINED_ROOM - used, " or ");
    if (used >= C2_TRAINED_ROOM) return;
    used += put_alike(t->pattern + i, t->patterns - i, t->text + used, C2_TRAINED_ROOM - used);
  }
}

void c2_trained_caveat(const c2_trained *trained, chronos2_pattern pattern, char out[C2_PATTERN_CAVEAT_ROOM]) {
  const c2_measured *m = c2_trained_measured(trained, pattern);
  char asked[80];
  char cost[80] = "";
  char change[C2_FLOAT_ROOM];
  out[0] = '\0';
  if (c2_trained_for(trained, pattern)) return;
  if (m) {
    (void)snprintf(change, sizeof change, "%+.3g", 100 * m->mase_change);
    if (isfinite(100 * m->mase_change)) c2_text_point(change);
    (void)snprintf(cost, sizeof cost, ", which changed MASE by %s%% (%zu task%s)", change, m->tasks,
                   m->tasks == 1 ? "" : "s");
  }
  (void)put_alike(&pattern, 1, asked, sizeof asked);
  (void)snprintf(out, C2_PATTERN_CAVEAT_ROOM, "the weights were trained for %s, not for %s%s", trained->text, asked,
                 cost);
}

/* ---- config.json ------------------------------------------------------------------------------ */

typedef struct reader {
  const c2_json_document *doc;
  const char *key;
  c2_error *err;
} reader;

static c2_status read_radius(const reader *r, const c2_json *object, double *radius) {
  const c2_json *value = c2_json_get(object, "radius");
  if (c2_radius_of_json(value, radius)) return C2_OK;
  return c2_json_fail(r->doc, value ? value : object, r->err,
                      "'%s': radius: expected a whole number of at most 1e9 tokens, or \"inf\"%s", r->key,
                      value ? "" : ", found nothing");
}

static c2_status read_pattern(const reader *r, const c2_json *object, chronos2_pattern *out) {
  c2_error why;
  *out = (chronos2_pattern){.attention = CHRONOS2_FULL};
  if (object->type != C2_JSON_OBJECT) {
    return c2_json_fail(r->doc, object, r->err, "'%s': expected {\"pattern\": ..., \"radius\": ...}, or a list of such",
                        r->key);
  }
  const c2_json *pattern = c2_json_get(object, "pattern");
  if (find_name(c2_json_string(pattern), CHRONOS2_FULL, "pattern", &out->attention, &why) != C2_OK) {
    return c2_json_fail(r->doc, pattern ? pattern : object, r->err, "'%s': %s", r->key, why.text);
  }
  bool full = out->attention == CHRONOS2_FULL;
  if (!full || c2_json_get(object, "radius")) C2_TRY(read_radius(r, object, &out->radius));
  if (full) out->radius = 0;
  return c2_json_get_bool(r->doc, object, "reg_global", &out->reg_global, r->err);
}

static c2_status read_trained(const reader *r, const c2_json *value, c2_trained *out) {
  static const char *const known[] = {"pattern", "radius", "reg_global", NULL};
  out->pattern[0] = (chronos2_pattern){.attention = CHRONOS2_FULL};
  out->patterns = 1;
  if (!value || value->type == C2_JSON_NULL) return C2_OK;
  if (value->type != C2_JSON_ARRAY) {
    C2_TRY(read_pattern(r, value, &out->pattern[0]));
    return c2_json_refuse_others(r->doc, value, known, r->err);
  }
  if (value->size < 1 || value->size > C2_MOST_PATTERNS) {
    return c2_json_fail(r->doc, value, r->err, "'%s': expected 1 to %d patterns, found %zu", r->key, C2_MOST_PATTERNS,
                        (size_t)value->size);
  }
  out->patterns = 0;
  C2_JSON_EACH (item, value) {
    C2_TRY(read_pattern(r, item, &out->pattern[out->patterns++]));
    C2_TRY(c2_json_refuse_others(r->doc, item, known, r->err));
  }
  return C2_OK;
}

static c2_status read_measured(const reader *r, const c2_json *list, c2_trained *out) {
  static const char *const known[] = {"pattern", "radius", "reg_global", "mase_change", "tasks", NULL};
  if (!list || list->type == C2_JSON_NULL) return C2_OK;
  if (list->type != C2_JSON_ARRAY || list->size > C2_MOST_PATTERNS) {
    return c2_json_fail(r->doc, list, r->err, "'%s': expected a list of at most %d", r->key, C2_MOST_PATTERNS);
  }
  C2_JSON_EACH (item, list) {
    c2_measured *m = &out->measured[out->measurements++];
    C2_TRY(read_pattern(r, item, &m->pattern));
    C2_TRY(c2_json_refuse_others(r->doc, item, known, r->err));
    const c2_json *change = c2_json_get(item, "mase_change");
    if (!c2_json_number(change, &m->mase_change) || !(m->mase_change > -1)) {
      return c2_json_fail(r->doc, change ? change : item, r->err, "'%s': mase_change: expected a number above -1",
                          r->key);
    }
    C2_TRY(c2_json_get_size(r->doc, item, "tasks", 1, 1 << 24, &m->tasks, r->err));
  }
  return C2_OK;
}

c2_status c2_trained_read(const c2_json_document *doc, c2_trained *trained, c2_error *err) {
  static const char *const keys[] = {"time_attention", "time_attention_measured"};
  const c2_json *root = doc ? doc->node : NULL;
  memset(trained, 0, sizeof *trained);
  C2_TRY(read_trained(&(reader){doc, keys[0], err}, c2_json_get(root, keys[0]), trained));
  put_trained(trained);
  return read_measured(&(reader){doc, keys[1], err}, c2_json_get(root, keys[1]), trained);
}
