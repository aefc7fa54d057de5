/* What the allocation-failure sweep runs of chronos2_predict_stream: two items with categories and known futures, whose
 * rows come apart, in a time zone, from a producer that allocates nothing. The forecasts go to standard output. Under
 * `errors` one item lacks its future, another its past, a third has an infinite value, and errors have a column.
 *
 *   alloc_stream MODEL [errors] */
#include <chronos2.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 48, ITEMS = 3, HORIZON = 2, COLUMNS = 5, KNOWN = 4 };

typedef struct table {
  int64_t rows, columns;
  bool given;
  char ids[ROWS];
  int32_t id_at[ROWS + 1];
  int64_t stamp[ROWS];
  float target[ROWS];
  int8_t x[ROWS];
  int32_t kind[ROWS];
  struct ArrowSchema field[COLUMNS], words, *fields[COLUMNS];
  struct ArrowArray column[COLUMNS], dictionary, *arrays[COLUMNS];
  const void *buffers[COLUMNS][3], *word_buffers[3], *none[1];
} table;

static const int32_t word_at[] = {0, 3, 5};

static void release_schema(struct ArrowSchema *s) {
  s->release = NULL;
}

static void release_array(struct ArrowArray *a) {
  a->release = NULL;
}

static void release_stream(struct ArrowArrayStream *s) {
  s->release = NULL;
}

static const char *last_error(struct ArrowArrayStream *s) {
  (void)s;
  return NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
  static const char *const names[COLUMNS] = {"item_id", "timestamp", "x", "kind", "target"};
  static const char *const formats[COLUMNS] = {"u", "tss:Europe/Berlin", "c", "i", "f"};
  table *t = stream->private_data;
  for (int64_t i = 0; i < t->columns; i++) {
    t->field[i] = (struct ArrowSchema){.name = names[i], .format = formats[i], .release = release_schema};
    t->fields[i] = &t->field[i];
  }
  t->words = (struct ArrowSchema){.format = "u", .release = release_schema};
  t->field[3].dictionary = &t->words;
  *out = (struct ArrowSchema){
      .format = "+s", .n_children = t->columns, .children = t->fields, .release = release_schema};
  return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
  table *t = stream->private_data;
  *out = (struct ArrowArray){.length = 0};
  if (t->given) return 0;
  t->given = true;
  const void *values[COLUMNS] = {t->id_at, t->stamp, t->x, t->kind, t->target};
  for (int64_t i = 0; i < t->columns; i++) {
    t->buffers[i][1] = values[i];
    t->column[i] = (struct ArrowArray){
        .length = t->rows, .n_buffers = i ? 2 : 3, .buffers = t->buffers[i], .release = release_array};
    t->arrays[i] = &t->column[i];
  }
  t->buffers[0][2] = t->ids;
  t->word_buffers[1] = word_at;
  t->word_buffers[2] = "yesno";
  t->dictionary = (struct ArrowArray){
      .length = 2, .n_buffers = 3, .buffers = t->word_buffers, .release = release_array};
  t->column[3].dictionary = &t->dictionary;
  *out = (struct ArrowArray){.length = t->rows,
                             .n_buffers = 1,
                             .buffers = t->none,
                             .n_children = t->columns,
                             .children = t->arrays,
                             .release = release_array};
  return 0;
}

/* Items take turns, a row each. */
static void fill(table *t, int64_t rows, int64_t columns, int64_t begin) {
  t->rows = rows;
  t->columns = columns;
  for (int32_t i = 0; i < (int32_t)rows; i++) {
    t->ids[i] = (char)('a' + i % ITEMS);
    t->id_at[i + 1] = i + 1;
    t->stamp[i] = (begin + i / ITEMS) * 3600;
    t->target[i] = (float)(i % 5 + i % 3);
    t->x[i] = (int8_t)(i % 4);
    t->kind[i] = i % 3 == 0;
  }
}

static int print(struct ArrowArrayStream *out, bool has_errors) {
  struct ArrowArray rows;
  for (;;) {
    int code = out->get_next(out, &rows);
    if (code != 0 || !rows.release) return code;
    for (int64_t i = 0; i < rows.length; i++) {
      printf("%lld %.9g\n", (long long)((const int64_t *)rows.children[1]->buffers[1])[i],
             (double)((const float *)rows.children[3]->buffers[1])[i]);
    }
    if (has_errors) {
      const struct ArrowArray *errors = rows.children[rows.n_children - 1];
      printf("%.*s\n", (int)((const int32_t *)errors->buffers[1])[errors->length], (const char *)errors->buffers[2]);
    }
    rows.release(&rows);
  }
}

int main(int argc, char **argv) {
  static table past, future;
  struct ArrowArrayStream out = {.release = NULL};
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_session_options plain = {CHRONOS2_SESSION_OPTIONS_INIT, .threads = 1};
  chronos2_predict_options predict = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  chronos2_stream_options options = {CHRONOS2_STREAM_OPTIONS_INIT, .predict = &predict, .gather = true};
  fill(&past, ROWS, COLUMNS, 474000);
  fill(&future, ITEMS * HORIZON, KNOWN, 474000 + ROWS / ITEMS);
  if (argc > 2) {
    options.error_column = options.independent = true;
    past.target[ROWS - 1] = INFINITY;
    for (size_t i = 1; i < (size_t)ITEMS * HORIZON; i += ITEMS) future.ids[i] = 'd';
  }
  struct ArrowArrayStream df = {get_schema, get_next, last_error, release_stream, &past};
  struct ArrowArrayStream known = {get_schema, get_next, last_error, release_stream, &future};
  const char *error = NULL;
  if (argc < 2 || chronos2_model_open(argv[1], NULL, &model) || chronos2_session_open(model, &plain, &session) ||
      chronos2_predict_stream(session, &df, &known, &options, &out)) {
    error = chronos2_last_error();
  } else if (print(&out, options.error_column) != 0) {
    error = out.get_last_error(&out);
  }
  if (error) (void)fprintf(stderr, "chronos2: error: %s\n", error);
  if (out.release) out.release(&out);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return error ? 1 : 0;
}
