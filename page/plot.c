/* SVG by hand: a few lines, areas and words. */
#include "page/plot.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "page/page.h"

enum {
  WIDTH = 760,
  HEIGHT = 230,
  LEFT = 84, /* room for nine digits */
  RIGHT = 14,
  TOP = 30,
  NAMES = 16, /* a line below the title, where fans have names */
  BOTTOM = 34,
  TITLE = 34
};

typedef struct scale {
  double low, high; /* of the values */
  double last;      /* the step at the right edge */
  size_t place;
  int top; /* of the panel: where the values begin */
} scale;

static double x_of(const scale *s, double step) {
  double share = s->last > 0 ? step / s->last : 0.5;
  return LEFT + share * (WIDTH - LEFT - RIGHT);
}

/* Halves can be subtracted without an overflow. */
static double y_of(const scale *s, double value) {
  double top = TITLE + (double)s->place * HEIGHT + s->top;
  return top + (s->high / 2 - value / 2) / (s->high / 2 - s->low / 2) * (HEIGHT - s->top - BOTTOM);
}

/* How wide a character is, in widths of a digit: those of East Asia are as wide as two. */
static size_t columns_of(uint32_t character) {
  return character >= 0x1100 ? 2 : 1;
}

/* At most so many columns, and an ellipsis for the rest. */
static void put_short(FILE *out, const char *text, size_t most) {
  size_t size = strlen(text);
  size_t at = 0;
  for (size_t columns = 0; at < size;) {
    uint32_t character = 0;
    size_t step = c2_utf8_decode(text + at, size - at, &character);
    columns += columns_of(character);
    if (columns > most) break;
    at += step ? step : 1;
  }
  c2_page_bytes(out, text, at);
  if (at < size) (void)fputs("\xe2\x80\xa6", out);
}

static void widen(scale *s, const double *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) continue;
    s->low = fmin(s->low, values[i]);
    s->high = fmax(s->high, values[i]);
  }
}

static scale scale_of(const c2_panel *p, size_t place) {
  scale s = {(double)INFINITY, -(double)INFINITY, 0, place, p->fans > 1 ? TOP + NAMES : TOP};
  s.last = p->steps == 1 ? fmax((double)p->length + 0.5, 1) : (double)(p->length + p->steps) - 1;
  widen(&s, p->past, p->length);
  for (size_t k = 0; k < p->fans; k++) {
    widen(&s, p->fan[k].median, p->steps);
    widen(&s, p->fan[k].quantile, p->steps * p->levels);
  }
  if (!(s.low <= s.high)) s.low = s.high = 0;
  double level = fmax(fabs(s.low), fabs(s.high));
  double room = s.high > s.low ? 0.05 * s.high - 0.05 * s.low : level > 0 ? 0.05 * level : 1;
  room = fmax(fmax(room, 1e-14 * level), DBL_MIN); /* ticks lie further apart than neighbouring numbers */
  s.low = fmax(s.low - room, -DBL_MAX);
  s.high = fmin(s.high + room, DBL_MAX);
  return s;
}

/* 1, 2 or 5 times a power of ten, next to this distance. */
static double tick_of(double distance) {
  double power = pow(10, floor(log10(distance)));
  double share = distance / power;
  return power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
}

static void put_grid(FILE *out, const scale *s) {
  enum { WHOLE = 9 /* characters that fit beside the picture in the usual size */ };
  double tick = tick_of(s->high / 4 - s->low / 4);
  double first = ceil(s->low / tick);
  int digits = c2_digits_apart(s->low, s->high, 6);
  for (int i = 0; i < 12 && (first + i) * tick <= s->high; i++) {
    double value = (first + i) * tick;
    double y = y_of(s, value);
    if (value < s->low) continue; /* by rounding */
    (void)fprintf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", LEFT, y, WIDTH - RIGHT);
    char label[C2_FLOAT_ROOM];
    int size = snprintf(label, sizeof label, "%.*g", digits, value == 0 ? 0.0 : value);
    (void)fprintf(out, "<text class=\"faint\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\"", LEFT - 6, y + 4);
    if (size > WHOLE) (void)fprintf(out, " font-size=\"%.1f\"", 12.0 * WHOLE / size);
    (void)fprintf(out, ">%s</text>\n", label);
  }
}

static void put_axes(FILE *out, const scale *s, const c2_panel *p) {
  enum { DIGIT = 8 /* wide */, GAP = 12 };
  double bottom = TITLE + (double)(s->place + 1) * HEIGHT - BOTTOM;
  double middle = x_of(s, p->length ? (double)p->length - 1 : 0);
  double half = DIGIT * (double)strlen(p->last) / 2 + GAP;
  bool shown = middle - half > LEFT + DIGIT * (double)strlen(p->first) &&
               middle + half < WIDTH - RIGHT - DIGIT * (double)strlen(p->end); /* beside the other two */
  const struct {
    const char *text, *anchor;
    double x;
  } names[] = {{p->first, "start", LEFT}, {shown ? p->last : "", "middle", middle}, {p->end, "end", WIDTH - RIGHT}};
  put_grid(out, s);
  for (size_t i = 0; i < 3; i++) {
    (void)fprintf(out, "<text class=\"faint\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", names[i].x, bottom + 16,
                  names[i].anchor);
    put_short(out, names[i].text, 32);
    (void)fputs("</text>\n", out);
  }
  if (p->length > 0) {
    (void)fprintf(out, "<path class=\"edge\" d=\"M%.1f %.1fV%.1f\"/>\n", middle, bottom - (HEIGHT - s->top - BOTTOM),
                  bottom);
  }
}

/* Every stride-th value, from a step on. */
typedef struct curve {
  const double *values;
  size_t count, stride;
  double from;
} curve;

/* A level of a fan. One step would be a band without a width: it reaches half a step to both sides. */
static curve curve_of(const c2_panel *p, const double *values, size_t stride) {
  double from = (double)p->length;
  return p->steps == 1 ? (curve){values, 2, 0, fmax(from - 0.5, 0)} : (curve){values, p->steps, stride, from};
}

static bool is_known(const curve *c, size_t i) {
  return i < c->count && isfinite(c->values[i * c->stride]);
}

static void put_point(FILE *out, const scale *s, char command, const curve *c, size_t i) {
  (void)fprintf(out, "%c%.1f %.1f", command, x_of(s, c->from + (double)i), y_of(s, c->values[i * c->stride]));
}

/* It breaks where a value is missing; one between two missing ones is a dot. */
static void put_line(FILE *out, const scale *s, const char *class, curve c) {
  (void)fprintf(out, "<path class=\"%s\" d=\"", class);
  for (size_t i = 0; i < c.count; i++) {
    if (is_known(&c, i)) put_point(out, s, i > 0 && is_known(&c, i - 1) ? 'L' : 'M', &c, i);
  }
  (void)fputs("\"/>\n", out);
  for (size_t i = 0; i < c.count; i++) {
    if (!is_known(&c, i) || (i > 0 && is_known(&c, i - 1)) || is_known(&c, i + 1)) continue;
    (void)fprintf(out, "<path class=\"%s dot\" d=\"", class);
    put_point(out, s, 'M', &c, i);
    (void)fputs("h0.1\"/>\n", out); /* its round ends are the dot */
  }
}

static void put_band(FILE *out, const scale *s, curve low, curve high, size_t colour) {
  (void)fprintf(out, "<path class=\"band c%zu\" d=\"", colour);
  for (size_t from = 0, to = 0; from < low.count; from = to + 1) { /* breaks where lines do */
    for (to = from; is_known(&low, to) && is_known(&high, to); to++) {
      put_point(out, s, to > from ? 'L' : 'M', &high, to);
    }
    for (size_t i = to; i-- > from;) put_point(out, s, 'L', &low, i);
    if (to > from) (void)fputs("Z", out);
  }
  (void)fputs("\"/>\n", out);
}

/* The lowest level above `level` and below the median; p->levels if there is none. Levels come in any order. */
static size_t next_level(const c2_panel *p, double level) {
  size_t next = p->levels;
  for (size_t i = 0; i < p->levels; i++) {
    if (p->level[i] <= level || p->level[i] >= 0.5) continue;
    if (next == p->levels || p->level[i] < p->level[next]) next = i;
  }
  return next;
}

/* The level that lies alike on the other side of a half; p->levels if there is none. */
static size_t partner_of(const c2_panel *p, size_t level) {
  size_t i = 0;
  while (i < p->levels && fabs(p->level[level] + p->level[i] - 1) > 1e-9) i++;
  return i;
}

static void put_fan(FILE *out, const scale *s, const c2_panel *p, size_t k) {
  char class[32];
  const c2_fan *f = &p->fan[k];
  bool is_only = p->fans == 1;
  size_t drawn = 0;
  for (size_t low = next_level(p, 0); low < p->levels; low = next_level(p, p->level[low])) { /* the widest band first */
    size_t high = partner_of(p, low);
    if (high == p->levels || (!is_only && drawn > 0)) continue;
    put_band(out, s, curve_of(p, f->quantile + low, p->levels), curve_of(p, f->quantile + high, p->levels), k);
    drawn++;
  }
  for (size_t q = 0; q < p->levels && is_only; q++) {
    if (partner_of(p, q) == p->levels) put_line(out, s, "line l0 level", curve_of(p, f->quantile + q, p->levels));
  }
  (void)snprintf(class, sizeof class, "line l%zu", k);
  put_line(out, s, class, curve_of(p, f->median, 1));
}

static void put_names(FILE *out, const scale *s, const c2_panel *p) {
  enum { COLUMNS = 70 /* that fit into the width, in bold letters */, OF_NAMES = 80 };
  double y = TITLE + (double)s->place * HEIGHT + 18;
  (void)fputs("<title>", out);
  c2_page_text(out, p->title);
  (void)fprintf(out, "</title>\n<text class=\"name\" x=\"%d\" y=\"%.1f\">", LEFT, y);
  put_short(out, p->title, COLUMNS);
  (void)fputs("</text>\n", out);
  if (p->fans < 2) return;
  (void)fprintf(out, "<text x=\"%d\" y=\"%.1f\">", LEFT, y + NAMES);
  for (size_t k = 0; k < p->fans; k++) {
    if (!p->fan[k].name) continue;
    (void)fprintf(out, "%s<tspan class=\"t%zu\">", k ? "\xe2\x80\x83" : "", k); /* an em space */
    put_short(out, p->fan[k].name, OF_NAMES / p->fans - 3);
    (void)fputs("</tspan>", out);
  }
  (void)fputs("</text>\n", out);
}

void c2_plot_panel(FILE *out, size_t place, const c2_panel *panel) {
  scale s = scale_of(panel, place);
  (void)fputs("<g>\n", out);
  put_names(out, &s, panel);
  put_axes(out, &s, panel);
  for (size_t k = 0; k < panel->fans; k++) put_fan(out, &s, panel, k);
  put_line(out, &s, "line past", (curve){panel->past, panel->length, 1, 0});
  (void)fputs("</g>\n", out);
}

void c2_plot_begin(FILE *out, const char *title, size_t panels) {
  static const char *const colours[2][C2_PLOT_FANS] = {{"#1f62b0", "#c2570c", "#2b8a4b", "#7a4fb5", "#6b7480"},
                                                       {"#6fb0f5", "#f29a55", "#6fcf8f", "#b79af0", "#9aa5b1"}};
  size_t height = TITLE + panels * HEIGHT + 8;
  (void)fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %zu\" width=\"%d\" height=\"%zu\" ",
                WIDTH, height, WIDTH, height);
  (void)fputs("role=\"img\" font-family=\"system-ui, 'DejaVu Sans', sans-serif\" font-size=\"12\">\n<title>", out);
  c2_page_text(out, title);
  (void)fputs("</title>\n<style>\n", out);
  (void)fputs(".paper { fill: #fff } text { fill: #1c2127 } .faint { fill: #5b6570 } .name { font-weight: 600 }\n"
              ".grid { stroke: #d5dae0 } .edge { stroke: #5b6570; stroke-dasharray: 3 3 } .band { fill-opacity: .2 }\n"
              ".line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }\n"
              ".past { stroke: #1c2127; stroke-width: 1.25 } .level { stroke-width: 1; stroke-dasharray: 4 3 }\n"
              ".dot { stroke-width: 4 }\n",
              out);
  for (size_t dark = 0; dark < 2; dark++) {
    if (dark) {
      (void)fputs("@media (prefers-color-scheme: dark) {\n.paper { fill: #14181d } text { fill: #e4e8ec }\n"
                  ".faint { fill: #9aa5b1 } .grid { stroke: #343c46 } .edge { stroke: #9aa5b1 }\n"
                  ".past { stroke: #e4e8ec }\n",
                  out);
    }
    for (size_t k = 0; k < C2_PLOT_FANS; k++) {
      const char *colour = colours[dark][k];
      (void)fprintf(out, ".c%zu, .t%zu { fill: %s } .l%zu { stroke: %s }\n", k, k, colour, k, colour);
    }
    if (dark) (void)fputs("}\n", out);
  }
  (void)fprintf(out, "</style>\n<rect class=\"paper\" width=\"%d\" height=\"%zu\"/>\n", WIDTH, height);
  (void)fprintf(out, "<text class=\"faint\" x=\"%d\" y=\"22\">", LEFT);
  put_short(out, title, 80);
  (void)fputs("</text>\n", out);
}

void c2_plot_end(FILE *out) {
  (void)fputs("</svg>\n", out);
}
