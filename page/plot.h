/* A picture of forecasts as SVG, without scripts: panels below each other, each with a history and fans of quantiles.
 * It follows a dark theme where the viewer has one. */
#ifndef C2_PAGE_PLOT_H
#define C2_PAGE_PLOT_H

#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

enum { C2_PLOT_FANS = 5 /* of a panel, at most: each has its colour */ };

typedef struct c2_fan {
  const char *name;       /* NULL: none is shown */
  const double *median;   /* [steps] */
  const double *quantile; /* [steps][levels] */
} c2_fan;

/* Texts are the caller's, and may hold anything. Numbers may be NaN: nothing is drawn there. */
typedef struct c2_panel {
  const char *title;
  const char *first, *last, *end; /* names of the first step, of the last of the history, and of the last of all */
  const double *past;             /* [length] */
  size_t length;
  const c2_fan *fan; /* [fans]: of several only the median and the widest band are drawn */
  size_t fans, steps;
  const double *level; /* [levels], in any order: two alike on both sides of a half are a band, others are lines */
  size_t levels;
} c2_panel;

/* Draws a panel at this place of the picture, from 0. */
void c2_plot_panel(FILE *out, size_t place, const c2_panel *panel);

/* The picture around the panels. */
void c2_plot_begin(FILE *out, const char *title, size_t panels);
void c2_plot_end(FILE *out);

#endif
