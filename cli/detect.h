/* What the files of `chronos2 detect` share: the request, and what was found of each observation. */
#ifndef C2_CLI_DETECT_H
#define C2_CLI_DETECT_H

#include "cli/input.h"

/* What was expected of an observation. */
typedef struct detect_point {
  double expected;               /* NAN: nothing is known before it, or it belongs to the warmup */
  double lower, upper;           /* the band; NAN: it was not judged */
  double low, high;              /* of the model: quantiles 0.1 and 0.9 */
  double own_lower, own_upper;   /* of the model: those of the coverage */
  double score;                  /* distance from what was expected, in the band's half on that side; negative below */
} detect_point;

/* A target of an item. */
typedef struct detect_row {
  const c2_item *item;
  size_t target;
  size_t judged_from;  /* step that is judged first: as many observations as --warmup come before it */
  size_t first;        /* at which its first forecast begins; not behind that */
  detect_point *point; /* [item->length - first] */
  size_t judged, flags;
} detect_row;

typedef struct detect_request {
  cli_engine engine;
  cli_input in;
  size_t horizon, warmup, last;
  size_t context; /* most steps that a forecast sees */
  double coverage;
  bool all;
  const char *output, *report, *model_name;
  detect_row *row; /* [rows] */
  size_t rows, judged, flags;
  size_t pooled, uncalibrated; /* observations whose band comes of all series, or of the model alone */
  size_t groundless;           /* whose forecast had a context without an observation */
  char summary[C2_SUMMARY_ROOM], found[200];
} detect_request;

static inline double detect_value(const detect_row *row, size_t step) {
  return row->item->target[row->target * row->item->length + step];
}

/* Outside its band. */
static inline bool detect_is_flagged(const detect_point *p) {
  return p->score > 1 || p->score < -1;
}

/* First step of a row that is told of. */
static inline size_t detect_first_told(const detect_request *r, const detect_row *row) {
  size_t length = row->item->length;
  size_t first = r->last > 0 && r->last < length ? length - r->last : 0;
  return first > row->judged_from ? first : row->judged_from;
}

/* ---- detect_write.c ---- */

c2_status detect_write(const detect_request *r, FILE *out, c2_error *err);
c2_status detect_draw(const detect_request *r, FILE *out, c2_error *err);

#endif
