/* SVG by hand: a few lines, areas and words. */
#include "page/plot.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "page/page.h"

enum { WIDTH = 760, HEIGHT = 230, LEFT = 66, RIGHT = 14, TOP = 30, BOTTOM = 34, TITLE = 34, MOST_COLOURS = 5 };

typedef struct scale {
  double low, high; /* of the values */
  size_t place, steps;
} scale;

/* What can be added and multiplied without an overflow. */
static bool is_drawn(double value) {
  return fabs(value) < 1e300;
}

static double x_of(const scale *s, size_t step) {
  double share = s->steps > 1 ? (double)step / (double)(s->steps - 1) : 0.5;
  return LEFT + share * (WIDTH - LEFT - RIGHT);
}

static double y_of(const scale *s, double value) {
  double top = TITLE + (double)s->place * HEIGHT + TOP;
  return top + (s->high - value) / (s->high - s->low) * (HEIGHT - TOP - BOTTOM);
}

/* At most so many characters, and an ellipsis for the rest. */
static void put_short(FILE *out, const char *text, size_t most) {
  size_t size = strlen(text);
  size_t at = 0;
  for (size_t n = 0; at < size && n < most; n++) {
    size_t step = c2_utf8_decode(text + at, size - at, NULL);
    at += step ? step : 1;
  }
  c2_page_bytes(out, text, at);
  if (at < size) (void)fputs("\xe2\x80\xa6", out);
}

static void widen(scale *s, const double *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!is_drawn(values[i])) continue;
    s->low = fmin(s->low, values[i]);
    s->high = fmax(s->high, values[i]);
  }
}

static scale scale_of(const c2_panel *p, size_t place) {
  scale s = {(double)INFINITY, -(double)INFINITY, place, p->length + p->steps};
  widen(&s, p->past, p->length);
  for (size_t k = 0; k < p->fans; k++) {
    widen(&s, p->fan[k].median, p->steps);
    widen(&s, p->fan[k].quantile, p->steps * p->levels);
  }
  if (!(s.low <= s.high)) s.low = s.high = 0;
  double room = s.high > s.low ? 0.05 * (s.high - s.low) : s.high != 0 ? 0.05 * fabs(s.high) : 1;
  s.low -= room;
  s.high += room;
  return s;
}

/* 1, 2 or 5 times a power of ten: about four of them lie in the range. */
static double tick_of(double range) {
  double power = pow(10, floor(log10(range / 4)));
  double share = range / 4 / power;
  return power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
}

static void put_axes(FILE *out, const scale *s, const c2_panel *p) {
  enum { WHOLE = 9 /* characters that fit beside the picture in the usual size */ };
  double tick = tick_of(s->high - s->low);
  double first = ceil(s->low / tick);
  int digits = c2_digits_apart(s->low, s->high, 6);
  for (int i = 0; i < 12 && (first + i) * tick <= s->high; i++) {
    double value = (first + i) * tick;
    double y = y_of(s, value);
    (void)fprintf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", LEFT, y, WIDTH - RIGHT);
    char label[C2_FLOAT_ROOM];
    int size = snprintf(label, sizeof label, "%.*g", digits, value == 0 ? 0.0 : value);
    (void)fprintf(out, "<text class=\"faint\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\"", LEFT - 6, y + 4);
    if (size > WHOLE) (void)fprintf(out, " font-size=\"%.1f\"", 12.0 * WHOLE / size);
    (void)fprintf(out, ">%s</text>\n", label);
  }
  double bottom = TITLE + (double)(s->place + 1) * HEIGHT - BOTTOM;
  double middle = x_of(s, p->length ? p->length - 1 : 0);
  bool shown = middle > LEFT + 150 && middle < WIDTH - RIGHT - 150; /* beside the other two */
  const struct {
    const char *text, *anchor;
    double x;
  } names[] = {{p->first, "start", LEFT}, {shown ? p->last : "", "middle", middle}, {p->end, "end", WIDTH - RIGHT}};
  for (size_t i = 0; i < 3; i++) {
    (void)fprintf(out, "<text class=\"faint\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", names[i].x, bottom + 16,
                  names[i].anchor);
    put_short(out, names[i].text, 32);
    (void)fputs("</text>\n", out);
  }
  if (p->length > 0) {
    (void)fprintf(out, "<path class=\"edge\" d=\"M%.1f %.1fV%.1f\"/>\n", middle, bottom - (HEIGHT - TOP - BOTTOM),
                  bottom);
  }
}

/* A line through values from a step on; it breaks where one is missing. */
static void put_line(FILE *out, const scale *s, const char *class, const double *values, size_t count, size_t from) {
  bool pen = false;
  (void)fprintf(out, "<path class=\"%s\" d=\"", class);
  for (size_t i = 0; i < count; i++) {
    double value = values[i];
    bool alone = is_drawn(value) && !pen && (i + 1 == count || !is_drawn(values[i + 1]));
    if (is_drawn(value)) {
      (void)fprintf(out, "%c%.1f %.1f", pen ? 'L' : 'M', x_of(s, from + i), y_of(s, value));
      if (alone) (void)fputs("h0.1", out); /* a dot, by its round ends */
    }
    pen = is_drawn(value);
  }
  (void)fputs("\"/>\n", out);
}

static void put_band(FILE *out, const scale *s, const c2_panel *p, const c2_fan *f, size_t low, size_t high,
                     size_t colour) {
  (void)fprintf(out, "<path class=\"band c%zu\" d=\"", colour);
  for (size_t i = 0; i < p->steps; i++) {
    (void)fprintf(out, "%c%.1f %.1f", i ? 'L' : 'M', x_of(s, p->length + i),
                  y_of(s, f->quantile[i * p->levels + high]));
  }
  for (size_t i = p->steps; i-- > 0;) {
    (void)fprintf(out, "L%.1f %.1f", x_of(s, p->length + i), y_of(s, f->quantile[i * p->levels + low]));
  }
  (void)fputs("Z\"/>\n", out);
}

/* Bands between levels that lie alike on both sides of a half, the widest first. */
/* The lowest level above `level` and below the median; p->levels if there is none. Levels come in any order. */
static size_t next_level(const c2_panel *p, double level) {
  size_t next = p->levels;
  for (size_t i = 0; i < p->levels; i++) {
    if (p->level[i] <= level || p->level[i] >= 0.5) continue;
    if (next == p->levels || p->level[i] < p->level[next]) next = i;
  }
  return next;
}

static void put_fan(FILE *out, const scale *s, const c2_panel *p, size_t k) {
  char class[24];
  const c2_fan *f = &p->fan[k];
  size_t drawn = 0;
  for (size_t low = next_level(p, 0); low < p->levels; low = next_level(p, p->level[low])) { /* the widest band first */
    for (size_t high = 0; high < p->levels; high++) {
      if (fabs(p->level[low] + p->level[high] - 1) > 1e-9 || (p->fans > 1 && drawn > 0)) continue;
      put_band(out, s, p, f, low, high, k % MOST_COLOURS);
      drawn++;
    }
  }
  (void)snprintf(class, sizeof class, "line l%zu", k % MOST_COLOURS);
  put_line(out, s, class, f->median, p->steps, p->length);
}

static void put_names(FILE *out, const scale *s, const c2_panel *p) {
  double y = TITLE + (double)s->place * HEIGHT + 18;
  (void)fprintf(out, "<text class=\"name\" x=\"%d\" y=\"%.1f\">", LEFT, y);
  put_short(out, p->title, p->fans > 1 ? 40 : 90);
  (void)fputs("</text>\n", out);
  if (p->fans < 2) return;
  (void)fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", WIDTH - RIGHT, y);
  for (size_t k = 0; k < p->fans && k < MOST_COLOURS; k++) {
    if (!p->fan[k].name) continue;
    (void)fprintf(out, "%s<tspan class=\"t%zu\">", k ? "\xe2\x80\x83" : "", k); /* an em space */
    put_short(out, p->fan[k].name, 14);
    (void)fputs("</tspan>", out);
  }
  (void)fputs("</text>\n", out);
}

void c2_plot_panel(FILE *out, size_t place, const c2_panel *panel) {
  scale s = scale_of(panel, place);
  (void)fputs("<g>\n", out);
  put_axes(out, &s, panel);
  for (size_t k = 0; k < panel->fans; k++) put_fan(out, &s, panel, k);
  put_line(out, &s, "line past", panel->past, panel->length, 0);
  put_names(out, &s, panel);
  (void)fputs("</g>\n", out);
}

void c2_plot_begin(FILE *out, const char *title, size_t panels) {
  static const char *const colours[2][MOST_COLOURS] = {{"#1f62b0", "#c2570c", "#2b8a4b", "#7a4fb5", "#6b7480"},
                                                       {"#6fb0f5", "#f29a55", "#6fcf8f", "#b79af0", "#9aa5b1"}};
  size_t height = TITLE + panels * HEIGHT + 8;
  (void)fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %zu\" width=\"%d\" height=\"%zu\" ",
                WIDTH, height, WIDTH, height);
  (void)fputs("font-family=\"system-ui, 'DejaVu Sans', sans-serif\" font-size=\"12\">\n<style>\n", out);
  (void)fputs(".paper { fill: #fff } text { fill: #1c2127 } .faint { fill: #5b6570 } .name { font-weight: 600 }\n"
              ".grid { stroke: #d5dae0 } .edge { stroke: #5b6570; stroke-dasharray: 3 3 } .band { fill-opacity: .2 }\n"
              ".line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }\n"
              ".past { stroke: #1c2127; stroke-width: 1.25 }\n",
              out);
  for (size_t dark = 0; dark < 2; dark++) {
    if (dark) {
      (void)fputs("@media (prefers-color-scheme: dark) {\n.paper { fill: #14181d } text { fill: #e4e8ec }\n"
                  ".faint { fill: #9aa5b1 } .grid { stroke: #343c46 } .edge { stroke: #9aa5b1 }\n"
                  ".past { stroke: #e4e8ec }\n",
                  out);
    }
    for (size_t k = 0; k < MOST_COLOURS; k++) {
      const char *colour = colours[dark][k];
      (void)fprintf(out, ".c%zu, .t%zu { fill: %s } .l%zu { stroke: %s }\n", k, k, colour, k, colour);
    }
    if (dark) (void)fputs("}\n", out);
  }
  (void)fprintf(out, "</style>\n<rect class=\"paper\" width=\"%d\" height=\"%zu\"/>\n", WIDTH, height);
  (void)fprintf(out, "<text class=\"faint\" x=\"%d\" y=\"22\">", LEFT);
  put_short(out, title, 100);
  (void)fputs("</text>\n", out);
}

void c2_plot_end(FILE *out) {
  (void)fputs("</svg>\n", out);
}
