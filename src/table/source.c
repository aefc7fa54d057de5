/* Record batches of a long table, cut into items. Knows no frequency and no forecast. */
#include "table/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* ---- The stream ------------------------------------------------------------------------------ */

/* Reports what a call of the producer returned. */
static c2_status producer_failed(c2_source *s, int code, const char *what, c2_error *err) {
  const char *text = s->stream.get_last_error ? s->stream.get_last_error(&s->stream) : NULL;
  s->code = code;
  C2_FAIL(err, C2_ERR_IO, "%s: %s: %s", s->name, what, text && *text ? text : strerror(code));
}

static c2_status read_fields(c2_source *s, const struct ArrowSchema *schema, c2_error *err) {
  if (!schema->release || !schema->format || strcmp(schema->format, "+s") != 0) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: expected record batches, found the Arrow type '%.40s'", s->name,
            schema->release && schema->format ? schema->format : "");
  }
  if (schema->n_children < 0 || schema->n_children > 1 << 24 || (schema->n_children > 0 && !schema->children)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: the Arrow schema is damaged: %lld columns", s->name,
            (long long)schema->n_children);
  }
  C2_TRY(c2_alloc_array((size_t)schema->n_children, sizeof *s->field, &s->field, err));
  for (; s->fields < (size_t)schema->n_children; s->fields++) {
    c2_status status = c2_field_read(&s->field[s->fields], schema->children[s->fields], s->name, err);
    if (status == C2_OK) continue;
    c2_field_free(&s->field[s->fields]);
    return status;
  }
  return C2_OK;
}

c2_status c2_source_open(c2_source *s, const char *name, struct ArrowArrayStream *stream, c2_error *err) {
  struct ArrowSchema schema = {.release = NULL};
  *s = (c2_source){.name = name, .stream = *stream, .last_key = SIZE_MAX};
  stream->release = NULL;
  if (!s->stream.release) C2_FAIL(err, C2_ERR_ARGUMENT, "%s: expected a stream that wasn't released", name);
  if (!s->stream.get_schema || !s->stream.get_next) C2_FAIL(err, C2_ERR_ARGUMENT, "%s: the stream has no calls", name);
  int code = s->stream.get_schema(&s->stream, &schema);
  if (code != 0) return producer_failed(s, code, "its schema can't be read", err);
  c2_status status = read_fields(s, &schema, err);
  if (schema.release) schema.release(&schema);
  return status;
}

c2_status c2_source_find(const c2_source *s, const char *name, size_t *index, c2_error *err) {
  *index = SIZE_MAX;
  for (size_t i = 0; i < s->fields; i++) {
    if (strcmp(s->field[i].name, name) != 0) continue;
    if (*index != SIZE_MAX) C2_FAIL(err, C2_ERR_FORMAT, "%s: several columns are named '%.60s'", s->name, name);
    *index = i;
  }
  return C2_OK;
}

/* ---- Record batches -------------------------------------------------------------------------- */

static void leave_chunk(c2_chunk *chunk) {
  if (!chunk || --chunk->users > 0) return;
  for (size_t i = 0; chunk->cells && i < chunk->columns; i++) free(chunk->cells[i].code);
  free(chunk->cells);
  if (chunk->array.release) chunk->array.release(&chunk->array);
  free(chunk);
}

static c2_status check_index(const c2_source *s, size_t index, size_t words, const char *column, c2_error *err) {
  if (index < words) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': the Arrow array is damaged: an index beyond its dictionary", s->name,
          column);
}

/* Code of the text, the integer or the boolean in a row, and what stands for it where it has none. */
static c2_status put_word(c2_words *words, const c2_view *view, size_t row, uint32_t *code, c2_error *err) {
  static const char *const booleans[] = {"False", "True"};
  char digits[24];
  size_t size = 0;
  const char *text = digits;
  if (view->storage >= C2_STORED_TEXT32) {
    text = c2_view_text(view, row, &size);
  } else {
    if (view->storage == C2_STORED_BOOL) text = booleans[c2_view_number(view, row) != 0];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)c2_view_integer(view, row));
    size = strlen(text);
  }
  size_t key = words->is_fixed ? c2_keys_find(&words->keys, text, size) : 0;
  if (!words->is_fixed) C2_TRY(c2_keys_put(&words->keys, text, size, &key, err));
  if (key != SIZE_MAX && key >= C2_CODE_UNSEEN) C2_FAIL(err, C2_ERR_MEMORY, "too many categories");
  *code = key == SIZE_MAX ? C2_CODE_UNSEEN : (uint32_t)key;
  return C2_OK;
}

static c2_status encode_dictionary(const c2_source *s, const struct ArrowArray *array, const c2_field *field,
                                   c2_words *words, c2_chunk_cells *cells, c2_error *err) {
  c2_view view;
  uint32_t *code = NULL;
  c2_status status = C2_OK;
  if (!array->dictionary || array->dictionary->length < 0) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': the Arrow array has no dictionary", s->name, field->name);
  }
  size_t count = (size_t)array->dictionary->length;
  C2_TRY(c2_view_open_words(&view, array, field, field->name, err));
  C2_TRY(c2_alloc_array(count, sizeof *code, &code, err));
  for (size_t i = 0; i < count; i++) {
    code[i] = C2_CODE_MISSING;
    if (c2_view_has(&view, i)) C2_GOTO(put_word(words, &view, i, &code[i], err));
  }
  for (size_t i = 0; i < cells->values.rows; i++) {
    cells->code[i] = C2_CODE_MISSING;
    if (!c2_view_has(&cells->values, i)) continue;
    size_t index = c2_view_index(&cells->values, i);
    C2_GOTO(check_index(s, index, count, field->name, err));
    cells->code[i] = code[index];
  }
fail:
  free(code);
  return status;
}

static c2_status encode_cells(const c2_source *s, const struct ArrowArray *array, const c2_field *field,
                              c2_words *words, c2_chunk_cells *cells, c2_error *err) {
  const c2_view *view = &cells->values;
  C2_TRY(c2_alloc_array(view->rows, sizeof *cells->code, &cells->code, err));
  if (field->has_dictionary) return encode_dictionary(s, array, field, words, cells, err);
  bool is_word = view->storage == C2_STORED_BOOL || view->storage >= C2_STORED_TEXT32;
  for (size_t i = 0; i < view->rows; i++) {
    cells->code[i] = C2_CODE_MISSING;
    if (!c2_view_has(view, i)) continue;
    if (is_word) {
      C2_TRY(put_word(words, view, i, &cells->code[i], err));
      continue;
    }
    double number = c2_view_number(view, i);
    if (number != number) continue;
    char found[C2_FLOAT_ROOM];
    c2_double_text(found, number, C2_USUAL_DIGITS);
    C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': expected categories as in df, found the number %s", s->name,
            field->name, found);
  }
  return C2_OK;
}

/* Rows of a record batch are rows of the table: none may be null. */
static c2_status check_batch(const c2_source *s, const struct ArrowArray *array, c2_error *err) {
  if (array->length < 0 || array->offset < 0 || array->n_children < 0 || (size_t)array->n_children != s->fields ||
      (s->fields > 0 && !array->children)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: the Arrow array is damaged: expected %zu columns, found %lld", s->name, s->fields,
            (long long)array->n_children);
  }
  if (array->null_count == 0 || array->n_buffers < 1 || !array->buffers || !array->buffers[0]) return C2_OK;
  const unsigned char *valid = array->buffers[0];
  if (array->offset > PTRDIFF_MAX - array->length) C2_FAIL(err, C2_ERR_FORMAT, "%s: a size overflows", s->name);
  for (size_t i = (size_t)array->offset; i < (size_t)(array->offset + array->length); i++) {
    if (!(valid[i / 8] >> i % 8 & 1)) C2_FAIL(err, C2_ERR_FORMAT, "%s: a row is null as a whole", s->name);
  }
  return C2_OK;
}

static c2_status open_cells(c2_source *s, c2_chunk *chunk, c2_error *err) {
  const struct ArrowArray *array = &chunk->array;
  C2_TRY(check_batch(s, array, err));
  C2_TRY(c2_alloc_array(s->roles, sizeof *chunk->cells, &chunk->cells, err));
  chunk->columns = s->roles;
  chunk->rows = (size_t)array->length;
  for (size_t k = 0; k < s->roles; k++) {
    const c2_field *field = &s->field[s->role[k].place];
    const struct ArrowArray *child = array->children[s->role[k].place];
    c2_chunk_cells *cells = &chunk->cells[k];
    char what[128];
    (void)snprintf(what, sizeof what, "%s: column '%.60s'", s->name, field->name);
    C2_TRY(c2_view_open(&cells->values, child, field, (size_t)array->offset, chunk->rows, what, err));
    if (s->role[k].words) C2_TRY(encode_cells(s, child, field, s->role[k].words, cells, err));
  }
  return C2_OK;
}

/* ---- Items ----------------------------------------------------------------------------------- */

int64_t c2_key_integer(const char *bytes) {
  int64_t value = 0;
  memcpy(&value, bytes, sizeof value);
  return value;
}

void c2_source_id(const c2_source *s, size_t key, char out[C2_ID_ROOM]) {
  size_t size = 0;
  const char *bytes = c2_keys_get(s->ids, key, &size);
  const c2_field *field = &s->field[s->role[C2_ROLE_ID].place];
  if (c2_field_kind(field) == C2_KIND_TEXT) {
    size_t kept = c2_min_size(size, C2_ID_ROOM - 1);
    while (kept < size && kept > 0 && ((unsigned char)bytes[kept] & 0xc0) == 0x80) kept--; /* to a character's begin */
    memcpy(out, bytes, kept);
    out[kept] = '\0';
    return;
  }
  bool is_unsigned = (field->has_dictionary ? field->words : field->storage) == C2_STORED_UINT64;
  int64_t value = c2_key_integer(bytes);
  (void)snprintf(out, C2_ID_ROOM, is_unsigned ? "%llu" : "%lld", (unsigned long long)value);
}

/* Where the next id is read from: the views of a chunk's ids, and of their dictionary. */
typedef struct ids {
  const c2_view *values;
  c2_view words;
  bool has_dictionary, is_text;
} ids;

static c2_status open_ids(const c2_source *s, const c2_chunk *chunk, ids *out, c2_error *err) {
  size_t place = s->role[C2_ROLE_ID].place;
  const c2_field *field = &s->field[place];
  const struct ArrowArray *array = chunk->array.children[place];
  *out = (ids){.values = &chunk->cells[C2_ROLE_ID].values,
               .has_dictionary = field->has_dictionary,
               .is_text = c2_field_kind(field) == C2_KIND_TEXT};
  if (!field->has_dictionary) return C2_OK;
  if (!array->dictionary || array->dictionary->length < 0) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': the Arrow array has no dictionary", s->name, field->name);
  }
  return c2_view_open_words(&out->words, array, field, field->name, err);
}

/* Bytes of a row's id; an integer's are put into *number. */
static c2_status id_of(const c2_source *s, const ids *at, size_t row, const char **bytes, size_t *size, int64_t *number,
                       c2_error *err) {
  const char *column = s->field[s->role[C2_ROLE_ID].place].name;
  const c2_view *view = at->values;
  bool missing = !c2_view_has(view, row);
  if (!missing && at->has_dictionary) {
    row = c2_view_index(view, row);
    view = &at->words;
    C2_TRY(check_index(s, row, view->rows, column, err));
    missing = !c2_view_has(view, row);
  }
  if (missing) C2_FAIL(err, C2_ERR_FORMAT, "%s has a missing value in column '%.60s'", s->name, column);
  if (at->is_text) {
    *bytes = c2_view_text(view, row, size);
    return C2_OK;
  }
  *number = c2_view_integer(view, row);
  *bytes = (const char *)number;
  *size = sizeof *number;
  return C2_OK;
}

static c2_status come_again(const c2_source *s, size_t key, c2_error *err) {
  char id[C2_ID_ROOM];
  c2_source_id(s, key, id);
  C2_FAIL(err, C2_ERR_FORMAT,
          "%s: rows of item '%s' come again after another item's: expected them together, or the option to gather",
          s->name, id);
}

/* The item that a row of this id belongs to, which is a new one unless its rows may come apart. */
static c2_status find_item(c2_source *s, size_t key, c2_entry **out, c2_error *err) {
  size_t before = s->number_room;
  C2_TRY(c2_grow_array(&s->number, &s->number_room, s->ids->count, sizeof *s->number, err));
  memset(s->number + before, 0, (s->number_room - before) * sizeof *s->number);
  if (s->number[key] > 0 && !s->gathers) return come_again(s, key, err);
  if (s->number[key] == 0) {
    C2_TRY(c2_grow_array(&s->entry, &s->room, s->items + 1, sizeof *s->entry, err));
    s->entry[s->items++] = (c2_entry){.key = key};
    s->number[key] = c2_source_count(s);
  }
  *out = c2_source_entry(s, s->number[key] - 1);
  return C2_OK;
}

/* Gives rows [first, end) of a chunk to the item of that id. */
static c2_status add_run(c2_source *s, c2_chunk *chunk, size_t key, size_t first, size_t end, c2_error *err) {
  c2_entry *item = s->items > 0 ? &s->entry[s->items - 1] : NULL;
  if (!item || item->key != key) C2_TRY(find_item(s, key, &item, err));
  C2_TRY(c2_grow_array(&item->run, &item->capacity, item->runs + 1, sizeof *item->run, err));
  item->run[item->runs++] = (c2_run){chunk, first, end - first};
  item->rows += end - first;
  chunk->users++;
  return C2_OK;
}

/* A past and its future that are rows of one table come together. */
static c2_status check_together(c2_source *s, size_t key, c2_error *err) {
  bool again = s->ahead && !s->gathers && key != s->last_key && (c2_source_has(s, key) || c2_source_has(s->ahead, key));
  s->last_key = key;
  return again ? come_again(s, key, err) : C2_OK;
}

/* The source that a row belongs to. */
static c2_status owner_of(c2_source *s, const c2_chunk *chunk, size_t row, c2_source **out, c2_error *err) {
  *out = s;
  if (!s->ahead) return C2_OK;
  const c2_view *flags = &chunk->cells[s->ahead_role].values;
  if (!c2_view_has(flags, row)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s has a missing value in column '%.60s'", s->name,
            s->field[s->role[s->ahead_role].place].name);
  }
  if (c2_view_number(flags, row) != 0) *out = s->ahead;
  return C2_OK;
}

static c2_status cut_items(c2_source *s, c2_chunk *chunk, c2_error *err) {
  const char *bytes[2] = {NULL, NULL}; /* of this row's id, and of that before */
  size_t size[2] = {0, 0};
  int64_t number[2] = {0, 0};
  c2_source *owner[2] = {s, s};
  size_t key = 0;
  ids at;
  C2_TRY(open_ids(s, chunk, &at, err));
  for (size_t i = 0, first = 0; i < chunk->rows; i++) {
    size_t now = i % 2;
    C2_TRY(id_of(s, &at, i, &bytes[now], &size[now], &number[now], err));
    C2_TRY(owner_of(s, chunk, i, &owner[now], err));
    bool same = i > 0 && size[0] == size[1] && (bytes[0] == bytes[1] || memcmp(bytes[0], bytes[1], size[0]) == 0);
    if (i > 0 && (!same || owner[0] != owner[1])) {
      C2_TRY(add_run(owner[!now], chunk, key, first, i, err));
      first = i;
    }
    if (!same) {
      C2_TRY(c2_keys_put(s->ids, bytes[now], size[now], &key, err));
      C2_TRY(check_together(s, key, err));
    }
    if (i + 1 == chunk->rows) C2_TRY(add_run(owner[now], chunk, key, first, chunk->rows, err));
  }
  return C2_OK;
}

c2_status c2_source_read(c2_source *s, c2_error *err) {
  c2_chunk *chunk = NULL;
  if (s->has_ended) return C2_OK;
  C2_TRY(c2_alloc_array(1, sizeof *chunk, &chunk, err));
  chunk->users = 1;
  int code = s->stream.get_next(&s->stream, &chunk->array);
  c2_status status = C2_OK;
  if (code != 0) {
    chunk->array.release = NULL;
    C2_GOTO(producer_failed(s, code, "reading it failed", err));
  }
  s->has_ended = chunk->array.release == NULL;
  if (s->ahead) s->ahead->has_ended = s->has_ended;
  if (s->has_ended) goto fail;
  C2_GOTO(open_cells(s, chunk, err));
  C2_GOTO(cut_items(s, chunk, err));
fail:
  leave_chunk(chunk);
  return status;
}

size_t c2_source_complete(const c2_source *s) {
  if (s->has_ended) return c2_source_count(s);
  return s->gathers || s->items == 0 ? s->taken : c2_source_count(s) - 1;
}

static void free_item(c2_entry *item) {
  for (size_t i = 0; i < item->runs; i++) leave_chunk(item->run[i].chunk);
  free(item->run);
  free(item->fault);
  item->run = NULL;
  item->fault = NULL;
  item->runs = item->rows = item->capacity = 0;
}

void c2_source_drop(c2_source *s, size_t index) {
  free_item(c2_source_entry(s, index));
  while (s->gone < s->items && s->entry[s->gone].runs == 0) s->gone++;
  if (s->gone < s->items / 2 + 1) return; /* moved seldom */
  memmove(s->entry, s->entry + s->gone, (s->items - s->gone) * sizeof *s->entry);
  s->items -= s->gone;
  s->taken += s->gone;
  s->gone = 0;
}

void c2_source_close(c2_source *s) {
  for (size_t i = 0; i < s->items; i++) free_item(&s->entry[i]);
  free(s->entry);
  free(s->number);
  for (size_t i = 0; !s->is_part && i < s->fields; i++) c2_field_free(&s->field[i]);
  if (!s->is_part) free(s->field);
  if (!s->is_part) free(s->role);
  if (s->stream.release) s->stream.release(&s->stream);
  memset(s, 0, sizeof *s);
}
