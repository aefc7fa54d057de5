/* Patterns of time attention: their names, and which ones a model's weights were trained for. */
#ifndef C2_MODEL_PATTERNS_H
#define C2_MODEL_PATTERNS_H

#include <chronos2.h>

#include "base/json.h"
#include "base/status.h"

enum { C2_MOST_PATTERNS = 32, C2_TRAINED_ROOM = 1200, C2_PATTERN_CAVEAT_ROOM = 1400 };

/* What another pattern than the first of the trained ones was measured to change. */
typedef struct c2_measured {
  chronos2_pattern pattern;
  double mase_change; /* relative: 0.71 is 71% more */
  size_t tasks;
} c2_measured;

typedef struct c2_trained {
  chronos2_pattern pattern[C2_MOST_PATTERNS]; /* [patterns], at least one */
  size_t patterns;
  c2_measured measured[C2_MOST_PATTERNS]; /* [measurements] */
  size_t measurements;
  char text[C2_TRAINED_ROOM]; /* "full attention or windowed_future_global at radius 4, 8 or inf": room for the most */
} c2_trained;

/* The pattern's name, or NULL if there is no such pattern. */
const char *c2_attention_name(chronos2_attention attention);

/* Finds a pattern by its name. `what` begins the message of a failure. */
c2_status c2_attention_named(const char *name, const char *what, chronos2_attention *attention, c2_error *err);

/* "time_attention" and "time_attention_measured" of a config.json; without them, or without a document (NULL), full
 * attention. */
c2_status c2_trained_read(const c2_json_document *doc, c2_trained *trained, c2_error *err);

/* True if it is one of the trained ones. */
bool c2_trained_for(const c2_trained *trained, chronos2_pattern pattern);

/* What the pattern was measured to change, or NULL. */
const c2_measured *c2_trained_measured(const c2_trained *trained, chronos2_pattern pattern);

/* What the weights were trained for instead of the pattern, and what that was measured to change, as a line; empty if
 * they were trained for the pattern. */
void c2_trained_caveat(const c2_trained *trained, chronos2_pattern pattern, char out[C2_PATTERN_CAVEAT_ROOM]);

#endif
