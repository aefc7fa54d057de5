/* Arrow files and streams: what is read of them, what is written, and what damaged ones are. */
#include "program.h"

#include <math.h>

#include "base/infile.h"
#include "data/ipc.h"
#include "data/read.h"

#define CORPUS SOURCE_DIR "/tests/fuzz/corpus/arrow/"

/* ---- A table that is written ----------------------------------------------------------------- */

enum { COLUMNS = 4, BATCHES = 2, ROWS = 30, HOURS = 15 };

static const char *const names[COLUMNS] = {"item_id", "timestamp", "target", "x"};
static const char *const formats[COLUMNS] = {"u", "tsu:", "g", "f"};
static const char *const words[] = {"a", "b, \"c\""};
static uint32_t word_of[ROWS];
static int64_t stamp[ROWS];
static double target[ROWS], x[ROWS];

/* Each item is a batch. */
static c2_frame frame_of(size_t batch, c2_column columns[COLUMNS]) {
  for (size_t i = 0; i < ROWS; i++) {
    word_of[i] = (uint32_t)batch;
    stamp[i] = INT64_C(1704067200000000) + (int64_t)i * INT64_C(3600000000);
    target[i] = i == 4 ? (double)NAN : 0.1 * (double)(i * (batch + 3) % 7);
    x[i] = (double)(i % 3);
  }
  columns[0] = (c2_column){.type = C2_COLUMN_TEXT, .code = word_of, .word = words, .words = 2, .is_borrowed = true};
  columns[1] = (c2_column){.type = C2_COLUMN_TIME, .time = stamp, .is_borrowed = true};
  columns[2] = (c2_column){.type = C2_COLUMN_NUMBER, .number = target, .is_borrowed = true};
  columns[3] = (c2_column){.type = C2_COLUMN_NUMBER, .number = x, .is_borrowed = true};
  return (c2_frame){.column = columns, .columns = COLUMNS, .rows = ROWS};
}

static void write_arrow(const char *path, bool is_file) {
  c2_ipc_writer *writer = NULL;
  c2_error err;
  c2_column columns[COLUMNS];
  FILE *out = fopen(path, "wb");
  assert_non_null(out);
  if (c2_ipc_writer_open(&writer, names, formats, COLUMNS, is_file, out, &err) != C2_OK) fail_msg("%s", err.text);
  for (size_t batch = 0; batch < BATCHES; batch++) {
    c2_frame frame = frame_of(batch, columns);
    if (c2_ipc_writer_put(writer, &frame, &err) != C2_OK) fail_msg("%s", err.text);
  }
  if (c2_ipc_writer_finish(writer, &err) != C2_OK) fail_msg("%s", err.text);
  c2_ipc_writer_close(&writer);
  assert_int_equal(fclose(out), 0);
}

static void write_csv(const char *path) {
  c2_column columns[COLUMNS];
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target,x\n", out);
  for (size_t batch = 0; batch < BATCHES; batch++) {
    (void)frame_of(batch, columns);
    for (size_t i = 0; i < ROWS; i++) {
      (void)fprintf(out, "%s,2024-01-%02d %02d:00:00,", batch ? "\"b, \"\"c\"\"\"" : "a", 1 + (int)i / 24, (int)i % 24);
      if (isnan(target[i])) {
        (void)fprintf(out, ",%.9g\n", x[i]);
      } else {
        (void)fprintf(out, "%.17g,%.9g\n", target[i], x[i]);
      }
    }
  }
  assert_int_equal(fclose(out), 0);
}

/* A forecast of the same rows is the same, byte for byte, whatever file holds them. */
static void test_same_as_csv(void **state) {
  (void)state;
  static const char *const files[] = {"t.arrow", "t.feather", "t.arrows", "without"};
  char *folder = program_make_folder();
  char *csv = program_path(folder, "t.csv");
  write_csv(csv);
  program_result expected = PROGRAM_RUN("forecast", csv, "-n", "3", "--covariates", "x");
  assert_int_equal(expected.status, 0);
  assert_int_equal(program_count(expected.out, "\n"), 1 + 3 * BATCHES);
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    char *path = program_path(folder, files[i]);
    write_arrow(path, i != 2);
    program_result found = PROGRAM_RUN("forecast", path, "-n", "3", "--covariates", "x");
    assert_string_equal(found.err, expected.err);
    assert_string_equal(found.out, expected.out);
    program_free(&found);
    free(path);
  }
  program_free(&expected);
  free(csv);
  program_remove_folder(folder);
}

/* ---- What is written --------------------------------------------------------------------------- */

static void read_column(const char *path, const c2_want *want, c2_input *input, c2_frame *frame) {
  c2_error err;
  if (c2_input_open(input, path, true, NULL, &err) != C2_OK) fail_msg("%s", err.text);
  if (input->reader->read_columns(input, want, 3, frame, &err) != C2_OK) fail_msg("%s", err.text);
}

/* Values of --output as a table are those of CSV. */
static void test_output(void **state) {
  (void)state;
  static const c2_want want[] = {{0, C2_WANT_NAME, NULL}, {1, C2_WANT_TIME, NULL}, {12, C2_WANT_NUMBER, NULL}};
  static const char *const files[] = {"o.arrow", "o.arrows"};
  char *folder = program_make_folder();
  char *in = program_path(folder, "t.arrow");
  char *csv = program_path(folder, "o.csv");
  write_arrow(in, true);
  program_result wrote = PROGRAM_RUN("forecast", in, "-n", "3", "-o", csv);
  assert_int_equal(wrote.status, 0);
  program_free(&wrote);
  for (size_t i = 0; i < 2; i++) {
    char *path = program_path(folder, files[i]);
    c2_input input[2];
    c2_frame frame[2] = {{.columns = 0}, {.columns = 0}};
    wrote = PROGRAM_RUN("forecast", in, "-n", "3", "-o", path);
    assert_int_equal(wrote.status, 0);
    assert_string_equal(wrote.out, "");
    program_free(&wrote);
    read_column(csv, want, &input[0], &frame[0]);
    read_column(path, want, &input[1], &frame[1]);
    assert_string_equal(input[1].reader->name, "Arrow");
    assert_int_equal(frame[1].rows, 3 * BATCHES);
    assert_int_equal(frame[0].rows, frame[1].rows);
    for (size_t r = 0; r < frame[0].rows; r++) {
      const c2_column *a = frame[0].column;
      const c2_column *b = frame[1].column;
      assert_string_equal(a[0].word[a[0].code[r]], b[0].word[b[0].code[r]]);
      assert_true(a[1].time[r] == b[1].time[r]);
      assert_true((float)a[2].number[r] == (float)b[2].number[r] && isfinite(b[2].number[r]));
    }
    for (size_t k = 0; k < 2; k++) {
      c2_frame_free(&frame[k]);
      c2_input_close(&input[k]);
    }
    free(path);
  }
  free(in);
  free(csv);
  program_remove_folder(folder);
}

/* ---- Strangers' files -------------------------------------------------------------------------- */

/* Reads bytes as a file, all columns. */
static c2_status read_bytes(const char *bytes, size_t size, size_t *items, c2_error *err) {
  c2_read_options options = {.all_covariates = true};
  c2_dataset set = {.count = 0};
  c2_input input;
  char *copy = malloc(size + 1); /* of this size, so that reading beyond it is seen */
  assert_non_null(copy);
  memcpy(copy, bytes, size);
  copy[size] = '\0';
  c2_status status = c2_input_start(&input, "t.arrow", copy, size, false, NULL, err);
  if (status == C2_OK) status = c2_input_read(&input, &set, &options, err);
  c2_input_close(&input);
  *items = set.count;
  c2_dataset_free(&set);
  free(copy);
  return status;
}

static void load(const char *name, char **bytes, size_t *size) {
  char path[400];
  c2_error err;
  (void)snprintf(path, sizeof path, "%s%s", CORPUS, name);
  if (c2_read_file(path, bytes, size, &err) != C2_OK) fail_msg("%s", err.text);
}

static const char *const strangers[] = {"dictionary", "stream", "lz4", "zstd"};

/* Nothing is read of a file that was cut off, wherever that was. */
static void test_truncations(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
    char *bytes = NULL;
    size_t size = 0;
    size_t items = 0;
    c2_error err = {.code = C2_OK};
    load(strangers[i], &bytes, &size);
    c2_status whole = read_bytes(bytes, size, &items, &err);
    if (whole != C2_OK) assert_non_null(strstr(err.text, "this program was built without that")); /* the codec */
    if (whole == C2_OK) assert_int_equal(items, 2);
    for (size_t at = 0; at < size; at += 7) {
      c2_status status = read_bytes(bytes, at, &items, &err);
      if (status == C2_OK) fail_msg("%s: read %zu of %zu bytes as if whole", strangers[i], at, size);
      assert_true(err.text[0] != '\0');
    }
    free(bytes);
  }
}

static void test_flips(void **state) {
  (void)state;
  uint64_t draw = 88172645463325252u;
  for (size_t round = 0; round < 4000; round++) {
    char *bytes = NULL;
    size_t size = 0;
    size_t items = 0;
    c2_error err = {.code = C2_OK};
    load(strangers[round % 2], &bytes, &size);
    for (size_t flips = 1 + round % 3; flips > 0; flips--) {
      draw ^= draw << 13;
      draw ^= draw >> 7;
      draw ^= draw << 17;
      bytes[(draw >> 8) % size] ^= (char)(1u << draw % 8);
    }
    if (read_bytes(bytes, size, &items, &err) != C2_OK) assert_true(err.text[0] != '\0');
    free(bytes);
  }
}

static void assert_refused(const char *bytes, size_t size, const char *part) {
  size_t items = 0;
  c2_error err = {.code = C2_OK};
  assert_int_not_equal(read_bytes(bytes, size, &items, &err), C2_OK);
  if (!strstr(err.text, part)) fail_msg("expected '%s', found '%s'", part, err.text);
}

static void test_refusals(void **state) {
  (void)state;
  char *bytes = NULL;
  char longer[8192];
  size_t size = 0;
  load("stream", &bytes, &size);
  assert_true(size + 8 < sizeof longer);
  memcpy(longer, bytes, size);
  memset(longer + size, 0, 8);
  assert_refused(longer, size + 8, "t.arrow: Arrow: 8 bytes follow its end");
  assert_refused(bytes, size - 8, "it is cut off at byte");
  assert_refused("item_id,timestamp,target\n", 25, "t.arrow: expected Arrow's IPC format, a file or a stream, found");
  assert_refused("", 0, "found something else");
  memcpy(longer, bytes, size);
  longer[4] = (char)0xff;
  longer[7] = 0x7f; /* the length of the first header */
  assert_refused(longer, size, "it is cut off: the message at byte 0 goes on beyond its end");
  free(bytes);
}

/* Streams of clients: buffers that say themselves how large they are, and tables without end. */
static void test_bounds(void **state) {
  (void)state;
  c2_ipc_options options = {.is_bounded = true, .most_values = 639}; /* of 80 rows of 6 columns */
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  char *bytes = NULL;
  size_t size = 0;
  c2_error err;
  load("lz4", &bytes, &size);
  assert_int_equal(c2_ipc_open(&stream, bytes, size, &options, &err), C2_OK);
  assert_int_not_equal(stream.get_next(&stream, &batch), 0);
  assert_string_equal(stream.get_last_error(&stream), "its buffers are compressed by LZ4: expected uncompressed ones");
  stream.release(&stream);
  free(bytes);
  load("stream", &bytes, &size);
  for (size_t more = 0; more < 2; more++) {
    int code = 0;
    int64_t rows = 0;
    options.most_values = 639 + more;
    assert_int_equal(c2_ipc_open(&stream, bytes, size, &options, &err), C2_OK);
    for (batch.release = NULL; (code = stream.get_next(&stream, &batch)) == 0 && batch.release;) {
      rows += batch.length;
      batch.release(&batch);
    }
    assert_int_equal(code == 0, more);
    assert_int_equal(rows, more ? 80 : 75);
    if (code) assert_int_equal(code, EFBIG);
    if (code) assert_non_null(strstr(stream.get_last_error(&stream), "expected at most 639 values"));
    stream.release(&stream);
  }
  free(bytes);
}

/* Numbers that float32 can't hold are no column of it: an error, or float64. */
static void test_range(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *in = program_path(folder, "in.csv");
  char *out = program_path(folder, "o.arrow");
  const char *text = "timestamp,target\n2024-01-01,1e300\n2024-01-02,2e300\n2024-01-03,3e300\n";
  program_write_file(in, text, strlen(text));
  program_result r = PROGRAM_RUN("forecast", in, "-n", "1", "-o", out);
  assert_int_equal(r.status, 1);
  assert_non_null(strstr(r.err, "is beyond the range of float32; --digits 17 writes float64"));
  assert_int_equal(access(out, F_OK), -1);
  program_free(&r);
  text = "timestamp,target\n2024-01-01,1e-46\n2024-01-02,2e-46\n2024-01-03,3e-46\n"; /* in float32 they are 0 */
  program_write_file(in, text, strlen(text));
  r = PROGRAM_RUN("forecast", in, "-n", "1", "-o", out);
  assert_int_equal(r.status, 1);
  assert_non_null(strstr(r.err, "is below the range of float32; --digits 17 writes float64"));
  assert_int_equal(access(out, F_OK), -1);
  program_free(&r);
  r = PROGRAM_RUN("forecast", in, "-n", "1", "--digits", "17", "-o", out);
  assert_int_equal(r.status, 0);
  program_free(&r);
  text = "timestamp,target\n2024-01-01,1e300\n2024-01-02,2e300\n2024-01-03,3e300\n";
  program_write_file(in, text, strlen(text));
  r = PROGRAM_RUN("forecast", in, "-n", "1", "--digits", "17", "-o", out);
  assert_int_equal(r.status, 0);
  program_free(&r);
  static const c2_want want[] = {{0, C2_WANT_NAME, NULL}, {1, C2_WANT_TIME, NULL}, {3, C2_WANT_NUMBER, NULL}};
  c2_input input;
  c2_frame frame = {.columns = 0};
  read_column(out, want, &input, &frame);
  double value = frame.column[2].number[0];
  assert_true(value > 1e300 && isfinite(value));
  c2_frame_free(&frame);
  c2_input_close(&input);
  free(in);
  free(out);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_csv), cmocka_unit_test(test_output),
                                     cmocka_unit_test(test_range),       cmocka_unit_test(test_truncations),
                                     cmocka_unit_test(test_flips),       cmocka_unit_test(test_refusals),
                                     cmocka_unit_test(test_bounds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
