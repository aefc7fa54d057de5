/* chronos2_predict_stream on two tables that the bytes describe: columns of any name and type, record batches whose
 * sizes may lie as far as that can be found out, and buffers that end where they must. Every array is released once;
 * what comes out is as the schema says, and finite or null. */
#include <errno.h>
#include <math.h>

#include "fuzz.h"

enum { COLUMNS = 6, ROWS = 24, TEXT_BYTES = 64, HORIZON = 3 };

static int live; /* streams, schemas and arrays that nobody has released */

typedef struct table {
  fuzz_reader *r;
  size_t columns, batches;
  const char *name[COLUMNS], *format[COLUMNS];
  bool has_dictionary[COLUMNS];
  bool fails;
} table;

/* ---- Releases ---------------------------------------------------------------------------------- */

static void release_schema(struct ArrowSchema *s) {
  fuzz_require(s->release != NULL, "a schema is released once");
  live--;
  for (int64_t i = 0; s->children && s->children[i]; i++) {
    if (s->children[i]->release) s->children[i]->release(s->children[i]);
    free(s->children[i]);
  }
  if (s->dictionary && s->dictionary->release) s->dictionary->release(s->dictionary);
  free(s->dictionary);
  free(s->children);
  s->release = NULL;
}

static void release_array(struct ArrowArray *a) {
  fuzz_require(a->release != NULL, "an array is released once");
  live--;
  for (int64_t i = 0; a->children && a->children[i]; i++) {
    if (a->children[i]->release) a->children[i]->release(a->children[i]);
    free(a->children[i]);
  }
  if (a->dictionary && a->dictionary->release) a->dictionary->release(a->dictionary);
  free(a->dictionary);
  free(a->children);
  for (size_t i = 0; i < 4; i++) free((void *)(uintptr_t)((const void **)a->private_data)[i]);
  free(a->private_data);
  a->release = NULL;
}

static void release_stream(struct ArrowArrayStream *s) {
  live--;
  s->release = NULL;
}

/* ---- Columns ----------------------------------------------------------------------------------- */

static size_t width_of(const char *format) {
  if (strcmp(format, "tdD") == 0) return 4;
  if (strncmp(format, "ts", 2) == 0 || strncmp(format, "td", 2) == 0) return 8;
  if (strcmp(format, "vu") == 0) return 16;
  return strchr("cC", *format) ? 1 : strchr("sSe", *format) ? 2 : strchr("iIf", *format) ? 4 : 8;
}

/* Times are mostly even steps, so that there is a frequency. */
static void fill_times(fuzz_reader *r, unsigned char *to, size_t count, size_t width) {
  int64_t step = (int64_t)fuzz_byte(r) + 1;
  int64_t at = (int64_t)fuzz_byte(r) - 128;
  uint8_t noise = fuzz_byte(r);
  for (size_t i = 0; i < count; i++) {
    int64_t stamp = (at + (int64_t)i + (i % 7 == 3 ? noise % 3 : 0)) * step;
    if (noise % 16 == 1) stamp = (int64_t)fuzz_word(r, 8);
    int32_t narrow = (int32_t)stamp;
    memcpy(to + i * width, width == 4 ? (void *)&narrow : (void *)&stamp, width);
  }
}

static void fill_offsets(fuzz_reader *r, unsigned char *to, size_t count, size_t width) {
  int64_t at = 0;
  for (size_t i = 0; i < count; i++) {
    uint8_t b = fuzz_byte(r);
    if (i > 0) at = b == 255 ? -1 : at + b % 4;
    if (at > TEXT_BYTES) at = TEXT_BYTES;
    int32_t narrow = (int32_t)at;
    memcpy(to + i * width, width == 4 ? (void *)&narrow : (void *)&at, width);
  }
}

static void fill_bytes(fuzz_reader *r, unsigned char *to, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) to[i] = fuzz_byte(r);
}

static void fill_views(fuzz_reader *r, unsigned char *to, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int32_t view[4] = {(int32_t)(fuzz_byte(r) % 20) - (fuzz_byte(r) == 9), 0, (int32_t)(fuzz_byte(r) % 64 == 63),
                       (int32_t)(fuzz_byte(r) % 60)};
    memcpy(to + 16 * i, view, sizeof view);
  }
}

/* Buffers of exactly `count` values. */
static void fill_buffers(fuzz_reader *r, const char *format, size_t count, const void **buffer, int64_t *buffers) {
  size_t width = width_of(format);
  bool texts = strcmp(format, "u") == 0 || strcmp(format, "U") == 0;
  bool bits = strcmp(format, "b") == 0;
  bool views = strcmp(format, "vu") == 0;
  if (strcmp(format, "u") == 0) width = 4;
  size_t bytes = bits ? (count + 7) / 8 : (count + texts) * width;
  unsigned char *values = malloc(bytes + !bytes);
  *buffers = texts ? 3 : views ? 4 : *format == 'n' ? 0 : 2;
  if (fuzz_byte(r) % 16 == 15) buffer[0] = memset(malloc(count / 8 + 1), 0xf5, count / 8 + 1);
  buffer[1] = values;
  if (texts || views) buffer[2] = memset(malloc(TEXT_BYTES), 'a', TEXT_BYTES);
  if (texts) {
    fill_offsets(r, values, count + 1, width);
  } else if (views) {
    fill_views(r, values, count);
    int64_t *size = malloc(sizeof *size);
    *size = TEXT_BYTES;
    buffer[3] = size;
  } else if (*format == 't') {
    fill_times(r, values, count, width);
  } else if (strchr("gf", *format)) {
    for (size_t i = 0; i < count; i++) {
      double value = (double)fuzz_byte(r) - 100;
      float narrow = (float)value;
      memcpy(values + i * width, width == 4 ? (void *)&narrow : (void *)&value, width);
    }
  } else {
    memset(values, 0, bytes + !bytes);
    for (size_t i = 0; i < count && !bits; i++) values[i * width] = fuzz_byte(r) % 5;
    if (bits) fill_bytes(r, values, bytes);
  }
}

static void make_array(fuzz_reader *r, struct ArrowArray *out, const char *format, size_t rows, bool has_dictionary) {
  size_t offset = fuzz_byte(r) % 4;
  uint8_t lie = fuzz_byte(r);
  const void **buffer = calloc(4, sizeof *buffer);
  live++;
  *out = (struct ArrowArray){.length = (int64_t)rows,
                             .offset = (int64_t)offset,
                             .null_count = fuzz_byte(r) % 3 - 1,
                             .buffers = buffer,
                             .release = release_array,
                             .private_data = buffer};
  fill_buffers(r, format, rows + offset, buffer, &out->n_buffers);
  if (lie == 1) out->length = (int64_t)rows / 2;
  if (lie == 2) out->length = -(int64_t)rows - 1;
  if (lie == 3) out->offset = INT64_MAX - 3;
  if (lie == 4) out->n_buffers = (int64_t)(fuzz_byte(r) % 8) - 3; /* more than there are can't be found out */
  if (lie == 5 && rows > 0) {
    free((void *)(uintptr_t)buffer[1]);
    buffer[1] = NULL;
  }
  if (!has_dictionary || lie == 6) return;
  static const char *const words[] = {"u", "U", "vu", "l", "i"};
  out->dictionary = malloc(sizeof *out->dictionary);
  make_array(r, out->dictionary, words[strlen(format) % 2 == 0 ? 2 : 0], fuzz_byte(r) % 5, false);
}

/* ---- Streams ----------------------------------------------------------------------------------- */

static struct ArrowSchema schema_of(const char *format, const char *name) {
  live++;
  return (struct ArrowSchema){.format = format, .name = name, .release = release_schema};
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
  const table *t = stream->private_data;
  *out = schema_of("+s", NULL);
  out->n_children = (int64_t)t->columns;
  out->children = calloc(t->columns + 1, sizeof *out->children);
  for (size_t i = 0; i < t->columns; i++) {
    out->children[i] = malloc(sizeof(struct ArrowSchema));
    *out->children[i] = schema_of(t->format[i], t->name[i]);
    if (!t->has_dictionary[i]) continue;
    out->children[i]->dictionary = malloc(sizeof(struct ArrowSchema));
    *out->children[i]->dictionary = schema_of("u", NULL);
  }
  return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
  table *t = stream->private_data;
  *out = (struct ArrowArray){.length = 0};
  if (t->batches == 0) return t->fails ? EIO : 0;
  t->batches--;
  size_t rows = fuzz_byte(t->r) % ROWS;
  size_t offset = fuzz_byte(t->r) % 3;
  const void **buffer = calloc(4, sizeof *buffer);
  live++;
  *out = (struct ArrowArray){.length = (int64_t)rows,
                             .offset = (int64_t)offset,
                             .n_buffers = 1,
                             .n_children = (int64_t)t->columns - (fuzz_byte(t->r) == 77),
                             .buffers = buffer,
                             .children = calloc(t->columns + 1, sizeof *out->children),
                             .release = release_array,
                             .private_data = buffer};
  for (size_t i = 0; i < t->columns; i++) {
    out->children[i] = malloc(sizeof(struct ArrowArray));
    make_array(t->r, out->children[i], t->format[i], rows + offset, t->has_dictionary[i]);
  }
  return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream) {
  return stream->private_data ? "it broke" : NULL;
}

static struct ArrowArrayStream make_stream(table *t, fuzz_reader *r) {
  static const char *const usual[] = {"item_id", "timestamp", "target", "x", "kind", ""};
  static const char *const formats[][8] = {{"u", "l", "U", "vu", "i", "C", "L", "s"},
                                           {"tsu:", "tsn:", "tdD", "tss:+01:00", "tsm:UTC", "tdm", "tsu:EST5EDT", "l"},
                                           {"g", "f", "l", "e", "b", "c", "d:3,1", "u"},
                                           {"g", "f", "L", "n", "b", "S", "u", "+l"},
                                           {"u", "vu", "b", "n", "U", "i", "g", "x"},
                                           {"u", "vu", "b", "n", "U", "i", "g", "x"}};
  *t = (table){.r = r, .columns = 2 + fuzz_byte(r) % 5, .batches = 1 + fuzz_byte(r) % 4};
  uint8_t odd = fuzz_byte(r);
  t->fails = odd == 3;
  for (size_t i = 0; i < t->columns; i++) {
    uint8_t b = fuzz_byte(r);
    size_t name = odd % 8 == 5 ? b / 8 % 6 : i;
    t->name[i] = usual[name];
    t->format[i] = formats[name][b % 8];
    t->has_dictionary[i] = b >= 192 && strchr("ilsSCL", *t->format[i]) != NULL;
  }
  live++;
  return (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, t};
}

/* ---- What comes out ---------------------------------------------------------------------------- */

static void check_rows(const struct ArrowArray *a, size_t levels, bool has_errors) {
  fuzz_require(a->length > 0 && a->n_children == (int64_t)(4 + levels + has_errors),
               "a record batch has rows and columns");
  for (int64_t c = 3; c < (int64_t)(4 + levels); c++) {
    const uint8_t *valid = a->children[c]->buffers[0];
    const float *value = a->children[c]->buffers[1];
    for (int64_t i = 0; i < a->length; i++) {
      if (valid && !(valid[i / 8] >> i % 8 & 1)) continue;
      fuzz_require(isfinite(value[i]), "a forecast is finite or null");
    }
  }
}

static void read_all(struct ArrowArrayStream *out, size_t levels, bool has_errors, uint8_t most) {
  struct ArrowArray array;
  struct ArrowSchema schema;
  fuzz_require(out->get_schema(out, &schema) == 0 && schema.n_children == (int64_t)(4 + levels + has_errors),
               "there is a schema");
  schema.release(&schema);
  for (uint8_t reads = 0; reads < most; reads++) {
    int code = out->get_next(out, &array);
    fuzz_require(code == 0 || (!array.release && *out->get_last_error(out)), "an error has a text and no rows");
    if (code != 0 || !array.release) break;
    check_rows(&array, levels, has_errors);
    array.release(&array);
  }
}

static void warn(void *user, const char *text) {
  fuzz_require(*text != '\0', "a warning has a text");
  (void)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static chronos2_model *model;
  static chronos2_session *session;
  static const char *const freqs[] = {NULL, NULL, NULL, "D", "h", "MS", "us", "W"};
  static const char *const targets[] = {"target", "x"};
  static const char *const covariates[] = {"x"};
  static const double levels[] = {0.5, 0.25};
  chronos2_config config = fuzz_config();
  chronos2_session_options plain = {CHRONOS2_SESSION_OPTIONS_INIT, .threads = 1};
  if (!model && (chronos2_model_random(&config, 1, NULL, &model) != CHRONOS2_OK ||
                 chronos2_session_open(model, &plain, &session) != CHRONOS2_OK)) {
    abort();
  }
  fuzz_reader r = {data, data + size};
  uint8_t mode = fuzz_byte(&r);
  uint8_t more = fuzz_byte(&r);
  uint8_t apart = fuzz_byte(&r);
  chronos2_predict_options predict = {CHRONOS2_PREDICT_OPTIONS_INIT,
                                      .horizon = 1 + mode % HORIZON,
                                      .on_error = mode & 16 ? CHRONOS2_ON_ERROR_SKIP : CHRONOS2_ON_ERROR_FAIL,
                                      .cross_learning = mode & 32};
  chronos2_stream_options options = {CHRONOS2_STREAM_OPTIONS_INIT,
                                     .predict = &predict,
                                     .quantile_levels = levels,
                                     .level_count = 1 + (mode & 1),
                                     .targets = targets,
                                     .target_count = more & 8 ? 2 : 1,
                                     .freq = freqs[more % 8],
                                     .batch_series = more & 16 ? 1 : 0,
                                     .on_warning = warn,
                                     .skip_validation = more & 32,
                                     .gather = mode & 64,
                                     .fill_gaps = mode & 128,
                                     .independent = apart & 1,
                                     .error_column = apart & 2,
                                     .future_column = apart & 4 ? "kind" : NULL,
                                     .known_covariates = covariates,
                                     .known_count = apart & 8 ? 1 : 0};
  table t[2];
  struct ArrowArrayStream past = make_stream(&t[0], &r);
  struct ArrowArrayStream future = {.release = NULL};
  struct ArrowArrayStream out;
  bool known = more & 64;
  if (known) future = make_stream(&t[1], &r);
  chronos2_status status = chronos2_predict_stream(session, &past, known ? &future : NULL, &options, &out);
  fuzz_require(!past.release && !future.release, "the inputs were taken over");
  if (status == CHRONOS2_OK) {
    read_all(&out, options.level_count, options.error_column, more & 128 ? 1 : 255);
    out.release(&out);
  } else {
    fuzz_check_api_error(status);
  }
  fuzz_require(!out.release && live == 0, "everything was released");
  return 0;
}
