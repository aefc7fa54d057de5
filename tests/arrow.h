/* Arrow streams that a test writes down: record batches of columns whose buffers are the test's own arrays. */
#ifndef C2_TESTS_ARROW_H
#define C2_TESTS_ARROW_H

#include <chronos2.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOCK_COLUMNS = 8, MOCK_BUFFERS = 4 };

typedef struct mock_column {
  const char *name, *format;
  int64_t length, offset, null_count, n_buffers; /* n_buffers 0: as the format has it */
  const void *buffers[MOCK_BUFFERS];
  const struct mock_column *dictionary;
  bool is_missing; /* the child's pointer is NULL */
} mock_column;

typedef struct mock_batch {
  int64_t rows, offset, null_count;
  const uint8_t *validity;
  size_t columns;
  int64_t n_children; /* 0: as many as there are columns */
  mock_column column[MOCK_COLUMNS];
} mock_batch;

typedef struct mock_table {
  const char *format; /* of the rows; NULL: "+s" */
  size_t batches;
  const mock_batch *batch; /* [batches] of the same columns */
  int schema_code;         /* what get_schema returns */
  size_t fails_at;         /* the batch at which get_next fails, from 1 on; 0: never */
  const char *error;
  size_t next;
  int live; /* schemas, arrays and streams that nobody has released */
} mock_table;

static mock_table *mock_of(void *private_data) {
  return private_data;
}

static void mock_release_schema(struct ArrowSchema *s) {
  mock_of(s->private_data)->live--;
  for (int64_t i = 0; i < s->n_children; i++) {
    if (s->children[i] && s->children[i]->release) s->children[i]->release(s->children[i]);
    free(s->children[i]);
  }
  if (s->dictionary && s->dictionary->release) s->dictionary->release(s->dictionary);
  free(s->dictionary);
  free(s->children);
  s->release = NULL;
}

static struct ArrowSchema mock_schema(mock_table *table, const char *format, const char *name) {
  table->live++;
  return (struct ArrowSchema){
      .format = format, .name = name, .release = mock_release_schema, .private_data = table};
}

static int mock_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
  mock_table *table = mock_of(stream->private_data);
  if (table->schema_code) return table->schema_code;
  *out = mock_schema(table, table->format ? table->format : "+s", "");
  out->n_children = (int64_t)table->batch[0].columns;
  out->children = calloc(table->batch[0].columns + 1, sizeof(struct ArrowSchema *));
  for (size_t i = 0; i < table->batch[0].columns; i++) {
    const mock_column *c = &table->batch[0].column[i];
    out->children[i] = malloc(sizeof(struct ArrowSchema));
    *out->children[i] = mock_schema(table, c->format, c->name);
    if (!c->dictionary) continue;
    out->children[i]->dictionary = malloc(sizeof(struct ArrowSchema));
    *out->children[i]->dictionary = mock_schema(table, c->dictionary->format, NULL);
  }
  return 0;
}

static void mock_release_array(struct ArrowArray *a) {
  mock_of(a->private_data)->live--;
  for (int64_t i = 0; a->children && a->children[i]; i++) {
    if (a->children[i]->release) a->children[i]->release(a->children[i]);
    free(a->children[i]);
  }
  if (a->dictionary && a->dictionary->release) a->dictionary->release(a->dictionary);
  free(a->dictionary);
  free(a->children);
  free((void *)a->buffers);
  a->release = NULL;
}

static void mock_array(mock_table *table, const mock_column *c, struct ArrowArray *out) {
  table->live++;
  bool text = strchr("uU", c->format[0]) && !c->dictionary;
  *out = (struct ArrowArray){.length = c->length,
                             .offset = c->offset,
                             .null_count = c->null_count,
                             .n_buffers = c->n_buffers ? c->n_buffers : c->format[0] == 'n' ? 0 : text ? 3 : 2,
                             .buffers = calloc(MOCK_BUFFERS, sizeof(void *)),
                             .release = mock_release_array,
                             .private_data = table};
  memcpy(out->buffers, c->buffers, sizeof c->buffers);
  if (!c->dictionary) return;
  out->dictionary = malloc(sizeof(struct ArrowArray));
  mock_array(table, c->dictionary, out->dictionary);
}

static int mock_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
  mock_table *table = mock_of(stream->private_data);
  out->release = NULL;
  if (table->fails_at > 0 && table->next + 1 >= table->fails_at) return EHOSTDOWN;
  if (table->next == table->batches) return 0;
  const mock_batch *b = &table->batch[table->next++];
  table->live++;
  *out = (struct ArrowArray){.length = b->rows,
                             .offset = b->offset,
                             .null_count = b->null_count,
                             .n_buffers = 1,
                             .n_children = b->n_children ? b->n_children : (int64_t)b->columns,
                             .buffers = calloc(1, sizeof(void *)),
                             .children = calloc(b->columns + 1, sizeof(struct ArrowArray *)),
                             .release = mock_release_array,
                             .private_data = table};
  out->buffers[0] = b->validity;
  for (size_t i = 0; i < b->columns && !b->column[i].is_missing; i++) {
    out->children[i] = malloc(sizeof(struct ArrowArray));
    mock_array(table, &b->column[i], out->children[i]);
  }
  return 0;
}

static const char *mock_get_last_error(struct ArrowArrayStream *stream) {
  return mock_of(stream->private_data)->error;
}

static void mock_release_stream(struct ArrowArrayStream *stream) {
  mock_of(stream->private_data)->live--;
  stream->release = NULL;
}

static struct ArrowArrayStream mock_stream(mock_table *table) {
  table->live++;
  table->next = 0;
  return (struct ArrowArrayStream){mock_get_schema, mock_get_next, mock_get_last_error, mock_release_stream, table};
}

#endif
