/* Reads Arrow's schemas and arrays. Knows nothing of what columns are for. */
#include "table/arrow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- Schemas --------------------------------------------------------------------------------- */

/* Of formats of one letter; of "vu" apart. */
static const struct {
  const char *format;
  c2_storage storage;
} storages[] = {
    {"n", C2_STORED_NOTHING}, {"c", C2_STORED_INT8},    {"C", C2_STORED_UINT8},   {"s", C2_STORED_INT16},
    {"S", C2_STORED_UINT16},  {"i", C2_STORED_INT32},   {"I", C2_STORED_UINT32},  {"l", C2_STORED_INT64},
    {"L", C2_STORED_UINT64},  {"e", C2_STORED_FLOAT16}, {"f", C2_STORED_FLOAT32}, {"g", C2_STORED_FLOAT64},
    {"b", C2_STORED_BOOL},    {"u", C2_STORED_TEXT32},  {"U", C2_STORED_TEXT64},  {"vu", C2_STORED_TEXT_VIEW},
};

static c2_storage storage_of(const char *format) {
  for (size_t i = 0; i < sizeof storages / sizeof storages[0]; i++) {
    if (strcmp(storages[i].format, format) == 0) return storages[i].storage;
  }
  return C2_STORED_OTHERWISE;
}

static bool is_integer(c2_storage storage) {
  return storage >= C2_STORED_INT8 && storage <= C2_STORED_UINT64;
}

static bool is_text(c2_storage storage) {
  return storage >= C2_STORED_TEXT32 && storage <= C2_STORED_TEXT_VIEW;
}

/* Dates and times: tdD, tdm, and ts with s, m, u or n, a colon and a zone. */
static void read_time(c2_field *field) {
  const char *f = field->format;
  if (strcmp(f, "tdD") == 0 || strcmp(f, "tdm") == 0) {
    field->unit = f[2] == 'D' ? 'D' : 'd';
    field->storage = f[2] == 'D' ? C2_STORED_INT32 : C2_STORED_INT64;
  } else if (f[0] == 't' && f[1] == 's' && f[2] && strchr("smun", f[2]) && f[3] == ':') {
    field->unit = f[2];
    field->storage = C2_STORED_INT64;
  }
}

/* d:PRECISION,SCALE, with ,128 behind it or nothing. */
static void read_decimal(c2_field *field) {
  char *end = NULL;
  if (strncmp(field->format, "d:", 2) != 0 || strtol(field->format + 2, &end, 10) < 1 || *end != ',') return;
  long scale = strtol(end + 1, &end, 10);
  if (scale < -76 || scale > 76 || (*end && strcmp(end, ",128") != 0)) return;
  field->storage = C2_STORED_DECIMAL;
  field->divisor = pow(10, (double)scale);
}

/* Copies a text of the schema, which may be missing. */
static c2_status copy(char **out, const char *text, const char *table, c2_error *err) {
  *out = c2_strdup(text ? text : "");
  if (*out) return C2_OK;
  C2_FAIL(err, C2_ERR_MEMORY, "%s: cannot allocate a column's name", table);
}

c2_status c2_field_read(c2_field *field, const struct ArrowSchema *schema, const char *table, c2_error *err) {
  *field = (c2_field){.name = NULL};
  if (!schema || !schema->release || !schema->format) C2_FAIL(err, C2_ERR_FORMAT, "%s: a column has no type", table);
  const struct ArrowSchema *words = schema->dictionary;
  C2_TRY(copy(&field->name, schema->name, table, err));
  C2_TRY(copy(&field->format, words && words->format ? words->format : schema->format, table, err));
  field->storage = storage_of(schema->format);
  if (words) {
    field->has_dictionary = true;
    field->words = words->release && words->format && !words->dictionary ? storage_of(words->format)
                                                                          : C2_STORED_OTHERWISE;
    if (!is_integer(field->storage)) field->words = C2_STORED_OTHERWISE;
    return C2_OK;
  }
  if (field->storage == C2_STORED_OTHERWISE) read_time(field);
  if (field->storage == C2_STORED_OTHERWISE) read_decimal(field);
  if (!field->unit) return C2_OK;
  const char *colon = strchr(field->format, ':');
  return copy(&field->zone, colon ? colon + 1 : "", table, err);
}

void c2_field_free(c2_field *field) {
  free(field->name);
  free(field->format);
  free(field->zone);
  *field = (c2_field){.name = NULL};
}

static c2_kind kind_of(c2_storage storage) {
  if (is_integer(storage)) return C2_KIND_INTEGER;
  if (is_text(storage)) return C2_KIND_TEXT;
  switch (storage) {
    case C2_STORED_NOTHING: return C2_KIND_NOTHING;
    case C2_STORED_FLOAT16:
    case C2_STORED_FLOAT32:
    case C2_STORED_FLOAT64:
    case C2_STORED_DECIMAL: return C2_KIND_FLOAT;
    case C2_STORED_BOOL: return C2_KIND_BOOL;
    default: return C2_KIND_OTHER;
  }
}

c2_kind c2_field_kind(const c2_field *field) {
  if (field->unit) return C2_KIND_TIME;
  if (!field->has_dictionary) return kind_of(field->storage);
  c2_kind words = kind_of(field->words);
  if (words == C2_KIND_INTEGER) return C2_KIND_INTEGER_WORD;
  return words == C2_KIND_TEXT || words == C2_KIND_NOTHING ? words : C2_KIND_OTHER;
}

void c2_field_type(const c2_field *field, char out[C2_TYPE_ROOM]) {
  static const struct {
    const char *prefix, *name;
  } names[] = {{"d:", "decimal"},       {"tss:", "timestamp[s]"}, {"tsm:", "timestamp[ms]"}, {"tsu:", "timestamp[us]"},
               {"tsn:", "timestamp[ns]"}, {"td", "date"},          {"tt", "time of day"},     {"tD", "duration"},
               {"ti", "interval"},      {"+", "nested values"},    {"vu", "string"},          {"u", "string"},
               {"U", "string"},         {"z", "binary"},           {"Z", "binary"},           {"vz", "binary"},
               {"w:", "binary"},        {"n", "null"},             {"b", "bool"},             {"e", "float16"},
               {"f", "float32"},        {"g", "float64"}};
  char own[40];
  const char *name = own;
  (void)snprintf(own, sizeof own, kind_of(storage_of(field->format)) == C2_KIND_INTEGER ? "integer" : "Arrow's '%.20s'",
                 field->format);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strncmp(names[i].prefix, field->format, strlen(names[i].prefix)) != 0) continue;
    name = names[i].name;
    break;
  }
  (void)snprintf(out, C2_TYPE_ROOM, "%s%s", field->has_dictionary ? "dictionary of " : "", name);
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

static c2_status refuse(const char *what, const char *why, c2_error *err) {
  C2_FAIL(err, C2_ERR_FORMAT, "%s: the Arrow array is damaged: %s", what, why);
}

typedef struct text_view {
  int32_t size;
  char start[4];
  int32_t buffer, offset; /* the first twelve bytes of the text itself where it is no longer */
} text_view;

static text_view view_at(const c2_view *v, size_t row) {
  text_view view;
  memcpy(&view, (const char *)v->values + (v->offset + row) * sizeof view, sizeof view);
  return view;
}

static c2_status check_views(const c2_view *v, const char *what, c2_error *err) {
  for (size_t i = 0; i < v->rows; i++) {
    if (!c2_view_has(v, i)) continue;
    text_view view = view_at(v, i);
    if (view.size < 0) return refuse(what, "a text is shorter than nothing", err);
    if (view.size <= 12) continue;
    if (view.buffer < 0 || (size_t)view.buffer >= v->buffer_count || view.offset < 0 || !v->buffers[view.buffer] ||
        (int64_t)view.offset + view.size > v->buffer_bytes[view.buffer]) {
      return refuse(what, "a text lies outside its buffer", err);
    }
  }
  return C2_OK;
}

static int64_t offset_at(const c2_view *v, size_t row) {
  size_t at = v->offset + row;
  return v->storage == C2_STORED_TEXT32 ? ((const int32_t *)v->values)[at] : ((const int64_t *)v->values)[at];
}

static c2_status check_offsets(const c2_view *v, const char *what, c2_error *err) {
  for (size_t i = 0; i < v->rows; i++) {
    if (offset_at(v, i) < 0 || offset_at(v, i + 1) < offset_at(v, i)) {
      return refuse(what, "offsets of texts fall", err);
    }
  }
  if (v->rows > 0 && !v->bytes && offset_at(v, v->rows) > offset_at(v, 0)) {
    return refuse(what, "no bytes of texts", err);
  }
  return C2_OK;
}

/* Number of buffers that a storage has at least. */
static int64_t buffers_of(c2_storage storage) {
  switch (storage) {
    case C2_STORED_NOTHING: return 0;
    case C2_STORED_TEXT32:
    case C2_STORED_TEXT64:
    case C2_STORED_TEXT_VIEW: return 3;
    default: return 2;
  }
}

static c2_status check_shape(const struct ArrowArray *array, c2_storage storage, size_t first, size_t rows,
                             const char *what, c2_error *err) {
  size_t end = 0;
  if (!array || !array->release) return refuse(what, "it was released already", err);
  if (array->length < 0 || array->offset < 0 || array->n_buffers < 0) return refuse(what, "a negative size", err);
  if (!c2_add(first, rows, &end) || end > (uint64_t)array->length) return refuse(what, "it is too short", err);
  if (!c2_add(end, (size_t)array->offset, &end) || end > PTRDIFF_MAX / sizeof(text_view) - 1) {
    return refuse(what, "a size overflows", err);
  }
  int64_t buffers = buffers_of(storage);
  bool exact = storage != C2_STORED_TEXT_VIEW && storage != C2_STORED_NOTHING;
  if (array->n_buffers < buffers || (exact && array->n_buffers != buffers)) {
    return refuse(what, "a wrong number of buffers", err);
  }
  if (buffers > 0 && (!array->buffers || (rows > 0 && !array->buffers[1]))) return refuse(what, "no values", err);
  return C2_OK;
}

static size_t align_of(c2_storage storage) {
  switch (storage) {
    case C2_STORED_INT16:
    case C2_STORED_UINT16:
    case C2_STORED_FLOAT16: return 2;
    case C2_STORED_INT32:
    case C2_STORED_UINT32:
    case C2_STORED_FLOAT32:
    case C2_STORED_TEXT32: return 4;
    case C2_STORED_INT64:
    case C2_STORED_UINT64:
    case C2_STORED_FLOAT64:
    case C2_STORED_TEXT64: return 8;
    default: return 1;
  }
}

static c2_status open_view(c2_view *view, const struct ArrowArray *array, c2_storage storage, size_t first,
                           size_t rows, const char *what, c2_error *err) {
  *view = (c2_view){.storage = storage, .rows = rows};
  C2_TRY(check_shape(array, storage, first, rows, what, err));
  if (buffers_of(storage) == 0) return C2_OK;
  view->offset = (size_t)array->offset + first;
  view->validity = array->null_count == 0 ? NULL : array->buffers[0];
  view->values = array->buffers[1];
  if ((uintptr_t)view->values % align_of(storage) != 0) return refuse(what, "values are not aligned", err);
  if (storage == C2_STORED_TEXT_VIEW) {
    view->buffers = array->buffers + 2;
    view->buffer_count = (size_t)array->n_buffers - 3;
    view->buffer_bytes = array->buffers[array->n_buffers - 1];
    if (view->buffer_count > 0 && (!view->buffer_bytes || (uintptr_t)view->buffer_bytes % 8 != 0)) {
      return refuse(what, "sizes of buffers are missing", err);
    }
    return check_views(view, what, err);
  }
  if (!is_text(storage)) return C2_OK;
  view->bytes = array->buffers[2];
  return check_offsets(view, what, err);
}

c2_status c2_view_open(c2_view *view, const struct ArrowArray *array, const c2_field *field, size_t first, size_t rows,
                       const char *what, c2_error *err) {
  C2_TRY(open_view(view, array, field->storage, first, rows, what, err));
  view->divisor = field->divisor;
  return C2_OK;
}

c2_status c2_view_open_words(c2_view *view, const struct ArrowArray *array, const c2_field *field, const char *what,
                             c2_error *err) {
  return open_view(view, array->dictionary, field->words, 0, (size_t)array->dictionary->length, what, err);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static double half_as_double(uint16_t half) {
  int exponent = half >> 10 & 31;
  double fraction = half & 1023;
  double size = exponent == 31 ? (fraction > 0 ? (double)NAN : (double)INFINITY)
                : exponent == 0 ? ldexp(fraction, -24)
                                : ldexp(1024 + fraction, exponent - 25);
  return half >> 15 ? -size : size;
}

/* The nearest double of the whole number, then of the quotient. */
static double decimal_as_double(const c2_view *v, size_t at) {
  uint64_t word[2]; /* the lower one first */
  memcpy(word, (const char *)v->values + at * sizeof word, sizeof word);
  bool negative = word[1] >> 63;
  if (negative) {
    word[0] = ~word[0] + 1;
    word[1] = ~word[1] + (word[0] == 0);
  }
  double size = (ldexp((double)word[1], 64) + (double)word[0]) / v->divisor;
  return negative ? -size : size;
}

int64_t c2_view_integer(const c2_view *v, size_t row) {
  size_t at = v->offset + row;
  switch (v->storage) {
    case C2_STORED_INT8: return ((const int8_t *)v->values)[at];
    case C2_STORED_UINT8: return ((const uint8_t *)v->values)[at];
    case C2_STORED_INT16: return ((const int16_t *)v->values)[at];
    case C2_STORED_UINT16: return ((const uint16_t *)v->values)[at];
    case C2_STORED_INT32: return ((const int32_t *)v->values)[at];
    case C2_STORED_UINT32: return ((const uint32_t *)v->values)[at];
    case C2_STORED_INT64:
    case C2_STORED_UINT64: return ((const int64_t *)v->values)[at];
    default: return 0;
  }
}

double c2_view_number(const c2_view *v, size_t row) {
  size_t at = v->offset + row;
  if (!c2_view_has(v, row)) return (double)NAN;
  switch (v->storage) {
    case C2_STORED_FLOAT16: return half_as_double(((const uint16_t *)v->values)[at]);
    case C2_STORED_FLOAT32: return (double)((const float *)v->values)[at];
    case C2_STORED_FLOAT64: return ((const double *)v->values)[at];
    case C2_STORED_DECIMAL: return decimal_as_double(v, at);
    case C2_STORED_BOOL: return ((const uint8_t *)v->values)[at / 8] >> at % 8 & 1;
    case C2_STORED_UINT64: return (double)((const uint64_t *)v->values)[at];
    default: return (double)c2_view_integer(v, row);
  }
}

const char *c2_view_text(const c2_view *v, size_t row, size_t *size) {
  if (v->storage == C2_STORED_TEXT_VIEW) {
    text_view view = view_at(v, row);
    *size = (size_t)view.size;
    if (view.size <= 12) return (const char *)v->values + (v->offset + row) * sizeof view + sizeof view.size;
    return (const char *)v->buffers[view.buffer] + view.offset;
  }
  int64_t begin = offset_at(v, row);
  *size = (size_t)(offset_at(v, row + 1) - begin);
  return v->bytes ? v->bytes + begin : "";
}

size_t c2_view_index(const c2_view *v, size_t row) {
  uint64_t index = (uint64_t)c2_view_integer(v, row);
  return (size_t)index == index ? (size_t)index : SIZE_MAX; /* a negative one is beyond every dictionary, too */
}
