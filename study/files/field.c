/* Values of columns: numbers and texts of a row, and numbers that are read into one. */
#include "study/files/field.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/radius.h"

static const double most_whole = 9007199254740992.0; /* 2^53 */

void c2_path_of(const char *prefix, const char *name, char out[C2_PATH_ROOM]) {
  if (snprintf(out, C2_PATH_ROOM, "%s%s", prefix, name) >= C2_PATH_ROOM) out[0] = '\0';
}

/* ---- Numbers ---------------------------------------------------------------------------------- */

bool c2_study_field_is_number(const c2_study_field *c) {
  return c->kind < C2_TEXT;
}

bool c2_study_field_is_stored(const c2_study_field *c) {
  return !c->number && (c->kind == C2_WHOLE || c->kind == C2_REAL || c->kind == C2_RADIUS || c->kind == C2_COUNTED);
}

const void *c2_study_field_at(const c2_study_field *c, const c2_study_row *row) {
  return (const char *)row->part[c->part] + c->offset;
}

double c2_study_field_number(const c2_study_field *c, const c2_study_row *row) {
  if (c->number) return c->number(row, c->each ? row->metric : c->of);
  const void *at = c2_study_field_at(c, row);
  switch (c->kind) {
    case C2_WHOLE: return (double)*(const size_t *)at;
    case C2_FLAG: return *(const bool *)at;
    default: return *(const double *)at;
  }
}

static const c2_study_limits *limits_of(const c2_study_field *c) {
  static const c2_study_limits real = {-INFINITY, INFINITY, "a number"};
  static const c2_study_limits whole = {0, 9007199254740992.0, "a whole number >= 0"};
  static const c2_study_limits radius = {0, INFINITY, "a whole number of at most 1e9, or inf"};
  if (c->within) return c->within;
  return c->kind == C2_WHOLE ? &whole : c->kind == C2_RADIUS ? &radius : &real;
}

bool c2_study_field_take(const c2_study_field *c, void *part, double value) {
  const c2_study_limits *within = limits_of(c);
  char *at = (char *)part + c->offset;
  bool may_miss = c->kind == C2_REAL || c->kind == C2_COUNTED;
  if (value < within->least || value > within->most || (isnan(value) && !may_miss)) return false;
  if (c->kind == C2_RADIUS && !c2_radius_is(value)) return false;
  if (c->kind == C2_WHOLE) {
    if (value > most_whole || value != floor(value)) return false;
    *(size_t *)at = (size_t)value;
  } else {
    *(double *)at = value;
  }
  return true;
}

const char *c2_study_field_expected(const c2_study_field *c) {
  return limits_of(c)->expected;
}

/* ---- Cells ------------------------------------------------------------------------------------ */

static void put_heads(const c2_heads *heads, FILE *out) {
  for (size_t i = 0; i < heads->count; i++) {
    char text[C2_HEAD_ROOM];
    c2_head_text(heads->at[i], text);
    (void)fprintf(out, "%s%s", i ? " " : "", text);
  }
}

void c2_radii_put(const c2_radii *radii, FILE *out) {
  for (size_t i = 0; i < radii->count; i++) {
    char text[C2_RADIUS_ROOM];
    c2_radius_text(radii->at[i], text);
    (void)fprintf(out, "%s%s", i > 0 ? "," : "", text);
  }
}

static void put_metrics(const c2_metric_list *metrics, FILE *out) {
  for (size_t i = 0; i < metrics->count; i++) (void)fprintf(out, "%s%s", i ? "," : "", c2_metric_name(metrics->at[i]));
}

void c2_names_put(const c2_names *names, FILE *out) {
  (void)fputc('[', out);
  for (size_t i = 0; i < names->count; i++) {
    (void)fputs(i ? ", '" : "'", out);
    for (const char *c = names->name[i]; *c; c++) {
      if (*c == '\'' || *c == '\\') (void)fputc('\\', out);
      (void)fputc(*c, out);
    }
    (void)fputc('\'', out);
  }
  (void)fputc(']', out);
}

static void put_real(double value, FILE *out) {
  char text[C2_NUMBER_ROOM];
  c2_number_put(value, text);
  (void)fputs(text, out);
}

void c2_study_field_put(const c2_study_field *c, const c2_study_row *row, FILE *out) {
  char text[C2_RADIUS_ROOM];
  double value = c2_study_field_is_number(c) ? c2_study_field_number(c, row) : 0;
  if (isnan(value)) return;
  switch (c->kind) {
    case C2_WHOLE:
      if (c->number) {
        (void)fprintf(out, "%.0f", value);
      } else {
        (void)fprintf(out, "%zu", *(const size_t *)c2_study_field_at(c, row));
      }
      break;
    case C2_REAL: put_real(value, out); break;
    case C2_FLAG: (void)fputs(value != 0 ? "True" : "False", out); break;
    case C2_RADIUS:
      c2_radius_text(value, text);
      (void)fputs(text, out);
      break;
    case C2_PERCENT: put_real(c2_percent(value), out); break;
    case C2_COUNTED:
      if (value > 0) put_real(value, out);
      break;
    case C2_DTYPE: (void)fputs(chronos2_dtype_name(*(const chronos2_dtype *)c2_study_field_at(c, row)), out); break;
    case C2_LIST: put_metrics(c2_study_field_at(c, row), out); break;
    case C2_RADII: c2_radii_put(c2_study_field_at(c, row), out); break;
    case C2_HEADS: put_heads(c2_study_field_at(c, row), out); break;
    case C2_NAMES: c2_names_put(c2_study_field_at(c, row), out); break;
    case C2_METRIC: (void)fputs(c2_metric_name(*(const c2_metric *)c2_study_field_at(c, row)), out); break;
    case C2_CHARS: (void)fputs(c2_study_field_at(c, row), out); break;
    case C2_TEXT:
      if (c->put) {
        c->put(row, out);
      } else {
        const char *words = *(const char *const *)c2_study_field_at(c, row);
        (void)fputs(words ? words : "", out);
      }
  }
}
