/* The reader of Arrow's files and streams. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "data/fetched.h"
#include "data/ipc.h"
#include "table/arrow.h"

struct c2_arrow_table {
  struct ArrowArrayStream stream;
  c2_field *field;   /* [columns] */
  const char **name; /* [columns] */
  size_t columns;
  c2_header header;
  c2_pool pool; /* words */
};

static bool sniff(const c2_input *input) {
  static const char *const ends[] = {".arrow", ".arrows", ".feather", ".ipc"};
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    if (c2_text_ends(input->path, ends[i])) return true;
  }
  return c2_ipc_recognised(input->text, input->size);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static c2_status fail_stream(const c2_input *input, int code, c2_error *err) {
  struct ArrowArrayStream *stream = &input->arrow->stream;
  const char *why = stream->get_last_error(stream);
  return c2_remedy(
      err, code == EFBIG ? C2_BOUNDS : NULL,
      c2_fail(err, c2_ipc_status(code), "%s: Arrow: %s", input->name, why && *why ? why : strerror(code)));
}

static c2_status read_names(c2_input *input, const struct ArrowSchema *schema, c2_error *err) {
  struct c2_arrow_table *a = input->arrow;
  size_t columns = (size_t)schema->n_children;
  C2_TRY(c2_alloc_array(columns, sizeof *a->field, &a->field, err));
  C2_TRY(c2_alloc_array(columns, sizeof *a->name, &a->name, err));
  while (a->columns < columns) {
    size_t i = a->columns++;
    C2_TRY(c2_field_read(&a->field[i], schema->children[i], input->name, err));
    const char *name = a->name[i] = a->field[i].name;
    const char *fault = c2_text_fault(name, strlen(name));
    if (fault) C2_FAIL(err, C2_ERR_FORMAT, "%s: column %zu: %s in its name", input->name, i + 1, fault);
    if (!*name) C2_FAIL(err, C2_ERR_FORMAT, "%s: column %zu: it has no name", input->name, i + 1);
  }
  a->header.file = input->name;
  C2_TRY(c2_header_fill(&a->header, a->name, columns, err));
  input->header = &a->header;
  return C2_OK;
}

static c2_status open_bytes(c2_input *input, c2_error *err) {
  const c2_ipc_options options = {.is_bounded = input->is_strange, .most_values = input->bounds.values};
  c2_error why;
  struct ArrowSchema schema = {.release = NULL};
  C2_TRY(c2_alloc_array(1, sizeof *input->arrow, &input->arrow, err));
  struct ArrowArrayStream *stream = &input->arrow->stream;
  if (c2_ipc_open(stream, input->text, input->size, &options, &why) != C2_OK) {
    C2_FAIL(err, why.code, "%s: %s", input->name, why.text);
  }
  int code = stream->get_schema(stream, &schema);
  if (code != 0) return fail_stream(input, code, err);
  c2_status status = read_names(input, &schema, err);
  schema.release(&schema);
  return status;
}

static void close_table(c2_input *input) {
  struct c2_arrow_table *a = input->arrow;
  if (!a) return;
  for (size_t i = 0; i < a->columns; i++) c2_field_free(&a->field[i]);
  if (a->stream.release) a->stream.release(&a->stream);
  c2_header_free(&a->header);
  c2_pool_free(&a->pool);
  free(a->field);
  free(a->name);
  free(a);
  input->arrow = NULL;
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* How a column is fetched. */
static c2_status choose(const c2_input *input, c2_fetched *f, const c2_field *field, c2_error *err) {
  static const char *const expected[C2_WANT_MIXED + 1] = {[C2_WANT_TIME] = "time stamps or whole numbers",
                                                          [C2_WANT_NUMBER] = "numbers",
                                                          [C2_WANT_ANY] = "numbers, booleans or texts"};
  char type[C2_TYPE_ROOM];
  c2_kind kind = c2_field_kind(field);
  bool is_number = kind == C2_KIND_INTEGER || kind == C2_KIND_FLOAT || kind == C2_KIND_NOTHING;
  bool is_name = kind == C2_KIND_TEXT || kind == C2_KIND_INTEGER || kind == C2_KIND_INTEGER_WORD;
  bool serves = false;
  switch (f->type) {
    case C2_WANT_TIME:
      f->is_whole = kind == C2_KIND_INTEGER && !f->has_format;
      f->is_text = kind == C2_KIND_TEXT || kind == C2_KIND_NOTHING || (kind == C2_KIND_INTEGER && f->has_format);
      f->is_zoned = kind == C2_KIND_TIME && field->zone[0] != '\0';
      serves = kind == C2_KIND_TIME || kind == C2_KIND_INTEGER || f->is_text;
      break;
    case C2_WANT_NUMBER: serves = is_number || kind == C2_KIND_BOOL; break;
    default:
      f->is_text = f->type != C2_WANT_ANY || !is_number;
      serves = !f->is_text || is_name || kind == C2_KIND_BOOL || kind == C2_KIND_NOTHING;
  }
  if (serves) return C2_OK;
  c2_field_type(field, type);
  C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': expected %s, found %s", input->name, f->name,
          expected[f->type] ? expected[f->type] : "whole numbers, booleans or texts", type);
}

/* Whether int64 holds what a column of whole numbers may hold. */
static bool are_whole(const c2_field *field) {
  c2_storage storage = field->has_dictionary ? field->words : field->storage;
  c2_kind kind = c2_field_kind(field);
  return (kind == C2_KIND_INTEGER || kind == C2_KIND_INTEGER_WORD) && storage != C2_STORED_UINT64;
}

/* A column of one record batch. */
typedef struct cells {
  const c2_field *field;
  c2_view view, words; /* words: where there is a dictionary */
} cells;

static c2_status open_cells(cells *c, const c2_input *input, const struct ArrowArray *array, size_t rows,
                            c2_error *err) {
  char what[400];
  (void)snprintf(what, sizeof what, "%.300s: column '%.60s'", input->name, c->field->name);
  C2_TRY(c2_view_open(&c->view, array, c->field, 0, rows, what, err));
  if (!c->field->has_dictionary) return C2_OK;
  if (!array->dictionary) C2_FAIL(err, C2_ERR_FORMAT, "%s: its dictionary is missing", what);
  size_t words = (size_t)array->dictionary->length;
  C2_TRY(c2_view_open_words(&c->words, array, c->field, what, err));
  for (size_t i = 0; i < rows; i++) {
    if (c2_view_has(&c->view, i) && c2_view_index(&c->view, i) >= words) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: row %zu has an index beyond its dictionary", what, i + 1);
    }
  }
  return C2_OK;
}

/* The text in a row, or NULL. Integers and booleans are written into the room. */
static const char *text_of(const cells *c, size_t row, char room[24], size_t *size) {
  const c2_view *v = &c->view;
  if (!c2_view_has(v, row)) return NULL;
  if (c->field->has_dictionary) {
    row = c2_view_index(v, row);
    v = &c->words;
    if (!c2_view_has(v, row)) return NULL;
  }
  if (v->storage >= C2_STORED_TEXT32 && v->storage <= C2_STORED_TEXT_VIEW) return c2_view_text(v, row, size);
  int64_t value = c2_view_integer(v, row);
  int n = v->storage == C2_STORED_BOOL     ? snprintf(room, 24, c2_view_number(v, row) > 0 ? "true" : "false")
          : v->storage == C2_STORED_UINT64 ? snprintf(room, 24, "%llu", (unsigned long long)value)
                                           : snprintf(room, 24, "%lld", (long long)value);
  *size = (size_t)n;
  return room;
}

/* The time in a row in microseconds, or the whole number; false where it is missing or outside of all calendars. */
static bool time_of(const cells *c, size_t row, int64_t *out, bool *is_exact) {
  *is_exact = true;
  *out = 0;
  if (!c2_view_has(&c->view, row)) return false;
  int64_t value = c2_view_integer(&c->view, row);
  switch (c->field->unit) {
    case 's': return !__builtin_mul_overflow(value, INT64_C(1000000), out);
    case 'm':
    case 'd': return !__builtin_mul_overflow(value, INT64_C(1000), out);
    case 'D': return !__builtin_mul_overflow(value, INT64_C(86400000000), out);
    case 'n':
      *is_exact = value % 1000 == 0;
      *out = value / 1000;
      return true;
    default: *out = value; return c->view.storage != C2_STORED_UINT64 || value >= 0;
  }
}

static c2_status take_cells(c2_fetched *f, c2_input *input, const cells *c, size_t before, c2_error *err) {
  char room[24];
  int64_t time = 0;
  bool is_exact = true;
  for (size_t i = 0; i < c->view.rows; i++) {
    size_t size = 0;
    if (f->is_text) {
      const char *text = text_of(c, i, room, &size);
      C2_TRY(c2_fetched_put_text(f, input, before + i, text, size, err));
    } else if (f->type == C2_WANT_TIME) {
      bool is_there = time_of(c, i, &time, &is_exact);
      C2_TRY(c2_fetched_put_time(f, input, before + i, is_there, time, err));
      if (!is_exact) return c2_fetched_refuse_part(f, input, before + i, err);
    } else {
      C2_TRY(c2_fetched_put_number(f, input, before + i, c2_view_number(&c->view, i), err));
    }
  }
  return C2_OK;
}

static c2_status take_batch(c2_fetched *f, const c2_want *want, size_t wants, c2_input *input,
                            const struct ArrowArray *batch, size_t before, c2_error *err) {
  const struct c2_arrow_table *a = input->arrow;
  for (size_t k = 0; k < wants; k++) {
    cells c = {.field = &a->field[want[k].column]};
    C2_TRY(open_cells(&c, input, batch->children[want[k].column], (size_t)batch->length, err));
    C2_TRY(take_cells(&f[k], input, &c, before, err));
  }
  return C2_OK;
}

static c2_status take_batches(c2_fetched *f, const c2_want *want, size_t wants, c2_input *input, size_t *rows,
                              c2_error *err) {
  struct ArrowArrayStream *stream = &input->arrow->stream;
  size_t room = 0;
  size_t need = 0;
  for (;;) {
    struct ArrowArray batch = {.release = NULL};
    int code = stream->get_next(stream, &batch);
    if (code != 0) return fail_stream(input, code, err);
    if (!batch.release) return C2_OK;
    c2_status status = C2_OK;
    if (!c2_add(*rows, (size_t)batch.length, &need)) {
      status = c2_fail(err, C2_ERR_MEMORY, "%s: too many rows", input->name);
    }
    if (status == C2_OK) status = c2_fetched_grow(f, wants, &room, need, err);
    if (status == C2_OK) status = take_batch(f, want, wants, input, &batch, *rows, err);
    *rows = need;
    batch.release(&batch);
    C2_TRY(status);
  }
}

static c2_status read_typed(c2_input *input, const c2_want *want, size_t wants, c2_frame *frame, c2_error *err) {
  struct c2_arrow_table *a = input->arrow;
  c2_fetched *f = NULL;
  size_t rows = 0;
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(wants, sizeof *f, &f, err));
  for (size_t k = 0; k < wants; k++) {
    f[k] = (c2_fetched){
        .name = a->name[want[k].column], .type = want[k].type, .what = want[k].what, .pool = &a->pool};
    f[k].has_format = input->dialect.time_format[0] != '\0';
    const c2_field *field = &a->field[want[k].column];
    C2_GOTO(choose(input, &f[k], field, err));
    if (f[k].type == C2_WANT_TIME) input->dialect.has_time_texts = f[k].is_text;
    if (f[k].type == C2_WANT_NAME) input->dialect.has_whole_ids = are_whole(field);
    if (!f[k].is_zoned) continue;
    input->dialect.is_instant = true;
    (void)snprintf(input->dialect.zone_name, sizeof input->dialect.zone_name, "%s", field->zone);
  }
  C2_GOTO(take_batches(f, want, wants, input, &rows, err));
  if (rows == 0) C2_GOTO(c2_fail(err, C2_ERR_FORMAT, "%s: no rows", input->name));
  status = c2_fetched_finish(f, wants, rows, frame, err);
fail:
  c2_fetched_free(f, wants);
  return status;
}

const c2_reader c2_arrow_reader = {"Arrow", sniff, open_bytes, read_typed, NULL, close_table, NULL};
